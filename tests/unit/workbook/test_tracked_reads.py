"""A step notes every parameter, dataset and file that it reads, and nothing that it does not read."""

from __future__ import annotations

import copy
import json
import operator
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from support.paths import ROOT
from trialbook.core.datasets import LazyFrames
from trialbook.core.domains import Domains
from trialbook.core.errors import StopError
from trialbook.pipeline.dependencies import Ingredients
from trialbook.protocol.load import load_trial
from trialbook.protocol.models import Trial
from trialbook.workbook.tracked_reads import noting_trial
from trialbook.workbook.unaltered import given


@pytest.fixture(scope="module")
def plain() -> Trial:
    return load_trial(ROOT / "params" / "cuts" / "2025-09-30.yaml", ROOT)


@pytest.fixture
def noted(plain: Trial) -> tuple[Trial, set[str]]:
    names: set[str] = set()
    return noting_trial(plain, names.add), names


def test_nothing_is_noted_before_something_is_read(noted: tuple[Trial, set[str]]) -> None:
    trial, names = noted
    assert trial.cut.cut_id == "2025-09-30"
    assert not names


def test_reading_a_key_notes_that_key(noted: tuple[Trial, set[str]], plain: Trial) -> None:
    trial, names = noted
    assert trial.analysis.os_days == plain.analysis.os_days
    assert getattr(trial.analysis, "orr0") == plain.analysis.orr0  # noqa: B009 - read by name, as derivations may
    assert names == {"analysis.os_days", "analysis.orr0"}


def test_methods_and_properties_note_what_they_read(noted: tuple[Trial, set[str]]) -> None:
    trial, names = noted
    assert trial.protocol.level_ids
    assert trial.protocol.has_endpoint("OS")
    assert names == {"protocol.dose_levels", "protocol.study.endpoints"}


@pytest.mark.parametrize("read", [lambda keys: keys.model_dump(), list, repr, lambda keys: keys == keys])
def test_reading_all_at_once_notes_all(noted: tuple[Trial, set[str]], plain: Trial, read: object) -> None:
    trial, names = noted
    read(trial.analysis)  # type: ignore[operator]
    assert names >= {f"analysis.{name}" for name in type(plain.analysis).model_fields}


def test_a_changed_copy_goes_on_noting(noted: tuple[Trial, set[str]]) -> None:
    trial, names = noted
    changed = trial.analysis.model_copy(update={"orr0": 0.5})
    assert changed.orr0 == 0.5
    assert changed.km_ci
    assert names == {"analysis.orr0", "analysis.km_ci"}


def test_the_noting_models_are_the_models_to_everybody_else(noted: tuple[Trial, set[str]], plain: Trial) -> None:
    trial, _ = noted
    assert isinstance(trial, Trial)
    assert isinstance(trial.analysis, type(plain.analysis))
    assert trial.analysis.model_dump() == plain.analysis.model_dump()
    assert trial.protocol.model_dump() == plain.protocol.model_dump()
    with pytest.raises(ValueError, match="frozen"):
        trial.analysis.orr0 = 0.1


def test_a_file_that_the_cut_names_is_noted_when_its_path_is_asked_for(noted: tuple[Trial, set[str]]) -> None:
    trial, names = noted
    assert trial.path("params/approved_deletions.csv").is_file()
    assert names == {"file params/approved_deletions.csv"}


def test_only_the_domains_that_are_used_are_read() -> None:
    read: list[str] = []

    def frame(code: str) -> object:
        read.append(code)
        return Domains({})[code]

    domains = Domains(LazyFrames(["AE", "DM", "LB"], frame))
    assert domains.delivered("LB")
    assert not domains.delivered("VS")
    assert list(domains) == ["AE", "DM", "LB"]
    assert len(domains) == 3
    assert read == []
    pd.testing.assert_frame_equal(domains["DM"], domains["DM"])
    assert len(domains["VS"]) == 0
    assert read == ["DM"]


def test_a_file_of_the_library_that_is_opened_is_noted_but_no_module() -> None:
    """In a process of its own: what listens to it cannot be taken away again."""
    code = (
        "from pathlib import Path; import trialbook;"
        "from trialbook.workbook.tracked_reads import note_opened_files, opened_files;"
        "note_opened_files(); place = Path(trialbook.__file__).parent;"
        "(place / 'display' / 'templates' / 'page.css').read_text(); (place / 'core' / 'units.py').read_text();"
        "Path('pyproject.toml').read_text(); print(sorted(opened_files()))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['code display/templates/page.css']"


def test_how_numbers_are_computed_is_an_ingredient(
    plain: Trial, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ingredients = Ingredients(plain, ROOT, tmp_path, "static")
    monkeypatch.delenv("OPENBLAS_CORETYPE", raising=False)
    assert ingredients.value("environment OPENBLAS_CORETYPE") == "absent"
    monkeypatch.setenv("OPENBLAS_CORETYPE", "HASWELL")
    assert ingredients.value("environment OPENBLAS_CORETYPE") == "HASWELL"


CHANGES = {
    "assignment": lambda trial: setattr(trial.analysis, "km_ci", "log"),
    "__dict__": lambda trial: trial.analysis.__dict__.update(km_ci="log"),
    "vars": lambda trial: operator.setitem(vars(trial.analysis), "km_ci", "log"),
    "vars of a criterion": lambda trial: operator.setitem(vars(trial.protocol.criteria[0]), "text", "Anybody."),
    "vars of terms": lambda trial: operator.setitem(vars(trial.analysis.dlt_terms), "brief", []),
    "vars of the cut": lambda trial: operator.setitem(vars(trial.cut), "cut_date", "2025-01-01"),
    "vars of the trial": lambda trial: operator.setitem(vars(trial), "analysis", None),
    "object.__setattr__": lambda trial: object.__setattr__(trial.analysis, "km_ci", "log"),
    "object.__setattr__ of a criterion": lambda trial: object.__setattr__(trial.protocol.criteria[0], "text", "x"),
    "object.__setattr__ of the trial": lambda trial: object.__setattr__(trial, "analysis", None),
    "object.__delattr__": lambda trial: object.__delattr__(trial.analysis, "km_ci"),
    "append": lambda trial: trial.analysis.os_days.append(7),
    "sort": lambda trial: trial.analysis.gvhdtx.sort(),
    "+=": lambda trial: operator.iadd(trial.analysis.os_days, [7]),
    "an item": lambda trial: operator.setitem(trial.analysis.os_days, 0, 7),
    "an item of a list in a list": lambda trial: operator.setitem(trial.analysis.age_groups[0], 0, 7),
    "a slice deleted": lambda trial: operator.delitem(trial.analysis.os_days, slice(None)),
    "a value of a mapping": lambda trial: trial.analysis.oc_scenarios.update(safe=[]),
    "a list in a mapping": lambda trial: trial.analysis.oc_scenarios["safe"].clear(),
    "|= of a mapping": lambda trial: operator.ior(trial.analysis.oc_scenarios, {"safe": []}),
    "a parameter of a criterion": lambda trial: trial.protocol.criteria[0].parameters.update(minimum=0),
    "a dose level": lambda trial: trial.protocol.dose_levels.pop(),
    "an override": lambda trial: trial.cut.overrides.setdefault("km_ci", "log"),
}


@pytest.mark.parametrize("way", CHANGES)
def test_nothing_that_a_notebook_is_handed_can_be_changed(
    noted: tuple[Trial, set[str]], plain: Trial, way: str
) -> None:
    trial, _ = noted
    with pytest.raises((StopError, ValueError, AttributeError), match=r"changes parameters|frozen"):
        CHANGES[way](trial)
    assert given(trial) == given(plain)


def test_copies_of_what_is_handed_out_may_be_changed(noted: tuple[Trial, set[str]], plain: Trial) -> None:
    trial, _ = noted
    days = list(trial.analysis.os_days)
    days.append(7)
    assert days == [*plain.analysis.os_days, 7] == [*trial.analysis.os_days, 7]
    for copied in (copy.copy(trial.analysis.oc_scenarios), copy.deepcopy(trial.analysis.oc_scenarios)):
        copied["safe"] = [0.5]
    for criterion in (copy.deepcopy(trial.protocol.criteria[0]), trial.protocol.criteria[0].model_copy(deep=True)):
        criterion.parameters["minimum"] = 0
        criterion.columns.append("X")
        assert type(criterion) is type(plain.protocol.criteria[0])
    assert trial.protocol.criteria[0] == plain.protocol.criteria[0]
    assert trial.protocol.criteria == plain.protocol.criteria
    assert trial.analysis.model_copy(update={"os_days": [1]}).os_days == [1]
    assert json.dumps(trial.analysis.oc_scenarios) == json.dumps(plain.analysis.oc_scenarios)
    assert given(trial) == given(plain)
