"""When a response comes and when it ends: progression, new therapy, death, or not yet (§2.8, A-58)."""

from __future__ import annotations

import pandas as pd
import pytest

from support.reported_rows import time_to_event_rows
from support.trial_builder import TrialBuilder, trial
from trialbook.core.dates import as_date
from trialbook.efficacy.adtte import derive_adtte, follow_up_queries
from trialbook.efficacy.rates import time_to_response_rows
from trialbook.efficacy.survival_tables import response_times
from trialbook.protocol.study_data import StudyData
from trialbook.results.ard import to_ard
from trialbook.subjects.adsl import derive_subjects

CUT = as_date("2025-09-30")


@pytest.fixture
def times(protocol, analysis):
    def derive(built: TrialBuilder, cut: pd.Timestamp = CUT, **keys) -> pd.DataFrame:
        changed = type(analysis).model_validate({**analysis.model_dump(), **keys})
        domains = built.delivers("CM", "CE").domains()
        return derive_adtte(
            derive_subjects(StudyData(domains, protocol, changed, cut)), StudyData(domains, protocol, changed, cut)
        )

    return derive


def responder() -> TrialBuilder:
    """A partial response from day 14, seen at day 28 too."""
    built = trial().subject("S01").infused(0).stages(-1, 3, 1, 0, 2)
    return built.stages(14, 2, 1, 0, 1).stages(28, 1, 0, 0, 1)


def ending(adtte: pd.DataFrame, parameter: str = "DOR") -> tuple[float, int, str]:
    (row,) = adtte[adtte["PARAMCD"] == parameter].to_dict("records")
    return row["AVAL"], row["CNSR"], row["EVNTDESC"]


def test_a_response_that_goes_on_is_censored_at_the_last_assessment(times) -> None:
    assert ending(times(responder().stages(56, 1, 0, 0, 1).seen(100))) == (28, 1, "CENSORED: last assessment of GVHD")
    assert ending(times(responder())) == (0, 1, "CENSORED: last assessment of GVHD")


def test_it_ends_with_an_organ_that_worsens_against_its_best_stage_and_stays_so(times) -> None:
    lasting = responder().stages(42, 2, 0, 0, 1).stages(56, 2, 0, 0, 1)
    assert ending(times(lasting)) == (14, 0, "PROGRESSION")
    passing = responder().stages(42, 2, 0, 0, 1).stages(56, 1, 0, 0, 1)
    assert ending(times(passing))[1] == 1
    assert ending(times(passing, dor_progression="single")) == (14, 0, "PROGRESSION")
    assert ending(times(responder().stages(42, 2, 0, 0, 1)))[1] == 1


def test_worse_is_against_the_lowest_stage_so_far_and_not_against_the_baseline(times) -> None:
    better_first = responder().stages(42, 0, 0, 0, 0).stages(56, 1, 0, 0, 0).stages(70, 1, 0, 0, 0)
    assert ending(times(better_first)) == (28, 0, "PROGRESSION")


def test_a_worsening_that_needs_therapy_counts_from_its_own_day(times) -> None:
    built = responder().stages(42, 3, 0, 0, 1).drug("ruxolitinib", 45)
    assert ending(times(built)) == (14, 0, "PROGRESSION")
    assert ending(times(responder().drug("ruxolitinib", 45))) == (17, 0, "NEW SYSTEMIC THERAPY")


def test_it_ends_with_death_of_any_cause_and_ignores_what_comes_later(times) -> None:
    assert ending(times(responder().died(60))) == (32, 0, "DEATH")
    assert ending(times(responder().drug("ruxolitinib", 45).died(60)))[0] == 17
    assert ending(times(responder().stages(56, 1, 0, 0, 1).died(60), cut=as_date("2025-03-10")))[1] == 1


def test_a_missing_organ_is_no_progression(times) -> None:
    built = responder().stages(42, None, 0, 0, 1).stages(56, 1, 0, 0, 1)
    assert ending(times(built)) == (28, 1, "CENSORED: last assessment of GVHD")


def test_time_to_response_is_the_day_of_the_first_response_of_a_mature_subject(times) -> None:
    assert ending(times(responder()), "TTR") == (14, 0, "FIRST RESPONSE: PR")
    early = times(responder(), cut=as_date("2025-01-30"))
    assert not set(early["PARAMCD"]) & {"TTR", "DOR"}


def test_duration_can_start_with_the_first_response(times) -> None:
    assert ending(times(responder().died(60), dor_start="first_response")) == (46, 0, "DEATH")


def test_who_does_not_respond_at_day_28_has_no_duration_but_a_time(times) -> None:
    built = responder().drug("ruxolitinib", 20)
    adtte = times(built)
    assert not (adtte["PARAMCD"] == "DOR").any()
    assert ending(adtte, "TTR")[0] == 14
    assert ending(times(built, dor_start="first_response")) == (6, 0, "NEW SYSTEMIC THERAPY")


def test_the_times_are_reported_and_listed(times, protocol, analysis) -> None:
    adtte = times(responder().died(60))
    ard = to_ard(time_to_response_rows(adtte, protocol) + time_to_event_rows(adtte, protocol, analysis, "DOR"))
    total = ard[(ard["group1_level"] == "Total") & (ard["analysis_id"] == "TTR")]
    assert dict(zip(total["stat_name"], total["stat_text"], strict=True)) == {
        "n": "1", "median": "14", "min": "14", "max": "14",
    }  # fmt: skip
    empty = ard[(ard["group1_level"] == "DL2") & (ard["analysis_id"] == "TTR") & (ard["stat_name"] != "n")]
    assert set(empty["stat_text"]) == {"-"}
    assert response_times(adtte)[["FIRST", "AVAL", "EVNTDESC"]].values.tolist() == [[14.0, 32.0, "died"]]


def test_the_status_of_who_was_last_seen_long_ago_is_asked_for(times, analysis) -> None:
    built = responder().seen(100).subject("S02", start="2025-09-01").infused(0)
    asked = follow_up_queries(times(built), analysis, CUT)
    assert [(q["subject"], q["rule"], q["observed"]) for q in asked] == [
        ("iMSC-2001-S01", "FOLLOW-UP-STALE", "2025-04-20")
    ]
