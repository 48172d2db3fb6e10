// The TypeScript client of wms-orders: see README.md.
export { ordersClient, type OrdersClient } from "./client.js";
export { codeName, explain, type Failure, type Violation } from "./errors.js";
export { serviceConfig } from "./gen/service_config.js";
export * from "./gen/wms/orders/v1/dead_letter_pb.js";
export * from "./gen/wms/orders/v1/dead_letters_pb.js";
export * from "./gen/wms/orders/v1/error_pb.js";
export * from "./gen/wms/orders/v1/event_pb.js";
export * from "./gen/wms/orders/v1/fulfillment_pb.js";
export * from "./gen/wms/orders/v1/order_pb.js";
export * from "./gen/wms/orders/v1/orders_pb.js";
export * from "./gen/wms/orders/v1/reprocessing_pb.js";
export * from "./gen/wms/orders/v1/storage_pb.js";
export { watchOrders, type WatchOptions } from "./watch.js";
