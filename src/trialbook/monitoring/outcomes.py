"""Who had the event of a stopping rule, who surely had not, and of whom it is open (§4.12)."""

from __future__ import annotations

import pandas as pd

from trialbook.core.dates import earliest_date, latest_date, rel_day
from trialbook.core.messages import msg
from trialbook.efficacy.intercurrent import relapse_records
from trialbook.efficacy.survival_bounds import survival_facts
from trialbook.protocol.monitoring import MonitoringRule
from trialbook.protocol.study_data import StudyData
from trialbook.safety.adae import event_category, infusion_timing
from trialbook.subjects.dosing import infusions

EVENT, NONE, OPEN = "EVENT", "NONE", "OPEN"
COLUMNS = ["USUBJID", "SUBJID", "TRT01A", "TRTSDT", "OUTCOME", "REASON", "DAY", "WHAT", "SRCDOM", "SRCSEQ"]
PENDING = msg("the window is still open")
UNSEEN = msg("not seen to the end of the window")
UNDATED = msg("the date of the event decides, and is not complete")
UNGRADED = msg("an event without a grade")
DOUBTFUL = msg("the death is in doubt, or its date is open")
NOT_DELIVERED = msg("records of relapse (CE) were not delivered")


def monitored_outcomes(rule: MonitoringRule, adsl: pd.DataFrame, adae: pd.DataFrame, study: StudyData) -> pd.DataFrame:
    """One row per treated subject, in the order in which the outcomes became known (open ones last, by infusion).

    OUTCOME: EVENT, NONE or OPEN; REASON: why it is open; DAY: the day since the first infusion on which the outcome
    was known (the event, the end of the window, or a death without the event); WHAT SRCDOM SRCSEQ: the record behind
    an event, or behind what may be one.

    | outcome | when                                                                                                 |
    |---------|------------------------------------------------------------------------------------------------------|
    | EVENT   | the event surely lies in the window                                                                  |
    | NONE    | no record may be the event, and the subject was seen on or after the last day of the window, or died  |
    | OPEN    | all others: a grade, a date or a death that is open, a window that is open, contact that ended        |

    `adsl` and `adae`: of `study`. Source: docs/rules.md §4.12 (A-202).
    """
    if not adsl["SAFFL"].eq("Y").any():
        types = {"TRTSDT": "datetime64[s]", "DAY": "Int64", "SRCSEQ": "Int64"}
        return pd.DataFrame({name: pd.Series(dtype=types.get(name, "str")) for name in COLUMNS})
    first, last = rule.window
    facts = survival_facts(adsl, study.domains, study.cut_date, last)
    starts = adsl.set_index("USUBJID")["TRTSDT"]
    facts = facts.assign(TRTSDT=starts.reindex(facts["USUBJID"]).to_numpy())
    records = _records(rule, facts, adae, study)
    sure = records[records["GRADED"] & records["FROM"].ge(first) & records["TO"].le(last)]
    may = records[records["FROM"].le(last) & records["TO"].ge(first)]
    had = _first_of(sure, facts)
    possible = _first_of(may, facts)
    died = facts["DEAD"] & ~facts["MAYLIVE"]
    followed = (facts["SEEN"] >= last) | (died & facts["FIRST"].notna())
    if rule.event == "death":
        followed = (facts["SEEN"] >= last) | (died & (facts["FIRST"] > last))
    is_event = had["DAY"].notna()
    is_open = ~is_event & (possible["DAY"].notna() | ~followed)
    if rule.event == "relapse" and not study.domains.delivered("CE"):
        is_open = ~is_event
    outcome = pd.Series(NONE, index=facts.index, dtype="str").mask(is_open, OPEN).mask(is_event, EVENT)
    reason = _reasons(rule, facts, possible, study).where(is_open, "")
    known = facts["LAST"].where(died, last).clip(upper=last)
    shown = had["DAY"].where(is_event, possible["DAY"])
    behind = {name: had[name].where(is_event, possible[name]) for name in ("WHAT", "SRCDOM", "SRCSEQ")}
    table = facts.assign(
        OUTCOME=outcome, REASON=reason, DAY=shown.where(is_event, known).where(~is_open).astype("Int64"), **behind
    )
    return in_order_known(table[COLUMNS])


def in_order_known(outcomes: pd.DataFrame) -> pd.DataFrame:
    """Outcomes in the order in which they became known, open ones last, by first infusion."""
    when = outcomes["TRTSDT"] + pd.to_timedelta(outcomes["DAY"].astype("float64"), unit="D")
    ordered = outcomes.assign(_when=when).sort_values(["_when", "TRTSDT", "USUBJID"], kind="stable", na_position="last")
    return ordered.drop(columns="_when").reset_index(drop=True)


def _records(rule: MonitoringRule, facts: pd.DataFrame, adae: pd.DataFrame, study: StudyData) -> pd.DataFrame:
    """What may be the event: USUBJID FROM TO (first and last day that it may mean) GRADED WHAT SRCDOM SRCSEQ."""
    if rule.event == "death":
        dead = facts[facts["DEAD"]]
        return pd.DataFrame({
            "USUBJID": dead["USUBJID"], "FROM": dead["FIRST"], "TO": dead["LAST"], "GRADED": ~dead["MAYLIVE"],
            "WHAT": msg("Death"), "SRCDOM": "DM", "SRCSEQ": pd.array([pd.NA] * len(dead), dtype="Int64"),
        })  # fmt: skip
    if rule.event == "relapse":
        found = relapse_records(study.domains, facts[["USUBJID", "TRTSDT"]])
        return pd.DataFrame({
            "USUBJID": found["USUBJID"], "FROM": rel_day(found["RELAPDT"], found["TRTSDT"]),
            "TO": rel_day(found["LAST"], found["TRTSDT"]).fillna(rule.window[1] + 1), "GRADED": True,
            "WHAT": found["WHAT"], "SRCDOM": "CE", "SRCSEQ": found["SRCSEQ"],
        })  # fmt: skip
    return _adverse_events(rule, facts, adae, study)


def _adverse_events(rule: MonitoringRule, facts: pd.DataFrame, adae: pd.DataFrame, study: StudyData) -> pd.DataFrame:
    search = rule.events
    if search is None:
        raise ValueError("a rule on adverse events has a search")
    ae = adae[adae["USUBJID"].isin(facts["USUBJID"]) & adae["TRTEMFL"].eq("Y")].reset_index(drop=True)
    near = pd.Series(True, index=ae.index)
    if search.after_infusion:
        given = infusions(study.domains, study.cut_date)
        near = infusion_timing(ae, given, study.analysis.infusion_reaction_hours)["NEAR"]
    fits = event_category(ae.assign(ATOXGR=ae["ATOXGR"].fillna(5)), [search], near).ne("")
    ae = ae[fits]
    graded = ae["ATOXGR"].notna() | (search.minimum_grade == 1)
    start = ae["TRTSDT"]
    return pd.DataFrame({
        "USUBJID": ae["USUBJID"],
        # An emergent event began on or after the infusion, or worsened after it.
        "FROM": rel_day(earliest_date(ae["AESTDTC"]), start).fillna(0).clip(lower=0),
        "TO": rel_day(latest_date(ae["AESTDTC"]), start).fillna(rule.window[1] + 1),
        "GRADED": graded, "WHAT": ae["ADECOD"], "SRCDOM": "AE", "SRCSEQ": ae["AESEQ"].astype("Int64"),
    })  # fmt: skip


def _first_of(records: pd.DataFrame, facts: pd.DataFrame) -> pd.DataFrame:
    """DAY WHAT SRCDOM SRCSEQ of the first record of each subject, in the order of `facts`; missing where none."""
    first = records.sort_values(["USUBJID", "FROM", "SRCSEQ"], kind="stable").drop_duplicates("USUBJID")
    found = first.set_index("USUBJID").reindex(facts["USUBJID"]).set_axis(facts.index)
    return pd.DataFrame({
        "DAY": found["FROM"].astype("Int64"), "WHAT": found["WHAT"].astype("str").fillna(""),
        "SRCDOM": found["SRCDOM"].astype("str").fillna(""), "SRCSEQ": found["SRCSEQ"].astype("Int64"),
        "GRADED": found["GRADED"].astype("boolean").fillna(True).astype(bool),
    })  # fmt: skip


def _reasons(rule: MonitoringRule, facts: pd.DataFrame, possible: pd.DataFrame, study: StudyData) -> pd.Series:
    pending = facts["CUT"] < rule.window[1]
    there = possible["DAY"].notna()
    words = pd.Series(UNSEEN, index=facts.index, dtype="object").mask(pending, PENDING)
    if rule.event == "relapse" and not study.domains.delivered("CE"):
        words = words.mask(~there, NOT_DELIVERED)
    words = words.mask(there & possible["GRADED"], UNDATED)
    return words.mask(there & ~possible["GRADED"], DOUBTFUL if rule.event == "death" else UNGRADED)
