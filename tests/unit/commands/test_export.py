"""`trialbook export` refuses what it cannot do, in words, before it writes anything."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast, get_type_hints

import pytest

from trialbook import cli
from trialbook.commands import export as command
from trialbook.commands.export import Made, built_source, export, issue, told
from trialbook.core.errors import UsageError
from trialbook.core.translations import languages
from trialbook.diff.issued import Issued
from trialbook.documents.source import CutSource
from trialbook.pipeline.issued_register import read_numbers, read_register


@pytest.mark.parametrize(
    ("formats", "tags", "audience", "said"),
    [
        (["pfd"], ["en"], "line", "there is no format 'pfd'"),
        (["xpt"], ["en"], "line", "does not make xpt yet"),
        (["pdf"], ["fr"], "line", "there is no language 'fr'"),
    ],
)
def test_what_cannot_be_made_is_refused(
    tmp_path: Path, formats: list[str], tags: list[str], audience: str, said: str
) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        export("2025-09-30", tmp_path / "build", tmp_path / "to", formats, tags, audience)
    assert caught.value.exit_status == 2
    assert caught.value.next_step
    assert not (tmp_path / "to").exists()


def test_a_cut_that_has_not_been_built_names_the_next_step(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="has not been built") as caught:
        built_source("2025-09-30", tmp_path)
    assert caught.value.next_step == "build this cut first"


def test_a_build_of_another_version_than_the_translations_is_said_with_the_number_of_its_texts(tmp_path: Path) -> None:
    assert list(told([Made("a.pdf", b""), Made("a_zh.pdf", b"", english=0)], tmp_path))[2:] == []
    *_, line = told([Made("a.pdf", b""), Made("a_zh.pdf", b"", english=3)], tmp_path)
    assert line.startswith("3 texts are in English: ")
    payload = {"title": {"m": "Total", "a": {}}, "notes": [{"m": "What no catalogue of texts has", "a": {}}, "DL1"]}
    source = CutSource(cast("Any", SimpleNamespace(protocol=SimpleNamespace(level_ids=[]))), None)
    source.__dict__["outputs"] = [SimpleNamespace(payload=payload, texts=None, data=None)]
    assert [source.untranslated(language) for language in languages()] == [0, 1]


# Files that appear: two with numbers, the register, two documents.
STEPS = 5


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose export makes two small files, and has no page over all cuts."""
    sha = {name: hashlib.sha256(name.encode()).hexdigest() for name in ("one.pdf", "two.docx")}
    common = {"format": "pdf", "study": "S-1", "cut": "C1", "build": "a" * 64, "language": "en", "audience": "line"}
    lines = [
        Issued(issued="2025-10-02T08:00:00Z", document=name, sha256=sha[name], numbers={}, **common) for name in sha
    ]
    made = [Made(one.document, one.document.encode(), issued=one, numbers={"SETS | n": "12"}) for one in lines]
    monkeypatch.setattr(command, "_made", lambda *given: made)
    folder = SimpleNamespace(built=SimpleNamespace(folder=tmp_path / "build" / "C1"))
    monkeypatch.setattr(command, "built_source", lambda *given: folder)
    monkeypatch.setattr(command, "refresh_study_page", lambda *given: None)
    return tmp_path


def test_files_appear_whole_and_the_register_knows_each(project: Path) -> None:
    issue("C1", project / "build", project / "to", project)
    assert sorted(path.name for path in (project / "to").iterdir()) == ["one.pdf", "two.docx"]
    lines = read_register(project)
    assert [line.document for line in lines] == ["one.pdf", "two.docx"]
    assert [read_numbers(project, line.sha256) for line in lines] == [{"SETS | n": "12"}] * 2


def test_no_document_is_there_that_the_register_does_not_know(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk fails at each step in turn: what is in the folder is in the register, and nothing half written stays."""
    replaced = os.replace
    for fails_at in range(STEPS + 1):
        there = iter(range(10))

        def fails(one: Path, two: Path, there: Iterator[int] = there, fails_at: int = fails_at) -> None:
            if next(there) == fails_at:
                raise OSError(28, "No space left on device")
            replaced(one, two)

        place, to = project / str(fails_at), project / str(fails_at) / "to"
        with monkeypatch.context() as patched:
            patched.setattr("trialbook.core.files.os.replace", fails)
            if fails_at < STEPS:
                with pytest.raises(UsageError, match="No space left"):
                    issue("C1", project / "build", to, place)
            else:
                issue("C1", project / "build", to, place)
        written = sorted(path.name for path in to.iterdir()) if to.exists() else []
        assert [line.document for line in read_register(place)] == written
        assert [path for path in place.rglob(".*") if "lock" not in path.name] == []


@pytest.mark.parametrize("one", ["narratives", "rtf"])
def test_files_about_single_subjects_are_not_made_for_a_wider_audience(tmp_path: Path, one: str) -> None:
    with pytest.raises(UsageError, match="describes single subjects") as caught:
        export("2025-09-30", tmp_path, tmp_path / "to", ["pdf", one], audience="aggregate")
    assert caught.value.next_step
    assert not (tmp_path / "to").exists()


def test_the_help_names_every_format() -> None:
    (option,) = get_type_hints(cli.export, include_extras=True)["formats"].__metadata__
    assert option.help.partition(": ")[2].split(", ") == list(command.FORMATS)
