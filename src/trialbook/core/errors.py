"""The errors of the workbook: what, where, why and what to do next, with the exit status; in Chinese for a STOP."""

from __future__ import annotations

import ast
import os
import re
import sysconfig
import traceback
from contextlib import suppress
from pathlib import Path
from typing import Any

from trialbook.core.characters import printable
from trialbook.core.environment_variables import TRACEBACK
from trialbook.core.privacy import masked, masked_name

LONGEST_VALUE = 120
LONGEST_PATH = 400
# Code that is not the reader's own: the library, Python and the packages that are installed.
_NOT_OWN = (str(Path(__file__).resolve().parents[1]), *map(sysconfig.get_path, ("stdlib", "purelib", "platlib")))


class TrialbookError(Exception):
    """A problem a user can act on.

    The message is one line that names the place (file, row, column, value), the rule that was
    broken and the next step. Values are named only where they are not identifying.
    """

    exit_status = 1
    # What the place within a file is called: a table has rows and columns, a parameter file lines and keys.
    row_word, column_word = "row", "column"

    def __init__(
        self,
        problem: str,
        *,
        file: str | None = None,
        row: int | str | None = None,
        column: str | None = None,
        value: object = None,
        rule: str | None = None,
        next_step: str | None = None,
    ) -> None:
        # A message is printed, logged and kept: nothing in it may identify a person, wherever it is raised.
        # A value or name that the problem quotes again is withheld there as it is in its place.
        for quoted in (str(n) for n in (value, column, (column or "").rpartition(".")[2]) if n):
            problem = problem.replace(quoted, masked_name(quoted))
        self.problem, self.next_step = masked(problem), masked(next_step) if next_step else next_step
        self.file = None if file is None else masked(str(file))
        self.column = None if column is None else masked_name(str(column))
        self.value = masked_name(value) if isinstance(value, str) else value
        self.row, self.rule = row, rule
        super().__init__(self.describe())

    def say_next(self, next_step: str) -> None:
        """Adds what to do next, where that is known only later than the problem."""
        self.next_step = masked(next_step)
        self.args = (self.describe(),)

    def _render_traceback_(self) -> list[str]:
        """What IPython and JupyterLab show of this error: the reader's own lines that led to it, and the message.

        All of it where another error was being handled, which may be a fault of the code, and with TRIALBOOK_TRACEBACK.
        """
        other = None if self.__suppress_context__ else self.__context__
        if os.environ.get(TRACEBACK) or not (other is None or isinstance(other, TrialbookError)):
            return traceback.format_exception(self)
        own = [n for n in traceback.extract_tb(self.__traceback__) if not n.filename.startswith(_NOT_OWN)]
        lines = [f"line {n.lineno}: {' '.join((n.line or n.name).split())}" for n in own]
        return [*lines, self.describe()]

    def describe(self) -> str:
        """The message as one line: `[rule] file, row, column, value: problem. Next: ...`.

        >>> error = StopError("not a date", file="ae.csv", row=3, column="AESTDTC", next_step="correct it")
        >>> error.describe()
        'ae.csv, row 3, column AESTDTC: not a date. Next: correct it.'
        """
        place = [_shortened(self.file, LONGEST_PATH)] if self.file else []
        if self.row is not None:
            place.append(f"{self.row_word} {self.row}")
        if self.column:
            place.append(f"{self.column_word} {_shortened(self.column)}")
        if self.value is not None:
            # A list or a number is masked as it is printed; a text was masked before its quotes were added.
            shown = repr(self.value) if isinstance(self.value, str) else masked(repr(self.value))
            place.append(f"value {_shortened(shown)}")
        head = f"[{self.rule}] " if self.rule else ""
        where = f"{', '.join(place)}: " if place else ""
        tail = f" Next: {self.next_step}." if self.next_step else ""
        text = f"{head}{where}{self.problem.rstrip('.')}.{tail}"
        return printable(" ".join(text.split()))


def _shortened(text: str, longest: int = LONGEST_VALUE) -> str:
    """A value, cut to what fits into one line of a message."""
    return text if len(text) <= longest else f"{text[:longest]}... ({len(text)} characters)"


class UsageError(TrialbookError):
    """Wrong usage: no such cut, bad parameter file, unreadable path."""

    exit_status = 2


class ParameterError(UsageError):
    """A mistake in a parameter file (YAML): names the line and the key."""

    row_word, column_word = "line", "key"


class StopError(TrialbookError):
    """The data or a contract stop the build; the last complete build stays as it is."""

    exit_status = 1


class BusyError(TrialbookError):
    """Another build of the same cut is running."""

    exit_status = 3


class ChangedError(TrialbookError):
    """What is published under this cut id was made from another snapshot; `details` say what differs."""

    exit_status = 4

    def __init__(self, problem: str, *, details: list[str], **place: Any) -> None:
        self.details = details
        super().__init__(problem, **place)


_LINE = re.compile(
    r"(?:\[(?P<rule>[\w-]+)\] )?"
    r"(?:(?P<file>[^:,]*\.\w+|[^:,\s]+)(?:, (?:row|line) (?P<row>[^:]+?))?(?:, (?:column|key) (?P<column>[^:]+?))?"
    r"(?:, value (?P<value>'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|\[.*?\]|[^:]+?))?: )?"
    r"(?P<problem>.*?)\.(?: Next: (?P<next_step>.*)\.)?"
)


def error_of_line(kind: type[TrialbookError], line: str) -> TrialbookError:
    """The error that described itself as this line, in its parts as far as they can be told apart.

    A notebook says of an error only its kind and its line.

    >>> error_of_line(StopError, "[P09] ae.csv, row 3: not a date. Next: correct it.").rule
    'P09'
    """
    found = _LINE.fullmatch(line)
    if found is not None:
        parts: dict[str, Any] = found.groupdict()
        with suppress(ValueError, SyntaxError):
            parts["value"] = parts["value"] and ast.literal_eval(parts["value"])
            error = kind(parts.pop("problem"), **parts)
            if error.describe() == line:
                return error
    return kind(line)


def unknown_error(error: Exception) -> str:
    """One line on an error that is none of ours: its kind and where it came from, as it may quote a patient's value.

    Raises it instead when TRIALBOOK_TRACEBACK is set.
    """
    if os.environ.get(TRACEBACK):
        raise error
    if isinstance(error, MemoryError):
        return (
            "there was not enough memory. Next: allow this command more memory, close other programs, or use --jobs 1."
        )
    where = [frame for frame in traceback.extract_tb(error.__traceback__) if "trialbook" in frame.filename]
    place = f"{Path(where[-1].filename).name} line {where[-1].lineno}" if where else "the command line"
    return f"{type(error).__name__} in {place}: an error in the workbook. Next: set {TRACEBACK}=1 to see all of it."


def not_built(folder: Path) -> UsageError:
    """The error for a cut whose folder holds no complete build: every command says it in the same words."""
    # The name is in the path already, where what identifies a person is masked.
    return UsageError("this cut has not been built", file=str(folder), next_step="build this cut first")
