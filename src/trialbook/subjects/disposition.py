"""Milestones from DS and DM: consent, screen failure, withdrawal, end of study (§2.7, A-15, A-16)."""

from __future__ import annotations

import pandas as pd

from trialbook.core.dates import complete_date, earliest_date, latest_date
from trialbook.core.domains import Domains
from trialbook.core.messages import msg, plural
from trialbook.queries.query_list import Query, QueryTexts

# ----------------------------------------------------------------------------------------------------
# Withdrawal of consent: from when on a subject's records no longer count (rulebook §2.7).


TEXTS = QueryTexts("queries/texts/subjects.yaml")
# The subject, or who decides for it, withdrew from the study; words of DSDECOD and DSTERM.
WITHDRAWN = (
    r"WITHDRAWAL\s+(?:BY\s+(?:THE\s+)?(?:SUBJECT|PATIENT|PARENT|GUARDIAN)|OF\s+(?:INFORMED\s+)?CONSENT)"
    r"|CONSENT\s+WITHDRAWN|WITHDREW\s+(?:INFORMED\s+)?CONSENT|撤回|撤销知情|退出研究|受试者退出"
)
_END_CATEGORY = "DISPOSITION EVENT"


def withdrawals(domains: Domains, treated: pd.DataFrame) -> pd.DataFrame:
    """Who withdrew consent, and when: one row per withdrawn subject of `treated` (USUBJID TRTSDT CUTDT), by subject.

    Returns USUBJID FROMDT UNTILDT (the first and the last day that it may have been) and DSSEQ. A record dated later
    than FROMDT may lie after the withdrawal and does not count (A-130); one dated later than UNTILDT surely does. Both
    agree where the date is complete. Without any date FROMDT is the day of the first infusion. UNTILDT is missing
    where nothing bounds it: no date, or an end of study of which nobody wrote what it was.
    """
    return domains.once(_withdrawals, treated[["USUBJID", "TRTSDT", "CUTDT"]])


def _withdrawals(domains: Domains, treated: pd.DataFrame) -> pd.DataFrame:
    ds = domains["DS"]
    said = (ds["DSDECOD"].fillna("") + " " + ds["DSTERM"].fillna("")).str.strip().str.upper()
    unsaid = said.eq("") & ds["DSCAT"].fillna("").str.upper().isin([_END_CATEGORY, ""])
    named = said.str.contains(WITHDRAWN, regex=True)
    rows = ds[named | unsaid].assign(NAMED=named)[["USUBJID", "DSSTDTC", "DSSEQ", "NAMED"]]
    rows = rows.merge(treated, on="USUBJID", how="inner", validate="many_to_one")
    first, last = earliest_date(rows["DSSTDTC"]), latest_date(rows["DSSTDTC"])
    # What ended before the infusion without a name was screening; a report from after the cut is not known yet.
    known = ~(first > rows["CUTDT"]) & (rows["NAMED"] | ~(last <= rows["TRTSDT"]))
    rows = rows.assign(FROMDT=first.fillna(rows["TRTSDT"]), UNTILDT=last.where(rows["NAMED"]))[known]
    rows = rows.sort_values(["USUBJID", "FROMDT", "DSSEQ"], kind="stable")
    until = rows.groupby("USUBJID")["UNTILDT"].min()
    firsts = rows.drop_duplicates("USUBJID").drop(columns="UNTILDT")
    frame = firsts.assign(UNTILDT=until.reindex(firsts["USUBJID"]).to_numpy("datetime64[s]"))
    dates = {"FROMDT": "datetime64[s]", "UNTILDT": "datetime64[s]"}
    return frame[["USUBJID", "FROMDT", "UNTILDT", "DSSEQ"]].astype(dates).reset_index(drop=True)


def counted(rows: pd.DataFrame, dated: str, limits: pd.Series) -> pd.Series:
    """Which rows (USUBJID and the date column `dated`) are on or before their subject's limit, by USUBJID in `limits`.

    Who has no limit keeps every row.
    """
    limit = pd.Series(limits.reindex(rows["USUBJID"]).to_numpy("datetime64[s]"), index=rows.index)
    return ~(rows[dated] > limit)


# Domains whose records come from contact with the subject, and the date of each; survival status may be public.
_CONTACT = {
    "RS": "RSDTC", "FA": "FADTC", "LB": "LBDTC", "VS": "VSDTC", "QS": "QSDTC", "CM": "CMSTDTC", "EX": "EXSTDTC",
    "SV": "SVSTDTC",
}  # fmt: skip


def withdrawal_queries(domains: Domains, treated: pd.DataFrame) -> list[Query]:
    """Asks about the records after a withdrawal of consent, one question per subject and domain, with the last date."""
    withdrawn = withdrawals(domains, treated)
    asked: list[Query] = []
    for domain, variable in _CONTACT.items() if len(withdrawn) else ():
        rows = domains[domain].merge(withdrawn, on="USUBJID", how="inner", validate="many_to_one")
        late = rows.assign(DAY=earliest_date(rows[variable]))
        late = late[late["DAY"] > late["FROMDT"]]
        for subject, own in late.groupby("USUBJID", sort=True):
            count, last = len(own), own["DAY"].max()
            asked.append(TEXTS.query(
                "P25-RECORD-AFTER-WITHDRAWAL", str(subject), domain, field=variable,
                observed=plural(
                    "{n} record, the last of {date}", "{n} records, the last of {date}", count, date=f"{last:%Y-%m-%d}"
                ),
                withdrawal=f"{own['FROMDT'].iloc[0]:%Y-%m-%d}",
            ))  # fmt: skip
    return asked


# ----------------------------------------------------------------------------------------------------

CONSENT = "INFORMED CONSENT OBTAINED"
SCREEN_FAILURE = "SCREEN FAILURE"
COMPLETED = "COMPLETED"
# End-of-study terms of this trial (interface §3); another trial marks them by DSCAT "DISPOSITION EVENT".
_END_TERMS = ("COMPLETED", "LOST TO FOLLOW-UP", "WITHDRAWAL BY SUBJECT", "DEATH")


def consent_dtc(domains: Domains) -> pd.Series:
    """ISO text of the consent date by USUBJID, complete or partial: DM RFICDTC, else the earliest consent in DS."""
    dm = domains["DM"].set_index("USUBJID")["RFICDTC"]
    ds = domains["DS"]
    signed = ds[ds["DSDECOD"].str.upper().eq(CONSENT) & ds["DSSTDTC"].notna()]
    first = signed.sort_values(["USUBJID", "DSSTDTC"], kind="stable").groupby("USUBJID")["DSSTDTC"].first()
    return dm.fillna(first.reindex(dm.index)).astype("str")


def screen_failure_date(domains: Domains) -> pd.Series:
    """Date of the screen failure by USUBJID (NaT where its date is not complete), for those who failed by DS."""
    ds = domains["DS"]
    failed = ds[ds["DSDECOD"].str.upper().eq(SCREEN_FAILURE)]
    dates = pd.DataFrame({"USUBJID": failed["USUBJID"], "DAY": complete_date(failed["DSSTDTC"])})
    return dates.groupby("USUBJID")["DAY"].max().astype("datetime64[s]")


def end_of_study(domains: Domains, treated: pd.Series) -> pd.DataFrame:
    """EOSSTT and DCSREAS by the USUBJID index of `treated` (bool).

    In order: screen failure by DS or ARMCD (EOSSTT blank, DCSREAS says so), completed, discontinued with its DS term
    as the reason, else ongoing for the treated and blank for the others.
    """
    ds = domains["DS"]
    term = ds["DSDECOD"].str.upper()
    category = ds["DSCAT"].str.upper()
    ending = term.isin(_END_TERMS) | (category.eq(_END_CATEGORY) & ~term.eq(SCREEN_FAILURE))
    ends = ds.assign(_term=term)[ending].sort_values(["USUBJID", "DSSTDTC", "DSSEQ"], kind="stable")
    last = ends.groupby("USUBJID")["_term"].last().reindex(treated.index)
    status = pd.Series("", index=treated.index, dtype="str").mask(treated, "ONGOING")
    status = status.mask(last.notna(), "DISCONTINUED").mask(last.eq(COMPLETED), COMPLETED)
    reason = last.mask(last.eq(COMPLETED)).fillna("").astype("str")
    arm = domains["DM"].drop_duplicates("USUBJID").set_index("USUBJID")["ARMCD"].reindex(treated.index)
    failed = (treated.index.isin(screen_failure_date(domains).index) | arm.str.upper().eq("SCRNFAIL")) & ~treated
    return pd.DataFrame({"EOSSTT": status.mask(failed, ""), "DCSREAS": reason.mask(failed, SCREEN_FAILURE)})


def left_words(status: str, reason: str) -> str:
    """How a living subject left the trial: `left the trial: withdrawal by subject`; blank for who goes on or completed.

    >>> left_words("DISCONTINUED", "WITHDRAWAL BY SUBJECT")
    'left the trial: withdrawal by subject'
    """
    if status != "DISCONTINUED":
        return ""
    return msg("left the trial: {reason}", reason=reason.lower()) if reason else msg("left the trial")


def left_text(subjects: pd.DataFrame) -> pd.Series:
    """`left_words` of each subject behind a semicolon, on its index; blank without EOSSTT."""
    if "EOSSTT" not in subjects:
        return pd.Series("", index=subjects.index, dtype="str")
    pairs = zip(subjects["EOSSTT"].fillna(""), subjects["DCSREAS"].fillna(""), strict=True)
    words = pd.Series([left_words(str(status), str(reason)) for status, reason in pairs], subjects.index, dtype="str")
    return ("; " + words).where(words.ne(""), "")
