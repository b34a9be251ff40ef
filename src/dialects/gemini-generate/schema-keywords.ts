import { wordSet } from "../drift.ts";

/** The two ways in which schemas go out. */
export type SchemaDialect = "json_schema" | "openapi";

// Sources: https://ai.google.dev/api/generate-content#FIELDS.response_json_schema and https://ai.google.dev/api/caching#Schema.
const KNOWN: Readonly<Record<SchemaDialect, ReadonlySet<string>>> = {
  json_schema: wordSet(`$id $defs $ref $anchor type format title description enum items prefixItems minItems maxItems
    minimum maximum anyOf oneOf properties additionalProperties required propertyOrdering`),
  openapi:
    wordSet(`type format title description nullable enum items maxItems minItems properties required minProperties
    maxProperties minimum maximum minLength maxLength pattern example anyOf propertyOrdering default`),
};

// What narrows an answer. Anything else that is not known is a remark, whose loss lets nothing new in.
const CONSTRAINTS =
  wordSet(`allOf anyOf oneOf not if then else const enum pattern format minLength maxLength minimum maximum
  exclusiveMinimum exclusiveMaximum multipleOf items prefixItems additionalItems unevaluatedItems minItems maxItems
  uniqueItems contains minContains maxContains properties patternProperties additionalProperties unevaluatedProperties
  propertyNames required minProperties maxProperties dependencies dependentRequired dependentSchemas type $ref
  $dynamicRef $recursiveRef`);

/** Whether the service understands a keyword. */
export function isKnownKeyword(dialect: SchemaDialect, keyword: string): boolean {
  return KNOWN[dialect].has(keyword);
}

/** Whether an answer may look different without the keyword. */
export function isConstraint(keyword: string): boolean {
  return CONSTRAINTS.has(keyword);
}

/** Keywords whose value is a schema. */
export const SCHEMA_KEYWORDS = wordSet("items additionalProperties");

/** Keywords whose value is a list of schemas. */
export const LIST_KEYWORDS = wordSet("anyOf oneOf prefixItems");

/** Keywords whose value is an object of schemas. */
export const MAP_KEYWORDS = wordSet("properties $defs");
