"""A loopback proxy in front of the API server that misbehaves on command, with the API server's own certificate."""

import http.client
import json
import socket
import ssl
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from tools.cluster.components import Files
from tools.cluster.controlplane import Cluster
from tools.cluster.credentials import write_kubeconfig
from tools.cluster.faults import Fault, Request, expired_event, status_body

_CHUNK = 65536
_PER_CONNECTION = frozenset(("connection", "keep-alive", "transfer-encoding", "host", "te", "upgrade"))
_NO_FAULT = Fault()


class FaultProxy:
    """Passes everything on until told otherwise. A context manager; safe to command while requests are under way."""

    def __init__(self, cluster: Cluster) -> None:
        self._upstream = urlsplit(cluster.server).netloc
        self._tls = ssl.create_default_context(cadata=cluster.ca)
        self._lock = threading.Lock()
        self._left: dict[Fault, float] = {}
        self._hits: Counter[Fault] = Counter()
        self._requests: Counter[Request] = Counter()
        self._sockets: set[socket.socket] = set()
        self._passing = threading.Event()
        self._passing.set()
        self._ca = cluster.ca
        self._server = _Server(self, Files(cluster.state).certificates)
        self.url = f"https://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self.heal()
        self.disconnect()
        self._server.server_close()

    def kubeconfig(self, token: str, path: Path) -> Path:
        """Write a kubeconfig for the user of `token` that goes through the proxy."""
        return write_kubeconfig(path, self.url, token, self._ca)

    def inject(self, fault: Fault) -> None:
        """From now on this happens to matching requests. Of several faults the one injected first wins."""
        with self._lock:
            self._left[fault] = float("inf") if fault.times is None else fault.times

    def blackhole(self) -> None:
        """From now on nothing gets through, on open connections too: no answer, no error, until heal()."""
        self._passing.clear()

    def disconnect(self) -> None:
        """Cut every open connection now, watches among them."""
        with self._lock:
            for one in self._sockets:
                _cut(one)

    def heal(self) -> None:
        """Pass everything on again. Connections that were in the black hole are cut: what they missed is lost."""
        with self._lock:
            self._left.clear()
        if not self._passing.is_set():
            self.disconnect()
        self._passing.set()

    def hits(self, fault: Fault) -> int:
        """How many requests this fault met."""
        with self._lock:
            return self._hits[fault]

    def count(self, *methods: str, path: str = "", watch: bool | None = None) -> int:
        """How many requests came, chosen as a Fault chooses them."""
        chosen = Fault(methods=frozenset(methods), path=path, watch=watch)
        with self._lock:
            return sum(number for request, number in self._requests.items() if chosen.matches(request))

    def _admit(self, request: Request) -> Fault:
        """Count the request and give what shall happen to it."""
        with self._lock:
            self._requests[request] += 1
            for fault, left in self._left.items():
                if left > 0 and fault.matches(request):
                    self._left[fault] = left - 1
                    self._hits[fault] += 1
                    return fault
        return _NO_FAULT

    def _connect(self) -> http.client.HTTPSConnection:
        return http.client.HTTPSConnection(self._upstream, context=self._tls, timeout=3600)

    def _track(self, *sockets: socket.socket) -> None:
        with self._lock:
            self._sockets.update(sockets)

    def _forget(self, *sockets: socket.socket | None) -> None:
        with self._lock:
            self._sockets.difference_update(one for one in sockets if one)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, proxy: FaultProxy, certificates: Path) -> None:
        self.proxy = proxy
        self._tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._tls.load_cert_chain(certificates / "apiserver.crt", certificates / "apiserver.key")
        super().__init__(("127.0.0.1", 0), _Handler)

    def get_request(self) -> tuple[socket.socket, object]:
        """Accept; the handshake is left to the connection's own thread."""
        connection, address = super().get_request()
        return self._tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False), address

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients may go away at any time; everything else is a bug of the proxy and is shown."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class _Handler(BaseHTTPRequestHandler):
    """One client connection and the one to the API server behind it."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def setup(self) -> None:
        super().setup()
        self._upstream: http.client.HTTPSConnection | None = None
        self.server.proxy._track(self.connection)

    def finish(self) -> None:
        self.server.proxy._forget(self.connection, self._upstream.sock if self._upstream else None)
        if self._upstream:
            self._upstream.close()
        with suppress(OSError):
            super().finish()

    def log_message(self, format: str, *arguments: object) -> None:
        """Say nothing: requests are counted instead."""

    def _serve(self) -> None:
        proxy = self.server.proxy
        request = Request.of(self.command, self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        fault = proxy._admit(request)
        try:
            if not proxy._passing.is_set():
                self._vanish()
            elif fault.status is not None:
                self._answer(fault.status, fault.retry_after)
            elif fault.expired:
                self._stream(200, [("Content-Type", "application/json")], iter([expired_event()]), None)
            else:
                self._pass_on(request, body, fault)
        except (OSError, http.client.HTTPException):
            self._abort()

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815 (http.server's names)

    def _pass_on(self, request: Request, body: bytes, fault: Fault) -> None:
        proxy = self.server.proxy
        if self._upstream is None:
            self._upstream = proxy._connect()
            self._upstream.connect()
            proxy._track(self._upstream.sock)
        headers = {name: value for name, value in self.headers.items() if name.lower() not in _PER_CONNECTION}
        self._upstream.request(self.command, self.path, body or None, headers)
        with self._upstream.getresponse() as answer:
            if fault.delay:
                time.sleep(fault.delay)
            kept = [(name, value) for name, value in answer.getheaders() if name.lower() not in _PER_CONNECTION]
            content = iter(lambda: answer.read1(_CHUNK), b"")
            self._stream(answer.status, kept, content, fault.cut_after)
            if answer.will_close:
                self.close_connection = True

    def _stream(
        self, status: int, headers: list[tuple[str, str]], content: Iterable[bytes], cut_after: int | None
    ) -> None:
        chunked = not any(name.lower() == "content-length" for name, _ in headers) and status not in (204, 304)
        self.send_response_only(status)
        for name, value in [*headers, *([("Transfer-Encoding", "chunked")] if chunked else [])]:
            self.send_header(name, value)
        self.end_headers()
        sent = 0
        for piece in content:
            if not self.server.proxy._passing.is_set():
                return self._vanish()
            if cut_after is not None and sent + len(piece) >= cut_after:
                self._write(piece[: cut_after - sent], chunked)
                return self._abort()
            self._write(piece, chunked)
            sent += len(piece)
        if chunked:
            self.wfile.write(b"0\r\n\r\n")
        return None

    def _write(self, piece: bytes, chunked: bool) -> None:
        if piece:
            self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)

    def _answer(self, status: int, retry_after: int | None) -> None:
        body = json.dumps(status_body(status)).encode()
        headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
        if retry_after is not None:
            headers.append(("Retry-After", str(retry_after)))
        self._stream(status, headers, [body], None)

    def _vanish(self) -> None:
        self.server.proxy._passing.wait()
        self._abort()

    def _abort(self) -> None:
        self.close_connection = True
        _cut(self.connection)


def _cut(connection: socket.socket) -> None:
    with suppress(OSError):
        socket.socket.shutdown(connection, socket.SHUT_RDWR)
