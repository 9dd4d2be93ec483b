"""trialbook: a reproducible trial-analytics workbook.

Notebooks start with `import trialbook as tb` and `step = tb.open_step("05_orr", **tb.parameters())`.
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
    from trialbook.protocol.study_data import with_keys as with_keys
    from trialbook.workbook.step import Step

__version__ = "0.1.0"

skip_slow_format_checker()


def __getattr__(name: str) -> Any:
    """One of the names that `trialbook` offers to notebooks, such as `tb.rate`; it is imported now."""
    from trialbook.workbook.notebook_names import PUBLIC, bound, deriving

    if name not in PUBLIC:
        raise AttributeError(f"module 'trialbook' has no attribute {name!r}")
    module, attribute = PUBLIC[name].split(":")
    found = getattr(import_module(f"trialbook.{module}"), attribute)
    return deriving(found) if name.startswith("derive_") else bound(found)


def __dir__() -> list[str]:
    from trialbook.workbook.notebook_names import PUBLIC

    return sorted([*PUBLIC, "__version__", "open_step", "parameters"])


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
