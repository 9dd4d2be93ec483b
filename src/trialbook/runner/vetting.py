"""Refuses notebooks whose cells could end a run unseen: shell escapes, most magics, quitting, work beside the cells."""

from __future__ import annotations

import ast

import nbformat

from trialbook.runner.magics import HARMLESS, plain_source, refused_magic
from trialbook.syntax import syntax_tree

# Calls that end the kernel, or start another program whose failure nobody sees, by whatever object they are called.
ENDING = {
    "exit", "quit", "_exit", "abort", "system", "popen", "fork", "forkpty", "posix_spawn", "posix_spawnp", "startfile",
    *(f"exec{how}" for how in ("l", "le", "lp", "lpe", "v", "ve", "vp", "vpe")),
    *(f"spawn{how}" for how in ("l", "le", "lp", "lpe", "v", "ve", "vp", "vpe")),
    # Imports past this check.
    "import_module",
}  # fmt: skip
# Calls that could hide any of these from this check, or wait for a person.
HIDING = {"exec", "eval", "compile", "__import__", "get_ipython", "input", "breakpoint"}
# A failure in a thread, a task or another process leaves every cell "completed".
BESIDE = {
    "asyncio", "threading", "_thread", "multiprocessing", "concurrent", "subprocess", "pty", "sched",
    "importlib", "runpy", "ctypes", "builtins",
}  # fmt: skip


def refusal(notebook: nbformat.NotebookNode) -> str | None:
    """Why this notebook may not be run as a step of a build, or None.

    Each of these has been seen to end with status 0 and every cell "completed": `quit()` and `!false` in the middle of
    a notebook, and a failing cell that is tagged as allowed to fail.
    """
    for position, cell in enumerate([c for c in notebook.cells if c.cell_type == "code"], start=1):
        if "raises-exception" in cell.metadata.get("tags", []):
            return f"code cell {position} is allowed to fail"
        source = plain_source(cell.source)
        try:
            tree = syntax_tree(source)
        except SyntaxError:
            magic = refused_magic(source)
            if magic is None:
                return f"code cell {position} is not valid Python"
            allowed = ", ".join(HARMLESS)
            return f"code cell {position} uses {magic}; of magics a build allows {allowed}, each whole in its line"
        for node in ast.walk(tree):
            modules = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            modules += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            beside = [module for module in modules if module.split(".")[0] in BESIDE]
            if beside:
                return f"code cell {position} imports {beside[0]}"
            name = _called(node)
            if name:
                return f"code cell {position} calls {name}()"
    return None


def _called(node: ast.AST) -> str | None:
    """The name of a refused function that is called here."""
    if not isinstance(node, ast.Call):
        return None
    name = getattr(node.func, "attr", getattr(node.func, "id", ""))
    return name if name in ENDING or (isinstance(node.func, ast.Name) and name in HIDING) else None
