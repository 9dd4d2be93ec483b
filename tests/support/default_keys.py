"""The analysis keys of the protocol file, with changes: for tests that need no other part of a trial."""

from __future__ import annotations

from functools import cache
from typing import Any

from support.paths import ROOT
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.load import analysis_values, load_protocol


@cache
def _defaults() -> Analysis:
    return analysis_values(load_protocol(ROOT / "params" / "protocol.yaml"), {}, "protocol.yaml")


def keys(**changes: Any) -> Analysis:
    """The defaults of the protocol file with other values for some keys, checked like those of a cut file."""
    return Analysis.model_validate({**_defaults().model_dump(), **changes}) if changes else _defaults()
