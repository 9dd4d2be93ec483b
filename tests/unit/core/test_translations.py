"""Translations: English that has lost its message is read back by the ids of the catalogue alone."""

from __future__ import annotations

import pytest

from trialbook.core.messages import enumerated, joined, msg, plain, plural
from trialbook.core.translations import Translation, read_entries

CATALOGUE = """
msgid ""
msgstr "Language: de\\n"

#, python-brace-format
msgid "{n} of {total} subjects"
msgstr "{n} von {total} Personen"

msgid "died on day {day:g}"
msgstr "am Tag {day:g} "
"gestorben"

msgid "{n} subject"
msgid_plural "{n} subjects"
msgstr[0] "Personen: {n}"

msgid "Alive"
msgstr "Lebt"

msgid "{who} has {what}"
msgstr "{what} ({who})"

msgid "{term} on {drug}"
msgstr "{term} unter {drug}"

msgid "{a} and {b}"
msgstr "{a} und {b}"

#, fuzzy
msgid "Not sure"
msgstr "Vielleicht"
"""


@pytest.fixture
def german() -> Translation:
    return Translation("de", read_entries(CATALOGUE))


@pytest.mark.parametrize(
    "said",
    [
        msg("{n} of {total} subjects", n=7, total=9),
        msg("died on day {day:g}", day=77.0),
        plural("{n} subject", "{n} subjects", 1),
        plural("{n} subject", "{n} subjects", 4),
        joined([msg("Alive"), msg("died on day {day:g}", day=3)], "; "),
        enumerated([msg("Alive"), msg("died on day {day:g}", day=3)]),
        msg("{who} has {what}", who="S01", what=msg("{n} of {total} subjects", n=1, total=2)),
    ],
)  # fmt: skip
def test_a_message_and_its_english_alone_say_the_same(german: Translation, said: str):
    assert german.say(str(said)[:]) == german.say(said) == german.say(plain(said)) != said
    assert german.unread == set()


def test_what_the_catalogue_does_not_know_is_shown_as_it_is_and_noted(german: Translation):
    assert german.say("Alive and something else") == "Alive and something else"
    assert german.say("Not sure") == "Not sure"
    assert german.unread == {"Alive and something else", "Not sure"}


def test_numbers_and_codes_need_no_translation(german: Translation):
    assert german.say("DL1: 3/6 (50%)") == "DL1: 3/6 (50%)"
    assert german.unread == set()


def test_text_of_the_data_in_a_place_is_never_translated(german: Translation):
    assert german.say("Alive on Alive") == "Alive unter Alive"


def test_sentences_that_follow_each_other_are_read_one_by_one(german: Translation):
    assert german.say("S01 has Alive. 7 of 9 subjects.") == "Lebt (S01)。 7 von 9 Personen。"
