"""What is not known of an adverse event is named beside its count: seriousness, relation, onset, grade, DLT flag."""

from __future__ import annotations

import pandas as pd
import pytest

from support.trial_builder import TrialBuilder, trial
from trialbook.core.domains import Domains
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.models import Protocol
from trialbook.protocol.study_data import StudyData
from trialbook.results.ard import to_ard
from trialbook.safety import ae_tables, exposure, ledger, listings, queries, tables
from trialbook.safety.adae import derive_adae
from trialbook.subjects.adsl import derive_subjects

CUT = pd.Timestamp("2025-12-31").as_unit("s")


class Made:
    """The datasets and results of a small trial."""

    def __init__(self, built: TrialBuilder, protocol: Protocol, analysis: Analysis, *ungraded: str) -> None:
        domains = built.domains()
        ae = domains["AE"]
        domains = Domains({**domains, "AE": ae.assign(AETOXGR=ae["AETOXGR"].mask(ae["AETERM"].isin(ungraded)))})
        self.adsl = derive_subjects(StudyData(domains, protocol, analysis, CUT))
        self.adae = derive_adae(self.adsl, StudyData(domains, protocol, analysis, CUT))
        self.serious = ledger.serious_events(self.adae, self.adsl, protocol, analysis, CUT)
        self.special = ledger.special_events(self.adae, self.adsl, analysis)
        self.ard = to_ard(
            [
                *ae_tables.overview_rows(self.adae, self.adsl, protocol, analysis),
                *ledger.ledger_rows(self.serious, self.special, protocol, analysis),
                *ae_tables.aesi_rows(self.adae, self.adsl, protocol, analysis),
            ]
        )

    def cards(self, overview: pd.DataFrame, protocol: Protocol) -> dict[str, str]:
        shown = tables.headline(overview, self.adsl, protocol, to_ard([]), None)
        return {label: value for label, value, _ in shown}

    def of(self, analysis_id: str) -> pd.DataFrame:
        return self.ard[self.ard["analysis_id"] == analysis_id]

    def total(self, analysis_id: str, variable: str, context: str = "", level: str = "") -> list[float]:
        rows = self.of(analysis_id)
        rows = rows[rows["variable"].eq(variable) & rows["context"].eq(context) & rows["group1_level"].eq("Total")]
        return rows[rows["variable_level"].eq(level)].set_index("stat_name")["stat"].reindex(["n", "events"]).tolist()


def blank_seriousness() -> TrialBuilder:
    """A serious event, and a related one of which nobody said whether it is serious."""
    built = trial().subject("S01").infused(0).event("Sepsis", 5, 3, serious="Y", AESHOSP="Y")
    return built.subject("S02").infused(0).event("Infusion reaction", 1, 3, serious=None, related="RELATED")


def test_an_event_of_unknown_seriousness_stands_beside_the_serious_ones(protocol: Protocol, analysis: Analysis) -> None:
    made = Made(blank_seriousness(), protocol, analysis)
    assert made.total("TEAE_OVERVIEW", "SAE") == [1, 1]
    assert made.total("TEAE_OVERVIEW", "SAE", "unknown seriousness") == [1, 1]
    assert made.total("TEAE_OVERVIEW", "SRAE", "unknown seriousness") == [1, 1]
    assert made.total("SAE_LEDGER", "SAE", "all") == [1, 1]
    assert made.total("SAE_LEDGER", "SAE_UNKNOWN", "all") == [1, 1]
    assert ledger.ledger_text(made.ard) == "1 [1], and 1 [1] of unknown seriousness"
    facts = {
        one: value for one, value, _ in tables.headline(made.of("TEAE_OVERVIEW"), made.adsl, protocol, to_ard([]), None)
    }
    assert facts["Serious"] == "1 of 2, and 1 of unknown seriousness"
    lines = ledger.serious_lines(made.serious, made.adsl, analysis).set_index("ADECOD")
    assert lines.loc["Infusion reaction", ["SERIOUS", "DUE", "LEFT"]].tolist() == [
        "not given",
        "not known",
        "not known",
    ]
    said = listings.event_lines(made.adae, made.adsl, pd.Series("", index=made.adae.index))
    told = listings.serious_listing(made.adae, said)["NARRATIVE"].tolist()
    assert "seriousness not given" in told[1]
    assert ledger.expedited_sentence(made.serious) == (
        "No event that is known to be serious is related and unexpected. Of 1 related and unexpected event the "
        "seriousness is not given: whether an expedited report is due is not known."
    )
    rates = to_ard(exposure.rate_rows(made.adae, made.adsl, protocol, analysis, CUT))
    assert rates[rates["context"].eq("unknown seriousness") & rates["group1_level"].eq("Total")]["stat"].tolist() == [
        1,
        1,
    ]
    assert not tables.unseen_notes(made.ard[made.ard["variable"] == "SRAE"])


@pytest.mark.parametrize("words", [{"AESHOSP": "Y"}, {"AESMIE": "Y"}, {"AEOUT": "FATAL"}, {"grade": 5}])
def test_a_criterion_or_a_death_makes_an_event_serious(
    words: dict[str, object], protocol: Protocol, analysis: Analysis
) -> None:
    built = trial().subject("S01").infused(0).event("Sepsis", 5, **{"grade": 3, "serious": None, **words})  # type: ignore[arg-type]
    made = Made(built, protocol, analysis)
    assert made.total("TEAE_OVERVIEW", "SAE") == [1, 1]


def test_seriousness_that_was_never_collected_is_not_zero(protocol: Protocol, analysis: Analysis) -> None:
    built = trial().subject("S01").infused(0).event("Rash", 5, 3, serious=None)  # type: ignore[arg-type]
    made = Made(built, protocol, analysis)
    assert made.of("TEAE_OVERVIEW").query("variable == 'SAE' and stat_name == 'n'")["stat"].isna().all()


def test_confirmed_dlts_are_not_evaluable_without_the_flags(protocol: Protocol, analysis: Analysis) -> None:
    made = Made(blank_seriousness(), protocol, analysis)
    ard = to_ard(ae_tables.overview_rows(made.adae, made.adsl, protocol, analysis, adjudicated=False))
    rows = ard[ard["variable"].eq("DLT") & ard["stat_name"].isin(["n", "p", "events"])]
    assert rows["stat"].isna().all()
    assert set(rows["stat_text"]) == {"NE"}
    assert not tables.unseen_notes(ard[ard["variable"] == "DLT"])
    facts = made.cards(ard, protocol)
    assert facts["Confirmed DLT"] == "not evaluable"
    rates = to_ard(exposure.rate_rows(made.adae, made.adsl, protocol, analysis, CUT, adjudicated=False))
    assert rates.query("variable == 'DLT' and stat_name == 'rate'")["stat_text"].eq("NE").all()
    assert "not delivered" in tables.dlt_sentence(made.adae, made.adsl, protocol, None, False)


def test_who_waits_for_data_is_named_beside_the_candidates(protocol: Protocol, analysis: Analysis) -> None:
    made = Made(trial().subject("S07").infused(0).event("Rash", 5, 1), protocol, analysis)
    addlt = pd.DataFrame({"SUBJID": ["S07"], "DLTSTAT": ["PENDING-DATA"]})
    said = tables.dlt_sentence(made.adae, made.adsl, protocol, addlt)
    assert "1 subject waits for data that may show a DLT (see the page on DLT): S07." in said
    assert tables.dlt_sentence(made.adae, made.adsl, protocol) == "No candidate DLT waits for the committee."


def test_a_category_that_the_ledger_holds_was_seen(protocol: Protocol, analysis: Analysis) -> None:
    built = trial().subject("S01").infused(0).event("Teratoma", 200, 4, serious="Y", related="RELATED", AESHOSP="Y")
    made = Made(built, protocol, analysis)
    elsewhere = ledger.special_outside(made.special, analysis)
    assert list(elsewhere.values()) == ["1 after day 180 (1 related)"]
    only = made.of("AESI_CAT")[lambda rows: rows["variable_level"].isin(list(elsewhere))]
    assert tables.unseen_notes(only)
    assert not tables.unseen_notes(only, elsewhere)
    outside = ledger.outside_text(made.ard, analysis)
    assert ledger.with_names(outside, made.special, analysis) == (
        "and 1 outside the window: 1 after day 180 (1 related); of special interest: Teratoma, after day 180"
    )


def test_due_dates_that_nobody_knows_may_have_passed(protocol: Protocol, analysis: Analysis) -> None:
    built = trial().subject("S01").infused(0)
    for day in (1, 2, 3):
        built.event(f"E{day}", day, 3, serious="Y", related="RELATED", AESHOSP="Y")
    said = ledger.expedited_sentence(Made(built, protocol, analysis).serious)
    assert "When any of the 3 expedited reports was due is not known" in said
    assert "3 may already be overdue." in said


def test_a_relation_and_an_onset_that_were_not_given_are_not_facts(protocol: Protocol, analysis: Analysis) -> None:
    built = trial().subject("S01").infused(0)
    built.event("Rash", "", 3, serious="Y", related=None, AESHOSP="Y")  # type: ignore[arg-type]
    made = Made(built, protocol, analysis)
    lines = listings.event_lines(made.adae, made.adsl, pd.Series("", index=made.adae.index))
    told = listings.serious_listing(made.adae, lines)["NARRATIVE"].iloc[0]
    assert told.startswith("Grade 3, onset not known, ")
    assert "relation not given, counted as related" in told
    line = ledger.serious_lines(made.serious, made.adsl, analysis).iloc[0]
    assert (line["RELDAY"], line["AREL"]) == ("not known", "not known, counted as related")
    asked = [(q["rule"], q["severity"]) for q in queries.adverse_event_queries(made.adae, built.domains())]
    assert ("AE-START-MISSING", "major") in asked
    assert tables.relation_note(made.adae, made.adsl) == "1 of them with relation not given (S01)"


def test_an_event_without_a_grade_stands_in_the_row_of_its_category(protocol: Protocol, analysis: Analysis) -> None:
    built = trial().subject("S01").infused(0).event("Sepsis", 5, 3, soc="Infections and infestations")
    built.subject("S02").infused(0).event("Pneumonia", 5, 1, soc="Infections and infestations")
    made = Made(built, protocol, analysis, "Pneumonia")
    category = made.adae.loc[made.adae["AESIOPEN"] != "", "AESIOPEN"].iloc[0]
    assert made.total("AESI_CAT", "AESICAT", "ungraded", category) == [1, 1]
