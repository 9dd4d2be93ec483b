"""Translations: English that has lost its message is read back by the ids of the catalogue alone."""

from __future__ import annotations

import time

import pytest

from trialbook.core.file_marks import PACKAGE
from trialbook.core.messages import enumerated, joined, msg, plain, plural
from trialbook.core.translations import CHINESE_TEXTS, Translation, chinese, read_entries

CATALOGUE = """
msgid ""
msgstr "Language: de\\n"

#, python-brace-format
msgid "{n} of {total} subjects"
msgstr "{n} von {total} Personen"

msgid "died on day {day:g}"
msgstr "am Tag {day:g} "
"gestorben"

msgid "{n} subject"
msgid_plural "{n} subjects"
msgstr[0] "Personen: {n}"

msgid "Alive"
msgstr "Lebt"

msgid "{who} has {what}"
msgstr "{what} ({who})"

msgid "{term} on {drug}"
msgstr "{term} unter {drug}"

msgid "{a} and {b}"
msgstr "{a} und {b}"

msgid "{n} of {total}"
msgstr "{n} aus {total}"

msgid "Data at {cut}"
msgstr "Zum {cut}"

msgid "limit {value}"
msgstr "Grenze {value}"

msgid "between {ends}"
msgstr "zwischen {ends} gelegen"

msgid ", open: {deciding}"
msgstr ", offen: {deciding}"

#, fuzzy
msgid "Not sure"
msgstr "Vielleicht"
"""


@pytest.fixture
def german() -> Translation:
    return Translation("de", read_entries(CATALOGUE))


@pytest.mark.parametrize(
    "said",
    [
        msg("{n} of {total} subjects", n=7, total=9),
        msg("died on day {day:g}", day=77.0),
        plural("{n} subject", "{n} subjects", 1),
        plural("{n} subject", "{n} subjects", 4),
        joined([msg("Alive"), msg("died on day {day:g}", day=3)], "; "),
        enumerated([msg("Alive"), msg("died on day {day:g}", day=3)]),
        msg("{who} has {what}", who="S01", what=msg("{n} of {total} subjects", n=1, total=2)),
    ],
)  # fmt: skip
def test_a_message_and_its_english_alone_say_the_same(german: Translation, said: str):
    assert german.say(str(said)[:]) == german.say(said) == german.say(plain(said)) != said
    assert german.unread == set()


def test_what_the_catalogue_does_not_know_is_shown_as_it_is_and_noted(german: Translation):
    assert german.say("Alive and something else") == "Alive and something else"
    assert german.say("Not sure") == "Not sure"
    assert german.unread == {"Alive and something else", "Not sure"}


def test_numbers_and_codes_need_no_translation(german: Translation):
    assert german.say("DL1: 3/6 (50%)") == "DL1: 3/6 (50%)"
    assert german.unread == set()


def test_text_of_the_data_in_a_place_is_never_translated(german: Translation):
    assert german.say("Alive on Alive") == "Alive unter Alive"


def test_sentences_that_follow_each_other_are_read_one_by_one(german: Translation):
    assert german.say("S01 has Alive. 7 of 9 subjects.") == "Lebt (S01)。 7 von 9 Personen。"


@pytest.mark.parametrize(
    "said",
    [
        "study drug of another trial", "Y of 2025-02-15", "2 of 2025-02", "form: 2 of 2025-02-15", "Alive of Alive",
        "Data at the cut", "Data at home", "Data at the cut: 16 screened",
    ],
)  # fmt: skip
def test_a_place_of_numbers_or_of_a_code_holds_nothing_else(german: Translation, said: str):
    assert german.say(said) == said


@pytest.mark.parametrize(
    ("said", "read"),
    [
        ("2 of 12", "2 aus 12"), ("1.5 of 2.25", "1.5 aus 2.25"), ("Data at 2025-09-30", "Zum 2025-09-30"),
        ("Data at DL1", "Zum DL1"), ("limit 1.2", "Grenze 1.2"), ("limit 1.2.", "Grenze 1.2。"),
        ("between 5 and 6 of 11, open: 011", "zwischen 5 und 6 aus 11 gelegen, offen: 011"),
    ],
)  # fmt: skip
def test_numbers_codes_and_what_goes_on_behind_a_place_are_read(german: Translation, said: str, read: str):
    assert german.say(said) == read


# ----------------------------------------------------------------------------------------------------
# The catalogue of this library: readings that went wrong once


@pytest.mark.parametrize(
    ("said", "read"),
    [
        # a place neither ends with what leads to the next text, nor opens a bracket that it does not close
        ("016, pending at DL3", "DL3：016（待定）"), ("8 of 12, and 1 not graded", "8/12，另有1项未分级"),
        ("0.750 (0.194 to 0.994)", "0.750（0.194至0.994）"), ("0.250 (0.003 to 0.714) [1]", "0.250（0.003至0.714）[1]"),
        ("not evaluable (1 to 4 of 4)", "不可评价（1至4，共4名）"),
        ("20 / 1.284: 16 (9.5 to 24)", "20/1.284：16（9.5至24）"),
        # a place of a number or a grade holds nothing else
        ("8 of 12 (66.7%)", "8/12（66.7%）"), ("0 of 3, 1 not evaluable", "0/3、1名不可评价"),
        ("AE: XYZ, grade 3, 2024-12-29 to 2025-01-12", "AE：XYZ，3级，2024年12月29日至2025年1月12日"),
        # the term of a record is as delivered, even where the catalogue has its words
        (
            "AE: Lung infection, grade 3, 2024-12-29 to 2025-01-12; form: N of 2024-12-10",
            "AE：Lung infection，3级，2024年12月29日至2025年1月12日；表单：否（2024年12月10日）",
        ),
        (
            "AESEQ 1, Infusion related reaction: adjudicated as DLT",
            "AESEQ 1，Infusion related reaction：裁定为DLT",
        ),
        (
            "EX16 violated (waived): CM: Drug of a trial, 2025-03-04 to ongoing; waived: Waiver of EX16 (DV 1)",
            "违反EX16（已豁免）：CM：Drug of a trial，2025年3月4日至持续；已豁免：Waiver of EX16（DV 1）",
        ),
        ("serious Catheter related infection, grade 3, day 15", "严重的Catheter related infection，3级，第15天"),
        ("005 (Leukemia recurrent, grade 5)", "005（Leukemia recurrent，5级）"),
        ("Response rate, lower limit", "缓解率，下限"),
        # a list of codes is one piece, with the comma of the language
        (
            "no such record in CM, PR and MH; form: N of 2024-12-10",
            "CM、PR和MH中无此类记录；表单：否（2024年12月10日）",
        ),
        ("A-10 to A-14, A-22, A-25", "A-10至A-14、A-22、A-25"),
        # the loosest separator first, and what goes on behind a place last
        ("between 0.500 and 0.750, open: 005", "在0.500和0.750之间，未定：005"),
        ("012: MR to PD", "012：MR变为PD"), ("009: DLT", "009：DLT"),
        # codes without a word have the marks of the language too, but within brackets
        ("013 (DL2), 015 (DL3)", "013（DL2）、015（DL3）"), ("DL1: 4, DL2: 6", "DL1：4、DL2：6"),
        ("Beta(1, 1)", "Beta(1, 1)"), ("8 (66.7%) [11]", "8 (66.7%) [11]"),
        # an organ is no number of subjects
        ("Skin pending, Liver pending", "皮肤待定、肝脏待定"), ("wait, 2025-07-02", "等待，2025-07-02"),
        ("escalate to DL2, 2025-04-02", "递增至DL2，2025-04-02"),
        # a long list of codes with more behind it is read at once
        (
            "EX01, EX02, EX03, EX04A, EX04B, EX04C, EX04D, EX04E, EX05, EX06, EX07, EX08 and 13 more not evaluable",
            "EX01、EX02、EX03、EX04A、EX04B、EX04C、EX04D、EX04E、EX05、EX06、EX07、EX08，另有13项不可评价",
        ),
        # the same words with a small letter, and a text that was cut off
        ("anemia", "贫血"), ("Human immunodeficiency ... (EX12)", "人类免疫缺陷病毒……（EX12）"),
    ],
)  # fmt: skip
def test_chinese_is_read_back_whole(said: str, read: str):
    assert chinese().say(said) == read


def test_a_date_in_a_sentence_is_written_out_and_that_of_a_cell_is_not():
    assert chinese().say(msg("Data cut {date}", date="2025-09-30")) == "数据截点2025年9月30日"
    assert chinese().say("2025-09-30") == "2025-09-30"
    assert chinese().say(msg("Data cut {cut}", cut="2025-09-30")) == "数据截点2025-09-30"


HOSTILE = (
    "grade 3 on day {n}, ", "ALT {n} U/L on 2025-09-10, upper limit 40; ", "{n} to 6 of 11, open: ", "fever, ", "((((",
    "EX{n}, EX02 and EX03; ", "rash (grade {n}) (related), ", "a and b or c / {n}; ", "day {n} on day to of ",
    "受试者在第{n}天出现发热，体温38.5℃，予对症处理后好转；",
)  # fmt: skip


def test_the_time_of_reading_grows_with_the_text_whatever_it_holds():
    """Lists of codes, of sentences and of numbers once took seconds at 400 characters, minutes at 1600."""
    language = Translation("zh-CN", read_entries((PACKAGE / CHINESE_TEXTS).read_text(encoding="utf-8")))
    language.say("fever and rash")  # the patterns are prepared once
    began = time.process_time()
    for unit in HOSTILE:
        language.say("".join(unit.replace("{n}", str(number)) for number in range(2900 // len(unit))))
    assert time.process_time() - began < 3
