// hls.js has types for its whole only; the light one is that without subtitles, alternatives and protection.

declare module "hls.js/light" {
  export { default } from "hls.js";
}
