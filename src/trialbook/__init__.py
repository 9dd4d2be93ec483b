"""trialbook: a reproducible trial-analytics workbook.

Notebooks start with `import trialbook` and `step = trialbook.open_step("05_orr", ...)`.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from trialbook.core.environment_variables import WORKSPACE
from trialbook.core.fast_imports import skip_slow_format_checker

if TYPE_CHECKING:
    from trialbook.workbook.step import Step

__version__ = "0.1.0"

skip_slow_format_checker()


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
