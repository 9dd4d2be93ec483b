"""The course of acute GVHD: organ stages and the investigator's reading (RS), and the findings behind them (FA)."""

from __future__ import annotations

from trialbook_demo.casebook import CaseBook, Visit
from trialbook_demo.random_draws import Chance
from trialbook_demo.scenario import Stages, Story

ORGANS = ("SKINSTG", "LIVERSTG", "UGISTG", "LGISTG")
# Share of the way from the baseline to the stages of day 28 that is done by each earlier visit.
PROGRESS = {3: 0.1, 7: 0.3, 14: 0.6, 21: 0.85, 28: 1.0}
# Lowest and highest finding of each stage, well inside the limits of the stage.
RASH = ((0, 0), (5, 20), (28, 47), (56, 80), (70, 92))
STOOL_ADULT = ((100, 350), (520, 920), (1050, 1450), (1600, 2400), (1700, 2600))
STOOL_CHILD_PER_KG = ((2, 8), (11, 18), (21, 29), (32, 45), (33, 48))
STOOLS_ADULT = ((1, 2), (3, 4), (5, 7), (8, 12), (9, 14))
STOOLS_CHILD = ((1, 3), (4, 6), (7, 9), (11, 14), (11, 15))


def grade(stages: Stages) -> str:
    """Overall MAGIC grade of four organ stages (§2.2)."""
    skin, liver, upper, lower = stages
    if 4 in (skin, liver, lower):
        return "IV"
    if liver >= 2 or lower >= 2:
        return "III"
    if skin == 3 or liver == 1 or upper == 1 or lower == 1:
        return "II"
    return "I" if skin else "0"


def response(before: Stages, now: Stages) -> str:
    """The investigator's response: CR, PR, MR, NR or PD by organs better and worse than at baseline (§2.6)."""
    better = any(n < b for b, n in zip(before, now, strict=True))
    worse = any(n > b for b, n in zip(before, now, strict=True))
    if not any(now):
        return "CR"
    if better:
        return "MR" if worse else "PR"
    return "PD" if worse else "NR"


def stages_at(story: Story, planned: int) -> Stages:
    """Organ stages at a planned visit day: those of the story, the way to day 28 before it, the last known after it."""
    if planned <= 0:
        return story.baseline
    if planned in story.course:
        return story.course[planned]
    if planned < 28:
        at28, share = story.course[28], PROGRESS[planned]
        steps = [b + int((d - b) * share) for b, d in zip(story.baseline, at28, strict=True)]
        return (steps[0], steps[1], steps[2], steps[3])
    return story.course[max(day for day in story.course if day < planned)]


def before_screening(story: Story) -> list[tuple[str, int, Stages]]:
    """Assessments under first-line steroids: at their start, on the 4th and on the 7th day.

    Either the worst organ got worse within 4 days, or nothing improved within 7: the subject is steroid refractory
    by the definition of 2018 (§2.4).
    """
    organs = list(story.baseline)
    if story.worsened_on_steroids:
        worst = max(range(4), key=lambda k: organs[k])
        organs[worst] -= 1
    start: Stages = (organs[0], organs[1], organs[2], organs[3])
    days = (("STEROID START", 0, start), ("STEROID DAY 4", 4, story.baseline), ("STEROID DAY 7", 7, story.baseline))
    return [(name, story.steroids + day, stages) for name, day, stages in days]


def write_disease(book: CaseBook, held: list[Visit], chance: Chance) -> None:
    """RS (MAGIC, performance) and FA (raw findings) of every assessment."""
    story = book.story
    for name, day, stages in before_screening(story):
        _stages(book, day, story.iso(day), stages, {"VISIT": name, "VISITNUM": "0"})
    for visit in held:
        if visit.name == "DAY 3":
            continue  # too early for a response; bloods only
        stages = stages_at(story, visit.planned)
        when = story.iso(visit.day, "08:40")
        _stages(book, visit.day, when, stages, visit.fields)
        if visit.planned > 0:
            said = story.investigator.get(visit.planned) or response(story.baseline, stages)
            _rs(book, visit.day, when, "MAGIC", "OVRLRESP", said, visit.fields)
        _performance(book, visit, when, stages)
        _findings(book, visit, when, stages, chance)


def _stages(book: CaseBook, day: int, when: str, stages: Stages, fields: dict[str, str]) -> None:
    for organ, stage in zip(ORGANS, stages, strict=True):
        _rs(book, day, when, "MAGIC", organ, str(stage), fields)
    _rs(book, day, when, "MAGIC", "AGVHGRD", grade(stages), fields)


def _rs(book: CaseBook, day: int, when: str, category: str, test: str, result: str, fields: dict[str, str]) -> None:
    book.add("RS", day, RSCAT=category, RSTESTCD=test, RSORRES=result, RSDTC=when, RSEVAL="INVESTIGATOR", **fields)


def _performance(book: CaseBook, visit: Visit, when: str, stages: Stages) -> None:
    """ECOG from 16 years on, Lansky below; a sicker subject scores worse."""
    sick = {"0": 0, "I": 0, "II": 1, "III": 1, "IV": 2}[grade(stages)]
    score = book.story.performance if visit.planned <= 0 else sick
    if book.story.age < 16:
        _rs(book, visit.day, when, "LANSKY", "LANSKY", str(90 - 10 * score), visit.fields)
    else:
        _rs(book, visit.day, when, "ECOG", "ECOG101", str(score), visit.fields)


def _findings(book: CaseBook, visit: Visit, when: str, stages: Stages, chance: Chance) -> None:
    skin, _, upper, lower = stages
    stool, weight = STOOL_ADULT[lower], book.story.person.weight
    count = STOOLS_ADULT[lower]
    if book.story.child:
        low, high = STOOL_CHILD_PER_KG[lower]
        stool, count = (int(low * weight), int(high * weight)), STOOLS_CHILD[lower]
    findings = {
        "RASHBSA": (str(chance.whole(*RASH[skin])), "%"),
        "ERYTHDRM": ("Y" if skin == 4 else "N", ""),
        "BULLAE": ("Y" if skin == 4 else "N", ""),
        "DESQBSA": (str(chance.whole(6, 14)) if skin == 4 else "0", "%"),
        "NAUSEA": ("PERSISTENT" if upper else chance.pick(("NONE", "NONE", "INTERMITTENT")), ""),
        "STOOLVOL": (str(round(chance.whole(*stool), -1)), "mL/day"),
        "STOOLN": (str(chance.whole(*count)), "/day"),
        "ABDPAIN": ("Y" if lower == 4 else "N", ""),
        "ILEUS": ("N", ""),
        "BLDSTOOL": ("Y" if lower == 4 else "N", ""),
    }
    for test, (result, unit) in findings.items():
        book.add("FA", visit.day, FAOBJ="ACUTE GVHD", FATESTCD=test, FAORRES=result, FAORRESU=unit, FADTC=when,
                 **visit.fields)  # fmt: skip
