"""The demo builds hold what the interface promises, and the three cuts of one trial fit together."""

from __future__ import annotations

import csv
import hashlib
import html
import json
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from support import frozen_hashes as frozen
from support.golden import golden_rows
from support.running_builds import trialbook
from trialbook.core.datasets import read_dataset
from trialbook.core.domains import VARIABLES
from trialbook.display.figures import CHART_MIME
from trialbook.eligibility.audit_results import RESULTS
from trialbook.results.ard import COLUMNS

pytestmark = pytest.mark.build
CUTS = ("2025-03-31", "2025-06-30", "2025-09-30")
STEPS = ("01_cleaning", "02_eligibility", "03_safety", "04_dlt", "05_orr", "06_os")
DATASETS = {
    "adsl": "USUBJID SUBJID TRT01P TRT01A TRT01AN TRTSDT CUTDT SCRFL ENRFL SAFFL DLTEFL MAT28FL EVAL28FL PPFL AGE "
    "AGEGR1 SEX DTHFL DTHDT LSTALVDT",
    "adie": "USUBJID CRITCD RESULT AVAL LIMIT EVIDENCE SRCDOM SRCSEQ",
    "adae": "USUBJID AESEQ AETERM AEDECOD AEBODSYS ASTDT ASTDTF AENDT AENDTF ASTDY AENDY TRTEMFL AREL ATOXGR AESICAT "
    "DLTCAND DLTFL",
    "adlb": "USUBJID PARAMCD AVAL AVALU ANRLO ANRHI ABLFL BASE ADT ADY ATOXGRL ATOXGRH BTOXGRL BTOXGRH",
    "addlt": "USUBJID TRT01A DLTSTAT FUPFRAC WINENDT DLTDT",
    "adrs": "USUBJID PARAMCD RSP28FL ADT ADY AVAL AVALC REASON",
    "adtte": "USUBJID PARAMCD AVAL CNSR STARTDT ADT EVNTDESC",
}


@pytest.fixture(scope="module")
def builds(demo: Path) -> dict[str, Path]:
    return {cut: demo / cut for cut in CUTS}


def dataset(build: Path, name: str) -> pd.DataFrame:
    return read_dataset(build / "data" / f"{name}.parquet")


def stat(build: Path, analysis_id: str, variable: str, stat_name: str, **where: str) -> pd.DataFrame:
    ard = read_dataset(build / "results" / "ard.parquet")
    wanted = {"analysis_id": analysis_id, "variable": variable, "stat_name": stat_name, **where}
    for column, value in wanted.items():
        ard = ard[ard[column] == value]
    return ard


def test_a_build_leaves_every_file_of_the_interface(builds: dict[str, Path]) -> None:
    for build in builds.values():
        files = [
            "index.html",
            "changes.html",
            "queries.csv",
            "queries.xlsx",
            "changelog.csv",
            "manifest.json",
            "run.json",
        ]
        files += ["results/ard.parquet", "results/ard.json", *(f"{s}.html" for s in STEPS)]
        files += [f"notebooks/{s}.ipynb" for s in STEPS] + [f"data/{name}.parquet" for name in DATASETS]
        files += [f"data/clean/{code.lower()}.parquet" for code in VARIABLES]
        files += ["contracts/raw.dm.json", "contracts/clean.ae.json", "contracts/analysis.adsl.json"]
        assert [name for name in files if not (build / name).is_file()] == []
        assert not list(build.rglob(".*"))


def test_datasets_have_their_variables_and_types(builds: dict[str, Path]) -> None:
    for build in builds.values():
        for name, variables in DATASETS.items():
            schema = pq.read_schema(build / "data" / f"{name}.parquet")
            assert [v for v in variables.split() if v not in schema.names] == [], name
            dates = [f for f in schema if f.name.endswith("DT")]
            assert all(f.type == pa.date32() for f in dates), name
            frame = dataset(build, name)
            flags = [c for c in frame.columns if c.endswith("FL") and c not in ("DLTFL", "ANTICOFL")]
            assert all(set(frame[c].unique()) <= {"Y", ""} for c in flags), name


def test_ard_parquet_and_json_hold_the_same_rows(builds: dict[str, Path]) -> None:
    for build in builds.values():
        frame = read_dataset(build / "results" / "ard.parquet")
        rows = json.loads((build / "results" / "ard.json").read_text(encoding="utf-8"))
        assert list(frame.columns) == COLUMNS
        assert len(rows) == len(frame) > 100
        assert [r["stat_text"] for r in rows] == list(frame["stat_text"])
        assert all(r["stat"] is None or isinstance(r["stat"], int | float) for r in rows)


def test_manifest_names_every_output_by_its_hash(builds: dict[str, Path]) -> None:
    for build in builds.values():
        manifest = json.loads((build / "manifest.json").read_text(encoding="utf-8"))
        found = {p.relative_to(build).as_posix(): p for p in build.rglob("*") if p.is_file()}
        assert set(manifest["outputs"]) == set(found) - {"manifest.json", "run.json"}
        for name, entry in manifest["outputs"].items():
            assert entry["sha256"] == hashlib.sha256(found[name].read_bytes()).hexdigest(), name
        assert len(manifest["sources"]["inputs"]) == len(VARIABLES) + 1  # and the manifest of the snapshot


def test_the_trial_grows_from_cut_to_cut(builds: dict[str, Path]) -> None:
    treated = [int((dataset(b, "adsl")["SAFFL"] == "Y").sum()) for b in builds.values()]
    assert treated == sorted(treated)
    assert treated[-1] == 12
    for build, count in zip(builds.values(), treated, strict=True):
        assert stat(build, "SETS", "SAFFL", "n", group1_level="Total")["stat"].tolist() == [count]


def test_nothing_dated_after_the_cut_is_left(builds: dict[str, Path]) -> None:
    for cut, build in builds.items():
        for path in (build / "data").rglob("*.parquet"):
            frame = read_dataset(path)
            for column in frame.columns:
                if column.endswith("DTC"):
                    late = frame[column].dropna().str[:10] > cut
                    assert not late.any(), f"{path.name} {column}"
                elif column.endswith("DT") and column not in ("WINENDT",):
                    assert not (frame[column] > pd.Timestamp(cut)).any(), f"{path.name} {column}"


def test_pending_subjects_are_decided_at_a_later_cut(builds: dict[str, Path]) -> None:
    first, last = (dataset(builds[c], "addlt").set_index("USUBJID")["DLTSTAT"] for c in (CUTS[0], CUTS[-1]))
    pending = first[first == "PENDING"].index
    assert len(pending) > 0
    assert set(last.loc[pending]) <= {"DLT", "NO-DLT", "NOT-EVAL"}


def test_the_response_denominator_is_the_mature_subjects(builds: dict[str, Path]) -> None:
    for build in builds.values():
        mature = int((dataset(build, "adsl")["MAT28FL"] == "Y").sum())
        rows = stat(build, "ORR_D28", "RSP28", "N", group1_level="Total", context="clopper_pearson")
        assert rows["stat"].tolist() == [mature]


def test_query_ids_persist_and_age(builds: dict[str, Path]) -> None:
    lists = {c: pd.read_csv(b / "queries.csv", dtype="str", keep_default_na=False, encoding="utf-8-sig")
             for c, b in builds.items()}  # fmt: skip
    for before, after in (CUTS[:2], CUTS[1:]):
        both = lists[after].merge(lists[before], on="query_id", suffixes=("", "_before"))
        assert len(both) > 0
        assert (both["first_seen"] == both["first_seen_before"]).all()
        assert (lists[after]["age_days"].astype(int) >= 0).all()
    for listed in lists.values():
        assert listed["query_id"].is_unique
        assert (listed["message_en"].str.len() > 10).all()
        assert (listed["message_zh"].str.len() > 3).all()


def test_the_audit_has_26_results_per_screened_subject(builds: dict[str, Path]) -> None:
    for build in builds.values():
        audit = dataset(build, "adie")
        assert (audit.groupby("USUBJID").size() == 26).all()
        assert set(audit["USUBJID"]) == set(dataset(build, "adsl")["USUBJID"])


def test_scenarios_of_the_demo_trial_end_as_they_should(builds: dict[str, Path]) -> None:
    """What each subject plays is known from the simulator; these are the results its role demands (§11)."""
    last = builds[CUTS[-1]]
    dlt = dataset(last, "addlt").set_index("USUBJID")["DLTSTAT"]
    response = dataset(last, "adrs").query("PARAMCD == 'RSP28'").set_index("USUBJID")
    subject = "NCT06321198-01-{}".format
    assert dlt[subject("009")] == "DLT"
    assert dlt[subject("004")] == "NOT-EVAL"
    assert response.loc[subject("004"), "REASON"] == "DEATH"
    assert response.loc[subject("008"), "REASON"] == "NEWTX"
    assert response.loc[subject("011"), "REASON"] == "MISSING"
    assert response.loc[subject("012"), "AVALC"] == "MR"
    assert response.loc[subject("001"), "AVALC"] == "CR"
    assert response.loc[subject("015"), "AVALC"] == "PD"
    adsl = dataset(last, "adsl").set_index("USUBJID")
    assert adsl.loc[subject("013"), "AGE"] == 4
    assert adsl.loc[subject("011"), "AGE"] == 70
    assert adsl.loc[subject("015"), "DTHFL"] == ""  # died two days after the cut
    audit = dataset(last, "adie").set_index(["USUBJID", "CRITCD"])["RESULT"]
    assert audit[subject("002"), "EX12"] == "FAIL"
    assert audit[subject("016"), "EX04A"] == "CONFLICT"
    assert audit[subject("001"), "EX13"] == "PASS"
    assert audit[subject("013"), "IN02"] == "PASS"
    assert audit[subject("011"), "IN02"] == "PASS"


def test_pages_print_no_programming_words(builds: dict[str, Path]) -> None:
    for build in builds.values():
        for page in build.rglob("*.html"):
            text = page.read_text(encoding="utf-8")
            body = text[text.index("<body") :]
            for word in (">nan<", ">NaN<", ">NaT<", ">None<", "&lt;NA&gt;", ">inf<"):
                assert word not in body, f"{page.name}: {word}"


@pytest.mark.parametrize("cut", CUTS)
def test_datasets_tables_and_drawings_are_the_recorded_ones(builds: dict[str, Path], cut: str) -> None:
    """Moving code changes nothing that a build holds; what is meant to change is accepted by `make golden`."""
    assert frozen.content(builds[cut]) == frozen.recorded(cut)


@pytest.mark.parametrize("cut", CUTS)
def test_results_are_the_golden_ones(builds: dict[str, Path], root: Path, cut: str) -> None:
    """`make golden` accepts new results, on purpose."""
    with (root / "tests" / "golden" / f"{cut}.csv").open(encoding="utf-8", newline="") as file:
        expected = list(csv.reader(file))[1:]
    found = golden_rows(builds[cut])
    assert [row for row in found if row not in expected] == []
    assert found == expected


def test_the_demo_cuts_show_every_result_code_of_the_audit(builds: dict[str, Path]) -> None:
    """Over the three cuts, so that each code has an example to look at; no treated subject fails by the form alone."""
    audits = [dataset(build, "adie") for build in builds.values()]
    assert set(pd.concat(audits)["RESULT"]) == set(RESULTS)
    last, people = audits[-1], dataset(builds[CUTS[-1]], "adsl")
    by_form = last.loc[last["RESULT"].eq("ATT-FAIL"), "USUBJID"]
    assert people.loc[people["USUBJID"].isin(by_form), "SAFFL"].tolist() == [""]


def test_every_chart_is_valid_vega_lite(builds):
    """The kernels of a build do not check their charts against the schema, so they are checked here."""
    from altair.vegalite.v6.schema.core import Root
    from jsonschema import ValidationError

    specs = [
        output["data"][CHART_MIME]
        for path in sorted((builds[CUTS[-1]] / "notebooks").glob("*.ipynb"))
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]
        for output in cell.get("outputs", [])
        if CHART_MIME in output.get("data", {})
    ]
    assert len(specs) > 15
    for spec in specs:
        Root.validate(spec)
    with pytest.raises(ValidationError):
        Root.validate({**specs[0], "layer": [{"mark": "no such mark"}], "mark": "no such mark"})


def test_the_changes_of_a_cut_name_who_and_what_moved(builds: dict[str, Path]) -> None:
    """The restated survival of 005, the deleted and the changed record: by name, before any total."""
    last = text_of(builds["2025-09-30"] / "changes.html")
    assert "005: survival was reported as died, May 2025, day 91 to 115; counted as day 92, now died on day 95." in last
    assert re.search(r"DTHDTC:? 2025-05 → 2025-05-11", last)
    assert "3 subjects treated since: 013 (DL2), 015 (DL3), 016 (DL3)." in last
    middle = text_of(builds["2025-06-30"] / "changes.html")
    assert "1 record deleted: 003 CM CMSEQ=6." in middle
    assert "007 AE AETOXGR 2 → 3" in middle
    assert "This is the first cut" in text_of(builds["2025-03-31"] / "changes.html")


def test_no_two_tables_or_figures_of_a_cut_have_one_id(builds: dict[str, Path]) -> None:
    """An id is cited in minutes and mails: `T-402` is one table of the cut, on the page of notebook 04."""
    for build in builds.values():
        places: dict[str, str] = {}
        for page in [*(build / f"{step}.html" for step in STEPS), build / "index.html"]:
            for found in re.findall(r'<div class="tb tb-\w+" id="([TFL]-?\w+)"', page.read_text(encoding="utf-8")):
                assert places.setdefault(found, page.name) == page.name, found
        assert any(name.startswith("T-4") for name in places)
        assert not [name for name in places if re.fullmatch(r"[TFL]-90\d\d", name)]


def test_the_study_page_leads_to_every_cut(builds: dict[str, Path]) -> None:
    page = (builds["2025-09-30"].parent / "index.html").read_text(encoding="utf-8")
    assert [cut for cut in CUTS if f'href="{cut}/index.html"' in page] == list(CUTS)


def test_diff_compares_any_two_cuts_as_text_and_as_a_page(builds: dict[str, Path], root: Path, tmp_path: Path) -> None:
    out = builds["2025-09-30"].parent
    done = trialbook(root, "diff", CUTS[0], CUTS[2], "--out", out, "--most", "2")
    assert done.returncode == 0
    titles = [line.partition(":")[0] for line in done.stdout.splitlines()]
    assert titles.index("records by domain") < titles.index("reported values that changed") < titles.index("results")
    place = tmp_path / "two.html"
    done = trialbook(root, "diff", CUTS[0], CUTS[2], "--out", out, "--html", place)
    assert done.returncode == 0
    assert "Data cut 2025-09-30 against 2025-03-31" in place.read_text(encoding="utf-8")
    assert list(tmp_path.iterdir()) == [place]
    done = trialbook(root, "diff", CUTS[0], CUTS[2], "--out", out, "--html", tmp_path / "no" / "x.html")
    assert (done.returncode, "cannot be written" in done.stderr) == (2, True)


def text_of(page: Path) -> str:
    """What a reader reads of a page."""
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", page.read_text(encoding="utf-8"))))


def test_a_build_in_which_nothing_has_changed_imports_nothing_slow(demo: Path, root: Path) -> None:
    program = (
        f"import sys; sys.argv = ['trialbook', 'build', '2025-09-30', '--out', {str(demo)!r}]\n"
        "from trialbook.cli import run\nprint('status', run())\n"
        "print(*{'pandas', 'numpy', 'nbformat', 'great_expectations'} & set(sys.modules), 'none')"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-2:] == ["status 0", "none"], done.stdout
    assert "running" not in done.stdout
