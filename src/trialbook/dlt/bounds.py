"""Worst and best case of the DLT rate over everything that is still open, subject by subject (rulebook §14.3)."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from trialbook.core.domains import Domains
from trialbook.dlt.addlt import through_the_window, window_status
from trialbook.dlt.events import AWAITED, CONFIRMED, OUTSIDE, UNDATED, UNNAMED, contradicted_events
from trialbook.dlt.followup import left_early, other_trial_drug, surely_other_trial_drug
from trialbook.protocol.models import Protocol
from trialbook.protocol.study_data import StudyData
from trialbook.results.ard import TOTAL, ArdRow
from trialbook.results.bounds import CASES, case_rows
from trialbook.safety.adjudication import adjudicated_dlt
from trialbook.safety.dlt_candidates import dlt_candidates
from trialbook.subjects.deaths import death_reports, doubtful_deaths
from trialbook.subjects.dlt_status import NO_DLT, NOT_EVALUABLE, PENDING, PENDING_DATA

# What a subject counts as in one case.
WITH_DLT, FREE, OUT = "DLT", "FREE", "OUT"


def dlt_bounds_rows(facts: pd.DataFrame, protocol: Protocol) -> list[ArdRow]:
    """BOUNDS of DLT by dose level and Total, one context per case; none where DLT is not an endpoint.

    n: subjects with a DLT; N: evaluable subjects; worst is high. `facts`: `dlt_facts`. In the worst case everybody who
    may have a DLT has one, and everybody who may turn out not to be evaluable is not (that raises the rate of the
    others); in the best case everybody who may be evaluable without a DLT is, and a subject with a doubtful DLT who may
    drop out does. So N may differ between the two; both are attained (A-138). With N = 0 the estimate is null.
    """
    rows: list[ArdRow] = []
    for level in [*protocol.level_ids, TOTAL] if protocol.has_endpoint("DLT") else []:
        group = facts if level == TOTAL else facts[facts["TRT01A"].eq(level)]
        rows += _level_rows(level, group)
    return rows


def dlt_facts(adsl: pd.DataFrame, events: pd.DataFrame, study: StudyData) -> pd.DataFrame:
    """What each treated subject may turn out to be: USUBJID SUBJID TRT01A MAYDLT MAYFREE MAYOUT PENDING.

    MAYDLT: a DLT; MAYFREE: evaluable without one; MAYOUT: not evaluable. One of them alone is certain. PENDING: the
    window is open. `events`: `dlt_events` of the same ADSL.

    | open fact                                                        | may be                                   |
    |------------------------------------------------------------------|------------------------------------------|
    | candidate not adjudicated, onset unresolved, flags Y and N both, | a DLT, or what the window says           |
    | flag Y on an event dated outside the window or on no event       |                                          |
    | event without grade or relationship that would be a candidate    | a DLT, or what the window says           |
    | closed window without contact to its end                         | a DLT, free of one, not evaluable        |
    | dose unknown                                                     | free, not evaluable                      |
    | left early, though records show contact on or after the end      | not evaluable, free                      |
    | death in the window that no adverse event explains               | not evaluable, a DLT (a related death)   |
    | death that may lie on either side of the end, or is in doubt     | not evaluable, free                      |
    | drug of another trial that may have begun outside the window     | not evaluable, free                      |
    """
    with_endpoint = adsl["SAFFL"].eq("Y") & study.protocol.has_endpoint("DLT")
    treated = adsl[with_endpoint].sort_values("USUBJID", kind="stable").reset_index(drop=True)
    treated = through_the_window(treated.assign(CUTDT=study.cut_date), study)
    window = window_status(treated, study)
    documented = treated["FUPDT"] >= treated["WINENDT"]
    waits = window.eq(PENDING_DATA)
    either = _may_be_evaluable(treated, study)
    people = treated["USUBJID"]
    sure = people.isin(_sure_dlts(events, study.domains))
    doubted = people.isin(_doubted_dlts(events, treated, study))
    unexplained = treated["DTHDT"].notna() & window.eq(NOT_EVALUABLE) & ~people.isin(_explained_deaths(study.domains))
    unexplained &= treated["DTHDT"] < treated["WINENDT"]
    free = window.eq(NO_DLT) | waits | (window.eq(NOT_EVALUABLE) & either)
    out = window.eq(NOT_EVALUABLE) | waits | (window.eq(NO_DLT) & either)
    return treated[["USUBJID", "SUBJID", "TRT01A"]].assign(
        MAYDLT=sure | doubted | (waits & ~documented) | unexplained,
        MAYFREE=free & ~sure,
        MAYOUT=out & ~sure,
        PENDING=window.eq(PENDING) & ~sure,
    )


def _level_rows(level: str, facts: pd.DataFrame) -> Iterator[ArdRow]:
    fates = {case: _fates(facts, case) for case in CASES}
    for case, fate in fates.items():
        other = fates[case.replace("worst", "best") if case.startswith("worst") else case.replace("best", "worst")]
        either = facts["MAYFREE"].astype(bool) & facts["MAYOUT"].astype(bool)
        deciding = ", ".join(facts.loc[fate.ne(other) | either, "SUBJID"].astype("str"))
        n, total = int(fate.eq(WITH_DLT).sum()), int(fate.ne(OUT).sum())
        yield from case_rows(level, "DLT", case, n, total, n / total if total else None, deciding)


def _fates(facts: pd.DataFrame, case: str) -> pd.Series:
    """WITH_DLT, FREE or OUT for each subject in one case. A pending subject is OUT, unless it is counted too."""
    may = {name: facts[name].astype(bool) for name in ("MAYDLT", "MAYFREE", "MAYOUT", "PENDING")}
    dlt, free, out = may["MAYDLT"], may["MAYFREE"], may["MAYOUT"]
    if CASES[case]:
        dlt, free = dlt | may["PENDING"], free | may["PENDING"]
    else:
        out = out | may["PENDING"]
    if case.startswith("worst"):
        # Who may be left out is, also where there is no DLT: fewer subjects without one say less. Somebody has to stay.
        stays = free & ~out
        stays = stays if (stays | dlt).any() else free
    else:
        stays, dlt = free, dlt & ~free & ~out
    fate = pd.Series(OUT, index=facts.index, dtype="str").mask(stays, FREE)
    return fate.mask(dlt, WITH_DLT)


def _may_be_evaluable(treated: pd.DataFrame, study: StudyData) -> pd.Series:
    """Whether it is open if something ended the window early: the only causes are such that may be wrong."""
    ends, died = treated["WINENDT"], treated["DTHDT"].notna()
    first, last = (treated.get(name, treated["DTHDT"]).fillna(treated["DTHDT"]) for name in ("DTHLODT", "DTHHIDT"))
    domains, analysis = study.domains, study.analysis
    in_doubt = treated["USUBJID"].isin(doubtful_deaths(domains, study.cut_date))
    left, other = left_early(treated, domains), other_trial_drug(treated, domains, analysis)
    contact = treated["FUPDT"] >= ends
    surely = (died & (last < ends) & ~in_doubt) | (left.notna() & ~contact)
    surely |= surely_other_trial_drug(treated, domains, analysis)
    surely |= treated["DOSEFRAC"] < analysis.dlt_min_dose_frac
    maybe = (died & (first < ends)) | left.notna() | other.notna()
    return maybe & ~surely


def _sure_dlts(events: pd.DataFrame, domains: Domains) -> set[str]:
    """Subjects with an event that the committee flagged Y and not N as well, with its onset in the window."""
    confirmed = events[events["ROLE"].eq(CONFIRMED)]
    both = contradicted_events(domains)
    keys = zip(confirmed["USUBJID"], confirmed["AESEQ"], strict=True)
    return {str(subject) for subject, number in keys if (str(subject), int(number)) not in both}


def _doubted_dlts(events: pd.DataFrame, treated: pd.DataFrame, study: StudyData) -> set[str]:
    """Subjects with an event, or a flag, that may be a DLT of the window."""
    open_ones = events["ROLE"].isin([CONFIRMED, AWAITED, UNDATED, UNNAMED, OUTSIDE])
    named = set(events.loc[open_ones, "USUBJID"])
    return {str(subject) for subject in named} | _would_be_candidates(treated, study)


def _would_be_candidates(treated: pd.DataFrame, study: StudyData) -> set[str]:
    """Subjects with an event of the window whose missing grade or relationship could make it a candidate."""
    domains = study.domains
    ae = domains["AE"]
    ae = ae[ae["USUBJID"].isin(treated["USUBJID"])]
    no_grade, no_relation = ae["AETOXGR"].fillna("").eq(""), ae["AEREL"].fillna("").eq("")
    ae = ae[no_grade | no_relation].sort_values(["USUBJID", "AESEQ"], kind="stable").reset_index(drop=True)
    if ae.empty:
        return set()
    found: set[str] = set()
    dead = ae["USUBJID"].isin(treated.loc[treated["DTHDT"].notna(), "USUBJID"])
    asked = adjudicated_dlt(ae, domains["SUPPAE"]).eq("")
    related = ae["AEREL"].where(ae["AEREL"].fillna("").ne(""), "RELATED")
    # No grade makes more events candidates than 4, unless the subject has died of the event.
    for grade, who in (("4", asked), ("5", asked & dead)):
        graded = ae["AETOXGR"].where(ae["AETOXGR"].fillna("").ne(""), grade)
        filled = ae.assign(AETOXGR=graded, AEREL=related)[who].reset_index(drop=True)
        if len(filled):
            candidates = dlt_candidates(filled, treated, domains, study.protocol, study.analysis)
            found |= set(candidates.loc[candidates["DLTCAND"].eq("Y"), "USUBJID"].astype("str"))
    return found


def _explained_deaths(domains: Domains) -> set[str]:
    """Subjects whose death an adverse event explains: its relationship says whether it was related."""
    reports = death_reports(domains)
    return {str(subject) for subject in reports.loc[reports["SOURCE"].eq("AE"), "USUBJID"]}
