"""The advice at the dates of earlier demo cuts is what these cuts reported, over time and when a cut is replayed."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from trialbook.core.datasets import read_dataset
from trialbook.diff.built_cut import BuiltCut
from trialbook.diff.replayed import advice_on_lines, replayed_cuts
from trialbook.dlt.advice import plain_code
from trialbook.dlt.over_time import advice_over_time
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.models import Protocol

pytestmark = pytest.mark.build


CUTS = ["2025-03-31", "2025-06-30"]


def advised(root: Path, cut: str) -> str:
    """The advice code that a demo cut published, as the golden results keep it."""
    golden = pd.read_csv(root / "tests" / "golden" / f"{cut}.csv", dtype="str", keep_default_na=False)
    own = golden["analysis_id"].eq("DLT_ADVICE") & golden["stat_name"].eq("advice") & golden["context"].eq("")
    return str(golden.loc[own, "stat_text"].item())


def test_each_earlier_cut_replays_as_it_was_published_and_from_the_data_of_today(demo: Path, root: Path) -> None:
    found = [BuiltCut.at(demo / cut) for cut in [*CUTS, "2025-09-30"]]
    builds = [built for built in found if built is not None]
    replayed = replayed_cuts(builds)
    assert [(one.then.cut, one.then.advice, one.same) for one in replayed] == [
        (cut, advised(root, cut), True) for cut in CUTS
    ]
    for one in replayed:
        assert one.state == one.today_state
        said = advice_on_lines(one.then.cut, builds)
        assert said[0].endswith(f"the cut {one.then.cut} published it: {one.state}")
        assert said[1] == f"Advice then: {plain_code(one.then.advice)}"


@pytest.mark.parametrize("cut", CUTS)
def test_time_travel_to_an_earlier_cut_gives_its_advice(
    cut: str, demo: Path, root: Path, protocol: Protocol, analysis: Analysis
) -> None:
    """Nothing of the demo trial was restated between its cuts, so the same data say what was said then."""
    addlt = read_dataset(demo / "2025-09-30" / "data" / "addlt.parquet")
    table = advice_over_time(addlt, protocol, analysis, pd.Timestamp("2025-09-30"))
    then = table[table["date"] <= pd.Timestamp(cut)].iloc[-1]
    golden = pd.read_csv(root / "tests" / "golden" / f"{cut}.csv", dtype="str", keep_default_na=False)
    assert then["code"] == advised(root, cut)
    sets = golden[golden["analysis_id"].eq("DLT_SETS") & golden["group1_level"].eq("Total")]
    counts = dict(zip(sets["variable"], sets["stat_text"].astype("int64"), strict=True))
    assert [then["treated"], then["evaluable"], then["counted"], then["pending"]] == [
        counts["TREATED"], counts["EVALUABLE"], counts["COUNTED"], counts["WAITING"],
    ]  # fmt: skip
