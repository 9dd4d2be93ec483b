"""What analysts put into a cell: plain frames, tables of other libraries, charts, Markdown; the same on every run."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from typing import Any

import altair as alt
import pandas as pd
import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.display import HTML, Markdown
from nbformat.v4 import new_code_cell, new_notebook, new_output

from trialbook.display import sentence, table
from trialbook.display.cell_outputs import show_in
from trialbook.display.figures import CHART_MIME, MENU, USERMETA
from trialbook.display.links import OPEN_NOTEBOOK, in_notebook, way_from_open_notebook
from trialbook.display.other_tables import foreign_table, frame_block
from trialbook.display.page_content import page_content
from trialbook.display.page_outputs import Dropped, Shown, is_own_html, shown_outputs
from trialbook.display.payload import MIME
from trialbook.display.theme import BLOCK_STYLE

DATA = pd.DataFrame({"SUBJID": ["001", "002"], "AGE": [45, 40], "score": [0.5, None]})


@pytest.fixture(scope="module")
def shell() -> InteractiveShell:
    made = InteractiveShell()
    show_in(made, partial(in_notebook, cut_id="2025-09-30"))
    return made


def bundle_of(shell: InteractiveShell, thing: object) -> dict[str, Any]:
    return dict(shell.display_formatter.format(thing)[0])


def on_page(*outputs: dict[str, Any]) -> list[Shown | Dropped]:
    cell = new_code_cell("x", outputs=[new_output("display_data", data=data) for data in outputs])
    return list(shown_outputs(cell, 1))


def great_table() -> Any:
    from great_tables import GT, md

    made = GT(DATA, rowname_col="SUBJID").tab_header("Ages", "of two").fmt_number("AGE", decimals=1)
    return made.data_color(columns="AGE").tab_source_note(md("A **bold** note"))


def text_of(html: str) -> list[str]:
    return re.findall(r">([^<>]+)<", html)


def test_a_plain_frame_is_a_house_table_in_the_notebook_and_on_its_page(shell):
    bundle = bundle_of(shell, DATA)
    (shown,) = on_page(bundle)
    assert isinstance(shown, Shown)
    assert shown.kind == "html"
    assert shown.html == frame_block(DATA).html
    assert text_of(shown.html) == ["SUBJID", "AGE", "score", "001", "45", "0.5", "002", "40"]
    assert bundle["text/plain"].splitlines()[1].split() == ["001", "45", "0.5"]


def test_an_index_that_says_anything_comes_first_and_levels_of_columns_are_joined():
    counted = DATA.groupby("AGE")[["score"]].agg(["min", "max"])
    assert text_of(frame_block(counted).html)[:5] == ["AGE", "score / min", "score / max", "40", "45"]
    unnamed = pd.DataFrame({"n": [1]}, index=["a <b>"])
    assert text_of(frame_block(unnamed).html) == ["row", "n", "a &lt;b&gt;", "1"]
    twice = pd.concat([DATA[["AGE"]], DATA[["AGE"]]], axis=1)
    assert text_of(frame_block(twice).html) == ["AGE", "AGE", "45", "45", "40", "40"]


def test_a_long_frame_says_how_many_rows_it_has_and_an_empty_one_its_columns():
    long = pd.DataFrame({"n": range(1832)})
    made = frame_block(long)
    assert f"The first {pd.get_option('display.max_rows')} of 1832 rows." in made.html
    with pd.option_context("display.max_rows", 5):
        assert "The first 5 of 1832 rows." in frame_block(long).text
    assert frame_block(DATA.iloc[:0]).text == "No records; columns: SUBJID, AGE, score."
    assert frame_block(pd.DataFrame()).text == "An empty frame."
    assert DATA.columns.tolist() == ["SUBJID", "AGE", "score"], "the frame of the analyst is left as it was"


def test_a_table_of_great_tables_keeps_its_words_and_colours_and_no_random_id(shell):
    first, second = bundle_of(shell, great_table()), bundle_of(shell, great_table())
    assert first == second
    (shown,) = on_page(first)
    assert isinstance(shown, Shown)
    assert shown.kind == "html"
    assert " id=" not in shown.html
    for words in ("Ages", "of two", "45.0", "40.0", "bold"):
        assert words in shown.html
    assert "background-color:#000000;" in shown.html
    assert "0x" not in first["text/plain"]
    assert "45.0" in first["text/plain"]


def test_a_table_of_great_tables_is_marked_up_like_one_of_ours():
    """So that one style serves both: our tables carry the class names of great_tables."""
    from great_tables import GT

    data = DATA.assign(arm=["DL1", ""])[["SUBJID", "AGE", "score", "arm"]]
    theirs = GT(data, rowname_col="SUBJID", groupname_col="arm").tab_stubhead("SUBJID").cols_align("right", ["AGE"])
    ours = table(data, "Ages", group="arm", stub="SUBJID")
    marked = []
    for html in (foreign_table(theirs.as_raw_html()).html, ours.html):
        tags = re.findall(r"<(thead|tbody|tr|th|td)\b([^>]*)>", html)
        marked.append([(tag, sorted(re.findall(r'[a-z]+="[^"]*"', rest))) for tag, rest in tags])
    assert marked[0] == marked[1]
    assert len(marked[0]) > 8


def test_a_styled_frame_keeps_its_cells_and_no_random_id(shell):
    first, second = (bundle_of(shell, DATA.style.format(precision=1)) for _ in range(2))
    assert first == second
    assert {"001", "45", "0.5"} <= set(text_of(first["text/html"].replace(BLOCK_STYLE, "")))


@pytest.mark.parametrize(
    "payload",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "<a href='https://a.invalid'>x</a>",
        "<svg><script>alert(1)</script></svg>",
        "<td style='background-color:url(https://a.invalid)'>x",
        "<td style='color:red;position:fixed' onclick=alert(1)>x",
        "<table><tr><td>inner</table>",
        "</table><iframe src=x></iframe>",
        "<style>@import 'https://a.invalid'</style>",
        "&lt;script&gt;alert(1)&lt;/script&gt;",
        "<!-- > --> <td",
    ],
)
def test_nothing_of_a_hostile_table_gets_into_the_house_markup(payload):
    made = foreign_table(f"<div id=x><table id=y><tbody><tr><td>kept{payload}</td></tr></tbody></table></div>")
    assert is_own_html(made.html)
    assert "kept" in made.html
    for word in ("invalid", "<script", "onerror", "onclick", "position", " id="):
        assert word not in made.html


def test_html_without_a_table_is_no_table():
    with pytest.raises(ValueError, match="no table"):
        foreign_table("<p>x</p>")


def test_only_marks_of_cells_are_own_style():
    assert is_own_html('<td class="gt_row" style="color:#fff;background-color:rgba(0, 1, 2, 0.5);">x</td>')
    for style in ("color:red", "position:fixed;", "color:url(x);", "background-color:expression(1);", ""):
        assert not is_own_html(f'<td style="{style}">x</td>')


def test_html_of_no_known_kind_is_reported_not_shown_as_the_name_of_a_class():
    (dropped,) = on_page({"text/html": "<b>x</b>", "text/plain": repr(HTML("<b>x</b>"))})
    assert dropped == Dropped(1, "HTML that trialbook.display did not make")


def test_markdown_of_a_cell_is_prose_without_markup_images_and_outside_links(shell):
    source = "## Found\n\n**Bold** <script>alert(1)</script> ![i](https://a.invalid/i.png) [out](https://a.invalid)"
    data = bundle_of(shell, Markdown(source))
    cell = new_code_cell("x", outputs=[new_output("display_data", data=data)])
    content = page_content(new_notebook(cells=[cell]), "live")
    html = content.pieces[-1].html
    assert "<strong>Bold</strong>" in html
    assert "&lt;script&gt;" in html
    for word in ("<script", "<img", "href"):
        assert word not in html
    assert [heading.anchor for heading in content.headings] == ["s-found"]
    assert content.dropped == []


def test_a_chart_of_its_own_has_our_menu_and_no_script(shell):
    chart = alt.Chart(DATA).mark_point().encode(x="AGE:Q", y="SUBJID:N")
    data, metadata = shell.display_formatter.format(alt.layer(chart, chart.mark_line()))
    assert set(data) == {CHART_MIME, MIME, "text/plain"}
    assert data[CHART_MIME]["usermeta"] == USERMETA
    assert metadata[CHART_MIME]["embed_options"] == MENU
    assert MENU["actions"]["editor"] is False
    (shown,) = on_page(data)
    assert isinstance(shown, Shown)
    assert "usermeta" not in shown.spec


def test_the_menu_of_somebody_else_is_refused_on_a_page():
    spec = {"mark": "bar", "usermeta": {"embedOptions": {"actions": True}}}
    with pytest.raises(ValueError, match="usermeta"):
        on_page({CHART_MIME: spec})


def test_links_lead_to_the_profiles_of_the_cut_in_a_notebook_and_beside_the_page_on_a_page(shell):
    made = table(DATA, "Subjects", subject="SUBJID", linked=["001"])
    data = bundle_of(shell, made)
    assert re.findall(r'href="([^"]*)"', data["text/html"]) == ["../build/2025-09-30/profiles/001.html"]
    (shown,) = on_page(data)
    assert isinstance(shown, Shown)
    assert shown.html == made.html
    assert bundle_of(shell, sentence("x")) == sentence("x")._repr_mimebundle_()


@pytest.mark.parametrize(
    ("notebook", "way"),
    [
        ("notebooks/05_orr.ipynb", "../build/x1"),
        ("notebooks/mine/look.ipynb", "../../build/x1"),
        ("look.ipynb", "build/x1"),
        ("build/x1/notebooks/05_orr.ipynb", ".."),
    ],
)
def test_links_begin_in_the_folder_of_the_notebook_that_is_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, notebook: str, way: str
) -> None:
    monkeypatch.setenv(OPEN_NOTEBOOK, str(tmp_path / notebook))
    assert way_from_open_notebook(tmp_path / "build" / "x1") == way
    linked = in_notebook('<a class="tb-subject" href="profiles/001.html">001</a>', "x1", way)
    assert ((tmp_path / notebook).parent / re.findall('href="([^"]*)"', linked)[0]).resolve() == (
        tmp_path / "build" / "x1" / "profiles" / "001.html"
    )
    monkeypatch.delenv(OPEN_NOTEBOOK)
    assert way_from_open_notebook(tmp_path / "build" / "x1") is None


def test_no_output_names_an_address_in_memory(shell):
    assert bundle_of(shell, [object()])["text/plain"] == "[<object>]"
    show_in(shell, partial(in_notebook, cut_id="2025-09-30"))
    assert bundle_of(shell, {"n": 1})["text/plain"] == "{'n': 1}"
