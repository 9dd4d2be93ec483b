"""The advice over time of the last demo cut, at the dates of the earlier cuts, is what these cuts reported."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from trialbook.core.datasets import read_dataset
from trialbook.dlt.over_time import advice_over_time
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.models import Protocol

pytestmark = pytest.mark.build


@pytest.mark.parametrize("cut", ["2025-03-31", "2025-06-30"])
def test_time_travel_to_an_earlier_cut_gives_its_advice(
    cut: str, demo: Path, root: Path, protocol: Protocol, analysis: Analysis
) -> None:
    """Nothing of the demo trial was restated between its cuts, so the same data say what was said then."""
    addlt = read_dataset(demo / "2025-09-30" / "data" / "addlt.parquet")
    table = advice_over_time(addlt, protocol, analysis, pd.Timestamp("2025-09-30"))
    then = table[table["date"] <= pd.Timestamp(cut)].iloc[-1]
    golden = pd.read_csv(root / "tests" / "golden" / f"{cut}.csv", dtype="str", keep_default_na=False)
    own = golden["analysis_id"].eq("DLT_ADVICE") & golden["stat_name"].eq("advice") & golden["context"].eq("")
    assert then["code"] == golden.loc[own, "stat_text"].item()
    sets = golden[golden["analysis_id"].eq("DLT_SETS") & golden["group1_level"].eq("Total")]
    counts = dict(zip(sets["variable"], sets["stat_text"].astype("int64"), strict=True))
    assert [then["treated"], then["evaluable"], then["counted"], then["pending"]] == [
        counts["TREATED"], counts["EVALUABLE"], counts["COUNTED"], counts["WAITING"],
    ]  # fmt: skip
