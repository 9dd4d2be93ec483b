"""What a reader reads of a built page: its words, its tables by title, row and column."""

from __future__ import annotations

import html
import re
from html.parser import HTMLParser
from pathlib import Path

from trialbook.core.datasets import read_dataset


def words(page: Path) -> str:
    """What a reader reads of a page: no markup, no scripts, one space between words."""
    text = page.read_text(encoding="utf-8")
    text = re.sub(r"<(script|style|svg)\b.*?</\1>", " ", text, flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", text)).split())


def no_programming_words(build: Path) -> None:
    for page in build.rglob("*.html"):
        found = re.findall(r"\b(nan|NaN|NaT|inf|None|RuntimeWarning|Traceback)\b", words(page))
        assert [w for w in found if w != "None"] == [], page.name


def rates(build: Path) -> set[str]:
    """What stands for a rate of nobody. The text of a bound is no number: it names the subjects that decide it."""
    ard = read_dataset(build / "results" / "ard.parquet").query("analysis_id != 'BOUNDS'")
    empty = ard[(ard["stat_name"] == "N") & (ard["stat"] == 0)]
    keys = ["analysis_id", "group1_level", "variable", "variable_level", "context"]
    beside = ard.merge(empty[keys], on=keys)
    return set(beside.loc[beside["stat_name"].isin(["estimate", "p", "conf.low"]), "stat_text"])


def with_reference_page(page: Path) -> str:
    """The HTML of a page, and after it that of its reference page where it has one."""
    beside = page.with_name(page.name.replace(".html", "_tables.html"))
    return "".join(path.read_text(encoding="utf-8") for path in (page, beside) if path.is_file())


class Boxes(HTMLParser):
    """What the numbers of a page open to, as its page of records shows it: the texts of each box by its anchor."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.texts: dict[str, list[str]] = {}
        self._heads: list[str] = []
        self._inside = ""
        self.feed(page.with_name(page.name.replace(".html", "_records.html")).read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag == "section":
            self._heads, self._inside = [], ""
        elif tag == "h3":
            self._inside = str(found["id"])
            self._heads.append(self._inside)
            self.texts[self._inside] = []

    def handle_endtag(self, tag: str) -> None:
        if tag == "h3":
            self._inside = ""

    def handle_data(self, data: str) -> None:
        if data.strip():
            for anchor in [self._inside] if self._inside else self._heads:
                self.texts[anchor].append(data.strip())


class Tables(HTMLParser):
    """The tables of a built page, and of its reference page, as a reader sees them: title to rows of cell texts."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.found: dict[str, list[list[str]]] = {}
        self._rows: list[list[str]] | None = None
        self._caption: str | None = None
        self.feed(with_reference_page(page))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "table":
            self._rows = self.found.setdefault(dict(attrs).get("aria-label") or "", [])
        elif tag == "caption":
            self._caption = ""
        elif tag == "tr" and self._rows is not None:
            self._rows.append([])
        elif tag in ("td", "th") and self._rows is not None:
            self._rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        if tag == "table":
            self._rows = None
        elif tag == "caption":
            # A number of the hundred of the page is not part of the title.
            title = re.sub(r"^[TFL]-\d{3,}[a-z]? ", "", (self._caption or "").strip())
            self._rows, self._caption = self.found.setdefault(title, []), None

    def handle_data(self, data: str) -> None:
        if self._caption is not None:
            self._caption += data
        elif self._rows and self._rows[-1]:
            self._rows[-1][-1] += data.strip()

    def cell(self, title: str, row: str, column: str) -> str:
        """The cell of the table whose title starts so, in the row that starts so, under the head that starts so."""
        (table,) = [rows for name, rows in self.found.items() if name.startswith(title)]
        position = next(k for k, head in enumerate(table[0]) if head.startswith(column))
        (line,) = [cells for cells in table[1:] if cells and cells[0].startswith(row)]
        return line[position]


class Numbers(HTMLParser):
    """The numbers of a built page: those of its cards, and those in its tables (not listings), none of them nothing.

    `found`: title of the table (blank: a card), head of the row, text, and whether it opens.
    """

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.found: list[tuple[str, str, str, bool]] = []
        self._table, self._title = "", ""
        self._into, self._row, self._text, self._opens = "", "", "", False
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        kind = given.get("class", "").split()
        if tag == "div" and "tb-table" in kind:
            self._table, self._title = given.get("id", ""), ""
        elif tag == "caption" or "tb-label" in kind:
            self._into, self._text = "label", ""
        elif (tag == "th" and given.get("scope") == "row") or (tag == "td" and "gt_stub" in kind):
            self._into, self._text = "row", ""
        elif "tb-value" in kind or (tag == "td" and "gt_right" in kind):
            self._into, self._text, self._opens = "card" if tag == "div" else "number", "", False
        elif tag == "a" and "tb-open" in kind:
            self._opens = True

    def handle_endtag(self, tag: str) -> None:
        text = " ".join(self._text.split())
        if tag == "caption":
            self._title = re.sub(r"^[TFL]-\d+[a-z]? ", "", text)
        elif tag == "th" or (self._into == "label" and tag == "div"):
            self._row = text
        elif self._into == "card" or (self._into == "number" and tag == "td" and self._table.startswith("T-")):
            title = self._title if self._into == "number" else ""
            nothing = (
                re.match(r"[-+]?0(\.0+)?(?![.\d])", text) or not re.search(r"\d", text) or re.search(", n ?= ?0", text)
            )
            if not nothing:
                self.found.append((title, self._row, text, self._opens))
        else:
            return
        self._into = ""

    def handle_data(self, data: str) -> None:
        if self._into:
            self._text += data
