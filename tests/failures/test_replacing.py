"""A published build is never replaced or deleted in silence, and what was never a build is left alone."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from support.running_builds import Running, content
from support.small_project import GRAPH, SmallProject
from trialbook.pipeline.manifest import output_files

pytestmark = [pytest.mark.build, pytest.mark.skipif(sys.platform == "win32", reason="makes links and pipes")]


def manifest_of(folder: Path) -> dict[str, object]:
    return dict(json.loads((folder / "manifest.json").read_text(encoding="utf-8")))


def rewrite_cut(project: SmallProject, **changes: object) -> None:
    path = project.folder / "params" / "cuts" / "case.yaml"
    plain = yaml.safe_load(path.read_text(encoding="utf-8"))
    path.write_text(yaml.safe_dump({**plain, **changes}), encoding="utf-8")


def quick(project: SmallProject) -> Running:
    named = {"TRIALBOOK_ROOT": str(project.folder)}
    done = Running(project.log.with_suffix(".quick"), "verify", "case", "--out", project.out, "--quick", **named)
    done.end()
    return done


def test_a_decision_on_a_cut_changes_no_byte_of_its_build(prepared: SmallProject) -> None:
    """It is on the page over all cuts alone; a build that is forced afterwards is the same."""
    small = prepared
    small.hold()
    assert small.build().process.returncode == 0
    before, manifest = small.standing, manifest_of(small.out / "case")
    entry = {
        "cut": "case", "cut_date": "2025-03-31", "date": "2025-04-04", "decision": "wait", "reason": "one is pending",
        "by": "Safety Review Committee", "minutes": "item 4", "build": manifest["fingerprint"],
    }  # fmt: skip
    (small.folder / "data").mkdir()
    (small.folder / "data" / "decisions.yaml").write_text(yaml.safe_dump({"decisions": [entry]}), encoding="utf-8")
    again = small.build()
    assert "nothing has changed" in again.said
    assert "Safety Review Committee" in (small.out / "index.html").read_text(encoding="utf-8")
    assert small.build("--force").process.returncode == 0
    changed = {name for name, digest in small.standing.items() if before.get(name) != digest}
    assert changed <= {"run.json"}
    assert small.standing.keys() == before.keys()


def test_the_life_of_a_build_whose_delivery_changes(prepared: SmallProject) -> None:
    """Exit 4 and a list; then superseded on purpose; then rebuilt after an edit, which still names the earlier one."""
    small = prepared
    small.hold()
    assert small.build().process.returncode == 0
    before, earlier = small.standing, manifest_of(small.out / "case")
    dm = small.snapshot / "dm.csv"
    dm.write_text(dm.read_text(encoding="utf-8").replace(",45,YEARS", ",54,YEARS", 1), encoding="utf-8")

    stopped = small.build()
    assert stopped.process.returncode == 4, stopped.said
    assert "dm.csv: changed" in stopped.said
    assert "DM: row " in stopped.said
    assert "column AGE: 45 then, 54 now" in stopped.said
    assert "--supersede" in stopped.said
    assert small.standing == before
    assert not (small.out / ".superseded").exists()

    done = small.build("--supersede")
    assert done.process.returncode == 0, done.said
    seal = str(earlier["seal"])
    kept = small.out / ".superseded" / "case" / seal[:16]
    assert content(kept) == before
    assert manifest_of(small.out / "case")["supersedes"] == seal
    assert f".superseded/case/{seal[:16]}" in (small.out / "case" / "index.html").read_text(encoding="utf-8")
    assert f"kept in .superseded/case/{seal[:16]}" in done.said
    assert quick(small).process.returncode == 0

    again = small.build()
    assert again.process.returncode == 0
    assert "nothing has changed" in again.said
    small.change("06_os")
    edited = small.build()
    assert edited.process.returncode == 0, edited.said
    assert "headline numbers that moved: none" in edited.said
    assert manifest_of(small.out / "case")["supersedes"] == seal
    assert content(kept) == before

    proved = Running(
        small.log.with_suffix(".v"), "verify", "case", "--out", small.out, TRIALBOOK_ROOT=str(small.folder)
    )
    assert proved.end(180) == 0, proved.said

    page = kept / "index.html"
    whole = page.read_bytes()
    # The file is the same one as in no other build: rewritten, so that nothing else changes with it.
    page.unlink()
    page.write_bytes(whole.replace(b"Case", b"Cose") + b" ")
    found = quick(small)
    assert found.process.returncode == 1
    assert f".superseded/case/{seal[:16]}, index.html: has grown" in found.said
    page.write_bytes(whole)
    assert quick(small).process.returncode == 0
    kept.rename(kept.with_name("moved"))
    assert f".superseded/case/{seal[:16]}: is missing" in quick(small).said


def test_another_cut_under_the_same_id_does_not_replace_the_one_that_is_published(prepared: SmallProject) -> None:
    small = prepared
    small.hold()
    assert small.build().process.returncode == 0
    before = small.standing
    rewrite_cut(small, cut_date="2025-03-30")
    done = small.build()
    assert done.process.returncode == 4, done.said
    assert "cut-off date: 2025-03-31 then, 2025-03-30 now" in done.said
    assert small.standing == before
    rewrite_cut(small, cut_date="2025-03-31", overrides={"os_days": [28]})
    replaced = small.build()
    assert replaced.process.returncode == 0, replaced.said
    assert "this build replaced an earlier one of the cut" in replaced.said


def a_folder(place: Path) -> None:
    place.mkdir()
    (place / "work.txt").write_text("my work")


def a_file(place: Path) -> None:
    place.write_text("my work")


def a_link(place: Path) -> None:
    a_folder(place.parent / "elsewhere")
    place.symlink_to(place.parent / "elsewhere")


def a_broken_link(place: Path) -> None:
    place.symlink_to("nowhere")


def a_pipe(place: Path) -> None:
    os.mkfifo(place)


def a_manifest_of_something_else(place: Path) -> None:
    a_folder(place)
    (place / "manifest.json").write_text('{"files": []}')


def a_build_of_another_cut(place: Path) -> None:
    a_folder(place)
    (place / "manifest.json").write_text('{"cut_id": "other", "outputs": {}}')


def a_manifest_of_brackets(place: Path) -> None:
    a_folder(place)
    (place / "manifest.json").write_text("[" * 200_000)


def a_manifest_that_is_a_link(place: Path) -> None:
    a_folder(place)
    (place / "manifest.json").symlink_to("work.txt")


FOREIGN = [
    a_folder, Path.mkdir, a_file, a_link, a_broken_link, a_pipe, a_manifest_of_something_else, a_build_of_another_cut,
    a_manifest_of_brackets, a_manifest_that_is_a_link,
]  # fmt: skip


@pytest.mark.parametrize("stands", FOREIGN)
def test_what_was_never_a_build_is_neither_replaced_nor_deleted(
    small: SmallProject, stands: Callable[[Path], None]
) -> None:
    small.out.mkdir()
    stands(small.out / "case")
    before = everything(small.out)
    done = small.build()
    assert done.process.returncode == 2, done.said
    assert str(small.out / "case") in done.said
    assert "it is not replaced" in done.said
    assert "Traceback" not in done.said
    assert {name: kind for name, kind in everything(small.out).items() if not name.startswith(".")} == before


def everything(folder: Path) -> dict[str, str]:
    """Every entry below a folder with what it is; links are not followed."""
    found = {}
    for place, folders, files in os.walk(folder):
        for name in [*folders, *files]:
            path = Path(place) / name
            text = os.readlink(path) if path.is_symlink() else path.read_text() if path.is_file() else "no file"
            found[path.relative_to(folder).as_posix()] = text
    return found


def test_a_cut_that_is_named_like_a_folder_of_the_project_replaces_nothing(small: SmallProject) -> None:
    small.write_cut("snapshot")
    before = content(small.snapshot)
    named = {"TRIALBOOK_ROOT": str(small.folder)}
    done = Running(small.log, "build", "snapshot", "--out", ".", cwd=small.folder, **named)
    assert done.end() == 2, done.said
    assert content(small.snapshot) == before


@pytest.mark.parametrize(
    "name", [".scratch", ".cache", ".locks", ".stopped", ".verify", ".superseded", ".scratch/case"]
)
def test_a_folder_of_the_runner_that_is_a_link_is_refused(small: SmallProject, name: str) -> None:
    elsewhere = small.folder / "elsewhere"
    (elsewhere / "case").mkdir(parents=True)
    (elsewhere / "case" / "work.txt").write_text("my work")
    (small.out / name).parent.mkdir(parents=True, exist_ok=True)
    (small.out / name).symlink_to(elsewhere)
    done = small.build()
    assert done.process.returncode == 2, done.said
    assert "is a symbolic link" in done.said
    assert content(elsewhere) == content_of_work()


def content_of_work() -> dict[str, str]:
    return {"case/work.txt": hashlib.sha256(b"my work").hexdigest()}


def modes(folder: Path) -> set[str]:
    """The permissions of everything in a folder."""
    return {f"{path.lstat().st_mode & 0o777:o}" for path in [folder, *folder.rglob("*")]}


def test_private_folders_are_for_the_owner_alone_and_published_files_follow_the_umask(small: SmallProject) -> None:
    small.hold()
    old = os.umask(0o022)
    try:
        (small.out / ".cache").mkdir(parents=True, mode=0o755)
        assert small.build().process.returncode == 0
        assert modes(small.out / "case") == {"644", "755"}
        assert modes(small.out / ".cache") <= {"600", "700"}
        assert modes(small.out / ".scratch") == {"700"}
        assert f"{(small.out / '.locks').stat().st_mode & 0o777:o}" == "700"
        small.write_notebook(GRAPH.step("06_os"), "1 / 0")
        assert small.build().process.returncode == 1
        assert modes(small.out / ".stopped") == {"600", "700"}
        os.umask(0o077)
        small.change("06_os")
        assert small.build().process.returncode == 0
        assert modes(small.out / "case") == {"600", "700"}
        assert output_files(small.out / "case")
    finally:
        os.umask(old)


def test_what_a_killed_build_of_one_cut_left_is_swept_by_the_build_of_another(prepared: SmallProject) -> None:
    small = prepared
    small.hold()
    small.write_cut("other")
    for left in (".scratch/other/build/half.txt", ".cache/steps/other/.half/x", ".verify/other/case/x.txt"):
        (small.out / left).parent.mkdir(parents=True, exist_ok=True)
        (small.out / left).write_text("half")
    for locks in (".locks", ".verify/.locks"):
        (small.out / locks).mkdir(parents=True, exist_ok=True)
        (small.out / locks / "other.lock").touch()
    done = small.build()
    assert done.process.returncode == 0, done.said
    assert not (small.out / ".scratch" / "other").exists()
    assert not (small.out / ".verify" / "other").exists()
    assert list((small.out / ".cache" / "steps" / "other").glob(".*")) == []
    shutil.rmtree(small.out)
