"""Records of another study (P34, A-162): a whole domain of them stops, single ones are left out and asked about."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import pandas as pd

from trialbook.cleaning.reading import Working
from trialbook.domains import VARIABLES
from trialbook.errors import StopError
from trialbook.protocol.models import Study
from trialbook.snapshot.tables import stops_at_the_source

RULE = "P34-OTHER-STUDY"
# From this share of the records of a domain on, the file is taken for one of another study.
MOST = 0.5
_SIGNS = re.compile(r"[\W_]+")


def study_names(dm: pd.DataFrame, study: Study) -> set[str]:
    """How this study is called, without letter case and signs.

    The ids of the protocol file, where DM uses one of them; else the STUDYID of DM, which lists the subjects: an export
    may well name the study otherwise than the protocol file.
    """
    own = {_bare(name) for name in (study.id, study.registry_id or "") if name}
    listed = _spelled(dm).dropna()
    if listed.empty or listed.isin(list(own)).any():
        return own
    return {str(listed.mode().iloc[0])}


def settle_studies(work: Mapping[str, Working], study: Study) -> None:
    """Leaves out single records whose STUDYID is that of another study, and asks about each.

    Raises StopError where DM lists a subject of another study (every count rests on it), and where half of the records
    of a domain that is analysed, or more, are of another study: the wrong file was delivered. A record without STUDYID,
    and a file without that column, belong to the study of the snapshot.
    """
    if "DM" not in work:
        return
    own = study_names(work["DM"].frame, study)
    for code, table in work.items():
        spelled = _spelled(table.frame)
        foreign = spelled.notna() & ~spelled.isin(list(own))
        if not foreign.any():
            continue
        rows = table.frame.index[foreign]
        if code == "DM" or (code in VARIABLES and foreign.sum() >= MOST * spelled.notna().sum()):
            with stops_at_the_source(table.table):
                raise _stop(table, rows, work["DM"])
        for row in rows:
            table.doubt(int(row), "STUDYID", RULE, str(table.frame.at[row, "STUDYID"]))
        table.drop(rows, RULE)


def _stop(table: Working, rows: pd.Index, dm: Working) -> StopError:
    value = str(table.frame.at[rows[0], "STUDYID"])
    here = _first(dm.frame["STUDYID"]) if "STUDYID" in dm.frame else ""
    who = "a subject" if table is dm else f"{len(rows)} of {len(table.frame)} records"
    is_of = "is" if table is dm or len(rows) == 1 else "are"
    return StopError(
        f"{who} of {table.table.domain} {is_of} of another study than the snapshot ({here})", file=table.table.file,
        row=int(rows[0]), column="STUDYID", value=value, rule=RULE,
        next_step="deliver the file of this study, or correct STUDYID at the source",
    )  # fmt: skip


def _first(values: Iterable[object]) -> str:
    return next((str(value) for value in values if isinstance(value, str)), "")


def _spelled(frame: pd.DataFrame) -> pd.Series:
    """STUDYID without letter case and signs; missing where there is none."""
    if "STUDYID" not in frame:
        return pd.Series(pd.NA, index=frame.index, dtype="str")
    bare = {value: _bare(value) or None for value in frame["STUDYID"].dropna().unique()}
    return frame["STUDYID"].map(bare).astype("str")


def _bare(name: str) -> str:
    return _SIGNS.sub("", name).casefold()
