"""Text of the data is text in every format, links stay inside; the HTML file for mail and the archive of a cut."""

from __future__ import annotations

import io
import re
import zipfile
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pypdf
import pytest

from support.read_back import rtf_text
from trialbook.core.errors import StopError, UsageError
from trialbook.core.messages import msg
from trialbook.core.translations import languages
from trialbook.documents.content import (
    Bullets,
    Column,
    Cover,
    Deck,
    Document,
    Figure,
    KeyNumbers,
    Notice,
    Paragraph,
    Section,
    Slide,
    Speaker,
    Table,
)
from trialbook.documents.pdf import pdf
from trialbook.documents.powerpoint import pptx
from trialbook.documents.rtf import Pack, Shown, rtf
from trialbook.documents.web import html
from trialbook.documents.word import docx
from trialbook.documents.zipped import check_names, zipped

# What would run, load or lead somewhere in one of the formats, if text were not text.
PAYLOADS = (
    "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "javascript:alert(1)", "</style><script>1</script>",
    "https://evil.example/x", r"{\rtf1\field{\*\fldinst HYPERLINK x}}", "{ DDEAUTO c:\\\\cmd.exe \"/k calc\" }",
    '=HYPERLINK("http://evil.example")', "=cmd|'/C calc'!A0", "+1+1", "@SUM(1)", "#import \"/etc/passwd\"",
    "#eval(\"1\")", "$x^2$", "@label", "*bold* _it_ `raw`", "{{ 7*7 }}", "{% include 'x' %}", "&lt;b&gt;", "]]>",
    "]]><w:instrText>x</w:instrText>", "a\u202eb", "a\u0000b\u0008", "\ud800", "a\ufffeb", "%s {0}",
    # fields, objects and addresses that Word reads or fetches
    "{ INCLUDETEXT \"c:\\\\boot.ini\" }", "{ INCLUDEPICTURE \"https://evil.example/p.png\" \\d }",
    r"\\evil.example\share\x", "file:///etc/passwd",
    "]]></w:t></w:r><w:fldSimple w:instr=\"DDE c x\"/>", "</a:t></a:r><a:hlinkClick r:id=\"rId1\"/>",
    # groups, objects and characters of RTF
    r"}}}{\object\objocx\bin3 abc}", r"{\*\template https://evil.example/t.dot}", r"\'7b\u123?\par\page\cell\row",
    # markup and actions of PDF
    "#link(\"https://evil.example\")[x]", "\\u{41} /* c */ // d", ") /S /JavaScript /JS (app.alert(1)) /OpenAction",
    "a_x000D_b",
)  # fmt: skip


def data(text: str) -> dict[str, str]:
    return {"d": text}


@pytest.fixture(scope="module")
def hostile() -> Document:
    spec: dict[str, Any] = {
        "data": {"name": "d"}, "mark": "bar",
        "datasets": {"d": [{"term": text, "n": 1} for text in PAYLOADS[:6]]},
        "encoding": {"x": {"field": "n", "type": "quantitative"}, "y": {"field": "term", "type": "nominal"}},
    }  # fmt: skip
    blocks: list[Any] = []
    for k, text in enumerate(PAYLOADS):
        said = data(text)
        columns = (Column("AETERM", said, (text, text)), Column("N", "n", ("1", "2"), "number", True))  # type: ignore[arg-type]
        blocks += [
            Paragraph(said, see=(f"T-{k}", text)), Bullets(((said, said),)), Notice(said),
            KeyNumbers(((said, said, said),)), Table(f"T-{k}", said, columns, notes=(said,)),
        ]  # fmt: skip
    blocks.append(Figure("F-1", data(PAYLOADS[0]), spec, {"titles": [], "words": {}}, notes=(data(PAYLOADS[1]),)))
    cover = Cover("S-1", msg("Report"), data(PAYLOADS[0]), ((data(PAYLOADS[1]), data(PAYLOADS[2])),))
    return Document(
        "report", cover, data(PAYLOADS[0]), data(PAYLOADS[3]), "2025-09-30",
        (Section("a", data(PAYLOADS[0]), tuple(blocks)),), answer=data(PAYLOADS[1]),
    )  # fmt: skip


class Seen(HTMLParser):
    """The tags, attributes and text of a page, as a browser reads them."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str, str]] = []
        self.texts: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_html_for_mail_runs_and_loads_nothing_and_shows_every_text(hostile: Document) -> None:
    page = html(hostile, Speaker()).decode("utf-8")
    seen = Seen(page)
    assert not seen.tags & {"script", "iframe", "object", "embed", "form", "link", "base"}
    assert not [name for _, name, _ in seen.attributes if name.startswith("on")]
    assert all(value.startswith("#") for _, name, value in seen.attributes if name == "href")
    assert all(value.startswith("data:image/svg+xml;base64,") for _, name, value in seen.attributes if name == "src")
    text = "\n".join(seen.texts)
    speaker = Speaker()
    assert [one for one in PAYLOADS if speaker.say(data(one)) not in text] == []
    assert "\u202e" not in text


def test_links_of_the_html_lead_to_something_in_it(hostile: Document) -> None:
    page = Seen(html(hostile, Speaker()).decode("utf-8"))
    ids = [value for _, name, value in page.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    assert {value[1:] for _, name, value in page.attributes if name == "href"} <= set(ids)


def test_the_html_has_the_same_bytes_on_every_run(hostile: Document) -> None:
    assert html(hostile, Speaker()) == html(hostile, Speaker())


def calm_drawings(packed: zipfile.ZipFile) -> None:
    """The drawings in a file of Office run and load nothing."""
    drawings = [name for name in packed.namelist() if name.endswith(".svg")]
    assert drawings
    for name in drawings:
        seen = Seen(packed.read(name).decode("utf-8"))
        assert seen.tags <= {"svg", "g", "path", "text", "rect", "defs", "clippath", "style", "line", "title"}, (
            seen.tags
        )
        assert not [one for one in seen.attributes if one[1].startswith("on") or one[1].endswith("href")]


def test_word_has_no_field_but_ours_and_no_link_outside(hostile: Document) -> None:
    packed = zipfile.ZipFile(io.BytesIO(docx(hostile, Speaker())))
    calm_drawings(packed)
    body = packed.read("word/document.xml").decode("utf-8")
    assert not set(re.findall(r"<w:(fldSimple|object|altChunk|subDoc|control)\b", body))
    fields = re.findall(r"<w:instrText[^>]*>([^<]*)<", body)
    assert not [one for one in fields if one.split()[0] not in {"TOC", "REF", "PAGE", "NUMPAGES", "PAGEREF", "SEQ"}]
    for name in packed.namelist():
        if name.endswith(".rels"):
            assert 'TargetMode="External"' not in packed.read(name).decode("utf-8"), name
    said = re.sub("<[^>]*>", "", body)
    assert "DDEAUTO" in said
    assert "\x08" not in said


def test_pdf_runs_no_markup_and_leads_nowhere_outside(hostile: Document) -> None:
    made = pypdf.PdfReader(io.BytesIO(pdf(hostile, Speaker())))
    assert not {"/OpenAction", "/AA", "/AcroForm"} & set(made.trailer["/Root"])
    assert not {"/JavaScript", "/EmbeddedFiles"} & set(made.trailer["/Root"].get("/Names", {}))
    actions = [
        note.get_object().get("/A", {}).get("/S")
        for page in made.pages
        for note in page.get("/Annots", [])
    ]  # fmt: skip
    assert not {"/URI", "/Launch", "/JavaScript", "/GoToR", "/SubmitForm"} & set(actions)
    text = re.sub(r"\s", "", "".join(page.extract_text() for page in made.pages))
    # Lines may break anywhere and some faces join letters: what markup would have swallowed is looked for.
    for piece in (
        '#eval("1")',
        "$x^2$",
        "@label",
        "*bold*_it_`raw`",
        "{{7*7}}",
        "=cmd|",
        "DDEAUTO",
        '#link("',
        "/*c*///d",
    ):
        assert piece in text, piece


def test_slides_have_no_link_outside_and_no_action(hostile: Document) -> None:
    shown = [block for block in hostile.blocks() if isinstance(block, Bullets | Paragraph | Table | Figure)]
    slides = tuple(Slide(data(text), (Notice(data(text)),), (data(text),)) for text in PAYLOADS)
    slides += tuple(Slide("x", (block,)) for block in shown)
    deck = Deck(hostile.cover, data(PAYLOADS[1]), "2025-09-30", slides, answer=data(PAYLOADS[0]))
    packed = zipfile.ZipFile(io.BytesIO(pptx(deck, Speaker())))
    calm_drawings(packed)
    said = ""
    for name in packed.namelist():
        content = packed.read(name).decode("utf-8", "replace") if name.endswith((".xml", ".rels")) else ""
        assert 'TargetMode="External"' not in content, name
        # The masters of the library have fields of their own.
        fields = "" if "Master" in name or "Layout" in name else "a:fld|"
        assert not re.search(rf"<({fields}a:hlink\w+|p:oleObj|p:control|p:video)\b", content), name
        said += re.sub("<[^>]*>", "", content) if name.startswith("ppt/slides/slide") else ""
    assert "DDEAUTO" in said
    assert "\x08" not in said


def test_rtf_has_no_word_field_or_group_but_ours(hostile: Document) -> None:
    blocks = [block for block in hostile.blocks() if isinstance(block, Table | Figure)]
    numbered = tuple(Shown(replace(block, id=f"{block.id[:1]}-{k}"), "03_safety") for k, block in enumerate(blocks, 1))
    made = rtf(Pack(hostile.cover, hostile.head, hostile.foot, numbered), Speaker())
    calm = tuple(Shown(replace(one.block, title="A", notes=()), "03_safety") for one in numbered)
    calm = tuple(Shown(_calm(one.block), one.step) for one in calm)
    ours = rtf_text(rtf(Pack(replace(hostile.cover, subtitle="B"), "C", "D", calm), Speaker()))
    read = rtf_text(made)
    assert read.words == ours.words
    assert not read.words & {"object", "objdata", "objocx", "bin", "template", "include", "ddeauto"}
    targets = [code.split('"')[1] for code in read.fields if code.startswith("HYPERLINK ")]
    assert [code for code in read.fields if not re.fullmatch(r'HYPERLINK \\l "[TF]_\d+"|PAGE|NUMPAGES', code)] == []
    assert len(targets) == len(numbered)
    assert rtf(Pack(hostile.cover, hostile.head, hostile.foot, numbered), Speaker()) == made
    speaker = Speaker()
    # A surrogate that belongs to no character is shown as a question mark or a replacement.
    shown = [re.sub("[\ud800\ufffd?]", "", speaker.say(data(one))) for one in PAYLOADS]
    text = re.sub("[\ufffd?]", "", read.text)
    assert [one for one in shown if one not in text] == []


def _calm(block: Table | Figure) -> Table | Figure:
    """The same table or figure without text of the data."""
    if isinstance(block, Figure):
        return block
    columns = tuple(replace(column, head="H", cells=tuple("1" for _ in column.cells)) for column in block.columns)
    return replace(block, columns=columns)


def source(folder: Path, names: list[str]) -> Any:
    cut, study = SimpleNamespace(cut_id="C1", cut_date="2025-09-30"), SimpleNamespace(id="S<1>")
    built = SimpleNamespace(folder=folder, cut=cut, protocol=SimpleNamespace(study=study))
    return SimpleNamespace(built=built, manifest={"outputs": names})


def test_the_archive_opens_with_a_page_that_leads_into_the_build(tmp_path: Path) -> None:
    names = ["index.html", "zh/index.html", "data/ae.parquet"]
    for name in (*names, "manifest.json", "run.json"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name, encoding="utf-8")
    made = zipped(source(tmp_path, names), languages(), "S_C1")
    packed = zipfile.ZipFile(io.BytesIO(made))
    listed = ["S_C1/data/ae.parquet", "S_C1/index.html", "S_C1/manifest.json", "S_C1/zh/index.html", "index.html"]
    assert packed.namelist() == listed
    assert {entry.date_time[:3] for entry in packed.infolist()} == {(2025, 9, 30)}
    page = Seen(packed.read("index.html").decode("utf-8"))
    assert [value for _, name, value in page.attributes if name == "href"] == ["S_C1/index.html", "S_C1/zh/index.html"]
    assert page.tags <= {"html", "head", "meta", "title", "body", "h1", "div", "p", "a"}
    (tmp_path / "index.html").touch()
    assert zipped(source(tmp_path, names), languages(), "S_C1") == made
    (tmp_path / "index.html").unlink()
    with pytest.raises(StopError, match="cannot be read"):
        zipped(source(tmp_path, names), languages(), "S_C1")


@pytest.mark.parametrize(
    "names", [["a/con.txt"], ["a/b:c"], ["a/b. "], ["a/" + "b" * 300], ["A/x.csv", "a/X.csv"], ["a/b?.html"]]
)
def test_names_that_windows_does_not_unpack_are_refused(names: list[str]) -> None:
    with pytest.raises(UsageError) as caught:
        check_names(names)
    assert caught.value.next_step
