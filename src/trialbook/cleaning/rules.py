"""The register of cleaning rules (rulebook §9): what each FIX does, what each QUERY asks, in two languages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple

import pandas as pd

from trialbook.queries.query_list import Query, query

# ----------------------------------------------------------------------------------------------------
# What each FIX does (rulebook §9), in two languages: one row of the change log for every value it touches.


class Rule(NamedTuple):
    """One rule. A FIX has no severity; a QUERY says what was expected and how the value is treated meanwhile."""

    kind: Literal["FIX", "QUERY"]
    english: str
    chinese: str
    severity: str = ""
    expected: str = ""


def fix(english: str, chinese: str) -> Rule:
    """A rule that changes a value in the only way it can be read."""
    return Rule("FIX", english, chinese)


FIXES: Mapping[str, Rule] = {
    "P01-ENCODING": fix("The file is not UTF-8; its encoding was recognised", "文件编码不是 UTF-8，已识别"),
    "P02-CHARACTERS": fix("Full-width characters, odd spaces, line breaks", "全角字符、特殊空格或换行已规范"),
    "P02-HEADER": fix(
        "Column name in plain characters, or a column without a name and values", "列名已规范，或空列已略去"
    ),
    "P03-HIDDEN-CELLS": fix("Hidden rows or columns were read like all others", "隐藏的行或列已一并读取"),
    "P03-EXCEL-DATE": fix("Excel day number turned into its date", "Excel 日期序号已转换为日期"),
    "P03-LABEL-ROW": fix("A row of labels beside the variable names was set aside", "变量名旁的标签行已略去"),
    "P04-DATE-FORMAT": fix("Date written as ISO 8601", "日期已改写为 ISO 8601 格式"),
    "P05-PARTIAL-DATE": fix("Partial date written as ISO 8601", "不完整日期已改写为 ISO 8601 格式"),
    "P09-LEADING-ZEROS": fix("Subject number spelled as in DM", "受试者编号已按 DM 书写"),
    "P12-DOSE-UNIT": fix("Dose written in 10^6 cells", "剂量已换算为 10^6 细胞"),
    "P14-RESULT-WORDS": fix("Result word or sign in its standard form", "结果用语或符号已规范"),
    "P16-DUPLICATE": fix("Record that repeats another one in every value", "与另一条记录完全相同的记录已删除"),
    "P21-GRADE": fix("Grade written as a digit", "分级已改写为数字"),
    "P26-AFTER-CUT": fix("What is dated after the data cut", "数据截止日之后的内容"),
    "P27-STOOL-UNIT": fix("Stool volume in mL per day", "粪便量已换算为 mL/天"),
    "P32-WEIGHT-UNIT": fix("Body weight in kg", "体重已换算为 kg"),
    "P34-BLANK-ROWS": fix("Rows without any value were set aside", "空白行已略去"),
    "P34-MAPPED-CODE": fix("Code of the site export translated by the mapping file", "按映射文件转换的代码"),
    "P34-MAPPED-DATE": fix("Date of the site export read in the order of the mapping file", "按映射文件的日期顺序读取"),
    "P34-MAPPED-NUMBER": fix(
        "Number of the site export turned into the unit of the mapping file", "按映射文件换算的数值"
    ),
    "P34-MAPPED-ROWS": fix("Rows of the site export that hold no record of the domain", "导出表中不属于该数据域的行"),
    "P34-COLUMN-LEFT-OUT": fix("Column that the contract of the domain does not declare", "数据合同未声明的列，未读入"),
    "P34-NAME-LEFT-OUT": fix(
        "Supplemental value that the contract does not declare", "数据合同未声明的补充变量，未读入"
    ),
    "P34-CODE": fix("Code in its standard spelling", "代码已规范书写"),
    "P37-REDACTED": fix("Personal data withheld", "个人信息已隐去"),
    "P38-YES-NO": fix("Yes or no as Y or N", "是/否已统一为 Y/N"),
    "P39-CLOCK": fix("Time of day as ISO 8601 on the 24-hour clock", "时间已改写为 24 小时制 ISO 8601"),
    "P40-NUMBER": fix("Number without separators, unit in its own field", "数值已去除分隔符，单位单列"),
    "U01-UNIT": fix("Unit in its standard spelling", "单位已规范书写"),
}


# ----------------------------------------------------------------------------------------------------


def _ask(severity: str, expected: str, english: str, chinese: str) -> Rule:
    return Rule("QUERY", english, chinese, severity, expected)


_QUERIES = {
    "P01-GARBLED-TEXT": _ask(
        "major", "readable text", "The text was read with a wrong encoding before it was sent. It is kept as it is.",
        "该文本在发送前编码错误（乱码），按原样保留。",
    ),
    "P03-EXCEL-ERROR": _ask(
        "major", "a value", "The cell holds an error of the spreadsheet. It is treated as missing.",
        "单元格为电子表格错误值，按缺失处理。",
    ),
    "P03-EXCEL-FORMULA": _ask(
        "minor", "a value", "The column holds formulas. The values stored with the file are used.",
        "该列含公式，采用文件中存储的值。",
    ),
    "P03-EXCEL-ROUNDED": _ask(
        "major", "a text, or a number of at most 15 digits",
        "The number is longer than a spreadsheet can keep; its last digits are lost. It is kept as it is.",
        "数字超过电子表格的精度，末位数字已丢失，按原样保留。",
    ),
    "P03-EXCEL-DATE-UNSURE": _ask(
        "major", "a date", "A number stands where a date belongs. It is treated as missing.",
        "日期栏中为数字，按缺失处理。",
    ),
    "P04-DATE-AMBIGUOUS": _ask(
        "major", "YYYY-MM-DD", "Day and month of this date cannot be told apart. It is treated as missing.",
        "该日期的日与月无法区分，按缺失处理。",
    ),
    "P04-DATE-UNREADABLE": _ask(
        "major", "YYYY-MM-DD", "This is not a calendar date. It is treated as missing.",
        "该值不是有效日期，按缺失处理。",
    ),
    "P08-SAME-PERSON": _ask(
        "major", "one subject number per person",
        "Another subject number has the same birth date and sex. Is this a re-screened subject?",
        "另一受试者编号的出生日期和性别相同，是否为重新筛选的受试者？",
    ),
    "P11-EX-BEFORE-CONSENT": _ask(
        "major", "an infusion after consent", "The infusion started before informed consent.",
        "输注开始时间早于知情同意。",
    ),
    "P11-EX-END-BEFORE-START": _ask(
        "major", "an end not before the start", "The infusion ended before it started.", "输注结束时间早于开始时间。"
    ),
    "P11-EX-NO-TIME": _ask(
        "minor", "a time of day", "The infusion has no start time, so reactions on its day cannot be ordered.",
        "输注缺少开始时刻，当日反应无法排序。",
    ),
    "P11-EX-SAME-DAY": _ask(
        "major", "one record per bag",
        "Two infusion records of one day are the same in every value. Were these two bags, or was one entered twice?",
        "同一天有两条完全相同的输注记录，是输注了两袋还是重复录入？",
    ),
    "P11-EX-UNDATED": _ask(
        "major", "a complete date", "A later infusion has no complete start date.", "后续输注缺少完整的开始日期。"
    ),
    "P12-EX-DOSE-MISSING": _ask(
        "major", "a dose, or 0 for not given", "The dose of the infusion is missing. It is not counted as given.",
        "输注剂量缺失，不计为已输注。",
    ),
    "P13-LB-UNIT-JUMP": _ask(
        "major", "the unit of the result",
        "The result moved against its upper limit by the factor between two units. Is the unit right?",
        "结果与上限之比的变化等于两种单位之间的换算系数，单位是否正确？",
    ),
    "P13-UNIT-UNKNOWN": _ask(
        "minor", "a unit of the test", "The unit is not known for this test; the result is not converted.",
        "该检验项目不认识此单位，结果未换算。",
    ),
    "P14-NOT-A-NUMBER": _ask(
        "minor", "a number", "The result is not a number. It is not evaluable.", "结果不是数值，视为不可评价。"
    ),
    "P15-LIMIT-MISSING": _ask(
        "minor", "the upper limit of the laboratory",
        "The upper reference limit is missing. What is judged against it is not evaluable.",
        "缺少参考值上限，与其比较的判断不可评价。",
    ),
    "P15-LIMIT-CHANGED": _ask(
        "minor", "one upper limit, or a reason (another laboratory or kit)",
        "The upper reference limit of this test changes between results. Each result is judged by its own limit.",
        "该检验项目的参考值上限在各次结果间不同，各结果按其自身的上限判断。请确认。",
    ),
    "P16-LB-REPEATED": _ask(
        "minor", "one result per test and time", "The same test has two different results at one time. Both are kept.",
        "同一时间同一项目有两个不同结果，均保留。",
    ),
    "P17-LB-OTHER-VISIT": _ask(
        "minor", "the visit of the sample date",
        "The results are labelled with one visit and dated at another. The sample date is used, not the label.",
        "检验结果的访视标签与采样日期不符，按采样日期处理。请核对访视或日期。",
    ),
    "P17-LB-RESULT-DATE": _ask(
        "minor", "the date on which the sample was taken",
        "The results are dated the day after their visit. Is this the date of the result? Please give the sample date.",
        "检验日期为访视次日，是否录入了报告日期？请填写采样日期。",
    ),
    "P19-AE-END-BEFORE-START": _ask(
        "major", "an end not before the start", "The event ended before it started.", "不良事件结束日期早于开始日期。"
    ),
    "P19-AE-END-AFTER-DEATH": _ask(
        "minor", "an end not after death", "The event ended after the death of the subject; it is capped at death.",
        "不良事件结束日期晚于死亡日期，计算时截至死亡。",
    ),
    "P19-AE-ONGOING-AT-DEATH": _ask(
        "minor", "an outcome at death", "The event is ongoing in a subject who has died; it is capped at death.",
        "受试者已死亡但不良事件仍标为持续，计算时截至死亡。",
    ),
    "P20-AE-ONGOING-WITH-END": _ask(
        "minor", "ongoing or an end date", "The event has an end date and is marked ongoing. It is treated as ongoing.",
        "不良事件有结束日期，但标为持续，按持续处理。",
    ),
    "P20-AE-RESOLVED-NO-END": _ask(
        "minor", "an end date", "The event is resolved and has no end date. It has no duration until then.",
        "不良事件已恢复，但缺少结束日期，暂无持续时间。",
    ),
    "P21-GRADE-RANGE": _ask(
        "major", "one grade", "The grade is a range. The higher grade is used.", "分级为范围，采用较高分级。"
    ),
    "P21-GRADE-UNREADABLE": _ask(
        "major", "a grade from 1 to 5", "This is not a CTCAE grade. It is treated as missing.",
        "该值不是 CTCAE 分级，按缺失处理。",
    ),
    "P23-AE-RELATION-MISSING": _ask(
        "major", "a relationship to the study product", "The relationship is missing. The event is counted as related.",
        "与研究药物的关系缺失，按相关处理。",
    ),
    "P23-AE-SERIOUS-MISSING": _ask(
        "major", "Y or N", "The seriousness is missing. The event is counted as serious only where a criterion is Y.",
        "严重性缺失，仅在有严重性标准为 Y 时按严重处理。",
    ),
    "P23-AE-SERIOUS-CRITERION": _ask(
        "major", "Y", "A seriousness criterion is Y and the event is not serious.", "有严重性标准为 Y，但未标为严重。"
    ),
    "P24-AE-NEAR-DUPLICATE": _ask(
        "minor", "one record per event",
        "Another record has the same term and start and overlaps. Are they one event?",
        "另一条记录术语相同、开始日期相近且时间重叠，是否为同一事件？",
    ),
    "P24-REPEATED-RECORD": _ask(
        "minor", "one record for one fact", "Another record of the subject is the same in every value.",
        "该受试者有另一条记录的内容完全相同。",
    ),
    "P26-FUTURE-DATE": _ask(
        "major", "a date that can have been known when the data were exported",
        "The date lies far after the data cut. Is the year right? What is dated by it is not in the analysis.",
        "该日期远晚于数据截止日，年份是否有误？相关内容未纳入分析。",
    ),
    "P26-GRADE-AT-CUT": _ask(
        "major", "the grade at the cut", "The grade entered is of a later date. Which grade had the event at the cut?",
        "所录分级为截止日之后的情况，数据截止时该事件为几级？",
    ),
    "P27-OUT-OF-RANGE": _ask(
        "major", "a value in its range", "The value is outside its range. Please check value and unit.",
        "数值超出范围，请核对数值和单位。",
    ),
    "P32-WEIGHT-JUMP": _ask(
        "minor", "a plausible change", "The body weight changed sharply since the last one. Is the unit kg?",
        "体重较上次变化过大，单位是否为 kg？",
    ),
    "P32-WEIGHT-MISSING": _ask(
        "minor", "a body weight in the days before the infusion",
        "No body weight was recorded in the days before the infusion, so its dose per kg cannot be checked.",
        "输注前规定天数内无体重记录，无法核对每公斤剂量。请补充体重。",
    ),
    "P34-TEXT-CUT-OFF": _ask(
        "minor", "the whole text", "The text fills all 200 bytes of its field. Was its end cut off?",
        "文本已占满 200 字节，结尾是否被截断？",
    ),
    "P34-COLUMN-UNMAPPED": _ask(
        "minor", "a column that the mapping file uses, or lists as unused",
        "The column of the site export is not in the mapping file. It is not read.",
        "映射文件中没有该列，未读取。",
    ),
    "P34-CODE-UNMAPPED": _ask(
        "major", "a code of the mapping file",
        "The code of the site export is not in the mapping file. It is kept as it is.",
        "映射文件中没有该代码，按原样保留。",
    ),
    "P34-CODE-UNKNOWN": _ask(
        "minor", "a code of the list", "The code is not in its list. It is kept as it is.",
        "代码不在代码表中，按原样保留。",
    ),
    "P34-DOMAIN-MISSING": _ask(
        "minor", "the domain", "The domain was not delivered. What depends on it is not evaluable.",
        "未提供该数据域，依赖它的内容不可评价。",
    ),
    "P34-NO-SUBJECT": _ask(
        "major", "a subject", "The record names no subject and is left out.", "该记录没有受试者编号，已排除。"
    ),
    "P34-SEQ-REPEATED": _ask(
        "major", "one record per number", "Two records of the subject have the same number.",
        "同一受试者有两条记录编号相同。",
    ),
    "P34-OTHER-STUDY": _ask(
        "major", "the study of DM", "The record carries the number of another study. It is left out of the analysis.",
        "该记录的研究编号属于其他研究，未纳入分析。",
    ),
    "P34-SUPP-UNJOINED": _ask(
        "minor", "IDVAR and IDVARVAL of one record of the domain",
        "It cannot be told which record this supplemental answer is about. A flag Y of the committee counts meanwhile; "
        "any other answer does not.",
        "无法确定该补充信息对应的记录。在核实之前，委员会的 Y 标记计入，其他内容不采用。",
    ),
    "P36-RESTATED": _ask(
        "major", "the value of the previous cut, or a reason",
        "A value reported at the previous cut has changed. Please confirm the change.",
        "前次数据截止时已报告的值被更改，请确认。",
    ),
    "P37-PERSONAL-DATA": _ask(
        "major", "no personal data",
        "The field holds what looks like a name, an identity card or a telephone number. It is withheld here; "
        "please remove it at the source.",
        "该栏疑似含有姓名、身份证号或电话号码，此处已隐去，请在源数据中删除。",
    ),
    "P38-YES-NO-UNKNOWN": _ask(
        "minor", "Y or N", "This is neither yes nor no. It is treated as missing.", "该值既非是也非否，按缺失处理。"
    ),
    "P39-TIME-UNREADABLE": _ask(
        "minor", "a time from 00:00 to 23:59", "This is not a time of day. The date alone is used.",
        "该时间无效，仅采用日期。",
    ),
    "P39-TIME-ZONE": _ask(
        "major", "the local time of the site", "The time is given in another time zone. It is treated as missing.",
        "该时间属于其他时区，按缺失处理。",
    ),
    "P40-COMMA-UNSURE": _ask(
        "minor", "a number without separators",
        "The comma may separate thousands or decimals. It is read as separating thousands.",
        "逗号可能是千分位或小数点，按千分位读取。",
    ),
    "P40-NOT-A-NUMBER": _ask(
        "minor", "a number", "This is not a number. It is treated as missing.", "该值不是数值，按缺失处理。"
    ),
    "P40-UNIT-CONFLICT": _ask(
        "major", "one unit", "The value carries another unit than its unit field. It is not evaluable.",
        "数值中的单位与单位栏不一致，视为不可评价。",
    ),
}  # fmt: skip
RULES: Mapping[str, Rule] = {**FIXES, **_QUERIES}


def ask(
    rule: str, domain: str, records: Iterable[tuple[object, object, object]], field: str, severity: str = ""
) -> list[Query]:
    """One query of a rule for each (subject, record key, observed value); the caller masks what is personal."""
    known = RULES[rule]
    return [
        query(
            rule, "" if pd.isna(subject) else str(subject), domain, record=str(record), field=field,
            severity=severity or known.severity, observed=observed, expected=known.expected,
            message_en=known.english, message_zh=known.chinese,
        )
        for subject, record, observed in records
    ]  # fmt: skip
