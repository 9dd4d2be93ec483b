"""The one object through which a notebook reads its inputs and writes its outputs."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pandas as pd

from trialbook.analyses.population import stop_if_other_sizes
from trialbook.analyses.result import Counted, Result, stop_if_twice
from trialbook.core.datasets import LazyFrames, read_dataset, write_dataset
from trialbook.core.described import look_of
from trialbook.core.domains import AGES, Domains
from trialbook.core.environment_variables import BUILD, NONCE, RECORDED, WORKSPACE
from trialbook.core.errors import StopError
from trialbook.core.files import is_recorded, keep_json, read_input, record, records
from trialbook.core.messages import as_text, msg
from trialbook.display.cell_outputs import show_as_on_pages
from trialbook.display.links import in_notebook
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.decisions import Decision
from trialbook.protocol.load import make_trial, project_root
from trialbook.protocol.models import NOT_AN_ENDPOINT, Cut, Protocol, Trial
from trialbook.protocol.study_data import StudyData
from trialbook.queries.query_list import Query
from trialbook.results.ard import ArdRow, to_ard
from trialbook.subjects.ranking import Ranking, risk_ranking, with_subject_numbers
from trialbook.workbook import unfiltered
from trialbook.workbook.notebook_names import population_of
from trialbook.workbook.previous_cut import PreviousCut
from trialbook.workbook.steps import AFTER_CUT, DECISIONS, DELIVERY
from trialbook.workbook.string_storage import choose_text_storage
from trialbook.workbook.tracked_reads import noting_trial, opened_files
from trialbook.workbook.unaltered import (
    given,
    kept_frames,
    stop_if_altered,
    stop_if_frames_altered,
    stop_if_keys_changed,
)

if TYPE_CHECKING:
    from trialbook.analyses.population import Population
    from trialbook.contracts.odcs import Contract
    from trialbook.display.blocks import Block
    from trialbook.display.figures import Figure
    from trialbook.display.tables import Table
    from trialbook.snapshot import Snapshot
    from trialbook.snapshot.delivery import Delivery
    from trialbook.snapshot.external import ExternalTables


# Rows of a listing by subject that a page shows, unless the cell says otherwise.
MOST_ROWS = 60
Card = tuple[str, str, str]
Shown = TypeVar("Shown")
_UNNAMED = Counted("", "", (), "", (), "", False)
# How a receipt names the results among the outputs of a step.
RESULTS = "results (ARD rows)"


class Step:
    """One notebook's view of the build of one cut: it reads and writes the build's scratch folder.

    A notebook that a person runs has a `StepByHand` instead (`trialbook.interactive.step_by_hand`).
    """

    def __init__(self, name: str, trial: Trial, source: Path, target: Path, builds: Path) -> None:
        self._reads: set[str] = set()
        self.name, self._trial = name, noting_trial(trial, self._reads.add)
        self._given = given(trial)
        self._delivered: dict[str, pd.DataFrame] = {}
        self._source, self._target, self._builds = source, target, builds
        self._rows: list[ArdRow] = []
        self._queries: list[Query] = []
        self._written: dict[str, int] = {}
        self._whole = unfiltered.Whole(f"notebooks/{name}.ipynb")
        self._reported: list[Result] = []
        self._ranking: Ranking | None = None
        self._subjects: pd.DataFrame | None = None
        self._nobody = ""
        show_as_on_pages(self._linked)

    def _linked(self, html: str) -> str:
        """HTML of ours with its links to profiles as this notebook holds them."""
        return in_notebook(html, self.cut.cut_id)

    @property
    def trial(self) -> Trial:
        """Cut, protocol and analysis keys: no cell can put another one in its place, or change it."""
        return self._trial

    @property
    def cut(self) -> Cut:
        """The cut file, typed."""
        return self.trial.cut

    @property
    def cut_date(self) -> pd.Timestamp:
        """CUTDT, the inclusive data cut-off date."""
        return self.trial.cut_date

    @property
    def protocol(self) -> Protocol:
        """The protocol file, typed."""
        return self.trial.protocol

    @property
    def analysis(self) -> Analysis:
        """The analysis keys in force at this cut."""
        return self.trial.analysis

    @property
    def levels(self) -> list[str]:
        """Dose level ids in the order of escalation."""
        return self.protocol.level_ids

    def title(self, subject: str) -> str:
        """A title that names its subject and the cut."""
        return msg("{title}, data cut {date}", title=as_text(subject), date=self.cut.cut_date)

    def _numbered(self, id: str, title: str) -> str:
        """A title behind the number of its table or figure."""
        return self.title(msg("{id} {title}", id=id, title=as_text(title)) if id and title else id or title)

    @cached_property
    def raw(self) -> Snapshot:
        """The snapshot as delivered, everything as text."""
        from trialbook.contracts.allow_list import allow_list
        from trialbook.snapshot import read_snapshot
        from trialbook.snapshot.delivery import stop_if_changed

        self._reads.add("inputs")
        if self._delivery is not None:
            snapshot = self._delivery.snapshot
        else:
            snapshot = read_snapshot(self.trial, allow_list(self.raw_contracts, self.protocol))
        expected = self._source / ".steps" / "inputs.json"
        if expected.is_file():
            stop_if_changed(snapshot, json.loads(expected.read_text(encoding="utf-8")))
        self._delivered = kept_frames({code: table.frame for code, table in snapshot.tables.items()})
        return snapshot

    @cached_property
    def external(self) -> ExternalTables:
        """The files of others that the cut names (`external`): safety database, central laboratory, ranges."""
        from trialbook.snapshot.external import read_external

        return read_external(self.trial) if self._delivery is None else self._delivery.external

    @cached_property
    def _delivery(self) -> Delivery | None:
        """What was delivered, where this build was handed it; None where this step reads it itself."""
        from trialbook.snapshot.delivery import handed_over

        return handed_over(self._source / DELIVERY)

    @cached_property
    def raw_contracts(self) -> dict[str, Contract]:
        """The contracts of the delivered files, by `raw/domain`."""
        from trialbook.contracts.allow_list import contracts_folder
        from trialbook.contracts.odcs import load_contracts

        contracts = load_contracts(contracts_folder(), ["raw"])
        self._reads |= {"contracts raw", *(f"contract {name}.yaml" for name in contracts)}
        return contracts

    @cached_property
    def decisions(self) -> list[Decision]:
        """The committee's decisions on earlier cuts, by date."""
        self._reads.add("decisions")
        found = json.loads(read_input(self._source / DECISIONS))
        return [Decision.model_validate(entry) for entry in found]

    @cached_property
    def study(self) -> StudyData:
        """What derivations start from: the clean domains, the protocol, the keys in force and the cut-off date."""
        return StudyData(self.clean, self.protocol, self.analysis, self.cut_date)

    def derive(self, derivation: Callable[..., Any], study: StudyData, *given: Any, **named: Any) -> Any:
        """What a derivation makes of the study of this step; ADSL is read where it is not given.

        Raises StopError, naming who is missing, when the study or ADSL was filtered (`workbook.unfiltered`).
        """
        return unfiltered.run(derivation, study, self.study, self._whole, self._left_before, given, named)

    def _is_left(self, name: str) -> bool:
        """Whether an earlier step wrote a dataset."""
        return (self._source / "data" / f"{name}.parquet").is_file()

    def _left_before(self, name: str) -> pd.DataFrame | None:
        """A dataset that an earlier step wrote; None where none did."""
        return self.read(name) if self._is_left(name) else None

    def use_subjects(self, adsl: pd.DataFrame) -> None:
        """From now on these are the subjects of the cut for this notebook: for the one that makes ADSL."""
        self._subjects = adsl.copy(deep=False)

    @property
    def subjects(self) -> pd.DataFrame:
        """ADSL as an earlier step wrote it, or as `use_subjects` says; raises StopError where there is none."""
        return self.read("adsl") if self._subjects is None else self._subjects

    @property
    def _knows_subjects(self) -> bool:
        return self._subjects is not None or self._is_left("adsl")

    def population(self, names: Mapping[str, Any] | None = None) -> Population:
        """The subjects of this cut as ADSL holds them, with the rules that hold for them; `names`: for `@name`."""
        return population_of(self, names or {})

    @cached_property
    def clean(self) -> Domains:
        """The clean domains that the cleaning step wrote."""
        folder = self._source / "data" / "clean"
        files = sorted(folder.glob("*.parquet"))
        if not files:
            raise StopError(
                "the clean domains of this cut have not been built",
                next_step=f"run `trialbook build {self.cut.cut_id}`, or 01_cleaning first",
            )
        self._reads.add("data data/clean/")
        return Domains(LazyFrames([path.stem.upper() for path in files], self._clean_domain))

    def _clean_domain(self, code: str) -> pd.DataFrame:
        return self.read(f"clean/{code.lower()}")

    def read(self, name: str) -> pd.DataFrame:
        """One analysis dataset that an earlier step wrote."""
        path = self._source / "data" / f"{name}.parquet"
        self._reads.add(f"data data/{name}.parquet")
        # In a build a file may be there by chance: the step that writes it is done, but nobody waited for it.
        unrecorded = records() and not is_recorded(path) and name not in self._written
        if unrecorded or not path.is_file():
            raise StopError(
                f"the dataset {name} of this cut has not been built",
                next_step="add the step that writes it to the needs in the metadata of this notebook"
                if os.environ.get(NONCE)
                else f"run `trialbook build {self.cut.cut_id}`, or the step that writes {name} first",
            )
        frame = read_dataset(path)
        self._whole.given[name] = frame.copy(deep=False)
        return frame

    @cached_property
    def previous(self) -> PreviousCut | None:
        """The last complete build of the previous cut, or None when there is none."""
        if self.cut.previous_cut is None:
            return None
        folder = self._builds / self.cut.previous_cut
        self._reads.add("previous/ ")
        return PreviousCut(folder, self._reads.add) if (folder / "manifest.json").is_file() else None

    def write(self, name: str, frame: pd.DataFrame, keys: list[str]) -> None:
        """Writes one analysis dataset for later steps, sorted by its keys."""
        self._stop_if_keys_changed(sys._getframe(1).f_globals)
        self._whole.stop_if_not_as_derived(name, frame)
        write_dataset(frame, self._target / "data" / f"{name}.parquet", keys)
        self._written[name] = len(frame)

    def write_clean(self, domains: Mapping[str, pd.DataFrame]) -> None:
        """Writes the clean domains for later steps, in the order of their records, and the ages beside them.

        Raises StopError where they still hold birth dates (`subjects.ages.without_birth_dates`).
        """
        if "BRTHDTC" in domains.get("DM", ()):
            raise StopError(
                "birth dates must not be written", file="dm", column="BRTHDTC",
                next_step="write `without_birth_dates(...)` of the domains",
            )  # fmt: skip
        for code in (*domains, *([AGES] if isinstance(domains, Domains) and domains.delivered(AGES) else [])):
            write_dataset(domains[code], self._target / "data" / "clean" / f"{code.lower()}.parquet")
            self._written[f"clean/{code.lower()}"] = len(domains[code])

    def write_changelog(self, changes: pd.DataFrame, after_cut: pd.DataFrame | None = None) -> None:
        """Writes the change log, a row for every value that cleaning changed; `after_cut` is kept for the signals."""
        self._own.mkdir(parents=True, exist_ok=True)
        changes.to_csv(self._own / "changelog.csv", index=False, lineterminator="\n")
        self._written["changelog"] = len(changes)
        if after_cut is not None:
            keep_json(self._own / AFTER_CUT, after_cut.to_dict("records"))

    def report(self, *parts: Iterable[ArdRow] | Result) -> pd.DataFrame:
        """Adds reported numbers to the results, each result once; returns them as an ARD frame to build tables from.

        A part is a list of rows, or what `tb.count`, `tb.rate` and `tb.survival` give. Raises StopError when a number
        was reported before under the same id.
        """
        self._stop_if_keys_changed(sys._getframe(1).f_globals)
        return self._report(parts)

    def _report(self, parts: Iterable[Iterable[ArdRow] | Result]) -> pd.DataFrame:
        shown: list[ArdRow] = []
        for part in parts:
            rows = list(part.counted.rows) if isinstance(part, Result) else list(part)
            shown += rows
            if isinstance(part, Result):
                if any(part is other for other in self._reported):
                    continue
                unfiltered.stop_if_other_keys(part, self._whole.notebook)
                self._reported.append(part)
            self._rows += rows
        stop_if_twice(self._rows, self._whole.notebook)
        if "adsl" in self._whole.given:
            stop_if_other_sizes(shown, self._whole.given["adsl"], self.levels)
        return to_ard(shown)

    @property
    def linked(self) -> dict[str, Any]:
        """The column of subjects, and the subjects that have a profile page, for links in a table."""
        from trialbook.profiles.with_page import profiled_subjects

        return {"subject": "SUBJID", "linked": profiled_subjects(self.subjects) if self._knows_subjects else []}

    def rank(self, ranking: Ranking) -> None:
        """From now on long listings of this notebook show these subjects first, and say so."""
        self._ranking = ranking

    def begin(self, endpoint: str = "", reason: str = "") -> str:
        """Why this notebook has nothing to show; blank when it has. Every empty table says so from then on.

        `endpoint`: what the notebook is about; without it in the protocol there is nothing. `reason`: another reason.
        """
        if reason:
            self._nobody = reason
        elif endpoint and not self.protocol.has_endpoint(endpoint):
            self._nobody = NOT_AN_ENDPOINT[endpoint]
        elif not self.subjects["SAFFL"].eq("Y").any():
            self._nobody = msg("No subject has been treated at this cut.")
        return self._nobody

    def table(
        self, what: pd.DataFrame, title: str = "", *, id: str = "", only: str = "", rows: int = MOST_ROWS,
        empty: str = "", **look: Any,
    ) -> Table:  # fmt: skip
        """A table of the page: a result (`tb.rate`), rows of the results (ARD), or any frame.

        A result is reported with it. Labels, decimals, heads with N, links to profiles and the sentence for nobody come
        from the dictionary of columns, the step and the result. `only`: of a result with several analyses (OS_KM,
        OS_MEDIAN) the one that is shown. `rows`: of a listing by subject at most so many are
        shown, by the ranking of the step. `empty`: what is said where there is nothing; `look`: what
        `display.table` or `display.ard_table` take besides.
        """
        from trialbook import display
        from trialbook.workbook import presentation

        levels = self.protocol.dose_levels
        look = look_of(what) | look
        # What is said of a figure of the same frame: a table takes neither.
        look = {name: value for name, value in look.items() if name not in ("finding", "summary")}
        said = self._nobody or empty
        look |= {"empty": said} if said else {}
        name = self._numbered(id, title or getattr(what, "counted", _UNNAMED).id)
        if isinstance(what, Result):
            self._report([what])
            shown, own = presentation.result_view(what, to_ard(self._rows), only)
            notes = [*own.pop("notes", []), *look.pop("notes", [])]
            look = {**own, "pct_min_n": self.analysis.pct_min_n, **look, "notes": notes}
            shown, look = presentation.without_few(shown, what.ard, look, self.analysis.km_level_min_n)
            return self._marked(display.ard_table(shown, name, **presentation.with_doses(look, levels)))
        if presentation.is_ard(what):
            own = presentation.ard_look(what, self.levels, to_ard(self._rows))
            if "row" in look:
                same = own["row"] == look["row"]
                own = {name: own[name] for name in own if name != "group" and (same or name != "row_labels")}
            what = presentation.with_known_limits(what)
            look = {**own, "pct_min_n": self.analysis.pct_min_n, **look}
            what, look = presentation.without_few(what, to_ard(self._rows), look, self.analysis.km_level_min_n)
            return self._marked(display.ard_table(what, name, **presentation.with_doses(look, levels)))
        notes = list(look.pop("notes", []))
        if "USUBJID" in what and "SUBJID" not in what and self._knows_subjects:
            what = with_subject_numbers(what, self.subjects)
        if "SUBJID" in what:
            look = self.linked | look
            if len(what) > rows and (self._ranking or self._knows_subjects):
                ranking = self._ranking or risk_ranking(self.subjects)
                notes += ranking.note(what, rows)
                what = ranking.first(what, rows)
        look = presentation.with_doses(presentation.frame_look(what, look), levels)
        return self._marked(display.table(what, name, **look, notes=notes))

    def figure(
        self, chart: Any, data: pd.DataFrame, title: str, *, id: str = "", empty: str = "", **look: Any
    ) -> Figure | Block:
        """A chart with the numbers that it draws; labels from the dictionary of columns, as in `table`.

        What the data say of themselves (`described`) comes with it: `finding`, what is seen, ends the title, and
        `summary` is read in place of the chart.
        """
        from trialbook import display
        from trialbook.display.columns import column_labels

        look = look_of(data) | look
        look["labels"] = column_labels(data.columns, look.get("labels"))
        said = self._nobody or empty
        look |= {"empty": said} if said else {}
        finding = look.pop("finding", "")
        seen = msg("{topic}: {finding}", topic=as_text(title), finding=finding) if finding and len(data) else title
        return self._marked(display.figure(chart, data, self._numbered(id, seen), **look))

    def _marked(self, shown: Shown) -> Shown:
        """A table or figure with what a run by hand says of it; in a build the page around it does."""
        return shown

    def headline(self, *what: Result | Card) -> Block:
        """Headline numbers: of results in Total, which are reported with it, or (label, value, note) as they are."""
        from trialbook import display
        from trialbook.workbook import presentation

        self._report([part for part in what if isinstance(part, Result)])
        cards = [presentation.cards(part) if isinstance(part, Result) else [part] for part in what]
        return display.key_numbers([card for part in cards for card in part])

    def sentence(self, text: str, *, warning: str = "", marked: bool = False) -> Block:
        """A sentence of the page; the one for nobody in its place, or a `warning`. `marked`: shown as a notice."""
        from trialbook import display

        if warning:
            return display.notice(warning, "warning")
        if self._nobody:
            return display.notice(self._nobody)
        return display.notice(text) if marked else display.sentence(text)

    def ask(self, queries: Iterable[Query]) -> None:
        """Adds questions to the query list for the site."""
        self._queries += list(queries)

    def close(self) -> Block:
        """Writes results, queries and the receipt that proves this step ran to its end; shows its outputs.

        Raises StopError when a cell changed in memory what the step was given.
        """
        from trialbook.display import table

        self._stop_if_keys_changed(sys._getframe(1).f_globals)
        self._stop_if_altered()
        ard = to_ard(self._rows)
        self._own.mkdir(parents=True, exist_ok=True)
        keep_json(self._own / "ard.json", self._rows)
        keep_json(self._own / "queries.json", self._queries)
        self._written |= {RESULTS: len(ard), "queries": len(self._queries)}
        receipt = {"step": self.name, "nonce": os.environ.get(NONCE, ""), "written": self._written}
        keep_json(self._own / "receipt.json", receipt)
        keep_json(self._own / "reads.json", sorted(self._reads | opened_files()))
        if receipt["nonce"]:
            keep_json(self._own / "usage.json", {"peak_mib": peak_memory()})
        left = pd.DataFrame({"Written for later steps": list(self._written), "Rows": list(self._written.values())})
        labels = {"Written for later steps": msg("Written for later steps"), "Rows": msg("Rows")}
        return table(left, self.title(msg("Receipt of this step")), labels=labels, data=["Written for later steps"])

    def _stop_if_keys_changed(self, names: Mapping[str, Any]) -> None:
        """Raises StopError when a cell holds other parameters than those in force; `names`: what the notebook holds."""
        if names.get("step") is self:
            stop_if_keys_changed(names, self.trial, self.name)
            self._whole.stop_if_left_over(names)
        # Here too, not only at the end: a later cell may have put the key back by then.
        stop_if_altered(self._given, self.trial, f"notebooks/{self.name}.ipynb", ("analysis",))

    def _stop_if_altered(self) -> None:
        """Raises StopError when a cell changed a key, or records that were delivered, in memory."""
        notebook = f"notebooks/{self.name}.ipynb"
        stop_if_altered(self._given, self.trial, notebook)
        if self._delivered:
            now = {code: table.frame for code, table in self.raw.tables.items()}
            stop_if_frames_altered(self._delivered, now, notebook)

    @property
    def _own(self) -> Path:
        return self._target / ".steps" / self.name


def open_step(name: str, **cut: Any) -> Step:
    """The step of a notebook that a build runs, from its parameters (the keys of a cut file).

    Raises UsageError when a parameter is wrong; relative paths start at the folder that holds `params/`.
    """
    base = project_root()
    recorded = os.environ.get(RECORDED)
    if recorded:
        record(json.loads(Path(recorded).read_text(encoding="utf-8")))
    trial = make_trial({k: v for k, v in cut.items() if v is not None}, "notebook parameters", base)
    choose_text_storage(trial)
    workspace = Path(os.environ[WORKSPACE])
    return Step(name, trial, workspace, workspace, Path(os.environ.get(BUILD) or base / "build"))


def peak_memory() -> int:
    """The most memory that this process held at once, in MiB; 0 where the system does not tell."""
    if sys.platform == "win32":
        return 0
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(peak // (1024 * 1024 if sys.platform == "darwin" else 1024))
