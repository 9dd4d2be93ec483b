"""Runs the examples of the pages: a block marked `run` holds commands or Python, and the site shows what they print.

The blocks of a page that are marked `python session` run one after the other in one process, as the cells of a notebook
do: the site shows what each prints, and the value of its last line.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

BLOCK = re.compile(r"^```(console|python) run(?: exit=(\d+))?(?: lines=(\d+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SESSION = re.compile(r"^```python session(?: lines=(\d+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# The cuts that sessions ask: a link to the build of the project, made here where there is none.
BUILT = ("2025-06-30", "2025-09-30")
# Reads the blocks as JSON, and prints as JSON what each shows.
DRIVER = """
import ast, contextlib, io, json, sys
import pandas
pandas.set_option("display.width", 110, "display.max_columns", 12)
names, shown = {}, []
for block in json.loads(sys.stdin.read()):
    tree = ast.parse(block)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        exec(compile(tree, "example", "exec"), names)
        value = eval(compile(ast.Expression(last.value), "example", "eval"), names) if last else None
        if value is not None:
            print(value if isinstance(value, str) else repr(value))
    shown.append(said.getvalue())
print(json.dumps(shown))
"""
COPIED = ("params", "data_contracts", "notebooks", "data")
# How a reader's own folder is called in the output.
SHOWN = "/home/me/trialbook"
SECONDS = 300


class ExampleError(RuntimeError):
    """An example of a page does not do what the page says."""


class Examples:
    """A scratch copy of the project in which the examples of all pages run, in the order of the pages."""

    def __init__(self, root: Path, folder: Path) -> None:
        self._work, self._root = folder / "trialbook", root
        self._work.mkdir(parents=True)
        for name in COPIED:
            shutil.copytree(root / name, self._work / name, ignore=shutil.ignore_patterns(".ipynb_checkpoints"))

    def run(self, name: str, text: str) -> str:
        """The page with the output of its examples; raises ExampleError where one fails."""

        def shown(match: re.Match[str]) -> str:
            kind, wanted, lines, body = match[1], int(match[2] or 0), int(match[3] or 0), match[4].rstrip("\n")
            if kind == "python":
                output = self._one([sys.executable, "-c", body], body, wanted, name)
                return f"```python\n{body}\n```\n\n```text\n{_cut(output, lines)}\n```"
            done = []
            for command in body.split("\n"):
                if not command.startswith("$ "):
                    raise ExampleError(f"{name}: a line of a console example begins with `$ `: {command}")
                output = self._one(["bash", "-c", command[2:]], command, wanted, name)
                done += [command, *([_cut(output, lines)] if output else [])]
            return "```console\n" + "\n".join(done) + "\n```"

        return BLOCK.sub(shown, self._with_sessions(name, text))

    def _with_sessions(self, name: str, text: str) -> str:
        """The page with the output of its session."""
        blocks = [match[2].rstrip("\n") for match in SESSION.finditer(text)]
        if not blocks:
            return text
        for cut in BUILT:
            place = self._work / "build" / cut
            if (self._root / "build" / cut / "manifest.json").is_file() and not place.exists():
                place.parent.mkdir(exist_ok=True)
                place.symlink_to(self._root / "build" / cut)
            if not place.exists():
                command = f"trialbook build {cut}"
                self._one(["bash", "-c", f"{command} 2>/dev/null"], command, 0, name)
        said = self._one([sys.executable, "-c", DRIVER], f"the session of {name}", 0, name, json.dumps(blocks))
        outputs = iter(json.loads(said))

        def shown(match: re.Match[str]) -> str:
            body, output = match[2].rstrip("\n"), next(outputs).strip("\n")
            lines = "\n".join(line.rstrip() for line in output.split("\n"))
            told = f"\n\n```text\n{_cut(lines, int(match[1] or 0))}\n```" if output else ""
            return f"```python\n{body}\n```{told}"

        return SESSION.sub(shown, text)

    def _one(self, words: list[str], told: str, wanted: int, name: str, given: str = "") -> str:
        # `python` and `trialbook` are those of this environment; nothing else of the caller's settings takes part.
        environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith(("TRIALBOOK_", "PYTEST_"))},
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "COLUMNS": "100", "NO_COLOR": "1",
            "TERM": "dumb", "PYTHONUTF8": "1", "TRIALBOOK_ROOT": str(self._work),
        }  # fmt: skip
        found = subprocess.run(
            words,
            cwd=self._work,
            env=environment,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
            input=given,
        )
        if found.returncode != wanted:
            raise ExampleError(
                f"{name}: exit status {found.returncode}, not {wanted}: {told}\n{found.stdout}{found.stderr}"
            )
        text = (found.stdout + found.stderr).replace(str(self._work), SHOWN).replace(str(self._root), SHOWN)
        return "\n".join(line.rstrip() for line in text.strip("\n").split("\n")).strip("\n")


def _cut(output: str, lines: int) -> str:
    shown = output.split("\n")
    if not lines or len(shown) <= lines:
        return output
    return "\n".join([*shown[:lines], f"... ({len(shown) - lines} more lines)"])
