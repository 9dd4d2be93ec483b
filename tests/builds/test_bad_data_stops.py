"""Bad data stops a build with one message that names the place, and the earlier build stays in place."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from support.demo_workbook import Workbook
from trialbook.cleaning import clean_snapshot
from trialbook.commands.check import quick_look
from trialbook.contracts.gate import stop_if_critical
from trialbook.core.errors import StopError
from trialbook.protocol.load import load_trial
from trialbook.protocol.models import Trial
from trialbook.snapshot import read_snapshot

pytestmark = pytest.mark.build


def standing(workbook: Workbook) -> dict[str, str]:
    """A published build, made quickly: what matters is that it is not touched."""
    final = workbook.out / "case"
    final.mkdir(parents=True)
    (final / "index.html").write_text("index.html", encoding="utf-8")
    (final / "manifest.json").write_text('{"cut_id": "case", "outputs": {}}', encoding="utf-8")
    return content(final)


def content(folder: Path) -> dict[str, str]:
    files = [p for p in folder.rglob("*") if p.is_file()]
    return {p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def without_column(workbook: Workbook) -> None:
    rows = workbook.read("ae")
    workbook.write("ae", rows, [name for name in rows[0] if name != "AESTDTC"])


def duplicated_subject(workbook: Workbook) -> None:
    rows = workbook.read("dm")
    workbook.write("dm", [*rows, rows[0]])


def treated_without_infusion_date(workbook: Workbook) -> None:
    rows = workbook.read("ex")
    subject = rows[0]["USUBJID"]
    workbook.write("ex", [{**row, "EXSTDTC": ""} if row["USUBJID"] == subject else row for row in rows])


def treated_without_infusion_record(workbook: Workbook) -> None:
    rows = workbook.read("ex")
    workbook.write("ex", [row for row in rows if row["USUBJID"] != rows[0]["USUBJID"]])


def event_of_nobody(workbook: Workbook) -> None:
    rows = workbook.read("ae")
    workbook.write("ae", [*rows, {**rows[-1], "USUBJID": "NCT06321198-01-999"}])


def no_ex_file(workbook: Workbook) -> None:
    (workbook.snapshot / "ex.csv").unlink()


def row_too_long(workbook: Workbook) -> None:
    path = workbook.snapshot / "lb.csv"
    lines = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join([*lines[:5], lines[5] + ",extra", *lines[6:]]) + "\n", encoding="utf-8")


DAMAGES: list[tuple[Callable[[Workbook], None], list[str]]] = [
    (without_column, ["ae.csv", "AESTDTC"]),
    (duplicated_subject, ["dm.csv", "USUBJID", "row"]),
    (treated_without_infusion_date, ["ex.csv", "EXSTDTC", "row"]),
    (treated_without_infusion_record, ["dm.csv", "row"]),
    (event_of_nobody, ["ae.csv", "USUBJID", "row"]),
    (no_ex_file, ["EX"]),
    (row_too_long, ["lb.csv", "6"]),
]
# Every day one that each part of a build stops: the reader, a contract, the cleaning notebook.
EVERY_DAY = (row_too_long, duplicated_subject, treated_without_infusion_date)


@pytest.mark.parametrize(
    ("damage", "names"),
    [pytest.param(d, n, marks=[] if d in EVERY_DAY else [pytest.mark.soak]) for d, n in DAMAGES],
)
def test_bad_data_stops_and_names_the_place(
    workbook: Workbook, damage: Callable[[Workbook], None], names: list[str]
) -> None:
    before = standing(workbook)
    damage(workbook)
    with pytest.raises(StopError) as caught:
        workbook.build()
    message = str(caught.value)
    assert caught.value.exit_status == 1
    assert "\n" not in message
    for name in names:
        assert name in message, message
    assert content(workbook.out / "case") == before
    assert not list((workbook.out / ".scratch").glob("*"))
    assert (workbook.out / ".stopped" / "case" / "run.json").is_file()


@pytest.mark.parametrize(("damage", "names"), [(d, n) for d, n in DAMAGES if d not in EVERY_DAY])
def test_bad_data_are_named_before_any_build(
    workbook: Workbook, root: Path, damage: Callable[[Workbook], None], names: list[str]
) -> None:
    """By what a build asks first: the reader, the contracts of the delivered files, cleaning."""

    def look(trial: Trial) -> None:
        found = quick_look(trial, root)
        stop_if_critical(found.verdicts, found.files)
        clean_snapshot(read_snapshot(trial), trial)

    damage(workbook)
    with pytest.raises(StopError) as caught:
        look(load_trial(workbook.cut_file(), root))
    for name in names:
        assert name in str(caught.value), str(caught.value)
