"""A brand kit is checked when it is read, and names itself."""

import pytest

from generative.branding.brand import BadBrandKit, BrandKit, digest, from_json, to_json


def test_a_kit_survives_its_json():
    kit = BrandKit(name="Hof", color="#a1b2c3", corners="round", forbidden=("cheap",), legal="Imp.")

    assert from_json(to_json(kit)) == kit


@pytest.mark.parametrize(
    ("payload", "field"),
    [
        ({"name": " "}, "name"),
        ({"name": "x" * 25}, "name"),
        ({"color": "red"}, "color"),
        ({"color": ""}, "color"),
        ({"paper": "#12"}, "paper"),
        ({"corners": "wavy"}, "corners"),
        ({"tone": "shouting"}, "tone"),
        ({"logo": "../../etc/passwd"}, "logo"),
        ({"legal": "a\u202eb"}, "legal"),
        ({"forbidden": "cheap"}, "forbidden"),
        ({"forbidden": [""]}, "forbidden"),
        ({"forbidden": [7]}, "forbidden"),
        ({"name": 7}, "name"),
        ({"owner": "me"}, "owner"),
    ],
)
def test_a_bad_field_is_named(payload, field):
    with pytest.raises(BadBrandKit, match=rf"^{field}: "):
        from_json(payload)


def test_equal_kits_share_a_digest():
    assert digest(from_json({})) == digest(BrandKit())
    assert digest(BrandKit(color="#000000")) != digest(BrandKit())
