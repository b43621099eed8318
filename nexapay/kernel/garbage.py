"""How seldom a process of ours looks for garbage that refers to itself (docs/decisions/0046)."""

import gc

# So many new objects before it looks at them: a few megabytes. Older ones may be hundreds.
OBJECTS = 10_000


def keep_what_is_loaded() -> None:
    """Never look for garbage in what is here now, in this process and those it forks: it stays."""
    gc.freeze()


def look_seldom() -> None:
    """Look for garbage after OBJECTS new objects, for as long as this process lives."""
    gc.set_threshold(OBJECTS, *gc.get_threshold()[1:])
