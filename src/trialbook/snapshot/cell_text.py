"""Single values of typed files as text: whole numbers without decimals, dates as ISO 8601, whatever the format."""

from __future__ import annotations

import datetime
import re
from typing import Any

# 15 digits are what a spreadsheet shows and SAS promises; more would be noise of the binary number. From here on a
# spreadsheet puts zeros that nobody typed.
ROUNDED_FROM = 1e15


# Day numbers of five digits: a number of four is a year.
DAY_NUMBER = r"[1-5]\d{4}(?:\.\d+)?"


def day_of_1904(text: str) -> str:
    """A day number of a workbook that counts from 1904 as its date; any other text as it is.

    >>> day_of_1904("44210"), day_of_1904("44210.4375"), day_of_1904("2025")
    ('2025-01-15', '2025-01-15T10:30', '2025')
    """
    if not re.fullmatch(DAY_NUMBER, text):
        return text
    return cell_text(datetime.datetime(1904, 1, 1) + datetime.timedelta(days=float(text))) or text


def number_text(value: float) -> str:
    """A number with at most 15 digits, a whole one without decimals.

    >>> number_text(3.0), number_text(0.1 + 0.2), number_text(-0.0)
    ('3', '0.3', '0')
    """
    return str(int(value)) if float(value).is_integer() and abs(value) < ROUNDED_FROM else format(value, ".15g")


def cell_text(value: Any) -> str | None:
    """One value as text; None where empty.

    | value                       | text             |
    |-----------------------------|------------------|
    | 3.0                         | 3                |
    | 0.30000000000000004         | 0.3              |
    | datetime(2024, 3, 5, 10, 30)| 2024-03-05T10:30 |

    >>> cell_text(3.0), cell_text(0.1 + 0.2), cell_text(datetime.datetime(2024, 3, 5, 10, 30))
    ('3', '0.3', '2024-03-05T10:30')
    """
    if value is None or value != value or value == "":
        return None
    if isinstance(value, bool | str):
        return str(value)
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return number_text(value)
    if isinstance(value, datetime.datetime):
        value = _to_the_second(value)
        midnight = value.time() == datetime.time()
        return value.date().isoformat() if midnight else _moment(value)
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, datetime.time):
        return _moment(value)
    return str(value)


def _to_the_second(value: datetime.datetime) -> datetime.datetime:
    """The nearest second: a day number keeps a time of day only to some microseconds."""
    if value.microsecond and value.year < datetime.MAXYEAR:
        value += datetime.timedelta(microseconds=500_000)
    return value.replace(microsecond=0)


def _moment(value: datetime.datetime | datetime.time) -> str:
    """ISO text to the second, or to the minute where no second was entered: a typed moment always has seconds."""
    return value.isoformat(timespec="seconds" if value.second else "minutes")
