"""The response at day 28 as readers want it: the headline of a cut, listings, and the frames of the figures (§8)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import pandas as pd

from trialbook.core.described import Card, described
from trialbook.core.messages import msg, plural
from trialbook.efficacy.day28 import PENDING, UNDELIVERED
from trialbook.efficacy.delivery import lacking_text
from trialbook.efficacy.estimands import INTERVALS as PROPORTION_NAMES
from trialbook.efficacy.rates import VARIABLE
from trialbook.efficacy.sensitivity import PRIMARY, sensitivities
from trialbook.efficacy.wording import REASON_WORDS
from trialbook.gvhd.response_rules import RESPONDERS
from trialbook.protocol.analysis import Analysis
from trialbook.results.ard import NOT_ESTIMABLE, NOT_EVALUABLE, NOT_EVALUABLE_WORDS, TOTAL
from trialbook.results.bounds import bounds_of, bounds_text, excluded_text, not_evaluable_text
from trialbook.statistics.intervals import clopper_pearson
from trialbook.subjects.ranking import Ranking, subject_numbers

# The figures of a large trial show so many subjects, and say so; the dead, those without a response and the pending are
# always shown.
MOST_SUBJECTS = 40

# ----------------------------------------------------------------------------------------------------
# Published response rates at day 28, shown beside this trial as "external, not comparable" (rulebook §7).


LABEL = msg("external, not comparable")


@dataclass(frozen=True)
class Benchmark:
    """One published count: responders of treated subjects at day 28, where it was published, and what is uncertain."""

    id: str
    study: str
    responders: int
    subjects: int
    source: str
    note: str = ""


BENCHMARKS = (
    Benchmark(
        "O1", msg("MSB-GVHD001, remestemcel-L, children"), 38, 54, msg("FDA label of Ryoncil"), msg("graded by IBMTR")
    ),
    Benchmark(
        "O9", msg("REACH2, ruxolitinib"), 96, 154, msg("Zeiser 2020 (percentage as cited in the rulebook)"),
        msg("counts not verified at the source"),
    ),
    Benchmark("O13", msg("CYP-001 cohort A, iPSC-derived MSC"), 5, 8, msg("review of CYP-001 phase 1"), ""),
)  # fmt: skip


def benchmark_intervals() -> pd.DataFrame:
    """The benchmarks with Clopper-Pearson limits: ID STUDY n N ESTIMATE LOW HIGH SOURCE NOTE, in their order."""
    rows = []
    for entry in BENCHMARKS:
        interval = clopper_pearson(entry.responders, entry.subjects)
        rows.append(
            {
                "ID": entry.id, "STUDY": entry.study, "n": entry.responders, "N": entry.subjects,
                "ESTIMATE": interval.estimate, "LOW": interval.low, "HIGH": interval.high, "SOURCE": entry.source,
                "NOTE": "; ".join(text for text in (LABEL, entry.note) if text),
            }
        )  # fmt: skip
    return pd.DataFrame(rows)


# ----------------------------------------------------------------------------------------------------
# Which subjects a figure or listing of responses shows where it cannot show all: those with events first, and what is
# said of the others.


DEAD, WITHOUT, OPEN, WITH = KINDS = (
    "dead", "without a response at day 28", "pending or not evaluable", "with a response"
)  # fmt: skip


def response_kinds(adrs: pd.DataFrame, adsl: pd.DataFrame) -> pd.Series:
    """Of each treated subject the first of `KINDS` that holds, by USUBJID, from ADRS and ADSL."""
    treated = adsl[adsl["SAFFL"].eq("Y")]
    day_28 = adrs[adrs["PARAMCD"].eq("RSP28")].drop_duplicates("USUBJID").set_index("USUBJID")["AVALC"]
    said = treated["USUBJID"].map(day_28).astype("str").fillna("")
    kind = pd.Series(WITHOUT, index=treated.index, dtype="str")
    kind = kind.mask(said.isin(["", "PENDING", "NE"]), OPEN).mask(said.isin(list(RESPONDERS)), WITH)
    return kind.mask(treated["DTHFL"].eq("Y"), DEAD).set_axis(treated["USUBJID"].astype("str"))


def response_ranking(adrs: pd.DataFrame, adsl: pd.DataFrame) -> Ranking:
    """The treated subjects in the order in which listings and figures of responses show them where they cannot show
    all: those of the first `KINDS` first.
    """
    words = "first the dead, then those without a response, then the pending"
    return Ranking(response_kinds(adrs, adsl), KINDS, words, subject_numbers(adsl), OPEN)


# ----------------------------------------------------------------------------------------------------

ORGAN_NAMES = {"SKIN": msg("Skin"), "LIVER": msg("Liver"), "UGI": msg("Upper GI"), "LGI": msg("Lower GI")}
ORGAN_ROWS = [*ORGAN_NAMES.values(), msg("Event")]
INTERVALS = PROPORTION_NAMES | {"beta_binomial": msg("Beta posterior (mean and limits)")}
EVENT_NAMES = {
    "DEATH": msg("Death"),
    "NEWTX": msg("New systemic therapy of the disease"),
    "RELAPSE": msg("Relapse of the malignancy"),
    "DLI": msg("Donor lymphocyte infusion"),
    "MISSING": msg("No assessment to judge by"),
    "INCOMPLETE": msg("Left open: an organ or a steroid dose is not known"),
    "UNDELIVERED": msg("Left open by a domain that was not delivered"),
}
LATER_NAMES = {
    "RSP14": msg("CR or PR at day 14"),
    "BOR": msg("Best response CR or PR"),
    "RSP56": msg("Durable response at day 56"),
    "VGPR28": msg("Very good partial response"),
    "RSPSKIN": msg("Skin: CR or PR at day 28"),
    "RSPLIVER": msg("Liver: CR or PR at day 28"),
    "RSPUGI": msg("Upper GI: CR or PR at day 28"),
    "RSPLGI": msg("Lower GI: CR or PR at day 28"),
    "reduced": msg("Steroids spared at day 28"),
    "stopped": msg("of these stopped"),
}
BEST_NAMES = {"NE": msg("NE (nothing that counts, or not delivered)"), "PENDING": msg("Pending")}
BY_RULE = msg("NR by rule")
THIS_TRIAL = msg("this trial")
BENEFIT, RISK = "response", "DLT"
# The figures of the course begin with the baseline window and end with the last assessment.
FIRST_DAY = -8
# With more subjects than this the figure of stages shows the overall grade of each.
MOST_BY_ORGAN = 24
OVERALL = msg("Overall grade")


def size_of(responses: pd.DataFrame) -> str:
    """The set of a figure in words for its title: `N=12 treated, 1 pending`. `responses`: the primary analysis."""
    pending = int((responses["AVALC"] == PENDING).sum())
    return msg("N={n} treated, {pending} pending", n=len(responses), pending=pending)


def questions_sentence(asked: int) -> str:
    """How many questions about stages and response this cut raises, in words."""
    if not asked:
        return msg("Stages and response raise no question to the site at this cut.")
    return plural(
        "Stages and response raise {n} question to the site; see the query list.",
        "Stages and response raise {n} questions to the site; see the query list.",
        asked,
    )


def level_headers(rows: pd.DataFrame, analysis_id: str) -> dict[str, str]:
    """Column heads of tables by level, with the responders among the mature subjects: `DL1: 2 of 3`."""
    own = rows[(rows["analysis_id"] == analysis_id) & rows["stat_name"].isin(["n", "N"])]
    if own.empty:  # the trial does not have this endpoint
        return {}
    own = own.drop_duplicates(["group1_level", "stat_name"]).pivot(
        index="group1_level", columns="stat_name", values="stat_text"
    )
    unknown = own["n"] == NOT_EVALUABLE
    told = own["n"] + " of " + own["N"]
    told = told.mask(unknown, NOT_EVALUABLE_WORDS + ", N=" + own["N"])
    return {str(level): f"{level}: {text}" for level, text in told.items()}


def sensitivity_labels(analysis: Analysis) -> dict[str, str]:
    """Row labels of the sensitivity table: what each alternative changes."""
    return {analysis.ci_primary_orr: msg("Primary analysis")} | {c.name: c.meaning for c in sensitivities(analysis)}


def response_listing(
    responses: pd.DataFrame, adrs: pd.DataFrame, adsl: pd.DataFrame
) -> pd.DataFrame:  # fmt: skip
    """One row per treated subject: stages and grade at baseline and day 28, category, reason, the investigator's view.

    Columns SUBJID TRT01A BASESTG D28STG (stages and grade) RELDAY ADY AVALC REASON EVENT RSPINV NOTE.
    """
    primary = responses[responses["SENS"] == PRIMARY].reset_index(drop=True)
    by_stages = (
        primary["RSPSTG"].map(lambda category: msg("by stages alone: {category}", category=category)).astype("str")
    )
    differs = (primary["RSPSTG"] != "") & (primary["RSPSTG"] != primary["AVALC"])
    relapse = primary["RELAPFL"].map({"Y": msg("relapse by then")}).astype("str").fillna("")
    base = (
        primary["BASETYPE"]
        .map({"WIDE": msg("early baseline"), "UNTIMED": msg("untimed baseline")})
        .astype("str")
        .fillna("")
    )
    notes = pd.concat([by_stages.where(differs, ""), relapse, base], axis=1).astype("object")
    # Of a death the reason says all but the date.
    event = (
        primary["EVNTDESC"].mask(primary["REASON"] == "DEATH", "")
        + " "
        + primary["EVNTDT"].dt.strftime("%Y-%m-%d").fillna("")
    ).str.strip()
    listed = pd.DataFrame(
        {
            "SUBJID": _subject(primary["USUBJID"], adsl),
            "TRT01A": primary["TRT01A"],
            "BASESTG": _with_grade(primary["BASESTG"], primary["USUBJID"], primary["BASEADT"], adrs),
            "D28STG": _with_grade(primary["D28STG"], primary["USUBJID"], primary["ADT"], adrs),
            "RELDAY": primary["RELDAY"],
            "ADY": primary["ADY"],
            "AVALC": primary["AVALC"].mask(primary["REASON"] == UNDELIVERED, NOT_EVALUABLE_WORDS),
            "REASON": primary["REASON"]
            .map({**REASON_WORDS, UNDELIVERED: msg("not delivered")})
            .fillna("")
            .astype("str"),
            "EVENT": event.where(primary["REASON"].isin(["DEATH", "NEWTX"]), ""),
            "RSPINV": _on(primary["USUBJID"], primary["ADT"], adrs[adrs["PARAMCD"] == "RSPINV"]),
            "NOTE": [", ".join(text for text in row if text) for row in notes.itertuples(index=False)],
        }
    ).astype({"NOTE": "str"})
    return described(listed, notes=[msg("Stages: skin-liver-upper GI-lower GI (grade), ? = not known.")])


def _subject(usubjid: pd.Series, adsl: pd.DataFrame) -> pd.Series:
    return usubjid.map(adsl.set_index("USUBJID")["SUBJID"]).astype("str").fillna("")


def _with_grade(stages: pd.Series, usubjid: pd.Series, day: pd.Series, adrs: pd.DataFrame) -> pd.Series:
    """Stages with the overall grade of that day: `2-0-1-1 (II)`."""
    grade = _on(usubjid, day, adrs[adrs["PARAMCD"] == "GRADE"])
    pairs = zip(stages, grade, strict=True)
    shown = [msg("{stages} ({grade})", stages=seen, grade=grade) if seen else "" for seen, grade in pairs]
    return pd.Series(shown, index=stages.index, dtype="object")


def _on(usubjid: pd.Series, day: pd.Series, rows: pd.DataFrame) -> pd.Series:
    """AVALC of a parameter on each subject's day, blank where there is none."""
    asked = pd.DataFrame({"USUBJID": usubjid, "ADT": day})
    found = asked.merge(rows[["USUBJID", "ADT", "AVALC"]], on=["USUBJID", "ADT"], how="left", validate="many_to_one")
    return pd.Series(found["AVALC"].fillna("").to_numpy(), index=usubjid.index)


def later_rows(rows: pd.DataFrame) -> pd.DataFrame:
    """The ARD rows of the endpoints beside the response rate, one `variable` each, in the order of `LATER_NAMES`."""
    named = rows["variable"].mask(rows["analysis_id"] == "STEROID_D28", rows["variable_level"])
    wanted = named.isin(list(LATER_NAMES)) & (rows["analysis_id"] != "BOR")
    own = rows.assign(variable=named, number_variable=rows["variable"])[wanted]
    order = own["variable"].map({name: k for k, name in enumerate(LATER_NAMES)}).sort_values(kind="stable")
    return described(
        own.loc[order.index], row="variable", row_labels=LATER_NAMES, stats="{n} of {N} ({conf.low} to {conf.high})",
        notes=[msg("Mature subjects only; pending subjects are left out. 95% interval as for the primary rate.")],
    )  # fmt: skip


# ----------------------------------------------------------------------------------------------------
# The response rate of a cut in words: headline numbers, and the sentence with its worst and best case (§8, §14).


CASES = {"ORR_D28": msg("Response"), "CR_D28": msg("Complete response")}


def response_headline(rows: pd.DataFrame, analysis: Analysis) -> list[tuple[str, str, str]]:
    """Headline numbers as (label, value, note) from the ARD of the response rate; none without the endpoint."""
    text = _texts(rows, "ORR_D28", analysis.ci_primary_orr)
    if not text:
        return []
    complete = _texts(rows, "CR_D28", analysis.ci_primary_orr)
    interval = msg("95% interval {text} to {text_2}", text=text["conf.low"], text_2=text["conf.high"])
    responders, complete_n = (
        not_evaluable_text(bounds_of(rows, name)) if found["n"] == NOT_EVALUABLE else found["n"]
        for name, found in (("ORR_D28", text), ("CR_D28", complete))
    )
    rate = NOT_EVALUABLE_WORDS if text["estimate"] == NOT_EVALUABLE else text["estimate"]
    unknown = text["estimate"] in (NOT_ESTIMABLE, NOT_EVALUABLE)
    counted = ("ORR_D28", TOTAL, VARIABLE, "", analysis.ci_primary_orr)
    return [
        Card(msg("Mature for day 28"), text["N"], msg("the denominator"), number=("SETS", TOTAL, "MAT28FL", "", "")),
        Card(
            msg("Pending"),
            text["pending"],
            msg("treated, day 28 not over"),
            number=("RSP28_CAT", TOTAL, VARIABLE, PENDING, ""),
        ),
        Card(msg("Responders (CR or PR)"), responders, msg("of them CR: {complete_n}", complete_n=complete_n), counted),
        Card(msg("Response rate at day 28"), rate, "" if unknown else interval, counted),
        *(
            [
                Card(
                    msg("Worst to best case"),
                    found.range,
                    found.range_with_pending
                    and msg("pending too: {range_with_pending}", range_with_pending=found.range_with_pending),
                    number=("BOUNDS", TOTAL, "ORR_D28", "", "worst_with_pending"),
                )
            ]
            if (found := bounds_of(rows, "ORR_D28")) and found.counts_somebody
            else []
        ),
    ]


def response_sentence(rows: pd.DataFrame, analysis: Analysis, absent: Collection[str] = ()) -> str:
    """The response rate of the cut in words, or why it is not known; blank without the endpoint.

    `absent`: what was not delivered of all that the response needs (`delivery`). With the worst and the best case.
    """
    text = _texts(rows, "ORR_D28", analysis.ci_primary_orr)
    if not text:
        return ""
    pending = {"0": msg("Nobody is pending"), "1": msg("1 treated subject is pending")}.get(
        text["pending"], msg("{pending} treated subjects are pending", pending=text["pending"])
    )
    if text["N"] == "0":
        return msg("The response rate is not known yet: no subject is mature for day 28. {pending}.", pending=pending)
    cases = " ".join(_case_sentence(rows, name, what) for name, what in CASES.items()).strip()
    if text["n"] == NOT_EVALUABLE:
        why = lacking_text(absent)
        return msg(
            "The response at day 28 is {not_evaluable_text}{value}. {cases} {pending}.",
            not_evaluable_text=not_evaluable_text(bounds_of(rows, "ORR_D28")),
            value=f": {why}" if why else "",
            cases=cases,
            pending=pending,
        )
    method = INTERVALS[analysis.ci_primary_orr]
    none = excluded_text(int(text["n"]), int(text["N"]))
    return msg(
        "{n} of {n_2} mature subjects responded (CR or PR) at day 28: rate {estimate}, 95% interval "
        "{text} to {text_2} ({method}).{value} {cases} {pending}.",
        n=text["n"],
        n_2=text["N"],
        estimate=text["estimate"],
        text=text["conf.low"],
        text_2=text["conf.high"],
        method=method,
        value=f" {none}." if none else "",
        cases=cases,
        pending=pending,
    )


def _case_sentence(rows: pd.DataFrame, variable: str, what: str) -> str:
    """Worst and best case of one rate with the subjects who decide it; blank where there are none to report."""
    told = bounds_text(rows, variable)
    return msg("{what}, worst and best case: {told}.", what=what, told=told) if told else ""


def _texts(rows: pd.DataFrame, analysis_id: str, context: str) -> dict[str, str]:
    """Stat texts of one analysis in total."""
    own = rows[(rows["analysis_id"] == analysis_id) & (rows["context"] == context) & (rows["group1_level"] == TOTAL)]
    return dict(zip(own["stat_name"], own["stat_text"], strict=True))
