"""The words of every query as data: one file for each area in `texts/`, English and Chinese side by side.

A module that asks names the rule and gives the arguments; what is expected, how severe it is and how it is worded is
found by the id of the rule. A module names its file in full, as in `QueryTexts("queries/texts/safety.yaml")`: that is
how a build knows what to make again when a text was edited (`trialbook.workbook.import_closure`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Annotated, Any, Literal, NamedTuple, get_args

from pydantic import BaseModel, ConfigDict, StringConstraints, model_validator

from trialbook.core.file_marks import PACKAGE
from trialbook.protocol.yaml_file import about, parsed, validated

# ----------------------------------------------------------------------------------------------------
# The form of a file of texts.


# {count}, and {count:record|records} for one and for many.
PLACEHOLDER = re.compile(r"\{(\w+)(?::([^|{}]*)\|([^|{}]*))?\}")
ENGLISH, CHINESE = 0, 1
Text = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
# Who must act on a question: who entered the value, who keeps mapping and export, who reports the result, who judges.
Recipient = Literal["site", "mapper", "laboratory", "medical monitor"]
RECIPIENTS: tuple[Recipient, ...] = get_args(Recipient)


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Wording(_Entry):
    """Words in English and Chinese with the same placeholders; of a phrase one may be blank, a rule has both."""

    en: str
    zh: str

    @model_validator(mode="after")
    def _placeholders(self) -> Wording:
        for language in ("en", "zh"):
            rest = PLACEHOLDER.sub("", getattr(self, language))
            if "{" in rest or "}" in rest:
                raise about(language, "a brace belongs to no placeholder such as {count} or {count:one|many}")
        english, chinese = placeholders(self.en), placeholders(self.zh)
        if english != chinese:
            missing = ", ".join(f"{{{name}}}" for name in sorted(english ^ chinese))
            raise about("zh", f"English and Chinese must have the same placeholders; {missing} is in one of them only")
        return self


class QueryText(Wording):
    """What a rule asks, of which domain and variable; blank what the module that asks tells besides."""

    domain: str = ""
    field: str = ""
    severity: Literal["", "stop", "major", "minor"] = ""
    recipient: Recipient = "site"
    expected: str = ""
    en: Text
    zh: Text


class AreaTexts(_Entry):
    """The texts of one area: queries and corrections by rule, phrases that are put into others, and STOPs in Chinese.

    A STOP has its English message where it is raised, with the details of the case.
    """

    rules: dict[str, QueryText] = {}
    fixes: dict[str, Wording] = {}
    phrases: dict[str, Wording] = {}
    stops: dict[str, Text] = {}


def placeholders(text: str) -> set[str]:
    """The names of the placeholders of a text.

    >>> sorted(placeholders("{count} {count:record|records} of {domain}"))
    ['count', 'domain']
    """
    return {name for name, *_ in PLACEHOLDER.findall(text)}


def read_texts(text: str, file: str) -> AreaTexts:
    """The content of a file of texts; raises ParameterError with its line and key for a mistake in it."""
    return validated(AreaTexts, parsed(text, file), file)


@cache
def _area(file: str) -> AreaTexts:
    """The texts of a file of the library, read once in a process."""
    return read_texts((PACKAGE / file).read_text(encoding="utf-8"), f"trialbook/{file}")


# ----------------------------------------------------------------------------------------------------
# The texts in use.


class Phrase(NamedTuple):
    """Words in both languages."""

    english: str
    chinese: str

    @classmethod
    def join(cls, parts: Iterable[Phrase | str], english: str, chinese: str) -> Phrase:
        """The parts in one, between them what each language puts there; plain text is the same in both."""
        both = [(part, part) if isinstance(part, str) else (part.english, part.chinese) for part in parts]
        return cls(english.join(en for en, _ in both), chinese.join(zh for _, zh in both))


class Texts:
    """The texts of one area by id; `file` is the path of its file in the library. Nothing is read before it is used."""

    def __init__(self, file: str) -> None:
        self._file = file

    @property
    def area(self) -> AreaTexts:
        """The content of the file."""
        return _area(self._file)

    def phrase(self, name: str, **words: object) -> Phrase:
        """A phrase with its placeholders filled; raises KeyError for an unknown phrase or a missing word."""
        text = self.area.phrases[name]
        return Phrase(fill(text.en, words, ENGLISH), fill(text.zh, words, CHINESE))


def fill(text: str, words: Mapping[str, Any], language: int) -> str:
    """A text with its placeholders filled, in one pass: what comes from data is never taken for a placeholder.

    A `Phrase` among the words is put in in the language of the text.

    >>> fill("{n} {n:record|records} of {what}", {"n": 2, "what": Phrase("{n}", "")}, ENGLISH)
    '2 records of {n}'
    """
    if "{" not in text:
        return text

    def word(found: re.Match[str]) -> str:
        name, one, many = found.groups()
        value = words[name]
        if one is not None:
            return one if value == 1 else str(many)
        return value[language] if isinstance(value, Phrase) else str(value)

    return PLACEHOLDER.sub(word, text)
