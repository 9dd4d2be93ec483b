"""Whatever is changed in a build, or in its sources, `verify` finds it and names the place."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.rounds import rounds
from support.tampering.further import FURTHER, FURTHER_SOURCES, HARMLESS
from support.tampering.outputs import FILE, OUTPUTS, SUBJECT, Act, age_62, flipped, other_rate
from support.tampering.published import CUT, PREVIOUS, Standing
from support.tampering.sources import DM, RULES, SOURCES
from trialbook.core import file_marks
from trialbook.core.datasets import read_dataset
from trialbook.core.errors import UsageError
from trialbook.core.files import write_json, write_rows
from trialbook.diff.builds import compare_builds
from trialbook.pipeline import dependencies, manifest
from trialbook.pipeline.manifest import output_files
from trialbook.pipeline.manifest_check import standing_differences
from trialbook.provenance import verify
from trialbook.provenance.verify import Proof, rebuilt, verify_build

pytestmark = pytest.mark.build


@pytest.fixture(scope="session")
def pristine(demo: Path, root: Path, tmp_path_factory: pytest.TempPathFactory) -> Standing:
    """A copy of the last two demo builds, and of all their sources; nobody changes it."""
    place = tmp_path_factory.mktemp("pristine")
    for cut in (CUT, PREVIOUS):
        shutil.copytree(demo / cut, place / "build" / cut)
    project = place / "project"
    for name in ("params", "notebooks", "data_contracts"):
        shutil.copytree(root / name, project / name)
    for name in (CUT, PREVIOUS):
        shutil.copytree(root / "data" / "demo" / name, project / "data" / "demo" / name)
    (project / "data" / "demo" / "answers").mkdir()
    for name in (
        "data/demo/README.md", "data/demo/decisions.yaml", f"data/demo/answers/{CUT}.csv", "requirements.lock",
    ):  # fmt: skip
        shutil.copyfile(root / name, project / name)
    return Standing(place / "build", project)


@pytest.fixture(scope="session")
def again(pristine: Standing) -> Iterator[Path]:
    """The one rebuild of this file, from the copied project, with nothing kept from earlier."""
    with rebuilt(pristine.trial(), pristine.root, pristine.folder, 2) as folder:
        assert isinstance(folder, Path), folder
        yield folder


@pytest.fixture(autouse=True, scope="module")
def packages_read_once() -> Iterator[None]:
    """Asking for the installed packages takes longer than all the rest of a look, and nobody installs any here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dependencies, "installed", cache(dependencies.installed))
        yield


@pytest.fixture
def standing(pristine: Standing, tmp_path: Path) -> Standing:
    """A build and a project to tamper with; what is not touched is shared."""
    # Not the place of the rebuild, whose lock is held.
    shutil.copytree(pristine.builds, tmp_path / "build", copy_function=os.link, ignore=shutil.ignore_patterns(".*"))
    shutil.copytree(pristine.root, tmp_path / "project")
    return Standing(tmp_path / "build", tmp_path / "project")


def every_day(kinds: Collection[str]) -> list[Any]:
    """The kinds as cases, of which every third is tried every day and all with `make soak`: their acts are alike."""
    return [pytest.param(kind, marks=() if number % 3 == 0 else pytest.mark.soak) for number, kind in enumerate(kinds)]


def found_in(wanted: str, lines: list[str]) -> bool:
    return any(wanted in line for line in lines)


@pytest.mark.parametrize("kind", every_day(OUTPUTS))
def test_a_tampered_output_is_found_and_its_place_named(kind: str, standing: Standing, again: Path) -> None:
    act, looked, compared = OUTPUTS[kind]
    act(standing)
    lines = standing.look()
    assert found_in(looked, lines), lines
    differing = compare_builds(standing.folder, again)
    assert found_in(compared, differing) if compared else True, differing


def test_a_forgery_that_fits_together_is_found_by_the_rebuild(standing: Standing, again: Path) -> None:
    standing.dataset("results/ard.parquet", other_rate)
    frame = read_dataset(standing.folder / "results" / "ard.parquet")
    plain = frame.astype("object").where(frame.notna(), None)
    (standing.folder / "results" / "ard.json").unlink()
    write_rows(standing.folder / "results" / "ard.json", plain.to_dict("records"))
    standing.edit(f"{CUT}/05_orr.html", lambda page: page.replace(b">5<", b">6<", 1))
    standing.forge()
    assert standing.look() == []
    lines = compare_builds(standing.folder, again)
    assert found_in("stat_name n, column stat: 6.0 published, 5.0 rebuilt", lines)
    assert found_in("/stat: 6.0 published, 5.0 rebuilt", lines)
    assert found_in("05_orr.html: under the heading", lines)
    assert {line.split(":")[0] for line in lines} >= {"manifest.json", "results/ard.json", "results/ard.parquet"}


@pytest.mark.parametrize("kind", every_day(SOURCES))
def test_a_changed_source_is_found_and_its_place_named(kind: str, standing: Standing) -> None:
    act, looked = SOURCES[kind]
    act(standing)
    lines = standing.look()
    assert found_in(looked, lines), lines


def test_a_changed_list_of_approved_deletions_is_found(standing: Standing) -> None:
    standing.source("params/approved_deletions.csv", lambda text: text.replace("\n", " \n", 2))
    assert found_in("params/approved_deletions.csv: sha256 ", standing.look(PREVIOUS))


def test_a_changed_module_and_a_new_one_are_found(
    standing: Standing, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = standing.root / "trialbook"
    shutil.copytree(root / "src" / "trialbook", package, ignore=shutil.ignore_patterns("__pycache__"))
    for module in (dependencies, manifest, file_marks):
        monkeypatch.setattr(module, "PACKAGE", package)
    assert standing.look() == []
    dates = package / "core" / "dates.py"
    dates.write_text(dates.read_text(encoding="utf-8") + "# more\n", encoding="utf-8")
    (package / "planted.py").write_text("", encoding="utf-8")
    lines = standing.look()
    assert len(lines) == 2
    assert lines[0].startswith("code trialbook/core/dates.py: sha256 ")
    assert lines[1].startswith("code trialbook/planted.py: was not there then, is there now")


def test_another_version_of_a_package_or_of_python_is_found(
    standing: Standing, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = dependencies.installed()
    monkeypatch.setattr(dependencies, "installed", lambda: {**real, "pandas": "3.1.99"})
    monkeypatch.setattr(dependencies.platform, "python_version", lambda: "3.11.99")
    lines = standing.look()
    assert lines[0] == f"package pandas: {real['pandas']} then, 3.1.99 now"
    assert lines[1].startswith("python: ")
    assert lines[1].endswith(" then, 3.11.99 now")
    monkeypatch.setattr(dependencies, "installed", lambda: {k: v for k, v in real.items() if k != "pandas"})
    assert f"package pandas: {real['pandas']} then, not installed now" in standing.look()


@pytest.mark.parametrize("kind", every_day(FURTHER))
def test_further_tampering_is_found_by_a_look_or_by_the_rebuild(kind: str, standing: Standing, again: Path) -> None:
    act, looked, compared = FURTHER[kind]
    act(standing)
    lines = standing.look()
    assert found_in(looked, lines) if looked else lines == [], lines
    differing = compare_builds(standing.folder, again)
    assert found_in(compared, differing) if compared else True, differing
    assert looked or compared


@pytest.mark.parametrize("kind", every_day(FURTHER_SOURCES))
def test_a_further_change_of_a_source_is_found(kind: str, standing: Standing) -> None:
    act, looked = FURTHER_SOURCES[kind]
    act(standing)
    lines = standing.look()
    assert found_in(looked, lines), lines


@pytest.mark.parametrize("kind", every_day(HARMLESS))
def test_what_is_harmless_is_no_difference(kind: str, standing: Standing, again: Path) -> None:
    act, reason = HARMLESS[kind]
    act(standing)
    assert standing.look() == [], reason
    assert [line for line in compare_builds(standing.folder, again) if not line.startswith("run.json")] == []


def test_at_least_a_hundred_kinds_of_tampering_are_tried() -> None:
    assert len(OUTPUTS) + len(SOURCES) + len(FURTHER) + len(FURTHER_SOURCES) + len(HARMLESS) >= 100


# ---- what is no difference -----------------------------------------------------------------------------------------


def test_an_untouched_build_agrees_with_its_sources_and_with_its_rebuild(pristine: Standing, again: Path) -> None:
    assert pristine.look() == []
    assert compare_builds(pristine.folder, again) == []


@pytest.mark.parametrize(
    "act",
    [
        lambda s: s.edit(FILE + "run.json", lambda b: b.replace(b"built", b"BUILT")),
        lambda s: (s.folder / "run.json").unlink(),
        lambda s: (s.write(FILE + "06_os.html", (s.folder / "06_os.html").read_bytes()),
                   os.utime(s.folder / "06_os.html", (0, 0))),
        lambda s: (s.write(FILE + "06_os.html", (s.folder / "06_os.html").read_bytes()),
                   (s.folder / "06_os.html").chmod(0o600)),
        lambda s: s.write("notes.txt", b"beside the builds"),
        lambda s: os.utime(s.root / DM, (0, 0)),
    ],
    ids=["run.json", "no run.json", "time of a file", "permissions", "a file beside the builds", "time of an input"],
)  # fmt: skip
def test_what_says_nothing_of_a_build_is_no_difference(act: Act, standing: Standing, again: Path) -> None:
    act(standing)
    assert standing.look() == []
    assert [line for line in compare_builds(standing.folder, again) if not line.startswith("run.json")] == []


@settings(max_examples=rounds(8), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_byte_of_any_output_that_flips_is_found_without_a_rebuild(standing: Standing, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from([*output_files(standing.folder), "manifest.json"]))
    content = (standing.folder / name).read_bytes()
    at = data.draw(st.integers(0, len(content) - 1))
    standing.write(FILE + name, flipped(content, at, data.draw(st.integers(1, 255))))
    try:
        assert found_in(name, standing_differences(standing.folder))
    finally:
        standing.write(FILE + name, content)


def places_of(plain: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place of a JSON value."""
    yield at
    for key, value in plain.items() if isinstance(plain, dict) else enumerate(plain) if isinstance(plain, list) else ():
        yield from places_of(value, (*at, key))


@settings(max_examples=rounds(8), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_manifest_of_any_shape_is_looked_at_without_an_error(standing: Standing, data: st.DataObject) -> None:
    content = (standing.folder / "manifest.json").read_bytes()
    plain = json.loads(content)
    section = data.draw(st.sampled_from(["sources", "steps", "outputs", *plain["sources"]]))
    base = ("sources", section) if section in plain["sources"] else (section,)
    inside = plain["sources"][section] if section in plain["sources"] else plain[section]
    *above, last = (*base, *data.draw(st.sampled_from(list(places_of(inside)))))
    parent = plain
    for key in above:
        parent = parent[key]
    value = data.draw(st.sampled_from([None, 0, "x", [], {}, [1], {"a": 1}, True]))
    if parent[last] == value:
        return
    parent[last] = value
    sealed = data.draw(st.booleans())
    if sealed:
        plain["seal"] = manifest.seal(plain)
    try:
        (standing.folder / "manifest.json").unlink()
        write_json(standing.folder / "manifest.json", plain)
        lines = standing.look()
        assert lines or sealed, "a seal that is made to fit hides a receipt until the rebuild"
    finally:
        standing.write(FILE + "manifest.json", content)


# ---- verify as a whole ---------------------------------------------------------------------------------------------


@pytest.fixture
def shared_rebuild(again: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets `verify_build` compare with the rebuild of this file instead of making another."""

    @contextmanager
    def made(*_: object) -> Iterator[Path]:
        yield again

    monkeypatch.setattr(verify, "rebuilt", made)


@pytest.mark.usefixtures("shared_rebuild")
def test_verify_shows_what_each_way_of_looking_found(standing: Standing) -> None:
    trial = standing.trial()
    assert verify_build(trial, standing.root, standing.builds) == Proof(rebuilt=True)
    assert verify_build(trial, standing.root, standing.builds, quick=True) == Proof(rebuilt=False)
    standing.dataset("data/adsl.parquet", age_62)
    standing.source(RULES, lambda text: text + "\n")
    proof = verify_build(trial, standing.root, standing.builds)
    assert [len(lines) for lines in proof.parts.values()] == [1, 1, 1]
    assert proof.differences[2].startswith(f"data/adsl.parquet: USUBJID {SUBJECT}, column AGE: 62")


@pytest.mark.usefixtures("shared_rebuild")
def test_the_command_exits_1_and_says_where(
    standing: Standing, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from trialbook import cli

    monkeypatch.setenv("TRIALBOOK_ROOT", str(standing.root))
    words = ["trialbook", "verify", CUT, "--out", str(standing.builds)]
    monkeypatch.setattr("sys.argv", words)
    assert cli.run() == 0
    standing.source(DM, lambda text: text.replace(",45,YEARS", ",54,YEARS", 1))
    assert cli.run() == 1
    shown = capsys.readouterr()
    assert "dm.csv: row 2, column AGE: 45 then, 54 now" in shown.out
    assert shown.err.startswith(f"trialbook: the build {CUT} could not be proved.")


def test_a_build_without_a_cut_file_is_proved_by_the_cut_in_its_manifest(standing: Standing) -> None:
    with_file = standing.trial()
    (standing.root / "params" / "cuts" / f"{CUT}.yaml").unlink()
    trial = verify.trial_of(CUT, standing.root, standing.builds)
    assert trial == with_file
    assert verify_build(trial, standing.root, standing.builds, quick=True) == Proof()
    with pytest.raises(UsageError, match="there is no cut '2024-01-01'"):
        verify.trial_of("2024-01-01", standing.root, standing.builds)


def test_a_rebuild_that_stops_is_said_and_leaves_nothing_behind(standing: Standing) -> None:
    (standing.root / "data/demo/2025-09-30/dm.csv").unlink()
    proof = verify_build(standing.trial(), standing.root, standing.builds)
    assert "input dm.csv: was there then" in proof.made_of[0]
    assert proof.rebuild[0].startswith("the rebuild stopped: ")
    assert "DM" in proof.rebuild[0]
    assert [p.name for p in (standing.builds / ".verify").iterdir()] == [".locks"]
