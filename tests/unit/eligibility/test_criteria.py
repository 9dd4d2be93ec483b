"""Consent, age, performance, grade, serology and pregnancy: what passes, what fails, what stays open."""

from __future__ import annotations

from typing import Any

from support.eligible_subject import eligible, form, judged, judged_each, screened


def test_consent_must_be_proved_to_precede_the_infusion(protocol, analysis) -> None:
    dates = {
        "2025-01-03": "PASS", "2025-01-10T09:00": "PASS", "2025-01-10T11:00": "CONFLICT", "2025-01-10": "NE",
        "2025-01-11": "CONFLICT", "2025-01": "NE", "2025": "NE",
    }  # fmt: skip
    found = judged_each([eligible(RFICDTC=date) for date in dates], protocol, analysis, "IN01")
    assert found["RESULT"].tolist() == list(dates.values())
    assert (found["FLAG"].eq("CONSENT-DATE") == found["RESULT"].eq("NE")).all()


def test_a_child_needs_the_guardian_and_from_8_years_its_own_assent(protocol, analysis) -> None:
    def signed(age: int, *terms: str) -> Any:
        book = eligible(age=age)
        for term in terms:
            book.add("DS", DSTERM=term, DSDECOD=term, DSSTDTC=book.date(-7))
        return book

    guardian, assent = "INFORMED CONSENT OF GUARDIAN", "ASSENT OBTAINED"
    books = [
        signed(7),
        signed(7, guardian),
        signed(8, guardian),
        signed(8, guardian, assent),
        signed(8, assent),
        signed(18),
    ]
    found = judged_each(books, protocol, analysis, "IN01")
    assert found["RESULT"].tolist() == ["ATT-PASS", "PASS", "ATT-PASS", "PASS", "ATT-PASS", "PASS"]
    assert (found["FLAG"].eq("GUARDIAN") == found["RESULT"].eq("ATT-PASS")).all()


def test_age_in_completed_years_lies_from_4_to_70(protocol, analysis) -> None:
    # consent on 2025-01-03
    births = {
        "2021-01-03": "PASS", "2021-01-04": "CONFLICT", "1954-01-04": "PASS", "1954-01-03": "CONFLICT", "2020": "PASS",
        "2021": "NE", "1954": "NE", "1953": "CONFLICT", "2022-05": "CONFLICT",
    }  # fmt: skip
    found = judged_each([eligible(BRTHDTC=birth) for birth in births], protocol, analysis, "IN02")
    assert found["RESULT"].tolist() == list(births.values())


def test_the_strict_rule_ends_on_the_70th_birthday(protocol, analysis) -> None:
    strict = analysis.model_copy(update={"age_rule": "strict_70"})
    births = {"1955-01-03": "PASS", "1955-01-02": "FAIL", "1955": "NE", "2021-01-03": "PASS", "2021-01-04": "FAIL"}
    found = judged_each([eligible(BRTHDTC=birth) for birth in births], protocol, strict, "IN02")
    assert found["DATARESULT"].tolist() == list(births.values())


def test_an_age_near_a_limit_is_told(protocol, analysis) -> None:
    found = judged_each([eligible(BRTHDTC=day) for day in ("1954-02-01", "1954-02-03")], protocol, analysis, "IN02")
    assert found["EVIDENCE"].str.contains("within 30 days of a limit").tolist() == [True, False]


def test_a_missing_birth_date_leaves_the_collected_age(protocol, analysis) -> None:
    ages = {70.0: "PASS", 71.0: "CONFLICT", None: "NE"}
    found = judged_each([eligible(BRTHDTC=None, AGE=age) for age in ages], protocol, analysis, "IN02")
    assert found["RESULT"].tolist() == list(ages.values())


def test_ecog_0_to_2_passes(protocol, analysis) -> None:
    scores = {0: "PASS", 2: "PASS", 3: "CONFLICT", 7: "NE", "poor": "NE"}
    books = [form(screened(without=("ECOG101",))).infused(0) for _ in scores]
    for book, score in zip(books, scores, strict=True):
        book.add("RS", RSCAT="ECOG", RSTESTCD="ECOG101", RSORRES=score, RSDTC=book.date(-1))
    assert judged_each(books, protocol, analysis, "IN04")["RESULT"].tolist() == list(scores.values())


def test_a_child_under_16_passes_with_lansky_50(protocol, analysis) -> None:
    table = [(15, 50, "PASS"), (15, 40, "CONFLICT"), (15, 55, "NE"), (16, 50, "NE")]
    books = [form(screened(age=age, without=("ECOG101",))).infused(0) for age, _, _ in table]
    for book, (_, score, _) in zip(books, table, strict=True):
        book.add("RS", RSCAT="LANSKY", RSTESTCD="LANSKY", RSORRES=score, RSDTC=book.date(-1))
    assert judged_each(books, protocol, analysis, "IN04")["RESULT"].tolist() == [result for *_, result in table]


def test_performance_counts_from_day_minus_14(protocol, analysis) -> None:
    books = [form(screened(without=("ECOG101",))).infused(0) for _ in range(3)]
    for book, day in zip(books, (-14, -15, 1), strict=True):
        book.add("QS", QSCAT="ECOG", QSTESTCD="ECOG101", QSORRES=1, QSDTC=book.date(day))
    assert judged_each(books, protocol, analysis, "IN04")["RESULT"].tolist() == ["PASS", "NE", "NE"]


def test_grade_ii_to_iv_passes_and_a_missing_organ_only_where_it_cannot_matter(protocol, analysis) -> None:
    table = {
        (3, 0, 0, 0): "PASS", (2, 0, 0, 0): "CONFLICT", (0, 0, 0, 0): "CONFLICT", (0, 0, 0, 2): "PASS",
        (4, 0, 0, 0): "PASS", (3, 0, None, 0): "PASS", (2, 0, None, 0): "NE", (0, None, 0, 0): "NE",
    }  # fmt: skip
    books = [form(screened(without=("STAGES",))).infused(0).stages(-1, *stages) for stages in table]
    found = judged_each(books, protocol, analysis, "IN05")
    assert found["RESULT"].tolist() == list(table.values())
    assert (found["FLAG"].eq("ORGAN-MISSING") == found["RESULT"].eq("NE")).all()


def test_the_derived_grade_is_used_where_the_investigator_differs(protocol, analysis) -> None:
    book = eligible()
    book.add("RS", RSCAT="MAGIC", RSTESTCD="AGVHGRD", RSORRES="I", RSDTC=book.date(-1))
    assert judged(book, protocol, analysis, "IN05")[["RESULT", "FLAG"]].tolist() == ["PASS", "GRADE-DIFFERS"]


def test_stages_of_the_day_of_infusion_must_be_known_to_precede_it(protocol, analysis) -> None:
    hours = ("T08:00", "T15:00", "")
    books = [form(screened(without=("STAGES",))).infused(0).stages(f"2025-01-10{hour}", 2, 0, 0, 0) for hour in hours]
    found = judged_each(books, protocol, analysis, "IN05")
    assert found["DATARESULT"].tolist() == ["FAIL", "PASS", "PASS"]
    assert found["ADT"].dt.strftime("%m-%d").tolist() == ["01-10", "01-04", "01-04"]


def test_hiv_and_treponema_antibodies_must_both_be_negative(protocol, analysis) -> None:
    table = [
        ("NEGATIVE", "NEGATIVE", "PASS", ""), ("POSITIVE", "NEGATIVE", "CONFLICT", ""), ("阳性", None, "CONFLICT", ""),
        ("NEGATIVE", "POSITIVE", "CONFLICT", ""), ("NEGATIVE", None, "NE", ""), (None, None, "NE", ""),
        ("INDETERMINATE", "NEGATIVE", "NE", "INDETERMINATE"), ("NEGATIVE", "弱阳性", "NE", "INDETERMINATE"),
    ]  # fmt: skip
    books = [form(screened(without=("HIVAB", "TPAB"))).infused(0) for _ in table]
    for book, (hiv, tp, _, _) in zip(books, table, strict=True):
        for test, value in (("HIVAB", hiv), ("TPAB", tp)):
            if value:
                book.lab(test, value, -28, unit="")
    found = judged_each(books, protocol, analysis, "EX12")
    assert found["RESULT"].tolist() == [row[2] for row in table]
    assert found["FLAG"].tolist() == [row[3] for row in table]


def test_serology_counts_from_day_minus_28_and_from_other_domains_too(protocol, analysis) -> None:
    early = form(screened(without=("HIVAB",))).infused(0).lab("HIVAB", "NEGATIVE", -29, unit="")
    other = form(screened(without=("HIVAB", "TPAB"))).infused(0)
    other.add("IS", ISTESTCD="HIVAB", ISORRES="NEGATIVE", ISDTC=other.date(-3))
    other.add("MB", MBTESTCD="TPLAB", MBORRES="POSITIVE", MBDTC=other.date(-3))
    found = judged_each([early, other], protocol, analysis, "EX12")
    assert found["DATARESULT"].tolist() == ["NE", "FAIL"]
    assert found.loc[1, ["SRCDOM", "SRCSEQ"]].tolist() == ["MB", 1]


def test_active_hepatitis_is_replication(protocol, analysis) -> None:
    table: list[tuple[dict[str, str], str]] = [
        (dict(HBSAG="NEGATIVE", HCVAB="NEGATIVE"), "PASS"),
        (dict(HBSAG="POSITIVE", HBVDNA="<20", HCVAB="NEGATIVE"), "PASS"),
        (dict(HBSAG="POSITIVE", HBVDNA="2000", HCVAB="NEGATIVE"), "FAIL"),
        (dict(HBSAG="POSITIVE", HCVAB="NEGATIVE"), "NE"),
        (dict(HBSAG="NEGATIVE", HCVAB="POSITIVE"), "NE"),
        (dict(HBSAG="NEGATIVE", HCVAB="POSITIVE", HCVRNA="TND"), "PASS"),
        (dict(HBSAG="NEGATIVE", HCVAB="POSITIVE", HCVRNA="1500"), "FAIL"),
        (dict(HCVAB="NEGATIVE"), "NE"),
        (dict(HBVDNA="未检出", HCVAB="NEGATIVE"), "PASS"),
        (dict(HBVDNA="500", HCVAB="NEGATIVE"), "NE"),
        (dict(HBSAG="NEGATIVE"), "NE"),
        (dict(HBSAG="NEGATIVE", HCVAB="NEGATIVE", HCVRNA="HAEMOLYSED"), "NE"),
    ]
    books = [form(screened(without=("HBSAG", "HCVAB"))).infused(0) for _ in table]
    for book, (results, _) in zip(books, table, strict=True):
        for test, value in results.items():
            book.lab(test, value, -5, unit="")
    found = judged_each(books, protocol, analysis, "EX13")
    assert found["DATARESULT"].tolist() == [result for _, result in table]


def test_viral_dna_without_the_surface_antigen_is_asked_about(protocol, analysis) -> None:
    book = eligible().lab("HBVDNA", "500", -5, unit="IU/mL")
    assert judged(book, protocol, analysis, "EX13")[["RESULT", "FLAG"]].tolist() == ["PASS", "DNA-WITHOUT-HBSAG"]


def test_a_female_of_12_or_more_needs_a_clear_pregnancy_test(protocol, analysis) -> None:
    table = [
        ("F", 30, "NEGATIVE", "ATT-PASS"), ("F", 30, "POSITIVE", "CONFLICT"), ("F", 30, None, "NE"),
        ("F", 12, None, "NE"), ("F", 11, None, "ATT-PASS"), ("M", 30, None, "ATT-PASS"),
        ("F", 11, "POSITIVE", "CONFLICT"), ("F", 30, "±", "NE"),
    ]  # fmt: skip
    books = [eligible(sex=sex, age=age) for sex, age, _, _ in table]
    for book, (_, _, hcg, _) in zip(books, table, strict=True):
        if hcg:
            book.lab("HCG", hcg, -7, unit="")
    assert judged_each(books, protocol, analysis, "EX15")["RESULT"].tolist() == [row[3] for row in table]


def test_a_pregnancy_test_older_than_7_days_does_not_count(protocol, analysis) -> None:
    book = eligible(sex="F").lab("HCG", "NEGATIVE", -8, unit="")
    assert judged(book, protocol, analysis, "EX15")[["RESULT", "FLAG"]].tolist() == ["NE", "HCG-MISSING"]


def test_after_a_hysterectomy_no_pregnancy_test_is_needed(protocol, analysis) -> None:
    book = eligible(sex="F").add("MH", MHTERM="Hysterectomy", MHSTDTC="2015")
    assert judged(book, protocol, analysis, "EX15")["RESULT"] == "ATT-PASS"
