"""A criterion is a line of the protocol file: no contract and no line of the library names it as well."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest

from support.demo_workbook import Workbook
from support.running_builds import Running
from trialbook.contracts.odcs import load_contracts
from trialbook.core.datasets import read_dataset
from trialbook.protocol.models import Protocol

LAST = '    text: "Not suitable for this clinical trial for other reasons."\n    kind: exclusion\n    check: attested\n'
EX18 = '  - id: EX18\n    text: "Active tuberculosis."\n    kind: exclusion\n    check: {check}\n'


def with_ex18(workbook: Workbook, root: Path, check: str) -> str:
    """The protocol file of the workbook, with one criterion more."""
    text = (root / "params" / "protocol.yaml").read_text(encoding="utf-8")
    assert LAST in text
    path = workbook.folder / "params" / "protocol.yaml"
    path.write_text(text.replace(LAST, LAST + EX18.format(check=check)), encoding="utf-8")
    shutil.copy(root / "params" / "drugs.yaml", workbook.folder / "params")
    return str(path)


@pytest.mark.soak  # unit/eligibility audits every criterion of a protocol file; a build takes long
@pytest.mark.build
def test_a_criterion_more_is_judged_checked_and_published(root: Path, tmp_path: Path) -> None:
    workbook = Workbook(tmp_path, root, "2025-03-31")
    # The form says nothing of it for one subject, and Y, excluded, for another.
    answers = workbook.read("ie")
    template = next(row for row in answers if row["IETESTCD"] == "EX17")
    subjects = sorted({row["USUBJID"] for row in answers})
    asked = [
        template | {"USUBJID": subject, "IETESTCD": "EX18", "IESEQ": "99", "IEORRES": "Y" if k == 0 else "N"}
        for k, subject in enumerate(subjects[:-1])
    ]
    workbook.write("ie", [*answers, *asked])
    build = workbook.build(protocol=with_ex18(workbook, root, "attested"))
    adie = read_dataset(build / "data" / "adie.parquet")
    results = adie[adie["CRITCD"].eq("EX18")].set_index("USUBJID")["RESULT"]
    assert set(results.index) == set(adie["USUBJID"])
    assert results[subjects[0]] == "ATT-FAIL"
    assert results[subjects[1]] == "ATT-PASS"
    assert results[subjects[-1]] in ("NE", "PENDING"), "a criterion that nobody answered is no pass"
    verdict = json.loads((build / "contracts" / "analysis.adie.json").read_text(encoding="utf-8"))
    assert {"adie.CRITCD.codelist", "adie.CRITCD.every_subject"} <= set(verdict["evaluated"])
    assert verdict["failures"] == []
    ard = pd.read_parquet(build / "results" / "ard.parquet")
    counted = ard[ard["analysis_id"].eq("ELIG") & ard["variable"].eq("EX18")]
    assert counted["stat"].sum() > 0
    queries = (build / "queries.csv").read_text(encoding="utf-8-sig")
    assert "ie.IETESTCD.codelist" not in queries


def test_an_unknown_check_is_found_before_any_build_and_the_known_ones_are_named(root: Path, tmp_path: Path) -> None:
    workbook = Workbook(tmp_path / "book", root, "2025-03-31")
    cut = workbook.cut_file(protocol=with_ex18(workbook, root, "tb_check"))
    running = Running(tmp_path / "said", "check", cut, TRIALBOOK_ROOT=str(root))
    assert running.end(120) == 2, running.said
    said = " ".join(running.said.split())
    assert "column criteria.EX18.check: there is no check tb_check. Next: name one of active_hepatitis, " in said
    assert "attested" in said
    assert "the cut can be built" not in said


def test_no_contract_repeats_what_the_protocol_says(root: Path, protocol: Protocol) -> None:
    criteria = {*protocol.audit_columns, *(criterion.id for criterion in protocol.criteria)}
    for key, contract in load_contracts(root / "data_contracts").items():
        for column in contract.dataset.properties:
            codes = column.custom("codelist")
            if isinstance(codes, list):
                repeated = {*codes} & {*criteria, *protocol.level_ids}
                assert not repeated, f"{key}.{column.name} repeats {sorted(repeated)}"
