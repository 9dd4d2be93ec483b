"""Laboratory results (LB): reference limits by age and sex, values that follow the disease and the adverse events."""

from __future__ import annotations

from dataclasses import dataclass

from trialbook_demo.adverse_events import LAB_OF_TERM
from trialbook_demo.casebook import CaseBook, Visit, unscheduled
from trialbook_demo.disease import stages_at
from trialbook_demo.random_draws import Chance
from trialbook_demo.scenario import LabFact, Story

# ----------------------------------------------------------------------------------------------------
# Vital signs (VS) of every visit, and one hour after each infusion; reactions and fevers show in them.


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
        _add_vital_sign(book, visit, measured, "08:00", "PRE-DOSE" if visit.day in infusions else "")
        if visit.day in infusions:
            _add_vital_sign(
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


def _add_vital_sign(book: CaseBook, visit: Visit, measured: dict[str, str], clock: str, moment: str) -> None:
    for test, result in measured.items():
        book.add("VS", visit.day, VSTESTCD=test, VSORRES=result, VSORRESU=UNITS[test],
                 VSDTC=book.story.iso(visit.day, clock), VSTPT=moment, **visit.fields)  # fmt: skip


# ----------------------------------------------------------------------------------------------------

Limits = tuple[float, float]


@dataclass(frozen=True)
class Test:
    """Unit, decimals, reference limits (men, women, children under 13) and where a subject of this trial lies.

    `usual` is a range in multiples of `of`: the upper limit ("high") or the lower limit ("low") of normal.
    """

    unit: str
    decimals: int
    men: Limits
    women: Limits
    children: Limits
    usual: Limits
    of: str = "high"


# Illustrative limits of a Chinese hospital laboratory; subjects after a transplant lie low in blood counts and albumin.
TESTS = {
    "ALT": Test("U/L", 0, (9, 50), (7, 40), (7, 30), (0.4, 0.8)),
    "AST": Test("U/L", 0, (15, 40), (13, 35), (14, 44), (0.45, 0.85)),
    "BILI": Test("umol/L", 1, (3.4, 21), (3.4, 21), (3.4, 17), (0.4, 0.8)),
    "ALP": Test("U/L", 0, (45, 125), (35, 100), (143, 406), (0.5, 0.9)),
    "GGT": Test("U/L", 0, (10, 60), (7, 45), (5, 22), (0.5, 0.9)),
    "CREAT": Test("umol/L", 0, (57, 97), (41, 73), (19, 44), (0.6, 0.9)),
    "UREA": Test("mmol/L", 1, (3.1, 8.0), (2.6, 7.5), (2.5, 6.5), (0.5, 0.9)),
    "INR": Test("", 2, (0.8, 1.2), (0.8, 1.2), (0.8, 1.2), (0.78, 0.97)),
    "ALB": Test("g/L", 1, (40, 55), (40, 55), (39, 54), (0.8, 0.95), "low"),
    "K": Test("mmol/L", 2, (3.5, 5.3), (3.5, 5.3), (3.5, 5.3), (1.05, 1.3), "low"),
    "SODIUM": Test("mmol/L", 0, (137, 147), (137, 147), (137, 147), (1.0, 1.04), "low"),
    "HGB": Test("g/L", 0, (130, 175), (115, 150), (112, 149), (0.74, 0.88), "low"),
    "PLAT": Test("10^9/L", 0, (125, 350), (125, 350), (188, 472), (0.48, 0.85), "low"),
    "NEUT": Test("10^9/L", 2, (1.8, 6.3), (1.8, 6.3), (1.2, 6.0), (1.3, 2.6), "low"),
    "LYM": Test("10^9/L", 2, (1.1, 3.2), (1.1, 3.2), (1.2, 6.0), (0.5, 0.85), "low"),
}
# Tests that only some subjects have: BUN of an outside laboratory, clearance measured over 24 hours.
RARE = {
    "BUN": Test("mg/dL", 0, (7, 20), (7, 20), (7, 18), (0.5, 0.9)),
    "CREATCLR": Test("mL/min", 0, (80, 120), (75, 115), (75, 115), (0.6, 0.8)),
}
WBC = Test("10^9/L", 2, (3.5, 9.5), (3.5, 9.5), (4.4, 11.9), (1.0, 1.0), "low")
# Bilirubin of each liver stage, umol/L, well inside the limits of the stage.
BILIRUBIN = ((8.0, 18.0), (36.0, 49.0), (56.0, 98.0), (110.0, 240.0), (270.0, 400.0))
LIVER_TESTS = {"ALT": (1.2, 1.8), "AST": (1.1, 1.7), "ALP": (1.1, 1.8), "GGT": (1.6, 3.0)}
SEROLOGY = {
    "HIVAB": ("NEGATIVE", ""), "TPAB": ("NEGATIVE", ""), "HBSAG": ("NEGATIVE", ""), "HCVAB": ("NEGATIVE", ""),
    "HBVDNA": ("TND", "IU/mL"), "HCVRNA": ("TND", "IU/mL"),
}  # fmt: skip


def write_labs(book: CaseBook, held: list[Visit], chance: Chance) -> None:
    """LB of every visit, and an unscheduled sample on the first day of an event that a laboratory test shows."""
    story = book.story
    place = {test: chance.unit() for test in TESTS}
    facts = {(fact.test, visit): fact for fact in story.labs for visit in fact.visits}
    for visit in held:
        values = {test: _value(story, visit, test, place[test], chance) for test in TESTS}
        for test, value in values.items():
            _add(book, visit, test, TESTS[test], value, facts.get((test, visit.name)))
        white = values["NEUT"] + values["LYM"] + chance.between(0.2, 0.6)
        _add(book, visit, "WBC", WBC, white, facts.get(("WBC", visit.name)))
        for test, kind in RARE.items():
            if (test, visit.name) in facts:
                _add(book, visit, test, kind, 0.0, facts[test, visit.name])
        if visit.name in ("SCREENING", "BASELINE"):
            _qualitative(book, visit, facts)
    for fact in story.labs:
        if fact.extra_day is not None:
            _add(book, unscheduled(fact.extra_day, held), fact.test, TESTS[fact.test], 0.0, fact)
    for event in story.events:
        if event.term in LAB_OF_TERM and event.day > 0 and event.day not in {visit.day for visit in held}:
            test = LAB_OF_TERM[event.term][0]
            value = _value(story, unscheduled(event.day, held), test, place[test], chance)
            _add(book, unscheduled(event.day, held), test, TESTS[test], value, None)


def _value(story: Story, visit: Visit, test: str, place: float, chance: Chance) -> float:
    """A value: of the adverse event of that day, else of the liver stage, else the subject's own place in the range."""
    low, high = limits(story, TESTS[test])
    noise = chance.unit()
    for event in story.events:
        lab = LAB_OF_TERM.get(event.term)
        if lab and lab[0] == test and event.day <= visit.day <= (story.last_day if event.end is None else event.end):
            bottom, top = lab[1][event.grade]
            scale = high if lab[2] else 1.0
            return scale * (bottom + (top - bottom) * noise)
    liver = stages_at(story, visit.planned)[1] if visit.planned > 0 else story.baseline[1]
    here = min(1.0, max(0.0, 0.7 * place + 0.3 * noise))
    if test == "BILI":
        bottom, top = BILIRUBIN[liver]
        return bottom + (top - bottom) * here
    bottom, top = LIVER_TESTS[test] if liver and test in LIVER_TESTS else TESTS[test].usual
    value = (high if TESTS[test].of == "high" else low) * (bottom + (top - bottom) * here)
    if test in ("PLAT", "HGB", "LYM") and visit.day > 0:
        value *= 1 + 0.15 * min(visit.day, 180) / 180  # the graft recovers slowly
    return value


def limits(story: Story, test: Test) -> Limits:
    """Reference limits for the subject's age and sex."""
    if story.age < 13:
        return test.children
    return test.men if story.person.sex == "M" else test.women


def _add(book: CaseBook, visit: Visit, test: str, kind: Test, value: float, fact: LabFact | None) -> None:
    low, high = limits(book.story, kind)
    if fact and fact.times_uln:
        value = fact.times_uln * high
    result = fact.text if fact and fact.text else _number(value, kind.decimals)
    hide = fact is not None and fact.no_limits
    record = book.add(
        "LB", visit.day, LBTESTCD=test, LBORRES=result, LBORRESU=kind.unit, LBORNRLO="" if hide else f"{low:g}",
        LBORNRHI="" if hide else f"{high:g}", LBSTRESN=result, LBSTRESU=kind.unit,
        LBDTC=book.story.iso(visit.day, "07:20"), **visit.fields,
    )  # fmt: skip
    if fact and fact.typed:
        wrong, corrected = fact.typed
        record.values |= {"LBORRES": wrong, "LBSTRESN": wrong}
        record.change(book.story.on(corrected), LBORRES=result, LBSTRESN=result)


def _qualitative(book: CaseBook, visit: Visit, facts: dict[tuple[str, str], LabFact]) -> None:
    """Serology at screening, pregnancy test at screening and baseline for females from 12 years on."""
    tests = dict(SEROLOGY) if visit.name == "SCREENING" else {}
    if book.story.person.sex == "F" and book.story.age >= 12:
        tests["HCG"] = ("NEGATIVE", "")
    for test, (usual, unit) in tests.items():
        fact = facts.get((test, visit.name))
        result = fact.text if fact else usual
        book.add("LB", visit.day, LBTESTCD=test, LBORRES=result, LBORRESU=unit,
                 LBDTC=book.story.iso(visit.day, "07:20"), **visit.fields)  # fmt: skip


def _number(value: float, decimals: int) -> str:
    return f"{value:.{decimals}f}"
