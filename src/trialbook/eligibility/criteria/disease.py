"""The disease and the subject's state: steroid-refractory aGVHD (IN03), performance (IN04), grade (IN05)."""

from __future__ import annotations

import pandas as pd

from trialbook.drugs.records import drugs_in_force
from trialbook.eligibility.criterion_results import (
    BY_FORM,
    FAIL,
    NE,
    PART,
    PASS,
    Found,
    decide,
    organ_records,
    records,
    result_records,
)
from trialbook.eligibility.parameters import number, words
from trialbook.eligibility.refractory import FALSE, TRUE, refractoriness
from trialbook.eligibility.screening import Screening, in_window, last_result, window_text
from trialbook.gvhd.assessments import COLLECTED
from trialbook.gvhd.grade import ORGANS, grade_bounds, grade_text
from trialbook.gvhd.steroids import systemic_steroids
from trialbook.protocol.criteria import Criterion

_GRADES = ("0", "I", "II", "III", "IV")
# The organ that each test speaks of.
_ORGAN = COLLECTED | {
    "RASHBSA": "SKIN", "ERYTHDRM": "SKIN", "BULLAE": "SKIN", "DESQBSA": "SKIN", "BILI": "LIVER", "NAUSEA": "UGI",
    "UGIBIOP": "UGI", "STOOLVOL": "LGI", "STOOLN": "LGI", "ABDPAIN": "LGI", "ILEUS": "LGI", "BLDSTOOL": "LGI",
}  # fmt: skip


def steroid_refractory(screening: Screening, criterion: Criterion) -> Found:
    """IN03: passes where a rule of the definition in force holds from dated steroids and stages before the infusion.

    Fails where every rule of it is refuted. Where dose, weight or stages leave it open the form decides (A-19).
    """
    wanted = screening.analysis.sr_definition
    rules = refractoriness(screening, criterion, [wanted])
    holds = rules[rules["RESULT"].eq(TRUE)].drop_duplicates("USUBJID").set_index("USUBJID")
    refuted = rules["RESULT"].eq(FALSE).groupby(rules["USUBJID"]).all()
    people = screening.subjects[["USUBJID"]]
    order = people["USUBJID"]
    shows = holds[["RULE", "EVIDENCE"]].reindex(order).set_axis(people.index)
    fails = refuted.reindex(order).set_axis(people.index).eq(True)
    because = {
        result: rules[rules["RESULT"].eq(result)].drop_duplicates("USUBJID").set_index("USUBJID")["EVIDENCE"]
        .reindex(order).set_axis(people.index).fillna("no rule applies") for result in (NE, FALSE)
    }  # fmt: skip
    found = shows["RULE"].notna()
    result = pd.Series(BY_FORM, index=people.index, dtype="str").mask(fails, FAIL).mask(found, PASS)
    said = "not decided by the data: " + because[NE]
    said = said.mask(fails, "no rule of the definition holds: " + because[FALSE])
    said = said.mask(found, shows["RULE"] + " (" + shows["EVIDENCE"] + ")")
    # The rule that holds is the evidence; where none does, all of them are.
    telling = rules[rules["RESULT"].eq(TRUE) | ~rules["USUBJID"].isin(holds.index)]
    seen = screening.records.organ_findings().merge(
        _stage_days(telling), on=["USUBJID", "ADT"], how="inner"
    )  # fmt: skip
    steroids = _steroids(screening)
    own = _source(holds, rules, seen, steroids).reindex(order).set_axis(people.index)
    own = own.where(result.isin([PASS, FAIL]))
    judged = people.assign(DATARESULT=result, EVIDENCE=wanted + ": " + said, **{name: own[name] for name in own})
    return decide(screening, criterion.id, judged, BY_FORM, "", [organ_records(seen, PART), steroids])


def _source(holds: pd.DataFrame, rules: pd.DataFrame, seen: pd.DataFrame, steroids: pd.DataFrame) -> pd.DataFrame:
    """ADT SRCDOM SRCSEQ of the deciding record by USUBJID: of the assessment that shows a rule, else of the last one
    that refutes, else of the first steroid."""
    last = rules.groupby("USUBJID")["EVIDDT"].max()
    day = holds["EVIDDT"].reindex(last.index).fillna(last)
    by_stage = _one_per_subject(seen[seen["ADT"].eq(seen["USUBJID"].map(day))])
    first = steroids.sort_values(["USUBJID", "ADT", "SRCSEQ"], kind="stable").drop_duplicates("USUBJID")
    by_dose = first[~first["USUBJID"].isin(by_stage.index)].set_index("USUBJID")
    return pd.concat([part[["ADT", "SRCDOM", "SRCSEQ"]] for part in (by_stage, by_dose)])


def _stage_days(rules: pd.DataFrame) -> pd.DataFrame:
    """The assessments that the rules compare: USUBJID ADT, at the start of steroids and after."""
    days = [rules[["USUBJID", name]].set_axis(["USUBJID", "ADT"], axis=1) for name in ("BASEDT", "EVIDDT")]
    return pd.concat(days, ignore_index=True).dropna().drop_duplicates()


def _steroids(screening: Screening) -> pd.DataFrame:
    """Systemic steroids that began before the reference day."""
    cm = screening.domains["CM"]
    cm = cm[systemic_steroids(cm, drugs_in_force(screening.analysis), screening.analysis.local_routes)]
    rows = screening.conditions(["CM"]).merge(
        cm[["USUBJID", "CMSEQ", "CMDOSE", "CMDOSU"]], left_on=["USUBJID", "SRCSEQ"], right_on=["USUBJID", "CMSEQ"]
    )  # fmt: skip
    rows = rows[~(rows["STLO"] >= rows["REFDT"])]
    dose = rows["CMDOSE"].map("{:g}".format).astype("str").where(rows["CMDOSE"].notna(), "dose not known")
    period = rows["STARTDTC"].fillna("?") + " to " + rows["ENDDTC"].fillna("?").mask(rows["ONGOING"], "ongoing")
    return records(rows, PART, rows["TERM"], dose + ", " + period, UNIT=rows["CMDOSU"].fillna(""))


def _one_per_subject(found: pd.DataFrame) -> pd.DataFrame:
    """The record that is shown for an assessment, by USUBJID: of the highest stage, collected before raw."""
    rank = found["SRCDOM"].map({"RS": 0, "FA": 1, "LB": 2})
    high = found["NUMBER"].where(found["TEST"].isin(list(COLLECTED))).fillna(-1.0)
    ordered = found.assign(_rank=rank, _high=-high).sort_values(
        ["USUBJID", "_rank", "_high", "SRCSEQ"], kind="stable"
    )  # fmt: skip
    return ordered.drop_duplicates("USUBJID").set_index("USUBJID")


def performance_status(screening: Screening, criterion: Criterion) -> Found:
    """IN04: the last ECOG score in the eligibility window is 0 to `maximum_ecog`.

    Under `lansky_below_age` a Lansky score, where recorded, is used instead: `minimum_lansky` or more passes (A-20).
    NE without a score, or with one that does not exist.
    """
    days = screening.analysis.elig_window_days
    best, below = number(criterion, "maximum_ecog"), number(criterion, "lansky_below_age")
    least = number(criterion, "minimum_lansky")
    rows = in_window(screening.results(["RS", "QS"], ["ECOG101", "LANSKY"]), days)
    lansky = rows["TEST"].eq("LANSKY")
    children = (rows["AGE"] < below).fillna(False).astype(bool)
    mapped = rows[lansky & children]
    rows = pd.concat([mapped, rows[~lansky & ~rows["USUBJID"].isin(mapped["USUBJID"])]], ignore_index=True)
    by_lansky = rows["TEST"].eq("LANSKY")
    last = last_result(rows, rows["VALUE"].mask(by_lansky, -rows["VALUE"]).fillna(float("inf")))
    score, is_lansky = last["VALUE"], last["TEST"].eq("LANSKY")
    exists = score.isin([0, 1, 2, 3, 4, 5]).where(~is_lansky, score.between(0, 100) & (score % 10).eq(0))
    good = (score <= best).where(~is_lansky, score >= least)
    result = pd.Series(FAIL, index=last.index, dtype="str").mask(good, PASS).mask(~exists, NE)
    label = pd.Series("", index=last.index).mask(is_lansky, ", mapped to ECOG (A-20)")
    said = (
        last["TEST"].replace("ECOG101", "ECOG") + " " + last["TEXT"] + last["ADT"].dt.strftime(" on %Y-%m-%d") + label
    )
    judged = last.assign(
        DATARESULT=result, AVAL=score, UNIT="", LIMIT=is_lansky.map({True: least, False: best}), EVIDENCE=said,
        FLAG=pd.Series("", index=last.index).mask(~exists, "NO-SUCH-SCORE"),
    )  # fmt: skip
    silent = "no performance score from " + window_text(screening, days)
    return decide(screening, criterion.id, judged, NE, silent, [result_records(rows)])


def agvhd_grade(screening: Screening, criterion: Criterion) -> Found:
    """IN05: the overall grade of the last organ stages before the infusion is one of `grades` (A-21).

    A missing organ leaves a lowest and a highest grade; the result is given where both agree on it, else NE. The
    investigator's grade of that day is compared, never used.
    """
    last = _last_stages(screening)
    bounds = grade_bounds(last)
    accepted = [_GRADES.index(grade) for grade in words(criterion, "grades")]
    possible = [
        {grade in accepted for grade in range(int(low), int(high) + 1)}
        for low, high in bounds[["GRADELO", "GRADEHI"]].itertuples(index=False)
    ]
    verdicts = [PASS if inside == {True} else FAIL if inside == {False} else NE for inside in possible]
    result = pd.Series(verdicts, index=last.index, dtype="str")
    grade = grade_text(bounds["GRADE"])
    between = grade_text(bounds["GRADELO"]) + " to " + grade_text(bounds["GRADEHI"])
    derived = grade.where(bounds["GRADE"].notna(), between)
    stages = ["/".join("?" if v != v else f"{v:g}" for v in row) for row in last[list(ORGANS)].itertuples(index=False)]
    own = last.merge(_investigator(screening), on=["USUBJID", "ADT"], how="left")["INVGRADE"].set_axis(last.index)
    differs = own.notna() & bounds["GRADE"].notna() & own.ne(grade)
    said = "grade " + derived + " from skin/liver/upper/lower GI " + pd.Series(stages, index=last.index, dtype="str")
    said = said + last["ADT"].dt.strftime(" on %Y-%m-%d") + ("; investigator " + own).fillna("")
    flag = pd.Series("", index=last.index, dtype="str").mask(result.eq(NE), "ORGAN-MISSING")
    shown = screening.records.organ_findings().merge(last[["USUBJID", "ADT"]], on=["USUBJID", "ADT"])
    own = _worst_organ(shown, last).reindex(last["USUBJID"]).set_axis(last.index)
    judged = last.assign(
        DATARESULT=result, AVAL=bounds["GRADE"], EVIDENCE=said, FLAG=flag.mask(differs, "GRADE-DIFFERS"),
        SRCDOM=own["SRCDOM"], SRCSEQ=own["SRCSEQ"],
    )  # fmt: skip
    silent = "no organ stages from " + window_text(screening, screening.analysis.elig_window_days)
    return decide(screening, criterion.id, judged, NE, silent, [organ_records(shown, PART)])


def _worst_organ(shown: pd.DataFrame, last: pd.DataFrame) -> pd.DataFrame:
    """The record that is shown for the grade, by USUBJID: of the organ that makes it, collected before raw."""
    possible = pd.DataFrame(
        {organ: grade_bounds(last.assign(**_others_at_zero(last, organ)))["GRADEHI"] for organ in ORGANS}
    )
    making = possible.idxmax(axis=1).to_numpy() if len(last) else []
    organ = pd.Series(making, index=last["USUBJID"], dtype="str")
    own = shown[shown["TEST"].map(_ORGAN).eq(shown["USUBJID"].map(organ))]
    return _one_per_subject(pd.concat([own, shown[~shown["USUBJID"].isin(own["USUBJID"])]], ignore_index=True))


def _others_at_zero(last: pd.DataFrame, organ: str) -> dict[str, pd.Series]:
    """The stages with only one organ involved, to see which organ makes the grade."""
    zero = pd.Series(0.0, index=last.index)
    return {f"{other}{part}": zero for other in ORGANS if other != organ for part in ("", "LO", "HI")}


def _last_stages(screening: Screening) -> pd.DataFrame:
    rows = screening.stages
    first = rows["ANCHORDT"] - pd.Timedelta(days=screening.analysis.elig_window_days)
    return rows[rows["ADT"] >= first].drop_duplicates("USUBJID", keep="last").reset_index(drop=True)


def _investigator(screening: Screening) -> pd.DataFrame:
    """The grade the investigator recorded, by day: USUBJID ADT INVGRADE."""
    rows = screening.results(["RS"], ["AGVHGRD"]).sort_values(["USUBJID", "ADT", "SRCSEQ"], kind="stable")
    rows = rows.assign(INVGRADE=rows["TEXT"].str.removeprefix("GRADE ").str.strip())
    return rows.drop_duplicates(["USUBJID", "ADT"], keep="last")[["USUBJID", "ADT", "INVGRADE"]]
