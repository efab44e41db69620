"""`podcast deploy rotate`: a new value for a secret, in an order in which nothing stops for it.

RabbitMQ and MinIO know one password a user. So each role has two users there, and the turn goes from one to the other:
both can log in while the services are replaced, and then the first one cannot any more (`--finish`). MinIO's is removed
by the service `provision`. RabbitMQ forgets no user that is not named any more, so there it gets a password that nobody
knows.
"""

from __future__ import annotations

from typing import Final

from deploy.local.files import private_folder, read_private, write_private
from deploy.stack.addresses import ADDRESSES, STORE_URL, user_of, users_of
from deploy.stack.deployment import Deployment
from deploy.stack.initialising import initialise
from deploy.stack.secret_files import MADE_ONCE, NAMING_KEY, PREVIOUS, password, read_all
from deploy.stack.tls_files import SERVERS, names_of
from shared.errors import BadInput

_CERTIFICATES: Final = {names_of(server)[0]: names_of(server) for server in SERVERS}
"""With the overlay `tls`: a certificate → what is made again with it."""
FIXED: Final = (NAMING_KEY, "minio_root_user")
"""What is not rotated: a key that only names things, and a name."""
_PROVISION: Final = "PODCAST_PROVISION_USERS"
"""What the service `provision` is told: to keep users of the store whose turn it is not any more, or to remove them."""
_KEEP: Final = "--users=/run/secrets"
_REMOVE: Final = "--retire"


def rotatable() -> tuple[str, ...]:
    """The secrets that can be rotated."""
    return (*(name for name in MADE_ONCE if name not in FIXED), *_CERTIFICATES)


def rotate(deployment: Deployment, name: str) -> bool:
    """Make a new value.

    Returns:
        Whether the old one stays valid until `finish`.

    Raises:
        BadInput: there is no such secret, or it is somebody else's.
    """
    kind = _kind(name)
    file = deployment.secrets / name
    if name in _CERTIFICATES and not file.exists():
        raise BadInput(f"This deployment has no {name}.", hint="There are certificates with the overlay tls.")
    if kind is None:
        for secret in _CERTIFICATES.get(name, (name,)):
            (deployment.secrets / secret).unlink(missing_ok=True)
        initialise(deployment.folder, {})
        return False
    old = read_private(file).rstrip()
    user, _ = user_of(old)
    first, second = users_of(name.removeprefix(kind))
    if user not in {first, second}:
        raise BadInput(
            f"{name} is an address of an external server.", hint="Change it there, and give the new one to `init`."
        )
    private_folder(deployment.secrets / PREVIOUS)
    write_private(deployment.secrets / PREVIOUS / name, old)
    write_private(file, ADDRESSES[kind](second if user == first else first, password()))
    initialise(deployment.folder, {_PROVISION: _KEEP} if kind == STORE_URL else {})
    return True


def finish(deployment: Deployment, name: str) -> None:
    """Lock or remove the user whose turn it was before.

    Raises:
        BadInput: this secret was not rotated.
    """
    kind = _kind(name)
    file = deployment.secrets / PREVIOUS / name
    old = read_private(file).rstrip()
    if kind is None or not old:
        waiting = ", ".join(read_all(deployment.secrets / PREVIOUS)) or "none"
        raise BadInput(f"{name} has no previous user.", hint=f"There are previous users of: {waiting}.")
    if kind == STORE_URL:
        file.unlink()
        others = [each for each in read_all(deployment.secrets / PREVIOUS) if each.startswith(STORE_URL)]
        initialise(deployment.folder, {} if others else {_PROVISION: _REMOVE})
    else:
        write_private(file, ADDRESSES[kind](user_of(old)[0], password()))
        initialise(deployment.folder, {})


def _kind(name: str) -> str | None:
    if name not in rotatable():
        raise BadInput(f"{name} is no secret that can be rotated.", hint=f"There are: {', '.join(rotatable())}.")
    return next((kind for kind in ADDRESSES if name.startswith(kind)), None)
