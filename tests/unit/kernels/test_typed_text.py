"""What an analyst types into a notebook is published as it is: text that identifies a person stops the build before."""

from __future__ import annotations

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_raw_cell

from support.paths import ROOT
from trialbook.kernels.run_notebook import NotebookError, stop_if_refused, typed_person

TYPED = {
    "a name in Markdown": (new_markdown_cell("# Notes\n\nPatient name: Li Hua"), "line 3 of cell 2 (Markdown)"),
    "a Chinese name in Markdown": (new_markdown_cell("患者姓名：李华"), "line 1 of cell 2 (Markdown)"),
    "a number in raw text": (new_raw_cell("call 139 1277 3451"), "cell 2 (Raw)"),
    "a text in code": (new_code_cell("x = 1\nwho = '139-1277-3451'"), "line 2 of cell 2 (code)"),
    "a text over lines": (new_code_cell('note = """\nsee\n住院号 1234567\n"""'), "line 3 of cell 2 (code)"),
    "a comment": (new_code_cell("1  # zhang@example.org asked"), "line 1 of cell 2 (code)"),
    "a number in code": (new_code_cell("phone = 13912773451"), "line 1 of cell 2 (code)"),
    "a text with a variable": (new_code_cell("n = 1\nf'{n} called 13912773451'"), "line 2 of cell 2 (code)"),
    "behind a magic": (new_code_cell("%time\n'13912773451'"), "cell 2 (code)"),
    "full-width digits": (new_markdown_cell("电话１３９１２７７３４５１"), "cell 2 (Markdown)"),
}  # fmt: skip
HARMLESS = [
    new_code_cell("limits = [139, 1277, 3451]\nids = ['0101-001-0001']"),
    new_code_cell("days = (138, 1280, 3000); share = 0.0333333333333"),
    new_markdown_cell("Harris AC, et al. https://doi.org/10.1016/j.bbmt.13912773451 and doi:10.1200/138.1277.3451"),
    new_markdown_cell("Subject 2025-09-30, USUBJID NCT06321198-01-004, [source](https://x.org/13912773451)"),
]


@pytest.mark.parametrize("kind", TYPED)
def test_what_identifies_a_person_is_named_by_its_place_only(kind: str) -> None:
    cell, place = TYPED[kind]
    found = typed_person(new_notebook(cells=[new_markdown_cell("x"), cell]))
    assert found is not None
    assert place in found
    assert not any(secret in found for secret in ("139", "Li Hua", "李华", "1234567", "zhang"))


def test_a_title_in_the_metadata_is_looked_at() -> None:
    notebook = new_notebook(metadata={"trialbook": {"title": "Of 13912773451"}})
    assert "metadata" in (typed_person(notebook) or "")


@pytest.mark.parametrize("cell", HARMLESS)
def test_numbers_in_a_row_and_references_are_nobodys(cell: nbformat.NotebookNode) -> None:
    assert typed_person(new_notebook(cells=[cell])) is None


def test_a_build_stops_before_such_a_notebook_runs() -> None:
    content = nbformat.writes(new_notebook(cells=[new_markdown_cell("姓名：李华")])).encode()
    with pytest.raises(NotebookError, match=r"notebooks/05_orr\.ipynb: line 1 of cell 1 .*take it out") as stopped:
        stop_if_refused("05_orr", content)
    assert "李华" not in str(stopped.value)


def test_the_notebooks_of_the_workbook_name_nobody() -> None:
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        assert typed_person(nbformat.read(path, as_version=4)) is None, path.name
