// What a request must look like, as data; how a vendor words a complaint is the wire format's.

/** Where a value stands: names of members and places in lists. */
export type Path = readonly (string | number)[];

/** The shape of a value. Null is as good as absent wherever a member is optional. */
export type Shape =
  | { readonly is: "any" | "flag" }
  | { readonly is: "text"; readonly maxLength: number }
  | { readonly is: "number"; readonly whole: boolean; readonly least: number; readonly most: number }
  | { readonly is: "word"; readonly words: readonly string[] }
  | { readonly is: "list"; readonly of: Shape; readonly most: number }
  | { readonly is: "object"; readonly members: Members | undefined; readonly required: readonly string[] }
  /** The object's shape is that of the word in its member `by`; unknown words are a mistake unless `others` is set. */
  | { readonly is: "tagged"; readonly by: string; readonly kinds: Members; readonly others: Shape | undefined }
  /** The first whose JSON type fits. */
  | { readonly is: "either"; readonly of: readonly Shape[] };

type Members = Readonly<Record<string, Shape>>;

/** What is wrong with a value. */
export type Complaint =
  | {
      readonly about: "unknown" | "missing" | "type";
      readonly path: Path;
      readonly shape: Shape;
      readonly value: unknown;
    }
  | { readonly about: "range"; readonly path: Path; readonly shape: Shape & { is: "number" }; readonly value: number }
  | {
      readonly about: "length";
      readonly path: Path;
      readonly most: number;
      readonly length: number;
      readonly of: string;
    }
  | { readonly about: "word"; readonly path: Path; readonly words: readonly string[]; readonly value: unknown };

/** Refuses a request for this reason, by throwing. */
export type Complain = (complaint: Complaint) => never;

/** Whatever it is. */
export const anything: Shape = { is: "any" };
/** True or false. */
export const flag: Shape = { is: "flag" };
/** Any text. */
export const text: Shape = { is: "text", maxLength: Infinity };

/** A text of at most this many characters. */
export function textUpTo(maxLength: number): Shape {
  return { is: "text", maxLength };
}

/** A whole number within these bounds. */
export function whole(least = Number.MIN_SAFE_INTEGER, most = Number.MAX_SAFE_INTEGER): Shape {
  return { is: "number", whole: true, least, most };
}

/** A number within these bounds. */
export function decimal(least = -Infinity, most = Infinity): Shape {
  return { is: "number", whole: false, least, most };
}

/** One of these words. */
export function word(...words: readonly string[]): Shape {
  return { is: "word", words };
}

/** A list. */
export function list(of: Shape, most = Infinity): Shape {
  return { is: "list", of, most };
}

/** An object of these members and no others; without members: any object. */
export function object(members?: Members, ...required: readonly string[]): Shape {
  return { is: "object", members, required };
}

/** An object whose shape the word in its member `by` tells. */
export function tagged(by: string, kinds: Members, others?: Shape): Shape {
  return { is: "tagged", by, kinds, others };
}

/** The first of these whose JSON type fits. */
export function either(...of: readonly Shape[]): Shape {
  return { is: "either", of };
}

/** Refuses what does not have the shape. */
export function check(shape: Shape, value: unknown, path: Path, complain: Complain): void {
  if (!hasType(shape, value)) complain({ about: "type", path, shape, value });
  switch (shape.is) {
    case "number":
      if (typeof value === "number" && (value < shape.least || value > shape.most))
        complain({ about: "range", path, shape, value });
      return;
    case "text":
      if (typeof value === "string" && value.length > shape.maxLength)
        complain({ about: "length", path, most: shape.maxLength, length: value.length, of: "string" });
      return;
    case "word":
      if (!shape.words.includes(value as string)) complain({ about: "word", path, words: shape.words, value });
      return;
    case "list":
      return checkList(shape, value as readonly unknown[], path, complain);
    case "object":
      return checkObject(shape, value as Readonly<Record<string, unknown>>, path, complain);
    case "tagged":
      return checkTagged(shape, value as Readonly<Record<string, unknown>>, path, complain);
    case "either":
      return check(shape.of.find((one) => hasType(one, value)) ?? anything, value, path, complain);
    default:
  }
}

function hasType(shape: Shape, value: unknown): boolean {
  switch (shape.is) {
    case "any":
      return true;
    case "flag":
      return typeof value === "boolean";
    case "text":
    case "word":
      return typeof value === "string";
    case "number":
      return typeof value === "number" && (!shape.whole || Number.isInteger(value));
    case "list":
      return Array.isArray(value);
    case "either":
      return shape.of.some((one) => hasType(one, value));
    default:
      return isObject(value);
  }
}

function checkList(shape: Shape & { is: "list" }, value: readonly unknown[], path: Path, complain: Complain): void {
  if (value.length > shape.most)
    complain({ about: "length", path, most: shape.most, length: value.length, of: "array" });
  value.forEach((item, index) => check(shape.of, item, [...path, index], complain));
}

function checkObject(
  { members, required }: Shape & { is: "object" },
  value: Readonly<Record<string, unknown>>,
  path: Path,
  complain: Complain,
): void {
  if (!members) return;
  for (const name of required) {
    const missing = value[name] === undefined || value[name] === null;
    if (missing) complain({ about: "missing", path: [...path, name], shape: members[name] ?? anything, value });
  }
  for (const [name, member] of Object.entries(value)) {
    const shape = Object.hasOwn(members, name) ? members[name] : undefined;
    if (!shape) complain({ about: "unknown", path: [...path, name], shape: anything, value: member });
    if (member !== null && member !== undefined) check(shape, member, [...path, name], complain);
  }
}

function checkTagged(
  { by, kinds, others }: Shape & { is: "tagged" },
  value: Readonly<Record<string, unknown>>,
  path: Path,
  complain: Complain,
): void {
  const tag = value[by];
  const shape = typeof tag === "string" && Object.hasOwn(kinds, tag) ? kinds[tag] : others;
  if (!shape) complain({ about: "word", path: [...path, by], words: Object.keys(kinds), value: tag });
  check(shape, value, path, complain);
}

/** Whether a value is a JSON object. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
