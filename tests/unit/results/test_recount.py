"""One truth: each dataset is derived in one notebook, and agrees with ADSL subject by subject; so do the numbers."""

from __future__ import annotations

import ast
import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from support.paths import ROOT
from support.reported_rows import response_rate_rows, time_to_event_rows
from trialbook import cleaning
from trialbook.contracts.gate import Gate, stop_if_critical
from trialbook.contracts.gx_engine import Failure, evaluate
from trialbook.contracts.lookups import protocol_lists
from trialbook.contracts.odcs import Contract, load_contracts
from trialbook.contracts.pandas_engine import evaluate_quickly
from trialbook.core.domains import Domains
from trialbook.core.errors import StopError
from trialbook.dlt.addlt import derive_addlt
from trialbook.dlt.reporting import dlt_count_rows
from trialbook.efficacy import sensitivity
from trialbook.efficacy.adrs import derive_adrs
from trialbook.efficacy.adtte import declared_unresolved, derive_adtte, unresolved_subjects
from trialbook.efficacy.day28 import day28_response
from trialbook.eligibility.adie import audit_with_evidence
from trialbook.protocol.load import load_trial
from trialbook.protocol.study_data import StudyData
from trialbook.results.ard import to_ard
from trialbook.results.recount import subjects_counted
from trialbook.safety.adae import derive_adae
from trialbook.safety.adlb import derive_adlb
from trialbook.snapshot import read_snapshot
from trialbook.subjects.adsl import add_analysis_sets, derive_subjects, set_rows

TRIAL = load_trial(ROOT / "params" / "cuts" / "2025-09-30.yaml", ROOT)
PROTOCOL, KEYS, CUT = TRIAL.protocol, TRIAL.analysis, TRIAL.cut_date
Frames = dict[str, pd.DataFrame]


# ---- each derivation runs in one notebook ------------------------------------------------------------------------


def derivations(notebook: Path) -> Iterator[str]:
    """The library functions that the cells of a notebook give the clean domains to, or that derive a dataset."""
    origin: dict[str, str] = {}
    for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] != "code":
            continue
        for node in ast.walk(ast.parse("".join(cell["source"]))):
            if isinstance(node, ast.ImportFrom):
                origin |= {a.asname or a.name: f"{node.module}.{a.name}" for a in node.names}
            elif isinstance(node, ast.Call):
                given = {ast.unparse(argument) for argument in node.args}
                called = ast.unparse(node.func)
                head, _, rest = called.partition(".")
                name = ".".join(filter(None, [origin.get(head, head), rest]))
                if name == "trialbook.efficacy.delivery.lacking":  # reads which domains came, derives nothing
                    continue
                if given & {"domains", "step.clean", "study"} or name.rpartition(".")[2].startswith("derive_"):
                    yield name


def test_each_derivation_runs_in_exactly_one_notebook() -> None:
    places: dict[str, set[str]] = defaultdict(set)
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        for name in derivations(path):
            places[name.rpartition(".")[2]].add(path.stem)
    assert {name: where for name, where in places.items() if len(where) > 1} == {}
    # Those that the datasets are named after are found at all.
    wanted = {"derive_subjects", "derive_addlt", "derive_day28", "derive_adae", "derive_adlb", "derive_adrs"}
    assert wanted | {"derive_adtte", "derive_audit", "unresolved_subjects"} <= set(places)


# ---- contracts reconcile -----------------------------------------------------------------------------------------


@cache
def contracts() -> dict[str, Contract]:
    return load_contracts(ROOT / "data_contracts", ["analysis", "results"])


@cache
def clean() -> Domains:
    cleaned = cleaning.clean_snapshot(read_snapshot(TRIAL), TRIAL)
    return Domains(cleaning.apply_cut(cleaned.domains, CUT).domains)


def same(name: str, frame: pd.DataFrame) -> pd.DataFrame:
    return frame


_known: dict[str, tuple[pd.DataFrame, pd.DataFrame]] = {}


def once(name: str, subjects: pd.DataFrame, derive: Callable[[pd.DataFrame], pd.DataFrame]) -> pd.DataFrame:
    """Derives from the clean domains, unless the same was derived of these very subjects: most filters alter one."""
    before = _known.get(name)
    if before is not None and before[0].equals(subjects):
        return before[1]
    return _known.setdefault(name, (subjects, derive(subjects)))[1] if before is None else derive(subjects)


def derived(filtered: Callable[[str, pd.DataFrame], pd.DataFrame] = same, domains: Domains | None = None) -> Frames:
    """Every dataset as the notebooks derive it; `filtered` is given the subjects in front of each derivation."""
    from_ = clean() if domains is None else domains
    study = StudyData(from_, PROTOCOL, KEYS, CUT)

    def made(name: str, subjects: pd.DataFrame, derive: Callable[[pd.DataFrame], pd.DataFrame]) -> pd.DataFrame:
        own = filtered(name, subjects)
        return once(name, own, derive) if domains is None else derive(own)

    core = filtered("adsl", derive_subjects(study))
    adie = made("adie", core, lambda own: audit_with_evidence(own, study).adie)
    addlt = made("addlt", core, lambda own: derive_addlt(own, study))
    day28 = made("adrsp28", core, lambda own: day28_response(own, study))
    adsl = add_analysis_sets(core, addlt, day28, PROTOCOL, KEYS, adie, unresolved_subjects(core, from_, CUT))
    frames = {
        "adsl": adsl, "adie": adie, "addlt": addlt, "adrsp28": day28,
        "adae": made("adae", adsl, lambda own: derive_adae(own, study)),
        "adlb": made("adlb", adsl, lambda own: derive_adlb(own, study)),
        # ADRS is given the responses at day 28 as well.
        "adrs": derive_adrs(filtered("adrs", adsl), study, day28),
        "adtte": made("adtte", adsl, lambda own: derive_adtte(own, study)),
        **{f"clean/{code.lower()}": from_[code] for code in from_},
        **protocol_lists(PROTOCOL),
    }  # fmt: skip
    return frames | {"results/subjects": subjects_counted(frames), "ard": reported(frames)}


def reported(frames: Frames) -> pd.DataFrame:
    responses = sensitivity.sensitivity_responses(
        frames["adsl"], StudyData(clean(), PROTOCOL, KEYS, CUT), frames["adrsp28"]
    )
    return to_ard([
        *set_rows(frames["adsl"], PROTOCOL),
        *dlt_count_rows(frames["addlt"], PROTOCOL),
        *response_rate_rows(responses, PROTOCOL, KEYS),
        *time_to_event_rows(frames["adtte"], PROTOCOL, KEYS),
        *time_to_event_rows(frames["adtte"], PROTOCOL, KEYS, "FFS"),
    ])  # fmt: skip


@cache
def whole() -> Frames:
    return derived()


@cache
def gate(engine: Any = evaluate_quickly) -> Gate:
    return Gate(contracts(), PROTOCOL.study.endpoints, engine, {"dor_start": KEYS.dor_start})


DATASETS = ["adsl", "adie", "addlt", "adrsp28", "adae", "adlb", "adrs", "adtte"]


def failures(frames: Frames, *names: str) -> dict[str, Failure]:
    """The failed rules of severity critical, by name."""
    verdicts = [*gate().check("analysis", frames, names or DATASETS), *gate().check("results", frames, ["ard"])]
    return {f.rule: f for verdict in verdicts for f in verdict.failures if f.severity == "critical"}


def test_what_the_notebooks_derive_agrees_and_no_rule_is_left_out() -> None:
    assert failures(whole()) == {}
    for verdict in [*gate().check("analysis", whole(), DATASETS), *gate().check("results", whole(), ["ard"])]:
        assert verdict.skipped == []
        assert {rule.name for rule in contracts()[verdict.dataset].dataset.rules} <= set(verdict.evaluated)


def test_great_expectations_says_the_same_of_a_whole_and_of_a_broken_truth() -> None:
    broken = {**whole(), "adtte": whole()["adtte"].iloc[1:], "adrs": whole()["adrs"].iloc[20:]}
    for frames in (whole(), broken):
        for kind, names in (("analysis", DATASETS), ("results", ["ard"])):
            assert gate(evaluate).check(kind, frames, names) == gate().check(kind, frames, names)


def without(subject: str, place: str) -> Callable[[str, pd.DataFrame], pd.DataFrame]:
    """A filter that somebody left in front of one derivation."""
    return lambda name, frame: frame[frame["SUBJID"] != subject] if name == place else frame


# Who died and who lives take turns; both before each derivation: make soak.
TURNS = [
    pytest.param(place, subject, marks=[] if number % 2 == turn else pytest.mark.soak)
    for number, place in enumerate(DATASETS)
    for turn, subject in enumerate(["004", "016"])
]


@pytest.mark.parametrize(("place", "subject"), TURNS)
def test_a_filter_left_in_front_of_a_derivation_is_found_and_names_the_subject(place: str, subject: str) -> None:
    frames = derived(without(subject, place))
    verdicts = gate().check("analysis", frames, [place])
    found = [f for verdict in verdicts for f in verdict.failures if f.severity == "critical"]
    assert any(subject in str(record) for failure in found for record in failure.records), found
    with pytest.raises(StopError) as stopped:
        stop_if_critical(verdicts, {}, {f"analysis/{place}": "notebooks/xx.ipynb"})
    said = str(stopped.value)
    assert subject in said
    assert f"analysis/{place}" in said
    assert "look in notebooks/xx.ipynb for a cell that leaves records out" in said


def test_the_missing_subject_is_named_with_its_parameter() -> None:
    frames = derived(without("004", "adtte"))
    found = failures(frames, "adtte")
    assert found["adtte.OS.every_subject"].records == [{"SUBJID": "004", "USUBJID": "NCT06321198-01-004"}]
    assert "(OS)" in found["adtte.OS.every_subject"].description
    assert {"adtte.FFS.every_subject", "adtte.NRM.every_subject"} <= set(found)


@pytest.mark.parametrize("parameter", ["RSP28", "BOR", "RSP56", "VGPR28"])
def test_a_parameter_of_one_subject_that_is_lost_is_named(parameter: str) -> None:
    adrs = whole()["adrs"]
    lost = adrs[~(adrs["PARAMCD"].eq(parameter) & adrs["USUBJID"].str.endswith("-005"))]
    found = failures({**whole(), "adrs": lost}, "adrs")["adrs.PARAMCD.every_subject"]
    assert [(r["SUBJID"], r["PARAMCD"]) for r in found.records] == [("005", parameter)]


def test_a_criterion_of_one_subject_that_is_lost_is_named() -> None:
    adie = whole()["adie"]
    lost = adie[~(adie["CRITCD"].eq("EX08") & adie["USUBJID"].str.endswith("-002"))]
    found = failures({**whole(), "adie": lost}, "adie")["adie.CRITCD.every_subject"]
    assert [(r["SUBJID"], r["CRITCD"]) for r in found.records] == [("002", "EX08")]


@pytest.mark.parametrize(("dataset", "sequence"), [("adae", "AESEQ"), ("adlb", "LBSEQ")])
def test_records_are_reconciled_both_ways(dataset: str, sequence: str) -> None:
    frame = whole()[dataset]
    row = frame.iloc[3]
    found = failures({**whole(), dataset: frame.drop(frame.index[3])}, dataset)
    assert found[f"{dataset}.{sequence}.every_record"].records[0][sequence] == int(row[sequence])
    invented = pd.concat([frame, frame.iloc[[3]].assign(**{sequence: 9999})], ignore_index=True)
    assert f"{dataset}.{sequence}.delivered" in failures({**whole(), dataset: invented}, dataset)


def changed(dataset: str, subject: str, column: str, value: Any, parameter: str = "") -> Frames:
    frame = whole()[dataset]
    rows = frame["USUBJID"].str.endswith(f"-{subject}")
    if parameter:
        rows &= frame["PARAMCD"].eq(parameter)
    assert rows.any()
    return {**whole(), dataset: frame.assign(**{column: frame[column].mask(rows, value)})}


@pytest.mark.parametrize(
    ("dataset", "frames", "rule"),
    [
        ("adae", lambda: changed("adae", "004", "TRT01A", "DL3"), "adae.TRT01A.as_adsl"),
        ("adlb", lambda: changed("adlb", "004", "TRTSDT", pd.Timestamp("2024-01-01")), "adlb.TRTSDT.as_adsl"),
        ("addlt", lambda: changed("addlt", "003", "DLTSTAT", "PENDING"), "addlt.DLTSTAT.not_evaluable"),
        ("addlt", lambda: changed("adsl", "003", "DLTEFL", ""), "addlt.DLTSTAT.evaluable"),
        ("adrs", lambda: changed("adsl", "003", "MAT28FL", ""), "adrs.RSP28.mature"),
        ("adrs", lambda: changed("adsl", "003", "EVAL28FL", ""), "adrs.RSP28.assessed"),
        ("adrs", lambda: changed("adrs", "003", "AVALC", "PD", "RSP28"), "adrs.RSP28.category"),
        ("adrsp28", lambda: changed("adsl", "003", "EVAL28FL", ""), "adrsp28.EVAL28FL.as_adsl"),
        ("adtte", lambda: changed("adtte", "004", "CNSR", 1, "OS"), "adtte.OS.every_death"),
        ("adtte", lambda: changed("adtte", "003", "CNSR", 0, "OS"), "adtte.OS.no_other_death"),
        ("adtte", lambda: changed("adsl", "004", "DTHDT", pd.Timestamp("2025-01-17")), "adtte.OS.day_of_death"),
    ],
)
def test_a_value_that_differs_from_adsl_is_found(dataset: str, frames: Callable[[], Frames], rule: str) -> None:
    assert rule in failures(frames(), dataset)


@pytest.mark.parametrize(
    ("analysis", "level", "variable", "statistic", "rule"),
    [
        ("SETS", "Total", "DLTEFL", "n", "ard.SETS.as_adsl"),
        ("SETS", PROTOCOL.level_ids[0], "ENRFL", "n", "ard.SETS.as_adsl"),
        ("DLT_SETS", "Total", "EVALUABLE", "n", "ard.DLT.as_addlt"),
        ("ORR_D28", "Total", "RSP28", "n", "ard.ORR_D28.as_adrs"),
        ("CR_D28", "Total", "RSP28", "N", "ard.ORR_D28.as_adrs"),
        ("OS_EVENTS", "Total", "OS", "n", "ard.EVENTS.as_adtte"),
    ],
)
def test_a_number_that_was_not_counted_from_the_dataset_is_found(
    analysis: str, level: str, variable: str, statistic: str, rule: str
) -> None:
    ard = whole()["ard"]
    row = (
        ard["analysis_id"].eq(analysis) & ard["group1_level"].eq(level) & ard["variable"].eq(variable)
        & ard["stat_name"].eq(statistic) & ~ard["context"].str.startswith("sens:")
    )  # fmt: skip
    assert row.any()
    found = failures({**whole(), "ard": ard.assign(stat=ard["stat"].mask(row, ard["stat"] + 1))})
    assert list(found) == [rule]
    assert found[rule].records[0]["analysis_id"] == analysis


def test_dlt_counts_under_another_window_do_not_agree_with_addlt() -> None:
    wide = KEYS.model_copy(update={"dlt_window": [0, 90]})
    addlt = derive_addlt(whole()["adsl"], StudyData(clean(), PROTOCOL, wide, CUT))
    ard = to_ard(dlt_count_rows(addlt, PROTOCOL))
    assert list(failures({**whole(), "ard": ard})) == ["ard.DLT.as_addlt"]


def test_who_has_no_survival_time_by_a_declared_rule_is_not_missed() -> None:
    frames = dict(clean())
    dm = frames["DM"]
    dead_before = dm["USUBJID"].str.endswith("-004")
    frames["DM"] = dm.assign(DTHDTC=dm["DTHDTC"].mask(dead_before, "2024-01-01"))
    for code in ("SS", "DS", "AE"):
        frames[code] = frames[code][~frames[code]["USUBJID"].str.endswith("-004")]
    found = derived(domains=Domains(frames))
    listed = declared_unresolved(found["adsl"])
    assert listed["SUBJID"].tolist() == ["004"]
    assert not found["adtte"]["USUBJID"].str.endswith("-004").any()
    assert [rule for rule in failures(found, "adtte") if rule.startswith("adtte.")] == []
