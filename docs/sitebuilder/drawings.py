"""The picture of the architecture, drawn from the import contract; `make docs-images` writes it."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from html import escape
from pathlib import Path

# What each folder is for, in the picture.
PURPOSE = {
    "analyses": "count, rate, survival",
    "cli": "command line", "commands": "one module per command",
    "explore": "a built cut in Python", "interactive": "notebooks run by hand",
    "provenance": "verify", "pipeline": "build, cache, publish", "kernels": "run notebooks",
    "workbook": "the step of a notebook", "lab": "JupyterLab settings", "display": "tables, charts, pages",
    "diff": "two versions compared", "eligibility": "ADIE", "escalation_simulation": "operating characteristics",
    "profiles": "one subject", "conduct": "visits, ADDV", "records_behind": "of a number",
    "signals": "what to look at first", "monitoring": "stopping rules", "documents": "PDF, Word, slides",
    "reconciliation": "the files of others",
    "cleaning": "clean domains", "dlt": "ADDLT, rules", "efficacy": "ADRS, ADTTE",
    "gvhd": "stages, grade", "safety": "ADAE, ADLB", "snapshot": "any export", "contracts": "data contracts",
    "drugs": "which drug", "subjects": "ADSL", "protocol": "parameters", "queries": "query list",
    "results": "ARD", "core": "dates, units, errors", "statistics": "estimators",
}  # fmt: skip
WIDTH, ROW, GAP, EDGE = 860, 46, 10, 16


def layers_of(root: Path) -> list[list[str]]:
    """The layers of the import contract, the highest first; folders of one layer may not import each other."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    contract = next(c for c in project["tool"]["importlinter"]["contracts"] if c["type"] == "layers")
    return [[name.strip() for name in layer.split("|")] for layer in contract["layers"]]


def layers_drawing(layers: Sequence[Sequence[str]]) -> str:
    """An SVG with one row per layer, the highest on top; a folder imports from the rows below it only."""
    height = EDGE * 2 + 26 + len(layers) * (ROW + GAP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        'role="img" font-family="system-ui, sans-serif">',
        "<title>The folders of src/trialbook in layers: each imports from the layers below it only</title>",
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
        _text(EDGE, EDGE + 12, 13, "A folder imports from the rows below it only.", "#333333", "start"),
    ]
    for k, layer in enumerate(layers):
        y = EDGE + 26 + k * (ROW + GAP)
        width = (WIDTH - 2 * EDGE - GAP * (len(layer) - 1)) / len(layer)
        for j, name in enumerate(layer):
            x = EDGE + j * (width + GAP)
            box = f'<rect x="{x:.0f}" y="{y}" width="{width:.0f}" height="{ROW}" rx="5"'
            parts += [
                f'{box} fill="#eef3f8" stroke="#4a6a8a"/>',
                _text(x + width / 2, y + 20, 14, name, "#1d2b3a"),
                _text(x + width / 2, y + 37, 11, PURPOSE.get(name, ""), "#52606d"),
            ]
    return "\n".join([*parts, "</svg>"]) + "\n"


def _text(x: float, y: float, size: int, words: str, colour: str, anchor: str = "middle") -> str:
    place = f'x="{x:.0f}" y="{y}" font-size="{size}" text-anchor="{anchor}"'
    return f'<text {place} fill="{colour}">{escape(words)}</text>'
