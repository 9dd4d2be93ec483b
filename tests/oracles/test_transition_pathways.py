"""Transition pathways of BOIN: the first nodes as published (xiii), the deeper ones by CRAN BOIN's boundaries (v)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from trialbook.dlt.designs.design import Cap
from trialbook.dlt.designs.interval import Boin, TiteBoin
from trialbook.dlt.pathways import interval_table, pathways

pytestmark = pytest.mark.oracle
TARGET, LEVELS = 0.30, ("1", "2", "3")
ROW = ["path", "cohort", "dose", "dlts", "next_dose", "eliminated"]


def nodes(cap: int) -> pd.DataFrame:
    """Our pathways in the columns of the oracle."""
    table = pathways(Boin(TARGET, cap=Cap(cap)), LEVELS).rename(columns={"level": "dose", "next_level": "next_dose"})
    return table.assign(next_dose=table["next_dose"].replace("", "STOP")).astype("str")[ROW]


def test_first_nodes_are_those_published(oracles: Path) -> None:
    expected = pd.read_csv(
        oracles / "xiii_transition_pathways" / "boin30_first_nodes.csv", dtype="str", keep_default_na=False
    )
    assert len(expected) == 69
    ours = nodes(12).set_index("path").loc[expected["path"]].reset_index()
    assert ours.to_numpy().tolist() == expected[ROW].to_numpy().tolist()


@pytest.fixture
def printed(oracles: Path) -> pd.DataFrame:
    table = pd.read_csv(oracles / "v_dose_escalation" / "boin_boundaries.csv", dtype="str", keep_default_na=False)
    return table[table["target"].eq("0.3") & table["extrasafe"].eq("FALSE")].drop(columns=["target", "extrasafe"])


@pytest.mark.parametrize("rule", [Boin(TARGET), TiteBoin(TARGET)])
def test_the_printed_table_is_that_of_cran_boin(rule: Boin | TiteBoin, printed: pd.DataFrame) -> None:
    ours = interval_table(rule, len(printed)).astype("object")
    ours = ours.where(ours.notna(), "").astype("str")
    assert ours.to_numpy().tolist() == printed.to_numpy().tolist()


def walked(boundaries: dict[int, list[str]], cap: int) -> Iterator[tuple[str, ...]]:
    """Every node by the printed boundaries alone, level by level, a pathway before the next."""

    def go(path: list[str], n: list[int], x: list[int], dose: int, barred: int) -> Iterator[tuple[str, ...]]:
        for dlts in range(4):
            here, seen, lowest = n.copy(), x.copy(), barred
            here[dose] += 3
            seen[dose] += dlts
            up, down, out = boundaries[here[dose]]
            if out and seen[dose] >= int(out):
                lowest = min(lowest, dose)
            goal = dose + 1 if seen[dose] <= int(up) else dose - 1 if seen[dose] >= int(down) else dose
            goal = min(max(goal, 0), lowest - 1)
            words = [*path, f"{dose + 1}{'T' * dlts}{'N' * (3 - dlts)}"]
            excluded = ";".join(str(k + 1) for k in range(lowest, len(n)))
            following = "STOP" if lowest == 0 else str(goal + 1)
            yield " ".join(words), str(len(words)), str(dose + 1), str(dlts), following, excluded
            if lowest and sum(here) + 3 <= cap:
                yield from go(words, here, seen, goal, lowest)

    yield from go([], [0] * len(LEVELS), [0] * len(LEVELS), 0, len(LEVELS))


def test_deeper_nodes_follow_the_printed_boundaries(printed: pd.DataFrame) -> None:
    boundaries = {int(n): rest for n, *rest in printed.to_numpy().tolist()}
    expected = list(walked(boundaries, 18))
    assert len(expected) > 2000
    assert [tuple(row) for row in nodes(18).to_numpy().tolist()] == expected
