"""feeds: consumes feed.poll, publishes feed.poll (its schedule) and job.submitted."""

from services.feeds.fetching import warm_up
from services.feeds.handlers import Poller
from services.feeds.poll_turns import PollTurns
from services.feeds.schedule import Schedule
from shared.protocol import messages, topology
from shared.runtime import service
from shared.settings import Settings


def build(settings: Settings, *, queue: topology.WorkQueue = topology.FEEDS) -> service.Service:
    """Wire the service; `queue` brings the schedule of the retries.

    Raises:
        Misconfigured: `PODCAST_FETCH_ALLOW` cannot be read.
    """
    _ = settings.fetch_allowed
    app = service.Service(settings, queue, slots=settings.feeds_slots, deadline_seconds=settings.feeds_deadline_seconds)
    app.publishes(messages.FeedPollRequested, messages.JobRequest)
    poller = Poller(app.store, settings, app.publish, PollTurns(settings.feeds_slots))
    app.background.append(warm_up)
    app.background.append(Schedule(app.store, settings, app.publish).keep)

    @app.on(messages.FeedPollRequested)
    async def receive(message: messages.FeedPollRequested) -> None:
        await poller.poll(message)

    return app


if __name__ == "__main__":
    service.main("feeds", build)
