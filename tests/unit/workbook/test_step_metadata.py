"""Steps are what the notebooks say of themselves; what does not fit together is refused with its place."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from trialbook.core.errors import UsageError
from trialbook.workbook.step_metadata import ENTRY, graph_of, read_graph
from trialbook.workbook.steps import PROFILED

CLEANING = {"title": "Cleaning", "needs": [], "datasets": ["clean"]}
STORY: dict[str, Any] = {
    "01_cleaning": CLEANING,
    "02_derive": {"title": "Derive", "needs": ["01_cleaning"], "datasets": list(PROFILED), "compared": ["clean/dm"]},
}


def notebook(entry: Any) -> bytes:
    return json.dumps({"cells": [], "metadata": {} if entry is None else {ENTRY: entry}, "nbformat": 4}).encode()


def story(**changed: Any) -> dict[str, bytes]:
    """Two notebooks, and what is changed of them or added; None is a notebook that says nothing of itself."""
    return {f"{name}.ipynb": notebook(entry) for name, entry in {**STORY, **changed}.items()}


def test_a_seventh_notebook_is_a_step_by_what_it_says(root: Path) -> None:
    entry = {"title": "Biomarkers", "needs": ["03_safety"], "datasets": ["adbm"], "compared": ["adsl", "adae"]}
    contents = {path.name: path.read_bytes() for path in (root / "notebooks").glob("*.ipynb")}
    graph = graph_of({**contents, "07_biomarkers.ipynb": notebook(entry)})
    assert graph.names == [*read_graph(root).names, "07_biomarkers"]
    assert graph.before("07_biomarkers") == ["01_cleaning", "02_eligibility", "03_safety"]
    assert graph.left_by["analysis/adbm"] == "notebooks/07_biomarkers.ipynb"
    pieces = {piece.name: piece for piece in graph.pieces}
    assert pieces["07_biomarkers.contracts"].needs == ("07_biomarkers",)
    assert "07_biomarkers.page" in pieces
    assert {"07_biomarkers"} <= set(pieces["results.contracts"].needs) & set(pieces["profiles"].needs)
    assert graph.said_of("03_safety") == read_graph(root).said_of("03_safety")


def test_a_notebook_that_says_nothing_of_itself_is_named() -> None:
    graph = graph_of(story(explore=None))
    assert graph.names == ["01_cleaning", "02_derive"]
    assert len(graph.others) == 1
    assert graph.others[0].startswith("notebooks/explore.ipynb is not a step and was not run: its metadata have no")


def test_a_notebook_that_is_there_for_people_alone_is_not_named(root: Path) -> None:
    graph = graph_of(story(explore={"step": False}))
    assert graph.names == ["01_cleaning", "02_derive"]
    assert graph.others == ()
    assert (root / "notebooks" / "00_explore.ipynb").is_file()
    assert read_graph(root).others == ()


BIO = {"title": "Biomarkers", "needs": ["02_derive"], "datasets": ["adbm"]}


@pytest.mark.parametrize(
    ("name", "entry", "says"),
    [
        ("07_bio", {**BIO, "needs": ["05_orr"]}, "07_bio.ipynb, key metadata.trialbook.needs, value '05_orr'"),
        ("07_bio", {**BIO, "needs": ["07_bio"]}, "07_bio needs itself"),
        ("02_derive", {**STORY["02_derive"], "needs": ["03_x"]}, "no step 03_x.*Next: name one of 01_cleaning, 02_"),
        ("07_bio", {**BIO, "datasets": ["adsl"]}, "value 'adsl': notebooks/02_derive.ipynb writes this dataset too"),
        ("07_bio", {**BIO, "datasets": ["../x"]}, "value '../x': the name of a dataset consists of"),
        ("07_bio", {**BIO, "datasets": ["clean"]}, "01_cleaning.ipynb writes this dataset too"),
        ("07_bio", {**BIO, "compared": ["adxx"]}, "compared, value 'adxx': no step before this one writes it"),
        ("07 bio", BIO, "07 bio.ipynb, value '07 bio': the name of a step consists of letters"),
        ("index", BIO, "the name index is used by the workbook itself"),
        ("02_DERIVE", BIO, "is used by notebooks/02_D|is used by notebooks/02_d"),
        ("07_bio", {"title": "x", "datasets": []}, "07_bio.ipynb, key metadata.trialbook.needs: the key is missing"),
        ("07_bio", {**BIO, "need": []}, "unknown key need; the nearest known key is needs"),
        ("07_bio", {**BIO, "needs": "02_derive"}, "metadata.trialbook.needs"),
        ("07_bio", "a word", "metadata.trialbook: is not a mapping"),
        ("01_cleaning", {**CLEANING, "datasets": ["clean", "adbm"]}, "writes the clean domains writes no more"),
        ("01_cleaning", None, "there is no step 01_cleaning"),
        ("02_derive", None, "no notebook writes the dataset adsl, which every build needs"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_with_its_place(name: str, entry: Any, says: str) -> None:
    with pytest.raises(UsageError, match=says) as refused:
        graph_of(story(**{name: entry}))
    assert refused.value.exit_status == 2
    assert "Next: " in str(refused.value)


def test_steps_that_need_each_other_are_named_and_those_that_wait_for_them_are_not() -> None:
    entries = {name: {**BIO, "datasets": [], "needs": needs} for name, needs in
               (("07_a", ["08_b"]), ("08_b", ["07_a"]), ("09_c", ["08_b"]))}  # fmt: skip
    with pytest.raises(UsageError, match="07_a and 08_b need each other") as refused:
        graph_of(story(**entries))
    assert "09_c" not in str(refused.value)


def test_a_notebook_that_cannot_be_read_is_no_silent_absence() -> None:
    with pytest.raises(UsageError, match=r"notebooks/03_x.ipynb: cannot be read as a notebook"):
        graph_of({**story(), "03_x.ipynb": b'{"cells": ['})
