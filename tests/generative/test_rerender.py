"""A picture can be made again from its row: the same bytes, or a word on why not."""

from dataclasses import replace

import pytest

from generative.errors import NotReproducible
from generative.marking import certificate
from generative.marking.rerender import rerender
from generative.studio import Studio


@pytest.fixture
def creative(config, brief, tmp_path):
    settings = replace(config, pictures_dir=tmp_path / "pictures", signing_dir=tmp_path / "signing")
    return settings, Studio(settings).make(brief)


def test_a_picture_is_made_again_byte_for_byte(creative):
    config, made = creative
    outcome = rerender(made, config)

    assert outcome.same
    assert outcome.differs == ()


def test_a_signed_picture_is_made_again_up_to_its_signature(config, brief, tmp_path):
    pytest.importorskip("c2pa")
    settings = replace(config, pictures_dir=tmp_path / "pictures", signing_dir=tmp_path / "signing")
    certificate.make(settings.signing_dir, "Nordwind")
    made = Studio(settings).make(brief)

    assert made.audit["c2pa"] == "signed"
    assert made.banner.sha256 != made.audit["sha256_unsigned"]
    assert rerender(made, settings).same


def test_the_photo_as_it_was_is_kept_where_the_shop_replaced_its_own(creative, shop_photo):
    config, made = creative
    (config.media_dirs[0] / "grocery" / "apple.jpg").write_bytes(shop_photo)

    assert rerender(made, config).same


def test_the_shop_s_new_colours_do_not_change_what_was(creative):
    config, made = creative

    assert rerender(made, replace(config, brand_color="#ff0000", brand_name="Other")).same


def test_a_photo_that_is_gone_is_named(creative, shop_photo):
    config, made = creative
    (config.media_dirs[0] / "grocery" / "apple.jpg").write_bytes(shop_photo)
    for kept in (config.pictures_dir / "photos").rglob("*"):
        if kept.is_file():
            kept.write_bytes(b"spoilt")

    with pytest.raises(NotReproducible, match="gone"):
        rerender(made, config)


def test_what_is_not_as_it_was_is_named(creative):
    config, made = creative
    older = replace(made, audit={**made.audit, "fonts": "others", "sha256_unsigned": "0" * 64})

    outcome = rerender(older, config)

    assert not outcome.same
    assert outcome.differs == ("fonts",)


def test_a_row_of_before_audits_says_so(creative):
    config, made = creative
    with pytest.raises(NotReproducible, match="before audits"):
        rerender(replace(made, audit={}), config)


def test_an_unsafe_photo_is_not_shown_and_the_banner_says_why(
    config, brief, tmp_path, decency_model
):
    pytest.importorskip("onnxruntime")
    from PIL import Image

    green = tmp_path / "media" / "grocery" / "apple.jpg"
    Image.new("RGB", (300, 300), (0, 255, 0)).save(green)
    settings = replace(config, nsfw_model=decency_model, pictures_dir=tmp_path / "pictures")

    checks = Studio(settings).make(brief).checks["banner"]

    assert "indecent" in checks["picture_problem"]
    assert checks["picture"] == "none"


def test_without_a_picture_check_every_banner_says_that_it_was_not_checked(creative):
    assert "not checked" in creative[1].checks["banner"]["nsfw"]
