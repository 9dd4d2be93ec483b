"""Public cases of SDTM keys (k01, k11, k13, k14): the folder of cases as it is, when it is here."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from support.raw_export import PROTOCOL
from trialbook.cleaning import apply_cut, clean_snapshot
from trialbook.commands.check import asked_by_cleaning, quick_look
from trialbook.contracts.allow_list import allow_list
from trialbook.contracts.gate import Gate
from trialbook.contracts.odcs import load_contracts
from trialbook.contracts.pandas_engine import evaluate_quickly
from trialbook.core.errors import StopError
from trialbook.dlt.addlt import derive_addlt
from trialbook.protocol.load import make_trial
from trialbook.protocol.models import Trial
from trialbook.protocol.study_data import StudyData
from trialbook.protocol.yaml_file import read_yaml
from trialbook.snapshot import read_snapshot
from trialbook.subjects.adsl import derive_subjects
from trialbook.subjects.ages import without_birth_dates


def trial_of_case(cases: Path, name: str) -> Trial:
    """The trial of a case: its cut file with the project's protocol."""
    [folder] = list(cases.glob(f"{name}_*"))
    content = dict(read_yaml(folder / "params" / "cut.yaml"))
    return make_trial({**content, "protocol": str(PROTOCOL)}, f"{name}.yaml", folder)


def asked(root: Path, cases: Path, name: str) -> pd.DataFrame:
    """What reading and cleaning ask about a case, but for the domains that it leaves out."""
    trial = trial_of_case(cases, name)
    contracts = load_contracts(root / "data_contracts")
    listed = asked_by_cleaning(read_snapshot(trial, allow_list(contracts, trial.protocol)), trial)
    return listed[listed["rule"].ne("P34-DOMAIN-MISSING")]


def test_k01_a_dlt_by_aespid_counts(cases: Path) -> None:
    trial = trial_of_case(cases, "k01")
    cut = apply_cut(clean_snapshot(read_snapshot(trial), trial).domains, trial.cut_date)
    adsl = derive_subjects(StudyData(cut.domains, trial.protocol, trial.analysis, trial.cut_date))
    addlt = derive_addlt(adsl, StudyData(cut.domains, trial.protocol, trial.analysis, trial.cut_date)).set_index(
        "SUBJID"
    )
    assert addlt["DLTSTAT"].loc["901"] == "DLT"
    assert addlt["DLTDT"].loc["901"] == pd.Timestamp("2025-01-25")
    assert addlt["DLTSTAT"].loc["902"] != "DLT"


def test_k11_events_of_another_study_stop(root: Path, cases: Path) -> None:
    trial = trial_of_case(cases, "k11")
    with pytest.raises(StopError) as stopped:
        clean_snapshot(read_snapshot(trial), trial)
    assert stopped.value.describe().startswith(
        "[P34-OTHER-STUDY] ae.csv, row 2, column STUDYID, value 'NCT00000000': 3 of 3 records"
    )


def test_k13_relrec_at_dataset_level_is_kept_without_a_question(root: Path, cases: Path) -> None:
    trial = trial_of_case(cases, "k13")
    cleaned = clean_snapshot(read_snapshot(trial), trial)
    assert len(cleaned.domains["RELREC"]) == 2
    assert cleaned.changes.empty
    assert asked(root, cases, "k13").empty


def test_k14_a_split_domain_is_read_as_one(root: Path, cases: Path) -> None:
    trial = trial_of_case(cases, "k14")
    snapshot = read_snapshot(trial)
    assert snapshot.ignored == ()
    assert snapshot.tables["LB"].rows == 3
    listed = asked(root, cases, "k14")
    assert listed.empty


@pytest.mark.parametrize("name", ["k01", "k13", "k14"])
def test_no_case_stops_or_breaks_a_contract(root: Path, cases: Path, name: str) -> None:
    trial = trial_of_case(cases, name)
    found = quick_look(trial, root)
    contracts = load_contracts(root / "data_contracts")
    cut = apply_cut(clean_snapshot(read_snapshot(trial, allow_list(contracts, trial.protocol)), trial).domains,
                    trial.cut_date)  # fmt: skip
    clean = without_birth_dates(cut.domains, trial.protocol, trial.cut_date)
    gate = Gate(contracts, list(trial.protocol.study.endpoints), evaluate_quickly)
    verdicts = [*found.verdicts, *gate.check("clean", {code.lower(): clean[code] for code in clean})]
    assert [failure for verdict in verdicts for failure in verdict.failures] == []
