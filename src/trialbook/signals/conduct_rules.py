"""Rules over dose escalation, follow-up, doses, eligibility, visits, restatements and open questions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from trialbook.conduct.deviations import NO_LEVEL, OTHER_LEVEL, SITE
from trialbook.conduct.news import completed_deaths
from trialbook.conduct.visits import COMING, DUE, MISSED, OUTSIDE, UNKNOWN, window_of
from trialbook.dlt.advice import plain_code
from trialbook.dlt.decisions import decided, review
from trialbook.dlt.treated_as_decided import beyond_decisions
from trialbook.monitoring.outcomes import EVENT
from trialbook.monitoring.stopping import monitor
from trialbook.protocol.conduct import (
    BeyondDecision,
    DoseDeviation,
    EligibilityConflict,
    LevelToxicity,
    LostToFollowUp,
    MovesHeadline,
    RestatedEndpoint,
    StoppingRule,
    UnclassifiedTherapy,
    UndecidedDlt,
    UnrepeatableAssessment,
    UnsupportedDecision,
)
from trialbook.queries.query_list import OPEN
from trialbook.results.ard import TOTAL
from trialbook.results.bounds import SURVIVAL
from trialbook.signals.messages import message
from trialbook.signals.model import Facts, Found, Outcome, Severity, Unchecked
from trialbook.statistics.stopping_states import CONTINUE, STOP
from trialbook.subjects.dlt_status import (
    DLT,
    EVALUABLE,
    NO_DLT,
    NOT_EVALUABLE,
    PENDING_ADJUDICATION,
    PENDING_DATA,
    STATUS_WORDS,
    UNRESOLVED,
)

UNDECIDED = {
    PENDING_ADJUDICATION: "undecided_dlt_adjudication", UNRESOLVED: "undecided_dlt_date",
    PENDING_DATA: "undecided_dlt_data",
}  # fmt: skip


def level_toxicity(facts: Facts, rule: LevelToxicity) -> Outcome:
    """Dose levels with so many subjects counted as DLT."""
    addlt = facts.of_treated("addlt")
    counted = addlt[addlt["COUNTED"].eq("Y")]
    found = []
    for level, rows in counted.groupby("TRT01A", sort=True):
        if level and len(rows) >= rule.dlts:
            evaluable = int((addlt["TRT01A"].eq(level) & addlt["DLTSTAT"].isin(EVALUABLE)).sum())
            found.append(
                Found(
                    "level_toxicity", {"dlts": len(rows), "evaluable": evaluable, "dose_level": str(level)},
                    [("addlt", subject, "") for subject in sorted(rows["USUBJID"])], dose_level=str(level),
                    key=str(level),
                )
            )  # fmt: skip
    return Outcome(found, applies=facts.study.protocol.has_endpoint("DLT"))


def stopping_rule(facts: Facts, rule: StoppingRule) -> Outcome:
    """Safety stopping rules whose boundary is reached, or would be by one more event."""
    found = []
    for one in monitor(facts.data["adsl"], facts.study, facts.data["adae"]):
        now = one.cases[0]
        if now.verdict == CONTINUE:
            continue
        had = one.outcomes[one.outcomes["OUTCOME"].eq(EVENT)]
        found.append(
            Found(
                "stopping_reached" if now.verdict == STOP else "stopping_next",
                {"event": one.rule.name, "events": now.events, "evaluated": now.n},
                [(_dataset(row.SRCDOM), row.USUBJID, _record(row.SRCDOM, row.SRCSEQ)) for row in had.itertuples()],
                key=one.rule_id, severity=None if now.verdict == STOP else rule.next_event,
            )
        )  # fmt: skip
    return Outcome(found, applies=bool(facts.study.protocol.monitoring))


def _dataset(domain: str) -> str:
    return {"AE": "adae", "DM": "adsl"}.get(domain, f"clean/{domain.lower()}")


def _record(domain: str, number: Any) -> str:
    return f"{domain}SEQ={number}" if pd.notna(number) else ""


def unsupported_decision(facts: Facts, rule: UnsupportedDecision) -> Outcome:
    """Decisions on earlier cuts that treat above what the rule advises for that day from the data known today."""
    study = facts.study
    found = []
    for one in review(facts.decisions, facts.of_treated("addlt"), study.protocol, study.analysis):
        if one.supported:
            continue
        arguments = {
            "date": one.decision.date, "decision": str(decided(one.decision)), "advice": str(plain_code(one.today)),
        }  # fmt: skip
        found.append(
            Found(
                "unsupported_late" if one.late_subjects else "unsupported_changed",
                {**arguments, "subjects": one.late_subjects} if one.late_subjects else arguments,
                [("addlt", subject, "") for subject in one.late["USUBJID"]],
                key=f"{one.decision.cut} {one.decision.date}",
            )
        )  # fmt: skip
    return Outcome(found, applies=study.protocol.has_endpoint("DLT"))


def beyond_decision(facts: Facts, rule: BeyondDecision) -> Outcome:
    """Subjects first treated above the committee's last decision, or before the level was opened, by dose level."""
    protocol = facts.study.protocol
    found = []
    for one in beyond_decisions(facts.decisions, facts.of_treated("addlt"), protocol.level_ids):
        arguments = {"dose_level": one.level, "subjects": one.subjects}
        arguments |= {"decision": str(one.last)} if one.last else {}
        arguments |= {"opened": one.opened} if one.opened else {}
        message_id = "beyond_first" if not one.last else "beyond_before" if one.opened else "beyond_last"
        evidence = [("addlt", subject, "") for subject in one.rows["USUBJID"]]
        found.append(Found(message_id, arguments, evidence, dose_level=one.level, key=f"{one.level} {one.last}"))
    return Outcome(found, applies=protocol.has_endpoint("DLT"))


def undecided_dlt(facts: Facts, rule: UndecidedDlt) -> Outcome:
    """Statuses that wait for the committee, for a date or for data although the window has closed."""
    addlt = facts.of_treated("addlt")
    rows = addlt[addlt["DLTSTAT"].isin(list(UNDECIDED))]
    return Outcome(
        [
            Found(
                UNDECIDED[row.DLTSTAT], {"reason": row.REASON, "window_end": f"{row.WINENDT:%Y-%m-%d}"},
                [("addlt", row.USUBJID, ""), *([("adae", row.USUBJID, f"AESEQ={row.DLTSEQ}")]
                                               if pd.notna(row.DLTSEQ) else [])],
                subject=row.USUBJID,
            )
            for row in rows.itertuples()
        ],
        applies=facts.study.protocol.has_endpoint("DLT"),
    )  # fmt: skip


def lost_to_follow_up(facts: Facts, rule: LostToFollowUp) -> Outcome:
    """The living who have not been seen for longer than `days`, before the day up to which they are followed."""
    alive = facts.treated[facts.treated["DTHFL"].ne("Y")]
    ago = (facts.study.cut_date - alive["LSTALVDT"]).dt.days
    day = (alive["LSTALVDT"] - alive["TRTSDT"]).dt.days
    rows = alive.assign(AGO=ago, DAY=day)[(ago > rule.days) & (day < rule.until_day)]
    found = [
        Found(
            "lost_to_follow_up",
            {"days": int(row.AGO), "last_seen": f"{row.LSTALVDT:%Y-%m-%d}", "day": int(row.DAY)},
            [("adsl", row.USUBJID, "LSTALVDT")], subject=row.USUBJID,
        )
        for row in rows.itertuples()
    ]  # fmt: skip
    unseen = list(alive.loc[alive["LSTALVDT"].isna(), "USUBJID"])
    unchecked = [Unchecked(message("no_proof_of_life"), unseen)] if unseen else []
    return Outcome(found, unchecked, applies=facts.study.protocol.has_endpoint("OS"))


def dose_deviation(facts: Facts, rule: DoseDeviation) -> Outcome:
    """Infusions at another dose level than the subject's, or at none, and whether the site recorded that."""
    given = facts.infusions
    found = []
    for row in given[given["KIND"].isin([OTHER_LEVEL, NO_LEVEL])].itertuples():
        arguments: dict[str, Any] = {
            "infusion": int(row.INFNO), "dose": f"{row.DOSEKG:g}",
            "recorded": _recorded(facts, row.USUBJID, row.KIND, "EX", row.EXSEQ),
        }  # fmt: skip
        if row.KIND == OTHER_LEVEL:
            arguments |= {"given": row.LEVEL, "assigned": row.ASSIGNED}
        found.append(
            Found(
                "dose_other_level" if row.KIND == OTHER_LEVEL else "dose_no_level", arguments,
                [("clean/ex", row.USUBJID, f"EXSEQ={row.EXSEQ}"), *_deviation(facts, row.USUBJID, "EX", row.EXSEQ)],
                subject=row.USUBJID, key=f"INFNO={row.INFNO}",
            )
        )  # fmt: skip
    unknown = list(dict.fromkeys(given.loc[given["KIND"].eq("unknown"), "USUBJID"]))
    return Outcome(found, [Unchecked(message("dose_unknown"), unknown)] if unknown else [])


def eligibility_conflict(facts: Facts, rule: EligibilityConflict) -> Outcome:
    """Criteria that a treated subject violates without a waiver, or where form and data contradict each other."""
    adie = facts.of_treated("adie")
    conflict = adie["RESULT"].eq("CONFLICT")
    violated = adie["RESULT"].isin(["FAIL", "ATT-FAIL"]) | (conflict & adie["DATARESULT"].eq("FAIL"))
    found = []
    for row in adie[violated | conflict].sort_values(["USUBJID", "CRITCD"], kind="stable").itertuples():
        against = row.RESULT == "CONFLICT" and row.DATARESULT != "FAIL"
        name = (
            "form_contradicts" if against else "inclusion_not_met" if row.CRITCD.startswith("IN") else "exclusion_met"
        )
        arguments: dict[str, Any] = {"criterion": row.CRITCD, "evidence": row.EVIDENCE or "by the form"}
        if not against:
            arguments["recorded"] = _recorded(facts, row.USUBJID, "criterion_violated", row.SRCDOM, row.SRCSEQ)
        known = row.SRCDOM and pd.notna(row.SRCSEQ)
        record = [(f"clean/{row.SRCDOM.lower()}", row.USUBJID, f"{row.SRCDOM}SEQ={row.SRCSEQ}")] if known else []
        found.append(
            Found(
                name, arguments,
                [("adie", row.USUBJID, f"CRITCD={row.CRITCD}"), *record],
                subject=row.USUBJID, key=row.CRITCD,
            )
        )  # fmt: skip
    open_ = adie[adie["RESULT"].eq("NE")]
    by_criterion = open_.groupby("USUBJID", sort=True)["CRITCD"].agg(list)
    reasons: dict[tuple[str, ...], list[str]] = {}
    for subject, criteria in by_criterion.items():
        reasons.setdefault(tuple(criteria), []).append(str(subject))
    unchecked = [
        Unchecked(message("criterion_open", criteria=list(criteria)), subjects)
        for criteria, subjects in reasons.items()
    ]
    return Outcome(found, unchecked, applies=facts.study.protocol.has_endpoint("ELIGIBILITY"))


def _recorded(facts: Facts, subject: str, kind: str, domain: str, seq: Any) -> dict[str, Any]:
    """Whether the site recorded a deviation in DV that is the one meant."""
    rows = _deviation_rows(facts, subject, domain, seq)
    return message("recorded" if rows["DVSEQ"].notna().any() else "not_recorded")


def _deviation(facts: Facts, subject: str, domain: str, seq: Any) -> list[tuple[str, str, str]]:
    rows = _deviation_rows(facts, subject, domain, seq)
    return [("clean/dv", subject, f"DVSEQ={number}") for number in rows["DVSEQ"].dropna()]


def _deviation_rows(facts: Facts, subject: str, domain: str, seq: Any) -> pd.DataFrame:
    rows = facts.addv[facts.addv["USUBJID"].eq(subject) & facts.addv["SRCDOM"].eq(domain)]
    rows = rows[rows["FOUNDBY"].ne(SITE)]
    return rows if pd.isna(seq) else rows[rows["SRCSEQ"].eq(seq).fillna(False)]


def restated_endpoint(facts: Facts, rule: RestatedEndpoint) -> Outcome:
    """Decided facts of endpoints that differ from the previous cut: deaths, DLT status, response at day 28."""
    if facts.previous is None:
        named = [Unchecked(message("no_previous_build", cut=facts.previous_cut))] if facts.previous_cut else []
        return Outcome(unchecked=named, applies=bool(named))
    return Outcome([*_deaths_restated(facts), *_status_restated(facts), *_response_restated(facts)])


def _deaths_restated(facts: Facts) -> Iterator[Found]:
    then, now = (
        frames["adtte"][frames["adtte"]["PARAMCD"].eq("OS")].drop_duplicates("USUBJID").set_index("USUBJID")
        for frames in (facts.previous or {}, facts.data)
    )
    completed = completed_deaths(facts.data, facts.previous or {}) if len(then) else set()
    for subject, row in then[then["CNSR"].eq(0)].sort_index().iterrows():
        if subject not in now.index:
            continue
        mine = now.loc[subject]
        evidence = [("adtte", str(subject), "PARAMCD=OS"), ("previous adtte", str(subject), "PARAMCD=OS")]
        if mine["CNSR"] != 0:
            yield Found("restated_alive", {"before": int(row["AVAL"])}, evidence, subject=str(subject), key="OS")
        elif mine["AVAL"] != row["AVAL"]:
            days = {"before": int(row["AVAL"]), "now": int(mine["AVAL"])}
            kind = "completed_death" if subject in completed else "restated_death"
            yield Found(kind, days, evidence, subject=str(subject), key="OS")


def _status_restated(facts: Facts) -> Iterator[Found]:
    then, now = (
        frames["addlt"].drop_duplicates("USUBJID").set_index("USUBJID")["DLTSTAT"]
        for frames in (facts.previous or {}, facts.data)
    )
    decided = then[then.isin([DLT, NO_DLT, NOT_EVALUABLE])]
    for subject, before in decided.sort_index().items():
        mine = now.get(subject)
        if mine is not None and mine != before:
            evidence = [("addlt", str(subject), ""), ("previous addlt", str(subject), "")]
            said = {"before": _status(before), "now": _status(mine)}
            yield Found("restated_dlt", said, evidence, subject=str(subject), key="DLT")


def _status(code: str) -> str:
    return STATUS_WORDS.get(code, code)


def _response_restated(facts: Facts) -> Iterator[Found]:
    then, now = (
        frames["adrs"][frames["adrs"]["PARAMCD"].eq("RSP28")].drop_duplicates("USUBJID").set_index("USUBJID")["AVALC"]
        for frames in (facts.previous or {}, facts.data)
    )
    for subject, before in then[~then.isin(["", "PENDING", "NE"])].sort_index().items():
        mine = now.get(subject)
        if mine is not None and mine != before:
            evidence = [("adrs", str(subject), "PARAMCD=RSP28"), ("previous adrs", str(subject), "PARAMCD=RSP28")]
            said = {"before": before, "now": mine or "not known"}
            yield Found("restated_response", said, evidence, subject=str(subject), key="RSP28")


def unrepeatable_assessment(facts: Facts, rule: UnrepeatableAssessment) -> Outcome:
    """Visits that decide an endpoint: missed, or with a window that is open or opens soon."""
    rows = facts.visits[facts.visits["ONCE"].eq("Y")]
    study = facts.study
    windows = {visit.name: window_of(visit, study.analysis) for visit in study.protocol.schedule.visits}
    soon = study.cut_date + pd.Timedelta(days=rule.ahead_days)
    found = []
    for row in rows.itertuples():
        first, last = windows[row.VISIT]
        severity: Severity | None = None
        place: dict[str, Any] = {"visit": row.VISIT.lower()}
        if row.STATUS in (MISSED, OUTSIDE):
            place |= {"first": first, "last": last} | ({"day": int(row.VISITDY)} if row.STATUS == OUTSIDE else {})
            name = "assessment_missed" if row.STATUS == MISSED else "assessment_outside"
        elif row.STATUS == DUE:
            name, severity = "assessment_due", rule.coming
            place |= {"until": f"{row.UNTILDT:%Y-%m-%d}"}
        elif row.STATUS == COMING and soon >= row.FROMDT:
            name, severity = "assessment_coming", rule.coming
            place |= {"opens": f"{row.FROMDT:%Y-%m-%d}", "until": f"{row.UNTILDT:%Y-%m-%d}"}
        else:
            continue
        found.append(
            Found(name, place, [("adrs", row.USUBJID, "PARAMCD=RSP28")], row.USUBJID, key=row.VISIT, severity=severity)
        )
    unknown = list(rows.loc[rows["STATUS"].eq(UNKNOWN), "USUBJID"])
    unchecked = [Unchecked(message("no_visits"), unknown)] if unknown else []
    return Outcome(found, unchecked, applies=bool(windows) and any(v.once for v in study.protocol.schedule.visits))


def unclassified_therapy(facts: Facts, rule: UnclassifiedTherapy) -> Outcome:
    """Open questions about the drugs of treated subjects; without CM nobody's drugs are known."""
    applies = facts.study.protocol.has_endpoint("ORR_D28")
    if applies and not facts.study.domains.delivered("CM") and len(facts.treated):
        return Outcome(unchecked=[Unchecked(message("no_medication"), list(facts.treated["USUBJID"]))])
    asked = _open_queries(facts)
    asked = asked[asked["rule"].isin(rule.queries)]
    return Outcome(
        [
            Found(
                "unclassified_therapy", {"count": len(rows), "queries": sorted(rows["query_id"])},
                [("queries", str(subject), name) for name in sorted(rows["query_id"])], subject=str(subject),
            )
            for subject, rows in asked.groupby("subject", sort=True)
        ],
        applies=applies,
    )  # fmt: skip


def moves_headline(facts: Facts, rule: MovesHeadline) -> Outcome:
    """Open questions of severity major to the subjects on whom the worst or best case of an endpoint depends."""
    rows = facts.bounds
    rows = rows[rows["group1_level"].eq(TOTAL) & rows["context"].isin(["worst", "best"]) & rows["stat_text"].ne("")]
    decides: dict[str, list[str]] = {}
    for variable, text in rows[["variable", "stat_text"]].drop_duplicates().itertuples(index=False):
        for number in str(text).split(", "):
            own = decides.setdefault(number, [])
            own += [variable] if variable not in own else []
    names = dict(zip(facts.treated["SUBJID"], facts.treated["USUBJID"], strict=True))
    asked = _open_queries(facts)
    asked = asked[asked["severity"].isin(["major", "stop"])]
    found = []
    for number, variables in sorted(decides.items()):
        subject = names.get(number)
        own = sorted(asked.loc[asked["subject"].eq(subject), "query_id"]) if subject else []
        if own:
            named = [endpoint_words(name) for name in sorted(variables)]
            found.append(
                Found(
                    "moves_headline", {"queries": own, "endpoints": named},
                    [("queries", str(subject), name) for name in own], subject=str(subject),
                )
            )  # fmt: skip
    return Outcome(found)


def endpoint_words(variable: str) -> dict[str, Any]:
    """The message that names an endpoint of BOUNDS."""
    if variable.startswith(SURVIVAL):
        return message("endpoint_OS", day=variable.removeprefix(SURVIVAL))
    return message(f"endpoint_{variable}")


def _open_queries(facts: Facts) -> pd.DataFrame:
    asked = facts.queries
    return asked[asked["status"].eq(OPEN) & asked["subject"].isin(facts.treated["USUBJID"])]
