"""The pathways from the present state have the probabilities and the endings of the exact enumeration."""

from __future__ import annotations

import pandas as pd
import pytest

from support.default_keys import keys
from trialbook.core.described import look_of
from trialbook.display.chart_rendering import still_svg
from trialbook.display.charts.escalation import pathway_chart
from trialbook.dlt.advice import trial_history
from trialbook.escalation_simulation.courses import MOST_ROWS, course_graph, course_rows, course_table, courses
from trialbook.escalation_simulation.exact import exact_characteristics
from trialbook.escalation_simulation.plan import make_plan
from trialbook.escalation_simulation.summary import OUTCOME
from trialbook.protocol.models import Protocol
from trialbook.results.ard import to_ard

# Level, status and share of the window of subjects in the order of first infusion.
Told = list[tuple[str, str, float]]
AT_TWO: Told = [("DL1", "NO-DLT", 1.0)] * 3 + [("DL2", "DLT", 1.0), ("DL2", "NO-DLT", 1.0), ("DL2", "PENDING", 0.5)]
AT_TWO_LEVELS: Told = [("DL1", "NO-DLT", 1.0)] * 2 + [("DL1", "PENDING", 0.9), ("DL2", "PENDING", 0.25)]


def addlt(told: Told) -> pd.DataFrame:
    rows = [
        {"USUBJID": f"S{k}", "SUBJID": f"{k:03}", "TRT01A": level, "DLTSTAT": status, "FUPFRAC": share,
         "TRTSDT": pd.Timestamp("2025-01-01") + pd.Timedelta(days=7 * k),
         "WINENDT": pd.Timestamp("2025-01-29") + pd.Timedelta(days=7 * k)}
        for k, (level, status, share) in enumerate(told)
    ]  # fmt: skip
    columns = ["USUBJID", "SUBJID", "TRT01A", "DLTSTAT", "FUPFRAC", "TRTSDT", "WINENDT"]
    return pd.DataFrame(rows, columns=columns).astype({"TRTSDT": "datetime64[s]", "WINENDT": "datetime64[s]"})


@pytest.mark.parametrize("told", [[], AT_TWO, AT_TWO_LEVELS], ids=["nobody", "pending", "pending at two levels"])
@pytest.mark.parametrize("rule", ["3+3", "BOIN"])
def test_endings_have_the_probabilities_of_the_exact_enumeration(rule: str, told: Told, protocol: Protocol) -> None:
    """With places for everybody, so that who is treated before a pending subject is known takes nobody's place."""
    analysis = keys(escalation_rule=rule, n_cap=18 if rule == "3+3" else 9)
    frame = addlt(told)
    found = courses(frame, protocol, analysis)
    past, pending = trial_history(frame, protocol.level_ids)
    for name, chances in found.chances.items():
        assert sum(chances) == pytest.approx(1, abs=1e-12)
        if found.cohorts is not None:
            continue
        plan = make_plan(rule, tuple(analysis.oc_scenarios[name]), analysis, ids=tuple(protocol.level_ids))
        exact = exact_characteristics(plan, past, pending)
        exact = exact[exact["measure"].eq(OUTCOME)].set_index("level")["estimate"].to_dict()
        ours = pd.Series(chances).groupby(found.ways["ending"]).sum().to_dict()
        assert ours == pytest.approx(exact, abs=1e-9), name
    assert found.cohorts is None or len(found.ways) <= MOST_ROWS


def test_the_table_names_who_is_pending_how_it_ends_and_the_assumed_rates(protocol: Protocol) -> None:
    found = courses(addlt(AT_TWO), protocol, keys())
    rows = list(course_rows(found))
    table = course_table(found, to_ard(rows), protocol, keys())
    assert list(table.columns)[:2] == ["PENDING", "C1"]
    assert set(table["PENDING"]) == {"DL2 0/1", "DL2 1/1"}
    assert len(rows) == len(table) * len(keys().oc_scenarios)
    assert table["END"].str.contains("maximum tolerated dose").any()
    assert any("safe: 5% / 10% / 20%" in note for note in look_of(table)["notes"])


def test_the_figure_holds_each_state_once_and_every_step_between_them(protocol: Protocol) -> None:
    frame = addlt(AT_TWO)
    nodes, edges = course_graph(courses(frame, protocol, keys()), frame, protocol, keys())
    assert nodes.groupby("COHORT").size().loc[0] == 1
    sizes = nodes.groupby("COHORT").size()
    for cohort, steps in edges.groupby("COHORT"):
        assert steps["FROM"].max() < sizes[cohort - 1]
        assert set(steps["TO"]) == set(range(sizes[cohort]))
    svg = still_svg(pathway_chart(nodes, edges).to_dict(), "pathways")
    assert "DL2 1/2 ..." in svg
    assert any("places are left" in note for note in look_of(nodes)["notes"])


@pytest.mark.parametrize(
    ("told", "rule", "words"),
    [(AT_TWO, "none", "No escalation rule"), ([("DL1", "DLT", 1.0)] * 2, "3+3", "has ended under the rule")],
)
def test_where_there_is_no_pathway_the_reason_is_said(told: Told, rule: str, words: str, protocol: Protocol) -> None:
    found = courses(addlt(told), protocol, keys(escalation_rule=rule))
    table = course_table(found, to_ard(list(course_rows(found))), protocol, keys(escalation_rule=rule))
    assert table.empty
    assert words in look_of(table)["empty"]
    assert course_graph(found, addlt(told), protocol, keys())[0].empty
