import blitz_py
import pytest

from generative.banner import fonts
from generative.banner.breaking import hyphenations, pieces, right_to_left
from generative.banner.fitting import Face, Ruler, engine_widths


@pytest.fixture(scope="module")
def ruler():
    fonts.register(blitz_py)
    return Ruler(engine_widths(blitz_py))


FACE = Face(family=fonts.stack("Inter", 700, "ja"), weight=700)


def parts(text, *, loose=False):
    return [piece.text for piece in pieces(text, loose=loose)]


def test_latin_lines_end_at_spaces_and_hyphens_but_not_at_a_no_break_space():
    assert parts("Bluetooth-Lautsprecher 10\u00a0lb set") == [
        "Bluetooth-",
        "Lautsprecher",
        "10\u00a0lb",
        "set",
    ]


def test_chinese_ends_lines_between_glyphs_and_never_before_closing_marks():
    assert parts("新鲜绿茶，（清香）") == ["新", "鲜", "绿", "茶，", "（清", "香）"]  # noqa: RUF001 Chinese


def test_japanese_is_parted_by_phrase_and_by_glyph_where_it_must():
    assert parts("静岡の「深蒸し茶」を毎日の食卓へ。") == [
        "静岡の",
        "「深蒸し",
        "茶」を",
        "毎日の",
        "食卓へ。",
    ]
    assert "ッ" not in [piece[0] for piece in parts("シャキッと甘い", loose=True)]


def test_a_number_in_chinese_words_stays_whole():
    assert "128G" in parts("容量128G黑色")


def test_the_first_letter_gives_the_direction():
    assert right_to_left("3 קילו")
    assert right_to_left("قهوة Arabica")
    assert not right_to_left("Arabica قهوة")


def test_no_line_starts_with_a_closing_mark_at_any_width(ruler):
    text = "来自云南高山的新鲜绿茶，清香回甘，适合每天饮用。"  # noqa: RUF001 Chinese
    for width in range(60, 400, 20):
        found = ruler.fit(text, FACE, width=width, height=900, sizes=(20, 20), most_lines=30)

        assert all(line[0] not in "，。" for line in found.lines)  # noqa: RUF001 Chinese
        assert "".join(found.lines) == text


def test_lines_are_even_and_hold_every_word(ruler):
    text = "Hand-stitched leather weekender bag with brass fittings"

    found = ruler.fit(text, FACE, width=300, height=400, sizes=(30, 12), most_lines=4)

    widths = [ruler.width(line, FACE, found.px) for line in found.lines]
    assert " ".join(found.lines).replace("- ", "-") == text
    assert max(widths) <= 300
    assert min(widths) > 0.35 * max(widths)


def test_a_long_word_is_parted_by_hyphens_that_fit(ruler):
    word = "Donaudampfschifffahrtsgesellschaftskapitänsmütze"

    parted = ruler.hyphenated(word, FACE, width=200, px=24)

    assert parted.replace("- ", "") == word
    assert all(ruler.width(part, FACE, 24) <= 200 for part in parted.split())


def test_arabic_is_never_parted_inside_a_word():
    assert hyphenations("والمستقبليات") == ()


def test_what_does_not_fit_ends_in_an_ellipsis(ruler):
    found = ruler.clamped("word " * 60, FACE, width=200, height=60, px=20, most_lines=2)

    assert len(found.lines) <= 2
    assert found.lines[-1].endswith("\u2026")
    assert found.note == "clamped"


def test_the_bundled_faces_are_known_under_their_own_names():
    fonts.register(blitz_py)

    assert {alias for alias, _ in fonts.files()} == set(fonts._registered)
    plain, bold = (
        blitz_py.measure_text("Widths", font_size=40, font_family=family, font_weight=weight)[0]
        for family, weight in (("Poppins 500", 500.0), ("Poppins 700", 700.0))
    )
    assert plain != bold
    assert len(fonts.digest()) == 16


def test_a_file_that_is_no_woff_is_refused():
    with pytest.raises(ValueError, match="WOFF"):
        fonts.opentype(b"OTTO" + bytes(60), "x")
