"""A repository of the Hugging Face hub as an asset: at one commit, and only files that are data.

A branch moves, so a name without a commit is looked up once: the commit that it stood for is kept
in the cache beside the files. All processes of a run, and later runs, read the same files, and
need no network for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote

from wattmark.assets.cache import cache_folder
from wattmark.assets.hub import resolve_hub
from wattmark.assets.reference import Asset, HubRef
from wattmark.assets.whole_file import write_whole
from wattmark.errors import AssetError, MissingPackageError
from wattmark.records import Record

if TYPE_CHECKING:
    from huggingface_hub.hf_api import DatasetInfo, ModelInfo

Choose = Callable[[Iterable[str], str], tuple[str, ...]]
RepoType = Literal["model", "dataset"]


class _Pin(Record):
    """What a revision stood for when it was looked up, and the files that are read."""

    commit: str
    licence: str
    files: tuple[str, ...]


def hub_asset(
    repo: str,
    revision: str,
    choose: Choose,
    *,
    repo_type: RepoType = "model",
    part: str = "",
) -> tuple[Asset, str]:
    """The repository's files on this machine, and the commit (40 hexadecimal digits).

    ``choose(names, label)`` picks from the repository's file names those to fetch, and may raise.
    What it picked is kept with the commit; ``part`` tells several choices of one revision apart.
    Raises AssetError, which says whether the repository is missing, gated or out of reach, and
    MissingPackageError.
    """
    name = f"{repo}@{revision}{part and f'#{part}'}"
    folder = cache_folder() / ("hub" if repo_type == "model" else "hub-datasets")
    file = folder / f"{quote(name, safe='@')}.json"
    pin = _read(file) or _looked_up(repo, revision, choose, repo_type, file)
    ref = HubRef(
        repo=repo, repo_type=repo_type, revision=pin.commit, patterns=pin.files, licence=pin.licence
    )
    try:
        return resolve_hub(ref), pin.commit
    except AssetError as error:
        if error.__cause__ is None or isinstance(error.__cause__, ImportError):
            raise
        explained = _explained(error.__cause__, repo, revision, repo_type)
        raise AssetError(explained) from error.__cause__


def _read(file: Path) -> _Pin | None:
    """The pin in a file; None where there is none, or it is damaged."""
    try:
        return _Pin.model_validate_json(file.read_bytes())
    except (OSError, ValueError):
        return None


def _looked_up(repo: str, revision: str, choose: Choose, repo_type: RepoType, file: Path) -> _Pin:
    try:
        from huggingface_hub import HfApi, get_token
    except ImportError as error:
        raise MissingPackageError(
            f"the hub's {repo} is fetched with huggingface_hub: install wattmark[hub]"
        ) from error
    try:
        hub = HfApi()
        look_up = hub.model_info if repo_type == "model" else hub.dataset_info
        info = look_up(repo, revision=revision)
    except Exception as error:  # the client raises errors of several network libraries
        raise AssetError(_explained(error, repo, revision, repo_type)) from error
    if info.gated and get_token() is None:
        raise AssetError(_gated(repo, repo_type))
    names = [sibling.rfilename for sibling in info.siblings or ()]
    chosen = choose(names, f"the hub's {repo}@{revision}")
    pin = _Pin(commit=str(info.sha), licence=_licence(info), files=chosen)
    try:
        write_whole(file, pin.model_dump_json())
    except OSError as error:
        raise AssetError(
            f"{file} cannot be written ({error}): set WATTMARK_CACHE to a folder of yours"
        ) from error
    return pin


def _licence(info: ModelInfo | DatasetInfo) -> str:
    tags = (tag.removeprefix("license:") for tag in info.tags or () if tag.startswith("license:"))
    return next(tags, "not stated")


def _gated(repo: str, repo_type: RepoType) -> str:
    page = repo if repo_type == "model" else f"datasets/{repo}"
    return (
        f"the hub's {repo} is gated: accept its terms on its page (huggingface.co/{page}), then "
        "set HF_TOKEN to a token of that account"
    )


def _explained(error: BaseException, repo: str, revision: str, repo_type: RepoType) -> str:
    """What was wrong and what to do, for an error of huggingface_hub."""
    from huggingface_hub import errors

    where = f"the hub's {repo}"
    model = repo_type == "model"
    copy = "folder:PATH" if model else "NAME=folder:PATH"
    response: Any = getattr(error, "response", None)
    status = getattr(response, "status_code", None)
    if isinstance(error, errors.GatedRepoError):
        return _gated(repo, repo_type)
    if isinstance(error, errors.RevisionNotFoundError):
        cure = "a commit, a tag or a branch after '@'" if model else f"a copy as {copy}"
        return f"{where} has no revision {revision!r}: give {cure}"
    if isinstance(error, errors.RepositoryNotFoundError) or status == 404:
        cure = "check ORG/NAME" if model else f"give a copy as {copy}"
        return (
            f"{where} does not exist, or is private: {cure}; for a private one set "
            "HF_TOKEN to a token that may read it"
        )
    if status in (401, 403):
        return f"{where} may not be read ({status}): set HF_TOKEN to a token that may read it"
    if status is not None:
        return f"{where} could not be fetched (status {status}): try again later"
    return (
        f"{where} could not be fetched, the hub is out of reach ({type(error).__name__}: {error}): "
        f"check the network, HF_HUB_OFFLINE and HF_ENDPOINT, or give a copy as {copy}; what "
        "was fetched once needs no network"
    )
