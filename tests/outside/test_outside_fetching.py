"""One question over HTTP: limits, redirects, compression, proxies; from a stand-in on loopback."""

from __future__ import annotations

import gzip
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from wattmark.outside.fetching import Fault, FetchError, Limits, fetch

LIMITS = Limits(total_s=30, most_bytes=1000)
FINE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
SECRET = {"Authorization": "Bearer s3cr3t"}

Reply = Callable[[socket.socket, threading.Event], None]


class Server:
    """Reads one request from each connection, keeps it, and answers with ``reply``."""

    def __init__(self, listening: socket.socket, reply: bytes | Reply) -> None:
        self.url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        self.requests: list[str] = []
        self.over = threading.Event()
        self._listening, self._reply = listening, reply

    def serve(self) -> None:
        while not self.over.is_set():
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            with connection, suppress(OSError):  # of a client that gave up
                self.requests.append(connection.recv(65536).decode())
                if isinstance(self._reply, bytes):
                    connection.sendall(self._reply)
                else:
                    self._reply(connection, self.over)


@contextmanager
def serving(reply: bytes | Reply) -> Iterator[Server]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = Server(listening, reply)
        thread = threading.Thread(target=server.serve)
        thread.start()
        try:
            yield server
        finally:
            server.over.set()
            listening.shutdown(socket.SHUT_RDWR)
            thread.join()


def fault(url: str, limits: Limits = LIMITS, **kept: str) -> tuple[Fault, str]:
    with pytest.raises(FetchError) as failed:
        fetch(url, limits, headers=kept)
    return failed.value.fault, str(failed.value)


def test_the_answer_is_whole_whatever_its_status() -> None:
    head = b"HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nContent-Length: 9\r\n\r\n"
    with serving(head + b'{"a": [1]}'[:9]) as server:
        answer = fetch(f"{server.url}/x?y=1", LIMITS, headers=SECRET)
    assert (answer.status, answer.headers["retry-after"]) == (503, "7")
    with pytest.raises(ValueError):
        answer.document()
    (asked,) = server.requests
    assert asked.startswith("GET /x?y=1 HTTP/1.1\r\n")
    assert "Authorization: Bearer s3cr3t" in asked and "Accept-Encoding: identity" in asked


def test_content_is_posted() -> None:
    with serving(FINE) as server:
        answer = fetch(server.url, LIMITS, headers={"Content-Type": "text/plain"}, content=b"hello")
    assert answer.document() == {}
    assert server.requests[0].startswith("POST / ") and "Content-Length: 5" in server.requests[0]


def test_json_that_nests_without_end_is_no_document() -> None:
    body = b"[" * 100_000
    with serving(b"HTTP/1.1 200 OK\r\n\r\n" + body) as server:
        answer = fetch(server.url, Limits(30, 200_000), headers={})
    with pytest.raises(ValueError, match="too deep"):
        answer.document()


@pytest.mark.parametrize(
    "reply",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n" + b" " * 2000,
        b"HTTP/1.1 200 OK\r\n\r\n" + b" " * 2000,  # no length said, ends with the connection
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        + (b"100\r\n" + b" " * 256 + b"\r\n") * 9,
    ],
)
def test_an_answer_that_is_too_long_is_not_read_on(reply: bytes) -> None:
    with serving(reply) as server:
        assert fault(server.url) == (Fault.LONG, "the answer is longer than 1000 bytes")


def test_an_endless_answer_is_cut_at_the_limit() -> None:
    def pour(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while not over.is_set():
            connection.sendall(b" " * 4096)

    with serving(pour) as server:
        assert fault(server.url)[0] is Fault.LONG


def test_a_compressed_answer_is_refused_before_it_can_grow() -> None:
    bomb = gzip.compress(bytes(50_000_000))
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(bomb)}\r\n\r\n"
    with serving(head.encode() + bomb) as server:
        found, said = fault(server.url)
    assert found is Fault.BROKEN and "compressed (gzip)" in said


@pytest.mark.parametrize("after", [b"", b"HTTP/1.1 200 OK\r\n\r\n"], ids=["head", "body"])
def test_a_byte_now_and_then_does_not_outlast_the_whole_time(after: bytes) -> None:
    def trickle(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(after or b"HTTP/1.1 200 OK\r\nX: ")
        while not over.wait(0.02):
            connection.sendall(b"x")

    with serving(trickle) as server:
        assert fault(server.url, Limits(0.3, 10**6))[0] is Fault.LATE


@pytest.mark.parametrize("limits", [Limits(0.1, 1000), Limits(60, 1000, silence_s=0.1)])
def test_a_server_that_says_nothing_is_late(limits: Limits) -> None:
    with serving(lambda connection, over: over.wait(60) and None) as server:
        assert fault(server.url, limits)[0] is Fault.LATE


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_an_answer_and_the_secret_goes_nowhere(status: int) -> None:
    with serving(FINE) as other:
        head = f"HTTP/1.1 {status} Moved\r\nLocation: {other.url}/\r\nContent-Length: 0\r\n\r\n"
        with serving(head.encode()) as server:
            answer = fetch(server.url, LIMITS, headers=SECRET)
    assert (answer.status, answer.headers["location"]) == (status, f"{other.url}/")
    assert not other.requests


def test_this_machine_is_never_asked_through_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    with serving(FINE) as proxy, serving(FINE) as server:
        monkeypatch.setenv("http_proxy", proxy.url)
        assert fetch(server.url, LIMITS, headers={}).status == 200
        port = server.url.rpartition(":")[2]
        assert fetch(f"http://localhost:{port}", LIMITS, headers={}).status == 200
        assert not proxy.requests
        fetch("http://board.invalid/x", LIMITS, headers={})
    assert proxy.requests[0].startswith("GET http://board.invalid/x ")


def test_a_proxy_that_cannot_be_used_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "gopher://127.0.0.1:1")
    found, said = fault("https://board.invalid")
    assert found is Fault.UNREACHABLE and "proxy that the environment names" in said


def test_names_and_cookies_are_not_brought_along(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (netrc := tmp_path / "netrc").write_text("default login me password hunter2\n")
    monkeypatch.setenv("NETRC", str(netrc))
    reply = FINE.replace(b"OK\r\n", b"OK\r\nSet-Cookie: a=b\r\n")
    with serving(reply) as server:
        for _ in range(2):
            fetch(server.url, LIMITS, headers={})
    assert not any("Authorization" in said or "Cookie" in said for said in server.requests)


@pytest.mark.parametrize("value", ["Bearer s3cr3t\r\nX-Evil: 1", "Bearer s3cr3tä"])
def test_a_header_that_cannot_be_sent_is_not_shown(value: str) -> None:
    with serving(FINE) as server:
        found, said = fault(server.url, Authorization=value)
        assert not any(server.requests)
    assert found is Fault.UNREACHABLE and "s3cr3t" not in said


def test_nobody_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
    found, said = fault(url)
    assert found is Fault.UNREACHABLE and "refused" in said


@pytest.mark.parametrize(
    "reply",
    [
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
        b"",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 300_000,
    ],
    ids=["another protocol", "cut short", "nothing", "endless header"],
)
def test_what_is_no_whole_answer_is_broken(reply: bytes) -> None:
    with serving(reply) as server:
        assert fault(server.url)[0] is Fault.BROKEN


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/x", "http://", "http://a b/", "http://[::1"])
def test_what_is_no_address_is_unreachable(url: str) -> None:
    assert fault(url)[0] is Fault.UNREACHABLE


def self_signed(folder: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 and its key."""
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-days", "1", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1",
         "-keyout", key, "-out", certificate],
        check=True, capture_output=True,
    )  # fmt: skip
    return certificate, key


@pytest.mark.skipif(shutil.which("openssl") is None, reason="makes a certificate with openssl")
def test_a_certificate_that_nobody_vouches_for(tmp_path: Path) -> None:
    certificate, key = self_signed(tmp_path)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"https://127.0.0.1:{listening.getsockname()[1]}"

        def answer() -> None:
            for _ in range(2):
                connection, _ = listening.accept()
                with suppress(OSError), tls.wrap_socket(connection, server_side=True) as secured:
                    secured.recv(65536)
                    secured.sendall(FINE)

        thread = threading.Thread(target=answer)
        thread.start()
        found, said = fault(url)
        assert found is Fault.UNTRUSTED and "self-signed" in said
        assert fetch(url, LIMITS, headers={}, verify_tls=False).status == 200
        thread.join()
