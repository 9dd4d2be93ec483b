"""The ledger of serious events: nobody and no day is left out, and a report that may be due has its date."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.trial_builder import TrialBuilder, trial
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.models import Protocol
from trialbook.protocol.study_data import StudyData
from trialbook.results.ard import to_ard
from trialbook.safety import ledger
from trialbook.safety.adae import derive_adae
from trialbook.subjects.adsl import derive_subjects

CUT = pd.Timestamp("2025-12-31").as_unit("s")


class Made:
    """The ledger of a small trial."""

    def __init__(self, built: TrialBuilder, protocol: Protocol, analysis: Analysis, cut: pd.Timestamp = CUT) -> None:
        domains = built.domains()
        self.protocol, self.analysis = protocol, analysis
        self.adsl = derive_subjects(StudyData(domains, protocol, analysis, cut))
        self.adae = derive_adae(self.adsl, StudyData(domains, protocol, analysis, cut))
        self.serious = ledger.serious_events(self.adae, self.adsl, protocol, analysis, cut)
        self.special = ledger.special_events(self.adae, self.adsl, analysis)
        self.ard = to_ard(ledger.ledger_rows(self.serious, self.special, protocol, analysis))

    def count(self, variable: str, level: str = "Total", context: str = "all") -> tuple[float, ...]:
        rows = self.ard[(self.ard["variable"] == variable) & (self.ard["group1_level"] == level)]
        return tuple(rows[rows["context"] == context].set_index("stat_name")["stat"][["n", "events"]])


def knows(built: TrialBuilder, seq: str, day: int | str, idvar: str = "AESEQ") -> TrialBuilder:
    return built.add(
        "SUPPAE", RDOMAIN="AE", IDVAR=idvar, IDVARVAL=seq, QNAM="AEKNOWDT", QVAL=built.date(day)
    )  # fmt: skip


def row_4() -> TrialBuilder:
    """A teratoma on day 200, a related event on day 190, one between consent and infusion, one of an untreated."""
    built = trial().subject("S01", level="DL1").infused(0).event("Sepsis", 5, 3, serious="Y", AESHOSP="Y")
    built.event("Teratoma", 200, 4, serious="Y", related="DEFINITELY RELATED", AESLIFE="Y")
    built.subject("S02", level="DL2").infused(0, dose=2.0)
    built.event("Rash", 190, 3, serious="Y", related="POSSIBLY RELATED", AESHOSP="Y")
    built.event("Fall", -3, 2, serious="Y", AESHOSP="Y").event("Old fracture", -30, 3, serious="Y", AESHOSP="Y")
    built.subject("S03", level="DL1").infused(0)
    return built.subject("S04", level="SCRNFAIL").event("Syncope", -1, 3, serious="Y", AESHOSP="Y")


def test_serious_events_of_any_day_from_consent_and_of_untreated_subjects_are_counted(
    protocol: Protocol, analysis: Analysis
) -> None:
    made = Made(row_4(), protocol, analysis)
    assert made.count("SAE") == (3, 5)  # not the fracture before consent
    assert made.count("SRAE") == (2, 2)
    assert [made.count("SAE", level) for level in ("DL1", "DL2", "DL3")] == [(1, 2), (1, 2), (0, 0)]
    assert made.count("SAE", context=ledger.IN_WINDOW) == (1, 1)
    assert made.count("SAE", context=ledger.AFTER) == (2, 2)
    assert made.count("SAE", context=ledger.BEFORE) == (1, 1)
    assert made.count("SAE", context=ledger.NOT_TREATED) == (1, 1)
    assert made.count("AESI", context=ledger.AFTER) == (1, 1)
    said = ledger.outside_text(made.ard, analysis)
    assert said == "and 4 outside the window: 1 before the first infusion, 2 after day 180 (2 related), 1 not treated"
    assert ledger.outside_text(made.ard, analysis, level="DL3") == ""
    of_interest = ledger.outside_text(made.ard, analysis, analysis_id=ledger.AESI_LEDGER, variable="AESI")
    assert of_interest == "and 1 outside the window: 1 after day 180"


def test_without_an_end_of_the_window_only_earlier_and_untreated_events_lie_outside(
    protocol: Protocol, analysis: Analysis
) -> None:
    made = Made(row_4(), protocol, analysis.model_copy(update={"safety_end_rel_day": None}))
    assert made.count("SAE", context=ledger.IN_WINDOW) == (2, 3)
    assert made.count("SAE", context=ledger.AFTER) == (0, 0)
    said = ledger.outside_text(made.ard, made.analysis)
    assert said == "and 2 outside the window: 1 before the first infusion, 1 not treated"


def test_the_listing_says_where_each_lies_and_what_is_due(protocol: Protocol, analysis: Analysis) -> None:
    built = row_4().goes_on_with("S01")
    made = Made(knows(built, "2", 201), protocol, analysis, pd.Timestamp(built.date(205)).as_unit("s"))
    lines = ledger.serious_lines(made.serious, made.adsl, analysis).set_index("ADECOD")
    assert lines.loc["Teratoma", ["TRT01A", "RELDAY", "WHERE", "EXPECTED"]].tolist() == [
        "DL1", "200", "after day 180", "unexpected"
    ]  # fmt: skip
    assert lines.loc["Teratoma", ["DUE", "LEFT"]].tolist() == [built.date(208), "3 days left"]
    assert lines.loc["Rash", ["DUE", "LEFT"]].tolist() == ["not known", "not known"]
    assert lines.loc["Syncope", ["TRT01A", "WHERE", "DUE"]].tolist() == ["not treated", "not treated", ""]
    assert ledger.special_lines(made.special, made.adsl, analysis)["ADECOD"].tolist() == ["Teratoma"]


# Term, criteria, days from knowledge to the due date; None = no report is due.
DUE = [
    ("Rash", {"AESHOSP": "Y"}, 15),
    ("Rash", {"AESLIFE": "Y"}, 7),
    ("Rash", {"AESDTH": "Y"}, 7),
    ("Rash", {"AEOUT": "FATAL"}, 7),
    ("Rash", {}, 7),  # no criterion: neither is ruled out
    ("Fever", {"AESLIFE": "Y"}, None),  # expected
    ("RASH ", {"AESHOSP": "Y", "related": "NOT RELATED"}, None),
    ("Rash", {"AESHOSP": "Y", "related": None}, 15),  # a missing relation counts as related
]


@pytest.mark.parametrize(("term", "words", "days"), DUE)
def test_a_report_is_due_seven_or_fifteen_days_after_the_site_knew(
    term: str, words: dict[str, str], days: int | None, protocol: Protocol, analysis: Analysis
) -> None:
    known = protocol.model_copy(update={"expected_events": ["fever"]})
    built = trial().subject("S01").infused(0).event(term, 3, 3, serious="Y", **{"related": "RELATED", **words})
    made = Made(knows(built, "1", 5), known, analysis)
    due = made.serious["DUEDT"].iloc[0]
    assert (None if pd.isna(due) else (due - made.serious["KNOWDT"].iloc[0]).days) == days
    assert made.serious["DAYSLEFT"].lt(0).sum() == (days is not None)
    assert ledger.expedited_queries(made.serious) == []


def test_a_missing_partial_or_early_day_of_knowledge_is_asked(protocol: Protocol, analysis: Analysis) -> None:
    built = trial().subject("S01").infused(0)
    for day in (1, 2, 3, 4):
        built.event(f"E{day}", day, 3, serious="Y", related="RELATED", AESHOSP="Y", AESPID=f"P{day}")
    built.event("Unrelated", 5, 3, serious="Y", AESHOSP="Y")
    knows(knows(built, "2", "2025-01"), "P3", 1, "AESPID")
    # Known after the cut is not known at the cut, and nothing to ask about.
    built.add("SUPPAE", RDOMAIN="AE", IDVAR="AESEQ", IDVARVAL="4", QNAM="AEKNOWDT", QVAL="2026-02-01")
    made = Made(built, protocol, analysis)
    asked = [(q["rule"], q["record"], q["severity"]) for q in ledger.expedited_queries(made.serious)]
    assert asked == [
        ("SAE-KNOWN-DATE-MISSING", "AESEQ=1", "major"),
        ("SAE-KNOWN-DATE-INCOMPLETE", "AESEQ=2", "major"),
        ("SAE-KNOWN-BEFORE-ONSET", "AESEQ=3", "minor"),
    ]
    assert made.serious["KNOWDT"].notna().tolist() == [False, False, True, False, False]
    assert "of 3 the due date is open" in ledger.expedited_sentence(made.serious)


def test_lines_of_one_event_are_one_entry_with_the_highest_grade(protocol: Protocol, analysis: Analysis) -> None:
    built = trial().subject("S01").infused(0).event("Sepsis", -1, 3, end=1, serious="Y", AESPID="1", AESHOSP="Y")
    built.event("Sepsis", 2, None, serious="Y", AESPID="1", AESLIFE="Y").event("Rash", 9, 1)  # type: ignore[arg-type]
    made = Made(built, protocol, analysis)
    assert made.count("SAE") == (1, 1)
    line = ledger.serious_lines(made.serious, made.adsl, analysis).iloc[0]
    assert (line["GRADE"], line["SERIOUS"]) == ("3 or more", "life-threatening, hospitalisation")


DAYS = st.one_of(st.integers(-7, 400), st.sampled_from(["2025-01", "2025", "2025-06", ""]))
EVENT = st.tuples(st.sampled_from(["Rash", "Sepsis"]), DAYS, st.sampled_from(["Y", "N"]), st.sampled_from(["", "1"]))


# Few trials of many subjects: what is not under test costs as much for one subject as for six.
@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from(["DL1", "SCRNFAIL"]), st.lists(EVENT, max_size=4)), min_size=1, max_size=8))
def test_every_serious_event_from_consent_on_is_in_the_ledger(
    protocol: Protocol, analysis: Analysis, drawn: list[tuple[str, list[tuple[str, int | str, str, str]]]]
) -> None:
    built = trial()
    for number, (level, events) in enumerate(drawn):
        built.subject(f"S{number}", level=level)
        if level == "DL1":
            built.infused(0)
        for term, day, serious, spid in events:
            built.event(term, day, 3, serious=serious, AESPID=spid)
    made = Made(built, protocol, analysis, pd.Timestamp("2027-01-01").as_unit("s"))
    wanted = made.adae[made.adae["ASER"] == "Y"]
    keys = set(made.serious[["USUBJID", "EPISODE"]].itertuples(index=False, name=None))
    assert keys == set(wanted[["USUBJID", "EPISODE"]].itertuples(index=False, name=None))
    assert made.count("SAE")[1] == len(keys)
    inside = sum(made.count("SAE", context=place)[1] for place in (ledger.IN_WINDOW, *ledger.OUTSIDE))
    assert inside == len(keys)
