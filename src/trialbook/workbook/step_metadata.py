"""Reads the steps of a project from the metadata of its notebooks, and refuses what does not fit together.

A notebook of `notebooks/` is a step when its metadata have an entry `trialbook`:

    {"title": "Safety", "needs": ["02_eligibility"], "datasets": ["adae", "adlb"], "compared": ["adsl"]}

Its name is that of the file, and steps come in the order of their names. `{"step": false}` says of a notebook that it
is meant to be none: no build runs or names it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from trialbook.core.errors import ParameterError
from trialbook.protocol.yaml_file import validated
from trialbook.workbook.steps import CHANGES, FOLDER, OWN_DATASETS, PROFILED, PROFILES, SIGNALS, Graph, StepSpec

ENTRY = "trialbook"
# What a notebook says of itself that is there for people alone.
NO_STEP = {"step": False}
# In `datasets`: the clean domains, as many as were delivered.
CLEAN = "clean"
# A step is a page, a folder and a part of links; these names are taken.
STEP_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_]{0,63}")
TAKEN = ("raw", "results", PROFILES, SIGNALS, CHANGES, "index", "data_dictionary", "build")
DATASET_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")
DATASET_RULE = "the name of a dataset consists of lower-case letters, digits and underscores"


class StepEntry(BaseModel):
    """What a notebook says of itself: its title, the steps before it, the datasets it writes, and others that its
    contracts compare these with.

    `counts_compared`: whether the numbers of subjects that it reports are compared with the datasets; `long`: it
    takes long, so that it starts before others.
    """

    model_config = ConfigDict(extra="forbid", strict=True)
    title: Annotated[str, Field(min_length=1)]
    needs: list[str]
    datasets: list[str] = []
    compared: list[str] = []
    counts_compared: bool = True
    long: bool = False


def notebook_files(root: Path) -> list[str]:
    """File names of the notebooks of a project, sorted; hidden ones are copies of an editor."""
    return sorted(path.name for path in (root / FOLDER).glob("*.ipynb") if not path.name.startswith("."))


def read_graph(root: Path) -> Graph:
    """The steps of the project in a folder; raises ParameterError like `graph_of`."""
    return graph_of({name: (root / FOLDER / name).read_bytes() for name in notebook_files(root)})


def graph_of(notebooks: Mapping[str, bytes]) -> Graph:
    """The steps among these notebooks (content by file name).

    Raises ParameterError, naming the file and key, for a notebook that cannot be read, an entry of another form, a need
    or a dataset that no step before writes, a dataset that two write, a name that is no identifier, and for steps that
    need each other; also where nobody writes the clean domains or a dataset of which the profile pages are made.
    """
    steps, others = [], []
    for name, content in sorted(notebooks.items()):
        entry = _entry(name, content)
        if entry == NO_STEP:
            continue
        if not isinstance(entry, StepEntry):
            others.append(
                f'{FOLDER}/{name} is not a step and was not run: its metadata have no entry "{ENTRY}" with title, '
                "needs and datasets"
            )
        else:
            steps.append(_spec(name, entry))
    graph = Graph(tuple(steps), tuple(others))
    _stop_if_names_clash(graph)
    _stop_if_needs_fail(graph)
    _stop_if_datasets_fail(graph)
    return graph


def _entry(name: str, content: bytes) -> StepEntry | dict[str, bool] | None:
    file = f"{FOLDER}/{name}"
    try:
        notebook = json.loads(content)
        cells, metadata = notebook["cells"], notebook.get("metadata", {})
        plain = isinstance(cells, list) and isinstance(metadata, dict)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ParameterError(
            f"cannot be read as a notebook ({type(error).__name__})", file=file,
            next_step="save it again in JupyterLab, or move it out of this folder",
        ) from None  # fmt: skip
    if not plain or ENTRY not in metadata:
        return None
    if metadata[ENTRY] == NO_STEP:
        return NO_STEP
    if not isinstance(metadata[ENTRY], dict):
        raise ParameterError(
            "is not a mapping of keys to values", file=file, column=f"metadata.{ENTRY}",
            next_step="write it as the other notebooks do: title, needs, datasets",
        )  # fmt: skip
    return validated(StepEntry, metadata[ENTRY], file, f"metadata.{ENTRY}")


def _spec(name: str, entry: StepEntry) -> StepSpec:
    own = [dataset for dataset in entry.datasets if dataset != CLEAN]
    return StepSpec(
        name.removesuffix(".ipynb"), entry.title, tuple(entry.needs), tuple(own), tuple(entry.compared),
        CLEAN in entry.datasets, entry.counts_compared, entry.long,
    )  # fmt: skip


def _wrong(spec: StepSpec, key: str, value: str, problem: str, next_step: str) -> ParameterError:
    return ParameterError(problem, file=spec.file, column=f"metadata.{ENTRY}.{key}", value=value, next_step=next_step)


def _stop_if_names_clash(graph: Graph) -> None:
    taken = dict.fromkeys(TAKEN, "the workbook itself")
    for spec in graph.steps:
        if not STEP_NAME.fullmatch(spec.name):
            raise ParameterError(
                "the name of a step consists of letters, digits and underscores", file=spec.file, value=spec.name,
                next_step="rename the notebook, as in 07_biomarkers.ipynb",
            )  # fmt: skip
        owner = taken.get(spec.name.lower())
        if owner:
            raise ParameterError(
                f"the name {spec.name} is used by {owner}", file=spec.file, value=spec.name,
                next_step="rename the notebook",
            )  # fmt: skip
        taken[spec.name.lower()] = spec.file


def _stop_if_needs_fail(graph: Graph) -> None:
    for spec in graph.steps:
        for need in spec.needs:
            if need not in graph:
                raise _wrong(spec, "needs", need, f"there is no step {need}",
                             f"name one of {', '.join(graph.names)}")  # fmt: skip
    done: set[str] = set()
    waiting = list(graph.steps)
    while waiting:
        ready = [spec for spec in waiting if set(spec.needs) <= done]
        if not ready:
            raise _cycle(waiting)
        done |= {spec.name for spec in ready}
        waiting = [spec for spec in waiting if spec.name not in done]


def _cycle(waiting: list[StepSpec]) -> ParameterError:
    """The message for steps that wait for each other; others only wait for these."""
    needed = [spec for spec in waiting if any(spec.name in other.needs for other in waiting)]
    if len(needed) < len(waiting):
        return _cycle(needed)
    names = " and ".join(spec.name for spec in needed)
    each = f"{names} need each other" if len(needed) > 1 else f"{names} needs itself"
    return _wrong(needed[0], "needs", ", ".join(needed[0].needs), each, "remove one of the needs")


def _stop_if_datasets_fail(graph: Graph) -> None:
    left: dict[str, StepSpec] = {}
    for spec in graph.steps:
        if spec.clean and spec.datasets:
            raise _wrong(spec, "datasets", spec.datasets[0], "the step that writes the clean domains writes no more",
                         "let a later step write this dataset")  # fmt: skip
        for name in [*([CLEAN] if spec.clean else []), *spec.datasets]:
            if not DATASET_NAME.fullmatch(name):
                raise _wrong(spec, "datasets", name, DATASET_RULE, "rename the dataset, as in adbm")
            if name in OWN_DATASETS:
                raise _wrong(spec, "datasets", name, "the workbook itself writes this dataset",
                             "give yours another name")  # fmt: skip
            if name in left:
                raise _wrong(spec, "datasets", name, f"{left[name].file} writes this dataset too",
                             "give one of the two another name")  # fmt: skip
            left[name] = spec
    for name in (CLEAN, *PROFILED):
        if name not in left:
            what = "the clean domains" if name == CLEAN else f"the dataset {name}"
            raise ParameterError(
                f"no notebook writes {what}, which every build needs", file=FOLDER, column=f"metadata.{ENTRY}.datasets",
                value=name, next_step="put back the notebook, or its metadata",
            )  # fmt: skip
    for spec in graph.steps:
        before = [*graph.before(spec.name), spec.name]
        for name in spec.compared:
            step = left.get(CLEAN if name.startswith(f"{CLEAN}/") else name)
            if step is None or step.name not in before:
                raise _wrong(spec, "compared", name, "no step before this one writes it",
                             "correct the name, or name the step that writes it under needs")  # fmt: skip
