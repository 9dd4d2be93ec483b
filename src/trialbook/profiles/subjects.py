"""Which subjects have a profile page, its file name, and the order of risk in which subjects are shown (A-170)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping

import pandas as pd

from trialbook.core.messages import joined, msg
from trialbook.profiles.with_page import profiled_subjects as profiled_subjects
from trialbook.safety.ae_tables import seriousness_open
from trialbook.subjects.dlt_status import DLT, PENDING, PENDING_ADJUDICATION, PENDING_DATA, UNRESOLVED

# ----------------------------------------------------------------------------------------------------
# File names of profile pages: safe on every file system, whatever a subject is called.


FOLDER = "profiles"
# Upper case only: "s01" and "S01" are one file on some file systems.
PLAIN = re.compile(r"[A-Z0-9](?:[A-Z0-9-]{0,38}[A-Z0-9])?", re.ASCII)
RESERVED = re.compile(r"CON|PRN|AUX|NUL|COM\d|LPT\d")
NAME = re.compile(r"[A-Za-z0-9_-]{1,64}\.html", re.ASCII)


def profile_file(subject: str) -> str:
    """The file name of the profile page of a subject (SUBJID).

    An id of capitals, digits and hyphens is its own name (`S01.html`). Any other keeps what is harmless of it and
    gets the beginning of its SHA-256, so that two ids never share a page: `../S01` becomes `S01_5f3c....html`.

    >>> profile_file("S01"), profile_file("../S01")
    ('S01.html', 'S01_368eb9f9e2ff.html')
    """
    if PLAIN.fullmatch(subject) and not RESERVED.fullmatch(subject):
        return f"{subject}.html"
    harmless = "-".join(re.findall(r"[A-Z0-9]+", subject.upper()))[:24].strip("-")
    mark = hashlib.sha256(subject.encode("utf-8", "surrogatepass")).hexdigest()[:12]
    return f"{harmless}_{mark}.html"


def profile_address(subject: str) -> str:
    """The address of a subject's profile page, seen from the pages of the build."""
    return f"{FOLDER}/{profile_file(subject)}"


# ----------------------------------------------------------------------------------------------------
# The order in which subjects are looked at: open windows and severe events first, whatever the dose level.


# From the first to the last; a subject belongs to the first of these that holds.
KINDS = (
    "DLT window open", "DLT", "serious event", "death", "event of grade 3 or more", "response pending", "none of these"
)  # fmt: skip
SEVERE = 3


def risk_order(data: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """The treated subjects in the order of risk: USUBJID SUBJID RISK (one of `KINDS`).

    The first kind that holds counts: a DLT window that is open or lacks data; a DLT, also one that is not adjudicated;
    a serious event, or one whose seriousness is not known; death; an event of grade 3 or more, or without a grade; a
    response at day 28 that is pending; none of these. Within a kind the highest dose level and the latest first
    infusion come first. `data`: ADSL, ADAE, ADDLT and ADRS, empty where the trial has no such endpoint.
    """
    adsl, adae, addlt, adrs = (data[name] for name in ("adsl", "adae", "addlt", "adrs"))
    treated = adsl[adsl["SAFFL"].eq("Y")]
    status = addlt.get("DLTSTAT", pd.Series(dtype="str"))
    grade = adae.get("ATOXGR", pd.Series(dtype="Int64"))
    serious = adae["ASER"].eq("Y") | seriousness_open(adae) if len(adae) else pd.Series(dtype="bool")
    day_28 = adrs[adrs["PARAMCD"].eq("RSP28")] if "AVALC" in adrs else adrs.head(0)
    holds = [
        addlt.loc[status.isin([PENDING, PENDING_DATA]), "USUBJID"],
        addlt.loc[status.isin([DLT, PENDING_ADJUDICATION, UNRESOLVED]), "USUBJID"],
        adae.loc[serious, "USUBJID"],
        treated.loc[treated["DTHFL"].eq("Y"), "USUBJID"],
        adae.loc[(grade >= SEVERE).fillna(True).astype("bool"), "USUBJID"],
        day_28.loc[day_28["AVALC"].eq("PENDING"), "USUBJID"] if len(day_28) else day_28["USUBJID"],
    ]
    rank = pd.Series(len(holds), index=treated.index)
    for place, subjects in reversed(list(enumerate(holds))):
        rank = rank.mask(treated["USUBJID"].isin(subjects), place)
    ordered = treated.assign(_rank=rank).sort_values(
        ["_rank", "TRT01AN", "TRTSDT", "USUBJID"], ascending=[True, False, False, True], kind="stable"
    )
    kinds = ordered["_rank"].map(dict(enumerate(KINDS))).astype("str")
    return ordered[["USUBJID", "SUBJID"]].assign(RISK=kinds).reset_index(drop=True)


def kinds_in_words(kinds: pd.Series) -> str:
    """How many subjects of each kind, in the order of risk: `2 serious event, 5 none of these`.

    >>> kinds_in_words(pd.Series(["none of these", "DLT", "none of these"]))
    '1 DLT, 2 none of these'
    """
    counts = kinds.value_counts()
    return joined([msg("{n} {what}", n=int(counts[kind]), what=kind) for kind in KINDS if kind in counts], ", ")


# ----------------------------------------------------------------------------------------------------


def profile_note(treated: int, brief: Mapping[str, str]) -> list[str]:
    """Footnotes where not every treated subject has a profile page, or some have a brief one.

    `brief`: by SUBJID of those with a page, the kind of risk of a brief one; blank for a whole one (A-170).
    """
    notes: list[str] = []
    if brief and len(brief) != treated:
        notes.append(
            msg(
                "{n} of {total} treated subjects have a profile page: the number of each of the others is that of "
                "another subject too.",
                n=len(brief),
                total=treated,
            )
        )
    kinds = pd.Series([kind for kind in brief.values() if kind], dtype="str")
    if len(kinds):
        notes.append(
            msg(
                "{n} of {total} profiles are brief (key facts and events), those last in the order of risk: {kinds}.",
                n=len(kinds),
                total=len(brief),
                kinds=kinds_in_words(kinds),
            )
        )
    return notes
