"""Names in the order in which a message lists them: first those that are spelt nearly like the one asked for."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

# Names that a message lists.
MOST = 24


def nearest_first(name: str, known: Iterable[str]) -> list[str]:
    """The known names: those that are spelt nearly like `name` first, the others in their order.

    >>> nearest_first("5", ["T-1", "T-5", "T-5a"])
    ['T-5', 'T-5a', 'T-1']
    """
    names = [str(one) for one in known]
    asked = name.lower()
    close = difflib.get_close_matches(asked, [one.lower() for one in names], n=3, cutoff=0.75)
    near = [one for wanted in close for one in names if one.lower() == wanted]
    near += sorted((one for one in names if asked and asked in one.lower() and one not in near), key=len)
    return list(dict.fromkeys([*near, *names]))


def listed(name: str, known: Iterable[str]) -> str:
    """The known names as a message lists them: the nearest first, and how many more there are.

    >>> listed("SEXX", ["AGE", "SEX"])
    'SEX, AGE'
    """
    names = nearest_first(name, known)
    more = f" and {len(names) - MOST} more" if len(names) > MOST else ""
    return f"{', '.join(names[:MOST])}{more}"
