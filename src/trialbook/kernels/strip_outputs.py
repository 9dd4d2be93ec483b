"""A git clean filter: a notebook from stdin to stdout without outputs, counts and run details.

With `--staged FILE...` it only looks: exit status 1 where what is staged for a commit holds any of these.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

# As `trialbook.workbook.step_metadata.ENTRY`, which is not imported here: git calls this for every notebook.
ENTRY = "trialbook"
# Cells with one of these tags have their code folded in JupyterLab: intermediate looks, what is only looked up, and
# whatever an analyst tags so. The tag decides, not what was folded or opened by hand since.
FOLDED = ("look", "reference", "folded")


def stripped(notebook: dict[str, Any]) -> dict[str, Any]:
    """The notebook as it may enter git: code, prose, what it says of itself as a step, kernel name, cell tags; no
    output of a run. Code of cells with a tag of `FOLDED` is folded.
    """
    for cell in notebook["cells"]:
        tags = cell.get("metadata", {}).get("tags", [])
        cell["metadata"] = {"tags": tags} if tags else {}
        if cell["cell_type"] == "code" and set(tags) & set(FOLDED):
            cell["metadata"]["jupyter"] = {"source_hidden": True}
        # Programs write a text as one string or as lines.
        cell["source"] = "".join(cell["source"]).splitlines(keepends=True)
        if cell["cell_type"] == "code":
            cell["outputs"], cell["execution_count"] = [], None
    kernel = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    own = {name: entry for name, entry in notebook["metadata"].items() if name == ENTRY}
    notebook["metadata"] = {"kernelspec": kernel, "language_info": {"name": "python"}, **own}
    notebook["cells"] = [c for c in notebook["cells"] if "injected-parameters" not in c["metadata"].get("tags", [])]
    return notebook


def clean_bytes(content: bytes) -> bytes:
    """A notebook file as it may enter git, UTF-8."""
    notebook = json.loads(content.decode("utf-8"))
    return (json.dumps(stripped(notebook), ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode("utf-8")


def unclean(files: Sequence[str]) -> list[str]:
    """Those of the notebooks that are staged with outputs; the working copy may have them."""
    staged = {
        file: subprocess.run(["git", "show", f":{file}"], capture_output=True, check=True).stdout for file in files
    }
    return [file for file, content in staged.items() if clean_bytes(content) != content]


def main() -> int:
    """Filters stdin to stdout, or looks at what is staged."""
    if sys.argv[1:2] == ["--staged"]:
        found = unclean(sys.argv[2:])
        for file in found:
            print(
                f"{file}: staged with outputs. Next: run `make demo` once, which sets up the filter, and stage it again"
            )
        return 1 if found else 0
    try:
        clean = clean_bytes(sys.stdin.buffer.read())
    except ValueError:
        # As it is it could hold outputs, so it does not enter git.
        print(
            "a notebook that is staged is no notebook: it may hold the marks of a merge. Next: settle these in a text "
            "editor, open the notebook once, and stage it again", file=sys.stderr,
        )  # fmt: skip
        return 1
    sys.stdout.buffer.write(clean)
    return 0


if __name__ == "__main__":
    sys.exit(main())
