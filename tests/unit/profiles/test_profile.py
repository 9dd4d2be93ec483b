"""Patient profiles: who has one, what it says of a subject, and file names that are safe whatever an id holds."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.page_samples import PAYLOADS
from support.trial_builder import TrialBuilder
from trialbook.profiles.profile import Profile, grade_bands, profiles
from trialbook.profiles.subjects import profile_address, profile_file, profile_note, profiled_subjects
from trialbook.protocol.models import Protocol
from trialbook.protocol.study_data import StudyData

DAY = pd.Timestamp
START = DAY("2025-01-10")


def adsl(**columns: object) -> pd.DataFrame:
    """S01 (DL2, died on day 40), S02 (DL1, alive) and a screen failure."""
    data = {
        "USUBJID": ["T-S01", "T-S02", "T-S03"], "SUBJID": ["S01", "S02", "S03"], "SAFFL": ["Y", "Y", ""],
        "TRT01A": ["DL2", "DL1", ""], "TRT01AN": pd.array([2, 1, None], dtype="Int64"),
        "TRTSDT": [START, START, pd.NaT], "CUTDT": DAY("2025-09-30"), "AGE": [41.0, 52.0, 30.0], "SEX": ["M", "F", "M"],
        "DTHFL": ["Y", "", ""], "DTHDT": [DAY("2025-02-19"), pd.NaT, pd.NaT],
        "LSTALVDT": [DAY("2025-02-18"), DAY("2025-06-01"), DAY("2025-01-01")],
    }  # fmt: skip
    return pd.DataFrame(data | columns)


def adae() -> pd.DataFrame:
    """S01: a serious related event of grade 3 on day 2, and one without a date. S02: one before treatment."""
    return pd.DataFrame(
        {
            "USUBJID": ["T-S01", "T-S01", "T-S02"], "AESEQ": pd.array([1, 2, 1], dtype="Int64"),
            "ADECOD": ["Sepsis", "", "Nausea"], "AETERM": ["septic shock", "a rash", "nausea"],
            "ASTDT": [DAY("2025-01-12"), pd.NaT, DAY("2025-01-08")], "AENDT": [pd.NaT, pd.NaT, DAY("2025-01-09")],
            "ATOXGR": pd.array([3, None, 1], dtype="Int64"), "TRTEMFL": ["Y", "Y", ""], "ASER": ["Y", "", ""],
            "AESER": ["Y", "N", "N"],
            "AREL": ["RELATED", "NOT RELATED", ""],
            "AEREL": ["POSSIBLE", "NOT RELATED", "NOT RELATED"], "DLTFL": ["Y", "", ""], "AEOUT": ["FATAL", None, None],
        }
    )  # fmt: skip


def adlb() -> pd.DataFrame:
    """Platelets and ALT of S01 (ALT above normal at baseline)."""
    rows = [("PLAT", -3, 90.0, 1, ""), ("PLAT", 0, 80.0, 1, "Y"), ("PLAT", 7, 20.0, 4, ""), ("ALT", 0, 80.0, 0, "Y")]
    frame = pd.DataFrame(rows, columns=["PARAMCD", "RELDAY", "AVAL", "GRADE", "ABLFL"])
    is_alt = frame["PARAMCD"].eq("ALT")
    return frame.assign(
        USUBJID="T-S01", LBSEQ=range(1, 5), ADT=START + pd.to_timedelta(frame["RELDAY"], unit="D"), AVALOP="",
        AVALU=is_alt.map({True: "U/L", False: "10^9/L"}), BASE=80.0, ANRLO=is_alt.map({True: 9.0, False: 125.0}),
        ANRHI=is_alt.map({True: 50.0, False: 350.0}), RELDAY=frame["RELDAY"].astype("Int64"),
        ATOXGRL=frame["GRADE"].mask(is_alt).astype("Int64"), ATOXGRH=frame["GRADE"].where(is_alt).astype("Int64"),
    )  # fmt: skip


def data(**others: pd.DataFrame) -> dict[str, pd.DataFrame]:
    adrs = pd.DataFrame(
        [("T-S01", "SKIN", 0, "2"), ("T-S01", "GRADE", 0, "II"), ("T-S01", "SKIN", 7, "1"),
         ("T-S01", "RSP28", 28, "PR")],
        columns=["USUBJID", "PARAMCD", "RELDAY", "AVALC"],
    )  # fmt: skip
    adrs = adrs.assign(ADT=START + pd.to_timedelta(adrs["RELDAY"], unit="D"), REASON="")
    death = {"USUBJID": "T-S01", "PARAMCD": "OS", "EVNTDESC": "DEATH", "ADT": DAY("2025-02-19")}
    relapse = {"USUBJID": "T-S01", "PARAMCD": "NRM", "EVNTDESC": "RELAPSE", "ADT": DAY("2025-02-09")}
    addlt = {"USUBJID": ["T-S01"], "DLTSTAT": ["DLT"], "REASON": ["adjudicated"], "DLTDT": [DAY("2025-01-12")]}
    made = {
        "adsl": adsl(), "adae": adae(), "adlb": adlb(), "adrs": adrs, "adtte": pd.DataFrame([death, relapse]),
        "addlt": pd.DataFrame(addlt),
    }  # fmt: skip
    return made | others


@pytest.fixture
def trial() -> TrialBuilder:
    built = TrialBuilder("T").subject("S01", level="DL2").infused(0, 2.0).infused(7, 2.0)
    built.add("VS", VSTESTCD="WEIGHT", VSORRES="50", VSORRESU="kg", VSDTC=built.date(-2))
    built.drug("Methylprednisolone", -3, end=4, dose=100.0).drug("Methylprednisolone", 5, dose=50.0)
    return built.subject("S02").infused(0)


def made(trial: TrialBuilder, protocol: Protocol, analysis: object, **others: pd.DataFrame) -> list[Profile]:
    return profiles(data(**others), StudyData(trial.domains(), protocol, analysis, DAY("2025-09-30")))


def of(name: str, profiles_made: list[Profile]) -> Profile:
    return next(profile for profile in profiles_made if profile.subject == name)


def test_treated_subjects_have_profiles_in_the_order_of_risk_and_no_others(trial, protocol, analysis):
    found = made(trial, protocol, analysis)
    assert [(profile.subject, profile.risk) for profile in found] == [("S01", "DLT"), ("S02", "none of these")]
    waiting = data()["addlt"].assign(USUBJID="T-S02", DLTSTAT="PENDING")
    found = made(trial, protocol, analysis, addlt=waiting)
    assert [(p.subject, p.risk) for p in found] == [("S02", "DLT window open"), ("S01", "serious event")]


def test_the_key_facts_of_a_subject_who_died(trial, protocol, analysis):
    facts = {label: (value, note) for label, value, note in of("S01", made(trial, protocol, analysis)).facts}
    assert facts == {
        "Dose level": ("DL2", "first infusion 2025-01-10"), "Age, sex": ("41 M", ""), "Infusions": ("2", ""),
        "DLT status": ("DLT", "adjudicated"), "Response at day 28": ("PR", ""), "Status": ("Died", "2025-02-19"),
        "TEAE": ("2", "worst grade 3, and 1 not graded"), "Serious TEAE": ("1", ""),
    }  # fmt: skip


def test_what_is_not_known_is_no_fact(trial, protocol, analysis):
    facts = {label: (value, note) for label, value, note in of("S02", made(trial, protocol, analysis)).facts}
    assert facts["Status"] == ("Alive", "last seen 2025-06-01")
    assert not {"DLT status", "Response at day 28"} & set(facts)


def test_everything_stands_on_days_since_the_first_infusion(trial, protocol, analysis):
    profile = of("S01", made(trial, protocol, analysis))
    assert list(profile.infusions[["INFNO", "DAY"]].itertuples(index=False, name=None)) == [(1, 0), (2, 7)]
    assert list(profile.milestones[["DAY", "EVENT", "SAID"]].itertuples(index=False, name=None)) == [
        (2, "DLT", "DLT"), (28, "Response at day 28", "PR"), (30, "Relapse", ""), (40, "Death", "")
    ]  # fmt: skip
    assert list(profile.stages[["DAY", "SKIN", "LIVER", "GRADE"]].itertuples(index=False, name=None)) == [
        (0, "2", "", "II"), (7, "1", "", "")
    ]  # fmt: skip
    assert list(profile.steroids[["FROM", "UNTIL", "MPEQ"]].itertuples(index=False, name=None)) == [
        (-3, 4, 2.0), (5, 40, 1.0)
    ]  # fmt: skip
    assert list(profile.events["TERM"]) == ["Sepsis", "a rash"]
    assert profile.events["FROM"].isna().tolist() == [False, True]
    assert list(profile.labs.loc[profile.labs["PARAMCD"] == "PLAT", "GRADE"]) == [1, 1, 4]
    assert profile.last_day == 40


def test_no_frame_of_a_profile_holds_another_subject_or_an_identifier(trial, protocol, analysis):
    for profile in made(trial, protocol, analysis):
        frames = [getattr(profile, field.name) for field in fields(profile)]
        columns = {name for frame in frames if isinstance(frame, pd.DataFrame) for name in frame.columns}
        assert not columns & {"USUBJID", "BRTHDTC", "RACE", "SITEID"}
    assert list(of("S02", made(trial, protocol, analysis)).events["TERM"]) == ["Nausea"]


def test_grade_bands_follow_the_limits_of_the_baseline_record():
    bands = grade_bands(adlb(), adsl())
    assert [tuple(row) for row in bands.drop(columns="USUBJID").itertuples(index=False)] == [
        ("ALT", "H", 0, 50.0),
        ("ALT", "H", 1, 120.0), ("ALT", "H", 2, 240.0), ("ALT", "H", 3, 400.0), ("ALT", "H", 4, 1600.0),
        ("PLAT", "L", 0, 125.0),
        ("PLAT", "L", 1, 125.0), ("PLAT", "L", 2, 75.0), ("PLAT", "L", 3, 50.0), ("PLAT", "L", 4, 25.0),
    ]  # fmt: skip


def test_a_trial_without_endpoints_events_or_treated_subjects_still_has_its_pages(trial, protocol, analysis):
    blank = {name: data()[name].head(0) for name in ("adae", "adlb", "adrs", "adtte", "addlt")}
    profile = made(trial, protocol, analysis, **blank)[1]
    assert [label for label, *_ in profile.facts][-2:] == ["TEAE", "Serious TEAE"]
    assert made(trial, protocol, analysis, adsl=adsl().iloc[2:]) == []


def test_every_treated_subject_has_a_page_and_shared_numbers_none(trial, protocol, analysis):
    assert profiled_subjects(adsl()) == ["S02", "S01"]
    assert profiled_subjects(adsl(SUBJID=["S01", "S01", "S03"])) == []
    assert profile_note(2, {"S01": "", "S02": ""}) == []
    assert profile_note(3, {"S01": ""})[0].startswith("1 of 3 treated subjects have a profile page: the number of each")
    found = made(trial, protocol, analysis.model_copy(update={"profiles_max": 1}))
    assert [(profile.subject, profile.brief) for profile in found] == [("S01", False), ("S02", True)]
    assert profile_note(2, {"S01": "", "S02": "none of these"}) == [
        "1 of 2 profiles are brief (key facts and events), those last in the order of risk: 1 none of these."
    ]


def test_ordinary_numbers_are_their_own_file_names():
    assert [profile_file(name) for name in ("001", "S01", "01-0007")] == ["001.html", "S01.html", "01-0007.html"]
    assert profile_address("001") == "profiles/001.html"


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../S01", "S/01", "S\\01", "s01", "S 01", "S01.", "CON", "LPT1", "S" * 300, "-S", "受试者",
             "\u202eS01", "S\x0001", "S\ud800", "%2e%2e", "S01\n", *PAYLOADS.values()]
)  # fmt: skip
def test_hostile_numbers_give_safe_names(name: str):
    made_name = profile_file(name)
    assert re.fullmatch(r"[A-Z0-9-]{0,24}_[0-9a-f]{12}\.html", made_name)
    assert Path(made_name).name == made_name


@settings(max_examples=50, deadline=None)
@given(st.lists(st.text(max_size=12), min_size=2, max_size=2, unique=True))
def test_two_numbers_never_share_a_file_even_where_case_is_ignored(names: list[str]):
    assert len({profile_file(name).lower() for name in names}) == 2
