"""The story of one made-up subject: what happens to whom on which day. Days are REL_DAYs: 0 = first infusion."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta

# ----------------------------------------------------------------------------------------------------
# Which scenario each subject of the demo trial plays: the list that the data are checked against.


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


# ----------------------------------------------------------------------------------------------------

STUDY, SITE = "NCT06321198", "01"
LEVELS = {"DL1": 1.0, "DL2": 2.0, "DL3": 4.0}  # 10^6 cells/kg, illustrative

Stages = tuple[int, int, int, int]  # skin, liver, upper GI, lower GI (MAGIC, 0-4; upper GI 0-1)


@dataclass(frozen=True)
class Dose:
    """One planned infusion and what was given of it; 0 = not given."""

    day: int
    per_kg: float


@dataclass(frozen=True)
class Event:
    """One adverse event. `end` None = ongoing; `hour` = clock time of the start; `known_end` = day the end was entered.

    `serious` is the seriousness variable that applies (AESHOSP ...); `group` joins the rows of one event whose grade
    changed; `at_first` holds values as first entered, corrected on the day `corrected`; `dlt` = the committee's flag;
    `partial` = the start is known to the month only; `fatal` = it becomes grade 5 on the day of death.
    """

    term: str
    day: int
    grade: int
    end: int | None = None
    related: str = "NOT RELATED"
    hour: str = ""
    serious: str = ""
    action: str = "DOSE NOT CHANGED"
    group: str = ""
    dlt: str = ""
    partial: bool = False
    fatal: bool = False
    known_end: int | None = None
    at_first: dict[str, str] = field(default_factory=dict)
    corrected: int = 0


@dataclass(frozen=True)
class LabFact:
    """A laboratory result that the story fixes at some visits: a text, or a multiple of the upper limit of normal.

    `typed` = (result first entered, day it was corrected); `no_limits` leaves the reference limits blank; `extra_day`
    is the REL_DAY of a sample between visits.
    """

    test: str
    visits: tuple[str, ...] = ()
    text: str = ""
    times_uln: float = 0.0
    typed: tuple[str, int] | None = None
    no_limits: bool = False
    extra_day: int | None = None


@dataclass(frozen=True)
class Drug:
    """A concomitant medication of the story; `entered_twice` = days on which a second entry was made and removed."""

    name: str
    category: str
    start: int
    end: int | None
    dose: str = ""
    unit: str = "mg"
    route: str = "ORAL"
    entered_twice: tuple[int, int] | None = None


@dataclass(frozen=True)
class Condition:
    """A line of the medical history; days are REL_DAYs, `end` None = ongoing."""

    term: str
    category: str
    start: int
    end: int | None = None
    grade: str = ""
    severity: str = ""


@dataclass(frozen=True)
class Deviation:
    """A line of the deviation log; `code` names the criterion or the procedure."""

    day: int
    code: str
    category: str
    text: str


@dataclass(frozen=True)
class Person:
    """The human being: birth, sex, weight in kg, height in cm, underlying disease."""

    birth: date
    sex: str
    weight: float
    height: float
    disease: str


@dataclass(frozen=True)
class Story:
    """One subject.

    `role` is the name in the cast. `level` blank = failed screening on criterion `failed`; `day0` is then the day that
    was planned. `course` holds the organ stages of planned visit days, `visit_days` the days on which visits really
    took place, `hsct`, `onset` and `steroids` the days of the transplant, of acute GVHD and of the first steroid.
    `death_known` = (day on which the death was heard of and entered with its month only, day the date was completed).
    `earlier_self` is the role under which the same person was screened before; `form` holds answers of the eligibility
    form that differ from the usual, `investigator` responses by planned day that differ from the stages; `cells` = the
    dose is recorded in total cells.
    """

    role: str
    day0: date
    consent: int
    level: str
    person: Person
    baseline: Stages
    course: dict[int, Stages] = field(default_factory=dict)
    doses: tuple[Dose, ...] = ()
    hsct: int = -45
    onset: int = -16
    steroids: int = -11
    worsened_on_steroids: bool = False
    visit_days: dict[int, int] = field(default_factory=dict)
    new_therapy: tuple[str, int] | None = None
    relapse: int | None = None
    death: int | None = None
    death_cause: str = ""
    death_known: tuple[int, int] | None = None
    lost: int | None = None
    failed: str = ""
    earlier_self: str = ""
    labs: tuple[LabFact, ...] = ()
    events: tuple[Event, ...] = ()
    drugs: tuple[Drug, ...] = ()
    conditions: tuple[Condition, ...] = ()
    deviations: tuple[Deviation, ...] = ()
    form: dict[str, str] = field(default_factory=dict)
    investigator: dict[int, str] = field(default_factory=dict)
    performance: int = 1
    cells: bool = False
    stream: int = 0
    subject_id: str = ""

    @property
    def usubjid(self) -> str:
        """The unique subject identifier."""
        return f"{STUDY}-{SITE}-{self.subject_id}"

    @property
    def treated(self) -> bool:
        """Whether the subject was infused at all."""
        return bool(self.level)

    @property
    def last_day(self) -> int:
        """The last REL_DAY on which something can happen: death, the day of loss, or the end of the safety window."""
        ends = [day for day in (self.death, self.lost) if day is not None]
        return min(ends, default=180) if self.treated else -1

    @property
    def age(self) -> int:
        """Completed years at consent."""
        signed = self.on(self.consent)
        birth = self.person.birth
        return signed.year - birth.year - ((signed.month, signed.day) < (birth.month, birth.day))

    @property
    def child(self) -> bool:
        """Staged by the child column of lower GI: under 18 years and at most 50 kg (A-41)."""
        return self.age < 18 and self.person.weight <= 50

    def on(self, day: int) -> date:
        """The calendar date of a REL_DAY."""
        return self.day0 + timedelta(days=day)

    def iso(self, day: int, clock: str = "") -> str:
        """The ISO 8601 text of a REL_DAY, with a clock time if one is given."""
        return self.on(day).isoformat() + (f"T{clock}" if clock else "")
