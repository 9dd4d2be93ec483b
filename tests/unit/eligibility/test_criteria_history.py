"""Criteria on histories, events and drugs: what proves a violation, what dates leave open, what the form must say."""

from __future__ import annotations

from typing import Any

from support.eligible_subject import eligible, judged, judged_each
from support.trial_builder import TrialBuilder


def history(term: str, start: Any, *, end: Any = None, ongoing: bool = False, **mh: Any) -> TrialBuilder:
    """An eligible subject with one line of medical history."""
    book = eligible()
    ending = None if end is None else book.date(end)
    return book.add("MH", MHTERM=term, MHSTDTC=None if start is None else book.date(start), MHENDTC=ending,
                    MHENRTPT="ONGOING" if ongoing else None, **mh)  # fmt: skip


def test_an_earlier_mesenchymal_product_is_a_violation_ever(protocol, analysis) -> None:
    names = ["Mesenchymal stem cells", "MSC infusion", "remestemcel-L", "艾米迈托赛", "人脐带间充质干细胞"]
    books = [eligible().drug(name, -400, end=-390) for name in names]
    assert set(judged_each(books, protocol, analysis, "EX01")["RESULT"]) == {"CONFLICT"}


def test_a_mesenchymal_product_counts_only_where_it_began_before_the_infusion(protocol, analysis) -> None:
    starts = {
        -1: "CONFLICT",
        0: "ATT-PASS",
        5: "ATT-PASS",
        "2025-01": "NE",
        "2024-12": "CONFLICT",
        "2025-02": "ATT-PASS",
    }
    books = [eligible().drug("Mesenchymal stromal cells", start) for start in starts]
    assert judged_each(books, protocol, analysis, "EX01")["RESULT"].tolist() == list(starts.values())


def test_the_study_product_itself_is_no_earlier_treatment(protocol, analysis) -> None:
    assert judged(eligible().drug("iMSC", -1), protocol, analysis, "EX01")["RESULT"] == "ATT-PASS"


def test_severity_matters_for_blood_products_and_not_for_foreign_protein(protocol, analysis) -> None:
    table = [
        ("Allergy to rabbit ATG", None, "CONFLICT"), ("Allergic reaction to platelet transfusion", "3", "CONFLICT"),
        ("Allergic reaction to platelet transfusion", "2", "ATT-PASS"), ("Allergic reaction to plasma", None, "NE"),
        ("Anaphylaxis after transfusion", None, "CONFLICT"), ("Allergy to penicillin", "4", "ATT-PASS"),
        ("Platelet count decreased", "4", "ATT-PASS"), ("血液制品过敏", "3", "CONFLICT"),
    ]  # fmt: skip
    books = [history(term, -1000, end=-999, MHTOXGR=grade) for term, grade, _ in table]
    assert judged_each(books, protocol, analysis, "EX02")["RESULT"].tolist() == [row[2] for row in table]


def test_severe_veno_occlusive_disease_counts_while_it_lasts(protocol, analysis) -> None:
    table: list[tuple[dict[str, Any], str]] = [
        (dict(start=-20, ongoing=True, MHTOXGR="3"), "CONFLICT"),
        (dict(start=-20, ongoing=True, MHTOXGR="2"), "ATT-PASS"),
        (dict(start=-20, ongoing=True), "ATT-PASS"),
        (dict(start=-20, ongoing=True, MHSEV="VERY SEVERE"), "CONFLICT"),
        (dict(start=-20, end=-1, MHTOXGR="4"), "ATT-PASS"),
        (dict(start=-20, end=0, MHTOXGR="4"), "CONFLICT"),
        (dict(start=-20, MHTOXGR="4"), "NE"),
        (dict(start=-20, end="2025-01", MHTOXGR="4"), "NE"),
        (dict(start=None, ongoing=True, MHTOXGR="4"), "CONFLICT"),
        (dict(start="2025", ongoing=True, MHTOXGR="4"), "NE"),
        (dict(start=3, ongoing=True, MHTOXGR="4"), "ATT-PASS"),
    ]
    books = [history("Hepatic veno-occlusive disease", **mh) for mh, _ in table]
    assert judged_each(books, protocol, analysis, "EX05")["RESULT"].tolist() == [result for _, result in table]


def test_a_lung_infection_counts_before_the_infusion_and_not_after_it(protocol, analysis) -> None:
    books = [
        eligible().event("Pneumonia", -3, 3, AEENRTPT="ONGOING"),
        eligible().event("Pneumonia", "2025-01-10T09:00", 3, AEENRTPT="ONGOING"),
        eligible().event("Pneumonia", 0, 4, AEENRTPT="ONGOING"),
        eligible().event("Pneumonia", 3, 4),
        eligible().event("Pneumonia", -3, 2, AEENRTPT="ONGOING"),
    ]
    found = judged_each(books, protocol, analysis, "EX06")
    assert found["RESULT"].tolist() == ["CONFLICT", "CONFLICT", "ATT-PASS", "ATT-PASS", "ATT-PASS"]
    assert found.loc[0, ["SRCDOM", "SRCSEQ"]].tolist() == ["AE", 1]


def test_oxygen_at_the_infusion_counts_as_severe_lung_disease(protocol, analysis) -> None:
    book = eligible().drug("Oxygen therapy", -2, CMENRTPT="ONGOING")
    assert judged(book, protocol, analysis, "EX06")["RESULT"] == "CONFLICT"


def test_an_infarction_counts_ever_and_other_heart_disease_only_uncontrolled(protocol, analysis) -> None:
    books = [
        history("Acute myocardial infarction", -4000, end=-3990),
        history("Stable angina", -400, ongoing=True),
        history("Heart failure NYHA III", -400, ongoing=True),
        history("Heart failure NYHA II", -400, ongoing=True),
        history("Uncontrolled arrhythmia", -400, end=-300),
    ]
    found = judged_each(books, protocol, analysis, "EX07")["RESULT"].tolist()
    assert found == ["CONFLICT", "ATT-PASS", "CONFLICT", "ATT-PASS", "ATT-PASS"]


def test_resistant_hypertension_looks_back_183_days_from_consent(protocol, analysis) -> None:
    ends = {-7 - 183: "CONFLICT", -7 - 184: "ATT-PASS", "2024": "NE", "2023": "ATT-PASS", None: "NE"}
    books = [history("Resistant hypertension", -900, end=end) for end in ends]
    assert judged_each(books, protocol, analysis, "EX08")["RESULT"].tolist() == list(ends.values())


def test_any_ongoing_thrombus_counts(protocol, analysis) -> None:
    books = [
        history("Catheter-related thrombosis", -10, ongoing=True),
        history("Deep vein thrombosis", -300, end=-200),
        history("肺栓塞", -10, ongoing=True),
        history("Thrombocytopenia", -10, ongoing=True),
    ]
    found = judged_each(books, protocol, analysis, "EX09")["RESULT"].tolist()
    assert found == ["CONFLICT", "ATT-PASS", "CONFLICT", "ATT-PASS"]


def test_a_solid_tumour_of_five_years_counts_unless_treated(protocol, analysis) -> None:
    table = [
        ("Thyroid carcinoma", dict(start="2021-05", ongoing=True), "CONFLICT"),
        ("Thyroid carcinoma, resected and cured", dict(start="2021-05", ongoing=True), "ATT-PASS"),
        ("Thyroid carcinoma", dict(start="2015", ongoing=True), "CONFLICT"),
        ("Thyroid carcinoma", dict(start="2015", end="2019"), "ATT-PASS"),
        ("Thyroid carcinoma", dict(start="2015", end="2020"), "NE"),
        ("Acute myeloid leukaemia", dict(start="2024-01", ongoing=True), "ATT-PASS"),
        ("肺癌", dict(start="2022", ongoing=True), "CONFLICT"),
    ]
    books = [history(term, **mh) for term, mh, _ in table]
    assert judged_each(books, protocol, analysis, "EX10")["RESULT"].tolist() == [row[2] for row in table]


def test_addiction_counts_and_a_prescribed_opioid_does_not(protocol, analysis) -> None:
    books = [
        history("Alcohol dependence", -2000),
        eligible().add("SU", SUTRT="HEROIN", SUCAT="DRUG ABUSE", SUSTDTC="2015"),
        eligible().drug("Morphine", -5),
    ]
    assert judged_each(books, protocol, analysis, "EX11")["RESULT"].tolist() == ["CONFLICT", "CONFLICT", "ATT-PASS"]


def test_another_trials_product_counts_for_84_days_before_consent(protocol, analysis) -> None:
    ends = {-7 - 84: "CONFLICT", -7 - 85: "PASS", "2024-10": "NE", "2024-09": "PASS", None: "NE"}
    books = [eligible().drug("Investigational product of another clinical trial", -300, end=end) for end in ends]
    assert judged_each(books, protocol, analysis, "EX16")["RESULT"].tolist() == list(ends.values())


def test_of_several_records_the_violation_decides(protocol, analysis) -> None:
    book = eligible().drug("Investigational drug", -300, end=-290).drug("Study drug of a clinical trial", -50, end=-40)
    found = judged(book, protocol, analysis, "EX16")
    assert (found["RESULT"], found["SRCDOM"], found["SRCSEQ"]) == ("CONFLICT", "CM", 3)


def test_early_death_never_changes_eligibility(protocol, analysis) -> None:
    found = judged_each([eligible().died(10), eligible().died(91), eligible().died(92)], protocol, analysis, "EX03")
    assert set(found["RESULT"]) == {"ATT-PASS"}
    assert found["EVIDENCE"].str.contains("for information: died within 91 days").tolist() == [True, True, False]
