"""How batches of moves are drawn: two moves as they should be for each that is wrong in one way."""

from typing import Any

from chance import mostly
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from moves import Again, Batch, CoSigner, Kind, Load, Move, Signer, When
from setting import VEHICLES
from twists import BYTES, CHANGES, FORGERIES

_TIMELY = [When.NOW, When.SECOND_AGO, When.HALF_HOUR_AGO, When.SLOT_START, When.SLOT_END]
_POSSIBLE = [Load.NOTHING, Load.SOME, Load.MOST]
_USUAL: dict[str, SearchStrategy[Any]] = {
    "station": st.sampled_from([1, 1, 1, 2, 2, 2, 3, 3, 4, 4, 5, 6]),
    "vehicle": st.integers(0, len(VEHICLES) - 1),
    "when": mostly(_TIMELY, [When.MOST_BOUNDARIES]),
    "taken": st.sampled_from(_POSSIBLE),
    "fed": st.sampled_from(_POSSIBLE),
    "last": st.sampled_from([False, False, True]),
}


def _moves(**unusual: SearchStrategy[Any]) -> SearchStrategy[Move]:
    return st.builds(Move, **(_USUAL | unusual))


_RIGHT = _moves()
_WRONG = (
    _moves(kind=st.sampled_from([Kind.OPENING, Kind.REPORT])),
    _moves(when=st.sampled_from(When)),
    _moves(signer=st.sampled_from(Signer)),
    _moves(signer=st.just(Signer.FORMER_KEY), when=st.sampled_from(When)),
    _moves(twist=st.sampled_from(list(CHANGES))),
    _moves(twist=st.sampled_from(list(BYTES))),
    _moves(twist=st.sampled_from(list(FORGERIES))),
    _moves(kind=st.just(Kind.OPENING), co_signer=st.sampled_from(CoSigner)),
    _moves(
        co_signer=st.sampled_from(CoSigner),
        when=st.sampled_from([When.BEFORE_VEHICLE_KEY, When.VEHICLE_KEY]),
    ),
    _moves(when=st.sampled_from([When.CHANGE, When.AFTER_CHANGE])),
    _moves(taken=st.sampled_from(Load), fed=st.sampled_from(Load)),
    _moves(station=st.integers(0, 8), kind=st.sampled_from(Kind)),
    st.builds(Again, st.integers(0, 9)),
)

batches: SearchStrategy[Batch] = st.lists(
    st.one_of(*[_RIGHT] * (2 * len(_WRONG)), *_WRONG), max_size=8
)
