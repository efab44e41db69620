// The queues between the services: how many messages wait, how many consumers there are, how that changes.

import { useRef } from "preact/hooks";
import { get, type Queue } from "../api";
import { count } from "../format";
import { pace } from "../live";
import { Trouble, useEvery, useLoaded, View } from "../parts";

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
      {value && (
        <div class="wide" role="region" aria-label="Queues" tabIndex={0}>
          <table>
            <thead>
              <tr><th scope="col">Queue</th><th scope="col">Waiting</th><th scope="col">Waiting for a retry</th>
                <th scope="col">Dead letters</th><th scope="col">Consumers</th><th scope="col">Last two minutes</th></tr>
            </thead>
            <tbody>
              {value.queues.map((queue) => (
                <tr key={queue.name}>
                  <th scope="row">{queue.name}</th><td>{queue.ready}</td><td>{queue.waiting}</td>
                  <td>{queue.dead ? <a href="#/letters">{queue.dead}</a> : 0}</td>
                  <td class={queue.consumers ? "" : "bad"}>{queue.consumers}</td>
                  <td><Curve name={queue.name} points={past.current.get(queue.name) ?? []} /></td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </View>
  );
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
