"""What holds for a synthetic trial of any seed and size, on any day."""

from __future__ import annotations

from datetime import date, timedelta

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trialbook.core.domains import DOMAIN_ORDER
from trialbook_demo import SimulatedTrial, simulate_trial

SEEDS = st.integers(0, 2**31)
SIZES = st.integers(0, 16)
DAYS = st.integers(0, 560).map(lambda days: date(2024, 12, 1) + timedelta(days=days))
FEW = settings(max_examples=8, deadline=None)


def numbered(frames: dict[str, pd.DataFrame]) -> dict[str, set[tuple[str, str]]]:
    """Subject and sequence number of every record, by domain."""
    return {
        domain: set(zip(frame["USUBJID"], frame[f"{domain}SEQ"], strict=True))
        for domain, frame in frames.items()
        if f"{domain}SEQ" in frame
    }


@FEW
@given(SEEDS, SIZES)
def test_the_same_seed_gives_the_same_trial(seed: int, size: int) -> None:
    once, again = simulate_trial(seed, size).frames(), simulate_trial(seed, size).frames()
    for domain in DOMAIN_ORDER:
        pd.testing.assert_frame_equal(once[domain], again[domain])


def test_another_seed_gives_another_trial() -> None:
    assert not simulate_trial(1, 12).frames()["LB"].equals(simulate_trial(2, 12).frames()["LB"])


@FEW
@given(SEEDS, SIZES)
def test_as_many_subjects_are_treated_as_were_asked_for(seed: int, size: int) -> None:
    frames = simulate_trial(seed, size).frames()
    given_doses = frames["EX"][frames["EX"]["EXDOSE"] != "0"]
    assert given_doses["USUBJID"].nunique() == size
    assert frames["DM"]["USUBJID"].is_unique
    assert len(frames["DM"]) == size + max(1, round(size / 3))
    assert frames["DM"]["USUBJID"].str.len().nunique() == 1, "numbers of one width sort as they count"


@FEW
@given(SEEDS, st.integers(12, 30))
def test_the_cast_comes_first_in_any_trial(seed: int, size: int) -> None:
    roles = {story.role for story in simulate_trial(seed, size).stories}
    assert {f"T{n:02d}" for n in range(1, 13)} | {f"F{n:02d}" for n in range(1, 5)} <= roles


@FEW
@given(SEEDS, SIZES, DAYS)
def test_nothing_is_known_before_its_day(seed: int, size: int, day: date) -> None:
    for domain, frame in simulate_trial(seed, size).frames(day).items():
        for name in [n for n in frame.columns if n.endswith("DTC")]:
            assert frame[name].str[:10].max() <= day.isoformat() if len(frame) else True, f"{domain}.{name}"


@FEW
@given(SEEDS, SIZES, DAYS, st.integers(0, 120))
def test_records_keep_their_numbers_from_one_snapshot_to_the_next(seed: int, size: int, day: date, wait: int) -> None:
    trial = simulate_trial(seed, size)
    earlier, later = numbered(trial.frames(day)), numbered(trial.frames(day + timedelta(days=wait)))
    gone = [(domain, key) for domain in earlier for key in earlier[domain] - later[domain]]
    assert {domain for domain, _ in gone} <= {"CM"}, "only the medication entered twice is ever deleted"
    assert len(gone) <= 1


@FEW
@given(SEEDS, SIZES, DAYS)
def test_every_record_belongs_to_a_screened_subject(seed: int, size: int, day: date) -> None:
    frames = simulate_trial(seed, size).frames(day)
    for domain, frame in frames.items():
        assert set(frame["USUBJID"]) <= set(frames["DM"]["USUBJID"]), domain


@FEW
@given(SEEDS, SIZES)
def test_the_dead_have_one_date_and_no_later_record(seed: int, size: int) -> None:
    frames = simulate_trial(seed, size).frames()
    deaths = frames["DM"].query("DTHFL == 'Y'").set_index("USUBJID")["DTHDTC"]
    for domain, name in (("DS", "DSSTDTC"), ("SS", "SSDTC"), ("AE", "AEENDTC"), ("LB", "LBDTC"), ("SV", "SVSTDTC")):
        last = frames[domain].groupby("USUBJID")[name].max().str[:10].reindex(deaths.index).dropna()
        assert (last <= deaths.reindex(last.index)).all(), domain
    fatal = frames["AE"].query("AETOXGR == '5'").groupby("USUBJID").size()
    assert fatal.to_dict() == dict.fromkeys(deaths.index, 1)


@FEW
@given(SEEDS, SIZES)
def test_ages_of_the_treated_lie_in_the_range_of_the_protocol(seed: int, size: int) -> None:
    dm = simulate_trial(seed, size).frames()["DM"]
    assert dm["AGE"].astype(int).between(4, 70).all()


@pytest.mark.parametrize("day", [date(2024, 1, 1), date(2024, 12, 12)])
def test_a_trial_that_has_hardly_begun_has_every_domain(day: date) -> None:
    frames = simulate_trial().frames(day)
    assert sorted(frames) == sorted(DOMAIN_ORDER)
    assert frames["QS"].empty
    assert list(frames["QS"].columns)[:3] == ["STUDYID", "DOMAIN", "USUBJID"]


def test_a_subject_draws_the_same_whoever_else_takes_part() -> None:
    """Chance is drawn per subject, so that a larger trial only adds subjects."""

    def results(trial: SimulatedTrial) -> list[str]:
        lb = trial.frames()["LB"]
        return lb[lb["USUBJID"] == trial.usubjid("T01")]["LBORRES"].tolist()

    assert results(simulate_trial(5, 1)) == results(simulate_trial(5, 30))
