"""Personal data in text (P37): what identifies a person is found and masked before anything is compared or printed."""

from __future__ import annotations

import datetime
import re
from decimal import Decimal, InvalidOperation
from functools import cache

from trialbook.core.characters import plain_text, searchable

MASK = "[redacted]"
LONGEST_DECIMAL = 40
# Between the groups of a number: a blank, or up to three signs with or without blanks around them.
_SIGN = r"[\-‐‑‒–—−⁃⸺➖._·•・/\\,、;:~〜|'’#*+=()\[\]]"
_GAP = rf"(?:\s?{_SIGN}{{1,3}}\s?|\s)"
_YEAR, _MONTH, _DAY = r"(?:18|19|20)\d{2}", r"(?:0[1-9]|1[0-2])", r"(?:0[1-9]|[12]\d|3[01])"
# No letter or digit before and after: a hash or a longer number is not an identity number. No decimal point either.
_START, _END = r"(?<![0-9A-Za-z])(?<!\d\.)", r"(?![0-9A-Za-z])(?!\.\d)"
# Numbers right behind a word, and mobile numbers with one letter behind.
_CALLED = r"(?<![A-Za-z])(?:tel|phone|mobile|cell|call|id|no)[\s.:\-]*(?<!\d\.)"
# Letters that are typed or read for the digits 0 and 1.
_MISREAD = r"(?=(?:[0-9]*[A-Za-z]){1,6}[0-9]*(?![0-9A-Za-z]))[1lI][3-9][0-9OlI]{9}"
_MOBILE_END = r"(?![0-9])(?!\.\d)(?![A-Za-z][0-9A-Za-z/])"

# Identity card of 18 characters: region, birth date, serial number, check character; of 15 without century and check.
_PROVINCE = (
    rf"(?:1{_GAP}?[1-5]|2{_GAP}?[1-3]|3{_GAP}?[1-7]|4{_GAP}?[1-6]|5{_GAP}?[0-4]|6{_GAP}?[1-5]|7{_GAP}?1|8{_GAP}?[1-3]"
    rf"|9{_GAP}?1)"
)
_ID_18 = (
    rf"{_PROVINCE}(?:{_GAP}?\d){{4}}{_GAP}?(?:1{_GAP}?[89]|2{_GAP}?0)(?:{_GAP}?\d){{2}}{_GAP}?(?:0{_GAP}?[1-9]|1{_GAP}?[0-2])"
    rf"{_GAP}?(?:0{_GAP}?[1-9]|[12]{_GAP}?\d|3{_GAP}?[01])(?:{_GAP}?\d){{3}}{_GAP}?[\dXx]"
)
_ID_15 = (
    rf"(?:1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5]|71|8[1-3]|91)\d{{4}}{_GAP}?\d{{2}}{_GAP}?{_MONTH}{_GAP}?{_DAY}"
    rf"{_GAP}?\d{{3}}"
)
# The groups in which mobile numbers are written; any other grouping of eleven digits is a row of results.
_MOBILE = (
    rf"(?:(?:\+|00)?\(?86\)?{_GAP}?)?(?:\(1[3-9]\d\){_GAP}?\d{{4}}{_GAP}?\d{{4}}|1[3-9]\d{_GAP}?\d{{4}}{_GAP}?\d{{4}}"
    rf"|1[3-9]\d{_GAP}\d{{3}}{_GAP}\d{{5}}|1[3-9]\d{{2}}{_GAP}(?:\d{{3}}{_GAP}\d{{4}}|\d{{4}}{_GAP}\d{{3}})"
    rf"|1[3-9]\d{{3}}{_GAP}\d{{3}}{_GAP}?\d{{3}}|1[3-9](?:{_GAP}\d\d){{4}}{_GAP}\d|1{_GAP}[3-9](?:{_GAP}\d){{9}})"
)
# Two-digit areas and 010 have eight digits behind them, the others seven or eight; none begins with 0 or 1.
_EIGHT, _SEVEN = rf"[2-9]\d{{3}}{_GAP}?\d{{4}}", rf"[2-9]\d{{2,3}}{_GAP}?\d{{4}}"
_LANDLINE = (
    rf"(?<!\*)(?<!\d,)(?<![0-9A-Za-z]-)(?:(?:\(0(?:10|2\d)\)|0(?:10|2\d)){_GAP}?{_EIGHT}"
    rf"|(?:\(0[3-9]\d{{2}}\)|0[3-9]\d{{2}}){_GAP}?{_SEVEN})"
)
_ABROAD = rf"(?:\+|00)86{_GAP}?\(?0?[1-9]\d{{1,2}}\)?{_GAP}?\d{{3,4}}{_GAP}?\d{{4}}"
# Any country: a plus sign, a code, and eight to twelve digits in groups; and the service numbers 400 and 800.
_OTHER_COUNTRY = r"\+[1-9]\d{0,2}[\s-]?\(?\d{2,4}\)?[\s-]?\d{3,4}[\s-]?\d{3,4}|[48]00-\d{3}-\d{4}"
_PASSPORT_LABELLED = r"(?:HKID|香港身份证)(?:\s*(?:no|号码?))?\.?\s*[:：#]?\s*[A-Z]{1,2}\d{6}\s?\(?[\dA]\)?|"
_PASSPORT_LABELLED += r"(?:passport|护照|通行证)(?:\s*(?:no|number|号|号码))?\.?\s*[:：#]?\s*[A-Z]{1,2}\d{7,8}"
# The last part of a host is letters only; a dose "@day1.5" is not an address.
_DOT = r"(?:\.|\s\.\s?|\s?(?:\[dot\]|\(dot\))\s?)"
_HOST = rf"[^\W_](?:[\w-]{{0,62}})(?:{_DOT}[\w-]{{1,63}}){{0,8}}{_DOT}(?:[^\W\d_]{{2,}}|xn--[a-z0-9]+)(?![A-Za-z0-9])"
_MAIL = (
    rf"(?:[\w.+%-]{{1,64}}|\"[^\"@]{{1,40}}\")\s?(?:@|\[at\]|\(at\))\s?(?:{_HOST}|\[\d{{1,3}}(?:\.\d{{1,3}}){{3}}\])"
    r"|[\w.+%-]{1,64}\sat\s[\w-]{1,63}(?:\sdot\s[\w-]{1,63}){0,4}\sdot\s[a-z]{2,}(?![A-Za-z0-9])"
)
_MESSENGER = (
    r"(?:wechat|weixin|微信号?)\s*(?:(?:(?:id|号|no\.?)\s*[:：]?|[:：])\s*[A-Za-z0-9_-]{5,20}"
    r"|\s(?=[A-Za-z_-]*[0-9])[A-Za-z0-9_-]{5,20})|(?<![A-Za-z])[wv]x\s*[:：]\s*[A-Za-z][A-Za-z0-9_-]{5,19}|(?<![A-Za-z])QQ\s*(?:id|号码?|no\.?)?\s*[:：]?\s*\d{5,11}(?!\d)"
)
# A date that is called a birth date, in front of it or behind it.
_MON = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*"
_DATE = (
    rf"(?:{_YEAR}\s*[-./年]?\s*\d{{1,2}}\s*[-./月]?\s*\d{{1,2}}\s*日?|\d{{1,2}}[-./\s]\d{{1,2}}[-./\s]{_YEAR}"
    rf"|\d{{1,2}}[-\s]?{_MON}[-,\s]*{_YEAR}|{_MON}\.?\s*\d{{1,2}},?\s*{_YEAR}|{_YEAR}[-,\s]*{_MON}[-.,\s]*\d{{1,2}}"
    rf"|{_YEAR}年\d{{1,2}}月)"
)
_SHORT_DATE = (
    rf"(?:\d{{1,2}}[-\s]?{_MON}[-,\s]*\d{{2}}(?!\d)|{_MON}[.,]?\s*{_YEAR}|{_YEAR}年[一二三四五六七八九十]{{1,3}}月(?:[一二三四五六七八九十]{{1,3}}[日号])?|"
    r"\d{1,2}[-./]\d{1,2}[-./]\d{2}(?!\d)|(?:\d{2}年)?\d{1,2}月\d{1,2}日?)"
)
_BIRTH_WORD = (
    r"(?:born(?:\s+(?:on|in))?|birth\s*-?\s*da(?:te|y)|date\s+of\s+birth|d\.?o\.?b\.?|出生日期|出生年月日?|出生于|生于|生日"
    r"|出生)"
)
_BIRTH = rf"{_BIRTH_WORD}\s*(?:is|was|为|是)?\s*[:：,，=]?\s*(?:{_DATE}|{_SHORT_DATE})"
_BIRTH += rf"|(?:{_DATE}|\d\d年\d{{1,2}}月(?:\d{{1,2}}[日号])?)\s*(?:出生|生人|生(?!\w))"
# What follows a label that names a person, a record of a hospital or of an insurance.
_NO_NAME = (
    r"(?!(?:of|the|and|not|no|none|unknown|withheld|redacted|n/?a|initials|see|missing|available)\b|保密|缩写|未|拼音|不详|不明|无"
    r"|已|见|隐)"
)
# Chinese characters have no case; a range of them would take long to compile where case is ignored.
_HANZI = r"(?-i:[\u4e00-\u9fff])"
_CAPITALS = r"(?-i:[A-Z][\w'’-]*(?:,?\s+[A-Z][\w'’-]*){0,3})"
_HAN = r"(?-i:[\u4e00-\u9fff·]{1,8}(?:\s[\u4e00-\u9fff]{1,3}(?![\u4e00-\u9fff]))?)"
_SURNAME = (
    "(?:欧阳|司马|诸葛|上官|[赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦许何吕张孔曹魏陶姜戚谢邹喻潘葛范彭郎鲁韦马苗方俞任袁柳鲍史唐薛雷贺倪汤"
    "罗毕郝安常乐傅齐康伍余顾孟黄穆萧尹姚邵汪祁毛狄米贝戴宋庞熊纪舒项董梁杜阮闵席季贾江郭梅林钟徐邱骆高夏蔡田樊胡凌霍万柯卢莫丁邓洪"
    "崔龚程陆段侯武刘叶白曾肖苏丛廖])"
)
# Findings that begin like a family name.
_FINDING = (
    "(?!高[热烧血钾钠糖脂钙]|黄[疸染]|白[细斑血]|安[全静]|常规|任何|方案|贝[伐利]|毛[细囊]|康复|白天|万古|马[法上])"
)
# Frequent family names in Latin letters, without their first letter, which is a capital: one word behind "name:" is
# more often a variable or a drug.
_PINYIN = (
    "(?:(?<=L)(?:i|iu|in|uo|iang|u|iao|ai)|(?<=W)(?:ang|u|ei|an|en)|(?<=Z)(?:hang|hao|hou|hu|heng|eng|hong|ou)"
    "|(?<=C)(?:hen|heng|ao|ai|ui|hang)|(?<=Y)(?:ang|u|uan|e|an|ao|in|i)|(?<=H)(?:uang|u|an|ao|ou)"
    "|(?<=X)(?:u|ie|iao|ue|ia|iong)|(?<=S)(?:un|ong|hen|u|hi|hao)|(?<=G)(?:ao|uo|u|ong)|(?<=M)(?:a|ao|eng)"
    "|(?<=T)(?:ang|ian)|(?<=F)(?:eng|u|ang)|(?<=D)(?:ong|eng|ing|u|ai|uan)|(?<=P)(?:eng|an)|(?<=J)(?:iang|ia|in)"
    "|(?<=Q)(?:iu|in|ian|iao)|(?<=R)en|(?<=K)(?:ong|ang)|(?<=B)ai)"
)
_NAMED = (
    rf"(?:patient|subject|mother|father|guardian|\bp(?:a?t|nt)\.?)(?:'?s)?\s*name\s*(?:(?:[:：=|]|is\b|-\s)\s*{_NO_NAME}"
    rf"(?:{_CAPITALS}|[a-z][\w'’-]*(?:\s+[a-z][\w'’-]*)?|{_HAN})|\s{_NO_NAME}{_CAPITALS})"
    rf"|(?:\b(?:contact|full|first|last|family|given)\s*name|\bsurname)\s*[:：=]\s*{_NO_NAME}(?:{_CAPITALS}|{_HAN})"
    rf"|(?<![A-Za-z])(?<![A-Za-z]\s)name\s*[:：=]\s*{_NO_NAME}(?:(?-i:[A-Z][\w'’-]*(?:,?\s+[A-Z][\w'’-]*){{1,2}})"
    rf"|(?-i:[A-Z]){_PINYIN}(?![\w'’-])|{_FINDING}{_SURNAME}{_HANZI}{{0,2}}(?!{_HANZI}))"
    rf"|(?<![A-Za-z])name\s+of\s+(?:the\s+)?(?:patient|subject|child|donor)\s*[:：=]\s*{_NO_NAME}(?:{_CAPITALS}|{_HAN})"
    rf"|{_SURNAME}{_HANZI}{{0,2}}(?:先生|女士|小姐|太太)"
    r"|(?-i:\b(?:Mr|Mrs|Ms|Miss)\b\.?\s+[A-Z][\w'’-]+(?:\s+[A-Z][\w'’-]+)?)"
    rf"|(?:患者|受试者|病人|家属|监护人|联系人|父亲|母亲)?(?:姓\s?名|患者名|名字)(?:\s?[:：=|,，-]\s?{_NO_NAME}(?:{_CAPITALS}|{_HAN})"
    rf"|[为是叫]?{_NO_NAME}{_SURNAME}{_HANZI}{{1,2}}(?!{_HANZI})"
    rf"|\s{_NO_NAME}(?:{_CAPITALS}|(?-i:[\u4e00-\u9fff·]{{2,8}})))"
    rf"|(?:患者|受试者|病人|家属|监护人|联系人|父亲|母亲)\s?[:：]\s?{_FINDING}{_SURNAME}{_HANZI}{{1,2}}(?!{_HANZI})"
)
_NUMBER_WORD = r"\s*(?:no|number|#)?\.?\s*[:：#=]?\s*"
_RECORD = (
    rf"(?:MRN(?![A-Za-z])|(?:medical\s+record|insurance|admission)\s*(?:no|number|id)(?![a-z])|id\s*card"
    r"|(?:住院|病历|门诊|病案|登记)\s?号|就诊卡号?|医保(?:卡)?号|社保(?:卡)?号|身份证(?:号码?|号)?|银行卡号?|(?<!就诊)卡号|账号)"
    rf"{_NUMBER_WORD}(?!{_YEAR}-\d\d)[A-Za-z]{{0,3}}\d[\dA-Za-z-]{{3,}}"
    rf"|(?:hosp(?:ital|\.)?\s*(?:no|number|id)|medical\s+record)(?![a-z]){_NUMBER_WORD}[A-Za-z]{{0,3}}\d{{6,}}"
)
_STREET = r"(?:road|rd|street|avenue|ave|lane|boulevard|blvd|alley)"
_WORDS = r"(?<![A-Za-z])(?-i:(?:(?!Lead|ECG|Blot)[A-Z][\w'’]+\s+){1,3})"
_ADDRESS = (
    rf"\d{{1,5}}[A-Za-z]?,?\s+{_WORDS}{_STREET}\b\.?|{_WORDS}(?!lane){_STREET}\b\.?,?\s*(?:no\.?\s*|number\s*|#)?\d{{1,5}}"
    r"|(?-i:[\u4e00-\u9fff]{2,12})(?:(?<![通管回气尿线电旁])路|街|大道|巷|胡同|弄|(?<!房)里)\s*\d{1,5}\s*[号弄](?![腔床管针位样])"
    r"(?:\s*\d{1,4}\s*(?:号?楼|栋|幢|单元|室|号)){0,4}"
    r"|(?-i:[\u4e00-\u9fff]{2,12})(?:小区|花园|公寓|新村|苑)\s*[\dA-Za-z一二三四五六七八九十]{1,4}\s*(?:号?楼|栋|幢|座|单元)"
    r"(?:\s*[\d一二三四五六七八九十]{1,4}\s*(?:单元|室|号)){0,3}"
    r"|(?:住址|家庭住址|地址|户籍)\s*[:：=]\s*(?!见)(?=[^;；,，。\n]{0,40}[\d省市区县镇乡村])[^;；。\n]{4,60}"
    r"|home\s+address\s*[:：=]\s*(?=[^;；。\n]{0,40}\d)[^;；。\n]{4,60}"
    rf"|address\s*[:：=]\s*(?=\d{{1,5}}[A-Za-z]?,?\s+(?-i:[A-Z])|[^;；。\n]{{0,40}}(?:\b{_STREET}\b|[省市区县]))[^;；。\n]{{4,60}}"
)
_LONG = rf"{_ID_18}|{_ID_15}|{_ABROAD}|{_LANDLINE}|{_OTHER_COUNTRY}"
_NUMBERS = rf"(?:{_START}|(?P<called>{_CALLED}))(?P<number>(?:{_LONG}|{_MISREAD}){_END}|{_MOBILE}{_MOBILE_END})"
# Numbers that look like those of a person are none behind these words, or in front of these units.
_OF_A_THING = re.compile(
    r"(?:\b(?:lot|batch|specimen|sample|barcode|accession|kit)|批号|标本号?|样本号?)\s*(?:no|number|id|#)?[\s.:#]*",
    re.IGNORECASE,
)
_UNIT = re.compile(r"\s?(?:IU|copies|cells?|拷贝)(?![A-Za-z])", re.IGNORECASE)
# One decimal number, and a row of times of day such as 0800 1200 1600.
_DECIMAL = re.compile(r"[+-]?(?:(?:0|[1-9]\d*)\.\d*|\.\d+)(?:[eE][+-]?\d+)?|[+-]?\d+[eE][+-]?\d+")
_TIMES = re.compile(r"(?:[01]\d|2[0-4])[0-5]\d(?:\s(?:[01]\d|2[0-4])[0-5]\d){2}")
# A text without any of these holds nothing that is looked for: seven digits close together, a sign, or a word.
_HINT = re.compile(
    r"(?:\d[^\dA-Za-z]{0,3}){7}|(?:[0-9OlI]){11}|[@＠]|[\[(]at[\])]|\sat\s.{0,200}\sdot\s|先生|女士|小姐|太太|名字|卡号|账号|HKID|[wv]x\s?[:：]|hosp|name|born|birth|d\.?o\.?b|生|姓|患者|受试者|病人|家属|监护人|联系人|父亲|母亲"
    r"|[路街道巷胡里弄区园寓村苑址籍号证卡]|road|\brd\b|street|\bave|lane|boulevard|blvd|alley|address|MRN|record|hospital"
    r"|admission|insurance|id\s*card|passport|护照|通行证|wechat|weixin|微信|QQ|\bmrs?\b|\bms\b"
    r"|\bmiss\b", re.IGNORECASE,
)  # fmt: skip
# Most values hold nothing of the kind: a date, a number, a code, a short word.
_HARMLESS = re.compile(r"\d{4}-\d{2}-\d{2}(?:T[\d:.+Z-]*)?|[\d.,<>=+%-]{1,9}|[A-Za-z0-9_]{1,4}")
_QUANTITY = re.compile(r"[<>=≤≥~]{0,2}\s?[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_WORD, _HASH = re.compile(r"\S*\d{7}\S*"), re.compile(r"[0-9a-f]{12,64}\W*")
# Parts of a name: folders, and what is said of a file; and the ending of a name, blank where it has none.
_PIECES = re.compile(r"(/|: |, sheet )")
_ENDING = re.compile(
    r"(?:\.(?:csv|tsv|txt|xpt|sas7bdat|parquet|xlsx?|json|ndjson|ya?ml|html|ipynb|zip))?$", re.IGNORECASE
)
# Between a letter, or what joins words in names, and a digit.
_BETWEEN = re.compile(r"(?<=[A-Za-z_])(?=\d)|(?<=\d)(?=[A-Za-z_])")

# In an identifier: mobile numbers as they are dialled, identity numbers that are valid. In groups of 3, 4 and 4 digits
# a year in the middle, and a counter below 100 at the end (138-2234-0001), belong to the id of a study.
_IN_IDENTIFIER = re.compile(
    rf"{_START}(?:(?P<card>{_ID_18})|(?P<old>{_ID_15})|(?:(?:\+|00)?86[\s-]?)?1[3-9]\d"
    rf"(?:\d{{8}}|{_GAP}(?!00|20[0-3]\d)\d{{4}}{_GAP}(?!00)\d{{4}})){_END}",
    re.IGNORECASE,
)  # fmt: skip
# What numbers or places a subject in an identifier; behind a place no family name can be meant.
_NUMBERING = re.compile(
    "受试者|病人|患者|病例|筛选|随机|入组|编号|序号|代码|号|例|第|中心|医院|研究|试验|项目|队列|剂量|组|男|女|初治|复治|甲|乙|丙|丁"
    "|北京|天津|上海|重庆|河北|山西|辽宁|吉林|黑龙江|江苏|浙江|安徽|福建|江西|山东|河南|湖北|湖南|广东|海南|四川|贵州|云南|陕西|甘肃|青海"
    "|台湾|内蒙古|广西|西藏|宁夏|新疆|香港|澳门|广州|深圳|南京|苏州|杭州|合肥|武汉|成都|西安|省|市"
)
LAST_LATIN = "\u024f"
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


@cache
def _personal() -> re.Pattern[str]:
    """Everything that is looked for. Compiled when it is first needed: a build that has nothing to do does without."""
    return re.compile(
        f"{_BIRTH}|{_NAMED}|{_RECORD}|{_PASSPORT_LABELLED}|{_MESSENGER}|{_NUMBERS}|{_MAIL}|{_ADDRESS}", re.IGNORECASE
    )


def masked(text: str) -> str:
    """A text without what identifies a person in it; unchanged where nothing is found.

    Looked for, in any width of characters: identity card numbers of 15 and 18 digits, mobile and landline numbers with
    the usual gaps and prefixes, mail addresses, postal addresses, dates that are called a birth date, and what follows
    a label such as "patient name", "MRN" or 住院号. One decimal number is never personal,
    unless it is a whole one (13912773451.0). Where something is found the
    text is in plain characters (NFKC).

    >>> masked("Rash, call 139 1277 3451")
    'Rash, call [redacted]'
    >>> masked("Rash since 2025-03-04"), masked("5.0000000000")
    ('Rash since 2025-03-04', '5.0000000000')
    """
    if _HARMLESS.fullmatch(text):
        return text
    if _DECIMAL.fullmatch(text):
        return MASK if _is_number_of_person(text) else text
    plain = searchable(text)
    if not _HINT.search(plain):
        return text
    found = _personal().sub(_replacement, plain)
    # What was next to something that was masked may be found only now.
    return text if found == plain else _personal().sub(_replacement, found)


def masked_name(name: str) -> str:
    """The name of a sheet or column, or a value; withheld whole, but its ending, if something in it is personal.

    The text next to a number in a name mostly says whose number it is. Folders and parts behind ": " stay apart.

    >>> masked_name("data/Li Hua 13912773451.csv"), masked_name("ae.csv: hidden sheet Notes")
    ('data/[redacted].csv', 'ae.csv: hidden sheet Notes')
    """
    if masked(name) == name:
        return name
    pieces = _PIECES.split(name)
    shown = [p if masked(p) == p else f"{MASK}{_ENDING.search(p)[0]}" for p in pieces]  # type: ignore[index]
    whole = "".join(shown)
    return whole if masked(whole) == whole else MASK


def masked_argument(text: str) -> str:
    """`masked` for words of a command and names of files: numbers that letters touch are found too.

    >>> masked_argument("No such option: --cut13912773451"), masked_argument("there is no cut '2025-13-01'")
    ('No such option: --cut [redacted]', "there is no cut '2025-13-01'")
    """
    return masked(_WORD.sub(_masked_word, text))


def _masked_word(match: re.Match[str]) -> str:
    word = match[0]
    if _HASH.fullmatch(word):
        return word
    apart = _BETWEEN.sub(" ", word)
    found = masked(apart)
    return word if found == apart else found


def names_person(identifier: str) -> bool:
    """Whether an identifier of a subject, site or record is, or holds, a number that names or reaches a person.

    Ids of studies look like many numbers, so only these count: mobile numbers, identity numbers with a valid date
    (of 18 characters also with their check character), and what is called personal, such as a mail address or an MRN.

    >>> names_person("13912773451"), names_person("NCT06321198-01-004"), names_person("0101-001-0001")
    (True, False, False)
    """
    plain = searchable(identifier)
    if any(match["number"] is None for match in _personal().finditer(plain)):
        return True
    for match in _IN_IDENTIFIER.finditer(plain):
        card, old = match["card"], match["old"]
        if not (card or old) or (card and _valid_card(card)) or (old and _valid_date("19" + _digits(old)[6:12])):
            return True
    return False


def may_hold_name(identifier: str) -> bool:
    """Whether the identifier of a subject may hold a name: letters of another script than Latin, which ids do not need.

    Words that number and place subjects (受试者, 号, 中心, provinces) are not names.

    >>> may_hold_name("S01-王小明"), may_hold_name("受试者001"), may_hold_name("iMSC-001")
    (True, False, False)
    """
    plain = identifier if identifier.isascii() else _NUMBERING.sub("", plain_text(identifier))
    return any(sign.isalpha() and sign > LAST_LATIN for sign in plain)


def is_quantity(text: str) -> bool:
    """Whether a value of a column of results or doses is one number, and no valid identity number.

    >>> is_quantity("13800000000"), is_quantity("<0.0333333333"), is_quantity("139 1277 3451")
    (True, True, False)
    """
    plain = plain_text(text)
    return bool(_QUANTITY.fullmatch(plain)) and not (len(plain) == len(_WEIGHTS) + 1 and _valid_card(plain))


def _replacement(match: re.Match[str]) -> str:
    """The mask behind the word that calls the number, or the match itself where it is one of results, times, things."""
    number = match["number"]
    if number is None:
        return MASK
    before, after = match.string[max(0, match.start() - 30) : match.start()], match.string[match.end() :]
    thing = any(found.end() == len(before) for found in _OF_A_THING.finditer(before))
    harmless = thing or _DECIMAL.fullmatch(number) or _TIMES.fullmatch(number) or _UNIT.match(after)
    return match[0] if harmless else (match["called"] or "") + MASK


def _is_number_of_person(decimal: str) -> bool:
    """Whether a decimal number is whole and one of a person, which a program took for a number (13912773451.0)."""
    if len(decimal) > LONGEST_DECIMAL:
        return False
    try:
        value = Decimal(decimal)
    except InvalidOperation:
        return False
    if value.adjusted() not in (10, 14, 17) or value != value.to_integral_value():
        return False
    whole = str(int(value))
    return (len(whole) == 11 and bool(re.fullmatch(_MOBILE, whole))) or _valid_card(whole)


def _valid_card(text: str) -> bool:
    """Whether 18 characters are an identity number: a day of the calendar, and the check character of GB 11643."""
    signs = _digits(text)
    if len(signs) != len(_WEIGHTS) + 1 or not signs[:17].isdigit() or not _valid_date(signs[6:14]):
        return False
    total = sum(int(sign) * weight for sign, weight in zip(signs, _WEIGHTS, strict=False))
    return "10X98765432"[total % 11] == signs[17]


def _valid_date(day: str) -> bool:
    try:
        return datetime.date(int(day[:4]), int(day[4:6]), int(day[6:])).year >= 1850
    except ValueError:
        return False


def _digits(text: str) -> str:
    return re.sub(r"[^0-9X]", "", text.upper())
