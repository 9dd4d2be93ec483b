"""One issue is asked once: where two checks see the same fault, the one that says more about it asks."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

_NO_DATE = ("P04-DATE-AMBIGUOUS", "P04-DATE-UNREADABLE", "P03-EXCEL-DATE-UNSURE", "P03-EXCEL-ERROR", "P39-TIME-ZONE")
# Rule -> the rules that ask the same about the same field. A date that could not be read is missing, for example: that
# it is missing is not asked again.
SAID_BY: Mapping[str, tuple[str, ...]] = {
    "AE-END-IMPUTED-BEFORE-START": ("P19-AE-END-BEFORE-START",),
    "AE-GRADE-MISSING": ("P21-GRADE-UNREADABLE", "P26-GRADE-AT-CUT", "P03-EXCEL-ERROR"),
    "LB-UNIT-UNKNOWN": ("P13-LB-UNIT-UNKNOWN", "P13-UNIT-UNKNOWN"),
    "P05-DM-BIRTH-DATE": _NO_DATE,
    "P05-DM-CONSENT-DATE": _NO_DATE,
    "P11-EX-UNDATED": _NO_DATE,
    "P12-EX-DOSE-MISSING": ("P40-NOT-A-NUMBER", "P40-UNIT-CONFLICT"),
    "P13-LB-UNIT-JUMP": ("P13-LB-BILIRUBIN",),
    "P13-UNIT-UNKNOWN": ("P13-LB-UNIT-UNKNOWN", "P13-LB-BILIRUBIN"),
    "P14-NOT-A-NUMBER": ("P40-UNIT-CONFLICT", "P14-LB-INDETERMINATE", "P03-EXCEL-ERROR"),
    "P20-AE-RESOLVED-NO-END": _NO_DATE,
    "P22-DEATH-DATE-INCOMPLETE": _NO_DATE,
    "P23-AE-SERIOUS-MISSING": ("P38-YES-NO-UNKNOWN",),
    "P25-RECORD-AFTER-DEATH": ("P19-AE-END-AFTER-DEATH",),
    "P27-OUT-OF-RANGE": (
        "P27-RS-STAGE-RANGE", "P27-FA-PERCENT", "P27-FA-STOOL-VOLUME", "P13-LB-BILIRUBIN", "P13-LB-UNIT-JUMP",
        "P27-RS-NO-SUCH-SCORE",
    ),
    "P32-WEIGHT-JUMP": ("P27-OUT-OF-RANGE",),
    "P34-CM-NOT-DELIVERED": ("P34-DOMAIN-MISSING",),
    "P34-RS-NOT-DELIVERED": ("P34-DOMAIN-MISSING",),
    "SAE-CRITERION-NOT-SERIOUS": ("P23-AE-SERIOUS-CRITERION",),
    # Rules of the contracts of the clean domains (their names have a dot).
    "ae.AEENDTC.not_after_death": ("P19-AE-END-AFTER-DEATH",),
    "ae.AEENDTC.not_before_start": ("P19-AE-END-BEFORE-START",),
    "ae.AEENRTPT.ended": ("P20-AE-ONGOING-WITH-END",),
    "cm.CMDECOD.given": ("P31-CM-UNCODED", "P31-CM-COMBINED", "P31-CM-GVHD-UNLISTED"),
    "ex.EXSTDTC.after_consent": ("P11-EX-BEFORE-CONSENT",),
    "ss.SSDTC.alive_after_death": ("P25-RECORD-AFTER-DEATH",),
}  # fmt: skip


def without_repetitions(queries: pd.DataFrame) -> pd.DataFrame:
    """The queries without those that another one says already (columns rule, subject, domain, record, field).

    The same fault is one of the same subject, domain and field, and of the same record, unless the query is about the
    whole subject. A result and its unit count as one field; a rule of a contract may stand in another field.
    """
    field = queries["field"].str.removesuffix("U")
    places = list(zip(queries["subject"], queries["domain"], field, strict=True))
    asked = list(zip(queries["rule"], places, queries["record"], strict=True))
    somewhere = {(rule, place) for rule, place, _ in asked}
    any_field = {(rule, *place[:2], record) for rule, place, record in asked}
    there = set(asked)

    def is_said(rule: str, place: tuple[str, str, str], record: str, other: str) -> bool:
        if "." in rule:
            return any((other, *place[:2], key) in any_field for key in (record, ""))
        return (other, place, record) in there or (not record and (other, place) in somewhere)

    said = [
        any(is_said(rule, place, record, other) for other in SAID_BY.get(rule, ())) for rule, place, record in asked
    ]
    return queries[~pd.Series(said, index=queries.index, dtype=bool)]
