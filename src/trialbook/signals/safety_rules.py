"""Rules over adverse events, laboratory results and deaths (§3, §14.4)."""

from __future__ import annotations

from typing import Any

import pandas as pd

from trialbook.cleaning.after_cut import SERIOUS
from trialbook.conduct.frames import of_subject
from trialbook.protocol.conduct import (
    ExpeditedReport,
    LateSerious,
    LateToxicity,
    LiverInjury,
    NewDeath,
    PendingAbnormal,
    RecordedAfterCut,
    UndatedDeath,
    UngradedSerious,
)
from trialbook.queries.query_list import ONE_BY_ONE
from trialbook.results.ard import round_half_up
from trialbook.safety.ae_tables import grades_collected, seriousness_open
from trialbook.safety.ledger import serious_events
from trialbook.signals.messages import message
from trialbook.signals.model import Facts, Found, Outcome, Unchecked
from trialbook.subjects.dlt_status import PENDING, WAITING

# The question about a fatal grade that the cut has set back, since the death lies after it (`cleaning.cut`).
GRADE_SET_BACK = "P26-GRADE-AT-CUT"
TRANSAMINASES, BILIRUBIN = ("ALT", "AST"), "BILI"


def liver_pairs(facts: Facts) -> pd.DataFrame:
    """Who meets the hepatic screen (§3.3): USUBJID, and of the highest transaminase that is followed by bilirubin TEST
    RATIO DAY LBSEQ, of the highest such bilirubin BILI BILIDAY BILISEQ; PEAK and PEAKDAY, the highest bilirubin since
    infusion; BASE and BILIBASE, both tests at baseline; LASTDAY of the last ALT, AST or bilirubin. Multiples of ULN.
    """
    limits = facts.study.analysis.hepatic_screen
    rows = _liver_results(facts)
    rows = rows[rows["RATIO"].notna() & rows["AVALOP"].ne("<")]
    high_ta = rows[rows["PARAMCD"].isin(TRANSAMINASES) & (rows["RATIO"] >= limits.transaminase_uln)]
    bili = rows[rows["PARAMCD"].eq(BILIRUBIN)]
    pairs = high_ta.merge(bili[bili["RATIO"] >= limits.bilirubin_uln], on="USUBJID", suffixes=("", "_B"))
    gap = (pairs["ADT_B"] - pairs["ADT"]).dt.days
    pairs = pairs[gap.between(0, limits.days)].sort_values(
        ["USUBJID", "RATIO", "RATIO_B", "ADT", "LBSEQ"], ascending=[True, False, False, True, True], kind="stable"
    )
    best = pairs.drop_duplicates("USUBJID").reset_index(drop=True)
    peak = bili.sort_values(["USUBJID", "RATIO", "RELDAY"], ascending=[True, False, True], kind="stable")
    peak = peak.drop_duplicates("USUBJID").set_index("USUBJID")
    last = rows.groupby("USUBJID")["RELDAY"].max()
    base = _liver_baselines(facts)
    return pd.DataFrame(
        {
            "USUBJID": best["USUBJID"], "TEST": best["PARAMCD"], "RATIO": best["RATIO"], "DAY": best["RELDAY"],
            "LBSEQ": best["LBSEQ"], "BILI": best["RATIO_B"], "BILIDAY": best["RELDAY_B"], "BILISEQ": best["LBSEQ_B"],
            "PEAK": of_subject(best["USUBJID"], peak["RATIO"]), "PEAKDAY": of_subject(best["USUBJID"], peak["RELDAY"]),
            "BASE": [base.get(key) for key in zip(best["USUBJID"], best["PARAMCD"], strict=True)],
            "BILIBASE": [base.get((subject, BILIRUBIN)) for subject in best["USUBJID"]],
            "LASTDAY": of_subject(best["USUBJID"], last),
        }
    )  # fmt: skip


def _liver_baselines(facts: Facts) -> dict[tuple[str, str], float]:
    """The baseline of each liver test in multiples of its upper limit, by subject and test, where both are known."""
    lb = facts.of_treated("adlb")
    rows = lb[lb["PARAMCD"].isin([*TRANSAMINASES, BILIRUBIN]) & lb["ABLFL"].eq("Y")]
    rows = rows.assign(RATIO=rows["AVAL"] / rows["ANRHI"])
    rows = rows[rows["RATIO"].notna() & rows["AVALOP"].eq("")]
    return dict(zip(zip(rows["USUBJID"], rows["PARAMCD"], strict=True), rows["RATIO"].astype(float), strict=True))


def _liver_words(row: Any) -> dict[str, Any]:
    """What the sentences say of a row of `liver_pairs`."""
    return {
        "test": row.TEST, "ratio": _times(row.RATIO), "day": int(row.DAY), "base": _times(row.BASE),
        "bilirubin": _times(row.BILI), "bilirubin_day": int(row.BILIDAY), "bilirubin_base": _times(row.BILIBASE),
        "peak": _times(row.PEAK), "peak_day": int(row.PEAKDAY), "last": int(row.LASTDAY),
    }  # fmt: skip


def _liver_results(facts: Facts) -> pd.DataFrame:
    """Results of ALT, AST and bilirubin after the first infusion, with RATIO, their multiple of the upper limit."""
    lb = facts.of_treated("adlb")
    rows = lb[lb["PARAMCD"].isin([*TRANSAMINASES, BILIRUBIN]) & lb["APOBLFL"].eq("Y")]
    return rows.assign(RATIO=rows["AVAL"] / rows["ANRHI"])


def liver_injury(facts: Facts, rule: LiverInjury) -> Outcome:
    """The biochemical criteria of liver injury; a result without an upper limit cannot be checked."""
    met = liver_pairs(facts)
    found = [
        Found(
            "liver_injury",
            _liver_words(row),
            [("adlb", row.USUBJID, f"LBSEQ={row.LBSEQ}"), ("adlb", row.USUBJID, f"LBSEQ={row.BILISEQ}")],
            subject=row.USUBJID,
        )
        for row in met.itertuples()
    ]  # fmt: skip
    rows = _liver_results(facts)
    usable = rows[rows["RATIO"].notna()]
    both = set(usable.loc[usable["PARAMCD"].isin(TRANSAMINASES), "USUBJID"]) & set(
        usable.loc[usable["PARAMCD"].eq(BILIRUBIN), "USUBJID"]
    )
    rest = facts.treated[~facts.treated["USUBJID"].isin(met["USUBJID"])]["USUBJID"]
    lacking = [subject for subject in rest if subject not in both]
    limitless = rows[rows["AVAL"].notna() & ~(rows["ANRHI"] > 0)]["USUBJID"]
    partly = [subject for subject in rest if subject in both and subject in set(limitless)]
    unchecked = [
        Unchecked(message(reason), subjects)
        for reason, subjects in (("no_liver_tests", lacking), ("no_upper_limit", partly))
        if subjects
    ]
    return Outcome(found, unchecked)


def pending_abnormal(facts: Facts, rule: PendingAbnormal) -> Outcome:
    """Open DLT windows with a finding since the infusion that a committee must know before the window closes."""
    addlt = facts.of_treated("addlt")
    waiting = addlt[addlt["DLTSTAT"].isin(WAITING)]
    findings: dict[str, list[tuple[dict[str, Any], tuple[str, str, str]]]] = {}
    for row in liver_pairs(facts).itertuples():
        said = message("finding_liver", **_liver_words(row))
        findings.setdefault(row.USUBJID, []).append((said, ("adlb", row.USUBJID, f"LBSEQ={row.LBSEQ}")))
    for row in _worse_results(facts, rule.laboratory_grade).itertuples():
        said = message("finding_laboratory", test=row.PARAMCD, grade=int(row.GRADE), day=int(row.RELDAY))
        findings.setdefault(row.USUBJID, []).append((said, ("adlb", row.USUBJID, f"LBSEQ={row.LBSEQ}")))
    for row in _severe_events(facts, rule.event_grade).itertuples():
        findings.setdefault(row.USUBJID, []).append((_event_words(row), ("adae", row.USUBJID, f"AESEQ={row.AESEQ}")))
    found = [
        Found(
            "pending_abnormal" if row.DLTSTAT == PENDING else "pending_data_abnormal",
            {"window_end": f"{row.WINENDT:%Y-%m-%d}", "findings": [said for said, _ in findings[row.USUBJID]]},
            [("addlt", row.USUBJID, ""), *(record for _, record in findings[row.USUBJID])],
            subject=row.USUBJID,
        )
        for row in waiting.itertuples()
        if row.USUBJID in findings
    ]
    tested = set(facts.data["adlb"].loc[facts.data["adlb"]["APOBLFL"].eq("Y"), "USUBJID"])
    silent = [s for s in waiting["USUBJID"] if s not in tested and s not in findings]
    unchecked = [Unchecked(message("no_laboratory"), silent)] if silent else []
    return Outcome(found, unchecked, applies=facts.study.protocol.has_endpoint("DLT"))


def _worse_results(facts: Facts, grade: int) -> pd.DataFrame:
    """The worst result of each test after the infusion that has this grade and a higher one than the baseline."""
    lb = facts.of_treated("adlb")
    lb = lb[lb["APOBLFL"].eq("Y")]
    parts = []
    for now, base in (("ATOXGRL", "BTOXGRL"), ("ATOXGRH", "BTOXGRH")):
        worse = (lb[now] >= grade) & ~(lb[base] >= lb[now]).fillna(False)
        parts.append(lb.assign(GRADE=lb[now])[worse.fillna(False).astype(bool)])
    rows = pd.concat(parts, ignore_index=True).sort_values(
        ["USUBJID", "GRADE", "RELDAY", "PARAMCD", "LBSEQ"], ascending=[True, False, True, True, True], kind="stable"
    )
    return rows.drop_duplicates(["USUBJID", "PARAMCD"])


def _severe_events(facts: Facts, grade: int) -> pd.DataFrame:
    """Events since the first infusion of this grade, serious, or without a grade."""
    ae = facts.of_treated("adae")
    ae = ae.assign(SERIOUS=ae["ASER"].eq("Y"), OPEN=seriousness_open(ae), TERM=_term(ae))
    severe = (ae["ATOXGR"] >= grade).fillna(True).astype(bool) | ae["SERIOUS"] | ae["OPEN"]
    rows = ae[ae["TRTEMFL"].eq("Y") & severe]
    return rows.sort_values(["USUBJID", "RELDAY", "AESEQ"], kind="stable").drop_duplicates(["USUBJID", "EPISODE"])


def _event_words(row: Any) -> dict[str, Any]:
    day = "not known" if pd.isna(row.RELDAY) else int(row.RELDAY)
    if pd.isna(row.ATOXGR):
        return message("finding_ungraded", term=row.TERM, day=day)
    return message("finding_serious" if row.SERIOUS else "finding_event", term=row.TERM, grade=int(row.ATOXGR), day=day)


def ungraded_serious(facts: Facts, rule: UngradedSerious) -> Outcome:
    """Serious events, and those that may be, since the first infusion whose grade is not known.

    A fatal grade that the cut set back (P26) was entered after the cut: the sentence says so.
    """
    ae = facts.of_treated("adae")
    ae = ae.assign(SERIOUS=ae["ASER"].eq("Y"), OPEN=seriousness_open(ae), TERM=_term(ae))
    rows = ae[ae["TRTEMFL"].eq("Y") & ae["ATOXGR"].isna() & (ae["SERIOUS"] | ae["OPEN"])]
    rows = rows.sort_values(["USUBJID", "SERIOUS", "AESEQ"], ascending=[True, False, True], kind="stable")
    rows = rows.drop_duplicates(["USUBJID", "EPISODE"])
    set_back = facts.queries[facts.queries["rule"].eq(GRADE_SET_BACK)]
    later = set(zip(set_back["subject"], set_back["record"], strict=True))
    if len(rows) > ONE_BY_ONE and not grades_collected(facts.data["adae"]):
        # A trial that collects no grade at all has one gap, not one per event.
        return Outcome(unchecked=[Unchecked(message("no_grades"), list(dict.fromkeys(rows["USUBJID"])))])
    return Outcome([
        Found(
            "ungraded_maybe_serious" if not row.SERIOUS
            else "serious_graded_later" if (row.USUBJID, f"AESEQ={row.AESEQ}") in later else "ungraded_serious",
            {"term": row.TERM, "day": _day(row.RELDAY)}, [("adae", row.USUBJID, f"AESEQ={row.AESEQ}")],
            subject=row.USUBJID, key=f"AESEQ={row.AESEQ}", severity=None if row.SERIOUS else rule.unknown,
        )
        for row in rows.itertuples()
    ])  # fmt: skip


def expedited_report(facts: Facts, rule: ExpeditedReport) -> Outcome:
    """Expedited reports that were due, are due soon, or may be overdue: nobody knows when the site knew (A-152)."""
    study = facts.study
    events = serious_events(facts.data["adae"], facts.data["adsl"], study.protocol, study.analysis, study.cut_date)
    events = events[events["SUSAR"]].assign(TERM=lambda rows: _term(rows))
    found = []
    for row in events.itertuples():
        left = None if pd.isna(row.DAYSLEFT) else int(row.DAYSLEFT)
        if left is None and not row.OVERDUE:
            continue
        if left is not None and left > rule.ahead_days:
            continue
        arguments: dict[str, Any] = {"term": row.TERM}
        name = "expedited_unknown"
        if left is not None:
            name = "expedited_missed" if left < 0 else "expedited_due"
            arguments |= {"due": f"{row.DUEDT:%Y-%m-%d}", "days": abs(left)}
        found.append(
            Found(
                name, arguments, [("adae", row.USUBJID, f"AESEQ={row.AESEQ}")], subject=row.USUBJID,
                key=f"EPISODE={row.EPISODE}", severity=rule.unknown if left is None else None,
            )
        )  # fmt: skip
    return Outcome(found)


def late_toxicity(facts: Facts, rule: LateToxicity) -> Outcome:
    """Related events of this grade, or serious, with onset after the DLT window: the rule of escalation counts none."""
    ae = facts.of_treated("adae")
    ae = ae.assign(SERIOUS=ae["ASER"].eq("Y"), TERM=_term(ae))
    after = (ae["RELDAY"] > facts.study.analysis.dlt_window[1]).fillna(False) & ae["AREL"].eq("RELATED")
    severe = (ae["ATOXGR"] >= rule.grade).fillna(False).astype(bool) | ae["SERIOUS"]
    rows = ae[after & severe].sort_values(["USUBJID", "AESEQ"], kind="stable").drop_duplicates(["USUBJID", "EPISODE"])
    found = [
        Found(
            "late_toxicity",
            {
                "term": row.TERM, "day": int(row.RELDAY),
                "grade": message("grade_unknown") if pd.isna(row.ATOXGR) else message("grade", grade=int(row.ATOXGR)),
            },
            [("adae", row.USUBJID, f"AESEQ={row.AESEQ}")], subject=row.USUBJID, key=f"EPISODE={row.EPISODE}",
        )
        for row in rows.itertuples()
    ]  # fmt: skip
    open_ones = list(dict.fromkeys(ae[after & ~severe & ae["ATOXGR"].isna()]["USUBJID"]))
    unchecked = [Unchecked(message("related_ungraded"), open_ones)] if open_ones else []
    return Outcome(found, unchecked, applies=facts.study.protocol.has_endpoint("DLT"))


def late_serious(facts: Facts, rule: LateSerious) -> Outcome:
    """Serious events that began well before the previous cut and that its data did not hold."""
    if facts.previous is None:
        named = [Unchecked(message("no_previous_build", cut=facts.previous_cut))] if facts.previous_cut else []
        return Outcome(unchecked=named, applies=bool(named))
    before, date = facts.previous["adae"], facts.previous_date
    ae = facts.of_treated("adae")
    ae = ae[ae["ASER"].eq("Y")].assign(TERM=lambda rows: _term(rows))
    # An event that was there and has become serious is no event that was reported late.
    known: set[tuple[object, ...]] = set(zip(before["USUBJID"], before["AESEQ"].astype("str"), strict=True))
    known |= set(zip(before["USUBJID"], _term(before), before["ASTDT"], strict=True))
    keys = zip(ae["USUBJID"], ae["AESEQ"].astype("str"), ae["TERM"], ae["ASTDT"], strict=True)
    new = [(who, seq) not in known and (who, term, onset) not in known for who, seq, term, onset in keys]
    fresh = ae[pd.Series(new, index=ae.index, dtype="bool")]
    if date is None:
        return Outcome(applies=False)
    late = fresh[fresh["ASTDT"] < date - pd.Timedelta(days=rule.grace_days)]
    found = [
        Found(
            "late_serious", {"term": row.TERM, "onset": f"{row.ASTDT:%Y-%m-%d}", "previous": f"{date:%Y-%m-%d}"},
            [("adae", row.USUBJID, f"AESEQ={row.AESEQ}")], subject=row.USUBJID, key=f"AESEQ={row.AESEQ}",
        )
        for row in late.sort_values(["USUBJID", "AESEQ"], kind="stable").itertuples()
    ]  # fmt: skip
    undated = list(dict.fromkeys(fresh.loc[fresh["ASTDT"].isna(), "USUBJID"]))
    return Outcome(found, [Unchecked(message("no_onset"), undated)] if undated else [])


def new_death(facts: Facts, rule: NewDeath) -> Outcome:
    """Deaths of treated subjects that the previous cut did not have; without a previous build every death."""
    dead = facts.treated[facts.treated["DTHFL"].eq("Y")]
    kind = "first_death"
    if facts.previous is not None:
        then = facts.previous["adsl"]
        dead = dead[~dead["USUBJID"].isin(then.loc[then["DTHFL"].eq("Y"), "USUBJID"])]
        kind = "new_death"
    found = []
    for row in dead.itertuples():
        exact = pd.notna(row.DTHDT) and not row.DTHDTF
        arguments = {"day": (row.DTHDT - row.TRTSDT).days, "date": f"{row.DTHDT:%Y-%m-%d}"} if exact else {}
        found.append(
            Found(
                kind if exact else f"{kind}_undated", arguments, [("adsl", row.USUBJID, "DTHDT")], subject=row.USUBJID
            )
        )
    return Outcome(found)


def recorded_after_cut(facts: Facts, rule: RecordedAfterCut) -> Outcome:
    """Deaths and serious events that the cut has removed: none is counted, and the committee sees that they are there.

    A subject who consented after the cut is in no dataset: a signal of the study names that subject.
    """
    known = set(facts.data["adsl"]["USUBJID"])
    found = []
    for row in facts.after_cut.itertuples():
        here = row.USUBJID in known
        arguments: dict[str, Any] = {} if here else {"subject": row.SUBJID}
        arguments |= {"count": int(row.RECORDS)} if row.KIND == SERIOUS else {}
        found.append(
            Found(
                f"{'' if here else 'newcomer_'}{row.KIND}_after_cut", arguments,
                [("changelog", row.USUBJID, "P26-AFTER-CUT")], subject=row.USUBJID if here else "",
                key=str(row.KIND) if here else f"{row.USUBJID} {row.KIND}",
                severity=rule.serious if row.KIND == SERIOUS else None,
            )
        )  # fmt: skip
    return Outcome(found)


def undated_death(facts: Facts, rule: UndatedDeath) -> Outcome:
    """Deaths whose date is missing or was completed by a rule."""
    dead = facts.treated[facts.treated["DTHFL"].eq("Y")]
    rows = dead[dead["DTHDT"].isna() | dead["DTHDTF"].ne("")]
    return Outcome([
        Found("undated_death", {}, [("adsl", subject, "DTHDT")], subject=subject) for subject in rows["USUBJID"]
    ])  # fmt: skip


def _term(ae: pd.DataFrame) -> pd.Series:
    return ae["ADECOD"].where(ae["ADECOD"].ne(""), ae["AETERM"]) if "ADECOD" in ae else ae["AETERM"]


def _day(value: Any) -> int | str:
    return "not known" if pd.isna(value) else int(value)


def _times(value: float | None) -> str:
    return "not known" if value is None or pd.isna(value) else round_half_up(value, 1)
