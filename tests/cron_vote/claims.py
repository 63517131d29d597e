"""Claims: what an evaluator answers where it disagrees with errand, put so that it can be checked.

A claim computes the answer of an evaluator. As far as it can it does so with errand itself, asked something else: then
the answer shows not only that the two disagree, but that the reason given for it is the right one. `ask` is a function
of expression, zone, instant, dst and count that gives errand's fires.
"""

import bisect
import dataclasses
import datetime
import zoneinfo

from cases import COUNT

UTC = datetime.timezone.utc
SECOND = datetime.timedelta(seconds=1)


def parse(instant):
    return datetime.datetime.fromisoformat(instant.replace("Z", "+00:00"))


def spell(moment):
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


@dataclasses.dataclass(frozen=True)
class Refuses:
    """It refuses the expression, or finds no fire; errand has some."""

    def answer(self, expression, when, ask):
        return []


@dataclasses.dataclass(frozen=True)
class ReadsAs:
    """It answers what errand answers to another expression, or with another `dst`."""

    expression: str = ""
    dst: str = "after"

    def answer(self, expression, when, ask):
        return ask(self.expression or expression, when.zone, when.instant, self.dst)


@dataclasses.dataclass(frozen=True)
class OnTheWall:
    """It looks for the next reading of the clock on the wall, and asks only then which instant that is.

    gap: what becomes of a reading that is missing. `shift`: it is read with the offset from before, so it comes later
    by the gap; `end`: the end of the gap; `skip`: nothing.
    repeat: which of the two instants a reading has that comes twice, `first` or `second`.
    corrected_twice: if the offset has changed since `after` and the fire is not on the same day, the right result is
    moved by the difference once more.
    """

    gap: str = "shift"
    repeat: str = "first"
    corrected_twice: bool = False

    def answer(self, expression, when, ask):
        zone = zoneinfo.ZoneInfo(when.zone)
        after = parse(when.instant)
        early = spell(self._reading(after, zone).replace(tzinfo=UTC) - datetime.timedelta(hours=3))
        readings = [parse(fire).replace(tzinfo=None) for fire in ask(expression, "UTC", early, count=500)]
        fires = []
        while len(fires) < COUNT:
            after = self._next(readings, after, zone)
            if after is None:
                break
            fires.append(spell(after))
        return fires

    def _next(self, readings, after, zone):
        for reading in readings[bisect.bisect_right(readings, self._reading(after, zone)):]:
            fire = self._instant(reading, zone)
            if fire is not None:
                return self._correct(fire, after, zone) if self.corrected_twice else fire
        return None

    @staticmethod
    def _reading(moment, zone):
        return moment.astimezone(zone).replace(tzinfo=None)

    def _instant(self, reading, zone):
        first, second = (reading.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
        if first > second:  # missing: fold 0 is read with the offset from before
            return {"shift": first, "end": end_of_gap(second, first, zone), "skip": None}[self.gap]
        return first if self.repeat == "first" else second

    def _correct(self, fire, after, zone):
        then, now = after.astimezone(zone), fire.astimezone(zone)
        change = now.utcoffset() - then.utcoffset()
        if not change:
            return fire
        passed = self._reading(fire, zone) - self._reading(after, zone) + max(-change, datetime.timedelta())
        if passed < datetime.timedelta(hours=24 - then.hour):
            return fire
        return (now.replace(tzinfo=None) - change).replace(tzinfo=zone).astimezone(UTC)


def end_of_gap(low, high, zone):
    """The instant in (low, high] at which the offset changes."""
    offset = low.astimezone(zone).utcoffset()
    while high - low > SECOND:
        middle = low + (high - low) // 2 // SECOND * SECOND
        if middle.astimezone(zone).utcoffset() == offset:
            low = middle
        else:
            high = middle
    return high


@dataclasses.dataclass(frozen=True)
class Fires:
    """It answers exactly this, from the beginning; the rest of its answer is errand's."""

    begin: tuple

    def answer(self, expression, when, ask):
        rest = [fire for fire in ask(expression, when.zone, when.instant) if fire > max(self.begin)]
        return (list(self.begin) + rest)[:COUNT]
