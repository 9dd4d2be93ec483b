"""Executed notebooks as pages: self-contained HTML that opens without network and runs nothing but our own script."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Literal, NamedTuple

from trialbook.core.messages import ENGLISH, Language, as_text, msg, plural
from trialbook.display.chart_rendering import chart_script as library_script
from trialbook.display.chart_rendering import csp_hash, draw_script
from trialbook.display.contents import page_sections, raised
from trialbook.display.page_content import PageContent, page_content, records_page, reference_page
from trialbook.display.table_body import LATER
from trialbook.display.templates import template_text
from trialbook.display.text import visible
from trialbook.display.theme import PAGE_CSS
from trialbook.protocol.models import Cut, Study

POLICY = (
    "default-src 'none'; {scripts}style-src 'unsafe-inline'; img-src data:; font-src data:; "
    "base-uri 'none'; form-action 'none'"
)
# The tag and the own name of the other language: of a page in Chinese, and of one in English.
OTHER = (("en", "English"), ("zh-CN", "中文"))
COMMA, COLON, BRACKETS = msg(", "), msg(":"), msg(" ({words})")
NOTHING_LOADED = POLICY.format(scripts="")
BEGINNING = msg("Beginning")


TABLES, RECORDS = msg("Tables and listings"), msg("Records")
# The headline numbers of a page: the first of them come before its text, beside what to look at first.
_HEADLINE = '<div class="tb tb-cards">'
_OPENS = re.compile(r'<a class="tb-open" href="[^"#]*#(r-\d+)">')


# The box of a table that is longer than some screens (`table_body.LATER`).
_LATER = re.compile(rf'<div class="tb-box[^"]*\b{LATER}\b[^"]*" tabindex="0"><table.*?</table></div>', re.DOTALL)


@dataclass(frozen=True)
class Link:
    """A file of the build that a page leads to; `note` says more about it in a few words.

    A page that belongs to another one names it in `parent`: the navigation shows it there alone.
    """

    href: str
    title: str
    note: str = ""
    parent: str = ""


@dataclass(frozen=True)
class Frame:
    """The frame around the content of every page of a build.

    `banner` is said at the top of each page when it is not empty (SYNTHETIC DATA), and so is `notice`, a sentence on
    what the whole cut lacks; `fingerprint` is the build's; `assumptions` is a sentence on the assumptions in force,
    `supersedes` one on an earlier build of the same cut. The pages are `scripted` where they may hold our script.
    """

    study: Study
    cut: Cut
    navigation: Sequence[Link]
    fingerprint: str
    banner: str = ""
    assumptions: str = ""
    supersedes: str = ""
    notice: str = ""
    # From a page to the folder of the same page in the other language, and from it to the files of the build.
    other_language: str = ""
    build: str = ""
    scripted: bool = False


def render_page(
    notebook: Mapping[str, Any],
    *,
    title: str,
    frame: Frame,
    current: str,
    charts: Literal["live", "static"] = "live",
    chart_script: str | None = None,
    language: Language = ENGLISH,
) -> str:
    """The page of one executed notebook; `current` is its file name in the navigation.

    Live pages draw their charts with `chart_script` (made here when it is None, which takes seconds); a page without
    charts, and every static page, holds no script at all. What the page leaves out is said at its end.
    """
    content = page_content(notebook, charts, language)
    return page_of(
        content, title=title, frame=frame, current=current, chart_script=chart_script, language=language
    )  # fmt: skip


def page_of(
    content: PageContent,
    *,
    title: str,
    frame: Frame,
    current: str,
    chart_script: str | None = None,
    language: Language = ENGLISH,
) -> str:
    """The page of a content; see `render_page`."""
    return _page(content, content, title, frame, current, current, chart_script, language)


def pages_of(
    content: PageContent,
    *,
    title: str,
    frame: Frame,
    current: str,
    chart_script: str | None = None,
    language: Language = ENGLISH,
    signals: Sequence[PageSignal] = (),
) -> dict[str, str]:
    """The page of a content, its reference page and its page of records, those that it has, by file name.

    Numbers open in place as well where the frame is `scripted`. `signals`: what a committee must look at first of what
    this page shows.
    """
    made = {current: _page(content, content, title, frame, current, current, chart_script, language, signals)}
    if content.reference:
        name, said = reference_page(current), msg("{page}: tables and listings", page=as_text(title))
        made[name] = _page(content.reference, content, said, frame, name, current, chart_script, language)
    if content.boxes.boxes:
        name, said = records_page(current), msg("{page}: the records behind the numbers", page=as_text(title))
        tables = {one.id: reference_page(current) if one.reference else current for one in content.listed}
        made[name] = render(
            "records.html", frame, name, language, scripts=[], title=said, page=current,
            groups=content.boxes.sections(), tables=tables,
        )  # fmt: skip
    return made


# A page opens with so many signals, the most severe; the first page of the build has all of them.
MOST_SIGNALS = 12


class PageSignal(NamedTuple):
    """A signal on the page that it concerns: whom, how severe, the sentence, the profile, the place on the page
    and what its rule looks for.
    """

    who: str
    level: str
    severity: str
    word: str
    sentence: str
    profile: str
    anchor: str
    title: str = ""


def links_below(content: PageContent, page: str) -> list[Link]:
    """The pages beside a page, for the navigation."""
    return [
        *([Link(reference_page(page), TABLES, parent=page)] if content.reference else []),
        *([Link(records_page(page), RECORDS, parent=page)] if content.boxes.boxes else []),
    ]


def _page(
    shown: PageContent, whole: PageContent, title: str, frame: Frame, current: str, page: str,
    chart_script: str | None, language: Language, signals: Sequence[PageSignal] = (),
) -> str:  # fmt: skip
    """One page with the pieces of `shown`; `whole` is the content that it belongs to, `page` the file name of that."""
    library = (chart_script or library_script()) if shown.live else ""
    drawing = [draw_script()] if shown.live else []
    texts, headings = raised([piece.html for piece in shown.pieces], shown.headings)
    boxes = whole.boxes.data(_OPENS.findall("".join(texts))) if frame.scripted else ""
    has_title = any(heading.level == 1 for heading in headings)
    scripted = bool(frame.scripted or drawing)
    pieces = [
        replace(piece, html=_waiting(text) if scripted else text)
        for piece, text in zip(shown.pieces, texts, strict=True)
    ]
    headlines = [place for place, text in enumerate(texts) if place and text.startswith(_HEADLINE)][:1]
    lead = [pieces.pop(place) for place in headlines if has_title and current == page]
    return render(
        "notebook.html",
        frame,
        current,
        language,
        title=title,
        scripts=[
            *drawing, *(own_scripts() if scripted else []),
            *([template_text("open.js")] if boxes else []),
        ],
        lead=lead,
        pieces=pieces,
        has_title=has_title,
        library=library,
        sections=page_sections(texts, headings, language.say(BEGINNING)),
        dropped=shown.dropped,
        boxes=boxes,
        page=page,
        below=links_below(whole, page),
        signals=signals[:MOST_SIGNALS],
        more_signals=max(0, len(signals) - MOST_SIGNALS),
    )  # fmt: skip


def _waiting(html: str) -> str:
    """Long tables as text that our script makes tables of while the page rests; without script they are tables."""
    return _LATER.sub(r'<noscript class="tb-rest">\g<0></noscript>', html)


def own_scripts() -> list[str]:
    """What sorts, searches and filters lists."""
    return [template_text("tables.js")]


def render(
    template: str, frame: Frame | None, current: str, language: Language = ENGLISH, *,
    scripts: Sequence[str] | None = None, **values: Any,
) -> str:  # fmt: skip
    """A page from its template in a language, with the parts that all pages share; `current` is its file name.

    It runs these `scripts` and nothing else: as a rule ours where the frame is `scripted`, else none. A `library` is
    run by one of them.
    """
    from markupsafe import Markup

    if scripts is None:
        scripts = own_scripts() if frame is not None and frame.scripted else []
    library = str(values.get("library", ""))
    sources = " ".join(csp_hash(script) for script in [*([library] if library else []), *scripts])

    return (
        _templates()
        .get_template(template)
        .render(
            frame=frame,
            current=current,
            language=language,
            other=OTHER[language is ENGLISH],
            _=language.say,
            _n=lambda one, many, n: language.say(plural(one, many, n)),
            comma=language.say(COMMA),
            colon=language.say(COLON),
            day=lambda value: language.dated(str(value)),
            brackets=language.say(BRACKETS),
            space=" " if language is ENGLISH else "",
            style=Markup(PAGE_CSS),  # noqa: S704 - our own files
            scripts=scripts,
            policy=POLICY.format(scripts=f"script-src {sources}; ") if scripts else NOTHING_LOADED,
            **values,
        )
    )


def css_text(text: str) -> str:
    r"""A text as a string of a style sheet: everything but letters, digits and spaces by its number.

    >>> css_text('a "b" </style>')
    '"a \\22 b\\22  \\3C \\2F style\\3E "'
    """
    return '"' + "".join(c if c.isalnum() or c == " " else f"\\{ord(c):X} " for c in visible(text)) + '"'


def compile_templates() -> None:
    """Reads every template, so that no page waits for it later."""
    for name in _templates().list_templates(extensions=["html"]):
        _templates().get_template(name)


@cache
def _templates() -> Any:
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup, escape

    templates = Environment(
        loader=PackageLoader("trialbook.display", "templates"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
    )  # fmt: skip
    templates.filters["own"] = Markup  # HTML that trialbook.display has made
    templates.filters["visible"] = visible
    templates.filters["css_text"] = lambda text: Markup(css_text(text))  # noqa: S704 - letters are kept, others escaped
    templates.filters["filled"] = lambda text, **values: Markup(escape(text)).format(**values)  # noqa: S704 - escaped
    return templates
