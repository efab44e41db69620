// Plays a job's HLS stream, which grows while the job is being spoken, in an audio element.

import type Hls from "hls.js";

const MODULE = "/page/hls.js";
const HLS = "application/vnd.apple.mpegurl";
const AAC = 'audio/mp4; codecs="mp4a.40.2"';
const AGAIN_MILLISECONDS = 2_000;
const AHEAD_SECONDS = 60;
/** Answers after which it makes no sense to ask again: no key, no right, no such job. */
const FINAL = (status: number): boolean => status >= 400 && status < 500 && status !== 409 && status !== 429;

export interface Heard {
  /** The chunks that are heard: the first and the last one. */
  chunks: (first: number, last: number) => void;
  /** It cannot be played, or not to its end. */
  failed: (error: Error) => void;
}

/** Play a job's stream; call the result to end it. */
export function grow(audio: HTMLAudioElement, path: string, heard: Heard): () => void {
  const url = `${path}/hls/index.m3u8`;
  let hls: Hls | undefined;
  let gone = false;
  let timer = 0;
  const play = () => { void audio.play().catch(() => {}); }; // the browser wants a click: the element has a button
  if (!("MediaSource" in window && MediaSource.isTypeSupported(AAC))) {
    // Safari on a phone plays HLS by itself; what plays neither gets the MP3 that grows.
    audio.src = audio.canPlayType(HLS) ? url : `${path}/stream`;
    play();
  } else {
    void (import(MODULE) as Promise<{ default: typeof Hls }>).then(({ default: Player }) => {
      if (gone) return;
      hls = new Player({ enableWorker: false, startPosition: 0, maxBufferLength: AHEAD_SECONDS, backBufferLength: Infinity });
      let mended = false;
      hls.on(Player.Events.MANIFEST_PARSED, play);
      hls.on(Player.Events.FRAG_CHANGED, (_, { frag }) => {
        const [first, last] = (frag.title ?? "").split("-").map(Number);
        if (first !== undefined && last !== undefined) heard.chunks(first, last);
      });
      hls.on(Player.Events.ERROR, (_, data) => {
        if (!data.fatal || !hls) return;
        const status = data.response?.code ?? 0;
        if (data.type === Player.ErrorTypes.NETWORK_ERROR && !FINAL(status)) {
          const isBeginning = !hls.levels.length;
          timer = window.setTimeout(() => { if (isBeginning) hls?.loadSource(url); else hls?.startLoad(); }, AGAIN_MILLISECONDS);
        } else if (data.type === Player.ErrorTypes.MEDIA_ERROR && !mended) {
          mended = true;
          hls.recoverMediaError();
        } else {
          heard.failed(new Error(`This cannot be played (${data.details}).`));
        }
      });
      hls.loadSource(url);
      hls.attachMedia(audio);
    }).catch((error: Error) => heard.failed(error));
  }
  return () => {
    gone = true;
    clearTimeout(timer);
    hls?.destroy();
    audio.removeAttribute("src");
  };
}
