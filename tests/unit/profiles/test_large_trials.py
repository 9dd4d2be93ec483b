"""A trial of hundreds of subjects drops nobody at risk: profiles for all, and figures that say whom they leave out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from support import raw_export as raw
from support.conducted_trial import PAGES
from support.trial_builder import trial
from trialbook.cleaning import apply_cut, clean_snapshot
from trialbook.conduct.board import status_board
from trialbook.conduct.deviations import checked_infusions, derive_addv
from trialbook.conduct.frames import all_with_columns, treated_of
from trialbook.conduct.visits import visit_table
from trialbook.core.described import look_of
from trialbook.core.domains import Domains
from trialbook.display.charts import safety as safety_charts
from trialbook.display.charts.survival import swimmer_chart
from trialbook.display.figures import clean_spec
from trialbook.display.first_page import MOST_BOARD, signals_on
from trialbook.display.index import render_index, render_subjects
from trialbook.display.index_facts import index_facts
from trialbook.display.page import MOST_SIGNALS, Frame
from trialbook.display.profile import BRIEF, profile_content
from trialbook.display.profile_drawing import MOST_ROWS, bar_note, days_of, drugs, events
from trialbook.dlt.addlt import derive_addlt
from trialbook.efficacy.adrs import derive_adrs
from trialbook.efficacy.adtte import derive_adtte
from trialbook.efficacy.course_tables import grade_changes
from trialbook.efficacy.day28 import day28_response
from trialbook.efficacy.response_figures import organ_course, stage_changes
from trialbook.efficacy.response_tables import (
    DEAD,
    WITH,
    WITHOUT,
    response_kinds,
    response_listing,
    response_ranking,
)  # fmt: skip
from trialbook.efficacy.sensitivity import sensitivity_responses
from trialbook.efficacy.swimmer import first_lanes, swimmer_bars, swimmer_data, swimmer_lanes, swimmer_marks
from trialbook.eligibility.adie import audit
from trialbook.pipeline.signal_files import plain
from trialbook.profiles.profile import Profile, profiles
from trialbook.profiles.subjects import KINDS, profile_note, profiled_subjects, risk_order
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.models import Protocol
from trialbook.protocol.study_data import StudyData
from trialbook.queries.query_list import query_list
from trialbook.results.ard import to_ard
from trialbook.safety.adae import derive_adae
from trialbook.safety.adlb import derive_adlb
from trialbook.safety.ae_tables import safety_records, seriousness_open
from trialbook.safety.figures import HOURS_SHOWN, infusion_hours, term_dots, timeline
from trialbook.safety.lab_figures import liver_courses
from trialbook.safety.lab_tables import hepatic_points, hepatic_screen
from trialbook.safety.listings import CONTRADICTED, event_lines, serious_listing
from trialbook.safety.queries import adverse_event_queries
from trialbook.signals.derive import derive_signals
from trialbook.signals.first_page import first_page
from trialbook.signals.model import SEVERITIES, Facts
from trialbook.snapshot import read_snapshot
from trialbook.subjects.adsl import derive_subjects
from trialbook.subjects.ranking import MOST_DRAWN
from trialbook_demo import write_snapshot

TREATED, WHOLE, DRAWN = 300, 40, 24


@dataclass(frozen=True)
class Large:
    """A simulated trial: its analysis datasets and profiles, of which the first `WHOLE` are whole."""

    data: Mapping[str, pd.DataFrame]
    responses: pd.DataFrame
    profiles: list[Profile]
    study: StudyData


def profiled(
    adsl: pd.DataFrame, day_28: pd.DataFrame, domains: Domains, protocol: Protocol, keys: Analysis, day: pd.Timestamp
) -> dict[str, pd.DataFrame]:
    """The datasets that profiles are made of."""
    return {
        "adsl": adsl, "adae": derive_adae(adsl, StudyData(domains, protocol, keys, day)),
        "adlb": derive_adlb(adsl, StudyData(domains, protocol, keys, day)),
        "addlt": derive_addlt(adsl, StudyData(domains, protocol, keys, day)),
        "adrs": derive_adrs(adsl, StudyData(domains, protocol, keys, day), day_28),
        "adtte": derive_adtte(adsl, StudyData(domains, protocol, keys, day)),
    }  # fmt: skip


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory, protocol: Protocol) -> Large:
    folder = tmp_path_factory.mktemp("large")
    write_snapshot(folder / "s", 7, TREATED)
    cut = raw.trial_of(folder / "s", cut_date="2025-09-30")
    keys, day = cut.analysis.model_copy(update={"profiles_max": WHOLE}), cut.cut_date
    domains = apply_cut(clean_snapshot(read_snapshot(cut), cut).domains, day).domains
    adsl = derive_subjects(StudyData(domains, protocol, keys, day))
    day_28 = day28_response(adsl, StudyData(domains, protocol, keys, day))
    responses = sensitivity_responses(adsl, StudyData(domains, protocol, keys, day), day_28)
    data = profiled(adsl, day_28, domains, protocol, keys, day)
    study = StudyData(domains, protocol, keys, day)
    return Large(data, responses, profiles(data, study), study)


def subjects(large: Large, chosen: pd.Series) -> set[str]:
    """SUBJID of the treated subjects with these USUBJIDs."""
    adsl = large.data["adsl"]
    return set(adsl.loc[adsl["SAFFL"].eq("Y") & adsl["USUBJID"].isin(chosen), "SUBJID"])


def test_every_treated_subject_has_a_profile_in_the_order_of_risk(large: Large) -> None:
    made = [profile.subject for profile in large.profiles]
    assert len(made) == len(set(made)) == TREATED
    assert set(made) == set(profiled_subjects(large.data["adsl"]))
    ranks = [KINDS.index(profile.risk) for profile in large.profiles]
    assert ranks == sorted(ranks)
    # Who has died has a fatal event, which is serious.
    assert set(ranks) == set(range(len(KINDS))) - {KINDS.index("death")}
    addlt, adae, adsl = (large.data[name] for name in ("addlt", "adae", "adsl"))
    waiting = subjects(large, addlt.loc[addlt["DLTSTAT"].isin(["PENDING", "PENDING-DATA"]), "USUBJID"])
    assert set(made[: len(waiting)]) == waiting, "whatever the dose level"
    severe = adae["ASER"].eq("Y") | seriousness_open(adae) | (adae["ATOXGR"] >= 3).fillna(True)
    last = {profile.subject for profile in large.profiles if profile.risk == KINDS[-1]}
    assert not last & subjects(large, adae.loc[severe.astype("bool"), "USUBJID"])
    assert not last & subjects(large, adsl.loc[adsl["DTHFL"].eq("Y"), "USUBJID"])


def test_the_last_in_that_order_have_brief_profiles_that_say_so(large: Large) -> None:
    assert [profile.brief for profile in large.profiles] == [False] * WHOLE + [True] * (TREATED - WHOLE)
    whole, brief = profile_content(large.profiles[0]), profile_content(large.profiles[-1])
    assert [section.anchor for section in brief.sections] == ["course", "events"]
    assert BRIEF in brief.sections[0].notes
    assert not any(section.picture for section in brief.sections)
    assert brief.facts
    assert any(section.picture for section in whole.sections)
    kinds = {profile.subject: profile.risk if profile.brief else "" for profile in large.profiles}
    (note,) = profile_note(TREATED, kinds)
    assert note.startswith(f"{TREATED - WHOLE} of {TREATED} profiles are brief")
    for kind in {profile.risk for profile in large.profiles if profile.brief}:
        assert f"{sum(p.brief and p.risk == kind for p in large.profiles)} {kind}" in note


def test_a_figure_of_events_keeps_the_worst_and_says_who_is_left_out(large: Large) -> None:
    adae, adsl = large.data["adae"], large.data["adsl"]
    events_in_window = safety_records(adae)
    given = pd.DataFrame({"USUBJID": adsl["USUBJID"], "TRT01A": adsl["TRT01A"], "DAY": 0})
    drawn = timeline(adae, adsl, given, pd.Series("", index=adae.index), DRAWN)
    dated = events_in_window[events_in_window["RELDAY"].notna()]
    grave = (
        dated["DLTFL"].eq("Y") | dated["ASER"].eq("Y") | seriousness_open(dated) | dated["AREL"].eq("RELATED")
        | (dated["ATOXGR"] >= 3).fillna(True).astype("bool")
    )  # fmt: skip
    assert set(drawn["SUBJECT"]) == subjects(large, dated.loc[grave, "USUBJID"])
    assert drawn["KIND"].eq("event").sum() == grave.sum()
    # Those left out had nothing of that kind, and their number is given.
    notes = " ".join(look_of(drawn)["notes"])
    mild = len(dated) - int(grave.sum())
    assert f"Not drawn: {mild} events of grade 1 or 2" in notes
    assert f"{TREATED - drawn['SUBJECT'].nunique()} treated subjects are not drawn" in notes


def test_the_figures_of_a_large_trial_draw_everybody_at_risk(large: Large) -> None:
    adae, adsl, adrs = large.data["adae"], large.data["adsl"], large.data["adrs"]
    events = safety_records(adae)
    dots = term_dots(adae, adsl, sorted(adsl.loc[adsl["SAFFL"].eq("Y"), "TRT01A"].unique()))
    total = dots[dots["LEVEL"] == "Total"].set_index("TERM")
    for chosen, said in (
        (events["ASER"].eq("Y"), "serious"), (events["AREL"].eq("RELATED"), "related"),
        (events["ATOXGR"] >= 3, "severe"), (events["DLTFL"].eq("Y"), "DLT"),
    ):  # fmt: skip
        assert set(events.loc[chosen.fillna(True), "ADECOD"]) <= set(total.index), said
    assert total["SUBJECTS"].to_dict() == events.groupby("ADECOD")["USUBJID"].nunique()[total.index].to_dict()
    # Responses: the dead, those without a response, and the pending.
    kinds = response_kinds(adrs, adsl)
    at_risk = subjects(large, pd.Series(kinds[kinds != WITH].index))
    for frame in (organ_course(adrs, large.responses, adsl, 5), grade_changes(adrs, adsl, 5)):
        seen = set(adrs.loc[adrs["PARAMCD"].eq("GRADE") & adrs["AVAL"].notna(), "USUBJID"])
        with_a_grade = at_risk & subjects(large, pd.Series(sorted(seen)))
        missing = with_a_grade - set(frame["SUBJECT"])
        assert not missing or (frame is not None and missing <= without_baseline(adrs, adsl))
        assert any("Not drawn" in note for note in look_of(frame)["notes"])


def drawn_by(chart: Any, *columns: str) -> set[str]:
    """The subjects in the data that the specification of a chart holds, as a page has it."""
    datasets = clean_spec(chart.to_dict(validate=False))["datasets"].values()
    return {
        str(row[column]).split(", ")[0] for rows in datasets for row in rows for column in columns if row.get(column)
    }


def test_the_charts_hold_everybody_at_risk_in_their_own_data(large: Large, analysis: Analysis) -> None:
    """Liver cases, deaths, serious events and open windows against the data of the charts themselves."""
    adae, adsl, adlb, adtte = (large.data[name] for name in ("adae", "adsl", "adlb", "adtte"))
    study, limits = large.study, analysis.hepatic_screen
    treated = adsl[adsl["SAFFL"].eq("Y")]
    levels = sorted(treated["TRT01A"].unique())
    liver = subjects(large, pd.Series(sorted(liver_cases(study, treated))))
    screen = hepatic_screen(adlb, analysis)
    courses = liver_courses(adlb, adsl, screen, limits.transaminase_uln, limits.bilirubin_uln)
    peaks = hepatic_points(screen, adsl, "ULN")
    bounds = (limits.transaminase_uln, limits.bilirubin_uln)
    assert liver <= drawn_by(safety_charts.liver_courses(courses, *bounds), "SUBJECT")
    assert liver <= drawn_by(safety_charts.hepatic_screen(peaks, *bounds, "multiples of ULN", levels), "SUBJECT")
    # Hours since the infusion: each subject with an event so early.
    events = safety_records(adae)
    early = subjects(large, events.loc[events["INFHRS"].between(0, HOURS_SHOWN - 1), "USUBJID"])
    assert early
    assert early <= drawn_by(safety_charts.infusion_hours(infusion_hours(adae, adsl)), "SUBJECT")
    # The course of each treated subject: all of them, the dead and the serious events marked.
    no_responses = pd.DataFrame({name: pd.Series(dtype="str") for name in ("USUBJID", "AVALC", "REASON")})
    responses = no_responses.assign(ADT=pd.Series(dtype="datetime64[s]"))
    marks = swimmer_marks(adtte, study.domains, responses)
    bars = swimmer_lanes(swimmer_bars(adtte, responses, study.cut_date, 60), marks)
    assert drawn_by(swimmer_chart(bars, marks, levels, []), "subject") == set(treated["SUBJID"])
    died = set(treated.loc[treated["DTHFL"].eq("Y"), "SUBJID"])
    serious = subjects(large, events.loc[events["ASER"].eq("Y") & events["ASTDTF"].eq(""), "USUBJID"])
    for at_risk, event in ((died, "death"), (serious, "serious adverse event")):
        assert at_risk
        assert at_risk <= set(marks.loc[marks["event"].str.startswith(event), "subject"]), event
    # Of a crowd the first in the order of risk, and the figure says so.
    crowd = pd.concat([bars.assign(subject=bars["subject"] + f"-{k}") for k in range(2)], ignore_index=True)
    first = first_lanes(crowd, marks.assign(subject=marks["subject"] + "-0"))
    assert len(first) == MOST_DRAWN
    assert {f"{name}-{k}" for name in died for k in range(2)} | {f"{name}-0" for name in serious} <= set(
        first["subject"]
    )
    assert any(
        f"{MOST_DRAWN} of {len(crowd)} such subjects" in note for note in look_of(swimmer_data(crowd, marks))["notes"]
    )


def without_baseline(adrs: pd.DataFrame, adsl: pd.DataFrame) -> set[str]:
    """Subjects of whom no figure of the grade can say a change: no grade at the baseline."""
    grades = adrs[adrs["PARAMCD"].eq("GRADE") & adrs["AVAL"].notna() & adrs["ABLFL"].eq("Y")]
    return set(adsl.loc[~adsl["USUBJID"].isin(grades["USUBJID"]), "SUBJID"])


def test_a_figure_of_responses_keeps_the_dead_and_those_without_a_response(large: Large) -> None:
    adrs, adsl = large.data["adrs"], large.data["adsl"]
    kinds, ranking = response_kinds(adrs, adsl), response_ranking(adrs, adsl)
    most = int(kinds.isin([DEAD, WITHOUT]).sum()) - 5
    chosen = ranking.drawn(most)
    assert len(chosen) == most
    assert set(kinds[kinds == DEAD].index) <= set(chosen)
    assert set(kinds[chosen]) == {DEAD, WITHOUT}
    (note,) = ranking.drawn_note(most)
    assert f"{most} of {TREATED} treated subjects are drawn" in note
    assert f"Not drawn: {TREATED - most} (5 {WITHOUT}, " in note
    assert ranking.drawn_note(TREATED) == []
    # A listing that is cut keeps the same subjects, in its own order.
    listing = response_listing(large.responses, adrs, adsl)
    listed = ranking.first(listing, most)
    assert set(listed["SUBJID"]) == subjects(large, pd.Series(chosen))
    assert listed["SUBJID"].tolist() == [name for name in listing["SUBJID"] if name in set(listed["SUBJID"])]
    (note,) = ranking.note(listing, most)
    assert f"{most} of {TREATED} subjects are listed: first the dead" in note
    assert f"Not listed: {TREATED - most} (5 {WITHOUT}, " in note
    assert ranking.first(listing, TREATED).equals(listing)
    assert ranking.note(listing, TREATED) == []
    # The waterfall is sorted from the best: what is cut off must not be the worst.
    worst = stage_changes(large.responses, adrs, adsl, TREATED)["CHANGE"].max()
    assert stage_changes(large.responses, adrs, adsl, most)["CHANGE"].max() == worst


def test_the_list_of_the_first_page_keeps_those_at_risk(large: Large, protocol: Protocol, analysis: Analysis) -> None:
    cut = raw.trial_of(Path(), cut_date="2025-09-30").cut
    study = StudyData(Domains({}), protocol, analysis, pd.Timestamp(cut.cut_date))
    data = all_with_columns({name: large.data[name] for name in ("adsl", "adae", "addlt", "adrs")})
    none = pd.DataFrame(columns=["subject", "status", "severity", "first_seen", "query_id"], dtype="str")
    infusions = pd.DataFrame({"USUBJID": pd.Series(dtype="str"), "EXSTDT": pd.Series(dtype="datetime64[s]")})
    rows = [plain(row) for row in status_board(data, none, infusions, study, {})]
    assert len(rows) == TREATED
    board = [{**row, "subject": f"{row['subject']}-{k}"} for row in rows for k in range(2)]
    assert len(board) > MOST_BOARD
    ard = pd.DataFrame(columns=["analysis_id", "group1", "group1_level", "variable", "variable_level", "context",
                                "stat_name", "stat_label", "stat", "stat_text"])  # fmt: skip
    facts = index_facts(protocol, cut, ard, None, {"adsl": large.data["adsl"]}, none, [], [])
    order = {f"{profile.subject}-{k}": "" for profile in large.profiles for k in range(2)}
    page = render_index(
        facts, Frame(study=protocol.study, cut=cut, navigation=[], fingerprint="x"), order, {"board": board}
    )
    shown = [subject for subject in order if f">{subject}<" in page]
    assert shown == list(order)[:MOST_BOARD]
    assert "in the order of risk" in page


def liver_cases(study: StudyData, adsl: pd.DataFrame) -> set[str]:
    """Subjects with ALT or AST of 3 x ULN after the infusion and, by 14 days later, bilirubin of 2 x ULN.

    Worked out from the delivered results alone, one by one.
    """
    start = dict(zip(adsl["USUBJID"], adsl["TRTSDT"], strict=True))
    results: dict[str, list[tuple[str, pd.Timestamp, float]]] = {}
    delivered = study.domains["LB"]
    for row in delivered[delivered["USUBJID"].isin(start)].to_dict("records"):
        value, limit = (pd.to_numeric(row[name], errors="coerce") for name in ("LBORRES", "LBORNRHI"))
        day = pd.to_datetime(str(row["LBDTC"])[:10], errors="coerce")
        if row["LBTESTCD"] in ("ALT", "AST", "BILI") and value / limit > 0 and day > start[row["USUBJID"]]:
            results.setdefault(row["USUBJID"], []).append((row["LBTESTCD"], day, value / limit))
    return {
        subject for subject, own in results.items() for test, day, ratio in own for other, later, bilirubin in own
        if test != "BILI" and ratio >= 3 and other == "BILI" and bilirubin >= 2 and 0 <= (later - day).days <= 14
    }  # fmt: skip


def test_nobody_at_risk_is_missing_from_board_lists_and_signals(large: Large, protocol: Protocol) -> None:
    """Deaths, serious events, open windows and liver cases, each as the delivered records have them."""
    study, adsl = large.study, large.data["adsl"]
    treated = adsl[adsl["SAFFL"].eq("Y")]
    number = dict(zip(treated["USUBJID"], treated["SUBJID"], strict=True))
    dm, ae = study.domains["DM"], study.domains["AE"]
    died = {number[one] for one in dm.loc[dm["DTHFL"].eq("Y"), "USUBJID"] if one in number}
    begun = ae["AESTDTC"].str[:10] >= ae["USUBJID"].map(treated.set_index("USUBJID")["TRTSDT"].astype("str").str[:10])
    serious = {number[one] for one in ae.loc[ae["AESER"].eq("Y") & begun, "USUBJID"] if one in number}
    liver = {number[one] for one in liver_cases(study, treated) if one in number}
    open_ = study.cut_date - treated["TRTSDT"] < pd.Timedelta(days=28)
    waiting = set(treated.loc[open_ & ~treated["SUBJID"].isin(died), "SUBJID"])
    assert min(map(len, (died, serious, liver, waiting))) > 0
    assert len(treated) == TREATED

    data = all_with_columns({**large.data, "adie": audit(adsl, study)})
    visits, given = visit_table(data, study), checked_infusions(treated_of(data["adsl"]), study)
    addv, asked = derive_addv(data, visits, given, study), query_list([], "2025-09-30")
    facts = Facts(data, None, "", study, treated_of(data["adsl"]), visits, addv, given, asked, to_ard([]))
    signals, runs = derive_signals(facts, PAGES)
    page = plain(first_page(facts, signals, runs))
    board = {row["subject"]: row for row in page["board"]}
    assert {name for name, row in board.items() if row["status"].startswith("Died")} == died
    assert {name for name, row in board.items() if row["serious"]} == serious
    dlt = set(subjects(large, large.data["addlt"].loc[large.data["addlt"]["DLTSTAT"].eq("DLT"), "USUBJID"]))
    assert {name for name, row in board.items() if row["dlt"] == "window still open"} == waiting - dlt
    raised = {rule: {one.subject for one in signals if one.rule == rule} for rule in ("liver_injury", "new_death")}
    assert raised == {"liver_injury": liver, "new_death": died}

    profiled = {profile.subject: profile.risk if profile.brief else "" for profile in large.profiles}
    at_risk = died | serious | liver | waiting
    assert at_risk <= set(profiled)
    cut = raw.trial_of(Path(), cut_date="2025-09-30").cut
    numbers = index_facts(protocol, cut, to_ard([]), None, {"adsl": adsl}, facts.queries, [], [])
    frame = Frame(study=protocol.study, cut=cut, navigation=[], fingerprint="x")
    index = render_index(numbers, frame, profiled, page)
    index += "".join(made for _, made in render_subjects(frame, protocol.level_ids, profiled, page))
    assert [name for name in at_risk if f'href="profiles/{name}.html"' not in index] == []
    assert [one.sentence for one in signals if one.severity == "high" and escape(one.sentence) not in index] == []
    adae = large.data["adae"]
    listed = serious_listing(adae, event_lines(adae, adsl, pd.Series("", index=adae.index)))
    assert serious <= set(listed["SUBJID"])
    # A page opens with the most severe signals and says how many more there are.
    concerned = signals_on(page["signals"], "03_safety.html", profiled)
    assert len(concerned) > MOST_SIGNALS
    ranks = [SEVERITIES.index(one.severity) for one in concerned]
    assert ranks == sorted(ranks)
    assert len(set(ranks)) > 1


def test_one_subject_with_many_events_keeps_the_severe_ones_in_the_drawing(large: Large) -> None:
    profile = next(p for p in large.profiles if not p.brief and len(p.events))
    mild = profile.events.head(1).assign(GRADE=1, SERIOUS=False, SEROPEN=False, DLT=False, TERM="Mild", FROM=1, UNTIL=2)
    severe = mild.assign(GRADE=4, SERIOUS=True, TERM="Severe", FROM=20, UNTIL=21)
    ungraded = mild.assign(GRADE=pd.NA, TERM="Ungraded", FROM=19, UNTIL=21)
    crowded = pd.concat([mild] * (MOST_ROWS + 5) + [ungraded, severe], ignore_index=True).astype({"GRADE": "Int64"})
    changed = replace(profile, events=crowded)
    drawing = events(changed, days_of(changed))
    assert ">Severe<" in drawing
    assert ">Ungraded<" in drawing


def test_one_subject_with_much_medication_keeps_what_ran_after_the_infusion_in_the_drawing(large: Large) -> None:
    profile = next(p for p in large.profiles if not p.brief and len(p.drugs))
    before = profile.drugs.head(1).assign(DRUG="Before", FROM=-20, UNTIL=-10)
    added = before.assign(DRUG="Added", FROM=20, UNTIL=30)
    going_on = before.assign(DRUG="Going on", FROM=-15, UNTIL=pd.NA)
    crowded = pd.concat([before] * (MOST_ROWS + 5) + [going_on, added], ignore_index=True)
    changed = replace(profile, drugs=crowded.astype({"UNTIL": "Int64", "FROM": "Int64"}))
    drawing = drugs(changed, days_of(changed))
    assert ">Added<" in drawing
    assert ">Going on<" in drawing
    (note,) = bar_note(changed.drugs, days_of(changed))
    assert note == f"Only in the table: 7 beyond {MOST_ROWS} bars, first those that ended before the infusion."


def test_not_serious_with_a_ticked_criterion_is_open_and_asked(protocol: Protocol, analysis: Analysis) -> None:
    day = pd.Timestamp("2025-09-30")
    for ticked, open_ in (({"AESHOSP": "Y"}, True), ({"AESHOSP": "N"}, False), ({}, False)):
        domains = trial().subject("S01").infused(0).event("Sepsis", 3, 2, serious="N", **ticked).domains()
        adsl = derive_subjects(StudyData(domains, protocol, analysis, day))
        adae = derive_adae(adsl, StudyData(domains, protocol, analysis, day))
        assert adae["ASER"].tolist() == [""]
        assert seriousness_open(adae).tolist() == [open_]
        lines = event_lines(adae, adsl, pd.Series("", index=adae.index))
        assert len(serious_listing(adae, lines)) == int(open_)
        if open_:
            assert CONTRADICTED in serious_listing(adae, lines)["NARRATIVE"].iloc[0]
        asked = [
            query for query in adverse_event_queries(adae, domains) if "CRITERION-NOT-SERIOUS" in str(query["rule"])
        ]
        assert len(asked) == int(open_)


@pytest.mark.parametrize(("said", "words"), [("", "relation not given"), ("POSSIBLE", "related"), ("NOT RELATED", "")])
def test_a_relation_that_was_not_given_is_never_said_to_be_one(
    protocol: Protocol, analysis: Analysis, said: str, words: str
) -> None:
    day = pd.Timestamp("2025-09-30")
    domains = trial().subject("S01").infused(0).event("Rash", 3, 2, related=said).domains()
    adsl = derive_subjects(StudyData(domains, protocol, analysis, day))
    day_28 = day28_response(adsl, StudyData(domains, protocol, analysis, day))
    data = profiled(adsl, day_28, domains, protocol, analysis, day)
    (made,) = profiles(data, StudyData(domains, protocol, analysis, day))
    content = profile_content(made)
    told = next(section for section in content.sections if section.anchor == "events")
    for text in (told.tables, told.picture):
        assert ("relation not given" in text) == (words == "relation not given")
        assert ("related" in text.replace("relation not given", "")) == (words == "related")
    assert list(risk_order(data)["SUBJID"]) == ["S01"]
