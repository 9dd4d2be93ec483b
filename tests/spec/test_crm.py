"""CRM and TITE-CRM by the computed examples of the rulebook §4.10, and the limits of A-79."""

from __future__ import annotations

import pandas as pd
import pytest

from support.dose_paths import history
from trialbook.core.errors import UsageError
from trialbook.dlt.designs.crm import Crm, TiteCrm, posterior, rates
from trialbook.dlt.designs.design import Pending
from trialbook.dlt.designs.registry import RULE_NAMES, make_rule
from trialbook.protocol.analysis import Analysis

TODAY = pd.Timestamp("2025-06-30")
DUE = pd.Timestamp("2025-07-10")
SKELETON = (0.12, 0.25, 0.40)


def crm(**values: object) -> Crm:
    return Crm(0.25, skeleton=SKELETON, **values)  # type: ignore[arg-type]


def test_the_example_of_the_escalation_package() -> None:
    path = history("2NNT 2NNN 3NTT 2NNT", 4)
    found = posterior((0.1, 0.2, 0.4, 0.55), [(o.level, o.dlt, 1.0) for o in path.outcomes], 0.75)
    assert found.mean == pytest.approx(-0.2163, abs=1e-4)
    assert rates((0.1, 0.2, 0.4, 0.55), found.mean) == pytest.approx([0.1565, 0.2735, 0.4780, 0.6178], abs=1e-4)


@pytest.mark.parametrize(
    ("subjects", "beta", "expected"),
    [
        ([(0, False, 1.0)] * 3, 0.6517, [0.0171, 0.0700, 0.1724]),
        ([(0, False, 1.0)] * 3 + [(1, True, 1.0)] + [(1, False, 1.0)] * 2, 0.0579, [0.1058, 0.2302, 0.3787]),
        (
            [(0, False, 1.0)] * 3 + [(1, True, 1.0), (1, False, 0.5), (1, False, 0.25)],
            -0.1330, [0.1563, 0.2971, 0.4483],
        ),
    ],
)  # fmt: skip
def test_the_computed_small_tests(subjects: list[tuple[int, bool, float]], beta: float, expected: list[float]) -> None:
    found = posterior(SKELETON, subjects, 1.34)
    assert found.mean == pytest.approx(beta, abs=1e-4)
    assert rates(SKELETON, found.mean) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("1NNN", "ONGOING(ESCALATE DL2)"),
        ("1NNN 2NNT", "ONGOING(ENROL DL2)"),
        ("1NNN 2NNT 2NNN", "ONGOING(ESCALATE DL3)"),
        ("1TTT", "NO_DOSE"),
    ],
)
def test_no_level_is_skipped_and_nobody_goes_up_after_a_dlt(path: str, expected: str) -> None:
    past = history(path, 3)
    assert crm().next_action(past, (), TODAY).code(past.ids) == expected


def test_pending_subjects_hold_the_crm_and_are_weighed_by_tite_crm() -> None:
    past = history("1NNN 2NN", 3)
    pending = (Pending(1, 0.9, DUE),)
    assert crm().next_action(past, pending, TODAY).code(past.ids) == "ONGOING(WAIT DL2)"
    tite = TiteCrm(0.25, skeleton=SKELETON).next_action(past, pending, TODAY)
    assert tite.code(past.ids) == "ONGOING(ESCALATE DL3)"


@pytest.mark.parametrize("name", RULE_NAMES)
def test_every_rule_of_the_parameter_file_exists_and_starts_at_the_lowest_level(name: str, analysis: Analysis) -> None:
    past = history("", 3)
    action = make_rule(name, analysis, 3).next_action(past, (), TODAY)
    assert action.code(past.ids) == "ONGOING(START DL1)"


def test_a_skeleton_that_does_not_fit_is_a_usage_error(analysis: Analysis) -> None:
    with pytest.raises(UsageError, match="one prior DLT rate per dose level"):
        make_rule("CRM", analysis, 4)


def test_a_rule_that_is_not_known_is_a_usage_error(analysis: Analysis) -> None:
    with pytest.raises(UsageError, match="not implemented"):
        make_rule("4+4", analysis, 3)
