"""The side list of a page: every numbered table and figure under its section, whichever page it is on."""

from __future__ import annotations

import pandas as pd

from trialbook.display import table
from trialbook.display.contents import page_sections, raised
from trialbook.display.prose import prose_html
from trialbook.display.render import Renderer


def test_each_number_is_under_the_section_that_it_is_in():
    renderer = Renderer(on_page=True)
    overview, deaths = (
        renderer.html(table(pd.DataFrame({"n": [1]}), title).payload, number)
        for title, number in (("T-5 Overview", "T-5"), ("Deaths & more", "L-301"))
    )
    first, headings = prose_html("# Safety")
    second, more = prose_html("## Events\n\n### Serious")
    elsewhere = '<nav class="tb tb-more"><a href="03_safety_tables.html#T-7b">T-7b By term</a></nav>'
    found = page_sections([first, overview, second, deaths, elsewhere], [*headings, *more], "Beginning")
    assert [
        (section.text, [(item.number, item.title, item.href) for item in section.numbered]) for section in found
    ] == [
        ("Beginning", [("T-5", "Overview", "#T-5")]),
        ("Events", [("L-301", "Deaths & more", "#L-301"), ("T-7b", "By term", "03_safety_tables.html#T-7b")]),
    ]


def test_a_page_whose_numbers_are_all_in_sections_has_no_beginning():
    html, headings = prose_html("# Safety\n\n## Events")
    assert [section.anchor for section in page_sections([html], headings, "Beginning")] == ["s-events"]


def test_a_page_that_begins_below_a_section_skips_no_level():
    html, headings = prose_html("### Side by side\n\n## Events\n\n### Serious")
    (made,), found = raised([html], headings)
    assert [heading.level for heading in found] == [2, 2, 3]
    assert made.count("<h2 ") == made.count("</h2>") == 2
    assert '<h2 id="s-side-by-side">Side by side</h2>' in made
