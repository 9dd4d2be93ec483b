"""The data dictionary page holds every dataset, column and rule of the contracts, and nothing that could run."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import unescape

import pytest

from support.page_samples import PAYLOADS, frame
from support.paths import ROOT
from trialbook.contracts.odcs import Contract, load_contracts
from trialbook.display.dictionary import render_dictionary
from trialbook.protocol.models import Protocol


@pytest.fixture(scope="module")
def contracts() -> Mapping[str, Contract]:
    return load_contracts(ROOT / "data_contracts")


@pytest.fixture
def page(contracts: Mapping[str, Contract], protocol: Protocol) -> str:
    return render_dictionary(contracts, frame(protocol))


def test_every_dataset_column_and_rule_of_the_contracts_is_on_the_page(
    page: str, contracts: Mapping[str, Contract]
) -> None:
    sections = page.split("<h3 ")[1:]
    assert len(sections) == len(contracts)
    for section, (key, contract) in zip(sections, contracts.items(), strict=True):
        text = unescape(section)
        assert section.startswith(f'id="{key.replace("/", "-")}"'), key
        names = re.findall(r'<th scope="row"[^>]*><code>([^<]+)</code>', text)
        columns = [column.name for column in contract.dataset.properties]
        assert names == [*columns, *(rule.name for rule in contract.dataset.rules)], key
        assert all(column.description in text for column in contract.dataset.properties), key
        assert all(rule.custom("chinese") in text for rule in contract.dataset.rules), key


def test_unit_codes_key_severity_and_source_are_said(page: str) -> None:
    safety = unescape(page[page.index('id="analysis-adsl"') : page.index('id="analysis-adtte"')])
    assert "One row per USUBJID." in safety
    assert ">years</td>" in safety
    assert ">Y, (blank)</span>" in safety
    assert "§3.7, §5.2" in safety
    events = unescape(page[page.index('id="clean-ae"') : page.index('id="clean-ce"')])
    assert "warning, asked as P25-RECORD-AFTER-DEATH" in events


def test_the_page_holds_no_script_and_no_outside_address(page: str) -> None:
    assert "<script" not in page
    assert "default-src 'none'; style-src 'unsafe-inline'" in unescape(page)
    assert not re.search(r'(?:src|href)="(?!#|data:|[\w.]+\.html)', page)


def test_words_of_a_contract_are_words_on_the_page(contracts: Mapping[str, Contract], protocol: Protocol) -> None:
    whole = contracts["raw/dv"]
    column = whole.dataset.properties[0].model_copy(update={"description": PAYLOADS["image"]})
    dataset = whole.dataset.model_copy(update={"properties": [column], "description": PAYLOADS["script"]})
    hostile = whole.model_copy(update={"schema_": [dataset]})
    page = render_dictionary({"raw/dv": hostile}, frame(protocol))
    assert PAYLOADS["script"] not in page
    assert PAYLOADS["image"] not in page
    assert PAYLOADS["image"] in unescape(page)
