"""Safety stopping rules for reading: state, boundary, and what a rule does at assumed rates (§4.12)."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from trialbook.core.described import described
from trialbook.core.messages import enumerated, joined, msg, plural
from trialbook.monitoring.outcomes import EVENT, OPEN
from trialbook.monitoring.stopping import CHARACTERISTICS, NO_EVENT, CaseOfRule, Monitored
from trialbook.results.ard import NOT_ESTIMABLE, round_half_up
from trialbook.statistics.stopping_rules import StoppingRule
from trialbook.statistics.stopping_states import BEST, CONTINUE, NEXT_EVENT_STOPS, NOW, STOP, WORST

MOST_COLUMNS = 60
NO_RULES = msg("The protocol file names no safety stopping rule.")
VERDICTS = {CONTINUE: msg("go on"), NEXT_EVENT_STOPS: msg("the next event stops"), STOP: msg("stop")}
STATE_LABELS = {
    "RULE": msg("Event"), "TOLERATED": msg("Tolerated rate"), "SEEN": msg("Seen"), "LIMIT": msg("Stops at"),
    "FURTHER": msg("Further events that stop"),
    "NOW": msg("State now"), "OPEN": msg("Not yet known"), "WORST": msg("Worst case"), "BEST": msg("Best case"),
}  # fmt: skip
OUTCOMES = {EVENT: msg("event"), OPEN: msg("not known")}
OUTCOME_LABELS = {
    "RULE": msg("Event"), "SUBJID": msg("Subject"), "TRT01A": msg("Dose level"), "OUTCOME": msg("Outcome"),
    "WHAT": msg("Record"), "DAY": msg("Day"), "REASON": msg("Why it is open"),
}  # fmt: skip


def state_table(found: Sequence[Monitored]) -> pd.DataFrame:
    """One row per rule: what was seen of how many, what stops, the verdict now, and in the worst and the best case."""
    rows = []
    for one in found:
        cases = {case.case: case for case in one.cases}
        rows.append(
            {
                "RULE": one.rule.name,
                "TOLERATED": f"{one.rule.p0 * 100:.3g}%",
                "SEEN": _seen(cases[NOW]),
                "LIMIT": _limit(cases[NOW]),
                "FURTHER": msg("none can") if one.further is None else str(one.further),
                "NOW": VERDICTS[cases[NOW].verdict],
                "OPEN": enumerated(one.open_subjects, ", ") or msg("nobody"),
                "WORST": joined([_seen(cases[WORST]), VERDICTS[cases[WORST].verdict]], ": "),
                "BEST": joined([_seen(cases[BEST]), VERDICTS[cases[BEST].verdict]], ": "),
            }
        )
    table = pd.DataFrame(rows, columns=list(STATE_LABELS), dtype="object")
    return described(table, labels=STATE_LABELS, stub="RULE", empty=NO_RULES, notes=[METHOD, *_left_out(found)])


METHOD = msg(
    "Worst case: every subject whose outcome is not yet known has the event; best case: none has. Further "
    "events stop if they are the next that are seen, with nobody evaluated without the event in between. The tolerated "
    "rates and the probability of stopping by chance are assumptions that a clinician must confirm (A-201)."
)


def _seen(case: CaseOfRule) -> str:
    if case.follow_up is not None:
        return plural("{n} event in {days:.0f} days", "{n} events in {days:.0f} days", case.events, days=case.follow_up)
    return msg("{n} of {total}", n=case.events, total=case.n)


def _limit(case: CaseOfRule) -> str:
    if case.boundary is None:
        return msg("no number stops yet")
    if case.follow_up is not None:
        return plural("{n} event within {days:.0f} days", "{n} events within {days:.0f} days", case.events,
                      days=case.boundary)  # fmt: skip
    return msg("{n} of {total}", n=int(case.boundary), total=case.n)


def _left_out(found: Sequence[Monitored]) -> list[str]:
    return [
        msg(
            "{rule} looks at the first {most} treated subjects; {n} treated later are not counted.",
            rule=one.rule.name, most=len(one.outcomes), n=one.left_out,
        )
        for one in found if one.left_out
    ]  # fmt: skip


def state_sentence(found: Sequence[Monitored]) -> str:
    """What the rules say together: those that stop, those that the next event stops, or that none does.

    >>> str(state_sentence([]))
    'The protocol file names no safety stopping rule.'
    """
    if not found:
        return NO_RULES
    now = {one.rule.name: one.cases[0].verdict for one in found}
    worst = {one.rule.name: one.cases[1].verdict for one in found}
    stop = [name for name, verdict in now.items() if verdict == STOP]
    close = [name for name, verdict in now.items() if verdict == NEXT_EVENT_STOPS]
    pending = [name for name, verdict in worst.items() if verdict == STOP and name not in stop]
    said = [
        msg("The stopping boundary is reached: {rules}.", rules=enumerated(stop, "; ")) if stop else "",
        msg("One more event would reach the boundary: {rules}.", rules=enumerated(close, "; ")) if close else "",
        msg("No stopping boundary is reached.") if not stop else "",
        msg("In the worst case of subjects not yet known it would be: {rules}.", rules=enumerated(pending, "; "))
        if pending
        else "",
    ]
    return joined(said)


def outcome_listing(found: Sequence[Monitored]) -> pd.DataFrame:
    """Subjects with the event of a rule, or of whom it is open: one row each."""
    parts = [one.outcomes.loc[one.outcomes["OUTCOME"].isin([EVENT, OPEN])].assign(RULE=one.rule.name) for one in found]
    rows = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(OUTCOME_LABELS))
    rows = rows[list(OUTCOME_LABELS)].copy()
    rows["OUTCOME"] = [OUTCOMES.get(outcome, outcome) for outcome in rows["OUTCOME"]]
    return described(
        rows, labels=OUTCOME_LABELS, empty=msg("Nobody has had such an event, and nobody's outcome is open.")
    )


def boundary_table(found: Sequence[Monitored]) -> pd.DataFrame:
    """The fewest events that stop, by the number of subjects whose outcome is known: one row per rule.

    Of a large trial every so many numbers have a column, at most `MOST_COLUMNS`.
    """
    binary = [(one.rule.name, one.boundary) for one in found if isinstance(one.boundary, StoppingRule)]
    most = max((rule.n_max for _, rule in binary), default=0)
    every = -(-most // MOST_COLUMNS) if most > MOST_COLUMNS else 1
    numbers = [n for n in range(1, most + 1) if n % every == 0 or n == most]
    rows = []
    for name, rule in binary:
        limits = {n: str(rule.stop_at(n)) for n in numbers if n <= rule.n_max and rule.can_stop(n)}
        rows.append({"RULE": name, **{str(n): limits.get(n, "-") for n in numbers}})
    columns = ["RULE", *map(str, numbers)]
    table = pd.DataFrame(rows, columns=columns, dtype="object")
    left_out = msg(
        "The numbers of subjects are shown in steps of {n}; the results of this build hold all of them.", n=every
    )
    return described(
        table, labels={"RULE": msg("Subjects with a known outcome")}, stub="RULE", right=columns[1:], empty=NO_RULES,
        notes=[left_out] * (every > 1),
    )  # fmt: skip


def characteristics_table(results: pd.DataFrame, found: Sequence[Monitored]) -> pd.DataFrame:
    """STOPPING_OC for reading: the probability of stopping, and how many subjects it takes, at assumed true rates."""
    rows = results[results["analysis_id"].eq(CHARACTERISTICS)]
    text = {(r.variable, r.variable_level, r.stat_name): r.stat_text for r in rows.itertuples()}
    # An expected number of subjects or days is read to one decimal.
    expected_numbers = rows["stat_name"].isin(["expected_n", "expected_time"]) & rows["stat"].notna()
    text |= {
        (r.variable, r.variable_level, r.stat_name): round_half_up(float(r.stat), 1)
        for r in rows[expected_numbers].itertuples()
    }
    table = []
    for one in found:
        for rate in dict.fromkeys(rows.loc[rows["variable"].eq(one.rule_id), "variable_level"]):
            expected = text.get((one.rule_id, rate, "expected_n")) or text.get((one.rule_id, rate, "expected_time"))
            table.append(
                {
                    "RULE": one.rule.name, "RATE": f"{float(rate) * 100:.3g}%",
                    "STOPS": text[one.rule_id, rate, "stop_probability"], "EXPECTED": expected or NOT_ESTIMABLE,
                }
            )  # fmt: skip
    labels = {
        "RULE": msg("Event"), "RATE": msg("If the true rate is"), "STOPS": msg("Probability of stopping"),
        "EXPECTED": msg("Expected number of subjects (days for rules on follow-up)"),
    }  # fmt: skip
    frame = pd.DataFrame(table, columns=list(labels), dtype="object")
    return described(frame, labels=labels, group="RULE", right=["RATE", "STOPS", "EXPECTED"], empty=NO_RULES)


def no_event_sentence(results: pd.DataFrame, treated: int) -> str:
    """What it means that an event has not been seen among so few subjects."""
    rows = results[results["analysis_id"].eq(NO_EVENT)]
    if not treated:
        return msg("Nobody has been treated.")
    parts = [
        msg("{rate} of patients: {chance:.0%}", rate=f"{float(row.variable_level) * 100:.3g}%", chance=float(row.stat))
        for row in rows.itertuples()
    ]
    return msg(
        "An event that was not seen may still be common. The probability that none of the {n} treated subjects has an "
        "event that would come in so many patients: {rates}.",
        n=treated, rates=joined(parts, "; "),
    )  # fmt: skip
