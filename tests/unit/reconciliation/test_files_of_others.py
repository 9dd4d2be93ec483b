"""Files of others as a cut names them: read in every usual format, filled in with a log, compared with the domains."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import xlsxwriter

from support import raw_export as raw
from support.snapshot_writers import frames, write_as
from trialbook.cleaning import apply_cut, clean_snapshot, comparison_queries
from trialbook.cleaning.replay import replay
from trialbook.core.errors import StopError, UsageError
from trialbook.protocol.models import Trial
from trialbook.reconciliation import read_external
from trialbook.snapshot import read_snapshot

LAB = [{**raw.LB, "LBORNRLO": "", "LBORNRHI": ""}, {**raw.LB, "LBSEQ": "2", "LBTESTCD": "AST", "LBORNRHI": "35"}]
RANGES = pd.DataFrame({
    "Test": ["ALT", "ALT", "AST"], "LBORNRLO": ["7", "5", ""], "LBORNRHI": ["45", "30", "35"], "SEX": ["M", "F", ""],
})  # fmt: skip
CASES = pd.DataFrame({"USUBJID": ["001"], "AETERM": ["Pyrexia"], "AESTDTC": ["2025-01-12"], "CASEID": ["C-7"]})
ANOTHER = {"reference_ranges": {"file": "ranges.csv", "columns": {"LBTESTCD": "Test"}}}


def trial(folder: Path, external: dict[str, Any]) -> Trial:
    write_as(folder / "snap", frames(LB=LAB), "csv")
    RANGES.to_csv(folder / "ranges.csv", index=False)
    return raw.trial_of(folder / "snap", external=external)


def test_limits_are_filled_in_by_test_and_sex_and_each_is_a_row_of_the_change_log(tmp_path: Path) -> None:
    given = trial(tmp_path, ANOTHER)
    snapshot = read_snapshot(given)
    cleaned = clean_snapshot(snapshot, given, read_external(given))
    lb = cleaned.domains["LB"]
    assert lb[["LBORNRLO", "LBORNRHI"]].to_numpy().tolist() == [[7.0, 45.0], [5.0, 35.0]]
    log = cleaned.changes[cleaned.changes["rule"].eq("P15-LIMIT-FILLED")]
    assert log[["file", "row", "column", "raw", "new"]].to_numpy().tolist() == [
        ["lb.csv", 2, "LBORNRLO", "", "7"], ["lb.csv", 2, "LBORNRHI", "", "45"],
    ]  # fmt: skip
    assert [one["rule"] for one in cleaned.queries if one["domain"] == "LB"] == ["P15-LIMIT-DIFFERS"]
    assert lb["LBORNRLO"].tolist() == pd.to_numeric(replay(snapshot, cleaned.changes)["LB"]["LBORNRLO"]).tolist()


def test_without_a_table_nothing_is_filled_in(tmp_path: Path) -> None:
    given = trial(tmp_path, {})
    cleaned = clean_snapshot(read_snapshot(given), given, read_external(given))
    assert cleaned.domains["LB"]["LBORNRHI"].isna().tolist() == [True, False]


@pytest.mark.parametrize("suffix", ["csv", "tsv", "xlsx", "parquet"])
def test_a_safety_database_in_every_usual_format_is_compared_at_the_cut(tmp_path: Path, suffix: str) -> None:
    file = tmp_path / f"safety.{suffix}"
    if suffix == "xlsx":
        with xlsxwriter.Workbook(str(file)) as book:
            page = book.add_worksheet("Cases")
            for k, row in enumerate([list(CASES.columns), *CASES.to_numpy().tolist()]):
                page.write_row(k, 0, row)
    elif suffix == "parquet":
        CASES.to_parquet(file)
    else:
        CASES.to_csv(file, index=False, sep="," if suffix == "csv" else "\t")
    given = trial(tmp_path, {"safety_database": {"file": file.name}})
    cut = apply_cut(clean_snapshot(read_snapshot(given), given).domains, given.cut_date)
    (asked,) = comparison_queries(cut, read_external(given), given)
    assert (asked["rule"], asked["record"], asked["recipient"]) == ("RECON-SAE-NOT-SERIOUS", "AESEQ=1", "site")


def test_what_is_wrong_with_a_file_names_the_file_the_column_and_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no such path"):
        trial(tmp_path, {"safety_database": {"file": "nowhere.csv"}})
    with pytest.raises(UsageError, match="safety_database"):
        trial(tmp_path, {"safety_data": {"file": "ranges.csv"}})
    given = trial(tmp_path, {"reference_ranges": {"file": "ranges.csv"}})
    with pytest.raises(StopError, match=r"ranges\.csv, column LBTESTCD.*external\.reference_ranges\.columns"):
        read_external(given)


@pytest.mark.parametrize(
    ("given", "asked"),
    [
        ({"LBORRES": "11,0", "LBORRESU": "g/dL"}, []),
        ({"LBORRES": "11.0 g/dL", "LBORRESU": ""}, []),
        ({"LBTESTCD": "CMVPCR", "LBORRES": "TND"}, []),
        ({"LBORRES": "11,9", "LBORRESU": "g/dL"}, [("RECON-LB-VALUE-DIFFERS", "LBSEQ=1", "site")]),
        ({"LBDTC": "2025-02-30"}, [("RECON-LB-DATE-UNREADABLE", "central.csv row 2", "laboratory")]),
        ({"LBDTC": "05/03/2025"}, [("RECON-LB-DATE-ORDER", "central.csv row 2", "mapper")]),
        ({"LBORRES": ""}, [("RECON-LB-RESULT-BLANK", "central.csv row 2", "laboratory")]),
    ],
)  # fmt: skip
def test_the_central_laboratory_is_read_as_lb_is_and_its_faults_name_file_and_row(
    tmp_path: Path, given: dict[str, str], asked: list[tuple[str, str, str]]
) -> None:
    own = {**raw.LB, "LBTESTCD": "HGB", "LBORRES": "110", "LBORRESU": "g/L"}
    word = {**raw.LB, "LBSEQ": "2", "LBTESTCD": "CMVPCR", "LBORRES": "Not Detected", "LBORRESU": ""}
    write_as(tmp_path / "snap", frames(LB=[own, word]), "csv")
    row = {name: own[name] for name in ("USUBJID", "LBTESTCD", "LBDTC", "LBORRES", "LBORRESU")}
    pd.DataFrame([{**row, **given}]).to_csv(tmp_path / "central.csv", index=False)
    of = raw.trial_of(tmp_path / "snap", external={"central_laboratory": {"file": "central.csv"}})
    cut = apply_cut(clean_snapshot(read_snapshot(of), of).domains, of.cut_date)
    found = comparison_queries(cut, read_external(of), of)
    assert [(one["rule"], one["record"], one["recipient"]) for one in found] == asked
