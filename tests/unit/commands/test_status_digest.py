"""The digest of a build: which signals are new, which are gone, and the exit status that says so."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner

from trialbook.cli import NEW_SIGNALS, app
from trialbook.commands import status
from trialbook.core.errors import UsageError
from trialbook.diff.built_cut import BuiltCut


def signal(number: str, sentence: str, subject: str = "016") -> dict[str, Any]:
    return {"signal_id": number, "subject": subject, "level": "DL3", "severity": "high", "sentence": sentence}


@pytest.fixture
def builds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two builds as `BuiltCut` reads them: the later has one signal more and one less."""
    found = {
        "2025-06-30": [signal("S-1", "Died on day 95."), signal("S-2", "Window open.", "")],
        "2025-09-30": [signal("S-3", "ALT 4.5 x ULN."), signal("S-1", "Died on day 95 (2025-05-11).")],
    }
    for cut in found:
        (tmp_path / cut).mkdir()
        (tmp_path / cut / "queries.csv").write_text("status\nopen\nclosed\n", encoding="utf-8-sig")

    def at(folder: Path) -> Any:
        if folder.name not in found:
            return None
        earlier = "2025-06-30" if folder.name == "2025-09-30" else None
        cut = SimpleNamespace(cut_id=folder.name, cut_date=folder.name, previous_cut=earlier)
        protocol = SimpleNamespace(study=SimpleNamespace(registry_id="NCT06321198"))
        return SimpleNamespace(
            folder=folder,
            cut=cut,
            protocol=protocol,
            synthetic=True,
            signals=list(found[folder.name]),
        )

    monkeypatch.setattr(BuiltCut, "at", at)
    return tmp_path


def test_new_signals_come_first_then_the_known_then_those_that_are_gone(builds: Path) -> None:
    found = status.digest(builds, "2025-09-30")
    assert found.new == 1
    assert found.lines == [
        "SYNTHETIC DATA: no real person is described",
        "NCT06321198, data cut 2025-09-30, up to 2025-09-30",
        "Signals: 2. New: 1 (since 2025-06-30). Open queries: 1.",
        "NEW  high   016, DL3: ALT 4.5 x ULN.",
        "     high   016, DL3: Died on day 95 (2025-05-11).",
        "GONE high   DL3: Window open.",
    ]
    assert status.digest(builds, "2025-06-30").new == 2
    assert status.digest(builds, "2025-09-30", since="2025-09-30").new == 0
    with pytest.raises(UsageError, match="has not been built"):
        status.digest(builds, "2025-09-30", since="2024-12-31")


def test_the_exit_status_says_whether_a_signal_is_new(builds: Path, root: Path) -> None:
    before = Path.cwd()
    os.chdir(root)
    try:
        asked = ["status", "2025-09-30", "--digest", "--out", str(builds)]
        new = CliRunner().invoke(app, asked)
        none = CliRunner().invoke(app, [*asked, "--since", "2025-09-30"])
    finally:
        os.chdir(before)
    assert (new.exit_code, none.exit_code) == (NEW_SIGNALS, 0), new.output + none.output
