import numpy as np
import pytest

import ulpscope


def numbers(rows=64, columns=64):
    generator = np.random.Generator(np.random.Philox(3))
    return generator.uniform(1, 2, (rows, columns)).astype(np.float32)


def test_equal_bits_pass():
    x = numbers()
    ulpscope.assert_bits_equal(x, x.copy())
    nan = np.array([np.nan], np.float32)
    ulpscope.assert_bits_equal(nan, nan)


def test_the_first_places_that_differ_are_shown_with_bits_and_values():
    x = np.arange(8, dtype=np.uint16).reshape(2, 4) + 0x3F80
    y = x.copy()
    y[1] += 1
    y[0, 0] += 1
    with pytest.raises(AssertionError) as caught:
        ulpscope.assert_bits_equal(x, y, format="bf16")
    assert str(caught.value) == (
        "5 of 8 elements differ in their bits\n"
        "  at (0, 0): 0x3f80 = 1.0, expected 0x3f81 = 1.0078125\n"
        "  at (1, 0): 0x3f84 = 1.03125, expected 0x3f85 = 1.0390625\n"
        "  at (1, 1): 0x3f85 = 1.0390625, expected 0x3f86 = 1.046875\n"
        "  at (1, 2): 0x3f86 = 1.046875, expected 0x3f87 = 1.0546875\n"
        "  at (1, 3): 0x3f87 = 1.0546875, expected 0x3f88 = 1.0625"
    )


def test_a_minus_zero_is_not_a_zero():
    with pytest.raises(AssertionError, match="0x80000000 = -0.0, expected 0x00000000 = 0.0"):
        ulpscope.assert_bits_equal(np.float32(-0.0), np.float32(0.0))


def test_other_shapes_and_formats_are_not_equal():
    with pytest.raises(AssertionError, match=r"shape \(2,\), expected \(3,\)"):
        ulpscope.assert_bits_equal(np.zeros(2), np.zeros(3))
    with pytest.raises(AssertionError, match="format fp32, expected fp64"):
        ulpscope.assert_bits_equal(np.zeros(2, np.float32), np.zeros(2))


def test_rounding_to_nearest_is_unbiased_and_truncation_is_not():
    x = numbers()
    ulpscope.assert_unbiased(ulpscope.round(x, "bf16", "rne", raw=True), x, format="bf16")
    with pytest.raises(AssertionError, match=r"biased by value: mean -0\.[45]\d+ ulp \(standard error"):
        ulpscope.assert_unbiased(ulpscope.round(x, "bf16", "rz", raw=True), x, format="bf16")


def test_the_sign_of_a_bias_is_that_of_actual_minus_reference():
    x = numbers()
    with pytest.raises(AssertionError, match=r"biased by value: mean \+0\.[45]"):
        ulpscope.assert_unbiased(ulpscope.round(x, "bf16", "ru", raw=True), x, format="bf16")


def test_truncation_of_both_signs_is_a_bias_by_magnitude():
    x = numbers() * np.where(np.arange(64 * 64).reshape(64, 64) % 2 == 0, 1, -1).astype(np.float32)
    with pytest.raises(AssertionError, match=r"biased by magnitude: mean -0\.[45]"):
        ulpscope.assert_unbiased(ulpscope.round(x, "bf16", "rz", raw=True), x, format="bf16")


def test_errors_that_a_row_shares_count_once():
    """One error a row, half of them up, half down: however many columns, 64 independent errors."""
    up = np.where(np.arange(64) % 2 == 0, 1, -1).astype(np.int32)
    up[:6] = 1  # leans a little; a plain standard error over 64 x 1024 would call it a bias
    codes = np.full((64, 1024), 0x3F800000, np.int32) + up[:, None]
    actual = codes.view(np.float32)
    ulpscope.assert_unbiased(actual, np.ones((64, 1024), np.float32))
    assert np.sqrt(64 * 1024) * up.mean() > 5


def test_too_few_errors_are_no_evidence():
    with pytest.raises(AssertionError, match="too few to tell a bias"):
        ulpscope.assert_unbiased(np.ones((2, 3), np.float32), np.ones((2, 3), np.float32))


def test_the_threshold_can_be_moved():
    x = numbers()
    rounded = ulpscope.round(x, "bf16", "rz", raw=True)
    ulpscope.assert_unbiased(rounded, x, format="bf16", threshold=1e9)
