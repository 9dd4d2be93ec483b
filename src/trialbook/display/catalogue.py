"""The catalogue of all texts for readers, English as the source: `make catalogue` writes `locales/trialbook.pot`, which
translators' tools read.

Texts are the message ids of `msg(...)` and `plural(...)` in the library and in notebooks, those of the page templates,
and of notebooks also the prose, cell by cell, and the plain texts that display functions are given.
"""

from __future__ import annotations

import ast
import io
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from typing import Any

import yaml
from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.pofile import write_po

from trialbook.core.translations import Entry, Translation
from trialbook.display.tables import BRACKETED, message_pattern

LIBRARY = Path(__file__).resolve().parents[1]
PROJECT = LIBRARY.parents[1]
TEMPLATE = LIBRARY / "locales" / "trialbook.pot"
# The functions that mark a text, and which of their arguments are message ids.
KEYWORDS: dict[str, Any] = {"msg": None, "plural": (1, 2), "_": None, "_n": (1, 2)}
# Arguments of display functions that are texts for readers, in calls and in dicts that are passed on.
TEXTS = {"title", "subtitle", "empty", "stub"}
TEXT_LISTS = {"notes"}
# Where a text is given by its place in a call.
PLACES = {"title": 0, "sentence": 0, "notice": 0, "table": 1, "ard_table": 1, "figure": 2}
TEXT_MAPS = {"labels", "headers", "row_labels"}
# Constants that name texts once, by the last word of their names; and the folders of what readers see.
WORDS_NAMED = {
    "LABELS", "WORDS", "KINDS", "MARKS", "TITLES", "PATTERNS", "ENDS", "MOVES", "TYPES", "SEVERITIES", "ENDPOINTS",
    "FLAGS", "CATEGORIES", "STEROIDS", "SAID", "SHAPES", "CAUSES", "OUTCOMES", "FLAGGED", "HEADLINES", "ROWS", "TITLE",
}  # fmt: skip
OF_READERS = {
    "analyses", "cleaning", "conduct", "diff", "display", "dlt", "drugs", "efficacy", "eligibility",
    "escalation_simulation", "gvhd", "profiles", "results", "safety", "signals", "subjects",
}  # fmt: skip
# Files of texts: contracts (descriptions of datasets, columns and rules), the trial, what is asked of the site.
TEXT_FILES = {
    "data_contracts": frozenset({"description"}), "params/protocol.yaml": frozenset[str](),
    "src/trialbook/queries/texts": frozenset({"en", "expected"}),
}  # fmt: skip
_WORD = re.compile(r"[^\W\d_]{2}")
_PHRASE = re.compile(r"""(?=.*[a-z]{3})[\w{][^<>\[\]\\|$]* [^<>\[\]\\|$]*""")
_SENTENCE = re.compile(r"[A-Z].* .*\.")
_STATISTICS = {
    "n", "N", "p", "events", "estimate", "conf.low", "conf.high", "median", "min", "max", "mean", "sd", "q1", "q3",
    "n.event", "n.risk", "pending", "rate", "time", "ungraded", "unknown", "infusions", "of",
}  # fmt: skip


def extracted(project: Path = PROJECT) -> Catalog:
    """Every text for readers, in the order of its place; notebooks, contracts and parameters are those of `project`."""
    catalogue = Catalog(
        project="trialbook", version="1", fuzzy=False, creation_date=datetime(2026, 1, 1, tzinfo=UTC),
        header_comment="# Every text of trialbook for readers. Made by `make catalogue`; do not edit.",
    )  # fmt: skip
    for path in sorted(LIBRARY.rglob("*.py")):
        _add_from(catalogue, "python", path.read_bytes(), path.relative_to(LIBRARY).as_posix())
        tree = ast.parse(path.read_bytes())
        named = _named_once(tree) if path.relative_to(LIBRARY).parts[0] in OF_READERS else ()
        for pattern in (*_stat_patterns(tree), *named):
            catalogue.add(pattern, locations=[(path.relative_to(LIBRARY).as_posix(), 0)])
    for path in sorted((LIBRARY / "display" / "templates").glob("*.html")):
        _add_from(catalogue, "jinja2.ext:babel_extract", path.read_bytes(), path.relative_to(LIBRARY).as_posix())
    for folder, keys in TEXT_FILES.items():
        for path in sorted([project / folder] if folder.endswith(".yaml") else (project / folder).rglob("*.yaml")):
            for text in _texts_of(yaml.safe_load(path.read_text(encoding="utf-8")), keys):
                catalogue.add(text, locations=[(path.relative_to(project).as_posix(), 0)])
    for path in sorted((project / "notebooks").glob("*.ipynb")):
        notebook = json.loads(path.read_text(encoding="utf-8"))
        if notebook["metadata"].get("trialbook") == {"step": False}:
            continue  # of an analyst: no reader of a page sees its texts
        title = notebook["metadata"].get("trialbook", {}).get("title", "")
        if title:
            catalogue.add(title, locations=[(f"notebooks/{path.name}", 0)])
        for cell in notebook["cells"]:
            source, place = "".join(cell["source"]), [(f"notebooks/{path.name}", 0)]
            if cell["cell_type"] == "markdown" and source:
                catalogue.add(source, locations=place)
            elif cell["cell_type"] == "code":
                _add_from(catalogue, "python", source.encode(), f"notebooks/{path.name}")
                tree = ast.parse(source)
                for text in (*_plain_texts(tree), *_stat_patterns(tree)):
                    catalogue.add(text, locations=place)
    return catalogue


def _add_from(catalogue: Catalog, method: str, source: bytes, name: str) -> None:
    for _, found, comments, _ in extract(method, io.BytesIO(source), KEYWORDS, options={"silent": "false"}):
        catalogue.add(found, locations=[(name, 0)], auto_comments=comments)


def _texts_of(node: Any, keys: frozenset[str], key: str = "") -> Iterator[str]:
    """The texts of a YAML file: those under `keys`; without keys every one of several words."""
    if isinstance(node, dict):
        for name, value in node.items():
            yield from _texts_of(value, keys, str(name))
    elif isinstance(node, list):
        for item in node:
            yield from _texts_of(item, keys, key)
    elif isinstance(node, str) and re.search(r"[a-z]{3}", node) and (key in keys if keys else " " in node):
        yield node


def _plain_texts(tree: ast.Module) -> Iterator[str]:
    """The texts of a code cell: sentences anywhere, and words where a display function takes a text."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            for keyword in node.keywords:
                yield from _given(keyword.arg or "", keyword.value)
            place = PLACES.get(getattr(node.func, "attr", ""), len(node.args))
            yield from (text for argument in node.args[place : place + 1] for text in _constants(argument))
        elif isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                if isinstance(key, ast.Constant) and isinstance(key.value, str):
                    yield from _given(key.value, value)
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                yield from _given(getattr(target, "id", ""), node.value)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and _SENTENCE.fullmatch(node.value):
            yield node.value
        elif isinstance(node, ast.JoinedStr) and _SENTENCE.fullmatch(_pattern_of(node)):
            yield _pattern_of(node)


def _named_once(tree: ast.Module) -> Iterator[str]:
    """The texts that a module names once: phrases in any constant, single words in one that is named as such."""
    for node in tree.body:
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        names = [target.id.lstrip("_") for target in targets if isinstance(target, ast.Name)]
        if not isinstance(node, ast.Assign | ast.AnnAssign) or not node.value or not any(map(str.isupper, names)):
            continue
        words = any(name.split("_")[-1] in WORDS_NAMED for name in names)
        texts = (text for text in _constants(node.value) if words or _PHRASE.fullmatch(text))
        # The cells of statistics ({conf.low}) have their own patterns.
        yield from (text for text in texts if not re.search(r"\{[^{}]*[^\w{}:][^{}]*\}", text))


def _given(name: str, value: ast.expr) -> Iterator[str]:
    """The texts of the argument of this name."""
    if name in TEXTS or name in TEXT_LISTS:
        yield from _constants(value)
    elif name in TEXT_MAPS and isinstance(value, ast.Dict):
        for item in value.values:
            yield from _constants(item)
    elif name in TEXT_MAPS:
        yield from _constants(value)


def _constants(node: ast.expr) -> Iterator[str]:
    """The constants with words that an expression gives, f-strings as patterns, codes left out."""
    if isinstance(node, ast.JoinedStr):
        pattern = _pattern_of(node)
        if _WORD.search(re.sub(r"\{[^}]*\}", "", pattern)):
            yield pattern
    elif isinstance(node, ast.Constant) and isinstance(node.value, str) and _WORD.search(node.value):
        yield node.value
    elif isinstance(node, ast.BoolOp):
        for value in node.values:
            yield from _constants(value)
    elif isinstance(node, ast.IfExp):
        yield from (*_constants(node.body), *_constants(node.orelse))
    elif isinstance(node, ast.List | ast.Tuple):
        for item in node.elts:
            yield from _constants(item)
    elif isinstance(node, ast.Dict):
        for item in node.values:
            yield from _constants(item)


def _pattern_of(node: ast.JoinedStr) -> str:
    """An f-string as a message id: its places are named after what fills them; of what has no name "value"."""
    made, seen = "", 0
    for part in node.values:
        if isinstance(part, ast.Constant):
            made += str(part.value).replace("{", "{{").replace("}", "}}")
            continue
        filled = part.value if isinstance(part, ast.FormattedValue) else part
        counted = isinstance(filled, ast.Call) and getattr(filled.func, "id", "") == "len"
        name = "n" if counted else getattr(filled, "attr", getattr(filled, "id", "value"))
        seen += f"{{{name}}}" in made
        made += f"{{{name}_{seen + 1}}}" if f"{{{name}}}" in made else f"{{{name}}}"
    return made


def _stat_patterns(tree: ast.Module) -> Iterator[str]:
    """The patterns of cells over statistics that hold words, with and without each part that may fall away."""
    marked = {
        id(argument)
        for node in ast.walk(tree) if isinstance(node, ast.Call) and getattr(node.func, "id", "") in KEYWORDS
        for argument in node.args
    }  # fmt: skip
    for node in ast.walk(tree):
        if not isinstance(node, ast.Constant) or not isinstance(node.value, str) or id(node) in marked:
            continue
        if "\n" in node.value or "`" in node.value:
            # A docstring.
            continue
        names = set(re.findall(r"\{([^{}]*)\}", node.value))
        balanced = not set("{}") & set(re.sub(r"\{[^{}]*\}", "", node.value))
        if names and names <= _STATISTICS and balanced:
            pieces = re.split(f"({BRACKETED.pattern})", node.value)
            choices = [(piece, "") if k % 2 else (piece,) for k, piece in enumerate(pieces)]
            for chosen in product(*choices):
                pattern = message_pattern("".join(part.replace("<", "").replace(">", "") for part in chosen))
                if _WORD.search(re.sub(r"\{[^}]*\}", "", pattern)):
                    yield pattern


def written(catalogue: Catalog) -> bytes:
    """The catalogue as a template file, the same bytes for the same texts."""
    file = io.BytesIO()
    write_po(file, catalogue, width=110, sort_output=False, sort_by_file=True, include_lineno=False)
    # The version of the tool is no part of the texts.
    return re.sub(rb'"(?:Generated-By|Report-Msgid|PO-Rev|Last-T|Language-T)[^\n]*\n', b"", file.getvalue())


class Marking(Translation):
    """A language that puts every text of the catalogue between marks, and collects in `unread` what it is asked to say
    and is neither there nor made of what is there: what was not made of a message.
    """

    def __init__(self, catalogue: Catalog) -> None:
        super().__init__("en-x-marked", (entry for message in catalogue if (entry := _marked(message.id))))


def _marked(msgid: Any) -> Entry | None:
    one, many = (msgid, "") if isinstance(msgid, str) else msgid
    return Entry(one, many, f"⟦{many or one}⟧", False) if one else None


def main() -> None:
    """Writes the template."""
    TEMPLATE.parent.mkdir(exist_ok=True)
    TEMPLATE.write_bytes(written(extracted()))


if __name__ == "__main__":
    main()
