"""Axes have round ticks, and a place for every value."""

import pytest

from openbook.charts.scale import Scale, around, from_zero, round_down


@pytest.mark.parametrize("scale, most, ticks", [
    (Scale(0, 15000, 0, 100), 5, [0, 5000, 10000, 15000]),
    (Scale(2019.5, 2026.5, 0, 100), 9, [2020, 2021, 2022, 2023, 2024, 2025, 2026]),
    (Scale(0.8, 25, 0, 100, True), 7, [1, 2, 5, 10, 20]),
    (Scale(1, 10000, 0, 100, True), 9, [1, 3, 10, 30, 100, 300, 1000, 3000, 10000]),
    (Scale(1, 10000, 0, 100, True), 5, [1, 10, 100, 1000, 10000]),
])
def test_ticks_are_round_and_few(scale, most, ticks):
    assert scale.ticks(most) == pytest.approx(ticks)


def test_a_logarithmic_scale_spaces_factors_evenly():
    scale = Scale(1, 10000, 0, 400, True)
    assert [scale.at(value) for value in (1, 10, 100, 10000)] == pytest.approx([0, 100, 200, 400])


def test_an_upright_axis_counts_from_its_foot():
    assert Scale(0, 10, 300, 100).at(5) == 200


@pytest.mark.parametrize("values, low, high", [([312, 13500], 0, 15000), ([-3, 8], -5, 10), ([0.4], 0, 0.4)])
def test_bars_begin_at_zero_and_end_at_a_tick(values, low, high):
    scale = from_zero(values, 0, 100, 5)
    assert (scale.low, scale.high) == pytest.approx((low, high))


@pytest.mark.parametrize("log", [False, True])
def test_points_stand_inside_their_axes(log):
    scale = around([2, 8], 0, 100, log)
    assert 0 < scale.at(2) < scale.at(8) < 100


@pytest.mark.parametrize("value, round", [(4000, 2000), (1000, 1000), (0.7, 0.5), (99, 50), (5, 5)])
def test_a_value_of_a_key_is_round_and_no_larger_than_the_largest(value, round):
    assert round_down(value) == pytest.approx(round)
