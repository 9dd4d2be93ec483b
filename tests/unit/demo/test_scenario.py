"""Every scenario that the demo trial promises is really in its data, on the subject that is said to play it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from trialbook_demo import SCENARIOS, simulate_trial

Tables = dict[str, pd.DataFrame]
CUTS = ("2025-03-31", "2025-06-30", "2025-09-30")


def read_cut(root: Path, cut: str) -> Tables:
    """The demo snapshot of a cut as it lies in the repository, all text."""
    folder = root / "data" / "demo" / cut
    return {path.stem.upper(): pd.read_csv(path, dtype="str", keep_default_na=False) for path in folder.glob("*.csv")}


@pytest.fixture(scope="module")
def cuts(root: Path) -> list[Tables]:
    return [read_cut(root, cut) for cut in CUTS]


class Subject:
    """The records of one subject at the three cuts, and how to ask them."""

    def __init__(self, cuts: list[Tables], usubjid: str) -> None:
        self._cuts, self.usubjid = cuts, usubjid

    def rows(self, domain: str, cut: int = 2, **values: str) -> pd.DataFrame:
        frame = self._cuts[cut][domain]
        frame = frame[frame["USUBJID"] == self.usubjid]
        for name, value in values.items():
            frame = frame[frame[name] == value]
        return frame

    def one(self, domain: str, column: str, cut: int = 2, **values: str) -> str:
        rows = self.rows(domain, cut, **values)
        assert len(rows) == 1, f"{len(rows)} records of {domain} with {values}"
        return rows[column].iloc[0]

    def age(self) -> float:
        dm = self.rows("DM").iloc[0]
        return (pd.Timestamp(dm["RFICDTC"]) - pd.Timestamp(dm["BRTHDTC"])).days / 365.25

    def day(self, text: str) -> int:
        first = min(self.rows("EX")["EXSTDTC"])[:10]
        return (pd.Timestamp(text[:10]) - pd.Timestamp(first)).days

    def stages(self, visit: str) -> dict[str, str]:
        rs = self.rows("RS", RSCAT="MAGIC", VISIT=visit)
        return dict(zip(rs["RSTESTCD"], rs["RSORRES"], strict=True))

    def times_uln(self, test: str, visit: str) -> float:
        lb = self.rows("LB", LBTESTCD=test, VISIT=visit).iloc[0]
        return float(lb["LBORRES"]) / float(lb["LBORNRHI"])


def dies_on_day_10(s: Subject) -> bool:
    fatal = s.rows("AE", AETOXGR="5")
    return s.day(s.one("DM", "DTHDTC")) == 10 and list(fatal["AEDECOD"]) == ["Acute graft versus host disease"]


def replaces(s: Subject) -> bool:
    died = Subject(s._cuts, s.usubjid[:-3] + "004").one("DM", "DTHDTC")
    return s.one("DM", "ARMCD") == "DL1" and s.one("DM", "RFICDTC") > died


def has_dlt(s: Subject) -> bool:
    seq = s.one("SUPPAE", "IDVARVAL", QNAM="AEDLT", QVAL="Y")
    event = s.rows("AE", AESEQ=seq).iloc[0]
    assert (event["AEDECOD"], event["AETOXGR"]) == ("Infusion related reaction", "3")
    after = s.rows("VS", VSTESTCD="TEMP", VISIT="BASELINE", VSTPT="1 HOUR POST-DOSE")["VSORRES"].astype(float)
    assert (after > 38).all(), "the reaction shows in the temperature"
    return event["AEREL"] == "DEFINITELY RELATED" and list(s.rows("EX")["EXDOSE"]) == ["1.92", "0"]


def new_therapy(s: Subject) -> bool:
    stages = [s.stages("DAY 28")[name] for name in ("SKINSTG", "LIVERSTG", "UGISTG", "LGISTG")]
    return s.day(s.one("CM", "CMSTDTC", CMDECOD="RUXOLITINIB")) == 20 and stages == ["0"] * 4


def mixed(s: Subject) -> bool:
    before, after = s.stages("BASELINE"), s.stages("DAY 28")
    return after["SKINSTG"] < before["SKINSTG"] and after["UGISTG"] > before["UGISTG"] and after["OVRLRESP"] == "PR"


def relapse_then_death(s: Subject) -> bool:
    relapse = s.day(s.one("CE", "CESTDTC", CEDECOD="RELAPSE"))
    known = [s.one("DM", "DTHDTC", cut) for cut in range(3)]
    return relapse == 60 and known == ["", "2025-05", "2025-05-11"] and s.day(known[2]) == 95


def liver(s: Subject) -> bool:
    bilirubin = float(s.one("LB", "LBORRES", LBTESTCD="BILI", VISIT="BASELINE"))
    return s.times_uln("ALT", "BASELINE") > 1 and bilirubin > 34.2 and s.stages("BASELINE")["LIVERSTG"] != "0"


def carrier(s: Subject) -> bool:
    return (s.one("LB", "LBORRES", LBTESTCD="HBSAG"), s.one("LB", "LBORRES", LBTESTCD="HBVDNA")) == ("POSITIVE", "<20")


def rescreened(s: Subject) -> bool:
    first = Subject(s._cuts, s.one("SUPPDM", "QVAL", QNAM="RESCREEN_OF"))
    same = [first.one("DM", name) == s.one("DM", name) for name in ("BRTHDTC", "SEX")]
    return first.one("DM", "ARMCD") == "SCRNFAIL" and all(same) and first.one("DM", "RFICDTC") < s.one("DM", "RFICDTC")


def waived(s: Subject) -> bool:
    last = s.one("CM", "CMENDTC", CMCAT="OTHER CLINICAL TRIAL")
    days = (pd.Timestamp(s.one("DM", "RFICDTC")) - pd.Timestamp(last)).days
    return days < 84 and s.one("DV", "DVDECOD", DVCAT="WAIVER") == "EX16" and answer(s, "EX16") == "Y"


def lost(s: Subject) -> bool:
    gone = s.one("DS", "DSSTDTC", DSDECOD="LOST TO FOLLOW-UP")
    return s.day(gone) == 70 and max(s.rows("SV")["SVSTDTC"]) < gone and s.rows("SS").empty


def progression(s: Subject) -> bool:
    assert s.one("DM", "DTHDTC") > CUTS[2], "the death is dated after the last cut"
    return s.stages("DAY 28")["OVRLRESP"] == "PD"


def completes_in_remission(s: Subject) -> bool:
    return s.stages("DAY 28")["OVRLRESP"] == "CR" and not s.rows("DS", DSDECOD="COMPLETED").empty


def worsened_before(s: Subject) -> bool:
    rows = s.rows("AE", AEDECOD="Hypokalemia")
    assert rows["AESPID"].nunique() == 1, "one event, two grades"
    before, after = rows.iloc[0], rows.iloc[1]
    assert list(rows["AETOXGR"]) == ["1", "3"]
    return s.day(before["AESTDTC"]) < 0 <= s.day(after["AESTDTC"])


def grade_one(s: Subject) -> bool:
    return s.stages("SCREENING")["AGVHGRD"] == "I" and answer(s, "IN05") == "N"


def deleted(s: Subject) -> bool:
    twice = [len(s.rows("CM", cut, CMDECOD="VALACICLOVIR")) for cut in range(3)]
    return twice == [2, 1, 1]


def answer(s: Subject, criterion: str) -> str:
    return s.one("IE", "IEORRES", IETESTCD=criterion)


def failed(s: Subject, criterion: str) -> bool:
    return s.one("DM", "ARMCD") == "SCRNFAIL" and not s.rows("DS", DSDECOD="SCREEN FAILURE").empty and (
        answer(s, criterion) == ("N" if criterion.startswith("IN") else "Y")
    )  # fmt: skip


def over_time(s: Subject, domain: str, column: str, **values: str) -> list[str]:
    """A value at each cut at which the record is there."""
    found = [s.rows(domain, cut, **values)[column].tolist() for cut in range(3)]
    return [value for values_at in found for value in values_at]


PROOFS: dict[str, Callable[[Subject], bool]] = {
    "child_of_4": lambda s: 4.0 <= s.age() < 4.05 and s.one("DM", "AGE") == "4",
    "adult_of_70_9": lambda s: 70.85 <= s.age() < 70.95 and s.one("DM", "AGE") == "70",
    "early_death": dies_on_day_10,
    "replacement": replaces,
    "dlt": has_dlt,
    "new_therapy": new_therapy,
    "mixed_response": mixed,
    "late_assessment": lambda s: s.day(s.one("SV", "SVSTDTC", VISIT="DAY 28")) == 33,
    "relapse_then_death": relapse_then_death,
    "liver_gvhd": liver,
    "hepatitis_b_carrier": carrier,
    "other_level": lambda s: list(s.rows("EX")["EXDOSE"]) == ["0.98", "2.02"] and s.one("DM", "ACTARMCD") == "DL1",
    "rescreen": rescreened,
    "rescreen_first": lambda s: failed(s, "EX04") and s.times_uln("INR", "SCREENING") > 1.5,
    "conflict": lambda s: s.times_uln("ALT", "BASELINE") > 2 and answer(s, "EX04") == "N",
    "no_limits": lambda s: s.one("LB", "LBORNRHI", LBTESTCD="UREA", VISIT="BASELINE") == "",
    "waiver": waived,
    "lost": lost,
    "no_response": lambda s: s.stages("DAY 28")["OVRLRESP"] == "NR",
    "progression": progression,
    "complete_response": completes_in_remission,
    "worsened_before": worsened_before,
    "hiv_positive": lambda s: failed(s, "EX12") and s.one("LB", "LBORRES", LBTESTCD="HIVAB") == "POSITIVE",
    "liver_enzymes": lambda s: failed(s, "EX04") and min(s.times_uln(t, "SCREENING") for t in ("ALT", "AST")) > 2,
    "poor_prognosis": lambda s: s.one("IE", "IEORRES", IETESTCD="EX03") == "Y",
    "grade_one": grade_one,
    "regraded": lambda s: over_time(s, "AE", "AETOXGR", AEDECOD="Anaemia") == ["2", "3", "3"],
    "relationship_missing": lambda s: (
        over_time(s, "AE", "AEREL", AEDECOD="Hyperglycemia") == ["", "NOT RELATED", "NOT RELATED"]
    ),
    "lab_corrected": lambda s: over_time(s, "LB", "LBORRES", LBTESTCD="PLAT", VISIT="DAY 28") == ["8", "82", "82"],
    "deleted_record": deleted,
}  # fmt: skip


def test_every_scenario_has_a_proof_and_every_proof_a_scenario() -> None:
    assert [scenario.key for scenario in SCENARIOS] == list(PROOFS)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.key)
def test_the_subject_plays_its_scenario(scenario, cuts: list[Tables]) -> None:
    subject = Subject(cuts, simulate_trial().usubjid(scenario.role))
    assert PROOFS[scenario.key](subject), scenario.what


def test_few_subjects_pass_each_proof(cuts: list[Tables]) -> None:
    """A proof that any subject passes proves nothing."""
    trial = simulate_trial()
    for scenario in SCENARIOS:
        passing = set()
        for story in trial.stories:
            try:
                if PROOFS[scenario.key](Subject(cuts, story.usubjid)):
                    passing.add(story.role)
            except (AssertionError, IndexError, KeyError, ValueError):
                continue
        assert scenario.role in passing
        assert len(passing) <= 5, f"{scenario.key} is played by {sorted(passing)}"
