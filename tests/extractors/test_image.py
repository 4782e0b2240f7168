from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from modelwatch.extractors.image import describe_image
from tests.tensors import FakeTensor

PIXELS = np.random.default_rng(5).integers(0, 256, size=(40, 60, 3), dtype=np.uint8)


def _file(kind: str, image: Image.Image | None = None, **options: Any) -> bytes:
    buffer = io.BytesIO()
    (image or Image.fromarray(PIXELS)).save(buffer, kind, **options)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "value",
    [
        PIXELS,
        PIXELS.transpose(2, 0, 1),
        PIXELS / 255,
        FakeTensor(PIXELS.transpose(2, 0, 1) / 255, requires_grad=True),
        Image.fromarray(PIXELS),
    ],
)
def test_an_image_in_memory_is_described(value: object) -> None:
    """Whichever the order of its dimensions, the range of its values, and what holds it."""
    expected = {"width": 60, "height": 40, "channels": 3}
    expected |= {"mean": (PIXELS / 255).mean(), "std": (PIXELS / 255).std()}
    assert describe_image(value) == pytest.approx(expected)


def test_other_number_types_are_scaled_by_their_own_range() -> None:
    """Half of the largest value is 0.5 in every type of whole numbers; floats are as they are."""
    for dtype in (np.uint8, np.uint16, np.int32):
        image = np.full((4, 4), np.iinfo(dtype).max // 2, dtype=dtype)
        assert describe_image(image)["mean"] == pytest.approx(0.5, abs=0.01)
    assert describe_image(np.full((4, 4), 127.0))["mean"] == 127.0


def test_a_large_image_is_described_by_some_of_its_pixels() -> None:
    """Mean and deviation of a million pixels of noise come close at the cost of some thousands."""
    image = np.random.default_rng(1).normal(0.5, 0.2, size=(1_000, 1_500))
    found = describe_image(image)
    assert found["mean"] == pytest.approx(0.5, abs=0.015)
    assert found["std"] == pytest.approx(0.2, abs=0.015)


@pytest.mark.parametrize("mode", ["L", "LA", "P", "RGB", "RGBA"])
def test_the_bytes_of_a_png_are_described(mode: str) -> None:
    """Dimensions and channels come from the header; pixels are not decoded."""
    image = Image.fromarray(PIXELS).convert(mode)
    content = _file("PNG", image)
    assert describe_image(content) == {
        "bytes": len(content),
        "width": 60,
        "height": 40,
        "channels": len(image.getbands()),
    }


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"comment": b"x" * 40_000}])
@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_the_bytes_of_a_jpeg_are_described(mode: str, options: dict[str, Any]) -> None:
    """Baseline and progressive ones, and ones with much before the frame's header."""
    image = Image.fromarray(PIXELS).convert(mode)
    content = _file("JPEG", image, **options)
    found = describe_image(memoryview(content))
    assert (found["width"], found["height"], found["bytes"]) == (60, 40, len(content))
    assert found["channels"] == len(image.getbands())


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF"])
def test_damaged_files_and_others_have_a_size_only(kind: str) -> None:
    """No prefix of a file and no other format makes trouble."""
    content = _file(kind)
    for length in range(0, 700, 7):
        assert describe_image(content[:length])["bytes"] == min(length, len(content))
    assert describe_image(b"\xff\xd8\xff\xe0")["bytes"] == 4
    assert describe_image(_file("GIF")).keys() == {"bytes"}


def test_an_image_opened_from_a_file_is_not_decoded() -> None:
    """Its dimensions are known without its pixels."""
    image = Image.open(io.BytesIO(_file("PNG")))
    assert describe_image(image) == {"width": 60, "height": 40, "channels": 3}


@pytest.mark.parametrize(
    "value", ["text", 1.0, None, np.zeros(3), np.zeros((2, 2, 2, 2)), np.zeros((0, 5)), [["a"]]]
)
def test_what_is_no_image_is_refused(value: object) -> None:
    """The caller counts it as missing."""
    with pytest.raises(TypeError, match="no image"):
        describe_image(value)
