"""
The process of one scenario: `main()` after django.setup(), with its own VAR_DIR. Leaves a `result.json` there.

Ends on SIGTERM as it does at its own end: nothing is left running.
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections import Counter
from pathlib import Path
from types import FrameType

from django.conf import settings

from tests.chaos.plan import Plan, make_plan
from tests.chaos.promises import judge
from tests.chaos.result import Result
from tests.chaos.scenarios import BY_NAME, Scenario, enough_was_promised, every_post_was_answered
from tests.chaos.stage import Stage


def main() -> None:
    """Run the scenario that the arguments name."""
    parser = argparse.ArgumentParser()
    parser.add_argument("name", choices=list(BY_NAME))
    parser.add_argument("--events", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--everything", action="store_true")
    parser.add_argument("--ports", type=int, nargs=2, required=True)
    options = parser.parse_args()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, _end)
    scenario = BY_NAME[options.name]
    result = run(
        scenario,
        events=options.events,
        seed=options.seed,
        ports=tuple(options.ports),
        everything=options.everything,
    )
    result.write(Path(settings.VAR_DIR))


def run(scenario: Scenario, *, events: int, seed: int, ports: tuple[int, int], everything: bool = False) -> Result:
    """From the first start to the judgement."""
    began = time.monotonic()
    setting = scenario.setting
    plan = make_plan(
        seed, events=events, customers=setting.customers, projects=setting.projects, backwards=setting.backwards
    )
    with Stage(setting, plan, seed=seed, directory=Path(settings.VAR_DIR), ports=ports) as stage:
        stage.open(everything=everything)
        scenario.fault(stage)
        stage.settle()
        evidence = stage.evidence()
    judged = judge(evidence)
    return Result(
        name=scenario.name,
        posted=_distinct(plan),
        answered=len(evidence.answered),
        duplicates=evidence.notes["duplicate"],
        delivered=judged.delivered,
        repeats=judged.repeats,
        repeats_excused=judged.repeats_excused,
        customers=judged.customers,
        customers_right=judged.customers_right,
        calls=judged.calls,
        calls_logged=judged.calls_logged,
        seconds=time.monotonic() - began,
        broken=[
            *judged.broken,
            *scenario.proof(evidence),
            *enough_was_promised(evidence),
            *every_post_was_answered(evidence),
        ],
        notes=dict(evidence.notes + _outcomes(evidence.log.outcomes())),
    )


def _distinct(plan: Plan) -> int:
    return len(plan.events) + len(plan.last_events)


def _outcomes(outcomes: Counter[str]) -> Counter[str]:
    return Counter({f"tries {outcome or 'open'}": count for outcome, count in outcomes.items()})


def _end(_number: int, _frame: FrameType | None) -> None:
    # Once: a second signal must not interrupt the ending.
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    sys.exit(1)
