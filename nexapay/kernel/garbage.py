"""How seldom a process of ours looks for garbage that refers to itself (docs/decisions/0046)."""

import gc

# So many new objects before it looks at them: a few megabytes. Older ones may be hundreds.
OBJECTS = 10_000


def look_seldom() -> None:
    """Look after OBJECTS new objects, and never at what is here now; so do processes it forks."""
    gc.freeze()
    gc.set_threshold(OBJECTS, *gc.get_threshold()[1:])
