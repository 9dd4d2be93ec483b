"""The cells of a notebook, each run when it is needed and once: with the names that the cells above it have left.

Which cells one needs is read from its names, so that a single table costs the cells that it rests on, not the notebook.
"""

from __future__ import annotations

import ast
import re
import symtable
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from trialbook.workbook.magics import plain_source

# What a cell asks of its step without changing what later cells get from it. Any other call changes the step.
CHANGES_NOTHING = (
    "table", "figure", "sentence", "headline", "title", "read", "ask", "write", "report", "close", "derive",
)  # fmt: skip
# Calls that add to the results which tables of results look into.
REPORTING = re.compile(r"\bstep\.(?:report|headline)\(|\btb\.(?:count|rate|survival)\(")
# Calls that leave numbers or datasets for later steps.
LEAVING = re.compile(rf"{REPORTING.pattern}|\bstep\.(?:write|write_clean|use_subjects)\(")
TABLE_OF = re.compile(r"\bstep\.table\(\s*([A-Za-z_]\w*)")
IN_A_QUERY = re.compile(r"@([A-Za-z_]\w*)")


@dataclass(frozen=True)
class CellNames:
    """The names that a cell reads, and those that it makes or changes.

    >>> found = CellNames.of("rows = frame.query('AGE > @least')\\nrows['X'] = [one for one in other]\\nrows.head()")
    >>> sorted(found.reads), sorted(found.makes)
    (['frame', 'least', 'other'], ['rows'])
    """

    reads: frozenset[str]
    makes: frozenset[str]

    @classmethod
    def of(cls, source: str) -> CellNames:
        """The names of a cell; raises SyntaxError where it cannot be read."""
        reads: set[str] = set()
        makes: set[str] = set()
        certain: set[str] = set()  # made by the lines above, and so not read from other cells
        lines = ast.parse(source).body
        for line in lines:
            top = symtable.symtable(ast.unparse(line), "cell", "exec")
            changed = set(_changed(line, shown=line is lines[-1]))
            reads |= ({*_read(top), *_in_queries(line), *_added_to(line)} | changed) - certain
            made = {symbol.get_name() for symbol in top.get_symbols() if symbol.is_assigned() or symbol.is_imported()}
            makes |= made | changed
            if not isinstance(line, (ast.If, ast.For, ast.While, ast.Try, ast.Match)):
                certain |= made
        return cls(frozenset(reads), frozenset(makes))


def _read(table: symtable.SymbolTable) -> Iterator[str]:
    """The names of the notebook that are read in a scope or in one within it."""
    top = table.get_type() == "module"
    for symbol in table.get_symbols():
        if symbol.is_referenced() and (top or symbol.is_global()):
            yield symbol.get_name()
    for inner in table.get_children():
        yield from _read(inner)


def _in_queries(line: ast.stmt) -> Iterator[str]:
    """The names that texts such as `AGE > @least` name."""
    for node in ast.walk(line):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from IN_A_QUERY.findall(node.value)


def _added_to(line: ast.stmt) -> Iterator[str]:
    """The names that `x += 1` reads and changes."""
    for node in ast.walk(line):
        if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
            yield node.target.id


def _changed(line: ast.stmt, shown: bool) -> Iterator[str]:
    """The names whose things are changed in place: `x["A"] = 1`, `x.a = 1`, and `x.append(1)` as a line of its own.

    `shown`: whether it is the last line, whose value the cell shows.
    """
    for node in ast.walk(line):
        if isinstance(node, (ast.Subscript, ast.Attribute)) and isinstance(node.ctx, (ast.Store, ast.Del)):
            yield from _base(node)
    call = line.value if isinstance(line, ast.Expr) else None
    if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute):
        of_step = isinstance(call.func.value, ast.Name) and call.func.value.id == "step"
        if call.func.attr not in CHANGES_NOTHING if of_step else not shown:
            yield from _base(call.func)


def _base(node: ast.expr) -> Iterator[str]:
    while isinstance(node, (ast.Subscript, ast.Attribute, ast.Call)):
        node = node.func if isinstance(node, ast.Call) else node.value
    if isinstance(node, ast.Name):
        yield node.id


class Cells:
    """The code cells of a notebook by their position, run as far as they are needed.

    `sources`: the code of each cell by its position; the first ones, to the one that opens the step, go before all
    others. A cell that stopped stops those that need it with the same error.
    """

    def __init__(self, name: str, sources: Mapping[int, str]) -> None:
        self._name = name
        self._sources = {position: plain_source(source) for position, source in sorted(sources.items())}
        self._names = {position: CellNames.of(source) for position, source in self._sources.items()}
        opened = next((p for p, names in self._names.items() if "step" in names.makes), -1)
        self._first = [position for position in self._sources if position <= opened]
        self._left: dict[int, dict[str, Any]] = {}
        self._shown: dict[int, Any] = {}
        self._stopped: dict[int, Exception] = {}
        self._now: list[int] = []

    def needed(self, position: int) -> list[int]:
        """The positions of the cells that this one needs, itself last, in the order of the notebook."""
        found: set[int] = set()
        waiting = [position]
        while waiting:
            at = waiting.pop()
            if at in found:
                continue
            found.add(at)
            waiting += [first for first in self._first if first < at]
            for name in self._names[at].reads:
                makers = [p for p in self._sources if p < at and name in self._names[p].makes]
                waiting += makers[-1:]
        return sorted(found)

    def shown(self, position: int, tell: Callable[[int, int], None] = lambda done, of: None) -> Any:
        """What a cell shows: the value of its last line. Raises what it, or one that it needs, raised.

        `tell` gets the number of cells that have been run, and the number of all that are needed.
        """
        waiting = [p for p in self.needed(position) if p not in self._shown]
        for done, at in enumerate(waiting):
            tell(done, len(waiting))
            self._once(at)
        return self._shown[position]

    def report_above(self) -> None:
        """Runs the cells above the one that is running whose numbers a table of results may look up."""
        for position, source in self._sources.items():
            if position < self._now[-1] and REPORTING.search(source):
                self.shown(position)

    def reporting(self) -> list[int]:
        """The positions of the cells that report numbers, write a dataset, or show a result in a table."""
        return [p for p, source in self._sources.items() if LEAVING.search(source) or self._tables_a_result(p, source)]

    def _tables_a_result(self, position: int, source: str) -> bool:
        """Whether a cell shows a table of what `tb.count`, `tb.rate` or `tb.survival` gave, here or further above."""
        shown = TABLE_OF.findall(source)
        makers = [p for p, names in self._names.items() if p <= position and not names.makes.isdisjoint(shown)]
        return any(REPORTING.search(self._sources[p]) for p in makers)

    def _once(self, position: int) -> None:
        if position in self._shown:
            return
        if position in self._stopped:
            raise self._stopped[position]
        names: dict[str, Any] = {"__name__": "__main__"}
        for above in self._sources:
            if above < position:
                names |= self._left.get(above, {})
        self._now.append(position)
        try:
            self._shown[position] = _run(self._sources[position], names, f"{self._name}, cell {position}")
        except Exception as error:
            self._stopped[position] = error
            raise
        finally:
            self._now.pop()
        self._left[position] = {name: names[name] for name in self._names[position].makes if name in names}


def code_cells(cells: Iterable[Mapping[str, Any]]) -> dict[int, str]:
    """The source of each code cell of a notebook by its position."""
    return {
        position: "".join(cell["source"]) for position, cell in enumerate(cells) if cell["cell_type"] == "code"
    }  # fmt: skip


def _run(source: str, names: dict[str, Any], place: str) -> Any:
    tree = ast.parse(source, place)
    last = tree.body[-1] if tree.body else None
    if not isinstance(last, ast.Expr):
        exec(compile(tree, place, "exec"), names)  # noqa: S102 - cells of a published build
        return None
    tree.body.pop()
    exec(compile(tree, place, "exec"), names)  # noqa: S102
    return eval(compile(ast.Expression(last.value), place, "eval"), names)  # noqa: S307
