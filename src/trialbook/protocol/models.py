"""Typed models of the parameter files: the protocol as data, and one cut."""

from __future__ import annotations

import datetime as dt
import difflib
import re
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from trialbook.core.messages import msg
from trialbook.core.privacy import masked_argument
from trialbook.protocol.analysis import NOT_KEYS, Analysis
from trialbook.protocol.conduct import Deviations, Enrolment, QueryHandling, Reconciliation, Schedule, Signals
from trialbook.protocol.criteria import Amendment, CodeLists, Criterion, check_amendments
from trialbook.protocol.decision_table import DecisionTable
from trialbook.protocol.drug_dictionary import DrugDictionary
from trialbook.protocol.monitoring import MonitoringRule
from trialbook.protocol.outcomes import Outcomes
from trialbook.protocol.yaml_file import about, form

# Names that Windows keeps for devices, and those of files beside the builds, are not folders of builds.
CUT_ID = re.compile(
    r"(?!(?i:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\.|$))(?!(?i:index\.html|readme\.md)$)(?!.*\.(?i:ya?ml)$)"
    r"[A-Za-z0-9_][A-Za-z0-9._-]{0,63}(?<!\.)"
)
NOT_DOSE_LEVELS = ("SCRNFAIL", "NOTASSGN", "NOTTRT")
ENDPOINTS = ("ELIGIBILITY", "TEAE", "DLT", "ORR_D28", "OS")
# What a page about an endpoint says in a trial without it; each ends in the same words, after which the page ends.
NOT_AN_ENDPOINT = {
    "DLT": msg("Dose-limiting toxicity is not an endpoint of this trial: this page covers nothing of it."),
    "ORR_D28": msg("The response at day 28 is not an endpoint of this trial: this page covers nothing of it."),
    "OS": msg("Overall survival is not an endpoint of this trial: this page covers nothing of it."),
}
NOTHING_OF_IT = ": this page covers nothing of it."


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Study(_Model):
    """What the registry entry says of the study, and which endpoints the workbook reports for it."""

    id: str
    registry_id: str
    title: str
    sponsor: str
    planned_n: Annotated[int, Field(gt=0)]
    design: str
    endpoints: list[Literal["ELIGIBILITY", "TEAE", "DLT", "ORR_D28", "OS"]]
    disclaimer: str
    notes: list[str] = []
    # Of `planned_n`, those who are planned outside of the dose escalation, in expansion cohorts for example.
    expansion_n: Annotated[int, Field(ge=0)] = 0
    # In words of the pages: what is given, and the disease that it is given for.
    product: str = "the study product"
    disease: str = "the disease under study"


class DoseLevel(_Model):
    """One dose level (or arm): id as in DM ARMCD, cells per kg in 10^6, planned infusions as REL_DAYs.

    `dose`: the dose as it is printed, where it is not cells per kg (12.5 µg/kg).
    """

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,20}$")]
    label: str
    cells_per_kg: Annotated[float, Field(gt=0)] | None = None
    dose: str = ""
    planned_infusions: list[int] = []
    infusion_window: Annotated[int, Field(ge=0)] = 1

    @property
    def printed_dose(self) -> str:
        """The dose as pages print it beside the level; blank where the protocol file gives none."""
        return self.dose if self.cells_per_kg is None else f"{self.cells_per_kg:g} x 10^6/kg"


class AnalysisKey(_Model):
    """One analysis key: its default, where that comes from, and whether it is an assumption (with its A-nn id).

    `alternatives` are the other values under which the eligibility audit is looked at.
    """

    default: Any
    source: str
    assumption: str | None = None
    meaning: str = ""
    alternatives: list[Any] = []


class Protocol(_Model):
    """The trial as data: `params/protocol.yaml`."""

    study: Study
    dose_levels: Annotated[list[DoseLevel], Field(min_length=1)]
    dose_levels_note: str = ""
    version: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,20}$")] = "1.0"
    criteria: list[Criterion] = []
    code_lists: CodeLists = CodeLists()
    expected_events: list[str] = []
    expected_events_note: str = ""
    # Assumptions that are no key, by number: what was assumed, in words.
    assumptions: dict[Annotated[str, Field(pattern=r"^A-[0-9]{2,3}$")], Annotated[str, Field(min_length=1)]] = {}
    amendments: list[Amendment] = []
    enrolment: Enrolment = Enrolment()
    schedule: Schedule = Schedule()
    deviations: Deviations = Deviations()
    queries: QueryHandling = QueryHandling()
    reconciliation: Reconciliation = Reconciliation()
    signals: Signals = Signals()
    # Events that may stop the trial, by the id of the rule.
    monitoring: dict[Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,40}$")], MonitoringRule] = {}
    # The decision table of the protocol, where it has one of its own (escalation_rule: decision table).
    decision_table: DecisionTable | None = None
    outcomes: Outcomes = Outcomes()
    analysis: dict[str, AnalysisKey]
    # The file that says what each drug is, relative to the folder that holds `params/`, and what it holds.
    drug_dictionary: str | None = None
    drugs: DrugDictionary = DrugDictionary()

    @field_validator("analysis")
    @classmethod
    def _known_analysis_keys(cls, keys: dict[str, AnalysisKey]) -> dict[str, AnalysisKey]:
        known = [name for name in Analysis.model_fields if name not in NOT_KEYS]
        for key in keys:
            if key not in known:
                nearest = difflib.get_close_matches(key, known, n=1, cutoff=0)[0]
                raise about(key, f"unknown analysis key {key}; the nearest known key is {nearest}")
        missing = [key for key in known if key not in keys]
        if missing:
            more = f", and {len(missing) - 1} more" if len(missing) > 1 else ""
            raise about(missing[0], f"the analysis key {missing[0]} is missing{more}; expected {form(AnalysisKey)}")
        return keys

    @model_validator(mode="after")
    def _unique_ids(self) -> Protocol:
        for name, ids in (
            ("dose level", [level.id for level in self.dose_levels]),
            ("criterion", [c.id for c in self.criteria]),
        ):
            twice = sorted({i for i in ids if ids.count(i) > 1})
            if twice:
                raise ValueError(f"the {name} {twice[0]} occurs twice")
        reserved = [level.id for level in self.dose_levels if level.id in (*NOT_DOSE_LEVELS, "Total")]
        if reserved:
            raise ValueError(f"{reserved[0]} cannot be the id of a dose level")
        return self

    @model_validator(mode="after")
    def _readable_criteria(self) -> Protocol:
        for name in ("positive", "negative", "severity", "waiver") if self.criteria else ():
            if not getattr(self.code_lists, name):
                raise ValueError(f"the code list {name} is missing, which criteria are read with")
        check_amendments(self.version, self.amendments, self.criteria)
        return self

    @model_validator(mode="after")
    def _known_late_events(self) -> Protocol:
        searches = self.analysis["aesi"].default if "aesi" in self.analysis else []
        known = [rule.get("category") for rule in searches if isinstance(rule, dict)] if searches else []
        for code, category in self.outcomes.late_events.events.items():
            if category not in known:
                raise ValueError(f"the late event {code} counts {category}, which is no category of aesi")
        return self

    @property
    def level_ids(self) -> list[str]:
        """Dose level ids in the order of the file, which is the order of escalation."""
        return [level.id for level in self.dose_levels]

    @property
    def audit_columns(self) -> list[str]:
        """The audit columns in the order of the file: IN01 to IN05, EX01 to EX03, EX04A to EX04E, EX05 to EX17."""
        return [column for criterion in self.criteria for column in criterion.audit_columns()]

    def level(self, level_id: str) -> DoseLevel:
        """The dose level with this id; raises KeyError when there is none."""
        return {level.id: level for level in self.dose_levels}[level_id]

    def has_endpoint(self, endpoint: str) -> bool:
        """Whether the trial has this endpoint; what it does not have is 'not an endpoint', never an error."""
        return endpoint in self.study.endpoints


class TransferredFile(_Model):
    """What was received of one file, written by `trialbook new-cut`; a difference stops the build."""

    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    bytes: Annotated[int, Field(ge=0)]
    rows: Annotated[int, Field(ge=0)] | None = None


ExternalName = Literal["safety_database", "central_laboratory", "reference_ranges"]


class ExternalFile(_Model):
    """A file of somebody else that the export is compared with: its path, and the name in it of a column that it calls
    otherwise (`columns: {AETERM: Event}`).
    """

    file: Annotated[str, Field(min_length=1)]
    columns: dict[str, str] = {}


class External(_Model):
    """The files of others, where there are any."""

    safety_database: ExternalFile | None = None
    central_laboratory: ExternalFile | None = None
    reference_ranges: ExternalFile | None = None

    def named(self) -> dict[ExternalName, ExternalFile]:
        """The files that there are, by what they are."""
        every = {name: getattr(self, name) for name in get_args(ExternalName)}
        return {name: one for name, one in every.items() if one is not None}


def calendar_date(value: str, otherwise: str) -> str:
    """The value, a complete ISO 8601 date that exists; raises ValueError, with the words `otherwise` for another form.

    >>> calendar_date("2025-06-30", "a complete date")
    '2025-06-30'
    """
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        raise ValueError(otherwise)
    try:
        dt.date.fromisoformat(value)
    except ValueError:
        raise ValueError("there is no such calendar date") from None
    return value


class Cut(_Model):
    """One cut file. Paths are relative to the folder that holds `params/`, or absolute."""

    cut_id: str
    cut_date: str
    snapshot: str
    protocol: str
    previous_cut: str | None = None
    overrides: dict[str, Any] = {}
    mapping: str | None = None
    transfer: dict[str, TransferredFile] | None = None
    approved_deletions: str | None = None
    decisions: str | None = None
    answers: str | None = None
    external: External | None = None
    synthetic: bool | None = None

    @field_validator("cut_id", "previous_cut")
    @classmethod
    def _safe_id(cls, value: str | None) -> str | None:
        if value is not None and not CUT_ID.fullmatch(value):
            raise ValueError(
                "a cut id is 1 to 64 of A-Z a-z 0-9 . _ - without a leading dot or hyphen or a dot at its end, and no "
                "reserved name (con, nul, ..., index.html, README.md, *.yaml)"
            )
        if value is not None and masked_argument(value) != value:
            raise ValueError("a cut id names folders and pages, and this one identifies a person")
        return value

    @field_validator("cut_date")
    @classmethod
    def _complete_date(cls, value: str) -> str:
        return calendar_date(value, "a cut date is a complete date, YYYY-MM-DD")

    @model_validator(mode="after")
    def _follows_another(self) -> Cut:
        if self.previous_cut == self.cut_id:
            raise ValueError(f"the cut {self.cut_id} cannot be its own previous cut")
        return self

    @field_validator("overrides", mode="before")
    @classmethod
    def _no_overrides(cls, value: Any) -> Any:
        return {} if value is None else value


class Trial(_Model):
    """Everything one build is given: the cut, the protocol, the values in force, and where relative paths start.

    `read` holds the sha256 of each parameter file that it was made from, by its place (`inputs.place_of`).
    """

    cut: Cut
    protocol: Protocol
    analysis: Analysis
    root: Path
    read: dict[str, str] = {}

    def path(self, text: str) -> Path:
        """A path of the cut file as an absolute path."""
        return (self.root / text).resolve()

    @property
    def cut_date(self) -> Any:
        """CUTDT, the inclusive data cut-off date."""
        # Imported here: reading a cut file must not wait for pandas.
        from trialbook.core.dates import as_date

        return as_date(self.cut.cut_date)
