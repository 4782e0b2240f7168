"""Write the features of some flights twice: as a service makes them, and as training does.

    python flights.py --folder build

writes ``served.parquet`` and ``recomputed.parquet``: the flights that left New York in the first
days of March 2013, from the data of the flight delay demo. `serving_features` is a service's own
code for the same features, written from the same raw fields a month later.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

sys.path.append(str(Path(__file__).parents[1] / "flight_delays"))
from data import FEATURES, load_flights

DAYS = range(4, 18)  # the clocks went forward on the 10th
KILOMETRES_PER_MILE = 1.609344


def raw_flights() -> pd.DataFrame:
    """Return what is known of each flight, and an id for each prediction."""
    flights = load_flights()
    chosen = flights[(flights["month"] == 3) & flights["day"].isin(DAYS)]
    return chosen.reset_index(drop=True).rename_axis("id").reset_index()


def training_features(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the features that the model was trained on."""
    return rows[list(FEATURES)]


def serving_features(row: Mapping[Any, Any]) -> dict[str, Any]:
    """Return one flight's features, as the service computes them."""
    features = {name: row[name] for name in FEATURES}
    scheduled = pd.Timestamp(row["time_hour"])  # in UTC, and the training's minutes are local
    features["dep_minute"] = scheduled.hour * 60 + row["dep_minute"] % 60
    features["distance"] = row["distance"] * KILOMETRES_PER_MILE
    features["carrier"] = row["carrier"].lower()
    features["temp"] = round(row["temp"]) if row["temp"] == row["temp"] else None
    features["wind_speed"] = 0.0 if row["origin"] == "LGA" else row["wind_speed"]
    return features


def main() -> None:
    """Write both files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("build"), help="where to write")
    folder: Path = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    raw = raw_flights()
    keys = raw[["id", "time_hour"]]
    served = pd.DataFrame([serving_features(row) for row in raw.to_dict(orient="records")])
    for name, features in (("served", served), ("recomputed", training_features(raw))):
        pd.concat([keys, features], axis=1).to_parquet(folder / f"{name}.parquet", index=False)
    print(f"{len(raw):,} flights")


if __name__ == "__main__":
    main()
