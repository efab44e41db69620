// A new job: a text, a file or an address, first as a preview if one likes.

import { useRef, useState } from "preact/hooks";
import { get, request, upload, type Preview, type Voices } from "../api";
import { count } from "../format";
import { Act, Field, useLoaded, View } from "../parts";
import { go } from "../route";
import { may } from "../session";
import { allShows } from "./shows";
import { PreviewShown } from "./preview";

type Kind = "text" | "file" | "url";
const KINDS: [Kind, string][] = [["text", "Text"], ["file", "File"], ["url", "Address"]];
const FORMATS = ["mp3", "m4b", "opus", "flac", "wav"];
const PREVIEW_TRIES = 120;

interface Draft {
  kind: Kind; text: string; markup: string; url: string; file: File | null; title: string; author: string;
  language: string; voice: string; speed: string; formats: string[]; chapterFiles: boolean; show: string; number: string; summary: string;
}

const EMPTY: Draft = {
  kind: "text", text: "", markup: "text", url: "", file: null, title: "", author: "", language: "", voice: "",
  speed: "1", formats: ["mp3"], chapterFiles: false, show: "", number: "", summary: "",
};
/** Kept while another view is looked at. */
let kept = EMPTY;

/** Names a request, so that one that is sent again makes no second job. */
function newName(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function options(draft: Draft): object {
  return {
    ...(draft.kind === "text" && { text: draft.text, source_format: draft.markup }),
    ...(draft.kind === "url" && { url: draft.url.trim() }),
    ...(draft.title.trim() && { title: draft.title.trim() }),
    ...(draft.author.trim() && { author: draft.author.trim() }),
    ...(draft.language.trim() && { language: draft.language.trim() }),
    ...(draft.voice && { voice: draft.voice }),
    speed: Number(draft.speed), formats: draft.formats,
    ...(draft.chapterFiles && { chapter_files: true }),
    ...(draft.show && {
      show: { show_id: draft.show, ...(draft.number && { number: Number(draft.number) }), ...(draft.summary.trim() && { summary: draft.summary.trim() }) },
    }),
  };
}

async function post(path: string, draft: Draft, headers: Record<string, string> = {}): Promise<Response> {
  if (draft.kind === "file") {
    if (!draft.file) throw new Error("Choose a file first.");
    return upload(path, draft.file, options(draft), headers);
  }
  if (!(draft.kind === "text" ? draft.text : draft.url).trim()) {
    throw new Error(draft.kind === "text" ? "Enter a text first." : "Enter an address first.");
  }
  return request(path, { method: "POST", body: JSON.stringify(options(draft)), headers: { "Content-Type": "application/json", ...headers } });
}

async function previewed(draft: Draft): Promise<Preview> {
  let response = await post("/v1/preview", draft);
  for (let tries = 0; response.status === 202 && tries < PREVIEW_TRIES; tries++) {
    await new Promise((resolve) => setTimeout(resolve, 1000 * Number(response.headers.get("Retry-After") ?? 2)));
    response = await request(response.headers.get("Location") ?? "");
  }
  if (response.status === 202) throw new Error("The preview is not ready yet. Try again later.");
  return response.json();
}

export function NewJob() {
  const [draft, setDraft] = useState<Draft>(kept);
  const [preview, setPreview] = useState<Preview | null>(null);
  const [over, setOver] = useState(false);
  const name = useRef(newName());
  const change = (some: Partial<Draft>) => {
    setDraft((kept = { ...kept, ...some }));
    setPreview(null);
    name.current = newName();
  };
  const voices = useLoaded((signal) => (may("read") ? get<Voices>("/v1/voices", signal) : Promise.resolve(null)), 0).value;
  const shows = useLoaded((signal) => (may("read") ? allShows(signal) : Promise.resolve(null)), 0).value;
  const submit = async () => {
    const response = await post("/v1/jobs", draft, { "Idempotency-Key": name.current });
    const { job_id } = await response.json();
    kept = EMPTY;
    go(`/jobs/${job_id}`);
  };
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    const file = event.dataTransfer?.files[0];
    if (file) change({ kind: "file", file });
  };
  return (
    <View title="New job">
      <div class={`drop ${over ? "over" : ""}`} onDragOver={(event) => { event.preventDefault(); setOver(true); }}
        onDragLeave={() => setOver(false)} onDrop={drop}>
        <div role="group" aria-label="What is spoken" class="filters">
          {KINDS.map(([kind, title]) => (
            <button key={kind} type="button" class="chip" aria-pressed={draft.kind === kind} onClick={() => change({ kind })}>{title}</button>
          ))}
        </div>
        {draft.kind === "text" && (
          <>
            <Field label="Text"><textarea rows={12} value={draft.text} onInput={(event) => change({ text: event.currentTarget.value })} /></Field>
            <Field label="Markup"><select value={draft.markup} onChange={(event) => change({ markup: event.currentTarget.value })}>
              <option value="text">plain text</option><option value="markdown">Markdown</option><option value="html">HTML</option>
            </select></Field>
          </>
        )}
        {draft.kind === "file" && (
          <Field label="File" hint={draft.file ? `${draft.file.name}, ${Math.ceil(draft.file.size / 1000).toLocaleString("en")} kB` : "Choose one, or drop it anywhere here: text, Markdown, HTML, PDF, EPUB, DOCX and others"}>
            <input type="file" onChange={(event) => change({ file: event.currentTarget.files?.[0] ?? null })} />
          </Field>
        )}
        {draft.kind === "url" && (
          <Field label="Address" hint="of an article, or of a document">
            <input type="url" placeholder="https://" value={draft.url} onInput={(event) => change({ url: event.currentTarget.value })} />
          </Field>
        )}
      </div>
      <details class="card">
        <summary>Title, voice, show, formats</summary>
        <div class="grid">
          {!!shows?.length && <Field label="Show"><select value={draft.show} onChange={(event) => change({ show: event.currentTarget.value })}>
            <option value="">none</option>{shows.map((show) => <option key={show.show_id} value={show.show_id}>{show.title}</option>)}
          </select></Field>}
          {draft.show && <Field label="Episode number"><input type="number" min="1" max="1000000" value={draft.number} onInput={(event) => change({ number: event.currentTarget.value })} /></Field>}
          {draft.show && <Field label="Summary"><textarea rows={3} value={draft.summary} onInput={(event) => change({ summary: event.currentTarget.value })} /></Field>}
          <Field label="Title" hint="empty: the document's own"><input type="text" maxLength={500} value={draft.title} onInput={(event) => change({ title: event.currentTarget.value })} /></Field>
          <Field label="Author"><input type="text" maxLength={500} value={draft.author} onInput={(event) => change({ author: event.currentTarget.value })} /></Field>
          <Field label="Language" hint="such as en or de-CH; empty: detected"><input type="text" maxLength={35} value={draft.language} onInput={(event) => change({ language: event.currentTarget.value })} /></Field>
          <Field label="Voice"><select value={draft.voice} onChange={(event) => change({ voice: event.currentTarget.value })}>
            <option value="">chosen by language</option>
            {voices?.voices.map((voice) => <option key={voice.server + voice.id + voice.model} value={voice.id}>{voice.id}{voice.language && ` (${voice.language})`}</option>)}
          </select></Field>
          <Field label={`Speed: ${draft.speed}`}><input type="range" min="0.5" max="2" step="0.05" value={draft.speed} onInput={(event) => change({ speed: event.currentTarget.value })} /></Field>
        </div>
        <fieldset>
          <legend>Formats</legend>
          {FORMATS.map((format) => (
            <label key={format} class="check"><input type="checkbox" checked={draft.formats.includes(format)} onChange={(event) =>
              change({ formats: event.currentTarget.checked ? [...draft.formats, format] : draft.formats.filter((one) => one !== format) })} /> {format}</label>
          ))}
          <label class="check"><input type="checkbox" checked={draft.chapterFiles} onChange={(event) => change({ chapterFiles: event.currentTarget.checked })} /> also a file for each chapter, in the first of these (ZIP)</label>
        </fieldset>
      </details>
      <div class="actions">
        <Act act={submit}>Make the episode</Act>
        <Act kind="plain" act={async () => setPreview(await previewed(draft))}>Preview</Act>
        {preview && <span role="status">{count(preview.chapters.length, "chapter")} in the preview</span>}
      </div>
      {preview && <PreviewShown preview={preview} />}
    </View>
  );
}
