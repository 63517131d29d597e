"""The questions of the vote: groups of expressions, each asked at some instants."""

import collections

# Where and from when on. The names are what vote.py prints, and what differences.py says.
When = collections.namedtuple("When", "zone instant")

WHENS = {
    "2026": When("UTC", "2026-01-01T00:00:00Z"),
    "leap": When("UTC", "2028-02-27T12:34:56Z"),
    "tokyo": When("Asia/Tokyo", "2027-10-30T14:59:59Z"),
    # Strictly later: just before a fire of "0 9 * * *", on it, and a little after it.
    "before nine": When("UTC", "2026-06-01T08:59:59Z"),
    "at nine": When("UTC", "2026-06-01T09:00:00Z"),
    "after nine": When("UTC", "2026-06-01T09:00:00.250Z"),
    # Clocks that are put forward; each instant is up to two hours before that.
    "new york spring": When("America/New_York", "2026-03-08T05:40:00Z"),  # 02:00 -> 03:00
    "london spring": When("Europe/London", "2026-03-28T23:40:00Z"),  # 01:00 -> 02:00
    "dublin spring": When("Europe/Dublin", "2026-03-28T23:40:00Z"),  # 01:00 -> 02:00, the end of negative saving
    "sao paulo spring": When("America/Sao_Paulo", "2018-11-04T01:40:00Z"),  # 00:00 -> 01:00
    "lord howe spring": When("Australia/Lord_Howe", "2026-10-03T14:10:00Z"),  # 02:00 -> 02:30
    "apia": When("Pacific/Apia", "2011-12-30T08:40:00Z"),  # 2011-12-30 is left out
    "casablanca spring": When("Africa/Casablanca", "2022-05-08T00:40:00Z"),  # 02:00 -> 03:00 after Ramadan
    "gaza spring": When("Asia/Gaza", "2021-03-26T20:40:00Z"),  # 00:00 -> 01:00
    # Clocks that are put back.
    "new york autumn": When("America/New_York", "2026-11-01T04:40:00Z"),  # 02:00 -> 01:00
    "new york repeat": When("America/New_York", "2026-11-01T06:10:00Z"),  # in the second 01:00-02:00
    "london autumn": When("Europe/London", "2026-10-24T23:40:00Z"),  # 02:00 -> 01:00
    "dublin autumn": When("Europe/Dublin", "2026-10-24T23:40:00Z"),  # 02:00 -> 01:00
    "sao paulo autumn": When("America/Sao_Paulo", "2018-02-18T00:40:00Z"),  # 00:00 -> 23:00
    "lord howe autumn": When("Australia/Lord_Howe", "2026-04-04T14:10:00Z"),  # 02:00 -> 01:30
    "casablanca autumn": When("Africa/Casablanca", "2022-03-27T00:40:00Z"),  # 03:00 -> 02:00 before Ramadan
    "gaza autumn": When("Asia/Gaza", "2021-10-28T20:40:00Z"),  # 01:00 -> 00:00
}

Group = collections.namedtuple("Group", "whens expressions")

GROUPS = {
    "grammar": Group(
        ["2026", "leap", "tokyo"],
        [
            "* * * * *", "*/15 * * * *", "0 9 * * *", "5,10,20 9 * * *", "0 9-17 * * MON-FRI", "10-50/20 * * * *",
            "*/10,5 9 * * *", "0-10,50-59/3 9 * * *", "0 9 1-10/3 * *", "0 0 1 */5 *", "0 9 1 JAN,jul,Dec *",
            "0 9 1 JAN-MAR *", "0 9 1 FEB-OCT/4 *", "0 9 * * sun,Wed,SAT", "0 0 * * 0", "0 0 * * 7", "0 0 * * 1,7",
            "0 0 ? * MON", "0 0 1 * ?", "?/20 9 * * *", "? ? ? ? ?", "*,5 9 * * *", "5,* 9 * * *",
        ]),
    "blanks, zeros and repeats": Group(
        ["2026"],
        ["  0 9 * * * ", "0 \t 9  * *\t*", "00 09 01 01 *", "007 9 * * *", "0,0 9,9 * * *", "0 0 * * 0,7,SUN"]),
    "nicknames": Group(
        ["2026", "tokyo"],
        ["@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly", "@DAILY", "@every 90s"]),
    "seconds": Group(
        ["2026", "leap"],
        ["*/20 * * * * *", "30 0 9 * * *", "59 59 23 31 12 ?", "0 0 9 * * MON-FRI", "10-12 30 9 1 * *",
         "5/25 * 9 * * *", "0 0 0 L * *", "* * * * * *"]),
    "steps and ranges": Group(
        ["2026", "leap"],
        ["20/15 * * * *", "0 5/6 * * *", "0 0 10/7 * *", "0 0 1 3/4 *", "0 0 * * 1/2", "0 0 * * MON/2",
         "0 0 * * 0-7/2", "0 0 * * 5-7", "0 0 * * FRI-SUN", "0 0 * * SUN-WED", "0 0 * * 0-7", "0 0 * * */2",
         "*/60 9 * * *", "0 */24 * * *", "0 0 */32 * *", "0-10/20 9 * * *", "*/59 9 * * *", "0 0 1 */12 *"]),
    "the day rule": Group(
        ["2026", "leap"],
        ["0 0 13 * MON", "0 0 13 * *", "0 0 * * MON", "0 0 */2 * 1", "0 0 ?/2 * 1", "0 0 13 * */3",
         "0 0 */2 * */2", "0 0 1-31 * 1", "0 0 *,13 * 1", "0 0 13,* * 1", "0 0 1-31/2 * 1", "0 0 1,15 * FRI",
         "0 0 13 * 0-6", "0 0 29 2 MON", "0 0 */1 * 1", "0 0 13 * *,1", "0 0 ? * ?"]),
    "days of the month": Group(
        ["2026", "leap"],
        ["0 0 31 * *", "0 0 29 2 *", "0 0 L * *", "0 0 l * *", "0 0 L 2 *", "0 0 1,L * *", "0 0 L * MON",
         "0 0 LW * *", "0 0 LW,15 * *", "0 0 1W * *", "0 0 2W * *", "0 0 15W * *", "0 0 15w * *", "0 0 30W * *",
         "0 0 31W * *", "0 0 15W,L * *", "0 0 1W * MON#1"]),
    "days of the week": Group(
        ["2026", "leap"],
        ["0 0 * * MON#2", "0 0 * * 1#2", "0 0 * * FRI#5", "0 0 * * 7#1", "0 0 * * SUN#1,SAT#5", "0 0 * * 1#1,1#3",
         "0 0 * * MON#1,FRI", "0 0 * * FRIL", "0 0 * * 5L", "0 0 * * 0L", "0 0 * * 7L", "0 0 * * 1L,5L",
         "0 0 13 * FRI#2", "0 0 L * MON#1", "0 0 15 * FRIL", "0 0 * 2 TUE#5"]),
    "refused": Group(
        ["2026"],
        ["0 22-6 * * *", "0 0 * * FRI-MON", "0 0 1 NOV-FEB *", "0 0 * * 5-0", "0 0 * * SAT-0", "*/0 * * * *",
         "0 0-10/0 * * *", "5,,10 * * * *", ",5 * * * *", "5, * * * *", "60 * * * *", "0 24 * * *", "0 0 0 * *",
         "0 0 32 * *", "0 0 1 0 *", "0 0 1 13 *", "0 0 * * 8", "60 0 0 * * *", "-1 * * * *", "+5 * * * *",
         "0x5 * * * *", "1e1 * * * *", "1.5 * * * *", "* * * *", "0 0 0 1 1 * 2027", "", "*5 * * * *",
         "0 0 * * MONDAY", "0 0 * * MO", "0 0 1 JANUARY *", "MON * * * *", "0 0 * * L", "0 0 L-3 * *",
         "0 0 1-L * *", "0 0 1W-5 * *", "0 0 1-5W * *", "0 0 W * *", "0 0 * * MON#0", "0 0 * * MON#6",
         "0 0 * * MON#", "0 0 * * 1-5#2", "0 0 * * FRIL/2", "0 0 * * LFRI", "5- * * * *", "-5 * * * *", "5/ * * * *",
         "*/ * * * *", "*/5/2 * * * *", "5-10-20 * * * *", "0 9 * * *;", "0 9 * * * x", "@reboot", "@daily @daily",
         "@every", "@fortnightly", "0 0 32W * *", "\u0665 * * * *", "*/-5 * * * *", "~ * * * *"]),
    "never": Group(["2026"], ["0 0 31 2 *", "0 0 30 2 *", "0 0 31 4,6,9,11 *", "0 0 31W 2 *"]),
    "strictly later": Group(
        ["before nine", "at nine", "after nine"],
        ["0 9 * * *", "0 0 9 * * *", "* * * * *", "* * * * * *", "0 9 1 * *", "0 9 1 6 *", "0 9 * * MON"]),
    # Clock changes. A fixed time in the hour concerned, for each zone; then New York with all spellings.
    "a gap of 2:00": Group(
        ["new york spring", "lord howe spring", "casablanca spring"],
        ["15 2 * * *", "0 2 * * *", "30 2 * * *", "0 3 * * *", "0 2,3 * * *", "*/15 2 * * *", "0 * * * *",
         "20 */2 * * *"]),
    "a gap of 1:00": Group(
        ["london spring", "dublin spring"],
        ["30 1 * * *", "0 1 * * *", "0 2 * * *", "*/30 1 * * *", "*/30 * * * *"]),
    "a gap of midnight": Group(
        ["sao paulo spring", "gaza spring"],
        ["0 0 * * *", "30 0 * * *", "@daily", "0 0 * * SUN", "0 0 4 11 *", "30 0 27 3 SAT", "*/20 0 * * *",
         "15 * * * *"]),
    "a gap of a day": Group(
        ["apia"],
        ["0 12 30 12 *", "0 12 * * FRI", "0 12 * * *", "0 0 * * *", "0 0 31 12 *", "0 */6 * * *", "30 * * * *"]),
    "many in one gap": Group(
        ["new york spring"],
        ["0,30 2 * * *", "0-59 2 * * *", "30 2,3 * * *", "0 1-4 * * *", "* 30 2 * * *", "15 30 2 * * *",
         "0-59/30 2 * * *", "0/30 2 * * *", "*,5 2 * * *", "5,* 2 * * *", "30 2 8 3 *", "30 2 * * SUN",
         "30 2 * 3 SUN#2", "30 0-23 * * *", "30 * * * *", "*/20 * * * *", "*/30 * * * * *"]),
    "a repeat of 1:00": Group(
        ["new york autumn", "london autumn", "dublin autumn"],
        ["45 1 * * *", "0 1 * * *", "0 2 * * *", "0 1,2 * * *", "*/30 1 * * *", "0 * * * *", "*/15 * * * *"]),
    "a repeat of half an hour": Group(
        ["lord howe autumn"], ["45 1 * * *", "30 1 * * *", "0 1 * * *", "*/30 1 * * *", "*/15 * * * *"]),
    "a repeat of midnight": Group(
        ["sao paulo autumn", "gaza autumn"],
        ["0 0 * * *", "30 23 * * *", "30 0 * * *", "@daily", "*/30 23 * * *", "*/30 * * * *"]),
    "a repeat of 2:00": Group(["casablanca autumn"], ["30 2 * * *", "0 3 * * *", "*/30 2 * * *", "0 * * * *"]),
    "many in one repeat": Group(
        ["new york autumn", "new york repeat"],
        ["30 1 * * *", "0,30 1 * * *", "0-59/30 1 * * *", "0 0-3 * * *", "30 0-23 * * *", "15 30 1 * * *",
         "30 1 1 11 *", "30 1 * * SUN", "30 * * * *", "30 */1 * * *", "0 1/2 * * *", "*/30 30 1 * * *",
         "*/30 * * * * *"]),
}

# How many fires each evaluator is asked for.
COUNT = 6
