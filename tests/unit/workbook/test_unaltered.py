"""A cell cannot work with other parameters than those of the files: the step stops and says how to change a key."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from support.paths import ROOT
from trialbook.core.errors import StopError
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.load import load_trial
from trialbook.protocol.models import Trial
from trialbook.workbook.tracked_reads import noting_trial
from trialbook.workbook.unaltered import stop_if_keys_changed


@pytest.fixture(scope="module")
def plain() -> Trial:
    return load_trial(ROOT / "params" / "cuts" / "2025-09-30.yaml", ROOT)


def test_the_keys_in_force_stop_nothing_and_are_not_noted_as_read(plain: Trial) -> None:
    noted: set[str] = set()
    trial = noting_trial(plain, noted.add)
    names = {"keys": trial.analysis, "trial": trial.protocol, "step": object(), "all": [trial, plain, plain.analysis]}
    stop_if_keys_changed(names, trial, "04_dlt")
    assert noted == set()


def fresh(keys: Analysis, **changes: Any) -> Analysis:
    return Analysis.model_validate({**keys.model_dump(), **changes})


@pytest.mark.parametrize(
    "names",
    [
        lambda trial: {"keys": trial.analysis.model_copy(update={"dlt_window": [0, 90]})},
        lambda trial: {"other": fresh(trial.analysis, dlt_window=[0, 90])},
        lambda trial: {"cases": {"wide": [fresh(trial.analysis, dlt_window=[0, 90])]}},
        lambda trial: {"trial": trial.model_copy(update={"analysis": fresh(trial.analysis, dlt_window=[0, 90])})},
    ],
)
def test_a_changed_key_names_notebook_key_values_and_the_way(
    plain: Trial, names: Callable[[Trial], dict[str, Any]]
) -> None:
    trial = noting_trial(plain, lambda name: None)
    with pytest.raises(StopError) as stopped:
        stop_if_keys_changed(names(trial), trial, "04_dlt")
    said = str(stopped.value)
    for word in ("notebooks/04_dlt.ipynb", "dlt_window", "[0, 90]", "[0, 28]", "overrides: {dlt_window: [0, 90]}"):
        assert word in said


def test_every_key_is_compared(plain: Trial) -> None:
    for key in Analysis.model_fields:
        changed = plain.analysis.model_copy(update={key: "another value"})
        with pytest.raises(StopError, match=key):
            stop_if_keys_changed({"keys": changed}, plain, "05_orr")


def test_a_changed_protocol_is_sent_to_the_protocol_file(plain: Trial) -> None:
    changed = plain.protocol.model_copy(update={"dose_levels": plain.protocol.dose_levels[:1]})
    with pytest.raises(StopError, match=r"dose_levels.*change the protocol file instead"):
        stop_if_keys_changed({"trial": changed}, plain, "04_dlt")
