"""synthesizer: consumes chunk.requested, publishes chunk.synthesized. Competing consumers."""

from functools import partial

from services.synthesizer import handlers
from services.synthesizer.audio_workers import AudioWorkers
from services.synthesizer.segmenting import Segmenting
from services.synthesizer.speech import SpeechPool
from services.synthesizer.voice_listing import VoiceListing
from shared.protocol import messages, topology
from shared.runtime import certificates, service
from shared.settings import Settings
from shared.store.voice_gains import VoiceGains


def build(settings: Settings) -> service.Service:
    """Wire the service."""
    workers = AudioWorkers(settings.synthesizer_slots)
    app = service.Service(
        settings,
        topology.SYNTHESIZER,
        slots=settings.synthesizer_slots,
        spare=workers.count,  # as many chunks can be encoded at a time
        deadline_seconds=settings.synthesizer_deadline_seconds,
    )
    app.publishes(messages.ChunkSynthesized)
    speech = SpeechPool(settings)
    app.background.append(partial(certificates.keep_read, certificates.peers("speech", settings.speech_urls)))
    app.background.append(VoiceListing(app.store, settings).keep)
    app.preparing.append(workers.start)
    app.background.append(workers.keep)
    segmenting = Segmenting(app.store, VoiceGains(app.store), workers)

    @app.on(messages.ChunkRequested)
    async def receive(message: messages.ChunkRequested) -> None:
        await handlers.speak_chunk(
            message,
            store=app.store,
            speech=speech,
            settings=settings,
            publish=app.publish,
            segmenting=segmenting,
        )

    return app


if __name__ == "__main__":
    service.main("synthesizer", build)
