"""DynamoDB where there is no dynoxide: moto's, with its streams, in a process of its own and in memory.

One request at a time. moto takes a transaction apart into reads and writes and puts everything back where one of them
fails: nobody else must come between. So transactions are isolated here too; but for moto's gaps, only what outlives
the process is missing.
"""

from __future__ import annotations

import argparse
import io
import os
import threading
from collections.abc import Callable, Iterable

from infra.local import processes

os.environ["MOTO_DISABLE_GLOBAL_CORS"] = "1"  # moto looks once, when it is imported

from moto.moto_server.werkzeug_app import create_backend_app

from infra.local import moto_repairs, moto_server
from infra.local.moto_server import Environ, StartResponse

Application = Callable[[Environ, StartResponse], Iterable[bytes]]


class Door:
    """Lets in our own processes, one at a time, to DynamoDB and its streams and to nothing else of moto."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._applications: dict[str, Application] = {
            "DynamoDB_20120810": create_backend_app("dynamodb"),
            "DynamoDBStreams_20120810": create_backend_app("dynamodbstreams"),
        }

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        if moto_server.is_stranger(environ):
            return moto_server.answer(start_response, "403 Forbidden")
        service = environ.get("HTTP_X_AMZ_TARGET", "").partition(".")[0]
        application = self._applications.get(service)
        if application is None:
            return moto_server.answer(start_response, "404 Not Found")
        # Read before it is our turn: who sends slowly holds up nobody.
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        with self._lock:
            return list(application({**environ, "wsgi.input": io.BytesIO(body)}, start_response))


def main() -> None:
    """Serve until stopped."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    given = parser.parse_args()
    processes.begin_as_child()
    moto_repairs.apply_to_database()
    listening = processes.listening_socket(given.port)
    moto_server.serving(listening, Door()).serve_forever()


if __name__ == "__main__":
    main()
