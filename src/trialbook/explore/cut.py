"""`trialbook.cut`: one built cut in Python: its data, its results and their records, and questions of one's own.

Nothing is read before it is asked for, and every file is held against the manifest of the build when it is.
"""

from __future__ import annotations

import csv
import io
import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trialbook.core.errors import UsageError
from trialbook.explore.names import Named, marked, no_such, public_names
from trialbook.explore.published import Published

if TYPE_CHECKING:
    # A cut is opened before pandas is needed.
    import pandas as pd

    from trialbook.analyses.selection import Condition
    from trialbook.explore.analysis import Answer, GivenAdvice, OperatingCharacteristics, Source
    from trialbook.explore.differences import Differences
    from trialbook.explore.numbers import Number
    from trialbook.explore.rederive import Rederived
    from trialbook.explore.subject import Subject
    from trialbook.protocol.models import Trial
    from trialbook.records_behind import Studied

SEED = 20240321
TRIALS = 10_000


def cut(cut_id: str, build: str | os.PathLike[str] | None = None) -> Cut:
    """The published build of a cut, to be asked anything.

    `build`: the folder that holds the builds, without it `build/` of the project (or what `TRIALBOOK_BUILD` says).
    Raises UsageError, naming the built cuts, where this one has not been built.

    >>> import trialbook
    >>> cut = trialbook.cut("2025-09-30")
    >>> len(cut.adsl), cut.rate("ORR_D28").ard.query("stat_name == 'N'")["stat_text"].iloc[-1]
    (16, '11')
    """
    return Cut(Published(cut_id, build))


class Cut:
    """One built cut. `cut.adsl`, `cut.adae` and so on are its datasets; Tab lists them.

    `with_keys(...)` is the same cut under other analysis keys, `where(...)` some of its subjects: neither is the
    published set, and every title says so.
    """

    def __init__(
        self, published: Published, keys: Mapping[str, Any] | None = None, chosen: Sequence[str] | None = None,
        said: str = "",
    ) -> None:  # fmt: skip
        self._published, self._keys, self._chosen, self._said = published, dict(keys or {}), chosen, said

    # ------------------------------------------------------------------------------------------------
    # What it is.

    @property
    def cut_id(self) -> str:
        """The id of the cut, the name of its folder under `build/`."""
        return self._published.cut_id

    @property
    def cut_date(self) -> str:
        """The last day that counts, as ISO text."""
        return self._published.cut_date

    @property
    def folder(self) -> Path:
        """The folder of the build."""
        return self._published.folder

    @property
    def outputs(self) -> Path:
        """A folder for what you save from this cut, which git ignores: `cut.outputs / "survival.svg"`."""
        from trialbook.interactive.desk import FOLDER

        place = self.folder.parent / FOLDER / self.cut_id / "saved"
        place.mkdir(parents=True, exist_ok=True)
        return place

    @property
    def unpublished(self) -> str:
        """What makes this another than the published set: other keys, some of the subjects; blank for the whole cut."""
        keys = ", ".join(f"{key}: {value}" for key, value in self._keys.items())
        return "; ".join(filter(None, [keys and f"under {keys}", self._said]))

    @property
    def altered(self) -> list[str]:
        """Files that were changed after the build, so that `trialbook verify` would refuse it; empty when none was."""
        return self._published.altered()

    @cached_property
    def trial(self) -> Trial:
        """Cut file, protocol (`trial.protocol`) and analysis keys (`trial.analysis`) in force."""
        if not self._keys:
            return self._published.trial
        from trialbook.explore.rederive import with_other_keys

        return with_other_keys(self._published.trial, self._keys)

    # ------------------------------------------------------------------------------------------------
    # What it holds.

    @property
    def datasets(self) -> Named[pd.DataFrame]:
        """The analysis datasets by name; `cut.adsl` is `cut.datasets["adsl"]`.

        >>> import trialbook
        >>> trialbook.cut("2025-09-30").datasets
        10 datasets: adae, adct, addlt, addv, adie, adlb, adrs, adrsp28, adsl, adtte
        """
        return self._datasets

    @cached_property
    def _datasets(self) -> Named[pd.DataFrame]:
        whole = self._rederived.datasets if self._keys else self._published.datasets
        return Named("dataset", whole, lambda name: self._titled(name, self._own(whole[name])), str.lower, kept=False)

    def __getattr__(self, name: str) -> pd.DataFrame:
        if name.startswith("_"):
            raise AttributeError(name)
        try:
            return self.datasets[name]
        except KeyError:
            raise no_such("dataset", name, self.datasets, "see dir(cut) for all that it has") from None

    @cached_property
    def clean(self) -> Named[pd.DataFrame]:
        """The clean SDTM domains: `cut.clean["AE"]`."""
        whole = self._published.clean
        return Named("clean domain", whole, lambda code: self._own(whole[code]), str.upper, kept=False)

    @cached_property
    def raw(self) -> Named[pd.DataFrame]:
        """The domains as delivered, everything as text, personal data masked: `cut.raw["AE"]`."""
        whole = self._published.raw
        return Named("delivered domain", whole, lambda code: self._own(whole[code]), str.upper, kept=False)

    @property
    def ard(self) -> pd.DataFrame:
        """Every reported number, one row each. Under other keys they are made as a build would, which takes a while;
        of some of the subjects there are none.
        """
        self._stop_if_narrowed("the results")
        return self._results if self._keys else self._published.ard.copy(deep=False)

    @cached_property
    def _results(self) -> pd.DataFrame:
        from trialbook.display.titled import with_title
        from trialbook.pipeline.derive_cut import derive_cut
        from trialbook.protocol.load import project_root

        found = derive_cut(self.trial, project_root(), self.folder.parent).ard
        return with_title(found, self._source.title("Results"))

    @property
    def signals(self) -> pd.DataFrame:
        """What a committee must look at first: subject, level, severity, rule, sentence; the most severe first."""
        import pandas as pd

        names = ["subject", "level", "severity", "rule", "sentence"]
        rows = [[one.get(name, "") for name in names] for one in self._published.records("signals.json")]
        found = pd.DataFrame(rows, columns=names, dtype="str")
        return found if self._chosen is None else found[found["subject"].isin(self.adsl["SUBJID"])]

    @property
    def queries(self) -> pd.DataFrame:
        """The query list for the site."""
        import pandas as pd

        found = pd.DataFrame(self._query_rows, dtype="str")
        return found if self._chosen is None else found[found["subject"].isin(self._chosen)]

    @cached_property
    def subjects(self) -> pd.DataFrame:
        """ADSL with RESPONSE, the response at day 28: what a condition of `where` may ask for."""
        adsl = self.datasets["adsl"]
        day28 = self.datasets["adrsp28"].set_index("USUBJID")["AVALC"] if "adrsp28" in self.datasets else {}
        return adsl.assign(RESPONSE=adsl["USUBJID"].map(day28).astype("object").fillna("").astype("str"))

    @cached_property
    def tables(self) -> Named[Any]:
        """The tables and listings of the pages by their id: `cut.tables["T-5"].save("ae.xlsx")`."""
        from trialbook.explore import shown

        return self._shown("table", shown.shown_tables, shown.narrowed_tables)

    @cached_property
    def figures(self) -> Named[Any]:
        """The figures of the pages by their id: `cut.figures["F-10a"].save("km.svg")`."""
        from trialbook.explore import shown

        return self._shown("figure", shown.shown_figures, shown.narrowed_figures)

    # ------------------------------------------------------------------------------------------------
    # What it is asked.

    def records(self, number: Number) -> pd.DataFrame:
        """The records behind a number of the results: a row of `cut.ard`, a dict of its columns, words, or a query.

        Words name the analysis, then whatever else tells numbers apart; without a level it is Total, without a
        statistic n. COUNTFL says which records are counted; of N it is the set.

        >>> import trialbook
        >>> cut = trialbook.cut("2025-09-30")
        >>> cut.records("DLT_RATE / DL2")["SUBJID"].tolist()
        ['009']
        """
        from trialbook.display.titled import with_title
        from trialbook.explore.numbers import one_number, records_of

        row = one_number(self._published.ard, number)
        found = records_of(row if not self.unpublished else row.mask(row.index == "stat"), self._studied)
        words = " / ".join(str(row[name]) for name in _KEYS if row[name] not in ("", None))
        titled = with_title(found, self._source.title(f"Records behind {words}"))
        return titled

    def subject(self, number: str) -> Subject:
        """All of one subject: key facts, what happened, every record; shown in JupyterLab as the profile page is."""
        from trialbook.explore.subject import Subject

        return Subject(number, self._source, self._published.records("signals.json"))

    def compare(self, other: str | Cut) -> Differences:
        """What changed between this cut and another built one, the earlier first; `.subject("005")` narrows it.

        >>> import trialbook
        >>> changed = trialbook.cut("2025-09-30").compare("2025-06-30")
        >>> changed.subjects["SUBJID"].tolist()
        ['014', '015', '016']
        """
        from trialbook.diff.compare_builds import changes_between
        from trialbook.explore.differences import Differences

        against = other if isinstance(other, Cut) else cut(other, self.folder.parent)
        for one in (self, against):
            one._stop_if_unpublished("two published builds are compared")
        mine, theirs = (one.trial.protocol.study.id for one in (self, against))
        if mine != theirs:
            raise UsageError(
                f"this is a cut of {mine}, and {against.cut_id} is one of {theirs}",
                next_step="compare two cuts of one study",
            )  # fmt: skip
        old, new = sorted((self, against), key=lambda one: one.cut_date)
        return Differences(changes_between(old._published.compared, new._published.compared))

    def with_keys(self, **keys: Any) -> Cut:
        """The same cut under other analysis keys, checked like those of a cut file; its datasets are derived again.

        Raises ParameterError that names the nearest key, or the values that one may have.

        >>> import trialbook
        >>> other = trialbook.cut("2025-09-30").with_keys(d28_window=[21, 35])
        >>> other.rate("ORR_D28").title
        'Overall response at day 28 by TRT01A, data cut 2025-09-30 (not the published set; under d28_window: [21, 35])'
        """
        found = Cut(self._published, {**self._keys, **keys}, self._chosen, self._said)
        _ = found.trial.analysis
        return found

    def where(self, condition: Condition | None = None, **equal: Any) -> Cut:
        """The same cut of some of its subjects: those whom a condition over ADSL (and RESPONSE) selects.

        `equal`: columns and the value, or list of values, that they have.

        >>> import trialbook
        >>> few = trialbook.cut("2025-09-30").where("AGE >= 40", TRT01A=["DL1", "DL2"])
        >>> few.adsl["SUBJID"].tolist(), few.unpublished
        (['001', '003', '004', '009', '011'], '5 of 16 subjects')
        """
        from trialbook.analyses.selection import select

        people = self.subjects
        mask = select(people, condition).yes
        for column, value in equal.items():
            if column not in people:
                raise no_such("column of ADSL", column, people.columns)
            mask &= people[column].isin(list(value) if isinstance(value, (list, tuple, set)) else [value])
        size = len(self._rederived.datasets["adsl"] if self._keys else self._published.datasets["adsl"])
        return Cut(
            self._published, self._keys, people.loc[mask, "USUBJID"].tolist(), f"{int(mask.sum())} of {size} subjects"
        )

    def filter(self) -> Any:
        """Controls that narrow the subjects in JupyterLab; tables and figures of the notebook follow."""
        from trialbook.explore.filters import filter_of

        return filter_of(self)

    def survival(
        self, by: str = "TRT01A", endpoint: str = "OS", at: Sequence[int] | None = None, where: Condition | None = None
    ) -> Answer:
        """Kaplan-Meier estimates of OS, FFS or DOR by any column of ADSL, at the days `at` (`os_days` without it).

        >>> import trialbook
        >>> trialbook.cut("2025-09-30").survival(by="AGEGR1", at=[100]).query("AGEGR1 == 'Total'")["N"].tolist()
        [12]
        """
        from trialbook.explore.analysis import survival_of

        return survival_of(self._source, endpoint, by, at, where)

    def rate(self, analysis: str = "ORR_D28", by: str = "TRT01A", where: Condition | None = None) -> Answer:
        """The response rate at day 28 (ORR_D28, CR_D28) by any column of ADSL, with its interval."""
        from trialbook.explore.analysis import rate_of

        return rate_of(self._source, analysis, by, where)

    def count(
        self, where: Condition | None = None, dataset: str = "adae", by: str = "TRT01A", per: str | Sequence[str] = ()
    ) -> Answer:
        """Treated subjects with a record that a condition selects, and their events; `per`: a row for each value."""
        from trialbook.explore.analysis import count_of

        return count_of(self._source, where, dataset, by, per)

    def advice(self, dlt: Condition | None = None, rule: str | None = None) -> GivenAdvice:
        """What the escalation rule advises at this cut; under another rule, or another definition of a DLT.

        `dlt`: a condition on ADAE; an event that it selects, with onset in the window, is a DLT then. The committee's
        flag plays no part unless the condition asks for it (`DLTFL == 'Y'`).

        >>> import trialbook
        >>> trialbook.cut("2025-09-30").advice().code
        'ONGOING(WAIT DL3)'
        """
        from trialbook.explore.analysis import advice_of

        self._stop_if_narrowed("the advice of a rule, and the statuses that it needs,")
        return advice_of(self._source, dlt, rule)

    def design_oc(
        self, rates: Sequence[float] | Sequence[Sequence[float]] | None = None,
        rule: str | Sequence[str] | None = None, cap: int | None = None, trials: int = TRIALS, seed: int = SEED,
        **how: Any,
    ) -> OperatingCharacteristics:  # fmt: skip
        """Operating characteristics of the protocol's design, or of another, under true DLT rates of one's own.

        `rates`: one per dose level, or several such sets; `rule`: one or several; `how`: accrual_days, arrivals,
        not_evaluable, skeleton, stagger_days, target, window. `.full` has every measure with its simulation error.
        """
        from trialbook.explore.analysis import design_of

        return design_of(self._source, rates, rule, cap, trials, seed, how)

    # ------------------------------------------------------------------------------------------------

    @cached_property
    def _rederived(self) -> Rederived:
        from trialbook.explore.rederive import Rederived, study_of

        return Rederived(study_of(self._published, self.trial))

    @cached_property
    def _source(self) -> Source:
        from trialbook.explore.analysis import Source
        from trialbook.explore.rederive import study_of

        study = self._rederived.study if self._keys else study_of(self._published, self.trial)
        return Source(self.datasets, study, self.cut_date, self.unpublished)

    @cached_property
    def _studied(self) -> Studied:
        from trialbook.records_behind import Studied

        return Studied(self.datasets)

    def _own(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The rows of the subjects; the frame says from now on where it comes from."""
        if self._chosen is not None and "USUBJID" in frame:
            frame = frame[frame["USUBJID"].isin(self._chosen)].reset_index(drop=True)
        return marked(frame.copy(deep=False), self._published.origin, self.unpublished)

    def _titled(self, name: str, frame: pd.DataFrame) -> pd.DataFrame:
        if not self.unpublished:
            return frame
        from trialbook.display.titled import unpublished_title, with_title

        return with_title(frame, unpublished_title(f"{name.upper()}, data cut {self.cut_date}", self.unpublished))

    def _shown(self, what: str, all_of: Callable[..., Any], narrowed: Callable[..., Any]) -> Named[Any]:
        if self._keys:
            raise UsageError(
                f"the {what}s of the pages are those of the published set, and this is not ({self.unpublished})",
                next_step="ask cut.rate, cut.survival or cut.count, and show their answer with trialbook.table",
            )
        found = all_of(self.folder) if self._chosen is None else narrowed(self.folder, list(self._chosen), self._said)
        by_letters = {str(name).lower(): str(name) for name in found}
        return Named(what, found, found.__getitem__, lambda name: by_letters.get(name.lower(), name))

    def _stop_if_narrowed(self, what: str) -> None:
        if self._chosen is not None:
            raise UsageError(
                f"{what} are about all subjects of the cut, and this is a part of them ({self._said})",
                next_step="ask cut.rate, cut.survival or cut.count, or the whole cut",
            )

    def _stop_if_unpublished(self, what: str) -> None:
        if self.unpublished:
            raise UsageError(f"{what}, and this is not ({self.unpublished})", next_step="compare the whole cut")

    @cached_property
    def _query_rows(self) -> list[dict[str, str]]:
        text = self._published.content("queries.csv").decode("utf-8-sig")
        return list(csv.DictReader(io.StringIO(text, newline="")))

    def __dir__(self) -> list[str]:
        return sorted([*public_names(self), *self.datasets])

    def _facts(self) -> list[tuple[str, str]]:
        """What `repr` says: a name and a value each."""
        published, study = self._published, self._published.study
        synthetic = " (synthetic data)" if published.sources.get("synthetic") else ""
        facts = [
            ("study", f"{study.get('registry_id', '')} {study.get('title', '')}".strip()),
            ("data cut", f"{self.cut_date}{synthetic}"),
            ("built", f"{published.built} UTC" if published.built else "not noted when"),
        ]
        if self.unpublished:
            return [("NOT THE PUBLISHED SET", self.unpublished), *facts]
        altered = published.altered()
        if altered:
            more = f" and {len(altered) - 3} more" if len(altered) > 3 else ""
            facts.append(("CHANGED AFTER THE BUILD", f"{', '.join(altered[:3])}{more}: verify would refuse it"))
        numbers = {
            (row["analysis_id"], row["variable"], row["stat_name"]): row["stat_text"]
            for row in (published.records("results/ard.json") if "results/ard.json" not in altered else [])
            if row["group1_level"] == "Total" and not row["variable_level"]
        }
        found = [
            (numbers.get(key), words)
            for key, words in (
                (("SETS", "SCRFL", "n"), "screened"), (("SETS", "SAFFL", "n"), "treated"),
            )
        ]  # fmt: skip
        waiting = [
            (numbers.get(key), words)
            for key, words in (
                (("DLT_SETS", "WAITING", "n"), "DLT status"), (("ORR_D28", "RSP28", "pending"), "response at day 28"),
            )
        ]  # fmt: skip
        facts.append(("subjects", ", ".join(f"{n} {words}" for n, words in found if n)))
        facts.append(("pending", ", ".join(f"{words} of {n}" for n, words in waiting if n and n != "0") or "nothing"))
        if "signals.json" not in altered:
            by = Counter(one["severity"] for one in published.records("signals.json"))
            facts.append(("signals", ", ".join(f"{by[one]} {one}" for one in ("high", "medium", "low") if by[one])))
        if "queries.csv" not in altered:
            facts.append(("open queries", str(sum(row["status"] != "closed" for row in self._query_rows))))
        return [*facts, ("datasets", ", ".join(self.datasets)), ("tables and figures", "cut.tables, cut.figures")]

    def __repr__(self) -> str:
        return "\n".join([f"Cut {self.cut_id}", *(f"  {name}: {value}" for name, value in self._facts() if value)])

    def _repr_html_(self) -> str:
        rows = "".join(
            f'<tr><th style="text-align:left">{escape(name)}</th><td style="text-align:left">{escape(value)}</td></tr>'
            for name, value in self._facts() if value
        )  # fmt: skip
        return f"<table><caption>Cut {escape(self.cut_id)}</caption>{rows}</table>"


_KEYS = ("analysis_id", "variable", "variable_level", "context", "group1_level", "stat_name")
