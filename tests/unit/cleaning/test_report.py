"""What the cleaning notebook shows of the cut, of what is missing by visit, and of the contracts."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from support.raw_export import DM, export, rows, trial_of
from support.trial_builder import TrialBuilder, trial
from trialbook.cleaning import after_cut_sentence, apply_cut, missing_by_visit, recorded_after_cut
from trialbook.contracts.odcs import load_contracts
from trialbook.display.charts.cleaning import missing_visits
from trialbook.snapshot import read_snapshot
from trialbook.snapshot.contract_verdicts import broken_rules, raw_verdicts, verdict_table


def seen(built: TrialBuilder, day: int, visit: str, *, tested: bool) -> TrialBuilder:
    built.add("SV", VISIT=visit, VISITNUM=float(day), SVSTDTC=built.date(day))
    return built.lab("ALT", 20, day, VISIT=visit) if tested else built


def test_records_kept_for_want_of_a_date_are_counted() -> None:
    built = trial().subject("S01").infused(0)
    for term, start in (("A", "2025-01-12"), ("B", ""), ("C", "2025-06"), ("D", "2025"), ("E", "2025-07")):
        built.event(term, start)
    counts = apply_cut(built.domains(), pd.Timestamp("2025-06-15")).counts.set_index("domain")
    assert counts.loc["AE", ["read", "removed", "kept", "undated", "partial"]].tolist() == [5, 1, 4, 1, 2]


def after_cut_of(built: TrialBuilder, date: str) -> list[tuple[str, str, int]]:
    domains = built.domains()
    found = recorded_after_cut(domains, apply_cut(domains, pd.Timestamp(date)))
    return list(found[["SUBJID", "KIND", "RECORDS"]].itertuples(index=False, name=None))


def test_deaths_and_serious_events_after_the_cut_are_named_by_subject() -> None:
    built = trial().subject("S01").infused(0).died("2025-07-02")
    built.subject("S02").infused(0).event("Sepsis", "2025-07-03", 4, serious="Y").event("Rash", "2025-07-03", 1)
    assert after_cut_of(built, "2025-07-01") == [("S01", "death", 1), ("S02", "serious", 1)]
    assert after_cut_of(built, "2025-07-02") == [("S02", "serious", 1)]
    assert after_cut_of(built, "2025-07-03") == []
    domains = built.domains()
    said = [
        after_cut_sentence(recorded_after_cut(domains, apply_cut(domains, pd.Timestamp(date))))
        for date in ("2025-06-30", "2025-07-31")
    ]
    assert said == [
        "Dated after the cut and not counted: S01 (a death is recorded), S02 (a serious event is recorded).",
        "No death and no serious event is dated after the cut.",
    ]


@pytest.mark.parametrize(
    ("source", "kinds"),
    [
        ("fatal event", ["death"]), ("outcome", ["death"]), ("disposition", ["death"]), ("criterion", ["serious"]),
        ("not serious", []), ("partial date", []),
    ],
)  # fmt: skip
def test_a_death_after_the_cut_is_found_wherever_it_is_recorded(source: str, kinds: list[str]) -> None:
    built = trial().subject("S01").infused(0)
    if source == "fatal event":
        built.event("Sepsis", "2025-07-03", 5, serious="Y", AEOUT="FATAL", AESDTH="Y")
    elif source == "outcome":
        built.event("Sepsis", "2025-06-20", 4, end="2025-07-03", serious="Y", AEOUT="FATAL")
    elif source == "disposition":
        built.add("DS", DSDECOD="DEATH", DSSTDTC="2025-07-03")
    elif source == "partial date":
        built.event("Sepsis", "2025", 4, serious="Y")
    else:
        criterion = {"AESHOSP": "Y"} if source == "criterion" else {}
        built.event("Sepsis", "2025-07-03", 4, serious=None if criterion else "N", **criterion)
    assert [kind for _, kind, _ in after_cut_of(built, "2025-06-30")] == kinds


def test_who_consented_after_the_cut_and_died_is_named_and_a_death_that_counts_is_not() -> None:
    built = trial().subject("S01").infused(0).died("2025-06-20").event("Sepsis", "2025-06-20", 5, AEOUT="FATAL")
    built.add("DS", DSDECOD="DEATH", DSSTDTC="2025-07-03")
    built.subject("S02", start="2025-07-10").infused(0).died("2025-07-20")
    assert after_cut_of(built, "2025-06-30") == [("S02", "death", 1)]


def test_a_subject_seen_without_a_result_that_others_have_is_missing() -> None:
    built = seen(trial().subject("S01").infused(0), 7, "DAY 7", tested=True)
    built = seen(built.subject("S02").infused(0), 7, "DAY 7", tested=False)
    built = seen(built, 14, "DAY 14", tested=False)
    shown = missing_by_visit(built.domains())
    assert shown.to_numpy().tolist() == [["DAY 7", 7.0, "LB", 2, 1, 0.5]]


def test_a_result_that_is_blank_is_missing_too() -> None:
    built = seen(trial().subject("S01").infused(0), 7, "DAY 7", tested=True)
    built = seen(built.subject("S02").infused(0), 7, "DAY 7", tested=False)
    built.add("LB", LBTESTCD="ALT", VISIT="DAY 7", LBDTC=built.date(7))
    assert missing_by_visit(built.domains())["WITHOUT"].tolist() == [1]


def test_a_trial_without_visits_has_an_empty_picture() -> None:
    shown = missing_by_visit(trial().subject("S01").infused(0).domains())
    assert shown.empty
    assert missing_visits(shown).to_dict()["layer"]


def test_the_notebook_shows_each_files_verdict_and_each_broken_rule(root: Path, tmp_path: Path) -> None:
    snapshot = read_snapshot(trial_of(export(tmp_path / "s", dm=rows(DM, {}, {}))))
    verdicts = raw_verdicts(load_contracts(root / "data_contracts", ["raw"]), snapshot, ["TEAE"])
    table = verdict_table(verdicts, snapshot).set_index("domain")
    assert table.loc["DM", ["records", "broken", "verdict"]].tolist() == [2, 1, "broken"]
    assert table.loc["AE", "verdict"] == "kept"
    broken = broken_rules(verdicts)
    assert broken[["domain", "rule", "severity", "rows"]].to_numpy().tolist() == [["DM", "dm.key", "critical", "2, 3"]]
