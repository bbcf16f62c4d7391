"""What the simulator writes about its own failures."""

import logging
import traceback


class TracebackOnly(logging.Formatter):
    """Where it failed and with which exception; never a message, which may hold a RUN or token."""

    def format(self, record: logging.LogRecord) -> str:
        if not record.exc_info or record.exc_info[0] is None:
            return f"{record.levelname} {record.name}"
        kind, _, trace = record.exc_info
        return f"{record.levelname} {kind.__name__}\n" + "".join(traceback.format_tb(trace))
