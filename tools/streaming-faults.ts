/** Something that happens to streams, whether the tests play it, and where; or why not. */
export interface StreamingFault {
  readonly what: string;
  readonly run: "yes" | "partly" | "no";
  readonly where: string;
}

/** What is known to happen to streams between a provider and a caller: each is played, or it is said why it is not. */
export const STREAMING_FAULTS: readonly StreamingFault[] = [
  {
    what: "names that do not resolve, slowly or now and then",
    run: "yes",
    where: "`test/network-faults.test.ts`, with look-ups of the test's own",
  },
  {
    what: "connections that are refused, or never made",
    run: "yes",
    where: "`test/network-faults.test.ts`; `fault-reset` closes before any header",
  },
  {
    what: "TLS: expired, untrusted, for another host, stalled",
    run: "yes",
    where: "`test/network-faults.test.ts`: never downgraded, and never tried again on the same target",
  },
  {
    what: "a kept connection that is closed just as it is used again",
    run: "yes",
    where:
      "`test/network-faults.test.ts`: reset and closed; what went out twice stands in the books twice, and is never repeated beneath them",
  },
  {
    what: "HTTP/2 towards the provider: GOAWAY, REFUSED_STREAM",
    run: "no",
    where: "providers are called over HTTP/1.1",
  },
  {
    what: "a reset or close at any byte",
    run: "yes",
    where: "every byte in every mode: `test/cuts.slow.test.ts`; above: `fault-cut`, `fault-fin`, `fault-reset`",
  },
  {
    what: "1xx answers, trailers, headers that are too large or too many",
    run: "partly",
    where: "headers are bounded by the HTTP client's configuration; the sandbox sends none of these",
  },
  {
    what: "no headers, or headers and then silence",
    run: "yes",
    where: "`fault-silence`, `fault-headers-then-silence`, `fault-slow-first-token`",
  },
  {
    what: "a stall in the middle, with comments or pings or without",
    run: "yes",
    where: "`fault-stall`, `fault-stall-pings`",
  },
  { what: "a trickle inside an event", run: "yes", where: "`fault-slow-body`" },
  {
    what: "line ends, byte order marks, comments and fields in every legal form",
    run: "yes",
    where: "`fault-crlf`, `fault-bom`, `fault-comments`; at every split: `src/upstream/sse.test.ts`",
  },
  {
    what: "splits inside a character, an escape or a field's name",
    run: "yes",
    where: "`fault-tiny-chunks`; the story holds characters of two, three and four bytes",
  },
  {
    what: "a terminator that is missing, doubled, or followed by more",
    run: "yes",
    where: "`fault-no-terminator`, `fault-duplicate-done`, `fault-data-after-done`",
  },
  {
    what: "an event that is not JSON among good ones",
    run: "yes",
    where: "`fault-malformed-event`, `fault-bad-utf8`; thousands of others: `test/mutants.test.ts`",
  },
  {
    what: "an event, a line or a number of events without measure",
    run: "yes",
    where: "`fault-huge-event`, `fault-endless-line`",
  },
  {
    what: "an error inside a stream that began with 200",
    run: "yes",
    where: "`fault-error-event`, `fault-error-event-late`",
  },
  {
    what: "a body of another kind: a page, nothing, 204, JSON for a stream",
    run: "yes",
    where: "`fault-html`, `fault-html-502`, `fault-empty`, `fault-204`, `fault-json-for-stream`",
  },
  {
    what: "a compressed body that nobody asked for",
    run: "partly",
    where: "`fault-gzip`; other encodings are refused by the same header before a byte is read",
  },
  {
    what: "usage that is missing, doubled, or makes no sense",
    run: "partly",
    where: "`fault-usage-missing`, `fault-usage-twice`; senseless figures: `test/mutants.test.ts`",
  },
  {
    what: "a finish reason that is missing or unknown, a tool call that is cut",
    run: "yes",
    where: "`fault-no-finish`, `fault-done-without-finish`, `fault-unknown-finish`, `fault-tool-cut`",
  },
  {
    what: "indexes and ids that are wrong, doubled or interleaved",
    run: "partly",
    where: "not as faults of the sandbox; moved and doubled values: `test/mutants.test.ts`",
  },
  {
    what: "429, 503, 529, 500, with and without Retry-After",
    run: "yes",
    where:
      "`fault-429`, `fault-429-once`, `fault-429-quota`, `fault-500`, `fault-500-once`, `fault-503`, `fault-529`, `fault-flap`",
  },
  {
    what: "the gateway's own key is refused, or its account",
    run: "yes",
    where: "`fault-401`, `fault-402`, `fault-403`, `fault-403-account`",
  },
  {
    what: "the request is refused: invalid, too long, filtered",
    run: "yes",
    where: "`fault-400`, `fault-400-filter`, `long-context`, `fault-404`",
  },
  {
    what: "an upstream that goes on sending after the call was cancelled",
    run: "partly",
    where: "its connection is closed: `test/cancel.test.ts`; the sandbox stops when it is",
  },
  {
    what: "callers that are slow, stalled, gone, or gone just then",
    run: "yes",
    where: "`test/slow-clients.test.ts`, `test/cancel.test.ts`, `test/shim-clients.test.ts`",
  },
  {
    what: "the caller's deadline passes",
    run: "yes",
    where: "`sdk/test/gateway.test.ts`, `src/pipeline/chat.test.ts`",
  },
  {
    what: "clocks that jump, a process that is paused",
    run: "yes",
    where: "`test/clock-jumps.test.ts`; after a pause an upstream gets its time again: `src/pipeline/watch.test.ts`",
  },
  {
    what: "the gateway is told to end, or killed",
    run: "yes",
    where: "`test/drain.test.ts`, `test/crash.test.ts`, `test/crash.slow.test.ts`",
  },
];
