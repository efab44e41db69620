// The transcript of an episode, which follows the audio.

import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { request } from "../api";
import { useLoaded } from "../parts";
import { lastBegun, parse, type Cue } from "../vtt";
import type { Chapter } from "./player";

export function useCues(address: string): Cue[] {
  const { value } = useLoaded(async (signal) => (address ? parse(await (await request(address, { signal })).text()) : []), address);
  return value ?? [];
}

export const chapterAt = (chapters: readonly Chapter[], now: number): number => lastBegun(chapters.map((one) => one.startTime), now + 0.01);

const BEFORE = 60;
const AFTER = 120;
/** Beyond this many lines only those around the one that is spoken are in the document. */
const ALL = 400;

export function Transcript({ cues, now, seek }: { cues: Cue[]; now: number; seek: (seconds: number) => void }) {
  const box = useRef<HTMLDivElement>(null);
  const [follow, setFollow] = useState(true);
  const starts = useMemo(() => cues.map((cue) => cue.start), [cues]);
  const spoken = lastBegun(starts, now + 0.01);
  const [first, last] = cues.length <= ALL ? [0, cues.length] : [Math.max(0, spoken - BEFORE), Math.max(0, spoken) + AFTER];
  useEffect(() => {
    const [line, frame] = [box.current?.querySelector<HTMLElement>("[aria-current]"), box.current];
    // Not `scrollIntoView`, which would also move the whole page.
    if (follow && line && frame) frame.scrollTop = line.offsetTop - frame.clientHeight / 3;
  }, [spoken, follow]);
  return (
    <div>
      <div class="head"><h2>Transcript</h2>
        <label class="check"><input type="checkbox" checked={follow} onChange={(event) => setFollow(event.currentTarget.checked)} /> follow the audio</label>
      </div>
      <div class="transcript" ref={box} tabIndex={0} role="region" aria-label="Transcript">
        {cues.slice(first, last).map((cue, at) => {
          const index = first + at;
          const speaker = cue.speaker && cue.speaker !== cues[index - 1]?.speaker ? cue.speaker : "";
          return (
            <button key={index} type="button" class="cue" aria-current={index === spoken ? "true" : undefined} onClick={() => seek(cue.start)}>
              {speaker && <strong>{speaker}: </strong>}{cue.text}
            </button>
          );
        })}
      </div>
    </div>
  );
}
