"""What would turn a conclusion: each flip is confirmed by deriving the whole trial again with the changed record."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

from support.conducted_trial import cut_on
from support.trial_builder import TrialBuilder
from trialbook.commands.fragility import WIDTH, in_columns
from trialbook.core.domains import Domains
from trialbook.dlt.addlt import derive_addlt
from trialbook.dlt.advice import advice
from trialbook.monitoring.fragility import (
    ADVICE,
    Change,
    Fragility,
    changes_of,
    flip_table,
    fragility,
    kept_sentences,
    ranked_queries,
    tried_table,
)  # fmt: skip
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.models import Protocol
from trialbook.protocol.study_data import StudyData
from trialbook.subjects.adsl import derive_subjects

QUERIES = pd.DataFrame(
    {
        "query_id": ["Q-1"], "subject": ["iMSC-2001-S01"], "record": ["AESEQ=1"], "field": ["AETOXGR"],
        "status": ["open"],
    }
)  # fmt: skip


def study_of(grades: tuple[int, ...], protocol: Protocol, analysis: Analysis) -> StudyData:
    """Three subjects at DL1 past their window, each with one related event of a grade."""
    book = TrialBuilder()
    for number, grade in enumerate(grades, 1):
        book.subject(f"S0{number}").infused(0).infused(7).seen(40)
        book.event("Pneumonia", 5, grade, end=9, related="RELATED")
    domains = book.delivers("DS", "CE", "CM", "SUPPAE").domains()
    return StudyData(domains, protocol, analysis, cut_on(60))


def advice_of(study: StudyData) -> str:
    adsl = derive_subjects(study)
    return advice(derive_addlt(adsl, study), study.protocol, study.analysis, study.cut_date).code


def really_changed(study: StudyData, change: Change) -> StudyData:
    """The whole trial with the one record edited, as the site would."""
    frame = study.domains[change.domain].copy()
    number = int(change.record.partition("=")[2])
    row = frame["USUBJID"].eq(change.usubjid) & frame[f"{change.domain}SEQ"].eq(number)
    frame.loc[row, change.field] = change.then
    frames = {code: study.domains[code] for code in study.domains}
    return replace(study, domains=Domains({**frames, change.domain: frame}))


@pytest.fixture
def quiet_but_one(protocol: Protocol, analysis: Analysis) -> StudyData:
    return study_of((1, 1, 2), protocol.model_copy(update={"monitoring": {}}), analysis)


def test_each_single_flip_of_the_advice_is_true_and_none_is_missed(quiet_but_one: StudyData) -> None:
    study = quiet_but_one
    before = advice_of(study)
    assert before == "ONGOING(ESCALATE DL2)"
    found = fragility(study)
    flipped = {flip.changes[0]: flip.after for flip in found.flips if flip.kind == ADVICE and len(flip.changes) == 1}
    assert flipped
    # Every change that turns the advice, and of the others every fourth: each is a whole derivation.
    for number, (change, _) in enumerate(changes_of(study)):
        if change.domain == "AE" and (change in flipped or number % 4 == 0):
            after = advice_of(really_changed(study, change))
            assert flipped.get(change, before) == after, change


def test_a_robust_advice_names_pairs(protocol: Protocol, analysis: Analysis) -> None:
    study = study_of((3, 3, 3), protocol.model_copy(update={"monitoring": {}}), analysis)
    found = fragility(study)
    of_advice = [flip for flip in found.flips if flip.kind == ADVICE]
    assert of_advice
    assert {len(flip.changes) for flip in of_advice} == {2}
    assert found.pairs > 0
    (response,) = [str(said) for said in kept_sentences(found, study) if said.startswith("Response")]
    tried = f"any of the {found.singles} single changes tried, nor by any of the {found.pairs} pairs tried"
    assert response == f"Response rate against 40%: not turned by {tried}."
    advised = kept_sentences(found, study)[0]
    assert advised.startswith("Advice of the rule 3+3: not turned by any of")
    assert advised.endswith(" single changes tried, but by two changes together.")
    assert all(len({change.usubjid for change in flip.changes}) == 2 for flip in of_advice)


def test_the_table_says_who_what_and_which_question(quiet_but_one: StudyData) -> None:
    found = fragility(quiet_but_one)
    table = flip_table(found, QUERIES, quiet_but_one)
    own = table[table["CHANGES"].str.startswith("S01: grade of Pneumonia 1 -> 3")]
    assert own["QUERY"].tolist() == ["Q-1"]
    assert own["AFTER"].iloc[0] != own["BEFORE"].iloc[0]
    assert flip_table(Fragility((), 0, 0), QUERIES, quiet_but_one).empty
    assert len(tried_table(quiet_but_one)) == 5
    rows = [list(table.columns), *table.astype("str").values.tolist()]
    lines = list(in_columns(rows))
    assert max(map(len, lines)) <= WIDTH
    assert sum(len("".join(cell.split())) for row in rows for cell in row) == len("".join("".join(lines).split()))


def test_questions_are_ranked_by_what_their_answer_can_turn(quiet_but_one: StudyData) -> None:
    found = fragility(quiet_but_one)
    two = pd.concat([QUERIES, QUERIES.assign(query_id="Q-2", record="AESEQ=9")])
    ranked = ranked_queries(found, two, quiet_but_one)
    alone = [
        flip for flip in found.flips
        if [(change.usubjid, change.field) for change in flip.changes] == [("iMSC-2001-S01", "AETOXGR")]
    ]  # fmt: skip
    # A question that is closed, or about another field, settles nothing.
    others = pd.concat([QUERIES.assign(status="closed"), QUERIES.assign(field="AEOUT")])
    assert ranked_queries(found, others, quiet_but_one).empty
    assert ranked[["QUERY", "SUBJECT", "SINGLE"]].values.tolist() == [["Q-1", "S01", len(alone)]]
    assert ranked_queries(Fragility((), 0, 0), two, quiet_but_one).empty


def test_a_flag_by_the_sponsor_s_number_is_read_and_replaced(protocol: Protocol, analysis: Analysis) -> None:
    book = TrialBuilder().subject("S01").infused(0).infused(7).seen(40)
    book.event("Pneumonia", 5, 4, end=9, related="RELATED", AESPID="A1")
    book.add("SUPPAE", RDOMAIN="AE", IDVAR="AESPID", IDVARVAL="A1", QNAM="AEDLT", QVAL="Y")
    study = StudyData(book.delivers("DS", "CE", "CM").domains(), protocol, analysis, cut_on(60))
    flags = [
        (change.now, change.then, domains["SUPPAE"]["QVAL"].tolist())
        for change, domains in changes_of(study) if change.field == "AEDLT"
    ]  # fmt: skip
    assert flags == [("Y", "N", ["N"])]
