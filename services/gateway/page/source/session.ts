// Whether this browser is signed in. The session is a cookie that no script can read; here is only what it allows.

import { signal } from "@preact/signals";
import { get, onSignedOut, send, type Scope, type Session } from "./api";

export const session = signal<Session | null>(null);

const NONE: Session = { signed_in: false, open: false, name: "", scopes: [], expires_at: null };

export const may = (scope: Scope): boolean => session.value?.scopes.includes(scope) ?? false;

/** Sign in with the ticket in the address, if there is one, or find out whether the browser is signed in. */
export async function begin(): Promise<void> {
  const ticket = new URLSearchParams(location.hash.slice(1)).get("sign-in");
  if (ticket !== null) {
    history.replaceState(null, "", "/"); // it must not be shown, shared or reloaded
    await send<Session>("POST", "/v1/session", { ticket }).then((found) => { session.value = found; }, () => {});
    if (session.value?.signed_in) return;
  }
  session.value = await get<Session>("/v1/session");
}

export async function signIn(key: string): Promise<void> {
  session.value = await send<Session>("POST", "/v1/session", { key });
}

export async function signOut(): Promise<void> {
  await send("DELETE", "/v1/session");
  session.value = NONE;
}

/** Stay signed in for as long as the page is open. */
export async function prolong(): Promise<void> {
  if (session.value?.expires_at) session.value = await send<Session>("POST", "/v1/session", {});
}

onSignedOut.call = () => { if (session.value?.signed_in) session.value = NONE; };
