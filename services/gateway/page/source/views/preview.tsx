// What would be spoken of a document, and what would be left out.

import type { Preview } from "../api";
import { count, duration } from "../format";

const CHUNKS_SHOWN = 200;

export function PreviewShown({ preview }: { preview: Preview }) {
  return (
    <section aria-label="Preview" class="card">
      <h2>{preview.title || "Untitled"}</h2>
      <p>{[preview.author, preview.language, preview.voice, `about ${duration(preview.estimated_seconds)}`,
        count(preview.characters, "character"), count(preview.chunk_count, "chunk")].filter(Boolean).join(" · ")}</p>
      {preview.warnings.map((text, at) => <p key={at} class="warning">{text}</p>)}
      {preview.repairs.length > 0 && <ul>{preview.repairs.map((text, at) => <li key={at}>{text}</li>)}</ul>}
      {preview.chapters.map((chapter) => (
        <details key={chapter.number} open={preview.chapters.length === 1}>
          <summary>{chapter.number}. {chapter.title || "Untitled"} <small>{duration(chapter.estimated_seconds)}</small></summary>
          {chapter.chunks.slice(0, CHUNKS_SHOWN).map((chunk, at) => <p key={at}>{chunk.text}</p>)}
          {chapter.chunks.length > CHUNKS_SHOWN && <p>… and {count(chapter.chunks.length - CHUNKS_SHOWN, "more chunk")}</p>}
        </details>
      ))}
      {preview.omissions.length > 0 && (
        <details>
          <summary>Left out: {count(preview.omissions.reduce((sum, one) => sum + one.count, 0), "part")}</summary>
          <ul>{preview.omissions.map((one, at) => <li key={at}>{one.count} × {one.kind}: {one.reason} {one.sample && <q>{one.sample}</q>}</li>)}</ul>
        </details>
      )}
    </section>
  );
}
