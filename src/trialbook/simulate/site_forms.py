"""The forms of the imagined EDC: which variable stands under which Chinese header, in which words, in which file."""

from __future__ import annotations

from typing import NamedTuple


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
    """One form: its domain, its sheet, its columns; `items` names the tests that stand beside each other in a row."""

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
