"""What a number format of a workbook makes of a number: whether it is a date, and what a person sees in the cell.

The value that is stored is taken, in all its digits, unless what is shown means something else: a percentage, thousands
or millions, a number with its leading zeros or with words beside it, a month without its day.
Source: ECMA-376 part 1, 18.8.30 and 18.8.31 (number formats).
"""

from __future__ import annotations

import datetime
import re
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import NamedTuple

from trialbook.snapshot.cell_text import cell_text, number_text
from trialbook.snapshot.sas_values import DAY_SECONDS, time_text

PERCENT, SCALED, SHOWN, PART = "P03-EXCEL-PERCENT", "P03-EXCEL-SCALED", "P03-EXCEL-SHOWN", "P05-PART-SHOWN"
DIGITS_HIDDEN, NOT_SHOWN = "P03-EXCEL-DIGITS-HIDDEN", "P03-EXCEL-NOT-SHOWN"
# A number that is shown rounded is asked about from this share of difference on.
MEANS_OTHER = 0.01
_EPOCH, _EPOCH_1904 = datetime.datetime(1899, 12, 30), datetime.datetime(1904, 1, 1)
# The 1900 system counts a 29 February 1900 as day 60.
_LEAP_DAY = 60
_LAST_DAY = 2_958_466
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
# Formats by number; 27 to 58 are those of East Asia.
BUILTIN = {
    0: "General", 1: "0", 2: "0.00", 3: "#,##0", 4: "#,##0.00", 9: "0%", 10: "0.00%", 11: "0.00E+00", 12: "# ?/?",
    13: "# ??/??", 14: "m/d/yyyy", 15: "d-mmm-yy", 16: "d-mmm", 17: "mmm-yy", 18: "h:mm AM/PM", 19: "h:mm:ss AM/PM",
    20: "h:mm", 21: "h:mm:ss", 22: "m/d/yyyy h:mm", 27: "yyyy m", 28: "m d", 29: "m d", 30: "m-d-yy", 31: "yyyy m d",
    32: "h:mm", 33: "h:mm:ss", 34: "h:mm", 35: "h:mm:ss", 36: "yyyy m", 37: "#,##0;-#,##0", 38: "#,##0;-#,##0",
    39: "#,##0.00;-#,##0.00", 40: "#,##0.00;-#,##0.00", 41: "#,##0", 42: "#,##0", 43: "#,##0.00", 44: "#,##0.00",
    45: "mm:ss", 46: "[h]:mm:ss", 47: "mm:ss.0", 48: "##0.0E+0", 49: "@", 50: "yyyy m", 51: "m d", 52: "yyyy m",
    53: "m d", 54: "m d", 55: "h:mm", 56: "h:mm:ss", 57: "yyyy m", 58: "m d",
}  # fmt: skip
_LITERAL = re.compile(r'"([^"]*)"|\\(.)|_.|\*.|\[\$([^\]-]*)[^\]]*\]|\[(?!h+\]|m+\]|s+\])[^\]]*\]', re.I | re.S)
_CONDITION = re.compile(r"\[(<=|>=|<>|<|>|=)(-?[\d.]+)\]")
_CURRENCY = re.compile(r"[$€£¥￥₩元]|USD|RMB|CNY|EUR", re.I)


class Shown(NamedTuple):
    """How a stored number is read: its text, the rule where that is not the stored number as it is, the text of what is
    stored, and whether the site is asked.
    """

    text: str
    rule: str = ""
    stored: str = ""
    asked: bool = False


class _Section(NamedTuple):
    """One section of a format: words before and after the digits, the digits, factors of 100 and of 1,000."""

    before: str
    digits: str
    after: str
    percents: int
    thousands: int


def shown(value: float, code: str, *, epoch_1904: bool = False) -> Shown:
    """A number as its cell shows it.

    >>> shown(0.45, "0%").text, shown(16, "00000").text, shown(0.5, "0.0").text, shown(45658, "mmm-yy").text
    ('45%', '00016', '0.5', '2025-01')
    >>> shown(0.4, "0")
    Shown(text='0.4', rule='P03-EXCEL-DIGITS-HIDDEN', stored='0', asked=True)
    """
    value = float(value)
    stored = number_text(value)
    if code in ("General", "@", ""):
        return Shown(stored)
    parts = date_parts(code)
    if parts:
        return _as_date(value, parts, epoch_1904)
    sections = _sections(code)
    section, signed = _section_for(value, code, sections)
    return Shown(stored) if section is None else _as_number(value, stored, section, signed=signed)


# ----------------------------------------------------------------------------------------------------
# Dates and times.


@lru_cache(maxsize=1024)
def date_parts(code: str) -> str:
    """The parts of a date or time that a format shows, of `ymdhs` and `+` for hours beyond a day; blank: a number.

    >>> date_parts("d-mmm-yy"), date_parts("[h]:mm"), date_parts("0.00E+00"), date_parts('yyyy"年"m"月"')
    ('ymd', 'h+', '', 'ym')
    """
    if code in ("General", "@") or "G/" in code:
        return ""
    plain = (
        _LITERAL.sub("", code.split(";")[0]).lower().replace("am/pm", "").replace("a/p", "").replace("上午/下午", "")
    )
    if not re.search(r"[ymdhs]|(?<![0#?])e(?![+-])|g{1,3}", plain) or re.search(r"[0#?]", re.sub(r"s\.0+", "s", plain)):
        return ""
    clock = re.search(r"h|s", plain) is not None
    # An m beside hours or seconds is minutes.
    without = re.sub(r"(?<=h)([^a-z]*)m+|m+(?=[^a-z]*s)", r"\1", plain.replace("]", "").replace("[", ""))
    parts = "".join(part for part in "ymd" if part in without or (part == "y" and "e" in without))
    return parts + ("h" if clock else "") + ("+" if re.search(r"\[[hms]+\]", plain) else "")


def moment(value: float, *, epoch_1904: bool = False) -> datetime.datetime | None:
    """The moment that a day number is, to the second; None where there is none."""
    if not 0 <= value < _LAST_DAY or (not epoch_1904 and int(value) == _LEAP_DAY):
        return None
    if not epoch_1904 and value < _LEAP_DAY:
        value += 1
    days, seconds = divmod(round(value * DAY_SECONDS), DAY_SECONDS)
    return (_EPOCH_1904 if epoch_1904 else _EPOCH) + datetime.timedelta(days=days, seconds=seconds)


def _as_date(value: float, parts: str, epoch_1904: bool) -> Shown:
    if "+" in parts or (parts == "h" and 0 <= value < 1):
        return Shown(time_text(value * DAY_SECONDS))
    when = moment(value, epoch_1904=epoch_1904)
    if when is None:
        return Shown(number_text(value))
    whole = cell_text(when) or ""
    days = parts.rstrip("h")
    if "h" in parts or days in ("ymd", ""):
        return Shown(whole)
    if "y" not in days:
        # The year is the one in which the cell was typed, not the one that was meant.
        month, day = _MONTHS[when.month - 1], str(when.day)
        return Shown({"md": f"{day}-{month}", "m": month}.get(days, day), SHOWN, whole, asked=True)
    return Shown(when.strftime("%Y-%m") if "m" in days else when.strftime("%Y"), PART, whole, asked=True)


# ----------------------------------------------------------------------------------------------------
# Numbers.


@lru_cache(maxsize=1024)
def _sections(code: str) -> tuple[_Section | None, ...]:
    """The sections of a format (positive; negative; zero); None for General."""
    pieces = re.split(r';(?=(?:[^"]*"[^"]*")*[^"]*$)', code)[:3]
    return tuple(None if "General" in piece or "G/" in piece or "@" in piece else _section(piece) for piece in pieces)


def _section(piece: str) -> _Section:
    words: list[str] = []

    def kept(found: re.Match[str]) -> str:
        # Padding, colours and currencies say nothing about the value.
        word = found[1] or found[2] or ""
        words.append("" if _CURRENCY.fullmatch(word.strip()) else word)
        return chr(0xE000 + len(words) - 1)

    plain = _LITERAL.sub(kept, piece)
    percents = plain.count("%")
    plain = _CURRENCY.sub("", plain.replace("%", ""))
    places = [k for k, sign in enumerate(plain) if sign in "0#?"]
    first, last = (places[0], places[-1]) if places else (len(plain), len(plain) - 1)
    digits, after = plain[first : last + 1], plain[last + 1 :]
    thousands = len(after) - len(after.lstrip(","))

    def said(text: str) -> str:
        return "".join(words[ord(sign) - 0xE000] if "\ue000" <= sign < "\uf8ff" else sign for sign in text)

    inside = any("\ue000" <= sign < "\uf8ff" for sign in digits)
    return _Section(
        said(plain[:first]), said(digits) if inside else digits, said(after[thousands:]), percents, thousands
    )


def _section_for(value: float, code: str, sections: tuple[_Section | None, ...]) -> tuple[_Section | None, bool]:
    """The section that shows a value, and whether the sign is shown by the sheet itself."""
    conditions = [_CONDITION.search(piece) for piece in code.split(";")[:3]]
    if any(conditions):
        tests = {"<": float.__lt__, ">": float.__gt__, "<=": float.__le__, ">=": float.__ge__, "=": float.__eq__}
        for section, found in zip(sections, conditions, strict=False):
            if found is None or (found[1] in tests and tests[found[1]](float(value), float(found[2]))):
                return section, True
        return sections[-1], True
    if value < 0 and len(sections) > 1:
        return sections[1], False
    return (sections[2] if not value and len(sections) > 2 else sections[0]), True


def _as_number(value: float, stored: str, section: _Section, *, signed: bool) -> Shown:
    before, after = section.before.strip(), section.after.strip()
    if not section.digits:
        # Words in the place of a number (`"POS";;"NEG"`), a dash for zero, or nothing at all.
        words = f"{before}{after}"
        if re.search(r"\w", words):
            return Shown(words, SHOWN, stored, asked=True)
        return Shown(stored) if words else Shown(stored, NOT_SHOWN, "", asked=True)
    scaled = Decimal(stored) * 100**section.percents / 1000**section.thousands
    if section.percents or section.thousands:
        seen = _digits(abs(scaled), section.digits)
        near = bool(seen) and abs(float(seen) - float(abs(scaled))) <= MEANS_OTHER * float(abs(scaled))
        number = number_text(float(seen) * (-1 if value < 0 else 1) if near else float(scaled))
        text = number + "%" * section.percents + ("" if section.percents else _word(after))
        return Shown(text, PERCENT if section.percents else SCALED, stored, asked=True)
    if not signed and "-" not in before and "(" not in before and value < 0:
        return Shown(stored, NOT_SHOWN, number_text(-value), asked=True)
    seen = _digits(abs(scaled), section.digits)
    plain = before.strip("+() "), after.strip("+() ")
    if value.is_integer() and re.fullmatch(r"[0#?]+(?:[^\w#?,.][0#?]+)+", section.digits):
        return Shown(before + _filled(int(abs(value)), section.digits) + after, SHOWN, stored)
    if any(map(_word, plain)):
        sign = "-" if value < 0 else ""
        number = seen if seen.startswith("0") and seen[1:2].isdigit() else number_text(abs(value))
        # A unit or a comparison sign beside the number is read with it.
        gap = " " if section.after.startswith(" ") else ""
        return Shown(f"{_word(plain[0])}{sign}{number}{gap}{_word(plain[1])}", SHOWN, stored, asked=True)
    if seen.startswith("0") and seen[1:2].isdigit() and value.is_integer():
        return Shown(("-" if value < 0 else "") + seen, SHOWN, stored)
    if seen and abs(float(seen) - abs(value)) > MEANS_OTHER * abs(value):
        return Shown(stored, DIGITS_HIDDEN, ("-" if value < 0 and float(seen) else "") + seen, asked=True)
    return Shown(stored)


def _filled(number: int, form: str) -> str:
    """A whole number written into the places of a form such as `000-000`, from the right."""
    digits = list(str(number).zfill(sum(sign == "0" for sign in form)))
    text = "".join(sign if sign not in "0#?" else digits.pop() if digits else "" for sign in reversed(form))
    return "".join(digits) + text[::-1]


def _word(text: str) -> str:
    """What of the signs beside a number has a meaning: letters, and signs of comparison."""
    return text if re.search(r"[^\W\d_]|[<>≤≥~±]", text) else ""


def _digits(size: Decimal, form: str) -> str:
    """The digits of a size as a format writes them, without separators of thousands; blank for fractions and powers."""
    whole, _, decimals = form.partition(".")
    if "/" in form or "E" in form.upper() or re.search(r"[^0#?,]", whole + decimals):
        return ""
    places = sum(sign in "0#?" for sign in decimals)
    # The size has 15 digits and at most so many before the point.
    rounded = size.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP) if size < Decimal(10) ** 15 else size
    text = format(rounded, "f")
    number, _, fraction = text.partition(".")
    number = number.zfill(whole.count("0")) if whole.count("0") else number
    return f"{number}.{fraction}" if fraction else number
