"""The sources of the documents of a built cut: its results, datasets, signals and queries, and what its pages show.

Everything is read from the published build (and that of its previous cut); the answers of the first page are derived
again from the datasets, by the functions that made the page.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from trialbook.conduct.deviations import checked_infusions
from trialbook.conduct.frames import COLUMNS, all_with_columns, treated_of
from trialbook.conduct.visits import visit_table
from trialbook.core.domains import Domains
from trialbook.core.errors import StopError
from trialbook.core.messages import Language, has_words
from trialbook.core.translations import Translation
from trialbook.diff.built_cut import BuiltCut
from trialbook.display.number_words import Numbers
from trialbook.documents.shown import Output, shown_outputs
from trialbook.protocol.study_data import StudyData
from trialbook.results.bounds import BOUNDS
from trialbook.signals.derive import RuleRun
from trialbook.signals.first_page import FirstPage, first_page
from trialbook.signals.model import Facts, Signal

NEXT_STEP = "build this cut again with --force"


@dataclass(frozen=True)
class CutSource:
    """A built cut, opened for documents; `previous` is the build of its previous cut, if there is one."""

    built: BuiltCut
    previous: BuiltCut | None

    @classmethod
    def at(cls, folder: Path) -> CutSource | None:
        """The complete build in a folder; None where there is none. Raises StopError where it cannot be read."""
        built = BuiltCut.at(folder)
        if built is None:
            return None
        earlier = built.cut.previous_cut
        return cls(built, BuiltCut.at(folder.parent / earlier) if earlier else None)

    @cached_property
    def manifest(self) -> Mapping[str, Any]:
        """The manifest of the build."""
        return self._json("manifest.json")

    @cached_property
    def queries(self) -> pd.DataFrame:
        """The query list, text as it is."""
        try:
            found = pd.read_csv(
                self.built.folder / "queries.csv", dtype="str", keep_default_na=False, encoding="utf-8-sig"
            )
        except (OSError, ValueError) as error:
            raise self._unreadable("queries.csv", error) from error
        return found

    @cached_property
    def outputs(self) -> list[Output]:
        """The tables and figures of its pages, with their numbers."""
        return shown_outputs(self.built.folder)

    @cached_property
    def numbers(self) -> Numbers:
        """The texts of its results."""
        return Numbers(self.built.ard, self.built.analysis)

    @cached_property
    def levels(self) -> list[str]:
        """The dose levels that the results report."""
        reported = set(self.built.ard["group1_level"])
        return [level for level in self.built.protocol.level_ids if level in reported]

    @cached_property
    def signals(self) -> list[Signal]:
        """What to look at first."""
        return [Signal.model_validate(one) for one in self.built.signals or []]

    @cached_property
    def page(self) -> FirstPage:
        """What the first page answers."""
        runs = [RuleRun(**one) for one in self._json("signal_rules.json")]
        return first_page(self.facts, self.signals, runs)

    @cached_property
    def facts(self) -> Facts:
        """What the first page is derived from."""
        built, before = self.built, self.previous
        study, data = study_of(built), data_of(built)
        earlier = None if before is None else data_of(before)
        treated = treated_of(data["adsl"])
        return Facts(
            data, earlier, built.cut.previous_cut or "", study, treated, visit_table(data, study),
            built.datasets["addv"], checked_infusions(treated, study), self.queries,
            built.ard[built.ard["analysis_id"].eq(BOUNDS)],
        )  # fmt: skip

    def find(self, step: str, title: str) -> Output | None:
        """The first table or figure of a step (a word of the name of its notebook) whose title begins so, or None."""
        for output in self.outputs:
            if step in output.step.split("_") and output.title.startswith(title):
                return output
        return None

    def numbered(self, number: str) -> Output | None:
        """The table or figure with this number, or None."""
        return next((output for output in self.outputs if output.id == number), None)

    def untranslated(self, language: Language) -> int:
        """How many texts of its tables and figures a language does not have: those of a build of another version."""
        if not isinstance(language, Translation):
            return 0
        parts = [part for one in self.outputs for part in (one.payload, one.texts, one.data)]
        own = set(_message_ids(parts)) - set(self.built.protocol.level_ids)
        return sum(language.lacks(text) for text in own if has_words(text))

    def _json(self, name: str) -> Any:
        try:
            return json.loads((self.built.folder / name).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise self._unreadable(name, error) from error

    def _unreadable(self, name: str, error: Exception) -> StopError:
        return StopError(
            f"this file of a published build cannot be read ({type(error).__name__})",
            file=str(self.built.folder / name), next_step=NEXT_STEP,
        )  # fmt: skip


def _message_ids(part: object) -> Iterator[str]:
    """The ids of the messages in plain data."""
    if isinstance(part, Mapping):
        if isinstance(part.get("m"), str):
            yield part["m"]
        for inner in part.values():
            yield from _message_ids(inner)
    elif isinstance(part, list | tuple):
        for inner in part:
            yield from _message_ids(inner)


def study_of(built: BuiltCut) -> StudyData:
    """The domains, protocol and analysis keys of a build, as derivations take them."""
    return StudyData(Domains(built.clean), built.protocol, built.analysis, pd.Timestamp(built.cut.cut_date))


def data_of(built: BuiltCut) -> Mapping[str, pd.DataFrame]:
    """The analysis datasets of a build; empty, with their columns, where the trial has no such endpoint."""
    return all_with_columns({name: built.datasets[name] for name in COLUMNS if name in built.datasets})
