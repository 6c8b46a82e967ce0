"""The server process of a local AWS: MiniStack, with the code interpreter beside it.

It reads its settings as one line of JSON from standard input, writes one line with its port to
standard output, and serves until it is told to stop or standard input ends.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import logging
import shutil
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO

from agentcore_local import _ministack
from agentcore_local.settings import Settings


def main() -> None:
    """Serve one local AWS."""
    settings = Settings.from_json(json.loads(sys.stdin.readline()))
    logging.basicConfig(
        level=settings.log_level, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    listener = _listen(settings)
    stop_with_input = "--stop-with-standard-input" in sys.argv[1:]
    with _lock(settings), _temporary_folder(settings):
        _ministack.prepare_environment(settings, listener.getsockname()[1])
        asyncio.run(_serve(settings, listener, stop_with_input=stop_with_input))
        _ministack.end_functions()


@contextmanager
def _temporary_folder(settings: Settings) -> Iterator[None]:
    """Begin without what a server left that was killed, and leave nothing."""
    shutil.rmtree(settings.temporary_folder, ignore_errors=True)
    try:
        yield
    finally:
        shutil.rmtree(settings.temporary_folder, ignore_errors=True)


def _listen(settings: Settings) -> socket.socket:
    """Bind the port before MiniStack is imported, because it reads the port while it is."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
    except OSError as error:
        print(
            f"the local AWS cannot listen on {settings.host}:{settings.port}: {error.strerror}. "
            "Another local AWS may be running there: choose another port, or end that one",
            file=sys.stderr,
        )
        raise SystemExit(3) from None
    listener.listen(512)
    listener.setblocking(False)
    return listener


def _lock(settings: Settings) -> IO[str]:
    """Keep the data folder for this server: another one would end its sessions' processes."""
    lock = (settings.data_folder / "server.lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        print(
            f"the data folder {settings.data_folder} is another local AWS's, which runs; give each "
            "a folder of its own, or leave the folder out",
            file=sys.stderr,
        )
        raise SystemExit(4) from None
    return lock


async def _serve(settings: Settings, listener: socket.socket, *, stop_with_input: bool) -> None:
    from hypercorn.asyncio import serve
    from hypercorn.config import Config

    from agentcore_local.gateway import Gateway

    configuration = Config()
    configuration.bind = [f"fd://{listener.fileno()}"]
    configuration.keep_alive_timeout = 75
    configuration.graceful_timeout = 2
    configuration.loglevel = settings.log_level
    configuration.accesslog = None
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    end_of_input = await _watch_standard_input(stop) if stop_with_input else None

    port = listener.getsockname()[1]
    gateway = Gateway(settings, port, on_ready=lambda: _announce(port))
    await serve(gateway, configuration, shutdown_trigger=stop.wait)  # type: ignore[arg-type]
    if end_of_input is not None:
        end_of_input.cancel()


def _announce(port: int) -> None:
    print(json.dumps({"port": port}), flush=True)


async def _watch_standard_input(stop: asyncio.Event) -> asyncio.Task[None]:
    """Stop when whoever started the server ends, however it ends."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)

    async def wait_for_end() -> None:
        with suppress(ConnectionError):
            await reader.read()
        stop.set()

    return loop.create_task(wait_for_end())


if __name__ == "__main__":
    main()
