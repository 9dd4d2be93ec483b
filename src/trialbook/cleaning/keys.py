"""Who and which record: subject numbers (P09), record keys, repeated records (P16), and re-screened persons (P08)."""

from __future__ import annotations

import re

import pandas as pd

from trialbook.cleaning.problems import ask
from trialbook.cleaning.read_values import Reading, Working
from trialbook.core.dates import complete_date
from trialbook.core.domains import VARIABLES, Domains, key_columns
from trialbook.core.errors import StopError
from trialbook.queries.query_list import Query

# ----------------------------------------------------------------------------------------------------
# Who and which record: subject numbers across domains (P09), subjects listed twice, record keys, repeated records.


# Columns by which a record without a subject may be about others than one: a pool of subjects, an associated person.
_INSTEAD = ("POOLID", "APID")
# Domains whose exact repetitions are left out: a second copy would be a second event or result.
COUNTED_ONCE = ("AE", "LB")
# Columns that number a record without describing it.
_NUMBERING = ("SEQ", "SPID", "GRPID", "REFID")


def record_keys(domain: str, frame: pd.DataFrame) -> pd.Series:
    """The key of each record as text, for people and for comparing cuts: `AESEQ=3`; blank in DM.

    >>> record_keys("AE", pd.DataFrame({"USUBJID": ["001"], "AESEQ": [3]})).tolist()
    ['AESEQ=3']
    """
    names = key_columns(domain, frame.columns)
    if not names:
        return pd.Series("", index=frame.index, dtype="str")
    parts = [frame[name].astype("str").fillna("").tolist() for name in names]
    keys = [
        " ".join(f"{name}={part}" for name, part in zip(names, row, strict=True) if part).strip()
        for row in zip(*parts, strict=True)
    ]
    return pd.Series(keys, index=frame.index, dtype="str")


def check_subjects(dm: Working) -> None:
    """Raises StopError where DM does not list each subject once: no number, twice, or alike but for zeros (P09)."""
    ids = dm.frame["USUBJID"]
    file = dm.table.file
    if ids.isna().any():
        raise StopError(
            "the subject has no number", file=file, row=int(ids.index[ids.isna()][0]), column="USUBJID",
            rule="P34-NO-SUBJECT", next_step="complete DM",
        )  # fmt: skip
    for rule, key, problem in (
        ("P09-SUBJECT-TWICE", ids, "the subject is in DM twice"),
        ("P09-SUBJECT-ALIKE", ids.map(_bare), "two subject numbers differ only in leading zeros or letter case"),
    ):
        twice = key[key.duplicated(keep=False)]
        if len(twice):
            rows = key.index[key == twice.iloc[0]]
            raise StopError(
                problem, file=file, row=" and ".join(map(str, rows)), column="USUBJID", value=ids[rows[0]], rule=rule,
                next_step="keep one row per subject",
            )  # fmt: skip


def spell_subjects(work: Working, known: pd.Series) -> None:
    """Spells subject numbers as in DM where a spreadsheet dropped leading zeros (P09); others stay as they are."""
    by_bare, listed = {_bare(subject): subject for subject in known}, set(known)

    def read(value: str) -> Reading:
        return Reading(value if value in listed else by_bare.get(_bare(value), value), "P09-LEADING-ZEROS")

    work.read("USUBJID", read)


def check_known_subjects(work: Working, known: pd.Series) -> None:
    """Raises StopError (P09) for a record of a subject whom DM does not list: it could be counted nowhere."""
    ids = work.frame["USUBJID"].dropna()
    strangers = ids[~ids.isin(known)]
    if len(strangers):
        raise StopError(
            "the subject is not in DM", file=work.table.file, row=int(strangers.index[0]), column="USUBJID",
            value=strangers.iloc[0], rule="P09-NOT-IN-DM", next_step="correct the number, or complete DM",
        )  # fmt: skip


def drop_without_subject(work: Working) -> None:
    """Leaves out records that name no subject, and asks (an empty key would join to anything).

    Records that are about no single subject by design are kept, all of domains that are not analysed: RELREC at the
    level of datasets (USUBJID and IDVARVAL blank, SDTMIG 8.3.2), pools of subjects, associated persons.
    """
    frame = work.frame
    nobody = frame.index[frame["USUBJID"].isna() & ~_by_design(work.table.domain, frame)]
    for row in nobody:
        work.doubt(int(row), "USUBJID", "P34-NO-SUBJECT", "")
    work.drop(nobody, "P34-NO-SUBJECT")


def _by_design(domain: str, frame: pd.DataFrame) -> pd.Series:
    """Records that are about no single subject, as SDTM provides for them."""
    if domain in VARIABLES:
        return pd.Series(False, index=frame.index)
    others = [frame[name].notna() for name in _INSTEAD if name in frame]
    if domain == "RELREC":
        others.append(frame["IDVARVAL"].isna() if "IDVARVAL" in frame else pd.Series(True, index=frame.index))
    if domain == "CO" and "RDOMAIN" in frame:
        # A comment on a domain as a whole: it names neither a subject nor a record.
        others.append(frame["RDOMAIN"].notna() & frame.get("IDVARVAL", frame["USUBJID"]).isna())
    return pd.Series(False, index=frame.index) if not others else pd.concat(others, axis=1).any(axis=1)


def settle_repeated(work: Working, referred: pd.Index) -> None:
    """A record that repeats an earlier one in every value but its own number: left out of AE and LB (§3.8, P16), where
    it would be counted twice, and asked about elsewhere (infusions by `exposure_queries`: two bags may be alike).

    A record that a SUPP-- record singles out (`referred`, its row) stays: what is said about it would be lost.
    """
    domain, frame = work.table.domain, work.frame
    content = [name for name in frame.columns if not name.endswith(_NUMBERING)]
    repeated = frame.duplicated(content)
    seq = f"{domain}SEQ"
    if domain not in COUNTED_ONCE:
        for row in frame.index[repeated] if domain != "EX" else ():
            work.doubt(int(row), seq if seq in frame else "", "P24-REPEATED-RECORD", "")
        return
    work.drop(frame.index[repeated & ~frame.index.isin(referred)], "P16-DUPLICATE")


def ask_repeated_numbers(work: Working) -> None:
    """Asks where two different records of a subject have one --SEQ, in a split domain with the file and row of each."""
    seq = f"{work.table.domain}SEQ"
    if seq not in work.frame:
        return
    numbered = work.frame[["USUBJID", seq]].dropna()
    repeated = numbered[numbered.duplicated(keep=False)]
    same = {key: rows.index for key, rows in repeated.groupby(["USUBJID", seq])} if work.table.parts else {}
    for row, subject, number in repeated[repeated.duplicated()].itertuples(name=None):
        places = [work.table.place(int(other), seq) for other in same.get((subject, number), [])]
        at = " and ".join(f"{file} row {place}" for file, _, place, _ in places)
        work.doubt(int(row), seq, "P34-SEQ-REPEATED", f"{number} ({at})" if at else str(number))


def _bare(subject: str) -> str:
    """A subject number without leading zeros of its digit groups and without letter case."""
    return re.sub(r"(?<!\d)0+(?=\d)", "", subject).upper()


# ----------------------------------------------------------------------------------------------------

# Supplemental DM names under which a subject names the number of an earlier screening.
LINKS = ("RESCREEN_OF", "RESCRNOF", "PRVSUBJ", "PREVSUBJ")


def check_treated_once(domains: Domains, file: str) -> None:
    """Raises StopError (P08) where both numbers of one re-screened person were infused."""
    dm, ex = domains["DM"], domains["EX"]
    treated = set(ex.loc[ex["EXDOSE"] > 0, "USUBJID"])
    by_short = dm.dropna(subset="SUBJID").drop_duplicates("SUBJID").set_index("SUBJID")["USUBJID"]
    links = _links(domains)
    other = links["QVAL"].map(by_short).astype("str").fillna(links["QVAL"])
    twice = links[links["USUBJID"].isin(treated) & other.isin(treated)]
    if len(twice):
        row = twice.iloc[0]
        raise StopError(
            f"the subject {row['USUBJID']} and the earlier number of this person were both infused", file=file,
            row=int(row["SRCROW"]), column="QVAL", value=row["QVAL"], rule="P08-TREATED-TWICE",
            next_step="decide which number the person keeps",
        )  # fmt: skip


def rescreening_queries(domains: Domains) -> list[Query]:
    """Asks about each later subject who has the complete birth date and sex of an earlier one and names no other.

    The other subject's number is in the observed value; the birth date, which would identify, is not.
    """
    dm = domains["DM"]
    known = dm[complete_date(dm["BRTHDTC"]).notna() & dm["SEX"].notna()]
    first = known.groupby(["BRTHDTC", "SEX"], sort=False)["USUBJID"].transform("first")
    unlinked = ~known["USUBJID"].isin(_links(domains)["USUBJID"])
    again = known.assign(OTHER=first)[first.ne(known["USUBJID"]) & unlinked]
    return ask("P08-SAME-PERSON", "DM", ((row.USUBJID, "", row.OTHER) for row in again.itertuples()), "USUBJID")


def _links(domains: Domains) -> pd.DataFrame:
    """SUPPDM records that name an earlier number of the person."""
    supp = domains["SUPPDM"]
    return supp[supp["QNAM"].isin(LINKS) & supp["QVAL"].notna()]
