"""No text promises what a key or the protocol may change: Markdown holds no such value, sentences take them all."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from support.paths import ROOT
from trialbook.dlt import tables as dlt
from trialbook.efficacy import estimands
from trialbook.efficacy import wording as efficacy
from trialbook.eligibility import tables as eligibility
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.models import NOTHING_OF_IT, Protocol
from trialbook.safety import tables as safety
from trialbook.workbook.step_metadata import read_graph

OF_THIS_TRIAL = re.compile(r"GVHD|iMSC|mesenchymal|graft|stromal|NCT0", re.IGNORECASE)
# Names that hold a digit: of assumptions, tables, steps, endpoints, standards, and stages that the definitions fix.
NAMES = re.compile(
    r"\b(?:A-\d+|[TL]-\d+[ab]?|F\d+[ab]?|P\d+|Step \d+|notebook \d|E9\(R1\)|0\d_\w+|CTCAE v5\.0|95%|sha256|Beta\(1,1\)"
    r"|[Dd]ay (?:0|28|56)|stages? 0|grade [34](?: or [34])?)|§[\d.]+|^# \d\.",
    re.MULTILINE,
)
FILES = {"changelog.csv", "queries.xlsx", "sdtmchecks", "datacutr"}


def markdown() -> list[tuple[str, str]]:
    cells = []
    # What analysts have for themselves is no page.
    for path in [ROOT / spec.file for spec in read_graph(ROOT).steps]:
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            if cell["cell_type"] == "markdown":
                cells.append((f"{path.stem} {cell['id']}", "".join(cell["source"])))
    assert len(cells) > 50
    return cells


@pytest.mark.parametrize(("cell", "text"), markdown())
def test_markdown_holds_no_number_key_or_word_of_this_trial(cell: str, text: str) -> None:
    assert re.findall(r"\d+", NAMES.sub("", text)) == [], cell
    assert set(re.findall(r"`([^`]+)`", text)) <= FILES, cell
    assert OF_THIS_TRIAL.findall(text) == [], cell
    assert [key for key in Analysis.model_fields if "_" in key and key in text] == [], cell


def texts(path: Path) -> list[str]:
    """The texts of a module that are not docstrings."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    notes = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and isinstance(node.body[0], ast.Expr)
    }
    found = [n for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str)]
    return [node.value for node in found if id(node) not in notes]


def test_no_text_of_the_library_or_of_a_code_cell_names_the_product() -> None:
    for path in sorted((ROOT / "src" / "trialbook").rglob("*.py")):
        assert [text for text in texts(path) if "iMSC" in text] == [], path
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            assert not OF_THIS_TRIAL.search("".join(cell["source"])), f"{path.name} {cell['id']}"


Sentence = Callable[[Protocol, Analysis], str]
# Each sentence, a key it rests on, another value of the key, and what it then says instead of what it says now.
CASES: list[tuple[Sentence, str, Any, str, str]] = [
    (eligibility.audit_method, "lab_window_days", 14, "from 14 days before the infusion", "from 7 days before"),
    (eligibility.audit_method, "elig_window_days", 21, "stages from 21", "stages from 14"),
    (eligibility.audit_method, "sero_window_days", 42, "serology from 42", "serology from 28"),
    (eligibility.definition_method, "sr_definition", "REACH2", "definition REACH2", "EBMT"),
    (eligibility.sets_method, "maturity_margin_d28", 35, "infused 35 days before", "infused 31 days"),
    (eligibility.people_method, "pct_min_n", 5, "from 5 subjects on", "from 10 subjects"),
    (safety.question, "safety_end_rel_day", 90, "to day 90", "to day 180"),
    (safety.question, "safety_end_rel_day", None, "without an end", "to day 180"),
    (lambda p, a: safety.exposure_method(a), "weight_window_days", 3, "within 3 days", "within 7 days"),
    (safety.special_interest, "infusion_reaction_hours", 48, "within 48 hours", "within 24 hours"),
    (dlt.status_method, "dlt_window", [0, 42], "day 0 to day 42", "day 28"),
    (dlt.status_method, "dlt_min_dose_frac", 0.6, "60% of the dose due", "80%"),
    (dlt.rule_method, "escalation_rule", "BOIN", "(BOIN, at most 12 subjects)", "3+3"),
    (dlt.rule_method, "n_cap", 18, "at most 18 subjects", "at most 12"),
    (dlt.rule_method, "show_alternative_rules", True, "shown beside it in this cut", "not shown"),
    (efficacy.maturity_method, "response_rules", "CN", "in force is CN", "CIBMTR"),
    (efficacy.maturity_method, "maturity_margin_d28", 35, "that is 35 days", "31 days"),
    (efficacy.assessment_method, "baseline_window", [-5, 0], "days -5 to 0", "days -3 to 0"),
    (efficacy.assessment_method, "baseline_window_wide", [-9, 0], "from day -9", "day -7"),
    (efficacy.assessment_method, "d28_window", [21, 35], "days 21 to 35", "days 25 to 31"),
    (efficacy.interval_method, "ci_primary_orr", "wilson", "Wilson is primary", "Clopper"),
    (efficacy.interval_method, "orr0", 0.2, "a rate above 0.2 is", "0.4"),
    (efficacy.interval_method, "beta_prior", [0.5, 2], "Beta(0.5, 2)", "Beta(1, 1)"),
    (efficacy.later_method, "bor_until", 40, "to day 40", "to day 31"),
    (efficacy.later_method, "d56_window", [42, 70], "days 42 to 70", "days 49 to 63"),
    (efficacy.later_method, "steroid_sparing", 0.3, "30% or more", "50%"),
    (efficacy.benchmark_method, "orr0", 0.25, "line is 0.25", "0.4"),
    (efficacy.survival_question, "os_days", [50, 90], "days 50 and 90", "180"),
    (efficacy.survival_question, "os_days", [100], "at day 100", "28"),
    (efficacy.estimate_method, "km_ci", "plain", "the plain interval", "log-log"),
    (efficacy.curve_method, "km_level_min_n", 5, "from 5 subjects on", "from 3"),
    (efficacy.duration_method, "dor_start", "first_response", "starts at the first response", "day-28"),
    (efficacy.duration_method, "dor_progression", "single", "above its best stage),", "stays so"),
]


@pytest.mark.parametrize(("says", "key", "value", "then", "now"), CASES)
def test_a_sentence_follows_its_key(
    says: Sentence, key: str, value: Any, then: str, now: str, protocol: Protocol, analysis: Analysis
) -> None:
    before, after = says(protocol, analysis), says(protocol, analysis.model_copy(update={key: value}))
    assert now in before
    assert then in after
    assert now not in after
    assert then not in before


def test_the_number_of_criteria_and_product_and_disease_are_those_of_the_protocol(
    protocol: Protocol, analysis: Analysis
) -> None:
    said = eligibility.audit_method(protocol, analysis)
    assert "26 checks per subject: the 22 registered criteria, with EX04 in 5 parts" in said
    fewer = protocol.model_copy(update={"criteria": [c for c in protocol.criteria if c.id not in ("EX04", "EX05")]})
    assert "20 checks per subject: the 20 registered criteria. " in eligibility.audit_method(fewer, analysis)
    none = protocol.model_copy(update={"criteria": []})
    assert "holds no eligibility criteria" in eligibility.audit_method(none, analysis)
    study = protocol.study.model_copy(update={"product": "ABC-1", "disease": "chronic hiccups"})
    other = protocol.model_copy(update={"study": study})
    every = [
        safety.question(other, analysis), safety.safety_set(other), safety.special_interest(other, analysis),
        safety.liver_method(other), safety.therapy_method(other), eligibility.sets_method(other, analysis),
        eligibility.people_method(other, analysis), eligibility.disease_method(other),
        efficacy.response_question(other), efficacy.duration_method(other, analysis),
        *estimands.estimands(other, analysis).astype("str").to_numpy().ravel(),
    ]  # fmt: skip
    assert not OF_THIS_TRIAL.search(" ".join(every))
    assert sum("ABC-1" in text for text in every) >= 6
    assert sum("chronic hiccups" in text for text in every) >= 6


def test_one_subject_moves_the_rate_by_what_the_denominator_gives() -> None:
    assert "With 12 subjects in the denominator one subject moves the rate by 8 percentage" in efficacy.weight_of_one(
        12
    )
    assert "With 1 subject in the denominator one subject moves the rate by 100" in efficacy.weight_of_one(1)
    assert "percentage" not in efficacy.weight_of_one(0)


def test_what_a_trial_does_not_have_is_said_plainly(protocol: Protocol, analysis: Analysis) -> None:
    study = protocol.study.model_copy(update={"endpoints": ["TEAE"]})
    bare = protocol.model_copy(update={"study": study, "criteria": []})
    for says in (efficacy.maturity_method, efficacy.assessment_method, efficacy.later_method, dlt.status_method):
        assert "is not an endpoint of this trial: this page covers nothing of it" in says(bare, analysis)
    assert efficacy.survival_question(bare, analysis) == efficacy.NO_SURVIVAL
    # Survival without a response: the page of survival shows what it has, so none of its sentences empties it.
    alive = bare.model_copy(update={"study": study.model_copy(update={"endpoints": ["TEAE", "DLT", "OS"]})})
    sentences = (efficacy.survival_question, efficacy.estimate_method, efficacy.curve_method, efficacy.duration_method)
    assert not [text for says in sentences if NOTHING_OF_IT in (text := says(alive, analysis))]
    assert "there is no duration of response" in efficacy.duration_method(alive, analysis)
    assert "no endpoint for DLT and the response at day 28" in eligibility.sets_method(bare, analysis)
    assert "day 28 (infused" not in eligibility.sets_method(bare, analysis)
