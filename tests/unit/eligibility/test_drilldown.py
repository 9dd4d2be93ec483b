"""What opens behind a cell of the audit: record, date, value, unit, limit, rule, assumption, form, waiver."""

from __future__ import annotations

import pandas as pd
import pytest

from support.eligible_subject import CUT, eligible, form, screened
from support.trial_builder import TrialBuilder, trial
from trialbook.display.charts.eligibility import audit_matrix
from trialbook.display.theme import AUDIT_RESULTS
from trialbook.eligibility import drilldown, tables
from trialbook.eligibility.adie import audit_with_evidence
from trialbook.eligibility.audit_results import RESULTS
from trialbook.eligibility.queries import eligibility_queries
from trialbook.protocol.study_data import StudyData
from trialbook.subjects.adsl import derive_subjects


class Opened:
    """The audit of a small trial, its matrix, and what opens behind each cell."""

    def __init__(self, book: TrialBuilder, protocol, analysis) -> None:
        domains = book.domains()
        self.core = derive_subjects(StudyData(domains, protocol, analysis, CUT))
        found = audit_with_evidence(self.core, StudyData(domains, protocol, analysis, CUT))
        self.adie, self.protocol = found.adie, protocol
        self.evidence = found.evidence
        self.lines = drilldown.evidence_lines(found.evidence.all())
        self.cells = tables.matrix(found.adie, self.core, protocol, 40)
        self.behind = drilldown.behind_cells(found.adie, found.evidence.all(), self.core, protocol, self.cells)

    def cell(self, row: int, column: str) -> tuple[str, str, pd.DataFrame]:
        title, notes, positions = self.behind[row, column]
        return title, "\n".join(notes), self.lines.iloc[positions]


def conflict() -> TrialBuilder:
    """ALT of 92 U/L two days before with an upper limit of 40, 90 five days before, the form says eligible."""
    book = screened(without=("ALT",)).lab("ALT", 90, -5, high=40.0).lab("ALT", 92, -2, high=40.0)
    return form(book).infused(0)


@pytest.fixture(scope="module")
def conflicting(protocol, analysis) -> Opened:
    """The audit of this subject, opened once."""
    return Opened(conflict(), protocol, analysis)


def test_behind_a_cell_stand_record_date_value_unit_limit_rule_and_assumption(conflicting) -> None:
    title, notes, lines = conflicting.cell(0, "EX04A")
    assert title == "S01, EX04A: CONFLICT"
    deciding = lines.iloc[0]
    assert deciding[["ROLE", "DATE", "WHAT", "VALUE", "LIMIT", "SAYS"]].tolist() == [
        "decides", "2025-01-08", "ALT", "92 U/L", 40, "FAIL",
    ]  # fmt: skip
    assert deciding["RECORD"].startswith("LB ")
    assert "Compared: 2.3 x ULN with the limit 2." in notes
    assert "Form: no; by data alone: FAIL." in notes
    assert "Rule: [ALT] Alanine transaminase" in notes
    assert "Read as: The mixed punctuation is read as a plain OR (A-22)." in notes
    assert "A-12" in notes or "A-10 to A-14" in notes


def test_what_else_stood_in_the_window_and_the_form_are_there_too(conflicting) -> None:
    lines = conflicting.cell(0, "EX04A")[2]
    assert [value for value, role in zip(lines["VALUE"], lines["ROLE"], strict=True) if "window" in role] == ["90 U/L"]
    assert lines[lines["ROLE"].eq("form")]["VALUE"].tolist() == ["N"]


def test_a_decision_on_several_records_shows_them_all(protocol, analysis) -> None:
    """HIV and TP antibodies decide EX12 together; creatinine, weight and height EX04C; organ stages IN05."""
    opened = Opened(eligible(), protocol, analysis)
    assert {"HIVAB", "TPAB"} <= set(opened.cell(0, "EX12")[2]["WHAT"])
    assert {"CREAT", "WEIGHT"} <= set(opened.cell(0, "EX04C")[2]["WHAT"])
    assert {"SKINSTG", "LIVERSTG", "UGISTG", "LGISTG"} <= set(opened.cell(0, "IN05")[2]["WHAT"])
    assert "Methylprednisolone" in set(opened.cell(0, "IN03")[2]["WHAT"])


def test_a_waiver_opens_to_its_record(protocol, analysis) -> None:
    book = form(screened(), EX08="Y").infused(0)
    book.add("DV", DVTERM="Waiver of EX08", DVDECOD="EX08", DVCAT="WAIVER", DVSTDTC="2025-01-09")
    title, _, lines = Opened(book, protocol, analysis).cell(0, "EX08")
    assert title == "S01, EX08: WAIVED"
    assert "waiver" in set(lines["ROLE"])
    assert any(record.startswith("DV") for record in lines["RECORD"])


def test_every_cell_of_every_subject_opens_and_says_why(protocol, analysis) -> None:
    book = conflict()
    form(screened(book, "S02", level="SCRNFAIL", without=("ALT",)))
    opened = Opened(book, protocol, analysis)
    assert set(opened.behind) == {(row, name) for row in (0, 1) for name in protocol.audit_columns}
    assert all(notes[0].strip(". ") for _, notes, _ in opened.behind.values())


def test_two_subjects_with_one_number_keep_their_own_evidence(protocol, analysis) -> None:
    book = conflict()
    form(screened(book, "S02")).infused(0)
    book._records["DM"][-1]["SUBJID"] = "S01"
    opened = Opened(book, protocol, analysis)
    table = tables.matrix_table(opened.cells)
    assert table["subject"].tolist() == ["S01", "S01"]
    assert table["EX04A"].tolist() == ["CONFLICT", "PASS"]
    assert opened.cell(1, "EX04A")[2].iloc[0]["VALUE"] == "30 U/L"


def test_a_row_of_the_findings_opens_to_the_same_evidence_and_names_its_query(conflicting, protocol) -> None:
    opened = conflicting
    asked = eligibility_queries(opened.adie, opened.core)
    rows = tables.with_queries(tables.to_look_at(opened.adie, opened.core), asked)
    assert rows["CRITCD"].tolist() == ["EX04A"]
    assert rows["QUERY"].iloc[0].startswith("P33-IE-CONFLICT: the answer on the eligibility form contradicts")
    told = drilldown.behind_rows(opened.adie, opened.evidence.all(), opened.core, protocol, rows)
    assert told[0, "RESULT"] == opened.behind[0, "EX04A"]


def test_letters_and_shades_exist_for_every_code_and_differ(protocol, analysis) -> None:
    """A letter and a lightness of its own for each code: the matrix is read without colour."""
    assert set(tables.LETTERS) == set(AUDIT_RESULTS) == set(RESULTS) == set(tables.MEANINGS)
    assert len(set(tables.LETTERS.values())) == len(RESULTS)
    table = tables.in_letters(tables.matrix_table(Opened(conflict(), protocol, analysis).cells))
    assert table.loc[0, ["IN01", "EX04A", "EX03"]].tolist() == ["P", "C", "p"]


def luminance(colour: str) -> float:
    parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_every_letter_can_be_read_on_its_shade() -> None:
    """A contrast of 3 at least, as for large or bold text and signs."""
    for code, (fill, ink) in AUDIT_RESULTS.items():
        light, dark = sorted((luminance(fill), luminance(ink)), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 3, code


def test_hovering_over_the_heatmap_shows_the_evidence_and_nothing_else_is_carried(protocol, analysis) -> None:
    opened = Opened(conflict(), protocol, analysis)
    spec = audit_matrix(opened.cells, protocol.audit_columns).to_dict()
    tips = [tip["field"] for layer in spec["layer"] for tip in layer["encoding"]["tooltip"]]
    assert set(tips) == {"row", "criterion", "code", "evidence"}
    rows = next(iter(spec["datasets"].values()))
    assert set(rows[0]) == {"row", "criterion", "code", "letter", "evidence"}
    assert any("ALT 92 U/L" in row["evidence"] for row in rows)


def test_of_nobody_nothing_opens(protocol, analysis) -> None:
    for book, plan in ((trial(), protocol), (eligible(), protocol.model_copy(update={"criteria": []}))):
        opened = Opened(book, plan, analysis)
        assert opened.behind == {}
        assert drilldown.records_of(opened.evidence, opened.cells, tables.to_look_at(opened.adie, opened.core)).empty
        assert opened.lines.empty
        assert list(opened.lines.columns) == list(drilldown.LABELS)


def test_of_a_large_trial_only_the_records_of_those_shown_are_kept(protocol, analysis) -> None:
    book = conflict()
    form(screened(book, "S02")).infused(0)
    opened = Opened(book, protocol, analysis)
    cells = tables.matrix(opened.adie, opened.core, protocol, 1)
    kept = drilldown.records_of(opened.evidence, cells, tables.to_look_at(opened.adie, opened.core))
    assert set(kept["USUBJID"]) == {"iMSC-2001-S01"}
    whole = opened.evidence.all()
    assert set(whole["USUBJID"]) == {"iMSC-2001-S01", "iMSC-2001-S02"}
    own = whole[whole["USUBJID"].eq("iMSC-2001-S01")].reset_index(drop=True)
    pd.testing.assert_frame_equal(kept, own)


def test_findings_open_before_passes_where_a_page_cannot_open_all(protocol, analysis) -> None:
    opened = Opened(form(screened(conflict(), "S00")).infused(0), protocol, analysis)
    first = next(iter(opened.behind.values()))
    assert first[0] == "S01, EX04A: CONFLICT"
    assert next(reversed(opened.behind.values()))[0].endswith("ATT-PASS")
