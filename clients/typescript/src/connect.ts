// The way over connect-es: its gRPC transport, with the contract's retries and deadlines around it.
import { setTimeout as sleep } from "node:timers/promises";

import { ConnectError, type Transport } from "@connectrpc/connect";
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
        } catch (error) {
          const again = retry?.codes.has(codeName(ConnectError.from(error).code)) && throttle.failed();
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
    stream: (...call) => transport.stream(...call),
  };
}
