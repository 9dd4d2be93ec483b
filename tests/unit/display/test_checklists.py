"""The reporting checklists: complete lists, answers from the build, links that lead somewhere, and what is missing."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from trialbook.commands.checklist import write_checklists
from trialbook.core.errors import UsageError
from trialbook.diff.built_cut import BuiltCut
from trialbook.display.checklists import CONSORT, GIVEN, LISTS, MISSING, NO_MATTER, PART, SPIRIT, Facts, checklist

CUT = "2025-09-30"


@pytest.fixture(scope="module")
def facts(demo: Path) -> Facts:
    build = BuiltCut.at(demo / CUT)
    assert build is not None
    return Facts(build, json.loads((demo / CUT / "decisions.json").read_text(encoding="utf-8")))


def answers(facts: Facts, items: object = CONSORT) -> dict[str, tuple[str, str]]:
    return {item.number: (str(answer.state), str(answer.text)) for item, answer in checklist(items, facts)}  # type: ignore[arg-type]


def test_the_lists_have_the_items_of_the_published_ones() -> None:
    # CONSORT 2010 has 25 numbers in 37 items, SPIRIT 2013 has 33 in 51.
    for items, numbers, length in ((CONSORT, 25, 37), (SPIRIT, 33, 51)):
        named = [item.number for item in items]
        assert len(set(named)) == len(named) == length
        assert {int(re.match(r"\d+", number)[0]) for number in named} == set(range(1, numbers + 1))  # type: ignore[index]


def test_answers_come_from_the_build(facts: Facts) -> None:
    found = answers(facts)
    assert found["13a"] == (str(GIVEN), "16 screened, 12 treated, 10 evaluable for DLT; by dose level on the pages.")
    assert "single center" in found["1a"][1]
    assert [found[number][0] for number in ("1a", "7b", "8a", "20")] == [PART, GIVEN, NO_MATTER, MISSING]
    assert answers(replace(facts, decisions=[]))["7b"][0] == PART


def test_another_trial_gets_other_answers(facts: Facts) -> None:
    protocol = facts.build.protocol
    study = protocol.study.model_copy(update={"title": "A dose-finding trial", "design": "randomised, double blind"})
    other = protocol.model_copy(update={"study": study, "monitoring": {}})
    found = answers(Facts(replace(facts.build, protocol=other), facts.decisions))
    assert found["1a"][0] == GIVEN
    assert found["8a"][0] == found["11a"][0] == MISSING
    assert found["7b"][0] == PART


@pytest.mark.parametrize("tag", ["en", "zh"])
def test_the_page_leads_to_places_that_exist(demo: Path, tmp_path: Path, tag: str) -> None:
    file = tmp_path / "lists" / "page.html"
    said = write_checklists(CUT, demo, file, tag)
    assert [line.split(":")[0] for line in said] == [name for name, _, _ in LISTS]
    links = re.findall(r'<td[^>]*>(?:<a href="[^"]+">[^<]*</a>[^<]*)+</td>', file.read_text(encoding="utf-8"))
    places = {place for cell in links for place in re.findall(r'href="([^"]+)"', cell)}
    assert len(places) >= 8
    for place in places:
        path, _, anchor = place.partition("#")
        page = (file.parent / path).resolve()
        assert page.is_file(), place
        assert ("zh" in page.parts) == (tag == "zh"), place
        assert not anchor or f'id="{anchor}"' in page.read_text(encoding="utf-8"), place


def test_it_is_not_written_among_the_builds(demo: Path) -> None:
    with pytest.raises(UsageError, match="its manifest names"):
        write_checklists(CUT, demo, demo / CUT / "checklists.html", "en")
    with pytest.raises(UsageError, match="no language"):
        write_checklists(CUT, demo, demo.parent / "x.html", "xx")
