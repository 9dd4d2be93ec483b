"""The page over all built cuts of a study: what was known and advised at each, and the way to all of them.

One file holds it in English and in Chinese; a link in each part shows the other one (`build/index.html#zh`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from trialbook.core.described import look_of
from trialbook.core.messages import ENGLISH, Language, filled_pattern, joined, msg, places, plural
from trialbook.diff.headlines import headline_name
from trialbook.diff.issued import BETWEEN, Erratum, Issued
from trialbook.display.blocks import Block
from trialbook.display.page import OTHER, render
from trialbook.display.render import Renderer
from trialbook.display.result_names import number_in_words
from trialbook.display.tables import table
from trialbook.dlt.advice import plain_code
from trialbook.dlt.decisions import LABELS, VERDICTS, against_advice, decided
from trialbook.dlt.replay import Replayed, replay_table
from trialbook.protocol.decisions import Decision, replaced_by
from trialbook.protocol.models import Cut, Study
from trialbook.results.ard import NOT_ESTIMABLE

# Where the pages of a cut in Chinese are, below its own folder.
CHINESE_FOLDER = "zh"
_IN_ORDER = re.compile(r"\{(\w+)\}")
# Rows of the table of cuts: the name of the row, and the headline numbers from which its text is made.
ROWS = (
    (msg("Subjects treated"), "{treated}"),
    (msg("Status of the escalation"), "{escalation_status}"),
    (msg("Advice of the escalation rule"), "{advice}"),
    (msg("DLT, of those evaluable"), "{dlt} of {dlt_evaluable}"),
    (msg("Subjects with an SAE"), "{sae}"),
    (msg("Subjects with a TEAE of grade 3 or more"), "{teae_ge3}"),
    (msg("Response at day 28"), "{orr_n} of {orr_N}"),
    (msg("Complete response at day 28"), "{cr_n} of {orr_N}"),
    (msg("Deaths"), "{deaths}"),
)


@dataclass(frozen=True)
class CutLine:
    """One built cut: its cut file, its headline numbers as texts, and whether it compares with an earlier one."""

    cut: Cut
    numbers: dict[str, str]
    fingerprint: str
    synthetic: bool = False
    decisions: Sequence[Decision] = ()


@dataclass(frozen=True)
class StudyCuts:
    """The built cuts of one study in the order of their dates, the documents issued, and what changed in them since."""

    study: Study
    cuts: list[CutLine] = field(default_factory=list)
    issued: list[Issued] = field(default_factory=list)
    errata: list[Erratum] = field(default_factory=list)
    replayed: list[Replayed] = field(default_factory=list)


def render_study(
    studies: Sequence[StudyCuts], unreadable: Sequence[str], marks: str, banner: str, spoken: Sequence[Language]
) -> str:
    """The page over all builds of a folder, a part for each language of `spoken`, English first. `marks` says which
    builds it describes, so that this can be seen without reading them all.
    """
    blocks = [
        [block for make in (_numbers, _errata, _decisions, _replay, _issued) if (block := make(found))]
        for found in studies
    ]
    return render(
        "study.html", None, "",
        title=_title(studies),
        marks=marks, unreadable=list(unreadable),
        banner=banner if any(line.synthetic for found in studies for line in found.cuts) else "",
        parts=[_part(language, studies, blocks) for language in spoken],
    )  # fmt: skip


def _title(studies: Sequence[StudyCuts]) -> str:
    """The title of the page, which is read alone in a list of windows: each study by its number and in words."""
    named = [msg("{study} ({registry})", study=one.study.id, registry=one.study.registry_id) for one in studies]
    told = [joined([name, one.study.title], ": ") for name, one in zip(named, studies, strict=True)]
    return msg("All data cuts of {studies}", studies=joined(told, "; ")) if told else msg("No cut has been built")


def _part(language: Language, studies: Sequence[StudyCuts], blocks: Sequence[Sequence[Block]]) -> dict[str, Any]:
    html = Renderer(language, on_page=True).html
    tag, name = OTHER[language is ENGLISH]
    return {
        "id": language.tag[:2], "tag": language.tag, "say": language.say, "dated": language.dated,
        "other_id": tag[:2], "other_tag": tag, "other_name": name,
        "cut_folder": "" if language is ENGLISH else f"{CHINESE_FOLDER}/",
        "studies": [
            {
                "study": found.study, "cuts": found.cuts[::-1], "pair": _pair(found),
                "tables": [html(block.payload) for block in own],
            }
            for found, own in zip(studies, blocks, strict=True)
        ],
    }  # fmt: skip


def _numbers(found: StudyCuts) -> Block:
    """The table of headline numbers, a column for each cut."""
    rows = [*ROWS, *(_survival(name) for name in _survival_days(found))]
    lines = {
        name: [_filled(pattern, line.numbers) for line in found.cuts]
        for name, pattern in rows
    }  # fmt: skip
    known = {name: texts for name, texts in lines.items() if any(text != NOT_ESTIMABLE for text in texts)}
    columns = [line.cut.cut_id for line in found.cuts]
    frame = pd.DataFrame([(name, *texts) for name, texts in known.items()], columns=["name", *columns], dtype="object")
    return table(
        frame, msg("What was known at each cut, {study}", study=found.study.id), labels={"name": ""},
        stub="name", right=columns, notes=[msg("- : not estimable, or not reported at that cut.")],
    )  # fmt: skip


def _decisions(found: StudyCuts) -> Block | None:
    """What the committee decided on each cut, beside what was advised then; blank where nothing is on record."""
    gone = {old: new for line in found.cuts for old, new in replaced_by(line.decisions).items()}
    rows = [
        (
            one.cut, one.date, plain_code(one.advice) if one.advice else msg("not on record"),
            decided(one, gone.get(one)), VERDICTS[against_advice(one)], one.by,
        )
        for line in found.cuts
        for one in line.decisions
    ]  # fmt: skip
    labels = {name: LABELS[name] for name in ("CUT", "DATE", "ADVISED", "DECIDED", "VERDICT", "BY")}
    return _table(rows, msg("Decisions of the committee"), labels, "CUT")


def _replay(found: StudyCuts) -> Block | None:
    """What was advised at each earlier cut, beside what the data of the last one say of its day; None without any."""
    if not found.replayed:
        return None
    shown = replay_table(found.replayed, found.cuts[-1].cut.cut_id)
    look = look_of(shown)
    return table(shown, msg("Replay: the advice at each earlier cut, then and from the data of today"), **look)


def _issued(found: StudyCuts) -> Block | None:
    """The documents that were issued, the latest first; blank where there is none."""
    rows = [
        (line.document, line.cut, utc(line.issued), line.build[:12], line.sha256[:12])
        for line in reversed(found.issued)
    ]  # fmt: skip
    labels = {
        "document": msg("Document"), "cut": msg("Data cut"), "issued": msg("Issued at"), "build": msg("Build"),
        "sha256": msg("SHA-256, beginning"),
    }  # fmt: skip
    return _table(rows, msg("Documents issued"), labels, "document")


# Rows of one document in the list of errata; how many more there are is said.
MOST_ERRATA = 25


def _errata(found: StudyCuts) -> Block | None:
    """The numbers of issued documents that are reported otherwise today; blank where there is none."""
    by_document: dict[tuple[str, str], list[Erratum]] = {}
    for one in found.errata:
        by_document.setdefault((one.document.document, one.document.issued), []).append(one)
    rows: list[tuple[str, ...]] = []
    for (document, issued), errata in by_document.items():
        rows += [
            (document, utc(issued), _number(one.name), _shown(one.name, one.old), _shown(one.name, one.new))
            for one in errata[:MOST_ERRATA]
        ]  # fmt: skip
        more = len(errata) - MOST_ERRATA
        if more > 0:
            rows.append((document, utc(issued), plural("and {n} other number", "and {n} other numbers", more), "", ""))
    labels = {
        "document": msg("Document"), "issued": msg("Issued at"), "number": msg("Number"),
        "old": msg("In the document"), "new": msg("In the build of today"),
    }  # fmt: skip
    return _table(rows, msg("Errata: numbers of issued documents that have changed"), labels, "document")


def utc(time: str) -> str:
    """A time of the register as readers see it.

    >>> utc("2025-10-02T08:00:00Z")
    '2025-10-02 08:00:00 UTC'
    """
    return time.replace("T", " ").replace("Z", " UTC")


def _number(name: str) -> str:
    """A number of an issued document in words: one of the results, or a headline number."""
    return number_in_words(name.split(BETWEEN)) if BETWEEN in name else headline_name(name)


def _shown(name: str, text: str) -> str:
    return plain_code(text) if name == "advice" and text != NOT_ESTIMABLE else text


def _table(rows: Sequence[tuple[str, ...]], title: str, labels: Mapping[str, str], stub: str) -> Block | None:
    if not rows:
        return None
    return table(pd.DataFrame(rows, columns=list(labels), dtype="object"), title, labels=labels, stub=stub)


def _survival_days(found: StudyCuts) -> list[str]:
    names = [name for line in found.cuts for name in line.numbers if name.startswith("os_") and name != "os_median"]
    return sorted(set(names), key=lambda name: int(name.removeprefix("os_")))


def _survival(name: str) -> tuple[str, str]:
    return msg("Alive at day {day} (Kaplan-Meier)", day=name.removeprefix("os_")), f"{{{name}}}"


def _filled(pattern: str, numbers: dict[str, str]) -> str:
    """The pattern with the numbers; the sign of what cannot be estimated where one of them is missing."""
    told = {name: numbers.get(name, "") for name in places(pattern)}
    if any(text in ("", NOT_ESTIMABLE) for text in told.values()):
        return NOT_ESTIMABLE
    if "escalation_status" in told:
        return told["escalation_status"]
    if "advice" in told:
        return plain_code(told["advice"])
    if len(told) > 1:
        n, total = (told[name] for name in _IN_ORDER.findall(pattern))
        return msg("{n} of {total}", n=n, total=total)
    return filled_pattern(pattern, told)


def _pair(found: StudyCuts) -> str:
    """The command that compares any two cuts, with the first and the last as the example; blank for a single cut."""
    if len(found.cuts) < 2:
        return ""
    one, two = found.cuts[0].cut.cut_id, found.cuts[-1].cut.cut_id
    return f"trialbook diff {one} {two} --html changes-{one}-{two}.html"
