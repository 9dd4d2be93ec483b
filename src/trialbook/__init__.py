"""trialbook: a reproducible trial-analytics workbook.

Notebooks start with `import trialbook` and `step = trialbook.open_step("05_orr", ...)`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trialbook.fast_imports import skip_slow_format_checker

if TYPE_CHECKING:
    from trialbook.runner.step import Step

__version__ = "0.1.0"

skip_slow_format_checker()


def open_step(name: str, **cut: Any) -> Step:
    """The step of a notebook, from its parameters; see `trialbook.runner.step.open_step`."""
    from trialbook.runner.step import open_step as opened

    return opened(name, **cut)
