"""Pathways, decision tables and endings of every design agree with other ways to find them."""

from __future__ import annotations

from math import prod

import pandas as pd
import pytest

from reference.three_plus_three import advised, nobody
from support.default_keys import keys
from trialbook.core.errors import UsageError
from trialbook.dlt import pathways as module
from trialbook.dlt.designs.design import CAP_REACHED, ONGOING, Cap, History, Outcome
from trialbook.dlt.designs.interval import Boin
from trialbook.dlt.designs.registry import RULE_NAMES, make_rule
from trialbook.dlt.designs.three_plus_three import ThreePlusThree
from trialbook.dlt.pathways import (
    decision_table,
    ending_probabilities,
    interval_table,
    pathways,
    probability_without_mtd,
)
from trialbook.escalation_simulation.exact import exact_characteristics
from trialbook.escalation_simulation.plan import make_plan
from trialbook.escalation_simulation.summary import OUTCOME

IDS, RATES = ("DL1", "DL2", "DL3"), (0.10, 0.20, 0.35)
# They decide while subjects are pending, which no pathway has.
DECIDES_EARLY = {"TITE-CRM": "CRM", "TITE-BOIN": "BOIN"}
TODAY = pd.Timestamp("2025-06-30")
ANALYSIS = keys(n_cap=9)


def replayed(path: str) -> History:
    """The history that a path says."""
    words = [(int(word[0]) - 1, letter) for word in path.split() for letter in word[1:]]
    return History(IDS, tuple(Outcome(level, letter == "T") for level, letter in words), (), words[-1][0])


@pytest.fixture(scope="module")
def tables() -> dict[str, pd.DataFrame]:
    return {name: pathways(make_rule(name, ANALYSIS, 3), IDS, rates=RATES) for name in RULE_NAMES}


@pytest.mark.parametrize("name", RULE_NAMES)
def test_every_node_is_what_the_rule_says_of_its_path(name: str, tables: dict[str, pd.DataFrame]) -> None:
    table = tables[name]
    rule, without_cap = (make_rule(name, ANALYSIS.model_copy(update={"n_cap": cap}), 3) for cap in (9, 500))
    assert table["path"].is_unique
    assert table["ending"].ne("").sum() > 10
    for row in table.itertuples():
        history = replayed(row.path)
        ended, free = (asked.next_action(history, (), TODAY) for asked in (rule, without_cap))
        assert row.ending == ("" if ended.outcome == ONGOING else ended.code(IDS)), row.path
        assert row.next_level == (IDS[free.level] if free.outcome == ONGOING else ""), row.path
        assert row.eliminated == ";".join(IDS[free.excluded_from :]), row.path
        assert (row.n, row.dlts) == (len(row.path.split()[-1]) - 1, row.path.split()[-1].count("T"))
        following = table[table["path"].str.startswith(f"{row.path} ") & table["cohort"].eq(row.cohort + 1)]
        if row.ending:
            assert following.empty, row.path
        else:
            assert following["level"].eq(row.next_level).all()
            assert following["dlts"].tolist() == list(range(following["n"].iloc[0] + 1)), row.path


@pytest.mark.parametrize("name", RULE_NAMES)
def test_endings_have_the_probability_of_their_pathways(name: str, tables: dict[str, pd.DataFrame]) -> None:
    ended = tables[name][tables[name]["ending"].ne("")]
    by_path = ended.groupby("ending")["probability"].sum().to_dict()
    found = ending_probabilities(make_rule(name, ANALYSIS, 3), IDS, RATES)
    assert found == pytest.approx(by_path, abs=1e-12)
    assert sum(found.values()) == pytest.approx(1, abs=1e-12)
    one = ended.iloc[-1]
    course = replayed(one["path"]).outcomes
    alike = prod(1.0 if word.count("T") in (0, 3) else 3.0 for word in one["path"].split())
    chance = prod(RATES[o.level] if o.dlt else 1 - RATES[o.level] for o in course)
    assert one["probability"] == pytest.approx(alike * chance, rel=1e-12)


@pytest.mark.parametrize("name", [name for name in RULE_NAMES if name != "Rolling6"])
def test_endings_are_those_of_the_exact_enumeration(name: str) -> None:
    """Where nobody is decided on while pending, whole cohorts are what the enumeration by subject treats together."""
    plan = make_plan(DECIDES_EARLY.get(name, name), RATES, ANALYSIS)
    rows = exact_characteristics(plan)
    expected = rows[rows["measure"].eq(OUTCOME)].set_index("level")["estimate"].to_dict()
    assert ending_probabilities(make_rule(name, ANALYSIS, 3), IDS, RATES) == pytest.approx(expected, abs=1e-12)


def test_probability_without_an_mtd_is_that_of_all_other_endings() -> None:
    """§4.4.1 prints for 3+3, a cap of 12 and these rates: 0.135 + 0.119 + 0.258 with an MTD."""
    rule = make_rule("3+3", keys(n_cap=12), 3)
    assert probability_without_mtd(rule, IDS, RATES) == pytest.approx(1 - 0.119 - 0.135 - 0.258, abs=1e-3)
    assert probability_without_mtd(rule, IDS, (1.0, 1.0, 1.0)) == 1
    assert probability_without_mtd(make_rule("3+3", keys(n_cap=18), 3), IDS, (0.0, 0.0, 0.0)) == 0


def test_rolling_six_awaits_whole_cohorts() -> None:
    """Three are awaited; with 0 DLTs the next level, with 1 three more, with 2 down (Skolnik 2008)."""
    table = pathways(make_rule("Rolling6", ANALYSIS, 3), IDS, cohorts=2).set_index("path")
    assert table.loc[["1NNN", "1TNN", "1TTN", "1TNN 1NNN", "1TNN 1TNN"], "next_level"].tolist() == [
        "DL2", "DL1", "", "DL2", "",
    ]  # fmt: skip


def test_three_plus_three_is_the_rule_written_a_second_time() -> None:
    for row in pathways(ThreePlusThree(Cap(12)), IDS).itertuples():
        counts = nobody(3)
        for word in row.path.split():
            for letter in word[1:]:
                level = int(word[0]) - 1
                counts = counts.with_one_more(level).after(level, dlt=letter == "T")
        code = advised(counts, 12)
        assert code == row.ending if row.ending else code.split()[-1] == row.next_level, row.path


def test_decision_table_of_three_plus_three() -> None:
    """At the middle level: alone, or together with what is known of DL1 and DL3."""
    table = decision_table(ThreePlusThree(Cap(18)), IDS)
    cells = table[table["level"].eq("DL2")]
    found = cells.groupby(["n", "dlts"])["decision"].agg(lambda decisions: " ".join(sorted(set(decisions))))
    too_many = "DU MTD_DECLARED(DL1)"
    assert found.to_dict() == {
        (3, 0): "E", (3, 1): "S", (3, 2): too_many, (3, 3): too_many,
        (6, 0): "MTD_DECLARED(DL2)", (6, 1): "E MTD_DECLARED(DL2)",
        (6, 2): too_many, (6, 3): too_many, (6, 4): too_many,
    }  # fmt: skip
    together = cells.groupby(["n", "dlts"])["alone"].agg(["all", "any"])
    assert together["all"].tolist() == together["any"].tolist() == [" " not in text for text in found]


@pytest.mark.parametrize("name", ["BOIN", "i3+3", "mTPI-2", "keyboard", "TITE-BOIN"])
def test_decision_table_holds_the_printed_decisions(name: str) -> None:
    """Where another level is open on either side, what is done is what the printed table says."""
    rule = make_rule(name, keys(n_cap=15), 4)
    printed = interval_table(rule, 15).set_index("n")  # type: ignore[arg-type]
    ids = (*IDS, "DL4")
    table = decision_table(rule, ids)
    cells = table[table["level"].isin(["DL2", "DL3"]) & ~table["eliminated"].str.contains("DL3")]
    assert len(cells) > 20
    for row in cells.itertuples():
        up, down, out = (printed.loc[row.n, column] for column in printed.columns)
        letter = "E" if pd.notna(up) and row.dlts <= up else "D" if pd.notna(down) and row.dlts >= down else "S"
        letter = "DU" if pd.notna(out) and row.dlts >= out else letter
        if letter == "E" and row.eliminated and ids.index(row.level) + 1 == ids.index(row.eliminated.split(";")[0]):
            letter = "S"
        assert row.decision == letter, row


def test_pathways_go_on_from_a_trial_with_an_open_cohort() -> None:
    """After 1 of 2 at DL2 one place is open; the pathways are those of the whole trial that begin so."""
    outcomes = (*[Outcome(0, False)] * 3, Outcome(1, True), Outcome(1, False))
    start = History(IDS, outcomes, (), 1)
    for rule in (Boin(0.30, cap=Cap(9)), ThreePlusThree(Cap(9))):
        table = pathways(rule, IDS, start)
        assert table.iloc[0][["path", "n", "next_level"]].tolist() == ["2N", 1, "DL2"]
        whole = pathways(rule, IDS).set_index("path")
        for row in table.itertuples():
            first, *rest = row.path.split()
            whole_path = " ".join(["1NNN", "2TNN" if first == "2N" else "2TTN", *rest])
            assert row.ending == whole.loc[whole_path, "ending"]
            assert row.eliminated == whole.loc[whole_path, "eliminated"]
        assert len(table) == whole.index.str.startswith(("1NNN 2TNN", "1NNN 2TTN")).sum()


def test_the_cap_cuts_the_last_cohort_short() -> None:
    for rule in (Boin(0.30, cap=Cap(4)), ThreePlusThree(Cap(4))):
        table = pathways(rule, IDS)
        assert set(table.loc[table["cohort"].eq(2), "n"]) == {1}
        assert table.loc[table["cohort"].eq(2), "ending"].ne("").all()
    codes = pathways(ThreePlusThree(Cap(4)), IDS).set_index("path")["ending"]
    assert codes["1NNN 2N"] == f"{CAP_REACHED}(none)"


def test_a_trial_that_has_ended_has_no_pathways() -> None:
    start = History(IDS, (*[Outcome(0, True)] * 3,), (), 0)
    assert pathways(ThreePlusThree(Cap(12)), IDS, start).empty
    assert ending_probabilities(ThreePlusThree(Cap(12)), IDS, RATES, start) == {"NO_DOSE": 1.0}


def test_what_cannot_be_listed_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_PATHWAYS", 100)
    rule = Boin(0.30, cap=Cap(12))
    with pytest.raises(UsageError, match="look fewer cohorts ahead"):
        pathways(rule, IDS)
    assert len(pathways(rule, IDS, cohorts=2)) == 16
    assert pathways(rule, IDS, cohorts=0).empty
    with pytest.raises(UsageError, match="give 3 rates"):
        ending_probabilities(rule, IDS, (0.1, 0.2))
    with pytest.raises(UsageError, match="give 3 rates"):
        probability_without_mtd(rule, IDS, (0.1, 0.2, 1.2))
    with pytest.raises(UsageError, match="its decision table"):
        interval_table(make_rule("CRM", ANALYSIS, 3), 6)  # type: ignore[arg-type]
