// Small parts that several views use. Whatever they show is text: nothing of a document, a job or a feed is markup.

import { useEffect, useRef, useState } from "preact/hooks";
import type { ComponentChildren, JSX, RefObject } from "preact";
import { Problem, type Job, type State } from "./api";
import { count, duration, ENDED, STATES } from "./format";

/** A view: its heading has the focus when it is opened, so that a screen reader begins there. */
export function View({ title, children, actions }: { title: string; children: ComponentChildren; actions?: ComponentChildren }) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${title} · Podcast Engine`;
    if (document.activeElement === document.body || document.activeElement?.closest("nav")) heading.current?.focus();
  }, [title]);
  return (
    <>
      <div class="head">
        <h1 tabIndex={-1} ref={heading}>{title}</h1>
        {actions && <div class="actions">{actions}</div>}
      </div>
      {children}
    </>
  );
}

export function Trouble({ error, again }: { error: unknown; again?: () => void }) {
  if (!error) return null;
  const text = error instanceof Problem ? error.message : String(error);
  return (
    <p class="trouble" role="alert">
      {text} {again && <button type="button" onClick={again}>Try again</button>}
    </p>
  );
}

export function StateMark({ state }: { state: State }) {
  return <span class={`state ${state}`}>{STATES[state]}</span>;
}

export function Progress({ job }: { job: Job }) {
  const percent = Math.round(job.progress * 100);
  return <progress max={100} value={percent} aria-label={`${percent} % done`} />;
}

/** What a job is doing, in a few words. */
export function summary(job: Job): string {
  const { total, done, failed } = job.chunks;
  if (job.state === "completed") return `${duration(job.audio_seconds)} of audio`;
  if (job.state === "failed" || job.state === "cancelled") return job.error ?? "";
  const parts = [];
  if (total) parts.push(`${done.toLocaleString("en")} of ${count(total, "chunk")}`);
  if (failed) parts.push(`${failed.toLocaleString("en")} failed`);
  if (job.estimated_seconds_left !== null && !ENDED.has(job.state)) parts.push(`about ${duration(job.estimated_seconds_left)} left`);
  return parts.join(", ");
}

/** Something that takes a moment: while it does, its button says so and cannot be pressed again. */
export function Act({ children, act, kind = "", ask, label }: {
  children: ComponentChildren; act: () => Promise<unknown>; kind?: string; ask?: string; label?: string;
}) {
  const [busy, setBusy] = useState(false);
  const [asking, setAsking] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const run = async () => {
    setAsking(false);
    setBusy(true);
    setError(null);
    await act().catch(setError);
    setBusy(false);
  };
  if (asking) {
    return (
      <span class="asking" role="group" aria-label={ask}>
        {ask} <button type="button" class={kind} autoFocus onClick={run}>Yes</button>
        <button type="button" class="plain" onClick={() => setAsking(false)}>No</button>
      </span>
    );
  }
  return (
    <>
      <button type="button" class={kind} aria-label={label} aria-disabled={busy} aria-busy={busy}
        onClick={() => { if (!busy) { if (ask) setAsking(true); else void run(); } }}>{children}</button>
      <Trouble error={error} />
    </>
  );
}

/** Loads something when a view is opened, and again when `key` changes. */
export function useLoaded<T>(load: (signal: AbortSignal) => Promise<T>, key: unknown):
  { value: T | null; error: unknown; again: () => void; set: (value: T) => void } {
  const [value, set] = useState<T | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    const control = new AbortController();
    setError(null);
    load(control.signal).then((found) => { if (!control.signal.aborted) set(found); },
      (problem) => { if (!control.signal.aborted) setError(problem); });
    return () => control.abort();
  }, [key, turn]);
  return { value, error, again: () => setTurn((before) => before + 1), set };
}

/** Calls something now and then while the page can be seen. */
export function useEvery(seconds: number, call: () => void): void {
  // The view may be drawn more often than this, which must not put it off.
  const latest = useRef(call);
  latest.current = call;
  useEffect(() => {
    const timer = setInterval(() => { if (!document.hidden) latest.current(); }, seconds * 1000);
    return () => clearInterval(timer);
  }, [seconds]);
}

/** How many pixels wide the parent of an element is, for a picture that fills it. */
export function useRoom(element: RefObject<HTMLElement | null>): number {
  const [width, setWidth] = useState(600);
  useEffect(() => {
    const watcher = new ResizeObserver(([entry]) => { if (entry) setWidth(Math.floor(entry.contentRect.width)); });
    if (element.current?.parentElement) watcher.observe(element.current.parentElement);
    return () => watcher.disconnect();
  }, []);
  return width;
}

export function Field({ label, hint, children }: { label: string; hint?: string; children: JSX.Element }) {
  return <label class="field"><span>{label}</span>{children}{hint && <small>{hint}</small>}</label>;
}
