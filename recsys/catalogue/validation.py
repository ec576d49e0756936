"""The one validator of what a shop says about an item, whichever door it comes through."""

import re
from collections.abc import Callable, Mapping
from dataclasses import fields as fields_of
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from urllib.parse import unquote, urlsplit

from recsys.errors import InvalidItem
from recsys.tables import has_control, id_problem
from recsys.types import Item

MAX_TITLE = 500
MAX_DESCRIPTION = 20_000
MAX_URL = 2_000
MAX_PRICE = Decimal("9999999999.99")  # what the column holds
MAX_STOCK = 2_147_483_647  # what the column holds
_MAX_DEPTH, _MAX_LEVEL = 10, 100
_MAX_ATTRIBUTES, _MAX_ATTRIBUTE = 50, 1_000
_MAX_NUMBER = 10**15
_CENT = Decimal("0.01")
_PRICE = re.compile(r"(?:([A-Z]{3})\s*)?([-+]?\d{1,18}(?:\.\d{1,18})?)(?:\s*([A-Z]{3}))?")
_SOLD_OUT = frozenset({"out_of_stock", "out of stock", "sold_out", "discontinued"})
_SOLD = frozenset({"in_stock", "in stock", "preorder", "backorder", "available", "limited"})
_YES, _NO = frozenset({"true", "yes", "1"}), frozenset({"false", "no", "0", ""})
_DEFAULT_CURRENCY = Item(item_id="-", title="-").currency
FIELDS = frozenset(field.name for field in fields_of(Item)) - {"item_id"} | {"availability"}


def parse_item(item_id: str, fields: Mapping[str, object]) -> Item:
    """Read an item whole.

    Raises:
        InvalidItem: It cannot be sold like this; `field` names what to mend.
    """
    problem = id_problem(item_id)
    if problem:
        raise InvalidItem("item_id", problem)
    for name in fields:
        if name not in FIELDS:
            raise InvalidItem(str(name)[:80], "is no field of an item")
    title = _text(fields.get("title"), "title", MAX_TITLE)
    if not title:
        raise InvalidItem("title", "must not be empty")
    price, currency = _price(fields.get("price"), "price")
    was_price, was_currency = _price(fields.get("was_price"), "was_price")
    if was_price is not None and (price is None or was_price <= price):
        raise InvalidItem("was_price", "must be above price, or left out")
    offer_until = _moment(fields.get("offer_until"), "offer_until")
    if offer_until is not None and was_price is None:
        raise InvalidItem("offer_until", "needs was_price, which the price goes back to")
    return Item(
        item_id=item_id,
        title=title,
        description=_text(fields.get("description"), "description", MAX_DESCRIPTION),
        category=_category(fields.get("category")),
        brand=_text(fields.get("brand"), "brand", MAX_TITLE),
        price=price,
        was_price=was_price,
        currency=_currency(fields.get("currency"), currency, was_currency),
        image_url=_url(fields.get("image_url"), "image_url"),
        url=_url(fields.get("url"), "url"),
        stock=_available(fields.get("availability"), _stock(fields.get("stock"))),
        hidden=_flag(fields.get("hidden"), "hidden"),
        attributes=_attributes(fields.get("attributes")),
        created_at=_moment(fields.get("created_at"), "created_at"),
        offer_until=offer_until,
    )


def parse_changes(fields: Mapping[str, object]) -> dict[str, object]:
    """Read the fields of a PATCH: price, stock and hidden, as `items.patch` takes them.

    Raises:
        InvalidItem: A value cannot be read, or the field cannot be patched.
    """
    readers: Mapping[str, Callable[[object], object]] = {
        "price": _plain_price,
        "stock": _stock,
        "hidden": lambda value: _flag(value, "hidden"),
    }
    for name in fields:
        if name not in readers:
            raise InvalidItem(str(name)[:80], "only price, stock and hidden can be patched")
    return {name: readers[name](value) for name, value in fields.items()}


def _text(value: object, field: str, longest: int) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise InvalidItem(field, "must be a string")
    text = " ".join(value.split())
    if len(text) > longest:
        raise InvalidItem(field, f"must have at most {longest} characters")
    if has_control(text):
        raise InvalidItem(field, "must not contain control characters")
    return text


def _category(value: object) -> tuple[str, ...]:
    if value is None or value == "":
        return ()
    if isinstance(value, str):
        # "A > B/C" is Google's way, where a slash belongs to a name; "A/B" is ours.
        levels = value.replace("/", "-").split(">") if ">" in value else value.split("/")
    elif isinstance(value, list | tuple):
        levels = list(value)
    else:
        raise InvalidItem("category", "must be a path, such as Grocery/Fruit, or a list of names")
    path = tuple(_text(level, "category", _MAX_LEVEL) for level in levels)
    if len(path) > _MAX_DEPTH or not all(path) or any("/" in level for level in path):
        message = f"must have at most {_MAX_DEPTH} levels, none of them empty or with a slash"
        raise InvalidItem("category", message)
    return path


def _price(value: object, field: str) -> tuple[Decimal | None, str | None]:
    """The price, and the currency where it was written beside it."""
    if value is None or value == "":
        return None, None
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        raise InvalidItem(field, "must be a number")
    currency = None
    if isinstance(value, str):
        match = _PRICE.fullmatch(value.strip().upper())
        if match is None or (match[1] and match[3]):
            raise InvalidItem(field, "must be a number with a dot, such as 3.49 or 3.49 EUR")
        amount, currency = Decimal(match[2]), match[1] or match[3]
    else:
        amount = Decimal(str(value) if isinstance(value, float) else value)
    if not amount.is_finite():
        raise InvalidItem(field, "must be a finite number")
    if amount < 0:
        raise InvalidItem(field, "must not be negative")
    if amount > MAX_PRICE:
        raise InvalidItem(field, f"must be at most {MAX_PRICE}")
    return amount.quantize(_CENT, ROUND_HALF_UP), currency


def _plain_price(value: object) -> Decimal | None:
    price, currency = _price(value, "price")
    if currency is not None:
        raise InvalidItem("price", f"must be a number alone: PUT the item to sell it in {currency}")
    return price


def _currency(value: object, *beside: str | None) -> str:
    written = {code for code in beside if code is not None}
    if value is not None and value != "":
        if not isinstance(value, str) or not re.fullmatch(r"[A-Za-z]{3}", value.strip()):
            raise InvalidItem("currency", "must be three letters, such as EUR")
        written.add(value.strip().upper())
    if len(written) > 1:
        raise InvalidItem("currency", f"contradicts itself: {', '.join(sorted(written))}")
    return written.pop() if written else _DEFAULT_CURRENCY


def _stock(value: object) -> int | None:
    if value is None or value == "":
        return None
    if isinstance(value, str) and re.fullmatch(r"[-+]?[0-9]{1,12}", value.strip()):
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidItem("stock", "must be a whole number")
    if not 0 <= value <= MAX_STOCK:
        raise InvalidItem("stock", f"must be between 0 and {MAX_STOCK}")
    return value


def _available(value: object, stock: int | None) -> int | None:
    if value is None or value == "":
        return stock
    word = value.strip().lower() if isinstance(value, str) else ""
    if word not in _SOLD and word not in _SOLD_OUT:
        raise InvalidItem("availability", "must be in_stock, out_of_stock, preorder or backorder")
    return 0 if word in _SOLD_OUT else stock


def _flag(value: object, field: str) -> bool:
    if value is None or isinstance(value, bool):
        return bool(value)
    word = value.strip().lower() if isinstance(value, str) else "?"
    if word not in _YES and word not in _NO:
        raise InvalidItem(field, "must be true or false")
    return word in _YES


def _url(value: object, field: str) -> str:
    if value is None or value == "":
        return ""
    if not isinstance(value, str):
        raise InvalidItem(field, "must be a string")
    url = value.strip()
    if len(url) > MAX_URL:
        raise InvalidItem(field, f"must have at most {MAX_URL} characters")
    if has_control(url) or not url.isprintable() or " " in url or "\\" in url:
        raise InvalidItem(field, "must not contain spaces, backslashes or control characters")
    if not (_is_media(url) or _is_web(url)):
        raise InvalidItem(field, "must be an http or https URL, or a path below /media/")
    return url


def _is_media(url: str) -> bool:
    path = unquote(url)
    return path.startswith("/media/") and ".." not in path.split("/") and "\\" not in path


def _is_web(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return (
            parts.scheme in {"http", "https"}
            and bool(parts.hostname)
            and "@" not in parts.netloc
            and parts.port != 0
        )
    except ValueError:
        return False


def _attributes(value: object) -> dict[str, str]:
    if value is None:
        return {}
    if not isinstance(value, Mapping) or len(value) > _MAX_ATTRIBUTES:
        raise InvalidItem("attributes", f"must be an object of at most {_MAX_ATTRIBUTES} names")
    found = {}
    for name, content in value.items():
        key = _text(name, "attributes", _MAX_LEVEL)
        field = f"attributes.{key}"
        is_number = isinstance(content, int | float) and not isinstance(content, bool)
        if is_number and abs(content) < _MAX_NUMBER:  # not NaN, which is below nothing
            content = str(content)  # noqa: PLW2901 a number is as good as its digits
        text = _text(content, field, _MAX_ATTRIBUTE)
        if key and text:
            found[key] = text
    return found


def _moment(value: object, field: str) -> datetime | None:
    if value is None or value == "":
        return None
    try:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
        if moment.tzinfo is None:
            raise InvalidItem(field, "must name its zone, such as Z or +01:00")
        return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        message = "must be an ISO 8601 time with a zone, such as 2026-11-22T15:02:00Z"
        raise InvalidItem(field, message) from None
