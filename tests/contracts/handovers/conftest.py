from __future__ import annotations

import pytest

from tests.factories.handovers import Handing, make_handing


@pytest.fixture
def handing() -> Handing:
    """A service that can be handed over, and one that takes it on."""
    return make_handing()
