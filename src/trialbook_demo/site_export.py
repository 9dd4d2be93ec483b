"""Writes the synthetic trial as a site's EDC would export it: Chinese headers and words, GB18030, wide laboratory rows.

The same records as the SDTM snapshot of a day (its twin), in another shape: `params/mapping.yaml` leads back.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import xlsxwriter

from trialbook.protocol.synthetic import write_declaration
from trialbook_demo.snapshots import DEMO_CUTS, NOTICE
from trialbook_demo.trial import SEED, SUBJECTS, simulate_trial

# ----------------------------------------------------------------------------------------------------
# The forms of the imagined EDC: which variable is under which Chinese header, in which words, in which file.


class Field(NamedTuple):
    """One column of a form: Chinese label, code of the EDC, the SDTM variable, its words, and whether it is a number.

    Without a variable, `words` is what the column always holds.
    """

    label: str
    code: str
    variable: str
    words: str = ""
    number: bool = False


class Form(NamedTuple):
    """One form: its domain, its sheet, its columns; `items` names the tests that are side by side in a row."""

    domain: str
    fields: tuple[Field, ...]
    sheet: str = ""
    typed: bool = True
    items: str = ""
    limits: bool = False


WORDS: dict[str, dict[str, str]] = {
    "yes_no": {"Y": "是", "N": "否"},
    "sex": {"M": "男", "F": "女"},
    "race": {"ASIAN": "亚洲人"},
    "arm": {"DL1": "剂量组1", "DL2": "剂量组2", "DL3": "剂量组3", "SCRNFAIL": "筛选失败", "NOTASSGN": "未分组"},
    "grade": {str(k): f"{k}级" for k in range(1, 6)},
    "relation": {
        "NOT RELATED": "肯定无关", "UNLIKELY RELATED": "可能无关", "POSSIBLY RELATED": "可能有关",
        "PROBABLY RELATED": "很可能有关", "DEFINITELY RELATED": "肯定有关",
    },
    "action": {"NOT APPLICABLE": "不适用", "DOSE NOT CHANGED": "剂量不变", "DRUG WITHDRAWN": "停止用药"},
    "outcome": {"RECOVERED/RESOLVED": "痊愈", "NOT RECOVERED/NOT RESOLVED": "未恢复", "FATAL": "死亡"},
    "ongoing": {"ONGOING": "持续"},
    "route": {"ORAL": "口服", "INTRAVENOUS": "静脉"},
    "alive": {"ALIVE": "存活", "DEAD": "死亡"},
    "milestone": {
        "INFORMED CONSENT OBTAINED": "签署知情同意书", "COMPLETED": "完成研究", "SCREEN FAILURE": "筛选失败",
        "DEATH": "死亡", "LOST TO FOLLOW-UP": "失访",
    },
    "visit": {
        "SCREENING": "筛选期", "BASELINE": "基线", "STEROID START": "激素开始日", "STEROID DAY 4": "激素第4天",
        "STEROID DAY 7": "激素第7天", "UNSCHEDULED": "计划外",
        **{f"DAY {n}": f"第{n}天" for n in (3, 7, 14, 21, 28, 56, 100, 180)},
    },
    "organ": {
        "SKINSTG": "皮肤分期", "LIVERSTG": "肝脏分期", "UGISTG": "上消化道分期", "LGISTG": "下消化道分期",
        "AGVHGRD": "aGVHD总分级", "OVRLRESP": "疗效评价", "ECOG101": "ECOG评分", "LANSKY": "Lansky评分",
    },
    "vital": {
        "WEIGHT": "体重", "HEIGHT": "身高", "TEMP": "体温", "SYSBP": "收缩压", "DIABP": "舒张压", "PULSE": "脉搏",
        "OXYSAT": "血氧饱和度",
    },
    "timing": {"PRE-DOSE": "输注前", "1 HOUR POST-DOSE": "输注后1小时"},
    "result": {
        "NEGATIVE": "阴性", "POSITIVE": "阳性", "Y": "是", "N": "否", "NONE": "无", "PERSISTENT": "持续",
        "INTERMITTENT": "间断",
    },
}  # fmt: skip
LAB_TESTS = {
    "ALT": "谷丙转氨酶(U/L)", "AST": "谷草转氨酶(U/L)", "BILI": "总胆红素(umol/L)", "ALP": "碱性磷酸酶(U/L)",
    "GGT": "谷氨酰转肽酶(U/L)", "CREAT": "肌酐(umol/L)", "UREA": "尿素(mmol/L)", "INR": "国际标准化比值",
    "ALB": "白蛋白(g/L)", "K": "血钾(mmol/L)", "SODIUM": "血钠(mmol/L)", "HGB": "血红蛋白(g/L)",
    "PLAT": "血小板(10^9/L)", "NEUT": "中性粒细胞(10^9/L)", "LYM": "淋巴细胞(10^9/L)", "WBC": "白细胞(10^9/L)",
    "CREATCLR": "肌酐清除率(mL/min)", "BUN": "尿素氮(mg/dL)",
}  # fmt: skip
ITEMS: dict[str, dict[str, str]] = {
    "lab": {
        **LAB_TESTS, "HIVAB": "HIV抗体", "TPAB": "梅毒抗体", "HBSAG": "乙肝表面抗原", "HCVAB": "丙肝抗体",
        "HBVDNA": "乙肝病毒DNA(IU/mL)", "HCVRNA": "丙肝病毒RNA(IU/mL)", "HCG": "妊娠试验",
    },
    "findings": {
        "RASHBSA": "皮疹面积(%)", "ERYTHDRM": "红皮病", "BULLAE": "水疱", "DESQBSA": "脱屑面积(%)", "NAUSEA": "恶心",
        "STOOLVOL": "大便量(mL/天)", "STOOLN": "大便次数(次/天)", "ABDPAIN": "腹痛", "ILEUS": "肠梗阻",
        "BLDSTOOL": "血便",
    },
    "criteria": {
        **{f"IN{k:02d}": f"入选标准{k}" for k in range(1, 6)}, **{f"EX{k:02d}": f"排除标准{k}" for k in range(1, 18)},
    },
}  # fmt: skip
SUBJECT = (Field("中心编号", "SITE", "USUBJID.site"), Field("受试者编号", "SUBJ", "USUBJID.number"))
VISIT = (Field("访视", "VIS", "VISIT", "visit"), Field("访视序号", "VISN", "VISITNUM", number=True))
CLERK = Field("录入人", "USER", "", "CRC01")


def _dates(prefix: str, *, ongoing: bool = True) -> tuple[Field, ...]:
    span = (Field("开始日期", "STDT", f"{prefix}STDTC"), Field("结束日期", "ENDT", f"{prefix}ENDTC"))
    return (*span, Field("是否持续", "ONGO", f"{prefix}ENRTPT", "ongoing")) if ongoing else span


def _terms(prefix: str) -> tuple[Field, ...]:
    said = (Field("名称", "TERM", f"{prefix}TERM"), Field("标准名称", "PT", f"{prefix}DECOD"))
    return (*said, Field("类别", "CAT", f"{prefix}CAT"), Field("严重程度", "SEV", f"{prefix}SEV"),
            Field("分级", "GR", f"{prefix}TOXGR", "grade"))  # fmt: skip


CSV_FORMS: dict[str, Form] = {
    "edc_subjects_20250630.csv": Form("DM", (
        *SUBJECT, Field("知情同意日期", "ICDT", "RFICDTC"), Field("出生日期", "BIRTH", "BRTHDTC"),
        Field("年龄(岁)", "AGE", "AGE"), Field("性别", "SEX", "SEX", "sex"), Field("种族", "RACE", "RACE", "race"),
        Field("计划组别", "ARM", "ARMCD", "arm"), Field("实际组别", "ACTARM", "ACTARMCD", "arm"),
        Field("死亡日期", "DTHDT", "DTHDTC"), Field("是否死亡", "DTH", "DTHFL", "yes_no"), CLERK,
    ), typed=False),
    "edc_adverse_events_20250630.csv": Form("AE", (
        *SUBJECT, Field("序号", "SEQ", "AESEQ"), Field("事件编号", "SPID", "AESPID"),
        Field("不良事件名称", "TERM", "AETERM"), Field("首选语", "PT", "AEDECOD"),
        Field("系统器官分类", "SOC", "AEBODSYS"), Field("CTCAE分级", "GRADE", "AETOXGR", "grade"),
        Field("是否SAE", "SAE", "AESER", "yes_no"), Field("导致死亡", "S1", "AESDTH", "yes_no"),
        Field("危及生命", "S2", "AESLIFE", "yes_no"), Field("住院", "S3", "AESHOSP", "yes_no"),
        Field("致残", "S4", "AESDISAB", "yes_no"), Field("先天异常", "S5", "AESCONG", "yes_no"),
        Field("其他重要医学事件", "S6", "AESMIE", "yes_no"), Field("与研究药物关系", "REL", "AEREL", "relation"),
        Field("采取的措施", "ACN", "AEACN", "action"), Field("转归", "OUT", "AEOUT", "outcome"), *_dates("AE"),
        Field("是否DLT", "DLT", "AEDLT", "yes_no"), CLERK,
    ), typed=False),
}  # fmt: skip
BOOKS: dict[str, tuple[Form, ...]] = {
    "edc_forms_20250630.xlsx": (
        Form("EX", (
            *SUBJECT, Field("序号", "SEQ", "EXSEQ", number=True), Field("研究药物", "TRT", "EXTRT"),
            Field("剂量(10^6/kg)", "DOSE", "EXDOSE", number=True), Field("开始时间", "STDT", "EXSTDTC"),
            Field("结束时间", "ENDT", "EXENDTC"), *VISIT,
        ), "输注记录"),
        Form("CM", (
            *SUBJECT, Field("序号", "SEQ", "CMSEQ", number=True), Field("药物名称", "TRT", "CMTRT"),
            Field("通用名", "DECOD", "CMDECOD"), Field("用药目的", "CAT", "CMCAT"),
            Field("单次剂量(mg)", "DOSE", "CMDOSE", number=True), Field("途径", "ROUTE", "CMROUTE", "route"),
            *_dates("CM"), Field("频次", "FRQ", "CMDOSFRQ"), Field("适应症", "INDC", "CMINDC"),
        ), "合并用药"),
        Form("MH", (*SUBJECT, *_terms("MH"), *_dates("MH")), "既往病史"),
        Form("CE", (*SUBJECT, *_terms("CE"), *_dates("CE")), "临床事件"),
        Form("PR", (
            *SUBJECT, Field("操作名称", "TRT", "PRTRT"), Field("标准名称", "DECOD", "PRDECOD"),
            Field("类别", "CAT", "PRCAT"), *_dates("PR", ongoing=False),
        ), "医疗操作"),
        Form("DS", (
            *SUBJECT, Field("类别", "CAT", "DSCAT"), Field("描述", "TERM", "DSTERM"),
            Field("研究状态", "DECOD", "DSDECOD", "milestone"), Field("日期", "DT", "DSSTDTC"),
        ), "研究状态"),
        Form("DV", (
            *SUBJECT, Field("偏离描述", "TERM", "DVTERM"), Field("偏离代码", "DECOD", "DVDECOD"),
            Field("偏离类别", "CAT", "DVCAT"), Field("日期", "DT", "DVSTDTC"),
        ), "方案偏离"),
        Form("IE", (*SUBJECT, Field("评估日期", "DT", "IEDTC")), "入排标准", items="criteria"),
        Form("SS", (
            *SUBJECT, Field("生存状态", "STAT", "SSORRES", "alive"), Field("随访日期", "DT", "SSDTC"),
        ), "生存随访"),
        Form("SV", (*SUBJECT, *VISIT, Field("访视日期", "DT", "SVSTDTC")), "访视日期"),
        Form("QS", (*SUBJECT, Field("问卷", "TEST", "QSTESTCD"), Field("得分", "RES", "QSORRES")), "问卷"),
        Form("IS", (*SUBJECT, Field("项目", "TEST", "ISTESTCD"), Field("结果", "RES", "ISORRES")), "免疫原性"),
        Form("MB", (*SUBJECT, Field("项目", "TEST", "MBTESTCD"), Field("结果", "RES", "MBORRES")), "微生物"),
        Form("SU", (*SUBJECT, Field("物质", "TRT", "SUTRT"), Field("类别", "CAT", "SUCAT")), "烟酒史"),
        Form("SUPPDM", (*SUBJECT, Field("原筛选号", "OLD", "QVAL")), "重新筛选"),
    ),
    "edc_assessments_20250630.xlsx": (
        Form("FA", (*SUBJECT, *VISIT, Field("评估时间", "DT", "FADTC")), "GVHD体征", items="findings"),
        Form("RS", (
            *SUBJECT, *VISIT, Field("评估时间", "DT", "RSDTC"), Field("量表", "CAT", "RSCAT"),
            Field("评估项目", "TEST", "RSTESTCD", "organ"), Field("评估结果", "RES", "RSORRES"),
        ), "分期与疗效"),
        Form("VS", (
            *SUBJECT, *VISIT, Field("测量时间", "DT", "VSDTC"), Field("测量时点", "TPT", "VSTPT", "timing"),
            Field("项目", "TEST", "VSTESTCD", "vital"), Field("测量值", "RES", "VSORRES"),
            Field("单位", "UNIT", "VSORRESU"),
        ), "生命体征"),
    ),
    "lab_results_20250630.xlsx": (
        Form("LB", (*SUBJECT, *VISIT, Field("采样时间", "DT", "LBDTC")), "检验结果", items="lab", limits=True),
    ),
}  # fmt: skip


# ----------------------------------------------------------------------------------------------------

SITE_EXPORT_CUT = "2025-06-30"
MADE = datetime(2025, 7, 1)
_DAY = re.compile(r"(\d{4})-(\d{2})-(\d{2})")
_MOMENT = re.compile(r"(\d{4})-(\d{2})-(\d{2})T(\d{2}:\d{2})")
Frames = Mapping[str, pd.DataFrame]
Cell = str | float | date | datetime


def write_site_export(out: Path, seed: int = SEED, cut: str = SITE_EXPORT_CUT) -> None:
    """Writes the site export of a demo cut into a folder: two CSV files in GB18030, workbooks, and a README.

    The same seed gives the same cells; the bytes of a workbook may differ between versions of the compression.
    """
    frames = simulate_trial(seed, SUBJECTS).frames(date.fromisoformat(cut), DEMO_CUTS[cut])
    frames["AE"] = _with_decision(frames["AE"], frames["SUPPAE"])
    out.mkdir(parents=True, exist_ok=True)
    for name, form in CSV_FORMS.items():
        (out / name).write_bytes(_csv(form, frames))
    for name, forms in BOOKS.items():
        _write_book(out / name, forms, frames)
    told = f"# Site export of the demo trial\n\n{NOTICE}\n\nThe records of data/demo/{cut}, as an EDC exports them.\n"
    (out / "README.md").write_text(told, encoding="utf-8", newline="\n")
    write_declaration(out, site_export_of=cut)


def _with_decision(ae: pd.DataFrame, suppae: pd.DataFrame) -> pd.DataFrame:
    """The events with the committee's decision on their own form."""
    decided = suppae.set_index(["USUBJID", "IDVARVAL"])["QVAL"].to_dict()
    keys = zip(ae["USUBJID"], ae["AESEQ"], strict=True)
    return ae.assign(AEDLT=[decided.get(key, "") for key in keys])


def form_rows(form: Form, frames: Frames) -> list[list[Cell]]:
    """The cells of one form, its header rows first."""
    if form.items:
        return _wide(form, frames[form.domain])
    header: list[list[Cell]] = [[f.label for f in form.fields], [f.code for f in form.fields]]
    rows = frames[form.domain].to_dict("records")
    return header + [[_cell(field, row, form.typed) for field in form.fields] for row in rows]


def _wide(form: Form, frame: pd.DataFrame) -> list[list[Cell]]:
    """One row per subject and moment, one column per test, with its limits beside it where the form has them."""
    items = ITEMS[form.items]
    tail = [(name, f"{label}{suffix}", f"{name}_{code}")
            for name, label in items.items() if form.limits and name in LAB_TESTS
            for suffix, code in (("参考下限", "LO"), ("参考上限", "HI"))]  # fmt: skip
    labels = [f.label for f in form.fields] + list(items.values()) + [label for _, label, _ in tail]
    codes = [f.code for f in form.fields] + list(items) + [code for _, _, code in tail]
    test, result = f"{form.domain}TESTCD", f"{form.domain}ORRES"
    rows: list[list[Cell]] = []
    same = list(dict.fromkeys(field.variable.partition(".")[0] for field in form.fields))
    for _, sample in frame.groupby(same, sort=False):
        by_test = {row[test]: row for row in sample.to_dict("records")}
        cells = [_cell(field, next(iter(by_test.values())), form.typed) for field in form.fields]
        cells += [_result(by_test[name][result], form.items) if name in by_test else "" for name in items]
        limits = {"LO": f"{form.domain}ORNRLO", "HI": f"{form.domain}ORNRHI"}
        cells += [_result(by_test.get(name, {}).get(limits[code[-2:]], ""), form.items) for name, _, code in tail]
        rows.append(cells)
    return [list(labels), list(codes), *rows]


def _result(text: str, items: str) -> Cell:
    """A result as it is entered: a Chinese word, a number, or of the laboratory, whose `13.0` is no `13`, its text."""
    plain = items != "lab" and re.fullmatch(r"-?\d+(\.\d+)?", text)
    return float(text) if plain else WORDS["result"].get(text, text)


def _cell(field: Field, row: Mapping[str, str], typed: bool) -> Cell:
    text = row.get(field.variable, "") if field.variable else field.words
    if field.variable in ("USUBJID.site", "USUBJID.number"):
        _, site, number = row["USUBJID"].rsplit("-", 2)
        text = site if field.variable.endswith("site") else number
        # A workbook takes subject numbers for numbers, and their zeros are lost.
        return float(text) if typed else text
    if field.variable and field.words:
        return WORDS[field.words].get(text, text)
    if field.variable.endswith("DTC"):
        return _date(text, typed)
    if field.number and typed and text:
        return float(text)
    return text


def _date(text: str, typed: bool) -> Cell:
    """A date as a day of the spreadsheet, or in Chinese; a partial one as text in both."""
    moment, day = _MOMENT.fullmatch(text), _DAY.fullmatch(text)
    if typed and moment:
        return datetime.fromisoformat(text)
    if typed and day:
        return date.fromisoformat(text)
    if moment:
        year, month, day_of_month, clock = moment.groups()
        return f"{year}年{int(month)}月{int(day_of_month)}日 {clock}"
    if day:
        return f"{day[1]}年{int(day[2])}月{int(day[3])}日"
    return f"{text}-UN" if re.fullmatch(r"\d{4}-\d{2}", text) else text


def _csv(form: Form, frames: Frames) -> bytes:
    buffer = io.StringIO(newline="")
    csv.writer(buffer, lineterminator="\r\n").writerows(form_rows(form, frames))
    return buffer.getvalue().encode("gb18030")


def _write_book(path: Path, forms: Sequence[Form], frames: Frames) -> None:
    book = xlsxwriter.Workbook(path, {"strings_to_formulas": False, "strings_to_urls": False})
    book.set_properties({"created": MADE})
    day, moment = (book.add_format({"num_format": form}) for form in ("yyyy/m/d", "yyyy/m/d hh:mm"))
    for form in forms:
        sheet = book.add_worksheet(form.sheet)
        for r, row in enumerate(form_rows(form, frames)):
            for c, cell in enumerate(row):
                if isinstance(cell, datetime):
                    sheet.write_datetime(r, c, cell, moment)
                elif isinstance(cell, date):
                    sheet.write_datetime(r, c, cell, day)
                elif isinstance(cell, float):
                    sheet.write_number(r, c, cell)
                elif cell:
                    sheet.write_string(r, c, cell)
    book.close()
