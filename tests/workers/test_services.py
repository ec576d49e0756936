"""The services that the other tests stand on."""

import redis
from sqlalchemy import Engine, inspect, text


def test_each_database_has_every_table_and_takes_rows(engine: Engine) -> None:
    tables = set(inspect(engine).get_table_names())
    assert {"item", "event", "training_run", "creative", "campaign", "api_key"} <= tables
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM item")).scalar() == 0


def test_valkey_answers(redis_url: str) -> None:
    client = redis.Redis.from_url(redis_url)
    client.set("tests:ping", "pong", ex=5)
    assert client.get("tests:ping") == b"pong"
    client.close()
