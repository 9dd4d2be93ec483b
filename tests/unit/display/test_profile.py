"""Profile pages: drawn without script, one time axis, every text only text."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, replace
from html import unescape
from xml.etree import ElementTree

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.page_samples import PAYLOADS, frame
from trialbook.display.page import Link
from trialbook.display.page_outputs import is_own_html
from trialbook.display.profile import ProfileContent, profile_content, profile_page
from trialbook.display.profile_drawing import MOST_ROWS, bar_note, days_of
from trialbook.display.svg import LEFT, PLOT, Days, clipped
from trialbook.display.text import visible
from trialbook.profiles.profile import Profile
from trialbook.protocol.models import Protocol

DAY = pd.Timestamp


def profile(text: str = "Sepsis", events: int = 2, grade: int | None = 3, last_day: int = 95) -> Profile:
    """A subject about whom every free text is the same."""
    day = DAY("2025-01-10")
    return Profile(
        subject="S01",
        facts=[("Dose level", text, text)],
        last_day=last_day,
        infusions=pd.DataFrame({"INFNO": [1], "EXSTDT": [day], "DAY": [0], "DOSEKG": [1.0], "LEVEL": [text]}),
        milestones=pd.DataFrame(
            {"DATE": [day, day], "DAY": [28, last_day], "EVENT": ["Response at day 28", "Death"], "SAID": [text, ""]}
        ),
        steroids=pd.DataFrame({"FROM": [-9, 10], "UNTIL": [9, 30], "MPEQ": [2.0, None]}),
        stages=pd.DataFrame(
            {"ADT": [day], "DAY": [0], "SKIN": ["3"], "LIVER": [""], "UGI": ["0"], "LGI": ["1"], "GRADE": ["III"]}
        ),
        labs=pd.DataFrame(
            {"PARAMCD": ["PLAT", "PLAT"], "ADT": [day, day], "AVAL": [80.0, 20.0], "AVALOP": ["", "<"],
             "AVALU": [text, text], "DAY": [0, 7], "GRADE": pd.array([1, 4], dtype="Int64")}
        ),
        bands=pd.DataFrame(
            {"PARAMCD": "PLAT", "DIRECTION": "L", "GRADE": [1, 2, 3, 4], "LIMIT": [125.0, 75.0, 50.0, 25.0]}
        ),
        events=pd.DataFrame(
            {"TERM": [text] * events, "REPORTED": [text] * events, "ASTDT": day, "AENDT": pd.NaT,
             "FROM": pd.array([3] * events, dtype="Int64"), "UNTIL": pd.array([None] * events, dtype="Int64"),
             "GRADE": pd.array([grade] * events, dtype="Int64"), "TEAE": True, "SERIOUS": True, "SEROPEN": False,
             "RELATED": False, "RELOPEN": False,
             "DLT": False, "OUTCOME": text}
        ),
        drugs=pd.DataFrame(
            {"DRUG": [text], "CATEGORY": [text], "DOSE": [text], "ROUTE": [text], "BEGAN": [text], "ENDED": [text],
             "FROM": pd.array([-90], dtype="Int64"), "UNTIL": pd.array([5], dtype="Int64")}
        ),
    )  # fmt: skip


def pictures(made: Profile) -> dict[str, ElementTree.Element]:
    sections = [section for section in profile_content(made).sections if section.picture]
    return {section.anchor: ElementTree.fromstring(section.picture) for section in sections}  # noqa: S314 - our own


@pytest.mark.parametrize("name", PAYLOADS)
def test_hostile_text_stays_text_in_tables_and_drawings(name: str, protocol: Protocol):
    text = PAYLOADS[name]
    content = profile_content(replace(profile(text), subject=text))
    assert is_own_html(content.facts)
    for section in content.sections:
        assert is_own_html(section.tables)
    for picture in pictures(profile(text)).values():
        assert {element.tag for element in picture.iter()} <= {
            "svg", "g", "title", "text", "rect", "path", "polygon", "polyline", "circle"
        }  # fmt: skip
        assert not {key for element in picture.iter() for key in element.attrib if key.startswith("on")}
    told = [title.text or "" for title in pictures(profile(text))["events"].iter("title")]
    assert any(visible(text) in words for words in told)
    page = profile_page(content, frame(protocol), [Link("S02.html", text, "Next:")])
    assert "<script" not in page
    assert re.findall(r"<(?:img|iframe|base|form|meta http-equiv=\"refresh)", page) == []


def test_the_page_holds_no_script_and_leads_back_to_the_pages_of_the_build(protocol: Protocol):
    page = profile_page(profile_content(profile()), frame(protocol), [Link("S02.html", "S02", "Next:")])
    assert "script-src" not in page
    assert 'href="../03_safety.html"' in page
    assert 'href="../index.html#subjects"' in page
    assert 'href="S02.html"' in page
    assert not re.findall(r'href="(?!\.\./|#|S02\.html)[^"]*"', page)


def test_the_content_survives_as_plain_data():
    content = profile_content(profile())
    assert ProfileContent.from_plain(json.loads(json.dumps(asdict(content)))) == content


@settings(max_examples=40, deadline=None)
@given(st.integers(-42, 0), st.integers(28, 3000), st.data())
def test_the_time_axis_never_runs_backwards_and_keeps_its_width(first: int, last: int, drawn: st.DataObject):
    days = Days(first, last)
    one, two = sorted(drawn.draw(st.lists(st.integers(first, last), min_size=2, max_size=2)))
    assert LEFT <= days.x(one) <= days.x(two) <= LEFT + PLOT + 1e-6
    assert (days.x(first), round(days.x(last), 6)) == (LEFT, LEFT + PLOT)
    assert 0 in days.ticks


def test_every_drawing_of_a_page_has_the_same_axis():
    axes = {
        name: [(text.get("x"), text.text) for text in picture.iter("text") if text.get("text-anchor") == "middle"
               and (text.text or "").lstrip("-").isdigit() and text.get("font-size") == "10" and not text.get("fill")]
        for name, picture in pictures(profile()).items()
    }  # fmt: skip
    assert axes["events"] == axes["labs"] == axes["drugs"]
    assert "0" in [day for _, day in axes["events"]]


def test_grade_and_flags_stand_in_words_beside_each_bar():
    words = [text.text for text in pictures(profile())["events"].iter("text")]
    assert words.count("G3, serious") == 2
    assert "no grade, serious" in [text.text for text in pictures(profile(grade=None))["events"].iter("text")]


def test_a_result_of_a_severe_grade_is_marked_by_shape_and_number():
    panel = pictures(profile())["labs"]
    assert [text.text for text in panel.iter("text") if text.get("font-weight")] == ["4"]
    assert len(list(panel.iter("polygon"))) == 1
    titles = [title.text for title in panel.iter("title")]
    assert "<20 Sepsis, grade 4, day 7" in titles
    assert "grade 3: from 50" in titles


def test_nothing_to_draw_is_no_drawing_and_the_tables_say_so():
    blank = profile()
    blank = replace(blank, events=blank.events.head(0), labs=blank.labs.head(0), drugs=blank.drugs.head(0))
    assert list(pictures(blank)) == ["course"]
    assert "No records." in profile_content(blank).sections[1].tables


def test_what_a_drawing_leaves_out_is_said():
    many = profile(events=MOST_ROWS + 2)
    assert bar_note(many.events, days_of(many)) == [f"Only in the table: 2 beyond {MOST_ROWS} bars, the least severe."]
    early = many.drugs.assign(UNTIL=pd.array([-60], dtype="Int64"))
    assert bar_note(early, days_of(many)) == ["Only in the table: 1 that ended before day -7."]
    assert bar_note(profile().events, days_of(many)) == []


def test_a_long_name_is_cut_and_told_whole_to_the_pointer():
    assert clipped("abc", 20) == "abc"
    assert clipped("发热性中性粒细胞减少症", 50) == "发热性…"
    long = "x" * 500
    assert long in [title.text for title in pictures(profile(long))["events"].iter("title")]


def test_a_drawing_of_results_says_of_each_test_how_it_went() -> None:
    shown = profile_content(profile("10^9/L"))
    said = re.search(r'aria-label="(Laboratory results of[^"]*)"', shown.sections[2].picture)
    assert said
    assert "Platelets: 80 on day 0, <20 10^9/L on day 7, lowest 20, highest 80, worst grade 4" in unescape(said[1])


def test_words_on_a_bar_have_a_ground_of_their_own() -> None:
    whole = profile("Sepsis", last_day=20)
    for_good = replace(whole, drugs=whole.drugs.assign(UNTIL=pd.array([None], dtype="Int64")))
    picture = profile_content(for_good).sections[3].picture
    assert 'fill="#ffffff"' in picture.lower()


def test_a_trial_without_stages_of_organs_and_cells_per_kg_is_shown_without_them() -> None:
    own = replace(profile(), organs=False, cells=False)
    said = profile_content(own).sections[0]
    assert "Infusions and steroids" in said.tables
    assert "Systemic steroids" in said.tables
    none = replace(own, steroids=own.steroids.head(0), stages=own.stages.head(0))
    said = profile_content(none).sections[0]
    drawn = visible(said.picture)
    for word in ("teroid", "rgan stages", "Skin", "Lower GI", "cells/kg"):
        assert word not in said.tables
        assert word not in drawn
    assert "Infusion 1, 2025-01-10, day 0" in drawn
    whole = profile_content(profile()).sections[0]
    for word in ("Systemic steroids", "Organ stages and grade", "10^6 cells/kg"):
        assert word in whole.tables
