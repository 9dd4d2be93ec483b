"""Executed notebooks as pages: self-contained HTML that opens without network and runs nothing but our own script."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from trialbook.core.messages import ENGLISH, Language, msg, plural
from trialbook.display.chart_rendering import chart_script as library_script
from trialbook.display.chart_rendering import csp_hash, draw_script
from trialbook.display.page_content import PageContent, page_content
from trialbook.display.text import visible
from trialbook.display.theme import PAGE_CSS
from trialbook.protocol.models import Cut, Study

POLICY = (
    "default-src 'none'; {scripts}style-src 'unsafe-inline'; img-src data:; font-src data:; "
    "base-uri 'none'; form-action 'none'"
)
# The tag and the own name of the other language: of a page in Chinese, and of one in English.
OTHER = (("en", "English"), ("zh-CN", "中文"))
COMMA, COLON = msg(", "), msg(":")
NOTHING_LOADED = POLICY.format(scripts="")


@dataclass(frozen=True)
class Link:
    """A file of the build that a page leads to; `note` says more about it in a few words."""

    href: str
    title: str
    note: str = ""


@dataclass(frozen=True)
class Frame:
    """The frame around the content of every page of a build.

    `banner` is said at the top of each page when it is not empty (SYNTHETIC DATA), and so is `notice`, a sentence on
    what the whole cut lacks; `fingerprint` is the build's; `assumptions` is a sentence on the assumptions in force,
    `supersedes` one on an earlier build of the same cut.
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
    scripts = [chart_script or library_script(), draw_script()] if content.live else []
    sources = "".join(f"{csp_hash(script)} " for script in scripts)
    return render(
        "notebook.html",
        frame,
        current,
        language,
        title=title,
        policy=POLICY.format(scripts=f"script-src {sources.strip()}; ") if scripts else NOTHING_LOADED,
        pieces=content.pieces,
        has_title=any(heading.level == 1 for heading in content.headings),
        contents=[heading for heading in content.headings if heading.level == 2],
        dropped=content.dropped,
        scripts=scripts,
    )


def render(template: str, frame: Frame | None, current: str, language: Language = ENGLISH, **values: Any) -> str:
    """A page from its template in a language, with the parts that all pages share; `current` is its file name."""
    from markupsafe import Markup

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
            space=" " if language is ENGLISH else "",
            style=Markup(PAGE_CSS),  # noqa: S704 - our own files
            **values,
        )
    )


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
    templates.filters["filled"] = lambda text, **values: Markup(escape(text)).format(**values)  # noqa: S704 - escaped
    return templates
