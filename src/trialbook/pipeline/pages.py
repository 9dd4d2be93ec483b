"""Writes the pages of a build: one per notebook, from the content that was rendered beside the notebooks, and the
first page.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal

import pandas as pd

from trialbook.contracts.gx_engine import Verdict
from trialbook.contracts.odcs import Contract
from trialbook.core.datasets import LazyFrames, read_dataset
from trialbook.core.files import keep_json, naming, read_input
from trialbook.core.messages import ENGLISH, msg
from trialbook.core.translations import chinese, languages
from trialbook.display import changes, deviations, dictionary, query_page
from trialbook.display.chart_rendering import (
    chart_script,
    chart_script_version,
    known_script,
    read_sealed,
    write_sealed,
)
from trialbook.display.deviations import render_deviations, treated_by_level
from trialbook.display.first_page import signals_on
from trialbook.display.index import render_index, render_subjects
from trialbook.display.index_facts import BESIDES, IndexFacts, StepStatus, index_facts
from trialbook.display.number_records import NumberRecords
from trialbook.display.page import Frame, Link, compile_templates, links_below, pages_of
from trialbook.display.page_content import PageContent, page_content, page_number, records_page, reference_page
from trialbook.display.page_outputs import Dropped
from trialbook.pipeline.change_page import changes_pages
from trialbook.pipeline.profile_pages import write_profiles
from trialbook.pipeline.signal_files import read_first_page, write_signals
from trialbook.pipeline.superseded import superseded_place
from trialbook.profiles.with_page import profiled_subjects
from trialbook.protocol.models import Trial
from trialbook.queries.files import read_csv_list
from trialbook.queries.query_files import HISTORY_FILE, QUERIES
from trialbook.records_behind import Studied
from trialbook.subjects.flow import NOBODY
from trialbook.workbook.steps import StepSpec
from trialbook.workbook.string_storage import choose_text_storage

# The pages in Chinese have the names of the English ones, in a folder below them.
CHINESE_FOLDER = "zh"
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
    reviewed: pd.DataFrame
    previous: Path | None
    builds: Path
    fingerprint: str
    charts: Literal["live", "static"]
    supersedes: str | None = None


# What the records behind numbers are told apart by.
SUBJECT_COLUMNS = ("USUBJID", "SUBJID", "SAFFL", "TRT01A", "TRT01AN")


def render_content(
    step: str, notebook: Path, target: Path, charts: Literal["live", "static"], data: Path, datasets: Sequence[str],
    own: Sequence[str],
) -> tuple[list[Dropped], list[str]]:  # fmt: skip
    """Writes the content of the page of an executed notebook as JSON, in each language by its tag; returns the outputs
    that it would leave out, and the datasets that it has read.

    `step` is the name of the notebook: its number is that of the tables and figures without one of their own.
    `datasets` in the folder `data` are those that the step could read or has written (`own`): its numbers open to
    their records.
    """
    compile_templates()
    read: set[str] = set()

    def dataset(name: str) -> pd.DataFrame:
        read.add(name)
        return read_dataset(data / f"{name}.parquet")

    known = LazyFrames(list(datasets), dataset)
    besides = {label: number for label, (name, number) in BESIDES.items() if name in own}
    executed = json.loads(read_input(notebook))
    # An ADSL of another shape, which a notebook under work may leave, opens nothing.
    opens = "adsl" in datasets and set(SUBJECT_COLUMNS) <= set(known["adsl"].columns)
    studied = Studied(known)
    contents = {}
    for language in languages():
        # One for each language: it numbers the records in the order in which a page asks for them.
        records = NumberRecords(studied, profiled_subjects(known["adsl"])) if opens else None
        content = page_content(
            executed, charts, language, number=page_number(step), page=f"{step}.html", records=records, besides=besides
        )
        if content.dropped:
            return content.dropped, sorted(read)
        contents[language.tag] = asdict(content)
    keep_json(target, contents)
    return [], sorted(read)


def write_pages(sources: PageSources, scratch: Path, cache: Path) -> None:
    """Writes `index.html`, a page per notebook, the data dictionary, the profiles and the signals into the build."""
    # Frames keep messages, or their English alone, by how pandas stores text: never by what this process did before.
    choose_text_storage(sources.trial)
    contents = {
        spec.name: {
            tag: PageContent.from_plain(content)
            for tag, content in json.loads(read_input(scratch / ".steps" / spec.page / "page.json")).items()
        }
        for spec in sources.steps
    }
    first = _frame(sources, scratch, {name: content[ENGLISH.tag] for name, content in contents.items()})
    english = replace(first, other_language=f"{CHINESE_FOLDER}/")
    editions = [
        (scratch, english, ENGLISH),
        (scratch / CHINESE_FOLDER, replace(english, other_language="../", build="../"), chinese()),
    ]
    script = cached_chart_script(cache) if sources.charts == "live" else None
    page = read_first_page(scratch)
    page["signals"] = write_signals(page, _places(contents), scratch)
    profiled: dict[str, str] = {}
    for place, frame, language in editions:
        profiled = write_profiles(scratch, place, frame, page["signals"], language)
    opens: dict[str, str] = {}
    for spec in sources.steps:
        name = f"{spec.name}.html"
        for number, anchor in contents[spec.name][ENGLISH.tag].boxes.numbers.items():
            opens.setdefault(number, f"{records_page(name)}#{anchor}")
        concerned = signals_on(page["signals"], name, profiled)
        for place, frame, language in editions:
            pages = pages_of(
                contents[spec.name][language.tag], title=spec.title, frame=frame, current=name, chart_script=script,
                language=language, signals=concerned,
            )  # fmt: skip
            for file, html in pages.items():
                _write_page(place / file, html)
    facts = _facts(sources, scratch)
    addv = read_dataset(scratch / "data" / "addv.parquet")
    history = read_csv_list(scratch / HISTORY_FILE)
    adsl = read_dataset(scratch / "data" / "adsl.parquet")
    treated = treated_by_level(adsl, sources.trial.protocol.level_ids)
    numbers = dict(zip(adsl["USUBJID"], adsl["SUBJID"], strict=True))
    changed = changes_pages(
        sources.trial, scratch, sources.builds, [(frame, language) for _, frame, language in editions], set(profiled)
    )
    for (place, frame, language), changes_html in zip(editions, changed, strict=True):
        _write_page(place / dictionary.PAGE, dictionary.render_dictionary(sources.contracts, frame, language))
        _write_page(place / changes.PAGE, changes_html)
        _write_page(
            place / query_page.PAGE,
            query_page.render_queries(
                sources.queries,
                history,
                sources.reviewed,
                sources.trial.cut.cut_date,
                frame,
                language,
                numbers,
                set(profiled),
            ),
        )
        _write_page(place / deviations.PAGE, render_deviations(addv, treated, frame, set(profiled), language))
        _write_page(place / "index.html", render_index(facts, frame, profiled, page, language, opens=opens))
        for file, html in render_subjects(frame, facts.levels.columns[1:-1].tolist(), profiled, page, language):
            _write_page(place / file, html)


def _places(contents: Mapping[str, Mapping[str, PageContent]]) -> dict[str, list[str]]:
    """The anchors of each page, the same in every language."""
    places: dict[str, list[str]] = {}
    for step, editions in contents.items():
        content = editions[ENGLISH.tag]
        beside = content.reference.headings if content.reference else []
        places[f"{step}.html"] = [heading.anchor for heading in content.headings]
        places[reference_page(f"{step}.html")] = [heading.anchor for heading in beside]
    return places


def _write_page(path: Path, page: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
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


def _frame(sources: PageSources, scratch: Path, contents: Mapping[str, PageContent]) -> Frame:
    protocol = sources.trial.protocol
    assumed = sum(1 for entry in protocol.analysis.values() if entry.source.startswith("assumption"))
    changed = ", ".join(sorted(sources.trial.cut.overrides)) or msg("none")
    nobody = read_dataset(scratch / "data" / "adsl.parquet").empty
    return Frame(
        study=protocol.study,
        cut=sources.trial.cut,
        navigation=[
            Link("index.html", msg("Summary")),
            *(
                link
                for spec in sources.steps
                for link in (
                    Link(f"{spec.name}.html", spec.title),
                    *links_below(contents[spec.name], f"{spec.name}.html"),
                )
            ),
            Link(deviations.PAGE, deviations.TITLE),
            Link(query_page.PAGE, msg("Queries")),
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


def _facts(sources: PageSources, scratch: Path) -> IndexFacts:
    datasets = {"adsl": read_dataset(scratch / "data" / "adsl.parquet")}
    previous = read_dataset(sources.previous / "results" / "ard.parquet") if sources.previous else None
    listed = sources.previous / QUERIES if sources.previous else None
    queries_before = read_csv_list(listed) if listed is not None and listed.is_file() else None
    steps = [StepStatus(spec.name, spec.title, f"{spec.name}.html", spec.datasets) for spec in sources.steps]
    verdicts = [verdict for found in sources.verdicts.values() for verdict in found]
    return index_facts(
        sources.trial.protocol, sources.trial.cut, sources.ard, previous, datasets, sources.queries, steps, verdicts,
        queries_before,
    )  # fmt: skip
