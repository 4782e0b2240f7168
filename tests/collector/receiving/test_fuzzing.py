from __future__ import annotations

import asyncio
import random

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.collector.receiving.fuzzing import DECLARED, Target, fuzz, mutated, seeds, send_new_names

SEEDS = seeds()


async def test_valid_requests_are_taken() -> None:
    """What is mutated are requests that are taken as they are."""
    target = Target()
    assert {await target.status(request) for request in SEEDS} == {200}
    assert target.counts.points > 0


async def test_mutated_requests_are_answered() -> None:
    """However a request is damaged, it is answered with a declared status: never with 500."""
    answers = await fuzz(5_000, seed=1)
    assert answers[200] > 0
    assert answers[400] > 0


async def test_new_names_without_end_are_taken() -> None:
    """Exports that each have other names are answered, and cost no more than is said."""
    await send_new_names(500)


@settings(max_examples=300)
@given(st.sampled_from(SEEDS), st.randoms(use_true_random=False))
def test_no_damage_raises(request_: tuple[str, str, str, bytes], chance: random.Random) -> None:
    """No mutation that can be found raises anything."""
    damaged = mutated(request_, chance, SEEDS)
    assert asyncio.run(Target().status(damaged)) in DECLARED


@settings(max_examples=300)
@given(st.sampled_from(SEEDS), st.binary(max_size=2_000))
def test_no_bytes_raise(request_: tuple[str, str, str, bytes], body: bytes) -> None:
    """No bytes at all raise anything, under any path, type and encoding."""
    assert asyncio.run(Target().status((*request_[:3], body))) in DECLARED
