import { RawJson } from "../json-text.ts";
import { scalarOf, type JsonObjectTree, type JsonTree } from "../json-tree.ts";
import {
  LIST_KEYWORDS,
  MAP_KEYWORDS,
  SCHEMA_KEYWORDS,
  isConstraint,
  isKnownKeyword,
  type SchemaDialect,
} from "./schema-keywords.ts";

/** A schema in the words of the service, and what was lost on the way. */
export interface CompiledSchema {
  readonly schema: JsonTree;
  readonly removed: readonly RemovedKeyword[];
}

/** A keyword that the service does not understand. */
export interface RemovedKeyword {
  /** Place of the schema that held it, for example `#/properties/city`. */
  readonly place: string;
  readonly keyword: string;
  /** Whether an answer may look different without it. */
  readonly constrains: boolean;
}

/**
 * Translates a JSON schema. What can be said in other words of the same meaning is rewritten (constants as lists of one;
 * for the older dialect references in place, null among types as `nullable`); what cannot is removed and told.
 */
export function compileSchema(schema: JsonTree, dialect: SchemaDialect): CompiledSchema {
  const compiler = new SchemaCompiler(schema, dialect);
  return { schema: compiler.schema(schema, "#"), removed: compiler.removed };
}

const MAX_REFERENCES = 1000;

class SchemaCompiler {
  readonly removed: RemovedKeyword[] = [];
  readonly #root: JsonTree;
  readonly #dialect: SchemaDialect;
  readonly #resolving: string[] = [];
  #references = 0;

  constructor(root: JsonTree, dialect: SchemaDialect) {
    this.#root = root;
    this.#dialect = dialect;
  }

  schema(schema: JsonTree, place: string): JsonTree {
    // `true` and `false` are schemas, too.
    if (!(schema instanceof Map)) return schema;
    const reference = textOf(schema.get("$ref"));
    if (reference !== undefined) return this.#reference(schema, reference, place);
    const out: JsonObjectTree = new Map();
    for (const [keyword, value] of schema) this.#keyword(out, keyword, value, place);
    return out;
  }

  #keyword(out: JsonObjectTree, keyword: string, value: JsonTree, place: string): void {
    const rewritten = this.#rewrite(out, keyword, value, place);
    if (rewritten) return;
    if (!isKnownKeyword(this.#dialect, keyword)) {
      this.#remove(place, keyword, isConstraint(keyword) && !allowsAll(keyword, value));
    } else if (SCHEMA_KEYWORDS.has(keyword)) out.set(keyword, this.schema(value, `${place}/${keyword}`));
    else if (LIST_KEYWORDS.has(keyword)) this.#set(out, keyword, this.#list(value, `${place}/${keyword}`), place);
    else if (MAP_KEYWORDS.has(keyword)) this.#set(out, keyword, this.#map(value, `${place}/${keyword}`), place);
    else this.#set(out, keyword, value, place);
  }

  // Two keywords may be said in the same words: then the later one is lost.
  #set(out: JsonObjectTree, word: string, value: JsonTree, place: string, keyword = word): void {
    if (out.has(word)) this.#remove(place, keyword, isConstraint(keyword));
    else out.set(word, value);
  }

  // Returns whether the keyword was said in other words.
  #rewrite(out: JsonObjectTree, keyword: string, value: JsonTree, place: string): boolean {
    if (keyword === "const" && isEnumerable(value, this.#dialect)) {
      this.#set(out, "enum", [value], place, keyword);
      return true;
    }
    if (keyword === "definitions" && this.#dialect === "json_schema") {
      this.#set(out, "$defs", this.#map(value, `${place}/definitions`), place, keyword);
      return true;
    }
    if (this.#dialect !== "openapi") return false;
    switch (keyword) {
      case "oneOf":
        this.#set(out, "anyOf", this.#list(value, `${place}/oneOf`), place, keyword);
        return true;
      case "type":
        return Array.isArray(value) && this.#types(out, value, place);
      case "enum":
        if (Array.isArray(value) && value.every((item) => isEnumerable(item, "openapi"))) return false;
        this.#remove(place, "enum", true);
        return true;
      // Nobody needs them once references are in place.
      case "$defs":
      case "definitions":
        return true;
      default:
        return false;
    }
  }

  #reference(schema: JsonObjectTree, reference: string, place: string): JsonTree {
    for (const keyword of schema.keys()) {
      // Beside a reference the service takes no other words.
      if (!keyword.startsWith("$")) this.#remove(place, keyword, isConstraint(keyword));
    }
    if (this.#dialect === "json_schema") {
      const out: JsonObjectTree = new Map();
      for (const [keyword, value] of schema) {
        if (keyword === "$ref") out.set("$ref", renamedReference(value));
        else if (keyword.startsWith("$")) this.#keyword(out, keyword, value, place);
      }
      return out;
    }
    const found = resolve(this.#root, reference);
    this.#references += 1;
    if (!found || this.#resolving.includes(reference) || this.#references > MAX_REFERENCES) {
      this.#remove(place, "$ref", true);
      return new Map();
    }
    this.#resolving.push(reference);
    const inPlace = this.schema(found, place);
    this.#resolving.pop();
    return inPlace;
  }

  #types(out: JsonObjectTree, types: readonly JsonTree[], place: string): true {
    const names = types.filter((type) => textOf(type) !== "null");
    const [only] = names;
    if (only && names.length === 1) {
      out.set("type", only);
      if (types.length > 1) out.set("nullable", new RawJson("true"));
    } else {
      const choices = types.map((type): JsonTree => new Map([["type", type]]));
      this.#set(out, "anyOf", choices, place, "type");
    }
    return true;
  }

  #list(value: JsonTree, place: string): JsonTree {
    return Array.isArray(value) ? value.map((item, index) => this.schema(item, `${place}/${index}`)) : value;
  }

  #map(value: JsonTree, place: string): JsonTree {
    if (!(value instanceof Map)) return value;
    return new Map([...value].map(([key, item]) => [key, this.schema(item, `${place}/${key}`)]));
  }

  #remove(place: string, keyword: string, constrains: boolean): void {
    this.removed.push({ place, keyword, constrains });
  }
}

// The model writes declared members only: to forbid others, or to let them be, changes nothing.
function allowsAll(keyword: string, value: JsonTree): boolean {
  return keyword === "additionalProperties" && !(value instanceof Map);
}

function isEnumerable(value: JsonTree, dialect: SchemaDialect): boolean {
  const scalar = scalarOf(value);
  return typeof scalar === "string" || (dialect === "json_schema" && typeof scalar === "number");
}

function renamedReference(reference: JsonTree): JsonTree {
  const text = textOf(reference) ?? "";
  return text.startsWith("#/definitions/")
    ? new RawJson(JSON.stringify(`#/$defs/${text.slice("#/definitions/".length)}`))
    : reference;
}

function resolve(root: JsonTree, reference: string): JsonTree | undefined {
  if (reference === "#") return root;
  if (!reference.startsWith("#/")) return undefined;
  let at: JsonTree | undefined = root;
  for (const step of reference.slice(2).split("/")) {
    const key = decodeStep(step);
    if (at instanceof Map) at = at.get(key);
    else at = Array.isArray(at) ? at[Number(key)] : undefined;
  }
  return at;
}

function decodeStep(step: string): string {
  return step.replaceAll("~1", "/").replaceAll("~0", "~");
}

function textOf(tree: JsonTree | undefined): string | undefined {
  const value = scalarOf(tree);
  return typeof value === "string" ? value : undefined;
}
