"""Texts are plain English: words and turns of an old private dialect stay out, each with the better word.

Looked at: docstrings, comments and texts of `src`, notebooks, pages of `docs` and of the root, parameter files, data
contracts, and docstrings and comments of the tests. Code is not looked at: names, what backticks quote, examples.
"""

from __future__ import annotations

import io
import json
import re
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from support.paths import ROOT


class Word(NamedTuple):
    """A turn of the dialect: the better word, letters without which it is not there, its pattern, and an example."""

    better: str
    hints: tuple[str, ...]
    pattern: str
    example: str

    def is_in(self, text: str) -> bool:
        """Whether the turn is in a text; the hints are looked for first, since that is fast."""
        small = text.lower()
        return any(hint in small for hint in self.hints) and bool(re.search(self.pattern, small))


# Who runs, builds and writes, and what is written.
_ACTOR = r"(?:steps?|notebooks?|builds?|runs?|tasks?|pieces?|cleaning|commands?|cells?|workers?|jobs?)"
_HAVE = r"(?: (?:has|have|had|may|must|did not|does not|no longer))?"
_OUTPUT = r"(?:datasets?|domains|files?|receipts?|results?|outputs?|outcomes?|pages?|what)"
_FIRST = ("due", "asked", "kept", "left out", "counted", "listed", "shown", "meant", "compared", "looked at")
_OLD = ("thereof", "therein", "thereupon", "hereof", "herein", "whereof", "wherein", "whence", "thence")

# Patterns are searched in lower case.
DIALECT = [
    Word(
        "is, is shown, is listed, applies; or name the thing", ("stand", "stood"),
        r"\b(?:stands?|stood|standing)\b(?! for\b| in for\b| out\b|-)",
        "Shares stand only where the group is large enough.",
    ),
    Word(
        "is reported, mentioned, shown, known", ("told",), r"(?<!be )\btold\b(?! apart)", "The committee is told of it."
    ),
    Word("in the background", (" aside",), r"\b(?:made|done|put|works?|moved) aside\b", "The page is made aside."),
    Word("partly", ("by halves",), r"\bby halves\b", "events that are fatal by halves"),
    Word(
        "participant flow, course", ("the way of",),
        r"\bthe way of (?:the )?(?:subjects?|patients?|data|values?)\b", "The way of the subjects",
    ),
    Word(
        "everybody who, each subject who; or name the reader", ("whoever",), r"\bwhoever\b",
        "Whoever opens it needs no network.",
    ),
    Word("again; rebuilt, renumbered, rewritten", ("anew",), r"\banew\b", "What has changed is made anew."),
    Word(
        "sources, inputs; is derived from", ("made of",),
        r"\bwhat (?:\w+ ){1,5}(?:is|was|are|were) made of\b|\b(?:was|were) made of\b", "It says what it was made of.",
    ),
    Word(
        "writes", ("leave", "left"),
        rf"\b{_ACTOR}{_HAVE} (?:leaves?|left)\b(?! (?:\w+ )?out| open| over| early| the\b| it to| in\b)",
        "A dataset that a notebook leaves",
    ),
    Word(
        "writes", ("leave", "left"),
        rf"\b(?:leaves?|left) (?:a|an|the|its|no|one|all|these|those|this) (?:\w+ )?{_OUTPUT}\b(?! out| open)",
        "the last cell left no receipt",
    ),
    Word(
        "is written by", ("left",),
        rf"\b(?:was|were|been|is|are) left (?:by|for later)\b(?! none)|\bleft by (?:an? |the |earlier )?{_ACTOR}",
        "This file was left by no step.",
    ),
    Word("because ... is missing", ("for want of",), r"\bfor want of\b", "Unknown for want of a grade."),
    Word("slightly; a tiny term", ("a hair",), r"\ba hair\b", "told apart by a hair"),
    Word("recognised by", ("betray",), r"\bbetray(?:s|ed)?\b", "betrayed by birth date and sex"),
    Word(
        "of it, in it, for that reason", _OLD,
        rf"\b(?:{'|'.join(_OLD)})\b", "the parts thereof",
    ),
    Word(
        "the subject first: 'Planned infusions are due when'",
        tuple(f"{word} {verb}" for word in _FIRST for verb in ("is", "are")),
        rf"(?:^|[.:;] )(?:not )?(?:{'|'.join(_FIRST)}) (?:is|are)\b",
        "Due are the planned infusions whose day lies by the cut.",
    ),
    Word("is intended", ("meant",), r"\bdifferences? (?:is|are) meant\b", "Four differences are meant."),
    Word("say what can be set", ("one key",), r"\bone key away\b", "Other transforms are one key away."),
    Word(
        "whatever happens with what is open", ("whatever",), r"\bwhatever comes of\b",
        "Whatever comes of what is open, the rule will say the same.",
    ),
    Word("interactive, expandable", ("to open",), r", to open\b", "Eligibility audit, to open"),
    Word(
        "is still", ("still",), r"\bstill (?:is|has) (?:one|left)\b|\bwho still is\b",
        "a responder who still is one at day 56",
    ),
    Word(
        "does not need it", (" not",), r"\b(?:needs?|knows?) (?:it|them) not\b",
        "a build that has nothing to do needs it not",
    ),
    Word(
        "the outcome of", ("what bec",), r"\bwhat (?:became|becomes) of\b", "what became of each piece",
    ),
    Word(
        "carry, matter for", ("bear",), r"\bbears? (?:on|the|her|his|it)\b", "events that bear on the determination",
    ),
    Word("differently from", ("otherwise than",), r"\botherwise than\b", "named otherwise than the protocol file"),
    # Sentences that readers of the pages stumbled over.
    Word("counts towards the cap", ("place under",), r"\buses a place under\b", "this uses a place under the cap"),
    Word("lines only guide the eye", ("eye only",), r"\bfor the eye only\b", "(blue: steps, for the eye only)"),
    Word("the first match gives", ("search that",), r"\bsearch that fits\b", "the search that fits"),
    Word("each cell opens the records", ("same matrix",), r"\bsame matrix to open\b", "The same matrix to open"),
    Word("where they decide the stage", ("these decide",), r"\bwhere these decide\b", "findings where these decide"),
    Word("Mature subjects only", ("of those mature",), r"\bsubjects of those mature\b", "Subjects of those mature"),
    Word("Every time is known", ("is unresolved",), r"\bno \w+ time is unresolved\b", "no survival time is unresolved"),
    Word("new in that row", ("did not count in",), r"\bdid not count in that row\b", "did not count in that row"),
    Word("no further dosing before", ("may be treated",), r"\bnobody may be treated\b", "nobody may be treated"),
    Word(
        "the rulebook (docs/rules.md)", ("domain",), r"\bdomain document\b|\bdomain\.md\b|\(domain §",
        "(domain document §3.1)"
    ),
]  # fmt: skip

# Sentences that are plain: no word of the list may find them.
FINE = [
    "The standard form is understood; a stand-in stands for a digit; colours stand out.",
    "Rows of labels are set aside. Records are left out, and missing organs leave the grade open.",
    "A subject who left the trial early; nothing is left of the window; 3 days left.",
    "Day and month cannot be told apart, and it cannot be told which record is meant.",
    "The list is made of words; a bar made of blocks.",
    "Whatever is missing is asked for. The build leaves out nothing. The notebook left out one subject.",
    "Cleaning leaves open what it cannot read, and no record is left unread.",
]

# Real uses, by file and a part of the line, each with its reason.
EXCEPTIONS: dict[tuple[str, str], str] = {
    ("src/trialbook/queries/answers.py", "value stands"): "what sites write for a confirmation",
}

# What backticks or braces quote, addresses, and names in capitals.
QUOTED = re.compile(r"`[^`]*`|\{[^{}]*\}|https?://\S+|\b[A-Z][A-Z0-9_]{2,}\b")
# A text after one of these is a statement of its own: a docstring.
BEFORE_DOCSTRING = {tokenize.INDENT, tokenize.NEWLINE, tokenize.NL, tokenize.COMMENT, tokenize.DEDENT}


class Line(NamedTuple):
    """One line of text of a file."""

    file: str
    number: int
    text: str


def python_lines(file: str, source: str, first: int = 1, *, texts: bool = True) -> Iterator[Line]:
    """Comments, docstrings, and (with `texts`) other texts of more than one word."""
    before = tokenize.NL
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        is_text = token.type == tokenize.STRING or tokenize.tok_name[token.type] == "FSTRING_MIDDLE"
        is_docstring = is_text and before in BEFORE_DOCSTRING and '"""' in token.string
        is_sentence = is_text and texts and " " in token.string.strip("frbu\"'")
        before = token.type
        if token.type == tokenize.COMMENT or is_docstring or is_sentence:
            for k, line in enumerate(token.string.split("\n")):
                if not line.lstrip().startswith((">>> ", "... ")):
                    yield Line(file, first + token.start[0] - 1 + k, line.strip().removeprefix("#").strip(" \"'"))


def notebook_lines(file: str, source: str) -> Iterator[Line]:
    for cell in json.loads(source)["cells"]:
        text = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            yield from (Line(file, k, line) for k, line in enumerate(text.split("\n"), start=1))
        elif not text.lstrip().startswith("%"):
            yield from python_lines(file, text)


def plain_lines(file: str, source: str) -> Iterator[Line]:
    yield from (Line(file, k, line.strip(" #-|")) for k, line in enumerate(source.split("\n"), start=1))


def files() -> Iterator[Path]:
    for folder in ("src", "tests", "notebooks", "docs", "params", "data_contracts"):
        for path in sorted((ROOT / folder).rglob("*")):
            built = {"__pycache__", ".ipynb_checkpoints", "_build"} & set(path.parts)
            if path.suffix in (".py", ".ipynb", ".md", ".yaml", ".html") and not built:
                yield path
    yield from sorted(ROOT.glob("*.md"))
    yield from (ROOT / "Makefile", ROOT / "pyproject.toml")


def lines_of(path: Path) -> Iterator[Line]:
    file, source = path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        return python_lines(file, source, texts=not file.startswith("tests/"))
    return notebook_lines(file, source) if path.suffix == ".ipynb" else plain_lines(file, source)


@cache
def found() -> dict[int, list[Line]]:
    """The lines with each word of the list; a file is only taken apart where a word may be in it."""
    hits: dict[int, list[Line]] = {}
    for path in files():
        source = path.read_text(encoding="utf-8").lower()
        possible = [k for k, word in enumerate(DIALECT) if any(hint in source for hint in word.hints)]
        if path == Path(__file__) or not possible:
            continue
        for line in lines_of(path):
            text = QUOTED.sub(" ", line.text)
            for k in possible:
                if DIALECT[k].is_in(text):
                    hits.setdefault(k, []).append(line)
    return hits


def is_exception(line: Line) -> bool:
    return any(line.file == file and part in line.text for file, part in EXCEPTIONS)


@pytest.mark.parametrize("k", range(len(DIALECT)), ids=[word.example for word in DIALECT])
def test_no_text_speaks_the_dialect(k: int) -> None:
    wrong = [f"{line.file}:{line.number}: {line.text}" for line in found().get(k, []) if not is_exception(line)]
    assert wrong == [], f"write instead: {DIALECT[k].better}"


def test_each_exception_is_still_needed() -> None:
    every = [line for lines in found().values() for line in lines]
    for file, part in EXCEPTIONS:
        assert any(line.file == file and part in line.text for line in every), (file, part)


@pytest.mark.parametrize("word", DIALECT, ids=[word.example for word in DIALECT])
def test_each_word_finds_its_example_and_no_plain_sentence(word: Word) -> None:
    assert word.is_in(word.example)
    assert [sentence for sentence in FINE if word.is_in(sentence)] == []


def test_all_kinds_of_text_are_looked_at() -> None:
    source = 'def f():\n    """It stands."""\n    # stands here\n    told = f"{told} stands {told}"\n    return told\n'
    lines = [QUOTED.sub(" ", line.text) for line in python_lines("x.py", source)]
    assert [DIALECT[0].is_in(line) for line in lines] == [True, True, True]
    assert not any("told" in line for line in lines)
    cells = {
        "cells": [{"cell_type": "markdown", "source": ["It stands."]}, {"cell_type": "code", "source": ["# so\n"]}]
    }
    assert [line.text for line in notebook_lines("x.ipynb", json.dumps(cells))] == ["It stands.", "so"]
    assert {path.suffix for path in files()} >= {".py", ".ipynb", ".md", ".yaml"}
