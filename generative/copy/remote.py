"""A model behind any OpenAI-compatible address: vLLM, Ollama, llama.cpp's server, or a cloud.

It is asked for JSON of a schema, several lines in one call. What it may cost is set aside before
each call and settled by the usage it reports. The key comes from the settings and stays in one header.
"""

import json
import math
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NoReturn

from generative.copy.candidate import Candidate
from generative.copy.guard import Bottomless, Breaker, Patience, Purse
from generative.copy.limits import limits
from generative.copy.prompts import asking
from generative.copy.spoken import copy_of, may_write
from generative.copy.wire import Reply, Unanswered, address, post
from generative.errors import NotAsked, ProviderUnavailable
from generative.types import Brief

NAME = "openai"
TOKENS_A_LINE = 90
TEMPERATURE = 0.8
OK = 200
MOVED = 300
BAD_REQUEST = 400
_AGAIN = frozenset((408, 425, 429, 500, 502, 503, 504))
_FRAME_TOKENS = 400  # of the schema and of the marks around messages, generously
_EACH = 1000  # tokens that a price is for


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where and how to ask. Prices are for 1,000 tokens, in the unit of the budget."""

    url: str
    model: str
    key: str = field(default="", repr=False)
    samples: int = 3
    timeout_seconds: float = 20.0
    tries: int = 3
    price_in: float = 0.0
    price_out: float = 0.0
    languages: tuple[str, ...] = ("en",)


class RemoteCopy:
    """Asks one endpoint; a breaker spares an endpoint, and everyone who waits, after failures in a row."""

    name = NAME

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        purse: Purse | None = None,
        breaker: Breaker | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        address(endpoint.url)
        self._endpoint = endpoint
        self._purse = purse or Bottomless()
        self._breaker = breaker or Breaker()
        chance = random.Random()  # noqa: S311 spreads retries, guards nothing
        self._patience = Patience(tries=endpoint.tries, chance=chance, sleep=sleep)
        # What this endpoint said it does not know, so that it is asked without it from then on.
        self._unknown: set[str] = set()

    def available(self) -> str:
        """Why it cannot be asked now; empty where it can. Asks nobody."""
        return self._breaker.why_not()

    def write(
        self, brief: Brief, *, seed: int, avoid: frozenset[str] = frozenset()
    ) -> list[Candidate]:
        """The lines of one answer; none where there is nothing to write from.

        Raises:
            ProviderUnavailable: It rests, it has no money left, or it did not answer as asked.
        """
        if not may_write(brief, self._endpoint.languages):
            return []
        if why := self._breaker.why_not():
            raise NotAsked(why)
        answer, cost = self._ask(brief, seed, avoid)
        try:
            written = _lines(answer)
        except (KeyError, IndexError, TypeError, ValueError):
            self._fail("it answered in another form than it was asked for")
        self._breaker.worked()
        model = f"{self._endpoint.model}@{address(self._endpoint.url)[1]}"
        copies = [copy_of(head, tag, brief) for head, tag in written[: self._endpoint.samples]]
        each = cost / max(len(copies), 1)
        return [
            Candidate(
                copy=copy, provider=self.name, seed=seed, model=model, at_limit=long, cost=each
            )
            for copy, long in copies
        ]

    def _ask(self, brief: Brief, seed: int, avoid: frozenset[str]) -> tuple[Any, float]:
        """The answer's JSON and what it cost, tried again while that may help and time is left."""
        ends = self._patience.clock() + self._endpoint.timeout_seconds
        tried, spent = 0, 0.0
        while True:
            tried += 1
            payload = self._payload(brief, seed, avoid)
            reply, why, cost = self._call(payload, ends)
            spent += cost
            if reply is not None and reply.status == OK:
                try:
                    return json.loads(reply.body), spent
                except ValueError:
                    why = "its answer is no JSON, or half of one"
            elif reply is not None and reply.status == BAD_REQUEST and self._learn(reply, payload):
                continue
            elif reply is not None and reply.status not in _AGAIN:
                self._fail(_meaning(reply.status))
            asked_for = reply.retry_after if reply is not None else None
            if not self._patience.pause(tried, asked_for=asked_for, deadline=ends):
                self._fail(f"{why}, {tried} times" if tried > 1 else why)

    def _call(self, payload: dict[str, Any], ends: float) -> tuple[Reply | None, str, float]:
        """One call, paid: its reply, or why there is none, and what it cost."""
        most = self._most(payload)
        held = self._purse.reserve(self.name, most)
        if held is None:
            raise NotAsked("the day's budget does not hold another call")
        cost = most  # what is not known to be free is counted as paid
        try:
            seconds = max(ends - self._patience.clock(), 0.05)
            url = self._endpoint.url.rstrip("/") + "/chat/completions"
            reply = post(url, payload, key=self._endpoint.key, seconds=seconds)
            cost = self._cost(reply, most)
        except Unanswered as error:
            cost = most if error.heard else 0.0
            return None, str(error), cost
        else:
            return reply, _meaning(reply.status), cost
        finally:
            self._purse.settle(held, spent=cost)

    def _payload(self, brief: Brief, seed: int, avoid: frozenset[str]) -> dict[str, Any]:
        samples = self._endpoint.samples
        payload = {
            "model": self._endpoint.model,
            "messages": asking(brief, samples, avoid),
            "max_tokens": TOKENS_A_LINE * samples,
            "temperature": TEMPERATURE,
            "seed": seed,
            "response_format": {"type": "json_schema", "json_schema": _schema(brief, samples)},
        }
        if "max_tokens" in self._unknown:
            payload["max_completion_tokens"] = payload["max_tokens"]
        return {name: value for name, value in payload.items() if name not in self._unknown}

    def _learn(self, reply: Reply, payload: dict[str, Any]) -> bool:
        """Whether a refusal names an option that can be left out; it is left out from now on."""
        said = reply.body.decode("utf-8", "replace")
        for name in ("max_tokens", "temperature", "seed", "response_format"):
            if name in payload and name in said:
                self._unknown.add(name)
                return True
        return False

    def _most(self, payload: dict[str, Any]) -> float:
        """What a call may cost at most: no token is shorter than a byte."""
        asked = len(json.dumps(payload["messages"], ensure_ascii=False).encode()) + _FRAME_TOKENS
        told = TOKENS_A_LINE * self._endpoint.samples
        return self._price(asked, told)

    def _cost(self, reply: Reply, most: float) -> float:
        """What a reply reports to have used; a refused call is free, an unreadable one is not."""
        if reply.status != OK:
            return 0.0
        try:
            usage = json.loads(reply.body)["usage"]
            asked, told = float(usage["prompt_tokens"]), float(usage["completion_tokens"])
        except (KeyError, TypeError, ValueError):
            return most
        return self._price(asked, told) if _counts(asked) and _counts(told) else most

    def _price(self, asked: float, told: float) -> float:
        return (asked * self._endpoint.price_in + told * self._endpoint.price_out) / _EACH

    def _fail(self, why: str) -> NoReturn:
        self._breaker.failed()
        raise ProviderUnavailable(why) from None


def _lines(answer: Any) -> list[tuple[str, str]]:
    """Headlines with taglines; none where the model refused, an error where the form is another."""
    choice = answer["choices"][0]
    message = choice["message"]
    if message.get("refusal") or choice.get("finish_reason") == "content_filter":
        return []
    lines = json.loads(message["content"])["lines"]
    if not isinstance(lines, list):
        raise TypeError
    return [(_text(line["headline"]), _text(line["tagline"])) for line in lines]


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _schema(brief: Brief, samples: int) -> dict[str, Any]:
    room = limits(brief.size)
    line = {
        "type": "object",
        "properties": {
            "headline": {"type": "string", "maxLength": 2 * room.headline},
            "tagline": {"type": "string", "maxLength": 2 * room.tagline},
        },
        "required": ["headline", "tagline"],
        "additionalProperties": False,
    }
    lines = {"type": "array", "items": line, "minItems": 1, "maxItems": samples}
    schema = {
        "type": "object",
        "properties": {"lines": lines},
        "required": ["lines"],
        "additionalProperties": False,
    }
    return {"name": "copy", "strict": True, "schema": schema}


def _meaning(status: int) -> str:
    known = {
        401: "it does not accept the key (401)",
        403: "it does not accept the key (403)",
        404: "it knows no such address or model (404)",
        429: "it is asked too often (429)",
    }
    if MOVED <= status < BAD_REQUEST:
        return f"it sends elsewhere ({status}), and that is not followed"
    return known.get(status, f"it answered {status}")


def _counts(tokens: float) -> bool:
    return math.isfinite(tokens) and tokens >= 0
