"""The outputs of finished tasks are sealed: nothing is altered, replaced, added or removed without being found."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from support.small_project import GRAPH
from trialbook.core.datasets import write_dataset
from trialbook.core.errors import StopError
from trialbook.pipeline.dependencies import file_sha256
from trialbook.pipeline.seal import Seal, owner_of

LEFT = {
    "01_cleaning": ["data/clean/dm.parquet", ".steps/01_cleaning/changelog.csv", ".steps/01_cleaning/notebook.ipynb"],
    "02_eligibility": ["data/adsl.parquet", "data/adie.parquet", ".steps/02_eligibility/ard.json"],
    "01_cleaning.page": [".steps/01_cleaning.page/page.json"],
    "raw.contracts": [".steps/raw.contracts/gx_engine.json"],
}
COUNT = ".steps/02_eligibility/ard.json"


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    for names in LEFT.values():
        for name in names:
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(f"{name}: 4\n")
    (tmp_path / ".steps" / "inputs.json").write_text("{}")
    return tmp_path


@pytest.fixture
def seal(scratch: Path) -> Seal:
    seal = Seal(scratch, GRAPH)
    for piece, names in LEFT.items():
        seal.add(piece, {name: file_sha256(scratch / name) for name in names})
    return seal


def same_length_and_time(path: Path) -> None:
    then = path.stat()
    path.write_text(path.read_text().replace("4", "9"))
    os.utime(path, ns=(then.st_atime_ns, then.st_mtime_ns))


def replaced_by_link(path: Path) -> None:
    other = path.parent.parent / "elsewhere"
    path.rename(other)
    path.symlink_to(other)


def folder_by_link(path: Path) -> None:
    path.rename(path.parent.parent / "elsewhere")
    path.symlink_to(path.parent.parent / "elsewhere")


def replaced_by_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def replaced_by_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def planted(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("planted")


BREACHES: dict[str, tuple[Callable[[Path], object], str]] = {
    "a change log cut short": (lambda s: (s / ".steps/01_cleaning/changelog.csv").write_text("x"), "was altered"),
    "a count of the same length, time restored": (lambda s: same_length_and_time(s / COUNT), "was altered"),
    "a page of another chapter": (lambda s: planted(s / ".steps/01_cleaning.page/page.json"), "was altered"),
    "a notebook of another chapter": (lambda s: planted(s / ".steps/01_cleaning/notebook.ipynb"), "was altered"),
    "a verdict": (lambda s: same_length_and_time(s / ".steps/raw.contracts/gx_engine.json"), "was altered"),
    "a dataset": (lambda s: planted(s / "data/adsl.parquet"), "was altered"),
    "a clean domain": (lambda s: same_length_and_time(s / "data/clean/dm.parquet"), "was altered"),
    "a dataset removed": (lambda s: (s / "data/adsl.parquet").unlink(), "was removed"),
    "a step's folder removed": (lambda s: (s / COUNT).unlink(), "was removed"),
    "a link in place of a dataset": (lambda s: replaced_by_link(s / "data/adsl.parquet"), "is a link"),
    "a link in place of a count": (lambda s: replaced_by_link(s / COUNT), "is a link"),
    "a link in place of a folder": (lambda s: folder_by_link(s / "data/clean"), "was written by no step"),
    "a pipe in place of a dataset": (
        lambda s: replaced_by_pipe(s / "data/adsl.parquet"),
        "is a link or not a plain file",
    ),
    "a folder in place of a dataset": (lambda s: replaced_by_folder(s / "data/adsl.parquet"), "not a plain file"),
    "two datasets swapped": (
        lambda s: (
            (s / "data/adsl.parquet").rename(s / "data/x"),
            (s / "data/adie.parquet").rename(s / "data/adsl.parquet"),
            (s / "data/x").rename(s / "data/adie.parquet"),
        ),
        "was altered",
    ),
    "a page planted": (lambda s: planted(s / "extra.html"), "was written by no step"),
    "the first page planted": (lambda s: planted(s / "index.html"), "was written by no step"),
    "a dataset planted": (lambda s: planted(s / "data/adxx.parquet"), "was written by no step"),
    "a clean domain planted": (lambda s: planted(s / "data/clean/zz.parquet"), "was written by no step"),
    "a file in the folder of a finished step": (
        lambda s: planted(s / ".steps/01_cleaning/more.json"),
        "was written by no",
    ),
    "a hidden file": (lambda s: planted(s / ".hidden"), "was written by no step"),
    "a link planted": (lambda s: (s / "notes").symlink_to("/etc/hosts"), "was written by no step"),
    "a broken link planted": (lambda s: (s / "data" / "notes").symlink_to("nowhere"), "was written by no step"),
    "a manifest planted": (lambda s: planted(s / "manifest.json"), "was written by no step"),
    "a file in a folder of its own": (lambda s: planted(s / "deep/er/x.txt"), "was written by no step"),
}


@pytest.mark.parametrize("kind", BREACHES)
def test_every_breach_of_the_seal_is_found(kind: str, scratch: Path, seal: Seal) -> None:
    act, says = BREACHES[kind]
    act(scratch)
    with pytest.raises(StopError, match=says):
        seal.check()


def test_what_was_only_touched_is_no_breach(scratch: Path, seal: Seal) -> None:
    os.utime(scratch / COUNT, (0, 0))
    (scratch / "data/adsl.parquet").write_text((scratch / "data/adsl.parquet").read_text())
    seal.check()
    seal.check(hash_all=True)


def test_what_a_running_piece_leaves_is_no_breach(scratch: Path, seal: Seal) -> None:
    for name in ("data/adae.parquet", ".steps/03_safety/ard.json", "data/.adlb.parquet.coming"):
        planted(scratch / name)
    seal.check()
    seal.add("03_safety", {"data/adae.parquet": file_sha256(scratch / "data/adae.parquet")})
    with pytest.raises(StopError, match="was written by no step"):
        seal.check()


@pytest.mark.parametrize(
    ("name", "owner"),
    [
        ("data/clean/dm.parquet", "01_cleaning"), ("data/adsl.parquet", "02_eligibility"),
        (".steps/05_orr/ard.json", "05_orr"), (".steps/05_orr.page/page.json", "05_orr.page"),
        (".steps/profiles/profiles.json", "profiles"), ("data/clean/.dm.parquet.coming", "01_cleaning"),
        ("data/clean/dm.csv", None), ("data/x.parquet", None), ("index.html", None), (".steps/x/y.json", None),
        (".steps/05_orr/deep/ard.json", None), ("data/clean/deep/dm.parquet", None),
    ],
)  # fmt: skip
def test_each_name_has_one_owner_or_none(name: str, owner: str | None) -> None:
    assert owner_of(name, GRAPH) == owner


def receipt(scratch: Path, **written: int) -> None:
    (scratch / ".steps/02_eligibility/receipt.json").write_text(json.dumps({"written": written}))


def test_a_receipt_must_fit_what_the_step_has_left(scratch: Path, seal: Seal) -> None:
    left = dict.fromkeys(("adsl", "adie", "addlt", "adrsp28"), 2)
    for name in left:
        write_dataset(pd.DataFrame({"USUBJID": ["1", "2"]}), scratch / "data" / f"{name}.parquet")
    receipt(scratch, **left)
    seal.check_receipt("02_eligibility")
    receipt(scratch, **{**left, "adie": 3})
    with pytest.raises(StopError, match="has 2 records, the receipt of the step 02_eligibility says 3"):
        seal.check_receipt("02_eligibility")
    receipt(scratch, adsl=2, addlt=2, adrsp28=2)
    with pytest.raises(StopError, match="is not in the receipt"):
        seal.check_receipt("02_eligibility")
    receipt(scratch, **left)
    planted(scratch / "data/adie.parquet")
    with pytest.raises(StopError, match="no readable records"):
        seal.check_receipt("02_eligibility")
