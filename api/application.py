"""Our APIFlask: what every request costs before any of our code sees it."""

from functools import lru_cache

from apiflask import APIFlask
from flask import Request
from werkzeug.routing import Map, MapAdapter
from werkzeug.wsgi import get_host


class Application(APIFlask):
    """Answers under any host name: a request is routed by its method and path alone."""

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        """As Flask's, which reads the host of every request twice and encodes it for the DNS.

        Raises:
            BadHost, SecurityError: The client names no host; Flask answers 400.
        """
        if request is None:
            return super().create_url_adapter(None)
        sent = request.environ
        return MapAdapter(
            self.url_map,
            _server(
                sent["wsgi.url_scheme"],
                sent.get("HTTP_HOST"),
                sent["SERVER_NAME"],
                sent["SERVER_PORT"],
            ),
            request.root_path,
            "",
            sent["wsgi.url_scheme"],
            request.path,
            request.method,
            request.query_string.decode(errors="replace"),
        )


@lru_cache(maxsize=64)  # a server has few names, and whoever invents some gains nothing
def _server(scheme: str, host: str | None, name: str, port: str) -> str:
    sent = {"wsgi.url_scheme": scheme, "HTTP_HOST": host, "SERVER_NAME": name, "SERVER_PORT": port}
    return Map().bind(get_host(sent).lower()).server_name
