"""Keeps one slow, unneeded import out of every process of the workbook."""

from __future__ import annotations

import sys


def skip_slow_format_checker() -> None:
    """Makes `rfc3987_syntax` unimportable, unless it has been imported already.

    jsonschema (behind nbformat, altair, papermill, nbconvert and every kernel) imports it when JupyterLab's server is
    installed, and it compiles a grammar for about two seconds in every process. All it adds is the checking of IRI
    formats, which no schema used here asks for; jsonschema treats it as not installed. Call this before jsonschema is
    imported.
    """
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
