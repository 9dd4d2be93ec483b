"""Derives every dataset of a cut and raises every question, as a build would, without making a page or publishing."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from trialbook.kernels.fork_client import kernel_server
from trialbook.pipeline.artifact_cache import Borrowed
from trialbook.pipeline.build import Gathered, Options, make_pieces
from trialbook.pipeline.dependencies import Ingredients
from trialbook.pipeline.progress import Progress
from trialbook.pipeline.publish import KEPT, check_place, kernel_folder, one_builder, scratch_folder
from trialbook.protocol.models import Trial
from trialbook.snapshot.delivery import Delivery


def derive_cut(trial: Trial, root: Path, builds: Path, delivery: Delivery | None = None) -> Gathered:
    """Makes every dataset, result, question and verdict of a cut as a build would, but no page, and publishes nothing.

    Nothing is written under `builds`; what an earlier build has made there already is taken from it. `delivery` is
    what the caller has read: none of its files is opened again. Raises what the build would raise.
    """
    cut_id = trial.cut.cut_id
    place = check_place(builds)
    with (
        one_builder(place, cut_id),
        Progress(cut_id) as progress,
        kernel_folder(place, cut_id) as home,
        ExitStack() as opened,
    ):
        server = opened.enter_context(kernel_server(home / "server"))
        ingredients = Ingredients(trial, root, builds, "static", None if delivery is None else delivery.hashes(trial))
        with scratch_folder(place, cut_id) as folder:
            scratch = folder / "build"
            scratch.mkdir()
            options = Options(builds, charts="static")
            store = Borrowed(builds / KEPT / cut_id)
            _, gathered = make_pieces(
                trial, root, options, scratch, home, server, ingredients, progress, opened.close, store,
                pages=False, delivery=delivery,
            )  # fmt: skip
            return gathered
