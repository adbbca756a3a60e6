"""Time, as an object that tests replace."""

from __future__ import annotations

import time
from datetime import datetime, timezone


class Clock:
    """The host's clocks. All durations are seconds."""

    def now(self) -> float:
        """Seconds since the epoch, UTC."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds of a clock that never jumps; for durations only."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


def timestamp(epoch_seconds: float) -> str:
    """ISO 8601 in UTC with milliseconds, for example `2026-01-31T06:00:00.123Z`; sorts as text."""
    moment = datetime.fromtimestamp(epoch_seconds, tz=timezone.utc)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"
