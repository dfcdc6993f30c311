"""
What the drain is measured against: `requests` in a pool of threads, making the same two calls and reading the answers.

`python -m tests.bench.bare_drain` reads a Job as JSON from standard input and writes its rate to standard output. It
has no database, no log and no plan for what goes wrong.
"""

from __future__ import annotations

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import requests
from requests.adapters import HTTPAdapter

TIMEOUT_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Job:
    """`count` pairs of calls: `attributes` and `event` are sent again and again, with other contacts and seconds."""

    url: str
    headers: dict[str, str]
    contacts: list[str]
    attributes: dict[str, Any]
    event: dict[str, Any]
    first_second: int
    count: int
    threads: int


def run(job: Job) -> float:
    """How many pairs a second. Raises requests.HTTPError where the stand-in takes one amiss."""
    began = time.perf_counter()
    with requests.Session() as session, ThreadPoolExecutor(job.threads) as pool:
        session.trust_env = False
        session.mount("http://", HTTPAdapter(pool_maxsize=job.threads))
        session.headers.update(job.headers)

        def tell(number: int) -> None:
            contact, second = job.contacts[number % len(job.contacts)], job.first_second + number
            put = session.put(
                f"{job.url}/contacts/{contact}",
                json={"custom_attributes": job.attributes | {"expires_at": second}},
                timeout=TIMEOUT_SECONDS,
            )
            put.raise_for_status()
            put.json()
            event = session.post(
                f"{job.url}/events", json=job.event | {"id": contact, "created_at": second}, timeout=TIMEOUT_SECONDS
            )
            event.raise_for_status()

        for _ in pool.map(tell, range(job.count)):
            pass
    return job.count / (time.perf_counter() - began)


if __name__ == "__main__":
    json.dump({"rate": run(Job(**json.load(sys.stdin)))}, sys.stdout)
