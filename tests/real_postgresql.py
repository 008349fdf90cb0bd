"""A real PostgreSQL of the tests' own, where the machine has its programs."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import DEVNULL

from sqlalchemy import create_engine

USER = "wattmark"


def programs() -> Path | None:
    """The folder of ``initdb`` and ``postgres``, or None where there is none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if found:
        return found[-1].parent
    initdb = shutil.which("initdb")
    return Path(initdb).resolve().parent if initdb else None


@contextmanager
def cluster(**changed: str) -> Iterator[str]:
    """A running server that listens on a socket in a folder of its own: that folder.

    PostgreSQL refuses to run as root, so it then runs as the user ``postgres``. ``changed`` are
    settings of its own.
    """
    bin_ = programs()
    assert bin_ is not None
    folder = Path(tempfile.mkdtemp(prefix="wattmark-pg-"))
    as_user: list[str] = []
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres")
        as_user = ["runuser", "-u", "postgres", "--"]
    data = folder / "data"
    initdb = [bin_ / "initdb", "-D", data, "-U", USER, "--auth=trust", "-E", "UTF8", "-N"]
    subprocess.run(
        [*as_user, *map(str, initdb), "--locale=C"], check=True, capture_output=True, cwd=folder
    )
    settings = {
        "listen_addresses": "",
        "unix_socket_directories": str(folder),
        "max_connections": "60",
        "shared_buffers": "64MB",
        "fsync": "off",  # the tests kill clients, never the server
        **changed,
    }
    options = " ".join(f"-c {key}={value}" for key, value in settings.items())
    # pg_ctl lets the server go: it is no child of this process, whose children some tests count
    control = [*as_user, str(bin_ / "pg_ctl"), "-D", str(data), "-l", str(folder / "log"), "-w"]
    try:
        subprocess.run([*control, "-o", options, "start"], check=True, cwd=folder, stdout=DEVNULL)
        yield str(folder)
    finally:
        stop = [*control, "stop", "-m", "immediate"]
        subprocess.run(stop, check=False, capture_output=True, cwd=folder)
        shutil.rmtree(folder)


def url(folder: str, schema: str) -> str:
    """SQLAlchemy's URL of a schema of the cluster, as if it were a database of its own."""
    return f"postgresql+psycopg://{USER}@/postgres?host={folder}&options=-csearch_path%3D{schema}"


def new_url(folder: str) -> str:
    """The URL of a new empty schema: much quicker than a new database."""
    name = f"b{secrets.token_hex(6)}"
    engine = create_engine(url(folder, "public"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE SCHEMA {name}")
    engine.dispose()
    return url(folder, name)
