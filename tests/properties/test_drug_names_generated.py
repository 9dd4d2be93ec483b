"""Generated spellings of drug names: every single edit is asked about, never taken; doses change nothing."""

from __future__ import annotations

import csv
import random
from collections.abc import Iterator

import pytest

from support.paths import TESTS
from trialbook.drugs.reading import lexicon
from trialbook.drugs.records import (
    BY_RELEVANCE,
    UNCLASSIFIED,
    NamedDrugs,
    allowed_edits,
    drugs_in_force,
    edit_distance,
    named_drugs,
    near_names,
)
from trialbook.protocol.drug_dictionary import DrugDictionary, is_chinese, words_of

NAMES = TESTS / "data" / "drugs" / "names.csv"
with NAMES.open(encoding="utf-8", newline="") as _file:
    ROWS = [(row["NAME"], row["CLASS"], row["DRUG"]) for row in csv.DictReader(_file)]
KNOWN = [row for row in ROWS if row[1] not in ("near", "unclassified")]
# One word, long enough for an edit to be seen; Chinese names without a dosage form.
LONG = [
    (name, drug)
    for name, kind, drug in KNOWN
    if kind in ("therapy", "steroid")
    and ((name.isascii() and name.isalpha() and len(name) >= 6) or (all(map(is_chinese, name)) and len(name) >= 4))
]
BEFORE = ["", "注射用", "口服 ", "Inj. ", "5 mg ", "oral "]
AFTER = [
    "",
    " 40mg bid",
    "5mg q12h po",
    " 0.1g/d ivgtt",
    "片",
    "注射液 20mg d1,d4",
    " tablets 10 mg",
    "（进口）",
    " 2 mg/kg/day",
    " x3d",
]
BETWEEN = [" + ", "、", " and ", "/", "，", "联合", "; ", " 和 "]


@pytest.fixture
def drugs(analysis) -> DrugDictionary:
    return drugs_in_force(analysis)


def _chance(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 - made-up spellings, the same at every run


def read(drugs: DrugDictionary, text: str) -> NamedDrugs:
    return named_drugs(text, text.upper(), lexicon(drugs))


def edits(name: str, chance: random.Random) -> Iterator[str]:
    """Every deletion and exchange, and at each place one substitution and one insertion."""
    letters = "abcdefghijklmnopqrstuvwxyz" if name.isascii() else "安博昌达恩芳固华"
    for k in range(len(name)):
        yield name[:k] + name[k + 1 :]
        yield name[:k] + chance.choice(letters) + name[k + 1 :]
        yield name[:k] + chance.choice(letters) + name[k:]
        yield name[:k] + name[k : k + 2][::-1] + name[k + 2 :]


def test_every_single_edit_of_a_long_name_is_asked_about_and_never_taken(drugs) -> None:
    chance, names, near = _chance(1), lexicon(drugs).names, near_names(drugs)
    asked = 0
    for name, drug in LONG:
        for text in edits(name.casefold(), chance):
            words = words_of(text)
            # Another name of the dictionary, whole or (in Chinese) inside, is that name.
            inside = {words[a:b] for a in range(len(words)) for b in range(a + 1, len(words) + 1)}
            if not inside.isdisjoint(names):
                continue
            found = read(drugs, text)
            assert found.kind == UNCLASSIFIED, (name, text)
            nearest = near.nearest(found.unread)
            assert nearest is not None, (name, text)
            assert nearest.edits <= 1 or nearest.drug.name == drug, (name, text)
            asked += 1
    assert asked > 3000


def test_a_dose_a_form_and_a_route_around_a_name_change_nothing(drugs) -> None:
    chance = _chance(2)
    for name, kind, drug in KNOWN:
        for _ in range(6):
            # A dose right behind a digit would be part of the name.
            after = [words for words in AFTER if not (name[-1].isdigit() and words[:1].isdigit())]
            text = chance.choice(BEFORE) + name + chance.choice(after)
            found = read(drugs, text)
            assert found.kind == kind, text
            assert drug in found.drug, text


def test_of_two_names_the_more_relevant_class_counts_in_any_order(drugs) -> None:
    chance = _chance(3)
    for _ in range(1500):
        one, two = chance.sample(KNOWN, 2)
        text = f"{one[0]} {chance.choice(AFTER)}{chance.choice(BETWEEN)}{two[0]} {chance.choice(AFTER)}"
        found = read(drugs, text)
        assert found.kind == min(one[1], two[1], key=BY_RELEVANCE.index), text
        assert {one[2], two[2]} <= {drug.name for drug in found.drugs}, text


def test_a_name_beside_one_of_no_list_leaves_it_open_unless_it_is_a_therapy(drugs) -> None:
    chance = _chance(4)
    for name, kind, _ in KNOWN:
        for unknown in ("novumab", "诺瓦单抗"):
            parts = [name, unknown]
            chance.shuffle(parts)
            found = read(drugs, chance.choice(BETWEEN).join(parts))
            assert found.kind == ("therapy" if kind == "therapy" else UNCLASSIFIED), parts


def test_near_names_are_those_of_a_search_through_all(drugs) -> None:
    chance, near = _chance(5), near_names(drugs)
    every = {"".join(words_of(name)): drug for drug in drugs.drugs for name in drug.all_names}
    for name, _ in LONG[::3]:
        text = name.casefold()
        for _ in range(2):
            text = chance.choice(list(edits(text, chance)))
        by_search = any(
            edit_distance(text, other) <= allowed_edits(other) for other in every if abs(len(other) - len(text)) < 3
        )
        found = near.nearest([words_of(text)])
        assert found is not None or not by_search, text
        if not found and allowed_edits(name.casefold()) == 2:
            assert edit_distance(text, name.casefold()) > 2
