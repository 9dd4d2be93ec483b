"""What nbval does not compare of a notebook, and how it says that a chart differs.

The payload of an output is not compared, the HTML that is made from it is: a payload names the message behind a text
where the process knows it, and a kernel by hand has imported less.
"""

from __future__ import annotations

from typing import Any

PAYLOAD = "application/vnd.trialbook.v1+json"
# Differences of a chart that are listed.
MOST = 12


def pytest_collectstart(collector: Any) -> None:
    """Adds the payload to what nbval skips, for each notebook that it collects."""
    if hasattr(collector, "skip_compare"):
        collector.skip_compare += (PAYLOAD,)


def pytest_assertrepr_compare(op: str, left: object, right: object) -> list[str] | None:
    """Of two charts: the marks, fields and values that differ, the reference first; nbval asks for the words."""
    # Imported only where something failed.
    from trialbook.diff.charts import chart_places, is_chart

    if op != "==" or not (is_chart(left) and is_chart(right)):
        return None
    found = list(chart_places(left, right))
    more = [f"and {len(found) - MOST} more"] if len(found) > MOST else []
    return ["two charts are not the same (reference, then this run):", *found[:MOST], *more]
