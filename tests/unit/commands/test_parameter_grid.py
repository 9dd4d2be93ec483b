"""Grid files: the same cuts under many parameter sets, each checked before anything is built."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from rich.console import Console

from trialbook.commands import build
from trialbook.commands.parameter_grid import Grid, grid_cases, grid_table, grid_trials, read_grid, write_grid_table
from trialbook.core.errors import UsageError
from trialbook.pipeline.changed_results import headlines
from trialbook.pipeline.cut_queue import Outcome
from trialbook.results.ard import ard_row, to_ard


def grid_file(folder: Path, **content: Any) -> Path:
    path = folder / "grid.yaml"
    path.write_text(yaml.safe_dump({"grid_id": "g", "cuts": ["2025-09-30"], **content}), encoding="utf-8")
    return path


def case_ids(path: Path) -> list[str]:
    return [case.id for case in grid_cases(read_grid(path), str(path))]


def test_overrides_are_combined_in_the_order_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "grid.yaml"
    path.write_text(
        "grid_id: g\ncuts: ['2025-09-30']\n"
        "overrides:\n  response_rules: [CIBMTR, CN]\n  d28_window: [[25, 31], [21, 35]]\n"
        "cases:\n  - {id: both, overrides: {skin4_rule: or}}\n",
        encoding="utf-8",
    )
    assert case_ids(path) == [
        "response_rules-CIBMTR_d28_window-25-31", "response_rules-CIBMTR_d28_window-21-35",
        "response_rules-CN_d28_window-25-31", "response_rules-CN_d28_window-21-35", "both",
    ]  # fmt: skip


def test_values_that_cannot_stand_in_a_name_are_counted(tmp_path: Path) -> None:
    path = grid_file(tmp_path, overrides={"child_rule": ["age<18 and weight<=50", "age<=14"]})
    assert case_ids(path) == ["child_rule-v1", "child_rule-v2"]


def test_each_case_is_a_checked_trial_with_typed_values(tmp_path: Path, root: Path) -> None:
    path = grid_file(tmp_path, cases=[{"id": "wide", "overrides": {"d28_window": ["21", "35"]}}, {"id": "base"}])
    (wide, base) = (trial for _, trial in grid_trials(read_grid(path), str(path), root))
    assert wide.cut.cut_id == "2025-09-30--wide"
    assert tuple(wide.analysis.d28_window) == (21, 35)
    assert tuple(base.analysis.d28_window) == (25, 31)
    assert base.cut.previous_cut == "2025-06-30", "the previous cut as it is, when the grid does not have it"


def test_like_is_compared_with_like_when_the_grid_has_the_previous_cut(tmp_path: Path, root: Path) -> None:
    path = grid_file(tmp_path, cuts=["2025-06-30", "2025-09-30"], cases=[{"id": "a"}, {"id": "b"}])
    cuts = [trial.cut for _, trial in grid_trials(read_grid(path), str(path), root)]
    assert [(cut.cut_id, cut.previous_cut) for cut in cuts] == [
        ("2025-06-30--a", "2025-03-31"), ("2025-09-30--a", "2025-06-30--a"),
        ("2025-06-30--b", "2025-03-31"), ("2025-09-30--b", "2025-06-30--b"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"cases": [{"id": "../x"}]}, "the id of a case is 1 to 64"),
        ({"cases": [{"id": ".hidden"}]}, "the id of a case is 1 to 64"),
        ({"cases": [{"id": "a/b"}]}, "the id of a case is 1 to 64"),
        ({"cases": [{"id": "a\n"}]}, "the id of a case is 1 to 64"),
        ({"cases": [{"id": "２"}]}, "the id of a case is 1 to 64"),
        ({"cases": [{"id": "x" * 60}]}, "too long"),
        ({"grid_id": "../g", "cases": [{"id": "a"}]}, "a grid id is 1 to 64"),
        ({"cases": [{"id": "a"}, {"id": "a"}]}, "the case a occurs twice"),
        ({"overrides": {"response_rules": ["CN", "CN"]}}, "occurs twice"),
        ({"overrides": {"response_rules": []}}, "at least 1 item"),
        ({"overrides": {"respons_rules": ["CN"]}}, "unknown key respons_rules; the nearest known key is response_"),
        ({"overrides": {"response_rules": ["NONE"]}}, "response_rules"),
        ({"overrides": {"../../x": ["CN"]}}, "the id of a case is 1 to 64"),
        ({"overides": {"response_rules": ["CN"]}}, "unknown key overides; the nearest known key is overrides"),
        ({"cases": [{"id": "a", "overides": {}}]}, "unknown key overides"),
        ({"cuts": []}, "at least 1 item"),
        ({"cuts": ["1999-01-01"], "cases": [{"id": "a"}]}, "there is no cut '1999-01-01'"),
        ({}, "a grid needs overrides or cases"),
    ],
)  # fmt: skip
def test_a_wrong_grid_is_refused_before_anything_is_built(
    content: dict[str, Any], message: str, tmp_path: Path, root: Path
) -> None:
    path = grid_file(tmp_path, **content)
    with pytest.raises(UsageError, match=message.replace("(", r"\(")):
        grid_trials(read_grid(path), str(path), root)


def test_a_grid_file_that_is_not_there_is_wrong_usage(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such grid file"):
        read_grid(tmp_path / "none.yaml")


def response(context: str, stat: str, value: float) -> dict[str, Any]:
    return ard_row("ORR_D28", "Total", "RSP28", context=context, stat_name=stat, stat=value, stat_text=f"{value:g}")


def test_headline_results_are_those_of_the_rules_in_force(tmp_path: Path, root: Path) -> None:
    path = grid_file(tmp_path, cases=[{"id": "w", "overrides": {"ci_primary_orr": "wilson", "os_days": ["28"]}}])
    ((_, trial),) = grid_trials(read_grid(path), str(path), root)
    ard = to_ard([response("clopper_pearson", "conf.low", 0.1), response("wilson", "conf.low", 0.2)])
    found = headlines(ard, trial.analysis)
    assert found["orr_low"] == "0.2"
    assert found["os_28"] == "", "what was not reported is blank"
    assert "os_100" not in found


def test_the_table_of_a_grid_has_a_row_for_each_case_and_says_which_failed(
    tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = grid_file(tmp_path, overrides={"response_rules": ["CIBMTR", "CN"], "d28_window": [["25", "31"]]})
    trials = grid_trials(read_grid(path), str(path), root)
    rows = to_ard([response("clopper_pearson", "n", 5)])
    monkeypatch.setattr("trialbook.commands.parameter_grid.read_dataset", lambda _: rows)
    outcomes = [
        Outcome(trials[0][1].cut.cut_id, 0, "x/index.html"),
        Outcome(trials[1][1].cut.cut_id, 1, reason="=dm.csv: stopped"),
    ]
    table = grid_table(trials, outcomes)
    assert table["response_rules"].tolist() == ["CIBMTR", "CN"]
    assert table["d28_window"].tolist() == ["25 31", "25 31"]
    assert table["status"].tolist() == ["built", "not built"]
    assert table["orr_n"].tolist() == ["5", ""]
    written = write_grid_table(table, tmp_path, "g")
    assert written == tmp_path / "g.csv"
    back = pd.read_csv(written, dtype="str", keep_default_na=False, encoding="utf-8-sig")
    assert back["reason"].tolist() == ["", "'=dm.csv: stopped"], "no formula in a spreadsheet"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["g.csv", "grid.yaml"]
    console = Console(record=True, width=80)
    console.print(build._shown(table))
    text = console.export_text()
    assert "2025-09-30--d28_window-25-31" in text
    assert "not built" in text


def test_the_grid_of_the_project_can_be_built(root: Path) -> None:
    path = root / "params" / "grids" / "response.yaml"
    trials = grid_trials(read_grid(path), str(path), root)
    assert [trial.cut.cut_id for _, trial in trials] == [
        "2025-09-30--response_rules-CIBMTR_d28_window-25-31", "2025-09-30--response_rules-CIBMTR_d28_window-21-35",
        "2025-09-30--response_rules-CN_d28_window-25-31", "2025-09-30--response_rules-CN_d28_window-21-35",
        "2025-09-30--new-therapy-ignored",
    ]  # fmt: skip


def test_a_grid_is_typed() -> None:
    with pytest.raises(ValueError, match="Extra inputs"):
        Grid.model_validate({"grid_id": "g", "cuts": ["a"], "more": 1})
