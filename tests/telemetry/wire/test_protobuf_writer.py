from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.metrics.v1.metrics_pb2 import HistogramDataPoint

from modelwatch.telemetry.wire.protobuf_writer import (
    delimited,
    double_field,
    fixed64_field,
    varint_field,
)


@given(
    time=st.integers(0, 2**64 - 1),
    total=st.floats(allow_nan=False),
    flags=st.integers(0, 2**32 - 1),
    bounds=st.lists(st.floats(allow_nan=False), max_size=3_000),
)
def test_fields_are_what_protobuf_reads(
    time: int, total: float, flags: int, bounds: list[float]
) -> None:
    """Each sort of field, at all lengths, in any order, is read as it was written."""
    expected = HistogramDataPoint(
        time_unix_nano=time, sum=total, flags=flags, explicit_bounds=bounds
    )
    packed = b"".join(double_field(0, bound)[1:] for bound in bounds)
    written = b"".join(
        (
            delimited(7, packed),
            varint_field(10, flags),
            double_field(5, total),
            fixed64_field(3, time),
        )
    )
    assert HistogramDataPoint.FromString(written) == expected


def test_long_content_is_read() -> None:
    """Lengths of one, two, three and four bytes."""
    for length in (0, 127, 128, 16_383, 16_384, 2_097_151, 2_097_152):
        field = delimited(7, b"\0" * (length // 8 * 8))
        assert len(HistogramDataPoint.FromString(field).explicit_bounds) == length // 8
