// One dead letter: its text, its tries, and a correction of its message.

import { useState } from "preact/hooks";
import { get, send, type Letter } from "../api";
import { count, time } from "../format";
import { Act, Field } from "../parts";
import { may } from "../session";
import { Listen } from "./failures";

const by = (letter: Letter) => ({ selection: { ids: [letter.id] } });

export function OneLetter({ letter, changed }: { letter: Letter; changed: () => void }) {
  const [payload, setPayload] = useState<Record<string, unknown> | null>(null);
  const [text, setText] = useState("");
  const edit = async () => {
    const whole = await get<Letter>(`/v1/dead-letters/${encodeURIComponent(letter.id)}`);
    if (whole.payload === null || typeof whole.payload !== "object") throw new Error("Its message is not JSON, so it cannot be corrected here. Replay or discard it.");
    const found = whole.payload as Record<string, unknown>;
    setPayload(found);
    setText(typeof found.text === "string" ? found.text : JSON.stringify(found, null, 2));
  };
  const replayCorrected = async () => {
    const corrected = typeof payload?.text === "string" ? { ...payload, text } : JSON.parse(text);
    await send("POST", "/v1/dead-letters/replay", { ...by(letter), payload: corrected });
    setPayload(null);
    changed();
  };
  const name = letter.chunk === null ? letter.type : `chunk ${letter.chunk}`;
  return (
    <>
      <p><strong>{name}</strong> <small>{letter.time && time(Date.parse(letter.time) / 1000)} · {count(Math.max(1, letter.attempts.length), "try", "tries")}
        {letter.replays > 0 && ` · replayed ${count(letter.replays, "time")} before`}</small></p>
      {payload === null ? <blockquote>{letter.text ?? "no text"}</blockquote> : (
        <>
          <Field label={typeof payload.text === "string" ? "What is spoken instead" : "The message"}>
            <textarea rows={6} value={text} onInput={(event) => setText(event.currentTarget.value)} />
          </Field>
          <div class="actions">
            <Act act={replayCorrected}>Replay the correction</Act>
            <button type="button" class="plain" onClick={() => setPayload(null)}>Cancel</button>
          </div>
        </>
      )}
      <div class="actions">
        <Act kind="plain" act={async () => { await send("POST", "/v1/dead-letters/replay", by(letter)); changed(); }}>Replay this one</Act>
        <Act kind="plain" act={edit}>Correct…</Act>
        <Act kind="plain" ask="Discard it permanently?" act={async () => { await send("POST", "/v1/dead-letters/discard", by(letter)); changed(); }}>Discard</Act>
        {letter.chunk !== null && letter.text && may("submit") && <Listen text={letter.text} what={name} />}
      </div>
      <details><summary>Tries and stack trace</summary>
        <ol>{letter.attempts.map((one) => <li key={one.attempt}>{one.at}: {one.error}</li>)}</ol>
        <pre>{letter.stacktrace || "No stack trace."}</pre>
      </details>
    </>
  );
}
