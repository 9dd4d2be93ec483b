"""Safety as readers want it: the headline of a cut, listings, and the frames that figures draw (§3.4, §8)."""

from __future__ import annotations

import pandas as pd

from trialbook.protocol.models import Protocol
from trialbook.results.ard import TOTAL
from trialbook.safety.ae_results import fatal, safety_records, set_sizes

HEADLINES = {
    "TEAE": "Subjects with any TEAE",
    "TEAE_GE3": "With grade 3 or more",
    "TRAE": "Related to iMSC",
    "SAE": "Serious",
    "TEAE_DTH": "TEAE leading to death",
    "DLT": "Confirmed DLT",
}


def level_headers(adsl: pd.DataFrame, protocol: Protocol) -> dict[str, str]:
    """Column heads of tables by level: `DL1 (N=3)`, and Total."""
    return {level: f"{level} (N={size})" for level, size in set_sizes(adsl, protocol.level_ids).items()}


def headline(overview: pd.DataFrame, adsl: pd.DataFrame, protocol: Protocol) -> list[tuple[str, str, str]]:
    """The first thing a committee asks, as (label, value, note): how many subjects in Total, and at each level."""
    sizes = set_sizes(adsl, protocol.level_ids)
    n = overview[overview["stat_name"] == "n"].set_index(["variable", "group1_level"])["stat_text"]
    facts = [("Treated subjects", str(sizes[TOTAL]), _by_level({k: str(v) for k, v in sizes.items()}))]
    for name, label in HEADLINES.items():
        if (name, TOTAL) in n.index:
            facts.append((label, n[name, TOTAL], _by_level({level: n[name, level] for level in sizes})))
    treated = adsl[adsl["SAFFL"] == "Y"]
    died = treated[treated["DTHFL"] == "Y"]["TRT01A"]
    deaths = {level: str(int((died == level).sum())) for level in protocol.level_ids}
    return [*facts, ("Deaths, any cause", str(len(died)), _by_level(deaths))]


def _by_level(texts: dict[str, str]) -> str:
    return ", ".join(f"{level}: {text}" for level, text in texts.items() if level != TOTAL)


def safety_sentence(overview: pd.DataFrame, adsl: pd.DataFrame, protocol: Protocol, cut_date: str) -> str:
    """What is known at this cut in one or two sentences; says so when nobody has been treated or no event is known."""
    size = set_sizes(adsl, protocol.level_ids)[TOTAL]
    if size == 0:
        return f"No subject has been treated at this cut ({cut_date})."
    total = overview[overview["group1_level"] == TOTAL].set_index(["variable", "stat_name"])["stat_text"]
    people = "subject has" if size == 1 else "subjects have"
    start = f"At the cut of {cut_date}, {size} {people} been treated"
    if total["TEAE", "n"] == "0":
        return f"{start}. No treatment-emergent adverse event has been reported."
    severe = total["TEAE_GE3", "n"]
    severe_words = "CTCAE grades were not collected" if severe == "-" else f"{severe} had one of grade 3 or more"
    return (
        f"{start}; {total['TEAE', 'n']} of {size} had a treatment-emergent adverse event ({total['TEAE', 'events']} "
        f"events), {severe_words}, {total['SAE', 'n']} a serious one, {total['TRAE', 'n']} a related one."
    )


def deaths_listing(adsl: pd.DataFrame, adae: pd.DataFrame) -> pd.DataFrame:
    """L-1: deaths of treated subjects: level, day of death, days since the last infusion, fatal events, relation."""
    died = adsl[(adsl["SAFFL"] == "Y") & (adsl["DTHFL"] == "Y")].sort_values("USUBJID", kind="stable")
    day = (died["DTHDT"] - died["TRTSDT"]) / pd.Timedelta(days=1)
    since = (died["DTHDT"] - died["TRTEDT"]) / pd.Timedelta(days=1)
    of_subject = adae[fatal(adae)].groupby("USUBJID")
    terms = of_subject["ADECOD"].agg(_joined).reindex(died["USUBJID"]).fillna("not recorded as an event")
    relation = of_subject["AREL"].agg(_joined).reindex(died["USUBJID"]).fillna("")
    return pd.DataFrame({
        "USUBJID": died["USUBJID"],
        "TRT01A": died["TRT01A"],
        "DTHDT": died["DTHDT"],
        "DTHDAY": day.astype("Float64").astype("Int64"),
        "SINCELAST": since.astype("Float64").astype("Int64"),
        "CAUSE": terms.to_numpy(),
        "AREL": relation.to_numpy(),
    }).reset_index(drop=True)  # fmt: skip


def serious_listing(adae: pd.DataFrame) -> pd.DataFrame:
    """L-2: serious events of treated subjects, treatment-emergent or not, one line each."""
    rows = adae[(adae["ASER"] == "Y") & (adae["SAFFL"] == "Y")].sort_values(["USUBJID", "ASTDT", "AESEQ"])
    columns = ["USUBJID", "TRT01A", "ADECOD", "ATOXGR", "ASTDT", "RELDAY", "AENDT", "AREL", "AEOUT", "TRTEMFL"]
    return rows[columns].reset_index(drop=True)


def term_dots(soc_pt: pd.DataFrame, grades: pd.DataFrame, limit: int) -> pd.DataFrame:
    """F7: TERM, KIND (any grade; grade 3 or more), SUBJECTS in Total of the `limit` most frequent terms."""
    any_grade = _totals(soc_pt, ["variable", "variable_level"])
    severe = _totals(grades[grades["context"].isin(["grade 3", "grade 4", "grade 5"])], ["variable", "variable_level"])
    frame = pd.DataFrame({"Any grade": any_grade, "Grade 3 or more": severe.reindex(any_grade.index)}).fillna(0)
    frame = frame.reset_index().rename(columns={"variable_level": "TERM"})
    frame = frame[frame["TERM"] != ""].sort_values(["Any grade", "TERM"], ascending=[False, True]).head(limit)
    if grades.empty:
        frame = frame.drop(columns="Grade 3 or more")
    kinds = [name for name in ("Any grade", "Grade 3 or more") if name in frame.columns]
    dots = frame.melt("TERM", kinds, var_name="KIND", value_name="SUBJECTS")
    return dots.astype({"SUBJECTS": "int64", "KIND": "str"})


def _totals(rows: pd.DataFrame, keys: list[str]) -> pd.Series:
    chosen = rows[(rows["group1_level"] == TOTAL) & (rows["stat_name"] == "n")]
    return chosen.groupby(keys)["stat"].sum()


def timeline(adae: pd.DataFrame, adsl: pd.DataFrame, given: pd.DataFrame, limit: int) -> pd.DataFrame:
    """F8: events and infusions of at most `limit` treated subjects on REL_DAYs, those with the worst events first.

    Columns: USUBJID TRT01A KIND (event, infusion) TERM FROM UNTIL (days) GRADE (text) ONGOING. An event without an end
    runs to death or the cut.
    """
    events = safety_records(adae)
    rank = events.groupby("USUBJID")["ATOXGR"].max().fillna(0).sort_values(ascending=False, kind="stable")
    chosen = sorted(rank.index[:limit])
    subject = adsl.set_index("USUBJID")
    events = events[events["USUBJID"].isin(chosen) & events["RELDAY"].notna()]
    last = subject["DTHDT"].fillna(subject["CUTDT"])
    last_day = ((last - subject["TRTSDT"]) / pd.Timedelta(days=1)).reindex(events["USUBJID"]).to_numpy()
    end = ((events["AENDT"] - events["TRTSDT"]) / pd.Timedelta(days=1)).to_numpy()
    bars = pd.DataFrame({
        "USUBJID": events["USUBJID"], "TRT01A": events["TRT01A"], "KIND": "event", "TERM": events["ADECOD"],
        "FROM": events["RELDAY"].astype("float64"), "UNTIL": end, "GRADE": _grade_text(events["ATOXGR"]),
        "ONGOING": pd.Series("", index=events.index).mask(events["AENDT"].isna(), "ongoing"),
    })  # fmt: skip
    bars["UNTIL"] = bars["UNTIL"].fillna(pd.Series(last_day, index=bars.index)) + 1
    doses = given[given["USUBJID"].isin(chosen)]
    start = subject["TRTSDT"].reindex(doses["USUBJID"]).to_numpy()
    lines = pd.DataFrame({
        "USUBJID": doses["USUBJID"], "KIND": "infusion", "TERM": "",
        "FROM": (doses["EXSTDT"] - pd.Series(start, index=doses.index)) / pd.Timedelta(days=1),
        "TRT01A": subject["TRT01A"].reindex(doses["USUBJID"]).to_numpy(), "GRADE": "", "ONGOING": "",
    })  # fmt: skip
    both = pd.concat([bars, lines], ignore_index=True)
    return both.sort_values(["USUBJID", "KIND", "FROM", "TERM"], kind="stable", ignore_index=True)


def _grade_text(grade: pd.Series) -> pd.Series:
    return ("grade " + grade.astype("str")).where(grade.notna(), "grade not given").astype("str")


def lab_panel(adlb: pd.DataFrame, tests: list[str], limit: int) -> pd.DataFrame:
    """F9: results of the named tests over time: USUBJID TRT01A TEST DAY VALUE (multiples of ULN for liver, else SI).

    At most `limit` subjects: those with the highest grades of these tests after the infusion.
    """
    rows = adlb[adlb["PARAMCD"].isin(tests) & (adlb["SAFFL"] == "Y") & adlb["RELDAY"].notna()]
    worst = rows[["ATOXGRL", "ATOXGRH"]].max(axis=1).where(rows["APOBLFL"] == "Y")
    rank = worst.groupby(rows["USUBJID"]).max().fillna(-1).sort_values(ascending=False, kind="stable")
    rows = rows[rows["USUBJID"].isin(rank.index[:limit])]
    in_uln = rows["PARAMCD"].isin(["ALT", "AST", "BILI", "ALP", "GGT"])
    value = (rows["AVAL"] / rows["ANRHI"]).where(in_uln, rows["AVAL"])
    unit = rows["AVALU"].where(~in_uln, "x ULN")
    panel = pd.DataFrame({
        "USUBJID": rows["USUBJID"], "TRT01A": rows["TRT01A"], "TEST": rows["PARAMCD"] + " (" + unit + ")",
        "DAY": rows["RELDAY"].astype("int64"), "VALUE": value,
    })  # fmt: skip
    order = {test: k for k, test in enumerate(tests)}
    panel = panel.assign(_order=rows["PARAMCD"].map(order))[value.notna() & (value > 0)]
    return panel.sort_values(["_order", "USUBJID", "DAY"], kind="stable").drop(columns="_order").reset_index(drop=True)


def _joined(texts: pd.Series) -> str:
    return "; ".join(dict.fromkeys(texts))
