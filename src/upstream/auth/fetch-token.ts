import { ParleyError, rememberSecret, type ReasonName } from "../../errors/index.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import type { UpstreamClient, UpstreamRequest } from "../upstream.ts";

/** An access token, and how long it holds. */
export interface AccessToken {
  readonly text: string;
  /** From now, in milliseconds. */
  readonly lifeMs: number;
}

const TIMEOUT_MS = 10_000;
const MAX_ANSWER_BYTES = 64 * 1024;
// Where the endpoint does not tell: RFC 6749 only recommends that it does.
const UNTOLD_LIFE_MS = 5 * 60_000;

/** Asks a token endpoint. Rejects with a typed error that holds nothing of the request, and only its code of the answer. */
export function fetchToken(upstream: UpstreamClient, runtime: Runtime, request: UpstreamRequest): Promise<AccessToken> {
  return new Promise((resolve, reject) => {
    let status = 0;
    let bytes = 0;
    const chunks: Buffer[] = [];
    const settle = (step: () => AccessToken): void => {
      timer.cancel();
      try {
        resolve(step());
      } catch (error) {
        reject(ParleyError.from(error));
      }
    };
    const timer = runtime.setTimer(TIMEOUT_MS, () => {
      call.abort();
      reject(failure("PROVIDER_TIMEOUT", "its token endpoint did not answer in time"));
    });
    const call = upstream.dispatch(request, {
      onHeaders: (code) => (status = code),
      onData(chunk) {
        bytes += chunk.length;
        if (bytes <= MAX_ANSWER_BYTES) chunks.push(Buffer.from(chunk));
      },
      onEnd: () => settle(() => readAnswer(status, Buffer.concat(chunks).toString("utf8"))),
      onError: (error) =>
        settle(() => {
          throw new ParleyError("PROVIDER_UNREACHABLE", `Cannot get an access token: ${error.message}`, {
            cause: error,
          });
        }),
    });
  });
}

function readAnswer(status: number, body: string): AccessToken {
  const answer = parse(body);
  if (status < 200 || status > 299) throw refusal(status, answer["error"]);
  const { access_token: text, expires_in: expiresIn } = answer;
  if (typeof text !== "string" || !/^[\x21-\x7e]+$/.test(text)) {
    throw failure("PROVIDER_BAD_OUTPUT", "the answer of its token endpoint has no access_token");
  }
  rememberSecret(text);
  const seconds = Number(expiresIn);
  return { text, lifeMs: Number.isFinite(seconds) && seconds > 0 ? seconds * 1000 : UNTOLD_LIFE_MS };
}

function refusal(status: number, error: unknown): ParleyError {
  const code = typeof error === "string" && /^[a-z_]{1,64}$/.test(error) ? ` (${error})` : "";
  const said = `its token endpoint answered ${status}${code}`;
  if (status === 429) return failure("PROVIDER_RATE_LIMITED", said);
  // invalid_grant and its like come with 400: the credential is at fault, not the caller.
  return failure(status >= 400 && status < 500 ? "PROVIDER_CREDENTIAL" : "PROVIDER_ERROR", said);
}

function parse(body: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === "object" && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}

function failure(reason: ReasonName, what: string): ParleyError {
  return new ParleyError(reason, `Cannot get an access token of the provider: ${what}`);
}
