"""When a subject was last known alive: the records that prove life, and nothing else (rulebook §5.2)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from trialbook.core.dates import complete_date
from trialbook.core.domains import Domains

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
    """The last proofs of life up to the cut, by source: USUBJID ALIVEDT DOMAIN SOURCE SEEN RANK.

    Of each subject and source of `EVIDENCE` all the records of the last date: no earlier one can be the last of all.
    Only complete dates count; partial dates are never imputed here. Left out: doses not given, tests not done, visits
    that did not occur, a status DEAD and everything dated on it, scores that mean death, ends of adverse events
    without recovery, loss to follow-up, screen failure and death forms.
    """
    return domains.once(_proofs_of_life, cut_date)


def _proofs_of_life(domains: Domains, cut_date: pd.Timestamp) -> pd.DataFrame:
    dead = _death_reports(domains)
    # DM always gives a part, so that a trial without any record still has the columns.
    parts = [
        _records(domains[evidence.domain], evidence, rank, cut_date, dead)
        for rank, evidence in enumerate(EVIDENCE)
        if evidence.domain == "DM" or (domains.delivered(evidence.domain) and len(domains[evidence.domain]))
    ]
    return pd.concat(parts, ignore_index=True)


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


def _records(
    rows: pd.DataFrame, evidence: Evidence, rank: int, cut_date: pd.Timestamp, dead: pd.DataFrame
) -> pd.DataFrame:
    """The last proofs of one source: USUBJID ALIVEDT DOMAIN SOURCE SEEN RANK. `dead`: what is dated on it is not proof.

    The rows are chosen before they are put into words: a large trial has thousands of records for each that counts.
    """
    day = complete_date(rows[evidence.variable])
    counts = _shows_a_living_subject(rows, evidence) & rows["USUBJID"].notna() & (day <= cut_date)
    places = np.flatnonzero(counts)
    subject, on = rows["USUBJID"].iloc[places], day.iloc[places].to_numpy(dtype="datetime64[D]").astype("int64")
    alive = ~_dated_on(subject, on, dead)
    places, on, subject = places[alive], on[alive], subject[alive]
    places = places[_newest(subject, on)]
    chosen = rows.iloc[places]
    return pd.DataFrame(
        {
            "USUBJID": chosen["USUBJID"].astype("str"),
            "ALIVEDT": day.iloc[places],
            "DOMAIN": pd.Series(evidence.domain, index=chosen.index, dtype="str"),
            "SOURCE": f"{evidence.domain}.{evidence.variable}" + _record_key(chosen, evidence.domain),
            "SEEN": pd.Series(evidence.seen, index=chosen.index, dtype="bool"),
            "RANK": pd.Series(rank, index=chosen.index, dtype="int64"),
        }
    )


def _dated_on(subject: pd.Series, day: np.ndarray, reports: pd.DataFrame) -> np.ndarray:
    """Which records of these subjects and days (as numpy counts them) share both with one of `reports`."""
    people = pd.Index(reports["USUBJID"].unique())
    own, reported = people.get_indexer(subject), people.get_indexer(reports["USUBJID"])
    dates = reports["DAY"].to_numpy(dtype="datetime64[D]").astype("int64")
    same: np.ndarray = np.isin(day * len(people) + own, dates * len(people) + reported)
    return same & (own >= 0)


def _newest(subject: pd.Series, day: np.ndarray) -> np.ndarray:
    """Which records carry the last day of their subject."""
    own, people = pd.factorize(subject)
    last = np.full(len(people), np.iinfo("int64").min)
    np.maximum.at(last, own, day)
    return np.asarray(day == last[own])


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


def _death_reports(domains: Domains) -> pd.DataFrame:
    """USUBJID DAY of every status DEAD: the visit or call at which the death was learned proves no life."""
    ss = domains["SS"]
    dead = ss[ss["SSTESTCD"].eq("SURVSTAT") & ss["SSORRES"].str.upper().eq("DEAD")]
    return pd.DataFrame({"USUBJID": dead["USUBJID"], "DAY": complete_date(dead["SSDTC"])}).dropna()
