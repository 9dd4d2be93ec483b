"""Events of the DLT window without a grade: no rule can call them mild, whatever the candidates are (§14.4)."""

from __future__ import annotations

import pandas as pd

from trialbook.dlt.candidates import dlt_candidates
from trialbook.dlt.onset import OUT
from trialbook.domains import Domains
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.models import Protocol
from trialbook.safety.adae import grade_number, serious
from trialbook.safety.episodes import event_term


def ungraded_notes(adsl: pd.DataFrame, domains: Domains, protocol: Protocol, analysis: Analysis) -> list[str]:
    """A note on the events of treated subjects that began in the DLT window, or may have, and have no CTCAE grade.

    One sentence that names each by subject and term, and says which are serious; none where every event has a grade,
    or none was collected.
    """
    treated = adsl[adsl["SAFFL"].eq("Y")]
    ae = domains["AE"][domains["AE"]["USUBJID"].isin(treated["USUBJID"])]
    ae = ae.sort_values(["USUBJID", "AESEQ"], kind="stable").reset_index(drop=True)
    graded = grade_number(ae["AETOXGR"]).notna()
    if graded.all() or not graded.any():
        return []
    within = dlt_candidates(ae, treated, domains, protocol, analysis)["ONSETWIN"].ne(OUT)
    own = ae[within & ~graded]
    if own.empty:
        return []
    names = treated.set_index("USUBJID")["SUBJID"].reindex(own["USUBJID"])
    kind = serious(own).map({"Y": " (serious)", "": ""})
    said = [f"{name} {term}{word}" for name, term, word in zip(names, event_term(own), kind, strict=True)]
    verb = "event of the window has" if len(own) == 1 else "events of the window have"
    return [f"{len(own)} {verb} no grade, and may be of any grade: {'; '.join(said)}."]
