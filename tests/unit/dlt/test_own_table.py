"""A site's own decision table: what is refused, and that the rule written as a table is the rule."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from support.default_keys import keys
from trialbook.core.errors import UsageError
from trialbook.dlt.design_tables import design_table
from trialbook.dlt.designs.design import EXPAND, ONGOING, WAIT, Cap, History, Outcome, Pending
from trialbook.dlt.designs.own_table import OWN_TABLE, OwnTable
from trialbook.dlt.designs.registry import make_rule, rules_beside
from trialbook.dlt.designs.three_plus_three import ThreePlusThree
from trialbook.dlt.pathways import ending_probabilities, pathways
from trialbook.protocol.decision_table import DecisionTable
from trialbook.protocol.models import Protocol

IDS = ("DL1", "DL2", "DL3")
TODAY = pd.Timestamp("2025-06-30")
# 3+3 as a table: the second DLT of a level excludes it.
THREE = {3: ["E", "S", "DU", "DU"], 6: ["E", "E", "DU", "DU", "DU", "DU", "DU"]}
TABLE = DecisionTable.model_validate({"advice": THREE})


def table_rule(cap: int) -> OwnTable:
    return OwnTable(0.30, cohort=3, cap=Cap(cap), rows=TABLE.rows)


def test_three_plus_three_as_a_table_advises_what_three_plus_three_does() -> None:
    """Whole trials at random, with pending and replaced subjects, asked after every step of them."""
    steps, draw = 0, np.random.default_rng(20240321)
    for _ in range(400):
        cap = int(draw.choice([9, 12, 18]))
        rule, table = ThreePlusThree(Cap(cap)), table_rule(cap)
        history, pending = History(IDS), ()
        while True:
            asked, ours = (one.next_action(history, pending, TODAY) for one in (rule, table))
            move = "ENROL" if asked.move == EXPAND else asked.move
            assert (ours.outcome, ours.level, ours.move) == (asked.outcome, asked.level, move), (history, pending, ours)
            assert ours.excluded_from == asked.excluded_from or asked.outcome != ONGOING
            steps += 1
            if asked.outcome != ONGOING:
                break
            treats = asked.move != WAIT and draw.random() < 0.6
            if treats and asked.level is not None:
                history, pending = replace(history, current=asked.level), (*pending, Pending(asked.level, 0.5))
            elif pending:
                known, *others = [pending[k] for k in draw.permutation(len(pending))]
                pending = tuple(others)
                if draw.random() < 0.1:
                    history = replace(history, replaced=(*history.replaced, known.level))
                else:
                    seen = Outcome(known.level, draw.random() < 0.25)
                    history = replace(history, outcomes=(*history.outcomes, seen))
    assert steps > 4000


def test_a_table_has_the_endings_of_the_rule_that_it_is() -> None:
    rates = (0.10, 0.20, 0.35)
    ours = ending_probabilities(table_rule(12), IDS, rates)
    assert ours == pytest.approx(ending_probabilities(ThreePlusThree(Cap(12)), IDS, rates))


def test_down_without_exclusion_to_a_level_with_its_full_number_declares_it() -> None:
    rule = OwnTable(0.30, cohort=3, rows=(("E", "S", "D", "DU"),))
    ways = pathways(rule, IDS).set_index("path")["ending"]
    assert ways["1NNN 2TTN"] == "MTD_DECLARED(DL1)"
    assert ways["1NNN 2TNN"] == "MTD_DECLARED(DL2)"
    assert ways["1TTN"] == "NO_DOSE"
    assert ways["1TTT"] == "NO_DOSE"


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"advice": {}}, "has no rows"),
        ({"advice": {6: THREE[6]}}, "no row for 3 evaluable subjects"),
        ({"advice": {**THREE, 4: ["E", "S", "D", "DU", "DU"]}}, "row for 4 evaluable subjects is never asked for"),
        ({"advice": {3: ["E", "S", "D"]}}, "row for 3 evaluable subjects has no cell for 3 DLTs"),
        ({"advice": {3: ["E", "S", "D", "DU", "DU"]}}, "has 5 cells for 0 to 3 DLTs"),
        ({"advice": {3: ["E", "D", "S", "DU"]}}, "3 evaluable subjects: 2 DLTs lead to S, but 1 to D"),
        ({"advice": {3: ["E", "E", "E", "E"]}}, "a DLT in each of them leads to E"),
        ({"advice": {3: ["D", "D", "D", "DU"]}}, "0 DLTs lead to D"),
        ({"advice": {**THREE, 6: ["E", "D", "DU", "DU", "DU", "DU", "DU"]}}, "1 DLTs of 6 lead to D, but 1 of 3 to S"),
        ({"advice": {3: ["E", "S", "DU", "DU"], 6: ["E", "E", "E", "S", "S", "D", "D"]}}, "all who came after had"),
        ({"advice": {3: ["E", "S", "X", "DU"]}}, "'E', 'S', 'D' or 'DU'"),
        ({"advice": THREE, "cohorts": 3}, "cohorts"),
    ],
)
def test_a_table_that_cannot_be_meant_is_refused(changed: dict[str, object], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        DecisionTable.model_validate(changed)


def test_the_rule_is_there_where_the_protocol_has_a_table(protocol: Protocol) -> None:
    assert OWN_TABLE not in rules_beside(keys(), 3)
    with pytest.raises(UsageError, match="no decision table"):
        make_rule(OWN_TABLE, keys(), 3)
    with pytest.raises(ValidationError, match="has no decision_table"):
        keys(escalation_rule=OWN_TABLE)
    own = keys(escalation_rule=OWN_TABLE, decision_table=TABLE)
    printed = design_table(OWN_TABLE, protocol, own).set_index("DLTS")
    assert {n: printed[str(n)].tolist()[: n + 1] for n in (3, 6)} == THREE
    assert OWN_TABLE in rules_beside(keys(decision_table=TABLE), 3)
