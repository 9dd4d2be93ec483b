"""The questions that a cut in Python answers with numbers: survival, rates, counts, advice, a design."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from trialbook.explore.given import names_for

if TYPE_CHECKING:
    # A cut is opened before pandas is needed.
    from trialbook.analyses.selection import Condition
    from trialbook.explore.analysis import Answer, GivenAdvice, OperatingCharacteristics, Source

SEED = 20240321
TRIALS = 10_000


class Questions(ABC):
    """What can be asked of the datasets of a cut, published or not."""

    @property
    @abstractmethod
    def _source(self) -> Source:
        """The datasets and the study that the answers are worked out from."""

    @abstractmethod
    def _stop_if_narrowed(self, what: str) -> None:
        """Raises UsageError where the cut holds some of its subjects only."""

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
        it (alone: of day 28, as under another `d28_window`). A subject is mature for another day as long after its
        window as for day 28. `where`: a condition over ADRSP28 and
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
