"""The DLT step for reading: headline numbers, the listings of subjects and events, the diary of escalation."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from trialbook.core.described import Card, described
from trialbook.core.messages import as_text, joined, msg, plural
from trialbook.dlt.advice import Advice, Note, plain_code
from trialbook.dlt.designs.design import ONGOING, WAIT
from trialbook.dlt.escalation_status import EscalationStatus
from trialbook.dlt.over_time import LIMITS
from trialbook.dlt.reporting import COUNTED, EVALUABLE_N, TREATED, WAITING_N
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.models import NOT_AN_ENDPOINT, Protocol
from trialbook.results.ard import NOT_ESTIMABLE, TOTAL, round_half_up
from trialbook.results.bounds import bounds_text, excluded_text
from trialbook.subjects.dlt_status import (
    COUNTED_AS_DLT,
    DLT,
    NO_DLT,
    NOT_EVALUABLE,
    PENDING,
    PENDING_DATA,
    STATUS_WORDS,
    WAITING,
)

# ----------------------------------------------------------------------------------------------------
# Sentences of the DLT notebook: window, share of the dose and cap from the keys in force.


def status_method(protocol: Protocol, analysis: Analysis) -> str:
    """Who is evaluable (A-72, A-74)."""
    if not protocol.has_endpoint("DLT"):
        return NOT_AN_ENDPOINT["DLT"]
    first, last = analysis.dlt_window
    return msg(
        "The window is day {first} to day {last} after the first infusion. A subject is evaluable who had a "
        "DLT, or who received at least {dlt_min_dose_frac:.0%} of the dose due (A-72) and was followed "
        "to the end of the window.",
        first=first,
        last=last,
        dlt_min_dose_frac=analysis.dlt_min_dose_frac,
    )


def rule_method(protocol: Protocol, analysis: Analysis) -> str:
    """Which rule advises, and whether others are shown beside it."""
    if not protocol.has_endpoint("DLT"):
        return NOT_AN_ENDPOINT["DLT"]
    if analysis.escalation_rule == "none":
        return msg("No escalation rule is in force in this cut: nothing is advised.")
    beside = msg("shown beside it in this cut") if analysis.show_alternative_rules else msg("not shown in this cut")
    return msg(
        "The advice is that of the rule in force alone ({escalation_rule}, at most {n_cap} subjects). What "
        "other rules would say is {beside}: the parameter file decides this beforehand, so that nobody can choose "
        "a rule by its answer.",
        escalation_rule=analysis.escalation_rule,
        n_cap=analysis.n_cap,
        beside=beside,
    )


# ----------------------------------------------------------------------------------------------------

SET_LABELS = {
    TREATED: msg("Treated"), EVALUABLE_N: "DLT-evaluable", COUNTED: msg("Counted as DLT"), WAITING_N: msg("Pending"),
}  # fmt: skip
STATUS_LABELS = {
    "DLT": msg("DLT (adjudicated)"),
    "PENDING-ADJ": msg("Candidate, not adjudicated: counted as DLT"),
    "UNRESOLVED": msg("Onset date decides in or out: counted as DLT"),
    "NO-DLT": "No DLT",
    "PENDING": msg("Pending: window open"),
    "PENDING-DATA": msg("Pending: window closed, data missing"),
    "NOT-EVAL": msg("Not evaluable"),
}
SUBJECT_LABELS = {
    "SUBJID": msg("Subject"),
    "TRT01P": msg("Level planned"),
    "TRT01A": msg("Level received"),
    "DLTSTAT": msg("Status"),
    "REASON": "Why",
    "COUNTED": msg("Counts as DLT"),
    "REPLACE": msg("Replaceable"),
    "FUPFRAC": msg("Window followed"),
    "DOSEFRAC": msg("Dose received / due"),
    "TRTSDT": msg("First infusion"),
    "WINENDT": msg("Window closes"),
    "DLTDT": msg("DLT onset"),
    "BACKFL": msg("Backfill"),
}
RECEIVED_LABELS = {
    "SUBJID": msg("Subject"),
    "TRT01P": msg("Level planned"),
    "TRT01A": msg("Level of the subject"),
    "INFNO": msg("Infusion"),
    "EXSTDT": msg("Date"),
    "DAY": "Day",
    "DOSEKG": msg("10^6 cells/kg"),
    "LEVEL": msg("Level of this infusion"),
    "REMARK": msg("Remark"),
}
CHANGE_LABELS = {
    "SUBJID": msg("Subject"),
    "TRT01A": msg("Dose level"),
    "BEFORE": msg("At the last cut"),
    "NOW": "Now",
    "CHANGE": msg("What changed"),
}
TIMELINE_LABELS = {
    "date": msg("Date"),
    "news": msg("What became known"),
    "treated": msg("Treated"),
    "evaluable": msg("Evaluable"),
    "counted": msg("Counted as DLT"),
    "pending": msg("Pending"),
    "advice": msg("Advice on that day"),
}
EVENT_LABELS = {
    "SUBJID": msg("Subject"),
    "TRT01A": msg("Dose level"),
    "AEDECOD": msg("Event"),
    "GRADE": msg("Grade"),
    "DAY": "Day",
    "DLTCAND": msg("Candidate"),
    "REASON": msg("What made it one, or why not"),
    "DLTFL": msg("Committee's flag"),
    "AEREL": msg("Relationship"),
    "AESTDTC": msg("Onset"),
    "AEENDTC": "End",
    "ADY": msg("Study day (CDISC)"),
    "AESEQ": msg("Number of the record"),
}
RATE_LABELS = {
    "level": msg("Dose level"),
    "counts": msg("DLT / evaluable"),
    "estimate": msg("Rate"),
    "interval": msg("95% interval"),
    "prob": msg("Probability that the rate exceeds the target"),
}
RULE_LABELS = {
    "rule": msg("Rule"),
    "advice": msg("Advice"),
    "date": msg("Decision not before"),
    "worst": msg("Worst case"),
    "best": msg("Best case"),
}
DIARY_LABELS = {
    "order": msg("Enrolment order"),
    "subject": msg("Subject"),
    "level": msg("Dose level"),
    "outcome": msg("Outcome"),
}
OUTCOMES = ("DLT", msg("counted as DLT"), "no DLT", "pending", msg("not evaluable"))


def headline(
    results: pd.DataFrame, advice: Advice, status: EscalationStatus | None, protocol: Protocol
) -> list[tuple[str, str, str]]:
    """The numbers of the first screen: (label, value, note). `status` is missing where no rule advises."""
    if not protocol.has_endpoint("DLT"):
        return [("DLT", msg("not an endpoint"), msg("of this trial"))]
    total = results[results["group1_level"].eq(TOTAL) & results["analysis_id"].eq("DLT_SETS")]
    n = dict(zip(total["variable"], total["stat_text"], strict=True))
    beside = counted_note(results, int(n[COUNTED]), int(n[EVALUABLE_N]))
    return [
        *_what_holds(advice, status),
        (msg("Advice by rule {rule}", rule=advice.rule), plain_code(advice.code), _then(advice)),
        (msg("Dose level now open"), *open_level(advice)),
        (
            msg("Decision not before"),
            advice.date_text,
            msg("last open window") if advice.decision_date else msg("no open window"),
        ),
        *(
            Card(label, value, note, number=("DLT_SETS", TOTAL, name, "", ""))
            for label, value, note, name in (
                ("DLT-evaluable", f"{n[EVALUABLE_N]} of {n[TREATED]}", msg("treated subjects"), EVALUABLE_N),
                (msg("Counted as DLT"), n[COUNTED], beside, COUNTED),
                (msg("Pending"), n[WAITING_N], waiting_text(results) or msg("no window open"), WAITING_N),
            )
        ),
    ]


def _what_holds(advice: Advice, status: EscalationStatus | None) -> list[tuple[str, str, str]]:
    """What holds for the trial; nothing where that is the advice itself, which is said once."""
    if status is None or status.code == advice.code:
        return []
    return [(msg("Status of the escalation"), status.says, status.why[0] if status.why else "")]


def _then(advice: Advice) -> str:
    """What the advice becomes when the open cases are known; blank where it stays as it is."""
    if advice.best == advice.worst:
        return "" if advice.best == advice.code else msg("then {advice}", advice=plain_code(advice.best))
    return msg("then {best}, or {worst}", best=plain_code(advice.best), worst=plain_code(advice.worst))


def waiting_text(results: pd.DataFrame, level: str = TOTAL) -> str:
    """Who is pending, by why, from the DLT rows: `1 window still open; 2 windows closed, data missing`; blank for none.

    The two add up to the subjects who are pending.
    """
    rows = results[results["analysis_id"].eq("DLT") & results["group1_level"].eq(level)]
    count = dict(zip(rows["variable_level"], rows["stat"], strict=True))
    n, missing = (int(count.get(status, 0)) for status in (PENDING, PENDING_DATA))
    told = [
        plural("{n} window still open", "{n} windows still open", n) if n else "",
        plural("{n} window closed, data missing", "{n} windows closed, data missing", missing) if missing else "",
    ]
    return joined(told, "; ")


def counted_note(results: pd.DataFrame, counted: int, evaluable: int) -> str:
    """What is said beside the counted DLTs: worst and best case, and what is excluded where there is none (§14)."""
    between = bounds_text(results, "DLT")
    parts = [
        msg("with those not yet adjudicated"),
        between and msg("best to worst case: {between}", between=between),
        excluded_text(counted, evaluable),
    ]
    return "; ".join(part for part in parts if part)


def excluded_notes(results: pd.DataFrame, levels: Sequence[str]) -> list[str]:
    """What each level without a DLT excludes (§14.5), from DLT_RATE rows: `DL1: 0 of 3: a rate above 63.2% is ...`."""
    rows = results[results["analysis_id"].eq("DLT_RATE") & results["stat_name"].isin(["n", "N"])]
    count = {(row.group1_level, row.stat_name): int(row.stat) for row in rows.itertuples()}
    told = [(level, excluded_text(count[level, "n"], count[level, "N"])) for level in levels if (level, "n") in count]
    return [msg("{level}: {text}.", level=level, text=text) for level, text in told if text]


def open_level(advice: Advice) -> tuple[str, str]:
    """The level at which the next subject may be treated by the advice, and a word on it."""
    if advice.code.startswith(f"{ONGOING}({WAIT} "):
        return msg("none"), msg("{level} waits for a decision", level=advice.level)
    if advice.code.startswith(f"{ONGOING}("):
        return advice.level, msg("for the next subject")
    return msg("none"), msg("the rule has come to its end") if advice.code != NOT_ESTIMABLE else msg("no rule in force")


def calm_words() -> str:
    """What is said where no note warns of anything."""
    return msg("Nothing waits for adjudication, for a date or for a replacement.")


def no_window_words() -> str:
    """What is said where no note informs of anything."""
    return msg("No window is open and no place is left under the cap.")


def spoken(notes: Sequence[Note], kind: str) -> str:
    """The notes of one kind as one paragraph; blank without such a note."""
    return joined([note.text for note in notes if note.kind == kind], " ")


def open_windows(addlt: pd.DataFrame, cut_date: pd.Timestamp) -> pd.DataFrame:
    """Pending subjects in order of the day their window closes: SUBJID TRT01A TRTSDT WINENDT DAYS FUPFRAC DLTSTAT."""
    waiting = addlt[addlt["DLTSTAT"].isin(WAITING)].sort_values(["WINENDT", "USUBJID"], kind="stable")
    days = (waiting["WINENDT"] - cut_date).dt.days.clip(lower=0).astype("Int64")
    waiting = waiting.assign(DAYS=days)
    listed = waiting[["SUBJID", "TRT01A", "TRTSDT", "WINENDT", "DAYS", "FUPFRAC", "DLTSTAT"]].reset_index(drop=True)
    return described(
        _in_words(listed), labels=SUBJECT_LABELS | {"DAYS": msg("Days to go")}, empty=msg("Nobody is pending."),
        right=["FUPFRAC"],
    )  # fmt: skip


def status_listing(addlt: pd.DataFrame) -> pd.DataFrame:
    """The status of each subject in order of first infusion: the columns of `SUBJECT_LABELS`, BACKFL where one is."""
    columns = list(SUBJECT_LABELS)
    if "BACKFL" not in addlt or not addlt["BACKFL"].eq("Y").any():
        columns.remove("BACKFL")
    listed = addlt.sort_values(["TRTSDT", "USUBJID"], kind="stable")[columns].reset_index(drop=True)
    return described(_in_words(listed), labels=SUBJECT_LABELS, right=["FUPFRAC", "DOSEFRAC"])


def _in_words(listed: pd.DataFrame) -> pd.DataFrame:
    """A listing with the status in words, and with shares of one subject's window or dose in whole per cent."""
    shares = {
        name: listed[name]
        .map(lambda share: f"{round_half_up(100 * share, 0)}%" if pd.notna(share) else "")
        .astype("str")
        for name in ("FUPFRAC", "DOSEFRAC")
        if name in listed
    }
    return listed.assign(**shares, DLTSTAT=listed["DLTSTAT"].map(STATUS_WORDS).astype("str"))


def infusion_listing(infusions: pd.DataFrame) -> pd.DataFrame:
    """Each infusion with the level planned and the level given (`followup.infusions_received`), as a page lists it."""
    return described(infusions.copy(deep=False), labels=RECEIVED_LABELS, digits={"DOSEKG": 2})


def change_listing(changed: pd.DataFrame) -> pd.DataFrame:
    """The subjects whose status has changed (`over_time.status_changes`), as a page lists them."""
    words = {name: changed[name].map(lambda status: STATUS_WORDS.get(status, status)) for name in ("BEFORE", "NOW")}
    return described(
        changed.assign(**words).astype("str"), labels=CHANGE_LABELS,
        empty=msg("No subject has another DLT status, or there is no earlier cut."),
    )  # fmt: skip


def set_table(counts: pd.DataFrame) -> pd.DataFrame:
    """The rows of DLT_SETS as a table shows them: treated, evaluable, counted as DLT and pending, by level."""
    rows = counts[counts["analysis_id"].eq("DLT_SETS")]
    return described(rows, row="variable", row_labels=SET_LABELS, stub=msg("Subjects"), stats="{n}")


def status_table(counts: pd.DataFrame) -> pd.DataFrame:
    """The rows of DLT as a table shows them: subjects by status and level."""
    rows = counts[counts["analysis_id"].eq("DLT")]
    return described(
        rows, row="variable_level", row_labels=STATUS_LABELS, stub=msg("Status"), stats="{n}"
    )  # fmt: skip


def event_listing(events: pd.DataFrame, addlt: pd.DataFrame, notes: Sequence[str] = ()) -> pd.DataFrame:
    """L-3: candidate, flagged and severe events of the window, with the columns of `EVENT_LABELS`; `notes`: more notes.

    DAY is REL_DAY (0 = first infusion), ADY the CDISC study day; both blank where the onset is not a certain day.
    """
    subject = addlt.set_index("USUBJID")[["SUBJID", "TRTSDT"]].reindex(events["USUBJID"]).set_axis(events.index)
    day = (events["ONSETDT"] - subject["TRTSDT"].astype("datetime64[s]")).dt.days.astype("Int64")
    study_day = day.mask(day >= 0, day + 1)
    return described(
        events.assign(SUBJID=subject["SUBJID"], DAY=day, ADY=study_day, AEREL=events["AEREL"].str.lower())[
            list(EVENT_LABELS)
        ],
        labels=EVENT_LABELS,
        notes=notes, empty=msg("No event of the window is a candidate, flagged or severe."),
    )  # fmt: skip


def rate_table(results: pd.DataFrame, levels: Sequence[str]) -> pd.DataFrame:
    """DLT rate per level and in total, from DLT_RATE rows: level counts estimate interval prob."""
    rows = results[results["analysis_id"].eq("DLT_RATE")]
    text = {(row.group1_level, row.stat_name): row.stat_text for row in rows.itertuples()}
    table = []
    for level in [name for name in (*levels, TOTAL) if (name, "n") in text]:
        n, total, estimate, low, high, prob = (
            text[level, name] for name in ("n", "N", "estimate", "conf.low", "conf.high", "prob_gt_target")
        )
        interval = NOT_ESTIMABLE if low == NOT_ESTIMABLE else f"{low} to {high}"
        table.append((as_text(level), msg("{n} of {total}", n=n, total=total), estimate, interval, prob))
    numbers = {
        (row, column): ("DLT_RATE", str(line[0]), "DLT", "", "clopper_pearson")
        for row, line in enumerate(table) for column in list(RATE_LABELS)[1:]
    }  # fmt: skip
    return described(
        pd.DataFrame(table, columns=list(RATE_LABELS)).astype("str"), labels=RATE_LABELS,
        notes=excluded_notes(results, levels), numbers=numbers,
    )  # fmt: skip


def rule_table(advices: Sequence[Advice]) -> pd.DataFrame:
    """One row per rule: rule advice date worst best."""
    rows = [(a.rule, plain_code(a.code), a.date_text, plain_code(a.worst), plain_code(a.best)) for a in advices]
    return described(
        pd.DataFrame(rows, columns=list(RULE_LABELS)).astype("str"), labels=RULE_LABELS
    )  # fmt: skip


def cases_table(cases: pd.DataFrame) -> pd.DataFrame:
    """The worst and the best case of each level (`results.bounds.case_table`) as a table shows them."""
    return described(cases.copy(deep=False), subtitle=msg("DLTs of evaluable subjects (rate)"))


def timeline_listing(over_time: pd.DataFrame) -> pd.DataFrame:
    """The numbers of `over_time.advice_over_time` as its figure shows them, with the columns of `TIMELINE_LABELS`."""
    now = msg("now {advice}", advice=over_time["advice"].iloc[-1]) if len(over_time) else ""
    summary = msg(
        "What the rule would have advised on each of {n} dates, from the data of this cut; {now}.",
        n=len(over_time),
        now=now,
    )
    return described(
        over_time[list(TIMELINE_LABELS)].copy(deep=False), labels=TIMELINE_LABELS, notes=[LIMITS],
        empty=msg("No escalation rule is in force."), finding=now, summary=summary if now else "",
    )  # fmt: skip


def escalation_diary(addlt: pd.DataFrame) -> pd.DataFrame:
    """Subjects in order of first infusion: order subject level outcome (one of `OUTCOMES`)."""
    listed = addlt.sort_values(["TRTSDT", "USUBJID"], kind="stable").reset_index(drop=True)
    outcome = {
        **dict.fromkeys(COUNTED_AS_DLT, msg("counted as DLT")), **dict.fromkeys(WAITING, "pending"),
        DLT: "DLT", NO_DLT: "no DLT", NOT_EVALUABLE: msg("not evaluable"),
    }  # fmt: skip
    diary = pd.DataFrame(
        {
            "order": pd.Series(range(1, len(listed) + 1), dtype="int64"),
            "subject": listed["SUBJID"].astype("str"),
            "level": listed["TRT01A"].astype("str"),
            "outcome": listed["DLTSTAT"].map(outcome).astype("str"),
        }
    )
    return described(diary, labels=DIARY_LABELS)
