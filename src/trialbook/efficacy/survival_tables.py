"""Survival as readers want it: the headline of a cut, what tables show of the ARD, who is censored (§5.2, §5.3, §8)."""

from __future__ import annotations

import pandas as pd

from trialbook.analyses.time_to_event import NOT_REACHED
from trialbook.core.dates import study_day
from trialbook.core.described import Card, described
from trialbook.core.messages import msg
from trialbook.efficacy.survival_bounds import DEATHS
from trialbook.protocol.analysis import Analysis
from trialbook.results.ard import NOT_ESTIMABLE, NOT_EVALUABLE, NOT_EVALUABLE_WORDS, TOTAL
from trialbook.results.bounds import bounds_of, bounds_text, case_table, excluded_text

REGISTERED_DAY = 100  # the registry measures overall survival at day 100
UNKNOWN = (NOT_REACHED, NOT_ESTIMABLE, NOT_EVALUABLE)
LIMITS = ("conf.low", "conf.high")
# What a record that proves life is, by its domain.
PROOFS = {
    "SS": msg("survival status"), "SV": msg("visit"), "EX": msg("infusion"), "VS": msg("vital signs"),
    "RS": msg("assessment of the disease"), "FA": msg("finding of the disease"), "QS": msg("questionnaire"),
    "LB": msg("laboratory result"), "MB": msg("microbiology"), "IS": msg("antibodies"), "AE": msg("adverse event"),
    "CM": msg("medication"), "PR": msg("procedure"), "CE": msg("clinical event"), "DS": msg("disposition"),
    "DM": msg("consent"),
}  # fmt: skip
EXACT = {
    "clopper_pearson": msg("Nobody censored before that day: exact interval (Clopper-Pearson)"),
    "clopper_pearson_lower": msg("Nobody died by that day: one-sided 95% bound of those at risk (Clopper-Pearson)"),
}


def headline_day(analysis: Analysis) -> int:
    """The day of S(t) that leads the page: the registry's, or the last of `os_days` where that is not among them."""
    return REGISTERED_DAY if REGISTERED_DAY in analysis.os_days else analysis.os_days[-1]


def survival_headline(rows: pd.DataFrame, analysis: Analysis) -> list[tuple[str, str, str]]:
    """Headline numbers as (label, value, note) from the ARD of OS and its follow-up; none without the endpoint."""
    text = _texts(rows)
    if text.empty:
        return []
    day, km = headline_day(analysis), analysis.km_ci
    n, dead = text["OS_EVENTS", "", "", "N"], text["OS_EVENTS", "", "", "n"]
    low, high = (text["OS_KM", str(day), km, name] for name in LIMITS)
    interval = (
        msg("95% interval {low} to {high}", low=low, high=high)
        if NOT_ESTIMABLE not in (low, high)
        else msg("interval not estimable")
    )
    survival = text["OS_KM", str(day), km, "estimate"]
    median, follow_up = text["OS_MEDIAN", "", km, "estimate"], text["FUP_RKM", "", km, "estimate"]
    alive = bounds_text(rows, f"OS_{day}")
    note = "; ".join(
        filter(
            None, ["" if survival in UNKNOWN else interval, alive and msg("worst to best case: {alive}", alive=alive)]
        )
    )
    deaths_note = "; ".join(filter(None, [msg("any cause"), deaths_open(rows)]))
    return [
        Card(msg("Treated and followed"), n, "subjects", number=("FUP_POTENTIAL", TOTAL, "OS", "", "")),
        Card(msg("Deaths"), deaths_text(rows) or _in_words(dead), deaths_note, ("OS_EVENTS", TOTAL, "OS", "", "")),
        Card(msg("Survival at day {day}", day=day), _in_words(survival), note, ("OS_KM", TOTAL, "OS", str(day), km)),
        Card(
            msg("Median survival"), _in_words(median), "" if median in UNKNOWN else "days",
            ("OS_MEDIAN", TOTAL, "OS", "", km),
        ),
        Card(
            msg("Median follow-up"), _in_words(follow_up), "" if follow_up in UNKNOWN else "days",
            ("FUP_RKM", TOTAL, "OS", "", km),
        ),
    ]  # fmt: skip


def _in_words(text: str) -> str:
    return NOT_EVALUABLE_WORDS if text == NOT_EVALUABLE else text


def bounds_sentence(rows: pd.DataFrame, analysis: Analysis) -> str:
    """The worst and the best case of survival at the headline day and who decides them; blank without BOUNDS rows."""
    day = headline_day(analysis)
    between = bounds_text(rows, f"OS_{day}")
    if not between:
        return ""
    return msg("Survival at day {day} (Kaplan-Meier), worst to best case: {between}.", day=day, between=between)


def case_counts(rows: pd.DataFrame, day: int, levels: list[str]) -> pd.DataFrame:
    """The worst and the best case of survival at a day, a row per dose level and for all (`results.bounds`)."""
    subtitle = msg("Alive, of those who died or were followed long enough (Kaplan-Meier)")
    note = msg(
        "In brackets is the Kaplan-Meier estimate of the same case; it need not be the count divided by its total."
    )
    return described(case_table(rows, f"OS_{day}", levels), subtitle=subtitle, notes=[note])


def deaths_text(rows: pd.DataFrame, level: str = TOTAL) -> str:
    """`at least 2 of 12`: the deaths that are certain where a domain that tells of deaths was not delivered.

    Blank where the number of deaths itself is known.
    """
    found = bounds_of(rows, DEATHS, level)
    return msg("at least {text}", text=found.low.text) if found and found.low.size else ""


def deaths_open(rows: pd.DataFrame, level: str = TOTAL) -> str:
    """`up to 12 of 12, open: 001, 003`: who may have died as well; blank where the number of deaths is known."""
    found = bounds_of(rows, DEATHS, level)
    if not found or not found.deciding:
        return ""
    return f"up to {found.high.text}, open: {found.deciding}"


def nobody_followed(rows: pd.DataFrame, adsl: pd.DataFrame) -> str:
    """Why there is no survival to show: no such endpoint, nobody treated, no time resolved; blank when there is."""
    text = _texts(rows)
    if text.empty:
        return msg("Overall survival is not an endpoint of this trial.")
    if not adsl["SAFFL"].eq("Y").any():
        return msg("No subject has been treated at this cut.")
    return msg("No survival time is resolved at this cut.") if text["OS_EVENTS", "", "", "N"] == "0" else ""


def survival_sentence(rows: pd.DataFrame, analysis: Analysis) -> str:
    """S(t) at the headline day in words, from the ARD of OS with somebody followed; says why when it is not known."""
    text, day, km = _texts(rows), headline_day(analysis), analysis.km_ci
    estimate = text.get(("OS_KM", str(day), km, "estimate"), "")
    if not estimate:  # `nobody_followed` says why there is no estimate
        return ""
    if estimate == NOT_EVALUABLE:
        return msg("Survival at day {day} is not evaluable.", day=day)
    if estimate == NOT_REACHED:
        return msg(
            "Survival at day {day} cannot be reported yet: no subject has been followed for {day} days.", day=day
        )
    low, high = (text["OS_KM", str(day), km, name] for name in LIMITS)
    if NOT_ESTIMABLE not in (low, high):
        return msg(
            "Survival at day {day} is {estimate} (95% interval {low} to {high}, {km}).",
            day=day,
            estimate=estimate,
            low=low,
            high=high,
            km=km,
        )
    bound = text.get(("OS_KM", str(day), "clopper_pearson_lower", "conf.low"), "")
    if bound:
        seen = int(text["OS_KM", str(day), km, "n.risk"])
        known = msg(
            "Nobody has died by day {day}: survival is {estimate}, at least {bound} (one-sided 95% bound).",
            day=day,
            estimate=estimate,
            bound=bound,
        )
        return msg(
            "{known} Deaths among those followed to it, {excluded_text}.",
            known=known,
            excluded_text=excluded_text(0, seen),
        )
    return msg(
        "Survival at day {day} is {estimate}; its {km} interval cannot be estimated.", day=day, estimate=estimate, km=km
    )


def level_headers(rows: pd.DataFrame, analysis_id: str = "OS_EVENTS") -> dict[str, str]:
    """Column heads of tables by level, with the subjects followed: `DL1 (N=3)`."""
    n = rows[rows["analysis_id"].eq(analysis_id) & rows["stat_name"].eq("N")]
    return {level: f"{level} (N={text})" for level, text in zip(n["group1_level"], n["stat_text"], strict=True)}


def estimates(rows: pd.DataFrame, analysis_id: str, context: str) -> pd.DataFrame:
    """The ARD rows of one analysis that a table shows as `{estimate} ({conf.low} to {conf.high})`.

    Where neither limit is a number both are left out, so that a cell is the estimate alone and not `1.000 (- to -)`.
    """
    own = rows[rows["analysis_id"].eq(analysis_id) & rows["context"].eq(context)]
    limit = own["stat_name"].isin(LIMITS)
    known = (limit & own["stat"].notna()).groupby([own[k] for k in ("group1_level", "variable", "variable_level")])
    return own[~limit | known.transform("any")]


def exact_intervals(rows: pd.DataFrame) -> pd.DataFrame:
    """The ARD rows of exact intervals beside S(t), with words for the context (A-80)."""
    own = rows[rows["analysis_id"].eq("OS_KM") & rows["context"].isin(list(EXACT))]
    own = own.sort_values("context", kind="stable")
    return described(
        own.assign(context=own["context"].map(EXACT).astype("str"), number_context=own["context"]), group="context",
        row="variable_level",
        empty=msg("No exact interval applies at this cut."),
    )  # fmt: skip


CAUSE_WORDS = {"NRM": msg("Death without relapse"), "RELAPSE": msg("Relapse")}


def by_cause(rows: pd.DataFrame) -> pd.DataFrame:
    """The ARD rows of cumulative incidence with words for what comes first."""
    return described(
        rows.assign(variable=rows["variable"].replace(CAUSE_WORDS).astype("str"), number_variable=rows["variable"])
    )


# What is counted of each time to an event, by its analysis.
ENDED_WORDS = {
    "OS_EVENTS": msg("Died"), "FFS_EVENTS": msg("Relapse, new systemic therapy or death"),
    "DOR_EVENTS": msg("Response ended, of those who had one"),
    "FUP_STALE": msg("Last seen too long before the cut, of the living"),
}  # fmt: skip


def ended(*parts: pd.DataFrame) -> pd.DataFrame:
    """The ARD rows that count how each time to an event ended, with words for what is counted."""
    rows = pd.concat(parts, ignore_index=True)
    rows = rows[rows["analysis_id"].isin(list(ENDED_WORDS))]
    return described(
        rows.assign(variable=rows["analysis_id"].map(ENDED_WORDS).astype("str"), number_variable=rows["variable"])
    )


# How a time to an event ends, as listings say it; other texts stay as they are.
END_WORDS = {
    "DEATH": msg("died"), "PROGRESSION": msg("progression"), "RELAPSE": msg("relapse"),
    "CENSORED: last assessment of GVHD": msg("goes on at the last assessment of GVHD"),
}  # fmt: skip


def censored_subjects(
    adtte: pd.DataFrame, analysis: Analysis, cut_date: pd.Timestamp, adsl: pd.DataFrame | None = None
) -> pd.DataFrame:
    """The living: SUBJID TRT01A AVAL ADY ADT SOURCE DAYS_AGO (last contact before the cut) STALE, longest ago first.

    With `adsl` also LEFT: how who left the trial did so, in the words of the disposition records.

    STALE is Y when the last contact lies more than `stale_followup_days` before the cut: then being censored may not
    be independent of dying (§5.2).
    """
    alive = adtte[adtte["PARAMCD"].eq("OS") & adtte["CNSR"].ne(0)]
    ago = (cut_date - alive["ADT"]).dt.days.astype("Int64")
    stale = pd.Series("", index=alive.index, dtype="str").mask(ago > analysis.stale_followup_days, "Y")
    source = alive["CNSDTDSC"].map(lambda record: PROOFS.get(str(record).partition(".")[0], record))
    listed = _with_study_day(alive).assign(SOURCE=source, DAYS_AGO=ago, STALE=stale)
    if adsl is not None:
        how = adsl["DCSREAS"].where(adsl["EOSSTT"].eq("DISCONTINUED"), "").fillna("").str.lower()
        listed = listed.assign(LEFT=listed["SUBJID"].map(dict(zip(adsl["SUBJID"], how, strict=True))).astype("str"))
    listed = listed.sort_values(["DAYS_AGO", "SUBJID"], ascending=[False, True]).reset_index(drop=True)
    return described(
        listed, labels={"ADT": msg("Last known alive")}, empty=msg("No treated subject is alive at this cut.")
    )


def dead_subjects(adtte: pd.DataFrame) -> pd.DataFrame:
    """The dead: SUBJID TRT01A AVAL ADY ADT EVNTDESC in the order of time."""
    dead = adtte[adtte["PARAMCD"].eq("OS") & adtte["CNSR"].eq(0)].sort_values(["AVAL", "SUBJID"])
    listed = _with_study_day(dead).assign(EVNTDESC=dead["EVNTDESC"].replace(END_WORDS)).reset_index(drop=True)
    return described(listed, empty=msg("No treated subject has died."))


def response_times(adtte: pd.DataFrame) -> pd.DataFrame:
    """Each response and how long it lasts: SUBJID TRT01A FIRST (day of the first response) START ADT AVAL EVNTDESC."""
    lasting = adtte[adtte["PARAMCD"].eq("DOR")]
    first = adtte[adtte["PARAMCD"].eq("TTR")].set_index("USUBJID")["AVAL"]
    shown = lasting[["SUBJID", "TRT01A"]].assign(FIRST=first.reindex(lasting["USUBJID"]).to_numpy(dtype="float64"))
    shown = shown.assign(
        START=lasting["STARTDT"],
        ADT=lasting["ADT"],
        AVAL=lasting["AVAL"],
        EVNTDESC=lasting["EVNTDESC"].replace(END_WORDS),
    ).reset_index(drop=True)
    return described(
        shown, labels={"ADT": "To", "AVAL": msg("Days"), "EVNTDESC": msg("How it ends")},
        empty=msg("No subject has responded at this cut."),
    )  # fmt: skip


def stale_sentence(censored: pd.DataFrame, analysis: Analysis) -> str:
    """Names the living who were last seen too long before the cut; blank when there are none."""
    stale = censored.loc[censored["STALE"].eq("Y"), "SUBJID"].tolist()
    if not stale:
        return ""
    return msg(
        "Not known to have died, but last seen more than {stale_followup_days} days before the cut: {stale}. "
        "Survival may be overestimated until their status is known.",
        stale_followup_days=analysis.stale_followup_days,
        stale=", ".join(stale),
    )


def unresolved_sentence(unresolved: pd.DataFrame) -> str:
    """Names the subjects whose survival time is unresolved; blank when there are none."""
    if unresolved.empty:
        return ""
    named = "; ".join(f"{row.SUBJID} ({row.REASON})" for row in unresolved.itertuples())
    return f"Left out of every estimate here until the site answers: {named}."


def _with_study_day(rows: pd.DataFrame) -> pd.DataFrame:
    """SUBJID TRT01A AVAL ADY ADT: listings give the day after the infusion and the CDISC study day (A-01)."""
    listed = rows[["SUBJID", "TRT01A", "AVAL", "ADT"]]
    listed.insert(3, "ADY", study_day(rows["ADT"], rows["STARTDT"]))
    return listed


def _texts(rows: pd.DataFrame) -> pd.Series:
    """Texts of the total by analysis_id, variable_level, context, stat_name."""
    total = rows[rows["group1_level"].eq(TOTAL) & rows["variable"].eq("OS")]
    return total.set_index(["analysis_id", "variable_level", "context", "stat_name"])["stat_text"]
