"""Where models come from: a folder, and a stand-in for the hub on this machine."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("huggingface_hub")

from hub_folders import save_bert
from hub_server import COMMIT, NOWHERE, client, served

from wattmark.errors import AssetError, CorruptArchiveError, InputError
from wattmark.models.hub.hub_text_classification import HubTextClassification


@pytest.fixture(scope="module")
def classifier(tmp_path_factory):
    """A repository's files, with two that must never be fetched."""
    folder = tmp_path_factory.mktemp("classifier")
    save_bert(folder, "BertForSequenceClassification")
    (folder / "pytorch_model.bin").write_bytes(b"a pickle")
    (folder / "modeling.py").write_text("raise SystemExit('code of a repository was run')")
    return folder


@pytest.fixture
def endpoint(monkeypatch, tmp_path):
    """``endpoint(url)``: where the hub is; without a token and with an empty cache."""
    return client(monkeypatch, tmp_path)


@pytest.fixture
def hub(endpoint, classifier):
    """The stand-in; gives the paths that it was asked for."""
    with served(classifier) as (url, asked):
        endpoint(url)
        yield asked


def test_model_of_the_hub_is_fetched_once_at_a_commit_and_only_data(hub, classifier, endpoint):
    model = HubTextClassification("hub:org/classifier")
    info = model.info()
    fetched = {path.rpartition("/")[2] for path in hub if "/resolve/" in path}
    assert fetched == {"config.json", "tokenizer.json", "model.safetensors"}
    assert info.licence == "mit" and info.sources[0] == f"hub repository org/classifier at {COMMIT}"
    copy = HubTextClassification(f"folder:{classifier}").info()
    assert info.digest == copy.digest, "the same files are the same model"
    endpoint(NOWHERE)
    assert HubTextClassification("hub:org/classifier").info() == info, "needs no network again"


def test_repository_that_does_not_exist(hub):
    with pytest.raises(AssetError, match=r"org/nothing does not exist, or is private: check"):
        HubTextClassification("hub:org/nothing").preprocess(["a"])


def test_revision_that_does_not_exist(hub):
    with pytest.raises(AssetError, match=r"has no revision 'v9'"):
        HubTextClassification("hub:org/classifier@v9").info()


@pytest.mark.parametrize("token", ["", "hf_of_another_account"])
def test_gated_repository_asks_for_its_terms_and_a_token(hub, monkeypatch, token):
    monkeypatch.setenv("HF_TOKEN", token)
    with pytest.raises(AssetError, match=r"org/gated is gated: accept its terms.*HF_TOKEN"):
        HubTextClassification("hub:org/gated").info()
    assert any("/resolve/" in path for path in hub) == bool(token)


def test_hub_out_of_reach(endpoint):
    endpoint(NOWHERE)
    with pytest.raises(AssetError, match=r"out of reach.*check the network.*folder:PATH"):
        HubTextClassification("hub:org/classifier").info()


@pytest.mark.parametrize("name", ["hub:", "hub:a/b/c", "hub:org/name@", "folder:", "hub:../x y"])
def test_name_that_can_be_no_model_is_refused_at_once(name):
    with pytest.raises(InputError, match="names no model: write hub:ORG/NAME"):
        HubTextClassification(name)


def test_folder_without_settings_or_without_safetensors(tmp_path):
    (tmp_path / "pytorch_model.bin").write_bytes(b"a pickle")
    with pytest.raises(AssetError, match=r"has no config\.json"):
        HubTextClassification(f"folder:{tmp_path}").info()
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(AssetError, match=r"no model\.safetensors; it has pytorch_model\.bin.*code"):
        HubTextClassification(f"folder:{tmp_path}").info()


def test_damaged_files_are_named(tmp_path):
    save_bert(tmp_path, "BertForSequenceClassification")
    weights = tmp_path / "model.safetensors"
    for kept in (-1, 100):
        weights.write_bytes(weights.read_bytes()[:kept])
        with pytest.raises(
            CorruptArchiveError, match=r"model\.safetensors .* is no whole safetens"
        ):
            HubTextClassification(f"folder:{tmp_path}").info()
    (tmp_path / "tokenizer.json").write_text("{")
    with pytest.raises(CorruptArchiveError, match=r"tokenizer\.json"):
        HubTextClassification(f"folder:{tmp_path}").preprocess(["a"])
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(CorruptArchiveError, match=r"config\.json .* is no JSON"):
        HubTextClassification(f"folder:{tmp_path}").info()
