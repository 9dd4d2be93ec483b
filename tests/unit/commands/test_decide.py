"""The log of the committee's decisions: what is written, what is refused, and which entries a build reads."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from support.default_keys import keys
from trialbook.commands.decide import write_decision
from trialbook.core.errors import UsageError
from trialbook.dlt.decisions import AGREES, BEYOND, CAUTIOUS, OPEN, OTHER, against_advice, decided
from trialbook.protocol.decisions import Decision, decisions_before, read_decisions, replaced_by

MARK = "a" * 64
GIVEN = {
    "date": "2025-04-04", "decision": "escalate", "level": "DL2", "reason": "0 of 3 DLTs at DL1",
    "by": "Safety Review Committee", "minutes": "2025-02, item 4",
}  # fmt: skip
SECOND = {"date": "2025-05-04", "decision": "wait", "level": "", "supersedes": "2025-04-04"}


def trial(root: Path, cut_id: str = "first", cut_date: str = "2025-03-31") -> Any:
    cut = SimpleNamespace(cut_id=cut_id, cut_date=cut_date, decisions="log.yaml")
    protocol = SimpleNamespace(level_ids=["DL1", "DL2", "DL3"])
    return SimpleNamespace(root=root, cut=cut, protocol=protocol, analysis=keys())


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "build" / "first"
    (folder / "results").mkdir(parents=True)
    sources = {"cut": {"cut_date": "2025-03-31"}}
    (folder / "manifest.json").write_text(json.dumps({"fingerprint": MARK, "sources": sources}), encoding="utf-8")
    row = {"analysis_id": "DLT_ADVICE", "stat_name": "advice", "context": "", "variable": "3+3"}
    pd.DataFrame([{**row, "stat_text": "ONGOING(EXPAND DL1)"}]).to_parquet(folder / "results" / "ard.parquet")
    return tmp_path


def test_an_entry_holds_what_was_decided_and_what_was_advised(root: Path) -> None:
    said = write_decision(trial(root), root / "build", GIVEN)
    assert any("beyond the advice" in line for line in said)
    assert said[0] == "Status of the escalation at 2025-03-31: Enrol up to 6 subjects at DL1."
    assert any("fingerprint aaaaaaaaaaaa" in line for line in said)
    (entry,) = read_decisions(root / "log.yaml")
    assert (entry.build, entry.advice, entry.rule) == (MARK, "ONGOING(EXPAND DL1)", "3+3")
    assert (entry.cut_date, entry.date, entry.level) == ("2025-03-31", "2025-04-04", "DL2")


def test_lines_that_are_there_stay_as_they_are(root: Path) -> None:
    write_decision(trial(root), root / "build", GIVEN)
    first = (root / "log.yaml").read_text(encoding="utf-8") + "  # a remark of ours\n"
    (root / "log.yaml").write_text(first, encoding="utf-8")
    write_decision(trial(root), root / "build", {**GIVEN, **SECOND})
    text = (root / "log.yaml").read_text(encoding="utf-8")
    assert text.startswith(first.rstrip())
    assert [one.decision for one in read_decisions(root / "log.yaml")] == ["escalate", "wait"]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"level": "DL9"}, "no dose level DL9"),
        ({"level": ""}, "needs a dose level"),
        ({"decision": "wait"}, "has no dose level"),
        ({"decision": "go on"}, r"--decision.*go on.*no decision of the log. Next: name one of start"),
        ({"reason": ""}, r"--reason: this must not be blank"),
        ({"supersedes": "2025-04-01"}, "no decision of 2025-04-01 on the cut first is in force"),
        ({"decision": "withdraw", "level": ""}, "a withdrawal names in supersedes"),
        ({"date": "2025-03-30"}, "before the data cut"),
        ({"date": "2025-02-30"}, "no such calendar date"),
        ({"by": "Dr Wang, 13912345678"}, "identifies a person"),
    ],
)
def test_what_cannot_be_is_refused_and_writes_nothing(root: Path, changed: dict[str, str], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        write_decision(trial(root), root / "build", {**GIVEN, **changed})
    assert not (root / "log.yaml").exists()


def test_a_second_decision_on_a_cut_supersedes_or_withdraws_the_first_which_stays(root: Path) -> None:
    write_decision(trial(root), root / "build", GIVEN)
    with pytest.raises(UsageError, match=r"has the decision of 2025-04-04 .*--supersedes 2025-04-04, or --withdraw"):
        write_decision(trial(root), root / "build", {**GIVEN, **SECOND, "supersedes": ""})
    with pytest.raises(UsageError, match="has to supersede it"):
        write_decision(trial(root), root / "build", {**GIVEN, "decision": "enrol"})
    write_decision(trial(root), root / "build", {**GIVEN, "decision": "enrol", "level": "DL1"})
    said = write_decision(trial(root), root / "build", {**GIVEN, **SECOND})
    assert any(
        one.endswith("wait, in place of the decision of 2025-04-04 (more cautious than advised)") for one in said
    )
    last = {**GIVEN, "date": "2025-05-05", "decision": "withdraw", "level": "", "supersedes": "2025-05-04"}
    write_decision(trial(root), root / "build", last)
    with pytest.raises(UsageError, match="no decision of 2025-05-04 on the cut first is in force"):
        write_decision(trial(root), root / "build", {**last, "date": "2025-05-06"})
    log = read_decisions(root / "log.yaml")
    gone = replaced_by(log)
    assert [str(decided(one, gone.get(one))) for one in log] == [
        "escalate to DL2 (superseded on 2025-05-04)", "enrol at DL1 (superseded on 2025-05-04)",
        "wait, in place of the decision of 2025-04-04 (withdrawn on 2025-05-05)",
        "withdraw the decision of 2025-05-04",
    ]  # fmt: skip


def test_a_log_with_two_decisions_on_a_cut_that_do_not_know_each_other_is_refused(root: Path) -> None:
    write_decision(trial(root), root / "build", GIVEN)
    write_decision(trial(root), root / "build", {**GIVEN, **SECOND})
    text = (root / "log.yaml").read_text(encoding="utf-8").replace("supersedes", "# supersedes")
    (root / "log.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=r"has to supersede it \(supersedes: '2025-04-04'\)"):
        read_decisions(root / "log.yaml")


def test_the_same_decision_twice_and_a_damaged_log_are_refused(root: Path) -> None:
    write_decision(trial(root), root / "build", GIVEN)
    with pytest.raises(UsageError, match="has the decision of 2025-04-04"):
        write_decision(trial(root), root / "build", GIVEN)
    damaged = "decisions: [\n"
    (root / "log.yaml").write_text(damaged, encoding="utf-8")
    with pytest.raises(UsageError):
        write_decision(trial(root), root / "build", {**GIVEN, "date": "2025-05-05"})
    assert (root / "log.yaml").read_text(encoding="utf-8") == damaged


def test_a_cut_without_a_build_cannot_be_decided_on(root: Path) -> None:
    with pytest.raises(UsageError, match="has not been built") as stopped:
        write_decision(trial(root, "second"), root / "build", GIVEN)
    assert "build this cut first" in str(stopped.value)


def test_a_build_reads_only_decisions_on_earlier_cuts(root: Path) -> None:
    write_decision(trial(root), root / "build", GIVEN)
    assert decisions_before(trial(root)) == []
    assert decisions_before(trial(root, "earlier", "2025-01-31")) == []
    assert [one.cut for one in decisions_before(trial(root, "second", "2025-06-30"))] == ["first"]


@pytest.mark.parametrize(
    ("decided", "level", "advice", "verdict"),
    [
        ("escalate", "DL2", "ONGOING(ESCALATE DL2)", AGREES),
        ("enrol", "DL1", "ONGOING(ESCALATE DL2)", CAUTIOUS),
        ("escalate", "DL3", "ONGOING(EXPAND DL2)", BEYOND),
        ("enrol", "DL3", "ONGOING(WAIT DL3)", BEYOND),
        ("stop", "", "ONGOING(ENROL DL1)", CAUTIOUS),
        ("declare MTD", "DL1", "MTD_DECLARED(DL1)", AGREES),
        ("wait", "", "ONGOING(WAIT DL3)", AGREES),
        ("wait", "", "", OPEN),
        ("declare MTD", "DL1", "CAP_REACHED(DL1)", BEYOND),
        ("declare MTD", "DL1", "ONGOING(WAIT DL2)", BEYOND),
        ("declare MTD", "DL2", "MTD_DECLARED(DL1)", OTHER),
        ("enrol", "DL1", "ONGOING(EXPAND DL2)", OTHER),
    ],
)
def test_decision_against_advice(decided: str, level: str, advice: str, verdict: str) -> None:
    made = {**GIVEN, "cut": "first", "cut_date": "2025-03-31", "build": MARK, "decision": decided, "level": level}
    assert against_advice(Decision.model_validate({**made, "advice": advice})) == verdict
