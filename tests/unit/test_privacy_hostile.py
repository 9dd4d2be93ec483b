"""What a hostile reading of the masking found (P37): numbers, ids and clinical text stay, odd spellings do not."""

from __future__ import annotations

from pathlib import Path

import pytest

from trialbook.privacy import MASK, masked, may_hold_name, names_person
from trialbook.protocol.load import load_trial
from trialbook.runner.desk import Desk

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
    root = Path(__file__).resolve().parents[2]
    trial = load_trial(root / "params" / "cuts" / "2025-09-30.yaml", root)
    cut = trial.cut.model_copy(update={"snapshot": "data/zhang 13912773451"})
    said, _ = Desk(trial.model_copy(update={"cut": cut}), root, tmp_path, "01_cleaning").said()
    assert "Reads the delivered files in data/zhang [redacted]." in said
