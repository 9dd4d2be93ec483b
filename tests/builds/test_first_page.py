"""The demo's first page: it says who is at risk and why, whether the dose may be raised, and what changed, by name."""

from __future__ import annotations

import json
import re
from html import unescape
from pathlib import Path

import pandas as pd
import pytest

from trialbook.signals.derive import RULES
from trialbook.signals.model import SEVERITIES, Signal

pytestmark = pytest.mark.build
LATEST = "2025-09-30"


def words(path: Path) -> str:
    """The text of a page."""
    html = path.read_text(encoding="utf-8")
    return " ".join(unescape(re.sub(r"<style.*?</style>|<[^>]+>", " ", html, flags=re.DOTALL)).split())


def signals(folder: Path) -> list[Signal]:
    return [Signal(**entry) for entry in json.loads((folder / "signals.json").read_text(encoding="utf-8"))]


def test_the_first_page_names_those_at_risk_with_their_reasons(demo: Path) -> None:
    said = words(demo / LATEST / "index.html")
    assert "no MTD can be named" in said
    first = said[said.index("Look at these first") : said.index("Every treated subject")]
    for subject, reason in (
        ("016", "DLT window open to 2025-10-08, with an abnormal finding: ALT 4.5 x ULN on day 9"),
        ("016", "exclusion criterion EX04A was met"), ("015", "Serious event, grade entered after the cut"),
        ("008", "Not seen for 117 days"), ("003", "at the dose of DL2 (2.02 x 10^6/kg) instead of DL1"),
    ):  # fmt: skip
        assert reason in first
        assert subject in first
    assert first.index("016") < first.index("015") < first.index("008") < first.index("003")
    assert "death date completed: from day 92 to day 95" in said


def test_each_signal_stands_in_the_profile_of_its_subject_and_leads_somewhere(demo: Path) -> None:
    folder = demo / LATEST
    found = signals(folder)
    assert [SEVERITIES.index(one.severity) for one in found] == sorted(SEVERITIES.index(one.severity) for one in found)
    for one in found:
        if one.subject:
            assert one.sentence in words(folder / "profiles" / f"{one.subject}.html")
        for link in one.links:
            page = (folder / link.page).read_text(encoding="utf-8")
            assert not link.anchor or f'id="{link.anchor}"' in page
        for record in one.evidence:
            assert record.usubjid.startswith("NCT06321198-01-")


def test_deviations_of_the_demo_are_those_of_the_site_and_one_that_it_did_not_record(demo: Path) -> None:
    addv = pd.read_parquet(demo / LATEST / "data" / "addv.parquet")
    told = list(zip(addv["SUBJID"], addv["ADVCAT"], addv["FOUNDBY"], addv["DIFFER"], strict=True))
    assert told == [
        ("003", "DOSE", "BOTH", ""), ("009", "DOSE", "BOTH", ""),
        ("011", "ASSESSMENT", "BOTH", "classed differently in DV"), ("012", "ELIGIBILITY", "BOTH", ""),
        ("016", "ELIGIBILITY", "DATA", "not recorded in DV"),
    ]  # fmt: skip


def test_that_the_committee_decides_is_said_once_on_a_page(demo: Path) -> None:
    said = {
        path.name: words(path).count("The Safety Review Committee decides.") for path in (demo / LATEST).glob("*.html")
    }
    assert {name: count for name, count in said.items() if count > 1} == {}
    assert said["index.html"] == said["04_dlt.html"] == 1


def test_every_rule_says_what_became_of_it(demo: Path) -> None:
    for cut in ("2025-03-31", LATEST):
        rules = json.loads((demo / cut / "signal_rules.json").read_text(encoding="utf-8"))
        assert [one["rule"] for one in rules] == list(RULES)
        assert all(one["assumption"] for one in rules)


def test_numbers_are_written_in_one_way_on_every_page(demo: Path) -> None:
    """Rulebook 3.4: no n/N, no per cent of fewer than ten subjects, no fraction and per cent in one column."""
    pages = [*(demo / LATEST).glob("*.html"), *(demo / LATEST / "profiles").glob("*.html")]
    wrong = []
    for page in pages:
        if page.name.endswith("_records.html"):
            continue
        for table in re.findall(r"<table.*?</table>", page.read_text(encoding="utf-8"), flags=re.DOTALL):
            found = re.findall(r"<td.*?</td>", table, re.DOTALL)
            # The nodes of a pathway alone have room for no more than 0/1.
            found = [cell for cell in found if 'data-label="DLT / evaluable"' not in cell]
            cells = [unescape(re.sub(r"<[^>]+>", " ", cell)) for cell in found]
            told = [" ".join(cell.split()) for cell in cells]
            wrong += [(page.name, cell) for cell in told if re.match(r"\d+/\d+( |$)", cell)]
            shares = [re.match(r"\d+ of (\d+) \(\d+\.\d%\)", cell) for cell in told]
            wrong += [(page.name, share[0]) for share in shares if share and int(share[1]) < 10]
            fractions = [cell for cell in told if re.match(r"\d+ of \d+ \([01]\.\d{3}\)", cell)]
            wrong += [(page.name, cell) for cell in fractions if any(shares)]
        wrong += [(page.name, card) for card in re.findall(r">(\d+/\d+ \(?\d[^<]*)<", page.read_text(encoding="utf-8"))]
    assert not wrong, wrong[:20]
