import type { MessageInitShape } from "@bufbuild/protobuf";
import { type Client, createClient, type Transport } from "@connectrpc/connect";

import { DeadLetterQueueService } from "./gen/wms/orders/v1/dead_letters_pb.js";
import type { Event } from "./gen/wms/orders/v1/event_pb.js";
import { FulfillmentService } from "./gen/wms/orders/v1/fulfillment_pb.js";
import { OrderService, type WatchOrdersRequestSchema } from "./gen/wms/orders/v1/orders_pb.js";
import { ReprocessingService } from "./gen/wms/orders/v1/reprocessing_pb.js";
import { StorageService } from "./gen/wms/orders/v1/storage_pb.js";
import { watchOrders, type WatchOptions } from "./watch.js";

/** The five services, and a watch that goes on over breaks. */
export interface OrdersClient {
  readonly orders: Client<typeof OrderService>;
  readonly reprocessing: Client<typeof ReprocessingService>;
  readonly deadLetters: Client<typeof DeadLetterQueueService>;
  readonly storage: Client<typeof StorageService>;
  readonly fulfillment: Client<typeof FulfillmentService>;
  watchOrders(
    request: MessageInitShape<typeof WatchOrdersRequestSchema>,
    options?: WatchOptions,
  ): AsyncGenerator<Event, void, undefined>;
}

/** A client on a transport: that of `connectTransport` or of `grpcJsTransport`. */
export function ordersClient(transport: Transport): OrdersClient {
  const orders = createClient(OrderService, transport);
  return {
    orders,
    reprocessing: createClient(ReprocessingService, transport),
    deadLetters: createClient(DeadLetterQueueService, transport),
    storage: createClient(StorageService, transport),
    fulfillment: createClient(FulfillmentService, transport),
    watchOrders: (request, options) => watchOrders(orders, request, options),
  };
}
