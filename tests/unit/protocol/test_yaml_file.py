"""Every mistake in a parameter file is one line: file, line, key, what is expected; values are short and masked."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from trialbook.contracts.odcs import Contract, load_contracts
from trialbook.core.errors import ParameterError
from trialbook.protocol.load import load_protocol, load_trial
from trialbook.protocol.yaml_file import parsed, read_yaml, validated
from trialbook.snapshot.mapping_models import load_mapping

CUT = """# a cut
cut_id: "x1"
cut_date: "2025-06-30"
snapshot: snap
protocol: params/protocol.yaml
overrides:
  response_rules: CN
  d28_window: [25, 31]
transfer:
  dm.csv:
    bytes: 12
    sha256: {hash}
""".replace("{hash}", "a" * 64)
MAPPING = """codes:
  sex: {男: M, 女: F}
domains:
  DM:
    file: dm.csv
    columns:
      USUBJID: 编号
      SEX: {source: 性别, codes: sex}
  AE:
    - file: ae.csv
      columns:
        AETERM: 名称
"""
PHONE = str(13951234566 + 1)


def cut(old: str, new: str) -> tuple[str, str, str]:
    return "cut", old, new


def protocol(old: str, new: str) -> tuple[str, str, str]:
    return "protocol", old, new


def drugs(old: str, new: str) -> tuple[str, str, str]:
    return "drugs", old, new


def mapping(old: str, new: str) -> tuple[str, str, str]:
    return "mapping", old, new


def contract(old: str, new: str) -> tuple[str, str, str]:
    return "contract", old, new


VALUE, KWARGS = (
    "schema[0].properties[0].customProperties[0].value",
    "schema[0].properties[0].quality[0].implementation.kwargs",
)


def rule(name: str, kwargs: str = "column: VSSEQ") -> str:
    """A rule of a column, as a contract has it."""
    return (
        f"          - name: {name}\n            type: custom\n            engine: greatExpectations\n"
        "            severity: info\n            description: x\n            implementation:\n"
        f"              type: expect_column_to_exist\n              kwargs:\n                {kwargs}\n"
    )


def addition(entry: str, rules: str = "") -> tuple[str, str, str]:
    """A custom property, or rules, of the first column of the contract."""
    text = f"        customProperties:\n          - {entry}\n" if entry else ""
    return contract("(?<=Unique subject identifier\n)", text + (f"        quality:\n{rules}" if rules else ""))


# Name, the change (the file, a pattern, what is there instead), a word of the line that is named (None: line 1),
# the key, and what is said.
CASES: list[tuple[str, tuple[str, str, str], str | None, str, str]] = [
    ("unknown key", cut("snapshot:", "snapshott:"), "snapshott", "snapshott", "the nearest known key is snapshot"),
    ("missing key", cut("cut_date: .*\n", ""), None, "cut_date", "the key is missing; expected text"),
    ("missing nested key", cut("    bytes: 12\n", ""), "dm.csv:", "transfer.dm.csv.bytes", "expected a whole number"),
    ("key twice", cut("snapshot: snap", "snapshot: snap\nsnapshot: s"), "snapshot: s$", "snapshot", "occurs twice"),
    ("bad date", cut("2025-06-30", "30 June 2025"), "cut_date", "cut_date", "YYYY-MM-DD"),
    ("no such day", cut("2025-06-30", "2025-02-30"), "cut_date", "cut_date", "no such calendar date"),
    ("bad id", cut('"x1"', '"../x"'), "cut_id", "cut_id", "1 to 64"),
    ("own previous cut", cut("# a cut\n", "previous_cut: x1\n"), "cut_id", "cut_id", "its own previous cut"),
    ("a list for a text", cut("snapshot: snap", "snapshot: [a, b]"), "snapshot", "snapshot", "valid string"),
    ("no such path", cut("snapshot: snap", "snapshot: nowhere"), "snapshot", "snapshot", "relative to the folder"),
    ("bad hash", cut("a" * 64, "abc"), "sha256", "transfer.dm.csv.sha256", "pattern"),
    ("negative size", cut("bytes: 12", "bytes: -12"), "bytes", "transfer.dm.csv.bytes", "greater than or equal to 0"),
    ("unknown override", cut("response_rules", "respone_rules"), "respone", "overrides.respone_rules",
     "nearest known key is response_rules"),
    ("wrong choice", cut("rules: CN", "rules: XX"), "response_rules", "overrides.response_rules", "'CIBMTR' or 'CN'"),
    ("window in reverse", cut(r"\[25, 31\]", "[31, 25]"), "d28_window", "overrides.d28_window", "starts after it ends"),
    ("word for a number", cut(r"\[25, 31\]", "[25, soon]"), "d28_window", "overrides.d28_window[1]", "valid integer"),
    ("list too short", cut(r"\[25, 31\]", "[25]"), "d28_window", "overrides.d28_window", "at least 2 items"),
    ("no mapping", cut(r"(?s).*", "just words\n"), None, "", "is not a mapping of keys to values"),
    ("anchor", cut("snapshot: snap", "snapshot: &a snap"), "snapshot", "snapshot", "anchors and aliases"),
    ("tag", cut("snapshot: snap", "snapshot: !x snap"), "snapshot", "snapshot", "the tag"),
    ("not closed", cut(r"\[25, 31\]", "[25, 31"), "transfer:", "transfer", "expected"),
    ("tab", cut("snapshot: snap", "snapshot: snap\n\tx: 1"), "x: 1", "x", "indented with blanks"),
    ("missing analysis key", protocol(r"  os_add_one: .*\n", ""), "^analysis:", "analysis.os_add_one",
     "os_add_one is missing; expected a mapping with default, source"),
    ("unknown analysis key", protocol("  os_add_one:", "  os_add_won:"), "os_add_won", "analysis.os_add_won",
     "nearest known key is os_add_one"),
    ("bad default", protocol("default: CIBMTR", "default: CIBMTTR"), "CIBMTTR", "analysis.response_rules",
     "'CIBMTR' or 'CN'"),
    ("no endpoint", protocol("ORR_D28", "ORR_D29"), "ORR_D29", "study.endpoints", "'ORR_D28'"),
    ("number of subjects", protocol("planned_n: 12", "planned_n: twelve"), "planned_n", "study.planned_n",
     "valid integer"),
    ("cap above the plan", protocol("planned_n: 12", "planned_n: 9"), "  n_cap", "analysis.n_cap",
     "n_cap = 12 contradicts study.planned_n = 9: the escalation ends"),
    ("cap below the plan", protocol("planned_n: 12", "planned_n: 30\n  expansion_n: 10"), "  n_cap", "analysis.n_cap",
     "n_cap = 12 contradicts study.planned_n = 30 less study.expansion_n = 10"),
    ("level twice", protocol("id: DL2", "id: DL1"), "id: DL1", "dose_levels[1].id", "occurs twice"),
    ("no dictionary", protocol("drug_dictionary: .*", "drug_dictionary: none.yaml"), "drug_dictionary",
     "drug_dictionary", "name the file of the drugs"),
    ("unknown class", drugs(r"\A((?:#.*\n)*)", "\\1wonder: {}\n"), "wonder", "wonder", "unknown key wonder"),
    ("no such code list", mapping("codes: sex", "codes: sexx"), "SEX", "domains.DM[0].columns.SEX.codes",
     "there is no code list sexx"),
    ("no such domain", mapping("  AE:", "  AX:"), "AX", "domains.AX", "AX is not a domain"),
    ("two origins", mapping("AETERM: 名称", "AETERM: {source: 名称, constant: x}"), "AETERM",
     "domains.AE[0].columns.AETERM", "filled from one of"),
    ("key in a mapping", mapping("source: 性别", "sources: 性别"), "SEX", "domains.DM.columns.SEX.sources",
     "nearest known key is source"),
    ("contract type", contract("logicalType: number", "logicalType: numeric"), "numeric", "schema[0].properties",
     "'number'"),
    ("contract without a purpose", contract("  purpose: .*\n", "  porpose: x\n"), "porpose", "description.porpose",
     "nearest known key is purpose"),
    ("contract of another dataset", contract("  - name: vs", "  - name: vx"), "name: vx", "schema[0].name",
     "must have the name of the file, vs"),
    ("contract id", contract("id: trialbook.clean.vs", "id: trialbook.raw.vs"), "^id:", "id",
     "must be trialbook.clean.vs"),
    ("column twice", contract("name: VSSEQ", "name: USUBJID"), "name: USUBJID", "schema[0].properties[1].name",
     "the column USUBJID occurs twice"),
    ("rule twice", addition("", rule("r1") + rule("r1")), "name: r1", "schema[0].properties[0].quality[1].name",
     "the rule r1 occurs twice"),
    ("code list", addition("{property: codelist, value: {protocol: levels}}"), "levels", VALUE,
     "the code list cannot be understood"),
    ("code list of no words", addition("{property: codelist, value: {protocol: [a]}}"), "codelist", VALUE,
     "the code list cannot be understood"),
    ("endpoint", addition("{property: requiredFor, value: [OS, PFS9]}"), "PFS9", VALUE, "there is no endpoint PFS9"),
    ("endpoint as a word", addition("{property: requiredFor, value: OS}"), "value: OS", VALUE, "a list of"),
    ("names as a number", addition("{property: names, value: 5}"), "value: 5", VALUE, "is not a list of names"),
    ("severity", addition("{property: codelistSeverity, value: fatal}"), "fatal", VALUE, "no severity fatal"),
    ("lookup", addition("", rule("r1", "column: {column: A, read: soon}")), "read: soon", f"{KWARGS}.column",
     "cannot be understood"),
    ("lookup by a number", addition("", rule("r1", "column: {dataset: dm, column: A, by: 5}")), "by: 5",
     f"{KWARGS}.column", "cannot be understood"),
    ("values of a column", addition("", rule("r1", "value_set: {dataset: dm}")), "dataset: dm", f"{KWARGS}.value_set",
     "the values cannot be understood"),
    ("contract with an anchor", contract("status: active", "status: &a active"), "&a", "status", "anchors and aliases"),
    ("contract key twice", contract("status: active", "status: active\nstatus: draft"), "draft", "status", "twice"),
]  # fmt: skip


@pytest.fixture
def attempt(tmp_path: Path, root: Path) -> Callable[[str, str, str], tuple[Path, str]]:
    """Makes one change in one of the files and loads it; gives the file and its text."""
    for name in ("params/cuts", "notebooks", "snap", "contracts/clean"):
        (tmp_path / name).mkdir(parents=True)
    params = tmp_path / "params"
    files = {"cut": params / "cuts" / "x1.yaml", "protocol": params / "protocol.yaml", "drugs": params / "drugs.yaml",
             "mapping": params / "mapping.yaml", "contract": tmp_path / "contracts" / "clean" / "vs.yaml"}  # fmt: skip
    texts = {"cut": CUT, "mapping": MAPPING} | {
        name: (root / "params" / f"{name}.yaml").read_text(encoding="utf-8") for name in ("protocol", "drugs")
    }
    texts["contract"] = (root / "data_contracts" / "clean" / "vs.yaml").read_text(encoding="utf-8")
    load: dict[str, Callable[[Path], object]] = {
        "cut": lambda path: load_trial(path, tmp_path), "protocol": load_protocol,
        "drugs": lambda path: load_protocol(files["protocol"]), "mapping": lambda path: load_mapping(path, path.name),
        "contract": lambda path: load_contracts(path.parents[1], ["clean"]),
    }  # fmt: skip

    def change(which: str, old: str, new: str) -> tuple[Path, str]:
        for name, text in texts.items():
            files[name].write_text(text, encoding="utf-8")
        load[which](files[which])
        changed = re.sub(old, new, texts[which], count=1, flags=re.MULTILINE)
        assert changed != texts[which]
        files[which].write_text(changed, encoding="utf-8")
        with pytest.raises(ParameterError) as caught:
            load[which](files[which])
        return files[which], str(caught.value)

    return change


@pytest.mark.parametrize(("name", "change", "on", "key", "says"), CASES, ids=[case[0] for case in CASES])
def test_it_names_file_line_key_and_the_form(
    attempt: Callable[[str, str, str], tuple[Path, str]], name: str, change: tuple[str, str, str], on: str | None,
    key: str, says: str,
) -> None:  # fmt: skip
    path, message = attempt(*change)
    lines = path.read_text(encoding="utf-8").splitlines()
    named = re.search(r", line (\d+)", message)
    assert named, message
    line = int(named[1])
    if on is None:
        assert line <= next(k for k, text in enumerate(lines, 1) if not text.startswith("#"))
    else:
        assert re.search(on, lines[line - 1]), f"{message}\n{lines[line - 1]}"
    assert path.name in message
    assert f"key {key}" in message if key else ", key" not in message
    assert says in message
    assert "Next: " in message
    assert len(message) < 700
    assert message.isprintable()


def test_a_value_is_never_longer_than_a_line_bears(attempt: Callable[[str, str, str], tuple[Path, str]]) -> None:
    for change in (
        protocol(r"  os_add_one: .*\n", ""), cut("snapshot: snap", f"snapshot: [{'a, ' * 5000}b]"),
        cut("rules: CN", f"rules: {'x' * 5000}"), cut("snapshot:", f"? {'k' * 900}\n: 1\nsnapshot:"),
    ):  # fmt: skip
        _, message = attempt(*change)
        assert len(message) < 900
        value = re.search(r"value '?(\w*)", message)
        assert value is None or len(value[1]) <= 120


def test_what_may_be_personal_is_masked_in_any_form(attempt: Callable[[str, str, str], tuple[Path, str]]) -> None:
    for change in (
        cut("rules: CN", f"rules: call {PHONE}"), cut("snapshot: snap", f"snapshot: ['call {PHONE}', b]"),
        cut("snapshot: snap", f"snapshot: {{call: {PHONE}}}"), cut("snapshot: snap", f"call {PHONE}: snap"),
        contract("status: active", f"status: {PHONE}"),
    ):  # fmt: skip
        _, message = attempt(*change)
        assert PHONE not in message
        assert "[redacted]" in message


def test_several_mistakes_are_counted_with_their_lines(attempt: Callable[[str, str, str], tuple[Path, str]]) -> None:
    _, message = attempt(*cut(r"(?s)cut_date.*\Z", "cut_date: soon\nsnapshot: [1]\nprotocol: 1\nmapping: {a: 1}\n"))
    assert "line 3, key cut_date" in message
    assert "2 more mistakes, on lines 4, 6" in message
    _, message = attempt(*cut("snapshot: snap", "snapshoot: snap"))
    assert "unknown key snapshoot" in message
    assert "1 more mistake, on line 2" in message


def test_a_text_that_is_not_utf8_names_its_line(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_bytes(b"a: 1\nb: caf\xe9\n")
    with pytest.raises(ParameterError, match=r"x\.yaml, line 2, key b: is not UTF-8 text"):
        read_yaml(path)


def test_content_without_a_file_has_no_line() -> None:
    """Parameters of a notebook are no file."""
    with pytest.raises(ParameterError, match=r"^given, key name: the key is missing"):
        validated(Contract, {"apiVersion": "v3.0.2", "kind": "DataContract", "id": "x"}, "given")


def test_thousands_of_mistakes_take_no_longer_than_one(tmp_path: Path) -> None:
    text = "".join(f"key_{k}: 1\n" for k in range(50_000))
    with pytest.raises(ParameterError, match=r"line 1, key key_0: unknown key key_0.*more mistakes, on lines 2, 3"):
        validated(Contract, parsed(text, "x.yaml"), "x.yaml")
