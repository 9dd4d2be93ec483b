"""The frames that the safety figures draw (F7 to F11): only what is drawn, at most a readable number of subjects."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from trialbook.core.described import described
from trialbook.core.messages import msg
from trialbook.results.ard import TOTAL
from trialbook.safety.ae_tables import UNGRADED, safety_records, seriousness_open
from trialbook.safety.ctcae import TERMS
from trialbook.safety.lab_tables import NO_RESULT, NOTHING_DRAWN
from trialbook.safety.listings import subject_ids
from trialbook.safety.new_since_cut import NEW
from trialbook.subjects.ranking import Ranking, subject_numbers

# Graded by multiples of ULN, and drawn as such.
RATIO_TESTS = ("ALT", "AST", "BILI", "ALP", "GGT", "CREAT")
TIMELINE_LABELS = {
    "SUBJECT": msg("Subject"),
    "TRT01A": msg("Dose level"),
    "KIND": msg("Kind"),
    "TERM": msg("Event"),
    "FROM": msg("From day"),
    "UNTIL": msg("Until day"),
    "GRADE": msg("Grade"),
    "MARK": msg("Marked"),
    "ONGOING": msg("Ongoing"),
}
PANEL_LABELS = {
    "SUBJECT": msg("Subject"),
    "TRT01A": msg("Dose level"),
    "TEST": msg("Test"),
    "DAY": "Day",
    "VALUE": msg("Result"),
}
BAND_NOTE = msg(
    "Grey: CTCAE grades that hold for a normal baseline; other baselines, and the grade of each result: T-12."
)
THIN = 0.06
SEVERE = 3
SHIFT_LABELS = {
    "TEST": msg("Test"),
    "BASELINE": msg("Baseline grade"),
    "WORST": msg("Worst grade"),
    "SUBJECTS": msg("Subjects"),
}
# What a figure of a large trial shows at most, and says so.
MOST_TERMS, MOST_SUBJECTS = 20, 24


def term_dots(soc_pt: pd.DataFrame, grades: pd.DataFrame, limit: int = MOST_TERMS) -> pd.DataFrame:
    """F7: TERM, KIND (any grade; grade 3 or more; not graded), SUBJECTS (1 or more, Total) of the `limit` most
    frequent terms.
    """
    any_grade = _totals(soc_pt, ["variable", "variable_level"])
    severe = _totals(grades[grades["context"].isin(["grade 3", "grade 4", "grade 5"])], ["variable", "variable_level"])
    missing = _totals(grades[grades["context"] == UNGRADED], ["variable", "variable_level"])
    of_term = {"Grade 3 or more": severe, "Not graded": missing}
    frame = pd.DataFrame({"Any grade": any_grade, **{k: n.reindex(any_grade.index) for k, n in of_term.items()}})
    frame = frame.astype("float64").fillna(0)
    frame = frame.reset_index().rename(columns={"variable_level": "TERM"})
    frame = frame[frame["TERM"] != ""].sort_values(["Any grade", "TERM"], ascending=[False, True]).head(limit)
    if grades.empty:
        frame = frame.drop(columns=list(of_term))
    kinds = [name for name in ("Any grade", *of_term) if name in frame.columns]
    dots = frame.melt("TERM", kinds, var_name="KIND", value_name="SUBJECTS")
    dots = dots[dots["SUBJECTS"] > 0].astype({"SUBJECTS": "int64", "KIND": "str"}).reset_index(drop=True)
    return described(dots, labels={"TERM": msg("Preferred term"), "KIND": msg("Grade"), "SUBJECTS": msg("Subjects")})


def _totals(rows: pd.DataFrame, keys: list[str]) -> pd.Series:
    chosen = rows[(rows["group1_level"] == TOTAL) & (rows["stat_name"] == "n")]
    return chosen.groupby(keys)["stat"].sum()


def timeline(
    adae: pd.DataFrame, adsl: pd.DataFrame, given: pd.DataFrame, news: pd.Series, limit: int = MOST_SUBJECTS
) -> pd.DataFrame:  # fmt: skip
    """F8: events and infusions of at most `limit` treated subjects on REL_DAYs: those of `worst_first`.

    Columns: SUBJECT TRT01A KIND (event, infusion) TERM FROM UNTIL (days) GRADE MARK (grade, serious, new: as printed
    beside the bar) ONGOING. An event without an end runs to death or last contact.
    """
    events = safety_records(adae)
    chosen = sorted(worst_first(events)[:limit])
    subject = adsl.set_index("USUBJID")
    events = events[events["USUBJID"].isin(chosen) & events["RELDAY"].notna()]
    last = subject["DTHDT"].fillna(subject["LSTALVDT"])
    last_day = ((last - subject["TRTSDT"]) / pd.Timedelta(days=1)).reindex(events["USUBJID"]).to_numpy()
    end = ((events["AENDT"] - events["TRTSDT"]) / pd.Timedelta(days=1)).to_numpy()
    bars = pd.DataFrame({
        "SUBJECT": subject["SUBJID"].reindex(events["USUBJID"]).to_numpy(), "TRT01A": events["TRT01A"],
        "KIND": "event", "TERM": events["ADECOD"], "FROM": events["RELDAY"].astype("float64"), "UNTIL": end,
        "GRADE": _grade_text(events["ATOXGR"]), "MARK": _marks(events, news.loc[events.index]),
        "ONGOING": pd.Series("", index=events.index).mask(events["AENDT"].isna(), "ongoing"),
    })  # fmt: skip
    bars["UNTIL"] = bars["UNTIL"].fillna(pd.Series(last_day, index=bars.index)) + 1
    doses = given[given["USUBJID"].isin(chosen)]
    lines = pd.DataFrame({
        "SUBJECT": subject["SUBJID"].reindex(doses["USUBJID"]).to_numpy(), "TRT01A": doses["TRT01A"],
        "KIND": "infusion", "TERM": "", "FROM": doses["DAY"].astype("float64"), "GRADE": "", "MARK": "", "ONGOING": "",
    })  # fmt: skip
    both = pd.concat([bars, lines], ignore_index=True)
    both = both.sort_values(["SUBJECT", "KIND", "FROM", "TERM"], kind="stable", ignore_index=True)
    return described(both, labels=TIMELINE_LABELS, notes=subjects_left_out(both, adsl, adae))


def worst_first(events: pd.DataFrame) -> list[str]:
    """USUBJID of those with events: with a DLT first, then serious events, then by the highest grade.

    An event without a grade may be severe, and one of unknown seriousness serious: they count so.
    """
    rows = pd.DataFrame({
        "USUBJID": events["USUBJID"], "dlt": events["DLTFL"].eq("Y"),
        "serious": events["ASER"].eq("Y") | seriousness_open(events),
        "grade": events["ATOXGR"].fillna(SEVERE).astype("int64"),
    })  # fmt: skip
    worst = rows.groupby("USUBJID", sort=True).max().sort_values(
        ["dlt", "serious", "grade"], ascending=False, kind="stable"
    )  # fmt: skip
    return [str(subject) for subject in worst.index]


def safety_ranking(adae: pd.DataFrame, adsl: pd.DataFrame) -> Ranking:
    """The treated subjects in the order in which long listings of safety show them: the worst events first."""
    events = safety_records(adae)
    has = {
        msg("with a DLT"): events["DLTFL"].eq("Y"),
        msg("with a serious event"): events["ASER"].eq("Y") | seriousness_open(events),
        f"with an event of grade {SEVERE} or more, or not graded": (events["ATOXGR"] >= SEVERE).fillna(True),
    }
    treated = adsl.loc[adsl["SAFFL"].eq("Y"), "USUBJID"].astype("str")
    kinds = pd.Series("without such an event", index=treated.index, dtype="str")
    for kind, chosen in reversed(has.items()):
        kinds = kinds.mask(treated.isin(events.loc[chosen.astype("bool"), "USUBJID"]), kind)
    return Ranking(
        kinds.set_axis(treated), (*has, "without such an event"), "first subjects with a DLT, then those with a "
        "serious event, then those with a severe or ungraded one", subject_numbers(adsl),
    )  # fmt: skip


def _marks(events: pd.DataFrame, news: pd.Series) -> pd.Series:
    """`3 serious, new`: the grade as a figure, so that it is read without colour."""
    grade = events["ATOXGR"].astype("str").where(events["ATOXGR"].notna(), "?")
    serious = pd.Series("", index=events.index).mask(events["ASER"] == "Y", " serious")
    serious = serious.mask(seriousness_open(events), " serious?")
    return (grade + serious + news.map(lambda said: ", new" if said == NEW else "")).astype("str")


def _grade_text(grade: pd.Series) -> pd.Series:
    return ("grade " + grade.astype("str")).where(grade.notna(), msg("grade not given")).astype("str")


def lab_panel(
    adlb: pd.DataFrame, adsl: pd.DataFrame, tests: Sequence[str], limit: int = MOST_SUBJECTS
) -> pd.DataFrame:  # fmt: skip
    """F9: results of the named tests over time: SUBJECT TRT01A TEST DAY VALUE (multiples of ULN, or SI units).

    At most `limit` subjects: those with the highest grades of these tests after the infusion.
    """
    rows = adlb[adlb["PARAMCD"].isin(tests) & (adlb["SAFFL"] == "Y") & adlb["RELDAY"].notna()]
    worst = rows[["ATOXGRL", "ATOXGRH"]].max(axis=1).where(rows["APOBLFL"] == "Y")
    rank = worst.groupby(rows["USUBJID"]).max().fillna(-1).sort_values(ascending=False, kind="stable")
    rows = rows[rows["USUBJID"].isin(rank.index[:limit])]
    in_uln = rows["PARAMCD"].isin(RATIO_TESTS)
    value = (rows["AVAL"] / rows["ANRHI"]).where(in_uln, rows["AVAL"])
    unit = rows["AVALU"].where(~in_uln, "x ULN")
    panel = pd.DataFrame({
        "SUBJECT": subject_ids(rows, adsl), "TRT01A": rows["TRT01A"], "TEST": rows["PARAMCD"] + " (" + unit + ")",
        "DAY": rows["RELDAY"].astype("int64"), "VALUE": value,
    })  # fmt: skip
    order = {test: k for k, test in enumerate(tests)}
    panel = panel.assign(_order=rows["PARAMCD"].map(order))[value.notna() & (value > 0)]
    panel = panel.sort_values(["_order", "SUBJECT", "DAY"], kind="stable").drop(columns="_order").reset_index(drop=True)
    return described(panel, labels=PANEL_LABELS, empty=NOTHING_DRAWN)


def panel_notes(panel: pd.DataFrame, adsl: pd.DataFrame, adae: pd.DataFrame) -> list[str]:
    """What the grey bands of F9 are, and which subjects are not drawn."""
    return [BAND_NOTE, *subjects_left_out(panel, adsl, adae)]


def grade_bands(panel: pd.DataFrame) -> pd.DataFrame:
    """The CTCAE grades 2 to 4 of each test of `lab_panel` that its values reach: TEST GRADE (`G3`) NAME LOW HIGH.

    Only limits that are one number for everybody: multiples of ULN for a normal baseline, fixed limits of counts.
    """
    rows = []
    for test, one in panel.groupby("TEST", sort=False)["VALUE"]:
        code, least, most = str(test).partition(" ")[0], float(one.min()), float(one.max())
        term = next((term for term in TERMS if term.test == code), None)
        reference = "ULN" if code in RATIO_TESTS else "ABS"
        limits = {limit.grade: limit.factor for limit in term.normal if limit.reference == reference} if term else {}
        for grade in (2, 3, 4):
            if grade not in limits or term is None:
                continue
            onward = limits.get(grade + 1)
            if term.direction == "H":
                low, high = limits[grade], min(onward or most, most)
            else:
                low, high = max(onward or least, least), limits[grade]
                low, high = low, min(high, most)
            if low < high:
                # A band too thin for its name is drawn without.
                name = f"G{grade}" if high - low > THIN * most else ""
                rows.append((str(test), f"G{grade}", name, low, high))
    frame = pd.DataFrame(rows, columns=["TEST", "GRADE", "NAME", "LOW", "HIGH"])
    return frame.astype({"TEST": "str", "GRADE": "str", "NAME": "str"})


def shift_cells(ard: pd.DataFrame) -> pd.DataFrame:
    """F11: subjects in Total by test, baseline grade and worst grade, from LAB_SHIFT: TEST BASELINE WORST SUBJECTS."""
    rows = ard[ard["group1_level"].eq(TOTAL) & ard["stat"].gt(0)]
    cells = rows.rename(
        columns={"variable": "TEST", "context": "BASELINE", "variable_level": "WORST", "stat": "SUBJECTS"}
    )  # fmt: skip
    cells = cells[["TEST", "BASELINE", "WORST", "SUBJECTS"]].astype({"SUBJECTS": "int64"}).reset_index(drop=True)
    return described(cells, labels=SHIFT_LABELS, empty=NO_RESULT)


def subjects_left_out(drawn: pd.DataFrame, adsl: pd.DataFrame, adae: pd.DataFrame) -> list[str]:
    """A note where a figure shows only some of the treated subjects: how many it leaves out, and of which kind."""
    treated = adsl[adsl["SAFFL"] == "Y"]
    others = treated[~treated["SUBJID"].isin(drawn["SUBJECT"])]
    if drawn.empty or others.empty:
        return []
    events = safety_records(adae[adae["USUBJID"].isin(others["USUBJID"])])
    serious = events["ASER"].eq("Y") | seriousness_open(events)
    severe = (events["ATOXGR"] >= SEVERE).fillna(True).astype("bool")
    kinds = {
        msg("with a serious event"): events.loc[serious, "USUBJID"].nunique(),
        f"with an event of grade {SEVERE} or more, or not graded": events.loc[severe, "USUBJID"].nunique(),
        "dead": int(others["DTHFL"].eq("Y").sum()),
    }
    said = ", ".join(f"{count} {kind}" for kind, count in kinds.items() if count) or "none with such an event"
    return [
        f"{len(treated) - len(others)} of {len(treated)} treated subjects are drawn, the worst first. Not drawn: "
        f"{len(others)} ({said}); the listings hold all events."
    ]
