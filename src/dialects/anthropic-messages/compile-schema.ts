import type { Adaptations } from "../adaptations.ts";
import { arrayItems } from "../json-slices.ts";
import { RawJson, jsonText, objectMembers } from "../json-text.ts";
import { findRecursion } from "./schema-recursion.ts";

// The provider keeps answers to a subset of JSON schema. Source:
// https://platform.claude.com/docs/en/build-with-claude/structured-outputs (JSON Schema limitations).

/** A keyword that the provider's subset lacks. */
export interface SchemaLoss {
  /** Where, for example `.properties.age.minimum`. */
  readonly path: string;
  /** Why it was left out, in a sentence. */
  readonly problem: string;
  /** Whether answers may now break the schema; false for what only describes. */
  readonly binding: boolean;
}

/** A schema as the provider takes it. */
export interface CompiledSchema {
  readonly schema: RawJson;
  readonly losses: readonly SchemaLoss[];
  /** Paths of objects that allow no further members now, about which the schema said nothing. */
  readonly closed: readonly string[];
}

const KEPT = new Set(["type", "enum", "const", "$ref", "default", "required", "title", "description"]);
const DESCRIBING = new Set(["$schema", "$id", "$comment", "examples", "deprecated", "readOnly", "writeOnly"]);
const FORMATS = new Set(["date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid"]);
// Groups that look around or refer back, and borders of words.
const HARD_PATTERN = /\(\?(?!:)|\\[1-9bB]/;
const MAX_DEPTH = 64;

/** The schema within the provider's subset; a schema that needs no change stays as it was written. */
export function compileSchema(schema: RawJson): CompiledSchema {
  const compiler = new Compiler();
  const made = compiler.schema(schema, "", 0);
  const loop = findRecursion(schema);
  if (loop !== undefined) compiler.lose(loop, "the provider takes no recursive schemas");
  const { losses, closed } = compiler;
  const isSame = losses.length === 0 && closed.length === 0;
  return { schema: isSame ? schema : made, losses, closed };
}

/** Tells what a schema lost and gained. `field` is its path in the request. */
export function tellChanges({ losses, closed }: CompiledSchema, field: string, adaptations: Adaptations): void {
  for (const { path, problem } of losses) adaptations.add(`${field}${path}`, undefined, undefined, problem);
  for (const path of closed) {
    const reason = "the provider takes objects without further members only; none are allowed now";
    adaptations.addPart(`${field}${path}.additionalProperties`, false, reason);
  }
}

class Compiler {
  readonly losses: SchemaLoss[] = [];
  readonly closed: string[] = [];

  schema(schema: RawJson, path: string, depth: number): RawJson {
    const members = depth > MAX_DEPTH ? undefined : objectMembers(schema.text);
    // True and false are schemas too, and go out as they are.
    if (!members) return schema;
    const kept = new Map<string, unknown>();
    for (const [keyword, value] of members) {
      const made = this.#keyword(keyword, value, `${path}.${keyword}`, depth, members);
      if (made !== undefined) kept.set(keyword === "oneOf" ? "anyOf" : keyword, made);
    }
    if (isObjectSchema(members) && !members.has("additionalProperties")) {
      this.closed.push(path);
      kept.set("additionalProperties", false);
    }
    return new RawJson(jsonText(kept));
  }

  lose(path: string, problem: string, binding = true): undefined {
    this.losses.push({ path, problem, binding });
    return undefined;
  }

  #keyword(keyword: string, value: RawJson, path: string, depth: number, all: ReadonlyMap<string, RawJson>): unknown {
    switch (keyword) {
      case "properties":
      case "$defs":
      case "definitions":
        return this.#each(value, path, depth);
      case "oneOf":
        this.lose(path, "the provider takes no exclusive alternatives; they are not exclusive now");
        return all.has("anyOf") ? undefined : this.#list(value, path, depth);
      case "anyOf":
      case "allOf":
        return this.#list(value, path, depth);
      case "items":
        return this.schema(value, path, depth + 1);
      case "additionalProperties":
        if (value.text !== "false") this.lose(path, "the provider takes no objects of further members");
        return false;
      default:
        return this.#leaf(keyword, value, path);
    }
  }

  #leaf(keyword: string, value: RawJson, path: string): RawJson | undefined {
    if (keyword === "$ref" && !value.text.startsWith('"#')) {
      return this.lose(path, "the provider takes no schemas from elsewhere");
    }
    if (KEPT.has(keyword)) return value;
    if (DESCRIBING.has(keyword)) return this.lose(path, "the provider's schemas have no such keyword", false);
    if (keyword === "format" && FORMATS.has(textOf(value))) return value;
    if (keyword === "pattern" && !HARD_PATTERN.test(textOf(value))) return value;
    if (keyword === "minItems" && /^[01]$/.test(value.text)) return value;
    const isPartly = keyword === "format" || keyword === "pattern" || keyword === "minItems";
    return this.lose(path, `the provider's schemas have no such ${isPartly ? `value of ${keyword}` : "keyword"}`);
  }

  #list(value: RawJson, path: string, depth: number): unknown {
    return arrayItems(value.text)?.map((item, index) => this.schema(item, `${path}[${index}]`, depth + 1)) ?? value;
  }

  #each(value: RawJson, path: string, depth: number): unknown {
    const members = objectMembers(value.text);
    if (!members) return value;
    return new Map([...members].map(([name, schema]) => [name, this.schema(schema, `${path}.${name}`, depth + 1)]));
  }
}

function isObjectSchema(members: ReadonlyMap<string, RawJson>): boolean {
  const type = members.get("type")?.text;
  return type === undefined ? members.has("properties") : type.includes('"object"');
}

function textOf({ text }: RawJson): string {
  return text.startsWith('"') ? (JSON.parse(text) as string) : "";
}
