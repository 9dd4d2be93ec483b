"""What kind of value a column holds, and which columns a domain must have for the endpoints of the trial (P34)."""

from __future__ import annotations

from typing import Literal

from trialbook.cleaning.codes import CODE_READERS
from trialbook.core.domains import NUMERIC, RESULT_DOMAINS, VARIABLES
from trialbook.core.errors import StopError
from trialbook.protocol.models import Protocol
from trialbook.snapshot.tables import RawTable, Snapshot

Kind = Literal["date", "sequence", "number", "result", "unit", "code", "id", "free"]

IDS = ("STUDYID", "USUBJID", "SUBJID", "SITEID", "IDVARVAL", "DOMAIN")
_UNIT_ENDINGS = ("ORRESU", "STRESU", "DOSU")
_ALWAYS: dict[str, str] = {
    "DM": "STUDYID USUBJID SUBJID ARMCD ACTARMCD",
    "EX": "USUBJID EXSEQ EXTRT EXDOSE EXSTDTC",
    "AE": "USUBJID AESEQ AETERM AEDECOD AEBODSYS AESER AEREL AEOUT AESTDTC AEENDTC",
    "DS": "USUBJID DSDECOD DSSTDTC",
    "IE": "USUBJID IETESTCD IEORRES",
    "LB": "USUBJID LBSEQ LBTESTCD LBORRES LBORRESU LBORNRHI LBDTC",
    "VS": "USUBJID VSTESTCD VSORRES VSORRESU VSDTC",
    "RS": "USUBJID RSTESTCD RSORRES RSDTC",
    "FA": "USUBJID FATESTCD FAORRES FADTC",
    "CM": "USUBJID CMTRT CMSTDTC",
    "MH": "USUBJID MHTERM",
    "CE": "USUBJID CETERM",
    "SS": "USUBJID SSTESTCD SSORRES SSDTC",
    "SV": "USUBJID SVSTDTC",
    "SUPPAE": "USUBJID IDVAR IDVARVAL QNAM QVAL",
    "SUPPDM": "USUBJID QNAM QVAL",
    "SUPPEX": "USUBJID IDVAR IDVARVAL QNAM QVAL",
}
# Needed only where the trial reports the endpoint.
_FOR_ENDPOINT: dict[str, dict[str, str]] = {
    "DLT": {"AE": "AETOXGR", "EX": "EXDOSU"},
    "ELIGIBILITY": {"DM": "RFICDTC BRTHDTC SEX"},
}


def kind_of(domain: str, column: str) -> Kind:
    """The kind of a column by its name, as SDTM names variables.

    >>> kind_of("AE", "AESTDTC"), kind_of("LB", "LBORRES"), kind_of("AE", "AETERM")
    ('date', 'result', 'free')
    """
    if column.endswith("DTC"):
        return "date"
    if column.endswith("SEQ"):
        return "sequence"
    if column in NUMERIC:
        return "number"
    if domain in RESULT_DOMAINS and column == f"{domain}ORRES":
        return "result"
    if column.endswith(_UNIT_ENDINGS) or column == "AGEU":
        return "unit"
    if column in CODE_READERS or column in ("ARMCD", "ACTARMCD"):
        return "code"
    return "id" if column in IDS or column.endswith(("SPID", "REFID", "GRPID")) else "free"


def required_columns(domain: str, protocol: Protocol) -> list[str]:
    """Columns that a domain must have for the endpoints of this trial; of an unknown domain, none."""
    names = _ALWAYS.get(domain, "USUBJID" if domain in VARIABLES else "").split()
    for endpoint, columns in _FOR_ENDPOINT.items():
        if protocol.has_endpoint(endpoint):
            names += columns.get(domain, "").split()
    return names


def missing_columns(snapshot: Snapshot, protocol: Protocol) -> list[tuple[RawTable, list[str]]]:
    """Every delivered table that lacks required columns, with their names; a part of a split domain for itself."""
    found = []
    for code, table in ((code, part) for code, whole in snapshot.tables.items() for part in whole.delivered):
        absent = [name for name in required_columns(code, protocol) if name not in table.frame.columns]
        if absent:
            found.append((table, absent))
    return found


def blank_columns(snapshot: Snapshot, protocol: Protocol) -> list[tuple[RawTable, list[str]]]:
    """Every mapped table with required columns that its mapping file fills with a blank constant, with their names."""
    found = []
    for code, table in snapshot.tables.items():
        if table.origin is None or table.parts:
            continue
        named = {name for part in table.origin.parts for name, header in part.columns.items() if header}
        named |= set(table.origin.records.columns)
        empty = [
            name
            for name in required_columns(code, protocol)
            if name in table.frame.columns and name not in named and table.frame[name].isna().all()
        ]
        if empty and len(table.frame):
            found.append((table, empty))
    return found


def who_adds(table: RawTable) -> str:
    """Who must act where a table lacks a column: the mapper where there is a mapping, else the exporter.

    The site cannot: a column is a matter of the export, also where the site has entered nothing.
    """
    mapped = table.origin is not None and not table.parts
    return "the mapping file" if mapped else "the exporter"


def check_columns(snapshot: Snapshot, protocol: Protocol) -> None:
    """Raises StopError (P34) that names every required column that the files do not have, and who must add it."""
    found = missing_columns(snapshot, protocol)
    if not found:
        return
    first, absent = found[0]
    several = len(found) > 1 or len(absent) > 1
    listed = "; ".join(f"{table.domain} ({table.file}): {', '.join(names)}" for table, names in found)
    problem = f"required columns are missing, {listed}" if several else "the required column is missing"
    by_mapping = [table.domain for table, _ in found if who_adds(table) == "the mapping file"]
    ask = "ask the exporter to deliver the column, empty where nothing was collected"
    if by_mapping:
        ask = f"fill it in the mapping file (domains.{first.domain}.columns); a blank constant if nothing was collected"
    raise StopError(
        f"{problem} (delivered: {', '.join(first.frame.columns)})",
        file=first.file, row=first.header_row, column=absent[0], rule="P34-COLUMN-MISSING", next_step=ask,
    )  # fmt: skip
