"""The state of safety stopping rules at a cut: now, in the worst and the best case, and what tables say of it."""

from __future__ import annotations

import pandas as pd
import pytest

from support.conducted_trial import datasets
from support.trial_builder import TrialBuilder, trial
from trialbook.core.errors import UsageError
from trialbook.monitoring.stopping import (
    boundary_rows,
    characteristic_rows,
    made_rule,
    monitored,
    no_event_rows,
    stopping_rows,
)
from trialbook.monitoring.tables import (
    boundary_table,
    characteristics_table,
    no_event_sentence,
    outcome_listing,
    state_sentence,
    state_table,
)
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.models import Protocol
from trialbook.protocol.monitoring import BINARY, TIME_TO_EVENT, MonitoringRule
from trialbook.results.ard import to_ard
from trialbook.statistics.stopping_rules import METHODS, StoppingRule
from trialbook.statistics.stopping_rules_survival import SURVIVAL_METHODS


def rule(**changed: object) -> MonitoringRule:
    plain: dict[str, object] = {
        "name": "Death by day 30",
        "event": "death",
        "window": [0, 30],
        "p0": 0.2,
        "method": "Pocock",
    }
    return MonitoringRule.model_validate({**plain, **changed})


def book(dead: int, alive: int, awaited: int, *, alive_first: bool = True) -> TrialBuilder:
    """So many who died, lived and were not seen again; `alive_first`: the survivors' outcomes were known before."""
    made = trial()
    for number in range(dead + alive + awaited):
        early = alive_first and dead <= number < dead + alive
        made.subject(f"S{number:02}", start="2024-12-01" if early else None).infused(0)
        if number < dead:
            made.died(10 + number)
        elif number < dead + alive:
            made.seen(40)
        else:
            made.seen(5)
    return made.delivers("DS", "CE", "SUPPAE")


def at_cut(one: MonitoringRule, story: TrialBuilder, protocol: Protocol, analysis: Analysis, day: int = 60):  # type: ignore[no-untyped-def]
    found, study = datasets(story, protocol, analysis, day)
    return monitored("RULE", one, found["adsl"], found["adae"], study)


# The Pocock rule for 12 subjects and p0 = 0.20 stops at 2 of 2, 3 of 3 or 4, 4 of 5 to 7, 5 of 8 to 11 (oracle xii).
@pytest.mark.parametrize(
    ("dead", "alive", "awaited", "verdicts"),
    [
        (1, 5, 0, ["continue", "continue", "continue"]),
        (4, 2, 0, ["stop", "stop", "stop"]),
        (2, 4, 3, ["continue", "stop", "continue"]),
    ],
)
def test_the_three_cases(
    dead: int, alive: int, awaited: int, verdicts: list[str], protocol: Protocol, analysis: Analysis
) -> None:
    one = at_cut(rule(n_max=12), book(dead, alive, awaited), protocol, analysis)
    rows = to_ard(stopping_rows([one]))
    states = rows[rows["stat_name"].eq("state")]
    assert states["stat_text"].tolist() == verdicts
    now = rows[rows["context"].eq("now")].set_index("stat_name")["stat"]
    assert (now["n"], now["N"]) == (dead, dead + alive)
    worst = rows[rows["context"].eq("worst")].set_index("stat_name")["stat"]
    assert worst["n"] - now["n"] <= awaited


def test_a_boundary_once_reached_stays_reached(protocol: Protocol, analysis: Analysis) -> None:
    # Two deaths of two stop; later the count alone, 3 of 12, would not.
    one = at_cut(rule(n_max=12), book(3, 9, 0, alive_first=False), protocol, analysis)
    assert one.reached_after == 2
    assert {case.verdict for case in one.cases} == {"stop"}
    assert "boundary is reached" in state_sentence([one])


def test_subjects_beyond_the_most_the_rule_looks_at_are_named(protocol: Protocol, analysis: Analysis) -> None:
    one = at_cut(rule(n_max=4), book(0, 6, 0), protocol, analysis)
    assert (one.left_out, one.cases[0].n) == (2, 4)
    assert "2 treated later are not counted" in str(state_table([one]).attrs)


def test_a_rule_on_follow_up(protocol: Protocol, analysis: Analysis) -> None:
    timed = rule(time_to_event=True, method="Pocock", n_max=12)
    early = at_cut(timed, book(4, 0, 0), protocol, analysis)
    late = at_cut(timed, book(1, 9, 0), protocol, analysis)
    assert early.cases[0].verdict == "stop"
    assert late.cases[0].verdict == "continue"
    # Nine followed for 31 days, and one for the 11 days up to the death.
    assert late.cases[0].follow_up == 9 * 31 + 11
    names = to_ard(stopping_rows([late]))["stat_name"]
    assert {"n", "N", "boundary", "state", "time", "further"} == set(names)
    assert not to_ard(boundary_rows([late])).empty
    assert not characteristics_table(to_ard(characteristic_rows([late])), [late]).empty


def test_tables_say_what_the_rows_say(protocol: Protocol, analysis: Analysis) -> None:
    one = at_cut(rule(n_max=12), book(2, 4, 3), protocol, analysis)
    shown = state_table([one]).iloc[0]
    assert (shown["SEEN"], shown["NOW"], shown["OPEN"]) == ("2 of 6", "go on", "S06, S07, S08")
    assert shown["WORST"].endswith("stop")
    assert shown["FURTHER"] == "3"
    further = to_ard(stopping_rows([one])).query("stat_name == 'further'")
    assert further[["context", "stat"]].values.tolist() == [["now", 3]]
    assert set(outcome_listing([one])["SUBJID"]) == {"S00", "S01", "S06", "S07", "S08"}
    limits = boundary_table([one]).iloc[0]
    assert isinstance(one.boundary, StoppingRule)
    assert [limits[str(n)] for n in range(1, 13)] == [
        str(b) if one.boundary.can_stop(n) else "-" for n, b in enumerate(one.boundary.boundary, 1)
    ]
    text = no_event_sentence(to_ard(no_event_rows(8)), 8)
    assert "10% of patients: 43%" in text


@pytest.mark.parametrize(
    "wrong",
    [
        {"method": "Geller"}, {"method": "Pocock", "weight": 3}, {"method": "Gamma-Poisson"}, {"window": [30, 0]},
        {"event": "adverse event"}, {"method": "SPRT", "p1": 0.1}, {"p0": 1.2}, {"method": "nothing"},
    ],
)  # fmt: skip
def test_a_rule_that_means_nothing_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"method|window|search|exceed|less than"):
        rule(**wrong)


def test_a_rule_without_a_boundary_says_what_to_change() -> None:
    with pytest.raises(UsageError, match="has no boundary") as stopped:
        made_rule("R", rule(time_to_event=True, method="SPRT", p1=0.21, alpha=0.999), 2)
    assert "p0 or alpha" in str(stopped.value)


def test_the_methods_of_the_protocol_file_are_those_of_the_library() -> None:
    assert set(BINARY) == set(METHODS)
    assert set(TIME_TO_EVENT) == set(SURVIVAL_METHODS)


def test_no_rule_is_said(protocol: Protocol) -> None:
    assert "no safety stopping rule" in state_sentence([])
    assert isinstance(state_table([]), pd.DataFrame)
    assert len(protocol.monitoring) == 4
