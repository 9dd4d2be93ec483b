"""Domains that were not delivered (P34): one question each, which says in words what depends on it (§14.2)."""

from __future__ import annotations

from typing import NamedTuple

from trialbook.cleaning.rules import RULES
from trialbook.domains import Domains
from trialbook.protocol.models import Protocol
from trialbook.results.queries import Query, query

RULE = "P34-DOMAIN-MISSING"


class _Use(NamedTuple):
    """What of an endpoint rests on a domain, in English and Chinese; `decides`: without it there is no result."""

    endpoint: str
    english: str
    chinese: str
    decides: bool = False


# By domain: what it holds, in English and Chinese, and its uses (domain document §14.2).
_USES: dict[str, tuple[str, str, tuple[_Use, ...]]] = {
    "DS": ("disposition", "受试者处置", (
        _Use("OS", "overall survival and follow-up", "总生存期与随访", True),
        _Use("ORR_D28", "response at day 28 (withdrawals)", "第28天应答（退出情况）", True),
        _Use("DLT", "who left the DLT window early", "剂量限制性毒性观察期内提前退出者"),
        _Use("ELIGIBILITY", "screen failures and consent", "筛选失败与知情同意"),
    )),
    "IE": ("eligibility form", "入排标准表", (
        _Use("ELIGIBILITY", "criteria that only the site can attest", "仅能由研究中心确认的入排标准"),
    )),
    "LB": ("laboratory results", "实验室检查", (
        _Use("TEAE", "laboratory tables, grades and shifts", "实验室检查表、分级与变化", True),
        _Use("ELIGIBILITY", "criteria judged by laboratory results", "依据实验室结果判断的入排标准"),
        _Use("ORR_D28", "liver stages from bilirubin", "由胆红素推导的肝脏分期"),
    )),
    "VS": ("vital signs", "生命体征", (
        _Use("DLT", "the dose per kg of infusions given as cells in total", "以细胞总数记录的输注的每公斤剂量"),
        _Use("ELIGIBILITY", "criteria judged by vital signs and body size", "依据生命体征和体格判断的入排标准"),
    )),
    "RS": ("GVHD stages and responses", "GVHD 分期与疗效评估", (
        _Use("ORR_D28", "response at day 28 and all that is derived from it", "第28天应答及由其推导的结果", True),
        _Use("ELIGIBILITY", "criteria on grade, steroid response and performance", "分级、激素疗效和体能状态的标准"),
    )),
    "CM": ("medication", "合并用药", (
        _Use("ORR_D28", "response at day 28 (new therapy cannot be ruled out)", "第28天应答（无法排除新的治疗）", True),
        _Use("OS", "failure-free survival", "无失败生存期", True),
        _Use("DLT", "who began another trial's drug", "开始使用其他试验药物者"),
        _Use("ELIGIBILITY", "criteria on steroids and prior therapy", "关于激素和既往治疗的入排标准"),
    )),
    "MH": ("medical history", "病史", (
        _Use("ELIGIBILITY", "criteria on history and current disease", "关于病史和现患疾病的入排标准"),
    )),
}  # fmt: skip


def missing_domain_queries(domains: Domains, protocol: Protocol) -> list[Query]:
    """One question for each optional domain that was not delivered and that an endpoint of the trial rests on.

    Major where a reported result is not evaluable without it. With the organ findings (FA) the response does not need
    the stages (RS).
    """
    asked = []
    for code, (english, chinese, uses) in _USES.items():
        if domains.delivered(code):
            continue
        own = [use for use in uses if protocol.has_endpoint(use.endpoint)]
        if code == "RS" and domains.delivered("FA"):
            own = [use for use in own if not use.decides]
        if own:
            asked.append(_query(code, (english, chinese), own))
    return asked


def _query(code: str, name: tuple[str, str], uses: list[_Use]) -> Query:
    english, chinese = "; ".join(use.english for use in uses), "；".join(use.chinese for use in uses)
    return query(
        RULE, "", code, severity="major" if any(use.decides for use in uses) else "minor", observed="",
        expected=RULES[RULE].expected,
        message_en=f"{code} ({name[0]}) was not delivered. Not evaluable without it: {english}.",
        message_zh=f"未提供数据域 {code}（{name[1]}）。缺少该数据域时不可评价：{chinese}。",
    )  # fmt: skip
