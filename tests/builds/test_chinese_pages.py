"""The pages in Chinese: one for each English one, with its anchors and links, and the same numbers in its cells."""

from __future__ import annotations

import re
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import pytest

NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
# A sentence may have a word for a number ("twice", "rolling six") where Chinese has a digit.
SENTENCE = 80
# The language switch and links to files of the build lead one folder up from a page in Chinese.
ABOVE = re.compile(r"^(?:\.\./)+")


class Page(HTMLParser):
    """The ids of a page, its links within the build, the texts of its cells, and its language."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: Counter[str] = Counter()
        self.cells: list[str] = []
        self.language = ""
        self._inside = 0
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.ids += [found["id"]] if "id" in found else []
        if tag == "html":
            self.language = found["lang"]
        if tag == "a" and "hreflang" not in found:
            self.links[ABOVE.sub("", found.get("href", ""))] += 1
        if tag == "td":
            self._inside += 1
            self.cells.append("")

    def handle_endtag(self, tag: str) -> None:
        self._inside -= tag == "td"

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.cells[-1] += data


@pytest.fixture(scope="module")
def build(demo: Path) -> Path:
    return demo / "2025-09-30"


def pages(build: Path) -> list[str]:
    return sorted(
        path.relative_to(build).as_posix() for path in (*build.glob("*.html"), *build.glob("profiles/*.html"))
    )


def test_every_page_is_there_in_chinese(build: Path):
    there = sorted(path.relative_to(build / "zh").as_posix() for path in (build / "zh").rglob("*.html"))
    assert there == pages(build)
    assert len(there) > 12


def test_ids_links_and_numbers_are_those_of_the_english_page(build: Path):
    for name in pages(build):
        english, chinese = Page(build / name), Page(build / "zh" / name)
        assert (english.language, chinese.language) == ("en", "zh-CN")
        assert chinese.ids == english.ids, name
        assert chinese.links == english.links, name
        assert len(chinese.cells) == len(english.cells), name
        differ = [
            (one, other)
            for one, other in zip(english.cells, chinese.cells, strict=True)
            if Counter(NUMBER.findall(one)) - Counter(NUMBER.findall(other))
            or (len(one) < SENTENCE and Counter(NUMBER.findall(one)) != Counter(NUMBER.findall(other)))
        ]
        assert differ == [], name


def test_each_page_leads_to_itself_in_the_other_language(build: Path):
    for name in pages(build):
        for folder, tag in ((build, "zh-CN"), (build / "zh", "en")):
            html = (folder / name).read_text(encoding="utf-8")
            [there] = re.findall(rf'<a href="([^"]+)" hreflang="{tag}" lang="{tag}">', html)
            target = ((folder / name).parent / there).resolve()
            assert target == ((build / "zh" if tag == "zh-CN" else build) / name).resolve()
