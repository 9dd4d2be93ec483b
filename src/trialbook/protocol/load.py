"""Loads a cut file with its protocol file and checks both; every mistake is one clear line and exit status 2."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import Any

from trialbook.core.environment_variables import CONTRACTS, ROOT
from trialbook.core.errors import UsageError
from trialbook.protocol.analysis import NOT_KEYS, Analysis
from trialbook.protocol.drug_dictionary import DrugDictionary, DrugFile
from trialbook.protocol.models import CUT_ID, Cut, Protocol, Study, Trial
from trialbook.protocol.yaml_file import Place as Place
from trialbook.protocol.yaml_file import read_yaml, validated, with_line

PATHS = "name what is there, relative to the folder that holds params/, or absolute"


def project_root(start: Path | None = None) -> Path:
    """The folder that holds `params/` and `notebooks/`: `TRIALBOOK_ROOT`, else the nearest above `start` (cwd)."""
    named = os.environ.get(ROOT)
    if named:
        return Path(named).resolve()
    here = (start or Path.cwd()).resolve()
    for folder in (here, *here.parents):
        if (folder / "params").is_dir() and (folder / "notebooks").is_dir():
            return folder
    raise UsageError(
        "no folder with params/ and notebooks/ here or above",
        file=str(here),
        next_step="run trialbook inside the workbook's folder",
    )


def find_cut_file(name: str, root: Path) -> Path:
    """The cut file of a path or of an id in `params/cuts/`; raises UsageError naming the cuts there are."""
    direct = Path(name)
    if direct.suffix in (".yaml", ".yml") or "/" in name:
        if _path_problem(Path(), name, folder=False) is None:
            return direct.resolve()
        raise UsageError("there is no such cut file", file=name)
    folder = root / "params" / "cuts"
    if CUT_ID.fullmatch(name) and (folder / f"{name}.yaml").is_file():
        return folder / f"{name}.yaml"
    known = ", ".join(sorted(p.stem for p in folder.glob("*.yaml"))) or "none"
    raise UsageError(f"there is no cut {name!r}; known cuts: {known}", next_step="name one of these, or a cut file")


def base_folder(cut_file: Path, root: Path) -> Path:
    """Where relative paths of a cut file start: the nearest folder above it that holds `params/`, else the root."""
    for folder in cut_file.resolve().parents:
        if (folder / "params").is_dir():
            return folder
    return root


def load_protocol(path: Path, read: dict[str, str] | None = None) -> Protocol:
    """The protocol file as a typed model; `read` takes the sha256 of what was read. Raises UsageError."""
    if not path.is_file():
        raise UsageError("there is no such protocol file", file=str(path))
    content = read_yaml(path, read=read)
    if isinstance(content, dict) and "drugs" in content:
        error = UsageError(
            "unknown key drugs; the nearest known key is drug_dictionary", file=str(path), column="drugs",
            next_step="name the file of the drugs in drug_dictionary",
        )  # fmt: skip
        raise with_line(error, content)
    protocol = validated(Protocol, content, str(path))
    if protocol.drug_dictionary is not None:
        try:
            file = drug_file(path, protocol.drug_dictionary)
        except UsageError as error:
            raise with_line(error, content) from None
        protocol = protocol.model_copy(update={"drugs": _drugs(file, read)})
    values = analysis_values(protocol, {}, str(path), protocol_source=content)
    if problem := _cap_contradicts(protocol.study, values):
        wrong = UsageError(
            problem, file=str(path), column="analysis.n_cap",
            next_step="correct the number that is wrong, or say in study.expansion_n how many of the planned subjects "
            "do not belong to the escalation",
        )  # fmt: skip
        raise with_line(wrong, content)
    defaults = {key: entry.default for key, entry in protocol.analysis.items()}
    defaults["decision_table"] = protocol.decision_table
    for k, amendment in enumerate(protocol.amendments):
        validated(
            Analysis, {**defaults, **amendment.analysis}, str(path), within=f"amendments.{amendment.id}.analysis",
            source=content, at=partial(_within, ("amendments", k, "analysis")),
        )  # fmt: skip
    return protocol


def _cap_contradicts(study: Study, values: Analysis) -> str | None:
    """What is wrong about the cap of the escalation beside the planned number of subjects; None where they agree.

    A cap on evaluable subjects may lie below it: who is replaced is planned for too.
    """
    planned, cap = study.planned_n - study.expansion_n, values.n_cap
    agree = cap <= planned if values.cap_counts == "evaluable" else cap == planned
    if agree or "DLT" not in study.endpoints or values.escalation_rule == "none":
        return None
    less = f" less study.expansion_n = {study.expansion_n}" if study.expansion_n else ""
    return f"n_cap = {cap} contradicts study.planned_n = {study.planned_n}{less}: the escalation ends at n_cap subjects"


def _within(place: Place, path: Place) -> Place:
    return (*place, *path)


def _default_of(path: Place) -> Place:
    """Where the protocol file has the default of an analysis key."""
    return ("analysis", *path[:1], *(["default"] if path else []), *path[1:])


def drug_file(protocol: Path, named: str) -> Path:
    """The drug dictionary that a protocol file names; raises UsageError.

    The path starts at the folder that holds the protocol file's `params/`, else at the project.
    """
    own = next((folder for folder in protocol.resolve().parents if (folder / "params").is_dir()), None)
    bases = [own] if own else []
    if own is None or not (own / named).exists():
        # A kernel works elsewhere; the contracts that it is given lie in the project.
        contracts = os.environ.get(CONTRACTS)
        bases.append(Path(contracts).parent if contracts else project_root())
    problems = [_path_problem(base, named, folder=False) for base in bases]
    if all(problems):
        raise UsageError(
            str(problems[0]), file=str(protocol), column="drug_dictionary", value=named,
            next_step="name the file of the drugs, relative to the folder that holds params/",
        )  # fmt: skip
    return bases[problems.index(None)] / named


def _drugs(file: Path, read: dict[str, str] | None) -> DrugDictionary:
    return validated(DrugFile, read_yaml(file, read=read), str(file)).dictionary()


def analysis_values(
    protocol: Protocol, overrides: dict[str, Any], file: str, *, source: object = None, protocol_source: object = None
) -> Analysis:
    """The analysis keys in force: the protocol's defaults, then the cut's overrides, typed.

    Raises ParameterError; `source` and `protocol_source` are the documents of the cut file and of the protocol file,
    where these were read: they know the lines.
    """
    defaults = {key: entry.default for key, entry in protocol.analysis.items()} | {
        "drugs": protocol.drugs, "decision_table": protocol.decision_table,
    }  # fmt: skip
    validated(Analysis, defaults, file, within="analysis", source=protocol_source or {}, at=_default_of)
    for key in NOT_KEYS:
        if key in overrides:
            error = UsageError("is not an analysis key", file=file, column=f"overrides.{key}", next_step="remove it")
            raise with_line(error, source)
    return validated(
        Analysis, {**defaults, **overrides}, file, within="overrides", source=source or {},
        at=partial(_within, ("overrides",)),
    )  # fmt: skip


def make_trial(content: Any, file: str, base: Path) -> Trial:
    """A checked trial from the content of a cut file; raises UsageError for a wrong key, type, date or path."""
    cut = validated(Cut, content, file)
    # The log of decisions need not be there before the first decision.
    for key in ("snapshot", "protocol", "mapping", "approved_deletions"):
        named = getattr(cut, key)
        problem = None if named is None else _path_problem(base, named, folder=key == "snapshot")
        if problem:
            raise with_line(UsageError(problem, file=file, column=key, value=named, next_step=PATHS), content)
    for name, given in (cut.external.named() if cut.external else {}).items():
        problem = _path_problem(base, given.file, folder=False)
        if problem:
            column = f"external.{name}.file"
            raise with_line(UsageError(problem, file=file, column=column, value=given.file, next_step=PATHS), content)
    read: dict[str, str] = {}
    protocol = load_protocol((base / cut.protocol).resolve(), read)
    analysis = analysis_values(protocol, cut.overrides, file, source=content)
    return Trial(cut=cut, protocol=protocol, analysis=analysis, root=base, read=read)


def _path_problem(base: Path, named: str, folder: bool) -> str | None:
    """Why a path of a cut file cannot be used: it is not there, or it is a pipe or a device, which might never end."""
    try:
        path = (base / named).resolve()
        if not named.strip() or not path.exists():
            return "there is no such path"
        if path.is_file() or (folder and path.is_dir()):
            return None
        return "is neither a folder nor a file" if folder else "is not a file"
    except (OSError, ValueError, RuntimeError) as error:
        # A loop of links, a name that is too long, a NUL in it.
        return f"is not a path that can be used ({type(error).__name__})"


def load_trial(cut_file: Path, root: Path) -> Trial:
    """The trial of one cut file; raises UsageError."""
    return make_trial(read_yaml(cut_file), str(cut_file), base_folder(cut_file, root))
