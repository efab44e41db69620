// The queues between the services: how many messages wait, how many consumers there are, how that changes; pause and
// resume.

import { useRef } from "preact/hooks";
import { get, send, type Queue } from "../api";
import { count, time } from "../format";
import { pace } from "../live";
import { Act, Trouble, useEvery, useLoaded, View } from "../parts";
import { may } from "../session";

const SECONDS = 2;
const KEPT = 60;

export function Queues() {
  const { value, error, again } = useLoaded((signal) => get<{ queues: Queue[]; read_at: number }>("/v1/queues", signal), 0);
  const past = useRef(new Map<string, [number, number][]>());
  useEvery(SECONDS, again);
  if (value) {
    for (const queue of value.queues) {
      const seen = past.current.get(queue.name) ?? [];
      if (seen.at(-1)?.[0] !== value.read_at) {
        past.current.set(queue.name, [...seen, [value.read_at, queue.ready + queue.waiting] as [number, number]].slice(-KEPT));
      }
    }
  }
  const chunks = pace.value.filter(([at]) => Date.now() - at < 60_000).reduce((sum, [, done]) => sum + done, 0);
  return (
    <View title="Queues">
      <p>{count(chunks, "chunk")} spoken in the last minute, as far as this page has seen.</p>
      <Trouble error={error} />
      {value?.queues.filter((queue) => queue.paused_at).map((queue) => (
        <p key={queue.name} class="warning" role="status">
          {queue.name} has been paused since {time(queue.paused_at as number)}{queue.paused_reason && `: ${queue.paused_reason}`}.
          What waits for it goes on when it is resumed.
        </p>
      ))}
      {value && (
        <div class="wide" role="region" aria-label="Queues" tabIndex={0}>
          <table>
            <thead>
              <tr><th scope="col">Queue</th><th scope="col">Waiting</th><th scope="col">Waiting for a retry</th>
                <th scope="col">Dead letters</th><th scope="col">Consumers</th><th scope="col">Last two minutes</th>
                {may("operate") && <th scope="col">Pause</th>}</tr>
            </thead>
            <tbody>
              {value.queues.map((queue) => (
                <tr key={queue.name}>
                  <th scope="row">{queue.name}</th><td>{queue.ready}</td><td>{queue.waiting}</td>
                  <td>{queue.dead ? <a href="#/letters">{queue.dead}</a> : 0}</td>
                  <td class={queue.consumers || queue.paused_at ? "" : "bad"}>{queue.consumers}</td>
                  <td><Curve name={queue.name} points={past.current.get(queue.name) ?? []} /></td>
                  {may("operate") && <td>{queue.can_pause && <Pause queue={queue} changed={again} />}</td>}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </View>
  );
}

function Pause({ queue, changed }: { queue: Queue; changed: () => void }) {
  const paused = queue.paused_at !== null;
  const set = async () => { await send("PATCH", `/v1/queues/${queue.name}`, { paused: !paused }); changed(); };
  return <Act kind="plain" act={set} label={`${paused ? "Resume" : "Pause"} ${queue.name}`}>{paused ? "Resume" : "Pause"}</Act>;
}

function Curve({ name, points }: { name: string; points: [number, number][] }) {
  const most = Math.max(1, ...points.map(([, depth]) => depth));
  const end = points.at(-1)?.[0] ?? 0;
  const change = (points.at(-1)?.[1] ?? 0) - (points[0]?.[1] ?? 0);
  const line = points.map(([at, depth]) => `${120 - (end - at)},${23 - (22 * depth) / most}`).join(" ");
  return (
    <svg class="curve" viewBox="0 0 120 24" width="120" height="24" role="img"
      aria-label={`${name}: ${change > 0 ? `${change} more messages than` : change < 0 ? `${-change} fewer messages than` : "as many messages as"} at the beginning`}>
      <polyline points={line} />
    </svg>
  );
}
