"""A wrong key, type, date or path in a parameter file gives one clear line and exit status 2."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from trialbook.core.errors import UsageError
from trialbook.protocol.analysis import NOT_KEYS, Analysis
from trialbook.protocol.load import analysis_values, find_cut_file, load_protocol, load_trial
from trialbook.protocol.models import Protocol

CUT = """
cut_id: "x1"
cut_date: "2025-06-30"
snapshot: snap
protocol: params/protocol.yaml
"""


@pytest.fixture
def folder(tmp_path: Path, root: Path) -> Path:
    (tmp_path / "params" / "cuts").mkdir(parents=True)
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "snap").mkdir()
    for name in ("protocol.yaml", "drugs.yaml"):
        (tmp_path / "params" / name).write_bytes((root / "params" / name).read_bytes())
    return tmp_path


def load(folder: Path, text: str) -> object:
    path = folder / "params" / "cuts" / "x1.yaml"
    path.write_text(text, encoding="utf-8")
    return load_trial(path, folder)


def test_registry_wording_of_every_criterion_is_kept(protocol: Protocol, root: Path) -> None:
    registry = root.parent / "shared" / "registry.md"
    if not registry.is_file():
        pytest.skip("the registry entry is not here")
    text = re.sub(r"\s+", " ", registry.read_text(encoding="utf-8"))
    for criterion in protocol.criteria:
        assert criterion.text.rstrip(".") in text, criterion.id


def test_protocol_holds_22_criteria_in_26_audit_columns(protocol: Protocol) -> None:
    assert [c.id for c in protocol.criteria] == [f"IN{i:02d}" for i in range(1, 6)] + [
        f"EX{i:02d}" for i in range(1, 18)
    ]
    assert sum(len(c.audit_columns()) for c in protocol.criteria) == 26


def test_every_analysis_key_has_a_default_and_a_source(protocol: Protocol) -> None:
    assert set(protocol.analysis) == set(Analysis.model_fields) - set(NOT_KEYS)
    for key, entry in protocol.analysis.items():
        assert entry.default is not None, key
        assert entry.source, key
        assert entry.meaning, key
        if entry.source.startswith("assumption"):
            assert entry.assumption, key


def test_a_good_cut_file_loads_with_typed_overrides(folder: Path) -> None:
    trial = load(folder, CUT + "overrides: {response_rules: CN, d28_window: [21, 35], os_add_one: yes}\n")
    assert trial.analysis.response_rules == "CN"  # type: ignore[attr-defined]
    assert trial.analysis.d28_window == [21, 35]  # type: ignore[attr-defined]
    assert trial.analysis.os_add_one is True  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (CUT.replace("snapshot:", "snapshott:"), "unknown key snapshott; the nearest known key is snapshot"),
        (CUT + "overrides: {respone_rules: CN}\n", "the nearest known key is response_rules"),
        (CUT + "overrides: {response_rules: XX}\n", "'CIBMTR' or 'CN'"),
        (CUT + "overrides: {d28_window: [31, 25]}\n", "d28_window starts after it ends"),
        (CUT + "overrides: {d28_window_wide: [35, 21]}\n", "d28_window_wide starts after it ends"),
        (CUT + "overrides: {d28_window: [-3, 31]}\n", "d28_window starts before the first infusion (day 0)"),
        (CUT + "overrides: {ctcae_version: '6.0'}\n", "'5.0'"),
        (CUT.replace("2025-06-30", "2025-06-31"), "no such calendar date"),
        (CUT.replace("2025-06-30", "30 June 2025"), "YYYY-MM-DD"),
        (CUT.replace("2025-06-30", "2025-6-30"), "YYYY-MM-DD"),
        (CUT.replace('"x1"', "../x1"), "a cut id is"),
        (CUT.replace('"x1"', ".x1"), "a cut id is"),
        (CUT.replace('"x1"', '"x１"'), "a cut id is"),
        (CUT.replace('"x1"', '"x1\\n"'), "a cut id is"),
        (CUT.replace('cut_id: "x1"\n', ""), "cut_id: the key is missing"),
        (CUT.replace("snapshot: snap", "snapshot: nowhere"), "no such path"),
        (CUT.replace("protocol.yaml", "nothing.yaml"), "no such path"),
        (CUT + "cut_date: '2025-07-01'\n", "occurs twice"),
        (CUT + "overrides: {a: &x 1, b: *x}\n", "not allowed"),
        (CUT + "mapping: !!binary aGk=\n", "not allowed"),
        (CUT + "overrides: [1]\n", "dictionary"),
        ("just text", "not a mapping"),
        ("a: [", "expected"),
    ],
)
def test_a_wrong_cut_file_is_one_clear_line(folder: Path, text: str, says: str) -> None:
    with pytest.raises(UsageError) as caught:
        load(folder, text)
    assert says in str(caught.value)
    assert "x1.yaml" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_status == 2


def test_an_unknown_cut_names_those_there_are(root: Path) -> None:
    with pytest.raises(UsageError, match="2025-06-30"):
        find_cut_file("2031-01-01", root)


def test_a_protocol_without_an_analysis_key_is_refused(folder: Path) -> None:
    path = folder / "params" / "protocol.yaml"
    text = re.sub(r"  os_add_one: .*\n", "", path.read_text(encoding="utf-8"))
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match="os_add_one is missing"):
        load_protocol(path)


def test_protocol_defaults_are_checked_too(folder: Path) -> None:
    path = folder / "params" / "protocol.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("default: CIBMTR", "default: CIBMTTR"), encoding="utf-8")
    with pytest.raises(UsageError, match="response_rules"):
        load_protocol(path)


def test_overrides_do_not_change_the_protocol(protocol: Protocol) -> None:
    changed = analysis_values(protocol, {"response_rules": "CN"}, "x")
    assert changed.response_rules == "CN"
    assert analysis_values(protocol, {}, "x").response_rules == "CIBMTR"


def test_a_message_shows_no_more_of_a_value_than_one_line_bears() -> None:
    message = str(UsageError("wrong", value="x" * 5000))
    assert len(message) < 250
    assert "(5002 characters)" in message
