"""The frames that the figures of the response draw: stages over time, changes, shares, rates beside others (§8)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from trialbook.core.described import described
from trialbook.core.messages import enumerated, joined, msg
from trialbook.efficacy.day28 import PENDING, UNDELIVERED
from trialbook.efficacy.rates import VARIABLE
from trialbook.efficacy.response_tables import (
    BENEFIT,
    BY_RULE,
    INTERVALS,
    LABEL,
    MOST_BY_ORGAN,
    MOST_SUBJECTS,
    ORGAN_NAMES,
    OVERALL,
    RISK,
    THIS_TRIAL,
    WITH,
    _subject,
    benchmark_intervals,
    response_ranking,
)
from trialbook.efficacy.sensitivity import PRIMARY
from trialbook.efficacy.wording import REASON_WORDS, in_words
from trialbook.gvhd.grade import ORGANS
from trialbook.gvhd.response_rules import CATEGORIES, RESPONDERS, RESPONSE_WORDS
from trialbook.protocol.analysis import Analysis
from trialbook.results.ard import NOT_EVALUABLE, NOT_EVALUABLE_WORDS, TOTAL
from trialbook.statistics.intervals import clopper_pearson
from trialbook.subjects.dlt_status import COUNTED_AS_DLT, EVALUABLE
from trialbook.subjects.ranking import MOST_DRAWN, Ranking


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
        # A response that cannot be evaluated is not "no response".
        finding="" if known["AVALC"].eq(NOT_EVALUABLE).any()
        else msg("{n} of {total} mature subjects responded at day 28", n=better, total=len(known)),
        summary=msg(
            "Stage of each organ from the baseline of {n} subjects to day {last}. Deaths marked: {deaths}; new "
            "systemic "
            "therapies: {therapies}.",
            n=drawn["SUBJECT"].nunique(), last=int(drawn["DAY"].max()) if len(drawn) else 0,
            deaths=int(drawn["KIND"].eq("death").sum()), therapies=int(drawn["KIND"].eq("new therapy").sum()),
        ),
    )  # fmt: skip


def shown_subjects(ranking: Ranking, most: int = MOST_SUBJECTS) -> list[str]:
    """USUBJID of the subjects that the figures of responses draw: all but, of many, some of those with a response.

    Never more than `MOST_DRAWN`, the first in the order of the ranking.
    """
    return ranking.drawn(_most(ranking, most))


def shown_note(ranking: Ranking, most: int = MOST_SUBJECTS) -> list[str]:
    """A footnote where `shown_subjects` leaves subjects out."""
    return ranking.drawn_note(_most(ranking, most))


def _most(ranking: Ranking, most: int) -> int:
    return min(max(most, int((ranking.kinds != WITH).sum())), MOST_DRAWN)


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
    told = in_words(primary["AVALC"], primary["REASON"])
    told = told.mask(primary["REASON"] == UNDELIVERED, NOT_EVALUABLE_WORDS)
    label = told.where(value.notna(), told.map(lambda said: msg("{response}, change not known", response=said)))
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
    known = len(change) - open_
    # A change that is not known is not "no better": it is counted apart, and nothing is said where none is known.
    finding = msg("better in {better} of {total} mature subjects", better=better, total=known)
    if open_:
        finding = msg(
            "better in {better} of {total} mature subjects, not known in {open} others", better=better, total=known,
            open=open_,
        )  # fmt: skip
    summary = msg(
        "Sum of organ stages from baseline to day 28: lower in {better} subjects, higher in {worse}, unchanged in "
        "{same}, "
        "not known in {open}.",
        better=better, worse=worse, same=len(change) - better - worse - open_, open=open_,
    )  # fmt: skip
    return {"finding": finding if known else "", "summary": summary}


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
            "CATEGORY": own["variable_level"].replace(RESPONSE_WORDS).where(own["context"] == "", BY_RULE),
            "REASON": own["context"].map(REASON_WORDS).fillna(own["context"]).astype("str"),
            "SUBJECTS": own["stat"].astype("int64"),
        }
    ).reset_index(drop=True)
    total = shares[shares["LEVEL"] == TOTAL].groupby("CATEGORY", sort=False)["SUBJECTS"].sum()
    said = [msg("{category} {n}", category=category, n=n) for category, n in total.items()]
    responders = int(total.reindex(list(RESPONDERS)).fillna(0).sum())
    mature = int(total.drop(RESPONSE_WORDS[PENDING], errors="ignore").sum())
    return described(
        shares, notes=[msg("NR by rule: death, new therapy, missing or incomplete assessment. White: pending.")],
        # Where a category cannot be evaluated, nobody can say how many responded.
        finding="" if open_.any()
        else msg("CR or PR in {n} of {total} mature subjects", n=responders, total=mature),
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
            "KIND": msg("Which"), "ROW": msg("Level and outcome"), "ESTIMATE": msg("Rate"),
            "LOW": msg("Lower 95% limit"), "HIGH": msg("Upper 95% limit"), "SAID": msg("Subjects"),
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
            "ROW": [
                msg(
                    "{head}: {n} of {total}", head=msg("Total") if row.Index == TOTAL else row.Index, n=int(row.n),
                    total=int(row.N),
                )
                for row in wide.itertuples()
            ],
            "KIND": THIS_TRIAL, "RESPONDERS": wide["n"].astype("int64"), "SUBJECTS": wide["N"].astype("int64"),
            "ESTIMATE": wide["estimate"], "LOW": wide["conf.low"], "HIGH": wide["conf.high"],
            "SOURCE": INTERVALS[analysis.ci_primary_orr],
        }
    )  # fmt: skip
    known = benchmark_intervals()
    there = pd.DataFrame(
        {
            "ROW": [
                msg("{study}: {n} of {total}", study=row.STUDY, n=row.n, total=row.N) for row in known.itertuples()
            ],
            "KIND": LABEL, "RESPONDERS": known["n"], "SUBJECTS": known["N"], "ESTIMATE": known["ESTIMATE"],
            "LOW": known["LOW"], "HIGH": known["HIGH"], "SOURCE": known["SOURCE"] + "; " + known["NOTE"],
        }
    )  # fmt: skip
    return described(
        pd.concat([here, there], ignore_index=True),
        notes=forest_notes(rows, analysis),
        finding=_seen_rates(wide, known),
        summary=msg(
            "Response rates at day 28 with 95% intervals: {own} of this trial, {published} published.",
            own=len(here),
            published=len(there),
        ),
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


def _seen_rates(wide: pd.DataFrame, known: pd.DataFrame) -> str:
    """What the forest shows, in words: the rate here beside the range of the published ones."""
    published = {"low": float(known["ESTIMATE"].min()), "high": float(known["ESTIMATE"].max())}
    if TOTAL not in wide.index:
        return msg("published rates {low:.3f} to {high:.3f}", **published)
    total = wide.loc[TOTAL]
    return msg(
        "{n} of {total} ({rate:.3f}) here, {low:.3f} to {high:.3f} published", n=int(total["n"]), total=int(total["N"]),
        rate=float(total["estimate"]), **published,
    )  # fmt: skip


def forest_notes(rows: pd.DataFrame, analysis: Analysis) -> list[str]:
    """Why the forest holds no rate of this trial though subjects are mature; empty where it does."""
    own = rows[(rows["analysis_id"] == "ORR_D28") & (rows["context"] == analysis.ci_primary_orr)]
    total = own[own["group1_level"] == TOTAL].set_index("stat_name")["stat"]
    if total.empty or not total["N"] or pd.notna(total["n"]):
        return []
    return ["This trial's rate is not evaluable: only published rates are drawn."]


def category_order() -> list[str]:
    """Response categories as figures order them."""
    return [*CATEGORIES, BY_RULE, NOT_EVALUABLE_WORDS, RESPONSE_WORDS[PENDING]]
