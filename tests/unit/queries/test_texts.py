"""The words of queries are data: complete in both languages, in one place, asked by id, and code of what shows them."""

from __future__ import annotations

import ast
import re
from collections import Counter

import pytest

from support.paths import ROOT
from trialbook.core.errors import ParameterError
from trialbook.queries.query_list import QueryTexts
from trialbook.queries.rule_texts import CHINESE, ENGLISH, Phrase, Texts, fill, placeholders, read_texts
from trialbook.workbook.import_closure import notebook_imports, reachable_files

SOURCE = ROOT / "src" / "trialbook"
FILES = sorted(path.relative_to(SOURCE).as_posix() for path in (SOURCE / "queries" / "texts").glob("*.yaml"))
MODULES = {path: path.read_text(encoding="utf-8") for path in sorted(SOURCE.rglob("*.py"))}
HAN = re.compile("[\u4e00-\u9fff]")


@pytest.mark.parametrize("file", FILES)
def test_every_rule_of_a_file_is_asked_by_a_module(file: str) -> None:
    area = Texts(file).area
    asking = "".join(text for path, text in MODULES.items() if path.name != "problems.py")
    assert [rule for rule in [*area.rules, *area.fixes] if f'"{rule}"' not in asking] == []
    assert len([*area.rules, *area.fixes, *area.phrases, *area.stops]) > 0


def test_a_rule_has_one_wording_whichever_part_of_the_trial_asks() -> None:
    worded = Counter(rule for file in FILES for rule in Texts(file).area.rules)
    assert {rule: count for rule, count in worded.items() if count > 1} == {}


@pytest.mark.parametrize("file", FILES)
def test_both_languages_say_something_and_the_second_is_chinese(file: str) -> None:
    area = Texts(file).area
    for name, text in area.rules.items():
        assert HAN.search(text.zh), name
        assert not HAN.search(text.en), name
        assert placeholders(text.en) == placeholders(text.zh), name
    for name, text in [*area.fixes.items(), *area.phrases.items()]:
        assert text.en, name
        assert not HAN.search(text.en), name


def test_no_module_holds_a_chinese_sentence() -> None:
    """Words that are read in data (units, codes, names of drugs) are no sentences."""
    found = [
        f"{path.relative_to(SOURCE)} line {node.lineno}"
        for path, text in MODULES.items()
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        and re.search("[\u4e00-\u9fff][^\n]*[。？]$", node.value) and not re.search(r"[\[(|]", node.value)
    ]  # fmt: skip
    assert found == []


RULE = "rules:\n  R:\n    en: {en}\n    zh: {zh}\n"
MISTAKES = {
    "no Chinese": ("rules:\n  R:\n    en: The date is missing.\n", "zh"),
    "blank Chinese": (RULE.format(en="a", zh='""'), "zh"),
    "unknown key": (RULE.format(en="a", zh="甲") + "    colour: red\n", "colour"),
    "unknown section": ("questions:\n  R: {}\n", "questions"),
    "no such severity": (RULE.format(en="a", zh="甲") + "    severity: grave\n", "severity"),
    "other placeholders": (RULE.format(en='"{count} records"', zh='"{number} 条记录"'), "zh"),
    "a brace too many": (RULE.format(en='"{count} records}"', zh='"{count} 条记录"'), "en"),
    "a rule twice": ("rules:\n  R:\n    en: a\n    zh: 甲\n  R:\n    en: b\n    zh: 乙\n", "R"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_in_a_file_is_one_line_with_its_line_and_key(name: str) -> None:
    text, key = MISTAKES[name]
    with pytest.raises(ParameterError) as caught:
        read_texts(text, "texts.yaml")
    assert caught.value.file == "texts.yaml"
    assert caught.value.row is not None
    assert str(caught.value.column).endswith(key)


def test_words_are_filled_in_their_language_once_and_in_number() -> None:
    what = Phrase("{n}", "记录")
    assert fill("{n} {n:record|records} of {what}", {"n": 1, "what": what}, ENGLISH) == "1 record of {n}"
    assert fill("{n} 条{what}", {"n": 3, "what": what}, CHINESE) == "3 条记录"
    with pytest.raises(KeyError):
        fill("{n}", {}, ENGLISH)
    assert Phrase.join(["A", what], ", ", "、") == Phrase("A, {n}", "A、记录")


def test_a_query_takes_from_its_rule_what_it_is_not_given() -> None:
    texts = QueryTexts("queries/texts/efficacy.yaml")
    usual = texts.query("P30-CM-PARTIAL-START", "S01", observed="death")
    assert (usual["domain"], usual["field"], usual["severity"]) == ("CM", "CMSTDTC", "major")
    other = texts.query("P30-CM-PARTIAL-START", "S01", "PR", severity="minor")
    assert (other["domain"], other["field"], other["severity"]) == ("PR", "PRSTDTC", "minor")
    with pytest.raises(KeyError):
        texts.query("NO-SUCH-RULE", "S01")


def test_a_text_is_code_of_the_notebooks_that_can_show_it_and_of_no_other() -> None:
    reached = {
        path.stem: {name.split("/")[-1].removesuffix(".yaml") for name in
                    reachable_files(notebook_imports(path.read_bytes())) if name.startswith("queries/texts/")}
        for path in sorted((ROOT / "notebooks").glob("*.ipynb"))
    }  # fmt: skip
    assert {"cleaning", "contracts", "lists"} <= reached["01_cleaning"]
    assert {name for name, texts in reached.items() if "eligibility" in texts} == {"02_eligibility"}
    assert {name for name, texts in reached.items() if "gvhd" in texts} == {"05_orr"}
    assert "efficacy" in reached["06_os"]
    assert "efficacy" in reached["04_dlt"]  # deaths and relapses may stop the trial
    assert "efficacy" not in reached["03_safety"]
    assert {name for name, texts in reached.items() if "shared" in texts} >= {"02_eligibility", "05_orr"}
    assert "safety" not in {name.split("/")[-1] for name in reachable_files(["trialbook.gvhd.queries"])}
    assert "queries/texts/contracts.yaml" in reachable_files(["trialbook.pipeline.contract_checks"])
    assert not [name for name in reachable_files(["trialbook.display.render"]) if "queries/texts/" in name]
