"""A query string is read as werkzeug reads it, and an address is matched under any host name."""

import pytest
from apiflask import APIFlask
from flask import request
from pydantic import BaseModel, ConfigDict

from api import parsing


class Anything(BaseModel):
    model_config = ConfigDict(extra="allow")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "&&",
        "k=1&user_id=u",
        "a=1&b=2&a=3&a=4",
        "a=&b&=c",
        "a=b=c&d==",
        "a+b=c+d&%61=%62%2Bc",
        "text=caf%C3%A9&raw=caf\xc3\xa9&lone=%ff&cut=%4&hash=%23",
        "a=1;b=2",
    ],
)
def test_a_query_string_is_read_as_werkzeug_reads_it(app: APIFlask, text: str) -> None:
    with app.test_request_context(environ_overrides={"QUERY_STRING": text}):
        told = parsing.query(Anything).model_extra
        known = {name: one if len(one) > 1 else one[0] for name, one in request.args.lists()}

    assert told == known


@pytest.mark.parametrize("host", ["shop.example", "shop.example:8080", "[::1]:80"])
def test_an_address_that_moved_is_told_under_the_name_the_client_used(
    app: APIFlask, host: str
) -> None:
    answer = app.test_client().get("/console?a=1", headers={"Host": host})

    assert answer.location == f"http://{host.removesuffix(':80')}/console/?a=1"
