"""The mapping file joins forms, reads dialects and missing codes, and converts numbers or asks: one small case each."""

from __future__ import annotations

from pathlib import Path

import pytest

from support import raw_export as raw
from trialbook.core.errors import StopError, TrialbookError, UsageError
from trialbook.snapshot import read_snapshot, transfer_manifest
from trialbook.snapshot.tables import RawTable, Snapshot

PLAIN = """
  DM: {file: dm.csv, columns: {USUBJID: USUBJID, SUBJID: SUBJID, ARMCD: ARMCD, ACTARMCD: ACTARMCD}}
  EX: {file: ex.csv, columns: {USUBJID: USUBJID, EXSTDTC: EXSTDTC}}
  AE: {file: ae.csv, columns: {USUBJID: USUBJID, AETERM: AETERM}}
"""


def read(folder: Path, domains: str, files: dict[str, str | bytes], top: str = "", plain: str = PLAIN) -> Snapshot:
    """The snapshot of a plain export with these files, mapped by these domains."""
    raw.export(folder)
    for name, content in files.items():
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    (folder.parent / "mapping.yaml").write_text(f"{top}\ndomains:{plain}{domains}", encoding="utf-8")
    return read_snapshot(raw.trial_of(folder, mapping="mapping.yaml"))


def values(table: RawTable, *names: str) -> list[list[str]]:
    return table.frame[list(names)].fillna("").to_numpy().tolist()


def asked(table: RawTable) -> list[tuple[str, str, str]]:
    return [(note.rule, note.column, note.observed) for note in table.notes]


# ----------------------------------------------------------------------------------------------------
# Arithmetic applies or asks.


LB = """
  LB:
    file: lab.csv
    columns:
      USUBJID: id
      LBTESTCD: {constant: CREAT}
      LBORRES: {source: crea, factor: 88.4%s}
      LBORRESU: {constant: umol/L}
      LBSTRESN: {copy_number_of: LBORRES}
      LBSTRESU: {constant: umol/L}
      LBDTC: date
"""
FACTOR = {
    "0.9": "79.56", "<0.1": "<8.84", ">15": ">1326", "1,2": "106.08", "1,234.5": "109131.8", "≤ 0.5": "≤44.2",
    ">=2": ">=176.8", "小于0.1": "<8.84", "＜0.1": "<8.84", "1.234,5": "109129.8", "1 234": "109085.6", "2e1": "1768",
    "0,123": "10.8732",
}  # fmt: skip


def factored(tmp_path: Path, texts: list[str], more: str = "") -> RawTable:
    rows = "".join(f'iMSC-001,2025-01-{k:02d},"{text}"\n' for k, text in enumerate(texts, 1))
    return read(tmp_path / "s", LB % more, {"lab.csv": "id,date,crea\n" + rows}).tables["LB"]


def test_a_factor_applies_to_numbers_and_bounds_in_every_plain_spelling(tmp_path: Path) -> None:
    from decimal import Decimal

    table = factored(tmp_path, list(FACTOR))
    assert values(table, "LBORRESU") == [["umol/L"]] * len(FACTOR)
    assert not asked(table)
    found = [row[0] for row in values(table, "LBORRES")]
    assert found[:4] == ["79.56", "<8.84", ">1326", "106.08"]
    # Worked out a second time, from the number that a person reads in each text.
    read_as = [0.9, 0.1, 15, 1.2, 1234.5, 0.5, 2, 0.1, 0.1, 1234.5, 1234, 20, 0.123]
    numbers = [Decimal(text.strip("<>=≤")) for text in found]
    assert numbers == [Decimal(str(number)) * Decimal("88.4") for number in read_as]
    assert [text[: len(text) - len(text.lstrip("<>=≤"))] for text in found] == [
        "", "<", ">", "", "", "≤", ">=", "<", "<", "", "", "", ""
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["1,234", "1.2.3", "0.9 mg/dL", "haemolysed", "1-2", "+", "12,34,5"])
def test_what_a_factor_cannot_be_applied_to_is_kept_without_the_unit_and_asked(tmp_path: Path, text: str) -> None:
    table = factored(tmp_path, ["0.9", text])
    names = ("LBORRES", "LBORRESU", "LBSTRESU")
    assert values(table, *names) == [["79.56", "umol/L", "umol/L"], [text, "", ""]]
    assert asked(table) == [("P34-NOT-CONVERTED", "LBORRES", text)]


@pytest.mark.parametrize(
    ("sign", "text", "number"),
    [(",", "1,234", "1.234"), (".", "1,234", "1234"), (",", "1.234,5", "1234.5"), (",", "<0,5", "<0.5"),
     (".", "1,234.5", "1234.5"), (",", "7", "7")],
)  # fmt: skip
def test_a_decimal_sign_that_is_given_settles_a_comma(tmp_path: Path, sign: str, text: str, number: str) -> None:
    table = factored(tmp_path, [text], f", decimal: '{sign}'")
    plain = factored(tmp_path / "plain", [number])
    assert values(table, "LBORRES", "LBORRESU") == values(plain, "LBORRES", "LBORRESU")
    assert not asked(table)


def test_points_and_commas_in_one_column_of_a_decimal_comma_are_asked(tmp_path: Path) -> None:
    content = "id;date;res;term\niMSC-001;2025-01-01;8,5;1,5\niMSC-001;2025-01-02;1.234;a\niMSC-001;2025-01-03;0.9;b\n"
    domain = """
  LB: {file: lab.csv, delimiter: semicolon, decimal: ",",
       columns: {USUBJID: id, LBTESTCD: {constant: ALT}, LBORRES: res, LBDTC: date, LBMETHOD: term}}
"""
    table = read(tmp_path / "s", domain, {"lab.csv": content}).tables["LB"]
    assert values(table, "LBORRES") == [["8.5"], ["1.234"], ["0.9"]]
    assert asked(table) == [("P34-NUMBER-UNSURE", "LBORRES", "1.234"), ("P34-NUMBER-UNSURE", "LBORRES", "0.9")]
    one = content.replace("0.9", "10")
    table = read(tmp_path / "t", domain, {"lab.csv": one}).tables["LB"]
    assert values(table, "LBORRES") == [["8.5"], ["1234"], ["10"]]


# ----------------------------------------------------------------------------------------------------
# Results side by side: codes, dates, factors, missing codes and units of their own.


WIDE = """
  AE:
    file: w.csv
    missing: [NI, NASK]
    columns: {USUBJID: id}
    spread:
      result: {variable: AETERM, codes: {1: Fever}}
      beside:
        AESTDTC: {source: "AESTDAT_{AESEQ}", dates: DMY}
        AEREL: {source: "AEREL_{AESEQ}", codes: relation}
        AETOXGR: "AEGR_{AESEQ}"
      columns:
        AETERM_1: {AESEQ: 1}
        AETERM_2: {AESEQ: "2"}
"""
RELATION = "codes:\n  relation: {1: NOT RELATED, 2: POSSIBLY RELATED, 3: RELATED}\n"
HEAD = "id,AETERM_1,AESTDAT_1,AEREL_1,AEGR_1,AETERM_2,AESTDAT_2,AEREL_2,AEGR_2\n"
NO_AE = PLAIN.partition("  AE:")[0]


def test_codes_dates_and_missing_codes_apply_to_repeats_beside_each_other(tmp_path: Path) -> None:
    rows = "iMSC-001,1,05/03/2025,1,1,Rash,06/03/2025,3,NI\niMSC-001,NI,NI,NI,NI,Chills,,9,2\n"
    table = read(tmp_path / "s", WIDE, {"w.csv": HEAD + rows}, RELATION, NO_AE).tables["AE"]
    names = ("AESEQ", "AETERM", "AESTDTC", "AEREL", "AETOXGR")
    assert values(table, *names) == [
        ["1", "Fever", "2025-03-05", "NOT RELATED", "1"],
        ["2", "Rash", "2025-03-06", "RELATED", ""],
        ["2", "Chills", "", "9", "2"],
    ]
    codes = [seen for rule, _, seen in asked(table) if rule == "P34-CODE-UNMAPPED"]
    assert sorted(codes) == ["9 (1 records)", "Chills (1 records)", "Rash (1 records)"]
    # Each change is logged at its record and its own column.
    log = {(e.row, table.place(e.row, e.column)[3], e.raw, e.new) for e in table.edits if e.row}
    assert {
        (2, "AEREL_1 → AEREL", "1", "NOT RELATED"), (3, "AEREL_2 → AEREL", "3", "RELATED"),
        (3, "AEGR_2 → AETOXGR", "NI", ""), (2, "AESTDAT_1 → AESTDTC", "05/03/2025", "2025-03-05"),
    } <= log  # fmt: skip
    assert ("(1 times NI under AETERM_1)", "P34-MAPPED-MISSING") in [(e.raw, e.rule) for e in table.edits]


def test_an_event_without_a_name_beside_its_date_is_told(tmp_path: Path) -> None:
    table = read(
        tmp_path / "s", WIDE, {"w.csv": HEAD + "iMSC-001,1,,,,,06/03/2025,3,2\n"}, RELATION, NO_AE
    ).tables["AE"]  # fmt: skip
    assert len(table.frame) == 1
    assert "(w.csv, rows 2: AETERM_2 is blank)" in [e.raw for e in table.edits]


TESTS = """
  LB:
    file: w.csv
    missing: [-99, "."]
    columns: {USUBJID: id, LBDTC: date, LBSTRESN: {copy_number_of: LBORRES}}
    spread:
      result: LBORRES
      columns:
        alt: {LBTESTCD: ALT, LBORRESU: U/L}
        plt: {LBTESTCD: PLAT, LBORRESU: {source: plt_u, codes: {G/L: "10^9/L"}}}
        crea: {LBTESTCD: CREAT, LBORRESU: umol/L, LBORRES: {factor: 88.4, missing: [777]}}
        hbsag: {LBTESTCD: HBSAG, LBORRES: {codes: {0: NEGATIVE, 1: POSITIVE}}}
"""


def test_each_test_of_a_spread_has_its_unit_factor_and_codes(tmp_path: Path) -> None:
    rows = "iMSC-001,2025-01-09,23,85,G/L,<0.1,0\niMSC-001,2025-01-10,-99,-99.0,x,1.0,1\niMSC-001,2025-01-11,.,,,777,\n"
    rows += "iMSC-001,2025-01-12,,,,see note,\n"
    table = read(tmp_path / "s", TESTS, {"w.csv": "id,date,alt,plt,plt_u,crea,hbsag\n" + rows}).tables["LB"]
    assert values(table, "LBTESTCD", "LBORRES", "LBORRESU", "LBSTRESN") == [
        ["ALT", "23", "U/L", "23"], ["PLAT", "85", "10^9/L", "85"], ["CREAT", "<8.84", "umol/L", ""],
        ["HBSAG", "NEGATIVE", "", ""], ["CREAT", "88.4", "umol/L", "88.4"], ["HBSAG", "POSITIVE", "", ""],
        ["CREAT", "see note", "", ""],
    ]  # fmt: skip
    whole = [e.raw for e in table.edits if e.rule == "P34-MAPPED-MISSING"]
    assert whole == ["(1 times -99 under alt)", "(1 times . under alt)", "(1 times -99.0 under plt)",
                     "(1 times 777 under crea)"]  # fmt: skip
    assert ("P34-NOT-CONVERTED", "LBORRES", "see note") in asked(table)


# ----------------------------------------------------------------------------------------------------
# Missing codes.


@pytest.mark.parametrize("declared", ["top", "part", "column"])
def test_a_missing_code_is_missing_wherever_it_is_declared_and_logged(tmp_path: Path, declared: str) -> None:
    key = "missing: [-99, NASK, UNK, '.']"
    domain = f"""
  LB: {{file: lab.csv, {key + "," if declared == "part" else ""} columns: {{USUBJID: id, LBTESTCD: {{constant: ALT}},
        LBORRES: {{source: res, {key if declared == "column" else ""}}}, LBDTC: date}}}}
"""
    rows = "".join(f"iMSC-001,2025-01-0{k},{text}\n" for k, text in enumerate(["-99", "nask", "20", "-99.00", "."], 1))
    top = key if declared == "top" else ""
    table = read(tmp_path / "s", domain, {"lab.csv": "id,date,res\n" + rows}, top).tables["LB"]
    assert values(table, "LBORRES") == [[""], [""], ["20"], [""], [""]]
    log = [(e.row, e.column, e.raw, e.new) for e in table.edits if e.rule == "P34-MAPPED-MISSING"]
    assert log == [(2, "LBORRES", "-99", ""), (3, "LBORRES", "nask", ""), (5, "LBORRES", "-99.00", ""),
                   (6, "LBORRES", ".", "")]  # fmt: skip


def test_a_missing_code_never_blanks_a_subject_number(tmp_path: Path) -> None:
    domain = """
  CM: {file: cm.csv, missing: [1, 999], columns: {USUBJID: {template: "iMSC-{no:03}"}, CMSEQ: seq, CMTRT: drug}}
"""
    table = read(tmp_path / "s", domain, {"cm.csv": "no,seq,drug\n1,999,999\n"}).tables["CM"]
    assert values(table, "USUBJID", "CMSEQ", "CMTRT") == [["iMSC-001", "999", ""]]


def test_a_row_whose_filter_column_holds_a_missing_code_is_blank_there(tmp_path: Path) -> None:
    domain = """
  CM: {file: cm.csv, missing: NI, rows: {drug: filled}, columns: {USUBJID: id, CMTRT: drug}}
  MH: {file: cm.csv, missing: NI, rows: {drug: blank}, columns: {USUBJID: id, MHTERM: {constant: none}}}
"""
    tables = read(tmp_path / "s", domain, {"cm.csv": "id,drug\niMSC-001,NI\niMSC-001,A\n"}).tables
    assert values(tables["CM"], "CMTRT") == [["A"]]
    assert len(tables["MH"].frame) == 1


# ----------------------------------------------------------------------------------------------------
# Forms are joined by subject and event.


JOINED = """
  DM:
    file: DM_form.csv
    join:
      - {file: IC.csv, on: Subject}
      - {file: ENR.csv, on: {Subject: SUBJECT}, name: enrolment}
    columns:
      USUBJID: {template: "iMSC-{Subject}"}
      SUBJID: Subject
      RFICDTC: {source: ICDAT, dates: DMY}
      SEX: SEX
      ARMCD: COHORT
      ACTARMCD: enrolment.COHORT
  EX: {file: ex.csv, columns: {USUBJID: USUBJID, EXSTDTC: EXSTDTC}}
  AE: {file: ae.csv, columns: {USUBJID: USUBJID, AETERM: AETERM}}
"""
FORMS: dict[str, str | bytes] = {
    "DM_form.csv": "Subject,SEX,VISDAT\n001,M,x\n002,F,x\n",
    "IC.csv": "Subject,ICDAT,VISDAT\n002,12/01/2025,y\n001,02/01/2025,y\n",
    "ENR.csv": "SUBJECT,COHORT\n001,DL1\n002,DL1\n",
}


def joined(tmp_path: Path, changes: dict[str, str | bytes] | None = None, mapping: str = JOINED) -> Snapshot:
    return read(tmp_path / "s", mapping, FORMS | (changes or {}), plain="")


def test_forms_are_joined_and_each_value_leads_to_its_own_file_and_row(tmp_path: Path) -> None:
    table = joined(tmp_path).tables["DM"]
    assert values(table, "USUBJID", "SEX", "RFICDTC", "ARMCD", "ACTARMCD") == [
        ["iMSC-001", "M", "2025-01-02", "DL1", "DL1"], ["iMSC-002", "F", "2025-01-12", "DL1", "DL1"]
    ]  # fmt: skip
    assert table.place(2, "RFICDTC") == ("IC.csv", "", 3, "ICDAT → RFICDTC")
    assert table.place(3, "RFICDTC")[:3] == ("IC.csv", "", 2)
    assert table.place(3, "SEX") == ("DM_form.csv", "", 3, "SEX → SEX")
    assert table.file == "DM_form.csv + IC.csv + ENR.csv"
    # The date of visit of each form is not used: asked about once each, in its own file.
    assert [seen for rule, _, seen in asked(table) if rule == "P34-COLUMN-UNMAPPED"] == [
        "DM_form.csv: VISDAT", "IC.csv: VISDAT"
    ]  # fmt: skip
    assert set(transfer_manifest(tmp_path / "s", tmp_path / "mapping.yaml")) == {*FORMS, "ex.csv", "ae.csv"}


def test_a_subject_without_a_form_has_blanks_and_a_form_without_a_subject_is_asked_about(tmp_path: Path) -> None:
    changes: dict[str, str | bytes] = {"IC.csv": "Subject,ICDAT\n001,02/01/2025\n903,05/01/2025\n,\n"}
    table = joined(tmp_path, changes).tables["DM"]
    assert values(table, "SUBJID", "RFICDTC") == [["001", "2025-01-02"], ["002", ""]]
    assert ("P34-JOIN-UNMATCHED", "IC.csv", "IC.csv, rows 3: 903") in asked(table)
    assert table.place(3, "RFICDTC")[0] == "DM_form.csv"
    assert "(1 rows of DM_form.csv have none in IC.csv)" in [e.raw for e in table.edits]


def test_two_rows_of_a_form_for_one_row_are_refused_and_named(tmp_path: Path) -> None:
    changes: dict[str, str | bytes] = {
        "IC.csv": "Subject,ICDAT,V\n001,02/01/2025,1\n002,12/01/2025,1\n001,03/01/2025,2\n"
    }
    with pytest.raises(StopError, match=r"\[P34-JOIN\] IC\.csv, row 2 and 4, column Subject: 2 rows belong to one row"):
        joined(tmp_path, changes)
    chosen = JOINED.replace("{file: IC.csv, on: Subject}", "{file: IC.csv, on: Subject, rows: {V: ['1']}}")
    assert values(joined(tmp_path / "t", changes, chosen).tables["DM"], "RFICDTC") == [["2025-01-02"], ["2025-01-12"]]


def test_many_rows_may_have_one_form(tmp_path: Path) -> None:
    domain = """
  LB:
    file: lab.csv
    join: {file: visits.csv, on: [id, visit]}
    columns: {USUBJID: id, LBTESTCD: {constant: ALT}, LBORRES: res, LBDTC: day, VISIT: visit}
"""
    files: dict[str, str | bytes] = {
        "lab.csv": "id,visit,res\niMSC-001,V1,20\niMSC-001,V2,21\niMSC-001,v1,22\niMSC-001,,23\n",
        "visits.csv": "id,visit,day\niMSC-001,V1,2025-01-09\niMSC-001,V2,2025-01-12\niMSC-001,V3,2025-01-19\n",
    }
    table = read(tmp_path / "s", domain, files).tables["LB"]
    assert values(table, "LBORRES", "LBDTC") == [
        ["20", "2025-01-09"], ["21", "2025-01-12"], ["22", "2025-01-09"], ["23", ""]
    ]  # fmt: skip
    assert not [rule for rule, _, _ in asked(table) if rule == "P34-JOIN-UNMATCHED"]


WRONG_JOINS = {
    "a key that the form does not have": ("on: {Subject: SUBJECT}", "on: SUBJ", UsageError, "has no column SUBJ"),
    "keys that no row shares": ("on: {Subject: SUBJECT}", "on: {Subject: COHORT}", UsageError, "no row of DM_form.csv"),
    "a form that is not there": (
        "file: ENR.csv",
        "file: ENROL.csv",
        StopError,
        r"join\[1\].*no file matches ENROL.csv",
    ),
    "an unknown key": ("name: enrolment", "label: enrolment", UsageError, "unknown key label"),
    "no key": ("on: Subject}", "on: []}", UsageError, r"join\[0\].*on"),
}


@pytest.mark.parametrize("case", WRONG_JOINS)
def test_a_wrong_join_names_what_is_wrong(tmp_path: Path, case: str) -> None:
    old, new, kind, message = WRONG_JOINS[case]
    with pytest.raises(TrialbookError, match=message) as error:
        joined(tmp_path, mapping=JOINED.replace(old, new))
    assert isinstance(error.value, kind)


def test_a_form_that_is_optional_may_be_absent(tmp_path: Path) -> None:
    mapping = JOINED.replace("on: {Subject: SUBJECT}", "on: {Subject: SUBJECT}, optional: true")
    mapping = mapping.replace("ENR.csv", "none.csv").replace("ARMCD: COHORT", "ARMCD: {constant: DL1}")
    mapping = mapping.replace("ACTARMCD: enrolment.COHORT", "ACTARMCD: {source: COHORT, optional: true}")
    assert values(joined(tmp_path, mapping=mapping).tables["DM"], "ACTARMCD") == [[""], [""]]


# ----------------------------------------------------------------------------------------------------
# The first of several columns.


COALESCE = """
  AE:
    file: e.csv
    columns:
      USUBJID: id
      AETERM: {coalesce: [coded, verbatim]}
      AESTDTC: {coalesce: [iso, {source: day, dates: DMY}, {source: spare, optional: true}]}
"""


@pytest.mark.parametrize(
    ("row", "term", "start", "questions"),
    [
        ("iMSC-001,Fever,,2025-03-05,05/03/2025", "Fever", "2025-03-05", 0),
        ("iMSC-001,,hot,,05/03/2025", "hot", "2025-03-05", 0),
        ("iMSC-001,Fever,fever,2025-03-05,", "Fever", "2025-03-05", 0),
        ("iMSC-001,Fever,rash,2025-03-05,06/03/2025", "Fever", "2025-03-05", 2),
        ("iMSC-001,,,,", "", "", 0),
    ],
)
def test_the_first_value_of_several_columns_counts_and_a_difference_is_asked(
    tmp_path: Path, row: str, term: str, start: str, questions: int
) -> None:
    files: dict[str, str | bytes] = {"e.csv": f"id,coded,verbatim,iso,day\n{row}\n"}
    table = read(tmp_path / "s", COALESCE, files, plain=NO_AE).tables["AE"]
    assert values(table, "AETERM", "AESTDTC") == [[term, start]]
    assert [rule for rule, _, _ in asked(table)] == ["P34-COLUMNS-DIFFER"] * questions
    assert table.place(2, "AETERM")[3] == "coded+verbatim → AETERM"


# ----------------------------------------------------------------------------------------------------
# How the file is written.


TABLE = "id,res\niMSC-001,1\n"
DIALECTS: dict[str, tuple[str, bytes]] = {
    "a preamble, its rows counted": (
        "skip_rows: 3", b"Dataset Name:\tall\nStudy Event Definition 1\tScreening\tE1\n\nid\tres\niMSC-001\t1\n",
    ),
    "a preamble, until the header": (
        "skip_rows: {until: [id, res]}", b"Dataset Name:\tall\nStudy Event 1\tScreening\tE1\n\nid\tres\niMSC-001\t1\n",
    ),
    "a preamble that nobody mentions": ("header_rows: 1", b"Data as of\t2025\tx\n\nid\tres\niMSC-001\t1\n"),
    "a delimiter by its name": ("delimiter: bar", b"id|res\niMSC-001|1\n"),
    "a delimiter by its sign": ("delimiter: '~'", b"id~res\niMSC-001~1\n"),
    "sep= and titles": ("skip_rows: res", b"sep=;\nList;;;\nid;res\niMSC-001;1\n"),
    "an encoding": ("encoding: cp1252", TABLE.encode("cp1252")),
    "UTF-16 without a mark": ("encoding: utf-16-le", TABLE.encode("utf-16-le")),
}  # fmt: skip


@pytest.mark.parametrize("case", DIALECTS)
def test_a_dialect_is_read_as_the_mapping_file_says(tmp_path: Path, case: str) -> None:
    key, content = DIALECTS[case]
    domain = f"""
  LB: {{file: lab.*, {key}, columns: {{USUBJID: id, LBTESTCD: {{constant: A}}, LBORRES: res, LBDTC: {{constant: x}}}}}}
"""
    name = "lab.tsv" if b"\t" in content else "lab.csv"
    table = read(tmp_path / "s", domain, {name: content}).tables["LB"]
    assert values(table, "USUBJID", "LBORRES") == [["iMSC-001", "1"]]
    lines = content.decode("utf-16-le" if case.startswith("UTF-16") else "cp1252").splitlines()
    assert table.place(2, "LBORRES")[2] == len(lines)


def test_western_letters_are_read_in_the_encoding_that_is_given(tmp_path: Path) -> None:
    domain = "  CM: {file: cm.csv, encoding: cp1252, columns: {USUBJID: id, CMTRT: drug}}\n"
    files: dict[str, str | bytes] = {"cm.csv": "id,drug\niMSC-001,Prednisolon für Übelkeit 5 µg\n".encode("cp1252")}
    assert values(read(tmp_path / "s", domain, files).tables["CM"], "CMTRT") == [["Prednisolon für Übelkeit 5 µg"]]
    with pytest.raises(StopError, match=r"cm\.csv, row 2: the text is not in the encoding utf-8"):
        read(tmp_path / "t", domain.replace("cp1252", "utf-8"), files)


WRONG_KEYS = {
    "an encoding that is none": ("encoding: utf-9", "no such encoding"),
    "an encoding of bytes": ("encoding: base64", "no such encoding"),
    "a delimiter of two signs": ("delimiter: '::'", "a delimiter is one sign"),
    "a decimal sign that is none": ("decimal: ';'", "decimal"),
    "a negative number of rows": ("skip_rows: -1", "skip_rows"),
    "a header that is not there": ("skip_rows: {until: [nr]}", "has no column nr"),
}


@pytest.mark.parametrize("case", WRONG_KEYS)
def test_a_wrong_dialect_names_its_key(tmp_path: Path, case: str) -> None:
    key, message = WRONG_KEYS[case]
    domain = f"  CM: {{file: cm.csv, {key}, columns: {{USUBJID: id, CMTRT: drug}}}}\n"
    with pytest.raises(UsageError, match=message):
        read(tmp_path / "s", domain, {"cm.csv": "id,drug\niMSC-001,A\n"})


def test_unused_columns_may_be_named_by_patterns_for_one_file_and_for_all(tmp_path: Path) -> None:
    domain = '  CM: {file: cm.csv, unused: ["*_RAW", nothing*], columns: {USUBJID: id, CMTRT: drug}}\n'
    content = "id,drug,drug_raw,DOSE_RAW,projectid,project,new\niMSC-001,A,a,b,1,2,3\n"
    table = read(tmp_path / "s", domain, {"cm.csv": content}, 'unused: ["project*", SUBJID, "[A-Z]*"]').tables["CM"]
    # A pattern is compared without regard to capital letters: the last one names every column.
    assert asked(table) == []
    table = read(tmp_path / "t", domain, {"cm.csv": content}, 'unused: ["project*"]').tables["CM"]
    assert asked(table) == [("P34-COLUMN-UNMAPPED", "new", "cm.csv: new")]
