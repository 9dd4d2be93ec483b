"""`trialbook.cut`: one built cut in Python: its data, its results and their records, and questions of one's own.

Nothing is read before it is asked for, and every file is held against the manifest of the build when it is.
"""

from __future__ import annotations

import datetime as dt
import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trialbook.core.errors import UsageError
from trialbook.explore.given import key_named, keys_given, names_for, text_given
from trialbook.explore.names import Named, Shown, marked, no_such, public_names, question_like
from trialbook.explore.published import Published
from trialbook.explore.questions import Questions
from trialbook.explore.summary import as_html, as_text

if TYPE_CHECKING:
    # A cut is opened before pandas is needed.
    import pandas as pd

    from trialbook.analyses.selection import Condition
    from trialbook.display.figures import Figure
    from trialbook.display.tables import Table
    from trialbook.explore.analysis import Source
    from trialbook.explore.differences import Differences
    from trialbook.explore.numbers import Number
    from trialbook.explore.rederive import Rederived
    from trialbook.explore.subject import Subject
    from trialbook.protocol.models import Trial
    from trialbook.records_behind import Studied


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


class Cut(Questions):
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

    @property
    def keys(self) -> pd.DataFrame:
        """The analysis keys by name: the `value` in force, the `default` of the protocol file, and what each means.

        >>> import trialbook
        >>> keys = trialbook.cut("2025-09-30").keys
        >>> keys.loc["d28_window", "value"], keys.loc["d28_window", "meaning"]
        ([25, 31], 'REL_DAYs of the day-28 assessment')
        """
        from trialbook.explore.find import keys_of

        return keys_of(self.trial)

    # ------------------------------------------------------------------------------------------------
    # What it holds.

    @cached_property
    def datasets(self) -> Named[pd.DataFrame]:
        """The analysis datasets by name; `cut.adsl` is `cut.datasets["adsl"]`.

        >>> import trialbook
        >>> trialbook.cut("2025-09-30").datasets
        10 datasets: adae, adct, addlt, addv, adie, adlb, adrs, adrsp28, adsl, adtte
        """
        whole = self._rederived.datasets if self._keys else self._published.datasets
        return Named("dataset", whole, lambda name: self._titled(name, self._own(whole[name])), str.lower, kept=False)

    def __setattr__(self, name: str, value: object) -> None:
        if not name.startswith("_"):
            raise UsageError(
                f"cut.{name} cannot be set: a cut is what was built", column=name,
                next_step=f"give it a name of its own, as in my_{name} = ..., or ask cut.where or cut.with_keys",
            )  # fmt: skip
        super().__setattr__(name, value)

    def __getattr__(self, name: str) -> pd.DataFrame:
        if name.startswith("_"):
            raise AttributeError(name)
        try:
            return self.datasets[name]
        except KeyError:
            raise no_such("dataset", name, self.datasets, question_like(name, public_names(self))) from None

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

        return self._beside(pd.DataFrame(self._published.query_rows, dtype="str"), "Queries")

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
        from trialbook.explore.numbers import name_of, one_number, records_of

        row = one_number(self._published.ard, number, names_for(number))
        found = records_of(row if not self.unpublished else row.mask(row.index == "stat"), self._studied)
        return with_title(found, self._source.title(f"Records behind {name_of(row)}"))

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
        from trialbook.explore.differences import differences_between

        against = other if isinstance(other, Cut) else cut(other, self.folder.parent)
        for one in (self, against):
            if one.unpublished:
                raise UsageError(
                    f"two published builds are compared, and this is not ({one.unpublished})",
                    next_step="compare the whole cut",
                )  # fmt: skip
        return differences_between(self._published, against._published)

    def with_keys(self, *keys: Mapping[str, Any], **named: Any) -> Cut:
        """The same cut under other analysis keys, checked like those of a cut file; its datasets are derived again.

        By name, or as one dict. `cut.keys` lists them, `cut.find("window")` looks for one. Raises ParameterError that
        names the nearest key, or the values that one may have.

        >>> import trialbook
        >>> other = trialbook.cut("2025-09-30").with_keys(d28_window=[21, 35])
        >>> other.rate("ORR_D28").title
        'Overall response at day 28 by TRT01A, data cut 2025-09-30 (not the published set; under d28_window: [21, 35])'
        """
        known = self._published.trial.protocol.analysis
        given = keys_given(keys, named, known)
        found = Cut(self._published, {**self._keys, **given}, self._chosen, self._said)
        with key_named(known, self._published.trial.analysis):
            _ = found.trial.analysis
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

    def __dir__(self) -> list[str]:
        return sorted([*public_names(self), *self.datasets])

    def __repr__(self) -> str:
        return as_text(self, self._published)

    def _repr_html_(self) -> str:
        return as_html(self, self._published)
