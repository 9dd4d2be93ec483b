"""Lists of codes that follow from the protocol file: a new criterion then needs no new contract.

A code list in a contract is a list of values, or `{protocol: criteria}`, or `{protocol: dose_levels, also: [""]}`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from trialbook.protocol.models import Protocol

# The lists by name, each with what it holds in words.
LISTS = {
    "criteria": "the criteria of the protocol, each part of one by itself",
    "form_criteria": "the criteria of the protocol",
    "dose_levels": "the dose levels of the protocol",
}
_COLUMNS = {"criteria": "CRITCD", "form_criteria": "IETESTCD", "dose_levels": "TRT01A"}


def protocol_lists(protocol: Protocol) -> dict[str, pd.DataFrame]:
    """Each list as a dataset of one column, by the name under which rules refer to it (`protocol/criteria`).

    Columns: CRITCD, the audit columns; IETESTCD, the ids of the criteria, as the eligibility form has them; TRT01A, the
    ids of the dose levels.
    """
    codes = {
        "criteria": protocol.audit_columns,
        "form_criteria": [criterion.id for criterion in protocol.criteria],
        "dose_levels": protocol.level_ids,
    }
    return {f"protocol/{name}": pd.DataFrame({_COLUMNS[name]: pd.Series(codes[name], dtype="str")}) for name in LISTS}


def codes_of(codelist: Any, datasets: Mapping[str, pd.DataFrame]) -> list[str] | None:
    """The values of a code list of a contract; None where it follows from a protocol that is not at hand.

    >>> codes_of(["Y", "N"], {})
    ['Y', 'N']
    >>> codes_of({"protocol": "dose_levels", "also": [""]}, {}) is None
    True
    >>> codes_of({"protocol": "dose_levels", "also": [""]}, {"protocol/dose_levels": pd.DataFrame({"TRT01A": ["DL1"]})})
    ['DL1', '']
    """
    if not isinstance(codelist, Mapping):
        return list(codelist or [])
    frame = datasets.get(f"protocol/{codelist['protocol']}")
    return None if frame is None else [*frame.iloc[:, 0].tolist(), *codelist.get("also", [])]


def codes_in_words(codelist: Any) -> str:
    """A code list as a person reads it.

    >>> codes_in_words(["Y", ""])
    'Y, (blank)'
    """
    if not isinstance(codelist, Mapping):
        return ", ".join(str(code) or "(blank)" for code in codelist or [])
    return ", ".join([LISTS[codelist["protocol"]], *(str(code) or "(blank)" for code in codelist.get("also", []))])


def is_code_list(codelist: Any) -> bool:
    """Whether it is a list of values, or a list of the protocol with further values.

    >>> is_code_list(["Y", "N"]), is_code_list({"protocol": "dose_levels"}), is_code_list("Y")
    (True, True, False)
    """
    if not isinstance(codelist, Mapping):
        return isinstance(codelist, Sequence) and not isinstance(codelist, str)
    return (
        codelist.get("protocol") in list(LISTS)
        and set(codelist) <= {"protocol", "also"}
        and isinstance(codelist.get("also", []), list)
    )
