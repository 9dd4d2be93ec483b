"""What a check returns: for every subject and audit column the result by data alone, and the records looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from trialbook.core.messages import msg
from trialbook.eligibility.screening import Screening

# ----------------------------------------------------------------------------------------------------
# The records that a check looked at, in one shape: results, conditions, organ findings, vital signs, milestones.


IN_WINDOW, WORST, CONSIDERED, PART = msg("in the window"), msg("worst in the window"), "considered", msg("part of it")
RECORD = ["USUBJID", "ROLE", "SRCDOM", "SRCSEQ", "ADT", "WHAT", "VALUE", "UNIT", "LIMIT", "SAYS"]

_NOTHING = pd.DataFrame({name: pd.Series(dtype="str") for name in RECORD})


def records(
    rows: pd.DataFrame, role: str, what: str | pd.Series, value: str | pd.Series, **others: object
) -> pd.DataFrame:
    """Records in the shape of `RECORD`; `rows` has USUBJID SRCDOM SRCSEQ ADT.

    `others`: UNIT, LIMIT (of the record itself or of the criterion), SAYS (the result by this record alone).
    """
    if rows.empty:
        return _NOTHING
    columns: dict[str, object] = {"UNIT": "", "LIMIT": float("nan"), "SAYS": "", **others}
    return rows[["USUBJID", "SRCDOM", "SRCSEQ", "ADT"]].assign(ROLE=role, WHAT=what, VALUE=value, **columns)[RECORD]


def result_records(rows: pd.DataFrame, role: str = IN_WINDOW, says: str | pd.Series = "") -> pd.DataFrame:
    """Test results (`test_results` shape) with the upper limit of normal on the record."""
    return records(rows, role, rows["TEST"], rows["TEXT"], UNIT=rows["UNIT"], LIMIT=rows["HIGH"], SAYS=says)


def condition_records(rows: pd.DataFrame, said: pd.Series, says: str | pd.Series = "") -> pd.DataFrame:
    """Histories, events, drugs and procedures (`conditions` shape); `said`: each in words."""
    return records(rows, CONSIDERED, rows["TERM"], said, SAYS=says)


def organ_records(rows: pd.DataFrame, role: str) -> pd.DataFrame:
    """Collected stages and raw findings of acute GVHD (`gvhd.assessments` shape)."""
    return records(rows, role, rows["TEST"], rows["TEXT"], UNIT=rows["UNIT"])


# ----------------------------------------------------------------------------------------------------

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


# What a check may fill in besides the subject; the audit column is its own.
_FILLED = [name for name in TYPES if name != "CRITCD"]


@dataclass(frozen=True)
class Judged:
    """One audit column: the `records` that may decide it, each with its result (columns of `TYPES`, as far as the check
    fills them), and what each of `people` gets without one: the result `otherwise`, and words by `people`."""

    column: str
    people: pd.Series
    records: pd.DataFrame
    otherwise: str
    silence: str | pd.Series


@dataclass(frozen=True)
class Found:
    """What checks found: `judged`, the audit columns of the same subjects; `records`: what was looked at, by audit
    column in the shape of `records.RECORD`, as parts that are put together only where somebody asks for them."""

    judged: tuple[Judged, ...]
    records: tuple[tuple[str, pd.DataFrame], ...]

    @cached_property
    def findings(self) -> pd.DataFrame:
        """One row per audit column and subject, with the columns of `TYPES`; what a check leaves out is blank.

        Of several records a FAIL decides before NE, NE before PASS, PASS before those that leave it to the form; then
        the later date, then the domain and the higher sequence number.
        """
        people = pd.Index(self.judged[0].people) if self.judged else pd.Index([], dtype="str")
        candidates = _candidates(self.judged)
        column = np.repeat(np.arange(len(self.judged)), [len(one.records) for one in self.judged])
        places = pd.Series(column * len(people) + people.get_indexer(candidates["USUBJID"]), index=candidates.index)
        deciding = _deciding(candidates, places)
        found = deciding.reindex(range(len(self.judged) * len(people)))
        silent = ~found.index.isin(deciding.index)
        otherwise = np.repeat(np.array([one.otherwise for one in self.judged], dtype="object"), len(people))
        said = [np.broadcast_to(np.asarray(one.silence, dtype="object"), len(people)) for one in self.judged]
        found.loc[silent, "DATARESULT"] = otherwise[silent]
        found.loc[silent, "EVIDENCE"] = np.concatenate([*said, otherwise[:0]])[silent]
        found["USUBJID"] = np.tile(people.to_numpy(dtype="object"), len(self.judged))
        found["CRITCD"] = np.repeat(np.array([one.column for one in self.judged], dtype="object"), len(people))
        return found[list(TYPES)].astype(TYPES).fillna(dict.fromkeys(TEXTS, ""))


def _candidates(judged: Sequence[Judged]) -> pd.DataFrame:
    """The records of all audit columns, in their order, with one type for each of the columns that checks fill."""
    filled = [one.records for one in judged if len(one.records)]
    rows = pd.concat(filled, ignore_index=True) if filled else pd.DataFrame()
    kinds = {name: TYPES[name] for name in _FILLED}
    return rows.reindex(columns=_FILLED).astype(kinds).fillna({name: "" for name in TEXTS if name in kinds})


def _deciding(candidates: pd.DataFrame, places: pd.Series) -> pd.DataFrame:
    """The candidate that decides each place, by place."""
    several = places.duplicated(keep=False)
    if not several.any():
        return candidates.set_axis(places)
    rivals = candidates[several]
    ordered = rivals.assign(_place=places[several], _rank=rivals["DATARESULT"].map(_ORDER)).sort_values(
        ["_place", "_rank", "ADT", "SRCDOM", "SRCSEQ", "EVIDENCE"],
        ascending=[True, True, False, True, False, True], kind="stable", na_position="last",
    )  # fmt: skip
    first = ordered.drop_duplicates("_place").set_index("_place")[_FILLED]
    return pd.concat([candidates[~several].set_axis(places[~several]), first])


def decide(
    screening: Screening,
    column: str,
    records: pd.DataFrame,
    otherwise: str,
    evidence: str | pd.Series,
    looked_at: Sequence[pd.DataFrame] = (),
) -> Found:
    """One audit column: the record that decides each screened subject, else `otherwise` with the given evidence.

    `looked_at`: every record that was weighed, in the shape of `records.RECORD`.
    """
    parts = tuple((column, part) for part in looked_at if len(part))
    filled = records[[name for name in _FILLED if name in records]]
    return Found((Judged(column, screening.subjects["USUBJID"], filled, otherwise, evidence),), parts)


def together(parts: Sequence[Found]) -> Found:
    """Several audit columns of the same subjects as one."""
    judged = tuple(one for part in parts for one in part.judged)
    return Found(judged, tuple(records for part in parts for records in part.records))
