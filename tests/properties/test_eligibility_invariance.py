"""The audit does not depend on the calendar, on the order of records, or on the units results are written in."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from support.eligible_subject import CUT, LABS, SEROLOGY, eligible, form, screened
from support.rounds import rounds
from support.trial_builder import TrialBuilder, trial
from trialbook.core.domains import Domains
from trialbook.eligibility.adie import Audit, audit, audit_with_evidence
from trialbook.protocol.load import analysis_values
from trialbook.protocol.models import Protocol
from trialbook.protocol.study_data import StudyData
from trialbook.subjects.adsl import derive_subjects

SLOW = settings(
    max_examples=rounds(2),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
TO_OTHER_UNITS = {"CREAT": (1 / 88.42, "mg/dL"), "UREA": (1 / 0.1665, "mg/dL"), "ALT": (1 / 60, "ukat/L")}

factors = st.sampled_from([0.5, 1.0, 1.9, 2.0, 2.1, 3.5])


def several(labs: list[float]) -> TrialBuilder:
    """Three subjects: infused, child with open questions, screen failure; lab values as multiples of the limit."""
    book = form(screened(name="S01", without=tuple(LABS))).infused(0)
    for test, share in zip(LABS, labs, strict=True):
        value, unit, high = LABS[test]
        book.lab(test, share * (high if test != "CREAT" else value), -2, unit=unit, high=high)
    book.add("MH", MHTERM="Pneumonia", MHTOXGR="3", MHSTDTC=book.date(-30), MHENDTC=book.date(-1))
    form(screened(book, "S02", age=9, without=("HIVAB", "STAGES")), EX14="").infused(0)
    screened(book, "S03", level="SCRNFAIL", sex="F").add("DS", DSDECOD="SCREEN FAILURE", DSSTDTC=book.date(-1))
    return book


def results(domains: Domains, protocol, analysis, cut: pd.Timestamp = CUT) -> pd.DataFrame:
    adie = audit(
        derive_subjects(StudyData(domains, protocol, analysis, cut)), StudyData(domains, protocol, analysis, cut)
    )
    return adie.set_index(["USUBJID", "CRITCD"])


@SLOW
@given(labs=st.tuples(*[factors] * len(LABS)), days=st.integers(-4000, 4000))
def test_moving_every_date_by_whole_days_changes_only_dates(labs, days, protocol, analysis) -> None:
    # A year is no whole number of days, so the birth date cannot simply move along: the age at consent is kept instead.
    now = several(list(labs)).domains()
    moved = Domains({code: _shifted(frame, days) for code, frame in now.items()})
    before = results(now, protocol, analysis)
    after = results(moved, protocol, analysis, CUT + pd.Timedelta(days=days))
    columns = ["RESULT", "DATARESULT", "FORMANSWER", "LIMIT", "SRCDOM", "SRCSEQ", "FLAG"]
    columns_of_value = ["AVAL", "UNIT"]
    pd.testing.assert_frame_equal(before[columns], after[columns])
    pd.testing.assert_frame_equal(before[columns_of_value], after[columns_of_value])
    told = (after["ADT"] - before["ADT"]).dropna().dt.days
    assert set(told) == {days}


@SLOW
@given(labs=st.tuples(*[factors] * len(LABS)), seed=st.integers(0, 2**32 - 1))
def test_the_order_of_records_changes_nothing(labs, seed, protocol) -> None:
    now = several(list(labs)).domains()
    shuffled = Domains({code: frame.sample(frac=1, random_state=seed) for code, frame in now.items()})
    one, other = whole(now, protocol), whole(shuffled, protocol)
    pd.testing.assert_frame_equal(one.adie, other.adie)
    pd.testing.assert_frame_equal(one.evidence.all(), other.evidence.all())


@SLOW
@given(labs=st.tuples(*[factors] * len(LABS)), pounds=st.booleans())
def test_other_units_of_the_same_results_change_nothing(labs, pounds, protocol, analysis) -> None:
    now = several(list(labs)).domains()
    converted = Domains({**now, "LB": _in_other_units(now["LB"]), "VS": _in_pounds(now["VS"]) if pounds else now["VS"]})
    before, after = results(now, protocol, analysis), results(converted, protocol, analysis)
    columns = ["RESULT", "DATARESULT", "UNIT", "LIMIT", "FLAG", "SRCDOM", "SRCSEQ"]
    pd.testing.assert_frame_equal(before[columns], after[columns])
    pd.testing.assert_series_equal(before["AVAL"], after["AVAL"], rtol=1e-9)


@pytest.fixture(scope="module")
def before(protocol: Protocol) -> Audit:
    """The audit of the three subjects with the records behind it."""
    return whole(several([1.0] * len(LABS)).domains(), protocol)


def whole(domains: Domains, protocol: Protocol) -> Audit:
    analysis = analysis_values(protocol, {}, "protocol.yaml")
    return audit_with_evidence(
        derive_subjects(StudyData(domains, protocol, analysis, CUT)), StudyData(domains, protocol, analysis, CUT)
    )


@SLOW
@given(names=st.permutations(["S01", "S02", "S03"]), prefix=st.sampled_from(["A-", "iMSC-2001-", "编号"]))
def test_other_names_of_the_subjects_change_only_names(names, prefix, protocol, before) -> None:
    now = several([1.0] * len(LABS)).domains()
    new = {f"iMSC-2001-{old}": f"{prefix}{name}" for old, name in zip(["S01", "S02", "S03"], names, strict=True)}
    renamed = Domains(
        {code: frame.assign(USUBJID=frame["USUBJID"].map(new).astype("str")) for code, frame in now.items()}
    )
    after = whole(renamed, protocol)
    for old, found in ((before.adie, after.adie), (before.evidence.all(), after.evidence.all())):
        expected = old.assign(USUBJID=old["USUBJID"].map(new).astype("str"))
        expected = expected.sort_values("USUBJID", kind="stable", ignore_index=True)
        pd.testing.assert_frame_equal(expected, found)


early, late = st.integers(-900, -60), st.integers(1, 90)


@SLOW
@example(day=1, share=9.0, word="POSITIVE")  # a weight after the end of screening once changed the dose per kg
@given(
    day=st.one_of(early, late), share=st.sampled_from([0.1, 1.0, 9.0]), word=st.sampled_from(["POSITIVE", "NEGATIVE"])
)
def test_results_outside_every_window_change_nothing(day, share, word, protocol, before) -> None:
    book = several([1.0] * len(LABS))
    for name in ("S01", "S02", "S03"):
        book.goes_on_with(name)
        for test, (value, unit, high) in LABS.items():
            book.lab(test, share * value, day, unit=unit, high=high)
        for test in (*SEROLOGY, "HCG", "HBVDNA", "CDIFF"):
            book.lab(test, word, day, unit="")
        for test, unit in (("WEIGHT", "kg"), ("HEIGHT", "cm"), ("LVEF", "%"), ("SYSBP", "mmHg")):
            book.add("VS", VSTESTCD=test, VSORRES=80 * share, VSORRESU=unit, VSDTC=book.date(day))
        book.add("RS", RSCAT="ECOG", RSTESTCD="ECOG101", RSORRES=4, RSDTC=book.date(day))
        book.stages(day, 0, 4, 1, 4)
    after = whole(book.domains(), protocol)
    pd.testing.assert_frame_equal(before.adie, after.adie)
    pd.testing.assert_frame_equal(before.evidence.all(), after.evidence.all())


@SLOW
@given(day=late, grade=st.sampled_from(["1", "5"]))
def test_what_begins_after_the_infusion_changes_no_result(day, grade, protocol, before) -> None:
    book = several([1.0] * len(LABS)).goes_on_with("S01")
    for term in ("Pneumonia", "Thrombosis", "HVOD", "Myocardial infarction", "Alcohol dependence", "Lung cancer"):
        book.add("MH", MHTERM=term, MHTOXGR=grade, MHSTDTC=book.date(day), MHENRTPT="ONGOING")
    book.drug("Mesenchymal stem cells", day).drug("Study drug", day).drug("Methylprednisolone", day, dose=200)
    after = whole(book.domains(), protocol)
    columns = ["USUBJID", "CRITCD", "RESULT", "DATARESULT", "AVAL", "LIMIT", "FLAG", "PROTVER"]
    pd.testing.assert_frame_equal(before.adie[columns], after.adie[columns])


@SLOW
@given(missing=st.sets(st.sampled_from(["LB", "RS", "VS", "CM", "DS", "IE"]), min_size=1))
def test_taking_domains_away_never_makes_a_pass(missing, protocol, analysis) -> None:
    full = eligible().domains()
    less = Domains({code: frame for code, frame in full.items() if code not in missing})
    before, after = results(full, protocol, analysis)["RESULT"], results(less, protocol, analysis)["RESULT"]
    assert not (after.eq("PASS") & before.ne("PASS")).any()
    assert not after.isin(["FAIL", "ATT-FAIL", "CONFLICT"]).any()


def test_every_screened_subject_has_each_of_26_checks_once(protocol, analysis) -> None:
    domains = several([1.0] * len(LABS)).domains()
    adie = results(domains, protocol, analysis)
    assert adie.index.is_unique
    assert adie.groupby(level=0).size().tolist() == [26, 26, 26]


def test_a_trial_without_subjects_or_criteria_has_an_empty_audit(protocol, analysis) -> None:
    nobody, someone = trial().domains(), eligible().domains()
    bare = protocol.model_copy(update={"criteria": []})
    for domains, plan in ((nobody, protocol), (someone, bare)):
        adsl = derive_subjects(StudyData(domains, plan, analysis, CUT))
        empty = audit(adsl, StudyData(domains, plan, analysis, CUT))
        assert empty.empty
        assert list(empty.columns) == list(audit(adsl.iloc[:0], StudyData(domains, plan, analysis, CUT)).columns)


def _shifted(frame: pd.DataFrame, days: int) -> pd.DataFrame:
    moved = frame.copy()
    for name in frame.columns[frame.columns.str.endswith("DTC")]:
        text = frame[name]
        date = pd.to_datetime(text.str[:10], format="%Y-%m-%d") + pd.Timedelta(days=days)
        moved[name] = (date.dt.strftime("%Y-%m-%d") + text.str[10:]).astype("str")
    if "BRTHDTC" in moved:
        moved["BRTHDTC"] = [
            _born(consent, age) for consent, age in zip(moved["RFICDTC"], frame["AGE"], strict=True)
        ]  # fmt: skip
    return moved


def _born(consent: str, age: float) -> str:
    """A birth date that makes the same age at the moved consent, half a year after a birthday."""
    day = pd.Timestamp(consent) - pd.DateOffset(years=int(age), months=6)
    return day.strftime("%Y-%m-%d")


def _in_other_units(lb: pd.DataFrame) -> pd.DataFrame:
    converted = lb.copy()
    for test, (factor, unit) in TO_OTHER_UNITS.items():
        rows = lb["LBTESTCD"].eq(test)
        for name in ("LBORRESN", "LBORNRHI"):
            converted.loc[rows, name] = lb.loc[rows, name] * factor
        converted.loc[rows, "LBORRESU"] = unit
    return converted


def _in_pounds(vs: pd.DataFrame) -> pd.DataFrame:
    rows = vs["VSTESTCD"].eq("WEIGHT")
    converted = vs.copy()
    converted.loc[rows, "VSORRESN"] = vs.loc[rows, "VSORRESN"] / 0.45359237
    converted.loc[rows, "VSORRESU"] = "lb"
    return converted
