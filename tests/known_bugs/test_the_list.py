"""docs/proof.md lists these tests, and no others."""

import re
from pathlib import Path

HERE = Path(__file__)
PAGE = HERE.parents[2] / "docs" / "proof.md"


class TestTheList:
    def test_names_every_test_here(self) -> None:
        section = PAGE.read_text(encoding="utf-8").partition("\n## Bugs of others")[2]
        named = set(re.findall(r"`(test_\w+\.py)`", section.partition("\n## ")[0]))

        assert named == {path.name for path in HERE.parent.glob("test_*.py")} - {HERE.name}
