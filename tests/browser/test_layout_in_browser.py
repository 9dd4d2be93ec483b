"""The pages of a build: they draw their charts and ask for nothing; on a wide and a narrow screen, on paper and without
colour nothing is lost.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import combinations, product
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from support.chart_specifications import columns_held, columns_named, specifications, values_of, without_data

pytestmark = [pytest.mark.browser, pytest.mark.build]
CUT = "2025-09-30"
# A4 landscape without its margins, at 96 pixels to the inch.
PAPER = 1032
# So far apart in lightness (0 to 1) that two fills differ without colour.
APART = 0.07
COLOUR = re.compile("#[0-9A-Fa-f]{6}")
TEXT_IN_DRAWINGS = """() => {
  const cut = [], over = [];
  for (const svg of document.querySelectorAll('main svg')) {
    const frame = svg.getBoundingClientRect();
    if (!frame.width) continue;
    const texts = [...svg.querySelectorAll('text')].filter(text => {
      const style = getComputedStyle(text);
      return text.textContent.trim() && text.getBoundingClientRect().width && style.opacity !== '0';
    });
    const boxes = texts.map(text => text.getBoundingClientRect());
    boxes.forEach((box, k) => {
      const out = Math.max(frame.left - box.left, box.right - frame.right, frame.top - box.top, box.bottom - frame.bottom);
      if (out > 1.5) cut.push(texts[k].textContent);
    });
    // Slanted texts lie beside each other although the boxes around them do not: they are compared along their slant.
    const slants = texts.map(text => { const m = text.getScreenCTM(); return Math.atan2(m.b, m.a); });
    const along = (text, slant) => {
      const [box, m] = [text.getBBox(), text.getScreenCTM()];
      const corners = [[box.x, box.y], [box.x + box.width, box.y + box.height]].map(([x, y]) => {
        const [p, q] = [m.a * x + m.c * y + m.e, m.b * x + m.d * y + m.f];
        return [p * Math.cos(slant) + q * Math.sin(slant), q * Math.cos(slant) - p * Math.sin(slant)];
      });
      return { left: corners[0][0], top: corners[0][1], right: corners[1][0], bottom: corners[1][1] };
    };
    for (let i = 0; i < boxes.length; i++) for (let j = i + 1; j < boxes.length; j++) {
      const slanted = Math.abs(slants[i]) > 0.01 && Math.abs(slants[i] - slants[j]) < 0.01;
      const [a, b] = slanted ? [along(texts[i], slants[i]), along(texts[j], slants[i])] : [boxes[i], boxes[j]];
      const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left);
      const high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
      // The box of a text is higher than its letters, in a font with tall lines the more so: four fifths of the size count.
      const letters = 0.8 * Math.min(...[texts[i], texts[j]].map(text => parseFloat(getComputedStyle(text).fontSize)));
      if (wide > 2 && high > Math.max(4, Math.min(a.bottom - a.top, b.bottom - b.top) - letters)) over.push(texts[i].textContent + ' | ' + texts[j].textContent);
    }
  }
  return { cut, over };
}"""  # noqa: E501
# The DLT window of a strip of the board ends on day 28: below the 28 of the axis.
AXIS = """() => {
  const at = [...document.querySelectorAll('.axis text')].find(text => text.textContent === '28');
  const windows = [...document.querySelectorAll('.strip .win')].map(part => part.getBoundingClientRect());
  if (!at || !windows.some(box => box.width)) return [];
  const box = at.getBoundingClientRect(), day = (box.left + box.right) / 2;
  const ends = Math.max(...windows.map(part => part.right));
  return Math.abs(day - ends) > 2 ? [`day 28 of the axis is at ${day}, of the strips at ${ends}`] : [];
}"""
NAMES_OF_CHARTS = "[...document.querySelectorAll('.chart .live')].map(place => String(place.ariaLabel))"
BEYOND = """() => [...document.querySelectorAll('main *')].filter(part => {
  const box = part.getBoundingClientRect();
  return box.width > 0 && box.right > document.documentElement.clientWidth + 1;
}).map(part => part.tagName + ' ' + part.textContent.slice(0, 60))"""
# A figure that is cut by the end of a sheet: A4 landscape, or portrait for a tall one, without margins.
TALLER_THAN_PAPER = """() => [...document.querySelectorAll('main .chart')].filter(chart =>
  chart.getBoundingClientRect().height > (chart.matches(".tall") ? 1031 : 702)
).map(chart => chart.textContent.slice(0, 60))"""
# What only a screen reader says is clipped on purpose, to nothing: the heads of a table whose rows are cards, too.
SEEN = """const seen = part => {
    for (let at = part; at; at = at.parentElement) if (getComputedStyle(at).clipPath === 'inset(50%)') return false;
    return true;
  };"""
# A cell whose text runs into the next one.
OUT_OF_CELL = f"""() => {{ {SEEN}
  return [...document.querySelectorAll('main .gt_table :is(th, td)')]
    .filter(cell => cell.clientWidth && cell.scrollWidth > cell.clientWidth + 1 && seen(cell))
    .map(cell => cell.textContent.slice(0, 60));
}}"""
CLIPPED = f"""() => {{ {SEEN}
  return [...document.querySelectorAll('main *')].filter(part => {{
    const hides = ['hidden', 'clip'].includes(getComputedStyle(part).overflowX);
    return hides && !part.closest('svg') && part.scrollWidth > part.clientWidth + 1 && seen(part);
  }}).map(part => part.textContent.slice(0, 60));
}}"""


@pytest.fixture(scope="module")
def pages(demo: Path) -> list[Path]:
    """The pages of the last demo cut, and of its profiles those with the most and the least to show."""
    folder = demo / CUT
    profiles = sorted((folder / "profiles").glob("*.html"), key=lambda path: (path.stat().st_size, path.name))
    return [*sorted(folder.glob("*.html")), profiles[0], profiles[-1]]


@pytest.mark.parametrize("family", ["Liberation Sans", pytest.param("Noto Sans CJK SC", marks=pytest.mark.soak)])
def test_pages_draw_their_charts_ask_for_nothing_and_lose_nothing_on_screens_and_on_paper(
    pages: list[Path], open_with_font: Callable[[str], Callable[..., Any]], family: str
) -> None:
    """Whatever font a machine has: the one that charts are measured with, one with tall lines.

    One visit to each page; what is wrong is reported for all of them at once.
    """
    open_page = open_with_font(family)
    # The font with tall lines on the pages with the most to show; they are made of the same parts.
    fullest = sorted(pages, key=lambda path: path.stat().st_size)[-3:]
    wrong = []
    for path in pages if family == "Liberation Sans" else fullest:
        seen = open_page(path)
        found = [*on_screens(seen), *on_paper(seen)]
        if path.parent.name == "profiles":
            assert seen.page.pdf(prefer_css_page_size=True).startswith(b"%PDF"), path.name
        seen.page.close()
        wrong += [f"{path.name}: {said}" for said in found]
    assert not wrong, "\n".join(wrong)


def on_screens(seen: Any) -> Iterator[str]:
    """What is wrong with a page in a wide and in a narrow window."""
    charts = seen.wait_for_charts()
    specified = len(specifications(Path(unquote(urlsplit(seen.address).path))))
    if charts != specified:
        yield f"{charts} of {specified} charts are drawn"
    yield from (f"asks for {address}" for address in seen.outside_requests)
    yield from seen.problems
    if seen.page.url != seen.address:
        yield f"leads to {seen.page.url}"
    yield from (f"no text for a chart: {name}" for name in seen.page.evaluate(NAMES_OF_CHARTS) if ": " not in name)
    texts = seen.page.evaluate(TEXT_IN_DRAWINGS)
    yield from (f"{kind} in a drawing: {text}" for kind, some in texts.items() for text in some)
    yield from seen.page.evaluate(AXIS)
    for width in (1280, 390):
        if seen.overflow(width):
            yield f"wider than {width} pixels"
        yield from (f"clipped at {width} pixels: {text}" for text in seen.page.evaluate(CLIPPED))
        yield from (f"out of its cell at {width} pixels: {text}" for text in seen.page.evaluate(OUT_OF_CELL))


def on_paper(seen: Any) -> Iterator[str]:
    """What is wrong with a page, its charts drawn, when it is printed."""
    seen.page.emulate_media(media="print")
    seen.page.set_viewport_size({"width": PAPER, "height": 900})
    yield from (f"beyond the paper: {text}" for text in seen.page.evaluate(BEYOND))
    yield from (f"cut by the end of a sheet: {text}" for text in seen.page.evaluate(TALLER_THAN_PAPER))
    for chart in seen.page.locator("main .chart").all():
        if not any(drawing.is_visible() for drawing in chart.locator("svg, img").all()):
            yield f"not printed: {chart.text_content()}"
    if seen.page.locator(".tb-opened:visible, .tb-close:visible, nav.pages:visible").count():
        yield "the navigation is printed"


def test_charts_embed_no_column_that_they_do_not_draw(demo: Path) -> None:
    charts = [(page.name, spec) for page in sorted((demo / CUT).glob("*.html")) for spec in specifications(page)]
    assert len(charts) >= 15
    for name, spec in charts:
        assert columns_held(spec) - columns_named(spec) == set(), name


def lightness(colour: str) -> float:
    """How light a colour is to the eye, 0 to 1: its relative luminance, made even."""
    parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return float((0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]) ** (1 / 2.2))


def test_lightness_is_that_of_the_eye() -> None:
    assert (lightness("#000000"), round(lightness("#ffffff"), 6)) == (0.0, 1.0)
    assert abs(lightness("#E69F00") - lightness("#56B4E9")) < APART < abs(lightness("#0072B2") - lightness("#E69F00"))


def coloured_only(spec: dict[str, Any]) -> Iterator[str]:
    """Columns that only colour tells apart: no shape, dash, text or place says the same, and the greys are alike."""
    bare = without_data(spec)
    told = {
        name
        for key in ("shape", "strokeDash", "text", "x", "y", "row", "column", "facet")
        for name in fields(key, bare)
    }
    for channel in ("color", "fill", "stroke"):
        for entry in values_of(channel, bare):
            if not isinstance(entry, dict) or "field" not in entry or entry.get("type") == "quantitative":
                continue
            colours = [
                colour for colour in (entry.get("scale") or {}).get("range", []) if COLOUR.fullmatch(str(colour))
            ]
            alike = [pair for pair in combinations(colours, 2) if pair[0] != pair[1] and too_alike(*pair)]
            if entry["field"] in told or (colours and not alike):
                continue
            texts = any(says(name, entry["field"], spec) for name in fields("text", bare))
            if not texts and not place_says(entry["field"], bare, spec):
                yield f"{entry['field']}: {alike or 'colours of no known lightness'}"


def fields(channel: str, bare: dict[str, Any]) -> list[str]:
    """The columns that a channel shows."""
    return [entry["field"] for entry in values_of(channel, bare) if isinstance(entry, dict) and "field" in entry]


def says(text: str, column: str, spec: dict[str, Any]) -> bool:
    """Whether a text beside the marks decides the value of a column."""
    rows = [row for data in spec["datasets"].values() for row in data if text in row and column in row]
    pairs = {(row[text], row[column]) for row in rows}
    return bool(pairs) and len(pairs) == len({shown for shown, _ in pairs})


def place_says(column: str, bare: dict[str, Any], spec: dict[str, Any]) -> bool:
    """Whether a place on the axes decides the value of a column: a row of the drawing, or a place in every panel of it
    (above a diagonal it got worse). Places that are drawn once decide nothing.
    """
    across, down = set(fields("x", bare)), set(fields("y", bare))
    for names in [*((name,) for name in sorted(across | down)), *product(sorted(across), sorted(down))]:
        wanted = {*names, column}
        rows = [row for data in spec["datasets"].values() for row in data if wanted <= set(row)]
        places = {tuple(row[name] for name in names) for row in rows}
        said = {(*(row[name] for name in names), row[column]) for row in rows}
        if len(rows) > 1.5 * len(places) and 1 < len(places) == len(said):
            return True
    return False


def too_alike(one: str, other: str) -> bool:
    return abs(lightness(one) - lightness(other)) < APART


def test_what_colour_says_is_also_said_without_colour(demo: Path) -> None:
    found = [
        f"{page.name}, chart {k}: {said}"
        for page in sorted((demo / CUT).glob("*.html"))
        for k, spec in enumerate(specifications(page), 1)
        for said in coloured_only(spec)
    ]
    assert found == []
