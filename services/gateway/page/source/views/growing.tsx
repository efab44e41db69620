// What has been spoken so far, while the rest is still being spoken: chunk after chunk, as they become ready.

import { useEffect, useRef, useState } from "preact/hooks";
import { get, type Chunk, type Job } from "../api";
import { ENDED } from "../format";

const PAGE = 20;
const AGAIN_MILLISECONDS = 2_000;
const PAUSE_MILLISECONDS = 350;

export const chunkAudio = (jobId: string, index: number): string => `/v1/jobs/${encodeURIComponent(jobId)}/chunks/${index}/audio`;

export function Growing({ job }: { job: Job }) {
  const player = useRef<HTMLAudioElement>(null);
  const [index, setIndex] = useState(0);
  const [text, setText] = useState("");
  const [playing, setPlaying] = useState(false);
  const known = useRef(new Map<number, Chunk>());
  const find = async (at: number): Promise<Chunk | undefined> => {
    if (known.current.get(at)?.state !== "done") {
      const page = await get<{ chunks: Chunk[] }>(`/v1/jobs/${encodeURIComponent(job.job_id)}/chunks?limit=${PAGE}&cursor=${at}`);
      page.chunks.forEach((chunk) => known.current.set(chunk.index, chunk));
    }
    return known.current.get(at);
  };
  useEffect(() => {
    if (!playing) return undefined;
    let timer = 0;
    let gone = false;
    const later = (call: () => void, milliseconds: number) => { timer = window.setTimeout(call, milliseconds); };
    const play = async () => {
      const chunk = await find(index).catch(() => undefined);
      if (gone || !player.current) return;
      if (chunk?.state === "failed") { setIndex(index + 1); return; }
      if (chunk?.state !== "done") { later(() => void play(), AGAIN_MILLISECONDS); return; }
      setText(chunk.text);
      player.current.src = chunkAudio(job.job_id, index);
      await player.current.play().catch(() => setPlaying(false));
    };
    void play();
    const next = () => { if (index + 1 < job.chunks.total) later(() => setIndex(index + 1), PAUSE_MILLISECONDS); else setPlaying(false); };
    player.current?.addEventListener("ended", next);
    return () => { gone = true; clearTimeout(timer); player.current?.removeEventListener("ended", next); };
  }, [playing, index]);
  const toggle = () => {
    if (playing) player.current?.pause();
    setPlaying(!playing);
  };
  return (
    <section class="player" aria-label="What is spoken so far">
      <div class="actions">
        <button type="button" onClick={toggle}>{playing ? "Pause" : ENDED.has(job.state) ? "Listen to what was spoken" : "Listen while it is made"}</button>
        <button type="button" class="plain" onClick={() => setIndex(Math.max(0, index - 1))}>Previous chunk</button>
        <button type="button" class="plain" onClick={() => setIndex(Math.min(job.chunks.total - 1, index + 1))}>Next chunk</button>
        <span>chunk {index} of {job.chunks.total}</span>
      </div>
      <audio ref={player} />
      {text && <blockquote>{text}</blockquote>}
    </section>
  );
}
