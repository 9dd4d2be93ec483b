"""The SDTM domains of one snapshot as a mapping that knows which were delivered."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from functools import cache
from typing import Any, TypeVar

import pandas as pd

# Variables used, as listed in the interface (§3). Columns beyond these are kept.
VARIABLES: dict[str, str] = {
    "DM": "STUDYID USUBJID SUBJID SITEID RFICDTC BRTHDTC AGE AGEU SEX RACE ARMCD ARM ACTARMCD ACTARM DTHDTC DTHFL",
    "EX": "USUBJID EXSEQ EXTRT EXDOSE EXDOSU EXSTDTC EXENDTC VISIT VISITNUM",
    "AE": "USUBJID AESEQ AESPID AETERM AEDECOD AEBODSYS AETOXGR AESER AESDTH AESLIFE AESHOSP AESDISAB AESCONG "
    "AESMIE AEREL AEACN AEOUT AESTDTC AEENDTC AEENRTPT",
    "SUPPAE": "RDOMAIN USUBJID IDVAR IDVARVAL QNAM QVAL",
    "SUPPDM": "RDOMAIN USUBJID IDVAR IDVARVAL QNAM QVAL",
    "LB": "USUBJID LBSEQ LBTESTCD LBORRES LBORRESU LBORNRLO LBORNRHI LBSTRESN LBSTRESU LBDTC VISIT VISITNUM",
    "VS": "USUBJID VSSEQ VSTESTCD VSORRES VSORRESU VSDTC",
    "RS": "USUBJID RSSEQ RSCAT RSTESTCD RSORRES RSDTC VISIT",
    "FA": "USUBJID FASEQ FAOBJ FATESTCD FAORRES FAORRESU FADTC",
    "QS": "USUBJID QSSEQ QSCAT QSTESTCD QSORRES QSDTC VISIT",
    "CM": "USUBJID CMSEQ CMTRT CMDECOD CMCAT CMDOSE CMDOSU CMROUTE CMSTDTC CMENDTC CMENRTPT",
    "MH": "USUBJID MHSEQ MHTERM MHDECOD MHCAT MHSEV MHTOXGR MHSTDTC MHENDTC MHENRTPT",
    "CE": "USUBJID CESEQ CETERM CEDECOD CECAT CESEV CETOXGR CESTDTC CEENDTC CEENRTPT",
    "PR": "USUBJID PRSEQ PRTRT PRDECOD PRCAT PRSTDTC PRENDTC",
    "IE": "USUBJID IETESTCD IECAT IEORRES IEDTC",
    "DS": "USUBJID DSSEQ DSCAT DSTERM DSDECOD DSSTDTC",
    "SS": "USUBJID SSTESTCD SSORRES SSDTC",
    "SV": "USUBJID VISIT VISITNUM SVSTDTC",
    "DV": "USUBJID DVSEQ DVTERM DVDECOD DVCAT DVSTDTC",
    "MB": "USUBJID MBSEQ MBTESTCD MBORRES MBDTC",
    "IS": "USUBJID ISSEQ ISTESTCD ISORRES ISDTC",
    "SU": "USUBJID SUSEQ SUTRT SUCAT SUSTDTC SUENDTC",
}
# Beside the SDTM domains: the ages that took the place of the birth dates (`subjects.ages`).
AGES = "AGES"
Derived = TypeVar("Derived")
REQUIRED = ("DM", "EX", "AE")
DOMAIN_ORDER = tuple(VARIABLES)

# Numbers in a clean domain; every other column is text. Sequence numbers are whole.
NUMERIC = {"AGE", "EXDOSE", "CMDOSE", "VISITNUM", "LBORNRLO", "LBORNRHI", "LBSTRESN"}
# A clean result domain also carries the parsed number and its sign ("<", ">" or blank) of --ORRES.
RESULT_DOMAINS = ("LB", "VS", "FA", "RS", "QS")


def empty_domain(code: str) -> pd.DataFrame:
    """An empty clean frame of one domain with its variables and types.

    >>> frame = empty_domain("EX")
    >>> len(frame), str(frame["EXDOSE"].dtype), str(frame["EXSEQ"].dtype)
    (0, 'float64', 'Int64')
    """
    # A copy that costs nothing until somebody writes to it.
    return _empty_domain(code, pd.get_option("mode.string_storage")).copy(deep=False)


@cache
def _empty_domain(code: str, text_storage: str) -> pd.DataFrame:
    """`empty_domain`; the type of text is that of the storage in force when it is made."""
    columns = {name: pd.Series(dtype=column_type(name)) for name in clean_variables(code)}
    return pd.DataFrame(columns)


def clean_variables(code: str) -> list[str]:
    """Variables that every clean frame of a domain has: those of the interface and the parsed results.

    >>> clean_variables("VS")[-3:]
    ['VSORRESN', 'VSORRESOP', 'SRCROW']
    """
    names = VARIABLES[code].split()
    if code in RESULT_DOMAINS:
        names += [f"{code}ORRESN", f"{code}ORRESOP"]
    return [*names, "SRCROW"]


def column_type(name: str) -> str:
    """Type of a clean variable: Int64 for --SEQ and SRCROW, float64 for numbers, else str.

    >>> column_type("AESEQ"), column_type("EXDOSE"), column_type("AETERM")
    ('Int64', 'float64', 'str')
    """
    if name.endswith("SEQ") or name == "SRCROW":
        return "Int64"
    return "float64" if name in NUMERIC or name.endswith("ORRESN") else "str"


class Domains(Mapping[str, pd.DataFrame]):
    """Clean SDTM frames by domain code; a domain that was not delivered reads as empty.

    `delivered(code)` tells "no records" from "not delivered": what depends on the latter is not evaluable, never a
    pass. Every frame has at least the variables of the interface, so a derivation need not ask for columns.
    """

    def __init__(self, frames: Mapping[str, pd.DataFrame]) -> None:
        self._frames, self._ready = frames, dict[str, pd.DataFrame]()
        self._derived: dict[Hashable, Any] = {}

    def __getitem__(self, code: str) -> pd.DataFrame:
        # A frame is asked for only when it is used, since `frames` may read it from a file then.
        if code not in self._ready:
            ready = _with_variables(code, self._frames[code]) if code in self._frames else empty_domain(code)
            if code == "DM" and AGES in self._frames:
                ready = ready.drop(columns="BRTHDTC")
            self._ready[code] = ready
        # A copy that costs nothing until somebody writes to it: what was delivered cannot be changed in place.
        return self._ready[code].copy(deep=False)

    def once(self, derive: Callable[..., Derived], *arguments: Any) -> Derived:
        """`derive(self, *arguments)`, worked out at the first call: several derivations start from the same records.

        Frames among the arguments count by their content. What `derive` returns must not be changed in place; a frame
        cannot be, since pandas copies it on write.
        """
        key = (derive, *map(_content, arguments))
        if key not in self._derived:
            self._derived[key] = derive(self, *arguments)
        found = self._derived[key]
        return found.copy(deep=False) if isinstance(found, pd.DataFrame) else found

    def __iter__(self) -> Iterator[str]:
        """The codes of the SDTM domains."""
        return (code for code in self._frames if code != AGES)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def delivered(self, code: str) -> bool:
        """Whether the snapshot held this domain, with or without records.

        >>> domains = Domains({"CE": empty_domain("CE")})
        >>> domains.delivered("CE"), domains.delivered("MH"), len(domains["MH"])
        (True, False, 0)
        """
        return code in self._frames


def _content(argument: Any) -> Hashable:
    if not isinstance(argument, pd.DataFrame):
        return argument
    return (*argument.columns, pd.util.hash_pandas_object(argument, index=False).to_numpy().tobytes())


def _with_variables(code: str, frame: pd.DataFrame) -> pd.DataFrame:
    if code not in VARIABLES:
        return frame
    missing = [name for name in clean_variables(code) if name not in frame.columns]
    if not missing:
        return frame
    blank = {name: pd.Series(float("nan"), index=frame.index).astype(column_type(name)) for name in missing}
    return frame.assign(**blank)


# What tells the records of a subject apart where there is no --SEQ (interface §3).
_NATURAL_KEYS = {
    "DM": [],
    "IE": ["IETESTCD"],
    "SS": ["SSTESTCD", "SSDTC"],
    "SV": ["VISITNUM", "VISIT"],
    "RELREC": ["RDOMAIN", "IDVAR", "IDVARVAL"],
}
_SUPP_KEYS = ["IDVAR", "IDVARVAL", "QNAM"]


def key_columns(domain: str, columns: pd.Index) -> list[str]:
    """The columns that, with USUBJID, tell the records of a domain apart.

    >>> key_columns("AE", pd.Index(["USUBJID", "AESEQ"])), key_columns("SS", pd.Index(["USUBJID", "SSTESTCD", "SSDTC"]))
    (['AESEQ'], ['SSTESTCD', 'SSDTC'])
    """
    if domain.startswith("SUPP"):
        wanted = _SUPP_KEYS
    else:
        seq = f"{domain}SEQ"
        wanted = [seq] if seq in columns else _NATURAL_KEYS.get(domain, [])
    return [name for name in wanted if name in columns]
