"""Jobs for test_campaign.py. They are a module of their own, as a worker process must be able to import it."""

from __future__ import annotations

import os
import time
from pathlib import Path


def square(number):
    return {"number": number, "squared": (number * number,)}


def touch(folder, number):
    """Leaves a file for each time it was run."""
    for turn in range(100):
        try:
            Path(folder, f"{number}-{turn}").touch(exist_ok=False)
            break
        except FileExistsError:
            continue
    return number


def fail(number):
    raise ValueError(f"no {number} today")


def die(number):
    os._exit(number)


def slow(folder, number):
    touch(folder, number)
    if number >= 2:
        time.sleep(60)
    return number


def not_json():
    return object()
