"""The records of one subject and day are one infusion (A-160): two bags are one dose, one level, one start."""

from __future__ import annotations

import pandas as pd
import pytest

from support.trial_builder import TrialBuilder, trial
from trialbook.cleaning.exposure import exposure_queries
from trialbook.core.domains import Domains
from trialbook.dlt.addlt import derive_addlt
from trialbook.dlt.followup import infusions_received
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.models import Protocol
from trialbook.protocol.study_data import StudyData
from trialbook.safety.adae import derive_adae
from trialbook.safety.exposure import exposure_of_subjects, infusions_of_treated
from trialbook.subjects.adsl import derive_subjects
from trialbook.subjects.dosing import infusion_levels
from trialbook.subjects.queries import subject_queries

CUT = pd.Timestamp("2025-06-30")


def two_bags(level: str = "DL2", dose: float = 1.0, times: tuple[str, str] = ("T10:00", "T11:00")) -> TrialBuilder:
    """Two bags on day 0 and two on day 7, each of `dose`."""
    built = trial().subject("S01", level=level).seen(60)
    for day in (0, 7):
        for time in times:
            built.infused(day, dose, time)
    return built


def adsl_of(domains: Domains, protocol: Protocol, analysis: Analysis) -> pd.DataFrame:
    return derive_subjects(StudyData(domains, protocol, analysis, CUT))


def asked(domains: Domains, protocol: Protocol, analysis: Analysis) -> list[tuple[str, str]]:
    adsl = adsl_of(domains, protocol, analysis)
    queries = [*exposure_queries(domains, analysis), *subject_queries(adsl, domains, protocol, analysis)]
    return sorted((q["rule"], q["record"]) for q in queries)


@pytest.mark.parametrize("times", [("T10:00", "T11:00"), ("T11:00", "T10:00"), ("T10:00", "")])
def test_two_bags_of_one_day_are_one_infusion_of_their_sum(
    times: tuple[str, str], protocol: Protocol, analysis: Analysis
) -> None:
    """Row 5 of the review: DL2, 2 x 1e6/kg on day 0 and on day 7."""
    domains = two_bags(times=times).domains()
    adsl = adsl_of(domains, protocol, analysis)
    row = adsl.iloc[0]
    assert (row["TRT01A"], row["NINF"], row["TRTSDTM"]) == ("DL2", 2, "2025-01-10T10:00")
    assert row["TRTEDT"] == pd.Timestamp("2025-01-17")
    addlt = derive_addlt(adsl, StudyData(domains, protocol, analysis, CUT))
    assert (addlt["DOSEFRAC"].item(), addlt["DLTSTAT"].item()) == (1.0, "NO-DLT")
    received = infusions_received(addlt, StudyData(domains, protocol, analysis, CUT))
    assert received[["INFNO", "DAY", "DOSEKG", "LEVEL", "REMARK"]].to_numpy().tolist() == [
        [1, 0, 2.0, "DL2", ""], [2, 7, 2.0, "DL2", ""],
    ]  # fmt: skip
    given = infusions_of_treated(adsl, StudyData(domains, protocol, analysis, CUT))
    exposed = exposure_of_subjects(given, adsl, protocol, CUT).iloc[0]
    assert (exposed["NINF"], exposed["DUE"], exposed["CUMDOSE"], exposed["SHARE"]) == (2, 2, 4.0, 100.0)
    assert [rule for rule, _ in asked(domains, protocol, analysis) if rule != "P11-EX-NO-TIME"] == []


def test_the_doses_of_bags_may_differ_and_be_in_cells(protocol: Protocol, analysis: Analysis) -> None:
    built = trial().subject("S01", level="DL3").add("VS", VSTESTCD="WEIGHT", VSORRES="50", VSORRESU="kg",
                                                     VSDTC="2025-01-10")  # fmt: skip
    built.infused(0, 2.5, "T09:00").infused(0, 75.0, "T09:40", EXDOSU="10^6 cells")
    levels = infusion_levels(StudyData(built.domains(), protocol, analysis, CUT))
    assert levels[["DOSEKG", "LEVEL", "DOSES", "BAGS"]].to_numpy().tolist() == [[4.0, "DL3", "2.5 + 75", 2]]


def test_a_reaction_is_timed_from_the_first_bag(protocol: Protocol, analysis: Analysis) -> None:
    domains = two_bags().event("Chills", "2025-01-17T12:30").domains()
    adae = derive_adae(adsl_of(domains, protocol, analysis), StudyData(domains, protocol, analysis, CUT))
    assert adae[["INFNO", "INFDY", "INFHRS"]].to_numpy().tolist() == [[2, 0, 2.5]]


@pytest.mark.parametrize(
    ("arm", "level", "dose"),
    [("DL2", "DL2", 2.0), ("DL1", "DL1", 1.0), ("DL3", "DL2", 2.0)],
)
def test_of_two_records_that_are_alike_the_arm_tells_whether_they_are_two_bags(
    arm: str, level: str, dose: float, protocol: Protocol, analysis: Analysis
) -> None:
    domains = trial().subject("S01", level=arm).infused(0).infused(0).domains()
    levels = infusion_levels(StudyData(domains, protocol, analysis, CUT))
    assert levels[["DOSEKG", "LEVEL"]].to_numpy().tolist() == [[dose, level]]
    assert ("P11-EX-SAME-DAY", "EXSEQ=2") in asked(domains, protocol, analysis)


def test_another_lot_is_another_bag(protocol: Protocol, analysis: Analysis) -> None:
    domains = trial().subject("S01", level="DL1").infused(0, EXLOT="A").infused(0, EXLOT="B").domains()
    assert infusion_levels(StudyData(domains, protocol, analysis, CUT))["LEVEL"].tolist() == ["DL2"]
    assert asked(domains, protocol, analysis) == [("P10-DM-ACTARM-DOSE", "")]


def test_a_sum_of_no_level_is_asked_about_once_with_its_doses(protocol: Protocol, analysis: Analysis) -> None:
    domains = two_bags(dose=1.5, level="DL2").domains()
    adsl = adsl_of(domains, protocol, analysis)
    found = [q for q in subject_queries(adsl, domains, protocol, analysis) if q["rule"] == "P12-EX-DOSE-NO-LEVEL"]
    assert [(q["record"], q["observed"]) for q in found] == [("EXSEQ=1", "1.5 + 1.5"), ("EXSEQ=3", "1.5 + 1.5")]


def test_a_bag_without_its_dose_leaves_the_infusion_unknown(protocol: Protocol, analysis: Analysis) -> None:
    built = (
        trial().subject("S01", level="DL2").seen(60).infused(0, 1.0).infused(0, float("nan"), "T11:00").infused(7, 2.0)
    )
    domains = built.domains()
    adsl = adsl_of(domains, protocol, analysis)
    assert (adsl["TRT01A"].item(), adsl["NINF"].item()) == ("DL2", 2)
    addlt = derive_addlt(adsl, StudyData(domains, protocol, analysis, CUT))
    assert addlt["DLTSTAT"].item() == "PENDING-DATA"
    assert addlt["DOSEFRAC"].isna().item()
    assert ("P12-EX-DOSE-MISSING", "EXSEQ=2") in asked(domains, protocol, analysis)


def test_a_bag_that_was_not_given_makes_the_infusion_smaller_and_no_other_one(
    protocol: Protocol, analysis: Analysis
) -> None:
    built = trial().subject("S01", level="DL2").seen(60).infused(0, 2.0)
    domains = built.infused(7, 1.0).infused(7, 0.0, "T11:00").domains()
    adsl = adsl_of(domains, protocol, analysis)
    addlt = derive_addlt(adsl, StudyData(domains, protocol, analysis, CUT)).iloc[0]
    assert (adsl["NINF"].item(), addlt["DOSEFRAC"], addlt["DLTSTAT"]) == (2, 0.75, "NOT-EVAL")


def test_two_bags_not_given_are_one_infusion_missed(protocol: Protocol, analysis: Analysis) -> None:
    cut = pd.Timestamp("2025-01-20")
    built = trial().subject("S01", level="DL2").infused(0, 2.0).infused(7, 0.0).infused(7, 0.0, "T11:00")
    domains = built.domains()
    adsl = derive_subjects(StudyData(domains, protocol, analysis, cut))
    assert derive_addlt(adsl, StudyData(domains, protocol, analysis, cut))["DOSEFRAC"].tolist() == [0.5]


def test_bags_of_two_days_and_of_two_subjects_are_two_infusions(protocol: Protocol, analysis: Analysis) -> None:
    built = trial().subject("S01", level="DL1").infused(0).infused(1).subject("S02", level="DL1").infused(0)
    levels = infusion_levels(StudyData(built.domains(), protocol, analysis, CUT))
    assert levels[["INFNO", "LEVEL"]].to_numpy().tolist() == [[1, "DL1"], [2, "DL1"], [1, "DL1"]]


def test_no_infusion_at_all_gives_no_row(protocol: Protocol, analysis: Analysis) -> None:
    levels = infusion_levels(StudyData(trial().subject("S01").domains(), protocol, analysis, CUT))
    assert len(levels) == 0
    assert {"DOSEKG", "LEVEL", "INFNO", "BAGS", "DOSES"} <= set(levels)
