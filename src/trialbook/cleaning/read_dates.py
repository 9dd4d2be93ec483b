"""Reads dates and times as sites and spreadsheets write them (P03-P05, P39) into ISO 8601, complete or partial."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator
from functools import partial

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
    found = {text for text in _orders(parts, last_year) if text}
    if len(found) == 1:
        return Reading(found.pop(), "P04-DATE-FORMAT")
    return Reading(None, ask="P04-DATE-AMBIGUOUS" if found else "P04-DATE-UNREADABLE")


def _orders(parts: tuple[str, ...], last_year: int) -> Iterator[str | None]:
    first, second, third = parts
    yield _iso(third, second, first, last_year)
    yield _iso(third, first, second, last_year)
    if len(first) == len(third) == 2:
        yield _iso(first, second, third, last_year)


def _partial(value: str, last_year: int) -> Reading:
    """A date of which the site does not know some part (P05); known parts after an unknown one are left out."""
    chinese = _CHINESE_UNKNOWN.fullmatch(value)
    if chinese:
        text = _iso(chinese[1], chinese[2], None, last_year)
        return Reading(text, "P05-PARTIAL-DATE") if text else Reading(None, ask="P04-DATE-UNREADABLE")
    last, first = _YEAR_LAST.fullmatch(value), _YEAR_FIRST.fullmatch(value.rstrip("-"))
    if last:
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
