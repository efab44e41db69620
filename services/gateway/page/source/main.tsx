// The page: navigation, and the view that the address names.

import { render } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Scope } from "./api";
import { link, watch } from "./live";
import { Trouble, View } from "./parts";
import { route } from "./route";
import { begin, may, prolong, session, signOut } from "./session";
import { DeadLetters } from "./views/letters";
import { Feeds } from "./views/feeds";
import { JobView } from "./views/job";
import { JobList } from "./views/jobs";
import { Keys } from "./views/keys";
import { NewJob } from "./views/new";
import { Queues } from "./views/queues";
import { ShowView } from "./views/show";
import { Shows } from "./views/shows";
import { SignIn } from "./views/signin";
import { Voices } from "./views/voices";

const VIEWS: Record<string, { title: string; scope: Scope; view: (props: { id: string }) => preact.JSX.Element }> = {
  jobs: { title: "Jobs", scope: "read", view: ({ id }) => (id ? <JobView key={id} id={id} /> : <JobList />) },
  new: { title: "New job", scope: "submit", view: () => <NewJob /> },
  letters: { title: "Dead letters", scope: "operate", view: () => <DeadLetters /> },
  shows: { title: "Shows", scope: "read", view: ({ id }) => (id ? <ShowView key={id} id={id} /> : <Shows />) },
  feeds: { title: "Feeds", scope: "operate", view: () => <Feeds /> },
  queues: { title: "Queues", scope: "read", view: () => <Queues /> },
  voices: { title: "Voices", scope: "read", view: () => <Voices /> },
  keys: { title: "Keys", scope: "operate", view: () => <Keys /> },
};

const PROLONG_MILLISECONDS = 30 * 60_000;

const LINKS = { connecting: "connecting", live: "live", lost: "connection lost: trying again" };

function Menu() {
  return (
    <header>
      <a class="skip" href="#content" onClick={(event) => { event.preventDefault(); document.getElementById("content")?.focus(); }}>
        Skip to content
      </a>
      <a class="brand" href="#/jobs"><img src="/page/icon.svg" alt="" width="24" height="24" />Podcast Engine</a>
      <nav aria-label="Views">
        {Object.entries(VIEWS).filter(([, one]) => may(one.scope)).map(([name, one]) => (
          <a key={name} href={`#/${name}`} aria-current={route.value.view === name ? "page" : undefined}>{one.title}</a>
        ))}
      </nav>
      <div class="who">
        <span class={`link ${link.value}`} role="status">{LINKS[link.value]}</span>
        {!session.value?.open && <button type="button" class="plain" onClick={() => void signOut()}>Sign out</button>}
      </div>
    </header>
  );
}

function Page() {
  const [error, setError] = useState<unknown>(null);
  const start = () => { setError(null); begin().catch(setError); };
  useEffect(() => {
    start();
    watch();
    const timer = setInterval(() => void prolong().catch(() => {}), PROLONG_MILLISECONDS);
    return () => clearInterval(timer);
  }, []);
  const who = session.value;
  if (!who) return <main id="content">{error ? <Trouble error={error} again={start} /> : <p role="status">Loading…</p>}</main>;
  if (!who.signed_in) return <main id="content"><SignIn /></main>;
  const found = VIEWS[route.value.view];
  return (
    <>
      <Menu />
      <main id="content" tabIndex={-1}>
        {!found ? <View title="There is no such view"><p><a href="#/jobs">All jobs</a></p></View>
          : !may(found.scope) ? <View title={found.title}><p>The key that you are signed in with does not have the scope <code>{found.scope}</code>.</p></View>
            : found.view({ id: route.value.id })}
      </main>
    </>
  );
}

const place = document.getElementById("page");
if (place) render(<Page />, place);
