// When each chunk waited and was spoken: time goes to the right, and chunks that were under way together are below one
// another.

import { useEffect, useRef } from "preact/hooks";
import { duration } from "../format";
import { useRoom } from "../parts";
import type { TimelineDocument } from "./timeline";

interface Bar { index: number; from: number; speaks: number; to: number; lane: number; failed: boolean }
export interface LanesFound { bars: Bar[]; lanes: number; seconds: number; queued: number; spoken: number }

const LANES_MOST = 40;
const LANE_PIXELS = 14;
const AXIS_PIXELS = 18;

/** Puts each chunk into the first lane that is free; null: no times are known. */
export function lanesOf(found: TimelineDocument): LanesFound | null {
  const known: Bar[] = [];
  for (let index = 0; index < found.total; index++) {
    const [from, to, spoken] = [found.requested[index] ?? -1, found.finished[index] ?? -1, Math.max(0, found.spoken[index] ?? 0)];
    if (from >= 0 && to >= from) known.push({ index, from, speaks: Math.max(from, to - spoken), to, lane: 0, failed: found.states[index] === "f" });
  }
  if (!known.length) return null;
  known.sort((one, other) => one.from - other.from);
  const start = known[0]?.from ?? 0;
  for (const bar of known) {
    bar.from -= start;
    bar.speaks -= start;
    bar.to -= start;
  }
  const ends: number[] = [];
  for (const bar of known) {
    let lane = ends.findIndex((end) => end <= bar.from);
    if (lane < 0) lane = ends.length < LANES_MOST ? ends.length : ends.indexOf(Math.min(...ends));
    ends[lane] = bar.to;
    bar.lane = lane;
  }
  const sum = (of: (bar: Bar) => number) => known.reduce((total, bar) => total + of(bar), 0);
  return { bars: known, lanes: ends.length, seconds: Math.max(...ends, 0.1), queued: sum((bar) => bar.speaks - bar.from), spoken: sum((bar) => bar.to - bar.speaks) };
}

export function Lanes({ found, lanes, choose }: { found: TimelineDocument; lanes: LanesFound; choose: (index: number) => void }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const width = useRoom(canvas);
  const height = lanes.lanes * LANE_PIXELS + AXIS_PIXELS;
  const scale = width / lanes.seconds;
  useEffect(() => {
    const element = canvas.current;
    const context = element?.getContext("2d");
    if (!element || !context) return;
    const ratio = devicePixelRatio || 1;
    element.width = width * ratio;
    element.height = height * ratio;
    context.scale(ratio, ratio);
    const style = getComputedStyle(element);
    const colour = (name: string) => style.getPropertyValue(name);
    for (const bar of lanes.bars) {
      const y = bar.lane * LANE_PIXELS;
      context.fillStyle = colour("--bar-queued");
      context.fillRect(bar.from * scale, y + 4, (bar.speaks - bar.from) * scale, LANE_PIXELS - 9);
      context.fillStyle = colour(bar.failed ? "--cell-failed" : (found.tries[bar.index] ?? 0) > 1 ? "--cell-retried" : "--cell-done");
      context.fillRect(bar.speaks * scale, y + 1, Math.max(1, (bar.to - bar.speaks) * scale - 0.5), LANE_PIXELS - 3);
    }
    context.fillStyle = colour("--text");
    context.font = "11px system-ui, sans-serif";
    context.textBaseline = "bottom";
    context.fillText("0", 0, height);
    const end = duration(lanes.seconds);
    context.fillText(end, width - context.measureText(end).width, height);
  }, [found, lanes, width, height]);
  const at = (event: MouseEvent) => {
    const box = (event.currentTarget as HTMLElement).getBoundingClientRect();
    const [seconds, lane] = [(event.clientX - box.left) / scale, Math.floor((event.clientY - box.top) / LANE_PIXELS)];
    const bar = lanes.bars.find((one) => one.lane === lane && one.from <= seconds && seconds <= one.to + 3 / scale);
    if (bar) choose(bar.index);
  };
  return (
    <figure>
      <div class="picture">
        <canvas ref={canvas} role="img" onClick={at} style={{ width: `${width}px`, height: `${height}px` }}
          aria-label={`When the chunks were made: all together they waited ${duration(lanes.queued)} in the queue and were spoken in ${duration(lanes.spoken)}, within ${duration(lanes.seconds)}`} />
      </div>
      <figcaption>All chunks together waited {duration(lanes.queued)} in the queue (thin) and were spoken in {duration(lanes.spoken)} (thick), within {duration(lanes.seconds)}.</figcaption>
    </figure>
  );
}
