"""Rules across records and domains, as the contracts state them, on small trials; and both engines agree on each."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import pandas as pd
import pytest

from support.paths import ROOT
from support.trial_builder import TrialBuilder, trial
from trialbook.contracts.gate import Gate
from trialbook.contracts.gx_engine import Failure, evaluate
from trialbook.contracts.lookups import parse_lookup
from trialbook.contracts.odcs import Contract, load_contracts
from trialbook.contracts.pandas_engine import evaluate_quickly
from trialbook.core.errors import UsageError

ENDPOINTS = ["ELIGIBILITY", "TEAE", "DLT", "ORR_D28", "OS"]


@cache
def contracts() -> Mapping[str, Contract]:
    return load_contracts(ROOT / "data_contracts")


def clean(built: TrialBuilder) -> dict[str, pd.DataFrame]:
    return {code.lower(): frame for code, frame in built.domains().items()}


def failures(frames: dict[str, pd.DataFrame], kind: str = "clean", *only: str) -> dict[str, Failure]:
    """The failed rules by name; Great Expectations must say the same of the datasets named in `only`."""
    quick = Gate(contracts(), ENDPOINTS, evaluate_quickly).check(kind, frames)
    if only:
        slow = Gate(contracts(), ENDPOINTS, evaluate).check(kind, frames, only)
        assert slow == [verdict for verdict in quick if verdict.dataset.split("/")[1] in only]
    return {failure.rule: failure for verdict in quick for failure in verdict.failures}


def treated() -> TrialBuilder:
    return trial().subject("S01").infused(0).infused(7)


SUBJECT = {"USUBJID": "iMSC-2001-S01"}


def test_a_plain_trial_breaks_no_rule() -> None:
    built = treated().event("Rash", 3, end=5).stages(-1, 1, 0, 0, 0).lab("ALT", 20, 1, low=5, high=40)
    assert failures(clean(built), "clean", "dm", "ex", "ae") == {}


@pytest.mark.parametrize(
    ("built", "rule", "record"),
    [
        (treated().event("Rash", 30).died(20), "ae.AESTDTC.not_after_death", {"AESEQ": 1}),
        (treated().event("Rash", 3, end=30).died(20), "ae.AEENDTC.not_after_death", {"AESEQ": 1}),
        (treated().event("Rash", 3, end=1), "ae.AEENDTC.not_before_start", {"AESEQ": 1}),
        (treated().event("Sepsis", 3, 5, AEOUT="FATAL"), "ae.AEOUT.fatal_in_dm", {"AESEQ": 1}),
        (treated().event("Sepsis", 3, 5, AEOUT="RECOVERED/RESOLVED"), "ae.AEOUT.grade5", {"AESEQ": 1}),
        (treated().event("Rash", 3, end=9, AEENRTPT="ONGOING"), "ae.AEENRTPT.ended", {"AESEQ": 1}),
        (treated().infused(-9), "ex.EXSTDTC.after_consent", {"EXSEQ": 3}),
        (treated().lab("ALT", 20, 30).died(20), "lb.LBDTC.not_after_death", {"LBSEQ": 1}),
        (treated().stages(28, 0, 0, 0, 0), "dm.RSDTC.baseline", {}),
        (treated().drug("Ciclosporin", 9, end=3), "cm.CMENDTC.not_before_start", {"CMSEQ": 1}),
        (treated().add("SS", SSTESTCD="SURVSTAT", SSORRES="ALIVE", SSDTC="2025-03-01").died(20),
         "ss.SSDTC.alive_after_death", {"SSTESTCD": "SURVSTAT", "SSDTC": "2025-03-01"}),
        (treated().died(20).add("DS", DSDECOD="DEATH", DSSTDTC="2025-02-01"), "ds.DSSTDTC.death_as_in_dm",
         {"DSSEQ": 3}),
        (trial().subject("S01", level="SCRNFAIL").infused(0), "dm.ACTARMCD.not_infused", {}),
        (trial().subject("S01", DTHDTC="2025-02-01"), "dm.DTHFL.dated", {}),
    ],
)  # fmt: skip
def test_a_contradiction_across_records_names_the_record(
    built: TrialBuilder, rule: str, record: dict[str, object]
) -> None:
    found = failures(clean(built), "clean", rule.split(".")[0])
    assert found[rule].count == 1
    shown = {key: value for key, value in found[rule].records[0].items() if key in {*SUBJECT, *record}}
    assert shown == {**SUBJECT, **record}


def test_partial_dates_contradict_only_where_every_reading_does() -> None:
    assert failures(clean(treated().event("Rash", "2025-01").died(20))) == {}
    assert failures(clean(treated().event("Rash", "2025").died(20))) == {}
    assert "ae.AESTDTC.not_after_death" in failures(clean(treated().event("Rash", "2025-02").died(20)))


def test_a_systolic_pressure_below_the_diastolic_one_of_its_time_is_found() -> None:
    built = treated()
    for day, systolic, diastolic in ((1, 120, 80), (2, 70, 90)):
        for test, value in (("SYSBP", systolic), ("DIABP", diastolic)):
            built.add("VS", VSTESTCD=test, VSORRES=value, VSORRESU="mmHg", VSDTC=built.date(day))
    found = failures(clean(built), "clean", "vs")["vs.SYSBP.above_diastolic"]
    assert [record["VSSEQ"] for record in found.records] == [3]


def test_an_event_of_a_subject_not_in_dm_is_critical() -> None:
    frames = clean(treated().event("Rash", 3))
    frames["ae"] = frames["ae"].assign(USUBJID="S9")
    found = failures(frames, "clean", "ae")["ae.USUBJID.in_dm"]
    assert (found.severity, found.records) == ("critical", [{"USUBJID": "S9", "AESEQ": 1}])


def response(grade_flag: str) -> dict[str, pd.DataFrame]:
    rows = [
        {"USUBJID": "S1", "PARAMCD": "GRADE", "ABLFL": grade_flag, "AVALC": "2"},
        {"USUBJID": "S1", "PARAMCD": "RSP28", "ABLFL": "", "AVALC": "CR"},
    ]
    return {"adrs": pd.DataFrame(rows), "adsl": pd.DataFrame({"USUBJID": ["S1"]})}


def test_a_day_28_response_without_a_baseline_is_found_and_asked_about() -> None:
    assert "adrs.RSP28.baseline" not in failures(response("Y"), "analysis")
    found = failures(response(""), "analysis")["adrs.RSP28.baseline"]
    assert (found.asked_as, found.records[0]["PARAMCD"]) == ("P29-RS-BASELINE-NONE", "RSP28")


def test_a_rule_whose_other_domain_was_not_delivered_is_skipped_and_said() -> None:
    verdict = Gate(contracts(), ENDPOINTS, evaluate_quickly).check("clean", clean(treated()), ["dm"])[0]
    assert verdict.skipped == ["dm.RSDTC.baseline: there is no rs"]
    assert "dm.RSDTC.baseline" not in verdict.evaluated


def test_what_a_step_asks_itself_is_a_verdict_and_no_second_question() -> None:
    gate = Gate(contracts(), ENDPOINTS, evaluate_quickly)
    verdicts = gate.check("clean", clean(treated().event("Rash", 3, end=1).drug("Ciclosporin", 9, end=3)))
    assert {f.rule for v in verdicts for f in v.failures} == {
        "ae.AEENDTC.not_before_start",
        "cm.CMENDTC.not_before_start",
    }
    (asked,) = gate.queries(verdicts)
    assert (asked["rule"], asked["record"], asked["field"]) == ("cm.CMENDTC.not_before_start", "CMSEQ=1", "CMENDTC")
    assert "CMENDTC不早于CMSTDTC" in asked["message_zh"]


@pytest.mark.parametrize("entry", [{"column": "A", "read": "soon"}, {"colum": "A"}, {"column": "A", "take": "any"}])
def test_a_lookup_that_cannot_be_understood_is_an_error(entry: dict[str, str]) -> None:
    with pytest.raises(UsageError, match="cannot be understood"):
        parse_lookup(entry, "r1")


def test_every_rule_that_is_asked_elsewhere_names_a_question_that_exists(root: Path) -> None:
    sources = "".join(path.read_text(encoding="utf-8") for path in (root / "src").rglob("*.py"))
    asked = {rule.custom("askedAs") for c in contracts().values() for rule in c.dataset.rules} - {""}
    assert asked
    assert [name for name in sorted(asked) if f'"{name}"' not in sources] == []
