"""One issue is asked once: where two checks see the same fault, the one that says more about it asks."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from trialbook.results.query import CONSEQUENCE

_NO_DATE = ("P04-DATE-AMBIGUOUS", "P04-DATE-UNREADABLE", "P03-EXCEL-DATE-UNSURE", "P03-EXCEL-ERROR", "P39-TIME-ZONE")
# Rule -> the rules that ask the same about the same field. A date that could not be read is missing, for example: that
# it is missing is not asked again.
SAID_BY: Mapping[str, tuple[str, ...]] = {
    "AE-END-IMPUTED-BEFORE-START": ("P19-AE-END-BEFORE-START",),
    "AE-GRADE-MISSING": ("P21-GRADE-UNREADABLE", "P26-GRADE-AT-CUT", "P03-EXCEL-ERROR"),
    "AE-START-MISSING": _NO_DATE,
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
    "P34-DS-NOT-DELIVERED": ("P34-DOMAIN-MISSING",),
    "SAE-CRITERION-NOT-SERIOUS": ("P23-AE-SERIOUS-CRITERION",),
    # Rules of the contracts of the clean domains (their names have a dot).
    "ae.AEENDTC.not_after_death": ("P19-AE-END-AFTER-DEATH",),
    "ae.AEENDTC.not_before_start": ("P19-AE-END-BEFORE-START",),
    "ae.AEENRTPT.ended": ("P20-AE-ONGOING-WITH-END",),
    "cm.CMDECOD.given": (
        "P31-CM-UNCODED", "P31-CM-COMBINED", "P31-CM-GVHD-UNLISTED", "P31-CM-NEAR-NAME", "P31-CM-PURPOSE",
    ),
    "ex.EXSTDTC.after_consent": ("P11-EX-BEFORE-CONSENT",),
    "ss.SSDTC.alive_after_death": ("P25-RECORD-AFTER-DEATH",),
}  # fmt: skip


DOMAIN_LINES = ("P34-DOMAIN-MISSING", "P34-CM-NOT-DELIVERED", "P34-RS-NOT-DELIVERED")
_RANK = {"stop": 0, "major": 1, "minor": 2}


def with_consequences(queries: pd.DataFrame) -> pd.DataFrame:
    """The queries with each consequence of an undelivered domain said in the line of that domain.

    Without such a line the consequence stays one of its own.
    """
    found = queries["rule"].eq(CONSEQUENCE)
    lines = queries[queries["rule"].isin(DOMAIN_LINES)].drop_duplicates("domain")
    place = dict(zip(lines["domain"], lines.index, strict=True))
    told = queries[found & queries["domain"].isin(list(place))]
    queries = queries.drop(index=told.index).copy()
    for row in told.itertuples():
        at = place[row.domain]
        queries.loc[at, "message_en"] = f"{queries.at[at, 'message_en']} {row.message_en}"
        queries.loc[at, "message_zh"] = f"{queries.at[at, 'message_zh']}{row.message_zh}"
    return queries


def without_repetitions(queries: pd.DataFrame) -> pd.DataFrame:
    """The queries without those that another one says already (columns rule, subject, domain, record, field).

    The same fault is one of the same subject, domain and field, and of the same record, unless the query is about the
    whole subject. A result and its unit count as one field; a rule of a contract may stand in another field. The query
    that stays has the severity of the worse of both.
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

    worst: dict[tuple[str, tuple[str, str, str], str], str] = {}
    said = []
    for (rule, place, record), severity in zip(asked, queries["severity"], strict=True):
        others = [other for other in SAID_BY.get(rule, ()) if is_said(rule, place, record, other)]
        said.append(bool(others))
        for other in others:
            key = (other, place, record)
            worst[key] = min(worst.get(key, severity), severity, key=_RANK.__getitem__)
    severities = [
        min(worst.get(key, severity), severity, key=_RANK.__getitem__)
        for key, severity in zip(asked, queries["severity"], strict=True)
    ]
    kept = queries.assign(severity=pd.Series(severities, index=queries.index, dtype="str"))
    return kept[~pd.Series(said, index=queries.index, dtype=bool)]
