"""What a check returns: for every subject and audit column the result by data alone, and the records looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from trialbook.eligibility.screening import Screening

PASS, FAIL, NE = "PASS", "FAIL", "NE"
# No data can test the criterion for this subject: the answer on the eligibility form decides.
BY_FORM = ""
# The result that decides a subject's criterion when several records speak: a violation, then doubt, then a pass.
_ORDER = {FAIL: 0, NE: 1, PASS: 2, BY_FORM: 3}

TYPES = {
    "USUBJID": "str", "CRITCD": "str", "DATARESULT": "str", "AVAL": "float64", "UNIT": "str", "LIMIT": "float64",
    "EVIDENCE": "str", "ADT": "datetime64[s]", "SRCDOM": "str", "SRCSEQ": "Int64", "FLAG": "str",
}  # fmt: skip
TEXTS = [name for name, kind in TYPES.items() if kind == "str"]


@dataclass(frozen=True)
class Found:
    """`findings`: one row per subject and audit column; `records`: what was looked at, in the shape of
    `evidence.RECORD` with CRITCD, as parts that are put together only where somebody asks for them."""

    findings: pd.DataFrame
    records: tuple[pd.DataFrame, ...]


def findings(records: pd.DataFrame) -> pd.DataFrame:
    """Records brought into the shape of a finding; columns that a check does not fill are blank or missing."""
    blank = {name: pd.Series(index=records.index, dtype=kind) for name, kind in TYPES.items() if name not in records}
    frame = records.assign(**blank)[list(TYPES)].astype(TYPES)
    return frame.fillna(dict.fromkeys(TEXTS, ""))


def decide(
    screening: Screening,
    column: str,
    records: pd.DataFrame,
    otherwise: str,
    evidence: str | pd.Series,
    looked_at: Sequence[pd.DataFrame] = (),
) -> Found:
    """One finding per screened subject: the record that decides, else `otherwise` with the given evidence.

    Of several records a FAIL decides before NE, NE before PASS, PASS before those that leave it to the form; then the
    later date, then the domain and the higher sequence number. `looked_at`: every record that was weighed, in the shape
    of `evidence.RECORD`.
    """
    people = screening.subjects["USUBJID"]
    said = evidence if isinstance(evidence, pd.Series) else pd.Series(evidence, index=people.index, dtype="str")
    parts = tuple(part.assign(CRITCD=column) for part in looked_at if len(part))
    if records.empty:
        silence = pd.DataFrame({"USUBJID": people, "CRITCD": column, "DATARESULT": otherwise, "EVIDENCE": said})
        return Found(findings(silence), parts)
    shaped = findings(records)
    ordered = shaped.assign(_rank=shaped["DATARESULT"].map(_ORDER)).sort_values(
        ["USUBJID", "_rank", "ADT", "SRCDOM", "SRCSEQ", "EVIDENCE"],
        ascending=[True, True, False, True, False, True], kind="stable", na_position="last",
    )  # fmt: skip
    deciding = ordered.drop_duplicates("USUBJID").set_index("USUBJID")
    found = deciding.reindex(people).reset_index()
    silent = ~people.isin(deciding.index)
    found["DATARESULT"] = found["DATARESULT"].mask(silent, otherwise)
    found["EVIDENCE"] = found["EVIDENCE"].mask(silent, said)
    found = found[list(TYPES)].assign(CRITCD=pd.Series(column, index=found.index, dtype="str"))
    return Found(found.fillna(dict.fromkeys(TEXTS, "")), parts)


def together(parts: Sequence[Found]) -> Found:
    """The findings of several audit columns as one frame."""
    frame = pd.concat([part.findings for part in parts], ignore_index=True).astype(TYPES)
    return Found(frame, tuple(records for part in parts for records in part.records))
