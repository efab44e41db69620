// The page of an episode, where scripts run: a click on a line jumps to it, and the line that is spoken is marked.

import { lastBegun } from "./vtt";

const audio = document.querySelector("audio");
const lists = ["#transcript", ".player ol"].map((place) => {
  const lines = [...document.querySelectorAll<HTMLElement>(`${place} [data-start]`)];
  return { lines, starts: lines.map((line) => Number(line.dataset.start)), spoken: -1 };
});

document.addEventListener("click", (event) => {
  const line = (event.target as Element).closest<HTMLElement>("[data-start]");
  if (!line || !audio) return;
  audio.currentTime = Number(line.dataset.start);
  void audio.play().catch(() => {});
});

audio?.addEventListener("timeupdate", () => {
  for (const list of lists) {
    const spoken = lastBegun(list.starts, audio.currentTime + 0.01);
    if (spoken === list.spoken) continue;
    list.lines[list.spoken]?.removeAttribute("aria-current");
    list.lines[spoken]?.setAttribute("aria-current", "true");
    list.spoken = spoken;
  }
});
