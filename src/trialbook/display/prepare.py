"""Run once when an environment has been made (`python -m trialbook.display.prepare`): keeps the chart script in it."""

from __future__ import annotations

from trialbook.display.drawing import keep_chart_script

if __name__ == "__main__":
    keep_chart_script()
