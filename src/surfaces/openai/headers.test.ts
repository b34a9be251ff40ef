import type { IncomingHttpHeaders } from "node:http";
import { expect, test } from "vitest";
import type { AnyRequest } from "../exchange.ts";
import { headerValue, timeoutOf } from "./headers.ts";

function requestWith(headers: IncomingHttpHeaders): AnyRequest {
  return { headers } as AnyRequest;
}

test.each<[IncomingHttpHeaders, boolean, number | undefined]>([
  [{}, false, undefined],
  [{ "x-parley-timeout-ms": "1500" }, false, 1500],
  [{ "x-parley-timeout-ms": "1500" }, true, 1500],
  [{ "x-parley-timeout-ms": "1500", "x-stainless-timeout": "60" }, false, 1500],
  [{ "x-stainless-timeout": "60" }, false, 60_000],
  [{ "x-stainless-timeout": "60" }, true, undefined],
  [{ "x-stainless-read-timeout": "0.25" }, false, 250],
  [{ "x-stainless-read-timeout": "600.0" }, true, undefined],
  [{ "x-stainless-timeout": "0" }, false, undefined],
  [{ "x-stainless-timeout": "None" }, false, undefined],
  [{ "x-stainless-timeout": "-5" }, false, undefined],
])("timeoutOf %j, streamed %s, is %s", (headers, stream, expected) => {
  expect(timeoutOf(requestWith(headers), stream)).toBe(expected);
});

test.each(["0", "1.5", "-1", "", "9999999999", "1e3"])("timeoutOf refuses x-parley-timeout-ms of %j", (value) => {
  expect(() => timeoutOf(requestWith({ "x-parley-timeout-ms": value }), true)).toThrow("whole milliseconds");
});

test("headerValue keeps what a header may carry", () => {
  expect(headerValue("a\r\nset-cookie: x\u00e9\u0000")).toBe("a??set-cookie: x??");
  expect(headerValue("y".repeat(2000))).toHaveLength(1024);
});
