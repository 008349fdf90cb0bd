"""Where models come from: a folder, and a stand-in for the hub on this machine."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")
huggingface_hub = pytest.importorskip("huggingface_hub")

from hub_folders import save_bert  # noqa: E402

from wattmark.errors import AssetError, CorruptArchiveError, PlanError  # noqa: E402
from wattmark.models.hub_text_classification import HubTextClassification  # noqa: E402

COMMIT = "c0ffee" + "0" * 34


@pytest.fixture(scope="module")
def classifier(tmp_path_factory):
    """A repository's files, with two that must never be fetched."""
    folder = tmp_path_factory.mktemp("classifier")
    save_bert(folder, "BertForSequenceClassification")
    (folder / "pytorch_model.bin").write_bytes(b"a pickle")
    (folder / "modeling.py").write_text("raise SystemExit('code of a repository was run')")
    return folder


class Hub(BaseHTTPRequestHandler):
    """What huggingface_hub asks of the hub: a revision, its files' names, and files."""

    folder = None
    asked: list[str] = []

    def log_message(self, *arguments):
        pass

    def refuse(self, status, code):
        self.send_response(status)
        self.send_header("X-Error-Code", code)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def send(self, body, **headers):
        self.send_response(200)
        for name, value in {**headers, "Content-Length": len(body)}.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def do_GET(self):
        path = unquote(urlsplit(self.path).path)
        self.asked.append(path)
        files = [p for p in sorted(self.folder.iterdir()) if p.is_file()]
        kind = "gated" if "/org/gated" in path else "classifier"
        if f"/org/{kind}" not in path:
            self.refuse(404, "RepoNotFound")
        elif path == f"/api/models/org/{kind}/revision/main":
            siblings = [{"rfilename": p.name} for p in files]
            about = {"id": f"org/{kind}", "sha": COMMIT, "siblings": siblings}
            about |= {"tags": ["license:mit"], "gated": "manual" if kind == "gated" else False}
            self.send(json.dumps(about).encode(), Content_Type="application/json")
        elif "/revision/" in path:
            self.refuse(404, "RevisionNotFound")
        elif path == f"/api/models/org/{kind}/tree/{COMMIT}":
            tree = [
                {"type": "file", "path": p.name, "size": p.stat().st_size, "oid": p.name}
                for p in files
            ]
            self.send(json.dumps(tree).encode(), Content_Type="application/json")
        elif kind == "gated":
            self.refuse(403, "GatedRepo")
        else:
            name = path.removeprefix(f"/org/{kind}/resolve/{COMMIT}/")
            body = (self.folder / name).read_bytes()
            self.send(body, ETag=f'"{name}"', X_Repo_Commit=COMMIT)

    do_HEAD = do_GET


@pytest.fixture
def endpoint(monkeypatch, tmp_path):
    """``endpoint(url)``: where the hub is; without a token and with an empty cache."""
    monkeypatch.setenv("WATTMARK_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("HF_TOKEN", "")
    constants = huggingface_hub.constants
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "token"))

    def use(url):
        monkeypatch.setenv("HF_ENDPOINT", url)
        monkeypatch.setattr(constants, "ENDPOINT", url)
        template = url + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)

    return use


@pytest.fixture
def hub(endpoint, classifier, monkeypatch):
    """The stand-in; gives the paths that it was asked for."""
    asked: list[str] = []
    handler = type("Handler", (Hub,), {"folder": classifier, "asked": asked})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        endpoint(f"http://127.0.0.1:{server.server_port}")
        yield asked
        server.shutdown()


def test_model_of_the_hub_is_fetched_once_at_a_commit_and_only_data(hub, classifier, endpoint):
    model = HubTextClassification("hub:org/classifier")
    info = model.info()
    fetched = {path.rpartition("/")[2] for path in hub if "/resolve/" in path}
    assert fetched == {"config.json", "tokenizer.json", "model.safetensors"}
    assert info.licence == "mit" and info.sources[0] == f"hub repository org/classifier at {COMMIT}"
    copy = HubTextClassification(f"folder:{classifier}").info()
    assert info.digest == copy.digest, "the same files are the same model"
    endpoint("http://127.0.0.1:9")
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
    endpoint("http://127.0.0.1:9")
    with pytest.raises(AssetError, match=r"out of reach.*check the network.*folder:PATH"):
        HubTextClassification("hub:org/classifier").info()


@pytest.mark.parametrize("name", ["hub:", "hub:a/b/c", "hub:org/name@", "folder:", "hub:../x y"])
def test_name_that_can_be_no_model_is_refused_at_once(name):
    with pytest.raises(PlanError, match="names no model: write hub:ORG/NAME"):
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
