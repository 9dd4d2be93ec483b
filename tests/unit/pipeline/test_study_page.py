"""`build/index.html`: every cut in the order of its date, what was known at each, written only when builds changed."""

from __future__ import annotations

import json
import re
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from trialbook.core.datasets import write_dataset
from trialbook.core.files import write_json
from trialbook.diff.issued import Issued
from trialbook.pipeline.issued_register import adding_to_register
from trialbook.pipeline.study_page import LOCK, refresh_study_page
from trialbook.protocol.load import analysis_values
from trialbook.protocol.models import Protocol
from trialbook.results.ard import ard_row, to_ard


def put_build(out: Path, protocol: Protocol, cut_id: str, date: str, treated: int, seal: str = "a") -> None:
    """A complete build as the page reads it: a manifest and the results."""
    folder = out / cut_id
    analysis = analysis_values(protocol, {}, "protocol.yaml")
    rows = [
        ard_row("SETS", "Total", "SAFFL", "n", treated),
        ard_row("DLT_ADVICE", "Total", "3+3", "advice", None, stat_text="ONGOING(WAIT DL3)"),
    ]
    write_dataset(to_ard(rows), folder / "results" / "ard.parquet")
    cut = {"cut_id": cut_id, "cut_date": date, "snapshot": "x", "protocol": "y"}
    sources = {
        "cut": cut, "protocol": protocol.model_dump(mode="json"), "analysis": analysis.model_dump(mode="json"),
        "synthetic": True,
    }  # fmt: skip
    write_json(folder / "manifest.json", {"seal": seal * 64, "sources": sources})


@pytest.fixture
def out(tmp_path: Path, protocol: Protocol) -> Path:
    # The ids and the dates sort differently.
    put_build(tmp_path, protocol, "second", "2025-06-30", 9)
    put_build(tmp_path, protocol, "third", "2025-09-30", 12)
    put_build(tmp_path, protocol, "zeroth", "2025-03-31", 5)
    return tmp_path


def refreshed(out: Path, mask: int = 0o022) -> tuple[str, list[str]]:
    said: list[str] = []
    refresh_study_page(out, out, mask, said.append, out)
    place = out / "index.html"
    return (place.read_text(encoding="utf-8") if place.is_file() else ""), said


def test_cuts_are_columns_in_the_order_of_their_dates_with_what_was_known_then(out: Path) -> None:
    page, said = refreshed(out)
    heads = re.findall(r'<th scope="col"[^>]*>([^<]*)</th>', page) or re.findall(r"<th[^>]*>([^<]*)</th>", page)
    # Once in each language.
    assert [head for head in heads if head in ("second", "third", "zeroth")] == ["zeroth", "second", "third"] * 2
    row = re.search(r"Subjects treated</th>(.*?)</tr>", page, flags=re.DOTALL)
    assert row
    assert re.findall(r">(\d+)<", row[1]) == ["5", "9", "12"]
    assert "wait at DL3" in page
    assert "Wait at DL3; no dose decision yet." in page
    assert "ONGOING" not in page
    # In a list of windows the title is read alone.
    title = re.search(r"<title>(.*?)</title>", page)
    assert title
    assert title[1].startswith("All data cuts of iMSC-2001 (NCT06321198): A Trial to Evaluate")
    assert 'href="third/index.html"' in page
    assert "<code>trialbook diff zeroth third --html" in page
    assert "SYNTHETIC DATA" in page
    assert said == []


def test_a_page_of_an_earlier_version_does_not_stay_beside_it(out: Path) -> None:
    (out / "index.zh.html").write_text('<meta name="builds" content="zeroth=a">', encoding="utf-8")
    (out / "notes.html").write_text("<p>of a person</p>", encoding="utf-8")
    refreshed(out)
    assert sorted(path.name for path in out.glob("*.html")) == ["index.html", "notes.html"]
    # A page of that name that the tool did not write is left alone.
    (out / "index.zh.html").write_text("<p>of a person</p>", encoding="utf-8")
    refreshed(out)
    assert (out / "index.zh.html").is_file()


def test_the_page_is_written_again_only_when_a_build_changed(out: Path, protocol: Protocol) -> None:
    refreshed(out)
    before = (out / "index.html").stat().st_ino
    refreshed(out)
    assert (out / "index.html").stat().st_ino == before
    put_build(out, protocol, "third", "2025-09-30", 11, seal="b")
    page, _ = refreshed(out)
    assert (out / "index.html").stat().st_ino != before
    assert ">11<" in page


def test_a_build_that_cannot_be_read_is_named_and_hides_no_other(out: Path) -> None:
    (out / "second" / "results" / "ard.parquet").write_bytes(b"no parquet")
    page, said = refreshed(out)
    assert "ard.parquet: this file of a published build cannot be read" in page
    assert 'href="third/index.html"' in page
    assert said == []


def test_links_hidden_folders_and_folders_without_a_manifest_are_no_cuts(out: Path, tmp_path: Path) -> None:
    (out / "notes").mkdir()
    (out / ".scratch").mkdir()
    (out / "linked").symlink_to(out / "third")
    page, _ = refreshed(out)
    assert not re.search(r"(notes|.scratch|linked)/index.html", page)


def test_who_may_read_the_page_follows_from_the_umask(out: Path) -> None:
    refreshed(out, 0o027)
    assert stat.S_IMODE((out / "index.html").stat().st_mode) == 0o640


def test_a_page_that_cannot_be_written_fails_no_build(out: Path) -> None:
    (out / "index.html").mkdir()
    _, said = refreshed(out)
    assert said
    assert "could not be written" in said[0]


def test_builds_at_the_same_time_wait_for_each_other(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from filelock import FileLock

    monkeypatch.setattr("trialbook.pipeline.study_page.LOCK_SECONDS", 0.1)
    with FileLock(out / f"{LOCK}.lock"):
        page, said = refreshed(out)
    assert page == ""
    assert "could not be written" in said[0]


def issued(cut: str, treated: str, document: str = "x_report_en.pdf") -> Issued:
    numbers = {"treated": treated, "advice": "ONGOING(WAIT DL3)"}
    return Issued(
        "2025-10-02T08:00:00Z", document, "pdf", "iMSC-2001", cut, "a" * 64, "en", "line", "b" * 64, numbers
    )  # fmt: skip


def put_register(out: Path, *lines: Issued) -> None:
    with adding_to_register(out) as add:
        add(lines, {})


def test_a_number_of_an_issued_document_that_changed_is_an_erratum(out: Path, protocol: Protocol) -> None:
    study = protocol.study.id
    put_register(out, replace(issued("third", "12"), study=study))
    page, _ = refreshed(out)
    assert "x_report_en.pdf" in page
    assert "Errata" not in page
    put_build(out, protocol, "third", "2025-09-30", 11, seal="b")
    page, _ = refreshed(out)
    row = re.search(r"Errata.*?x_report_en\.pdf</th>(.*?)</tr>", page, flags=re.DOTALL)
    assert row
    cells = [re.sub("<[^>]*>", "", cell).strip() for cell in re.findall(r"<td[^>]*>(.*?)</td>", row[1], re.DOTALL)]
    assert cells[1:] == ["subjects treated", "12", "11"]


def test_banner_and_dates_are_in_the_language_of_each_part(out: Path) -> None:
    page, _ = refreshed(out)
    english, chinese = re.split(r'<div class="spoken" id="zh"', page)
    assert [part.count('class="banner"') for part in (english, chinese)] == [1, 1]
    assert "SYNTHETIC DATA" in english
    assert "SYNTHETIC DATA" not in chinese
    assert "模拟数据" in chinese
    assert "数据截止日2025年9月30日" in chinese


def test_numbers_and_times_of_errata_are_in_words_in_both_languages(out: Path, protocol: Protocol) -> None:
    line = replace(issued("third", "12"), study=protocol.study.id, issued="2025-10-02T08:00:00Z")
    with adding_to_register(out) as add:
        add([line], {line.sha256: {"SETS | Total | SAFFL | n": "12"}})
    put_build(out, protocol, "third", "2025-09-30", 11, seal="b")
    page, _ = refreshed(out)
    shown = re.sub(r"(?:\s*<[^>]*>\s*)+", "|", page)
    assert "|2025-10-02|08:00:00 UTC|analysis sets (SETS), Total, Treated: Count|12|11|" in shown
    assert "|2025-10-02|08:00:00 UTC|分析集（SETS）、合计、已治疗：计数|12|11|" in shown
    assert "08:00:00Z" not in shown
    assert "SAFFL" not in shown


def test_the_page_follows_the_register_and_a_damaged_one_is_named(out: Path, protocol: Protocol) -> None:
    refreshed(out)
    put_register(out, replace(issued("third", "12"), study=protocol.study.id))
    page, _ = refreshed(out)
    assert "x_report_en.pdf" in page
    (out / "data" / "issued.csv").write_text("issued,document\n", encoding="utf-8")
    page, said = refreshed(out)
    assert "register of issued documents has other columns" in page
    assert 'href="third/index.html"' in page
    assert said == []


def test_the_decision_on_each_cut_is_beside_what_was_advised(out: Path) -> None:
    entry = dict(
        cut="third", cut_date="2025-09-30", date="2025-10-03", decision="wait", reason="r", by="chair",
        minutes="m", build="a" * 64, advice="ONGOING(WAIT DL3)",
    )  # fmt: skip
    (out / "data").mkdir()
    (out / "data" / "decisions.yaml").write_text(json.dumps({"decisions": [entry]}), encoding="utf-8")
    page, _ = refreshed(out)
    row = re.search(r"Decisions of the committee.*?third</th>(.*?)</tr>", page, flags=re.DOTALL)
    assert row
    text = re.sub("<[^>]*>", " ", row[1])
    assert "2025-10-03" in text
    assert "as advised" in text
