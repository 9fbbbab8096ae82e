from __future__ import annotations

from collections import Counter

from annotation.draws import DRAW_BITS, draw, shuffled


def test_a_draw_is_the_same_on_every_machine():
    # Pinned: stored sides and places must be recomputable by any later version.
    assert draw(0, "order", "p1") == 17007582824790063773
    assert draw(7, "sides", "alpha", "beta", 0, 0, 3) == 16115634223444595783


def test_parts_do_not_run_into_each_other():
    assert draw(0, "ab", "c") != draw(0, "a", "bc")
    assert draw(0, 1) != draw(0, "1")
    assert draw(0, "a") != draw(1, "a")


def test_a_lone_surrogate_can_be_drawn_about():
    assert draw(0, "\ud800") < 1 << DRAW_BITS


def test_draws_are_uniform_over_their_high_and_low_bits():
    draws = [draw(3, "sample", number) for number in range(4000)]
    for shift in (0, DRAW_BITS - 2):
        counts = Counter((value >> shift) & 3 for value in draws)
        # Binomial(4000, 1/4) has a standard deviation of 27: five of them.
        assert all(abs(counts[quarter] - 1000) < 137 for quarter in range(4))


def test_a_shuffle_depends_on_the_keys_and_not_on_the_order_given():
    items = [f"item{number}" for number in range(20)]
    order = shuffled(items, 5, "x", key=str)
    assert shuffled(reversed(items), 5, "x", key=str) == order
    assert order != items
    assert shuffled(items, 6, "x", key=str) != order
