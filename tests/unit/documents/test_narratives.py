"""Narratives: who has one, what each sentence says and from which record, and what is new since the cut before."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from trialbook.core.domains import empty_domain
from trialbook.diff.built_cut import BuiltCut
from trialbook.documents.content import Bullets, Speaker, Table
from trialbook.documents.layout import grid_of
from trialbook.documents.narrative_sentences import narratives_of
from trialbook.documents.narratives import narratives
from trialbook.documents.source import CutSource
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.models import Cut, Protocol

EVENT = {
    "USUBJID": "A-01", "AESEQ": 3, "AETERM": "lungs infected", "AEDECOD": "Pneumonia", "ADECOD": "Pneumonia",
    "ATOXGR": 4, "ASER": "Y", "AESER": "Y", "AESHOSP": "Y", "AESLIFE": "Y", "AEREL": "POSSIBLE", "AREL": "RELATED",
    "AEACN": "DRUG WITHDRAWN", "AEOUT": "RECOVERED/RESOLVED", "AESTDTC": "2025-03-20", "AEENDTC": "2025-04-02",
    "ASTDT": "2025-03-20", "AENDT": "2025-04-02", "RELDAY": 15, "INFNO": 2, "INFDY": 8, "SAFFL": "Y",
    "ASTDTF": "", "AENDTF": "", "DLTFL": "", "TRTEMFL": "Y",
}  # fmt: skip
MILD = {
    "USUBJID": "A-01", "AESEQ": 1, "AETERM": "Nausea", "AEDECOD": "Nausea", "ADECOD": "Nausea", "ATOXGR": 1,
    "AESER": "N", "AESTDTC": "2025-03-10", "ASTDT": "2025-03-10", "SAFFL": "Y", "AREL": "NOT RELATED",
}  # fmt: skip
LONG_BEFORE = {**MILD, "AESEQ": 2, "ADECOD": "Cough", "AESTDTC": "2025-03-01", "ASTDT": "2025-03-01"}
OTHER = {**MILD, "USUBJID": "A-02"}


def built(
    protocol: Protocol,
    analysis: Analysis,
    events: list[dict[str, Any]],
    previous_cut: str | None = None,
    **domains: Any,
) -> BuiltCut:
    """A build of two treated subjects with these adverse events."""
    people = [
        {"USUBJID": f"A-0{k}", "SUBJID": f"00{k}", "TRT01A": "DL1", "SAFFL": "Y", "SEX": sex, "AGE": age,
         "TRTSDT": "2025-03-05", "LSTALVDT": "2025-06-01", "DTHFL": ""}
        for k, sex, age in ((1, "F", 41), (2, "M", None))
    ]  # fmt: skip
    labs = [
        {"USUBJID": "A-01", "PARAMCD": "ALT", "LBSEQ": seq, "ADT": day, "AVAL": value, "AVALU": "U/L", "ATOXGRH": grade}
        for seq, day, value, grade in ((7, "2025-03-21", 300, 3), (8, "2025-03-25", 900, 4), (9, "2025-03-26", 50, 1))
    ]
    named = {"cut_id": "C2", "cut_date": "2025-06-30", "snapshot": "x", "protocol": "y", "previous_cut": previous_cut}
    cut = Cut.model_validate(named)
    made = BuiltCut(Path("unread"), cut, protocol, analysis)
    frames = {"adsl": people, "adae": events, "adlb": labs}
    made.__dict__["datasets"] = {name: pd.DataFrame(rows) for name, rows in frames.items()}
    infusions = pd.DataFrame([
        {"USUBJID": who, "EXSEQ": k, "EXDOSE": dose, "EXDOSU": "10^6 cells/kg", "EXSTDTC": day}
        for who in ("A-01", "A-02") for k, dose, day in ((1, 1.0, "2025-03-05"), (2, 1.0, "2025-03-12"))
    ])  # fmt: skip
    given = {"EX": infusions, **{code: pd.DataFrame(rows) for code, rows in domains.items()}}
    made.__dict__["clean"] = {
        code: pd.concat([empty_domain(code), frame], ignore_index=True) for code, frame in given.items()
    }
    return made


@pytest.fixture
def said(protocol: Protocol, analysis: Analysis) -> dict[str, str]:
    drugs = [
        {"USUBJID": "A-01", "CMSEQ": seq, "CMTRT": name, "CMDOSE": 1.0, "CMDOSU": "g", "CMROUTE": "ORAL",
         "CMSTDTC": begun, "CMENDTC": ended, "CMENRTPT": ""}
        for seq, name, begun, ended in (
            (1, "Over before", "2025-02-01", "2025-03-01"), (2, "Going on", "2025-02-01", "2025-04-30"),
            (3, "Begun then", "2025-03-21", "2025-03-21"), (4, "Long after", "2025-05-01", ""),
        )
    ]  # fmt: skip
    history = [{"USUBJID": "A-01", "MHSEQ": 1, "MHTERM": "AML", "MHSTDTC": "2024-01", "MHENRTPT": "ONGOING"}]
    events = [LONG_BEFORE, MILD, EVENT, OTHER]
    (one,) = narratives_of(built(protocol, analysis, events, CM=drugs, MH=history))
    assert (one.subject, one.level, one.reasons) == ("001", "DL1", ("serious event",))
    return {f"{topic.key}: {s.key}": f"{s.text} [{s.records}]" for topic in one.topics for s in topic.sentences}


def test_each_sentence_says_what_its_records_say(said: dict[str, str]) -> None:
    assert said == {
        "subject: person": "Female, 41 years at consent. [DM]",
        "history: history": "AML, from 2024-01, ongoing. [MH 1]",
        "product: EX 1": "Infusion 1 on 2025-03-05, day 0: 1 million cells per kg (DL1). [EX 2025-03-05]",
        "product: EX 2": "Infusion 2 on 2025-03-12, day 7: 1 million cells per kg (DL1). [EX 2025-03-12]",
        "AE 3: nature":
            "Pneumonia (written at the site: lungs infected), grade 4; serious: life-threatening, hospitalisation. "
            "[AE 3]",
        "AE 3: onset": "It began on 2025-03-20, day 15, 8 days after infusion 2. [AE 3]",
        "AE 3: before": "Other events that began before it: Nausea, grade 1, from 2025-03-10. [AE 1]",
        "AE 3: labs": "Worst laboratory results around it: ALT 900 U/L, grade 4, on 2025-03-25. [LB 8]",
        "AE 3: action": "Action taken with the study product: drug withdrawn. [AE 3]",
        "AE 3: with": "Medication at the onset: Going on 1 g ORAL, from 2025-02-01 to 2025-04-30. [CM 2]",
        "AE 3: then": "Medication begun afterwards: Begun then 1 g ORAL, on 2025-03-21. [CM 3]",
        "AE 3: outcome": "Outcome: recovered/resolved; it ended on 2025-04-02, day 28. [AE 3]",
        "AE 3: relation":
            "Relation to the study product in the judgement of the investigator: POSSIBLE; counted: related. [AE 3]",
        "end: Last seen alive": "Last seen alive on 2025-06-01, day 88. [ADSL LSTALVDT]",
    }  # fmt: skip


def test_what_is_not_known_is_said_to_be_unknown(protocol: Protocol, analysis: Analysis) -> None:
    unknown = {
        **OTHER, "AESER": "", "ASER": "", "ATOXGR": None, "AESTDTC": "", "ASTDT": None, "ASTDTF": "Y", "AEREL": "",
        "AREL": "RELATED", "AEOUT": "", "AEACN": "",
    }  # fmt: skip
    (one,) = narratives_of(built(protocol, analysis, [unknown]))
    said = [str(sentence.text) for topic in one.topics for sentence in topic.sentences]
    assert one.reasons == ("event whose seriousness is not known",)
    for expected in (
        "Male, age not known at consent.", "Nausea, grade not given; seriousness: not given.",
        "It began on a date that is not known.", "Outcome: not given; no end is recorded.",
        "Action taken with the study product: not given.",
        "Relation to the study product in the judgement of the investigator: not given; "
        "counted: not given, counted as related.",
    ):  # fmt: skip
        assert expected in said


def test_a_death_and_a_dlt_are_reasons_of_their_own(protocol: Protocol, analysis: Analysis) -> None:
    made = built(protocol, analysis, [{**MILD, "DLTFL": "Y"}])
    adsl = made.datasets["adsl"].assign(DTHFL=["", "Y"], DTHDT=[None, "2025-04-01"])
    made.__dict__["datasets"] = {**made.datasets, "adsl": adsl}
    found = {one.subject: one for one in narratives_of(made)}
    assert {name: one.reasons for name, one in found.items()} == {
        "001": ("dose-limiting toxicity",), "002": ("death",),
    }  # fmt: skip
    end = [str(sentence.text) for sentence in found["002"].topics[-1].sentences]
    assert end == ["Died: 2025-04-01.", "No fatal event is recorded."]


def test_what_is_new_changed_or_gone_since_the_cut_before_is_marked(protocol: Protocol, analysis: Analysis) -> None:
    before = built(protocol, analysis, [{**EVENT, "AEOUT": "NOT RECOVERED/NOT RESOLVED"}, MILD])
    events = [EVENT, {**EVENT, "AESEQ": 5, "ADECOD": "Sepsis", "ASTDT": "2025-05-20", "AESTDTC": "2025-05-20"}]
    now = built(protocol, analysis, events, previous_cut="C1")
    source = CutSource(now, before)
    source.__dict__["numbers"] = type("Numbers", (), {"text": lambda self, *given: "2"})()
    document, speaker = narratives(source), Speaker()
    (items,) = (block.items for block in document.blocks() if isinstance(block, Bullets))
    said = {speaker.say(label): speaker.say(text) for label, text in items}
    assert "it ended on 2025-04-02, day 28. [AE 3] ◆ changed" in said["Pneumonia"]
    assert "serious: life-threatening, hospitalisation. [AE 3] It began" in said["Pneumonia"]
    assert said["Sepsis"].count("◆ new") == said["Sepsis"].count("[")
    tables = [grid_of(block, speaker) for block in document.blocks() if isinstance(block, Table)]
    assert tables[0].lines == [["001", "DL1", "serious event", "5 sentences new, 1 changed, 1 no longer there"]]
    assert [line[1:] for line in tables[1].lines] == [
        ["Outcome: not recovered/not resolved; it ended on 2025-04-02, day 28.",
         "Outcome: recovered/resolved; it ended on 2025-04-02, day 28."],
        ["Other events that began before it: Nausea, grade 1, from 2025-03-10.", "no longer there"],
    ]  # fmt: skip
