// Feeds whose items become episodes.

import { useState } from "preact/hooks";
import { pages, send } from "../api";
import { count, time } from "../format";
import { Act, Field, Trouble, useEvery, useLoaded, View } from "../parts";
import { allShows } from "./shows";

interface Feed {
  id: string; url: string; title: string; state: "active" | "failing" | "paused" | "gone"; rules: { show: string | null };
  polled_at: number | null; next_poll_at: number | null; failures: number; error: string | null; warning: string | null; jobs: number;
  items: { title: string; outcome: string; reason: string; job_id: string | null; at: number }[];
}

const SECONDS = 5;
const STATES = { active: "completed", failing: "failed", paused: "cancelled", gone: "failed" };

async function all(signal: AbortSignal): Promise<Feed[]> {
  return (await pages<{ feeds: Feed[] }>("/v1/feeds", signal)).flatMap((page) => page.feeds);
}

export function Feeds() {
  const { value, error, again } = useLoaded(all, 0);
  useEvery(SECONDS, again);
  return (
    <View title="Feeds">
      <Trouble error={error} again={again} />
      <NewFeed changed={again} />
      {value?.map((feed) => <OneFeed key={feed.id} feed={feed} changed={again} />)}
      {value && !value.length && <p class="empty">There are no feeds yet.</p>}
    </View>
  );
}

function NewFeed({ changed }: { changed: () => void }) {
  const [url, setUrl] = useState("");
  const [show, setShow] = useState("");
  const [first, setFirst] = useState("1");
  const shows = useLoaded(allShows, 0).value ?? [];
  const add = async () => {
    await send("POST", "/v1/feeds", { url: url.trim(), rules: { first_items: Number(first), ...(show && { show }) } });
    setUrl("");
    changed();
  };
  return (
    <section class="card">
      <h2>Add a feed</h2>
      <div class="grid">
        <Field label="Address" hint="of a feed, or of a page that names one"><input type="url" placeholder="https://" value={url} onInput={(event) => setUrl(event.currentTarget.value)} /></Field>
        <Field label="Show"><select value={show} onChange={(event) => setShow(event.currentTarget.value)}>
          <option value="">none</option>{shows.map((one) => <option key={one.show_id} value={one.show_id}>{one.title}</option>)}
        </select></Field>
        <Field label="First items" hint="how many of the newest items become episodes at first"><input type="number" min="0" max="100" value={first} onInput={(event) => setFirst(event.currentTarget.value)} /></Field>
      </div>
      <Act act={add}>Add the feed</Act>
    </section>
  );
}

function OneFeed({ feed, changed }: { feed: Feed; changed: () => void }) {
  const path = `/v1/feeds/${encodeURIComponent(feed.id)}`;
  const act = (method: string, to: string, body?: unknown) => async () => { await send(method, to, body); changed(); };
  return (
    <article class="card" aria-label={feed.title || feed.url}>
      <div class="head"><h2>{feed.title || feed.url}</h2><span class={`state ${STATES[feed.state]}`}>{feed.state}</span></div>
      <p>{feed.title && feed.url}{feed.rules.show && <> → <a href={`#/shows/${encodeURIComponent(feed.rules.show)}`}>{feed.rules.show}</a></>}</p>
      <p>{[count(feed.jobs, "job"), feed.polled_at && `polled ${time(feed.polled_at)}`, feed.next_poll_at && `again ${time(feed.next_poll_at)}`].filter(Boolean).join(" · ")}</p>
      {feed.error && <p class="trouble">{feed.error} {feed.failures > 1 && `(${feed.failures} times in a row)`}</p>}
      {feed.warning && <p class="warning">{feed.warning}</p>}
      <div class="actions">
        <Act kind="plain" act={act("POST", `${path}/poll`)}>Poll now</Act>
        <Act kind="plain" act={act("PATCH", path, { paused: feed.state !== "paused" })}>{feed.state === "paused" ? "Resume" : "Pause"}</Act>
        <Act kind="plain" ask="Remove this feed? Its jobs stay." act={act("DELETE", path)}>Remove</Act>
      </div>
      {feed.items.length > 0 && (
        <details><summary>{count(feed.items.length, "item")}</summary>
          <ul class="rows">
            {feed.items.map((item, at) => (
              <li key={at}>{item.job_id ? <a href={`#/jobs/${item.job_id}`}>{item.title || item.job_id}</a> : <span>{item.title}</span>}
                <small>{item.outcome}{item.reason && `: ${item.reason}`} · {time(item.at)}</small></li>
            ))}
          </ul>
        </details>
      )}
    </article>
  );
}
