"""ADSL of the CDISC pilot study: treatment dates, arms, end of study and safety set against two published ADSLs."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from trialbook.core.dates import as_date
from trialbook.core.domains import Domains, clean_variables, column_type
from trialbook.protocol.models import DoseLevel
from trialbook.protocol.study_data import StudyData
from trialbook.results.ard import to_ard
from trialbook.subjects.adsl import derive_subjects
from trialbook.subjects.demography import demography_rows

pytestmark = pytest.mark.oracle
ARMS = {"Pbo": "Placebo", "Xan_Lo": "Xanomeline Low Dose", "Xan_Hi": "Xanomeline High Dose"}


def _domain(folder: Path, code: str) -> pd.DataFrame:
    frame = pd.read_csv(folder / f"{code.lower()}.csv", dtype="str")
    for name in set(clean_variables(code)) & set(frame.columns):
        kind = column_type(name)
        frame[name] = pd.to_numeric(frame[name]).astype("Int64") if kind == "Int64" else frame[name].astype(kind)
    return frame


@pytest.fixture(scope="module")
def pilot(oracles: Path) -> tuple[Domains, pd.DataFrame]:
    folder = oracles / "i_cdisc_pilot"
    domains = Domains({code: _domain(folder / "sdtm", code) for code in ("DM", "EX", "AE", "DS")})
    return domains, pd.read_csv(folder / "expected" / "adsl_expected.csv", dtype="str").set_index("USUBJID")


def _adsl(domains: Domains, protocol, analysis) -> pd.DataFrame:
    arms = [DoseLevel(id=code, label=label) for code, label in ARMS.items()]
    plan = protocol.model_copy(update={"dose_levels": arms})
    return derive_subjects(StudyData(domains, plan, analysis, as_date("2020-01-01"))).set_index("USUBJID")


def test_treatment_starts_and_ends_as_published(pilot, protocol, analysis) -> None:
    domains, expected = pilot
    adsl = _adsl(domains, protocol, analysis)
    text = adsl[["TRTSDT", "TRTEDT"]].apply(lambda dates: dates.dt.strftime("%Y-%m-%d"))
    assert text["TRTSDT"].equals(expected["SAS_TRTSDT"].reindex(adsl.index))
    # Where the last dose has no end date, the two published ADSLs differ from each other too.
    ex = domains["EX"]
    open_end = ex.loc[ex["EXENDTC"].isna(), "USUBJID"].unique()
    closed = ~adsl.index.isin(open_end)
    assert len(open_end) <= 6
    assert text.loc[closed, "TRTEDT"].equals(expected["PV_TRTEDT"].reindex(adsl.index)[closed])


def test_the_safety_set_and_the_end_of_study_are_as_published(pilot, protocol, analysis) -> None:
    domains, expected = pilot
    adsl = _adsl(domains, protocol, analysis)
    assert adsl["SAFFL"].eq("Y").equals(expected["PV_SAFFL"].reindex(adsl.index).eq("Y"))
    assert adsl["EOSSTT"].tolist() == expected["PV_EOSSTT"].reindex(adsl.index).fillna("").tolist()


@pytest.mark.parametrize(("arm", "column"), [("received", "PV_TRT01A"), ("assigned", "SAS_TRT01A")])
def test_each_published_adsl_groups_by_its_own_arm(arm: str, column: str, pilot, protocol, analysis) -> None:
    domains, expected = pilot
    adsl = _adsl(domains, protocol, analysis.model_copy(update={"treatment_arm": arm}))
    treated = adsl[adsl["SAFFL"] == "Y"]
    assert treated["TRT01A"].map(ARMS).tolist() == expected[column].reindex(treated.index).tolist()


def test_age_and_sex_are_those_of_the_study_report(pilot, oracles, protocol, analysis) -> None:
    domains, _ = pilot
    arms = [DoseLevel(id=code, label=label) for code, label in ARMS.items()]
    plan = protocol.model_copy(update={"dose_levels": arms})
    assigned = analysis.model_copy(update={"treatment_arm": "assigned"})
    adsl = derive_subjects(StudyData(domains, plan, assigned, as_date("2020-01-01")))
    ard = to_ard(demography_rows(adsl, plan, assigned))
    report = pd.read_csv(oracles / "i_cdisc_pilot" / "expected" / "csr_14_2_01_demography.csv", dtype="str")
    published = report.set_index(["variable", "statistic"])
    label = {**ARMS, "Total": "Total"}
    for code, column in label.items():
        mine = ard[ard["group1_level"].eq(code)].set_index(["variable", "variable_level", "stat_name"])["stat"]
        for stat, name in (("median", "Median"), ("min", "Min"), ("max", "Max"), ("n", "n")):
            assert mine["AGE", "", stat] == float(published.loc[("Age (y)", name), column])
        for sex, name in (("F", "Female"), ("M", "Male")):
            assert mine["SEX", sex, "n"] == int(published.loc[("Sex", name), column].split()[0])
