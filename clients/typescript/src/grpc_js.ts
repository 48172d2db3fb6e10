// The way over @grpc/grpc-js, which keeps the contract's service config by itself.
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { type Code, ConnectError, type Transport } from "@connectrpc/connect";
import * as grpc from "@grpc/grpc-js";

import { StatusSchema } from "./gen/google/rpc/status_pb.js";
import { serviceConfig } from "./gen/service_config.js";
import { withRequestId } from "./request_id.js";

// An order of 500 lines and a batch of them are larger than the 4 MiB that gRPC takes by default.
const answerLimit = 64 * 1024 * 1024;

/** What `createClient` of connect-es makes clients on, with a connection to be closed. */
export interface GrpcJsTransport extends Transport {
  readonly client: grpc.Client;
}

/** A transport to the service at `host:port`, in plain text without credentials. */
export function grpcJsTransport(
  address: string,
  credentials: grpc.ChannelCredentials = grpc.credentials.createInsecure(),
  options: grpc.ChannelOptions = {},
): GrpcJsTransport {
  const client = new grpc.Client(address, credentials, {
    "grpc.service_config": serviceConfig,
    "grpc.max_receive_message_length": answerLimit,
    ...options,
  });
  return {
    client,
    unary(method, signal, timeoutMs, header, input) {
      const request = create(method.input, withRequestId(method.input, input));
      return new Promise((resolve, reject) => {
        let headers = new Headers();
        let trailers = new Headers();
        const call = client.makeUnaryRequest(
          `/${method.parent.typeName}/${method.name}`,
          (one: typeof request) => Buffer.from(toBinary(method.input, one)),
          (bytes: Buffer) => fromBinary(method.output, bytes),
          request,
          metadataOf(header),
          callOptions(timeoutMs),
          (error, message) => {
            if (error || message === undefined) {
              reject(connectError(error));
              return;
            }
            // The trailers come after the message.
            setImmediate(() => {
              resolve({ stream: false, service: method.parent, method, header: headers, message, trailer: trailers });
            });
          },
        );
        call.on("metadata", (metadata) => (headers = headersOf(metadata)));
        call.on("status", (status) => (trailers = headersOf(status.metadata)));
        onAbort(signal, call);
      });
    },
    stream(method, signal, timeoutMs, header, input) {
      const call = client.makeBidiStreamRequest(
        `/${method.parent.typeName}/${method.name}`,
        (one: Uint8Array) => Buffer.from(one),
        (bytes: Buffer) => fromBinary(method.output, bytes),
        metadataOf(header),
        callOptions(timeoutMs),
      );
      onAbort(signal, call);
      // Told by the loop over its messages, and by nothing to who makes none.
      call.on("error", () => undefined);
      const trailer = new Headers();
      call.on("status", (status) => headersOf(status.metadata).forEach((value, name) => trailer.append(name, value)));
      void send();
      return Promise.resolve({
        stream: true,
        service: method.parent,
        method,
        header: new Headers(),
        message: received(),
        trailer,
      });

      async function send(): Promise<void> {
        try {
          for await (const one of input) {
            if (!call.write(toBinary(method.input, create(method.input, one)))) {
              await new Promise((drained) => call.once("drain", drained));
            }
          }
          call.end();
        } catch {
          call.cancel();
        }
      }

      async function* received() {
        try {
          for await (const message of call) {
            yield message as ReturnType<typeof create<typeof method.output>>;
          }
        } catch (error) {
          throw connectError(error);
        } finally {
          call.cancel();
        }
      }
    },
  };
}

/** The error of grpc-js as that of connect-es, with its details: so `explain` reads both. */
export function connectError(error: unknown): ConnectError {
  if (!(error instanceof Error) || !("code" in error) || !("metadata" in error)) {
    return ConnectError.from(error);
  }
  const told = error as grpc.ServiceError;
  const converted = new ConnectError(told.details, told.code as number as Code, undefined, undefined, told);
  for (const packed of told.metadata.get("grpc-status-details-bin")) {
    const status = fromBinary(StatusSchema, packed as Buffer);
    converted.details = status.details.map(({ typeUrl, value }) => ({
      type: typeUrl.slice(typeUrl.lastIndexOf("/") + 1),
      value,
    }));
  }
  return converted;
}

function callOptions(timeoutMs: number | undefined): grpc.CallOptions {
  return timeoutMs === undefined ? {} : { deadline: Date.now() + timeoutMs };
}

function metadataOf(header: ConstructorParameters<typeof Headers>[0]): grpc.Metadata {
  const metadata = new grpc.Metadata();
  new Headers(header).forEach((value, name) => metadata.add(name, value));
  return metadata;
}

function headersOf(metadata: grpc.Metadata): Headers {
  const headers = new Headers();
  for (const [name, value] of Object.entries(metadata.toHttp2Headers())) {
    for (const one of [value ?? []].flat()) {
      headers.append(name, String(one));
    }
  }
  return headers;
}

function onAbort(signal: AbortSignal | undefined, call: grpc.Call): void {
  if (!signal) {
    return;
  }
  const leave = () => call.cancel();
  if (signal.aborted) {
    leave();
  }
  signal.addEventListener("abort", leave, { once: true });
  call.once("status", () => signal.removeEventListener("abort", leave));
}
