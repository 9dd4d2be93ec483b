"""Which scenario each subject of the demo trial plays: the list that the data are checked against."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Scenario:
    """One situation that the workbook must handle, and the role (of the cast) that plays it."""

    key: str
    role: str
    what: str


SCENARIOS = (
    Scenario("child_of_4", "T10", "child of 4.0 years at consent"),
    Scenario("adult_of_70_9", "T08", "adult of 70.9 years at consent"),
    Scenario("early_death", "T03", "dies on day 10 of acute GVHD: no DLT, not evaluable, replaced"),
    Scenario("replacement", "T04", "treated at level 1 in the place of the subject who died on day 10"),
    Scenario("dlt", "T07", "grade 3 infusion related reaction, adjudicated as a DLT; the second infusion is not given"),
    Scenario("new_therapy", "T06", "ruxolitinib on day 20, all organ stages 0 at day 28"),
    Scenario("mixed_response", "T09", "mixed response at day 28 by the organ stages; the investigator says PR"),
    Scenario("late_assessment", "T08", "day-28 assessment on day 33"),
    Scenario("relapse_then_death", "T04", "relapse on day 60, death on day 95; its date first known to the month"),
    Scenario("liver_gvhd", "T05", "liver GVHD at baseline: ALT above normal, bilirubin above 34.2 umol/L"),
    Scenario("hepatitis_b_carrier", "T01", "HBsAg positive with HBV-DNA <20"),
    Scenario("other_level", "T02", "second infusion at another dose level"),
    Scenario("rescreen", "T11", "treated under a second subject number after a failed screening"),
    Scenario("rescreen_first", "F04", "first screening of the re-screened person, failed on INR"),
    Scenario("conflict", "T12", "ALT 2.3 times the upper limit while the form says eligible"),
    Scenario("no_limits", "T08", "urea without reference limits at screening and baseline"),
    Scenario("waiver", "T09", "study drug of another trial within 84 days before consent, waived"),
    Scenario("lost", "T06", "lost to follow-up on day 70"),
    Scenario("no_response", "T07", "no response at day 28"),
    Scenario("progression", "T11", "progression at day 28; dies two days after the last cut date"),
    Scenario("complete_response", "T01", "complete response at day 28, completes day 180"),
    Scenario("worsened_before", "T02", "hypokalemia before the infusion that worsens after it"),
    Scenario("hiv_positive", "F01", "screen failure: HIV antibody positive"),
    Scenario("liver_enzymes", "F02", "screen failure: ALT and AST above twice the upper limit"),
    Scenario("poor_prognosis", "F02", "screen failure: the investigator expects survival under three months"),
    Scenario("grade_one", "F03", "screen failure: acute GVHD of grade I only"),
    Scenario("regraded", "T05", "anaemia entered as grade 2, corrected to grade 3 after the first cut"),
    Scenario("relationship_missing", "T05", "hyperglycemia without a relationship at the first cut, NOT RELATED later"),
    Scenario("lab_corrected", "T04", "platelets of day 28 entered as 8, corrected to 82 after the first cut"),
    Scenario("deleted_record", "T02", "a medication entered twice; the second entry is gone at the second cut"),
)
