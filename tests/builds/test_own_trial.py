"""A trial of one's own, without a clone: the wheel in an empty environment, `trialbook init`, a snapshot, a build.

The trial is the worked example of docs/own-trial.md: a published dose escalation of another disease. Its pages give the
published numbers, and no page, document or message speaks of the trial that this repository was made for.
"""

from __future__ import annotations

import html
import json
import re
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from support.built_pages import Tables, words
from trialbook.core.datasets import read_dataset

pytestmark = pytest.mark.build
OF_GVHD = re.compile(r"(?i)organ stages|systemic steroids|steroid-refractory|transplant|器官分期|激素耐药|移植")
OTHER_TRIAL = re.compile(r".{0,40}(?:GVHD|iMSC|Hefei|合肥|NCT06321198|mesenchymal|移植物|间充质).{0,30}", re.IGNORECASE)


class OwnTrial:
    """A working folder of an installed package, and its commands."""

    def __init__(self, root: Path, scratch: Path) -> None:
        self.scratch, self.folder, self.said = scratch, scratch / "trial", ""
        python = [sys.executable, "-m"]
        options = ["--quiet", "--no-deps", "--no-index", "--disable-pip-version-check"]
        self._call([*python, "pip", "wheel", *options, "--no-build-isolation", "-w", scratch, root], scratch)
        self.wheel = next(scratch.glob("trialbook-*.whl"))
        environment = scratch / "environment"
        self._call([*python, "venv", "--without-pip", environment], scratch)
        self.bin = environment / "bin"
        site = next(environment.glob("lib/python3.*/site-packages"))
        # The packages that it depends on are those of this environment, in which the clone is not: it comes by a .pth
        # file, and those of a folder that is only on the path are not read.
        (site / "packages.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
        self._call([*python, "pip", "--python", self.bin / "python", "install", *options, self.wheel], scratch)

    def __call__(self, *words: object, cwd: Path | None = None) -> str:
        said = self._call([self.bin / "trialbook", *words], cwd or self.folder)
        self.said += said
        return said

    @staticmethod
    def _call(words: list[object], cwd: Path) -> str:
        done = subprocess.run([str(w) for w in words], cwd=cwd, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    @property
    def build(self) -> Path:
        return self.folder / "build" / "published"


@pytest.fixture(scope="module")
def own(root: Path, tmp_path_factory: pytest.TempPathFactory) -> OwnTrial:
    trial = OwnTrial(root, tmp_path_factory.mktemp("own"))
    trial("init", trial.folder, "--example", cwd=trial.scratch)
    trial("new-cut", "published", "--snapshot", "data/published", "--date", "2004-12-31")
    trial("build", "published")
    trial("export", "published", "--as", "docx,pdf,html,pptx", "--lang", "en,zh", "--to", "documents")
    return trial


def test_the_wheel_alone_builds_and_verifies_a_trial_without_a_clone(own: OwnTrial, root: Path) -> None:
    asked = "import sys, trialbook, trialbook_demo; print(trialbook.__file__, trialbook_demo.__file__, *sys.path)"
    places = [Path(place) for place in own._call([own.bin / "python", "-c", asked], own.folder).split()]
    assert all(place.is_relative_to(own.scratch / "environment") for place in places[:2])
    assert root / "src" not in places
    names = zipfile.ZipFile(own.wheel).namelist()
    # One home for each file: nothing of the clone's own cuts and records, no notebook twice.
    assert not [name for name in names if "params/cuts" in name or "/data/" in name or "approved" in name]
    notebooks = [name for name in names if name.endswith("01_cleaning.ipynb")]
    assert notebooks == ["trialbook_project/notebooks/01_cleaning.ipynb"]
    manifest = json.loads((own.build / "manifest.json").read_text(encoding="utf-8"))
    # What proves a build without a commit: the hash of every file of the package, and the versions that are installed.
    assert len(manifest["sources"]["code"]) > 300
    assert manifest["sources"]["packages"]["pandas"] == pd.__version__
    assert "files and sources agree" in own("verify", "published", "--quick")


def stat(own: OwnTrial, analysis_id: str, level: str, name: str = "n", **where: str) -> float:
    ard = read_dataset(own.build / "results" / "ard.parquet")
    rows = ard[ard["analysis_id"].eq(analysis_id) & ard["group1_level"].eq(level) & ard["stat_name"].eq(name)]
    for column, value in where.items():
        rows = rows[rows[column].eq(value)]
    assert len(rows) == 1, rows
    return float(rows["stat"].iloc[0])


# von Minckwitz et al. 2005: patients and DLTs per dose, and the best response of all.
TREATED = {"D2": 3, "D4": 3, "D10": 3, "D12_5": 6, "D20": 3, "Total": 18}
DLTS = {"D2": 0, "D4": 0, "D10": 0, "D12_5": 1, "D20": 2, "Total": 3}


def test_the_pages_give_the_published_numbers(own: OwnTrial) -> None:
    for level, n in TREATED.items():
        assert stat(own, "SETS", level, variable="SAFFL") == n, level
        assert stat(own, "DLT_RATE", level, "N", context="clopper_pearson") == n, level
        assert stat(own, "DLT_RATE", level, "n", context="clopper_pearson") == DLTS[level], level
    for response, n in {"SD": 2, "PD": 11, "not determined": 5}.items():
        assert stat(own, "BEST_RESPONSE", "Total", variable_level=response) == n, response
    assert stat(own, "OBJECTIVE_RESPONSE", "Total", "n", context="added, clopper_pearson") == 0
    # "... the maximum tolerated dose of 12.5 ug/kg".
    assert "12.5 µg/kg" in words(own.build / "index.html")
    assert "is the maximum tolerated dose" in words(own.build / "index.html")
    tables = Tables(own.build / "07_response.html")
    assert tables.cell("Best response, data cut", "PD", "Total").startswith("11")
    assert tables.cell("Best response, data cut", "SD", "D12_5") == "1"


def texts(own: OwnTrial) -> Iterator[tuple[str, str]]:
    """Every page, document and list of a build, and what the commands said, as text."""
    yield "said", own.said
    # A page in Chinese has the name of the English one, in a folder.
    above = (own.folder / "build").glob("*.html")
    for path in sorted([*own.build.rglob("*"), *above, *own.folder.glob("documents/*")]):
        name = path.relative_to(own.folder).as_posix()
        if path.suffix == ".html":
            page = re.sub(r"<(style|script)\b.*?</\1>", " ", path.read_text(encoding="utf-8"), flags=re.DOTALL)
            yield name, html.unescape(re.sub(r"<[^>]+>", " ", page))
        elif path.suffix in (".docx", ".pptx", ".xlsx"):
            with zipfile.ZipFile(path) as parts:
                inside = [parts.read(part).decode("utf-8") for part in parts.namelist() if part.endswith(".xml")]
            yield name, html.unescape(re.sub(r"<[^>]+>", "", " ".join(inside)))
        elif path.suffix == ".pdf":
            from pypdf import PdfReader

            yield name, " ".join(page.extract_text() for page in PdfReader(path).pages)
        elif path.suffix == ".csv" or path.name == "signals.json":
            yield name, path.read_text(encoding="utf-8-sig")
        elif path.suffix == ".parquet":
            yield name, read_dataset(path).astype("str").to_csv(index=False)


def test_nothing_speaks_of_another_trial(own: OwnTrial) -> None:
    found = {name: OTHER_TRIAL.findall(text) for name, text in texts(own)}
    assert {name: said for name, said in found.items() if said} == {}
    # Nor of what its disease does not have; the dictionary explains every dataset, empty ones too.
    for name, text in texts(own):
        if name.endswith(".html") and "data_dictionary" not in name:
            assert OF_GVHD.findall(text) == [], name
    assert len(found) > 80
    assert len([name for name in found if name.endswith((".docx", ".pdf", ".pptx"))]) >= 6


@pytest.mark.parametrize("page", ["05_orr", "06_os"])
def test_what_the_trial_does_not_have_has_an_empty_page_that_says_so(own: OwnTrial, page: str) -> None:
    text = words(own.build / f"{page}.html")
    assert "is not an endpoint of this trial: this page covers nothing of it" in text
    assert "Method" not in text
    assert not (own.build / f"{page}_tables.html").exists()
