"""
{% fixed name=value ... %} ... {% endfixed %}: what looks the same for everybody, made once.

What stands inside sees the named values and nothing else, neither the request nor the person: so
what is kept for those values can be shown to whoever comes with them. A name that is left out by
mistake is empty, for everybody.
"""

from typing import Any, cast

from django import template
from django.template.base import FilterExpression, NodeList, Parser, Token, token_kwargs
from django.template.loader_tags import BlockNode
from django.urls import get_script_prefix
from django.utils.safestring import SafeString

_KEPT = 64  # For each place in a template; what comes after is made anew each time.


class Fixed(template.Node):
    """One such place. Values must be hashable, and few: a theme, the name of a view."""

    def __init__(self, inside: NodeList, values: dict[str, FilterExpression]) -> None:
        self.nodelist = inside
        self._values = values
        self._kept: dict[tuple[Any, ...], SafeString] = {}

    def render(self, context: template.Context) -> SafeString:
        """Return what is kept for these values; addresses depend on where the site stands, too."""
        values = [value.resolve(context) for value in self._values.values()]
        # By type as well: text that is safe equals the same text that is not.
        key = (get_script_prefix(), context.autoescape, *values, *map(type, values))
        html = self._kept.get(key)
        if html is None:
            html = self._make(context, dict(zip(self._values, values, strict=True)))
            if len(self._kept) < _KEPT:
                self._kept[key] = html
        return html

    def _make(self, context: template.Context, values: dict[str, Any]) -> SafeString:
        # A context of its own kind: a RequestContext would bring the request along.
        alone = template.Context(values, autoescape=context.autoescape)
        alone.template = of = cast(template.Template, context.template)
        with alone.render_context.push_state(of):
            return self.nodelist.render(alone)


def parse(parser: Parser, token: Token) -> Fixed:
    """Read the tag and all up to its end."""
    _, *given = token.split_contents()
    values = token_kwargs(given, parser)
    if given:
        raise template.TemplateSyntaxError(f"{{% fixed %}} takes name=value only, not {given}.")
    inside = parser.parse(("endfixed",))
    parser.delete_first_token()
    if inside.get_nodes_by_type(BlockNode):
        raise template.TemplateSyntaxError("{% block %} in {% fixed %} would show one page to all.")
    return Fixed(inside, values)
