"""Questions to the site that the audit raises: contradictions, treated violations, gaps and doubtful records."""

from __future__ import annotations

from typing import Any

import pandas as pd

from trialbook.core.domains import Domains
from trialbook.eligibility.registry import undelivered_cause
from trialbook.protocol.models import Protocol
from trialbook.queries.query_list import CONSEQUENCE, Query, query

# A doubt in the data: rule, field, severity, the question in English and in Chinese.
DOUBTS: dict[str, tuple[str, str, str, str, str]] = {
    "NO-LIMIT": (
        "P15-LB-LIMIT-MISSING", "LBORNRHI", "major",
        "The upper limit of normal is missing on this result, so the criterion cannot be evaluated.",
        "该结果缺少正常值上限，无法评估此标准。",
    ),
    "MIXED-LIMIT": (
        "P13-LB-LIMIT-OF-OTHER-TEST", "LBORNRHI", "major",
        "The upper limit does not belong to this test and unit (urea and urea nitrogen mixed?).",
        "正常值上限与检验项目及单位不符（尿素与尿素氮混用？）。",
    ),
    "CENSORED": (
        "P14-LB-BOUND-UNDECIDED", "LBORRES", "major",
        "The result is given only as a bound, which does not decide the criterion.",
        "结果仅为界限值，无法判定此标准。",
    ),
    "UNIT": (
        "P13-LB-UNIT-UNKNOWN", "LBORRESU", "major",
        "The unit of this result is missing or not known.",
        "该结果的单位缺失或无法识别。",
    ),
    "SIZE-MISSING": (
        "P32-VS-SIZE-MISSING", "VSDTC", "major",
        "Weight, height, age or sex needed for the creatinine clearance is missing or too old.",
        "计算肌酐清除率所需的体重、身高、年龄或性别缺失或过期。",
    ),
    "FORMS-DIFFER": (
        "P13-LB-CLEARANCE-FORMS-DIFFER", "LBORRES", "minor",
        "Two forms of the clearance formula fall on different sides of the limit.",
        "两种形式的清除率公式结果位于界限两侧，请核实。",
    ),
    "INDETERMINATE": (
        "P14-LB-INDETERMINATE", "LBORRES", "major",
        "The result is neither positive nor negative. Please repeat or clarify.",
        "结果既非阳性也非阴性，请复查或说明。",
    ),
    "DNA-WITHOUT-HBSAG": (
        "ELIG-HBV-DNA-WITHOUT-HBSAG", "LBORRES", "major",
        "HBV-DNA is detected although HBsAg is negative. Please check.",
        "HBsAg 阴性但检出 HBV-DNA，请核实。",
    ),
    "HCG-MISSING": (
        "ELIG-HCG-MISSING", "LBORRES", "major",
        "A pregnancy test is required and missing in the window.",
        "窗口期内缺少必需的妊娠试验。",
    ),
    "SEX-NOT-KNOWN": (
        "ELIG-SEX-NOT-KNOWN", "SEX", "major",
        "The sex of the subject is not known, so that this result cannot be judged.",
        "受试者性别不明，无法据此结果判定。",
    ),
    "HAEMOLYSED": (
        "ELIG-HAEMOLYSED-SAMPLE", "LBORRES", "minor",
        "The value above the limit comes from a haemolysed sample. It counts; please repeat or comment.",
        "超限结果来自溶血标本，仍按超限计，请复查或说明。",
    ),
    "HYPERTENSION": (
        "ELIG-PRESSURE-ON-THREE-CLASSES", "VSORRES", "minor",
        "Blood pressure is high on three or more classes of drugs with a diuretic. Is it resistant hypertension?",
        "使用三类及以上降压药（含利尿剂）血压仍偏高，是否为难治性高血压？",
    ),
    "ENTERIC-PATHOGEN": (
        "ELIG-ENTERIC-PATHOGEN", "MBORRES", "major",
        "An enteric pathogen is found while there is diarrhoea. Are the symptoms caused by GVHD?",
        "腹泻期间检出肠道病原体，请核实症状是否由GVHD引起。",
    ),
    "PROCEDURE-BEFORE-CONSENT": (
        "ELIG-PROCEDURE-BEFORE-CONSENT", "DTC", "major",
        "A procedure of the screening visit is dated before consent, or its date leaves that open.",
        "筛选访视操作早于知情同意，或其日期不足以判定先后。",
    ),
    "PROTOCOL-VERSION": (
        "ELIG-PROTOCOL-VERSION", "RFICDTC", "major",
        "The date of consent leaves open which protocol version holds, and the versions differ for this criterion.",
        "知情同意日期不足以判定适用的方案版本，且各版本对此标准的结论不同。",
    ),
    "DATES-OR-GRADE": (
        "ELIG-RECORD-LEFT-OPEN", "STDTC", "minor",
        "Dates or grade of this record leave the criterion open.",
        "该记录的日期或分级不足以判定此标准。",
    ),
    "CONSENT-DATE": (
        "P05-DM-CONSENT-DATE", "RFICDTC", "major",
        "Consent before the first infusion is not proved by complete dates. Dates of consent are never imputed.",
        "现有日期不足以证明知情同意早于首次输注。该日期不作填补。",
    ),
    "GUARDIAN": (
        "ELIG-GUARDIAN-OR-ASSENT", "DSSTDTC", "minor",
        "The dated signature of the guardian, or the assent of the child, is not in the data.",
        "数据中没有监护人签名日期或患儿同意记录。",
    ),
    "AGE": (
        "P06-DM-AGE-UNDECIDED", "BRTHDTC", "major",
        "The age at consent cannot be decided. Please complete birth date and consent date.",
        "无法确定知情同意时的年龄，请补全出生日期和知情同意日期。",
    ),
    "NO-SUCH-SCORE": (
        "P27-RS-NO-SUCH-SCORE", "RSORRES", "major",
        "This performance score does not exist.",
        "该体能评分不存在。",
    ),
    "ORGAN-MISSING": (
        "P27-RS-ORGAN-MISSING", "RSORRES", "major",
        "An organ stage before the infusion is missing, so that the grade at enrolment is open.",
        "输注前缺少器官分期，无法确定入组时的分级。",
    ),
    "GRADE-DIFFERS": (
        "P28-RS-GRADE-DIFFERS", "RSORRES", "minor",
        "The investigator's grade differs from the grade by organ stages. The latter is used.",
        "研究者分级与按器官分期得出的分级不一致，采用后者。",
    ),
}  # fmt: skip
# Marks that a reader should see and that ask nothing of the site.
REMARKS = ("HBSAG-CARRIER",)


def eligibility_queries(
    adie: pd.DataFrame, adsl: pd.DataFrame, domains: Domains | None = None, protocol: Protocol | None = None
) -> list[Query]:
    """Questions in order of subject and criterion.

    CONFLICT always; a criterion not met, or not evaluable, of an infused subject; and every doubt that a record raises.
    Where a criterion is not evaluable only because a domain was not delivered, the domain is asked about once, for all
    subjects and criteria (told by `domains` and `protocol`; without them every cell is asked about).
    """
    infused = set(adsl.loc[adsl["SAFFL"].eq("Y"), "USUBJID"])
    asked: list[Query] = []
    if domains is not None and protocol is not None:
        cause = undelivered_cause(adie, domains, protocol)
        unknown = cause.ne("")
        left_open = unknown & adie["USUBJID"].isin(infused)
        asked += _not_delivered(adie[left_open], cause[left_open])
        adie = adie[~unknown]
    for row in adie.itertuples():
        asked += _about_result(row, row.USUBJID in infused)
        asked += _about_record(row)
    return asked


def _not_delivered(rows: pd.DataFrame, cause: pd.Series) -> list[Query]:
    """For each domain that was not delivered: which criteria of how many infused subjects it leaves open."""
    asked, order = [], sorted(rows["CRITCD"].unique(), key=lambda code: (code[:2] != "IN", code))
    for domain, own in rows.groupby(cause, sort=True):
        criteria = ", ".join(code for code in order if code in set(own["CRITCD"]))
        people = own["USUBJID"].nunique()
        asked.append(query(
            CONSEQUENCE, "", str(domain), severity="minor", observed="domain not delivered", expected="the domain",
            message_en=f"Without it {criteria} cannot be evaluated for {people} infused subject"
            f"{'' if people == 1 else 's'}.",
            message_zh=f"缺少该数据域，{people} 名已输注受试者的 {criteria} 无法评估。",
        ))  # fmt: skip
    return asked


def _about_result(row: Any, infused: bool) -> list[Query]:
    if row.RESULT == "CONFLICT":
        return [
            _on_form(
                row, "P33-IE-CONFLICT", "major",
                "the answer on the eligibility form contradicts the data. Please check both.",
                "入排标准表的答案与数据矛盾，请核实。",
            )
        ]  # fmt: skip
    if infused and row.RESULT in ("FAIL", "ATT-FAIL"):
        return [
            _on_form(
                row, "P33-IE-VIOLATION", "major",
                "the subject was infused although the criterion is not met. Please record the deviation.",
                "受试者不符合该标准但已接受输注，请记录方案偏离。",
            )
        ]  # fmt: skip
    if infused and row.RESULT in ("NE", "PENDING") and row.FLAG in ("", *REMARKS):
        return [
            _on_form(
                row, "P33-IE-NOT-EVALUABLE", "minor",
                "the criterion cannot be evaluated from what was delivered.",
                "现有数据不足，无法评估该标准。",
            )
        ]  # fmt: skip
    return []


def _on_form(row: Any, rule: str, severity: str, english: str, chinese: str) -> Query:
    return query(
        rule, row.USUBJID, "IE", record=f"CRITCD={row.CRITCD}", field="IEORRES", severity=severity,
        observed=f"form {row.FORMANSWER or 'blank'}; {row.EVIDENCE}", expected=row.RULE,
        message_en=f"{row.CRITCD}: {english}", message_zh=f"{row.CRITCD}：{chinese}",
    )  # fmt: skip


def _about_record(row: Any) -> list[Query]:
    if row.FLAG == "" or row.FLAG in REMARKS:
        return []
    rule, field, severity, english, chinese = DOUBTS[row.FLAG]
    domain = row.SRCDOM or "IE"
    record = "" if domain == "DM" else f"CRITCD={row.CRITCD}" if pd.isna(row.SRCSEQ) else f"{domain}SEQ={row.SRCSEQ}"
    asked = query(
        rule, row.USUBJID, domain, record=record, field=field, severity=severity, observed=row.EVIDENCE,
        expected=row.RULE, message_en=f"{row.CRITCD}: {english}", message_zh=f"{row.CRITCD}：{chinese}",
    )  # fmt: skip
    return [asked]
