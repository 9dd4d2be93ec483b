"""A small trial with every dataset derived, and its signals: a quiet one, in which a test then plants one thing."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from support.eligible_subject import form, screened
from support.trial_builder import FIRST_INFUSION, TrialBuilder
from trialbook.conduct.deviations import checked_infusions, derive_addv
from trialbook.conduct.frames import all_with_columns, treated_of
from trialbook.conduct.visits import visit_table
from trialbook.dlt.addlt import derive_addlt
from trialbook.efficacy.adrs import derive_adrs
from trialbook.efficacy.adtte import derive_adtte
from trialbook.eligibility.adie import audit
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.models import Protocol
from trialbook.protocol.study_data import StudyData
from trialbook.queries.query_list import Query, query_list
from trialbook.results.ard import ArdRow, to_ard
from trialbook.safety.adae import derive_adae
from trialbook.safety.adlb import derive_adlb
from trialbook.signals.derive import RuleRun, derive_signals
from trialbook.signals.model import Facts, Signal
from trialbook.subjects.adsl import derive_subjects

VISITS = (3, 7, 14, 21, 28, 56, 100, 180)
PAGES = (("02_eligibility", "Eligibility"), ("03_safety", "Safety"), ("04_dlt", "DLT"), ("05_orr", "Response"),
         ("06_os", "Survival"))  # fmt: skip
# A day after the last planned visit.
LATE = 191


def quiet(
    name: str = "S01", book: TrialBuilder | None = None, *, until: int = LATE, stages: int | None = 28,
    second: float = 1.0, unit: str = "10^6 cells/kg", baseline: float = 30, **dm: object,
) -> TrialBuilder:  # fmt: skip
    """A subject of whom there is nothing to say: eligible, both infusions, every visit up to day `until`, results of
    liver tests within their limits, staged on day `stages`, ALT `baseline` before the infusion.
    """
    without = ("ALT",)
    book = form(screened(book, name, without=without, **dm)).lab("ALT", baseline, -2, high=40.0).infused(0)
    if until >= 7:
        book.infused(7, dose=second, EXDOSU=unit)
    for day in VISITS:
        if day <= until:
            book.seen(day, f"DAY {day}")
    for test, value, high in (("ALT", 30, 40.0), ("AST", 30, 40.0), ("BILI", 10, 21.0)):
        book.lab(test, value, 3, unit="umol/L" if test == "BILI" else "U/L", high=high)
    if stages is not None and until >= stages:
        book.stages(stages, 0, 0, 0, 0)
    return book.delivers("DV", "CM", "SS", "SUPPAE")


def started(ago: int) -> str:
    """The first infusion of a subject who is on this day at the late cut."""
    return f"{cut_on(LATE) - pd.Timedelta(days=ago):%Y-%m-%d}"


def cut_on(day: int) -> pd.Timestamp:
    """The cut-off date that is this REL_DAY of a subject with the usual first infusion."""
    return FIRST_INFUSION + pd.Timedelta(days=day)


def datasets(
    book: TrialBuilder, protocol: Protocol, analysis: Analysis, day: int
) -> tuple[dict[str, pd.DataFrame], StudyData]:
    """Every analysis dataset of a trial at a cut, as the rules of conduct read them."""
    study = StudyData(book.domains(), protocol, analysis, cut_on(day))
    adsl = derive_subjects(study)
    found = {
        "adsl": adsl, "adie": audit(adsl, study), "adae": derive_adae(adsl, study), "adlb": derive_adlb(adsl, study),
        "addlt": derive_addlt(adsl, study), "adrs": derive_adrs(adsl, study), "adtte": derive_adtte(adsl, study),
    }  # fmt: skip
    return all_with_columns(found), study


def facts_of(
    book: TrialBuilder, protocol: Protocol, analysis: Analysis, day: int = LATE, *,
    before: tuple[TrialBuilder, int] | None = None, previous_cut: str = "", queries: Sequence[Query] = (),
    bounds: Sequence[ArdRow] = (),
) -> Facts:  # fmt: skip
    """What the rules read of a trial at a cut; `before`: the trial as it was at an earlier cut, and the day of that."""
    data, study = datasets(book, protocol, analysis, day)
    earlier = datasets(before[0], protocol, analysis, before[1])[0] if before else None
    treated = treated_of(data["adsl"])
    visits, given = visit_table(data, study), checked_infusions(treated, study)
    return Facts(
        data, earlier, previous_cut, study, treated, visits, derive_addv(data, visits, given, study), given,
        query_list(queries, f"{study.cut_date:%Y-%m-%d}"), to_ard(bounds),
    )  # fmt: skip


def signals_of(facts: Facts) -> tuple[list[Signal], dict[str, RuleRun]]:
    """The signals of a trial, and the outcome of each rule."""
    signals, runs = derive_signals(facts, PAGES)
    return signals, {run.rule: run for run in runs}
