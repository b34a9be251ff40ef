import { create, toBinary, toJsonString } from "@bufbuild/protobuf";
import { GenerateRequestSchema, Role, textPart } from "../../src/contract/index.ts";
import { rawDoorsOf, type RawAnswer, type RawAsk, type RawDoor } from "./raw-doors.ts";
import { CANARY } from "./bad-bodies.ts";
import { startGateway, type TestGateway, type TestGatewayOptions } from "./gateway.ts";

/** What a refusal should be. */
export interface ExpectedRefusal {
  /** One of these reasons. */
  readonly reasons: readonly string[];
  /** The field that the error names; undefined: anything. */
  readonly field?: (door: RawDoor) => string | undefined;
  /** Whether the connection may be closed by the refusal. */
  readonly closes?: boolean;
}

// Larger trailers get lost on the way; as JSON with its envelope the same error may take a little more.
const MAX_ERROR_BYTES = 4096;
const GOOD_MODEL = "sandbox/echo@delay_ms=0,id=good";

/** A gateway with all its doors, and what has to hold whenever one of them refuses. */
export class RefusalWall {
  readonly gateway: TestGateway;
  readonly doors: readonly RawDoor[];

  private constructor(gateway: TestGateway) {
    this.gateway = gateway;
    this.doors = rawDoorsOf(gateway.port, gateway.localKey);
  }

  static async build(options: TestGatewayOptions = {}): Promise<RefusalWall> {
    return new RefusalWall(await startGateway(options));
  }

  async close(): Promise<void> {
    for (const door of this.doors) door.close();
    await this.gateway.close();
  }

  /** Sends what `ask` makes for each door, then a good request on the same connection; returns what was wrong. */
  async problems(
    doors: readonly RawDoor[],
    ask: (door: RawDoor) => RawAsk,
    expected: ExpectedRefusal,
  ): Promise<string[]> {
    const all = await Promise.all(
      doors.map(async (door) => {
        const wrong = [...(await this.#refused(door, ask(door), expected)), ...(await this.#stillGood(door))];
        return wrong.map((one) => `${door.name}: ${one}`);
      }),
    );
    const ready = await fetch(`${this.gateway.url}/readyz`);
    return [...all.flat(), ...(ready.status === 200 ? [] : [`the gateway is not ready: ${ready.status}`])];
  }

  async #refused(door: RawDoor, ask: RawAsk, expected: ExpectedRefusal): Promise<string[]> {
    try {
      return this.judge(await door.ask(ask), expected, door);
    } catch (thrown) {
      return [`no answer: ${String(thrown)}`];
    }
  }

  async #stillGood(door: RawDoor): Promise<string[]> {
    try {
      const answer = await door.ask({ message: goodMessage(door) });
      return answer.reason === "NONE" ? [] : [`a good request afterwards: ${answer.reason} ${answer.message}`];
    } catch (thrown) {
      return [`a good request afterwards: ${String(thrown)}`];
    }
  }

  /** What is wrong with a refusal. */
  judge(answer: RawAnswer, { reasons, field }: ExpectedRefusal, door: RawDoor): string[] {
    const wrong: string[] = [];
    const wantedField = field?.(door);
    if (!reasons.includes(answer.reason))
      wrong.push(`${answer.reason} instead of ${reasons.join(" or ")} (${answer.message})`);
    if (answer.status === 500 || answer.code === "Internal" || answer.code === "Unknown")
      wrong.push(`status ${answer.status} ${answer.code}`);
    if (wantedField !== undefined && answer.field !== wantedField)
      wrong.push(`field "${answer.field}" instead of "${wantedField}"`);
    if (wantedField !== undefined && !answer.message.includes(lastName(wantedField)))
      wrong.push(`"${answer.message}" does not name ${wantedField}`);
    if (!answer.message.startsWith("Cannot ")) wrong.push(`"${answer.message}" does not say what cannot be done`);
    if (!/^req_\w+$/.test(answer.headers["x-request-id"] ?? ""))
      wrong.push(`x-request-id is ${answer.headers["x-request-id"]}`);
    if (answer.errorBytes > MAX_ERROR_BYTES) wrong.push(`an error of ${answer.errorBytes} bytes`);
    for (const [name, secret] of [
      ["the caller's value", CANARY],
      ["the key", this.gateway.localKey],
    ] as const) {
      if (answer.text.includes(secret)) wrong.push(`it holds ${name}: ${answer.message}`);
    }
    return wrong;
  }
}

function lastName(field: string): string {
  return /([\w ]+)(?:\[[^\]]*\])*$/.exec(field)?.[1] ?? field;
}

/** A message that is answered, in the form that the door takes. */
export function goodMessage(door: RawDoor): Uint8Array | string {
  return chatMessage(door, GOOD_MODEL);
}

/** A message that asks a model, in the form that the door takes. */
export function chatMessage(door: RawDoor, model: string, text = "ok"): Uint8Array | string {
  if (door.protocol === "rest") {
    return JSON.stringify({ model, stream: door.stream, messages: [{ role: "user", content: text }] });
  }
  const request = { model, messages: [{ role: Role.USER, parts: [textPart(text)] }] };
  const message = create(GenerateRequestSchema, { request });
  return door.codec === "json"
    ? toJsonString(GenerateRequestSchema, message)
    : toBinary(GenerateRequestSchema, message);
}
