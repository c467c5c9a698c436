"""Which tests stay with one process when several share them."""

from __future__ import annotations

import pytest

from tests.conftest import ByFile


@pytest.mark.parametrize(
    ("test", "scope"),
    [
        ("tests/journeys/test_rasa.py::test_a", "tests/journeys/test_rasa.py"),
        ("tests/journeys/test_rasa.py::test_b[x::y]", "tests/journeys/test_rasa.py"),
        ("tests/journeys/test_whole_site.py::test_a", "tests/journeys/test_whole_site.py"),
        ("tests/bot/test_desk.py::test_a[sqlite]", "tests/bot/test_desk.py::test_a[sqlite]"),
    ],
)
def test_journeys_of_a_file_stay_together_and_whatever_else_is_shared_out_singly(test: str, scope: str) -> None:
    assert ByFile._split_scope(None, test) == scope


def test_no_test_names_a_group_that_nobody_hears_of(request: pytest.FixtureRequest) -> None:
    """pytest-xdist 3.8 writes a group into an id that pytest 9.2 no longer reads: it would be silently shared out."""
    assert not [item.nodeid for item in request.session.items if item.get_closest_marker("xdist_group")]
