"""The visits of a subject: the schedule, and the days on which they really took place."""

from __future__ import annotations

from dataclasses import dataclass

from trialbook_demo.casebook import CaseBook
from trialbook_demo.random_draws import Chance
from trialbook_demo.scenario import Story

# Name, number, planned REL_DAY, and how many days early or late it may be.
SCHEDULE = (
    ("DAY 3", "3", 3, 0), ("DAY 7", "4", 7, 1), ("DAY 14", "5", 14, 1), ("DAY 21", "6", 21, 1), ("DAY 28", "7", 28, 1),
    ("DAY 56", "8", 56, 3), ("DAY 100", "9", 100, 4), ("DAY 180", "10", 180, 5),
)  # fmt: skip
LAST_VISIT = "DAY 180"


@dataclass(frozen=True)
class Visit:
    """One visit that took place. `planned` is its REL_DAY by the schedule (screening: that of the visit itself)."""

    name: str
    number: str
    planned: int
    day: int

    @property
    def fields(self) -> dict[str, str]:
        """VISIT and VISITNUM of its records."""
        return {"VISIT": self.name, "VISITNUM": self.number}


def visits(story: Story, chance: Chance) -> list[Visit]:
    """Screening, baseline before the infusion, and the follow-up visits until death, loss or day 180."""
    screening = story.consent + 1
    result = [Visit("SCREENING", "1", screening, screening)]
    if not story.treated:
        return result
    result.append(Visit("BASELINE", "2", 0, 0))
    second = next((dose.day for dose in story.doses if dose.day > 0), None)
    for name, number, planned, spread in SCHEDULE:
        late = chance.whole(-spread, spread)  # drawn in any case, so that a fixed day moves no other draw
        usual = second if planned == 7 and second is not None else planned + late
        day = story.visit_days.get(planned, usual)
        gone = story.death is not None and day >= story.death
        if not gone and (story.lost is None or day <= story.lost):
            result.append(Visit(name, number, planned, day))
    return result


def unscheduled(day: int, held: list[Visit]) -> Visit:
    """A sample between visits, numbered after the visit before it; its subject is as ill as at that visit."""
    before = max((visit for visit in held if visit.day <= day), key=lambda visit: visit.day, default=held[0])
    return Visit("UNSCHEDULED", f"{before.number}.1", before.planned, day)


def write_visits(book: CaseBook, held: list[Visit]) -> None:
    """SV: one record per visit."""
    for visit in held:
        book.add("SV", visit.day, SVSTDTC=book.story.iso(visit.day), **visit.fields)
