import { readFileSync } from "node:fs";

interface ConsoleFile {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

const HEADERS = {
  "cache-control": "no-cache",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  // The page holds a key while it is open: nothing from elsewhere runs in it, and nobody frames it.
  "content-security-policy":
    "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'",
  "cross-origin-opener-policy": "same-origin",
  "x-frame-options": "DENY",
};

/** The operator page's files by name, read once; the empty name is the page itself. */
export const CONSOLE_FILES: ReadonlyMap<string, ConsoleFile> = new Map([
  ["", file("index.html", "text/html; charset=utf-8")],
  ["console.js", file("console.js", "text/javascript; charset=utf-8")],
  ["connect-stream.js", file("connect-stream.js", "text/javascript; charset=utf-8")],
  ["console.css", file("console.css", "text/css; charset=utf-8")],
  ["icon.svg", file("icon.svg", "image/svg+xml")],
]);

function file(name: string, contentType: string): ConsoleFile {
  return {
    headers: { ...HEADERS, "content-type": contentType },
    body: readFileSync(new URL(`console/${name}`, import.meta.url)),
  };
}
