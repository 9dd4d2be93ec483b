"""Figures: a safe specification with only the columns drawn, the same on every run, and its data table beside it."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path

import altair as alt
import pandas as pd
import pytest

from support.page_samples import PAYLOADS
from trialbook.core.messages import msg
from trialbook.core.translations import chinese
from trialbook.display import chart_rendering, figure
from trialbook.display.chart_rendering import still_svg, svg_size, vegalite_version
from trialbook.display.figures import CHART_MIME, USERMETA, Figure, clean_spec, spec_json, standing_out, use_house_style
from trialbook.display.payload import MIME
from trialbook.display.text import visible
from trialbook.display.theme import PALETTE


def points(**columns: list[object]) -> pd.DataFrame:
    return pd.DataFrame({"day": [0, 28], "grade": [3, 0], **columns})


def chart(data: pd.DataFrame, **encodings: object) -> alt.Chart:
    return alt.Chart(data).mark_point().encode(x="day:Q", y="grade:Q", **encodings)


def rows(spec: dict[str, object]) -> list[dict[str, object]]:
    (data,) = spec["datasets"].values()
    return data


def test_a_figure_is_its_title_its_chart_and_its_folded_data(monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda item, **options: shown.append((item, options)))
    made = figure(chart(points()), points(), "Grade by day", labels={"grade": "Grade"}, notes=["Blank is missing."])
    made._ipython_display_()
    (heading, _), (bundle, options), (folded, _) = shown
    assert heading.text == "Grade by day"
    drawn = {key: value for key, value in made.spec.items() if key != "$schema"}
    assert bundle[CHART_MIME] == {**drawn, "usermeta": USERMETA}
    assert bundle["text/plain"] == "Chart: Grade by day"
    assert [heading.payload["kind"], bundle[MIME]["kind"], folded.payload["kind"]] == ["figure", "chart", "figure_data"]
    assert options["raw"]
    assert folded.html.startswith('<details class="tb"><summary>Data of this figure</summary>')
    assert "Blank is missing." in folded.html
    assert "Grade</th>" in folded.html


def test_a_figure_without_data_is_a_sentence():
    made = figure(chart(points()), points().iloc[:0], "Grade by day", empty="No subject has been assessed.")
    assert made.text == "Grade by day: No subject has been assessed."


def test_only_the_columns_that_are_drawn_leave_the_kernel():
    data = points(SUBJID=["S01", "S02"], initials=["AB", "CD"], note=["x", "y"], kept=["p", "q"])
    drawn = chart(data, tooltip=["SUBJID:N"]).transform_filter("datum.kept !== 'z'")
    assert [sorted(row) for row in rows(figure(drawn, data, "Grade").spec)] == [["SUBJID", "day", "grade", "kept"]] * 2


def test_an_unused_column_leaves_no_trace_in_the_specification():
    with_it, without = points(initials=["AB", "CD"]), points()
    assert figure(chart(with_it), without, "G").spec == figure(chart(without), without, "G").spec


def test_the_same_chart_gives_the_same_specification_whatever_was_drawn_before():
    def interactive() -> str:
        pick = alt.selection_point(fields=["day"])
        return spec_json(figure(chart(points()).add_params(pick) | chart(points()), points(), "Grade").spec)

    first = interactive()
    chart(points()).interactive().to_dict()
    assert interactive() == first


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"data": {"url": "https://example.invalid/x.csv"}, "mark": "bar"}, "'url'"),
        ({"mark": "image"}, "'image'"),
        ({"mark": {"type": "image"}}, "'image'"),
        ({"mark": "bar", "encoding": {"href": {"field": "day"}}}, "'href'"),
        ({"mark": {"type": "bar", "href": "javascript:alert(1)"}}, "'href'"),
        ({"layer": [{"mark": "bar", "encoding": {"url": {"field": "day"}}}]}, "'url'"),
        ({"mark": "bar", "usermeta": {"embedOptions": {"actions": True}}}, "'usermeta'"),
        ({"mark": "bar", "transform": [{"calculate": "eval('1')", "as": "x"}]}, "built from data"),
        ({"mark": "bar", "transform": [{"filter": "datum.t == x.constructor('b')()"}]}, "built from data"),
        ({"mark": "bar", "params": [{"name": "p", "expr": "'\\x41'"}]}, "built from data"),
        ({"mark": "bar", "title": {"text": {"expr": f"'{PAYLOADS['script']}'"}}}, "built from data"),
    ],
)  # fmt: skip
def test_a_specification_that_could_reach_out_or_run_text_is_refused(spec, words):
    with pytest.raises(ValueError, match=words):
        clean_spec(spec)


@pytest.mark.parametrize(
    "expression",
    ["datum.DLTSTAT === 'PENDING'", "datum['grade'] >= 3 && isValid(datum.day)", "format(datum.value, '.0%')",
     "datum.value > 0 ? 'Day ' + datum.label : ''", "(datum.level === 'DL1')"],
)  # fmt: skip
def test_ordinary_expressions_are_accepted(expression):
    spec = {"mark": "bar", "transform": [{"calculate": expression, "as": "x"}]}
    assert clean_spec(spec) == spec


def test_words_that_are_refused_may_stand_in_the_data():
    data = points(term=["url", "image"])
    assert rows(figure(chart(data, color="term:N"), data, "Terms").spec)[0]["term"] == "url"


def test_a_column_name_that_charts_misread_is_refused():
    data = points().rename(columns={"grade": "grade 1"})
    drawn = alt.Chart(data).mark_point().encode(x="day:Q", y=alt.Y("grade 1", type="quantitative"))
    with pytest.raises(ValueError, match="'grade 1' is not a plain ASCII name"):
        figure(drawn, data, "Grade")


@pytest.mark.parametrize("name", PAYLOADS)
def test_text_from_data_stays_data_in_the_page_and_in_the_still_chart(name):
    text = PAYLOADS[name]
    data = points(term=[text, "b"])
    spec = figure(chart(data, color="term:N"), data, text).spec
    written = spec_json(spec)
    assert not set("<>&") & set(written)
    assert json.loads(written) == spec
    assert rows(spec)[0]["term"] == visible(text)
    svg = still_svg(spec, "chart-1")
    assert "<script" not in svg
    assert "<image" not in svg


def test_missing_values_reach_the_chart_as_nothing():
    data = points(AVAL=[None, 1.5], ADT=pd.to_datetime(["2025-01-10", None]))
    first, second = rows(figure(chart(data, size="AVAL:Q", tooltip="ADT:T"), data, "Values").spec)
    assert first["AVAL"] is None
    assert second["ADT"] == ""  # Vega reads an empty text as no date


def test_a_still_chart_is_the_same_on_every_run_and_its_gradients_are_its_own():
    data = points()
    spec = figure(alt.Chart(data).mark_rect().encode(x="day:O", color="grade:Q"), data, "Heat").spec
    first, second, other = still_svg(spec, "chart-1"), still_svg(spec, "chart-1"), still_svg(spec, "chart-2")
    assert first == second
    assert 'id="chart-1-g1"' in first
    assert "url(#chart-1-g1)" in first
    assert other.replace("chart-2-", "chart-1-") == first
    assert min(svg_size(first)) > 20


def test_a_specification_is_converted_with_the_version_it_was_made_for():
    asked = "https://vega.github.io/schema/vega-lite/{}.json"
    assert vegalite_version({"$schema": asked.format("v5.20.1")}) == "5.20"
    assert vegalite_version({"$schema": asked.format("v5.999.0")}).startswith("5.")
    assert vegalite_version(figure(chart(points()), points(), "G").spec).startswith("6.")


def test_a_chart_alone_shows_as_its_specification_in_the_house_style():
    use_house_style()
    bundle = chart(points())._repr_mimebundle_()
    bundle = bundle[0] if isinstance(bundle, tuple) else bundle
    assert set(bundle) == {CHART_MIME, MIME, "text/plain"}
    assert bundle[CHART_MIME]["config"]["range"]["category"] == PALETTE


def test_the_figure_without_a_display_still_carries_chart_and_table():
    made = figure(chart(points()), points(), "Grade")
    assert isinstance(made, Figure)
    assert set(made._repr_mimebundle_()) == {CHART_MIME, MIME, "text/html", "text/plain"}


def test_importing_display_brings_neither_altair_nor_great_tables_nor_the_slow_format_checker():
    code = (
        "import sys, trialbook.display; "
        "print([m for m in ('altair', 'great_tables', 'vl_convert', 'jinja2', 'jsonschema') if m in sys.modules]); "
        "import trialbook.display.charts; print(sys.modules['rfc3987_syntax'], 'altair' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["[]", "None True"]


def test_only_a_chart_that_shows_subjects_declares_the_picked_one():
    data = points(SUBJECT=["S01", "=== picked_subject"])
    assert "params" not in figure(chart(data), data, "Grade").spec
    linked = figure(chart(data, opacity=standing_out("SUBJECT")) | chart(data), data, "Grade").spec
    assert linked["params"] == [{"name": "picked_subject", "value": ""}]
    assert "SUBJECT" in rows(linked)[0]
    with pytest.raises(ValueError, match="not a plain column name"):
        standing_out("a'b")


def test_an_environment_may_keep_the_chart_script_and_a_changed_one_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    monkeypatch.setattr(chart_rendering, "_made_script", lambda: "the script")
    monkeypatch.setattr(chart_rendering, "known_script", lambda: hashlib.sha256(b"the script").hexdigest())
    chart_rendering.keep_chart_script()
    monkeypatch.setattr(chart_rendering, "_made_script", lambda: "made anew")
    assert chart_rendering.chart_script() == "the script"
    # Together with the hash beside it, which proves nothing.
    chart_rendering.write_sealed(next(tmp_path.rglob("*.js")), "another script")
    assert chart_rendering.chart_script() == "made anew"


def test_the_chart_script_of_the_locked_version_is_known(root: Path) -> None:
    lock = (root / "requirements.lock").read_text(encoding="utf-8")
    locked = re.search(r"^vl-convert-python==(\S+)", lock, re.MULTILINE)
    assert locked is not None
    assert locked[1] in chart_rendering.KNOWN
    assert hashlib.sha256(chart_rendering.chart_script().encode()).hexdigest() == chart_rendering.KNOWN[locked[1]]


def test_a_term_within_the_words_of_a_chart_is_as_delivered_in_every_language() -> None:
    said = msg("serious: {events}", events=msg("{term} (day {day})", term="Lung infection", day=19))
    data = pd.DataFrame({"DAY": [19], "SAID": pd.Series([said], dtype="object")})
    made = figure(alt.layer(alt.Chart(data).mark_text().encode(x="DAY:Q", text="SAID:N")), data, "Course")
    (words,) = made.texts["words"]["SAID"]
    assert chinese().say(words) == "严重：Lung infection（第19天）"
