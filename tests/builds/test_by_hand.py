"""Notebooks run by hand give the numbers of the build of their cut, read one source, and mix no two cuts."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from support.notebooks_by_hand import ByHand, copied_project
from support.published_build import results_otherwise, unreported
from support.small_project import GRAPH
from trialbook.core.errors import StopError, UsageError
from trialbook.interactive.parameters import cut_parameters, stop_if_unknown

pytestmark = pytest.mark.build
CUTS = ("2025-03-31", "2025-06-30", "2025-09-30")
FIRST, SECOND, LAST = CUTS


@pytest.fixture(scope="module")
def project(demo: Path, root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One project for the tests that leave it as it was, but for the interactive folder."""
    return copied_project(tmp_path_factory.mktemp("project"), root, demo, *CUTS)


@pytest.fixture
def hand(project: Path, monkeypatch: pytest.MonkeyPatch) -> ByHand:
    return ByHand(project, monkeypatch)


def whole_file(project: Path, cut: str) -> dict[str, Any]:
    """What papermill gives for `-f`: the cut file, and nothing for a key that it lacks."""
    return dict(yaml.safe_load((project / "params" / "cuts" / f"{cut}.yaml").read_text(encoding="utf-8")))


@pytest.mark.parametrize("cut", [*(pytest.param(cut, marks=pytest.mark.soak) for cut in CUTS[:-1]), LAST])
def test_the_id_alone_and_the_cut_file_give_the_numbers_of_the_build(hand: ByHand, cut: str) -> None:
    """Every notebook of every cut; by turns with `-p cut_id`, with `-f`, and with both."""
    for turn, step in enumerate(GRAPH.names):
        given = {"cut_id": cut} if (turn + CUTS.index(cut)) % 2 else whole_file(hand.folder, cut)
        names = hand.run(step, **given)
        assert results_otherwise(hand.folder, cut, step) == []
        assert "Nothing that this notebook wrote differs from the published build" in names["shown"].text
        assert names["step"].cut.previous_cut == whole_file(hand.folder, cut).get("previous_cut")
    assert unreported(hand.folder, cut, GRAPH.names) == []


def test_two_cuts_in_one_run_stop_and_both_are_named(project: Path) -> None:
    other = whole_file(project, FIRST)
    for given, both in (
        ({**other, "cut_id": SECOND}, (FIRST, SECOND)),
        ({"cut_id": LAST, "cut_date": FIRST}, (LAST, FIRST)),
        ({"cut_id": LAST, "snapshot": f"data/demo/{SECOND}"}, (LAST, SECOND)),
        ({"cut_id": FIRST, "previous_cut": SECOND}, (FIRST, SECOND)),
        # Complete, but without the previous cut that the file of this id names.
        ({**other, "cut_id": LAST, "cut_date": LAST, "snapshot": f"data/demo/{LAST}"}, (LAST, SECOND)),
        ({**other, "cut_id": "mine"}, ("mine", FIRST)),
    ):
        with pytest.raises(UsageError, match="two cuts are mixed") as stopped:
            cut_parameters(given, project)
        assert [name for name in both if name not in str(stopped.value)] == []


def test_the_file_of_the_cut_says_what_was_not_given(project: Path) -> None:
    content, file = cut_parameters({"cut_id": SECOND, "cut_date": None, "overrides": {"response_rules": "CN"}}, project)
    assert (content["previous_cut"], content["approved_deletions"]) == (FIRST, "params/approved_deletions.csv")
    assert content["overrides"] == {"response_rules": "CN"}
    assert file.endswith(f"{SECOND}.yaml")


def test_a_complete_cut_file_lacks_what_it_lacks(project: Path) -> None:
    given = {**whole_file(project, LAST), "cut_id": "mine", "snapshot": "data/demo/other"}
    del given["previous_cut"]
    given["cut_date"] = "2025-09-29"
    content, _ = cut_parameters(given, project)
    assert content == given


def test_a_cut_that_does_not_exist_names_those_that_do(project: Path) -> None:
    with pytest.raises(UsageError, match=f"there is no cut 'nope'; known cuts: .*{LAST}"):
        cut_parameters({"cut_id": "nope"}, project)
    with pytest.raises(UsageError, match="the parameters name no cut"):
        cut_parameters({"cut_id": None}, project)


@pytest.mark.parametrize(
    ("cells", "wrong"),
    [
        (['cut_id = "a"\ncut_date = None', '# Parameters\ncutid = "b"\n'], "cutid"),
        (['cut_id = "a"\ncut_date = None', "# Parameters\nwindow = 3\n"], "window"),
        (['cut_id = "a"\ncutdate = "2025-01-01"'], "cutdate"),
    ],
)
def test_a_parameter_that_does_not_exist_stops(cells: list[str], wrong: str) -> None:
    with pytest.raises(UsageError, match=f"there is no parameter {wrong}; the nearest is "):
        stop_if_unknown(cells)


@pytest.mark.parametrize(
    "cells",
    [
        ['cut_id = "a"\ncut_date = None', '# Parameters\ncut_id = "b"\noverrides = {}\n'],
        ['cut_id = "a"\ngroup = "SEX"', '# Parameters\ngroup = "AGEGR1"\n'],
        ["import trialbook\nx = 1", "cut_date_of_mine = 3\ny = cut_date_of_mine", "broken ="],
    ],
)
def test_declared_parameters_and_other_cells_pass(cells: list[str]) -> None:
    stop_if_unknown(cells)


@pytest.fixture
def own(demo: Path, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ByHand:
    """A project with the first cut published, to change."""
    return ByHand(copied_project(tmp_path, root, demo, FIRST), monkeypatch)


# An analyst drops a subject while cleaning.
DROPPED = {
    "step.write_clean(kept)": """dropped = {
    code: frame[~frame["USUBJID"].str.endswith("-001")] if "USUBJID" in frame else frame for code, frame in kept.items()
}
step.write_clean(dropped)"""
}


def test_runs_by_hand_chain_and_say_what_differs_from_the_build(own: ByHand) -> None:
    cleaned = own.run("01_cleaning", cut_id=FIRST, edit=DROPPED)
    assert "differ from the published build: " in cleaned["shown"].text
    assert "dm: USUBJID NCT06321198-01-001: this record is published, not here" in cleaned["shown"].text
    audited = own.run("02_eligibility", cut_id=FIRST)
    assert "Reads the outputs of 01_cleaning from the run by hand" in own.said(audited)
    assert not audited["adsl"]["USUBJID"].str.endswith("-001").any()
    assert "adsl: " in audited["shown"].text
    # The third step reads both of the chain, the published build is as it was.
    counted = own.run("04_dlt", cut_id=FIRST)
    assert "01_cleaning and 02_eligibility from the run by hand" in own.said(counted)
    assert "result DLT_SETS" in counted["shown"].text


def test_a_step_whose_forerunner_was_not_run_reads_the_build_whole(own: ByHand) -> None:
    alone = own.run("02_eligibility", cut_id=FIRST)
    assert "Reads the published build." in own.said(alone)
    # What it rests on now lies beside it, so that the next step finds all in one place.
    later = own.run("04_dlt", cut_id=FIRST)
    assert "Reads the outputs of 02_eligibility from the run by hand, and 01_cleaning as published" in own.said(later)
    assert "Nothing that this notebook wrote differs" in later["shown"].text
    # A result that the notebook no longer reports is a difference as well.
    silent = own.run(
        "04_dlt", cut_id=FIRST, edit={"step.report(reporting.timeline_rows(": "list(reporting.timeline_rows("}
    )
    assert "published, is not reported here" in silent["shown"].text
    assert "result DLT_TIMELINE" in silent["shown"].text


@pytest.mark.soak  # four notebooks, for one sentence
def test_a_chain_that_was_broken_is_not_read(own: ByHand) -> None:
    own.run("01_cleaning", cut_id=FIRST)
    own.run("02_eligibility", cut_id=FIRST)
    own.run("01_cleaning", cut_id=FIRST, edit=DROPPED)
    said = own.said(own.run("04_dlt", cut_id=FIRST))
    assert "Reads the published build." in said
    assert "which it read, was written again" in said


def test_a_build_of_other_data_or_rules_stops_until_the_chain_is_run(own: ByHand) -> None:
    protocol = own.folder / "params" / "protocol.yaml"
    protocol.write_text(protocol.read_text(encoding="utf-8") + "\n# changed\n", encoding="utf-8")
    for step in ("02_eligibility", "05_orr"):
        with pytest.raises(StopError, match=r"made from something else.*protocol\.yaml.*trialbook build 2025-03-31"):
            own.run(step, cut_id=FIRST)
    with pytest.raises(StopError, match=r"overrides\.response_rules"):
        own.run("05_orr", cut_id=FIRST, overrides={"response_rules": "CN"})
    for step in ("01_cleaning", "02_eligibility", "05_orr"):
        own.run(step, cut_id=FIRST)


def test_a_cut_that_was_never_built_is_run_by_hand_alone(own: ByHand) -> None:
    with pytest.raises(StopError, match="have not been built"):
        own.run("02_eligibility", cut_id=SECOND)
    own.run("01_cleaning", cut_id=SECOND)
    audited = own.run("02_eligibility", cut_id=SECOND)
    assert "This cut has no published build to compare with." in audited["shown"].text
    assert len(audited["adsl"]) > 10
    # There is no profile page yet, so that no link leads to one.
    assert audited["step"]._linked('<a class="tb-subject" href="profiles/001.html">001</a>') == "001"


def test_a_changed_snapshot_is_not_read_with_the_datasets_of_the_old_one(own: ByHand) -> None:
    data = own.folder / "data"
    target = data.resolve()
    data.unlink()
    (data / "demo").mkdir(parents=True)
    shutil.copytree(target / "demo" / FIRST, data / "demo" / FIRST)
    dm = data / "demo" / FIRST / "dm.csv"
    dm.write_text(dm.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    with pytest.raises(StopError, match=r"input dm\.csv"):
        own.run("02_eligibility", cut_id=FIRST)


def test_what_is_written_again_while_a_notebook_is_open_is_not_read(own: ByHand) -> None:
    own.run("01_cleaning", cut_id=FIRST)
    own.run("02_eligibility", cut_id=FIRST)
    opened = own.run("04_dlt", cut_id=FIRST)["step"]
    own.run("01_cleaning", cut_id=FIRST, edit=DROPPED)
    own.run("02_eligibility", cut_id=FIRST)
    with pytest.raises(StopError, match="written again after this notebook had begun"):
        opened.read("adsl")
