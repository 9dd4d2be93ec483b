"""`data/issued.csv`: what is added is read back, no line is lost, and a damaged register is left as it is."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from trialbook.core.errors import UsageError
from trialbook.diff.issued import (
    COLUMNS,
    RESULT,
    Issued,
    errata,
    parse_register,
    register_text,
    result_errata,
    result_numbers,
)
from trialbook.pipeline.issued_register import NUMBERS, REGISTER, adding_to_register, read_numbers, read_register


def line(document: str = "a.pdf", **numbers: str) -> Issued:
    return Issued(
        "2025-10-02T08:00:00Z", document, "pdf", "S-1", "C1", "a" * 64, "zh", "line", "b" * 64,
        numbers or {"treated": "12"},
    )  # fmt: skip


def test_what_is_added_is_read_back(tmp_path: Path) -> None:
    assert read_register(tmp_path) == []
    lines = [line("a.pdf"), line("b.pdf", advice='wait, "now"\n=1')]
    for one in lines:
        with adding_to_register(tmp_path) as add:
            add([one], {})
    assert read_register(tmp_path) == lines
    assert parse_register(register_text(lines), "x") == lines


@pytest.mark.parametrize("study", ["=HYPERLINK(1)", "+1+1", "-1", "@SUM(1)", "'=1", "''x", "|calc", "'"])
def test_no_cell_of_the_register_is_a_formula_for_a_spreadsheet(study: str) -> None:
    one = replace(line("a.pdf"), study=study)
    text = register_text([one])
    assert not re.search(r"(^|,)\"?[=+\-@|]", text.splitlines()[1])
    assert parse_register(text, "x") == [one]


def test_exports_at_the_same_time_lose_no_line(tmp_path: Path) -> None:
    def export(k: int) -> None:
        with adding_to_register(tmp_path) as add:
            add([line(f"{k}.pdf")], {})

    threads = [threading.Thread(target=export, args=(k,)) for k in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(one.document for one in read_register(tmp_path)) == sorted(f"{k}.pdf" for k in range(12))


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda text: text[:-1], "incomplete"),
        (lambda text: text.replace("sha256", "hash"), "other columns"),
        (lambda text: text.replace("b" * 64, "b" * 9), "cannot be read"),
        (lambda text: text.replace("treated", 'trea"ted'), "cannot be read"),
        (lambda text: text + "one,two\n", "2 cells"),
        (lambda text: text.replace("C1,", "C1\x00,"), "cannot be read"),
    ],
)
def test_a_damaged_register_stops_an_export_and_is_left_as_it_is(
    tmp_path: Path, damage: Callable[[str], str], said: str
) -> None:
    place = tmp_path / REGISTER
    place.parent.mkdir()
    place.write_text(damage(register_text([line()])), encoding="utf-8")
    before = place.read_bytes()
    issued: list[str] = []

    def export() -> None:
        with adding_to_register(tmp_path) as add:
            issued.append("a file")
            add([line("b.pdf")], {})

    with pytest.raises(UsageError, match=said) as caught:
        export()
    assert caught.value.next_step
    assert issued == []
    assert place.read_bytes() == before


def test_an_export_that_fails_leaves_no_line(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="full"), adding_to_register(tmp_path):
        raise UsageError("the disk is full")
    assert read_register(tmp_path) == []


def test_lines_added_again_take_the_place_of_those_before_and_numbers_are_kept_by_document(tmp_path: Path) -> None:
    with adding_to_register(tmp_path) as add:
        add([line("a.pdf"), line("b.pdf")], {"c" * 64: {"SETS | Total | SAFFL | n": "12"}})
        add([line("b.pdf")], {})
    assert [one.document for one in read_register(tmp_path)] == ["b.pdf"]
    assert read_numbers(tmp_path, "c" * 64) == {"SETS | Total | SAFFL | n": "12"}
    assert read_numbers(tmp_path, "d" * 64) is None
    (tmp_path / NUMBERS / f"{'d' * 64}.json.gz").write_bytes(b"damaged")
    assert read_numbers(tmp_path, "d" * 64) is None
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file() and "lock" not in path.name) == [
        f"{'c' * 64}.json.gz", f"{'d' * 64}.json.gz", "issued.csv",
    ]  # fmt: skip


def test_a_register_that_cannot_be_written_says_so_and_keeps_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with adding_to_register(tmp_path) as add:
        add([line("a.pdf")], {})

    def fails(one: Path, two: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("trialbook.core.files.os.replace", fails)
    with pytest.raises(UsageError, match="register of issued documents cannot be written"):  # noqa: SIM117
        with adding_to_register(tmp_path) as add:
            add([line("b.pdf")], {})
    monkeypatch.undo()
    assert [one.document for one in read_register(tmp_path)] == ["a.pdf"]
    assert [path.name for path in (tmp_path / "data").iterdir() if "lock" not in path.name] == ["issued.csv"]


def test_every_number_that_a_document_shows_is_compared_with_the_results_of_today() -> None:
    def results(serious: str) -> pd.DataFrame:
        rows = [("SETS", "Total", "SAFFL", "", "", "n", "12"), ("TEAE_OVERVIEW", "DL1", "SAE", "", "", "n", serious)]
        return pd.DataFrame(rows, columns=[*RESULT, "stat_text"])

    shown = result_numbers(results("3"))
    assert shown == {"SETS | Total | SAFFL | n": "12", "TEAE_OVERVIEW | DL1 | SAE | n": "3"}
    assert result_errata(line(), shown, shown) == []
    (found,) = result_errata(line(), shown, result_numbers(results("4")))
    assert (found.name, found.old, found.new) == ("TEAE_OVERVIEW | DL1 | SAE | n", "3", "4")
    # What is not reported any more is an erratum; what the document did not show is none.
    (gone,) = result_errata(line(), shown, {"SETS | Total | SAFFL | n": "12", "NEW | n": "1"})
    assert (gone.old, gone.new) == ("3", "-")


def test_errata_are_of_the_same_study_and_cut_and_name_what_is_no_longer_reported() -> None:
    lines = [line("a.pdf", treated="12", deaths="2", sae="")]
    assert errata(lines, "S-1", "C1", {"treated": "12", "deaths": "2", "cr_n": "4"}) == []
    found = errata(lines, "S-1", "C1", {"treated": "11"})
    assert [(one.name, one.old, one.new) for one in found] == [("treated", "12", "11"), ("deaths", "2", "-")]
    assert errata(lines, "S-2", "C1", {"treated": "11"}) == errata(lines, "S-1", "C2", {}) == []


def test_columns_are_those_of_the_register() -> None:
    assert register_text([]) == ",".join(COLUMNS) + "\n"
