"""What Word files and slides share: faces that a reader's machine has, the language, and drawings beside pictures."""

from __future__ import annotations

from typing import Any

LATIN, HAN = "Arial", "Microsoft YaHei"
DRAWING = "http://schemas.openxmlformats.org/drawingml/2006/main"
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
SVG = "http://schemas.microsoft.com/office/drawing/2016/SVG/main"
# The extension of a picture by which programs that draw SVG find it.
SVG_EXTENSION = "{96DAC541-7B7A-43D3-8B79-37D633B846F1}"


def add_vector(part: Any, picture: Any, name: str, svg: str) -> None:
    """Puts the drawing beside the pixels of a picture: programs that know SVG show it, others the pixels."""
    from lxml import etree

    made: Any
    blob, package = svg.encode("utf-8"), part.package
    if name.startswith("/word/"):
        from docx.opc.packuri import PackURI as WordName
        from docx.opc.part import Part as WordPart

        made = WordPart(WordName(name), "image/svg+xml", blob, package)
    else:
        from pptx.opc.package import Part as SlidePart
        from pptx.opc.packuri import PackURI as SlideName

        slide_part: Any = SlidePart  # its type names the package where the content is
        made = slide_part(SlideName(name), "image/svg+xml", package, blob)
    relation = part.relate_to(made, f"{RELATIONS}/image")
    blip = next(picture.iter(f"{{{DRAWING}}}blip"))
    listed = etree.SubElement(blip, f"{{{DRAWING}}}extLst")
    extension = etree.SubElement(listed, f"{{{DRAWING}}}ext", uri=SVG_EXTENSION)
    etree.SubElement(
        extension, f"{{{SVG}}}svgBlip", {f"{{{RELATIONS}}}embed": relation}, nsmap={"asvg": SVG, "r": RELATIONS}
    )


def plain_fonts(style: Any) -> None:
    """Sets the faces of a style by name, in place of those of a theme."""
    from docx.oxml.ns import qn

    properties = style.get_or_add_rPr()
    for old in properties.findall(qn("w:rFonts")):
        properties.remove(old)
    fonts = properties.get_or_add_rFonts()
    for name, face in (("ascii", LATIN), ("hAnsi", LATIN), ("cs", LATIN), ("eastAsia", HAN)):
        fonts.set(qn(f"w:{name}"), face)


def language_of(styles: Any, tag: str) -> None:
    """Sets the language of the text of a Word file: Latin words in a Chinese file are English, else a line may end
    inside of one.
    """
    from docx.oxml.ns import qn

    for language in styles.iter(qn("w:lang")):
        language.set(qn("w:val"), "en-GB" if tag.startswith("zh") else tag)
        language.set(qn("w:eastAsia"), "zh-CN")
