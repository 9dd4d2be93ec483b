"""What the audit reports: counts by result (ARD ELIG), the matrix for reading, and the findings to look at."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from trialbook.eligibility.audit import rule_text
from trialbook.eligibility.form import RESULTS
from trialbook.protocol.models import Protocol
from trialbook.results.ard import TOTAL, ArdRow, ard_row
from trialbook.results.queries import Query

ATTENTION = ("FAIL", "ATT-FAIL", "CONFLICT", "NE", "WAIVED", "PENDING")


def eligibility_rows(adie: pd.DataFrame, adsl: pd.DataFrame, protocol: Protocol) -> list[ArdRow]:
    """ARD rows ELIG: subjects with each result per audit column, by level planned and Total; zeros are reported too.

    Subjects without a planned level (screen failures) count in Total only.
    """
    if adie.empty:
        return []
    level = adie["USUBJID"].map(adsl.set_index("USUBJID")["TRT01P"])
    rows = []
    for code in [*protocol.level_ids, TOTAL]:
        counts = adie[level.eq(code) | (code == TOTAL)].groupby(["CRITCD", "RESULT"]).size()
        rows += [
            ard_row("ELIG", code, column, "n", int(counts.get((column, result), 0)), variable_level=result)
            for column in protocol.audit_columns
            for result in RESULTS
        ]
    return rows


def to_look_at(adie: pd.DataFrame, adsl: pd.DataFrame) -> pd.DataFrame:
    """The findings a reader must look at, with the subject's number: every result but PASS and ATT-PASS."""
    rows = adie[adie["RESULT"].isin(ATTENTION)]
    number = rows["USUBJID"].map(adsl.set_index("USUBJID")["SUBJID"])
    return rows.assign(SUBJID=number).reset_index(drop=True)


def with_queries(rows: pd.DataFrame, queries: Sequence[Query]) -> pd.DataFrame:
    """Audit rows with QUERY: rule and message of every question that was asked about the row, blank where none was.

    The message of an audit question begins with its audit column (`eligibility.questions`).
    """
    asked: dict[tuple[str, str], list[str]] = {}
    for one in queries:
        column, _, message = one["message_en"].partition(": ")
        asked.setdefault((one["subject"], column), []).append(f"{one['rule']}: {message}")
    keys = zip(rows["USUBJID"], rows["CRITCD"], strict=True)
    return rows.assign(QUERY=pd.Series([" ".join(asked.get(key, [])) for key in keys], index=rows.index, dtype="str"))


def first_rows(rows: pd.DataFrame, adsl: pd.DataFrame, most_rows: int) -> pd.DataFrame:
    """At most `most_rows` rows of a listing by SUBJID, in their order: those of infused subjects first, and of these
    and the others those whose RESULT, where there is one, comes first in `ATTENTION`.
    """
    return rows.loc[_chosen(rows, adsl, most_rows)].reset_index(drop=True)


def rows_left_out(rows: pd.DataFrame, adsl: pd.DataFrame, most_rows: int) -> list[str]:
    """A note where `first_rows` does not hold every row: what was taken first, and what is not shown."""
    others = rows[~_chosen(rows, adsl, most_rows)]
    if others.empty:
        return []
    infused = int(_infused(others, adsl).sum())
    parts = [f"{infused} of infused subjects"] if infused else []
    parts += [f"{len(others) - infused} of others"] if infused < len(others) else []
    by_result = f", then by result ({', '.join(ATTENTION)})" if "RESULT" in rows else ""
    return [
        f"{most_rows} of {len(rows)} rows are shown: first those of infused subjects{by_result}. "
        f"Not shown: {' and '.join(parts)}; the datasets hold all."
    ]


def _chosen(rows: pd.DataFrame, adsl: pd.DataFrame, most_rows: int) -> pd.Series:
    """Whether each row is among the first `most_rows`."""
    rank = (~_infused(rows, adsl)).astype("int64") * (len(ATTENTION) + 1)
    if "RESULT" in rows:
        order = {code: place for place, code in enumerate(ATTENTION)}
        rank += rows["RESULT"].map(order).fillna(len(ATTENTION)).astype("int64")
    return rank.rank(method="first") <= most_rows


def _infused(rows: pd.DataFrame, adsl: pd.DataFrame) -> pd.Series:
    return rows["SUBJID"].isin(adsl.loc[adsl["SAFFL"].eq("Y"), "SUBJID"])


def results_by_criterion(adie: pd.DataFrame, protocol: Protocol) -> pd.DataFrame:
    """Subjects with each result, one row per audit column: CRITCD, the registered wording, one count per code."""
    if adie.empty:
        return pd.DataFrame({name: pd.Series(dtype="str") for name in ("CRITCD", "RULE", *RESULTS)})
    counts = adie.groupby(["CRITCD", "RESULT"]).size().unstack(fill_value=0)
    counts = counts.reindex(index=protocol.audit_columns, columns=RESULTS, fill_value=0)
    wording = {
        column: rule_text(criterion, column) for criterion in protocol.criteria for column in criterion.audit_columns()
    }
    table = counts.rename_axis(index="CRITCD", columns=None).reset_index()
    table.insert(1, "RULE", table["CRITCD"].map(wording))
    return table
