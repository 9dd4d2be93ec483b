"""What `trialbook` offers to a notebook by name, and how such a name finds the step of the notebook that calls it.

`import trialbook as tb` costs nothing: each name is imported when it is used. A build follows these names as it follows
imports (`workbook.import_closure`), so that an edit of what `tb.survival` runs makes the notebooks that use it again.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from functools import wraps
from inspect import signature
from typing import TYPE_CHECKING, Any

from trialbook.core.errors import UsageError

if TYPE_CHECKING:
    from trialbook.analyses.population import Population
    from trialbook.workbook.step import Step

# The names, each with the module of the library that holds it, and its name there.
PUBLIC: dict[str, str] = {
    "count": "analyses.count:count",
    "rate": "analyses.rate:rate",
    "survival": "analyses.time_to_event:survival",
    "with_keys": "protocol.study_data:with_keys",
    "derive_subjects": "subjects.adsl:derive_subjects",
    "derive_audit": "eligibility.adie:audit_with_evidence",
    "derive_adae": "safety.adae:derive_adae",
    "derive_adlb": "safety.adlb:derive_adlb",
    "derive_addlt": "dlt.addlt:derive_addlt",
    "derive_day28": "efficacy.day28:day28_response",
    "derive_responses": "efficacy.sensitivity:sensitivity_responses",
    "derive_adrs": "efficacy.adrs:derive_adrs",
    "derive_adtte": "efficacy.adtte:derive_adtte",
}
# Names for notebooks outside of a build; they read published builds, so that no step may use them.
DESK: dict[str, str] = {
    "cut": "explore.cut:cut",
    "table": "explore.shown:house_table",
    "figure": "explore.shown:house_figure",
    "TrialbookError": "core.errors:TrialbookError",
}
# Parameters that a notebook need not give: the step knows them.
OF_THE_STEP = ("population", "step")


def bound(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function as a notebook calls it: the population of the cut, or the step, is that of the notebook.

    Raises UsageError where the notebook has not opened its step.
    """
    wanted = [name for name in OF_THE_STEP if name in signature(function).parameters]

    @wraps(function)
    def called(*given: Any, **named: Any) -> Any:
        names = sys._getframe(1).f_globals
        for name in wanted:
            if name not in named:
                step = step_among(names)
                named[name] = step if name == "step" else step.population(names)
        return function(*given, **named)

    called.__signature__ = signature(function).replace(  # type: ignore[attr-defined]
        parameters=[part for name, part in signature(function).parameters.items() if name not in wanted]
    )
    return called


def deriving(function: Callable[..., Any]) -> Callable[..., Any]:
    """A derivation as a notebook calls it, `tb.derive_adtte(study)`: refused where its input was filtered.

    ADSL and the response at day 28 are read where they are not given. Raises StopError naming who is missing when the
    study is not that of the step, or ADSL is not the one that an earlier step wrote.
    """

    @wraps(function)
    def called(study: Any, *given: Any, **named: Any) -> Any:
        return step_among(sys._getframe(1).f_globals).derive(function, study, *given, **named)

    return called


def step_among(names: Mapping[str, Any]) -> Step:
    """The open step of a notebook, among the names that it holds; raises UsageError without one."""
    from trialbook.workbook.step import Step

    found = [value for value in (names.get("step"), *names.values()) if isinstance(value, Step)]
    if not found:
        raise UsageError(
            "no step is open", file="notebook",
            next_step='begin with step = tb.open_step("05_orr", **tb.parameters()), with step = '
            'trialbook.open_step("mine", cut_id="2025-09-30") in a notebook of your own, or ask a cut: cut.rate, '
            "cut.count, cut.survival",
        )  # fmt: skip
    return found[0]


def population_of(step: Step, names: Mapping[str, Any]) -> Population:
    """The subjects of the step's cut, and the rules that hold for them."""
    from trialbook.analyses.population import Population

    return Population(step.subjects, step.protocol, step.analysis, names)
