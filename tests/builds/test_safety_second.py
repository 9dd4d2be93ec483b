"""Tables T-5 to T-11 of the demo cuts as they stand in the page, cell by cell against counts made in SQL."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from bs4 import BeautifulSoup, Tag

from build_fixtures import DEMO_CUTS
from reference.safety_sql import LEVELS, Safety, quoted

pytestmark = pytest.mark.build
TITLE = re.compile(r"T-(\d+)([a-z]?) ")
OVERVIEW = {
    "Any TEAE": "true",
    "TEAE of grade 3 or more": "grade >= 3",
    "TEAE related to treatment": "related",
    "Related TEAE of grade 3 or more": "related and grade >= 3",
    "Serious TEAE": "serious",
    "Serious related TEAE": "serious and related",
    "TEAE leading to infusion interruption or discontinuation": "stopped",
    "TEAE leading to death": "fatal",
    "TEAE of special interest": "aesi <> ''",
    "DLT confirmed by the committee": "dlt",
}
GRADES = {f"grade {grade}": grade for grade in range(1, 6)} | {"grade missing": None}
ANY = "Any event"


@dataclass(frozen=True)
class Table:
    """A table as a reader sees it: its columns, and per row (heading of its group, label) the texts of its cells."""

    columns: list[str]
    rows: dict[tuple[str, str], list[str]]


def seen(node: Tag) -> str:
    """The text of a cell without what opens from it."""
    return " ".join(node.get_text(" ").split())


def read_tables(page: Path) -> dict[str, Table]:
    """The tables T-5 to T-11 by their number."""
    soup = BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")
    for hidden in soup.select("[popover]"):
        hidden.decompose()
    tables: dict[str, Table] = {}
    for table in soup.find_all("table"):
        title = TITLE.match(str(table.get("aria-label", "")))
        if title and 5 <= int(title[1]) <= 11:
            assert f"{title[1]}{title[2]}" not in tables
            tables[f"{title[1]}{title[2]}"] = _table(table)
    return tables


def _table(table: Tag) -> Table:
    head, *body = table.find_all("tr")
    group, rows = "", {}
    for line in body:
        cells = [seen(cell) for cell in line.find_all(["th", "td"])]
        if len(cells) == 1:
            group = cells[0]
            continue
        assert (group, cells[0]) not in rows
        rows[group, cells[0]] = cells[1:]
    return Table([seen(cell) for cell in head.find_all(["th", "td"])][1:], rows)


@dataclass(frozen=True)
class Cut:
    """One build: its tables as shown, and the second implementation."""

    shown: dict[str, Table]
    second: Safety

    def header(self) -> list[str]:
        return [f"{level} (N={self.second.sizes[level]})" for level in (*LEVELS, "Total")]


@pytest.fixture(params=DEMO_CUTS, scope="module")
def cut(demo: Path, root: Path, request: pytest.FixtureRequest) -> Cut:
    build = demo / request.param
    return Cut(
        read_tables(build / "03_safety.html"), Safety(build / "data" / "clean", root / "params" / "protocol.yaml")
    )


def by_row(cut: Cut, rows: dict[tuple[str, str], str]) -> Table:
    """The table whose rows are these conditions, by level."""
    return Table(cut.header(), {row: cut.second.row(where) for row, where in rows.items()})


def by_term(cut: Cut, where: str) -> dict[tuple[str, str], str]:
    """One condition per system organ class and preferred term."""
    rows: dict[tuple[str, str], str] = {}
    for soc, terms in cut.second.terms(where).items():
        rows[soc, ANY] = f"({where}) and soc = {quoted(soc)}"
        for term in terms:
            rows[soc, term] = f"({where}) and soc = {quoted(soc)} and pt = {quoted(term)}"
    return rows


def overview(cut: Cut) -> Table:
    return by_row(cut, {("", label): where for label, where in OVERVIEW.items()})


def terms_of(where: str) -> Callable[[Cut], Table]:
    return lambda cut: by_row(cut, by_term(cut, where))


def grades_shown(cut: Cut) -> dict[str, int | None]:
    """Missing grades have a row, or a column, when any event has none."""
    return {name: grade for name, grade in GRADES.items() if grade or cut.second.subjects("grade is null")}


def maximum_grade(cut: Cut) -> Table:
    rows = {("", name): cut.second.at_maximum(grade, "true") for name, grade in grades_shown(cut).items()}
    return Table(cut.header(), rows)


def maximum_grade_by_term(cut: Cut) -> Table:
    grades = grades_shown(cut)
    rows = {
        row: [cut.second.at_maximum(grade, where)[-1].split(" ")[0] for grade in grades.values()]
        for row, where in by_term(cut, "true").items()
    }
    return Table(list(grades), rows)


def special_interest(cut: Cut) -> Table:
    return by_row(cut, {("", name): f"aesi = {quoted(name)}" for name in cut.second.categories})


TABLES: dict[str, Callable[[Cut], Table]] = {
    "5": overview,
    "6": terms_of("true"),
    "7a": maximum_grade,
    "7b": maximum_grade_by_term,
    "8": terms_of("related"),
    "10": terms_of("serious"),
    "11": special_interest,
}


@pytest.mark.parametrize("number", TABLES)
def test_every_cell_of_the_table_is_what_sql_counts(cut: Cut, number: str) -> None:
    shown, expected = cut.shown[number], TABLES[number](cut)
    assert shown.columns == expected.columns
    assert shown.rows == expected.rows


def test_no_table_from_t_5_to_t_11_is_left_out(cut: Cut) -> None:
    assert set(cut.shown) == set(TABLES)
    assert sum(len(row) for table in cut.shown.values() for row in table.rows.values()) > 250


@pytest.mark.parametrize("number", ["6", "8", "10"])
def test_terms_stand_in_descending_order_of_subjects(cut: Cut, number: str) -> None:
    counts: dict[str, list[int]] = {}
    for (soc, _), cells in cut.shown[number].rows.items():
        counts.setdefault(soc, []).append(int(re.match(r"\d+", cells[-1])[0]))
    classes = [of_class[0] for of_class in counts.values()]
    assert classes == sorted(classes, reverse=True)
    for _, *terms in counts.values():
        assert terms == sorted(terms, reverse=True)
