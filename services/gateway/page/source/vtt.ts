// Reads WebVTT captions (https://www.w3.org/TR/webvtt1/) as text: whatever stands in them is shown, and nothing is markup.

export interface Cue { start: number; end: number; text: string; speaker: string }

const TIMES = /^((?:\d+:)?\d\d:\d\d\.\d\d\d)\s+-->\s+((?:\d+:)?\d\d:\d\d\.\d\d\d)/;
const ENTITIES: Record<string, string> = { "&amp;": "&", "&lt;": "<", "&gt;": ">", "&nbsp;": " ", "&lrm;": "", "&rlm;": "" };

function seconds(text: string): number {
  return text.split(":").reduce((sum, part) => sum * 60 + Number(part), 0);
}

export function parse(text: string): Cue[] {
  const cues: Cue[] = [];
  for (const block of text.replaceAll("\r\n", "\n").split(/\n{2,}/)) {
    const lines = block.split("\n");
    const at = lines.findIndex((line) => TIMES.test(line));
    const times = TIMES.exec(lines[at] ?? "");
    if (!times) continue;
    const raw = lines.slice(at + 1).join(" ");
    const speaker = /^<v(?:\.[^\s>]*)?\s+([^>]*)>/.exec(raw)?.[1] ?? "";
    const plain = (part: string) => part.replace(/<[^>]*>/g, "").replace(/&\w+;/g, (name) => ENTITIES[name] ?? name);
    cues.push({ start: seconds(times[1] ?? ""), end: seconds(times[2] ?? ""), text: plain(raw), speaker: plain(speaker) });
  }
  return cues;
}

/** The last of these that has begun; -1: none. */
export function lastBegun(starts: readonly number[], now: number): number {
  let [low, high] = [0, starts.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((starts[middle] ?? 0) <= now) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
