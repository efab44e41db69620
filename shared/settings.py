"""Every setting, read from the environment.

Each is read from `PODCAST_<NAME>`; `PODCAST_<NAME>_FILE` names a file that holds the value instead (for secrets). They
are listed in docs/settings.md, which a test compares with this module.
"""

from __future__ import annotations

import os
from functools import cached_property
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from shared.addresses import Allowed
from shared.errors import Misconfigured
from shared.languages import normalised
from shared.protocol.messages import CHUNKS_LIMIT, PauseLengths
from shared.protocol.narration import NAME_LIMIT_CHARACTERS

PREFIX = "PODCAST_"
Engine = Literal["piper", "espeak-ng", "kokoro"]
"""The engines of our own speech server."""


class _FromFiles(PydanticBaseSettingsSource):
    """`PODCAST_X_FILE=/run/secrets/x` sets X to that file's content without trailing white space."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:  # noqa: ARG002 - the base class's signature
        path = os.environ.get(f"{PREFIX}{field_name.upper()}_FILE")
        if not path:
            return None, field_name, False
        try:
            return Path(path).read_text(encoding="utf-8").rstrip(), field_name, False
        except OSError as error:
            raise Misconfigured(
                f"{PREFIX}{field_name.upper()}_FILE names {path}, which cannot be read: {error.strerror}.",
                hint="Correct the path or its permissions.",
            ) from error

    def __call__(self) -> dict[str, Any]:
        values = {name: self.get_field_value(field, name)[0] for name, field in self.settings_cls.model_fields.items()}
        return {name: value for name, value in values.items() if value is not None}


class Settings(BaseSettings):
    """The settings of all services; each service reads those it needs."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore")

    # Where the servers are
    amqp_url: str = Field(
        "amqp://guest:guest@127.0.0.1:5672/",
        description="RabbitMQ; of a cluster all nodes, comma-separated: the next one is used when one is lost",
    )
    store_url: str = Field(
        "",
        description="`s3://KEY:SECRET@HOST:PORT/BUCKET?secure=false` or `file:///DIR`; empty: in the state folder",
    )
    speech_url: str = Field(
        "", description="servers that speak OpenAI's `POST /v1/audio/speech`, comma-separated, without that path"
    )
    speech_api_key: str = Field("", description="sent to the speech servers as a bearer token, if set")
    speech_engine: str = Field(
        "", description="names what speaks behind `speech_url`, for the audio keys; empty: the servers' addresses"
    )

    declare_topology: bool = Field(
        True,
        description="declare exchanges and queues at the start; false: only look whether they are there, for a user of"
        " the broker that may declare nothing",
    )

    # Encrypted connections: amqps://…, s3://… without `secure=false`, https://…
    ca: str = Field(
        "",
        description="certificates (PEM) of authorities that may sign those of broker, store and speech servers, besides"
        " the usual ones: name the file with `PODCAST_CA_FILE`",
    )

    # Defaults for what a job does not specify
    default_voice: str = Field("default", min_length=1, max_length=100, description="voice of a job that names none")
    default_model: str = Field(
        "default", min_length=1, max_length=100, description="speech model of a job that names none"
    )
    voices: str = Field(
        "",
        description="voices by language, comma-separated: `de=de_DE-thorsten-medium, fr=ff_siwis`; for other languages"
        " than that of the default voice, one that the speech servers list is taken",
    )
    normalise_text: bool = Field(
        True,
        description="numbers, dates, abbreviations, addresses and the like are written out as they are said, before the"
        " engine gets them; captions keep the written form; false: for engines that do it better themselves",
    )
    cover_from_source: bool = Field(
        True,
        description="take the cover from the book or the page, if the job names none and the picture is large enough",
    )
    engine_phonemes: Literal["none", "misaki"] = Field(
        "none",
        description="how the speech engine takes a lexicon's IPA: `misaki` as `[word](/ipa/)`, which Kokoro-FastAPI"
        " reads; `none`: not at all, and the respelling is spoken",
    )
    pause_sentence_ms: int = Field(350, ge=0, description="silence between two chunks of a paragraph")
    pause_paragraph_ms: int = Field(700, ge=0, description="silence after a paragraph")
    pause_heading_ms: int = Field(900, ge=0, description="silence after a heading")
    pause_chapter_ms: int = Field(1_800, ge=0, description="silence before a new chapter")
    pause_turn_ms: int = Field(500, ge=0, description="silence between two speakers of a dialogue")

    # What strangers may make us connect to
    fetch_allow: str = Field(
        "",
        description="networks and host names that a source's address may lead to although they are not public, "
        "comma-separated: `10.0.0.0/8, wiki.intranet`; empty: public addresses alone",
    )

    webhook_allow: str = Field(
        "", description="the same for the addresses that webhooks are sent to; empty: public addresses alone"
    )

    # Limits, so that every job ends
    chunk_limit_characters: int = Field(400, ge=40, le=4_000, description="longest text spoken in one call")
    chunk_target_characters: int = Field(
        200, ge=1, le=4_000, description="sentences of a paragraph are spoken together up to this length"
    )
    source_limit_bytes: int = Field(20_000_000, ge=1, description="largest document that is read")
    text_limit_characters: int = Field(5_000_000, ge=1, description="longest text of a job")
    chunks_limit: int = Field(20_000, ge=1, le=CHUNKS_LIMIT, description="most chunks of a job")
    job_deadline_seconds: float = Field(86_400, gt=0, description="a job that takes longer fails")

    feed_limit_bytes: int = Field(5_000_000, ge=1, description="largest feed that is read")
    feed_new_items_per_poll: int = Field(
        20, ge=1, le=500, description="new items that one poll of a feed takes; the next poll takes the others"
    )
    feed_new_items_per_day: int = Field(
        100, ge=1, le=10_000, description="new items that a feed may have in a day; the others are taken the day after"
    )
    feed_shortest_interval_seconds: float = Field(
        300, gt=0, description="no feed is polled more often than this, whatever it or its owner says"
    )
    feed_look_seconds: float = Field(10, gt=0, description="how often the feeds service checks which feeds are due")

    # Concurrency: how many messages a process handles at a time
    chunker_slots: int = Field(2, ge=1, description="documents a chunker reads at a time")
    coordinator_slots: int = Field(20, ge=1, description="messages a coordinator handles at a time")
    synthesizer_slots: int = Field(4, ge=1, description="chunks that a synthesizer has spoken at a time")
    assembler_slots: int = Field(1, ge=1, description="episodes an assembler makes at a time")
    webhook_slots: int = Field(
        16, ge=1, description="webhooks sent at a time, of which at most a quarter (at least one) go to one host"
    )

    feeds_slots: int = Field(
        32,
        ge=4,
        description="feeds polled at a time, of which at most two are at one host, and at most a quarter are"
        " feeds whose last poll failed",
    )

    webhook_own_per_minute: int = Field(
        60,
        ge=1,
        description="webhooks that jobs have named themselves, to one host, sent by a process in a minute; more wait."
        " Nothing proves that such an address belongs to whoever submits the job",
    )

    # Deadlines, from the inside out: call < handler < ack
    connect_timeout_seconds: float = Field(5, gt=0, description="to open a connection to any server")
    publish_deadline_seconds: float = Field(10, gt=0, description="to publish a message and have it confirmed")
    store_deadline_seconds: float = Field(20, gt=0, description="one call to the store, plus 1 s for each MB")
    speech_deadline_seconds: float = Field(60, gt=0, description="one call to a speech server, all of it")
    fetch_deadline_seconds: float = Field(30, gt=0, description="to fetch a page")
    webhook_deadline_seconds: float = Field(20, gt=0, description="one POST of a webhook, all of it")
    feed_fetch_deadline_seconds: float = Field(20, gt=0, description="to fetch a feed, or the page of one of its items")
    chunker_deadline_seconds: float = Field(180, gt=0, description="to handle one message in the chunker")
    coordinator_deadline_seconds: float = Field(120, gt=0, description="to handle one message in the coordinator")
    synthesizer_deadline_seconds: float = Field(240, gt=0, description="to handle one message in a synthesizer")
    assembler_deadline_seconds: float = Field(1_500, gt=0, description="to handle one message in an assembler")
    webhooks_deadline_seconds: float = Field(120, gt=0, description="to handle one message in the webhooks service")
    feeds_deadline_seconds: float = Field(180, gt=0, description="to handle one message in the feeds service")
    ack_margin_seconds: float = Field(
        120, ge=30, description="how much later than a handler's deadline the broker's own may fire"
    )
    broker_ack_deadline_seconds: float = Field(
        1_800, gt=0, description="the broker's consumer_timeout; it must be the last deadline to fire"
    )
    watchdog_seconds: float = Field(30, ge=1, description="an event loop that stands still for longer ends the process")
    grace_seconds: float = Field(10, ge=0, description="what a stopping process may take to finish its messages")

    # Retries
    attempts_limit: int = Field(5, ge=1, description="tries of a message before it becomes a dead letter")
    chunker_attempts_limit: int = Field(
        3, ge=1, description="the same for reading a source, where somebody is waiting to hear of a wrong address"
    )
    webhook_attempts_limit: int = Field(
        22,
        ge=1,
        description="the same for sending a webhook: after 5 s, 1 min, 5 min, 30 min, then every 2 hours, each up to"
        " 30 % earlier, so that a receiver may be down for a day",
    )
    crash_limit: int = Field(3, ge=2, description="a message that killed its consumer so often becomes a dead letter")
    breaker_failures: int = Field(3, ge=1, description="failures in a row after which an endpoint is left alone")
    breaker_open_seconds: float = Field(10, gt=0, description="how long it is left alone before the next try")
    retry_after_limit_seconds: float = Field(
        86_400, ge=0, description="longest pause that a server may ask for with `Retry-After`; more is this much"
    )
    reconcile_seconds: float = Field(15, gt=0, description="how often the coordinator looks for jobs that stand still")
    stalled_seconds: float = Field(
        120,
        gt=0,
        description="how much longer than the deadline of the stage that it waits for a job may be without news, and"
        " without a message in that stage's queues, before it is dispatched again",
    )
    lost_limit: int = Field(
        3, ge=1, description="how often a chunk that was spoken may be gone from the store before its job fails"
    )

    # What is kept
    retention_days: float = Field(
        0, ge=0, description="jobs that ended longer ago are removed, with audio that no job refers to; 0: keep all"
    )
    audit_retention_days: float = Field(
        0, ge=0, description="days of the audit log that ended longer ago are removed; 0: keep all"
    )

    # Audio
    sample_rate: Literal[16000, 22050, 24000, 44100, 48000] = Field(
        24_000, description="of stored chunks and episodes, Hz"
    )

    watch_folder: str = Field("", description="the folder that `podcast watch-folder` watches if it is given none")

    # What a preview estimates
    cost_per_million_characters: float = Field(
        0, ge=0, description="what a speech server takes for a million characters, in your currency; 0: nothing"
    )

    # The process
    health_port: int = Field(
        0, ge=0, le=65_535, description="port on 127.0.0.1 for /healthz, /readyz, /metrics, /stacks; 0: none"
    )
    health_host: str = Field("127.0.0.1", description="address the health port binds to")
    probe_seconds: float = Field(
        5,
        gt=0,
        description="how often a local stack asks each process for a sign of life, and how long it waits for one; "
        "five failed probes in a row end the process, and it is started again",
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="lowest level written")
    log_json: bool = Field(False, description="one JSON object a log line")
    traces_file: str = Field(
        "", description="traces are switched on, and appended to this file, one span a line; empty: see docs/tracing.md"
    )
    traces_headers: str = Field(
        "",
        description="headers for the collector of traces: `authorization=Bearer%20…`; as `OTEL_EXPORTER_OTLP_HEADERS`,"
        " but it can be in a file",
    )
    traces_trust_clients: bool = Field(
        False, description="a `traceparent` that a client has marked as sampled has its request and its job traced"
    )
    state_dir: Path = Field(
        Path("~/.local/state/podcast-engine"), description="where a local stack keeps its data, logs and addresses"
    )
    cache_dir: Path = Field(
        Path("~/.cache/podcast-engine"), description="where programs and voices built here are kept"
    )

    # The HTTP gateway
    gateway_host: str = Field("127.0.0.1", description="address the gateway binds to")
    gateway_port: int = Field(8_080, ge=0, le=65_535, description="port of the gateway; 0: any free one")
    gateway_public_url: str = Field(
        "",
        description="where clients reach the gateway, as in `https://podcasts.example.org`: feeds name it in every"
        " address, and a new show's `podcast:guid` is derived from it; empty: the address that it binds to",
    )
    gateway_key: str = Field(
        "", description="a key with all scopes that is valid besides those of `podcast keys`; empty: none"
    )
    gateway_anonymous: bool = Field(
        False, description="answer requests without a key, with all scopes; only where the gateway binds to loopback"
    )
    gateway_requests_per_minute: int = Field(
        6_000, ge=1, description="requests that a key may make at each gateway, unless it has a limit of its own"
    )
    gateway_key_share: float = Field(
        0.5,
        gt=0,
        le=1,
        description="largest part of the uploads, speech streams, voice samples and waiting previews that one key may"
        " have at a time",
    )
    gateway_streams: int = Field(2_000, ge=0, description="event streams that a gateway keeps open at a time")
    gateway_streams_per_key: int = Field(500, ge=0, description="event streams that one key may have open at a gateway")
    gateway_look_seconds: float = Field(
        10.0, gt=0, description="how often a watched job is read from the store, in case an event was lost"
    )
    gateway_heartbeat_seconds: float = Field(
        15.0, gt=0, description="longest time without a byte on an event stream, after which a comment is sent"
    )
    gateway_stream_seconds: float = Field(
        900.0, gt=0, description="after this time an event stream ends, so that its client connects again with its key"
    )
    gateway_event_token_seconds: float = Field(
        600.0, ge=4, description="how long an address of events for a browser, which has a token in it, is valid"
    )
    gateway_session_seconds: float = Field(
        43_200.0,
        ge=60,
        description="how long a browser stays signed in to the page without being used; it never outlives its key",
    )
    gateway_send_seconds: float = Field(
        20.0, gt=0, description="how long a client of an event stream may not read before it is disconnected"
    )
    gateway_request_seconds: float = Field(
        30, gt=0, description="how long a request may take until its answer begins, body included"
    )
    gateway_upload_seconds: float = Field(600, gt=0, description="how long the upload of a file may take")
    gateway_operation_seconds: float = Field(
        120, gt=0, description="how long a look at the dead letters, a replay or a removal may take"
    )
    gateway_stall_seconds: float = Field(
        120, gt=0, description="a client that takes nothing of its answer for this long is cut off"
    )
    gateway_stranger_stall_seconds: float = Field(
        15, gt=0, description="the same for a client that has sent no valid key"
    )
    gateway_header_seconds: float = Field(10, gt=0, description="how long the headers of a request may take")
    gateway_connections: int = Field(
        2_000, ge=8, description="connections at a time; above that, only health is answered, and idle ones are closed"
    )
    gateway_connections_per_address: int = Field(
        500, ge=0, description="connections of one address at a time (for IPv6: of a /64 network); 0: any number"
    )
    gateway_proxies: str = Field(
        "127.0.0.0/8, ::1",
        description="networks and addresses of proxies, comma-separated: many clients' connections come from them, so"
        " they are not limited for each address",
    )
    gateway_redirect_seconds: int = Field(
        0,
        ge=0,
        le=86_400,
        description="with an S3 store that clients can reach: files are not sent by the gateway, but by the store, to"
        " whoever has the address that the gateway redirects to, for so long; 0: never",
    )
    gateway_preview_wait_seconds: float = Field(
        20, ge=0, le=300, description="how long a preview is waited for before the client is told to ask again"
    )
    gateway_previews_waiting_limit: int = Field(
        20,
        ge=1,
        le=1_000,
        description="previews that may wait at a time, of all clients together; jobs wait behind them",
    )
    gateway_cors_origins: str = Field(
        "", description="web origins whose pages may use the gateway, comma-separated; `*`: all; empty: none"
    )
    gateway_json_limit_bytes: int = Field(
        2_000_000, ge=1, description="largest JSON document that the gateway reads; a longer text is sent as a file"
    )
    gateway_uploads_limit: int = Field(
        16, ge=1, description="forms that a gateway reads at a time; more are answered 503, to be sent again"
    )

    gateway_speech_streams: int = Field(
        16, ge=1, description="answers of `POST /v1/audio/speech` that a gateway sends at a time; each has an encoder"
    )
    gateway_speech_patience_seconds: float = Field(
        300, gt=0, description="how long such an answer waits for the next chunk; the job goes on without it"
    )

    websub_hub: str = Field(
        "", description="a WebSub hub, which public feeds name and which is told of new episodes; empty: none"
    )
    webhook_rotation_seconds: float = Field(
        86_400, ge=0, description="how long a webhook is signed with the previous secret too, after it was replaced"
    )

    # Clients of the gateway
    api_url: str = Field("", description="the gateway that `podcast --api` and other clients use")
    api_key: str = Field("", description="the key that they send to it")

    # The speech server
    speech_host: str = Field("127.0.0.1", description="address our own speech server binds to")
    speech_port: int = Field(8_880, ge=0, le=65_535, description="port of our own speech server")
    speech_certificate_path: str = Field(
        "", description="PEM file with the certificate of our own speech server, which then speaks https; empty: http"
    )
    speech_key_path: str = Field("", description="PEM file with the private key of that certificate")
    speech_workers: int = Field(0, ge=0, description="processes that infer; 0: one a core")
    speech_waiting_limit: int = Field(32, ge=1, description="texts that may wait there; more are answered 429")
    speech_text_deadline_seconds: float = Field(
        50, gt=0, description="one text there, waiting and speaking; less than `speech_deadline_seconds`"
    )
    speech_default_engine: Engine = Field("piper", description="what our own speech server uses for model `default`")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the base class's signature
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the base class's signature
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments, then the environment, then `*_FILE`."""
        return init_settings, env_settings, _FromFiles(settings_cls)

    @cached_property
    def pauses(self) -> PauseLengths:
        """The pauses of a job that specifies none."""
        return PauseLengths(
            sentence=self.pause_sentence_ms,
            paragraph=self.pause_paragraph_ms,
            heading=self.pause_heading_ms,
            chapter=self.pause_chapter_ms,
            turn=self.pause_turn_ms,
        )

    @cached_property
    def voice_table(self) -> dict[str, str]:
        """Language tag → voice.

        Raises:
            Misconfigured: an entry is not LANGUAGE=VOICE.
        """
        table = {}
        for entry in filter(None, (part.strip() for part in self.voices.split(","))):
            tag, equals, voice = (part.strip() for part in entry.partition("="))
            if not equals or not voice or len(voice) > NAME_LIMIT_CHARACTERS or not normalised(tag):
                raise Misconfigured(
                    f"{PREFIX}VOICES has {entry!r}, which is not LANGUAGE=VOICE.",
                    hint="Write it as in PODCAST_VOICES=de=de_DE-thorsten-medium,fr=ff_siwis.",
                )
            table[normalised(tag)] = voice
        return table

    @cached_property
    def fetch_allowed(self) -> Allowed:
        """What may be fetched from although it is not public."""
        return Allowed.parse(self.fetch_allow)

    @cached_property
    def webhook_allowed(self) -> Allowed:
        """What webhooks may be sent to although it is not public."""
        return Allowed.parse(self.webhook_allow, name=f"{PREFIX}WEBHOOK_ALLOW")

    @cached_property
    def gateway_proxy_networks(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """Where proxies are, before the gateway.

        Raises:
            Misconfigured: one of them is neither a network nor an address.
        """
        try:
            return tuple(ip_network(each.strip()) for each in self.gateway_proxies.split(",") if each.strip())
        except ValueError as error:
            raise Misconfigured(
                f"{PREFIX}GATEWAY_PROXIES is wrong: {error}.", hint="List networks such as 10.0.0.0/8, or addresses."
            ) from error

    @cached_property
    def public_url(self) -> str:
        """Where clients reach the gateway, without a slash at the end; empty: not known.

        Raises:
            Misconfigured: it is no address of a server.
        """
        url = self.gateway_public_url.strip().rstrip("/")
        try:
            parts = urlsplit(url)
            is_usable = not url or (parts.scheme in {"http", "https"} and bool(parts.hostname) and not parts.username)
            is_usable = is_usable and not parts.query and not parts.fragment
        except ValueError:
            is_usable = False
        if not is_usable:
            raise Misconfigured(
                f"{PREFIX}GATEWAY_PUBLIC_URL is not the address of a server.",
                hint="Write it as https://podcasts.example.org.",
            )
        return url

    @property
    def speech_urls(self) -> tuple[str, ...]:
        """The speech endpoints, without trailing slashes."""
        return tuple(url.strip().rstrip("/") for url in self.speech_url.split(",") if url.strip())

    @property
    def engine_identity(self) -> str:
        """Identifies the engine in audio keys: if the engine changes, every chunk is spoken again."""
        return self.speech_engine or ",".join(sorted(self.speech_urls))


def load() -> Settings:
    """Read the settings from the environment.

    Raises:
        Misconfigured: a value is missing or wrong; the message names the variable.
    """
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = PREFIX + str(first["loc"][0]).upper()
        raise Misconfigured(f"{name} is wrong: {first['msg']}.", hint="See docs/settings.md.") from error
