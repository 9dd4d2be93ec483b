"""The side list of a page: its sections, and under each the numbers of the tables, figures and listings it holds."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from html import unescape

from trialbook.display.prose import Heading

# What our own HTML says: a section begins (prose), a table or figure has a number of its own (render), or a list leads
# to one on another page of the same step.
_PLACE = re.compile(
    r'<h[1-6] id="(?P<section>[^"]+)">'
    r'|<a class="tb-id" href="#(?P<own>[TFL]-\w+)">[^<]*</a> (?P<title>[^<]*)'
    r'|<a href="(?P<page>[\w-]+\.html)#(?P<other>[TFL]-\w+)">(?P<named>[^<]*)</a>'
)


# A side list with more links than this folds what a section holds, where that is more than a few: each link is a stop
# of the keyboard before the text.
MOST_LINKS = 30
FEW = 3


@dataclass(frozen=True)
class Numbered:
    """A table, figure or listing: its number, its title, and where it is."""

    number: str
    title: str
    href: str


@dataclass
class Section:
    """A section of the page, with the tables and figures up to the next section; `folded`: they are shown on demand."""

    anchor: str
    text: str
    numbered: list[Numbered] = field(default_factory=list)
    folded: bool = False


def raised(pieces: Iterable[str], headings: Iterable[Heading]) -> tuple[list[str], list[Heading]]:
    """The same with headings of level 3 before any of level 2 raised to it: a reference page may begin below a section
    of the page that it belongs to, and levels are not skipped.
    """
    made, found = list(pieces), list(headings)
    below = next((place for place, heading in enumerate(found) if heading.level == 2), len(found))
    for place, heading in enumerate(found[:below]):
        if heading.level == 3:
            opening = re.escape(f'<h3 id="{heading.anchor}">')
            closing = rf'<h2 id="{heading.anchor}">\1</h2>'
            made = [re.sub(f"{opening}(.*?)</h3>", closing, html, flags=re.DOTALL) for html in made]
            found[place] = replace(heading, level=2)
    return made, found


def page_sections(pieces: Iterable[str], headings: Iterable[Heading], beginning: str = "") -> list[Section]:
    """The sections (headings of level 2) of a page made of these pieces of HTML.

    What comes before the first section belongs to one that leads to the top of the page, called `beginning`; it is
    left out where it holds no table or figure.
    """
    known = {heading.anchor: heading.text for heading in headings if heading.level == 2}
    sections = [Section("content", beginning)]
    for html in pieces:
        for found in _PLACE.finditer(html):
            if found["section"] in known:
                sections.append(Section(found["section"], known[found["section"]]))
            elif found["own"]:
                sections[-1].numbered.append(Numbered(found["own"], unescape(found["title"]), f"#{found['own']}"))
            elif found["other"]:
                title = unescape(found["named"]).removeprefix(found["other"]).strip()
                sections[-1].numbered.append(Numbered(found["other"], title, f"{found['page']}#{found['other']}"))
    sections = sections if sections[0].numbered else sections[1:]
    if sum(1 + len(section.numbered) for section in sections) > MOST_LINKS:
        sections = [replace(section, folded=len(section.numbered) > FEW) for section in sections]
    return sections
