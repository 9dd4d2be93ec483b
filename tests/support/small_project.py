"""A whole project with tiny notebooks and hardly a rule in its contracts: the runner is the real one, a build takes a
second or two.

Any step can be told to hold in its middle, so that a test can kill what it wants exactly there.
"""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import nbformat
import yaml

from support.paths import ROOT
from support.running_builds import Running, content, notebook_of, processes_of, wait_until
from trialbook.pipeline.publish import KEPT, _kernel_place
from trialbook.pipeline.study_page import PAGE as STUDY_PAGE
from trialbook.workbook.step_metadata import ENTRY, read_graph
from trialbook.workbook.steps import OWN_DATASETS, StepSpec

# The steps are those of the workbook, each with a tiny notebook.
GRAPH = read_graph(ROOT)

PARAMETERS = (
    "cut_id = 'x'\ncut_date = '2025-01-01'\nsnapshot = '.'\nprotocol = '.'\nprevious_cut = None\noverrides = {}\n"
    "mapping = None\ntransfer = None\napproved_deletions = None"
)
OPEN = """
import trialbook
step = trialbook.open_step({name!r}, cut_id=cut_id, cut_date=cut_date, snapshot=snapshot, protocol=protocol,
    previous_cut=previous_cut, overrides=overrides, mapping=mapping, transfer=transfer,
    approved_deletions=approved_deletions)
"""
HOLD = """
import os, time
from pathlib import Path
place = Path(os.environ["TRIALBOOK_ROOT"]) / "place"
(place / {name!r}).write_text(str(os.getpid()))
while (place / "hold").exists() and {name!r} in (place / "hold").read_text(): time.sleep(0.05)
"""
CLEAN = """
frames = {code: table.frame.drop(columns="BRTHDTC", errors="ignore") for code, table in step.raw.tables.items()}
step.write_clean(frames)
"""
DERIVE = """
import pandas
names = "USUBJID SUBJID SCRFL ENRFL SAFFL DLTEFL MAT28FL EVAL28FL PPFL DTHFL TRT01P TRT01A TRTSDT DTHDT CUTDT".split()
names += "LSTALVDT DLTSTAT COUNTED PARAMCD AVALC RSP28FL CNSR".split()
frame = pandas.DataFrame({{n: pandas.Series(dtype="datetime64[s]" if n[-2:] == "DT" else "str") for n in names}})
words = {{n: ["S1" if n[-2:] == "ID" else ""] for n in names if n[-2:] != "DT"}}
subject = pandas.DataFrame(words).reindex(columns=names).astype(frame.dtypes)
for name in {datasets!r}: step.write(name, subject if name == "adsl" else frame, ["USUBJID"])
"""


def bare_contract(root: Path, folder: Path, domain: str) -> None:
    """The raw contract of a domain without its rules but one: it says which columns may come in."""
    content = yaml.safe_load((root / "data_contracts" / "raw" / f"{domain}.yaml").read_text(encoding="utf-8"))
    dataset = content["schema"][0]
    kept = ("name", "logicalType", "description")
    dataset["properties"] = [{name: column[name] for name in kept} for column in dataset["properties"]]
    subject = next(column for column in dataset["properties"] if column["name"] == "USUBJID")
    subject["customProperties"] = [{"property": "requiredFor", "value": "ALL"}]
    dataset.pop("quality", None)
    text = yaml.safe_dump(content, sort_keys=False)
    (folder / "data_contracts" / "raw" / f"{domain}.yaml").write_text(text, encoding="utf-8")


def bare_analysis_contract(folder: Path, name: str) -> None:
    """A contract that knows of one column."""
    column = {"name": "USUBJID", "logicalType": "string", "description": "Unique subject identifier"}
    dataset = {"name": name, "logicalType": "object", "physicalType": "table", "description": name}
    content = {
        "apiVersion": "v3.0.2", "kind": "DataContract", "id": f"trialbook.analysis.{name}", "name": name,
        "version": "1.0.0", "status": "active", "description": {"purpose": name},
        "schema": [{**dataset, "properties": [column]}],
    }  # fmt: skip
    text = yaml.safe_dump(content, sort_keys=False)
    (folder / "data_contracts" / "analysis").mkdir(exist_ok=True)
    (folder / "data_contracts" / "analysis" / f"{name}.yaml").write_text(text, encoding="utf-8")


def metadata_of(spec: StepSpec) -> dict[str, object]:
    """What the notebook of a step says of itself."""
    datasets = [*(["clean"] if spec.clean else []), *spec.datasets]
    return {
        "title": spec.title, "needs": list(spec.needs), "datasets": datasets, "compared": list(spec.compared),
        "counts_compared": spec.counts_compared, "long": spec.long,
    }  # fmt: skip


class SmallProject:
    """One cut of a small project in a folder of its own."""

    def __init__(self, folder: Path, root: Path, cut_id: str = "case") -> None:
        self.folder, self.cut_id = folder, cut_id
        self.out, self.snapshot, self.place = folder / "builds", folder / "snapshot", folder / "place"
        self.log = folder / "said"
        for name in ("notebooks", "params/cuts", "snapshot", "place"):
            (folder / name).mkdir(parents=True)
        for name in ("protocol.yaml", "drugs.yaml"):
            shutil.copy(root / "params" / name, folder / "params")
        shutil.copy(root / "requirements.lock", folder)
        (folder / "data_contracts" / "raw").mkdir(parents=True)
        for domain in ("dm", "ex", "ae"):
            bare_contract(root, folder, domain)
            shutil.copy(root / "data" / "demo" / "2025-03-31" / f"{domain}.csv", self.snapshot)
        for dataset in OWN_DATASETS:
            bare_analysis_contract(folder, dataset)
        for spec in GRAPH.steps:
            self.write_notebook(spec)
            for dataset in spec.datasets:
                bare_analysis_contract(folder, dataset)
        self.write_cut(cut_id)

    def take_pieces(self, other: SmallProject) -> None:
        """Takes the finished pieces of another small project: what is as it was there need not be made again here."""
        shutil.copytree(other.out / KEPT / other.cut_id, self.out / KEPT / self.cut_id)
        self.hold()

    def write_cut(self, cut_id: str) -> None:
        """A cut file of this id, over the same snapshot."""
        cut = {"cut_id": cut_id, "cut_date": "2025-03-31", "snapshot": "snapshot", "protocol": "params/protocol.yaml"}
        (self.folder / "params" / "cuts" / f"{cut_id}.yaml").write_text(yaml.safe_dump(cut), encoding="utf-8")

    def write_notebook(self, spec: StepSpec, *middle: str) -> None:
        """The tiny notebook of a step; `middle` comes between its hold and what it writes."""
        leave = CLEAN if spec.clean else DERIVE.format(datasets=spec.datasets)
        hold = HOLD.format(name=spec.name)
        notebook = notebook_of(OPEN.format(name=spec.name), hold, *middle, leave, "step.close()")
        notebook.cells[0].source = PARAMETERS
        notebook.metadata[ENTRY] = metadata_of(spec)
        # The same bytes in every project: ids are made up at random otherwise.
        for number, cell in enumerate(notebook.cells):
            cell.id = f"cell-{number}"
        nbformat.write(notebook, self.folder / "notebooks" / spec.notebook)

    def change(self, step: str) -> None:
        """Changes the notebook of a step, so that it must run again."""
        self.write_notebook(GRAPH.step(step), f"'changed at {time.monotonic_ns()}'")

    def hold(self, *steps: str) -> None:
        """These steps hold from now on; without any, none does."""
        for name in GRAPH.names:
            (self.place / name).unlink(missing_ok=True)
        (self.place / "hold").write_text(" ".join(steps), encoding="utf-8")

    def start(self, *words: object, cut_id: str = "", **environment: str) -> Running:
        """Starts a build by the command line."""
        cut = cut_id or self.cut_id
        named = {"TRIALBOOK_ROOT": str(self.folder), **environment}
        log = self.log.with_suffix(f".{len(list(self.folder.glob('said*')))}")
        return Running(log, "build", cut, "--out", self.out, "--charts", "static", *words, **named)

    def build(self, *words: object, cut_id: str = "", **environment: str) -> Running:
        """Builds by the command line, and waits for its end."""
        running = self.start(*words, cut_id=cut_id, **environment)
        running.end(180)
        return running

    def kernel_at(self, step: str, running: Running) -> int:
        """The process id of the kernel that holds in this step."""
        place = self.place / step
        assert wait_until(lambda: (place.is_file() and place.read_text()) or running.process.poll() is not None, 120)
        assert place.is_file(), running.said
        return int(place.read_text(encoding="utf-8"))

    @property
    def standing(self) -> dict[str, str]:
        """What is there of the build: every file with its hash."""
        return content(self.out / self.cut_id)

    def processes(self) -> list[str]:
        """Processes that belong to a build of this project."""
        kernels = _kernel_place(self.out, self.cut_id)
        return [*processes_of(self.out), *processes_of(kernels)]

    def litter(self) -> list[str]:
        """What a build that did not end well has left outside the places for it."""
        scratch = [str(p) for p in (self.out / ".scratch").glob("*")]
        kept = [str(p) for p in (self.out / ".cache" / "steps").glob("*/.*")]
        kernels = _kernel_place(self.out, self.cut_id)
        known = {".scratch", ".locks", ".cache", ".stopped", STUDY_PAGE, self.cut_id}
        return (
            scratch
            + kept
            + ([str(kernels)] if kernels.exists() else [])
            + sorted(p.name for p in self.out.iterdir() if p.name not in known)
        )
