// The gateway's HTTP API: the same one that programs use, with the session's cookie in place of a key.

export type Scope = "submit" | "read" | "operate";
export type State = "queued" | "chunking" | "synthesizing" | "assembling" | "completed" | "failed" | "cancelled";

export interface Session { signed_in: boolean; open: boolean; name: string; scopes: Scope[]; expires_at: number | null }
export interface Failure { kind: string; index: number; text: string; reason: string; attempts: number | null }
export interface Job {
  job_id: string; state: State; title: string; author: string;
  chunks: { total: number; done: number; failed: number };
  audio_seconds: number; stages: Record<string, number>; files: Record<string, string>;
  loudness_lufs: number | null; true_peak_dbtp: number | null; error: string | null;
  failures: Failure[]; warnings: string[]; history: { number: number; state: State; at: number }[];
  submitted_at: number; resumed_at: number | null; updated_at: number;
  progress: number; estimated_seconds_left: number | null; source?: string; passed?: boolean;
  links: { files: Record<string, string> };
}
export interface JobsPage { jobs: Job[]; next: string | null; unreadable: string[] }
export interface Chunk {
  index: number; chapter: number; text: string; language: string | null; voice: string | null; speaker: string | null;
  state: "waiting" | "done" | "failed"; audio_seconds: number | null; attempts: number | null; reason: string | null;
}
export interface Group {
  id: string; letters: number; queue: string; job_id: string | null; title: string; reason: string; error: string;
  oldest_at: string | null; newest_at: string | null;
}
export interface Letter {
  id: string; queue: string; job_id: string | null; chunk: number | null; reason: string; error: string;
  attempts: { attempt: number; at: string; error: string }[]; time: string | null; text: string | null; type: string;
  size_bytes: number; replays: number; stacktrace: string; payload?: unknown;
}
export interface LettersDone { count: number; ids: string[]; missing: string[]; more: boolean; dry_run: boolean }
export interface Queue {
  name: string; ready: number; waiting: number; dead: number; consumers: number;
  can_pause: boolean; paused_at: number | null; paused_reason: string;
}
export interface Voice { id: string; model: string; language: string; default: boolean; server: string }
export interface Voices { voices: Voice[]; endpoints: { url: string; voices: number; error: string | null }[] }
export interface Key {
  id: string; name: string; scopes: Scope[]; requests_per_minute: number | null; created_at: number;
  revoked_at: number | null; key?: string;
}
export interface Preview {
  preview_id: string; title: string; author: string; language: string; voice: string; characters: number;
  chunk_count: number; estimated_seconds: number; warnings: string[]; repairs: string[];
  chapters: { number: number; title: string; level: number; estimated_seconds: number; chunks: { text: string }[] }[];
  omissions: { kind: string; reason: string; count: number; sample: string }[];
}

/** What the gateway answers when it cannot do something (RFC 9457). */
export class Problem extends Error {
  constructor(readonly status: number, readonly title: string, readonly detail: string,
              readonly retryAfterSeconds: number) {
    super(detail ? `${title}. ${detail}` : title);
  }
}

/** Called when a request was refused since the browser is not signed in any more. */
export const onSignedOut = { call: () => {} };

/** How long any answer may take; the gateway's own limits are shorter. */
const LIMIT_MILLISECONDS = 70_000;

export async function request(path: string, options: RequestInit = {}): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(path, { signal: AbortSignal.timeout(LIMIT_MILLISECONDS), ...options });
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw new Problem(0, "The gateway does not answer", "Try again in a moment.", 0);
  }
  if (response.ok) return response;
  const document = await response.json().catch(() => ({}));
  if (response.status === 401 && path !== "/v1/session") onSignedOut.call();
  throw new Problem(response.status, String(document.title ?? `The gateway answers ${response.status}`),
    [document.detail, ...(document.errors ?? []).map((one: { pointer?: string; detail?: string }) =>
      `${one.pointer ?? ""} ${one.detail ?? ""}`.trim())].filter(Boolean).join(" "),
    Number(response.headers.get("Retry-After") ?? 0));
}

export async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  return (await request(path, signal ? { signal } : {})).json();
}

/** All pages of a list, one after the other. */
export async function pages<Page>(path: string, signal?: AbortSignal): Promise<Page[]> {
  const found: Page[] = [];
  let next: string | null = "";
  while (next !== null) {
    const page: Page & { next: string | null } = await get(`${path}?limit=100${next && `&cursor=${encodeURIComponent(next)}`}`, signal);
    found.push(page);
    next = page.next;
  }
  return found;
}

export async function send<T>(method: string, path: string, body?: unknown): Promise<T> {
  const response = await request(path, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { "Content-Type": "application/json" } }),
  });
  return response.status === 204 ? (undefined as T) : response.json();
}

/** Send a document with its options as a form. */
export async function upload(path: string, file: File, options: object, headers: HeadersInit = {}): Promise<Response> {
  const form = new FormData();
  form.append("options", new Blob([JSON.stringify(options)], { type: "application/json" }));
  form.append("file", file, file.name);
  return request(path, { method: "POST", body: form, headers, signal: AbortSignal.timeout(600_000) });
}
