"""What cells emit is data: the same page from it in every language, words changed, text of the data never."""

from __future__ import annotations

import json
import re

import altair as alt
import pandas as pd
import pytest

from support.page_samples import PAYLOADS, frame, notebook
from trialbook import display
from trialbook.core.messages import Language, msg
from trialbook.display.chart_texts import in_language
from trialbook.display.page import render_page
from trialbook.display.page_content import Ids, page_content
from trialbook.display.page_outputs import is_own_html, shown_outputs
from trialbook.display.payload import MIME, declared_id
from trialbook.display.render import Renderer
from trialbook.protocol.models import Protocol
from trialbook.results.ard import proportion_rows, to_ard


def upper(text: str) -> str:
    """In capitals, but for the names of places."""
    return "".join(part if part.startswith("{") else part.upper() for part in re.split(r"(\{[^{}]*\})", text))


LOUD = Language("en-x-loud", upper, lambda one, many, n: upper(one if n == 1 else many))
EVENTS = pd.DataFrame({"SUBJID": ["S01"], "AEDECOD": ["Pyrexia"], "OUTCOME": ["recovered"], "DAY": [3]})
LABELS = {"SUBJID": "Subject", "AEDECOD": "Event", "OUTCOME": "Outcome"}


def loud(block: object) -> str:
    return Renderer(LOUD, on_page=True).html(block.payload)


def test_words_are_said_in_the_language_and_data_stay():
    html = loud(display.table(EVENTS, "Events", labels=LABELS, notes=["Days count."], subject="SUBJID", linked={"S01"}))
    assert all(word in html for word in (">EVENTS<", ">SUBJECT<", ">OUTCOME<", ">RECOVERED<", ">DAYS COUNT.<"))
    assert all(word in html for word in (">S01<", ">Pyrexia<", ">3<", "profiles/S01.html"))


def test_details_are_said_in_the_language_too():
    detail = display.Detail("Any event", EVENTS, labels=LABELS, notes=["One record."])
    lines = display.Lines(EVENTS, LABELS).openings({(0, "m"): [0]})
    counts = pd.DataFrame({"n": [1], "m": [1]})
    renderer = Renderer(LOUD, on_page=True, records="x_records.html")
    renderer.html(display.table(counts, "Counts", details={(0, "n"): detail, **lines}).payload)
    html = "".join(renderer.opened.since(0, 0, 0))
    assert html.count(">RECOVERED<") == html.count(">Pyrexia<") == 2
    assert "ANY EVENT" in html
    assert ">ONE RECORD.<" in html


def test_terms_of_the_results_are_data_and_labels_are_words():
    rows = [
        row for name in ("", "Pyrexia")
        for row in proportion_rows("T", "DL1", "Infections", 1, 3, variable_level=name)
    ]  # fmt: skip
    html = loud(
        display.ard_table(
            to_ard(rows), "Terms", columns=["DL1"], headers={}, row="variable_level", group="variable",
            row_labels={"": "Any event"}, stats="{n} of {N}",
        )
    )  # fmt: skip
    assert all(word in html for word in (">ANY EVENT<", ">Pyrexia<", ">Infections<", ">1 OF 3<"))


def test_the_html_of_a_notebook_is_made_of_its_payload():
    for block in (
        display.table(EVENTS, "Events", labels=LABELS), display.sentence("One."), display.notice("Two.", "stop"),
        display.key_numbers([("Treated", "12", "of 12")]),
    ):  # fmt: skip
        bundle = json.loads(json.dumps(block._repr_mimebundle_()))
        assert Renderer().html(bundle[MIME]) in bundle["text/html"]
        assert Renderer().text(bundle[MIME]) == bundle["text/plain"]


@pytest.mark.parametrize("name", PAYLOADS)
def test_hostile_text_stays_text_in_every_language(name: str):
    text = PAYLOADS[name]
    said = msg("{who} is here", who=text)
    records = pd.DataFrame({text: [text], "SUBJID": [text]})
    detail = display.Detail(said, records, labels={"SUBJID": text}, notes=[said])
    block = display.table(records, said, notes=[text], details={(0, "SUBJID"): detail}, subject="SUBJID", linked={text})
    for html in (block.html, loud(block)):
        assert is_own_html(html)
        assert "<script" not in html.lower()


@pytest.mark.parametrize(
    "payload",
    [
        {"kind": "page"}, {}, [], {"kind": "sentence"}, {"kind": "sentence", "text": {"m": "{a.b}", "a": {"a": "x"}}},
        {"kind": "notice", "level": "x' onclick='", "text": "x"},
        {"kind": "foreign", "tokens": [["script"]], "rows": []},
        {"kind": "foreign", "tokens": [["td", {"onclick": "x"}]], "rows": []},
        {"kind": "frame", "whole": 1, "columns": [
            {"name": "a", "head": "a", "type": "data", "cells": ["x"], "to": ["javascript:alert(1)"]}]},
    ],
)  # fmt: skip
def test_a_forged_payload_is_dropped_and_reported(payload: object):
    cell = {"outputs": [{"output_type": "display_data", "data": {MIME: payload, "text/html": "<b>x</b>"}}]}
    (dropped,) = shown_outputs(cell, 4)
    assert (dropped.cell, dropped.reason) == (4, "HTML that trialbook.display did not make")


def test_a_chart_is_drawn_in_the_language_with_its_data_as_delivered():
    data = pd.DataFrame({"SUBJECT": ["S01", "S02"], "KIND": ["event", "infusion"], "DAY": [1, 2]})
    scale = alt.Scale(domain=["event", "infusion"])
    chart = (
        alt.Chart(data).transform_filter("datum.KIND == 'event'").mark_point()
        .encode(x=alt.X("DAY:Q", title="Day"), y="SUBJECT:N", color=alt.Color("KIND:N", title="Kind", scale=scale))
    )  # fmt: skip
    made = display.figure(chart, data, "F8 Events")
    spec = json.dumps(in_language(made.spec, made.chart_bundle()[MIME]["texts"], LOUD.say))
    assert all(f'"{word}"' in spec for word in ("DAY", "KIND", "EVENT", "INFUSION", "S01"))
    assert "datum.KIND == 'EVENT'" in spec
    assert '"event"' not in spec


def test_ids_are_declared_by_titles_or_counted_and_the_same_in_every_language(protocol: Protocol):
    blocks = [
        display.table(EVENTS, "T-5 Overview"), display.table(EVENTS, "T-5 Overview"), display.table(EVENTS, "Other"),
        display.table(EVENTS, "Listing", subject="SUBJID"),
        display.figure(alt.Chart(EVENTS).mark_bar().encode(x="DAY:Q"), EVENTS, "F10a Peak"),
    ]  # fmt: skip
    ids = Ids(3)
    assert [ids.of(block.payload) for block in blocks[:4]] == ["T-5", "T-5b", "T-301", "L-302"]
    for language in (LOUD, None):
        content = page_content(notebook(*blocks), "live", *([language] if language else []), number=3)
        html = "".join(piece.html for piece in content.pieces)
        assert [f' id="{name}"' in html for name in ("T-5", "T-5b", "T-301", "L-302", "F-10a")] == [True] * 5
        assert html.count('<a class="tb-id"') == 5
    page = render_page(notebook(*blocks[:1]), title="x", frame=frame(protocol), current="x.html", language=LOUD)
    assert '<html lang="en-x-loud">' in page


def test_the_id_of_a_title():
    assert [declared_id(title) for title in ("T-13a Rate", "F9 Results", "Table 5", "T-cells")] == [
        "T-13a",
        "F-9",
        "",
        "",
    ]


def test_headings_in_another_language_keep_their_anchors(protocol: Protocol):
    english, other = (
        page_content(notebook("# What is known"), "live", *languages).headings for languages in ([], [LOUD])
    )
    assert english[0].anchor == other[0].anchor == "s-what-is-known"
    assert other[0].text == "WHAT IS KNOWN"
