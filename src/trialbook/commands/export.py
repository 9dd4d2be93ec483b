"""`trialbook export`: documents of a built cut for people who were not at the screen; whole files, or none."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from trialbook.core.errors import UsageError, not_built
from trialbook.core.files import is_inside, staged
from trialbook.core.messages import Language
from trialbook.core.translations import language_of, languages
from trialbook.diff.headlines import headlines
from trialbook.diff.issued import RESULT, Issued, result_numbers
from trialbook.documents.content import Audience, Block, Deck, Document, Figure, Speaker, Table
from trialbook.documents.glyphs import Missing, without_glyph
from trialbook.documents.layout import texts_of
from trialbook.documents.source import CutSource
from trialbook.pipeline.issued_register import adding_to_register
from trialbook.pipeline.publish import LOCKS
from trialbook.pipeline.study_page import refresh_study_page

AUDIENCES: tuple[Audience, ...] = ("line", "aggregate")
DEFAULT = ("pdf", "docx")
# Files that later versions will make: named so that nobody looks for a misspelling.
LATER = ("xpt", "dataset-json", "define", "ars", "registry", "validation")


@dataclass(frozen=True)
class Made:
    """One file of an export: its name, its bytes, and the characters that its face cannot show.

    `tables`: the ids of the tables of the pages that it shows; `numbers`: what it shows of the results, by name;
    `english`: how many texts of the build its language has no translation of.
    """

    name: str
    content: bytes
    missing: tuple[Missing, ...] = ()
    issued: Issued | None = None
    tables: frozenset[str] = frozenset()
    numbers: Mapping[str, str] = field(default_factory=dict)
    english: int = 0


@dataclass(frozen=True)
class Order:
    """What is to be made: of which cut, in which language, for whom."""

    source: CutSource
    speaker: Speaker
    audience: Audience

    @property
    def language(self) -> str:
        """The language as file names have it: `en`, `zh`."""
        return self.speaker.language.tag[:2]

    def name(self, what: str, ending: str, *, every_language: bool = False) -> str:
        """The name of a file: study, cut, what it is, language, and for whom where that is not the usual."""
        study, cut = self.source.built.protocol.study.id, self.source.built.cut.cut_id
        spoken = [] if every_language else [self.language]
        parts = [study, cut, what, *spoken, *(["aggregate"] if self.audience == "aggregate" else [])]
        return "_".join(re.sub(r"[^A-Za-z0-9.-]+", "-", part).strip("-.") for part in parts) + f".{ending}"


def _document(order: Order) -> Document:
    """The report for whom it is."""
    from trialbook.documents.aggregate import aggregate_report
    from trialbook.documents.report import report

    return report(order.source) if order.audience == "line" else aggregate_report(order.source)


def _report_pdf(order: Order) -> list[Made]:
    from trialbook.documents.pdf import pdf

    document = _document(order)
    missing = tuple(_missing(document, order.speaker))
    return [Made(order.name("report", "pdf"), pdf(document, order.speaker), missing, tables=_tables(document.blocks()))]


def _tables(blocks: Iterable[Block]) -> frozenset[str]:
    return frozenset(block.id for block in blocks if isinstance(block, Table))


def _report_docx(order: Order) -> list[Made]:
    from trialbook.documents.word import docx

    document = _document(order)
    return [Made(order.name("report", "docx"), docx(document, order.speaker), tables=_tables(document.blocks()))]


def _slides_pptx(order: Order) -> list[Made]:
    from trialbook.documents.aggregate import aggregate_deck
    from trialbook.documents.powerpoint import pptx
    from trialbook.documents.slides import deck

    slides = deck(order.source) if order.audience == "line" else aggregate_deck(order.source)
    tables = _tables(block for slide in slides.slides for block in slide.blocks)
    return [Made(order.name("slides", "pptx"), pptx(slides, order.speaker), tables=tables)]


def _pack_rtf(order: Order) -> list[Made]:
    from trialbook.documents.rtf import pack, rtf

    content = pack(order.source)
    tables = _tables(one.block for one in content.shown)
    return [Made(order.name("tables", "rtf"), rtf(content, order.speaker), tables=tables)]


def _report_html(order: Order) -> list[Made]:
    from trialbook.documents.web import html, whole_report

    document = whole_report(order.source) if order.audience == "line" else _document(order)
    return [Made(order.name("report", "html"), html(document, order.speaker), tables=_tables(document.blocks()))]


def _cut_zip(order: Order) -> list[Made]:
    from trialbook.documents.zipped import zipped, zipped_documents

    # All languages are in it.
    name = order.name("build" if order.audience == "line" else "documents", "zip", every_language=True)
    inner = name.removesuffix(".zip")
    if order.audience == "line":
        every = frozenset(output.id for output in order.source.outputs)
        return [Made(name, zipped(order.source, languages(), inner), tables=every)]
    pages: list[tuple[Language, str]] = []
    contents: dict[str, bytes] = {}
    for language in languages():
        spoken = replace(order, speaker=Speaker(language))
        files = [file for make in (_report_html, _report_pdf, _report_docx, _slides_pptx) for file in make(spoken)]
        pages.append((language, files[0].name))
        contents |= {file.name: file.content for file in files}
    return [Made(name, zipped_documents(order.source, pages, contents, inner))]


def _narratives(order: Order) -> list[Made]:
    from trialbook.documents.narratives import narratives
    from trialbook.documents.pdf import pdf
    from trialbook.documents.word import docx

    document = narratives(order.source)
    missing = tuple(_missing(document, order.speaker))
    return [
        Made(order.name("narratives", "pdf"), pdf(document, order.speaker), missing),
        Made(order.name("narratives", "docx"), docx(document, order.speaker)),
    ]


# What describes single subjects from its first line to its last.
OF_SUBJECTS = ("rtf", "narratives")
# One function makes the files of a format.
FORMATS: Mapping[str, Callable[[Order], list[Made]]] = {
    "pdf": _report_pdf, "docx": _report_docx, "pptx": _slides_pptx, "rtf": _pack_rtf, "narratives": _narratives,
    "html": _report_html, "zip": _cut_zip,
}  # fmt: skip


def export(
    cut: str, out: Path, to: Path, formats: Sequence[str] = DEFAULT, tags: Sequence[str] = ("en",),
    audience: str = "line",
) -> list[Made]:  # fmt: skip
    """Makes the files of a built cut and writes them to a folder, which is made where it is missing.

    `cut`: the id of a built cut in `out`, a cut file, or the folder of a build; `tags`: `en`, `zh`.
    Raises UsageError for what cannot be made, a cut that has not been built, and a folder inside of the builds.
    """
    made = _made(cut, out, to, formats, tags, audience)
    with _written({to / one.name: one.content for one in made}) as appear:
        appear()
    return made


def _made(
    cut: str, out: Path, to: Path, formats: Sequence[str], tags: Sequence[str], audience: str
) -> list[Made]:  # fmt: skip
    """The files of an export, none of them written."""
    wanted, heard = _wanted(formats), _audience(audience)
    _refuse_subjects(wanted, heard)
    spoken = [language_of(tag) for tag in dict.fromkeys(tags)]
    source = built_source(cut, out)
    _refuse(to, out, source)
    orders = [Order(source, Speaker(language), heard) for language in spoken]
    every = [_registered(order, made, one) for order in orders for one in wanted for made in FORMATS[one](order)]
    # A file in which all languages are is made once.
    return list({one.name: one for one in every}.values())


def issue(
    cut: str, out: Path, to: Path, root: Path, formats: Sequence[str] = DEFAULT, tags: Sequence[str] = ("en",),
    audience: str = "line", tell: Callable[[str], None] = lambda line: None,
) -> list[Made]:  # fmt: skip
    """`export`, with a line for each file in the register of issued documents of the project `root`.

    The page over all cuts then shows them. Raises as `export` does, and for a register that is damaged, before a file
    is written.
    """
    with adding_to_register(root) as add:
        made = _made(cut, out, to, formats, tags, audience)
        built = built_source(cut, out).built
        files = {to / one.name: one.content for one in made}
        with _written(files) as appear:
            # The lines come first: no document is anywhere of which the register does not know.
            lines = [one.issued for one in made if one.issued is not None]
            add(lines, {one.issued.sha256: one.numbers for one in made if one.issued is not None and one.numbers})
            try:
                appear()
            except OSError:
                there = {path.name for path, content in files.items() if _holds(path, content)}
                add([line for line in lines if line.document in there], {})
                raise
    builds = built.folder.resolve().parent
    mask = os.umask(0o077)
    os.umask(mask)
    refresh_study_page(builds, builds / LOCKS, mask, tell, root)
    return made


def _registered(order: Order, made: Made, kind: str) -> Made:
    """The file with its line of the register: what was issued, from which build, and the numbers it rests on."""
    built = order.source.built
    line = Issued(
        datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), made.name, kind, built.protocol.study.id, built.cut.cut_id,
        built.seal, order.language, order.audience,
        hashlib.sha256(made.content).hexdigest(), headlines(built.ard, built.analysis),
    )  # fmt: skip
    english = order.source.untranslated(order.speaker.language)
    return replace(made, issued=line, numbers=shown_numbers(order.source, made.tables), english=english)


def shown_numbers(source: CutSource, tables: Collection[str]) -> dict[str, str]:
    """The numbers of the results that cells of these tables show, by name."""
    keys = {
        tuple(key)
        for output in source.outputs
        if output.id in tables
        for _, _, _, key in output.payload.get("says", ())
        if key
    }
    ard = source.built.ard
    cells = zip(*(ard[name].fillna("").astype("str") for name in RESULT[:-1]), strict=True)
    return result_numbers(ard[[cell in keys for cell in cells]])


def _holds(path: Path, content: bytes) -> bool:
    with suppress(OSError):
        return path.read_bytes() == content
    return False


def built_source(cut: str, out: Path) -> CutSource:
    """The complete build of a cut. Raises UsageError where there is none."""
    name = Path(cut).stem if cut.endswith((".yaml", ".yml")) else cut
    folder = Path(name) if "/" in name else out / name
    found = CutSource.at(folder)
    if found is None:
        raise not_built(folder)
    before = found.previous
    recorded = found.manifest["sources"].get("previous_build")
    if before is not None and recorded and _sha256(before.folder / "manifest.json") != recorded:
        raise UsageError(
            f"the build of the previous cut {before.cut.cut_id} has changed since this cut was built",
            file=str(folder), next_step=f"trialbook build {cut}",
        )  # fmt: skip
    return found


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _wanted(formats: Sequence[str]) -> list[str]:
    for one in formats:
        if one in FORMATS:
            continue
        known = ", ".join(FORMATS)
        if one in LATER:
            raise UsageError(f"this version does not make {one} yet", next_step=f"choose among {known}")
        raise UsageError(f"there is no format {one!r}", next_step=f"choose among {known}")
    return list(dict.fromkeys(formats))


def _audience(audience: str) -> Audience:
    for known in AUDIENCES:
        if audience == known:
            return known
    raise UsageError(f"there is no audience {audience!r}", next_step=f"choose among {', '.join(AUDIENCES)}")


def _refuse_subjects(formats: Sequence[str], audience: Audience) -> None:
    """No file about single subjects is made for a wider audience."""
    refused = [one for one in formats if one in OF_SUBJECTS] if audience == "aggregate" else []
    if refused:
        known = ", ".join(one for one in FORMATS if one not in OF_SUBJECTS)
        raise UsageError(
            f"{refused[0]} describes single subjects and is not made for a wider audience", value=audience,
            next_step=f"choose among {known}, or leave out --audience",
        )  # fmt: skip


def _refuse(to: Path, out: Path, source: CutSource) -> None:
    """Nothing is written among the builds: a build holds what its manifest names, and nothing else."""
    if is_inside(to, out, source.built.folder):
        raise UsageError("documents are not written into the folder of builds", file=str(to), next_step="--to DIR")
    if to.exists() and not to.is_dir():
        raise UsageError("this is a file, not a folder", file=str(to), next_step="--to DIR")


def _missing(document: Document | Deck, speaker: Speaker) -> Iterator[Missing]:
    """The characters that the face of the PDF lacks, in its texts and in its drawings."""
    texts = list(texts_of(document, speaker))
    if isinstance(document, Document):
        for block in document.blocks():
            if isinstance(block, Figure):
                texts += [(block.id, text) for text in _drawn(block)]
    yield from without_glyph(texts)


def _drawn(figure: Figure) -> Iterator[str]:
    """The texts of the data that a figure draws."""
    for rows in figure.spec.get("datasets", {}).values():
        for row in rows:
            yield from (value for value in row.values() if isinstance(value, str))


@contextmanager
def _written(files: Mapping[Path, bytes]) -> Iterator[Callable[[], None]]:
    """`core.files.staged`, what cannot be written said in words."""
    try:
        with staged(files) as appear:
            yield appear
    except OSError as error:
        raise UsageError(
            f"this cannot be written ({error.strerror or type(error).__name__})", file=str(error.filename or ""),
            next_step="choose another folder with --to",
        ) from None  # fmt: skip


def told(made: Sequence[Made], to: Path) -> Iterator[str]:
    """What was made, in lines: the files, and the characters that could not be shown."""
    for one in made:
        yield str(to / one.name)
        for missing in one.missing:
            yield f"  no glyph for {missing}"
    if english := max((one.english for one in made), default=0):
        said = "1 text is in English" if english == 1 else f"{english} texts are in English"
        yield f"{said}: the build is of another version than the translations; build the cut again, then export it"
