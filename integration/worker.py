"""The worker: takes jobs from every queue until it is asked to stop, and tells when it has lost its database.

Which queues there are, how many jobs of each at a time, and how often it looks by itself. No task is here.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
from concurrent.futures import ThreadPoolExecutor

from procrastinate.contrib.django import app
from procrastinate.contrib.django.django_connector import DjangoConnector

from integration.bells import DRAIN_QUEUE, PRUNE_QUEUE, RECONCILE_QUEUE, REDELIVER_QUEUE, TEND_QUEUE
from integration.tasks import HEARTBEAT_SECONDS, STALLED_SECONDS, stopping

logger = logging.getLogger(__name__)

# How many projects one worker drains at the same time.
PROJECTS_AT_ONCE = 8
# Nobody notifies a worker of a bell that was rung while the drain before was ending: its lock was held then,
# and letting go of a lock is no notification. So this is how late such an event may be.
POLLING_SECONDS = 0.25
PRUNE_POLLING_SECONDS = 5.0
# Somebody may have pressed the button.
RECONCILE_POLLING_SECONDS = 2.0


def run_worker() -> None:
    """Work until SIGTERM or SIGINT, then finish what is in flight. Raises when the engine loses its database."""
    # The code stays. Looking through all of it for garbage stops every thread, for a tenth of a second each time.
    gc.collect()
    gc.freeze()
    with app.replace_connector(DjangoConnector().get_worker_connector()):
        asyncio.run(_work())


async def _work() -> None:
    loop = asyncio.get_running_loop()
    # One thread for every project, and some for the tending.
    loop.set_default_executor(ThreadPoolExecutor(PROJECTS_AT_ONCE + 5, thread_name_prefix="drain"))
    async with app.open_async():
        # The tending has a worker of its own: it must run also when every project is busy. So have the pruning, with
        # the counting, the comparing and the bulk redelivering, which are in no hurry and must not keep the tending.
        workers = [
            asyncio.create_task(_worker(DRAIN_QUEUE, PROJECTS_AT_ONCE)),
            asyncio.create_task(_worker(TEND_QUEUE, 1)),
            asyncio.create_task(_worker(PRUNE_QUEUE, 1, polling_seconds=PRUNE_POLLING_SECONDS, listen=False)),
            asyncio.create_task(_worker(RECONCILE_QUEUE, 1, polling_seconds=RECONCILE_POLLING_SECONDS, listen=False)),
            asyncio.create_task(_worker(REDELIVER_QUEUE, 1, polling_seconds=RECONCILE_POLLING_SECONDS, listen=False)),
        ]

        def stop() -> None:
            stopping.set()
            for worker in workers:
                worker.cancel()

        for signal_number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(signal_number, stop)
        logger.info("worker ready: up to %d projects at once", PROJECTS_AT_ONCE)
        await asyncio.wait(workers, return_when=asyncio.FIRST_COMPLETED)
        # A worker that ends unasked has lost its database: end the other one too, and let the supervisor start anew.
        unasked = not stopping.is_set()
        if unasked:
            # Not twice: the engine does not wait any longer for its jobs then, and nobody writes down that they ended.
            stop()
        results = await asyncio.gather(*workers, return_exceptions=True)
    if unasked:
        raise RuntimeError("The worker lost its database; it has to be started again.") from next(
            (result for result in results if isinstance(result, Exception)), None
        )


async def _worker(
    queue: str, concurrency: int, *, polling_seconds: float = POLLING_SECONDS, listen: bool = True
) -> None:
    await app.run_worker_async(
        queues=[queue],
        name=queue,
        concurrency=concurrency,
        install_signal_handlers=False,
        fetch_job_polling_interval=polling_seconds,
        listen_notify=listen,
        update_heartbeat_interval=HEARTBEAT_SECONDS,
        stalled_worker_timeout=STALLED_SECONDS,
        delete_jobs="always",
    )
