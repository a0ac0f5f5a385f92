"""Gap: schedules are looked at every ten seconds, so that a timer is up to ten seconds late.

Looks every half second. Tests that wait for a minute's tick can shorten what a `rate` calls a minute, by
LONGSHORE_LOCAL_MINUTE_SECONDS; then it looks five times in that minute, too.
"""

import os

NEEDS = {
    "ministack.services.eventbridge": ("_SCHEDULER_TICK_INTERVAL", "_parse_rate_seconds"),
    "ministack.services.scheduler": ("_SCHEDULE_TICK_INTERVAL",),
}

MINUTE_SECONDS = 60.0
TICK_SECONDS = 0.5
LOOKS_A_MINUTE = 5


def scaled(seconds, minute):
    """A rate's interval when a minute takes `minute` seconds; None stays None."""
    return None if seconds is None else seconds * minute / MINUTE_SECONDS


def interval(minute):
    """How often to look."""
    return min(TICK_SECONDS, minute / LOOKS_A_MINUTE)


def close():
    """Sets both intervals and scales the rates."""
    from ministack.services import eventbridge, scheduler

    minute = float(os.environ.get("LONGSHORE_LOCAL_MINUTE_SECONDS", MINUTE_SECONDS))
    eventbridge._SCHEDULER_TICK_INTERVAL = interval(minute)
    scheduler._SCHEDULE_TICK_INTERVAL = interval(minute)
    stock = eventbridge._parse_rate_seconds
    eventbridge._parse_rate_seconds = lambda expression: scaled(stock(expression), minute)
