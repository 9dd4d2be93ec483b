"""The worst export: the demo snapshot with the plants of all FIX and QUERY problems at once, and what they leave."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from support.export_problems.export import A, B, Export

SITE = "NCT06321198-99"
Row = dict[str, str]
# A domain cannot be missing and hold the plants of other problems; and the raw contracts stop a build for a number
# that two records have, and for a record of nobody, before cleaning could ask.
NOT_IN_A_BUILD = ("P34-DOMAIN-MISSING", "P34-SEQ-REPEATED", "P34-NO-SUBJECT")


@dataclass
class WorstExport:
    """The files, and what must be in the change log and the query list because of what was planted."""

    files: dict[str, list[Row]]
    encoding: dict[str, str] = field(default_factory=dict)
    fixes: list[tuple[Any, ...]] = field(default_factory=list)
    asks: list[tuple[str, ...]] = field(default_factory=list)
    problem_of: dict[str, str] = field(default_factory=dict)

    def write(self, folder: Path) -> None:
        """Writes one CSV per domain, all columns of all its records."""
        for code, rows in self.files.items():
            if not rows:
                continue  # the file of the demo, with its header, stays
            names = list(dict.fromkeys(name for row in rows for name in row))
            text = io.StringIO()
            writer = csv.DictWriter(text, names, restval="", lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
            (folder / f"{code}.csv").write_text(text.getvalue(), encoding=self.encoding.get(code, "utf-8"), newline="")


def worst_export(demo: Mapping[str, list[Row]], plants: Mapping[str, Callable[[Export], Any]], cut: str) -> WorstExport:
    """The demo records, then two subjects for each problem, in the order of `plants`.

    The line breaks of P02 move the lines below them, so that problem comes last.
    """
    worst = WorstExport({code: [dict(row) for row in rows] for code, rows in demo.items()})
    for name in sorted(plants, key=lambda name: (name == "P02", name)):
        _append(worst, name, plants[name], cut)
    return worst


def _append(worst: WorstExport, name: str, plant: Callable[[Export], Any], cut: str) -> None:
    """The subjects of one problem under numbers and birth dates of their own."""
    export = Export(cut)
    number = int(name[1:])
    for person in export.rows["dm"]:
        # The person of P08 is born on the same day as the other one; all others are born on days of their own.
        days = 0 if name == "P08" else number
        person["BRTHDTC"] = f"{pd.Timestamp(person['BRTHDTC']) + pd.Timedelta(days=days):%Y-%m-%d}"
    plant(export)
    if name == "P34":
        del export.rows["vs"][-1], export.rows["sv"][-1]
    ids = {A: f"{SITE}-{number:02d}1", B: f"{SITE}-{number:02d}2", "": ""}
    worst.problem_of |= {ids[A]: name, ids[B]: name}
    first = {code: len(rows) for code, rows in worst.files.items()}
    for code, rows in export.rows.items():
        worst.files.setdefault(code, [])
        worst.files[code] += [_renamed(row, ids, worst.files[code]) for row in rows]
    worst.encoding |= export.encoding
    for file, line, column, raw, new, rule in export.fixes:
        if rule in NOT_IN_A_BUILD:
            continue
        code = file.partition(".")[0]
        here = line + first[code] if line else 0
        spelled = {text: _spelled(text, ids) for text in (raw, new)} if column == "USUBJID" else {}
        worst.fixes.append((file, here, column, spelled.get(raw, raw), spelled.get(new, new), rule))
    for rule, subject, domain, record in export.asks:
        if rule not in NOT_IN_A_BUILD:
            place = record
            if record.startswith("row "):
                place = f"row {int(record.split()[1]) + first[domain.lower()]}"
            worst.asks.append((rule, ids[subject], domain, place))


def _renamed(row: Row, ids: Mapping[str, str], others: list[Row]) -> Row:
    """A record under its new subject number, with the study's own columns filled as in the demo."""
    own = {name: others[0][name] for name in ("STUDYID", "DOMAIN") if others and name in others[0]}
    subject = _spelled(row["USUBJID"], ids)
    short = {"SUBJID": subject.rpartition("-")[2]} if "SUBJID" in row else {}
    return {**row, **own, "USUBJID": subject, **short}


def _spelled(subject: str, ids: Mapping[str, str]) -> str:
    """A new number, spelled as wrongly as the old one was: without zeros, or in other letters."""
    if subject in ids:
        return ids[subject]
    known = {"iMSC-1": A, "IMSC-02": B}
    right = ids[known[subject]]
    return right.replace("-99-0", "-99-") if subject == "iMSC-1" else right.lower()
