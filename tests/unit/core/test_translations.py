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

msgid "{n} of {total}"
msgstr "{n} aus {total}"

msgid "Data at {cut}"
msgstr "Zum {cut}"

msgid "limit {value}"
msgstr "Grenze {value}"

msgid "between {ends}"
msgstr "zwischen {ends} gelegen"

msgid ", open: {deciding}"
msgstr ", offen: {deciding}"

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


@pytest.mark.parametrize(
    "said",
    [
        "study drug of another trial", "Y of 2025-02-15", "2 of 2025-02", "form: 2 of 2025-02-15", "Alive of Alive",
        "Data at the cut", "Data at home", "Data at the cut: 16 screened",
    ],
)  # fmt: skip
def test_a_place_of_numbers_or_of_a_code_holds_nothing_else(german: Translation, said: str):
    assert german.say(said) == said


@pytest.mark.parametrize(
    ("said", "read"),
    [
        ("2 of 12", "2 aus 12"), ("1.5 of 2.25", "1.5 aus 2.25"), ("Data at 2025-09-30", "Zum 2025-09-30"),
        ("Data at DL1", "Zum DL1"), ("limit 1.2", "Grenze 1.2"), ("limit 1.2.", "Grenze 1.2。"),
        ("between 5 and 6 of 11, open: 011", "zwischen 5 und 6 aus 11 gelegen, offen: 011"),
    ],
)  # fmt: skip
def test_numbers_codes_and_what_goes_on_behind_a_place_are_read(german: Translation, said: str, read: str):
    assert german.say(said) == read
