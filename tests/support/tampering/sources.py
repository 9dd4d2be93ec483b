"""Ways to change the sources of a build, and what a look at the build says then."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from typing import Any

import yaml

from support.tampering.outputs import SUBJECT, Act
from support.tampering.published import CUT, PREVIOUS, Standing


def cut_file(standing: Standing, **changes: Any) -> None:
    path = standing.root / "params" / "cuts" / f"{CUT}.yaml"
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    path.write_text(yaml.safe_dump({**content, **changes}), encoding="utf-8")


def lines_of(change: Callable[[list[str]], list[str]]) -> Callable[[str], str]:
    return lambda text: "".join(change(text.splitlines(keepends=True)))


def cell(standing: Standing, change: Callable[[dict[str, Any]], object], kind: str) -> None:
    """Changes the last cell of a kind in the notebook of survival."""
    path = standing.root / "notebooks" / "06_os.ipynb"
    notebook = json.loads(path.read_text(encoding="utf-8"))
    change([one for one in notebook["cells"] if one["cell_type"] == kind][-1])
    path.write_text(json.dumps(notebook), encoding="utf-8")


def protocol(standing: Standing, change: Callable[[dict[str, Any]], object]) -> None:
    path = standing.root / "params" / "protocol.yaml"
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    change(content)
    path.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")


DM, LB = "data/demo/2025-09-30/dm.csv", "data/demo/2025-09-30/lb.csv"
RULES = "data_contracts/analysis/adsl.yaml"
# What is done to the project, and what the look says.
SOURCES: dict[str, tuple[Act, str]] = {
    "an input value": (
        lambda s: s.source(DM, lambda t: t.replace(",45,YEARS", ",54,YEARS", 1)),
        "dm.csv: row 2, column AGE: 45 then, 54 now",
    ),
    "an input value that cleaning changes": (
        lambda s: s.source(LB, lambda t: t.replace(",TND,", ",POSITIVE,", 1)), "column LBORRES: TND then, POSITIVE now",
    ),
    "an input value emptied": (
        lambda s: s.source(DM, lambda t: t.replace(",45,YEARS", ",,YEARS", 1)),
        "dm.csv: row 2, column AGE: 45 then, blank now",
    ),
    "an input record added": (
        lambda s: s.source("data/demo/2025-09-30/dv.csv", lines_of(lambda x: [*x, x[-1].replace(",1,", ",97,", 1)])),
        "dv.csv: row 6 now (",
    ),
    "an input record removed": (
        lambda s: s.source("data/demo/2025-09-30/dv.csv", lines_of(lambda x: [x[0], *x[2:]])),
        "dv.csv: row 2 then (",
    ),
    "input records in another order": (
        lambda s: s.source(DM, lines_of(lambda x: [x[0], x[2], x[1], *x[3:]])),
        f"dm.csv: row 2 then is row 3 now (USUBJID {SUBJECT})",
    ),
    "line ends of an input": (
        lambda s: s.source(DM, lambda t: t.replace("\n", "\r\n")), "dm.csv: line endings: LF then, CRLF now",
    ),
    "a byte order mark before an input": (
        lambda s: s.source(DM, lambda t: "\ufeff" + t), "dm.csv: byte order mark: none then, one now",
    ),
    "an empty line after an input": (
        lambda s: s.source(DM, lambda t: t + "\n"), "dm.csv: white space at the end of the file",
    ),
    "an input file removed": (
        lambda s: (s.root / "data/demo/2025-09-30/dv.csv").unlink(), "input dv.csv: was there then (sha256 ",
    ),
    "an input file added": (
        lambda s: (s.root / "data/demo/2025-09-30/zz.csv").write_text("USUBJID,ZZSEQ\n"),
        "input zz.csv: was not there then",
    ),
    "the statement that the data are synthetic": (
        lambda s: s.source(
            "data/demo/2025-09-30/manifest.json", lambda t: t.replace('"synthetic": true', '"synthetic": false')
        ),
        "synthetic: True then, False now",
    ),
    "the cut date": (
        lambda s: cut_file(s, cut_date="2025-09-29"), "cut file, cut_date: 2025-09-30 then, 2025-09-29 now",
    ),
    "an override": (
        lambda s: cut_file(s, overrides={"response_rules": "CN"}), "analysis key, response_rules: CIBMTR then, CN now",
    ),
    "the previous cut": (
        lambda s: cut_file(s, previous_cut=None), "cut file, previous_cut: 2025-06-30 then, blank now",
    ),
    "a list of approved deletions": (
        lambda s: cut_file(s, approved_deletions="params/approved_deletions.csv"),
        "cut file, approved_deletions: blank then, params/approved_deletions.csv now",
    ),
    "an analysis key of the protocol": (
        lambda s: protocol(s, lambda p: p["analysis"]["os_days"].update(default=[28, 90, 180])),
        "analysis key, os_days: [28, 100, 180] then, [28, 90, 180] now",
    ),
    "the text of a criterion": (
        lambda s: protocol(s, lambda p: p["criteria"][0].update(text="Anybody.")),
        "protocol file, criteria IN01.text: ",
    ),
    "a parameter of a criterion": (
        lambda s: protocol(s, lambda p: p["criteria"][0].update(check="never")),
        "protocol file, criteria IN01.check: ",
    ),
    "a dose level": (
        lambda s: protocol(s, lambda p: p["dose_levels"][0].update(label="low")),
        "protocol file, dose_levels DL1.label: ",
    ),
    "a comment in the protocol": (
        lambda s: s.source("params/protocol.yaml", lambda t: t + "# more\n"), "params/protocol.yaml: sha256 ",
    ),
    "the code of a notebook": (
        lambda s: cell(s, lambda c: c["source"].append(";"), "code"),
        "source line 2: step.close() then, step.close(); now",
    ),
    "the prose of a notebook": (
        lambda s: cell(s, lambda c: c.update(source="Nothing."), "markdown"), "notebooks/06_os.ipynb: cell ",
    ),
    "a tag of a notebook's cell": (
        lambda s: cell(s, lambda c: c["metadata"].update(tags=["raises-exception"]), "code"),
        "tags: ['nbval-ignore-output'] then, ",
    ),
    "the metadata of a notebook": (
        lambda s: s.source("notebooks/06_os.ipynb", lambda t: t.replace('"name": "python3"', '"name": "python9"', 1)),
        "notebooks/06_os.ipynb: every cell is unchanged",
    ),
    "a rule of a contract": (
        lambda s: s.source(RULES, lambda t: t + "\n"), f"contract {RULES}: sha256 ",
    ),
    "a contract removed": (
        lambda s: (s.root / RULES).unlink(), f"contract {RULES}: was there then",
    ),
    "the lock": (
        lambda s: s.source("requirements.lock", lambda t: t.replace("pandas==3", "pandas==2", 1)),
        "requirements.lock: sha256 ",
    ),
    "the build of the previous cut": (
        lambda s: s.edit(f"{PREVIOUS}/manifest.json", lambda b: b + b"\n"),
        "the build of the previous cut 2025-06-30: manifest.json sha256 ",
    ),
    "no build of the previous cut": (
        lambda s: shutil.rmtree(s.builds / PREVIOUS),
        "the build of the previous cut 2025-06-30: manifest.json was there then",
    ),
}  # fmt: skip
