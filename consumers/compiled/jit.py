"""Functions compiled by numba, from their cache on disk where there is one.

The first process compiles (several seconds) and the others load (under half a second). Two that
compile at the same time do no harm: numba moves its files into place whole.
"""

import hashlib
import os
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, cast

import numba  # type: ignore[import-untyped, import-not-found, unused-ignore]
from numba.core.caching import (  # type: ignore[import-untyped, import-not-found, unused-ignore]
    UserProvidedCacheLocator,
)


class Anywhere(UserProvidedCacheLocator):  # type: ignore[misc, no-any-unimported, unused-ignore]
    """Numba's locator for CACHE_DIR without its hash of the source's path: a cache that was packed
    is found where it is unpacked. What the source says is in the cache's own stamps."""

    @classmethod
    def get_suitable_cache_subpath(cls, py_file: str) -> str:
        """The folder of one source."""
        return "-".join(Path(py_file).with_suffix("").parts[-3:])


def kernel(
    function: Callable[..., Any], signature: Any, sources: Iterable[Path] = ()
) -> Callable[..., Any]:
    """The function compiled for this signature; it runs without the interpreter's lock.

    `sources` are the files and folders whose code it contains, apart from this folder's own.
    """
    declared = partial(numba.njit, signature, nogil=True, error_model="numpy")
    with _cache_folder((Path(__file__).parent, *sources)) as folder:
        try:
            return cast(Callable[..., Any], declared(cache=folder is not None)(function))
        # numba has no place for it after all, as inside a zip without a home
        except (OSError, RuntimeError):
            return cast(Callable[..., Any], declared()(function))


@contextmanager
def _cache_folder(sources: Iterable[Path]) -> Iterator[Path | None]:
    """Sets numba's cache folder while a function is declared; None where no folder will do.

    The folder's name has a digest of all these sources: numba itself looks only at the file of the
    function, and would use old code after a change in another function that it calls.
    """
    named, locators = numba.config.CACHE_DIR, numba.config.CACHE_LOCATOR_CLASSES
    folder = Path(named) if named else _writable()
    if folder is not None:
        numba.config.CACHE_DIR = str(folder / f"kernels-{_digest(sources)}")
        numba.config.CACHE_LOCATOR_CLASSES = f"{__name__}.{Anywhere.__name__}"
    try:
        with _alone(folder):
            yield folder
    finally:
        numba.config.CACHE_DIR, numba.config.CACHE_LOCATOR_CLASSES = named, locators


@contextmanager
def _alone(folder: Path | None) -> Iterator[None]:
    """One process compiles, and the others load what it has made: an executor starts several at
    once."""
    if folder is None or sys.platform == "win32":
        yield
        return
    import fcntl

    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / "kernels.lock").open("w")
    except OSError:  # where nothing can be written nothing is cached
        yield
        return
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _writable() -> Path | None:
    """The folder beside the sources, otherwise the user's cache, otherwise a temporary folder of
    this user alone: workers may lack a home. None if none of them will do."""
    # which raises without a home
    home = Path(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"))  # noqa: PTH111
    for folder in (
        Path(__file__).parent / "__pycache__",
        home / "kernels",
        Path(tempfile.gettempdir()) / f"kernels-{_user()}",
    ):
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            # The cache is code that runs: a folder that another user made, or may write to, will
            # not do.
            status = folder.stat()
            alone = status.st_uid == _user() and not status.st_mode & 0o022
            if alone and os.access(folder, os.W_OK):
                return folder
        except OSError:
            continue
    return None


def _user() -> int:
    return os.getuid() if hasattr(os, "getuid") else 0  # Windows has none; st_uid is 0 there


def _digest(sources: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for source in sources:
        for path in sorted(source.glob("*.py")) if source.is_dir() else [source]:
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
