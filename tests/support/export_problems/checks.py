"""How each of the forty problems is held against its export: log, questions, words, replay, untouched neighbours."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd

from support.export_problems.export import PARTS, A, B, Examined, Export, examine
from trialbook.cleaning.problems import BY_NAME
from trialbook.core.domains import Domains

CHINESE = re.compile("[\u4e00-\u9fff]")
# Rules that a planted problem raises beside its own: the same value is a fault of that kind too.
BESIDE = {"P13": ("P27-OUT-OF-RANGE",), "P27": ("U01-UNIT",), "P32": ("U01-UNIT",)}


@cache
def clean_export() -> Examined:
    """The export in which nothing was planted, examined in full."""
    with TemporaryDirectory() as folder:
        return examine(Export().write(Path(folder)), PARTS)


def check_problem(name: str, plant: Callable[[Export], tuple[str, ...]], folder: Path) -> Examined:
    """Plants a problem and checks all that follows from it, and that nothing else does."""
    export = Export()
    parts = plant(export)
    found = examine(export.write(folder / "s"), parts)
    assert sorted(found.fixed(), key=str) == sorted(export.fixes, key=str)
    assert found.asked() == sorted(export.asks)
    problem = BY_NAME[name]
    own = {rule for rules in problem.rules.values() for rule in rules}
    assert {rule for *_, rule in export.fixes} | {rule for rule, *_ in export.asks} <= own | set(BESIDE.get(name, ()))
    check_words(found.queries)
    check_replay(found)
    check_neighbours(found, export)
    return found


def check_words(queries: pd.DataFrame) -> None:
    """Every question says in both languages what is wrong and what to do, and about what."""
    for line in queries.itertuples():
        assert len(line.message_en) > 20, line.rule
        assert line.message_en.endswith((".", "?")), line.rule
        assert len(CHINESE.findall(line.message_zh)) >= 5, line.rule
        assert line.message_zh.endswith(("。", "？")), line.rule
        assert line.field or line.rule == "P34-DOMAIN-MISSING", line.rule
        assert line.expected, line.rule
        assert line.severity in ("major", "minor"), line.rule


def check_replay(found: Examined) -> None:
    """Raw data and change log give the clean data; birth dates are in no log."""
    for code, frame in found.domains.items():
        names = [name for name in frame.columns if name != "BRTHDTC"]
        pd.testing.assert_frame_equal(found.replayed[code][names], frame[names], check_index_type=False)


def check_neighbours(found: Examined, export: Export) -> None:
    """Records of a subject and domain in which nothing was planted are those of the clean export."""
    plain, compared = Export(), 0
    for code in found.domains:
        for subject in (A, B):
            now = [row for row in export.rows[code.lower()] if row["USUBJID"] == subject]
            before = [row for row in plain.rows[code.lower()] if row["USUBJID"] == subject]
            if now == before:
                assert records_of(subject, found.domains, code).equals(
                    records_of(subject, clean_export().domains, code)
                ), (code, subject)
                compared += len(now)
    assert compared > 50


def records_of(subject: str, domains: Domains, code: str) -> pd.DataFrame:
    """The clean records of a subject, wherever they were in the file."""
    frame = domains[code]
    return frame[frame["USUBJID"] == subject].drop(columns="SRCROW").reset_index(drop=True)
