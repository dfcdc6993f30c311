"""
How one call is answered: entered in the ledger, hit by a fault or not, admitted or not, and what then leaves.

What Intercom would answer is decided in `api.py`; this module only says when and whether that answer gets out.
"""

from __future__ import annotations

import sys
import threading
import traceback

from tests.fake_intercom import api
from tests.fake_intercom.faults import Fault, Hook, Rule
from tests.fake_intercom.ledger import Ledger
from tests.fake_intercom.limits import RateLimit
from tests.fake_intercom.messages import Answer, Call, Refusal, error_answer
from tests.fake_intercom.wire import RawRequest, Wire
from tests.fake_intercom.workspace import Workspace

GATE_PATIENCE_SECONDS = 60.0


class Exchange:
    """Between the wire and the workspace; `rules` and `limit` are guarded by the workspace's lock."""

    def __init__(self, workspace: Workspace, ledger: Ledger, stopping: threading.Event, *, verbose: bool) -> None:
        self.rules: list[Rule] = []
        self.limit: RateLimit | None = None
        self._workspace = workspace
        self._changed = workspace.changed
        self._ledger = ledger
        self._stopping = stopping
        self._verbose = verbose

    def respond(self, raw: RawRequest, wire: Wire) -> None:
        """Answers one request, or leaves it unanswered as its fault demands."""
        with self._changed:
            call = self._ledger.arrived(raw)
            fault = self._fault_for(call)
            self._changed.notify_all()
        self._settle(call, fault, raw, wire)
        if self._verbose:
            print(f"{call.line} -> {call.status} {call.fault}".rstrip(), file=sys.stderr, flush=True)

    def _fault_for(self, call: Call) -> Fault | None:
        if not self.rules:
            return None
        taken = next((rule.fault for rule in self.rules if rule.take(call)), None)
        # A rule with a gate stays, so that stopping can open it for the calls that are held.
        self.rules = [rule for rule in self.rules if not rule.spent or rule.fault.gate is not None]
        call.fault = "" if taken is None else taken.name
        return taken

    def _settle(self, call: Call, fault: Fault | None, raw: RawRequest, wire: Wire) -> None:
        answer = self._act(call) if fault is None else self._act_under(fault, call)
        self._wait(self._workspace.latency)
        if answer is None:
            with self._changed:
                self._ledger.unanswered()
                self._changed.notify_all()
            wire.cut(reset=fault is not None and fault.resets)
            return
        with self._changed:
            extra = {"X-Request-Id": call.request_id} if answer.from_intercom else {}
            if self.limit is not None and answer.from_intercom:
                extra |= self.limit.headers()
            self._ledger.answered(call, answer.status)
            self._changed.notify_all()
        response = answer.encoded(extra, keep_alive=raw.keep_alive)
        if fault is not None and fault.drip_seconds:
            wire.drip(response, fault.drip_seconds)
        else:
            wire.send(response)

    def _act_under(self, fault: Fault, call: Call) -> Answer | None:
        if fault.on_request is not None:
            self._call_hook(fault.on_request, call)
        answer = self._act(call) if fault.acts_first else None
        if fault.gate is not None:
            fault.gate.wait(GATE_PATIENCE_SECONDS)
        self._wait(fault.delay_seconds)
        if fault.closes or self._stopping.is_set():
            return None
        if fault.refusal is not None:
            return error_answer(fault.refusal, call.request_id)
        return fault.answer or answer or self._act(call)

    def _call_hook(self, hook: Hook, call: Call) -> None:
        try:
            hook(call)
        except Exception:
            with self._changed:
                self._ledger.violations.append("the test's own hook failed: " + traceback.format_exc())

    def _act(self, call: Call) -> Answer:
        with self._changed:
            try:
                self._admit(call)
                return api.respond(self._workspace, call)
            except Refusal as refusal:
                return error_answer(refusal, call.request_id)
            except Exception:
                call.violations.append("the stand-in itself failed: " + traceback.format_exc())
                return Answer(500)
            finally:
                self._ledger.judged(call)

    def _admit(self, call: Call) -> None:
        accepted = self._workspace.accepted_tokens
        if not call.token or (accepted is not None and call.token not in accepted):
            raise Refusal(401, "unauthorized", "Access Token Invalid")
        if self.limit is not None and not self.limit.consume(1):
            raise self.limit.exceeded()
        if "application/json" not in call.headers.get("accept", ""):
            message = "The Accept header should send a media type of application/json"
            raise Refusal(406, "media_type_not_acceptable", message)

    def _wait(self, seconds: float) -> None:
        if seconds > 0:
            self._stopping.wait(seconds)
