"""A whole built cut as one archive that opens by a double click: its folder, and a first page that leads into it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

from trialbook.core.errors import StopError, UsageError
from trialbook.core.messages import Language, msg
from trialbook.display.text import safe
from trialbook.documents.archives import archive
from trialbook.documents.source import CutSource

# What Windows does not unpack: some signs, some names, a dot or space at the end, long paths.
_SIGNS = re.compile(r'[<>:"\\|?*\x00-\x1f]|[. ]$')
_DEVICES = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE)
LONGEST = 180
FIRST = "index.html"


def zipped(source: CutSource, spoken: Sequence[Language], inner: str) -> bytes:
    """The archive: every file of the build that its manifest names, in the folder `inner`, and the page beside it.

    What differs from run to run, the notes on how long it took, is left out. Raises StopError for a file that cannot
    be read, UsageError for a name that Windows refuses.
    """
    folder = source.built.folder
    names = [f"{inner}/{one}" for one in ("manifest.json", *source.manifest["outputs"])]
    check_names(names)
    entries = {name: _content(folder / name.removeprefix(f"{inner}/")) for name in names}
    entries[FIRST] = first_page(source, spoken, inner, names)
    return archive(entries, str(source.built.cut.cut_date))


def zipped_documents(
    source: CutSource, pages: Sequence[tuple[Language, str]], files: Mapping[str, bytes], inner: str
) -> bytes:
    """An archive of documents of a cut (name to content) in the folder `inner`, and the page that leads to `pages`."""
    entries = {f"{inner}/{name}": content for name, content in files.items()}
    check_names(entries)
    listed = [(language, f"{inner}/{name}") for language, name in pages]
    entries[FIRST] = _first_page(source, listed)
    return archive(entries, str(source.built.cut.cut_date))


def first_page(source: CutSource, spoken: Sequence[Language], inner: str, names: Collection[str]) -> bytes:
    """The page that a reader opens: in each language, the way to the first page, and what to do where it fails."""
    pages = [(language, f"{inner}/{'zh/' if language.tag.startswith('zh') else ''}{FIRST}") for language in spoken]
    return _first_page(source, [(language, page) for language, page in pages if page in names])


def _first_page(source: CutSource, pages: Sequence[tuple[Language, str]]) -> bytes:
    study, cut = source.built.protocol.study.id, str(source.built.cut.cut_id)
    lines = [
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
        f"<title>{safe(study)} · {safe(cut)}</title>\n</head>\n<body>\n<h1>{safe(study)} · {safe(cut)}</h1>",
    ]
    for language, page in pages:
        way = safe(language.say(msg("Open the first page of this data cut")))
        unpack = msg("If the page does not open, unpack all files of the archive first, then open {file}.", file=FIRST)
        lines.append(
            f'<div lang="{language.tag}">\n<p><a href="{safe(page)}">{way}</a></p>\n'
            f"<p>{safe(language.say(unpack))}</p>\n</div>"
        )
    return "\n".join([*lines, "</body>\n</html>\n"]).encode("utf-8")


def check_names(names: Iterable[str]) -> None:
    """Raises UsageError for a name that cannot be unpacked on every usual machine, or two that differ by case only.

    >>> check_names(["a/b.csv", "a/c d.csv"])
    """
    seen: dict[str, str] = {}
    for name in names:
        parts = name.split("/")
        if len(name) > LONGEST or any(_SIGNS.search(part) or _DEVICES.fullmatch(part) for part in parts):
            raise UsageError(
                "a file of this build has a name that Windows does not unpack", file=name,
                next_step="rename what the name comes from, then build again",
            )  # fmt: skip
        other = seen.setdefault(name.lower(), name)
        if other != name:
            raise UsageError(
                f"two files of this build differ only by capital letters: {other}", file=name,
                next_step="rename one of them, then build again",
            )  # fmt: skip


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise StopError(
            f"this file of a published build cannot be read ({type(error).__name__})", file=str(path),
            next_step="build this cut again with --force",
        ) from error  # fmt: skip
