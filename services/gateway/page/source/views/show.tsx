// One show: what its feed says, its episodes, its subscribers.

import { useState } from "preact/hooks";
import { get, send } from "../api";
import { clock, safeLink, time } from "../format";
import { Act, Field, Trouble, useLoaded, View } from "../parts";
import { go } from "../route";
import { may } from "../session";
import { ShowSettings } from "./showsettings";
import { showPath, type Show } from "./shows";

interface Episode {
  episode_id: string; title: string; number: number | null; season: number | null; is_hidden: boolean; published_at: number;
  jobs: string[]; audio_seconds: number | null; links: { page: string } | null;
}
interface Token { id: string; name: string; created_at: number; revoked_at: number | null; feed_url?: string }

export function ShowView({ id }: { id: string }) {
  const { value: show, error, again, set } = useLoaded((signal) => get<Show>(showPath(id), signal), id);
  if (!show) return <View title="Show"><Trouble error={error} again={again} /></View>;
  return (
    <View title={show.title} actions={may("operate") && (
      <Act kind="plain" ask="Delete this show? Its jobs and their audio stay." act={async () => { await send("DELETE", showPath(id)); go("/shows"); }}>Delete</Act>
    )}>
      <p>{show.author} · {show.language} · {show.visibility}</p>
      <p>{show.description}</p>
      {show.visibility === "public"
        ? <p>Feed: <a href={safeLink(show.feed_url)}>{show.feed_url}</a> · <a href={`/shows/${encodeURIComponent(id)}`}>page for listeners</a></p>
        : <p>The feed is private: each subscriber gets an address with a token.</p>}
      <Episodes show={show} />
      {may("operate") && show.visibility === "private" && <Tokens show={show} />}
      {may("operate") && <ShowSettings show={show} changed={set} />}
    </View>
  );
}

function Episodes({ show }: { show: Show }) {
  const [cursor, setCursor] = useState("");
  const { value, error, again } = useLoaded(
    (signal) => get<{ episodes: Episode[]; next: string | null }>(`${showPath(show.show_id)}/episodes?limit=50${cursor && `&cursor=${cursor}`}`, signal), cursor);
  const path = (one: Episode) => `${showPath(show.show_id)}/episodes/${encodeURIComponent(one.episode_id)}`;
  return (
    <section>
      <h2>Episodes</h2>
      <Trouble error={error} again={again} />
      <ul class="rows">
        {value?.episodes.map((one) => (
          <li key={one.episode_id}>
            <a href={`#/jobs/${one.jobs.at(-1) ?? one.episode_id}`}>{one.number ? `${one.number}. ` : ""}{one.title}</a>
            <small>{one.audio_seconds === null ? "not completed" : clock(one.audio_seconds)} · {time(one.published_at)}</small>
            {one.links && show.visibility === "public" && <a href={`/shows/${encodeURIComponent(show.show_id)}/episodes/${encodeURIComponent(one.episode_id)}`}>page</a>}
            {may("operate") && <Act kind="plain" act={async () => { await send("PATCH", path(one), { is_hidden: !one.is_hidden }); again(); }}>
              {one.is_hidden ? "Show in the feed" : "Hide from the feed"}<span class="hidden">: {one.title}</span>
            </Act>}
          </li>
        ))}
      </ul>
      {value && !value.episodes.length && <p class="empty">There are no episodes yet. Choose this show for a <a href="#/new">new job</a>.</p>}
      {value?.next && <button type="button" class="plain" onClick={() => setCursor(value.next ?? "")}>Older episodes</button>}
    </section>
  );
}

function Tokens({ show }: { show: Show }) {
  const path = `${showPath(show.show_id)}/tokens`;
  const { value, error, again } = useLoaded((signal) => get<{ tokens: Token[] }>(path, signal), show.show_id);
  const [name, setName] = useState("");
  const [made, setMade] = useState<Token | null>(null);
  const make = async () => {
    setMade(await send<Token>("POST", path, { name }));
    setName("");
    again();
  };
  return (
    <section class="card">
      <h2>Subscribers</h2>
      <Trouble error={error} again={again} />
      <Field label="Name" hint="whose address it will be"><input type="text" maxLength={100} value={name} onInput={(event) => setName(event.currentTarget.value)} /></Field>
      <Act act={make}>Make an address</Act>
      {made?.feed_url && <p class="secret" role="status">The feed of {made.name || "a subscriber"}, shown only now: <code>{made.feed_url}</code></p>}
      <ul class="rows">
        {value?.tokens.map((token) => (
          <li key={token.id}><strong>{token.name || token.id}</strong> <small>{token.revoked_at ? `revoked ${time(token.revoked_at)}` : `since ${time(token.created_at)}`}</small>
            {!token.revoked_at && <Act kind="plain" ask="Revoke this address?" act={async () => { await send("DELETE", `${path}/${token.id}`); again(); }}>Revoke</Act>}
          </li>
        ))}
      </ul>
    </section>
  );
}
