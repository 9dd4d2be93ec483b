"""The printed decision table says what the rule says, in letters where a level's counts decide, else in words."""

from __future__ import annotations

import pytest

from support.default_keys import keys
from trialbook.core.described import look_of
from trialbook.dlt.design_tables import design_table, design_tables
from trialbook.dlt.designs.cohorts import IntervalRule
from trialbook.dlt.designs.registry import RULE_NAMES, make_rule
from trialbook.protocol.models import Protocol

MTD1 = "declare DL1 the maximum tolerated dose"


def test_three_plus_three_by_level_in_words(protocol: Protocol) -> None:
    table = design_table("3+3", protocol, keys()).set_index(["LEVEL", "DLTS"])
    assert list(table.columns) == ["3", "6"]
    assert table.loc["DL1"]["3"].tolist()[:3] == ["escalate to DL2", "enrol at DL1", "no dose is tolerable"]
    assert table.loc[("DL1", "1"), "6"] == f"escalate to DL2 / {MTD1}"
    assert table.loc[("DL2", "2"), "3"] == f"exclude DL2, go down to DL1 / {MTD1}"
    assert table.loc[("DL3", "0"), "3"] == "enrol at DL3"


@pytest.mark.parametrize("name", ["BOIN", "i3+3", "keyboard"])
def test_interval_rules_have_one_letter_for_every_level(name: str, protocol: Protocol) -> None:
    table = design_table(name, protocol, keys()).set_index("DLTS")
    rule = make_rule(name, keys(), 3)
    assert isinstance(rule, IntervalRule)
    expected = {(x, n): rule.decision(x, n) if x <= n else "" for n in range(1, 13) for x in range(13)}
    assert {(int(x), int(n)): table.loc[x, n] for n in table.columns for x in table.index} == expected


def test_other_rules_are_shown_only_where_the_key_says_so(protocol: Protocol) -> None:
    assert [title for title, _ in design_tables(protocol, keys())] == ["Decision table of the rule 3+3"]
    beside = [title for title, _ in design_tables(protocol, keys(show_alternative_rules=True, n_cap=6))]
    assert len(beside) == len(RULE_NAMES)
    assert all(title.endswith("(not in force)") for title in beside[1:])


def test_without_a_rule_and_with_too_many_states_the_reason_is_said(protocol: Protocol) -> None:
    ((_, none),) = design_tables(protocol, keys(escalation_rule="none"))
    assert look_of(none)["empty"] == "No escalation rule is in force."
    many = design_table("Rolling6", protocol, keys(n_cap=60, dlt_target=0.2))
    assert len(many) or "too many states" in look_of(many)["empty"]
