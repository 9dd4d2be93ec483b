"""What a kernel shows of what analysts put into a cell: the same as the page of the notebook, byte for byte.

A plain DataFrame is a house table; tables of great_tables and styled frames lose their random ids; charts of Altair
have our menu and no script from elsewhere; links lead to the profiles of the cut; no output names an address in memory,
which differs from run to run.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from time import monotonic
from typing import Any
from uuid import uuid4

Bundle = tuple[dict[str, Any], dict[str, Any]]
Linked = Callable[[str], str]
# ` at 0x7f2ed4637b90`, as Python names objects that have no text of their own.
ADDRESS = re.compile(r" at 0x[0-9A-Fa-f]{6,}")


def without_addresses(text: str) -> str:
    """The text without addresses in memory.

    >>> without_addresses("<Thing at 0x7f2ed4637b90>")
    '<Thing>'
    """
    return ADDRESS.sub("", text)


def show_as_on_pages(linked: Linked | None = None) -> None:
    """Makes the kernel of this process show tables, charts and links as pages do; `linked` turns the links to profiles
    of our HTML into those of the notebook.

    Does nothing outside of IPython. May be called again, for another cut.
    """
    shell = running_shell()
    if shell is not None:
        show_in(shell, linked)


def running_shell() -> Any:
    """The IPython shell of this process; None outside of IPython."""
    # Asked of the module: importing IPython would take a second where nobody uses it.
    module = sys.modules.get("IPython.core.getipython")
    return module.get_ipython() if module is not None else None


def show_in(shell: Any, linked: Linked | None = None) -> None:
    """`show_as_on_pages` for a given IPython shell."""
    bundles = shell.display_formatter.mimebundle_formatter
    for (module, name), shown in _SHOWN.items():
        bundles.for_type_by_name(module, name, shown)
    bundles.for_type_by_name("trialbook.display.blocks", "Block", partial(_block, linked=linked))
    formatters = shell.display_formatter.formatters
    formatters["text/plain"] = _steady(formatters["text/plain"])


# A cell that is done sooner shows no progress.
SOON = 2.0


@contextmanager
def progress() -> Iterator[Callable[[str], None]]:
    """Gives the function that says how far a long cell is; in a notebook one line shows it, which is empty at the end.

    Outside of a notebook, and in the first seconds, nothing is shown.
    """
    shell, place, begun = running_shell(), uuid4().hex, monotonic()
    shown = False

    def say(text: str) -> None:
        nonlocal shown
        if shell is not None and hasattr(shell, "kernel") and (shown or monotonic() - begun > SOON):
            _publish(shell, place, text, shown)
            shown = True

    try:
        yield say
    finally:
        if shown:
            _publish(shell, place, "", True)


def _publish(shell: Any, place: str, text: str, update: bool) -> None:
    shell.display_pub.publish(data={"text/plain": text}, transient={"display_id": place}, update=update)


def load_ipython_extension(shell: Any) -> None:
    """For kernels of JupyterLab that have not imported this library: charts need no script from elsewhere there."""
    show_in(shell)


def _block(block: Any, linked: Linked | None) -> Bundle:
    bundle = block._repr_mimebundle_()
    return ({**bundle, "text/html": linked(bundle["text/html"])} if linked else bundle), {}


def _frame(frame: Any) -> Bundle:
    from trialbook.display.other_tables import frame_block

    return frame_block(frame)._repr_mimebundle_(), {}


def _titled(frame: Any) -> Bundle:
    """A frame that has a title of its own: an answer of `trialbook.cut`."""
    from trialbook.display.blocks import sentence, several
    from trialbook.display.other_tables import frame_block

    return several([sentence(frame.title), frame_block(frame.to_frame())])._repr_mimebundle_(), {}


def _great_table(made: Any) -> Bundle:
    from trialbook.display.other_tables import foreign_table

    return foreign_table(made.as_raw_html())._repr_mimebundle_(), {}


def _styled(styler: Any) -> Bundle:
    from trialbook.display.other_tables import foreign_table

    return foreign_table(styler.to_html())._repr_mimebundle_(), {}


def _chart(chart: Any) -> Bundle:
    from trialbook.display.figures import chart_output, use_house_style

    use_house_style()
    return chart_output(chart.to_dict())


# By the name of their module, so that none is imported before it is used.
_SHOWN: dict[tuple[str, str], Callable[[Any], Bundle]] = {
    ("pandas", "DataFrame"): _frame,
    ("pandas.core.frame", "DataFrame"): _frame,
    # A subclass of a frame, which is looked up before it.
    ("trialbook.display.titled", "Titled"): _titled,
    ("pandas.io.formats.style", "Styler"): _styled,
    ("great_tables.gt", "GT"): _great_table,
    ("altair.vegalite.v5.api", "TopLevelMixin"): _chart,
    ("altair.vegalite.v6.api", "TopLevelMixin"): _chart,
}


def _steady(formatter: Any) -> Any:
    """The formatter of plain text, which from now on names no address in memory."""
    kind = type(formatter)
    if kind.__name__ == "SteadyText":
        return formatter

    def called(self: Any, thing: Any) -> Any:
        text = kind.__call__(self, thing)
        return without_addresses(text) if isinstance(text, str) else text

    steady = type("SteadyText", (kind,), {"__call__": called})(parent=formatter.parent)
    for name in ("type_printers", "deferred_printers", "singleton_printers"):
        setattr(steady, name, getattr(formatter, name))
    return steady
