"""Answers to questions: what people said, kept in a file of their own (interface §7.7), and what holds of them.

A build reads the answers that were given on its own cut and on earlier ones, so that an answer on a later cut never
changes it. An answer is about the value that was asked about: when that changes, the question is open again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal

from trialbook.core.errors import UsageError
from trialbook.protocol.models import Cut, Trial, calendar_date
from trialbook.protocol.yaml_file import read_yaml
from trialbook.queries.kept_lists import keep_once, read_kept
from trialbook.queries.rule_texts import Phrase, Texts

FOLDER = "data/answers"
Verdict = Literal["confirmed", "corrected", "waived", "reopened"]
# What people write for each answer, beside its own name: small letters, blanks as they come.
_WORDS: Mapping[Verdict, str] = {
    "confirmed": "confirm|value stands|confirmed, value stands|确认|已确认|数值无误|属实",
    "corrected": "correct|已更正|更正|已修改",
    "waived": "waive|豁免|无需处理|不再追问",
    "reopened": "reopen|重新打开|再次询问",
}
VOCABULARY: Mapping[str, Verdict] = {
    word: verdict for verdict, words in _WORDS.items() for word in (verdict, *words.split("|"))
}
# What nobody can change at the source any more, so that its absence from the next export answers nothing.
NEEDS_CONFIRMATION = ("P36-RESTATED",)
_TEXTS = Texts("queries/texts/lists.yaml")


@dataclass(frozen=True)
class Answer:
    """One answer: to which question, what, why, of which day, by whom; when it was taken in (`recorded`, UTC), on the
    list of which cut, and what it is about (`mark_of` the question then).
    """

    query_id: str
    answer: Verdict
    reason: str
    date: str
    by: str
    recorded: str
    cut_date: str
    about: str

    @property
    def key(self) -> tuple[str, ...]:
        """What makes it the same answer when a file comes twice."""
        return (self.query_id, self.answer, self.reason, self.date, _person(self.by))


COLUMNS = [field.name for field in fields(Answer)]


def verdict_of(text: str) -> Verdict | None:
    """The answer that a person's words stand for; None where they stand for none.

    >>> verdict_of(" Value  stands "), verdict_of("已更正"), verdict_of("maybe")
    ('confirmed', 'corrected', None)
    """
    return VOCABULARY.get(" ".join(text.replace("，", ", ").split()).casefold())


def mark_of(observed: str, record_list: str) -> str:
    """What an answer is about: a short hash of the value that was asked about, and of the records of a joint question.

    >>> mark_of("8 -> 82", "") == mark_of("8 -> 82", ""), mark_of("8 -> 82", "") == mark_of("8 -> 83", "")
    (True, False)
    """
    return hashlib.sha256(f"{observed}\x1f{record_list}".encode()).hexdigest()[:10]


# ----------------------------------------------------------------------------------------------------
# The file.


def answers_file(cut: Cut, root: Path) -> Path:
    """Where the answers of a cut are kept: the file that the cut file names, else `data/answers/<cut_id>.csv`."""
    return _place(cut.cut_id, cut.answers, root)


def _place(cut_id: str, named: object, root: Path) -> Path:
    return (root / (str(named) if named else f"{FOLDER}/{cut_id}.csv")).resolve()


def read_answers(path: Path) -> list[Answer]:
    """Every answer of a file in the order in which they came; none where there is no file.

    Raises UsageError with the line of what cannot be read.
    """
    if not path.exists():
        return []
    try:
        columns, rows = read_kept(path.read_bytes())
    except (OSError, ValueError) as error:
        raise _damaged("the answers cannot be read", path) from error
    if columns != COLUMNS:
        raise _damaged(f"the answers have other columns than {', '.join(COLUMNS)}", path, 1)
    found = []
    for row, values in enumerate(rows, start=2):
        given: dict[str, Any] = dict(values)
        if given["answer"] not in _WORDS or not given["query_id"] or not given["by"]:
            raise _damaged("this answer cannot be read", path, row)
        for name in ("date", "cut_date"):
            try:
                calendar_date(given[name], "not a complete date")
            except ValueError:
                raise _damaged("this date cannot be read", path, row, name) from None
        found.append(Answer(**given))
    return found


def keep_answers(path: Path, new: Iterable[Answer]) -> list[Answer]:
    """Adds answers to the end of their file, each once; what is there stays as it is. Returns what was added."""
    return keep_once(path, read_answers(path), new, COLUMNS)


def answers_until(trial: Trial) -> list[Answer]:
    """The answers that a build of this cut reads: those on its own list, and on the lists of the cuts before it."""
    found = [one for place in files_until(trial) for one in read_answers(place)]
    return sorted((one for one in found if one.cut_date <= trial.cut.cut_date), key=lambda one: one.recorded)


def files_until(trial: Trial) -> list[Path]:
    """The files of the answers on a cut and on those before it, the oldest cut first, as their cut files name them."""
    places, before = [answers_file(trial.cut, trial.root)], trial.cut.previous_cut
    seen = {trial.cut.cut_id}
    while isinstance(before, str) and before not in seen:
        seen.add(before)
        file = trial.root / "params" / "cuts" / f"{before}.yaml"
        content = read_yaml(file) if file.is_file() else None
        # What a cut file of an earlier cut says otherwise was checked when that cut was built.
        named = content if isinstance(content, dict) else {}
        places.append(_place(before, named.get("answers"), trial.root))
        before = named.get("previous_cut")
    return list(dict.fromkeys(reversed(places)))


def _damaged(problem: str, path: Path, row: int | None = None, column: str | None = None) -> UsageError:
    return UsageError(
        problem, file=str(path), row=row, column=column,
        next_step="restore this file from a backup, or move it to another place so that a new one begins",
    )  # fmt: skip


# ----------------------------------------------------------------------------------------------------
# What follows from the answers to one question.


def _person(name: str) -> str:
    return " ".join(name.split()).casefold()


@dataclass(frozen=True)
class Standing:
    """What holds of the answers to a question: the last word of each person since it was last reopened.

    `answer` is the newest of them, None where nobody has answered; `differing` are two or more that contradict.
    """

    answer: Answer | None
    differing: tuple[Answer, ...] = ()


def standing(answers: Sequence[Answer]) -> Standing:
    """What holds of the answers to one question, given in the order in which they came."""
    last: dict[str, Answer] = {}
    for one in answers:
        if one.answer == "reopened":
            last.clear()
        last.pop(_person(one.by), None)
        last[_person(one.by)] = one
    said = list(last.values())
    if len(said) > 1:
        said = [one for one in said if one.answer != "reopened"]
    if len({one.answer for one in said}) > 1:
        return Standing(None, tuple(said))
    return Standing(said[-1] if said else None)


def said_by(answers: Iterable[Answer]) -> str:
    """The answers to one question as one text: when, what, who, why."""
    return "; ".join(f"{one.date} {one.answer} ({one.by}): {one.reason}" for one in answers)


def in_words(differing: Iterable[Answer]) -> Phrase:
    """Answers that contradict, each with its person and day."""
    return Phrase.join(
        [_TEXTS.phrase("ANSWER-OF", person=one.by, answer=_TEXTS.phrase(one.answer.upper()), date=one.date)
         for one in differing], "; ", "；",
    )  # fmt: skip
