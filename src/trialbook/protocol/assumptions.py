"""The assumptions register: every analysis key with its value in force, its source, and whose choice it is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pandas as pd
from pydantic import BaseModel

from trialbook.core.described import described
from trialbook.core.messages import joined, msg, plural
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.conduct import Sourced
from trialbook.protocol.load import analysis_values
from trialbook.protocol.models import Protocol

# A code list longer than this is shown by its first entries and its length; the protocol file has all of it.
_LONG_LIST = 6
EXPECTED_EVENTS = "A-151"


ASSUMPTION_ID = re.compile(r"(?<![A-Za-z0-9])A-[0-9]{2,3}(?![0-9])")
NO_KEY = msg("(no key)")

# The source of a key in the protocol file of a trial that has no use for it.
NOT_USED = "not used by this trial"


def unused_note(protocol: Protocol) -> list[str]:
    """How many keys the protocol file marks as not used by its trial; no line where there is none."""
    unused = sum(1 for entry in protocol.analysis.values() if entry.source == NOT_USED)
    more = plural(
        "{n} further key serves an endpoint or a criterion that this trial does not have.",
        "{n} further keys serve endpoints or criteria that this trial does not have.",
        unused,
    )
    return [more] if unused else []


def _plain(value: Any) -> Any:
    """A model as plain data: the keys of a notebook are models of another class, which equals no plain one."""
    return value.model_dump() if isinstance(value, BaseModel) else value


def assumption_table(protocol: Protocol, analysis: Analysis) -> pd.DataFrame:
    """One row per analysis key that the trial uses, in the order of the protocol file; then what has no key.

    KEY; VALUE in force at this cut; DEFAULT, "yes" or the default that was overridden; SOURCE; ASSUMPTION, its id or
    blank; MEANING.
    """
    defaults = analysis_values(protocol, {}, "protocol file")
    rows: list[tuple[str, ...]] = []
    for key, entry in protocol.analysis.items():
        value, default = value_text(getattr(analysis, key)), value_text(getattr(defaults, key))
        changed = _plain(getattr(analysis, key)) != _plain(getattr(defaults, key))
        if entry.source == NOT_USED and not changed:
            continue
        shown = msg("no; the default is {default}", default=default) if changed else msg("yes")
        rows.append((key, value, shown, entry.source, entry.assumption or "", entry.meaning))
    if protocol.expected_events_note:
        listed = value_text(protocol.expected_events) or msg("none")
        rows.append(("expected_events", listed, "yes", "assumption", EXPECTED_EVENTS, protocol.expected_events_note))
    rows += [(NO_KEY, "", "yes", "assumption", number, text) for number, text in protocol.assumptions.items()]
    labels = {
        "KEY": msg("Key"), "VALUE": msg("Value"), "DEFAULT": msg("Default?"), "SOURCE": msg("Source"),
        "ASSUMPTION": msg("Assumption"), "MEANING": msg("Meaning"),
    }  # fmt: skip
    keys = pd.DataFrame(rows, columns=list(labels)).astype("str")
    return described(keys, labels=labels, notes=unused_note(protocol))


def assumption_register(protocol: Protocol) -> pd.DataFrame:
    """Every numbered assumption of a protocol file, in the order of the numbers, with what was assumed (§0).

    ASSUMPTION, its id; KIND of place that records it: "key" (an analysis key), "criterion", "rule" (it has no key),
    "conduct" (enrolment, visits, deviations, signals, stopping rules, outcomes) or "note" (of study, dose levels or
    expected events); NAME, the key or criterion, else blank; TEXT, what was assumed.
    One row per assumption and place; an assumption that several keys rest on has several rows.

    >>> from trialbook.protocol.load import load_protocol, project_root
    >>> protocol = load_protocol(project_root() / "params" / "protocol.yaml")
    >>> assumption_register(protocol).query("ASSUMPTION == 'A-04'")[["KIND", "NAME"]].values.tolist()
    [['key', 'maturity_margin_d28']]
    """
    rows = sorted(_recorded(protocol), key=lambda row: (int(row[0].removeprefix("A-")), row[1:]))
    return pd.DataFrame(rows, columns=["ASSUMPTION", "KIND", "NAME", "TEXT"]).astype("str")


def _recorded(protocol: Protocol) -> Iterator[tuple[str, str, str, str]]:
    """Each assumption with the place of the protocol file that records it."""
    for key, entry in protocol.analysis.items():
        for number in sorted(set(ASSUMPTION_ID.findall(f"{entry.assumption or ''} {entry.meaning}"))):
            yield number, "key", key, entry.meaning
    for criterion in protocol.criteria:
        for number in sorted(set(ASSUMPTION_ID.findall(criterion.note or ""))):
            yield number, "criterion", criterion.id, criterion.note or ""
        for other in criterion.alternatives:
            yield other.assumption, "criterion", criterion.id, f"Another reading, not in force: {other.text}"
    for key, rule in _conduct(protocol):
        for number in sorted(set(ASSUMPTION_ID.findall(f"{rule.assumption} {rule.meaning}"))):
            yield number, "conduct", key, rule.meaning
    for number, text in protocol.assumptions.items():
        yield number, "rule", "", text
    for note in (*protocol.study.notes, protocol.dose_levels_note, protocol.expected_events_note):
        for number in sorted(set(ASSUMPTION_ID.findall(note))):
            yield number, "note", "", note


def _conduct(protocol: Protocol) -> Iterator[tuple[str, Sourced]]:
    """The entries on how the trial is conducted, with the key of each."""
    yield from (("enrolment", protocol.enrolment), ("schedule", protocol.schedule), ("deviations", protocol.deviations))
    yield from (("queries", protocol.queries), ("reconciliation", protocol.reconciliation))
    for name in type(protocol.signals).model_fields:
        yield f"signals.{name}", getattr(protocol.signals, name)
    yield from ((f"monitoring.{name}", rule) for name, rule in protocol.monitoring.items())
    outcomes = protocol.outcomes
    yield from ((f"outcomes.{name}", part) for name in type(outcomes).model_fields if (part := getattr(outcomes, name)))


def reading_table(protocol: Protocol) -> pd.DataFrame:
    """How each criterion is read where its wording leaves a choice: CRITERION, TEXT (as registered), READING."""
    rows = [(criterion.id, criterion.text, criterion.note) for criterion in protocol.criteria if criterion.note]
    labels = {"CRITERION": msg("Criterion"), "TEXT": msg("As registered"), "READING": msg("Read as")}
    return described(
        pd.DataFrame(rows, columns=list(labels)).astype("str"), labels=labels, notes=protocol.study.notes,
        empty=msg("This trial has no criteria."),
    )  # fmt: skip


def value_text(value: Any) -> str:
    """A value as a reader writes it: lists with commas, long lists by their first entries, nothing as `none`.

    >>> value_text([28, 3]), value_text(True), value_text(None), value_text(0.25)
    ('28, 3', 'yes', 'none', '0.25')
    """
    if value is None:
        return msg("none")
    if isinstance(value, bool):
        return msg("yes") if value else msg("no")
    if isinstance(value, list):
        if value and not isinstance(value[0], str | int | float | list):
            return msg("{n} entries", n=len(value))
        shown = joined([_item_text(item) for item in value[:_LONG_LIST]], ", ")
        return msg("{shown}, ... ({n} in all)", shown=shown, n=len(value)) if len(value) > _LONG_LIST else shown
    if isinstance(value, BaseModel):
        value = value.model_dump()
    if isinstance(value, dict):
        entries = [msg("{key} {value}", key=key, value=_entry_text(item)) for key, item in value.items()]
        return joined(entries, ", ")
    return _item_text(value)


def _entry_text(item: Any) -> str:
    return msg("{n} entries", n=len(item)) if isinstance(item, list | dict) else _item_text(item)


def _item_text(item: Any) -> str:
    if isinstance(item, list):
        return "-".join(_item_text(part) for part in item)
    return f"{item:g}" if isinstance(item, float) else str(item)
