// Numbers and times as people read them.

import type { State } from "./api";

export const STATES: Record<State, string> = {
  queued: "queued", chunking: "reading", synthesizing: "speaking", assembling: "joining", completed: "completed",
  failed: "failed", cancelled: "cancelled",
};

export const ENDED: ReadonlySet<State> = new Set<State>(["completed", "failed", "cancelled"]);

/** 3 s, 4 min, 2 h 5 min. */
export function duration(seconds: number): string {
  if (seconds < 10) return `${Math.round(seconds * 10) / 10} s`;
  if (seconds < 90) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** 1:02:03, as players show it. */
export function clock(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return `${h ? `${h}:` : ""}${h ? String(m).padStart(2, "0") : m}:${String(s).padStart(2, "0")}`;
}

const TIME = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const DAY = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });

/** A time of day, with its date unless it is today. */
export function time(seconds: number): string {
  if (!seconds) return "";
  const at = new Date(seconds * 1000);
  return (at.toDateString() === new Date().toDateString() ? TIME : DAY).format(at);
}

export const count = (number: number, one: string, many = `${one}s`): string =>
  `${number.toLocaleString("en")} ${number === 1 ? one : many}`;

/** Only addresses that a browser fetches, whatever a document or a feed says. */
export function safeLink(address: string): string | undefined {
  try {
    return ["http:", "https:"].includes(new URL(address).protocol) ? address : undefined;
  } catch {
    return undefined;
  }
}
