"""Response rates as results: denominators, intervals, sensitivity analyses, and the published benchmarks (§5.1, §7)."""

from __future__ import annotations

import pandas as pd
import pytest

from support.reported_rows import response_rate_rows
from support.trial_builder import TrialBuilder, trial
from trialbook.core.dates import as_date
from trialbook.efficacy.rates import category_rows
from trialbook.efficacy.response_tables import benchmark_intervals
from trialbook.efficacy.sensitivity import category_changes, sensitivities, sensitivity_responses
from trialbook.protocol.study_data import StudyData
from trialbook.results.ard import to_ard
from trialbook.statistics.intervals import clopper_pearson
from trialbook.subjects.adsl import derive_subjects

CUT = as_date("2025-09-30")


def add(built: TrialBuilder, name: str, *day28: int, level: str = "DL1", start: str | None = None) -> TrialBuilder:
    built.subject(name, level=level, start=start).infused(0, dose=float(level[-1])).stages(-1, 3, 1, 0, 2)
    return built.stages(28, *day28) if day28 else built


def cohort() -> TrialBuilder:
    """Level 1: CR, PR (CN: NR), MR (CN: PD), NEWTX with stages 0, a visit on day 33; level 2: one pending."""
    built = add(trial(), "S01", 0, 0, 0, 0)
    add(built, "S02", 1, 1, 0, 2)
    add(built, "S03", 1, 2, 0, 1)
    add(built, "S04", 0, 0, 0, 0).drug("ruxolitinib", 20)
    add(built, "S05").stages(33, 0, 0, 0, 0)
    return add(built, "S06", level="DL2", start="2025-09-15").delivers("CM")


@pytest.fixture
def responses(protocol, analysis) -> pd.DataFrame:
    domains = cohort().domains()
    subjects = derive_subjects(StudyData(domains, protocol, analysis, CUT))
    return sensitivity_responses(subjects, StudyData(domains, protocol, analysis, CUT))


@pytest.fixture
def ard(responses, protocol, analysis) -> pd.DataFrame:
    return to_ard([*response_rate_rows(responses, protocol, analysis), *category_rows(responses, protocol)])


def stats(ard: pd.DataFrame, context: str, level: str = "Total", analysis_id: str = "ORR_D28") -> dict[str, float]:
    rows = ard[(ard["analysis_id"] == analysis_id) & (ard["context"] == context) & (ard["group1_level"] == level)]
    return dict(zip(rows["stat_name"], rows["stat"], strict=True))


def test_the_denominator_is_the_mature_subjects_and_pending_ones_are_shown(ard) -> None:
    found = stats(ard, "clopper_pearson")
    assert (found["n"], found["N"], found["pending"]) == (2, 5, 1)
    interval = clopper_pearson(2, 5)
    assert (found["estimate"], found["conf.low"], found["conf.high"]) == (0.4, interval.low, interval.high)
    assert stats(ard, "clopper_pearson", analysis_id="CR_D28")["n"] == 1


def test_a_level_without_mature_subjects_has_no_rate_and_reads_as_a_dash(ard) -> None:
    for level, pending in (("DL2", 1), ("DL3", 0)):
        rows = ard[(ard["analysis_id"] == "ORR_D28") & (ard["group1_level"] == level)]
        found = rows[rows["context"] == "clopper_pearson"].set_index("stat_name")
        assert (found.loc["N", "stat"], found.loc["pending", "stat"]) == (0, pending)
        assert found.loc[["estimate", "conf.low", "conf.high"], "stat"].isna().all()
        assert set(found.loc[["estimate", "conf.low", "conf.high"], "stat_text"]) == {"-"}


def test_five_intervals_and_the_probability_of_beating_the_comparison_rate(ard) -> None:
    for context in ("clopper_pearson", "wilson", "jeffreys", "midp", "beta_binomial"):
        found = stats(ard, context)
        assert found["conf.low"] < found["estimate"] < found["conf.high"]
    assert 0 < stats(ard, "beta_binomial")["prob_gt_orr0"] < 1
    assert stats(ard, "beta_binomial")["estimate"] == pytest.approx(3 / 7)


@pytest.mark.parametrize(
    ("name", "n", "total"),
    [
        ("sens: CN rules", 1, 5), ("sens: treatment policy", 3, 5), ("sens: EVAL-28", 2, 4),
        ("sens: window +/-2", 2, 5), ("sens: window +/-7", 3, 5), ("sens: steroid ignored", 2, 5),
        ("sens: child rule age<=14", 2, 5), ("sens: child rule age<18", 2, 5), ("sens: investigator", 0, 5),
    ],
)  # fmt: skip
def test_each_sensitivity_analysis_changes_one_assumption(ard, name, n, total) -> None:
    found = stats(ard, name)
    assert (found["n"], found["N"], found["pending"]) == (n, total, 1)


def test_the_subjects_who_change_category_are_named(responses) -> None:
    changes = category_changes(responses)
    named = changes[changes["SENS"].isin(["sens: CN rules", "sens: EVAL-28"])]
    assert named[["SENS", "USUBJID", "PRIMARY", "ALTERNATIVE"]].to_numpy().tolist() == [
        ["sens: CN rules", "iMSC-2001-S02", "PR", "NR"],
        ["sens: CN rules", "iMSC-2001-S03", "MR", "PD"],
        ["sens: EVAL-28", "iMSC-2001-S05", "NR (no assessment that counts)", "not in the set"],
    ]


def test_the_value_in_force_is_not_its_own_sensitivity_analysis(analysis) -> None:
    names = [choice.name for choice in sensitivities(analysis.model_copy(update={"response_rules": "CN"}))]
    assert "sens: CIBMTR rules" in names
    assert "sens: CN rules" not in names
    policy = analysis.model_copy(update={"newtx_strategy_orr": "treatment_policy"})
    assert "sens: treatment policy" not in [choice.name for choice in sensitivities(policy)]


def test_the_categories_add_up_to_the_treated_subjects(ard) -> None:
    rows = ard[(ard["analysis_id"] == "RSP28_CAT") & (ard["group1_level"] == "Total")]
    counts = {(r.variable_level, r.context): r.stat for r in rows.itertuples() if r.stat}
    assert counts == {
        ("CR", ""): 1, ("PR", ""): 1, ("MR", ""): 1, ("NR", "NEWTX"): 1, ("NR", "MISSING"): 1, ("PENDING", ""): 1,
    }  # fmt: skip


def test_a_trial_without_the_endpoint_reports_nothing(responses, protocol, analysis) -> None:
    other = protocol.model_copy(update={"study": protocol.study.model_copy(update={"endpoints": ["TEAE"]})})
    assert response_rate_rows(responses, other, analysis) == []
    assert category_rows(responses, other) == []


def test_with_no_treated_subject_every_rate_is_a_dash(protocol, analysis) -> None:
    domains = trial().subject("S01", level="SCRNFAIL").domains()
    subjects = derive_subjects(StudyData(domains, protocol, analysis, CUT))
    nobody = sensitivity_responses(subjects, StudyData(domains, protocol, analysis, CUT))
    ard = to_ard(response_rate_rows(nobody, protocol, analysis))
    assert set(ard[ard["stat_name"] == "estimate"]["stat_text"]) == {"-"}
    assert set(ard[ard["stat_name"] == "N"]["stat"]) == {0}
    assert "sens: EVAL-28" in set(ard["context"])


@pytest.mark.parametrize(("benchmark", "low", "high"), [("O1", 56.4, 82.0), ("O9", 54.2, 70.0)])
def test_clopper_pearson_gives_the_intervals_printed_for_published_counts(benchmark, low, high) -> None:
    row = benchmark_intervals().set_index("ID").loc[benchmark]
    assert (round(100 * row["LOW"], 1), round(100 * row["HIGH"], 1)) == (low, high)
    assert row["NOTE"].startswith("external, not comparable")
