"""A git clean filter: a notebook from stdin to stdout without outputs, counts and run details."""

from __future__ import annotations

import json
import sys
from typing import Any

# As `trialbook.workbook.step_metadata.ENTRY`, which is not imported here: git calls this for every notebook.
ENTRY = "trialbook"


def stripped(notebook: dict[str, Any]) -> dict[str, Any]:
    """The notebook as it may enter git: code, prose, what it says of itself as a step, kernel name, cell tags; no
    output of a run.
    """
    for cell in notebook["cells"]:
        tags = cell.get("metadata", {}).get("tags", [])
        cell["metadata"] = {"tags": tags} if tags else {}
        # Programs write a text as one string or as lines.
        cell["source"] = "".join(cell["source"]).splitlines(keepends=True)
        if cell["cell_type"] == "code":
            cell["outputs"], cell["execution_count"] = [], None
    kernel = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    own = {name: entry for name, entry in notebook["metadata"].items() if name == ENTRY}
    notebook["metadata"] = {"kernelspec": kernel, "language_info": {"name": "python"}, **own}
    notebook["cells"] = [c for c in notebook["cells"] if "injected-parameters" not in c["metadata"].get("tags", [])]
    return notebook


def main() -> None:
    """Reads stdin, writes stdout, both UTF-8."""
    notebook = json.loads(sys.stdin.buffer.read().decode("utf-8"))
    text = json.dumps(stripped(notebook), ensure_ascii=False, indent=1, sort_keys=True) + "\n"
    sys.stdout.buffer.write(text.encode("utf-8"))


if __name__ == "__main__":
    main()
