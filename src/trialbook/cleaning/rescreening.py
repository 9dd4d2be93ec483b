"""A person under two subject numbers (P08): the re-screened, linked by SUPPDM or betrayed by birth date and sex."""

from __future__ import annotations

import pandas as pd

from trialbook.cleaning.rules import ask
from trialbook.dates import complete_date
from trialbook.domains import Domains
from trialbook.errors import StopError
from trialbook.results.queries import Query

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
            next_step="decide which number stands for the person",
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
