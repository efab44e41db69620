// Dead letters: what could not be done, grouped by reason; replayed, corrected or discarded after showing how many.

import { useState } from "preact/hooks";
import { get, pages, send, type Group, type Letter, type LettersDone } from "../api";
import { count, time } from "../format";
import { Act, Trouble, useLoaded, View } from "../parts";
import { OneLetter } from "./letter";

interface Groups { groups: Group[]; letters: number }
type Selection = Record<string, unknown>;

async function all(signal?: AbortSignal): Promise<Groups> {
  const found = await pages<Groups>("/v1/dead-letters", signal);
  return { groups: found.flatMap((page) => page.groups), letters: found.at(-1)?.letters ?? 0 };
}

const selectionOf = (group: Group): Selection => ({
  queue: group.queue, reason: group.reason, ...(group.job_id && { job_id: group.job_id }),
});

/** All that a selection has, a thousand in a request. */
async function carryOut(what: "replay" | "discard", selection: Selection): Promise<number> {
  let [done, more] = [0, true];
  while (more) {
    const report = await send<LettersDone>("POST", `/v1/dead-letters/${what}`, { selection });
    done += report.count;
    more = report.more && report.count > 0;
  }
  return done;
}

export function DeadLetters() {
  const { value, error, again } = useLoaded(all, 0);
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const groups = value?.groups ?? [];
  const some = groups.filter((group) => chosen.has(group.id));
  const toggle = (id: string, on: boolean) => {
    const next = new Set(chosen);
    if (on) next.add(id);
    else next.delete(id);
    setChosen(next);
  };
  const each = async (what: "replay" | "discard") => {
    let done = 0;
    for (const group of some) done += await carryOut(what, selectionOf(group));
    setChosen(new Set());
    again();
    return done;
  };
  const lettersOf = (list: Group[]) => list.reduce((sum, group) => sum + group.letters, 0);
  return (
    <View title="Dead letters" actions={<Act kind="plain" act={async () => again()}>Refresh</Act>}>
      <Trouble error={error} again={again} />
      {value && !groups.length && <p class="empty">There are no dead letters.</p>}
      {groups.length > 0 && (
        <div class="actions">
          <span role="status">{count(value?.letters ?? 0, "dead letter")} in {count(groups.length, "group")}{some.length > 0 && `, ${count(lettersOf(some), "letter")} selected`}</span>
          {some.length > 0 && <Steered what="replay" label="Replay the selected" letters={() => Promise.resolve(lettersOf(some))} act={() => each("replay")} />}
          {some.length > 0 && <Steered what="discard" label="Discard the selected" letters={() => Promise.resolve(lettersOf(some))} act={() => each("discard")} />}
          <Steered what="replay" label="Replay all" letters={() => dryRun("replay", { all: true })}
            act={async () => { const done = await carryOut("replay", { all: true }); again(); return done; }} />
        </div>
      )}
      {groups.map((group) => (
        <LetterGroup key={group.id} group={group} changed={again} chosen={chosen.has(group.id)} choose={(on) => toggle(group.id, on)} />
      ))}
    </View>
  );
}

async function dryRun(what: "replay" | "discard", selection: Selection): Promise<number> {
  const report = await send<LettersDone>("POST", `/v1/dead-letters/${what}`, { selection, dry_run: true });
  return report.count;
}

/** Counts first, then asks, then does it. */
function Steered({ what, label, letters, act }: {
  what: "replay" | "discard"; label: string; letters: () => Promise<number>; act: () => Promise<number>;
}) {
  const [counted, setCounted] = useState<number | null>(null);
  const [done, setDone] = useState<number | null>(null);
  const verb = what === "replay" ? "Replay" : "Discard permanently";
  if (counted !== null) {
    return (
      <span class="asking" role="group" aria-label={label}>
        <Act kind={what === "discard" ? "danger" : ""} act={async () => { setDone(await act()); setCounted(null); }}>{verb} {count(counted, "letter")}</Act>
        <button type="button" class="plain" onClick={() => setCounted(null)}>No</button>
      </span>
    );
  }
  return (
    <>
      <Act kind={what === "discard" ? "plain" : ""} act={async () => { setDone(null); setCounted(await letters()); }}>{label}</Act>
      {done !== null && <span role="status">{count(done, "letter")} {what === "replay" ? "replayed" : "discarded"}</span>}
    </>
  );
}

export function LetterGroup({ group, changed, chosen, choose }: {
  group: Group; changed: () => void; chosen?: boolean; choose?: (on: boolean) => void;
}) {
  const [open, setOpen] = useState(false);
  const selection = selectionOf(group);
  return (
    <article class="card group" aria-label={`${group.queue}: ${group.reason}`}>
      <div class="head">
        <h2>
          {choose && <input type="checkbox" aria-label={`Select: ${group.reason}`} checked={chosen} onChange={(event) => choose(event.currentTarget.checked)} />}
          {count(group.letters, "letter")} of {group.queue}
        </h2>
        <small>{group.newest_at && time(Date.parse(group.newest_at) / 1000)}</small>
      </div>
      <p>{group.reason}</p>
      {group.job_id && <p><a href={`#/jobs/${group.job_id}`}>{group.title || group.job_id}</a></p>}
      <div class="actions">
        <Steered what="replay" label="Replay" letters={() => dryRun("replay", selection)}
          act={async () => { const done = await carryOut("replay", selection); changed(); return done; }} />
        <Steered what="discard" label="Discard" letters={() => dryRun("discard", selection)}
          act={async () => { const done = await carryOut("discard", selection); changed(); return done; }} />
        <button type="button" class="plain" aria-expanded={open} onClick={() => setOpen(!open)}>{open ? "Hide" : "Show each"}</button>
      </div>
      {open && <Letters group={group} changed={changed} />}
    </article>
  );
}

function Letters({ group, changed }: { group: Group; changed: () => void }) {
  const [cursor, setCursor] = useState("");
  const query = new URLSearchParams({ limit: "20", queue: group.queue, reason: group.reason, ...(group.job_id && { job_id: group.job_id }), ...(cursor && { cursor }) });
  const { value, error, again } = useLoaded(
    (signal) => get<{ letters: Letter[]; next: string | null }>(`/v1/dead-letters/each?${query}`, signal), query.toString());
  return (
    <>
      <Trouble error={error} again={again} />
      <ul class="rows">{value?.letters.map((letter) => <li key={letter.id}><OneLetter letter={letter} changed={changed} /></li>)}</ul>
      {value?.next && <button type="button" class="plain" onClick={() => setCursor(value.next ?? "")}>More</button>}
    </>
  );
}
