"""The twelve questions of `notebooks/00_explore.ipynb`, at most three lines each; the answers are those of the ARD."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from html import unescape
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from IPython.core.interactiveshell import InteractiveShell

import trialbook
from reference.three_plus_three import endings
from trialbook.core.errors import UsageError
from trialbook.display.cell_outputs import show_in
from trialbook.explore.analysis import Answer, GivenAdvice, OperatingCharacteristics
from trialbook.explore.cut import Cut
from trialbook.explore.differences import Differences
from trialbook.explore.rederive import Rederived, study_of
from trialbook.explore.rederived_results import reported, results_under
from trialbook.explore.subject import Subject
from trialbook.kernels.strip_outputs import clean_bytes
from trialbook.records_behind.find import RULES
from trialbook.results.ard import to_ard

pytestmark = pytest.mark.build
CUT = "2025-09-30"
QUESTIONS = 12
CONTROLS = "## Some of the subjects only"


def cells(root: Path) -> list[dict[str, Any]]:
    """The cells of the questions; those behind them are controls for JupyterLab alone (`tests/browser`)."""
    content = (root / "notebooks" / "00_explore.ipynb").read_bytes()
    assert clean_bytes(content) == content, "git would show a change after Run All"
    found: list[dict[str, Any]] = json.loads(content)["cells"]
    end = next(place for place, cell in enumerate(found) if "".join(cell["source"]).startswith(CONTROLS))
    return found[:end]


def answered(source: str, names: dict[str, Any]) -> Any:
    """What a cell shows: the value of its last line."""
    tree = ast.parse(source)
    last = tree.body.pop()
    assert isinstance(last, ast.Expr)
    exec(compile(tree, "cell", "exec"), names)  # noqa: S102 - as a kernel does
    return eval(compile(ast.Expression(last.value), "cell", "eval"), names)  # noqa: S307


@pytest.fixture(scope="module")
def told(demo: Path, root: Path) -> dict[int, Any]:
    """The answer of each question, by its number; the cells run in the order of the notebook."""
    names: dict[str, Any] = {}
    found: dict[int, Any] = {}
    number = 0
    for cell in cells(root):
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            number = int(source[3:].split(".")[0]) if source.startswith("## ") else 0
        elif "parameters" in cell["metadata"].get("tags", []):
            exec(source, names)  # noqa: S102
        else:
            found[number] = answered(source, names)
    return {**found, -1: names}


@pytest.fixture(scope="module")
def cut(demo: Path) -> Cut:
    return trialbook.cut(CUT, demo)


@pytest.fixture(scope="module")
def other(cut: Cut) -> Cut:
    """The cut under another key, whose datasets are derived once."""
    return cut.with_keys({"d28_window": [21, 35]})


def number(cut: Cut, **key: str) -> float:
    rows = cut.ard
    for name, value in key.items():
        rows = rows[rows[name].eq(value)]
    assert len(rows) == 1, key
    return float(rows["stat"].iloc[0])


def test_every_question_takes_three_lines_at_most(root: Path) -> None:
    titles = ["".join(c["source"]) for c in cells(root) if c["cell_type"] == "markdown"][1:]
    assert [int(title[3:].split(".")[0]) for title in titles] == list(range(1, QUESTIONS + 1))
    code = ["".join(c["source"]).splitlines() for c in cells(root) if c["cell_type"] == "code"]
    assert [lines for lines in code[2:] if len(lines) > 3] == []
    assert len(code[1:]) == QUESTIONS + 1


def test_the_answers_are_the_numbers_of_the_results(told: dict[int, Any], cut: Cut) -> None:
    total = told[1][told[1]["AGEGR1"].eq("Total")].set_index("day")
    for day in (28, 100, 180):
        assert total.loc[day, "survival"] == number(
            cut, analysis_id="OS_KM", group1_level="Total", variable_level=str(day), stat_name="estimate"
        )
    newly = dict(analysis_id="LAB_WORST", group1_level="Total", variable="PLAT", context="newly grade 3 or 4")
    assert told[2]["USUBJID"].nunique() == number(cut, **newly, stat_name="n") > 0
    sae = dict(analysis_id="TEAE_OVERVIEW", group1_level="DL2", variable="SAE")
    assert told[3]["USUBJID"].nunique() == number(cut, **sae, stat_name="n")
    assert set(told[3]["COUNTFL"]) == {"Y"}
    wide = dict(analysis_id="ORR_D28", context="sens: window +/-7", group1_level="Total")
    assert told[4].set_index("TRT01A").loc["Total", "n"] == number(cut, **wide, stat_name="n")
    assert told[4].title.endswith("(not the published set; under d28_window: [21, 35])")
    assert set(told[5]["SUBJID"]) == {"005"}
    assert told[9]["USUBJID"].nunique() == number(cut, **sae, stat_name="n")
    assert (told[9]["INFDY"] >= 0).all()
    assert told[-1]["listed"]["USUBJID"].nunique() == number(
        cut, analysis_id="INFECTION_CAT", group1_level="Total", variable_level="Any infection", stat_name="n"
    )


def test_files_and_views_are_of_the_published_outputs(told: dict[int, Any], cut: Cut) -> None:
    assert told[6].to_frame().equals(cut.figures["F-2"].to_frame())
    assert told[7].to_frame().equals(cut.tables["T-5"].to_frame())
    for name in ("survival.png", "survival.svg", "survival.pdf", "adverse-events.xlsx", "adverse-events.docx"):
        assert (cut.outputs / name).stat().st_size > 1000
    assert repr(told[8]) == repr(cut.subject("016"))
    # More events count than the committee's, so no level has fewer DLTs.
    counted = told[10].statuses
    more = counted[counted["DLTSTAT"].eq("DLT")].groupby("TRT01A").size()
    for level in more.index:
        given = number(cut, analysis_id="DLT_RATE", group1_level=level, context="clopper_pearson", stat_name="n")
        assert more[level] >= given


def test_the_operating_characteristics_are_those_of_an_enumeration(told: dict[int, Any], cut: Cut) -> None:
    """The published ones (DLT_OC) are about the rest of the trial; these are about a whole one, under other rates."""
    exact = endings((0.05, 0.20, 0.40), cut.trial.analysis.n_cap)
    full = told[11].full
    simulated = full[full["measure"].eq("outcome")].set_index("level")
    assert set(simulated.index) == set(exact)
    for code, share in exact.items():
        assert abs(simulated.loc[code, "estimate"] - share) < 4 * simulated.loc[code, "mc_error"], code


def test_the_desk_answers_as_the_published_set_does(cut: Cut) -> None:
    """Without other keys every analysis gives the very rows of the results."""
    keys = ["analysis_id", "group1_level", "variable", "variable_level", "context", "stat_name"]
    published = cut.ard.set_index(keys)["stat_text"]
    for answer in (cut.survival(), cut.survival(endpoint="FFS"), cut.rate("ORR_D28"), cut.rate("CR_D28")):
        own = answer.ard.set_index(keys)["stat_text"]
        assert len(own) > 10
        pd.testing.assert_series_equal(own, published.reindex(own.index))
    given = cut.ard.query("analysis_id == 'DLT_ADVICE'").set_index("stat_name")["stat_text"]
    said = cut.advice().to_frame().iloc[0]
    assert [said[name] for name in ("advice", "decision_date", "worst", "best")] == [
        given[name] for name in ("advice", "decision_date", "worst", "best")
    ]
    # A definition that is the committee's word gives the committee's DLTs.
    by_flag = cut.advice(dlt="DLTFL == 'Y'").statuses
    counted = cut.addlt.loc[cut.addlt["COUNTED"].eq("Y"), "USUBJID"]
    assert set(by_flag.loc[by_flag["DLTSTAT"].eq("DLT"), "USUBJID"]) == set(counted)
    assert len(counted)


def test_datasets_derived_again_are_those_of_the_build(cut: Cut) -> None:
    """Under the keys of the build itself: the datasets have one truth."""
    published = cut._published
    again = Rederived(study_of(published, published.trial)).datasets
    assert [*again] == [*published.datasets]
    for name, frame in again.items():
        pd.testing.assert_frame_equal(frame, published.datasets[name], check_dtype=False, obj=name)


def test_the_reporting_cells_of_a_step_give_its_published_results(cut: Cut, tmp_path: Path) -> None:
    """Under the keys of the build itself; `make soak` does the same with every step, in one go."""
    told = reported("06_os", cut._published.trial, cut.folder, tmp_path, cut.folder.parent, lambda said: None)
    keys = ["analysis_id", "group1_level", "variable", "variable_level", "context", "stat_name"]
    own = to_ard(told).set_index(keys)["stat_text"]
    assert len(own) > 100
    published = cut.ard.set_index(keys)["stat_text"]
    pd.testing.assert_series_equal(own, published[published.index.isin(own.index)])
    assert {"OS_KM", "OS_MEDIAN", "CIF", "FFS_KM", "DOR_MEDIAN", "FUP_RKM"} <= set(own.index.get_level_values(0))


@pytest.mark.soak
def test_the_reporting_cells_of_all_steps_give_the_published_results(cut: Cut) -> None:
    own = results_under(cut._published.trial, cut.folder)
    pd.testing.assert_frame_equal(own, cut.ard.reset_index(drop=True), check_dtype=False)


def test_records_are_as_many_as_the_number_says(cut: Cut) -> None:
    """One number in forty of those with records behind them, whatever the statistic."""
    ard = cut.ard
    asked = {*RULES} - {"DEMOG", "BOUNDS"}  # these count facts that no record says alone
    rows = ard[ard["analysis_id"].isin(asked) & ard["stat_name"].isin(["n", "N", "events", "pending"])]
    seen = 0
    for _, row in rows[rows["stat"].notna()].iloc[::40].iterrows():
        found = cut.records(row)
        if "note" not in found.attrs:
            size = len(found) if row["stat_name"] == "events" else found["USUBJID"].nunique() if len(found) else 0
            assert size == row["stat"], row.to_dict()
            seen += size > 0
    assert seen > 30
    assert cut.records("SETS / SAFFL")["SUBJID"].tolist() == cut.adsl.query("SAFFL == 'Y'")["SUBJID"].tolist()
    assert cut.records({"analysis_id": "DLT_RATE", "group1_level": "DL2"}).equals(cut.records("DLT_RATE DL2"))
    assert cut.records("analysis_id == 'DLT_RATE' and group1_level == 'DL2'").equals(cut.records("DLT_RATE / DL2"))


def test_one_subject_is_shown_without_network_or_script(cut: Cut) -> None:
    shown = cut.subject("016")._repr_html_()
    assert "<script" not in unescape(shown)
    assert not re.search(r"""(?:src|href)=["']?https?:""", unescape(shown))
    for number in cut.adsl["SUBJID"]:
        assert f"Subject {number}" in repr(cut.subject(number))
    assert cut.subject("016").datasets["adae"]["USUBJID"].nunique() == 1
    assert cut.subject("002").profile is None
    assert "Never treated" in repr(cut.subject("002"))


def test_what_changed_is_what_the_page_of_changes_says(cut: Cut) -> None:
    changed = cut.compare("2025-06-30")
    assert changed.title == repr(trialbook.cut("2025-06-30", cut.folder.parent).compare(cut)).splitlines()[0]
    fresh = set(cut.adsl["SUBJID"]) - set(trialbook.cut("2025-06-30", cut.folder.parent).adsl["SUBJID"])
    assert set(changed.subjects["SUBJID"]) == fresh != set()
    new = changed.subject("013").added
    assert set(new["SUBJID"]) == {"013"}
    assert new["domain"].eq("AE").sum() == cut.clean["AE"]["USUBJID"].str.endswith("-013").sum()
    assert len(changed.added) == changed.records["added"].sum()
    one = changed.subject("005")
    assert set(one.values["SUBJID"]) == {"005"}
    assert len(one.values) == changed.values["SUBJID"].eq("005").sum()
    assert one.results.empty
    assert len(changed.results)


def test_a_part_of_the_subjects_is_never_the_published_set(cut: Cut) -> None:
    few = cut.where(TRT01A=["DL1"])
    assert few.unpublished == f"{cut.adsl['TRT01A'].eq('DL1').sum()} of {len(cut.adsl)} subjects"
    assert "not the published set" in repr(few.adsl)
    assert "NOT THE PUBLISHED SET" in repr(few)
    assert "NOT THE PUBLISHED SET" not in repr(cut)
    assert set(few.survival().ard["analysis_id"]) == {"MY_OS_EVENTS", "MY_OS_KM", "MY_OS_MEDIAN"}
    assert set(few.clean["AE"]["USUBJID"]) <= set(few.adsl["USUBJID"])
    for refused in (lambda: few.ard, lambda: few.compare("2025-06-30"), lambda: few.advice()):
        with pytest.raises(UsageError, match=few.unpublished):
            refused()
    narrow, twice = cut.where("AGE >= 18"), cut.where("AGE >= 18").where(SEX="F")
    assert set(twice.adsl["USUBJID"]) < set(narrow.adsl["USUBJID"])
    assert len(cut.where("RESPONSE in ['CR', 'PR']").adsl) == number(
        cut, analysis_id="ORR_D28", group1_level="Total", context="clopper_pearson", stat_name="n"
    )


def test_a_title_is_shown_in_jupyterlab_too(cut: Cut, other: Cut) -> None:
    shell = InteractiveShell()
    show_in(shell)
    for answer in (cut.where(SEX="F").rate(), other.adrsp28):
        shown = shell.display_formatter.format(answer)[0]
        for form in ("text/html", "text/plain"):
            assert "not the published set" in shown[form], form
    assert "Records behind DLT_RATE" in shell.display_formatter.format(cut.records("DLT_RATE / DL2"))[0]["text/html"]


def test_tab_shows_only_what_is_public(cut: Cut) -> None:
    assert [name for name in dir(cut) if name.startswith("_")] == []
    assert {"adsl", "ard", "records", "with_keys", "tables"} <= set(dir(cut))
    for thing in (cut.subject("016"), cut.compare("2025-06-30")):
        assert [name for name in dir(thing) if name.startswith("_")] == []
    bare = [
        f"{kind.__name__}.{name}"
        for kind in (Cut, Subject)
        for name in dir(kind)
        if not name.startswith("_") and ">>> " not in (getattr(kind, name).__doc__ or "")
    ]
    kinds = (Differences, Answer, GivenAdvice, OperatingCharacteristics)
    bare += [kind.__name__ for kind in kinds if ">>> " not in (kind.__doc__ or "")]
    bare += [name for name in ("cut", "table", "figure") if ">>> " not in (getattr(trialbook, name).__doc__ or "")]
    assert bare == [], "no example"
    assert [name for name in dir(trialbook) if name.startswith("_")] == ["__version__"]


def test_the_pages_are_listed_with_their_titles_and_searched(cut: Cut) -> None:
    shown = repr(cut.figures)
    for number, figure in cut.figures.items():
        listed = re.search(rf"^  {number} +(.+)$", shown, re.MULTILINE)
        assert listed is not None
        assert listed[1] in figure.title
    found = cut.find("SURVIVAL days").set_index("name")
    assert found.loc["os_days", "kind"] == "key"
    assert {"table", "figure", "column", "key"} <= set(cut.find("survival")["kind"])
    assert cut.find("survival qqq").empty
    assert cut.keys.loc["os_days", "value"] == cut.trial.analysis.os_days
    assert cut.tables["T-201"].to_frame().columns[0] == "SUBJID"


def test_what_is_wrong_is_said_with_what_is_right(cut: Cut) -> None:
    for asked, said in (
        (lambda: cut.survival(at=[-5]), r"value -5: a day is 0 .* or later.*at=\[28"),
        (lambda: cut.design_oc([0.1, 0.2]), "2 true DLT rates are given, and the protocol has 3 dose levels"),
        (lambda: cut.design_oc(trials=0), "the number of trials is a whole number from 1"),
        (lambda: cut.with_keys(1), r"by its name.*d28_window=\[21, 35\]"),
        (lambda: cut.with_keys(d28_windw=[1, 2]), "no analysis key d28_windw; there are d28_window"),
        (lambda: cut.records(3), r"in words, or by a row.*cut\.records"),
        (lambda: cut.subject(None), "by its number"),
        (lambda: cut.survival(by="AGEGRP1"), "no column to group by AGEGRP1; there are AGEGR1"),
        (lambda: cut.survival(by=["SEX"]), 'is named by one text.*by="SEX"'),
        (lambda: cut.count(per="ADECODE"), "no column of ADAE ADECODE; there are ADECOD"),
        (lambda: cut.count(dataset="adex"), "no dataset adex"),
        (lambda: cut.count("ATOXGR >= @grade"), "@grade refers to a variable grade, and there is none"),
        (lambda: cut.with_keys(d28_window=[21]), r"value \[21\].*such as d28_window=\[25, 31\] \(REL_DAYs"),
        (lambda: cut.count("ATOXGR >= '3'"), "compares text with what is no text"),
        (lambda: cut.count(lambda frame: frame["NOPE"]), "no column NOPE"),
        (lambda: cut.design_oc(window="a"), "window is a whole number"),
        (lambda: cut.design_oc(skeleton=["a"]), "a skeleton is a list of numbers"),
        (lambda: cut.design_oc(arrivals="bus"), "no way to arrive bus; there are lost, queue"),
        (lambda: cut.design_oc(target="a"), "target is a number"),
        (lambda: cut.advice(rule=3), "a rule is named by one text"),
        (lambda: cut.find(3), "is named by one text"),
        (lambda: trialbook.table(cut.adsl, ""), "has a title"),
        (lambda: trialbook.table("adsl", "My title"), "made of a DataFrame"),
    ):
        with pytest.raises(UsageError, match=said):
            asked()


def test_a_condition_may_ask_for_adsl_and_for_names_of_the_notebook(cut: Cut) -> None:
    grade = 3  # noqa: F841 - the conditions name it
    severe = cut.adae.query("ATOXGR >= @grade and TRTEMFL == 'Y'")
    women = set(cut.adsl.query("SEX == 'F' and SAFFL == 'Y'")["USUBJID"])
    found = cut.count("ATOXGR >= @grade and TRTEMFL == 'Y' and SEX == 'F'", by="")
    assert found["n"].tolist() == [severe[severe["USUBJID"].isin(women)]["USUBJID"].nunique()]
    assert "(grade = 3)" in found.title
    assert cut.survival(where="SEX == 'F'", by="", at=28)["N"].tolist() == [len(women)]
    by_flag = cut.advice(dlt="DLTFL == 'Y' and SEX in ['F', 'M']")
    assert by_flag.code == cut.advice(dlt="DLTFL == 'Y'").code


def test_events_of_a_curve_are_those_up_to_the_day(cut: Cut) -> None:
    found = cut.survival(by="", at=[0, 28, 100, 180])
    died = cut.adtte.query("PARAMCD == 'OS' and CNSR == 0")["AVAL"]
    assert found["n_event"].tolist() == [int((died <= day).sum()) for day in found["day"]]
    assert set(found["events"]) == {len(died)}
    assert cut.survival(by="", at=[28, 28])["day"].tolist() == [28]
    at_risk = cut.ard.query("analysis_id == 'OS_KM' and stat_name == 'n.risk'")
    marked = [int(cut.records(row)["COUNTFL"].eq("Y").sum()) for _, row in at_risk.iterrows()]
    assert marked == at_risk["stat"].tolist()
    assert "n_event: events up to and including it" in repr(found)


def test_the_response_at_another_day_is_judged_by_the_rules_of_day_28(cut: Cut) -> None:
    window = cut.trial.analysis.d28_window
    again, published = cut.rate(day=28, window=window), cut.rate()
    assert again.to_frame().equals(published.to_frame())
    assert set(again.ard["analysis_id"]) == {"MY_ORR_D28"}
    later = cut.rate("CR_D28", day=56, window=[53, 59])
    assert set(later.ard["analysis_id"]) == {"MY_CR_D56"}
    assert later["N"].iloc[-1] <= published["N"].iloc[-1]


def test_under_other_keys_signals_are_said_to_be_those_of_the_published_set(cut: Cut, other: Cut) -> None:
    said = "Signals of the published set, not derived again under d28_window: [21, 35]"
    for shown in (repr(other.subject("016")), repr(other.signals)):
        assert said in shown
    assert "published set" not in repr(cut.subject("016"))
    assert "not the published set; 1 of 16 subjects" in repr(cut.where(SUBJID="016").signals)


def test_opening_a_cut_imports_nothing_that_is_not_needed(demo: Path, root: Path) -> None:
    """Importing pandas alone takes as long as opening a cut may take: half a second."""
    code = f"import sys, trialbook; trialbook.cut({CUT!r}, {str(demo)!r}); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert loaded & {"pandas", "numpy", "altair", "scipy", "jinja2", "pyarrow"} == set()
    assert "trialbook.explore.cut" in loaded
