"""Python source as a syntax tree, built by one thread at a time."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from threading import RLock

# CPython 3.11 counts the depth of a tree for all threads together, and stops with a SystemError ("AST constructor
# recursion depth mismatch") when two threads build one at the same time.
_ONE_AT_A_TIME = RLock()


def syntax_tree(source: str) -> ast.Module:
    """`ast.parse`, safe to call from several threads; the tree is shared, and is for reading only.

    Raises SyntaxError for text that is not Python.

    >>> type(syntax_tree("n = 3").body[0]).__name__
    'Assign'
    """
    with _ONE_AT_A_TIME:
        return _parsed(source)


@lru_cache(maxsize=256)
def _parsed(source: str) -> ast.Module:
    # A build asks the same of each cell many times: is it Python, what does it import, may it run.
    return ast.parse(source)


@contextmanager
def trees_elsewhere() -> Iterator[None]:
    """Around a library call that builds syntax trees itself (pandas does for every condition on rows)."""
    with _ONE_AT_A_TIME:
        yield
