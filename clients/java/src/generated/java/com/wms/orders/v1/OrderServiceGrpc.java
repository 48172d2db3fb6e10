package com.wms.orders.v1;

import static io.grpc.MethodDescriptor.generateFullMethodName;

/**
 * <pre>
 * Creates orders, moves them through their statuses and tells what happened to them.
 * What holds for every call of this package:
 * - a request has at most 64 KiB, or what the call's `max_bytes` says, and its lists at most 12,500 elements
 *   in all, those of elements too; a larger one is refused before it is read;
 * - a request that breaks a rule written here answers `INVALID_ARGUMENT` / `INVALID_REQUEST` with one
 *   field violation per fault, all of them at once up to 100; a list that is too long is the only fault told;
 * - checks come in this order: syntax, replay of the request id, existence, etag, status;
 * - asking for the status that the order already has succeeds and tells no new event;
 * - every error carries a `google.rpc.ErrorInfo` with the domain `wms.orders` and a reason that is a
 *   value of `ErrorReason` without its prefix. Only reasons peculiar to a call are named there.
 * </pre>
 */
@io.grpc.stub.annotations.GrpcGenerated
public final class OrderServiceGrpc {

  private OrderServiceGrpc() {}

  public static final java.lang.String SERVICE_NAME = "wms.orders.v1.OrderService";

  // Static method descriptors that strictly reflect the proto.
  private static volatile io.grpc.MethodDescriptor<com.wms.orders.v1.CreateOrderRequest,
      com.wms.orders.v1.CreateOrderResponse> getCreateOrderMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "CreateOrder",
      requestType = com.wms.orders.v1.CreateOrderRequest.class,
      responseType = com.wms.orders.v1.CreateOrderResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<com.wms.orders.v1.CreateOrderRequest,
      com.wms.orders.v1.CreateOrderResponse> getCreateOrderMethod() {
    io.grpc.MethodDescriptor<com.wms.orders.v1.CreateOrderRequest, com.wms.orders.v1.CreateOrderResponse> getCreateOrderMethod;
    if ((getCreateOrderMethod = OrderServiceGrpc.getCreateOrderMethod) == null) {
      synchronized (OrderServiceGrpc.class) {
        if ((getCreateOrderMethod = OrderServiceGrpc.getCreateOrderMethod) == null) {
          OrderServiceGrpc.getCreateOrderMethod = getCreateOrderMethod =
              io.grpc.MethodDescriptor.<com.wms.orders.v1.CreateOrderRequest, com.wms.orders.v1.CreateOrderResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "CreateOrder"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.wms.orders.v1.CreateOrderRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.wms.orders.v1.CreateOrderResponse.getDefaultInstance()))
              .setSchemaDescriptor(new OrderServiceMethodDescriptorSupplier("CreateOrder"))
              .build();
        }
      }
    }
    return getCreateOrderMethod;
  }

  private static volatile io.grpc.MethodDescriptor<com.wms.orders.v1.BatchCreateOrdersRequest,
      com.wms.orders.v1.BatchCreateOrdersResponse> getBatchCreateOrdersMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "BatchCreateOrders",
      requestType = com.wms.orders.v1.BatchCreateOrdersRequest.class,
      responseType = com.wms.orders.v1.BatchCreateOrdersResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<com.wms.orders.v1.BatchCreateOrdersRequest,
      com.wms.orders.v1.BatchCreateOrdersResponse> getBatchCreateOrdersMethod() {
    io.grpc.MethodDescriptor<com.wms.orders.v1.BatchCreateOrdersRequest, com.wms.orders.v1.BatchCreateOrdersResponse> getBatchCreateOrdersMethod;
    if ((getBatchCreateOrdersMethod = OrderServiceGrpc.getBatchCreateOrdersMethod) == null) {
      synchronized (OrderServiceGrpc.class) {
        if ((getBatchCreateOrdersMethod = OrderServiceGrpc.getBatchCreateOrdersMethod) == null) {
          OrderServiceGrpc.getBatchCreateOrdersMethod = getBatchCreateOrdersMethod =
              io.grpc.MethodDescriptor.<com.wms.orders.v1.BatchCreateOrdersRequest, com.wms.orders.v1.BatchCreateOrdersResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "BatchCreateOrders"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.wms.orders.v1.BatchCreateOrdersRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.wms.orders.v1.BatchCreateOrdersResponse.getDefaultInstance()))
              .setSchemaDescriptor(new OrderServiceMethodDescriptorSupplier("BatchCreateOrders"))
              .build();
        }
      }
    }
    return getBatchCreateOrdersMethod;
  }

  private static volatile io.grpc.MethodDescriptor<com.wms.orders.v1.IngestOrdersRequest,
      com.wms.orders.v1.IngestOrdersResponse> getIngestOrdersMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "IngestOrders",
      requestType = com.wms.orders.v1.IngestOrdersRequest.class,
      responseType = com.wms.orders.v1.IngestOrdersResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.BIDI_STREAMING)
  public static io.grpc.MethodDescriptor<com.wms.orders.v1.IngestOrdersRequest,
      com.wms.orders.v1.IngestOrdersResponse> getIngestOrdersMethod() {
    io.grpc.MethodDescriptor<com.wms.orders.v1.IngestOrdersRequest, com.wms.orders.v1.IngestOrdersResponse> getIngestOrdersMethod;
    if ((getIngestOrdersMethod = OrderServiceGrpc.getIngestOrdersMethod) == null) {
      synchronized (OrderServiceGrpc.class) {
        if ((getIngestOrdersMethod = OrderServiceGrpc.getIngestOrdersMethod) == null) {
          OrderServiceGrpc.getIngestOrdersMethod = getIngestOrdersMethod =
              io.grpc.MethodDescriptor.<com.wms.orders.v1.IngestOrdersRequest, com.wms.orders.v1.IngestOrdersResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.BIDI_STREAMING)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "IngestOrders"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.wms.orders.v1.IngestOrdersRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.wms.orders.v1.IngestOrdersResponse.getDefaultInstance()))
              .setSchemaDescriptor(new OrderServiceMethodDescriptorSupplier("IngestOrders"))
              .build();
        }
      }
    }
    return getIngestOrdersMethod;
  }

  private static volatile io.grpc.MethodDescriptor<com.wms.orders.v1.GetOrderRequest,
      com.wms.orders.v1.GetOrderResponse> getGetOrderMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "GetOrder",
      requestType = com.wms.orders.v1.GetOrderRequest.class,
      responseType = com.wms.orders.v1.GetOrderResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<com.wms.orders.v1.GetOrderRequest,
      com.wms.orders.v1.GetOrderResponse> getGetOrderMethod() {
    io.grpc.MethodDescriptor<com.wms.orders.v1.GetOrderRequest, com.wms.orders.v1.GetOrderResponse> getGetOrderMethod;
    if ((getGetOrderMethod = OrderServiceGrpc.getGetOrderMethod) == null) {
      synchronized (OrderServiceGrpc.class) {
        if ((getGetOrderMethod = OrderServiceGrpc.getGetOrderMethod) == null) {
          OrderServiceGrpc.getGetOrderMethod = getGetOrderMethod =
              io.grpc.MethodDescriptor.<com.wms.orders.v1.GetOrderRequest, com.wms.orders.v1.GetOrderResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "GetOrder"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.wms.orders.v1.GetOrderRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.wms.orders.v1.GetOrderResponse.getDefaultInstance()))
              .setSchemaDescriptor(new OrderServiceMethodDescriptorSupplier("GetOrder"))
              .build();
        }
      }
    }
    return getGetOrderMethod;
  }

  private static volatile io.grpc.MethodDescriptor<com.wms.orders.v1.BatchGetOrdersRequest,
      com.wms.orders.v1.BatchGetOrdersResponse> getBatchGetOrdersMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "BatchGetOrders",
      requestType = com.wms.orders.v1.BatchGetOrdersRequest.class,
      responseType = com.wms.orders.v1.BatchGetOrdersResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<com.wms.orders.v1.BatchGetOrdersRequest,
      com.wms.orders.v1.BatchGetOrdersResponse> getBatchGetOrdersMethod() {
    io.grpc.MethodDescriptor<com.wms.orders.v1.BatchGetOrdersRequest, com.wms.orders.v1.BatchGetOrdersResponse> getBatchGetOrdersMethod;
    if ((getBatchGetOrdersMethod = OrderServiceGrpc.getBatchGetOrdersMethod) == null) {
      synchronized (OrderServiceGrpc.class) {
        if ((getBatchGetOrdersMethod = OrderServiceGrpc.getBatchGetOrdersMethod) == null) {
          OrderServiceGrpc.getBatchGetOrdersMethod = getBatchGetOrdersMethod =
              io.grpc.MethodDescriptor.<com.wms.orders.v1.BatchGetOrdersRequest, com.wms.orders.v1.BatchGetOrdersResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "BatchGetOrders"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.wms.orders.v1.BatchGetOrdersRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.wms.orders.v1.BatchGetOrdersResponse.getDefaultInstance()))
              .setSchemaDescriptor(new OrderServiceMethodDescriptorSupplier("BatchGetOrders"))
              .build();
        }
      }
    }
    return getBatchGetOrdersMethod;
  }

  private static volatile io.grpc.MethodDescriptor<com.wms.orders.v1.ListOrdersRequest,
      com.wms.orders.v1.ListOrdersResponse> getListOrdersMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ListOrders",
      requestType = com.wms.orders.v1.ListOrdersRequest.class,
      responseType = com.wms.orders.v1.ListOrdersResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<com.wms.orders.v1.ListOrdersRequest,
      com.wms.orders.v1.ListOrdersResponse> getListOrdersMethod() {
    io.grpc.MethodDescriptor<com.wms.orders.v1.ListOrdersRequest, com.wms.orders.v1.ListOrdersResponse> getListOrdersMethod;
    if ((getListOrdersMethod = OrderServiceGrpc.getListOrdersMethod) == null) {
      synchronized (OrderServiceGrpc.class) {
        if ((getListOrdersMethod = OrderServiceGrpc.getListOrdersMethod) == null) {
          OrderServiceGrpc.getListOrdersMethod = getListOrdersMethod =
              io.grpc.MethodDescriptor.<com.wms.orders.v1.ListOrdersRequest, com.wms.orders.v1.ListOrdersResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ListOrders"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.wms.orders.v1.ListOrdersRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.wms.orders.v1.ListOrdersResponse.getDefaultInstance()))
              .setSchemaDescriptor(new OrderServiceMethodDescriptorSupplier("ListOrders"))
              .build();
        }
      }
    }
    return getListOrdersMethod;
  }

  private static volatile io.grpc.MethodDescriptor<com.wms.orders.v1.UpdateOrderRequest,
      com.wms.orders.v1.UpdateOrderResponse> getUpdateOrderMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "UpdateOrder",
      requestType = com.wms.orders.v1.UpdateOrderRequest.class,
      responseType = com.wms.orders.v1.UpdateOrderResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<com.wms.orders.v1.UpdateOrderRequest,
      com.wms.orders.v1.UpdateOrderResponse> getUpdateOrderMethod() {
    io.grpc.MethodDescriptor<com.wms.orders.v1.UpdateOrderRequest, com.wms.orders.v1.UpdateOrderResponse> getUpdateOrderMethod;
    if ((getUpdateOrderMethod = OrderServiceGrpc.getUpdateOrderMethod) == null) {
      synchronized (OrderServiceGrpc.class) {
        if ((getUpdateOrderMethod = OrderServiceGrpc.getUpdateOrderMethod) == null) {
          OrderServiceGrpc.getUpdateOrderMethod = getUpdateOrderMethod =
              io.grpc.MethodDescriptor.<com.wms.orders.v1.UpdateOrderRequest, com.wms.orders.v1.UpdateOrderResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "UpdateOrder"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.wms.orders.v1.UpdateOrderRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.wms.orders.v1.UpdateOrderResponse.getDefaultInstance()))
              .setSchemaDescriptor(new OrderServiceMethodDescriptorSupplier("UpdateOrder"))
              .build();
        }
      }
    }
    return getUpdateOrderMethod;
  }

  private static volatile io.grpc.MethodDescriptor<com.wms.orders.v1.ValidateOrderRequest,
      com.wms.orders.v1.ValidateOrderResponse> getValidateOrderMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ValidateOrder",
      requestType = com.wms.orders.v1.ValidateOrderRequest.class,
      responseType = com.wms.orders.v1.ValidateOrderResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<com.wms.orders.v1.ValidateOrderRequest,
      com.wms.orders.v1.ValidateOrderResponse> getValidateOrderMethod() {
    io.grpc.MethodDescriptor<com.wms.orders.v1.ValidateOrderRequest, com.wms.orders.v1.ValidateOrderResponse> getValidateOrderMethod;
    if ((getValidateOrderMethod = OrderServiceGrpc.getValidateOrderMethod) == null) {
      synchronized (OrderServiceGrpc.class) {
        if ((getValidateOrderMethod = OrderServiceGrpc.getValidateOrderMethod) == null) {
          OrderServiceGrpc.getValidateOrderMethod = getValidateOrderMethod =
              io.grpc.MethodDescriptor.<com.wms.orders.v1.ValidateOrderRequest, com.wms.orders.v1.ValidateOrderResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ValidateOrder"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.wms.orders.v1.ValidateOrderRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.wms.orders.v1.ValidateOrderResponse.getDefaultInstance()))
              .setSchemaDescriptor(new OrderServiceMethodDescriptorSupplier("ValidateOrder"))
              .build();
        }
      }
    }
    return getValidateOrderMethod;
  }

  private static volatile io.grpc.MethodDescriptor<com.wms.orders.v1.CancelOrderRequest,
      com.wms.orders.v1.CancelOrderResponse> getCancelOrderMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "CancelOrder",
      requestType = com.wms.orders.v1.CancelOrderRequest.class,
      responseType = com.wms.orders.v1.CancelOrderResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<com.wms.orders.v1.CancelOrderRequest,
      com.wms.orders.v1.CancelOrderResponse> getCancelOrderMethod() {
    io.grpc.MethodDescriptor<com.wms.orders.v1.CancelOrderRequest, com.wms.orders.v1.CancelOrderResponse> getCancelOrderMethod;
    if ((getCancelOrderMethod = OrderServiceGrpc.getCancelOrderMethod) == null) {
      synchronized (OrderServiceGrpc.class) {
        if ((getCancelOrderMethod = OrderServiceGrpc.getCancelOrderMethod) == null) {
          OrderServiceGrpc.getCancelOrderMethod = getCancelOrderMethod =
              io.grpc.MethodDescriptor.<com.wms.orders.v1.CancelOrderRequest, com.wms.orders.v1.CancelOrderResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "CancelOrder"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.wms.orders.v1.CancelOrderRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.wms.orders.v1.CancelOrderResponse.getDefaultInstance()))
              .setSchemaDescriptor(new OrderServiceMethodDescriptorSupplier("CancelOrder"))
              .build();
        }
      }
    }
    return getCancelOrderMethod;
  }

  private static volatile io.grpc.MethodDescriptor<com.wms.orders.v1.ShipOrderRequest,
      com.wms.orders.v1.ShipOrderResponse> getShipOrderMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ShipOrder",
      requestType = com.wms.orders.v1.ShipOrderRequest.class,
      responseType = com.wms.orders.v1.ShipOrderResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<com.wms.orders.v1.ShipOrderRequest,
      com.wms.orders.v1.ShipOrderResponse> getShipOrderMethod() {
    io.grpc.MethodDescriptor<com.wms.orders.v1.ShipOrderRequest, com.wms.orders.v1.ShipOrderResponse> getShipOrderMethod;
    if ((getShipOrderMethod = OrderServiceGrpc.getShipOrderMethod) == null) {
      synchronized (OrderServiceGrpc.class) {
        if ((getShipOrderMethod = OrderServiceGrpc.getShipOrderMethod) == null) {
          OrderServiceGrpc.getShipOrderMethod = getShipOrderMethod =
              io.grpc.MethodDescriptor.<com.wms.orders.v1.ShipOrderRequest, com.wms.orders.v1.ShipOrderResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ShipOrder"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.wms.orders.v1.ShipOrderRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.wms.orders.v1.ShipOrderResponse.getDefaultInstance()))
              .setSchemaDescriptor(new OrderServiceMethodDescriptorSupplier("ShipOrder"))
              .build();
        }
      }
    }
    return getShipOrderMethod;
  }

  private static volatile io.grpc.MethodDescriptor<com.wms.orders.v1.CompleteOrderRequest,
      com.wms.orders.v1.CompleteOrderResponse> getCompleteOrderMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "CompleteOrder",
      requestType = com.wms.orders.v1.CompleteOrderRequest.class,
      responseType = com.wms.orders.v1.CompleteOrderResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<com.wms.orders.v1.CompleteOrderRequest,
      com.wms.orders.v1.CompleteOrderResponse> getCompleteOrderMethod() {
    io.grpc.MethodDescriptor<com.wms.orders.v1.CompleteOrderRequest, com.wms.orders.v1.CompleteOrderResponse> getCompleteOrderMethod;
    if ((getCompleteOrderMethod = OrderServiceGrpc.getCompleteOrderMethod) == null) {
      synchronized (OrderServiceGrpc.class) {
        if ((getCompleteOrderMethod = OrderServiceGrpc.getCompleteOrderMethod) == null) {
          OrderServiceGrpc.getCompleteOrderMethod = getCompleteOrderMethod =
              io.grpc.MethodDescriptor.<com.wms.orders.v1.CompleteOrderRequest, com.wms.orders.v1.CompleteOrderResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "CompleteOrder"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.wms.orders.v1.CompleteOrderRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.wms.orders.v1.CompleteOrderResponse.getDefaultInstance()))
              .setSchemaDescriptor(new OrderServiceMethodDescriptorSupplier("CompleteOrder"))
              .build();
        }
      }
    }
    return getCompleteOrderMethod;
  }

  private static volatile io.grpc.MethodDescriptor<com.wms.orders.v1.AssignOrdersToWaveRequest,
      com.wms.orders.v1.AssignOrdersToWaveResponse> getAssignOrdersToWaveMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "AssignOrdersToWave",
      requestType = com.wms.orders.v1.AssignOrdersToWaveRequest.class,
      responseType = com.wms.orders.v1.AssignOrdersToWaveResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<com.wms.orders.v1.AssignOrdersToWaveRequest,
      com.wms.orders.v1.AssignOrdersToWaveResponse> getAssignOrdersToWaveMethod() {
    io.grpc.MethodDescriptor<com.wms.orders.v1.AssignOrdersToWaveRequest, com.wms.orders.v1.AssignOrdersToWaveResponse> getAssignOrdersToWaveMethod;
    if ((getAssignOrdersToWaveMethod = OrderServiceGrpc.getAssignOrdersToWaveMethod) == null) {
      synchronized (OrderServiceGrpc.class) {
        if ((getAssignOrdersToWaveMethod = OrderServiceGrpc.getAssignOrdersToWaveMethod) == null) {
          OrderServiceGrpc.getAssignOrdersToWaveMethod = getAssignOrdersToWaveMethod =
              io.grpc.MethodDescriptor.<com.wms.orders.v1.AssignOrdersToWaveRequest, com.wms.orders.v1.AssignOrdersToWaveResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "AssignOrdersToWave"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.wms.orders.v1.AssignOrdersToWaveRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.wms.orders.v1.AssignOrdersToWaveResponse.getDefaultInstance()))
              .setSchemaDescriptor(new OrderServiceMethodDescriptorSupplier("AssignOrdersToWave"))
              .build();
        }
      }
    }
    return getAssignOrdersToWaveMethod;
  }

  private static volatile io.grpc.MethodDescriptor<com.wms.orders.v1.GetOrderHistoryRequest,
      com.wms.orders.v1.GetOrderHistoryResponse> getGetOrderHistoryMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "GetOrderHistory",
      requestType = com.wms.orders.v1.GetOrderHistoryRequest.class,
      responseType = com.wms.orders.v1.GetOrderHistoryResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<com.wms.orders.v1.GetOrderHistoryRequest,
      com.wms.orders.v1.GetOrderHistoryResponse> getGetOrderHistoryMethod() {
    io.grpc.MethodDescriptor<com.wms.orders.v1.GetOrderHistoryRequest, com.wms.orders.v1.GetOrderHistoryResponse> getGetOrderHistoryMethod;
    if ((getGetOrderHistoryMethod = OrderServiceGrpc.getGetOrderHistoryMethod) == null) {
      synchronized (OrderServiceGrpc.class) {
        if ((getGetOrderHistoryMethod = OrderServiceGrpc.getGetOrderHistoryMethod) == null) {
          OrderServiceGrpc.getGetOrderHistoryMethod = getGetOrderHistoryMethod =
              io.grpc.MethodDescriptor.<com.wms.orders.v1.GetOrderHistoryRequest, com.wms.orders.v1.GetOrderHistoryResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "GetOrderHistory"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.wms.orders.v1.GetOrderHistoryRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.wms.orders.v1.GetOrderHistoryResponse.getDefaultInstance()))
              .setSchemaDescriptor(new OrderServiceMethodDescriptorSupplier("GetOrderHistory"))
              .build();
        }
      }
    }
    return getGetOrderHistoryMethod;
  }

  private static volatile io.grpc.MethodDescriptor<com.wms.orders.v1.ExplainOrderRequest,
      com.wms.orders.v1.ExplainOrderResponse> getExplainOrderMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ExplainOrder",
      requestType = com.wms.orders.v1.ExplainOrderRequest.class,
      responseType = com.wms.orders.v1.ExplainOrderResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<com.wms.orders.v1.ExplainOrderRequest,
      com.wms.orders.v1.ExplainOrderResponse> getExplainOrderMethod() {
    io.grpc.MethodDescriptor<com.wms.orders.v1.ExplainOrderRequest, com.wms.orders.v1.ExplainOrderResponse> getExplainOrderMethod;
    if ((getExplainOrderMethod = OrderServiceGrpc.getExplainOrderMethod) == null) {
      synchronized (OrderServiceGrpc.class) {
        if ((getExplainOrderMethod = OrderServiceGrpc.getExplainOrderMethod) == null) {
          OrderServiceGrpc.getExplainOrderMethod = getExplainOrderMethod =
              io.grpc.MethodDescriptor.<com.wms.orders.v1.ExplainOrderRequest, com.wms.orders.v1.ExplainOrderResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ExplainOrder"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.wms.orders.v1.ExplainOrderRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.wms.orders.v1.ExplainOrderResponse.getDefaultInstance()))
              .setSchemaDescriptor(new OrderServiceMethodDescriptorSupplier("ExplainOrder"))
              .build();
        }
      }
    }
    return getExplainOrderMethod;
  }

  private static volatile io.grpc.MethodDescriptor<com.wms.orders.v1.WatchOrdersRequest,
      com.wms.orders.v1.WatchOrdersResponse> getWatchOrdersMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "WatchOrders",
      requestType = com.wms.orders.v1.WatchOrdersRequest.class,
      responseType = com.wms.orders.v1.WatchOrdersResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.SERVER_STREAMING)
  public static io.grpc.MethodDescriptor<com.wms.orders.v1.WatchOrdersRequest,
      com.wms.orders.v1.WatchOrdersResponse> getWatchOrdersMethod() {
    io.grpc.MethodDescriptor<com.wms.orders.v1.WatchOrdersRequest, com.wms.orders.v1.WatchOrdersResponse> getWatchOrdersMethod;
    if ((getWatchOrdersMethod = OrderServiceGrpc.getWatchOrdersMethod) == null) {
      synchronized (OrderServiceGrpc.class) {
        if ((getWatchOrdersMethod = OrderServiceGrpc.getWatchOrdersMethod) == null) {
          OrderServiceGrpc.getWatchOrdersMethod = getWatchOrdersMethod =
              io.grpc.MethodDescriptor.<com.wms.orders.v1.WatchOrdersRequest, com.wms.orders.v1.WatchOrdersResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.SERVER_STREAMING)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "WatchOrders"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.wms.orders.v1.WatchOrdersRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.wms.orders.v1.WatchOrdersResponse.getDefaultInstance()))
              .setSchemaDescriptor(new OrderServiceMethodDescriptorSupplier("WatchOrders"))
              .build();
        }
      }
    }
    return getWatchOrdersMethod;
  }

  /**
   * Creates a new async stub that supports all call types for the service
   */
  public static OrderServiceStub newStub(io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<OrderServiceStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<OrderServiceStub>() {
        @java.lang.Override
        public OrderServiceStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new OrderServiceStub(channel, callOptions);
        }
      };
    return OrderServiceStub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports all types of calls on the service
   */
  public static OrderServiceBlockingV2Stub newBlockingV2Stub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<OrderServiceBlockingV2Stub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<OrderServiceBlockingV2Stub>() {
        @java.lang.Override
        public OrderServiceBlockingV2Stub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new OrderServiceBlockingV2Stub(channel, callOptions);
        }
      };
    return OrderServiceBlockingV2Stub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports unary and streaming output calls on the service
   */
  public static OrderServiceBlockingStub newBlockingStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<OrderServiceBlockingStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<OrderServiceBlockingStub>() {
        @java.lang.Override
        public OrderServiceBlockingStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new OrderServiceBlockingStub(channel, callOptions);
        }
      };
    return OrderServiceBlockingStub.newStub(factory, channel);
  }

  /**
   * Creates a new ListenableFuture-style stub that supports unary calls on the service
   */
  public static OrderServiceFutureStub newFutureStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<OrderServiceFutureStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<OrderServiceFutureStub>() {
        @java.lang.Override
        public OrderServiceFutureStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new OrderServiceFutureStub(channel, callOptions);
        }
      };
    return OrderServiceFutureStub.newStub(factory, channel);
  }

  /**
   * <pre>
   * Creates orders, moves them through their statuses and tells what happened to them.
   * What holds for every call of this package:
   * - a request has at most 64 KiB, or what the call's `max_bytes` says, and its lists at most 12,500 elements
   *   in all, those of elements too; a larger one is refused before it is read;
   * - a request that breaks a rule written here answers `INVALID_ARGUMENT` / `INVALID_REQUEST` with one
   *   field violation per fault, all of them at once up to 100; a list that is too long is the only fault told;
   * - checks come in this order: syntax, replay of the request id, existence, etag, status;
   * - asking for the status that the order already has succeeds and tells no new event;
   * - every error carries a `google.rpc.ErrorInfo` with the domain `wms.orders` and a reason that is a
   *   value of `ErrorReason` without its prefix. Only reasons peculiar to a call are named there.
   * </pre>
   */
  public interface AsyncService {

    /**
     * <pre>
     * Creates one order in status `RECEIVED`.
     * Errors: `WAREHOUSE_NOT_FOUND`, `ORDER_ALREADY_EXISTS`, `REQUEST_ID_REUSED`.
     * </pre>
     */
    default void createOrder(com.wms.orders.v1.CreateOrderRequest request,
        io.grpc.stub.StreamObserver<com.wms.orders.v1.CreateOrderResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getCreateOrderMethod(), responseObserver);
    }

    /**
     * <pre>
     * Creates up to 500 orders, which have at most 12,000 lines in all. Not all or nothing: each element is
     * checked and stored by itself, and each gets its result at its own place; after 1,000 faults in all, those
     * of a further element are told by their first one. With a `request_id`, the whole answer is replayed.
     * Errors of the batch: `REQUEST_ID_REUSED`, `RESPONSE_TOO_LARGE`. Errors of an element: those of CreateOrder.
     * </pre>
     */
    default void batchCreateOrders(com.wms.orders.v1.BatchCreateOrdersRequest request,
        io.grpc.stub.StreamObserver<com.wms.orders.v1.BatchCreateOrdersResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getBatchCreateOrdersMethod(), responseObserver);
    }

    /**
     * <pre>
     * Creates orders from a stream, for bulk loads: one result per order, in the order of the requests,
     * each sent when its order is committed. A bad order does not end the stream.
     * Errors of an element: those of CreateOrder.
     * </pre>
     */
    default io.grpc.stub.StreamObserver<com.wms.orders.v1.IngestOrdersRequest> ingestOrders(
        io.grpc.stub.StreamObserver<com.wms.orders.v1.IngestOrdersResponse> responseObserver) {
      return io.grpc.stub.ServerCalls.asyncUnimplementedStreamingCall(getIngestOrdersMethod(), responseObserver);
    }

    /**
     * <pre>
     * Reads one order.
     * Errors: `ORDER_NOT_FOUND`.
     * </pre>
     */
    default void getOrder(com.wms.orders.v1.GetOrderRequest request,
        io.grpc.stub.StreamObserver<com.wms.orders.v1.GetOrderResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getGetOrderMethod(), responseObserver);
    }

    /**
     * <pre>
     * Reads up to 500 orders, all from one moment, in the order of the ids. All or nothing: when they are very
     * long, so that the answer would be larger than clients take by default, it is refused; ask for fewer.
     * Errors: `ORDER_NOT_FOUND`, with the first id that does not exist; `RESPONSE_TOO_LARGE`.
     * </pre>
     */
    default void batchGetOrders(com.wms.orders.v1.BatchGetOrdersRequest request,
        io.grpc.stub.StreamObserver<com.wms.orders.v1.BatchGetOrdersResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getBatchGetOrdersMethod(), responseObserver);
    }

    /**
     * <pre>
     * Lists orders, newest first. Pages never repeat or skip an order while others are added. A page of very
     * long orders ends early, below 4 MiB; its token leads on.
     * Errors: `INVALID_PAGE_TOKEN`.
     * </pre>
     */
    default void listOrders(com.wms.orders.v1.ListOrdersRequest request,
        io.grpc.stub.StreamObserver<com.wms.orders.v1.ListOrdersResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListOrdersMethod(), responseObserver);
    }

    /**
     * <pre>
     * Changes the address, the priority, the promised time or the items. Only before `PICKING`, which is
     * in `RECEIVED`, `VALIDATED` and `ASSIGNED_TO_WAVE`.
     * Errors: `ORDER_NOT_FOUND`, `ETAG_MISMATCH`, `ORDER_STATUS_CONFLICT`, `REQUEST_ID_REUSED`.
     * </pre>
     */
    default void updateOrder(com.wms.orders.v1.UpdateOrderRequest request,
        io.grpc.stub.StreamObserver<com.wms.orders.v1.UpdateOrderResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getUpdateOrderMethod(), responseObserver);
    }

    /**
     * <pre>
     * Moves an order from `RECEIVED` to `VALIDATED`. Checks the order, not stock.
     * Errors: `ORDER_NOT_FOUND`, `ETAG_MISMATCH`, `ORDER_STATUS_CONFLICT`, `REQUEST_ID_REUSED`.
     * </pre>
     */
    default void validateOrder(com.wms.orders.v1.ValidateOrderRequest request,
        io.grpc.stub.StreamObserver<com.wms.orders.v1.ValidateOrderResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getValidateOrderMethod(), responseObserver);
    }

    /**
     * <pre>
     * Cancels an order that has not been shipped: frees its stock, cancels its moves that nobody has
     * claimed, closes its backorders and its dead letter entry.
     * Errors: `ORDER_NOT_FOUND`, `ETAG_MISMATCH`, `ORDER_STATUS_CONFLICT`, `REQUEST_ID_REUSED`.
     * </pre>
     */
    default void cancelOrder(com.wms.orders.v1.CancelOrderRequest request,
        io.grpc.stub.StreamObserver<com.wms.orders.v1.CancelOrderResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getCancelOrderMethod(), responseObserver);
    }

    /**
     * <pre>
     * Ships what has been delivered to the destination and not shipped yet. The first call moves the
     * order from `PACKING` to `SHIPPED`; a further one ships what backorders have brought since, as a
     * further shipment.
     * Errors: `ORDER_NOT_FOUND`, `ETAG_MISMATCH`, `ORDER_STATUS_CONFLICT`, `NOTHING_TO_SHIP`,
     * `REQUEST_ID_REUSED`.
     * </pre>
     */
    default void shipOrder(com.wms.orders.v1.ShipOrderRequest request,
        io.grpc.stub.StreamObserver<com.wms.orders.v1.ShipOrderResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getShipOrderMethod(), responseObserver);
    }

    /**
     * <pre>
     * Confirms delivery: moves an order from `SHIPPED` to `COMPLETED`.
     * Errors: `ORDER_NOT_FOUND`, `ETAG_MISMATCH`, `ORDER_STATUS_CONFLICT`, `BACKORDER_OPEN`,
     * `TIME_IN_FUTURE`, `REQUEST_ID_REUSED`.
     * </pre>
     */
    default void completeOrder(com.wms.orders.v1.CompleteOrderRequest request,
        io.grpc.stub.StreamObserver<com.wms.orders.v1.CompleteOrderResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getCompleteOrderMethod(), responseObserver);
    }

    /**
     * <pre>
     * Puts validated orders into a wave and gives them its destination. All or nothing; orders that are so long
     * that the answer would be larger than clients take by default are refused before anything is done.
     * Errors: `ORDER_NOT_FOUND`, `DESTINATION_NOT_FOUND`, `WAREHOUSE_MISMATCH`,
     * `WAVE_DESTINATION_CONFLICT`, `ORDER_STATUS_CONFLICT`, `RESPONSE_TOO_LARGE`, `REQUEST_ID_REUSED`.
     * </pre>
     */
    default void assignOrdersToWave(com.wms.orders.v1.AssignOrdersToWaveRequest request,
        io.grpc.stub.StreamObserver<com.wms.orders.v1.AssignOrdersToWaveResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getAssignOrdersToWaveMethod(), responseObserver);
    }

    /**
     * <pre>
     * Lists the events of one order, oldest first. An event is here as soon as the change it tells of, and
     * for 30 days at least as a rule (`EVENT_RETENTION`): of an order that is older, the first ones may be
     * gone, so that what is here does not begin with `sequence` 1. A page of very long events ends early, below
     * 4 MiB; its token leads on.
     * Errors: `ORDER_NOT_FOUND`, `INVALID_PAGE_TOKEN`.
     * </pre>
     */
    default void getOrderHistory(com.wms.orders.v1.GetOrderHistoryRequest request,
        io.grpc.stub.StreamObserver<com.wms.orders.v1.GetOrderHistoryResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getGetOrderHistoryMethod(), responseObserver);
    }

    /**
     * <pre>
     * Tells why an order waits, when anything will be tried next, and which calls are legal now.
     * Errors: `ORDER_NOT_FOUND`.
     * </pre>
     */
    default void explainOrder(com.wms.orders.v1.ExplainOrderRequest request,
        io.grpc.stub.StreamObserver<com.wms.orders.v1.ExplainOrderResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getExplainOrderMethod(), responseObserver);
    }

    /**
     * <pre>
     * Follows the events of all orders, or of those that the filters let through, each once and in the order
     * of positions: those of an order in the order of its changes, and a change that was asked for after another
     * was answered comes after it. An event is told within a second of its change as a rule, also to a thousand
     * watchers.
     * The first message is a heartbeat with the position that the stream begins after; others come while old
     * events are searched for a rare kind, and after some seconds without news. To resume without gap or
     * repeat, start again from the last position seen, in an event or a heartbeat.
     * Events are kept for 30 days at least as a rule (`EVENT_RETENTION`). A position whose next events are no
     * longer kept, or that lies ahead of all events (as one of another database does), is refused.
     * The stream has no end of its own, and the server sets no deadline; that of the client, if any, ends it.
     * It ends with an error when the server shuts down (`SHUTTING_DOWN`), when the database is away or does
     * not answer for some seconds (`DATABASE_UNAVAILABLE`), and when this watcher does not take a message for
     * 30 seconds or falls thousands of messages behind the news (`WATCHER_TOO_SLOW`). The metadata of these
     * errors has the `position` of the last message sent. A watcher that begins in the past may take its
     * time with what is old.
     * A server holds a limited number of streams open; one more is `OVERLOADED`.
     * Over HTTP these are server-sent events, whose id is the position: `Last-Event-ID` resumes after it.
     * Errors: `POSITION_NOT_KEPT`, `WATCHER_TOO_SLOW`, `OVERLOADED`, `SHUTTING_DOWN`,
     * `DATABASE_UNAVAILABLE`.
     * </pre>
     */
    default void watchOrders(com.wms.orders.v1.WatchOrdersRequest request,
        io.grpc.stub.StreamObserver<com.wms.orders.v1.WatchOrdersResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getWatchOrdersMethod(), responseObserver);
    }
  }

  /**
   * Base class for the server implementation of the service OrderService.
   * <pre>
   * Creates orders, moves them through their statuses and tells what happened to them.
   * What holds for every call of this package:
   * - a request has at most 64 KiB, or what the call's `max_bytes` says, and its lists at most 12,500 elements
   *   in all, those of elements too; a larger one is refused before it is read;
   * - a request that breaks a rule written here answers `INVALID_ARGUMENT` / `INVALID_REQUEST` with one
   *   field violation per fault, all of them at once up to 100; a list that is too long is the only fault told;
   * - checks come in this order: syntax, replay of the request id, existence, etag, status;
   * - asking for the status that the order already has succeeds and tells no new event;
   * - every error carries a `google.rpc.ErrorInfo` with the domain `wms.orders` and a reason that is a
   *   value of `ErrorReason` without its prefix. Only reasons peculiar to a call are named there.
   * </pre>
   */
  public static abstract class OrderServiceImplBase
      implements io.grpc.BindableService, AsyncService {

    @java.lang.Override public final io.grpc.ServerServiceDefinition bindService() {
      return OrderServiceGrpc.bindService(this);
    }
  }

  /**
   * A stub to allow clients to do asynchronous rpc calls to service OrderService.
   * <pre>
   * Creates orders, moves them through their statuses and tells what happened to them.
   * What holds for every call of this package:
   * - a request has at most 64 KiB, or what the call's `max_bytes` says, and its lists at most 12,500 elements
   *   in all, those of elements too; a larger one is refused before it is read;
   * - a request that breaks a rule written here answers `INVALID_ARGUMENT` / `INVALID_REQUEST` with one
   *   field violation per fault, all of them at once up to 100; a list that is too long is the only fault told;
   * - checks come in this order: syntax, replay of the request id, existence, etag, status;
   * - asking for the status that the order already has succeeds and tells no new event;
   * - every error carries a `google.rpc.ErrorInfo` with the domain `wms.orders` and a reason that is a
   *   value of `ErrorReason` without its prefix. Only reasons peculiar to a call are named there.
   * </pre>
   */
  public static final class OrderServiceStub
      extends io.grpc.stub.AbstractAsyncStub<OrderServiceStub> {
    private OrderServiceStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected OrderServiceStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new OrderServiceStub(channel, callOptions);
    }

    /**
     * <pre>
     * Creates one order in status `RECEIVED`.
     * Errors: `WAREHOUSE_NOT_FOUND`, `ORDER_ALREADY_EXISTS`, `REQUEST_ID_REUSED`.
     * </pre>
     */
    public void createOrder(com.wms.orders.v1.CreateOrderRequest request,
        io.grpc.stub.StreamObserver<com.wms.orders.v1.CreateOrderResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getCreateOrderMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Creates up to 500 orders, which have at most 12,000 lines in all. Not all or nothing: each element is
     * checked and stored by itself, and each gets its result at its own place; after 1,000 faults in all, those
     * of a further element are told by their first one. With a `request_id`, the whole answer is replayed.
     * Errors of the batch: `REQUEST_ID_REUSED`, `RESPONSE_TOO_LARGE`. Errors of an element: those of CreateOrder.
     * </pre>
     */
    public void batchCreateOrders(com.wms.orders.v1.BatchCreateOrdersRequest request,
        io.grpc.stub.StreamObserver<com.wms.orders.v1.BatchCreateOrdersResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getBatchCreateOrdersMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Creates orders from a stream, for bulk loads: one result per order, in the order of the requests,
     * each sent when its order is committed. A bad order does not end the stream.
     * Errors of an element: those of CreateOrder.
     * </pre>
     */
    public io.grpc.stub.StreamObserver<com.wms.orders.v1.IngestOrdersRequest> ingestOrders(
        io.grpc.stub.StreamObserver<com.wms.orders.v1.IngestOrdersResponse> responseObserver) {
      return io.grpc.stub.ClientCalls.asyncBidiStreamingCall(
          getChannel().newCall(getIngestOrdersMethod(), getCallOptions()), responseObserver);
    }

    /**
     * <pre>
     * Reads one order.
     * Errors: `ORDER_NOT_FOUND`.
     * </pre>
     */
    public void getOrder(com.wms.orders.v1.GetOrderRequest request,
        io.grpc.stub.StreamObserver<com.wms.orders.v1.GetOrderResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getGetOrderMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Reads up to 500 orders, all from one moment, in the order of the ids. All or nothing: when they are very
     * long, so that the answer would be larger than clients take by default, it is refused; ask for fewer.
     * Errors: `ORDER_NOT_FOUND`, with the first id that does not exist; `RESPONSE_TOO_LARGE`.
     * </pre>
     */
    public void batchGetOrders(com.wms.orders.v1.BatchGetOrdersRequest request,
        io.grpc.stub.StreamObserver<com.wms.orders.v1.BatchGetOrdersResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getBatchGetOrdersMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Lists orders, newest first. Pages never repeat or skip an order while others are added. A page of very
     * long orders ends early, below 4 MiB; its token leads on.
     * Errors: `INVALID_PAGE_TOKEN`.
     * </pre>
     */
    public void listOrders(com.wms.orders.v1.ListOrdersRequest request,
        io.grpc.stub.StreamObserver<com.wms.orders.v1.ListOrdersResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getListOrdersMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Changes the address, the priority, the promised time or the items. Only before `PICKING`, which is
     * in `RECEIVED`, `VALIDATED` and `ASSIGNED_TO_WAVE`.
     * Errors: `ORDER_NOT_FOUND`, `ETAG_MISMATCH`, `ORDER_STATUS_CONFLICT`, `REQUEST_ID_REUSED`.
     * </pre>
     */
    public void updateOrder(com.wms.orders.v1.UpdateOrderRequest request,
        io.grpc.stub.StreamObserver<com.wms.orders.v1.UpdateOrderResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getUpdateOrderMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Moves an order from `RECEIVED` to `VALIDATED`. Checks the order, not stock.
     * Errors: `ORDER_NOT_FOUND`, `ETAG_MISMATCH`, `ORDER_STATUS_CONFLICT`, `REQUEST_ID_REUSED`.
     * </pre>
     */
    public void validateOrder(com.wms.orders.v1.ValidateOrderRequest request,
        io.grpc.stub.StreamObserver<com.wms.orders.v1.ValidateOrderResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getValidateOrderMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Cancels an order that has not been shipped: frees its stock, cancels its moves that nobody has
     * claimed, closes its backorders and its dead letter entry.
     * Errors: `ORDER_NOT_FOUND`, `ETAG_MISMATCH`, `ORDER_STATUS_CONFLICT`, `REQUEST_ID_REUSED`.
     * </pre>
     */
    public void cancelOrder(com.wms.orders.v1.CancelOrderRequest request,
        io.grpc.stub.StreamObserver<com.wms.orders.v1.CancelOrderResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getCancelOrderMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Ships what has been delivered to the destination and not shipped yet. The first call moves the
     * order from `PACKING` to `SHIPPED`; a further one ships what backorders have brought since, as a
     * further shipment.
     * Errors: `ORDER_NOT_FOUND`, `ETAG_MISMATCH`, `ORDER_STATUS_CONFLICT`, `NOTHING_TO_SHIP`,
     * `REQUEST_ID_REUSED`.
     * </pre>
     */
    public void shipOrder(com.wms.orders.v1.ShipOrderRequest request,
        io.grpc.stub.StreamObserver<com.wms.orders.v1.ShipOrderResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getShipOrderMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Confirms delivery: moves an order from `SHIPPED` to `COMPLETED`.
     * Errors: `ORDER_NOT_FOUND`, `ETAG_MISMATCH`, `ORDER_STATUS_CONFLICT`, `BACKORDER_OPEN`,
     * `TIME_IN_FUTURE`, `REQUEST_ID_REUSED`.
     * </pre>
     */
    public void completeOrder(com.wms.orders.v1.CompleteOrderRequest request,
        io.grpc.stub.StreamObserver<com.wms.orders.v1.CompleteOrderResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getCompleteOrderMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Puts validated orders into a wave and gives them its destination. All or nothing; orders that are so long
     * that the answer would be larger than clients take by default are refused before anything is done.
     * Errors: `ORDER_NOT_FOUND`, `DESTINATION_NOT_FOUND`, `WAREHOUSE_MISMATCH`,
     * `WAVE_DESTINATION_CONFLICT`, `ORDER_STATUS_CONFLICT`, `RESPONSE_TOO_LARGE`, `REQUEST_ID_REUSED`.
     * </pre>
     */
    public void assignOrdersToWave(com.wms.orders.v1.AssignOrdersToWaveRequest request,
        io.grpc.stub.StreamObserver<com.wms.orders.v1.AssignOrdersToWaveResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getAssignOrdersToWaveMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Lists the events of one order, oldest first. An event is here as soon as the change it tells of, and
     * for 30 days at least as a rule (`EVENT_RETENTION`): of an order that is older, the first ones may be
     * gone, so that what is here does not begin with `sequence` 1. A page of very long events ends early, below
     * 4 MiB; its token leads on.
     * Errors: `ORDER_NOT_FOUND`, `INVALID_PAGE_TOKEN`.
     * </pre>
     */
    public void getOrderHistory(com.wms.orders.v1.GetOrderHistoryRequest request,
        io.grpc.stub.StreamObserver<com.wms.orders.v1.GetOrderHistoryResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getGetOrderHistoryMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Tells why an order waits, when anything will be tried next, and which calls are legal now.
     * Errors: `ORDER_NOT_FOUND`.
     * </pre>
     */
    public void explainOrder(com.wms.orders.v1.ExplainOrderRequest request,
        io.grpc.stub.StreamObserver<com.wms.orders.v1.ExplainOrderResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getExplainOrderMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Follows the events of all orders, or of those that the filters let through, each once and in the order
     * of positions: those of an order in the order of its changes, and a change that was asked for after another
     * was answered comes after it. An event is told within a second of its change as a rule, also to a thousand
     * watchers.
     * The first message is a heartbeat with the position that the stream begins after; others come while old
     * events are searched for a rare kind, and after some seconds without news. To resume without gap or
     * repeat, start again from the last position seen, in an event or a heartbeat.
     * Events are kept for 30 days at least as a rule (`EVENT_RETENTION`). A position whose next events are no
     * longer kept, or that lies ahead of all events (as one of another database does), is refused.
     * The stream has no end of its own, and the server sets no deadline; that of the client, if any, ends it.
     * It ends with an error when the server shuts down (`SHUTTING_DOWN`), when the database is away or does
     * not answer for some seconds (`DATABASE_UNAVAILABLE`), and when this watcher does not take a message for
     * 30 seconds or falls thousands of messages behind the news (`WATCHER_TOO_SLOW`). The metadata of these
     * errors has the `position` of the last message sent. A watcher that begins in the past may take its
     * time with what is old.
     * A server holds a limited number of streams open; one more is `OVERLOADED`.
     * Over HTTP these are server-sent events, whose id is the position: `Last-Event-ID` resumes after it.
     * Errors: `POSITION_NOT_KEPT`, `WATCHER_TOO_SLOW`, `OVERLOADED`, `SHUTTING_DOWN`,
     * `DATABASE_UNAVAILABLE`.
     * </pre>
     */
    public void watchOrders(com.wms.orders.v1.WatchOrdersRequest request,
        io.grpc.stub.StreamObserver<com.wms.orders.v1.WatchOrdersResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncServerStreamingCall(
          getChannel().newCall(getWatchOrdersMethod(), getCallOptions()), request, responseObserver);
    }
  }

  /**
   * A stub to allow clients to do synchronous rpc calls to service OrderService.
   * <pre>
   * Creates orders, moves them through their statuses and tells what happened to them.
   * What holds for every call of this package:
   * - a request has at most 64 KiB, or what the call's `max_bytes` says, and its lists at most 12,500 elements
   *   in all, those of elements too; a larger one is refused before it is read;
   * - a request that breaks a rule written here answers `INVALID_ARGUMENT` / `INVALID_REQUEST` with one
   *   field violation per fault, all of them at once up to 100; a list that is too long is the only fault told;
   * - checks come in this order: syntax, replay of the request id, existence, etag, status;
   * - asking for the status that the order already has succeeds and tells no new event;
   * - every error carries a `google.rpc.ErrorInfo` with the domain `wms.orders` and a reason that is a
   *   value of `ErrorReason` without its prefix. Only reasons peculiar to a call are named there.
   * </pre>
   */
  public static final class OrderServiceBlockingV2Stub
      extends io.grpc.stub.AbstractBlockingStub<OrderServiceBlockingV2Stub> {
    private OrderServiceBlockingV2Stub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected OrderServiceBlockingV2Stub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new OrderServiceBlockingV2Stub(channel, callOptions);
    }

    /**
     * <pre>
     * Creates one order in status `RECEIVED`.
     * Errors: `WAREHOUSE_NOT_FOUND`, `ORDER_ALREADY_EXISTS`, `REQUEST_ID_REUSED`.
     * </pre>
     */
    public com.wms.orders.v1.CreateOrderResponse createOrder(com.wms.orders.v1.CreateOrderRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getCreateOrderMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Creates up to 500 orders, which have at most 12,000 lines in all. Not all or nothing: each element is
     * checked and stored by itself, and each gets its result at its own place; after 1,000 faults in all, those
     * of a further element are told by their first one. With a `request_id`, the whole answer is replayed.
     * Errors of the batch: `REQUEST_ID_REUSED`, `RESPONSE_TOO_LARGE`. Errors of an element: those of CreateOrder.
     * </pre>
     */
    public com.wms.orders.v1.BatchCreateOrdersResponse batchCreateOrders(com.wms.orders.v1.BatchCreateOrdersRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getBatchCreateOrdersMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Creates orders from a stream, for bulk loads: one result per order, in the order of the requests,
     * each sent when its order is committed. A bad order does not end the stream.
     * Errors of an element: those of CreateOrder.
     * </pre>
     */
    @io.grpc.ExperimentalApi("https://github.com/grpc/grpc-java/issues/10918")
    public io.grpc.stub.BlockingClientCall<com.wms.orders.v1.IngestOrdersRequest, com.wms.orders.v1.IngestOrdersResponse>
        ingestOrders() {
      return io.grpc.stub.ClientCalls.blockingBidiStreamingCall(
          getChannel(), getIngestOrdersMethod(), getCallOptions());
    }

    /**
     * <pre>
     * Reads one order.
     * Errors: `ORDER_NOT_FOUND`.
     * </pre>
     */
    public com.wms.orders.v1.GetOrderResponse getOrder(com.wms.orders.v1.GetOrderRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getGetOrderMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Reads up to 500 orders, all from one moment, in the order of the ids. All or nothing: when they are very
     * long, so that the answer would be larger than clients take by default, it is refused; ask for fewer.
     * Errors: `ORDER_NOT_FOUND`, with the first id that does not exist; `RESPONSE_TOO_LARGE`.
     * </pre>
     */
    public com.wms.orders.v1.BatchGetOrdersResponse batchGetOrders(com.wms.orders.v1.BatchGetOrdersRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getBatchGetOrdersMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists orders, newest first. Pages never repeat or skip an order while others are added. A page of very
     * long orders ends early, below 4 MiB; its token leads on.
     * Errors: `INVALID_PAGE_TOKEN`.
     * </pre>
     */
    public com.wms.orders.v1.ListOrdersResponse listOrders(com.wms.orders.v1.ListOrdersRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getListOrdersMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Changes the address, the priority, the promised time or the items. Only before `PICKING`, which is
     * in `RECEIVED`, `VALIDATED` and `ASSIGNED_TO_WAVE`.
     * Errors: `ORDER_NOT_FOUND`, `ETAG_MISMATCH`, `ORDER_STATUS_CONFLICT`, `REQUEST_ID_REUSED`.
     * </pre>
     */
    public com.wms.orders.v1.UpdateOrderResponse updateOrder(com.wms.orders.v1.UpdateOrderRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getUpdateOrderMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Moves an order from `RECEIVED` to `VALIDATED`. Checks the order, not stock.
     * Errors: `ORDER_NOT_FOUND`, `ETAG_MISMATCH`, `ORDER_STATUS_CONFLICT`, `REQUEST_ID_REUSED`.
     * </pre>
     */
    public com.wms.orders.v1.ValidateOrderResponse validateOrder(com.wms.orders.v1.ValidateOrderRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getValidateOrderMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Cancels an order that has not been shipped: frees its stock, cancels its moves that nobody has
     * claimed, closes its backorders and its dead letter entry.
     * Errors: `ORDER_NOT_FOUND`, `ETAG_MISMATCH`, `ORDER_STATUS_CONFLICT`, `REQUEST_ID_REUSED`.
     * </pre>
     */
    public com.wms.orders.v1.CancelOrderResponse cancelOrder(com.wms.orders.v1.CancelOrderRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getCancelOrderMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Ships what has been delivered to the destination and not shipped yet. The first call moves the
     * order from `PACKING` to `SHIPPED`; a further one ships what backorders have brought since, as a
     * further shipment.
     * Errors: `ORDER_NOT_FOUND`, `ETAG_MISMATCH`, `ORDER_STATUS_CONFLICT`, `NOTHING_TO_SHIP`,
     * `REQUEST_ID_REUSED`.
     * </pre>
     */
    public com.wms.orders.v1.ShipOrderResponse shipOrder(com.wms.orders.v1.ShipOrderRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getShipOrderMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Confirms delivery: moves an order from `SHIPPED` to `COMPLETED`.
     * Errors: `ORDER_NOT_FOUND`, `ETAG_MISMATCH`, `ORDER_STATUS_CONFLICT`, `BACKORDER_OPEN`,
     * `TIME_IN_FUTURE`, `REQUEST_ID_REUSED`.
     * </pre>
     */
    public com.wms.orders.v1.CompleteOrderResponse completeOrder(com.wms.orders.v1.CompleteOrderRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getCompleteOrderMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Puts validated orders into a wave and gives them its destination. All or nothing; orders that are so long
     * that the answer would be larger than clients take by default are refused before anything is done.
     * Errors: `ORDER_NOT_FOUND`, `DESTINATION_NOT_FOUND`, `WAREHOUSE_MISMATCH`,
     * `WAVE_DESTINATION_CONFLICT`, `ORDER_STATUS_CONFLICT`, `RESPONSE_TOO_LARGE`, `REQUEST_ID_REUSED`.
     * </pre>
     */
    public com.wms.orders.v1.AssignOrdersToWaveResponse assignOrdersToWave(com.wms.orders.v1.AssignOrdersToWaveRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getAssignOrdersToWaveMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists the events of one order, oldest first. An event is here as soon as the change it tells of, and
     * for 30 days at least as a rule (`EVENT_RETENTION`): of an order that is older, the first ones may be
     * gone, so that what is here does not begin with `sequence` 1. A page of very long events ends early, below
     * 4 MiB; its token leads on.
     * Errors: `ORDER_NOT_FOUND`, `INVALID_PAGE_TOKEN`.
     * </pre>
     */
    public com.wms.orders.v1.GetOrderHistoryResponse getOrderHistory(com.wms.orders.v1.GetOrderHistoryRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getGetOrderHistoryMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Tells why an order waits, when anything will be tried next, and which calls are legal now.
     * Errors: `ORDER_NOT_FOUND`.
     * </pre>
     */
    public com.wms.orders.v1.ExplainOrderResponse explainOrder(com.wms.orders.v1.ExplainOrderRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getExplainOrderMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Follows the events of all orders, or of those that the filters let through, each once and in the order
     * of positions: those of an order in the order of its changes, and a change that was asked for after another
     * was answered comes after it. An event is told within a second of its change as a rule, also to a thousand
     * watchers.
     * The first message is a heartbeat with the position that the stream begins after; others come while old
     * events are searched for a rare kind, and after some seconds without news. To resume without gap or
     * repeat, start again from the last position seen, in an event or a heartbeat.
     * Events are kept for 30 days at least as a rule (`EVENT_RETENTION`). A position whose next events are no
     * longer kept, or that lies ahead of all events (as one of another database does), is refused.
     * The stream has no end of its own, and the server sets no deadline; that of the client, if any, ends it.
     * It ends with an error when the server shuts down (`SHUTTING_DOWN`), when the database is away or does
     * not answer for some seconds (`DATABASE_UNAVAILABLE`), and when this watcher does not take a message for
     * 30 seconds or falls thousands of messages behind the news (`WATCHER_TOO_SLOW`). The metadata of these
     * errors has the `position` of the last message sent. A watcher that begins in the past may take its
     * time with what is old.
     * A server holds a limited number of streams open; one more is `OVERLOADED`.
     * Over HTTP these are server-sent events, whose id is the position: `Last-Event-ID` resumes after it.
     * Errors: `POSITION_NOT_KEPT`, `WATCHER_TOO_SLOW`, `OVERLOADED`, `SHUTTING_DOWN`,
     * `DATABASE_UNAVAILABLE`.
     * </pre>
     */
    @io.grpc.ExperimentalApi("https://github.com/grpc/grpc-java/issues/10918")
    public io.grpc.stub.BlockingClientCall<?, com.wms.orders.v1.WatchOrdersResponse>
        watchOrders(com.wms.orders.v1.WatchOrdersRequest request) {
      return io.grpc.stub.ClientCalls.blockingV2ServerStreamingCall(
          getChannel(), getWatchOrdersMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do limited synchronous rpc calls to service OrderService.
   * <pre>
   * Creates orders, moves them through their statuses and tells what happened to them.
   * What holds for every call of this package:
   * - a request has at most 64 KiB, or what the call's `max_bytes` says, and its lists at most 12,500 elements
   *   in all, those of elements too; a larger one is refused before it is read;
   * - a request that breaks a rule written here answers `INVALID_ARGUMENT` / `INVALID_REQUEST` with one
   *   field violation per fault, all of them at once up to 100; a list that is too long is the only fault told;
   * - checks come in this order: syntax, replay of the request id, existence, etag, status;
   * - asking for the status that the order already has succeeds and tells no new event;
   * - every error carries a `google.rpc.ErrorInfo` with the domain `wms.orders` and a reason that is a
   *   value of `ErrorReason` without its prefix. Only reasons peculiar to a call are named there.
   * </pre>
   */
  public static final class OrderServiceBlockingStub
      extends io.grpc.stub.AbstractBlockingStub<OrderServiceBlockingStub> {
    private OrderServiceBlockingStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected OrderServiceBlockingStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new OrderServiceBlockingStub(channel, callOptions);
    }

    /**
     * <pre>
     * Creates one order in status `RECEIVED`.
     * Errors: `WAREHOUSE_NOT_FOUND`, `ORDER_ALREADY_EXISTS`, `REQUEST_ID_REUSED`.
     * </pre>
     */
    public com.wms.orders.v1.CreateOrderResponse createOrder(com.wms.orders.v1.CreateOrderRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getCreateOrderMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Creates up to 500 orders, which have at most 12,000 lines in all. Not all or nothing: each element is
     * checked and stored by itself, and each gets its result at its own place; after 1,000 faults in all, those
     * of a further element are told by their first one. With a `request_id`, the whole answer is replayed.
     * Errors of the batch: `REQUEST_ID_REUSED`, `RESPONSE_TOO_LARGE`. Errors of an element: those of CreateOrder.
     * </pre>
     */
    public com.wms.orders.v1.BatchCreateOrdersResponse batchCreateOrders(com.wms.orders.v1.BatchCreateOrdersRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getBatchCreateOrdersMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Reads one order.
     * Errors: `ORDER_NOT_FOUND`.
     * </pre>
     */
    public com.wms.orders.v1.GetOrderResponse getOrder(com.wms.orders.v1.GetOrderRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getGetOrderMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Reads up to 500 orders, all from one moment, in the order of the ids. All or nothing: when they are very
     * long, so that the answer would be larger than clients take by default, it is refused; ask for fewer.
     * Errors: `ORDER_NOT_FOUND`, with the first id that does not exist; `RESPONSE_TOO_LARGE`.
     * </pre>
     */
    public com.wms.orders.v1.BatchGetOrdersResponse batchGetOrders(com.wms.orders.v1.BatchGetOrdersRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getBatchGetOrdersMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists orders, newest first. Pages never repeat or skip an order while others are added. A page of very
     * long orders ends early, below 4 MiB; its token leads on.
     * Errors: `INVALID_PAGE_TOKEN`.
     * </pre>
     */
    public com.wms.orders.v1.ListOrdersResponse listOrders(com.wms.orders.v1.ListOrdersRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListOrdersMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Changes the address, the priority, the promised time or the items. Only before `PICKING`, which is
     * in `RECEIVED`, `VALIDATED` and `ASSIGNED_TO_WAVE`.
     * Errors: `ORDER_NOT_FOUND`, `ETAG_MISMATCH`, `ORDER_STATUS_CONFLICT`, `REQUEST_ID_REUSED`.
     * </pre>
     */
    public com.wms.orders.v1.UpdateOrderResponse updateOrder(com.wms.orders.v1.UpdateOrderRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getUpdateOrderMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Moves an order from `RECEIVED` to `VALIDATED`. Checks the order, not stock.
     * Errors: `ORDER_NOT_FOUND`, `ETAG_MISMATCH`, `ORDER_STATUS_CONFLICT`, `REQUEST_ID_REUSED`.
     * </pre>
     */
    public com.wms.orders.v1.ValidateOrderResponse validateOrder(com.wms.orders.v1.ValidateOrderRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getValidateOrderMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Cancels an order that has not been shipped: frees its stock, cancels its moves that nobody has
     * claimed, closes its backorders and its dead letter entry.
     * Errors: `ORDER_NOT_FOUND`, `ETAG_MISMATCH`, `ORDER_STATUS_CONFLICT`, `REQUEST_ID_REUSED`.
     * </pre>
     */
    public com.wms.orders.v1.CancelOrderResponse cancelOrder(com.wms.orders.v1.CancelOrderRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getCancelOrderMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Ships what has been delivered to the destination and not shipped yet. The first call moves the
     * order from `PACKING` to `SHIPPED`; a further one ships what backorders have brought since, as a
     * further shipment.
     * Errors: `ORDER_NOT_FOUND`, `ETAG_MISMATCH`, `ORDER_STATUS_CONFLICT`, `NOTHING_TO_SHIP`,
     * `REQUEST_ID_REUSED`.
     * </pre>
     */
    public com.wms.orders.v1.ShipOrderResponse shipOrder(com.wms.orders.v1.ShipOrderRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getShipOrderMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Confirms delivery: moves an order from `SHIPPED` to `COMPLETED`.
     * Errors: `ORDER_NOT_FOUND`, `ETAG_MISMATCH`, `ORDER_STATUS_CONFLICT`, `BACKORDER_OPEN`,
     * `TIME_IN_FUTURE`, `REQUEST_ID_REUSED`.
     * </pre>
     */
    public com.wms.orders.v1.CompleteOrderResponse completeOrder(com.wms.orders.v1.CompleteOrderRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getCompleteOrderMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Puts validated orders into a wave and gives them its destination. All or nothing; orders that are so long
     * that the answer would be larger than clients take by default are refused before anything is done.
     * Errors: `ORDER_NOT_FOUND`, `DESTINATION_NOT_FOUND`, `WAREHOUSE_MISMATCH`,
     * `WAVE_DESTINATION_CONFLICT`, `ORDER_STATUS_CONFLICT`, `RESPONSE_TOO_LARGE`, `REQUEST_ID_REUSED`.
     * </pre>
     */
    public com.wms.orders.v1.AssignOrdersToWaveResponse assignOrdersToWave(com.wms.orders.v1.AssignOrdersToWaveRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getAssignOrdersToWaveMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists the events of one order, oldest first. An event is here as soon as the change it tells of, and
     * for 30 days at least as a rule (`EVENT_RETENTION`): of an order that is older, the first ones may be
     * gone, so that what is here does not begin with `sequence` 1. A page of very long events ends early, below
     * 4 MiB; its token leads on.
     * Errors: `ORDER_NOT_FOUND`, `INVALID_PAGE_TOKEN`.
     * </pre>
     */
    public com.wms.orders.v1.GetOrderHistoryResponse getOrderHistory(com.wms.orders.v1.GetOrderHistoryRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getGetOrderHistoryMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Tells why an order waits, when anything will be tried next, and which calls are legal now.
     * Errors: `ORDER_NOT_FOUND`.
     * </pre>
     */
    public com.wms.orders.v1.ExplainOrderResponse explainOrder(com.wms.orders.v1.ExplainOrderRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getExplainOrderMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Follows the events of all orders, or of those that the filters let through, each once and in the order
     * of positions: those of an order in the order of its changes, and a change that was asked for after another
     * was answered comes after it. An event is told within a second of its change as a rule, also to a thousand
     * watchers.
     * The first message is a heartbeat with the position that the stream begins after; others come while old
     * events are searched for a rare kind, and after some seconds without news. To resume without gap or
     * repeat, start again from the last position seen, in an event or a heartbeat.
     * Events are kept for 30 days at least as a rule (`EVENT_RETENTION`). A position whose next events are no
     * longer kept, or that lies ahead of all events (as one of another database does), is refused.
     * The stream has no end of its own, and the server sets no deadline; that of the client, if any, ends it.
     * It ends with an error when the server shuts down (`SHUTTING_DOWN`), when the database is away or does
     * not answer for some seconds (`DATABASE_UNAVAILABLE`), and when this watcher does not take a message for
     * 30 seconds or falls thousands of messages behind the news (`WATCHER_TOO_SLOW`). The metadata of these
     * errors has the `position` of the last message sent. A watcher that begins in the past may take its
     * time with what is old.
     * A server holds a limited number of streams open; one more is `OVERLOADED`.
     * Over HTTP these are server-sent events, whose id is the position: `Last-Event-ID` resumes after it.
     * Errors: `POSITION_NOT_KEPT`, `WATCHER_TOO_SLOW`, `OVERLOADED`, `SHUTTING_DOWN`,
     * `DATABASE_UNAVAILABLE`.
     * </pre>
     */
    public java.util.Iterator<com.wms.orders.v1.WatchOrdersResponse> watchOrders(
        com.wms.orders.v1.WatchOrdersRequest request) {
      return io.grpc.stub.ClientCalls.blockingServerStreamingCall(
          getChannel(), getWatchOrdersMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do ListenableFuture-style rpc calls to service OrderService.
   * <pre>
   * Creates orders, moves them through their statuses and tells what happened to them.
   * What holds for every call of this package:
   * - a request has at most 64 KiB, or what the call's `max_bytes` says, and its lists at most 12,500 elements
   *   in all, those of elements too; a larger one is refused before it is read;
   * - a request that breaks a rule written here answers `INVALID_ARGUMENT` / `INVALID_REQUEST` with one
   *   field violation per fault, all of them at once up to 100; a list that is too long is the only fault told;
   * - checks come in this order: syntax, replay of the request id, existence, etag, status;
   * - asking for the status that the order already has succeeds and tells no new event;
   * - every error carries a `google.rpc.ErrorInfo` with the domain `wms.orders` and a reason that is a
   *   value of `ErrorReason` without its prefix. Only reasons peculiar to a call are named there.
   * </pre>
   */
  public static final class OrderServiceFutureStub
      extends io.grpc.stub.AbstractFutureStub<OrderServiceFutureStub> {
    private OrderServiceFutureStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected OrderServiceFutureStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new OrderServiceFutureStub(channel, callOptions);
    }

    /**
     * <pre>
     * Creates one order in status `RECEIVED`.
     * Errors: `WAREHOUSE_NOT_FOUND`, `ORDER_ALREADY_EXISTS`, `REQUEST_ID_REUSED`.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<com.wms.orders.v1.CreateOrderResponse> createOrder(
        com.wms.orders.v1.CreateOrderRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getCreateOrderMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Creates up to 500 orders, which have at most 12,000 lines in all. Not all or nothing: each element is
     * checked and stored by itself, and each gets its result at its own place; after 1,000 faults in all, those
     * of a further element are told by their first one. With a `request_id`, the whole answer is replayed.
     * Errors of the batch: `REQUEST_ID_REUSED`, `RESPONSE_TOO_LARGE`. Errors of an element: those of CreateOrder.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<com.wms.orders.v1.BatchCreateOrdersResponse> batchCreateOrders(
        com.wms.orders.v1.BatchCreateOrdersRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getBatchCreateOrdersMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Reads one order.
     * Errors: `ORDER_NOT_FOUND`.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<com.wms.orders.v1.GetOrderResponse> getOrder(
        com.wms.orders.v1.GetOrderRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getGetOrderMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Reads up to 500 orders, all from one moment, in the order of the ids. All or nothing: when they are very
     * long, so that the answer would be larger than clients take by default, it is refused; ask for fewer.
     * Errors: `ORDER_NOT_FOUND`, with the first id that does not exist; `RESPONSE_TOO_LARGE`.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<com.wms.orders.v1.BatchGetOrdersResponse> batchGetOrders(
        com.wms.orders.v1.BatchGetOrdersRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getBatchGetOrdersMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Lists orders, newest first. Pages never repeat or skip an order while others are added. A page of very
     * long orders ends early, below 4 MiB; its token leads on.
     * Errors: `INVALID_PAGE_TOKEN`.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<com.wms.orders.v1.ListOrdersResponse> listOrders(
        com.wms.orders.v1.ListOrdersRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getListOrdersMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Changes the address, the priority, the promised time or the items. Only before `PICKING`, which is
     * in `RECEIVED`, `VALIDATED` and `ASSIGNED_TO_WAVE`.
     * Errors: `ORDER_NOT_FOUND`, `ETAG_MISMATCH`, `ORDER_STATUS_CONFLICT`, `REQUEST_ID_REUSED`.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<com.wms.orders.v1.UpdateOrderResponse> updateOrder(
        com.wms.orders.v1.UpdateOrderRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getUpdateOrderMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Moves an order from `RECEIVED` to `VALIDATED`. Checks the order, not stock.
     * Errors: `ORDER_NOT_FOUND`, `ETAG_MISMATCH`, `ORDER_STATUS_CONFLICT`, `REQUEST_ID_REUSED`.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<com.wms.orders.v1.ValidateOrderResponse> validateOrder(
        com.wms.orders.v1.ValidateOrderRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getValidateOrderMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Cancels an order that has not been shipped: frees its stock, cancels its moves that nobody has
     * claimed, closes its backorders and its dead letter entry.
     * Errors: `ORDER_NOT_FOUND`, `ETAG_MISMATCH`, `ORDER_STATUS_CONFLICT`, `REQUEST_ID_REUSED`.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<com.wms.orders.v1.CancelOrderResponse> cancelOrder(
        com.wms.orders.v1.CancelOrderRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getCancelOrderMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Ships what has been delivered to the destination and not shipped yet. The first call moves the
     * order from `PACKING` to `SHIPPED`; a further one ships what backorders have brought since, as a
     * further shipment.
     * Errors: `ORDER_NOT_FOUND`, `ETAG_MISMATCH`, `ORDER_STATUS_CONFLICT`, `NOTHING_TO_SHIP`,
     * `REQUEST_ID_REUSED`.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<com.wms.orders.v1.ShipOrderResponse> shipOrder(
        com.wms.orders.v1.ShipOrderRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getShipOrderMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Confirms delivery: moves an order from `SHIPPED` to `COMPLETED`.
     * Errors: `ORDER_NOT_FOUND`, `ETAG_MISMATCH`, `ORDER_STATUS_CONFLICT`, `BACKORDER_OPEN`,
     * `TIME_IN_FUTURE`, `REQUEST_ID_REUSED`.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<com.wms.orders.v1.CompleteOrderResponse> completeOrder(
        com.wms.orders.v1.CompleteOrderRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getCompleteOrderMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Puts validated orders into a wave and gives them its destination. All or nothing; orders that are so long
     * that the answer would be larger than clients take by default are refused before anything is done.
     * Errors: `ORDER_NOT_FOUND`, `DESTINATION_NOT_FOUND`, `WAREHOUSE_MISMATCH`,
     * `WAVE_DESTINATION_CONFLICT`, `ORDER_STATUS_CONFLICT`, `RESPONSE_TOO_LARGE`, `REQUEST_ID_REUSED`.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<com.wms.orders.v1.AssignOrdersToWaveResponse> assignOrdersToWave(
        com.wms.orders.v1.AssignOrdersToWaveRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getAssignOrdersToWaveMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Lists the events of one order, oldest first. An event is here as soon as the change it tells of, and
     * for 30 days at least as a rule (`EVENT_RETENTION`): of an order that is older, the first ones may be
     * gone, so that what is here does not begin with `sequence` 1. A page of very long events ends early, below
     * 4 MiB; its token leads on.
     * Errors: `ORDER_NOT_FOUND`, `INVALID_PAGE_TOKEN`.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<com.wms.orders.v1.GetOrderHistoryResponse> getOrderHistory(
        com.wms.orders.v1.GetOrderHistoryRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getGetOrderHistoryMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Tells why an order waits, when anything will be tried next, and which calls are legal now.
     * Errors: `ORDER_NOT_FOUND`.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<com.wms.orders.v1.ExplainOrderResponse> explainOrder(
        com.wms.orders.v1.ExplainOrderRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getExplainOrderMethod(), getCallOptions()), request);
    }
  }

  private static final int METHODID_CREATE_ORDER = 0;
  private static final int METHODID_BATCH_CREATE_ORDERS = 1;
  private static final int METHODID_GET_ORDER = 2;
  private static final int METHODID_BATCH_GET_ORDERS = 3;
  private static final int METHODID_LIST_ORDERS = 4;
  private static final int METHODID_UPDATE_ORDER = 5;
  private static final int METHODID_VALIDATE_ORDER = 6;
  private static final int METHODID_CANCEL_ORDER = 7;
  private static final int METHODID_SHIP_ORDER = 8;
  private static final int METHODID_COMPLETE_ORDER = 9;
  private static final int METHODID_ASSIGN_ORDERS_TO_WAVE = 10;
  private static final int METHODID_GET_ORDER_HISTORY = 11;
  private static final int METHODID_EXPLAIN_ORDER = 12;
  private static final int METHODID_WATCH_ORDERS = 13;
  private static final int METHODID_INGEST_ORDERS = 14;

  private static final class MethodHandlers<Req, Resp> implements
      io.grpc.stub.ServerCalls.UnaryMethod<Req, Resp>,
      io.grpc.stub.ServerCalls.ServerStreamingMethod<Req, Resp>,
      io.grpc.stub.ServerCalls.ClientStreamingMethod<Req, Resp>,
      io.grpc.stub.ServerCalls.BidiStreamingMethod<Req, Resp> {
    private final AsyncService serviceImpl;
    private final int methodId;

    MethodHandlers(AsyncService serviceImpl, int methodId) {
      this.serviceImpl = serviceImpl;
      this.methodId = methodId;
    }

    @java.lang.Override
    @java.lang.SuppressWarnings("unchecked")
    public void invoke(Req request, io.grpc.stub.StreamObserver<Resp> responseObserver) {
      switch (methodId) {
        case METHODID_CREATE_ORDER:
          serviceImpl.createOrder((com.wms.orders.v1.CreateOrderRequest) request,
              (io.grpc.stub.StreamObserver<com.wms.orders.v1.CreateOrderResponse>) responseObserver);
          break;
        case METHODID_BATCH_CREATE_ORDERS:
          serviceImpl.batchCreateOrders((com.wms.orders.v1.BatchCreateOrdersRequest) request,
              (io.grpc.stub.StreamObserver<com.wms.orders.v1.BatchCreateOrdersResponse>) responseObserver);
          break;
        case METHODID_GET_ORDER:
          serviceImpl.getOrder((com.wms.orders.v1.GetOrderRequest) request,
              (io.grpc.stub.StreamObserver<com.wms.orders.v1.GetOrderResponse>) responseObserver);
          break;
        case METHODID_BATCH_GET_ORDERS:
          serviceImpl.batchGetOrders((com.wms.orders.v1.BatchGetOrdersRequest) request,
              (io.grpc.stub.StreamObserver<com.wms.orders.v1.BatchGetOrdersResponse>) responseObserver);
          break;
        case METHODID_LIST_ORDERS:
          serviceImpl.listOrders((com.wms.orders.v1.ListOrdersRequest) request,
              (io.grpc.stub.StreamObserver<com.wms.orders.v1.ListOrdersResponse>) responseObserver);
          break;
        case METHODID_UPDATE_ORDER:
          serviceImpl.updateOrder((com.wms.orders.v1.UpdateOrderRequest) request,
              (io.grpc.stub.StreamObserver<com.wms.orders.v1.UpdateOrderResponse>) responseObserver);
          break;
        case METHODID_VALIDATE_ORDER:
          serviceImpl.validateOrder((com.wms.orders.v1.ValidateOrderRequest) request,
              (io.grpc.stub.StreamObserver<com.wms.orders.v1.ValidateOrderResponse>) responseObserver);
          break;
        case METHODID_CANCEL_ORDER:
          serviceImpl.cancelOrder((com.wms.orders.v1.CancelOrderRequest) request,
              (io.grpc.stub.StreamObserver<com.wms.orders.v1.CancelOrderResponse>) responseObserver);
          break;
        case METHODID_SHIP_ORDER:
          serviceImpl.shipOrder((com.wms.orders.v1.ShipOrderRequest) request,
              (io.grpc.stub.StreamObserver<com.wms.orders.v1.ShipOrderResponse>) responseObserver);
          break;
        case METHODID_COMPLETE_ORDER:
          serviceImpl.completeOrder((com.wms.orders.v1.CompleteOrderRequest) request,
              (io.grpc.stub.StreamObserver<com.wms.orders.v1.CompleteOrderResponse>) responseObserver);
          break;
        case METHODID_ASSIGN_ORDERS_TO_WAVE:
          serviceImpl.assignOrdersToWave((com.wms.orders.v1.AssignOrdersToWaveRequest) request,
              (io.grpc.stub.StreamObserver<com.wms.orders.v1.AssignOrdersToWaveResponse>) responseObserver);
          break;
        case METHODID_GET_ORDER_HISTORY:
          serviceImpl.getOrderHistory((com.wms.orders.v1.GetOrderHistoryRequest) request,
              (io.grpc.stub.StreamObserver<com.wms.orders.v1.GetOrderHistoryResponse>) responseObserver);
          break;
        case METHODID_EXPLAIN_ORDER:
          serviceImpl.explainOrder((com.wms.orders.v1.ExplainOrderRequest) request,
              (io.grpc.stub.StreamObserver<com.wms.orders.v1.ExplainOrderResponse>) responseObserver);
          break;
        case METHODID_WATCH_ORDERS:
          serviceImpl.watchOrders((com.wms.orders.v1.WatchOrdersRequest) request,
              (io.grpc.stub.StreamObserver<com.wms.orders.v1.WatchOrdersResponse>) responseObserver);
          break;
        default:
          throw new AssertionError();
      }
    }

    @java.lang.Override
    @java.lang.SuppressWarnings("unchecked")
    public io.grpc.stub.StreamObserver<Req> invoke(
        io.grpc.stub.StreamObserver<Resp> responseObserver) {
      switch (methodId) {
        case METHODID_INGEST_ORDERS:
          return (io.grpc.stub.StreamObserver<Req>) serviceImpl.ingestOrders(
              (io.grpc.stub.StreamObserver<com.wms.orders.v1.IngestOrdersResponse>) responseObserver);
        default:
          throw new AssertionError();
      }
    }
  }

  public static final io.grpc.ServerServiceDefinition bindService(AsyncService service) {
    return io.grpc.ServerServiceDefinition.builder(getServiceDescriptor())
        .addMethod(
          getCreateOrderMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              com.wms.orders.v1.CreateOrderRequest,
              com.wms.orders.v1.CreateOrderResponse>(
                service, METHODID_CREATE_ORDER)))
        .addMethod(
          getBatchCreateOrdersMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              com.wms.orders.v1.BatchCreateOrdersRequest,
              com.wms.orders.v1.BatchCreateOrdersResponse>(
                service, METHODID_BATCH_CREATE_ORDERS)))
        .addMethod(
          getIngestOrdersMethod(),
          io.grpc.stub.ServerCalls.asyncBidiStreamingCall(
            new MethodHandlers<
              com.wms.orders.v1.IngestOrdersRequest,
              com.wms.orders.v1.IngestOrdersResponse>(
                service, METHODID_INGEST_ORDERS)))
        .addMethod(
          getGetOrderMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              com.wms.orders.v1.GetOrderRequest,
              com.wms.orders.v1.GetOrderResponse>(
                service, METHODID_GET_ORDER)))
        .addMethod(
          getBatchGetOrdersMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              com.wms.orders.v1.BatchGetOrdersRequest,
              com.wms.orders.v1.BatchGetOrdersResponse>(
                service, METHODID_BATCH_GET_ORDERS)))
        .addMethod(
          getListOrdersMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              com.wms.orders.v1.ListOrdersRequest,
              com.wms.orders.v1.ListOrdersResponse>(
                service, METHODID_LIST_ORDERS)))
        .addMethod(
          getUpdateOrderMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              com.wms.orders.v1.UpdateOrderRequest,
              com.wms.orders.v1.UpdateOrderResponse>(
                service, METHODID_UPDATE_ORDER)))
        .addMethod(
          getValidateOrderMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              com.wms.orders.v1.ValidateOrderRequest,
              com.wms.orders.v1.ValidateOrderResponse>(
                service, METHODID_VALIDATE_ORDER)))
        .addMethod(
          getCancelOrderMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              com.wms.orders.v1.CancelOrderRequest,
              com.wms.orders.v1.CancelOrderResponse>(
                service, METHODID_CANCEL_ORDER)))
        .addMethod(
          getShipOrderMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              com.wms.orders.v1.ShipOrderRequest,
              com.wms.orders.v1.ShipOrderResponse>(
                service, METHODID_SHIP_ORDER)))
        .addMethod(
          getCompleteOrderMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              com.wms.orders.v1.CompleteOrderRequest,
              com.wms.orders.v1.CompleteOrderResponse>(
                service, METHODID_COMPLETE_ORDER)))
        .addMethod(
          getAssignOrdersToWaveMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              com.wms.orders.v1.AssignOrdersToWaveRequest,
              com.wms.orders.v1.AssignOrdersToWaveResponse>(
                service, METHODID_ASSIGN_ORDERS_TO_WAVE)))
        .addMethod(
          getGetOrderHistoryMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              com.wms.orders.v1.GetOrderHistoryRequest,
              com.wms.orders.v1.GetOrderHistoryResponse>(
                service, METHODID_GET_ORDER_HISTORY)))
        .addMethod(
          getExplainOrderMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              com.wms.orders.v1.ExplainOrderRequest,
              com.wms.orders.v1.ExplainOrderResponse>(
                service, METHODID_EXPLAIN_ORDER)))
        .addMethod(
          getWatchOrdersMethod(),
          io.grpc.stub.ServerCalls.asyncServerStreamingCall(
            new MethodHandlers<
              com.wms.orders.v1.WatchOrdersRequest,
              com.wms.orders.v1.WatchOrdersResponse>(
                service, METHODID_WATCH_ORDERS)))
        .build();
  }

  private static abstract class OrderServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoFileDescriptorSupplier, io.grpc.protobuf.ProtoServiceDescriptorSupplier {
    OrderServiceBaseDescriptorSupplier() {}

    @java.lang.Override
    public com.google.protobuf.Descriptors.FileDescriptor getFileDescriptor() {
      return com.wms.orders.v1.Orders.getDescriptor();
    }

    @java.lang.Override
    public com.google.protobuf.Descriptors.ServiceDescriptor getServiceDescriptor() {
      return getFileDescriptor().findServiceByName("OrderService");
    }
  }

  private static final class OrderServiceFileDescriptorSupplier
      extends OrderServiceBaseDescriptorSupplier {
    OrderServiceFileDescriptorSupplier() {}
  }

  private static final class OrderServiceMethodDescriptorSupplier
      extends OrderServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoMethodDescriptorSupplier {
    private final java.lang.String methodName;

    OrderServiceMethodDescriptorSupplier(java.lang.String methodName) {
      this.methodName = methodName;
    }

    @java.lang.Override
    public com.google.protobuf.Descriptors.MethodDescriptor getMethodDescriptor() {
      return getServiceDescriptor().findMethodByName(methodName);
    }
  }

  private static volatile io.grpc.ServiceDescriptor serviceDescriptor;

  public static io.grpc.ServiceDescriptor getServiceDescriptor() {
    io.grpc.ServiceDescriptor result = serviceDescriptor;
    if (result == null) {
      synchronized (OrderServiceGrpc.class) {
        result = serviceDescriptor;
        if (result == null) {
          serviceDescriptor = result = io.grpc.ServiceDescriptor.newBuilder(SERVICE_NAME)
              .setSchemaDescriptor(new OrderServiceFileDescriptorSupplier())
              .addMethod(getCreateOrderMethod())
              .addMethod(getBatchCreateOrdersMethod())
              .addMethod(getIngestOrdersMethod())
              .addMethod(getGetOrderMethod())
              .addMethod(getBatchGetOrdersMethod())
              .addMethod(getListOrdersMethod())
              .addMethod(getUpdateOrderMethod())
              .addMethod(getValidateOrderMethod())
              .addMethod(getCancelOrderMethod())
              .addMethod(getShipOrderMethod())
              .addMethod(getCompleteOrderMethod())
              .addMethod(getAssignOrdersToWaveMethod())
              .addMethod(getGetOrderHistoryMethod())
              .addMethod(getExplainOrderMethod())
              .addMethod(getWatchOrdersMethod())
              .build();
        }
      }
    }
    return result;
  }
}
