"""Supplemental qualifiers: which parent record each SUPP-- record describes, by whatever variable it names (A-161).

One home for the join, so that a flag is read alike wherever it counts: DLT flags, the cut, questions, plots.
"""

from __future__ import annotations

import re

import pandas as pd

LINK_COLUMNS = ["SUPP", "PARENT", "SURE"]
# Why a record cannot be joined, in the words of the question to the site.
NO_VARIABLE, NO_VALUE, NO_PARENT, SEVERAL, OTHER_DOMAIN = (
    "the parent domain has no such variable", "the value that names the parent is missing",
    "no record has this value", "several different records have this value", "the record is about another domain",
)  # fmt: skip
JOINED = ""
# Variables that name one record; any other may name several.
SINGLING = ("SEQ", "SPID")
_NUMBER = re.compile(r"[+-]?\d+(?:\.\d*)?")


def is_supplemental(code: str) -> bool:
    """Whether a domain code is that of supplemental qualifiers (SUPPAE).

    >>> is_supplemental("SUPPAE"), is_supplemental("AE")
    (True, False)
    """
    return code.startswith("SUPP")


def parent_links(supp: pd.DataFrame, parent: pd.DataFrame, code: str) -> tuple[pd.DataFrame, pd.Series]:
    """The parent records of each SUPP-- record, and why a record has none or none for certain.

    | IDVAR                  | parents                                                                           |
    |------------------------|-----------------------------------------------------------------------------------|
    | blank                  | all records of the subject: the answer is about the subject                        |
    | --SEQ                  | the record of that number; 2 = 2.0 = 02                                            |
    | --SPID                 | the record of that id, or the several lines of one event (same term)               |
    | --GRPID, VISITNUM, ... | every record of the subject with that value                                       |

    A value is compared as text, then without letter case, then as a number; the first that finds a record counts.
    Where several different records have one --SEQ or --SPID, all of them are linked with SURE false. Where the parent
    is DM, whose record is the only one of its subject, the subject is enough.
    Links: SUPP and PARENT (index labels of `supp` and `parent`), SURE. The reasons have the index of `supp`; blank
    where the record is joined. `code` is the domain of the parent.

    >>> ae = pd.DataFrame({"USUBJID": ["001", "001"], "AESEQ": [1, 2], "AETERM": ["Rash", "Fever"]})
    >>> supp = pd.DataFrame({"USUBJID": ["001", "001"], "IDVAR": "AESEQ", "IDVARVAL": ["02", "7"]})
    >>> links, reason = parent_links(supp, ae, "AE")
    >>> links["PARENT"].tolist(), reason.tolist()
    ([1], ['', 'no record has this value'])
    """
    blank = pd.Series("", index=supp.index, dtype="str")
    subject = supp.get("USUBJID", blank)
    variable = supp.get("IDVAR", blank).astype("str").fillna("").str.strip().str.upper()
    value = supp.get("IDVARVAL", blank).astype("str").fillna("").str.strip()
    about = supp.get("RDOMAIN", blank).astype("str").fillna("").str.strip().str.upper()
    reason = pd.Series(NO_PARENT, index=supp.index, dtype="str")
    reason = reason.mask(variable.ne("") & value.eq(""), NO_VALUE)
    reason = reason.mask(variable.ne("") & ~variable.isin(list(parent.columns)), NO_VARIABLE)
    foreign = about.ne("") & about.ne(code)
    reason = reason.mask(foreign, OTHER_DOMAIN)
    left = pd.DataFrame({"SUPP": supp.index, "USUBJID": subject.to_numpy(), "KEY": value.to_numpy()}, index=supp.index)
    by_subject = variable.eq("") | (reason.eq(NO_PARENT) & (code == "DM"))
    found = [_of_subject(left[by_subject & ~foreign], parent)]
    for name in sorted(set(variable[reason.eq(NO_PARENT) & ~by_subject])):
        found.append(_by_variable(left[variable.eq(name) & reason.eq(NO_PARENT)], parent, code, name))
    links = pd.concat(found, ignore_index=True)
    unsure = set(links.loc[~links["SURE"].astype(bool), "SUPP"])
    joined = reason.index.isin(list(set(links["SUPP"]) - unsure))
    reason = reason.mask(joined, JOINED).mask(reason.index.isin(list(unsure)), SEVERAL)
    return links, reason.astype("str")


def qualifier(supp: pd.DataFrame, parent: pd.DataFrame, code: str, name: str) -> pd.DataFrame:
    """The answers to one supplemental question (QNAM) of the domain `code`, one row per answer and parent record.

    SUPP and PARENT (index labels of `supp` and `parent`; PARENT missing where no record is found), USUBJID, QVAL (upper
    case, trimmed), SURE (false: several different records may be meant, or none was found), and WHOLE: the answer is
    about the subject and names no record.

    >>> ae = pd.DataFrame({"USUBJID": ["001", "001"], "AESEQ": [1, 2], "AETERM": ["Rash", "Fever"]})
    >>> supp = pd.DataFrame({"USUBJID": ["001"], "IDVAR": "AESEQ", "IDVARVAL": "2", "QNAM": "AEDLT", "QVAL": "y"})
    >>> qualifier(supp, ae, "AE", "AEDLT")[["PARENT", "QVAL", "SURE"]].values.tolist()
    [[1, 'Y', True]]
    """
    answers = supp[supp["QNAM"].astype("str").str.strip().str.upper().eq(name).fillna(False)]
    links, _ = parent_links(answers, parent, code)
    lost = answers.index[~answers.index.isin(links["SUPP"])]
    links = pd.concat([links, pd.DataFrame({"SUPP": lost, "PARENT": pd.NA, "SURE": False})], ignore_index=True)
    of = answers.reindex(links["SUPP"])
    whole = of["IDVAR"].astype("str").fillna("").str.strip().eq("") if "IDVAR" in of else pd.Series(True, of.index)
    return pd.DataFrame({
        "SUPP": links["SUPP"].to_numpy(), "PARENT": pd.array(links["PARENT"], dtype="Int64"),
        "USUBJID": of["USUBJID"].to_numpy(),
        "QVAL": of["QVAL"].astype("str").fillna("").str.strip().str.upper().to_numpy(),
        "SURE": links["SURE"].to_numpy(dtype=bool), "WHOLE": whole.to_numpy(dtype=bool),
    })  # fmt: skip


def unjoined(supp: pd.DataFrame, parent: pd.DataFrame, code: str) -> pd.Series:
    """Why each SUPP-- record cannot be joined to one parent record, on the index of `supp`; those that can are left
    out.

    >>> ae = pd.DataFrame({"USUBJID": ["001"], "AESEQ": [1], "AETERM": ["Rash"]})
    >>> supp = pd.DataFrame({"USUBJID": ["001", "001"], "IDVAR": "AESEQ", "IDVARVAL": ["1", "7"]})
    >>> unjoined(supp, ae, "AE").tolist()
    ['no record has this value']
    """
    _, reason = parent_links(supp, parent, code)
    return reason[reason.ne(JOINED)]


def _of_subject(left: pd.DataFrame, parent: pd.DataFrame) -> pd.DataFrame:
    records = pd.DataFrame({"USUBJID": parent["USUBJID"], "PARENT": parent.index})
    links = left[["SUPP", "USUBJID"]].dropna().merge(records, on="USUBJID")
    return links.assign(SURE=True)[LINK_COLUMNS]


def _by_variable(left: pd.DataFrame, parent: pd.DataFrame, code: str, name: str) -> pd.DataFrame:
    """The links by one variable: each way of comparing is for the records that are still without a parent."""
    values = parent[name].astype("str").fillna("").str.strip().str.removesuffix(".0")
    records = pd.DataFrame({"USUBJID": parent["USUBJID"], "PARENT": parent.index, "KEY": values})
    records = records[records["KEY"].ne("") & records["USUBJID"].notna()]
    found: list[pd.DataFrame] = []
    for read in (_as_it_is, str.casefold, _number):
        if found and left.empty:
            break
        keyed = left.assign(KEY=left["KEY"].map(read)).dropna(subset=["KEY", "USUBJID"])
        links = keyed.merge(records.assign(KEY=records["KEY"].map(read)), on=["USUBJID", "KEY"])
        found.append(links[["SUPP", "PARENT"]])
        left = left[~left["SUPP"].isin(links["SUPP"])]
    links = pd.concat(found, ignore_index=True)
    if not name.endswith(SINGLING):
        return links.assign(SURE=True)[LINK_COLUMNS]
    number = links.groupby("SUPP")["PARENT"].transform("size")
    one_event = links.assign(TERM=_terms(parent, code).reindex(links["PARENT"]).to_numpy()).groupby("SUPP")["TERM"]
    same = one_event.transform("nunique").eq(1) & one_event.transform("count").eq(number)
    return links.assign(SURE=number.eq(1) | (same & name.endswith("SPID")))[LINK_COLUMNS]


def _terms(parent: pd.DataFrame, code: str) -> pd.Series:
    """What an event is called, without letter case: coded, else as reported; missing where neither is known."""
    named = pd.Series(pd.NA, index=parent.index, dtype="str")
    for name in (f"{code}DECOD", f"{code}TERM", f"{code}TRT"):
        if name in parent:
            named = named.fillna(parent[name].where(parent[name].fillna("").str.strip().ne("")))
    return named.str.strip().str.casefold()


def _as_it_is(text: str) -> str:
    return text


def _number(text: str) -> float | None:
    return float(text) if _NUMBER.fullmatch(text) else None
