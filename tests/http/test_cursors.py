"""Cursors come back as they went out; whatever else is handed in is refused, never read wrongly."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridroam.http import cursors
from gridroam.http.problems import ProblemError

NUMBERS = st.integers(0, (1 << 63) - 1)


@given(NUMBERS, NUMBERS)
def test_decode__what_encode_made__is_the_place(first: int, second: int) -> None:
    cursor = cursors.encode("messages", first, second)
    assert cursors.decode("messages", cursor, field="cursor") == (first, second)


@given(NUMBERS, NUMBERS)
def test_cursor_needs_no_escaping_in_a_url(first: int, second: int) -> None:
    cursor = cursors.encode("messages", first, second)
    assert cursor.replace("-", "").replace("_", "").isalnum()


@given(NUMBERS, NUMBERS)
def test_decode__of_another_list__is_refused(first: int, second: int) -> None:
    refused("outcomes", cursors.encode("messages", first, second))


@given(st.lists(NUMBERS, max_size=4).filter(lambda place: len(place) != 2))
def test_decode__with_another_number_of_parts__is_refused(place: list[int]) -> None:
    refused("messages", cursors.encode("messages", *place))


@given(st.text() | st.binary().map(lambda raw: base64.urlsafe_b64encode(raw).decode()))
def test_decode__anything_else__is_refused(text: str) -> None:
    refused("messages", text)


@given(NUMBERS, NUMBERS, st.data())
def test_decode__one_character_changed__is_refused_or_a_cursor_in_its_own_right(
    first: int, second: int, data: st.DataObject
) -> None:
    cursor = cursors.encode("messages", first, second)
    at = data.draw(st.integers(0, len(cursor) - 1))
    changed = cursor[:at] + data.draw(st.characters(codec="ascii")) + cursor[at + 1 :]
    try:
        place = cursors.decode("messages", changed, field="cursor")
    except ProblemError:
        return
    assert cursors.encode("messages", *place) == changed


@pytest.mark.parametrize(
    "text",
    ["messages:1:-2", "messages:1:2:", "messages: 1:2", "messages:01:2", "messages:1:²"],
)
def test_decode__numbers_written_otherwise__is_refused(text: str) -> None:
    refused("messages", base64.urlsafe_b64encode(text.encode()).decode().rstrip("="))


def test_decode__beyond_what_a_database_holds__is_refused() -> None:
    refused("messages", cursors.encode("messages", 1 << 63, 0))
    refused("messages", "A" * 1_000_000)


def refused(kind: str, cursor: str) -> None:
    with pytest.raises(ProblemError) as raised:
        cursors.decode(kind, cursor, field="after")
    assert (raised.value.problem.code, raised.value.problem.field) == ("wrong-cursor", "after")
