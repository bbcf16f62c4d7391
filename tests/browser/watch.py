"""Notices what a student would not: errors in the console and requests to strangers."""

from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, ConsoleMessage, Request, Response, WebError

OURSELVES = {"localhost", "127.0.0.1"}


class Watch:
    """`errors` and `requests` of every context that it follows, in order of appearance."""

    def __init__(self) -> None:
        self.errors: list[str] = []
        self.requests: list[Request] = []
        self.responses: list[Response] = []

    def follow(self, context: BrowserContext) -> None:
        context.on("request", self._request)
        context.on("response", self._response)
        context.on("console", self._console)
        context.on("weberror", self._web_error)

    def to(self, part: str) -> list[Request]:
        """The requests whose address has the part in it."""
        return [request for request in self.requests if part in request.url]

    def strangers(self) -> list[str]:
        """The addresses asked for that are not of this machine."""
        addresses = [request.url for request in self.requests]
        return [url for url in addresses if urlsplit(url).hostname not in OURSELVES]

    def expect_error(self, part: str) -> None:
        """Assert that there was such an error, and nothing else, and forget it."""
        assert self.errors
        assert all(part in error for error in self.errors), self.errors
        self.errors.clear()

    def _request(self, request: Request) -> None:
        self.requests.append(request)

    def _response(self, response: Response) -> None:
        self.responses.append(response)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.errors.append(message.text)

    def _web_error(self, error: WebError) -> None:
        self.errors.append(str(error.error))
