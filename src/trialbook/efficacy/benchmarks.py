"""Published response rates at day 28, shown beside this trial as "external, not comparable" (domain §7)."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from trialbook.statistics.intervals import clopper_pearson

LABEL = "external, not comparable"


@dataclass(frozen=True)
class Benchmark:
    """One published count: responders of treated subjects at day 28, where it was published, and what is uncertain."""

    id: str
    study: str
    responders: int
    subjects: int
    source: str
    note: str = ""


BENCHMARKS = (
    Benchmark("O1", "MSB-GVHD001, remestemcel-L, children", 38, 54, "FDA label of Ryoncil", "graded by IBMTR"),
    Benchmark(
        "O9", "REACH2, ruxolitinib", 96, 154, "Zeiser 2020 (percentage as cited in the domain document)",
        "counts not verified at the source",
    ),
    Benchmark("O13", "CYP-001 cohort A, iPSC-derived MSC", 5, 8, "review of CYP-001 phase 1", ""),
)  # fmt: skip


def benchmark_intervals() -> pd.DataFrame:
    """The benchmarks with Clopper-Pearson limits: ID STUDY n N ESTIMATE LOW HIGH SOURCE NOTE, in their order."""
    rows = []
    for entry in BENCHMARKS:
        interval = clopper_pearson(entry.responders, entry.subjects)
        rows.append(
            {
                "ID": entry.id, "STUDY": entry.study, "n": entry.responders, "N": entry.subjects,
                "ESTIMATE": interval.estimate, "LOW": interval.low, "HIGH": interval.high, "SOURCE": entry.source,
                "NOTE": "; ".join(text for text in (LABEL, entry.note) if text),
            }
        )  # fmt: skip
    return pd.DataFrame(rows)
