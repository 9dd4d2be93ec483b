"""Exposure, relationship, infections, event rates, listings and what opens behind each number, on a small trial."""

from __future__ import annotations

import pandas as pd
import pytest

from support.reported_rows import soc_pt_rows
from support.trial_builder import TrialBuilder, trial
from trialbook.core.domains import Domains
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.load import analysis_values
from trialbook.protocol.models import Protocol
from trialbook.protocol.study_data import StudyData
from trialbook.results.ard import to_ard
from trialbook.safety import ae_tables, counting, exposure, figures, lab_figures, lab_tables, listings
from trialbook.safety.adae import derive_adae
from trialbook.safety.adlb import derive_adlb
from trialbook.safety.table_inputs import EventData
from trialbook.subjects.adsl import derive_subjects

CUT = pd.Timestamp("2025-12-31").as_unit("s")


def small_trial() -> TrialBuilder:
    """Three treated subjects and a screen failure; S01 gets both infusions, S02 one of two, S03 dies."""
    built = trial().subject("S01").infused(0, dose=1.0, time="T10:00").infused(7, dose=1.1)
    built.event("Pyrexia", "2025-01-10T12:30", 3, related="PROBABLY RELATED", serious="Y", AESHOSP="Y", AESLIFE="Y",
                AEACN="DRUG WITHDRAWN", AEOUT="RECOVERED/RESOLVED", end=2)  # fmt: skip
    built.event("Nausea", 8, 1, related="UNLIKELY RELATED", soc="GI").event("Nausea", 20, 2, related="N", soc="GI")
    built.event("CMV infection", 30, 2, related="", soc="Infections and infestations")
    built.lab("PLAT", 90, -1, unit="10^9/L", low=100).lab("PLAT", 20, 3, unit="10^9/L", low=100)
    built.lab("CREAT", 40, -1, unit="umol/L", high=97).lab("CREAT", 121, 5, unit="umol/L", high=97)
    built.drug("ruxolitinib", 12, dose=10, category="GVHD").drug("omeprazole", 3)
    built.subject("S02").infused(0, dose=1.0).event("Nausea", 2, 2, soc="GI", related="POSSIBLY RELATED")
    built.add("DV", DVTERM="Second infusion missed", DVDECOD="DOSE", DVCAT="MAJOR", DVSTDTC=built.date(7))
    built.subject("S03").infused(0, dose=2.0).infused(7, dose=2.0)
    built.event("Sepsis", 4, 5, serious="Y", soc="Infections and infestations", AEOUT="FATAL", AESDTH="Y")
    built.died(9)
    return built.subject("S04", level="SCRNFAIL").event("Sepsis", -1, 5, serious="Y")


class Small:
    """The small trial with its datasets."""

    def __init__(self, domains: Domains, protocol: Protocol) -> None:
        self.domains, self.protocol = domains, protocol
        self.analysis: Analysis = analysis_values(protocol, {}, "protocol.yaml")
        self.adsl = derive_subjects(StudyData(domains, protocol, self.analysis, CUT))
        self.adae = derive_adae(self.adsl, StudyData(domains, protocol, self.analysis, CUT))
        self.data = EventData(self.adae, self.adsl)

    def exposed(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Infusions and exposure of subjects."""
        given = exposure.infusions_of_treated(self.adsl, StudyData(self.domains, self.protocol, self.analysis, CUT))
        return given, exposure.exposure_of_subjects(given, self.adsl, self.protocol, CUT)


@pytest.fixture(scope="module")
def small(protocol: Protocol) -> Small:
    return Small(small_trial().domains(), protocol)


def stats(
    ard: pd.DataFrame, variable: str, value: str = "", *, of: str = "Total", context: str = ""
) -> dict[str, float]:
    rows = ard[ard["variable"].eq(variable) & ard["variable_level"].eq(value) & ard["group1_level"].eq(of)]
    return rows[rows["context"].eq(context)].set_index("stat_name")["stat"].to_dict()


def test_exposure_counts_infusions_against_those_due_and_sums_the_cells(small: Small) -> None:
    given, subjects = small.exposed()
    ard = to_ard(exposure.dosing_rows(given, subjects, small.adsl, small.protocol))
    assert stats(ard, "NINF", "2")["n"] == 2
    assert (stats(ard, "DUE")["n"], stats(ard, "FEWER")["n"]) == (2, 1)
    assert subjects["CUMDOSE"].tolist() == pytest.approx([2.1, 1.0, 4.0])
    assert subjects["SHARE"].tolist() == pytest.approx([105, 50, 100])
    second = stats(ard, "DOSEKG", "2")
    assert (second["n"], second["median"], second["min"], second["max"]) == pytest.approx((2, 1.55, 1.1, 2.0))
    assert stats(ard, "DOSEKG", "1", of="DL3")["n"] == 0


def test_the_subjects_behind_each_number_of_the_exposure_give_that_number(small: Small) -> None:
    given, exposed = small.exposed()
    sets = exposure.exposure_sets(exposed)
    rows = to_ard(exposure.dosing_rows(given, exposed, small.adsl, small.protocol))
    counted = rows[rows["variable"].isin(["NINF", "DUE", "FEWER"]) & rows["stat_name"].eq("n")]
    words = counted["variable"].map(exposure.LABELS)
    keys = zip(words, counted["variable_level"], counted["group1_level"], strict=True)
    assert [len(sets.get(key, ())) for key in keys] == counted["stat"].astype(int).tolist()
    lines = exposure.exposure_lines(exposed, small.adsl)
    (fewer,) = sets[exposure.LABELS["FEWER"], "", "Total"]
    assert lines.iloc[fewer][["SUBJID", "NINF", "DUE"]].tolist() == ["S02", 1, 2]
    assert exposure.exposure_sets(exposed.iloc[:0]) == {}


def test_an_infusion_is_not_due_before_its_day_and_window_have_passed(protocol: Protocol) -> None:
    built = trial().subject("S01", start="2025-12-23").infused(0)
    assert Small(built.domains(), protocol).exposed()[1]["DUE"].tolist() == [2]  # day 8 is the cut
    built = trial().subject("S01", start="2025-12-24").infused(0)
    assert Small(built.domains(), protocol).exposed()[1]["DUE"].tolist() == [1]


def test_each_subject_stands_under_its_strongest_relationship(small: Small) -> None:
    ard = to_ard(ae_tables.relation_rows(small.adae, small.adsl, small.protocol))
    overall = ard[ard["variable"].eq("TEAE") & ard["group1_level"].eq("Total") & ard["stat_name"].eq("n")]
    counted = {row.context: row.stat for row in overall.itertuples() if row.stat}
    assert counted == {"probably related": 1, "possibly related": 1, "not related": 1}
    assert stats(ard, "GI", "Nausea", context="unlikely related")["n"] == 1  # S01, whose other nausea is unrelated
    of_term = ard[ard["variable_level"].eq("CMV infection") & ard["stat_name"].eq("n")]
    assert set(of_term["context"]) == {"not given"}


def test_infections_are_counted_by_kind_and_a_subject_once_in_any(small: Small) -> None:
    ard = to_ard(ae_tables.infection_rows(small.adae, small.adsl, small.protocol, small.analysis))
    assert stats(ard, "INFCAT", "Any infection")["n"] == 2
    assert stats(ard, "INFCAT", "CMV infection or reactivation")["n"] == 1
    assert stats(ard, "INFCAT", "Bacterial infection", of="DL2") == {"n": 1, "N": 1, "p": 1, "events": 1}
    none = small.analysis.model_copy(update={"infections": []})
    assert ae_tables.infection_rows(small.adae, small.adsl, small.protocol, none) == []


def test_event_rates_count_every_event_over_the_whole_time_at_risk(small: Small) -> None:
    rows = exposure.event_rate_rows(small.adae, small.adsl, small.protocol, small.analysis, CUT)
    days = exposure.days_at_risk(small.adsl, small.analysis, CUT)
    found = stats(to_ard(rows), "TEAE")
    assert found["events"] == 6
    assert found["time"] == pytest.approx(days.sum() / 365.25)
    assert found["rate"] == pytest.approx(6 / (days.sum() / 365.25))


def test_the_listing_of_deaths_names_cause_response_relapse_and_what_is_new(small: Small) -> None:
    responses = pd.DataFrame({"USUBJID": ["iMSC-2001-S03"], "AVALC": ["NR"], "REASON": ["DEATH"]})
    relapsed = pd.DataFrame({"USUBJID": ["iMSC-2001-S03"], "RELAPDT": [pd.Timestamp("2025-01-16").as_unit("s")]})
    alive = small.adsl.assign(DTHFL="")
    listed = listings.deaths_listing(small.adsl, small.adae, responses, relapsed, alive)
    shown = ["SUBJID", "DTHDAY", "SINCELAST", "CAUSE", "RSP28", "RELAPSE", "SINCE"]
    assert listed[shown].values.tolist() == [["S03", "9", "2", "Sepsis", "NR (death)", "yes, day 6", "new"]]
    known = listings.deaths_listing(small.adsl, small.adae, responses.iloc[:0], relapsed.iloc[:0], small.adsl)
    assert known[["RSP28", "RELAPSE", "SINCE"]].values.tolist() == [["", "N", ""]]


def test_serious_events_are_told_in_a_line_each(small: Small) -> None:
    told = listings.serious_listing(small.adae, small.data.lines)["NARRATIVE"].tolist()
    assert told == [
        "Grade 3, began on day 0 (2.5 h after infusion 1), life-threatening, hospitalisation, "
        "related to the study product, recovered/resolved.",
        "Grade 5, began on day 4 (4 d after infusion 1), death, not related to the study product, fatal.",
    ]


def test_stopped_infusions_deviations_and_therapies_are_listed(small: Small) -> None:
    stopped = listings.stopped_listing(small.adae, small.data.lines, small.data.masks["TEAE_DISC"])
    assert stopped[["SUBJID", "ADECOD", "AEACN"]].values.tolist() == [["S01", "Pyrexia", "drug withdrawn"]]
    deviations = listings.deviations_listing(small.domains, small.adsl, small.domains["DV"].iloc[:0])
    assert deviations[["SUBJID", "RELDAY", "SINCE"]].values.tolist() == [["S02", 7, "new"]]
    therapies = listings.therapies_listing(small.domains, small.adsl, small.analysis, None)
    assert therapies[["SUBJID", "DRUG", "DOSE", "RELDAY", "WHEN"]].values.tolist() == [
        ["S01", "ruxolitinib", "10 mg", 12, "after the infusion"]
    ]


def test_a_listing_of_a_domain_that_was_not_delivered_says_so(small: Small) -> None:
    assert listings.empty_words(small.domains, "PR", "None.") == "PR was not delivered: nothing can be said about it."
    assert listings.empty_words(small.domains, "DV", "None.") == "None."


def test_grade_3_and_4_results_name_their_limit_and_the_event_that_explains_them(small: Small) -> None:
    adlb = derive_adlb(small.adsl, StudyData(small.domains, small.protocol, small.analysis, CUT))
    listed = lab_tables.severe_listing(adlb, small.adae, small.adsl, small.analysis)
    assert listed[["TEST", "BGRADE", "WORST", "VALUE", "FIRST", "DRIVER", "RISE", "EVENT"]].values.tolist() == [
        ["CREAT", 0, 3, "121 umol/L", 5, "baseline", "worse", "none: asked"],
        ["PLAT", 1, 4, "20 10^9/L", 3, "fixed limit", "worse", "none: asked"],
    ]


@pytest.mark.parametrize(
    ("event", "flag", "expected"),
    [
        ({"term": "Thrombocytopenia", "day": 9}, "", "Thrombocytopenia"),
        ({"term": "Thrombocytopenia", "day": 11}, "", "none: asked"),
        ({"term": "Rash", "day": 3}, "N", "none: not clinically significant"),
    ],
)
def test_an_event_within_7_days_or_the_investigator_explains_a_grade_4_result(
    event: dict[str, object], flag: str, expected: str, protocol: Protocol
) -> None:
    built = trial().subject("S01").infused(0).event(str(event["term"]), event["day"])  # type: ignore[arg-type]
    built.lab("PLAT", 20, 3, unit="10^9/L", low=100, LBCLSIG=flag)
    one = Small(built.domains(), protocol)
    adlb = derive_adlb(one.adsl, StudyData(one.domains, protocol, one.analysis, CUT))
    assert lab_tables.severe_listing(adlb, one.adae, one.adsl, one.analysis)["EVENT"].tolist() == [expected]


def behind_equals_counts(sets: counting.Sets, ard: pd.DataFrame, keys: list[str], adae: pd.DataFrame) -> None:
    """Every number of subjects and events is what its records give; numbers without records are 0."""
    subjects, events = adae["USUBJID"].tolist(), list(zip(adae["USUBJID"], adae["EPISODE"], strict=True))
    for key in ard[[*keys, "group1_level", "stat_name", "stat"]].itertuples(index=False, name=None):
        of = {"n": subjects, "events": events}.get(key[-2])
        if of is not None:
            assert len({of[position] for position in sets.get(key[:-2], ())}) == key[-1], key


def test_the_records_behind_each_number_give_that_number(small: Small) -> None:
    data, arguments = small.data, (small.adae, small.adsl, small.protocol)
    overview = to_ard(ae_tables.overview_rows(*arguments, small.analysis))
    # A count by severity opens to its records and to those that have no grade.
    by_severity = overview["variable"].isin(list(ae_tables.BY_SEVERITY))
    behind_equals_counts(data.overview_sets(), overview[~by_severity], ["variable"], small.adae)
    behind_equals_counts(counting.mask_sets(small.adae, data.left_open), overview[overview["context"].eq("ungraded")],
                         ["variable"], small.adae)  # fmt: skip
    for name in ae_tables.BY_SEVERITY:
        own = counting.mask_sets(small.adae, {name: data.masks[name] | data.left_open[name]})
        assert own.items() <= data.overview_sets().items()
    for analysis_id, name in ae_tables.SOC_PT_TABLES.items():
        table = to_ard(soc_pt_rows(analysis_id, *arguments))
        behind_equals_counts(data.term_sets(name), table, ["variable", "variable_level"], small.adae)
    teae, keys = data.chosen("TEAE"), ["variable", "variable_level", "context"]
    behind_equals_counts(data.grade_sets(), to_ard(ae_tables.grade_rows(*arguments)), keys, small.adae)
    relations = counting.maximum_sets(teae, ae_tables.relation_rank(small.adae), ae_tables.RELATION_WORDS)
    behind_equals_counts(relations, to_ard(ae_tables.relation_rows(*arguments)), keys, small.adae)
    kinds = counting.record_sets(ae_tables.infections(small.adae), ["INFCAT"])
    infected = to_ard(ae_tables.infection_rows(*arguments, small.analysis))
    behind_equals_counts(kinds, infected, ["variable_level"], small.adae)


def test_the_cells_of_a_table_by_maximum_open_to_their_records(small: Small) -> None:
    ard = to_ard(ae_tables.grade_rows(small.adae, small.adsl, small.protocol))
    table = ae_tables.maximum_frame(ard)
    cells = counting.column_sets(small.data.grade_sets(), table)
    opened = {(table.loc[row, "variable_level"], column): len(found) for (row, column), found in cells.items()}
    # S01's first nausea is milder than its second: only the record with the maximum is behind the number.
    assert opened["Nausea", "grade 2"] == 2
    assert all(table.loc[row, column] != "0" for row, column in cells)


def test_the_results_behind_each_laboratory_number_give_that_number(small: Small) -> None:
    adlb = derive_adlb(small.adsl, StudyData(small.domains, small.protocol, small.analysis, CUT))
    worst = lab_tables.worst_grades(adlb)
    ard = to_ard(lab_tables.worst_grade_rows(worst, small.adsl, small.protocol))
    sets = lab_tables.worst_sets(worst)
    for row in ard.itertuples():
        assert len(sets.get((row.variable, row.context, row.group1_level), ())) == row.stat
    shifts = lab_tables.shift_frame(to_ard(lab_tables.shift_rows(worst, small.protocol)))
    cells = lab_tables.shift_sets(worst, shifts)
    assert {key: len(found) for key, found in cells.items()} == {
        (row, str(column)): shifts.loc[row, column]
        for row in shifts.index
        for column in shifts.columns[2:]
        if shifts.loc[row, column]
    }


@pytest.mark.filterwarnings("error")
def test_every_listing_and_figure_of_nothing_is_empty_with_its_columns(protocol: Protocol) -> None:
    """Nobody treated, no event, no laboratory, no other domain: frames without rows, no warning."""
    for built in (trial().subject("S01").infused(0), trial().subject("S01", level="SCRNFAIL")):
        one = Small(built.domains(), protocol)
        labs = derive_adlb(one.adsl, StudyData(one.domains, protocol, one.analysis, CUT))
        worst, lines = lab_tables.worst_grades(labs), one.data.lines
        given, subjects = one.exposed()
        panel, normal = lab_figures.lab_panel(labs, one.adsl, ["ALT"], 5), lab_figures.normal_limits(labs, ["ALT"])
        empty = [
            lines, listings.serious_listing(one.adae, lines), listings.emergent_listing(one.adae, lines),
            listings.stopped_listing(one.adae, lines, one.data.masks["TEAE_DISC"]),
            listings.deviations_listing(one.domains, one.adsl, None), lab_tables.worst_lines(worst, one.adsl),
            listings.therapies_listing(one.domains, one.adsl, one.analysis, None), panel,
            lab_figures.grade_bands(panel, normal), figures.term_dots(one.adae, one.adsl, protocol.level_ids),
            figures.infusion_hours(one.adae, one.adsl),
            lab_tables.severe_listing(labs, one.adae, one.adsl, one.analysis),
        ]  # fmt: skip
        assert [len(frame) for frame in empty] == [0] * len(empty)
        assert all(len(frame.columns) for frame in empty)
        rows = to_ard(exposure.dosing_rows(given, subjects, one.adsl, protocol))
        assert len(subjects) == rows["stat_name"].eq("N").any() * 1
        assert one.data.overview_sets() == {}
