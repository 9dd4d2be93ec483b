"""The parts of a workbook file (.xlsx): unpacked within bounds, its sheets, shared texts, styles and comments.

Source: ECMA-376 part 1, 18 (SpreadsheetML).
"""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
import zlib
from typing import NamedTuple
from xml.etree import ElementTree

from trialbook.core.errors import StopError
from trialbook.core.messages import msg
from trialbook.snapshot.number_formats import BUILTIN

# All parts that are read, unpacked: a million rows of an ordinary sheet. What is larger is not read.
MOST_BYTES = 1 << 29
_PIECE = 1 << 20
DAMAGED = (
    zipfile.BadZipFile, zlib.error, OSError, ValueError, EOFError, NotImplementedError, RuntimeError, KeyError,
    ElementTree.ParseError,
)  # fmt: skip
_PROTECTED = b"\xd0\xcf\x11\xe0"
_ENTITY = re.compile(r"&(#x[0-9a-fA-F]+|#\d+|\w+);")
_ENTITIES = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
_ITEM = re.compile(rb"<si\b[^>]*?(?:/>|>(.*?)</si>)", re.S)
_TEXT = re.compile(rb"<t\b[^>]*?(?:/>|>([^<]*)</t>)")
_STRUCK = re.compile(rb"<strike(?:\s*/>|>|\s+val=\"(?:1|true)\")")
_PHONETIC = re.compile(rb"<rPh\b.*?</rPh>", re.S)


class Style(NamedTuple):
    """How the cells of one style are shown: their number format, and whether they are struck out."""

    code: str = "General"
    struck: bool = False


class Sheet(NamedTuple):
    """One sheet of the workbook: its name, its file inside it, and whether a person sees it."""

    name: str
    part: str
    visible: bool


class Package:
    """A workbook file whose parts are unpacked when they are asked for, together at most `MOST_BYTES`."""

    def __init__(self, content: bytes, file: str) -> None:
        if content.startswith(_PROTECTED):
            raise StopError(
                msg("the workbook is protected by a password, or is of an old kind"), file=file, rule="P34",
                next_step=msg("save it as .xlsx without a password"),
            )  # fmt: skip
        self._file, self._left = file, MOST_BYTES
        self._archive = zipfile.ZipFile(io.BytesIO(content))
        self.parts = frozenset(self._archive.namelist())

    def read(self, part: str) -> bytes:
        """One part; raises StopError where it would not end, KeyError where it is not there."""
        pieces = []
        with self._archive.open(part) as source:
            while piece := source.read(_PIECE):
                pieces.append(piece)
                self._left -= len(piece)
                if self._left < 0:
                    raise StopError(
                        msg("unpacked, the workbook has more than {n} MiB", n=MOST_BYTES >> 20), file=self._file,
                        rule="P34", next_step=msg("deliver the table as CSV, or ask for the file again"),
                    )  # fmt: skip
        return b"".join(pieces)

    def tree(self, part: str) -> ElementTree.Element:
        """One part as a tree whose names have no namespace; raises ValueError where it declares entities."""
        content = self.read(part)
        if b"<!DOCTYPE" in content[:4096] or b"<!ENTITY" in content:
            raise ValueError("entities are declared")
        root = ElementTree.fromstring(content)  # noqa: S314 - it declares no entities
        for element in root.iter():
            element.tag = element.tag.rpartition("}")[2]
        return root

    def related(self, part: str) -> dict[str, tuple[str, str]]:
        """The parts that a part refers to: kind and name by id."""
        folder, _, name = part.rpartition("/")
        relations = f"{folder}/_rels/{name}.rels"
        if relations not in self.parts:
            return {}
        found = {}
        for relation in self.tree(relations):
            target = str(relation.get("Target"))
            path = posixpath.normpath(posixpath.join(folder, target)) if not target.startswith("/") else target[1:]
            found[str(relation.get("Id"))] = (str(relation.get("Type")).rpartition("/")[2], path)
        return found


def sheets_of(package: Package) -> tuple[list[Sheet], ElementTree.Element]:
    """The sheets with cells in their order, and the description of the workbook."""
    book = package.tree("xl/workbook.xml")
    related = package.related("xl/workbook.xml")
    sheets = []
    for element in book.iter("sheet"):
        reference = next((value for name, value in element.items() if name.endswith("}id")), "")
        kind, part = related.get(reference, ("", ""))
        if kind == "worksheet" and part in package.parts:
            sheets.append(Sheet(str(element.get("name")), part, element.get("state", "visible") == "visible"))
    return sheets, book


def counts_from_1904(book: ElementTree.Element) -> bool:
    """Whether the workbook counts days from 1904."""
    return any(element.get("date1904") in ("1", "true") for element in book.iter("workbookPr"))


def never_calculated(book: ElementTree.Element) -> bool:
    """Whether the program that wrote the workbook left it to the next one to calculate its formulas."""
    return any(element.get("fullCalcOnLoad") in ("1", "true") for element in book.iter("calcPr"))


def styles_of(package: Package) -> list[Style]:
    """The styles of cells by their number."""
    part = next((path for kind, path in package.related("xl/workbook.xml").values() if kind == "styles"), "")
    if part not in package.parts:
        return []
    root = package.tree(part)
    codes = dict(BUILTIN)
    for element in root.iter("numFmt"):
        codes[int(element.get("numFmtId", "0"))] = element.get("formatCode", "General")
    fonts = [
        any(mark.get("val", "1") in ("1", "true") for mark in font.findall("strike"))
        for font in root.findall("fonts/font")
    ]
    return [
        Style(codes.get(int(xf.get("numFmtId", "0")), "General"), bool(fonts) and fonts[int(xf.get("fontId", "0"))])
        for xf in root.findall("cellXfs/xf")
    ]


def shared_texts(package: Package) -> tuple[list[str], frozenset[int]]:
    """The texts that cells refer to by number, and the numbers of those that are struck out, in whole or in part."""
    part = next((path for kind, path in package.related("xl/workbook.xml").values() if kind == "sharedStrings"), "")
    if part not in package.parts:
        return [], frozenset()
    content = plain_xml(package.read(part), b"<si")
    texts, struck = [], set()
    for found in _ITEM.finditer(content):
        item = found[1] or b""
        texts.append(text_in(item))
        if b"<strike" in item and _STRUCK.search(item):
            struck.add(len(texts) - 1)
    return texts, frozenset(struck)


def text_in(item: bytes) -> str:
    """The text of a shared or inline text, without its marks and without phonetic hints."""
    if b"<rPh" in item:
        item = _PHONETIC.sub(b"", item)
    pieces = _TEXT.findall(item)
    return plain_text(pieces[0] if len(pieces) == 1 else b"".join(pieces))


def plain_text(content: bytes) -> str:
    r"""Text of XML as it was written; raises UnicodeDecodeError for bytes that are no text.

    >>> plain_text(b"a &lt; b_x000D_\r\nc")
    'a < b\r\nc'
    """
    text = content.decode("utf-8")
    if "&" in text:
        text = _ENTITY.sub(_entity, text)
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text) if "_x" in text else text


def _entity(found: re.Match[str]) -> str:
    name = found[1]
    if name.startswith("#"):
        return chr(int(name[2:], 16) if name[1] == "x" else int(name[1:]))
    return _ENTITIES.get(name, found[0])


def plain_xml(content: bytes, usual: bytes) -> bytes:
    """XML in the one spelling that is read: UTF-8, no prefixes, no comments, double quotes. Most has it already.

    `usual` is how an element of it begins. Raises ValueError where it declares entities.
    """
    if b"<!DOCTYPE" in content[:4096] or b"<!ENTITY" in content:
        raise ValueError("entities are declared")
    head = content[:200].lower()
    plain = b"encoding=" not in head or b"utf-8" in head
    if plain and content[:1] == b"<" and usual in content and b"<!" not in content and b"='" not in content:
        return content
    root = ElementTree.fromstring(content)  # noqa: S314 - it declares no entities
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
    return ElementTree.tostring(root, encoding="utf-8")


def comments_of(package: Package, part: str) -> dict[str, str]:
    """The comments of a sheet by cell: notes, and the conversations that newer programs keep instead."""
    notes: dict[str, str] = {}
    talks: dict[str, list[str]] = {}
    for kind, path in package.related(part).values():
        if path not in package.parts or kind not in ("comments", "threadedComment"):
            continue
        for element in package.tree(path).iter("comment" if kind == "comments" else "threadedComment"):
            text = "".join(piece.text or "" for piece in element.iter("t" if kind == "comments" else "text")).strip()
            if kind == "comments":
                notes[str(element.get("ref"))] = text
            else:
                talks.setdefault(str(element.get("ref")), []).append(text)
    return notes | {cell: " / ".join(texts) for cell, texts in talks.items()}
