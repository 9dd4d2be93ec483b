"""The mapping file turns a site export into SDTM: one small export per rule, and the message for each mistake."""

from __future__ import annotations

import csv
from pathlib import Path

import pandas as pd
import pytest
import xlsxwriter
import yaml

from support import raw_export as raw
from trialbook.cleaning import clean_snapshot
from trialbook.cleaning.clean import Cleaned
from trialbook.core.errors import StopError, UsageError
from trialbook.snapshot import read_snapshot, reading_lines, transfer_manifest
from trialbook.snapshot.tables import RawTable, Snapshot

SUBJECT = "{template: 'iMSC-{编号:03}'}"
DM = """
  DM:
    file: subjects.csv
    columns:
      STUDYID: {constant: iMSC-2001}
      USUBJID: {template: 'iMSC-{编号:03}'}
      SUBJID: {source: 编号, width: 3}
      RFICDTC: 知情同意日期
      BRTHDTC: 出生日期
      SEX: {source: 性别|性别代码, codes: sex}
      ARMCD: {source: 组别, codes: {一组: DL1}}
      ACTARMCD: {source: 组别, codes: {一组: DL1}}
"""
EX = """
  EX:
    file: doses.csv
    columns:
      USUBJID: {template: 'iMSC-{编号:03}'}
      EXTRT: {constant: iMSC}
      EXDOSE: {source: 细胞数(个/kg), factor: 0.000001}
      EXDOSU: {constant: '10^6 cells/kg'}
      EXSTDTC: {template: '{日期} {时间}', optional: [时间]}
"""
AE = """
  AE:
    file: events.csv
    columns:
      USUBJID: {template: 'iMSC-{编号:03}'}
      AETERM: 名称
      AEDECOD: 名称
      AEBODSYS: {constant: ''}
      AETOXGR: 分级
      AESER: 是否SAE
      AEREL: {constant: ''}
      AEOUT: {source: 转归, codes: {痊愈: RECOVERED/RESOLVED, 不详: null}}
      AESTDTC: {source: 开始, dates: DMY}
      AEENDTC: {source: 结束, dates: DMY}
"""
CODES = "codes:\n  sex: {男: M, 女: F}\n"
SUBJECTS = [["编号", "知情同意日期", "出生日期", "性别", "组别"], ["1", "2025年1月3日", "1984/12/31", "男", "一组"]]
DOSES = [
    ["编号", "细胞数(个/kg)", "日期", "时间"],
    ["1", "1000000", "2025-01-10", "10:00"],
    ["1", "1020000", "2025-01-17", ""],
]
EVENTS = [
    ["编号", "名称", "分级", "是否SAE", "转归", "开始", "结束"],
    ["1", "发热", "2级", "否", "痊愈", "05/03/2025", "06/03/25"],
    ["1", "皮疹", "1", "否", "好转", "05/2025", "UNK/03/2025"],
]


def site(folder: Path, **files: list[list[str]]) -> Path:
    """A site export of three CSV files in GB18030, some of them given."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in {"subjects": SUBJECTS, "doses": DOSES, "events": EVENTS, **files}.items():
        with (folder / f"{name}.csv").open("w", encoding="gb18030", newline="") as file:
            csv.writer(file).writerows(rows)
    return folder


def read(folder: Path, mapping: str = CODES + "domains:" + DM + EX + AE) -> Snapshot:
    (folder.parent / "mapping.yaml").write_text(mapping, encoding="utf-8")
    return read_snapshot(raw.trial_of(folder, mapping="mapping.yaml"))


def cleaned(folder: Path, mapping: str = CODES + "domains:" + DM + EX + AE) -> Cleaned:
    snapshot = read(folder, mapping)
    return clean_snapshot(snapshot, raw.trial_of(folder, mapping="mapping.yaml"))


def column(table: RawTable, name: str) -> list[str | None]:
    return [None if pd.isna(value) else value for value in table.frame[name]]


def test_variables_are_filled_from_headers_constants_templates_and_codes(tmp_path: Path) -> None:
    tables = read(site(tmp_path / "s")).tables
    assert list(tables) == ["DM", "EX", "AE"]
    dm = tables["DM"].frame.iloc[0].to_dict()
    assert dm == {
        "STUDYID": "iMSC-2001", "USUBJID": "iMSC-001", "SUBJID": "001", "RFICDTC": "2025年1月3日",
        "BRTHDTC": "1984/12/31", "SEX": "M", "ARMCD": "DL1", "ACTARMCD": "DL1",
    }  # fmt: skip
    assert column(tables["AE"], "AEREL") == [None, None]


def test_a_number_is_turned_into_the_unit_of_sdtm(tmp_path: Path) -> None:
    assert column(read(site(tmp_path / "s")).tables["EX"], "EXDOSE") == ["1", "1.02"]


def test_a_template_joins_date_and_time_and_a_blank_part_leaves_none(tmp_path: Path) -> None:
    ex = read(site(tmp_path / "s")).tables["EX"]
    assert column(ex, "EXSTDTC") == ["2025-01-10 10:00", "2025-01-17"]
    doses = [DOSES[0], ["", "1000000", "2025-01-10", "10:00"]]
    assert column(read(site(tmp_path / "t", doses=doses)).tables["EX"], "USUBJID") == [None]


def test_the_order_of_day_and_month_is_what_the_file_says(tmp_path: Path) -> None:
    clean = cleaned(site(tmp_path / "s")).domains["AE"]
    assert clean["AESTDTC"].tolist() == ["2025-03-05", "2025-05"]
    assert clean["AEENDTC"].tolist() == ["2025-03-06", "2025-03"]


def test_sequence_numbers_count_within_the_subject(tmp_path: Path) -> None:
    doses = [DOSES[0], ["1", "1", "2025-01-10", ""], ["2", "1", "2025-01-11", ""], ["1", "1", "2025-01-17", ""]]
    ex = read(site(tmp_path / "s", doses=doses)).tables["EX"].frame
    assert ex["EXSEQ"].tolist() == ["1", "1", "2"]
    assert list(ex.columns)[:2] == ["USUBJID", "EXSEQ"]


def test_every_change_of_the_mapping_is_logged_at_its_place_in_the_export(tmp_path: Path) -> None:
    changes = cleaned(site(tmp_path / "s")).changes
    mapped = changes[changes["rule"].str.startswith("P34-MAPPED")]
    assert mapped[["file", "row", "column", "raw", "new"]].to_numpy().tolist() == [
        ["subjects.csv", 2, "性别 → SEX", "男", "M"],
        ["subjects.csv", 2, "组别 → ARMCD", "一组", "DL1"],
        ["subjects.csv", 2, "组别 → ACTARMCD", "一组", "DL1"],
        ["doses.csv", 2, "细胞数(个/kg) → EXDOSE", "1000000", "1"],
        ["doses.csv", 3, "细胞数(个/kg) → EXDOSE", "1020000", "1.02"],
        ["events.csv", 2, "转归 → AEOUT", "痊愈", "RECOVERED/RESOLVED"],
        ["events.csv", 2, "开始 → AESTDTC", "05/03/2025", "2025-03-05"],
        ["events.csv", 3, "开始 → AESTDTC", "05/2025", "2025-05"],
        ["events.csv", 2, "结束 → AEENDTC", "06/03/25", "06-Mar-25"],
    ]
    grade = changes[changes["rule"] == "P21-GRADE"]
    assert grade[["file", "row", "column"]].to_numpy().tolist() == [["events.csv", 2, "分级 → AETOXGR"]]


def test_a_code_that_the_file_does_not_have_is_kept_and_asked_once(tmp_path: Path) -> None:
    events = [*EVENTS, ["1", "头痛", "1", "否", "好转", "05/03/2025", ""]]
    result = cleaned(site(tmp_path / "s", events=events))
    asked = [q for q in result.queries if q["rule"].startswith("P34-CODE") and q["field"] == "AEOUT"]
    assert [(q["rule"], q["record"], q["observed"]) for q in asked] == [
        ("P34-CODE-UNMAPPED", "AESEQ=2", "好转 (2 records)")
    ]
    # It is a word that cleaning knows: it reads as such, and stays asked.
    assert result.domains["AE"]["AEOUT"].tolist() == [
        "RECOVERED/RESOLVED",
        "RECOVERING/RESOLVING",
        "RECOVERING/RESOLVING",
    ]


def test_a_code_that_means_missing_is_missing_and_logged(tmp_path: Path) -> None:
    events = [EVENTS[0], ["1", "发热", "2", "否", "不详", "", ""]]
    result = cleaned(site(tmp_path / "s", events=events))
    assert result.domains["AE"]["AEOUT"].isna().all()
    assert ["不详", ""] in result.changes[["raw", "new"]].to_numpy().tolist()


def test_a_column_that_the_file_does_not_name_is_asked_about_unless_it_is_empty_or_listed(tmp_path: Path) -> None:
    rows = [[*row, extra, "", "x"] for row, extra in zip(EVENTS, ["合并用药", "无", ""], strict=True)]
    rows[0][-2:] = ["空列", "录入人"]
    mapping = CODES + "domains:" + DM + EX + AE + "    unused: [录入人]\n"
    asked = [q for q in cleaned(site(tmp_path / "s", events=rows), mapping).queries if "UNMAPPED" in q["rule"]]
    assert [(q["field"], q["observed"]) for q in asked if q["rule"] == "P34-COLUMN-UNMAPPED"] == [
        ("合并用药", "events.csv: 合并用药")
    ]


def lab_book(path: Path, fill: list[list[object]]) -> None:
    book = xlsxwriter.Workbook(path)
    sheet = book.add_worksheet("生化")
    sheet.merge_range(0, 1, 0, 2, "肝功能")
    for r, row in enumerate(
        [["编号", None, None, "采样日期", "ALT下限"], ["SUBJ", "ALT(U/L)", "TBIL(umol/L)", "DT", "LO"], *fill]
    ):
        for c, cell in enumerate(row):
            if cell is not None:
                sheet.write(r, c, cell)
    book.close()


LB = """
  LB:
    file: '*.xlsx'
    sheet: 生化
    header_rows: 2
    columns:
      USUBJID: {template: 'iMSC-{SUBJ:03}'}
      LBDTC: DT
      LBSTRESN: {copy_number_of: LBORRES}
    spread:
      result: LBORRES
      beside: {LBORNRLO: '{LBTESTCD}下限', LBORNRHI: '{LBTESTCD}上限'}
      columns:
        ALT(U/L): {LBTESTCD: ALT, LBORRESU: U/L}
        肝功能/TBIL(umol/L)|TBIL(umol/L): {LBTESTCD: BILI, LBORRESU: umol/L}
"""


def test_results_beside_each_other_become_records_with_their_own_source_column(tmp_path: Path) -> None:
    folder = site(tmp_path / "s")
    lab_book(folder / "lab.xlsx", [[1, 20, "<2", 45660, 5], [1, None, 17.1, 45661, 5]])
    table = read(folder, CODES + "domains:" + DM + EX + AE + LB).tables["LB"]
    names = ["LBSEQ", "LBTESTCD", "LBORRES", "LBORRESU", "LBORNRLO", "LBSTRESN", "LBDTC"]
    assert list(table.frame.columns) == ["USUBJID", *names[:5], "LBORNRHI", *names[5:]]
    assert table.frame[names].fillna("").to_numpy().tolist() == [
        ["1", "ALT", "20", "U/L", "5", "20", "45660"],
        ["2", "BILI", "<2", "umol/L", "", "", "45660"],
        ["3", "BILI", "17.1", "umol/L", "", "17.1", "45661"],
    ]
    assert [table.place(row, "LBORRES") for row in table.frame.index] == [
        ("lab.xlsx", "生化", 3, "ALT(U/L) → LBORRES"),
        ("lab.xlsx", "生化", 3, "TBIL(umol/L) → LBORRES"),
        ("lab.xlsx", "生化", 4, "TBIL(umol/L) → LBORRES"),
    ]
    assert table.place(2, "LBORNRLO") == ("lab.xlsx", "生化", 3, "ALT下限 → LBORNRLO")
    assert table.origin is not None
    assert table.origin.trace().to_numpy().tolist() == [
        [2, "lab.xlsx", "生化", 3], [3, "lab.xlsx", "生化", 3], [4, "lab.xlsx", "生化", 4]
    ]  # fmt: skip


def test_what_a_workbook_shows_otherwise_than_it_stores_is_said_of_the_mapped_record(tmp_path: Path) -> None:
    folder = site(tmp_path / "s")
    book = xlsxwriter.Workbook(folder / "lab.xlsx", {"date_1904": True})
    sheet, percent = book.add_worksheet("生化"), book.add_format({"num_format": "0%"})
    sheet.write_row(0, 0, ["SUBJ", "ALT(U/L)", "LYM%", "DT"])
    sheet.write_row(1, 0, [1, 20])
    sheet.write_number(1, 2, 0.33, percent)
    sheet.write_number(1, 3, 44210)
    book.close()
    lb = LB.replace("header_rows: 2", "header_rows: 1").replace("肝功能/TBIL(umol/L)|TBIL(umol/L)", "LYM%")
    lb = lb.replace("{LBTESTCD: BILI, LBORRESU: umol/L}", "{LBTESTCD: LYMLE, LBORRESU: '%'}")
    found = cleaned(folder, CODES + "domains:" + DM + EX + AE + lb)
    frame = found.domains["LB"]
    assert frame["LBORRESN"].tolist() == [20.0, 33.0]
    assert frame["LBDTC"].tolist() == ["2025-01-15", "2025-01-15"]
    asked = {(q["rule"], q["record"], q["observed"]) for q in found.queries if q["rule"].startswith("P03")}
    assert asked == {
        ("P03-EXCEL-PERCENT", "LBSEQ=2", "33% (0.33)"), ("P03-EXCEL-EPOCH", "LBSEQ=1", "44210 (2025-01-15)"),
    }  # fmt: skip
    logged = found.changes[found.changes["rule"] == "P03-EXCEL-PERCENT"]
    assert logged[["row", "column", "raw", "new"]].to_numpy().tolist() == [[2, "LYM% → LBORRES", "0.33", "33%"]]


def test_a_domain_may_come_from_several_files_and_from_some_of_their_rows(tmp_path: Path) -> None:
    more = [["编号", "药物", "类型"], ["1", "甲氨蝶呤", "药物"], ["1", "输血", "治疗"]]
    cm = """
  CM:
    - {file: drugs.csv, columns: {USUBJID: {template: 'iMSC-{编号:03}'}, CMTRT: 药物, CMSTDTC: {constant: ''}},
       rows: {类型: [药物]}}
    - {file: more.csv, columns: {USUBJID: {template: 'iMSC-{编号:03}'}, CMTRT: 药名, CMSTDTC: 日期}}
    - {file: none.csv, columns: {USUBJID: 编号}, optional: true}
"""
    folder = site(tmp_path / "s", drugs=more, more=[["编号", "药名", "日期"], ["1", "芦可替尼", "2025-02-01"]])
    snapshot = read(folder, CODES + "domains:" + DM + EX + AE + cm)
    table = snapshot.tables["CM"]
    assert table.file == "drugs.csv + more.csv"
    assert column(table, "CMTRT") == ["甲氨蝶呤", "芦可替尼"]
    assert [table.place(row, "CMTRT")[:3] for row in table.frame.index] == [("drugs.csv", "", 2), ("more.csv", "", 2)]
    assert "        P34-MAPPED-ROWS (1 rows hold no record of this domain)" in reading_lines(snapshot)


PART = r"domains\.AE\[0\]"
WRONG = {
    "a header that the file does not have": (
        AE.replace("名称", "名祢"),
        rf"mapping\.yaml, column {PART}\.columns\.AETERM.*events\.csv has no column 名祢; the nearest is 名称",
    ),
    "an unknown key": (AE.replace("dates: DMY", "date: DMY"), r"mapping\.yaml.*unknown key date"),
    "an unknown code list": (
        AE.replace("codes: {痊愈: RECOVERED/RESOLVED, 不详: null}", "codes: sexx"),
        rf"{PART}\.columns\.AEOUT\.codes.*no code list sexx; the nearest is sex",
    ),
    "a misspelt variable": (AE.replace("AESTDTC", "AESDTTC"), "AE has no variable AESDTTC; the nearest is AESTDTC"),
    "a domain that is none": (AE.replace("  AE:", "  AX:"), "AX is not a domain of the workbook; the nearest is"),
    "two origins of one variable": (
        AE.replace("AETERM: 名称", "AETERM: {source: 名称, constant: x}"),
        "filled from one of",
    ),
    "an order of dates that is none": (AE.replace("dates: DMY", "dates: YDM"), r"key domains\.AE.*value 'YDM'"),
    "a column listed as unused that is not there": (
        AE + "    unused: [录入人]\n",
        rf"{PART}\.unused.*has no column 录入人",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_mistake_in_the_mapping_names_file_domain_key_and_the_nearest_name(tmp_path: Path, case: str) -> None:
    wrong, message = WRONG[case]
    with pytest.raises(UsageError, match=message):
        read(site(tmp_path / "s"), CODES + "domains:" + DM + EX + wrong)


def test_a_file_that_is_missing_or_there_twice_stops(tmp_path: Path) -> None:
    folder = site(tmp_path / "s")
    (folder / "events.csv").unlink()
    with pytest.raises(
        StopError, match=r"domains\.AE\[0\]\.file.*no file matches events\.csv \(doses\.csv, subjects\.csv\)"
    ):
        read(folder)
    site(folder, events2=EVENTS)
    with pytest.raises(StopError, match=r"2 files match events\*\.csv"):
        read(folder, CODES + "domains:" + DM + EX + AE.replace("events.csv", "events*.csv"))


def test_two_columns_with_the_mapped_header_stop(tmp_path: Path) -> None:
    rows = [[*row, row[1]] for row in EVENTS]
    with pytest.raises(StopError, match=r"two columns \(2 and 8\) are named 名称"):
        read(site(tmp_path / "s", events=rows))


def test_a_stop_about_a_mapped_record_names_the_row_of_the_export(tmp_path: Path) -> None:
    events = [EVENTS[0], [], *EVENTS[1:], ["9", "头痛", "1", "否", "痊愈", "", ""]]
    with pytest.raises(StopError, match=r"events\.csv, row 5, column 编号 → USUBJID, value 'iMSC-009'.*not in DM"):
        cleaned(site(tmp_path / "s", events=events))
    with pytest.raises(StopError, match=r"subjects\.csv, row 2 and 3, column 编号 → USUBJID"):
        cleaned(site(tmp_path / "s", events=EVENTS, subjects=[*SUBJECTS, SUBJECTS[1]]))


def test_the_transfer_of_a_mapped_export_is_held_against_its_files(tmp_path: Path) -> None:
    folder = site(tmp_path / "s")
    (tmp_path / "mapping.yaml").write_text(CODES + "domains:" + DM + EX + AE, encoding="utf-8")
    manifest = transfer_manifest(folder, tmp_path / "mapping.yaml")
    assert {name: entry["rows"] for name, entry in manifest.items()} == {
        "doses.csv": 2, "events.csv": 2, "subjects.csv": 1
    }  # fmt: skip
    trial = raw.trial_of(folder, mapping="mapping.yaml", transfer=manifest)
    assert list(read_snapshot(trial).tables) == ["DM", "EX", "AE"]
    site(folder, events=EVENTS[:2])
    with pytest.raises(StopError, match=r"events\.csv.*bytes were received"):
        read_snapshot(trial)


def test_the_committed_mapping_is_the_one_that_its_words_need(root: Path) -> None:
    """Every word that the imagined site writes is in a code list of the mapping file, with the same meaning."""
    from trialbook_demo.site_export import WORDS

    codes = yaml.safe_load((root / "params" / "mapping.yaml").read_text(encoding="utf-8"))["codes"]
    for name in set(WORDS) & set(codes):
        assert {chinese: code for code, chinese in WORDS[name].items()} == {
            k: str(v) for k, v in codes[name].items()
        }, name
