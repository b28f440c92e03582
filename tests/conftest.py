"""Fixtures that every room shares: test material that nobody here wrote, and engines that run for real."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

SHARED = Path(__file__).parent.parent.parent / "shared" / "vectors"


class Vectors:
    """The vector sets beside the checkout; a missing one skips the test, or fails it where vectors are required."""

    def path(self, name: str) -> Path:
        """The folder of set `name`."""
        folder = SHARED / name
        if not folder.exists():
            reason = f"the vector set {name!r} is not beside this checkout (../shared/vectors/{name})"
            if os.environ.get("LLDKIT_REQUIRE_VECTORS") == "1":
                pytest.fail(reason)
            pytest.skip(reason)
        return folder

    def json(self, name: str, file: str) -> Any:
        """The parsed JSON document `file` of set `name`."""
        return json.loads((self.path(name) / file).read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def vectors() -> Vectors:
    """Test material that nobody here wrote."""
    return Vectors()
