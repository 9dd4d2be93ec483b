"""The published counts of §7: our estimates and exact intervals are those printed, within their rounding."""

from __future__ import annotations

import pytest

from trialbook.statistics.intervals import clopper_pearson, wilson
from trialbook.statistics.kaplan_meier import kaplan_meier

# Entry, responders, subjects, printed percentage, printed 95 % limits (None: not printed).
PRINTED = [
    ("O1 MSB-GVHD001 ORR", 38, 54, 70.4, (56.4, 82.0)),
    ("O2 MSB-GVHD001 CR", 16, 54, 29.6, (18.0, 43.6)),
    ("O3 MSB-GVHD001 PR", 22, 54, 40.7, (27.6, 55.0)),
    ("O4 MSB-GVHD001 alive at day 100", 40, 54, 74.1, None),
    ("O4 MSB-GVHD001 alive at day 180", 37, 54, 68.5, None),
    ("O9 REACH2 ruxolitinib", 96, 154, 62.3, (54.2, 70.0)),
    ("O10 REACH2 control", 61, 155, 39.4, (31.6, 47.5)),
    ("O11 REACH2 CR, ruxolitinib", 53, 154, 34.4, None),
    ("O11 REACH2 CR, control", 30, 155, 19.4, None),
    ("O12 REACH2 durable, ruxolitinib", 61, 154, 39.6, (31.8, 47.8)),
    ("O12 REACH2 durable, control", 34, 155, 21.9, (15.7, 29.3)),
    ("O13 CYP-001 A", 5, 8, 62.5, None),
    ("O13 CYP-001 A, CR", 1, 8, 12.5, None),
    ("O14 CYP-001 B", 6, 7, 85.7, None),
    ("O14 CYP-001 B, CR", 4, 7, 57.1, None),
    ("O15 CYP-001 pooled, not the 77.3 of a review", 11, 15, 73.3, None),
    ("O15 CYP-001 pooled, CR", 5, 15, 33.3, None),
    ("O16 CYP-001 day 100", 13, 15, 86.7, None),
    ("O16 CYP-001 day 100, CR", 8, 15, 53.3, None),
    ("O17 CYP-001 two years", 9, 15, 60.0, (32.3, 83.7)),
    ("O23 Jiang 2024", 24, 40, 60.0, None),
    ("O23 Jiang 2024, placebo", 19, 38, 50.0, None),
    ("O25 te Boome 2015, CR", 12, 48, 25.0, None),
    ("O28 Kubota 2024", 10, 12, 83.3, (51.6, 97.9)),
]


@pytest.mark.parametrize(("entry", "x", "n", "percent", "limits"), PRINTED)
def test_the_printed_percentage_and_limits(
    entry: str, x: int, n: int, percent: float, limits: tuple[float, float] | None
) -> None:
    found = clopper_pearson(x, n)
    assert round(100 * x / n, 1) == percent, entry
    assert found.estimate == x / n
    if limits:
        assert (round(100 * found.low, 1), round(100 * found.high, 1)) == limits, entry


def test_the_fda_interval_is_not_wilson() -> None:
    other = wilson(38, 54)
    assert (round(100 * other.low, 1), round(100 * other.high, 1)) == (57.2, 80.9)


def test_survival_of_msb_gvhd001_without_censoring() -> None:
    """O4: 14 deaths by day 100, 3 more by day 180."""
    curve = kaplan_meier([50] * 14 + [150] * 3 + [200] * 37, [1] * 17 + [0] * 37)
    assert [round(curve.at(day).survival.estimate, 4) for day in (100, 180)] == [0.7407, 0.6852]


def test_le_blanc_2008_adds_up() -> None:
    """O26: children and adults are the 55 of the whole trial."""
    children, adults = {"CR": 17, "PR": 4, "none": 2 + 2}, {"CR": 13, "PR": 5, "none": 1 + 11}
    assert {name: children[name] + adults[name] for name in children} == {"CR": 30, "PR": 9, "none": 16}
    assert clopper_pearson(30 + 9, 55).estimate == 39 / 55
