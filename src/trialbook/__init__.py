"""trialbook: a reproducible trial-analytics workbook.

Notebooks of a build start with `import trialbook as tb` and `step = tb.open_step("05_orr", **tb.parameters())`; an
analyst begins with `cut = trialbook.cut("2025-09-30")`.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

from trialbook.core.environment_variables import WORKSPACE
from trialbook.core.fast_imports import skip_slow_format_checker

if TYPE_CHECKING:
    from trialbook.analyses.count import count as count
    from trialbook.analyses.rate import rate as rate
    from trialbook.analyses.time_to_event import survival as survival
    from trialbook.core.errors import TrialbookError as TrialbookError
    from trialbook.explore.cut import cut as cut
    from trialbook.protocol.study_data import with_keys as with_keys
    from trialbook.workbook.step import Step

__version__ = "0.1.0"

skip_slow_format_checker()


__all__ = [
    "TrialbookError", "count", "cut", "derive_adae", "derive_addlt", "derive_adlb", "derive_adrs", "derive_adtte",
    "derive_audit", "derive_day28", "derive_responses", "derive_subjects", "figure", "open_step", "parameters", "rate",
    "survival", "table", "with_keys",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    """One of the names that `trialbook` offers, such as `tb.rate`; it is imported now.

    Raises AttributeError for any other, and UsageError where the step of a build asks for what only reads builds.
    """
    from trialbook.workbook.notebook_names import DESK, PUBLIC, bound, deriving

    if name in DESK:
        if os.environ.get(WORKSPACE):
            from trialbook.core.errors import UsageError

            raise UsageError(
                f"trialbook.{name} is for notebooks outside of a build", file="notebook",
                next_step="use the step: step.read, step.table, step.figure",
            )  # fmt: skip
        module, attribute = DESK[name].split(":")
        return getattr(import_module(f"trialbook.{module}"), attribute)
    if name not in PUBLIC:
        raise AttributeError(f"module 'trialbook' has no attribute {name!r}; it has {', '.join(__all__)}")
    module, attribute = PUBLIC[name].split(":")
    found = getattr(import_module(f"trialbook.{module}"), attribute)
    return deriving(found) if name.startswith("derive_") else bound(found)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]


def parameters() -> dict[str, Any]:
    """The keys of a cut file as the parameters cell of the calling notebook holds them; papermill's go before.

    >>> import trialbook as tb
    >>> cut_id, cut_date = "2025-09-30", None
    >>> tb.parameters()["cut_id"]
    '2025-09-30'
    """
    from trialbook.protocol.models import Cut

    names = sys._getframe(1).f_globals
    return {key: names[key] for key in Cut.model_fields if key in names}


def open_step(name: str, **cut: Any) -> Step:
    """The step of a notebook: what it reads and where it writes its results, for the cut that its parameters name.

    `cut` are the keys of a cut file, None where a key was not given. By hand (JupyterLab, papermill, nbval) `cut_id`
    alone is enough: the file of this cut in `params/cuts/` says the rest.

    Raises UsageError for a wrong parameter and for two cuts in one run, StopError where the build that it would read
    was made from something else.

    >>> import trialbook
    >>> step = trialbook.open_step("explore", cut_id="2025-09-30")
    >>> len(step.read("adsl"))
    16
    """
    if os.environ.get(WORKSPACE):
        from trialbook.workbook.step import open_step as opened

        return opened(name, **cut)
    from trialbook.interactive.step_by_hand import open_by_hand

    return open_by_hand(name, cut)
