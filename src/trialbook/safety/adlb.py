"""ADLB: laboratory results in SI units with baseline, study day and CTCAE v5.0 grades (§3.2)."""

from __future__ import annotations

import pandas as pd

from trialbook.core.dates import complete_date, rel_day, study_day, time_of_day
from trialbook.core.domains import Domains
from trialbook.core.units import si_factor, si_unit
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.study_data import StudyData
from trialbook.safety.adae import treatment_start
from trialbook.safety.ctcae import UNKNOWN, anticoagulated, lab_grades
from trialbook.safety.emergence import moment_range

# Words of a visit or time point that say "before the infusion", for samples of day 0 without a time.
PREDOSE_WORDS = r"PRE-?\s?DOSE|PRE-?\s?INFUSION|BASELINE|SCREEN|输注前|给药前|基线|筛选"
KEYS = ["USUBJID", "PARAMCD", "ADT", "LBSEQ"]


def derive_adlb(adsl: pd.DataFrame, study: StudyData) -> pd.DataFrame:
    """ADLB: one row per laboratory result, sorted by USUBJID, PARAMCD, ADT, LBSEQ; source variables kept.

    | variable            | rule                                                                              |
    |---------------------|-----------------------------------------------------------------------------------|
    | PARAMCD             | LBTESTCD                                                                          |
    | AVAL AVALOP AVALU   | number, its sign (<, > or blank) and unit of the result in SI units (§1.4)         |
    | ANRLO ANRHI ANRIND  | the record's own reference limits in the same unit, and the result against them    |
    | ADT ADY RELDAY      | date of the sample (complete dates only), CDISC study day, days since infusion     |
    | ABLFL BASE BNRIND   | last result before the first infusion; day 0 without time only if marked pre-dose  |
    | APOBLFL             | Y: after the first infusion and within the safety window                           |
    | ATOXGRL ATOXGRH     | CTCAE v5.0 grade 0 to 4 by direction; missing = not graded or not evaluable         |
    | BTOXGRL BTOXGRH     | grade of the baseline result                                                       |
    | ANTICOFL            | INR: under an anticoagulant, Y or N; blank = not known, or `inr_grading: admiral`  |
    | ATOXDRV CLINFL      | reference that gave the grade; Y where only the worse clinical case gives it (A-63) |

    `adsl` needs USUBJID TRT01A TRTSDT TRTSDTM SAFFL.
    """
    subjects = adsl.set_index("USUBJID")
    lb = study.domains["LB"].reset_index(drop=True)
    of_subject = subjects.reindex(lb["USUBJID"]).set_axis(lb.index)
    trtsdt = of_subject["TRTSDT"].astype("datetime64[s]")
    adt = complete_date(lb["LBDTC"])
    adlb = lb.assign(
        PARAMCD=lb["LBTESTCD"].fillna(""),
        **{name: of_subject[name].fillna("") for name in ("TRT01A", "SAFFL")},
        TRTSDT=trtsdt,
        ADT=adt,
        ADY=study_day(adt, trtsdt),
        RELDAY=rel_day(adt, trtsdt),
        **si_values(lb),
    )
    timing = _timing(lb, adt, trtsdt, treatment_start(of_subject))
    adlb["APOBLFL"] = _flag(timing["after"] & _in_window(adlb["RELDAY"], study.analysis))
    adlb["ABLFL"] = _baseline_flag(adlb, timing["before"])
    adlb = _with_baseline(adlb)
    gradable = adlb["AVALU"] == si_unit(adlb["PARAMCD"])
    adlb["ANTICOFL"] = _anticoagulated(adlb, study.domains, study.analysis)
    graded = lab_grades(adlb.assign(AVAL=adlb["AVAL"].where(gradable), BASEHI=adlb["BNRIND"] == "HIGH"))
    adlb = adlb.assign(**graded)
    adlb = _with_baseline_grades(adlb)
    return adlb.sort_values(KEYS, kind="stable", na_position="last").reset_index(drop=True)


def _anticoagulated(adlb: pd.DataFrame, domains: Domains, analysis: Analysis) -> pd.Series:
    """ANTICOFL of the results of INR; admiral reads every one as if it might be under an anticoagulant."""
    state = pd.Series(UNKNOWN, index=adlb.index, dtype="str")
    samples = adlb.loc[adlb["PARAMCD"] == "INR", ["USUBJID", "ADT"]]
    if analysis.inr_grading == "admiral" or samples.empty:
        return state
    state.loc[samples.index] = anticoagulated(samples, domains, analysis.anticoagulants)
    return state


def si_values(lb: pd.DataFrame) -> pd.DataFrame:
    """AVAL AVALOP AVALU ANRLO ANRHI ANRIND of LB records, converted to SI where the table knows test and unit.

    A unit the table does not know: LBSTRESN in LBSTRESU if that is known, else the reported number in its own unit,
    which is then never graded (AVALU is not the SI unit).

    >>> lb = pd.DataFrame({
    ...     "LBTESTCD": ["BILI", "BILI"], "LBORRESN": [2.0, 2.0], "LBORRESOP": "", "LBORRESU": ["mg/dL", "?"],
    ...     "LBORNRLO": [0.2, 0.2], "LBORNRHI": [1.2, 1.2], "LBSTRESN": float("nan"), "LBSTRESU": "",
    ... })
    >>> si_values(lb)[["AVAL", "AVALU", "ANRIND"]].values.tolist()
    [[34.2, 'umol/L', 'HIGH'], [2.0, '?', 'HIGH']]
    """
    factor = si_factor(lb["LBTESTCD"], lb["LBORRESU"])
    standard = si_factor(lb["LBTESTCD"], lb["LBSTRESU"])
    use_standard = factor.isna() & standard.notna() & lb["LBSTRESN"].notna()
    value = (lb["LBORRESN"] * factor.fillna(1.0)).where(~use_standard, lb["LBSTRESN"] * standard)
    unit = si_unit(lb["LBTESTCD"]).where(factor.notna() | use_standard, lb["LBORRESU"])
    # Limits are in the unit of the result as reported; where only the standard unit is known they cannot follow.
    low = (lb["LBORNRLO"] * factor.fillna(1.0)).mask(use_standard)
    high = (lb["LBORNRHI"] * factor.fillna(1.0)).mask(use_standard)
    indicator = pd.Series("", index=lb.index, dtype="str").mask(value.notna() & (low.notna() | high.notna()), "NORMAL")
    indicator = indicator.mask(value < low, "LOW").mask(value > high, "HIGH")
    return pd.DataFrame({
        "AVAL": value.astype("float64"),
        "AVALOP": lb["LBORRESOP"].fillna("").astype("str"),
        "AVALU": unit.fillna("").astype("str"),
        "ANRLO": low.astype("float64"),
        "ANRHI": high.astype("float64"),
        "ANRIND": indicator,
    })  # fmt: skip


def unknown_units(adlb: pd.DataFrame) -> pd.DataFrame:
    """Results of graded tests whose unit is not in the table: they stay as reported and are not graded.

    >>> adlb = pd.DataFrame({"PARAMCD": ["BILI", "BILI", "CRP"], "AVAL": 2.0, "AVALU": ["umol/L", "?", "mg/L"]})
    >>> unknown_units(adlb)["AVALU"].tolist()
    ['?']
    """
    expected = si_unit(adlb["PARAMCD"])
    return adlb[expected.notna() & adlb["AVAL"].notna() & (adlb["AVALU"] != expected)]


def _timing(lb: pd.DataFrame, adt: pd.Series, trtsdt: pd.Series, started: pd.Series) -> pd.DataFrame:
    """Whether a sample was taken `before` or `after` the first infusion; neither where that is not known.

    A sample at the very time of the infusion is before it (A-10). On day 0 without a time of sample or infusion only
    a visit or time point that says so makes it `before`.
    """
    sample = moment_range(lb["LBDTC"])["first"]
    both_timed = time_of_day(lb["LBDTC"]).notna() & (started != trtsdt)
    words = lb["VISIT"].fillna("")
    if "LBTPT" in lb.columns:
        words = words + " | " + lb["LBTPT"].fillna("")
    marked = words.str.upper().str.contains(PREDOSE_WORDS, regex=True)
    day0 = adt == trtsdt
    before = (adt < trtsdt) | (day0 & both_timed & (sample <= started)) | (day0 & ~both_timed & marked)
    after = (adt > trtsdt) | (day0 & both_timed & (sample > started))
    return pd.DataFrame({"before": before, "after": after})


def _in_window(day: pd.Series, analysis: Analysis) -> pd.Series:
    if analysis.safety_end_rel_day is None:
        return pd.Series(True, index=day.index)
    return (day <= analysis.safety_end_rel_day).fillna(False).astype(bool)


def _flag(condition: pd.Series) -> pd.Series:
    return pd.Series("", index=condition.index, dtype="str").mask(condition, "Y")


def _baseline_flag(adlb: pd.DataFrame, before: pd.Series) -> pd.Series:
    """ABLFL: the last result of each test before the first infusion; at equal times the higher LBSEQ."""
    candidates = adlb[before & adlb["AVAL"].notna()].assign(_time=time_of_day(adlb["LBDTC"]))
    order = candidates.sort_values([*KEYS[:3], "_time", "LBSEQ"], kind="stable", na_position="first")
    last = order.groupby(["USUBJID", "PARAMCD"]).tail(1).index
    return _flag(pd.Series(adlb.index.isin(last), index=adlb.index))


def _with_baseline(adlb: pd.DataFrame) -> pd.DataFrame:
    base = adlb[adlb["ABLFL"] == "Y"].set_index(["USUBJID", "PARAMCD"])[["AVAL", "AVALU", "ANRIND"]]
    found = base.reindex(pd.MultiIndex.from_frame(adlb[["USUBJID", "PARAMCD"]])).set_axis(adlb.index)
    same_unit = found["AVALU"] == adlb["AVALU"]
    return adlb.assign(
        BASE=found["AVAL"].where(same_unit).astype("float64"),
        BNRIND=found["ANRIND"].where(same_unit).fillna("").astype("str"),
    )


def _with_baseline_grades(adlb: pd.DataFrame) -> pd.DataFrame:
    base = adlb[adlb["ABLFL"] == "Y"].set_index(["USUBJID", "PARAMCD"])[["ATOXGRL", "ATOXGRH"]]
    found = base.reindex(pd.MultiIndex.from_frame(adlb[["USUBJID", "PARAMCD"]])).set_axis(adlb.index)
    return adlb.assign(BTOXGRL=found["ATOXGRL"].astype("Int64"), BTOXGRH=found["ATOXGRH"].astype("Int64"))
