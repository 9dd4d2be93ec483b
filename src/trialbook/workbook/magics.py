"""Magics that a build may meet in a notebook: what they measure or set is of use to a person at the desk only.

A build runs the cell without them, and publishes it so; nothing that they would print gets onto a page.

%%time, %time          the code that they measure runs, unmeasured
%timeit, %%timeit      nothing runs: what they measure leaves nothing
%matplotlib inline, %load_ext autoreload, %reload_ext autoreload, %autoreload, %config InlineBackend...    left out

Which lines of a cell are magics is asked of IPython itself, since a line that begins with `%` may be part of a text or
of a division.
"""

from __future__ import annotations

import ast
import json
import re

from trialbook.core.syntax import syntax_tree

TIMED = "time"
LEFT_OUT = {
    "timeit": r"",
    "matplotlib": r"inline",
    "load_ext": r"autoreload",
    "reload_ext": r"autoreload",
    "autoreload": r"[0-3]?|off|now|explicit|all|complete",
    "config": r"InlineBackend\.\w+\s*=[^;!]*",
}
HARMLESS = ("%%time", "%time", "%%timeit", "%timeit", "%matplotlib inline", "%load_ext autoreload", "%autoreload",
            "%config InlineBackend")  # fmt: skip
NOTE = "# not run in a build: "
# Magics may be nested, as %%time over %load_ext.
DEEPEST = 5
LINE = re.compile(r"(?P<before>\s*(?:[\w., \[\]\"']+=\s*)?)%(?P<name>\w+)[ \t]*(?P<rest>.*)")
CELL = re.compile(r"\s*%%(?P<name>\w+)[^\n]*(?P<body>(?:\n.*)?)", re.DOTALL)
MANY_RUNS = {"timeit"}


def plain_source(source: str) -> str:
    """The cell as a build runs it: without harmless magics. Whatever else is no Python stays as it is.

    >>> plain_source("%%time\\nadsl = step.read('adsl')")
    "# not run in a build: %%time\\nadsl = step.read('adsl')"
    >>> plain_source("!ls")
    '!ls'
    """
    for _ in range(DEEPEST):
        if is_python(source):
            return source
        plainer = _without_cell_magic(source) or _without_line_magics(source)
        if plainer is None:
            return source
        source = plainer
    return source


def plain_notebook(content: bytes) -> bytes:
    """The bytes of a notebook with each code cell as a build runs it; the same bytes where nothing changes."""
    notebook = json.loads(content)
    changed = False
    for cell in notebook["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "code" and "%" in source:
            plain = plain_source(source)
            changed, cell["source"] = changed or plain != source, plain
    return json.dumps(notebook, ensure_ascii=False, indent=1).encode("utf-8") if changed else content


def is_python(source: str) -> bool:
    """Whether the source is plain Python, and so holds neither magics nor shell escapes."""
    try:
        syntax_tree(source)
    except SyntaxError:
        return False
    return True


def refused_magic(source: str) -> str | None:
    """The first magic or shell escape of a cell that a build does not run, as it is written; None without one."""
    for line in _transformed(source).splitlines():
        for node in _calls(line):
            name = getattr(node.func, "attr", "")
            if name in ("system", "getoutput"):
                return "a shell escape"
            words = [str(part.value) for part in node.args if isinstance(part, ast.Constant)]
            if name == "run_cell_magic":
                return f"the magic %%{words[0]}"
            if name == "run_line_magic":
                return f"the magic %{words[0]}"
    return None


def _without_cell_magic(source: str) -> str | None:
    """The cell without the harmless magic at its head, the number of its lines kept; None where there is none."""
    found = CELL.fullmatch(source)
    if found is None or found["name"] not in (TIMED, *MANY_RUNS):
        return None
    head, *body = source.split("\n")
    while not head.strip():
        head, *body = body
    if found["name"] in MANY_RUNS:
        return "\n".join(f"{NOTE}{line}".rstrip() for line in (head, *body))
    code = head.strip().removeprefix(f"%%{TIMED}").strip()
    # Options change how an error is handled; code in the line of the magic is not run as part of the cell.
    return None if code else "\n".join([f"{NOTE}{head.strip()}", *body])


def _without_line_magics(source: str) -> str | None:
    """The cell without harmless line magics; None where there is none, or IPython sees its lines otherwise."""
    lines = source.split("\n")
    seen = _transformed(source).removesuffix("\n").split("\n")
    if len(seen) != len(lines):
        return None
    pairs = zip(lines, seen, strict=True)
    plain = [_plain_line(line) if found != line and _calls(found) else line for line, found in pairs]
    return "\n".join(plain) if plain != lines else None


def _plain_line(line: str) -> str:
    found = LINE.fullmatch(line)
    if found is None:
        return line
    before, name, rest = found["before"], found["name"], found["rest"].strip()
    if name == TIMED and rest and not rest.startswith("-"):
        return f"{before}{rest}"
    if name in MANY_RUNS and not before.strip():
        return f"{before}pass  {NOTE}%{name} {rest}"
    if name in LEFT_OUT and not before.strip() and re.fullmatch(LEFT_OUT[name], rest):
        return f"{before}pass  {NOTE}%{name} {rest}".rstrip()
    return line


def _transformed(source: str) -> str:
    """The cell as IPython would hand it to Python; the source itself where IPython cannot read it."""
    from IPython.core.inputtransformer2 import TransformerManager

    try:
        return str(TransformerManager().transform_cell(source))  # type: ignore[no-untyped-call]
    except SyntaxError:
        return source


def _calls(line: str) -> list[ast.Call]:
    """Calls of IPython in one line of a transformed cell."""
    found = re.search(r"get_ipython\(\)\.(?:run_line_magic|run_cell_magic|system|getoutput)\(.*\)", line)
    try:
        tree = syntax_tree(found[0]) if found else None
    except SyntaxError:
        return []
    nodes = ast.walk(tree) if tree else []
    return [n for n in nodes if isinstance(n, ast.Call) and isinstance(n.func, ast.Attribute)]
