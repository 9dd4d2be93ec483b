"""What the protocol file of a trial of one's own still has of the trial that every working folder begins with."""

from __future__ import annotations

from collections.abc import Iterable

from trialbook.protocol.models import Protocol

# What says which trial this is: where one of these is another, the file is that of another trial.
IDENTITY = ("id", "registry_id", "title", "product", "disease")
# What no other trial has in the same words.
OF_THE_STUDY = ("id", "registry_id", "title", "sponsor", "product", "disease", "disclaimer", "notes")
OF_THE_TRIAL = ("dose_levels_note", "expected_events", "expected_events_note", "monitoring", "schedule")
# How a source names the registry entry of the trial.
REGISTRY = "registry"
MOST = 3


def is_another_trial(own: Protocol, template: Protocol) -> bool:
    """Whether this is the protocol of another trial than the template, changed or not."""
    return any(getattr(own.study, name) != getattr(template.study, name) for name in IDENTITY)


def untouched(own: Protocol, template: Protocol) -> list[str]:
    """The keys of another trial that still hold what the template has there, in the order of the file.

    Of lists the entries are named: dose levels, criteria by their wording, and choices whose source is the registry
    entry of the template's trial.
    """
    if not is_another_trial(own, template):
        return []
    found = [f"study.{name}" for name in OF_THE_STUDY if _same(getattr(own.study, name), getattr(template.study, name))]
    levels = [level.id for level in own.dose_levels if level in template.dose_levels]
    wording = {criterion.text for criterion in template.criteria}
    criteria = [criterion.id for criterion in own.criteria if criterion.text in wording]
    choices = [
        key for key, entry in own.analysis.items()
        if entry == template.analysis.get(key) and entry.source.startswith(REGISTRY)
    ]  # fmt: skip
    found += [f"dose_levels ({_some(levels)})"] if levels else []
    found += [f"criteria ({_some(criteria)})"] if criteria else []
    found += [name for name in OF_THE_TRIAL if _same(getattr(own, name), getattr(template, name))]
    return found + ([f"analysis ({_some(choices)})"] if choices else [])


def _same(own: object, template: object) -> bool:
    empty = type(template)() if isinstance(template, (str, list, dict)) else None
    return own == template and own != empty


def _some(names: Iterable[str]) -> str:
    """The first of some names, and how many more there are.

    >>> _some(["IN01", "IN02", "IN03", "IN04", "IN05"])
    'IN01, IN02, IN03 and 2 more'
    """
    every = list(names)
    more = f" and {len(every) - MOST} more" if len(every) > MOST else ""
    return ", ".join(every[:MOST]) + more
