"""Executed notebooks as pages: self-contained HTML that opens without network and runs nothing but our own script."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from trialbook.core.messages import ENGLISH, Language, msg
from trialbook.display.chart_rendering import chart_script as library_script
from trialbook.display.chart_rendering import csp_hash, draw_script
from trialbook.display.contents import page_sections
from trialbook.display.page_content import PageContent, page_content
from trialbook.display.templates import template_text
from trialbook.display.text import visible
from trialbook.display.theme import PAGE_CSS
from trialbook.protocol.models import Cut, Study

POLICY = (
    "default-src 'none'; {scripts}style-src 'unsafe-inline'; img-src data:; font-src data:; "
    "base-uri 'none'; form-action 'none'"
)
NOTHING_LOADED = POLICY.format(scripts="")
BEGINNING = msg("Beginning")


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
    drawing = [chart_script or library_script(), draw_script()] if content.live else []
    return render(
        "notebook.html",
        frame,
        current,
        language,
        title=title,
        scripts=[*drawing, *(own_scripts() if frame.scripted or drawing else [])],
        pieces=content.pieces,
        has_title=any(heading.level == 1 for heading in content.headings),
        sections=page_sections([piece.html for piece in content.pieces], content.headings, language.say(BEGINNING)),
        dropped=content.dropped,
    )


def own_scripts() -> list[str]:
    """What sorts, searches and filters lists."""
    return [template_text("tables.js")]


def render(
    template: str, frame: Frame | None, current: str, language: Language = ENGLISH, *,
    scripts: Sequence[str] | None = None, **values: Any,
) -> str:  # fmt: skip
    """A page from its template in a language, with the parts that all pages share.

    It runs these `scripts` and nothing else: as a rule ours where the frame is `scripted`, else none.
    """
    from markupsafe import Markup

    if scripts is None:
        scripts = own_scripts() if frame is not None and frame.scripted else []
    sources = " ".join(csp_hash(script) for script in scripts)

    return (
        _templates()
        .get_template(template)
        .render(
            frame=frame,
            current=current,
            language=language,
            _=language.say,
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
