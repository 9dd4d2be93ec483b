"""Figures of documents as pictures: SVG for what can show it, PNG for what cannot; the same bytes on every machine."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache, lru_cache
from typing import Any, Literal

from trialbook.display.chart_rendering import still_svg, svg_size
from trialbook.display.chart_texts import in_language
from trialbook.documents.content import Figure, Speaker
from trialbook.documents.glyphs import FACE, FAMILY, shown

# Pixels of a picture for each pixel of its drawing: sharp on paper.
SHARP = 3
_TEXT = re.compile(r"(?<=>)[^<>]+(?=<)")
_FAMILY = re.compile(r'font-family="[^"]*"')


def svg_of(figure: Figure, speaker: Speaker) -> str:
    """The figure as SVG in a language, measured and written with the face of documents."""
    spec = dict(figure.spec)
    drawn = in_language(spec, figure.texts, speaker.say) if speaker.language.tag != "en" else spec
    drawn = {**drawn, "config": {**drawn.get("config", {}), "font": FAMILY}}
    return drawing(json.dumps(drawn, sort_keys=False), f"d-{re.sub('[^A-Za-z0-9]', '', figure.id)}")


@lru_cache(maxsize=64)
def drawing(spec: str, mark: str) -> str:
    """The drawing of a specification (JSON), once for all formats; `mark` begins the ids in it."""
    _use_face()
    svg = _FAMILY.sub(f'font-family="{FAMILY}"', still_svg(json.loads(spec), mark))
    return _TEXT.sub(lambda found: shown(found[0]), svg)


def for_office(svg: str) -> str:
    """The drawing for a program that has other faces: it names some that are alike, and a Chinese one."""
    return _FAMILY.sub('font-family="Arial, Microsoft YaHei, SimHei, Noto Sans CJK SC, sans-serif"', svg)


@lru_cache(maxsize=64)
def png_of(svg: str, sharp: int = SHARP) -> bytes:
    """The drawing as PNG, `sharp` pixels for each of its own, drawn with the face of documents alone."""
    wide, high = svg_size(svg)
    page = f'#set page(width: {wide}pt, height: {high}pt, margin: 0pt)\n#image("drawing.svg", width: {wide}pt)\n'
    return compiled({"main.typ": page.encode("utf-8"), "drawing.svg": svg.encode("utf-8")}, "png", ppi=72.0 * sharp)


def compiled(files: Mapping[str, bytes], kind: Literal["pdf", "png"], **options: Any) -> bytes:
    """What Typst makes of these files (`main.typ` and what it reads), with the face of documents alone.

    Raises TypeError when it is more than one file.
    """
    import typst

    typesetter: Any = typst  # its type stub does not know files in memory
    made = typesetter.compile(
        dict(files), format=kind, font_paths=[str(FACE.parent)], ignore_system_fonts=True, **options
    )
    if not isinstance(made, bytes):
        raise TypeError("typst has made more than one file")
    return made


@cache
def _use_face() -> None:
    import vl_convert

    vl_convert.register_font_directory(str(FACE.parent))
