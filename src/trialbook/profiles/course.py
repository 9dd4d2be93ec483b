"""What happened to the treated subjects, each on the days since the first infusion: the frames that profiles draw.

Every frame has USUBJID and is sorted; DAY, FROM and UNTIL are days since the first infusion, which is day 0 (§0.1).
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from trialbook.dates import earliest_date, latest_date, rel_day
from trialbook.domains import Domains
from trialbook.drugs.records import drugs_in_force
from trialbook.gvhd.steroids import steroid_days
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.models import Protocol
from trialbook.results.ard import NOT_EVALUABLE, NOT_EVALUABLE_WORDS
from trialbook.safety.ae_results import seriousness_open
from trialbook.safety.relationship import relation_given
from trialbook.subjects.dosing import infusion_levels

ORGANS = ("SKIN", "LIVER", "UGI", "LGI", "GRADE")
RESPONSE, THERAPY, RELAPSE, DLT, DEATH, SEEN = (
    "Response at day 28", "New systemic therapy", "Relapse", "DLT", "Death", "Last seen alive"
)  # fmt: skip
# Events by PARAMCD of ADTTE and the beginning of EVNTDESC; a death is an event of OS.
EVENTS = (("OS", "DEATH", DEATH), ("NRM", "RELAPSE", RELAPSE), ("FFS", "NEW", THERAPY))


def infusion_rows(
    domains: Domains, treated: pd.DataFrame, protocol: Protocol, analysis: Analysis, cut_date: pd.Timestamp
) -> pd.DataFrame:
    """The infusions given: USUBJID INFNO EXSTDT DAY DOSEKG LEVEL."""
    given = infusion_levels(domains, protocol, analysis, cut_date)
    given = given[given["USUBJID"].isin(treated["USUBJID"])]
    given = given.assign(DAY=rel_day(given["EXSTDT"], _start(given, treated)))
    return given[["USUBJID", "INFNO", "EXSTDT", "DAY", "DOSEKG", "LEVEL"]].reset_index(drop=True)


def steroid_spans(domains: Domains, treated: pd.DataFrame, analysis: Analysis) -> pd.DataFrame:
    """Spans of an unchanged systemic steroid dose: USUBJID FROM UNTIL (last day) MPEQ (mg/kg/day, §2.4)."""
    daily = steroid_days(domains, treated, drugs_in_force(analysis), analysis.local_routes)
    day = rel_day(daily["ADT"], _start(daily, treated))
    daily = daily.assign(DAY=day)[day.notna()].sort_values(["USUBJID", "DAY"], kind="stable", ignore_index=True)
    before = daily.shift()
    same = daily["USUBJID"].eq(before["USUBJID"]) & daily["DAY"].eq(before["DAY"] + 1).fillna(False)
    same &= daily["MPEQ"].eq(before["MPEQ"]) | (daily["MPEQ"].isna() & before["MPEQ"].isna())
    spans = daily.groupby((~same.astype("bool")).cumsum(), sort=False).agg(
        USUBJID=("USUBJID", "first"), FROM=("DAY", "min"), UNTIL=("DAY", "max"), MPEQ=("MPEQ", "first")
    )
    return spans.reset_index(drop=True)


def stage_rows(adrs: pd.DataFrame, treated: pd.DataFrame) -> pd.DataFrame:
    """One row per assessment: USUBJID ADT DAY, and the code of SKIN LIVER UGI LGI GRADE (blank: not assessed)."""
    names = ["USUBJID", "ADT", "DAY", *ORGANS]
    rows = adrs[adrs["PARAMCD"].isin(ORGANS) & adrs["ADT"].notna() & adrs["USUBJID"].isin(treated["USUBJID"])]
    if rows.empty:
        return pd.DataFrame(columns=names)
    wide = rows.drop_duplicates(["USUBJID", "ADT", "PARAMCD"]).pivot(
        index=["USUBJID", "ADT", "RELDAY"], columns="PARAMCD", values="AVALC"
    )
    wide = wide.reindex(columns=list(ORGANS)).reset_index().rename(columns={"RELDAY": "DAY"}).rename_axis(columns=None)
    wide[list(ORGANS)] = wide[list(ORGANS)].astype("str").fillna("")
    return wide.sort_values(["USUBJID", "ADT"], kind="stable", ignore_index=True)[names]


def event_rows(adae: pd.DataFrame, treated: pd.DataFrame) -> pd.DataFrame:
    """The adverse events: USUBJID TERM REPORTED ASTDT AENDT FROM UNTIL GRADE (Int64) TEAE SERIOUS SEROPEN RELATED
    RELOPEN DLT OUTCOME. RELATED: the site said so; RELOPEN: it did not say, or cannot judge, and the event counts as
    related (A-61).

    UNTIL is missing where no end is known; an event without any date has no FROM.
    """
    rows = adae[adae["USUBJID"].isin(treated["USUBJID"])]
    start = _start(rows, treated)
    # A fatal event whose end is not known to the day ends with the death as it is counted.
    died = rows["USUBJID"].map(treated.set_index("USUBJID")["DTHDT"]).astype("datetime64[s]")
    imputed = rows["AENDTF"].fillna("").ne("") if "AENDTF" in rows else pd.Series(False, index=rows.index)
    fatal = rows["AEOUT"].fillna("").str.upper().eq("FATAL") & imputed & died.notna()
    rows = rows.assign(AENDT=rows["AENDT"].mask(fatal, died))
    given, counted = relation_given(rows["AEREL"]), rows["AREL"].eq("RELATED")
    frame = pd.DataFrame(
        {
            "USUBJID": rows["USUBJID"], "TERM": rows["ADECOD"].where(rows["ADECOD"].fillna("") != "", rows["AETERM"]),
            "REPORTED": rows["AETERM"], "ASTDT": rows["ASTDT"], "AENDT": rows["AENDT"],
            "FROM": rel_day(rows["ASTDT"], start), "UNTIL": rel_day(rows["AENDT"], start),
            "GRADE": rows["ATOXGR"].astype("Int64"), "TEAE": rows["TRTEMFL"].eq("Y"), "SERIOUS": rows["ASER"].eq("Y"),
            "SEROPEN": seriousness_open(rows), "RELATED": counted & given, "RELOPEN": counted & ~given,
            "DLT": rows["DLTFL"].eq("Y"), "OUTCOME": rows["AEOUT"],
        }
    )  # fmt: skip
    return frame.assign(_seq=rows["AESEQ"]).sort_values(
        ["USUBJID", "FROM", "TERM", "_seq"], kind="stable", na_position="last", ignore_index=True
    ).drop(columns="_seq")  # fmt: skip


def drug_rows(domains: Domains, treated: pd.DataFrame) -> pd.DataFrame:
    """The concomitant medication: USUBJID DRUG CATEGORY DOSE (text) ROUTE BEGAN ENDED (as entered) FROM UNTIL.

    FROM is the earliest day that a partial start allows, UNTIL the latest of the end; missing where it goes on.
    """
    cm = domains["CM"]
    rows = cm[cm["USUBJID"].isin(treated["USUBJID"])]
    start = _start(rows, treated)
    amount = rows["CMDOSE"].map(lambda dose: "" if pd.isna(dose) else f"{dose:g} ").astype("str")
    frame = pd.DataFrame(
        {
            "USUBJID": rows["USUBJID"], "DRUG": rows["CMTRT"].where(rows["CMTRT"].notna(), rows["CMDECOD"]),
            "CATEGORY": rows["CMCAT"].fillna(""), "DOSE": (amount + rows["CMDOSU"].fillna("")).str.strip(),
            "ROUTE": rows["CMROUTE"].fillna(""), "BEGAN": rows["CMSTDTC"], "ENDED": rows["CMENDTC"],
            "FROM": rel_day(earliest_date(rows["CMSTDTC"]), start),
            "UNTIL": rel_day(latest_date(rows["CMENDTC"]), start),
        }
    )  # fmt: skip
    return frame.assign(_seq=rows["CMSEQ"]).sort_values(
        ["USUBJID", "FROM", "DRUG", "_seq"], kind="stable", na_position="last", ignore_index=True
    ).drop(columns="_seq")  # fmt: skip


def milestone_rows(data: Mapping[str, pd.DataFrame], treated: pd.DataFrame) -> pd.DataFrame:
    """What decides endpoints, in order of time: USUBJID DATE DAY EVENT SAID.

    Response at day 28 (ADRS), new systemic therapy, relapse and death (ADTTE), DLT (ADDLT), else last contact (ADSL).
    """
    parts = [_of("USUBJID ADT AVALC", _day_28(data["adrs"]), RESPONSE)]
    adtte, addlt = data["adtte"], data["addlt"]
    told = adtte.get("EVNTDESC", pd.Series("", adtte.index, dtype="str")).fillna("").astype("str")
    # Of a death whose day is not known EVNTDESC says between which days it lies.
    adtte = adtte.assign(TOLD=told.str.extract("^DEATH: (.*)$", expand=False).fillna(""))
    for parameter, beginning, event in EVENTS:
        of_kind = adtte["PARAMCD"].eq(parameter) & told.str.startswith(beginning)
        parts.append(_of("USUBJID ADT TOLD", adtte[of_kind], event))
    if "DLTDT" in addlt:
        parts.append(_of("USUBJID DLTDT DLTSTAT", addlt[addlt["DLTDT"].notna()], DLT))
    parts.append(_of("USUBJID LSTALVDT", treated[treated["DTHFL"].ne("Y")], SEEN))
    rows = pd.concat([part for part in parts if len(part)], ignore_index=True)
    rows = rows[rows["USUBJID"].isin(treated["USUBJID"])]
    rows = rows.assign(DAY=rel_day(rows["DATE"], _start(rows, treated)))
    rows = rows.sort_values(["USUBJID", "DAY", "EVENT"], kind="stable", na_position="last", ignore_index=True)
    return rows[["USUBJID", "DATE", "DAY", "EVENT", "SAID"]]


def _day_28(adrs: pd.DataFrame) -> pd.DataFrame:
    if "ADT" not in adrs:
        return adrs.head(0)
    rows = adrs[adrs["PARAMCD"].eq("RSP28") & adrs["ADT"].notna()]
    return rows.assign(AVALC=rows["AVALC"].mask(rows["AVALC"] == NOT_EVALUABLE, NOT_EVALUABLE_WORDS))


def _of(columns: str, rows: pd.DataFrame, event: str) -> pd.DataFrame:
    """Rows as milestones, from their columns for subject, date and, if any, what is said."""
    subject, date, *said = columns.split()
    if rows.empty:
        return pd.DataFrame(columns=["USUBJID", "DATE", "EVENT", "SAID"])
    words = rows[said[0]].fillna("") if said else pd.Series("", index=rows.index)
    return pd.DataFrame({"USUBJID": rows[subject], "DATE": rows[date], "EVENT": event, "SAID": words})


def _start(rows: pd.DataFrame, treated: pd.DataFrame) -> pd.Series:
    """The first infusion of the subject of each row."""
    return rows["USUBJID"].map(treated.set_index("USUBJID")["TRTSDT"])
