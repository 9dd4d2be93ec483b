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


def rows_left_out(rows: pd.DataFrame, most_rows: int) -> list[str]:
    """A note where a listing does not hold every row."""
    return [f"The first {most_rows} of {len(rows)} rows; the dataset holds all."] if len(rows) > most_rows else []


def findings_left_out(adie: pd.DataFrame, most_rows: int) -> list[str]:
    """A note where the listing of findings does not hold all of them."""
    return rows_left_out(adie[adie["RESULT"].isin(ATTENTION)], most_rows)


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
