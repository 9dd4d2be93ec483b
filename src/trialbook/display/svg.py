"""Drawings made shape by shape as SVG inside a page: no script, the same on screen, on paper and on static pages.

Profile pages draw this way: a page of the chart library weighs a megabyte, and there is one profile per subject.
Words are messages or text of the data: messages are said in the language of the drawing, all else is as delivered.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from trialbook.core.messages import ENGLISH, Language, Message, joined, msg
from trialbook.display.text import safe, visible, width
from trialbook.display.theme import CHART_FONT, GRID_OF_DRAWINGS, INFUSION, INK, QUIET

LEFT, PLOT, RIGHT = 190, 690, 24
AXIS = 34
FONT = 11
# The course of the first weeks decides; from this day on the axis is drawn closer, and says so.
CLOSER_FROM, CLOSER = 63, 0.22
TICKS = (-42, -28, -14, -7, 0, 7, 14, 21, 28, 42, 56, 100, 140, 180, 270, 365, 540, 730, 1095, 1460, 1825)
APART = 26
# As many marks of a drawing are part of its description.
MOST_MARKS = 12


def number(value: float) -> str:
    """A coordinate: one decimal, none where it is whole."""
    return f"{value:.1f}".removesuffix(".0")


def pixels(text: str) -> float:
    """About how wide a text is in the font of drawings, rather too much than too little."""
    return sum(_wide(character) for character in text)


def _wide(character: str) -> float:
    if character in "iljtfrI.,:;'|!()[]/ -":
        return 4.0
    if character.islower() and character.isascii():
        return 6.2
    return 7.2 if character.isdigit() else width(character) * 6.0 if width(character) > 1 else 9.0


def clipped(text: str, most: float) -> str:
    """The text, cut with an ellipsis where it is wider than so many pixels."""
    if pixels(text) <= most:
        return text
    kept, used = "", pixels("…")
    for character in text:
        used += _wide(character)
        if used > most:
            break
        kept += character
    return kept.rstrip() + "…"


@dataclass(frozen=True)
class Days:
    """The time axis that all drawings of a page share: days since the first infusion."""

    first: int
    last: int

    @property
    def bends(self) -> bool:
        """Whether later days are drawn closer."""
        return self.last > CLOSER_FROM + APART

    def x(self, day: float) -> float:
        """Where a day is; days before the axis at its beginning, later ones at its end."""
        day = min(max(day, self.first), self.last)
        return LEFT + PLOT * (self._weight(day) / self._weight(self.last))

    def _weight(self, day: float) -> float:
        late = max(day - CLOSER_FROM, 0) if self.bends else 0
        return day - self.first - late * (1 - CLOSER)

    @property
    def ticks(self) -> list[int]:
        """The days that the axis names, far enough apart to be read; the first infusion always."""
        kept: list[int] = []
        for day in sorted((d for d in TICKS if self.first <= d <= self.last), key=abs):
            if all(abs(self.x(day) - self.x(other)) >= APART for other in kept):
                kept.append(day)
        return sorted(kept)


class Drawing:
    """Shapes from top to bottom; `below` is where the next panel begins."""

    def __init__(self, days: Days, language: Language = ENGLISH) -> None:
        self.days, self.language = days, language
        self.below = 6.0
        self._parts: list[str] = []
        self._marks: list[str] = []

    def say(self, words: str) -> str:
        """A message in the language of the drawing; text of the data as it is."""
        return self.language.say(words) if isinstance(words, Message) else words

    def add(self, shape: str, title: str = "", described: bool = True) -> None:
        """A shape; `title` is what a pointer over it tells, and if `described` part of the description."""
        self._parts.append(f"<g><title>{safe(self.say(title))}</title>{shape}</g>" if title else shape)
        self._marks += [title] if title and described else []

    def describe(self, words: str) -> None:
        """Says in the description what several shapes show together."""
        self._marks.append(words)

    def text(
        self, x: float, y: float, words: str, *, end: bool = False, size: int = FONT, fill: str = INK,
        bold: bool = False,
    ) -> None:  # fmt: skip
        """Words that begin (or end) at x, on the line y."""
        anchor, weight = ' text-anchor="end"' if end else "", ' font-weight="600"' if bold else ""
        colour = f' fill="{fill}"' if fill != INK else ""
        self.add(
            f'<text class="said" x="{number(x)}" y="{number(y)}" font-size="{size}"{anchor}{weight}{colour}>'
            f"{safe(self.say(words))}</text>"
        )

    def label(self, y: float, words: str, most: float = LEFT - 12) -> None:
        """The name of a row, left of the plot; a long one is cut, a pointer over it tells all."""
        words = self.say(words)
        shown = clipped(" ".join(visible(words).split()), most)
        self.add(
            f'<text x="{LEFT - 8}" y="{number(y)}" font-size="{FONT}" text-anchor="end">{safe(shown)}</text>',
            words if shown != words else "",
        )

    def panel(self, y: float, height: float, names: bool, infusions: Iterable[float] = ()) -> None:
        """Grid lines by day, the infusions as stronger lines, and below them the days if `names`."""
        grid = "".join(
            f'<path d="M{number(self.days.x(day))} {number(y)}v{number(height)}" stroke="{GRID_OF_DRAWINGS}"/>'
            for day in self.days.ticks
        )
        given = "".join(
            f'<path d="M{number(self.days.x(day))} {number(y)}v{number(height)}" stroke="{INFUSION}" '
            'stroke-dasharray="2 3"/>'
            for day in infusions
        )
        self.add(grid + given)
        if names:
            self._axis(y + height)

    def _axis(self, y: float) -> None:
        self.add(f'<path d="M{LEFT} {number(y)}h{PLOT}" stroke="{QUIET}"/>')
        for day in self.days.ticks:
            self.add(
                f'<text x="{number(self.days.x(day))}" y="{number(y + 13)}" font-size="10" '
                f'text-anchor="middle">{day}</text>'
            )
        said = msg("Days since the first infusion")
        if self.days.bends:
            said = msg("Days since the first infusion; drawn closer from day {day}", day=CLOSER_FROM)
        self.text(LEFT, y + 27, said, size=10, fill=QUIET)
        self.below = y + AXIS

    def svg(self, label: str) -> str:
        """The whole drawing; `label` names it for those who do not see it, with its first marks.

        For them it is one picture with this text, and the table below it holds every mark.
        """
        high = number(self.below + 2)
        more = len(self._marks) - MOST_MARKS
        said = self._marks[:MOST_MARKS]
        if more > 0:
            said = [*said, msg("and {n} more, which the table below lists", n=more)]
        told = safe(self.say(joined([label, joined(said, "; ")], ": ")))
        return (
            f'<svg class="drawing" role="img" aria-label="{told}" viewBox="0 0 {LEFT + PLOT + RIGHT} {high}" '
            f'font-family="{CHART_FONT}" fill="{INK}" stroke-width="1"><g aria-hidden="true">{"".join(self._parts)}</g>'
            "</svg>"
        )


def rectangle(x: float, y: float, wide: float, high: float, fill: str, stroke: str = "none") -> str:
    """A filled rectangle."""
    return (
        f'<rect x="{number(x)}" y="{number(y)}" width="{number(wide)}" height="{number(high)}" fill="{fill}" '
        f'stroke="{stroke}"/>'
    )


def polygon(points: Sequence[tuple[float, float]], fill: str, stroke: str = "none") -> str:
    """A filled shape with straight sides."""
    path = " ".join(f"{number(x)},{number(y)}" for x, y in points)
    return f'<polygon points="{path}" fill="{fill}" stroke="{stroke}"/>'


def circle(x: float, y: float, radius: float, fill: str, stroke: str = "none") -> str:
    """A filled circle."""
    return f'<circle cx="{number(x)}" cy="{number(y)}" r="{number(radius)}" fill="{fill}" stroke="{stroke}"/>'
