"""The audit of a damaged crowd, under a protocol with an amendment, against the second implementation in SQL."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
import yaml

from reference.eligibility_sql import CRITERIA, Eligibility
from support.damaged_subjects import damaged_crowd
from trialbook.cleaning import apply_cut
from trialbook.cleaning.clean import typed
from trialbook.core.datasets import write_dataset
from trialbook.core.domains import Domains
from trialbook.eligibility.adie import audit
from trialbook.eligibility.audit_results import RESULTS
from trialbook.protocol.load import analysis_values, load_protocol
from trialbook.protocol.study_data import StudyData
from trialbook.subjects.adsl import derive_subjects

CUT = "2025-09-30"
BY_FORM = {"EX03", "EX14", "EX17"}
# What the amendment changes: limits, windows of the audit, and the definition of refractoriness.
AMENDMENT = {
    "id": "2.0",
    "date": "2025-05-01",
    "text": "wider limits",
    "criteria": {"EX04": {"ALT_uln": 3, "creatinine_clearance_ml_min": 60}, "IN02": {"minimum_years": 12}},
    "analysis": {"lab_window_days": 4, "sr_definition": "CN-2024"},
}


@pytest.mark.parametrize("seed", [1])
def test_every_cell_of_a_damaged_crowd_is_that_of_the_second_implementation(
    root: Path, tmp_path: Path, seed: int
) -> None:
    trial = yaml.safe_load((root / "params" / "protocol.yaml").read_text(encoding="utf-8"))
    path = tmp_path / "protocol.yaml"
    path.write_text(yaml.safe_dump({**trial, "amendments": [AMENDMENT]}, allow_unicode=True), encoding="utf-8")
    protocol, cut = load_protocol(path), pd.Timestamp(CUT)
    analysis = analysis_values(protocol, {}, "protocol.yaml")
    text = damaged_crowd(seed, subjects=45)
    numbered = {code: frame.mask(frame.eq("")).assign(SRCROW=range(2, len(frame) + 2)) for code, frame in text.items()}
    clean = apply_cut(Domains({code: typed(code, frame) for code, frame in numbered.items()}), cut).domains
    for code in clean:
        write_dataset(clean[code], tmp_path / f"{code.lower()}.parquet")
    adie = audit(derive_subjects(StudyData(clean, protocol, analysis, cut)), StudyData(clean, protocol, analysis, cut))
    told = adie[["RESULT", "DATARESULT", "PROTVER"]].itertuples(index=False, name=None)
    own = dict(zip(zip(adie["USUBJID"], adie["CRITCD"], strict=True), told, strict=True))
    second = Eligibility(tmp_path, CUT, path).cells()
    assert own.keys() == second.keys()
    assert {cell: (own[cell], second[cell]) for cell in own if own[cell] != second[cell]} == {}
    # The damage reaches every code, both versions, and a failure of every criterion that data can fail.
    assert {code for code, *_ in second.values()} == set(RESULTS)
    assert {version for *_, version in second.values()} == {"1.0", "2.0"}
    assert {column for (_, column), (_, data, _) in second.items() if data == "FAIL"} == set(CRITERIA) - BY_FORM
