// The way over connect-es: its gRPC transport, with the contract's retries and deadlines around it.
import { setTimeout as sleep } from "node:timers/promises";

import { Code, ConnectError, type Transport } from "@connectrpc/connect";
import { createGrpcTransport, type GrpcTransportOptions } from "@connectrpc/connect-node";

import { codeName } from "./errors.js";
import { policyFor, Throttle, waitBefore } from "./policy.js";
import { withRequestId } from "./request_id.js";

/**
 * A transport to the service at `http://host:port` or `https://host:port`. Nothing is sent before the
 * first call.
 */
export function connectTransport(baseUrl: string, options: Omit<GrpcTransportOptions, "baseUrl"> = {}): Transport {
  return withPolicies(createGrpcTransport({ ...options, baseUrl }));
}

/** Another transport of connect-es with the same retries, deadlines and request ids. */
export function withPolicies(transport: Transport): Transport {
  const throttle = new Throttle();
  return {
    async unary(method, signal, timeoutMs, header, input, contextValues) {
      const { timeoutMs: usual, retry } = policyFor(method.parent.typeName, method.name);
      // One id and one deadline for all attempts.
      const request = withRequestId(method.input, input);
      const most = timeoutMs ?? usual;
      const ends = most === undefined ? Infinity : performance.now() + most;
      for (let attempt = 1; ; attempt++) {
        const left = most === undefined ? undefined : Math.max(1, Math.ceil(ends - performance.now()));
        try {
          const answer = await transport.unary(method, signal, left, header, request, contextValues);
          throttle.succeeded();
          return answer;
        } catch (thrown) {
          const error = asTold(thrown, signal);
          const again = retry?.codes.has(codeName(error.code)) && throttle.failed();
          if (!retry || !again || attempt === retry.attempts) {
            throw error;
          }
          const wait = waitBefore(retry.backoff, attempt);
          if (performance.now() + wait >= ends) {
            throw error;
          }
          await sleep(wait, undefined, { signal });
        }
      }
    },
    async stream(method, signal, timeoutMs, header, input, contextValues) {
      try {
        const answer = await transport.stream(method, signal, timeoutMs, header, input, contextValues);
        return { ...answer, message: asToldEach(answer.message, signal) };
      } catch (error) {
        throw asTold(error, signal);
      }
    },
  };
}

async function* asToldEach<T>(messages: AsyncIterable<T>, signal: AbortSignal | undefined): AsyncGenerator<T> {
  try {
    yield* messages;
  } catch (error) {
    throw asTold(error, signal);
  }
}

/**
 * The error as gRPC has it. connect-es calls a connection that broke CANCELLED, or ABORTED with Node's error
 * behind it, which are words for what callers and the service decide.
 */
function asTold(thrown: unknown, signal: AbortSignal | undefined): ConnectError {
  const error = ConnectError.from(thrown);
  const leftByUs = signal?.aborted ?? false;
  const byNode = error.cause instanceof Error && "code" in error.cause;
  const broken = error.code === Code.Canceled || ((error.code === Code.Aborted || error.code === Code.Internal) && byNode);
  if (leftByUs || !broken) {
    return error;
  }
  return new ConnectError(error.rawMessage, Code.Unavailable, error.metadata, undefined, error);
}
