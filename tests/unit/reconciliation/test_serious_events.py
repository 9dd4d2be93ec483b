"""Serious events of AE against the safety database: what is one event, and what is asked where the sides differ."""

from __future__ import annotations

import pandas as pd
import pytest

from trialbook.core.domains import Domains
from trialbook.protocol.conduct import Reconciliation
from trialbook.queries.query_list import Query
from trialbook.reconciliation.serious_events import serious_event_queries

CUT = pd.Timestamp("2025-06-30")
COLUMNS = ["USUBJID", "AETERM", "AESTDTC", "AEDECOD", "AESER", "AEREL", "AEOUT", "AETOXGR", "CASEID"]
SEPSIS = {"USUBJID": "S-01", "AETERM": "Sepsis", "AEDECOD": "Sepsis", "AESTDTC": "2025-03-10", "AESER": "Y",
          "AETOXGR": "4", "AEREL": "RELATED", "AEOUT": "FATAL"}  # fmt: skip
CASE = {"USUBJID": "S-01", "AETERM": "SEPSIS ", "AESTDTC": "2025-03-10", "CASEID": "C1"}


def asked(events: list[dict[str, str]], cases: list[dict[str, str]], **rules: int) -> list[Query]:
    ae = pd.DataFrame([{"AESEQ": k, **one} for k, one in enumerate(events, 1)], columns=["AESEQ", *COLUMNS[:-1]])
    dm = pd.DataFrame({"USUBJID": ["S-01", "S-02"], "SUBJID": ["01", "02"]})
    safety = pd.DataFrame(cases, columns=COLUMNS, index=range(2, 2 + len(cases)), dtype="str")
    domains = Domains({"AE": ae.astype(dict.fromkeys(COLUMNS[:-1], "str")), "DM": dm.astype("str")})
    return serious_event_queries(domains, safety, CUT, Reconciliation(**rules), "safety.csv")


def rules(found: list[Query]) -> list[str]:
    return [one["rule"] for one in found]


@pytest.mark.parametrize(
    "case",
    [
        CASE, {**CASE, "USUBJID": "01"}, {**CASE, "AESTDTC": "2025-03-13"}, {**CASE, "AESTDTC": "2025-03"},
        {**CASE, "AETERM": "blood poisoning", "AEDECOD": "sepsis"}, {**CASE, "AETOXGR": "4", "AEOUT": "Fatal"},
    ],
    ids=["same", "short subject number", "at the tolerance", "partial date", "coded term", "same values"],
)  # fmt: skip
def test_the_same_event_raises_nothing(case: dict[str, str]) -> None:
    assert asked([SEPSIS], [case]) == []


@pytest.mark.parametrize(
    ("case", "rule"),
    [
        ({"AESTDTC": "2025-03-14"}, "RECON-SAE-DATE-DIFFERS"),
        ({"AETERM": "Fever"}, "RECON-SAE-TERM-DIFFERS"),
        ({"AEOUT": "RECOVERED/RESOLVED"}, "RECON-SAE-VALUE-DIFFERS"),
        ({"AETOXGR": "5"}, "RECON-SAE-VALUE-DIFFERS"),
    ],
)
def test_what_differs_of_one_event_is_asked(case: dict[str, str], rule: str) -> None:
    found = asked([SEPSIS], [{**CASE, **case}])
    assert rules(found) == [rule]
    assert found[0]["record"] == "AESEQ=1"


def test_each_side_may_lack_an_event_and_the_one_who_must_act_is_named() -> None:
    found = asked([SEPSIS], [{**CASE, "USUBJID": "S-02"}])
    assert [(one["rule"], one["subject"], one["recipient"]) for one in found] == [
        ("RECON-SAE-NOT-IN-SAFETY", "S-01", "medical monitor"), ("RECON-SAE-NOT-IN-AE", "S-02", "site"),
    ]  # fmt: skip
    assert found[1]["record"] == "CASEID=C1"


def test_an_event_that_ae_does_not_call_serious_is_found_by_its_term() -> None:
    assert rules(asked([{**SEPSIS, "AESER": "N"}], [CASE])) == ["RECON-SAE-NOT-SERIOUS"]


def test_an_event_of_another_term_is_not_taken_for_a_case_where_it_is_not_serious() -> None:
    assert rules(asked([{**SEPSIS, "AESER": "N", "AETERM": "Rash", "AEDECOD": "Rash"}], [CASE])) == [
        "RECON-SAE-NOT-IN-AE"
    ]


def test_two_episodes_are_paired_by_their_nearest_starts() -> None:
    events = [SEPSIS, {**SEPSIS, "AESTDTC": "2025-04-20"}]
    assert asked(events, [{**CASE, "AESTDTC": "2025-04-21"}, {**CASE, "AESTDTC": "2025-03-09"}]) == []
    assert rules(asked(events, [{**CASE, "AESTDTC": "2025-04-21"}])) == ["RECON-SAE-NOT-IN-SAFETY"]


def test_a_case_after_the_cut_or_not_serious_is_not_looked_at_and_the_days_are_the_protocols() -> None:
    assert asked([], [{**CASE, "AESTDTC": "2025-07-01"}, {**CASE, "AESER": "N"}]) == []
    assert rules(asked([SEPSIS], [{**CASE, "AESTDTC": "2025-03-13"}], event_days=2)) == ["RECON-SAE-DATE-DIFFERS"]


def test_a_subject_that_is_not_in_dm_is_asked_about_once_a_case() -> None:
    assert rules(asked([SEPSIS], [CASE, {**CASE, "USUBJID": "S-09"}])) == ["RECON-SUBJECT-UNKNOWN"]


def test_a_case_without_a_subject_is_asked_about() -> None:
    (found,) = asked([SEPSIS], [CASE, {**CASE, "USUBJID": None, "CASEID": None}])  # type: ignore[dict-item]
    assert (found["rule"], found["subject"], found["record"]) == ("RECON-NO-SUBJECT", "", "safety.csv row 3")


@pytest.mark.parametrize(("outcome", "found"), [("FATAL", []), ("RECOVERED/RESOLVED", ["RECON-SAE-VALUE-DIFFERS"])])
def test_an_outcome_that_the_cut_has_set_back_is_compared_as_it_was_delivered(outcome: str, found: list[str]) -> None:
    ae = pd.DataFrame([{**SEPSIS, "AESEQ": 1, "AEOUT": "NOT RECOVERED/NOT RESOLVED", "SRCROW": 2}]).convert_dtypes()
    edits = pd.DataFrame(
        [["AE", 2, "AEOUT", "FATAL", "NOT RECOVERED/NOT RESOLVED"]],
        columns=["domain", "SRCROW", "column", "raw", "new"],
    )
    safety = pd.DataFrame([{**CASE, "AEOUT": outcome}], columns=COLUMNS, dtype="str")
    domains = Domains({"AE": ae, "DM": pd.DataFrame({"USUBJID": ["S-01"]}, dtype="str")})
    given = Reconciliation()
    assert rules(serious_event_queries(domains, safety, CUT, given, "safety.csv", edits)) == found
    assert rules(serious_event_queries(domains, safety.assign(AEOUT=pd.NA), CUT, given, "safety.csv")) == []
