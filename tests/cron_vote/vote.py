#!/usr/bin/python3 -B
"""vote.py ERRAND DIRECTORY [EXPRESSION]: compares errand with four other evaluators of cron expressions.

ERRAND is the program, DIRECTORY holds the node_modules with three of the evaluators. With an EXPRESSION of cases.py all
answers to it are printed. README.md explains the rest.
"""

import collections
import concurrent.futures
import functools
import itertools
import json
import pathlib
import subprocess
import sys

from cases import COUNT, GROUPS, WHENS
from differences import ALL, DIFFERENCES

HERE = pathlib.Path(__file__).resolve().parent

# Fires from here on are not looked at: cron does not search further than eight years from today.
HORIZON = "2031"

CRONITER_VERSION = "1.3.5"  # of Debian 12; the others are in package.json

PROCESS_SECONDS = 300


def fail(reason):
    sys.exit(f"cron_vote: {reason}")


# ---- Answers ---------------------------------------------------------------------------------------------------------

def cases():
    return [(expression, when) for group in GROUPS.values() for expression in group.expressions for when in group.whens]


def before_horizon(fires):
    return [fire for fire in fires if fire < HORIZON]


class Errand:
    """The answers of the program, each asked for once. What it refuses has no fires."""

    def __init__(self, program):
        self._program = program

    def __call__(self, expression, zone, instant, dst="after", count=COUNT):
        return list(self._fires(expression, zone, instant, dst, count))

    @functools.cache
    def _fires(self, expression, zone, instant, dst, count):
        options = ["--zone", zone, "--from", instant, "--dst", dst, "-n", str(count), "--json"]
        run = subprocess.run([self._program, "cron", *options, "--", expression], capture_output=True, text=True)
        said = json.loads(run.stdout or "{}")
        refused = run.returncode == 2 and "error" in said and "option" not in said["error"]
        if not refused and (run.returncode != 0 or not said.get("next")):
            fail(f"errand cron {expression!r} {options}: status {run.returncode}, {run.stderr or run.stdout}")
        return tuple(said.get("next", []))


def ask_evaluator(name, command, expected_version):
    """The fires of one evaluator for all cases, and its errors."""
    questions = "".join(json.dumps([expression, *WHENS[when], COUNT]) + "\n" for expression, when in cases())
    try:
        run = subprocess.run(command, input=questions, capture_output=True, text=True, timeout=PROCESS_SECONDS)
    except (OSError, subprocess.TimeoutExpired) as error:
        fail(f"{name}: {error}")
    if run.returncode != 0:
        fail(f"{name} cannot be asked; `./dev test` installs it\n{run.stderr.strip()}")
    version, *answers = map(json.loads, run.stdout.splitlines())
    if version["version"] != expected_version:
        fail(f"{name} is {version['version']}, but the differences are those of {expected_version}")
    print(f"{name} {version['version']}")
    return dict(zip(cases(), answers, strict=True))


def ask_all(directory):
    versions = json.loads((HERE / "package.json").read_text())["dependencies"]
    commands = {name: ["node", HERE / "fires.mjs", directory, name] for name in versions}
    versions["croniter"] = CRONITER_VERSION
    commands["croniter"] = ["/usr/bin/python3", HERE / "fires.py"]
    assert sorted(commands) == sorted(ALL)
    with concurrent.futures.ThreadPoolExecutor() as pool:
        futures = {name: pool.submit(ask_evaluator, name, commands[name], versions[name]) for name in ALL}
        return {name: future.result() for name, future in futures.items()}


# ---- The vote --------------------------------------------------------------------------------------------------------

def listed_differences():
    """{(evaluator, expression, when): (difference, claim)}"""
    asked = collections.defaultdict(list)
    for expression, when in cases():
        asked[expression].append(when)
    listed = {}
    for difference, of in ((difference, of) for difference in DIFFERENCES for of in difference.cases):
        for evaluator, expression in itertools.product(of.evaluators, of.expressions):
            for when in of.at.split(", ") if of.at else asked[expression] or ["?"]:
                key = evaluator, expression, when
                if when not in asked[expression]:
                    fail(f"\"{difference.name}\": cases.py has no {expression!r} at \"{when}\"")
                if key in listed:
                    fail(f"{key} is in \"{difference.name}\" and in \"{listed[key][0].name}\"")
                listed[key] = difference, of.claim
    return listed


class Vote:
    def __init__(self, errand, answers):
        self._errand = errand
        self._answers = answers
        self._listed = listed_differences()
        self.differences = collections.Counter()
        self.problems = []

    def run(self):
        for expression, when in cases():
            differing = [name for name in ALL if self._judge(name, expression, when)]
            if len(differing) == len(ALL):
                self._judge_unanimity(expression, when)

    def theirs(self, evaluator, expression, when):
        return before_horizon(self._answers[evaluator][expression, when]["fires"])

    def ours(self, expression, when):
        return before_horizon(self._errand(expression, *WHENS[when]))

    def _judge(self, evaluator, expression, when):
        """Whether the evaluator disagrees with errand; if so, in the way that is listed."""
        theirs, ours = self.theirs(evaluator, expression, when), self.ours(expression, when)
        difference, claim = self._listed.get((evaluator, expression, when), (None, None))
        if theirs == ours:
            if difference:
                self._problem(expression, when, f"{evaluator} agrees, although \"{difference.name}\" is listed")
            return False
        self.differences[evaluator] += 1
        if not difference:
            self._problem(expression, when, f"{evaluator} disagrees, and no difference is listed", evaluator)
        elif theirs != before_horizon(claim.answer(expression, WHENS[when], self._errand)):
            self._problem(expression, when, f"{evaluator} disagrees, but not as \"{difference.name}\" says: {claim}",
                          evaluator)
        return True

    def _judge_unanimity(self, expression, when):
        """Where all evaluators agree with each other and not with errand, it takes a rule of ours."""
        if len({tuple(self.theirs(name, expression, when)) for name in ALL}) > 1:
            return
        listed = [self._listed[name, expression, when][0] for name in ALL if (name, expression, when) in self._listed]
        for name in {difference.name for difference in listed if not difference.ours}:
            self._problem(expression, when, f"all are against us, and \"{name}\" names no rule of ours")

    def _problem(self, expression, when, text, evaluator=None):
        lines = [f"{expression!r} at \"{when}\" {' '.join(WHENS[when])}: {text}"]
        if evaluator:
            lines.append(f"  {evaluator:12} {self.shown(evaluator, expression, when)}")
            lines.append(f"  {'errand':12} {' '.join(self.ours(expression, when)) or 'nothing'}")
        self.problems.append("\n".join(lines))

    def shown(self, evaluator, expression, when):
        error = self._answers[evaluator][expression, when].get("error", "")
        fires = " ".join(self.theirs(evaluator, expression, when))
        return " ".join(f"{fires} {error}".split()) or "nothing"

    def show(self, expression):
        for when in (when for asked, when in cases() if asked == expression):
            print(f"{expression!r} at \"{when}\" {' '.join(WHENS[when])}")
            print(f"  {'errand':12} {' '.join(self.ours(expression, when)) or 'nothing'}")
            for name in ALL:
                print(f"  {name:12} {self.shown(name, expression, when)}")


def main():
    if len(sys.argv) not in (3, 4):
        fail("usage: vote.py ERRAND DIRECTORY [EXPRESSION]")
    vote = Vote(Errand(sys.argv[1]), ask_all(sys.argv[2]))
    if len(sys.argv) == 4:
        return vote.show(sys.argv[3])
    vote.run()
    counts = ", ".join(f"{name} {vote.differences[name]}" for name in ALL)
    expressions = {expression for expression, _ in cases()}
    print(f"{len(cases())} cases of {len(expressions)} expressions; differences: {counts}")
    if vote.problems:
        fail("\n".join([f"{len(vote.problems)} problems", *vote.problems]))


main()
