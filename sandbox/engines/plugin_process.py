"""What every plugin process does: serve on a free loopback port, say which, and end with its engine."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from concurrent import futures
from typing import Any, Final

import grpc

PARENT_POLL_SECONDS: Final = 1.0
_MESSAGE_LIMIT: Final = 400 * 1024 * 1024  # bytes; the engine's own limit
_WORKERS: Final = 32


def serve(register: Callable[[Any], None], *, on_stop: Callable[[], None] | None = None) -> int:
    """Serve until the engine goes or says stop (SIGINT, SIGTERM); returns the exit code.

    Args:
        register: adds the servicer to a gRPC server.
        on_stop: called once before the process ends, to end its children.
    """
    server = grpc.server(
        futures.ThreadPoolExecutor(max_workers=_WORKERS),
        options=[
            ("grpc.max_receive_message_length", _MESSAGE_LIMIT),
            ("grpc.max_send_message_length", _MESSAGE_LIMIT),
        ],
    )
    register(server)
    port = server.add_insecure_port("127.0.0.1:0")
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    parent = os.getppid()
    while not stop.wait(PARENT_POLL_SECONDS) and os.getppid() == parent:
        pass
    if on_stop:
        on_stop()
    server.stop(grace=None)
    # Calls in flight hold threads that would keep the interpreter alive; the engine has no use for
    # their answers.
    sys.stdout.flush()
    os._exit(0)


def end_with_parent() -> None:
    """End this process when its parent is gone, and quietly on SIGINT and SIGTERM.

    For children of a plugin.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(PARENT_POLL_SECONDS)
        os._exit(0)

    threading.Thread(target=watch, name="parent-watch", daemon=True).start()
