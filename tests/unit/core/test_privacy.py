"""What identifies a person in text (P37): every ordinary way to write it is masked, ordinary clinical text is not."""

from __future__ import annotations

import doctest

import pytest

from trialbook.core import privacy
from trialbook.core.privacy import MASK, masked, names_person

# Invented numbers and names; the check characters are not valid.
ID = "340111196304152039"
IDENTIFYING = {
    "identity card": [
        ID, "340111 19630415 2039", "340111-19630415-2039", "340111.19630415.2039", "34011119630415203X",
        "３４０１１１１９６３０４１５２０３９", "3401 1119 6304 1520 39", "340111630415203",
        "身份证号：340111630415203",
    ],
    "mobile": [
        "13912773451", "139 127 73451", "139-1277-3451", "139.1277.3451", "139 1277 3451", "+86 139 1277 3451",
        "+8613912773451", "0086-13912773451", "(86)13912773451", "86 13912773451", "１３９１２７７３４５１",
    ],
    "landline": [
        "0551-62283333", "(0551)62283333", "0551 6228 3333", "055162283333", "+86 551 62283333", "010-62283333",
        "0551－62283333",
    ],
    "mail": ["li.hua@example.org", "li_hua@mail.example.org.cn", "lihua ＠ example.org", "lihua[at]example[dot]org"],
    "address": [
        "Lujiang Road 7", "17 Lujiang Road", "庐江路17号", "安徽省合肥市庐阳区庐江路17号3栋201室",
        "翠湖小区3栋2单元501室", "住址：合肥市包河区", "home address: 17, Lake View",
    ],
    "birth date": [
        "born 1963-04-15", "born on April 15, 1963", "DOB: 15/04/1963", "date of birth 15 Apr 1963",
        "birthday 1963/4/15",
        "出生日期：1963年4月15日", "1963年4月15日出生", "生于1963.4.15", "生日 1963-04-15", "出生 1963年4月",
    ],
    "labelled": [
        "patient name: Li Hua", "Subject's name Li Hua", "surname: Li", "姓名：李华", "患者姓名 李华", "MRN 00123456",
        "hospital no. 1234567", "住院号 1234567", "病历号：A1234567", "医保号:340111111", "passport no. E12345678",
        "护照号 E12345678", "微信号：lihua_63", "WeChat: lihua63",
    ],
}  # fmt: skip
HARMLESS = [
    "2025-01-02T10:15:30", "20240305103000", "12345678901234567890", "38.5", "LB-13-0001", "ALT 45 U/L", "120/80 mmHg",
    "NCT06321198-01-004", "150-200 300-400", "2025-01-02 to 2025-03-04", "10^6 cells/kg", "Row 12345678901234",
    "sha 3f2a13912773451bc", "甲泼尼龙40mg bid", "第28天", "5 mg/kg 每日2次", "aGVHD II度", "Patient named rash",
    "the first name of the drug", "WBC 1300 2200 3300", "temperature 38.5 37.2 36.9 38.1", "130 128 131 127 129 131",
    "患者出生后", "born at term", "Address the rash", "on the road to recovery", "Grade 3 rash on day 28",
]  # fmt: skip


@pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind, texts in IDENTIFYING.items() for text in texts])
def test_what_identifies_is_masked_wherever_it_stands(kind: str, text: str) -> None:
    for written in (text, f"Rash; {text}; grade 2", f"皮疹，{text}，2级"):
        found = masked(written)
        assert MASK in found, kind
        rest = found.replace(MASK, "").replace("grade 2", "").replace("2级", "")
        assert not any(sign.isdigit() for sign in rest), found
        assert "Hua" not in rest, found
        assert "李华" not in rest, found


@pytest.mark.parametrize("text", HARMLESS)
def test_ordinary_text_is_left_as_it_is(text: str) -> None:
    assert masked(text) == text


def test_identifiers_hold_no_number_of_a_person() -> None:
    assert all(names_person(text) for text in (ID, "13912773451", "Li Hua " + ID, "E-13912773451", "li@example.org"))
    assert not any(names_person(text) for text in ("01-701-1015", "NCT06321198-01-004", "E02", "Q-20250304", "000123"))


def test_the_examples_run() -> None:
    assert doctest.testmod(privacy).failed == 0
