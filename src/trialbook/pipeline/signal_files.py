"""Derives ADDV, the signals and the answers of the first page from the datasets of the steps of a build."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import pandas as pd
from pydantic import BaseModel

from trialbook.cleaning.after_cut import COLUMNS as LATE
from trialbook.conduct.deviations import checked_infusions, derive_addv
from trialbook.conduct.frames import COLUMNS, all_with_columns, treated_of
from trialbook.conduct.visits import visit_table
from trialbook.core.datasets import LazyFrames, read_dataset, write_dataset
from trialbook.core.domains import Domains
from trialbook.core.files import keep_json, read_input, write_json
from trialbook.display.page_content import reference_page
from trialbook.protocol.decisions import Decision
from trialbook.protocol.models import Trial
from trialbook.protocol.study_data import StudyData
from trialbook.queries.answers import Answer
from trialbook.queries.files import read_csv_list
from trialbook.queries.query_files import QUERIES
from trialbook.queries.query_list import query_list
from trialbook.results.ard import to_ard
from trialbook.results.bounds import BOUNDS
from trialbook.signals.derive import derive_signals
from trialbook.signals.first_page import first_page
from trialbook.signals.model import Facts
from trialbook.workbook.steps import AFTER_CUT, ANSWERS, DECISIONS, SIGNALS, Graph
from trialbook.workbook.string_storage import choose_text_storage
from trialbook.workbook.tracked_reads import noting_trial

FIRST_PAGE = f".steps/{SIGNALS}/first_page.json"
ADDV = "data/addv.parquet"
SIGNALS_FILE, RULES_FILE = "signals.json", "signal_rules.json"


def make_signals(
    trial: Trial, scratch: Path, steps: Sequence[tuple[str, str]], leaving: Sequence[str], previous: Path | None
) -> list[str]:  # fmt: skip
    """Leaves `ADDV` and `FIRST_PAGE`, the signals among it; returns what it has read, as ingredients.

    `steps`: name and title of each notebook; `leaving`: the analysis datasets that they leave; `previous`: the build of
    the previous cut, None where there is none.
    """
    choose_text_storage(trial)
    read: set[str] = {"cut.cut_date", "cut.previous_cut", "data data/clean/", "previous/"}
    noting = noting_trial(trial, read.add)

    def dataset(name: str) -> pd.DataFrame:
        read.add(f"data data/{name}.parquet")
        return read_dataset(scratch / "data" / f"{name}.parquet")

    def earlier(name: str) -> pd.DataFrame | None:
        read.add(f"previous data/{name}.parquet")
        path = previous / "data" / f"{name}.parquet" if previous is not None else None
        return read_dataset(path) if path is not None and path.is_file() else None

    def left(step: str, name: str) -> list[dict[str, Any]]:
        read.add(f"data .steps/{step}/{name}")
        return list(json.loads(read_input(scratch / ".steps" / step / name)))

    clean = [path.stem.upper() for path in sorted((scratch / "data" / "clean").glob("*.parquet"))]
    domains = Domains(LazyFrames(clean, lambda code: dataset(f"clean/{code.lower()}")))
    study = StudyData(domains, noting.protocol, noting.analysis, trial.cut_date)
    data = all_with_columns({name: dataset(name) for name in COLUMNS if name in leaving})
    before = all_with_columns({name: frame for name in COLUMNS if (frame := earlier(name)) is not None})
    visits = visit_table(data, study)
    infusions = checked_infusions(treated_of(data["adsl"]), study)
    addv = derive_addv(data, visits, infusions, study)
    write_dataset(addv, scratch / ADDV, ["USUBJID", "ADVSEQ"])
    asked: list[Any] = [row for step, _ in steps for row in left(step, "queries.json")]
    reported: list[Any] = [row for step, _ in steps for row in left(step, "ard.json") if row["analysis_id"] == BOUNDS]
    read.add("decisions")
    decisions = [Decision.model_validate(entry) for entry in json.loads(read_input(scratch / DECISIONS))]
    # The states of the query list: what is confirmed is no open question, and a restatement is one until then.
    read.update(("answers", f"previous {QUERIES}"))
    answers = [Answer(**entry) for entry in json.loads(read_input(scratch / ANSWERS))]
    known = previous / QUERIES if previous is not None else None
    earlier_list = read_csv_list(BytesIO(read_input(known))) if known is not None and known.is_file() else None
    listed = query_list(asked, trial.cut.cut_date, earlier_list, answers=answers)
    left_by = [step for step, _ in steps if (scratch / ".steps" / step / AFTER_CUT).is_file()]
    late = [row for step in left_by for row in left(step, AFTER_CUT)]
    facts = Facts(
        data, before if previous is not None else None, trial.cut.previous_cut or "", study, treated_of(data["adsl"]),
        visits, addv, infusions, listed, to_ard(reported), decisions, pd.DataFrame(late, columns=LATE),
    )  # fmt: skip
    signals, rules = derive_signals(facts, steps)
    keep_json(scratch / FIRST_PAGE, plain(first_page(facts, signals, rules)))
    return sorted(read)


def plain(value: Any) -> Any:
    """Models, dataclasses and tuples as what JSON knows."""
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


def read_first_page(scratch: Path) -> dict[str, Any]:
    """What the first page answers, as `make_signals` left it."""
    found: dict[str, Any] = json.loads(read_input(scratch / FIRST_PAGE))
    return found


def write_signals(page: Mapping[str, Any], places: Mapping[str, Sequence[str]], scratch: Path) -> list[dict[str, Any]]:
    """Writes `signals.json`, the list in order, and `signal_rules.json`, the outcome of every rule; returns the list.

    `places`: the anchors of each page; a place that a page does not have is left out, so that no link leads nowhere.
    """
    signals = [{**one, "links": [_existing(link, places) for link in one["links"]]} for one in page["signals"]]
    write_json(scratch / SIGNALS_FILE, signals)
    write_json(scratch / RULES_FILE, page["rules"])
    return signals


def _existing(link: Mapping[str, str], places: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """The link where its place is: on the page that it names, on the reference page of that, or the page as a whole."""
    for page in (link["page"], reference_page(link["page"])):
        if link["anchor"] in places.get(page, ()):
            return {**link, "page": page}
    return {**link, "anchor": ""}


def previous_build(trial: Trial, builds: Path) -> Path | None:
    """The build of the previous cut, where there is one."""
    folder = builds / trial.cut.previous_cut if trial.cut.previous_cut else None
    return folder if folder is not None and (folder / "manifest.json").is_file() else None


def left_datasets(graph: Graph) -> list[str]:
    """The analysis datasets that the notebooks write."""
    return [name for spec in graph.steps for name in spec.datasets]
