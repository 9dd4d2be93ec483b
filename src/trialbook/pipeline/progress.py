"""Shows a person how a build proceeds: a live line per step on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from types import TracebackType

from rich.live import Live
from rich.table import Table
from rich.text import Text

from trialbook.core.terminal import terminal


class Progress:
    """Progress of one cut; use it as a context manager. Thread-safe enough for one writer per step."""

    def __init__(self, cut_id: str) -> None:
        self._console = terminal(stderr=True)
        self._cut_id, self._began = cut_id, time.monotonic()
        self._state: dict[str, tuple[str, float]] = {}
        self._live = Live(console=self._console, refresh_per_second=8) if sys.stderr.isatty() else None

    def __enter__(self) -> Progress:
        if self._live:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live:
            self._live.update(self._table())
            self._live.stop()

    def tell(self, step: str, state: str) -> None:
        """Says that a step is now in this state (`running`, `done`, `stopped`)."""
        seconds = time.monotonic() - self._began
        self._state[step] = (state, seconds)
        try:
            if self._live:
                self._live.update(self._table())
            else:
                # The cut id (which can name nobody), a step and its state: there is nothing to mask.
                self._console.print(Text(f"{self._cut_id}  {seconds:6.1f} s  {step}  {state}"))
        except (OSError, SystemExit):
            # Nobody reads it any more, or there is no room for it: the build goes on, in silence.
            self._console.quiet = True

    def _table(self) -> Table:
        table = Table(title=f"data cut {self._cut_id}", title_justify="left", show_header=False, box=None)
        for step, (state, seconds) in self._state.items():
            colour = {"done": "green", "stopped": "red"}.get(state, "yellow")
            table.add_row(step, f"[{colour}]{state}[/{colour}]", f"{seconds:.1f} s")
        return table
