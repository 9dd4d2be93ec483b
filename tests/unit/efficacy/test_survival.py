"""Survival as reported numbers: S(t), what is not reached, the median, follow-up, and the words around them."""

from __future__ import annotations

import warnings

import pandas as pd
import pytest

from support.reported_rows import time_to_event_rows
from support.trial_builder import FIRST_INFUSION
from trialbook.core.domains import Domains
from trialbook.display import figure
from trialbook.display.charts.survival import incidence_chart, kaplan_meier_chart, swimmer_chart
from trialbook.efficacy import survival_tables as views
from trialbook.efficacy.adtte import COLUMNS
from trialbook.efficacy.survival import (
    curve_points,
    curve_steps,
    drawn_levels,
    follow_up_rows,
    incidence_rows,
    incidence_steps,
    numbers_at_risk,
)
from trialbook.efficacy.swimmer import swimmer_bars, swimmer_lanes, swimmer_marks
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.models import Protocol
from trialbook.results.ard import to_ard
from trialbook.workbook.presentation import ESTIMATE, without_few

TIMES = [5, 12, 12, 28, 40, 60, 61, 75, 100, 100, 120, 180]
EVENTS = [1, 1, 0, 0, 1, 0, 1, 0, 1, 0, 0, 0]
CUT = FIRST_INFUSION + pd.Timedelta(days=190)


def adtte(times: list[int], events: list[int], parameter: str = "OS", level: str = "DL1") -> pd.DataFrame:
    """ADTTE rows from days and events (1 = event)."""
    n = len(times)
    ids = [f"S{k:02d}" for k in range(n)]
    frame = pd.DataFrame({
        "STUDYID": "iMSC-2001", "USUBJID": ids, "SUBJID": ids, "TRT01A": level, "TRT01AN": 1, "PARAMCD": parameter,
        "PARAM": parameter, "AVAL": [float(t) for t in times], "CNSR": [1 - e for e in events],
        "STARTDT": FIRST_INFUSION, "ADT": [FIRST_INFUSION + pd.Timedelta(days=t) for t in times],
        "ADTF": "", "EVNTDESC": "", "CNSDTDSC": "SV.SVSTDTC",
    })[COLUMNS]  # fmt: skip
    dates = {"STARTDT": "datetime64[s]", "ADT": "datetime64[s]"}
    text = dict.fromkeys(["TRT01A", "PARAMCD", "USUBJID", "SUBJID", "ADTF", "EVNTDESC", "CNSDTDSC"], "str")
    return frame.astype({**text, **dates, "AVAL": "float64", "CNSR": "Int64"})


@pytest.fixture
def report(protocol: Protocol, analysis: Analysis):  # type: ignore[no-untyped-def]
    def rows(frame: pd.DataFrame) -> pd.DataFrame:
        return to_ard(
            time_to_event_rows(frame, protocol, analysis) + follow_up_rows(frame, protocol, analysis, CUT)
        )  # fmt: skip

    return rows


def text(ard: pd.DataFrame, analysis_id: str, stat: str, day: str = "", level: str = "Total") -> str:
    context = "log-log" if analysis_id != "OS_EVENTS" else ""
    keys = {"analysis_id": analysis_id, "stat_name": stat, "variable_level": day, "group1_level": level}
    found = ard[ard["context"].eq(context)]
    for name, value in keys.items():
        found = found[found[name] == value]
    return found["stat_text"].item()


def test_survival_at_day_28_and_100_of_the_twelve_subjects(report) -> None:  # type: ignore[no-untyped-def]
    ard = report(adtte(TIMES, EVENTS))
    assert [text(ard, "OS_KM", s, "28") for s in ("estimate", "n.risk", "n.event")] == ["0.833", "9", "2"]
    assert [text(ard, "OS_KM", s, "100") for s in ("estimate", "conf.low", "conf.high")] == ["0.456", "0.126", "0.742"]
    assert [text(ard, "OS_KM", s, "100") for s in ("n.risk", "n.event")] == ["4", "5"]
    assert text(ard, "FUP_RKM", "estimate") == "100"
    assert [text(ard, "OS_EVENTS", s) for s in ("n", "N")] == ["5", "12"]


def test_a_day_that_nobody_has_reached_is_not_reached(report) -> None:  # type: ignore[no-untyped-def]
    ard = report(adtte([10, 50], [1, 0]))
    row = ard[(ard["stat_name"] == "estimate") & (ard["variable_level"] == "100") & (ard["group1_level"] == "Total")]
    assert row["stat"].isna().all()
    assert row["stat_text"].tolist() == ["not reached"]
    assert text(ard, "OS_KM", "conf.low", "100") == "-"


def test_when_all_are_dead_survival_is_known_for_every_later_day(report) -> None:  # type: ignore[no-untyped-def]
    ard = report(adtte([10, 20], [1, 1]))
    assert [text(ard, "OS_KM", s, "180") for s in ("estimate", "conf.low", "conf.high")] == ["0.000", "-", "-"]
    assert [text(ard, "OS_MEDIAN", s) for s in ("estimate", "conf.high")] == ["15", "-"]
    assert text(ard, "FUP_RKM", "estimate") == "not reached"


def test_while_nobody_has_died_the_bound_of_those_at_risk_stands_beside(report) -> None:  # type: ignore[no-untyped-def]
    ard = report(adtte([120] * 12, [0] * 12))
    assert [text(ard, "OS_KM", s, "100") for s in ("estimate", "conf.low")] == ["1.000", "-"]
    bound = ard[ard["context"].eq("clopper_pearson_lower") & ard["variable_level"].eq("100")]
    low = bound[bound["stat_name"].eq("conf.low") & bound["group1_level"].eq("Total")]["stat"].item()
    assert low == pytest.approx(0.05 ** (1 / 12))
    assert text(ard, "OS_MEDIAN", "estimate") == "not reached"


def test_without_censoring_the_exact_interval_stands_beside(report) -> None:  # type: ignore[no-untyped-def]
    ard = report(adtte([10, 20, *[120] * 10], [1, 1, *[0] * 10]))
    exact = ard[ard["context"].eq("clopper_pearson") & ard["group1_level"].eq("Total")]
    assert sorted(set(exact["variable_level"])) == ["100", "28"]
    at_100 = exact[exact["variable_level"].eq("100")]["stat_text"].tolist()
    assert at_100 == ["0.833", "0.516", "0.979"]


def test_a_level_without_subjects_has_dashes_and_never_zero_rates(report) -> None:  # type: ignore[no-untyped-def]
    ard = report(adtte([10], [1]))
    empty = ard[ard["group1_level"].eq("DL2") & ~ard["stat_name"].isin(["n", "N", "n.risk", "n.event"])]
    assert empty["stat"].isna().all()
    assert set(empty["stat_text"]) == {"-"}


def test_with_nobody_treated_every_rate_is_a_dash_and_the_page_says_so(report, analysis: Analysis) -> None:  # type: ignore[no-untyped-def]
    ard = report(adtte([], []))
    assert text(ard, "OS_KM", "estimate", "100") == "-"
    nobody = pd.DataFrame({"SAFFL": ["", ""]})
    assert views.nobody_followed(ard, nobody) == "No subject has been treated at this cut."
    assert ("Survival at day 100", "-", "") in views.survival_headline(ard, analysis)


def test_with_every_time_unresolved_the_page_does_not_say_that_nobody_was_treated(report) -> None:  # type: ignore[no-untyped-def]
    treated = pd.DataFrame({"SAFFL": ["Y"]})
    assert views.nobody_followed(report(adtte([], [])), treated) == "No survival time is resolved at this cut."


@pytest.mark.parametrize(
    ("times", "events", "words"),
    [
        (TIMES, EVENTS, "Survival at day 100 is 0.456 (95% interval 0.126 to 0.742, log-log)."),
        ([10, 50], [1, 0], "Survival at day 100 cannot be reported yet: no subject has been followed for 100 days."),
        (
            [120] * 3,
            [0] * 3,
            "Nobody has died by day 100: survival is 1.000, at least 0.368 (one-sided 95% bound). Deaths among those "
            "followed to it, 0 of 3: a rate above 63.2% is excluded at 95%.",
        ),
        ([10, 20], [1, 1], "Survival at day 100 is 0.000; its log-log interval cannot be estimated."),
    ],
)
def test_survival_in_words(report, analysis: Analysis, times: list[int], events: list[int], words: str) -> None:  # type: ignore[no-untyped-def]
    assert views.survival_sentence(report(adtte(times, events)), analysis) == words


def test_a_table_leaves_out_limits_only_where_neither_is_a_number(report) -> None:  # type: ignore[no-untyped-def]
    ard = report(adtte([10, 20], [1, 1]))
    shown = views.estimates(ard, "OS_MEDIAN", "log-log")
    assert set(shown[shown["group1_level"].eq("Total")]["stat_name"]) == {"estimate", "conf.low", "conf.high"}
    assert set(views.estimates(ard, "OS_KM", "log-log")["stat_name"]) == {"estimate", "n.risk", "n.event"}


def test_the_living_last_seen_too_long_ago_are_named(analysis: Analysis) -> None:
    frame = adtte([150, 160, 190, 20], [0, 0, 0, 1])
    listed = views.censored_subjects(frame, analysis, CUT)
    assert listed[["SUBJID", "DAYS_AGO", "STALE"]].values.tolist() == [
        ["S00", 40, "Y"],
        ["S01", 30, ""],
        ["S02", 0, ""],
    ]
    assert "S00." in views.stale_sentence(listed, analysis)
    seen = views.censored_subjects(frame.assign(CNSDTDSC="SV.SVSTDTC"), analysis, CUT)
    assert set(seen["SOURCE"]) == {"visit"}
    assert views.stale_sentence(listed.iloc[1:], analysis) == ""


def test_a_listing_gives_the_day_and_the_study_day(analysis: Analysis) -> None:
    dead = views.dead_subjects(adtte([0, 20], [1, 1]))
    assert dead[["AVAL", "ADY"]].values.tolist() == [[0, 1], [20, 21]]


def test_a_level_has_its_own_curve_from_three_subjects_on(analysis: Analysis) -> None:
    both = pd.concat([adtte([1, 2, 3], [1, 1, 1]), adtte([4, 5], [1, 0], level="DL2")])
    assert drawn_levels(both, ["DL1", "DL2", "DL3"], analysis) == ["Total", "DL1"]
    assert drawn_levels(adtte(TIMES, EVENTS), ["DL1", "DL2", "DL3"], analysis) == ["Total"]


def test_the_curve_to_draw_starts_at_one_and_the_numbers_at_risk_fall(analysis: Analysis) -> None:
    steps = curve_steps(adtte(TIMES, EVENTS), ["Total"], analysis)
    assert steps.iloc[0][["day", "n_risk", "survival"]].tolist() == [0, 12, 1]
    assert int(steps["n_event"].sum() + steps["n_censor"].sum()) == 12
    at_risk = numbers_at_risk(adtte(TIMES, EVENTS), ["Total"], [0, 28, 100, 180, 200])
    assert at_risk["n"].tolist() == [12, 9, 4, 1, 0]


def test_cumulative_incidence_is_reported_per_cause(protocol: Protocol, analysis: Analysis) -> None:
    frame = adtte(TIMES, EVENTS, "NRM").assign(CNSR=[0, 0, 1, 1, 2, 1, 0, 1, 0, 1, 1, 1])
    ard = to_ard(incidence_rows(frame, protocol, analysis))
    total = ard[ard["group1_level"].eq("Total") & ard["variable_level"].eq("100")]
    found = {(r.variable, r.stat_name): r.stat_text for r in total.itertuples()}
    assert found == {
        ("NRM", "estimate"): "0.440", ("NRM", "conf.low"): "0.092", ("NRM", "conf.high"): "0.754",
        ("NRM", "n.event"): "4", ("RELAPSE", "estimate"): "0.104", ("RELAPSE", "conf.low"): "0.004",
        ("RELAPSE", "conf.high"): "0.389", ("RELAPSE", "n.event"): "1",
    }  # fmt: skip
    assert incidence_rows(adtte(TIMES, EVENTS), protocol, analysis) == []


@pytest.mark.parametrize(("times", "events"), [(TIMES, EVENTS), ([0], [0]), ([0], [1]), ([], [])])
def test_figures_draw_whatever_there_is(
    protocol: Protocol, analysis: Analysis, times: list[int], events: list[int]
) -> None:
    frame = pd.concat([adtte(times, events), adtte(times, events, "NRM")], ignore_index=True)
    levels = drawn_levels(frame, protocol.level_ids, analysis)
    steps, at_risk = curve_steps(frame, levels, analysis), numbers_at_risk(frame, levels, analysis.risk_table_days)
    responses = pd.DataFrame({"USUBJID": ["S00"], "AVALC": ["CR"], "REASON": [""], "ADT": [FIRST_INFUSION]})
    marks = swimmer_marks(frame, Domains({}), responses)
    incidence, bars = incidence_steps(frame), swimmer_lanes(swimmer_bars(frame, responses), marks)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        charts = [
            (kaplan_meier_chart(steps, at_risk, curve_points(frame), protocol.level_ids, analysis.os_days), steps),
            (incidence_chart(incidence, analysis.os_days), incidence),
            (swimmer_chart(bars, marks, protocol.level_ids, analysis.os_days), bars),
        ]
        shown = [figure(chart, data, "A figure") for chart, data in charts]
    assert [hasattr(s, "spec") for s in shown] == [bool(times)] * 3


@pytest.mark.parametrize("parameter", ["OS", "FFS", "DOR"])
def test_the_last_at_risk_failing_after_a_censored_one_is_not_reached_later(
    parameter: str, protocol: Protocol, analysis: Analysis
) -> None:
    """Two subjects, one censored on day 17, one with the event on day 30: S is 0 on day 30, day 100 is not known."""
    rows = to_ard(time_to_event_rows(adtte([17, 30], [0, 1], parameter), protocol, analysis, parameter))
    of_day = rows[rows["analysis_id"].eq(f"{parameter}_KM") & rows["group1_level"].eq("Total")]
    said = of_day[of_day["stat_name"].eq("estimate")].set_index("variable_level")["stat_text"].to_dict()
    assert said == {"28": "1.000", "100": "not reached", "180": "not reached"}


def test_the_incidence_has_limits_and_follows_the_same_rule(protocol: Protocol, analysis: Analysis) -> None:
    frame = adtte(TIMES, EVENTS, "NRM").assign(CNSR=[0, 0, 1, 1, 2, 1, 0, 1, 0, 1, 1, 1])
    rows = to_ard(incidence_rows(frame, protocol, analysis))
    at_100 = rows[rows["variable_level"].eq("100") & rows["group1_level"].eq("Total") & rows["variable"].eq("NRM")]
    text = at_100.set_index("stat_name")["stat_text"]
    assert text["estimate"] == "0.440"
    assert 0 < float(text["conf.low"]) < 0.44 < float(text["conf.high"]) < 1
    steps = incidence_steps(frame)
    assert {"low", "high"} <= set(steps.columns)
    assert (steps["low"].dropna() <= steps["incidence"][steps["low"].notna()]).all()
    left = to_ard(incidence_rows(adtte([17, 22], [0, 1], "NRM"), protocol, analysis))
    said = left[left["variable_level"].eq("100") & left["stat_name"].eq("estimate") & left["group1_level"].eq("Total")]
    assert said["stat_text"].tolist() == ["not reached", "not reached"]


def test_one_or_two_subjects_have_no_estimate_over_time_on_a_page(protocol, analysis) -> None:
    """The results keep the number; a table shows a dash and says why, but where it shows no estimate at all."""
    both = pd.concat([adtte(TIMES, EVENTS), adtte([30, 40], [1, 0], level="DL2")], ignore_index=True)
    rows = to_ard(time_to_event_rows(both, protocol, analysis, "OS"))
    curve = rows[rows["analysis_id"] == "OS_KM"]
    shown, look = without_few(curve, rows, {"stats": ESTIMATE}, 3)
    text = shown[shown["stat_name"] == "estimate"].groupby("group1_level")["stat_text"].unique()
    assert list(text["DL2"]) == ["-"]
    assert "-" not in text["DL1"]
    assert len(shown[(shown["group1_level"] == "DL2") & shown["stat_name"].str.startswith("conf")]) == 0
    assert "fewer than 3 subjects" in look["notes"][0]
    assert without_few(curve, rows, {"stats": "{n.event} / {n.risk}"}, 3)[1] == {"stats": "{n.event} / {n.risk}"}
