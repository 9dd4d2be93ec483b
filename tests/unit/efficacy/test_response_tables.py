"""What readers see of the response: headline, listing, figures; of a cohort, of nobody, without the endpoint."""

from __future__ import annotations

import pandas as pd
import pytest

from support.reported_rows import response_rate_rows
from support.trial_builder import TrialBuilder, trial
from trialbook.core.dates import as_date
from trialbook.display.charts.response import (
    grade_flow,
    grade_spider,
    grade_trajectories,
    organ_heatmap,
    rate_forest,
    response_stack,
    stage_waterfall,
)
from trialbook.display.figures import SIGNAL, clean_spec, with_signal
from trialbook.efficacy import course_tables
from trialbook.efficacy import response_figures as drawn
from trialbook.efficacy import response_tables as views
from trialbook.efficacy import response_tables as words
from trialbook.efficacy.adrs import derive_adrs
from trialbook.efficacy.estimands import COLUMNS, estimands
from trialbook.efficacy.rates import category_rows
from trialbook.efficacy.response_bounds import bounds_listing, response_bounds_rows
from trialbook.efficacy.sensitivity import sensitivity_responses
from trialbook.protocol.study_data import StudyData
from trialbook.results.ard import to_ard
from trialbook.subjects.adsl import derive_subjects

CUT = as_date("2025-09-30")


class Shown:
    """Everything notebook 05 shows, derived from one small trial."""

    def __init__(self, built: TrialBuilder, protocol, analysis) -> None:
        self.domains = domains = built.delivers("CM").domains()
        self.protocol, self.analysis = protocol, analysis
        self.adsl = derive_subjects(StudyData(domains, protocol, analysis, CUT))
        self.responses = sensitivity_responses(self.adsl, StudyData(domains, protocol, analysis, CUT))
        self.adrs = derive_adrs(self.adsl, StudyData(domains, protocol, analysis, CUT))
        self.ard = to_ard(
            response_rate_rows(self.responses, protocol, analysis) + category_rows(self.responses, protocol)
        )  # fmt: skip

    def frames(self) -> dict[str, object]:
        return {
            "course": drawn.organ_course(self.adrs, self.responses, self.adsl, 40),
            "changes": drawn.stage_changes(self.responses, self.adrs, self.adsl, 40),
            "shares": drawn.category_shares(self.ard),
            "forest": drawn.forest_rows(self.ard, self.analysis),
            "grades": course_tables.grade_courses(self.adrs, self.adsl, self.domains, self.analysis, 40),
            "spider": course_tables.grade_changes(self.adrs, self.adsl, 40),
        }

    def listings(self) -> list[object]:
        listing = views.response_listing(self.responses, self.adrs, self.adsl)
        return [
            listing, course_tables.non_response_listing(listing), course_tables.later_listing(self.adrs, self.adsl),
            course_tables.pending_listing(self.responses, self.adsl, self.analysis), self.grid(),
        ]  # fmt: skip

    def grid(self):
        grid = course_tables.sensitivity_grid(self.ard, self.responses, self.adsl, self.analysis, 2)
        return grid.set_index("CHOICE") if len(grid) else grid

    def specifications(self) -> list[dict]:
        frames, order = self.frames(), drawn.category_order()
        charts = [
            organ_heatmap(frames["course"], [*views.ORGAN_NAMES.values(), "Event"]),
            stage_waterfall(frames["changes"], order),
            response_stack(frames["shares"], [*self.protocol.level_ids, "Total"], order),
            rate_forest(frames["forest"], self.analysis.orr0),
            grade_trajectories(frames["grades"]),
            grade_spider(frames["spider"], self.protocol.level_ids),
        ]
        return [clean_spec(with_signal(chart.to_dict())) for chart in charts]


def cohort() -> TrialBuilder:
    built = trial().subject("S01").infused(0).stages(-1, 3, 1, 0, 2).stages(28, 0, 0, 0, 0).drug("ruxolitinib", 20)
    built.subject("S02").infused(0).stages(-1, 3, 1, 0, 2).stages(28, 1, None, 0, 2).stages(14, 2, 1, 0, 2)
    built.subject("S03").infused(0).stages(-1, 3, 1, 0, 2).died(10)
    built.subject("S04").infused(0).stages(-1, 2, 0, 0, 0).stages(27, 1, 0, 0, 0)
    return built.subject("S05", start="2025-09-20").infused(0).stages(-1, 2, 0, 0, 0)


@pytest.fixture
def shown(protocol, analysis) -> Shown:
    return Shown(cohort(), protocol, analysis)


def test_the_headline_gives_denominator_pending_and_rate(shown) -> None:
    numbers = {label: value for label, value, _ in words.response_headline(shown.ard, shown.analysis)}
    assert numbers == {
        "Mature for day 28": "4", "Pending": "1", "Responders (CR or PR)": "1", "Response rate at day 28": "0.250",
    }  # fmt: skip
    assert words.response_sentence(shown.ard, shown.analysis).startswith("1 of 4 mature subjects responded")


def test_the_listing_says_why_a_subject_did_not_respond(shown) -> None:
    listing = views.response_listing(shown.responses, shown.adrs, shown.adsl).set_index("SUBJID")
    assert listing["AVALC"].to_dict() == {"S01": "NR", "S02": "NR", "S03": "NR", "S04": "PR", "S05": "PENDING"}
    assert listing.loc["S01", ["REASON", "EVENT", "NOTE"]].tolist() == [
        "new systemic therapy", "ruxolitinib 2025-01-30", "by stages alone: CR",
    ]  # fmt: skip
    assert listing.loc["S02", "REASON"] == "an organ or a steroid dose is not known"
    assert listing.loc["S03", ["REASON", "EVENT"]].tolist() == ["died by day 28", "2025-01-20"]
    assert listing.loc["S02", "D28STG"] == "1-?-0-2 (NE)"


def test_a_missing_stage_is_blank_in_the_figure_and_not_0(shown) -> None:
    course = drawn.organ_course(shown.adrs, shown.responses, shown.adsl, 40)
    liver = course[(course["SUBJECT"] == "S02") & (course["ROW"] == "Liver")]
    assert liver["DAY"].tolist() == [-1, 14]
    marks = course[course["ROW"] == "Event"][["SUBJECT", "DAY", "KIND"]].to_numpy().tolist()
    assert marks == [["S01", 20, "new therapy"], ["S03", 10, "death"]]


def test_the_waterfall_holds_every_mature_subject_and_says_what_is_not_known(shown) -> None:
    changes = drawn.stage_changes(shown.responses, shown.adrs, shown.adsl, 40)
    assert changes[["SUBJECT", "CHANGE", "LABEL"]].to_numpy().tolist() == [
        ["S01", -6.0, "NR (new systemic therapy)"], ["S04", -1.0, "PR"],
        ["S02", 0.0, "NR (an organ or a steroid dose is not known), change not known"],
        ["S03", 0.0, "NR (died by day 28), change not known"],
    ]  # fmt: skip


def test_the_stack_holds_every_treated_subject(shown) -> None:
    shares = drawn.category_shares(shown.ard)
    assert shares[shares["LEVEL"] == "Total"]["SUBJECTS"].sum() == 5
    assert set(shares["CATEGORY"]) == {"PR", "NR by rule", "pending"}


def test_published_rates_are_marked_as_not_comparable(shown) -> None:
    forest = drawn.forest_rows(shown.ard, shown.analysis)
    assert forest["KIND"].tolist() == ["this trial"] * 2 + ["external, not comparable"] * 3
    assert forest["ROW"].tolist()[:2] == ["DL1: 1 of 4", "Total: 1 of 4"]


def test_the_charts_are_safe_specifications(shown) -> None:
    assert all("mark" in str(spec) for spec in shown.specifications())


def test_with_nobody_treated_everything_says_so(protocol, analysis) -> None:
    shown = Shown(trial().subject("S01", level="SCRNFAIL"), protocol, analysis)
    assert all(len(frame) == 0 for frame in shown.frames().values())
    assert len(shown.specifications()) == 6
    assert [len(listing) for listing in shown.listings()[:-1]] == [0, 0, 0, 0]
    assert set(shown.grid()["RATE"]) == {"-"}
    headline = words.response_headline(shown.ard, analysis)
    assert headline[-1] == ("Response rate at day 28", "-", "")
    assert "not known yet" in words.response_sentence(shown.ard, analysis)


def test_with_one_pending_subject_the_rate_is_not_known_yet(protocol, analysis) -> None:
    built = trial().subject("S01", start="2025-09-20").infused(0).stages(-1, 2, 0, 0, 0)
    shown = Shown(built, protocol, analysis)
    assert words.response_sentence(shown.ard, analysis) == (
        "The response rate is not known yet: no subject is mature for day 28. 1 treated subject is pending."
    )
    assert len(shown.frames()["changes"]) == 0
    assert len(shown.frames()["forest"]) == 0
    assert len(shown.specifications()) == 6


def test_without_the_endpoint_the_reader_is_told(protocol, analysis) -> None:
    study = protocol.study.model_copy(update={"endpoints": ["TEAE"]})
    shown = Shown(cohort(), protocol.model_copy(update={"study": study}), analysis)
    assert words.response_headline(shown.ard, analysis) == []
    assert [len(listing) for listing in shown.listings()] == [0] * 5
    assert all(len(frame) == 0 for frame in shown.frames().values())
    assert len(shown.specifications()) == 6


def test_one_picked_subject_stands_out_in_every_figure_of_subjects(shown) -> None:
    linked = [SIGNAL in str(spec.get("params")) for spec in shown.specifications()]
    assert linked == [True, True, False, False, True, True]


def test_the_grid_names_the_subjects_who_change_and_says_how_far_the_rate_moves(shown) -> None:
    grid = shown.grid()
    assert grid.loc["Primary analysis", ["Total", "RATE", "LOW", "HIGH", "MOVE", "CHANGES"]].tolist() == [
        "1 of 4", "0.250", "0.006", "0.806", "0", "nobody",
    ]  # fmt: skip
    ignored = grid.loc["new therapy is ignored"]
    assert (ignored["Total"], ignored["MOVE"], ignored["CHANGES"]) == (
        "2 of 4",
        "+0.250",
        "S01: NR (new systemic therapy) to CR",
    )
    assert grid.loc["without subjects lacking an assessment in the window", "CHANGES"] == "nobody"
    assert "the assessment nearest to day 28, before day 49" in grid.index


def test_many_changes_of_one_choice_are_counted(protocol, analysis) -> None:
    built = trial()
    for number in range(4):
        built.subject(f"S{number}").infused(0).stages(-1, 2, 0, 0, 0).stages(28, 0, 0, 0, 0).drug("ruxolitinib", 20)
    told = Shown(built, protocol, analysis).grid().loc["new therapy is ignored", "CHANGES"]
    assert told == "S0: NR (new systemic therapy) to CR; S1: NR (new systemic therapy) to CR; and 2 more"


def test_the_listings_say_who_did_not_respond_and_who_is_pending(shown) -> None:
    listing = views.response_listing(shown.responses, shown.adrs, shown.adsl)
    lost = course_tables.non_response_listing(listing).set_index("SUBJID")["WHY"].to_dict()
    assert lost == {
        "S01": "new systemic therapy: ruxolitinib 2025-01-30",
        "S02": "an organ or a steroid dose is not known",
        "S03": "died by day 28: 2025-01-20",
    }
    waiting = course_tables.pending_listing(shown.responses, shown.adsl, shown.analysis)
    assert waiting[["SUBJID", "MATURE"]].values.tolist() == [["S05", as_date("2025-10-21")]]


def test_the_course_shows_known_grades_and_the_days_on_which_steroids_change(protocol, analysis) -> None:
    built = trial().subject("S01").infused(0).stages(-1, 3, 1, 0, 2).stages(14, 2, None, 0, 2).stages(28, 1, 0, 0, 0)
    built.add("VS", VSTESTCD="WEIGHT", VSORRES=50, VSORRESU="kg", VSDTC=built.date(-1))
    built.drug("methylprednisolone", -3, end=4, dose=100).drug("methylprednisolone", 5, end=9, dose=50)
    frames = Shown(built, protocol, analysis).frames()
    grades = frames["grades"]
    known = grades[grades["KIND"] == "grade"][["DAY", "VALUE"]].values.tolist()
    assert known == [[-1, 3.0], [28, 1.0]]
    steroids = grades[grades["KIND"] == "steroids"][["DAY", "VALUE"]].values.tolist()
    assert steroids == [[-8, 0.0], [-3, 2.0], [5, 1.0], [10, 0.0], [263, 0.0]]
    assert frames["spider"][["DAY", "CHANGE"]].values.tolist() == [[-1, 0], [28, -2]]


def test_each_subject_has_one_line_of_later_endpoints(shown) -> None:
    listing = course_tables.later_listing(shown.adrs, shown.adsl).set_index("SUBJID")
    assert listing.loc["S04", ["BOR", "VGPR", "ORGANS", "DURABLE", "STEROIDS"]].tolist() == [
        "PR (day 27)", "Y", "Skin PR", "N", "",
    ]  # fmt: skip
    assert listing.loc["S05", "BOR"] == "PENDING"
    assert listing.loc["S03", "ORGANS"] == ", ".join(
        f"{organ} NR (died by day 28)" for organ in ("Skin", "Liver", "Lower GI")
    )


def test_estimands_follow_the_keys_in_force(protocol, analysis) -> None:
    def told(column: str, attribute: str, **keys) -> str:
        frame = estimands(protocol, analysis.model_copy(update=keys)).set_index("ATTRIBUTE")
        return str(frame.loc[attribute, column])

    assert list(estimands(protocol, analysis).columns) == list(COLUMNS)
    assert "CIBMTR rules" in told("ORR", "Variable")
    assert "CN rules" in told("ORR", "Variable", response_rules="CN")
    assert "(day 21 to 35)" in told("ORR", "Variable", d28_window=[21, 35])
    drug = "New systemic therapy of the disease"
    assert "composite" in told("ORR", drug)
    assert "treatment policy" in told("ORR", drug, newtx_strategy_orr="treatment_policy")
    assert "composite" in told("ORR", "Relapse of the malignancy", relapse_strategy_orr="composite")
    assert "day 50" in told("OS", "Summary", os_days=[50])
    assert "day 0 to 27" in told("DLT", "Variable", dlt_window=[0, 27])
    assert "to day 90" in told("SAFETY", "Variable", safety_end_rel_day=90)


def test_an_endpoint_that_the_trial_does_not_have_has_no_estimand(protocol, analysis) -> None:
    study = protocol.study.model_copy(update={"endpoints": ["TEAE"]})
    frame = estimands(protocol.model_copy(update={"study": study}), analysis)
    assert not {"ORR", "OS"} & set(frame.columns)


def test_the_sentence_holds_worst_and_best_case_or_says_not_evaluable(shown) -> None:
    rows = response_bounds_rows(shown.adrs, shown.adsl, ["DL1"])
    known = pd.concat([shown.ard, to_ard(rows)], ignore_index=True)
    said = words.response_sentence(known, shown.analysis)
    assert "Response, worst and best case: between 1 and 2 of 4, open: S02; with pending 1 to 3 of 5." in said
    assert ("Worst to best case", "1 to 2 of 4", "pending too: 1 to 3 of 5") in words.response_headline(
        known, shown.analysis
    )
    own = (known["analysis_id"] == "ORR_D28") & known["stat_name"].isin(["n", "estimate", "conf.low", "conf.high"])
    known.loc[own, "stat"], known.loc[own, "stat_text"] = float("nan"), "NE"
    said = words.response_sentence(known, shown.analysis, {"CM"})
    assert said.startswith("The response at day 28 is not evaluable (1 to 2 of 4): medication records (CM) were not")
    listing = bounds_listing(shown.adrs, shown.adsl).set_index("SUBJID")
    assert listing.loc["S02", ["COUNTED", "LEAST", "MOST"]].tolist() == [
        "NR (an organ or a steroid dose is not known)",
        "NR",
        "PR",
    ]


def test_the_flow_of_grades_counts_every_subject_once_at_each_time(shown) -> None:
    moves = course_tables.grade_moves(shown.adrs, shown.responses, shown.adsl, shown.analysis)
    assert moves.groupby("TIME", sort=False)["SUBJECTS"].sum().to_dict() == {"Baseline": 5, "Day 14": 5, "Day 28": 5}
    at = {(row.TIME, row.STATE): row.WHO for row in moves.itertuples() if row.STATE in ("died", "pending")}
    assert at == {
        (day, state): who for day in ("Day 14", "Day 28") for state, who in (("died", "S03"), ("pending", "S05"))
    }
    assert grade_flow(moves).to_dict()["layer"]
