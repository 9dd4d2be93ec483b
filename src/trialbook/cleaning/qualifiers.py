"""Questions about supplemental qualifiers that cannot be joined to one record of their domain (P34, A-161)."""

from __future__ import annotations

from trialbook.cleaning.keys import record_keys
from trialbook.cleaning.rules import ask
from trialbook.domains import Domains
from trialbook.results.queries import Query
from trialbook.supplemental import is_supplemental, unjoined

# Answers that an analysis reads: a lost one changes a result.
READ = {"AE": ("AEDLT", "AEKNOWDT")}


def qualifier_queries(domains: Domains) -> list[Query]:
    """One question for each supplemental record whose parent cannot be told; major where an analysis reads the answer.

    Supplemental records of a domain that was not delivered are not asked about: nothing here reads them.
    """
    found: list[Query] = []
    for code in filter(is_supplemental, domains):
        parent, supp = code.removeprefix("SUPP"), domains[code]
        if not domains.delivered(parent) or not {"USUBJID", "QNAM"} <= set(supp):
            continue
        reason = unjoined(supp, domains[parent], parent)
        rows = supp.loc[reason.index]
        named = rows["QNAM"].astype("str").fillna("").str.strip().str.upper()
        severity = named.isin(READ.get(parent, ())).map({True: "major", False: ""})
        records = zip(rows["USUBJID"], record_keys(code, rows), reason, severity, strict=True)
        for subject, record, why, how in records:
            found += ask("P34-SUPP-UNJOINED", code, [(subject, record, why)], "IDVARVAL", how)
    return found
