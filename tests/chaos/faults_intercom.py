"""
Faults of Intercom: away, broken, silent, out of calls, or with another opinion of the access token.

Each function lets its fault happen while the plan is being posted, and returns when all is well again.
"""

from __future__ import annotations

from tests.chaos.stage import Stage

HANG_SECONDS = 20.0
HANGING_CALLS = 16
WINDOWS = 4
WINDOW_SECONDS = 3.0
CALLS_A_WINDOW = 1_500
# More than any window has.
EVERYTHING = 100_000


def refuses_connections(stage: Stage) -> None:
    """Nobody listens, and what was connected is cut."""
    stage.post_everything()
    for seconds in (4.0, 3.0):
        stage.pause(stage.chance.uniform(1.5, 3.0))
        stage.servers.intercom.tell("refuse", seconds=seconds)
        stage.pause(seconds + 0.5)
        stage.notes["seconds of refused connections"] += int(seconds)


def answers_with_errors(stage: Stage) -> None:
    """500, 503, a load balancer's HTML, and answers that are lost after Intercom has acted."""
    intercom = stage.servers.intercom
    stage.post_everything()
    stage.pause(1.0)
    for kind, options in (
        ("error", {"status": 500}),
        ("html", {"status": 502}),
        ("error", {"status": 503}),
        ("empty", {"status": 503}),
    ):
        intercom.fail(kind, seconds=1.5, **options)
        stage.pause(2.5)
    # Intercom has the event, and the app cannot know it.
    intercom.fail("lose_answer", times=40, path="/events")
    intercom.fail("lose_answer", times=40, path="/events", reset=True)
    intercom.fail("error", times=40, path="/events", status=500, acts_first=True)
    intercom.fail("close", times=20)
    stage.pause(4.0)
    intercom.clear_faults()


def hangs(stage: Stage) -> None:
    """No answer within the app's patience; the events among these calls were taken in all the same."""
    stage.post_everything()
    stage.pause(2.0)
    intercom = stage.servers.intercom
    intercom.fail("hang", times=HANGING_CALLS, for_seconds=HANG_SECONDS, path="/events", acts_first=True)
    intercom.fail("hang", times=HANGING_CALLS, for_seconds=HANG_SECONDS)
    stage.until(lambda: stage.poster.is_done, 2 * HANG_SECONDS)
    stage.pause(HANG_SECONDS / 2)


def out_of_calls(stage: Stage) -> None:
    """Whole rate-limit windows that other apps of the workspace have used up: 429 to everything."""
    intercom = stage.servers.intercom
    stage.post_everything()
    for _ in range(WINDOWS):
        intercom.tell("rate_limit", limit=CALLS_A_WINDOW, window_seconds=WINDOW_SECONDS, consume=EVERYTHING)
        # One window of 429, one that can be used.
        stage.pause(2 * WINDOW_SECONDS)
    intercom.tell("rate_limit", limit=None)


def refuses_token(stage: Stage) -> None:
    """401 to everything; resumed too early, then put right by a new token."""
    intercom = stage.servers.intercom
    stage.post_everything()
    stage.pause(3.0)
    intercom.tell("settings", accepted_tokens=["nobody's"])
    for _ in range(2):
        if stage.until(lambda: stage.book.held() == stage.setting.projects, 10.0):
            stage.notes["holds"] += stage.book.held()
        stage.pause(1.0)
        # The reason still stands: it is held again.
        stage.book.resume()
    stage.until(lambda: stage.book.held() == stage.setting.projects, 10.0)
    tokens = [f"new-token-{number}" for number in range(stage.setting.projects)]
    intercom.tell("settings", accepted_tokens=tokens)
    stage.book.replace_tokens(tokens)
