"""The fires that croniter finds.

Reads questions, one per line: [EXPRESSION, ZONE, INSTANT, COUNT] in JSON, with instants like "2026-01-01T00:00:00Z".
Prints {"version": VERSION}, and then for each question {"fires": [INSTANT...]}, with an "error" where the list ends for
one. Every fire is asked for anew, with the one before as the instant, as a scheduler does after each run.
"""

import datetime
import importlib.metadata
import json
import sys
import zoneinfo

import croniter


def notation(expression):
    """croniter has the seconds last."""
    fields = expression.split()
    return " ".join(fields[1:] + fields[:1]) if len(fields) == 6 else expression


def next_fire(expression, zone, after):
    local = after.astimezone(zoneinfo.ZoneInfo(zone))
    seconds = croniter.croniter(notation(expression), local).get_next(float)
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)


def answer(expression, zone, instant, count):
    after = datetime.datetime.fromisoformat(instant.replace("Z", "+00:00"))
    fires = []
    try:
        for _ in range(count):
            after = next_fire(expression, zone, after)
            fires.append(after.isoformat().replace("+00:00", "Z"))
    except Exception as error:  # of whatever kind: it has no answer
        return {"fires": fires, "error": str(error) or type(error).__name__}
    return {"fires": fires}


def main():
    print(json.dumps({"version": importlib.metadata.version("croniter")}))
    for line in sys.stdin:
        print(json.dumps(answer(*json.loads(line))))


main()
