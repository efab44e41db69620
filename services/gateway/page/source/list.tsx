// A list of any length that has only the rows in the document that can be seen.

import { useEffect, useRef, useState } from "preact/hooks";
import type { ComponentChildren } from "preact";

const SPARE_ROWS = 8;

/**
 * @param total how many rows there are.
 * @param height of a row in pixels; all have the same.
 * @param row makes one; it must not be higher.
 * @param near called when the end comes near, so that more can be loaded.
 */
export function LongList({ total, height, row, near, label }: {
  total: number; height: number; row: (index: number) => ComponentChildren; near?: () => void; label: string;
}) {
  const box = useRef<HTMLUListElement>(null);
  const [seen, setSeen] = useState({ first: 0, last: 40 });
  useEffect(() => {
    let frame = 0;
    const look = () => {
      frame = 0;
      const top = box.current?.getBoundingClientRect().top ?? 0;
      const first = Math.max(0, Math.floor(-top / height) - SPARE_ROWS);
      const last = Math.ceil((innerHeight - top) / height) + SPARE_ROWS;
      setSeen((before) => (before.first === first && before.last === last ? before : { first, last }));
      if (last >= total) near?.();
    };
    const soon = () => { frame ||= requestAnimationFrame(look); };
    look();
    addEventListener("scroll", soon, { passive: true });
    addEventListener("resize", soon);
    return () => {
      cancelAnimationFrame(frame);
      removeEventListener("scroll", soon);
      removeEventListener("resize", soon);
    };
  }, [total, height, near]);
  const rows = [];
  for (let index = seen.first; index < Math.min(seen.last, total); index++) {
    rows.push(
      <li key={index} aria-setsize={total} aria-posinset={index + 1} style={{ top: `${index * height}px`, height: `${height}px` }}>
        {row(index)}
      </li>,
    );
  }
  return <ul class="long" ref={box} aria-label={label} style={{ height: `${total * height}px` }}>{rows}</ul>;
}
