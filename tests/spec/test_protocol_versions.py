"""Amendments: the version in force at consent, what is refused, and consents that leave the version open."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from support.eligibility_cases import Case, Make, audit_of, base, lab, of_case
from support.trial_builder import TrialBuilder
from trialbook.core.errors import UsageError
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.load import analysis_values, load_protocol
from trialbook.protocol.models import Protocol
from trialbook.protocol.versions import analysis_under, possible_versions, version_table, versions

# Subjects of the trial builder consent on 2025-01-03 and are infused on 2025-01-10.
SECOND = {"id": "2.0", "date": "2025-01-03", "text": "ALT to 3 x ULN", "criteria": {"EX04": {"ALT_uln": "3"}}}


def amended(protocol: Protocol, *amendments: dict[str, Any], only: tuple[str, ...] = ("EX04",)) -> Protocol:
    """The protocol with amendments, and with few of its criteria, so that the audit is short."""
    content = protocol.model_dump()
    criteria = [criterion for criterion in content["criteria"] if criterion["id"] in only]
    return Protocol.model_validate({**content, "criteria": criteria, "amendments": list(amendments)})


def test_the_trial_has_one_version_and_it_stands_with_every_result(protocol: Protocol) -> None:
    assert version_table(protocol).to_dict("records") == [{"VERSION": "1.0", "FROM": "the start", "CHANGES": "-"}]


# ALT as a multiple of its limit, date of consent -> what the audit says, against which limit, under which version.
CONSENTS = [
    (2.5, "2025-01-02", "FAIL", 2, "1.0"),
    (2.5, "2025-01-03", "PASS", 3, "2.0"),
    (2.5, "2025-01-04", "PASS", 3, "2.0"),
    (2.5, "2024-12", "FAIL", 2, "1.0"),
    (2.5, "2024", "FAIL", 2, "1.0"),
    (2.5, "2025-01", "NE", 3, "1.0 or 2.0"),
    (2.5, "2025", "NE", 3, "1.0 or 2.0"),
    (2.5, None, "NE", 3, "1.0 or 2.0"),
    (7.5, "2025-01", "FAIL", 3, "1.0 or 2.0"),
    (1.5, None, "PASS", 3, "1.0 or 2.0"),
]


@pytest.fixture(scope="module")
def consented(protocol: Protocol) -> pd.DataFrame:
    """EX04A of a subject for each row of `CONSENTS`."""
    cases = [Case("EX04A", "", _with_alt(ratio, consent)) for ratio, consent, *_ in CONSENTS]
    plan = amended(protocol, SECOND)
    adie = audit_of(cases, plan, analysis_values(plan, {}, "x")).adie
    assert adie.groupby("USUBJID").size().eq(5).all()
    return adie[adie["CRITCD"].eq("EX04A")].reset_index(drop=True)


@pytest.mark.parametrize("row", range(len(CONSENTS)), ids=[f"{alt} {day}" for alt, day, *_ in CONSENTS])
def test_a_subject_is_audited_under_the_version_in_force_at_consent(row: int, consented: pd.DataFrame) -> None:
    _, _, result, limit, version = CONSENTS[row]
    found = consented.iloc[row]
    assert (found["DATARESULT"], found["LIMIT"], found["PROTVER"]) == (result, limit, version)


def test_a_consent_that_leaves_the_version_open_is_asked_about_only_where_it_matters(consented: pd.DataFrame) -> None:
    results = [result for _, _, result, _, _ in CONSENTS]
    assert consented["FLAG"].tolist() == ["PROTOCOL-VERSION" if result == "NE" else "" for result in results]
    both = consented[consented["PROTVER"].eq("1.0 or 2.0")]
    said = ["1.0 FAIL, 2.0 PASS"] * 3 + ["the same under versions 1.0 or 2.0"] * 2
    assert all(text in evidence for text, evidence in zip(said, both["EVIDENCE"], strict=True))


def test_an_amendment_leaves_every_other_column_and_the_earlier_subjects_alone(protocol, analysis) -> None:
    cases = [Case("EX04A", "", _with_alt(2.5, day)) for day in ("2025-01-02", "2025-01-03", "2024-11-30")]
    adie, alone = (audit_of(cases, amended(protocol, *a), analysis).adie for a in ((SECOND,), ()))
    assert adie.groupby("USUBJID")["PROTVER"].unique().map(list).tolist() == [["1.0"], ["2.0"], ["1.0"]]
    same = adie["CRITCD"].ne("EX04A") | adie["PROTVER"].eq("1.0")
    assert same.sum() == 14
    pd.testing.assert_frame_equal(adie[same].drop(columns="PROTVER"), alone[same].drop(columns="PROTVER"))


def test_an_amended_wording_is_the_rule_of_later_subjects_only(protocol, analysis) -> None:
    other = {**SECOND, "wording": {"IN04": "ECOG <= 1"}, "criteria": {"IN04": {"maximum_ecog": "1"}}}
    cases = [Case("IN04", "", base(RFICDTC=day)) for day in ("2025-01-02", "2025-01-03")]
    rules = audit_of(cases, amended(protocol, other, only=("IN04",)), analysis).adie
    assert rules["RULE"].tolist() == ["ECOG≤2", "ECOG <= 1"]
    assert rules["LIMIT"].tolist() == [2, 1]


def test_an_amended_window_holds_for_later_subjects_unless_the_cut_overrides_it(protocol, analysis) -> None:
    window = {"id": "2.0", "date": "2025-01-03", "analysis": {"lab_window_days": "14"}}
    plan = amended(protocol, window)
    book = [Case("EX04A", "", lab("ALT", 30, -10, high=40.0))]
    assert of_case(audit_of(book, plan, analysis).adie, 0, "EX04A")["RESULT"].tolist() == ["PASS"]
    assert of_case(audit_of(book, amended(protocol), analysis).adie, 0, "EX04A")["RESULT"].tolist() == ["NE"]
    narrow = analysis.model_copy(update={"lab_window_days": 3})
    assert analysis_under(versions(plan)[1], plan, narrow).lab_window_days == 3
    assert analysis_under(versions(plan)[1], plan, analysis).lab_window_days == 14


def test_each_amendment_builds_on_the_one_before(protocol: Protocol) -> None:
    third = {"id": "3.0", "date": "2025-02-01", "criteria": {"EX04": {"AST_uln": "4"}}}
    last = {c.id: c for c in versions(amended(protocol, SECOND, third))[-1].criteria}["EX04"]
    assert (last.parameters["ALT_uln"], last.parameters["AST_uln"], last.parameters["BUN_uln"]) == ("3", "4", "2")


def test_on_every_day_one_version_is_in_force(protocol: Protocol) -> None:
    third = {"id": "3.0", "date": "2025-02-01", "criteria": {"EX04": {"AST_uln": "4"}}}
    days = pd.Series(pd.date_range("2024-12-25", "2025-02-10")).astype("datetime64[s]")
    possible = possible_versions(amended(protocol, SECOND, third), days, days)
    assert (possible.sum(axis=1) == 1).all()
    assert [days[possible[:, k]].min().strftime("%m-%d") for k in (1, 2)] == ["01-03", "02-01"]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"id": "1.0"}, "1.0 occurs twice"),
        ({"date": "2025-01"}, "complete calendar date"),
        ({"date": "2025-02-30"}, "complete calendar date"),
        ({"criteria": {"EX40": {"ALT_uln": "3"}}}, "no criterion EX40 in the amendment 2.0; the nearest is EX"),
        ({"criteria": {"EX04": {"ALT_ulm": "3"}}}, "no parameter ALT_ulm of EX04 .*; the nearest is ALT_uln"),
        ({"criteria": {"EX04": {"ALT_uln": "three"}}}, "parameter ALT_uln of EX04 .* is not a number"),
        ({"criteria": {"EX01": {"terms": "MSC"}}}, "parameter terms of EX01 .* is not a list"),
        ({"wording": {"EX18": "new"}}, "no criterion EX18"),
        ({"criteria": {}}, "2.0 changes nothing"),
        ({"criteria": {}, "analysis": {"lab_windows_days": "3"}}, "the nearest is lab_window_days"),
        (
            {"criteria": {}, "analysis": {"dlt_target": "0.2"}},
            "no analysis key that an amendment may change dlt_target",
        ),
        ({"criteria": {}, "analysis": {"lab_window_days": "a week"}}, "valid integer"),
        ({"until": "2026-01-01"}, "unknown key until"),
    ],
)
def test_an_amendment_that_cannot_be_meant_is_refused(change, says, root: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=says):
        _loaded([{**SECOND, **change}], root, tmp_path)


@pytest.mark.parametrize(("date", "says"), [("2025-01-03", "overlap"), ("2024-12-31", "before 2.0")])
def test_versions_stand_in_order_of_time_and_do_not_overlap(date, says, root: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=says):
        _loaded([SECOND, {"id": "3.0", "date": date, "wording": {"IN04": "ECOG <= 1"}}], root, tmp_path)


def test_a_protocol_file_with_an_amendment_loads(root: Path, tmp_path: Path) -> None:
    plan = _loaded([SECOND], root, tmp_path)
    assert version_table(plan)["VERSION"].tolist() == ["1.0", "2.0"]
    assert isinstance(analysis_values(plan, {}, "x"), Analysis)


def _loaded(amendments: list[dict[str, Any]], root: Path, folder: Path) -> Protocol:
    text = (root / "params" / "protocol.yaml").read_text(encoding="utf-8")
    path = folder / "protocol.yaml"
    written = yaml.safe_dump({"amendments": amendments}, allow_unicode=True)
    path.write_text(text.replace("amendments: []\n", written), encoding="utf-8")
    return load_protocol(path)


def _with_alt(ratio: float, consent: str | None) -> Make:
    """A subject with this ALT, as a multiple of its limit, and this date of consent in DM and DS."""

    def make(book: TrialBuilder, name: str) -> TrialBuilder:
        return lab("ALT", 40 * ratio, high=40.0)(book, name).consented(consent)

    return make
