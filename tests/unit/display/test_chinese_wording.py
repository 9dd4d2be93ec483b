"""The Chinese texts keep to the style and to the terms of docs/glossary.md."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from trialbook.core.messages import places
from trialbook.core.translations import CHINESE_TEXTS, Entry, read_entries
from trialbook.display.catalogue import LIBRARY, PROJECT

HAN = r"[\u4e00-\u9fff]"
WIDE = "，。；：？！（）、“”"
# One rendering per term: what is not written, and what is written for it (docs/glossary.md).
FORBIDDEN = {
    "应答": "疗效 or 缓解", "不可评估": "不可评价", "无法评估": "不可评价", "可评估": "可评价", "剂量水平": "剂量组",
    "疑问": "质疑", "加速报告": "快速报告", "研究药物": "研究产品", "类固醇": "激素", "试验对象": "受试者",
    "病人": "患者", "转归": "结局", "安全性集": "安全性分析集", "毒性限制": "剂量限制性毒性", "截尾": "删失",
    "死亡标志": "死亡标记", "笔记本": "页", "审计": "核查", "伴随事件": "伴发事件", "并发事件": "伴发事件",
    "估计量": "估计目标", "反应率": "缓解率", "有效率": "缓解率", "总生存率": "总生存期",
}  # fmt: skip
# Terms that are said in Chinese wherever an id has them as a whole word.
TERMS = {
    "confidence interval": "置信区间", "informed consent": "知情同意", "adverse event": "不良事件",
    "Overall survival": "总生存", "cumulative incidence": "累积发生率", "DLT window": "观察期",
    "dose escalation": "剂量递增", "deviations": "偏离", "estimands": "估计目标", "donor lymphocyte": "供者淋巴细胞",
    "bilirubin": "胆红素", "relapse": "复发", "haematological": "血液学", "clinical review": "临床审查",
    "committee": "委员会", "re-screened": "重新筛选", "pending": "待定",
}  # fmt: skip


def entries() -> list[Entry]:
    return list(read_entries((LIBRARY / CHINESE_TEXTS).read_text(encoding="utf-8")))


def faults_of_style(text: str) -> list[str]:
    """What is wrong in a Chinese text by "How Chinese is written here" of the glossary."""
    prose = re.sub(r"`[^`]*`", "", re.sub(r"(?m)^#+ (?:[^\s\u4e00-\u9fff]+ )?(?:步骤\d+ )?", "", text))
    prose = re.sub(r"\{[^}]*\}", "X", prose)
    if not re.search(HAN, prose):
        return []
    wrong = {
        "half-width punctuation": rf"{HAN}[,;:!?]|[,;:!?]{HAN}|\.\.\.|(?<!\d)\.$",
        "half-width brackets around Chinese": rf"\([^()]*{HAN}[^()]*\)|{HAN}\(",
        "straight quotation marks": r"[\"']",
        "a space beside Chinese": rf"(?:{HAN}|[{WIDE}]) +\S|\S +(?:{HAN}|[{WIDE}])",
        "two marks in a row": r"[，。；：、]{2}",
    }
    return [name for name, pattern in wrong.items() if re.search(pattern, prose)]


def test_every_text_has_a_translation_and_none_is_fuzzy():
    assert [entry.msgid for entry in entries() if not entry.said or entry.fuzzy] == []


def test_a_translation_has_the_places_of_its_text():
    for entry in entries():
        assert places(entry.said) == places(entry.msgid) | places(entry.plural), entry.msgid


@pytest.mark.parametrize(
    "text",
    ["完全缓解(CR)为0", "第 28 天", "说明: {text}", "尚无数据.", "他说\"好\"", "结束。。", "{n} 名受试者"],
)  # fmt: skip
def test_a_fault_of_style_is_found(text: str):
    assert faults_of_style(text)


def test_texts_keep_to_the_style():
    faults = {entry.said: faults_of_style(entry.said) for entry in entries() if entry.said != entry.msgid}
    assert {said: wrong for said, wrong in faults.items() if wrong} == {}


def test_a_term_has_one_rendering():
    said = [entry.said for entry in entries() if entry.said != entry.msgid]
    assert {word: [text for text in said if word in text] for word in FORBIDDEN if any(word in t for t in said)} == {}
    for term, chinese in TERMS.items():
        for entry in entries():
            own = re.sub(r"\{[^}]*\}|\"[^\"]*\"", "", entry.msgid)
            if re.search(rf"\b{term}\b", own):
                assert chinese in entry.said, (term, entry.msgid, entry.said)


def test_the_glossary_says_the_terms_that_are_held_here():
    glossary = (PROJECT / "docs" / "glossary.md").read_text(encoding="utf-8")
    rows = [line.split("|") for line in glossary.splitlines() if line.count("|") == 5]
    chinese = "".join(row[2] for row in rows)
    for word in (
        "质疑",
        "受试者",
        "剂量组",
        "激素",
        "可评价",
        "观察期",
        "缓解",
        "结局",
        "快速报告",
        "数据截点",
        "删失",
    ):
        assert word in chinese, word
    marks = {mark.strip() for row in rows[2:] for mark in row[4].split(",")}
    assert marks <= {"C", "E", "G", "Q", "S", "?", "from", "---"}, marks


def _rules(part: object) -> list[tuple[str, str]]:
    """The rules of a contract with their Chinese."""
    if isinstance(part, list):
        return [pair for item in part for pair in _rules(item)]
    if not isinstance(part, dict):
        return []
    chinese = [p["value"] for p in part.get("customProperties") or [] if p.get("property") == "chinese"]
    own = [(part["description"], chinese[0])] if chinese else []
    return own + [pair for item in part.values() for pair in _rules(item)]


def _query_texts(part: object) -> list[tuple[str, str]]:
    """The texts of queries, English and Chinese."""
    if not isinstance(part, dict):
        return []
    own = [(part["en"], part["zh"])] if isinstance(part.get("en"), str) and isinstance(part.get("zh"), str) else []
    return own + [pair for item in part.values() for pair in _query_texts(item)]


@pytest.mark.parametrize(
    ("folder", "pairs_of"),
    [(PROJECT / "data_contracts", _rules), (LIBRARY / "queries" / "texts", _query_texts)],
    ids=["contracts", "queries"],
)  # fmt: skip
def test_what_a_query_says_in_chinese_is_what_the_page_says(folder: Path, pairs_of):
    said = {entry.msgid: entry.said for entry in entries()}
    pairs = [
        pair
        for path in sorted(folder.rglob("*.yaml"))
        for pair in pairs_of(yaml.safe_load(path.read_text(encoding="utf-8")))
    ]
    assert len(pairs) > 100
    assert {english: chinese for english, chinese in pairs if said.get(english, chinese) != chinese} == {}
