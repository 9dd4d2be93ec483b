"""The demo export of the site's own system builds to the same clean data as its SDTM twin, cell by cell traceable."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from trialbook.cleaning import apply_cut, clean_snapshot, consistency_queries, whole_change_log
from trialbook.cleaning.clean import Cleaned
from trialbook.cleaning.cut import Cut
from trialbook.core.datasets import write_dataset
from trialbook.protocol.load import load_trial
from trialbook.protocol.models import Trial
from trialbook.snapshot import read_snapshot
from trialbook.snapshot.formats import grids_of
from trialbook.snapshot.tables import ARROW, Snapshot
from trialbook_demo.site_export import SITE_EXPORT_CUT, write_site_export


def made(trial: Trial) -> tuple[Snapshot, Cleaned, Cut]:
    snapshot = read_snapshot(trial)
    cleaned = clean_snapshot(snapshot, trial)
    return snapshot, cleaned, apply_cut(cleaned.domains, trial.cut_date)


@pytest.fixture(scope="module")
def trials(root: Path) -> tuple[Trial, Trial]:
    cuts = root / "params" / "cuts" / f"{SITE_EXPORT_CUT}.yaml", root / "params" / "site-export" / "cut.yaml"
    return load_trial(cuts[0], root), load_trial(cuts[1], root)


@pytest.fixture(scope="module")
def twin(trials: tuple[Trial, Trial]) -> tuple[Snapshot, Cleaned, Cut]:
    return made(trials[0])


@pytest.fixture(scope="module")
def site(trials: tuple[Trial, Trial]) -> tuple[Snapshot, Cleaned, Cut]:
    return made(trials[1])


def test_the_clean_domains_at_the_cut_are_those_of_the_twin_byte_for_byte(
    twin: tuple[Snapshot, Cleaned, Cut], site: tuple[Snapshot, Cleaned, Cut], tmp_path: Path
) -> None:
    assert sorted(site[2].domains) == sorted(twin[2].domains)
    for code in twin[2].domains:
        for name, cut in (("twin", twin[2]), ("site", site[2])):
            write_dataset(cut.domains[code], tmp_path / name / f"{code}.parquet")
        pd.testing.assert_frame_equal(site[2].domains[code], twin[2].domains[code])
        assert (tmp_path / "site" / f"{code}.parquet").read_bytes() == (
            tmp_path / "twin" / f"{code}.parquet"
        ).read_bytes()


def test_the_same_questions_are_asked(
    twin: tuple[Snapshot, Cleaned, Cut], site: tuple[Snapshot, Cleaned, Cut], trials: tuple[Trial, Trial]
) -> None:
    asked = [
        [*cleaned.queries, *cut.queries, *consistency_queries(cut.domains, trials[0].analysis)]
        for _, cleaned, cut in (twin, site)
    ]
    # The demo is clean: what the site's own words, dates and shapes would be asked about is in the mapping file.
    assert asked[1] == asked[0] == []


def test_every_logged_value_is_what_stands_in_the_cell_that_the_log_names(
    site: tuple[Snapshot, Cleaned, Cut], trials: tuple[Trial, Trial]
) -> None:
    """The first change of each value starts from the text of its source cell."""
    folder = trials[1].path(trials[1].cut.snapshot)
    cells = {}
    for path in sorted(folder.glob("*.*")):
        if path.suffix in (".csv", ".xlsx"):
            for sheet, grid in grids_of(path.read_bytes(), path.name)[0].items():
                header = list(grid.rows[0])
                for line, row in zip(grid.lines, grid.rows, strict=True):
                    cells |= {
                        (path.name, sheet or "", line, name): cell for name, cell in zip(header, row, strict=True)
                    }
    log = whole_change_log(site[1], site[2])
    values = log[log["column"].str.contains(ARROW, regex=False)]
    first = values.drop_duplicates(["file", "sheet", "row", "column"])
    assert len(first) > 4000
    for change in first.itertuples():
        header = change.column.partition(ARROW)[0]
        if "+" not in header and not change.rule.startswith("P26"):
            cell = cells[(change.file, change.sheet, change.row, header)]
            assert change.raw == ("(withheld)" if change.column.endswith("BRTHDTC") else cell), change


def test_every_clean_record_leads_to_a_row_of_the_export(site: tuple[Snapshot, Cleaned, Cut]) -> None:
    for code, table in site[0].tables.items():
        assert table.origin is not None
        trace = table.origin.trace()
        assert site[1].domains[code]["SRCROW"].isin(trace["SRCROW"]).all()
        assert (trace["row"] > 2).all(), "the two header rows hold no record"
    lab = site[0].tables["LB"].origin
    assert lab is not None
    assert lab.trace().groupby("row").size().max() > 20, "one row of the laboratory holds many results"


def test_the_export_in_the_repository_is_what_the_seed_gives(trials: tuple[Trial, Trial], tmp_path: Path) -> None:
    write_site_export(tmp_path)
    kept = trials[1].path(trials[1].cut.snapshot)
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(p.name for p in kept.iterdir())
    for path in sorted(tmp_path.glob("*.csv")):
        assert path.read_bytes() == (kept / path.name).read_bytes()
        path.read_bytes().decode("gb18030")
        with pytest.raises(UnicodeDecodeError):
            path.read_bytes().decode("utf-8")
    for path in sorted(tmp_path.glob("*.xlsx")):
        # The cells, since the bytes of a workbook also depend on the compression library.
        new, old = (grids_of(p.read_bytes(), p.name)[0] for p in (path, kept / path.name))
        assert {name: list(grid.rows) for name, grid in new.items()} == {n: list(g.rows) for n, g in old.items()}


def test_the_export_says_that_it_is_synthetic(trials: tuple[Trial, Trial]) -> None:
    readme = trials[1].path(trials[1].cut.snapshot) / "README.md"
    assert "SYNTHETIC DATA" in readme.read_text(encoding="utf-8")
