// What happens to all jobs, from one event stream. The browser connects again by itself, at any gateway, with the id of
// the last event; so this page sees each change of state once, also across restarts.

import { effect, signal } from "@preact/signals";
import type { Job } from "./api";
import { prolong, session } from "./session";

export type Link = "connecting" | "live" | "lost";

export const link = signal<Link>("connecting");
/** Counts up when the stream is there again: what is shown may be of the time before, and is loaded anew. */
export const returns = signal(0);
/** The latest that is known of each job. */
export const jobs = new Map<string, Job>();
/** Counts up with each news of a job: whoever shows jobs depends on it. */
export const news = signal(0);
/** Job → its latest notice that some work is tried again. */
export const retries = signal<ReadonlyMap<string, Retry>>(new Map());
/** Chunks that were finished in the last minute, over all jobs: [milliseconds, chunks]. */
export const pace = signal<readonly (readonly [number, number])[]>([]);

export interface Retry { job_id: string; service: string; reason: string; tries: number; next_seconds: number }

const AGAIN_MILLISECONDS = 2_000;
const PACE_MILLISECONDS = 60_000;
const RETRIES_KEPT = 200;
const JOBS_KEPT = 20_000;

let source: EventSource | null = null;
let last = "";
let paint = 0;

/** Take over what another request has brought, unless it is older than what is known. */
export function learn(job: Job): Job {
  const known = jobs.get(job.job_id);
  if (known && known.updated_at > job.updated_at) return known;
  const merged = { ...job, source: job.source ?? known?.source };
  if (known && job.chunks.done > known.chunks.done) {
    const now = Date.now();
    pace.value = [...pace.value.filter(([at]) => now - at < PACE_MILLISECONDS),
      [now, job.chunks.done - known.chunks.done]];
  }
  jobs.set(job.job_id, merged);
  if (jobs.size > JOBS_KEPT) jobs.delete(jobs.keys().next().value as string);
  tell();
  return merged;
}

export function forget(jobId: string): void {
  jobs.delete(jobId);
  tell();
}

/** At most once a frame: a busy stack has hundreds of events a second. */
function tell(): void {
  if (!paint) paint = requestAnimationFrame(() => { paint = 0; news.value++; });
}

function connect(): void {
  source?.close();
  const at = last ? `?last_event_id=${encodeURIComponent(last)}` : "";
  const opened = (source = new EventSource(`/v1/events${at}`));
  const on = (name: string, take: (data: never) => void) =>
    opened.addEventListener(name, (event) => {
      if (event.lastEventId) last = event.lastEventId;
      take(JSON.parse(event.data) as never);
    });
  opened.addEventListener("open", () => {
    if (link.value === "lost") returns.value++;
    link.value = "live";
  });
  on("status", (job: Job) => { if (!job.passed) learn(job); });
  on("retrying", (notice: Retry) => {
    const kept = [...retries.value].filter(([id]) => id !== notice.job_id).slice(-RETRIES_KEPT);
    retries.value = new Map([...kept, [notice.job_id, notice]]);
  });
  on("gone", (one: { job_id?: string }) => { if (one.job_id) forget(one.job_id); });
  on("expiring", () => { prolong().then(connect, () => {}); });
  opened.addEventListener("error", () => {
    link.value = "lost";
    // The browser gives up after an answer that is none, such as 503 from a gateway that is stopping.
    if (opened.readyState === EventSource.CLOSED && opened === source) {
      setTimeout(() => { if (opened === source) connect(); }, AGAIN_MILLISECONDS);
    }
  });
}

/** Watch for as long as the browser is signed in with a key that may read. */
export function watch(): void {
  effect(() => {
    const wanted = session.value?.scopes.includes("read") ?? false;
    if (wanted && !source) connect();
    if (!wanted && source) {
      source.close();
      source = null;
      last = "";
      jobs.clear();
    }
  });
}
