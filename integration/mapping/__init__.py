"""Decides what Intercom is told of one RevenueCat event: plan(event, policy) -> Send | Skip.

Pure: no clock, no database, no network. The same event and policy always give the same answer.
"""

from __future__ import annotations

from integration.mapping.planning import (
    SKIP_SENTENCES,
    WAIT_SENTENCES,
    Send,
    Skip,
    SkipReason,
    Wait,
    WaitReason,
    plan,
)
from integration.mapping.policy import (
    AnonymousRule,
    ContactPolicy,
    EventPolicy,
    FieldRule,
    MoneyPolicy,
    ProjectPolicy,
    SandboxRule,
)

__all__ = [
    "SKIP_SENTENCES",
    "WAIT_SENTENCES",
    "AnonymousRule",
    "ContactPolicy",
    "EventPolicy",
    "FieldRule",
    "MoneyPolicy",
    "ProjectPolicy",
    "SandboxRule",
    "Send",
    "Skip",
    "SkipReason",
    "Wait",
    "WaitReason",
    "plan",
]
