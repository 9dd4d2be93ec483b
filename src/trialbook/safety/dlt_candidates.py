"""Candidate DLTs by the definition of the parameter file (§4.1, A-70). The committee's flag decides, never this."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from trialbook.core.dates import complete_date
from trialbook.core.domains import Domains
from trialbook.core.messages import msg
from trialbook.core.terms import holds_term
from trialbook.core.units import si_factor
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.models import Protocol
from trialbook.safety.emergence import moment_range
from trialbook.safety.relationship import relationship, relationship_level

# ----------------------------------------------------------------------------------------------------
# Baseline blood counts: a cytopenia that was grade 4 before the infusion is not a DLT (rulebook §4.1, rule 3).


# The columns of LB that a count is made from.
COUNT_COLUMNS = ["USUBJID", "LBTESTCD", "LBSEQ", "LBDTC", "LBORRESN", "LBORRESU", "LBSTRESN", "LBSTRESU"]


def grade_4_at_baseline(lb: pd.DataFrame, subjects: pd.DataFrame, below: Mapping[str, float]) -> pd.DataFrame:
    """Whether the last count on or before the first infusion was grade 4 already: USUBJID LBTESTCD GRADE4 (bool).

    `below` gives the limit of each test in 10^9/L. A count without a known unit or a complete date is left out; a
    subject without a count has no row, so the cytopenia then counts as new.
    """
    counts = lb.loc[lb["LBTESTCD"].isin(list(below)), COUNT_COLUMNS]
    collected = counts["LBORRESN"] * si_factor(counts["LBTESTCD"], counts["LBORRESU"])
    standard = counts["LBSTRESN"] * si_factor(counts["LBTESTCD"], counts["LBSTRESU"])
    counts = counts.assign(COUNT=collected.fillna(standard), DATE=complete_date(counts["LBDTC"]))
    counts = counts.merge(subjects[["USUBJID", "TRTSDT"]], on="USUBJID")
    counts = counts[counts["COUNT"].notna() & (counts["DATE"] <= counts["TRTSDT"])]
    last = counts.sort_values(["USUBJID", "LBTESTCD", "DATE", "LBSEQ"], kind="stable")
    last = last.drop_duplicates(["USUBJID", "LBTESTCD"], keep="last")
    grade4 = (last["COUNT"] < last["LBTESTCD"].map(dict(below)).astype("float64")).astype(bool)
    return last[["USUBJID", "LBTESTCD"]].assign(GRADE4=grade4).reset_index(drop=True)


# ----------------------------------------------------------------------------------------------------
# Whether an adverse event began inside the DLT window: by what its dates may mean, never by imputation.


IN, OUT, UNRESOLVED = "IN", "OUT", "UNRESOLVED"
LAST_SECOND = pd.Timedelta(seconds=86399)
LONG_AGO, FAR_AHEAD = pd.Timestamp("1900-01-01").as_unit("s"), pd.Timestamp("2199-12-31").as_unit("s")


def event_moments(ae: pd.DataFrame, subject: pd.DataFrame) -> pd.DataFrame:
    """Earliest and latest moment at which each event may have begun and ended: columns first, last, ended.

    `ae` needs AESTDTC AEENDTC; `subject` (same index) CUTDT DTHDT. A start lies before the end, the death and the
    cut, since the event is known at the cut; such a limit counts only where the known parts of the date allow it. A
    missing start may be any day up to these limits. `ended` is the latest possible end, NaT where none is known.
    """
    start, end = moment_range(ae["AESTDTC"]), moment_range(ae["AEENDTC"])
    first, last = start["first"].fillna(LONG_AGO), start["last"].fillna(FAR_AHEAD)
    ended = end["last"]
    limits = [subject[name] + LAST_SECOND for name in ("DTHDT", "CUTDT") if name in subject.columns]
    for limit in limits:
        ended = ended.mask((limit < ended) & (limit >= end["first"]), limit)
    for limit in (ended, *limits):
        last = last.mask((limit < last) & (limit >= first), limit)
    return pd.DataFrame({"first": first, "last": last, "ended": ended}, index=ae.index)


def onset_in_window(ae: pd.DataFrame, subject: pd.DataFrame, moments: pd.DataFrame, window: list[int]) -> pd.Series:
    """IN, OUT or UNRESOLVED for each event; OUT where the subject was never treated.

    | onset                                                                     | result     |
    |---------------------------------------------------------------------------|------------|
    | every day it may mean lies in the window (both ends inclusive, REL_DAY)   | IN         |
    | no day it may mean lies there, or it is known to precede the infusion     | OUT        |
    | some do and some do not                                                   | UNRESOLVED |

    On the day of infusion an onset without a time counts as after it (A-60), unless AESTRTPT says BEFORE.
    """
    opens = subject["TRTSDT"] + pd.Timedelta(days=window[0])
    closes = subject["TRTSDT"] + pd.Timedelta(days=window[1]) + LAST_SECOND
    before = (moments["last"] < opens) | _before_infusion(ae, subject, moments)
    outside = before | (moments["first"] > closes) | subject["TRTSDT"].isna()
    inside = (moments["first"] >= opens) & (moments["last"] <= closes)
    result = pd.Series(UNRESOLVED, index=ae.index, dtype="str")
    return result.mask(inside, IN).mask(outside, OUT)


def _before_infusion(ae: pd.DataFrame, subject: pd.DataFrame, moments: pd.DataFrame) -> pd.Series:
    """Known to have begun on the day of infusion but before it: by its time, or by the site's word."""
    same_day = moments["first"].dt.normalize().eq(subject["TRTSDT"]) & moments["last"].dt.normalize().eq(
        subject["TRTSDT"]
    )
    before = pd.Series(False, index=ae.index)
    if "TRTSDTM" in subject.columns:
        given = subject["TRTSDTM"].astype("str").str.replace(" ", "T", regex=False)
        started = moment_range(given)
        timed = started["first"].eq(started["last"])
        before |= same_day & timed & (moments["last"] < started["first"])
    if "AESTRTPT" in ae.columns:
        untimed = moments["first"].ne(moments["last"])
        before |= same_day & untimed & ae["AESTRTPT"].fillna("").str.upper().eq("BEFORE")
    return before


# ----------------------------------------------------------------------------------------------------

COLUMNS = ["USUBJID", "AESEQ", "DLTCAND", "REASON", "ONSETWIN", "ONSETDT", "FIRSTDT", "GRADE"]
NO_GRADE = "no grade: cannot be judged"
_SAID_TO_BE_RELATED = ["definite", "probable", "possible", "related"]
_HOUR = pd.Timedelta(hours=1)
Cases = list[tuple[pd.Series, str]]


def dlt_candidates(
    ae: pd.DataFrame, subjects: pd.DataFrame, domains: Domains, protocol: Protocol, analysis: Analysis
) -> pd.DataFrame:
    """One row per AE record, sorted by USUBJID and AESEQ: USUBJID AESEQ DLTCAND REASON ONSETWIN ONSETDT FIRSTDT GRADE.

    DLTCAND `Y`: the onset lies or may lie in `dlt_window`, the event is related (`trae_levels`; missing counts), and
    the first case that fits is REASON:

    1. fatal, unless a disease term whose relationship is missing or unassessable
    2. ectopic tissue or new malignancy, any grade
    3. infusion-related or allergic reaction of `dlt_min_grade` or more (exempt: `irr_g3_exempt`, grade 3, within
       `irr_exempt_hours`)
    4. thromboembolic event of `dlt_min_grade` or more
    5. neutropenia or thrombocytopenia of `dlt_haem_grade`, longer than `dlt_haem_days`, not grade 4 at baseline
    6. any other event of `dlt_min_grade` or more, but not haematological, not a disease term, and not nausea,
       vomiting, diarrhoea or fatigue of grade 3 that is known to have lasted less than `dlt_brief_hours`

    Where an event of that grade, a fatal one or a related one without a grade began in the window and is no
    candidate, REASON says why, so that none disappears in silence. Times that dates leave open are read as the
    longest. ONSETWIN is IN, OUT or UNRESOLVED; ONSETDT is filled where the day of onset is certain; FIRSTDT is the
    earliest day that it may be, not before the first infusion.
    `ae` is the clean AE domain; `subjects` needs USUBJID TRTSDT (and TRTSDTM CUTDT DTHDT where known); `domains`
    gives the baseline counts of LB.
    """
    ae = ae.sort_values(["USUBJID", "AESEQ"], kind="stable").reset_index(drop=True)
    subject = subjects.set_index("USUBJID").reindex(ae["USUBJID"]).set_axis(ae.index)
    subject = subject.assign(TRTSDT=subject["TRTSDT"].astype("datetime64[s]"))
    moments = event_moments(ae, subject)
    window = onset_in_window(ae, subject, moments, analysis.dlt_window)
    facts = _facts(ae, subject, moments, domains, analysis)
    possible = window.ne(OUT) & protocol.has_endpoint("DLT")
    candidate = first_case(_candidate_cases(facts, analysis)).where(possible & facts["related"], "")
    otherwise = first_case(_other_cases(facts, analysis)).where(possible, "")
    certain = moments["first"].dt.normalize().eq(moments["last"].dt.normalize())
    frame = ae[["USUBJID", "AESEQ"]].assign(
        DLTCAND=pd.Series("", index=ae.index, dtype="str").mask(candidate.ne(""), "Y"),
        REASON=candidate.where(candidate.ne(""), otherwise),
        ONSETWIN=window,
        ONSETDT=moments["first"].dt.normalize().where(certain).astype("datetime64[s]"),
        FIRSTDT=_not_before(moments["first"].dt.normalize(), subject["TRTSDT"]),
        GRADE=facts["grade"],
    )
    return frame[COLUMNS]


def _facts(
    ae: pd.DataFrame, subject: pd.DataFrame, moments: pd.DataFrame, domains: Domains, analysis: Analysis
) -> pd.DataFrame:
    """What the cases ask of each event, one column each; hours are the longest that the dates allow."""
    terms = analysis.dlt_terms
    coded = ae["AEDECOD"].where(ae["AEDECOD"].fillna("").str.strip() != "", ae["AETERM"]).fillna("")
    words = coded + " | " + ae["AETERM"].fillna("")
    grade = pd.to_numeric(ae["AETOXGR"], errors="coerce").astype("Float64").astype("Int64")
    fatal = grade.eq(5).fillna(False) | ae["AESDTH"].eq("Y") | ae["AEOUT"].fillna("").str.upper().eq("FATAL")
    related = relationship(ae["AEREL"], analysis.trae_levels).eq("RELATED")
    start = moments["first"].where(moments["first"] > subject["TRTSDT"], subject["TRTSDT"])
    known_hours = (moments["ended"] - start + pd.Timedelta(seconds=1)) / _HOUR
    until = _followed_until(subject)
    return pd.DataFrame(
        {
            "grade": grade,
            "fatal": fatal.astype(bool),
            "related": related,
            "said": relationship_level(ae["AEREL"]).isin(_SAID_TO_BE_RELATED),
            "hours": known_hours.fillna(float("inf")),
            "hours_so_far": known_hours.fillna((until - start) / _HOUR),
            "reaction": holds_term(words, terms.infusion_reaction),
            "growth": holds_term(words, terms.product_growth),
            "thrombus": holds_term(words, terms.thromboembolic),
            "disease": holds_term(coded, terms.disease),
            "haematological": _is(coded, terms.haematological),
            "brief": _is(coded, terms.brief),
            **_cytopenia(ae, coded, subject, domains, analysis),
        },
        index=ae.index,
    )


def _candidate_cases(f: pd.DataFrame, analysis: Analysis) -> Cases:
    severe = f["grade"].ge(analysis.dlt_min_grade).fillna(False).astype(bool)
    deep = f["grade"].ge(analysis.dlt_haem_grade).fillna(False).astype(bool)
    lasting = f["hours_so_far"] > 24 * analysis.dlt_haem_days
    ordinary = ~f["haematological"] & ~f["disease"] & ~f["reaction"] & ~_brief(f, analysis)
    g = analysis.dlt_min_grade
    return [
        (f["fatal"] & (f["said"] | ~f["disease"]), msg("death related to the study product")),
        (f["growth"], msg("ectopic tissue or new malignancy")),
        (
            f["reaction"] & severe & ~_exempt_reaction(f, analysis),
            msg("infusion-related or allergic reaction, grade {g}+", g=g),
        ),
        (f["thrombus"] & severe, msg("thromboembolic event, grade {g}+", g=g)),
        (
            f["cytopenia"] & deep & lasting & ~f["deep_at_baseline"],
            msg(
                "grade {dlt_haem_grade} cytopenia for more than {dlt_haem_days} days",
                dlt_haem_grade=analysis.dlt_haem_grade,
                dlt_haem_days=analysis.dlt_haem_days,
            ),
        ),
        (severe & ordinary, msg("non-haematological event, grade {g}+", g=g)),
    ]


def _other_cases(f: pd.DataFrame, analysis: Analysis) -> Cases:
    notable = f["fatal"] | f["grade"].ge(analysis.dlt_min_grade).fillna(False).astype(bool)
    haem, limit = (
        f["haematological"] & notable,
        msg(
            "{dlt_haem_grade} for more than {dlt_haem_days} days",
            dlt_haem_grade=analysis.dlt_haem_grade,
            dlt_haem_days=analysis.dlt_haem_days,
        ),
    )
    return [
        (f["grade"].isna() & f["related"] & ~f["disease"], NO_GRADE),
        (notable & ~f["related"], msg("not related to the study product")),
        (notable & f["disease"], msg("attributed to the disease under study or the underlying disease")),
        (haem & f["deep_at_baseline"], msg("blood count was grade 4 at baseline already")),
        (haem, msg("haematological, not neutropenia or thrombocytopenia of grade {limit}", limit=limit)),
        (
            notable & f["reaction"],
            msg(
                "grade 3 infusion reaction resolved within {irr_exempt_hours} h",
                irr_exempt_hours=analysis.irr_exempt_hours,
            ),
        ),
        (
            notable & f["brief"],
            msg("grade 3, shorter than {dlt_brief_hours} h", dlt_brief_hours=analysis.dlt_brief_hours),
        ),
    ]


def _exempt_reaction(f: pd.DataFrame, analysis: Analysis) -> pd.Series:
    if not analysis.irr_g3_exempt:
        return pd.Series(False, index=f.index)
    return f["grade"].eq(3).fillna(False).astype(bool) & (f["hours"] <= analysis.irr_exempt_hours)


def _brief(f: pd.DataFrame, analysis: Analysis) -> pd.Series:
    third = f["grade"].eq(3).fillna(False).astype(bool)
    # A day that is known without a time ends at 24:00, so three calendar days are at most 72 hours: shorter.
    return f["brief"] & third & (f["hours"] <= analysis.dlt_brief_hours)


def _not_before(day: pd.Series, earliest: pd.Series) -> pd.Series:
    return day.mask(day < earliest, earliest).astype("datetime64[s]")


def first_case(cases: Cases) -> pd.Series:
    """The text of the first case that is true, blank where none is."""
    text = np.select([true.to_numpy(dtype=bool) for true, _ in cases], [words for _, words in cases], "")
    return pd.Series(text, index=cases[0][0].index, dtype="str")


def _followed_until(subject: pd.DataFrame) -> pd.Series:
    """End of the day of death or of the cut, whichever is first; the infusion where neither is known."""
    known = [subject[name] for name in ("CUTDT", "DTHDT") if name in subject.columns]
    days = pd.concat([column.astype("datetime64[s]") for column in known], axis=1) if known else None
    last = subject["TRTSDT"] if days is None else days.min(axis=1).fillna(subject["TRTSDT"])
    return last + LAST_SECOND


def _cytopenia(
    ae: pd.DataFrame, coded: pd.Series, subject: pd.DataFrame, domains: Domains, analysis: Analysis
) -> dict[str, pd.Series]:
    """Whether an event is a cytopenia of the definition, and whether its count was grade 4 at baseline."""
    test = pd.Series("", index=ae.index, dtype="str")
    for code, terms in analysis.dlt_terms.cytopenia.items():
        test = test.mask(_is(coded, terms), code)
    treated = subject[["TRTSDT"]].assign(USUBJID=ae["USUBJID"]).drop_duplicates("USUBJID")
    deep = grade_4_at_baseline(domains["LB"], treated, analysis.dlt_cytopenia_below)
    keys = set(deep.loc[deep["GRADE4"], ["USUBJID", "LBTESTCD"]].itertuples(index=False, name=None))
    at_baseline = [pair in keys for pair in zip(ae["USUBJID"], test, strict=True)]
    return {"cytopenia": test.ne(""), "deep_at_baseline": pd.Series(at_baseline, index=ae.index, dtype="bool")}


def _is(text: pd.Series, terms: Sequence[str]) -> pd.Series:
    """Whether the whole text is one of the terms."""
    return text.str.strip().str.lower().isin([term.lower() for term in terms])
