import pytest
from small_market import World


@pytest.fixture
def world() -> World:
    return World()
