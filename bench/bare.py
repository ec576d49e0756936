"""The floor: Flask answering fifteen kilobytes of JSON that it had beforehand."""

from flask import Flask, Response

BODY = b'{"items":[' + b",".join([b'"' + b"x" * 750 + b'"'] * 20) + b"]}"


def create_app() -> Flask:
    app = Flask("bare")

    @app.get("/health/live")
    @app.get("/recommend")
    def answer() -> Response:
        return Response(BODY, mimetype="application/json")

    return app
