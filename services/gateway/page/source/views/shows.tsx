// Shows: podcasts with a feed.

import { useState } from "preact/hooks";
import { pages, send } from "../api";
import { Act, Field, Trouble, useLoaded, View } from "../parts";
import { go } from "../route";
import { may } from "../session";

export interface Show {
  show_id: string; title: string; description: string; author: string; language: string; visibility: "public" | "private";
  voice: string | null; link: string | null; feed_url: string; cover: string | null; categories: string[];
  loudness: "mono" | "stereo"; kind: "episodic" | "serial"; explicit: boolean; announce: boolean; keep_days: number | null;
  intro: string | null; outro: string | null; lexicon: Pronunciation[];
}
export interface Pronunciation { word: string; say: string; ipa?: string; match_case?: boolean }

export async function allShows(signal: AbortSignal): Promise<Show[]> {
  return (await pages<{ shows: Show[] }>("/v1/shows", signal)).flatMap((page) => page.shows);
}

export const showPath = (id: string): string => `/v1/shows/${encodeURIComponent(id)}`;

/** The part of an address that names a show, made of its title. */
function idOf(title: string): string {
  return title.normalize("NFKD").toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-+|-+$/g, "").slice(0, 40).replace(/-+$/, "");
}

export function Shows() {
  const { value, error, again } = useLoaded(allShows, 0);
  return (
    <View title="Shows">
      <Trouble error={error} again={again} />
      <ul class="cards">
        {value?.map((show) => (
          <li key={show.show_id} class="card">
            <h2><a href={`#/shows/${encodeURIComponent(show.show_id)}`}>{show.title}</a></h2>
            <p>{[show.author, show.language, show.visibility].filter(Boolean).join(" · ")}</p>
          </li>
        ))}
      </ul>
      {value && !value.length && <p class="empty">There are no shows yet.</p>}
      {may("operate") && <NewShow />}
    </View>
  );
}

function NewShow() {
  const [draft, setDraft] = useState({ title: "", show_id: "", description: "", author: "", language: "en", visibility: "private" });
  const change = (some: Partial<typeof draft>) => setDraft({ ...draft, ...some });
  const make = async () => {
    const { author, ...rest } = { ...draft, show_id: draft.show_id || idOf(draft.title) };
    const made = await send<Show>("POST", "/v1/shows", { ...rest, ...(author.trim() && { author }) });
    go(`/shows/${encodeURIComponent(made.show_id)}`);
  };
  return (
    <section class="card">
      <h2>New show</h2>
      <div class="grid">
        <Field label="Title"><input type="text" maxLength={255} value={draft.title} onInput={(event) => change({ title: event.currentTarget.value })} /></Field>
        <Field label="Id" hint="part of its feed's address; it never changes"><input type="text" maxLength={64} placeholder={idOf(draft.title)} value={draft.show_id} onInput={(event) => change({ show_id: event.currentTarget.value })} /></Field>
        <Field label="Author"><input type="text" value={draft.author} onInput={(event) => change({ author: event.currentTarget.value })} /></Field>
        <Field label="Language"><input type="text" maxLength={35} value={draft.language} onInput={(event) => change({ language: event.currentTarget.value })} /></Field>
        <Field label="Who may listen"><select value={draft.visibility} onChange={(event) => change({ visibility: event.currentTarget.value })}>
          <option value="private">whoever has an address with a token</option><option value="public">everybody</option>
        </select></Field>
      </div>
      <Field label="Description"><textarea rows={3} maxLength={4000} value={draft.description} onInput={(event) => change({ description: event.currentTarget.value })} /></Field>
      <Act act={make}>Make the show</Act>
    </section>
  );
}
