// Makes an instance of a JSON schema: always the same one, as small as the schema allows, with every declared property.

type Schema = Readonly<Record<string, unknown>>;

// From here on only what is required is made, and a recursive schema ends where it allows to end.
const MAX_DEPTH = 12;
const MAX_VALUES = 2_000;

interface Work {
  readonly root: unknown;
  values: number;
}

/** A value that the schema accepts. `pattern`, `not` and `if` are not looked at. Never throws. */
export function instanceOf(schema: unknown): unknown {
  return build(schema, { root: schema, values: 0 }, 0);
}

function build(schema: unknown, work: Work, from: number): unknown {
  work.values += 1;
  const depth = work.values > MAX_VALUES ? Math.max(from, MAX_DEPTH) : from;
  if (depth > 2 * MAX_DEPTH || work.values > 2 * MAX_VALUES) return null;
  if (!isObject(schema)) return schema === false ? null : "text";
  const target = isText(schema["$ref"]) ? resolve(schema["$ref"], work.root) : undefined;
  if (target !== undefined) return build(target, work, depth + 1);
  if ("const" in schema) return schema["const"];
  if (isList(schema["enum"]) && schema["enum"].length > 0) return schema["enum"][0];
  const { allOf, anyOf, oneOf, ...rest } = schema;
  const choices = [anyOf, oneOf].find(isList);
  const parts = [...asList(allOf), ...(choices ? [choose(choices, depth)] : [])];
  if (parts.length > 0) return build(merge(rest, parts, work.root), work, depth + 1);
  return buildTyped(typeOf(schema, depth), schema, work, depth);
}

function buildTyped(type: unknown, schema: Schema, work: Work, depth: number): unknown {
  if (type === "object") return buildObject(schema, work, depth);
  if (type === "array") return buildArray(schema, work, depth);
  if (type === "integer" || type === "number") return buildNumber(schema, type === "integer");
  if (type === "boolean") return true;
  if (type === "null") return null;
  return buildText(schema);
}

function typeOf(schema: Schema, depth: number): unknown {
  const declared = schema["type"];
  if (isList(declared)) {
    if (depth >= MAX_DEPTH && declared.includes("null")) return "null";
    return declared.find((type) => type !== "null") ?? "null";
  }
  if (declared !== undefined) return declared;
  if (isObject(schema["properties"])) return "object";
  return "items" in schema || "prefixItems" in schema ? "array" : "string";
}

function choose(choices: readonly unknown[], depth: number): unknown {
  const isNull = (choice: unknown) => isObject(choice) && choice["type"] === "null";
  const ending = depth >= MAX_DEPTH ? choices.find(isNull) : undefined;
  return ending ?? choices.find((choice) => !isNull(choice)) ?? choices[0];
}

function buildObject(schema: Schema, work: Work, depth: number): unknown {
  const properties = isObject(schema["properties"]) ? schema["properties"] : {};
  const required = isList(schema["required"]) ? schema["required"] : [];
  const entries = Object.entries(properties)
    .filter(([name]) => depth < MAX_DEPTH || required.includes(name))
    .map(([name, property]) => [name, build(property, work, depth + 1)]);
  const undeclared = required.filter((name) => isText(name) && !Object.hasOwn(properties, name));
  return Object.fromEntries([...entries, ...undeclared.map((name) => [name, "text"])]);
}

function buildArray(schema: Schema, work: Work, depth: number): unknown[] {
  const least = count(schema["minItems"]) ?? 0;
  const most = count(schema["maxItems"]) ?? 100;
  const first = isList(schema["prefixItems"]) ? schema["prefixItems"] : [];
  const wanted = Math.min(100, most, Math.max(least, depth < MAX_DEPTH ? Math.max(1, first.length) : 0));
  return Array.from({ length: wanted }, (_, index) => {
    const value = build(first[index] ?? schema["items"] ?? {}, work, depth + 1);
    return schema["uniqueItems"] === true && index > 0 ? vary(value, index) : value;
  });
}

function vary(value: unknown, index: number): unknown {
  if (typeof value === "number") return value + index;
  return isText(value) ? `${value}${index}` : value;
}

function buildNumber(schema: Schema, integer: boolean): number {
  const step = number(schema["multipleOf"]) ?? 1;
  const above = number(schema["exclusiveMinimum"]);
  const below = number(schema["exclusiveMaximum"]);
  const least = number(schema["minimum"]) ?? (above === undefined ? undefined : above + (integer ? 1 : step / 2));
  const most = number(schema["maximum"]) ?? (below === undefined ? undefined : below - (integer ? 1 : step / 2));
  let value = least ?? (most === undefined ? step : Math.min(step, most));
  if ("multipleOf" in schema) value = Math.ceil(value / step) * step;
  if (most !== undefined && value > most) value = most;
  return integer ? Math.ceil(value) : value;
}

const FORMATS: ReadonlyMap<unknown, string> = new Map([
  ["date-time", "2026-01-02T03:04:05Z"],
  ["date", "2026-01-02"],
  ["time", "03:04:05Z"],
  ["duration", "PT1M"],
  ["email", "someone@example.com"],
  ["hostname", "example.com"],
  ["ipv4", "192.0.2.1"],
  ["ipv6", "2001:db8::1"],
  ["uri", "https://example.com/"],
  ["uuid", "00000000-0000-4000-8000-000000000000"],
]);

function buildText(schema: Schema): string {
  const text = FORMATS.get(schema["format"]) ?? "text";
  const least = Math.min(10_000, count(schema["minLength"]) ?? 0);
  return text.padEnd(least, "x").slice(0, count(schema["maxLength"]) ?? Infinity);
}

function merge(schema: Schema, parts: readonly unknown[], root: unknown): Schema {
  let merged: Schema = schema;
  for (const part of parts) {
    const target = isObject(part) && isText(part["$ref"]) ? resolve(part["$ref"], root) : part;
    if (!isObject(target)) continue;
    const properties = { ...asObject(merged["properties"]), ...asObject(target["properties"]) };
    const required = [...asList(merged["required"]), ...asList(target["required"])];
    merged = { ...merged, ...target, ...(Object.keys(properties).length > 0 ? { properties, required } : {}) };
  }
  return merged;
}

function resolve(reference: string, root: unknown): unknown {
  if (!reference.startsWith("#")) return undefined;
  let value: unknown = root;
  for (const segment of reference.slice(1).split("/").slice(1)) {
    const name = segment.replaceAll("~1", "/").replaceAll("~0", "~");
    if (!isObject(value) || !Object.hasOwn(value, name)) return undefined;
    value = value[name];
  }
  return value;
}

function isObject(value: unknown): value is Schema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value);
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}

function asObject(value: unknown): Schema {
  return isObject(value) ? value : {};
}

function asList(value: unknown): readonly unknown[] {
  return isList(value) ? value : [];
}

function number(value: unknown): number | undefined {
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}

function count(value: unknown): number | undefined {
  const found = number(value);
  return found === undefined ? undefined : Math.max(0, Math.floor(found));
}
