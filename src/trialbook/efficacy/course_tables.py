"""Each subject's course for readers: grade and steroids over time, change of grade, later endpoints, who is pending."""

from __future__ import annotations

import pandas as pd

from trialbook.core.dates import rel_day
from trialbook.core.described import described
from trialbook.core.domains import Domains
from trialbook.core.messages import joined, msg
from trialbook.drugs.records import drugs_in_force
from trialbook.efficacy.assessment_days import DAY_28
from trialbook.efficacy.day28 import UNDELIVERED, treated_subjects
from trialbook.efficacy.rates import ORGAN_PARAMETERS, VARIABLE
from trialbook.efficacy.response_figures import shown_note, shown_subjects
from trialbook.efficacy.response_tables import (
    FIRST_DAY,
    MOST_SUBJECTS,
    response_ranking,
    sensitivity_labels,
)
from trialbook.efficacy.sensitivity import PRIMARY, category_changes
from trialbook.efficacy.wording import REASON_WORDS, in_words
from trialbook.gvhd.response_rules import RESPONDERS
from trialbook.gvhd.steroids import steroid_days
from trialbook.protocol.analysis import Analysis
from trialbook.results.ard import NOT_EVALUABLE, NOT_EVALUABLE_WORDS, TOTAL
from trialbook.subjects.disposition import left_text

# Subjects that a cell of the sensitivity grid names.
MOST_NAMED = 12
GRADE, STEROIDS = "grade", "steroids"
# Between the baseline and day 28, where many trials read an early response.
MIDDLE_DAY = 14
STEROID_WORDS = {
    "SPARED": "spared", "STOPPED": "stopped", "NOT SPARED": "not spared", "NE": "not known", "DEAD": "dead",
    "PENDING": "pending",
}  # fmt: skip


def grade_courses(
    adrs: pd.DataFrame, adsl: pd.DataFrame, domains: Domains, analysis: Analysis, most_subjects: int = MOST_SUBJECTS
) -> pd.DataFrame:  # fmt: skip
    """F4: grade and steroid dose over time: SUBJECT LEVEL DAY KIND VALUE, by level, subject, kind and day.

    KIND `grade`: the overall grade 0 to 4 of an assessment, none where missing organs leave it open. KIND `steroids`:
    mg/kg/day of methylprednisolone equivalent, a row where the dose changes, up to death or the cut. From day -8
    on; the subjects of `shown_subjects`.
    """
    names = adsl.set_index("USUBJID")["SUBJID"]
    ranking = response_ranking(adrs, adsl)
    kept = set(shown_subjects(ranking, most_subjects)) & set(adrs["USUBJID"])
    graded = adrs[(adrs["PARAMCD"] == "GRADE") & adrs["AVAL"].notna()]
    grades = pd.DataFrame(
        {"USUBJID": graded["USUBJID"], "DAY": graded["RELDAY"], "KIND": GRADE, "VALUE": graded["AVAL"]}
    )
    parts = [grades, *([_steroids(adsl, domains, analysis)] if domains.delivered("CM") else [])]
    rows = pd.concat(parts, ignore_index=True)
    rows = rows[(rows["DAY"] >= FIRST_DAY).fillna(False).astype("bool") & rows["USUBJID"].isin(kept)]
    level = rows["USUBJID"].map(adsl.set_index("USUBJID")["TRT01A"]).astype("str")
    rows = rows.assign(LEVEL=level).sort_values(["LEVEL", "USUBJID", "KIND", "DAY"], kind="stable")
    subject = rows["USUBJID"].map(names).astype("str")
    drawn = rows.assign(SUBJECT=subject)[["SUBJECT", "LEVEL", "DAY", "KIND", "VALUE"]].reset_index(drop=True)
    of_grade = drawn[drawn["KIND"] == GRADE]
    last = of_grade.sort_values("DAY", kind="stable").groupby("SUBJECT")["VALUE"].last()
    finding = msg(
        "grade 0 at the last assessment in {n} of {total} subjects", n=int((last == 0).sum()), total=len(last)
    )
    summary = msg(
        "Grade as a line and steroids as an area for each of {n} subjects; at the last assessment the grade was 3 or "
        "4 in "
        "{severe}.",
        n=drawn["SUBJECT"].nunique(), severe=int((last >= 3).sum()),
    )  # fmt: skip
    return described(
        drawn, labels={"VALUE": msg("Grade, or mg/kg/day")}, empty=msg("No treated subject has an assessment."),
        notes=[*_steroid_notes(drawn), *shown_note(ranking, most_subjects)],
        finding=finding, summary=summary,
    )  # fmt: skip


def _steroid_notes(drawn: pd.DataFrame) -> list[str]:
    """How the area of the steroids is to be read: its height has a scale of its own."""
    doses = drawn.loc[drawn["KIND"] == STEROIDS, "VALUE"]
    if doses.empty:
        return []
    return [
        msg(
            "Line: overall grade. Area: steroids in mg/kg/day of methylprednisolone; a full panel is {top:g} "
            "mg/kg/day, the "
            "highest dose here. The table gives the days on which the dose changes.",
            top=float(doses.max()),
        )
    ]


def _steroids(adsl: pd.DataFrame, domains: Domains, analysis: Analysis) -> pd.DataFrame:
    """The dose of every day of the figure on which it differs from the day before, 0 where there is none."""
    treated = treated_subjects(adsl, adsl["CUTDT"].max())
    daily = steroid_days(domains, treated, drugs_in_force(analysis), analysis.local_routes)
    known = daily.merge(treated[["USUBJID", "TRTSDT"]], on="USUBJID").assign(
        DAY=lambda rows: rel_day(rows["ADT"], rows["TRTSDT"])
    )
    ends = treated["DTHDT"].where(treated["DTHDT"] <= treated["CUTDT"], treated["CUTDT"])
    last = rel_day(ends, treated["TRTSDT"])
    every = [
        (subject, day)
        for subject, end in zip(treated["USUBJID"], last, strict=True)
        for day in range(FIRST_DAY, int(end) + 1)
    ]
    rows = pd.DataFrame(every, columns=["USUBJID", "DAY"]).astype({"USUBJID": "str", "DAY": "Int64"})
    rows = rows.merge(known[["USUBJID", "DAY", "MPEQ"]], on=["USUBJID", "DAY"], how="left", indicator=True)
    dose = rows["MPEQ"].astype("float64").mask(rows["_merge"] == "left_only", 0.0)
    rows = rows.assign(KIND=STEROIDS, VALUE=dose.round(2)).dropna(subset="VALUE")
    before, after = (rows.groupby("USUBJID")["VALUE"].shift(step) for step in (1, -1))
    # Where the dose changes, and the last day, so that the area ends where the records do.
    return rows[(rows["VALUE"] != before) | after.isna()][["USUBJID", "DAY", "KIND", "VALUE"]]


def grade_changes(
    adrs: pd.DataFrame, adsl: pd.DataFrame, most_subjects: int = MOST_SUBJECTS
) -> pd.DataFrame:  # fmt: skip
    """F6: change of the grade from baseline at each assessment: SUBJECT LEVEL DAY CHANGE, from 0 at the baseline."""
    rows = adrs[(adrs["PARAMCD"] == "GRADE") & ((adrs["ABLFL"] == "Y") | adrs["CHG"].notna()) & adrs["BASE"].notna()]
    rows = rows[(rows["RELDAY"] >= FIRST_DAY).fillna(False).astype("bool")]
    ranking = response_ranking(adrs, adsl)
    rows = rows[rows["USUBJID"].isin(shown_subjects(ranking, most_subjects))]
    changes = pd.DataFrame(
        {
            "SUBJECT": rows["USUBJID"].map(adsl.set_index("USUBJID")["SUBJID"]).astype("str"), "LEVEL": rows["TRT01A"],
            "DAY": rows["RELDAY"], "CHANGE": rows["CHG"].fillna(0.0).astype("int64"),
        }
    ).reset_index(drop=True)  # fmt: skip
    last = changes.sort_values("DAY", kind="stable").groupby("SUBJECT")["CHANGE"].last()
    better, worse = int((last < 0).sum()), int((last > 0).sum())
    return described(
        changes,
        labels={"CHANGE": msg("Change of the grade")},
        empty=msg("No treated subject has a grade at baseline."),
        notes=[
            msg(
                "Below 0 is better. Lines of the same change are drawn side by side, and hold until the next "
                "assessment."
            ),
            *shown_note(ranking, most_subjects),
        ],
        finding=msg("better at the last assessment in {better} of {total} subjects", better=better, total=len(last)),
        summary=msg(
            "Change of the overall grade from baseline, a line per subject in a panel per dose level: at the last "
            "assessment {better} are better, {worse} worse, {same} unchanged.",
            better=better, worse=worse, same=len(last) - better - worse,
        ),
    )  # fmt: skip


GRADES = ("0", "I", "II", "III", "IV")
DEAD, UNSEEN, OPEN = msg("died"), msg("not assessed"), msg("pending")


def grade_moves(adrs: pd.DataFrame, responses: pd.DataFrame, adsl: pd.DataFrame, analysis: Analysis) -> pd.DataFrame:
    """F13: treated subjects by overall grade at baseline, day 14 and day 28, and where they moved next.

    Columns TIME STATE NEXT SUBJECTS WHO; NEXT is blank at the last time. STATE is the grade, or `died` (by that day),
    `not assessed`, `pending` (its window was open at the cut). The baseline and day 28 are the assessments of the
    response; day 14 is the one closest to it in a window of the same width, of two equally close the later.
    """
    primary = responses[responses["SENS"] == PRIMARY].set_index("USUBJID")
    subject = adsl.set_index("USUBJID").loc[primary.index]
    graded = adrs[(adrs["PARAMCD"] == "GRADE") & adrs["AVALC"].isin(GRADES)]
    died = (subject["DTHDT"] - subject["TRTSDT"]).dt.days
    followed = (subject["CUTDT"] - subject["TRTSDT"]).dt.days
    low, high = analysis.d28_window
    around = graded.assign(off=(graded["RELDAY"] - MIDDLE_DAY).astype("float64"))
    around = around[around["off"].between(low - DAY_28, high - DAY_28)]
    around = around.assign(far=around["off"].abs()).sort_values(["far", "off"], ascending=[True, False], kind="stable")
    on_day = graded.merge(primary["ADT"].reset_index(), on=["USUBJID", "ADT"])
    times = {
        msg("Baseline"): (graded[graded["ABLFL"] == "Y"], None),
        msg("Day {day}", day=MIDDLE_DAY): (around, MIDDLE_DAY),
        msg("Day {day}", day=DAY_28): (on_day, DAY_28),
    }
    states = {}
    for time, (rows, day) in times.items():
        state = rows.drop_duplicates("USUBJID").set_index("USUBJID")["AVALC"].reindex(primary.index).astype("object")
        if day is not None:
            state = state.mask((died <= day).fillna(False).astype("bool"), DEAD)
            state = state.mask(state.isna() & (followed < day + high - DAY_28), OPEN)
        states[time] = state.fillna(UNSEEN).astype("str")
    frames = [
        pd.DataFrame({"TIME": time, "STATE": states[time], "NEXT": states[after] if after else "",
                      "SUBJECT": subject["SUBJID"]})
        for time, after in zip(states, [*list(states)[1:], None], strict=True)
    ]  # fmt: skip
    every = pd.concat(frames, ignore_index=True)
    moves = (
        every.groupby(["TIME", "STATE", "NEXT"], sort=False)["SUBJECT"].agg(SUBJECTS="size", WHO=_some).reset_index()
    )
    first, last = states[msg("Baseline")], states[msg("Day {day}", day=DAY_28)]
    rank = {grade: k for k, grade in enumerate(GRADES)}
    both = pd.DataFrame({"first": first.map(rank), "last": last.map(rank)}).dropna()
    better, worse = int((both["last"] < both["first"]).sum()), int((both["last"] > both["first"]).sum())
    return described(
        moves.astype({"WHO": "str"}),
        labels={
            "TIME": msg("Time"), "STATE": msg("Grade"), "NEXT": msg("Grade at the next time"),
            "SUBJECTS": msg("Subjects"), "WHO": msg("Who"),
        },
        empty=msg("No treated subject has an assessment."),
        finding=msg("lower at day 28 in {better} of {total} subjects with both grades", better=better, total=len(both)),
        summary=msg(
            "Subjects by overall grade at baseline, day 14 and day 28, with lines for those who moved from one to the "
            "next. From baseline to day 28 the grade fell in {better}, rose in {worse} and was the same in {same}.",
            better=better, worse=worse, same=len(both) - better - worse,
        ),
        notes=[msg("A line is as wide as the number of subjects beside it.")],
    )  # fmt: skip


def _some(subjects: pd.Series) -> str:
    """The subjects by name, of many the first and how many more."""
    named = sorted(subjects)
    more = [msg("and {n} more", n=len(named) - MOST_NAMED)] if len(named) > MOST_NAMED else []
    return joined([*named[:MOST_NAMED], *more], ", ")


def sensitivity_grid(
    rates: pd.DataFrame, responses: pd.DataFrame, adsl: pd.DataFrame, analysis: Analysis, most_named: int = MOST_NAMED
) -> pd.DataFrame:  # fmt: skip
    """The sensitivity grid in one table: a row per analysis, with the subjects who change category (§5.3).

    `rates`: the ARD of the response rate; `responses`: `sensitivity_responses`. Columns CHOICE, each dose level and
    Total (n of N), RATE LOW HIGH (Total), MOVE (against the primary rate), CHANGES (subject: primary to alternative).
    """
    own = rates[rates["analysis_id"] == "ORR_D28"]
    labels = sensitivity_labels(analysis)
    text = own.set_index(["context", "group1_level", "stat_name"])["stat_text"]
    value = own.set_index(["context", "group1_level", "stat_name"])["stat"]
    levels = list(dict.fromkeys(own["group1_level"]))
    changes = category_changes(responses)
    told = adsl.set_index("USUBJID")["SUBJID"].reindex(changes["USUBJID"]).to_numpy()
    pairs = zip(told, changes["PRIMARY"], changes["ALTERNATIVE"], strict=True)
    changed = [msg("{subject}: {before} to {after}", subject=who, before=old, after=new) for who, old, new in pairs]
    changes = changes.assign(TEXT=pd.Series(changed, index=changes.index, dtype="object"))
    rows: list[dict[str, object]] = []
    numbers: dict[tuple[int, str], tuple[str, ...]] = {}
    for context, label in labels.items() if len(own) else []:
        numbers |= {(len(rows), level): ("ORR_D28", level, VARIABLE, "", context) for level in levels}
        numbers |= {(len(rows), name): ("ORR_D28", TOTAL, VARIABLE, "", context) for name in ("RATE", "LOW", "HIGH")}
        named = changes.loc[changes["SENS"] == context, "TEXT"].tolist()
        more = [msg("and {n} more", n=len(named) - most_named)] if len(named) > most_named else []
        counts = {level: _count(text[context, level, "n"], text[context, level, "N"]) for level in levels}
        moved = value[context, TOTAL, "estimate"] - value[analysis.ci_primary_orr, TOTAL, "estimate"]
        rows.append(
            {
                "CHOICE": label, **counts, "RATE": _said(text[context, TOTAL, "estimate"]),
                "LOW": _said(text[context, TOTAL, "conf.low"]), "HIGH": _said(text[context, TOTAL, "conf.high"]),
                "MOVE": "-" if pd.isna(moved) else f"{moved:+.3f}" if moved else "0",
                "CHANGES": joined([*named[:most_named], *more], "; ") or msg("nobody"),
            }
        )  # fmt: skip
    columns = ["CHOICE", *levels, "RATE", "LOW", "HIGH", "MOVE", "CHANGES"]
    return described(
        pd.DataFrame(rows, columns=columns), stub="CHOICE", right=columns[1:-1], numbers=numbers,
        labels={
            "CHOICE": msg("Choice"), "RATE": msg("Rate"), "LOW": msg("Lower limit"), "HIGH": msg("Upper limit"),
            "MOVE": msg("Change of the rate"), "CHANGES": msg("Subjects who change: primary to alternative"),
        },
    )  # fmt: skip


def _said(text: str) -> str:
    return NOT_EVALUABLE_WORDS if text == NOT_EVALUABLE else text


def _set_size(total: str) -> str:
    """`N=11`, or that the set itself is not known."""
    return "who counts is not known" if total == NOT_EVALUABLE else f"N={total}"


def _count(n: str, total: str) -> str:
    return f"{n} of {total}" if n != NOT_EVALUABLE else f"{NOT_EVALUABLE_WORDS}, {_set_size(total)}"


def later_listing(adrs: pd.DataFrame, adsl: pd.DataFrame) -> pd.DataFrame:
    """One row per treated subject: SUBJID TRT01A DAY14 BOR VGPR ORGANS DURABLE STEROIDS, as ADRS says them."""
    subjects = adrs.loc[adrs["PARAMCD"] == "RSP28", ["USUBJID", "TRT01A"]]
    best = _values(adrs, "BOR")
    day = adrs[adrs["PARAMCD"] == "BOR"].set_index("USUBJID")["RELDAY"]
    when = (" (day " + day.astype("str") + ")").astype("str").fillna("")
    organs = adrs[adrs["PARAMCD"].isin(ORGAN_PARAMETERS)]
    undelivered = organs["REASON"] == UNDELIVERED
    value = in_words(organs["AVALC"], organs["REASON"])
    told = organs["PARAMCD"].map(ORGAN_PARAMETERS).astype("str") + " " + value.mask(undelivered, NOT_EVALUABLE_WORDS)
    by_subject = told.groupby(organs["USUBJID"]).agg(", ".join).astype("str")
    steroids = adrs[adrs["PARAMCD"] == "STER28"].set_index("USUBJID")
    before, now = (steroids[name].map("{:.2f}".format).astype("str") for name in ("BASE", "AVAL"))
    dose = before + " to " + now
    word = steroids["AVALC"].map(STEROID_WORDS).astype("str")
    spared = word.where(steroids["AVAL"].isna(), word + " (" + dose + ")")
    early = adrs[adrs["PARAMCD"] == "RSP14"].set_index("USUBJID")["REASON"]
    early = early.replace({UNDELIVERED: "", "DEATH": msg("died")})
    columns = {"DAY14": in_words(_values(adrs, "RSP14"), early)} if len(early) else {}
    columns |= {
        "BOR": best + when.reindex(best.index).fillna(""), "VGPR": _values(adrs, "VGPR28"), "ORGANS": by_subject,
        "DURABLE": _values(adrs, "RSP56"), "STEROIDS": spared,
    }  # fmt: skip
    frame = subjects.assign(SUBJID=subjects["USUBJID"].map(adsl.set_index("USUBJID")["SUBJID"]).astype("str"))
    for name, values in columns.items():
        frame[name] = values.reindex(frame["USUBJID"]).fillna("").to_numpy()
    return frame[["SUBJID", "TRT01A", *columns]].reset_index(drop=True)


# Why a response is none, and its organs, in columns that keep the English alone: for the catalogue of texts.
WHY_PATTERNS = (
    "stages {before} to {now}", "death {date}", "{reason}: death {date}", "Skin {response}", "Liver {response}",
    "Upper GI {response}", "Lower GI {response}", "{subject}: {response} to {result}", "NR, {reason}",
)  # fmt: skip


def _values(adrs: pd.DataFrame, parameter: str) -> pd.Series:
    own = adrs[adrs["PARAMCD"] == parameter].set_index("USUBJID")
    return own["AVALC"].mask(own["REASON"] == UNDELIVERED, NOT_EVALUABLE_WORDS)


def non_response_listing(listing: pd.DataFrame, adsl: pd.DataFrame | None = None) -> pd.DataFrame:
    """The mature subjects without a response and why: SUBJID TRT01A AVALC WHY, from `response_listing`.

    With `adsl` it is said of who has no assessment that counts how it left the trial, if it did.
    """
    rows = listing[~listing["AVALC"].isin([*RESPONDERS, "PENDING", NOT_EVALUABLE_WORDS])]
    stages = "stages " + rows["BASESTG"] + " to " + rows["D28STG"]
    why = rows["REASON"]
    event = (": " + rows["EVENT"]).where(rows["EVENT"] != "", "")
    told = (why + event).where(rows["REASON"] != "", stages)
    if adsl is not None:
        left = rows["SUBJID"].map(dict(zip(adsl["SUBJID"], left_text(adsl), strict=True))).fillna("").astype("str")
        told = told + left.where(rows["REASON"].eq(REASON_WORDS["MISSING"]), "")
    lost = rows[["SUBJID", "TRT01A", "AVALC"]].assign(WHY=told).reset_index(drop=True)
    lost.attrs.clear()  # what the listing says of itself is not said of this one
    return described(lost, empty=msg("No mature subject is without a response."))


def pending_listing(responses: pd.DataFrame, adsl: pd.DataFrame, analysis: Analysis) -> pd.DataFrame:
    """The treated subjects who are not mature for day 28: SUBJID TRT01A TRTSDT MATURE (first day counted)."""
    primary = responses[(responses["SENS"] == PRIMARY) & (responses["MAT28FL"] != "Y")]
    rows = primary[["USUBJID", "TRT01A"]].merge(adsl[["USUBJID", "SUBJID", "TRTSDT"]], on="USUBJID")
    mature = rows["TRTSDT"] + pd.Timedelta(days=analysis.days_to_maturity_d28)
    return described(
        rows.assign(MATURE=mature)[["SUBJID", "TRT01A", "TRTSDT", "MATURE"]],
        empty=msg("Nobody is pending: every treated subject is mature for day 28."),
    )  # fmt: skip
