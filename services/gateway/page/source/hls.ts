// The player of HLS for browsers that have none, as a file of its own: it is loaded when somebody listens to what grows.

export { default } from "hls.js/light";
