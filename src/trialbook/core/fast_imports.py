"""Keeps slow, unneeded imports out of the processes of the workbook."""

from __future__ import annotations

import gc
import importlib
import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

# What libraries of a build import only in case somebody wants it, and do without where it is not installed: checkers of
# formats that no schema here asks for (jsonschema), a debugger (kernels), storage in clouds (pyarrow).
UNWANTED = (
    "fqdn", "isoduration", "rfc3339_validator", "rfc3986_validator", "uri_template", "webcolors", "debugpy",
    "pyarrow._azurefs", "pyarrow._gcsfs", "pyarrow._hdfs", "pyarrow._s3fs",
)  # fmt: skip


def skip_slow_format_checker() -> None:
    """Makes `rfc3987_syntax` unimportable, unless it has been imported already.

    jsonschema (behind nbformat, altair, papermill, nbconvert and every kernel) imports it when JupyterLab's server is
    installed, and it compiles a grammar for about two seconds in every process. All it adds is the checking of IRI
    formats, which no schema used here asks for; jsonschema treats it as not installed. Call this before jsonschema is
    imported.
    """
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]


@contextmanager
def only_what_is_used() -> Iterator[None]:
    """While this is open, `UNWANTED` modules count as not installed, and nothing looks for garbage among the many small
    objects of imports: together a quarter of what the imports of a kernel take.

    Afterwards each module can be imported as usual, and what is imported stays.
    """
    skipped = [name for name in UNWANTED if name not in sys.modules]
    sys.modules.update(dict.fromkeys(skipped))  # type: ignore[arg-type]
    collecting = gc.isenabled()
    gc.disable()
    try:
        # scipy names every part of numpy once, also the wrapper of Fortran programs.
        import_when_used("numpy.f2py")
        yield
    finally:
        gc.freeze()
        if collecting:
            gc.enable()
        for name in skipped:
            del sys.modules[name]


def import_when_used(name: str) -> None:
    """Replaces a module that is not imported yet by a placeholder: it is imported when a name in it is asked for.

    For modules that a library imports whole (`from scipy import stats`) and uses in few of its functions.
    """
    if name in sys.modules:
        return
    package, _, own = name.rpartition(".")
    parent = importlib.import_module(package)
    stand_in = ModuleType(name)
    stand_in.__spec__ = importlib.util.find_spec(name)

    def first_used(attribute: str) -> Any:
        # What looks through all modules asks for such names; the import of a part of the module asks for its path.
        if attribute.startswith("__") and attribute != "__path__":
            raise AttributeError(attribute)
        if sys.modules.get(name) is stand_in:
            del sys.modules[name]
        return getattr(importlib.import_module(name), attribute)

    setattr(stand_in, "__getattr__", first_used)  # noqa: B010 - a module's own, not that of its type
    sys.modules[name] = stand_in
    setattr(parent, own, stand_in)
