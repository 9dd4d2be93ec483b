"""Worst and best case of overall survival at one day over everything that is still open (rulebook §14.3).

S(t) falls when a death that lies before t is moved later, since more subjects are then censored before it and their
share passes to the one who dies; it is highest when the subject outlives t. So each open subject has a worst and a best
case of its own, whatever becomes of the others, and both bounds are attained.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from trialbook.core.dates import rel_day
from trialbook.core.domains import Domains
from trialbook.efficacy.adtte import unresolved_subjects
from trialbook.protocol.study_data import StudyData
from trialbook.results.ard import TOTAL, ArdRow
from trialbook.results.bounds import CASES, case_rows
from trialbook.statistics.kaplan_meier import kaplan_meier
from trialbook.subjects.deaths import doubtful_deaths

# ----------------------------------------------------------------------------------------------------
# Which domains survival and its relatives rest on, and whether they were delivered (rulebook §14.2).


# DM and AE are always there; SS alone may be missing: a death has its place in DM, DS and AE.
NEEDS: Mapping[str, tuple[str, ...]] = {"OS": ("DS",), "NRM": ("DS", "CE"), "FFS": ("DS", "CE", "CM")}
WORDS = {"DS": "disposition (DS)", "CE": "relapse (CE)", "CM": "medication (CM)"}


def undelivered(parameter: str, domains: Domains) -> list[str]:
    """The domains that an endpoint of ADTTE needs and that the snapshot does not hold; empty = it can be estimated.

    A domain that was delivered without records is delivered: it says that there was nothing.
    """
    return [code for code in NEEDS.get(parameter, ()) if not domains.delivered(code)]


def why_not_evaluable(parameter: str, domains: Domains) -> str:
    """`Not evaluable: disposition (DS) was not delivered.`; blank where everything needed was delivered."""
    missing = undelivered(parameter, domains)
    were = "was" if len(missing) == 1 else "were"
    return f"Not evaluable: {' and '.join(WORDS[code] for code in missing)} {were} not delivered." if missing else ""


# ----------------------------------------------------------------------------------------------------

# The fate of a subject in one case: dead on a day up to t, alive on day t, or censored before it.
DIES, LIVES, CENSORED = "DIES", "LIVES", "CENSORED"
# The variable of the bounds of the number of deaths.
DEATHS = "DEATHS"


def survival_bounds_rows(adsl: pd.DataFrame, study: StudyData, day: int) -> list[ArdRow]:
    """BOUNDS of OS_<day> by dose level and Total, one context per case; none where OS is not an endpoint.

    N: subjects who died or whose day lies on or before the cut (with pending: all treated); n: those of them alive on
    the day; estimate: S(day), with every open fact filled in the worst or the best way and everybody else censored as
    last seen; null where nobody would be followed to the day. `stat_text` names the subjects who decide it.
    Where DS was not delivered also DEATHS, of all treated: best the deaths that are certain, worst with everybody who
    may have died by the cut.
    """
    if not study.protocol.has_endpoint("OS"):
        return []
    # Times count from the infusion as day 0, or as day 1 with `os_add_one`.
    added = int(study.analysis.os_add_one)
    facts = survival_facts(adsl, study.domains, study.cut_date, day - added)
    cases = {case: _filled(facts, day - added, case) for case in CASES}
    rows: list[ArdRow] = []
    for level in [*study.protocol.level_ids, TOTAL]:
        of_level = pd.Series(True, index=facts.index) if level == TOTAL else facts["TRT01A"].eq(level)
        group = {case: filled[of_level] for case, filled in cases.items()}
        rows += _level_rows(level, facts[of_level], group, day, added)
        if undelivered("OS", study.domains):
            rows += _death_rows(level, facts[of_level])
    return rows


def survival_facts(adsl: pd.DataFrame, domains: Domains, cut_date: pd.Timestamp, day: int) -> pd.DataFrame:
    """What is known and what is open of each treated subject: USUBJID SUBJID TRT01A DEAD MAYLIVE FIRST LAST SEEN CUT.

    DEAD: a death is recorded; it lies on one of the days FIRST to LAST (since the infusion). MAYLIVE: it is in doubt
    itself. SEEN: the last day known alive; CUT: the day of the cut. MAYDIE: a living subject who may have died, since
    the day has passed without a sign of life or the records of deaths were not delivered.

    | open fact                                                       | reading                                      |
    |-----------------------------------------------------------------|----------------------------------------------|
    | partial or unknown date of death, sources that differ           | every day that they allow (DTHLODT, DTHHIDT) |
    | seen after the recorded death (P25)                             | dead on a later day, or alive                |
    | death before the first infusion                                 | dead on any day since the infusion           |
    | death that DM does not have and one other source alone reports  | dead, or alive (A-136)                       |
    | last seen before the day, which has passed                      | died on any day since, or alive              |
    | DS was not delivered                                            | the same for everybody who may have died     |
    """
    treated = adsl[adsl["SAFFL"].eq("Y")].sort_values("USUBJID", kind="stable").reset_index(drop=True)
    start, until = treated["TRTSDT"], pd.Series(cut_date, index=treated.index).astype("datetime64[s]")
    cut = rel_day(until, start)
    seen = rel_day(treated["LSTALVDT"], start).fillna(0).clip(lower=0)
    died = treated["DTHDT"].notna() & ~(treated["DTHDT"] > cut_date)
    first, last = (rel_day(treated[name], start) for name in ("DTHLODT", "DTHHIDT"))
    # Inside a partial date the last contact counts: the subject was alive then.
    imputed = treated["DTHDTF"].ne("")
    first = first.mask(imputed & (seen <= last) & (seen > first), seen)
    wrong = unresolved_subjects(adsl, domains, cut_date).set_index("USUBJID")["REASON"]
    why = wrong.reindex(treated["USUBJID"]).astype("str").fillna("").set_axis(treated.index)
    seen_after, before = why.str.startswith("seen after"), why.str.startswith("death before")
    # Dead on the recorded day, or, if that is wrong, at any time after the contact.
    later = seen_after & (seen < day)
    first = first.mask(before, seen).clip(lower=0)
    last = last.mask(before | later, cut)
    maylive = seen_after | treated["USUBJID"].isin(doubtful_deaths(domains, cut_date))
    records = not undelivered("OS", domains)
    return pd.DataFrame(
        {
            **{name: treated[name] for name in ("USUBJID", "SUBJID", "TRT01A")},
            "DEAD": died,
            "MAYLIVE": died & maylive,
            "FIRST": first.where(died),
            "LAST": last.where(died),
            "SEEN": seen,
            "CUT": cut,
            "MAYDIE": ~died & (seen < day) & ((cut >= day) | (not records)),
        }
    )


def _filled(facts: pd.DataFrame, day: int, case: str) -> pd.DataFrame:
    """TIME, FATE and COUNTED of each subject in one case."""
    worst, with_pending = case.startswith("worst"), CASES[case]
    due = facts["CUT"] >= day
    dead, maylive, maydie = facts["DEAD"], facts["MAYLIVE"], facts["MAYDIE"]
    if with_pending:
        maydie = ~dead & (facts["SEEN"] < day)
    if worst:
        # The latest day up to the one asked about; who could only have died after it was alive on it.
        dies = (dead & (facts["FIRST"] <= day)) | maydie
        on = facts["LAST"].where(dead, facts["CUT"]).clip(upper=day)
    else:
        dies = dead & ~(facts["LAST"] > day) & ~maylive
        on = facts["FIRST"]
    lives = ~dies & ((facts["SEEN"] >= day) | dead & (facts["LAST"] > day) | due | with_pending)
    if worst:
        lives &= (facts["SEEN"] >= day) | dead | with_pending
    lives, dies = lives.astype(bool), dies.astype(bool)
    fate = pd.Series(CENSORED, index=facts.index, dtype="str").mask(lives, LIVES).mask(dies, DIES)
    time = facts["SEEN"].mask(lives, day).mask(dies, on).astype("float64")
    return pd.DataFrame({"TIME": time, "FATE": fate, "COUNTED": fate.ne(CENSORED)})


def _level_rows(
    level: str, facts: pd.DataFrame, cases: dict[str, pd.DataFrame], day: int, added: int
) -> Iterator[ArdRow]:
    for case, filled in cases.items():
        other = cases[case.replace("worst", "best") if case.startswith("worst") else case.replace("best", "worst")]
        deciding = ", ".join(facts.loc[_differs(filled, other), "SUBJID"].astype("str"))
        counted = filled[filled["COUNTED"]]
        n, total = int(counted["FATE"].eq(LIVES).sum()), len(counted)
        yield from case_rows(level, f"OS_{day}", case, n, total, _estimate(filled, day, added), deciding)


def _death_rows(level: str, facts: pd.DataFrame) -> Iterator[ArdRow]:
    """BOUNDS of the number of deaths by the cut: a subject last seen before it may have died unrecorded."""
    dead, certain = facts["DEAD"].astype(bool), facts["DEAD"].astype(bool) & ~facts["MAYLIVE"].astype(bool)
    maybe = dead | (facts["SEEN"] < facts["CUT"]).fillna(True).astype(bool)
    deciding = ", ".join(facts.loc[maybe & ~certain, "SUBJID"].astype("str"))
    for case in CASES:
        n, total = int((maybe if case.startswith("worst") else certain).sum()), len(facts)
        yield from case_rows(level, DEATHS, case, n, total, n / total if total else None, deciding)


def _differs(one: pd.DataFrame, other: pd.DataFrame) -> np.ndarray:
    """Who decides: another fate, or another day of death with somebody censored between the two days."""
    moved = one["TIME"].ne(other["TIME"]) & one["FATE"].eq(DIES)
    censored = np.sort(one.loc[one["FATE"].eq(CENSORED), "TIME"].to_numpy())
    between = np.searchsorted(censored, one["TIME"]) != np.searchsorted(censored, other["TIME"])
    found: np.ndarray = (one["FATE"].ne(other["FATE"]) | (moved & between)).to_numpy(bool)
    return found


def _estimate(filled: pd.DataFrame, day: int, added: int) -> float | None:
    """S(day) of the filled subjects; None where nobody is followed to the day and somebody is censored (A-81)."""
    curve = kaplan_meier((filled["TIME"] + added).tolist(), filled["FATE"].eq(DIES).astype(int).tolist())
    return curve.at(day).survival.estimate if curve.reaches(day) else None
