"""Arrays of other libraries: the same bits on the way in, through files, and on the way out."""

import sys
import types

import numpy as np
import pytest

import ulpscope
from ulpscope import _arrays

DTYPES = [name for name in _arrays.FORMATS if name not in ("float16", "float32", "float64")]


def codes_of(name):
    """Every code of a small format; of larger ones, codes with all upper halves."""
    bits = ulpscope.format(_arrays.FORMATS[name]).bits
    size = (bits + 7) // 8
    return np.arange(min(1 << bits, 1 << 16), dtype=f"u{size}") << max(0, bits - 16)


def ml_dtype(name):
    ml_dtypes = pytest.importorskip("ml_dtypes", reason="ml_dtypes is not installed")
    return np.dtype(getattr(ml_dtypes, name))


@pytest.mark.parametrize("name", ["float16", "float32", "float64"])
def test_numpys_own_dtypes_are_seen_without_a_copy(name):
    x = codes_of(name).view(name)
    seen = _arrays.seen(x)
    assert (seen.dtype, seen.bits.ctypes.data) == (name, x.ctypes.data)
    np.testing.assert_array_equal(seen.bits, x.view(seen.bits.dtype))


@pytest.mark.parametrize("name", DTYPES)
def test_every_dtype_of_ml_dtypes_is_seen_without_a_copy_and_handed_out_again(name):
    dtype = ml_dtype(name)
    x = codes_of(name).view(dtype)
    seen = _arrays.seen(x)
    assert (seen.format, seen.bits.ctypes.data) == (_arrays.FORMATS[name], x.ctypes.data)
    assert ulpscope.format(seen.format).dtype == dtype
    back = ulpscope.round(x, seen.format, "rne:propagate")
    assert back.dtype == dtype
    numbers = ~np.isnan(ulpscope.values(x))  # a signalling NaN comes back quiet
    np.testing.assert_array_equal(back.view(seen.bits.dtype)[numbers], seen.bits[numbers])
    assert np.isnan(ulpscope.values(back)[~numbers]).all()


@pytest.mark.parametrize("name", DTYPES)
def test_values_are_those_that_ml_dtypes_sees(name):
    x = codes_of(name).view(ml_dtype(name))
    with np.errstate(invalid="ignore"):  # signalling NaNs
        expected = x.astype(np.float64)
    np.testing.assert_array_equal(ulpscope.values(x), expected)


def test_without_ml_dtypes_codes_are_unsigned_integers(monkeypatch):
    monkeypatch.setattr(_arrays, "ml_dtypes", None)
    rounded = ulpscope.round(1.0, "bf16")
    assert (rounded.dtype, int(rounded)) == (np.uint16, 0x3F80)


@pytest.mark.parametrize("name", ["bfloat16", "float16", "float8_e4m3fn", "float8_e5m2"])
def test_every_dtype_of_torch_is_seen_without_a_copy(name):
    torch = pytest.importorskip("torch", reason="torch is not installed")
    codes = codes_of(name)
    signed = torch.from_numpy(codes.view(f"i{codes.itemsize}"))
    x = signed.view(getattr(torch, name))
    seen = _arrays.seen(x)
    assert (seen.dtype, seen.bits.ctypes.data) == (name, x.data_ptr())
    np.testing.assert_array_equal(seen.bits, codes)


def test_types_that_torch_does_not_export_are_viewed_as_bytes(monkeypatch):
    """As torch's 8-bit formats before its DLPack had them."""

    class Tensor:
        dtype, itemsize = "torch.float8_e5m2", 1

        def __init__(self, bytes):
            self.bytes = bytes

        def detach(self):
            return self

        def __dlpack__(self, **options):
            raise BufferError("float8 types are not supported by dlpack")

        def view(self, dtype):
            assert dtype == "bytes"
            return self

        def numpy(self):
            return self.bytes

    torch = types.SimpleNamespace(Tensor=Tensor, uint8="bytes")
    monkeypatch.setitem(sys.modules, "torch", torch)
    codes = np.arange(256, dtype=np.uint8)
    seen = _arrays.seen(Tensor(codes))
    assert (seen.format, seen.bits.ctypes.data) == ("e5m2", codes.ctypes.data)


def test_a_tensor_of_torch_that_asks_for_gradients_is_read_as_it_is():
    torch = pytest.importorskip("torch", reason="torch is not installed")
    x = torch.ones(3, dtype=torch.bfloat16, requires_grad=True)
    np.testing.assert_array_equal(ulpscope.values(x), [1, 1, 1])


def test_arrays_of_jax_are_seen_without_a_copy():
    jax = pytest.importorskip("jax.numpy", reason="jax is not installed")
    x = jax.arange(256, dtype=jax.bfloat16)
    seen = _arrays.seen(x)
    assert (seen.format, seen.bits.ctypes.data) == ("bf16", x.unsafe_buffer_pointer())
    np.testing.assert_array_equal(ulpscope.values(x), np.arange(256))
    small = jax.arange(16, dtype=jax.float8_e4m3fn)
    np.testing.assert_array_equal(ulpscope.values(small), np.arange(16))


class Exporter:
    """Another library: nothing but DLPack."""

    def __init__(self, array, device=(1, 0)):
        self.array, self.device = array, device

    def __dlpack__(self, **options):
        return self.array.__dlpack__()

    def __dlpack_device__(self):
        return self.device


def test_whoever_speaks_dlpack_is_seen_without_a_copy():
    x = np.arange(6, dtype=np.float32).reshape(2, 3)
    seen = _arrays.seen(Exporter(x))
    assert (seen.dtype, seen.bits.shape, seen.bits.ctypes.data) == ("float32", (2, 3),
                                                                    x.ctypes.data)
    np.testing.assert_array_equal(_arrays.seen(Exporter(x.T)).bits, x.T.view(np.uint32))


def test_a_view_keeps_the_exporters_memory_alive():
    seen = _arrays.seen(Exporter(np.full(1 << 16, 1.5)))
    assert (seen.bits.view(np.float64) == 1.5).all()


def test_another_device_is_bad_input():
    with pytest.raises(ulpscope.InputError, match=r"q: lies on device \(2, 0\); expected the CPU"):
        _arrays.seen(Exporter(np.zeros(2), device=(2, 0)), "q")


def test_what_holds_no_numbers_is_bad_input():
    with pytest.raises(ulpscope.InputError, match="x: dtype str"):
        ulpscope.round(np.array(["one"]), "bf16")
    with pytest.raises(ulpscope.InputError, match="x: dtype complex128"):
        ulpscope.round(np.array([1j]), "bf16")


def test_foreign_byte_order_is_turned():
    np.testing.assert_array_equal(ulpscope.values(np.array([1.0, 2.0], ">f4")), [1, 2])


@pytest.mark.parametrize("name", ["bfloat16", "float16", "float32", "float8_e4m3fn",
                                  "float8_e5m2"])
def test_bits_survive_numpy_safetensors_and_the_tool(name, tool, tmp_path):
    numpys = pytest.importorskip("safetensors.numpy", reason="safetensors is not installed")
    import safetensors

    dtype = np.dtype(name) if name.startswith("float1") or name == "float32" else ml_dtype(name)
    x = codes_of(name).view(dtype)
    path = tmp_path / "x.safetensors"
    numpys.save_file({"x": x}, path)
    [(_, stored)] = safetensors.deserialize(path.read_bytes())
    np.testing.assert_array_equal(np.frombuffer(stored["data"], codes_of(name).dtype),
                                  codes_of(name))
    summary = ulpscope.compare(x, f"{path}:x")
    assert summary["verdict"]["status"] == "equal"
    assert summary["comparison"]["elements"] == x.size
