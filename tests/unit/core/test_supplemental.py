"""Supplemental qualifiers find their parent by any variable, and the committee's flag is lost by none of them."""

from __future__ import annotations

from itertools import product

import pandas as pd
import pytest

from support.trial_builder import TrialBuilder, trial
from trialbook.cleaning import apply_cut
from trialbook.core.domains import Domains
from trialbook.core.supplemental import NO_PARENT, NO_VALUE, NO_VARIABLE, OTHER_DOMAIN, SEVERAL, parent_links, unjoined
from trialbook.dlt.addlt import derive_addlt
from trialbook.dlt.events import dlt_event_queries, dlt_events
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.models import Protocol
from trialbook.protocol.study_data import StudyData
from trialbook.safety.adae import derive_adae
from trialbook.safety.adjudication import adjudicated_dlt
from trialbook.subjects.adsl import derive_subjects

CUT = pd.Timestamp("2025-06-30")


def two_events(**second: object) -> TrialBuilder:
    """A treated subject with two events of grade 1, followed beyond the window."""
    built = trial().subject("901").infused(0).infused(7).seen(60)
    built.event("Pyrexia", 5, AESPID="E01", AEGRPID="G1", VISITNUM=2.0)
    return built.event("Fatigue", 15, **{"AESPID": "E02", "AEGRPID": "G1", "VISITNUM": 3.0, **second})


def flagged(
    built: TrialBuilder, variable: str | None, value: str | None, flag: str = "Y", about: str = "AE"
) -> TrialBuilder:
    return built.add("SUPPAE", RDOMAIN=about, IDVAR=variable, IDVARVAL=value, QNAM="AEDLT", QVAL=flag)


def flags(built: TrialBuilder) -> list[str]:
    domains = built.domains()
    return adjudicated_dlt(domains["AE"], domains["SUPPAE"]).tolist()


def status(domains: Domains, protocol: Protocol, analysis: Analysis) -> tuple[str, list[str]]:
    """DLTSTAT of the subject, and the questions about single events."""
    adsl = derive_subjects(StudyData(domains, protocol, analysis, CUT))
    events = dlt_events(adsl, domains, protocol, analysis)
    addlt = derive_addlt(adsl, StudyData(domains, protocol, analysis, CUT))
    return addlt["DLTSTAT"].item(), [q["rule"] for q in dlt_event_queries(events, domains)]


@pytest.mark.parametrize(
    ("variable", "value", "expected"),
    [
        ("AESEQ", "2", ["", "Y"]),
        ("AESEQ", "2.0", ["", "Y"]),
        ("AESEQ", "02", ["", "Y"]),
        ("aeseq", " 2 ", ["", "Y"]),
        ("AESPID", "E02", ["", "Y"]),
        ("AESPID", "e02", ["", "Y"]),
        ("AEGRPID", "G1", ["Y", "Y"]),
        ("VISITNUM", "3", ["", "Y"]),
        ("VISITNUM", "3.0", ["", "Y"]),
        ("AEDECOD", "fatigue", ["", "Y"]),
        (None, None, ["Y", "Y"]),
        ("AESPID", "E09", ["", ""]),
        ("AESPID", None, ["", ""]),
        ("AEREFID", "R2", ["", ""]),
    ],
)
def test_a_flag_finds_its_event_by_any_variable(variable: str | None, value: str | None, expected: list[str]) -> None:
    assert flags(flagged(two_events(), variable, value)) == expected


def test_a_value_is_compared_as_text_before_it_is_compared_as_a_number() -> None:
    built = two_events(AESPID="02").event("Rash", 20, AESPID="2")
    assert flags(flagged(built, "AESPID", "2")) == ["", "", "Y"]
    assert flags(flagged(two_events(AESPID="2"), "AESPID", "02")) == ["", "Y"]


def test_a_number_of_another_subject_is_not_found() -> None:
    built = two_events().subject("902").infused(0).event("Chills", 2, AESPID="E07")
    assert flags(flagged(built.goes_on_with("901"), "AESPID", "E07")) == ["", "", ""]


def test_one_id_of_several_events_counts_for_all_of_them_as_yes_and_for_none_as_no() -> None:
    assert flags(flagged(two_events(AESPID="E01"), "AESPID", "E01")) == ["Y", "Y"]
    assert flags(flagged(two_events(AESPID="E01"), "AESPID", "E01", "N")) == ["", ""]


def test_the_lines_of_one_event_share_its_id() -> None:
    lines = trial().subject("901").infused(0).event("Rash", 5, AESPID="E1").event("Rash", 8, 2, AESPID="E1")
    assert flags(flagged(lines, "AESPID", "E1", "N")) == ["N", "N"]
    domains = lines.domains()
    assert unjoined(domains["SUPPAE"], domains["AE"], "AE").empty


def test_a_flag_of_the_subject_means_the_events_without_one_of_their_own() -> None:
    assert flags(flagged(flagged(two_events(), "AESEQ", "1", "N"), None, None)) == ["N", "Y"]
    assert flags(flagged(flagged(two_events(), "AESEQ", "1", "Y"), None, None)) == ["Y", ""]
    assert flags(flagged(flagged(two_events(), "AESEQ", "1", "Y"), None, None, "N")) == ["Y", "N"]


@pytest.mark.parametrize(("first", "second"), list(product(["AESEQ", "AESPID"], ["AEGRPID", "AESPID"])))
def test_yes_by_one_key_and_no_by_another_is_asked_about_and_counts_as_yes(
    first: str, second: str, protocol: Protocol, analysis: Analysis
) -> None:
    keys = {"AESEQ": "2", "AESPID": "E02", "AEGRPID": "G1"}
    domains = flagged(flagged(two_events(), first, keys[first]), second, keys[second], "N").domains()
    dlt, asked = status(domains, protocol, analysis)
    assert dlt == "DLT"
    assert asked == ["DLT-FLAG-CONFLICT"]


@pytest.mark.parametrize("own", ["N", "Y"])
def test_a_subject_and_its_event_that_contradict_each_other_are_asked_about(
    own: str, protocol: Protocol, analysis: Analysis
) -> None:
    built = trial().subject("901").infused(0).infused(7).seen(60).event("Rash", 5)
    other = "Y" if own == "N" else "N"
    dlt, asked = status(flagged(flagged(built, "AESEQ", "1", own), None, None, other).domains(), protocol, analysis)
    assert dlt == "DLT"
    assert asked == ["DLT-FLAG-CONFLICT"]


@pytest.mark.parametrize(
    ("variable", "value", "expected"),
    [("AESPID", "E02", "DLT"), (None, None, "DLT"), ("AESPID", "E09", "UNRESOLVED"), ("AEREFID", "1", "UNRESOLVED"),
     ("AESEQ", None, "UNRESOLVED"), ("AESEQ", "2", "DLT")],
)  # fmt: skip
def test_no_flag_of_the_committee_is_lost(
    variable: str | None, value: str | None, expected: str, protocol: Protocol, analysis: Analysis
) -> None:
    """Public case k01; a Y whose event cannot be found counts until it is."""
    assert status(two_events().domains(), protocol, analysis)[0] == "NO-DLT"
    domains = flagged(two_events(), variable, value).domains()
    assert status(domains, protocol, analysis)[0] == expected
    adsl = derive_subjects(StudyData(domains, protocol, analysis, CUT))
    adae = derive_adae(adsl, StudyData(domains, protocol, analysis, CUT))
    assert adae["DLTFL"].eq("Y").any() == (expected == "DLT")


def test_a_no_without_its_event_changes_nothing(protocol: Protocol, analysis: Analysis) -> None:
    assert status(flagged(two_events(), "AESPID", "E09", "N").domains(), protocol, analysis)[0] == "NO-DLT"


@pytest.mark.parametrize(
    ("variable", "value", "about", "reason"),
    [
        ("AEREFID", "1", "AE", NO_VARIABLE), ("AESPID", None, "AE", NO_VALUE), ("AESPID", "E9", "AE", NO_PARENT),
        ("AESPID", "E01", "AE", SEVERAL), ("AESEQ", "1", "CE", OTHER_DOMAIN),
    ],
)  # fmt: skip
def test_what_cannot_be_joined_says_why(variable: str, value: str | None, about: str, reason: str) -> None:
    domains = flagged(two_events(AESPID="E01"), variable, value, about=about).domains()
    assert unjoined(domains["SUPPAE"], domains["AE"], "AE").tolist() == [reason]


def test_a_record_of_suppdm_belongs_to_its_subject_whatever_it_names() -> None:
    for variable, value in [(None, None), ("USUBJID", "x"), ("SUBJID", "901")]:
        built = trial().subject("901").add("SUPPDM", RDOMAIN="DM", IDVAR=variable, IDVARVAL=value, QNAM="A", QVAL="B")
        domains = built.domains()
        links, reason = parent_links(domains["SUPPDM"], domains["DM"], "DM")
        assert (len(links), reason.tolist()) == (1, [""])


@pytest.mark.parametrize(
    ("variable", "value"), [("AESEQ", "2"), ("AESEQ", "2.0"), ("AESPID", "E02"), ("VISITNUM", "3")]
)
def test_a_flag_leaves_with_its_event_at_the_cut(variable: str, value: str) -> None:
    late = flagged(two_events(), variable, value).domains()
    assert len(apply_cut(late, CUT).domains["SUPPAE"]) == 1
    before = apply_cut(late, pd.Timestamp("2025-01-20"))
    assert (len(before.domains["AE"]), len(before.domains["SUPPAE"])) == (1, 0)


def test_a_flag_of_the_subject_or_of_a_group_stays_while_one_of_its_events_does() -> None:
    for variable, value in [(None, None), ("AEGRPID", "G1")]:
        late = flagged(two_events(), variable, value).domains()
        assert len(apply_cut(late, pd.Timestamp("2025-01-20")).domains["SUPPAE"]) == 1
        assert len(apply_cut(late, pd.Timestamp("2025-01-12")).domains["SUPPAE"]) == 0
