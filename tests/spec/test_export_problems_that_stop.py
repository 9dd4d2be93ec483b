"""The problems that stop a build: the message names file, row, column, value, rule and next step, in both languages."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from support.export_problems.checks import clean_export
from support.export_problems.export import A, B, Export, examine
from trialbook.cleaning import PROBLEMS
from trialbook.cleaning.problems import BY_NAME, CLASSES, TEXTS
from trialbook.core.errors import StopError
from trialbook.pipeline.cut_queue import STOPS as STOP_TEXTS
from trialbook.pipeline.cut_queue import in_chinese


class Stop(NamedTuple):
    """What is planted, and the place that the message must name."""

    rule: str
    plant: Callable[[Export], object]
    file: str
    row: str
    column: str


def twice_treated(e: Export) -> None:
    e.add("suppdm", B, RDOMAIN="DM", IDVAR="", QNAM="RESCREEN_OF", QVAL="001")


def without_column(e: Export) -> None:
    for row in e.rows["ae"]:
        del row["AESTDTC"]


STOPS = (
    Stop("P08-TREATED-TWICE", twice_treated, "suppdm.csv", "2", "QVAL"),
    Stop("P09-SUBJECT-TWICE", lambda e: e.rows["dm"].append(dict(e.of("dm"))), "dm.csv", "2 and 4", "USUBJID"),
    Stop("P09-SUBJECT-ALIKE", lambda e: e.add("dm", "iMSC-1"), "dm.csv", "2 and 4", "USUBJID"),
    Stop("P09-NOT-IN-DM", lambda e: e.add("sv", "iMSC-999", VISIT="DAY 0"), "sv.csv", "10", "USUBJID"),
    Stop("P11-NO-FIRST-INFUSION-DATE", lambda e: e.of("ex").update(EXSTDTC="2025-01"), "ex.csv", "2", "EXSTDTC"),
    Stop("P34-COLUMN-MISSING", without_column, "ae.csv", "1", "AESTDTC"),
    Stop("P34-NO-SUBJECT", lambda e: e.add("dm", "", SUBJID="003"), "dm.csv", "4", "USUBJID"),
    Stop("P37-IDENTIFIER", lambda e: e.of("dm").update(SITEID="13912773451"), "dm.csv", "2", "SITEID"),
)


@pytest.mark.parametrize("stop", STOPS, ids=[stop.rule for stop in STOPS])
def test_a_stop_names_its_place_rule_and_next_step_in_english_and_chinese(stop: Stop, tmp_path: Path) -> None:
    export = Export()
    stop.plant(export)
    with pytest.raises(StopError) as caught:
        examine(export.write(tmp_path / "s"))
    error = caught.value
    assert (error.rule, error.file, str(error.row), error.column) == (stop.rule, stop.file, stop.row, stop.column)
    english = str(error)
    for part in (f"[{stop.rule}]", stop.file, f"row {stop.row}", f"column {stop.column}", "Next: "):
        assert part in english
    chinese = in_chinese(error)
    for part in (f"[{stop.rule}]", stop.file, f"第{stop.row.replace(' and ', '、')}行", f"列{stop.column}", "请"):
        assert part in chinese
    assert stop.rule in BY_NAME[stop.rule[:3]].rules["STOP"]


# Problems of one rule that are not the same: each is said in Chinese by its own words, with its numbers and next step.
UNREADABLE = {
    "USUBJID,AETERM\nS1,fever,3\n": ("有3个字段，表头有2个", "请更正导出文件"),
    "USUBJID,,AETERM\nS1,x,fever\n": ("第2列没有列名，而第2行有值", "请补上列名或删除该列"),
    "USUBJID,AETERM,AETERM\nS1,fever,a\n": ("有两列同名", "请只保留其中一列"),
    "": ("文件为空：没有表头", "请重新索取该文件"),
}


@pytest.mark.parametrize("text", UNREADABLE)
def test_p34_a_file_that_cannot_be_read_is_said_in_chinese_by_its_own_words(text: str, tmp_path: Path) -> None:
    folder = Export().write(tmp_path / "s")
    (folder / "ae.csv").write_text(text, encoding="utf-8")
    with pytest.raises(StopError) as caught:
        examine(folder)
    chinese = in_chinese(caught.value)
    assert chinese.startswith("[P34] ae.csv")
    assert [part for part in UNREADABLE[text] if part not in chinese] == [], chinese


def test_p01_bytes_that_are_no_text_and_text_that_lost_signs_stop(tmp_path: Path) -> None:
    folder = Export().write(tmp_path / "bytes")
    (folder / "ae.csv").write_bytes((folder / "ae.csv").read_bytes() + b"\xff\xfe\x81")
    with pytest.raises(StopError, match=r"P01.*ae\.csv, row \d+"):
        examine(folder)
    export = Export()
    export.of("ae")["AETERM"] = "fever \ufffd"
    with pytest.raises(StopError, match=r"P01.*ae\.csv, row 2: the text holds the replacement character"):
        examine(export.write(tmp_path / "lost"))


def test_p35_a_record_or_subject_of_the_previous_cut_that_is_gone_stops(tmp_path: Path) -> None:
    export = Export()
    export.rows["ae"].remove(export.of("ae", B))
    with pytest.raises(StopError, match=r"P35-RECORD-DELETED.*ae\.csv.*AESEQ=1 of subject iMSC-002.*Next: "):
        examine(export.write(tmp_path / "s"), (), previous=clean_export().domains)
    whole = Export()
    for code, rows in whole.rows.items():
        whole.rows[code] = [row for row in rows if row["USUBJID"] == A]
    with pytest.raises(StopError, match=r"P35-RECORD-DELETED.*subject iMSC-002"):
        examine(whole.write(tmp_path / "subject"), (), previous=clean_export().domains)


def test_neighbours_of_the_stops_do_not_stop(tmp_path: Path) -> None:
    """An infusion not given needs no date, a re-screened number that was not infused stops nothing."""
    export = Export()
    export.add("ex", A, EXDOSE="0", EXTRT="iMSC", EXDOSU="10^6 cells/kg")
    person = {**export.of("dm"), "USUBJID": "iMSC-000", "SUBJID": "000", "ACTARMCD": "NOTTRT", "BRTHDTC": "1970-01-01"}
    export.rows["dm"].append(person)
    export.add("suppdm", B, RDOMAIN="DM", QNAM="RESCREEN_OF", QVAL="000")
    assert examine(export.write(tmp_path / "s"), ()).fixed() == []


def test_forty_problems_have_a_class_a_rule_and_words_in_both_languages() -> None:
    assert [problem.name for problem in PROBLEMS] == [f"P{k:02d}" for k in range(1, 41)]
    for problem in PROBLEMS:
        assert problem.classes, problem.name
        assert len(problem.english) > 10, problem.name
        assert re.search("[\u4e00-\u9fff]{3}", problem.chinese), problem.name
        assert all(rules for rules in problem.rules.values()), problem.name


# The classes of the rulebook; a FIX or STOP beyond it is there where one can have only one meaning or none.
DOCUMENT = {
    "FIX": "P01 P02 P03 P04 P09 P12 P14 P21 P38 P39 P40",
    "QUERY": "P03 P04 P05 P06 P08 P10 P11 P12 P13 P15 P18 P19 P20 P21 P22 P23 P24 P25 P26 P27 P28 P29 P30 P31 P32 P33 "
    "P34 P36",
    "STOP": "P01 P08 P09 P11 P34 P35",
}  # fmt: skip


@pytest.mark.parametrize("kind", CLASSES)
def test_each_problem_has_the_class_that_the_rulebook_gives_it(kind: str) -> None:
    assert [name for name in DOCUMENT[kind].split() if kind not in BY_NAME[name].classes] == []


def test_every_rule_of_the_source_is_in_the_table_and_every_rule_of_the_table_in_its_modules(root: Path) -> None:
    """A new rule is registered in `cleaning/problems.py`; a rule that is gone leaves it."""
    source = root / "src" / "trialbook"
    literal = re.compile(r'"(P\d\d(?:-[A-Z0-9-]+)?|U01-UNIT)"')
    texts = {
        path: path.read_text(encoding="utf-8") for path in sorted(source.rglob("*.py")) if path.name != "problems.py"
    }
    used = {rule for text in texts.values() for rule in literal.findall(text)}
    named = {rule for problem in PROBLEMS for rules in problem.rules.values() for rule in rules}
    prefixes = {
        rule for rule in used if rule in BY_NAME and not any(f'rule="{rule}"' in text for text in texts.values())
    }
    assert used - named - prefixes == set()
    assert named - used == set()
    for problem in PROBLEMS:
        for module in problem.modules:
            path = source / Path(*module.split("."))
            assert path.is_dir() or path.with_suffix(".py").is_file(), (problem.name, module)


def test_a_rule_of_cleaning_has_the_class_of_the_table_and_a_stop_speaks_chinese() -> None:
    area = TEXTS.area
    for kind, rules in (("QUERY", area.rules), ("FIX", area.fixes)):
        registered = {rule for problem in PROBLEMS for rule in problem.rules.get(kind, ())}  # type: ignore[call-overload]
        assert set(rules) - registered == set()
    stops = {rule for problem in PROBLEMS for rule in problem.rules.get("STOP", ())}
    in_words = set(STOP_TEXTS.area.stops)
    assert stops - in_words == set()
    assert in_words - stops == {"SYNTHETIC", "TRANSFER", "CONTRACT", "REPLAY", "S20"}
