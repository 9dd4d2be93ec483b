"""Between which days a death lies, and how it reads wherever it is printed (rulebook §3.7; rulebook §14.1)."""

from __future__ import annotations

import pandas as pd
import pytest

from support.trial_builder import FIRST_INFUSION, TrialBuilder, trial
from trialbook.cleaning.endpoint_dependence import moved_endpoints
from trialbook.efficacy.adtte import derive_adtte
from trialbook.efficacy.day28 import day28_response
from trialbook.efficacy.survival_tables import dead_subjects
from trialbook.efficacy.swimmer import swimmer_bars, swimmer_marks
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.models import Protocol
from trialbook.protocol.study_data import StudyData
from trialbook.subjects.adsl import derive_subjects
from trialbook.subjects.deaths import death_date_text, death_day_text, death_queries, death_text

# FIRST_INFUSION is 2025-01-10: REL_DAY 50 is 2025-03-01, REL_DAY 80 is 2025-03-31.
CUT = FIRST_INFUSION + pd.Timedelta(days=100)


def subject() -> TrialBuilder:
    return trial().subject("S01").infused(0)


def fatal(builder: TrialBuilder, day: int | str | None) -> TrialBuilder:
    return builder.event("Sepsis", 5, 5, end=day, AEOUT="FATAL")


def status(builder: TrialBuilder, day: int | str) -> TrialBuilder:
    return builder.add("SS", SSTESTCD="SURVSTAT", SSORRES="DEAD", SSDTC=builder.date(day))


@pytest.mark.parametrize(
    ("builder", "told"),
    [
        pytest.param(subject(), "", id="alive"),
        pytest.param(subject().died(40), "2025-02-19", id="known"),
        pytest.param(fatal(subject().died(40), "2025-02"), "2025-02-19", id="a partial date that agrees"),
        pytest.param(status(subject().died(40), 60), "2025-02-19", id="a later sweep"),
        pytest.param(subject().seen(56).died("2025-03"), "March 2025, day 56 to 80; counted as day 57", id="month"),
        pytest.param(
            status(subject().seen(56).died("2025-03"), 70), "March 2025, day 56 to 70; counted as day 57",
            id="month, and dead by a day of it",
        ),
        pytest.param(subject().seen(20).died("2025-04"), "April 2025, day 81 to 100; counted as day 81", id="to cut"),
        pytest.param(subject().seen(20).died("2025"), "2025, day 20 to 100; counted as day 21", id="year"),
        pytest.param(fatal(subject().seen(20), None), "date unknown, day 20 to 100; counted as day 21", id="none"),
        pytest.param(status(subject().seen(20), 60), "date unknown, day 20 to 60; counted as day 60", id="sweep"),
        pytest.param(fatal(subject().died(40), 38), "sources differ, day 38 to 40; counted as day 38", id="two days"),
        pytest.param(
            fatal(subject().died("2025-03"), 38), "sources differ, day 38 to 80; counted as day 38", id="month differs"
        ),
        pytest.param(
            status(subject().seen(20).died(40), 35), "sources differ, day 20 to 40; counted as day 35",
            id="dead before the day of death",
        ),
    ],
)  # fmt: skip
def test_a_death_reads_as_what_is_known_of_it(
    builder: TrialBuilder, told: str, protocol: Protocol, analysis: Analysis
) -> None:
    adsl = derive_subjects(StudyData(builder.domains(), protocol, analysis, CUT))
    assert death_text(adsl).tolist() == [told]
    known = adsl["DTHDT"].notna()
    assert (adsl["DTHLODT"] <= adsl["DTHDT"])[known].all()
    assert (adsl["DTHDT"] <= adsl["DTHHIDT"])[known].all()


def test_columns_of_dates_and_of_days_say_it_too(protocol: Protocol, analysis: Analysis) -> None:
    domains = subject().infused(7).seen(56).died("2025-03").subject("S02").died("2025-03").domains()
    adsl = derive_subjects(StudyData(domains, protocol, analysis, CUT))
    assert death_date_text(adsl).tolist() == ["March 2025, counted as 2025-03-08", "March 2025, counted as 2025-03-01"]
    assert death_day_text(adsl).tolist() == ["56 to 80, counted as 57", ""]
    assert death_day_text(adsl, "TRTEDT").tolist() == ["49 to 73, counted as 50", ""]
    assert death_text(adsl).tolist()[1] == "March 2025; counted as 2025-03-01"
    asked = {q["subject"]: q["observed"] for q in death_queries(domains, CUT) if q["rule"].endswith("INCOMPLETE")}
    assert asked["iMSC-2001-S01"] == "March 2025, counted as 2025-03-08 (DM, day after last contact)"


def test_times_tables_figures_and_differences_never_show_an_imputed_day_as_a_fact(
    protocol: Protocol, analysis: Analysis
) -> None:
    words = "March 2025, day 56 to 80; counted as day 57"
    domains = subject().seen(56).died("2025-03").subject("S02").infused(0).died(30).domains()
    adsl = derive_subjects(StudyData(domains, protocol, analysis, CUT))
    adtte = derive_adtte(adsl, StudyData(domains, protocol, analysis, CUT))
    assert adtte[["ADTF", "EVNTDESC"]].to_numpy().tolist() == [["D", f"DEATH: {words}"], ["", "DEATH"]]
    assert f"DEATH: {words}" in dead_subjects(adtte)["EVNTDESC"].tolist()
    responses = day28_response(adsl, StudyData(domains, protocol, analysis, CUT))
    bars, marks = swimmer_bars(adtte, responses), swimmer_marks(adtte, domains, responses)
    assert bars["status"].tolist() == [f"died, {words}", "died"]
    assert marks.loc[marks["event"].str.startswith("death"), "event"].tolist() == ["death, day not known", "death"]
    exact = adtte.assign(EVNTDESC="DEATH", ADTF="")
    assert moved_endpoints({"adtte": adtte}, {"adtte": exact})[["old", "new"]].to_numpy().tolist() == [
        [f"died, {words}", "died on day 57"]
    ]
