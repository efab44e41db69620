// The episode: audio, chapters, and the transcript as it is spoken. A click on a line jumps to it.

import type { RefObject } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { get, type Job } from "../api";
import { clock } from "../format";
import { useLoaded } from "../parts";
import { chapterAt, Transcript, useCues } from "./transcript";

export interface Chapter { startTime: number; title: string }

export function Player({ job, from = 0 }: { job: Job; from?: number }) {
  const path = `/v1/jobs/${encodeURIComponent(job.job_id)}`;
  const chapters = useLoaded(
    (signal) => (job.files.chapters ? get<{ chapters: Chapter[] }>(`${path}/files/chapters`, signal) : Promise.resolve({ chapters: [] })),
    `${job.job_id} ${job.updated_at}`,
  ).value?.chapters ?? [];
  return <Episode audio={`${path}/episode`} captions={job.files.vtt ? `${path}/files/vtt` : ""} chapters={chapters} title={job.title} from={from} />;
}

const SKIP_SECONDS = 15;
const SPEEDS = [0.75, 1, 1.25, 1.5, 2];

/** Buttons that a browser's own controls do not have. */
export function Controls({ player }: { player: RefObject<HTMLAudioElement | null> }) {
  const skip = (seconds: number) => {
    if (!player.current) return;
    player.current.currentTime = Math.max(0, player.current.currentTime + seconds);
    void player.current.play().catch(() => {});
  };
  return (
    <div class="actions">
      <button type="button" class="plain" onClick={() => skip(-SKIP_SECONDS)}>−{SKIP_SECONDS} s</button>
      <button type="button" class="plain" onClick={() => skip(SKIP_SECONDS)}>+{SKIP_SECONDS} s</button>
      <label>Speed <select onChange={(event) => { if (player.current) player.current.playbackRate = Number(event.currentTarget.value); }}>
        {SPEEDS.map((speed) => <option key={speed} value={speed} selected={speed === 1}>{speed}×</option>)}
      </select></label>
    </div>
  );
}

export function Episode({ audio, captions, chapters, title, from = 0 }: {
  audio: string; captions: string; chapters: Chapter[]; title: string; from?: number;
}) {
  const player = useRef<HTMLAudioElement>(null);
  const [now, setNow] = useState(0);
  const cues = useCues(captions);
  const seek = (seconds: number) => {
    if (!player.current) return;
    player.current.currentTime = seconds;
    void player.current.play().catch(() => {});
  };
  useEffect(() => {
    if (!("mediaSession" in navigator)) return;
    navigator.mediaSession.metadata = new MediaMetadata({ title });
  }, [title]);
  const current = chapterAt(chapters, now);
  return (
    <section class="player" aria-label="Episode">
      <audio ref={player} src={audio} controls preload="metadata" aria-label={title}
        onLoadedMetadata={(event) => { if (from) { event.currentTarget.currentTime = from; void event.currentTarget.play().catch(() => {}); } }}
        onTimeUpdate={(event) => setNow(event.currentTarget.currentTime)} />
      <Controls player={player} />
      {chapters.length > 1 && (
        <nav aria-label="Chapters" class="chapters">
          <ol>
            {chapters.map((chapter, at) => (
              <li key={at}>
                <button type="button" class="link" aria-current={at === current ? "true" : undefined} onClick={() => seek(chapter.startTime)}>
                  <span>{chapter.title}</span> <time>{clock(chapter.startTime)}</time>
                </button>
              </li>
            ))}
          </ol>
        </nav>
      )}
      {cues.length > 0 && <Transcript cues={cues} now={now} seek={seek} />}
    </section>
  );
}
