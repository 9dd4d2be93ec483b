"""File names of profile pages: safe on every file system, whatever a subject is called."""

from __future__ import annotations

import hashlib
import re

FOLDER = "profiles"
# Upper case only: "s01" and "S01" are one file on some file systems.
PLAIN = re.compile(r"[A-Z0-9](?:[A-Z0-9-]{0,38}[A-Z0-9])?", re.ASCII)
RESERVED = re.compile(r"CON|PRN|AUX|NUL|COM\d|LPT\d")
NAME = re.compile(r"[A-Za-z0-9_-]{1,64}\.html", re.ASCII)


def profile_file(subject: str) -> str:
    """The file name of the profile page of a subject (SUBJID).

    An id of capitals, digits and hyphens is its own name (`S01.html`). Any other keeps what is harmless of it and
    gets the beginning of its SHA-256, so that two ids never share a page: `../S01` becomes `S01_5f3c....html`.
    """
    if PLAIN.fullmatch(subject) and not RESERVED.fullmatch(subject):
        return f"{subject}.html"
    harmless = "-".join(re.findall(r"[A-Z0-9]+", subject.upper()))[:24].strip("-")
    mark = hashlib.sha256(subject.encode("utf-8", "surrogatepass")).hexdigest()[:12]
    return f"{harmless}_{mark}.html"


def profile_address(subject: str) -> str:
    """Where the profile page of a subject stands, seen from the pages of the build."""
    return f"{FOLDER}/{profile_file(subject)}"
