"""The words by which columns, tests and forms of foreign exports are recognised: SDTM, CDASH, English, Chinese."""

from __future__ import annotations

import re
import unicodedata

# What a variable is called, without the prefix of its domain (or with it), plain: small letters, no signs.
TOPICS: dict[str, str] = {
    "TERM": "term name verbatim event 名称 不良事件名称 不良事件 事件名称 诊断 疾病名称 偏离描述 描述",
    "TRT": "trt drug medication treatment procedure 药物名称 药品名称 研究药物 操作名称",
    "DECOD": "decod pt preferredterm termpt 首选语 标准名称 通用名 研究状态",
    "BODSYS": "bodsys soc termsoc systemorganclass 系统器官分类",
    "TOXGR": "toxgr grade gr ctcaegrade severitygrade 分级 ctcae分级 级别",
    "SER": "ser serious sae 是否sae 是否严重 严重不良事件",
    "SDTH": "sdth death resultsindeath 导致死亡", "SLIFE": "slife lifethreatening 危及生命",
    "SHOSP": "shosp hospitalisation hospitalization 住院 导致住院", "SDISAB": "sdisab disability 致残",
    "SCONG": "scong congenital 先天异常", "SMIE": "smie 其他重要医学事件",
    "REL": "rel relation relationship causality 与研究药物关系 相关性 因果关系",
    "ACN": "acn action actiontaken 采取的措施 措施", "OUT": "out outcome 转归 结局",
    "STDTC": "stdtc stdat stdtm start startdate onset onsetdate st 开始日期 开始时间 infusiondate dosedate dosingdate "
    "administrationdate 发生日期 给药日期 输注日期",
    "ENDTC": "endtc endat endtm end enddate stopdate en 结束日期 结束时间 停止日期",
    "ENRTPT": "enrtpt ongo ongoing 是否持续", "SEQ": "seq 序号 recordposition", "SPID": "spid id 事件编号 编号",
    "DOSE": "dose 剂量 单次剂量", "DOSU": "dosu doseunit 剂量单位", "ROUTE": "route 途径 给药途径",
    "CAT": "cat category 类别", "TESTCD": "testcd test analyte analytename 项目 检验项目 评估项目",
    "ORRES": "orres result value analytevalue res 结果 检验结果 测量值 评估结果",
    "ORRESU": "orresu unit units labunits 单位", "ORNRLO": "ornrlo low lablow 下限 参考下限 参考值下限",
    "ORNRHI": "ornrhi high labhigh 上限 参考上限 参考值上限",
    "DTC": "dtc dat dtm date datetime 日期 时间 采样时间 采样日期 评估日期 评估时间 测量时间 随访日期 检验日期",
}  # fmt: skip
DEMOGRAPHICS: dict[str, str] = {
    "RFICDTC": "rficdtc rficdat icdat icdate consentdate informedconsentdate dateofconsent 知情同意日期 签署日期",
    "BRTHDTC": "brthdtc brthdat birthdat birthdate dob dateofbirth 出生日期", "AGE": "age 年龄",
    "SEX": "sex gender 性别", "RACE": "race 种族 民族",
    "ARMCD": "armcd arm cohort doselevel 组别 计划组别 剂量组 分组",
    "ACTARMCD": "actarmcd actarm cohact cohortact actualcohort 实际组别",
    "DTHDTC": "dthdtc dthdat deathdate dateofdeath 死亡日期", "DTHFL": "dthfl dth dthyn died 是否死亡",
}  # fmt: skip
VISITS: dict[str, str] = {
    "VISIT": "visit visitname instancename exvis exvisit lbvisit vsvisit 访视 访视名称",
    "VISITNUM": "visitnum visitnumber exvisn exvisitnum lbvisitnum folderseq 访视序号",
}
# The first that a table has names the subject, or the site.
SUBJECT = [
    "usubjid",
    "subjid",
    "subject",
    "studysubjectid",
    "受试者编号",
    "受试者id",
    "recordid",
    "subjectid",
    "受试者号",
    "筛选号",
    "编号",
    "id",
]
SITE = ["sitenumber", "siteid", "site", "centre", "center", "中心编号", "中心号", "研究中心"]
FORMS: dict[str, str] = {
    "DM": "dm demog subject demographics 受试者 人口学", "EX": "ex exposure infusion dosing dose 输注 给药",
    "AE": "ae adverse aes 不良事件", "LB": "lb lab labs laboratory 检验 化验 实验室", "VS": "vs vital 生命体征",
    "CM": "cm conmed medication 合并用药", "MH": "mh history 病史", "DS": "ds disposition completion 研究状态 完成",
    "PR": "pr procedure 操作", "CE": "ce 临床事件", "SS": "ss survival 生存", "RS": "rs response gvhd 疗效 分期",
    "DV": "dv deviation 偏离", "IE": "ie eligibility 入排", "FA": "fa findings",
    "SV": "sv visits 访视日期", "QS": "qs questionnaire 问卷",
}  # fmt: skip
TESTS: dict[str, str] = {
    "ALT": "alt sgpt alat 谷丙转氨酶 丙氨酸氨基转移酶", "AST": "ast sgot asat 谷草转氨酶 天门冬氨酸氨基转移酶",
    "BILI": "bili tbil bilirubin 总胆红素", "ALP": "alp 碱性磷酸酶", "GGT": "ggt 谷氨酰转肽酶",
    "CREAT": "creat crea creatinine 肌酐", "BUN": "bun 尿素氮", "UREA": "urea 尿素", "INR": "inr 国际标准化比值",
    "ALB": "alb albumin 白蛋白", "K": "k potassium 血钾 钾", "SODIUM": "na sodium 血钠 钠",
    "HGB": "hgb hb haemoglobin hemoglobin 血红蛋白", "PLAT": "plat plt platelets 血小板 血小板计数",
    "NEUT": "neut anc neutrophils 中性粒细胞", "LYM": "lym lymphocytes 淋巴细胞", "WBC": "wbc leukocytes 白细胞",
}  # fmt: skip
VITALS: dict[str, str] = {
    "WEIGHT": "weight wt 体重", "HEIGHT": "height ht 身高", "TEMP": "temp temperature 体温",
    "SYSBP": "sysbp sbp systolic 收缩压", "DIABP": "diabp dbp diastolic 舒张压",
    "PULSE": "pulse hr heartrate 脉搏 心率",
    "OXYSAT": "oxysat spo2 血氧饱和度",
}  # fmt: skip
# Columns of the systems themselves: no data of a trial.
SYSTEM_COLUMNS = [
    "projectid",
    "project",
    "studyid",
    "environmentname",
    "studysiteid",
    "site",
    "siteid",
    "sitegroup",
    "instanceid",
    "instancerepeatnumber",
    "folderid",
    "folder",
    "foldername",
    "targetdays",
    "datapageid",
    "datapagename",
    "pagerepeatnumber",
    "recorddate",
    "recordid",
    "mincreated",
    "maxupdated",
    "savets",
    "studyenvsitenumber",
    "redcapeventname",
    "redcaprepeatinstance",
    "redcapdataaccessgroup",
    "redcaprepeatinstrument",
    "redcapsurveyidentifier",
    "protocolid",
    "personid",
    "录入人",
]
YES_NO = {"是": "Y", "否": "N", "有": "Y", "无": "N", "yes": "Y", "no": "N", "y": "Y", "n": "N"}
SEXES = {"男": "M", "女": "F", "male": "M", "female": "F", "m": "M", "f": "F"}
_IN_BRACKETS = re.compile(r"[(\[（].*?[)\]）]")
_ITEM = re.compile(r"_e(\d+)_c(\d+)(?:_(\d+))?$")


def plain(name: str) -> str:
    """A header as it is looked up: small letters without signs, units in brackets and marks of an event.

    >>> plain("Study Subject ID"), plain("谷丙转氨酶(U/L)"), plain("ALT_E1_C3"), plain("AESTDAT_RAW")
    ('studysubjectid', '谷丙转氨酶', 'alt', 'aestdat')
    """
    text = _ITEM.sub("", _IN_BRACKETS.sub("", unicodedata.normalize("NFKC", name).casefold()))
    text = re.sub(r"_(raw|std)$", "", text)
    return "".join(sign for sign in text if sign.isalnum())


def _by_word(words: dict[str, str]) -> dict[str, str]:
    return {word: name for name, listed in words.items() for word in listed.split()}


_TOPIC, _DM, _VISIT = _by_word(TOPICS), _by_word(DEMOGRAPHICS), _by_word(VISITS)
_TEST, _VITAL = _by_word(TESTS), _by_word(VITALS)


def variable_of(name: str, code: str, known: list[str]) -> str | None:
    """The variable of a domain that a header names; None where it names none.

    >>> variable_of("ae_start", "AE", ["AESTDTC"]), variable_of("性别", "DM", ["SEX"])
    ('AESTDTC', 'SEX')
    """
    text = plain(name)
    if text.upper() in known:
        return text.upper()
    found = _VISIT.get(text) or (_DM.get(text) if code == "DM" else None)
    if found is None and code != "DM":
        bare = text.removeprefix(code.casefold())
        topic = _TOPIC.get(bare) or _TOPIC.get(text)
        # A form with one date dates its event.
        topic = "STDTC" if topic == "DTC" and f"{code}DTC" not in known else topic
        found = f"{code}{topic}" if topic else None
    return found if found in known else None


def test_of(name: str, code: str) -> str | None:
    """The test of LB or VS that a header names; None where it names none.

    >>> test_of("谷丙转氨酶(U/L)", "LB"), test_of("wt", "VS"), test_of("visit", "LB")
    ('ALT', 'WEIGHT', None)
    """
    return (_TEST if code == "LB" else _VITAL if code == "VS" else {}).get(plain(name))


def form_of(name: str) -> str | None:
    """The domain that the name of a file, sheet or instrument speaks of.

    >>> form_of("adverse_event"), form_of("检验结果"), form_of("notes")
    ('AE', 'LB', None)
    """
    text = unicodedata.normalize("NFKC", name).casefold()
    words = re.split(r"[^a-z]+", text)
    for code, listed in FORMS.items():
        for word in listed.split():
            near = any(one.startswith(word) for one in words) if len(word) > 3 else word in words
            if near if word.isascii() else word in text:
                return code
    return None


def is_of_the_system(name: str) -> bool:
    """Whether a column is one that the system writes of its own, such as keys and times of saving."""
    return plain(name) in SYSTEM_COLUMNS or name.casefold().endswith(("_complete", "_yyyy", "_mm", "_dd"))


def event_and_repeat(name: str) -> tuple[str, str, str] | None:
    """Event, form and repeat (blank where there is none) in the name of an item; None for another name.

    >>> event_and_repeat("AETERM_E9_C5_2"), event_and_repeat("ALT")
    (('9', '5', '2'), None)
    """
    found = _ITEM.search(name.casefold())
    return (found[1], found[2], found[3] or "") if found else None
