"""The picture of the architecture, drawn from the import contract."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

# What each folder is for, in the picture.
PURPOSE = {
    "cli": "command line", "commands": "one module per command", "interactive": "notebooks run by hand",
    "provenance": "verify", "pipeline": "build, cache, publish", "kernels": "run notebooks",
    "workbook": "the step of a notebook", "lab": "JupyterLab settings", "display": "tables, charts, pages",
    "diff": "two versions compared", "eligibility": "ADIE", "escalation_simulation": "operating characteristics",
    "profiles": "one subject", "cleaning": "clean domains", "dlt": "ADDLT, rules", "efficacy": "ADRS, ADTTE",
    "gvhd": "stages, grade", "safety": "ADAE, ADLB", "snapshot": "any export", "contracts": "data contracts",
    "drugs": "which drug", "subjects": "ADSL", "protocol": "parameters", "queries": "query list",
    "results": "ARD", "core": "dates, units, errors", "statistics": "estimators",
}  # fmt: skip
WIDTH, ROW, GAP, EDGE = 860, 46, 10, 16


def layers_drawing(layers: Sequence[Sequence[str]]) -> str:
    """An SVG with one row per layer, the highest on top; a folder imports from the rows below it only."""
    height = EDGE * 2 + 26 + len(layers) * (ROW + GAP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        'role="img" font-family="system-ui, sans-serif">',
        "<title>The folders of src/trialbook in layers: each imports from the layers below it only</title>",
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
        f'<text x="{EDGE}" y="{EDGE + 12}" font-size="13" fill="#333">A folder imports from the rows below it only.</text>',
    ]
    for k, layer in enumerate(layers):
        y = EDGE + 26 + k * (ROW + GAP)
        width = (WIDTH - 2 * EDGE - GAP * (len(layer) - 1)) / len(layer)
        for j, name in enumerate(layer):
            x, middle = EDGE + j * (width + GAP), EDGE + j * (width + GAP) + width / 2
            parts += [
                f'<rect x="{x:.0f}" y="{y}" width="{width:.0f}" height="{ROW}" rx="5" fill="#eef3f8" stroke="#4a6a8a"/>',
                f'<text x="{middle:.0f}" y="{y + 20}" font-size="14" text-anchor="middle" fill="#1d2b3a">{escape(name)}</text>',
                f'<text x="{middle:.0f}" y="{y + 37}" font-size="11" text-anchor="middle" fill="#52606d">'
                f"{escape(PURPOSE.get(name, ''))}</text>",
            ]
    return "\n".join([*parts, "</svg>"]) + "\n"
