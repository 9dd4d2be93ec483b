"""Documents of a built cut: their structure, their bytes, and their numbers read back against the results."""

from __future__ import annotations

import io
import random
import re
import time
import zipfile
from dataclasses import replace
from pathlib import Path

import docx as word
import pandas as pd
import pptx as powerpoint
import pypdf
import pytest
from docx.oxml.ns import qn

from support.read_back import CARRIERS, NUMBER, bare, cells_of, of_pages, rtf_text
from trialbook.commands.export import FORMATS, Made, Order, built_source, export
from trialbook.core.translations import languages
from trialbook.documents import drawings
from trialbook.documents.aggregate import aggregate_report
from trialbook.documents.content import Figure, Speaker, Table
from trialbook.documents.layout import grid_of
from trialbook.documents.narrative_sentences import narratives_of
from trialbook.documents.narratives import narratives
from trialbook.documents.pdf import pdf
from trialbook.documents.report import AUDIT, DLT, METHODS, RESPONSE, SAFETY, SURVIVAL, report
from trialbook.documents.slides import deck
from trialbook.documents.source import CutSource
from trialbook.documents.word import docx

pytestmark = pytest.mark.build
CUT, SEED, DRAWN = "2025-09-30", 20251130, 220
# The analyses that tables of the report and of the slides carry (pages and the pack carry all), and how many numbers
# the slides have at least: fewer than the other formats, for they show one table of results and figures.
IN_THE_REPORT = {"BOUNDS", "DLT_RATE", "FUP_RKM", "ORR_D28", "OS_KM", "TEAE_GRADE", "TEAE_OVERVIEW"}
ON_SLIDES = {"TEAE_OVERVIEW"}
NUMBERS_ON_SLIDES = 80
SHARED = ("pdf", "docx", "pptx", "rtf")


@pytest.fixture(scope="module")
def source(demo: Path) -> CutSource:
    return built_source(CUT, demo)


@pytest.fixture(scope="module")
def made(demo: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Made]:
    """One export of each format, in English and in Chinese (`pdf.zh`)."""
    folder = tmp_path_factory.mktemp("exported")
    files = [*export(CUT, demo, folder, SHARED), *export(CUT, demo, folder, SHARED, ("zh",))]
    assert sorted(path.name for path in folder.iterdir()) == sorted(one.name for one in files)
    assert all((folder / one.name).read_bytes() == one.content for one in files)
    return {one.name.rpartition(".")[2] + (".zh" if "_zh." in one.name else ""): one for one in files}


@pytest.fixture(scope="module")
def carried(made: dict[str, Made], demo: Path) -> dict[str, dict[str, str]]:
    """The text of each table in each format and language, by its number."""
    return {
        "page": of_pages(demo / CUT), "page.zh": of_pages(demo / CUT / "zh"),
        **{name: CARRIERS[name.removesuffix(".zh")](one.content) for name, one in made.items()},
    }  # fmt: skip


def test_names_say_what_a_file_is(made: dict[str, Made]) -> None:
    assert {one.name for one in made.values()} == {
        f"iMSC-2001_{CUT}_{what}"
        for what in (
            "report_en.pdf", "report_en.docx", "slides_en.pptx", "tables_en.rtf",
            "report_zh.pdf", "report_zh.docx", "slides_zh.pptx", "tables_zh.rtf",
        )
    }  # fmt: skip


def test_numbers_are_those_of_the_results_in_every_format_and_language_that_carries_them(
    source: CutSource, carried: dict[str, dict[str, str]]
) -> None:
    cells = cells_of(source)
    analyses = sorted({cell.analysis for cell in cells})
    assert len(analyses) > 30
    assert {
        "TEAE_OVERVIEW", "DLT_RATE", "ORR_D28", "OS_KM", "BOUNDS", "DLT_PATHWAY", "ORR_PREDICTIVE", "LAB_WORST",
        "VIRUS", "PRODUCT", "FUP_WINDOW",
    } <= set(analyses)  # fmt: skip
    generator = random.Random(SEED)  # noqa: S311 - the same numbers on every run
    of_each = [generator.sample(own, min(3, len(own))) for name in analyses
               if (own := [cell for cell in cells if cell.analysis == name])]  # fmt: skip
    drawn = [*(cell for own in of_each for cell in own), *generator.sample(cells, DRAWN)]
    drawn += [cell for cell in cells if cell.is_null]
    assert any(cell.is_null for cell in drawn)
    speakers = {"": Speaker(), ".zh": Speaker(languages()[1])}
    in_report = {block.id: block for block in report(source).blocks() if isinstance(block, Table)}
    on_slides = {block.id: block for one in deck(source).slides for block in one.blocks if isinstance(block, Table)}
    # What the report and the slides show is read in every format.
    drawn += [cell for cell in cells if cell.table in {*in_report, *on_slides}]
    shown = {"pdf": in_report, "docx": in_report, "pptx": on_slides}
    seen: dict[str, int] = dict.fromkeys(carried, 0)
    read: dict[str, set[str]] = {name: set() for name in carried}
    for cell in drawn:
        output = source.numbered(cell.table)
        assert output is not None
        for name, tables in carried.items():
            kind, _, language = name.partition(".")
            speaker = speakers[f".{language}" if language else ""]
            assert cell.wrong(speaker) == [], cell
            table = shown.get(kind, {cell.table: output.table}).get(cell.table)
            if table is None or cell.row >= table.rows:
                continue
            lines = [line for line in grid_of(table, speaker).lines if isinstance(line, list)]
            said = speaker.say(cell.said)
            # A report may show some columns of a table only.
            if said not in lines[cell.row] or cell.table not in tables:
                assert kind in ("pdf", "docx", "pptx") or not said, (name, cell)
                continue
            # On paper a cell may have several lines, and a figure may be above the rows of the next page.
            expected = bare(said if kind in ("page", "pdf") else "".join(lines[cell.row]))
            assert expected in ("".join(tables.values()) if kind == "pdf" else tables[cell.table]), (name, cell)
            seen[name] += max(1, len(NUMBER.findall(said)))
            read[name].add(cell.analysis)
    assert min(seen[f"{name}{tag}"] for name in ("page", "pdf", "docx", "rtf") for tag in ("", ".zh")) >= 200, seen
    assert min(seen["pptx"], seen["pptx.zh"]) >= NUMBERS_ON_SLIDES, seen
    # Pages and the pack carry every analysis; what the others leave out is declared.
    for tag in ("", ".zh"):
        assert set(analyses) - read[f"page{tag}"] == set(analyses) - read[f"rtf{tag}"] == set()
        assert read[f"pdf{tag}"] == read[f"docx{tag}"] == IN_THE_REPORT
        assert read[f"pptx{tag}"] == ON_SLIDES


# Tables whose cells name no number of the results: what they show of which statistics of which analysis, and which of
# its rows (blank: all that are printed).
BY_THEIR_WORDS = {
    "T-403": ("STOPPING", ("n", "N", "boundary"), ""), "T-418": ("STOPPING_BOUNDARY", ("boundary",), ""),
    # The table of shifts has the total alone; worst and best are over more subjects, their boundary is not printed.
    "T-12b": ("LAB_SHIFT", ("n",), "group1_level == 'Total'"),
    "T-304": ("AE_BY_CUT", ("n", "events"), "group1_level == 'Total'"),
    "T-107": ("CLEANING", ("n",), "context == 'read'"),
    "T-5": ("AE_NEW", ("n", "events"), "group1_level == 'Total' and context == 'TEAE_OVERVIEW'"),
    "T-415": ("DLT_OC", ("estimate",), "variable in ['MTD', 'WITHOUT_MTD', 'UNDECIDED']"),
    "T-419": ("STOPPING_OC", ("stop_probability", "expected_n"), ""),
}  # fmt: skip
# Advice is said in words: T-402 has a line for each outcome, T-413 one for the rule. What is in sentences, figures and
# on the first page alone is read on its page.
OF_ADVICE = {"DLT_NEXT", "DLT_ADVICE"}
ON_PAGES = {"NO_EVENT", "RSP28_CAT", "SAE_LEDGER", "AESI_LEDGER", "DLT_TIMELINE"}


def printed_as(stat: float, text: str) -> set[str]:
    """How a statistic may be printed: as the results say it, or shorter."""
    return {text, f"{stat:g}", f"{stat:.1f}", f"{stat:.3f}"}


def test_every_analysis_is_read_back(source: CutSource) -> None:
    covered = {cell.analysis for cell in cells_of(source)} | {name for name, *_ in BY_THEIR_WORDS.values()}
    assert set(source.built.ard["analysis_id"]) - covered == OF_ADVICE | ON_PAGES


def test_tables_that_name_no_number_show_those_of_the_results_too(
    source: CutSource, carried: dict[str, dict[str, str]]
) -> None:
    ard = source.built.ard
    ard = ard.assign(**{name: ard[name].astype("str") for name in ("group1_level", "variable", "context")})
    for number, (analysis, statistics, rows) in BY_THEIR_WORDS.items():
        own = ard[ard["analysis_id"].eq(analysis) & ard["stat_name"].isin(statistics) & ard["stat"].gt(0)]
        own = own.query(rows) if rows else own
        own = own[~(own["stat_name"].eq("boundary") & own["context"].isin(["worst", "best"]))]
        wanted = [printed_as(row.stat, str(row.stat_text)) for row in own.itertuples()]
        assert len(wanted) > 3, analysis
        output = source.numbered(number)
        assert output is not None
        for language, speaker in (("", Speaker()), (".zh", Speaker(languages()[1]))):
            lines = [line for line in grid_of(output.table, speaker).lines if isinstance(line, list)]
            printed = set(NUMBER.findall(" ".join(cell for line in lines for cell in line)))
            assert [one for one in wanted if not one & printed] == [], (analysis, language)
            for name in (f"page{language}", f"rtf{language}"):
                cells = [bare(cell) for line in lines for cell in line]
                assert [cell for cell in cells if cell not in carried[name][number]] == [], (analysis, name)
    # The ledger has a line for each serious event that is counted.
    ledger = source.numbered("L-9")
    counted = ard[ard["analysis_id"].eq("SAE_LEDGER") & ard["variable"].eq("SAE") & ard["context"].eq("all")]
    (events,) = counted.loc[counted["stat_name"].eq("events") & counted["group1_level"].eq("Total"), "stat"]
    assert ledger is not None
    assert ledger.table.rows == events


def test_advice_and_what_no_table_has_are_those_of_the_results(
    source: CutSource, carried: dict[str, dict[str, str]], demo: Path
) -> None:
    ard = source.built.ard.fillna({"context": "", "variable_level": ""})
    of = {name: ard[ard["analysis_id"].eq(name)] for name in (*OF_ADVICE, *ON_PAGES, "OS_EVENTS")}
    total = {name: rows[rows["group1_level"].eq("Total")] for name, rows in of.items()}
    for language, folder in (("", demo / CUT), (".zh", demo / CUT / "zh")):
        speaker = Speaker(languages()[1] if language else languages()[0])
        lines = {number: [line for line in grid_of(output.table, speaker).lines if isinstance(line, list)]
                 for number in ("T-402", "T-413") if (output := source.numbered(number))}  # fmt: skip
        for number, rows in lines.items():
            for name in (f"page{language}", f"rtf{language}"):
                assert [cell for row in rows for cell in row if bare(cell) not in carried[name][number]] == []
        # The same advice in the same words, another one in others.
        codes = of["DLT_NEXT"].loc[of["DLT_NEXT"]["context"].eq("in_force"), "stat_text"].tolist()
        words = [row[1] for row in lines["T-402"]]
        assert len(words) == len(codes)
        assert len(set(zip(codes, words, strict=True))) == len(set(codes)) == len(set(words))
        told = dict(zip(total["DLT_ADVICE"]["stat_name"], total["DLT_ADVICE"]["stat_text"], strict=True))
        _, advice, date, worst, best = lines["T-413"][0]
        assert date == told["decision_date"]
        for cell, code in ((advice, told["advice"]), (worst, told["worst"]), (best, told["best"])):
            assert set(re.findall(r"DL\d", cell)) == set(re.findall(r"DL\d", code)), (cell, code)
        pages = {name: bare((folder / f"{name}.html").read_text(encoding="utf-8"))
                 for name in ("index", "04_dlt", "05_orr")}  # fmt: skip
        assert all(f"{stat:.0%}" in pages["04_dlt"] for stat in total["NO_EVENT"]["stat"])
        assert str(len(total["DLT_TIMELINE"])) in pages["04_dlt"]
        counted = total["RSP28_CAT"][total["RSP28_CAT"]["stat_name"].eq("n") & total["RSP28_CAT"]["stat"].gt(0)]
        assert all(f"{row.variable_level}{row.stat:g}" in pages["05_orr"] for row in counted.itertuples()
                   if row.variable_level in ("CR", "PR", "MR", "PD"))  # fmt: skip
        deaths = total["OS_EVENTS"].set_index("stat_name")["stat"]
        assert f"{deaths['n']:g}/{deaths['N']:g}" in pages["index"].replace("of", "/")
        for name in ("SAE_LEDGER", "AESI_LEDGER"):
            rows = total[name][total[name]["variable"].eq(name[: name.index("_")])]
            every = rows[rows["context"].eq("all")].set_index("stat_name")["stat"]
            assert f"[{every['events']:g}]" in pages["index"], name


def test_every_table_of_the_report_has_the_cells_of_the_page(
    source: CutSource, carried: dict[str, dict[str, str]], made: dict[str, Made]
) -> None:
    speaker, pages, on_paper = Speaker(), carried["page"], "".join(carried["pdf"].values())
    tables = [block for block in report(source).blocks() if isinstance(block, Table) and not block.id.startswith("R-")]
    assert len(tables) > 12
    for table in tables:
        whole = source.numbered(table.id)
        assert whole is not None
        by_name = {column.name: column for column in whole.table.columns}
        rows = [line for line in grid_of(table, speaker).lines if isinstance(line, list)]
        assert [row for row in rows if bare("".join(row)) not in carried["docx"][table.id]] == [], table.id
        # On paper a cell may have several lines, and a figure may be above the rows of the next page.
        words = [bare(word) for row in rows for cell in row for word in cell.split()]
        assert table.id in carried["pdf"]
        assert [word for word in words if word not in on_paper] == [], table.id
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


def test_tables_and_figures_of_the_pdf_come_in_the_order_in_which_they_are_said(
    source: CutSource, made: dict[str, Made]
) -> None:
    """No figure has moved between two halves of a table, to the top of a page or to its foot."""
    wanted = [block.id for block in report(source).blocks() if isinstance(block, Table | Figure) and block.id]
    for name in ("pdf", "pdf.zh"):
        text = "\n".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(made[name].content)).pages)
        places = [re.search(rf"^{number}\s", text, flags=re.MULTILINE) for number in wanted]
        assert None not in places, name
        assert (found := [place.start() for place in places if place]) == sorted(found), name


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
    # In the Chinese one too: a line may end inside of a Latin word that is said to be Chinese.
    for name in ("docx", "docx.zh"):
        styles = word.Document(io.BytesIO(made[name].content)).styles.element
        spoken = {(mark.get(qn("w:val")), mark.get(qn("w:eastAsia"))) for mark in styles.iter(qn("w:lang"))}
        assert spoken == {("en-GB", "zh-CN")}


def test_footnotes_of_the_word_file_are_on_the_page_of_their_table(made: dict[str, Made]) -> None:
    body = word.Document(io.BytesIO(made["docx"].content)).element.body
    notes = [p for p in body.iter(qn("w:p")) if p.style == "Note" and p.getparent() is body and p.text]
    after = [note.getprevious() for note in notes if note.getprevious().tag == qn("w:tbl")]
    assert len(after) > 3
    assert all(table.tr_lst[-1].xpath(".//w:keepNext") for table in after)


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
    drawings.drawing.cache_clear()
    drawings.png_of.cache_clear()
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


def test_the_pack_has_every_table_listing_and_figure_of_the_pages(source: CutSource, made: dict[str, Made]) -> None:
    text = rtf_text(made["rtf"].content)
    headed = re.findall(r"^(?:Table|Figure|Listing) ([TFL]-\d+[a-z]*)$", text.text, flags=re.MULTILINE)
    assert headed == [output.id for output in source.outputs]
    assert {number[0] for number in headed} == {"T", "F", "L"}
    assert made["rtf"].content.count(b"\\pngblip") == sum(output.spec is not None for output in source.outputs)
    links = [code.split('"')[1] for code in text.fields if code.startswith("HYPERLINK")]
    assert links == [number.replace("-", "_") for number in headed]
    assert text.text.count("Source: ") == len(headed)


def test_narratives_are_of_those_who_died_had_a_serious_event_or_a_dlt(source: CutSource) -> None:
    data, found = source.built.datasets, {one.subject: one for one in narratives_of(source.built)}
    adsl, adae, addlt = data["adsl"], data["adae"], data["addlt"]
    wanted = {
        *adsl.loc[adsl["DTHFL"].eq("Y"), "USUBJID"], *adae.loc[adae["ASER"].eq("Y"), "USUBJID"],
        *addlt.loc[addlt["DLTSTAT"].eq("DLT"), "USUBJID"],
    }  # fmt: skip
    assert {one.usubjid for one in found.values()} == wanted
    # Every record that a sentence names is one of its subject.
    clean = {code: set(zip(frame["USUBJID"], frame[f"{code}SEQ"].astype("str"), strict=True))
             for code in ("AE", "CM", "MH", "LB") for frame in [source.built.clean[code]]}  # fmt: skip
    named = 0
    for one in found.values():
        for topic in one.topics:
            for sentence in topic.sentences:
                code, _, numbers = sentence.records.partition(" ")
                if code in clean and numbers:
                    listed = [number for number in numbers.split(", ") if number.isdigit()]
                    assert [n for n in listed if (one.usubjid, n) not in clean[code]] == [], sentence
                    named += len(listed)
    assert named > 50
    document = narratives(source)
    assert Speaker().say(document.answer) == f"Narratives of {len(wanted)} subjects"
    assert len(document.sections) == 1 + len(wanted)


def test_documents_for_a_wider_audience_hold_nothing_of_a_subject(source: CutSource) -> None:
    """Recognisable values are planted wherever a build keeps something of a subject; no format has one of them."""
    planted = CutSource(replace(source.built), source.previous)
    planted.built.__dict__.update(
        datasets={name: _planted(frame) for name, frame in source.built.datasets.items()},
        clean={name: _planted(frame) for name, frame in source.built.clean.items()},
        ard=_planted_results(source.built.ard),
    )
    planted.__dict__.update(queries=_planted(source.queries), signals=source.signals, outputs=source.outputs)
    subjects = {str(one) for name in ("SUBJID", "USUBJID") for one in source.built.datasets["adsl"][name]}
    least = source.built.analysis.small_cell_min
    for kind in ("pdf", "docx", "pptx", "html", "zip"):
        (file,) = FORMATS[kind](Order(planted, Speaker(), "aggregate"))
        assert file.name.endswith(f"_aggregate.{kind}")
        text = _everything(file.name, file.content)
        assert CANARY not in text, kind
        assert [one for one in subjects if re.search(rf"(?<![\d.-]){one}(?![\d.-])", text)] == [], kind
    # The headline is that of the report, of which it names no subject.
    assert Speaker().say(aggregate_report(planted).answer) == Speaker().say(report(source).answer)
    for block in aggregate_report(planted).blocks():
        if isinstance(block, Table):
            lines = [line for line in grid_of(block, Speaker()).lines if isinstance(line, list)]
            counted = [re.match(r"(\d+) of (\d+)$", cell) for line in lines for cell in line]
            small = [found[0] for found in counted if found and (0 < int(found[1]) < least
                     or 0 < int(found[2]) - int(found[1]) < least)]  # fmt: skip
            assert small == []


CANARY = "Quokkafever"


def _planted(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with a recognisable word in every text, flags and codes of one or two letters left alone."""
    texts = [name for name in frame.columns if pd.api.types.is_string_dtype(frame[name]) and name != "USUBJID"]
    return frame.assign(**{
        name: frame[name].where(frame[name].isna() | frame[name].str.fullmatch(r"[A-Z]{0,3}\d?"), frame[name] + CANARY)
        for name in texts
    })  # fmt: skip


def _planted_results(ard: pd.DataFrame) -> pd.DataFrame:
    """The results with the word in what names subjects or rests on few: bounds, terms of one subject."""
    terms = ard["analysis_id"].str.contains("SOC_PT|CAT|AE_") & ard["variable_level"].fillna("").ne("")
    few = ard["analysis_id"].eq("TEAE_SOC_PT") & ard["variable"].isin(
        ard.loc[ard["analysis_id"].eq("TEAE_SOC_PT") & ard["group1_level"].eq("Total") & ard["stat_name"].eq("n")
                & ard["variable_level"].fillna("").eq("") & ard["stat"].lt(5), "variable"]
    )  # fmt: skip
    assert few.any()
    return ard.assign(
        stat_text=ard["stat_text"].where(ard["analysis_id"].ne("BOUNDS"), CANARY),
        variable_level=ard["variable_level"].where(~terms, ard["variable_level"] + CANARY),
        variable=ard["variable"].where(~few, ard["variable"] + CANARY),
    )


def _everything(name: str, content: bytes) -> str:
    """All text in a file, archives opened."""
    if name.endswith(".pdf"):
        read = pypdf.PdfReader(io.BytesIO(content))
        return " ".join([*(page.extract_text() for page in read.pages), str(read.metadata), str(read.trailer)])
    if name.endswith((".docx", ".pptx", ".zip")):
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            return " ".join(_everything(one, packed.read(one)) for one in packed.namelist())
    text = content.decode("utf-8", "replace")
    return re.sub("<[^>]*>", " ", text) if name.endswith((".xml", ".html", ".rels")) else text


def test_every_format_that_can_be_read_back_is_made(made: dict[str, Made]) -> None:
    assert set(CARRIERS) <= set(FORMATS)
