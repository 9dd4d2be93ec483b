"""Outcomes of a trial of cells (§16): each of them by a case worked out by hand, with what is missing or pending."""

from __future__ import annotations

from functools import cached_property

import pandas as pd
import pytest

from support.trial_builder import TrialBuilder, trial
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.models import Protocol
from trialbook.protocol.study_data import StudyData
from trialbook.records_behind import ResultNumber, Studied, records_behind
from trialbook.results.ard import to_ard
from trialbook.safety import outcome_tables as tables
from trialbook.safety.adae import derive_adae
from trialbook.safety.adct import KEYS, derive_adct
from trialbook.safety.clinical_events import events_listing
from trialbook.subjects.adsl import derive_subjects

DAY_0 = pd.Timestamp("2025-01-10")


class Made:
    """The outcomes of a small trial at a cut on a day after the first infusion."""

    def __init__(self, built: TrialBuilder, protocol: Protocol, analysis: Analysis, day: int = 355) -> None:
        self.protocol = protocol
        study = StudyData(built.domains(), protocol, analysis, (DAY_0 + pd.Timedelta(days=day)).as_unit("s"))
        self.study, self.adsl = study, derive_subjects(study)
        self.adae = derive_adae(self.adsl, study)
        self.adct = derive_adct(self.adae, self.adsl, study)

    @cached_property
    def ard(self) -> pd.DataFrame:
        return to_ard(tables.outcome_rows(self.adct, self.protocol))

    def of(self, code: str, column: str = "AVALC") -> list[object]:
        """One column of the rows of an outcome, by subject."""
        return self.adct.loc[self.adct["PARAMCD"].eq(code), column].tolist()

    def number(self, analysis_id: str, variable: str, what: str = "", context: str = "") -> dict[str, float | None]:
        """The statistics of a number in Total; None where it is null."""
        own = self.ard[self.ard["analysis_id"].eq(analysis_id) & self.ard["variable"].eq(variable)]
        own = own[own["group1_level"].eq("Total") & own["variable_level"].eq(what) & own["context"].eq(context)]
        return {
            name: None if pd.isna(value) else value for name, value in zip(own["stat_name"], own["stat"], strict=True)
        }

    def behind(self, *number: str) -> tuple[int, int]:
        """How many records are behind a number: counted, and in its set."""
        found = records_behind(
            ResultNumber(*number), Studied({"adct": self.adct, "adsl": self.adsl, "adae": self.adae})
        )
        assert found is not None
        return found.counted, len(found.rows)


def test_late_events_count_without_an_end_date_and_follow_up_reaches_the_last_contact(
    protocol: Protocol, analysis: Analysis
) -> None:
    built = trial().subject("S01").infused(0).event("Heterotopic ossification", 240, 2).seen(300)
    built.subject("S02").infused(0).event("Teratoma", -2).seen(99)  # before the infusion: none of the product
    built.subject("S03", level="DL2").infused(0, dose=2.0).died(9)
    made = Made(built, protocol, analysis)
    assert (made.of("ECTOPIC"), made.of("MALIG")) == (["Y", "N", "N"], ["N", "N", "N"])
    assert made.of("ECTOPIC", "RELDAY") == [240, pd.NA, pd.NA]
    found = made.number("LATE_EVENTS", "ECTOPIC")
    assert (found["n"], found["N"], found["events"]) == (1, 3, 1)
    assert found["time"] == pytest.approx((301 + 100 + 10) / 365.25)
    assert made.behind("LATE_EVENTS", "Total", "ECTOPIC") == (1, 1)
    text = tables.outcome_sentence(made.ard, made.adct, protocol)
    said = "Without an end date, of 3 treated subjects: Ectopic tissue formation 1; Malignancy or teratoma 0"
    assert f"{said}; they were followed for 9 to 300 days." in text


@pytest.mark.parametrize(
    ("seen", "cut", "place"),
    [
        (40, 165, "PENDING"),  # the window of 6 months opens on day 166
        (40, 194, "DUE"),
        (40, 195, "MISSED"),
        (165, 195, "MISSED"),
        (166, 195, "SEEN"),
        (300, 355, "SEEN"),
    ],
)
def test_a_time_of_long_term_follow_up_is_seen_due_or_missed(
    protocol: Protocol, analysis: Analysis, seen: int, cut: int, place: str
) -> None:
    made = Made(trial().subject("S01").infused(0).seen(seen), protocol, analysis, cut)
    assert made.of("FUP180") == [place]
    assert made.number("FUP_WINDOW", "FUP180", place) == {"n": 1, "N": 1}
    assert made.behind("FUP_WINDOW", "Total", "FUP180", place) == (1, 1)


@pytest.mark.parametrize(
    ("death", "place"), [("2025-06-24", "DIED"), ("2025-06-25", "SEEN"), ("2025-06", "DEATH OPEN")]
)
def test_a_death_before_the_window_is_no_missed_visit_and_one_without_a_day_is_open(
    protocol: Protocol, analysis: Analysis, death: str, place: str
) -> None:
    # The window of 6 months opens on day 166, 25 June.
    assert Made(trial().subject("S01").infused(0).seen(100).died(death), protocol, analysis).of("FUP180") == [place]


def test_antibodies_are_positive_negative_or_not_tested(protocol: Protocol, analysis: Analysis) -> None:
    built = trial().subject("S01").infused(0).add("IS", ISTESTCD="DSA", ISORRES="Negative", ISDTC="2025-01-08")
    built.add("IS", ISTESTCD="DSA", ISORRES="1000", ISDTC=built.date(28))  # the threshold counts
    built.subject("S02").infused(0).lab("DSA", "999", 28, unit="")
    built.subject("S03").infused(0).add("IS", ISTESTCD="DSA", ISORRES="Positive", ISDTC="2025-01-08")
    built.subject("S04").infused(0).add("IS", ISTESTCD="DSA", ISORRES="borderline", ISDTC=built.date(28))
    built.subject("S05").infused(0).add("IS", ISTESTCD="DSA", ISORRES="Positive", ISDTC="2025-01")
    made = Made(built, protocol, analysis)
    assert made.of("DSA") == ["Y", "N", "NE", "NE", "NE"]
    assert made.of("DSA", "REASON") == ["", "", "NOT TESTED", "UNCLEAR", "DATE"]
    assert made.of("DSA", "BASEC") == ["NEGATIVE", "", "POSITIVE", "", ""]
    assert made.number("DSA", "DSA", "TESTED")["n"] == 3
    positive = made.number("DSA", "DSA", "POSITIVE")
    assert (positive["n"], positive["N"], positive["n.low"], positive["n.high"]) == (None, 5, 1, 4)
    # S03 was positive before: whatever comes to light, it is not newly positive.
    fresh = made.number("DSA", "DSA", "DE NOVO")
    assert (fresh["n"], fresh["n.low"], fresh["n.high"]) == (None, 1, 3)
    assert made.behind("DSA", "Total", "DSA", "DE NOVO") == (1, 5)


def test_viral_reactivation_is_told_by_an_event_or_by_a_load(protocol: Protocol, analysis: Analysis) -> None:
    built = trial().subject("S01").infused(0).event("Cytomegalovirus viraemia", 12)
    built.subject("S02").infused(0).lab("CMVDNA", "2500", 20, unit="IU/mL").lab("CMVDNA", "<500", 30, unit="IU/mL")
    built.subject("S03").infused(0).add("MB", MBTESTCD="CMVPCR", MBORRES="TND", MBDTC=built.date(14))
    built.subject("S04").infused(0).lab("CMVDNA", "4000", -1, unit="IU/mL")  # before the infusion
    built.subject("S05").infused(0).lab("CMVDNA", "4000", 181, unit="IU/mL")  # after the window
    built.subject("S06").infused(0).lab("CMVDNA", "12", 9, unit="ng/mL")  # no load in that unit
    made = Made(built, protocol, analysis)
    assert made.of("CMV") == ["Y", "Y", "N", "NE", "NE", "NE"]
    assert made.of("CMV", "SRCDOM") == ["AE", "LB", "MB", "", "", ""]
    assert made.of("CMV", "REASON")[3:] == ["NOT TESTED", "NOT TESTED", "UNCLEAR"]
    assert made.of("CMV", "BASEC")[3] == "POSITIVE"
    assert made.number("VIRUS", "CMV", context="adverse event")["n"] == 1
    load = made.number("VIRUS", "CMV", context="laboratory")
    assert (load["n"], load["n.low"], load["n.high"]) == (None, 1, 5)
    either = made.number("VIRUS", "CMV", context="either")
    assert (either["n"], either["N"], either["n.low"], either["n.high"]) == (None, 6, 2, 5)
    assert made.behind("VIRUS", "Total", "CMV", "", "laboratory") == (1, 6)
    # No test of the others was delivered: not evaluable, never 0.
    assert set(made.of("EBV", "REASON")) == {"UNDELIVERED"}
    assert made.number("VIRUS", "EBV", context="either")["n"] is None
    text = tables.outcome_sentence(made.ard, made.adct, protocol)
    assert "reactivation: CMV at least 2, EBV not known, BKV not known and ADV not known." in text
    assert "donor-specific antibodies; loads of EBV, BKV and ADV; clinical events (CE)." in text


def test_all_tested_gives_a_count_and_all_untested_gives_none(protocol: Protocol, analysis: Analysis) -> None:
    built = trial().subject("S01").infused(0).lab("ADVDNA", "<200", 9, unit="copies/mL")
    made = Made(built, protocol, analysis)
    assert made.number("VIRUS", "ADV", context="either") == {"n": 0, "N": 1, "p": 0}
    assert "ADV 0" in tables.outcome_sentence(made.ard, made.adct, protocol)


def test_chronic_gvhd_begins_after_the_infusion_or_was_there_or_has_no_date(
    protocol: Protocol, analysis: Analysis
) -> None:
    def ce(built: TrialBuilder, term: str, day: int | str) -> TrialBuilder:
        return built.add("CE", CETERM=term, CEDECOD=term.upper(), CESTDTC=built.date(day))

    built = ce(ce(trial().subject("S01").infused(0), "Acute GVHD", -9), "Chronic GVHD", 120)
    ce(built.subject("S02").infused(0), "cGVHD of the skin", -1)
    ce(built.subject("S03").infused(0), "慢性移植物抗宿主病", "2025-01")
    built.subject("S04").infused(0).event("Chronic graft versus host disease in lung", 200)
    ce(built.subject("S05").infused(0), "Acute GVHD", -9)
    made = Made(built, protocol, analysis)
    assert made.of("CGVHD") == ["Y", "PRIOR", "NE", "Y", "N"]
    assert made.of("CGVHD", "SRCDOM") == ["CE", "CE", "CE", "AE", ""]
    assert made.of("CGVHD", "RELDAY")[0] == 120
    found = made.number("CGVHD", "CGVHD")
    assert (found["n"], found["N"], found["n.low"], found["n.high"]) == (None, 5, 2, 3)
    assert made.behind("CGVHD", "Total", "CGVHD", "PRIOR") == (1, 5)
    listed = events_listing(made.adsl, made.study)
    assert listed["COUNTED"].tolist()[:2] == ["acute GVHD", "chronic GVHD"]
    assert len(listed) == 5


def test_without_clinical_events_nobody_is_free_of_chronic_gvhd(protocol: Protocol, analysis: Analysis) -> None:
    made = Made(trial().subject("S01").infused(0), protocol, analysis)
    assert (made.of("CGVHD"), made.of("CGVHD", "REASON")) == (["NE"], ["UNDELIVERED"])
    assert "clinical events (CE)." in tables.outcome_sentence(made.ard, made.adct, protocol)
    delivered = Made(trial().subject("S01").infused(0).delivers("CE"), protocol, analysis)
    assert delivered.number("CGVHD", "CGVHD") == {"n": 0, "N": 1, "p": 0}


def test_product_counts_infusions_and_leaves_limits_open(protocol: Protocol, analysis: Analysis) -> None:
    built = trial().subject("S01").infused(0, EXLOT="L-1", EXVIAB="65").infused(7, EXLOT=None, EXVIAB=None)
    made = Made(built, protocol, analysis)
    assert made.number("PRODUCT", "LOT") == {"infusions": 1, "of": 2}
    assert made.number("PRODUCT", "VIAB", "OUTSIDE") == {
        "infusions": None, "of": 2, "infusions.low": 1, "infusions.high": 2,
    }  # fmt: skip
    assert made.behind("PRODUCT", "Total", "VIAB", "OUTSIDE") == (1, 2)
    listed = tables.product_listing(made.adct, made.adsl, protocol)
    assert listed["VIAB"].tolist() == ["65 (outside the limits)", "not delivered"]
    said = tables.outcome_sentence(made.ard, made.adct, protocol)
    assert "Not delivered: passage and time from thaw to infusion of the product;" in said
    assert "Lot is missing for 1 of 2 infusions." in said


def test_a_trial_that_names_no_outcomes_reports_none(protocol: Protocol, analysis: Analysis) -> None:
    plain = protocol.model_copy(update={"outcomes": type(protocol.outcomes)()})
    made = Made(trial().subject("S01").infused(0), plain, analysis)
    assert made.adct.empty
    assert made.ard.empty
    assert tables.outcome_sentence(made.ard, made.adct, plain).startswith("The protocol file names no outcomes")


def test_each_outcome_has_one_row_per_subject_or_infusion(protocol: Protocol, analysis: Analysis) -> None:
    built = trial().subject("S01").infused(0).infused(7).subject("S02", level="SCRNFAIL")
    made = Made(built, protocol, analysis)
    assert not made.adct.duplicated(KEYS).any()
    assert set(made.adct["USUBJID"]) == {"iMSC-2001-S01"}
    assert made.adct["INFNO"].value_counts().to_dict() == {0: 11, 1: 4, 2: 4}
