"""A stand-in for the Hugging Face hub on this machine: one repository, and one that is gated."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

COMMIT = "c0ffee" + "0" * 34
#: nothing listens here
NOWHERE = "http://127.0.0.1:9"


class Hub(BaseHTTPRequestHandler):
    """What huggingface_hub asks of the hub: a revision, its files' names, and files."""

    folder = Path()
    #: "models" or "datasets"
    kind = "models"
    #: ORG/NAME of the repositories that are there, both with the folder's files
    repo, gated = "org/classifier", "org/gated"
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
        files = {p.relative_to(self.folder).as_posix(): p for p in sorted(self.folder.rglob("*"))}
        files = {name: p for name, p in files.items() if p.is_file()}
        repo = next((r for r in (self.repo, self.gated) if f"/{r}/" in path), None)
        api = f"/api/{self.kind}/{repo}"
        prefix = "" if self.kind == "models" else f"/{self.kind}"
        if repo is None:
            self.refuse(404, "RepoNotFound")
        elif path == f"{api}/revision/main":
            about = {"id": repo, "sha": COMMIT, "siblings": [{"rfilename": n} for n in files]}
            about |= {"tags": ["license:mit"], "gated": "manual" if repo == self.gated else False}
            self.send(json.dumps(about).encode(), Content_Type="application/json")
        elif "/revision/" in path:
            self.refuse(404, "RevisionNotFound")
        elif path == f"{api}/tree/{COMMIT}":
            tree = [
                {"type": "file", "path": name, "size": p.stat().st_size, "oid": name}
                for name, p in files.items()
            ]
            self.send(json.dumps(tree).encode(), Content_Type="application/json")
        elif repo == self.gated:
            self.refuse(403, "GatedRepo")
        else:
            name = path.removeprefix(f"{prefix}/{repo}/resolve/{COMMIT}/")
            etag = hashlib.sha256(name.encode()).hexdigest()
            self.send(files[name].read_bytes(), ETag=f'"{etag}"', X_Repo_Commit=COMMIT)

    do_HEAD = do_GET


def client(monkeypatch, tmp_path: Path) -> Callable[[str], None]:
    """``use(url)`` sets where the hub is; without a token and with an empty cache."""
    from huggingface_hub import constants

    monkeypatch.setenv("WATTMARK_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("HF_TOKEN", "")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "token"))

    def use(url: str) -> None:
        monkeypatch.setenv("HF_ENDPOINT", url)
        monkeypatch.setattr(constants, "ENDPOINT", url)
        template = url + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)

    return use


@contextmanager
def served(folder: Path, **settings: str) -> Iterator[tuple[str, list[str]]]:
    """The stand-in's address, and the paths that it was asked for; ``settings`` are of `Hub`."""
    asked: list[str] = []
    handler = type("Handler", (Hub,), {"folder": folder, "asked": asked, **settings})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()
