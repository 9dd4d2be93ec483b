"""Pages in a browser: they draw their charts, ask for nothing, run nothing from data, and fit the window."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import altair as alt
import pandas as pd
import pytest

from support.page_samples import FIRED, PAYLOADS, frame, notebook, run
from trialbook import display
from trialbook.display.chart_rendering import chart_script
from trialbook.display.figures import standing_out
from trialbook.display.page import render_page
from trialbook.display.text import visible
from trialbook.protocol.models import Protocol

pytestmark = pytest.mark.browser
Render = Callable[..., str]
RUN = run("smuggled")
CELL = "table:has(.tb-subtitle) tbody tr:nth-child(2) > :first-child"


@pytest.fixture(scope="session")
def script() -> str:
    return chart_script()


@pytest.fixture
def page_of(protocol: Protocol, script: str) -> Render:
    """Renders a notebook of display objects."""

    def render(*items: object, charts: str = "live") -> str:
        return render_page(
            notebook(*items), title="Sample", frame=frame(protocol), current="05_orr.html", charts=charts,
            chart_script=script,
        )  # fmt: skip

    return render


def step_curve(group: str = "DL1", title: str = "Survival") -> object:
    data = pd.DataFrame({"day": [0, 10, 40], "alive": [1.0, 0.9, 0.8], "group": [group] * 3})
    chart = (
        alt.Chart(data)
        .mark_line(interpolate="step-after")
        .encode(x="day:Q", y="alive:Q", color="group:N", tooltip=["day:Q", "group:N"])
    )
    return display.figure(chart, data, title)


def heat_map() -> object:
    data = pd.DataFrame({"day": [0, 28], "subject": ["S01", "S02"], "grade": [3, 0]})
    chart = alt.Chart(data).mark_rect().encode(x="day:O", y="subject:N", color="grade:Q")
    return display.figure(chart, data, "Grade")


def wide_table() -> object:
    columns = {f"COLUMN{position:02d}": [f"a value {position}"] * 3 for position in range(30)}
    return display.table(pd.DataFrame(columns), "A wide table")


def test_a_live_page_draws_every_chart_and_asks_for_nothing(open_page, page_of):
    watched = open_page(page_of("# Survival", step_curve(), heat_map()))
    assert watched.wait_for_charts() == 2
    assert watched.page.locator(".chart.drawn .live svg path").count() > 0
    # The picture is called by its title, whatever the library calls it.
    assert watched.page.get_by_role("img", name="Chart: Survival").count() == 1
    assert not watched.page.locator(".undrawn").first.is_visible()
    assert watched.outside_requests == []
    assert watched.problems == []


def test_a_live_page_says_where_its_numbers_are_when_scripts_are_off(open_page, page_of):
    watched = open_page(page_of("# Survival", step_curve(), heat_map()), scripts=False)
    assert [words.is_visible() for words in watched.page.locator(".undrawn").all()] == [True, True]


def test_a_static_page_holds_no_script_and_shows_its_charts(open_page, page_of):
    html = page_of("# Survival", step_curve(), heat_map(), charts="static")
    assert "<script" not in html
    watched = open_page(html)
    sizes = watched.page.evaluate("[...document.images].map(image => image.naturalWidth)")
    assert len(sizes) == 2
    assert min(sizes) > 100
    assert watched.outside_requests == []
    assert watched.problems == []


@pytest.mark.parametrize(("charts", "shown"), [("live", ".live svg"), ("static", ".still")])
def test_print_shows_the_charts_and_leaves_out_navigation_and_code(open_page, page_of, charts, shown):
    watched = open_page(page_of("# Survival", step_curve(), charts=charts))
    if charts == "live":
        watched.wait_for_charts()
    watched.page.emulate_media(media="print")
    assert watched.page.locator(shown).first.is_visible()
    hidden = watched.page.locator(".undrawn, nav.pages, pre.code, .code-label").all()
    assert len(hidden) >= 3
    assert not any(part.is_visible() for part in hidden)


def test_nothing_is_cut_off_where_content_is_wider_than_the_window(open_page, page_of):
    """A wide table scrolls in its box; on a phone its rows are cards, each cell with the name of its column."""
    long_word = "x" * 500
    html = page_of(
        f"# {long_word}\n\n{long_word} `{long_word}`", wide_table(), step_curve(title=long_word),
        display.sentence(long_word), display.key_numbers([(long_word, long_word, long_word)]),
        display.notice(long_word), {"text/plain": long_word},
    )  # fmt: skip
    watched = open_page(html)
    watched.wait_for_charts()
    box = watched.page.locator(".tb-box").first
    assert watched.overflow(1280) == 0
    assert box.evaluate("box => box.scrollWidth > box.clientWidth")
    assert watched.overflow(390) == 0
    assert box.evaluate("box => box.scrollWidth <= box.clientWidth")
    last = box.locator("tbody tr").last.locator("td").last
    assert last.is_visible()
    assert last.evaluate("cell => getComputedStyle(cell, '::before').content") == '"COLUMN29"'


def test_code_is_hidden_until_the_reader_asks_for_it(open_page, page_of):
    watched = open_page(page_of("# Code", display.sentence("One subject.")))
    assert not watched.page.locator("pre.code").first.is_visible()
    watched.page.locator("label.code-label").click()
    assert watched.page.locator("pre.code").first.is_visible()


def everything_says(text: str) -> list[object]:
    """Prose, tables, sentences and a chart made of one text."""
    data = pd.DataFrame({"term": [text, text], "group": [text, text], text: [text, "b"]})
    return [
        f"# A title\n\n{text}",
        display.table(data, text, subtitle=text, labels={"term": text}, group="group", notes=[text]),
        display.table(data.iloc[:0], text, empty=text),
        display.sentence(text),
        display.notice(text, "stop"),
        display.key_numbers([(text, text, text)]),
        step_curve(group=text, title=text),
        {"text/plain": text},
    ]


@pytest.mark.parametrize("charts", ["live", "static"])
def test_text_from_data_is_shown_and_never_run(open_page, page_of, charts):
    html = page_of(*[item for text in PAYLOADS.values() for item in everything_says(text)], charts=charts)
    watched = open_page(html)
    if charts == "live":
        assert watched.wait_for_charts() == len(PAYLOADS)
    expected = [visible(text) for text in PAYLOADS.values()]
    for place in (".tb-sentence", ".tb-value", "pre.text", ".tb-figure", ".tb-label", CELL):
        # A figure without a number of its own has one from the page, before its title.
        shown = [re.sub(r"^[TFL]-\d+ ", "", text) for text in watched.page.locator(place).all_text_contents()]
        assert shown == expected, place
    watched.page.evaluate("document.querySelectorAll('main *').forEach(e => e.dispatchEvent(new Event('mouseover')))")
    assert watched.page.evaluate(f"document.documentElement.getAttribute('{FIRED}')") is None
    assert watched.page.url == watched.address
    assert watched.outside_requests == []
    assert watched.problems == []


@pytest.mark.parametrize("charts", ["live", "static"])
def test_the_policy_stops_a_script_that_got_past_the_escaping(open_page, page_of, charts):
    html = page_of("# A title", step_curve(), charts=charts)
    smuggled = html.replace("</main>", f"<script>{RUN}</script><img src=x onerror='{RUN}'></main>")
    assert smuggled != html
    watched = open_page(smuggled)
    watched.page.wait_for_timeout(300)
    assert watched.page.evaluate(f"document.documentElement.hasAttribute('{FIRED}')") is False
    assert any("Content Security Policy" in problem for problem in watched.problems)


def test_the_script_of_these_tests_would_run_without_the_policy(open_page):
    watched = open_page(f"<!DOCTYPE html><title>x</title><script>{RUN}</script>")
    assert watched.page.evaluate(f"document.documentElement.hasAttribute('{FIRED}')") is True


def subject_chart(field: str, mark: str) -> object:
    data = pd.DataFrame({field: ["S01", "S01", "S02", "S02"], "day": [0, 28, 0, 28], "grade": [3, 1, 2, 0]})
    encoded = alt.Chart(data).encode(x="day:Q", y="grade:Q", detail=f"{field}:N", opacity=standing_out(field))
    return display.figure(getattr(encoded, f"mark_{mark}")(), data, f"Grade by {field}")


def opacities(watched) -> list[list[str | None]]:
    """Opacity of every mark, chart by chart."""
    return watched.page.evaluate(
        "[...document.querySelectorAll('.live')].map(live => [...live.querySelectorAll("
        "'.mark-symbol.role-mark path, .mark-line.role-mark path')].map(mark => mark.getAttribute('opacity')))"
    )


def test_a_subject_picked_in_one_chart_stands_out_in_all_of_them(open_page, page_of):
    watched = open_page(
        page_of("# Course", subject_chart("SUBJECT", "point"), subject_chart("SUBJID", "line"), heat_map())
    )
    watched.wait_for_charts()
    assert opacities(watched) == [["1"] * 4, ["1"] * 2, []]
    watched.page.locator(".live").first.locator(".mark-symbol.role-mark path").last.click()
    assert watched.page.locator(".pick select").input_value() == "S02"
    assert opacities(watched) == [["0.12", "0.12", "1", "1"], ["0.12", "1"], []]
    watched.page.locator(".pick select").select_option("S01")
    assert opacities(watched) == [["1", "1", "0.12", "0.12"], ["1", "0.12"], []]
    watched.page.locator(".live").last.click(position={"x": 2, "y": 2})
    watched.page.locator(".pick select").select_option("")
    assert opacities(watched) == [["1"] * 4, ["1"] * 2, []]
    assert watched.problems == []


def test_a_page_without_subjects_offers_none_to_pick_and_a_static_one_neither(open_page, page_of):
    watched = open_page(page_of("# Survival", step_curve()))
    watched.wait_for_charts()
    assert watched.page.locator(".pick").count() == 0
    still = page_of("# Course", subject_chart("SUBJECT", "point"), charts="static")
    assert "picked_subject" not in still
    assert open_page(still).page.locator(".pick").count() == 0


def test_the_rows_of_a_long_table_are_there_after_a_moment_and_at_once_without_script(open_page, protocol):
    """What waits until the page rests waits for no reader without script, and is searched like any other list."""
    rows = pd.DataFrame({"SUBJID": [f"S{number:03}" for number in range(90)], "AETERM": "Sepsis <b>"})
    page = render_page(
        notebook(display.table(rows, "L-2 Events")), title="Sample", frame=replace(frame(protocol), scripted=True),
        current="05_orr.html", charts="static",
    )  # fmt: skip
    plain = open_page(page, scripts=False)
    assert plain.page.locator("#L-2 tbody tr").count() == 90
    watched = open_page(page)
    watched.wait_until("document.querySelectorAll('#L-2 tbody tr').length === 90")
    watched.page.get_by_role("searchbox", name="L-2 Events").fill("S089")
    assert watched.page.locator("#L-2 tbody tr:visible").count() == 1
    assert watched.page.locator("#L-2 tbody tr:visible td").inner_text() == "Sepsis <b>"
    assert watched.problems == []
