"""The door of a build: undeclared columns stay outside, personal data are masked, identifiers of persons stop."""

from __future__ import annotations

from pathlib import Path

import pytest

from support import raw_export as raw
from trialbook.core.errors import StopError
from trialbook.snapshot import Snapshot, read_snapshot, reading_lines
from trialbook.snapshot.door import WITHHELD

SECRETS = ("13912773451", "Li Hua", "1963-04-15", "zhang@example.org")
SUPP = {"USUBJID": "iMSC-001", "RDOMAIN": "AE", "IDVAR": "AESEQ", "IDVARVAL": "1", "QNAM": "AEDLT", "QVAL": "N"}


def read(folder: Path) -> Snapshot:
    return read_snapshot(raw.trial_of(folder))


def everything(snapshot: Snapshot) -> str:
    tables = [str((t.frame.to_csv(), t.edits, t.notes, t.file, t.sheet)) for t in snapshot.tables.values()]
    return "\n".join([*tables, *snapshot.ignored, *reading_lines(snapshot)])


def test_undeclared_columns_do_not_come_in_and_are_named_once(tmp_path: Path) -> None:
    dm = [{**raw.DM, "PTNAME": "Li Hua", "DOB": "1963-04-15"}, {**raw.DM, "USUBJID": "iMSC-002", "PTNAME": "Li Hua"}]
    snapshot = read(raw.export(tmp_path / "s", dm=dm))
    assert not {"PTNAME", "DOB"} & set(snapshot.tables["DM"].frame)
    left_out = [edit.raw for edit in snapshot.tables["DM"].edits if edit.rule == "P34-COLUMN-LEFT-OUT"]
    assert left_out == ["(column PTNAME)", "(column DOB)"]
    assert not [secret for secret in SECRETS if secret in everything(snapshot)]
    assert any("PTNAME" in line for line in reading_lines(snapshot))


def test_a_domain_without_a_contract_does_not_come_in(tmp_path: Path) -> None:
    snapshot = read(raw.export(tmp_path / "s", eg=[{"USUBJID": "iMSC-001", "EGORRES": "Li Hua"}]))
    assert "EG" not in snapshot.tables
    assert "eg.csv: the domain EG has no contract" in snapshot.ignored


def test_supplemental_values_come_in_by_their_declared_names(tmp_path: Path) -> None:
    supp = [SUPP, {**SUPP, "QNAM": "PATNAME", "QVAL": "Li Hua"}, {**SUPP, "QNAM": "AEINV", "QVAL": "Li Hua"}]
    table = read(raw.export(tmp_path / "s", suppae=supp)).tables["SUPPAE"]
    assert table.frame["QNAM"].tolist() == ["AEDLT"]
    assert [e.raw for e in table.edits if e.rule == "P34-NAME-LEFT-OUT"] == ["(QNAM AEINV)", "(QNAM PATNAME)"]


def test_personal_data_are_masked_in_coded_and_free_columns_and_asked_about(tmp_path: Path) -> None:
    ae = raw.rows(raw.AE, {"AEOUT": "13912773451"}, {"AESEQ": "2", "AETERM": "Rash, zhang@example.org"})
    snapshot = read(raw.export(tmp_path / "s", ae=ae))
    table = snapshot.tables["AE"]
    assert table.frame["AEOUT"].tolist()[0] == "[redacted]"
    assert table.frame["AETERM"].tolist()[1] == "Rash, [redacted]"
    assert [(n.row, n.column, n.observed) for n in table.notes] == [(3, "AETERM", WITHHELD), (2, "AEOUT", WITHHELD)]
    assert not [secret for secret in SECRETS if secret in everything(snapshot)]


@pytest.mark.parametrize(
    ("domain", "column"),
    [("dm", "SITEID"), ("dm", "SUBJID"), ("dm", "USUBJID"), ("ae", "AESPID"), ("ae", "AESEQ"), ("suppae", "IDVARVAL")],
)
def test_an_identifier_that_is_a_persons_number_stops_without_its_value(
    tmp_path: Path, domain: str, column: str
) -> None:
    base = {"dm": raw.DM, "ae": raw.AE, "suppae": SUPP}[domain]
    folder = raw.export(tmp_path / "s", **{domain: [{**base, column: "13912773451"}]})
    with pytest.raises(StopError, match=rf"P37-IDENTIFIER.*{domain}\.csv, row 2, column {column}") as stopped:
        read(folder)
    assert "139" not in str(stopped.value)


@pytest.mark.parametrize(("domain", "column"), [("dm", "SUBJID"), ("dm", "USUBJID"), ("ae", "USUBJID")])
def test_an_identifier_of_a_subject_that_may_be_a_name_stops_without_its_value(
    tmp_path: Path, domain: str, column: str
) -> None:
    base = {"dm": raw.DM, "ae": raw.AE}[domain]
    folder = raw.export(tmp_path / "s", **{domain: [{**base, column: "S01-王小明"}]})
    with pytest.raises(
        StopError, match=rf"P37-IDENTIFIER.*{domain}\.csv, row 2, column {column}: .*may be a name"
    ) as stopped:
        read(folder)
    assert "王" not in str(stopped.value)


def test_a_site_may_have_a_chinese_name(tmp_path: Path) -> None:
    table = read(raw.export(tmp_path / "s", dm=[{**raw.DM, "SITEID": "安医大一附院"}])).tables["DM"]
    assert table.frame["SITEID"].tolist() == ["安医大一附院"]


def test_a_message_never_holds_what_identifies_whoever_raises_it() -> None:
    number, card = "13912773451", "340111196304152039"
    error = StopError(f"two rows of {number}", file=f"{number}.csv", value=card, column="a@b.org", next_step=number)
    said = "[redacted].csv, column [redacted], value '[redacted]': two rows of [redacted]. Next: [redacted]."
    assert str(error) == said


def test_names_of_files_are_treated_like_text(tmp_path: Path) -> None:
    folder = raw.export(tmp_path / "s")
    (folder / "list of 13912773451.csv").write_text("x", encoding="utf-8")
    assert "list of [redacted].csv" in read(folder).ignored


def test_something_else_with_the_name_of_a_domain_stops(tmp_path: Path) -> None:
    folder = raw.export(tmp_path / "s")
    (folder / "lb.csv").unlink(missing_ok=True)
    (folder / "lb.csv").symlink_to("lb.csv")
    with pytest.raises(StopError, match=r"lb\.csv: this is not a file, but has the name of a domain file"):
        read(folder)
    (folder / "lb.csv").unlink()
    (folder / "LB.xpt").mkdir()
    with pytest.raises(StopError, match=r"LB\.xpt: this is not a file"):
        read(folder)


def test_the_name_of_a_column_is_withheld_whole_where_a_number_stands_in_it(tmp_path: Path) -> None:
    dm = [{**raw.DM, "Li Hua 13912773451": "x"}]
    table = read(raw.export(tmp_path / "s", dm=dm)).tables["DM"]
    assert "(column [redacted])" in [edit.raw for edit in table.edits]


def test_numbers_in_columns_of_results_and_doses_are_no_personal_data(tmp_path: Path) -> None:
    values = ["5.0000000000", "0.0333333333", "13800000000", "<13800000000", "147.058823529412", "6.2E+08"]
    lb = raw.rows(raw.LB, *({"LBSEQ": str(n), "LBORRES": text} for n, text in enumerate(values, 1)))
    table = read(raw.export(tmp_path / "s", lb=lb)).tables["LB"]
    assert table.frame["LBORRES"].tolist() == values
    assert not [note for note in table.notes if note.rule == "P37-PERSONAL-DATA"]


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("110101199003070011", "[redacted]"), ("139 1277 3451", "[redacted]"),
        ("call 13912773451", "call [redacted]"),
    ],
)  # fmt: skip
def test_a_result_that_is_no_plain_number_or_is_a_valid_identity_number_is_masked(
    tmp_path: Path, text: str, left: str
) -> None:
    table = read(raw.export(tmp_path / "s", lb=[{**raw.LB, "LBORRES": text}])).tables["LB"]
    assert table.frame["LBORRES"].tolist() == [left]


@pytest.mark.parametrize(("column", "text"), [("AESPID", "0000000001"), ("AESPID", "0251-2345678")])
def test_ordinary_ids_do_not_stop(tmp_path: Path, column: str, text: str) -> None:
    assert read(raw.export(tmp_path / "s", ae=[{**raw.AE, column: text}])).tables["AE"].frame[column].tolist() == [text]


@pytest.mark.parametrize("text", ["0101-001-0001", "010-123-0001", "NCT06321198-013-001-2025", "2024-013-0001-0012"])
def test_ordinary_subject_ids_do_not_stop(tmp_path: Path, text: str) -> None:
    snapshot = read(raw.export(tmp_path / "s", dm=[{**raw.DM, "USUBJID": text}]))
    assert snapshot.tables["DM"].frame["USUBJID"].tolist() == [text]
