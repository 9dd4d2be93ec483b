"""Charts: one meaning for one colour, names and limits that are drawn, and a chart that can be saved alone."""

from __future__ import annotations

import json
import re
from itertools import pairwise

import pandas as pd
import pytest

from trialbook.core.described import look_of
from trialbook.display import figure
from trialbook.display.chart_rendering import still_svg
from trialbook.display.charts import safety, survival
from trialbook.display.charts.common import apart
from trialbook.display.charts.escalation import escalation_diary_chart, rule_states
from trialbook.display.figures import SIGNAL, Figure
from trialbook.display.theme import (
    DISEASE,
    DLT_OUTCOMES,
    DOSES,
    RESPONSE_CATEGORIES,
    SEVERITY,
    TOXICITY,
    dose_level_colours,
)
from trialbook.dlt.figures import level_states
from trialbook.safety.lab_figures import grade_bands
from trialbook.subjects.dlt_status import DLT, NO_DLT, PENDING

LEVELS = ["DL1", "DL2", "DL3"]


def lightness(colour: str) -> float:
    """How light a colour is on grey paper."""
    red, green, blue = bytes.fromhex(colour[1:])
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize(
    "scale", [DOSES, SEVERITY, DISEASE, tuple(dose_level_colours([f"L{k}" for k in range(6)]).values())]
)
def test_ordered_scales_darken_step_by_step(scale: tuple[str, ...]) -> None:
    shades = [lightness(colour) for colour in scale]
    assert all(before > after + 5 for before, after in pairwise(shades))


def test_a_colour_has_one_meaning_across_the_scales() -> None:
    scales = [
        set(DOSES),
        set(SEVERITY),
        set(DISEASE),
        {TOXICITY},
        {RESPONSE_CATEGORIES[name] for name in ("CR", "PR", "MR")},
    ]
    assert len(set().union(*scales)) == sum(len(scale) for scale in scales)
    assert DLT_OUTCOMES["DLT"] == TOXICITY


def test_names_at_the_ends_of_lines_do_not_cover_each_other() -> None:
    values = [1.0, 1.0, 1.02, 5.0, 9.99, 10.0]
    places = apart(values, (0.0, 10.0), 200, 11)
    order = sorted(range(len(values)), key=lambda k: (values[k], k))
    moved = [places[k] for k in order]
    assert all(after - before >= 10 * 11 / 200 - 1e-6 for before, after in pairwise(moved))
    assert min(moved) >= 0
    assert max(moved) <= 10


BARS = pd.DataFrame({
    "subject": ["001", "008"], "level": ["DL1", "DL2"], "day": [200, 60], "status": ["alive", "alive"],
    "response": ["CR", "NR"], "end": ["alive", "not seen lately"], "unseen": [0, 117], "said": ["DL1, CR", "DL2, NR"],
})  # fmt: skip
MARKS = pd.DataFrame({
    "subject": ["001", "001", "001"], "day": [0, 0, 0], "event": ["infusion", "serious adverse event", "DLT"],
    "what": ["", "Chills", "Chills"],
})  # fmt: skip


def test_a_chart_of_subjects_can_be_saved_alone() -> None:
    chart = survival.swimmer_chart(BARS, MARKS, LEVELS, [28])
    spec = chart.to_dict()
    assert [param["name"] for param in spec["params"]] == [SIGNAL]
    made = figure(chart, BARS, "Course")
    assert isinstance(made, Figure)
    assert [param["name"] for param in made.spec["params"]] == [SIGNAL]
    assert "<svg" in still_svg(made.spec, "course")


def test_a_dlt_an_infusion_and_a_serious_event_of_one_day_are_three_marks() -> None:
    spec = survival.swimmer_chart(BARS, MARKS, LEVELS, [28]).to_dict()
    offsets = {
        rows[0]["event"]: layer["mark"].get("yOffset")
        for layer in spec["layer"]
        if layer["mark"]["type"] == "point" and "event" in json.dumps(layer["encoding"])
        for rows in [spec["datasets"][layer["data"]["name"]]]
    }
    assert len(set(offsets.values())) == len(offsets) == 3


def test_a_subject_not_seen_lately_ends_otherwise_than_one_who_goes_on() -> None:
    spec = survival.swimmer_chart(BARS, MARKS, LEVELS, [28]).to_dict()
    ends = {
        spec["datasets"][layer["data"]["name"]][0]["end"]: layer["mark"]["shape"]
        for layer in spec["layer"]
        if layer["mark"].get("xOffset") and spec["datasets"][layer["data"]["name"]]
    }
    assert ends == {"alive": "triangle-right", "not seen lately": "circle"}
    assert not set(ends.values()) & set(survival.SHAPES.values())


def test_who_is_outside_of_the_limits_of_the_liver_screen_is_named() -> None:
    points = pd.DataFrame({
        "SUBJECT": ["001", "007", "016"], "TRT01A": ["DL1", "DL2", "DL3"], "X": [1.0, 1.2, 4.5], "Y": [0.6, 3.0, 2.2],
        "X0": [1.0, 1.0, 1.0], "Y0": [0.5, 3.0, 2.0],
    })  # fmt: skip
    spec = safety.hepatic_screen(points, 3, 2, "multiples of ULN", LEVELS).to_dict()
    named = [
        {row["SUBJECT"] for row in spec["datasets"][layer["data"]["name"]]}
        for layer in spec["layer"]
        if layer["encoding"].get("text", {}).get("field") == "SUBJECT"
    ]
    assert named == [{"007", "016"}]
    said = {row["SAID"] for rows in spec["datasets"].values() for row in rows if "SAID" in row}
    assert len(said) == 4


def test_the_band_of_the_worst_grade_goes_up_to_the_edge() -> None:
    panel = pd.DataFrame({"TEST": ["ALT (x ULN)"] * 2 + ["PLAT (10^9/L)"] * 2, "VALUE": [0.5, 4.5, 40.0, 200.0]})
    limits = pd.DataFrame({"TEST": ["PLAT (10^9/L)"], "NAME": ["LLN"], "VALUE": [150.0]})
    bands = grade_bands(panel, limits).set_index(["TEST", "GRADE"])
    assert bands.loc[("ALT (x ULN)", "G1")].tolist() == [1.0, 3.0]
    assert bands.loc[("ALT (x ULN)", "G2")].tolist() == [3.0, 5.0]
    assert bands.loc[("PLAT (10^9/L)", "G1")].tolist() == [75.0, 150.0]
    assert bands.loc[("PLAT (10^9/L)", "G3"), "HIGH"] == 50.0


def statuses(*given: tuple[str, str, str]) -> pd.DataFrame:
    frame = pd.DataFrame(given, columns=["USUBJID", "TRT01A", "DLTSTAT"])
    return frame.assign(
        SUBJID=frame["USUBJID"], TRTSDT=pd.to_datetime("2025-01-01"), WINENDT=pd.to_datetime("2025-01-29"), FUPFRAC=1.0,
        DLTSEQ=pd.NA, COUNTED="", REASON="",
    )  # fmt: skip


def test_the_states_are_those_of_the_rule_and_the_present_ones_are_marked(protocol, analysis) -> None:
    addlt = statuses(
        ("S1", "DL1", NO_DLT), ("S2", "DL1", NO_DLT), ("S3", "DL1", NO_DLT), ("S4", "DL2", DLT), ("S5", "DL2", NO_DLT),
        ("S6", "DL2", PENDING),
    )  # fmt: skip
    states = level_states(addlt, protocol, analysis.model_copy(update={"escalation_rule": "3+3"}))
    says = states.set_index(["EVALUABLE", "DLTS"])["SAYS"].to_dict()
    assert [says[3, k] for k in range(4)] == ["escalate", "treat more here", *["too toxic, go down"] * 2]
    assert [says[6, k] for k in range(3)] == ["escalate", "escalate", "too toxic, go down"]
    here = states[states["HERE"] != ""].set_index(["EVALUABLE", "DLTS"])["HERE"].to_dict()
    assert here == {(3, 0): "DL1", (2, 1): "DL2, 1 pending"}
    # All three places of a cap of 6 are used, and S6 is pending at DL2: it can come to 3 evaluable, with 1 or 2 DLTs.
    full = level_states(addlt, protocol, analysis.model_copy(update={"escalation_rule": "3+3", "n_cap": 6}))
    left = full[full["REACH"].eq("")]
    assert set(zip(left["EVALUABLE"], left["DLTS"], strict=True)) == {(3, 0), (2, 1), (3, 1), (3, 2)}
    assert any("0 of 6 places are left" in note for note in look_of(full)["notes"])
    assert "<svg" in still_svg(rule_states(states).to_dict(), "states")
    boin = level_states(addlt, protocol, analysis.model_copy(update={"escalation_rule": "BOIN"}))
    said = boin.set_index(["EVALUABLE", "DLTS"])["SAYS"].to_dict()
    assert [said[3, k] for k in range(4)] == ["escalate", "treat more here", "go down", "too toxic, go down"]
    assert level_states(addlt, protocol, analysis.model_copy(update={"escalation_rule": "CRM"})).empty


def test_the_diary_says_when_at_what_dose_and_which_dlt() -> None:
    diary = pd.DataFrame({
        "order": [1, 2], "subject": ["S1", "S2"], "level": ["DL1", "DL2"], "outcome": ["no DLT", "DLT"],
        "DATE": ["2025-01-01", "2025-02-01"], "TERM": ["", "Sepsis"],
    })  # fmt: skip
    svg = still_svg(escalation_diary_chart(diary, LEVELS, {"DL2": "DL2, 2 x 10^6/kg"}).to_dict(), "diary")
    assert {"Sepsis", "2: 2025-02-01", "DL2, 2 x 10^6/kg"} <= set(re.findall(r">([^<]+)<", svg))


def test_the_summary_of_a_figure_is_read_in_place_of_it() -> None:
    made = figure(survival.swimmer_chart(BARS, MARKS, LEVELS, [28]), BARS, "Course", summary="2 subjects.")
    assert isinstance(made, Figure)
    assert made.chart_bundle()["text/plain"] == "Chart: Course. 2 subjects."
