"""Which files of the library a notebook or module can reach: its imports, and theirs, without running anything.

Imports are found by grimp, which reads them as Python does: relative ones, those inside functions, names re-exported
by a package. What no reader of source can follow counts for everything it might be: a module that imports by a name
that it works out reaches the whole library.
"""

from __future__ import annotations

import ast
import json
import os
import re
from collections.abc import Collection, Iterable, Iterator
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from trialbook.core.file_marks import PACKAGE
from trialbook.core.syntax import syntax_tree
from trialbook.workbook.magics import plain_source
from trialbook.workbook.notebook_names import PUBLIC

if TYPE_CHECKING:
    import grimp

NAME = PACKAGE.name
# Functions that import, or run, what a name in a variable says.
IMPORTING = {"import_module", "__import__", "exec_module", "load_module", "run_module", "run_path"}
RUNNING = {"exec", "eval"}
DYNAMIC = re.compile(rf"\b(?:{'|'.join([*IMPORTING, *RUNNING])})\b")
# A file of the library, named by its path there.
PATH = re.compile(r"""["'](\w[\w-]*(?:/[\w.-]+)+)["']""")
# Modules whose names are worked out, but never those of this library; each was read.
IMPORTS_OTHERS_ONLY = ("core.fast_imports",)


class Library:
    """The modules of a package on the disk, and what each of them imports; `name` must be importable."""

    def __init__(self, name: str, folder: Path) -> None:
        self._name, self._folder = name, folder
        self._known_files: dict[str, list[str]] = {}
        self._known_imports: dict[str, set[str]] = {}

    def reachable(self, modules: Iterable[str]) -> list[str]:
        """Files, relative to the package, that importing these modules (`trialbook.x.y`) can execute or read, sorted.

        Imports inside functions count, those for type checking alone do not. A package's files that are not Python
        (templates, styles) belong to it, but for those that some module names by their path in the library, as in
        `"queries/texts/safety.yaml"`: these belong to the modules that name them. A name that is no module is read as
        what a module holds, as in `trialbook.core.units.mg`.
        """
        found: set[str] = set()
        waiting = [module for name in modules for module in self._executed(name)]
        while waiting:
            module = waiting.pop()
            if module in found:
                continue
            found.add(module)
            if module in self._follow_no_one:
                return self.files
            waiting += self._imports(module) - found
        return sorted({file for module in found for file in self._files_of(module)})

    def _files_of(self, module: str) -> list[str]:
        """The file of a module, and with a package what lies beside its modules."""
        if module not in self._known_files:
            beside = self._beside(module) if self._is_package(module) else ()
            own = [name for name in beside if name not in self._claimed]
            self._known_files[module] = [self._file(module), *own, *self._files_named.get(module, ())]
        return self._known_files[module]

    @cached_property
    def files(self) -> list[str]:
        """Every file of the package, sorted."""
        return sorted(path.relative_to(self._folder).as_posix() for path in _files_below(self._folder))

    @cached_property
    def _graph(self) -> grimp.ImportGraph:
        # Here, since a build in which nothing has changed asks for no imports.
        import grimp

        graph = grimp.build_graph(
            self._name, include_external_packages=False, exclude_type_checking_imports=True, cache_dir=None
        )
        # Every module imports the root; what its functions import is reached only by a notebook, which names it.
        for imported in list(graph.find_modules_directly_imported_by(self._name)):
            details = graph.get_import_details(importer=self._name, imported=imported)
            if all(entry["line_contents"] and self._is_in_function(entry["line_number"]) for entry in details):
                graph.remove_import(importer=self._name, imported=imported)
        return graph

    def _is_in_function(self, line: int) -> bool:
        return any(begin <= line <= end for begin, end in self._functions_of_the_root)

    @cached_property
    def _functions_of_the_root(self) -> list[tuple[int, int]]:
        tree = syntax_tree((self._folder / "__init__.py").read_text(encoding="utf-8"))
        return [
            (part.lineno, part.end_lineno or part.lineno) for part in tree.body if isinstance(part, ast.FunctionDef)
        ]

    def _imports(self, module: str) -> set[str]:
        """What importing a module executes besides."""
        if module not in self._known_imports:
            named = self._named_in_text.get(module, set())
            imported = self._graph.find_modules_directly_imported_by(module) | named
            self._known_imports[module] = {part for name in imported for part in self._executed(name)}
        return self._known_imports[module]

    @cached_property
    def _modules(self) -> set[str]:
        return self._graph.modules

    @cached_property
    def _texts(self) -> dict[str, str]:
        return {module: (self._folder / self._file(module)).read_text(encoding="utf-8") for module in self._modules}

    @cached_property
    def _named_in_text(self) -> dict[str, set[str]]:
        """Modules that are named in a string: imported by that name, or asked for their data files."""
        pattern = re.compile(rf"""["']({re.escape(self._name)}(?:\.\w+)+)["':]""")
        known = self._modules
        return {module: set(pattern.findall(text)) & known for module, text in self._texts.items() if "." in module}

    @cached_property
    def _files_named(self) -> dict[str, list[str]]:
        """The files that are not Python, by the modules that name them in full."""
        data = {name for name in self.files if not name.endswith(".py")}
        named = {module: data & set(PATH.findall(text)) for module, text in self._texts.items()}
        return {module: sorted(names) for module, names in named.items() if names}

    @cached_property
    def _claimed(self) -> set[str]:
        return {name for names in self._files_named.values() for name in names}

    @cached_property
    def _follow_no_one(self) -> set[str]:
        """Modules whose imports cannot be read from their text."""
        # What the root imports by name is found from the notebook that uses the name (`offered_names`).
        exempt = {self._name, *(f"{self._name}.{name}" for name in IMPORTS_OTHERS_ONLY)}
        return {module for module, text in self._texts.items() if module not in exempt and _is_dynamic(text)}

    def _executed(self, name: str) -> list[str]:
        """The modules that importing this name executes: every package above it, and the module where it is one."""
        parts = name.split(".")
        names = [".".join(parts[:depth]) for depth in range(1, len(parts) + 1)]
        return [module for module in names if module in self._modules]

    def _is_package(self, module: str) -> bool:
        return (self._place(module) / "__init__.py").is_file()

    def _place(self, module: str) -> Path:
        return self._folder.joinpath(*module.split(".")[1:])

    def _file(self, module: str) -> str:
        place = self._place(module)
        file = place / "__init__.py" if self._is_package(module) else place.with_suffix(".py")
        return file.relative_to(self._folder).as_posix()

    def _beside(self, package: str) -> Iterator[str]:
        """Files of a package that are no modules of it, also in folders below that are no packages."""
        for path in _files_below(self._place(package), packages=False):
            if path.suffix != ".py" or path.parent != self._place(package):
                yield path.relative_to(self._folder).as_posix()


def reachable_files(modules: Iterable[str]) -> list[str]:
    """`Library.reachable` of this library as it was when this process began to ask.

    >>> [name for name in reachable_files(["trialbook.statistics.intervals"]) if name.startswith("statistics/")]
    ['statistics/__init__.py', 'statistics/intervals.py']
    """
    return _this_library().reachable(modules)


@cache
def _this_library() -> Library:
    return Library(NAME, PACKAGE)


def notebook_imports(content: bytes) -> list[str]:
    """Modules of the library that the code cells of a notebook import; the object that a step works with besides."""
    sources = [plain_source(source) for source in code_cells(content)]
    aliases = {alias for source in sources for alias in _names_of_the_root(syntax_tree(source))}
    imported = [name for source in sources for name in imported_names(source)]
    offered = {name for source in sources for name in offered_names(source, aliases)}
    return ["trialbook.workbook.step", *imported, *sorted(offered)]


def offered_names(source: str, aliases: Collection[str]) -> set[str]:
    """Modules behind the names that this source uses of the root, as in `tb.rate(...)`; `aliases`: what it is called.

    Used in any other way than by a name, as in `getattr(tb, name)` or `from trialbook import *`, the root means all
    that it offers.

    >>> sorted(offered_names("orr = tb.rate(d28)", {"tb"}))
    ['trialbook.analyses.rate']
    """
    tree = syntax_tree(source)
    named, whole = set(), False
    attributes = {id(node.value): node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == NAME and not node.level:
            named |= {alias.name for alias in node.names}
            whole = whole or any(alias.name == "*" for alias in node.names)
        if isinstance(node, ast.Name) and node.id in aliases and isinstance(node.ctx, ast.Load):
            named |= {attributes[id(node)]} if id(node) in attributes else set()
            whole = whole or id(node) not in attributes
    return {f"{NAME}.{place.split(':')[0]}" for name, place in PUBLIC.items() if whole or name in named}


def _names_of_the_root(tree: ast.AST) -> set[str]:
    """What the source calls the root: `import trialbook as tb`, `import trialbook`."""
    return {
        alias.asname or NAME
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
        if alias.name == NAME or (alias.asname is None and alias.name.split(".")[0] == NAME)
    }


def code_cells(content: bytes) -> list[str]:
    """The sources of the code cells of a notebook."""
    cells = json.loads(content)["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]


def imported_names(source: str) -> list[str]:
    """Modules of the library that this Python source imports, and what it imports from them, sorted.

    >>> imported_names("from trialbook.core.units import factor")
    ['trialbook.core.units', 'trialbook.core.units.factor']
    """
    found: set[str] = set()
    for node in ast.walk(syntax_tree(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names if alias.name.split(".")[0] == NAME}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == NAME:
            found |= {str(node.module), *(f"{node.module}.{alias.name}" for alias in node.names)}
    return sorted(found)


def _is_dynamic(text: str) -> bool:
    """Whether a module imports, or runs, what it works out; a name that is written out is an import like any other."""
    if DYNAMIC.search(text) is None:
        return False
    for node in ast.walk(syntax_tree(text)):
        if isinstance(node, ast.ImportFrom) and any(alias.asname and alias.name in IMPORTING for alias in node.names):
            return True
        if not isinstance(node, ast.Call):
            continue
        plain = node.func.id if isinstance(node.func, ast.Name) else ""
        method = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        if plain in RUNNING or (
            {plain, method} & IMPORTING
            and not (node.args and isinstance(node.args[0], ast.Constant) and isinstance(node.args[0].value, str))
        ):
            return True
    return False


def _files_below(folder: Path, packages: bool = True) -> Iterator[Path]:
    """Files of a folder and of those below it; without `packages` those below that are packages are left out."""
    for place, folders, files in os.walk(folder):
        here = Path(place)
        folders[:] = sorted(
            name for name in folders
            if name != "__pycache__" and (packages or not (here / name / "__init__.py").is_file())
        )  # fmt: skip
        yield from (here / name for name in sorted(files) if not name.endswith(".pyc"))
