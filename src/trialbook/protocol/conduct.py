"""How the trial is run, as data: enrolment, visits, protocol deviations, and what a committee must look at first.

None of it is in the registry entry: every rule and limit names its source, or is an assumption with a number.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from trialbook.core.messages import places

Severity = Literal["high", "medium", "low"]
Grade = Annotated[int, Field(ge=1, le=5)]
Days = Annotated[int, Field(ge=0, le=100_000)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Sourced(_Model):
    """A rule or limit with its source, the number of its assumption, and what it means in words."""

    source: str = "assumption"
    assumption: str = ""
    meaning: str = ""


class Enrolment(Sourced):
    """When the next patient may be dosed.

    `sentinel_subjects` are treated alone at a new dose level, and nobody else there for `sentinel_days` after the first
    infusion of the last of them; `interval_days` lie between any two first infusions. Places are those of the cap
    (analysis keys `n_cap`, `cap_counts`).
    """

    sentinel_subjects: Annotated[int, Field(ge=0)] = 1
    sentinel_days: Days = 14
    interval_days: Days = 1
    assumption: str = "A-180"


class QueryHandling(Sourced):
    """How long a question may take: `due_days` from the day of asking, by severity."""

    due_days: dict[str, Days] = {"stop": 3, "major": 14, "minor": 30}
    assumption: str = "A-230"

    @field_validator("due_days")
    @classmethod
    def _every_severity(cls, given: dict[str, int]) -> dict[str, int]:
        if set(given) != {"stop", "major", "minor"}:
            raise ValueError("days are given for stop, major and minor, and for nothing else")
        return given


class Reconciliation(Sourced):
    """How far two sources of one fact may lie apart before somebody is asked.

    `event_days`: the starts of a serious event in AE and in the safety database; `result_days`: the dates of a result
    in LB and in the file of the central laboratory; `result_share`: their values, as a share of the central one.
    `dictionaries`: the version of each dictionary that the protocol or the data management plan states, by name.
    """

    event_days: Days = 3
    result_days: Days = 1
    result_share: Annotated[float, Field(ge=0, lt=1)] = 0.005
    dictionaries: dict[str, str] = {}
    assumption: str = "A-231"


class Visit(_Model):
    """A planned visit: its name (and other names of it in SV), its REL_DAY, and the days on which it counts as done.

    `window`: first and last REL_DAY, or the analysis key that holds them. `once`: what is assessed there decides an
    endpoint and cannot be made up for later.
    """

    name: Annotated[str, Field(min_length=1)]
    also: list[str] = []
    day: int
    window: Annotated[list[int], Field(min_length=2, max_length=2)] | Literal["d28_window", "d56_window"]
    once: bool = False

    @model_validator(mode="after")
    def _in_order(self) -> Visit:
        if isinstance(self.window, list) and not self.window[0] <= self.day <= self.window[1]:
            raise ValueError(f"the window of the visit {self.name} does not hold its day {self.day}")
        return self


class Schedule(Sourced):
    """The planned visits after the first infusion; `ahead_days`: visits whose window opens so soon are coming up."""

    visits: list[Visit] = []
    ahead_days: Days = 14
    assumption: str = "A-181"

    @model_validator(mode="after")
    def _each_once(self) -> Schedule:
        names = [visit.name for visit in self.visits]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"the visit {twice[0]} is planned twice")
        return self


Category = Literal["ELIGIBILITY", "CONSENT", "DOSE", "SCHEDULE", "ASSESSMENT", "OTHER"]
Importance = Literal["MAJOR", "MINOR"]


class DeviationRule(_Model):
    """One rule that finds a deviation in the data: its kind, and whether it is major or minor."""

    category: Category
    severity: Importance
    meaning: str = ""


class DeviationRules(_Model):
    """The rules, by name; each is a check of `trialbook.conduct.deviations`."""

    consent_after_infusion: DeviationRule = DeviationRule(category="CONSENT", severity="MAJOR")
    consent_not_valid: DeviationRule = DeviationRule(category="CONSENT", severity="MAJOR")
    criterion_violated: DeviationRule = DeviationRule(category="ELIGIBILITY", severity="MAJOR")
    criterion_waived: DeviationRule = DeviationRule(category="ELIGIBILITY", severity="MINOR")
    other_dose_level: DeviationRule = DeviationRule(category="DOSE", severity="MAJOR")
    no_dose_level: DeviationRule = DeviationRule(category="DOSE", severity="MAJOR")
    infusion_not_given: DeviationRule = DeviationRule(category="DOSE", severity="MINOR")
    infusion_off_schedule: DeviationRule = DeviationRule(category="SCHEDULE", severity="MINOR")
    visit_off_schedule: DeviationRule = DeviationRule(category="SCHEDULE", severity="MINOR")
    visit_missed: DeviationRule = DeviationRule(category="ASSESSMENT", severity="MINOR")
    endpoint_visit_missed: DeviationRule = DeviationRule(category="ASSESSMENT", severity="MAJOR")


class Deviations(Sourced):
    """How protocol deviations are found, classed, and matched with those that the site recorded in DV.

    `match_days`: a record of the site of the same kind within these days of one found is the same deviation. `words`:
    kinds by words of DVDECOD, DVCAT and DVTERM, the first that fits; `major`, `minor`: words of DVCAT.
    """

    match_days: Days = 7
    rules: DeviationRules = DeviationRules()
    words: dict[Category, list[str]] = {
        "CONSENT": ["consent", "assent", "icf", "知情"],
        "ELIGIBILITY": ["eligib", "inclus", "exclus", "criteri", "入选", "排除", "入排"],
        "DOSE": ["dos", "infus", "剂量", "输注"],
        "ASSESSMENT": ["assess", "not done", "missed", "sample", "评估", "未做", "漏"],
        "SCHEDULE": ["visit", "window", "schedul", "访视", "超窗"],
    }
    major: list[str] = ["major", "important", "serious", "重大", "重要", "严重"]
    minor: list[str] = ["minor", "轻微", "一般", "次要"]
    assumption: str = "A-182"


class SignalRule(Sourced):
    """One rule of what a committee must look at first; `enabled: false` switches it off, which the first page says."""

    enabled: bool = True
    severity: Severity = "medium"

    @field_validator("meaning")
    @classmethod
    def _names_thresholds(cls, meaning: str) -> str:
        try:
            unknown = sorted(places(meaning) - set(cls.model_fields))
        except ValueError as error:
            raise ValueError(f"{meaning!r} has a brace without its other half: write {{name}} or no brace") from error
        if unknown:
            known = ", ".join(sorted(set(cls.model_fields)))
            raise ValueError(f"{{{unknown[0]}}} is no value of this rule; its values are {known}")
        return meaning


class PendingAbnormal(SignalRule):
    """A subject whose DLT window is open, with a finding since the infusion that is severe, serious or not graded."""

    severity: Severity = "high"
    laboratory_grade: Grade = 3
    event_grade: Grade = 3
    assumption: str = "A-183"


class UndecidedDlt(SignalRule):
    """A status that only an adjudication, a date or missing data can decide."""

    severity: Severity = "high"
    assumption: str = "A-183"


class LevelToxicity(SignalRule):
    """So many DLTs at one dose level."""

    severity: Severity = "high"
    dlts: Annotated[int, Field(ge=1)] = 2
    source: str = "3+3: two DLTs exceed the MTD (rulebook 4.4)"
    assumption: str = "A-76"


class NewDeath(SignalRule):
    """A death that the previous cut did not have."""

    severity: Severity = "high"
    assumption: str = "A-184"


class RecordedAfterCut(SignalRule):
    """A death that is dated after the cut; `serious`: severity of a serious event that is."""

    severity: Severity = "high"
    serious: Severity = "high"
    assumption: str = "A-263"


class LiverInjury(SignalRule):
    """The biochemical criteria of the analysis key `hepatic_screen`."""

    severity: Severity = "high"
    source: str = "analysis key hepatic_screen (rulebook 3.3)"
    assumption: str = "A-112"


class UngradedSerious(SignalRule):
    """A serious event, or one that may be, since the first infusion and without a grade."""

    severity: Severity = "high"
    unknown: Severity = "medium"
    assumption: str = "A-185"


class LateSerious(SignalRule):
    """A serious event that began by the previous cut, more than `grace_days` before it, and was not in its data."""

    grace_days: Days = 7
    assumption: str = "A-186"


class ExpeditedReport(SignalRule):
    """An expedited report that was due, is due within `ahead_days`, or whose due date nobody can know."""

    severity: Severity = "high"
    ahead_days: Days = 7
    unknown: Severity = "medium"
    source: str = "ICH E2A (rulebook 14.4)"
    assumption: str = "A-187"


class EligibilityConflict(SignalRule):
    """A treated subject whom the data exclude without a waiver, or whose form the data contradict."""

    assumption: str = "A-188"


class LostToFollowUp(SignalRule):
    """A subject not known dead and last seen more days ago than `days`, before day `until_day` was reached."""

    days: Annotated[int, Field(ge=1)] = 60
    until_day: Days = 180
    assumption: str = "A-189"


class DoseDeviation(SignalRule):
    """An infusion at a dose that the protocol does not give the subject."""

    assumption: str = "A-190"


class RestatedEndpoint(SignalRule):
    """A death date, a decided DLT status or a decided response that was another one at the previous cut."""

    assumption: str = "A-191"


class UndatedDeath(SignalRule):
    """A death without a complete date."""

    assumption: str = "A-192"


class UnclassifiedTherapy(SignalRule):
    """An open question of `queries` about the drugs of a treated subject."""

    queries: list[str] = [
        "P31-CM-UNCLASSIFIED", "P31-CM-UNCODED", "P31-CM-COMBINED", "P31-CM-GVHD-UNLISTED", "P31-CM-NEAR-NAME",
        "P31-CM-PURPOSE",
    ]  # fmt: skip
    assumption: str = "A-193"


class LateToxicity(SignalRule):
    """A related event of `grade` or more, or a related serious one, that began after the DLT window."""

    grade: Grade = 3
    assumption: str = "A-194"


class UnrepeatableAssessment(SignalRule):
    """A visit marked `once` in the schedule that was missed, or whose window is open or opens within `ahead_days`."""

    ahead_days: Days = 7
    coming: Severity = "low"
    assumption: str = "A-195"


class MovesHeadline(SignalRule):
    """An open question of severity major to a subject on whom the worst or best case of an endpoint depends."""

    severity: Severity = "low"
    assumption: str = "A-196"


class StoppingRule(SignalRule):
    """A safety stopping rule whose boundary is reached; `next_event`: severity where one more event would reach it."""

    severity: Severity = "high"
    next_event: Severity = "medium"
    assumption: str = "A-202"


class UnsupportedDecision(SignalRule):
    """A decision on an earlier cut that the data known today would not support, by their dates."""

    severity: Severity = "high"
    assumption: str = "A-206"


class BeyondDecision(SignalRule):
    """A subject first treated at a dose level above that of the committee's last decision on that day."""

    severity: Severity = "high"
    assumption: str = "A-262"


class Signals(_Model):
    """What is looked at, in the order in which signals of one severity are listed."""

    pending_abnormal: PendingAbnormal = PendingAbnormal()
    liver_injury: LiverInjury = LiverInjury()
    recorded_after_cut: RecordedAfterCut = RecordedAfterCut()
    ungraded_serious: UngradedSerious = UngradedSerious()
    level_toxicity: LevelToxicity = LevelToxicity()
    stopping_rule: StoppingRule = StoppingRule()
    unsupported_decision: UnsupportedDecision = UnsupportedDecision()
    beyond_decision: BeyondDecision = BeyondDecision()
    undecided_dlt: UndecidedDlt = UndecidedDlt()
    new_death: NewDeath = NewDeath()
    expedited_report: ExpeditedReport = ExpeditedReport()
    lost_to_follow_up: LostToFollowUp = LostToFollowUp()
    dose_deviation: DoseDeviation = DoseDeviation()
    eligibility_conflict: EligibilityConflict = EligibilityConflict()
    restated_endpoint: RestatedEndpoint = RestatedEndpoint()
    late_toxicity: LateToxicity = LateToxicity()
    late_serious: LateSerious = LateSerious()
    undated_death: UndatedDeath = UndatedDeath()
    unrepeatable_assessment: UnrepeatableAssessment = UnrepeatableAssessment()
    unclassified_therapy: UnclassifiedTherapy = UnclassifiedTherapy()
    moves_headline: MovesHeadline = MovesHeadline()
