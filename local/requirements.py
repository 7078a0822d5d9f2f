"""What installed packages need of others."""

import re
from collections.abc import Iterable
from importlib import metadata


def closure(names: Iterable[str]) -> set[str]:
    """The installed ones among these packages and all that they need, directly or not, in lower
    case; extras are left out."""
    found: set[str] = set()
    waiting = [name.lower() for name in names]
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        try:
            needs = metadata.requires(name) or []
        except metadata.PackageNotFoundError:  # of another system, or another version of Python
            continue
        found.add(name)
        waiting += [
            re.split(r"[^\w.-]", need, maxsplit=1)[0].lower()
            for need in needs
            if "extra ==" not in need
        ]
    return found
