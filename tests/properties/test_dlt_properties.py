"""What holds for every trial: no candidate vanishes, advice lies between worst and best, order of rows is nothing."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.default_keys import keys
from support.rounds import rounds
from support.trial_builder import FIRST_INFUSION, trial
from trialbook.core.domains import Domains
from trialbook.dlt.addlt import derive_addlt
from trialbook.dlt.advice import advice, trial_history
from trialbook.dlt.designs.design import WAIT, Action, History
from trialbook.dlt.designs.registry import RULE_NAMES, make_rule
from trialbook.dlt.events import dlt_events
from trialbook.dlt.over_time import advice_over_time
from trialbook.dlt.reporting import dlt_count_rows, dlt_rate_rows
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.load import analysis_values
from trialbook.protocol.models import Protocol
from trialbook.protocol.study_data import StudyData
from trialbook.results.ard import to_ard
from trialbook.safety.dlt_candidates import dlt_candidates
from trialbook.subjects.dlt_status import COUNTED_AS_DLT

CUT = pd.Timestamp("2025-03-31")
IDS = ("DL1", "DL2", "DL3")
STATUSES = ("NO-DLT", "NO-DLT", "NO-DLT", "DLT", "PENDING", "PENDING-ADJ", "NOT-EVAL", "PENDING-DATA", "UNRESOLVED")


def in_force(protocol: Protocol) -> Analysis:
    """The protocol's analysis keys."""
    return analysis_values(protocol, {}, "protocol.yaml")


def addlt_frame(rows: list[tuple[str, str]]) -> pd.DataFrame:
    """ADDLT of subjects treated one after another: (level, status)."""
    starts = pd.date_range("2025-01-01", periods=max(len(rows), 1), freq="7D")[: len(rows)]
    return pd.DataFrame(
        {
            "USUBJID": pd.Series([f"S{k:02d}" for k in range(len(rows))], dtype="str"),
            "SUBJID": pd.Series([f"S{k:02d}" for k in range(len(rows))], dtype="str"),
            "TRT01A": pd.Series([level for level, _ in rows], dtype="str"),
            "DLTSTAT": pd.Series([status for _, status in rows], dtype="str"),
            "COUNTED": pd.Series(["Y" if s in COUNTED_AS_DLT else "" for _, s in rows], dtype="str"),
            "FUPFRAC": [0.5] * len(rows),
            "TRTSDT": starts.astype("datetime64[s]"),
            "WINENDT": (starts + pd.Timedelta(days=28)).astype("datetime64[s]"),
        }
    )


@st.composite
def courses(draw: st.DrawFn, rule_name: str = "3+3") -> list[tuple[str, str]]:
    """Up to 14 subjects, each enrolled where the rule then in force advised; pending ones settle when it waits."""
    rows: list[tuple[str, str]] = []
    rule = make_rule(rule_name, keys(), 3)
    for status in draw(st.lists(st.sampled_from(STATUSES), max_size=14)):
        past, pending = trial_history(addlt_frame(rows), list(IDS))
        action = rule.next_action(past, pending, CUT)
        if action.move == WAIT:
            settled = "NO-DLT" if status == "NO-DLT" else "DLT"
            rows = [(level, settled if s in ("PENDING", "PENDING-DATA") else s) for level, s in rows]
        elif action.outcome != "ONGOING" or action.level is None:
            break
        else:
            rows.append((IDS[action.level], status))
    return rows


def cases(rows: list[tuple[str, str]], analysis: Analysis, name: str = "3+3") -> tuple[Action, Action, Action]:
    """The action now, in the worst and in the best case."""
    rule = make_rule(name, analysis, 3)
    past, pending = trial_history(addlt_frame(rows), list(IDS))
    cleared, _ = trial_history(addlt_frame(rows), list(IDS), counted=("DLT",))

    def after(history: History) -> Action:
        return rule.next_action(history, (), CUT)

    return (
        rule.next_action(past, pending, CUT),
        after(past.resolved(pending, dlt=True)),
        after(cleared.resolved(pending, dlt=False)),
    )


@settings(max_examples=rounds(15), deadline=None)
@given(rows=courses())
def test_the_advice_lies_between_worst_and_best_case(rows: list[tuple[str, str]]) -> None:
    now, worst, best = cases(rows, keys())
    assert worst.excluded_from <= now.excluded_from <= best.excluded_from
    if now.outcome == worst.outcome == "ONGOING" and now.move != WAIT:
        assert worst.level is not None
        assert now.level is not None
        assert worst.level <= now.level
    if now.outcome == best.outcome == "ONGOING" and now.move != WAIT:
        assert best.level is not None
        assert now.level is not None
        assert now.level <= best.level


@pytest.mark.parametrize("name", RULE_NAMES)
@settings(max_examples=rounds(5), deadline=None)
@given(data=st.data())
def test_no_rule_advises_a_level_that_it_excludes_or_that_does_not_exist(name: str, data: st.DataObject) -> None:
    rows = data.draw(courses(name))
    for action in cases(rows, keys(), name):
        if action.level is not None:
            assert 0 <= action.level < min(action.excluded_from, 3)


@settings(max_examples=rounds(5), deadline=None)
@given(rows=courses(), seed=st.integers(0, 2**31 - 1))
def test_the_order_of_rows_changes_nothing(rows: list[tuple[str, str]], seed: int, protocol: Protocol) -> None:
    analysis = in_force(protocol)
    frame = addlt_frame(rows)
    shuffled = frame.sample(frac=1, random_state=seed)
    assert advice(shuffled, protocol, analysis, CUT) == advice(frame, protocol, analysis, CUT)
    numbers = [to_ard([*dlt_count_rows(f, protocol), *dlt_rate_rows(f, protocol, analysis)]) for f in (frame, shuffled)]
    pd.testing.assert_frame_equal(*numbers)


EVENTS = st.tuples(
    st.sampled_from(["Headache", "Nausea", "Neutropenia", "Infusion related reaction", "Acute GVHD in skin"]),
    st.one_of(st.integers(-3, 40), st.sampled_from(["2025-01", "2025-02", "2025", ""])),
    st.sampled_from(["1", "2", "3", "4", "5", ""]),
    st.sampled_from(["RELATED", "NOT RELATED", "POSSIBLE", "", "无法判定"]),
    st.sampled_from(["", "Y", "N"]),
)


Event = tuple[str, int | str, str, str, str]
TRIALS = st.lists(st.lists(EVENTS, max_size=5), min_size=1, max_size=8)


def with_events(trials: list[list[Event]]) -> tuple[Domains, pd.DataFrame]:
    """A trial in which each list is the events of one subject who was seen on day 28, with the core of its ADSL."""
    builder = trial()
    for number, events in enumerate(trials):
        builder.subject(f"S{number:02d}").infused(0).infused(7).seen(28)
        for seq, (term, day, grade, related, flag) in enumerate(events, start=1):
            builder.add(
                "AE", AEDECOD=term, AETERM=term, AETOXGR=grade or None, AEREL=related or None,
                AESTDTC=(builder.date(day) or None),
            )  # fmt: skip
            if flag:
                builder.add("SUPPAE", RDOMAIN="AE", IDVAR="AESEQ", IDVARVAL=str(seq), QNAM="AEDLT", QVAL=flag)
    domains = builder.domains()
    adsl = domains["DM"][["USUBJID", "SUBJID"]].assign(
        TRT01P="DL1", TRT01A="DL1", SAFFL="Y", TRTSDT=FIRST_INFUSION, LSTALVDT=FIRST_INFUSION + pd.Timedelta(days=28),
        DTHDT=pd.Series(pd.NaT, index=domains["DM"].index, dtype="datetime64[s]"),
    )  # fmt: skip
    return domains, adsl


@settings(max_examples=rounds(4), deadline=None)
@given(trials=TRIALS)
def test_no_candidate_vanishes_in_silence(trials: list[list[Event]], protocol: Protocol) -> None:
    (domains, adsl), analysis = with_events(trials), in_force(protocol)
    found = dlt_candidates(domains["AE"], adsl, domains, protocol, analysis)
    listed = dlt_events(adsl, domains, protocol, analysis)
    status = derive_addlt(adsl, StudyData(domains, protocol, analysis, CUT)).set_index("USUBJID")["DLTSTAT"]
    keys = ["USUBJID", "AESEQ"]
    candidates = found[found["DLTCAND"].eq("Y")]
    assert len(candidates.merge(listed, on=keys)) == len(candidates)
    for row in listed[listed["DLTCAND"].eq("Y") & listed["DLTFL"].ne("N")].itertuples():
        assert status[row.USUBJID] in COUNTED_AS_DLT
    severe = found[found["ONSETWIN"].ne("OUT") & found["GRADE"].ge(3).fillna(False)]
    assert severe["REASON"].ne("").all()
    open_ = listed[listed["ROLE"].isin(["CONFIRMED", "AWAITED", "UNDATED", "UNGRADED"])]
    assert not status.reindex(open_["USUBJID"]).eq("NO-DLT").any()


@settings(max_examples=rounds(4), deadline=None)
@given(trials=TRIALS, seed=st.integers(0, 2**31 - 1))
def test_the_order_of_events_changes_no_status(trials: list[list[Event]], seed: int, protocol: Protocol) -> None:
    (domains, adsl), analysis = with_events(trials), in_force(protocol)
    shuffled = Domains({code: domains[code].sample(frac=1, random_state=seed) for code in domains})
    both = [
        derive_addlt(adsl.sample(frac=1, random_state=seed), StudyData(shuffled, protocol, analysis, CUT)),
        derive_addlt(adsl, StudyData(domains, protocol, analysis, CUT)),
    ]
    pd.testing.assert_frame_equal(*both)


@settings(max_examples=rounds(12))
@given(trials=TRIALS, late=st.integers(0, 60))
def test_the_advice_over_time_ends_with_the_advice_at_the_cut(
    trials: list[list[Event]], late: int, protocol: Protocol
) -> None:
    analysis = in_force(protocol)
    domains, subjects = with_events(trials)
    cut = CUT + pd.Timedelta(days=late)
    addlt = derive_addlt(subjects, StudyData(domains, protocol, analysis, cut))
    table = advice_over_time(addlt, protocol, analysis, cut)
    assert table["date"].is_monotonic_increasing
    assert table["code"].iloc[-1] == advice(addlt, protocol, analysis, cut).code
    assert (table["treated"] >= table["evaluable"] + table["pending"]).all()
    assert (table["evaluable"] >= table["counted"]).all()
    assert table["treated"].is_monotonic_increasing
