"""Backfill subjects: treated at a level that the escalation has left, and said so in SUPPDM (A-210)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pandas as pd

from trialbook.core.domains import Domains
from trialbook.core.messages import msg, plural
from trialbook.queries.query_list import Query, QueryTexts
from trialbook.subjects.dlt_status import COUNTED_AS_DLT

TEXTS = QueryTexts("queries/texts/dlt.yaml")
# The answer of SUPPDM that says so.
NAME = "BACKFILL"
SAID, NOT_SAID = "Y", ("N", "")


def backfill_flags(treated: pd.DataFrame, domains: Domains, level_ids: Sequence[str], counts: bool) -> pd.DataFrame:
    """BACKFL and ESCFL of each treated subject: `Y` backfill, `Y` counts for the escalation rule.

    A subject is backfill where SUPPDM BACKFILL is Y and somebody who is not had been treated at a higher level by the
    day of the first infusion. All else counts: an answer that cannot be read, and a Y at a level that the escalation
    has not left (both are asked about). `counts`: backfill subjects count too (`backfill_counts`). `treated` needs
    USUBJID TRT01A TRTSDT.
    """
    said = _answers(treated["USUBJID"], domains).eq(SAID)
    order = {level: k for k, level in enumerate(level_ids)}
    # Numbers also where no level is known at all: an empty map would give texts.
    place = pd.Series([order.get(level) for level in treated["TRT01A"]], index=treated.index, dtype="float64")
    others = treated.assign(PLACE=place)[~said].sort_values("TRTSDT", kind="stable")
    starts = treated["TRTSDT"]
    highest = pd.Series(
        [others.loc[others["TRTSDT"] <= start, "PLACE"].max() for start in starts], index=treated.index, dtype="float64"
    )
    backfill = said & place.notna() & (place < highest)
    return pd.DataFrame({"BACKFL": _flag(backfill), "ESCFL": _flag(~backfill | counts)})


def _answers(subjects: pd.Series, domains: Domains) -> pd.Series:
    """The answer of each subject in capitals; Y where answers differ, blank where there is none."""
    supp = domains["SUPPDM"]
    own = supp[supp["QNAM"].str.upper().eq(NAME)]
    answer = own["QVAL"].fillna("").str.strip().str.upper().groupby(own["USUBJID"]).max()
    said = answer.to_dict()
    return subjects.map(lambda subject: said.get(subject, "")).astype("str")


def backfill_queries(addlt: pd.DataFrame, domains: Domains) -> Iterator[Query]:
    """Questions about answers that cannot be read, and about backfill at a level that the escalation has not left."""
    answers = _answers(addlt["USUBJID"], domains)
    for row, answer in zip(addlt.itertuples(), answers, strict=True):
        if answer == SAID and row.BACKFL != "Y":
            yield TEXTS.query("DLT-BACKFILL-LEVEL-NOT-LEFT", row.USUBJID, observed=row.TRT01A)
        elif answer not in (SAID, *NOT_SAID):
            yield TEXTS.query("DLT-BACKFILL-UNREADABLE", row.USUBJID, observed=answer)


def backfill_notes(addlt: pd.DataFrame) -> tuple[list[str], list[str]]:
    """What is said of backfill subjects, and what warns of DLTs among them that do not count; empty without any."""
    own = addlt[addlt["BACKFL"].eq("Y")].sort_values("USUBJID", kind="stable") if "BACKFL" in addlt else addlt.head(0)
    if own.empty:
        return [], []
    out = own[own["ESCFL"].ne("Y")]
    many = {"subjects": _named(own)}
    told = plural(
        "Backfill: {subjects}; {n} subject of a level that the escalation had left (A-210).",
        "Backfill: {subjects}; {n} subjects of levels that the escalation had left (A-210).", len(own), **many,
    )  # fmt: skip
    counting = (
        msg("They count towards the cap, not for the escalation rule; the DLT rate of their level holds them.")
        if len(out)
        else msg("They count for the escalation rule, as the parameter file says.")
    )
    toxic = out[out["DLTSTAT"].isin(COUNTED_AS_DLT)]
    warned = [msg("Backfill with a DLT that the escalation rule does not count: {subjects} (A-210).",
                  subjects=_named(toxic))] if len(toxic) else []  # fmt: skip
    return [told, counting], [*warned]


def _named(subjects: pd.DataFrame) -> str:
    return ", ".join(f"{row.SUBJID} ({row.TRT01A})" for row in subjects.itertuples())


def counting(addlt: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    """Of each row of ADDLT whether it is backfill, and whether it counts for the escalation rule."""
    if "BACKFL" not in addlt:
        return pd.Series(False, index=addlt.index), pd.Series(True, index=addlt.index)
    return addlt["BACKFL"].eq("Y"), addlt["ESCFL"].eq("Y")


def _flag(true: pd.Series) -> pd.Series:
    return pd.Series("", index=true.index, dtype="str").mask(true, "Y")
