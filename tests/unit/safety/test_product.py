"""Lot, passage, viability and minutes from thaw of each infusion (§16.2, A-214): cases worked out by hand."""

from __future__ import annotations

import pandas as pd
import pytest

from support.trial_builder import TrialBuilder, trial
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.models import Protocol
from trialbook.protocol.study_data import StudyData
from trialbook.safety.product import product_values

CUT = pd.Timestamp("2025-12-31").as_unit("s")


def values(built: TrialBuilder, protocol: Protocol, analysis: Analysis) -> dict[tuple[str, int], tuple[str, str, bool]]:
    """Text, flag against the limits, and whether the value is whole, by code and day of the infusion."""
    found = product_values(StudyData(built.domains(), protocol, analysis, CUT))
    day = (found["EXSTDT"] - pd.Timestamp("2025-01-10")).dt.days
    cells = zip(found["TEXT"], found["LIMFL"], found["WHOLE"], strict=True)
    return dict(zip(zip(found["CODE"], day, strict=True), cells, strict=True))


def supp(built: TrialBuilder, seq: int, name: str, value: str) -> TrialBuilder:
    return built.add("SUPPEX", RDOMAIN="EX", IDVAR="EXSEQ", IDVARVAL=str(seq), QNAM=name, QVAL=value)


def test_each_source_gives_its_values_and_what_is_missing_stays_blank(protocol: Protocol, analysis: Analysis) -> None:
    built = trial().subject("S01").infused(0, time="T10:00", EXLOT="L-1").infused(7, EXLOT="L-2")
    supp(built, 1, "VIAB", "91").add("DA", DATESTCD="PASSAGE", DAORRES="6", DADTC=built.date(0))
    supp(built, 1, "THAWDTC", built.date(0) + "T09:15")
    found = values(built, protocol, analysis)
    assert found["LOT", 0] == ("L-1", "", True)
    assert found["LOT", 7] == ("L-2", "", True)
    assert found["VIAB", 0] == ("91", "IN", True)  # not below 70 %
    assert found["VIAB", 7] == ("", "", False)
    assert found["PASSAGE", 0] == ("6", "", True)  # no limit is known
    assert found["THAWMIN", 0] == ("45", "IN", True)  # 09:15 to 10:00


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("92", "80", ("92; 80", "IN", True)),
        ("92", "69.9", ("92; 69.9", "OUT", True)),  # the worse bag decides
        ("70", "70 %", ("70; 70 %", "IN", True)),  # the limit itself is inside
        ("92", None, ("92", "", False)),  # of the other bag nobody knows
        ("60", None, ("60", "OUT", False)),  # outside, whatever the other bag was
        ("92", "good", ("92; good", "", False)),  # no number
    ],
)
def test_of_two_bags_the_worse_decides_and_an_unknown_one_is_no_pass(
    protocol: Protocol, analysis: Analysis, first: str, second: str | None, expected: tuple[str, str, bool]
) -> None:
    built = trial().subject("S01").infused(0, dose=0.5, EXREFID="A").infused(0, dose=0.5, EXREFID="B")
    supp(built, 1, "VIAB", first)
    if second is not None:
        supp(built, 2, "VIAB", second)
    assert values(built, protocol, analysis)["VIAB", 0] == expected


def test_a_thaw_after_the_infusion_is_no_time_and_five_hours_are_the_limit(
    protocol: Protocol, analysis: Analysis
) -> None:
    late = trial().subject("S01").infused(0, time="T10:00")
    supp(late, 1, "THAWDTC", late.date(0) + "T10:30")
    assert values(late, protocol, analysis)["THAWMIN", 0][1:] == ("", False)
    slow = trial().subject("S01").infused(0, EXTHAWMN="301").infused(7, EXTHAWMN="300")
    found = values(slow, protocol, analysis)
    assert (found["THAWMIN", 0][1], found["THAWMIN", 7][1]) == ("OUT", "IN")
