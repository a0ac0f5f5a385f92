"""Gap: an alarm that changes its state publishes no event.

Puts `CloudWatch Alarm State Change` on the default bus, in the shape that CloudWatch uses.
"""

import json
import time

NEEDS = {
    "ministack.services.cloudwatch": ("_dispatch_alarm_actions",),
    "ministack.services.eventbridge": ("_put_events",),
}


def entry(alarm, old, new, reason, now):
    """The PutEvents entry of one change; `now` is the time of the change as text."""
    metric = {"namespace": alarm.get("Namespace"), "name": alarm.get("MetricName")}
    statistic = {"metric": metric, "period": alarm.get("Period"), "stat": alarm.get("Statistic")}
    detail = {
        "alarmName": alarm.get("AlarmName"),
        "state": {"value": new, "reason": reason, "timestamp": now},
        "previousState": {"value": old},
        "configuration": {"metrics": [{"metricStat": statistic}]},
    }
    return {
        "Source": "aws.cloudwatch",
        "DetailType": "CloudWatch Alarm State Change",
        "Resources": [alarm.get("AlarmArn", "")],
        "Detail": json.dumps(detail),
    }


def close():
    """Wraps the dispatch of an alarm's actions."""
    from ministack.services import cloudwatch, eventbridge

    stock = cloudwatch._dispatch_alarm_actions

    def dispatch(alarm, old, new, reason):
        now = time.strftime("%Y-%m-%dT%H:%M:%S.000+0000", time.gmtime())
        eventbridge._put_events({"Entries": [entry(alarm, old, new, reason, now)]}, allow_aws_source=True)
        return stock(alarm, old, new, reason)

    cloudwatch._dispatch_alarm_actions = dispatch
