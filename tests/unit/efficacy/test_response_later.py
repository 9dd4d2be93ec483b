"""Best, first, durable, organ-wise and very good partial responses, steroids, and agreement (§2.6, §2.8)."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
import pytest

from support.trial_builder import TrialBuilder, trial
from trialbook.core.dates import as_date
from trialbook.efficacy.adrs import derive_adrs
from trialbook.efficacy.day28 import day28_response
from trialbook.efficacy.rates import agreement_rows, agreement_table, intercurrent_rows, secondary_rows
from trialbook.protocol.study_data import StudyData
from trialbook.results.ard import to_ard
from trialbook.subjects.adsl import derive_subjects

CUT = as_date("2025-09-30")


@dataclass
class Derived:
    """ADRS of a small trial, and its reported numbers."""

    adrs: pd.DataFrame
    ard: pd.DataFrame

    def value(self, parameter: str, subject: str = "S01") -> tuple[str, str]:
        """AVALC and REASON of a subject's only row of a parameter."""
        own = self.adrs[(self.adrs["PARAMCD"] == parameter) & self.adrs["USUBJID"].str.endswith(subject)]
        (row,) = own.to_dict("records")
        return row["AVALC"], row["REASON"]

    def counts(self, analysis_id: str, variable: str, variable_level: str = "") -> list[float]:
        """n, N and pending in total."""
        own = self.ard[(self.ard["analysis_id"] == analysis_id) & (self.ard["variable"] == variable)]
        own = own[(own["group1_level"] == "Total") & (own["variable_level"] == variable_level)]
        stats = own.set_index("stat_name")["stat"]
        return [stats[name] for name in ("n", "N", "pending") if name in stats]


@pytest.fixture
def derive(protocol, analysis):
    def run(built: TrialBuilder, cut: pd.Timestamp = CUT, **keys) -> Derived:
        changed = type(analysis).model_validate({**analysis.model_dump(), **keys})
        domains = built.delivers("CM").domains()
        adsl = derive_subjects(StudyData(domains, protocol, changed, cut))
        adrs = derive_adrs(adsl, StudyData(domains, protocol, changed, cut))
        response = day28_response(adsl, StudyData(domains, protocol, changed, cut))
        rows = secondary_rows(adrs, protocol, changed) + intercurrent_rows(response, protocol)
        return Derived(adrs, to_ard(rows + agreement_rows(response, adrs, protocol)))

    return run


def infused(name: str = "S01", start: str | None = None) -> TrialBuilder:
    return trial().subject(name, start=start).infused(0).stages(-1, 3, 1, 0, 2)


def said(built: TrialBuilder, response: str) -> TrialBuilder:
    return built.add("RS", RSCAT="MAGIC", RSTESTCD="OVRLRESP", RSORRES=response, RSDTC=built.date(28))


def test_the_best_response_is_the_best_category_up_to_day_31(derive) -> None:
    built = infused().stages(7, 1, 1, 0, 2).stages(14, 0, 0, 0, 0).stages(28, 3, 1, 0, 3).stages(35, 0, 0, 0, 0)
    derived = derive(built)
    assert derived.value("BOR") == ("CR", "")
    row = derived.adrs[derived.adrs["PARAMCD"] == "BOR"].iloc[0]
    assert (row["RELDAY"], row["AVISIT"]) == (14, "Best")
    assert derive(built, bor_until=10).value("BOR") == ("PR", "")


@pytest.mark.parametrize(("drug_day", "best"), [(10, "NR"), (14, "NR"), (15, "CR")])
def test_the_best_response_ends_with_new_therapy(derive, drug_day, best) -> None:
    built = infused().stages(7, 3, 1, 0, 2).stages(14, 0, 0, 0, 0).drug("ruxolitinib", drug_day)
    assert derive(built).value("BOR") == (best, "")
    assert derive(built, newtx_strategy_orr="treatment_policy").value("BOR") == ("CR", "")


def test_without_an_assessment_there_is_no_best_response(derive) -> None:
    assert derive(infused()).value("BOR") == ("NE", "")
    assert derive(infused().stages(14, 0, 0, 0, 0), cut=as_date("2025-01-25")).value("BOR") == ("PENDING", "")


@pytest.mark.parametrize(
    ("day", "stages", "durable", "reason"),
    [
        (56, (1, 0, 0, 0), "Y", ""), (49, (1, 0, 0, 0), "Y", ""), (63, (1, 0, 0, 0), "Y", ""),
        (64, (1, 0, 0, 0), "N", "MISSING"), (56, (3, 1, 0, 2), "N", ""),
        (56, (1, None, 0, 0), "N", "INCOMPLETE"),
    ],
)  # fmt: skip
def test_a_durable_response_is_there_at_day_28_and_at_day_56(derive, day, stages, durable, reason) -> None:
    built = infused().stages(28, 1, 0, 0, 0).stages(day, *stages)
    assert derive(built).value("RSP56") == (durable, reason)


def test_durable_is_against_the_original_baseline_and_needs_the_response_of_day_28(derive) -> None:
    assert derive(infused().stages(28, 0, 0, 0, 0).stages(56, 2, 1, 0, 2)).value("RSP56") == ("Y", "")
    assert derive(infused().stages(28, 3, 1, 0, 2).stages(56, 0, 0, 0, 0)).value("RSP56") == ("N", "")


@pytest.mark.parametrize(("drug_day", "durable"), [(40, ("N", "NEWTX")), (57, ("Y", ""))])
def test_new_therapy_between_day_28_and_56_ends_a_durable_response(derive, drug_day, durable) -> None:
    built = infused().stages(28, 1, 0, 0, 0).stages(56, 1, 0, 0, 0).drug("ruxolitinib", drug_day)
    assert derive(built).value("RSP56") == durable


def test_day_56_is_pending_until_63_days_have_passed(derive) -> None:
    built = infused().stages(28, 1, 0, 0, 0).stages(56, 1, 0, 0, 0)
    assert derive(built, cut=as_date("2025-03-13")).value("RSP56") == ("PENDING", "")
    assert derive(built, cut=as_date("2025-03-14")).value("RSP56") == ("Y", "")


def test_each_organ_involved_at_baseline_has_its_response(derive) -> None:
    derived = derive(infused().stages(28, 0, 2, 1, 1))
    assert {p: derived.value(p) for p in ("RSPSKIN", "RSPLIVER", "RSPLGI")} == {
        "RSPSKIN": ("CR", ""), "RSPLIVER": ("PD", ""), "RSPLGI": ("PR", ""),
    }  # fmt: skip
    assert "RSPUGI" not in set(derived.adrs["PARAMCD"])
    assert derived.counts("ORGAN_D28", "RSPSKIN") == [1, 1, 0]
    assert derived.counts("ORGAN_D28", "RSPUGI") == [0, 0, 0]


def test_death_and_new_therapy_are_non_responses_of_every_organ_and_a_missing_organ_of_its_own(derive) -> None:
    assert derive(infused().died(10)).value("RSPSKIN") == ("NR", "DEATH")
    assert derive(infused().stages(28, 0, 0, 0, 0).drug("ruxolitinib", 20)).value("RSPLGI") == ("NR", "NEWTX")
    derived = derive(infused().stages(28, 0, None, 0, 1))
    assert (derived.value("RSPSKIN"), derived.value("RSPLIVER")) == (("CR", ""), ("NR", "INCOMPLETE"))


@pytest.mark.parametrize(
    ("day28", "bullae", "bilirubin", "very_good"),
    [
        ((1, 0, 0, 0), "N", None, "Y"), ((1, 0, 0, 0), "Y", None, "N"), ((2, 0, 0, 0), "N", None, "N"),
        ((0, 0, 0, 1), "N", None, "N"), ((0, 0, 1, 0), "N", None, "N"), ((0, 0, 0, 0), "N", None, "N"),
        ((0, None, 0, 0), "N", (300, 60), "Y"), ((0, None, 0, 0), "N", (200, 50), "N"),
    ],
)  # fmt: skip
def test_very_good_partial_responses(derive, day28, bullae, bilirubin, very_good) -> None:
    """The complete response of the sixth case is no partial one; 60 of 300 is below a quarter, 50 of 200 is not."""
    built = trial().subject("S01").infused(0).stages(-1, 3, None if bilirubin else 2, 1, 2).stages(28, *day28)
    built.finding("BULLAE", bullae, 28)
    if bilirubin:
        before, after = bilirubin
        built.lab("BILI", before, -1, unit="umol/L").lab("BILI", after, 28, unit="umol/L")
    assert derive(built).value("VGPR28") == (very_good, "")


@pytest.mark.parametrize(
    ("doses", "outcome", "reduced", "stopped"),
    [
        ([(100, -5, 10), (50, 11, 40)], "SPARED", 1, 0), ([(100, -5, 10), (51, 11, 40)], "NOT SPARED", 0, 0),
        ([(100, -5, 27)], "STOPPED", 1, 1), ([(100, -5, 28)], "NOT SPARED", 0, 0),
        ([(100, -5, 10), (None, 11, 40)], "NE", 0, 0),
    ],
)  # fmt: skip
def test_steroids_of_day_28_against_day_0(derive, doses, outcome, reduced, stopped) -> None:
    built = infused().stages(28, 1, 0, 0, 0).add("VS", VSTESTCD="WEIGHT", VSORRES=50, VSORRESU="kg", VSDTC="2025-01-09")
    for dose, first, last in doses:
        built.drug("methylprednisolone", first, end=last, dose=dose)
    derived = derive(built)
    assert derived.value("STER28")[0] == outcome
    assert derived.counts("STEROID_D28", "STER28", "reduced") == [reduced, 1, 0]
    assert derived.counts("STEROID_D28", "STER28", "stopped") == [stopped, 1, 0]


def test_who_died_by_day_28_was_not_spared_and_who_took_none_has_nothing_to_spare(derive) -> None:
    built = infused().add("VS", VSTESTCD="WEIGHT", VSORRES=50, VSORRESU="kg", VSDTC="2025-01-09")
    built.drug("methylprednisolone", -5, end=9, dose=100).died(10)
    built.subject("S02").infused(0).stages(-1, 3, 0, 0, 0)
    derived = derive(built)
    assert derived.value("STER28")[0] == "DEAD"
    assert derived.counts("STEROID_D28", "STER28", "reduced") == [0, 1, 0]


def test_donor_lymphocytes_are_flagged_and_a_non_response_only_where_relapse_is(derive) -> None:
    built = infused().stages(28, 0, 0, 0, 0)
    built.add("PR", PRTRT="Donor lymphocyte infusion", PRDECOD="DONOR LYMPHOCYTE INFUSION", PRSTDTC=built.date(20))
    derived = derive(built)
    assert derived.value("RSP28") == ("CR", "")
    assert derived.counts("RSP28_ICE", "RSP28", "DLI") == [1, 1]
    assert derive(built, relapse_strategy_orr="composite").value("RSP28") == ("NR", "")


def test_intercurrent_events_are_counted_among_the_mature(derive) -> None:
    built = infused().died(10).subject("S02").infused(0).stages(-1, 3, 0, 0, 0)
    built.subject("S03", start="2025-09-20").infused(0).stages(-1, 3, 0, 0, 0).died(3)
    derived = derive(built)
    assert derived.counts("RSP28_ICE", "RSP28", "DEATH") == [1, 2]
    assert derived.counts("RSP28_ICE", "RSP28", "MISSING") == [1, 2]


def test_the_investigator_against_the_stages(derive) -> None:
    built = said(infused().stages(28, 1, 0, 0, 0), "PR")
    said(built.subject("S02").infused(0).stages(-1, 3, 1, 0, 2).stages(28, 1, 2, 0, 2), "PR")
    built.subject("S03").infused(0).stages(-1, 3, 1, 0, 2).stages(28, 0, 0, 0, 0)
    derived = derive(built)
    table = agreement_table(derived.ard).set_index("DERIVED")
    assert table.loc["PR", "PR"] == table.loc["MR", "PR"] == table.loc["CR", "none"] == 1
    assert table.to_numpy().sum() == 3
    assert derived.counts("RSP_AGREE", "AGREE") == [1, 2]


def test_a_subject_with_nothing_but_an_infusion_has_a_place_everywhere(derive) -> None:
    derived = derive(trial().subject("S01").infused(0).delivers("RS", "CM"))
    assert {p: derived.value(p) for p in ("RSP28", "BOR", "RSP56", "VGPR28")} == {
        "RSP28": ("NR", "MISSING"), "BOR": ("NE", ""), "RSP56": ("N", ""), "VGPR28": ("N", "MISSING"),
    }  # fmt: skip
    assert agreement_table(derived.ard).empty


def test_with_nobody_treated_every_rate_is_a_dash(derive) -> None:
    ard = derive(trial().subject("S01", level="SCRNFAIL")).ard
    known = ard[ard["stat_name"].isin(["estimate", "conf.low", "conf.high", "p"])]
    assert set(known["stat_text"]) == {"-"}
