import { describe, expect, test } from "vitest";
import { readLooseAddress } from "./loose-address.ts";

describe("readLooseAddress", () => {
  test.each([
    ["localhost", "http://localhost:11434/v1"],
    ["127.0.0.1", "http://127.0.0.1:11434/v1"],
    ["127.0.0.1:11435", "http://127.0.0.1:11435/v1"],
    [":11435", "http://127.0.0.1:11435/v1"],
    ["0.0.0.0", "http://127.0.0.1:11434/v1"],
    ["0.0.0.0:8080", "http://127.0.0.1:8080/v1"],
    ["http://0.0.0.0:11434/", "http://127.0.0.1:11434/v1"],
    ["[::1]", "http://[::1]:11434/v1"],
    ["[::1]:11435", "http://[::1]:11435/v1"],
    ["::1", "http://[::1]:11434/v1"],
    ["[::]", "http://[::1]:11434/v1"],
    ["[::]:11435", "http://[::1]:11435/v1"],
    ["box.local:11434/", "http://box.local:11434/v1"],
    ["http://box.local", "http://box.local/v1"],
    ["https://models.example.com", "https://models.example.com/v1"],
    ["HTTPS://models.example.com:8443/ollama/", "https://models.example.com:8443/ollama/v1"],
    ["https://models.example.com/ollama", "https://models.example.com/ollama/v1"],
    ["http://127.0.0.1:11434/v1", "http://127.0.0.1:11434/v1"],
    [' "127.0.0.1:11435" ', "http://127.0.0.1:11435/v1"],
  ])("takes %s for %s", (text, expected) => {
    expect(readLooseAddress(text, { port: 11_434, path: "/v1" })).toBe(expected);
  });

  test.each([
    ["unix:///run/ollama.sock"],
    ["host:port"],
    ["host:70000"],
    ["a b"],
    ["user@host"],
    ["host?x=1"],
    ["[::1"],
  ])("takes %s for no address", (text) => {
    expect(readLooseAddress(text, { port: 11_434, path: "/v1" })).toBeUndefined();
  });
});
