// Which view is shown: the part of the address behind `#`, so that the gateway has one page to send.

import { computed, signal } from "@preact/signals";

/** What stands behind `#` is no view if it does not begin with `/`: a ticket, for one. */
const here = () => (location.hash.startsWith("#/") ? location.hash.slice(1) : "/");

const path = signal(here());

addEventListener("hashchange", () => { path.value = here(); });

export interface Route { view: string; id: string; query: URLSearchParams }

export const route = computed<Route>(() => {
  const [before, query] = path.value.split("?");
  const [view = "", id = ""] = (before ?? "").split("/").filter(Boolean).map(decodeURIComponent);
  return { view: view || "jobs", id, query: new URLSearchParams(query ?? "") };
});

export function go(to: string): void {
  location.hash = to;
}
