"""A build that is read from Python: found by its id, held against its manifest, with errors that list what exists."""

from __future__ import annotations

import copy
import datetime as dt
import hashlib
import json
import warnings
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import trialbook
from trialbook.core.datasets import write_dataset
from trialbook.core.environment_variables import BUILD, ROOT, WORKSPACE
from trialbook.core.errors import StopError, UsageError
from trialbook.explore.names import Shown, no_such

ADSL = pd.DataFrame({
    "USUBJID": ["T-01", "T-02"], "SUBJID": ["01", "02"], "AGE": [40.0, 61.0], "SEX": ["F", "M"],
    "TRTSDT": pd.to_datetime(["2025-01-05", None]),
})  # fmt: skip


@pytest.fixture
def builds(tmp_path: Path) -> Path:
    """Two builds with the least that a build holds."""
    for cut_id in ("2025-03-31", "2025-06-30"):
        folder = tmp_path / "build" / cut_id
        write_dataset(ADSL, folder / "data" / "adsl.parquet")
        write_dataset(ADSL, folder / "data" / "clean" / "dm.parquet")
        (folder / "signals.json").write_text("[]")
        (folder / "queries.csv").write_text("query_id,subject,status\nQ-1,01,open\nQ-2,02,closed\n")
        files = [path for path in folder.rglob("*") if path.is_file()]
        listed = {
            path.relative_to(folder).as_posix(): {"sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "bytes": 1}
            for path in files
        }
        made_of: dict[str, Any] = {
            "cut": {"cut_id": cut_id, "cut_date": cut_id}, "synthetic": True,
            "protocol": {"study": {"registry_id": "NCT00000000", "title": "A trial"}},
        }  # fmt: skip
        (folder / "manifest.json").write_text(json.dumps({"sources": made_of, "outputs": listed}))
    (tmp_path / "build" / ".kept" / "2025-01-01").mkdir(parents=True)
    return tmp_path / "build"


def test_a_cut_says_what_it_is_and_reads_only_what_is_asked(builds: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cut = trialbook.cut("2025-06-30", builds)
    said = repr(cut)
    assert "NCT00000000 A trial" in said
    assert "2025-06-30 (synthetic data)" in said
    assert "open queries: 1" in said
    assert "<table>" in cut._repr_html_()
    assert cut.adsl["AGE"].tolist() == [40.0, 61.0]
    # What a cell writes into a frame is in no other answer.
    edited = cut.adsl
    edited["AGE"] = 0.0
    assert cut.datasets["ADSL"]["AGE"].tolist() == [40.0, 61.0]
    # What a frame carries along can be written into a file.
    cut.adsl.query("SEX == 'F'").to_parquet(builds / "mine.parquet")
    assert pd.read_parquet(builds / "mine.parquet").attrs["trialbook origin"] == ["", "2025-06-30", True]
    # A cut is what was built: a value written into it would be in no answer.
    with pytest.raises(UsageError, match=r"cut\.adsl cannot be set.*my_adsl"):
        cut.adsl = edited  # type: ignore[assignment]
    assert cut.clean["dm"].equals(cut.clean.DM)
    assert "DM" in dir(cut.clean)
    with pytest.raises(AttributeError, match="no clean domain AE"):
        _ = cut.clean.AE
    with pytest.raises(AttributeError, match=r"no dataset surv;.*cut has survival"):
        _ = cut.surv
    monkeypatch.setenv(BUILD, str(builds))
    assert trialbook.cut("2025-03-31").cut_date == "2025-03-31"
    # The folder of the build itself will do as well.
    assert trialbook.cut("2025-03-31", builds / "2025-03-31").cut_id == "2025-03-31"


def test_errors_list_what_exists_the_nearest_first(builds: Path) -> None:
    cut = trialbook.cut("2025-06-30", builds)
    with pytest.raises(UsageError, match="no built cut 2025-06-3; there are 2025-06-30, 2025-03-31"):
        trialbook.cut("2025-06-3", builds)
    with pytest.raises(UsageError, match="there are none"):
        trialbook.cut("2025-06-30", builds / ".kept")
    for unnamed in ("", None, 5):
        with pytest.raises(UsageError, match=r"named by its id; built are 2025-03-31, 2025-06-30.*cut\("):
            trialbook.cut(unnamed, builds)  # type: ignore[arg-type]
    assert trialbook.cut(dt.date(2025, 6, 30), builds).cut_id == "2025-06-30"
    with pytest.raises(UsageError, match="no built cut"):
        trialbook.cut("../build/2025-06-30", builds)
    with pytest.raises(AttributeError, match="no dataset adex; there is adsl"):
        _ = cut.adex
    with pytest.raises(KeyError, match="no dataset adex"):
        cut.datasets["adex"]
    with pytest.raises(UsageError, match="no clean domain AE; there is DM"):
        cut.clean["AE"]
    with pytest.raises(UsageError, match="no column of ADSL AGES; there are AGE, "):
        cut.where(AGES=3)
    assert not hasattr(cut, "adex")
    assert no_such("dataset", "x", [])._render_traceback_() == ["there is no dataset x; there are none."]
    with pytest.raises(AttributeError, match="Next: cut has design_oc; dir"):
        _ = cut.simulate
    shown = Shown("table", {"T-5": "Events"}, str)
    with pytest.raises(KeyError, match=r'no table F-2; there is T-5\. Next: ask for a figure, cut\.figures\["F-2"\]'):
        shown["F-2"]
    with pytest.raises(KeyError, match=r"Next: look at cut\.tables for all titles"):
        shown["T-9"]


def test_outside_of_a_workbook_the_folder_of_the_builds_may_be_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in (BUILD, ROOT):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(UsageError, match=r'no folder with params.*cut\("2025-09-30", build="'):
        trialbook.cut("2025-09-30")
    with pytest.raises(UsageError, match="named by its path"):
        trialbook.cut("2025-09-30", 5)  # type: ignore[arg-type]


def test_a_choice_that_fits_nobody_is_told(builds: Path) -> None:
    cut = trialbook.cut("2025-06-30", builds)
    with pytest.warns(UserWarning, match=r"nobody has SEX 'X'; there are F, M|nobody is left"):
        assert cut.where(SEX="X").adsl.empty
    with pytest.warns(UserWarning, match=r"AGE >= 50 fits 1 of 2 subjects, SEX='F' fits 1"):
        cut.where("AGE >= 50", SEX="F")
    with pytest.warns(UserWarning, match=r"nobody has AGE '40'; there are numbers from 40 to 61"):
        cut.where(AGE=["40", 40])
    with pytest.warns(UserWarning, match=r"nobody has TRTSDT '2025-02-31'; there are dates from 2025-01-05 to"):
        assert cut.where(TRTSDT=["2025-01-05", "2025-02-31"]).adsl["SUBJID"].tolist() == ["01"]
    with pytest.warns(UserWarning, match=r"of 1 subject it is not known whether TRTSDT"):
        cut.where("TRTSDT >= '2025-01-01'")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        least = 50  # noqa: F841 - the condition names it
        assert cut.where("AGE >= @least").adsl["SUBJID"].tolist() == ["02"]
    with pytest.raises(UsageError, match=r"@most refers to a variable most, and there is none"):
        cut.where("AGE <= @most")
    with pytest.raises(UsageError, match=r"no condition.*AGE >= 40"):
        cut.where(5)  # type: ignore[arg-type]


def test_a_cut_that_is_not_built_names_the_command(builds: Path) -> None:
    (builds.parent / "params" / "cuts").mkdir(parents=True)
    (builds.parent / "params" / "cuts" / "2025-09-30.yaml").write_text("cut_id: 2025-09-30")
    with pytest.raises(UsageError, match=r"has not been built; built are 2025-0.*trialbook build 2025-09-30"):
        trialbook.cut("2025-09-30", builds)


def test_a_file_that_was_changed_after_the_build_gives_no_number(builds: Path) -> None:
    place = builds / "2025-06-30" / "data" / "adsl.parquet"
    write_dataset(ADSL.assign(AGE=20.0), place)
    cut = trialbook.cut("2025-06-30", builds)
    assert cut.altered == ["data/adsl.parquet"]
    assert "CHANGED AFTER THE BUILD: data/adsl.parquet: verify would refuse it" in repr(cut)
    with pytest.raises(StopError, match=r"adsl\.parquet.*was changed after the build.*refuse"):
        _ = cut.adsl
    place.unlink()
    with pytest.raises(StopError, match="cannot be read"):
        _ = trialbook.cut("2025-06-30", builds).adsl
    (builds / "2025-06-30" / "manifest.json").write_text("{")
    with pytest.raises(StopError, match="the manifest of this build cannot be read"):
        trialbook.cut("2025-06-30", builds)


def test_a_cut_can_be_copied_and_asked_for_private_names(builds: Path) -> None:
    """What copies and shows objects asks for names that a cut does not have."""
    cut = trialbook.cut("2025-06-30", builds)
    assert copy.copy(cut).cut_id == cut.cut_id
    assert not hasattr(cut, "_repr_png_")


def test_a_step_of_a_build_cannot_read_published_builds(builds: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(WORKSPACE, str(builds))
    for name in ("cut", "table", "figure"):
        with pytest.raises(UsageError, match=f"trialbook.{name} is for notebooks outside of a build"):
            getattr(trialbook, name)
