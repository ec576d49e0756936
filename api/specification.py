"""The OpenAPI 3.1 document: what no route says about itself."""

from typing import Any

from apiflask import APIFlask

_DESCRIPTION = (
    "Recommendations with the creative that goes with them. Errors are RFC 9457 problem+json. "
    "Send a key as `Authorization: Bearer <key>` or `X-Api-Key`; `flask --app api keys create` makes one."
)
_TAGS = ["Storefront", "Catalogue", "Creatives", "Campaigns", "Admin", "Operations"]
_PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "instance"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "message"],
                "properties": {"field": {"type": "string"}, "message": {"type": "string"}},
            },
        },
    },
}

_EVENT = {
    "type": "object",
    "description": "Ours as below; GA4 and Segment payloads are taken as they are",
    "properties": {
        "event_id": {"type": "string", "maxLength": 200},
        "user_id": {"type": "string", "maxLength": 200},
        "item_id": {"type": "string", "maxLength": 200},
        "kind": {"type": "string", "enum": ["view", "cart", "purchase", "like", "dismiss"]},
        "at": {"type": "string", "format": "date-time"},
        "quantity": {"type": "integer", "minimum": 1},
        "order_id": {"type": "string", "maxLength": 200},
        "recommendation_id": {"type": "string", "maxLength": 64},
        "price": {
            "type": "number",
            "minimum": 0,
            "description": "Of a purchase: what was paid for one piece",
        },
        "currency": {
            "type": "string",
            "pattern": "^[A-Za-z]{3}$",
            "description": "Of the price; the item's own where it is left out",
        },
    },
}
_LIST = {"type": "array", "items": _EVENT, "minItems": 1, "maxItems": 1000}
_FEED = {"schema": {"type": "string", "format": "binary"}}
_PICTURE: dict[str, Any] = {
    **dict.fromkeys(("image/png", "image/jpeg", "image/webp"), _FEED),
    "multipart/form-data": {"schema": {"type": "object", "properties": {"file": _FEED["schema"]}}},
}
# Bodies that no pydantic model reads: an event in three dialects, a feed in four formats.
_BODIES: dict[str, dict[str, Any]] = {
    "/events": {
        "application/json": {
            "schema": {
                "oneOf": [
                    _EVENT,
                    _LIST,
                    {"type": "object", "required": ["events"], "properties": {"events": _LIST}},
                ]
            }
        }
    },
    **dict.fromkeys(("/brand/logo", "/backdrops"), _PICTURE),
    "/items/import": {
        "text/csv": _FEED,
        "application/jsonl": _FEED,
        "application/xml": _FEED,
        "text/tab-separated-values": _FEED,
        "multipart/form-data": {
            "schema": {"type": "object", "properties": {"file": _FEED["schema"]}}
        },
    },
}
# What a route answers besides its usual status, with the same body.
_ALSO = {
    ("/items/{item_id}", "put", "200"): ("201", "The item is new"),
    ("/collages", "post", "202"): ("200", "The collage is drawn already"),
    ("/campaigns", "post", "202"): ("200", "The campaign that this `Idempotency-Key` has made"),
    ("/health/ready", "get", "200"): ("503", "No shopper could be answered"),
}
_OPEN = ("/banner", "/picture")  # pictures are for whoever was sent their address
_IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "schema": {"type": "string", "maxLength": 200},
    "description": "Any text of yours; the same one makes the same campaign",
}


def file_answer(media_type: str, description: str) -> dict[int | str, Any]:
    """The documented 200 of a route that sends no JSON."""
    return {200: {"description": description, "content": {media_type: {}}}}


def describe(app: APIFlask) -> None:
    app.config.update(
        OPENAPI_VERSION="3.1.0",
        DESCRIPTION=_DESCRIPTION,
        AUTO_SERVERS=False,
        AUTO_404_RESPONSE=False,
        AUTO_VALIDATION_ERROR_RESPONSE=False,
        AUTO_AUTH_ERROR_RESPONSE=False,
        SECURITY_SCHEMES={
            "Bearer": {"type": "http", "scheme": "bearer"},
            "Key": {"type": "apiKey", "in": "header", "name": "X-Api-Key"},
        },
    )
    app.spec_processor(_complete)


def _complete(spec: Any) -> Any:
    """Every operation may end as a problem, and all but the open ones want a key."""
    # As TAGS in the configuration, each route would lose the one of its blueprint.
    spec["tags"] = [{"name": name} for name in _TAGS]
    spec["components"].setdefault("schemas", {})["Problem"] = _PROBLEM
    answer = {
        "description": "A problem that names what to mend",
        "content": {
            "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
        },
    }
    for path, content in _BODIES.items():
        spec["paths"][path]["post"]["requestBody"] = {"required": True, "content": content}
    for path, operations in spec["paths"].items():
        for operation in operations.values():
            if not isinstance(operation, dict):
                continue
            operation["responses"]["default"] = answer
            if not path.startswith(("/health", "/media")) and not path.endswith(_OPEN):
                operation["security"] = [{"Bearer": []}, {"Key": []}]
    for (path, method, usual), (status, description) in _ALSO.items():
        answers = spec["paths"][path][method]["responses"]
        answers[status] = {**answers[usual], "description": description}
    spec["paths"]["/creatives/{key}/banner"]["get"]["responses"]["304"] = {
        "description": "The picture that `If-None-Match` names is still the one"
    }
    spec["paths"]["/campaigns"]["post"].setdefault("parameters", []).append(_IDEMPOTENCY_KEY)
    _set_apart(spec["paths"])
    return spec


def _set_apart(paths: dict[str, Any]) -> None:
    """Tell which values of a path's last parameter are another operation's address.

    `GET /admin/rules/history` is never the rule called history: a client made from this document must know.
    """
    for path, operations in paths.items():
        above, _, last = path.rpartition("/")
        for method, operation in operations.items():
            beside = [
                other.rpartition("/")[2]
                for other, there in paths.items()
                if method in there
                and other.rpartition("/")[0] == above
                and "{" not in other[len(above) :]
            ]
            for parameter in operation["parameters"] if beside and last.startswith("{") else ():
                if parameter["in"] == "path" and parameter["name"] == last.strip("{}"):
                    parameter["schema"] = {**parameter["schema"], "not": {"enum": beside}}
