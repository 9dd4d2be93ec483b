"""The house theme, and the only home of colours: palette, roles, style of tables and pages, configuration of charts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from trialbook.display.templates import template_text

# ----------------------------------------------------------------------------------------------------
# Colours. Charts, drawings and styles name a role of these; no other file spells a colour out.


# Okabe and Ito: distinguishable with every common kind of colour blindness; the yellow is left out (faint on white).
PALETTE = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"]
BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY, BLACK = PALETTE
INK, QUIET, LINE, PAPER = "#1b2430", "#566173", "#d5dbe3", "#ffffff"
ACCENT = "#0b5c8f"
# From light to dark: the organ stages 0 to 4, and whatever else is ordered.
SEQUENTIAL = ["#f1f4f8", "#c6dbef", "#6baed6", "#2171b5", "#08306b"]
GRID, GRID_OF_DRAWINGS = "#e8ecf1", "#e3e8ee"

# What is drawn in one colour.
SERIES, PICKED, SEVERE, INFUSION, EVENT_MARK, DARKEST = BLUE, VERMILION, VERMILION, BLUE, BLACK, BLACK
# What is not known, and what is not decided yet: everywhere the same.
UNKNOWN, PENDING = QUIET, PAPER

# One scale has one meaning on every chart, and each is ordered from light to dark, so that it is read without colour:
# dose blue, severity amber to brown, response green, stages of the disease violet, limiting toxicity crimson.
DOSES = ("#6ba3d0", "#2f6fae", "#0d2f57")
SEVERITY = ("#fdebc8", "#f6c26b", "#e5813a", "#b0411a", "#4d1705")
DISEASE = ("#f4f1f8", "#d9d0e8", "#b39fd0", "#7f5fb0", "#452079")
TOXICITY = "#a3123a"

# Each shares its meaning with a shape, a letter or a word beside it: colour alone does not print.
AUDIT_RESULTS = {  # fill, ink
    "PASS": ("#eef1f4", INK),
    "ATT-PASS": (PAPER, INK),
    "FAIL": (INK, PAPER),
    "ATT-FAIL": ("#6b7686", PAPER),
    "CONFLICT": ("#8a3f7a", PAPER),
    "NE": ("#c9d0da", INK),
    "WAIVED": ("#d9c6d6", INK),
    "PENDING": (PENDING, INK),
}
# Green = response, the darker the better; grey = none; slate = progression. No two are alike without colour.
RESPONSE_CATEGORIES = {
    "CR": "#00563f", "PR": "#35a07a", "MR": "#99d1b8", "NR": "#d6dae2", "PD": "#232c39", "NR by rule": "#a4adb9",
    "not evaluable": "#ebebeb", "pending": PENDING,
}  # fmt: skip
ON_DARK = ("CR", "PD")
DLT_OUTCOMES = {
    "DLT": TOXICITY, "counted as DLT": "#d98ba0", "no DLT": "#cfd6de", "pending": PENDING, "not evaluable": UNKNOWN,
}  # fmt: skip
ADVICE = {"treat at this level": INK, "wait at this level": PENDING, "the rule has ended": QUIET}
RULE_SAYS = {
    "escalate": "#dfe9f5", "treat more here": "#f3f5f8", "go down": "#f7e6ea", "too toxic, go down": "#edcbd4",
}  # fmt: skip
PATHWAY_SAYS = {
    **RULE_SAYS,
    "wait for the pending": PAPER,
    "ends with an MTD": "#c5e3d3",
    "ends without an MTD": "#e4e7ec",
}
FIRST_EVENTS = {"NRM": INK, "RELAPSE": "#8a94a3"}
# From light to dark with severity; without a grade a white mark with a rim.
EVENT_GRADES = {
    **{f"grade {grade}": colour for grade, colour in enumerate(SEVERITY, 1)}, "grade not given": PAPER,
}  # fmt: skip
# Bands behind laboratory results: the same hue, faint enough for lines over them.
LABORATORY_GRADES = {"G1": "#fff8ea", "G2": "#fdecc9", "G3": "#f9d5a4", "G4": "#f0b787"}
TIMELINE_INFUSION, LIMIT = INK, "#8a4b00"
ALANINE, BILIRUBIN = INK, "#8a4b00"
# The profile of a subject: grades of events, bands of laboratory grades (each darker than the one before, also without
# colour), milestones, and drugs by category.
PROFILE_GRADES = dict(enumerate(SEVERITY, 1))
PROFILE_NO_GRADE = "#b0b7c1"
PROFILE_BANDS = {int(name[1]): colour for name, colour in LABORATORY_GRADES.items()}
MILESTONE_RESPONSE, MILESTONE_THERAPY, MILESTONE_RELAPSE, MILESTONE_DLT = "#35a07a", QUIET, DISEASE[3], TOXICITY
DRUG_CATEGORIES = PALETTE[:6]
STEROIDS, STEROID_STEP, STEROID_RIM = "#c9a227", "#e3cf86", "#8a7015"
# Shares from none to all, and the boxes of a flow chart.
NO_SHARE, ALL_SHARE = "#eef2f6", BLUE
FLOW_BOX = "#eef3f8"


def dose_level_colours(levels: Sequence[str]) -> dict[str, str]:
    """The colour of each dose level, lowest first: one hue from light to dark, the same on every chart.

    >>> list(dose_level_colours(["DL1", "DL2", "DL3"]).values()) == list(DOSES)
    True
    """
    last = max(len(levels) - 1, 1)
    return {level: _between(position / last * (len(DOSES) - 1)) for position, level in enumerate(levels)}


def _between(place: float) -> str:
    """The colour at a place of `DOSES`, mixed of its two neighbours."""
    low = min(int(place), len(DOSES) - 2)
    pairs = zip(*(bytes.fromhex(DOSES[k][1:]) for k in (low, low + 1)), strict=True)
    return "#" + bytes(round(one + (other - one) * (place - low)) for one, other in pairs).hex()


# ----------------------------------------------------------------------------------------------------
# The same as custom properties, which are what the styles name. Those of blocks are also read in JupyterLab, which
# has a paper of its own; those without `tb-` belong to pages.

_GREY, _SHADOW = "86,97,115", "27,36,48"  # QUIET and INK, where they are seen through
BLOCK_COLOURS = {
    "tb-white": "#fff",
    "tb-link": ACCENT,
    "tb-focus": ORANGE,
    "tb-notice": BLUE,
    "tb-notice-wash": "rgba(0,114,178,.08)",
    "tb-warning": VERMILION,
    "tb-warning-wash": "rgba(213,94,0,.1)",
    "tb-stop": "#a3123a",
    "tb-stop-wash": "rgba(163,18,58,.1)",
    "tb-quiet": QUIET,
    "tb-zero": "#6a7686",
    "tb-row-rim": f"rgba({_GREY},.18)",
    "tb-card-rim": f"rgba({_GREY},.3)",
    "tb-rim": f"rgba({_GREY},.5)",
    "tb-shadow": f"rgba({_SHADOW},.3)",
    "tb-backdrop": f"rgba({_SHADOW},.2)",
}
PAGE_COLOURS = {
    "ink": INK,
    "quiet": QUIET,
    "line": LINE,
    "paper": "#fff",
    "wash": "#f5f7fa",
    "accent": ACCENT,
    "banner": "#fff3d6",
    "banner-ink": "#5c3d00",
    "banner-rim": "#e6c778",
    "control": "#7d8898",
    "scroll-shadow": f"rgba({_SHADOW},.18)",
    "kept": "#00614a",
    "doubtful": "#8a4b00",
    "broken": "#a3123a",
}
# The same on a dark screen; the colours of charts are turned round there, hues as they are.
_PALE = "163,175,191"
DARK_COLOURS = {
    "tb-link": "#82c4f2",
    "tb-notice": "#5aa9dc",
    "tb-warning": "#ef8a4c",
    "tb-warning-wash": "rgba(239,138,76,.14)",
    "tb-stop": "#ff8c9d",
    "tb-stop-wash": "rgba(255,140,157,.14)",
    "tb-quiet": "#a9b4c3",
    "tb-zero": "#8692a2",
    "tb-row-rim": f"rgba({_PALE},.18)",
    "tb-card-rim": f"rgba({_PALE},.3)",
    "tb-rim": f"rgba({_PALE},.5)",
    "tb-shadow": "rgba(0,0,0,.6)",
    "tb-backdrop": "rgba(0,0,0,.5)",
    "ink": "#e7ebf0",
    "quiet": "#a9b4c3",
    "line": "#38414d",
    "paper": "#14181e",
    "wash": "#1c222a",
    "accent": "#82c4f2",
    "banner": "#3b2f0e",
    "banner-ink": "#f6e2ad",
    "banner-rim": "#6f5a1e",
    "control": "#8692a2",
    "scroll-shadow": "rgba(0,0,0,.6)",
    "kept": "#63d2aa",
    "doubtful": "#f0b25f",
    "broken": "#ff8c9d",
}
# The first page alone: severity, the marks of the ladder, and the ordered shades of dose, from light to dark.
INDEX_COLOURS = {
    "alarm": "#b3261e",
    "caution": "#d89a3a",
    "mark-rim": "#6f8292",
    "mark-open": "#8a5200",
    "unseen": "#7a8894",
    "window": "#e9eef3",
    "life-none": "#9aa8b3",
    "dose-none": "#c9d2da",
    "dose-1": DOSES[0],
    "dose-2": DOSES[1],
    "dose-3": DOSES[2],
}
INDEX_DARK_COLOURS = {
    "alarm": "#ff6b60",
    "mark-rim": "#93a4b3",
    "mark-open": "#f0b25f",
    "unseen": "#93a1ae",
    "window": "#29313b",
    "life-none": "#76838f",
    "dose-none": "#5b6672",
    "dose-1": "#33658f",
    "dose-2": "#5fa3d9",
    "dose-3": "#bfe0f7",
}


def on_dark_screens(colours: Mapping[str, str]) -> str:
    """The style rule that gives colours their values on a dark screen; paper is white."""
    return f"@media screen and (prefers-color-scheme:dark){{{custom_properties(colours).rstrip()}}}\n"


def custom_properties(colours: Mapping[str, str]) -> str:
    """A style rule that gives each colour its name, as `var(--name)` in what follows."""
    return f":root{{{';'.join(f'--{name}:{colour}' for name, colour in colours.items())}}}\n"


BLOCK_CSS = custom_properties(BLOCK_COLOURS) + template_text("blocks.css")
BLOCK_STYLE = f"<style>{BLOCK_CSS}</style>"
INDEX_CSS = custom_properties(INDEX_COLOURS) + on_dark_screens(INDEX_DARK_COLOURS) + template_text("index.css")
PAGE_CSS = (
    BLOCK_CSS + custom_properties(PAGE_COLOURS) + on_dark_screens(DARK_COLOURS) + template_text("page.css")
)  # fmt: skip

# ----------------------------------------------------------------------------------------------------
# Charts.

# Charts are measured with the fonts that vl-convert carries, so that a static chart is the same on every machine.
CHART_FONT = "Liberation Sans, Arial, Helvetica, sans-serif"


def chart_config() -> dict[str, Any]:
    """The Vega-Lite configuration of every chart."""
    axis = {
        "labelColor": INK, "titleColor": INK, "domainColor": QUIET, "tickColor": QUIET, "gridColor": GRID,
        "labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": 600, "labelLimit": 240, "titlePadding": 8,
    }  # fmt: skip
    return {
        "config": {
            "font": CHART_FONT,
            "background": PAPER,
            # A chart is one labelled image with a summary, not a graphics node for every mark.
            "aria": False,
            "view": {"continuousWidth": 640, "continuousHeight": 300, "stroke": None},
            "range": {
                "category": PALETTE, "ordinal": SEQUENTIAL, "ramp": SEQUENTIAL, "heatmap": SEQUENTIAL,
            },
            "axis": axis,
            # Every colour is said: a dark JupyterLab brings white letters, and they would be on our white paper.
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
