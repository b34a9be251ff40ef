import { objectOf } from "../json-field.ts";
import { RawJson, jsonText } from "../json-text.ts";
import { jsonObjectTree, scalarOf, type JsonObjectTree, type JsonTree } from "../json-tree.ts";
import type { EncodeContext } from "./encode-context.ts";
import { listOf } from "./settings.ts";
import type { TargetRules } from "./target-rules.ts";

// Where schemas stand inside a schema; everywhere else a word is a name or a value, and no keyword.
const MAPS_OF_SCHEMAS = ["properties", "$defs", "definitions", "patternProperties", "dependentSchemas"];
const LISTS_OF_SCHEMAS = ["anyOf", "oneOf", "allOf", "prefixItems", "items"];
const SCHEMAS = [
  "items",
  "additionalProperties",
  "not",
  "if",
  "then",
  "else",
  "contains",
  "propertyNames",
  "additionalItems",
  "unevaluatedItems",
  "unevaluatedProperties",
];

/** The schema as the provider takes it. What is taken out of it is told, keyword by keyword. */
export function compileSchema({ rules, adaptations }: EncodeContext, text: string, field: string): RawJson {
  const whole = objectOf(text, field);
  const refused = new Set(listOf(rules.settings.refused_keywords));
  const tree = refused.size > 0 ? jsonObjectTree(text) : undefined;
  if (!tree) return whole;
  let isChanged = false;
  visit(tree, "", (schema, path) => {
    for (const keyword of schema.keys()) {
      if (!refused.has(keyword)) continue;
      schema.delete(keyword);
      isChanged = true;
      const reason = `the provider refuses the keyword ${keyword}; it was taken out at ${path || "the root"}`;
      adaptations.add(field, keyword, undefined, reason, rules.quirkOf.get("refused_keywords"));
    }
  });
  return isChanged ? new RawJson(jsonText(tree)) : whole;
}

/** Why a schema cannot be followed exactly at a target, or undefined where it can. */
export function strictProblem(text: string, field: string, rules: TargetRules): string | undefined {
  const { settings } = rules;
  const refused = new Set([...listOf(settings.refused_keywords), ...listOf(settings.strict_refused_keywords)]);
  const tree = jsonObjectTree(text);
  if (!tree || (refused.size === 0 && !settings.strict_closed_objects)) return undefined;
  const problems: string[] = [];
  if (settings.strict_closed_objects && (scalarOf(tree.get("type")) !== "object" || tree.has("anyOf"))) {
    problems.push("its root must be an object");
  }
  visit(tree, "", (schema, path) => {
    const place = path || "the root";
    for (const keyword of schema.keys()) if (refused.has(keyword)) problems.push(`it has ${keyword} at ${place}`);
    const open = settings.strict_closed_objects ? openness(schema) : undefined;
    if (open !== undefined) problems.push(`${open} at ${place}`);
  });
  const [first] = problems;
  if (first === undefined) return undefined;
  const more = problems.length > 1 ? ` (and ${problems.length - 1} more)` : "";
  return `the provider cannot follow ${field} exactly: ${first}${more}; set strict to false or change the schema`;
}

function openness(schema: JsonObjectTree): string | undefined {
  const type = schema.get("type");
  const types = Array.isArray(type) ? type.map(scalarOf) : [scalarOf(type)];
  if (!types.includes("object")) return undefined;
  if (scalarOf(schema.get("additionalProperties")) !== false) return "additionalProperties is not false";
  const properties = schema.get("properties");
  const required = schema.get("required");
  const listed = new Set(Array.isArray(required) ? required.map(scalarOf) : []);
  const missing = properties instanceof Map && [...properties.keys()].some((name) => !listed.has(name));
  return missing ? "a property is not listed as required" : undefined;
}

function visit(schema: JsonTree | undefined, path: string, see: (schema: JsonObjectTree, path: string) => void): void {
  if (!(schema instanceof Map)) return;
  see(schema, path);
  for (const keyword of MAPS_OF_SCHEMAS) {
    const map = schema.get(keyword);
    if (map instanceof Map) for (const [name, inner] of map) visit(inner, `${path}/${keyword}/${name}`, see);
  }
  for (const keyword of LISTS_OF_SCHEMAS) {
    const list = schema.get(keyword);
    if (Array.isArray(list))
      for (const [place, inner] of list.entries()) visit(inner, `${path}/${keyword}/${place}`, see);
  }
  for (const keyword of SCHEMAS) visit(schema.get(keyword), `${path}/${keyword}`, see);
}
