"""Magics in a notebook: the harmless ones are left out of a build, the others are refused and named."""

from __future__ import annotations

import json

import pytest
from nbformat.v4 import new_code_cell, new_notebook

from trialbook.kernels.run_notebook import refusal
from trialbook.workbook.import_closure import notebook_imports
from trialbook.workbook.magics import HARMLESS, NOTE, plain_notebook, plain_source, refused_magic

PLAIN = {
    "%%time\nx = 1\ny = 2": f"{NOTE}%%time\nx = 1\ny = 2",
    "\n%%time\nx = 1": f"{NOTE}%%time\nx = 1",
    "x = %time f(1)": "x = f(1)",
    "for i in x:\n    %time g(i)": "for i in x:\n    g(i)",
    "%time f(\n    1)": "f(\n    1)",
    "%load_ext autoreload\n%autoreload 2\nx": f"pass  {NOTE}%load_ext autoreload\npass  {NOTE}%autoreload 2\nx",
    "%matplotlib inline": f"pass  {NOTE}%matplotlib inline",
    "%timeit f(1)": f"pass  {NOTE}%timeit f(1)",
    "%%timeit\nf(1)\ng(2)": f"{NOTE}%%timeit\n{NOTE}f(1)\n{NOTE}g(2)",
    "%%time\n%load_ext autoreload\nx": f"{NOTE}%%time\npass  {NOTE}%load_ext autoreload\nx",
    "%config InlineBackend.figure_format = 'svg'": f"pass  {NOTE}%config InlineBackend.figure_format = 'svg'",
    # no magic: a text, a remainder
    "'''\n%time\n%%time\n'''": "'''\n%time\n%%time\n'''",
    "x = (5\n %y)": "x = (5\n %y)",
    "%time f(1)\n'''\n%time g(1)\n'''": "f(1)\n'''\n%time g(1)\n'''",
}
REFUSED = {
    "!ls": "a shell escape",
    "x = !ls": "a shell escape",
    "%time !ls": "a shell escape",
    "%%time\n!ls": "a shell escape",
    "%%bash\nfalse": "the magic %%bash",
    "%%capture\nx = 1": "the magic %%capture",
    "%reset -f": "the magic %reset",
    "%run other.py": "the magic %run",
    "%matplotlib qt": "the magic %matplotlib",
    "%load_ext other": "the magic %load_ext",
    "x = %timeit -o f(1)": "the magic %timeit",
    "%%time --no-raise-error\n1 / 0": "the magic %%time",
    "# first\n%%time\nx = 1": "the magic %%time",
    "%time x = 1 \\\n  + 2": "the magic %time",
    "%pip install x": "the magic %pip",
    "adsl?": "the magic %pinfo",
}


@pytest.mark.parametrize("source", PLAIN)
def test_a_harmless_magic_is_left_out_and_the_lines_stay_where_they_were(source):
    plain = plain_source(source)
    assert plain == PLAIN[source]
    assert plain.count("\n") == source.lstrip("\n").count("\n")
    assert plain_source(plain) == plain
    assert refusal(new_notebook(cells=[new_code_cell(source)])) is None


@pytest.mark.parametrize("source", REFUSED)
def test_any_other_magic_is_refused_and_named_with_what_is_allowed(source):
    said = refusal(new_notebook(cells=[new_code_cell("1"), new_code_cell(source)]))
    assert said is not None
    assert said.startswith(f"code cell 2 uses {REFUSED[source]}; of magics a build allows {', '.join(HARMLESS)}")


def test_what_is_no_python_at_all_is_no_magic():
    assert refused_magic("x = 'not closed") is None
    assert refusal(new_notebook(cells=[new_code_cell("x = 'not closed")])) == "code cell 1 is not valid Python"


@pytest.mark.parametrize("source", ["%%time\nquit()", "%time eval('1')", "%%time\nimport subprocess"])
def test_what_stands_under_a_magic_is_vetted_as_ever(source):
    assert refusal(new_notebook(cells=[new_code_cell(source)])) is not None


def test_a_notebook_without_magics_keeps_its_bytes_and_imports_under_a_magic_count():
    cells = [{"cell_type": "code", "id": "a", "metadata": {}, "source": ["x = 7 % 2"], "outputs": []}]
    content = json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}).encode()
    assert plain_notebook(content) is content
    timed = content.replace(b'"x = 7 % 2"', b'"%%time\\n", "from trialbook.core.units import factor"')
    assert "trialbook.core.units" in notebook_imports(timed)
    assert json.loads(plain_notebook(timed))["cells"][0]["source"].startswith(NOTE)
