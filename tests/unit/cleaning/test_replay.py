"""Raw data and change log give the clean data: for the demo cuts, from memory and from the file."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from support import raw_export as raw
from trialbook.cleaning import apply_cut, clean_snapshot, replay, replayed_domains, whole_change_log
from trialbook.core.datasets import read_dataset
from trialbook.core.domains import Domains
from trialbook.core.errors import StopError
from trialbook.protocol.load import load_trial
from trialbook.queries.files import read_csv_list
from trialbook.snapshot import read_snapshot

DEMO_CUTS = ("2025-03-31", "2025-06-30", "2025-09-30")


def agree(found: Domains, expected: Domains) -> None:
    assert list(found) == list(expected)
    for code, delivered in expected.items():
        # No log holds a birth date: the replayed column is blank.
        frame, again = (data.drop(columns="BRTHDTC", errors="ignore") for data in (delivered, found[code]))
        assert set(again.columns) == set(frame.columns), code
        pd.testing.assert_frame_equal(again[list(frame.columns)], frame, check_index_type=False)


@pytest.mark.parametrize("cut", DEMO_CUTS)
def test_the_log_of_a_demo_cut_replayed_on_the_raw_files_gives_the_clean_domains(root: Path, cut: str) -> None:
    trial = load_trial(root / "params" / "cuts" / f"{cut}.yaml", root)
    snapshot = read_snapshot(trial)
    cleaned = clean_snapshot(snapshot, trial)
    agree(replayed_domains(snapshot, cleaned.changes), cleaned.domains)
    at_cut = apply_cut(cleaned.domains, trial.cut_date)
    agree(replayed_domains(snapshot, whole_change_log(cleaned, at_cut)), at_cut.domains)


@pytest.mark.parametrize("cut", DEMO_CUTS)
def test_an_auditor_gets_the_built_domains_from_the_snapshot_and_the_change_log_file(
    root: Path, demo: Path, cut: str
) -> None:
    snapshot = read_snapshot(load_trial(root / "params" / "cuts" / f"{cut}.yaml", root))
    changes = read_csv_list(demo / cut / "changelog.csv")
    built = {path.stem.upper(): read_dataset(path) for path in (demo / cut / "data" / "clean").glob("*.parquet")}
    agree(replayed_domains(snapshot, changes), Domains({code: built[code] for code in snapshot.tables}))


def test_removed_records_added_values_and_withheld_ones_are_replayed(tmp_path: Path) -> None:
    ae = raw.rows(
        raw.AE, {}, {"AESEQ": "2"},
        {"AESEQ": "3", "AETERM": "call 13812345678", "AEDECOD": "Chills", "AEENDTC": "2025-08-01"},
        {"AESEQ": "4", "AETERM": "Rash", "AEDECOD": "Rash", "AESTDTC": "2025-07-15"},
    )  # fmt: skip
    for record in ae:
        del record["AEENRTPT"]
    lb = raw.rows(raw.LB, {"LBTESTCD": "HGB", "LBORRES": "12.3 g/dL", "LBORRESU": ""})
    trial = raw.trial_of(raw.export(tmp_path / "s", ae=ae, lb=lb))
    snapshot = read_snapshot(trial)
    cleaned = clean_snapshot(snapshot, trial)
    at_cut = apply_cut(cleaned.domains, trial.cut_date)
    changes = whole_change_log(cleaned, at_cut)
    text = replay(snapshot, changes)
    assert text["AE"]["AESEQ"].tolist() == ["1", "3"]
    assert text["AE"].loc[4, ["AETERM", "AEENRTPT"]].tolist() == ["call [redacted]", "ONGOING"]
    assert text["LB"][["LBORRES", "LBORRESU"]].iloc[0].tolist() == ["12.3", "g/dL"]
    agree(replayed_domains(snapshot, changes), at_cut.domains)


def broken(changes: pd.DataFrame, **cell: object) -> pd.DataFrame:
    one = changes.copy()
    for name, value in cell.items():
        one.loc[one.index[0], name] = value
    return one


def test_a_log_that_does_not_fit_the_raw_data_is_refused(tmp_path: Path) -> None:
    trial = raw.trial_of(raw.export(tmp_path / "s", ae=raw.rows(raw.AE, {"AETOXGR": "II"})))
    snapshot = read_snapshot(trial)
    changes = clean_snapshot(snapshot, trial).changes
    assert replay(snapshot, changes)["AE"]["AETOXGR"].tolist() == ["2"]
    for wrong in (dict(raw="III"), dict(row=9), dict(column="AEXYZ"), dict(file="other.csv")):
        with pytest.raises(StopError, match="REPLAY"):
            replay(snapshot, broken(changes, **wrong))
    twice = pd.concat([changes, changes.assign(column="", raw="(record)", new="")] * 2)
    with pytest.raises(StopError, match="REPLAY"):
        replay(snapshot, twice)


def test_without_its_log_the_raw_text_is_not_the_clean_text(tmp_path: Path) -> None:
    """The test could not tell a complete log from an empty one if nothing had to be fixed."""
    trial = raw.trial_of(raw.export(tmp_path / "s", ae=raw.rows(raw.AE, {"AESER": "否"})))
    snapshot = read_snapshot(trial)
    cleaned = clean_snapshot(snapshot, trial)
    assert replay(snapshot, cleaned.changes.iloc[:0])["AE"]["AESER"].tolist() == ["否"]
    assert cleaned.domains["AE"]["AESER"].tolist() == ["N"]
