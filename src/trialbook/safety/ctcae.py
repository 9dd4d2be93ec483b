"""CTCAE v5.0 grades of laboratory results: the table of limits and the rules that apply it (rulebook §3.2)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from trialbook.core.dates import earliest_date, latest_date
from trialbook.core.domains import Domains
from trialbook.core.messages import msg
from trialbook.core.terms import holds_term

# ----------------------------------------------------------------------------------------------------
# CTCAE v5.0 laboratory grades as data: the thresholds of rulebook §3.2, taken from admiral's metadata.
#
# A limit reads "sign factor reference": `>3 ULN` is above three times the upper limit of normal, `<75` below 75 in the
# SI unit of the test. A `?` marks a limit that only holds with a clinical fact we do not have (symptoms): the worse
# case
# is taken and flagged. Grades that no number can give (anemia grade 4) are absent.


VERSION = "5.0"
LIMIT = re.compile(r"(?P<sign>>=|>|<)(?P<factor>[0-9.]+)(?: (?P<reference>ULN|LLN|BASE))?(?P<clinical> \?)?")


@dataclass(frozen=True)
class Limit:
    """One comparison that gives a grade: value `sign` factor x reference (`ABS` = the factor itself)."""

    grade: int
    sign: str
    factor: float
    reference: str
    clinical: bool


@dataclass(frozen=True)
class Term:
    """One CTCAE term: the test it grades, its direction, and its limits.

    `abnormal` replaces `normal` where the baseline is above ULN. Where `treated` is given (INR), it holds under an
    anticoagulant, `normal` without one, and both where that is not known: then the worse grade counts, flagged where
    only `treated` gives it. `words` find the same finding among adverse events.
    """

    name: str
    test: str
    direction: str
    normal: tuple[Limit, ...]
    abnormal: tuple[Limit, ...] = ()
    words: tuple[str, ...] = field(default=())
    treated: tuple[Limit, ...] = ()


def _limits(*grades: str) -> tuple[Limit, ...]:
    """Limits of grades 1, 2, 3, 4 in order; several limits of one grade are separated by `;`, none is blank."""
    found = []
    for grade, text in enumerate(grades, start=1):
        for part in filter(None, text.split("; ")):
            m = LIMIT.fullmatch(part)
            if m is None:
                raise ValueError(f"{part!r} is not a limit")
            found.append(Limit(grade, m["sign"], float(m["factor"]), m["reference"] or "ABS", bool(m["clinical"])))
    return tuple(found)


_ALT_NORMAL = _limits(">1 ULN", ">3 ULN", ">5 ULN", ">20 ULN")
_ALT_ABNORMAL = _limits(">=1.5 BASE", ">3 BASE", ">5 BASE", ">20 BASE")
_ALP_NORMAL = _limits(">1 ULN", ">2.5 ULN", ">5 ULN", ">20 ULN")
_ALP_ABNORMAL = _limits(">=2 BASE", ">2.5 BASE", ">5 BASE", ">20 BASE")

TERMS: tuple[Term, ...] = (
    Term(msg("Alanine aminotransferase increased"), "ALT", "H", _ALT_NORMAL, _ALT_ABNORMAL,
         ("alanine aminotransferase", "ALT increased", "transaminase", "hepatic enzyme", "liver", "hepat",
          "丙氨酸氨基转移酶", "转氨酶", "肝")),
    Term(msg("Aspartate aminotransferase increased"), "AST", "H", _ALT_NORMAL, _ALT_ABNORMAL,
         ("aspartate aminotransferase", "AST increased", "transaminase", "hepatic enzyme", "liver", "hepat",
          "天门冬氨酸氨基转移酶", "转氨酶", "肝")),
    Term(msg("Blood bilirubin increased"), "BILI", "H", _limits(">1 ULN", ">1.5 ULN", ">3 ULN", ">10 ULN"),
         _limits(">1 BASE", ">1.5 BASE", ">3 BASE", ">10 BASE"),
         ("bilirubin", "jaundice", "cholesta", "liver", "hepat", "胆红素", "黄疸", "肝")),
    Term(msg("Alkaline phosphatase increased"), "ALP", "H", _ALP_NORMAL, _ALP_ABNORMAL,
         ("alkaline phosphatase", "cholesta", "hepatic enzyme", "liver", "hepat", "碱性磷酸酶", "肝")),
    Term(msg("GGT increased"), "GGT", "H", _ALP_NORMAL, _ALP_ABNORMAL,
         ("GGT", "gamma-glutamyltransferase", "hepatic enzyme", "liver", "hepat", "谷氨酰", "肝")),
    Term(msg("Creatinine increased"), "CREAT", "H",
         _limits(">1 ULN", ">1.5 BASE; >1.5 ULN", ">3 BASE; >3 ULN", ">6 ULN"), (),
         ("creatinine", "renal", "kidney", "nephro", "肌酐", "肾")),
    Term(msg("Platelet count decreased"), "PLAT", "L", _limits("<1 LLN", "<75", "<50", "<25"), (),
         ("platelet", "thrombocytopen", "pancytopen", "血小板")),
    Term(msg("Neutrophil count decreased"), "NEUT", "L", _limits("<1 LLN", "<1.5", "<1", "<0.5"), (),
         ("neutrophil", "neutropen", "granulocyt", "pancytopen", "中性粒细胞", "粒细胞")),
    Term(msg("Lymphocyte count decreased"), "LYM", "L", _limits("<1 LLN", "<0.8", "<0.5", "<0.2"), (),
         ("lymphocyte", "lymphopen", "pancytopen", "淋巴细胞")),
    Term(msg("White blood cell decreased"), "WBC", "L", _limits("<1 LLN", "<3", "<2", "<1"), (),
         ("white blood cell", "leukopen", "leucopen", "neutropen", "pancytopen", "白细胞")),
    Term(msg("Anemia"), "HGB", "L", _limits("<1 LLN", "<100", "<80"), (),
         ("anaemia", "anemia", "haemoglobin", "hemoglobin", "pancytopen", "贫血", "血红蛋白")),
    Term(msg("INR increased"), "INR", "H",
         _limits(">1.2", ">1.5", ">2.5"), (),
         ("INR", "international normalised ratio", "international normalized ratio", "coagul", "凝血"),
         _limits(">1 BASE", ">1.5 BASE", ">2.5 BASE")),
    Term(msg("Hypoalbuminemia"), "ALB", "L", _limits("<1 LLN", "<30", "<20"), (),
         ("albumin", "hypoalbumin", "白蛋白")),
    Term(msg("Hyperkalemia"), "K", "H", _limits(">1 ULN", ">5.5", ">6", ">7"), (),
         ("hyperkal", "potassium increased", "高钾", "血钾升高")),
    Term(msg("Hypokalemia"), "K", "L", _limits("", "<1 LLN ?", "<3", "<2.5"), (),
         ("hypokal", "potassium decreased", "低钾", "血钾降低")),
    Term(msg("Hyponatremia"), "SODIUM", "L", _limits("<1 LLN", "", "<130 ?; <125", "<120"), (),
         ("hyponat", "sodium decreased", "低钠", "血钠降低")),
)  # fmt: skip
GRADED_TESTS = tuple(dict.fromkeys(term.test for term in TERMS))
# The tests as tables and figures name them; those whose codes are the abbreviations of the field keep them.
TEST_NAMES = {
    "BILI": msg("Bilirubin"), "CREAT": msg("Creatinine"), "PLAT": msg("Platelets"), "NEUT": msg("Neutrophils"),
    "LYM": msg("Lymphocytes"), "HGB": msg("Hemoglobin"), "ALB": msg("Albumin"), "K": msg("Potassium"),
    "SODIUM": msg("Sodium"),
}  # fmt: skip


def test_name(code: str) -> str:
    """The name of a laboratory test for readers; a code without one as it is.

    >>> test_name("K_LOW"), test_name("NEUT"), test_name("ALT")
    ('Potassium, low', 'Neutrophils', 'ALT')
    """
    test, _, direction = code.partition("_")
    name = TEST_NAMES.get(test, test)
    if direction == "LOW":
        return msg("{test}, low", test=name)
    return msg("{test}, high", test=name) if direction == "HIGH" else TEST_NAMES.get(code, code)


# ----------------------------------------------------------------------------------------------------
# Whether a sample was taken under an anticoagulant: CTCAE v5.0 grades INR by other limits then (§3.2, A-154).


ON, OFF, UNKNOWN = "Y", "N", ""


def anticoagulated(samples: pd.DataFrame, domains: Domains, terms: Sequence[str]) -> pd.Series:
    """Y, N or blank (not known) for each sample; `samples` needs USUBJID and ADT.

    Y: a drug of `terms` in CM certainly covers the day. N: CM was delivered and no such drug may cover it. Blank: CM
    was not delivered, the list is empty, or the dates of a drug or the sample leave it open.
    """
    state = pd.Series(UNKNOWN, index=samples.index, dtype="str")
    if not domains.delivered("CM") or not terms:
        return state
    cm = domains["CM"]
    own = cm[holds_term(cm["CMDECOD"].fillna("") + " | " + cm["CMTRT"].fillna(""), terms)]
    ongoing = own["CMENRTPT"].fillna("").str.upper().eq("ONGOING")
    far = pd.Timestamp("2261-01-01")
    spans = pd.DataFrame({
        "USUBJID": own["USUBJID"],
        "BEGAN": earliest_date(own["CMSTDTC"]), "BEGUN": latest_date(own["CMSTDTC"]),
        "ENDS": earliest_date(own["CMENDTC"]).mask(ongoing, far),
        "ENDED": latest_date(own["CMENDTC"]).mask(ongoing, far),
    })  # fmt: skip
    pairs = samples[["USUBJID", "ADT"]].assign(SAMPLE=samples.index).merge(spans, on="USUBJID")
    day = pairs["ADT"]
    certain = (pairs["BEGUN"] <= day) & (pairs["ENDS"] >= day)
    # A date that is not known rules nothing out.
    possible = ~(pairs["BEGAN"] > day) & ~(pairs["ENDED"] < day)
    by_sample = pd.DataFrame({"certain": certain, "possible": possible}).groupby(pairs["SAMPLE"]).any()
    found = by_sample.reindex(samples.index).fillna(False).astype(bool)
    return state.mask(~found["possible"], OFF).mask(found["certain"], ON)


# ----------------------------------------------------------------------------------------------------

# Both sides of a comparison are rounded to these digits, so that 3 x 0.7 is not above 2.1 (A-13; admiral signif_dig).
SIGNIFICANT_DIGITS = 10
# "<50" is a value just below 50: enough to be on its side of a limit, too little to change any digit shown.
_JUST_BESIDE = 1e-6
_Floats = npt.NDArray[np.float64]
Graded = tuple[_Floats, npt.NDArray[np.object_], npt.NDArray[np.bool_]]


def lab_grades(results: pd.DataFrame) -> pd.DataFrame:
    """ATOXGRL, ATOXGRH (Int64, 0 to 4, missing = not evaluable), ATOXDRV and CLINFL of each result.

    Columns in: PARAMCD AVAL AVALOP ANRLO ANRHI BASE BASEHI (bool: baseline above its ULN), values in SI units; ANTICOFL
    (Y, N, blank = not known; without the column it is not known) for INR.

    - Grade 0: every limit of the term could be compared and none was crossed.
    - A limit whose reference is missing cannot be crossed: LLN missing leaves grade 1 of a cytopenia open, its absolute
      grades 2 to 4 are given. A term of multiples of ULN is not evaluable without ULN.
    - Baseline above ULN: multiples of the baseline replace those of ULN; an unknown baseline counts as normal.
    - "<x" and ">x": graded at the bound where the bound decides or the value lies beyond it on the worse side (then
      the grade is "at least"); else not evaluable (A-14).
    - ATOXDRV: the reference that gave the grade (ULN, LLN, BASE, ABS); CLINFL: Y where only the worse clinical case
      gives it (A-63).

    >>> results = pd.DataFrame({
    ...     "PARAMCD": ["ALT", "ALT", "PLAT"], "AVAL": [130.0, 130.0, 60.0], "AVALOP": "", "ANRLO": np.nan,
    ...     "ANRHI": [40.0, np.nan, np.nan], "BASE": np.nan, "BASEHI": False,
    ... })
    >>> lab_grades(results)[["ATOXGRH", "ATOXGRL"]].astype("str").values.tolist()
    [['2', nan], [nan, nan], [nan, '2']]
    """
    grades = {direction: np.full(len(results), np.nan) for direction in "LH"}
    driver, clinical = (np.full(len(results), "", dtype=object) for _ in range(2))
    used = results[["AVAL", "AVALOP", "ANRLO", "ANRHI", "BASE", "BASEHI"]].assign(ANTICOFL=results.get("ANTICOFL", ""))
    rows_of_test = results.groupby("PARAMCD").indices
    for term in TERMS:
        rows = rows_of_test.get(term.test)
        if rows is None:
            continue
        grade, reference, by_case = _grade_term(used.iloc[rows], term)
        grades[term.direction][rows] = grade
        crossed = grade > 0
        driver[rows[crossed]], clinical[rows[crossed]] = reference[crossed], np.where(by_case, "Y", "")[crossed]
    return pd.DataFrame({
        **{f"ATOXGR{direction}": pd.array(grade, dtype="Int64") for direction, grade in grades.items()},
        "ATOXDRV": pd.array(driver, dtype="str"), "CLINFL": pd.array(clinical, dtype="str"),
    }, index=results.index)  # fmt: skip


def _grade_term(rows: pd.DataFrame, term: Term) -> Graded:
    by_normal = _apply(rows, term.normal, term.direction)
    if term.treated:
        return _by_treatment(rows, term, by_normal)
    if not term.abnormal:
        return by_normal
    by_baseline = _apply(rows, term.abnormal, term.direction)
    high = rows["BASEHI"].to_numpy(dtype=bool)
    grade, driver, clinical = (np.where(high, new, old) for new, old in zip(by_baseline, by_normal, strict=True))
    return grade, driver, clinical


def _by_treatment(rows: pd.DataFrame, term: Term, without: Graded) -> Graded:
    """The grade under the anticoagulant, without it, or the worse of both where that is not known."""
    either = tuple(replace(limit, clinical=True) for limit in term.treated)
    under = _apply(rows, term.treated, term.direction)
    worse = _apply(rows, (*term.normal, *either), term.direction)
    state = rows["ANTICOFL"].to_numpy(dtype=object)
    grade, driver, clinical = (
        np.where(state == ON, on, np.where(state == OFF, off, both))
        for on, off, both in zip(under, without, worse, strict=True)
    )
    return grade, driver, clinical


def _apply(rows: pd.DataFrame, limits: tuple[Limit, ...], direction: str) -> Graded:
    """Grade (NaN = not evaluable), reference that gave it, and whether only the worse case does: the highest limit."""
    value = _comparable(rows)
    grade = np.zeros(len(rows), dtype="int64")
    references: dict[str, _Floats] = {
        "ULN": rows["ANRHI"].to_numpy("float64"),
        "LLN": rows["ANRLO"].to_numpy("float64"),
        "BASE": rows["BASE"].to_numpy("float64"),
        "ABS": np.ones(len(rows)),
    }
    driver = np.full(len(rows), "", dtype=object)
    clinical = np.zeros(len(rows), dtype=bool)
    for limit in sorted(limits, key=lambda one: one.grade):
        crossed = _crosses(value, limit.sign, significant(references[limit.reference] * limit.factor))
        higher, level = crossed & (limit.grade > grade), crossed & (limit.grade == grade)
        driver = np.where(higher, limit.reference, np.where(level, driver + "+" + limit.reference, driver))
        clinical = np.where(higher, limit.clinical, np.where(level, clinical & limit.clinical, clinical))
        grade = np.where(higher, limit.grade, grade)
    used = {limit.reference for limit in limits}
    present = np.all([~np.isnan(references[name]) for name in used], axis=0)
    known = ~np.isnan(value) & (present | (grade > 0))
    if "ULN" in used and "ABS" not in used:
        # A term of ratios only is not evaluable without its ULN, whatever another reference says.
        known &= ~np.isnan(references["ULN"])
    known &= _bound_decides(rows, direction, grade)
    return np.where(known, grade, np.nan), driver, clinical


def _crosses(value: _Floats, sign: str, limit: _Floats) -> npt.NDArray[np.bool_]:
    if sign == ">":
        return value > limit
    return value >= limit if sign == ">=" else value < limit


def _comparable(rows: pd.DataFrame) -> _Floats:
    """The value to compare: rounded; a censored one is taken just beyond its bound."""
    value = rows["AVAL"].to_numpy("float64")
    sign = rows["AVALOP"].to_numpy(dtype=object)
    beside = np.where(sign == "<", 1 - _JUST_BESIDE, np.where(sign == ">", 1 + _JUST_BESIDE, 1.0))
    return significant(value * beside)


def _bound_decides(rows: pd.DataFrame, direction: str, grade: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """False where a censored value points away from the worse side and its bound is not already grade 0."""
    away = rows["AVALOP"].to_numpy(dtype=object) == ("<" if direction == "H" else ">")
    return ~away | (grade == 0)


def significant(value: _Floats, digits: int = SIGNIFICANT_DIGITS) -> _Floats:
    """Values rounded to significant digits; missing stays missing.

    >>> 3 * 1.1 > 3.3, bool(significant(np.array([3 * 1.1]))[0] > 3.3)
    (True, False)
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        power = np.floor(np.log10(np.abs(value)))
        scale = 10.0 ** (digits - 1 - power)
        rounded = np.round(value * scale) / scale
    return np.where((value == 0) | ~np.isfinite(rounded), value, rounded)
