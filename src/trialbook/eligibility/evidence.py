"""The records behind every result of the audit, one row each: what decided, what else was in the window, the form."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from trialbook.core.dates import complete_date
from trialbook.core.domains import Domains
from trialbook.eligibility.criterion_results import RECORD
from trialbook.protocol.models import Protocol

DECIDES, FORM, WAIVER = "decides", "form", "waiver"
COLUMNS = ["USUBJID", "CRITCD", *RECORD[1:]]
_TYPES = {
    **dict.fromkeys(COLUMNS, "str"), "SRCSEQ": "Int64", "ADT": "datetime64[s]", "LIMIT": "float64",
}  # fmt: skip
_KEY = ["USUBJID", "CRITCD", "SRCDOM", "SRCSEQ", "WHAT"]

# The forms that evidence takes in ADIE, which holds it as English: for the catalogue of texts, so that it is read back.
EVIDENCE_PATTERNS = (
    "{domain}: {term}, grade {grade}, {start} to {end}",
    "{domain}: {term}, {start} to {end}",
    "ongoing",
    "form: Y of {date}",
    "form: N of {date}",
    "form: {answer} of {date}",
    "form: Y",
    "form: N",
    "form: {answer}",
    "waived: {term} (DV {number})",
    "waived: {term}",
    "{test} {value} {unit} on {date}",
    "{test} {value} on {date}, {found}",
    "{test} {value} on {date}",
    "answer {date}",
    "without a date",
    "{n} years",
    "upper limit {limit}",
    "no upper limit on the record",
    "{how} {value} (other form {other}); creatinine {creatinine} on {date}",
    "{how} {value}; creatinine {creatinine} on {date}",
    "measured clearance {value} on {date}",
    "{value} on {date}, mapped to ECOG (A-20)",
    "HCG not required",
    "age {age} at consent, from birth date",
    "{age} at the infusion",
    "within {days} days of a limit",
    "by the form",
    "no enteric pathogen with diarrhoea from {start} to {end}",
    "for information: {found} with diarrhoea",
    "for information: died within {days} days of the infusion",
    "[{test}] {rule}",
    "male: contraception by the form",
    "consent {consent}, first study procedure {procedure}, first infusion {infusion}",
    "consent {consent}, first study procedure {procedure}",
    "consent {consent}, first infusion {infusion}",
    "consent {consent}",
    "grade {grade} from skin/liver/upper/lower GI {stages} on {date}",
    "investigator {grade}",
    "{definition}: {verdict}",
    "not improved within {span} days of prednisone >= {dose} mg/kg/day",
    "worse in any organ within {span} days of prednisone >= {dose} mg/kg/day",
    "progression at {span} days of first-line steroids",
    "no response at {span} days",
    "not resolved after more than {span} days of steroids",
    "{date}: Waiver of {criterion}: {reason}",
    "{value} not evaluable",
    "violates {criterion}",
    "{key} = {value}",
)


@dataclass(frozen=True)
class Weighed:
    """ADIEEV: every record that was weighed for the rows of `adie`, worked out for the subjects that are asked for.

    A large trial shows a few of its subjects: the records of all the others are never put into one frame. `parts`: what
    the checks looked at, by audit column; `form`, `waived`: `form_records` and `form.waivers`.
    """

    adie: pd.DataFrame
    parts: tuple[tuple[str, pd.DataFrame], ...]
    form: pd.DataFrame
    waived: pd.DataFrame

    def of(self, subjects: Iterable[str]) -> pd.DataFrame:
        """The records behind the results of these subjects, one row per subject, audit column and record.

        ROLE: decides (the record that ADIE names), worst in the window, in the window, considered, part of it (one of
        several that count together), form (the answer on the eligibility form), waiver. WHAT: the test or term; VALUE:
        as recorded; LIMIT: the limit on the record, or the one it was compared with; SAYS: the result by this record
        alone. Sorted as ADIE, then by role, newest first.
        """
        wanted = set(subjects)
        if wanted.issuperset(self.adie["USUBJID"]):
            return self._whole.copy(deep=False)

        def own(rows: pd.DataFrame) -> pd.DataFrame:
            return rows[rows["USUBJID"].isin(wanted)]

        parts = tuple((column, own(rows)) for column, rows in self.parts)
        return _ordered(own(self.adie), parts, [own(self.form), own(self.waived)])

    @cached_property
    def _whole(self) -> pd.DataFrame:
        return _ordered(self.adie, self.parts, [self.form, self.waived])

    def all(self) -> pd.DataFrame:
        """The records behind the results of every subject."""
        return self.of(self.adie["USUBJID"])


def _ordered(
    adie: pd.DataFrame, parts: Iterable[tuple[str, pd.DataFrame]], beside: Iterable[pd.DataFrame]
) -> pd.DataFrame:
    """`beside`: records that name their audit column themselves."""
    named = [*parts, *((rows["CRITCD"].to_numpy(dtype="object"), rows) for rows in beside)]
    filled = [(column, rows) for column, rows in named if len(rows)]
    if not filled or adie.empty:
        return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in _TYPES.items()})
    rows = pd.concat([part[RECORD] for _, part in filled], ignore_index=True)
    rows["CRITCD"] = np.concatenate([np.broadcast_to(np.asarray(name, "object"), len(part)) for name, part in filled])
    rows = rows[COLUMNS].astype(_TYPES)
    text = [name for name, kind in _TYPES.items() if kind == "str"]
    rows = rows.fillna(dict.fromkeys(text, "")).drop_duplicates(_KEY, keep="first")
    asked = adie[["USUBJID", "CRITCD", "SRCDOM", "SRCSEQ", "ADT"]].assign(ORDER=range(len(adie)))
    rows = rows.merge(asked, on=["USUBJID", "CRITCD"], how="inner", suffixes=("", "_OWN"), validate="many_to_one")
    same_day = rows["ADT"].eq(rows["ADT_OWN"]) | (rows["ADT"].isna() & rows["ADT_OWN"].isna())
    unnumbered = rows["SRCSEQ"].isna() & rows["SRCSEQ_OWN"].isna() & same_day
    same = rows["SRCDOM"].eq(rows["SRCDOM_OWN"]) & (
        rows["SRCSEQ"].eq(rows["SRCSEQ_OWN"]).fillna(False).astype(bool) | unnumbered
    )  # fmt: skip
    rows["ROLE"] = rows["ROLE"].mask(same, DECIDES)
    rows = rows.assign(_first=rows["ROLE"].ne(DECIDES), _form=rows["ROLE"].isin([FORM, WAIVER]))
    ordered = rows.sort_values(
        ["ORDER", "_first", "_form", "ADT", "SRCDOM", "SRCSEQ", "WHAT"],
        ascending=[True, True, True, False, True, True, True], kind="stable", na_position="last",
    )  # fmt: skip
    return ordered[COLUMNS].reset_index(drop=True)


def form_records(domains: Domains, protocol: Protocol) -> pd.DataFrame:
    """Every answer on the eligibility form, for each audit column of its criterion."""
    ie = domains["IE"]
    columns = [(criterion.id, column) for criterion in protocol.criteria for column in criterion.audit_columns()]
    names = pd.DataFrame(columns, columns=["CRITERION", "CRITCD"]).astype("str")
    rows = pd.DataFrame(
        {
            "USUBJID": ie["USUBJID"],
            "CRITERION": ie["IETESTCD"].str.strip().str.upper(),
            "ROLE": pd.Series(FORM, index=ie.index, dtype="str"),
            "SRCDOM": pd.Series("IE", index=ie.index, dtype="str"),
            "SRCSEQ": sequence(ie, "IE"),
            "ADT": complete_date(ie["IEDTC"]),
            "WHAT": "answer " + ie["IEDTC"].fillna("without a date"),
            "VALUE": ie["IEORRES"] + free_text(ie).radd(": ").where(free_text(ie).ne(""), ""),
            "UNIT": pd.Series("", index=ie.index, dtype="str"),
            "LIMIT": pd.Series(float("nan"), index=ie.index),
            "SAYS": pd.Series("", index=ie.index, dtype="str"),
        }
    )
    return rows.merge(names, on="CRITERION", how="inner")[COLUMNS]


def free_text(ie: pd.DataFrame) -> pd.Series:
    """What was written beside an answer on the form, verbatim (IECOM, else IEREAS, where the site delivers them)."""
    text = pd.Series("", index=ie.index, dtype="str")
    for name in ("IEREAS", "IECOM"):
        if name in ie:
            text = ie[name].fillna("").astype("str").where(ie[name].fillna("").ne(""), text)
    return text


def sequence(rows: pd.DataFrame, code: str) -> pd.Series:
    """--SEQ of the records of a domain whose number is not always delivered."""
    if f"{code}SEQ" not in rows:
        return pd.Series(pd.NA, index=rows.index, dtype="Int64")
    return pd.to_numeric(rows[f"{code}SEQ"], errors="coerce").astype("Int64")
