"""The pages in Chinese: one for each English one, with its anchors and links, the same numbers in its cells, and no
English but names, codes and text of the data.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest

from trialbook.core.file_marks import PACKAGE
from trialbook.core.translations import CHINESE_TEXTS, read_entries
from trialbook.subjects.deaths import MONTHS

NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
# A date in a Chinese sentence.
DATE = re.compile("(\\d{4})\u5e74(\\d{1,2})\u6708(\\d{1,2})\u65e5")
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
        self._other = False
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
        # The English page of the data dictionary has the Chinese of a rule beside it.
        self._other = found.get("lang") == "zh" or (self._other and tag != "td")

    def handle_endtag(self, tag: str) -> None:
        self._inside -= tag == "td"
        self._other = self._other and tag != "span"

    def handle_data(self, data: str) -> None:
        if self._inside and not self._other:
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


def numbers_of(text: str) -> Counter[str]:
    """The numbers of a text; the name of a month is its number, and a date of a sentence is that of the page."""
    text = DATE.sub(lambda found: f"{found[1]}-{int(found[2]):02}-{int(found[3]):02} ", text)
    numbered = MONTH.sub(lambda found: f"{MONTH_NUMBERS[found[1]]} ", text)
    return Counter(NUMBER.findall(numbered))


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
            if numbers_of(one) - numbers_of(other) or (len(one) < SENTENCE and numbers_of(one) != numbers_of(other))
        ]
        assert differ == [], name


def test_each_page_leads_to_itself_in_the_other_language(build: Path):
    for name in pages(build):
        for folder, tag in ((build, "zh-CN"), (build / "zh", "en")):
            html = (folder / name).read_text(encoding="utf-8")
            [there] = re.findall(rf'<a href="([^"]+)" hreflang="{tag}" lang="{tag}">', html)
            target = ((folder / name).parent / there).resolve()
            assert target == ((build / "zh" if tag == "zh-CN" else build) / name).resolve()


# ----------------------------------------------------------------------------------------------------
# What is left in English

# Elements that end a run of text, and those whose text is code.
BLOCKS = frozenset(
    [
        "p", "td", "th", "li", "caption", "summary", "h1", "h2", "h3", "h4", "div", "dt", "dd", "option", "label",
        "button", "title", "text", "figcaption", "tr", "table", "ul", "section", "nav", "header", "footer", "main",
    ]
)  # fmt: skip
CODE = frozenset(["script", "style", "pre", "code"])
SHOWN = ("aria-label", "title", "alt", "data-label", "placeholder")
HAN = re.compile("[\u4e00-\u9fff]")
UNITS = frozenset(["umol", "mmol", "mol", "min", "log", "mg", "kg", "ng", "ug", "pg", "mm", "cm", "ml", "dl", "fl"])
WORD = re.compile(r"(?<![\w.-])[A-Za-z]*[a-z]{2,}[A-Za-z]*(?![\w=])")
# Names of files, of datasets in their folder, and of variables and keys.
FILE = re.compile(r"[\w{}-]+(?:/[\w{}-]+)+(?:\.\w+)?|[\w-]+\.(?:csv|json|parquet|xlsx|xpt|yaml|html)|\w*_\w+")


MONTH_NUMBERS = {name: number for number, name in MONTHS.items()}
MONTH = re.compile(rf"\b({'|'.join(MONTH_NUMBERS)}) (?=\d{{4}}\b)")
# What is still read in English, by a part of it: texts that a frame keeps without their message. It may only shrink.
LEFT = (
    "very safe", "rivaroxaban", "Liu", "stat_name", "estimate", "median", "share",
)  # fmt: skip


class Texts(HTMLParser):
    """The runs of text of a page that a reader sees in Chinese, and those that it marks as English (`marked`)."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.runs: list[str] = []
        self.marked: list[str] = []
        self._open: list[tuple[str, str]] = []
        self._run = {"": "", "en": ""}
        self.feed(path.read_text(encoding="utf-8"))
        self._end()

    def _end(self) -> None:
        for kind, kept in (("", self.runs), ("en", self.marked)):
            kept += [" ".join(self._run[kind].split())] if self._run[kind].strip() else []
            self._run[kind] = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if tag in BLOCKS:
            self._end()
        if tag in ("br", "meta", "link", "input", "img", "hr", "col", "wbr"):
            self._run[""] += " "
            return
        outer = self._open[-1][1] if self._open else ""
        kind = "code" if tag in CODE else "en" if found.get("lang") == "en" else outer
        self._open.append((tag, kind))
        self.runs += [found[name] for name in SHOWN if kind == "" and found.get(name)]

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop()[0] != tag:
            pass
        if tag in BLOCKS:
            self._end()

    def handle_data(self, data: str) -> None:
        kind = self._open[-1][1] if self._open else ""
        if kind in self._run:
            self._run[kind] += data


def strings(part: object) -> Iterator[str]:
    """Every text of plain data, keys and values."""
    if isinstance(part, dict):
        for name, value in part.items():
            yield str(name)
            yield from strings(value)
    elif isinstance(part, list):
        for item in part:
            yield from strings(item)
    elif isinstance(part, str):
        yield part


def delivered(folder: Path) -> set[str]:
    """The values of the datasets of a build that hold words."""
    found: set[str] = set()
    for path in folder.rglob("*.parquet"):
        frame = pd.read_parquet(path)
        for name in frame.columns:
            if not pd.api.types.is_numeric_dtype(frame[name]):
                found |= {str(value).strip() for value in frame[name].dropna().unique()}
    return {value for value in found if re.search("[A-Za-z]{2}", value) and len(value) > 2}


def names(build: Path) -> set[str]:
    """What is written in Latin letters in Chinese too: names in the translations, keys and codes of the parameters."""
    entries = list(read_entries((PACKAGE / CHINESE_TEXTS).read_text(encoding="utf-8")))
    said = [re.sub(r"\{[^}]*\}", " ", entry.said) for entry in entries if entry.said != entry.msgid]
    # What a translator leaves as it is, but no word in small letters: persons, methods, products.
    same = [entry.said for entry in entries if entry.said == entry.msgid]
    kept = [word for text in same for word in re.findall("[A-Za-z]+", text) if not word.islower()]
    sources = json.loads((build / "manifest.json").read_text(encoding="utf-8"))["sources"]
    keys = [text for text in strings(sources) if " " not in text]
    titles = [text for part in ("study", "product") for text in strings(sources["protocol"].get(part, {}))]
    return {word.lower() for text in (*said, *keys, *titles, *kept) for word in re.findall("[A-Za-z]+", text)}


def english_left(build: Path) -> dict[str, str]:
    """The runs in English on the Chinese pages, numbers as 0, each with a page where it is."""
    known = names(build) | UNITS
    decided = set(strings(json.loads((build / "decisions.json").read_text(encoding="utf-8"))))
    values = sorted(delivered(build / "data" / "clean") | decided - {""}, key=len, reverse=True)
    data = re.compile("|".join(map(re.escape, values)), re.IGNORECASE)
    left: dict[str, str] = {}
    for path in sorted((build / "zh").rglob("*.html")):
        for run in Texts(path).runs:
            if WORD.search(run):
                rest = FILE.sub(" ", data.sub(" ", run))
                if any(word.lower() not in known for word in WORD.findall(rest)):
                    left.setdefault(NUMBER.sub("0", run), path.name)
    return left


def test_no_english_is_left_but_names_codes_and_text_of_the_data(build: Path):
    left = english_left(build)
    assert {run: page for run, page in left.items() if not any(part in run for part in LEFT)} == {}
    assert len(left) < 16


def test_what_is_marked_as_english_is_text_of_the_data(build: Path):
    known = delivered(build / "data")
    marked = {run for path in (build / "zh").rglob("*.html") for run in Texts(path).marked}
    assert len(marked) > 50
    assert {run for run in marked if run in known} != set()
