"""A whole export is cleaned: every change in the log, every doubt a question, and the STOP rules stop."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from support import raw_export as raw
from trialbook.cleaning import Cleaned, clean_snapshot
from trialbook.cleaning.clean import missing_domain_queries
from trialbook.core.domains import Domains
from trialbook.core.errors import StopError
from trialbook.protocol.load import find_cut_file, load_trial, project_root
from trialbook.snapshot import read_snapshot


def clean(folder: Path, cut_date: str = "2025-06-30") -> Cleaned:
    trial = raw.trial_of(folder, cut_date)
    return clean_snapshot(read_snapshot(trial), trial)


def logged(cleaned: Cleaned) -> list[tuple[object, ...]]:
    return list(cleaned.changes[["file", "row", "column", "raw", "new", "rule"]].itertuples(index=False, name=None))


def asked(cleaned: Cleaned) -> list[tuple[str, str, str]]:
    known = [q for q in cleaned.queries if q["rule"] != "P34-DOMAIN-MISSING"]
    return [(q["rule"], q["record"], q["observed"]) for q in known]


def test_a_clean_export_changes_nothing_and_asks_only_for_what_was_not_delivered(tmp_path: Path) -> None:
    cleaned = clean(raw.export(tmp_path / "s", lb=raw.rows(raw.LB)))
    assert cleaned.changes.empty
    assert [q["domain"] for q in cleaned.queries] == ["DS", "IE", "VS", "RS", "CM", "MH"]
    assert {q["rule"] for q in cleaned.queries} == {"P34-DOMAIN-MISSING"}


def test_assessments_are_not_asked_for_where_no_criterion_and_no_endpoint_is_read_from_them() -> None:
    protocol = load_trial(find_cut_file("2025-03-31", project_root()), project_root()).protocol
    study = protocol.study.model_copy(update={"endpoints": ["ELIGIBILITY", "TEAE", "DLT", "OS"]})
    of_age = [criterion for criterion in protocol.criteria if criterion.check in ("age_range", "organ_function")]
    other = protocol.model_copy(update={"study": study, "criteria": of_age})
    whole = protocol.model_copy(update={"study": study})
    asked_of = lambda trial: {q["domain"] for q in missing_domain_queries(Domains({}), trial)}  # noqa: E731
    assert asked_of(whole) - asked_of(other) == {"RS"}
    younger = other.model_copy(update={"criteria": of_age[:1]})
    assert "LB" in asked_of(younger), "the laboratory tables need it"


def test_clean_domains_have_their_types_and_their_source_row(tmp_path: Path) -> None:
    lb = raw.rows(raw.LB, {}, {"LBSEQ": "2", "LBORRES": "<5", "LBDTC": "2025-01-20"})
    frame = clean(raw.export(tmp_path / "s", lb=lb)).domains["LB"]
    assert str(frame["LBSEQ"].dtype) == str(frame["SRCROW"].dtype) == "Int64"
    assert frame["LBORNRHI"].dtype == frame["LBORRESN"].dtype == "float64"
    assert str(frame["LBORRES"].dtype) == "str"
    assert frame["SRCROW"].tolist() == [2, 3]
    assert frame["LBORRESN"].tolist() == [20, 5]
    assert frame["LBORRESOP"].tolist() == ["", "<"]


def test_a_domain_with_only_a_header_was_delivered_and_one_without_a_file_was_not(tmp_path: Path) -> None:
    domains = clean(raw.export(tmp_path / "s", ae=[])).domains
    assert domains.delivered("AE")
    assert len(domains["AE"]) == 0
    assert not domains.delivered("LB")


def test_every_fix_is_one_row_of_the_change_log(tmp_path: Path) -> None:
    ae = raw.rows(raw.AE, {"AETOXGR": "II", "AESER": "否", "AESTDTC": "2025/1/12", "AEOUT": "痊愈 "})
    cleaned = clean(raw.export(tmp_path / "s", ae=ae))
    assert logged(cleaned) == [
        ("ae.csv", 2, "AEOUT", "痊愈 ", "痊愈", "P02-CHARACTERS"),
        ("ae.csv", 2, "AETOXGR", "II", "2", "P21-GRADE"),
        ("ae.csv", 2, "AESER", "否", "N", "P38-YES-NO"),
        ("ae.csv", 2, "AEOUT", "痊愈", "RECOVERED/RESOLVED", "P34-CODE"),
        ("ae.csv", 2, "AESTDTC", "2025/1/12", "2025-01-12", "P04-DATE-FORMAT"),
    ]
    assert asked(cleaned) == []


def test_a_blank_is_missing_and_never_no(tmp_path: Path) -> None:
    ae = raw.rows(raw.AE, {"AESER": "", "AESDTH": " ", "AETOXGR": ""})
    row = clean(raw.export(tmp_path / "s", ae=ae)).domains["AE"].iloc[0]
    assert row[["AESER", "AESDTH", "AETOXGR"]].isna().all()


def test_an_ambiguous_date_is_missing_logged_and_asked(tmp_path: Path) -> None:
    cleaned = clean(raw.export(tmp_path / "s", ae=raw.rows(raw.AE, {"AESTDTC": "03/05/24"})))
    assert cleaned.domains["AE"]["AESTDTC"].isna().all()
    assert logged(cleaned) == [("ae.csv", 2, "AESTDTC", "03/05/24", "", "P04-DATE-AMBIGUOUS")]
    assert asked(cleaned) == [("P04-DATE-AMBIGUOUS", "AESEQ=1", "03/05/24")]


def test_words_where_a_date_belongs_are_not_repeated_in_the_question(tmp_path: Path) -> None:
    cleaned = clean(raw.export(tmp_path / "s", ae=raw.rows(raw.AE, {"AEENDTC": "ask Dr Wang Xiaoming"})))
    assert asked(cleaned) == [("P04-DATE-UNREADABLE", "AESEQ=1", "(text of 20 characters)")]


def test_an_encoding_other_than_utf8_and_a_label_row_are_logged(tmp_path: Path) -> None:
    folder = raw.export(tmp_path / "s")
    raw.write_csv(folder / "ae.csv", raw.rows(raw.AE, {"AETERM": "发热"}), encoding="gb18030")
    text = (folder / "ex.csv").read_text().splitlines()
    labels = ",".join(f"标签{k}" for k in range(len(raw.EX)))
    (folder / "ex.csv").write_text("\n".join([labels, *text]), encoding="utf-8")
    cleaned = clean(folder)
    assert logged(cleaned) == [
        ("ex.csv", 1, "", "(label row)", "", "P03-LABEL-ROW"),
        ("ae.csv", 0, "", "gb18030", "utf-8", "P01-ENCODING"),
    ]
    assert cleaned.domains["EX"]["SRCROW"].tolist() == [3]


def test_a_unit_beside_the_value_moves_to_its_own_field_and_a_conflict_is_asked(tmp_path: Path) -> None:
    lb = raw.rows(
        raw.LB,
        {"LBTESTCD": "HGB", "LBORRES": "123 g/L", "LBORRESU": ""},
        {"LBSEQ": "2", "LBTESTCD": "HGB", "LBORRES": "12.3 g/dL", "LBORRESU": "g/L"},
        {"LBSEQ": "3", "LBTESTCD": "PLAT", "LBORRES": "<20×10⁹/L", "LBORRESU": "10*9/L"},
    )
    cleaned = clean(raw.export(tmp_path / "s", lb=lb))
    frame = cleaned.domains["LB"]
    assert frame["LBORRES"].tolist() == ["123", "12.3 g/dL", "<20"]
    assert frame["LBORRESU"].tolist() == ["g/L", "g/L", "10^9/L"]
    assert frame["LBORRESN"].isna().tolist() == [False, True, False]
    assert asked(cleaned) == [("P40-UNIT-CONFLICT", "LBSEQ=2", "12.3 g/dL")]


@pytest.mark.parametrize(
    ("result", "unit", "clean", "rules"),
    [
        ("68,5kg", "", ["68.5", 68.5, "kg"], set()), ("68,5kg", "kg", ["68.5", 68.5, "kg"], set()),
        ("≥ 68,5 kg", "kg", [">68.5", 68.5, "kg"], set()),
        ("1,234kg", "", ["1234", 1234.0, "kg"], {"P40-COMMA-UNSURE"}),
        ("68,5kg", "cm", ["68,5kg", None, "cm"], {"P40-UNIT-CONFLICT"}),
    ],
)  # fmt: skip
def test_a_decimal_comma_and_a_unit_in_one_result_are_both_read(
    tmp_path: Path, result: str, unit: str, clean: list[object], rules: set[str]
) -> None:
    vs = [dict(USUBJID="iMSC-001", VSSEQ="1", VSTESTCD="WEIGHT", VSORRES=result, VSORRESU=unit, VSDTC="2025-01-09")]
    trial = raw.trial_of(raw.export(tmp_path / "s", vs=vs))
    cleaned = clean_snapshot(read_snapshot(trial), trial)
    row = cleaned.domains["VS"][["VSORRES", "VSORRESN", "VSORRESU"]].iloc[0]
    assert [None if pd.isna(value) else value for value in row] == clean
    assert {q["rule"] for q in cleaned.queries if q["field"] == "VSORRES"} == rules


def test_doses_weights_and_stool_in_another_known_unit_are_converted_and_logged(tmp_path: Path) -> None:
    ex = raw.rows(
        raw.EX, {"EXDOSE": "2×10^6", "EXDOSU": "cells/kg"}, {"EXSEQ": "2", "EXDOSE": "120000000", "EXDOSU": "个"}
    )
    vs = [dict(USUBJID="iMSC-001", VSSEQ="1", VSTESTCD="WEIGHT", VSORRES="121", VSORRESU="斤", VSDTC="2025-01-09")]
    fa = [dict(USUBJID="iMSC-001", FASEQ="1", FATESTCD="STOOLVOL", FAORRES="1.5", FAORRESU="L/d", FADTC="2025-01-09")]
    domains = clean(raw.export(tmp_path / "s", ex=ex, vs=vs, fa=fa)).domains
    assert domains["EX"]["EXDOSE"].tolist() == [2, 120]
    assert domains["EX"]["EXDOSU"].tolist() == ["10^6 cells/kg", "10^6 cells"]
    assert domains["VS"][["VSORRES", "VSORRESU"]].iloc[0].tolist() == ["60.5", "kg"]
    assert domains["FA"][["FAORRESN", "FAORRESU"]].iloc[0].tolist() == [1500, "mL/day"]


def test_a_repeated_event_is_left_out_unless_something_is_said_about_it(tmp_path: Path) -> None:
    ae = raw.rows(raw.AE, {}, {"AESEQ": "2"}, {"AESEQ": "3", "AETOXGR": "2"}, {"AESEQ": "4"})
    supp = [dict(RDOMAIN="AE", USUBJID="iMSC-001", IDVAR="AESEQ", IDVARVAL="4", QNAM="AEDLT", QVAL="是")]
    cleaned = clean(raw.export(tmp_path / "s", ae=ae, suppae=supp))
    assert cleaned.domains["AE"]["AESEQ"].tolist() == [1, 3, 4]
    assert ("ae.csv", 3, "", "(record)", "", "P16-DUPLICATE") in logged(cleaned)
    assert cleaned.domains["SUPPAE"]["QVAL"].tolist() == ["Y"]


def test_the_day_on_which_the_site_knew_is_read_as_a_date(tmp_path: Path) -> None:
    ae = raw.rows(raw.AE, {}, {"AESEQ": "2", "AETERM": "Rash"}, {"AESEQ": "3", "AETERM": "Cough"})
    given = ("2025年2月3日", "2025-02-UN", "soon")
    supp = [
        dict(RDOMAIN="AE", USUBJID="iMSC-001", IDVAR="AESEQ", IDVARVAL=str(k), QNAM="AEKNOWDT", QVAL=text)
        for k, text in enumerate(given, start=1)
    ]
    cleaned = clean(raw.export(tmp_path / "s", ae=ae, suppae=supp))
    assert cleaned.domains["SUPPAE"]["QVAL"].fillna("").tolist() == ["2025-02-03", "2025-02", ""]
    assert ("suppae.csv", 2, "QVAL", "2025年2月3日", "2025-02-03", "P04-DATE-FORMAT") in logged(cleaned)
    assert [rule for rule, *_ in asked(cleaned) if rule.startswith("P04")] == ["P04-DATE-UNREADABLE"]


def test_a_repeated_medication_is_asked_not_dropped(tmp_path: Path) -> None:
    cm = [dict(USUBJID="iMSC-001", CMSEQ=str(k), CMTRT="Ciclosporin", CMSTDTC="2025-01-01") for k in (1, 2)]
    cleaned = clean(raw.export(tmp_path / "s", cm=cm))
    assert len(cleaned.domains["CM"]) == 2
    assert asked(cleaned) == [("P24-REPEATED-RECORD", "CMSEQ=2", "")]


def test_leading_zeros_that_a_spreadsheet_dropped_come_back(tmp_path: Path) -> None:
    cleaned = clean(raw.export(tmp_path / "s", ae=raw.rows(raw.AE, {"USUBJID": "iMSC-1"})))
    assert cleaned.domains["AE"]["USUBJID"].tolist() == ["iMSC-001"]
    assert logged(cleaned) == [("ae.csv", 2, "USUBJID", "iMSC-1", "iMSC-001", "P09-LEADING-ZEROS")]


def test_a_record_of_a_subject_who_is_not_in_dm_stops(tmp_path: Path) -> None:
    ae = raw.rows(raw.AE, {}, {"USUBJID": "iMSC-999", "AESEQ": "2"})
    with pytest.raises(StopError, match=r"P09.*ae\.csv, row 3, column USUBJID"):
        clean(raw.export(tmp_path / "s", ae=ae))


def test_a_record_without_a_subject_is_left_out_and_asked(tmp_path: Path) -> None:
    cleaned = clean(raw.export(tmp_path / "s", ae=raw.rows(raw.AE, {}, {"USUBJID": "", "AESEQ": "2"})))
    assert len(cleaned.domains["AE"]) == 1
    assert asked(cleaned) == [("P34-NO-SUBJECT", "row 3", "")]


def test_two_records_with_one_number_are_asked(tmp_path: Path) -> None:
    cleaned = clean(raw.export(tmp_path / "s", ae=raw.rows(raw.AE, {}, {"AETERM": "Chills", "AEDECOD": "Chills"})))
    assert asked(cleaned) == [("P34-SEQ-REPEATED", "AESEQ=1", "1")]


def test_personal_data_reach_neither_the_clean_data_nor_the_log_nor_a_question(tmp_path: Path) -> None:
    secret = ("13812345678", "340104198501011234", "王小明")
    ae = raw.rows(raw.AE, {"AETERM": f"发热 请电 {secret[0]}", "AEENDTC": f"见 {secret[1]}", "姓名": secret[2]})
    cleaned = clean(raw.export(tmp_path / "s", ae=ae))
    everything = cleaned.domains["AE"].to_csv() + cleaned.changes.to_csv() + str(cleaned.queries)
    assert not [word for word in secret if word in everything]
    personal = [q for q in cleaned.queries if q["rule"] == "P37-PERSONAL-DATA"]
    assert [(q["field"], q["severity"]) for q in personal] == [
        ("AETERM", "major"),
        ("AEENDTC", "major"),
    ]
    left_out = cleaned.changes[cleaned.changes["rule"].eq("P34-COLUMN-LEFT-OUT")]
    assert left_out["raw"].tolist() == ["(column 姓名)"]


def test_an_undeclared_column_does_not_come_in_and_a_missing_required_one_stops(tmp_path: Path) -> None:
    ae = [{**raw.AE, "AENEW": "x"}]
    cleaned = clean(raw.export(tmp_path / "s", ae=ae))
    assert "AENEW" not in cleaned.domains["AE"]
    assert cleaned.changes[["column", "raw", "rule"]].to_numpy().tolist() == [
        ["", "(column AENEW)", "P34-COLUMN-LEFT-OUT"]
    ]
    del ae[0]["AESTDTC"]
    with pytest.raises(StopError, match=r"P34.*ae\.csv.*column AESTDTC"):
        clean(raw.export(tmp_path / "s", ae=ae))


def test_a_subject_twice_in_dm_stops_and_names_both_rows(tmp_path: Path) -> None:
    dm = raw.rows(raw.DM, {}, {"USUBJID": "iMSC-002", "SUBJID": "002"}, {})
    with pytest.raises(StopError, match=r"P09.*dm\.csv, row 2 and 4, column USUBJID"):
        clean(raw.export(tmp_path / "s", dm=dm))
    alike = raw.rows(raw.DM, {}, {"USUBJID": "iMSC-1"})
    with pytest.raises(StopError, match="leading zeros"):
        clean(raw.export(tmp_path / "alike", dm=alike))


@pytest.mark.parametrize("date", ["", "2025-01", "soon"])
def test_a_treated_subject_without_a_first_infusion_date_stops(tmp_path: Path, date: str) -> None:
    ex = raw.rows(raw.EX, {"EXSTDTC": date}, {"EXSEQ": "2", "EXSTDTC": "2025-01-17"})
    with pytest.raises(StopError, match=r"P11.*ex\.csv, row 2, column EXSTDTC"):
        clean(raw.export(tmp_path / "s", ex=ex))


def test_an_infusion_that_was_not_given_needs_no_date(tmp_path: Path) -> None:
    ex = raw.rows(raw.EX, {"EXDOSE": "0", "EXSTDTC": ""})
    assert len(clean(raw.export(tmp_path / "s", ex=ex)).domains["EX"]) == 1


def test_a_subject_treated_by_arm_without_any_infusion_stops_once_the_trial_has_begun(tmp_path: Path) -> None:
    dm = raw.rows(raw.DM, {}, {"USUBJID": "iMSC-002", "SUBJID": "002"})
    with pytest.raises(StopError, match=r"P11.*dm\.csv, row 3, column ACTARMCD, value 'DL1'"):
        clean(raw.export(tmp_path / "s", dm=dm))
    waiting = raw.rows(raw.DM, {}, {"USUBJID": "iMSC-002", "SUBJID": "002", "ACTARMCD": "NOTTRT"})
    assert len(clean(raw.export(tmp_path / "waiting", dm=waiting)).domains["DM"]) == 2
    assert len(clean(raw.export(tmp_path / "not begun", ex=[])).domains["EX"]) == 0


def test_one_person_treated_under_two_numbers_stops(tmp_path: Path) -> None:
    dm = raw.rows(raw.DM, {}, {"USUBJID": "iMSC-002", "SUBJID": "002", "ACTARMCD": "NOTTRT"})
    supp = [dict(RDOMAIN="DM", USUBJID="iMSC-002", IDVAR="", IDVARVAL="", QNAM="RESCREEN_OF", QVAL="001")]
    both = raw.rows(raw.EX, {}, {"USUBJID": "iMSC-002"})
    assert clean(raw.export(tmp_path / "one", dm=dm, suppdm=supp)).changes.empty
    with pytest.raises(StopError, match="P08-TREATED-TWICE"):
        clean(raw.export(tmp_path / "both", dm=dm, suppdm=supp, ex=both))


def test_the_required_columns_are_those_of_the_raw_contracts(root: Path) -> None:
    """Two places say which columns a trial needs; they must say the same."""
    import yaml

    from trialbook.cleaning.columns import required_columns
    from trialbook.protocol.load import load_protocol

    protocol = load_protocol(raw.PROTOCOL)
    for path in sorted((root / "data_contracts" / "raw").glob("*.yaml")):
        properties = yaml.safe_load(path.read_text(encoding="utf-8"))["schema"][0]["properties"]
        asked_for = {
            p["name"]
            for p in properties
            for custom in p.get("customProperties", [])
            if custom["property"] == "requiredFor"
            and (custom["value"] == "ALL" or any(protocol.has_endpoint(e) for e in custom["value"]))
        }
        ours = required_columns(path.stem.upper(), protocol)
        assert set(ours) == asked_for, path.stem


def test_the_demo_export_is_clean(root: Path) -> None:
    """What is fixed or asked in the demo is what its story says, and nothing else (data/demo/README.md)."""
    from trialbook.protocol.load import load_trial

    found: set[str] = set()
    for cut in ("2025-03-31", "2025-06-30", "2025-09-30"):
        trial = load_trial(root / "params" / "cuts" / f"{cut}.yaml", root)
        cleaned = clean_snapshot(read_snapshot(trial), trial)
        found |= set(cleaned.changes["rule"]) | {q["rule"] for q in cleaned.queries}
    assert found == {"P14-RESULT-WORDS", "P24-REPEATED-RECORD"}
