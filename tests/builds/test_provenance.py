"""The provenance of a build in the standard form: RO-Crate 1.1, Process Run Crate, held to the rules of both."""

from __future__ import annotations

import copy
import datetime as dt
import json
import re
import socket
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from support.small_project import GRAPH
from trialbook.core.files import json_text, sha256
from trialbook.pipeline.ro_crate import CRATE, ro_crate

pytestmark = pytest.mark.build
Graph = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def folder(demo: Path) -> Path:
    return demo / "2025-09-30"


@pytest.fixture(scope="module")
def manifest(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "manifest.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def crate(folder: Path) -> dict[str, Any]:
    return json.loads((folder / CRATE).read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def graph(crate: dict[str, Any]) -> Graph:
    assert len({entity["@id"] for entity in crate["@graph"]}) == len(crate["@graph"]), "an id is unique"
    return {entity["@id"]: entity for entity in crate["@graph"]}


def types(entity: dict[str, Any]) -> list[str]:
    return entity["@type"] if isinstance(entity["@type"], list) else [entity["@type"]]


def of_type(graph: Graph, name: str) -> Graph:
    return {ident: entity for ident, entity in graph.items() if name in types(entity)}


def ids(value: Any) -> list[str]:
    return [one["@id"] for one in (value if isinstance(value, list) else [value])]


def test_the_metadata_describe_themselves_and_the_build(crate: dict[str, Any], graph: Graph) -> None:
    assert crate["@context"][0] == "https://w3id.org/ro/crate/1.1/context"
    assert crate["@context"][1] == {"sha256": "https://w3id.org/ro/terms/workflow-run#sha256"}
    descriptor = graph["ro-crate-metadata.json"]
    assert descriptor["@type"] == "CreativeWork"
    assert descriptor["conformsTo"] == {"@id": "https://w3id.org/ro/crate/1.1"}
    assert descriptor["about"] == {"@id": "./"}


def test_the_root_has_what_the_specification_demands(graph: Graph, manifest: dict[str, Any]) -> None:
    root = graph["./"]
    assert root["@type"] == "Dataset"
    assert root["name"]
    assert root["description"]
    assert dt.date.fromisoformat(root["datePublished"]).isoformat() == manifest["cut_date"]
    assert root["conformsTo"] == {"@id": "https://w3id.org/ro/wfrun/process/0.5"}
    licence = graph[root["license"]["@id"]]
    assert licence["name"]
    assert "synthetic" in licence["description"]
    profile = graph[root["conformsTo"]["@id"]]
    assert (profile["@type"], profile["version"]) == ("CreativeWork", "0.5")


def test_every_reference_leads_to_an_entity_and_nothing_is_nested(graph: Graph) -> None:
    outside = {"https://w3id.org/ro/crate/1.1"}
    for ident, entity in graph.items():
        assert entity["@type"], ident
        assert re.fullmatch(r"[!-~]+", ident), "an id is a URI reference"
        for key, value in entity.items():
            for one in value if isinstance(value, list) else [value]:
                if isinstance(one, dict):
                    assert list(one) == ["@id"], (ident, key)
                    assert one["@id"] in graph or one["@id"] in outside, (ident, key)


def test_every_output_is_a_file_of_the_crate_with_hash_and_size(folder: Path, graph: Graph) -> None:
    files = of_type(graph, "File")
    there = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()} - {CRATE, "run.json"}
    assert set(files) == there
    assert set(ids(graph["./"]["hasPart"])) == there
    for name in there - {"manifest.json"}:
        content = (folder / name).read_bytes()
        assert (files[name]["sha256"], files[name]["contentSize"]) == (sha256(content), str(len(content)))
        assert files[name]["encodingFormat"] != "application/octet-stream", name
    assert "sha256" not in files["manifest.json"], "two files cannot hold each other's hash"


def test_each_notebook_is_a_step_and_each_output_the_result_of_one(graph: Graph, manifest: dict[str, Any]) -> None:
    actions = of_type(graph, "CreateAction")
    assert set(ids(graph["./"]["mentions"])) == set(actions)
    assert set(actions) == {*(f"#step/{spec.name}" for spec in GRAPH.steps), "#step/build"}
    for spec in GRAPH.steps:
        action = actions[f"#step/{spec.name}"]
        tool = graph[action["instrument"]["@id"]]
        assert tool["@type"] == "SoftwareSourceCode"
        assert tool["sha256"] == manifest["sources"]["notebooks"][f"notebooks/{spec.notebook}"]
        assert {f"{spec.name}.html", f"notebooks/{spec.notebook}"} <= set(ids(action["result"]))
        assert action["name"].startswith(spec.title)
        assert action["endTime"] == manifest["cut_date"]
        assert "not the time of the run" in action["description"]
    results = Counter(name for action in actions.values() for name in ids(action["result"]))
    assert set(results) == set(of_type(graph, "File"))
    assert set(results.values()) == {1}


def test_steps_are_linked_from_the_snapshot_to_the_results(graph: Graph, manifest: dict[str, Any]) -> None:
    first = ids(graph["#step/01_cleaning"]["object"])
    for name, found in manifest["sources"]["inputs"].items():
        assert graph[f"#snapshot/{name}"]["sha256"] == found
        assert f"#snapshot/{name}" in first
    assert "data/clean/dm.parquet" in ids(graph["#step/01_cleaning"]["result"])
    assert "data/clean/dm.parquet" in ids(graph["#step/02_eligibility"]["object"])
    assert {"data/clean/dm.parquet", "data/adsl.parquet"} <= set(ids(graph["#step/06_os"]["object"]))
    assert "#params/protocol.yaml" in ids(graph["#step/06_os"]["object"])
    assert graph["#params/protocol.yaml"]["sha256"] == manifest["sources"]["parameters"]["params/protocol.yaml"]
    assert graph["#previous-build"]["sha256"] == manifest["sources"]["previous_build"]
    assert {"results/ard.parquet", "index.html", "manifest.json"} <= set(ids(graph["#step/build"]["result"]))
    assert "#requirements.lock" in ids(graph["#step/build"]["object"])


def test_every_package_is_named_with_its_version(graph: Graph, manifest: dict[str, Any]) -> None:
    named = {
        e["name"]: e["softwareVersion"]
        for e in of_type(graph, "SoftwareApplication").values()
        if "softwareVersion" in e
    }
    assert named == manifest["sources"]["packages"]
    assert len(named) > 100
    assert graph["pkg:pypi/pandas@" + named["pandas"]]["name"] == "pandas"


def test_it_names_no_machine_no_user_and_no_clock(folder: Path, root: Path) -> None:
    text = (folder / CRATE).read_text(encoding="utf-8")
    for secret in (
        str(root),
        str(Path.home()),
        socket.gethostname(),
        "/tmp",
        dt.datetime.now(dt.UTC).date().isoformat(),
    ):
        assert secret not in text


def test_it_is_nothing_but_the_manifest_said_otherwise(folder: Path, manifest: dict[str, Any]) -> None:
    listed = copy.deepcopy(manifest)
    del listed["outputs"][CRATE]
    assert json_text(ro_crate(listed)) == (folder / CRATE).read_text(encoding="utf-8")
    assert manifest["outputs"][CRATE]["sha256"] == sha256((folder / CRATE).read_bytes())


def test_paths_of_one_machine_stay_on_it_and_odd_names_are_quoted(manifest: dict[str, Any]) -> None:
    odd = copy.deepcopy(manifest)
    made_of = odd["sources"]
    made_of["parameters"] = {"/home/somebody/trial/protocol.yaml": "0" * 64}
    made_of["cut"] |= {"snapshot": "/home/somebody/data/received", "protocol": "/home/somebody/trial/protocol.yaml"}
    made_of["inputs"] = {"数据 export.csv": "1" * 64}
    text = json.dumps(ro_crate(odd), ensure_ascii=False)
    assert "somebody" not in text
    assert '"#protocol.yaml"' in text
    assert '"#snapshot/%E6%95%B0%E6%8D%AE%20export.csv"' in text


def test_without_a_previous_build_none_is_named(manifest: dict[str, Any]) -> None:
    alone = copy.deepcopy(manifest)
    alone["sources"]["previous_build"] = None
    assert "#previous-build" not in json.dumps(ro_crate(alone))
