"""Every example in the package, in the guide and in the README runs as it is printed."""

import doctest
import importlib
import pkgutil
import re

import pytest

import ulpscope
from conftest import ROOT

MODULES = ["ulpscope"] + [f"ulpscope.{m.name}" for m in pkgutil.iter_modules(ulpscope.__path__)
                          if m.name != "_core"]


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_run(name):
    if name == "ulpscope.torch":
        pytest.importorskip("torch", reason="torch is not installed")
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def page(name):
    return (ROOT / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["docs/python.md", "README.md"])
def test_the_examples_of_a_page_run(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = re.sub("^```.*$", "", page(name), flags=re.MULTILINE)
    test = doctest.DocTestParser().get_doctest(text, {}, name, name, 0)
    result = doctest.DocTestRunner().run(test)
    assert (result.failed, result.attempted > 0) == (0, True)


def test_the_unit_tests_of_the_guide_pass_and_fail_as_it_says():
    section = page("docs/unit_testing.md").split("## pytest", 1)[1]
    code, message = re.findall("^```(?:python|text)\n(.*?)^```", section, re.MULTILINE | re.DOTALL)
    tests = {}
    exec(code, tests)
    tests["test_the_cast_is_to_nearest_even"]()
    tests["test_the_cast_is_unbiased"]()
    truncating = code.replace('"bf16", raw', '"bf16", "rz", raw')
    exec(truncating, tests)
    with pytest.raises(AssertionError) as caught:
        tests["test_the_cast_is_unbiased"]()
    assert str(caught.value).splitlines()[0] == message.strip()


@pytest.mark.parametrize("name", ulpscope.__all__)
def test_everything_that_is_public_is_documented(name):
    assert getattr(ulpscope, name).__doc__


def test_the_version_is_that_of_the_library():
    header = (ROOT / "include/ulpscope/run/version.hpp").read_text()
    assert f'version = "{ulpscope.__version__}"' in header
