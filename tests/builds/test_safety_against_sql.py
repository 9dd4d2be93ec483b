"""Tables T-5 to T-11 of the demo cuts as the page shows them, cell by cell against counts made in SQL."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest
from bs4 import BeautifulSoup, Tag

from reference.safety_sql import LEVELS, Cell, Safety, quoted
from support.built_pages import with_reference_page
from support.fixtures import DEMO_CUTS

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
# Rows that rest on a grade, and the events among which one without a grade may belong there.
BY_SEVERITY = {"grade >= 3": "true", "related and grade >= 3": "related"}
GRADES: dict[str, int | None] = {f"grade {grade}": grade for grade in range(1, 6)}
NOT_GRADED = "not graded"
RELATIONS: dict[str, int | None] = {
    "definitely related": 6,
    "probably related": 5,
    "possibly related": 4,
    "not given": 3,
    "unlikely related": 2,
    "not related": 1,
}
# Rows, or columns, that are there only with such an event.
ONLY_IF_ANY = {"not given": "relation = 3"}
ANY = "Any event"
Rows = dict[tuple[str, str], list[Cell]]


@dataclass(frozen=True)
class Table:
    """A table: its columns, and per row (heading of its group, label) its cells."""

    columns: list[str]
    rows: Rows

    def texts(self) -> dict[tuple[str, str], list[str]]:
        return {row: [cell.text for cell in cells] for row, cells in self.rows.items()}


@dataclass(frozen=True)
class Cut:
    """One build: its tables as shown, the second implementation, and that of the cut before."""

    shown: Mapping[str, Table]
    second: Safety
    before: tuple[str, Safety] | None

    def levels(self) -> list[str]:
        doses = (*(f" {dose} x 10^6/kg" for dose in (1, 2, 4)), "")
        levels = zip((*LEVELS, "Total"), doses, strict=True)
        return [f"{level} (N={self.second.sizes[level]}){dose}" for level, dose in levels]


def read_tables(page: Path) -> dict[str, Table]:
    """The tables T-5 to T-11 by their number; a cell counts the subjects of the records that open from it."""
    soup = BeautifulSoup(with_reference_page(page), "html.parser")
    records = page.with_name("03_safety_records.html").read_text(encoding="utf-8")
    behind = {
        str(head["id"]): _subjects(box)
        for box in BeautifulSoup(records, "html.parser").select(".tb-record") for head in box.find_all("h3")
    }  # fmt: skip
    tables: dict[str, Table] = {}
    for table in soup.find_all("table"):
        title = TITLE.match(table.caption.get_text() if table.caption else "")
        if title and 5 <= int(title[1]) <= 11:
            assert f"{title[1]}{title[2]}" not in tables
            tables[f"{title[1]}{title[2]}"] = _table(table, behind)
    return tables


def _table(table: Tag, behind: Mapping[str, list[str]]) -> Table:
    head, *body = table.find_all("tr")
    group, rows = "", {}
    for line in body:
        label, *cells = line.find_all(["th", "td"])
        if not cells:
            group = _seen(label)
            continue
        assert (group, _seen(label)) not in rows
        rows[group, _seen(label)] = [_cell(cell, behind) for cell in cells]
    return Table([_seen(cell) for cell in head.find_all(["th", "td"])][1:], rows)


def _cell(cell: Tag, behind: Mapping[str, list[str]]) -> Cell:
    link = cell.find("a", class_="tb-open")
    return Cell(_seen(cell), behind[str(link["href"]).partition("#")[2]] if link else [])


def _subjects(opened: Tag) -> list[str]:
    table = opened.find("table")
    assert table is not None
    place = [_seen(cell) for cell in table.find("tr").find_all("th")].index("Subject")
    return sorted({_seen(row.find_all(["th", "td"])[place]) for row in table.find_all("tr")[1:]})


def _seen(node: Tag) -> str:
    return " ".join(node.get_text(" ").split())


@pytest.fixture(params=DEMO_CUTS, scope="module")
def cut(demo: Path, root: Path, request: pytest.FixtureRequest) -> Cut:
    def counted(name: str) -> Safety:
        return Safety(demo / name / "data" / "clean", root / "params" / "protocol.yaml")

    earlier = DEMO_CUTS[: DEMO_CUTS.index(request.param)][-1:]
    before = (earlier[0], counted(earlier[0])) if earlier else None
    return Cut(read_tables(demo / request.param / "03_safety.html"), counted(request.param), before)


def by_row(cut: Cut, rows: Mapping[tuple[str, str], str], *, new: bool = True) -> Table:
    """The table whose rows are these conditions, by level, and what of each is new since the cut before."""
    made = {
        row: cut.second.beside(where, BY_SEVERITY[where]) if where in BY_SEVERITY else cut.second.row(where)
        for row, where in rows.items()
    }
    if not cut.before or not new:
        return Table(cut.levels(), made)
    name, before = cut.before
    for row, where in rows.items():
        made[row].append(_new(cut.second, before, where))
    return Table([*cut.levels(), f"New since {name}"], made)


def _new(second: Safety, before: Safety, where: str) -> Cell:
    """What is new in a row, with what is new and has no grade beside it; nothing where only that is new."""
    fresh = second.new_since(before, where)
    if where not in BY_SEVERITY:
        return fresh
    left_open = second.new_since(before, f"{BY_SEVERITY[where]} and ungraded")
    if not fresh.text or not left_open.text:
        return fresh
    beside = f", and {len(left_open.subjects)} not graded"
    return Cell(fresh.text + beside, sorted({*fresh.subjects, *left_open.subjects}))


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


def special_interest(cut: Cut) -> Table:
    return by_row(cut, {("", name): f"aesi = {quoted(name)}" for name in cut.second.categories}, new=False)


def strongest(column: str, values: Mapping[str, int | None]) -> Callable[[Cut], Table]:
    """Subjects by their highest grade or strongest relationship, by level."""

    def made(cut: Cut) -> Table:
        shown = _possible(cut, values)
        rows = {("", name): cut.second.strongest(column, shown[name], "true") for name in shown}
        if column == "grade":
            rows["", NOT_GRADED] = cut.second.ungraded("true")
        return Table(cut.levels(), rows)

    return made


def strongest_by_term(column: str, values: Mapping[str, int | None]) -> Callable[[Cut], Table]:
    """The same within each term, all levels together, without shares."""

    def made(cut: Cut) -> Table:
        shown, rows = _possible(cut, values), {}
        for row, where in by_term(cut, "true").items():
            total = [cut.second.strongest(column, value, where)[-1] for value in shown.values()]
            total += [cut.second.ungraded(where)[-1]] if column == "grade" else []
            rows[row] = [Cell(cell.text.split(" ")[0], cell.subjects) for cell in total]
        return Table([*shown, *([NOT_GRADED] if column == "grade" else [])], rows)

    return made


def _possible(cut: Cut, values: Mapping[str, int | None]) -> dict[str, int | None]:
    return {
        name: value
        for name, value in values.items()
        if name not in ONLY_IF_ANY or cut.second.happens(ONLY_IF_ANY[name])
    }


TABLES: dict[str, Callable[[Cut], Table]] = {
    "5": overview,
    "6": terms_of("true"),
    "7a": strongest("grade", GRADES),
    "7b": strongest_by_term("grade", GRADES),
    "8": terms_of("related"),
    "9a": strongest("relation", RELATIONS),
    "9b": strongest_by_term("relation", RELATIONS),
    "10": terms_of("serious"),
    "11": special_interest,
}


@pytest.mark.parametrize("number", TABLES)
def test_every_cell_of_the_table_is_what_sql_counts(cut: Cut, number: str) -> None:
    shown, expected = cut.shown[number], TABLES[number](cut)
    assert shown.columns == expected.columns
    assert shown.texts() == expected.texts()


@pytest.mark.parametrize("number", TABLES)
def test_every_number_opens_to_the_records_of_the_subjects_that_sql_counts(cut: Cut, number: str) -> None:
    for row, expected in TABLES[number](cut).rows.items():
        for shown, told in zip(cut.shown[number].rows[row], expected, strict=True):
            short = [subject.rpartition("-")[2] for subject in told.subjects]
            assert shown.subjects == short, f"T-{number} {row} {told.text}"


def test_no_table_from_t_5_to_t_11_is_left_out(cut: Cut) -> None:
    assert set(cut.shown) == set(TABLES)
    assert sum(len(cells) for table in cut.shown.values() for cells in table.rows.values()) > 400


@pytest.mark.parametrize("number", ["6", "8", "10"])
def test_terms_stand_in_descending_order_of_subjects(cut: Cut, number: str) -> None:
    counts: dict[str, list[int]] = {}
    total = len(LEVELS)
    for (soc, _), cells in cut.shown[number].rows.items():
        counts.setdefault(soc, []).append(int(cells[total].text.split(" ")[0]))
    classes = [of_class[0] for of_class in counts.values()]
    assert classes == sorted(classes, reverse=True)
    for _, *terms in counts.values():
        assert terms == sorted(terms, reverse=True)


WHERE = {
    "all": "true",
    "in window": "day between 0 and 180",
    "before the first infusion": "day < 0",
    "after the window": "day > 180",
    "not treated": "d0 is null",
}


@pytest.mark.parametrize(("kind", "where"), [("SAE", "true"), ("SRAE", "related")])
def test_the_ledger_of_serious_events_is_what_sql_counts(
    cut: Cut, demo: Path, kind: str, where: str, request: pytest.FixtureRequest
) -> None:
    ard = pd.read_parquet(demo / request.node.callspec.params["cut"] / "results" / "ard.parquet")
    ard = ard[(ard["analysis_id"] == "SAE_LEDGER") & (ard["variable"] == kind)]
    for context, place in WHERE.items():
        rows = ard[ard["context"] == context].pivot(index="group1_level", columns="stat_name", values="stat")
        expected = cut.second.in_ledger(f"({where}) and {place}")
        found = [(rows.loc[level, "n"], rows.loc[level, "events"]) for level in (*LEVELS, "Total")]
        assert found == expected, context
