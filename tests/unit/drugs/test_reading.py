"""Names of drugs in English and Chinese: each is read as its class, a misspelling is asked about and never taken."""

from __future__ import annotations

import csv

import pandas as pd
import pytest

from support.paths import TESTS
from trialbook.drugs.reading import lexicon
from trialbook.drugs.records import UNCLASSIFIED, Medications, NamedDrugs, drugs_in_force, named_drugs, near_names
from trialbook.protocol.drug_dictionary import STEROID, DrugDictionary

NAMES = TESTS / "data" / "drugs" / "names.csv"
with NAMES.open(encoding="utf-8", newline="") as _file:
    ROWS = [(row["NAME"], row["CLASS"], row["DRUG"]) for row in csv.DictReader(_file)]


@pytest.fixture
def drugs(analysis) -> DrugDictionary:
    return drugs_in_force(analysis)


def read(drugs: DrugDictionary, reported: str, coded: str | None = None) -> NamedDrugs:
    return named_drugs(reported, reported.upper() if coded is None else coded, lexicon(drugs))


def test_the_table_holds_many_names_in_both_languages() -> None:
    known = [name for name, kind, _ in ROWS if kind not in ("near", "unclassified")]
    assert len(set(known)) == len(known) > 300
    assert sum(not name.isascii() for name in known) > 150
    assert sum(name.isascii() for name in known) > 150


@pytest.mark.parametrize(("name", "kind", "drug"), [row for row in ROWS if row[1] != "near"])
def test_a_name_is_read_as_its_class(drugs, name, kind, drug) -> None:
    for coded in (None, ""):
        found = read(drugs, name, coded)
        assert found.kind == kind
        assert drug in found.drug


@pytest.mark.parametrize(("name", "kind", "drug"), [row for row in ROWS if row[1] == "near"])
def test_a_misspelling_is_asked_about_and_not_taken(drugs, name, kind, drug) -> None:
    found = read(drugs, name)
    near = near_names(drugs).nearest(found.unread)
    assert found.kind == UNCLASSIFIED
    assert near is not None
    assert near.drug.name == drug


@pytest.mark.parametrize(
    ("text", "kind", "named"),
    [
        ("甲泼尼龙40mg bid + 芦可替尼", "therapy", {"methylprednisolone", "ruxolitinib"}),
        ("芦可替尼5mg bid 联合 环孢素", "therapy", {"ruxolitinib", "ciclosporin"}),
        ("meropenem/ruxolitinib", "therapy", {"meropenem", "ruxolitinib"}),
        ("budesonide and basiliximab", "therapy", {"budesonide", "basiliximab"}),
        ("泼尼松、更昔洛韦", "steroid", {"prednisone", "ganciclovir"}),
        ("Methylprednisolone + 0.9% saline", "steroid", {"methylprednisolone", "sodium chloride"}),
        ("ganciclovir + novumab", "unclassified", {"ganciclovir"}),
        ("美罗培南，诺瓦单抗", "unclassified", {"meropenem"}),
        ("meropenem novumab", "unclassified", {"meropenem"}),
        ("MTX 10mg d1, MMF 0.5g bid", "therapy", {"methotrexate", "mycophenolate"}),
    ],
)
def test_of_several_drugs_the_most_relevant_counts_and_an_unknown_one_is_seen(drugs, text, kind, named) -> None:
    found = read(drugs, text)
    assert found.kind == kind
    assert {drug.name for drug in found.drugs} == named


@pytest.mark.parametrize("text", ["ＦＫ-506，5mg", "FK-506,5mg", "FK506，0.5 mg bid", "FK-506,1,5 mg", "1,5mg FK-506"])
def test_a_comma_before_a_dose_is_no_decimal_comma(drugs, text) -> None:
    found = read(drugs, text)
    assert (found.kind, [drug.name for drug in found.drugs]) == ("background", ["tacrolimus"])


@pytest.mark.parametrize(
    ("reported", "coded", "kind"),
    [
        ("美平(进口)", "MEROPENEM", "supportive"),
        ("a brand of no list", "MEROPENEM", "supportive"),
        ("meropenem + novumab", "MEROPENEM", "unclassified"),
        ("捷恪卫", "OTHER DRUG", "therapy"),
        ("meropenem", "RUXOLITINIB", "therapy"),
        ("", "", "unclassified"),
        ("", "RUXOLITINIB", "therapy"),
    ],
)
def test_the_reported_and_the_coded_name_both_count(drugs, reported, coded, kind) -> None:
    assert read(drugs, reported, coded).kind == kind


@pytest.mark.parametrize("text", ["PLATGLOBIN", "XMMF", "MTXA", "ECPX", "FMTS-1", "SOSATG", "DISATG"])
def test_an_abbreviation_is_not_found_inside_a_word(drugs, text) -> None:
    assert read(drugs, text).kind == UNCLASSIFIED


@pytest.mark.parametrize("text", ["中类克隆药", "新恩利平片"])
def test_a_short_chinese_name_is_not_found_inside_an_unknown_word(drugs, text) -> None:
    assert read(drugs, text).kind == UNCLASSIFIED


@pytest.mark.parametrize(
    ("name", "local"),
    [("醋酸地塞米松软膏", True), ("Dexamethasone eye drops", True), ("鞘内注射甲氨蝶呤", True), ("甲氨蝶呤", False),
     ("Dexamethasone injection", False)],
)  # fmt: skip
def test_a_name_may_say_that_the_drug_acts_where_it_is_put(drugs, name, local) -> None:
    assert read(drugs, name).local == local


def test_equivalents_of_steroids_come_from_the_dictionary(drugs) -> None:
    names = ["美卓乐", "Prednisone", "氢化可的松", "DXM", "glucocorticoids", "ruxolitinib"]
    found = Medications(pd.Series(names), pd.Series([None] * len(names), dtype="str"), drugs)
    factors = found.column(lambda named: named.factor, "float64")
    assert factors[:4].tolist() == pytest.approx([1, 4 / 5, 4 / 20, 4 / 0.75])
    assert factors[4:].isna().all()
    assert found.column(lambda named: bool(named.of(STEROID)), "bool").tolist() == [True] * 5 + [False]


def test_further_names_of_the_keys_are_read_and_may_change_a_class(analysis) -> None:
    changed = analysis.model_copy(update={"gvhdtx": ["novumab", "tacrolimus"], "nonsystemic_drugs": ["localex"]})
    more = drugs_in_force(changed)
    assert [read(more, name).kind for name in ("Novumab 5 mg", "FK506", "tacrolimus", "localex")] == [
        "therapy", "background", "therapy", "nonsystemic",
    ]  # fmt: skip
    assert more != drugs_in_force(analysis)


def test_each_pair_of_names_is_read_once(drugs) -> None:
    reported = pd.Series(["Ruxolitinib", None, "novumab"] * 1000)
    found = Medications(reported, pd.Series([None] * 3000, dtype="str"), drugs)
    assert len(found.different) == 3
    assert found.column(lambda named: named.kind).tolist()[:3] == ["therapy", "unclassified", "unclassified"]


def test_no_record_at_all_has_no_drug(drugs) -> None:
    nothing = pd.Series([], dtype="str")
    found = Medications(nothing, nothing, drugs)
    assert found.column(lambda named: named.kind).tolist() == []
    assert found.near_column(lambda near: near.name).tolist() == []
