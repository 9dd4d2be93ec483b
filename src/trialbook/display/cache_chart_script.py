"""Keeps the chart script in the environment; run once when that was made (`python -m` and the name of this module)."""

from __future__ import annotations

from trialbook.display.chart_rendering import keep_chart_script

if __name__ == "__main__":
    keep_chart_script()
