"""Subjects by chance, for trials larger than the cast: enough variety to load the workbook, no story to tell."""

from __future__ import annotations

from datetime import date, timedelta

from trialbook_demo.random_draws import Chance
from trialbook_demo.scenario import LEVELS, Dose, Event, LabFact, Person, Stages, Story

FIRST_DAY, ENTRY_DAYS = date(2024, 12, 10), 275
DISEASES = ("Acute myeloid leukemia", "Acute lymphoblastic leukemia", "Myelodysplastic syndrome")
BASELINES: tuple[Stages, ...] = (
    (2, 0, 0, 1), (3, 0, 0, 0), (3, 0, 1, 2), (0, 0, 1, 2), (1, 2, 0, 1), (2, 1, 0, 2), (0, 0, 0, 3), (4, 0, 0, 1),
)  # fmt: skip
SERIOUS = ("Lung infection", "Sepsis", "Catheter related infection", "CMV reactivation")
COUNTS = ("Anaemia", "Platelet count decreased", "Neutrophil count decreased")
ANSWERS = ("CR", "PR", "MR", "NR", "PD")
CHANCES = (0.32, 0.62, 0.70, 0.82, 1.0)  # cumulative, in the order of ANSWERS


def treated_by_chance(number: int, chance: Chance) -> Story:
    """A treated subject; levels and days of entry are spread evenly."""
    day0 = FIRST_DAY + timedelta(days=number * 37 % ENTRY_DAYS)
    level = tuple(LEVELS)[number % 3]
    person = _person(day0, chance)
    baseline = chance.pick(BASELINES)
    draw = chance.unit()
    answer = next(name for name, limit in zip(ANSWERS, CHANCES, strict=True) if draw < limit)
    death = chance.whole(5, 175) if chance.yes({"CR": 0.05, "PR": 0.1}.get(answer, 0.4)) else None
    lost = chance.whole(20, 170) if death is None and chance.yes(0.05) else None
    second = Dose(chance.whole(6, 8), _given(LEVELS[level], chance))
    doses = (Dose(0, _given(LEVELS[level], chance)), second)
    end = min(day for day in (death, lost, 180) if day is not None)
    return Story(
        f"R{number}", day0, -chance.whole(4, 7), level, person, baseline,
        course={28: _at28(baseline, answer)}, doses=tuple(dose for dose in doses if dose.day < end or dose.day == 0),
        worsened_on_steroids=chance.yes(0.5), new_therapy=("Ruxolitinib", 30) if answer in ("NR", "PD") else None,
        death=death, death_cause="ACUTE GVHD" if death is not None else "", lost=lost,
        events=_events(end, death, level, chance), stream=number,
    )  # fmt: skip


def failed_by_chance(number: int, chance: Chance) -> Story:
    """A screen failure: transaminases, INR or HIV antibodies."""
    day0 = FIRST_DAY + timedelta(days=(number * 53 + 11) % ENTRY_DAYS)
    kind = chance.pick((
        ("EX04", LabFact("ALT", ("SCREENING",), times_uln=2.7)),
        ("EX04", LabFact("INR", ("SCREENING",), times_uln=1.6)),
        ("EX12", LabFact("HIVAB", ("SCREENING",), "POSITIVE")),
    ))  # fmt: skip
    return Story(
        f"S{number}", day0, -7, "", _person(day0, chance), chance.pick(BASELINES), failed=kind[0], labs=(kind[1],),
        stream=number,
    )  # fmt: skip


def _person(day0: date, chance: Chance) -> Person:
    sex = chance.pick(("F", "M"))
    young = chance.yes(0.2)
    years = chance.between(4.1, 17.9) if young else chance.between(18.1, 70.5)
    weight, height = (12 + 2.4 * years, 82 + 5.4 * years) if young else (60 + 8 * (sex == "M"), 160 + 11 * (sex == "M"))
    return Person(
        birth=day0 - timedelta(days=round(365.25 * years) + 7),
        sex=sex,
        weight=round(weight * (1 + 0.08 * chance.bell()), 1),
        height=round(height * (1 + 0.02 * chance.bell())),
        disease=chance.pick(DISEASES),
    )


def _given(level: float, chance: Chance) -> float:
    return round(level * (1 + chance.between(-0.04, 0.04)), 2)


def _at28(baseline: Stages, answer: str) -> Stages:
    """Stages of day 28 that make the response; upper GI is the organ that is new in MR and PD where it can be."""
    skin, liver, upper, lower = baseline
    halved = (skin // 2, liver // 2, 0, lower // 2)
    if answer == "CR":
        return (0, 0, 0, 0)
    if answer == "PR":
        return halved
    if answer == "NR":
        return baseline
    worse = min(4, liver + 1)
    return (skin // 2, worse, 0, lower // 2) if answer == "MR" else (skin, worse, upper, lower)


def _events(end: int, death: int | None, level: str, chance: Chance) -> tuple[Event, ...]:
    events = []
    if chance.yes(0.25):
        events.append(Event("Infusion related reaction", 0, chance.whole(1, 2), end=0, related="PROBABLY RELATED",
                            hour="11:20"))  # fmt: skip
    elif chance.yes(0.02 * LEVELS[level]):
        events.append(Event("Infusion related reaction", 0, 3, end=1, related="DEFINITELY RELATED", hour="10:50",
                            serious="AESHOSP", dlt="Y"))  # fmt: skip
    for terms in (SERIOUS, COUNTS):
        start, length = chance.whole(8, 90), chance.whole(7, 20)
        if chance.yes(0.5) and start + length < end:
            serious = terms is SERIOUS
            flag = "N" if start <= 28 else ""
            events.append(Event(chance.pick(terms), start, 3, end=start + length, serious="AESHOSP" if serious else "",
                                dlt=flag))  # fmt: skip
    if death is not None:
        events.append(Event("Acute graft versus host disease", max(0, death - 6), 4, fatal=True, serious="AESLIFE"))
    return tuple(events)
