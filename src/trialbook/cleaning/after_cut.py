"""Who has a death or a serious event after the cut: it is named, and never counted, dated or described."""

from __future__ import annotations

import pandas as pd

from trialbook.cleaning.cut import Cut
from trialbook.core.domains import Domains
from trialbook.core.messages import joined, msg
from trialbook.safety.relationship import criterion_ticked

DEATH, SERIOUS = "death", "serious"
COLUMNS = ["USUBJID", "SUBJID", "KIND", "RECORDS"]
# What a value of AE says before the cut sets it back, where the event was fatal.
_FATAL = {"AEOUT": "FATAL", "AESDTH": "Y", "AETOXGR": "5"}


def recorded_after_cut(cleaned: Domains, cut: Cut) -> pd.DataFrame:
    """Subjects with a death or with serious events that the cut has removed, deaths first.

    Columns USUBJID SUBJID KIND (death or serious) RECORDS. A death is recorded in DM, in DS, or by a fatal event; one
    that is known at the cut is none. A fatal event is no serious event here, since its death is named. `cleaned`: the
    domains before the cut.
    """
    dm, ds, ae = cleaned["DM"], cleaned["DS"], cleaned["AE"]
    fatal = pd.concat([ae[name].eq(value) for name, value in _FATAL.items()], axis=1).fillna(False).any(axis=1)
    serious = ae["AESER"].eq("Y") | (ae["AESER"].isna() & criterion_ticked(ae))
    removed = ae["SRCROW"].isin(_removed(cut, "AE"))
    has_died = dm["DTHFL"].eq("Y") | dm["DTHDTC"].notna()
    in_dm = [*_removed(cut, "DM"), *_set_back(cut, "DM", "DTHFL", "DTHDTC")]
    dead = pd.concat([
        dm.loc[has_died & dm["SRCROW"].isin(in_dm), "USUBJID"],
        ds.loc[ds["DSDECOD"].eq("DEATH") & ds["SRCROW"].isin(_removed(cut, "DS")), "USUBJID"],
        ae.loc[fatal & (removed | ae["SRCROW"].isin(_set_back(cut, "AE", *_FATAL))), "USUBJID"],
    ])  # fmt: skip
    known = cut.domains["DM"]
    dead = dead[~dead.isin(known.loc[known["DTHFL"].eq("Y"), "USUBJID"])]
    events = ae.loc[removed & serious.fillna(False) & ~fatal, "USUBJID"].dropna()
    number = dict(zip(dm["USUBJID"], dm["SUBJID"], strict=True))
    rows = [(who, number.get(who, who), DEATH, 1) for who in sorted(dead.dropna().unique())]
    rows += [(who, number.get(who, who), SERIOUS, int(n)) for who, n in events.value_counts().sort_index().items()]
    return pd.DataFrame(rows, columns=COLUMNS)


def after_cut_sentence(found: pd.DataFrame) -> str:
    """Who has a death or a serious event dated after the cut, which is not counted; no date or value of these.

    `found`: what `recorded_after_cut` gives.
    """
    words = {DEATH: msg("a death is recorded"), SERIOUS: msg("a serious event is recorded")}
    said = [
        msg("{subject} ({words})", subject=row.SUBJID, words=words[str(row.KIND)]) for row in found.itertuples()
    ]  # fmt: skip
    if not said:
        return msg("No death and no serious event is dated after the cut.")
    return msg("Dated after the cut and not counted: {subjects}.", subjects=joined(said, ", "))


def _removed(cut: Cut, domain: str) -> list[object]:
    """The rows of a domain that the cut has removed."""
    return list(cut.removed.loc[cut.removed["domain"].eq(domain), "SRCROW"])


def _set_back(cut: Cut, domain: str, *columns: str) -> list[object]:
    """The rows of a domain in which the cut has set one of these values back."""
    return list(cut.edits.loc[cut.edits["domain"].eq(domain) & cut.edits["column"].isin(columns), "SRCROW"])
