// What a show says in its feed, and what its episodes take from it.

import { useState } from "preact/hooks";
import type { TargetedEvent } from "preact";
import { request, send } from "../api";
import { Act, Field, Trouble } from "../parts";
import { showPath, type Pronunciation, type Show } from "./shows";

type Set = (some: Partial<Show>) => void;
type Typing = TargetedEvent<HTMLInputElement | HTMLTextAreaElement>;

export function ShowSettings({ show, changed }: { show: Show; changed: (show: Show) => void }) {
  const [draft, setDraft] = useState<Partial<Show>>({});
  const now = { ...show, ...draft };
  const set: Set = (some) => setDraft({ ...draft, ...some });
  const text = (name: "title" | "author" | "language" | "description") =>
    ({ value: now[name], onInput: (event: Typing) => set({ [name]: event.currentTarget.value }) });
  const optional = (name: "voice" | "intro" | "outro") =>
    ({ value: now[name] ?? "", onInput: (event: Typing) => set({ [name]: event.currentTarget.value || null }) });
  const check = (name: "explicit" | "announce") =>
    ({ checked: now[name], onChange: (event: TargetedEvent<HTMLInputElement>) => set({ [name]: event.currentTarget.checked }) });
  return (
    <details class="card">
      <summary>Change the show</summary>
      <div class="grid">
        <Field label="Title"><input type="text" maxLength={255} {...text("title")} /></Field>
        <Field label="Author"><input type="text" {...text("author")} /></Field>
        <Field label="Language"><input type="text" maxLength={35} {...text("language")} /></Field>
        <Field label="Categories" hint="as Apple names them, up to three, with commas between them"><input type="text"
          value={now.categories.join(", ")} onChange={(event) => set({ categories: event.currentTarget.value.split(",").map((one) => one.trim()).filter(Boolean) })} /></Field>
        <Field label="Who may listen"><select value={now.visibility} onChange={(event) => set({ visibility: event.currentTarget.value as Show["visibility"] })}>
          <option value="private">whoever has an address with a token</option><option value="public">everybody</option>
        </select></Field>
        <Field label="Order"><select value={now.kind} onChange={(event) => set({ kind: event.currentTarget.value as Show["kind"] })}>
          <option value="episodic">the newest first</option><option value="serial">to be heard from the first on</option>
        </select></Field>
        <Field label="Voice" hint="of its jobs; empty: the default"><input type="text" maxLength={100} {...optional("voice")} /></Field>
        <Field label="Loudness"><select value={now.loudness} onChange={(event) => set({ loudness: event.currentTarget.value as Show["loudness"] })}>
          <option value="mono">mono, −19 LUFS</option><option value="stereo">stereo, −16 LUFS</option>
        </select></Field>
        <Field label="Days to keep" hint="when old jobs are removed; empty: its episodes stay"><input type="number" min="1" max="100000"
          value={now.keep_days ?? ""} onInput={(event) => set({ keep_days: event.currentTarget.value ? Number(event.currentTarget.value) : null })} /></Field>
        <Cover show={show} changed={changed} />
      </div>
      <Field label="Description"><textarea rows={4} maxLength={4000} {...text("description")} /></Field>
      <div class="grid">
        <Field label="Spoken before each episode" hint="{show}, {number}, {title} and {author} stand for the episode's"><textarea rows={2} maxLength={2000} {...optional("intro")} /></Field>
        <Field label="Spoken after each episode"><textarea rows={2} maxLength={2000} {...optional("outro")} /></Field>
        <Field label="Words" hint="one a line: word = how it sounds"><textarea rows={4} value={written(now.lexicon)}
          onChange={(event) => set({ lexicon: pronunciations(event.currentTarget.value, show.lexicon) })} /></Field>
      </div>
      <p><label><input type="checkbox" {...check("explicit")} /> It has explicit language</label></p>
      <p><label><input type="checkbox" {...check("announce")} /> The feed names episodes that are being made</label></p>
      <Act act={async () => { changed(await send<Show>("PATCH", showPath(show.show_id), draft)); setDraft({}); }}>Save the changes</Act>
    </details>
  );
}

function Cover({ show, changed }: { show: Show; changed: (show: Show) => void }) {
  const [error, setError] = useState<unknown>(null);
  const send = async (file: File | undefined) => {
    if (!file) return;
    const response = await request(`${showPath(show.show_id)}/cover`, { method: "PUT", body: file, headers: { "Content-Type": file.type } });
    changed(await response.json());
  };
  return (
    <div>
      <Field label="Cover" hint="JPEG or PNG, a square of 1,400 to 3,000 pixels"><input type="file" accept="image/jpeg,image/png"
        onChange={(event) => { setError(null); send(event.currentTarget.files?.[0]).catch(setError); }} /></Field>
      <Trouble error={error} />
    </div>
  );
}

const written = (lexicon: Pronunciation[]): string => lexicon.map((one) => `${one.word} = ${one.say}`).join("\n");

/** The entries that a text has; what it cannot say of an entry (IPA, capitals) stays. */
function pronunciations(text: string, before: Pronunciation[]): Pronunciation[] {
  return text.split("\n").map((line) => line.split("=").map((part) => part.trim())).filter(([word]) => word).map(([word, ...say]) => ({
    ...before.find((one) => one.word === word), word: word as string, say: say.join("="),
  }));
}
