// All jobs, newest first, as many as there are.

import { signal } from "@preact/signals";
import { useCallback, useEffect, useMemo, useRef, useState } from "preact/hooks";
import { get, type Job, type JobsPage, type State } from "../api";
import { ENDED, STATES, time } from "../format";
import { LongList } from "../list";
import { jobs, learn, news, retries, returns } from "../live";
import { Progress, StateMark, summary, Trouble, View } from "../parts";
import { may } from "../session";

const ROW_PIXELS = 68;
const PAGE = 100;
/** Kept over visits of other views, so that going back shows the same place. */
const wanted = signal<{ states: State[]; title: string }>({ states: [], title: "" });

const FILTERS: [string, State[]][] = [
  ["All", []], ["Under way", ["queued", "chunking", "synthesizing", "assembling"]], ["Completed", ["completed"]],
  ["Failed", ["failed"]], ["Cancelled", ["cancelled"]],
];

const fits = (job: Job, { states, title }: { states: State[]; title: string }) =>
  (!states.length || states.includes(job.state)) && job.title.toLowerCase().includes(title.toLowerCase());

export function JobList() {
  const [loaded, setLoaded] = useState<string[]>([]);
  const [error, setError] = useState<unknown>(null);
  const [ended, setEnded] = useState(false);
  const next = useRef<string | null>("");
  const loading = useRef<AbortController | null>(null);
  const { states, title } = wanted.value;

  const more = useCallback(async () => {
    if (loading.current || next.current === null) return;
    const control = (loading.current = new AbortController());
    setError(null);
    try {
      const query = new URLSearchParams({ limit: String(PAGE) });
      states.forEach((state) => query.append("state", state));
      if (title) query.set("title", title);
      if (next.current) query.set("cursor", next.current);
      const page = await get<JobsPage>(`/v1/jobs?${query}`, control.signal);
      page.jobs.forEach(learn);
      next.current = page.next;
      setLoaded((before) => [...before, ...page.jobs.map((job) => job.job_id)]);
      setEnded(page.next === null);
    } catch (problem) {
      if (!control.signal.aborted) setError(problem);
    } finally {
      if (loading.current === control) loading.current = null;
    }
  }, [states, title]);

  useEffect(() => {
    next.current = "";
    setLoaded([]);
    setEnded(false);
    void more();
    return () => { loading.current?.abort(); loading.current = null; };
  }, [more]);

  useEffect(() => {
    if (!returns.value) return;
    if (loaded.length || ended) void get<JobsPage>(`/v1/jobs?limit=${PAGE}`).then((page) => page.jobs.forEach(learn), () => {});
    else void more(); // the connection was lost before anything had come
  }, [returns.value]);

  // A job that has begun since the list was loaded comes from the event stream; job ids are in order of time.
  const shown = useMemo(() => {
    const oldest = ended ? "" : loaded.at(-1) ?? "~";
    const known = new Set(loaded);
    const others = [...jobs.keys()].filter((id) => id >= oldest && !known.has(id));
    const ids = others.length ? [...loaded, ...others].sort((one, other) => (one < other ? 1 : -1)) : loaded;
    return ids.flatMap((id) => {
      const job = jobs.get(id);
      return job && fits(job, wanted.value) ? [job] : [];
    });
  }, [loaded, ended, news.value, states, title]);

  return (
    <View title="Jobs" actions={may("submit") && <a class="button" href="#/new">New job</a>}>
      <div class="filters">
        <div role="group" aria-label="Which jobs">
          {FILTERS.map(([name, only]) => (
            <button key={name} type="button" class="chip" aria-pressed={only.join() === states.join()}
              onClick={() => { wanted.value = { states: only, title }; }}>{name}</button>
          ))}
        </div>
        <input type="search" placeholder="Title" aria-label="Only titles with" value={title}
          onChange={(event) => { wanted.value = { states, title: event.currentTarget.value }; }} />
      </div>
      <Trouble error={error} again={() => void more()} />
      <LongList label="Jobs" total={shown.length} height={ROW_PIXELS} near={more} row={(index) => {
        const job = shown[index];
        return job && <Row job={job} />;
      }} />
      {ended && !shown.length && <p class="empty">There are no jobs here yet. {may("submit") && <a href="#/new">Make one.</a>}</p>}
    </View>
  );
}

function Row({ job }: { job: Job }) {
  const retry = ENDED.has(job.state) ? undefined : retries.value.get(job.job_id);
  return (
    <a class="job" href={`#/jobs/${job.job_id}`}>
      <span class="title">{job.title || job.source || "Untitled"}</span>
      <StateMark state={job.state} />
      <span class="what">{retry ? `The ${retry.service} is retrying: ${retry.reason}` : summary(job) || STATES[job.state]}</span>
      <time>{time(job.submitted_at)}</time>
      {!ENDED.has(job.state) && <Progress job={job} />}
    </a>
  );
}
