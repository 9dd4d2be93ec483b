"""Every analysis key gets another value, all in one build: no page says what was in force before."""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import Any

import pytest

from support.demo_workbook import Workbook
from trialbook.protocol.analysis import NOT_KEYS, Analysis
from trialbook.protocol.assumptions import value_text
from trialbook.protocol.load import analysis_values, load_protocol

pytestmark = pytest.mark.build
# Keys that hold one value only: a registered or published standard.
LOCKED = {"ctcae_version", "crcl_formula_adult", "crcl_formula_child"}
# No rule of escalation: other rules would follow the trial to all its ends, which takes minutes and says nothing here.
CHANGED: dict[str, Any] = {
    "day_numbering": "CDISC", "os_add_one": True, "safety_end_rel_day": 91, "dlt_window": [0, 41],
    "maturity_margin_d28": 36, "maturity_margin_d56": 74, "treatment_arm": "assigned", "dose_band": 0.15,
    "weight_window_days": 6, "age_groups": [[4, 17], [18, 70]], "elig_window_days": 22, "lab_window_days": 15,
    "sero_window_days": 43, "age_rule": "strict_70", "assent_age": 9, "sr_definition": "REACH2", "near_limit": 0.12,
    "schwartz_compare": "both", "skin4_rule": "or", "child_rule": "age<18", "bili_cut_umol": [34.0, 52.0, 103.0, 257.0],
    "lgi_conflict": "worst", "ugi_requires_biopsy": True, "baseline_window": [-5, 0], "baseline_window_wide": [-9, 0],
    "response_rules": "CN", "d28_window": [22, 36], "d28_window_narrow": [24, 32], "d56_window": [43, 71],
    "bor_until": 39, "dor_start": "first_response", "dor_progression": "single", "steroid_sparing": 0.35,
    "vgpr_bilirubin": 0.2,
    "relapse_strategy_orr": "composite", "steroid_escalation_is_newtx": False, "steroid_escalation_days": 4,
    "newtx_strategy_orr": "treatment_policy", "d28_window_wide": [19, 38], "trae_levels": ["definite", "probable"],
    "teae_worsening": False, "ae_start_impute": "none", "ae_collapse_gap_days": 2, "infusion_reaction_hours": 47,
    "hepatic_screen": {"transaminase_uln": 5, "bilirubin_uln": 4, "days": 12}, "lab_ae_match_days": 6,
    "eair_unit": "100_patient_months", "escalation_rule": "none", "allow_deescalate": False, "dlt_target": 0.27,
    "n_cap": 18, "cap_counts": "evaluable", "backfill_counts": True, "dlt_min_dose_frac": 0.65,
    "irr_g3_exempt": True, "irr_exempt_hours": 23,
    "dlt_min_grade": 4, "dlt_brief_hours": 71, "dlt_haem_grade": 3, "dlt_haem_days": 8,
    "dlt_cytopenia_below": {"NEUT": 0.4, "PLAT": 20}, "stop_at_two_dlts": False, "expand_top_level": False,
    "cohort_size": 2, "interval_margin": 0.04, "interval_margin_above": 0.06, "overdose_certainty": 0.9,
    "extrasafe": True, "extrasafe_offset": 0.04, "bound_mtd": True, "show_alternative_rules": True,
    "crm_skeleton": [0.1, 0.2, 0.3], "crm_prior_variance": 1.5,
    "oc_scenarios": {"flat": [0.2, 0.2, 0.2]}, "oc_accrual_days": 20, "oc_not_evaluable": 0.1,
    "ci_primary_orr": "wilson", "km_ci": "plain", "os_days": [50, 90], "orr0": 0.22, "beta_prior": [0.5, 2.0],
    "stale_followup_days": 33, "weight_jump": 0.3, "future_date_days": 400, "pct_min_n": 4, "km_level_min_n": 2,
    "risk_table_days": [0, 50, 90], "profiles_max": 50, "expedited_days_fatal": 6, "expedited_days": 14,
    "ae_linked_gap_days": 2, "inr_grading": "admiral", "gvhdtx": ["ruxolitinib"],
    "nonsystemic_drugs": ["budesonide"], "small_cell_min": 4, "narrative_days": 13,
}  # fmt: skip
# Lists of words and ranges: the last entry is left out.
SHORTER = ("dli_terms", "local_routes", "aesi", "infections", "plausible_ranges", "anticoagulants")
WORDS = {"history_words": "acute_gvhd", "dlt_terms": "trial_drug"}
# How a page puts the value of a key: page, the text in front of it and after it.
SAID: dict[str, list[tuple[str, str, str]]] = {
    "safety_end_rel_day": [("03_safety", "first infusion to day ", ""), ("05_orr", "first infusion to day ", "")],
    "maturity_margin_d28": [("02_eligibility", "(infused ", " days before"), ("05_orr", "mature, that is ", " days")],
    "weight_window_days": [("03_safety", "weight within ", " days")],
    "elig_window_days": [("02_eligibility", "performance and stages from ", ",")],
    "lab_window_days": [("02_eligibility", "results count from ", " days")],
    "sero_window_days": [("02_eligibility", "serology from ", " (")],
    "sr_definition": [("02_eligibility", "uses the definition ", " (A-19)")],
    "bor_until": [("05_orr", "best category to day ", ",")],
    "infusion_reaction_hours": [("03_safety", "began within ", " hours")],
    "orr0": [("05_orr", "a rate above ", " is"), ("05_orr", "The dashed line is ", ".")],
    "dlt_target": [("04_dlt", "Target rate ", ""), ("05_orr", "Pr(rate > ", ")")],
    "km_ci": [("06_os", "variance and the ", " interval")],
    "km_level_min_n": [("06_os", "own curve from ", " subjects")],
    "pct_min_n": [("02_eligibility", "printed from ", " subjects on")],
    "response_rules": [("05_orr", "rule set in force is ", " (")],
    "stale_followup_days": [],
}  # fmt: skip
WINDOWS = {
    "dlt_window": [
        ("04_dlt", "The window is day {} to day {} after"),
        ("05_orr", "DLT, yes or no, on day {} to {}"),
    ],
    "baseline_window": [("05_orr", "assessment on days {} to {} before"), ("05_orr", "baseline of day {} to {}")],
    "d28_window": [("05_orr", "closest to it on days {} to {};"), ("05_orr", "(day {} to {})")],
    "d56_window": [("05_orr", "at day 56 (days {} to {}, A-57)")],
}
SHARES = {"dlt_min_dose_frac": ("04_dlt", "at least {:.0%} of the dose"), "steroid_sparing": ("05_orr", "by {:.0%} or")}


@pytest.fixture(scope="module")
def overrides(root: Path) -> dict[str, Any]:
    """Another value for every key."""
    protocol = load_protocol(root / "params" / "protocol.yaml")
    usual = analysis_values(protocol, {}, "protocol file").model_dump(mode="json")
    shorter = {key: usual[key][:-1] for key in SHORTER}
    fewer = {key: {**usual[key], word: usual[key][word][:-1]} for key, word in WORDS.items()}
    return {**CHANGED, **shorter, **fewer}


@pytest.fixture(scope="module")
def build(root: Path, overrides: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A build under them; its charts are drawn, so that their texts can be read too."""
    return Workbook(tmp_path_factory.mktemp("keys"), root).build(charts="static", overrides=overrides)


def words(page: Path) -> str:
    """The words of a page and of its drawings."""
    text = re.sub(r"<(script|style)\b.*?</\1>", " ", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", text)).split())


def test_a_static_build_holds_no_script(build: Path) -> None:
    pages = sorted(build.glob("*.html"))
    assert len(pages) >= 7
    assert [page.name for page in pages if "<script" in page.read_text(encoding="utf-8")] == []


def test_every_key_in_another_value_leaves_no_stale_text(build: Path, overrides: dict[str, Any], root: Path) -> None:
    protocol = load_protocol(root / "params" / "protocol.yaml")
    usual = analysis_values(protocol, {}, "protocol file")
    assert set(overrides) == set(Analysis.model_fields) - {*LOCKED, *NOT_KEYS}, "a new key needs another value here"
    # What is looked up has a page of its own beside the answers.
    pages = {
        path.stem: " ".join(
            words(page) for page in (path, path.with_name(f"{path.stem}_tables.html")) if page.is_file()
        )
        for path in build.glob("*.html")
    }
    table = pages["02_eligibility"]
    now = analysis_values(protocol, overrides, "cut file")
    for key in overrides:
        assert getattr(now, key) != getattr(usual, key), key
        row = f"{key} {value_text(getattr(now, key))} no; the default is {value_text(getattr(usual, key))}"
        assert row in table, row
    for key, places in SAID.items():
        for page, before, after in places:
            new, old = (f"{before}{_shown(getattr(keys, key))}{after}" for keys in (now, usual))
            assert new in pages[page], (key, new)
            assert not re.search(re.escape(old) + (r"\b" if not after else ""), pages[page]), (key, old)
    for key, phrases in WINDOWS.items():
        for page, phrase in phrases:
            assert phrase.format(*getattr(now, key)) in pages[page], (key, phrase)
            assert phrase.format(*getattr(usual, key)) not in pages[page], (key, phrase)
    for key, (page, phrase) in SHARES.items():
        assert phrase.format(getattr(now, key)) in pages[page], (key, phrase)
        assert phrase.format(getattr(usual, key)) not in pages[page], (key, phrase)


def _shown(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
