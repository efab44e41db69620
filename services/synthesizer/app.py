"""synthesizer: consumes chunk.requested, publishes chunk.synthesized. Competing consumers."""

from functools import partial

import anyio

from services.synthesizer import handlers
from services.synthesizer.segmenting import Segmenting, encodes_at_a_time
from services.synthesizer.speech import SpeechPool
from services.synthesizer.voice_listing import VoiceListing
from shared.protocol import messages, topology
from shared.runtime import certificates, service
from shared.settings import Settings
from shared.store.voice_gains import VoiceGains


def build(settings: Settings) -> service.Service:
    """Wire the service."""
    app = service.Service(
        settings,
        topology.SYNTHESIZER,
        slots=settings.synthesizer_slots,
        deadline_seconds=settings.synthesizer_deadline_seconds,
    )
    app.publishes(messages.ChunkSynthesized)
    speech = SpeechPool(settings)
    app.background.append(partial(certificates.keep_read, certificates.peers("speech", settings.speech_urls)))
    app.background.append(VoiceListing(app.store, settings).keep)
    turns = anyio.CapacityLimiter(handlers.AUDIO_AT_A_TIME)
    segmenting = Segmenting(app.store, VoiceGains(app.store), turns, anyio.CapacityLimiter(encodes_at_a_time()))

    @app.on(messages.ChunkRequested)
    async def receive(message: messages.ChunkRequested) -> None:
        await handlers.speak_chunk(
            message,
            store=app.store,
            speech=speech,
            settings=settings,
            publish=app.publish,
            turns=turns,
            segmenting=segmenting,
        )

    return app


if __name__ == "__main__":
    service.main("synthesizer", build)
