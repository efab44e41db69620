"""Chooses the voice of each passage: by its language and its speaker. Pure.

For a language: what the job's table says, then the settings', then a voice that the speech servers list. A voice that
the job names itself is kept for the language of the document. For a speaker: what the job's table says, else a voice of
the language that nobody else has.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from shared.languages import primary, shown
from shared.protocol.narration import Narration
from shared.protocol.voices import ListedVoice, VoiceList
from shared.settings import Settings
from shared.voice_names import OPENAI_VOICES, language_in

DEFAULT_MODEL: Final = "default"
DEFAULT_VOICE: Final = "default"
_ASSUMED_LANGUAGE: Final = "en"
"""Of the default voice, as long as nobody has listed it."""


@dataclass(frozen=True, slots=True)
class Cast:
    """What speaks a passage."""

    voice: str
    model: str


@dataclass
class Casting:
    """The voices of one document.

    Args:
        narration: the tables of the job.
        settings: the table of the settings, the defaults.
        listed: what the speech servers list; None: not known yet.
        main: the language of the document.
        voice: the job's; None: it names none.
        model: the job's; None: it names none.
    """

    narration: Narration
    settings: Settings
    listed: VoiceList | None
    main: str
    voice: str | None = None
    model: str | None = None
    is_unsure: bool = field(default=False, init=False)
    """Another voice might have been chosen if it were known which there are."""
    _by_language: dict[str, Cast] = field(default_factory=dict, init=False)
    _warnings: dict[str, None] = field(default_factory=dict, init=False)
    _speakers: dict[str, Cast | None] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        self.default = self._with_model(self.voice or self.settings.default_voice)
        self.of_main = self._chosen(self.main)
        self._by_language[self.main] = self.of_main

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is spoken by a voice of another language."""
        return tuple(self._warnings)

    def of(self, language: str | None, speaker: str | None = None) -> Cast:
        """What speaks a passage.

        Args:
            language: its own; None: the document's.
            speaker: who says it; None: the narrator.
        """
        tag = language or self.main
        own = self._speakers.get(speaker.casefold()) if speaker else None
        if own is not None and (primary(tag) == primary(self.main) or self._is_mapped(speaker)):
            return own
        if tag not in self._by_language:
            self._by_language[tag] = self._chosen(tag)
        return self._by_language[tag]

    def has_own_voice(self, speaker: str) -> bool:
        """Whether a speaker can be told from the others by the voice."""
        return self._speakers.get(speaker.casefold()) is not None

    def give_voices(self, speakers: Iterable[str], *, narrator_speaks: bool) -> None:
        """Give each speaker a voice: the job's, else one of the language of the document that is left.

        Args:
            speakers: in order of their first words.
            narrator_speaks: the voice of the document is needed for what nobody says.
        """
        mapped = {name.casefold(): self._with_model(voice) for name, voice in self.narration.speakers.items()}
        names = list(dict.fromkeys(name.casefold() for name in speakers))
        taken = {cast.voice for name, cast in mapped.items() if name in names}
        unmapped = [name for name in names if name not in mapped]
        same_model = self._listed_as(self.of_main)
        free = [
            Cast(voice.name, self._model_of(voice))
            for voice in self._speaking(self.main)
            if voice.name not in taken
            and voice is not same_model
            and (same_model is None or voice.model == same_model.model)
        ]
        if not narrator_speaks and self.of_main.voice not in taken and len(unmapped) <= len(free) + 1:
            free.insert(0, self.of_main)  # nobody else needs it
        for name in names:
            self._speakers[name] = mapped.get(name) or (free.pop(0) if free else None)
        self.is_unsure |= self.listed is None and any(self._speakers[name] is None for name in names)

    def _is_mapped(self, speaker: str | None) -> bool:
        return speaker is not None and any(speaker.casefold() == name.casefold() for name in self.narration.speakers)

    def _chosen(self, language: str) -> Cast:
        """The voice for a language, with a warning if it speaks another one."""
        is_main = primary(language) == primary(self.main)
        if not (is_main and self.voice):
            for table in (self.narration.voices, self.settings.voice_table):
                if named := _entry(table, language):
                    return self._with_model(named)
        spoken = self._language_of(self.default)
        if primary(spoken) == primary(language) or (is_main and not spoken):
            return self.default
        candidates = self._speaking(language)
        if candidates and not (is_main and self.voice):
            return Cast(candidates[0].name, self._model_of(candidates[0]))
        used = self.default if is_main else self.of_main
        spoken = self._language_of(used)
        if not spoken or primary(spoken) == primary(language):
            return used
        self.is_unsure |= self.listed is None
        self._warn(language, used, spoken, candidates, is_main=is_main)
        return used

    def _warn(self, language: str, used: Cast, spoken: str, candidates: list[ListedVoice], *, is_main: bool) -> None:
        what = f"{'The text' if is_main else 'A part of the text'} is in {shown(language)}"
        if candidates:
            warning = (
                f"{what}, and is spoken by the voice {used.voice}, which speaks {shown(spoken)}."
                f" Take --voice {candidates[0].name} for it."
            )
        elif self.listed is None:
            warning = (
                f"{what}, and is spoken by the voice {used.voice}: which voices the speech servers have is not known"
                f" yet. Name one with --voice {primary(language)}=NAME."
            )
        else:
            warning = (
                f"{what}, and no voice that the speech servers list speaks it: the voice {used.voice} is used, which"
                f" speaks {shown(spoken)}. Give the speech server a voice for it, or name one with"
                f" --voice {primary(language)}=NAME."
            )
        self._warnings[warning] = None

    def _speaking(self, language: str) -> list[ListedVoice]:
        """The listed voices that speak a language, the best first."""
        home = self._listed_as(self.default)
        model = self.model or (self.settings.default_model if self.settings.default_model != DEFAULT_MODEL else None)
        found = [
            voice
            for voice in (self.listed.voices if self.listed else ())
            if voice.language
            and primary(voice.language) == primary(language)
            and (self.model in {None, DEFAULT_MODEL} or not voice.model or voice.model == self.model)
        ]

        def order(voice: ListedVoice) -> tuple[bool, bool, bool]:
            here = voice.model == (model or (home.model if home else voice.model))
            return not here, not _is_within(voice.language, language), not voice.is_default

        return sorted(found, key=order)  # stable: then as the server lists them

    def _language_of(self, cast: Cast) -> str:
        """The language that a voice speaks; "" if that is not known, or it may speak any."""
        listed = self._listed_as(cast)
        if listed is not None:
            return listed.language
        if self.listed is None and cast.voice == DEFAULT_VOICE:
            return _ASSUMED_LANGUAGE
        return language_in(cast.voice)

    def _listed_as(self, cast: Cast) -> ListedVoice | None:
        voices = self.listed.voices if self.listed else ()
        fits = [voice for voice in voices if cast.model in {DEFAULT_MODEL, voice.model} or not voice.model]
        named = next((voice for voice in fits if voice.name == cast.voice), None)
        if named is None and (cast.voice == DEFAULT_VOICE or cast.voice in OPENAI_VOICES):
            # Our own server speaks OpenAI's voices with its default one.
            return next((voice for voice in fits if voice.is_default), None)
        return named

    def _with_model(self, voice: str) -> Cast:
        """A voice with the model that has it: the job's, else the default one, else the first that lists it."""
        model = self.model or self.settings.default_model
        home = self._listed_as(Cast(DEFAULT_VOICE, model))
        if self.model is not None or voice == DEFAULT_VOICE or home is None:
            return Cast(voice, model)
        having = [each.model for each in (self.listed.voices if self.listed else ()) if each.name == voice]
        if not having or home.model in having:
            return Cast(voice, model)
        return Cast(voice, having[0] or model)

    def _model_of(self, voice: ListedVoice) -> str:
        """How a voice's model is asked for: the default one by the name that jobs without a model use."""
        model = self.model or self.settings.default_model
        home = self._listed_as(Cast(DEFAULT_VOICE, model))
        return model if not voice.model or (home is not None and home.model == voice.model) else voice.model


def _entry(table: Mapping[str, str], language: str) -> str | None:
    """The voice that a table has for a language: for the tag itself, else for a shorter one, else for a longer one."""
    tags = {tag.lower(): voice for tag, voice in table.items()}
    asked = language.lower()
    while asked:
        if asked in tags:
            return tags[asked]
        asked = asked.rpartition("-")[0]
    return next((voice for tag, voice in sorted(tags.items()) if primary(tag) == primary(language)), None)


def _is_within(tag: str, language: str) -> bool:
    """Whether a voice's tag is the asked one or a part of it: `en-US` of `en`, not of `en-GB`."""
    mine, asked = tag.lower().replace("_", "-"), language.lower()
    return mine == asked or mine.startswith(f"{asked}-") or asked == primary(asked)
