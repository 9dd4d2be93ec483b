"""A mapping file is drafted from the headers and values of an export: it loads, and places what it recognises."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
import xlsxwriter

from trialbook.commands.draft_mapping import write_draft_mapping
from trialbook.core.errors import UsageError
from trialbook.protocol.load import load_protocol
from trialbook.protocol.models import Protocol
from trialbook.snapshot.mapping_models import Mapping, load_mapping
from trialbook.snapshot.site_export import read_export


@pytest.fixture(scope="module")
def protocol(root: Path) -> Protocol:
    return load_protocol(root / "params" / "protocol.yaml")


def drafted(export: Path, tmp_path: Path, protocol: Protocol) -> tuple[list[str], Mapping, str]:
    target = tmp_path / "drafts" / "mapping.yaml"
    said = write_draft_mapping(export, target, protocol)
    return said, load_mapping(target, "mapping.yaml"), target.read_text(encoding="utf-8")


def sources(mapping: Mapping, code: str) -> dict[str, str]:
    return {name: rule.source[0] for name, rule in mapping.domains[code][0].columns.items() if rule.source}


KNOWN = {
    "redcap": ("REDCap", {"DM": "RFICDTC BRTHDTC SEX ARMCD", "AE": "AETERM AESER AESTDTC", "EX": "EXDOSE EXSTDTC"}),
    "rave": ("Rave", {"DM": "RFICDTC BRTHDTC SEX ARMCD DTHDTC", "AE": "AETERM AESER AEREL AESTDTC", "LB": "LBTESTCD"}),
    "openclinica": ("OpenClinica", {"DM": "RFICDTC BRTHDTC SEX ARMCD"}),
    "chinese": ("Chinese headers", {"DM": "RFICDTC BRTHDTC SEX ARMCD", "AE": "AETERM AESER AEREL AESTDTC"}),
}  # fmt: skip


@pytest.mark.parametrize("name", KNOWN)
def test_an_export_is_recognised_by_its_shape_and_reads_with_its_draft(
    root: Path, tmp_path: Path, protocol: Protocol, name: str
) -> None:
    system, placed = KNOWN[name]
    export = root / "data" / "examples" / name
    said, mapping, _ = drafted(export, tmp_path, protocol)
    assert said[0].endswith(f"recognised: {system}")
    assert any(line.startswith("Next:") for line in said)
    assert not any("cannot be read" in line for line in said)
    assert list(mapping.domains) == ["DM", "EX", "AE", "LB", "DS"]
    for code, variables in placed.items():
        assert set(variables.split()) <= set(sources(mapping, code)), code
    tables = read_export(export, tmp_path / "drafts" / "mapping.yaml", "mapping.yaml").snapshot.tables
    assert {code: table.rows for code, table in tables.items()} == {"DM": 5, "EX": 8, "AE": 21, "LB": 114, "DS": 10}


def write(folder: Path, name: str, rows: list[list[str]], sign: str = ",", encoding: str = "utf-8") -> None:
    folder.mkdir(exist_ok=True)
    with (folder / name).open("w", encoding=encoding, newline="") as file:
        csv.writer(file, delimiter=sign).writerows(rows)


def test_forms_of_one_subject_each_are_joined_and_a_column_of_a_name_is_no_key(
    tmp_path: Path, protocol: Protocol
) -> None:
    export = tmp_path / "export"
    write(export, "DM.csv", [["Subject", "BRTHDAT_RAW", "SEX_STD"], ["901", "04 MAR 1980", "M"]])
    write(export, "IC.csv", [["Subject", "ICDAT_RAW"], ["901", "02 JAN 2025"]])
    write(export, "ENR.csv", [["Subject", "COHORT"], ["901", "DL1"]])
    _, mapping, text = drafted(export, tmp_path, protocol)
    part = mapping.domains["DM"][0]
    assert sorted(join.file for join in part.join) == ["ENR.csv", "IC.csv"]
    assert sources(mapping, "DM") == {
        "SUBJID": "Subject", "RFICDTC": "ICDAT_RAW", "BRTHDTC": "BRTHDAT_RAW", "SEX": "SEX_STD", "ARMCD": "COHORT"
    }  # fmt: skip
    assert "No table looks like EX, which is required: USUBJID, EXSEQ" in text


def test_repeats_beside_each_other_become_a_spread_and_their_codes_a_hint(tmp_path: Path, protocol: Protocol) -> None:
    export = tmp_path / "export"
    head = ["id", "AETERM_1", "AESTDAT_1", "AEREL_1", "AETERM_2", "AESTDAT_2", "AEREL_2", "remark"]
    write(export, "events.csv", [head, ["901", "Rash", "25/01/2025", "1", "Pain", "03/02/2025", "3", "see note"]])
    _, mapping, text = drafted(export, tmp_path, protocol)
    spread = mapping.domains["AE"][0].spread
    assert spread is not None
    assert (spread.result.variable, list(spread.columns)) == ("AETERM", ["AETERM_1", "AETERM_2"])
    assert (spread.beside["AESTDTC"].dates, spread.beside["AEREL"].source) == ("DMY", ["AEREL_{AESEQ}"])
    assert 'codes: {"1": ..., "3": ...}}, each with what it means (RELATED, NOT RELATED, POSSIBLE, ...)' in text
    assert "# Not placed, events.csv: remark" in text


def test_tests_beside_each_other_take_units_from_headers_or_columns(tmp_path: Path, protocol: Protocol) -> None:
    export = tmp_path / "export"
    write(
        export,
        "lab.csv",
        [["受试者编号", "采样日期", "ALT(U/L)", "plt", "plt_u"], ["1", "2025-01-09", "8,5", "85", "G/L"]],
    )
    _, mapping, _ = drafted(export, tmp_path, protocol)
    part = mapping.domains["LB"][0]
    assert part.spread is not None
    assert part.spread.columns["ALT(U/L)"] == {"LBTESTCD": "ALT", "LBORRESU": "U/L"}
    assert part.spread.columns["plt"]["LBORRESU"].source == ["plt_u"]  # type: ignore[union-attr]
    assert part.decimal == ","


def test_a_workbook_with_titles_two_header_rows_and_a_missing_code(tmp_path: Path, protocol: Protocol) -> None:
    export = tmp_path / "export"
    export.mkdir()
    book = xlsxwriter.Workbook(export / "导出.xlsx")
    sheet = book.add_worksheet("不良事件")
    rows = [
        ["某医院"],
        ["受试者编号", "不良事件名称", "是否SAE"],
        ["SUBJ", "TERM", "SAE"],
        ["1", "发热", "否"],
        ["2", "NASK", "是"],
    ]
    for r, row in enumerate(rows):
        sheet.write_row(r, 0, row)
    book.close()
    _, mapping, text = drafted(export, tmp_path, protocol)
    part = mapping.domains["AE"][0]
    assert (part.sheet, part.header_rows, part.skip_rows) == ("不良事件", 2, 1)
    assert part.columns["AESER"].codes == {"否": "N", "是": "Y"}
    assert mapping.missing == ["NASK"]
    assert text.count("no column was found for it, and it is required") >= 4


@pytest.mark.parametrize(
    ("site", "number", "template"),
    [
        ("01", "NCT06321198-01-001", None), ("01", "01-001", "NCT06321198-{subjid}"),
        ("01", "001", "NCT06321198-{siteid}-{subjid}"),
    ],
)  # fmt: skip
def test_a_prefix_that_the_subject_numbers_have_is_not_written_twice(
    tmp_path: Path, protocol: Protocol, site: str, number: str, template: str | None
) -> None:
    export = tmp_path / "export"
    head = ["siteid", "subjid", "sex", "brthdtc", "armcd"]
    write(export, "DM.csv", [head, [site, number, "M", "1980-03-04", "DL1"], [site, number[:-1] + "2", "F", "", "DL1"]])
    _, mapping, text = drafted(export, tmp_path, protocol)
    rule = mapping.domains["DM"][0].columns["USUBJID"]
    assert (rule.template, rule.source) == ((template, []) if template else (None, ["subjid"])), text
    assert 'constant: ""' not in text
    assert "# ACTARMCD: no column was found for it, and it is required" in text


def test_free_text_of_the_data_never_enters_a_draft(tmp_path: Path, protocol: Protocol) -> None:
    export = tmp_path / "export"
    write(export, "ae.csv", [["Subject", "AETERM", "AEOUT", "住院号"], ["1", "张三 rash 13912773451", "good", "778"]])
    _, _, text = drafted(export, tmp_path, protocol)
    assert "张三" not in text
    assert "13912773451" not in text
    assert "good" not in text


def test_a_file_is_never_overwritten_and_an_empty_folder_is_no_export(tmp_path: Path, protocol: Protocol) -> None:
    export, target = tmp_path / "export", tmp_path / "mapping.yaml"
    write(export, "ae.csv", [["Subject", "AETERM"], ["1", "rash"]])
    target.write_text("mine", encoding="utf-8")
    with pytest.raises(UsageError, match="this file exists already"):
        write_draft_mapping(export, target, protocol)
    assert target.read_text(encoding="utf-8") == "mine"
    (tmp_path / "empty").mkdir()
    for place in ("empty", "nowhere"):
        with pytest.raises(UsageError, match=r"no table here|cannot be read"):
            write_draft_mapping(tmp_path / place, tmp_path / "new.yaml", protocol)
    assert not (tmp_path / "new.yaml").exists()


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.csv", b"\xff\xfe\x00"), ("b.xlsx", b"no workbook"), ("c.json", b"{}"), ("d.csv", b"one\n1\n"),
     ("e.csv", b'a,b\n"1,2\n'), ("f.tsv", b"")],
)  # fmt: skip
def test_a_file_that_cannot_be_read_is_named_beside_those_that_can(
    tmp_path: Path, protocol: Protocol, name: str, content: bytes
) -> None:
    export = tmp_path / "export"
    write(export, "ae.csv", [["Subject", "AETERM"], ["1", "rash"]])
    (export / name).write_bytes(content)
    _, mapping, _ = drafted(export, tmp_path, protocol)
    assert [part.file for part in mapping.domains["AE"]] == ["ae.csv"]


def test_codes_lost_zeros_the_product_the_unit_of_the_dose_and_visits_are_in_the_draft(
    tmp_path: Path, protocol: Protocol
) -> None:
    export = tmp_path / "export"
    export.mkdir()
    for name, text in {
        "demog.csv": "subject,site,sex,icdate,cohort\n001,01,1,2025-01-02,1\n002,01,2.0,2025-01-12,1\n",
        "dosing.csv": "subject,dose (10^6 cells/kg),infusion date\n1,1,2025-01-10\n2,1,2025-01-20\n",
        "vs.csv": "subject,visit,visitnum,date,weight (kg)\n001,BASELINE,2,2025-01-10,70\n",
        "fa.csv": "subject,visit,date,test,result,unit\n001,DAY 28,2025-02-07,RASHBSA,20,%\n",
    }.items():
        (export / name).write_text(text, encoding="utf-8")
    _, mapping, text = drafted(export, tmp_path, protocol)
    assert 'SEX: sex  # write {source: sex, codes: {"1": ..., "2.0": ...}}, each with what it means (M, F)' in text
    assert {part[0].columns["USUBJID"].template for part in mapping.domains.values()} == {"NCT06321198-{subject:03}"}
    assert mapping.domains["DM"][0].columns["SUBJID"].width == 3
    infusions = mapping.domains["EX"][0].columns
    assert (infusions["EXTRT"].constant, infusions["EXDOSU"].constant) == ("iMSC", "10^6 cells/kg")
    assert infusions["EXSTDTC"].source == ["infusion date"]
    assert {"VISIT", "VISITNUM"} <= set(mapping.domains["VS"][0].columns)
    assert {"VISIT", "FATESTCD", "FAORRES", "FADTC"} <= set(mapping.domains["FA"][0].columns)
