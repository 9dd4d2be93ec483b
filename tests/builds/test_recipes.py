"""An analyst's edits of a notebook: one or two lines reach page and results, and a filter left over stops."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from support.display_lines import code_lines
from support.notebooks_by_hand import ByHand, copied_project
from support.small_project import GRAPH
from trialbook.core.errors import StopError

pytestmark = pytest.mark.build
CUT = "2025-09-30"


@pytest.fixture(scope="module")
def project(demo: Path, root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copied_project(tmp_path_factory.mktemp("project"), root, demo, CUT)


@pytest.fixture
def hand(project: Path, monkeypatch: pytest.MonkeyPatch) -> ByHand:
    return ByHand(project, monkeypatch)


def reported(hand: ByHand, step: str) -> pd.DataFrame:
    """The results that the notebook reported, as a build would gather them."""
    path = hand.folder / "build" / ".interactive" / CUT / ".steps" / step / "ard.json"
    return pd.DataFrame(json.loads(path.read_text(encoding="utf-8")))


def added(hand: ByHand, step: str, analysis_id: str) -> pd.DataFrame:
    """The rows of an added analysis, each marked as such; the published ones are those of the build."""
    rows = reported(hand, step)
    published = pd.read_parquet(hand.folder / "build" / CUT / "results" / "ard.parquet")
    own = rows["analysis_id"].str.startswith("MY_")
    # Of the bounds each notebook reports those of its own endpoints; and there is no build of an earlier cut here.
    theirs = rows.loc[~own & ~rows["analysis_id"].isin(["BOUNDS", "AE_NEW", "AE_BY_CUT"]), "analysis_id"]
    assert published["analysis_id"].isin(theirs).sum() == len(theirs)
    found = rows[rows["analysis_id"].str.startswith(analysis_id)]
    assert found["context"].str.startswith("added").all()
    return found


# What the analyst types in front of the last cell, by the notebook; the last line shows something on the page.
EDITS = {
    "survival by sex": ("06_os", 'step.table(tb.survival(followed, by="SEX", id="MY_OS_SEX"), "Survival by sex")'),
    "grade 3 or more by class": (
        "03_safety",
        'severe = tb.count(adae, where="TRTEMFL == \'Y\' and ATOXGR >= 3", per="ABODSYS", id="MY_GE3_SOC")\n'
        'step.table(severe, "Grade 3 or more by class")',
    ),
    "response in another window": (
        "05_orr",
        "wide = tb.derive_day28(tb.with_keys(study, d28_window=[21, 35]))\n"
        'step.table(tb.rate(wide, "AVALC in [\'CR\', \'PR\']", id="MY_ORR_WIDE"), "Days 21 to 35")',
    ),
    "serious events since the last infusion": (
        "03_safety",
        "serious = adae.query(\"ASER == 'Y'\")[[\"USUBJID\", \"AEDECOD\", \"ASTDT\", \"INFDY\"]]\n"
        'step.table(serious, "Serious events since the last infusion")',
    ),
    "a figure of one level": (
        "06_os",
        'one = survival.curve_steps(adtte.query("TRT01A == \'DL1\'"), ["Total"], keys)\n'
        "step.figure(charts.kaplan_meier_chart(one, at_risk, points, step.levels, keys.os_days), one, \"DL1 alone\")",
    ),
}  # fmt: skip


def edited(hand: ByHand, name: str) -> tuple[Any, dict[str, Any]]:
    """What the edit shows, and what the names of its notebook hold in the end."""
    step, lines = EDITS[name]
    assert len(lines.splitlines()) <= 2
    *before, last = lines.splitlines()
    typed = "\n".join([*before, f"mine = {last}"])
    names = hand.run(step, cut_id=CUT, edit={"step.close()": f"{typed}\nstep.close()"})
    return names["mine"], names


def test_survival_by_sex(hand: ByHand) -> None:
    shown, names = edited(hand, "survival by sex")
    assert "F (N=6)" in shown.text
    assert "M (N=6)" in shown.text
    assert "An added analysis" in shown.text
    rows = added(hand, "06_os", "MY_OS_SEX")
    assert set(rows["group1"]) == {"SEX"}
    men = names["followed"].merge(names["adsl"][["USUBJID", "SEX"]]).query("SEX == 'M'")
    events = rows.query("analysis_id == 'MY_OS_SEX_EVENTS' and group1_level == 'M' and stat_name == 'n'")
    assert events["stat"].tolist() == [men["CNSR"].eq(0).sum()]


def test_grade_three_or_more_by_class(hand: ByHand) -> None:
    shown, names = edited(hand, "grade 3 or more by class")
    rows = added(hand, "03_safety", "MY_GE3_SOC").query("group1_level == 'Total' and stat_name == 'n'")
    severe = names["adae"].query("TRTEMFL == 'Y' and SAFFL == 'Y' and ATOXGR >= 3")
    expected = severe.groupby("ABODSYS")["USUBJID"].nunique()
    counted = rows[rows["stat"] > 0].set_index("variable_level")["stat"]
    assert counted.to_dict() == expected.to_dict()
    assert all(name in shown.text for name in expected.index)


def test_the_response_in_another_window(hand: ByHand) -> None:
    shown, names = edited(hand, "response in another window")
    rows = added(hand, "05_orr", "MY_ORR_WIDE").query("group1_level == 'Total' and stat_name == 'n'")
    # The same as the sensitivity analysis of that window.
    other = reported(hand, "05_orr").query(
        "analysis_id == 'ORR_D28' and context == 'sens: window +/-7' and group1_level == 'Total' and stat_name == 'n'"
    )
    assert rows["stat"].tolist() == other["stat"].tolist()
    assert rows["stat"].tolist() != [names["orr"].set_index("TRT01A").loc["Total", "n"]]
    assert "Days 21 to 35" in shown.text


def test_serious_events_since_the_last_infusion(hand: ByHand) -> None:
    shown, names = edited(hand, "serious events since the last infusion")
    serious = names["adae"].query("ASER == 'Y'")
    assert "Days since the last infusion" in shown.text
    assert 'href="profiles/' in shown.html
    assert all(term in shown.text for term in serious["AEDECOD"])


def test_a_figure_of_one_level(hand: ByHand) -> None:
    shown, names = edited(hand, "a figure of one level")
    assert shown.title.startswith("DL1 alone")
    treated = names["followed"].query("TRT01A == 'DL1'")
    assert names["one"]["n_risk"].max() == len(treated) < len(names["followed"])
    drawn = [{row["day"] for row in rows if "survival" in row} for rows in shown.spec["datasets"].values()]
    assert set(names["one"]["day"]) in drawn


LEFT = '[lambda rows: ~rows["USUBJID"].str.endswith("004")]'
# A filter left over from a look at the data: the notebook, the line it is put before, and what it says.
LEFT_OVER = [
    ("06_os", "adtte = tb.derive_adtte(", f"adsl = adsl{LEFT}", "subject 004 is missing from adsl"),
    ("06_os", "followed = adtte.query(", f"adtte = adtte{LEFT}", "without subject 004"),
    ("06_os", "overall = tb.survival(", f"followed = followed{LEFT}", "without subject 004"),
    ("06_os", "worst_and_best = ", f"adsl = adsl{LEFT}", "subject 004 is missing from adsl"),
    ("06_os", 'step.write("adtte"', f"adtte = adtte{LEFT}", "subject 004 is missing from adtte"),
    ("06_os", "adtte = tb.derive_adtte(",
     "from dataclasses import replace\nfrom trialbook.core.domains import Domains\n"
     f"study = replace(study, domains=Domains({{code: domains[code]{LEFT} for code in domains}}))",
     "filter was left in front of a derivation: "),
    ("05_orr", "responses = tb.derive_responses(", f"adsl = adsl{LEFT}", "subject 004 is missing from adsl"),
    ("05_orr", "adrs = tb.derive_adrs(", f"adsl = adsl{LEFT}", "subject 004 is missing from adsl"),
    ("05_orr", "orr = tb.rate(", f"responses = responses{LEFT}", "without subject 004"),
    ("05_orr", "events = step.report(", f"mature = mature{LEFT}", "RSP28_ICE is published over"),
    ("03_safety", "adae = tb.derive_adae(", f"adsl = adsl{LEFT}", "subject 004 is missing from adsl"),
    ("03_safety", "step.report(by_term)", f"adae = adae{LEFT}", "missing from adae"),
    ("03_safety", "worst = lab_tables", f"adlb = adlb{LEFT}", "missing from adlb"),
    ("05_orr", 'step.write("adrs"', f"adrs = adrs{LEFT}", "subject 004 is missing from adrs"),
]  # fmt: skip


@pytest.mark.parametrize(("step", "line", "put", "says"), LEFT_OVER)
def test_a_filter_left_over_stops_wherever_it_stands(hand: ByHand, step: str, line: str, put: str, says: str) -> None:
    with pytest.raises(StopError, match=says) as stopped:
        hand.run(step, cut_id=CUT, edit={line: f"{put}\n{line}"})
    assert "Next: " in str(stopped.value)


def test_a_dataset_under_other_keys_is_neither_written_nor_published(hand: ByHand) -> None:
    other = "tb.with_keys(study, d28_window=[21, 35])"
    for line, put in (
        ("adrs = tb.derive_adrs(study, adsl)", f"adrs = tb.derive_adrs({other}, adsl)"),
        ("responses = tb.derive_responses(study, adsl)", f"responses = tb.derive_responses({other}, adsl)"),
    ):
        with pytest.raises(StopError, match=r"derived under other keys \(d28_window: \[21, 35\]"):
            hand.run("05_orr", cut_id=CUT, edit={line: put})


def test_under_a_third_of_the_lines_of_a_recipe_show_something(root: Path) -> None:
    notebooks = [root / spec.file for spec in GRAPH.steps]
    recipes = [path for path in notebooks if "tb.open_step(" in path.read_text(encoding="utf-8")]
    assert recipes == notebooks
    every, showing = (sum(lines) for lines in zip(*map(code_lines, recipes), strict=True))
    assert showing / every < 0.35
