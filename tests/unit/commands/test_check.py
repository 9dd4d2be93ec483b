"""The look on the day an export arrives: what came, what is broken, what to ask, what changed, what next."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
import yaml

from support.raw_export import AE, DM, EX, LB, PROTOCOL, export, rows, trial_of
from trialbook import cleaning
from trialbook.commands.check import Found, asked_by_cleaning, quick_look, removed_line, report_lines, whole_look
from trialbook.contracts.gate import stop_if_critical
from trialbook.core.errors import StopError
from trialbook.snapshot import read_snapshot


def look(root: Path, folder: Path, **domains: object) -> tuple[Found, str]:
    told: list[str] = []
    found = quick_look(trial_of(export(folder / "snapshot", **domains)), root, told.append)  # type: ignore[arg-type]
    return found, "\n".join([*told, *report_lines(found)])


def test_what_came_in_and_that_no_contract_is_broken(root: Path, tmp_path: Path) -> None:
    found, text = look(root, tmp_path)
    assert "AE            1 records" in text
    assert "none broken" in text
    assert found.stop is None


def test_a_broken_contract_names_the_file_the_rule_and_the_row(root: Path, tmp_path: Path) -> None:
    found, text = look(root, tmp_path, dm=rows(DM, {}, {}))
    assert "critical dm.csv: USUBJID names one record (2: ROW 2 USUBJID iMSC-001; ROW 3 USUBJID iMSC-001)" in text
    assert "correct what stops the build" in text
    with pytest.raises(StopError, match=r"dm\.csv, row 2, 3"):
        stop_if_critical(found.verdicts, found.files)


def test_a_stop_rule_of_cleaning_is_found_before_any_build(root: Path, tmp_path: Path) -> None:
    trial = trial_of(export(tmp_path / "snapshot", ex=rows(EX, {"EXSTDTC": "2025-01"})))
    found = whole_look(trial, root, tmp_path / "build")
    assert found.stop is not None
    assert str(found.stop).startswith("[P11-NO-FIRST-INFUSION-DATE] ex.csv, row 2")
    assert "correct what stops the build" in "\n".join(report_lines(found))
    assert not (tmp_path / "build").exists()


def test_questions_stand_by_severity_with_their_first_records(root: Path, tmp_path: Path) -> None:
    events = rows(AE, *({"AESEQ": str(k), "AETERM": f"Event {k}", "AESER": ""} for k in range(1, 6)))
    found, _ = look(root, tmp_path, ae=events)
    cut = trial_of(tmp_path / "snapshot")
    listed = asked_by_cleaning(read_snapshot(cut), cut)
    text = "\n".join(report_lines(replace(found, listed=listed)))
    line = next(line for line in text.splitlines() if "P23-AE-SERIOUS-MISSING" in line)
    assert line.startswith("  major  AE ")
    assert line.endswith("5: iMSC-001 AESEQ=1; iMSC-001 AESEQ=2; iMSC-001 AESEQ=3 and 2 more")
    assert (listed["rule"] == "P23-AE-SERIOUS-MISSING").sum() == 5


def test_a_confirmed_question_is_no_open_one(root: Path, tmp_path: Path) -> None:
    events = rows(AE, {"AESER": ""}, {"AESEQ": "2", "AETERM": "Other", "AESER": ""})
    found, _ = look(root, tmp_path, ae=events)
    cut = trial_of(tmp_path / "snapshot")
    listed = asked_by_cleaning(read_snapshot(cut), cut)
    serious = listed[listed["rule"].eq("P23-AE-SERIOUS-MISSING")]
    listed.loc[serious.index[0], ["state", "status"]] = ["confirmed", "closed"]
    text = "\n".join(report_lines(replace(found, listed=listed)))
    major = int((listed["severity"].eq("major") & listed["status"].eq("open")).sum())
    assert f"questions: {len(listed) - 1} (0 stop, {major} major," in text
    assert "; needing nobody any more: 1 confirmed" in text
    assert text.count("iMSC-001 AESEQ=1") + text.count("iMSC-001 AESEQ=2") == 1


def test_what_is_dated_after_the_cut_is_counted_by_domain_and_an_earlier_end_is_asked(
    root: Path, tmp_path: Path
) -> None:
    late = {"AESEQ": "2", "AESTDTC": "2099-01-03", "AEENDTC": AE["AESTDTC"]}
    cut = trial_of(export(tmp_path / "snapshot", ae=rows(AE, {}, late)))
    snapshot = read_snapshot(cut)
    cleaned = cleaning.clean_snapshot(snapshot, cut)
    counts = cleaning.record_counts(snapshot, cleaned, cleaning.apply_cut(cleaned.domains, cut.cut_date))
    results = pd.DataFrame(cleaning.cleaning_rows(counts, cleaned.changes, cleaned.queries))
    assert removed_line(results) == "records dated after the cut, not in the analysis: AE 1"
    listed = asked_by_cleaning(snapshot, cut)
    of_event = listed[listed["domain"].eq("AE") & listed["record"].eq("AESEQ=2")]
    assert of_event["rule"].tolist() == ["P26-ENDED-BEFORE-CUT"]  # and not that the date is in the future as well
    assert of_event["observed"].iloc[0] == f"2099-01-03 to {AE['AESTDTC']}"


def test_an_export_that_lost_a_column_is_told_against_the_previous_cut(root: Path, tmp_path: Path) -> None:
    export(tmp_path / "old", lb=rows(LB, {}, {"LBSEQ": "2", "LBORRES": "30"}))
    renamed = [{("LBLIMIT" if k == "LBORNRLO" else k): v for k, v in LB.items()}]
    export(tmp_path / "new", lb=renamed)
    (tmp_path / "params" / "cuts").mkdir(parents=True)
    before = {"cut_id": "old", "cut_date": "2025-03-31", "snapshot": "old", "protocol": str(PROTOCOL)}
    (tmp_path / "params" / "cuts" / "old.yaml").write_text(yaml.safe_dump(before), encoding="utf-8")
    found = quick_look(trial_of(tmp_path / "new", previous_cut="old"), root)
    text = "\n".join(report_lines(found))
    assert "Against the export of old" in text
    assert "lost column: LB LBORNRLO" in text
    assert "ask the exporter" in text


def test_without_a_previous_export_the_look_says_so(root: Path, tmp_path: Path) -> None:
    assert "no previous export" in look(root, tmp_path)[1]


def test_the_look_does_not_wait_for_great_expectations(root: Path) -> None:
    code = (
        "import sys, trialbook.commands.check; "
        "slow = {'great_expectations', 'papermill', 'altair', 'nbformat'} & set(sys.modules); "
        "sys.exit(', '.join(slow) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
