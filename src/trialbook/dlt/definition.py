"""What counts as a DLT at a cut: the definition in force, and events that it cannot decide for lack of a grade."""

from __future__ import annotations

import pandas as pd

from trialbook.core.described import described
from trialbook.core.domains import Domains
from trialbook.core.messages import enumerated, joined, msg
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.models import Protocol
from trialbook.safety.adae import grade_number, serious
from trialbook.safety.ctcae import test_name
from trialbook.safety.dlt_candidates import OUT, dlt_candidates
from trialbook.safety.episodes import event_term


def definition(protocol: Protocol, analysis: Analysis) -> pd.DataFrame:
    """The DLT definition in force, from the analysis keys: item, rule; empty where the trial has no DLT endpoint."""
    labels = {"item": msg("Item"), "rule": msg("Rule")}
    if not protocol.has_endpoint("DLT"):
        return described(pd.DataFrame({"item": [], "rule": []}, dtype="str"), labels=labels)
    first, last = analysis.dlt_window
    terms, grade = analysis.dlt_terms, analysis.dlt_min_grade
    exempt = (
        msg("; grade 3 resolved within {irr_exempt_hours} h is exempt", irr_exempt_hours=analysis.irr_exempt_hours)
        if analysis.irr_g3_exempt
        else ""
    )
    counts = enumerated([test_name(code) for code in analysis.dlt_cytopenia_below], " or ")
    rows = [
        (
            msg("Window"),
            msg(
                "onset on day {first} to {last}; an incomplete date on which this depends leaves the event open (A-65)",
                first=first,
                last=last,
            ),
        ),
        (
            msg("Relationship"),
            msg("to {product}: {words}", product=protocol.study.product, words=", ".join(analysis.trae_levels)),
        ),
        (msg("Fatal"), msg("death related to {product}", product=protocol.study.product)),
        (msg("Product"), msg("ectopic tissue or new malignancy, any grade")),
        (
            msg("Infusion reaction"),
            msg("infusion-related or allergic reaction, grade {grade} or more{exempt}", grade=grade, exempt=exempt),
        ),
        (msg("Thromboembolism"), msg("grade {grade} or more", grade=grade)),
        (
            msg("Cytopenia"),
            msg(
                "{counts}: grade {dlt_haem_grade}, longer than {dlt_haem_days} days, not grade 4 at baseline",
                counts=counts,
                dlt_haem_grade=analysis.dlt_haem_grade,
                dlt_haem_days=analysis.dlt_haem_days,
            ),
        ),
        (
            msg("Other"),
            msg(
                "not haematological, grade {grade} or more, not {disease} or underlying disease; grade 3 "
                "{brief} shorter than {dlt_brief_hours} h is exempt",
                grade=grade,
                disease=protocol.study.disease,
                brief=", ".join(t for t in terms.brief if t.isascii()),
                dlt_brief_hours=analysis.dlt_brief_hours,
            ),
        ),
        (
            msg("Decided by"),
            msg("the Safety Review Committee's flag (AEDLT); without it a candidate is counted (A-71)"),
        ),
    ]
    return described(
        pd.DataFrame(rows, columns=["item", "rule"]).astype("str"), labels=labels
    )  # fmt: skip


# Events of the DLT window without a grade: no rule can call them mild, whatever the candidates are (§14.4).
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
    said = [
        msg("{subject} {term} (serious)", subject=name, term=term) if is_serious
        else msg("{subject} {term}", subject=name, term=term)
        for name, term, is_serious in zip(names, event_term(own), serious(own).eq("Y"), strict=True)
    ]  # fmt: skip
    verb = msg("event of the window has") if len(own) == 1 else msg("events of the window have")
    return [
        msg("{n} {verb} no grade, and may be of any grade: {said}.", n=len(own), verb=verb, said=joined(said, "; "))
    ]
