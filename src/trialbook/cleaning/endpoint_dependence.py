"""Which endpoints rest on which collected values, so that a restated value says what it may move (§8)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from trialbook.core.messages import msg

ALL = ("ELIGIBILITY", "TEAE", "DLT", "ORR_D28", "OS")
# By domain, then by variable where one of them matters for other endpoints than the rest.
_OF_DOMAIN: Mapping[str, tuple[str, ...]] = {
    "EX": ("TEAE", "DLT", "ORR_D28", "OS"),
    "AE": ("TEAE", "DLT"),
    "SUPPAE": ("DLT",),
    "LB": ("ELIGIBILITY", "TEAE"),
    "VS": ("ELIGIBILITY", "DLT"),
    "RS": ("ELIGIBILITY", "ORR_D28"),
    "FA": ("ORR_D28",),
    "CM": ("ELIGIBILITY", "ORR_D28"),
    "CE": ("ORR_D28", "OS"),
    "MH": ("ELIGIBILITY",), "PR": ("ELIGIBILITY",), "IE": ("ELIGIBILITY",), "MB": ("ELIGIBILITY",),
    "IS": ("ELIGIBILITY",), "SU": ("ELIGIBILITY",), "SUPPDM": ("ELIGIBILITY",),
    "DS": ("ELIGIBILITY", "OS"), "SS": ("OS",), "SV": ("OS",),
}  # fmt: skip
_OF_VARIABLE: Mapping[str, tuple[str, ...]] = {
    "RFICDTC": ("ELIGIBILITY",), "BRTHDTC": ("ELIGIBILITY",), "SEX": ("ELIGIBILITY",), "AGE": ("ELIGIBILITY",),
    "ARMCD": ALL, "ACTARMCD": ALL, "DTHDTC": ("DLT", "ORR_D28", "OS"), "DTHFL": ("DLT", "ORR_D28", "OS"),
    "AEOUT": ("TEAE", "DLT", "OS"), "AESDTH": ("TEAE", "OS"),
    # Words for people, which no derivation reads.
    **dict.fromkeys(("ARM", "ACTARM", "SITEID", "RACE", "AETERM", "AEACN", "QLABEL", "DSTERM"), ()),
    **dict.fromkeys(("VISIT", "VISITNUM", "DOMAIN", "STUDYID"), ()),
}  # fmt: skip
# The bilirubin also gives the liver stage.
_OF_TEST: Mapping[str, tuple[str, ...]] = {"BILI": ("ELIGIBILITY", "TEAE", "ORR_D28")}


def endpoints_of(domain: str, column: str, test: str = "") -> tuple[str, ...]:
    """The endpoints that may move with a value; none for what is only shown.

    A grade 5 is a death: AETOXGR and AEOUT reach survival through the death date.

    >>> endpoints_of("DM", "SEX"), endpoints_of("LB", "LBORRES", "BILI")
    (('ELIGIBILITY',), ('ELIGIBILITY', 'TEAE', 'ORR_D28'))
    >>> endpoints_of("AE", "AETERM")
    ()
    """
    if column in _OF_VARIABLE:
        return _OF_VARIABLE[column]
    return _OF_TEST.get(test, _OF_DOMAIN.get(domain, ()))


def with_endpoints(
    restated: pd.DataFrame, endpoints: Sequence[str], tests: Mapping[tuple[str, str, str], str]
) -> pd.DataFrame:
    """Restated values with the column `endpoints`: what may move with each, of the endpoints this trial has.

    `restated` has domain, subject, record, column; `tests` gives the test code of a record of findings.

    >>> restated = pd.DataFrame({"domain": ["AE"], "subject": ["001"], "record": ["AESEQ=3"], "column": ["AETOXGR"]})
    >>> with_endpoints(restated, ["TEAE", "DLT"], {})["endpoints"].tolist()
    ['TEAE, DLT']
    """
    keys = restated[["domain", "subject", "record", "column"]].itertuples(index=False, name=None)
    may_move = [endpoints_of(d, column, tests.get((d, subject, record), "")) for d, subject, record, column in keys]
    named = [", ".join(name for name in names if name in endpoints) for names in may_move]
    return restated.assign(endpoints=pd.Series(named, index=restated.index, dtype="str"))


def moved_endpoints(previous: Mapping[str, pd.DataFrame], current: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Subjects whose own result of an endpoint differs between two builds: subject, endpoint, old, new.

    Both mappings hold the analysis datasets by name. A subject who is new at this cut is not listed.

    >>> before = {"addlt": pd.DataFrame({"USUBJID": ["001"], "DLTSTAT": ["PENDING"]})}
    >>> after = {"addlt": pd.DataFrame({"USUBJID": ["001", "002"], "DLTSTAT": ["NO-DLT", "PENDING"]})}
    >>> moved_endpoints(before, after).values.tolist()
    [['001', 'DLT', 'PENDING', 'NO-DLT']]
    """
    rows = []
    for endpoint, of in _RESULTS.items():
        before, after = of(previous), of(current)
        for subject in sorted(set(before) & set(after)):
            if before[subject] != after[subject]:
                rows.append((subject, endpoint, before[subject], after[subject]))
    return pd.DataFrame(rows, columns=["subject", "endpoint", "old", "new"], dtype="str")


def _dlt(data: Mapping[str, pd.DataFrame]) -> dict[str, str]:
    frame = data.get("addlt")
    return {} if frame is None else dict(zip(frame["USUBJID"], frame["DLTSTAT"], strict=True))


def _response(data: Mapping[str, pd.DataFrame]) -> dict[str, str]:
    frame = data.get("adrs")
    if frame is None:
        return {}
    own = frame[frame["PARAMCD"].eq("RSP28")]
    said = own["AVALC"].fillna("") + own["REASON"].fillna("").map(lambda reason: f" ({reason})" if reason else "")
    return dict(zip(own["USUBJID"], said, strict=True))


def _survival(data: Mapping[str, pd.DataFrame]) -> dict[str, str]:
    frame = data.get("adtte")
    if frame is None:
        return {}
    own = frame[frame["PARAMCD"].eq("OS")]
    # A living subject's time grows with every cut: that does not change the result.
    said = [_end(row.AVAL, row.CNSR, getattr(row, "EVNTDESC", "")) for row in own.itertuples()]
    return dict(zip(own["USUBJID"], said, strict=True))


def _end(day: float, code: int, what: str) -> str:
    """How a subject's survival ended; the words of EVNTDESC where the day of death is not known."""
    if code:
        return "alive"
    kind, _, between = what.partition(": ")
    return (
        msg("died, {between}", between=between) if between and kind == "DEATH" else msg("died on day {day:g}", day=day)
    )


def _eligibility(data: Mapping[str, pd.DataFrame]) -> dict[str, str]:
    frame = data.get("adie")
    if frame is None:
        return {}
    open_ones = frame[~frame["RESULT"].isin(["PASS", "ATT-PASS"])]
    words = open_ones["CRITCD"] + " " + open_ones["RESULT"]
    said = words.groupby(open_ones["USUBJID"]).agg(", ".join).to_dict()
    return {subject: said.get(subject, msg("all criteria met")) for subject in frame["USUBJID"].unique()}


_RESULTS = {"ELIGIBILITY": _eligibility, "DLT": _dlt, "ORR_D28": _response, "OS": _survival}
