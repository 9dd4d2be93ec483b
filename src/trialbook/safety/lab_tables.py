"""Listings of laboratory results: grade 3 and 4 against reported events (L-5), the results behind a count (§3.2)."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd

from trialbook.core.described import described
from trialbook.core.messages import enumerated, msg, plural
from trialbook.core.terms import holds_term
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.models import Protocol
from trialbook.results.ard import TOTAL, ArdRow, ard_row
from trialbook.safety.counting import Sets, at_levels, record_sets, set_sizes
from trialbook.safety.ctcae import TERMS, Term
from trialbook.safety.listings import subject_ids
from trialbook.subjects.ranking import MOST_DRAWN, most_drawn_note

# ----------------------------------------------------------------------------------------------------
# Reported numbers of laboratory results: worst grades against baseline, and the hepatic screen (§3.2, §3.3).


NOT_EVALUABLE = "missing"
NO_RESULT = msg("No graded laboratory result after an infusion at this cut.")
# More subjects than this are counted in a title, not named.
MOST_NAMED = 6
NOTHING_DRAWN = msg("There is nothing to draw at this cut.")
HEPATIC_LABELS = {
    "SUBJECT": msg("Subject"), "TRT01A": msg("Dose level"), "X": msg("ALT or AST, peak"), "Y": msg("Bilirubin, peak"),
    "X0": msg("ALT or AST, baseline"), "Y0": msg("Bilirubin, baseline"),
}  # fmt: skip
RISEN = ("worse than baseline", "newly grade 3 or 4")
_BOTH_WAYS = {t.test for t in TERMS if len({other.direction for other in TERMS if other.test == t.test}) > 1}
WORST_COLUMNS = [
    "USUBJID", "TRT01A", "VARIABLE", "PARAMCD", "DIRECTION", "BGRADE", "WORST", "AVALOP", "AVAL", "AVALU", "ADT",
    "RELDAY", "ATOXDRV", "CLINFL",
]  # fmt: skip
GRADE_COLUMNS = ("ATOXGRL", "ATOXGRH", "BTOXGRL", "BTOXGRH")


def open_text(size: int) -> str:
    """The text in place of a count of subjects that no delivered result can give: `not evaluable (0 to 12 of 12)`."""
    return msg("not evaluable (0 to {size} of {size})", size=size) if size else msg("not evaluable")


def shift_variable(test: str, direction: str) -> str:
    """Name of a graded test in LAB_SHIFT: its code, with _LOW or _HIGH where CTCAE grades it in both directions."""
    return f"{test}_{'LOW' if direction == 'L' else 'HIGH'}" if test in _BOTH_WAYS else test


def worst_grades(adlb: pd.DataFrame) -> pd.DataFrame:
    """Worst grade after the first infusion against baseline: one row per treated subject and graded test.

    Columns: USUBJID TRT01A VARIABLE PARAMCD DIRECTION BGRADE WORST (Int64, missing = not evaluable) and AVALOP AVAL
    AVALU ADT RELDAY ATOXDRV CLINFL of the first result with the worst grade. Subjects with no result after
    the infusion have no row.
    """
    after = adlb[(adlb["APOBLFL"] == "Y") & (adlb["SAFFL"] == "Y") & adlb["AVAL"].notna()]
    after = after[[name for name in (*WORST_COLUMNS, *GRADE_COLUMNS) if name in after]]
    return pd.concat([_worst_of_term(after[after["PARAMCD"] == term.test], term) for term in TERMS], ignore_index=True)


def _worst_of_term(rows: pd.DataFrame, term: Term) -> pd.DataFrame:
    """Of each subject the first row with the highest grade; `rows` are in the order of ADLB."""
    grade, base = rows[f"ATOXGR{term.direction}"], rows[f"BTOXGR{term.direction}"]
    subject = pd.factorize(rows["USUBJID"])[0]
    order = np.lexsort([-grade.to_numpy("float64", na_value=-1), subject])
    worst = order[np.unique(subject[order], return_index=True)[1]]
    named = rows.assign(VARIABLE=shift_variable(term.test, term.direction), DIRECTION=term.direction)
    return named.assign(WORST=grade, BGRADE=base).iloc[worst][WORST_COLUMNS]


def shift_rows(worst: pd.DataFrame, protocol: Protocol) -> list[ArdRow]:
    """LAB_SHIFT: subjects by worst grade after the infusion (level) and baseline grade (context), by dose level.

    Only combinations that occur in Total have rows; a grade that is not evaluable is `missing`.
    """
    counts = at_levels(in_words(worst)).groupby(["VARIABLE", "BGRADE", "WORST", "LEVEL"]).size().to_dict()
    order = {shift_variable(t.test, t.direction): k for k, t in enumerate(TERMS)}
    occurring = sorted({key[:3] for key in counts}, key=lambda key: (order[key[0]], key[1:]))
    return [
        ard_row("LAB_SHIFT", level, test, "n", counts.get((test, base, grade, level), 0),
                variable_level=grade, context=base)
        for test, base, grade in occurring
        for level in [*protocol.level_ids, TOTAL]
    ]  # fmt: skip


def in_words(worst: pd.DataFrame) -> pd.DataFrame:
    """The rows of `worst_grades` with both grades as text, `missing` where not evaluable."""
    return worst.assign(**{name: _grade_words(worst[name]) for name in ("BGRADE", "WORST")})


def worst_grade_rows(
    worst: pd.DataFrame, adsl: pd.DataFrame, protocol: Protocol, delivered: bool = True
) -> list[ArdRow]:  # fmt: skip
    """LAB_WORST: subjects evaluated, worse than baseline, and newly grade 3 or 4, by test and dose level.

    A result counts as treatment-emergent only when its grade exceeds the grade at baseline (§3.2). Where LB was not
    delivered, no count is evaluable: null, with its bounds in words, and never 0 (§14.2).
    """
    if not delivered:
        sizes = set_sizes(adsl, protocol.level_ids)
        return [
            ard_row("LAB_WORST", level, test, "n", None, context=words, stat_text=open_text(size))
            for test in dict.fromkeys(shift_variable(term.test, term.direction) for term in TERMS)
            for words in RISEN
            for level, size in sizes.items()
        ]
    masks = worse_than_baseline(worst)
    counted = {words: at_levels(worst[mask]).groupby(["VARIABLE", "LEVEL"]).size() for words, mask in masks.items()}
    return [
        ard_row("LAB_WORST", level, test, "n", int(counted[words].get((test, level), 0)), context=words)
        for test in worst["VARIABLE"].drop_duplicates()
        for words in masks
        for level in [*protocol.level_ids, TOTAL]
    ]


def worse_than_baseline(worst: pd.DataFrame) -> dict[str, pd.Series]:
    """Which rows of `worst_grades` each row of LAB_WORST counts; without a baseline any grade is worse than it."""
    worse = (worst["WORST"] > worst["BGRADE"].fillna(0)).fillna(False).astype(bool)
    severe = worse & (worst["WORST"] >= 3).fillna(False).astype(bool)
    return {"evaluated": worst["WORST"].notna(), **dict(zip(RISEN, (worse, severe), strict=True))}


def shift_frame(ard: pd.DataFrame, level: str = TOTAL) -> pd.DataFrame:
    """LAB_SHIFT rows of one level as a table to read: test and baseline grade, then a column per worst grade."""
    rows = ard[(ard["analysis_id"] == "LAB_SHIFT") & (ard["group1_level"] == level)]
    keys = ["variable", "context"]
    wide = rows.pivot(index=keys, columns="variable_level", values="stat").fillna(0).astype("int64")
    wide = wide.reindex(pd.MultiIndex.from_frame(rows[keys].drop_duplicates())).reset_index()
    wide = wide.rename_axis(columns=None).rename(columns={"variable": "test", "context": "baseline grade"})
    return described(wide, group="test", empty=NO_RESULT)


def worst_table(lab_counts: pd.DataFrame) -> pd.DataFrame:
    """T-12a: rows of LAB_WORST as a table shows them."""
    return described(
        lab_counts.copy(deep=False), group="variable", row="context", stub=msg("Test"), stats="{n}", empty=NO_RESULT
    )  # fmt: skip


def worst_sets(worst: pd.DataFrame) -> Sets:
    """The rows of `worst_grades` behind each number of LAB_WORST: key = test, words, level."""
    masks = worse_than_baseline(worst)
    return {
        (key[0], words, key[1]): found
        for words, mask in masks.items()
        for key, found in record_sets(worst[mask], ["VARIABLE"]).items()
    }


def shift_sets(worst: pd.DataFrame, table: pd.DataFrame) -> dict[tuple[int, str], tuple[int, ...]]:
    """The rows of `worst_grades` behind each number of `shift_frame`, by position of the row and column."""
    sets = record_sets(in_words(worst), ["VARIABLE", "BGRADE", "WORST"])
    if table.empty:
        return {}
    return {
        (position, str(column)): sets[(*row, str(column), TOTAL)]
        for position, row in enumerate(table[["test", "baseline grade"]].itertuples(index=False, name=None))
        for column in table.columns
        if (*row, str(column), TOTAL) in sets
    }


def hepatic_screen(adlb: pd.DataFrame, analysis: Analysis) -> pd.DataFrame:
    """Peaks of transaminases and bilirubin after the infusion, one row per treated subject with both.

    Columns: USUBJID TRT01A TA_PEAK BILI_PEAK (multiples of ULN), TA_BASE BILI_BASE (baseline, multiples of ULN),
    TA_RISE BILI_RISE (peak as multiple of baseline), MET `Y`: both criteria within the days of `hepatic_screen`,
    bilirubin on or after the transaminase. MET asks for clinical review; it is no diagnosis (§3.3).
    """
    limits = analysis.hepatic_screen
    ratio = adlb["AVAL"] / adlb["ANRHI"]
    rows = adlb.assign(RATIO=ratio)[(adlb["SAFFL"] == "Y") & ratio.notna() & (adlb["AVALOP"] != "<")]
    kind = rows["PARAMCD"].map({"ALT": "TA", "AST": "TA", "BILI": "BILI"})
    rows = rows.assign(KIND=kind)[kind.notna()]
    after = rows[rows["APOBLFL"] == "Y"]
    peak = after.groupby(["USUBJID", "KIND"])["RATIO"].max().unstack("KIND").reindex(columns=["TA", "BILI"])
    base = rows[rows["ABLFL"] == "Y"].groupby(["USUBJID", "KIND"])["RATIO"].max().unstack("KIND")
    base = base.reindex(index=peak.index, columns=["TA", "BILI"])
    found = pd.DataFrame({
        "TRT01A": after.groupby("USUBJID")["TRT01A"].first(),
        "TA_PEAK": peak["TA"], "BILI_PEAK": peak["BILI"], "TA_BASE": base["TA"], "BILI_BASE": base["BILI"],
        "TA_RISE": peak["TA"] / base["TA"], "BILI_RISE": peak["BILI"] / base["BILI"],
    })  # fmt: skip
    high_ta = after[(after["KIND"] == "TA") & (after["RATIO"] >= limits.transaminase_uln)]
    high_bili = after[(after["KIND"] == "BILI") & (after["RATIO"] >= limits.bilirubin_uln)]
    pairs = high_ta[["USUBJID", "ADT"]].merge(high_bili[["USUBJID", "ADT"]], on="USUBJID", suffixes=("_TA", "_BILI"))
    gap = (pairs["ADT_BILI"] - pairs["ADT_TA"]) / pd.Timedelta(days=1)
    met = set(pairs.loc[gap.between(0, limits.days), "USUBJID"])
    found["MET"] = ["Y" if subject in met else "" for subject in found.index]
    found = found.dropna(subset=["TA_PEAK", "BILI_PEAK"]).astype({"MET": "str"})
    return found.rename_axis("USUBJID").reset_index().sort_values("USUBJID", ignore_index=True)


def by_liver_risk(found: pd.DataFrame, transaminase: float = 1.0, bilirubin: float = 1.0) -> pd.DataFrame:
    """The rows of `hepatic_screen`: who met both criteria first, then by how far the peaks are above the limits."""
    above = pd.concat([found["TA_PEAK"] / transaminase, found["BILI_PEAK"] / bilirubin], axis=1)
    order = found.assign(_met=found["MET"].eq("Y"), _most=above.max(axis=1), _least=above.min(axis=1))
    order = order.sort_values(["_met", "_most", "_least"], ascending=False, kind="stable")
    return found.loc[order.index]


def hepatic_points(found: pd.DataFrame, adsl: pd.DataFrame, unit: Literal["ULN", "baseline"]) -> pd.DataFrame:
    """The points that the hepatic figure draws, as multiples of ULN or of baseline: SUBJECT TRT01A X Y X0 Y0.

    X is the peak transaminase, Y the peak bilirubin, X0 and Y0 the baseline. Subjects without both are left out. Of
    more than `MOST_DRAWN` the first of `by_liver_risk` are drawn.
    """
    names = ("TA_PEAK", "BILI_PEAK", "TA_BASE", "BILI_BASE") if unit == "ULN" else ("TA_RISE", "BILI_RISE")
    columns = dict(zip(names, ("X", "Y", "X0", "Y0"), strict=False))
    points = found[["TRT01A", *names]].rename(columns=columns)
    points.insert(0, "SUBJECT", subject_ids(found, adsl))
    if unit == "baseline":
        points = points.assign(X0=1.0, Y0=1.0)
    # Without a baseline the arrow has no length.
    points = points.assign(X0=points["X0"].fillna(points["X"]), Y0=points["Y0"].fillna(points["Y"]))
    drawn = (points[["X", "Y", "X0", "Y0"]] > 0).all(axis=1)
    first = points.loc[by_liver_risk(found[drawn]).head(MOST_DRAWN).index].sort_index()
    notes = [msg("Open circle: baseline. Dashed lines: the biochemical criteria.")] if unit == "ULN" else []
    notes += most_drawn_note(len(first), int(drawn.sum()))
    met = sorted(points.loc[found["MET"].eq("Y") & drawn, "SUBJECT"])
    finding = (
        msg("both criteria met by {who}", who=enumerated(met))
        if 0 < len(met) <= MOST_NAMED
        else plural("both criteria met by {n} subject", "both criteria met by {n} subjects", len(met))
    )
    # The criteria are multiples of ULN: nobody meets them as multiples of a baseline.
    highest = points[drawn].sort_values(["X", "SUBJECT"], ascending=[False, True], kind="stable").head(1)
    if unit != "ULN" and len(highest):
        finding = msg(
            "ALT or AST highest in {subject}, {times:.1f} times the baseline", subject=highest["SUBJECT"].iloc[0],
            times=float(highest["X"].iloc[0]),
        )  # fmt: skip
    summary = msg(
        "Highest ALT or AST against highest bilirubin of {n} subjects after the infusion, in multiples of {limit}.",
        n=int(drawn.sum()), limit=unit,
    )  # fmt: skip
    return described(
        first.reset_index(drop=True), labels=HEPATIC_LABELS, notes=notes, empty=NOTHING_DRAWN, finding=finding,
        summary=summary,
    )  # fmt: skip


def _grade_words(grade: pd.Series) -> pd.Series:
    return grade.astype("Int64").astype("str").where(grade.notna(), NOT_EVALUABLE).astype("str")


# ----------------------------------------------------------------------------------------------------
# Laboratory results as readers want them: sentences, and the notes under tables (§3.3).


def lab_notes(adlb: pd.DataFrame, analysis: Analysis) -> list[str]:
    """How the worst grades are to be read, and INR among them."""
    notes: list[str] = [msg("The worst grade after the infusion; missing = not evaluable.")]
    inr = adlb[adlb["PARAMCD"].eq("INR") & adlb["SAFFL"].eq("Y") & adlb["AVAL"].notna()]
    if inr.empty:
        return notes
    if analysis.inr_grading == "admiral":
        return [*notes, msg("INR above its baseline counts as grade 1 even when normal: the worse case (A-63).")]
    unknown = inr.loc[inr["ANTICOFL"] == "", "USUBJID"].nunique()
    left = (
        msg("; of {unknown} subjects that is not known, and the worse of both counts, flagged", unknown=unknown)
        if unknown
        else ""
    )
    return [
        *notes,
        msg("INR: fixed limits, under an anticoagulant multiples of the baseline{left} (A-154).", left=left),
    ]


def no_labs_words(adsl: pd.DataFrame, delivered: bool) -> str:
    """What every empty table and figure of laboratory results says where LB was not delivered; else blank."""
    if delivered:
        return ""
    return f"{open_text(int((adsl['SAFFL'] == 'Y').sum())).capitalize()}: LB was not delivered."


def lab_sentence(adlb: pd.DataFrame, delivered: bool) -> str:
    """How many laboratory results were graded; says so when the domain was not delivered."""
    if not delivered:
        return msg("Laboratory results (LB) were not delivered: nothing that rests on them is evaluable.")
    graded = adlb["ATOXGRL"].notna() | adlb["ATOXGRH"].notna()
    after = adlb[graded & (adlb["APOBLFL"] == "Y")]
    return msg(
        "{n} laboratory results, of which {n_2} have a CTCAE grade; {n_3} of these were taken after "
        "the first infusion, from {usubjid} subjects.",
        n=len(adlb),
        n_2=int(graded.sum()),
        n_3=len(after),
        usubjid=after["USUBJID"].nunique(),
    )


def hepatic_sentence(found: pd.DataFrame, adsl: pd.DataFrame, analysis: Analysis, delivered: bool = True) -> str:
    """Who meets the biochemical criteria, in words that ask for review and name no diagnosis (§3.3).

    Who lacks a test is not evaluable, never free of it.
    """
    limits = analysis.hepatic_screen
    rule = msg(
        "ALT or AST at least {transaminase_uln:g} times and bilirubin at least {bilirubin_uln:g} "
        "times ULN within {days} days after",
        transaminase_uln=limits.transaminase_uln,
        bilirubin_uln=limits.bilirubin_uln,
        days=limits.days,
    )
    size = int((adsl["SAFFL"] == "Y").sum())
    if not delivered:
        return msg(
            "Biochemical criteria ({rule}): {open_text}; LB was not delivered.", rule=rule, open_text=open_text(size)
        )
    if found.empty:
        return msg("No treated subject has both transaminases and bilirubin after the infusion at this cut.")
    met = subject_ids(found[found["MET"] == "Y"], adsl).tolist()
    without = size - len(found)
    open_ones = (
        msg(" {without} of {size} treated subjects lack one of these tests: not evaluable.", without=without, size=size)
        if without
        else ""
    )
    if not met:
        return msg("No subject meets the biochemical criteria ({rule}).{open_ones}", rule=rule, open_ones=open_ones)
    return msg(
        "Biochemical criteria met - clinical review ({rule}): {met}.{open_ones}",
        rule=rule,
        met=", ".join(met),
        open_ones=open_ones,
    )


# ----------------------------------------------------------------------------------------------------

LABELS = {
    "SUBJID": msg("Subject"),
    "TRT01A": msg("Dose level"),
    "TEST": msg("Test"),
    "BGRADE": msg("Baseline grade"),
    "WORST": msg("Worst grade"),
    "RESULTS": msg("Results of grade 3 or 4"),
    "FIRST": msg("First on day"),
    "LAST": msg("Last on day"),
    "VALUE": msg("Worst result"),
    "DRIVER": msg("Graded by"),
    "RISE": msg("Against baseline"),
    "EVENT": msg("Adverse event"),
    "RELDAY": "Day",
}
# The columns of ADLB that the listing is made from.
NEEDED = (
    "USUBJID", "TRT01A", "PARAMCD", "LBSEQ", "ADT", "RELDAY", "AVAL", "AVALOP", "AVALU",
    "ATOXGRL", "ATOXGRH", "BTOXGRL", "BTOXGRH", "ATOXDRV", "CLINFL", "LBCLSIG",
)  # fmt: skip
LINE_COLUMNS = ["SUBJID", "TRT01A", "TEST", "BGRADE", "WORST", "VALUE", "RELDAY", "DRIVER"]
DRIVERS = {"ULN": msg("upper limit"), "LLN": msg("lower limit"), "BASE": "baseline", "ABS": msg("fixed limit")}
NO_EVENT, NOT_SIGNIFICANT = msg("none: asked"), msg("none: not clinically significant")
SEVERE = 3
KNOWN, WORSENED = "not worse", "worse"


def worst_lines(worst: pd.DataFrame, adsl: pd.DataFrame) -> pd.DataFrame:
    """One line per row of `worst_grades`, in its order: LINE_COLUMNS."""
    return pd.DataFrame({
        "SUBJID": subject_ids(worst, adsl), "TRT01A": worst["TRT01A"], "TEST": worst["VARIABLE"],
        "BGRADE": worst["BGRADE"], "WORST": worst["WORST"], "VALUE": value_text(worst), "RELDAY": worst["RELDAY"],
        "DRIVER": driver_text(worst),
    })[LINE_COLUMNS].reset_index(drop=True)  # fmt: skip


def severe_listing(adlb: pd.DataFrame, adae: pd.DataFrame, adsl: pd.DataFrame, analysis: Analysis) -> pd.DataFrame:
    """L-5: one line per treated subject and test with a grade 3 or 4 result after the infusion, by subject and test.

    Columns of LABELS from SUBJID to EVENT. EVENT names the adverse events that run within `lab_ae_match_days` of a
    grade 3 or 4 result; without one the site is asked, unless the grade is not worse than at baseline or the
    investigator marked the results not clinically significant.
    """
    graded = adlb[["ATOXGRL", "ATOXGRH"]].max(axis=1).ge(SEVERE).fillna(False).astype(bool)
    severe = adlb[graded & adlb["APOBLFL"].eq("Y") & adlb["SAFFL"].eq("Y")]
    severe = severe[[name for name in NEEDED if name in severe]]
    found = [term for term in TERMS if term.test in set(severe["PARAMCD"])]
    # Without any such result one term still gives the columns.
    frames = [_severe_of_term(severe, adae, term, analysis.lab_ae_match_days) for term in found or TERMS[:1]]
    listed = pd.concat(frames, ignore_index=True)
    listed = listed.assign(SUBJID=subject_ids(listed, adsl))
    columns = [name for name in LABELS if name in listed.columns and name != "RELDAY"]
    listed = listed.sort_values(["SUBJID", "TEST"], kind="stable", ignore_index=True)[columns]
    return described(
        listed, labels=LABELS, notes=[match_note(analysis)], data=["EVENT"],
        empty=msg("No laboratory result of grade 3 or 4 after an infusion at this cut."),
    )  # fmt: skip


def match_note(analysis: Analysis) -> str:
    """What the column of events says."""
    return msg(
        "Adverse events of that kind within {lab_ae_match_days} days of such a result (A-110); asked = query.",
        lab_ae_match_days=analysis.lab_ae_match_days,
    )


def _severe_of_term(severe: pd.DataFrame, adae: pd.DataFrame, term: Term, days: int) -> pd.DataFrame:
    grade, base = f"ATOXGR{term.direction}", f"BTOXGR{term.direction}"
    rows = severe[severe["PARAMCD"].eq(term.test) & severe[grade].ge(SEVERE).fillna(False).astype(bool)]
    rows = rows.assign(EVENT=matching_event(rows, adae, term, days), VALUE=value_text(rows), DRIVER=driver_text(rows))
    rows = rows.sort_values(["USUBJID", grade, "ADT", "LBSEQ"], ascending=[True, False, True, True], kind="stable")
    of_subject = rows.groupby("USUBJID", sort=False)
    worst = rows.drop_duplicates("USUBJID").set_index("USUBJID")
    ignored = _not_significant(rows).groupby(rows["USUBJID"]).all().reindex(worst.index).astype(bool)
    rise = pd.Series(WORSENED, index=worst.index, dtype="str").mask(
        (worst[grade] <= worst[base]).fillna(False).astype(bool), KNOWN
    )
    events = of_subject["EVENT"].agg(_joined).reindex(worst.index).astype("object")
    none = (
        pd.Series(NO_EVENT, index=worst.index, dtype="object")
        .mask(ignored, NOT_SIGNIFICANT)
        .mask(rise == KNOWN, msg("none"))
    )
    return pd.DataFrame({
        "USUBJID": worst.index, "TRT01A": worst["TRT01A"].to_numpy(), "TEST": shift_variable(term.test, term.direction),
        "BGRADE": worst[base].to_numpy(), "WORST": worst[grade].to_numpy(),
        "RESULTS": of_subject.size().reindex(worst.index).to_numpy("int64"),
        "FIRST": of_subject["RELDAY"].min().reindex(worst.index).to_numpy(),
        "LAST": of_subject["RELDAY"].max().reindex(worst.index).to_numpy(),
        "VALUE": worst["VALUE"].to_numpy(), "DRIVER": worst["DRIVER"].to_numpy(), "RISE": rise.to_numpy(),
        "EVENT": events.where(events != "", none).to_numpy(),
    })  # fmt: skip


def matching_event(rows: pd.DataFrame, adae: pd.DataFrame, term: Term, days: int) -> pd.Series:
    """The terms of events of the term's kind that run within `days` of each result; blank without one.

    An event without end is ongoing.
    """
    if rows.empty:
        return pd.Series("", index=rows.index, dtype="str")
    words = adae["AEDECOD"].fillna("") + " | " + adae["AETERM"].fillna("")
    events = adae[holds_term(words, term.words)][["USUBJID", "ADECOD", "ASTDT", "AENDT"]]
    pairs = rows[["USUBJID", "ADT"]].assign(row=rows.index).merge(events, on="USUBJID")
    margin = pd.Timedelta(days=days)
    near = (pairs["ASTDT"] - margin <= pairs["ADT"]) & ~(pairs["AENDT"] + margin < pairs["ADT"])
    found = pairs[near].groupby("row")["ADECOD"].agg(_joined)
    return found.reindex(rows.index).fillna("").astype("str")


def value_text(rows: pd.DataFrame) -> pd.Series:
    """`< 0.5 10^9/L`: sign, number with at most four significant digits, and unit."""
    number = rows["AVAL"].map(lambda value: "" if pd.isna(value) else f"{value:.4g}").astype("str")
    return (rows["AVALOP"].fillna("") + " " + number + " " + rows["AVALU"].fillna("")).str.strip().astype("str")


def driver_text(rows: pd.DataFrame) -> pd.Series:
    """What gave the grade: upper limit, baseline (creatinine, say), both, or a fixed limit; and the worse case."""
    said = rows["ATOXDRV"].map({code: _drivers(code) for code in rows["ATOXDRV"].unique()}).astype("str")
    return said.mask(rows["CLINFL"] == "Y", said + ", worse clinical case (A-63)")


def _drivers(code: str) -> str:
    return " and ".join(DRIVERS[part] for part in code.split("+") if part)


def _not_significant(rows: pd.DataFrame) -> pd.Series:
    if "LBCLSIG" not in rows.columns:
        return pd.Series(False, index=rows.index)
    return rows["LBCLSIG"].fillna("").str.upper().eq("N")


def _joined(texts: pd.Series) -> str:
    return "; ".join(dict.fromkeys(text for text in texts if text))
