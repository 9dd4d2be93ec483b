"""What a trial of one's own still has of the trial of the template is named; the cap and the planned number agree."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from trialbook.commands.init import values_left
from trialbook.protocol.load import load_protocol, load_trial
from trialbook.protocol.untouched import untouched

OWN_STUDY = [
    ("id: iMSC-2001", "id: OWN-1"), ("registry_id: NCT06321198", "registry_id: NCT00000001"),
    ("product: iMSC", "product: AB-12"), ("disease: acute GVHD", "disease: solid tumours"),
]  # fmt: skip


@pytest.fixture
def own(tmp_path: Path, root: Path) -> Path:
    """A copy of the protocol file of the template, to be changed."""
    (tmp_path / "params").mkdir()
    (tmp_path / "params" / "drugs.yaml").write_bytes((root / "params" / "drugs.yaml").read_bytes())
    path = tmp_path / "params" / "protocol.yaml"
    path.write_bytes((root / "params" / "protocol.yaml").read_bytes())
    return path


def edit(path: Path, *changes: tuple[str, str]) -> None:
    text = path.read_text(encoding="utf-8")
    for old, new in changes:
        text, n = re.subn(old, new, text, count=1)
        assert n == 1, old
    path.write_text(text, encoding="utf-8")


def test_the_template_itself_with_other_levels_or_keys_is_no_other_trial(own: Path, root: Path) -> None:
    edit(own, ("label: .Dose level 1 .illustrative..", 'label: "10 mg"'), ("default: CIBMTR", "default: CN"))
    assert untouched(load_protocol(own), load_protocol(root / "params" / "protocol.yaml")) == []


def test_each_value_that_another_trial_still_has_of_the_template_is_named(own: Path, root: Path) -> None:
    edit(own, *OWN_STUDY, (r"id: DL1, label: .[^,]*,", 'id: DL1, label: "10 mg",'))
    edit(own, ('text: "4-70 years"', 'text: "adults"'))
    found = untouched(load_protocol(own), load_protocol(root / "params" / "protocol.yaml"))
    assert found[:4] == ["study.title", "study.sponsor", "study.disclaimer", "study.notes"]
    assert "dose_levels (DL2, DL3)" in found
    assert "criteria (IN01, IN03, IN04 and 18 more)" in found
    assert {"monitoring", "schedule"} <= set(found)
    assert found[-1].startswith("analysis (")


def test_the_examples_of_other_trials_have_nothing_left(root: Path) -> None:
    template = load_protocol(root / "params" / "protocol.yaml")
    for name in ("phase1", "pilot"):
        assert untouched(load_protocol(root / "params" / name / "protocol.yaml"), template) == []


def test_the_warning_names_the_file_the_values_and_what_to_do(own: Path, root: Path) -> None:
    (own.parents[1] / "data").mkdir()
    cut = own.parent / "first.yaml"
    cut.write_text("cut_id: first\ncut_date: '2025-06-30'\nsnapshot: data\nprotocol: params/protocol.yaml\n")
    assert values_left(load_trial(cut, root)) == []
    edit(own, ("id: iMSC-2001", "id: OWN-1"))
    (line,) = values_left(load_trial(cut, root))
    assert line.startswith("warning: params/protocol.yaml still says of this trial what NCT06321198 has there: ")
    assert ": study.registry_id, study.title, " in line
    assert line.endswith("Next: write what holds for OWN-1.")


def test_the_cap_may_differ_from_the_plan_by_an_expansion_or_by_who_is_replaced(own: Path) -> None:
    edit(own, ("planned_n: 12", "planned_n: 30\n  expansion_n: 18"))
    assert load_protocol(own).study.expansion_n == 18
    edit(own, ("expansion_n: 18", "expansion_n: 15"))
    edit(own, ("cap_counts: {default: treated", "cap_counts: {default: evaluable"))
    assert load_protocol(own).study.planned_n == 30
