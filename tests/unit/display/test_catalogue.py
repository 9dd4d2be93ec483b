"""The catalogue of texts is up to date, what is marked can be translated, and templates hold no other words."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from jinja2 import Environment

from support.catalogue_texts import known_texts, read_catalogue
from trialbook.core.messages import places
from trialbook.display.catalogue import LIBRARY, TEMPLATE, Marking, extracted, written

# Words of a template that are no messages yet: fewer may remain, not more.
LEFT: dict[str, int] = {}
TEMPLATES = sorted((LIBRARY / "display" / "templates").glob("*.html"))


def test_the_template_holds_every_text_of_today():
    texts = extracted()
    assert TEMPLATE.read_bytes() == written(texts), "make catalogue writes src/trialbook/locales/trialbook.pot anew"
    assert known_texts(read_catalogue(TEMPLATE)) == known_texts(texts)


def test_it_knows_the_texts_of_library_templates_notebooks_contracts_and_parameters():
    known = known_texts(extracted())
    assert {
        "The Safety Review Committee decides.", "Skip to content", "Files received", "Domain", "No contract is broken.",
        "Adverse events: one row per record",
    } <= known  # fmt: skip
    assert any(text.startswith("# Cleaning and data cut") for text in known)


def test_every_place_of_a_message_is_a_plain_name():
    for text in known_texts(extracted()):
        if re.search(r"\{[a-z_]+\}", text):
            assert all(name.isidentifier() for name in places(text)), text


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_templates_hold_no_word_outside_a_message(path: Path):
    source = path.read_text(encoding="utf-8")
    said = "".join(value if kind == "data" else " " for _, kind, value in Environment(autoescape=True).lex(source))
    said = re.sub(r"<style>.*?</style>|<script\b.*?</script>|<!--.*?-->", " ", said, flags=re.DOTALL)
    attributes = re.findall(r'(?:aria-label|alt|title)="([^"]*)"', said)
    words = re.findall(r"[^\W\d_]{2,}", " ".join([re.sub(r"<[^>]*>", " ", said), *attributes]))
    assert len(words) == LEFT.get(path.name, 0), words


def test_the_marking_language_shows_what_is_no_message():
    marking = Marking(extracted())
    assert marking.say("Skip to content") == "⟦Skip to content⟧"
    assert marking.say("nobody has marked this") == "nobody has marked this"
    assert marking.unread == {"nobody has marked this"}
