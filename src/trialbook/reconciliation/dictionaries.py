"""Versions of dictionaries, and coder output: mixed versions, unstated versions, one term coded in two ways."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trialbook.core.domains import Domains
from trialbook.queries.query_list import Query
from trialbook.reconciliation.serious_events import TEXTS

# Domain -> reported term, coded term, variable with the version of the dictionary, and the dictionary's name.
CODED: Mapping[str, tuple[str, str, str, str]] = {
    "AE": ("AETERM", "AEDECOD", "AEDICTV", "MedDRA"),
    "MH": ("MHTERM", "MHDECOD", "MHDICTV", "MedDRA"),
    "CE": ("CETERM", "CEDECOD", "CEDICTV", "MedDRA"),
    "CM": ("CMTRT", "CMDECOD", "CMDICTV", "WHODrug"),
}
# Domain -> the variable with the version of CTCAE that its grades are of.
GRADED: Mapping[str, str] = {"AE": "AETOXV", "MH": "MHTOXV"}


def dictionary_queries(domains: Domains, stated: Mapping[str, str]) -> list[Query]:
    """Questions about versions and codes, one for a domain and variable, or for a term.

    `stated`: the version that the protocol file states, by the name of the dictionary (MedDRA, WHODrug, CTCAE). A
    version is compared without the name of its dictionary and without zeros at its end: `MedDRA 27.10` is 27.1.
    """
    asked: list[Query] = []
    places = [(code, version, name) for code, (_, _, version, name) in CODED.items()]
    for code, column, name in [*places, *((code, column, "CTCAE") for code, column in GRADED.items())]:
        frame = domains[code]
        if column not in frame:
            continue
        found = sorted({_version(text, name) for text in frame[column].dropna().unique()} - {""})
        wanted = _version(stated.get(name, ""), name)
        words: dict[str, Any] = {
            "versions": ", ".join(f"{name} {version}" for version in found),
            "stated": f"{name} {wanted}",
        }
        if len(found) > 1:
            asked.append(TEXTS.query("DICTIONARY-VERSIONS", "", code, field=column, observed=words["versions"],
                                     severity="major", **words))  # fmt: skip
        elif found and wanted and found != [wanted]:
            asked.append(
                TEXTS.query("DICTIONARY-NOT-STATED", "", code, field=column, observed=words["versions"], **words)
            )
    return asked


def coder_queries(domains: Domains) -> list[Query]:
    """A question for each reported term that is coded in two ways within a domain; letter case and blanks aside.

    Only domains with a version of their dictionary are looked at: these carry the output of a coder. Codes of different
    versions may well differ; that is asked already.
    """
    asked: list[Query] = []
    for code, (term, decoded, version, _) in CODED.items():
        frame = domains[code]
        if not {term, decoded, version} <= set(frame):
            continue
        plain = frame[[term, decoded]].apply(lambda values: values.str.split().str.join(" ").str.casefold())
        coded = frame.assign(PLAIN=plain[term], CODE=plain[decoded]).dropna(subset=["PLAIN", "CODE", version])
        for words, rows in coded.groupby("PLAIN", sort=True):
            if rows["CODE"].nunique() > 1 and rows[version].nunique() == 1:
                seen = f"{words}: {', '.join(sorted(rows[decoded].unique()))}"
                asked.append(TEXTS.query("DICTIONARY-TERM-SPLIT", "", code, record=str(words), field=decoded,
                                         observed=seen))  # fmt: skip
    return asked


def _version(text: str, name: str) -> str:
    """A version as a number, without the name of the dictionary.

    >>> _version("MedDRA v27.10", "MedDRA"), _version("B3 2024-03", "WHODrug")
    ('27.1', 'b3 2024-03')
    """
    bare = " ".join(str(text).casefold().replace(name.casefold(), "").split()).removeprefix("version").strip()
    bare = bare.removeprefix("v").strip(" .")
    if bare.replace(".", "", 1).isdigit() and "." in bare:
        whole, _, part = bare.partition(".")
        return f"{int(whole)}.{part.rstrip('0') or '0'}"
    return f"{int(bare)}.0" if bare.isdigit() else bare
