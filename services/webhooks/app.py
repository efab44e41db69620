"""webhooks: consumes job.completed, job.failed, job.cancelled and webhook.requested, publishes webhook.requested."""

from services.webhooks import handlers, hub
from services.webhooks.own_limits import OwnWebhookLimits
from shared.host_turns import HostTurns
from shared.protocol import messages, topology
from shared.runtime import service
from shared.settings import Settings


def build(settings: Settings, *, queue: topology.WorkQueue = topology.WEBHOOKS) -> service.Service:
    """Wire the service; `queue` brings the schedule of the retries.

    Raises:
        Misconfigured: `PODCAST_WEBHOOK_ALLOW` or `PODCAST_GATEWAY_PUBLIC_URL` cannot be read.
    """
    _ = settings.webhook_allowed, settings.public_url
    app = service.Service(
        settings,
        queue,
        slots=settings.webhook_slots,
        deadline_seconds=settings.webhooks_deadline_seconds,
        attempts_limit=settings.webhook_attempts_limit,
    )
    app.publishes(messages.WebhookRequested)
    turns = HostTurns(settings.webhook_slots)
    own_limits = OwnWebhookLimits(settings.webhook_own_per_minute)

    async def job_ended(event: messages.JobEnded) -> None:
        await handlers.job_ended(event, store=app.store, publish=app.publish)

    @app.on(messages.JobCompleted)
    async def completed(message: messages.JobCompleted) -> None:
        await job_ended(message)
        await hub.tell(message, store=app.store, settings=settings)

    @app.on(messages.JobFailed)
    async def failed(message: messages.JobFailed) -> None:
        await job_ended(message)

    @app.on(messages.JobCancelled)
    async def cancelled(message: messages.JobCancelled) -> None:
        await job_ended(message)

    @app.on(messages.WebhookRequested)
    async def receive(message: messages.WebhookRequested) -> None:
        await handlers.deliver(message, store=app.store, settings=settings, turns=turns, own_limits=own_limits)

    return app


if __name__ == "__main__":
    service.main("webhooks", build)
