"""When a subject was last known alive: the records that prove life, and nothing else (domain document §5.2)."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from trialbook.dates import complete_date
from trialbook.domains import Domains

# Only these outcomes say that the end date of an adverse event was observed in a living subject.
RECOVERED = ("RECOVERED", "RESOLVED")
# Disposition records that need the subject's own act; the date of a loss to follow-up or of a death form does not.
DS_OF_THE_LIVING = (
    "INFORMED CONSENT OBTAINED", "ASSENT OBTAINED", "ENROLLED", "COMPLETED", "WITHDRAWAL BY SUBJECT",
    "WITHDRAWAL BY PARENT/GUARDIAN",
)  # fmt: skip
# Performance scores whose lowest value means death.
DEAD_SCORES = {"ECOG101": 5, "LANSKY": 0}


@dataclass(frozen=True)
class Evidence:
    """One date variable whose records prove life; `seen` = somebody saw or spoke with the subject on that date.

    What is not `seen` may be dated by a form or a result rather than by the subject, so against a death date it asks
    a question but does not overrule it (P25).
    """

    domain: str
    variable: str
    seen: bool


# In the order in which a source is named when several share the last date.
EVIDENCE = (
    Evidence("SS", "SSDTC", True),
    Evidence("SV", "SVSTDTC", True),
    Evidence("EX", "EXENDTC", True),
    Evidence("EX", "EXSTDTC", True),
    Evidence("VS", "VSDTC", True),
    Evidence("RS", "RSDTC", True),
    Evidence("FA", "FADTC", True),
    Evidence("QS", "QSDTC", True),
    Evidence("LB", "LBDTC", False),
    Evidence("MB", "MBDTC", False),
    Evidence("IS", "ISDTC", False),
    Evidence("AE", "AESTDTC", False),
    Evidence("AE", "AEENDTC", False),
    Evidence("CM", "CMSTDTC", False),
    Evidence("PR", "PRSTDTC", False),
    Evidence("CE", "CESTDTC", False),
    Evidence("DS", "DSSTDTC", False),
    Evidence("DM", "RFICDTC", False),
)


def proofs_of_life(domains: Domains, cut_date: pd.Timestamp) -> pd.DataFrame:
    """Every dated record up to the cut that proves life: USUBJID ALIVEDT DOMAIN SOURCE SEEN RANK.

    Only complete dates count; partial dates are never imputed here. Left out: doses not given, tests not done, visits
    that did not occur, a status DEAD and everything dated on it, scores that mean death, ends of adverse events
    without recovery, loss to follow-up, screen failure and death forms.
    """
    return domains.once(_proofs_of_life, cut_date)


def _proofs_of_life(domains: Domains, cut_date: pd.Timestamp) -> pd.DataFrame:
    # DM always gives a part, so that a trial without any record still has the columns.
    parts = [
        _records(domains, evidence, rank)
        for rank, evidence in enumerate(EVIDENCE)
        if evidence.domain == "DM" or domains.delivered(evidence.domain)
    ]
    proofs = pd.concat(parts, ignore_index=True)
    proofs = proofs[proofs["ALIVEDT"].notna() & (proofs["ALIVEDT"] <= cut_date)]
    return _without_dates_of_death_reports(proofs, domains).reset_index(drop=True)


def last_known_alive(domains: Domains, cut_date: pd.Timestamp) -> pd.DataFrame:
    """LKA: the last date on or before the cut on which a record proves life (§5.2).

    One row per subject of DM, sorted: USUBJID, LSTALVDT (missing when nothing proves life), LSTALVSRC (the record, as
    `LB.LBDTC LBSEQ=12`). A subject's death does not enter: a later LSTALVDT than the death date is a contradiction
    that `life_after_death` names.
    """
    return domains.once(_last_known_alive, cut_date)


def _last_known_alive(domains: Domains, cut_date: pd.Timestamp) -> pd.DataFrame:
    proofs = proofs_of_life(domains, cut_date)
    proofs = proofs.sort_values(["USUBJID", "ALIVEDT", "RANK"], ascending=[True, False, True], kind="stable")
    last = proofs.drop_duplicates("USUBJID").set_index("USUBJID")
    subjects = pd.Index(sorted(domains["DM"]["USUBJID"].dropna().unique()), name="USUBJID", dtype="str")
    last = last.reindex(subjects)
    return pd.DataFrame(
        {
            "USUBJID": subjects,
            "LSTALVDT": last["ALIVEDT"].astype("datetime64[s]").to_numpy(),
            "LSTALVSRC": last["SOURCE"].fillna("").astype("str").to_numpy(),
        }
    )


def _records(domains: Domains, evidence: Evidence, rank: int) -> pd.DataFrame:
    """The records of one source as USUBJID ALIVEDT DOMAIN SOURCE SEEN RANK, dates possibly missing."""
    frame = domains[evidence.domain]
    frame = frame[_shows_a_living_subject(frame, evidence)]
    return pd.DataFrame(
        {
            "USUBJID": frame["USUBJID"].astype("str"),
            "ALIVEDT": complete_date(frame[evidence.variable]),
            "DOMAIN": pd.Series(evidence.domain, index=frame.index, dtype="str"),
            "SOURCE": f"{evidence.domain}.{evidence.variable}" + _record_key(frame, evidence.domain),
            "SEEN": pd.Series(evidence.seen, index=frame.index, dtype="bool"),
            "RANK": pd.Series(rank, index=frame.index, dtype="int64"),
        }
    )


def _record_key(frame: pd.DataFrame, domain: str) -> pd.Series:
    """` LBSEQ=12` where records are numbered, else blank."""
    seq = f"{domain}SEQ"
    if seq not in frame.columns:
        return pd.Series("", index=frame.index, dtype="str")
    key = f" {seq}=" + frame[seq].astype("Int64").astype("str")
    return key.where(frame[seq].notna(), "").astype("str")


def _shows_a_living_subject(frame: pd.DataFrame, evidence: Evidence) -> pd.Series:
    """Which records of a source prove life, whatever their date."""
    domain = evidence.domain
    keep = pd.Series(True, index=frame.index)
    if f"{domain}STAT" in frame.columns:
        keep &= frame[f"{domain}STAT"].astype("str").str.upper().ne("NOT DONE")
    if f"{domain}OCCUR" in frame.columns:
        keep &= frame[f"{domain}OCCUR"].astype("str").str.upper().ne("N")
    if domain == "EX":
        keep &= frame["EXDOSE"].gt(0)
    elif domain == "SS":
        keep &= frame["SSTESTCD"].eq("SURVSTAT") & frame["SSORRES"].str.upper().eq("ALIVE")
    elif domain == "DS":
        keep &= frame["DSDECOD"].str.upper().isin(DS_OF_THE_LIVING)
    elif domain == "RS":
        keep &= ~_score_of_death(frame, "RS")
    elif domain == "QS":
        keep &= ~_score_of_death(frame, "QS")
    elif evidence.variable == "AEENDTC":
        keep &= frame["AEOUT"].fillna("").str.upper().str.startswith(RECOVERED)
    return keep


def _score_of_death(frame: pd.DataFrame, domain: str) -> pd.Series:
    lowest = frame[f"{domain}TESTCD"].map(DEAD_SCORES)
    return frame[f"{domain}ORRESN"].eq(lowest)


def _without_dates_of_death_reports(proofs: pd.DataFrame, domains: Domains) -> pd.DataFrame:
    """Drops what is dated on a status DEAD: the visit or call at which the death was learned proves no life."""
    ss = domains["SS"]
    dead = ss[ss["SSTESTCD"].eq("SURVSTAT") & ss["SSORRES"].str.upper().eq("DEAD")]
    dates = pd.MultiIndex.from_arrays([dead["USUBJID"].astype("str"), complete_date(dead["SSDTC"])])
    return proofs[~pd.MultiIndex.from_frame(proofs[["USUBJID", "ALIVEDT"]]).isin(dates)]
