"""Pages of executed notebooks: what they take, what they leave out and report, and the policy that guards them."""

from __future__ import annotations

import re

import altair as alt
import pandas as pd
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from support.page_samples import PAYLOADS, frame, notebook
from trialbook.display import figure, key_numbers, sentence, table
from trialbook.display.blocks import several
from trialbook.display.chart_rendering import csp_hash, draw_script
from trialbook.display.figures import CHART_MIME
from trialbook.display.page import NOTHING_LOADED, own_scripts, render_page
from trialbook.display.page_content import MOST_HEIGHT, MOST_MARKS, page_content, parameters_html
from trialbook.display.page_outputs import is_own_html, left_out
from trialbook.display.prose import prose_html
from trialbook.protocol.models import NOT_AN_ENDPOINT, Protocol

LIBRARY = "window.vegaEmbed = () => Promise.resolve();"
OUTSIDE = re.compile(
    r"""(?:src|href|action)\s*=\s*["']?(?!data:|#|[\w.]+\.html)[^"'\s>]|url\(\s*["']?(?!data:|#)|@import"""
)


@pytest.fixture
def page_of(protocol: Protocol):
    """Renders a notebook of display objects."""

    def render(*items: object, made: object = None, charts: str = "live", **options: object) -> str:
        return render_page(
            made if made is not None else notebook(*items), title="Response", frame=frame(protocol, **options),
            current="05_orr.html", charts=charts, chart_script=LIBRARY,
        )  # fmt: skip

    return render


def points() -> object:
    data = pd.DataFrame({"day": [0, 28], "grade": [3, 0]})
    return figure(alt.Chart(data).mark_point().encode(x="day:Q", y="grade:Q"), data, "Grade by day")


def shown_text(output: object) -> object:
    return new_notebook(cells=[new_code_cell("x", outputs=[output])])


def test_the_policy_is_the_first_thing_in_the_head(page_of):
    for html in (page_of(sentence("x")), page_of(points()), page_of(points(), charts="static")):
        assert re.search(r'<head>\s*<meta http-equiv="Content-Security-Policy" content="[^"]*">', html)


def test_a_page_without_live_charts_admits_no_script_and_holds_none(page_of):
    for html in (page_of(sentence("x")), page_of(points(), charts="static")):
        assert f'content="{NOTHING_LOADED}"' in html
        assert "<script" not in html
    assert NOTHING_LOADED == (
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def test_a_live_page_admits_its_scripts_by_hash_and_nothing_else(page_of):
    html = page_of(points(), points())
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', html)[1]
    assert f"script-src {csp_hash(LIBRARY)} {csp_hash(draw_script())} {csp_hash(own_scripts()[0])};" in policy
    assert "unsafe-eval" not in policy
    assert html.count(LIBRARY) == 1
    assert len(re.findall(r"<script>", html)) == 2
    # Our script runs the library when the page is there.
    assert f'<script type="text/plain" id="chart-library">{LIBRARY}</script>' in html
    assert len(re.findall(r'<script type="application/json"', html)) == 2


def test_no_page_refers_to_an_outside_address(page_of):
    for charts in ("live", "static"):
        html = page_of("See [here](https://example.invalid/x) <https://example.invalid>", points(), charts=charts)
        assert not OUTSIDE.search(html.replace(LIBRARY, ""))
        assert "vega.github.io" not in html


def test_study_cut_banner_disclaimer_and_fingerprint_stand_on_every_page(page_of, protocol):
    html = page_of(sentence("x"))
    study = protocol.study
    for words in (study.id, study.registry_id, study.title, "2025-09-30", "SYNTHETIC DATA", "0123456789ab"):
        assert words in html
    assert study.disclaimer.replace("<", "&lt;") in html
    assert "SYNTHETIC" not in page_of(sentence("x"), banner="")


def test_the_current_page_is_marked_in_the_navigation(page_of):
    assert re.findall(r'<a href="([^"]*)" aria-current="page">', page_of(sentence("x"))) == ["05_orr.html"]


def test_a_page_is_the_same_on_every_rendering(page_of):
    made = notebook("# Title\n\n## Step", points(), sentence("x"))
    assert page_of(made=made) == page_of(made=made)


def test_the_style_of_blocks_stands_once(page_of):
    html = page_of(sentence("x"), table(pd.DataFrame({"a": [1]}), "T"), sentence("y"))
    assert html.count("<style>") == 1
    assert html.count(".tb-warning{border-color") == 1


def test_standard_error_is_never_shown_and_standard_output_only_as_text(page_of):
    html = page_of(made=shown_text(new_output("stream", name="stderr", text="/tmp/secret.py: Warning")))
    assert "secret" not in html
    html = page_of(made=shown_text(new_output("stream", name="stdout", text="12 <b>subjects</b>")))
    assert '<pre class="text">12 &lt;b&gt;subjects&lt;/b&gt;</pre>' in html


@pytest.mark.parametrize(
    "kind", ["application/javascript", "image/svg+xml", "text/latex", "image/png", "application/pdf"]
)
def test_an_output_of_another_kind_is_dropped_and_reported(page_of, kind):
    made = shown_text(new_output("display_data", data={kind: "alert(1)", "text/plain": "in words"}))
    html = page_of(made=made)
    assert "alert(1)" not in html
    assert f"the type {kind} is not shown on pages" in html
    assert "in words" in html
    assert left_out(made) == [f"cell 1: the type {kind} is not shown on pages"]


@pytest.mark.parametrize("name", PAYLOADS)
def test_html_that_display_did_not_make_is_not_shown(page_of, name):
    payload = f"<p>{PAYLOADS[name]}</p><b>"
    made = shown_text(new_output("display_data", data={"text/html": payload}))
    assert payload not in page_of(made=made)
    assert left_out(made) == ["cell 1: HTML that trialbook.display did not make"]


def test_several_blocks_of_which_there_are_none_show_nothing_and_leave_nothing_out(page_of):
    made = notebook("# A title", several([]), sentence("Then this."))
    assert left_out(made) == []
    assert "Then this." in page_of(made=made)


def test_the_headline_numbers_come_first_and_are_shown_once(page_of):
    html = page_of("# A title", sentence("Before."), key_numbers([("Treated", "12", "")]), sentence("After."))
    assert html.count("tb-value") - html.count(".tb-value") == 1
    places = [html.index(text) for text in ("A title</h1>", '<div class="tb-value">12', "Before.", "After.")]
    assert places == sorted(places)


def test_the_html_of_a_frame_gives_way_to_its_text(page_of):
    frame_of_data = pd.DataFrame({"a": ["<b>"]})
    data = {"text/html": frame_of_data._repr_html_(), "text/plain": repr(frame_of_data)}
    html = page_of(made=shown_text(new_output("execute_result", data=data, execution_count=1)))
    assert "dataframe" not in html
    assert "0  &lt;b&gt;</pre>" in html


def test_own_html_is_known_by_its_tags():
    assert is_own_html(table(pd.DataFrame({"a": ["x"], "g": ["y"]}), "T", group="g", notes=["n"]).html)
    for foreign in (
        "<script>",
        "<b>",
        "<p onclick='x'>",
        '<p style="x">',
        "<a href=x>",
        "<img src=x>",
        "<p",
        "<!-- -->",
    ):
        assert not is_own_html(foreign)


def test_a_chart_specification_is_checked_again_before_it_is_shown(page_of):
    output = new_output("display_data", data={CHART_MIME: {"mark": "bar", "data": {"url": "x.csv"}}})
    with pytest.raises(ValueError, match="'url'"):
        page_of(made=shown_text(output))


def test_there_is_no_page_of_a_notebook_that_stopped(page_of):
    stopped = shown_text(new_output("error", ename="ValueError", evalue="S01", traceback=[]))
    with pytest.raises(ValueError, match="cell 1 ended with an error"):
        page_of(made=stopped)


def test_the_parameters_of_the_cut_are_a_table(page_of):
    source = '# Parameters\ncut_id = "2025-09-30"\noverrides = {"response_rules": "CN"}\nmapping = None\n'
    html = parameters_html(source)
    for cell in ("cut_id", "2025-09-30", "response_rules", "CN"):
        assert cell in html
    assert "None" not in html
    made = new_notebook(cells=[new_code_cell(source, metadata={"tags": ["injected-parameters"]})])
    assert "Parameters of this cut" in page_of(made=made)
    assert '<pre class="code">' not in page_of(made=made)


def test_cells_that_look_at_data_are_folded_together_and_their_code_is_not(page_of):
    frames = [table(pd.DataFrame({"x": [number]}), f"Frame {number}") for number in (1, 2, 3)]
    made = notebook("# Title", *frames)
    for cell in made.cells[1:3]:
        cell.metadata["tags"] = ["look"]
    html = page_of(made=made)
    assert html.count('<details class="tb tb-look">') == 1
    folded = html.partition('<details class="tb tb-look">')[2].partition("</details>")[0]
    assert [f"Frame {number}" in folded for number in (1, 2, 3)] == [True, True, False]
    assert html.index("Frame 3") > html.index("Frame 2")
    assert "<code>" not in folded


def test_code_is_on_the_page_escaped(page_of):
    made = new_notebook(cells=[new_code_cell("x < 3  # <script>"), new_code_cell("  ")])
    html = page_of(made=made)
    assert "x &lt; 3  # &lt;script&gt;" in html
    assert html.count('<pre class="code">') == 1


def test_prose_keeps_no_markup_no_image_and_no_outside_link():
    source = "<b>x</b> ![i](https://a.invalid/i.png) [out](https://a.invalid) [in](06_os.html#s-a) [bad](javascript:x)"
    html, _ = prose_html(source)
    assert "<b>" not in html
    assert "<img" not in html
    assert re.findall(r'href="([^"]*)"', html) == ["06_os.html#s-a"]
    assert "out" in html


def test_headings_make_the_contents_with_an_anchor_each(page_of):
    made = new_notebook(
        cells=[new_markdown_cell("# Title\n\n## Step 1\n\n## Step 1"), new_markdown_cell("## 受试者 `x`")]
    )
    html = page_of(made=made)
    assert re.findall(r'<li><a href="(#[^"]+)">([^<]*)</a>', html) == [
        ("#s-step-1", "Step 1"), ("#s-step-1-2", "Step 1"), ("#s-受试者-x", "受试者 x"),
    ]  # fmt: skip
    assert html.count("<h1") == 1


def test_a_notebook_without_a_title_gets_that_of_the_page(page_of):
    assert "<h1>Response</h1>" in page_of("Some prose.")


def test_a_large_figure_is_on_the_page_beside_and_the_page_that_answers_says_what_is_seen():
    def shown(rows: int, height: object = 100) -> object:
        data = pd.DataFrame({"SUBJECT": [f"{k:04}" for k in range(rows)], "day": 1})
        chart = alt.Chart(data).mark_point().encode(x="day:Q", y="SUBJECT:N").properties(height=height)
        drawn = figure(chart, data, "F1 Course", summary="Nobody died.")
        return page_content(notebook(drawn), "live", page="06_os.html")

    small, long, tall = shown(20), shown(MOST_MARKS + 1), shown(20, alt.Step(MOST_HEIGHT / 19))
    assert [piece.kind for piece in small.pieces].count("chart") == 1
    assert small.reference is None
    for content in (long, tall):
        answer = "".join(piece.html for piece in content.pieces)
        assert "chart" not in {piece.kind for piece in content.pieces}
        assert ">Nobody died.<" in answer
        assert 'href="06_os_tables.html#F-1"' in answer
        (drawn,) = [piece.chart for piece in content.reference.pieces if piece.kind == "chart"]
        assert drawn["late"]
        assert ' id="F-1"' in "".join(piece.html for piece in content.reference.pieces)


def test_a_cell_with_a_table_for_each_of_none_leaves_nothing_out():
    content = page_content(notebook(several([])), "live", page="06_os.html")
    assert content.dropped == []


def test_of_an_endpoint_that_the_trial_does_not_have_the_page_says_so_and_nothing_else():
    def made(said: str):
        beginning = ["# Response\n\nOrgan stages decide.", "## What is known", sentence(said)]
        whole = notebook(*beginning, "## Method\n\nStages (MAGIC).", sentence("Later."))
        whole.cells[-1].metadata["tags"] = ["reference"]
        return page_content(whole, "live", page="05_orr.html")

    for said in NOT_AN_ENDPOINT.values():
        content = made(said)
        text = "".join(piece.html for piece in content.pieces)
        assert "Response</h1>" in text
        assert said in text
        assert "tages" not in text
        assert [heading.text for heading in content.headings if heading.level > 1] == []
        assert content.reference is None
    content = made("8 of 11 responded.")
    assert "Stages (MAGIC)" in "".join(piece.html for piece in content.pieces)
    assert content.reference is not None
