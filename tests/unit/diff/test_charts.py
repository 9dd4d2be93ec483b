"""A chart that differs says at which mark, field and value: in `trialbook verify`, and where nbval fails."""

from __future__ import annotations

import importlib.util
import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import nbformat
import pytest

from trialbook.diff.charts import chart_places, is_chart
from trialbook.diff.notebooks import cell_places

CHART: dict[str, Any] = {
    "height": 300, "vconcat": [
        {"data": {"name": "a"}, "layer": [
            {"mark": {"type": "line"}, "encoding": {"x": {"field": "DAY"}, "y": {"field": "S"}}},
            {"mark": "point", "data": {"name": "b"},
             "encoding": {"color": {"field": "LEVEL", "scale": {"range": ["#1", "#2"]}}}},
        ]},
        {"mark": "text", "data": {"name": "b"}, "encoding": {"text": {"field": "N"}}},
    ],
    "datasets": {"a": [{"DAY": 0, "S": 1.0}, {"DAY": 95, "S": 0.786}], "b": [{"LEVEL": "DL1", "N": 4}]},
    "usermeta": {"embedOptions": {}},
}  # fmt: skip


def changed(*path: str | int, to: Any) -> dict[str, Any]:
    made = deepcopy(CHART)
    node: Any = made
    for step in path[:-1]:
        node = node[step]
    node[path[-1]] = to
    return made


@pytest.mark.parametrize(("other", "said"), [
    (changed("datasets", "a", 1, "S", to=0.771),
     "data of vconcat 1, layer 1, mark line, row 2, field S: 0.786 became 0.771"),
    (changed("datasets", "b", to=[]), "data of vconcat 1, layer 2, mark point: '1 rows' became '0 rows'"),
    (changed("datasets", "b", to=[{"LEVEL": "DL1"}]),
     "data of vconcat 1, layer 2, mark point, row 1, field N: 4 became '(absent)'"),
    (changed("vconcat", 0, "layer", 0, "encoding", "y", "field", to="N"),
     "vconcat 1, layer 1, mark line, y, field: 'S' became 'N'"),
    (changed("vconcat", 0, "layer", 1, "encoding", "color", "scale", "range", 1, to="#3"),
     "vconcat 1, layer 2, mark point, color, scale, range 2: '#2' became '#3'"),
    (changed("vconcat", 1, "mark", to="rule"), "vconcat 2, mark text: 'text' became 'rule'"),
    (changed("height", to=200), "height: 300 became 200"),
])  # fmt: skip
def test_one_change_of_a_chart_is_one_line_that_names_its_place(other: dict[str, Any], said: str) -> None:
    assert is_chart(CHART)
    assert list(chart_places(CHART, other)) == [said]


def test_what_only_says_how_a_chart_is_shown_is_no_difference() -> None:
    assert list(chart_places(CHART, changed("usermeta", to={}))) == []
    assert not is_chart({"datasets": {}})


def test_verify_and_nbval_say_the_place(root: Path) -> None:
    other = changed("datasets", "a", 1, "S", to=0.771)
    one, two = ([{"outputs": [{"data": {"application/vnd.vegalite.v5+json": spec}}]}] for spec in (CHART, other))
    said = list(cell_places(one, two))
    assert len(said) == 1
    assert "row 2, field S" in said[0]
    spec = importlib.util.spec_from_file_location("nbval_settings", root / "conftest.py")
    assert spec is not None
    assert spec.loader is not None
    settings = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(settings)
    # As nbval holds them: nodes of nbformat.
    left, right = (nbformat.from_dict(json.loads(json.dumps(chart))) for chart in (CHART, other))
    lines = settings.pytest_assertrepr_compare("==", left, right)
    assert lines[1:] == ["data of vconcat 1, layer 1, mark line, row 2, field S: 0.786 became 0.771"]
    assert settings.pytest_assertrepr_compare("==", [1], [2]) is None
