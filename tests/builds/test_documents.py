"""Documents of a built cut: their structure, their bytes, and their numbers read back against the results."""

from __future__ import annotations

import io
import random
import re
import time
import zipfile
from pathlib import Path
from typing import Any

import docx as word
import pptx as powerpoint
import pypdf
import pytest
from docx.oxml.ns import qn

from support.read_back import CARRIERS, bare, numbers_of, of_pages, read
from trialbook.commands.export import FORMATS, Made, built_source, export
from trialbook.core.translations import languages
from trialbook.documents.content import Speaker, Table
from trialbook.documents.layout import grid_of
from trialbook.documents.pdf import pdf
from trialbook.documents.report import AUDIT, DLT, METHODS, RESPONSE, SAFETY, SURVIVAL, report
from trialbook.documents.source import CutSource
from trialbook.documents.word import docx

pytestmark = pytest.mark.build
CUT, SEED, DRAWN = "2025-09-30", 20251130, 220
SHARED = ("pdf", "docx", "pptx")


@pytest.fixture(scope="module")
def source(demo: Path) -> CutSource:
    return built_source(CUT, demo)


@pytest.fixture(scope="module")
def made(demo: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Made]:
    folder = tmp_path_factory.mktemp("exported")
    files = export(CUT, demo, folder, SHARED)
    assert sorted(path.name for path in folder.iterdir()) == sorted(one.name for one in files)
    assert all((folder / one.name).read_bytes() == one.content for one in files)
    return {one.name.rpartition(".")[2]: one for one in files}


@pytest.fixture(scope="module")
def carried(made: dict[str, Made], demo: Path) -> dict[str, dict[str, str]]:
    return {
        "page": of_pages(demo / CUT),
        **{name: CARRIERS[name](made[name].content) for name in CARRIERS if name in made},
    }


def test_names_say_what_a_file_is(made: dict[str, Made]) -> None:
    assert {one.name for one in made.values()} == {
        f"iMSC-2001_{CUT}_report_en.pdf", f"iMSC-2001_{CUT}_report_en.docx", f"iMSC-2001_{CUT}_slides_en.pptx",
    }  # fmt: skip


def test_numbers_are_those_of_the_results_in_every_format_that_carries_them(
    source: CutSource, carried: dict[str, dict[str, str]]
) -> None:
    known = numbers_of(source)
    drawn = random.Random(SEED).sample(known, DRAWN)  # noqa: S311 - the same numbers on every run
    drawn += [number for number in known if number.is_null]
    assert {number.row.analysis for number in drawn} == {number.row.analysis for number in known}
    assert any(number.is_null for number in drawn)
    seen: dict[str, int] = dict.fromkeys(carried, 0)
    for number in drawn:
        output = next(o for o in source.outputs if o.title.startswith(number.row.table) and o.spec is None)
        for name, tables in carried.items():
            if output.id not in tables:
                continue
            said = read(number, tables[output.id])
            where = f"{name} {output.id} {number.row.label} {number.group}"
            # A share of few subjects is not printed; no subject, no number.
            nobody = number.row.analysis == "BOUNDS" and number.text == "0" and said == ""
            allowed = {number.text} | ({"", "-"} if number.is_null or nobody else set())
            if number.group.startswith("p_") and said is None:
                assert "%" not in number.text or _few(known, number), where
                continue
            assert said in allowed, (where, said, number.text)
            seen[name] += 1
    assert min(seen["page"], seen["pdf"], seen["docx"]) >= 200
    assert seen["pptx"] > 10


def _few(known: list[Any], number: Any) -> bool:
    """Whether the row has fewer subjects than a share is printed for: all columns of a dose level here."""
    return not number.group.endswith("_3")


def test_every_table_of_the_report_has_the_cells_of_the_page(
    source: CutSource, carried: dict[str, dict[str, str]], made: dict[str, Made]
) -> None:
    speaker, pages = Speaker(), carried["page"]
    tables = [block for block in report(source).blocks() if isinstance(block, Table) and not block.id.startswith("R-")]
    assert len(tables) > 12
    for table in tables:
        whole = source.numbered(table.id)
        assert whole is not None
        by_name = {column.name: column for column in whole.table.columns}
        rows = [bare("".join(line)) for line in grid_of(table, speaker).lines if isinstance(line, list)]
        for name in ("pdf", "docx"):
            text = carried[name][table.id]
            assert [row for row in rows if row not in text] == [], (name, table.id)
        for column in table.columns:
            cells = speaker.cells(by_name[column.name])
            assert speaker.cells(column) == cells[: table.rows]
            assert [cell for cell in cells[: table.rows] if bare(cell) not in pages[table.id]] == [], table.id


def test_whatever_a_report_wants_is_on_the_pages(source: CutSource) -> None:
    wanted = [*SAFETY, *DLT, *RESPONSE, *SURVIVAL, *METHODS, *AUDIT]
    for step, title, columns in wanted:
        output = source.find(step, title)
        assert output is not None, title
        names = {column["name"] for column in output.payload.get("columns", [])}
        assert set(columns) <= names, title


def test_the_pdf_is_a_report_of_some_pages_that_say_what_they_are(made: dict[str, Made]) -> None:
    pages = [page.extract_text() for page in pypdf.PdfReader(io.BytesIO(made["pdf"].content)).pages]
    assert 8 <= len(pages) <= 14
    for number, page in enumerate(pages, 1):
        assert "SYNTHETIC DATA" in page
        assert f"Page {number} of {len(pages)}" in page
    assert "Contents" in pages[0]
    assert "escalation decisions are taken by the Safety Review Committee" in " ".join(pages[0].split())


def test_references_and_contents_of_the_word_file_lead_somewhere(made: dict[str, Made]) -> None:
    document = word.Document(io.BytesIO(made["docx"].content))
    body = document.element.body
    names = [mark.get(qn("w:name")) for mark in body.iter(qn("w:bookmarkStart"))]
    assert len(names) == len(set(names))
    codes = [code.text.split() for code in body.iter(qn("w:instrText"))]
    assert {code[0] for code in codes} == {"TOC", "REF"}
    referred = {code[1] for code in codes if code[0] == "REF"}
    assert len(referred) > 10
    assert referred <= set(names)
    links = [link.get(qn("w:anchor")) for link in body.iter(qn("w:hyperlink"))]
    headings = [paragraph for paragraph in document.paragraphs if paragraph.style.name == "Heading 1"]
    assert len(links) == len(headings)
    assert set(links) <= set(names)
    foot = document.sections[0].footer.paragraphs[0]._p
    assert [code.text.strip() for code in foot.iter(qn("w:instrText"))] == ["PAGE", "NUMPAGES"]
    # As many beginnings of fields as ends.
    kinds = [mark.get(qn("w:fldCharType")) for mark in body.iter(qn("w:fldChar"))]
    assert kinds.count("begin") == kinds.count("end") == kinds.count("separate") == len(codes)


def test_tables_of_the_word_file_repeat_their_heads_and_figures_are_drawings(made: dict[str, Made]) -> None:
    document = word.Document(io.BytesIO(made["docx"].content))
    captions = [p.text for p in document.paragraphs if p.style.name == "Caption"]
    assert len(captions) == len({caption.split()[0] for caption in captions}) > 20
    headed = [table for table in document.tables if table.rows[0]._tr.xpath(".//w:tblHeader")]
    assert len(headed) > 15
    blips = list(document.element.body.iter("{http://schemas.openxmlformats.org/drawingml/2006/main}blip"))
    assert len(blips) == sum(caption.startswith("F-") for caption in captions) > 3
    assert all(blip.xpath(".//*[local-name()='svgBlip']") for blip in blips)
    assert {mark.get(qn("w:val")) for mark in document.styles.element.iter(qn("w:lang"))} == {"en-GB"}


def test_each_slide_has_one_message_and_says_where_it_comes_from(made: dict[str, Made]) -> None:
    slides = list(powerpoint.Presentation(io.BytesIO(made["pptx"].content)).slides)
    assert 10 <= len(slides) <= 12
    titles = [slide.shapes.title.text_frame.text for slide in slides]
    assert all(titles)
    assert len(set(titles)) == len(titles)
    for slide in slides[1:]:
        assert slide.notes_slide.notes_text_frame.text.startswith("Source: ")
        assert any(shape.has_table or shape.shape_type == 13 for shape in slide.shapes)


def test_the_same_bytes_at_another_place_of_the_earth(
    source: CutSource, made: dict[str, Made], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TZ", "Asia/Shanghai")
    time.tzset()
    monkeypatch.chdir(tmp_path)
    document = report(source)
    assert pdf(document, Speaker()) == made["pdf"].content
    assert docx(document, Speaker()) == made["docx"].content
    monkeypatch.undo()
    time.tzset()


def test_archives_know_no_time_but_that_of_the_cut(made: dict[str, Made]) -> None:
    for name in ("docx", "pptx"):
        with zipfile.ZipFile(io.BytesIO(made[name].content)) as packed:
            assert {entry.date_time for entry in packed.infolist()} == {(2025, 9, 30, 0, 0, 0)}
            core = packed.read("docProps/core.xml").decode("utf-8")
        assert set(re.findall(r"\d{4}-\d\d-\d\dT[\d:]+Z?", core)) == {f"{CUT}T00:00:00Z"}
    assert b"CreationDate" not in made["pdf"].content
    assert b"ModDate" not in made["pdf"].content


def test_the_chinese_report_says_the_same_numbers(source: CutSource, carried: dict[str, dict[str, str]]) -> None:
    chinese = languages()[1]
    found = CARRIERS["docx"](docx(report(source), Speaker(chinese)))
    assert set(found) == set(carried["docx"])
    for number, text in found.items():
        # What is said between the numbers differs, and its place in a sentence.
        assert sorted(re.findall(r"\d\.\d{3}", text)) == sorted(re.findall(r"\d\.\d{3}", carried["docx"][number]))


def test_every_format_that_can_be_read_back_is_made(made: dict[str, Made]) -> None:
    assert set(CARRIERS) <= set(FORMATS)
