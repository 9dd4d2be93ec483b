"""The frames that the figures of laboratory results draw (F9 to F11, F17): values, limits, grades, liver tests."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from trialbook.core.described import described
from trialbook.core.messages import enumerated, msg, plural
from trialbook.core.terms import in_sentence
from trialbook.results.ard import TOTAL
from trialbook.safety.ctcae import TERMS, TEST_NAMES, test_name
from trialbook.safety.figures import MOST_SUBJECTS, SEVERE
from trialbook.safety.lab_tables import NO_RESULT, NOTHING_DRAWN, by_liver_risk, shift_variable
from trialbook.safety.listings import subject_ids
from trialbook.subjects.ranking import MOST_DRAWN, most_drawn_note

# Graded by multiples of ULN, and drawn as such.
RATIO_TESTS = ("ALT", "AST", "BILI", "ALP", "GGT", "CREAT")
TRANSAMINASE, BILIRUBIN = msg("ALT or AST, the higher"), msg("total bilirubin")
FIRST_LIVER_DAY = -14
PANEL_LABELS = {
    "SUBJECT": msg("Subject"),
    "TRT01A": msg("Dose level"),
    "TEST": msg("Test"),
    "DAY": "Day",
    "VALUE": msg("Result"),
}
SHIFT_LABELS = {
    "TEST": msg("Test"),
    "BASELINE": msg("Baseline grade"),
    "WORST": msg("Worst grade"),
    "SUBJECTS": msg("Subjects"),
    "COURSE": msg("Compared with baseline"),
}
BAND_NOTE = msg(
    "Shaded: CTCAE grades that hold for a normal baseline; other baselines, and the grade of each result: T-12. "
    "Long dashes: limits of normal (ULN, LLN), where subjects have different ones the outermost. Triangles at the "
    "bottom: infusions after the first."
)
WORSE, SAME, BETTER, OPEN = msg("worse"), msg("same grade"), msg("better"), msg("not evaluable")


def lab_panel(
    adlb: pd.DataFrame, adsl: pd.DataFrame, tests: Sequence[str], limit: int = MOST_SUBJECTS
) -> pd.DataFrame:  # fmt: skip
    """F9: results of the named tests over time: SUBJECT TRT01A TEST DAY VALUE (multiples of ULN, or SI units).

    Every subject with a grade of 3 or more in one of these tests after the infusion (of more than `MOST_DRAWN` those
    with the highest); others up to `limit` subjects, by their highest grade.
    """
    rows = _of_tests(adlb, tests)
    worst = rows[["ATOXGRL", "ATOXGRH"]].max(axis=1).where(rows["APOBLFL"] == "Y")
    rank = worst.groupby(rows["USUBJID"]).max().fillna(-1).sort_values(ascending=False, kind="stable")
    severe = rank.index[rank >= SEVERE]
    kept = rank.index[: min(max(limit, len(severe)), MOST_DRAWN)]
    hidden = len(severe.difference(kept))
    names = adsl.set_index("USUBJID")["SUBJID"]
    out = len(rank) - len(kept) - hidden
    rows = rows[rows["USUBJID"].isin(kept)]
    value = (rows["AVAL"] / rows["ANRHI"]).where(rows["PARAMCD"].isin(RATIO_TESTS), rows["AVAL"])
    panel = pd.DataFrame({
        "SUBJECT": subject_ids(rows, adsl), "TRT01A": rows["TRT01A"], "TEST": _test_names(rows),
        "DAY": rows["RELDAY"].astype("int64"), "VALUE": value,
    })  # fmt: skip
    order = {test: k for k, test in enumerate(tests)}
    panel = panel.assign(_order=rows["PARAMCD"].map(order))[value.notna() & (value > 0)]
    panel = panel.sort_values(["_order", "SUBJECT", "DAY"], kind="stable").drop(columns="_order").reset_index(drop=True)
    notes = [BAND_NOTE, *most_drawn_note(len(severe) - hidden, len(severe))]
    if out:
        said = plural("{n} subject without a grade of 3 or more is not drawn.",
                      "{n} subjects without a grade of 3 or more are not drawn.", out)  # fmt: skip
        notes.append(said)
    who = enumerated(sorted(names.reindex(severe).astype("str")))
    finding = (
        msg("grade 3 or more in {n} of {total} subjects: {who}", n=len(severe), total=len(rank), who=who)
        if 0 < len(severe) <= 6
        else msg("grade 3 or more in {n} of {total} subjects", n=len(severe), total=len(rank))
    )
    summary = msg(
        "One panel for each of {tests} tests with a line for each of {drawn} subjects; {n} had a result of grade 3 "
        "or more "
        "after the first infusion.",
        tests=panel["TEST"].nunique(), drawn=len(kept), n=len(severe),
    )  # fmt: skip
    return described(
        panel, labels=PANEL_LABELS, empty=NOTHING_DRAWN, notes=notes, finding=finding, summary=summary
    )  # fmt: skip


def _of_tests(adlb: pd.DataFrame, tests: Sequence[str]) -> pd.DataFrame:
    return adlb[adlb["PARAMCD"].isin(tests) & (adlb["SAFFL"] == "Y") & adlb["RELDAY"].notna()]


def _test_names(rows: pd.DataFrame) -> pd.Series:
    """`ALT (x ULN)`, `Hemoglobin (g/L)`: the test with the unit of its axis."""
    unit = rows["AVALU"].where(~rows["PARAMCD"].isin(RATIO_TESTS), "x ULN")
    keys = list(zip(rows["PARAMCD"], unit, strict=True))
    named = {(test, of): msg("{test} ({unit})", test=test_name(test), unit=of) for test, of in set(keys)}
    return pd.Series([named[key] for key in keys], index=rows.index, dtype="str")


def normal_limits(adlb: pd.DataFrame, tests: Sequence[str]) -> pd.DataFrame:
    """The limits of normal of each test of F9: TEST NAME (ULN, LLN) VALUE; of subjects with different ones the
    outermost. Tests in multiples of ULN have their ULN at 1 and no LLN.
    """
    rows = _of_tests(adlb, tests)
    known = rows.assign(TEST=_test_names(rows), RATIO=rows["PARAMCD"].isin(RATIO_TESTS))
    found: list[tuple[str, str, float]] = []
    for (test, ratio), own in known.groupby(["TEST", "RATIO"], sort=False):
        if ratio:
            found.append((str(test), "ULN", 1.0))
            continue
        found += [
            (str(test), name, float(value))
            for name, value in (("LLN", own["ANRLO"].min()), ("ULN", own["ANRHI"].max()))
            if pd.notna(value)
        ]
    return pd.DataFrame(found, columns=["TEST", "NAME", "VALUE"])


def later_infusions(given: pd.DataFrame, adsl: pd.DataFrame) -> pd.DataFrame:
    """The infusions after the first of each subject: SUBJECT DAY. `given`: `exposure.infusions_of_treated`."""
    later = given[given["DAY"] > 0]
    days = later["DAY"].astype("float64").to_numpy()
    return pd.DataFrame({"SUBJECT": subject_ids(later, adsl).to_numpy(), "DAY": days})


def grade_bands(panel: pd.DataFrame, limits: pd.DataFrame) -> pd.DataFrame:
    """The CTCAE grades 1 to 4 of each test of `lab_panel` that its values reach: TEST GRADE (`G3`) LOW HIGH.

    Only limits that are one number for everybody: multiples of ULN for a normal baseline, fixed limits of counts; grade
    1 of a low count begins at the lower limit of normal (`limits`, of `normal_limits`). The band of the worst grade is
    open: its outer end is missing.
    """
    rows: list[tuple[str, str, float | None, float | None]] = []
    normal = limits.set_index(["TEST", "NAME"])["VALUE"].to_dict()
    codes = {str(name): code for code, name in TEST_NAMES.items()}
    for test, one in panel.groupby("TEST", sort=False)["VALUE"]:
        name, least, most = str(test).rpartition(" (")[0], float(one.min()), float(one.max())
        code = codes.get(name, name)
        term = next((term for term in TERMS if term.test == code), None)
        reference = "ULN" if code in RATIO_TESTS else "ABS"
        fixed = {limit.grade: limit.factor for limit in term.normal if limit.reference == reference} if term else {}
        if term is not None and term.direction == "L" and (test, "LLN") in normal:
            fixed.setdefault(1, normal[test, "LLN"])
        for grade in sorted(fixed):
            onward = fixed.get(grade + 1)
            if term is not None and term.direction == "H" and most > fixed[grade]:
                rows.append((str(test), f"G{grade}", fixed[grade], onward))
            elif term is not None and term.direction == "L" and least < fixed[grade]:
                rows.append((str(test), f"G{grade}", onward, fixed[grade]))
    frame = pd.DataFrame(rows, columns=["TEST", "GRADE", "LOW", "HIGH"])
    return frame.astype({"TEST": "str", "GRADE": "str", "LOW": "float64", "HIGH": "float64"})


def shift_cells(ard: pd.DataFrame) -> pd.DataFrame:
    """F11: subjects in Total by test, baseline grade and worst grade, from LAB_SHIFT.

    Columns TEST (the CTCAE term) BASELINE WORST SUBJECTS COURSE (worse, same grade, better, not evaluable).
    """
    rows = ard[ard["group1_level"].eq(TOTAL) & ard["stat"].gt(0)]
    cells = rows.rename(
        columns={"variable": "TEST", "context": "BASELINE", "variable_level": "WORST", "stat": "SUBJECTS"}
    )  # fmt: skip
    cells = cells[["TEST", "BASELINE", "WORST", "SUBJECTS"]].astype({"SUBJECTS": "int64"}).reset_index(drop=True)
    names = {shift_variable(term.test, term.direction): term.name for term in TERMS}
    before, after = (pd.to_numeric(cells[name], errors="coerce") for name in ("BASELINE", "WORST"))
    course = pd.Series(OPEN, index=cells.index).mask(after > before, WORSE).mask(after == before, SAME)
    cells = cells.assign(
        TEST=cells["TEST"].map(names).fillna(cells["TEST"]).astype("str"),
        COURSE=course.mask(after < before, BETTER).astype("str"),
    )
    severe = cells[cells["COURSE"].eq(WORSE) & (after >= SEVERE)]
    worse = cells.loc[cells["COURSE"] == WORSE, "TEST"].nunique()
    finding = msg("worse than at baseline in {worse} of {tests} tests", worse=worse, tests=cells["TEST"].nunique())
    said = [
        msg("{name} in {n}", name=in_sentence(str(test)), n=n)
        for test, n in severe.groupby("TEST")["SUBJECTS"].sum().items()
    ]
    summary = msg("New grade 3 or 4, by test and number of subjects: {tests}.", tests=enumerated(said) or msg("none"))
    return described(cells, labels=SHIFT_LABELS, empty=NO_RESULT, finding=finding, summary=summary)


def liver_courses(
    adlb: pd.DataFrame, adsl: pd.DataFrame, found: pd.DataFrame, transaminase: float, bilirubin: float,
    limit: int = MOST_SUBJECTS,
) -> pd.DataFrame:  # fmt: skip
    """F17: ALT or AST (the higher) and bilirubin of each subject over time: SUBJECT KIND DAY VALUE (multiples of ULN).

    `found`: `lab_tables.hepatic_screen`. Everybody is drawn up to `limit` subjects; of more, all who reached one of the
    two limits after the infusion, or the first `MOST_DRAWN` of them by `lab_tables.by_liver_risk`.
    """
    rows = adlb[adlb["PARAMCD"].isin(["ALT", "AST", "BILI"]) & (adlb["SAFFL"] == "Y") & adlb["RELDAY"].notna()]
    rows = rows.assign(VALUE=rows["AVAL"] / rows["ANRHI"])[lambda frame: frame["VALUE"] > 0]
    ranked = by_liver_risk(found, transaminase, bilirubin)
    over = ranked.loc[(ranked["TA_PEAK"] >= transaminase) | (ranked["BILI_PEAK"] >= bilirubin), "USUBJID"]
    everybody = rows["USUBJID"].nunique()
    kept = over.head(MOST_DRAWN) if everybody > limit else over
    if everybody > limit:
        rows = rows[rows["USUBJID"].isin(kept)]
    kind = rows["PARAMCD"].map({"ALT": TRANSAMINASE, "AST": TRANSAMINASE, "BILI": BILIRUBIN}).astype("str")
    number = subject_ids(rows, adsl)
    courses = pd.DataFrame({
        "SUBJECT": number + ", " + rows["TRT01A"], "KIND": kind, "DAY": rows["RELDAY"].astype("int64"),
        "VALUE": rows["VALUE"],
    })  # fmt: skip
    courses = courses[courses["DAY"] >= FIRST_LIVER_DAY].groupby(["SUBJECT", "KIND", "DAY"], as_index=False).max()
    met = sorted(adsl.set_index("USUBJID")["SUBJID"].reindex(found.loc[found["MET"] == "Y", "USUBJID"]).astype("str"))
    finding = (
        msg("both limits reached by {who}", who=enumerated(met))
        if met and len(met) <= 6
        else plural("both limits reached by {n} subject", "both limits reached by {n} subjects", len(met))
    )
    summary = msg(
        "Of {total} subjects, {over} reached {transaminase:g} x ULN of ALT or AST, or {bilirubin:g} x ULN of "
        "bilirubin, after "
        "the infusion; {met} reached both, bilirubin on or after the transaminase.",
        total=everybody, over=len(over), transaminase=transaminase, bilirubin=bilirubin, met=len(met),
    )  # fmt: skip
    out = everybody - courses["SUBJECT"].nunique() - (len(over) - len(kept))
    notes = [msg("Dashed: the two limits. Both tests in multiples of ULN, on a logarithmic axis.")]
    notes += most_drawn_note(len(kept), len(over))
    if out:
        said = plural("{n} subject who reached neither limit is not drawn.",
                      "{n} subjects who reached neither limit are not drawn.", out)  # fmt: skip
        notes.append(said)
    labels = {"SUBJECT": msg("Subject"), "KIND": msg("Test"), "DAY": "Day", "VALUE": msg("Multiple of ULN")}
    return described(
        courses.reset_index(drop=True), labels=labels, notes=notes, finding=finding, summary=summary,
        empty=NOTHING_DRAWN,
    )  # fmt: skip
