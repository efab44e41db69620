"""The local stack: private RabbitMQ, store, speech server and services on free ports, supervised."""

from services.cli.stack.detached import start_detached, stop
from services.cli.stack.local import LocalStack
from services.cli.stack.plan import StackPlan
from services.cli.stack.state import StackState, is_running, read_state

__all__ = ["LocalStack", "StackPlan", "StackState", "is_running", "read_state", "start_detached", "stop"]
