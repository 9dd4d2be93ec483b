"""The pages of a build belong together: a subject is picked in all charts, and leads to the profile and on."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from support.chart_specifications import specifications
from trialbook.display.figures import SIGNAL

pytestmark = [pytest.mark.browser, pytest.mark.build]


@pytest.mark.parametrize("name", ["05_orr", "06_os"])
def test_a_subject_can_be_picked_on_the_pages_of_response_and_survival(
    demo: Path, open_page: Callable[..., Any], name: str
) -> None:
    path = demo / "2025-09-30" / f"{name}.html"
    seen = open_page(path)
    seen.wait_for_charts()
    listed = seen.page.locator(".pick option").all_text_contents()
    assert (listed[0], len(listed)) == ("all", 13)
    seen.page.locator(".pick select").select_option(listed[1])
    # Every chart that shows subjects.
    shows = [any(param["name"] == SIGNAL for param in spec.get("params", [])) for spec in specifications(path)]
    assert sum(shows) > 1
    charts = "[...document.querySelectorAll('.live')].filter(live => live.querySelector('[opacity=\"0.12\"]'))"
    seen.wait_until(f"{charts}.length === {sum(shows)}")
    assert seen.problems == []


@pytest.mark.parametrize("name", ["index", "02_eligibility", "03_safety", "04_dlt", "05_orr", "06_os"])
def test_subjects_in_listings_lead_to_their_profiles(demo: Path, name: str) -> None:
    folder = demo / "2025-09-30"
    led = set(
        re.findall(r'<a class="tb-subject" href="([^"]+)"', (folder / f"{name}.html").read_text(encoding="utf-8"))
    )
    assert led
    assert [address for address in led if not (folder / address).is_file()] == []


def test_a_profile_leads_around_the_subjects_and_back(demo: Path, open_page: Callable[..., Any]) -> None:
    folder = demo / "2025-09-30"
    assert len(list((folder / "profiles").glob("*.html"))) == 12
    seen = open_page(folder / "index.html")
    seen.page.locator(".board").get_by_role("link", name="001", exact=True).click()
    # In the order of risk.
    following = seen.page.get_by_role("link", name=re.compile("^Next: "))
    named = str(following.text_content()).removeprefix("Next: ").strip()
    assert named != "001"
    following.click()
    assert seen.page.locator("h1").text_content() == f"Subject {named}"
    seen.page.locator("nav.pages").get_by_role("link", name="Safety").click()
    assert seen.page.url == (folder / "03_safety.html").resolve().as_uri()
    assert seen.problems == []
