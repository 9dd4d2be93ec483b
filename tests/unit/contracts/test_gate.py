"""No contract passes by saying nothing: broken files, dropped rules, empty tables and empty suites are reported."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from trialbook.contracts.compile import Rule
from trialbook.contracts.gate import Gate, stop_if_critical
from trialbook.contracts.gx_engine import Failure, Verdict, configurations_once, evaluate
from trialbook.contracts.lookups import LISTS, protocol_lists
from trialbook.contracts.odcs import load_contracts
from trialbook.contracts.pandas_engine import evaluate_quickly
from trialbook.core.domains import VARIABLES, clean_variables, column_type
from trialbook.core.errors import StopError, UsageError
from trialbook.protocol.models import Protocol

TABLE = pd.DataFrame({"USUBJID": ["a", "b", "b", None], "X": [1, 2, 2, 3]}, index=pd.Index([2, 3, 4, 5], name="ROW"))


def rule(expectation: str, **kwargs: object) -> Rule:
    return Rule("r1", str(kwargs.get("column", "")), "critical", "it holds", expectation, dict(kwargs))


def test_offending_records_are_named_by_row_and_key() -> None:
    verdict = evaluate("raw/t", TABLE, [rule("expect_column_values_to_not_be_null", column="USUBJID")], ["X"])
    assert verdict.failures == [Failure("r1", "USUBJID", "critical", "it holds", 1, [{"ROW": 5, "X": 3}])]
    assert verdict.worst == "critical"


def test_a_table_is_never_judged_by_the_one_before_it() -> None:
    """The batch of one table replaces that of the table before, with the same columns and the same rules."""
    required = [rule("expect_column_values_to_not_be_null", column="USUBJID")]
    tables = [TABLE, TABLE.iloc[:3], TABLE, TABLE.iloc[:0]]
    counts = [[f.count for f in evaluate("raw/t", table, required, []).failures] for table in tables]
    assert counts == [[1], [], [1], []]


def test_the_configuration_of_an_expectation_is_made_once_and_only_during_a_check() -> None:
    import great_expectations.expectations as gxe
    from great_expectations.expectations.expectation import Expectation

    ordinary = Expectation.configuration
    one, other = gxe.ExpectColumnToExist(column="X"), gxe.ExpectColumnToExist(column="Y")
    expected = one.configuration
    with configurations_once():
        assert one.configuration is one.configuration
        assert one.configuration.to_json_dict() == expected.to_json_dict()
        assert other.configuration.kwargs["column"] == "Y"
    assert Expectation.configuration is ordinary
    with pytest.raises(RuntimeError), configurations_once():
        raise RuntimeError
    assert Expectation.configuration is ordinary


def test_a_missing_column_fails_the_rule() -> None:
    verdict = evaluate("raw/t", TABLE, [rule("expect_column_values_to_not_be_null", column="NOPE")], [])
    assert [f.rule for f in verdict.failures] == ["r1"]


def test_an_unknown_expectation_is_an_error_not_a_pass() -> None:
    with pytest.raises(UsageError, match="no expectation"):
        evaluate("raw/t", TABLE, [rule("expect_nothing_at_all")], [])


def test_wrong_arguments_are_an_error_not_a_pass() -> None:
    with pytest.raises(UsageError, match="arguments do not fit"):
        evaluate("raw/t", TABLE, [rule("expect_column_to_exist", colum="X")], [])


def test_a_rule_that_crashes_is_a_broken_contract_not_bad_data() -> None:
    crash = rule("expect_column_values_to_match_regex", column="USUBJID", regex="(")
    with pytest.raises(UsageError, match="could not be evaluated"):
        evaluate("raw/t", TABLE, [crash], [])


def test_an_empty_suite_is_an_error() -> None:
    with pytest.raises(UsageError, match="no rule"):
        evaluate("raw/t", TABLE, [], [])


def test_an_empty_table_is_called_empty() -> None:
    verdict = evaluate("raw/t", TABLE.iloc[:0], [rule("expect_column_to_exist", column="X")], [])
    assert verdict.worst == "empty"


def test_every_dataset_has_a_contract_with_meaning_type_and_privacy(root: Path) -> None:
    contracts = load_contracts(root / "data_contracts")
    analysis = {"adsl", "adie", "adae", "adlb", "addlt", "adrs", "adrsp28", "adtte", "addv", "adct"}
    expected = {f"{kind}/{code.lower()}" for kind in ("raw", "clean") for code in VARIABLES}
    expected |= {f"{kind}/{code}" for kind in ("raw", "clean") for code in ("relrec", "co", "da", "suppex")}
    assert set(contracts) == expected | {"clean/ages", "results/ard"} | {f"analysis/{name}" for name in analysis}
    for code in VARIABLES:
        for kind, names in (("raw", VARIABLES[code].split()), ("clean", clean_variables(code))):
            columns = contracts[f"{kind}/{code.lower()}"].dataset.properties
            # Birth dates are read and become ages; no clean domain holds them.
            wanted = [name for name in names if kind == "raw" or name != "BRTHDTC"]
            assert [c.name for c in columns if not c.optional] == wanted


def test_every_contract_compiles_to_rules_that_can_be_evaluated(root: Path, protocol: Protocol) -> None:
    contracts = load_contracts(root / "data_contracts")
    kinds = {"string": "str", "date": "datetime64[s]", "number": "float64", "integer": "Int64"}
    for kind in ("raw", "clean", "analysis"):
        frames = {
            key.split("/")[1]: pd.DataFrame({
                c.name: pd.Series(dtype=kinds[c.logicalType] if kind == "analysis" else "str")
                for c in contract.dataset.properties
            })
            for key, contract in contracts.items()
            if key.startswith(kind)
        }  # fmt: skip
        every = ["ELIGIBILITY", "TEAE", "DLT", "ORR_D28", "OS"]
        if kind == "analysis":
            plain = ("clean/dm", "clean/ae", "clean/lb", "clean/ce", "clean/cm")
            frames |= {name: pd.DataFrame(columns=["USUBJID", "AESEQ", "LBSEQ"], dtype="str") for name in plain}
        frames |= protocol_lists(protocol)
        names = [name for name in frames if f"{kind}/{name}" in contracts]
        for verdict in Gate(contracts, every, evaluate_quickly, {"dor_start": "day28"}).check(kind, frames, names):
            written = [rule.name for rule in contracts[verdict.dataset].dataset.rules]
            assert set(written) <= set(verdict.evaluated), verdict.dataset
            assert verdict.skipped == []


def test_code_lists_that_follow_from_the_protocol_follow_it(root: Path, protocol: Protocol) -> None:
    tuberculosis = protocol.criteria[-1].model_copy(update={"id": "EX18"})
    longer = protocol.model_copy(update={"criteria": [*protocol.criteria, tuberculosis]})
    adie = pd.DataFrame({"USUBJID": ["s"], "CRITCD": ["EX18"], "RESULT": ["PASS"]}).astype("str")
    for column in load_contracts(root / "data_contracts")["analysis/adie"].dataset.properties:
        if column.name not in adie:
            adie[column.name] = pd.Series([None], dtype="str")
    for known, broken in ((protocol, True), (longer, False)):
        frames = {"adie": adie, **protocol_lists(known)}
        (verdict,) = quick_gate(root).check("analysis", frames, ["adie"])
        assert "adie.CRITCD.codelist" in verdict.evaluated
        assert ("adie.CRITCD.codelist" in {failure.rule for failure in verdict.failures}) is broken
    ie = pd.DataFrame({"IETESTCD": ["EX18", "EX99"]})
    (verdict,) = quick_gate(root).check("clean", {"ie": ie, **protocol_lists(longer)}, ["ie"])
    (failure,) = [failure for failure in verdict.failures if failure.rule == "ie.IETESTCD.codelist"]
    assert failure.count == 1
    # Without the protocol the rule is named as one that was not evaluated.
    (verdict,) = quick_gate(root).check("clean", {"ie": ie}, ["ie"])
    assert "ie.IETESTCD.codelist: there is no protocol to take it from" in verdict.skipped


@pytest.mark.parametrize("value", ["{protocol: criterias}", "criteria", "{protocol: criteria, als: [x]}", "{a: b}"])
def test_a_code_list_that_cannot_be_understood_is_refused(root: Path, tmp_path: Path, value: str) -> None:
    (tmp_path / "analysis").mkdir()
    text = (root / "data_contracts" / "analysis" / "adie.yaml").read_text(encoding="utf-8")
    (tmp_path / "analysis" / "adie.yaml").write_text(text.replace("{protocol: criteria}", value), encoding="utf-8")
    with pytest.raises(UsageError, match=r"adie.yaml, line \d+, key schema.*column CRITCD.*one of " + ", ".join(LISTS)):
        load_contracts(tmp_path, ["analysis"])


def test_a_misspelt_severity_in_a_file_is_refused(root: Path, tmp_path: Path) -> None:
    (tmp_path / "clean").mkdir()
    text = (root / "data_contracts" / "clean" / "ex.yaml").read_text(encoding="utf-8")
    (tmp_path / "clean" / "ex.yaml").write_text(text.replace("severity: critical", "severity: fatal"), encoding="utf-8")
    with pytest.raises(UsageError, match="severity"):
        load_contracts(tmp_path)


def quick_gate(root: Path) -> Gate:
    return Gate(load_contracts(root / "data_contracts"), ["TEAE"], evaluate_quickly)


def gate(root: Path, endpoints: list[str]) -> Gate:
    return Gate(load_contracts(root / "data_contracts"), endpoints)


def raw_ae(**columns: list[str]) -> pd.DataFrame:
    base = {name: ["x"] for name in VARIABLES["AE"].split()} | {"USUBJID": ["S1"], "AESEQ": ["1"]}
    return pd.DataFrame({**base, **columns}, index=pd.Index([2], name="ROW"))


def test_a_column_needed_by_an_endpoint_stops_only_trials_with_it(root: Path) -> None:
    frames = {"ae": raw_ae().drop(columns="AETOXGR"), "dm": pd.DataFrame({"USUBJID": ["S1"]})}
    assert gate(root, ["TEAE"]).check("raw", frames, ["ae"])[0].worst == "pass"
    with pytest.raises(StopError, match="AETOXGR"):
        stop_if_critical(gate(root, ["TEAE", "DLT"]).check("raw", frames, ["ae"]), {"raw/ae": "ae.csv"})


def clean_ae() -> pd.DataFrame:
    frame = pd.DataFrame({name: pd.Series([pd.NA]).astype(column_type(name)) for name in clean_variables("AE")})
    return frame.assign(USUBJID="S1", AESEQ=1)


def test_an_event_of_an_unknown_subject_stops_and_names_the_record(root: Path) -> None:
    frames = {"ae": clean_ae(), "dm": pd.DataFrame({"USUBJID": ["S9"]})}
    with pytest.raises(StopError) as caught:
        stop_if_critical(gate(root, ["TEAE"]).check("clean", frames, ["ae"]))
    for part in ("clean/ae", "USUBJID S1 AESEQ 1", "every subject of the domain is in DM", "Next:"):
        assert part in str(caught.value)


def test_many_records_with_one_cause_are_one_query(root: Path) -> None:
    records = [{"USUBJID": f"S{i}", "AESEQ": i} for i in range(20)]
    few = Verdict("clean/ae", 30, ["r"], [Failure("r", "AESER", "warning", "d", 2, records[:2])])
    many = Verdict("clean/ae", 30, ["r"], [Failure("r", "AESER", "warning", "d", 25, records)])
    assert len(gate(root, []).queries([few])) == 2
    assert [q["observed"] for q in gate(root, []).queries([many])] == ["25 records"]
