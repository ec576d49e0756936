"""Whether what somebody did may be kept: every object around an event may refuse, and one is enough."""

from collections.abc import Mapping

from recsys.errors import InvalidEvent

_SAID = {"true": True, "false": False}


def is_given(*layers: Mapping[str, object]) -> bool:
    """Unless the `consent` of one of these objects is false; nothing said is consent.

    GA4's own object of that name is about advertising, and says nothing here.

    Raises:
        InvalidEvent: One says what cannot be understood. It is not taken for a yes.
    """
    said = [
        _said(layer.get("consent")) for layer in layers
    ]  # each is checked, whatever another says
    return all(said)


def _said(consent: object) -> bool:
    if consent is None or isinstance(consent, Mapping):
        return True
    found = _SAID.get(consent.lower()) if isinstance(consent, str) else consent
    if not isinstance(found, bool):
        raise InvalidEvent("consent", "must be true or false")
    return found
