"""Personal data in text (P37): what identifies a person is found and masked before anything is compared or printed."""

from __future__ import annotations

import re

from trialbook.characters import plain_text

MASK = "[redacted]"
# Between the groups of a number, or of a date: blanks, hyphens of any kind, dots, a middle dot, slashes.
_GAP = r"[\s\-‐‑‒–—−._·/]"
_YEAR, _MONTH, _DAY = r"(?:18|19|20)\d{2}", r"(?:0[1-9]|1[0-2])", r"(?:0[1-9]|[12]\d|3[01])"
# No letter or digit before and after: a hash or a longer number is no identity number.
_START, _END = r"(?<![0-9A-Za-z])", r"(?![0-9A-Za-z])"


# Identity card of 18 characters: region, birth date, serial number, check character; of 15 without century and check.
_ID_18 = (
    rf"[1-9](?:{_GAP}?\d){{5}}{_GAP}?(?:1{_GAP}?[89]|2{_GAP}?0)(?:{_GAP}?\d){{2}}{_GAP}?(?:0{_GAP}?[1-9]|1{_GAP}?[0-2])"
    rf"{_GAP}?(?:0{_GAP}?[1-9]|[12]{_GAP}?\d|3{_GAP}?[01])(?:{_GAP}?\d){{3}}{_GAP}?[\dXx]"
)
_ID_15 = rf"[1-9]\d{{5}}{_GAP}?\d{{2}}{_GAP}?{_MONTH}{_GAP}?{_DAY}{_GAP}?\d{{3}}"
_MOBILE = rf"(?:(?:\+|00)?\(?86\)?{_GAP}?)?1[3-9]\d(?:{_GAP}?\d){{8}}"
_LANDLINE_AREA = rf"(?:\(0\d{{2,3}}\){_GAP}?|0\d{{2,3}}{_GAP}?)\d{{3,4}}{_GAP}?\d{{4}}"
_LANDLINE_ABROAD = rf"(?:\+|00)86{_GAP}?\(?0?[1-9]\d{{1,2}}\)?{_GAP}?\d{{3,4}}{_GAP}?\d{{4}}"
_PASSPORT_LABELLED = r"(?:passport|护照|通行证)(?:\s*(?:no|number|号|号码))?\.?\s*[:：#]?\s*[A-Z]{1,2}\d{7,8}"
_MAIL = r"[\w.+%-]+\s?(?:@|\[at\]|\(at\))\s?[\w-]+(?:\s?(?:\.|\[dot\]|\(dot\))\s?[\w-]+)+"
_MESSENGER = r"(?:wechat|weixin|微信号?|QQ号?)\s*(?:id|号|no\.?)?\s*[:：]?\s*[A-Za-z0-9_-]{5,20}"
# A date that is called a birth date, in front of it or behind it.
_DATE = (
    rf"(?:{_YEAR}\s*[-./年]?\s*\d{{1,2}}\s*[-./月]?\s*\d{{1,2}}\s*日?|\d{{1,2}}[-./\s]\d{{1,2}}[-./\s]{_YEAR}"
    rf"|\d{{1,2}}[-\s]?(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*[-,\s]*{_YEAR}"
    rf"|(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?\s*\d{{1,2}},?\s*{_YEAR}|{_YEAR}年\d{{1,2}}月)"
)
_BIRTH_WORD = (
    r"(?:born(?:\s+on)?|birth\s*-?\s*da(?:te|y)|date\s+of\s+birth|d\.?o\.?b\.?|出生日期|出生年月日?|出生于|生于|生日"
    r"|出生)"
)
_BIRTH = rf"{_BIRTH_WORD}\s*(?:is|was|为|是)?\s*[:：,，=]?\s*{_DATE}|{_DATE}\s*(?:出生|生人|生\b)"
# What follows a label that names a person, a record of a hospital or of an insurance.
_NAMED = (
    r"(?:(?:patient|subject|mother|father|guardian|contact|full|first|last|family|given)(?:'?s)?\s*name\b|\bsurname\b"
    r"|(?:患者|受试者|病人|家属|监护人|联系人|父亲|母亲)?姓名|患者名)\s*[:：=]?\s*"
    r"(?:(?-i:[A-Z][\w'’-]*(?:\s+[A-Z][\w'’-]*){0,3})|[\u4e00-\u9fff·]{2,8})"
)
_RECORD = (
    r"(?:MRN|medical\s+record\s*(?:no|number)?|hospital\s*(?:no|number|id)|insurance\s*(?:no|number|id)|id\s*card"
    r"|住院号|病历号|门诊号|病案号|就诊卡号?|医保(?:卡)?号|社保(?:卡)?号|身份证(?:号码?|号)?)\.?\s*[:：#=]?\s*[A-Za-z]{0,3}\d[\dA-Za-z-]{3,}"
)
_STREET = r"(?:road|rd|street|avenue|ave|lane|boulevard|blvd|alley)"
_ADDRESS = (
    rf"(?:\d{{1,5}}[A-Za-z]?,?\s+)(?:[A-Z][\w'’]+\s+){{1,3}}{_STREET}\b\.?|(?:[A-Z][\w'’]+\s+){{1,3}}{_STREET}\b\.?,?"
    r"\s*(?:no\.?\s*|number\s*|#)?\d{1,5}"
    r"|[\u4e00-\u9fff]{2,12}(?:路|街|大道|巷|胡同|弄|里)\s*\d{1,5}\s*[号弄](?:\s*\d{1,4}\s*(?:号?楼|栋|幢|单元|室|号)){0,4}"
    r"|[\u4e00-\u9fff]{2,12}(?:小区|花园|公寓|新村|苑)\s*[\dA-Za-z一二三四五六七八九十]{1,4}\s*(?:号?楼|栋|幢|座|单元)"
    r"(?:\s*[\d一二三四五六七八九十]{1,4}\s*(?:单元|室|号)){0,3}"
    r"|(?:home\s+address|address|住址|家庭住址|地址|户籍)\s*[:：=]\s*[^;；。\n]{4,60}"
)
_NUMBERS = rf"{_START}(?:{_ID_18}|{_ID_15}|{_MOBILE}|{_LANDLINE_ABROAD}|{_LANDLINE_AREA}){_END}"
# Numbers that name or reach a person, wherever they stand.
NUMBER = re.compile(f"{_NUMBERS}|{_MAIL}", re.IGNORECASE)
PERSONAL = re.compile(
    f"{_BIRTH}|{_NAMED}|{_RECORD}|{_PASSPORT_LABELLED}|{_MESSENGER}|{_NUMBERS}|{_MAIL}|{_ADDRESS}", re.IGNORECASE
)
# A text without any of these holds nothing that is looked for: seven digits close together, a sign, or a word.
_HINT = re.compile(
    r"(?:\d[^\dA-Za-z]{0,3}){7}|[@＠]|[\[(]at[\])]|name|born|birth|d\.?o\.?b|出生|生于|生日|生人|姓名|患者名|[路街道巷胡里弄区园寓村苑址号]"
    r"|road|\brd\b|street|\bave|lane|boulevard|blvd|alley|address|MRN|record|hospital|insurance|id\s*card|passport|护照|通行证"
    r"|wechat|weixin|微信|QQ", re.IGNORECASE,
)  # fmt: skip
# Most values hold nothing of the kind: a date, a number, a code, a short word.
_HARMLESS = re.compile(r"\d{4}-\d{2}-\d{2}(?:T[\d:.+Z-]*)?|[\d.,<>=+%-]{1,9}|[A-Za-z0-9_]{1,4}")


def masked(text: str) -> str:
    """A text without what identifies a person in it; unchanged where nothing is found.

    Looked for, in any width of characters: identity card numbers of 15 and 18 digits, mobile and landline numbers with
    the usual gaps and prefixes, mail addresses, postal addresses, dates that are called a birth date, and what follows
    a label such as "patient name", "MRN" or 住院号. Where something is found the text is in plain characters (NFKC).

    >>> masked("Rash, call 139 1277 3451")
    'Rash, call [redacted]'
    >>> masked("Rash since 2025-03-04")
    'Rash since 2025-03-04'
    """
    if _HARMLESS.fullmatch(text) or not _HINT.search(text):
        return text
    if PERSONAL.search(text):
        # The characters between digits may be of another width than the rest.
        return PERSONAL.sub(MASK, PERSONAL.sub(MASK, plain_text(text)))
    if text.isascii():
        return text
    plain = plain_text(text)
    return PERSONAL.sub(MASK, plain) if PERSONAL.search(plain) else text


def names_person(identifier: str) -> bool:
    """Whether an identifier of a subject, site or record is, or holds, a number that names or reaches a person.

    >>> names_person("13912773451"), names_person("NCT06321198-01-004")
    (True, False)
    """
    return bool(NUMBER.search(identifier) or NUMBER.search(plain_text(identifier)))
