"""Runs the tasks of a build as soon as their inputs are there, and reports the real cause when one fails."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from functools import partial

from trialbook.workbook.steps import Piece

Make = Callable[[Piece, Callable[[], None]], None]


def run_pieces(pieces: Sequence[Piece], make: Make, jobs: int, abandon: Callable[[], None]) -> None:
    """Makes every piece; `jobs` notebooks side by side, beside them one piece of each other kind at a time.

    `make` is given a piece, and what to call when it has written all that other tasks need of it before its end.

    After a failure nothing more is started but the checks that the failed piece rests on; then `abandon` ends what
    still runs, and the error of the first of them in `pieces` is raised.
    """
    done: set[str] = set()
    started: set[str] = set()
    left: set[str] = set()
    running: dict[Future[None], Piece] = {}
    leaving: dict[Future[None], str] = {}
    errors: dict[str, Exception] = {}
    with ExitStack() as stack:
        pools = {
            kind: stack.enter_context(ThreadPoolExecutor(max_workers=workers, thread_name_prefix=kind))
            for kind, workers in (
                ("notebook", max(1, jobs)),
                ("contracts", 1),
                ("dataset", 1),
                ("page", 1),
                ("results", 1),
            )
        }
        try:
            while True:
                wanted = _explaining(pieces, errors) if errors else {piece.name for piece in pieces}
                for piece in sorted(pieces, key=lambda piece: not piece.long):
                    if piece.name in wanted - started and set(piece.needs) <= (done | left if piece.early else done):
                        started.add(piece.name)
                        leaves: Future[None] = Future()
                        leaving[leaves] = piece.name
                        running[pools[piece.kind].submit(make, piece, partial(_resolve, leaves))] = piece
                awaited = [future for future, piece in running.items() if piece.name in wanted]
                if not awaited:
                    break
                for future in wait([*awaited, *leaving], return_when=FIRST_COMPLETED).done:
                    if future in leaving:
                        left.add(leaving.pop(future))
                        continue
                    piece = running.pop(future)
                    error = future.exception()
                    if error is None:
                        done.add(piece.name)
                    elif isinstance(error, Exception):
                        errors[piece.name] = error
                    else:
                        raise error
        finally:
            if len(done) < len(pieces):
                for pool in pools.values():
                    pool.shutdown(wait=False, cancel_futures=True)
                abandon()
    for piece in pieces:
        if piece.name in errors:
            raise errors[piece.name]


def _resolve(leaves: Future[None]) -> None:
    if not leaves.done():
        leaves.set_result(None)


def _explaining(pieces: Sequence[Piece], errors: dict[str, Exception]) -> set[str]:
    """Checks that may be the true cause of what failed."""
    return {name for piece in pieces if piece.name in errors for name in piece.rests_on} - set(errors)
