// Keys of the API: who may use it, and for what.

import { useState } from "preact/hooks";
import { pages, send, type Key, type Scope } from "../api";
import { time } from "../format";
import { Act, Field, Trouble, useLoaded, View } from "../parts";
import { may } from "../session";

const SCOPES: [Scope, string][] = [
  ["submit", "jobs, previews, speech"], ["read", "jobs, events, episodes, shows, queues, voices"], ["operate", "cancel, retry, delete, dead letters, shows, feeds, keys"],
];

async function all(signal: AbortSignal): Promise<Key[]> {
  const found = await pages<{ keys: Key[] }>("/v1/keys", signal);
  return found.flatMap((page) => page.keys).sort((one, other) => other.created_at - one.created_at);
}

export function Keys() {
  const { value, error, again } = useLoaded(all, 0);
  const [name, setName] = useState("");
  const [scopes, setScopes] = useState<Scope[]>(["submit", "read"].filter((scope) => may(scope as Scope)) as Scope[]);
  const [made, setMade] = useState<Key | null>(null);
  const make = async () => {
    setMade(await send<Key>("POST", "/v1/keys", { name, scopes }));
    setName("");
    again();
  };
  return (
    <View title="Keys">
      <Trouble error={error} again={again} />
      <section class="card">
        <h2>New key</h2>
        <Field label="Name" hint="of the person or program that will use it">
          <input type="text" maxLength={100} value={name} onInput={(event) => setName(event.currentTarget.value)} />
        </Field>
        <fieldset>
          <legend>It may</legend>
          {SCOPES.filter(([scope]) => may(scope)).map(([scope, what]) => (
            <label key={scope} class="check">
              <input type="checkbox" checked={scopes.includes(scope)} onChange={(event) => {
                setScopes(event.currentTarget.checked ? [...scopes, scope] : scopes.filter((one) => one !== scope));
              }} /> <span><strong>{scope}</strong>: {what}</span>
            </label>
          ))}
        </fieldset>
        <Act act={make}>Make the key</Act>
        {made?.key && (
          <p class="secret" role="status">The key of {made.name}, shown only now: <code>{made.key}</code>
            <Act kind="plain" act={() => navigator.clipboard.writeText(made.key ?? "")}>Copy</Act></p>
        )}
      </section>
      <ul class="rows" aria-label="Keys">
        {value?.map((key) => (
          <li key={key.id}>
            <strong>{key.name}</strong> <code>{key.id}</code> <span>{key.scopes.join(", ")}</span>
            <span>{key.requests_per_minute ? `${key.requests_per_minute} a minute` : ""}</span>
            <span>{key.revoked_at ? `revoked ${time(key.revoked_at)}` : `since ${time(key.created_at)}`}</span>
            {!key.revoked_at && <Act kind="plain" ask={`Revoke ${key.name}?`}
              act={async () => { await send("DELETE", `/v1/keys/${key.id}`); again(); }}>Revoke</Act>}
          </li>
        ))}
      </ul>
    </View>
  );
}
