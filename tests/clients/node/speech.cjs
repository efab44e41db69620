// Has a text read with the openai package, as its documentation shows it: node speech.cjs BASE_URL FILE < TEXT
const fs = require("node:fs");
const OpenAI = require("openai");

async function main() {
  const client = new OpenAI({ baseURL: process.argv[2] }); // the key is in OPENAI_API_KEY
  const models = [];
  for await (const model of client.models.list()) models.push(model.id);
  const speech = await client.audio.speech.create({
    model: "tts-1",
    voice: "alloy",
    input: fs.readFileSync(0, "utf8"),
    response_format: "wav",
  });
  fs.writeFileSync(process.argv[3], Buffer.from(await speech.arrayBuffer()));
  const refused = await new OpenAI({ baseURL: process.argv[2], apiKey: "wrong" }).models.list().catch((error) => error);
  console.log(JSON.stringify({ models, refused: refused instanceof OpenAI.AuthenticationError }));
}

main();
