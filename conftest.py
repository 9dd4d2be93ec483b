"""What nbval does not compare of a notebook: the payload of an output. The HTML that is made from it is compared.

A payload names the message behind a text where the process knows it, and a kernel by hand has imported less.
"""

from __future__ import annotations

from typing import Any

PAYLOAD = "application/vnd.trialbook.v1+json"


def pytest_collectstart(collector: Any) -> None:
    """Adds the payload to what nbval skips, for each notebook that it collects."""
    if hasattr(collector, "skip_compare"):
        collector.skip_compare += (PAYLOAD,)
