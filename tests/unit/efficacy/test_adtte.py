"""ADTTE: whose time ends when, and why (rulebook §5.2, §2.8; P22, P25)."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import pytest

from support.trial_builder import FIRST_INFUSION, TrialBuilder, trial
from trialbook.efficacy.adtte import derive_adtte, survival_queries, unresolved_subjects
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.load import analysis_values
from trialbook.protocol.models import Protocol
from trialbook.protocol.study_data import StudyData
from trialbook.subjects.adsl import derive_subjects

CUT = FIRST_INFUSION + pd.Timedelta(days=120)


Story = Callable[[TrialBuilder], TrialBuilder]
ALIVE = "CENSORED: last known alive"
# What happened to a treated subject, the endpoint, and its AVAL, CNSR and EVNTDESC.
STORIES: dict[str, tuple[Story, str, tuple[float, int, str]]] = {
    "a death is the event": (lambda b: b.seen(50).died(60), "OS", (60, 0, "DEATH")),
    "a death on the day of the infusion has time 0": (lambda b: b.died(0), "OS", (0, 0, "DEATH")),
    "the living are censored when last seen": (lambda b: b.seen(50), "OS", (50, 1, ALIVE)),
    "never seen since: censored on day 0": (lambda b: b, "OS", (0, 1, ALIVE)),
    "a death after the cut is not yet known": (lambda b: b.seen(110).died(121), "OS", (110, 1, ALIVE)),
    "a partial date of death": (
        lambda b: b.seen(50).died("2025-03"),
        "OS",
        (51, 0, "DEATH: March 2025, day 50 to 80; counted as day 51"),
    ),
    "a death after new therapy": (lambda b: b.drug("ruxolitinib", 5).died(60), "OS", (60, 0, "DEATH")),
    "a death after relapse": (lambda b: relapsed(b, 30).died(60), "OS", (60, 0, "DEATH")),
    "a laboratory date after the death": (lambda b: b.died(40).lab("ALT", 20, 42), "OS", (40, 0, "DEATH")),
    "a death without relapse": (lambda b: b.died(60), "NRM", (60, 0, "DEATH")),
    "a relapse first competes": (lambda b: relapsed(b, 60).died(90), "NRM", (60, 2, "RELAPSE")),
    "a relapse on the day of death competes": (lambda b: relapsed(b, 60).died(60), "NRM", (60, 2, "RELAPSE")),
    "a relapse with a partial date is not lost": (lambda b: relapsed(b, "2025-01").died(90), "NRM", (1, 2, "RELAPSE")),
    "a relapse before the infusion": (lambda b: relapsed(b, "2024-06").died(90), "NRM", (90, 0, "DEATH")),
    "alive without relapse": (lambda b: b.seen(70), "NRM", (70, 1, ALIVE)),
    "new therapy": (lambda b: b.drug("ruxolitinib", 20).died(60), "FFS", (20, 0, "NEW SYSTEMIC THERAPY")),
    "relapse before new therapy": (lambda b: relapsed(b, 30).drug("ruxolitinib", 40), "FFS", (30, 0, "RELAPSE")),
    "no anti-GVHD drug": (lambda b: b.drug("aciclovir", 20).died(60), "FFS", (60, 0, "DEATH")),
}


def relapsed(builder: TrialBuilder, day: int | str) -> TrialBuilder:
    return builder.add("CE", CETERM="RELAPSE", CESTDTC=builder.date(day))


class Derived:
    """ADTTE of a small trial, with what else a test asks for."""

    def __init__(self, builder: TrialBuilder, protocol: Protocol, analysis: Analysis) -> None:
        self.domains = builder.domains()
        self.adsl = derive_subjects(StudyData(self.domains, protocol, analysis, CUT))
        self.adtte = derive_adtte(self.adsl, StudyData(self.domains, protocol, analysis, CUT))
        self.rules = {q["rule"] for q in survival_queries(self.adsl, self.domains, protocol, CUT)}
        self.unresolved = unresolved_subjects(self.adsl, self.domains, CUT)["SUBJID"].tolist()

    def time(self, parameter: str = "OS", subject: str = "S01") -> tuple[float, int, str]:
        rows = self.adtte[self.adtte["PARAMCD"].eq(parameter) & self.adtte["SUBJID"].eq(subject)]
        row = rows.iloc[0]
        return row["AVAL"], row["CNSR"], row["EVNTDESC"]


@pytest.fixture
def derived(protocol: Protocol, analysis: Analysis):  # type: ignore[no-untyped-def]
    return lambda builder, **keys: Derived(builder, protocol, analysis.model_copy(update=keys))


@pytest.fixture(scope="module")
def everybody(protocol: Protocol) -> Derived:
    """One trial in which each story happens to one subject."""
    builder = trial()
    for name, (story, _, _) in STORIES.items():
        story(builder.subject(name).infused(0))
    return Derived(builder, protocol, analysis_values(protocol, {}, "protocol.yaml"))


def subject() -> TrialBuilder:
    return trial().subject("S01").infused(0)


@pytest.mark.parametrize("name", STORIES)
def test_whose_time_ends_when_and_why(name: str, everybody: Derived) -> None:
    _, parameter, expected = STORIES[name]
    assert everybody.time(parameter, name) == expected


def test_each_endpoint_has_one_row_per_treated_subject(everybody: Derived) -> None:
    assert everybody.adtte.groupby("PARAMCD")["USUBJID"].nunique().to_dict() == dict.fromkeys(
        ("FFS", "NRM", "OS"), len(STORIES)
    )
    assert not everybody.adtte.duplicated(["PARAMCD", "USUBJID"]).any()


def test_one_day_is_added_only_when_the_key_says_so(derived) -> None:  # type: ignore[no-untyped-def]
    assert derived(subject().died(60), os_add_one=True).time("OS")[0] == 61


def test_the_never_treated_have_no_survival_time(derived) -> None:  # type: ignore[no-untyped-def]
    assert derived(trial().subject("S01").subject("S02").infused(0)).adtte["SUBJID"].unique().tolist() == ["S02"]


def test_without_ce_a_relapse_is_unknown_and_never_no(derived) -> None:  # type: ignore[no-untyped-def]
    result = derived(subject().drug("aciclovir", 1).died(60))
    assert result.adtte["PARAMCD"].tolist() == ["OS"]
    assert "P34-RELAPSE-NOT-DELIVERED" in result.rules


def test_who_is_seen_after_the_death_has_no_survival_time_until_the_site_answers(derived) -> None:  # type: ignore[no-untyped-def]
    result = derived(subject().died(40).seen(41).subject("S02").infused(0))
    assert result.unresolved == ["S01"]
    assert result.adtte["SUBJID"].tolist() == ["S02"]
    assert "P25-RECORD-AFTER-DEATH" in result.rules


def test_a_death_before_the_infusion_is_left_out_loudly(derived) -> None:  # type: ignore[no-untyped-def]
    result = derived(subject().died(-3))
    assert (result.unresolved, len(result.adtte)) == (["S01"], 0)
    assert "P25-DEATH-BEFORE-INFUSION" in result.rules


def test_a_censored_time_names_its_record(derived) -> None:  # type: ignore[no-untyped-def]
    adtte = derived(subject().lab("ALT", 20, 50)).adtte
    assert adtte["CNSDTDSC"].tolist() == ["LB.LBDTC LBSEQ=1"]


def test_a_trial_without_the_endpoint_has_no_times(protocol: Protocol, analysis: Analysis) -> None:
    study = protocol.study.model_copy(update={"endpoints": ["TEAE"]})
    result = Derived(subject().died(40), protocol.model_copy(update={"study": study}), analysis)
    assert (len(result.adtte), result.rules) == (0, set())


def test_a_trial_without_subjects_has_the_columns_and_no_rows(derived) -> None:  # type: ignore[no-untyped-def]
    adtte = derived(trial()).adtte
    assert len(adtte) == 0
    assert str(adtte["ADT"].dtype) == "datetime64[s]"
