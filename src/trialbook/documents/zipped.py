"""A whole built cut as one archive that opens by a double click: its folder, and a first page that leads into it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from trialbook.core.errors import StopError, UsageError
from trialbook.core.messages import msg
from trialbook.display.text import safe
from trialbook.documents.archives import archive
from trialbook.documents.content import Speaker
from trialbook.documents.source import CutSource

# What Windows does not unpack: some signs, some names, a dot or space at the end, long paths.
_SIGNS = re.compile(r'[<>:"\\|?*\x00-\x1f]|[. ]$')
_DEVICES = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE)
LONGEST = 180
FIRST = "index.html"


def zipped(source: CutSource, speaker: Speaker) -> bytes:
    """The archive. Raises StopError for a file that cannot be read, UsageError for a name that Windows refuses."""
    folder, cut = source.built.folder, str(source.built.cut.cut_id)
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    names = {f"{cut}/{path.relative_to(folder).as_posix()}": path for path in paths}
    check_names(names)
    page = f"{cut}/{'zh/' if speaker.language.tag.startswith('zh') else ''}index.html"
    if page not in names:
        raise UsageError(
            "this build has no first page in this language", file=page, next_step="build this cut again with --force"
        )
    entries = {name: _content(path) for name, path in names.items()}
    return archive({**entries, FIRST: first_page(source, speaker, page)}, str(source.built.cut.cut_date))


def first_page(source: CutSource, speaker: Speaker, page: str) -> bytes:
    """The page that a reader opens: it goes on to the first page of the cut, and says what to do where it cannot."""
    study, cut = source.built.protocol.study.id, str(source.built.cut.cut_id)

    def say(text: str) -> str:
        return safe(speaker.say(text))

    title = f"{safe(study)} · {say(msg('Data cut {cut}', cut=cut))}"
    unpack = msg("If the page does not open, unpack all files of the archive first, then open {file}.", file=FIRST)
    return "\n".join([
        f'<!DOCTYPE html>\n<html lang="{speaker.language.tag}">\n<head>\n<meta charset="utf-8">',
        f'<meta http-equiv="refresh" content="1; url={safe(page)}">\n<title>{title}</title>\n</head>\n<body>',
        f'<h1>{title}</h1>\n<p><a href="{safe(page)}">{say(msg("Open the first page of this data cut"))}</a></p>',
        f"<p>{say(unpack)}</p>\n</body>\n</html>\n",
    ]).encode("utf-8")  # fmt: skip


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
