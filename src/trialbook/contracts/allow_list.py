"""Which columns may enter a build: those that the contract of a delivered domain declares (interface §3)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from trialbook.contracts.odcs import Contract, load_contracts
from trialbook.core.environment_variables import CONTRACTS
from trialbook.protocol.load import project_root
from trialbook.protocol.models import Protocol

# Identifiers of records by which SUPP-- and RELREC name them, in every domain.
_RECORD_IDS = ("SPID", "GRPID", "LNKID")
# Parameters of criteria that list names of SUPPDM.
_NAMES = "_names"
_KEYS_OF_SUPP = frozenset(["STUDYID", "RDOMAIN", "USUBJID", "IDVAR", "IDVARVAL", "QNAM", "QLABEL"])


@dataclass(frozen=True)
class AllowList:
    """What may come in: the columns of each domain by upper-case code, and the QNAMs of each SUPP-- domain.

    A domain without an entry does not come in; of a SUPP-- domain without one come the keys and names, no value.
    """

    columns: Mapping[str, frozenset[str]]
    names: Mapping[str, frozenset[str]]

    def of(self, code: str) -> frozenset[str] | None:
        """The columns of a domain that may come in; None where the domain may not."""
        return self.columns.get(code, _KEYS_OF_SUPP if code.startswith("SUPP") else None)


def allow_list(contracts: Mapping[str, Contract], protocol: Protocol) -> AllowList:
    """The allow-list of the raw contracts; SUPPDM also takes the names that the criteria of the protocol ask for, and
    SUPPEX those of the product of an infusion.

    `contracts` by `raw/domain` (`load_contracts`); others are not looked at.
    """
    datasets = {
        name.removeprefix("raw/").upper(): c.dataset for name, c in contracts.items() if name.startswith("raw/")
    }
    columns = {
        code: frozenset([*(column.name for column in dataset.properties), *(f"{code}{end}" for end in _RECORD_IDS)])
        for code, dataset in datasets.items()
    }
    names = {
        code: frozenset(str(name).upper() for name in (value.custom("names") or []))
        for code, dataset in datasets.items()
        if (value := dataset.column("QVAL")) is not None
    }
    asked = frozenset(
        str(name).upper()
        for criterion in protocol.criteria
        for key, listed in criterion.parameters.items()
        if key.endswith(_NAMES) and isinstance(listed, list)
        for name in listed
    )
    for code, more in (("SUPPDM", asked), ("SUPPEX", protocol.outcomes.product.names)):
        if code in names:
            names[code] |= more
    return AllowList(columns, names)


def contracts_folder() -> Path:
    """The folder of the data contracts in force."""
    return Path(os.environ.get(CONTRACTS) or project_root() / "data_contracts")


def project_allow_list(protocol: Protocol) -> AllowList:
    """The allow-list of the contracts in force; raises UsageError where one is wrong."""
    return allow_list(load_contracts(contracts_folder(), ["raw"]), protocol)
