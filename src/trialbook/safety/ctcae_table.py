"""CTCAE v5.0 laboratory grades as data: the thresholds of domain document §3.2, taken from admiral's metadata.

A limit reads "sign factor reference": `>3 ULN` is above three times the upper limit of normal, `<75` below 75 in the
SI unit of the test. A `?` marks a limit that only holds with a clinical fact we do not have (symptoms): the worse case
is taken and flagged (A-63). Grades that no number can give (anemia grade 4) are absent.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

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
    Term("Alanine aminotransferase increased", "ALT", "H", _ALT_NORMAL, _ALT_ABNORMAL,
         ("alanine aminotransferase", "ALT increased", "transaminase", "hepatic enzyme", "liver", "hepat",
          "丙氨酸氨基转移酶", "转氨酶", "肝")),
    Term("Aspartate aminotransferase increased", "AST", "H", _ALT_NORMAL, _ALT_ABNORMAL,
         ("aspartate aminotransferase", "AST increased", "transaminase", "hepatic enzyme", "liver", "hepat",
          "天门冬氨酸氨基转移酶", "转氨酶", "肝")),
    Term("Blood bilirubin increased", "BILI", "H", _limits(">1 ULN", ">1.5 ULN", ">3 ULN", ">10 ULN"),
         _limits(">1 BASE", ">1.5 BASE", ">3 BASE", ">10 BASE"),
         ("bilirubin", "jaundice", "cholesta", "liver", "hepat", "胆红素", "黄疸", "肝")),
    Term("Alkaline phosphatase increased", "ALP", "H", _ALP_NORMAL, _ALP_ABNORMAL,
         ("alkaline phosphatase", "cholesta", "hepatic enzyme", "liver", "hepat", "碱性磷酸酶", "肝")),
    Term("GGT increased", "GGT", "H", _ALP_NORMAL, _ALP_ABNORMAL,
         ("GGT", "gamma-glutamyltransferase", "hepatic enzyme", "liver", "hepat", "谷氨酰", "肝")),
    Term("Creatinine increased", "CREAT", "H",
         _limits(">1 ULN", ">1.5 BASE; >1.5 ULN", ">3 BASE; >3 ULN", ">6 ULN"), (),
         ("creatinine", "renal", "kidney", "nephro", "肌酐", "肾")),
    Term("Platelet count decreased", "PLAT", "L", _limits("<1 LLN", "<75", "<50", "<25"), (),
         ("platelet", "thrombocytopen", "pancytopen", "血小板")),
    Term("Neutrophil count decreased", "NEUT", "L", _limits("<1 LLN", "<1.5", "<1", "<0.5"), (),
         ("neutrophil", "neutropen", "granulocyt", "pancytopen", "中性粒细胞", "粒细胞")),
    Term("Lymphocyte count decreased", "LYM", "L", _limits("<1 LLN", "<0.8", "<0.5", "<0.2"), (),
         ("lymphocyte", "lymphopen", "pancytopen", "淋巴细胞")),
    Term("White blood cell decreased", "WBC", "L", _limits("<1 LLN", "<3", "<2", "<1"), (),
         ("white blood cell", "leukopen", "leucopen", "neutropen", "pancytopen", "白细胞")),
    Term("Anemia", "HGB", "L", _limits("<1 LLN", "<100", "<80"), (),
         ("anaemia", "anemia", "haemoglobin", "hemoglobin", "pancytopen", "贫血", "血红蛋白")),
    Term("INR increased", "INR", "H",
         _limits(">1.2", ">1.5", ">2.5"), (),
         ("INR", "international normalised ratio", "international normalized ratio", "coagul", "凝血"),
         _limits(">1 BASE", ">1.5 BASE", ">2.5 BASE")),
    Term("Hypoalbuminemia", "ALB", "L", _limits("<1 LLN", "<30", "<20"), (),
         ("albumin", "hypoalbumin", "白蛋白")),
    Term("Hyperkalemia", "K", "H", _limits(">1 ULN", ">5.5", ">6", ">7"), (),
         ("hyperkal", "potassium increased", "高钾", "血钾升高")),
    Term("Hypokalemia", "K", "L", _limits("", "<1 LLN ?", "<3", "<2.5"), (),
         ("hypokal", "potassium decreased", "低钾", "血钾降低")),
    Term("Hyponatremia", "SODIUM", "L", _limits("<1 LLN", "", "<130 ?; <125", "<120"), (),
         ("hyponat", "sodium decreased", "低钠", "血钠降低")),
)  # fmt: skip
GRADED_TESTS = tuple(dict.fromkeys(term.test for term in TERMS))
