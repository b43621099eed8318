"""What is made once for everybody holds nothing of anybody."""

import pytest
from django.template import Context, Template, TemplateSyntaxError
from django.test.utils import override_script_prefix
from django.utils.safestring import SafeString

from nexapay.kernel import fixed
from tests.kernel.rendering import EVIL

OF_THEME = "{% fixed theme=theme %}[{{ theme }}{{ name }}{{ csrf_token }}]{% endfixed %}"


class TestFixed:
    def test_sees_the_values_it_names_and_nothing_else(self) -> None:
        shown = Template(OF_THEME)

        for theme, name in [("dark", "Ana"), ("dark", "Ben"), ("", "Ana"), ("dark", "")]:
            asked = Context({"theme": theme, "name": name, "csrf_token": "secret"})
            assert shown.render(asked) == f"[{theme}]"

    def test_escapes_a_value_each_time(self) -> None:
        shown = Template(OF_THEME)

        for _ in range(2):
            assert "<script" not in shown.render(Context({"theme": EVIL}))

    def test_takes_no_text_for_safe_because_the_same_was_so(self) -> None:
        shown = Template(OF_THEME)

        assert shown.render(Context({"theme": SafeString(EVIL)})) == f"[{EVIL}]"
        assert "<script" not in shown.render(Context({"theme": EVIL}))

    def test_is_made_once_for_each_value(self) -> None:
        shown, counted = Template("{% fixed by=by %}{% now 'u' %}{{ by }}{% endfixed %}"), set()
        for by in ("a", "b", "a", "b"):
            counted.add(shown.render(Context({"by": by})))

        assert len(counted) == 2

    def test_follows_where_the_site_stands(self) -> None:
        shown = Template("{% fixed %}{% url 'wallet:history' %}{% endfixed %}")

        assert shown.render(Context()) == "/transactions/"
        with override_script_prefix("/pay/"):
            assert shown.render(Context()) == "/pay/transactions/"

    def test_keeps_no_more_than_its_share(self) -> None:
        shown = Template(OF_THEME)
        for number in range(fixed._KEPT + 5):
            assert shown.render(Context({"theme": number})) == f"[{number}]"

        node = shown.nodelist[0]
        assert isinstance(node, fixed.Fixed)
        assert len(node._kept) == fixed._KEPT

    def test_takes_named_values_only(self) -> None:
        with pytest.raises(TemplateSyntaxError, match="name=value"):
            Template("{% fixed theme %}{% endfixed %}")

    def test_holds_no_block_for_that_is_another_for_each_page(self) -> None:
        with pytest.raises(TemplateSyntaxError, match="one page to all"):
            Template("{% fixed %}{% block title %}{% endblock %}{% endfixed %}")

    def test_does_not_show_unescaped_what_another_page_left_unescaped(self) -> None:
        shown = Template("{% fixed name=name %}{{ name }}{% endfixed %}")
        assert shown.render(Context({"name": "<b>"}, autoescape=False)) == "<b>"

        assert shown.render(Context({"name": "<b>"})) == "&lt;b&gt;"
