"""What `--voice` says: the voice of a document, of a language, or of a speaker."""

from __future__ import annotations

from dataclasses import dataclass, field

from pydantic import ValidationError

from shared.errors import BadInput
from shared.languages import is_known, normalised
from shared.protocol.narration import Narration

_HINT = "Write --voice NAME, --voice de=NAME for a language, --voice HOST=NAME for a speaker."


@dataclass
class Voices:
    """The voices of a job.

    Attributes:
        main: of the document; None: the default one.
        languages: language tag → voice.
        speakers: speaker → voice.
    """

    main: str | None = None
    languages: dict[str, str] = field(default_factory=dict)
    speakers: dict[str, str] = field(default_factory=dict)

    def added_to(self, narration: Narration) -> Narration:
        """What is read, with who speaks it.

        Raises:
            BadInput: a name is too long, or there are too many.
        """
        tables = {"voices": self.languages, "speakers": self.speakers}
        try:
            return Narration.model_validate({**dict(narration), **tables})
        except ValidationError as error:
            first = error.errors()[0]
            name = str(first["loc"][1]) if len(first["loc"]) > 1 else ""
            raise BadInput(
                f"--voice {name}{'=…' if name else ''} cannot be used: {first['msg']}.", hint=_HINT
            ) from error


def parsed(values: tuple[str, ...]) -> Voices:
    """The voices that the values of a repeated `--voice` name.

    What stands before `=` is a language if it is the tag of a known one in small letters (`de`, `pt-BR`), else a
    speaker.

    Raises:
        BadInput: two values say different things, or one says nothing.
    """
    found = Voices()
    for value in values:
        name, equals, voice = (part.strip() for part in value.rpartition("="))
        if not voice or (equals and not name):
            raise BadInput(f"--voice {value or chr(34) * 2} names no voice.", hint=_HINT)
        if not equals:
            if found.main not in {None, voice}:
                raise BadInput(f"--voice names two voices: {found.main} and {voice}.", hint=_HINT)
            found.main = voice
            continue
        is_language = bool(normalised(name)) and is_known(name) and name[:2].islower()
        table, key = (found.languages, normalised(name)) if is_language else (found.speakers, name)
        if table.get(key, voice) != voice:
            raise BadInput(f"--voice names two voices for {key}: {table[key]} and {voice}.", hint=_HINT)
        table[key] = voice
    return found
