"""Each rule of what a committee must look at first: found just beyond its limit, silent just inside it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from html import unescape

import pandas as pd
import pytest

from support.conducted_trial import LATE, PAGES, cut_on, facts_of, quiet, signals_of, started
from support.page_samples import frame, notebook
from support.trial_builder import TrialBuilder
from trialbook.cleaning import apply_cut, recorded_after_cut
from trialbook.display import sentence
from trialbook.display.first_page import signals_on
from trialbook.display.index import render_index
from trialbook.display.index_facts import IndexFacts, index_facts
from trialbook.display.page import MOST_SIGNALS, PageSignal, pages_of
from trialbook.display.page_content import page_content
from trialbook.display.profile import ProfileContent, profile_page
from trialbook.efficacy.survival_bounds import DEATHS
from trialbook.pipeline.signal_files import plain
from trialbook.profiles.subjects import profiled_subjects
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.decisions import Decision
from trialbook.protocol.load import analysis_values
from trialbook.protocol.models import Cut, Protocol
from trialbook.queries.query_list import query
from trialbook.results.ard import ard_row, to_ard
from trialbook.signals.conduct_rules import endpoint_words
from trialbook.signals.derive import PLACES, RULES, new_since
from trialbook.signals.first_page import first_page
from trialbook.signals.messages import PATTERNS, TITLES, rendered
from trialbook.signals.model import SEVERITIES, Facts, Signal

SUBJECT = "iMSC-2001-S01"


def raised(facts: Facts, rule: str) -> list[Signal]:
    return [one for one in signals_of(facts)[0] if one.rule == rule and not one.message_id.startswith("not_checked")]


def test_a_quiet_trial_raises_nothing_and_says_which_rules_looked(protocol: Protocol, analysis: Analysis) -> None:
    signals, runs = signals_of(facts_of(quiet(), protocol, analysis, before=(quiet(until=100), 110)))
    assert [one.sentence for one in signals] == []
    assert list(runs) == list(RULES)
    assert {run.status for run in runs.values()} == {"nothing"}


def test_a_trial_without_a_treated_subject_raises_nothing(protocol: Protocol, analysis: Analysis) -> None:
    book = TrialBuilder().subject("S01").delivers("CM", "LB", "SV")
    signals, runs = signals_of(facts_of(book, protocol, analysis))
    assert signals == []
    assert runs["liver_injury"].status == "nothing"


# ----------------------------------------------------------------------------------------------------
# Each rule once just beyond, and once just inside its limit.


def reaction(book: TrialBuilder, day: int, flag: str = "", grade: int = 3) -> TrialBuilder:
    book.event("Infusion related reaction", day, grade, end=day + 1, related="RELATED")
    return book.add("SUPPAE", RDOMAIN="AE", IDVAR="AESEQ", IDVARVAL="1", QNAM="AEDLT", QVAL=flag) if flag else book


def known(book: TrialBuilder, day: int | None) -> TrialBuilder:
    """A related serious event whose report is due 15 days after the site knew of it, on this day."""
    book.event("Pneumonia", 150, 2, related="RELATED", serious="Y", end=160, AESHOSP="Y")
    if day is None:
        return book
    return book.add("SUPPAE", RDOMAIN="AE", IDVAR="AESEQ", IDVARVAL="1", QNAM="AEKNOWDT", QVAL=book.date(day))


def liver(book: TrialBuilder, alt: float = 120, bilirubin: float = 42, later: int = 14) -> TrialBuilder:
    book.lab("ALT", alt, 10, high=40.0)
    return book.lab("BILI", bilirubin, 10 + later, unit="umol/L", high=21.0)


def ungraded(book: TrialBuilder) -> TrialBuilder:
    book._records["AE"][-1]["AETOXGR"] = None
    return book


def haemoglobin(book: TrialBuilder, value: float) -> TrialBuilder:
    return book.lab("HGB", value, 10, unit="g/L", low=120.0, high=160.0)


# Subjects of one trial, all seen at the late cut: what each is given, its rule, and whether that is raised of it.
Plant = Callable[[str, TrialBuilder], TrialBuilder]
PLANTS: dict[str, tuple[str, bool, Plant]] = {
    "A1": ("pending_abnormal", True, lambda n, b: haemoglobin(quiet(n, b, until=20, start=started(20)), 79)),
    "A2": ("pending_abnormal", False, lambda n, b: haemoglobin(quiet(n, b, until=20, start=started(20)), 80)),
    "A3": ("pending_abnormal", True, lambda n, b: quiet(n, b, until=20, start=started(20)).event("Rash", 12, 3)),
    "A4": ("pending_abnormal", False, lambda n, b: quiet(n, b, until=20, start=started(20)).event("Rash", 12, 2)),
    "A5": ("pending_abnormal", True,
           lambda n, b: quiet(n, b, until=20, start=started(20)).event("Rash", 12, 2, serious="Y")),
    "A6": ("pending_abnormal", True,
           lambda n, b: ungraded(quiet(n, b, until=20, start=started(20)).event("Rash", 12))),
    "A7": ("pending_abnormal", False, lambda n, b: quiet(n, b).event("Rash", 12, 3)),
    "B1": ("liver_injury", True, lambda n, b: liver(quiet(n, b))),
    "B2": ("liver_injury", False, lambda n, b: liver(quiet(n, b), alt=119.9)),
    "B3": ("liver_injury", False, lambda n, b: liver(quiet(n, b), bilirubin=41.9)),
    "B4": ("liver_injury", False, lambda n, b: liver(quiet(n, b), later=15)),
    "B5": ("liver_injury", False, lambda n, b: liver(quiet(n, b), later=-1)),
    "C1": ("ungraded_serious", True,
           lambda n, b: ungraded(quiet(n, b).event("Sepsis", 40, serious="Y", end=50))),
    "C2": ("ungraded_serious", False, lambda n, b: quiet(n, b).event("Sepsis", 40, 3, serious="Y", end=50)),
    "D1": ("undecided_dlt", True, lambda n, b: reaction(quiet(n, b), 1)),
    "D2": ("undecided_dlt", False, lambda n, b: reaction(quiet(n, b), 1, "N")),
    "E1": ("new_death", True, lambda n, b: quiet(n, b, until=56).died(60)),
    "F1": ("expedited_report", True, lambda n, b: known(quiet(n, b), LATE + 7 - 15)),
    "F2": ("expedited_report", False, lambda n, b: known(quiet(n, b), LATE + 8 - 15)),
    "F3": ("expedited_report", True, lambda n, b: known(quiet(n, b), 150)),
    "F4": ("expedited_report", True, lambda n, b: known(quiet(n, b), None)),
    "G1": ("lost_to_follow_up", True, lambda n, b: quiet(n, b, until=100).seen(LATE - 61)),
    "G2": ("lost_to_follow_up", False, lambda n, b: quiet(n, b, until=100).seen(LATE - 60)),
    "H1": ("dose_deviation", True, lambda n, b: quiet(n, b, second=1.11)),
    "H2": ("dose_deviation", False, lambda n, b: quiet(n, b, second=1.10)),
    "I1": ("eligibility_conflict", True, lambda n, b: quiet(n, b, baseline=80.1)),
    "I2": ("eligibility_conflict", False, lambda n, b: quiet(n, b, baseline=80)),
    "J1": ("late_toxicity", True, lambda n, b: reaction(quiet(n, b), 29)),
    "J2": ("late_toxicity", False, lambda n, b: reaction(quiet(n, b), 29, grade=2)),
    "J3": ("late_toxicity", False, lambda n, b: reaction(quiet(n, b), 28, "N")),
    "K1": ("undated_death", True, lambda n, b: quiet(n, b, until=56).died("2025-03")),
    "K2": ("undated_death", False, lambda n, b: quiet(n, b, until=56).died(60)),
    "L1": ("unrepeatable_assessment", True, lambda n, b: quiet(n, b, stages=32)),
    "L2": ("unrepeatable_assessment", False, lambda n, b: quiet(n, b, stages=31)),
    "L3": ("unrepeatable_assessment", True, lambda n, b: quiet(n, b, until=18, start=started(18))),
    "L4": ("unrepeatable_assessment", False, lambda n, b: quiet(n, b, until=17, start=started(17))),
    "M1": ("liver_injury", False, lambda n, b: quiet(n, b).lab("ALT", 400, 12)),
    "N1": ("dose_deviation", False, lambda n, b: quiet(n, b, unit="bags")),
    "Q1": ("new_death", False, lambda n, b: quiet(n, b)),
}  # fmt: skip
QUIET = ("A2", "A4", "A7", "B2", "B3", "B4", "B5", "D2", "G2", "H2", "I2", "J2", "J3", "L2", "Q1")


@pytest.fixture(scope="module")
def crowd(protocol: Protocol) -> Facts:
    """One trial of all plants, derived once."""
    analysis = analysis_values(protocol, {}, "protocol file")
    book: TrialBuilder | None = None
    for name, (_, _, plant) in PLANTS.items():
        book = plant(name, book)  # type: ignore[arg-type]
    assert book is not None
    return facts_of(book, protocol, analysis)


@pytest.fixture(scope="module")
def found(crowd: Facts) -> list[Signal]:
    return signals_of(crowd)[0]


@pytest.mark.parametrize("name", PLANTS)
def test_a_rule_finds_what_lies_just_beyond_and_nothing_just_inside(
    name: str, found: list[Signal], protocol: Protocol
) -> None:
    rule, is_raised, _ = PLANTS[name]
    own = [one for one in found if one.subject == name and one.rule == rule and one.message_id != "not_checked"]
    assert len(own) == is_raised
    for one in own:
        assert (one.scope, one.level) == ("subject", "DL1")
        assert one.evidence
        assert one.sentence == rendered(one.message_id, one.arguments)
        assert f"profiles/{name}.html" in [link.page for link in one.links]


# Rules of a level, of the trial, or of two cuts, which are planted one by one below.
NOT_PLANTED = {
    "stopping_rule", "level_toxicity", "unsupported_decision", "beyond_decision", "restated_endpoint", "late_serious",
    "unclassified_therapy", "moves_headline", "recorded_after_cut",
}  # fmt: skip


def shown_everywhere(facts: Facts, protocol: Protocol, *rules: str) -> dict[str, list[PageSignal]]:
    """Every signal of these rules is on the first page, in the profile of its subject and on the page concerned.

    Returns the signals of each page.
    """
    signals, runs = signals_of(facts)
    profiled = dict.fromkeys(profiled_subjects(facts.data["adsl"]), "")
    page = plain(first_page(facts, signals, list(runs.values())))
    index = words_on(render_index(no_facts(protocol, facts), frame(protocol), profiled, page))
    own = {name: signals_on(page["signals"], f"{name}.html", profiled) for name, _ in PAGES}
    told = [one for one in page["signals"] if one["rule"] in rules]
    assert {one["rule"] for one in told} == set(rules)
    for one in told:
        name = one["subject"] or one["level"]
        assert one["sentence"] in index, name
        (concerned,) = [step for step, _ in PAGES if any(link["page"] == f"{step}.html" for link in one["links"])]
        assert one["sentence"] in [shown.sentence for shown in own[concerned] if shown.who == name], name
        if one["subject"]:
            beside = [other for other in told if other["subject"] == name]
            profile = words_on(profile_page(ProfileContent(name, "", []), frame(protocol), [], beside))
            assert one["sentence"] in profile, name
    return own


def test_each_signal_is_on_the_first_page_in_the_profile_and_on_the_page_concerned(
    crowd: Facts, protocol: Protocol
) -> None:
    planted = {rule for rule, is_raised, _ in PLANTS.values() if is_raised}
    assert planted | NOT_PLANTED == set(RULES)
    own = shown_everywhere(crowd, protocol, *planted)
    # A page opens with the most severe of its signals, and says how many more there are.
    safety = own["03_safety"]
    made = pages_of(
        page_content(notebook(sentence("x")), "static"), title="Safety", frame=frame(protocol),
        current="03_safety.html", signals=safety * 3,
    )  # fmt: skip
    html = made["03_safety.html"]
    assert html.count('<span class="who">') == MOST_SIGNALS < len(safety * 3)
    assert f"{len(safety * 3) - MOST_SIGNALS} more signals are on the first page." in html
    assert safety[0].sentence in words_on(html)


@pytest.mark.parametrize("rule", RULES)
def test_each_rule_leads_to_a_page_that_tells_more(rule: str) -> None:
    word, places = PLACES[rule]
    assert len([name for name, _ in PAGES if word in name]) == 1
    assert places


def test_a_quiet_first_page_has_no_signal_and_names_the_rules_that_looked(
    protocol: Protocol, analysis: Analysis
) -> None:
    facts = facts_of(quiet(), protocol, analysis, before=(quiet(until=100), 110))
    signals, runs = signals_of(facts)
    page = plain(first_page(facts, signals, list(runs.values())))
    index = words_on(render_index(no_facts(protocol, facts), frame(protocol), {SUBJECT: ""}, page))
    assert "Nothing was raised." in index
    assert f"{len(RULES)} rules were checked, none raised a signal" in index
    assert [title for title in TITLES.values() if title not in index] == []
    assert [signals_on(page["signals"], f"{name}.html", {}) for name, _ in PAGES] == [[]] * len(PAGES)


def no_facts(protocol: Protocol, facts: Facts) -> IndexFacts:
    """The numbers of the first page of a cut that has reported none."""
    cut = Cut(cut_id="C1", cut_date=f"{facts.study.cut_date:%Y-%m-%d}", snapshot="s", protocol="p")
    return index_facts(protocol, cut, to_ard([]), None, {"adsl": facts.data["adsl"]}, facts.queries, [], [])


def words_on(html: str) -> str:
    """The text of a page."""
    return " ".join(unescape(re.sub(r"<style.*?</style>|<[^>]+>", " ", html, flags=re.DOTALL)).split())


def test_nothing_else_is_raised_of_who_lies_inside_every_limit(found: list[Signal]) -> None:
    # Subjects on day 20 have a coming assessment, which is no finding.
    told = {one.subject for one in found if one.message_id not in ("not_checked", "assessment_coming")}
    assert told.isdisjoint(QUIET)


def test_liver_tests_stand_with_their_days_and_baselines(protocol: Protocol, analysis: Analysis) -> None:
    book = quiet(until=20, start=started(20), baseline=80)
    book.lab("BILI", 52.5, 9, unit="umol/L", high=21.0)
    facts = facts_of(liver(book, later=4), protocol, analysis)
    said = (
        "ALT 3.0 x ULN on day 10 (baseline 2.0), bilirubin 2.0 x ULN on day 14 (baseline not known, peak 2.5 on day 9),"
        " last liver test on day 14"
    )
    for rule in ("pending_abnormal", "liver_injury"):
        (found,) = raised(facts, rule)
        assert said in found.sentence


def test_a_grade_that_the_cut_set_back_was_entered_after_it(protocol: Protocol, analysis: Analysis) -> None:
    book = ungraded(quiet().event("Sepsis", 40, serious="Y", end=50))
    asked = query("P26-GRADE-AT-CUT", "iMSC-2001-S01", "AE", record="AESEQ=1", field="AETOXGR", severity="major",
                  message_en="x", message_zh="y")  # fmt: skip
    (found,) = raised(facts_of(book, protocol, analysis, queries=[asked]), "ungraded_serious")
    assert found.sentence.startswith("Serious event, grade entered after the cut: Sepsis, day 40. A death dated after")
    assert found.severity == protocol.signals.ungraded_serious.severity


def after_the_cut(book: TrialBuilder, protocol: Protocol, analysis: Analysis, day: int) -> Facts:
    """What the rules read at a cut on this day, with what is recorded after it."""
    domains = book.domains()
    found = recorded_after_cut(domains, apply_cut(domains, cut_on(day)))
    return replace(facts_of(quiet(until=56), protocol, analysis, day), after_cut=found)


def test_a_death_or_serious_event_after_the_cut_is_a_signal_without_its_date(
    protocol: Protocol, analysis: Analysis
) -> None:
    book = quiet(until=56).event("Sepsis", 70, 4, serious="Y", end=72).event("Rash", 75, 1).died(75)
    said = {
        day: [(one.subject, one.severity, one.sentence)
              for one in raised(after_the_cut(book, protocol, analysis, day), "recorded_after_cut")]
        for day in (69, 70, 74, 75)
    }  # fmt: skip
    died = ("S01", "high", "A death dated after the cut is recorded; it is not counted here.")
    sick = ("S01", "high", "Serious events dated after the cut: 1; not counted here.")
    assert said == {69: [died, sick], 70: [died], 74: [died], 75: []}
    shown_everywhere(after_the_cut(book, protocol, analysis, 69), protocol, "recorded_after_cut")


def test_who_came_after_the_cut_and_died_is_named_by_a_signal_of_the_study(
    protocol: Protocol, analysis: Analysis
) -> None:
    book = quiet("S02", quiet(until=56), until=3, start=f"{cut_on(90):%Y-%m-%d}").died(f"{cut_on(95):%Y-%m-%d}")
    (found,) = raised(after_the_cut(book, protocol, analysis, 60), "recorded_after_cut")
    assert (found.scope, found.subject) == ("study", "")
    assert found.sentence.startswith("S02, who consented after the cut: a death is recorded")


def test_severities_are_those_of_the_protocol_file(found: list[Signal], protocol: Protocol) -> None:
    by_subject = {(one.subject, one.rule): one.severity for one in found}
    assert by_subject["B1", "liver_injury"] == protocol.signals.liver_injury.severity == "high"
    assert by_subject["F3", "expedited_report"] == "high"
    assert by_subject["F4", "expedited_report"] == protocol.signals.expedited_report.unknown == "medium"
    assert by_subject["L3", "unrepeatable_assessment"] == protocol.signals.unrepeatable_assessment.coming == "low"


def test_a_trial_that_collects_no_grades_has_one_gap_and_few_ungraded_events_one_each(crowd: Facts) -> None:
    ae = crowd.data["adae"]
    serious = ae[ae["USUBJID"].eq("iMSC-2001-C1")].assign(ATOXGR=pd.array([pd.NA], dtype="Int64"))
    for copies, found, gaps in ((10, 10, 0), (11, 0, 1)):
        many = pd.concat([serious.assign(AESEQ=k, EPISODE=k) for k in range(copies)], ignore_index=True)
        facts = replace(crowd, data={**crowd.data, "adae": many})
        own = [one for one in signals_of(facts)[0] if one.rule == "ungraded_serious"]
        assert sum(one.message_id == "ungraded_serious" for one in own) == found
        assert [one.sentence for one in own if one.message_id == "not_checked"] == [
            "Serious event without a grade: could not be checked for C1: no adverse event has a grade."
        ] * gaps


def test_two_dlts_at_one_level_are_one_signal_of_the_level(crowd: Facts, protocol: Protocol) -> None:
    def limited(dlts: int) -> Facts:
        rules = protocol.signals
        moved = rules.level_toxicity.model_copy(update={"dlts": dlts})
        changed = protocol.model_copy(update={"signals": rules.model_copy(update={"level_toxicity": moved})})
        return replace(crowd, study=replace(crowd.study, protocol=changed))

    counted = int(crowd.data["addlt"]["COUNTED"].eq("Y").sum())
    assert counted >= 1
    found = raised(limited(counted), "level_toxicity")
    assert [(one.scope, one.subject, one.level) for one in found] == [("dose level", "", "DL1")]
    assert raised(limited(counted + 1), "level_toxicity") == []
    shown_everywhere(limited(counted), protocol, "level_toxicity")


def test_a_serious_event_well_before_the_previous_cut_and_new_in_the_data_is_late(
    protocol: Protocol, analysis: Analysis
) -> None:
    before = (quiet(until=100), 110)
    for onset, count in ((102, 1), (103, 0)):
        book = quiet().event("Sepsis", onset, 3, serious="Y", end=onset + 5)
        facts = facts_of(book, protocol, analysis, before=before)
        assert len(raised(facts, "late_serious")) == count
        if count:
            shown_everywhere(facts, protocol, "late_serious")
    assert raised(replace(facts, previous=facts.data), "late_serious") == []


def test_a_death_of_another_day_is_restated_and_not_new(protocol: Protocol, analysis: Analysis) -> None:
    before = (quiet(until=56).died(92), 110)
    facts = facts_of(quiet(until=56).died(95), protocol, analysis, before=before)
    (changed,) = raised(facts, "restated_endpoint")
    assert changed.sentence == "Death date changed: from day 92 to day 95."
    partial = (quiet(until=56).died("2025-04"), 110)
    (completed,) = raised(facts_of(quiet(until=56).died(92), protocol, analysis, before=partial), "restated_endpoint")
    assert completed.sentence.startswith("Death date completed: from day ")
    assert raised(facts, "new_death") == []
    shown_everywhere(facts, protocol, "restated_endpoint")
    same = facts_of(quiet(until=56).died(92), protocol, analysis, before=before)
    assert raised(same, "restated_endpoint") == []


def test_a_decided_response_and_a_decided_status_that_change_are_restated(
    protocol: Protocol, analysis: Analysis
) -> None:
    before = (reaction(quiet(until=100), 1, "N"), 110)
    now = reaction(quiet(stages=None), 1, "Y").stages(28, 3, 0, 1, 1)
    told = {
        one.message_id: one.arguments
        for one in raised(facts_of(now, protocol, analysis, before=before), "restated_endpoint")
    }
    assert told == {
        "restated_dlt": {"before": "no DLT", "now": "DLT"}, "restated_response": {"before": "CR", "now": "NR"},
    }  # fmt: skip


def test_open_questions_count_by_their_rule_and_severity(protocol: Protocol, analysis: Analysis) -> None:
    def asked(rule: str, severity: str) -> list[object]:
        return [query(rule, SUBJECT, "CM", severity=severity, message_en="x", message_zh="y")]

    bounds = [
        ard_row("BOUNDS", "Total", "ORR_D28", "n", 1, context=case, stat_text="S01") for case in ("worst", "best")
    ]
    for rule, severity, therapy, headline in (
        ("P31-CM-UNCLASSIFIED", "minor", 1, 0), ("P27-OUT-OF-RANGE", "major", 0, 1),
        ("P27-OUT-OF-RANGE", "minor", 0, 0),
    ):  # fmt: skip
        facts = facts_of(quiet(), protocol, analysis, queries=asked(rule, severity), bounds=bounds)
        assert len(raised(facts, "unclassified_therapy")) == therapy
        assert len(raised(facts, "moves_headline")) == headline
        shown_everywhere(facts, protocol, *["unclassified_therapy"] * therapy, *["moves_headline"] * headline)
    decided = facts_of(quiet(), protocol, analysis, queries=asked("P27-OUT-OF-RANGE", "major"))
    assert raised(decided, "moves_headline") == []


# ----------------------------------------------------------------------------------------------------
# What is not known silences no rule.


def without(book: TrialBuilder, *domains: str) -> TrialBuilder:
    for code in domains:
        book._records.pop(code, None)
    return book


def test_what_a_rule_cannot_check_is_said_for_whom_and_why(found: list[Signal]) -> None:
    told = {(one.rule, one.arguments["subjects"][0]): one for one in found if one.message_id == "not_checked"}
    assert "without an upper limit" in told["liver_injury", "M1"].sentence
    assert "dose" in told["dose_deviation", "N1"].sentence
    assert told["liver_injury", "M1"].severity == "medium"
    assert told["dose_deviation", "N1"].severity == "low"


def test_a_missing_domain_silences_no_rule(protocol: Protocol, analysis: Analysis) -> None:
    signals, runs = signals_of(facts_of(without(quiet(), "LB", "CM", "IE", "SV"), protocol, analysis))
    told = {one.rule: one for one in signals if one.message_id == "not_checked"}
    for rule in ("liver_injury", "unclassified_therapy", "eligibility_conflict"):
        assert told[rule].subject == "S01"
        assert runs[rule].status == "not checked"


def test_a_previous_cut_that_was_not_built_is_said(protocol: Protocol, analysis: Analysis) -> None:
    signals, _ = signals_of(facts_of(quiet(), protocol, analysis, previous_cut="C1"))
    assert {one.rule for one in signals} == {"restated_endpoint", "late_serious"}
    assert all("C1 has not been built" in one.sentence for one in signals)
    assert signals_of(facts_of(quiet(), protocol, analysis))[1]["late_serious"].status == "not applicable"


def test_a_rule_can_be_switched_off_and_its_limit_be_moved(crowd: Facts, protocol: Protocol) -> None:
    rules = protocol.signals
    off = protocol.model_copy(
        update={
            "signals": rules.model_copy(
                update={"dose_deviation": rules.dose_deviation.model_copy(update={"enabled": False})}
            )
        }
    )
    changed = replace(crowd, study=replace(crowd.study, protocol=off))
    signals, runs = signals_of(changed)
    assert "dose_deviation" not in {one.rule for one in signals}
    assert runs["dose_deviation"].status == "off"
    longer = rules.lost_to_follow_up.model_copy(update={"days": 61})
    moved = protocol.model_copy(update={"signals": rules.model_copy(update={"lost_to_follow_up": longer})})
    assert raised(replace(crowd, study=replace(crowd.study, protocol=moved)), "lost_to_follow_up") == []


# ----------------------------------------------------------------------------------------------------


def test_signals_stand_in_order_of_severity_the_same_whatever_the_order_of_the_records(
    crowd: Facts, found: list[Signal]
) -> None:
    ranks = [SEVERITIES.index(one.severity) for one in found]
    assert ranks == sorted(ranks)
    assert len({one.signal_id for one in found}) == len(found)
    turned = {name: frame.iloc[::-1].reset_index(drop=True) for name, frame in crowd.data.items()}
    assert signals_of(replace(crowd, data=turned))[0] == found
    assert json.loads(json.dumps([one.model_dump(mode="json") for one in found]))


def test_only_what_was_not_told_before_is_new(found: list[Signal]) -> None:
    held = [one.model_dump(mode="json") for one in found if one.rule != "dose_deviation"]
    assert {one.rule for one in new_since(found, held)} == {"dose_deviation"}


def test_every_rule_has_a_title_and_every_message_a_pattern() -> None:
    assert set(TITLES) == set(RULES)
    assert all("{" not in rendered("not_checked_study", {"title": title, "reason": "x"}) for title in TITLES.values())
    assert len(set(PATTERNS.values())) == len(PATTERNS)


def test_cut_days_are_those_of_the_first_infusion() -> None:
    assert cut_on(0) == pd.Timestamp("2025-01-10")


def test_every_endpoint_with_bounds_has_its_words() -> None:
    """A query to a subject who decides the bounds names the endpoint, deaths without DS included."""
    for variable in ("DLT", "ORR_D28", "CR_D28", "OS_100", DEATHS):
        named = endpoint_words(variable)
        assert "{" not in rendered(named["message_id"], named["arguments"])


def test_endpoints_that_may_move_are_a_list_in_a_sentence() -> None:
    endpoints = [endpoint_words("CR_D28"), endpoint_words("ORR_D28")]
    said = rendered("moves_headline", {"queries": ["Q-1", "Q-2"], "endpoints": endpoints})
    assert said.endswith("may move the complete response rate at day 28 and the response rate at day 28.")


def deaths(count: int) -> TrialBuilder:
    """Six subjects followed to day 191, the first of whom died on day 20."""
    book = TrialBuilder()
    for number in range(6):
        name = f"S0{number + 1}"
        quiet(name, book, until=14 if number < count else LATE)
        if number < count:
            book.died(20 + number)
    return book


def test_a_stopping_boundary_that_is_reached_and_one_event_before_it(protocol: Protocol, analysis: Analysis) -> None:
    # The rule of the demo's protocol for deaths by day 30 stops at 3 of the first 3 (docs/rules.md §4.12).
    told = {
        count: [(one.message_id, one.severity, one.scope) for one in raised(
            facts_of(deaths(count), protocol, analysis), "stopping_rule"
        ) if one.arguments["event"] == "Death by day 30"]
        for count in (1, 2, 3)
    }  # fmt: skip
    assert told[3] == [("stopping_reached", "high", "study")]
    assert told[2] in ([], [("stopping_next", "medium", "study")])
    assert told[1] == []
    shown_everywhere(facts_of(deaths(3), protocol, analysis), protocol, "stopping_rule")
    one = raised(facts_of(deaths(3), protocol, analysis), "stopping_rule")[0]
    assert one.sentence.startswith("Death by day 30: 3 of 6 subjects; the stopping boundary is reached.")
    assert len(one.evidence) == 3


def decision(**changed: str) -> Decision:
    """The committee escalated to DL2 on what was known on day 100 of the usual first infusion."""
    cut = f"{cut_on(100):%Y-%m-%d}"
    made = {
        "cut": "first", "cut_date": cut, "date": cut, "decision": "escalate", "level": "DL2", "reason": "0 of 3 DLTs",
        "by": "committee", "minutes": "1", "build": "0" * 64, "advice": "ONGOING(ESCALATE DL2)", "rule": "3+3",
    }  # fmt: skip
    return Decision.model_validate({**made, **changed})


@pytest.mark.parametrize(("onset", "known_on", "raises"), [(5, 120, True), (None, None, False), (150, 151, False)])
def test_a_decision_that_a_dlt_reported_later_no_longer_supports(
    onset: int | None, known_on: int | None, raises: bool, protocol: Protocol, analysis: Analysis
) -> None:
    book = TrialBuilder()
    for name in ("S01", "S02", "S03"):
        quiet(name, book)
    if onset is not None:
        for name in ("S01", "S02"):
            book.goes_on_with(name)
            book.event(
                "Sepsis", onset, 4, related="RELATED", serious="Y", end=onset + 9, AEDTC=book.date(known_on or 0)
            )
            book.add("SUPPAE", RDOMAIN="AE", IDVAR="AESEQ", IDVARVAL="1", QNAM="AEDLT", QVAL="Y")
    facts = replace(facts_of(book, protocol, analysis), decisions=[decision()])
    found = raised(facts, "unsupported_decision")
    assert bool(found) == raises
    if raises:
        assert found[0].severity == "high"
        assert "escalate to DL2" in found[0].sentence
        assert "S01 (DL1), S02 (DL1)" in found[0].sentence
        assert {one.usubjid for one in found[0].evidence} == {"iMSC-2001-S01", "iMSC-2001-S02"}
        shown_everywhere(facts, protocol, "unsupported_decision")
    assert raised(replace(facts, decisions=[]), "unsupported_decision") == []
    later = decision(decision="wait", level="", date=f"{cut_on(130):%Y-%m-%d}", supersedes=decision().date)
    assert raised(replace(facts, decisions=[decision(), later]), "unsupported_decision") == []


def test_a_level_treated_against_the_last_decision(protocol: Protocol, analysis: Analysis) -> None:
    book = quiet()
    book.subject("S02", level="DL2", start=f"{cut_on(101):%Y-%m-%d}").infused(0, 2.0)
    facts = facts_of(book, protocol, analysis)
    against = replace(facts, decisions=[decision(decision="enrol", level="DL1")])
    (found,) = raised(against, "beyond_decision")
    shown_everywhere(against, protocol, "beyond_decision")
    day = f"{cut_on(100):%Y-%m-%d}"
    assert found.sentence == (
        f"First treated at DL2: S02; no decision on record opens DL2. The last decision is: enrol at DL1, {day}."
    )
    assert (found.severity, found.level, [one.usubjid for one in found.evidence]) == ("high", "DL2", ["iMSC-2001-S02"])
    assert raised(replace(facts, decisions=[decision()]), "beyond_decision") == []
