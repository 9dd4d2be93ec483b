"""Drafts the first contract of a dataset from what it holds, for a person to go through: it holds on that data.

What the contracts that there are say of a column of the same name and type is taken over. Values of the data come into
a draft only as codes of few words that several records share, never as free text: a contract goes into version control.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator, Mapping

import pandas as pd

from trialbook.contracts.lookups import codes_of
from trialbook.contracts.odcs import Column, Contract
from trialbook.core.errors import UsageError
from trialbook.core.privacy import masked

TO_DESCRIBE = "To be described"
SUBJECT = "USUBJID"
# Where a column of the same name is looked for, in this order.
KINDS = ("analysis", "clean", "raw")
# A code: a few capital letters and digits, with at least one letter; a date or a number is none.
CODE = re.compile(r"(?=[^a-z]*[A-Z])[A-Z0-9][A-Z0-9 /_+.-]{0,19}")
MOST_CODES = 10
LONG_TEXT = 40
MOST_KEYS, CANDIDATES = 3, 12


def draft_contract(
    name: str,
    frame: pd.DataFrame,
    title: str,
    contracts: Mapping[str, Contract],
    datasets: Mapping[str, pd.DataFrame],
) -> str:
    """The text of `data_contracts/analysis/<name>.yaml` for a dataset.

    `title` is what the dataset is about; `contracts` those of the project; `datasets` what rules may refer to: the
    lists of the protocol, and ADSL where it is known. Raises UsageError for a column of a type that no contract knows.
    """
    keys = proposed_key(frame)
    about = f"{title}: one row per {' and '.join(keys)}" if keys else f"{title}: no key was found in the data"
    lines = [
        f"# Contract of analysis/{name}: {about}.",
        "# A draft from what the dataset held. Go through every column: what must hold of later data as well?",
        "apiVersion: v3.0.2",
        "kind: DataContract",
        f"id: trialbook.analysis.{name}",
        f"name: {_quoted(about)}",
        "version: 0.1.0",
        "status: draft",
        "description:",
        f"  purpose: {_quoted(about)}",
        "schema:",
        f"  - name: {name}",
        "    logicalType: object",
        "    physicalType: table",
        f"    description: {_quoted(about)}",
        "    properties:",
    ]
    for column in frame.columns:
        lines += _column_lines(str(column), frame, str(column) in keys, contracts, datasets)
    lines += _subjects_are_known(name, frame, datasets)
    return "\n".join(lines) + "\n"


def proposed_key(frame: pd.DataFrame) -> list[str]:
    """The first few columns that together name one record: the subject alone, or with up to two others; else none.

    >>> proposed_key(pd.DataFrame({"USUBJID": ["001", "001"], "PARAMCD": ["ALT", "AST"], "AVAL": [30.0, 41.0]}))
    ['USUBJID', 'PARAMCD']
    """
    names = [str(name) for name in frame.columns]
    whole = [name for name in names if _never_missing(frame[name]) and _logical_type(name, frame[name]) != "number"]
    first = [SUBJECT] if SUBJECT in whole else []
    others = [name for name in whole if name not in (SUBJECT, "SUBJID", "STUDYID", "SITEID")][:CANDIDATES]
    if not len(frame):
        return first
    for size in range(0 if first else 1, MOST_KEYS):
        for chosen in itertools.combinations(others, size):
            keys = [*first, *chosen]
            if not frame.duplicated(keys).any():
                return keys
    return []


def _column_lines(
    name: str,
    frame: pd.DataFrame,
    is_key: bool,
    contracts: Mapping[str, Contract],
    datasets: Mapping[str, pd.DataFrame],
) -> Iterator[str]:
    values = frame[name]
    kind = _logical_type(name, values)
    every = _known(name, kind, contracts)
    known = every[0] if every else None
    yield f"      - name: {_quoted(name) if not name.isidentifier() else name}"
    yield f"        logicalType: {kind}"
    yield f"        description: {_quoted(known.description if known else TO_DESCRIBE)}"
    if is_key or (len(values) and _never_missing(values)):
        yield "        required: true"
    if is_key:
        yield "        primaryKey: true"
    yield f"        classification: {known.classification if known else _classification(values)}"
    unit = known.custom("unit") if known else None
    codes = _codelist(name, frame, every, datasets)
    if unit or codes:
        yield "        customProperties:"
    if unit:
        yield f"          - {{property: unit, value: {_quoted(str(unit))}}}"
    if codes:
        yield f"          - {{property: codelist, value: {codes}}}"
        yield f"          - {{property: codelistSeverity, value: {'critical' if known or _is_flag(name) else 'info'}}}"


def _subjects_are_known(name: str, frame: pd.DataFrame, datasets: Mapping[str, pd.DataFrame]) -> list[str]:
    """The rule that every subject is in ADSL, where that was seen to hold; only then can it be a rule of the draft."""
    if SUBJECT not in frame or "adsl" not in datasets or not frame[SUBJECT].isin(datasets["adsl"][SUBJECT]).all():
        return []
    return [
        "    quality:",
        f"      - name: {name}.{SUBJECT}.in_adsl",
        "        type: custom",
        "        engine: greatExpectations",
        "        severity: critical",
        "        description: every subject is in ADSL",
        "        implementation:",
        "          type: expect_column_values_to_be_in_set",
        f"          kwargs: {{column: {SUBJECT}, value_set: {{dataset: adsl, column: {SUBJECT}}}}}",
    ]


def _known(name: str, kind: str, contracts: Mapping[str, Contract]) -> list[Column]:
    """The columns of this name and type that other contracts describe."""
    keys = [key for place in KINDS for key in sorted(contracts) if key.startswith(f"{place}/")]
    columns = [contracts[key].dataset.column(name) for key in keys]
    return [column for column in columns if column is not None and column.logicalType == kind]


def _codelist(name: str, frame: pd.DataFrame, known: list[Column], datasets: Mapping[str, pd.DataFrame]) -> str:
    """The code list as YAML: that of a known column where it fits, else the codes that several subjects share."""
    values = frame[name]
    if values.dtype.kind not in "OSU":
        return ""
    found = values.dropna().astype("str")
    for theirs in (column.custom("codelist") for column in known):
        if theirs and found.isin(codes_of(theirs, datasets) or []).all():
            return json.dumps(theirs, ensure_ascii=False)
    if _is_flag(name) and found.isin(["Y", ""]).all():
        return json.dumps(["Y", ""])
    codes = found[found.ne("")]
    # What only one subject has may identify it.
    owners = frame[SUBJECT] if SUBJECT in frame else pd.Series(frame.index, index=frame.index)
    counts = owners.reindex(codes.index).groupby(codes).nunique()
    are_codes = name != SUBJECT and 0 < len(counts) <= MOST_CODES and counts.min() > 1
    if not are_codes or not all(CODE.fullmatch(code) and masked(code) == code for code in counts.index):
        return ""
    return json.dumps([*sorted(counts.index), *([""] if found.eq("").any() else [])], ensure_ascii=False)


def _is_flag(name: str) -> bool:
    return name.endswith("FL")


def _classification(values: pd.Series) -> str:
    long = values.dtype.kind in "OSU" and values.dropna().astype("str").str.len().gt(LONG_TEXT).any()
    return "sensitive" if long else "pseudonymised"


def _never_missing(values: pd.Series) -> bool:
    """Whether every record has a value; blank text is none."""
    blank = values.astype("str").str.strip().eq("") if values.dtype.kind in "OSU" else False
    return not bool((values.isna() | blank).any())


def _logical_type(name: str, values: pd.Series) -> str:
    kind = {"O": "string", "S": "string", "U": "string", "M": "date", "i": "integer", "u": "integer", "f": "number"}
    if values.dtype.kind not in kind:
        raise UsageError(
            f"no contract knows the type {values.dtype}", column=name,
            next_step="leave text (Y or blank for yes or no), a date, or a number",
        )  # fmt: skip
    return kind[values.dtype.kind]


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
