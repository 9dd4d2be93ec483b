"""The measured numbers as tables of docs/performance.md, between the markers that frame them there."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from datetime import date
from math import log
from pathlib import Path

import psutil

from bench.benches import Line
from bench.scale import Size, Steps


def bench_table(lines: Sequence[Line]) -> str:
    """Seconds, memory and ratios; the first line is what the others are compared with."""
    base = lines[0].found.seconds
    rows = ["| | seconds | peak memory | times faster | asked |", "|---|---:|---:|---:|---:|"]
    for line in lines:
        asked = f"≥ {line.bench.at_least:.0f}" if line.bench.at_least else ""
        faster = f"{base / line.found.seconds:.1f}" if line is not lines[0] else "1"
        seconds = f"{line.found.seconds:.{1 if line.found.seconds >= 10 else 2}f}"
        rows.append(f"| {line.bench.name} | {seconds} | {line.found.peak_mib:,.0f} MiB | {faster} | {asked} |")
    return "\n".join([*rows, "", f"{machine()} Medians of {_repeats(lines)}; `make bench` measures again."])


def _repeats(lines: Sequence[Line]) -> str:
    counts = [str(line.repeats) for line in lines]
    return f"{', '.join(counts[:-1])} and {counts[-1]} runs" if len(counts) > 1 else f"{counts[0]} runs"


def simulator_table(rows: Sequence[Mapping[str, str | int | float]]) -> str:
    """Seconds of the design simulator, and how many times longer plain loops of the same rule take."""
    lines = ["| 10,000 trials of a design | seconds | times the simulator | asked |", "|---|---:|---:|---:|"]
    for row in rows:
        times, asked = row.get("times_the_simulator", ""), row.get("at_least", "")
        least = f"≥ {asked:.0f}" if asked else ""
        lines.append(f"| {row['rule']}, {row['how']} | {row['seconds_per_10000_trials']} | {times} | {least} |")
    return "\n".join(lines)


def scale_table(sizes: Sequence[Size]) -> str:
    """Seconds and memory of each step by number of subjects, and how time grows over the last ten-fold."""
    heads = [f"{size.subjects:,}" for size in sizes]
    rows = [
        "| step | " + " | ".join(f"{head} subjects" for head in heads) + " | growth |",
        "|---|" + "---:|" * (len(sizes) + 1),
    ]
    for name in sizes[-1].steps:
        cells = [_cell(size.steps, name) for size in sizes]
        rows.append(f"| {name} | " + " | ".join(cells) + f" | {growth(sizes, name)} |")
    rows.append("| whole build, s | " + " | ".join(f"{size.whole.seconds:.0f}" for size in sizes) + " | |")
    rows.append("| all processes, MiB | " + " | ".join(f"{size.whole.peak_mib:,.0f}" for size in sizes) + " | |")
    rows.append("| largest page, MB | " + " | ".join(f"{size.largest_page / 1e6:.1f}" for size in sizes) + " | |")
    note = (
        "Each cell: seconds, then peak memory of the step in MiB. Growth is the exponent of time between the two "
        "largest sizes: 1 is straight, less is better."
    )
    return "\n".join([*rows, "", f"{note} {machine()} `make bench-scale` measures again."])


def _cell(steps: Steps, name: str) -> str:
    if name not in steps:
        return ""
    seconds, peak = steps[name]
    return f"{seconds:.1f}" + (f", {peak:,.0f}" if peak else "")


def growth(sizes: Sequence[Size], name: str) -> str:
    """The exponent of time between the two largest sizes: 1.00 when ten times the subjects take ten times as long."""
    known = [(size.subjects, size.steps[name][0]) for size in sizes if size.steps.get(name, (0.0, 0.0))[0] > 0]
    if len(known) < 2:
        return ""
    (few, short), (many, long) = known[-2:]
    return f"{log(long / short) / log(many / few):.2f}"


def machine() -> str:
    """The date and the machine, without its name."""
    memory = psutil.virtual_memory().total / 2**30
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return (
        f"Measured on {date.today():%Y-%m-%d}: {cores} cores, {memory:.0f} GiB, {platform.system()}, "
        f"Python {platform.python_version()}."
    )


def write_between(file: Path, marker: str, table: str) -> None:
    """Replaces the text between `<!-- marker:start -->` and `<!-- marker:end -->`; ValueError without these."""
    text = file.read_text(encoding="utf-8")
    start, end = f"<!-- {marker}:start -->", f"<!-- {marker}:end -->"
    if text.count(start) != 1 or text.count(end) != 1 or text.index(start) > text.index(end):
        raise ValueError(f"{file.name} has no place for the table: the lines {start} and {end}, each once")
    before, rest = text.split(start)
    after = rest.split(end)[1]
    file.write_text(f"{before}{start}\n{table}\n{end}{after}", encoding="utf-8", newline="\n")
