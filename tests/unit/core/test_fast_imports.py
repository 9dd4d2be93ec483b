"""Imports that are put off or left out cost nothing, and are there when they are wanted."""

from __future__ import annotations

import subprocess
import sys

import pytest

from trialbook.core.fast_imports import UNWANTED


def _said(program: str) -> list[str]:
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return run.stdout.split()


@pytest.mark.parametrize(
    "wanted",
    [
        "from scipy import stats; print(stats.norm.ppf(0.5))",
        "import scipy.stats as stats; print(stats.norm.ppf(0.5))",
        "from scipy.stats import norm; print(norm.ppf(0.5))",
        "import scipy.stats.distributions as d; print(d.norm.ppf(0.5))",
    ],
)
def test_a_module_that_is_imported_when_used_is_there_in_every_way_of_asking_for_it(wanted: str) -> None:
    put_off = "from trialbook.core.fast_imports import import_when_used as later; later('scipy.stats')\n"
    assert _said(f"{put_off}{wanted}\nimport scipy; print(hasattr(scipy.stats, 'beta'))") == ["0.0", "True"]


def test_a_module_that_nobody_uses_is_not_imported() -> None:
    program = (
        "import sys\nfrom trialbook.core.fast_imports import import_when_used\nimport_when_used('scipy.stats')\n"
        "import scipy.stats\nprint(sum(name.startswith('scipy.stats.') for name in sys.modules))"
    )
    assert _said(program) == ["0"]


def test_what_has_been_imported_stays_what_it_is() -> None:
    program = (
        "import scipy.stats as before\nfrom trialbook.core.fast_imports import import_when_used\n"
        "import_when_used('scipy.stats')\nimport scipy.stats as after\nprint(before is after)"
    )
    assert _said(program) == ["True"]


def test_great_tables_is_not_imported_before_kernels_are_forked_nor_by_what_makes_pages() -> None:
    """It is there for analysts' own tables, and its import would be paid by every build."""
    program = (
        "import sys, pandas as pd\nfrom trialbook.kernels.fork_server import preload\npreload()\n"
        "import trialbook.pipeline.pages, trialbook.pipeline.profile_pages\n"
        "from trialbook.display import table\ntable(pd.DataFrame({'AGE': [45]}), 'Ages')\n"
        "print(*(name in sys.modules for name in ('altair', 'trialbook.display.cell_outputs', 'great_tables')))"
    )
    assert _said(program) == ["True", "True", "False"]


def test_unwanted_modules_are_left_out_for_a_while_and_can_be_imported_afterwards() -> None:
    program = (
        "import sys\nfrom trialbook.core.fast_imports import only_what_is_used\n"
        "with only_what_is_used():\n    import jsonschema, pyarrow.fs, ipykernel.debugger as d\n"
        f"print(not set({UNWANTED!r}) & set(sys.modules), d._is_debugpy_available)\n"
        "import webcolors; print(webcolors.name_to_hex('red'))"
    )
    assert _said(program) == ["True", "False", "#ff0000"]


def test_a_build_that_has_nothing_to_do_imports_nothing_slow() -> None:
    """What the command line imports before it is known that something has changed."""
    program = (
        "import sys, trialbook.cli, trialbook.commands.build, trialbook.pipeline.build, trialbook.pipeline.study_page\n"
        "slow = {'pandas', 'numpy', 'nbformat', 'papermill', 'great_expectations', 'altair'}\n"
        "print(*slow & set(sys.modules), 'none')"
    )
    assert _said(program) == ["none"]


def test_what_every_kernel_has_imported_is_free_of_slow_parts_that_none_uses() -> None:
    program = (
        "import sys\nfrom trialbook.kernels.fork_server import preload\npreload()\n"
        "slow = {'scipy.stats', 'scipy.optimize', 'great_expectations', 'great_tables', 'nbconvert', 'docx', 'dask'}\n"
        "print(*slow & set(sys.modules), 'none')"
    )
    assert _said(program) == ["none"]


def test_great_expectations_is_imported_without_what_no_contract_asks_for() -> None:
    """Its expectations on distributions alone use scipy.stats; imports look for no garbage."""
    program = (
        "import gc, sys\nfrom trialbook.pipeline.contract_checks import import_great_expectations as imported\n"
        "before = gc.get_stats()[2]['collections']\nimported()\n"
        "print('great_expectations.expectations' in sys.modules, 'scipy.stats.distributions' in sys.modules,"
        " gc.get_stats()[2]['collections'] - before)"
    )
    assert _said(program) == ["True", "False", "0"]
