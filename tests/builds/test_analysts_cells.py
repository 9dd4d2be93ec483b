"""A notebook with what analysts put into it, built twice; and one with what no build may run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from support.small_project import GRAPH, SmallProject

pytestmark = pytest.mark.build
SHOWN = (
    "%load_ext autoreload\n%autoreload 2",
    "import great_tables\nimport pandas as pd\nfrom IPython.display import Markdown",
    "%%time\nframe = pd.DataFrame({'SUBJID': ['001', '002'], 'AGE': [45, 40]})\nframe",
    "great_tables.GT(frame).tab_header('Ages of two')",
    "frame.style.format(precision=1)",
    "Markdown('**Bold** <b>words</b>')",
    "import altair as alt\nalt.Chart(frame).mark_bar().encode(x='AGE:Q', y='SUBJID:N')",
    "print(object())\n[object()]",
    "total = %time sum(frame['AGE'])\ntotal",
)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, root: Path, finished: SmallProject) -> SmallProject:
    made = SmallProject(tmp_path_factory.mktemp("shown") / "p", root)
    made.take_pieces(finished)
    return made


def test_what_analysts_show_is_on_the_page_and_the_same_in_every_build(project: SmallProject) -> None:
    project.write_notebook(GRAPH.step("04_dlt"), *SHOWN)
    first = project.build()
    assert first.process.returncode == 0, first.said
    page = (project.out / project.cut_id / "04_dlt.html").read_text(encoding="utf-8")
    for words in (
        "<th",
        "Ages of two",
        "<strong>Bold</strong> &lt;b&gt;words&lt;/b&gt;",
        'alt="Chart"',
        "[&lt;object&gt;]",
        ">85<",
    ):
        assert words in page, words
    assert page.count('class="gt_table') >= 3
    notebook = (project.out / project.cut_id / "notebooks" / "04_dlt.ipynb").read_text(encoding="utf-8")
    for text in (page, notebook):
        for words in ("Wall time", "CPU times", " at 0x", "Left out of this page"):
            assert words not in text, words
    assert "not run in a build: %%time" in notebook
    assert all(cell.get("execution_count") for cell in json.loads(notebook)["cells"] if cell["cell_type"] == "code")
    before = {name: mark for name, mark in project.standing.items() if name != "run.json"}
    again = project.build("--force")
    assert again.process.returncode == 0, again.said
    assert {name: mark for name, mark in project.standing.items() if name != "run.json"} == before


def test_a_notebook_that_no_build_may_run_stops_it_before_any_runs_and_is_named(project: SmallProject) -> None:
    project.write_notebook(GRAPH.step("04_dlt"))
    project.write_notebook(GRAPH.step("03_safety"), "%%bash\nfalse")
    stopped = project.build("--force")
    assert stopped.process.returncode == 1, stopped.said
    assert "notebooks/03_safety.ipynb: code cell 4 uses the magic %%bash" in " ".join(stopped.said.split())
    assert "03_safety  stopped" in stopped.said
    assert "running" not in stopped.said
    assert stopped.said.count("stopped") <= 2, "no other step is said to have stopped"
