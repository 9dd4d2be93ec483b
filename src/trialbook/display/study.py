"""`build/index.html`: the study over all built cuts, what was known and advised at each, and the way to all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pandas as pd

from trialbook.display.page import render
from trialbook.display.tables import table
from trialbook.dlt.advice import plain_code
from trialbook.protocol.models import Cut, Study
from trialbook.results.ard import NOT_ESTIMABLE

# Rows of the table of cuts: the name of the row, and the headline numbers from which its text is made.
ROWS = (
    ("Subjects treated", "{treated}"),
    ("Advice of the escalation rule", "{advice}"),
    ("DLT, of those evaluable", "{dlt} of {dlt_evaluable}"),
    ("Subjects with an SAE", "{sae}"),
    ("Subjects with a TEAE of grade 3 or more", "{teae_ge3}"),
    ("Response at day 28", "{orr_n} of {orr_N}"),
    ("Complete response at day 28", "{cr_n} of {orr_N}"),
    ("Deaths", "{deaths}"),
)


@dataclass(frozen=True)
class CutLine:
    """One built cut: its cut file, its headline numbers as texts, and whether it compares with an earlier one."""

    cut: Cut
    numbers: dict[str, str]
    fingerprint: str
    synthetic: bool = False


@dataclass(frozen=True)
class StudyCuts:
    """The built cuts of one study in the order of their dates; `unreadable` names folders that could not be read."""

    study: Study
    cuts: list[CutLine] = field(default_factory=list)


def render_study(studies: Sequence[StudyCuts], unreadable: Sequence[str], marks: str, banner: str) -> str:
    """The page over all builds of a folder. `marks` says which builds it describes, so that this can be seen without
    reading them all.
    """
    return render(
        "study.html", None, "", title=" · ".join(found.study.id for found in studies) or "No cut has been built",
        marks=marks, unreadable=list(unreadable),
        banner=banner if any(line.synthetic for found in studies for line in found.cuts) else "",
        studies=[
            {"study": found.study, "cuts": found.cuts[::-1], "numbers": _numbers(found), "pair": _pair(found)}
            for found in studies
        ],
    )  # fmt: skip


def _numbers(found: StudyCuts) -> str:
    """The table of headline numbers, a column for each cut."""
    rows = [*ROWS, *(_survival(name) for name in _survival_days(found))]
    lines = {
        name: [_filled(pattern, line.numbers) for line in found.cuts]
        for name, pattern in rows
    }  # fmt: skip
    known = {name: texts for name, texts in lines.items() if any(text != NOT_ESTIMABLE for text in texts)}
    columns = [line.cut.cut_id for line in found.cuts]
    frame = pd.DataFrame([(name, *texts) for name, texts in known.items()], columns=["name", *columns], dtype="str")
    return table(
        frame, f"What was known at each cut, {found.study.id}", labels={"name": "Data cut"}, stub="name",
        right=columns, notes=["- : not estimable, or not reported at that cut."],
    ).html  # fmt: skip


def _survival_days(found: StudyCuts) -> list[str]:
    names = [name for line in found.cuts for name in line.numbers if name.startswith("os_") and name != "os_median"]
    return sorted(set(names), key=lambda name: int(name.removeprefix("os_")))


def _survival(name: str) -> tuple[str, str]:
    return f"Alive at day {name.removeprefix('os_')} (Kaplan-Meier)", f"{{{name}}}"


def _filled(pattern: str, numbers: dict[str, str]) -> str:
    """The pattern with the numbers; the sign of what cannot be estimated where one of them is missing."""
    told = {name: plain_code(text) if name == "advice" else text for name, text in numbers.items()}
    try:
        text = pattern.format_map(told)
    except KeyError:
        return NOT_ESTIMABLE
    named = [name for name in told if f"{{{name}}}" in pattern]
    return text if all(told[name] not in ("", NOT_ESTIMABLE) for name in named) else NOT_ESTIMABLE


def _pair(found: StudyCuts) -> str:
    """The command that compares any two cuts, with the first and the last as the example; blank for a single cut."""
    if len(found.cuts) < 2:
        return ""
    one, two = found.cuts[0].cut.cut_id, found.cuts[-1].cut.cut_id
    return f"trialbook diff {one} {two} --html changes-{one}-{two}.html"
