"""How much of the code of a notebook shows, rather than selects, derives or counts."""

from __future__ import annotations

import ast
import json
from pathlib import Path

SHOWING = {"table", "ard_table", "figure", "headline", "sentence", "notice", "key_numbers"}


def code_lines(notebook: Path) -> tuple[int, int]:
    """Lines of code of a notebook (its parameters among them), and those of calls that show and of labels."""
    every, showing = 0, 0
    for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] != "code":
            continue
        for statement in ast.parse("".join(cell["source"])).body:
            lines = (statement.end_lineno or statement.lineno) - statement.lineno + 1
            every += lines
            showing += lines if shows(statement) else 0
    return every, showing


def shows(statement: ast.stmt) -> bool:
    """Whether a statement shows something, or only holds labels for what is shown."""
    value = getattr(statement, "value", None)
    if isinstance(value, ast.Dict):
        return True
    calls = [node for node in ast.walk(statement) if isinstance(node, ast.Call)]
    return any(isinstance(call.func, ast.Attribute) and call.func.attr in SHOWING for call in calls)
