"""The pages of whole builds in a browser: charts drawn, nothing asked of the network, nothing from data executed."""

from __future__ import annotations

from collections.abc import Callable
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest

from page_samples import FIRED, PAYLOADS
from workbook import Workbook

pytestmark = [pytest.mark.browser, pytest.mark.build]
PAGES = ("index", "01_cleaning", "02_eligibility", "03_safety", "04_dlt", "05_orr", "06_os")
WITH_CHARTS = PAGES[1:]
# Text that a site types, or that may carry any text: everything but keys, dates, codes and numbers.
FREE_TEXT = {
    "dm": ["RACE", "ARM", "ACTARM"], "ae": ["AETERM", "AEDECOD", "AEBODSYS", "AEACN", "AEOUT"],
    "cm": ["CMTRT", "CMDECOD", "CMCAT", "CMROUTE"], "mh": ["MHTERM", "MHDECOD", "MHCAT"],
    "ce": ["CECAT"], "pr": ["PRTRT", "PRDECOD", "PRCAT"], "dv": ["DVTERM", "DVCAT"], "ds": ["DSTERM", "DSCAT"],
    "ex": ["VISIT"], "sv": ["VISIT"], "lb": ["VISIT", "LBORRESU"], "rs": ["VISIT"], "ie": ["IECAT"],
}  # fmt: skip


@pytest.mark.parametrize("name", PAGES)
def test_a_built_page_draws_its_charts_and_asks_for_nothing(
    demo: Path, open_page: Callable[..., Any], name: str
) -> None:
    seen = open_page(demo / "2025-09-30" / f"{name}.html")
    charts = seen.wait_for_charts()
    assert charts > 0 if name in WITH_CHARTS else charts >= 0
    assert seen.outside_requests == []
    assert seen.problems == []
    assert seen.page.url == seen.address
    for width in (1280, 390):
        assert seen.overflow(width) == 0, f"{name} at {width} pixels"


def test_hostile_text_in_every_field_is_only_text(workbook: Workbook, open_page: Callable[..., Any]) -> None:
    payloads = cycle(PAYLOADS.values())
    for domain, columns in FREE_TEXT.items():
        rows = workbook.read(domain)
        present = [column for column in columns if rows and column in rows[0]]
        # What a value means must survive, or the build would stop for another reason.
        workbook.write(domain, [{**row, **{c: f"{row[c]} {next(payloads)}" for c in present}} for row in rows])
    build = workbook.build()
    for name in PAGES:
        seen = open_page(build / f"{name}.html")
        seen.wait_for_charts()
        fired = seen.page.evaluate(f"document.documentElement.getAttribute({FIRED!r})")
        assert fired is None, f"{name}: {fired}"
        assert seen.outside_requests == [], name
        assert [p for p in seen.problems if "Content Security" not in p] == [], name
        assert seen.page.url == seen.address, name
    assert "constructor.constructor" in (build / "03_safety.html").read_text(encoding="utf-8")


def test_a_static_build_holds_no_script(
    make_workbook: Callable[[str], Workbook], open_page: Callable[..., Any]
) -> None:
    build = make_workbook("2025-03-31").build(charts="static")
    for name in PAGES:
        text = (build / f"{name}.html").read_text(encoding="utf-8")
        assert "<script" not in text, name
    seen = open_page(build / "06_os.html", scripts=False)
    assert seen.outside_requests == []


@pytest.mark.parametrize(("name", "faded"), [("05_orr", 4), ("06_os", 1)])
def test_a_subject_can_be_picked_on_the_pages_of_response_and_survival(
    demo: Path, open_page: Callable[..., Any], name: str, faded: int
) -> None:
    seen = open_page(demo / "2025-09-30" / f"{name}.html")
    seen.wait_for_charts()
    listed = seen.page.locator(".pick option").all_text_contents()
    assert (listed[0], len(listed)) == ("all", 13)
    seen.page.locator(".pick select").select_option(listed[1])
    charts = "[...document.querySelectorAll('.live')].filter(live => live.querySelector('[opacity=\"0.12\"]'))"
    seen.page.wait_for_function(f"{charts}.length === {faded}", timeout=10_000)
    assert seen.problems == []
