"""A finished piece is used again only when all its inputs, and every file of it, are unchanged."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from trialbook.pipeline.artifact_cache import KEPT, Store
from trialbook.pipeline.dependencies import differences

MADE_OF = {"notebook 05_orr.ipynb": "aa", "analysis.os_days": "[28, 100]", "data data/adsl.parquet": "bb"}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


@pytest.fixture
def build(tmp_path: Path) -> Path:
    folder = tmp_path / "build"
    (folder / "data").mkdir(parents=True)
    (folder / "data" / "adrs.parquet").write_bytes(b"rows")
    (folder / "notebook.ipynb").write_text("{}")
    return folder


def keep(store: Store, build: Path, **changed: str) -> dict[str, str]:
    made_of = MADE_OF | changed
    store.keep("05_orr", made_of, build, ["data/adrs.parquet", "notebook.ipynb"])
    return made_of


def test_what_was_kept_is_found_and_restored_byte_for_byte(store: Store, build: Path, tmp_path: Path) -> None:
    keep(store, build)
    kept = store.find("05_orr", MADE_OF.get)
    assert kept is not None
    kept.restore(tmp_path / "again")
    assert (tmp_path / "again" / "data" / "adrs.parquet").read_bytes() == b"rows"
    assert (tmp_path / "again" / "notebook.ipynb").read_text() == "{}"


def test_a_restored_file_is_never_seen_half_written(
    store: Store, build: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A notebook that starts beside the restoring compares what others left with what it sees at its start."""
    keep(store, build)
    kept = store.find("05_orr", MADE_OF.get)
    assert kept is not None
    copy, seen = shutil.copyfile, []

    def slowly(source: Path, target: Path) -> None:
        target.touch()
        whole = [path.name for path in (tmp_path / "again").rglob("[!.]*") if path.is_file()]
        seen.append(sorted(whole))
        copy(source, target)

    monkeypatch.setattr("trialbook.pipeline.artifact_cache.shutil.copyfile", slowly)
    kept.restore(tmp_path / "again")
    assert seen == [[], ["adrs.parquet"]]


@pytest.mark.parametrize("name", sorted(MADE_OF))
def test_one_changed_ingredient_is_enough_to_make_it_anew(store: Store, build: Path, name: str) -> None:
    keep(store, build)
    assert store.find("05_orr", (MADE_OF | {name: "other"}).get) is None


def test_a_piece_of_another_name_is_not_found(store: Store, build: Path) -> None:
    keep(store, build)
    assert store.find("06_os", MADE_OF.get) is None


def test_a_kept_file_that_was_changed_is_not_used(store: Store, build: Path, tmp_path: Path) -> None:
    keep(store, build)
    [kept] = (tmp_path / "store").rglob("adrs.parquet")
    kept.write_bytes(b"rowz")
    assert store.find("05_orr", MADE_OF.get) is None


def test_a_kept_file_that_is_gone_is_not_used(store: Store, build: Path, tmp_path: Path) -> None:
    keep(store, build)
    [kept] = (tmp_path / "store").rglob("adrs.parquet")
    kept.unlink()
    assert store.find("05_orr", MADE_OF.get) is None


@pytest.mark.parametrize("text", ["", "{", "[]", '{"made_of": {}}', "\x00"])
def test_a_broken_note_of_ingredients_is_as_if_nothing_was_kept(
    store: Store, build: Path, tmp_path: Path, text: str
) -> None:
    keep(store, build)
    [note] = (tmp_path / "store").rglob("ingredients.json")
    note.write_text(text)
    assert store.find("05_orr", MADE_OF.get) is None
    assert store.latest("05_orr") is None


def test_going_back_to_an_earlier_parameter_finds_its_results_again(store: Store, build: Path) -> None:
    keep(store, build)
    later = keep(store, build, **{"analysis.os_days": "[28]"})
    assert store.find("05_orr", later.get) is not None
    assert store.find("05_orr", MADE_OF.get) is not None


def test_only_the_last_few_variants_are_kept(store: Store, build: Path, tmp_path: Path) -> None:
    for number in range(KEPT + 3):
        keep(store, build, **{"analysis.os_days": f"[{number}]"})
    assert len(list((tmp_path / "store" / "05_orr").iterdir())) == KEPT
    assert store.find("05_orr", (MADE_OF | {"analysis.os_days": f"[{KEPT + 2}]"}).get) is not None


def test_keeping_the_same_again_replaces_it(store: Store, build: Path, tmp_path: Path) -> None:
    keep(store, build)
    keep(store, build)
    assert len(list((tmp_path / "store" / "05_orr").iterdir())) == 1


def test_what_a_killed_build_left_half_written_is_swept(store: Store, build: Path, tmp_path: Path) -> None:
    keep(store, build)
    half = tmp_path / "store" / ".1234"
    half.mkdir()
    (half / "ingredients.json").write_text(json.dumps({"made_of": MADE_OF, "files": {}}))
    store.sweep()
    assert not half.exists()
    assert store.find("05_orr", MADE_OF.get) is not None


def test_differences_are_told_with_values_where_these_are_short() -> None:
    long = "a" * 64
    before = {"analysis.os_days": "[28]", "code x.py": long, "package pandas": "3.1.0"}
    now = {"analysis.os_days": "[28, 100]", "code x.py": "b" * 64, "package pandas": "3.1.1"}
    assert differences(before, now) == [
        "analysis.os_days: [28] -> [28, 100]", "code x.py changed", "package pandas: 3.1.0 -> 3.1.1"
    ]  # fmt: skip


def entry_of(store_folder: Path) -> Path:
    (entry,) = (store_folder / "05_orr").iterdir()
    return entry


def rewrite(entry: Path, **parts: object) -> None:
    whole = json.loads((entry / "ingredients.json").read_text()) | parts
    (entry / "ingredients.json").write_text(json.dumps(whole))


OUTSIDE = {"../../../../x": "aa"}
FORGERIES: dict[str, Callable[[Path], object]] = {
    "a name that leads out": lambda e: rewrite(e, files=OUTSIDE),
    "an absolute name": lambda e: rewrite(e, files={"/tmp/x": "aa"}),
    "a name with a dot": lambda e: rewrite(e, files={"./data/adrs.parquet": "aa"}),
    "an empty name": lambda e: rewrite(e, files={"": "aa"}),
    "a name of another system": lambda e: rewrite(e, files={"..\\x": "aa"}),
    "no files": lambda e: rewrite(e, files={}),
    "no ingredients": lambda e: rewrite(e, made_of={}),
    "one ingredient less": lambda e: rewrite(e, made_of={"analysis.os_days": "[28, 100]"}),
    "a list of ingredients": lambda e: rewrite(e, made_of=["a"]),
    "a list of files": lambda e: rewrite(e, files=["data/adrs.parquet"]),
    "a file more": lambda e: (e / "files" / "planted.html").write_text("x"),
    "a folder with a file more": lambda e: ((e / "files" / "p").mkdir(), (e / "files" / "p" / "x").write_text("x")),
    "a file less": lambda e: (e / "files" / "notebook.ipynb").unlink(),
    "another content": lambda e: (e / "files" / "notebook.ipynb").write_text("[]"),
    "a link in place of a file": lambda e: (
        (e / "files" / "notebook.ipynb").unlink(),
        (e / "other").write_text("{}"),
        (e / "files" / "notebook.ipynb").symlink_to(e / "other"),
    ),
    "a link in place of a folder": lambda e: ((e / "files").rename(e / "moved"), (e / "files").symlink_to("moved")),
    "a link in place of the entry": lambda e: (
        e.rename(e.parent.parent / "moved"),
        e.symlink_to(e.parent.parent / "moved"),
    ),
    "written to by others": lambda e: e.chmod(0o777),
    "nested brackets": lambda e: (e / "ingredients.json").write_text("[" * 100_000),
    "no JSON": lambda e: (e / "ingredients.json").write_text("{"),
}


@pytest.mark.parametrize("kind", FORGERIES)
def test_a_forged_entry_is_never_found(store: Store, build: Path, tmp_path: Path, kind: str) -> None:
    keep(store, build)
    FORGERIES[kind](entry_of(tmp_path / "store"))
    assert store.find("05_orr", MADE_OF.get, needed=["notebook 05_orr.ipynb"]) is None
