import { createClient, ConnectError, type Client, type Transport } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { AuditService, KeyService } from "../../src/contract/admin.ts";
import { ErrorReason, GatewayErrorSchema } from "../../src/contract/index.ts";
import { reasonName } from "../../src/errors/index.ts";

/** A caller of the gateway's administration with one key. */
export interface AdminDoor {
  readonly transport: Transport;
  readonly keys: Client<typeof KeyService>;
  readonly audit: Client<typeof AuditService>;
}

/** The administration of a gateway as a key sees it. */
export function adminDoor(url: string, key: string, headers: Readonly<Record<string, string>> = {}): AdminDoor {
  const transport = createConnectTransport({
    baseUrl: url,
    httpVersion: "1.1",
    interceptors: [
      (next) => (request) => {
        request.header.set("authorization", `Bearer ${key}`);
        for (const [name, value] of Object.entries(headers)) request.header.set(name, value);
        return next(request);
      },
    ],
  });
  return { transport, keys: createClient(KeyService, transport), audit: createClient(AuditService, transport) };
}

/** How a call ends: `ok`, or the reason of its error with field and message. */
export async function endOf(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return "ok";
  } catch (thrown) {
    const error = ConnectError.from(thrown);
    const detail = error.findDetails(GatewayErrorSchema)[0];
    if (!detail || detail.reason === ErrorReason.UNSPECIFIED) return `untyped ${error.code} ${error.rawMessage}`;
    return `${reasonName(detail.reason)} ${detail.field}: ${detail.message}`;
  }
}

/** What the REST shim answers a chat of a key: `200`, or status and our reason. */
export async function chatEnd(url: string, key: string, model = "sandbox/echo", headers = {}): Promise<string> {
  const answer = await fetch(`${url}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json", ...headers },
    body: JSON.stringify({ model, messages: [{ role: "user", content: "hi" }] }),
  });
  const body = (await answer.json()) as { error?: { message: string; parley: { reason: string } } };
  return answer.ok ? "200" : `${answer.status} ${body.error?.parley.reason}: ${body.error?.message}`;
}
