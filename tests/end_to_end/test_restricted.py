"""Jobs through all services, each with its own user of the broker and of the store, and over TLS."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.integration.gateway.conftest import environment, with_key
from tests.servers.minio import MinioServer
from tests.servers.rabbitmq import RabbitServer
from tests.servers.rights import BrokerUsers, StoreUsers
from tests.servers.services import SERVICES, Services
from tests.servers.speech_process import ToneSpeech
