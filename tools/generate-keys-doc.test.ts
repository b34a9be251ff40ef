import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { KEYS_DOC_PATH, keysDoc } from "./generate-keys-doc.ts";

test("docs/keys.md is what the roles and the methods say now (npm run gen:docs writes it)", () => {
  const page = readFileSync(KEYS_DOC_PATH, "utf8");
  expect(page).toBe(keysDoc(page));
});
