"""Versions of dictionaries and coder output: what is mixed, what is not stated, terms coded in two ways."""

from __future__ import annotations

import pandas as pd
import pytest

from trialbook.core.domains import Domains
from trialbook.reconciliation.dictionaries import coder_queries, dictionary_queries


def domains(code: str, **columns: list[str | None]) -> Domains:
    return Domains({code: pd.DataFrame(columns, dtype="str")})


@pytest.mark.parametrize(
    ("versions", "stated", "rule"),
    [
        (["MedDRA 27.1", "27.1", "v27.10"], "27.1", []),
        (["27.1", "26.0"], "27.1", ["DICTIONARY-VERSIONS"]),
        (["27.1", "26.0"], "", ["DICTIONARY-VERSIONS"]),
        (["26.0", None], "27.1", ["DICTIONARY-NOT-STATED"]),
        (["26.0"], "", []),
        ([None], "27.1", []),
    ],
)
def test_versions_of_a_dictionary(versions: list[str | None], stated: str, rule: list[str]) -> None:
    found = dictionary_queries(domains("AE", AEDICTV=versions), {"MedDRA": stated} if stated else {})
    assert [one["rule"] for one in found] == rule
    assert {one["recipient"] for one in found} <= {"medical monitor"}


def test_the_version_of_ctcae_is_compared_with_the_one_that_the_protocol_states() -> None:
    assert dictionary_queries(domains("AE", AETOXV=["CTCAE v5.0", "5"]), {"CTCAE": "5.0"}) == []
    (one,) = dictionary_queries(domains("AE", AETOXV=["4.03"]), {"CTCAE": "5.0"})
    assert (one["rule"], one["field"], one["observed"]) == ("DICTIONARY-NOT-STATED", "AETOXV", "CTCAE 4.03")
    assert "CTCAE 5.0" in one["message_en"]
    assert "CTCAE 5.0" in one["message_zh"]


def test_versions_of_who_drug_are_words() -> None:
    versions = ["WHODrug B3 2024-03", "WHODrug B3 2023-09"]
    (one,) = dictionary_queries(domains("CM", CMDICTV=versions), {})
    assert (one["rule"], one["severity"]) == ("DICTIONARY-VERSIONS", "major")


def test_a_term_that_is_coded_in_two_ways_is_asked_about_once() -> None:
    coded = {"AETERM": ["Fever", " FEVER", "Rash"], "AEDECOD": ["Pyrexia", "Hyperthermia", "Rash"]}
    (one,) = coder_queries(domains("AE", **coded, AEDICTV=["27.1"] * 3))
    assert (one["rule"], one["record"], one["observed"]) == (
        "DICTIONARY-TERM-SPLIT", "fever", "fever: Hyperthermia, Pyrexia",
    )  # fmt: skip
    assert coder_queries(domains("AE", **coded, AEDICTV=["27.1", "26.0", "27.1"])) == []
    assert coder_queries(domains("AE", **coded)) == []


def test_the_same_code_in_another_spelling_is_one_code() -> None:
    coded = {"AETERM": ["Fever", "fever"], "AEDECOD": ["Pyrexia", "PYREXIA "]}
    assert coder_queries(domains("AE", **coded, AEDICTV=["27.1"] * 2)) == []
