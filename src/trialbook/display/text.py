"""Values as readers see them: numbers, dates, blanks, and hidden characters made visible."""

from __future__ import annotations

import re
import unicodedata
from datetime import date, datetime
from html import escape

import numpy as np
import pandas as pd

# Characters that change how the text around them is shown, or that cannot be seen at all: controls (but line break and
# tab), bidirectional marks and overrides, zero-width characters, the byte order mark, line/paragraph separators, and
# two that no XML file may hold.
HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ufffe\uffff]"
)
# A lone half of a surrogate pair cannot be written as UTF-8.
SURROGATE = re.compile("[\ud800-\udfff]")
SIGNIFICANT_DIGITS = 6


def visible(text: str) -> str:
    r"""The text with every hidden character written out: U+202E becomes `‹U+202E›`.

    >>> visible("rash\u202e")
    'rash‹U+202E›'
    """
    text = text.replace("\r\n", "\n")
    shown = HIDDEN.sub(lambda found: f"‹U+{ord(found[0]):04X}›", text)
    return SURROGATE.sub(lambda found: f"‹U+{ord(found[0]):04X}›", shown)


def safe(text: str) -> str:
    """The text as HTML: hidden characters made visible, everything else exactly as it is.

    Braces become entities too: no template that the HTML may later pass through reads `{{...}}` in text from data.

    >>> safe("<b> & {{ name }}")
    '&lt;b&gt; &amp; &#123;&#123; name &#125;&#125;'
    """
    return escape(visible(text)).replace("{", "&#123;").replace("}", "&#125;")


def show(value: object, digits: int | None = None) -> str:
    """A value as text: missing is blank, dates are ISO 8601, whole numbers have no decimals.

    `digits` fixes the decimals of a number; without it a number keeps six significant digits.

    >>> show(12.0), show(0.123456789), show(None), show(True), show(2.5, 1)
    ('12', '0.123457', '', 'Yes', '2.5')
    """
    if isinstance(value, list | tuple | np.ndarray):
        return ", ".join(show(item, digits) for item in value)
    if value is None or value is pd.NaT or pd.isna(value):
        return ""
    if isinstance(value, bool | np.bool_):
        return "Yes" if value else "No"
    if isinstance(value, int | np.integer) and digits is None:
        return str(int(value))
    if isinstance(value, int | float | np.integer | np.floating):
        return show_number(float(value), digits)
    if isinstance(value, datetime):
        return show_time(value)
    return value.isoformat() if isinstance(value, date) else str(value)


def show_number(number: float, digits: int | None = None) -> str:
    """A number without exponent: `digits` decimals, or six significant digits and no trailing zeros."""
    if not np.isfinite(number):
        return "∞" if number > 0 else "-∞"
    if digits is not None:
        from trialbook.results.ard import round_half_up

        return round_half_up(number, digits)
    if number == int(number):
        return str(int(number))
    return np.format_float_positional(number, precision=SIGNIFICANT_DIGITS, fractional=False, trim="-")


def show_time(moment: datetime) -> str:
    """A date, with the time of day only where there is one."""
    midnight = (moment.hour, moment.minute, moment.second, moment.microsecond) == (0, 0, 0, 0)
    return moment.strftime("%Y-%m-%d" if midnight else "%Y-%m-%d %H:%M")


def width(text: str) -> int:
    """Columns that a text takes in a fixed-width font: a Chinese character takes two."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)
