"""Records of another study, relations at the level of datasets, comments, and domains that were not delivered."""

from __future__ import annotations

from pathlib import Path

import pytest

from support import raw_export as raw
from support.snapshot_writers import FORMATS, frames, write_as
from trialbook.cleaning import Cleaned, apply_cut, clean_snapshot, compare_cuts, consistency_queries
from trialbook.core.errors import StopError
from trialbook.protocol.load import load_protocol
from trialbook.queries.query_list import query_list
from trialbook.snapshot import read_snapshot

STUDY = "iMSC-2001"
EVENTS = [{"STUDYID": STUDY, **raw.AE, "AESEQ": str(k), "AETERM": f"Event {k}"} for k in range(1, 6)]


def cleaned(folder: Path) -> Cleaned:
    trial = raw.trial_of(folder)
    return clean_snapshot(read_snapshot(trial), trial)


def asked(found: Cleaned) -> list[tuple[str, str, str, str]]:
    return [
        (q["rule"], q["severity"], q["domain"], q["record"]) for q in found.queries if q["rule"] != "P34-DOMAIN-MISSING"
    ]


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_few_records_of_another_study_are_left_out_logged_and_asked_about(tmp_path: Path, suffix: str) -> None:
    events = [{**row, "STUDYID": "NCT00000000"} if row["AESEQ"] == "2" else row for row in EVENTS]
    write_as(tmp_path / "s", frames(AE=events), suffix)
    found = cleaned(tmp_path / "s")
    assert found.domains["AE"]["AESEQ"].tolist() == [1, 3, 4, 5]
    assert asked(found) == [("P34-OTHER-STUDY", "major", "AE", "row 3")]
    log = found.changes[found.changes["rule"].eq("P34-OTHER-STUDY")].iloc[0]
    assert (log["file"], log["row"], log["raw"], log["new"]) == (f"ae.{suffix}", 3, "(record)", "")


@pytest.mark.parametrize("spelling", [STUDY, "IMSC-2001", "imsc 2001", "iMSC2001", "NCT06321198", "nct06321198", ""])
def test_another_spelling_or_another_id_of_the_study_is_no_other_study(tmp_path: Path, spelling: str) -> None:
    events = [{**row, "STUDYID": spelling} for row in EVENTS]
    found = cleaned(raw.export(tmp_path / "s", ae=events))
    assert len(found.domains["AE"]) == len(EVENTS)
    assert asked(found) == []


def test_a_study_that_the_protocol_file_does_not_name_is_that_of_dm(tmp_path: Path) -> None:
    own = [{**row, "STUDYID": "HOSPITAL-7"} for row in EVENTS]
    dm = raw.rows(raw.DM, {"STUDYID": "Hospital 7"})
    assert len(cleaned(raw.export(tmp_path / "own", dm=dm, ae=own)).domains["AE"]) == len(EVENTS)
    with pytest.raises(StopError, match=r"5 of 5 records of AE are of another study than the snapshot \(Hospital 7\)"):
        cleaned(raw.export(tmp_path / "other", dm=dm, ae=EVENTS))


def test_half_of_a_domain_of_another_study_stops(tmp_path: Path) -> None:
    """Public case k11, and less of it."""
    events = [{**row, "STUDYID": "X1"} if int(row["AESEQ"]) > 2 else row for row in EVENTS]
    with pytest.raises(StopError) as caught:
        cleaned(raw.export(tmp_path / "s", ae=events))
    assert caught.value.describe() == (
        "[P34-OTHER-STUDY] ae.csv, row 4, column STUDYID, value 'X1': 3 of 5 records of AE are of another study than "
        "the snapshot (iMSC-2001). Next: deliver the file of this study, or correct STUDYID at the source."
    )


def test_a_subject_of_another_study_stops(tmp_path: Path) -> None:
    dm = raw.rows(raw.DM, {}, {"USUBJID": "iMSC-002", "SUBJID": "002"}, {"USUBJID": "X-1", "STUDYID": "X1"})
    with pytest.raises(StopError, match=r"dm\.csv, row 4, column STUDYID, value 'X1': a subject of DM is of another"):
        cleaned(raw.export(tmp_path / "s", dm=dm))


def test_a_domain_that_is_not_analysed_does_not_stop(tmp_path: Path) -> None:
    found = cleaned(
        raw.export(tmp_path / "s", co=[{"STUDYID": "X1", "USUBJID": "iMSC-001", "COSEQ": "1", "COVAL": "a"}])
    )
    assert len(found.domains["CO"]) == 0
    assert asked(found) == [("P34-OTHER-STUDY", "major", "CO", "row 2")]


def test_a_record_of_another_study_names_its_place_in_a_part(tmp_path: Path) -> None:
    parts = {"aea": EVENTS[:3], "aeb": [{**EVENTS[3], "STUDYID": "X1"}, EVENTS[4]]}
    parts = {name: [{"DOMAIN": "AE", **row} for row in rows] for name, rows in parts.items()}
    folder = raw.export(tmp_path / "s", **parts)
    (folder / "ae.csv").unlink()
    assert asked(cleaned(folder)) == [("P34-OTHER-STUDY", "major", "AE", "aeb.csv row 2")]


RELREC = [
    dict(STUDYID=STUDY, RDOMAIN="AE", USUBJID="", IDVAR="AESPID", IDVARVAL="", RELTYPE="ONE", RELID="R1"),
    dict(STUDYID=STUDY, RDOMAIN="CM", USUBJID="", IDVAR="CMGRPID", IDVARVAL="", RELTYPE="MANY", RELID="R1"),
]


@pytest.mark.parametrize("suffix", FORMATS)
def test_relations_of_datasets_are_kept_without_a_question(tmp_path: Path, suffix: str) -> None:
    """Public case k13."""
    of_records = dict(RELREC[0], USUBJID="iMSC-001", IDVAR="AESEQ", IDVARVAL="1", RELTYPE="")
    write_as(tmp_path / "s", frames(RELREC=[*RELREC, of_records]), suffix)
    found = cleaned(tmp_path / "s")
    assert len(found.domains["RELREC"]) == 3
    assert asked(found) == []
    kept = apply_cut(found.domains, raw.trial_of(tmp_path / "s").cut_date).domains
    assert len(kept["RELREC"]) == 3
    differences = compare_cuts(dict(kept), kept)
    assert (len(differences.added), len(differences.deleted), len(differences.changed)) == (0, 0, 0)


def test_a_relation_of_a_record_without_its_subject_is_asked_about(tmp_path: Path) -> None:
    lost = dict(RELREC[0], IDVARVAL="E1")
    assert asked(cleaned(raw.export(tmp_path / "s", relrec=[*RELREC, lost]))) == [
        ("P34-NO-SUBJECT", "major", "RELREC", "row 4")
    ]


def test_comments_accountability_and_other_qualifiers_are_read_and_not_asked_about(tmp_path: Path) -> None:
    co = [
        dict(
            DOMAIN="CO", RDOMAIN="AE", USUBJID="iMSC-001", COSEQ="1", IDVAR="AESPID", IDVARVAL="E1", COVAL="see chart"
        ),
        dict(DOMAIN="CO", RDOMAIN="AE", USUBJID="iMSC-001", COSEQ="2", IDVAR="AESEQ", IDVARVAL="99", COVAL="late"),
        dict(DOMAIN="CO", RDOMAIN="DM", USUBJID="", COSEQ="1", IDVAR="", IDVARVAL="", COVAL="entered twice"),
    ]
    da = [dict(DOMAIN="DA", USUBJID="iMSC-001", DASEQ="1", DATESTCD="DISPAMT", DAORRES="1", DADTC="2025-01-10")]
    supp = [dict(RDOMAIN="XX", USUBJID="iMSC-001", IDVAR="XXSEQ", IDVARVAL="1", QNAM="A", QVAL="B")]
    bare = [dict(USUBJID="iMSC-001", QNAM="A", QVAL="B")]
    folder = raw.export(tmp_path / "s", co=co, da=da, suppxx=supp, supplb=bare)
    trial = raw.trial_of(folder)
    found = cleaned(folder)
    assert asked(found) == []
    cut = apply_cut(found.domains, trial.cut_date)
    assert [len(cut.domains[code]) for code in ("CO", "DA", "SUPPXX", "SUPPLB")] == [3, 1, 1, 1]
    assert consistency_queries(cut.domains, trial.analysis) == []


@pytest.mark.parametrize(
    ("name", "variable", "value", "severity", "reason"),
    [
        ("AEDLT", "AESPID", "E9", "major", "no record has this value"),
        ("AEKNOWDT", "AEREFID", "1", "major", "the parent domain has no such variable"),
        ("AEDLT", "AESEQ", "", "major", "the value that names the parent is missing"),
        ("AETRTEM", "AESEQ", "9", "minor", "no record has this value"),
    ],
)  # fmt: skip
def test_an_answer_that_cannot_be_joined_is_asked_about(
    tmp_path: Path, name: str, variable: str, value: str, severity: str, reason: str
) -> None:
    supp = [dict(RDOMAIN="AE", USUBJID="iMSC-001", IDVAR=variable, IDVARVAL=value, QNAM=name, QVAL="Y")]
    folder = raw.export(tmp_path / "s", suppae=supp)
    trial = raw.trial_of(folder)
    cut = apply_cut(cleaned(folder).domains, trial.cut_date)
    found = [(q["rule"], q["severity"], q["observed"]) for q in consistency_queries(cut.domains, trial.analysis)]
    assert found == [("P34-SUPP-UNJOINED", severity, reason)]


def test_a_duplicate_that_a_qualifier_singles_out_by_its_id_stays(tmp_path: Path) -> None:
    events = raw.rows(raw.AE, {}, {"AESEQ": "2", "AESPID": "E2"}, {"AESEQ": "3", "AESPID": "E3"})
    supp = [dict(RDOMAIN="AE", USUBJID="iMSC-001", IDVAR="AESPID", IDVARVAL="E3", QNAM="AEDLT", QVAL="Y")]
    assert cleaned(raw.export(tmp_path / "s", ae=events, suppae=supp)).domains["AE"]["AESPID"].tolist() == ["E1", "E3"]


def test_a_domain_that_was_not_delivered_is_one_line_that_says_what_depends_on_it(tmp_path: Path) -> None:
    found = cleaned(raw.export(tmp_path / "s", lb=raw.rows(raw.LB)))
    lines = query_list(found.queries, "2025-06-30").set_index("domain")
    assert sorted(lines.index) == ["CM", "DS", "IE", "MH", "RS", "VS"]
    assert set(lines["rule"]) == {"P34-DOMAIN-MISSING"}
    assert lines["severity"].to_dict() == {
        "CM": "major", "DS": "major", "RS": "major", "IE": "minor", "MH": "minor", "VS": "minor",
    }  # fmt: skip
    assert lines.at["CM", "message_en"] == (
        "CM (medication) was not delivered. Not evaluable without it: response at day 28 (new therapy cannot be ruled "
        "out); failure-free survival; who began another trial's drug; criteria on steroids and prior therapy."
    )
    assert "缺少该数据域时不可评价：" in lines.at["CM", "message_zh"]


def test_a_trial_is_asked_only_for_the_domains_of_its_endpoints(tmp_path: Path, root: Path) -> None:
    pilot = root / "params" / "pilot" / "protocol.yaml"
    assert load_protocol(pilot).study.endpoints == ["TEAE"]
    trial = raw.trial_of(raw.export(tmp_path / "s"), protocol=str(pilot))
    found = clean_snapshot(read_snapshot(trial), trial)
    missing = [q["domain"] for q in found.queries if q["rule"] == "P34-DOMAIN-MISSING"]
    assert missing == ["LB"]
