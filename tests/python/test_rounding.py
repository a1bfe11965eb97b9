import json

import numpy as np
import pytest

import ulpscope

NUMBERS = [2.40625, -4.703990459442139, 464.0, 465.0, 1e-9, 0.0, -0.0, 3e38, 1e300]


@pytest.mark.parametrize("mode", ["rne", "rz", "ru:sat", "ro", "rne:nan", "rd:ftz"])
@pytest.mark.parametrize("to", ["bf16", "e4m3fn", "fp16", "e5m7", "tf32", "fp32"])
def test_rounding_gives_the_codes_and_errors_of_the_command_line(tool, to, mode):
    words = [hex(word) for word in np.array(NUMBERS).view(np.uint64)]
    rows = json.loads(tool("round", "--from", "fp64", "--to", to, "--mode", mode, "--json", *words))
    codes, errors = ulpscope.round(NUMBERS, to, mode, raw=True, errors=True)
    assert [int(code) for code in codes] == [int(row["bits"], 16) for row in rows]
    expected = [np.nan if row["error_ulp"] is None else row["error_ulp"] for row in rows]
    np.testing.assert_array_equal(errors, expected)


def test_stochastic_rounding_draws_as_the_command_line_does(tool):
    x = [1.01 + 0.01 * i for i in range(20)]
    rows = json.loads(tool("round", "--to", "e5m2", "--mode", "sr8", "--seed", "3", "--json", *x))
    codes = ulpscope.round(x, "e5m2", "sr8", seed=3, raw=True)
    assert [int(code) for code in codes] == [int(row["bits"], 16) for row in rows]


def test_subnormal_operands_are_those_of_the_format_they_come_from(tool):
    rows = json.loads(tool("round", "--from", "fp16", "--to", "fp32", "--mode", "rne:daz", "--json",
                           "0x0001", "0x8001", "0x0400"))
    codes = ulpscope.round(np.array([1, 0x8001, 0x400], np.uint16), "fp32", "rne:daz",
                           format="fp16", raw=True)
    assert [int(code) for code in codes] == [int(row["bits"], 16) for row in rows]


@pytest.mark.parametrize("name", ["bf16", "fp16", "e4m3fn", "e5m2", "e4m3fnuz", "e2m1fn"])
def test_every_code_survives_the_way_to_its_value_and_back(name):
    format = ulpscope.format(name)
    codes = np.arange(1 << format.bits, dtype=f"u{(format.bits + 7) // 8}")
    numbers = ulpscope.values(codes, name)
    back = ulpscope.round(numbers, name, raw=True)
    known = ~np.isnan(numbers)
    np.testing.assert_array_equal(back[known], codes[known])
    assert np.isnan(ulpscope.values(back[~known], name)).all()


def test_the_shape_stays_and_a_number_has_none():
    assert ulpscope.round(np.zeros((2, 3, 4)), "fp16").shape == (2, 3, 4)
    assert ulpscope.round(1.5, "fp16").shape == ()
    assert ulpscope.round(np.zeros((0, 3)), "fp16").shape == (0, 3)


def test_an_array_with_gaps_is_rounded_as_it_is_seen():
    x = np.arange(12.0).reshape(3, 4)
    np.testing.assert_array_equal(ulpscope.round(x.T[::2], "fp32"), x.T[::2].astype(np.float32))


def test_integers_need_a_format_and_it_must_fit():
    with pytest.raises(ulpscope.UsageError, match="is uint16, which says nothing of the format"):
        ulpscope.round(np.zeros(2, np.uint16), "fp32")
    with pytest.raises(ulpscope.UsageError, match="is uint8; bf16 has 16 bits"):
        ulpscope.round(np.zeros(2, np.uint8), "fp32", format="bf16")
    with pytest.raises(ulpscope.UsageError, match="x: is fp32, format says bf16"):
        ulpscope.round(np.zeros(2, np.float32), "fp32", format="bf16")


def test_codes_beyond_a_formats_width_are_refused():
    with pytest.raises(ulpscope.InputError, match="0x10; e2m1fn has 4 bits"):
        ulpscope.values(np.array([16], np.uint8), "e2m1fn")


def test_unknown_modes_are_usage_errors():
    with pytest.raises(ulpscope.UsageError, match="rx"):
        ulpscope.round(1.0, "bf16", "rx")
