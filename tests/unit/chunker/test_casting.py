from __future__ import annotations

from typing import Any

import pytest

from services.chunker.casting import Cast, Casting
from shared.errors import Misconfigured
from shared.protocol.narration import Narration
from shared.protocol.voices import ListedVoice, VoiceList
from shared.settings import Settings

PIPER = ListedVoice(name="en_US-joe", model="piper", language="en-US", is_default=True)
ESPEAK = tuple(
    ListedVoice(name=name, model="espeak-ng", language=name, is_default=name == "en-us")
    for name in ("de", "en-gb", "en-us", "fr-ch", "fr-fr", "pt-br")
)
BOTH = VoiceList(voices=(PIPER, *ESPEAK), is_complete=True)
ONE_ENGINE = VoiceList(voices=ESPEAK, is_complete=True)
KOKORO = VoiceList(
    voices=(ListedVoice(name="af_heart", language="en-US"), ListedVoice(name="ff_siwis", language="fr")),
    is_complete=True,
)
NONE_LISTED = VoiceList(is_complete=False)
DEFAULT = Cast("default", "default")


def casting(
    main: str, listed: VoiceList | None = BOTH, *, voice: str | None = None, model: str | None = None, **options: Any
) -> Casting:
    narration = Narration(**{name: options.pop(name) for name in ("voices", "speakers") if name in options})
    return Casting(narration, Settings(speech_engine="x", **options), listed, main, voice, model)


@pytest.mark.parametrize("listed", [BOTH, ONE_ENGINE, NONE_LISTED, None])
@pytest.mark.parametrize("main", ["en", "en-GB"])
def test_a_text_in_the_default_voices_language_is_spoken_by_it_under_its_usual_name(
    main: str, listed: VoiceList | None
) -> None:
    found = casting(main, listed)
    assert (found.of_main, found.warnings, found.is_unsure) == (DEFAULT, (), False)


def test_a_text_in_another_language_gets_a_voice_that_is_listed_with_the_model_that_has_it() -> None:
    assert casting("de").of_main == Cast("de", "espeak-ng")
    assert casting("de", ONE_ENGINE).of_main == Cast("de", "default")
    assert casting("de").warnings == ()


def test_a_region_decides_among_the_voices_of_a_language() -> None:
    assert casting("fr-FR", ONE_ENGINE).of_main.voice == "fr-fr"
    assert casting("fr-CH", ONE_ENGINE).of_main.voice == "fr-ch"
    assert casting("pt", ONE_ENGINE).of_main.voice == "pt-br"


def test_the_jobs_table_wins_over_the_settings_which_win_over_what_is_listed() -> None:
    assert casting("de", voices={"de": "eva"}).of_main.voice == "eva"
    settings = Settings(speech_engine="x", voices="de=karl, fr=siwis")
    narration = Narration(voices={"de": "eva"})
    both = Casting(narration, settings, BOTH, "de-AT")
    assert (both.of_main.voice, both.of("fr").voice) == ("eva", "siwis")
    assert Casting(Narration(), settings, BOTH, "de").of_main.voice == "karl"


def test_a_longer_tag_of_a_table_counts_before_a_shorter_one() -> None:
    table = {"pt": "joana", "pt-BR": "ana"}
    assert casting("pt-BR", voices=table).of_main.voice == "ana"
    assert casting("pt-PT", voices=table).of_main.voice == "joana"
    assert casting("pt", voices={"pt-BR": "ana"}).of_main.voice == "ana"


def test_a_voice_of_the_job_is_kept_for_the_documents_language_and_a_mismatch_is_a_warning_with_the_voice_to_take() -> (
    None
):
    found = casting("de", ONE_ENGINE, voice="en-gb")
    assert found.of_main.voice == "en-gb"
    spoken = "The text is in German (de), and is spoken by the voice en-gb, which speaks English (en-gb)."
    assert found.warnings == (f"{spoken} Take --voice de for it.",)
    assert found.of("fr").voice == "fr-ch"


def test_where_nothing_speaks_the_language_a_warning_says_what_is_used_and_what_to_do() -> None:
    found = casting("ja")
    assert found.of_main == DEFAULT
    assert (
        "in Japanese (ja), and no voice that the speech servers list speaks it: the voice default is used"
        in (found.warnings[0])
    )
    assert "--voice ja=NAME" in found.warnings[0]


def test_a_passage_that_nothing_speaks_is_spoken_by_the_voice_of_the_document_with_one_warning() -> None:
    found = casting("de")
    assert [found.of("ja"), found.of("ja")] == [found.of_main, found.of_main]
    assert len(found.warnings) == 1
    assert found.warnings[0].startswith("A part of the text is in Japanese (ja)")


def test_servers_that_list_no_voices_may_speak_any_language() -> None:
    found = casting("de", NONE_LISTED)
    assert (found.of_main, found.warnings, found.is_unsure) == (DEFAULT, (), False)


def test_before_anything_is_listed_another_language_than_the_default_voices_is_unsure() -> None:
    found = casting("de", None)
    assert (found.of_main, found.is_unsure) == (DEFAULT, True)
    assert "not known yet" in found.warnings[0]
    assert not casting("de", None, voices={"de": "eva"}).is_unsure
    assert not casting("fr", None, default_voice="ff_siwis").is_unsure


def test_names_tell_the_language_of_voices_whose_server_does_not() -> None:
    assert casting("fr", KOKORO, default_voice="af_heart").of_main.voice == "ff_siwis"


def test_a_job_that_names_a_model_gets_only_its_voices() -> None:
    assert casting("de", model="piper").of_main == Cast("default", "piper")
    assert casting("fr", model="espeak-ng").of_main == Cast("fr-ch", "espeak-ng")


def test_openais_voices_are_the_default_one_of_our_own_server() -> None:
    assert "which speaks English (en-US)" in casting("de", voice="alloy").warnings[0]
    assert casting("en", voice="alloy").warnings == ()


@pytest.mark.parametrize("value", ["de", "de=", "=karl", "German=karl", "de=" + "x" * 101])
def test_a_setting_that_is_no_table_is_refused(value: str) -> None:
    with pytest.raises(Misconfigured, match="LANGUAGE=VOICE"):
        _ = Settings(speech_engine="x", voices=value).voice_table


def test_speakers_get_voices_of_the_documents_language_that_nobody_else_has() -> None:
    found = casting("en", ONE_ENGINE, speakers={"Host": "en-gb"})
    found.give_voices(["HOST", "Guest", "Caller"], narrator_speaks=False)
    assert [found.of(None, name).voice for name in ("HOST", "Guest")] == ["en-gb", "default"]
    assert not found.has_own_voice("Caller")
    assert found.of(None, "Caller") == found.of_main
    assert found.of("de", "HOST").voice == "en-gb"
    assert found.of("de", "Guest").voice == "de"


def test_the_narrator_keeps_the_voice_of_the_document() -> None:
    found = casting("en", ONE_ENGINE)
    found.give_voices(["Host"], narrator_speaks=True)
    assert found.of(None, "Host").voice == "en-gb"
    assert found.of(None).voice == "default"


def test_a_passage_in_the_default_voices_language_is_spoken_by_it() -> None:
    assert casting("de").of("en") == DEFAULT
    assert casting("de", voice="en-gb").of("en").voice == "en-gb"


def test_where_there_are_not_enough_voices_nobody_speaks_with_the_documents_own_unnamed() -> None:
    found = casting("en", NONE_LISTED)
    found.give_voices(["Host", "Guest"], narrator_speaks=False)
    assert not found.has_own_voice("Host")
    assert not found.has_own_voice("Guest")
    alone = casting("en", NONE_LISTED)
    alone.give_voices(["Host"], narrator_speaks=False)
    assert alone.has_own_voice("Host")
