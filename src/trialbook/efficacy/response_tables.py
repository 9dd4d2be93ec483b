"""The response at day 28 as readers want it: the headline of a cut, listings, and the frames of the figures (§8)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from trialbook.core.described import described
from trialbook.core.messages import enumerated, joined, msg, plural
from trialbook.efficacy.day28 import PENDING, UNDELIVERED
from trialbook.efficacy.delivery import lacking_text
from trialbook.efficacy.estimands import INTERVALS as PROPORTION_NAMES
from trialbook.efficacy.rates import VARIABLE
from trialbook.efficacy.sensitivity import PRIMARY, sensitivities
from trialbook.gvhd.grade import ORGANS
from trialbook.gvhd.response_rules import CATEGORIES, RESPONDERS
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.models import Protocol
from trialbook.results.ard import NOT_ESTIMABLE, NOT_EVALUABLE, NOT_EVALUABLE_WORDS, TOTAL
from trialbook.results.bounds import bounds_of, bounds_text, excluded_text, not_evaluable_text, with_bounds
from trialbook.statistics.intervals import clopper_pearson
from trialbook.subjects.dlt_status import COUNTED_AS_DLT, EVALUABLE
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
    Benchmark("O1", "MSB-GVHD001, remestemcel-L, children", 38, 54, "FDA label of Ryoncil", msg("graded by IBMTR")),
    Benchmark(
        "O9", "REACH2, ruxolitinib", 96, 154, "Zeiser 2020 (percentage as cited in the rulebook)",
        msg("counts not verified at the source"),
    ),
    Benchmark("O13", "CYP-001 cohort A, iPSC-derived MSC", 5, 8, "review of CYP-001 phase 1", ""),
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
    "INCOMPLETE": msg("Left open by missing organs"),
    "UNDELIVERED": msg("Left open by a domain that was not delivered"),
}
LATER_NAMES = {
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


def nobody_to_report(responses: pd.DataFrame, protocol: Protocol) -> str:
    """Why there is no response to show: no such endpoint, or nobody treated; blank when there is."""
    if not protocol.has_endpoint("ORR_D28"):
        return msg("ORR_D28 is not an endpoint of this trial.")
    return "" if len(responses) else msg("No subject has been treated at this cut.")


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


def interval_rows(rows: pd.DataFrame, analysis_id: str) -> pd.DataFrame:
    """The ARD rows of one rate under the primary analysis, a row per interval method; with bounds where it is NE."""
    own = rows[(rows["analysis_id"] == analysis_id) & rows["context"].isin(list(INTERVALS))]
    return with_bounds(own, rows, analysis_id)


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
    event = (primary["EVNTDESC"] + " " + primary["EVNTDT"].dt.strftime("%Y-%m-%d").fillna("")).str.strip()
    listed = pd.DataFrame(
        {
            "SUBJID": _subject(primary["USUBJID"], adsl),
            "TRT01A": primary["TRT01A"],
            "BASESTG": _with_grade(primary["BASESTG"], primary["USUBJID"], primary["BASEADT"], adrs),
            "D28STG": _with_grade(primary["D28STG"], primary["USUBJID"], primary["ADT"], adrs),
            "RELDAY": primary["RELDAY"],
            "ADY": primary["ADY"],
            "AVALC": primary["AVALC"].mask(primary["REASON"] == UNDELIVERED, NOT_EVALUABLE_WORDS),
            "REASON": primary["REASON"].mask(primary["REASON"] == UNDELIVERED, msg("not delivered")),
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
    return stages.where(stages == "", stages + " (" + grade + ")")


def _on(usubjid: pd.Series, day: pd.Series, rows: pd.DataFrame) -> pd.Series:
    """AVALC of a parameter on each subject's day, blank where there is none."""
    asked = pd.DataFrame({"USUBJID": usubjid, "ADT": day})
    found = asked.merge(rows[["USUBJID", "ADT", "AVALC"]], on=["USUBJID", "ADT"], how="left", validate="many_to_one")
    return pd.Series(found["AVALC"].fillna("").to_numpy(), index=usubjid.index)


def organ_course(
    adrs: pd.DataFrame, responses: pd.DataFrame, adsl: pd.DataFrame, most_subjects: int = MOST_SUBJECTS
) -> pd.DataFrame:  # fmt: skip
    """F3: what the organ-stage figure draws: SUBJECT LEVEL ROW DAY KIND STAGE, by level, subject, organ and day.

    KIND is `stage`, `new therapy` or `death`; a stage that is not known has no row, so that it is blank and not 0.
    From the baseline on; the subjects of `shown_subjects`. Of more than `MOST_BY_ORGAN` only the overall grade.
    """
    ranking = response_ranking(adrs, adsl)
    kept = set(shown_subjects(ranking, most_subjects)) & set(responses["USUBJID"])
    names = {"GRADE": OVERALL} if len(kept) > MOST_BY_ORGAN else ORGAN_NAMES
    from_baseline = adrs["ABLFL"].eq("Y") | (adrs["RELDAY"] > 0).fillna(False)
    staged = adrs[adrs["PARAMCD"].isin(list(names)) & adrs["AVAL"].notna() & from_baseline.astype("bool")]
    cells = pd.DataFrame(
        {
            "USUBJID": staged["USUBJID"], "ROW": staged["PARAMCD"].map(names), "DAY": staged["RELDAY"],
            "KIND": "stage", "STAGE": staged["AVAL"].astype("Int64").astype("str"),
        }
    )  # fmt: skip
    course = pd.concat([cells, _event_marks(responses, adsl)], ignore_index=True)
    order = course["ROW"].map({name: k for k, name in enumerate([*names.values(), msg("Event")])})
    level = course["USUBJID"].map(adsl.set_index("USUBJID")["TRT01A"]).astype("str")
    course = course.assign(order=order, LEVEL=level, SUBJECT=_subject(course["USUBJID"], adsl))
    course = course[course["USUBJID"].isin(kept)].sort_values(["LEVEL", "USUBJID", "order", "DAY"])
    drawn = course[["SUBJECT", "LEVEL", "ROW", "DAY", "KIND", "STAGE"]].reset_index(drop=True)
    known = responses[(responses["SENS"] == PRIMARY) & responses["MAT28FL"].eq("Y")]
    better = int(known["AVALC"].isin(RESPONDERS).sum())
    return described(
        drawn, labels={"ROW": msg("Organ"), "LEVEL": msg("Dose level")}, notes=shown_note(ranking, most_subjects),
        empty=msg("No treated subject has an assessment."),
        finding=msg("{n} of {total} mature subjects responded at day 28", n=better, total=len(known)),
        summary=msg(
            "Stage of each organ from the baseline of {n} subjects to day {last}. Deaths marked: {deaths}; new "
            "systemic "
            "therapies: {therapies}.",
            n=drawn["SUBJECT"].nunique(), last=int(drawn["DAY"].max()) if len(drawn) else 0,
            deaths=int(drawn["KIND"].eq("death").sum()), therapies=int(drawn["KIND"].eq("new therapy").sum()),
        ),
    )  # fmt: skip


def shown_subjects(ranking: Ranking, most: int = MOST_SUBJECTS) -> list[str]:
    """USUBJID of the subjects that the figures of responses draw: all but, of many, some of those with a response."""
    return ranking.drawn(max(most, int((ranking.kinds != WITH).sum())))


def shown_note(ranking: Ranking, most: int = MOST_SUBJECTS) -> list[str]:
    """A footnote where `shown_subjects` leaves subjects out."""
    return ranking.drawn_note(max(most, int((ranking.kinds != WITH).sum())))


def _event_marks(responses: pd.DataFrame, adsl: pd.DataFrame) -> pd.DataFrame:
    """New therapy (of mature subjects) and death (of all), by day, in the row `Event`."""
    primary = responses[responses["SENS"] == PRIMARY].merge(adsl[["USUBJID", "TRTSDT", "DTHDT"]], on="USUBJID")
    therapy = primary["EVNTDT"].where(primary["EVNTDESC"].ne("death") & primary["EVNTDESC"].ne(""))
    marks = [
        pd.DataFrame({"USUBJID": primary["USUBJID"], "DATE": date, "KIND": kind, "TRTSDT": primary["TRTSDT"]})
        for kind, date in ((msg("new therapy"), therapy), ("death", primary["DTHDT"]))
    ]
    both = pd.concat(marks, ignore_index=True).dropna(subset="DATE")
    day = ((both["DATE"] - both["TRTSDT"]) / pd.Timedelta(days=1)).astype("Float64").astype("Int64")
    return both.assign(DAY=day, ROW="Event", STAGE="")[["USUBJID", "ROW", "DAY", "KIND", "STAGE"]]


def stage_changes(
    responses: pd.DataFrame, adrs: pd.DataFrame, adsl: pd.DataFrame, most_subjects: int = MOST_SUBJECTS
) -> pd.DataFrame:  # fmt: skip
    """F5: change of the sum of stages (0 to 13) from baseline to day 28: SUBJECT CHANGE RESPONSE LABEL, best first.

    Mature subjects, at most `most_subjects` (`drawn_subjects`); without a change (an organ or an assessment is missing)
    CHANGE is 0 and LABEL says why.
    """
    primary = responses[(responses["SENS"] == PRIMARY) & (responses["MAT28FL"] == "Y")].reset_index(drop=True)
    ranking = response_ranking(adrs, adsl)
    primary = primary[primary["USUBJID"].isin(shown_subjects(ranking, most_subjects))].reset_index(drop=True)
    staged = adrs[adrs["PARAMCD"].isin(ORGANS)]
    change = staged.groupby(["USUBJID", "ADT"])["CHG"].agg(lambda values: values.sum(min_count=len(ORGANS)))
    at = pd.MultiIndex.from_frame(primary[["USUBJID", "ADT"]])
    value = pd.Series(change.reindex(at).to_numpy(dtype="float64"), index=primary.index)
    told = primary["AVALC"] + (", " + primary["REASON"]).where(primary["REASON"] != "", "")
    told = told.mask(primary["REASON"] == UNDELIVERED, NOT_EVALUABLE_WORDS)
    label = told.where(value.notna(), told.map(lambda said: msg("{response} (change not known)", response=said)))
    frame = pd.DataFrame(
        {
            "SUBJECT": _subject(primary["USUBJID"], adsl), "CHANGE": value.fillna(0.0),
            "RESPONSE": primary["AVALC"].where(primary["REASON"] == "", BY_RULE).mask(
                primary["REASON"] == UNDELIVERED, NOT_EVALUABLE_WORDS
            ),
            "LABEL": label, "order": value,
        }
    )  # fmt: skip
    frame = frame.sort_values(["order", "SUBJECT"], kind="stable", na_position="last")
    return described(
        frame.drop(columns="order").reset_index(drop=True),
        notes=[
            msg(
                "Below 0 is better. A change that is not known is drawn at 0 and says so. Pending subjects are "
                "not drawn."
            ),
            *shown_note(ranking, most_subjects),
        ],
        empty=msg("No subject is mature for day 28 at this cut."),
        **_seen_changes(frame["order"]),
    )


def _seen_changes(change: pd.Series) -> dict[str, str]:
    """What the waterfall shows, in words."""
    better, worse, open_ = int((change < 0).sum()), int((change > 0).sum()), int(change.isna().sum())
    finding = msg("better in {better} of {total} mature subjects", better=better, total=len(change))
    summary = msg(
        "Sum of organ stages from baseline to day 28: lower in {better} subjects, higher in {worse}, unchanged in "
        "{same}, "
        "not known in {open}.",
        better=better, worse=worse, same=len(change) - better - worse - open_, open=open_,
    )  # fmt: skip
    return {"finding": finding, "summary": summary}


def category_shares(rows: pd.DataFrame) -> pd.DataFrame:
    """F12: subjects per dose level and category from the ARD, pending ones included: LEVEL CATEGORY REASON SUBJECTS."""
    own = rows[(rows["analysis_id"] == "RSP28_CAT") & (rows["variable"] == VARIABLE) & (rows["stat"] > 0)]
    open_ = own["variable_level"] == NOT_EVALUABLE
    own = own.assign(
        variable_level=own["variable_level"].mask(open_, NOT_EVALUABLE_WORDS), context=own["context"].mask(open_, "")
    )
    shares = pd.DataFrame(
        {
            "LEVEL": own["group1_level"],
            "CATEGORY": own["variable_level"].where(own["context"] == "", BY_RULE),
            "REASON": own["context"],
            "SUBJECTS": own["stat"].astype("int64"),
        }
    ).reset_index(drop=True)
    total = shares[shares["LEVEL"] == TOTAL].groupby("CATEGORY", sort=False)["SUBJECTS"].sum()
    said = [msg("{category} {n}", category=category, n=n) for category, n in total.items()]
    responders = int(total.reindex(list(RESPONDERS)).fillna(0).sum())
    return described(
        shares, notes=[msg("NR by rule: death, new therapy, missing or incomplete assessment. White: pending.")],
        finding=msg("CR or PR in {n} of {total} subjects", n=responders, total=int(total.sum())),
        summary=msg("Subjects by response, all levels: {categories}.", categories=enumerated(said) or msg("none")),
    )  # fmt: skip


def benefit_rows(rows: pd.DataFrame, addlt: pd.DataFrame, levels: Sequence[str], analysis: Analysis) -> pd.DataFrame:
    """F19: response and DLT of each dose level: LEVEL KIND (response, DLT) ROW ESTIMATE LOW HIGH SAID (`2 of 4`).

    `rows`: the results with ORR_D28, primary interval; `addlt`: the DLT status, of whose evaluable subjects the rate is
    counted, with exact limits. A level without a subject who counts has no row.
    """
    own = rows[(rows["analysis_id"] == "ORR_D28") & (rows["context"] == analysis.ci_primary_orr)]
    wide = own.pivot(index="group1_level", columns="stat_name", values="stat")
    found: list[tuple[Any, ...]] = []
    for level in levels:
        if level in wide.index and wide.loc[level, "N"] and pd.notna(wide.loc[level, "n"]):
            n, total, share, low, high = (
                wide.loc[level, name] for name in ("n", "N", "estimate", "conf.low", "conf.high")
            )
            said = msg("{n} of {total}", n=int(n), total=int(total))
            found.append((level, BENEFIT, msg("{level}, response", level=level), share, low, high, said))
        seen = addlt[(addlt["TRT01A"] == level) & addlt["DLTSTAT"].isin(EVALUABLE)]
        if len(seen):
            n = int(seen["DLTSTAT"].isin(COUNTED_AS_DLT).sum())
            limits = clopper_pearson(n, len(seen))
            said = msg("{n} of {total}", n=n, total=len(seen))
            place = (limits.estimate, limits.low, limits.high)
            found.append((level, RISK, msg("{level}, DLT", level=level), *place, said))
    table = pd.DataFrame(found, columns=["LEVEL", "KIND", "ROW", "ESTIMATE", "LOW", "HIGH", "SAID"])
    each = [msg("{row} {n}", row=row, n=n) for row, n in zip(table["ROW"], table["SAID"], strict=True)]
    counted = addlt["DLTSTAT"].isin(EVALUABLE)
    dlts = int(addlt["DLTSTAT"].isin(COUNTED_AS_DLT).sum())
    all_levels = wide.loc[TOTAL] if TOTAL in wide.index else pd.Series({"n": None, "N": 0})
    known = pd.notna(all_levels["n"]) and len(table) > 0
    finding = msg(
        "response in {responders} of {mature}, DLT in {dlts} of {evaluable}", responders=int(all_levels["n"]),
        mature=int(all_levels["N"]), dlts=dlts, evaluable=int(counted.sum()),
    ) if known else ""  # fmt: skip
    return described(
        table, finding=finding,
        summary=msg("Response rate at day 28 and rate of DLT with 95% limits: {rows}.", rows=joined(each, "; ")),
        labels={
            "KIND": msg("Which"), "ROW": msg("Rate"), "ESTIMATE": msg("Rate"), "LOW": msg("Lower 95% limit"),
            "HIGH": msg("Upper 95% limit"), "SAID": msg("Subjects"),
        },
        notes=[msg("Response: mature subjects. DLT: subjects evaluable for DLT, exact limits.")],
        empty=msg("No subject is mature for day 28 or evaluable for DLT at this cut."),
    )  # fmt: skip


def forest_rows(rows: pd.DataFrame, analysis: Analysis) -> pd.DataFrame:
    """F15: response rates with limits: ROW KIND RESPONDERS SUBJECTS ESTIMATE LOW HIGH SOURCE, in the order drawn.

    This trial by level and in total (primary interval), then published rates, marked as not comparable. Where this
    trial's rate is not evaluable the published ones are drawn alone. Empty where nobody is mature: nothing is compared
    with nothing.
    """
    own = rows[(rows["analysis_id"] == "ORR_D28") & (rows["context"] == analysis.ci_primary_orr)]
    wide = own.pivot(index="group1_level", columns="stat_name", values="stat")
    wide = wide.reindex(list(dict.fromkeys(own["group1_level"])))
    if wide.empty or not wide.loc[TOTAL, "N"]:
        nothing = pd.DataFrame(columns=["ROW", "KIND", "RESPONDERS", "SUBJECTS", "ESTIMATE", "LOW", "HIGH", "SOURCE"])
        return described(nothing, empty=msg("No subject is mature for day 28 at this cut."))
    # One total that is not evaluable beside levels that are would mislead: then none of this trial's is drawn.
    wide = wide[(wide["N"] > 0) & wide["n"].notna() & pd.notna(wide.loc[TOTAL, "n"])]
    here = pd.DataFrame(
        {
            "ROW": [f"{row.Index}: {row.n:.0f}/{row.N:.0f}" for row in wide.itertuples()],
            "KIND": THIS_TRIAL, "RESPONDERS": wide["n"].astype("int64"), "SUBJECTS": wide["N"].astype("int64"),
            "ESTIMATE": wide["estimate"], "LOW": wide["conf.low"], "HIGH": wide["conf.high"],
            "SOURCE": INTERVALS[analysis.ci_primary_orr],
        }
    )  # fmt: skip
    known = benchmark_intervals()
    counts = known["n"].astype("str") + "/" + known["N"].astype("str")
    there = pd.DataFrame(
        {
            "ROW": known["STUDY"] + ": " + counts,
            "KIND": LABEL, "RESPONDERS": known["n"], "SUBJECTS": known["N"], "ESTIMATE": known["ESTIMATE"],
            "LOW": known["LOW"], "HIGH": known["HIGH"], "SOURCE": known["SOURCE"] + "; " + known["NOTE"],
        }
    )  # fmt: skip
    summary = msg(
        "Response rates at day 28 with 95% intervals: {own} of this trial, {published} published.",
        own=len(here), published=len(there),
    )  # fmt: skip
    return described(
        pd.concat([here, there], ignore_index=True),
        notes=forest_notes(rows, analysis),
        summary=summary,
        labels={
            "ROW": msg("Rate"),
            "KIND": msg("Which"),
            "RESPONDERS": msg("Responders"),
            "ESTIMATE": msg("Rate"),
            "LOW": msg("Lower 95% limit"),
            "HIGH": msg("Upper 95% limit"),
            "SOURCE": msg("Interval or source"),
        },
    )


def forest_notes(rows: pd.DataFrame, analysis: Analysis) -> list[str]:
    """Why the forest holds no rate of this trial though subjects are mature; empty where it does."""
    own = rows[(rows["analysis_id"] == "ORR_D28") & (rows["context"] == analysis.ci_primary_orr)]
    total = own[own["group1_level"] == TOTAL].set_index("stat_name")["stat"]
    if total.empty or not total["N"] or pd.notna(total["n"]):
        return []
    return ["This trial's rate is not evaluable: only published rates are drawn."]


def category_order() -> list[str]:
    """Response categories as figures order them."""
    return [*CATEGORIES, BY_RULE, NOT_EVALUABLE_WORDS, PENDING]


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
    return [
        (msg("Mature for day 28"), text["N"], msg("the denominator")),
        (msg("Pending"), text["pending"], msg("treated, day 28 not over")),
        (msg("Responders (CR or PR)"), responders, msg("of them CR: {complete_n}", complete_n=complete_n)),
        (msg("Response rate at day 28"), rate, "" if unknown else interval),
        *(
            [
                (
                    msg("Worst to best case"),
                    found.range,
                    found.range_with_pending
                    and msg("pending too: {range_with_pending}", range_with_pending=found.range_with_pending),
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
