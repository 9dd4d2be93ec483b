"""The Chinese catalogue: each text of today is there, none is fuzzy or left over; places are those of the id."""

from __future__ import annotations

import pytest

from support.catalogue_texts import known_texts, read_catalogue
from trialbook.core.file_marks import PACKAGE
from trialbook.core.messages import places
from trialbook.core.translations import CHINESE_TEXTS, Entry, chinese, read_entries
from trialbook.display.catalogue import extracted


@pytest.fixture(scope="module")
def entries() -> list[Entry]:
    return list(read_entries((PACKAGE / CHINESE_TEXTS).read_text(encoding="utf-8")))


def test_every_text_of_today_has_a_translation_and_none_is_left_over(entries: list[Entry]):
    known = known_texts(extracted())
    there = {text for one in entries for text in (one.msgid, one.plural) if text}
    assert sorted(known - there) == [], "translate these in the catalogue of Chinese texts"
    assert sorted(there - known) == [], "no text of today has these ids: delete them"
    assert sorted(one.msgid for one in entries if one.fuzzy or not one.said) == []


def test_a_translation_has_the_places_of_its_id(entries: list[Entry]):
    wrong = {one.msgid for one in entries if places(one.said) != places(one.plural or one.msgid)}
    assert wrong == set()


def test_the_file_can_be_read_by_translators_tools(entries: list[Entry]):
    theirs = {message.id[0] if isinstance(message.id, tuple) else message.id for message in
              read_catalogue(PACKAGE / CHINESE_TEXTS) if message.id}  # fmt: skip
    assert theirs == {one.msgid for one in entries}


def test_a_text_and_its_english_alone_say_the_same(entries: list[Entry]):
    language = chinese()
    for one in entries:
        if not places(one.msgid):
            assert language.say(one.msgid) == one.said
