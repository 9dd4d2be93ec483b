"""The escalation rules by the names of the parameter file."""

from __future__ import annotations

import itertools

from trialbook.core.errors import UsageError
from trialbook.dlt.designs.crm import Crm, TiteCrm
from trialbook.dlt.designs.design import Cap, Rule
from trialbook.dlt.designs.interval import Boin, I3Plus3, Keyboard, Mtpi2, TiteBoin
from trialbook.dlt.designs.own_table import OWN_TABLE, OwnTable
from trialbook.dlt.designs.rolling_six import RollingSix
from trialbook.dlt.designs.three_plus_three import ThreePlusThree
from trialbook.protocol.analysis import Analysis

NO_RULE = "none"
RULE_NAMES = ("3+3", "i3+3", "mTPI-2", "keyboard", "BOIN", "CRM", "TITE-CRM", "TITE-BOIN", "Rolling6")


def make_rule(name: str, analysis: Analysis, levels: int) -> Rule:
    """The rule of this name with the values in force, for a trial of `levels` dose levels.

    Raises UsageError when the name is not a rule, or when the CRM skeleton does not fit the levels.
    """
    cap = Cap(analysis.n_cap, analysis.cap_counts)
    shared = (analysis.dlt_target, analysis.overdose_certainty, analysis.cohort_size, cap)
    strict = analysis.extrasafe_offset if analysis.extrasafe else 0.0
    if name == "3+3":
        return ThreePlusThree(cap, analysis.allow_deescalate, analysis.stop_at_two_dlts, analysis.expand_top_level)
    if name == "Rolling6":
        return RollingSix(cap)
    if name == "BOIN":
        return Boin(*shared, strict, analysis.bound_mtd)
    if name == "TITE-BOIN":
        return TiteBoin(*shared, strict, analysis.bound_mtd)
    if name in ("i3+3", "mTPI-2", "keyboard"):
        designs: dict[str, type[I3Plus3 | Mtpi2]] = {"i3+3": I3Plus3, "mTPI-2": Mtpi2, "keyboard": Keyboard}
        design = designs[name]
        below, above = _margins(analysis)
        return design(*shared, strict, margin=below, margin_above=above)
    if name == OWN_TABLE and analysis.decision_table is not None:
        table = analysis.decision_table
        return OwnTable(analysis.dlt_target, cohort=table.cohort, cap=cap, rows=table.rows)
    if name == OWN_TABLE:
        raise UsageError(
            "the protocol file has no decision table", column="escalation_rule", value=name,
            next_step="enter decision_table in the protocol file, or choose another rule",
        )  # fmt: skip
    if name in ("CRM", "TITE-CRM"):
        model = {"CRM": Crm, "TITE-CRM": TiteCrm}[name]
        return model(*shared, skeleton=_skeleton(analysis, levels), prior_variance=analysis.crm_prior_variance)
    raise UsageError(
        "this escalation rule is not implemented", column="escalation_rule", value=name,
        next_step=f"choose one of {', '.join(RULE_NAMES)}, or none",
    )  # fmt: skip


def rules_beside(analysis: Analysis, levels: int) -> list[str]:
    """The rules that are not in force; a decision table where there is one, the CRM where its skeleton fits."""
    fits = len(analysis.crm_skeleton) == levels
    own = () if analysis.decision_table is None else (OWN_TABLE,)
    return [name for name in (*own, *RULE_NAMES) if name != analysis.escalation_rule and (fits or "CRM" not in name)]


def _margins(analysis: Analysis) -> tuple[float, float]:
    """How far the equivalence interval reaches below and above the target."""
    below, above = analysis.interval_margin, analysis.interval_margin_above or analysis.interval_margin
    if not (below < analysis.dlt_target and above < 1 - analysis.dlt_target):
        own = analysis.interval_margin_above and below < analysis.dlt_target
        wrong = "interval_margin_above" if own else "interval_margin"
        raise UsageError(
            "the equivalence interval must lie between 0 and 1", column=wrong, value=getattr(analysis, wrong),
            next_step="choose interval_margin < dlt_target and a margin above the target < 1 - dlt_target",
        )  # fmt: skip
    return below, above


def _skeleton(analysis: Analysis, levels: int) -> tuple[float, ...]:
    skeleton = tuple(analysis.crm_skeleton)
    if len(skeleton) != levels or any(a >= b for a, b in itertools.pairwise(skeleton)):
        raise UsageError(
            f"the CRM needs one prior DLT rate per dose level ({levels}), rising", column="crm_skeleton",
            value=list(skeleton), next_step="give crm_skeleton as many rising rates as there are dose levels",
        )  # fmt: skip
    return skeleton
