"""What is to be learned of other processes from /proc."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

from wattmark.machine import processes

LISTENER = """
import os, socket, sys, time
one = socket.create_server(("127.0.0.1", 0))
print(one.getsockname()[1], flush=True)
sys.stdin.read()
"""


def test_the_process_that_listens_on_a_port_is_found() -> None:
    with subprocess.Popen(
        [sys.executable, "-S", "-E", "-c", LISTENER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={"MARKED": "a=b"},
    ) as listener:
        assert listener.stdout is not None
        port = int(listener.stdout.readline())
        assert processes.listening(port) == (listener.pid,)
        assert processes.variables_of(listener.pid)["MARKED"] == "a=b"
        assert processes.has_loaded(listener.pid, "libc.so")
        assert not processes.has_loaded(listener.pid, "libcuda.so")
        assert processes.command_of(listener.pid).startswith("python")
        listener.communicate()


def test_a_connection_is_no_listening_socket() -> None:
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("::1", port)) as client:
            assert processes.listening(port) == (os.getpid(),)
            assert processes.listening(client.getsockname()[1]) == ()


def test_of_a_process_that_has_ended_nothing_is_known(tmp_path: Path) -> None:
    assert processes.variables_of(7, tmp_path) == {}
    assert not processes.has_loaded(7, "libc", tmp_path)
    assert processes.command_of(7, tmp_path) == ""
    assert processes.listening(80, tmp_path) == ()
