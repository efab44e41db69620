// One job: its progress, its timeline, its episode, and what went wrong.

import { useState } from "preact/hooks";
import { get, send, type Job } from "../api";
import { count, duration, ENDED, STATES, time } from "../format";
import { forget, jobs, learn, news, retries, returns } from "../live";
import { Act, Progress, StateMark, summary, Trouble, useLoaded, View } from "../parts";
import { go } from "../route";
import { may } from "../session";
import { Failures } from "./failures";
import { Growing } from "./growing";
import { Player } from "./player";
import { Timeline } from "./timeline";

const STAGES: Record<string, string> = { chunking: "Reading and splitting", synthesizing: "Speaking", assembling: "Joining" };
const FILES: Record<string, string> = { vtt: "captions", chapters: "chapters", timing: "timing", cover: "cover", zip: "files of the chapters" };

export function JobView({ id }: { id: string }) {
  const { error, again } = useLoaded((signal) => get<Job>(`/v1/jobs/${encodeURIComponent(id)}`, signal).then(learn), `${id} ${returns.value}`);
  // Whoever listens while it is being spoken is not interrupted when it is finished.
  const [heard, setHeard] = useState({ listening: false, seconds: 0 });
  const listens = (listening: boolean, seconds: number) => setHeard({ listening, seconds });
  const seen = news.value; // any news of it is shown
  const job = jobs.get(id);
  const path = `/v1/jobs/${encodeURIComponent(id)}`;
  if (!job || seen < 0) return <View title="Job"><Trouble error={error} again={again} />{!error && <p role="status">Loading…</p>}</View>;
  const ended = ENDED.has(job.state);
  const retry = ended ? undefined : retries.value.get(id);
  return (
    <View title={job.title || job.source || "Untitled"} actions={may("operate") && (
      <>
        {!ended && <Act kind="plain" ask="Cancel this job?" act={() => send<Job>("DELETE", path).then(learn)}>Cancel</Act>}
        {(job.state === "failed" || job.state === "cancelled") && <Act act={() => send("POST", `${path}/retry`)}>Retry</Act>}
        {ended && <Act kind="plain" ask="Delete this job and its episode?" act={async () => {
          await send("DELETE", `${path}?purge=true`);
          forget(id);
          go("/jobs");
        }}>Delete</Act>}
      </>
    )}>
      {job.author && <p>{job.author}</p>}
      <p class="now" role="status"><StateMark state={job.state} /> {summary(job)}</p>
      {!ended && <Progress job={job} />}
      {retry && <p class="warning">The {retry.service} is retrying: {retry.reason} ({count(retry.tries, "try", "tries")} so far)</p>}
      {job.warnings.map((text, at) => <p key={at} class="warning">{text}</p>)}
      {job.state === "completed" && !heard.listening ? <Player job={job} from={heard.seconds} />
        : job.chunks.done > 0 && <Growing job={job} listens={listens} />}
      <Failures job={job} />
      {job.chunks.total > 0 && <Timeline job={job} />}
      <Stages job={job} />
      {job.state === "completed" && (
        <section>
          <h2>Files</h2>
          <p class="files">
            {Object.keys(job.links.files).map((kind) => (
              <a key={kind} href={`${path}/files/${encodeURIComponent(kind)}?download=1`} download>{FILES[kind] ?? kind}</a>
            ))}
          </p>
          {job.loudness_lufs !== null && <p>{job.loudness_lufs.toFixed(1)} LUFS, true peak {job.true_peak_dbtp?.toFixed(1)} dBTP</p>}
        </section>
      )}
      <p class="faint">Job <code>{id}</code>, submitted {time(job.submitted_at)}</p>
    </View>
  );
}

/** How long each stage took, and how long the job was in each state. */
function Stages({ job }: { job: Job }) {
  const stages = Object.entries(job.stages).filter(([, seconds]) => seconds >= 0);
  const all = Math.max(0.001, stages.reduce((sum, [, seconds]) => sum + seconds, 0));
  return (
    <section>
      <h2>Stages</h2>
      {stages.length > 0 && (
        <dl class="stages">
          {stages.map(([name, seconds]) => (
            <div key={name}>
              <dt>{STAGES[name] ?? name}</dt>
              <dd><span class="bar" style={{ width: `${Math.max(1, (60 * seconds) / all)}%` }} /> {duration(seconds)}</dd>
            </div>
          ))}
        </dl>
      )}
      <ol class="history">
        {job.history.map((one, at) => {
          const until = job.history[at + 1]?.at;
          return <li key={one.number}>{STATES[one.state]} <small>{time(one.at)}{until !== undefined && `, for ${duration(Math.max(0, until - one.at))}`}</small></li>;
        })}
      </ol>
    </section>
  );
}
