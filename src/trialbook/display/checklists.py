"""The reporting checklists CONSORT-DEFINE and SPIRIT-DEFINE for one build: each item with what the build says of it.

The items have the numbers of CONSORT 2010 and SPIRIT 2013, which the extensions for early phase dose-finding trials
refine (Yap et al, BMJ 2023;383:e076387 and e076386); the topics are in our own words. What the extensions ask for under
a number (starting dose, cohort size, staggering, rules of interim decisions) is in the topic of that number.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from trialbook.core.messages import ENGLISH, Language, as_text, enumerated, joined, msg, plural
from trialbook.diff.built_cut import BuiltCut
from trialbook.display.page import Frame, render
from trialbook.results.ard import TOTAL

PAGE = "checklists.html"
TITLE = msg("Reporting checklists CONSORT-DEFINE and SPIRIT-DEFINE")
GIVEN, PART, MISSING, NO_MATTER = (
    msg("in the build"), msg("in part"), msg("not in the build"), msg("does not apply")
)  # fmt: skip
STATES = (GIVEN, PART, MISSING, NO_MATTER)
NUMBERS = msg(
    "The numbers are those of CONSORT 2010 and SPIRIT 2013, which the DEFINE extensions for dose-finding trials "
    "refine; the topics are in other words. Read the published checklists beside this page "
    "(BMJ 2023;383:e076387 and e076386)."
)
DRAFT = msg("This is a draft for the authors of the report or protocol. Only they can say that an item is complete.")
NOT_HELD = msg("The workbook does not hold it: the protocol or the report must say it.")
NOT_PUBLIC = msg("The protocol file does not say it, and the registry entry does not either.")


class Answer(NamedTuple):
    """What a build says of an item: one of STATES, the sentences, and where to look (page with anchor, name)."""

    state: str
    text: str
    places: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True)
class Facts:
    """What the answers are made from: one build, and the decisions of the committee that it shows."""

    build: BuiltCut
    decisions: Sequence[dict[str, Any]]

    @cached_property
    def counts(self) -> dict[tuple[str, str], int]:
        """Subjects in total by analysis and variable, as the results have them; what is not known is left out."""
        ard = self.build.ard
        own = ard[
            ard["analysis_id"].isin(["DISPOSITION", "SETS", "DLT_SETS"]) & ard["group1_level"].eq(TOTAL)
            & ard["variable_level"].eq("") & ard["stat_name"].eq("n") & ard["stat"].notna()
        ]  # fmt: skip
        return {(row.analysis_id, row.variable): int(row.stat) for row in own.itertuples()}

    def count(self, analysis: str, variable: str) -> str:
        """One of these counts in words."""
        return str(self.counts.get((analysis, variable), msg("an unknown number of")))


# ----------------------------------------------------------------------------------------------------
# Answers

ELIGIBILITY, SAFETY, DLT, RESPONSE, SURVIVAL = (
    ("02_eligibility.html", msg("Eligibility")), ("03_safety.html", msg("Safety")), ("04_dlt.html", msg("DLT")),
    ("05_orr.html", msg("Response")), ("06_os.html", msg("Survival")),
)  # fmt: skip
DISPOSITION, CLEANING = ("02_eligibility.html#T-1", msg("Disposition")), ("01_cleaning.html", msg("Cleaning"))
DEVIATIONS, INDEX = ("deviations.html", msg("Protocol deviations")), ("index.html", msg("First page"))


def not_held(facts: Facts) -> Answer:
    """What only a protocol or a publication can say."""
    return Answer(MISSING, NOT_HELD)


def title(facts: Facts) -> Answer:
    """Whether the registered title names a dose-finding trial."""
    study = facts.build.protocol.study
    if "dose" in study.title.lower() or "剂量" in study.title:
        return Answer(GIVEN, msg("The registered title names the dose-finding design: {title}", title=study.title))
    return Answer(
        PART, msg("The registered title does not say that doses are sought; the design does: {design}.",
                  design=study.design),
    )  # fmt: skip


def objectives(facts: Facts) -> Answer:
    """The endpoints; the objectives themselves are in the protocol."""
    names = enumerated([ENDPOINTS[name] for name in facts.build.protocol.study.endpoints])
    return Answer(PART, msg("Endpoints: {names}. The objectives and hypotheses are missing.", names=names), [INDEX])


ENDPOINTS = {
    "ELIGIBILITY": msg("eligibility"), "TEAE": msg("treatment-emergent adverse events"),
    "DLT": msg("dose-limiting toxicity"), "ORR_D28": msg("response at day 28"), "OS": msg("overall survival"),
}  # fmt: skip


def design(facts: Facts) -> Answer:
    """Levels, start, cohorts, staggering and rule; why they were chosen is not in the file."""
    protocol, keys = facts.build.protocol, facts.build.analysis
    first, last = protocol.dose_levels[0], protocol.dose_levels[-1]
    said = [
        msg("{design}; rule {rule}.", design=protocol.study.design, rule=keys.escalation_rule),
        plural("{n} dose level", "{n} dose levels", len(protocol.dose_levels)),
        msg("from {first} to {last}, starting at {first}; at most {n} subjects.",
            first=first.id, last=last.id, n=keys.n_cap),
        plural(
            "The first subject at a level is alone for {days} days.",
            "The first {n} subjects at a level are alone for {days} days.",
            protocol.enrolment.sentinel_subjects, days=protocol.enrolment.sentinel_days,
        ),
        msg("Missing: why this starting dose, this range and this rule."),
    ]  # fmt: skip
    return Answer(PART, joined(said), [DLT])


def changes_of_design(facts: Facts) -> Answer:
    """The amendments that the protocol file holds."""
    amendments = facts.build.protocol.amendments
    if not amendments:
        return Answer(PART, msg("The protocol file holds no amendment. Whether there was one, the protocol must say."))
    listed = enumerated([msg("version {id} of {date}", id=one.id, date=one.date) for one in amendments])
    return Answer(GIVEN, msg("Amendments: {listed}.", listed=listed), [ELIGIBILITY])


def eligibility(facts: Facts) -> Answer:
    """How many criteria are held and judged."""
    columns = facts.build.protocol.criteria
    if not columns:
        return Answer(MISSING, NOT_PUBLIC)
    said = plural("{n} criterion as registered, judged for each subject.",
                  "{n} criteria as registered, each judged for each subject.", len(columns))  # fmt: skip
    return Answer(GIVEN, said, [ELIGIBILITY])


def setting(facts: Facts) -> Answer:
    """The sponsor and the design; sites and their country are missing."""
    study = facts.build.protocol.study
    said = msg("Sponsor: {sponsor}; {design}. Missing: the sites.", sponsor=study.sponsor, design=study.design)
    return Answer(PART, said)


def interventions(facts: Facts) -> Answer:
    """The dose of each level and its planned infusions; what was given is on the safety page."""
    levels = facts.build.protocol.dose_levels
    known = [level for level in levels if level.printed_dose and level.planned_infusions]
    if len(known) < len(levels):
        return Answer(PART, msg("Missing: the dose or the planned days of some levels."), [SAFETY])
    listed = joined(
        [msg("{level} {dose} on days {days}", level=as_text(level.id), dose=as_text(level.printed_dose),
             days=enumerated(level.planned_infusions)) for level in levels], "; ",
    )  # fmt: skip
    return Answer(
        PART, msg("{product}: {listed}. Missing: when a dose is changed, delayed or stopped for a subject.",
                  product=facts.build.protocol.study.product, listed=listed), [SAFETY],
    )  # fmt: skip


def outcomes(facts: Facts) -> Answer:
    """The windows of the endpoints and the definition of a DLT."""
    keys = facts.build.analysis
    first, last = keys.dlt_window
    said = msg("DLT from day {first} to day {last}; the definitions in force are on the pages of each endpoint. "
               "Missing: why these outcomes.", first=first, last=last)  # fmt: skip
    return Answer(PART, said, [DLT, RESPONSE, SURVIVAL])


def sample_size(facts: Facts) -> Answer:
    """The planned number; how it came about is missing."""
    planned = facts.build.protocol.study.planned_n
    said = plural("{n} subject planned.", "{n} subjects planned.", planned)
    return Answer(PART, joined([said, msg("Missing: how this number was determined.")]), [DLT])


def interim(facts: Facts) -> Answer:
    """The rule that decides on doses, the stopping rules, and what was decided."""
    rules, decided = facts.build.protocol.monitoring, len(facts.decisions)
    said = [
        msg("Rule of escalation: {rule}.", rule=facts.build.analysis.escalation_rule),
        plural("{n} safety stopping rule.", "{n} safety stopping rules.", len(rules)),
        plural("{n} decision of the committee is on record.", "{n} decisions of the committee are on record.", decided),
    ]
    return Answer(GIVEN if rules and decided else PART, joined(said), [DLT])


def not_randomised(facts: Facts) -> Answer:
    """Allocation by chance, where the design is open or has one arm at a time."""
    words = facts.build.protocol.study.design
    if "random" in words.lower():
        return Answer(MISSING, NOT_HELD)
    return Answer(NO_MATTER, msg("The design is {design}: nobody is randomised.", design=words))


def not_blinded(facts: Facts) -> Answer:
    """Blinding, where the design is open."""
    words = facts.build.protocol.study.design
    if "open" not in words.lower():
        return Answer(MISSING, NOT_HELD)
    return Answer(NO_MATTER, msg("The design is {design}: nobody is blinded.", design=words))


def methods(facts: Facts) -> Answer:
    """The methods of the endpoints; each page has its estimand."""
    said = msg("The method of each endpoint, its interval and its estimand are on its page; the analysis keys in force "
               "are in the records of the build.")  # fmt: skip
    return Answer(GIVEN, said, [DLT, RESPONSE, SURVIVAL])


def sensitivity(facts: Facts) -> Answer:
    """Bounds over what is open, and other choices."""
    return Answer(GIVEN, msg("Worst and best case over what is open, and what other choices would give."),
                  [RESPONSE, SURVIVAL, DLT])  # fmt: skip


def flow(facts: Facts) -> Answer:
    """Screened, treated and evaluable subjects."""
    said = msg("{screened} screened, {treated} treated, {evaluable} evaluable for DLT; by dose level on the pages.",
               screened=facts.count("DISPOSITION", "SCREENED"), treated=facts.count("DISPOSITION", "TREATED"),
               evaluable=facts.count("DLT_SETS", "EVALUABLE"))  # fmt: skip
    return Answer(GIVEN, said, [DISPOSITION, DLT])


def losses(facts: Facts) -> Answer:
    """Screen failures and discontinuations with their reasons."""
    said = msg("{failed} screen failures and {left} discontinued, with reasons.",
               failed=facts.count("DISPOSITION", "SCRNFAIL"), left=facts.count("DISPOSITION", "DISCONT"))  # fmt: skip
    return Answer(GIVEN, said, [DISPOSITION, DEVIATIONS])


def dates(facts: Facts) -> Answer:
    """The first infusions, first to last, and the cut."""
    adsl = facts.build.datasets["adsl"]
    days = adsl.loc[adsl["SAFFL"].eq("Y"), "TRTSDT"].dropna() if {"SAFFL", "TRTSDT"} <= set(adsl.columns) else []
    if not len(days):
        return Answer(PART, msg("Nobody has been treated by the cut of {cut}.", cut=facts.build.cut.cut_date))
    said = msg("First infusions from {first} to {last}; data to {cut}.", first=f"{min(days):%Y-%m-%d}",
               last=f"{max(days):%Y-%m-%d}", cut=facts.build.cut.cut_date)  # fmt: skip
    return Answer(GIVEN, said, [SURVIVAL])


def ended(facts: Facts) -> Answer:
    """Whether the trial goes on; the advice is on the first page."""
    ongoing = facts.counts.get(("DISPOSITION", "ONGOING"))
    if ongoing:
        return Answer(PART, plural("The trial goes on: {n} subject is in follow-up.",
                                   "The trial goes on: {n} subjects are in follow-up.", ongoing), [INDEX])  # fmt: skip
    return Answer(PART, msg("Nobody is in follow-up. Missing: why the trial ended or was stopped."), [INDEX])


def numbers_analysed(facts: Facts) -> Answer:
    """The sets of analysis."""
    said = msg("{safety} in the safety set, {mature} mature for day 28, {evaluable} evaluable for DLT; who is in which "
               "set, and why not, is listed.", safety=facts.count("SETS", "SAFFL"),
               mature=facts.count("SETS", "MAT28FL"), evaluable=facts.count("SETS", "DLTEFL"))  # fmt: skip
    return Answer(GIVEN, said, [ELIGIBILITY])


def registration(facts: Facts) -> Answer:
    """The number in the registry."""
    return Answer(GIVEN, msg("Registered as {id}.", id=facts.build.protocol.study.registry_id))


def version(facts: Facts) -> Answer:
    """The version of the protocol that the criteria are."""
    said = msg("Version {version} in the protocol file. Missing: where the protocol can be read.",
               version=facts.build.protocol.version)  # fmt: skip
    return Answer(PART, said)


def funding(facts: Facts) -> Answer:
    """The sponsor; the money is not in the file."""
    said = msg("Sponsor: {sponsor}. Missing: who pays, and what part they have.",
               sponsor=facts.build.protocol.study.sponsor)  # fmt: skip
    return Answer(PART, said)


def shown(text: str, *places: tuple[str, str], state: str = GIVEN) -> Callable[[Facts], Answer]:
    """An answer that is the same for every build: where a page always shows it."""
    return lambda facts: Answer(state, text, places)


BASELINE = shown(
    msg("Age, weight, disease and transplant, by dose level."), ("02_eligibility.html#T-2", msg("Baseline"))
)
ESTIMATES = shown(
    msg("For each endpoint the number, the denominator, the estimate and its interval, by dose level."),
    DLT, RESPONSE, SURVIVAL,
)  # fmt: skip
HARMS = shown(
    msg("All adverse events by dose level, grade and relationship; serious events, deaths and DLTs by subject."),
    SAFETY, DLT,
)  # fmt: skip
NO_COMPARISON = shown(msg("Dose levels are not compared with each other."), state=NO_MATTER)
DATA = shown(
    msg("Contracts check each file and dataset, changes of data are logged, questions go to the site."),
    CLEANING, state=PART,
)  # fmt: skip
TIMELINE = shown(msg("The planned visits with their windows, and what is coming up for each subject."), INDEX)
ADHERENCE = shown(msg("Infusions given against planned, and the deviations."), SAFETY, DEVIATIONS)
CONCOMITANT = shown(msg("Which drugs count as therapy of the disease, and who had them."), RESPONSE, state=PART)
COMMITTEE = shown(
    msg("The advice and the committee's decisions are kept. Missing: who its members are, and its charter."),
    DLT, state=PART,
)  # fmt: skip
TRACE = shown(
    msg("Each build names its inputs, keys and versions and can be checked again. Missing: audits of the trial."),
    INDEX, state=PART,
)  # fmt: skip


class Item(NamedTuple):
    """One item: its number, its topic in our words, and how the build answers it."""

    number: str
    topic: str
    answer: Callable[[Facts], Answer] = not_held


# ----------------------------------------------------------------------------------------------------
# The items

CONSORT = (
    Item("1a", msg("Title: an early phase dose-finding trial"), title),
    Item("1b", msg("Structured abstract")),
    Item("2a", msg("Background, earlier clinical and preclinical findings")),
    Item("2b", msg("Objectives: safety, activity, recommended dose"), objectives),
    Item("3a", msg("Design: rule, dose range, starting dose, cohorts, staggering, expansion"), design),
    Item("3b", msg("Changes of the design after the start"), changes_of_design),
    Item("4a", msg("Eligibility criteria"), eligibility),
    Item("4b", msg("Settings and places"), setting),
    Item("5", msg("Interventions at each dose level, and when a dose is changed"), interventions),
    Item("6a", msg("Outcomes, how and when they are assessed"), outcomes),
    Item("6b", msg("Changes of the outcomes after the start"), changes_of_design),
    Item("7a", msg("Sample size"), sample_size),
    Item("7b", msg("Interim decisions on doses, and stopping rules"), interim),
    Item("8a", msg("How the random sequence was made"), not_randomised),
    Item("8b", msg("Kind of randomisation"), not_randomised),
    Item("9", msg("How the allocation was concealed"), not_randomised),
    Item("10", msg("Who enrolled and who allocated"), not_held),
    Item("11a", msg("Who was blinded"), not_blinded),
    Item("11b", msg("Similarity of the interventions"), not_blinded),
    Item("12a", msg("Statistical methods, analysis sets, intercurrent events"), methods),
    Item("12b", msg("Further analyses"), sensitivity),
    Item("13a", msg("Flow of the subjects by dose level"), flow),
    Item("13b", msg("Losses and exclusions with reasons"), losses),
    Item("14a", msg("Dates of recruitment and follow-up"), dates),
    Item("14b", msg("Why the trial ended"), ended),
    Item("15", msg("Baseline data by dose level"), BASELINE),
    Item("16", msg("Numbers analysed by dose level"), numbers_analysed),
    Item("17a", msg("Results of each outcome with precision"), ESTIMATES),
    Item("17b", msg("Absolute and relative effects"), NO_COMPARISON),
    Item("18", msg("Results of further analyses"), sensitivity),
    Item("19", msg("Harms at each dose level"), HARMS),
    Item("20", msg("Limitations")),
    Item("21", msg("Generalisability")),
    Item("22", msg("Interpretation, and the dose recommended")),
    Item("23", msg("Registration"), registration),
    Item("24", msg("Where the protocol can be read"), version),
    Item("25", msg("Funding"), funding),
)
SPIRIT = (
    Item("1", CONSORT[0].topic, title),
    Item("2a", msg("Registry and number"), registration),
    Item("2b", msg("All items of the registration data set")),
    Item("3", msg("Version of the protocol"), version),
    Item("4", CONSORT[-1].topic, funding),
    Item("5a", msg("Contributors")),
    Item("5b", msg("Sponsor"), funding),
    Item("5c", msg("Part of sponsor and funders")),
    Item("5d", msg("Committees and who decides on doses"), COMMITTEE),
    Item("6a", CONSORT[2].topic),
    Item("6b", msg("Why this comparator or control"), NO_COMPARISON),
    Item("7", CONSORT[3].topic, objectives),
    Item("8", CONSORT[4].topic, design),
    Item("9", CONSORT[7].topic, setting),
    Item("10", CONSORT[6].topic, eligibility),
    Item("11a", msg("Interventions at each dose level"), interventions),
    Item("11b", msg("When a dose is changed, delayed or stopped"), not_held),
    Item("11c", msg("Adherence to the planned dose"), ADHERENCE),
    Item("11d", msg("Other treatment that is allowed or not"), CONCOMITANT),
    Item("12", CONSORT[9].topic, outcomes),
    Item("13", msg("Schedule of the subjects"), TIMELINE),
    Item("14", CONSORT[11].topic, sample_size),
    Item("15", msg("How enough subjects are recruited")),
    Item("16a", msg("How the random sequence was made"), not_randomised),
    Item("16b", msg("How the allocation was concealed"), not_randomised),
    Item("16c", msg("Who enrolled and who allocated"), not_randomised),
    Item("17a", CONSORT[17].topic, not_blinded),
    Item("17b", msg("When a blind may be broken"), not_blinded),
    Item("18a", msg("How data are collected and assessed"), DATA),
    Item("18b", msg("How subjects are kept in follow-up")),
    Item("19", msg("How data are managed"), DATA),
    Item("20a", msg("Statistical methods for the outcomes"), methods),
    Item("20b", CONSORT[20].topic, sensitivity),
    Item("20c", msg("Analysis sets and missing data"), methods),
    Item("21a", msg("Monitoring committee"), COMMITTEE),
    Item("21b", CONSORT[12].topic, interim),
    Item("22", msg("How harms are collected and reported"), HARMS),
    Item("23", msg("Audits"), TRACE),
    Item("24", msg("Ethics approval")),
    Item("25", msg("How amendments are communicated"), changes_of_design),
    Item("26a", msg("Who asks for consent, and how")),
    Item("26b", msg("Consent for further use of data and samples")),
    Item("27", msg("Confidentiality")),
    Item("28", msg("Interests of the investigators")),
    Item("29", msg("Who has access to the data")),
    Item("30", msg("Care after the trial, compensation of harm")),
    Item("31a", msg("How results are made public")),
    Item("31b", msg("Authorship")),
    Item("31c", msg("Access to protocol, data and code")),
    Item("32", msg("Consent form")),
    Item("33", msg("Biological specimens")),
)
LISTS = (
    ("CONSORT-DEFINE", msg("For the report of the trial (CONSORT-DEFINE)"), CONSORT),
    ("SPIRIT-DEFINE", msg("For its protocol (SPIRIT-DEFINE)"), SPIRIT),
)


def checklist(items: Sequence[Item], facts: Facts) -> list[tuple[Item, Answer]]:
    """Each item with what the build says of it, in the order of the list."""
    return [(item, item.answer(facts)) for item in items]


def missing_sentence(answered: Sequence[tuple[Item, Answer]]) -> str:
    """How many items there are in each state, and the numbers of those that are missing."""
    by_state = {state: [item.number for item, answer in answered if answer.state == state] for state in STATES}
    said = msg("{given} of {n} items are in the build, {part} in part; {none} do not apply.", n=len(answered),
               given=len(by_state[GIVEN]), part=len(by_state[PART]), none=len(by_state[NO_MATTER]))  # fmt: skip
    if not by_state[MISSING]:
        return said
    return joined([said, msg("Not in the build: {items}.", items=enumerated(by_state[MISSING]))])


def render_checklists(facts: Facts, frame: Frame, to_build: str, language: Language = ENGLISH) -> str:
    """The page of both lists; `to_build` leads from its folder to that of the build."""
    lists = []
    for anchor, name, items in LISTS:
        answered = checklist(items, facts)
        lists.append((anchor, name, missing_sentence(answered), answered))
    return render(
        "checklists.html", frame, PAGE, language, title=TITLE, lists=lists, to_build=to_build, said=[NUMBERS, DRAFT]
    )
