// The voices of the speech servers, to be heard.

import { useState } from "preact/hooks";
import { get, request, type Voice, type Voices as Found } from "../api";
import { Act, Trouble, useLoaded, View } from "../parts";
import { may } from "../session";

export function Voices() {
  const { value, error, again } = useLoaded((signal) => get<Found>("/v1/voices", signal), 0);
  const [language, setLanguage] = useState("");
  const [text, setText] = useState("");
  const languages = [...new Set(value?.voices.map((voice) => voice.language).filter(Boolean))].sort();
  return (
    <View title="Voices">
      <Trouble error={error} again={again} />
      <div class="filters">
        <label>Language <select value={language} onChange={(event) => setLanguage(event.currentTarget.value)}>
          <option value="">all</option>{languages.map((one) => <option key={one}>{one}</option>)}
        </select></label>
        {may("submit") && <input type="text" maxLength={500} placeholder="What it says; empty: a sentence in its language"
          aria-label="What the voices say" value={text} onInput={(event) => setText(event.currentTarget.value)} />}
      </div>
      {value?.endpoints.filter((one) => one.error).map((one) => <p key={one.url} class="trouble">{one.url}: {one.error}</p>)}
      <ul class="cards">
        {value?.voices.filter((voice) => !language || voice.language === language).map((voice) => (
          <OneVoice key={voice.server + voice.model + voice.id} voice={voice} text={text} />
        ))}
      </ul>
      {value && !value.voices.length && <p class="empty">No speech server lists its voices.</p>}
    </View>
  );
}

/** Speaks something outside of any job: what was spoken last, "" before that, and what speaks it. */
export function useSample(): [string, (voice: string, text: string, model?: string) => Promise<void>] {
  const [audio, setAudio] = useState("");
  const speak = async (voice: string, text: string, model?: string) => {
    const found = await sample(voice, text, model);
    if (audio) URL.revokeObjectURL(audio);
    setAudio(found);
  };
  return [audio, speak];
}

async function sample(voice: string, text: string, model?: string): Promise<string> {
  const body = { ...(text ? { text: text.slice(0, 500) } : {}), ...(model ? { model } : {}) };
  const response = await request(`/v1/voices/${encodeURIComponent(voice)}/sample`,
    { method: "POST", body: JSON.stringify(body), headers: { "Content-Type": "application/json" } });
  return URL.createObjectURL(await response.blob());
}

function OneVoice({ voice, text }: { voice: Voice; text: string }) {
  const [audio, speak] = useSample();
  return (
    <li class="card">
      <h2>{voice.id}</h2>
      <p>{[voice.language, voice.model, voice.default && "default"].filter(Boolean).join(" · ")}</p>
      {may("submit") && <Act act={() => speak(voice.id, text, voice.model)}>Listen <span class="hidden">{voice.id}</span></Act>}
      {audio && <audio src={audio} controls autoplay aria-label={`Sample of ${voice.id}`} />}
    </li>
  );
}
