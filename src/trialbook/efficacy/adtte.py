"""ADTTE: time to death (OS), failure (FFS), non-relapse death (NRM) and response; its duration (§5.2, §2.8)."""

from __future__ import annotations

import pandas as pd

from trialbook.core.domains import Domains
from trialbook.core.messages import msg
from trialbook.efficacy.day28 import read_course
from trialbook.efficacy.intercurrent import new_therapy, relapses
from trialbook.efficacy.response_over_time import response_duration, time_to_response
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.models import Protocol
from trialbook.protocol.study_data import StudyData
from trialbook.queries.query_list import Query, QueryTexts
from trialbook.subjects.deaths import death_queries, death_text, life_after_death
from trialbook.subjects.last_alive import last_known_alive

TEXTS = QueryTexts("queries/texts/efficacy.yaml")
COLUMNS = [
    "STUDYID", "USUBJID", "SUBJID", "TRT01A", "TRT01AN", "PARAMCD", "PARAM", "AVAL", "CNSR", "STARTDT", "ADT",
    "ADTF", "EVNTDESC", "CNSDTDSC",
]  # fmt: skip
PARAMETERS = {
    "OS": "Overall survival (days)",
    "FFS": "Failure-free survival (days)",
    "NRM": "Time to non-relapse mortality (days)",
    "TTR": "Time to the first response, responders only (days)",
    "DOR": "Duration of response (days)",
}
EVENT, CENSORED, COMPETING = 0, 1, 2
DEATH = "DEATH"


def derive_adtte(adsl: pd.DataFrame, study: StudyData) -> pd.DataFrame:
    """ADTTE with the columns of `COLUMNS`, one row per endpoint and subject of SAF, sorted by PARAMCD and USUBJID.

    OS (§5.2): death of any cause is the event, whatever therapy or relapse came before; who is not known dead is
    censored on the last date that proves life, at most the cut. FFS (§2.8): relapse, new systemic anti-GVHD therapy
    or death, whichever is first. NRM: death without relapse; a relapse first is the competing event (CNSR 2).
    TTR and DOR: `time_to_response` and `response_duration` of responders, where the response is an endpoint too; the
    STARTDT of DOR is the day of the response. CNSR is 0 for the event. AVAL = ADT - STARTDT in days (+ 1 with
    `os_add_one`); a time of 0 is a time. ADTF is D, M or Y where that part of the date of death was imputed; EVNTDESC
    then says between which days the death lies.

    Uses ADSL (SAFFL TRTSDT TRTSDTM DTHDT LSTALVDT), all domains for the sources of dates, CE for relapse, CM and PR
    for new therapy. NRM needs CE, FFS needs CE and CM: where these were not delivered, only OS is known. Subjects of
    `unresolved_subjects` have no rows. A protocol without the endpoint OS gives an empty frame.
    """
    if not study.protocol.has_endpoint("OS"):
        return _typed(pd.DataFrame(columns=COLUMNS))
    subjects = _followed(adsl, study.domains, study.cut_date)
    parts = [_overall_survival(subjects)]
    if study.domains.delivered("CE"):
        relapsed = relapses(study.domains, subjects).set_index("USUBJID")["RELAPDT"]
        subjects = subjects.assign(RELDT=_dates_of(subjects, relapsed))
        parts.append(_non_relapse_mortality(subjects))
    if study.domains.delivered("CE") and study.domains.delivered("CM"):
        started = new_therapy(study.domains, subjects, study.analysis).set_index("USUBJID")["EVNTDT"]
        parts.append(_failure_free_survival(subjects.assign(NEWTXDT=_dates_of(subjects, started))))
    if study.protocol.has_endpoint("ORR_D28"):
        parts += _response_times(subjects, study.domains, study.analysis)
    rows = pd.concat(parts, ignore_index=True)
    days = (rows["ADT"] - rows["STARTDT"]).dt.days + int(study.analysis.os_add_one)
    of_death = rows["CNSR"].eq(EVENT) & rows["EVNTDESC"].str.startswith(DEATH)
    flag = rows["DTHDTF"].where(of_death, "")
    return _typed(rows.assign(AVAL=days, PARAM=rows["PARAMCD"].map(PARAMETERS), ADTF=flag))


def unresolved_subjects(adsl: pd.DataFrame, domains: Domains, cut_date: pd.Timestamp) -> pd.DataFrame:
    """Subjects of SAF whose survival time is unresolved, and so is not estimated with: USUBJID SUBJID TRT01A REASON.

    Seen after the recorded death (P25), or dead before the first infusion: one of the two dates is wrong.
    """
    treated = adsl[adsl["SAFFL"].eq("Y")].sort_values("USUBJID")
    late = life_after_death(domains, cut_date)
    seen = late[late["PROVES"]].groupby("USUBJID")["SOURCE"].agg(", ".join).astype("str")
    reason = ("seen after the death: " + seen).reindex(treated["USUBJID"]).fillna("").set_axis(treated.index)
    reason = reason.mask(treated["DTHDT"] < treated["TRTSDT"], "death before the first infusion")
    listed = treated[["USUBJID", "SUBJID", "TRT01A"]].assign(REASON=reason)
    return listed[reason.ne("")].reset_index(drop=True)


def declared_unresolved(adsl: pd.DataFrame) -> pd.DataFrame:
    """The subjects whose survival ADSL declares as not evaluable (OSNEREAS): USUBJID SUBJID TRT01A REASON."""
    listed = adsl[adsl["OSNEREAS"].ne("")].sort_values("USUBJID")
    return listed[["USUBJID", "SUBJID", "TRT01A"]].assign(REASON=listed["OSNEREAS"]).reset_index(drop=True)


def survival_queries(adsl: pd.DataFrame, domains: Domains, protocol: Protocol, cut_date: pd.Timestamp) -> list[Query]:
    """Questions about deaths and relapses that decide the times of ADTTE; see also `death_queries`."""
    if not protocol.has_endpoint("OS"):
        return []
    asked = death_queries(domains, cut_date)
    for row in adsl[adsl["SAFFL"].eq("Y") & (adsl["DTHDT"] < adsl["TRTSDT"])].sort_values("USUBJID").itertuples():
        death, infusion = f"{row.DTHDT:%Y-%m-%d}", f"{row.TRTSDT:%Y-%m-%d}"
        asked.append(TEXTS.query("P25-DEATH-BEFORE-INFUSION", row.USUBJID, observed=death, infusion=infusion))
    if not domains.delivered("CE"):
        asked.append(TEXTS.query("P34-RELAPSE-NOT-DELIVERED", "", observed=msg("domain not delivered")))
    return asked


def follow_up_queries(adtte: pd.DataFrame, analysis: Analysis, cut_date: pd.Timestamp) -> list[Query]:
    """Asks for the status of the living last seen more than `stale_followup_days` before the cut (§5.2, A-97)."""
    living = adtte[adtte["PARAMCD"].eq("OS") & adtte["CNSR"].ne(EVENT)]
    ago = (cut_date - living["ADT"]).dt.days
    stale = living[ago > analysis.stale_followup_days].sort_values("USUBJID")
    return [
        TEXTS.query(
            "FOLLOW-UP-STALE", row.USUBJID, observed=f"{row.ADT:%Y-%m-%d}", days=analysis.stale_followup_days
        )
        for row in stale.itertuples()
    ]  # fmt: skip


def _followed(adsl: pd.DataFrame, domains: Domains, cut_date: pd.Timestamp) -> pd.DataFrame:
    """ADSL of SAF without unresolved subjects, with STARTDT, DTHDT up to the cut, DTHHOW, LASTDT, LASTSRC, HORIZON."""
    unresolved = unresolved_subjects(adsl, domains, cut_date)["USUBJID"]
    treated = adsl[adsl["SAFFL"].eq("Y") & ~adsl["USUBJID"].isin(unresolved)].sort_values("USUBJID")
    source = last_known_alive(domains, cut_date).set_index("USUBJID")["LSTALVSRC"]
    told = death_text(treated)
    exact = treated["DTHDT"].dt.strftime("%Y-%m-%d").fillna("")
    how = pd.Series(DEATH, index=treated.index, dtype="str").mask(told.ne(exact), f"{DEATH}: " + told)
    # The infusion itself proves life, so a last contact before it can only be a record that was not delivered.
    last = treated["LSTALVDT"].fillna(treated["TRTSDT"]).clip(lower=treated["TRTSDT"], upper=cut_date)
    return treated.assign(
        STARTDT=treated["TRTSDT"],
        HORIZON=pd.Series(cut_date, index=treated.index).astype("datetime64[s]"),
        DTHDT=treated["DTHDT"].where(treated["DTHDT"] <= cut_date),
        DTHHOW=how,
        DTHDTF=treated.get("DTHDTF", ""),
        LASTDT=last,
        LASTSRC=treated["USUBJID"].map(source).fillna(""),
    )


def _dates_of(subjects: pd.DataFrame, dates: pd.Series) -> pd.Series:
    """Dates by USUBJID as a column of `subjects`."""
    aligned = dates.reindex(subjects["USUBJID"]).set_axis(subjects.index)
    return pd.to_datetime(aligned).astype("datetime64[s]")


def _overall_survival(subjects: pd.DataFrame) -> pd.DataFrame:
    """OS rows: death, else last known alive."""
    return _rows(subjects, "OS", [(subjects["DTHDT"], subjects["DTHHOW"], EVENT)])


def _failure_free_survival(subjects: pd.DataFrame) -> pd.DataFrame:
    """FFS rows: the first of relapse, new therapy and death; on one day the one named first here."""
    return _rows(subjects, "FFS", [
        (subjects["RELDT"], _text(subjects, "RELAPSE"), EVENT),
        (subjects["NEWTXDT"], _text(subjects, "NEW SYSTEMIC THERAPY"), EVENT),
        (subjects["DTHDT"], subjects["DTHHOW"], EVENT),
    ])  # fmt: skip


def _non_relapse_mortality(subjects: pd.DataFrame) -> pd.DataFrame:
    """NRM rows: death without relapse on or before it; the relapse is the competing event."""
    return _rows(subjects, "NRM", [
        (subjects["RELDT"], _text(subjects, "RELAPSE"), COMPETING),
        (subjects["DTHDT"], subjects["DTHHOW"], EVENT),
    ])  # fmt: skip


def _response_times(subjects: pd.DataFrame, domains: Domains, analysis: Analysis) -> list[pd.DataFrame]:
    """TTR and DOR rows of the responders."""
    course = read_course(subjects.assign(CUTDT=subjects["HORIZON"]), domains, analysis)
    people = subjects.drop(columns="STARTDT")
    times = {"TTR": time_to_response(course, analysis), "DOR": response_duration(course, analysis)}
    parts = [people.merge(rows, on="USUBJID").assign(PARAMCD=name, CNSDTDSC="") for name, rows in times.items()]
    return [part.assign(EVNTDESC=part["EVNTDESC"].mask(part["EVNTDESC"].eq(DEATH), part["DTHHOW"])) for part in parts]


def _rows(subjects: pd.DataFrame, parameter: str, ends: list[tuple[pd.Series, pd.Series, int]]) -> pd.DataFrame:
    """One row per subject: the earliest of `ends` (date, description, code; ties to the first), else censored."""
    date, what = subjects["LASTDT"], _text(subjects, "CENSORED: last known alive")
    code = pd.Series(CENSORED, index=subjects.index)
    best = pd.Series(pd.NaT, index=subjects.index, dtype="datetime64[s]")
    for when, description, kind in ends:
        earlier = when.notna() & (best.isna() | (when < best))
        best, date = best.mask(earlier, when), date.mask(earlier, when)
        what, code = what.mask(earlier, description), code.mask(earlier, kind)
    source = subjects["LASTSRC"].where(code.eq(CENSORED), "")
    return subjects.assign(PARAMCD=parameter, ADT=date, CNSR=code, EVNTDESC=what, CNSDTDSC=source)


def _text(subjects: pd.DataFrame, text: str) -> pd.Series:
    return pd.Series(text, index=subjects.index, dtype="str")


def _typed(rows: pd.DataFrame) -> pd.DataFrame:
    """The dataset's columns, types and order."""
    text = ["STUDYID", "USUBJID", "SUBJID", "TRT01A", "PARAMCD", "PARAM", "ADTF", "EVNTDESC", "CNSDTDSC"]
    types = {**dict.fromkeys(text, "str"), "TRT01AN": "Int64", "AVAL": "float64", "CNSR": "Int64"}
    dates = dict.fromkeys(["STARTDT", "ADT"], "datetime64[s]")
    frame = rows.reindex(columns=COLUMNS).astype({**types, **dates})
    return frame.sort_values(["PARAMCD", "USUBJID"], kind="stable").reset_index(drop=True)
