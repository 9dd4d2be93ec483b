"""Writes the pages of a build: one per notebook, from the content that was rendered beside the notebooks, and the
first page.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from trialbook.contracts.gx_engine import Verdict
from trialbook.contracts.odcs import Contract
from trialbook.core.datasets import read_dataset
from trialbook.core.files import keep_json, naming, read_input
from trialbook.core.messages import msg
from trialbook.display import changes, dictionary
from trialbook.display.chart_rendering import (
    chart_script,
    chart_script_version,
    known_script,
    read_sealed,
    write_sealed,
)
from trialbook.display.index import render_index
from trialbook.display.index_facts import StepStatus, index_facts
from trialbook.display.page import Frame, Link, compile_templates, page_of
from trialbook.display.page_content import PageContent, page_content, page_number
from trialbook.display.page_outputs import Dropped
from trialbook.pipeline.change_page import changes_page
from trialbook.pipeline.profile_pages import write_profiles
from trialbook.pipeline.signal_files import read_first_page, write_signals
from trialbook.pipeline.superseded import superseded_place
from trialbook.protocol.models import Trial
from trialbook.subjects.flow import NOBODY
from trialbook.workbook.steps import StepSpec

SYNTHETIC = msg("SYNTHETIC DATA: made by a simulator, no real person is described")


@dataclass(frozen=True)
class PageSources:
    """The inputs of the pages of a build."""

    trial: Trial
    steps: tuple[StepSpec, ...]
    synthetic: bool
    verdicts: Mapping[str, list[Verdict]]
    contracts: Mapping[str, Contract]
    ard: pd.DataFrame
    queries: pd.DataFrame
    previous: Path | None
    builds: Path
    fingerprint: str
    charts: Literal["live", "static"]
    supersedes: str | None = None


def render_content(step: str, notebook: Path, target: Path, charts: Literal["live", "static"]) -> list[Dropped]:
    """Writes the content of the page of an executed notebook as JSON; returns the outputs that it would leave out.

    `step` is the name of the notebook: its number is that of the tables and figures without one of their own.
    """
    compile_templates()
    content = page_content(json.loads(read_input(notebook)), charts, number=page_number(step))
    if not content.dropped:
        keep_json(target, asdict(content))
    return content.dropped


def write_pages(sources: PageSources, scratch: Path, cache: Path) -> None:
    """Writes `index.html`, a page per notebook, the data dictionary, the profiles and the signals into the build."""
    frame = _frame(sources, scratch)
    script = cached_chart_script(cache) if sources.charts == "live" else None
    places: dict[str, list[str]] = {}
    for spec in sources.steps:
        content = PageContent.from_plain(json.loads(read_input(scratch / ".steps" / spec.page / "page.json")))
        name = f"{spec.name}.html"
        places[name] = [heading.anchor for heading in content.headings]
        html = page_of(content, title=spec.title, frame=frame, current=name, chart_script=script)
        _write_page(scratch / name, html)
    _write_page(scratch / dictionary.PAGE, dictionary.render_dictionary(sources.contracts, frame))
    page = read_first_page(scratch)
    page["signals"] = write_signals(page, places, scratch)
    profiled = write_profiles(scratch, frame, page["signals"])
    _write_page(scratch / changes.PAGE, changes_page(sources.trial, scratch, sources.builds, frame, set(profiled)))
    _write_page(scratch / "index.html", _index(sources, scratch, frame, profiled, page))


def _write_page(path: Path, page: str) -> None:
    with naming(path):
        path.write_text(page, encoding="utf-8", newline="\n")


def cached_chart_script(cache: Path) -> str:
    """The chart library's script; made once per version of its package, since that takes seconds.

    A cached script is used only while it is that of the package, never on the word of a file beside it; of a version
    whose script is not known none is cached.
    """
    if known_script() is None:
        return chart_script()
    place = cache / f"{chart_script_version()}.js"
    script = read_sealed(place)
    if script is None:
        script = chart_script()
        write_sealed(place, script)
    return script


def _frame(sources: PageSources, scratch: Path) -> Frame:
    protocol = sources.trial.protocol
    assumed = sum(1 for entry in protocol.analysis.values() if entry.source.startswith("assumption"))
    changed = ", ".join(sorted(sources.trial.cut.overrides)) or msg("none")
    nobody = read_dataset(scratch / "data" / "adsl.parquet").empty
    return Frame(
        study=protocol.study,
        cut=sources.trial.cut,
        navigation=[
            Link("index.html", msg("Summary")),
            *(Link(f"{spec.name}.html", spec.title) for spec in sources.steps),
            Link(changes.PAGE, changes.TITLE),
            Link(dictionary.PAGE, msg("Dictionary")),
        ],
        fingerprint=sources.fingerprint,
        banner=SYNTHETIC if sources.synthetic else "",
        assumptions=msg(
            "{n} analysis keys rest on assumptions (listed under Eligibility audit); overridden in this cut: {keys}.",
            n=assumed,
            keys=changed,
        ),
        supersedes=_supersedes(sources),
        notice=NOBODY if nobody else "",
        scripted=sources.charts == "live",
    )


def _supersedes(sources: PageSources) -> str:
    if sources.supersedes is None:
        return ""
    place = superseded_place(Path(), sources.trial.cut.cut_id, sources.supersedes).as_posix()
    return msg(
        "This build supersedes an earlier one of the same cut, made from another delivery and kept in {place}.",
        place=place,
    )  # fmt: skip


def _index(
    sources: PageSources, scratch: Path, frame: Frame, profiled: dict[str, str], page: dict[str, Any]
) -> str:  # fmt: skip
    datasets = {"adsl": read_dataset(scratch / "data" / "adsl.parquet")}
    previous = read_dataset(sources.previous / "results" / "ard.parquet") if sources.previous else None
    steps = [StepStatus(spec.name, spec.title, f"{spec.name}.html", spec.datasets) for spec in sources.steps]
    verdicts = [verdict for found in sources.verdicts.values() for verdict in found]
    facts = index_facts(
        sources.trial.protocol, sources.trial.cut, sources.ard, previous, datasets, sources.queries, steps, verdicts
    )
    return render_index(facts, frame, profiled, page)
