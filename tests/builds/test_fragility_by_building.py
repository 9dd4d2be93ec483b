"""What `trialbook fragility` says of the demo is true: the records it names are edited, the cut is built."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.demo_workbook import Workbook
from trialbook.core.datasets import read_dataset
from trialbook.core.domains import Domains
from trialbook.monitoring.fragility import ABOVE, ADVICE, NOT_ABOVE, RESPONSE, STOPPING, Change, Flip, fragility
from trialbook.protocol.load import load_trial
from trialbook.protocol.study_data import StudyData
from trialbook.safety.adjudication import FLAG

# Minutes: every change of the declared list is tried, then a build for each flip that is looked at.
pytestmark = [pytest.mark.build, pytest.mark.soak]
CUT = "2025-09-30"
MOST = 3


def of_kind(flips: tuple[Flip, ...], kind: str) -> list[Flip]:
    """A few flips of a kind, spread over its list, those of one change first."""
    own = sorted((flip for flip in flips if flip.kind == kind), key=lambda flip: len(flip.changes))
    own = [flip for flip in own if len(flip.changes) == len(own[0].changes)]
    return own[:: max(len(own) // MOST, 1)][:MOST]


def edit(book: Workbook, change: Change) -> None:
    """The one record as the site would change it in its export."""
    name, _, number = change.record.partition("=")
    code = change.domain.lower()
    rows = book.read(code)
    if change.field == FLAG:
        mine = {"USUBJID": change.usubjid, "IDVAR": name, "IDVARVAL": number, "QNAM": FLAG}
        rows = [row for row in rows if any(row[column] != value for column, value in mine.items())]
        rows.append({**rows[0], **mine, "QVAL": change.then})
    else:
        (row,) = [row for row in rows if row["USUBJID"] == change.usubjid and row[name] == number]
        row[change.field] = change.then
    book.write(code, rows)


def concluded(folder: Path, flip: Flip, orr0: float) -> str:
    """The same conclusion as a build publishes it."""
    ard = read_dataset(folder / "results" / "ard.parquet")
    if flip.kind == ADVICE:
        own = ard[ard["analysis_id"].eq("DLT_ADVICE") & ard["stat_name"].eq("advice") & ard["context"].eq("")]
        return str(own["stat_text"].iloc[0])
    if flip.kind == RESPONSE:
        own = ard[
            ard["analysis_id"].eq("ORR_D28") & ard["context"].eq("clopper_pearson") & ard["stat_name"].eq("conf.low")
            & ard["group1_level"].eq("Total")
        ]  # fmt: skip
        return ABOVE if own["stat"].iloc[0] > orr0 else NOT_ABOVE
    own = ard[ard["analysis_id"].eq("STOPPING") & ard["variable"].eq(flip.rule) & ard["context"].eq("now")]
    return str(own.loc[own["stat_name"].eq("state"), "stat_text"].iloc[0])


def test_each_flip_that_is_named_turns_the_conclusion_of_a_build(root: Path, demo: Path, tmp_path: Path) -> None:
    trial = load_trial(root / "params" / "cuts" / f"{CUT}.yaml", root)
    clean = sorted((demo / CUT / "data" / "clean").glob("*.parquet"))
    domains = Domains({path.stem.upper(): read_dataset(path) for path in clean})
    found = fragility(StudyData(domains, trial.protocol, trial.analysis, trial.cut_date))
    looked_at = [flip for kind in (ADVICE, RESPONSE, STOPPING) for flip in of_kind(found.flips, kind)]
    assert looked_at
    assert all(concluded(demo / CUT, flip, trial.analysis.orr0) == flip.before for flip in looked_at)
    differing: list[tuple[Flip, str]] = []
    for number, flip in enumerate(looked_at):
        book = Workbook(tmp_path / str(number), root)
        for change in flip.changes:
            edit(book, change)
        after = concluded(book.build(), flip, trial.analysis.orr0)
        print(flip.kind, flip.rule, [(c.subject, c.what, c.now, c.then) for c in flip.changes], flip.before, after)
        if after != flip.after:
            differing.append((flip, after))
    assert not differing
