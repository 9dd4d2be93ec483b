"""How pandas keeps text depends on the size of the snapshot, and changes no byte of what is derived."""

from __future__ import annotations

import pandas as pd
import pytest

from trialbook import cleaning
from trialbook.core.datasets import write_dataset
from trialbook.dlt.addlt import derive_addlt
from trialbook.efficacy.adrs import derive_adrs
from trialbook.eligibility.adie import audit
from trialbook.protocol.load import load_trial
from trialbook.protocol.study_data import StudyData
from trialbook.safety.adae import derive_adae
from trialbook.safety.adlb import derive_adlb
from trialbook.snapshot import read_snapshot
from trialbook.subjects.adsl import derive_subjects
from trialbook.workbook import string_storage
from trialbook.workbook.string_storage import choose_text_storage

OPTION = "mode.string_storage"


@pytest.fixture
def trial(root):
    return load_trial(root / "params/cuts/2025-03-31.yaml", root)


@pytest.fixture(autouse=True)
def option_restored():
    before = pd.get_option(OPTION)
    yield
    pd.set_option(OPTION, before)


@pytest.mark.parametrize(("limit", "storage"), [(10_000_000, "python"), (1_000, "pyarrow")])
def test_a_small_snapshot_is_kept_as_python_objects(monkeypatch, trial, limit, storage):
    monkeypatch.setattr(string_storage, "SMALL_BYTES", limit)
    choose_text_storage(trial)
    assert pd.get_option(OPTION) == storage
    assert pd.Series(["x"], dtype="str").dtype.storage == storage


def test_either_way_every_dataset_is_the_same_to_the_byte(monkeypatch, trial, tmp_path):
    left = []
    for name, limit in (("python", 10_000_000), ("arrow", 1_000)):
        monkeypatch.setattr(string_storage, "SMALL_BYTES", limit)
        choose_text_storage(trial)
        left.append(datasets(trial, tmp_path / name))
    assert len(left[0]) > 25
    assert left[0] == left[1]


def datasets(trial, folder) -> dict[str, bytes]:
    """The files of the clean domains and of the analysis datasets, derived here."""
    cut = cleaning.apply_cut(cleaning.clean_snapshot(read_snapshot(trial), trial).domains, trial.cut_date)
    protocol, keys, date = trial.protocol, trial.analysis, trial.cut_date
    subjects = derive_subjects(StudyData(cut.domains, protocol, keys, date))
    derived = {f"clean-{code}": cut.domains[code] for code in cut.domains} | {
        "adsl": subjects,
        "adie": audit(subjects, StudyData(cut.domains, protocol, keys, date)),
        "addlt": derive_addlt(subjects, StudyData(cut.domains, protocol, keys, date)),
        "adrs": derive_adrs(subjects, StudyData(cut.domains, protocol, keys, date)),
        "adae": derive_adae(subjects, StudyData(cut.domains, protocol, keys, date)),
        "adlb": derive_adlb(subjects, StudyData(cut.domains, protocol, keys, date)),
    }
    for name, frame in derived.items():
        write_dataset(frame, folder / f"{name}.parquet")
    return {path.name: path.read_bytes() for path in folder.iterdir()}
