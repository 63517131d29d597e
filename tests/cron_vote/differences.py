"""Where the evaluators disagree with errand, by name. vote.py accepts these answers and no others.

`why` says whose rule it is that differs, and how. `ours` is set where none of the evaluators agrees with errand: it is
the rule of errand's that makes it stand alone.
"""

import collections

from claims import Fires, OnTheWall, ReadsAs, Refuses

Difference = collections.namedtuple("Difference", "name why cases ours", defaults=[""])

# Some evaluators, expressions, the claim, and the instants; none given: all at which the expression is asked.
Of = collections.namedtuple("Of", "evaluators expressions claim at", defaults=[None])

ALL = ["croner", "cron-parser", "cron", "croniter"]

# ---- What is refused -------------------------------------------------------------------------------------------------

GRAMMAR = [
    Difference(
        "every: no evaluator knows @every",
        "An interval has no place in the five fields; @every is known from Go's cron.",
        [Of(ALL, ["@every 90s"], Refuses())],
        ours="`@every` counts from an anchor, and from the given instant where there is none."),
    Difference(
        "nicknames: some are missing",
        "cron does not know @annually, and neither cron nor cron-parser @midnight.",
        [Of(["cron"], ["@annually"], Refuses()), Of(["cron", "cron-parser"], ["@midnight"], Refuses())]),
    Difference(
        "letters: cron-parser wants nicknames and L as they are in its manual",
        "With us all letters may be in any case.",
        [Of(["cron-parser"], ["@DAILY", "0 0 l * *"], Refuses())]),
    Difference(
        "question mark: unknown to cron and croniter",
        "With us `?` is a spelling of `*`.",
        [Of(["cron", "croniter"],
            ["0 0 ? * MON", "0 0 1 * ?", "?/20 9 * * *", "? ? ? ? ?", "59 59 23 31 12 ?", "0 0 ?/2 * 1", "0 0 ? * ?"],
            Refuses())]),
    Difference(
        "lists: cron-parser refuses what is listed twice",
        "With us repeated items are fine, and so is an item beside `*`.",
        [Of(["cron-parser"],
            ["*,5 9 * * *", "5,* 9 * * *", "0,0 9,9 * * *", "0 0 * * 0,7,SUN", "0 0 *,13 * 1", "0 0 13,* * 1",
             "0 0 13 * *,1", "*,5 2 * * *", "5,* 2 * * *"],
            Refuses())]),
    Difference(
        "steps: croner wants a star or a range before them",
        "With us n/s runs from n to the top of the field.",
        [Of(["croner"],
            ["5/25 * 9 * * *", "20/15 * * * *", "0 5/6 * * *", "0 0 10/7 * *", "0 0 1 3/4 *", "0 0 * * 1/2",
             "0 0 * * MON/2", "0 1/2 * * *", "0/30 2 * * *"],
            Refuses())]),
    Difference(
        "steps: croner refuses some that are too large",
        "With us a step above its range leaves the first number, with a warning. croner accepts */60 and */24.",
        [Of(["croner"], ["0 0 */32 * *"], Refuses())]),
    Difference(
        "ranges: no Sunday at the end",
        "With us SUN is 7 as the end of a range. For cron-parser and cron it is always 0, so the range runs backwards.",
        [Of(["cron-parser", "cron"], ["0 0 * * FRI-SUN"], Refuses())]),
    Difference(
        "last day: unknown to cron",
        "cron has no L at all.",
        [Of(["cron"],
            ["0 0 0 L * *", "0 0 L * *", "0 0 l * *", "0 0 L 2 *", "0 0 1,L * *", "0 0 L * MON", "0 0 L * MON#1",
             "0 0 * * FRIL", "0 0 * * 5L", "0 0 * * 0L", "0 0 * * 7L", "0 0 * * 1L,5L", "0 0 15 * FRIL"],
            Refuses())]),
    Difference(
        "last weekday: croniter spells it L5",
        "croniter takes no L behind a weekday.",
        [Of(["croniter"],
            ["0 0 * * FRIL", "0 0 * * 5L", "0 0 * * 0L", "0 0 * * 7L", "0 0 * * 1L,5L", "0 0 15 * FRIL"], Refuses())]),
    Difference(
        "working days: croner alone knows W",
        "LW and nW come from Quartz.",
        [Of(["cron-parser", "cron", "croniter"],
            ["0 0 LW * *", "0 0 1W * *", "0 0 2W * *", "0 0 15W * *", "0 0 15w * *", "0 0 30W * *", "0 0 31W * *",
             "0 0 15W,L * *", "0 0 1W * MON#1"],
            Refuses())]),
    Difference(
        "working days: no evaluator has LW in a list",
        "croner takes LW alone; the others know no W.",
        [Of(ALL, ["0 0 LW,15 * *"], Refuses())],
        ours="L, LW, nW, d#n and dL are whole list items and mix in lists."),
    Difference(
        "nth weekday: unknown to cron",
        "cron has no #.",
        [Of(["cron"],
            ["0 0 * * MON#2", "0 0 * * 1#2", "0 0 * * FRI#5", "0 0 * * 7#1", "0 0 * * SUN#1,SAT#5", "0 0 * * 1#1,1#3",
             "0 0 * * MON#1,FRI", "0 0 13 * FRI#2", "0 0 * 2 TUE#5", "30 2 * 3 SUN#2"],
            Refuses())]),
    Difference(
        "nth weekday: not in every list",
        "With us list items mix. cron-parser takes # alone, croniter only beside others of its kind.",
        [Of(["cron-parser"], ["0 0 * * SUN#1,SAT#5", "0 0 * * 1#1,1#3"], Refuses()),
         Of(["cron-parser", "croniter"], ["0 0 * * MON#1,FRI"], Refuses())]),
]

# ---- What we refuse --------------------------------------------------------------------------------------------------

REFUSED_BY_US = [
    Difference(
        "missing fields: cron-parser fills them with stars",
        "An expression without minutes is a mistake more often than a wish.",
        [Of(["cron-parser"], ["* * * *", ""], ReadsAs("* * * * *"))]),
    Difference(
        "years: croner takes a seventh field",
        "With us any other count of fields than five or six is refused.",
        [Of(["croner"], ["0 0 0 1 1 * 2027"], Fires(("2027-01-01T00:00:00Z",)))]),
    Difference(
        "names: cron replaces them in every field",
        "MON is 1 in cron, in minutes too.",
        [Of(["cron"], ["MON * * * *"], ReadsAs("1 * * * *"))]),
    Difference(
        "nth weekday: croner takes a range before #",
        "With us d#n takes no range.",
        [Of(["croner"], ["0 0 * * 1-5#2"], ReadsAs("0 0 * * 1#2,2#2,3#2,4#2,5#2"))]),
    Difference(
        "ranges: croniter lets 0 be the last day of the week",
        "With us only the name SUN is 7 as the end of a range; numbers count as written.",
        [Of(["croniter"], ["0 0 * * 5-0"], ReadsAs("0 0 * * 5-7")),
         Of(["croniter"], ["0 0 * * SAT-0"], ReadsAs("0 0 * * 6-7"))]),
    Difference(
        "last day: croniter takes a range up to it",
        "With us L takes no range.",
        [Of(["croniter"], ["0 0 1-L * *"], ReadsAs("0 0 1-31 * *"))]),
    Difference(
        "digits: croniter reads those of all scripts",
        "With us an expression is ASCII.",
        [Of(["croniter"], ["\u0665 * * * *"], ReadsAs("5 * * * *"))]),
]

# ---- Days ------------------------------------------------------------------------------------------------------------

DAYS = [
    Difference(
        "day rule: a step restricts",
        "The evaluators look at the numbers: what leaves some out is restricted, and then either day field is enough.",
        [Of(ALL, ["0 0 */2 * 1"], ReadsAs("0 0 1-31/2 * 1")),
         Of(ALL, ["0 0 13 * */3"], ReadsAs("0 0 13 * 0-6/3")),
         Of(ALL, ["0 0 */2 * */2"], ReadsAs("0 0 1-31/2 * 0-6/2"))],
        ours="A day field that starts with * counts as unrestricted, `*/2` too (Debian's rule)."),
    Difference(
        "day rule: a step after a question mark restricts",
        "As `*/2` does. cron and croniter do not know `?`.",
        [Of(["croner", "cron-parser"], ["0 0 ?/2 * 1"], ReadsAs("0 0 1-31/2 * 1"))]),
    Difference(
        "day rule: only `*` itself is unrestricted",
        "For croner and cron-parser `*/1` is restricted, for croner also a list that begins with a star.",
        [Of(["croner", "cron-parser"], ["0 0 */1 * 1"], ReadsAs("0 0 1-31 * 1")),
         Of(["croner"], ["0 0 *,13 * 1"], ReadsAs("0 0 1-31 * 1")),
         Of(["croner"], ["0 0 13 * *,1"], ReadsAs("0 0 13 * 0-6"))]),
    Difference(
        "day rule: all days are no restriction, however they are spelled",
        "cron and croniter look at the numbers, we at the spelling.",
        [Of(["cron", "croniter"], ["0 0 1-31 * 1", "0 0 13,* * 1"], ReadsAs("0 0 * * 1")),
         Of(["cron", "croniter"], ["0 0 13 * 0-6"], ReadsAs("0 0 13 * *"))]),
    Difference(
        "day rule: croniter forgets it beside #",
        "Beside # croniter does not look at a number as day of the month, and beside L it finds nothing.",
        [Of(["croniter"], ["0 0 13 * FRI#2"], ReadsAs("0 0 * * FRI#2")),
         Of(["croniter"], ["0 0 L * MON#1"], Refuses())]),
]

# ---- Clocks put forward ----------------------------------------------------------------------------------------------

AT_THE_END = OnTheWall(gap="end")
LATER = OnTheWall(gap="shift")
CRONITER = OnTheWall(gap="shift", repeat="first", corrected_twice=True)

GAPS = [
    Difference(
        "gap: cron-parser and croniter fire later by the gap",
        "02:30 becomes 03:30, where we fire at 03:00. croniter also moves the first fire of a later day by the change, "
        "although it is right already.",
        [Of(["cron-parser"], ["15 2 * * *", "30 2 * * *"], LATER, at="new york spring, casablanca spring"),
         Of(["cron-parser"], ["30 1 * * *"], LATER, at="london spring, dublin spring"),
         Of(["cron-parser"], ["30 0 * * *"], LATER, at="sao paulo spring, gaza spring"),
         Of(["cron-parser"], ["30 0 27 3 SAT"], LATER, at="gaza spring"),
         Of(["cron-parser"],
            ["* 30 2 * * *", "15 30 2 * * *", "30 2 8 3 *", "30 2 * * SUN", "30 2 * 3 SUN#2", "30 2,3 * * *",
             "30 0-23 * * *"],
            LATER, at="new york spring"),
         Of(["croniter"], ["15 2 * * *"], CRONITER, at="new york spring, lord howe spring, casablanca spring"),
         Of(["croniter"], ["30 2 * * *"], CRONITER, at="new york spring, casablanca spring"),
         Of(["croniter"], ["30 1 * * *"], CRONITER, at="london spring, dublin spring"),
         Of(["croniter"], ["30 0 * * *"], CRONITER, at="sao paulo spring, gaza spring"),
         Of(["croniter"], ["0 0 * * SUN", "30 0 27 3 SAT"], CRONITER, at="gaza spring"),
         Of(["croniter"], ["0 0 4 11 *"], CRONITER, at="sao paulo spring"),
         Of(["croniter"],
            ["30 2,3 * * *", "* 30 2 * * *", "15 30 2 * * *", "30 2 8 3 *", "30 2 * * SUN", "30 2 * 3 SUN#2",
             "30 0-23 * * *"],
            CRONITER, at="new york spring")]),
    Difference(
        "gap: intervals fire for missing readings",
        "With us a schedule that starts with a star goes by what the clock shows, and a reading that is not shown does "
        "not fire. For cron-parser, cron and croniter all schedules are alike.",
        [Of(["cron-parser"], ["*/15 2 * * *", "20 */2 * * *"], LATER, at="new york spring, casablanca spring"),
         Of(["cron-parser", "cron", "croniter"], ["*/30 1 * * *"], LATER, at="london spring, dublin spring"),
         Of(["cron-parser", "cron", "croniter"], ["*/20 0 * * *"], LATER, at="sao paulo spring, gaza spring"),
         Of(["cron", "croniter"], ["*/15 2 * * *"], LATER, at="new york spring, casablanca spring"),
         Of(["cron", "croniter"], ["*,5 2 * * *"], LATER, at="new york spring"),
         Of(["cron"], ["20 */2 * * *"], AT_THE_END, at="new york spring"),
         Of(["cron"], ["20 */2 * * *"], LATER, at="casablanca spring"),
         Of(["cron"], ["30 * * * *"], AT_THE_END, at="new york spring"),
         Of(["cron"], ["15 * * * *"], AT_THE_END, at="gaza spring"),
         Of(["croniter"], ["20 */2 * * *"], CRONITER, at="new york spring, lord howe spring, casablanca spring"),
         Of(["croniter"], ["0 * * * *"], CRONITER, at="lord howe spring")]),
    Difference(
        "gap: croner leaves it out unless second, minute and hour are single numbers",
        "croner takes `0,30 2` and `0-59 2` for intervals, where we ask for a star.",
        [Of(["croner"],
            ["0,30 2 * * *", "0-59 2 * * *", "30 2,3 * * *", "* 30 2 * * *", "0-59/30 2 * * *", "5,* 2 * * *",
             "30 0-23 * * *"],
            ReadsAs(dst="skip"), at="new york spring"),
         Of(["croner"], ["0 2,3 * * *"], ReadsAs(dst="skip"), at="lord howe spring")]),
    Difference(
        "gap: cron takes 1 January for winter",
        "cron finds the end of a gap by the offset of 1 January. Where that is the offset after the gap, in the south "
        "and in Morocco, it fires later by the gap.",
        [Of(["cron"], ["15 2 * * *", "30 2 * * *"], LATER, at="casablanca spring"),
         Of(["cron"], ["30 0 * * *"], LATER, at="sao paulo spring")]),
    Difference(
        "gap: cron keeps the second",
        "The fire at the end of a gap has the second of the expression. With us it is the very end.",
        [Of(["cron"], ["15 30 2 * * *"], Fires(("2026-03-08T07:00:15Z",)), at="new york spring")]),
    Difference(
        "gap: cron mistakes half an hour",
        "In a gap of half an hour cron fires also half an hour before what would be right.",
        [Of(["cron"], ["0 2 * * *", "30 2 * * *"], Fires(("2026-10-03T15:00:00Z", "2026-10-03T15:30:00Z")),
            at="lord howe spring"),
         Of(["cron"], ["15 2 * * *"], Fires(("2026-10-03T15:15:00Z", "2026-10-03T15:45:00Z")), at="lord howe spring"),
         Of(["cron"], ["0 3 * * *"], Fires(("2026-10-03T15:30:00Z",)), at="lord howe spring"),
         Of(["cron"], ["0 2,3 * * *", "*/15 2 * * *"], Fires(("2026-10-03T15:00:00Z",)), at="lord howe spring"),
         Of(["cron"], ["0 * * * *"],
            Fires(("2026-10-03T14:30:00Z", "2026-10-03T15:00:00Z", "2026-10-03T15:30:00Z")), at="lord howe spring"),
         Of(["cron"], ["20 */2 * * *"], Fires(("2026-10-03T15:20:00Z", "2026-10-03T15:50:00Z")),
            at="lord howe spring")]),
    Difference(
        "gap: cron-parser leaves out half an hour",
        "cron-parser looks for gaps of one hour only.",
        [Of(["cron-parser"], ["15 2 * * *", "0 2 * * *", "0 2,3 * * *"], ReadsAs(dst="skip"), at="lord howe spring")]),
    Difference(
        "gap: no evaluator makes up for a missing day at its end",
        "croner and cron-parser leave it out; cron and croniter read it a day later.",
        [Of(["croner", "cron-parser"], ["0 12 30 12 *", "0 12 * * FRI"], ReadsAs(dst="skip")),
         Of(["cron"], ["0 12 30 12 *", "0 12 * * FRI"], LATER),
         Of(["croniter"], ["0 12 30 12 *", "0 12 * * FRI"], CRONITER),
         Of(["croner", "cron-parser", "cron"], ["0 12 * * *"], ReadsAs(dst="skip")),
         Of(["croniter"], ["0 12 * * *"], CRONITER)],
        ours="Any forward jump is a gap, whatever its size, and fixed times in it fire once, at the jump."),
]

# ---- Clocks put back -------------------------------------------------------------------------------------------------

REPEATS = [
    Difference(
        "repeat: intervals fire only the first time",
        "With us a schedule that starts with a star fires for each reading that the clock shows. cron-parser and cron "
        "do so if the hour is `*` as well, but cron-parser not in a repeat of half an hour.",
        [Of(["cron-parser", "cron"], ["*/30 1 * * *"], LATER,
            at="new york autumn, london autumn, dublin autumn, lord howe autumn"),
         Of(["cron-parser", "cron"], ["*/30 23 * * *"], LATER, at="sao paulo autumn"),
         Of(["cron-parser", "cron"], ["*/30 2 * * *"], LATER, at="casablanca autumn"),
         Of(["cron-parser"], ["*/15 * * * *"], LATER, at="lord howe autumn")]),
    Difference(
        "repeat: fixed times with several numbers fire both times",
        "croner takes them for intervals, and cron-parser takes all 24 hours for one. cron adds a fire an hour before "
        "the one after the repeat (see below), which here is the second of its kind.",
        [Of(["croner", "cron"], ["0 1,2 * * *"], ReadsAs(dst="both"),
            at="new york autumn, london autumn, dublin autumn"),
         Of(["croner", "cron"], ["0 0-3 * * *"], ReadsAs(dst="both"), at="new york autumn"),
         Of(["croner", "cron-parser", "cron"], ["30 0-23 * * *"], ReadsAs(dst="both"),
            at="new york autumn, new york repeat"),
         Of(["croner"], ["0,30 1 * * *", "0-59/30 1 * * *", "*/30 30 1 * * *"], ReadsAs(dst="both"))]),
    Difference(
        "repeat: inside the second hour the first is forgotten",
        "Asked at an instant in the second hour, cron-parser and cron fire once more what fired in the first.",
        [Of(["cron-parser", "cron"],
            ["30 1 * * *", "0,30 1 * * *", "0-59/30 1 * * *", "15 30 1 * * *", "30 1 1 11 *", "30 1 * * SUN",
             "*/30 30 1 * * *"],
            ReadsAs(dst="both"), at="new york repeat")]),
    Difference(
        "repeat: cron-parser takes the second midnight",
        "Where midnight itself comes twice, cron-parser fires the second time.",
        [Of(["cron-parser"], ["0 0 * * *", "30 0 * * *", "@daily"], OnTheWall(repeat="second"), at="gaza autumn")]),
    Difference(
        "repeat: cron-parser finds nothing around half an hour",
        "cron-parser gives up after 10000 steps.",
        [Of(["cron-parser"], ["0 1 * * *"], Refuses(), at="lord howe autumn")]),
    Difference(
        "repeat: cron fires once too often, an hour before",
        "cron takes the hour after the repeat for a repeated one too.",
        [Of(["cron"], ["0 2 * * *"], Fires(("2026-11-01T06:00:00Z",)), at="new york autumn"),
         Of(["cron"], ["0 2 * * *"], Fires(("2026-10-25T01:00:00Z",)), at="london autumn, dublin autumn"),
         Of(["cron"], ["0 3 * * *"], Fires(("2022-03-27T02:00:00Z",)), at="casablanca autumn"),
         Of(["cron"], ["0 0 * * *", "@daily"], Fires(("2018-02-18T02:00:00Z",)), at="sao paulo autumn"),
         Of(["cron"], ["30 0 * * *"], Fires(("2018-02-18T02:30:00Z",)), at="sao paulo autumn")]),
    Difference(
        "repeat: cron does not get out of half an hour",
        "In a repeat of half an hour cron goes back by it again and again.",
        [Of(["cron"], ["*/15 * * * *"],
            Fires(("2026-04-04T14:15:00Z", "2026-04-04T14:30:00Z", "2026-04-04T14:45:00Z", "2026-04-04T15:00:00Z",
                   "2026-04-04T14:45:00Z", "2026-04-04T15:00:00Z")),
            at="lord howe autumn")]),
    Difference(
        "repeat: croniter knows only the first time, and corrects the next day",
        "croniter counts on the wall and takes the first of two instants, even if that is past; the first fire of a "
        "later day is late by the change, which it adds to a result that is right.",
        [Of(["croniter"], ["0 1 * * *"], CRONITER,
            at="new york autumn, london autumn, dublin autumn, lord howe autumn"),
         Of(["croniter"], ["45 1 * * *", "*/30 1 * * *", "*/15 * * * *"], CRONITER,
            at="new york autumn, london autumn, dublin autumn, lord howe autumn"),
         Of(["croniter"], ["0 * * * *"], CRONITER,
            at="new york autumn, london autumn, dublin autumn, casablanca autumn"),
         Of(["croniter"], ["0 0 * * *", "30 23 * * *", "30 0 * * *", "@daily", "*/30 23 * * *", "*/30 * * * *"],
            CRONITER, at="sao paulo autumn, gaza autumn"),
         Of(["croniter"], ["30 2 * * *", "*/30 2 * * *"], CRONITER, at="casablanca autumn"),
         Of(["croniter"], ["30 1 * * *"], CRONITER, at="new york autumn, new york repeat, lord howe autumn"),
         Of(["croniter"],
            ["0,30 1 * * *", "0-59/30 1 * * *", "15 30 1 * * *", "30 1 * * SUN", "30 */1 * * *", "*/30 30 1 * * *"],
            CRONITER),
         Of(["croniter"], ["30 * * * *"], CRONITER, at="new york autumn, new york repeat"),
         Of(["croniter"], ["30 1 1 11 *", "30 0-23 * * *", "*/30 * * * * *"], CRONITER, at="new york repeat")]),
]

DIFFERENCES = GRAMMAR + REFUSED_BY_US + DAYS + GAPS + REPEATS
