"""The disease and the subject's state: steroid-refractory aGVHD (IN03), performance (IN04), grade (IN05)."""

from __future__ import annotations

import pandas as pd

from trialbook.eligibility.findings import BY_FORM, FAIL, NE, PASS, decide
from trialbook.eligibility.parameters import number, words
from trialbook.eligibility.results_in_window import in_window, last_result, window_text
from trialbook.eligibility.screening import Screening
from trialbook.eligibility.steroid_refractory import FALSE, TRUE, refractoriness
from trialbook.gvhd.grade import ORGANS, grade_bounds, grade_text
from trialbook.protocol.models import Criterion

_GRADES = ("0", "I", "II", "III", "IV")


def steroid_refractory(screening: Screening, criterion: Criterion) -> pd.DataFrame:
    """IN03: passes where a rule of the definition in force holds from dated steroids and stages before the infusion.

    Fails where every rule of it is refuted. Where dose, weight or stages leave it open the form decides (A-19).
    """
    wanted = screening.analysis.sr_definition
    rules = refractoriness(screening, criterion, [wanted])
    holds = rules[rules["RESULT"].eq(TRUE)].drop_duplicates("USUBJID").set_index("USUBJID")
    refuted = rules["RESULT"].eq(FALSE).groupby(rules["USUBJID"]).all()
    people = screening.subjects[["USUBJID"]]
    order = people["USUBJID"]
    shows = holds[["RULE", "EVIDENCE", "EVIDDT"]].reindex(order).set_axis(people.index)
    fails = refuted.reindex(order).set_axis(people.index).eq(True)
    first_open = rules[rules["RESULT"].eq(NE)].drop_duplicates("USUBJID").set_index("USUBJID")["EVIDENCE"]
    why_open = first_open.reindex(order).set_axis(people.index).fillna("no rule applies")
    found = shows["RULE"].notna()
    result = pd.Series(BY_FORM, index=people.index, dtype="str").mask(fails, FAIL).mask(found, PASS)
    said = ("not decided by the data: " + why_open).mask(fails, "no rule of the definition holds")
    said = said.mask(found, shows["RULE"] + " (" + shows["EVIDENCE"] + ")")
    records = people.assign(DATARESULT=result, EVIDENCE=wanted + ": " + said, ADT=shows["EVIDDT"])
    return decide(screening, criterion.id, records, BY_FORM, "")


def performance_status(screening: Screening, criterion: Criterion) -> pd.DataFrame:
    """IN04: the last ECOG score in the eligibility window is 0 to `maximum_ecog`.

    Under `lansky_below_age` a Lansky score, where recorded, is used instead: `minimum_lansky` or more passes (A-20).
    NE without a score, or with one that does not exist.
    """
    days = screening.analysis.elig_window_days
    best, below = number(criterion, "maximum_ecog"), number(criterion, "lansky_below_age")
    least = number(criterion, "minimum_lansky")
    rows = in_window(screening.results(["RS", "QS"], ["ECOG101", "LANSKY"]), screening, days)
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
    records = last.assign(
        DATARESULT=result, AVAL=score, UNIT="", LIMIT=is_lansky.map({True: least, False: best}), EVIDENCE=said,
        FLAG=pd.Series("", index=last.index).mask(~exists, "NO-SUCH-SCORE"),
    )  # fmt: skip
    return decide(screening, criterion.id, records, NE, "no performance score from " + window_text(screening, days))


def agvhd_grade(screening: Screening, criterion: Criterion) -> pd.DataFrame:
    """IN05: the overall grade of the last organ stages before the infusion is one of `grades` (A-21).

    A missing organ leaves a lowest and a highest grade; the result stands where both agree on it, else NE. The
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
    records = last.assign(
        DATARESULT=result, AVAL=bounds["GRADE"], EVIDENCE=said, FLAG=flag.mask(differs, "GRADE-DIFFERS"), SRCDOM="RS",
    )  # fmt: skip
    days = screening.analysis.elig_window_days
    return decide(screening, criterion.id, records, NE, "no organ stages from " + window_text(screening, days))


def _last_stages(screening: Screening) -> pd.DataFrame:
    rows = screening.stages
    first = rows["ANCHORDT"] - pd.Timedelta(days=screening.analysis.elig_window_days)
    return rows[rows["ADT"] >= first].drop_duplicates("USUBJID", keep="last").reset_index(drop=True)


def _investigator(screening: Screening) -> pd.DataFrame:
    """The grade the investigator recorded, by day: USUBJID ADT INVGRADE."""
    rows = screening.results(["RS"], ["AGVHGRD"]).sort_values(["USUBJID", "ADT", "SRCSEQ"], kind="stable")
    rows = rows.assign(INVGRADE=rows["TEXT"].str.removeprefix("GRADE ").str.strip())
    return rows.drop_duplicates(["USUBJID", "ADT"], keep="last")[["USUBJID", "ADT", "INVGRADE"]]
