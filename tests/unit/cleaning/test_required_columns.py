"""Required columns that are missing are listed all at once, with who must add them; docs/mapping.md lists them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from support import raw_export as raw
from trialbook.cleaning import clean_snapshot, missing_columns, who_adds
from trialbook.cleaning.columns import required_columns
from trialbook.commands.check import required_lines
from trialbook.core.domains import VARIABLES
from trialbook.core.errors import StopError
from trialbook.protocol.load import load_protocol
from trialbook.snapshot import read_snapshot


def without(base: dict[str, str], *names: str) -> list[dict[str, str]]:
    return [{name: value for name, value in base.items() if name not in names}]


def test_all_missing_columns_of_all_files_are_in_one_message(tmp_path: Path) -> None:
    folder = raw.export(tmp_path / "s", dm=without(raw.DM, "ARMCD", "SEX"), ae=without(raw.AE, "AESER"))
    trial = raw.trial_of(folder)
    snapshot = read_snapshot(trial)
    assert [(t.domain, names) for t, names in missing_columns(snapshot, trial.protocol)] == [
        ("DM", ["ARMCD", "SEX"]), ("AE", ["AESER"])
    ]  # fmt: skip
    with pytest.raises(StopError, match=r"DM \(dm\.csv\): ARMCD, SEX; AE \(ae\.csv\): AESER.*Next: ask the exporter"):
        clean_snapshot(snapshot, trial)
    assert required_lines(snapshot, trial) == [
        "required columns that are missing:",
        "  DM      ARMCD, SEX  (the exporter must add them)",
        "  AE      AESER  (the exporter must add them)",
    ]
    assert required_lines(read_snapshot(raw.trial_of(raw.export(tmp_path / "t"))), trial) == [
        "required columns: all are there"
    ]


def test_of_a_mapped_export_the_mapping_file_must_fill_them(tmp_path: Path) -> None:
    folder = raw.export(tmp_path / "s")
    names = {code: ", ".join(f"{n}: {n}" for n in base) for code, base in
             (("DM", raw.DM), ("EX", raw.EX), ("AE", without(raw.AE, "AESER", "AEREL")[0]))}  # fmt: skip
    text = "domains:\n" + "".join(f"  {c}: {{file: {c.lower()}.csv, columns: {{{n}}}}}\n" for c, n in names.items())
    (tmp_path / "mapping.yaml").write_text(text, encoding="utf-8")
    trial = raw.trial_of(folder, mapping="mapping.yaml")
    snapshot = read_snapshot(trial)
    assert who_adds(snapshot.tables["AE"]) == "the mapping file"
    with pytest.raises(
        StopError, match=r"AE \(ae\.csv\): AESER, AEREL.*Next: fill it in the mapping file \(domains\.AE"
    ):
        clean_snapshot(snapshot, trial)


def test_a_required_column_that_a_blank_constant_fills_is_not_said_to_be_there(tmp_path: Path) -> None:
    folder = raw.export(tmp_path / "s")
    own = {"DM": raw.DM, "EX": raw.EX, "AE": without(raw.AE, "AESER")[0]}
    names = {code: ", ".join(f"{name}: {name}" for name in base) for code, base in own.items()}
    names["AE"] += ', AESER: {constant: ""}'
    text = "domains:\n" + "".join(f"  {c}: {{file: {c.lower()}.csv, columns: {{{n}}}}}\n" for c, n in names.items())
    (tmp_path / "mapping.yaml").write_text(text, encoding="utf-8")
    trial = raw.trial_of(folder, mapping="mapping.yaml")
    assert required_lines(read_snapshot(trial), trial) == [
        "required columns without a source (a blank constant):",
        "  AE      AESER  (the mapping file must name one, if it was collected)",
    ]


def test_all_missing_domains_are_named_at_once(tmp_path: Path) -> None:
    folder = raw.export(tmp_path / "s")
    for name in ("ex", "ae"):
        (folder / f"{name}.csv").unlink()
    with pytest.raises(StopError, match="the required domain EX and AE was not delivered"):
        read_snapshot(raw.trial_of(folder))


def test_the_documentation_lists_the_required_columns(root: Path) -> None:
    protocol = load_protocol(root / "params" / "protocol.yaml")
    text = (root / "docs" / "mapping.md").read_text(encoding="utf-8")
    section = text.partition("## Required columns")[2]
    listed = {code: names.split() for code, names in re.findall(r"^\| ([A-Z]+) \| ([A-Z0-9 ]+) \|", section, re.M)}
    assert listed == {code: names for code in VARIABLES if len(names := required_columns(code, protocol)) > 1}
