"""SAS numbers as text: dates, moments and times by the format of their variable, and the special missing values."""

from __future__ import annotations

import datetime
import re
from typing import Literal

from trialbook.snapshot.cell_text import number_text

SAS_DAY = datetime.date(1960, 1, 1)
DAY_SECONDS = 86_400
Kind = Literal["day", "month", "year", "moment", "moment month", "moment year", "time", "number"]

# From so many seconds on, a number under a format of times is a moment, of which the format shows the time of day.
_LONGEST_TIME = 10_000_000
_NAME = re.compile(r"(.*?[A-Z_])\d*(?:\.\d*)?")
# Formats of SAS by what they show (SAS 9.4 Formats and Informats: Reference, formats by category).
_KINDS: tuple[tuple[Kind, str], ...] = (
    ("moment month", r"DTMONYY|NLDATMYM|NLDATMMN"),
    ("moment year", r"DTYEAR|DTYYQC"),
    ("month", r"MONYY|YYMON|(?:YYMM|MMYY)[CDNPS]?|EURDFMY|NLDATEYM"),
    ("year", r"YEAR|NLDATEY[RQ]|YYQR?[CDNPSZ]?"),
    (
        "moment",
        r"DATETIME|DATEAMPM|MDYAMPM|DTDATE|DTWKDATX|EURDFDT|NLDATM\w*|(?:E8601|B8601|IS8601)(?:D[NTXZ]|LX|LZ)",
    ),
    (
        "day",
        r"DATE|(?:DDMMYY|MMDDYY|YYMMDD)[BCDNPS]?|(?:E8601|B8601|IS8601|ND8601)DA|JULIAN|JULDAY|PDJUL[GI]|WORDDAT[EX]"
        r"|WEEKDAT[EX]|WEEKDAY|DOWNAME|MONNAME|MONTH|DAY|QTRR?|WEEK[UVW]|MINGUO|NENGO|HDATE|HEBDATE|NLDATE\w*|EURDF\w+",
    ),
    ("time", r"TIME|TIMEAMPM|TOD|HHMM|HOUR|MMSS|STIMER|NLTIM\w*|(?:E8601|B8601|IS8601)(?:T[MXZ]|LZ)"),
)


def kind_of_format(name: str) -> Kind:
    """What the numbers of a variable with this format are.

    >>> kind_of_format("DATE9."), kind_of_format("E8601DT19"), kind_of_format("MONYY7"), kind_of_format("BEST12.")
    ('day', 'moment', 'month', 'number')
    """
    found = _NAME.fullmatch(name.strip().upper())
    plain = found[1] if found else ""
    return next((kind for kind, forms in _KINDS if re.fullmatch(forms, plain)), "number")


def sas_text(value: float, kind: Kind) -> str:
    """A number of SAS as text; a date that no calendar has stays a number, for cleaning to ask about.

    >>> sas_text(23752.0, "day"), sas_text(90000.0, "time"), sas_text(23752.0, "month"), sas_text(4.5, "number")
    ('2025-01-11', '25:00', '2025-01', '4.5')
    """
    try:
        if kind in ("day", "month", "year"):
            day = SAS_DAY + datetime.timedelta(days=int(value // 1))
            return day.isoformat()[: {"day": 10, "month": 7, "year": 4}[kind]]
        if kind == "time" and abs(value) < _LONGEST_TIME:
            return time_text(value)
        if kind != "number":
            return _moment(value, kind)
    except OverflowError:
        pass
    return number_text(value)


def whole_text(value: float, kind: Kind) -> str:
    """The same with the parts of the date that its format does not show.

    >>> whole_text(23752.0, "month")
    '2025-01-11'
    """
    return sas_text(value, "moment" if kind.startswith("moment") else "day" if kind in ("month", "year") else kind)


def time_text(seconds: float) -> str:
    """Seconds as hours, minutes and, where there are any, seconds; a duration may be longer than a day.

    >>> time_text(37800), time_text(93784.6), time_text(-60)
    ('10:30', '26:03:05', '-00:01')
    """
    whole = int(abs(seconds) + 0.5)
    text = f"{whole // 3600:02d}:{whole // 60 % 60:02d}"
    return ("-" if seconds < 0 and whole else "") + (f"{text}:{whole % 60:02d}" if whole % 60 else text)


def _moment(value: float, kind: Kind) -> str:
    seconds = int((value + 0.5) // 1)
    day = (SAS_DAY + datetime.timedelta(days=seconds // DAY_SECONDS)).isoformat()
    if kind == "moment month":
        return day[:7]
    if kind == "moment year":
        return day[:4]
    return f"{day}T{time_text(seconds % DAY_SECONDS)}" if seconds % DAY_SECONDS else day
