"""Intercurrent events of the response at day 28: new systemic therapy, steroid re-escalation, relapse (§2.7, A-53)."""

from __future__ import annotations

import numpy as np
import pandas as pd

from trialbook.core.dates import ONE_DAY, earliest_date, latest_date
from trialbook.core.domains import Domains
from trialbook.core.terms import find_term
from trialbook.drugs.records import drugs_in_force
from trialbook.efficacy.assessment_days import dates_of
from trialbook.efficacy.therapies import (
    as_starts,
    certain_therapies,
    clock_of,
    dated,
    drug_records,
    new_starts,
    open_records,
)
from trialbook.gvhd.steroids import long_runs, spans_of, steroid_days
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.drug_dictionary import DrugDictionary
from trialbook.safety.clinical_events import is_relapse

# ----------------------------------------------------------------------------------------------------
# Steroid courses after the infusion that may exceed the baseline dose, because a dose or a start is unknown.


def possible_escalations(domains: Domains, subjects: pd.DataFrame, analysis: Analysis) -> pd.DataFrame:
    """Runs of `steroid_escalation_days` days after the infusion on which the dose may be above that at the infusion.

    `subjects`: USUBJID TRTSDT CUTDT (DTHDT). Returns USUBJID EVNTDT (first day of the run) COUNTDT (day from which it
    counts) LASTDT CMSEQ CMTRT (the first record of the run that leaves it open), one row per run.

    1. A record is new when it may have started after the infusion; the others ran at the infusion.
    2. A day may be above baseline when a new record of it has no known dose, or when the known doses of the day, new
       ones included, exceed those that surely ran at the infusion. An old record without a dose is the same on both
       sides as long as it runs.
    Only subjects with a steroid record that is open in one of these ways are looked at: of all others
    `steroid_escalations` says it.
    """
    used = [name for name in ("USUBJID", "TRTSDT", "CUTDT", "DTHDT", "REFDT") if name in subjects]
    drugs, routes = drugs_in_force(analysis), tuple(analysis.local_routes)
    return domains.once(_possible_escalations, subjects[used], drugs, routes, analysis.steroid_escalation_days)


def _possible_escalations(
    domains: Domains, subjects: pd.DataFrame, drugs: DrugDictionary, local_routes: tuple[str, ...], least_days: int
) -> pd.DataFrame:
    spans = domains.once(spans_of, subjects, drugs, local_routes)
    spans = spans.merge(subjects[["USUBJID", "TRTSDT"]], on="USUBJID", validate="many_to_one")
    infusion = spans["TRTSDT"]
    new = ~(spans["laststart"] <= infusion)
    unknown = spans["MPEQ"].isna()
    spans = spans.assign(
        new=new, unknown=unknown, open=new & (unknown | ~(spans["start"] > infusion)) | (~new & unknown)
    )
    spans = spans[spans["USUBJID"].isin(spans.loc[spans["open"], "USUBJID"]) & ~(spans["stop"] < infusion)]
    base = spans[~spans["new"]].groupby("USUBJID")["MPEQ"].sum()
    days = _after_infusion(spans)
    daily = days.groupby(["USUBJID", "ADT"], as_index=False).agg(
        MPEQ=("MPEQ", "sum"), blind=("blind", "any"), CMSEQ=("CMSEQ", "first"), CMTRT=("CMTRT", "first"),
    )  # fmt: skip
    usual = daily["USUBJID"].map(base).astype("float64").fillna(0.0)
    # Nine decimals, as for the daily dose.
    high = daily[daily["blind"].astype("bool") | (daily["MPEQ"].round(9) > usual.round(9))]
    runs = long_runs(high, least_days)
    return pd.DataFrame(
        {
            "USUBJID": runs["USUBJID"],
            "EVNTDT": runs["ADT"],
            "COUNTDT": runs["COUNTDT"],
            "LASTDT": runs["COUNTDT"],
            "CMSEQ": runs["CMSEQ"],
            "CMTRT": runs["CMTRT"],
        }
    ).reset_index(drop=True)


def _after_infusion(spans: pd.DataFrame) -> pd.DataFrame:
    """One row per record and day after the infusion: USUBJID ADT MPEQ blind CMSEQ CMTRT, the open records first."""
    first = spans["start"].where(spans["start"] > spans["TRTSDT"], spans["TRTSDT"] + ONE_DAY)
    spans = spans.assign(first=first, blind=spans["new"] & spans["unknown"])
    spans = spans[spans["first"] <= spans["stop"]].sort_values(
        ["open", "CMSEQ"], ascending=[False, True], kind="stable"
    )
    length = ((spans["stop"] - spans["first"]) / ONE_DAY).astype("int64") + 1
    rows = spans.loc[spans.index.repeat(length)]
    offset = np.concatenate([np.arange(n) for n in length]) if len(length) else np.array([], dtype="int64")
    day = rows["first"] + pd.to_timedelta(offset, unit="D")
    return rows.assign(ADT=day.astype("datetime64[s]"))[["USUBJID", "ADT", "MPEQ", "blind", "CMSEQ", "CMTRT"]]


# ----------------------------------------------------------------------------------------------------

EVENT = ["USUBJID", "EVNTDT", "EVNTDESC", "CERTAIN", "SRCDOM", "SRCSEQ"]
POSSIBLE = ["USUBJID", "EVNTDT", "COUNTDT", "LASTDT", "EVNTDESC", "SRCDOM", "SRCSEQ", "WHY"]
STEROID_DOSE, START_DATE = "STEROID-DOSE", "START-DATE"


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

    1. A record of CM or PR that names a therapy of acute GVHD of the drug dictionary, by a systemic route (A-54); one
       that is often given for something else only where the record says that it was for GVHD (A-142). Or steroids
       above their baseline dose (`steroid_escalations`).
    2. It may have started after the first infusion. A partial date counts when any day it may mean does (P30:
       conservative, query); a start on the day of infusion only when its time is later.
    3. Not new: a drug that was running at the first infusion and continues without a gap at no higher dose.
    """
    starts = domains.once(_therapy_starts, clock_of(subjects), drugs_in_force(analysis), tuple(analysis.local_routes))
    if analysis.steroid_escalation_is_newtx:
        starts = pd.concat([starts, steroid_escalations(domains, subjects, analysis)], ignore_index=True)
    return starts.sort_values(["USUBJID", "EVNTDT", "SRCDOM", "SRCSEQ"], kind="stable", ignore_index=True)


def _therapy_starts(
    domains: Domains, clock: pd.DataFrame, dictionary: DrugDictionary, local_routes: tuple[str, ...]
) -> pd.DataFrame:
    """`therapy_starts` of the records of CM and PR; `clock`: `clock_of` the subjects."""
    records = certain_therapies(drug_records(domains, dictionary, local_routes))
    return as_starts(new_starts(dated(records), clock))


def possible_therapies(domains: Domains, subjects: pd.DataFrame, analysis: Analysis) -> pd.DataFrame:
    """Every systemic record that may be new anti-aGVHD therapy after the first infusion, without being certain.

    `subjects` as for `therapy_starts`. Returns USUBJID EVNTDT (first day it may have started) COUNTDT (day from which
    it would count) LASTDT (last day it may have started) EVNTDESC SRCDOM SRCSEQ WHY, by subject and date. Where a
    certain therapy (`new_therapy`, CERTAIN = Y) is counted by a horizon, these decide nothing; else each row with
    COUNTDT on or before the horizon leaves it open. WHY:

    - UNCLASSIFIED, NEAR-NAME, OTHER-USE, BACKGROUND-STARTED: see `open_records`.
    - STEROID-DOSE: a steroid course whose dose or start is not known may exceed the baseline dose (A-53).
    - START-DATE: a therapy whose partial start date may lie before the infusion, or after a horizon (P30).
    """
    starts = therapy_starts(domains, subjects, analysis)
    partial = starts[
        ~starts["INSIDE"].astype("bool") | ~(starts["EVNTDT"] >= starts["LASTDT"]) & starts["SRCSEQ"].notna()
    ]
    found = [partial.assign(WHY=START_DATE), open_records(domains, subjects, analysis)]
    if analysis.steroid_escalation_is_newtx:
        runs = possible_escalations(domains, subjects, analysis)
        runs = runs.rename(columns={"CMSEQ": "SRCSEQ", "CMTRT": "EVNTDESC"}).assign(SRCDOM="CM", WHY=STEROID_DOSE)
        known = starts.loc[starts["SRCSEQ"].isna(), ["USUBJID", "EVNTDT"]]
        same = runs.merge(known, on=["USUBJID", "EVNTDT"], how="left", indicator=True)["_merge"].eq("both")
        found.append(runs[~same.to_numpy()])
    every = pd.concat(found, ignore_index=True)[POSSIBLE].astype({"WHY": "str", "SRCDOM": "str"})
    return every.sort_values(["USUBJID", "EVNTDT", "SRCDOM", "SRCSEQ"], kind="stable", ignore_index=True)


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
    drugs, routes = drugs_in_force(analysis), tuple(analysis.local_routes)
    return domains.once(_steroid_escalations, subjects[used], drugs, routes, analysis.steroid_escalation_days)


def _steroid_escalations(
    domains: Domains, subjects: pd.DataFrame, drugs: DrugDictionary, local_routes: tuple[str, ...], least_days: int
) -> pd.DataFrame:
    frame = steroid_days(domains, subjects, drugs, local_routes).merge(
        clock_of(subjects), on="USUBJID", how="inner", validate="many_to_one"
    )
    at_infusion = frame[frame["ADT"] == frame["TRTSDT"]].set_index("USUBJID")["MPEQ"]
    known = frame["USUBJID"].isin(at_infusion.index)
    base = frame["USUBJID"].map(at_infusion).where(known, 0.0).astype("float64")
    high = frame[(frame["ADT"] > frame["TRTSDT"]) & (frame["MPEQ"] > base)]
    high = high.sort_values(["USUBJID", "ADT"], kind="stable")
    long = long_runs(high, least_days).drop_duplicates("USUBJID")
    return pd.DataFrame(
        {
            "USUBJID": long["USUBJID"],
            "EVNTDT": long["ADT"],
            "COUNTDT": long["COUNTDT"],
            "LASTDT": long["COUNTDT"],
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


def relapse_records(domains: Domains, subjects: pd.DataFrame) -> pd.DataFrame:
    """Relapses of the malignancy that may lie after the first infusion: USUBJID TRTSDT RELAPDT LAST WHAT SRCSEQ.

    RELAPDT and LAST are the first day after the infusion and the last day that the date of onset may mean; LAST is
    missing where there is no date. `subjects` needs USUBJID TRTSDT.
    """
    ce = domains["CE"]
    ce = ce[is_relapse(ce)]
    when = ce["CESTDTC"]
    rows = pd.DataFrame({
        "USUBJID": ce["USUBJID"], "RELAPDT": earliest_date(when), "LAST": latest_date(when),
        "WHAT": ce["CEDECOD"].fillna(ce["CETERM"]), "SRCSEQ": ce["CESEQ"].astype("Int64"),
    })  # fmt: skip
    rows = rows.merge(subjects[["USUBJID", "TRTSDT"]], on="USUBJID")
    day_after = rows["TRTSDT"] + ONE_DAY
    rows["RELAPDT"] = rows["RELAPDT"].fillna(day_after).clip(lower=day_after)
    rows = rows[~(rows["LAST"] <= rows["TRTSDT"])]
    return rows.sort_values(["USUBJID", "RELAPDT"], kind="stable").reset_index(drop=True)


def _relapse_dates(domains: Domains, subjects: pd.DataFrame) -> pd.DataFrame:
    return relapse_records(domains, subjects).drop_duplicates("USUBJID")[["USUBJID", "RELAPDT"]]


def cell_infusions(domains: Domains, subjects: pd.DataFrame, analysis: Analysis) -> pd.DataFrame:
    """The first donor lymphocyte infusion after the first infusion: a name in CM or PR with a term of `dli_terms`.

    Returns USUBJID DLIDT; of a partial date the first day it may have been (§2.7).
    """
    terms = list(analysis.dli_terms)
    both = pd.concat([_named(domains, code, terms) for code in ("CM", "PR")], ignore_index=True)
    rows = both.merge(subjects[["USUBJID", "TRTSDT"]], on="USUBJID", how="inner", validate="many_to_one")
    rows = rows[~(rows["LAST"] <= rows["TRTSDT"])]
    day_after = rows["TRTSDT"] + ONE_DAY
    when = rows["FIRST"].fillna(day_after).clip(lower=day_after)
    found = rows.assign(DLIDT=when).sort_values(["USUBJID", "DLIDT"], kind="stable")
    return found.drop_duplicates("USUBJID")[["USUBJID", "DLIDT"]].reset_index(drop=True)


def _named(domains: Domains, code: str, terms: list[str]) -> pd.DataFrame:
    """The records of a domain whose name has one of the terms: USUBJID FIRST LAST (possible days of the start)."""
    rows = domains[code]
    name = rows[f"{code}DECOD"].fillna("") + " " + rows[f"{code}TRT"].fillna("")
    rows = rows[find_term(name, terms) != ""]
    start = rows[f"{code}STDTC"]
    return pd.DataFrame({"USUBJID": rows["USUBJID"], "FIRST": earliest_date(start), "LAST": latest_date(start)})


def first_relapse(relapsed: pd.DataFrame, subjects: pd.DataFrame) -> pd.DataFrame:
    """Those of `relapse_dates` on or before each subject's HORIZON."""
    horizon = dates_of(relapsed["USUBJID"], subjects.set_index("USUBJID")["HORIZON"])
    return relapsed[relapsed["RELAPDT"] <= horizon].reset_index(drop=True)
