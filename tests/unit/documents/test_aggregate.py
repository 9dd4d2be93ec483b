"""What documents for a wider audience show of counts: none of few subjects, and nothing that gives them away."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from trialbook.diff.built_cut import BuiltCut
from trialbook.documents.aggregate import HIDDEN, Count, Disclosure, aggregate_report
from trialbook.documents.content import Speaker, Table
from trialbook.documents.layout import grid_of
from trialbook.documents.source import CutSource
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.models import Cut, Protocol

RULE = Disclosure(5)


@pytest.mark.parametrize(
    ("n", "total", "shown"),
    [
        (0, 12, "0 of 12"), (1, 12, "fewer than 5"), (4, 12, "fewer than 5"), (5, 12, "5 of 12"), (7, 12, "7 of 12"),
        (8, 12, "all but fewer than 5"), (11, 12, "all but fewer than 5"), (12, 12, "12 of 12"), (None, 12, "-"),
        (3, 6, "fewer than 5"),
    ],
)  # fmt: skip
def test_a_count_of_few_subjects_or_one_that_leaves_few_is_not_shown(n: int | None, total: int, shown: str) -> None:
    assert Speaker().say(RULE.cell(Count(n, total))) == shown


def test_no_hidden_count_follows_from_the_others_of_its_row() -> None:
    """For every row of two levels: from what is shown, more than one count is possible for each that is hidden."""
    sizes, least = (7, 9), Disclosure(3)

    def shown(a: int, b: int) -> tuple[str, ...]:
        cells = [Count(a, sizes[0]), Count(b, sizes[1]), Count(a + b, sum(sizes))]
        return tuple(Speaker().say(cell) for cell in least.row(cells))

    rows = {(a, b): shown(a, b) for a, b in product(range(8), range(10))}
    for (a, b), row in rows.items():
        alike = [one for one, other in rows.items() if other == row]
        for place, size in enumerate(sizes):
            if least.small(Count((a, b)[place], size)):
                assert len({one[place] for one in alike}) > 1, (a, b, row)


def source(protocol: Protocol, analysis: Analysis, least: int) -> CutSource:
    """A build with results of two dose levels of 6 and 8 subjects."""
    sizes = {"DL1": 6, "DL2": 8, "Total": 14}
    rows: list[dict[str, Any]] = []

    def add(analysis_id: str, variable: str, counts: dict[str, int], context: str = "", **more: float) -> None:
        for level, n in counts.items():
            stats = {"n": n, "N": sizes[level], **more}
            rows.extend(
                {"analysis_id": analysis_id, "group1_level": level, "variable": variable, "variable_level": "",
                 "context": context, "stat_name": name, "stat": float(value), "stat_text": f"{value:g}"}
                for name, value in stats.items()
            )  # fmt: skip

    add("SETS", "SAFFL", sizes)
    add("TEAE_OVERVIEW", "TEAE", {"DL1": 6, "DL2": 8, "Total": 14})
    add("TEAE_OVERVIEW", "TEAE_GE3", {"DL1": 3, "DL2": 4, "Total": 7})
    add("TEAE_OVERVIEW", "SAE", {"DL1": 3, "DL2": 3, "Total": 6})
    add("TEAE_OVERVIEW", "SRAE", {"DL1": 2, "DL2": 3, "Total": 5})
    add("TEAE_SOC_PT", "Infections", {"DL1": 3, "DL2": 4, "Total": 7})
    add("TEAE_SOC_PT", "Rare and telling", {"DL1": 1, "DL2": 0, "Total": 1})
    limits = {"estimate": 0.071, "conf.low": 0.002, "conf.high": 0.339}
    add("DLT_RATE", "DLT", {"DL1": 0, "DL2": 1, "Total": 1}, "clopper_pearson", **limits)
    cut = Cut.model_validate({"cut_id": "C1", "cut_date": "2025-06-30", "snapshot": "x", "protocol": "y"})
    built = BuiltCut(
        Path("unread"), cut, protocol, analysis.model_copy(update={"small_cell_min": least}), seal="f" * 64
    )
    built.__dict__["ard"] = pd.DataFrame(rows)
    return CutSource(built, None)


def lines(made: CutSource) -> dict[str, list[str]]:
    speaker, found = Speaker(), dict[str, list[str]]()
    for block in aggregate_report(made).blocks():
        if isinstance(block, Table):
            found |= {line[0]: list(line[1:]) for line in grid_of(block, speaker).lines if isinstance(line, list)}
    return found


def test_levels_are_shown_where_each_has_enough_subjects(protocol: Protocol, analysis: Analysis) -> None:
    found = lines(source(protocol, analysis, 3))
    assert found["Any TEAE"] == ["6 of 6", "8 of 8", "14 of 14"]
    assert found["TEAE of grade 3 or more"] == ["3 of 6", "4 of 8", "7 of 14"]
    # 5 of the 6 with a serious event had a related one: one had not.
    assert found["Serious related TEAE"] == [HIDDEN] * 3
    assert found["Dose-limiting toxicity"] == [HIDDEN, HIDDEN, "fewer than 3"]
    assert found["rate (95% interval)"] == ["", "", HIDDEN]
    assert found["Infections"] == ["3 of 6", "4 of 8", "7 of 14"]
    assert "Rare and telling" not in found


def test_no_level_is_shown_where_one_has_too_few_subjects(protocol: Protocol, analysis: Analysis) -> None:
    found = lines(source(protocol, analysis, 7))
    assert found["Any TEAE"] == ["14 of 14"]
    assert found["Serious TEAE"] == ["fewer than 7"]
    # A rule of one hides nothing.
    assert lines(source(protocol, analysis, 1))["Dose-limiting toxicity"] == ["0 of 6", "1 of 8", "1 of 14"]
