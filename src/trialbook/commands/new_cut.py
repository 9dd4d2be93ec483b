"""Writes a cut file for a snapshot that was received, with the size and hash of every file."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from trialbook.core.errors import TrialbookError, UsageError
from trialbook.core.files import write_whole
from trialbook.core.privacy import MASK, masked, masked_argument, names_person
from trialbook.pipeline.dependencies import Ingredients
from trialbook.pipeline.superseded import other_cut, published_manifest
from trialbook.protocol.load import load_trial
from trialbook.protocol.models import Cut
from trialbook.protocol.synthetic import agreed, manifest_says
from trialbook.protocol.yaml_file import parsed, read_yaml, validated
from trialbook.snapshot import transfer_manifest

# ----------------------------------------------------------------------------------------------------
# Writes a cut file: whole or not at all, and with the comments and keys of the one that it replaces.


def new_text(cut_id: str, values: Mapping[str, Any]) -> str:
    """The text of a new cut file."""
    return f"# Data cut {cut_id}; `transfer` is what was received.\n{_dumped(dict(values))}"


def rewritten(text: str, file: str, values: Mapping[str, Any]) -> str:
    r"""The text with other values of some keys; every other line, and every comment outside of them, stays as it is.

    A key whose value is None is taken out; one that is not there yet is added at the end. Raises UsageError for a file
    that is laid out in a way that cannot be changed in place.

    >>> text = "cut_id: A  # ours\ncut_date: '2025-06-30'\nprotocol: p.yaml\nsnapshot: data\n"
    >>> rewritten(text, "a.yaml", {"snapshot": "new"}).splitlines()[-2:]
    ['protocol: p.yaml', 'snapshot: new']
    """
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    if not isinstance(node, yaml.MappingNode) or node.flow_style:
        raise _cannot(file)
    edits, present = [], set()
    for key, value in node.value:
        if key.value not in values:
            continue
        present.add(key.value)
        begin, end = value.start_mark.index, _end(value)
        new = values[key.value]
        if new is None:
            rest = text.find("\n", end)
            edits.append((key.start_mark.index, len(text) if rest < 0 else rest + 1, ""))
        elif isinstance(new, Mapping) and isinstance(value, yaml.MappingNode) and not value.flow_style:
            indent = " " * value.start_mark.column
            edits.append((begin, end, _dumped(new).rstrip("\n").replace("\n", f"\n{indent}")))
        else:
            written = yaml.safe_dump({"k": new}, default_flow_style=True, allow_unicode=True, width=10**9)
            blank = " " if text[begin - 1 : begin] == ":" else ""
            edits.append((begin, end, blank + written.strip()[len("{k: ") : -1]))
    for begin, end, new in sorted(edits, reverse=True):
        text = text[:begin] + new + text[end:]
    added = {key: value for key, value in values.items() if key not in present and value is not None}
    if added:
        text = f"{text.rstrip()}\n{_dumped(added)}"
    found = parsed(text, file)
    if not isinstance(found, dict) or any(found.get(key) != _as_read(value) for key, value in values.items()):
        raise _cannot(file)
    validated(Cut, found, file)
    return text


def _end(node: yaml.Node) -> int:
    """Where a value ends in the text; a nested block ends with its last value, not with the comments behind it."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return _end(last[1] if isinstance(last, tuple) else last)
    return int(node.end_mark.index)


def _dumped(values: Mapping[str, Any]) -> str:
    return yaml.safe_dump(dict(values), sort_keys=False, allow_unicode=True, width=10**9)


def _as_read(value: Any) -> Any:
    """A value as the files are read: every scalar a text."""
    if isinstance(value, Mapping):
        return {key: _as_read(inner) for key, inner in value.items()}
    return None if value is None else str(value)


def _cannot(file: str) -> UsageError:
    return UsageError(
        "the keys of this cut file cannot be changed in place", file=file,
        next_step="write one key on each line, or remove the file and write it again without --replace",
    )  # fmt: skip


# ----------------------------------------------------------------------------------------------------

PROTOCOL = "params/protocol.yaml"
BUILDS = "build"


@dataclass(frozen=True)
class Earlier:
    """The cut files before a date, the latest last, each with whether its data are synthetic; the ids of those that
    do not lie before it; what is said of those that cannot be used.
    """

    cuts: list[tuple[Cut, bool]]
    later: list[str]
    said: list[str]


def write_cut_file(
    cut_id: str, snapshot: Path, date: str, root: Path, mapping: str | None = None, *, replace: bool = False
) -> list[str]:
    """Writes `params/cuts/<cut_id>.yaml`; returns its path, and what a person should know of it, as lines.

    A new file: the latest earlier cut in `params/cuts/` of the same kind, synthetic or not, becomes `previous_cut`, and
    its protocol and mapping file are taken over; `mapping` names another mapping file (of a site export). With
    `replace` a file that is there is rewritten: date, snapshot, transfer and a mapping that is named change; its other
    keys and its comments stay, but for a previous cut that cannot be one. Broken cut files are named and passed over.

    Raises UsageError for a bad id or date, a name that identifies a person, a snapshot or mapping file that is not
    there, or a cut file that exists already while `replace` was not asked for.
    """
    file = f"params/cuts/{cut_id}.yaml"
    given = {"cut_id": cut_id, "cut_date": date, "snapshot": str(snapshot), "protocol": PROTOCOL}
    validated(Cut, given, masked(file))
    path = root / file
    if path.exists() and not replace:
        raise UsageError(
            "the cut file exists already", file=str(path),
            next_step="add --replace to rewrite it for another delivery, or choose another id",
        )  # fmt: skip
    before = _before(path)
    if not snapshot.exists():
        raise UsageError("there is no such snapshot", file=str(snapshot), next_step="name the folder or workbook")
    received = snapshot.resolve()
    shown = os.path.relpath(received, root) if received.is_relative_to(root) else str(received)
    declared = agreed(before.synthetic if before else None, manifest_says(received), shown)
    earlier = _earlier_than(date, cut_id, root)
    known = [cut for cut, synthetic in earlier.cuts if synthetic == bool(declared)]
    last = known[-1] if known else None
    taken = before or last
    mapping = mapping or (taken.mapping if taken else None)
    if mapping is not None and not (root / mapping).is_file():
        raise UsageError("there is no such mapping file", file=mapping, next_step="name it relative to the project")
    transfer = transfer_manifest(received, root / mapping if mapping else None)
    _stop_if_personal([cut_id, shown, *transfer])
    if not transfer:
        raise UsageError(
            "no SDTM domain is here", file=shown, next_step="name the folder that holds dm.csv (or another format)"
        )
    previous, said = _previous(before, last, earlier, synthetic=bool(declared))
    changing: dict[str, Any] = {"cut_date": date, "snapshot": shown, "previous_cut": previous}
    changing |= {"mapping": mapping, "transfer": transfer}
    if before is None:
        content = {"cut_id": cut_id, **changing, "protocol": taken.protocol if taken else PROTOCOL}
        order = ("cut_id", "cut_date", "snapshot", "protocol", "previous_cut", "mapping", "transfer")
        content = {key: content[key] for key in order if content[key] is not None}
        validated(Cut, content, file)
        write_whole(path, new_text(cut_id, content))
        return [str(path), *map(masked, [*earlier.said, *said, *_chosen_lines(previous, date, root)])]
    with path.open(encoding="utf-8-sig", newline="") as handle:
        text = handle.read()
    write_whole(path, rewritten(text, str(path), changing))
    lines = [*_delivery_lines(before, changing), *said, *_build_lines(cut_id, path, root)]
    return [str(path), *map(masked, [*earlier.said, *lines])]


def _before(path: Path) -> Cut | None:
    """The cut file that is to be rewritten; None where there is none."""
    if not path.exists():
        return None
    try:
        return validated(Cut, read_yaml(path), str(path))
    except UsageError as error:
        error.say_next("correct the cut file, or remove it and write it again without --replace")
        raise


def _earlier_than(date: str, cut_id: str, root: Path) -> Earlier:
    """The other cut files with an earlier date, of which it is known whether their data are synthetic."""
    cuts, later, said = [], [], []
    for path in sorted((root / "params" / "cuts").glob("*.yaml")):
        if path.stem == cut_id:
            continue
        try:
            cut = validated(Cut, read_yaml(path), f"params/cuts/{path.name}")
            if cut.cut_date >= date:
                later.append(cut.cut_id)
            else:
                cuts.append((cut, bool(agreed(cut.synthetic, manifest_says(root / cut.snapshot), cut.snapshot))))
        except TrialbookError as error:
            said.append(f"params/cuts/{path.name} cannot be a previous cut: {error}")
    return Earlier(sorted(cuts, key=lambda one: (one[0].cut_date, one[0].cut_id)), later, said)


def _previous(
    before: Cut | None, last: Cut | None, earlier: Earlier, *, synthetic: bool
) -> tuple[str | None, list[str]]:  # fmt: skip
    """The previous cut to name, and what is said of it.

    That of the file which is rewritten stays, unless it is later, or of synthetic data where this one is not (or the
    reverse). A cut whose file lies elsewhere is left to the build to judge.
    """
    proposed = last.cut_id if last else None
    kind = {False: "is not of synthetic data", True: "is of synthetic data"}
    if before is None:
        if not earlier.cuts or earlier.cuts[-1][1] == synthetic:
            return proposed, []
        passed = earlier.cuts[-1][0].cut_id
        return proposed, [
            f"{passed} {kind[not synthetic]} and this cut {kind[synthetic]}: it cannot be its previous cut"
        ]
    named = before.previous_cut
    kinds = {cut.cut_id: other for cut, other in earlier.cuts}
    if named is None or (named not in earlier.later and kinds.get(named, synthetic) == synthetic):
        return named, []
    why = "is not dated before it" if named in earlier.later else kind[not synthetic]
    return proposed, [f"the previous cut was {named}, which {why}; now it is {proposed or 'none'}"]


def _chosen_lines(previous: str | None, date: str, root: Path) -> list[str]:
    """Which previous cut was chosen and why, and whether there is a build of it to compare with."""
    if previous is None:
        return ["no previous cut: no cut file in params/cuts/ has an earlier date and data of the same kind"]
    chosen = f"previous cut: {previous}, the latest in params/cuts/ before {date}"
    with suppress(UsageError):  # a build that cannot be read is none that is compared with
        if published_manifest(root / BUILDS / previous) is not None:
            return [f"{chosen}; its build in {BUILDS}/ is compared with this cut"]
    return [
        f"{chosen}; no build of it is published in {BUILDS}/ (it was not built yet, is being built, or stops)",
        f"build {previous} before this cut, or name another under previous_cut; without its build nothing is compared, "
        "and every question counts as new",
    ]


def _stop_if_personal(names: Iterable[str]) -> None:
    """A cut file is kept with the code, and its names are printed: none of them may identify a person."""
    for name in names:
        if masked_argument(name) != name or names_person(name):
            shown = masked(name)
            raise UsageError(
                "a name that goes into the cut file identifies a person", value=MASK if shown == name else shown,
                next_step="choose another id, or rename the folder or file",
            )  # fmt: skip


def _delivery_lines(before: Cut, now: Mapping[str, Any]) -> list[str]:
    """What differs from the delivery that the cut file named before."""
    old, lines = before.transfer or {}, []
    new: Mapping[str, Mapping[str, Any]] = now["transfer"]
    for name in sorted({*old, *new}) if before.transfer else ():
        if name not in old or name not in new:
            lines.append(f"{name}: {'was not received then' if name not in old else 'was received then, is gone now'}")
        elif old[name].sha256 != new[name]["sha256"]:
            lines.append(f"{name}: another content ({old[name].rows} records then, {new[name]['rows']} now)")
    if not before.transfer:
        lines.append("the cut file did not say what was received; now it does")
    for what, key in (("cut-off date", "cut_date"), ("snapshot", "snapshot"), ("mapping", "mapping")):
        then = getattr(before, key)
        if then != now[key]:
            lines.append(f"{what}: {then or 'none'} then, {now[key] or 'none'} now")
    return lines or ["the delivery is the one that the cut file named before"]


def _build_lines(cut_id: str, path: Path, root: Path) -> list[str]:
    """What the next build of the cut will do about the one that is published, as the build itself judges it."""
    try:
        published = published_manifest(root / BUILDS / cut_id)
        if published is None:
            return [f"no build of {cut_id} is published in {BUILDS}/, so `trialbook build {cut_id}` replaces nothing"]
        trial = load_trial(path, root)
        made_of = {
            "inputs": Ingredients(trial, root, root / BUILDS, "live").inputs,
            "cut": trial.cut.model_dump(mode="json"), "protocol": trial.protocol.model_dump(mode="json"),
        }  # fmt: skip
        why = other_cut(published.get("sources") or {}, made_of)
    except TrialbookError as error:
        return [f"a build of this cut will stop: {error}"]
    if not why:
        return [f"the build of {cut_id} that is published in {BUILDS}/ was made from this delivery"]
    return [
        f"the build of {cut_id} that is published in {BUILDS}/ was made from another snapshot or cut ({why[0]}"
        f"{f' and {len(why) - 1} more' if len(why) > 1 else ''})",
        f"`trialbook build {cut_id}` stops with exit status 4, lists the records and headline numbers that differ, and "
        f"replaces nothing; with --supersede it publishes the new one and keeps the earlier in {BUILDS}/.superseded/",
    ]
