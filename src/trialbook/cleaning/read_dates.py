"""Reads dates and times as sites and spreadsheets write them (P03-P05, P39) into ISO 8601, complete or partial."""

from __future__ import annotations

import datetime
import re
from collections.abc import Collection
from functools import cache, partial

from trialbook.cleaning.read_values import Reader, Reading
from trialbook.core.dates import DTC_PATTERN

# ----------------------------------------------------------------------------------------------------
# Reads times of day (P39): the 12-hour clock, Chinese words, 24:00, and what is not a time at all.


# The hospital keeps one time zone; its offset on a value says nothing more than the value.
LOCAL_OFFSETS = ("+08:00", "+0800", "+08")
_AFTERNOON, _MORNING = ("PM", "下午", "晚上", "晚", "中午"), ("AM", "上午", "凌晨")
_CLOCK = re.compile(r"(\d{1,2})(?::(\d{1,2})(?::(\d{1,2})(?:\.\d+)?)?)?")
_ZONE = re.compile(r"(Z|[+-]\d{2}:?\d{0,2})$")
_PLACEHOLDERS = re.compile(r"(\d{2}|-)(?::(\d{2}|-))?(?::(\d{2}|-))?")


def read_time(value: str) -> tuple[str, bool, str]:
    """A time as ISO text, whether it is of the next day (24:00), and the query where it cannot be read.

    | value    | time     |
    |----------|----------|
    | 9:5      | 09:05    |
    | 2:30 PM  | 14:30    |
    | 下午2点  | 14       |
    | 24:00    | 00:00, next day |
    | 16:-:30  | 16       |

    >>> read_time("2:30 PM"), read_time("24:00"), read_time("26:00")
    (('14:30', False, ''), ('00:00', True, ''), ('', False, 'P39-TIME-UNREADABLE'))
    """
    text = value.strip().upper()
    placeholder = _PLACEHOLDERS.fullmatch(text)
    if placeholder and "-" in text:
        known = text.split("-")[0].rstrip(":")
        return (known, False, "") if not known or int(known[:2]) < 24 else ("", False, "P39-TIME-UNREADABLE")
    for offset in LOCAL_OFFSETS:
        text = text.removesuffix(offset)
    if _ZONE.search(text):
        return "", False, "P39-TIME-ZONE"
    half = next((word for word in (*_AFTERNOON, *_MORNING) if word in text), "")
    digits = re.sub(r"[时点H]", ":", text.replace(half, "")).replace("分", ":").replace("秒", "").strip().rstrip(":")
    clock = _CLOCK.fullmatch(digits.replace(" ", ""))
    if clock is None:
        return "", False, "P39-TIME-UNREADABLE"
    return _on_24_hours(clock, half)


def _on_24_hours(clock: re.Match[str], half: str) -> tuple[str, bool, str]:
    hour, *rest = (int(part) for part in clock.groups() if part is not None)
    if half and not 1 <= hour <= 12 and half in ("AM", "PM"):
        return "", False, "P39-TIME-UNREADABLE"
    if half in _AFTERNOON and hour < 12:
        hour += 12
    if half in _MORNING and hour == 12:
        hour = 0
    if hour == 24 and not any(rest):
        return ":".join(["00", *("00" for _ in rest)]), True, ""
    if hour > 23 or any(part > 59 for part in rest):
        return "", False, "P39-TIME-UNREADABLE"
    return ":".join(f"{part:02d}" for part in (hour, *rest)), False, ""


# ----------------------------------------------------------------------------------------------------

# Day 1 of the 1900 system is 1900-01-01, but it counts a 29 February 1900, hence this origin for later days (P03).
EXCEL_ORIGIN = datetime.date(1899, 12, 30)
EXCEL_DAYS = range(30000, 60001)
# A two-digit year, like a day number, may lie this many years after the cut at most; else it is of the last century.
YEARS_AHEAD = 5

_MONTHS = {
    name: k
    for k, name in enumerate(("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"), 1)
}
_UNKNOWN = r"UNK|UN|UK|NK|ND|XX?|\?\??|00|-"
_NOT_KNOWN = {"UN", "UNK", "UK", "NK", "ND", "UNKNOWN", "不详", "未知", "UNUN", "UNKN"}
_NUMERIC = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})")
_COMPACT = re.compile(r"((?:19|20)\d{2})(\d{2})(\d{2})")
_CHINESE = re.compile(r"(\d{4}) ?年 ?(?:(\d{1,2}) ?月 ?(?:(\d{1,2}) ?[日号])?)?")
# 2025年3月不详日, 2025年不详月: the known parts are kept, what follows an unknown one is not.
_CHINESE_UNKNOWN = re.compile(
    r"(\d{4}) ?年 ?(?:(\d{1,2}) ?月)? ?(?:(?:不详|不明|未知|UNK?|UK) ?[月日号]? ?)+(?:\d{1,2} ?[日号])?", re.I
)
_NAMED = re.compile(r"(\d{1,2})[-/ .]?([A-Za-z]{3,9})[-/ .,]{0,2}(\d{4}|\d{2})")
_AMERICAN = re.compile(r"([A-Za-z]{3,9})[. ]+(\d{1,2}),? +(\d{4})")
_THREE = re.compile(r"(\d{1,2})[-/.](\d{1,2})[-/.](\d{4}|\d{2})")
_YEAR_FIRST = re.compile(
    rf"(?P<year>\d{{4}})(?:[-/.]?(?P<month>{_UNKNOWN}|\d{{1,2}}))?(?:[-/.]?(?:{_UNKNOWN}|\d{{1,2}}))?", re.I
)
_YEAR_LAST = re.compile(
    rf"(?:(?:{_UNKNOWN})[-/ ]?)?(?P<month>{_UNKNOWN}|[A-Za-z]{{3,9}}|(?<=.)\d{{1,2}})[-/. ]?(?P<year>\d{{4}})", re.I
)
# 07 UNK 2024: a day says nothing without its month.
_MONTH_UNKNOWN = re.compile(rf"\d{{1,2}}[-/ .]?(?:{_UNKNOWN})[-/ .]?(?P<year>\d{{4}})", re.I)
# What neither is a date of a subject nor can be one: the fillers of databases and spreadsheets.
_FILLERS = re.compile(
    r"(1900-01-0[01]|1899-12-3[01]|1901-01-01|1111-11-11|1753-01-01|0001-01-01|2999-12-31|9999-\d\d-\d\d)([T ].*)?"
    r"|01[-/]01[-/]1900|31[-/]12[-/]9999|9{6,14}|9999[-/]99[-/]99|99[-/]99[-/]9999|1900(01|12)\d\d|99991231"
)
# The basic form of ISO 8601, as HL7 messages have it: 20250131101530+0800, 20250131T1015.
_BASIC = re.compile(
    r"((?:19|20)\d{2})(-?)(0[1-9]|1[0-2])\2(0[1-9]|[12]\d|3[01])T?([01]\d|2[0-4])(?:([0-5]\d)([0-5]\d)?(?:\.\d+)?)?"
    r"(Z|[+-]\d{2}:?(?:\d{2})?)?"
)
# 2024-035, the day of a year, is no month.
_ORDINAL = re.compile(r"\d{4}-\d{3}")
_YEAR_UNKNOWN = re.compile(r"(UNKN?|UN|UK|-{1,2})+([-/ ]?(UN|UNK|UK|\d{1,2}|[A-Za-z]{3}|-))*", re.I)
_BESIDE_SEPARATORS = re.compile(r" *([-/.]) *")
_SERIAL = re.compile(r"(\d{5})(?:\.(\d+))?")
# A date, then perhaps a time: after T, a blank, a colon (SAS) or Chinese words for a part of the day.
_SPLIT = re.compile(
    r"(?P<date>.*?(?:\d{4}年.*?[日号]|[\d?xXkKnN-]))"
    r"(?:T|\s*[:\s]\s*|(?=上午|下午|凌晨|中午|晚上|晚)|(?<=[日号]))(?P<time>(?:上午|下午|凌晨|中午|晚上|晚|[AaPp][Mm])?\s*[\d-]{1,2}[:时点h].*)"
)


def date_reader(cut_year: int) -> Reader:
    """A reader of the values of a --DTC column, for a cut in a given year (which settles two-digit years).

    | value            | reads as         | rule                   |
    |------------------|------------------|------------------------|
    | 2024-03-05T10:30 | 2024-03-05T10:30 |                        |
    | 2024/3/5         | 2024-03-05       | P04-DATE-FORMAT        |
    | 5-Mar-24         | 2024-03-05       | P04-DATE-FORMAT        |
    | 2024年3月5日     | 2024-03-05       | P04-DATE-FORMAT        |
    | 03/05/24         | missing          | P04-DATE-AMBIGUOUS     |
    | 25/03/2024       | 2024-03-25       | P04-DATE-FORMAT        |
    | 2024-UN-UN       | 2024             | P05-PARTIAL-DATE       |
    | 45356            | 2024-03-05       | P03-EXCEL-DATE         |
    | 2024-03-05T24:00 | 2024-03-06T00:00 | P39-CLOCK              |
    | 2024-02-30       | missing          | P04-DATE-UNREADABLE    |
    | 20240305103015   | 2024-03-05T10:30:15 | P04-DATE-FORMAT     |
    | 07 UNK 2024      | 2024             | P05-PARTIAL-DATE       |
    | 1900-01-01       | missing          | P04-DATE-FILLER        |

    >>> read = date_reader(2025)
    >>> read("5-Mar-24")
    Reading(text='2024-03-05', fix='P04-DATE-FORMAT', ask='')
    >>> read("03/05/24")
    Reading(text=None, fix='', ask='P04-DATE-AMBIGUOUS')
    >>> read("2024-UN-UN").text
    '2024'
    """
    return partial(_read, last_year=cut_year + YEARS_AHEAD)


def _read(value: str, last_year: int) -> Reading:
    if _FILLERS.fullmatch(value):
        return Reading(None, ask="P04-DATE-FILLER")
    iso = DTC_PATTERN.match(value)
    if iso and _is_real(*iso.groups()[:3]) and _clock_holds(*iso.groups()[3:]):
        return Reading(value)
    reading = _read_other(_BESIDE_SEPARATORS.sub(r"\1", value), last_year)
    return reading if reading.fix or reading.ask else reading._replace(fix="P04-DATE-FORMAT")


def _read_other(value: str, last_year: int) -> Reading:
    """A value that is not plain ISO 8601."""
    serial = _SERIAL.fullmatch(value)
    if serial:
        return _excel(serial, last_year)
    basic = _BASIC.fullmatch(value)
    if basic and not (basic[2] and "T" not in value):
        year, _, month, day, hour, minute, second, zone = basic.groups()
        clock = ":".join(part for part in (hour, minute, second) if part) + (zone or "")
        date = _read_date(f"{year}-{month}-{day}", last_year)
        return _with_time(date, clock)._replace(fix="P04-DATE-FORMAT") if date.text else date
    split = _SPLIT.fullmatch(value)
    if split is None:
        return _read_date(value, last_year)
    day = _read_date(split["date"].strip(), last_year)
    return _with_time(day, split["time"]) if day.text else day


def _read_date(value: str, last_year: int) -> Reading:
    """The date part alone."""
    iso = DTC_PATTERN.match(value)
    if iso and _is_real(*iso.groups()[:3]):
        return Reading(value)
    certain = _certain(value)
    if certain is not None:
        text = _iso(*certain, last_year)
        return Reading(text, "P04-DATE-FORMAT") if text else Reading(None, ask="P04-DATE-UNREADABLE")
    three = _THREE.fullmatch(value)
    if three:
        return _one_reading(three.groups(), last_year)
    return _partial(value, last_year)


def _certain(value: str) -> tuple[str, str | None, str | None] | None:
    """Year, month, day of a form that says which is which."""
    for form in (_NUMERIC, _COMPACT, _CHINESE):
        found = form.fullmatch(value)
        if found and not {"00", "0"} & set(found.groups()):
            year, month, day = found.groups()
            return year, month, day
    named = _NAMED.fullmatch(value)
    if named and named[2][:3].upper() in _MONTHS:
        return named[3], str(_MONTHS[named[2][:3].upper()]), named[1]
    american = _AMERICAN.fullmatch(value)
    if american and american[1][:3].upper() in _MONTHS:
        return american[3], str(_MONTHS[american[1][:3].upper()]), american[2]
    return None


def _one_reading(parts: tuple[str, ...], last_year: int) -> Reading:
    """Three numbers in an order that is not known: a date only where every possible order gives the same one."""
    found = {text for text in _orders(parts, last_year).values() if text}
    if len(found) == 1:
        return Reading(found.pop(), "P04-DATE-FORMAT")
    return Reading(None, ask="P04-DATE-AMBIGUOUS" if found else "P04-DATE-UNREADABLE")


def _orders(parts: tuple[str, ...], last_year: int) -> dict[str, str | None]:
    """The date in each order that three numbers can have; None where there is no such date."""
    first, second, third = parts
    found = {"DMY": _iso(third, second, first, last_year), "MDY": _iso(third, first, second, last_year)}
    if len(first) == len(third) == 2:
        found["YMD"] = _iso(first, second, third, last_year)
    return found


# ----------------------------------------------------------------------------------------------------
# What a column shows and no cell alone: dates that a field was too short for, and the order of day and month (P04).


# So many values must exclude each other order before the column is read in the one that is left.
_WITNESSES = 2
_DAY = r"(?:\d{4}[-/.]\d{2}[-/.]\d{2}|\d{1,2}[-/ ]?[A-Za-z]{3}[-/ ]?\d{4})"
# Up to `kept` all parts are whole; what follows lacks a digit, or is a separator with nothing behind it.
_TOO_SHORT = re.compile(
    rf"(?P<time>{_DAY}[T :]\d{{2}}(?::\d{{2}})?):\d?|(?P<day>{_DAY})[T:]\d?|(?P<month>\d{{4}}[-/.]\d{{2}})[-/.]\d?"
    r"|(?P<year>\d{4})[-/.]\d?"
)
# A site that writes no leading zeros fills no field: 2025-1-12, 2025-01-12T9:30.
_UNPADDED = re.compile(r"\d{4}[-/.]\d[-/.]\d{1,2}([T :].*)?|.*[T ]\d:\d{1,2}.*|\d{4}[-/.]\d{2}[-/.]\d[T ].*")


def column_reader(reader: Reader, values: Collection[str], cut_year: int) -> Reader:
    """A reader of the dates of one column that also looks at its other values.

    Values that all end in the middle of a part, at the greatest length of the column, were cut off by a field that was
    too short: their whole parts are kept and the rest is asked about (P04-DATE-CUT-OFF). Three numbers whose order one
    cell cannot tell are read in the order of the column where two values or more exclude every other order and none
    excludes that one (P04-DATE-ORDER).

    >>> read = column_reader(date_reader(2025), ["2025-01-2", "2025-02-1"], 2025)
    >>> read("2025-01-2")
    Reading(text='2025-01', fix='', ask='P04-DATE-CUT-OFF')
    >>> read = column_reader(date_reader(2025), ["25/03/2025", "30/03/2025", "03/04/2025"], 2025)
    >>> read("03/04/2025")
    Reading(text='2025-04-03', fix='P04-DATE-ORDER', ask='')
    """
    cut_off = _cut_off(values)
    last_year = cut_year + YEARS_AHEAD
    # Few columns have a date of which the order is not known.
    order_of = cache(lambda length: _order(values, length, last_year))

    def read(value: str) -> Reading:
        if value in cut_off:
            whole = cut_off[value]
            # An hour alone is read in ISO 8601 only.
            text = reader(whole).text or reader(re.split("[T :]", whole)[0]).text
            return Reading(text, ask="P04-DATE-CUT-OFF")
        reading = reader(value)
        three = _three(value) if reading.ask == "P04-DATE-AMBIGUOUS" else None
        order = order_of(len(three[0][2])) if three else None
        if three and order:
            text = _orders(three[0], last_year)[order]
            day = Reading(text, "P04-DATE-ORDER")
            return _with_time(day, three[1]) if text and three[1] else day
        return reading

    return read


def _cut_off(values: Collection[str]) -> dict[str, str]:
    """The values that a field was too short for, with the part of each that is whole."""
    longest = max((len(value) for value in values), default=0)
    found: dict[str, str] = {}
    for value in (value for value in values if len(value) == longest):
        match = _TOO_SHORT.fullmatch(value)
        if match is None or match.lastgroup is None:
            return {}
        found[value] = str(match[match.lastgroup])
    return {} if any(_UNPADDED.fullmatch(value) for value in values) else found


def _three(value: str) -> tuple[tuple[str, ...], str] | None:
    """Three numbers of a date, and the time behind them."""
    split = _SPLIT.fullmatch(value)
    three = _THREE.fullmatch(_BESIDE_SEPARATORS.sub(r"\1", split["date"].strip() if split else value))
    return (three.groups(), split["time"] if split else "") if three else None


def _order(values: Collection[str], length: int, last_year: int) -> str | None:
    """The order of day, month and year that the three-number dates of a column show; `length`: digits of the last."""
    found = [
        _orders(three[0], last_year) for value in values if (three := _three(value)) and len(three[0][2]) == length
    ]
    excluded = {order: sum(dates[order] is None for dates in found) for order in (found[0] if found else {})}
    left = [order for order, number in excluded.items() if not number]
    others = [number for order, number in excluded.items() if order not in left]
    return left[0] if len(left) == 1 and others and min(others) >= _WITNESSES else None


# ----------------------------------------------------------------------------------------------------


def _partial(value: str, last_year: int) -> Reading:
    """A date of which the site does not know some part (P05); known parts after an unknown one are left out."""
    chinese = _CHINESE_UNKNOWN.fullmatch(value)
    if chinese:
        text = _iso(chinese[1], chinese[2], None, last_year)
        return Reading(text, "P05-PARTIAL-DATE") if text else Reading(None, ask="P04-DATE-UNREADABLE")
    if _ORDINAL.fullmatch(value):
        return Reading(None, ask="P04-DATE-UNREADABLE")
    last, first = _YEAR_LAST.fullmatch(value), _YEAR_FIRST.fullmatch(value.rstrip("-"))
    no_month = _MONTH_UNKNOWN.fullmatch(value)
    if no_month and not last:
        year, month = no_month["year"], ""
    elif last:
        year, month = last["year"], str(_MONTHS.get(last["month"][:3].upper(), last["month"]))
    elif value.upper() in _NOT_KNOWN or _YEAR_UNKNOWN.fullmatch(value):
        return Reading(None, "P05-PARTIAL-DATE")
    elif first and not (value.isdigit() and len(value) not in (len("2024"), len("202403"))):
        year, month = first["year"], first["month"] or ""
    else:
        return Reading(None, ask="P04-DATE-UNREADABLE")
    text = _iso(year, month if month.isdigit() and int(month) else None, None, last_year)
    return Reading(text, "P05-PARTIAL-DATE") if text else Reading(None, ask="P04-DATE-UNREADABLE")


def _excel(serial: re.Match[str], last_year: int) -> Reading:
    days = int(serial[1])
    date = EXCEL_ORIGIN + datetime.timedelta(days=days)
    if days not in EXCEL_DAYS or date.year > last_year:
        return Reading(None, ask="P03-EXCEL-DATE-UNSURE")
    if not serial[2] or not int(serial[2]):
        return Reading(date.isoformat(), "P03-EXCEL-DATE")
    minutes = round(float(f"0.{serial[2]}") * 24 * 60)
    moment = datetime.datetime.combine(date, datetime.time()) + datetime.timedelta(minutes=minutes)
    return Reading(moment.strftime("%Y-%m-%dT%H:%M"), "P03-EXCEL-DATE")


def _with_time(day: Reading, clock: str) -> Reading:
    """A date with its time; 24:00 is 00:00 of the next day, and a time that cannot be read is left out and asked."""
    date = str(day.text)
    if len(date) < len("2024-03-05"):
        return Reading(date, day.fix or "P05-PARTIAL-DATE")
    time, next_day, ask = read_time(clock)
    if ask == "P39-TIME-ZONE":
        return Reading(None, ask=ask)
    if next_day and date == datetime.date.max.isoformat():
        return Reading(None, ask="P04-DATE-UNREADABLE")
    if next_day:
        date = (datetime.date.fromisoformat(date) + datetime.timedelta(days=1)).isoformat()
    fix = day.fix or ("P04-DATE-FORMAT" if time == clock else "P39-CLOCK")
    return Reading(f"{date}T{time}" if time else date, "" if ask else fix, ask)


def _iso(year: str, month: str | None, day: str | None, last_year: int) -> str | None:
    """ISO text of the parts; None where there is no such date."""
    number = int(year)
    if len(year) == 2:
        number += 2000 if 2000 + number <= last_year else 1900
    parts = [f"{number:04d}", *(f"{int(part):02d}" for part in (month, day) if part)]
    return "-".join(parts) if _is_real(*parts, *[None] * (3 - len(parts))) else None


def _is_real(year: str | None, month: str | None, day: str | None) -> bool:
    try:
        datetime.date(int(year or 0), int(month or 1), int(day or 1))
    except ValueError:
        return False
    return True


def _clock_holds(hour: str | None, minute: str | None, second: str | None) -> bool:
    return int(hour or 0) < 24 and int(minute or 0) < 60 and int(second or 0) < 60
