"""`.save(path)` of a table and of a figure: every kind of file, whole or not at all, with no cell that computes."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import altair as alt
import docx
import pandas as pd
import pypdf
import pytest
from python_calamine import CalamineWorkbook

from support.read_back import rtf_text
from trialbook.core.errors import UsageError
from trialbook.display import figure, saving, table
from trialbook.display.figures import Figure, standing_out
from trialbook.display.saving import Origin, save_with
from trialbook.display.tables import MOST_ROWS, Table
from trialbook.documents import saved
from trialbook.documents.saved import FIGURES, TABLES, save

ROWS = pd.DataFrame({
    "SUBJID": ["004", "016"], "AGE": [51, 60], "ADT": pd.to_datetime(["2025-06-01", None]),
    "AETERM": ["=HYPERLINK(\"http://evil.example\")", "rash <b>"],
})  # fmt: skip
ORIGIN = Origin("NCT06321198", "2025-09-30", synthetic=True)
SYNTHETIC = "SYNTHETIC DATA"


@pytest.fixture(autouse=True)
def _by_hand() -> Iterator[None]:
    save_with(save)
    yield
    saving._writers.clear()


@pytest.fixture
def listing() -> Table:
    made = table(ROWS, "L-90 Events, my own", labels={"AETERM": "Term"}, notes=["A footnote."])
    made.origin = ORIGIN
    return made


@pytest.fixture
def chart() -> Figure:
    drawn = alt.Chart(ROWS).mark_point().encode(x="AGE:Q", y="SUBJID:N", opacity=standing_out("SUBJID"))
    made = figure(drawn, ROWS[["SUBJID", "AGE"]], "F-90 Age <of> each subject", notes=["A footnote."])
    assert isinstance(made, Figure)
    made.origin = ORIGIN
    return made


def test_a_table_as_a_frame_has_variables_types_and_labels(listing: Table) -> None:
    frame = listing.to_frame()
    assert frame["AGE"].tolist() == [51, 60]
    assert frame["ADT"].isna().tolist() == [False, True]
    assert frame["SUBJID"].tolist() == ["004", "016"]
    assert frame.attrs["labels"]["AETERM"] == "Term"
    assert repr(listing) == "<Table L-90 'L-90 Events, my own': 2 rows, 4 columns>"


def test_every_kind_of_file_of_a_table_holds_its_title_cells_footnotes_and_origin(
    listing: Table, tmp_path: Path
) -> None:
    said = {}
    for kind in TABLES:
        path = listing.save(tmp_path / f"own.{kind}")
        said[kind] = path.read_bytes()
    word = docx.Document(io.BytesIO(said["docx"]))
    cells = [[cell.text for cell in row.cells] for row in word.tables[0].rows]
    assert cells[0][-1] == "Term"
    assert cells[1] == ["004", "51", "2025-06-01", ROWS["AETERM"][0]]
    texts = [p.text for p in (*word.sections[0].header.paragraphs, *word.paragraphs)]
    assert any(SYNTHETIC in text for text in texts)
    assert any("Events, my own" in text for text in texts)
    assert "A footnote." in texts
    for text in (rtf_text(said["rtf"]).text, said["html"].decode("utf-8")):
        assert SYNTHETIC in text
        assert "Events, my own" in text
        assert "A footnote." in text
    assert "rash &lt;b&gt;" in said["html"].decode("utf-8")


def test_no_cell_of_a_list_is_a_formula_and_numbers_are_numbers(listing: Table, tmp_path: Path) -> None:
    csv = listing.save(tmp_path / "own.csv").read_text(encoding="utf-8-sig").splitlines()
    assert csv[1].startswith("004,51,2025-06-01,\"'=HYPERLINK(")
    # What the file has no other place for is in every row.
    assert csv[0].endswith(",Source")
    assert ',"L-90 Events, my own. NCT06321198, data cut 2025-09-30. SYNTHETIC DATA' in csv[1]
    book = CalamineWorkbook.from_path(listing.save(tmp_path / "own.xlsx"))
    rows = book.get_sheet_by_name("L-90").to_python()
    assert [row[0] for row in rows[:2]] == ["L-90 Events, my own", "NCT06321198, data cut 2025-09-30"]
    assert [row[:2] for row in rows if row[0] in ("004", "016")] == [["004", 51.0], ["016", 60.0]]
    assert rows[-1][0] == "A footnote."
    with zipfile.ZipFile(tmp_path / "own.xlsx") as packed:
        sheet = packed.read("xl/worksheets/sheet1.xml")
    assert b"<v>51</v>" in sheet
    assert b"<f>" not in sheet


def test_every_kind_of_picture_of_a_figure_whose_marks_follow_the_picked_subject(chart: Figure, tmp_path: Path) -> None:
    begins = {"html": b"<!DOCTYPE html>", "svg": b"<svg", "png": b"\x89PNG", "pdf": b"%PDF"}
    for kind in FIGURES:
        assert chart.save(tmp_path / f"own.{kind}").read_bytes().startswith(begins[kind])
    drawing = (tmp_path / "own.svg").read_text(encoding="utf-8")
    for text in ("F-90 Age &lt;of&gt; each subject", "NCT06321198, data cut 2025-09-30", SYNTHETIC, "A footnote."):
        assert text in drawing
    assert "F-90 Age <of> each subject" in pypdf.PdfReader(tmp_path / "own.pdf").pages[0].extract_text()
    assert chart.to_frame()["AGE"].tolist() == [51, 60]


def test_another_suffix_a_folder_and_a_published_build_are_refused_with_what_to_do(
    listing: Table, chart: Figure, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match="saved as html, csv, xlsx, docx or rtf"):
        listing.save(tmp_path / "own.png")
    with pytest.raises(UsageError, match="saved as html, svg, png or pdf"):
        chart.save(str(tmp_path / "own"))
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(UsageError, match="this is a folder"):
        listing.save(tmp_path / "folder.csv")
    (tmp_path / "build").mkdir()
    (tmp_path / "build" / "manifest.json").write_text("{}")
    with pytest.raises(UsageError, match="choose another folder"):
        listing.save(tmp_path / "build" / "data" / "own.csv")
    saving._writers.clear()
    with pytest.raises(UsageError, match="a build does not save"):
        listing.save(tmp_path / "own.csv")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["build", "folder.csv"]


def test_no_folder_is_made_and_one_that_takes_no_file_is_named(
    listing: Table, chart: Figure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for made, name in ((listing, "x.csv"), (chart, "x.png")):
        with pytest.raises(UsageError, match=r"nope: this folder does not exist\. Next: make it first, or "):
            made.save(tmp_path / "nope" / name)
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="this is a file, not a folder"):
        listing.save(tmp_path / "file" / "x.csv")
    (tmp_path / "file").unlink()

    def refused(*_: object) -> None:
        raise PermissionError(13, "Permission denied", str(tmp_path))

    monkeypatch.setattr(saved, "write_whole", refused)
    with pytest.raises(UsageError, match=r"x\.csv: the file cannot be written \(Permission denied\)\. Next: "):
        listing.save(tmp_path / "x.csv")
    assert list(tmp_path.iterdir()) == []


def test_what_a_table_is_made_of_travels_with_a_list_of_its_rows(tmp_path: Path) -> None:
    part = table(pd.DataFrame({"Source": ["EDC"]}), "Deaths (not the published set; 5 of 16 subjects)")
    read = pd.read_csv(part.save(tmp_path / "part.csv"))
    assert read.columns.tolist() == ["Source", "Source of this table"]
    assert read.iloc[0, 1] == "Deaths (not the published set; 5 of 16 subjects)"
    with pytest.raises(UsageError, match=r"named by its path.*\.save\("):
        part.save(5)  # type: ignore[arg-type]


def test_a_longer_table_than_a_page_shows_is_saved_whole(tmp_path: Path) -> None:
    made = table(pd.DataFrame({"N": range(MOST_ROWS + 3)}), "Long")
    assert len(made.to_frame()) == MOST_ROWS + 3
    assert len(made.save(tmp_path / "long.csv").read_text(encoding="utf-8-sig").splitlines()) == MOST_ROWS + 4
    known = Table(made.payload, "T-1")
    with pytest.raises(UsageError, match=f"shows {MOST_ROWS} of {MOST_ROWS + 3} rows"):
        known.save(tmp_path / "part.csv")


def test_a_wide_table_has_a_page_on_its_side(tmp_path: Path) -> None:
    for columns, wide in ((3, False), (12, True)):
        made = table(pd.DataFrame({f"V{k}": ["x"] for k in range(columns)}), "Columns")
        section = docx.Document(made.save(tmp_path / f"{columns}.docx")).sections[0]
        assert (section.page_width > section.page_height) is wide
