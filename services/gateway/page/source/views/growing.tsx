// What has been spoken so far, while the rest is still being spoken; and on, to the end, when all of it is.

import { useEffect, useRef, useState } from "preact/hooks";
import { get, type Chunk, type Job } from "../api";
import { ENDED } from "../format";
import { grow } from "../growing";
import { Trouble } from "../parts";
import { Controls } from "./player";

export const chunkAudio = (jobId: string, index: number): string => `/v1/jobs/${encodeURIComponent(jobId)}/chunks/${index}/audio`;

/** `listens` is told whether somebody listens, and then where they are, in seconds. */
export function Growing({ job, listens }: { job: Job; listens: (listening: boolean, seconds: number) => void }) {
  const player = useRef<HTMLAudioElement>(null);
  const [playing, setPlaying] = useState(false);
  const [spoken, setSpoken] = useState<string[]>([]);
  const [error, setError] = useState<unknown>(null);
  const path = `/v1/jobs/${encodeURIComponent(job.job_id)}`;
  useEffect(() => {
    const audio = player.current;
    if (!playing || !audio) return undefined;
    let wanted = 0;
    const chunks = (first: number, last: number) => {
      wanted = first;
      get<{ chunks: Chunk[] }>(`${path}/chunks?limit=${last - first + 1}&cursor=${first}`)
        .then((page) => { if (wanted === first) setSpoken(page.chunks.map((chunk) => chunk.text)); })
        .catch(() => {}); // the sound goes on without its text
    };
    const end = () => { setPlaying(false); listens(false, 0); }; // a retry may make more to listen to
    const stop = grow(audio, path, { chunks, failed: (reason) => { setError(reason); end(); } });
    audio.addEventListener("ended", end);
    return () => { audio.removeEventListener("ended", end); stop(); };
  }, [playing, path]);
  const start = () => { setError(null); setPlaying(true); listens(true, 0); };
  return (
    <section class="player" aria-label="What is spoken so far">
      {playing ? <Controls player={player} /> : (
        <div class="actions">
          <button type="button" onClick={start}>{ENDED.has(job.state) ? "Listen to what was spoken" : "Listen while it is made"}</button>
        </div>
      )}
      <audio ref={player} controls={playing} aria-label={job.title} />
      {error !== null && <Trouble error={error} again={start} />}
      {job.state === "completed" && (
        <p><button type="button" class="plain" onClick={() => listens(false, player.current?.currentTime ?? 0)}>Go on in the finished episode</button></p>
      )}
      {spoken.length > 0 && <blockquote>{spoken.join(" ")}</blockquote>}
    </section>
  );
}
