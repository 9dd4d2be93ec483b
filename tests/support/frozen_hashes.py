"""The content of a build as hashes that no move of code may change: data, results, lists, tables and drawings."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

from support.paths import TESTS

FILE = TESTS / "golden" / "frozen.json"
# What a page shows; its style, scripts and the id of the build are left out.
SHOWN = re.compile(
    r'<table\b.*?</table>|<svg\b.*?</svg>|<script type="application/json" class="chart-spec">.*?</script>', re.DOTALL
)
WHOLE = (
    "data/**/*.parquet", "results/ard.*", "queries.csv", "queries.xlsx", "changelog.csv", "contracts/*.json",
)  # fmt: skip


def content(build: Path) -> dict[str, str]:
    """The sha256 of each dataset, result and list of a build, and of all tables and drawings of each page."""
    files = {path for pattern in WHOLE for path in build.glob(pattern)}
    found = {path.relative_to(build).as_posix(): _sha256(path.read_bytes()) for path in files}
    for path in build.rglob("*.html"):
        shown = SHOWN.findall(path.read_text(encoding="utf-8"))
        found[f"{path.relative_to(build).as_posix()}: {len(shown)} tables and drawings"] = _sha256(
            "\n".join(shown).encode()
        )
    return dict(sorted(found.items()))


def recorded(name: str) -> dict[str, str]:
    """What is recorded of a build."""
    return dict(json.loads(FILE.read_text(encoding="utf-8"))[name])


def record(name: str, build: Path) -> None:
    """Takes the content of a build as what it should be."""
    known = json.loads(FILE.read_text(encoding="utf-8")) if FILE.is_file() else {}
    known[name] = content(build)
    FILE.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
