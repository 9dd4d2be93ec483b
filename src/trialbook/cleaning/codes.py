"""Reads coded values: yes and no (P38), grades (P21), and words of code lists in English or Chinese (P34)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

from trialbook.cleaning.read_values import Reader, Reading

_YES = ("Y", "YES", "是", "有", "1", "√", "✓", "✔", "☑", "TRUE")
_NO = ("N", "NO", "否", "无", "0", "×", "✗", "✘", "☐", "FALSE")
_YES_NO = {**dict.fromkeys(_YES, "Y"), **dict.fromkeys(_NO, "N")}
_ROMAN = {"I": "1", "II": "2", "III": "3", "IV": "4", "V": "5"}
_HAN = {"一": "1", "二": "2", "三": "3", "四": "4", "五": "5"}
_GRADE = re.compile(r"(?:GRADE|CTCAE|G|等级)?[ -]?(IV|V|I{1,3}|[0-9]|[一二三四五])(?:\.0)?(?:级|度|GRADE)?", re.I)
_RANGE = re.compile(r"(.+?)(?:-|~|–|—|至|到|/|或)(.+)")

OUTCOMES = {
    "FATAL": ("FATAL", "DEATH", "DIED", "死亡", "致死"),
    "NOT RECOVERED/NOT RESOLVED": (
        "NOT RECOVERED/NOT RESOLVED", "NOT RECOVERED", "NOT RESOLVED", "ONGOING", "未恢复", "未痊愈", "未缓解", "持续",
    ),
    "RECOVERED/RESOLVED": ("RECOVERED/RESOLVED", "RECOVERED", "RESOLVED", "恢复", "痊愈", "已恢复", "已痊愈"),
    "RECOVERED/RESOLVED WITH SEQUELAE": (
        "RECOVERED/RESOLVED WITH SEQUELAE", "RECOVERED WITH SEQUELAE", "RESOLVED WITH SEQUELAE", "痊愈伴后遗症",
        "恢复伴后遗症",
    ),
    "RECOVERING/RESOLVING": ("RECOVERING/RESOLVING", "RECOVERING", "RESOLVING", "好转", "缓解", "恢复中"),
    "UNKNOWN": ("UNKNOWN", "未知", "不详"),
}  # fmt: skip
ACTIONS = {
    "DOSE NOT CHANGED": ("DOSE NOT CHANGED", "NONE", "剂量不变", "未采取措施"),
    "DRUG INTERRUPTED": ("DRUG INTERRUPTED", "INTERRUPTED", "暂停用药", "暂停"),
    "DRUG WITHDRAWN": ("DRUG WITHDRAWN", "WITHDRAWN", "DISCONTINUED", "停药", "永久停药", "停止用药"),
    "DOSE REDUCED": ("DOSE REDUCED", "减量"), "DOSE INCREASED": ("DOSE INCREASED", "增量"),
    "DOSE RATE REDUCED": ("DOSE RATE REDUCED", "减慢输注"),
    "NOT APPLICABLE": ("NOT APPLICABLE", "NA", "不适用"), "UNKNOWN": ("UNKNOWN", "未知", "不详"),
}  # fmt: skip
REFERENCES = {
    "ONGOING": ("ONGOING", "CONTINUING", "持续", "进行中", "仍在继续", "至今"),
    **{
        word: (word,)
        for word in ("BEFORE", "AFTER", "COINCIDENT", "DURING", "DURING/AFTER", "BEFORE/DURING", "UNKNOWN")
    },
}
SEXES = {
    "M": ("M", "MALE", "男", "男性"), "F": ("F", "FEMALE", "女", "女性"),
    "U": ("U", "UNKNOWN"), "UNDIFFERENTIATED": ("UNDIFFERENTIATED",),
}  # fmt: skip
STATUSES = {"ALIVE": ("ALIVE", "存活", "生存"), "DEAD": ("DEAD", "DIED", "死亡")}
RESPONSES = {
    "CR": ("CR", "COMPLETE RESPONSE", "完全缓解"), "VGPR": ("VGPR",), "PR": ("PR", "PARTIAL RESPONSE", "部分缓解"),
    "MR": ("MR", "MIXED RESPONSE", "混合缓解"), "NR": ("NR", "NO RESPONSE", "SD", "无缓解", "未缓解"),
    "PD": ("PD", "PROGRESSION", "疾病进展", "进展"), "NE": ("NE", "NOT EVALUABLE", "不可评价"),
}  # fmt: skip
NAUSEA = {
    "NONE": ("NONE", "无", "N"),
    "INTERMITTENT": ("INTERMITTENT", "间断", "间歇"),
    "PERSISTENT": ("PERSISTENT", "持续"),
}
ARMS = ("SCRNFAIL", "NOTASSGN", "NOTTRT")


def read_yes_no(value: str) -> Reading:
    """Y or N; what is neither is treated as missing and asked. Blank never reaches here: missing is never N (P38).

    >>> read_yes_no("是").text, read_yes_no("no").text
    ('Y', 'N')
    >>> read_yes_no("perhaps")
    Reading(text=None, fix='', ask='P38-YES-NO-UNKNOWN')
    """
    text = _YES_NO.get(value.upper())
    return Reading(text, "P38-YES-NO") if text else Reading(None, ask="P38-YES-NO-UNKNOWN")


def read_grade(value: str) -> Reading:
    """A CTCAE grade as one digit; of a range the higher one, with a query (P21).

    | value | grade | rule                |
    |-------|-------|---------------------|
    | II    | 2     | P21-GRADE           |
    | 2级   | 2     | P21-GRADE           |
    | 2-3   | 3     | P21-GRADE-RANGE     |
    | mild  | missing | P21-GRADE-UNREADABLE |

    >>> read_grade("II").text, read_grade("2级").text
    ('2', '2')
    >>> read_grade("2-3")
    Reading(text='3', fix='', ask='P21-GRADE-RANGE')
    >>> read_grade("mild")
    Reading(text=None, fix='', ask='P21-GRADE-UNREADABLE')
    """
    one = _digit(value, "12345")
    if one:
        return Reading(one, "P21-GRADE")
    between = _RANGE.fullmatch(value)
    ends = [_digit(part.strip(), "12345") for part in between.groups()] if between else []
    if ends and all(ends):
        return Reading(max(str(end) for end in ends), ask="P21-GRADE-RANGE")
    return Reading(None, ask="P21-GRADE-UNREADABLE")


def read_overall_grade(value: str) -> Reading:
    """The overall aGVHD grade: 0, or I to IV in Roman numerals.

    >>> read_overall_grade("3").text, read_overall_grade("0").text
    ('III', '0')
    """
    digit = _digit(value, "01234")
    roman = {"0": "0", **{number: name for name, number in _ROMAN.items()}}
    return Reading(roman[digit], "P21-GRADE") if digit else Reading(value, ask="P34-CODE-UNKNOWN")


def _digit(value: str, allowed: str) -> str | None:
    found = _GRADE.fullmatch(value)
    if found is None:
        return None
    text = found[1].upper()
    digit = _ROMAN.get(text) or _HAN.get(text) or text
    return digit if digit in allowed else None


def listed(words: Mapping[str, Iterable[str]]) -> Reader:
    """A reader of a code list; an unknown code is kept and asked (P34).

    >>> read = listed(SEXES)
    >>> read("女")
    Reading(text='F', fix='P34-CODE', ask='')
    >>> read("?")
    Reading(text='?', fix='', ask='P34-CODE-UNKNOWN')
    """
    standard = {spelling: word for word, spellings in words.items() for spelling in spellings}

    def read(value: str) -> Reading:
        word = standard.get(value.upper())
        return Reading(word, "P34-CODE") if word else Reading(value, ask="P34-CODE-UNKNOWN")

    return read


def read_upper(value: str) -> Reading:
    """A code of an open list, in upper case.

    >>> read_upper("alt").text
    'ALT'
    """
    return Reading(value.upper(), "P34-CODE")


def arm_reader(levels: Iterable[str]) -> Reader:
    """A reader of ARMCD and ACTARMCD: the dose level ids of the protocol, in any letter case, or no dose level.

    >>> read = arm_reader(["DL1", "DL2"])
    >>> read("dl1").text, read("DL9").ask
    ('DL1', 'P34-CODE-UNKNOWN')
    """
    return listed({code: (code.upper(),) for code in (*levels, *ARMS)})


YES_NO_VARIABLES = frozenset(
    ["AESER", "AESDTH", "AESLIFE", "AESHOSP", "AESDISAB", "AESCONG", "AESMIE", "DTHFL", "IEORRES"]
)
CODE_READERS: Mapping[str, Callable[[str], Reading]] = {
    **dict.fromkeys(sorted(YES_NO_VARIABLES), read_yes_no),
    **dict.fromkeys(("AETOXGR", "MHTOXGR", "CETOXGR"), read_grade),
    **dict.fromkeys(("AEENRTPT", "CMENRTPT", "MHENRTPT", "CEENRTPT"), listed(REFERENCES)),
    **dict.fromkeys(
        ("LBTESTCD", "VSTESTCD", "RSTESTCD", "FATESTCD", "QSTESTCD", "IETESTCD", "SSTESTCD", "MBTESTCD", "ISTESTCD",
         "RSCAT", "QSCAT", "IECAT", "FAOBJ", "DSDECOD", "QNAM", "IDVAR", "RDOMAIN", "AEREL"),
        read_upper,
    ),
    "AEOUT": listed(OUTCOMES), "AEACN": listed(ACTIONS), "SEX": listed(SEXES), "SSORRES": listed(STATUSES),
}  # fmt: skip
# Results that are codes, by domain and test.
RESULT_READERS: Mapping[tuple[str, str], Reader] = {
    **{("FA", test): read_yes_no for test in ("ERYTHDRM", "BULLAE", "ABDPAIN", "ILEUS", "BLDSTOOL")},
    ("FA", "NAUSEA"): listed(NAUSEA), ("RS", "OVRLRESP"): listed(RESPONSES), ("RS", "AGVHGRD"): read_overall_grade,
    ("SUPPAE", "AEDLT"): read_yes_no,
}  # fmt: skip
# Supplemental values that are dates, by domain and name.
DATE_ANSWERS = (("SUPPAE", "AEKNOWDT"),)
