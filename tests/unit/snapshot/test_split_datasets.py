"""Split datasets (lbch, lbhe; supplbch): one domain in every format, nothing lost, nothing counted twice."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from support import raw_export as raw
from support.snapshot_writers import FORMATS, frames, write_as, write_workbook
from trialbook.cleaning import apply_cut, clean_snapshot, replayed_domains, whole_change_log
from trialbook.core.errors import StopError
from trialbook.queries.query_list import Query
from trialbook.snapshot import Snapshot, describe_files, read_snapshot, reading_lines, transfer_manifest
from trialbook.snapshot.split_datasets import part_of

STUDY = "iMSC-2001"
CHEMISTRY = [{"STUDYID": STUDY, "DOMAIN": "LB", **raw.LB, "LBSEQ": str(k), "LBTESTCD": t, "LBORRES": v}
             for k, t, v in ((1, "ALT", "20"), (2, "AST", "31"))]  # fmt: skip
HAEMATOLOGY = [{**CHEMISTRY[0], "LBSEQ": "3", "LBTESTCD": "PLAT", "LBORRES": "85", "LBORRESU": "10^9/L"}]


def results_of(snapshot: Snapshot) -> list[str]:
    return snapshot.tables["LB"].frame["LBTESTCD"].tolist()


@pytest.mark.parametrize("suffix", FORMATS)
def test_the_parts_of_a_domain_are_read_as_one_in_every_format(tmp_path: Path, suffix: str) -> None:
    """Public case k14."""
    write_as(tmp_path / "parts", frames(LBCH=CHEMISTRY, LBHE=HAEMATOLOGY), suffix)
    write_as(tmp_path / "whole", frames(LB=[*CHEMISTRY, *HAEMATOLOGY]), suffix)
    both = [read_snapshot(raw.trial_of(tmp_path / name)) for name in ("parts", "whole")]
    assert list(both[0].tables) == list(both[1].tables) == ["DM", "EX", "AE", "LB"]
    assert both[0].ignored == ()
    parts, whole = (snapshot.tables["LB"] for snapshot in both)
    pd.testing.assert_frame_equal(parts.frame, whole.frame, check_names=False)
    assert parts.file == f"lbch.{suffix} + lbhe.{suffix}"
    assert parts.place(4, "LBORRES") == (f"lbhe.{suffix}", "LBHE" if suffix == "xlsx" else "", 2, "LBORRES")
    assert describe_files(both[0])["rows"].tolist() == describe_files(both[1])["rows"].tolist()
    trial = raw.trial_of(tmp_path / "parts")
    frame = apply_cut(clean_snapshot(both[0], trial).domains, trial.cut_date).domains["LB"]
    assert frame["LBORRESN"].tolist() == [20, 31, 85]


def test_the_sheets_of_one_workbook_may_be_parts(tmp_path: Path) -> None:
    sheets = frames(LBCH=CHEMISTRY, lbhe=HAEMATOLOGY, ADLB=CHEMISTRY, Notes=[{"TEXT": "x"}])
    write_workbook(tmp_path / "s.xlsx", sheets)
    snapshot = read_snapshot(raw.trial_of(tmp_path / "s.xlsx"))
    assert results_of(snapshot) == ["ALT", "AST", "PLAT"]
    assert snapshot.tables["LB"].place(4, "LBORRES") == ("s.xlsx", "lbhe", 2, "LBORRES")
    assert snapshot.tables["LB"].bytes == (tmp_path / "s.xlsx").stat().st_size
    assert snapshot.ignored == ("s.xlsx: sheet ADLB", "s.xlsx: sheet Notes")


def test_parts_may_come_in_different_formats_cases_and_encodings_and_lack_columns(tmp_path: Path) -> None:
    folder = raw.export(tmp_path / "s")
    raw.write_csv(folder / "LBCH.CSV", CHEMISTRY)
    other = [{k: v for k, v in HAEMATOLOGY[0].items() if k != "VISIT"} | {"LBNAM": "中心实验室"}]
    raw.write_csv(folder / "lbhe.csv", other, encoding="gb18030")
    write_as(folder, {"LBUR": pd.DataFrame([{**HAEMATOLOGY[0], "LBSEQ": "4", "LBTESTCD": "UPROT"}])}, "xpt")
    trial = raw.trial_of(folder)
    snapshot = read_snapshot(trial)
    assert results_of(snapshot) == ["ALT", "AST", "PLAT", "UPROT"]
    assert snapshot.tables["LB"].frame["VISIT"].isna().tolist() == [False, False, True, False]
    log = clean_snapshot(snapshot, trial).changes
    assert log.loc[log["rule"].eq("P01-ENCODING"), "file"].tolist() == ["lbhe.csv"]
    assert [line.strip() for line in reading_lines(snapshot) if "part" in line] == [
        "part LBCH: 2 records, LBCH.CSV", "part LBHE: 1 records, lbhe.csv", "part LBUR: 1 records, lbur.xpt",
    ]  # fmt: skip


@pytest.mark.parametrize(("name", "code"), [
    ("lbch", "LB"), ("QSPH", "QS"), ("qsc", "QS"), ("faae", "FA"), ("supplbch", "SUPPLB"), ("SuppQS1", "SUPPQS"),
    ("lb", None), ("suppae", None), ("suppdm", None), ("relrec", None), ("relsub", None), ("adae", None),
    ("adlb", None), ("adsl", None), ("lbchem", None), ("co", None), ("tsparm", None), ("notes", None), ("desc", None),
])  # fmt: skip
def test_a_name_is_that_of_a_part_by_the_code_of_a_domain_and_two_signs_at_most(name: str, code: str | None) -> None:
    assert part_of(name) == code


def test_a_file_is_a_part_only_if_its_records_say_so(tmp_path: Path) -> None:
    folder = raw.export(tmp_path / "s", lb=CHEMISTRY)
    raw.write_csv(folder / "lbnr.csv", [{"LBTESTCD": "ALT", "LOW": "5", "HIGH": "40"}])  # limits, no subjects
    raw.write_csv(folder / "aes.csv", [{"USUBJID": "iMSC-001", "DOMAIN": "XA", "AESEQ": "1"}])
    raw.write_csv(folder / "prot.csv", [{"a title": ""}])
    (folder / "cmed.csv").write_bytes(b'"torn\n1,2\n')
    write_workbook(
        folder / "dsmb.xlsx", {"Members": pd.DataFrame([{"NAME": "x"}]), "Dates": pd.DataFrame([{"D": "y"}])}
    )
    snapshot = read_snapshot(raw.trial_of(folder))
    assert snapshot.ignored == ("aes.csv", "cmed.csv", "dsmb.xlsx", "lbnr.csv", "prot.csv")
    assert results_of(snapshot) == ["ALT", "AST"]


def test_without_the_domain_column_the_variables_say_what_a_part_is(tmp_path: Path) -> None:
    folder = raw.export(tmp_path / "s")
    raw.write_csv(folder / "lbch.csv", [{k: v for k, v in row.items() if k != "DOMAIN"} for row in CHEMISTRY])
    assert results_of(read_snapshot(raw.trial_of(folder))) == ["ALT", "AST"]


def stop(folder: Path) -> str:
    with pytest.raises(StopError) as caught:
        read_snapshot(raw.trial_of(folder))
    return caught.value.describe()


def test_a_part_beside_the_whole_domain_stops(tmp_path: Path) -> None:
    folder = raw.export(tmp_path / "s", lb=CHEMISTRY, lbch=CHEMISTRY)
    assert stop(folder) == (
        "[P34] lbch.csv: the file is a part of LB, which is whole in lb.csv: records would count twice. "
        "Next: deliver LB whole, or all of it in parts."
    )


def test_a_part_that_is_there_twice_stops(tmp_path: Path) -> None:
    folder = raw.export(tmp_path / "s", lbch=CHEMISTRY)
    write_as(folder, {"LBCH": pd.DataFrame(CHEMISTRY)}, "tsv")
    assert "the part LBCH of LB is also in lbch.csv" in stop(folder)


def test_a_part_with_records_of_another_domain_stops_and_names_the_row(tmp_path: Path) -> None:
    folder = raw.export(tmp_path / "s", lbch=[CHEMISTRY[0], {**CHEMISTRY[1], "DOMAIN": "VS"}])
    assert stop(folder).startswith(
        "[P34] lbch.csv, row 3, column DOMAIN, value 'VS': the file is a part of LB by its name"
    )


def test_a_required_column_that_one_part_lacks_stops_and_names_its_file(tmp_path: Path) -> None:
    folder = raw.export(
        tmp_path / "s", lbch=CHEMISTRY, lbhe=[{k: HAEMATOLOGY[0][k] for k in ("DOMAIN", "USUBJID", "LBSEQ")}]
    )
    trial = raw.trial_of(folder)
    with pytest.raises(StopError, match=r"lbhe\.csv, row 1, column LBTESTCD"):
        clean_snapshot(read_snapshot(trial), trial)


def asked(folder: Path) -> list[Query]:
    trial = raw.trial_of(folder)
    return [q for q in clean_snapshot(read_snapshot(trial), trial).queries if q["rule"] != "P34-DOMAIN-MISSING"]


def test_one_number_in_two_parts_is_asked_about_with_both_places(tmp_path: Path) -> None:
    folder = raw.export(tmp_path / "s", lbch=CHEMISTRY, lbhe=[{**HAEMATOLOGY[0], "LBSEQ": "2"}])
    [query] = asked(folder)
    assert (query["rule"], query["severity"], query["record"]) == ("P34-SEQ-REPEATED", "major", "LBSEQ=2")
    assert query["observed"] == "2 (lbch.csv row 3 and lbhe.csv row 2)"


def test_a_record_that_stands_in_two_parts_counts_once(tmp_path: Path) -> None:
    folder = raw.export(tmp_path / "s", lbch=CHEMISTRY, lbhe=[{**CHEMISTRY[0], "LBSEQ": "9"}])
    trial = raw.trial_of(folder)
    cleaned = clean_snapshot(read_snapshot(trial), trial)
    assert len(cleaned.domains["LB"]) == 2
    log = cleaned.changes.iloc[0]
    assert (log["file"], log["row"], log["rule"]) == ("lbhe.csv", 2, "P16-DUPLICATE")


def test_places_of_changes_and_questions_are_those_of_the_parts_and_replay(tmp_path: Path) -> None:
    late = {**HAEMATOLOGY[0], "LBSEQ": "4", "LBDTC": "2025-07-01"}
    bad = [
        {**HAEMATOLOGY[0], "LBORRES": "８５", "LBDTC": "2025/1/9"},
        {**HAEMATOLOGY[0], "USUBJID": "", "LBSEQ": "5"},
        late,
    ]
    folder = raw.export(tmp_path / "s", lbch=CHEMISTRY, lbhe=bad)
    trial = raw.trial_of(folder)
    snapshot = read_snapshot(trial)
    cleaned = clean_snapshot(snapshot, trial)
    cut = apply_cut(cleaned.domains, trial.cut_date)
    log = whole_change_log(cleaned, cut)
    assert {(file, row) for file, row in zip(log["file"], log["row"], strict=True)} == {
        ("lbhe.csv", 2), ("lbhe.csv", 3), ("lbhe.csv", 4)
    }  # fmt: skip
    assert [q["record"] for q in cleaned.queries if q["rule"] == "P34-NO-SUBJECT"] == ["lbhe.csv row 3"]
    for code, frame in replayed_domains(snapshot, log).items():
        # Birth dates are in no log.
        again, clean = (data.drop(columns="BRTHDTC", errors="ignore") for data in (frame, cut.domains[code]))
        pd.testing.assert_frame_equal(again, clean, check_index_type=False)


def test_the_transfer_manifest_holds_every_part_and_guards_it(tmp_path: Path) -> None:
    folder = raw.export(tmp_path / "s", lbch=CHEMISTRY, lbhe=HAEMATOLOGY)
    raw.write_csv(folder / "lbnr.csv", [{"LBTESTCD": "ALT"}])
    manifest = transfer_manifest(folder)
    assert {name: entry["rows"] for name, entry in manifest.items()} == {
        "dm.csv": 1, "ex.csv": 1, "ae.csv": 1, "lbch.csv": 2, "lbhe.csv": 1,
    }  # fmt: skip
    assert results_of(read_snapshot(raw.trial_of(folder, transfer=manifest))) == ["ALT", "AST", "PLAT"]
    raw.write_csv(folder / "lbur.csv", [{**HAEMATOLOGY[0], "LBSEQ": "7"}])
    with pytest.raises(StopError, match=r"lbur\.csv: the file is not in the transfer manifest"):
        read_snapshot(raw.trial_of(folder, transfer=manifest))


def test_supplemental_records_in_parts_are_one_domain(tmp_path: Path) -> None:
    supp = dict(STUDYID=STUDY, RDOMAIN="AE", USUBJID="iMSC-001", IDVAR="AESEQ", IDVARVAL="1", QNAM="AEDLT", QVAL="N")
    folder = raw.export(
        tmp_path / "s", suppae1=[supp], suppaeb=[{**supp, "QNAM": "AETRTEM"}], supplbch=[{**supp, "RDOMAIN": "LB"}]
    )
    snapshot = read_snapshot(raw.trial_of(folder))
    assert snapshot.tables["SUPPAE"].frame["QNAM"].tolist() == ["AEDLT", "AETRTEM"]
    assert snapshot.tables["SUPPLB"].rows == 1
