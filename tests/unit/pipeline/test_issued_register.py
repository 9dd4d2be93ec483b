"""`data/issued.csv`: what is added is read back, no line is lost, and a damaged register is left as it is."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from trialbook.core.errors import UsageError
from trialbook.diff.issued import COLUMNS, Issued, errata, parse_register, register_text
from trialbook.pipeline.issued_register import REGISTER, adding_to_register, read_register


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
            add([one])
    assert read_register(tmp_path) == lines
    assert parse_register(register_text(lines), "x") == lines


def test_exports_at_the_same_time_lose_no_line(tmp_path: Path) -> None:
    def export(k: int) -> None:
        with adding_to_register(tmp_path) as add:
            add([line(f"{k}.pdf")])

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
            add([line("b.pdf")])

    with pytest.raises(UsageError, match=said) as caught:
        export()
    assert caught.value.next_step
    assert issued == []
    assert place.read_bytes() == before


def test_an_export_that_fails_leaves_no_line(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="full"), adding_to_register(tmp_path):
        raise UsageError("the disk is full")
    assert read_register(tmp_path) == []


def test_errata_are_of_the_same_study_and_cut_and_name_what_is_no_longer_reported() -> None:
    lines = [line("a.pdf", treated="12", deaths="2", sae="")]
    assert errata(lines, "S-1", "C1", {"treated": "12", "deaths": "2", "cr_n": "4"}) == []
    found = errata(lines, "S-1", "C1", {"treated": "11"})
    assert [(one.name, one.old, one.new) for one in found] == [("treated", "12", "11"), ("deaths", "2", "-")]
    assert errata(lines, "S-2", "C1", {"treated": "11"}) == errata(lines, "S-1", "C2", {}) == []


def test_columns_are_those_of_the_register() -> None:
    assert register_text([]) == ",".join(COLUMNS) + "\n"
