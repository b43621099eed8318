"""
Judges that look rows up by index, whatever PostgreSQL believed when it made their plan (0016).

Used by migrations: what is here stays as it is.
"""

from collections.abc import Sequence

# OFFSET 0 is what PostgreSQL takes nothing out of: what stands before it is asked for each row by
# itself, which with the row's own values can only be a look-up by index.
_JOIN = r"JOIN (\w+) (\w+)\s+ON ([^\n]+)"
_LOOK_UP = r"JOIN LATERAL (SELECT * FROM \1 \2 WHERE \3 OFFSET 0) \2 ON true"
_LOOKED_UP = r"JOIN LATERAL \(SELECT \* FROM (\w+) (\w+) WHERE ([^\n]+) OFFSET 0\) \w+ ON true"
_JOINED = r"JOIN \1 \2 ON \3"


def look_up(functions: Sequence[str], *changes: tuple[str, str]) -> str:
    """
    Return SQL that makes every join of these functions a look-up.

    changes are made before: PostgreSQL's patterns, and what stands instead of what they match.
    """
    return _rewritten(functions, *changes, (_JOIN, _LOOK_UP))


def join(functions: Sequence[str], *changes: tuple[str, str]) -> str:
    """Return SQL that makes every look-up of these functions a join again, and then changes."""
    return _rewritten(functions, (_LOOKED_UP, _JOINED), *changes)


def _rewritten(functions: Sequence[str], *changes: tuple[str, str]) -> str:
    steps = "\n".join(
        f"body := regexp_replace(body, $x${pattern}$x$, $x${instead}$x$, 'g');"
        for pattern, instead in changes
    )
    return f"""
    DO $do$
    DECLARE
      name text;
      body text;
    BEGIN
      FOREACH name IN ARRAY '{{{",".join(functions)}}}'::text[] LOOP
        body := pg_get_functiondef(name::regproc);
        {steps}
        EXECUTE body;
      END LOOP;
    END $do$;
    """
