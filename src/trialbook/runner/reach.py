"""Which files of the library a notebook or module can reach: its imports, and theirs, without running anything."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from trialbook.syntax import syntax_tree

PACKAGE = Path(__file__).resolve().parents[1]
NAME = PACKAGE.name
# Import statements as the formatter of this library writes them; a test holds this to the syntax trees of all files.
FOR_TYPES = re.compile(r"^if TYPE_CHECKING:\n(?:(?:[ \t].*)?\n)+", re.MULTILINE)
FROM = re.compile(rf"^[ \t]*from ({NAME}[\w.]*) import (\([^)]*\)|.+)", re.MULTILINE)
WHOLE = re.compile(rf"^[ \t]*import ({NAME}[\w.]*)", re.MULTILINE)
COMMENT = re.compile(r"#.*")


def reachable_files(modules: Iterable[str]) -> list[str]:
    """Files of the library, relative to it, that these modules (`trialbook.x.y`) reach through imports, sorted.

    Imports inside functions count, those for type checking alone do not. A package's files that are not Python
    (templates, styles) belong to it.
    """
    found: set[Path] = set()
    waiting = [path for name in modules for path in _files_of(name)]
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            waiting += [file for name in _imports_of(path) for file in _files_of(name)]
    beside = {file for path in found if path.name == "__init__.py" for file in _data_files(path.parent)}
    return sorted(path.relative_to(PACKAGE).as_posix() for path in found | beside)


def imported_names(source: str) -> list[str]:
    """Modules of the library that this Python source imports, and what it imports from them, sorted."""
    return sorted(set(_named(syntax_tree(source))))


@cache
def _imports_of(path: Path) -> tuple[str, ...]:
    if path.suffix != ".py":
        return ()
    source = path.read_text(encoding="utf-8")
    if path != PACKAGE / "__init__.py":
        return tuple(sorted(written_imports(source)))
    tree = syntax_tree(source)
    # Every module imports it; what its `open_step` imports is reached only by a notebook, which names it.
    tree.body = [part for part in tree.body if not isinstance(part, ast.FunctionDef)]
    return tuple(sorted(set(_named(tree))))


def written_imports(source: str) -> set[str]:
    """The same as `imported_names` for a file of this library, from its text: a sixth of the time."""
    text = FOR_TYPES.sub("", COMMENT.sub("", source))
    found = {match[1] for match in WHOLE.finditer(text)}
    for module, names in FROM.findall(text):
        listed = names.strip("() \n").split(",")
        found |= {module, *(f"{module}.{name.split()[0]}" for name in listed if name.strip())}
    return found


def _named(node: ast.AST) -> Iterator[str]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.expr):
            continue  # holds no statement
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            for other in child.orelse:
                yield from _named(other)
            continue
        if isinstance(child, ast.Import):
            yield from (alias.name for alias in child.names if alias.name.split(".")[0] == NAME)
        elif isinstance(child, ast.ImportFrom) and (child.module or "").split(".")[0] == NAME:
            yield str(child.module)
            # What is imported from a package may be a module of it.
            yield from (f"{child.module}.{alias.name}" for alias in child.names)
        yield from _named(child)


@cache
def _files_of(name: str) -> tuple[Path, ...]:
    """The files that importing this name executes: every package above it, and the module where it is one."""
    parts = name.split(".")[1:]
    files = [PACKAGE / "__init__.py"]
    for depth in range(1, len(parts) + 1):
        place = PACKAGE.joinpath(*parts[:depth])
        if (place / "__init__.py").is_file():
            files.append(place / "__init__.py")
        elif place.with_suffix(".py").is_file():
            files.append(place.with_suffix(".py"))
            break
        else:
            break
    return tuple(files)


def _data_files(folder: Path) -> list[Path]:
    return [p for p in folder.iterdir() if p.is_file() and p.suffix not in (".py", ".pyc")]


def notebook_imports(content: bytes) -> list[str]:
    """Modules of the library that the code cells of a notebook import; the object that a step works with besides."""
    cells = json.loads(content)["cells"]
    sources = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    return ["trialbook.runner.step", *(name for source in sources for name in imported_names(source))]
