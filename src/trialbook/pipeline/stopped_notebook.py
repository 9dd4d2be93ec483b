"""What is kept of a notebook that stopped: where it failed, without the words of an error that may quote a record."""

from __future__ import annotations

import re

import nbformat

WITHHELD = "(the message is withheld: it may quote a record. Run the notebook in JupyterLab to see it)"
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
# The places of a traceback; between them are code and the messages.
_PLACE = re.compile(r"^(?:File |Cell In\[)")


def without_messages(notebook: nbformat.NotebookNode, own: frozenset[str]) -> nbformat.NotebookNode:
    """The notebook with the message of every error withheld, but for those kinds (`own`) whose messages quote nothing.

    The kind of error and the places of its traceback stay.
    """
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if output.output_type == "error" and output.ename not in own:
                lines = _COLOUR.sub("", "\n".join(output.traceback)).splitlines()
                places = [line for line in lines if _PLACE.match(line)]
                output.evalue = WITHHELD
                output.traceback = [*places, f"{output.ename}: {WITHHELD}"]
    return notebook
