"""The errors of the workbook: what, where, why and what to do next, with the exit status; in Chinese for a STOP."""

from __future__ import annotations

import os
import traceback
from pathlib import Path
from typing import Any

from trialbook.core.characters import printable
from trialbook.core.privacy import masked, masked_name

# ----------------------------------------------------------------------------------------------------

# Set by a developer who wants to see the whole of an unknown error.
TRACEBACK = "TRIALBOOK_TRACEBACK"

LONGEST_VALUE = 120
LONGEST_PATH = 400


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


# ----------------------------------------------------------------------------------------------------
# What a STOP says in Chinese: where it is, what is wrong, and what to do next.


# Rule -> what is wrong and what to do. The English message says the same with the details of the case.
IN_CHINESE = {
    "P01": "文件编码无法识别或文字已损坏。请以 UTF-8 编码重新提供该文件。",
    "P03": "单元格被合并，无法确定该值属于哪些记录。请取消合并并在每行填写该值。",
    "P08-TREATED-TWICE": "同一人的两个受试者编号均有输注记录。请确定采用哪个编号。",
    "P09-SUBJECT-TWICE": "该受试者在 DM 中出现两次。请每名受试者只保留一行。",
    "P09-SUBJECT-ALIKE": "两个受试者编号仅前导零或大小写不同。请每名受试者只保留一行。",
    "P09-NOT-IN-DM": "该受试者不在 DM 中。请更正编号或补充 DM。",
    "P11-NO-FIRST-INFUSION-DATE": "已治疗受试者的首次输注缺少完整日期（或没有输注记录），该日期不作填补。请补充。",
    "P34": "文件无法按要求读取。请检查该文件后重新提供。",
    "P34-COLUMN-MISSING": "缺少必需的列。请提供该列；未收集数据时列内容可为空。",
    "P34-NO-SUBJECT": "DM 中有一行没有受试者编号。请补充 DM。",
    "P34-MAPPING": "映射文件与中心导出的文件不符。请更正映射文件。",
    "P34-OTHER-STUDY": "该文件的研究编号属于其他研究。请提供本研究的文件，或在源数据中更正研究编号。",
    "P35-RECORD-DELETED": "前次数据截止时存在的记录现已缺失。请恢复，或在已批准删除清单中列出并注明原因。",
    "P37-IDENTIFIER": "标识符含证件号、电话号码或姓名等个人信息（不显示其值）。请在源数据中改用仅供本研究使用的编号。",
    "SYNTHETIC": "截止文件与数据快照清单对“是否为模拟数据”的说明不一致或无法读取。请更正错误的一方。",
    "TRANSFER": "收到的文件与传输清单不一致。请重新传输，或核实后更新传输清单。",
}


def in_chinese(error: TrialbookError) -> str:
    """The message of a STOP in Chinese with its place and value; blank where the rule has no Chinese words.

    >>> in_chinese(StopError("no number", file="dm.csv", row=3, rule="P34-NO-SUBJECT"))
    '[P34-NO-SUBJECT] dm.csv，第 3 行：DM 中有一行没有受试者编号。请补充 DM。'
    """
    words = IN_CHINESE.get(error.rule or "")
    if words is None:
        return ""
    place = [str(error.file)] if error.file else []
    if error.row is not None:
        place.append(f"第 {str(error.row).replace(' and ', '、')} 行")
    if error.column:
        place.append(f"列 {error.column}")
    if error.value is not None:
        place.append(f"值 {error.value!r}")
    return f"[{error.rule}] {'，'.join(place)}{'：' if place else ''}{words}"
