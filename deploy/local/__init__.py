"""The local stack: private RabbitMQ, store, speech server and services on free ports, supervised."""

from deploy.local.detached import start_detached, stop
from deploy.local.local import LocalStack
from deploy.local.plan import StackPlan
from deploy.local.state import StackState, is_running, read_state

__all__ = ["LocalStack", "StackPlan", "StackState", "is_running", "read_state", "start_detached", "stop"]
