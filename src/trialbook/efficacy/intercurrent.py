"""Intercurrent events of the response at day 28: new systemic therapy, steroid re-escalation, relapse (domain §2.7)."""

from __future__ import annotations

import numpy as np
import pandas as pd

from trialbook.dates import earliest_date, latest_date, missing_part, time_of_day
from trialbook.domains import Domains
from trialbook.efficacy.assessments import dates_of
from trialbook.efficacy.possible_steroids import possible_escalations
from trialbook.gvhd.steroids import is_systemic, steroid_days, steroid_factor
from trialbook.protocol.analysis import Analysis
from trialbook.terms import find_term

EVENT = ["USUBJID", "EVNTDT", "EVNTDESC", "CERTAIN", "SRCDOM", "SRCSEQ"]
POSSIBLE = ["USUBJID", "EVNTDT", "COUNTDT", "LASTDT", "EVNTDESC", "SRCDOM", "SRCSEQ", "WHY"]
# A stop and a start one day apart are one continued therapy.
ONE_DAY = pd.Timedelta(days=1)


def new_therapy(domains: Domains, subjects: pd.DataFrame, analysis: Analysis) -> pd.DataFrame:
    """The first new systemic anti-aGVHD therapy of each subject after the first infusion and to HORIZON.

    `subjects`: USUBJID TRTSDT TRTSDTM CUTDT HORIZON (date of the day-28 assessment, else of day 28). Returns EVENT
    columns: EVNTDT (first day it may have started), EVNTDESC (the drug), CERTAIN (Y, or blank where a partial start
    date also allows a start outside), one row per subject.
    """
    return first_therapy(therapy_starts(domains, subjects, analysis), subjects)


def therapy_starts(domains: Domains, subjects: pd.DataFrame, analysis: Analysis) -> pd.DataFrame:
    """Every new systemic anti-aGVHD therapy after the first infusion, whenever it was.

    Returns USUBJID EVNTDT (first day it may have started) COUNTDT (day from which it counts) LASTDT (last day it may
    have started) INSIDE (its whole range lies after the infusion) EVNTDESC SRCDOM SRCSEQ, by subject and date.

    1. A record of CM or PR whose name has a term of `gvhdtx`, not one of `nonsystemic_drugs`, by a systemic route
       (A-54), or steroids above their baseline dose (`steroid_escalations`).
    2. It may have started after the first infusion. A partial date counts when any day it may mean does (P30:
       conservative, query); a start on the day of infusion only when its time is later.
    3. Not new: a drug that was running at the first infusion and continues without a gap at no higher dose.
    """
    names = tuple(analysis.gvhdtx), tuple(analysis.nonsystemic_drugs), tuple(analysis.local_routes)
    starts = domains.once(_therapy_starts, _clock(subjects), *names)
    if analysis.steroid_escalation_is_newtx:
        starts = pd.concat([starts, steroid_escalations(domains, subjects, analysis)], ignore_index=True)
    return starts.sort_values(["USUBJID", "EVNTDT", "SRCDOM", "SRCSEQ"], kind="stable", ignore_index=True)


def _therapy_starts(
    domains: Domains, clock: pd.DataFrame, drugs: tuple[str, ...], local_drugs: tuple[str, ...],
    local_routes: tuple[str, ...],
) -> pd.DataFrame:  # fmt: skip
    """`therapy_starts` of the records of CM and PR; `clock`: `_clock` of the subjects."""
    records = _therapies(domains, drugs)
    records = records[is_systemic(records, local_routes) & (find_term(records["NAME"], local_drugs) == "")]
    frame = records.merge(clock, on="USUBJID", how="inner", validate="many_to_one")
    frame = frame[_may_start_after_infusion(frame)]
    return _starts(frame[~_continued(frame, records)])


def _starts(frame: pd.DataFrame) -> pd.DataFrame:
    """The columns of `therapy_starts` for records that may have started after the infusion."""
    day_after = frame["TRTSDT"] + ONE_DAY
    first = frame["FIRST"].where(frame["FIRST"] >= frame["TRTSDT"], day_after).fillna(day_after)
    return pd.DataFrame(
        {
            "USUBJID": frame["USUBJID"],
            "EVNTDT": first,
            "COUNTDT": first,
            "LASTDT": frame["LAST"],
            "INSIDE": (frame["PART"] == "") | (frame["FIRST"] > frame["TRTSDT"]),
            "EVNTDESC": frame["NAME"],
            "SRCDOM": frame["SRCDOM"],
            "SRCSEQ": frame["SRCSEQ"],
        }
    )


def possible_therapies(domains: Domains, subjects: pd.DataFrame, analysis: Analysis) -> pd.DataFrame:
    """Every systemic record that may be new anti-aGVHD therapy after the first infusion, without being certain.

    `subjects` as for `therapy_starts`. Returns USUBJID EVNTDT (first day it may have started) COUNTDT (day from which
    it would count) LASTDT (last day it may have started) EVNTDESC SRCDOM SRCSEQ WHY, by subject and date. Where a
    certain therapy (`new_therapy`, CERTAIN = Y) is counted by a horizon, these decide nothing; else each row with
    COUNTDT on or before the horizon leaves it open. WHY:

    - UNCLASSIFIED: the drug is in no list of the trial.
    - STEROID-DOSE: a steroid course whose dose or start is not known may exceed the baseline dose (A-53).
    - START-DATE: a therapy whose partial start date may lie before the infusion, or after a horizon (P30).
    """
    starts = therapy_starts(domains, subjects, analysis)
    partial = starts[
        ~starts["INSIDE"].astype("bool") | ~(starts["EVNTDT"] >= starts["LASTDT"]) & starts["SRCSEQ"].notna()
    ]
    found = [partial.assign(WHY="START-DATE"), _unclassified(domains, subjects, analysis).assign(WHY="UNCLASSIFIED")]
    if analysis.steroid_escalation_is_newtx:
        runs = possible_escalations(domains, subjects, analysis)
        runs = runs.rename(columns={"CMSEQ": "SRCSEQ", "CMTRT": "EVNTDESC"}).assign(SRCDOM="CM", WHY="STEROID-DOSE")
        known = starts.loc[starts["SRCSEQ"].isna(), ["USUBJID", "EVNTDT"]]
        same = runs.merge(known, on=["USUBJID", "EVNTDT"], how="left", indicator=True)["_merge"].eq("both")
        found.append(runs[~same.to_numpy()])
    every = pd.concat(found, ignore_index=True)[POSSIBLE].astype({"WHY": "str", "SRCDOM": "str"})
    return every.sort_values(["USUBJID", "EVNTDT", "SRCDOM", "SRCSEQ"], kind="stable", ignore_index=True)


def _unclassified(domains: Domains, subjects: pd.DataFrame, analysis: Analysis) -> pd.DataFrame:
    """Records of CM for GVHD whose drug is in no list, in the columns of `therapy_starts`."""
    cm = domains["CM"]
    name = cm["CMDECOD"].fillna("") + " " + cm["CMTRT"].fillna("")
    listed = find_term(name, [*analysis.gvhdtx, *analysis.nonsystemic_drugs]).ne("") | steroid_factor(cm).notna()
    indicated = cm["CMCAT"].fillna("") + " " + (cm["CMINDC"].fillna("") if "CMINDC" in cm else "")
    chosen = ~listed & indicated.str.contains("GVHD", regex=False) & ~indicated.str.contains("PROPHYLA", regex=False)
    rows = _dated(_named("CM", cm)[chosen])
    rows = rows[is_systemic(rows, analysis.local_routes)].merge(_clock(subjects), on="USUBJID", how="inner")
    return _starts(rows[_may_start_after_infusion(rows)])


def first_therapy(starts: pd.DataFrame, subjects: pd.DataFrame) -> pd.DataFrame:
    """The first of `therapy_starts` to each subject's HORIZON, a certain one before a possible one: EVENT columns."""
    horizon = dates_of(starts["USUBJID"], subjects.set_index("USUBJID")["HORIZON"])
    reached = (starts["COUNTDT"] <= horizon).to_numpy()
    certain = starts["INSIDE"].to_numpy("bool") & (starts["LASTDT"] <= horizon).to_numpy()
    # A certain start decides over a possible one, so that a query is raised only where the reason hangs on it.
    subject = pd.factorize(starts["USUBJID"])[0]
    order = np.lexsort([~certain, subject])
    order = order[reached[order]]
    chosen = order[np.unique(subject[order], return_index=True)[1]]
    told = pd.array(np.where(certain[chosen], "Y", ""), dtype="str")
    return starts.iloc[chosen].assign(CERTAIN=told)[EVENT].reset_index(drop=True)


def steroid_escalations(domains: Domains, subjects: pd.DataFrame, analysis: Analysis) -> pd.DataFrame:
    """Steroids above the dose of the day of infusion for `steroid_escalation_days` days running (A-53).

    Returns the columns of `therapy_starts` for the first such run of each subject; it counts from the day on which it
    is long enough. A day whose dose is not known ends a run.
    """
    used = [name for name in ("USUBJID", "TRTSDT", "TRTSDTM", "CUTDT", "DTHDT", "REFDT") if name in subjects]
    routes = tuple(analysis.local_routes)
    return domains.once(_steroid_escalations, subjects[used], routes, analysis.steroid_escalation_days)


def _steroid_escalations(
    domains: Domains, subjects: pd.DataFrame, local_routes: tuple[str, ...], least_days: int
) -> pd.DataFrame:
    frame = steroid_days(domains, subjects, local_routes).merge(
        _clock(subjects), on="USUBJID", how="inner", validate="many_to_one"
    )
    at_infusion = frame[frame["ADT"] == frame["TRTSDT"]].set_index("USUBJID")["MPEQ"]
    known = frame["USUBJID"].isin(at_infusion.index)
    base = frame["USUBJID"].map(at_infusion).where(known, 0.0).astype("float64")
    high = frame[(frame["ADT"] > frame["TRTSDT"]) & (frame["MPEQ"] > base)]
    high = high.sort_values(["USUBJID", "ADT"], kind="stable")
    same = (high["ADT"].diff() == ONE_DAY) & (high["USUBJID"] == high["USUBJID"].shift())
    begins = np.flatnonzero(~same)
    days = np.diff(begins, append=len(high))
    long = high.iloc[begins[days >= least_days]].drop_duplicates("USUBJID").rename(columns={"ADT": "EVNTDT"})
    counts = long["EVNTDT"] + (least_days - 1) * ONE_DAY
    return pd.DataFrame(
        {
            "USUBJID": long["USUBJID"],
            "EVNTDT": long["EVNTDT"],
            "COUNTDT": counts,
            "LASTDT": counts,
            "INSIDE": True,
            "EVNTDESC": pd.Series("steroid above baseline dose", index=long.index, dtype="str"),
            "SRCDOM": pd.Series("CM", index=long.index, dtype="str"),
            "SRCSEQ": pd.Series(pd.NA, index=long.index, dtype="Int64"),
        }
    )


def relapses(domains: Domains, subjects: pd.DataFrame) -> pd.DataFrame:
    """The first relapse of the malignancy (CE term RELAPSE) after the first infusion and to HORIZON: USUBJID RELAPDT.

    Without a complete date, the first day after the infusion that it may have been.
    """
    return first_relapse(relapse_dates(domains, subjects), subjects)


def relapse_dates(domains: Domains, subjects: pd.DataFrame) -> pd.DataFrame:
    """The first relapse after the first infusion, whenever it was: USUBJID RELAPDT."""
    return domains.once(_relapse_dates, subjects[["USUBJID", "TRTSDT"]])


def _relapse_dates(domains: Domains, subjects: pd.DataFrame) -> pd.DataFrame:
    ce = domains["CE"]
    named = ce["CEDECOD"].fillna("").str.upper() + " " + ce["CETERM"].fillna("").str.upper()
    ce = ce[named.str.contains("RELAPSE", regex=False)]
    when = ce["CESTDTC"]
    rows = pd.DataFrame({"USUBJID": ce["USUBJID"], "RELAPDT": earliest_date(when), "LAST": latest_date(when)})
    rows = rows.merge(subjects, on="USUBJID")
    day_after = rows["TRTSDT"] + ONE_DAY
    rows["RELAPDT"] = rows["RELAPDT"].fillna(day_after).clip(lower=day_after)
    rows = rows[~(rows["LAST"] <= rows["TRTSDT"])]
    return rows.sort_values(["USUBJID", "RELAPDT"], kind="stable").drop_duplicates("USUBJID")[["USUBJID", "RELAPDT"]]


def cell_infusions(domains: Domains, subjects: pd.DataFrame, analysis: Analysis) -> pd.DataFrame:
    """The first donor lymphocyte infusion after the first infusion: a name in CM or PR with a term of `dli_terms`.

    Returns USUBJID DLIDT; of a partial date the first day it may have been (§2.7).
    """
    rows = _therapies(domains, tuple(analysis.dli_terms)).merge(
        subjects[["USUBJID", "TRTSDT"]], on="USUBJID", how="inner", validate="many_to_one"
    )
    rows = rows[~(rows["LAST"] <= rows["TRTSDT"])]
    day_after = rows["TRTSDT"] + ONE_DAY
    when = rows["FIRST"].fillna(day_after).clip(lower=day_after)
    found = rows.assign(DLIDT=when).sort_values(["USUBJID", "DLIDT"], kind="stable")
    return found.drop_duplicates("USUBJID")[["USUBJID", "DLIDT"]].reset_index(drop=True)


def first_relapse(relapsed: pd.DataFrame, subjects: pd.DataFrame) -> pd.DataFrame:
    """Those of `relapse_dates` on or before each subject's HORIZON."""
    horizon = dates_of(relapsed["USUBJID"], subjects.set_index("USUBJID")["HORIZON"])
    return relapsed[relapsed["RELAPDT"] <= horizon].reset_index(drop=True)


def _clock(subjects: pd.DataFrame) -> pd.DataFrame:
    start = time_of_day(subjects["TRTSDTM"]) if "TRTSDTM" in subjects else float("nan")
    return subjects[["USUBJID", "TRTSDT"]].assign(START=start)


def _therapies(domains: Domains, terms: tuple[str, ...]) -> pd.DataFrame:
    """The records of CM and PR whose name has one of the terms: which, possible first and last start, dose, end."""
    both = pd.concat([_named("CM", domains["CM"]), _named("PR", domains["PR"])], ignore_index=True)
    rows = both.assign(TERM=find_term(both["NAME"], terms))
    # Dates are read of the few records that are asked for.
    return _dated(rows[rows["TERM"] != ""])


def _dated(rows: pd.DataFrame) -> pd.DataFrame:
    """Records of `_named` with the possible first and last start, its time, and the last possible end."""
    start = rows["START"]
    return rows.drop(columns=["START", "END"]).assign(
        FIRST=earliest_date(start), LAST=latest_date(start), TIME=time_of_day(start), PART=missing_part(start),
        STOP=latest_date(rows["END"]), UNIT=rows["UNIT"].fillna("").str.upper(),
    )  # fmt: skip


def _named(domain: str, rows: pd.DataFrame) -> pd.DataFrame:
    """All records of CM or PR with the name that was reported and coded; a procedure has no dose and no route."""
    decoded, reported = rows[f"{domain}DECOD"].fillna(""), rows[f"{domain}TRT"].fillna("")
    same = decoded.str.casefold() == reported.str.casefold()
    drug = domain == "CM"
    return pd.DataFrame(
        {
            "USUBJID": rows["USUBJID"],
            "NAME": reported.where(same, decoded + " " + reported).str.strip(),
            "START": rows[f"{domain}STDTC"],
            "END": rows[f"{domain}ENDTC"],
            "DOSE": rows["CMDOSE"].astype("float64") if drug else float("nan"),
            "UNIT": rows["CMDOSU"] if drug else "",
            "CMROUTE": rows["CMROUTE"] if drug else "",
            "SRCDOM": domain,
            "SRCSEQ": rows[f"{domain}SEQ"].astype("Int64"),
        }
    )


def _started_before_infusion(frame: pd.DataFrame) -> pd.Series:
    """Whether a start lies surely before the first infusion, or on its day and not at a later time."""
    later_that_day = (frame["PART"] == "") & (frame["LAST"] == frame["TRTSDT"]) & (frame["TIME"] > frame["START"])
    return (frame["LAST"] <= frame["TRTSDT"]) & ~later_that_day


def _may_start_after_infusion(frame: pd.DataFrame) -> pd.Series:
    """Whether a start may lie after the first infusion; a therapy that ended before that day did not."""
    return ~_started_before_infusion(frame) & ~(frame["STOP"] < frame["TRTSDT"])


def _continued(frame: pd.DataFrame, records: pd.DataFrame) -> pd.Series:
    """Whether a record continues, without a gap and at no higher dose, the same drug that ran at the infusion.

    A continued record may itself be continued by the next one.
    """
    started = frame.assign(ROW=range(len(frame)))
    old = records.merge(started.drop_duplicates("USUBJID")[["USUBJID", "TRTSDT", "START"]], on="USUBJID")
    running = _started_before_infusion(old) & ~(old["STOP"] < old["TRTSDT"])
    chain = old.loc[running, ["USUBJID", "TERM", "STOP", "DOSE", "UNIT"]]
    continued: set[int] = set()
    while len(chain):
        pairs = started.merge(chain, on=["USUBJID", "TERM"], suffixes=("", "_OLD"))
        no_gap = pairs["STOP_OLD"].isna() | (pairs["FIRST"] <= pairs["STOP_OLD"] + ONE_DAY)
        no_higher = (pairs["DOSE"] <= pairs["DOSE_OLD"]) | (pairs["DOSE"].isna() & pairs["DOSE_OLD"].isna())
        fits = no_gap & no_higher & (pairs["UNIT"] == pairs["UNIT_OLD"])
        new = set(pairs.loc[fits, "ROW"].astype("int64")) - continued
        chain = started[started["ROW"].isin(new)][chain.columns]
        continued |= new
    return pd.Series(started["ROW"].isin(continued).to_numpy(), index=frame.index)
