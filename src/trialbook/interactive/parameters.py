"""The cut that a notebook is run for: from the id alone, from a cut file that papermill was given, or from both."""

from __future__ import annotations

import ast
import difflib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from trialbook.core.errors import UsageError
from trialbook.protocol.load import find_cut_file
from trialbook.protocol.models import Cut
from trialbook.protocol.yaml_file import read_yaml

KEYS = tuple(Cut.model_fields)
NEEDED = tuple(name for name, field in Cut.model_fields.items() if field.is_required())
# Keys that tell one cut from another; the rest may be tried with another value from a notebook.
OF_ONE_CUT = ("cut_id", "cut_date", "snapshot", "protocol", "previous_cut")
PATHS = ("snapshot", "protocol")
# How papermill begins the cell with the parameters that it was given.
INJECTED = "# Parameters"


def cut_parameters(given: Mapping[str, Any], root: Path) -> tuple[dict[str, Any], str]:
    """The content of a cut file for the parameters of a notebook, and the file that a mistake in it is of.

    `given` are the keys of a cut file; None is a key that was not given. With the id alone the file of this cut in
    `params/cuts/` says the rest, and further keys replace what it says. A complete cut file (`papermill -f`) is taken
    as it is: a key that it lacks is absent.

    Raises UsageError for a cut that does not exist, and where two cuts are mixed: the parameters and the file of this
    id name another date, snapshot, protocol or previous cut, or all of them are those of another id.

    >>> from trialbook.protocol.load import project_root
    >>> content, file = cut_parameters({"cut_id": "2025-06-30", "cut_date": None}, project_root())
    >>> content["cut_date"], content["previous_cut"], file.endswith("2025-06-30.yaml")
    ('2025-06-30', '2025-03-31', True)
    """
    told = {key: value for key, value in given.items() if value is not None}
    cut_id = told.get("cut_id")
    if not isinstance(cut_id, str) or not cut_id:
        raise UsageError(
            "the parameters name no cut", file="notebook parameters", column="cut_id",
            next_step='name it, as in cut_id = "2025-09-30"; the rest comes from its file in params/cuts/',
        )  # fmt: skip
    whole = all(key in told for key in NEEDED)
    files = _cut_files(root)
    if cut_id in files:
        file = files[cut_id]
        content = _content(file)
        asked = OF_ONE_CUT if whole else [key for key in OF_ONE_CUT if key in told]
        for key in asked:
            if _as_text(key, told.get(key), root) != _as_text(key, content.get(key), root):
                raise _mixed(cut_id, key, told.get(key), content.get(key), file, files, told, root)
        if whole:
            return told, "notebook parameters"
        overrides = {**(content.get("overrides") or {}), **(told.get("overrides") or {})}
        return {**content, **told, **({"overrides": overrides} if overrides else {})}, str(file)
    if not whole:
        find_cut_file(cut_id, root)  # raises, naming the cuts there are
    _stop_if_of_another(cut_id, told, files, root)
    return told, "notebook parameters"


def stop_if_unknown(cells: Iterable[str]) -> None:
    """Raises UsageError when papermill was given a parameter that no notebook has; `cells` are those run so far.

    Papermill itself says so in a line of its log, and runs the default cut.
    """
    declared: set[str] = set(KEYS)
    for source in cells:
        names = _assigned(source)
        if source.lstrip().startswith(INJECTED):
            for name in names:
                if name not in declared:
                    raise _unknown(name)
        elif "cut_id" in names:
            # An analyst may declare parameters of their own, but not one that looks like a key of a cut file.
            for name in names:
                if name not in KEYS and difflib.get_close_matches(name, KEYS, n=1, cutoff=0.8):
                    raise _unknown(name)
            declared.update(names)


def _unknown(name: str) -> UsageError:
    nearest = difflib.get_close_matches(name, KEYS, n=1, cutoff=0)[0]
    return UsageError(
        f"there is no parameter {name}; the nearest is {nearest}", file="notebook parameters",
        next_step=f"the parameters are {', '.join(KEYS)}",
    )  # fmt: skip


def _assigned(source: str) -> list[str]:
    """Names that a cell of plain assignments gives a value; empty for any other cell."""
    try:
        body = ast.parse(source).body
    except (SyntaxError, ValueError):
        return []
    if not body or not all(isinstance(part, ast.Assign | ast.AnnAssign) for part in body):
        return []
    targets = [t for part in body for t in (part.targets if isinstance(part, ast.Assign) else [part.target])]  # type: ignore[attr-defined]
    return [target.id for target in targets if isinstance(target, ast.Name)]


def _cut_files(root: Path) -> dict[str, Path]:
    """The cut files of the project by the id that names them."""
    return {path.stem: path for path in sorted((root / "params" / "cuts").glob("*.yaml"))}


def _content(file: Path) -> dict[str, Any]:
    content = read_yaml(file)
    if not isinstance(content, dict):
        raise UsageError("is not a mapping of keys to values", file=str(file))
    return content


def _mixed(
    cut_id: str, key: str, given: Any, said: Any, file: Path, files: Mapping[str, Path], told: Mapping[str, Any],
    root: Path,
) -> UsageError:  # fmt: skip
    """Two cuts in one run; names the cut whose file says what was given."""
    if key == "cut_id":
        return UsageError(
            f"the cut file of {cut_id} says that it is the cut {said}", file=str(file), column=key,
            next_step="correct the id in it, or the name of the file",
        )  # fmt: skip
    other = _of_another(cut_id, told, files, root)
    whose = f", as in the cut {other}" if other else ""
    return UsageError(
        f"two cuts are mixed: cut_id is {cut_id}, whose file says {_shown(said)}, but {key} was given as "
        f"{_shown(given)}{whose}",
        file=str(file), column=key, value=None if given is None else str(given),
        next_step=f"give cut_id alone (-p cut_id {cut_id}), or the whole cut file alone (-f)",
    )  # fmt: skip


def _stop_if_of_another(cut_id: str, told: Mapping[str, Any], files: Mapping[str, Path], root: Path) -> None:
    other = _of_another(cut_id, told, files, root)
    if other:
        raise UsageError(
            f"two cuts are mixed: cut_id is {cut_id}, but date, snapshot and protocol are those of the cut {other}",
            file=str(files[other]), column="cut_id", value=cut_id,
            next_step=f"give cut_id alone (-p cut_id {other}), or the whole cut file alone (-f)",
        )  # fmt: skip


def _of_another(cut_id: str, told: Mapping[str, Any], files: Mapping[str, Path], root: Path) -> str | None:
    """The other cut whose file says what was given of date and snapshot."""
    for name, file in files.items():
        if name == cut_id:
            continue
        try:
            content = _content(file)
        except UsageError:
            continue  # a broken file of another cut does not concern this one
        asked = [key for key in ("cut_date", "snapshot") if key in told]
        if asked and all(_as_text(key, told[key], root) == _as_text(key, content.get(key), root) for key in asked):
            return name
    return None


def _as_text(key: str, value: Any, root: Path) -> str:
    if value is None:
        return ""
    return str((root / str(value)).resolve()) if key in PATHS else str(value)


def _shown(value: Any) -> str:
    return "nothing" if value is None else str(value)
