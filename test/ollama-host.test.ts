import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { startGateway } from "./support/gateway.ts";

test("OLLAMA_HOST alone, as the server itself reads it, makes a provider that needs no key", async () => {
  const seen: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    seen.push(request.url, request.headers.authorization);
    const choices = [{ index: 0, message: { role: "assistant", content: "Hello" }, finish_reason: "stop" }];
    response.writeHead(200, { "content-type": "application/json" });
    response.end(JSON.stringify({ id: "c", object: "chat.completion", created: 1, model: "qwen3:8b", choices }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const gateway = await startGateway({ env: { OLLAMA_HOST: `0.0.0.0:${port}` } });
  try {
    const response = await fetch(`${gateway.url}/v1/chat/completions`, {
      method: "POST",
      headers: { authorization: `Bearer ${gateway.localKey}`, "content-type": "application/json" },
      body: JSON.stringify({ model: "ollama/qwen3:8b", messages: [{ role: "user", content: "Hi" }] }),
    });
    expect([response.status, response.headers.get("x-parley-model")]).toEqual([200, "ollama/qwen3:8b"]);
    expect(seen).toEqual(["/v1/chat/completions", undefined]);
  } finally {
    await gateway.close();
    server.closeAllConnections();
    server.close();
  }
});
