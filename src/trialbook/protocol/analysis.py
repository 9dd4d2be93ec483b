"""The analysis keys (rulebook §10) and their types: every assumption is a parameter, never a constant.

No key has a default here. Defaults are in the protocol file alone, each with its source: no other can be in force.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from trialbook.protocol.decision_table import DecisionTable
from trialbook.protocol.drug_dictionary import DrugDictionary

Fraction01 = Annotated[float, Field(ge=0, le=1)]
PlausibleRange = tuple[str, str, float, float, str]
Window = Annotated[list[int], Field(min_length=2, max_length=2)]

# No count and no number of days is larger; one that is would break the calendar in a notebook, far from its cause.
LARGEST_NUMBER = 100_000
SR_DEFINITIONS = Literal["EBMT-NIH-CIBMTR-2018", "CN-2024", "REACH2", "REACH1", "MSB", "FDA-2023"]
# In force with the keys, but no keys: the file that the protocol names, and its own decision table.
NOT_KEYS = ("drugs", "decision_table")
RULES = Literal[
    "3+3", "i3+3", "mTPI-2", "keyboard", "BOIN", "CRM", "TITE-CRM", "TITE-BOIN", "Rolling6", "decision table", "none"
]  # fmt: skip


class AesiRule(BaseModel):
    """One search of adverse events (special interest, kind of infection): a record fits when each condition given fits.

    `terms` are words found at the start of a word of the coded or reported term, `socs` words of the system organ
    class; `minimum_grade` leaves out milder events; `after_infusion` asks for an onset within
    `infusion_reaction_hours` after the start of an infusion.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    category: str
    terms: list[str] = []
    socs: list[str] = []
    minimum_grade: Annotated[int, Field(ge=1, le=5)] = 1
    after_infusion: bool = False

    @model_validator(mode="after")
    def _says_what_to_find(self) -> AesiRule:
        if not self.terms and not self.socs:
            raise ValueError(f"the search {self.category} names neither terms nor socs")
        return self


class DltTerms(BaseModel):
    """Words that sort adverse events for the DLT definition (rulebook §4.1).

    `haematological` and `brief` are whole terms, as coded; the others are words found at the start of a word of the
    coded or reported term (`disease`: of the coded term where there is one). `trial_drug` is sought in CM.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    infusion_reaction: list[str] = []
    haematological: list[str] = []
    cytopenia: dict[str, list[str]] = {}
    disease: list[str] = []
    brief: list[str] = []
    product_growth: list[str] = []
    thromboembolic: list[str] = []
    trial_drug: list[str] = []


class HistoryWords(BaseModel):
    """Words that find the story of the disease in MH, CE and PR, in term, coded term or category."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    underlying_disease: list[str] = []
    transplant: list[str] = []
    acute_gvhd: list[str] = []


class HepaticScreen(BaseModel):
    """Biochemical criteria of liver injury: ALT or AST and bilirubin as multiples of ULN, and the days between."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    transaminase_uln: Annotated[float, Field(gt=0)]
    bilirubin_uln: Annotated[float, Field(gt=0)]
    days: Annotated[int, Field(ge=0)]


class Analysis(BaseModel):
    """The values in force for one cut: the protocol file's defaults with the cut file's overrides.

    Days are REL_DAY (0 = first infusion) unless a name says otherwise; doses of steroid are mg/kg/day of
    methylprednisolone. The meaning, source and assumption id of each key are in `params/protocol.yaml`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=False, allow_inf_nan=False)

    # time
    day_numbering: Literal["D0", "CDISC"]
    os_add_one: bool
    safety_end_rel_day: int | None
    dlt_window: Window
    maturity_margin_d28: int
    maturity_margin_d56: int
    # arms
    treatment_arm: Literal["received", "assigned"]
    dose_band: Fraction01
    weight_window_days: int
    age_groups: Annotated[list[Window], Field(min_length=1)]
    # eligibility
    elig_window_days: int
    lab_window_days: int
    sero_window_days: int
    age_rule: Literal["completed_years_inclusive", "strict_70"]
    assent_age: int
    sr_definition: SR_DEFINITIONS
    near_limit: Fraction01
    history_words: HistoryWords
    crcl_formula_adult: Literal["CG"]
    crcl_formula_child: Literal["Schwartz2009"]
    schwartz_compare: Literal["indexed", "deindexed", "both"]
    # staging
    skin4_rule: Literal["and", "or"]
    child_rule: Literal["age<18 and weight<=50", "age<=14", "age<18"]
    bili_cut_umol: Annotated[list[float], Field(min_length=4, max_length=4)]
    lgi_conflict: Literal["volume_first", "episodes_first", "worst"]
    ugi_requires_biopsy: bool
    # response
    baseline_window: Window
    baseline_window_wide: Window
    response_rules: Literal["CIBMTR", "CN"]
    d28_window: Window
    d56_window: Window
    bor_until: int
    dor_start: Literal["day28", "first_response"]
    dor_progression: Literal["lasting", "single"]
    steroid_sparing: Fraction01
    vgpr_bilirubin: Fraction01
    relapse_strategy_orr: Literal["treatment_policy", "composite"]
    steroid_escalation_is_newtx: bool
    steroid_escalation_days: int
    newtx_strategy_orr: Literal["composite", "treatment_policy"]
    d28_window_narrow: Window
    d28_window_wide: Window
    drugs: DrugDictionary = DrugDictionary()
    gvhdtx: list[str]
    dli_terms: list[str]
    nonsystemic_drugs: list[str]
    local_routes: list[str]
    # safety
    trae_levels: list[Literal["definite", "probable", "possible", "missing", "unassessable"]]
    teae_worsening: bool
    ae_start_impute: Literal["admiral_conservative", "none"]
    ae_collapse_gap_days: Annotated[int, Field(ge=0)] | None
    ae_linked_gap_days: Annotated[int, Field(ge=0)]
    infusion_reaction_hours: int
    expedited_days_fatal: Annotated[int, Field(ge=0)]
    expedited_days: Annotated[int, Field(ge=0)]
    aesi: list[AesiRule]
    infections: list[AesiRule]
    hepatic_screen: HepaticScreen
    inr_grading: Literal["as published", "admiral"]
    anticoagulants: list[str]
    lab_ae_match_days: Annotated[int, Field(ge=0)]
    eair_unit: Literal["patient_years", "100_patient_months"]
    ctcae_version: Literal["5.0"]
    # dose escalation
    escalation_rule: RULES
    decision_table: DecisionTable | None = None
    allow_deescalate: bool
    dlt_target: Annotated[float, Field(gt=0, lt=1)]
    n_cap: int
    cap_counts: Literal["treated", "evaluable"]
    backfill_counts: bool
    dlt_min_dose_frac: Fraction01
    irr_g3_exempt: bool
    irr_exempt_hours: Annotated[int, Field(gt=0)]
    dlt_min_grade: Annotated[int, Field(ge=1, le=5)]
    dlt_brief_hours: Annotated[int, Field(ge=0)]
    dlt_haem_grade: Annotated[int, Field(ge=1, le=5)]
    dlt_haem_days: Annotated[int, Field(ge=0)]
    dlt_cytopenia_below: dict[str, float]
    dlt_terms: DltTerms
    stop_at_two_dlts: bool
    expand_top_level: bool
    cohort_size: Annotated[int, Field(gt=0)]
    interval_margin: Annotated[float, Field(gt=0, lt=0.5)]
    interval_margin_above: Annotated[float, Field(ge=0, lt=1)]
    overdose_certainty: Annotated[float, Field(gt=0.5, lt=1)]
    extrasafe: bool
    extrasafe_offset: Annotated[float, Field(gt=0, lt=0.5)]
    bound_mtd: bool
    show_alternative_rules: bool
    crm_skeleton: list[Annotated[float, Field(gt=0, lt=1)]]
    crm_prior_variance: Annotated[float, Field(gt=0)]
    oc_scenarios: dict[str, list[Fraction01]]
    oc_accrual_days: Annotated[float, Field(ge=0)]
    oc_not_evaluable: Fraction01
    # estimation
    ci_primary_orr: Literal["clopper_pearson", "wilson", "jeffreys", "midp"]
    km_ci: Literal["log-log", "log", "plain", "logit"]
    os_days: list[int]
    orr0: Fraction01
    beta_prior: Annotated[list[float], Field(min_length=2, max_length=2)]
    stale_followup_days: int
    # cleaning
    plausible_ranges: list[PlausibleRange]
    weight_jump: Fraction01
    future_date_days: Annotated[int, Field(gt=0)]
    # display
    pct_min_n: int
    km_level_min_n: Annotated[int, Field(ge=1)]
    risk_table_days: list[Annotated[int, Field(ge=0)]]
    profiles_max: Annotated[int, Field(ge=0)]
    # documents
    narrative_days: Annotated[int, Field(ge=0)]
    small_cell_min: Annotated[int, Field(ge=1)]

    @property
    def days_to_maturity_d28(self) -> int:
        """Days from the first infusion to maturity for day 28: `maturity_margin_d28`, never before its window ends."""
        return self._mature(self.maturity_margin_d28, self.d28_window)

    @property
    def days_to_maturity_d56(self) -> int:
        """Days from the first infusion to maturity for day 56: `maturity_margin_d56`, never before its window ends."""
        return self._mature(self.maturity_margin_d56, self.d56_window)

    def _mature(self, margin: int, window: list[int]) -> int:
        # Under CDISC numbering the last day of a window is one day earlier after the infusion.
        return max(margin, window[1] - (1 if self.day_numbering == "CDISC" else 0))

    @model_validator(mode="after")
    def _days_of_this_world(self) -> Analysis:
        for name, value in self:
            numbers = value if isinstance(value, list) else [value]
            if any(isinstance(number, int) and abs(number) > LARGEST_NUMBER for number in numbers):
                raise ValueError(f"{name} holds a number beyond {LARGEST_NUMBER}")
        return self

    @model_validator(mode="after")
    def _has_the_table_of_its_rule(self) -> Analysis:
        if self.escalation_rule == "decision table" and self.decision_table is None:
            raise ValueError("escalation_rule is decision table, and the protocol file has no decision_table")
        return self

    @model_validator(mode="after")
    def _windows_in_order(self) -> Analysis:
        windows = (
            "dlt_window",
            "baseline_window",
            "baseline_window_wide",
            "d28_window",
            "d28_window_narrow",
            "d28_window_wide",
            "d56_window",
        )
        for name in windows:
            first, last = getattr(self, name)
            if first > last:
                raise ValueError(f"{name} starts after it ends")
            if first < 0 and not name.startswith("baseline"):
                raise ValueError(f"{name} starts before the first infusion (day 0)")
        if sorted(self.bili_cut_umol) != list(self.bili_cut_umol):
            raise ValueError("bili_cut_umol must rise")
        return self
