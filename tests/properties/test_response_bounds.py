"""The bounds of the response: they are reached, hold the estimate, and learning less never narrows them (§14.3)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.missing_data import Cell, any_cell, blanked, cells_of, without
from support.rounds import rounds
from support.trial_builder import TrialBuilder, trial
from trialbook.core.dates import as_date
from trialbook.core.domains import Domains
from trialbook.efficacy.day28 import read_course, response_of, treated_subjects
from trialbook.efficacy.response_bounds import open_outcomes, read_open_facts
from trialbook.protocol.load import analysis_values
from trialbook.protocol.models import Protocol
from trialbook.protocol.study_data import StudyData
from trialbook.subjects.adsl import derive_subjects

CUT = as_date("2025-09-30")
CASES = {"ORR_D28": ("PR", "CR"), "CR_D28": ("CR",)}
DOMAINS = ("RS", "FA", "CM", "DS", "PR", "CE", "VS", "LB", "SV", "SS")
fixed = settings(
    max_examples=rounds(4), deadline=None, derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip


@dataclass(frozen=True)
class Case:
    """Low, high and estimate (None: not evaluable) of one endpoint, in subjects of `size`."""

    low: int
    high: int
    estimate: int | None
    size: int


@pytest.fixture(scope="module")
def bounds(protocol: Protocol):
    """The case of each endpoint of a trial."""
    analysis = analysis_values(protocol, {}, "protocol.yaml")

    def derive(domains: Domains) -> dict[str, Case]:
        domains = Domains({code: domains[code] for code in domains})
        adsl = derive_subjects(StudyData(domains, protocol, analysis, CUT))
        # What derive_adrs does for the response at day 28, without its other parameters: twice as fast.
        course = read_course(treated_subjects(adsl, CUT), domains, analysis)
        responses = response_of(course, analysis)
        outcomes = open_outcomes(course, read_open_facts(course, domains, analysis), responses, analysis)
        own = responses.merge(outcomes, on="USUBJID")[lambda rows: rows["MAT28FL"] == "Y"]
        found = {}
        for name, success in CASES.items():
            undone = own["REASON"].eq("UNDELIVERED") & own["RSPSTG"].isin(["", *success])
            n = None if undone.any() else int(own["AVALC"].isin(success).sum())
            found[name] = Case(*(int(own[end].isin(success).sum()) for end in ("RSPLO", "RSPHI")), n, len(own))
        return found

    @cache
    def of_the_whole_trial() -> dict[str, Case]:
        return derive(TRIAL)

    # It is asked for before each thing that is taken away.
    return lambda domains: of_the_whole_trial() if domains is TRIAL else derive(domains)


def weighed(built: TrialBuilder) -> TrialBuilder:
    return built.add("VS", VSTESTCD="WEIGHT", VSORRES=60, VSORRESU="kg", VSDTC=built.date(-1))


def known_trial() -> TrialBuilder:
    """Nine subjects of whom everything is known: each outcome of day 28 and each reason."""
    built = trial()
    outcomes = {
        "S01": (0, 0, 0, 0), "S02": (1, 1, 0, 1), "S03": (3, 1, 0, 2), "S04": (4, 1, 0, 2), "S05": (1, 2, 0, 1),
        "S06": (0, 0, 0, 0), "S07": (0, 0, 0, 0), "S08": None, "S09": (0, 0, 0, 0),
    }  # fmt: skip
    for name, day28 in outcomes.items():
        weighed(built.subject(name)).infused(0).seen(28).stages(-1, 3, 1, 0, 2)
        built.finding("RASHBSA", 60, -1).finding("BULLAE", "N", -1)
        built.drug("ciclosporin", -20, dose=100).drug("methylprednisolone", -6, end=60, dose=60)
        if day28:
            built.stages(28, *day28)
    built.goes_on_with("S06").drug("ruxolitinib", 10)
    built.goes_on_with("S07").add(
        "DS", DSCAT="DISPOSITION EVENT", DSTERM="WITHDRAWAL BY SUBJECT", DSDECOD="WITHDRAWAL BY SUBJECT",
        DSSTDTC=built.date(15),
    )  # fmt: skip
    built.goes_on_with("S08").died(12)
    built.goes_on_with("S09").drug("methylprednisolone", 8, end=20, dose=120)
    return built.delivers(*DOMAINS)


TRIAL = known_trial().domains()


@pytest.fixture
def known(bounds) -> dict[str, Case]:
    return bounds(TRIAL)


def test_everything_known_leaves_no_range(bounds) -> None:
    assert bounds(TRIAL) == {"ORR_D28": Case(2, 2, 2, 9), "CR_D28": Case(1, 1, 1, 9)}


@pytest.mark.parametrize("codes", [("RS", "FA"), ("CM",), ("DS",), ("RS",), ("CE",), ("VS",), ("SV",), ("LB",)])
def test_deleting_a_domain_never_narrows(bounds, codes) -> None:
    before, after = bounds(TRIAL), bounds(without(TRIAL, *codes))
    for name in CASES:
        never_narrower(before[name], after[name])
    if codes in (("RS", "FA"), ("CM",), ("DS",), ("VS",)):
        assert after["ORR_D28"].estimate is after["CR_D28"].estimate is None
        assert after["ORR_D28"].low == 0 or codes == ("VS",)


def never_narrower(before: Case, after: Case) -> None:
    assert after.low <= before.low <= before.high <= after.high, (before, after)
    assert after.estimate is None or after.low <= after.estimate <= after.high, after
    assert after.estimate is None or after.estimate <= before.high, (before, after)
    assert before.low == before.high or after.low < after.high, (before, after)


@fixed
@given(any_cell(cells_of(TRIAL, DOMAINS)))
def test_blanking_a_cell_never_narrows(bounds, cell: Cell) -> None:
    before, after = bounds(TRIAL), bounds(blanked(TRIAL, cell))
    for name in CASES:
        never_narrower(before[name], after[name])


@settings(fixed, max_examples=rounds(3))
@given(st.lists(any_cell(cells_of(TRIAL, DOMAINS)), min_size=1, max_size=4, unique=True), st.data())
def test_blanking_one_more_cell_never_narrows_a_range(bounds, cells: list[Cell], data) -> None:
    less, least = blanked(TRIAL, *cells[:-1]), blanked(TRIAL, *cells)
    before, after = bounds(less), bounds(least)
    for name in CASES:
        assert after[name].low <= before[name].low
        assert before[name].high <= after[name].high
        assert before[name].low == before[name].high or after[name].low < after[name].high


# Open facts: what leaves a subject open, and the edits of its records that settle it for and against a response.
def _responder(built: TrialBuilder) -> TrialBuilder:
    return weighed(built.subject("S01")).infused(0).stages(-1, 3, 1, 0, 2).stages(28, 0, 0, 0, 0)


def _unassessed(built: TrialBuilder) -> TrialBuilder:
    return weighed(built.subject("S01")).infused(0).stages(-1, 3, 1, 0, 2)


OPEN = {
    "organ missing at day 28": (
        lambda b: _unassessed(b).stages(28, 0, 0, 0, None),
        lambda b: _unassessed(b).stages(28, 0, 0, 0, 4), lambda b: _unassessed(b).stages(28, 0, 0, 0, 0),
    ),
    "organ missing at baseline": (
        lambda b: b.subject("S01").infused(0).stages(-1, None, 0, 0, 0).stages(28, 1, 0, 0, 0),
        lambda b: b.subject("S01").infused(0).stages(-1, 1, 0, 0, 0).stages(28, 1, 0, 0, 0),
        lambda b: b.subject("S01").infused(0).stages(-1, 3, 0, 0, 0).stages(28, 1, 0, 0, 0),
    ),
    "no assessment": (
        _unassessed, lambda b: _unassessed(b).stages(28, 3, 1, 0, 2), lambda b: _unassessed(b).stages(28, 0, 0, 0, 0),
    ),
    "therapy of a partial date": (
        lambda b: _responder(b).drug("ruxolitinib", "2025-02"),
        lambda b: _responder(b).drug("ruxolitinib", "2025-02-02"),
        lambda b: _responder(b).drug("ruxolitinib", "2025-02-20"),
    ),
    "therapy in the window without an assessment": (
        lambda b: _unassessed(b).drug("ruxolitinib", 27),
        lambda b: _unassessed(b).drug("ruxolitinib", 27).stages(28, 0, 0, 0, 0),
        lambda b: _unassessed(b).drug("ruxolitinib", 27).stages(25, 0, 0, 0, 0),
    ),
    "steroid of unknown dose": (
        lambda b: _responder(b).drug("methylprednisolone", 8, end=20),
        lambda b: _responder(b).drug("methylprednisolone", 8, end=20, dose=120),
        lambda b: _responder(b).drug("methylprednisolone", 8, end=20, dose=0),
    ),
    "two assessments of one day": (
        lambda b: _responder(b).stages(28, 4, 1, 0, 2),
        lambda b: _unassessed(b).stages(28, 4, 1, 0, 2), _responder,
    ),
    "two baselines of one day": (
        lambda b: b.subject("S01").infused(0).stages(-1, 3, 0, 0, 0).stages(-1, 2, 0, 0, 0).stages(28, 2, 0, 0, 0),
        lambda b: b.subject("S01").infused(0).stages(-1, 2, 0, 0, 0).stages(28, 2, 0, 0, 0),
        lambda b: b.subject("S01").infused(0).stages(-1, 3, 0, 0, 0).stages(28, 2, 0, 0, 0),
    ),
    "death of a partial date": (
        lambda b: _responder(b).seen(20).died("2025-02"),
        lambda b: _responder(b).seen(20).died("2025-02-07"), lambda b: _responder(b).seen(20).died("2025-02-20"),
    ),
    "withdrawal of a partial date": (
        lambda b: _responder(b).add("DS", DSDECOD="WITHDRAWAL BY SUBJECT", DSSTDTC="2025-02"),
        lambda b: _responder(b).add("DS", DSDECOD="WITHDRAWAL BY SUBJECT", DSSTDTC="2025-02-01"),
        lambda b: _responder(b).add("DS", DSDECOD="WITHDRAWAL BY SUBJECT", DSSTDTC="2025-02-20"),
    ),
    "an end of study that nobody named": (
        lambda b: _responder(b).add("DS", DSCAT="DISPOSITION EVENT", DSSTDTC="2025-02-01"),
        lambda b: _responder(b).add("DS", DSCAT="DISPOSITION EVENT", DSDECOD="WITHDRAWAL BY SUBJECT",
                                    DSSTDTC="2025-02-01"),
        lambda b: _responder(b).add("DS", DSCAT="DISPOSITION EVENT", DSDECOD="COMPLETED", DSSTDTC="2025-02-01"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("fact", OPEN)
def test_completing_an_open_fact_reaches_both_ends(bounds, fact) -> None:
    open_, worst, best = (bounds(make(trial()).delivers("CM").domains())["ORR_D28"] for make in OPEN[fact])
    assert (open_.low, open_.high) == (0, 1), fact
    assert open_.estimate in (0, 1)
    assert worst == Case(0, 0, 0, 1), fact
    assert best == Case(1, 1, 1, 1), fact


@pytest.mark.parametrize("codes", [("RS", "FA"), ("CM",), ("DS",)])
def test_delivering_the_domain_reaches_both_ends(bounds, codes) -> None:
    """The domain comes at last, with nothing that harms, or with the worst that it could hold."""
    frames = {code: TRIAL[code] for code in TRIAL}
    open_ = bounds(without(TRIAL, *codes))["ORR_D28"]
    if "CM" in codes:
        starts = (
            TRIAL["CM"]
            .iloc[[0] * 9]
            .assign(
                USUBJID=TRIAL["DM"]["USUBJID"].to_numpy(),
                CMTRT="ruxolitinib",
                CMDECOD="RUXOLITINIB",
                CMSTDTC="2025-01-11",
            )
        )
        best, worst = frames | {"CM": TRIAL["CM"].head(0)}, frames | {"CM": starts}
    elif "DS" in codes:
        gone = (
            TRIAL["DS"]
            .iloc[[0] * 9]
            .assign(USUBJID=TRIAL["DM"]["USUBJID"].to_numpy(), DSDECOD="WITHDRAWAL BY SUBJECT", DSSTDTC="2025-01-11")
        )
        best, worst = frames | {"DS": TRIAL["DS"].head(0)}, frames | {"DS": gone}
    else:
        clear = trial()
        for name in TRIAL["DM"]["SUBJID"]:
            clear.subject(name).stages(-1, 3, 1, 0, 2).stages(25, 0, 0, 0, 0)
        best, worst = frames | {"RS": clear.domains()["RS"]}, frames | {"RS": TRIAL["RS"].head(0)}
    ends = [bounds(Domains(given))["ORR_D28"].estimate for given in (worst, best)]
    assert ends == [open_.low, open_.high]


def test_without_a_subject_there_are_no_bounds(bounds) -> None:
    nobody = bounds(trial().subject("S01", level="SCRNFAIL").delivers(*DOMAINS).domains())
    assert nobody == dict.fromkeys(CASES, Case(0, 0, 0, 0))
    assert np.isfinite(nobody["ORR_D28"].low)
    assert isinstance(TRIAL["RS"], pd.DataFrame)
