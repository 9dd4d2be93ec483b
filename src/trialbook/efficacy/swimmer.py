"""The course of each treated subject for the swimmer plot: bars of follow-up and marks of what happened (§8, F1)."""

from __future__ import annotations

import pandas as pd

from trialbook.core.dates import complete_date
from trialbook.core.described import described
from trialbook.core.domains import Domains
from trialbook.core.messages import msg
from trialbook.efficacy.day28 import UNDELIVERED
from trialbook.gvhd.response_rules import RESPONDERS
from trialbook.results.ard import NOT_EVALUABLE_WORDS
from trialbook.safety.adjudication import adjudicated_dlt


def swimmer_bars(adtte: pd.DataFrame, responses: pd.DataFrame) -> pd.DataFrame:
    """One bar per subject from the first infusion to death or last contact: subject, level, day, status, response.

    The status of a subject whose day of death is not known says between which days it lies.
    `responses`: `day28_response`; a response by rule is named with its reason, a subject not yet mature is PENDING.
    """
    os = adtte[adtte["PARAMCD"].eq("OS")].sort_values(["TRT01AN", "STARTDT", "SUBJID"], kind="stable")
    status = os["CNSR"].eq(0).map({True: "died", False: "alive"})
    days = (os["ADT"] - os["STARTDT"]).dt.days.astype("Int64")
    said = responses["AVALC"] + (", " + responses["REASON"]).where(responses["REASON"] != "", "")
    said = said.mask(responses["REASON"] == UNDELIVERED, NOT_EVALUABLE_WORDS)
    response = said.set_axis(responses["USUBJID"]).reindex(os["USUBJID"]).fillna("").set_axis(os.index)
    between = os["EVNTDESC"].str.extract("^DEATH: (.*)$", expand=False)
    status = (status + ", " + between).where(between.notna(), status)
    bars = {"subject": os["SUBJID"], "level": os["TRT01A"], "day": days, "status": status.astype("str")}
    bars |= {"response": response.astype("str")}
    return pd.DataFrame(bars).reset_index(drop=True)


def swimmer_data(bars: pd.DataFrame, marks: pd.DataFrame) -> pd.DataFrame:
    """What the plot draws, for reading: each bar with its marks, a row per mark."""
    both = bars.merge(marks, how="left", on="subject", suffixes=("", "_of_event"))
    return described(both, labels={"day": msg("Followed to day")})


def swimmer_marks(adtte: pd.DataFrame, domains: Domains, responses: pd.DataFrame) -> pd.DataFrame:
    """What happened on which day: subject, day, event, in the order of the bars.

    Infusions (EX dose above 0), serious adverse events and DLTs of the committee (AE with a complete start date, from
    the first infusion on), the response on the day it was assessed (CR or PR, or not; `responses`), new systemic
    therapy and relapse (FFS and NRM rows), death (OS), which is marked otherwise where its day is not known.
    """
    os = adtte[adtte["PARAMCD"].eq("OS")]
    start = os.set_index("USUBJID")["STARTDT"]
    ex, ae = domains["EX"], domains["AE"]
    ae = ae.assign(DAY=complete_date(ae["AESTDTC"]))
    inexact = os["EVNTDESC"].str.startswith("DEATH: ")
    nrm, ffs = (adtte[adtte["PARAMCD"].eq(p)] for p in ("NRM", "FFS"))
    parts = [
        *_responses(responses),
        _dated(ex.assign(DAY=complete_date(ex["EXSTDTC"]))[ex["EXDOSE"] > 0], "infusion"),
        _dated(ae[ae["AESER"].eq("Y")], msg("serious adverse event")),
        _dated(ae[_committee_dlt(domains)], "DLT"),
        _dated(ffs[ffs["EVNTDESC"].str.startswith("NEW")].rename(columns={"ADT": "DAY"}), msg("new systemic therapy")),
        _dated(nrm[nrm["EVNTDESC"].eq("RELAPSE")].rename(columns={"ADT": "DAY"}), "relapse"),
        _dated(os[os["CNSR"].eq(0) & ~inexact].rename(columns={"ADT": "DAY"}), "death"),
        _dated(os[os["CNSR"].eq(0) & inexact].rename(columns={"ADT": "DAY"}), msg("death, day not known")),
    ]
    marks = pd.concat(parts, ignore_index=True)
    marks = marks[marks["USUBJID"].isin(start.index)]
    marks["day"] = (marks["DAY"] - start.reindex(marks["USUBJID"]).to_numpy()).dt.days.astype("Int64")
    marks = marks[marks["day"] >= 0].sort_values(["USUBJID", "day", "event"], kind="stable")
    marks = marks.merge(os[["USUBJID", "SUBJID"]].rename(columns={"SUBJID": "subject"}), on="USUBJID")
    return marks[["subject", "day", "event"]].drop_duplicates().reset_index(drop=True)


def _responses(responses: pd.DataFrame) -> list[pd.DataFrame]:
    seen = responses[["USUBJID", "AVALC"]].assign(DAY=responses["ADT"])[responses["REASON"] != UNDELIVERED]
    yes = seen["AVALC"].isin(RESPONDERS)
    return [_dated(seen[yes], msg("response at day 28")), _dated(seen[~yes], msg("no response at day 28"))]


def _dated(records: pd.DataFrame, event: str) -> pd.DataFrame:
    return records[["USUBJID", "DAY"]].dropna().assign(event=pd.Series(event, index=records.index, dtype="str"))


def _committee_dlt(domains: Domains) -> pd.Series:
    """Which AE records the committee called a DLT (SUPPAE AEDLT = Y)."""
    return adjudicated_dlt(domains["AE"], domains["SUPPAE"]).eq("Y")
