// What requests and answers of the wire format share.

/** A member that may be absent or null on the wire. */
export type Nullable<T> = T | null | undefined;

/** Any JSON value whose shape this format leaves open. */
export type JsonValue =
  | string
  | number
  | boolean
  | null
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue | undefined };

/** An object of JSON whose members this format leaves open. */
export type JsonObject = { readonly [key: string]: JsonValue | undefined };

/** A turn. */
export interface Content {
  /** `user` or `model`. */
  role?: Nullable<string>;
  parts?: Nullable<Part[]>;
}

/** One piece of a turn: at most one of the kinds, and what goes with it. */
export interface Part {
  text?: Nullable<string>;
  inlineData?: Nullable<Blob>;
  fileData?: Nullable<FileData>;
  functionCall?: Nullable<FunctionCall>;
  functionResponse?: Nullable<FunctionResponse>;
  executableCode?: Nullable<ExecutableCode>;
  codeExecutionResult?: Nullable<CodeExecutionResult>;
  /** A call of a tool that the provider runs. */
  toolCall?: Nullable<ServerToolCall>;
  /** The result of a tool that the provider has run. */
  toolResponse?: Nullable<ServerToolResponse>;
  /** Whether the part is what the model thinks. */
  thought?: Nullable<boolean>;
  /** Base64; wanted back on this very part. */
  thoughtSignature?: Nullable<string>;
  /** What is said in the sound beside it. */
  audioTranscription?: Nullable<{ text?: Nullable<string> }>;
  videoMetadata?: Nullable<JsonObject>;
  partMetadata?: Nullable<JsonObject>;
}

/** Bytes. */
export interface Blob {
  mimeType?: Nullable<string>;
  /** Base64. */
  data?: Nullable<string>;
  displayName?: Nullable<string>;
}

/** A file by its address. */
export interface FileData {
  mimeType?: Nullable<string>;
  fileUri?: Nullable<string>;
  displayName?: Nullable<string>;
}

/** A call of a function. Vertex can stream its arguments as patches. */
export interface FunctionCall {
  id?: Nullable<string>;
  name?: Nullable<string>;
  args?: Nullable<JsonObject>;
  partialArgs?: Nullable<PartialArgument[]>;
  /** Whether more of this call follows. */
  willContinue?: Nullable<boolean>;
}

/** A piece of streamed arguments. */
export interface PartialArgument {
  /** Where it belongs, for example `$.city` or `$.list[0].name`. */
  jsonPath?: Nullable<string>;
  stringValue?: Nullable<string>;
  numberValue?: Nullable<number>;
  boolValue?: Nullable<boolean>;
  nullValue?: Nullable<string>;
  /** Whether more of this value follows. */
  willContinue?: Nullable<boolean>;
}

/** The result of a function. */
export interface FunctionResponse {
  id?: Nullable<string>;
  name?: Nullable<string>;
  response?: Nullable<JsonObject>;
  parts?: Nullable<{ inlineData?: Nullable<Blob>; fileData?: Nullable<FileData> }[]>;
}

/** Code that the provider runs. */
export interface ExecutableCode {
  id?: Nullable<string>;
  language?: Nullable<string>;
  code?: Nullable<string>;
}

/** What became of code that the provider ran. */
export interface CodeExecutionResult {
  id?: Nullable<string>;
  outcome?: Nullable<string>;
  output?: Nullable<string>;
}

/** A call of a tool that the provider runs. */
export interface ServerToolCall {
  id?: Nullable<string>;
  toolType?: Nullable<string>;
  args?: Nullable<JsonObject>;
}

/** The result of a tool that the provider has run. */
export interface ServerToolResponse {
  id?: Nullable<string>;
  toolType?: Nullable<string>;
  response?: Nullable<JsonObject>;
}
