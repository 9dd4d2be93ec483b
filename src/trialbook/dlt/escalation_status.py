"""The status of the dose escalation: one headline for every page and command, why, and the rule's own advice (§4.3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from trialbook.core.messages import joined, msg
from trialbook.dlt.advice import COMMITTEE, Advice, places_left, plain_code, trial_history
from trialbook.dlt.designs.design import CAP_REACHED, ONGOING, WAIT, History, read_code
from trialbook.dlt.designs.registry import NO_RULE
from trialbook.dlt.next_cohort import DLT_NEXT, IN_FORCE, OR, NextCohort, next_cohort, plain_decision
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.models import Protocol
from trialbook.results.ard import NOT_ESTIMABLE

# What confirms a level when the cap is reached (§4.4): so many evaluable subjects, and at most so many DLTs.
CONFIRMED_SIZE, CONFIRMED_DLTS = 6, 1


@dataclass(frozen=True)
class EscalationStatus:
    """What holds for the trial: `says` in a few words, `why` its grounds, `advised` the rule's advice in a sentence.

    What holds is the advice of the rule; where the rule waits and every outcome that is awaited ends the trial in the
    same way, it is that ending. `code` is its advice code, `ahead` the next cohort under the rule.
    """

    code: str
    ahead: NextCohort
    says: str
    why: tuple[str, ...]
    advised: str

    @property
    def headline(self) -> str:
        """What holds, as a sentence."""
        return msg("{decision}.", decision=self.says)

    @property
    def sentence(self) -> str:
        """All of it as one paragraph, with who decides."""
        return joined([self.headline, *self.why, self.advised, COMMITTEE])


def escalation_status(
    addlt: pd.DataFrame, given: Advice, protocol: Protocol, analysis: Analysis, cut_date: pd.Timestamp
) -> EscalationStatus | None:
    """The status of the escalation by the rule in force, from ADDLT and the advice; None where no rule advises."""
    if not protocol.has_endpoint("DLT") or analysis.escalation_rule == NO_RULE:
        return None
    then = next_cohort(addlt, protocol, analysis, cut_date)
    past, pending = trial_history(addlt, protocol.level_ids)
    code = code_that_holds(given.code, then.codes, analysis.n_cap)
    why = _short_of(past, code, then) if read_code(code)[0] == CAP_REACHED else []
    if places_left(analysis, past, pending) == 0 and code.startswith(f"{ONGOING}("):
        why = [msg("All {n} places are used.", n=analysis.n_cap)]
    because = then.now.because if then.now is not None else ""
    advised = msg(
        "Advice of rule {rule}: {advice} ({because}).", rule=given.rule, advice=plain_code(given.code), because=because
    )  # fmt: skip
    ends_alike = [msg("With or without a DLT there, the rule ends the same way.")] * (code != given.code)
    return EscalationStatus(
        code, then, plain_decision(code, analysis.n_cap), tuple(why), joined([advised, *ends_alike])
    )  # fmt: skip


def code_that_holds(advised: str, ahead: Sequence[str], cap: int) -> str:
    """The advice code of what holds for the trial: the ending that every awaited outcome leads to, else the advice.

    `ahead`: the codes after 0, 1, ... DLTs among the subjects awaited (`next_cohort`).

    >>> code_that_holds("ONGOING(WAIT DL3)", ["CAP_REACHED(DL2)", "CAP_REACHED(DL2)"], 12)
    'CAP_REACHED(DL2)'
    >>> code_that_holds("ONGOING(WAIT DL1)", ["ONGOING(ESCALATE DL2)", "ONGOING(EXPAND DL1)"], 12)
    'ONGOING(WAIT DL1)'
    """
    if not ahead or not advised.startswith(f"{ONGOING}({WAIT} "):
        return advised
    ended = not any(OR in code or code.startswith(ONGOING) for code in ahead)
    alike = len({str(plain_decision(code, cap)) for code in ahead}) == 1
    if not (ended and alike):
        return advised
    return ahead[0] if len(set(ahead)) == 1 else f"{read_code(ahead[0])[0]}(none)"


def reported_headline(results: pd.DataFrame, analysis: Analysis) -> str:
    """The headline of the status from the reported numbers of a cut (DLT_ADVICE, DLT_NEXT); blank without advice."""
    rule = analysis.escalation_rule.lower()
    own = results[results["variable"].eq(rule) & results["context"].isin(["", IN_FORCE])]
    advised = own[own["analysis_id"].eq("DLT_ADVICE") & own["stat_name"].eq("advice")]["stat_text"]
    if advised.empty or advised.iloc[0] == NOT_ESTIMABLE:
        return ""
    ahead = own[own["analysis_id"].eq(DLT_NEXT)]["stat_text"].astype("str")
    code = code_that_holds(str(advised.iloc[0]), ahead.tolist(), analysis.n_cap)
    return msg("{decision}.", decision=plain_decision(code, analysis.n_cap))


def _short_of(past: History, code: str, then: NextCohort) -> list[str]:
    """Why no MTD can be named: which level is confirmed, and what the highest tried one lacks."""
    confirmed = read_code(code)[2]
    said: list[str] = []
    if confirmed in past.ids:
        place = past.ids.index(confirmed)
        said.append(
            msg(
                "{level} ({dlts} of {n}) is the highest level with {size} evaluable subjects and at most {most} DLT.",
                level=confirmed, dlts=past.dlts(place), n=past.n(place), size=CONFIRMED_SIZE, most=CONFIRMED_DLTS,
            )
        )  # fmt: skip
    tried = max((o.level for o in past.outcomes), default=None)
    if tried is not None and past.ids[tried] != confirmed:
        counts = {"level": past.ids[tried], "dlts": past.dlts(tried), "n": past.n(tried)}
        said.append(
            msg("{level} has {dlts} of {n}, {pending} pending, too few for the rule.", pending=then.pending, **counts)
            if then.pending and then.level == past.ids[tried]
            else msg("{level} has {dlts} of {n}, too few for the rule.", **counts)
        )
    return said
