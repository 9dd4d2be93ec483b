"""A past day from today's data beside what was published then, and decisions that these data no longer support."""

from __future__ import annotations

import pandas as pd
import pytest

from support.default_keys import keys
from trialbook.dlt.decisions import decision_table, review
from trialbook.dlt.replay import Published, replay, replay_lines, replay_table
from trialbook.protocol.decisions import Decision
from trialbook.protocol.models import Protocol

FIRST, LAST = pd.Timestamp("2025-03-31"), pd.Timestamp("2025-06-30")
START = pd.Timestamp("2025-01-10")


def addlt(cut: pd.Timestamp, late: str = "") -> pd.DataFrame:
    """ADDLT of three subjects of DL1 treated a week apart; `late`: a DLT of the third on day 20, known on this day."""
    rows = []
    for k in range(3):
        start = START + pd.Timedelta(days=7 * k)
        known, onset = start + pd.Timedelta(days=28), pd.NaT
        if late and k == 2 and pd.Timestamp(late) <= cut:
            known, onset = pd.Timestamp(late), start + pd.Timedelta(days=20)
        rows.append(
            {"USUBJID": f"S{k}", "SUBJID": f"00{k}", "TRT01A": "DL1", "TRTSDT": start, "STATDT": known, "DLTDT": onset,
             "DLTSTAT": "NO-DLT" if pd.isna(onset) else "DLT", "WINENDT": start + pd.Timedelta(days=28), "FUPFRAC": 1.0}
        )  # fmt: skip
    days = dict.fromkeys(("TRTSDT", "STATDT", "DLTDT", "WINENDT"), "datetime64[s]")
    return pd.DataFrame(rows).astype(days)


def published(late: str = "") -> list[Published]:
    first = Published("one", FIRST, addlt(FIRST, late), "ONGOING(ESCALATE DL2)")
    return [first, Published("two", LAST, addlt(LAST, late), "ONGOING(EXPAND DL1)" if late else first.advice)]


def decision() -> Decision:
    made = {"cut": "one", "cut_date": "2025-03-31", "date": "2025-04-04", "reason": "0 of 3", "by": "committee"}
    return Decision.model_validate(
        {**made, "decision": "escalate", "level": "DL2", "minutes": "item 4", "build": "a" * 64,
         "advice": "ONGOING(ESCALATE DL2)", "rule": "3+3"}
    )  # fmt: skip


@pytest.mark.parametrize(
    ("late", "state", "advice", "same"),
    [("", "DL1: 0 of 3", "escalate to DL2", "yes"), ("2025-05-10", "DL1: 1 of 3", "enrol up to 6 at DL1", "no")],
)
def test_an_earlier_cut_stays_as_published_beside_the_data_of_today(
    late: str, state: str, advice: str, same: str, protocol: Protocol
) -> None:
    cuts = published(late)
    (row,) = replay_table(replay(cuts, cuts[-1], protocol, keys()), "two").to_dict("records")
    assert (row["CUT"], row["STATE"], row["ADVISED"]) == ("one", "DL1: 0 of 3", "escalate to DL2")
    assert (row["TODAY"], row["ADVISES"], row["SAME"]) == (state, advice, same)


def test_any_day_can_be_asked_for(protocol: Protocol) -> None:
    cuts = published("2025-05-10")
    between = replay_lines(pd.Timestamp("2025-05-01"), cuts, protocol, keys())
    assert between[0].endswith("as the cut one published it: DL1: 0 of 3")
    assert between[-1].endswith("enrol up to 6 at DL1")
    early = replay_lines(START, cuts, protocol, keys())
    assert early[0] == "Nothing had been published by 2025-01-10."
    assert early[1].endswith("DL1: 0 of 0 and 1 pending")
    after = replay_lines(pd.Timestamp("2025-12-01"), cuts, protocol, keys())
    assert after[-1] == "The data end on 2025-06-30: what has happened since is not in them."


def test_a_decision_is_no_longer_supported_once_a_dlt_of_that_time_is_reported(protocol: Protocol) -> None:
    (kept,) = review([decision()], addlt(LAST), protocol, keys())
    assert kept.supported
    (moved,) = review([decision()], addlt(LAST, "2025-05-10"), protocol, keys())
    assert not moved.supported
    assert moved.late_subjects == "002 (DL1)"
    table = decision_table([moved])
    assert table["SUPPORT"].item() == "no: a DLT that began by then was reported later, in 002 (DL1)"
    assert table["TODAY"].item() == "enrol up to 6 at DL1"
