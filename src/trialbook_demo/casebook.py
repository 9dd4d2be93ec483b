"""The case book of one subject: every record with the day it became known and what was changed in it later."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date

from trialbook.core.domains import VARIABLES
from trialbook_demo.random_draws import Chance
from trialbook_demo.scenario import STUDY, Story

# Variables that an export has beside those of the interface (§3).
EXTRA = {
    "CM": "CMDOSFRQ CMINDC", "FA": "VISIT VISITNUM", "RS": "VISITNUM RSEVAL", "VS": "VISIT VISITNUM VSTPT",
    "SUPPAE": "QLABEL", "SUPPDM": "QLABEL",
}  # fmt: skip


def columns(domain: str) -> list[str]:
    """The columns of a domain in an export, in order."""
    names = [*VARIABLES[domain].split(), *EXTRA.get(domain, "").split()]
    head = ["STUDYID"] if domain.startswith("SUPP") else ["STUDYID", "DOMAIN"]
    return head + [name for name in names if name not in head]


COLUMNS = {domain: columns(domain) for domain in VARIABLES}


@dataclass(slots=True)
class Record:
    """One record: its values when first entered, and later changes (None = the record was deleted)."""

    domain: str
    known: date
    values: dict[str, str]
    later: list[tuple[date, dict[str, str] | None]] = field(default_factory=list)
    about: Record | None = None  # the record that a SUPP-- record qualifies

    def change(self, when: date, **values: str) -> None:
        """Notes values that were entered or corrected on a later day."""
        self.later.append((when, values))

    def delete(self, when: date) -> None:
        """Notes that the record was removed on a later day."""
        self.later.append((when, None))

    def at(self, day: date) -> dict[str, str] | None:
        """The values at the end of a day; None where the record was not there yet, or no longer."""
        if self.known > day:
            return None
        if not self.later:
            return self.values
        values = dict(self.values)
        for when, changes in sorted(self.later, key=lambda change: change[0]):
            if when > day:
                break
            if changes is None:
                return None
            values |= changes
        return values


class CaseBook:
    """Collects the records of one subject; sequence numbers follow the day a record became known, so they are stable.

    A later snapshot of the same subject repeats the earlier numbers and only adds to them.
    """

    def __init__(self, story: Story) -> None:
        self.story = story
        self._records: dict[str, list[Record]] = {}

    def add(self, domain: str, known: int, **values: str) -> Record:
        """A record that became known on a REL_DAY, though nothing is known of a subject before consent."""
        record = Record(domain, self.story.on(max(known, self.story.consent)), values)
        self._records.setdefault(domain, []).append(record)
        return record

    def number(self) -> None:
        """Numbers the records of each domain by the day they became known; qualifiers then name their records."""
        for domain, records in self._records.items():
            records.sort(key=lambda record: record.known)
            if f"{domain}SEQ" in COLUMNS[domain]:
                for seq, record in enumerate(records, start=1):
                    record.values[f"{domain}SEQ"] = str(seq)
        for record in self._records.get("SUPPAE", []):
            if record.about is not None:
                record.values["IDVARVAL"] = record.about.values["AESEQ"]

    def rows(self, day: date) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Domain and row of every record at the end of a day, in the order of the export."""
        for domain, records in self._records.items():
            names = COLUMNS[domain]
            same = {"STUDYID": STUDY, "DOMAIN": domain, "USUBJID": self.story.usubjid}
            for record in records:
                values = record.at(day)
                if values is not None:
                    filled = same | values
                    yield domain, tuple(filled.get(name, "") for name in names)


# ----------------------------------------------------------------------------------------------------
# The visits of a subject: the schedule, and the days on which they really took place.


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
