"""Copies of live requests for deployments that are being tried out.

A copy is sent in the background and its answer is thrown away: it may not delay, change or fail the live request, so
it never waits for a slot; where none is free it is dropped and counted. Calls that name a deployment are not copied
(how-to-safely-rollout-online-endpoints).
"""

import asyncio
import time

from azml_gateway import upstream
from azml_gateway.admission import Deployment, Instance
from azml_gateway.call import Call
from azml_gateway.routing import Routing


class Mirroring:
    """Sends the copies and counts what became of them."""

    def __init__(self, routing: Routing) -> None:
        self._routing = routing
        self._running: set[asyncio.Task[None]] = set()

    def copy(self, call: Call) -> None:
        """Send a live request once more where the mirror says so; returns at once."""
        if (
            not self._routing.mirror.shares
            or call.path == b"/swagger.json"
            or b"azureml-model-deployment" in call.header
        ):
            return
        for name in self._routing.mirror.next():
            deployment = self._routing.deployments[name]
            instance = deployment.try_acquire()
            if instance is None:
                self._routing.metrics.dropped(name)
                continue
            task = asyncio.create_task(self._send(call, deployment, instance))
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    async def _send(self, call: Call, deployment: Deployment, instance: Instance) -> None:
        status, model_status, started = 503, 0, time.perf_counter()
        exchange: upstream.Exchange | None = None
        try:
            async with asyncio.timeout(deployment.config.request_timeout_s):
                target = call.target(deployment.config.scoring_route)
                exchange = await upstream.send(instance.address, call.method, target, call.forwarded(), call.body)
                await exchange.head()
                async for _ in exchange.body():
                    pass
                model_status = exchange.status
                status = 200 if model_status == 200 else 424
        except upstream.ConnectError:
            deployment.avoid(instance)
        except TimeoutError:
            status = 408
        except upstream.BrokenAnswerError:
            pass
        finally:
            if exchange is not None:
                exchange.abort()
            deployment.release(instance)
            seconds = time.perf_counter() - started
            self._routing.metrics.mirrored(deployment.name, status, model_status, seconds)
