"""ADRS: its rows, baseline and change, flags, and that collected values are kept."""

from __future__ import annotations

import pandas as pd
import pytest

from support.trial_builder import TrialBuilder, trial
from trialbook.core.dates import as_date
from trialbook.efficacy.adrs import ADRS_COLUMNS, derive_adrs
from trialbook.efficacy.day28 import day28_response
from trialbook.efficacy.queries import response_queries
from trialbook.protocol.study_data import StudyData
from trialbook.subjects.adsl import derive_subjects

CUT = as_date("2025-09-30")


@pytest.fixture
def adrs(protocol, analysis):
    def derive(built: TrialBuilder) -> pd.DataFrame:
        domains = built.delivers("CM").domains()
        return derive_adrs(
            derive_subjects(StudyData(domains, protocol, analysis, CUT)), StudyData(domains, protocol, analysis, CUT)
        )

    return derive


@pytest.fixture
def rules(protocol, analysis):
    def ask(built: TrialBuilder) -> list[str]:
        domains = built.domains()
        subjects = derive_subjects(StudyData(domains, protocol, analysis, CUT))
        rows = derive_adrs(subjects, StudyData(domains, protocol, analysis, CUT))
        response = day28_response(subjects, StudyData(domains, protocol, analysis, CUT))
        return [q["rule"] for q in response_queries(rows, response, subjects, domains, protocol, analysis)]

    return ask


def infused() -> TrialBuilder:
    return trial().subject("S01").infused(0).stages(-1, 3, 1, 0, 2)


def investigator(built: TrialBuilder, response: str, day: int = 28) -> TrialBuilder:
    return built.add("RS", RSCAT="MAGIC", RSTESTCD="OVRLRESP", RSORRES=response, RSDTC=built.date(day))


def test_each_assessment_has_a_row_per_organ_and_a_derived_grade(adrs) -> None:
    rows = adrs(infused().stages(28, 1, 0, 0, 0))
    assert rows.groupby("PARAMCD").size().to_dict() == {
        "SKIN": 2, "LIVER": 2, "UGI": 2, "LGI": 2, "GRADE": 2, "RSP28": 1,
        "RSP14": 1, "VGPR28": 1, "BOR": 1, "RSP56": 1, "RSPSKIN": 1, "RSPLIVER": 1, "RSPLGI": 1,
    }  # fmt: skip
    assert rows[rows["PARAMCD"] == "GRADE"]["AVALC"].tolist() == ["III", "I"]


def test_base_and_change_refer_to_the_baseline_of_response(adrs) -> None:
    rows = adrs(infused().stages(28, 1, 2, 0, 2))
    skin = rows[rows["PARAMCD"] == "SKIN"]
    assert skin["ABLFL"].tolist() == ["Y", ""]
    assert skin["BASE"].tolist() == [3, 3]
    assert skin["CHG"].tolist()[1] == -2
    assert pd.isna(skin["CHG"].tolist()[0])
    assert skin["AVISIT"].tolist() == ["Baseline", "Day 28"]


def test_a_missing_organ_has_a_row_without_a_value(adrs) -> None:
    rows = adrs(infused().stages(28, 1, None, 0, 2))
    liver = rows[(rows["PARAMCD"] == "LIVER") & (rows["RELDAY"] == 28)].iloc[0]
    assert pd.isna(liver["AVAL"])
    assert (liver["AVALC"], liver["AVALLO"], liver["AVALHI"]) == ("", 0, 4)
    grade = rows[(rows["PARAMCD"] == "GRADE") & (rows["RELDAY"] == 28)].iloc[0]
    assert (grade["AVALC"], grade["AVALLO"], grade["AVALHI"]) == ("NE", 3, 4)


def test_a_non_responder_by_reason_keeps_the_category_of_the_stages(adrs) -> None:
    rows = adrs(infused().stages(28, 0, 0, 0, 0).drug("ruxolitinib", 20))
    row = rows[rows["PARAMCD"] == "RSP28"].iloc[0]
    assert (row["AVALC"], row["REASON"], row["RSPSTG"], row["RSP28FL"]) == ("NR", "NEWTX", "CR", "Y")


def test_every_treated_subject_has_one_response_row_and_a_screen_failure_none(adrs) -> None:
    built = infused().subject("S02", start="2025-09-20").infused(0).stages(-1, 2, 0, 0, 0)
    built.subject("S03", level="SCRNFAIL").stages(-1, 2, 0, 0, 0)
    rows = adrs(built)
    response = rows[rows["PARAMCD"] == "RSP28"].set_index("USUBJID")
    assert response["AVALC"].to_dict() == {"iMSC-2001-S01": "NR", "iMSC-2001-S02": "PENDING"}
    assert response["RSP28FL"].tolist() == ["Y", ""]
    assert "iMSC-2001-S03" not in set(rows["USUBJID"])


def test_the_investigators_response_stands_beside_the_derived_one(adrs, rules) -> None:
    built = investigator(infused().stages(28, 1, 2, 0, 1), "PR").delivers("CM")
    rows = adrs(built)
    assert rows[rows["PARAMCD"] == "RSPINV"]["AVALC"].tolist() == ["PR"]
    assert rows[rows["PARAMCD"] == "RSP28"]["AVALC"].tolist() == ["MR"]
    assert rules(built) == ["P28-RS-RESPONSE-DIFFERS"]


def test_records_after_the_cut_are_not_used(adrs) -> None:
    assert adrs(infused().stages(300, 0, 0, 0, 0))["ADT"].max() == as_date("2025-01-09")


def test_dates_flags_and_types_follow_the_contract(adrs) -> None:
    rows = adrs(infused().stages(28, 1, 0, 0, 0))
    assert {name: str(kind) for name, kind in rows.dtypes.items()} == ADRS_COLUMNS
    assert not rows.duplicated(["USUBJID", "PARAMCD", "ADT"]).any()
    assert not (rows["ADY"] == 0).any()


def test_without_records_the_frame_is_empty_with_its_columns(adrs) -> None:
    rows = adrs(trial().subject("S01", level="SCRNFAIL"))
    assert (len(rows), list(rows.columns)) == (0, list(ADRS_COLUMNS))


@pytest.mark.parametrize(
    ("built", "expected"),
    [
        (infused().stages(33, 0, 0, 0, 0).delivers("CM"), ["P29-RS-DAY28-OUTSIDE"]),
        (infused().delivers("CM"), ["P29-RS-DAY28-NONE"]),
        (infused().stages(27, 0, 0, 0, 0).stages(30, 0, 0, 0, 0).delivers("CM"), ["P29-RS-DAY28-SEVERAL"]),
        (infused().stages(28, 0, None, 0, 0).delivers("CM"), ["P27-RS-ORGAN-MISSING"]),
        (infused().stages(28, 0, 0, 0, 0), ["P34-CM-NOT-DELIVERED"]),
        (trial().subject("S01").infused(0).stages(-5, 1, 0, 0, 0).stages(28, 0, 0, 0, 0).delivers("CM"),
         ["P29-RS-BASELINE-WIDE"]),
        (trial().subject("S01").infused(0).stages(28, 0, 0, 0, 0).delivers("CM"), ["P29-RS-BASELINE-NONE"]),
        (trial().subject("S01").infused(0).stages(-1, 0, 0, 0, 0).stages(28, 0, 0, 0, 0).delivers("CM"),
         ["P29-RS-BASELINE-ZERO"]),
        (infused().stages(28, 0, 0, 0, 0).stages(28, 4, 0, 0, 0).delivers("CM"), ["P16-RS-SAME-DAY-DIFFERS"]),
        (infused().stages(28, 0, 0, 0, 0).stages(28, 0, 0, 0, 0).delivers("CM"), []),
        (infused().stages("2025-02-07T08:00", 2, 0, 0, 0).stages("2025-02-07T18:00", 0, 0, 0, 0).delivers("CM"), []),
        (infused().stages(28, 0, 0, 0, 0).add("DS", DSDECOD="WITHDRAWAL BY SUBJECT", DSSTDTC="2025-02-10")
         .delivers("CM"), []),
        (trial().subject("S01").infused(0).seen(28), ["P34-CM-NOT-DELIVERED", "P34-RS-NOT-DELIVERED"]),
        (infused().died(10).delivers("CM"), []),
        (infused().stages(28, 0, 0, 0, 0).delivers("CM"), []),
    ],
)  # fmt: skip
def test_what_the_site_is_asked(rules, built, expected) -> None:
    assert rules(built) == expected


def test_records_after_the_withdrawal_of_consent_are_asked_about(rules) -> None:
    built = infused().stages(28, 0, 0, 0, 0).seen(28).delivers("CM")
    built.add("DS", DSDECOD="WITHDRAWAL BY SUBJECT", DSSTDTC="2025-01-20")
    assert rules(built) == ["P25-RECORD-AFTER-WITHDRAWAL", "P25-RECORD-AFTER-WITHDRAWAL"]


def test_nothing_after_the_withdrawal_stands_in_adrs(adrs) -> None:
    built = infused().stages(7, 1, 0, 0, 1).stages(28, 0, 0, 0, 0).stages(56, 0, 0, 0, 0)
    built.add("DS", DSDECOD="WITHDRAWAL BY SUBJECT", DSSTDTC="2025-01-20")
    rows = adrs(built)
    assert rows["ADT"].max() <= as_date("2025-01-20")
    said = rows.set_index("PARAMCD")["AVALC"]
    assert (said["RSP28"], said["BOR"], said["RSP56"]) == ("NR", "PR", "N")


def test_what_is_open_stands_beside_the_response(adrs) -> None:
    rows = adrs(infused().stages(28, 0, None, 0, 0).delivers("CM"))
    (row,) = rows[rows["PARAMCD"] == "RSP28"].to_dict("records")
    assert (row["AVALC"], row["RSPLO"], row["RSPHI"]) == ("NR", "NR", "CR")
    assert row["RSPWHY"].startswith("organs not known: baseline ")
