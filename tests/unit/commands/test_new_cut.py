"""`trialbook new-cut`: which cut is the previous one, what is rewritten and kept, and what is said of it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from support import raw_export as raw
from trialbook.commands.new_cut import write_cut_file
from trialbook.core.errors import StopError, TrialbookError, UsageError
from trialbook.protocol.load import load_trial
from trialbook.protocol.models import Cut
from trialbook.protocol.synthetic import MANIFEST
from trialbook.protocol.yaml_file import read_yaml, validated
from trialbook.snapshot.transfer import NEXT

PHONE = str(13951234566 + 1)


@pytest.fixture
def project(tmp_path: Path, root: Path) -> Path:
    for name in ("params/cuts", "notebooks", "data"):
        (tmp_path / name).mkdir(parents=True)
    for name in ("protocol.yaml", "drugs.yaml"):
        shutil.copy(root / "params" / name, tmp_path / "params")
    return tmp_path


def delivery(project: Path, name: str, synthetic: bool | None = None) -> Path:
    folder = project / "data" / name
    raw.export(folder)
    if synthetic is not None:
        (folder / MANIFEST).write_text(json.dumps({"synthetic": synthetic}), encoding="utf-8")
    return folder


def cut_of(project: Path, cut_id: str) -> Cut:
    path = project / "params" / "cuts" / f"{cut_id}.yaml"
    return validated(Cut, read_yaml(path), str(path))


def test_the_previous_cut_that_was_chosen_is_named_with_the_reason_and_whether_it_is_built(project: Path) -> None:
    first = write_cut_file("a", delivery(project, "a"), "2025-01-31", project)
    assert first[1:] == ["no previous cut: no cut file in params/cuts/ has an earlier date and data of the same kind"]
    lines = write_cut_file("b", delivery(project, "b"), "2025-02-28", project)
    assert lines[1].startswith(
        "previous cut: a, the latest in params/cuts/ before 2025-02-28; no build of it is published"
    )
    assert "or name another under previous_cut" in lines[2]


@pytest.mark.parametrize("synthetic", [True, False])
@pytest.mark.parametrize("declared", ["in the cut file", "in the snapshot"])
def test_made_up_and_real_cuts_are_never_compared(project: Path, synthetic: bool, declared: str) -> None:
    """Whatever declares it; a cut that declares nothing holds real data."""
    own = delivery(project, "a", synthetic)
    write_cut_file("a", own, "2025-01-31", project)
    other = delivery(project, "b", (not synthetic) if declared == "in the snapshot" else None)
    lines = write_cut_file("b", other, "2025-02-28", project)
    if declared == "in the cut file":
        path = project / "params" / "cuts" / "b.yaml"
        path.write_text(path.read_text() + f"synthetic: {str(not synthetic).lower()}\n")
    else:
        assert "cannot be its previous cut" in lines[1]
        assert cut_of(project, "b").previous_cut is None
    write_cut_file("c", delivery(project, "c", synthetic), "2025-03-31", project)
    assert cut_of(project, "c").previous_cut == "a"
    write_cut_file("d", delivery(project, "d", not synthetic), "2025-04-30", project)
    assert cut_of(project, "d").previous_cut == "b"


def test_a_real_cut_after_the_demo_has_no_previous_one(project: Path, root: Path) -> None:
    shutil.copytree(root / "data" / "demo", project / "data" / "demo")
    for path in (root / "params" / "cuts").glob("*.yaml"):
        shutil.copy(path, project / "params" / "cuts")
    lines = write_cut_file("2026-01-31", delivery(project, "site"), "2026-01-31", project)
    assert cut_of(project, "2026-01-31").previous_cut is None
    assert "2025-09-30 is of synthetic data and this cut is not of synthetic data" in lines[1]
    load_trial(project / "params" / "cuts" / "2026-01-31.yaml", project)


def test_a_broken_cut_file_is_named_and_stops_nothing(project: Path) -> None:
    write_cut_file("a", delivery(project, "a"), "2025-01-31", project)
    cuts = project / "params" / "cuts"
    (cuts / "broken.yaml").write_text("cut_id: [\n")
    (cuts / "wrong.yaml").write_text("cut_id: w\ncut_dat: 2025-02-01\n")
    folder = delivery(project, "odd")
    (folder / MANIFEST).write_text('{"synthetic": "perhaps"}')
    (cuts / "odd.yaml").write_text("cut_id: odd\ncut_date: 2025-02-02\nsnapshot: data/odd\nprotocol: p.yaml\n")
    lines = write_cut_file("b", delivery(project, "b"), "2025-03-31", project)
    assert cut_of(project, "b").previous_cut == "a"
    said = "\n".join(lines)
    for name in ("broken.yaml", "wrong.yaml", "odd.yaml"):
        assert said.count(f"params/cuts/{name} cannot be a previous cut") == 1
    assert "unknown key cut_dat" in said


REWRITTEN = """# Our second cut. Agreed on 2 March.
cut_id: "b"
cut_date: "2025-02-28"  # inclusive
snapshot: data/b   # from the CRO
protocol: params/protocol.yaml
previous_cut: "a"

# Chosen by the statistician:
overrides:
  response_rules: CN  # as in the SAP
transfer:   # what came
  dm.csv: {sha256: "%s", bytes: 1, rows: 1}
synthetic: false
# The end.
""" % ("0" * 64)


def rewritten(project: Path, text: str = REWRITTEN) -> tuple[str, list[str]]:
    write_cut_file("a", delivery(project, "a"), "2025-01-31", project)
    path = project / "params" / "cuts" / "b.yaml"
    path.write_bytes(text.encode())
    lines = write_cut_file("b", delivery(project, "b2"), "2025-03-01", project, replace=True)
    return path.read_bytes().decode(), lines


def test_a_file_that_is_rewritten_keeps_its_comments_and_other_keys(project: Path) -> None:
    text, lines = rewritten(project)
    for kept in (
        "# Our second cut. Agreed on 2 March.\n", "# inclusive\n", "snapshot: data/b2   # from the CRO\n",
        "# Chosen by the statistician:\n", "  response_rules: CN  # as in the SAP\n", "transfer:   # what came\n",
        "synthetic: false\n# The end.\n",
    ):  # fmt: skip
        assert kept in text
    cut = cut_of(project, "b")
    assert (cut.cut_date, cut.previous_cut, cut.overrides) == ("2025-03-01", "a", {"response_rules": "CN"})
    assert set(cut.transfer or {}) == {"dm.csv", "ex.csv", "ae.csv"}
    said = "\n".join(lines)
    assert "dm.csv: another content (1 records then, " in said
    assert "ex.csv: was not received then" in said
    assert "cut-off date: 2025-02-28 then, 2025-03-01 now" in said
    assert "snapshot: data/b then, data/b2 now" in said
    assert "no build of b is published" in said
    load_trial(project / "params" / "cuts" / "b.yaml", project)
    again = write_cut_file("b", project / "data" / "b2", "2025-03-01", project, replace=True)
    assert "the delivery is the one that the cut file named before" in again
    assert (project / "params" / "cuts" / "b.yaml").read_bytes().decode() == text


@pytest.mark.parametrize(
    "text",
    [
        REWRITTEN.replace("\n", "\r\n"), "\ufeff" + REWRITTEN, REWRITTEN.rstrip("\n"),
        REWRITTEN.split("transfer:")[0] + "transfer:\n", REWRITTEN.split("transfer:")[0] + "transfer: ~  # none\n",
        REWRITTEN.split("transfer:")[0] + "mapping:\nsynthetic: no\n",
        REWRITTEN.replace("dm.csv: {sha256:", "dm.csv:\n    sha256:").replace(", bytes: 1, rows: 1}", "\n    bytes: 1"),
    ],
)  # fmt: skip
def test_any_layout_of_a_cut_file_is_rewritten_in_place(project: Path, text: str) -> None:
    new, _ = rewritten(project, text)
    cut = cut_of(project, "b")
    assert (cut.snapshot, cut.cut_date, len(cut.transfer or {})) == ("data/b2", "2025-03-01", 3)
    assert "# as in the SAP" in new
    assert ("\r\n" in new) == ("\r\n" in text)


def test_a_layout_that_cannot_be_kept_is_refused_and_left_alone(project: Path) -> None:
    flow = "{cut_id: b, cut_date: 2025-02-28, snapshot: data/b, protocol: params/protocol.yaml}\n"
    with pytest.raises(UsageError, match=r"cannot be changed in place.*without --replace"):
        rewritten(project, flow)
    assert (project / "params" / "cuts" / "b.yaml").read_text() == flow


def test_a_previous_cut_that_cannot_be_one_is_replaced_and_said(project: Path) -> None:
    write_cut_file("a", delivery(project, "a"), "2025-01-31", project)
    write_cut_file("made", delivery(project, "made", synthetic=True), "2025-02-15", project)
    write_cut_file("b", delivery(project, "b"), "2025-02-28", project)
    path = project / "params" / "cuts" / "b.yaml"
    path.write_text(path.read_text().replace("previous_cut: a", "previous_cut: made  # the latest"))
    lines = write_cut_file("b", project / "data" / "b", "2025-02-28", project, replace=True)
    assert cut_of(project, "b").previous_cut == "a"
    assert any("the previous cut was made, which is of synthetic data; now it is a" in line for line in lines)
    lines = write_cut_file("b", project / "data" / "b", "2025-01-01", project, replace=True)
    assert cut_of(project, "b").previous_cut is None
    assert any("which is not dated before it; now it is none" in line for line in lines)


def test_two_declarations_that_differ_stop(project: Path) -> None:
    write_cut_file("a", delivery(project, "a"), "2025-01-31", project)
    path = project / "params" / "cuts" / "a.yaml"
    path.write_text(path.read_text() + "synthetic: false\n")
    before = path.read_bytes()
    with pytest.raises(StopError, match="SYNTHETIC"):
        write_cut_file("a", delivery(project, "made", synthetic=True), "2025-01-31", project, replace=True)
    assert path.read_bytes() == before


def test_messages_that_name_each_other_end(project: Path) -> None:
    """What a changed delivery says can be done, and it is done without being sent elsewhere."""
    assert "new-cut ... --replace" in NEXT
    folder = delivery(project, "a")
    write_cut_file("a", folder, "2025-01-31", project)
    with pytest.raises(UsageError, match=r"exists already.*add --replace"):
        write_cut_file("a", folder, "2025-01-31", project)
    write_cut_file("a", folder, "2025-01-31", project, replace=True)
    path = project / "params" / "cuts" / "a.yaml"
    path.write_text("cut_id: [\n")
    with pytest.raises(UsageError, match=r"line 2.*correct the cut file, or remove it and write it again"):
        write_cut_file("a", folder, "2025-01-31", project, replace=True)
    path.unlink()
    write_cut_file("a", folder, "2025-01-31", project)


def test_a_build_that_was_published_is_judged_as_the_build_judges_it(project: Path) -> None:
    folder = delivery(project, "a")
    write_cut_file("a", folder, "2025-01-31", project)
    trial = load_trial(project / "params" / "cuts" / "a.yaml", project)
    from trialbook.pipeline.dependencies import Ingredients

    sources = {
        "inputs": Ingredients(trial, project, project / "build", "live").inputs,
        "cut": trial.cut.model_dump(mode="json"), "protocol": trial.protocol.model_dump(mode="json"),
    }  # fmt: skip
    (project / "build" / "a").mkdir(parents=True)
    manifest = {"cut_id": "a", "schema": 2, "outputs": {}, "sources": sources}
    (project / "build" / "a" / "manifest.json").write_text(json.dumps(manifest))
    lines = write_cut_file("a", folder, "2025-01-31", project, replace=True)
    assert "was made from this delivery" in lines[-1]
    raw.export(folder, ae=raw.rows(raw.AE, {"AETERM": "Another"}))
    lines = write_cut_file("a", folder, "2025-01-31", project, replace=True)
    assert "was made from another snapshot or cut (ae.csv: changed)" in lines[-2]
    for words in ("exit status 4", "lists the records and headline numbers", "--supersede", "build/.superseded/"):
        assert words in lines[-1]


@pytest.mark.parametrize(("cut_id", "folder"), [(PHONE, "a"), ("a", f"patient name Zhang San {PHONE}")])
def test_a_name_of_a_person_enters_no_cut_file_and_no_message(project: Path, cut_id: str, folder: str) -> None:
    with pytest.raises(TrialbookError, match="identifies a person") as caught:
        write_cut_file(cut_id, delivery(project, folder), "2025-01-31", project)
    assert PHONE not in str(caught.value)
    assert "Zhang" not in str(caught.value)
    assert list((project / "params" / "cuts").iterdir()) == []


def test_a_folder_without_a_domain_is_refused(project: Path) -> None:
    with pytest.raises(UsageError, match=r"no SDTM domain is here.*dm\.csv"):
        write_cut_file("a", project / "notebooks", "2025-01-31", project)


def test_nothing_half_written_is_left(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = delivery(project, "a")
    write_cut_file("a", folder, "2025-01-31", project)
    path = project / "params" / "cuts" / "a.yaml"
    before = path.read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("trialbook.commands.new_cut.os.replace", full)
    with pytest.raises(OSError, match="No space"):
        write_cut_file("a", folder, "2025-02-01", project, replace=True)
    assert path.read_bytes() == before
    assert [p.name for p in path.parent.iterdir()] == ["a.yaml"]
