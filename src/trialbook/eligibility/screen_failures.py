"""Who failed screening and why, what the deviation log says, and treated subjects with a violation (T-1, P33, A-16)."""

from __future__ import annotations

import re

import pandas as pd

from trialbook.domains import Domains
from trialbook.protocol.models import Protocol
from trialbook.results.ard import TOTAL, ArdRow, ard_row
from trialbook.subjects.disposition import SCREEN_FAILURE

# A criterion that the data or the form say is not met; for the treated also one that was waived.
UNMET = ("FAIL", "ATT-FAIL", "CONFLICT")
NO_REASON = "NO-REASON"
NOT_IN_LOG = "not in the log"
_NOTHING = "-"


def unmet(adie: pd.DataFrame, subjects: pd.Series) -> pd.DataFrame:
    """The audit rows of these subjects whose criterion is not met; of a CONFLICT those where data or form say so."""
    return adie[adie["USUBJID"].isin(subjects) & adie["RESULT"].isin(UNMET)]


def screen_failures(adsl: pd.DataFrame, adie: pd.DataFrame, domains: Domains) -> pd.DataFrame:
    """One row per screen failure: SUBJID, SITE (reason in DS), CRITERIA (not met by the audit), AGAIN (screened again
    under which number). Every screened subject is audited, enrolled or not."""
    failed = adsl[adsl["DCSREAS"].eq(SCREEN_FAILURE)]
    ds = domains["DS"]
    told = ds[ds["DSDECOD"].str.upper().eq(SCREEN_FAILURE) & ds["DSTERM"].notna()]
    site = told.drop_duplicates("USUBJID", keep="last").set_index("USUBJID")["DSTERM"]
    rows = unmet(adie, failed["USUBJID"])
    named = (rows["CRITCD"] + " (" + rows["RESULT"] + ")").groupby(rows["USUBJID"], sort=False).agg(", ".join)
    again = adsl[adsl["RESCREEN_OF"].ne("")].drop_duplicates("RESCREEN_OF").set_index("RESCREEN_OF")["SUBJID"]
    columns = {"SITE": site, "CRITERIA": named, "AGAIN": again}
    frame = failed[["SUBJID"]].reset_index(drop=True)
    for name, values in columns.items():
        frame[name] = values.astype("str").reindex(failed["USUBJID"]).fillna(_NOTHING).to_numpy()
    return frame.astype("str")


def reason_rows(adsl: pd.DataFrame, adie: pd.DataFrame, protocol: Protocol) -> list[ArdRow]:
    """ARD rows DISPOSITION / SCRNFAIL / criterion: screen failures that do not meet it, Total; in protocol order.

    A subject counts under every criterion that is not met; under NO-REASON where the audit shows none.
    """
    failed = adsl.loc[adsl["DCSREAS"].eq(SCREEN_FAILURE), "USUBJID"]
    rows = unmet(adie, failed)
    counts = rows.groupby("CRITCD").size()
    order = [column for criterion in protocol.criteria for column in criterion.audit_columns()]
    found = [(column, int(counts[column])) for column in order if column in counts]
    silent = int((~failed.isin(rows["USUBJID"])).sum())
    if silent:
        found.append((NO_REASON, silent))
    return [ard_row("DISPOSITION", TOTAL, "SCRNFAIL", "n", n, variable_level=code) for code, n in found]


def deviations(adsl: pd.DataFrame, adie: pd.DataFrame, domains: Domains) -> pd.DataFrame:
    """Treated subjects with a criterion not met or waived: SUBJID CRITCD RESULT EVIDENCE LOG SAF.

    LOG is what the deviation log (DV) says of that criterion, with its date; `not in the log` where it says nothing.
    SAF: all stay in the safety set, whatever the finding (P33).
    """
    treated = adsl[adsl["SAFFL"].eq("Y")].set_index("USUBJID")["SUBJID"]
    rows = adie[adie["USUBJID"].isin(treated.index) & adie["RESULT"].isin([*UNMET, "WAIVED"])]
    log = dict(list(_log(domains).groupby("USUBJID")))
    said = [_said(log.get(row.USUBJID), row.CRITCD) for row in rows.itertuples()]
    frame = rows[["CRITCD", "RESULT", "EVIDENCE"]].reset_index(drop=True)
    frame.insert(0, "SUBJID", treated.reindex(rows["USUBJID"]).to_numpy())
    return frame.assign(LOG=said, SAF="stays").astype("str")


def _log(domains: Domains) -> pd.DataFrame:
    dv = domains["DV"]
    term = dv["DVTERM"].fillna("")
    names = term + " | " + dv["DVDECOD"].fillna("")
    dated = dv["DVSTDTC"].fillna("no date") + ": " + term.mask(term == "", dv["DVDECOD"].fillna(""))
    return pd.DataFrame({"USUBJID": dv["USUBJID"], "TEXT": names, "SAID": dated})


def _said(log: pd.DataFrame | None, column: str) -> str:
    """What a subject's records of the log say that name the column, or the criterion it is a part of."""
    if log is None:
        return NOT_IN_LOG
    names = {column, re.sub(r"(?<=\d)[A-Z]$", "", column)}
    wanted = rf"(?<![A-Za-z0-9])(?:{'|'.join(sorted(names))})(?![A-Za-z0-9])"
    named = log["TEXT"].str.contains(wanted, case=False, regex=True)
    return "; ".join(log.loc[named, "SAID"]) or NOT_IN_LOG
