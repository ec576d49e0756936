"""The API's documentation page. Swagger UI is served from here: no outside request, no inline script."""

from apiflask import APIBlueprint
from flask import render_template

blueprint = APIBlueprint("docs", __name__, enable_openapi=False)


@blueprint.get("/docs")
def page() -> str:
    return render_template("docs.html")
