"""Beside pydantic-settings: the same environment gives the same values, wherever we do not differ on purpose."""

import subprocess
import sys
from typing import Any

import pydantic_settings
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from config.helpers import Pair
from config.test_properties import Inner, Root
from lldkit.config import Config, ConfigError, Env, Values


class Section(BaseModel):
    x: int = 11
    y: int | None = 20


class Peer(pydantic_settings.BaseSettings):
    model_config = pydantic_settings.SettingsConfigDict(env_prefix="PEERTEST_", env_nested_delimiter="__")
    a: int = 0
    inner: Section = Section()
    tags: tuple[int, ...] = ()


texts = {
    "PEERTEST_A": st.sampled_from(["1", " 2", "-3", "x", "1.5", "1e3"]),
    "PEERTEST_INNER__X": st.sampled_from(["4", "x"]),
    "PEERTEST_INNER__Y": st.sampled_from(["5", "6"]),
    "PEERTEST_TAGS": st.sampled_from(["[1, 2]", "[]"]),
}


@given(st.fixed_dictionaries({}, optional=texts))
@settings(deadline=None)
def test_an_environment_means_what_it_means_to_pydantic_settings(environ: dict[str, str]) -> None:
    ours: Any
    theirs: Any
    with pytest.MonkeyPatch.context() as patch:
        for name, text in environ.items():
            patch.setenv(name, text)
        try:
            peer = Peer()
            theirs = Root(peer.a, Inner(peer.inner.x, peer.inner.y), peer.tags)
        except ValidationError:
            theirs = None
    try:
        ours = Config(Root, layers=[Env("PEERTEST_", environ=environ)]).current
    except ConfigError:
        ours = None
    assert ours == theirs


def test_a_read_allocates_nothing_and_takes_no_lock() -> None:
    config = Config(Pair, layers=[Values({"a": 1})])
    numbers = range(10_000)
    with config._turn:  # a reload that takes for ever
        for _ in numbers:
            assert config.current.a == 1
        before = sys.getallocatedblocks()
        for _ in numbers:
            config.current.a  # noqa: B018 - the read is the subject
        grown = sys.getallocatedblocks() - before
    assert grown < 100


def test_importing_it_loads_no_library_of_others_and_nothing_that_only_tasks_need() -> None:
    program = "import sys; before = {*sys.modules}; import lldkit.config; print(*({*sys.modules} - before))"
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    loaded = {name.partition(".")[0] for name in said.split()}
    assert loaded <= {*sys.stdlib_module_names, "lldkit"}
    assert not loaded & {"asyncio", "concurrent", "socket", "ssl", "sqlite3", "tomllib"}
