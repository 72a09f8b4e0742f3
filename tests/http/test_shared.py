"""What many ask for at once is made once."""

import asyncio
import threading
import time

import pytest

from gridroam.http.shared import Shared


def test_get__many_at_once__makes_it_once() -> None:
    made: list[int] = []

    def make() -> int:
        time.sleep(0.05)
        made.append(threading.get_ident())
        return len(made)

    async def ask() -> list[int]:
        shared = Shared(make, 0.2)
        first = await asyncio.gather(*(shared.get() for _ in range(50)))
        again = await shared.get()
        await asyncio.sleep(0.25)
        return [*first, again, await shared.get()]

    assert asyncio.run(ask()) == [1] * 51 + [2]


def test_get__what_fails__fails_for_all_and_is_tried_anew() -> None:
    turns = iter([ValueError("no"), 7])

    def make() -> int:
        turn = next(turns)
        if isinstance(turn, Exception):
            raise turn
        return turn

    async def ask() -> int:
        shared = Shared(make, 60)
        with pytest.raises(ValueError, match="no"):
            await shared.get()
        return await shared.get()

    assert asyncio.run(ask()) == 7


def test_get__one_who_gives_up__does_not_spoil_it_for_the_others() -> None:
    async def ask() -> int:
        shared = Shared(lambda: time.sleep(0.1) or 1, 1)
        impatient = asyncio.create_task(shared.get())
        patient = asyncio.create_task(shared.get())
        await asyncio.sleep(0.02)
        impatient.cancel()
        return await patient

    assert asyncio.run(ask()) == 1


def test_soon__while_it_hangs__gives_what_was_last_made_and_how_old_it_is() -> None:
    turns = iter([0.0, 0.5, 0.0])
    made = iter("abc")

    def make() -> str:
        time.sleep(next(turns))
        return next(made)

    async def ask() -> list[tuple[str, float] | None]:
        shared = Shared(make, 0.05)
        first = await shared.soon(0.2)
        await asyncio.sleep(0.1)
        hanging = await shared.soon(0.2)
        await asyncio.sleep(0.3)
        return [first, hanging, await shared.soon(0.2)]

    first, hanging, after = asyncio.run(ask())
    assert first is not None
    assert hanging is not None
    assert after is not None
    assert (first[0], hanging[0], after[0]) == ("a", "a", "b")
    assert first[1] < 0.1 < 0.3 <= hanging[1] < 0.5


def test_soon__where_nothing_was_made_yet__says_so() -> None:
    async def ask() -> object:
        return await Shared(lambda: time.sleep(0.3), 1.0).soon(0.05)

    assert asyncio.run(ask()) is None
