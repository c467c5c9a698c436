"""The table of moves: no act leads out of it, and no piece goes out unsigned by it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from content.states import MOVES, PIECE_LABELS, RELEASE_LABELS, PieceState, ReleaseState, may_move, move
from kernel.errors import WrongState


def test_every_state_has_its_label() -> None:
    assert set(PIECE_LABELS) == set(PieceState)
    assert set(RELEASE_LABELS) == set(ReleaseState)


@pytest.mark.parametrize("act", MOVES)
def test_an_act_is_possible_exactly_where_the_table_says(act: str) -> None:
    allowed, target, label = MOVES[act]
    for state in PieceState:
        assert may_move(state, act) == (state in allowed)
        if state in allowed:
            assert move(state, act) == target
        else:
            with pytest.raises(WrongState) as refusal:
                move(state, act)
            assert PIECE_LABELS[state] in refusal.value.message()
            assert label in refusal.value.message()


@given(st.lists(st.sampled_from(list(MOVES)), max_size=40))
def test_nothing_goes_live_that_was_not_signed_after_its_last_edit(acts: list[str]) -> None:
    state, signed = PieceState.DRAFT, False
    for act in acts:
        if not may_move(state, act):
            continue
        if act == "go_live":
            assert signed
        if act in ("edit", "recall", "return"):
            signed = False
        signed = signed or act == "sign"
        state = move(state, act)


@given(st.lists(st.sampled_from(list(MOVES)), max_size=40))
def test_from_everywhere_a_draft_can_be_reached_again(acts: list[str]) -> None:
    state = PieceState.DRAFT
    for act in acts:
        if may_move(state, act):
            state = move(state, act)
    assert any(may_move(state, act) and move(state, act) == PieceState.DRAFT for act in MOVES) or state == "draft"
