// What of a job cannot be made, why, and how it would have sounded.

import { get, type Failure, type Group, type Job } from "../api";
import { count } from "../format";
import { Act, useLoaded } from "../parts";
import { may } from "../session";
import { LetterGroup } from "./letters";
import { useSample } from "./voices";

export function Failures({ job }: { job: Job }) {
  const letters = useLoaded(
    (signal) => (may("operate") && (job.failures.length || job.state === "failed")
      ? get<{ groups: Group[] }>(`/v1/dead-letters?limit=100&job_id=${encodeURIComponent(job.job_id)}`, signal) : Promise.resolve(null)),
    `${job.job_id} ${job.state} ${job.chunks.failed}`,
  );
  if (!job.failures.length && !letters.value?.groups.length) return null;
  return (
    <section class="failures">
      <h2>{count(job.chunks.failed || job.failures.length, "failure")}</h2>
      <ul class="rows">{job.failures.map((one) => <li key={one.kind + one.index}><OneFailure failure={one} /></li>)}</ul>
      {letters.value?.groups.map((group) => <LetterGroup key={group.id} group={group} changed={letters.again} />)}
    </section>
  );
}

function OneFailure({ failure }: { failure: Failure }) {
  return (
    <>
      <p><strong>{failure.kind} {failure.index}</strong>: {failure.reason}{failure.attempts ? ` (${count(failure.attempts, "try", "tries")})` : ""}</p>
      <blockquote>{failure.text}</blockquote>
      {failure.kind === "chunk" && may("submit") && <Listen text={failure.text} what={`chunk ${failure.index}`} />}
    </>
  );
}

/** Speak a text outside of its job: what failed there left no audio. */
export function Listen({ text, what, voice = "" }: { text: string; what: string; voice?: string }) {
  const [audio, speak] = useSample();
  const hear = async () => {
    let name = voice;
    if (!name) {
      const { voices } = await get<{ voices: { id: string; default: boolean }[] }>("/v1/audio/voices");
      name = (voices.find((one) => one.default) ?? voices[0])?.id ?? "default";
    }
    await speak(name, text);
  };
  return (
    <>
      <Act kind="plain" act={hear}>Listen to this failed {what}</Act>
      {audio && <audio src={audio} controls autoplay aria-label={`The failed ${what}, spoken again`} />}
    </>
  );
}
