"""Personal data (P37): identity card and telephone numbers and name columns are withheld before anything else."""

from __future__ import annotations

import re

from trialbook.characters import plain_text
from trialbook.cleaning.reading import Reading

_BIRTH = r"(?:18|19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"
_ID_CARD = rf"[1-9]\d{{5}}{_BIRTH}\d{{3}}[\dXx]"
_MOBILE = r"(?:\+?86[- ]?)?1[3-9]\d[- ]?\d{4}[- ]?\d{4}"
PERSONAL = re.compile(rf"(?<!\d)(?:{_ID_CARD}|{_MOBILE})(?!\d)")
# Columns that exist only to name or reach a person; none of them is an SDTM variable.
_PERSONAL_COLUMN = re.compile(
    r"姓名|身份证|电话|手机|住址|地址|^(PAT|SUBJ|SUBJECT|PATIENT|FULL|FIRST|LAST)?_?NAME$|^(PHONE|MOBILE|TEL|IDCARD|"
    r"ID_CARD|IDNO|ADDRESS|EMAIL|INITIALS)$"
)
REDACTED = "[redacted]"


def is_personal_column(name: str) -> bool:
    """Whether a column is there to name or reach a person."""
    return bool(_PERSONAL_COLUMN.search(name))


def read_withheld(_: str) -> Reading:
    """Any value of a personal column."""
    return Reading(REDACTED, "P37-REDACTED", "P37-PERSONAL-DATA")


def read_private(value: str) -> Reading:
    """A text without the identity card and mobile numbers in it, full-width digits included."""
    if PERSONAL.search(value):
        return Reading(PERSONAL.sub(REDACTED, value), "P37-REDACTED", "P37-PERSONAL-DATA")
    plain = plain_text(value)
    if PERSONAL.search(plain):
        return Reading(PERSONAL.sub(REDACTED, plain), "P37-REDACTED", "P37-PERSONAL-DATA")
    return Reading(value)
