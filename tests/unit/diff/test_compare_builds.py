"""Two cuts compared: deletions, changed values, subjects, events, endpoints, numbers, and the page that says it."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from support.trial_builder import TrialBuilder, trial
from trialbook.core.translations import chinese
from trialbook.diff.built_cut import BuiltCut
from trialbook.diff.changes import CHANGED, GONE, RAISED, UNKNOWN, Changes, RecordChanges
from trialbook.diff.compare_builds import changes_between
from trialbook.display.changes import render_changes, summary, terminal_tables
from trialbook.display.page import Frame
from trialbook.dlt.addlt import derive_addlt
from trialbook.protocol.load import analysis_values
from trialbook.protocol.models import Cut, Protocol
from trialbook.protocol.study_data import StudyData
from trialbook.results.ard import ard_row, to_ard
from trialbook.safety.adae import derive_adae
from trialbook.subjects.adsl import derive_subjects


def built_cut(built: TrialBuilder, protocol: Protocol, day: str, treated: int) -> BuiltCut:
    """A build in memory: the clean domains as they are, ADSL, ADAE and ADDLT derived, one reported number."""
    analysis = analysis_values(protocol, {}, "protocol.yaml")
    domains = built.domains()
    study = StudyData(domains, protocol, analysis, pd.Timestamp(day).as_unit("s"))
    adsl = derive_subjects(study)
    adae = derive_adae(adsl, study)
    cut = Cut(cut_id=day, cut_date=day, snapshot="x", protocol="y")
    found = BuiltCut(Path(day), cut, protocol, analysis)
    adtte = pd.DataFrame({
        "USUBJID": adsl["USUBJID"], "PARAMCD": "OS", "AVAL": 10.0, "CNSR": (adsl["DTHFL"] != "Y").astype(int),
        "EVNTDESC": "",
    })  # fmt: skip
    values: dict[str, Any] = {
        "clean": {code: domains[code] for code in domains},
        "datasets": {"adsl": adsl, "adae": adae, "addlt": derive_addlt(adsl, study), "adtte": adtte},
        "ard": to_ard([ard_row("SETS", "Total", "SAFFL", "n", treated)]),
    }
    found.__dict__.update(values)
    return found


def first() -> TrialBuilder:
    built = trial().subject("S01").infused(0).event("Rash", 3, 1).event("Sepsis", 5, 2).add("LB", LBTESTCD="ALT")
    return built.subject("S02", start="2025-02-20").infused(0)


def second() -> TrialBuilder:
    built = trial().subject("S01").infused(0).event("Rash", 3, 3).event("Sepsis", 5, 2, serious="Y")
    built.event("Fever", 40, 2, serious="").subject("S02", start="2025-02-20").infused(0).event("Haemorrhage", 3, 4)
    return built.subject("S03", start="2025-04-01").infused(0).subject("S04", start="2025-05-01")


@pytest.fixture
def found(protocol: Protocol) -> Changes:
    return changes_between(
        built_cut(first(), protocol, "2025-03-01", 2), built_cut(second(), protocol, "2025-06-01", 3)
    )  # fmt: skip


def test_a_deleted_record_is_named_by_subject_domain_and_record(found: Changes) -> None:
    assert found.records.deleted.to_numpy().tolist() == [["LB", "iMSC-2001-S01", "LBSEQ=1"]]
    assert summary(found)[0] == "1 record deleted: S01 LB LBSEQ=1."


def test_a_reported_value_that_changed_says_which_endpoints_it_can_move(found: Changes) -> None:
    rows = found.records.restated[["subject", "column", "old", "new", "endpoints"]].to_numpy().tolist()
    assert ["iMSC-2001-S01", "AETOXGR", "1", "3", "TEAE, DLT"] in rows
    assert ["iMSC-2001-S01", "AESER", "N", "Y", "TEAE, DLT"] in rows
    assert "S01 AE AETOXGR 1 → 3" in summary(found)[1]


def test_events_are_told_when_severe_serious_or_open_and_new_or_changed(found: Changes) -> None:
    told = found.records.events.set_index("term")[["news", "serious", "grade"]].T.to_dict("list")
    assert told == {
        "Rash": ["changed: grade", "N", "3"],
        "Sepsis": ["changed: seriousness", "Y", "2"],
        "Fever": ["new", UNKNOWN, "2"],
        "Haemorrhage": ["new", "N", "4"],
    }
    assert any(line == "1 new serious event: S01 Fever (grade 2, seriousness not known)." for line in summary(found))


def test_new_subjects_and_statuses_are_named(found: Changes) -> None:
    assert dict(found.records.new_subjects.to_numpy().tolist()) == {"iMSC-2001-S03": "DL1", "iMSC-2001-S04": ""}
    moved = found.records.statuses.set_index(["subject", "status"])[["then", "now"]]
    assert moved.loc[("iMSC-2001-S02", "DLT status")].tolist()[0] == "PENDING"
    assert {"1 subject treated since: S03 (DL1).", "New in the data and not treated: S04."} <= set(summary(found))


def test_headline_numbers_and_results_say_then_and_now(found: Changes) -> None:
    assert ["treated", "2", "3"] in found.headlines.to_numpy().tolist()
    assert found.results[["then", "now"]].to_numpy().tolist() == [["2", "3"]]


def test_the_page_in_chinese_tells_records_that_were_kept_from_a_contract_that_was_kept(
    protocol: Protocol, found: Changes
) -> None:
    results = found.results.assign(context="kept")
    frame = Frame(protocol.study, found.new, [], "f")
    page = render_changes(replace(found, results=results), frame, language=chinese())
    assert "<td" in page
    assert ">符合</td>" not in page


def test_a_death_date_that_moved_is_a_changed_result_with_the_record_behind_it(protocol: Protocol) -> None:
    then = built_cut(trial().subject("S01").infused(0).died(20), protocol, "2025-03-01", 1)
    now = built_cut(trial().subject("S01").infused(0).died(23), protocol, "2025-06-01", 1)
    now.datasets["adtte"]["AVAL"] = 13.0
    moved = changes_between(then, now).records.endpoints
    survival = moved[moved["endpoint"].eq("OS")].iloc[0]
    assert (survival["kind"], survival["old"], survival["new"]) == (CHANGED, "died on day 10", "died on day 13")
    assert "DTHDTC: 2025-01-30 → 2025-02-02" in survival["records"]


def test_a_new_death_is_named_and_none_is_said_to_be_none(protocol: Protocol, found: Changes) -> None:
    then = built_cut(trial().subject("S01").infused(0), protocol, "2025-03-01", 1)
    now = built_cut(trial().subject("S01").infused(0).died(60), protocol, "2025-06-01", 1)
    assert "1 new death: S01." in summary(changes_between(then, now))
    assert "No new death is known." in summary(found)


def test_the_same_cut_twice_has_no_change(protocol: Protocol) -> None:
    one = built_cut(first(), protocol, "2025-03-01", 2)
    found = changes_between(one, one)
    assert found.nothing
    assert summary(found) == ["Nothing changed since the cut 2025-03-01: the same records and the same results."]
    assert all(frame.empty for _, frame in terminal_tables(found))


def test_the_changes_survive_being_kept_as_json(found: Changes) -> None:
    again = RecordChanges.from_plain(json.loads(json.dumps(found.records.to_plain())))
    for field in fields(RecordChanges):
        if field.name != "names":
            one, two = getattr(found.records, field.name), getattr(again, field.name)
            pd.testing.assert_frame_equal(one, two, check_dtype=False, check_index_type=False)
    assert again.names == found.records.names


def test_the_page_escapes_what_the_data_say(protocol: Protocol) -> None:
    then = built_cut(trial().subject("S01").infused(0), protocol, "2025-03-01", 1)
    built = trial().subject("S01").infused(0).event("<script>alert(1)</script>", 3, 4)
    page = render_changes(
        changes_between(then, built_cut(built, protocol, "2025-06-01", 1)),
        Frame(protocol.study, Cut(cut_id="b", cut_date="2025-06-01", snapshot="x", protocol="y"), [], "f"), ["S01"],
    )  # fmt: skip
    assert "<script>" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert 'href="profiles/S01.html"' in page


def test_signals_are_new_or_no_longer_raised_and_open_the_page(protocol: Protocol) -> None:
    then, now = (built_cut(first(), protocol, day, 2) for day in ("2025-03-01", "2025-06-01"))

    def signal(name: str, subject: str) -> dict[str, str]:
        return {"signal_id": name, "subject": subject, "severity": "high", "sentence": f"{name} of {subject}."}

    then.__dict__["signals"] = [signal("a", "S01"), signal("b", "S02")]
    now.__dict__["signals"] = [signal("c", "S02"), signal("a", "S01")]
    found = changes_between(then, now)
    assert found.signals is not None
    assert found.signals[["subject", "sentence", "news"]].to_numpy().tolist() == [
        ["S02", "c of S02.", RAISED], ["S02", "b of S02.", GONE],
    ]  # fmt: skip
    page = render_changes(found, Frame(protocol.study, now.cut, [], "f"))
    assert page.index("Signals: new, or no longer raised") < page.index("Deleted records")
    assert page.count(">High</td>") == 2
    # A build of an earlier version has no list: nothing is said rather than "none".
    then.__dict__["signals"] = None
    assert "Signals" not in render_changes(changes_between(then, now), Frame(protocol.study, now.cut, [], "f"))
