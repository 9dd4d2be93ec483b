"""The provenance of a build in a standard form: RO-Crate 1.1 metadata in the style of Process Run Crate 0.5.

All of it comes from the content of the manifest, so that it is the same on every rebuild. It holds no clock, no path of
a machine and no name of a user: every date in it is the data cut-off date, and who ran a build is not recorded (the
agent of an action is therefore left out; when a build ran is in `run.json`, which no hash covers).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import PurePath
from typing import Any
from urllib.parse import quote

CRATE = "ro-crate-metadata.json"
SPECIFICATION = "https://w3id.org/ro/crate/1.1"
PROFILE = "https://w3id.org/ro/wfrun/process/0.5"
# RO-Crate 1.1 has no word for a checksum: the crate takes the one of Workflow Run Crate and says so in its context.
CONTEXT = [f"{SPECIFICATION}/context", {"sha256": "https://w3id.org/ro/terms/workflow-run#sha256"}]
FORMATS = {
    "html": "text/html",
    "csv": "text/csv",
    "json": "application/json",
    "ipynb": "application/x-ipynb+json",
    "parquet": "application/vnd.apache.parquet",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
MANIFEST = {
    "@id": "manifest.json",
    "@type": "File",
    "name": "manifest.json",
    "description": "sha256 of every source of the build and of every output, this file included",
    "encodingFormat": FORMATS["json"],
}
DATES = "Dates in this description are the data cut-off date, not the time of the run, so that every rebuild writes it"
LICENCE = "No licence is stated: the files are for the readers whom the sponsor names."
SYNTHETIC = "The data are synthetic, no line describes a person. "

Entity = dict[str, Any]


def ro_crate(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """The metadata of a build as JSON-LD, from the content of its manifest (without this file's own entry).

    The sources of a build are not in its folder: inputs, parameter files, notebooks, contracts and the library are
    entities here with a local id and their sha256. Every output is a file of the crate and the result of one action.
    """
    made_of, outputs = manifest["sources"], manifest["outputs"]
    sources = _sources(made_of)
    actions = _actions(manifest, [entity["@id"] for entity in sources])
    packages = [_package(name, version) for name, version in sorted(made_of["packages"].items())]
    library = {
        "@id": "#trialbook",
        "@type": "SoftwareApplication",
        "name": "trialbook",
        "description": "Builds the data cuts of the trial workbook; its code is identified by the sha256 of its files.",
        "identifier": _digest(made_of["code"]),
        "version": _digest(made_of["code"])[:12],
        "softwareRequirements": _refs(package["@id"] for package in packages),
    }
    files = [_file(name, listed) for name, listed in sorted(outputs.items())]
    files.append(MANIFEST)
    licence = (SYNTHETIC if made_of.get("synthetic") else "") + LICENCE
    graph = [
        _descriptor(),
        _root(manifest, [entity["@id"] for entity in files], [action["@id"] for action in actions]),
        {"@id": PROFILE, "@type": "CreativeWork", "name": "Process Run Crate", "version": "0.5"},
        {"@id": "#licence", "@type": "CreativeWork", "name": "Licence", "description": licence},
        library,
        *actions,
        *sources,
        *files,
        *packages,
    ]
    return {"@context": CONTEXT, "@graph": graph}


def _descriptor() -> Entity:
    return {
        "@id": CRATE,
        "@type": "CreativeWork",
        "about": {"@id": "./"},
        "conformsTo": {"@id": SPECIFICATION},
    }


def _root(manifest: Mapping[str, Any], parts: list[str], actions: list[str]) -> Entity:
    study = manifest["sources"]["protocol"]["study"]
    return {
        "@id": "./",
        "@type": "Dataset",
        "name": f"{manifest['study']}, data cut {manifest['cut_id']}",
        "description": f"Build of the data cut {manifest['cut_id']} of {study['id']}: {study['title']}. {DATES} alike.",
        "datePublished": manifest["cut_date"],
        "identifier": manifest["fingerprint"],
        "license": {"@id": "#licence"},
        "conformsTo": {"@id": PROFILE},
        "hasPart": _refs(parts),
        "mentions": _refs(actions),
    }


def _sources(made_of: Mapping[str, Any]) -> list[Entity]:
    """The sources of the build, which it does not hold: one entity with a sha256 for each file."""
    entities = [_notebook(name, found) for name, found in sorted(made_of["notebooks"].items())]
    named = {f"snapshot/{name}": found for name, found in made_of["inputs"].items()}
    for kind in ("parameters", "contracts", "lock"):
        named |= made_of[kind]
    entities += [
        {"@id": _local(name), "@type": "CreativeWork", "name": _public(name), "sha256": found}
        for name, found in sorted(named.items())
    ]
    settings = {key: made_of[key] for key in ("analysis", "charts") if key in made_of}
    settings["cut"] = {key: _public(value) for key, value in made_of["cut"].items()}
    entities.append(
        {
            "@id": "#cut",
            "@type": "PropertyValue",
            "name": "Cut file, analysis keys in force and kind of charts",
            "value": json.dumps(settings, ensure_ascii=False, sort_keys=True),
        }
    )
    if made_of.get("previous_build"):
        previous = made_of["cut"]["previous_cut"]
        entities.append(
            {
                "@id": "#previous-build",
                "@type": "CreativeWork",
                "name": f"Build of the previous data cut {previous}: its manifest.json",
                "sha256": made_of["previous_build"],
            }
        )
    return entities


def _notebook(name: str, found: str) -> Entity:
    return {
        "@id": _local(name),
        "@type": "SoftwareSourceCode",
        "name": name,
        "sha256": found,
        "version": found[:12],
        "encodingFormat": FORMATS["ipynb"],
        "programmingLanguage": "Python",
        "softwareRequirements": {"@id": "#trialbook"},
    }


def _actions(manifest: Mapping[str, Any], sources: list[str]) -> list[Entity]:
    """One action per notebook, and the one that puts the build together; each output is the result of one of them."""
    outputs, made_of = list(manifest["outputs"]), manifest["sources"]
    inputs = [_local(f"snapshot/{name}") for name in sorted(made_of["inputs"])]
    common = ["#cut", *(_local(name) for name in sorted(made_of["parameters"]))]
    previous = ["#previous-build"] if "#previous-build" in sources else []
    date = manifest["cut_date"]
    actions: list[Entity] = []
    left: dict[str, list[str]] = {}
    steps = {str(step["step"]): step for step in manifest["steps"]}
    for name, step in steps.items():
        left[name] = [output for output in outputs if _is_result(output, step)]
    for name, step in steps.items():
        needed = [_path(file) for need in _before(name, steps) for file in left[need] if file.startswith("data/")]
        objects = [*(needed or inputs), *common, *previous]
        title, tool = f"{step['title']}: notebook {name}.ipynb", _local(f"notebooks/{name}.ipynb")
        actions.append(_action(name, title, date, tool, objects, [_path(file) for file in left[name]]))
    taken = {name for names in left.values() for name in names}
    used = [_local(name) for kind in ("contracts", "lock") for name in sorted(made_of[kind])]
    objects = [*(_path(name) for name in sorted(taken)), *inputs, *used, *common, *previous]
    rest = [*(_path(name) for name in sorted(set(outputs) - taken)), "manifest.json"]
    title = "Contracts, results, query list, first page and manifest"
    return [*actions, _action("build", title, date, "#trialbook", objects, rest)]


def _before(name: str, steps: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The steps whose data a step reads, those of its needs included."""
    found = [step for need in steps[name]["needs"] for step in [*_before(need, steps), need]]
    return list(dict.fromkeys(found))


def _is_result(output: str, step: Mapping[str, Any]) -> bool:
    """Whether an output was written by this notebook: its datasets and change log, its executed copy and its page."""
    name, written = step["step"], step["written"]
    own = (f"{name}.html", f"notebooks/{name}.ipynb", *(f"data/{dataset}.parquet" for dataset in written))
    return output in own or (output == "changelog.csv" and "changelog" in written)


def _action(step: str, title: str, date: str, tool: str, objects: list[str], results: list[str]) -> Entity:
    return {
        "@id": f"#step/{step}",
        "@type": "CreateAction",
        "name": title,
        "description": f"{DATES} alike.",
        "endTime": date,
        "instrument": {"@id": tool},
        "object": _refs(objects),
        "result": _refs(results),
    }


def _file(name: str, listed: Mapping[str, Any]) -> Entity:
    return {
        "@id": _path(name),
        "@type": "File",
        "name": name,
        "sha256": listed["sha256"],
        "contentSize": str(listed["bytes"]),
        "encodingFormat": FORMATS.get(name.rsplit(".", 1)[-1], "application/octet-stream"),
    }


def _package(name: str, version: str) -> Entity:
    return {
        "@id": f"pkg:pypi/{quote(name.lower())}@{quote(version)}",
        "@type": "SoftwareApplication",
        "name": name,
        "softwareVersion": version,
    }


def _digest(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def _local(name: str) -> str:
    """Id of a thing that is described and not in the build's folder."""
    return f"#{quote(_public(name))}"


def _public(value: Any) -> Any:
    """A path of the cut file as others may see it: of an absolute one, which belongs to one machine, the name alone."""
    return PurePath(value).name if isinstance(value, str) and PurePath(value).is_absolute() else value


def _path(name: str) -> str:
    """Id of a file of the build: its path, as a part of a URI."""
    return quote(name)


def _refs(ids: Iterable[str]) -> list[dict[str, str]]:
    return [{"@id": ident} for ident in ids]
