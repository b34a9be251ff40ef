import { toBinary, type DescFile, type DescMessage, type DescService, type MessageInitShape } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, type ConnectRouter, type HandlerContext } from "@connectrpc/connect";
import { ParleyError } from "../../errors/index.ts";
import { ownError } from "./connect-error.ts";
import { reflectionV1, reflectionV1Alpha } from "../../contract/grpc.ts";

type Request = reflectionV1.ServerReflectionRequest | reflectionV1Alpha.ServerReflectionRequest;
type Response = MessageInitShape<typeof reflectionV1.ServerReflectionResponseSchema> &
  MessageInitShape<typeof reflectionV1Alpha.ServerReflectionResponseSchema>;
type Answer = Exclude<Response["messageResponse"], undefined>;

/** What reflection needs of its surroundings. */
export interface ReflectionOptions {
  readonly services: readonly DescService[];
  /** Throws where the caller may not look. */
  readonly authorise: (context: HandlerContext) => Promise<void>;
  readonly newIds: () => { readonly requestId: string; readonly errorId: string };
}

/** `grpc.reflection.v1.ServerReflection` and its `v1alpha` twin, which older tools ask. */
export function registerReflection(router: ConnectRouter, options: ReflectionOptions): void {
  const index = new Index(options.services);
  const answerAll = async function* (
    requests: AsyncIterable<Request>,
    context: HandlerContext,
  ): AsyncGenerator<Response> {
    const ids = options.newIds();
    context.responseHeader.set("x-request-id", ids.requestId);
    try {
      await options.authorise(context);
      for await (const request of requests) yield { validHost: request.host, messageResponse: answer(index, request) };
    } catch (thrown) {
      throw ownError(readable(thrown), ids);
    }
  };
  router.rpc(reflectionV1.ServerReflection.method.serverReflectionInfo, answerAll);
  router.rpc(reflectionV1Alpha.ServerReflection.method.serverReflectionInfo, answerAll);
}

// The stock reader calls a message that it cannot parse its own fault.
function readable(thrown: unknown): ParleyError {
  if (!(thrown instanceof ConnectError)) return ParleyError.from(thrown);
  if (thrown.code === Code.Canceled) return new ParleyError("CANCELLED", "Cannot answer: the caller left");
  return new ParleyError("INVALID_REQUEST", "Cannot read the request: it is no message of gRPC server reflection");
}

function answer(index: Index, { messageRequest: asked }: Request): Answer {
  switch (asked.case) {
    case "listServices":
      return { case: "listServicesResponse", value: { service: index.serviceNames.map((name) => ({ name })) } };
    case "fileByFilename":
      return files(index.files.get(asked.value), "file", asked.value);
    case "fileContainingSymbol":
      return files(index.symbols.get(asked.value), "symbol", asked.value);
    case "fileContainingExtension": {
      const { containingType, extensionNumber } = asked.value;
      return files(index.extensions.get(`${containingType}:${extensionNumber}`), "extension", containingType);
    }
    case "allExtensionNumbersOfType":
      if (!index.symbols.has(asked.value)) return notFound("type", asked.value);
      return {
        case: "allExtensionNumbersResponse",
        value: { baseTypeName: asked.value, extensionNumber: index.extensionNumbers(asked.value) },
      };
    default:
      return {
        case: "errorResponse",
        value: { errorCode: Code.InvalidArgument, errorMessage: "the request asks for nothing" },
      };
  }
}

function files(file: DescFile | undefined, what: string, name: string): Answer {
  if (!file) return notFound(what, name);
  const fileDescriptorProto = withDependencies(file).map((one) => toBinary(FileDescriptorProtoSchema, one.proto));
  return { case: "fileDescriptorResponse", value: { fileDescriptorProto } };
}

function notFound(what: string, name: string): Answer {
  const errorMessage = `there is no ${what} ${JSON.stringify(name.slice(0, 128))}`;
  return { case: "errorResponse", value: { errorCode: Code.NotFound, errorMessage } };
}

function withDependencies(file: DescFile): DescFile[] {
  const found = new Map<string, DescFile>();
  const add = (one: DescFile): void => {
    if (found.has(one.proto.name)) return;
    found.set(one.proto.name, one);
    one.dependencies.forEach(add);
  };
  add(file);
  return [...found.values()];
}

/** All names of the served services' files, and in which file they are. */
class Index {
  readonly serviceNames: readonly string[];
  readonly files = new Map<string, DescFile>();
  readonly symbols = new Map<string, DescFile>();
  /** By `extended type:number`. */
  readonly extensions = new Map<string, DescFile>();

  constructor(services: readonly DescService[]) {
    this.serviceNames = services.map((service) => service.typeName).toSorted();
    for (const service of services) for (const file of withDependencies(service.file)) this.#addFile(file);
  }

  extensionNumbers(typeName: string): number[] {
    const prefix = `${typeName}:`;
    const keys = [...this.extensions.keys()].filter((key) => key.startsWith(prefix));
    return keys.map((key) => Number(key.slice(prefix.length)));
  }

  #addFile(file: DescFile): void {
    if (this.files.has(file.proto.name)) return;
    this.files.set(file.proto.name, file);
    for (const message of file.messages) this.#addMessage(message);
    for (const { typeName } of file.enums) this.symbols.set(typeName, file);
    for (const extension of file.extensions) {
      this.symbols.set(extension.typeName, file);
      this.extensions.set(`${extension.extendee.typeName}:${extension.number}`, file);
    }
    for (const service of file.services) {
      this.symbols.set(service.typeName, file);
      for (const method of service.methods) this.symbols.set(`${service.typeName}.${method.name}`, file);
    }
  }

  #addMessage(message: DescMessage): void {
    this.symbols.set(message.typeName, message.file);
    for (const field of message.fields) this.symbols.set(`${message.typeName}.${field.name}`, message.file);
    for (const { typeName } of message.nestedEnums) this.symbols.set(typeName, message.file);
    for (const nested of message.nestedMessages) this.#addMessage(nested);
  }
}
