"""What opens the first page: the decision, whether the next patient may be dosed, what to look at first, the board.

Everything comes from what `signals.first_page` derived; nothing is worked out here but the drawing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from trialbook.conduct.board import event_words
from trialbook.core.messages import ENGLISH, Language, as_text, joined, msg, plural
from trialbook.display.page import PageSignal
from trialbook.display.page_content import reference_page
from trialbook.display.svg import clipped, number, pixels
from trialbook.display.text import safe
from trialbook.profiles.subjects import profile_address
from trialbook.signals.messages import TITLES
from trialbook.subjects.demography import person_in_words

# Dose is ordered: from the lowest level to the highest the colour grows darker, in so many shades.
SHADES = 3
SEVERITY_WORDS = {"high": msg("High"), "medium": msg("Medium"), "low": msg("Low")}
MARKS = {"no DLT": "no", "DLT": "dlt", "window open": "open", "not evaluable": "out"}
LOW = "low"
RULE_WORDS = {
    "raised": msg("raised"), "nothing": msg("checked, nothing found"), "off": msg("switched off"),
    "not applicable": msg("not applicable"), "not checked": msg("could not be checked"),
}  # fmt: skip
# A strip of the board: pixels, and the room for words behind its end.
WIDE, HIGH, PAD = 420, 26, 6
TICKS = (0, 28, 100, 180, 365, 730)
# Nobody reads more rows, and a page must stay small; the files of the build hold all.
MOST_ROWS, MOST_SUBJECTS, MOST_GROUPS = 200, 40, 12
# The first page shows the board of so many subjects; those of a larger trial are all on pages of so many each.
MOST_BOARD, PER_PAGE = 120, 300
STALE = 30
UNSEEN = msg("unseen")


@dataclass(frozen=True)
class SignalGroup:
    """All signals of one subject (or of one dose level, or of the study), the worst first."""

    title: str
    href: str
    level: str
    severity: str
    word: str
    signals: Sequence[Mapping[str, Any]]


def groups_of(signals: Sequence[Mapping[str, Any]], profiled: Mapping[str, str]) -> list[SignalGroup]:
    """The signals by whom they concern, in the order of their worst."""
    found: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for one in signals:
        key = ("subject", one["subject"]) if one["subject"] else (one["scope"], one["level"])
        found.setdefault(key, []).append(one)
    groups = []
    for (kind, name), own in found.items():
        href = profile_address(name) if kind == "subject" and name in profiled else ""
        title = name if kind == "subject" else (name or msg("Study"))
        level = own[0]["level"] if kind == "subject" else ""
        severity = own[0]["severity"]
        groups.append(SignalGroup(title, href, level, severity, SEVERITY_WORDS[severity], own))
    return groups


def more_about(signal: Mapping[str, Any], above: str = "") -> list[tuple[str, str]]:
    """Where a signal leads beside the profile: address and title. `above`: the way from the page to the build."""
    return [
        (f"{above}{link['page']}{'#' + link['anchor'] if link['anchor'] else ''}", link["title"])
        for link in signal["links"]
        if not link["page"].startswith("profiles/")
    ]


def signals_on(signals: Sequence[Mapping[str, Any]], page: str, profiled: Mapping[str, str]) -> list[PageSignal]:
    """The signals that lead to a page or to its reference page, in their order."""
    found = []
    for one in signals:
        own = [link for link in one["links"] if link["page"] in (page, reference_page(page))]
        if own:
            to, anchor = own[0]["page"], own[0]["anchor"]
            found.append(
                PageSignal(
                    one["subject"] or one["level"], one["level"] if one["subject"] else "", one["severity"],
                    SEVERITY_WORDS[one["severity"]], one["sentence"],
                    profile_address(one["subject"]) if one["subject"] in profiled else "",
                    ("" if to == page else to) + (f"#{anchor}" if anchor else ""), TITLES.get(one["rule"], ""),
                )
            )  # fmt: skip
    return found


@dataclass(frozen=True)
class Strip:
    """One row of the board, ready to be shown."""

    row: Mapping[str, Any]
    href: str
    shade: int
    picture: str
    events: str
    now: str
    unseen: bool
    open: bool

    @property
    def person(self) -> str:
        """Age and sex, of which only the English is left where the board was read from a file."""
        return person_in_words(str(self.row["person"]))


def strips(
    board: Sequence[Mapping[str, Any]], levels: Sequence[str], profiled: Mapping[str, str],
    language: Language = ENGLISH,
) -> list[Strip]:  # fmt: skip
    """The rows of the board with their drawing; all on one axis of days."""
    last = max([row["end"] for row in board], default=0)
    return [
        Strip(
            row, profile_address(row["subject"]) if row["subject"] in profiled else "",
            _shade(row["level"], levels), _drawing(row, last, _shade(row["level"], levels), language),
            joined([_event(event_words(term, grade), day) for day, term, grade in row["serious"]], "; "),
            _now(row), (row["unseen"] or 0) > STALE, row["dlt"] in ("window still open", "window closed, data missing"),
        )
        for row in board
    ]  # fmt: skip


def _event(words: str, day: int | None) -> str:
    said = as_text(words)
    return said if day is None else msg("{words} (day {day})", words=said, day=day)


def _now(row: Mapping[str, Any]) -> str:
    """Alive, died or not seen: in few words; who left the trial says so."""
    left = row["status"].partition("; ")[2] if row["death_day"] is None and row["status"].startswith("Alive") else ""
    if row["status"].startswith("Died"):
        return msg("died") if row["death_day"] is None else msg("died day {day}", day=row["death_day"])
    unseen = (row["unseen"] or 0) > STALE
    seen = msg("not seen for {days} days", days=row["unseen"]) if unseen else msg("alive")
    return joined([seen, as_text(left)], "; ") if left else seen


def axis(board: Sequence[Mapping[str, Any]]) -> str:
    """The axis above the strips, as SVG: as wide as a strip, its places in parts of the width, its numbers unscaled.

    >>> [axis([{"end": last}]).count("<text") for last in (60, 294, 1257)]
    [2, 4, 4]
    """
    last = max([row["end"] for row in board], default=0)
    shown: list[int] = []
    for day in TICKS:
        # One that would run into the number before it is left out.
        if day <= last and (not shown or _x(day, last) - _x(shown[-1], last) >= _room(shown[-1], day)):
            shown.append(day)
    marks = "".join(f'<text x="{number(100 * _x(day, last) / WIDE)}%" y="11" class="ax">{day}</text>' for day in shown)
    return f'<svg class="axis" width="{WIDE}" height="14" aria-hidden="true">{marks}</svg>'


def _room(before: int, day: int) -> float:
    """How far apart the middles of two numbers of the axis must be where the course is at its narrowest."""
    return 4 + 6 * len(f"{before}{day}")


def _shade(level: str, levels: Sequence[str]) -> int:
    """1 for the lowest third of the levels to 3 for the highest; 0 for a level that the trial does not have."""
    if level not in levels:
        return 0
    return 1 + min(2, levels.index(level) * SHADES // max(1, len(levels)))


def _x(day: float, last: int) -> float:
    return PAD + (WIDE - 2 * PAD - 14) * min(max(day, 0), max(last, 1)) / max(last, 1)


def _drawing(row: Mapping[str, Any], last: int, shade: int, language: Language) -> str:
    """The course of one subject: window, life line, infusions, serious events, DLT, death or last seen."""
    died = row["death_day"]
    end = died if died is not None else row["end"]
    seen = end if died is not None or row["seen"] is None else min(row["seen"], row["end"])
    parts = []
    if row["window"]:
        first, close = (_x(day, last) for day in row["window"])
        parts.append(f'<rect x="{number(first)}" y="3" width="{number(close - first)}" height="20" class="win"/>')
    parts.append(
        f'<line x1="{number(_x(0, last))}" x2="{number(_x(seen, last))}" y1="16" y2="16" class="life d{shade}"/>'
    )
    if died is None and row["end"] - seen > STALE:
        parts.append(
            f'<line x1="{number(_x(seen, last))}" x2="{number(_x(row["end"], last))}" y1="16" y2="16" class="unseen"/>'
        )
    for day in row["infusions"]:
        at = number(_x(day, last))
        parts.append(f'<line x1="{at}" x2="{at}" y1="10" y2="22" class="inf"/>')
    parts += _marks(row, last, language)
    x = _x(end if died is not None else seen, last)
    if died is not None:
        parts.append(f'<path d="M{number(x - 5)} 11l10 10m0-10l-10 10" class="dead"/>')
    elif row["end"] - seen <= STALE:
        parts.append(f'<path d="M{number(x + 4)} 12l5 4-5 4z" class="alive"/>')
    else:
        far = min(_x(row["end"], last), WIDE - 40)
        parts.append(f'<text x="{number(far)}" y="10" class="said">{safe(language.say(UNSEEN))}</text>')
    label = language.say(_course_words(row))
    return (
        f'<svg class="strip" viewBox="0 0 {WIDE} {HIGH}" width="{WIDE}" height="{HIGH}" role="img" '
        f'aria-label="{safe(label)}"><g aria-hidden="true">{"".join(parts)}</g></svg>'
    )


def _marks(row: Mapping[str, Any], last: int, language: Language) -> list[str]:
    """Serious events with their words where there is room, and the DLT."""
    parts, noted = [], 0.0
    for day, term, grade in row["serious"]:
        if day is None:
            continue
        words = event_words(term, grade)
        x = _x(day, last)
        kind = "dlt" if row["dlt_day"] is not None and day == row["dlt_day"] else "sae"
        said = f"<title>{safe(language.say(_event(words, day)))}</title>"
        parts.append(f'<path d="M{number(x)} 11l5 5-5 5-5-5z" class="{kind}">{said}</path>')
        room = WIDE - x - 10
        if x >= noted and room > 40:
            text = clipped(language.say(words), room)
            parts.append(f'<text x="{number(x + 7)}" y="8" class="said">{safe(text)}</text>')
            noted = x + 7 + pixels(text)
    if row["dlt_day"] is not None and all(day != row["dlt_day"] for day, *_ in row["serious"]):
        at, said = number(_x(row["dlt_day"], last)), safe(language.say(_event("DLT", row["dlt_day"])))
        parts.append(f'<path d="M{at} 11l5 5-5 5-5-5z" class="dlt"><title>{said}</title></path>')
    return parts


def _course_words(row: Mapping[str, Any]) -> str:
    """The drawing in words, for readers who do not see it."""
    given = ", ".join(str(day) for day in row["infusions"])
    said: list[str] = [msg("Infusions on day {days}", days=given) if given else msg("No dated infusion")]
    said += [_event(event_words(term, grade), day) for day, term, grade in row["serious"]]
    if row["death_day"] is not None:
        said.append(msg("died on day {day}", day=row["death_day"]))
    elif row["seen"] is not None:
        said.append(msg("last seen alive on day {seen} of {end}", seen=row["seen"], end=row["end"]))
    return joined(said, "; ")


def rules_said(rules: Sequence[Mapping[str, Any]]) -> str:
    """How many rules were checked, and how many raised a signal.

    >>> rules_said([{"status": "raised"}, {"status": "nothing"}, {"status": "off"}])
    '2 rules were checked, 1 raised a signal; 1 switched off'
    """
    count = {name: sum(one["status"] == name for one in rules) for name in RULE_WORDS}
    checked = plural("{n} rule was checked", "{n} rules were checked", count["raised"] + count["nothing"])
    raised = msg("{n} raised a signal", n=count["raised"]) if count["raised"] else msg("none raised a signal")
    parts: list[str] = [msg("{checked}, {raised}", checked=checked, raised=raised)]
    parts += [
        msg("{n} {what}", n=count[name], what=RULE_WORDS[name])
        for name in ("not checked", "off", "not applicable")
        if count[name]
    ]
    return joined(parts, "; ")
