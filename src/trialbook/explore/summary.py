"""What a cut says of itself in Python: study, day of the cut, who is pending, signals, open queries, what it holds."""

from __future__ import annotations

from collections import Counter
from html import escape
from typing import TYPE_CHECKING

from trialbook.explore.published import Published

if TYPE_CHECKING:
    from trialbook.explore.cut import Cut


def as_text(cut: Cut, published: Published) -> str:
    """What a cut says of itself in a terminal."""
    return "\n".join([f"Cut {cut.cut_id}", *(f"  {name}: {value}" for name, value in _facts(cut, published) if value)])


def as_html(cut: Cut, published: Published) -> str:
    """What a cut says of itself in a notebook."""
    rows = "".join(
        f'<tr><th style="text-align:left">{escape(name)}</th><td style="text-align:left">{escape(value)}</td></tr>'
        for name, value in _facts(cut, published) if value
    )  # fmt: skip
    return f"<table><caption>Cut {escape(cut.cut_id)}</caption>{rows}</table>"


def _facts(cut: Cut, published: Published) -> list[tuple[str, str]]:
    """A name and a value each; blank where there is nothing to say."""
    study = published.study
    synthetic = " (synthetic data)" if published.sources.get("synthetic") else ""
    facts = [
        ("study", f"{study.get('registry_id', '')} {study.get('title', '')}".strip()),
        ("data cut", f"{cut.cut_date}{synthetic}"),
        ("built", f"{published.built} UTC" if published.built else "not noted when"),
    ]
    if cut.unpublished:
        return [("NOT THE PUBLISHED SET", cut.unpublished), *facts]
    altered = published.altered()
    if altered:
        more = f" and {len(altered) - 3} more" if len(altered) > 3 else ""
        facts.append(("CHANGED AFTER THE BUILD", f"{', '.join(altered[:3])}{more}: verify would refuse it"))
    numbers = {
        (row["analysis_id"], row["variable"], row["stat_name"]): row["stat_text"]
        for row in (published.records("results/ard.json") if "results/ard.json" not in altered else [])
        if row["group1_level"] == "Total" and not row["variable_level"]
    }
    found = [
        (numbers.get(key), words)
        for key, words in (
            (("SETS", "SCRFL", "n"), "screened"), (("SETS", "SAFFL", "n"), "treated"),
        )
    ]  # fmt: skip
    waiting = [
        (numbers.get(key), words)
        for key, words in (
            (("DLT_SETS", "WAITING", "n"), "DLT status"), (("ORR_D28", "RSP28", "pending"), "response at day 28"),
        )
    ]  # fmt: skip
    facts.append(("subjects", ", ".join(f"{n} {words}" for n, words in found if n)))
    facts.append(("pending", ", ".join(f"{words} of {n}" for n, words in waiting if n and n != "0") or "nothing"))
    if "signals.json" not in altered:
        by = Counter(one["severity"] for one in published.records("signals.json"))
        facts.append(("signals", ", ".join(f"{by[one]} {one}" for one in ("high", "medium", "low") if by[one])))
    if "queries.csv" not in altered:
        facts.append(("open queries", str(sum(row["status"] != "closed" for row in published.query_rows))))
    return [*facts, ("datasets", ", ".join(cut.datasets)), ("tables and figures", "cut.tables, cut.figures")]
