"""The analysis keys (rulebook §10): every assumption is a typed parameter with a default, never a constant."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from trialbook.protocol.drug_dictionary import DrugDictionary

Fraction01 = Annotated[float, Field(ge=0, le=1)]
PlausibleRange = tuple[str, str, float, float, str]
Window = Annotated[list[int], Field(min_length=2, max_length=2)]

# No count and no number of days is larger; one that is would break the calendar in a notebook, far from its cause.
LARGEST_NUMBER = 100_000
SR_DEFINITIONS = Literal["EBMT-NIH-CIBMTR-2018", "CN-2024", "REACH2", "REACH1", "MSB", "FDA-2023"]
# In force with the keys, but no key: it is read from the file that the protocol names.
NOT_KEYS = ("drugs",)
RULES = Literal["3+3", "i3+3", "mTPI-2", "keyboard", "BOIN", "CRM", "TITE-CRM", "TITE-BOIN", "Rolling6", "none"]


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
    day_numbering: Literal["D0", "CDISC"] = "D0"
    os_add_one: bool = False
    safety_end_rel_day: int | None = 180
    dlt_window: Window = [0, 28]
    maturity_margin_d28: int = 31
    maturity_margin_d56: int = 63
    # arms
    treatment_arm: Literal["received", "assigned"] = "received"
    dose_band: Fraction01 = 0.10
    weight_window_days: int = 7
    age_groups: Annotated[list[Window], Field(min_length=1)] = [[4, 11], [12, 17], [18, 70]]
    # eligibility
    elig_window_days: int = 14
    lab_window_days: int = 7
    sero_window_days: int = 28
    age_rule: Literal["completed_years_inclusive", "strict_70"] = "completed_years_inclusive"
    assent_age: int = 8
    sr_definition: SR_DEFINITIONS = "EBMT-NIH-CIBMTR-2018"
    near_limit: Fraction01 = 0.10
    history_words: HistoryWords = HistoryWords()
    crcl_formula_adult: Literal["CG"] = "CG"
    crcl_formula_child: Literal["Schwartz2009"] = "Schwartz2009"
    schwartz_compare: Literal["indexed", "deindexed", "both"] = "indexed"
    # staging
    skin4_rule: Literal["and", "or"] = "and"
    child_rule: Literal["age<18 and weight<=50", "age<=14", "age<18"] = "age<18 and weight<=50"
    bili_cut_umol: Annotated[list[float], Field(min_length=4, max_length=4)] = [34.2, 51.3, 102.6, 256.5]
    lgi_conflict: Literal["volume_first", "episodes_first", "worst"] = "volume_first"
    ugi_requires_biopsy: bool = False
    # response
    baseline_window: Window = [-3, 0]
    baseline_window_wide: Window = [-7, 0]
    response_rules: Literal["CIBMTR", "CN"] = "CIBMTR"
    d28_window: Window = [25, 31]
    d56_window: Window = [49, 63]
    bor_until: int = 31
    dor_start: Literal["day28", "first_response"] = "day28"
    dor_progression: Literal["lasting", "single"] = "lasting"
    steroid_sparing: Fraction01 = 0.50
    vgpr_bilirubin: Fraction01 = 0.25
    relapse_strategy_orr: Literal["treatment_policy", "composite"] = "treatment_policy"
    steroid_escalation_is_newtx: bool = True
    steroid_escalation_days: int = 3
    newtx_strategy_orr: Literal["composite", "treatment_policy"] = "composite"
    d28_window_wide: Window = [21, 35]
    drugs: DrugDictionary = DrugDictionary()
    gvhdtx: list[str] = []
    dli_terms: list[str] = []
    nonsystemic_drugs: list[str] = []
    local_routes: list[str] = []
    # safety
    trae_levels: list[Literal["definite", "probable", "possible", "missing", "unassessable"]] = [
        "definite", "probable", "possible", "missing", "unassessable",
    ]  # fmt: skip
    teae_worsening: bool = True
    ae_start_impute: Literal["admiral_conservative", "none"] = "admiral_conservative"
    ae_collapse_gap_days: Annotated[int, Field(ge=0)] | None = 1
    ae_linked_gap_days: Annotated[int, Field(ge=0)] = 1
    infusion_reaction_hours: int = 24
    expedited_days_fatal: Annotated[int, Field(ge=0)] = 7
    expedited_days: Annotated[int, Field(ge=0)] = 15
    aesi: list[AesiRule] = []
    infections: list[AesiRule] = []
    hepatic_screen: HepaticScreen = HepaticScreen(transaminase_uln=3, bilirubin_uln=2, days=14)
    inr_grading: Literal["as published", "admiral"] = "as published"
    anticoagulants: list[str] = []
    lab_ae_match_days: Annotated[int, Field(ge=0)] = 7
    eair_unit: Literal["patient_years", "100_patient_months"] = "patient_years"
    ctcae_version: Literal["5.0"] = "5.0"
    # dose escalation
    escalation_rule: RULES = "3+3"
    allow_deescalate: bool = True
    dlt_target: Annotated[float, Field(gt=0, lt=1)] = 0.30
    n_cap: int = 12
    cap_counts: Literal["treated", "evaluable"] = "treated"
    dlt_min_dose_frac: Fraction01 = 0.8
    irr_g3_exempt: bool = False
    irr_exempt_hours: Annotated[int, Field(gt=0)] = 24
    dlt_min_grade: Annotated[int, Field(ge=1, le=5)] = 3
    dlt_brief_hours: Annotated[int, Field(ge=0)] = 72
    dlt_haem_grade: Annotated[int, Field(ge=1, le=5)] = 4
    dlt_haem_days: Annotated[int, Field(ge=0)] = 7
    dlt_cytopenia_below: dict[str, float] = {"NEUT": 0.5, "PLAT": 25}
    dlt_terms: DltTerms = DltTerms()
    stop_at_two_dlts: bool = True
    expand_top_level: bool = True
    cohort_size: Annotated[int, Field(gt=0)] = 3
    interval_margin: Annotated[float, Field(gt=0, lt=0.5)] = 0.05
    interval_margin_above: Annotated[float, Field(ge=0, lt=1)] = 0.0
    overdose_certainty: Annotated[float, Field(gt=0.5, lt=1)] = 0.95
    extrasafe: bool = False
    extrasafe_offset: Annotated[float, Field(gt=0, lt=0.5)] = 0.05
    bound_mtd: bool = False
    show_alternative_rules: bool = False
    crm_skeleton: list[Annotated[float, Field(gt=0, lt=1)]] = [0.12, 0.25, 0.40]
    crm_prior_variance: Annotated[float, Field(gt=0)] = 1.34
    oc_scenarios: dict[str, list[Fraction01]] = {
        "very safe": [0.01, 0.02, 0.05], "safe": [0.05, 0.10, 0.20], "rising": [0.10, 0.20, 0.35],
        "toxic": [0.25, 0.40, 0.55],
    }  # fmt: skip
    oc_accrual_days: Annotated[float, Field(ge=0)] = 21
    oc_not_evaluable: Fraction01 = 0
    # estimation
    ci_primary_orr: Literal["clopper_pearson", "wilson", "jeffreys", "midp"] = "clopper_pearson"
    km_ci: Literal["log-log", "log", "plain", "logit"] = "log-log"
    os_days: list[int] = [28, 100, 180]
    orr0: Fraction01 = 0.40
    beta_prior: Annotated[list[float], Field(min_length=2, max_length=2)] = [1.0, 1.0]
    stale_followup_days: int = 30
    # cleaning
    plausible_ranges: list[PlausibleRange] = [
        ("LB", "BILI", 1, 900, "umol/L"), ("LB", "CREAT", 10, 2000, "umol/L"), ("LB", "UREA", 0.5, 60, "mmol/L"),
        ("LB", "BUN", 0.5, 60, "mmol/L"), ("LB", "HGB", 20, 220, "g/L"), ("LB", "PLAT", 0, 2000, "10^9/L"),
        ("LB", "WBC", 0, 100, "10^9/L"), ("LB", "NEUT", 0, 100, "10^9/L"), ("LB", "LYM", 0, 100, "10^9/L"),
        ("LB", "ALT", 1, 10000, "U/L"), ("LB", "AST", 1, 10000, "U/L"), ("VS", "WEIGHT", 3, 200, "kg"),
        ("VS", "HEIGHT", 40, 230, "cm"), ("VS", "TEMP", 30, 45, "C"), ("VS", "SYSBP", 40, 260, "mmHg"),
        ("VS", "DIABP", 15, 160, "mmHg"), ("VS", "PULSE", 20, 250, "beats/min"), ("VS", "OXYSAT", 40, 100, "%"),
        ("FA", "STOOLVOL", 20, 15000, "mL/day"), ("FA", "STOOLN", 1, 60, "/day"),
    ]  # fmt: skip
    weight_jump: Fraction01 = 0.20
    future_date_days: Annotated[int, Field(gt=0)] = 366
    # display
    pct_min_n: int = 10
    km_level_min_n: Annotated[int, Field(ge=1)] = 3
    risk_table_days: list[Annotated[int, Field(ge=0)]] = [0, 14, 28, 56, 100, 180]
    profiles_max: Annotated[int, Field(ge=0)] = 100

    @model_validator(mode="after")
    def _days_of_this_world(self) -> Analysis:
        for name, value in self:
            numbers = value if isinstance(value, list) else [value]
            if any(isinstance(number, int) and abs(number) > LARGEST_NUMBER for number in numbers):
                raise ValueError(f"{name} holds a number beyond {LARGEST_NUMBER}")
        return self

    @model_validator(mode="after")
    def _windows_in_order(self) -> Analysis:
        for name in ("dlt_window", "baseline_window", "baseline_window_wide", "d28_window", "d56_window"):
            first, last = getattr(self, name)
            if first > last:
                raise ValueError(f"{name} starts after it ends")
        if sorted(self.bili_cut_umol) != list(self.bili_cut_umol):
            raise ValueError("bili_cut_umol must rise")
        return self
