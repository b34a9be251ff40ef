import { expect, test } from "vitest";
import { addressOf, parametersOf, regionOf, type Parameters } from "./address.ts";
import { azureOpenai } from "./entries/azure-openai.ts";
import { openai } from "./entries/openai.ts";
import { vertex } from "./entries/vertex.ts";
import type { ProviderEntry } from "./entry.ts";

function url(entry: ProviderEntry, parameters: Parameters, baseUrl?: string, path = "/chat/completions"): string {
  const account = { name: "mine", baseUrl, parameters: parametersOf(entry, parameters) };
  const address = addressOf(entry, entry.apis[0], account);
  return address.origin + address.pathOf(path, "my/model");
}

const RESOURCE = "https://r.openai.azure.com";

test.each<[entry: ProviderEntry, parameters: Parameters, baseUrl: string | undefined, expected: string]>([
  [openai, {}, undefined, "https://api.openai.com/v1/chat/completions"],
  [openai, {}, "http://127.0.0.1:9/prefix/", "http://127.0.0.1:9/prefix/chat/completions"],
  [azureOpenai, {}, `${RESOURCE}/openai/v1`, `${RESOURCE}/openai/v1/chat/completions`],
  [
    azureOpenai,
    { api_version: "2024-10-21" },
    RESOURCE,
    `${RESOURCE}/openai/deployments/my%2Fmodel/chat/completions?api-version=2024-10-21`,
  ],
])("the address of %j with %j at %s is %s", (entry, parameters, baseUrl, expected) => {
  expect(url(entry, parameters, baseUrl)).toBe(expected);
});

test.each([
  [undefined, "https://aiplatform.googleapis.com/v1beta1/projects/p/locations/global/x"],
  ["eu", "https://aiplatform.eu.rep.googleapis.com/v1beta1/projects/p/locations/eu/x"],
  ["us-east5", "https://us-east5-aiplatform.googleapis.com/v1beta1/projects/p/locations/us-east5/x"],
])("models of the location %s are called at %s", (location, expected) => {
  expect(url(vertex, { project: "p", ...(location === undefined ? {} : { location }) }, undefined, "/x")).toBe(
    expected,
  );
});

test.each([
  [vertex, undefined, undefined],
  [vertex, "global", undefined],
  [vertex, "eu", "eu"],
  [vertex, "us-east5", "us-east5"],
  [openai, "us-east5", undefined],
])("an account at %j with the location %s is in the region %s", (entry, location, expected) => {
  const parameters = parametersOf(entry, location === undefined ? {} : { location });
  expect(regionOf(entry, parameters)).toBe(expected);
});

test("an account without what its addresses hold is refused when the configuration is taken over", () => {
  expect(() => url(vertex, {}, undefined)).toThrow("Cannot use the provider mine: it has no project");
  expect(() => url(azureOpenai, {}, undefined)).toThrow("it has no base_url");
});
