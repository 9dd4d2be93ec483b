"""BOIN, i3+3, mTPI-2, keyboard and TITE-BOIN by the tables of the rulebook §4.5 to §4.9."""

from __future__ import annotations

import pandas as pd
import pytest

from support.dose_paths import history
from trialbook.dlt.designs.cohorts import IntervalRule, isotonic_rates, select_mtd, too_toxic
from trialbook.dlt.designs.design import Cap, History, Pending
from trialbook.dlt.designs.interval import SUSPEND, Boin, I3Plus3, Keyboard, Mtpi2, TiteBoin, boundaries

TODAY = pd.Timestamp("2025-06-30")
DUE = pd.Timestamp("2025-07-10")

BOIN_TABLES = {
    0.20: ("0 0 0 0 0 0 1 1 1 1 1 1", "1 1 1 1 2 2 2 2 3 3 3 3", "- - 2 3 3 3 4 4 4 5 5 5"),
    0.25: ("0 0 0 0 0 1 1 1 1 1 2 2", "1 1 1 2 2 2 3 3 3 3 4 4", "- - 3 3 3 4 4 4 5 5 6 6"),
    0.30: ("0 0 0 0 1 1 1 1 2 2 2 2", "1 1 2 2 2 3 3 3 4 4 4 5", "- - 3 3 4 4 5 5 5 6 6 7"),
    0.33: ("0 0 0 1 1 1 1 2 2 2 2 3", "1 1 2 2 2 3 3 4 4 4 5 5", "- - 3 3 4 4 5 5 6 6 7 7"),
}
LAMBDAS = {
    0.20: (0.157242, 0.238462), 0.25: (0.196801, 0.298392), 0.30: (0.236491, 0.358519), 0.33: (0.260377, 0.394716),
}  # fmt: skip


@pytest.mark.parametrize("target", BOIN_TABLES)
def test_the_boin_tables(target: float) -> None:
    assert boundaries(target) == pytest.approx(LAMBDAS[target], abs=1e-6)
    rows: list[list[str]] = [[], [], []]
    for n in range(1, 13):
        letters = [Boin(target).decision(x, n) for x in range(n + 1)]
        bounds = (
            max(x for x in range(n + 1) if letters[x] == "E"),
            next(x for x in range(n + 1) if letters[x] in ("D", "DU")),
            next((x for x in range(n + 1) if letters[x] == "DU"), "-"),
        )
        for row, bound in zip(rows, bounds, strict=True):
            row.append(str(bound))
    assert tuple(" ".join(row) for row in rows) == BOIN_TABLES[target]


@pytest.mark.parametrize(
    ("target", "expected"),
    [(0.20, "2 2 2 3 3 3 4 4 4 4"), (0.25, "2 3 3 3 4 4 4 5 5 5"), (0.30, "2 3 3 4 4 4 5 5 6 6"),
     (0.33, "3 3 3 4 4 5 5 6 6 6")],
)  # fmt: skip
def test_the_extra_safe_stops_are_the_same_tail_at_0_90(target: float, expected: str) -> None:
    stops = [next(x for x in range(n + 1) if too_toxic(x, n, target, 0.90, 3)) for n in range(3, 13)]
    assert " ".join(map(str, stops)) == expected


ROWS = {
    ("i3+3", 0.25): [
        "E E E E E E E E E E E E", "S S S S S E E E E E E E", "- D D D D S S S S S E E",
        "- - DU DU DU D D D D S S S", "- - - DU DU DU DU DU D D D D",
    ],
    ("i3+3", 0.30): [
        "E E E E E E E E E E E E", "S S S S E E E E E E E E", "- D D D S S S S E E E E",
        "- - DU DU D D D D S S S S", "- - - DU DU DU D D D D D S",
    ],
    ("mTPI-2", 0.25): [
        "E E E E E E E E E E E E", "D D D S S E E E E E E E", "- DU D D D D S S S S E E",
        "- - DU DU DU D D D D D S S", "- - - DU DU DU DU DU D D D D",
    ],
    ("mTPI-2", 0.30): [
        "E E E E E E E E E E E E", "D D S S E E E E E E E E", "- DU D D D S S S E E E E",
        "- - DU DU D D D D S S S S", "- - - DU DU DU D D D D D S",
    ],
}  # fmt: skip
DESIGNS: dict[str, list[type[IntervalRule]]] = {"i3+3": [I3Plus3], "mTPI-2": [Mtpi2, Keyboard]}


@pytest.mark.parametrize(("name", "target"), ROWS)
def test_the_rows_of_i3_plus_3_and_mtpi_2(name: str, target: float) -> None:
    """Row = DLTs 0 to 4, column = 1 to 12 evaluable; the keyboard agrees with mTPI-2."""
    for design in DESIGNS[name]:
        rule = design(target)
        found = [
            " ".join(rule.decision(x, n) if x <= n else "-" for n in range(1, 13)) for x in range(5)
        ]  # fmt: skip
        assert found == ROWS[name, target], design


# y -> the number of evaluable subjects up to which it excludes; from there to 12 it goes down (§4.6, §4.7).
EXCLUDES_UP_TO = {
    ("i3+3", 0.25): {5: 10, 6: 12}, ("i3+3", 0.30): {5: 9, 6: 11},
    ("mTPI-2", 0.25): {4: 8, 5: 10}, ("mTPI-2", 0.30): {5: 9, 6: 11},
}  # fmt: skip


@pytest.mark.parametrize(("name", "target"), EXCLUDES_UP_TO)
def test_the_printed_ranges_of_exclusion(name: str, target: float) -> None:
    for design in DESIGNS[name]:
        for dlts, last in EXCLUDES_UP_TO[name, target].items():
            found = [design(target).decision(dlts, n) for n in range(dlts, 13)]
            assert found == ["DU"] * (last - dlts + 1) + ["D"] * (12 - last), (design, dlts)


@pytest.mark.parametrize(("n", "letters"), [(3, "E S D DU"), (6, "E E S D DU DU DU"), (9, "E E E S D DU DU DU DU DU")])
def test_figure_3_of_guo_2017_for_mtpi_2(n: int, letters: str) -> None:
    assert " ".join(Mtpi2(0.30).decision(x, n) for x in range(n + 1)) == letters


def test_the_path_of_han_2019_by_boin() -> None:
    cohorts = ["1NNN", "2NNN", "3NTT", "2NTN", "3NNN", "3NNN", "4TTT", "3NTN", "3NNT", "3TNN"]
    levels = []
    for k in range(1, len(cohorts) + 1):
        action = Boin(0.30).next_action(history(" ".join(cohorts[:k]), 5), (), TODAY)
        assert action.level is not None
        levels.append(action.level + 1)
    assert levels == [2, 3, 2, 3, 3, 4, 3, 3, 3, 3]


def test_the_mtd_is_the_level_with_the_isotonic_rate_closest_to_the_target() -> None:
    n, x = [3, 3, 15, 9, 0], [0, 0, 4, 4, 0]
    assert isotonic_rates(n[:4], x[:4]) == pytest.approx([0.0161, 0.0161, 0.2682, 0.4450], abs=1e-4)
    assert select_mtd(n, x, 0.30, 5) == 2
    assert select_mtd(n, x, 0.30, 2) == 1
    assert select_mtd([0, 0], [0, 0], 0.30, 2) is None


# n, DLT, pending -> letter for a followed share; a pair = (smallest or largest STFT, letter there, letter beyond).
TITE = [
    (0.25, 3, 0, 1, 0.0, "E"), (0.25, 3, 0, 2, 1.9, SUSPEND), (0.25, 3, 1, 2, 0.5, "D"), (0.25, 3, 2, 1, 0.5, "D"),
    (0.30, 3, 1, 0, 0.0, "S"), (0.30, 3, 1, 1, 0.87, "D"), (0.30, 3, 1, 1, 0.89, "S"), (0.30, 3, 1, 2, 0.5, SUSPEND),
    (0.25, 6, 0, 3, 0.1, "E"), (0.25, 6, 0, 4, 3.9, SUSPEND), (0.25, 6, 1, 0, 0.0, "E"),
    (0.25, 6, 1, 1, 0.21, "S"), (0.25, 6, 1, 1, 0.23, "E"), (0.25, 6, 1, 2, 1.37, "S"), (0.25, 6, 1, 2, 1.39, "E"),
    (0.25, 6, 1, 3, 2.53, "S"), (0.25, 6, 1, 3, 2.55, "E"), (0.25, 6, 1, 4, 3.0, SUSPEND), (0.25, 6, 2, 1, 0.5, "D"),
    (0.30, 6, 1, 1, 0.0, "E"), (0.30, 6, 1, 2, 0.59, "S"), (0.30, 6, 1, 2, 0.61, "E"), (0.30, 6, 1, 3, 1.95, "S"),
    (0.30, 6, 1, 3, 1.97, "E"), (0.30, 6, 2, 0, 0.0, "S"), (0.30, 6, 2, 1, 0.72, "D"), (0.30, 6, 2, 1, 0.74, "S"),
    (0.30, 6, 2, 2, 1.79, "D"), (0.30, 6, 2, 2, 1.81, "S"), (0.30, 6, 2, 3, 2.86, "D"), (0.30, 6, 2, 3, 2.88, "S"),
    (0.30, 6, 2, 4, 2.0, SUSPEND), (0.30, 6, 3, 1, 0.5, "D"),
    (0.20, 9, 1, 3, 0.76, "S"), (0.20, 9, 1, 3, 0.78, "E"), (0.20, 9, 1, 4, 2.14, "S"), (0.20, 9, 1, 4, 2.16, "E"),
    (0.20, 9, 2, 1, 0.51, "D"), (0.20, 9, 2, 1, 0.53, "S"), (0.20, 9, 2, 2, 1.58, "D"), (0.20, 9, 2, 2, 1.60, "S"),
    (0.20, 9, 2, 3, 2.65, "D"), (0.20, 9, 2, 3, 2.67, "S"), (0.20, 9, 2, 4, 3.72, "D"), (0.20, 9, 2, 4, 3.74, "S"),
    (0.20, 3, 0, 2, 1.0, SUSPEND), (0.20, 6, 0, 4, 1.0, SUSPEND),
]  # fmt: skip


@pytest.mark.parametrize(("target", "n", "dlts", "pending", "followed", "expected"), TITE)
def test_the_table_of_tite_boin(target: float, n: int, dlts: int, pending: int, followed: float, expected: str) -> None:
    weights = [followed / pending] * pending if pending else []
    assert TiteBoin(target).letter(dlts, n - pending, weights) == expected


def test_boin_waits_for_a_full_cohort_unless_what_is_seen_leads_down() -> None:
    past = History(("DL1", "DL2"), history("1NNN 2NT", 2).outcomes, (), 1)
    pending = (Pending(1, 0.5, DUE),)
    assert Boin(0.30).next_action(past, pending, TODAY).code(past.ids) == "ONGOING(WAIT DL2)"
    worse = History(("DL1", "DL2"), history("1NNN 2TT", 2).outcomes, (), 1)
    assert Boin(0.30).next_action(worse, pending, TODAY).code(past.ids) == "ONGOING(DE_ESCALATE DL1)"


def test_at_the_cap_an_interval_design_declares_the_closest_level() -> None:
    past = history("1NNN 2NNN 3NNT 3NNT", 3)
    assert Boin(0.30, cap=Cap(12)).next_action(past, (), TODAY).code(past.ids) == "MTD_DECLARED(DL3)"


def test_an_excluded_level_is_never_entered_again() -> None:
    past = history("1NNN 2TTT 1NNN", 3)
    assert Boin(0.30).next_action(past, (), TODAY).code(past.ids) == "ONGOING(ENROL DL1)"
    nothing_left = history("1TTT", 3)
    assert Boin(0.30).next_action(nothing_left, (), TODAY).code(past.ids) == "NO_DOSE"
