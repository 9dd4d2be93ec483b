"""After a change only what rests on it is made again, and the result is what a whole new build would give."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from support.small_project import GRAPH
from trialbook.commands.status import is_up_to_date, pieces_status
from trialbook.core.errors import StopError
from trialbook.diff.builds import compare_builds
from trialbook.pipeline.build import Options, build_cut, step_store
from trialbook.pipeline.publish import KEPT
from trialbook.protocol.load import load_trial

pytestmark = pytest.mark.build
CUT = "2025-03-31"
EVERY = {piece.name for piece in GRAPH.pieces}


@dataclass
class Project:
    """A copy of the project whose files may be changed, and its builds."""

    root: Path
    cut: Path

    @property
    def out(self) -> Path:
        return self.root / "build"

    def build(self, *, force: bool = False, out: Path | None = None) -> set[str]:
        """Builds; returns the tasks that were run again."""
        folder = (out or self.out) / CUT
        before = (folder / "run.json").stat().st_mtime_ns if folder.is_dir() else None
        trial = load_trial(self.cut, self.root)
        build_cut(trial, self.root, Options(out or self.out, jobs=2, force=force))
        if (folder / "run.json").stat().st_mtime_ns == before:
            return set()
        return EVERY - set(json.loads((folder / "run.json").read_text(encoding="utf-8"))["reused"])

    def would_make(self) -> dict[str, list[str]]:
        """What `trialbook status` says would be made, and why."""
        trial = load_trial(self.cut, self.root)
        found = pieces_status(trial, self.root, self.out, "live", step_store(self.out, CUT))
        return {piece.name: piece.why for piece in found if piece.state == "would be made"}

    def change(self, name: str, change: Callable[[str], str]) -> None:
        path = self.root / name
        before = path.read_text(encoding="utf-8")
        after = change(before)
        assert after != before
        path.write_text(after, encoding="utf-8")


@pytest.fixture(scope="module")
def project(demo: Path, root: Path, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A copy of the project with the first demo cut as it was built, and the finished pieces of that build."""
    folder = tmp_path_factory.mktemp("project")
    for name in ("notebooks", "params", "data_contracts", f"data/demo/{CUT}"):
        shutil.copytree(root / name, folder / name)
    for name in ("data/demo/README.md", "requirements.lock"):
        shutil.copy(root / name, folder / name)
    for name in (CUT, f"{KEPT}/{CUT}"):
        shutil.copytree(demo / name, folder / "build" / name)
    return Project(folder, folder / "params" / "cuts" / f"{CUT}.yaml")


def comment(source: str) -> str:
    """The notebook with a comment in its last code cell."""
    notebook = json.loads(source)
    cell = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"][-1]
    cell["source"] = [*cell["source"], "\n# a comment"]
    return json.dumps(notebook)


def test_only_what_changed_is_made_again(project: Project, tmp_path: Path) -> None:
    """One story, since each change builds on the one before; every build takes seconds."""
    trial = load_trial(project.cut, project.root)
    assert is_up_to_date(trial, project.root, project.out, "live")
    assert project.build() == set()
    assert project.would_make() == {}

    project.change("notebooks/06_os.ipynb", comment)
    assert project.would_make() == {"06_os": ["notebook 06_os.ipynb changed"]}
    assert project.build() == {"06_os", "06_os.page"}

    # A key that only the response reads; the eligibility page lists every key, and its numbers stay the same.
    project.change("params/protocol.yaml", lambda text: text.replace("orr0: {default: 0.40", "orr0: {default: 0.45"))
    made = project.build()
    assert "05_orr" in made
    assert not made & {"01_cleaning", "03_safety", "04_dlt", "06_os", "raw.contracts"}

    project.change("data_contracts/analysis/adtte.yaml", lambda text: text + "\n# a comment\n")
    assert project.build() == {"06_os.contracts"}

    # A value of one adverse event: cleaning is made again; the steps that read no adverse event are not. The build of
    # the earlier delivery is out of the way: it would be superseded only on purpose, and named.
    shutil.rmtree(project.out / CUT)
    project.change(f"data/demo/{CUT}/ae.csv", lambda text: text.replace("infestations,2,N", "infestations,1,N", 1))
    assert {"raw.contracts", "01_cleaning", "03_safety"} <= project.build()

    # A build put together from cached tasks is the same as a fresh build.
    assert compare_builds(project.out / CUT, fresh(project, tmp_path)) == []


def in_cell(found: str, put: str) -> Callable[[str], str]:
    """Puts a line before, or changes, what one cell of a notebook says."""

    def change(source: str) -> str:
        notebook = json.loads(source)
        for cell in notebook["cells"]:
            text = "".join(cell["source"])
            if cell["cell_type"] == "code" and found in text:
                cell["source"] = [text.replace(found, put, 1)]
                return json.dumps(notebook)
        raise AssertionError(found)

    return change


ADTTE = "adtte = tb.derive_adtte("
READ = 'addlt[["SUBJID"'
COPY = 'keys = keys.model_copy(update={"dlt_window": [0, 90]})\n'
AGAIN = (
    "from dataclasses import replace\nfrom trialbook.dlt.addlt import derive_addlt\n"
    'addlt = derive_addlt(adsl, replace(study, analysis=type(keys)(**{**dict(keys), "dlt_window": [0, 90]})))\n'
)


# That other numbers and a lost criterion break a contract: unit/results/test_recount.py; that this stops a build and is
# named: test_bad_data_stops.py.
LONG = pytest.mark.soak


@pytest.mark.parametrize(
    ("notebook", "found", "put", "says"),
    [
        ("06_os", ADTTE, 'adsl = adsl[adsl["SUBJID"] != "004"]  # left over\n' + ADTTE,
         ["notebooks/06_os.ipynb", "subject 004 is missing from adsl", "derive_adtte", "id of its own"]),
        ("04_dlt", READ, COPY + READ,
         ["notebooks/04_dlt.ipynb", "dlt_window", "[0, 90]", "[0, 28]", "overrides: {dlt_window: [0, 90]}"]),
        pytest.param("04_dlt", READ, AGAIN + READ, ["results/ard", "ard.DLT.as_addlt", "DLT", "overrides"], marks=LONG),
        pytest.param(
            "02_eligibility", 'step.write("adie"', 'adie = adie[adie["CRITCD"] != "EX08"]\nstep.write("adie"',
            ["CRITCD EX08", "adie.CRITCD.every_subject"], marks=LONG,
        ),
    ],
)  # fmt: skip
def test_a_left_over_in_a_cell_stops_the_build_and_is_named(
    project: Project, notebook: str, found: str, put: str, says: list[str]
) -> None:
    path = project.root / "notebooks" / f"{notebook}.ipynb"
    before = path.read_text(encoding="utf-8")
    project.change(f"notebooks/{notebook}.ipynb", in_cell(found, put))
    try:
        with pytest.raises(StopError) as stopped:
            project.build()
        for word in says:
            assert word in str(stopped.value), (word, str(stopped.value))
    finally:
        path.write_text(before, encoding="utf-8")


def fresh(project: Project, place: Path) -> Path:
    assert project.build(out=place / "fresh") == EVERY
    return place / "fresh" / CUT


@pytest.mark.soak  # test_same_bytes proves it every day, in another folder
def test_force_makes_everything_anew_with_the_same_bytes(project: Project, tmp_path: Path) -> None:
    shutil.copytree(project.out / CUT, tmp_path / "before")
    assert project.build(force=True) == EVERY
    assert compare_builds(tmp_path / "before", project.out / CUT) == []


def test_a_build_whose_file_was_changed_is_put_right(project: Project) -> None:
    page = project.out / CUT / "index.html"
    right = page.read_bytes()
    page.write_bytes(right.replace(b"</h1>", b"!</h1>", 1))
    assert not is_up_to_date(load_trial(project.cut, project.root), project.root, project.out, "live")
    assert project.build() == set()
    assert page.read_bytes() == right
