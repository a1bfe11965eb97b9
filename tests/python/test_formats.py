import json

import numpy as np
import pytest

import ulpscope


def test_the_catalogue_is_that_of_the_command_line(tool):
    rows = json.loads(tool("formats", "--json"))
    assert [f.name for f in ulpscope.formats()] == [row["name"] for row in rows]
    for row in rows:
        format = ulpscope.format(row["name"])
        for key in ("bits", "sign", "exponent_bits", "trailing_bits", "bias", "specials",
                    "infinity", "nan", "source"):
            assert getattr(format, key) == row[key]
        for key in ("largest", "smallest_normal", "smallest"):
            assert getattr(format, key) == float(row[key])


def test_a_format_is_found_by_its_aliases_and_by_spellings_without_a_row():
    assert ulpscope.format("bfloat16") == ulpscope.format("bf16")
    assert ulpscope.format("e5m7").bits == 13
    assert ulpscope.format("binary8p3se").bits == 8
    assert ulpscope.format(ulpscope.format("fp16")).name == "fp16"


def test_an_unknown_format_is_a_usage_error_with_the_tools_words(tool):
    with pytest.raises(ulpscope.UsageError) as caught:
        ulpscope.format("bf17")
    assert tool("formats", "bf17", expected=2) == f"ulpscope: error: {caught.value}\n"


@pytest.mark.parametrize("name, dtype", [("fp32", np.float32), ("fp16", np.float16)])
def test_formats_of_numpy_have_its_dtype(name, dtype):
    assert ulpscope.format(name).dtype == dtype


def test_a_format_that_nobody_has_is_held_by_unsigned_integers():
    assert ulpscope.format("e5m7").dtype == np.uint16
    assert ulpscope.format("tf32").dtype == np.uint32


def test_modes_are_named_with_their_meaning():
    assert list(ulpscope.modes()) == ["rne", "rna", "rnz", "rz", "ru", "rd", "ra", "ro"]
