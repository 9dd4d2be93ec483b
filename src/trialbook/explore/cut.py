"""`trialbook.cut`: one built cut in Python: its data, its results and their records, and questions of one's own.

Nothing is read before it is asked for, and every file is held against the manifest of the build when it is.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import os
import warnings
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trialbook.core.errors import ParameterError, UsageError
from trialbook.core.nearest import nearest_first
from trialbook.explore.given import names_for, text_given
from trialbook.explore.names import Named, Shown, marked, no_such, public_names
from trialbook.explore.published import Published

if TYPE_CHECKING:
    # A cut is opened before pandas is needed.
    import pandas as pd

    from trialbook.analyses.selection import Condition
    from trialbook.display.figures import Figure
    from trialbook.display.tables import Table
    from trialbook.explore.analysis import Answer, GivenAdvice, OperatingCharacteristics, Source
    from trialbook.explore.differences import Differences
    from trialbook.explore.numbers import Number
    from trialbook.explore.rederive import Rederived
    from trialbook.explore.subject import Subject
    from trialbook.protocol.models import Trial
    from trialbook.records_behind import Studied

SEED = 20240321
TRIALS = 10_000


def cut(cut_id: str | dt.date | None = None, build: str | os.PathLike[str] | None = None) -> Cut:
    """The published build of a cut, to be asked anything.

    `build`: the folder that holds the builds, without it `build/` of the project (or what `TRIALBOOK_BUILD` says).
    Raises UsageError, naming the built cuts, where no cut is named, or this one has not been built.

    >>> import trialbook
    >>> cut = trialbook.cut("2025-09-30")
    >>> len(cut.adsl), cut.rate("ORR_D28").ard.query("stat_name == 'N'")["stat_text"].iloc[-1]
    (16, '11')
    """
    return Cut(Published(cut_id.isoformat()[:10] if isinstance(cut_id, dt.date) else cut_id, build))


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
        """The id of the cut, the name of its folder under `build/`.

        >>> import trialbook
        >>> trialbook.cut("2025-09-30").cut_id
        '2025-09-30'
        """
        return self._published.cut_id

    @property
    def cut_date(self) -> str:
        """The last day that counts, as ISO text.

        >>> import trialbook
        >>> trialbook.cut("2025-09-30").cut_date
        '2025-09-30'
        """
        return self._published.cut_date

    @property
    def folder(self) -> Path:
        """The folder of the build.

        >>> import trialbook
        >>> trialbook.cut("2025-09-30").folder.name
        '2025-09-30'
        """
        return self._published.folder

    @property
    def outputs(self) -> Path:
        """A folder for what you save from this cut, which git ignores: `cut.outputs / "survival.svg"`.

        >>> import trialbook
        >>> trialbook.cut("2025-09-30").outputs.is_dir()
        True
        """
        from trialbook.interactive.desk import FOLDER

        place = self.folder.parent / FOLDER / self.cut_id / "saved"
        place.mkdir(parents=True, exist_ok=True)
        return place

    @property
    def unpublished(self) -> str:
        """What makes this another than the published set: other keys, some of the subjects; blank for the whole cut.

        >>> import trialbook
        >>> trialbook.cut("2025-09-30").where(TRT01A="DL1").unpublished
        '4 of 16 subjects'
        """
        return "; ".join(filter(None, [self._keys_said, self._said]))

    @property
    def _keys_said(self) -> str:
        keys = ", ".join(f"{key}: {value}" for key, value in self._keys.items())
        return keys and f"under {keys}"

    @property
    def altered(self) -> list[str]:
        """Files that were changed after the build, so that `trialbook verify` would refuse it; empty when none was.

        >>> import trialbook
        >>> trialbook.cut("2025-09-30").altered
        []
        """
        return self._published.altered()

    @cached_property
    def trial(self) -> Trial:
        """Cut file, protocol (`trial.protocol`) and analysis keys (`trial.analysis`) in force.

        >>> import trialbook
        >>> trialbook.cut("2025-09-30").trial.analysis.d28_window
        [25, 31]
        """
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
            near = [one for one in nearest_first(name, public_names(self)) if name in one or one in name]
            see = f"cut has {', '.join(near)}; dir(cut) lists all" if near else "dir(cut) lists all that it has"
            raise no_such("dataset", name, self.datasets, see) from None

    @cached_property
    def clean(self) -> Named[pd.DataFrame]:
        """The clean SDTM domains.

        >>> import trialbook
        >>> len(trialbook.cut("2025-09-30").clean["DM"])
        16
        """
        whole = self._published.clean
        return Named("clean domain", whole, lambda code: self._own(whole[code]), str.upper, kept=False)

    @cached_property
    def raw(self) -> Named[pd.DataFrame]:
        """The domains as delivered, everything as text, personal data masked.

        >>> import trialbook
        >>> len(trialbook.cut("2025-09-30").raw["DM"])
        16
        """
        whole = self._published.raw
        return Named("delivered domain", whole, lambda code: self._own(whole[code]), str.upper, kept=False)

    @property
    def ard(self) -> pd.DataFrame:
        """Every reported number, one row each. Under other keys the cells that report them are run again, which
        takes a while the first time; of some of the subjects there are none.

        >>> import trialbook
        >>> rows = trialbook.cut("2025-09-30").ard.query("analysis_id == 'DLT_RATE' and group1_level == 'DL2'")
        >>> dict(zip(rows["stat_name"], rows["stat_text"], strict=True))["N"]
        '6'
        """
        self._stop_if_narrowed("the results")
        return self._results if self._keys else self._published.ard.copy(deep=False)

    @cached_property
    def _results(self) -> pd.DataFrame:
        from trialbook.display.titled import with_title
        from trialbook.explore.rederived_results import results_of

        _ = self.trial.analysis
        found = results_of(self.folder, self._keys).copy(deep=False)
        return with_title(found, self._source.title("Results"))

    @property
    def signals(self) -> pd.DataFrame:
        """What a committee must look at first: subject, level, severity, rule, sentence; the most severe first.

        They are those of the published set; under other keys the title says so.

        >>> import trialbook
        >>> trialbook.cut("2025-09-30").signals.columns.tolist()
        ['subject', 'level', 'severity', 'rule', 'sentence']
        """
        import pandas as pd

        names = ["subject", "level", "severity", "rule", "sentence"]
        rows = [[one.get(name, "") for name in names] for one in self._published.records("signals.json")]
        return self._beside(pd.DataFrame(rows, columns=names, dtype="str"), "Signals")

    @property
    def queries(self) -> pd.DataFrame:
        """The query list for the site: that of the published set; under other keys the title says so.

        >>> import trialbook
        >>> "query_id" in trialbook.cut("2025-09-30").queries
        True
        """
        import pandas as pd

        return self._beside(pd.DataFrame(self._query_rows, dtype="str"), "Queries")

    def _beside(self, found: pd.DataFrame, what: str) -> pd.DataFrame:
        """A list of the published build, of the subjects of this cut; it is not derived again under other keys."""
        from trialbook.display.titled import with_title

        if self._chosen is not None:
            adsl = self._published.datasets["adsl"]
            own = {*self._chosen, *adsl.loc[adsl["USUBJID"].isin(self._chosen), "SUBJID"]}
            found = found[found["subject"].isin(own)].reset_index(drop=True)
        marked(found, self._published.origin, self.unpublished)
        return with_title(found, self._source.beside(what)) if self.unpublished else found

    @property
    def subjects(self) -> pd.DataFrame:
        """ADSL with RESPONSE, the response at day 28: what a condition of `where` may ask for.

        >>> import trialbook
        >>> int(trialbook.cut("2025-09-30").subjects["RESPONSE"].isin(["CR", "PR"]).sum())
        5
        """
        from trialbook.explore.narrowing import with_response

        return with_response(self.datasets)

    @cached_property
    def tables(self) -> Shown[Table]:
        """The tables and listings of the pages by their id; shown, they are a list of ids and titles.

        >>> import trialbook
        >>> tables = trialbook.cut("2025-09-30").tables
        >>> tables.titles["T-5"] in tables["T-5"].title
        True
        """
        from trialbook.explore import shown

        return self._shown("table", shown.shown_tables, shown.narrowed_tables)

    @cached_property
    def figures(self) -> Shown[Figure]:
        """The figures of the pages by their id; shown, they are a list of ids and titles.

        >>> import trialbook
        >>> cut = trialbook.cut("2025-09-30")
        >>> cut.figures["F-2"].save(cut.outputs / "survival.svg").name
        'survival.svg'
        """
        from trialbook.explore import shown

        return self._shown("figure", shown.shown_figures, shown.narrowed_figures)

    def find(self, words: str) -> pd.DataFrame:
        """Where something is: tables, figures, datasets and their columns, results and analysis keys that name it.

        Every word must occur, in the name or the title, in any case.

        >>> import trialbook
        >>> found = trialbook.cut("2025-09-30").find("age group")
        >>> found.query("kind == 'column'")["name"].tolist()
        ['adsl.AGEGR1']
        """
        from trialbook.explore.find import found_in

        return found_in(self, text_given("what you look for", words, 'cut.find("survival")'))

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

        row = one_number(self._published.ard, number, names_for(number))
        found = records_of(row if not self.unpublished else row.mask(row.index == "stat"), self._studied)
        words = " / ".join(str(row[name]) for name in _KEYS if row[name] not in ("", None))
        return with_title(found, self._source.title(f"Records behind {words}"))

    def subject(self, number: str | int) -> Subject:
        """All of one subject: key facts, what happened, every record; shown in JupyterLab as the profile page is.

        `number`: SUBJID or USUBJID; 16 will do for 016 where no other subject has that number.

        >>> import trialbook
        >>> one = trialbook.cut("2025-09-30").subject(16)
        >>> one.number, len(one.datasets["adsl"])
        ('016', 1)
        """
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
        before, after = old._published.compared, new._published.compared
        return Differences(changes_between(before, after), before, after)

    def with_keys(self, *keys: Mapping[str, Any], **named: Any) -> Cut:
        """The same cut under other analysis keys, checked like those of a cut file; its datasets are derived again.

        By name, or as one dict. `cut.keys` lists them, `cut.find("window")` looks for one. Raises ParameterError that
        names the nearest key, or the values that one may have.

        >>> import trialbook
        >>> other = trialbook.cut("2025-09-30").with_keys(d28_window=[21, 35])
        >>> other.rate("ORR_D28").title
        'Overall response at day 28 by TRT01A, data cut 2025-09-30 (not the published set; under d28_window: [21, 35])'
        """
        given: dict[str, Any] = {}
        for one in keys:
            if not isinstance(one, Mapping):
                raise UsageError(
                    "an analysis key is given by its name", value=one,
                    next_step="write cut.with_keys(d28_window=[21, 35]); cut.keys lists the keys",
                )  # fmt: skip
            given |= {str(name): value for name, value in one.items()}
        given |= named
        known = self._published.trial.protocol.analysis
        for name in given:
            if name not in known:
                raise no_such("analysis key", name, known, "cut.keys lists them all, with what each means")
        found = Cut(self._published, {**self._keys, **given}, self._chosen, self._said)
        try:
            _ = found.trial.analysis
        except ParameterError as error:
            key = next((part for part in (error.column or "").split(".") if part in known), "")
            if key:
                standing = getattr(self._published.trial.analysis, key)
                error.say_next(f"give a value such as {key}={standing!r} ({known[key].meaning})")
            raise
        return found

    def where(self, condition: Condition | None = None, **equal: Any) -> Cut:
        """The same cut of some of its subjects: those whom a condition over ADSL (and RESPONSE) selects.

        `equal`: columns and the value, or list of values, that they have. Warns of a value that nobody has, of subjects
        of whom the condition cannot say (they are left out), and where nobody is left.

        >>> import trialbook
        >>> few = trialbook.cut("2025-09-30").where("AGE >= 40", TRT01A=["DL1", "DL2"])
        >>> few.adsl["SUBJID"].tolist(), few.unpublished
        (['001', '003', '004', '009', '011'], '5 of 16 subjects')
        """
        from trialbook.explore.narrowing import chosen_among

        people = self.subjects
        chosen = chosen_among(people, condition, names_for(condition), equal)
        for remark in chosen.remarks:
            warnings.warn(remark, stacklevel=2)
        mask = chosen.mask
        size = len(self._rederived.datasets["adsl"] if self._keys else self._published.datasets["adsl"])
        return Cut(
            self._published, self._keys, people.loc[mask, "USUBJID"].tolist(), f"{int(mask.sum())} of {size} subjects"
        )

    def filter(self) -> Any:
        """Controls that narrow the subjects in JupyterLab; tables and figures of the notebook follow.

        >>> import trialbook
        >>> try:
        ...     live = trialbook.cut("2025-09-30").filter()
        ... except trialbook.TrialbookError as error:
        ...     print(error)
        the controls of a filter are for JupyterLab. Next: narrow the cut in code: cut.where("AGE >= 40", SEX=["F"]).
        """
        from trialbook.explore.filters import filter_of

        return filter_of(self)

    def survival(
        self, by: str = "TRT01A", endpoint: str = "OS", at: int | Sequence[int] | None = None,
        where: Condition | None = None,
    ) -> Answer:  # fmt: skip
        """Kaplan-Meier estimates of OS, FFS or DOR by any column of ADSL, at the days `at` (`os_days` without it).

        A row per group and day: `N` and `events` are all subjects and events of the group; `n_risk` are at risk just
        before the day, `n_event` had the event up to and including it. `median` is the first day on which S(t) is below
        0.5; where S(t) is just 0.5 from one day to another, the middle of the two (as R's survfit has it). `where`: a
        condition over ADTTE and ADSL.

        >>> import trialbook
        >>> trialbook.cut("2025-09-30").survival(by="AGEGR1", at=[100]).query("AGEGR1 == 'Total'")["N"].tolist()
        [12]
        """
        from trialbook.explore.analysis import survival_of

        return survival_of(self._asked(where), endpoint, by, at, where)

    def rate(
        self, analysis: str = "ORR_D28", by: str = "TRT01A", where: Condition | None = None, *,
        day: int | None = None, window: Sequence[int] | None = None,
    ) -> Answer:  # fmt: skip
        """The rate of overall (ORR_D28) or complete response (CR_D28) by any column of ADSL, with its interval.

        `day`: at another day than 28, by the rules of day 28; `window`: the first and last day of an assessment for
        it. A subject is mature for it as long after the window as for day 28. `where`: a condition over ADRSP28 and
        ADSL.

        >>> import trialbook
        >>> cut = trialbook.cut("2025-09-30")
        >>> cut.rate("ORR_D28").query("TRT01A == 'Total'")[["n", "N"]].values.tolist()
        [[5, 11]]
        >>> cut.rate("CR_D28", day=56, window=[53, 59]).title
        'Complete response at day 56 (days 53 to 59) by TRT01A, data cut 2025-09-30'
        """
        from trialbook.explore.analysis import rate_of

        return rate_of(self._asked(where), analysis, by, where, day, window)

    def count(
        self, where: Condition | None = None, dataset: str = "adae", by: str = "TRT01A", per: str | Sequence[str] = ()
    ) -> Answer:
        """Treated subjects with a record that a condition selects, and their events; `per`: a row for each value.

        `where`: a condition over the dataset and ADSL. Where it is not known of a subject, n_high counts the subject,
        n does not.

        >>> import trialbook
        >>> found = trialbook.cut("2025-09-30").count("ASER == 'Y' and AGE >= 18", by="SEX")
        >>> found.query("SEX == 'Total'")["N"].tolist()
        [12]
        """
        from trialbook.explore.analysis import count_of

        return count_of(self._asked(where), where, dataset, by, per)

    def advice(self, dlt: Condition | None = None, rule: str | None = None) -> GivenAdvice:
        """What the escalation rule advises at this cut; under another rule, or another definition of a DLT.

        `dlt`: a condition on ADAE and ADSL; an event that it selects, with onset in the window, is a DLT then. The
        committee's flag plays no part unless the condition asks for it (`DLTFL == 'Y'`).

        >>> import trialbook
        >>> trialbook.cut("2025-09-30").advice().code
        'ONGOING(WAIT DL3)'
        """
        from trialbook.explore.analysis import advice_of

        self._stop_if_narrowed("the advice of a rule, and the statuses that it needs,")
        return advice_of(self._asked(dlt), dlt, rule)

    def design_oc(
        self, rates: Sequence[float] | Sequence[Sequence[float]] | None = None,
        rule: str | Sequence[str] | None = None, cap: int | None = None, trials: int = TRIALS, seed: int = SEED,
        **how: Any,
    ) -> OperatingCharacteristics:  # fmt: skip
        """Operating characteristics of the protocol's design, or of another, under true DLT rates of one's own.

        `rates`: one per dose level of the protocol, or several such sets; `rule`: one or several; `how`: accrual_days,
        arrivals, not_evaluable, skeleton, stagger_days, target, window. `.full` has every measure with its simulation
        error.

        >>> import trialbook
        >>> found = trialbook.cut("2025-09-30").design_oc([0.05, 0.20, 0.40], rule=["3+3", "BOIN"], trials=100)
        >>> len(found)
        2
        """
        from trialbook.explore.analysis import design_of

        return design_of(self._source, rates, rule, cap, trials, seed, how)

    def _asked(self, condition: object) -> Source:
        """What a question starts from, with what `@name` in its condition means where a person asks it."""
        return replace(self._source, names=names_for(condition, above=3))

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
        return Source(self.datasets, study, self.cut_date, self.unpublished, self._keys_said)

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

    def _shown(self, what: str, all_of: Callable[..., Any], narrowed: Callable[..., Any]) -> Shown[Any]:
        if self._keys:
            raise UsageError(
                f"the {what}s of the pages are those of the published set, and this is not ({self.unpublished})",
                next_step="ask cut.rate, cut.survival or cut.count, and show their answer with trialbook.table",
            )
        found: Shown[Any] = all_of(self.folder)
        return found if self._chosen is None else narrowed(self.folder, list(self._chosen), self._said)

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
