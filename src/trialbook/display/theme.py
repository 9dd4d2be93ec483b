"""The house theme: palette, typefaces, the style of tables and cards, and the configuration of charts."""

from __future__ import annotations

from typing import Any

# Okabe and Ito: distinguishable with every common kind of colour blindness; the yellow is left out (faint on white).
PALETTE = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"]
INK, QUIET, LINE, PAPER = "#1b2430", "#566173", "#d5dbe3", "#ffffff"
ACCENT = "#0b5c8f"
SEQUENTIAL = ["#f1f4f8", "#c6dbef", "#6baed6", "#2171b5", "#08306b"]
# Charts are measured with the fonts that vl-convert carries, so that a static chart is the same on every machine.
CHART_FONT = "Liberation Sans, Arial, Helvetica, sans-serif"

BLOCK_CSS = """
.tb{font-family:var(--tb-font,inherit);font-size:.9375rem;line-height:1.5;margin:.75rem 0}
.tb-sentence{max-width:46rem}
.tb-title{font-weight:600;margin:0 0 .125rem}
.tb-subtitle,.tb-notes,.tb-count,.tb-label,.tb-note{opacity:.78;font-size:.8125rem}
.tb-notes p,.tb-count,.tb-subtitle{margin:.25rem 0}
.tb-notice{max-width:46rem;padding:.5rem .75rem;border-left:4px solid #0072B2;background:rgba(0,114,178,.08)}
.tb-warning{border-color:#D55E00;background:rgba(213,94,0,.1)}
.tb-stop{border-color:#a3123a;background:rgba(163,18,58,.1)}
.tb-cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(10.5rem,1fr));gap:.75rem}
.tb-card{border:1px solid rgba(86,97,115,.3);border-radius:6px;padding:.625rem .875rem}
.tb-value{font-size:1.5rem;font-weight:650;line-height:1.3;font-variant-numeric:tabular-nums;overflow-wrap:anywhere}
.tb-box{overflow-x:auto;max-width:100%}
.tb-tall{max-height:32rem;overflow-y:auto}
.tb-tall thead th{position:sticky;top:0;background:var(--tb-paper,#fff)}
.tb .gt_table{border-collapse:collapse;font-size:.875rem;line-height:1.4;margin:.25rem 0;
border-top:2px solid currentColor;border-bottom:2px solid currentColor}
.tb .gt_table th,.tb .gt_table td{padding:.3rem .625rem;vertical-align:top;white-space:nowrap;border:0;background:none}
.tb .gt_table .gt_col_heading{vertical-align:bottom;font-weight:600;border-bottom:1px solid currentColor;
white-space:pre-line}
.tb .gt_table .gt_group_heading{text-align:left;font-weight:600;padding-top:.625rem;white-space:normal}
.tb .gt_table .gt_row{border-top:1px solid rgba(86,97,115,.18)}
.tb .gt_table .gt_left{text-align:left}
.tb .gt_table .gt_right{text-align:right;font-variant-numeric:tabular-nums}
.tb .gt_table .gt_center{text-align:center}
.tb-long{display:inline-block;white-space:normal;min-width:14rem;max-width:38rem;overflow-wrap:anywhere}
.tb-in{padding-left:1.25rem}
details.tb>summary{cursor:pointer;font-size:.875rem;color:#0b5c8f}
""".strip()
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
            "legend": {"labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": 600, "labelLimit": 240},
            "header": {"labelFontSize": 12, "titleFontSize": 12, "labelFontWeight": 600},
            "title": {"anchor": "start", "fontSize": 14, "fontWeight": 600, "color": INK},
            "text": {"fontSize": 12, "color": INK},
            "line": {"strokeWidth": 2},
            "point": {"size": 60, "filled": True},
        }
    }  # fmt: skip
