"""Drugs started after the infusion: what counts as new therapy, what may be one, and what the site is asked (P31)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import pandas as pd
import pytest

from support.trial_builder import TrialBuilder, trial
from trialbook.core.dates import as_date
from trialbook.core.domains import Domains
from trialbook.efficacy.adrs import derive_adrs
from trialbook.efficacy.day28 import day28_response, treated_subjects
from trialbook.efficacy.intercurrent import POSSIBLE, possible_therapies, therapy_starts
from trialbook.efficacy.medication_tables import nothing_started, started_drugs
from trialbook.efficacy.queries import response_queries
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.models import Protocol
from trialbook.protocol.study_data import StudyData
from trialbook.queries.query_list import Query, query_list
from trialbook.subjects.adsl import derive_subjects

CUT = as_date("2025-09-30")
# The twenty names of the review: none of them was seen before the dictionary was there.
TWENTY = [
    "捷恪卫", "Jakavi", "Jakafi", "Simulect", "Campath", "兔抗人胸腺细胞免疫球蛋白", "舒莱", "益赛普", "Enbrel",
    "类克", "Remicade", "Actemra", "雅美罗", "Entyvio", "骁悉", "CellCept", "Rapamune", "Imbruvica",
    "Rezurock", "ruxolitinb",
]  # fmt: skip


@dataclass
class Seen:
    """What the workbook makes of one small trial; each part is worked out when a test asks for it."""

    domains: Domains
    protocol: Protocol
    keys: Analysis
    cut: pd.Timestamp

    @cached_property
    def study(self) -> StudyData:
        return StudyData(self.domains, self.protocol, self.keys, self.cut)

    @cached_property
    def subjects(self) -> pd.DataFrame:
        return derive_subjects(self.study)

    @cached_property
    def responses(self) -> pd.DataFrame:
        return day28_response(self.subjects, self.study)

    @cached_property
    def possible(self) -> pd.DataFrame:
        return possible_therapies(self.domains, treated_subjects(self.subjects, self.cut), self.keys)

    @cached_property
    def queries(self) -> list[Query]:
        adrs = derive_adrs(self.subjects, self.study)
        return response_queries(adrs, self.responses, self.subjects, self.domains, self.protocol, self.keys)

    @cached_property
    def drugs(self) -> pd.DataFrame:
        return started_drugs(self.subjects.assign(CUTDT=self.cut), self.domains, self.keys, 3)

    @property
    def answers(self) -> dict[str, tuple[str, str]]:
        """Category and reason of each subject, by number."""
        numbers = self.responses["USUBJID"].str.rpartition("-")[2]
        return dict(zip(numbers, zip(self.responses["AVALC"], self.responses["REASON"], strict=True), strict=True))

    @property
    def answer(self) -> tuple[str, str]:
        (answer,) = self.answers.values()
        return answer

    @property
    def asked(self) -> list[tuple[str, str]]:
        return [(query["rule"], query["severity"]) for query in self.queries if query["rule"].startswith("P31")]


Look = Callable[..., Seen]


@pytest.fixture
def look(protocol, analysis) -> Look:
    def derive(built: TrialBuilder, cut: pd.Timestamp = CUT, **keys: object) -> Seen:
        return Seen(built.delivers("CM").domains(), protocol, analysis.model_copy(update=keys), cut)

    return derive


def responder(name: str = "S01") -> TrialBuilder:
    """A subject whose stages alone are a complete response on day 28, weight 60 kg."""
    return staged(trial(), name)


def staged(built: TrialBuilder, name: str, day28: int = 0) -> TrialBuilder:
    built.subject(name).infused(0).stages(-1, 3, 1, 0, 2).stages(28, day28, 0, 0, 0)
    return built.add("VS", VSTESTCD="WEIGHT", VSORRES=60, VSORRESU="kg", VSDTC="2025-01-09")


def test_no_name_of_the_review_is_a_silent_complete_response(look: Look) -> None:
    """One subject for each name."""
    built = trial()
    for number, name in enumerate(TWENTY, 1):
        staged(built, f"S{number:02d}").drug(name, 10)
    seen = look(built)
    told = dict(zip(TWENTY, seen.answers.values(), strict=True))
    assert told == dict.fromkeys(TWENTY, ("NR", "NEWTX")) | {"ruxolitinb": ("CR", "")}
    assert seen.possible[["USUBJID", "WHY"]].to_numpy().tolist() == [["iMSC-2001-S20", "NEAR-NAME"]]
    assert seen.asked == [("P31-CM-NEAR-NAME", "major")]


def test_the_category_of_a_record_hides_no_therapy(look: Look) -> None:
    built = trial()
    for number, category in enumerate(["", "GVHD THERAPY", "OTHER", "ANTI-INFECTIVE"]):
        staged(built, f"S{number}").drug("Jakafi", 10, category=category)
    assert list(look(built).answers.values()) == [("NR", "NEWTX")] * 4


def test_supportive_drugs_are_known_and_nobody_is_asked(look: Look) -> None:
    built = responder()
    for name in ("Meropenem", "更昔洛韦", "Ursodiol", "静注人免疫球蛋白(pH4)", "Amlodipine", "Platelets", "budesonide"):
        built.drug(name, 10)
    seen = look(built)
    assert seen.answer == ("CR", "")
    assert seen.possible.empty
    assert seen.queries == []
    assert seen.drugs[["CLASS", "DRUG", "RECORDS", "COUNTS"]].to_numpy().tolist() == [
        ["Not systemic", "1 different", 1, "no"], ["Supportive", "6 different", 6, "no"],
    ]  # fmt: skip


def test_an_unlisted_drug_leaves_the_response_open_and_is_asked_once_with_what_it_can_change(look: Look) -> None:
    built = responder().drug("novumab", 10, end=12).drug("Novumab", 15, end=17).drug("NOVUMAB", 40)
    seen = look(built)
    assert seen.answer == ("CR", "")
    assert list(seen.possible.columns) == POSSIBLE
    assert seen.possible["WHY"].tolist() == ["UNCLASSIFIED"] * 3
    assert seen.possible["EVNTDT"].dt.strftime("%m-%d").tolist() == ["01-20", "01-25", "02-19"]
    assert seen.asked == [("P31-CM-UNCLASSIFIED", "major")]
    (query,) = seen.queries
    assert query["observed"] == "novumab (3 records)"
    assert query["record"] == "CMSEQ=1"
    assert "becomes a non-response" in query["message_en"]
    assert query["message_zh"].endswith("第28天疗效将改判为未缓解。")
    assert seen.drugs.to_numpy().tolist()[0][:2] == ["Unclassified", "NOVUMAB"]


@pytest.mark.parametrize(
    ("day", "day28", "keys", "severity"),
    [
        (10, 0, {}, "major"), (28, 0, {}, "major"), (29, 0, {}, "minor"), (10, 4, {}, "minor"),
        (10, 0, {"newtx_strategy_orr": "treatment_policy"}, "minor"),
    ],
)  # fmt: skip
def test_a_question_is_major_only_where_the_answer_can_change_the_response(
    look: Look, day: int, day28: int, keys: dict[str, str], severity: str
) -> None:
    seen = look(staged(trial(), "S01", day28).drug("novumab", day), **keys)
    assert seen.asked == [("P31-CM-UNCLASSIFIED", severity)]


def test_of_a_pending_subject_it_is_major_within_the_window(look: Look) -> None:
    cut = as_date("2025-01-30")
    built = trial().subject("S01").infused(0).stages(-1, 3, 1, 0, 2).drug("novumab", 10)
    assert look(built, cut).asked == [("P31-CM-UNCLASSIFIED", "major")]


def test_after_a_certain_therapy_or_a_death_nothing_more_can_change(look: Look) -> None:
    assert look(responder().drug("Jakavi", 8).drug("novumab", 10)).asked == [("P31-CM-UNCLASSIFIED", "minor")]
    died = trial().subject("S01").infused(0).stages(-1, 3, 1, 0, 2).drug("novumab", 10).died(20)
    assert look(died).asked == [("P31-CM-UNCLASSIFIED", "minor")]


def test_what_ran_at_the_infusion_or_ended_before_or_is_local_is_not_asked(look: Look) -> None:
    built = responder().drug("novumab", -20, dose=5).drug("oldumab", -30, end=-20)
    built.drug("splitumab", -20, end=5, dose=5).drug("splitumab", 6, dose=5)
    built.drug("novumab", 10, CMROUTE="TOPICAL").drug("another ointment", 10)
    seen = look(built)
    assert seen.possible.empty
    assert seen.asked == []


def test_a_drug_with_other_uses_counts_by_its_indication(look: Look) -> None:
    assert look(responder().drug("Rituximab", 10, CMINDC="ACUTE GVHD")).answer == ("NR", "NEWTX")
    other = look(responder().drug("Rituximab", 10, CMINDC="EBV reactivation"))
    assert (other.answer, other.asked, len(other.possible)) == (("CR", ""), [], 0)
    for indication in ({}, {"CMINDC": ""}, {"CMINDC": "Other"}, {"CMINDC": "不详"}):
        blank = look(responder().drug("Rituximab", 10, **indication))
        assert blank.answer == ("CR", "")
        assert blank.possible["WHY"].tolist() == ["OTHER-USE"]
        assert blank.asked == [("P31-CM-PURPOSE", "major")]


def test_a_calcineurin_inhibitor_is_asked_about_where_none_was_running(look: Look) -> None:
    new = look(responder().drug("FK506", 10))
    assert new.answer == ("CR", "")
    assert new.possible["WHY"].tolist() == ["BACKGROUND-STARTED"]
    assert new.asked == [("P31-CM-BACKGROUND-STARTED", "major")]
    switched = look(responder().drug("环孢素", -40, end=9).drug("他克莫司", 10))
    assert (switched.asked, len(switched.possible)) == ([], 0)


def test_a_drug_goes_on_under_another_of_its_names(look: Look) -> None:
    built = responder().drug("ruxolitinib", -20, end=5, dose=10).drug("捷恪卫", 6, dose=10)
    assert look(built).answer == ("CR", "")


def test_a_local_drug_beside_a_therapy_in_one_record_hides_nothing(look: Look) -> None:
    seen = look(responder().drug("布地奈德 + 芦可替尼", 10))
    assert seen.answer == ("NR", "NEWTX")


def test_an_unknown_procedure_is_no_drug(look: Look) -> None:
    built = responder()
    for name in ("Colonoscopy", "Bone marrow biopsy", "骨髓穿刺"):
        built.add("PR", PRTRT=name, PRSTDTC="2025-01-25")
    seen = look(built)
    assert seen.possible.empty
    assert seen.queries == []


def test_a_procedure_with_nearly_the_name_of_a_therapy_is_asked(look: Look) -> None:
    seen = look(responder().add("PR", PRTRT="extracorporal photopheresis", PRSTDTC="2025-01-25"))
    assert seen.answer == ("NR", "NEWTX")  # photopheresis alone is a name
    named = look(responder().add("PR", PRTRT="Cell therapy X", PRCAT="GVHD THERAPY", PRSTDTC="2025-01-25"))
    assert named.possible["WHY"].tolist() == ["UNCLASSIFIED"]
    near = look(responder().add("PR", PRTRT="extracorporeal photopherresis", PRSTDTC="2025-01-25"))
    assert near.possible["WHY"].tolist() == ["NEAR-NAME"]
    assert [(q["rule"], q["domain"], q["field"], q["record"]) for q in near.queries] == [
        ("P31-CM-NEAR-NAME", "PR", "PRTRT", "PRSEQ=1")
    ]


@pytest.mark.parametrize(
    ("records", "days"),
    [
        ([(10, 15, None)], ["01-20"]),  # a course without a dose
        ([(10, 11, None)], []),  # too short to be an escalation
        ([(-10, None, None)], []),  # the same unknown dose on both sides
        ([(-10, 9, None), (10, 20, 20.0)], ["01-20"]),  # the baseline is not known
        ([(-10, 9, 60.0), (10, 20, 40.0)], []),  # a taper
        ([(-10, 30, 60.0), (10, 12, None)], ["01-20"]),  # beside a known dose
        ([("2025-01", "2025-01-30", 60.0)], ["01-11"]),  # the start may lie before the infusion
        ([(None, None, None)], ["01-11"]),  # nothing is known
    ],
)
def test_a_steroid_course_that_may_exceed_the_baseline_is_possible(look: Look, records, days) -> None:
    built = responder()
    for start, end, dose in records:
        ends = end if end is None or isinstance(end, str) else built.date(end)
        built.add(
            "CM", CMTRT="prednisone", CMDECOD="PREDNISONE", CMDOSE=dose, CMDOSU="mg",
            CMSTDTC=None if start is None else built.date(start), CMENDTC=ends,
        )  # fmt: skip
    seen = look(built)
    rows = seen.possible[seen.possible["WHY"] == "STEROID-DOSE"]
    assert rows["EVNTDT"].dt.strftime("%m-%d").tolist() == days
    assert look(built, steroid_escalation_is_newtx=False).possible.query("WHY == 'STEROID-DOSE'").empty


def test_a_partial_start_is_possible_as_far_as_it_may_lie_outside(look: Look) -> None:
    for start, listed in (("2025-01", True), ("2025-02", True), ("2025-01-20", False), ("2024-12", False)):
        seen = look(responder().add("CM", CMTRT="Jakavi", CMDECOD="JAKAVI", CMSTDTC=start))
        assert (seen.possible["WHY"].tolist() == ["START-DATE"]) == listed


def test_many_subjects_with_one_unlisted_drug_are_one_line_of_the_list(look: Look) -> None:
    built = trial()
    for k in range(12):
        staged(built, f"S{k:02d}").drug("novumab", 10)
        built.drug(f"other {'abcdefghijkl'[k]}umab", 10)
    listed = query_list(look(built).queries, "2025-09-30")
    lines = listed[listed["rule"] == "P31-CM-UNCLASSIFIED"]
    assert sorted(lines["records"]) == [1] * 12 + [12]


def test_the_table_of_started_drugs_names_therapies_and_unclassified_first(look: Look) -> None:
    built = responder("S01").drug("捷恪卫", 20).drug("Meropenem", 3).drug("ruxolitinb", 4)
    staged(built, "S02").drug("Jakavi", 12).drug("Prednisone", 5, dose=10)
    seen = look(built)
    assert seen.drugs.to_numpy().tolist() == [
        ["Therapy of acute GVHD", "ruxolitinib", 2, 2, "S01 (day 20), S02 (day 12)", "new therapy"],
        ["Unclassified", "ruxolitinb (nearly ruxolitinib)", 1, 1, "S01 (day 4)", "asked about"],
        ["Steroid", "1 different", 1, 1, "", "no"],
        ["Supportive", "1 different", 1, 1, "", "no"],
    ]
    assert nothing_started(seen.domains).startswith("No systemic drug")
    assert "not delivered" in nothing_started(Domains({}))


def test_certain_therapies_are_never_listed_as_possible_ones(look: Look, analysis, protocol) -> None:
    built = responder().drug("Jakavi", 10).drug("MMF", 12).drug("novumab", 14)
    seen = look(built)
    subjects = treated_subjects(derive_subjects(StudyData(seen.domains, protocol, analysis, CUT)), CUT)
    starts = therapy_starts(seen.domains, subjects, analysis)
    assert set(starts["SRCSEQ"]) == {1, 2}
    assert set(seen.possible["SRCSEQ"]) == {3}
