"""The data dictionary in a browser: it asks for nothing and fits a telephone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from support.page_samples import frame
from trialbook.contracts.odcs import load_contracts
from trialbook.display.dictionary import render_dictionary
from trialbook.protocol.models import Protocol

pytestmark = pytest.mark.browser


def test_the_dictionary_fits_narrow_and_wide_windows_and_asks_for_nothing(
    root: Path, protocol: Protocol, open_page: Callable[..., object]
) -> None:
    watched = open_page(render_dictionary(load_contracts(root / "data_contracts"), frame(protocol)))
    assert watched.outside_requests == []
    assert watched.problems == []
    for width in (390, 768, 1280):
        assert watched.overflow(width) == 0, width
