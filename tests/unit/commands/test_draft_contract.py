"""A drafted contract holds on the data that it was drafted from, says what they show, and takes no free text along."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.paths import ROOT
from trialbook.commands.draft_contract import write_draft
from trialbook.contracts.draft import TO_DESCRIBE, draft_contract, proposed_key
from trialbook.contracts.gate import Gate
from trialbook.contracts.lookups import protocol_lists
from trialbook.contracts.odcs import Contract, load_contracts
from trialbook.contracts.pandas_engine import evaluate_quickly
from trialbook.core.datasets import read_dataset, write_dataset
from trialbook.core.errors import UsageError
from trialbook.protocol.models import Protocol

KNOWN = load_contracts(ROOT / "data_contracts")


def loaded(text: str, name: str, folder: Path) -> Contract:
    place = folder / "analysis" / f"{name}.yaml"
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(text, encoding="utf-8")
    return load_contracts(folder, ["analysis"])[f"analysis/{name}"]


def broken(contract: Contract, frames: dict[str, pd.DataFrame]) -> list[str]:
    name = contract.dataset.name
    (verdict,) = Gate({f"analysis/{name}": contract}, ["TEAE"], evaluate_quickly).check("analysis", frames, [name])
    return [failure.rule for failure in verdict.failures]


@pytest.fixture
def biomarkers() -> pd.DataFrame:
    """Two parameters of six subjects."""
    subjects = [f"S-{k}" for k in range(6)]
    return pd.DataFrame({
        "USUBJID": pd.Series([s for s in subjects for _ in range(2)], dtype="str"),
        "PARAMCD": pd.Series(["ST2", "REG3A"] * 6, dtype="str"),
        "TRT01A": pd.Series(["DL1"] * 6 + ["DL2"] * 6, dtype="str"),
        "AVAL": [float(k) for k in range(12)],
        "ADT": pd.Series(pd.to_datetime(["2025-01-01"] * 11 + [None])).astype("datetime64[s]"),
        "ANL01FL": pd.Series(["Y", ""] * 6, dtype="str"),
        "REMARK": pd.Series(["Drawn at the home of the patient, by her husband", ""] * 6, dtype="str"),
        "PLACE": pd.Series(["Shanghai ward 3", "Wuhan ward 1"] * 6, dtype="str"),
        "VISITN": pd.Series([1] * 12, dtype="Int64"),
    })  # fmt: skip


def test_a_draft_says_what_the_data_show(biomarkers: pd.DataFrame, protocol: Protocol, tmp_path: Path) -> None:
    adsl = biomarkers[["USUBJID"]].drop_duplicates()
    datasets = {**protocol_lists(protocol), "adsl": adsl}
    text = draft_contract("adbm", biomarkers, "Biomarkers", KNOWN, datasets)
    contract = loaded(text, "adbm", tmp_path)
    assert contract.status == "draft"
    dataset = contract.dataset
    assert dataset.keys == ["USUBJID", "PARAMCD"]
    types = {column.name: column.logicalType for column in dataset.properties}
    assert types == {
        "USUBJID": "string", "PARAMCD": "string", "TRT01A": "string", "AVAL": "number", "ADT": "date",
        "ANL01FL": "string", "REMARK": "string", "PLACE": "string", "VISITN": "integer",
    }  # fmt: skip
    needed = {column.name for column in dataset.properties if column.required}
    assert needed == {"USUBJID", "PARAMCD", "TRT01A", "AVAL", "PLACE", "VISITN"}
    codes = {column.name: column.custom("codelist") for column in dataset.properties}
    assert codes["PARAMCD"] == ["REG3A", "ST2"]
    assert codes["ANL01FL"] == ["Y", ""]
    assert codes["TRT01A"] == {"protocol": "dose_levels", "also": [""]}
    assert codes["PLACE"] is None, "words are not copied into version control"
    assert "husband" not in text
    assert next(c for c in dataset.properties if c.name == "REMARK").classification == "sensitive"
    assert next(c for c in dataset.properties if c.name == "USUBJID").description != TO_DESCRIBE
    frames = {"adbm": biomarkers, **datasets}
    assert broken(contract, frames) == []
    # And it is no empty promise: other data break it.
    worse = biomarkers.assign(PARAMCD="ST2", TRT01A="DL9", USUBJID="S-9")
    assert set(broken(contract, {**frames, "adbm": worse})) == {
        "adbm.TRT01A.codelist", "adbm.USUBJID.in_adsl", "adbm.key",
    }  # fmt: skip


@pytest.mark.parametrize("name", ["adsl", "adie", "adlb", "adtte", "adrs", "adae", "addlt"])
def test_drafts_of_the_datasets_of_the_workbook_hold(name: str, demo: Path, protocol: Protocol, tmp_path: Path) -> None:
    frame = read_dataset(demo / "2025-09-30" / "data" / f"{name}.parquet")
    others = {key: contract for key, contract in KNOWN.items() if key != f"analysis/{name}"}
    contract = loaded(draft_contract(name, frame, name, others, protocol_lists(protocol)), name, tmp_path)
    assert broken(contract, {name: frame, **protocol_lists(protocol)}) == []
    assert contract.dataset.keys, "each of them has a key"
    assert not frame.duplicated(contract.dataset.keys).any()


texts = st.text(max_size=30) | st.sampled_from(["Y", "N", "", "NO", "null", "~", "0x1", "1e3", "2025-01-01", "A: b"])
values = {
    "str": texts,
    "float64": st.floats(allow_infinity=False) | st.none(),
    "Int64": st.integers(-(2**40), 2**40) | st.none(),
    "datetime64[s]": st.dates(min_value=pd.Timestamp("1900-01-01").date()) | st.none(),
}


@st.composite
def frames(draw: st.DrawFn) -> pd.DataFrame:
    rows = draw(st.integers(0, 6))
    kinds = draw(st.lists(st.sampled_from(list(values)), min_size=1, max_size=5))
    names = ["USUBJID", *(f"C{k}" for k in range(len(kinds)))]
    columns = {}
    for name, kind in zip(names, ["str", *kinds], strict=True):
        content = draw(st.lists(values[kind], min_size=rows, max_size=rows))
        columns[name] = pd.Series(content, dtype="object").astype(kind)
    return pd.DataFrame(columns)


@settings(max_examples=60, deadline=None)
@given(frame=frames())
def test_any_draft_can_be_read_and_holds(frame: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("drafts")
    contract = loaded(draft_contract("adx", frame, "Anything", KNOWN, {}), "adx", folder)
    assert broken(contract, {"adx": frame}) == []
    assert contract.dataset.keys == proposed_key(frame)


def test_a_type_that_no_contract_knows_is_named() -> None:
    frame = pd.DataFrame({"USUBJID": ["a"], "OK": [True]})
    with pytest.raises(UsageError, match=r"column OK: no contract knows the type bool.*Next: leave text"):
        draft_contract("adx", frame, "X", {}, {})


def test_nothing_is_overwritten_and_a_dataset_that_nobody_left_is_named(root: Path, tmp_path: Path) -> None:
    before = (root / "data_contracts" / "analysis" / "adsl.yaml").read_bytes()
    write_dataset(pd.DataFrame({"USUBJID": ["a"]}), tmp_path / ".interactive" / "2025-09-30" / "data" / "adsl.parquet")
    with pytest.raises(UsageError, match=r"adsl.yaml: the dataset adsl has a contract already.*Next: edit it"):
        write_draft("adsl", root, tmp_path)
    assert (root / "data_contracts" / "analysis" / "adsl.yaml").read_bytes() == before
    with pytest.raises(UsageError, match=r"no run has written a dataset adbm.*Next: run the notebook"):
        write_draft("adbm", root, tmp_path)
    with pytest.raises(UsageError, match="lower-case letters"):
        write_draft("../adsl", root, tmp_path)
