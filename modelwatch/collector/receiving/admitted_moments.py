"""The event of moments, held to the features that are taken."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace

import numpy as np
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from modelwatch.sketches import JointMoments
from modelwatch.telemetry import names
from modelwatch.telemetry.wire.arrivals import Other
from modelwatch.telemetry.wire.assembling import plain_attributes
from modelwatch.telemetry.wire.folding import moment_names
from modelwatch.telemetry.wire.moments_body import decode_moments, encode_moments

__all__ = ["features_of", "of_features"]


def features_of(moments: Other) -> list[str]:
    """Return the features that an event of moments tells of, those of its co-moments too."""
    told = moment_names(plain_attributes(LogRecord.FromString(moments.payload).attributes))
    return list(dict.fromkeys(map(str, (*told.features, *told.joint))))


def of_features(moments: Other, kept: Collection[str]) -> Other | None:
    """Return what an event tells of some features; None where that is nothing.

    It stays the same point. Co-moments are rounded once more, as `RoundedFactor` tells.
    """
    record = LogRecord.FromString(moments.payload)
    told = moment_names(plain_attributes(record.attributes))
    sent = decode_moments(record.body.bytes_value, told.features, told.joint)
    mine = {name: one for name, one in zip(told.features, sent.each(), strict=True) if name in kept}
    if not mine:
        return None
    every = sent.joint(told.joint)
    joint = None if every is None else _of_features(every, kept)
    record.body.bytes_value = encode_moments(mine, joint)
    roles = dict(zip(told.features, told.roles, strict=True))
    _set_texts(record, names.MOMENT_NAMES, mine)
    _set_texts(record, names.MOMENT_ROLES, (roles[name] for name in mine))
    _set_texts(record, names.JOINT_NAMES, () if joint is None else joint.names)
    return replace(moments, payload=record.SerializeToString())


def _of_features(joint: JointMoments, kept: Collection[str]) -> JointMoments | None:
    at = [place for place, name in enumerate(joint.names) if name in kept]
    if not at:
        return None
    return JointMoments(
        [joint.names[place] for place in at],
        joint.shift[at],
        n=joint.n,
        mean_offset=joint.mean_offset[at],
        m2=joint.m2[np.ix_(at, at)],
    )


def _set_texts(record: LogRecord, name: str, texts: Iterable[str]) -> None:
    for pair in record.attributes:
        if pair.key == name:
            del pair.value.array_value.values[:]
            for text in texts:
                pair.value.array_value.values.add(string_value=text)
