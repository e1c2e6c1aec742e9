"""A TCP relay that breaks connections in the midst of what a server sends."""

import contextlib
import socket
import threading
from collections.abc import Callable
from typing import Self
from urllib.parse import urlsplit

PIECE_BYTES = 65_536
END_SECONDS = 5.0


class Cutter:
    """Hands bytes on to a server; each large answer is cut, as often as it is told.

    cuts: how many connections break, each after `after_bytes` of what the server sent on it.
    """

    def __init__(self, uri: str, *, cuts: int, after_bytes: int) -> None:
        address = urlsplit(uri)
        self._target = (address.hostname or "127.0.0.1", address.port or 27017)
        self._left = cuts
        self._after_bytes = after_bytes
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.uri = f"mongodb://127.0.0.1:{self._listener.getsockname()[1]}/"
        self.done = 0
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Self:
        """Start."""
        self._start(self._accept)
        return self

    def __exit__(self, *_error: object) -> None:
        """Stop taking connections, and wait until those that there were have ended."""
        self._listener.shutdown(socket.SHUT_RDWR)  # a close alone wakes no accept
        self._listener.close()
        for thread in self._threads:
            thread.join(END_SECONDS)

    def _start(self, target: Callable[..., None], *arguments: socket.socket) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.create_connection(self._target)
                self._start(self._forward, near, far)
                self._start(self._answer, far, near)

    def _forward(self, near: socket.socket, far: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while piece := near.recv(PIECE_BYTES):
                far.sendall(piece)
        self._close(near, far)

    def _answer(self, far: socket.socket, near: socket.socket) -> None:
        sent = 0
        with contextlib.suppress(OSError):
            while piece := far.recv(PIECE_BYTES):
                sent += len(piece)
                if sent > self._after_bytes and self._take_cut():
                    break
                near.sendall(piece)
        self._close(near, far)

    def _take_cut(self) -> bool:
        with self._lock:
            if not self._left:
                return False
            self._left -= 1
            self.done += 1
            return True

    def _close(self, *sockets: socket.socket) -> None:
        for each in sockets:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
