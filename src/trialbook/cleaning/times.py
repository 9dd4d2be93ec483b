"""Reads times of day (P39): the 12-hour clock, Chinese words, 24:00, and what is no time at all."""

from __future__ import annotations

import re

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
