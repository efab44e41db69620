// A job's chunks as one picture: a cell for each, in the order of the text; and, where the times are known, when each of
// them waited and was spoken. Drawn on a canvas, so that 3,000 chunks or 20,000 cost as little as 30.

import { useEffect, useRef, useState } from "preact/hooks";
import { get, type Chunk, type Job } from "../api";
import { count, duration, ENDED } from "../format";
import { may } from "../session";
import { useLoaded, useRoom } from "../parts";
import { Listen } from "./failures";
import { chunkAudio } from "./growing";
import { Lanes, lanesOf } from "./lanes";

export interface TimelineDocument {
  total: number;
  /** A letter for each chunk: `w` not requested, `q` queued or being spoken, `d` done, `f` failed. */
  states: string;
  chapters: { title: string; first_chunk: number }[];
  /** Seconds since `began_at`; -1: not known. */
  requested: number[]; finished: number[]; spoken: number[];
  /** How often each was tried; 0: not known. */
  tries: number[];
  began_at: number;
}

const NAMES: Record<string, string> = { w: "not requested yet", q: "queued or being spoken", d: "done", f: "failed" };
const COLOURS: Record<string, string> = { w: "--cell-waiting", q: "--cell-queued", d: "--cell-done", f: "--cell-failed" };
const GAP = 1;
const LARGEST = 22;
const SMALLEST = 5;
const HEIGHT = 220;
const LIVE_MILLISECONDS = 1_500;

/** The largest cells with which all chunks fit. */
function cellSize(total: number, width: number): number {
  let size = LARGEST;
  while (size > SMALLEST && Math.ceil(total / Math.max(1, Math.floor(width / size))) * size > HEIGHT) size--;
  return size;
}

export function Timeline({ job }: { job: Job }) {
  const path = `/v1/jobs/${encodeURIComponent(job.job_id)}/timeline`;
  const [turn, setTurn] = useState(0);
  // Asked for again while the job goes on, but never more often than it can be read.
  const { value: found } = useLoaded((signal) => get<TimelineDocument>(path, signal), `${turn} ${job.state}`);
  useEffect(() => {
    if (ENDED.has(job.state)) return undefined;
    const timer = setTimeout(() => { if (!document.hidden) setTurn((before) => before + 1); }, LIVE_MILLISECONDS);
    return () => clearTimeout(timer);
  }, [found, job.state, turn]);
  const [chosen, choose] = useState<number | null>(null);
  if (!found?.total) return null;
  const counts = new Map<string, number>();
  for (const state of found.states) counts.set(state, (counts.get(state) ?? 0) + 1);
  const retried = found.tries.filter((tries) => tries > 1).length;
  const words = ["d", "q", "f", "w"].filter((state) => counts.get(state)).map((state) => `${counts.get(state)?.toLocaleString("en")} ${NAMES[state]}`);
  if (retried) words.push(`${retried.toLocaleString("en")} tried more than once`);
  const lanes = lanesOf(found);
  return (
    <section>
      <h2>{count(found.total, "chunk")}</h2>
      <p class="legend">{["d", "q", "f", "w"].map((state) => <span key={state}><i class={`cell ${state}`} />{NAMES[state]}</span>)}
        <span><i class="cell retried" />tried more than once</span></p>
      <Cells found={found} words={words.join(", ")} chosen={chosen} choose={choose} />
      {lanes && <Lanes found={found} lanes={lanes} choose={choose} />}
      {chosen !== null && <OneChunk key={chosen} job={job} found={found} index={chosen} />}
    </section>
  );
}

function Cells({ found, words, chosen, choose }: {
  found: TimelineDocument; words: string; chosen: number | null; choose: (index: number) => void;
}) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const width = useRoom(canvas);
  const size = cellSize(found.total, width);
  const columns = Math.max(1, Math.floor(width / size));
  const height = Math.ceil(found.total / columns) * size;
  useEffect(() => {
    const element = canvas.current;
    const context = element?.getContext("2d");
    if (!element || !context) return undefined;
    const draw = () => {
      const scale = devicePixelRatio || 1;
      element.width = width * scale;
      element.height = height * scale;
      context.scale(scale, scale);
      const style = getComputedStyle(element);
      const colours = new Map(Object.entries(COLOURS).map(([state, name]) => [state, style.getPropertyValue(name)]));
      const [retried, mark] = [style.getPropertyValue("--cell-retried"), style.getPropertyValue("--text")];
      for (let index = 0; index < found.total; index++) {
        const [x, y] = [(index % columns) * size, Math.floor(index / columns) * size];
        context.fillStyle = colours.get(found.states[index] ?? "w") ?? "";
        context.fillRect(x, y, size - GAP, size - GAP);
        if ((found.tries[index] ?? 0) > 1) {
          context.fillStyle = retried;
          context.fillRect(x, y + size - GAP - Math.max(2, size / 4), size - GAP, Math.max(2, size / 4));
        }
        if (index === chosen) {
          context.strokeStyle = mark;
          context.lineWidth = 2;
          context.strokeRect(x + 1, y + 1, size - GAP - 2, size - GAP - 2);
        }
      }
    };
    draw();
    const dark = matchMedia("(prefers-color-scheme: dark)");
    dark.addEventListener("change", draw);
    return () => dark.removeEventListener("change", draw);
  }, [found, width, height, size, columns, chosen]);
  const at = (event: MouseEvent) => {
    const box = (event.currentTarget as HTMLElement).getBoundingClientRect();
    const index = Math.floor((event.clientY - box.top) / size) * columns + Math.floor((event.clientX - box.left) / size);
    if (index >= 0 && index < found.total) choose(index);
  };
  const keys = (event: KeyboardEvent) => {
    const by = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns, PageDown: 100, PageUp: -100, Home: -found.total, End: found.total }[event.key];
    if (by === undefined) return;
    event.preventDefault();
    choose(Math.min(found.total - 1, Math.max(0, chosen === null ? 0 : chosen + by)));
  };
  const now = chosen ?? 0;
  return (
    <div class="picture" role="slider" tabIndex={0} aria-label={`Chunks: ${words}. The arrow keys select one`} aria-orientation="horizontal"
      aria-valuemin={0} aria-valuemax={found.total - 1} aria-valuenow={now}
      aria-valuetext={`chunk ${now}: ${NAMES[found.states[now] ?? "w"]}`} onKeyDown={keys} onClick={at}>
      <canvas ref={canvas} style={{ width: `${width}px`, height: `${height}px` }} />
    </div>
  );
}

function OneChunk({ job, found, index }: { job: Job; found: TimelineDocument; index: number }) {
  const { value: chunk } = useLoaded(
    (signal) => get<{ chunks: Chunk[] }>(`/v1/jobs/${encodeURIComponent(job.job_id)}/chunks?limit=1&cursor=${index}`, signal).then((page) => page.chunks[0] ?? null),
    `${index} ${found.states[index]}`,
  );
  const [requested, finished, spoken] = [found.requested[index] ?? -1, found.finished[index] ?? -1, found.spoken[index] ?? -1];
  const chapter = found.chapters.filter((one) => one.first_chunk <= index).at(-1);
  return (
    <div class="card" role="status">
      <h3>Chunk {index}{chapter && <small> {chapter.title}</small>}</h3>
      <p>{[NAMES[found.states[index] ?? "w"],
        chunk?.audio_seconds ? `${duration(chunk.audio_seconds)} of audio` : "",
        spoken >= 0 && finished >= 0 && requested >= 0 ? `queued for ${duration(Math.max(0, finished - requested - spoken))}, spoken in ${duration(spoken)}` : "",
        (found.tries[index] ?? 0) > 1 ? `tried ${found.tries[index]} times` : "", chunk?.voice, chunk?.speaker, chunk?.language].filter(Boolean).join(" · ")}</p>
      {chunk?.reason && <p class="trouble">{chunk.reason}</p>}
      <blockquote>{chunk?.text ?? "…"}</blockquote>
      {chunk?.state === "done" && <audio controls preload="none" src={chunkAudio(job.job_id, index)} aria-label={`Chunk ${index}`} />}
      {chunk?.state === "failed" && may("submit") && <Listen text={chunk.text} voice={chunk.voice ?? ""} what={`chunk ${index}`} />}
    </div>
  );
}
