"""Overall survival of random small trials: equal to the slow exact engine, blind to therapy, blind to the future."""

from __future__ import annotations

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from reference.survival import Subject, overall_survival
from support.paths import ROOT
from support.rounds import rounds
from support.trial_builder import FIRST_INFUSION, TrialBuilder, trial
from trialbook.efficacy.adtte import derive_adtte
from trialbook.efficacy.survival import curve_of
from trialbook.protocol.load import analysis_values, load_protocol
from trialbook.protocol.study_data import StudyData
from trialbook.subjects.adsl import derive_subjects

PROTOCOL = load_protocol(ROOT / "params" / "protocol.yaml")
ANALYSIS = analysis_values(PROTOCOL, {}, "protocol.yaml")
# One trial of many independent subjects costs little more than one of few, so each example is a crowd.
FEW = settings(max_examples=rounds(2), deadline=None)
DAYS = st.integers(0, 60)
SUBJECTS = st.lists(st.tuples(st.lists(DAYS, max_size=3), st.lists(DAYS, max_size=2)), min_size=30, max_size=40).map(
    lambda drawn: [Subject(f"S{k:02d}", alive, deaths) for k, (alive, deaths) in enumerate(drawn)]
)


def build(subjects: list[Subject], *, therapy: int | None = None) -> TrialBuilder:
    """Deaths are reported by DM first and by fatal events after; every proof of life is a visit."""
    builder = trial()
    for subject in subjects:
        builder.subject(subject.name).infused(0)
        for day in subject.alive:
            builder.seen(day)
        for k, day in enumerate(subject.deaths):
            # The event starts with the infusion, so that its start proves no more than the infusion does.
            builder.died(day) if k == 0 else builder.event("Sepsis", 0, 5, end=day, AEOUT="FATAL")
        if therapy is not None:
            builder.drug("ruxolitinib", f"{FIRST_INFUSION:%Y-%m-%d}T12:00" if therapy == 0 else 0)
    return builder


def survival_times(builder: TrialBuilder, cut_day: int) -> dict[str, tuple[int, int]]:
    cut = FIRST_INFUSION + pd.Timedelta(days=cut_day)
    domains = builder.domains()
    adsl = derive_subjects(StudyData(domains, PROTOCOL, ANALYSIS, cut))
    adtte = derive_adtte(adsl, StudyData(domains, PROTOCOL, ANALYSIS, cut))
    os = adtte[adtte["PARAMCD"].eq("OS")]
    assert curve_of(adtte, "OS").n == len(os)
    return {row.SUBJID: (int(row.AVAL), int(row.CNSR)) for row in os.itertuples()}


@FEW
@given(SUBJECTS, DAYS)
def test_survival_times_are_those_of_the_slow_exact_engine(subjects: list[Subject], cut: int) -> None:
    assert survival_times(build(subjects), cut) == overall_survival(subjects, cut)


@FEW
@given(SUBJECTS, st.integers(0, 1))
def test_new_therapy_does_not_move_overall_survival(subjects: list[Subject], therapy: int) -> None:
    assert survival_times(build(subjects, therapy=therapy), 60) == survival_times(build(subjects), 60)


@FEW
@given(SUBJECTS, DAYS)
def test_what_happens_after_the_cut_is_not_seen(subjects: list[Subject], cut: int) -> None:
    until = [Subject(s.name, [d for d in s.alive if d <= cut], [d for d in s.deaths if d <= cut]) for s in subjects]
    assert survival_times(build(subjects), cut) == survival_times(build(until), cut)


@FEW
@given(SUBJECTS, st.tuples(DAYS, DAYS))
def test_a_later_cut_never_has_fewer_deaths(subjects: list[Subject], cuts: tuple[int, int]) -> None:
    subjects = [Subject(s.name, [d for d in s.alive if not s.deaths or d <= min(s.deaths)], s.deaths) for s in subjects]
    early, late = (survival_times(build(subjects), cut) for cut in sorted(cuts))
    assert sum(c == 0 for _, c in early.values()) <= sum(c == 0 for _, c in late.values())
