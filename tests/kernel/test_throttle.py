"""How often somebody may do something, counted in the cache."""

import pytest

from nexapay.kernel import throttle


@pytest.mark.django_db
class TestThrottle:
    def test_allows_up_to_its_limit_and_no_more(self) -> None:
        hits = [throttle.allow(scope="t", key="k", limit=3, window_s=60) for _ in range(5)]

        assert hits == [True, True, True, False, False]

    def test_counts_each_key_and_scope_apart(self) -> None:
        assert throttle.allow(scope="t", key="k", limit=1, window_s=60)

        assert throttle.allow(scope="t", key="other", limit=1, window_s=60)
        assert throttle.allow(scope="u", key="k", limit=1, window_s=60)

    def test_starts_again_when_its_window_is_over(self) -> None:
        assert throttle.allow(scope="t", key="k", limit=1, window_s=60)

        assert throttle.allow(scope="t", key="k", limit=1, window_s=0)
