"""The house theme: palette, typefaces, the style of tables and cards, and the configuration of charts."""

from __future__ import annotations

from typing import Any

from trialbook.display.templates import template_text

# Okabe and Ito: distinguishable with every common kind of colour blindness; the yellow is left out (faint on white).
PALETTE = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"]
INK, QUIET, LINE, PAPER = "#1b2430", "#566173", "#d5dbe3", "#ffffff"
ACCENT = "#0b5c8f"
SEQUENTIAL = ["#f1f4f8", "#c6dbef", "#6baed6", "#2171b5", "#08306b"]
# Charts are measured with the fonts that vl-convert carries, so that a static chart is the same on every machine.
CHART_FONT = "Liberation Sans, Arial, Helvetica, sans-serif"

BLOCK_CSS = template_text("blocks.css")
BLOCK_STYLE = f"<style>{BLOCK_CSS}</style>"


def chart_config() -> dict[str, Any]:
    """The Vega-Lite configuration of every chart."""
    axis = {
        "labelColor": INK, "titleColor": INK, "domainColor": QUIET, "tickColor": QUIET, "gridColor": "#e8ecf1",
        "labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": 600, "labelLimit": 240, "titlePadding": 8,
    }  # fmt: skip
    return {
        "config": {
            "font": CHART_FONT,
            "background": PAPER,
            "view": {"continuousWidth": 640, "continuousHeight": 300, "stroke": None},
            "range": {
                "category": PALETTE, "ordinal": SEQUENTIAL, "ramp": SEQUENTIAL, "heatmap": SEQUENTIAL,
            },
            "axis": axis,
            # Every colour is said: a dark JupyterLab brings white letters, and they would stand on our white paper.
            "legend": {
                "labelColor": INK, "titleColor": INK, "labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": 600,
                "labelLimit": 240,
            },
            "header": {
                "labelColor": INK, "titleColor": INK, "labelFontSize": 12, "titleFontSize": 12, "labelFontWeight": 600,
            },
            "title": {"anchor": "start", "fontSize": 14, "fontWeight": 600, "color": INK},
            "text": {"fontSize": 12, "color": INK},
            "line": {"strokeWidth": 2},
            "point": {"size": 60, "filled": True},
        }
    }  # fmt: skip
