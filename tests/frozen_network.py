"""A network between the site and its database that can freeze: what goes in comes out nowhere."""

import select
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class Network:
    """Forwards from a TCP port of this machine's to a Unix socket, until `freeze()`.

    Frozen, it takes connections and bytes as before, which is the worst that a network does: no
    error, no refusal, and not even a packet that nobody acknowledges.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.is_moving = threading.Event()
        self.is_moving.set()
        threading.Thread(target=self._listen, daemon=True).start()

    def freeze(self) -> None:
        self.is_moving.clear()

    def thaw(self) -> None:
        self.is_moving.set()

    def close(self) -> None:
        self.listener.close()
        self.thaw()

    def _listen(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                threading.Thread(target=self._forward, args=[client], daemon=True).start()

    def _forward(self, client: socket.socket) -> None:
        with suppress(OSError), client, socket.socket(socket.AF_UNIX) as server:
            server.connect(self.path)
            others = {client: server, server: client}
            while True:
                for source in select.select(list(others), [], [])[0]:
                    data = source.recv(2**16)
                    self.is_moving.wait()
                    if not data:
                        return
                    others[source].sendall(data)


@contextmanager
def network_to(path: str) -> Iterator[Network]:
    network = Network(path)
    try:
        yield network
    finally:
        network.close()
