"""Adds to the tables of a page what their numbers of the results open to: the records that `records_behind` names."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from trialbook.core.messages import Plain, as_text, msg, plural
from trialbook.display.payload import Payload, number_key, text_of
from trialbook.display.table_details import TITLE, Detail, Lines, Opened, Subjects
from trialbook.records_behind import RecordsBehind, ResultNumber, Studied, lines_of, records_behind
from trialbook.results.ard import TOTAL

NOT_THE_RULES = msg(
    "These are the subjects by the rules of the main analysis. Who changes under another choice of rules is named in "
    "the table."
)
OPEN_CASES = msg(
    "Subjects of this number as known today. The table names those for whom something is still unknown that may change "
    "it."
)


# A headline number as the title of what it opens to.
CARD = msg("{label}: {value}")


class NumberRecords:
    """What numbers open to, from the datasets of a cut (`studied`); `linked`: subjects that have a profile page."""

    def __init__(self, studied: Studied, linked: Collection[str] = ()) -> None:
        self._studied, self._linked = studied, linked
        self._lines: dict[str, Lines] = {}

    def added(self, table: Payload) -> Payload:
        """The table with a detail for each number of the results that opens none yet and that records are behind."""
        taken = {(row, column) for row, column, _ in table.get("buttons", ())}
        opened = Opened(Subjects())
        details, lines = list(table.get("details", ())), list(table.get("lines", ()))
        buttons: list[list[int]] = list(table.get("buttons", ()))
        for row, column, _, key in table.get("says", ()):
            if key and (row, column) not in taken and table["columns"][column]["cells"][row]:
                detail = self.detail(ResultNumber(*key))
                place = opened.place(detail) if detail else None
                if place is not None:
                    buttons.append([row, column, len(details) + place])
        if len(buttons) == len(taken):
            return table
        added = [
            {**detail, "lines": detail["lines"] + len(lines)} if "lines" in detail else detail
            for detail in opened.details
        ]
        return {**table, "buttons": buttons, "details": [*details, *added], "lines": [*lines, *opened.lines]}

    def summary(self, numbers: Mapping[str, tuple[str, str, str, str]]) -> Payload:
        """A table, never shown, of numbers of the summary that no page has, so that they open as well.

        `numbers`: by their label the analysis, variable, variable_level and context; at each dose level and in Total.
        """
        shown = []
        for label, (analysis, variable, variable_level, context) in numbers.items():
            for level in [*self._studied.levels, TOTAL]:
                number = ResultNumber(analysis, level, variable, variable_level, context)
                found = records_behind(number, self._studied)
                if found:
                    said = plural(
                        "{label}, {level}: {count} of {n} subject", "{label}, {level}: {count} of {n} subjects",
                        len(found.rows), label=as_text(label), level=as_text(level), count=found.counted,
                    )  # fmt: skip
                    shown.append((number, text_of(said)))
        return self._hidden(shown)

    def cards(self, payload: Payload) -> Payload:
        """A table, never shown, of the headline numbers of a page, so that they open."""
        shown = [
            (number, {"m": CARD, "a": {"label": _argument(label), "value": _argument(value)}})
            for (label, value, _), number in zip(payload["items"], payload["numbers"], strict=True) if number
        ]  # fmt: skip
        return self._hidden(shown)

    def _hidden(self, shown: Sequence[tuple[Sequence[str], Plain]]) -> Payload:
        """A table that no page shows, of numbers of the results with what is said of each."""
        table: Payload = {
            "kind": "table", "title": text_of(msg("Numbers of the summary")), "empty": "", "notes": [], "subtitle": "",
            "columns": [
                {"name": "number", "head": "", "type": "data", "cells": [number_key(number) for number, _ in shown]}
            ],
            "says": [[row, 0, said, list(number)] for row, (number, said) in enumerate(shown)],
        }  # fmt: skip
        return self.added(table)

    def detail(self, number: ResultNumber) -> Detail | None:
        """What a number opens to; None where no record is behind it."""
        found = records_behind(number, self._studied)
        if found is None:
            return None
        return self._of(found.dataset).opening(TITLE, self._notes(number, found), found.rows)

    def _of(self, dataset: str) -> Lines:
        if dataset not in self._lines:
            frame, labels = lines_of(dataset, self._studied)
            self._lines[dataset] = Lines(frame, labels, "SUBJID", self._linked)
        return self._lines[dataset]

    @staticmethod
    def _notes(number: ResultNumber, found: RecordsBehind) -> list[str]:
        if number.analysis_id == "BOUNDS":
            return [OPEN_CASES]
        notes: list[str] = [NOT_THE_RULES] if number.context.startswith("sens:") else []
        rest = len(found.rows) - found.counted
        if rest and not notes:
            none = msg("None of these records is counted; they are the set that the number is taken of.")
            some = plural(
                "The first record is counted; the others are in the set that the number is taken of.",
                "The first {n} records are counted; the others are in the set that the number is taken of.",
                found.counted,
            )
            notes.append(some if found.counted else none)
        return notes


def _argument(text: Plain) -> Plain:
    """A text of a payload as an argument of a message, where a plain string would be text of the data."""
    return {"m": text, "a": {}} if isinstance(text, str) else text
