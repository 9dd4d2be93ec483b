"""What a hostile reading of the masking found (P37): numbers, ids and clinical text stay, odd spellings do not."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from support.paths import ROOT
from trialbook.core.errors import StopError
from trialbook.core.privacy import MASK, masked, masked_name, may_hold_name, names_person
from trialbook.interactive.desk import Desk
from trialbook.protocol.load import load_trial

DECIMALS = [
    "5.0000000000", "0.0333333333", "0.111111111111111", "0.292397660818713", "147.058823529412", "-0.0333333333",
    "1.0E-0100000000", "139.1277345100", "340111.630415203", "1.3912773451e+22", "1e-0100000000",
]  # fmt: skip
IDENTIFIERS = [
    "0101-001-0001", "010-123-0001", "NCT06321198-013-001-2025", "2024-013-0001-0012", "0000000001", "000000000123",
    "012345678901", "0251-2345678", "001-001-0001", "XYZ-001-001-0001", "CN-010-001-0012", "AE-0000000123",
    "021-234-0001", "138-0012-0001",
    "138-2234-0001", "CN-138-2234-0099", "340111196304152038", "340111196313152039", "202403051030001234",
    "163456780101123",
]  # fmt: skip
CLINICAL = [
    "静脉通路1号", "PICC静脉通路2号腔", "受试者姓名拼音缩写", "姓名保密", "姓名未提供", "姓名：保密", "姓名：未提供",
    "地址：见中心表",
    "Address: dose reduction to be considered", "HLA A*0201 2402 1101", "start 0800 1200 1600", "0800 2000 2200",
    "137.5 138.2 139.1", "Western Blot Lane 3", "12 Lead ECG avenue", "QQ interval12", "qqplots", "WeChat messages",
    "10mg@day1.5", "10 mg @ baseline. Then less", "medical record 2025-03-04", "hospital id 12345",
    "Full Name Of Drug: X", "Patient name: withheld", "Lot 13812345678", "specimen 13912773451",
    "batch no. 13812345678",
    "HBV DNA 13800000000 IU/mL", "患者：高热", "家属：拒绝", "Drug name: Prednisone Acetate", "管路3号", "mRNA-1273",
    "130 128 131 127 129 131", "change +1.0000000000", "400 800 1200 mg", "born at 38 weeks",
    "ratio 147.058823529412 high", "Name: Prograf 5 mg", "name: Ursofalk, 250mg", "Name: unknown", "Name: n/a",
    "name: 他克莫司", "name of the drug: Prograf", "Brand name: Prograf",
    "name: AETERM", "Name: Case(", "Name: Lind", "name: LOW",
    "患者时有发热", "先生化复查", "女士", "一二三四五六七八九十",
    "seen at 8 then dot pattern", "rash at day 3", "3×4 cm", "x̄ 12.5", "HLA-A*02:01, B*40:01", "10⁹/L 3.2×10⁹",
    "账号保密", "挂号 12", "born in good health", "Miss one dose", "100% 50%31", "2025年三月",
]  # fmt: skip
PERSONAL = [
    "139…1277…3451", "139--1277--3451",
    "139  1277  3451", "139 - 1277 - 3451", "139,1277,3451", "139:1277:3451", "139~1277~3451", "139|1277|3451",
    "1 3 9 1 2 7 7 3 4 5 1", "(139)12773451", "（139）1277-3451", "①③⑨①②⑦⑦③④⑤①", "139\u200e12773451",
    "139\u202e1277\u20633451", "139\u180e12773451", "tel13912773451", "ID110101199003071234", "13912773451a",
    "+852 9123 4567", "+1 212 555 0147", "400-800-1234", "13912773451,13800138000", "2,13912773451",
    "Name: Zhang San", "patient name: zhang san", "Mr. Zhang San", "患者：张三", "联系人：李秀兰", "姓 名：张三",
    "登记号 00012345", "病历号 No.12345", "admission no 123456", "hospital id 123456", "DOB 07.03.90", "DOB 7/3/90",
    "1990年3月7日生", "date of birth 1990 March 7", "生日3月7日", "Patient name: ZHANG, San", "姓名:欧阳 娜娜",
    "Name: Li", "NAME: LI", "name= Zhang", "Name：Li", "Name: 张三", "name：李",
]  # fmt: skip
NUMBER = "13912773451"
GROUPS = ("139", "1277", "3451")


def _spelled(zero: int) -> str:
    return "".join(chr(zero + int(sign)) for sign in NUMBER)


SPELLINGS = [
    *(_spelled(zero) for zero in (0x660, 0x6F0, 0x966, 0x1D7CE, 0xFF10, 0xE0030)),
    "".join(chr(0x2474 + int(sign) - 1) for sign in NUMBER), "".join(chr(0x2776 + int(sign) - 1) for sign in NUMBER),
    *(mark.join(NUMBER) for mark in "\u034f\u0301\u180b\ufff9\u17b4\u00ad\u200b\U000e0100"),
    "".join(f"{sign}\ufe0f\u20e3" for sign in NUMBER), "".join(f"&#{ord(sign)};" for sign in NUMBER),
    "".join(f"&#x{ord(sign):x};" for sign in NUMBER), "".join(f"%{ord(sign):x}" for sign in NUMBER),
    *(gap.join(GROUPS) for gap in "\u3164\u115f\u2800\uffa0\u2028\u00a0_*+#;、，=・•'\\〜⸺➖⁃\n\t"), "139(1277)3451",
    "[139][1277][3451]", "一三九一二七七三四五一", "幺三九幺二七七三四五幺", "壹叁玖壹贰柒柒叁肆伍壹",
    "一三八〇〇一三八〇〇〇",
    "138OO138OOO", "l39l277345l", "340111_19630415_2039", "11010519491231002Х", "11010519491231002×",
    "11010519491231002Ｘ",
    "HKID A123456(3)", "wx: lihua88", "银行卡号 6222021234567890123", "li@例子.中国", "li AT example DOT org",
    "li@[10.0.0.1]", '"li hua"@example.org', "li @ example . org", "li@mail.xn--fiqs8s", "生于一九六三年四月十五日",
    "63年4月生", "DOB: 15-Apr-63", "born in April 1963", "pt name Li Hua", "姓名李华", "姓名为李华", "姓名，李华",
    "姓名|李华", "姓名-李华", "名字：李华", "Name of patient: Li Hua", "patient's name is Li Hua", "Miss Li Hua",
    "李先生", "王小明女士",
    "住院 号：1234567", "病案 号 1234567", "Hosp. No. 1234567",
]  # fmt: skip
REMAINS = ("Li", "LI", "李", "Zhang", "zhang", "San", "san", "张三", "李秀兰", "娜娜", "欧阳", "March")


@pytest.mark.parametrize("text", [*DECIMALS, *CLINICAL])
def test_numbers_and_clinical_text_are_left_as_they_are(text: str) -> None:
    for written in (text, f"rash; {text}; grade 2", f"皮疹，{text}，2级"):
        assert masked(written) == written


@pytest.mark.parametrize("text", IDENTIFIERS)
def test_ordinary_ids_name_no_person(text: str) -> None:
    assert not names_person(text)


@pytest.mark.parametrize("text", IDENTIFIERS[:13])
def test_ordinary_ids_are_readable_in_messages(text: str) -> None:
    assert masked(f"two rows of {text} differ") == f"two rows of {text} differ"


@pytest.mark.parametrize(
    "text",
    [
        "13912773451", "139 1277 3451", "S-13912773451", "+8613912773451", "110101199003070011", "110101-19900307-0011",
        "110101900307001", "li@example.org", "MRN 00123456", "住院号1234567", "138-2234-5678", "138 2234 0101",
    ],
)  # fmt: skip
def test_ids_that_are_numbers_of_persons_are_found(text: str) -> None:
    assert names_person(text)


@pytest.mark.parametrize("text", SPELLINGS)
def test_what_a_reader_reads_as_a_number_or_name_is_masked_however_it_is_spelled(text: str) -> None:
    for written in (text, f"Rash; {text} ; grade 2", f"皮疹，{text} ，2级"):
        assert MASK in masked(written), written


@pytest.mark.parametrize("text", [NUMBER, *SPELLINGS[:20]])
def test_an_identifier_stops_however_its_number_is_spelled(text: str) -> None:
    assert names_person(text)


@pytest.mark.parametrize(
    "text",
    ["13912773451.0", "13912773451.", "+13912773451.00", "1.3912773451E+10", "340111196304152039.0", "13912773451e0"],
)
def test_a_number_of_a_person_that_a_program_took_for_a_decimal_is_masked(text: str) -> None:
    assert masked(text) == MASK


@pytest.mark.parametrize(
    "text", ["13912773451.5", "1.3912773451E+11", "1e99999999999999999999", "12345678901.0", "0.0", "5e-324"]
)
def test_other_decimals_are_nobodys(text: str) -> None:
    assert masked(text) == text


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Li Hua 13912773451.csv", "[redacted].csv"), ("Li Hua 13912773451", "[redacted]"), ("ae.csv", "ae.csv"),
        ("/data/Li Hua 13912773451/ae.csv", "/data/[redacted]/ae.csv"), ("a/b.tar.gz", "a/b.tar.gz"),
        ("ae.xlsx, sheet Li Hua 13912773451", "ae.xlsx, sheet [redacted]"), ("patient name: Li Hua", "[redacted]"),
        ("x.csv: hidden sheet 13912773451 Li", "x.csv: [redacted]"),
    ],
)  # fmt: skip
def test_a_name_in_which_something_personal_stands_is_withheld_whole(name: str, shown: str) -> None:
    assert masked_name(name) == shown
    assert StopError("no", column=name).column == shown


@pytest.mark.parametrize(
    "sign", ["1", "1 ", "a@", "a.", "李", "一二", "name: ", "&#49;", "%31", "1*=(", "1\u200b", " at ", '"a']
)
def test_a_long_text_is_looked_through_in_no_time(sign: str) -> None:
    """Twice the text takes about twice the time: no pattern runs back and forth."""

    def seconds(times: int) -> float:
        begun = time.process_time()
        masked(sign * times)
        return time.process_time() - begun

    seconds(100)
    assert seconds(16_000) < 40 * max(seconds(2_000), 0.01)


@pytest.mark.parametrize("text", PERSONAL)
def test_odd_spellings_are_masked(text: str) -> None:
    for written in (text, f"Rash; {text}; grade 2", f"皮疹，{text}，2级"):
        found = masked(written)
        assert MASK in found
        rest = found.replace(MASK, "").replace("grade 2", "").replace("2级", "")
        # A number in front, as in "2,139...", is no part of what identifies.
        rest = rest.replace("2,", "") if text.startswith("2,") else rest
        assert not any(sign.isdigit() for sign in rest), found
        assert not [name for name in REMAINS if name in rest], found


@pytest.mark.parametrize(
    "text", ["张三", "S01-李四", "NCT06321198-王小明-1", "欧阳娜娜", "Иванов-01", "김철수", "やまだ01", "ﾔﾏﾀﾞ"]
)
def test_letters_of_another_script_in_the_id_of_a_subject_may_be_a_name(text: str) -> None:
    assert may_hold_name(text)


@pytest.mark.parametrize(
    "text",
    ["受试者001", "北京-001", "第1例", "安徽中心-012", "Ｓ０１－００１", "É-001", "01-701-1015", "001号", "筛选号 S07"],
)
def test_words_that_number_a_subject_are_no_name(text: str) -> None:
    assert not may_hold_name(text)


def test_a_notebook_run_by_hand_names_its_snapshot_like_text_of_the_data(tmp_path: Path) -> None:
    root = ROOT
    trial = load_trial(root / "params" / "cuts" / "2025-09-30.yaml", root)
    cut = trial.cut.model_copy(update={"snapshot": "data/zhang 13912773451"})
    said, _ = Desk(trial.model_copy(update={"cut": cut}), root, tmp_path, "01_cleaning").said()
    assert "Reads the delivered files in data/zhang [redacted]." in said
