"""What each FIX does (domain document §9), in two languages: one row of the change log for every value it touches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple


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
