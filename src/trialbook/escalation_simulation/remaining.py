"""Operating characteristics of the rest of a trial: exactly, from its present state, under assumed true DLT rates."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from trialbook.core.described import described
from trialbook.core.messages import msg
from trialbook.dlt.advice import trial_history
from trialbook.dlt.designs.design import MAX_TESTED_NOT_EXCEEDED, MTD_DECLARED, NO_DOSE
from trialbook.dlt.designs.registry import NO_RULE
from trialbook.escalation_simulation import summary
from trialbook.escalation_simulation.exact import MOST_EXACT, exact_characteristics
from trialbook.escalation_simulation.plan import make_plan
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.models import Protocol
from trialbook.results.ard import TOTAL, ArdRow, ard_row

ASSUMED = msg(
    "The true DLT rates are assumed, as the parameter file lists them; none of them is an estimate. Exact by "
    "enumeration, cohorts treated whole; a pending subject has the risk of the rest of its window."
)
# Variables of the ARD, by measure of `summary`; an outcome is named by its code.
VARIABLES = {
    summary.SELECTED: "MTD", summary.UNDECIDED: "UNDECIDED", summary.TREATED: "TREATED", summary.DLTS: "DLTS",
    summary.UNSAFE: "TREATED_ABOVE_TARGET", summary.UNSAFE_SELECTED: "MTD_ABOVE_TARGET",
}  # fmt: skip
TABLE_LABELS = {
    "scenario": "If the true rates are", "rates": "Rates by level", "NO_DOSE": "No dose is left",
    "WITHOUT_MTD": msg("Ends without an MTD"), "UNDECIDED": "Undecided at the cap",
    "MAX_TESTED": "Top level tested only",
    "TREATED": "Further subjects",
    "DLTS": "Further DLTs",
}  # fmt: skip


def cannot_say(protocol: Protocol, analysis: Analysis) -> str:
    """Why the rest of the trial cannot be enumerated, in words; blank where it can."""
    if not protocol.has_endpoint("DLT"):
        return "DLT is not an endpoint of this trial."
    if analysis.escalation_rule == NO_RULE:
        return "No escalation rule is in force."
    if analysis.n_cap > MOST_EXACT:
        return f"With {analysis.n_cap} subjects there are too many ways to enumerate; design-oc simulates them."
    if not fitting_scenarios(protocol, analysis):
        return f"No assumed rates of the parameter file fit the {len(protocol.level_ids)} dose levels of this trial."
    return ""


def fitting_scenarios(protocol: Protocol, analysis: Analysis) -> dict[str, tuple[float, ...]]:
    """The assumed true rates that have one value per dose level, by name."""
    number = len(protocol.level_ids)
    return {name: tuple(rates) for name, rates in analysis.oc_scenarios.items() if len(rates) == number}


def remaining_path(addlt: pd.DataFrame, protocol: Protocol, analysis: Analysis) -> pd.DataFrame:
    """How the trial would go on from its present state: scenario, then the columns of `summary.COLUMNS`.

    Subjects and DLTs are those still to come. Empty where `cannot_say`.
    """
    if cannot_say(protocol, analysis):
        return pd.DataFrame(columns=["name", *summary.COLUMNS])
    past, pending = trial_history(addlt, protocol.level_ids)
    tables = []
    for name, rates in fitting_scenarios(protocol, analysis).items():
        plan = make_plan(analysis.escalation_rule, rates, analysis, ids=tuple(protocol.level_ids))
        tables.append(exact_characteristics(plan, past, pending).assign(name=name))
    return pd.concat(tables, ignore_index=True)[["name", *summary.COLUMNS]]


def remaining_rows(path: pd.DataFrame) -> Iterator[ArdRow]:
    """DLT_OC: one row per scenario (variable_level), variable and dose level or Total; context `exact`.

    WITHOUT_MTD is the probability that the trial ends, for whatever reason, without a declared MTD.
    """
    without: dict[str, float] = dict.fromkeys(path["name"], 0.0)
    for row in path.itertuples():
        variable, level = VARIABLES.get(row.measure, ""), row.level
        if row.measure == summary.OUTCOME and row.level == NO_DOSE:
            variable, level = "NO_DOSE", TOTAL
        if row.measure == summary.OUTCOME and row.level.startswith(MAX_TESTED_NOT_EXCEEDED):
            variable, level = "MAX_TESTED", row.level.removeprefix(f"{MAX_TESTED_NOT_EXCEEDED}(").removesuffix(")")
        if row.measure == summary.OUTCOME and not row.level.startswith(MTD_DECLARED):
            without[row.name] += row.estimate
        if variable:
            yield ard_row(
                "DLT_OC", level, variable, "estimate", row.estimate, variable_level=row.name, context="exact"
            )  # fmt: skip
    for name, chance in without.items():
        yield ard_row(
            "DLT_OC", TOTAL, "WITHOUT_MTD", "estimate", min(chance, 1.0), variable_level=name, context="exact"
        )  # fmt: skip


def path_table(results: pd.DataFrame, protocol: Protocol, analysis: Analysis) -> pd.DataFrame:
    """The DLT_OC rows for reading: one row per scenario, probabilities of each end and what is still to come."""
    rows = results[results["analysis_id"].eq("DLT_OC")]
    text = {(r.variable_level, r.variable, r.group1_level): r.stat_text for r in rows.itertuples()}
    table = []
    for name, rates in fitting_scenarios(protocol, analysis).items():
        if (name, "UNDECIDED", TOTAL) not in text:
            continue
        row = {"scenario": name, "rates": " / ".join(f"{100 * rate:g}%" for rate in rates)}
        row |= {f"MTD {level}": text[name, "MTD", level] for level in protocol.level_ids}
        tested = [value for key, value in text.items() if key[:2] == (name, "MAX_TESTED")]
        row |= {"MAX_TESTED": tested[0]} if tested else {}
        shown = ("WITHOUT_MTD", "UNDECIDED", "NO_DOSE", "TREATED", "DLTS")
        row |= {key: text.get((name, key, TOTAL), "0.000") for key in shown}
        table.append(row)
    made = pd.DataFrame(table).fillna("0.000").astype("str") if table else pd.DataFrame({"scenario": []}, dtype="str")
    return described(
        made, labels=TABLE_LABELS, right=right_columns(protocol), notes=[ASSUMED],
        empty=cannot_say(protocol, analysis),
    )  # fmt: skip


def right_columns(protocol: Protocol) -> list[str]:
    """The columns of `path_table` that hold numbers."""
    return [*(f"MTD {level}" for level in protocol.level_ids), *list(TABLE_LABELS)[2:]]
