"""gunicorn in production: `gunicorn usecap_sence.wsgi`."""

import multiprocessing

bind = "127.0.0.1:8000"
workers = 2 * multiprocessing.cpu_count() + 1
# A callback waits for a database that is away before it goes to disk: well within this.
timeout = 30
# With threads a long download of an export does not count as a worker that hangs.
worker_class = "gthread"
threads = 4
# The path of a callback holds its nonce, which no log may have. The proxy's log must leave
# /sence/ and /asistencia/ out as well: a session's page has the form with the OTEC's token.
accesslog = None
# Nobody steers a running server from a socket in its home folder.
control_socket_disable = True
