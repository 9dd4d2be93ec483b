"""Laboratory results of one subject: a panel per test on the shared time axis, with the bands of CTCAE grades."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

import pandas as pd

from trialbook.core.messages import ENGLISH, Language, as_text, joined, msg
from trialbook.display.svg import LEFT, PLOT, Days, Drawing, circle, clipped, number, pixels, polygon, rectangle
from trialbook.display.text import show
from trialbook.display.theme import (
    DRUG_CATEGORIES,
    INFUSION,
    INK,
    LINE,
    MILESTONE_DLT,
    MILESTONE_RELAPSE,
    MILESTONE_RESPONSE,
    MILESTONE_THERAPY,
    PAPER,
    PROFILE_BANDS,
    PROFILE_GRADES,
    PROFILE_NO_GRADE,
    QUIET,
    SEQUENTIAL,
    SERIES,
    SEVERE,
    STEROID_RIM,
    STEROID_STEP,
)
from trialbook.profiles.profile import (
    DEATH,
    DLT,
    DRAWN_TESTS,
    LIVER_TESTS,
    ORGANS,
    RELAPSE,
    RESPONSE,
    SEEN,
    THERAPY,
    Profile,
)
from trialbook.safety.ctcae import test_name

# ----------------------------------------------------------------------------------------------------
# Drawings of one subject on one time axis: infusions, events, steroids and organ stages; AEs; labs; drugs.


FIRST_DAY, SHORTEST = -42, 28
ROW, LANE, SQUARE = 17, 18, 15
# A drawing must fit a sheet of paper; the table beside it holds every row.
MOST_ROWS = 34
SEVERE_GRADE = 3  # an event without a grade may be severe, and is drawn like one
# What is left out where there are more bars: of events, of drugs.
_BEYOND = (
    msg("{n} beyond {most} bars, the least severe"),
    msg("{n} beyond {most} bars, first those that ended before the infusion"),
)
# What is said of an event beside its bar, by column.
FLAGS = {
    "SERIOUS": msg("serious"), "SEROPEN": msg("seriousness open"), "RELATED": msg("related"),
    "RELOPEN": msg("relation not given"), "DLT": "DLT",
}  # fmt: skip
ROMAN = {"0": 0, "I": 1, "II": 2, "III": 3, "IV": 4}
ORGAN_NAMES = dict(
    zip(ORGANS, (msg("Skin"), msg("Liver"), msg("Upper GI"), msg("Lower GI"), msg("Overall grade")), strict=True)
)
SAID: dict[str, str] = {
    THERAPY: msg("new therapy"), RELAPSE: msg("relapse"), DLT: "DLT", DEATH: msg("death"), SEEN: msg("last seen"),
}  # fmt: skip


def days_of(profile: Profile) -> Days:
    """The time axis of a subject: from the first observation (at most six weeks before) to death or last contact."""
    seen = [frame["DAY"].dropna().min() for frame in (profile.infusions, profile.stages, profile.labs) if len(frame)]
    first = min([int(day) for day in seen if pd.notna(day)], default=0)
    return Days(max(min(first - 2, -7), FIRST_DAY), max(profile.last_day, SHORTEST))


def has_steroids(profile: Profile) -> bool:
    """Whether the dose of steroids is shown: where the disease is treated with them, or the subject had some."""
    return profile.organs or len(profile.steroids) > 0


def course(profile: Profile, days: Days, language: Language = ENGLISH) -> str:
    """Infusions, what decides endpoints, and, where the trial has them, the steroid dose and the stages of organs."""
    drawing = Drawing(days, language)
    infusions = _infusion_days(profile)
    lanes = _lanes(drawing, profile.milestones)
    high = 22 + LANE * max((lane for *_, lane in lanes), default=0) + 22
    stages_at = 6 + high + (62 if has_steroids(profile) else 0)
    drawing.panel(6, stages_at + (ROW * len(ORGANS) if profile.organs else 0) - 6, True, infusions)
    drawing.label(18, msg("Infusions"))
    for number_, day, date, dose in profile.infusions[["INFNO", "DAY", "EXSTDT", "DOSEKG"]].itertuples(index=False):
        x = days.x(day)
        shape = polygon([(x - 5, 8), (x + 5, 8), (x, 17)], INFUSION)
        told = (
            msg(
                "Infusion {number}, {date}, day {day}, {dose} x 10^6 cells/kg",
                number=number_, date=show(date), day=day, dose=show(dose),
            )
            if profile.cells
            else msg("Infusion {number}, {date}, day {day}", number=number_, date=show(date), day=day)
        )  # fmt: skip
        drawing.add(shape, told)
    drawing.label(38, msg("Events"))
    for x, event, words, named, lane in lanes:
        _milestone(drawing, x, 34 + LANE * lane, event, words, named)
    if has_steroids(profile):
        _steroids(drawing, profile.steroids, 6 + high, 52)
    if profile.organs:
        _stages(drawing, profile.stages, stages_at)
    return drawing.svg(msg("Course of subject {subject}", subject=profile.subject))


def _infusion_days(profile: Profile) -> list[float]:
    return [float(day) for day in profile.infusions["DAY"].dropna()]


def _lanes(drawing: Drawing, milestones: pd.DataFrame) -> list[tuple[float, str, str, str, int]]:
    """Each milestone with its place, its words, and the first lane in which these words are free."""
    taken: list[float] = []
    found: list[tuple[float, str, str, str, int]] = []
    # The words by the English of the event: a frame may keep no more of it.
    events = {str(event): event for event in (RESPONSE, *SAID)}
    for date, day, event, said in milestones.itertuples(index=False):
        if pd.isna(day):
            continue
        of_response = msg("day 28: {response}", response=as_text(said))
        x, words = drawing.days.x(day), drawing.say(of_response if event == RESPONSE else SAID[event])
        room = pixels(words) + 14
        begins = x - room if x + room > LEFT + PLOT + 20 else x - 6
        lane = next((k for k, end in enumerate(taken) if end <= begins), len(taken))
        taken[lane:lane + 1] = [max(begins + room, x) + 8]  # fmt: skip
        named = joined([events[event], as_text(said) if said else ""], ": ")
        told = msg("{event}, {date}, day {day}", event=named, date=show(date), day=day)
        found.append((x, event, words, told, lane))
    return found


def _milestone(drawing: Drawing, x: float, y: float, event: str, words: str, told: str) -> None:
    """A shape of its own for each kind of event, and its words beside it."""
    shapes = {
        RESPONSE: circle(x, y, 5, MILESTONE_RESPONSE, INK),
        THERAPY: polygon([(x - 6, y + 5), (x + 6, y + 5), (x, y - 6)], MILESTONE_THERAPY, INK),
        RELAPSE: polygon([(x - 6, y), (x, y - 6), (x + 6, y), (x, y + 6)], MILESTONE_RELAPSE, INK),
        DLT: rectangle(x - 5, y - 5, 10, 10, MILESTONE_DLT, INK),
        DEATH: f'<path d="M{number(x - 5)} {number(y - 5)}l10 10m0 -10l-10 10" stroke="{INK}" stroke-width="2.5"/>',
        SEEN: polygon([(x - 6, y - 4), (x + 3, y), (x - 6, y + 4)], QUIET),
    }
    drawing.add(shapes[event], told)
    if x + pixels(words) + 14 > LEFT + PLOT + 20:
        drawing.text(x - 9, y + 4, words, end=True)
    else:
        drawing.text(x + 9, y + 4, words)


def _steroids(drawing: Drawing, spans: pd.DataFrame, y: float, high: float) -> None:
    """The dose as filled steps; a dose that is not known is a grey line."""
    days = drawing.days
    spans = spans[(spans["UNTIL"] >= days.first) & (spans["FROM"] <= days.last)]
    top = spans["MPEQ"].max()
    drawing.label(y + high / 2, msg("Steroids, mg/kg/day"))
    drawing.text(LEFT - 8, y + high, "0", end=True, size=9, fill=QUIET)
    if pd.notna(top) and top > 0:
        drawing.text(LEFT - 8, y + 9, show(round(top, 2)), end=True, size=9, fill=QUIET)
    for begins, ends, dose in spans[["FROM", "UNTIL", "MPEQ"]].itertuples(index=False):
        left, right = days.x(begins), days.x(ends + 1)
        told = msg(
            "{dose}, day {first} to {last}", first=begins, last=ends,
            dose=msg("dose not known") if pd.isna(dose) else f"{show(round(dose, 2))} mg/kg/day",
        )  # fmt: skip
        share = 0.0 if pd.isna(dose) or not top > 0 else dose / top
        shape = rectangle(left, y + high - 3, right - left, 3, PROFILE_NO_GRADE)
        if share:
            shape = rectangle(
                left, y + high - share * high, max(right - left, 1), share * high, STEROID_STEP, STEROID_RIM
            )
        drawing.add(shape, told)
    drawing.add(f'<path d="M{LEFT} {number(y + high)}h{PLOT}" stroke="{LINE}"/>')


def _stages(drawing: Drawing, stages: pd.DataFrame, y: float) -> None:
    """A row per organ, a square per assessment with its code; what was not assessed is blank."""
    places = [drawing.days.x(day) for day in stages["DAY"]]
    gaps = [after - before for before, after in pairwise(places)]
    for row, organ in enumerate(ORGANS):
        top = y + ROW * row
        drawing.label(top + 12, ORGAN_NAMES[organ])
        for k, (x, code, day) in enumerate(zip(places, stages[organ], stages["DAY"], strict=True)):
            if not code:
                continue
            near = min([SQUARE, *(gap - 1 for gap in gaps[max(k - 1, 0) : k + 1] if gap > 1)])
            value = ROMAN.get(code, int(code) if code.isdigit() else 0)
            shape = rectangle(x - near / 2, top + 1, near, SQUARE, SEQUENTIAL[min(value, 4)], QUIET)
            if near >= 5 * len(code):
                ink = PAPER if value >= 3 else INK
                shape += (
                    f'<text x="{number(x)}" y="{number(top + 12)}" font-size="{10 if len(code) < 3 else 8}" '
                    f'text-anchor="middle" fill="{ink}">{code}</text>'
                )
            told = msg("{organ} {stage}, day {day}", organ=ORGAN_NAMES[organ], stage=code, day=day)
            # The grade says what the stages of the organs come to.
            drawing.add(shape, told, described=organ == ORGANS[-1])


def events(profile: Profile, days: Days, language: Language = ENGLISH) -> str:
    """A bar per adverse event from onset to end, filled by grade; its grade and flags are beside it."""
    shown = _severest(drawn_rows(profile.events, days))
    rows = [
        (term, begins, ends, PROFILE_GRADES.get(grade, PROFILE_NO_GRADE), _event_words(grade, *flags))
        for term, begins, ends, grade, *flags in shown[["TERM", "FROM", "UNTIL", "GRADE", *FLAGS]].itertuples(
            index=False
        )
    ]
    label = msg("Adverse events of subject {subject}", subject=profile.subject)
    return _bars(Drawing(days, language), rows, _infusion_days(profile), label)


def _severest(events: pd.DataFrame) -> pd.DataFrame:
    """At most `MOST_ROWS` events in their order: where there are more, the serious and the severe ones stay."""
    if len(events) <= MOST_ROWS:
        return events
    rank = pd.DataFrame({
        "dlt": ~events["DLT"], "serious": ~(events["SERIOUS"] | events["SEROPEN"]),
        "grade": -events["GRADE"].fillna(SEVERE_GRADE).astype("int64"),
    })  # fmt: skip
    return events.loc[rank.sort_values(["dlt", "serious", "grade"], kind="stable").index[:MOST_ROWS].sort_values()]


def _latest(drugs: pd.DataFrame) -> pd.DataFrame:
    """At most `MOST_ROWS` records in their order: where there are more, those that ran after the infusion stay."""
    before = (drugs["UNTIL"] < 0).fillna(False).astype("int64")
    return drugs.loc[before.sort_values(kind="stable").index[:MOST_ROWS].sort_values()]


def _event_words(grade: object, *flags: bool) -> str:
    """The grade and the flags of an event; each flag is of the column of `FLAGS` at its place."""
    said = [word for word, holds in zip(FLAGS.values(), flags, strict=True) if holds]
    return joined([f"G{grade}" if pd.notna(grade) else msg("no grade"), *said], ", ")


def drugs(profile: Profile, days: Days, language: Language = ENGLISH) -> str:
    """A bar per medication record, with its dose beside it."""
    shown = _latest(drawn_rows(profile.drugs, days))
    kinds = {name: DRUG_CATEGORIES[k % len(DRUG_CATEGORIES)] for k, name in enumerate(dict.fromkeys(shown["CATEGORY"]))}
    rows = [
        (drug, begins, ends, kinds[kind], ", ".join(filter(None, (dose, kind))))
        for drug, begins, ends, kind, dose in shown[["DRUG", "FROM", "UNTIL", "CATEGORY", "DOSE"]].itertuples(
            index=False
        )
    ]
    label = msg("Medication of subject {subject}", subject=profile.subject)
    return _bars(Drawing(days, language), rows, _infusion_days(profile), label)


def _bars(
    drawing: Drawing, rows: Sequence[tuple[str, float, float, str, str]], infusions: Iterable[float], label: str
) -> str:  # fmt: skip
    """Bars on the time axis, one row each: name, from, until (none: it goes on), fill, words beside it."""
    days = drawing.days
    drawing.panel(6, ROW * len(rows), True, infusions)
    for row, (name, begins, ends, fill, words) in enumerate(rows):
        top = 6 + ROW * row
        goes_on = pd.isna(ends)
        left, right = days.x(begins), days.x(days.last if goes_on else ends + 1)
        drawing.label(top + 12, name)
        shape = rectangle(left, top + 3, max(right - left, 3), ROW - 6, fill, INK)
        if goes_on:
            shape += polygon([(right, top + 3), (right + 7, top + ROW / 2), (right, top + ROW - 3)], fill, INK)
        told = (
            msg("{term}: {detail}, day {first} ongoing", term=name, detail=words, first=begins)
            if goes_on
            else msg("{term}: {detail}, day {first} to {last}", term=name, detail=words, first=begins, last=ends)
        )
        drawing.add(shape, told)
        _beside(drawing, left, right + (8 if goes_on else 0), top + 12, drawing.say(words))
    return drawing.svg(label)


def _beside(drawing: Drawing, left: float, right: float, y: float, words: str) -> None:
    """Words after a bar, else before it, else on it on a ground of their own: a bar may be dark."""
    room = pixels(words) + 6
    if right + room <= LEFT + PLOT + 20:
        drawing.text(right + 4, y, words, size=10)
    elif left - room >= LEFT:
        drawing.text(left - 4, y, words, end=True, size=10)
    else:
        shown = clipped(words, max(LEFT + PLOT - left - 12, 40))
        drawing.add(rectangle(left + 4, y - 8.2, pixels(shown) * 0.91 + 4, 9.4, PAPER))
        drawing.text(left + 6, y, shown, size=10)


def drawn_rows(frame: pd.DataFrame, days: Days) -> pd.DataFrame:
    """The records that lie on the time axis."""
    over = (frame["UNTIL"] < days.first).fillna(False).astype("bool")
    return frame[frame["FROM"].notna() & ~over]


def bar_note(frame: pd.DataFrame, days: Days) -> list[str]:
    """What a drawing of bars leaves out."""
    shown, undated = len(drawn_rows(frame, days)), int(frame["FROM"].isna().sum())
    early, beyond = len(frame) - shown - undated, max(shown - MOST_ROWS, 0)
    left_out = [
        msg("{n} without a date", n=undated) if undated else "",
        msg("{n} that ended before day {day}", n=early, day=days.first) if early else "",
        msg(_BEYOND[0 if "GRADE" in frame else 1], n=beyond, most=MOST_ROWS) if beyond else "",
    ]
    return [msg("Only in the table: {rows}.", rows=joined(left_out, ", "))] if any(left_out) else []


# ----------------------------------------------------------------------------------------------------

HIGH, GAP = 58, 12
RESULT, BAND = ("DAY", "AVAL", "AVALOP", "AVALU", "GRADE"), ("GRADE", "LIMIT", "DIRECTION")
Row = tuple[Any, ...]


class Values:
    """The vertical axis of one panel: values from bottom to top, logarithmic for liver tests."""

    def __init__(self, lowest: float, highest: float, top: float, logarithmic: bool) -> None:
        self.logarithmic = logarithmic and lowest > 0
        room = (highest - lowest) * 0.08 or abs(highest) * 0.1 or 1.0
        self._low = lowest * 0.9 if self.logarithmic else max(lowest - room, 0.0)
        self._high = highest * 1.1 if self.logarithmic else highest + room
        self._top = top

    def y(self, value: float) -> float:
        """Where a value is; what lies beyond the axis at its end."""
        value = min(max(value, self._low), self._high)
        scaled = [math.log10(v) if self.logarithmic else v for v in (value, self._low, self._high)]
        return self._top + HIGH * (1 - (scaled[0] - scaled[1]) / (scaled[2] - scaled[1]))

    @property
    def ends(self) -> tuple[float, float]:
        """The lowest and the highest value drawn."""
        return self._low, self._high


def labs(profile: Profile, days: Days, language: Language = ENGLISH) -> str:
    """The results of each drawn test as a line; bands begin where the CTCAE grades of this subject begin."""
    drawing = Drawing(days, language)
    results, bands = _by_test(profile.labs, RESULT), _by_test(profile.bands, BAND)
    tests = [test for test in DRAWN_TESTS if test in results]
    infusions = [float(day) for day in profile.infusions["DAY"].dropna()]
    for position, test in enumerate(tests):
        top = 6 + (HIGH + GAP) * position
        rows = [row for row in results[test] if pd.notna(row[0]) and days.first <= row[0] <= days.last]
        if rows:
            values = _values(rows, bands.get(test, []), top, test in LIVER_TESTS)
            _bands(drawing, values, [band for band in bands.get(test, []) if band[0]])
            drawing.panel(top, HIGH, position == len(tests) - 1, infusions)
            _axis(drawing, values, top)
            _normal(drawing, values, [band for band in bands.get(test, []) if not band[0]])
            _results(drawing, values, rows)
            drawing.describe(_course_of_test(test, rows))
        else:
            drawing.panel(top, HIGH, position == len(tests) - 1, infusions)
        unit = ", ".join(dict.fromkeys(show(row[3]) for row in results[test]))
        named = as_text(test_name(test))
        label = msg("{test}, {unit}", test=named, unit=unit) if unit else named
        drawing.label(top + HIGH / 2 + 4, label, most=LEFT - 40)
    return drawing.svg(msg("Laboratory results of subject {subject}", subject=profile.subject))


def _course_of_test(test: str, rows: list[Row]) -> str:
    """The line of a test in words: where it begins and ends, its lowest and highest value, its worst grade."""
    (first_day, first, sign, *_), (last_day, last, last_sign, unit, _) = rows[0], rows[-1]
    numbers = [row[1] for row in rows]
    said = msg(
        "{test}: {first} on day {first_day}, {last} {unit} on day {last_day}, lowest {low}, highest {high}",
        test=test_name(test), first=f"{show(sign)}{show(first)}", first_day=first_day,
        last=f"{show(last_sign)}{show(last)}", unit=show(unit), last_day=last_day, low=show(min(numbers)),
        high=show(max(numbers)),
    )  # fmt: skip
    grades = [row[4] for row in rows if pd.notna(row[4])]
    if not grades:
        return msg("{course}, grade not evaluable", course=said)
    return msg("{course}, worst grade {grade}", course=said, grade=max(grades))


def _by_test(frame: pd.DataFrame, columns: Sequence[str]) -> dict[str, list[Row]]:
    """The rows of each test as tuples: selecting in pandas takes a millisecond each time, on every page."""
    found: dict[str, list[Row]] = {}
    for test, *row in frame[["PARAMCD", *columns]].itertuples(index=False, name=None):
        found.setdefault(test, []).append(tuple(row))
    return found


def _values(rows: list[Row], bands: list[Row], top: float, logarithmic: bool) -> Values:
    """The axis holds every result, the limit of normal and the beginning of grade 1."""
    shown = [*(row[1] for row in rows), *(limit for grade, limit, _ in bands if grade <= 1)]
    return Values(min(shown), max(shown), top, logarithmic)


def _bands(drawing: Drawing, values: Values, bands: list[Row]) -> None:
    """A band from where each grade begins to where the next one does, named at the right."""
    low, high = values.ends
    for k, (grade, limit, direction) in enumerate(bands):
        outer = bands[k + 1][1] if k + 1 < len(bands) else (high if direction == "H" else low)
        inside = (max(limit, low), min(outer, high)) if direction == "H" else (max(outer, low), min(limit, high))
        if inside[0] >= inside[1]:
            continue
        top, bottom = values.y(inside[1]), values.y(inside[0])
        drawing.add(
            rectangle(LEFT, top, PLOT, bottom - top, PROFILE_BANDS[grade]),
            msg("grade {grade}: from {limit}", grade=grade, limit=show(limit)),
            described=False,
        )
        if bottom - top >= 9:
            drawing.text(LEFT + PLOT + 3, (top + bottom) / 2 + 3, f"G{grade}", size=9, fill=QUIET)


def _normal(drawing: Drawing, values: Values, limits: list[Row]) -> None:
    """A dashed line at the limit of normal, from which multiples of ULN are counted."""
    for _, limit, direction in limits:
        name, y = "ULN" if direction == "H" else "LLN", values.y(limit)
        path = f'<path d="M{LEFT} {number(y)}h{PLOT}" stroke="{QUIET}" stroke-dasharray="5 3" fill="none"/>'
        drawing.add(path, msg("{name}: {limit}", name=name, limit=show(limit)), described=False)


def _axis(drawing: Drawing, values: Values, top: float) -> None:
    low, high = values.ends
    drawing.add(
        f'<path d="M{LEFT} {number(top)}v{HIGH}M{LEFT} {number(top + HIGH)}h{PLOT}" stroke="{QUIET}" fill="none"/>'
    )
    drawing.text(LEFT - 4, top + 8, show(_rounded(high)), end=True, size=9, fill=QUIET)
    drawing.text(LEFT - 4, top + HIGH, show(_rounded(low)), end=True, size=9, fill=QUIET)


def _rounded(value: float) -> float:
    """Three significant digits: the end of an axis, not a result."""
    return value if value == 0 else round(value, 2 - math.floor(math.log10(abs(value))))


def _results(drawing: Drawing, values: Values, rows: list[Row]) -> None:
    """A line through the results; a severe grade is a diamond with its number."""
    places = [(drawing.days.x(row[0]), values.y(row[1])) for row in rows]
    path = " ".join(f"{number(x)},{number(y)}" for x, y in places)
    drawing.add(f'<polyline points="{path}" fill="none" stroke="{SERIES}" stroke-width="1.3"/>')
    for (x, y), (day, value, sign, unit, grade) in zip(places, rows, strict=True):
        severe = pd.notna(grade) and grade >= SEVERE_GRADE
        shape = circle(x, y, 2.4, SERIES)
        if severe:
            shape = polygon([(x - 4.5, y), (x, y - 4.5), (x + 4.5, y), (x, y + 4.5)], SEVERE, INK)
        result = f"{show(sign)}{show(value)} {show(unit)}"
        told = (
            msg("{result}, grade {grade}, day {day}", result=result, grade=grade, day=day)
            if pd.notna(grade)
            else msg("{result}, grade not evaluable, day {day}", result=result, day=day)
        )
        drawing.add(shape, told, described=False)
        if severe:
            drawing.text(x + 6, y - 2, str(grade), size=9, bold=True)
