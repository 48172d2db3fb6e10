import { setTimeout as sleep } from "node:timers/promises";

import { clone, create, type MessageInitShape } from "@bufbuild/protobuf";
import { type Client, Code, ConnectError } from "@connectrpc/connect";

import type { Event } from "./gen/wms/orders/v1/event_pb.js";
import { type OrderService, WatchOrdersRequestSchema } from "./gen/wms/orders/v1/orders_pb.js";
import { defaultBackoff, waitBefore } from "./policy.js";

/** How a watch is made. */
export interface WatchOptions {
  /** Ends it. */
  readonly signal?: AbortSignal;
  /** Sent with each attempt. */
  readonly headers?: ConstructorParameters<typeof Headers>[0];
  /** The server sends a sign of life every few seconds; after so long without any the stream counts as broken. */
  readonly silenceMs?: number;
}

/**
 * The events that the request asks for, each once and in order, without an end. After a break it goes
 * on behind the last position that was seen, with growing waits between attempts that bring nothing.
 * Throws for what another attempt would not mend, such as POSITION_NOT_KEPT.
 */
export async function* watchOrders(
  orders: Client<typeof OrderService>,
  request: MessageInitShape<typeof WatchOrdersRequestSchema>,
  { signal, headers, silenceMs = 30_000 }: WatchOptions = {},
): AsyncGenerator<Event, void, undefined> {
  const wanted = clone(WatchOrdersRequestSchema, create(WatchOrdersRequestSchema, request));
  for (let failures = 0; ; ) {
    const silence = new AbortController();
    const alarm = setTimeout(() => silence.abort(), silenceMs);
    try {
      const signals = signal ? AbortSignal.any([signal, silence.signal]) : silence.signal;
      for await (const { message } of orders.watchOrders(wanted, { signal: signals, headers })) {
        failures = 0;
        if (message.case === "event") {
          wanted.position = message.value.position;
          // How long the consumer takes is no silence.
          clearTimeout(alarm);
          yield message.value;
        } else if (message.case === "heartbeat") {
          wanted.position = message.value.position;
        }
        alarm.refresh();
      }
    } catch (error) {
      const code = ConnectError.from(error).code;
      const resumed = silence.signal.aborted || code === Code.Unavailable || code === Code.ResourceExhausted;
      if (signal?.aborted || !resumed) {
        throw error;
      }
    } finally {
      clearTimeout(alarm);
    }
    failures++;
    await sleep(waitBefore(defaultBackoff, failures), undefined, { signal });
  }
}
