"""The course of each treated subject for the swimmer plot: bars of follow-up and marks of what happened (§8, F1)."""

from __future__ import annotations

import pandas as pd

from trialbook.core.dates import complete_date
from trialbook.core.described import described
from trialbook.core.domains import Domains
from trialbook.core.messages import enumerated, joined, msg
from trialbook.efficacy.day28 import PENDING, UNDELIVERED
from trialbook.efficacy.wording import in_words
from trialbook.gvhd.response_rules import RESPONDERS
from trialbook.results.ard import NOT_EVALUABLE_WORDS
from trialbook.safety.adjudication import adjudicated_dlt
from trialbook.subjects.ranking import MOST_DRAWN, most_drawn_note

SERIOUS = msg("serious adverse event")
MOST_NAMED = 6


# How the follow-up of a subject ends.
ALIVE, LATELY, DIED = "alive", msg("not seen lately"), "died"
# Serious events that are named beside a bar; more are counted.
MOST_SERIOUS = 2


def swimmer_bars(
    adtte: pd.DataFrame, responses: pd.DataFrame, cut_date: pd.Timestamp | None = None, stale_days: int = 0
) -> pd.DataFrame:
    """One bar per subject from the first infusion to death or last contact: subject, level, day, status, response, end.

    By level, the longest first. The status of a subject whose day of death is not known says between which days it
    lies. `responses`: `day28_response`; a response by rule is named with its reason, a subject not yet mature is
    PENDING. `end`: died, alive, or not seen lately: a living subject last seen more than `stale_days` before the cut.
    """
    os = adtte[adtte["PARAMCD"].eq("OS")]
    days = (os["ADT"] - os["STARTDT"]).dt.days.astype("Int64")
    os = os.assign(_days=-days).sort_values(["TRT01AN", "_days", "SUBJID"], kind="stable")
    days = days.loc[os.index]
    died = os["CNSR"].eq(0)
    status = died.map({True: DIED, False: ALIVE})
    said = in_words(responses["AVALC"].replace(PENDING, msg("pending")), responses["REASON"])
    said = said.mask(responses["REASON"] == UNDELIVERED, NOT_EVALUABLE_WORDS)
    response = said.set_axis(responses["USUBJID"]).reindex(os["USUBJID"]).fillna("").set_axis(os.index)
    between = os["EVNTDESC"].str.extract("^DEATH: (.*)$", expand=False)
    status = (status + ", " + between).where(between.notna(), status)
    bars = {"subject": os["SUBJID"], "level": os["TRT01A"], "day": days, "status": status.astype("str")}
    unseen = (cut_date - os["ADT"]).dt.days if cut_date is not None else pd.Series(0, index=os.index)
    stale = ~died & (unseen > stale_days) & (cut_date is not None)
    end = died.map({True: DIED, False: ALIVE}).mask(stale, LATELY)
    bars |= {"response": response.astype("str"), "end": end.astype("str")}
    bars |= {"unseen": unseen.where(stale, 0).astype("int64")}
    return pd.DataFrame(bars).reset_index(drop=True)


def swimmer_lanes(bars: pd.DataFrame, marks: pd.DataFrame) -> pd.DataFrame:
    """The bars with what is said at their ends (`said`): level, response, serious events, how long not seen."""
    serious = marks[marks["event"] == SERIOUS].groupby("subject")
    named: dict[str, str] = {}
    for subject, own in serious:
        terms = [
            msg("{term} (day {day})", term=str(term), day=day)
            for term, day in zip(own["what"], own["day"], strict=True)
        ]
        rest = len(terms) - MOST_SERIOUS
        shown = [*terms[:MOST_SERIOUS], *[msg("{n} more", n=rest)] * (rest > 0)]
        named[str(subject)] = msg("serious: {events}", events=joined(shown, ", "))
    said = [
        joined([
            row.level, row.response, named.get(row.subject, ""),
            msg("last seen {days} days before the cut", days=row.unseen) if row.unseen else "",
        ], ", ")
        for row in bars.itertuples()
    ]  # fmt: skip
    # As they are: another language has its own words around a term.
    return bars.assign(said=pd.Series(said, index=bars.index, dtype="object"))


def first_lanes(bars: pd.DataFrame, marks: pd.DataFrame) -> pd.DataFrame:
    """The bars that the plot has room for, in their order: the dead, those with a DLT, a serious event, the unseen."""
    at_risk = [bars["subject"].isin(marks.loc[marks["event"] == event, "subject"]) for event in ("DLT", SERIOUS)]
    at_risk = [bars["end"].eq(DIED), *at_risk, bars["end"].eq(LATELY)]
    order = pd.concat(at_risk, axis=1, keys=range(len(at_risk))).astype("int64")
    first = order.sort_values(list(order), ascending=False, kind="stable").index[:MOST_DRAWN]
    return bars[bars.index.isin(first)].reset_index(drop=True)


def swimmer_data(bars: pd.DataFrame, marks: pd.DataFrame) -> pd.DataFrame:
    """What the plot draws, for reading: each bar with its marks, a row per mark."""
    both = bars.merge(marks, how="left", on="subject", suffixes=("", "_of_event"))
    n = bars["end"].value_counts()
    lost = bars.loc[bars["end"] == LATELY, "subject"].tolist()
    finding = msg("{alive} of {total} alive", alive=int(len(bars) - n.get(DIED, 0)), total=len(bars))
    if lost:
        who = enumerated(sorted(lost)) if len(lost) <= MOST_NAMED else msg("{n} subjects", n=len(lost))
        finding = msg("{alive}; not seen lately: {who}", alive=finding, who=who)
    summary = msg(
        "A bar for each of {total} treated subjects, by dose level and length of follow-up. Died: {died}; not seen "
        "lately: "
        "{lost}; with a serious event: {serious}; with a DLT: {dlts}.",
        total=len(bars), died=int(n.get(DIED, 0)), lost=len(lost),
        serious=marks.loc[marks["event"] == SERIOUS, "subject"].nunique(),
        dlts=marks.loc[marks["event"] == "DLT", "subject"].nunique(),
    )  # fmt: skip
    labels = {
        "day": msg("Followed to day"), "end": msg("Follow-up ends"), "unseen": msg("Days not seen"),
        "said": msg("Course"), "what": msg("Event term"),
    }  # fmt: skip
    notes = [
        msg("An arrow: alive. An open circle: alive when last seen, but not seen lately. No mark: died."),
        *most_drawn_note(min(len(bars), MOST_DRAWN), len(bars)),
    ]
    return described(both, labels=labels, notes=notes, finding=finding, summary=summary)


def swimmer_marks(adtte: pd.DataFrame, domains: Domains, responses: pd.DataFrame) -> pd.DataFrame:
    """What happened on which day: subject, day, event, what (the term of a serious event or DLT).

    Infusions (EX dose above 0), serious adverse events and DLTs of the committee (AE with a complete start date, from
    the first infusion on), the response on the day it was assessed (CR or PR, or not; `responses`), new systemic
    therapy and relapse (FFS and NRM rows), death (OS), which is marked otherwise where its day is not known.
    """
    os = adtte[adtte["PARAMCD"].eq("OS")]
    start = os.set_index("USUBJID")["STARTDT"]
    ex, ae = domains["EX"], domains["AE"]
    ae = ae.assign(DAY=complete_date(ae["AESTDTC"]))
    inexact = os["EVNTDESC"].str.startswith("DEATH: ")
    nrm, ffs = (adtte[adtte["PARAMCD"].eq(p)] for p in ("NRM", "FFS"))
    parts = [
        *_responses(responses),
        _dated(ex.assign(DAY=complete_date(ex["EXSTDTC"]))[ex["EXDOSE"] > 0], "infusion"),
        _dated(ae[ae["AESER"].eq("Y")], SERIOUS, "AEDECOD"),
        _dated(ae[_committee_dlt(domains)], "DLT", "AEDECOD"),
        _dated(ffs[ffs["EVNTDESC"].str.startswith("NEW")].rename(columns={"ADT": "DAY"}), msg("new systemic therapy")),
        _dated(nrm[nrm["EVNTDESC"].eq("RELAPSE")].rename(columns={"ADT": "DAY"}), "relapse"),
        _dated(os[os["CNSR"].eq(0) & ~inexact].rename(columns={"ADT": "DAY"}), "death"),
        _dated(os[os["CNSR"].eq(0) & inexact].rename(columns={"ADT": "DAY"}), msg("death, day not known")),
    ]
    marks = pd.concat(parts, ignore_index=True)
    marks = marks[marks["USUBJID"].isin(start.index)]
    marks["day"] = (marks["DAY"] - start.reindex(marks["USUBJID"]).to_numpy()).dt.days.astype("Int64")
    marks = marks[marks["day"] >= 0].sort_values(["USUBJID", "day", "event"], kind="stable")
    marks = marks.merge(os[["USUBJID", "SUBJID"]].rename(columns={"SUBJID": "subject"}), on="USUBJID")
    return marks[["subject", "day", "event", "what"]].drop_duplicates().reset_index(drop=True)


def _responses(responses: pd.DataFrame) -> list[pd.DataFrame]:
    seen = responses[["USUBJID", "AVALC"]].assign(DAY=responses["ADT"])[responses["REASON"] != UNDELIVERED]
    yes = seen["AVALC"].isin(RESPONDERS)
    return [_dated(seen[yes], msg("response at day 28")), _dated(seen[~yes], msg("no response at day 28"))]


def _dated(records: pd.DataFrame, event: str, term: str = "") -> pd.DataFrame:
    what = (
        records[term].fillna("").astype("str") if term in records else pd.Series("", index=records.index, dtype="str")
    )
    kind = pd.Series(event, index=records.index, dtype="str")
    return records[["USUBJID", "DAY"]].assign(event=kind, what=what).dropna(subset=["USUBJID", "DAY"])


def _committee_dlt(domains: Domains) -> pd.Series:
    """Which AE records the committee called a DLT (SUPPAE AEDLT = Y)."""
    return adjudicated_dlt(domains["AE"], domains["SUPPAE"]).eq("Y")
