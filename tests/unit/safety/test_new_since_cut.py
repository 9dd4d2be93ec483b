"""What is new since the last cut, and the numbers at each cut: as reported then, and by the dates known now."""

from __future__ import annotations

import pandas as pd
import pytest

from support.reported_rows import soc_pt_rows
from support.trial_builder import TrialBuilder, trial
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.load import analysis_values
from trialbook.protocol.models import Protocol
from trialbook.protocol.study_data import StudyData
from trialbook.results.ard import ArdRow, to_ard
from trialbook.safety import new_since_cut, tables
from trialbook.safety.adae import derive_adae
from trialbook.safety.ae_tables import overview_rows
from trialbook.safety.table_inputs import EventData
from trialbook.subjects.adsl import derive_subjects

FIRST, SECOND, THIRD = (pd.Timestamp(day).as_unit("s") for day in ("2025-02-28", "2025-03-31", "2025-06-30"))


class Cut:
    """One cut of a trial: its datasets, and the results that later cuts read."""

    def __init__(self, built: TrialBuilder, protocol: Protocol, day: pd.Timestamp, last: Cut | None = None) -> None:
        analysis: Analysis = analysis_values(protocol, {}, "protocol.yaml")
        domains = built.domains()
        self.day, self.last, self.protocol = day, last, protocol
        self.adsl = derive_subjects(StudyData(domains, protocol, analysis, day))
        self.adae = derive_adae(self.adsl, StudyData(domains, protocol, analysis, day))
        self.before = last.adae if last else None
        self.overview = to_ard(overview_rows(self.adae, self.adsl, protocol, analysis))
        self.by_cut = to_ard(self._signals())
        self.results = pd.concat([self.overview, self.by_cut], ignore_index=True)

    def _signals(self) -> list[ArdRow]:
        then, results = (self.last.day, self.last.results) if self.last else (None, None)
        return new_since_cut.signal_rows(
            self.adae, self.adsl, self.overview, self.protocol, self.day, then, results
        )  # fmt: skip

    def events(self, kind: str, day: pd.Timestamp, context: str) -> float:
        rows = self.by_cut[self.by_cut["variable"].eq(kind) & self.by_cut["variable_level"].eq(f"{day:%Y-%m-%d}")]
        chosen = rows["context"].eq(context) & rows["group1_level"].eq("Total") & rows["stat_name"].eq("events")
        return float(rows.loc[chosen, "stat"].iloc[0])


def at_first() -> TrialBuilder:
    return trial().subject("S01").infused(0).event("Rash", 3, 1).event("Sepsis", 5, 2, soc="Infections")


def at_second() -> TrialBuilder:
    """The sepsis has become serious and grade 4; a late report of day 8; a new event of day 60; a new subject."""
    built = trial().subject("S01").infused(0).event("Rash", 3, 1)
    built.event("Sepsis", 5, 4, serious="Y", soc="Infections").event("Nausea", 8, 1).event("Rash", 60, 2)
    return built.subject("S02", start="2025-03-10").infused(0).event("Fatigue", 2, 3, related="RELATED")


@pytest.fixture(scope="module")
def cuts(protocol: Protocol) -> tuple[Cut, Cut]:
    first = Cut(at_first(), protocol, FIRST)
    return first, Cut(at_second(), protocol, SECOND, first)


def test_a_record_is_new_or_says_what_has_changed(cuts: tuple[Cut, Cut]) -> None:
    first, second = cuts
    assert new_since_cut.event_news(second.adae, first.adae).tolist() == [
        "", "changed: grade, seriousness", "new", "new", "new",
    ]  # fmt: skip
    assert set(new_since_cut.event_news(first.adae, None)) == {""}


def test_a_missing_value_that_stays_missing_is_no_change(cuts: tuple[Cut, Cut]) -> None:
    ungraded = cuts[0].adae.assign(ATOXGR=pd.array([pd.NA, pd.NA], dtype="Int64"))
    assert set(new_since_cut.event_news(ungraded, ungraded.copy())) == {""}


def test_an_old_event_that_has_become_serious_is_new_among_the_serious(cuts: tuple[Cut, Cut]) -> None:
    first, second = cuts
    ard = to_ard(new_since_cut.news_rows(second.adae, second.adsl, first.adae, second.protocol))
    total = ard[ard["group1_level"].eq("Total") & ard["context"].eq("TEAE_OVERVIEW")]
    numbers = total.pivot(index="variable", columns="stat_name", values="stat")
    assert numbers.loc["TEAE"].to_dict() == {"n": 2, "events": 3}
    assert numbers.loc["SAE"].to_dict() == {"n": 1, "events": 1}
    assert numbers.loc["TEAE_GE3"].to_dict() == {"n": 2, "events": 2}
    assert numbers.loc["TEAE_DTH"].to_dict() == {"n": 0, "events": 0}
    assert new_since_cut.news_sentence(second.adae, first.adae, "2025-02-28") == (
        "New since the cut 2025-02-28 (events): 3 treatment-emergent, 2 of grade 3 or more, 1 serious, 1 related, "
        "0 fatal."
    )


def test_the_headline_says_what_is_new(cuts: tuple[Cut, Cut]) -> None:
    first, second = cuts
    news = to_ard(new_since_cut.news_rows(second.adae, second.adsl, first.adae, second.protocol))
    told = {
        label: note
        for label, _, note in tables.headline(second.overview, second.adsl, second.protocol, news, first.adsl)
    }
    assert told["Subjects with any TEAE"] == "DL1: 2, DL2: 0, DL3: 0; 3 new events"
    assert told["Serious"] == "DL1: 1, DL2: 0, DL3: 0; 1 new event"
    assert told["Deaths, any cause"].endswith("; 0 new")
    at_first = tables.headline(first.overview, first.adsl, first.protocol, to_ard([]), None)
    assert not any("new" in note for _, _, note in at_first)


def test_a_table_has_a_column_of_what_is_new_and_its_numbers_open_to_these_records(cuts: tuple[Cut, Cut]) -> None:
    first, second = cuts
    news = to_ard(new_since_cut.news_rows(second.adae, second.adsl, first.adae, second.protocol))
    table = to_ard(soc_pt_rows("TEAE_SOC_PT", second.adae, second.adsl, second.protocol))
    shown = new_since_cut.with_news(table, news, "new")
    fresh = shown[shown["group1_level"].eq("new") & shown["stat_name"].eq("n")]
    assert "Sepsis" not in set(fresh["variable_level"])  # known already, though it is serious now
    assert {"Fatigue", "Nausea", "Rash"} <= set(fresh["variable_level"])
    data = EventData(second.adae, second.adsl, first.adae, "2025-02-28")
    assert data.news_heads == {"new": "New since 2025-02-28"}
    assert data.overview_sets()["SAE", "new"] == (1,)
    assert data.term_sets("TEAE")["General disorders", "Rash", "new"] == (3,)


def test_at_the_first_cut_nothing_is_new_and_the_notebook_says_so(cuts: tuple[Cut, Cut]) -> None:
    first = cuts[0]
    assert new_since_cut.news_rows(first.adae, first.adsl, None, first.protocol) == []
    assert new_since_cut.news_sentence(first.adae, None, None).startswith("This is the first cut")
    data = EventData(first.adae, first.adsl)
    assert data.news_heads == {}
    assert not any("new" in key for key in data.overview_sets())
    table = to_ard(soc_pt_rows("TEAE_SOC_PT", first.adae, first.adsl, first.protocol))
    assert new_since_cut.with_news(table, to_ard([]), "new") is table


def test_records_that_no_longer_exist_are_counted_aloud(cuts: tuple[Cut, Cut]) -> None:
    first, second = cuts
    sentence = new_since_cut.news_sentence(second.adae.iloc[1:], first.adae, "2025-02-28")
    assert sentence.endswith("Records of that cut that no longer exist: 1.")


def test_each_cut_keeps_what_it_reported_beside_what_is_known_now(cuts: tuple[Cut, Cut]) -> None:
    second = cuts[1]
    assert second.events("TEAE", FIRST, new_since_cut.REPORTED) == 2
    assert second.events("TEAE", FIRST, new_since_cut.KNOWN_NOW) == 3  # the nausea of day 8 was reported late
    assert second.events("SAE", FIRST, new_since_cut.REPORTED) == 0
    assert second.events("SAE", FIRST, new_since_cut.KNOWN_NOW) == 1
    for known in (new_since_cut.REPORTED, new_since_cut.KNOWN_NOW):
        assert second.events("TEAE", SECOND, known) == 5
    table = new_since_cut.signal_table(second.by_cut)
    late = table[table["KIND"].eq("Any TEAE") & table["CUT"].eq("2025-02-28")]
    assert late[["THEN", "KNOWN", "REMARK"]].values.tolist() == [["1 [2]", "1 [3]", "1 more, reported after that cut"]]
    assert set(table.loc[table["CUT"].eq("2025-03-31"), "REMARK"]) == {""}


def test_reports_of_earlier_cuts_are_carried_on(cuts: tuple[Cut, Cut], protocol: Protocol) -> None:
    third = Cut(at_second(), protocol, THIRD, cuts[1])
    days = sorted(set(third.by_cut["variable_level"]))
    assert days == ["2025-02-28", "2025-03-31", "2025-06-30"]
    assert third.events("TEAE", FIRST, new_since_cut.REPORTED) == 2
    points = new_since_cut.signal_points(third.by_cut)
    assert len(points) == 3 * len(new_since_cut.KINDS) * points["LEVEL"].nunique()


def test_a_last_cut_that_is_not_earlier_is_left_out(cuts: tuple[Cut, Cut], protocol: Protocol) -> None:
    again = Cut(at_second(), protocol, SECOND, cuts[1])
    assert set(again.by_cut["variable_level"]) == {"2025-03-31"}
