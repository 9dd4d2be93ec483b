"""Every audit column on both sides of its limits and windows, and with each kind of missing data (§1.1 to §1.3).

Subjects consent on 2025-01-03 and are infused on 2025-01-10 at 10:00. "form" = the data leave it to the form.
"""

from __future__ import annotations

from typing import Any

import pytest

from support.eligibility_cases import Case, Make, audit_of, bare, base, history, lab, of_case, vital
from trialbook.eligibility.adie import Audit
from trialbook.protocol.load import analysis_values
from trialbook.protocol.models import Protocol

FORM = ""
Row = tuple[str, Make, str]


def drug(name: str, start: Any, end: Any = None, **cm: Any) -> Make:
    return base(then=lambda book: book.drug(name, start, end=end, **cm))


def score(test: str, value: Any, day: Any = -1, **dm: Any) -> Make:
    def add(book):
        category = "ECOG" if test == "ECOG101" else "LANSKY"
        return book.add("RS", RSCAT=category, RSTESTCD=test, RSORRES=value, RSDTC=book.date(day))

    return base(without=("ECOG101",), then=add, **dm)


def staged(*stages: int | None, day: Any = -1) -> Make:
    """A subject with one assessment of the organs before the infusion, and no steroid."""
    return bare(lambda book: book.stages(day, *stages))


def sized(weight: tuple[Any, Any, str] | None, height: tuple[Any, Any, str] | None = None, **dm: Any) -> Make:
    """Creatinine of 80 umol/L with a weight and a height of some day and unit."""

    def add(book):
        book.lab("CREAT", 80, -2, unit="umol/L")
        for test, given in (("WEIGHT", weight), ("HEIGHT", height)):
            if given is not None:
                vital(test, given[0], given[1], given[2])(book)

    return bare(add, **dm)


def serology(gone: tuple[str, ...], day: Any = -5, **results: str) -> Make:
    def add(book):
        for test, result in results.items():
            book.lab(test, result, day, unit="")

    return base(without=gone, then=add)


def woman(hcg: str | None = None, day: Any = -2, then=None, *, age: int = 30, high: float | None = None) -> Make:
    def add(book):
        if hcg:
            book.lab("HCG", hcg, day, unit="", high=high)
        if then is not None:
            then(book)

    return base(sex="F", age=age, then=add)


def supplied(name: str, answer: str):
    return lambda book: book.add("SUPPDM", RDOMAIN="DM", QNAM=name, QVAL=answer)


def pressed(systolic: int, diastolic: int, day: int, *drugs: str) -> Make:
    def add(book):
        for name in drugs:
            book.drug(name, -400)
            book._records["CM"][-1]["CMENRTPT"] = "ONGOING"
        vital("SYSBP", systolic, day, "mmHg")(book)
        vital("DIABP", diastolic, day, "mmHg")(book)

    return base(then=add)


def stool(pathogen: str, result: str, day: int, *, loose: bool) -> Make:
    def add(book):
        book.add("MB", MBTESTCD=pathogen, MBORRES=result, MBDTC=book.date(day))
        if loose:
            book.event("Diarrhoea", -4, 2)

    return base(without=("STAGES",), then=lambda book: (book.stages(-1, 3, 0, 0, 0), add(book)))


def procedure(day: Any, visit: str = "SCREENING", **dm: Any) -> Make:
    return base(then=lambda book: book.lab("HGB", 100, day, unit="g/L", VISIT=visit), **dm)


def created(creatinine: float, **dm: Any) -> Make:
    return base(without=("CREAT",), then=lambda book: book.lab("CREAT", creatinine, -2, unit="umol/L"), **dm)


VIRUS, HEPATITIS = ("HIVAB", "TPAB"), ("HBSAG", "HCVAB")
TABLE: dict[str, list[Row]] = {
    "IN01": [
        ("before the infusion", base(RFICDTC="2025-01-09"), "PASS"),
        ("of its day, at its hour", base(RFICDTC="2025-01-10T10:00"), "PASS"),
        ("of its day, a minute after", base(RFICDTC="2025-01-10T10:01"), "FAIL"),
        ("of its day, no hour", base(RFICDTC="2025-01-10"), "NE"),
        ("a day after", base(RFICDTC="2025-01-11"), "FAIL"),
        ("partial", base(RFICDTC="2025-01"), "NE"),
        ("a month after", base(RFICDTC="2025-02"), "FAIL"),
        ("procedure on the day of consent", procedure("2025-01-03"), "PASS"),
        ("procedure the day before", procedure("2025-01-02"), "FAIL"),
        ("procedure an hour before", procedure("2025-01-03T08:00", RFICDTC="2025-01-03T09:00"), "FAIL"),
        ("procedure at the hour", procedure("2025-01-03T09:00", RFICDTC="2025-01-03T09:00"), "PASS"),
        ("procedure with a partial date", procedure("2025-01"), "NE"),
        ("routine care the day before", procedure("2025-01-02", "SCREENING (ROUTINE CARE)"), "PASS"),
        ("a visit before screening", procedure("2025-01-02", "STEROID START"), "PASS"),
        ("Chinese visit name", procedure("2025-01-02", "筛选期"), "FAIL"),
        ("a child of 17 without a guardian", base(age=17), FORM),
        ("an adult of 18", base(age=18), "PASS"),
    ],
    "IN02": [
        ("fourth birthday", base(BRTHDTC="2021-01-03"), "PASS"),
        ("day before the fourth birthday", base(BRTHDTC="2021-01-04"), "FAIL"),
        ("day before the 71st birthday", base(BRTHDTC="1954-01-04"), "PASS"),
        ("71st birthday", base(BRTHDTC="1954-01-03"), "FAIL"),
        ("partial, surely inside", base(BRTHDTC="1960"), "PASS"),
        ("partial, surely outside", base(BRTHDTC="1953"), "FAIL"),
        ("partial at the limit", base(BRTHDTC="1954-01"), "NE"),
        ("partial consent, inside whatever day", base(BRTHDTC="1980-05-05", RFICDTC="2025-01"), "PASS"),
        ("partial consent at the limit", base(BRTHDTC="1954-01-15", RFICDTC="2025-01"), "NE"),
        ("neither birth date nor age", base(BRTHDTC=None, AGE=None), "NE"),
        ("age as collected", base(BRTHDTC=None, AGE=70.0), "PASS"),
    ],
    "IN03": [
        ("a rule holds", base(), "PASS"),
        ("no steroid", bare(lambda book: book.stages(-1, 3, 0, 0, 0)), FORM),
        ("no weight", bare(lambda book: book.drug("Methylprednisolone", -10, dose=120).stages(-10, 2, 0, 0, 0)
                           .stages(-6, 3, 0, 0, 0)), FORM),
        ("no stages", bare(lambda book: (vital("WEIGHT", 60, -3, "kg")(book),
                                         book.drug("Methylprednisolone", -10, dose=120))), FORM),
    ],
    "IN04": [
        ("2", score("ECOG101", 2), "PASS"), ("3", score("ECOG101", 3), "FAIL"),
        ("first day of the window", score("ECOG101", 1, -14), "PASS"),
        ("day before the window", score("ECOG101", 1, -15), "NE"),
        ("no such score", score("ECOG101", 6), "NE"), ("words", score("ECOG101", "good"), "NE"),
        ("partial date", score("ECOG101", 1, "2025-01"), "NE"),
        ("Lansky 50 at 15", score("LANSKY", 50, age=15), "PASS"),
        ("Lansky 40 at 15", score("LANSKY", 40, age=15), "FAIL"),
        ("Lansky at 16", score("LANSKY", 50, age=16), "NE"),
    ],
    "IN05": [
        ("grade I", staged(2, 0, 0, 0), "FAIL"), ("grade II", staged(3, 0, 0, 0), "PASS"),
        ("grade IV", staged(0, 0, 0, 4), "PASS"),
        ("an organ missing that may matter", staged(2, None, 0, 0), "NE"),
        ("an organ missing that cannot matter", staged(3, 0, None, 0), "PASS"),
        ("first day of the window", staged(3, 0, 0, 0, day=-14), "PASS"),
        ("day before the window", staged(3, 0, 0, 0, day=-15), "NE"),
        ("hour before the infusion", staged(3, 0, 0, 0, day="2025-01-10T09:00"), "PASS"),
        ("hour after the infusion", staged(3, 0, 0, 0, day="2025-01-10T11:00"), "NE"),
        ("day of the infusion, no hour", staged(3, 0, 0, 0, day="2025-01-10"), "NE"),
    ],
    "EX01": [
        ("day before the infusion", drug("Mesenchymal stem cells", -1), "FAIL"),
        ("day of the infusion", drug("Mesenchymal stem cells", 0), FORM),
        ("long ago", drug("MSCs", "2009"), "FAIL"),
        ("partial date around the infusion", drug("间充质细胞", "2025-01"), "NE"),
        ("no date", drug("Temcell", "not known"), "NE"),
        ("the product of this trial", drug("iMSC", -1), FORM),
    ],
    "EX02": [
        ("blood product, grade 3", history("Allergy to plasma", -99, MHTOXGR="3"), "FAIL"),
        ("blood product, grade 2", history("Allergy to plasma", -99, MHTOXGR="2"), FORM),
        ("blood product, severe in words", history("血浆过敏 输血", -99, MHSEV="重度"), "FAIL"),
        ("blood product, no grade", history("Allergy to plasma", -99), "NE"),
        ("foreign protein, no grade", history("Hypersensitivity to horse serum", -99), "FAIL"),
        ("foreign protein after the infusion", history("Hypersensitivity to horse serum", 3), FORM),
        ("another allergy", history("Allergy to bovine collagen", -99, MHTOXGR="4"), FORM),
    ],
    "EX03": [("death on day 91", base(then=lambda book: book.died(91)), FORM)],
    "EX04A": [
        ("2 x ULN", lab("ALT", 80, high=40.0), "PASS"), ("above 2 x ULN", lab("ALT", 80.1, high=40.0), "FAIL"),
        ("2 x ULN but for noise", lab("ALT", 80.000000004, high=40.0), "PASS"),
        ("no limit", lab("ALT", 30), "NE"), ("limit 0", lab("ALT", 30, high=0.0), "NE"),
        ("no result", base(without=("ALT",)), "NE"), ("words", lab("ALT", "haemolysed", high=40.0), "NE"),
        ("bound that decides, below", lab("ALT", "<80", high=40.0), "PASS"),
        ("bound that does not, below", lab("ALT", "<81", high=40.0), "NE"),
        ("bound that decides, above", lab("ALT", ">80", high=40.0), "FAIL"),
        ("bound that does not, above", lab("ALT", ">79", high=40.0), "NE"),
        ("first day of the window", lab("ALT", 30, -7, high=40.0), "PASS"),
        ("day before the window", lab("ALT", 30, -8, high=40.0), "NE"),
        ("partial date", lab("ALT", 30, "2025-01", high=40.0), "NE"),
        ("at the hour of the infusion", lab("ALT", 30, "2025-01-10T10:00", high=40.0), "PASS"),
        ("a minute later", lab("ALT", 30, "2025-01-10T10:01", high=40.0), "NE"),
        ("that day, no hour", lab("ALT", 30, "2025-01-10", high=40.0), "NE"),
        ("that day, said to be pre-dose", lab("ALT", 30, "2025-01-10", high=40.0, VISIT="PRE-DOSE"), "PASS"),
        ("in ukat/L", lab("ALT", 1.34, high=0.66, unit="ukat/L"), "FAIL"),
    ],
    "EX04B": [
        ("2 x ULN", lab("AST", 70, high=35.0), "PASS"), ("above 2 x ULN", lab("AST", 70.1, high=35.0), "FAIL"),
        ("haemolysed, above", lab("AST", 99, high=35.0, LBSPCCND="HAEMOLYSED"), "FAIL"),
        ("no limit", lab("AST", 30), "NE"), ("no result", base(without=("AST",)), "NE"),
    ],
    "EX04C": [
        ("measured 30", lab("CREATCLR", 30, unit="mL/min"), "FAIL"),
        ("measured 30.1", lab("CREATCLR", 30.1, unit="mL/min"), "PASS"),
        ("measured, in mL/s", lab("CREATCLR", 0.5, unit="mL/s"), "FAIL"),
        ("measured, unit not known", lab("CREATCLR", 90, unit="?"), "NE"),
        ("measured above 20", lab("CREATCLR", ">20", unit="mL/min"), "NE"),
        ("Cockcroft-Gault just above 30", lab("CREAT", 245, gone=("CREAT",), unit="umol/L"), "PASS"),
        ("Cockcroft-Gault below 30", lab("CREAT", 250, gone=("CREAT",), unit="umol/L"), "FAIL"),
        ("the same in mg/dL", lab("CREAT", 250 / 88.42, gone=("CREAT",), unit="mg/dL"), "FAIL"),
        ("Schwartz just above 30", created(206, age=12), "PASS"),
        ("Schwartz just below 30", created(208, age=12), "FAIL"),
        ("Cockcroft-Gault at 18 with what is too much for a child", created(208, age=18), "PASS"),
        ("unit missing", lab("CREAT", 80, gone=("CREAT",), unit=""), "NE"),
        ("weight of day -14", sized((60, -14, "kg")), "PASS"), ("weight of day -15", sized((60, -15, "kg")), "NE"),
        ("weight in jin", sized((120, -3, "jin")), "PASS"), ("weight without a unit", sized((60, -3, "")), "NE"),
        ("no weight", sized(None), "NE"),
        ("child with a height", sized(None, (150, -3, "cm"), age=12), "PASS"),
        ("child without a height", sized((40, -3, "kg"), None, age=12), "NE"),
        ("sex not known", sized((60, -3, "kg"), sex="U"), "NE"),
        ("age not known", sized((60, -3, "kg"), BRTHDTC=None, AGE=None), "NE"),
        ("no creatinine", base(without=("CREAT",)), "NE"),
    ],
    "EX04D": [
        ("urea 2 x ULN", lab("UREA", 16, unit="mmol/L", high=8.0), "PASS"),
        ("urea above", lab("UREA", 16.1, unit="mmol/L", high=8.0), "FAIL"),
        ("BUN 2 x ULN", lab("BUN", 40, gone=("UREA",), unit="mg/dL", high=20.0), "PASS"),
        ("BUN above", lab("BUN", 40.1, gone=("UREA",), unit="mg/dL", high=20.0), "FAIL"),
        ("urea with the limit of BUN", lab("UREA", 6, unit="mmol/L", high=20.0), "NE"),
        ("no limit", lab("UREA", 6, unit="mmol/L"), "NE"), ("no result", base(without=("UREA",)), "NE"),
    ],
    "EX04E": [
        ("1.5 x ULN", lab("INR", 1.8, unit="", high=1.2), "PASS"),
        ("above 1.5 x ULN", lab("INR", 1.81, unit="", high=1.2), "FAIL"),
        ("1.5 without a limit", lab("INR", 1.0, unit=""), "NE"), ("no result", base(without=("INR",)), "NE"),
    ],
    "EX05": [
        ("grade 3", history("VOD", -9, ongoing=True, MHTOXGR="3"), "FAIL"),
        ("grade 2", history("VOD", -9, ongoing=True, MHTOXGR="2"), FORM),
        ("no grade", history("VOD", -9, ongoing=True), FORM),
        ("ended the day before", history("VOD", -9, end=-1, MHTOXGR="3"), FORM),
        ("ended on the day", history("VOD", -9, end=0, MHTOXGR="3"), "FAIL"),
        ("end not known", history("VOD", -9, MHTOXGR="3"), "NE"),
        ("partial end", history("VOD", -9, end="2025-01", MHTOXGR="3"), "NE"),
        ("begun after", history("VOD", 1, ongoing=True, MHTOXGR="3"), FORM),
    ],
    "EX06": [
        ("grade 3", history("Lung infection", -9, ongoing=True, MHTOXGR="3"), "FAIL"),
        ("grade 2", history("Lung infection", -9, ongoing=True, MHTOXGR="2"), FORM),
        ("oxygen to the day", drug("Oxygen therapy", -3, 0), "FAIL"),
        ("oxygen to the day before", drug("吸氧", -3, -1), FORM),
        ("oxygen, end not known", drug("Mechanical ventilation", -3), "NE"),
    ],
    "EX07": [
        ("LVEF 40%", base(then=vital("LVEF", 40, -28, "%")), FORM),
        ("LVEF 39.9%", base(then=vital("LVEF", 39.9, -28, "%")), "FAIL"),
        ("LVEF before the window", base(then=vital("LVEF", 30, -29, "%")), FORM),
        ("LVEF after the infusion", base(then=vital("LVEF", 30, 1, "%")), FORM),
        ("the last LVEF of two", base(then=lambda b: (vital("LVEF", 30, -9, "%")(b), vital("LVEF", 55, -2, "%")(b))),
         FORM),
        ("LVEF below a bound", base(then=vital("LVEF", "<40", -3, "%")), "FAIL"),
        ("LVEF above a bound", base(then=vital("LVEF", ">30", -3, "%")), "NE"),
        ("LVEF as a share", base(then=vital("LVEF", 0.35, -3, "")), "NE"),
        ("infarction ever", history("急性心肌梗死", "2001", end="2001"), "FAIL"),
        ("infarction with no date", history("Myocardial infarction", None), "FAIL"),
        ("infarction after the infusion", history("Myocardial infarction", 3), FORM),
        ("NYHA IV ended before", history("NYHA IV", -99, end=-1), FORM),
    ],
    "EX08": [
        ("ended 183 days before consent", history("Resistant hypertension", -900, end=-7 - 183), "FAIL"),
        ("ended 184 days before", history("Resistant hypertension", -900, end=-7 - 184), FORM),
        ("partial end", history("Resistant hypertension", -900, end="2024"), "NE"),
        ("no end", history("Resistant hypertension", -900), "NE"),
        ("high on three classes", pressed(140, 80, -9, "Amlodipine", "Valsartan", "Furosemide"), FORM),
    ],
    "EX09": [
        ("ongoing", history("深静脉血栓", -9, ongoing=True), "FAIL"),
        ("ended before", history("Pulmonary embolism", -9, end=-1), FORM),
        ("end not known", history("Pulmonary embolism", -9), "NE"),
    ],
    "EX10": [
        ("ended 5 years before consent", history("Lung cancer", "2010", end="2020-01-03"), "FAIL"),
        ("ended a day earlier", history("Lung cancer", "2010", end="2020-01-02"), FORM),
        ("partial end", history("Lung cancer", "2010", end="2020"), "NE"),
        ("treated", history("Lung cancer, resected", "2022", ongoing=True), FORM),
        ("not treated", history("Lung cancer, not treated", "2022", ongoing=True), "FAIL"),
        ("未切除", history("肝癌，未切除", "2022", ongoing=True), "FAIL"),
        ("in situ", history("Carcinoma in situ of cervix", "2022", ongoing=True), FORM),
        ("basal cell", history("Basal cell carcinoma", "2022", ongoing=True), FORM),
        ("the disease transplanted for", history("Myeloid sarcoma", "2022", ongoing=True), FORM),
    ],
    "EX11": [
        ("any history", history("酒精依赖", "2001"), "FAIL"), ("no date", history("Schizophrenia", None), "FAIL"),
        ("after the infusion", history("Mental disorder", 3), FORM),
        ("partial start around it", history("Mental disorder", "2025"), "NE"),
        ("morphine as treatment", drug("Morphine", -3), FORM),
    ],
    "EX12": [
        ("both negative", serology(VIRUS, HIVAB="阴性", TPAB="NON-REACTIVE"), "PASS"),
        ("HIV positive", serology(VIRUS, HIVAB="阳性(+)"), "FAIL"), ("TP positive", serology(VIRUS, TPAB="+"), "FAIL"),
        ("index at its limit", base(without=VIRUS, then=lambda b: (b.lab("HIVAB", 1.0, -5, unit="S/CO", high=1.0),
                                                                  b.lab("TPAB", 0.1, -5, unit="S/CO", high=1.0))),
         "FAIL"),
        ("weakly positive", serology(VIRUS, HIVAB="弱阳性", TPAB="NEGATIVE"), "NE"),
        ("one missing", serology(VIRUS, HIVAB="NEGATIVE"), "NE"), ("both missing", base(without=VIRUS), "NE"),
        ("first day of the window", serology(VIRUS, -28, HIVAB="NEGATIVE", TPAB="NEGATIVE"), "PASS"),
        ("day before the window", serology(VIRUS, -29, HIVAB="NEGATIVE", TPAB="NEGATIVE"), "NE"),
    ],
    "EX13": [
        ("carrier, DNA below the limit", serology(HEPATITIS, HBSAG="+", HBVDNA="<20", HCVAB="-"), "PASS"),
        ("carrier, DNA at its limit", base(without=HEPATITIS, then=lambda b: (
            b.lab("HBSAG", "+", -5, unit=""), b.lab("HCVAB", "-", -5, unit=""),
            b.lab("HBVDNA", 20, -5, unit="IU/mL", high=20.0))), "FAIL"),
        ("carrier, DNA below its limit in numbers", base(without=HEPATITIS, then=lambda b: (
            b.lab("HBSAG", "+", -5, unit=""), b.lab("HCVAB", "-", -5, unit=""),
            b.lab("HBVDNA", 19, -5, unit="IU/mL", high=20.0))), "PASS"),
        ("carrier, DNA missing", serology(HEPATITIS, HBSAG="POSITIVE", HCVAB="NEGATIVE"), "NE"),
        ("HCV antibody, RNA missing", serology(HEPATITIS, HBSAG="NEGATIVE", HCVAB="POSITIVE"), "NE"),
        ("HCV antibody, RNA not detected", serology(HEPATITIS, HBSAG="-", HCVAB="+", HCVRNA="未检出"), "PASS"),
        ("HCV RNA of any number", serology(HEPATITIS, HBSAG="-", HCVAB="+", HCVRNA="12"), "FAIL"),
        ("only HBsAg", serology(HEPATITIS, HBSAG="NEGATIVE"), "NE"), ("nothing", base(without=HEPATITIS), "NE"),
    ],
    "EX14": [
        ("pathogen with diarrhoea", stool("CDIFF", "POSITIVE", -3, loose=True), FORM),
        ("no pathogen", stool("CDIFF", "NEGATIVE", -3, loose=True), FORM),
    ],
    "EX15": [
        ("positive", woman("POSITIVE"), "FAIL"), ("negative", woman("NEGATIVE"), FORM),
        ("missing", woman(), "NE"), ("unclear", woman("±"), "NE"),
        ("below its limit", woman("4.9", high=5.0), FORM), ("at its limit", woman("5", high=5.0), "FAIL"),
        ("first day of the window", woman("NEGATIVE", -7), FORM), ("day before", woman("NEGATIVE", -8), "NE"),
        ("11 years", woman(age=11), FORM), ("12 years", woman(age=12), "NE"),
        ("11 years, after menarche", woman(age=11, then=supplied("MENARCHE", "Y")), "NE"),
        ("cannot bear children", woman(then=supplied("CHILDPOT", "N")), FORM),
        ("after the menopause", woman(then=lambda b: b.add("MH", MHTERM="绝经", MHSTDTC="2015")), FORM),
        ("lactating", woman("NEGATIVE", then=lambda b: b.add("MH", MHTERM="Lactating", MHSTDTC="2024",
                                                             MHENRTPT="ONGOING")), "FAIL"),
        ("lactated before", woman("NEGATIVE", then=lambda b: b.add("MH", MHTERM="哺乳", MHSTDTC="2020",
                                                                   MHENDTC="2021")), FORM),
        ("a man", base(), FORM),
        ("sex not known, positive", base(sex="U", then=lambda b: b.lab("HCG", "POSITIVE", -2, unit="")), "NE"),
    ],
    "EX16": [
        ("84 days before consent", drug("Study drug", -300, -7 - 84), "FAIL"),
        ("85 days before", drug("Study drug", -300, -7 - 85), "PASS"),
        ("partial end that reaches in", drug("试验药物", -300, "2024-10"), "NE"),
        ("partial end that does not", drug("试验药物", -300, "2024-09"), "PASS"),
        ("no end", drug("Study drug", -300), "NE"), ("ongoing", drug("Study drug", -300, CMENRTPT="ONGOING"), "FAIL"),
        ("begun after consent", drug("Study drug", -3, -2), FORM),
        ("partial consent, far enough", base(RFICDTC="2025-01", then=lambda b: b.drug("Study drug", -300,
                                                                                     end="2024-08")), "PASS"),
        ("partial consent that decides", base(RFICDTC="2025-01", then=lambda b: b.drug("Study drug", -300,
                                                                                      end="2024-10-20")), "NE"),
    ],
    "EX17": [("nothing but the form", base(), FORM)],
}  # fmt: skip
CASES = [Case(column, label, make, data=data) for column, rows in TABLE.items() for label, make, data in rows]


@pytest.fixture(scope="module")
def audited(protocol: Protocol) -> Audit:
    return audit_of(CASES, protocol, analysis_values(protocol, {}, "protocol.yaml"))


@pytest.mark.parametrize("number", range(len(CASES)), ids=[str(case) for case in CASES])
def test_limits_windows_and_missing_data(number: int, audited: Audit) -> None:
    case = CASES[number]
    row = of_case(audited.adie, number, case.column).iloc[0]
    assert row["DATARESULT"] == case.data, row["EVIDENCE"]


def test_every_column_is_in_the_table(protocol: Protocol) -> None:
    assert list(TABLE) == protocol.audit_columns


@pytest.mark.parametrize(
    ("column", "label", "flag"),
    [
        ("IN01", "procedure the day before", "PROCEDURE-BEFORE-CONSENT"),
        ("EX04B", "haemolysed, above", "HAEMOLYSED"),
        ("EX07", "LVEF as a share", "UNIT"),
        ("EX07", "LVEF above a bound", "CENSORED"),
        ("EX08", "high on three classes", "HYPERTENSION"),
        ("EX13", "carrier, DNA below the limit", "HBSAG-CARRIER"),
        ("EX14", "pathogen with diarrhoea", "ENTERIC-PATHOGEN"),
        ("EX14", "no pathogen", ""),
        ("EX15", "sex not known, positive", "SEX-NOT-KNOWN"),
    ],
)
def test_what_the_site_is_asked(column: str, label: str, flag: str, audited: Audit) -> None:
    number = next(k for k, case in enumerate(CASES) if (case.column, case.label) == (column, label))
    row = of_case(audited.adie, number, column).iloc[0]
    assert row["FLAG"] == flag
    if flag not in ("", "UNIT", "CENSORED"):
        own = of_case(audited.evidence.all(), number, column)
        assert own["ROLE"].iloc[0] == "decides"


# pressures and drug classes -> whether they are asked about
PRESSURES = [
    ((140, 80, -9, "Amlodipine", "Valsartan", "Furosemide"), True),
    ((139, 89, -9, "Amlodipine", "Valsartan", "Furosemide"), False),
    ((120, 90, -9, "氨氯地平", "缬沙坦", "呋塞米"), True),
    ((160, 99, -9, "Amlodipine", "Valsartan", "Metoprolol"), False),
    ((160, 99, -9, "Furosemide", "Spironolactone", "Valsartan"), False),
    ((160, 99, -7 - 184, "Amlodipine", "Valsartan", "Furosemide"), False),
    ((160, 99, 1, "Amlodipine", "Valsartan", "Furosemide"), False),
]


def test_high_pressure_on_three_classes_with_a_diuretic_is_asked_about_and_decides_nothing(protocol: Protocol) -> None:
    alone = protocol.model_copy(update={"criteria": [c for c in protocol.criteria if c.id == "EX08"]})
    cases = [Case("EX08", "", pressed(*given)) for given, _ in PRESSURES]
    adie = audit_of(cases, alone, analysis_values(protocol, {}, "x")).adie
    assert adie["FLAG"].eq("HYPERTENSION").tolist() == [asked for _, asked in PRESSURES]
    assert adie["RESULT"].eq("ATT-PASS").all()


def test_the_worst_value_of_the_window_is_told_beside_the_last(protocol: Protocol) -> None:
    alone = protocol.model_copy(update={"criteria": [c for c in protocol.criteria if c.id == "EX04"]})
    make = base(then=lambda book: book.lab("ALT", 300, -6, high=40.0).lab("ALT", 90, -9, high=40.0))
    found = audit_of([Case("EX04A", "", make)], alone, analysis_values(protocol, {}, "x"))
    rows = of_case(found.evidence.all(), 0, "EX04A")
    told = list(zip(rows["ROLE"], rows["VALUE"], rows["SAYS"], strict=True))
    assert told == [("decides", "30", "PASS"), ("worst in the window", "300", "FAIL"), ("form", "N", "")]


# start and end of a severe veno-occlusive disease of a subject never infused, who failed screening on 2025-01-09
NEVER_INFUSED = [
    ("2025-01-09", None, "FAIL"),
    ("2025-01-10", None, FORM),
    ("2025-01", None, "NE"),
    ("2025-01", "2025-01-09", "FAIL"),
    ("2025-01", "2025-01-08", FORM),
]


def test_of_a_subject_never_infused_the_day_of_the_screen_failure_counts(protocol: Protocol) -> None:
    def make(start: str, end: str | None) -> Make:
        def add(book):
            book.add("DS", DSDECOD="SCREEN FAILURE", DSSTDTC="2025-01-09")
            ongoing = None if end else "ONGOING"
            book.add("MH", MHTERM="HVOD", MHTOXGR="3", MHSTDTC=start, MHENDTC=end, MHENRTPT=ongoing)

        return base(level="SCRNFAIL", then=add)

    alone = protocol.model_copy(update={"criteria": [c for c in protocol.criteria if c.id == "EX05"]})
    cases = [Case("EX05", "", make(start, end), infused=False) for start, end, _ in NEVER_INFUSED]
    adie = audit_of(cases, alone, analysis_values(protocol, {}, "x")).adie
    assert adie["DATARESULT"].tolist() == [result for *_, result in NEVER_INFUSED]


def test_what_ended_before_the_infusion_had_begun_before_it(protocol: Protocol) -> None:
    alone = protocol.model_copy(update={"criteria": [c for c in protocol.criteria if c.id == "EX01"]})
    ends = {"2025-01-09": "FAIL", "2025-01-10": "NE", "2025-01-11": "NE"}
    cases = [Case("EX01", "", drug("Mesenchymal stem cells", "2025-01", end)) for end in ends]
    adie = audit_of(cases, alone, analysis_values(protocol, {}, "x")).adie
    assert adie["DATARESULT"].tolist() == list(ends.values())
