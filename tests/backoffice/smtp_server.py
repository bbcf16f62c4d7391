"""A mail server on loopback that speaks enough SMTP, and fails in the ways that servers do."""

import re
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage


class Handler(socketserver.StreamRequestHandler):
    server: "SmtpServer"

    def handle(self) -> None:
        self.server.connections += 1
        self.recipients: list[str] = []
        self.taken = 0
        self.say("220 loopback ESMTP")
        while line := self.rfile.readline():
            verb, _, rest = line.decode().strip().partition(" ")
            answer = getattr(self, f"on_{verb.lower()}", self.on_other)(rest)
            if answer is None:
                return
            self.say(answer)

    def say(self, answer: str) -> None:
        self.wfile.write(f"{answer}\r\n".encode())

    def on_ehlo(self, rest: str) -> str:
        return "250 loopback"

    def on_other(self, rest: str) -> str:
        return "250 OK"

    def on_mail(self, rest: str) -> str | None:
        self.recipients = []
        if self.taken == self.server.mails_a_connection:
            self.say("421 enough for one connection")
            return None
        return "553 not from you" if self.server.refuses_sender else "250 OK"

    def on_rcpt(self, rest: str) -> str:
        address = re.search(r"<(.*)>", rest)[1]
        if address in self.server.refused:
            return f"550 <{address}> unknown"
        self.recipients.append(address)
        return "250 OK"

    def on_data(self, rest: str) -> str | None:
        self.say("354 go on")
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
        if self.server.drops(self.recipients):
            return None
        self.server.keep(self.recipients, b"".join(lines))
        self.taken += 1
        return "250 taken"

    def on_quit(self, rest: str) -> None:
        self.say("221 bye")


class SmtpServer(socketserver.ThreadingTCPServer):
    """What it took is in `mails`: pairs of an envelope's recipient and the message."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.lock = threading.Lock()
        self.mails: list[tuple[str, EmailMessage]] = []
        self.connections = 0
        self.refused: set[str] = set()
        self.dropped: set[str] = set()
        self.refuses_sender = False
        self.mails_a_connection: int | None = None

    def drops(self, recipients: list[str]) -> bool:
        return bool(self.dropped & set(recipients))

    def keep(self, recipients: list[str], raw: bytes) -> None:
        message = message_from_bytes(raw, policy=policy.default)
        with self.lock:
            self.mails += [(recipient, message) for recipient in recipients]

    @property
    def recipients(self) -> list[str]:
        return [recipient for recipient, _ in self.mails]


@contextmanager
def smtp_server() -> Iterator[SmtpServer]:
    with SmtpServer() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
