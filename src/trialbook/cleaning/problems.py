"""The forty problems of real exports (rulebook §9): the class of each, its rules, and where they are applied."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple

import pandas as pd

from trialbook.queries.query_list import Query, QueryTexts
from trialbook.queries.rule_texts import Recipient

Class = Literal["FIX", "QUERY", "STOP"]
CLASSES: tuple[Class, ...] = ("FIX", "QUERY", "STOP")


class Problem(NamedTuple):
    """One problem: what it is in English and Chinese, the rules that answer it by class, and their modules.

    A FIX is a row of the change log, a QUERY a line of the query list, a STOP the end of the build.
    """

    name: str
    domains: str
    english: str
    chinese: str
    rules: Mapping[Class, tuple[str, ...]]
    modules: tuple[str, ...]

    @property
    def classes(self) -> tuple[Class, ...]:
        """Its classes, in the order FIX, QUERY, STOP."""
        return tuple(name for name in CLASSES if name in self.rules)


def _p(
    name: str, domains: str, english: str, chinese: str, modules: str, *, fix: str = "", ask: str = "", stop: str = ""
) -> Problem:
    """One problem; rules are named without its number where they begin with it."""
    rules: dict[Class, tuple[str, ...]] = {}
    for kind, words in zip(CLASSES, (fix, ask, stop), strict=True):
        if words:
            rules[kind] = tuple(_rule(name, word) for word in words.split())
    return Problem(name, domains, english, chinese, rules, tuple(modules.split()))


def _rule(name: str, word: str) -> str:
    """`-X` is a rule of the problem itself, `.` its bare number, anything else a rule of another name."""
    return name if word == "." else name + word if word.startswith("-") else word


PROBLEMS: tuple[Problem, ...] = (
    _p("P01", "file", "Encoding other than UTF-8, or text that an encoding destroyed", "文件编码非 UTF-8 或出现乱码",
       "snapshot.delimited snapshot.code_pages snapshot.tables cleaning.clean",
       fix="-ENCODING", ask="-GARBLED-TEXT", stop="."),
    _p("P02", "all", "Full-width characters, odd spaces, line breaks", "全角字符、特殊空格、换行",
       "cleaning.read_values snapshot.tables", fix="-CHARACTERS -HEADER"),
    _p("P03", "file", "What a spreadsheet makes of data: day numbers, label rows, errors, merged and hidden cells",
       "电子表格问题：日期序号、标签行、错误值、合并或隐藏单元格",
       "cleaning.read_dates cleaning.read_values snapshot.workbook snapshot.number_formats",
       fix="-EXCEL-DATE -EXCEL-PERCENT -EXCEL-SCALED -EXCEL-SHOWN -EXCEL-COMMENT -LABEL-ROW -HIDDEN-CELLS",
       ask="-EXCEL-DATE-UNSURE -EXCEL-EPOCH -EXCEL-ERROR -EXCEL-FORMULA -EXCEL-FORMULA-NO-VALUE -EXCEL-ROUNDED "
       "-EXCEL-PERCENT -EXCEL-PERCENT-MIXED -EXCEL-SCALED -EXCEL-SHOWN -EXCEL-DIGITS-HIDDEN "
       "-EXCEL-NOT-SHOWN -EXCEL-STRUCK -EXCEL-COMMENT",
       stop="."),
    _p("P04", "dates", "Dates in other spellings", "日期书写格式不一", "cleaning.read_dates",
       fix="-DATE-FORMAT -DATE-ORDER", ask="-DATE-AMBIGUOUS -DATE-UNREADABLE -DATE-CUT-OFF -DATE-FILLER"),
    _p("P05", "dates", "Partial dates", "不完整日期",
       "snapshot.sas_files snapshot.workbook cleaning.read_dates subjects.queries subjects.deaths eligibility.queries",
       fix="-PARTIAL-DATE -PART-SHOWN", ask="-PART-SHOWN -DM-CONSENT-DATE -DM-BIRTH-DATE P22-DEATH-DATE-INCOMPLETE"),
    _p("P06", "DM", "Birth date after consent, or an age that it does not give", "出生日期晚于知情同意，或年龄与其不符",
       "subjects.queries eligibility.queries", ask="-DM-AGE-DIFFERS -DM-BIRTH-AFTER-CONSENT -DM-AGE-UNDECIDED"),
    _p("P07", "DM", "Age just outside the limits at consent", "知情同意时年龄略超出范围",
       "eligibility.criteria.consent_age eligibility.queries", ask="P33-IE-VIOLATION P33-IE-CONFLICT"),
    _p("P08", "DM", "One person under two subject numbers", "同一人有两个受试者编号", "cleaning.keys",
       ask="-SAME-PERSON", stop="-TREATED-TWICE"),
    _p("P09", "DM", "Subject number twice, unknown, or without its leading zeros", "受试者编号重复、未知或缺少前导零",
       "cleaning.keys", fix="-LEADING-ZEROS", stop="-SUBJECT-TWICE -SUBJECT-ALIKE -NOT-IN-DM"),
    _p("P10", "EX", "Infusions at different dose levels", "各次输注剂量组不同", "subjects.queries",
       ask="-EX-LEVEL-CHANGED -DM-ACTARM-DOSE"),
    _p("P11", "EX", "Infusion before consent, out of order, or without date or time",
       "输注早于知情同意、顺序错误或缺少日期时间",
       "cleaning.exposure subjects.queries", ask="-EX-BEFORE-CONSENT -EX-END-BEFORE-START -EX-NO-TIME "
       "-EX-SAME-DAY -EX-UNDATED -DM-ACTARM-NO-EX", stop="-NO-FIRST-INFUSION-DATE"),
    _p("P12", "EX", "Dose in another unit, or none", "剂量单位不同或缺失",
       "cleaning.numbers cleaning.exposure subjects.queries",
       fix="-DOSE-UNIT", ask="-EX-DOSE-MISSING -EX-DOSE-NO-LEVEL"),
    _p("P13", "LB", "Laboratory unit swapped or unknown", "检验单位混淆或未知",
       "cleaning.cross_checks cleaning.numbers gvhd.queries eligibility.queries", fix="U01-UNIT",
       ask="-LB-UNIT-JUMP -UNIT-UNKNOWN -UNIT-MISSING -LB-UNIT-UNKNOWN -LB-BILIRUBIN "
       "-LB-LIMIT-OF-OTHER-TEST -LB-CLEARANCE-FORMS-DIFFER"),
    _p("P14", "LB", "Words and bounds in place of numbers", "数值栏中的文字或界限值",
       "cleaning.numbers cleaning.cross_checks eligibility.queries", fix="-RESULT-WORDS -RESULT-FLAG",
       ask="-NOT-A-NUMBER -LB-BOUND-UNDECIDED -LB-INDETERMINATE"),
    _p("P15", "LB", "Upper limit missing, or not the same throughout", "参考值上限缺失或前后不同",
       "cleaning.cross_checks cleaning.clean reconciliation.laboratory eligibility.queries", fix="-LIMIT-FILLED",
       ask="-LIMIT-MISSING -LIMIT-CHANGED -LB-LIMIT-MISSING -LIMIT-DIFFERS -RANGE-SEVERAL -RANGE-REVERSED"),
    _p("P16", "LB AE", "The same record twice, or two results at one time", "记录重复，或同一时间有两个结果",
       "cleaning.keys cleaning.cross_checks", fix="-DUPLICATE", ask="-LB-REPEATED -RS-SAME-DAY-DIFFERS"),
    _p("P17", "LB SV RS", "Visit and date of a sample disagree", "访视标签与采样日期不符",
       "cleaning.cross_checks", ask="-LB-RESULT-DATE -LB-OTHER-VISIT -VISIT-ORDER -VISITS-ONE-DATE"),
    _p("P18", "AE", "Emergence flag that the dates contradict", "治疗期出现标记与日期不符", "safety.queries",
       ask="-AE-EMERGENCE-DIFFERS"),
    _p("P19", "AE", "Event that ends before it starts, or after death", "不良事件结束早于开始或晚于死亡",
       "cleaning.cross_checks safety.adae", ask="-AE-END-BEFORE-START -AE-END-AFTER-DEATH -AE-ONGOING-AT-DEATH"),
    _p("P20", "AE", "Outcome and end date disagree", "不良事件转归与结束日期不符", "cleaning.cross_checks safety.adae",
       ask="-AE-ONGOING-WITH-END -AE-RESOLVED-NO-END"),
    _p("P21", "AE", "Grade in other numerals, or a range", "分级书写不一或为范围", "cleaning.codes", fix="-GRADE",
       ask="-GRADE-RANGE -GRADE-UNREADABLE"),
    _p("P22", "AE DM DS", "Death that one source knows and another does not", "各来源的死亡信息不一致",
       "subjects.deaths cleaning.cross_checks",
       ask="-DEATH-SOURCE-MISSING -DEATH-DATES-DIFFER -DEATH-DATE-INCOMPLETE -AE-FATAL-CONFLICT"),
    _p("P23", "AE", "Relationship or seriousness missing", "缺少相关性或严重性", "cleaning.cross_checks",
       ask="-AE-RELATION-MISSING -AE-SERIOUS-MISSING -AE-SERIOUS-CRITERION"),
    _p("P24", "AE CM", "One event or drug entered twice", "同一事件或用药录入两次",
       "cleaning.cross_checks cleaning.keys", ask="-AE-NEAR-DUPLICATE -REPEATED-RECORD"),
    _p("P25", "DS SS", "Record after death", "死亡之后仍有记录", "subjects.deaths efficacy.adtte",
       ask="-RECORD-AFTER-DEATH -RECORD-AFTER-WITHDRAWAL -DEATH-BEFORE-INFUSION"),
    _p("P26", "all", "Dates after the cut, or in the future", "日期晚于数据截止日", "cleaning.cut", fix="-AFTER-CUT",
       ask="-FUTURE-DATE -START-FAR -BEFORE-BIRTH -GRADE-AT-CUT -CONSENT-AFTER-RECORD -CONSENT-AFTER-RESULT "
       "-ENDED-BEFORE-CUT"),
    _p("P27", "RS FA", "Organ stage missing or impossible, values out of range", "器官分期缺失或数值超出范围",
       "cleaning.cross_checks cleaning.numbers gvhd.queries efficacy.queries eligibility.queries", fix="-STOOL-UNIT",
       ask="-OUT-OF-RANGE -RS-STAGE-RANGE -FA-PERCENT -FA-STOOL-VOLUME -FA-STOOL-CONFLICT -RS-ORGAN-MISSING "
       "-RS-NO-SUCH-SCORE"),
    _p("P28", "RS", "Investigator and derivation disagree", "研究者评估与推导结果不一致",
       "efficacy.queries gvhd.queries eligibility.queries",
       ask="-RS-RESPONSE-DIFFERS -RS-STAGE-DIFFERS -RS-GRADE-DIFFERS"),
    _p("P29", "RS", "Assessment outside its window, twice in it, or no baseline", "评估超出时间窗、重复或缺少基线",
       "efficacy.queries", ask="-RS-DAY28-OUTSIDE -RS-DAY28-NONE -RS-DAY28-SEVERAL -RS-BASELINE-UNTIMED "
       "-RS-BASELINE-WIDE -RS-BASELINE-NONE -RS-BASELINE-ZERO"),
    _p("P30", "CM", "New therapy with a partial start around day 28", "新治疗开始日期不完整且跨越第28天",
       "efficacy.queries", ask="-CM-PARTIAL-START"),
    _p("P31", "CM", "Drug that is unknown, uncoded, misspelled, combined or without dose",
       "药物未知、未编码、拼写有误、合并录入或缺少剂量", "efficacy.queries",
       ask="-CM-UNCLASSIFIED -CM-UNCODED -CM-GVHD-UNLISTED -CM-NEAR-NAME -CM-PURPOSE -CM-BACKGROUND-STARTED "
       "-CM-COMBINED -CM-STEROID-DOSE"),
    _p("P32", "VS", "Body weight missing, in jin or pounds, or jumping", "体重缺失、单位为斤或磅、或变化过大",
       "cleaning.numbers cleaning.cross_checks cleaning.exposure eligibility.queries", fix="-WEIGHT-UNIT",
       ask="-WEIGHT-JUMP -WEIGHT-MISSING -VS-SIZE-MISSING"),
    _p("P33", "IE", "Eligibility form that the data contradict", "入排标准表与数据矛盾", "eligibility.queries",
       ask="-IE-CONFLICT -IE-VIOLATION -IE-NOT-EVALUABLE"),
    _p("P34", "file", "File, column, code or number of a record that is missing, new or unknown",
       "文件、列、代码或记录编号缺失或未知",
       "snapshot snapshot.door snapshot.mapping cleaning.columns cleaning.codes cleaning.keys cleaning.cross_checks "
       "cleaning.clean cleaning.null_markers efficacy.queries",
       fix="-CODE -SPECIAL-MISSING -NULL-MARKER -BLANK-ROWS -COLUMN-LEFT-OUT -NAME-LEFT-OUT -FILE-LAYOUT "
       "-MAPPED-CODE -MAPPED-DATE -MAPPED-NUMBER -MAPPED-MISSING -MAPPED-ROWS",
       ask="-NOT-CONVERTED -NUMBER-UNSURE -COLUMNS-DIFFER -JOIN-UNMATCHED -CODE-UNKNOWN -CODE-UNMAPPED "
       "-COLUMN-UNMAPPED -DOMAIN-MISSING -NO-SUBJECT -SEQ-REPEATED -SUPP-UNJOINED "
       "-OTHER-STUDY -TEXT-CUT-OFF -SPECIAL-MISSING -NULL-MARKER "
       "-CM-NOT-DELIVERED -DS-NOT-DELIVERED -RS-NOT-DELIVERED -RELAPSE-NOT-DELIVERED "
       "-CRITERIA-NOT-EVALUABLE",
       stop=". -COLUMN-MISSING -NO-SUBJECT -MAPPING -JOIN -OTHER-STUDY"),
    _p("P35", "file", "Record of the previous cut that is gone", "前次截止时的记录现已缺失", "cleaning.compare_cuts",
       stop="-RECORD-DELETED"),
    _p("P36", "file", "Value of the previous cut that has changed", "前次截止时的值被更改",
       "cleaning.compare_cuts", ask="-RESTATED"),
    _p("P37", "all", "Personal data", "个人信息", "snapshot.door", fix="-REDACTED", ask="-PERSONAL-DATA",
       stop="-IDENTIFIER"),
    _p("P38", "all", "Yes and no in other words; blank", "是/否写法不一或空白", "cleaning.codes", fix="-YES-NO",
       ask="-YES-NO-UNKNOWN"),
    _p("P39", "time", "Times of day in other clocks", "时间写法不一", "cleaning.read_dates", fix="-CLOCK",
       ask="-TIME-UNREADABLE -TIME-ZONE"),
    _p("P40", "numbers", "Decimal commas, thousands, units beside the number", "小数逗号、千分位、数值中的单位",
       "cleaning.numbers cleaning.clean", fix="-NUMBER",
       ask="-COMMA-UNSURE -NOT-A-NUMBER -UNIT-CONFLICT -MISSING-CODE"),
)  # fmt: skip
BY_NAME: Mapping[str, Problem] = {problem.name: problem for problem in PROBLEMS}


# ----------------------------------------------------------------------------------------------------
# The rules by id: what each correction does, and the question that each asks.


# Rules ask (`rules`), or change a value in the only way it can be read (`fixes`): one row of the change log each.
TEXTS = QueryTexts("queries/texts/cleaning.yaml")


def ask(
    rule: str, domain: str, records: Iterable[tuple[object, object, object]], field: str, severity: str = "",
    recipient: Recipient | None = None,
) -> list[Query]:  # fmt: skip
    """One query of a rule for each (subject, record key, observed value); the caller masks what is personal.

    `recipient` is who must act where that is another than the rule says.
    """
    return [
        TEXTS.query(
            rule, "" if pd.isna(subject) else str(subject), domain, record=str(record), field=field, severity=severity,
            observed=observed, recipient=recipient,
        )
        for subject, record, observed in records
    ]  # fmt: skip


def is_rule(rule: str) -> bool:
    """Whether cleaning has a rule of this id."""
    return rule in TEXTS.area.fixes or rule in TEXTS.area.rules


def meaning(rule: str) -> str:
    """What a rule of the change log means, in English."""
    return (TEXTS.area.fixes.get(rule) or TEXTS.area.rules[rule]).en
