"""Markdown of the site: table cells, targets, and links from every §, A-nn and P-nn to where it is explained."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

SECTION = re.compile(r"§ ?((?:[0-9]+)(?:\.[0-9]+)*)")
ASSUMPTION = re.compile(r"(?<![A-Za-z0-9/-])A-[0-9]{2,3}(?![0-9])")
PROBLEM = re.compile(r"(?<![A-Za-z0-9-])P(?:0[1-9]|[1-3][0-9]|40)(?![0-9A-Za-z-])")
# What is no prose: code, links, images and targets keep their text.
FENCE = re.compile(r"^(`{3,}|~{3,})")
KEPT = re.compile(r"(`+[^`]*`+|!?\[[^\]]*\]\([^)]*\)|^\([^)]*\)=$)", re.MULTILINE)
_HEADING = re.compile(r"^(#+ )")


def section_target(number: str) -> str:
    """The target of a section of the rulebook: `2.7` is `sec-2-7`."""
    return "sec-" + number.replace(".", "-")


def linked(text: str, known: Iterable[str]) -> str:
    """Text whose §, A-nn and P-nn lead to their explanation, where there is one; code and links are left alone.

    `known` are the targets of the site. A reference without one keeps its text: the test of citations finds it. The
    name of a key or a rule that is written as code leads to it too.
    """
    targets = set(known)

    def link(label: str, target: str) -> str:
        return f"[{label}](#{target})" if target in targets else label

    def prose(part: str) -> str:
        part = SECTION.sub(lambda m: link(m[0], section_target(m[1])), part)
        part = ASSUMPTION.sub(lambda m: link(m[0], m[0].lower()), part)
        return PROBLEM.sub(lambda m: link(m[0], m[0].lower()), part)

    def name(part: str) -> str:
        """The name of a key or a rule, as code, leads to it."""
        word = part.strip("`")
        for target in (f"key-{word}", f"rule-{word.lower()}"):
            if part == f"`{word}`" and target in targets:
                return f"[{part}](#{target})"
        return part

    lines, fence = [], ""
    for line in text.split("\n"):
        mark = FENCE.match(line)
        if mark and not fence:
            fence = mark[1]
        elif mark and line.strip() == fence:
            fence = ""
            lines.append(line)
            continue
        if fence or _HEADING.match(line):
            lines.append(line)
            continue
        parts = KEPT.split(line)
        lines.append("".join(name(part) if k % 2 else prose(part) for k, part in enumerate(parts)))
    return "\n".join(lines)


def escaped(text: object) -> str:
    """Text of the data as Markdown shows it unchanged."""
    return re.sub(r"([\\`*_{}\[\]<>|#~])", r"\\\1", str(text)).replace("\n", " ").strip()


def code(text: object) -> str:
    """Text as code; the bar that would end a table cell is escaped."""
    words = str(text).replace("\n", " ").replace("|", "\\|")
    return f"``{words}``" if "`" in words else f"`{words}`" if words else ""


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; the cells are Markdown already."""
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    lines += ["| " + " | ".join(cell.replace("\n", " ") for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def page(title: str, *blocks: str, target: str = "", of: str = "") -> str:
    """A page: title, then its blocks with a blank line between them.

    `of` is the page that lists it, as a link. Such a page is not in the navigation, which every page would carry whole.
    """
    mark = f"({target})=\n" if target else ""
    if of:
        mark, blocks = f"---\norphan: true\n---\n\n{mark}", (of, *blocks)
    return mark + "\n\n".join([f"# {title}", *(block for block in blocks if block)]) + "\n"
