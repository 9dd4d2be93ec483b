"""What we use of dependencies without a promise (docs/private-apis.md) is there, and is what we take it for."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

# What the register names, as it is looked up; several of one line may be asked of one object.
BOUNDED = {
    "jupyter_client": "jupyter-client", "ipykernel": "ipykernel", "papermill": "papermill", "nbclient": "nbclient",
    "great-expectations": "great-expectations", "altair": "altair", "great-tables": "great-tables",
    "vl-convert-python": "vl-convert-python", "pyyaml": "pyyaml", "distributed": "distributed",
}  # fmt: skip


def register(root: Path) -> list[list[str]]:
    text = (root / "docs" / "private-apis.md").read_text(encoding="utf-8")
    rows = [[cell.strip() for cell in line.strip("|\n").split("|")] for line in text.splitlines() if line[:1] == "|"]
    return rows[2:]


def test_each_dependency_of_the_register_has_the_bound_that_it_states(root: Path) -> None:
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = [*project["dependencies"], *project["optional-dependencies"]["cluster"]]
    bounds = {re.split(r"[<>=]", line)[0]: line for line in lines}
    stated = {row[0]: row[1] for row in register(root) if row[0] in BOUNDED}
    assert set(stated) == set(BOUNDED)
    for name, below in stated.items():
        assert bounds[BOUNDED[name]].endswith(f",<{below}"), name


def test_each_place_of_the_register_uses_what_the_register_says(root: Path) -> None:
    for row in register(root):
        places = re.findall(r"`([^`]+\.py)`", row[3])
        assert places, row
        text = "".join((root / "src" / "trialbook" / place).read_text(encoding="utf-8") for place in places)
        private = re.findall(r"\b(_\w+)(?:\(|`|,)", row[2])
        assert [name for name in private if name not in text] == [], row


def test_the_client_of_jupyter_has_the_methods_that_ours_overrides_or_calls() -> None:
    from jupyter_client.asynchronous.client import AsyncKernelClient

    for name in ("_async_is_alive", "_async_get_shell_msg", "_async_get_iopub_msg"):
        assert inspect.iscoroutinefunction(getattr(AsyncKernelClient, name)), name
    assert list(inspect.signature(AsyncKernelClient._context_default).parameters) == ["self"]
    assert list(inspect.signature(AsyncKernelClient._handle_kernel_info_reply).parameters) == ["self", "msg"]


def test_the_manager_of_jupyter_starts_by_one_method_and_has_one_spec() -> None:
    from jupyter_client.manager import AsyncKernelManager
    from jupyter_client.provisioning.local_provisioner import LocalProvisioner

    assert inspect.iscoroutinefunction(AsyncKernelManager._async_start_kernel)
    assert "_kernel_spec" in AsyncKernelManager.class_traits() or hasattr(AsyncKernelManager, "_kernel_spec")
    assert {"process", "pid", "pgid"} <= set(vars(LocalProvisioner)) | set(LocalProvisioner.__annotations__)


def test_the_shell_of_ipython_lets_an_error_be_shown_by_ourselves() -> None:
    from IPython.core.interactiveshell import InteractiveShell

    assert list(inspect.signature(InteractiveShell.set_custom_exc).parameters) == ["self", "exc_tuple", "handler"]
    assert "running_compiled_code" in inspect.signature(InteractiveShell.showtraceback).parameters


def test_papermill_hands_each_message_to_one_method() -> None:
    from nbclient.client import NotebookClient
    from papermill.clientwrap import PapermillNotebookClient
    from papermill.engines import Engine, papermill_engines

    assert list(inspect.signature(NotebookClient.process_message).parameters) == ["self", "msg", "cell", "cell_index"]
    assert issubclass(PapermillNotebookClient, NotebookClient)
    assert callable(papermill_engines.register)
    assert "kernel_name" in inspect.signature(Engine.execute_managed_notebook).parameters


def test_an_expectation_has_one_configuration_that_is_the_same_each_time() -> None:
    from great_expectations.expectations import ExpectColumnToExist
    from great_expectations.expectations.expectation import Expectation

    assert isinstance(Expectation.configuration, property)
    asked = ExpectColumnToExist(column="A")
    assert asked.configuration == asked.configuration


def test_great_expectations_asks_the_frame_itself_for_the_records_of_a_condition() -> None:
    """A condition that hides the one bad record: were the frame's `query` not asked, nobody would have counted it."""
    from trialbook.contracts import gx_engine
    from trialbook.contracts.compile import Rule

    asked: list[str] = []

    class Counted(gx_engine._AskedOften):
        def query(self, expr: str, **options: Any) -> pd.DataFrame:
            asked.append(expr)
            return super().query(expr, **options)

    frame = pd.DataFrame({"A": ["x", "y"], "B": ["good", "bad"]})
    condition = {"type": "comparison", "column": {"name": "A"}, "operator": "==", "parameter": "x"}
    rule = Rule(
        "t.rule", "B", "critical", "B is good", "expect_column_values_to_be_in_set",
        {"column": "B", "value_set": ["good"], "row_condition": condition},
    )  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gx_engine, "_AskedOften", Counted)
        verdict = gx_engine.evaluate("raw/t", frame, [rule], ["A"])
    assert verdict.failures == []
    assert asked


def test_the_client_of_dask_asks_workers_by_one_coroutine() -> None:
    from distributed import Client

    assert inspect.iscoroutinefunction(Client._run)
    assert {"callback_timeout"} <= set(inspect.signature(Client.sync).parameters)


def test_progress_bars_of_great_expectations_can_be_turned_off() -> None:
    import great_expectations as gx

    assert hasattr(gx.get_context(mode="ephemeral").variables, "progress_bars")


def test_altair_checks_charts_or_not_as_it_is_told() -> None:
    from altair.utils import schemapi

    before = schemapi.DEBUG_MODE
    with schemapi.debug_mode(False):
        assert schemapi.DEBUG_MODE is False
    assert before == schemapi.DEBUG_MODE
    assert callable(schemapi.disable_debug_mode)


def test_the_chart_script_is_given_without_an_argument() -> None:
    import vl_convert

    script: Any = vl_convert.javascript_bundle
    assert "vegaEmbed" in str(script())


def test_yaml_is_parsed_in_c_and_composed_in_python() -> None:
    from yaml._yaml import CParser
    from yaml.composer import Composer

    from trialbook.protocol.yaml_file import _StrictLoader

    assert issubclass(_StrictLoader, CParser)
    assert _StrictLoader.compose_node is not Composer.compose_node
    assert _StrictLoader("a: 1").peek_event() is not None


def test_libraries_do_without_the_modules_that_are_kept_from_them() -> None:
    """In a process of its own, since what is imported stays imported."""
    program = (
        "import trialbook, sys\n"
        "from trialbook.core.fast_imports import UNWANTED, only_what_is_used\n"
        "with only_what_is_used():\n"
        "    import jsonschema, pandas, pyarrow.parquet, scipy.special\n"
        "jsonschema.validate({'a': 1}, {'type': 'object'})\n"
        "print(sorted(name for name in UNWANTED if sys.modules.get(name)))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "[]", done.stderr
