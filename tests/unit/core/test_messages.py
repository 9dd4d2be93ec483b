"""Messages: English text that keeps pattern and arguments through frames and JSON, and says it in a language."""

from __future__ import annotations

import copy
import json
import pickle

import pandas as pd
import pytest

from trialbook.core.messages import ENGLISH, Language, enumerated, joined, msg, plain, plural

GERMAN = {
    "{n} of {total} subjects": "{n} von {total} Personen", "died on day {day:g}": "am Tag {day:g} gestorben",
    "{a} and {b}": "{a} und {b}", "{a}, {b}": "{a}, {b}", "{who}: {what}": "{what} ({who})", "Alive": "Lebt",
}  # fmt: skip
PLURALS = {"{n} subject": ("{n} Person", "{n} Personen")}


@pytest.fixture
def german() -> Language:
    return Language("de", lambda text: GERMAN.get(text, text), lambda one, many, n: PLURALS[one][n != 1])


def test_a_message_is_its_english_text():
    said = msg("{n} of {total} subjects", n=3, total=12)
    assert said == "3 of 12 subjects"
    assert {said: 1}["3 of 12 subjects"] == 1
    assert f"{said}." == "3 of 12 subjects."
    assert isinstance(said, str)


def test_it_is_said_in_another_language_with_its_arguments(german: Language):
    died = msg("{who}: {what}", who="S01", what=msg("died on day {day:g}", day=45.0))
    assert died == "S01: died on day 45"
    assert german.say(died) == "am Tag 45 gestorben (S01)"
    assert german.say(plain(died)) == "am Tag 45 gestorben (S01)"


def test_the_number_decides_on_the_form(german: Language):
    assert [plural("{n} subject", "{n} subjects", n) for n in (0, 1, 2)] == ["0 subjects", "1 subject", "2 subjects"]
    assert [german.say(plural("{n} subject", "{n} subjects", n)) for n in (1, 2)] == ["1 Person", "2 Personen"]


def test_a_list_has_the_words_of_the_language(german: Language):
    assert enumerated([28, 100, 180]) == "28, 100 and 180"
    assert german.say(enumerated([28, 100, 180])) == "28, 100 und 180"
    assert joined(["", "Alive", ""], "; ") == "Alive"


def test_text_of_the_data_is_never_translated(german: Language):
    said = msg("{who}: {what}", who="Lives in Alive", what="x")
    assert german.say(said) == "x (Lives in Alive)"


@pytest.mark.parametrize("value", [3, 0.25, float("inf"), pd.Timestamp("2025-01-10"), None, "中文", True])
def test_what_fills_a_place_survives_as_json(value: object):
    said = msg("Value: {value}", value=value)
    assert ENGLISH.say(json.loads(json.dumps(plain(said)))) == said


def test_a_date_keeps_the_format_of_its_place():
    said = msg("seen on {day:%d %b %Y}", day=pd.Timestamp("2025-01-10"))
    assert ENGLISH.say(json.loads(json.dumps(plain(said)))) == said == "seen on 10 Jan 2025"


def test_copies_are_equal_and_keep_what_they_are_made_of():
    said = msg("{n} of {total} subjects", n=3, total=12)
    for other in (copy.copy(said), copy.deepcopy(said), pickle.loads(pickle.dumps(said))):  # noqa: S301 - our own
        assert other == said
        assert other.arguments == {"n": 3, "total": 12}


@pytest.mark.parametrize("pattern", ["{a.__class__}", "{a[0]}", "{0}"])
def test_a_pattern_that_reaches_into_what_fills_it_is_refused(pattern: str):
    with pytest.raises(ValueError, match="plain name"):
        ENGLISH.say({"m": pattern, "a": {"a": "x", "0": "y"}})
