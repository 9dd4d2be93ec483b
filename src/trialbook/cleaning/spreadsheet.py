"""What a spreadsheet shows in place of a value that it could not work out, or not fit into its column (P03)."""

from __future__ import annotations

import re

from trialbook.cleaning.reading import Reading

_ERROR = re.compile(r"#(?:N/A|REF!|VALUE!|DIV/0!|NAME\?|NULL!|NUM!|SPILL!|CALC!|GETTING_DATA|ERROR)|#{3,}")


def read_no_error(value: str) -> Reading:
    """A value as it is; the error marks of a spreadsheet are missing and asked about.

    | value   | reads as |
    |---------|----------|
    | #N/A    | missing  |
    | ####### | missing  |
    | #1      | #1       |
    """
    return Reading(None, ask="P03-EXCEL-ERROR") if _ERROR.fullmatch(value.strip()) else Reading(value)
