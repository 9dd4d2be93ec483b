"""Vital signs (VS) of every visit, and one hour after each infusion; reactions and fevers show in them."""

from __future__ import annotations

from trialbook.simulate.casebook import CaseBook
from trialbook.simulate.chance import Chance
from trialbook.simulate.story import Story
from trialbook.simulate.visits import Visit

UNITS = {
    "WEIGHT": "kg", "HEIGHT": "cm", "TEMP": "C", "SYSBP": "mmHg", "DIABP": "mmHg", "PULSE": "beats/min", "OXYSAT": "%",
}  # fmt: skip
REACTIONS = ("Infusion related reaction", "Chills", "Pyrexia", "Hypotension")


def write_vitals(book: CaseBook, held: list[Visit], chance: Chance) -> None:
    """VS: weight, height, temperature, blood pressure, pulse, oxygen saturation."""
    story = book.story
    infusions = {dose.day for dose in story.doses if dose.per_kg > 0}
    for visit in held:
        measured: dict[str, str] = {}
        if visit.name != "DAY 3":
            share = 1 + 0.01 * chance.bell() * (visit.planned > 0)
            measured["WEIGHT"] = f"{story.person.weight * share:.1f}"
        if visit.name in ("SCREENING", "BASELINE"):
            measured["HEIGHT"] = f"{story.person.height:g}"
        measured |= _signs(story, visit.day, 0, chance)
        _add(book, visit, measured, "08:00", "PRE-DOSE" if visit.day in infusions else "")
        if visit.day in infusions:
            _add(
                book, visit, _signs(story, visit.day, _reaction(story, visit.day), chance), "11:30", "1 HOUR POST-DOSE"
            )


def _reaction(story: Story, day: int) -> int:
    """Highest grade of a reaction to the infusion of a day, 0 if there was none."""
    return max((e.grade for e in story.events if e.day == day and e.term in REACTIONS), default=0)


def _signs(story: Story, day: int, reaction: int, chance: Chance) -> dict[str, str]:
    fever = any(e.term in ("Lung infection", "Sepsis") and e.day <= day <= (e.end or day) for e in story.events)
    systolic = (98 if story.age < 12 else 122) + 7 * chance.bell() - 12 * reaction
    return {
        "TEMP": f"{36.6 + 0.2 * chance.bell() + 0.6 * reaction + 1.8 * fever:.1f}",
        "SYSBP": f"{systolic:.0f}",
        "DIABP": f"{0.62 * systolic + 3 * chance.bell():.0f}",
        "PULSE": f"{(100 if story.age < 12 else 82) + 6 * chance.bell() + 9 * reaction + 10 * fever:.0f}",
        "OXYSAT": f"{98 - 0.5 * chance.unit() - 2.5 * reaction - 3 * fever:.0f}",
    }


def _add(book: CaseBook, visit: Visit, measured: dict[str, str], clock: str, moment: str) -> None:
    for test, result in measured.items():
        book.add("VS", visit.day, VSTESTCD=test, VSORRES=result, VSORRESU=UNITS[test],
                 VSDTC=book.story.iso(visit.day, clock), VSTPT=moment, **visit.fields)  # fmt: skip
