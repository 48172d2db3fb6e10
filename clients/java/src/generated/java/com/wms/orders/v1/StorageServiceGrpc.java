package com.wms.orders.v1;

import static io.grpc.MethodDescriptor.generateFullMethodName;

/**
 * <pre>
 * Keeps the books of the storage and hands out moves to the warehouse control system.
 * </pre>
 */
@io.grpc.stub.annotations.GrpcGenerated
public final class StorageServiceGrpc {

  private StorageServiceGrpc() {}

  public static final java.lang.String SERVICE_NAME = "wms.orders.v1.StorageService";

  // Static method descriptors that strictly reflect the proto.
  private static volatile io.grpc.MethodDescriptor<com.wms.orders.v1.PutLaneRequest,
      com.wms.orders.v1.PutLaneResponse> getPutLaneMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "PutLane",
      requestType = com.wms.orders.v1.PutLaneRequest.class,
      responseType = com.wms.orders.v1.PutLaneResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<com.wms.orders.v1.PutLaneRequest,
      com.wms.orders.v1.PutLaneResponse> getPutLaneMethod() {
    io.grpc.MethodDescriptor<com.wms.orders.v1.PutLaneRequest, com.wms.orders.v1.PutLaneResponse> getPutLaneMethod;
    if ((getPutLaneMethod = StorageServiceGrpc.getPutLaneMethod) == null) {
      synchronized (StorageServiceGrpc.class) {
        if ((getPutLaneMethod = StorageServiceGrpc.getPutLaneMethod) == null) {
          StorageServiceGrpc.getPutLaneMethod = getPutLaneMethod =
              io.grpc.MethodDescriptor.<com.wms.orders.v1.PutLaneRequest, com.wms.orders.v1.PutLaneResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "PutLane"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.wms.orders.v1.PutLaneRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.wms.orders.v1.PutLaneResponse.getDefaultInstance()))
              .setSchemaDescriptor(new StorageServiceMethodDescriptorSupplier("PutLane"))
              .build();
        }
      }
    }
    return getPutLaneMethod;
  }

  private static volatile io.grpc.MethodDescriptor<com.wms.orders.v1.ListLanesRequest,
      com.wms.orders.v1.ListLanesResponse> getListLanesMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ListLanes",
      requestType = com.wms.orders.v1.ListLanesRequest.class,
      responseType = com.wms.orders.v1.ListLanesResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<com.wms.orders.v1.ListLanesRequest,
      com.wms.orders.v1.ListLanesResponse> getListLanesMethod() {
    io.grpc.MethodDescriptor<com.wms.orders.v1.ListLanesRequest, com.wms.orders.v1.ListLanesResponse> getListLanesMethod;
    if ((getListLanesMethod = StorageServiceGrpc.getListLanesMethod) == null) {
      synchronized (StorageServiceGrpc.class) {
        if ((getListLanesMethod = StorageServiceGrpc.getListLanesMethod) == null) {
          StorageServiceGrpc.getListLanesMethod = getListLanesMethod =
              io.grpc.MethodDescriptor.<com.wms.orders.v1.ListLanesRequest, com.wms.orders.v1.ListLanesResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ListLanes"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.wms.orders.v1.ListLanesRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.wms.orders.v1.ListLanesResponse.getDefaultInstance()))
              .setSchemaDescriptor(new StorageServiceMethodDescriptorSupplier("ListLanes"))
              .build();
        }
      }
    }
    return getListLanesMethod;
  }

  private static volatile io.grpc.MethodDescriptor<com.wms.orders.v1.PutDestinationRequest,
      com.wms.orders.v1.PutDestinationResponse> getPutDestinationMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "PutDestination",
      requestType = com.wms.orders.v1.PutDestinationRequest.class,
      responseType = com.wms.orders.v1.PutDestinationResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<com.wms.orders.v1.PutDestinationRequest,
      com.wms.orders.v1.PutDestinationResponse> getPutDestinationMethod() {
    io.grpc.MethodDescriptor<com.wms.orders.v1.PutDestinationRequest, com.wms.orders.v1.PutDestinationResponse> getPutDestinationMethod;
    if ((getPutDestinationMethod = StorageServiceGrpc.getPutDestinationMethod) == null) {
      synchronized (StorageServiceGrpc.class) {
        if ((getPutDestinationMethod = StorageServiceGrpc.getPutDestinationMethod) == null) {
          StorageServiceGrpc.getPutDestinationMethod = getPutDestinationMethod =
              io.grpc.MethodDescriptor.<com.wms.orders.v1.PutDestinationRequest, com.wms.orders.v1.PutDestinationResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "PutDestination"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.wms.orders.v1.PutDestinationRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.wms.orders.v1.PutDestinationResponse.getDefaultInstance()))
              .setSchemaDescriptor(new StorageServiceMethodDescriptorSupplier("PutDestination"))
              .build();
        }
      }
    }
    return getPutDestinationMethod;
  }

  private static volatile io.grpc.MethodDescriptor<com.wms.orders.v1.ListDestinationsRequest,
      com.wms.orders.v1.ListDestinationsResponse> getListDestinationsMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ListDestinations",
      requestType = com.wms.orders.v1.ListDestinationsRequest.class,
      responseType = com.wms.orders.v1.ListDestinationsResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<com.wms.orders.v1.ListDestinationsRequest,
      com.wms.orders.v1.ListDestinationsResponse> getListDestinationsMethod() {
    io.grpc.MethodDescriptor<com.wms.orders.v1.ListDestinationsRequest, com.wms.orders.v1.ListDestinationsResponse> getListDestinationsMethod;
    if ((getListDestinationsMethod = StorageServiceGrpc.getListDestinationsMethod) == null) {
      synchronized (StorageServiceGrpc.class) {
        if ((getListDestinationsMethod = StorageServiceGrpc.getListDestinationsMethod) == null) {
          StorageServiceGrpc.getListDestinationsMethod = getListDestinationsMethod =
              io.grpc.MethodDescriptor.<com.wms.orders.v1.ListDestinationsRequest, com.wms.orders.v1.ListDestinationsResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ListDestinations"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.wms.orders.v1.ListDestinationsRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.wms.orders.v1.ListDestinationsResponse.getDefaultInstance()))
              .setSchemaDescriptor(new StorageServiceMethodDescriptorSupplier("ListDestinations"))
              .build();
        }
      }
    }
    return getListDestinationsMethod;
  }

  private static volatile io.grpc.MethodDescriptor<com.wms.orders.v1.ReceiveCarriersRequest,
      com.wms.orders.v1.ReceiveCarriersResponse> getReceiveCarriersMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ReceiveCarriers",
      requestType = com.wms.orders.v1.ReceiveCarriersRequest.class,
      responseType = com.wms.orders.v1.ReceiveCarriersResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<com.wms.orders.v1.ReceiveCarriersRequest,
      com.wms.orders.v1.ReceiveCarriersResponse> getReceiveCarriersMethod() {
    io.grpc.MethodDescriptor<com.wms.orders.v1.ReceiveCarriersRequest, com.wms.orders.v1.ReceiveCarriersResponse> getReceiveCarriersMethod;
    if ((getReceiveCarriersMethod = StorageServiceGrpc.getReceiveCarriersMethod) == null) {
      synchronized (StorageServiceGrpc.class) {
        if ((getReceiveCarriersMethod = StorageServiceGrpc.getReceiveCarriersMethod) == null) {
          StorageServiceGrpc.getReceiveCarriersMethod = getReceiveCarriersMethod =
              io.grpc.MethodDescriptor.<com.wms.orders.v1.ReceiveCarriersRequest, com.wms.orders.v1.ReceiveCarriersResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ReceiveCarriers"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.wms.orders.v1.ReceiveCarriersRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.wms.orders.v1.ReceiveCarriersResponse.getDefaultInstance()))
              .setSchemaDescriptor(new StorageServiceMethodDescriptorSupplier("ReceiveCarriers"))
              .build();
        }
      }
    }
    return getReceiveCarriersMethod;
  }

  private static volatile io.grpc.MethodDescriptor<com.wms.orders.v1.ListCarriersRequest,
      com.wms.orders.v1.ListCarriersResponse> getListCarriersMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ListCarriers",
      requestType = com.wms.orders.v1.ListCarriersRequest.class,
      responseType = com.wms.orders.v1.ListCarriersResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<com.wms.orders.v1.ListCarriersRequest,
      com.wms.orders.v1.ListCarriersResponse> getListCarriersMethod() {
    io.grpc.MethodDescriptor<com.wms.orders.v1.ListCarriersRequest, com.wms.orders.v1.ListCarriersResponse> getListCarriersMethod;
    if ((getListCarriersMethod = StorageServiceGrpc.getListCarriersMethod) == null) {
      synchronized (StorageServiceGrpc.class) {
        if ((getListCarriersMethod = StorageServiceGrpc.getListCarriersMethod) == null) {
          StorageServiceGrpc.getListCarriersMethod = getListCarriersMethod =
              io.grpc.MethodDescriptor.<com.wms.orders.v1.ListCarriersRequest, com.wms.orders.v1.ListCarriersResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ListCarriers"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.wms.orders.v1.ListCarriersRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.wms.orders.v1.ListCarriersResponse.getDefaultInstance()))
              .setSchemaDescriptor(new StorageServiceMethodDescriptorSupplier("ListCarriers"))
              .build();
        }
      }
    }
    return getListCarriersMethod;
  }

  private static volatile io.grpc.MethodDescriptor<com.wms.orders.v1.SetCarrierStatusRequest,
      com.wms.orders.v1.SetCarrierStatusResponse> getSetCarrierStatusMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "SetCarrierStatus",
      requestType = com.wms.orders.v1.SetCarrierStatusRequest.class,
      responseType = com.wms.orders.v1.SetCarrierStatusResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<com.wms.orders.v1.SetCarrierStatusRequest,
      com.wms.orders.v1.SetCarrierStatusResponse> getSetCarrierStatusMethod() {
    io.grpc.MethodDescriptor<com.wms.orders.v1.SetCarrierStatusRequest, com.wms.orders.v1.SetCarrierStatusResponse> getSetCarrierStatusMethod;
    if ((getSetCarrierStatusMethod = StorageServiceGrpc.getSetCarrierStatusMethod) == null) {
      synchronized (StorageServiceGrpc.class) {
        if ((getSetCarrierStatusMethod = StorageServiceGrpc.getSetCarrierStatusMethod) == null) {
          StorageServiceGrpc.getSetCarrierStatusMethod = getSetCarrierStatusMethod =
              io.grpc.MethodDescriptor.<com.wms.orders.v1.SetCarrierStatusRequest, com.wms.orders.v1.SetCarrierStatusResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "SetCarrierStatus"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.wms.orders.v1.SetCarrierStatusRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.wms.orders.v1.SetCarrierStatusResponse.getDefaultInstance()))
              .setSchemaDescriptor(new StorageServiceMethodDescriptorSupplier("SetCarrierStatus"))
              .build();
        }
      }
    }
    return getSetCarrierStatusMethod;
  }

  private static volatile io.grpc.MethodDescriptor<com.wms.orders.v1.SetLaneStatusRequest,
      com.wms.orders.v1.SetLaneStatusResponse> getSetLaneStatusMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "SetLaneStatus",
      requestType = com.wms.orders.v1.SetLaneStatusRequest.class,
      responseType = com.wms.orders.v1.SetLaneStatusResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<com.wms.orders.v1.SetLaneStatusRequest,
      com.wms.orders.v1.SetLaneStatusResponse> getSetLaneStatusMethod() {
    io.grpc.MethodDescriptor<com.wms.orders.v1.SetLaneStatusRequest, com.wms.orders.v1.SetLaneStatusResponse> getSetLaneStatusMethod;
    if ((getSetLaneStatusMethod = StorageServiceGrpc.getSetLaneStatusMethod) == null) {
      synchronized (StorageServiceGrpc.class) {
        if ((getSetLaneStatusMethod = StorageServiceGrpc.getSetLaneStatusMethod) == null) {
          StorageServiceGrpc.getSetLaneStatusMethod = getSetLaneStatusMethod =
              io.grpc.MethodDescriptor.<com.wms.orders.v1.SetLaneStatusRequest, com.wms.orders.v1.SetLaneStatusResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "SetLaneStatus"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.wms.orders.v1.SetLaneStatusRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.wms.orders.v1.SetLaneStatusResponse.getDefaultInstance()))
              .setSchemaDescriptor(new StorageServiceMethodDescriptorSupplier("SetLaneStatus"))
              .build();
        }
      }
    }
    return getSetLaneStatusMethod;
  }

  private static volatile io.grpc.MethodDescriptor<com.wms.orders.v1.GetStockRequest,
      com.wms.orders.v1.GetStockResponse> getGetStockMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "GetStock",
      requestType = com.wms.orders.v1.GetStockRequest.class,
      responseType = com.wms.orders.v1.GetStockResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<com.wms.orders.v1.GetStockRequest,
      com.wms.orders.v1.GetStockResponse> getGetStockMethod() {
    io.grpc.MethodDescriptor<com.wms.orders.v1.GetStockRequest, com.wms.orders.v1.GetStockResponse> getGetStockMethod;
    if ((getGetStockMethod = StorageServiceGrpc.getGetStockMethod) == null) {
      synchronized (StorageServiceGrpc.class) {
        if ((getGetStockMethod = StorageServiceGrpc.getGetStockMethod) == null) {
          StorageServiceGrpc.getGetStockMethod = getGetStockMethod =
              io.grpc.MethodDescriptor.<com.wms.orders.v1.GetStockRequest, com.wms.orders.v1.GetStockResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "GetStock"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.wms.orders.v1.GetStockRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.wms.orders.v1.GetStockResponse.getDefaultInstance()))
              .setSchemaDescriptor(new StorageServiceMethodDescriptorSupplier("GetStock"))
              .build();
        }
      }
    }
    return getGetStockMethod;
  }

  private static volatile io.grpc.MethodDescriptor<com.wms.orders.v1.ClaimMovesRequest,
      com.wms.orders.v1.ClaimMovesResponse> getClaimMovesMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ClaimMoves",
      requestType = com.wms.orders.v1.ClaimMovesRequest.class,
      responseType = com.wms.orders.v1.ClaimMovesResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<com.wms.orders.v1.ClaimMovesRequest,
      com.wms.orders.v1.ClaimMovesResponse> getClaimMovesMethod() {
    io.grpc.MethodDescriptor<com.wms.orders.v1.ClaimMovesRequest, com.wms.orders.v1.ClaimMovesResponse> getClaimMovesMethod;
    if ((getClaimMovesMethod = StorageServiceGrpc.getClaimMovesMethod) == null) {
      synchronized (StorageServiceGrpc.class) {
        if ((getClaimMovesMethod = StorageServiceGrpc.getClaimMovesMethod) == null) {
          StorageServiceGrpc.getClaimMovesMethod = getClaimMovesMethod =
              io.grpc.MethodDescriptor.<com.wms.orders.v1.ClaimMovesRequest, com.wms.orders.v1.ClaimMovesResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ClaimMoves"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.wms.orders.v1.ClaimMovesRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.wms.orders.v1.ClaimMovesResponse.getDefaultInstance()))
              .setSchemaDescriptor(new StorageServiceMethodDescriptorSupplier("ClaimMoves"))
              .build();
        }
      }
    }
    return getClaimMovesMethod;
  }

  private static volatile io.grpc.MethodDescriptor<com.wms.orders.v1.CompleteMoveRequest,
      com.wms.orders.v1.CompleteMoveResponse> getCompleteMoveMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "CompleteMove",
      requestType = com.wms.orders.v1.CompleteMoveRequest.class,
      responseType = com.wms.orders.v1.CompleteMoveResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<com.wms.orders.v1.CompleteMoveRequest,
      com.wms.orders.v1.CompleteMoveResponse> getCompleteMoveMethod() {
    io.grpc.MethodDescriptor<com.wms.orders.v1.CompleteMoveRequest, com.wms.orders.v1.CompleteMoveResponse> getCompleteMoveMethod;
    if ((getCompleteMoveMethod = StorageServiceGrpc.getCompleteMoveMethod) == null) {
      synchronized (StorageServiceGrpc.class) {
        if ((getCompleteMoveMethod = StorageServiceGrpc.getCompleteMoveMethod) == null) {
          StorageServiceGrpc.getCompleteMoveMethod = getCompleteMoveMethod =
              io.grpc.MethodDescriptor.<com.wms.orders.v1.CompleteMoveRequest, com.wms.orders.v1.CompleteMoveResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "CompleteMove"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.wms.orders.v1.CompleteMoveRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.wms.orders.v1.CompleteMoveResponse.getDefaultInstance()))
              .setSchemaDescriptor(new StorageServiceMethodDescriptorSupplier("CompleteMove"))
              .build();
        }
      }
    }
    return getCompleteMoveMethod;
  }

  private static volatile io.grpc.MethodDescriptor<com.wms.orders.v1.BatchCompleteMovesRequest,
      com.wms.orders.v1.BatchCompleteMovesResponse> getBatchCompleteMovesMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "BatchCompleteMoves",
      requestType = com.wms.orders.v1.BatchCompleteMovesRequest.class,
      responseType = com.wms.orders.v1.BatchCompleteMovesResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<com.wms.orders.v1.BatchCompleteMovesRequest,
      com.wms.orders.v1.BatchCompleteMovesResponse> getBatchCompleteMovesMethod() {
    io.grpc.MethodDescriptor<com.wms.orders.v1.BatchCompleteMovesRequest, com.wms.orders.v1.BatchCompleteMovesResponse> getBatchCompleteMovesMethod;
    if ((getBatchCompleteMovesMethod = StorageServiceGrpc.getBatchCompleteMovesMethod) == null) {
      synchronized (StorageServiceGrpc.class) {
        if ((getBatchCompleteMovesMethod = StorageServiceGrpc.getBatchCompleteMovesMethod) == null) {
          StorageServiceGrpc.getBatchCompleteMovesMethod = getBatchCompleteMovesMethod =
              io.grpc.MethodDescriptor.<com.wms.orders.v1.BatchCompleteMovesRequest, com.wms.orders.v1.BatchCompleteMovesResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "BatchCompleteMoves"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.wms.orders.v1.BatchCompleteMovesRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.wms.orders.v1.BatchCompleteMovesResponse.getDefaultInstance()))
              .setSchemaDescriptor(new StorageServiceMethodDescriptorSupplier("BatchCompleteMoves"))
              .build();
        }
      }
    }
    return getBatchCompleteMovesMethod;
  }

  private static volatile io.grpc.MethodDescriptor<com.wms.orders.v1.FailMoveRequest,
      com.wms.orders.v1.FailMoveResponse> getFailMoveMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "FailMove",
      requestType = com.wms.orders.v1.FailMoveRequest.class,
      responseType = com.wms.orders.v1.FailMoveResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<com.wms.orders.v1.FailMoveRequest,
      com.wms.orders.v1.FailMoveResponse> getFailMoveMethod() {
    io.grpc.MethodDescriptor<com.wms.orders.v1.FailMoveRequest, com.wms.orders.v1.FailMoveResponse> getFailMoveMethod;
    if ((getFailMoveMethod = StorageServiceGrpc.getFailMoveMethod) == null) {
      synchronized (StorageServiceGrpc.class) {
        if ((getFailMoveMethod = StorageServiceGrpc.getFailMoveMethod) == null) {
          StorageServiceGrpc.getFailMoveMethod = getFailMoveMethod =
              io.grpc.MethodDescriptor.<com.wms.orders.v1.FailMoveRequest, com.wms.orders.v1.FailMoveResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "FailMove"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.wms.orders.v1.FailMoveRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.wms.orders.v1.FailMoveResponse.getDefaultInstance()))
              .setSchemaDescriptor(new StorageServiceMethodDescriptorSupplier("FailMove"))
              .build();
        }
      }
    }
    return getFailMoveMethod;
  }

  private static volatile io.grpc.MethodDescriptor<com.wms.orders.v1.WatchMovesRequest,
      com.wms.orders.v1.WatchMovesResponse> getWatchMovesMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "WatchMoves",
      requestType = com.wms.orders.v1.WatchMovesRequest.class,
      responseType = com.wms.orders.v1.WatchMovesResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.SERVER_STREAMING)
  public static io.grpc.MethodDescriptor<com.wms.orders.v1.WatchMovesRequest,
      com.wms.orders.v1.WatchMovesResponse> getWatchMovesMethod() {
    io.grpc.MethodDescriptor<com.wms.orders.v1.WatchMovesRequest, com.wms.orders.v1.WatchMovesResponse> getWatchMovesMethod;
    if ((getWatchMovesMethod = StorageServiceGrpc.getWatchMovesMethod) == null) {
      synchronized (StorageServiceGrpc.class) {
        if ((getWatchMovesMethod = StorageServiceGrpc.getWatchMovesMethod) == null) {
          StorageServiceGrpc.getWatchMovesMethod = getWatchMovesMethod =
              io.grpc.MethodDescriptor.<com.wms.orders.v1.WatchMovesRequest, com.wms.orders.v1.WatchMovesResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.SERVER_STREAMING)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "WatchMoves"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.wms.orders.v1.WatchMovesRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.wms.orders.v1.WatchMovesResponse.getDefaultInstance()))
              .setSchemaDescriptor(new StorageServiceMethodDescriptorSupplier("WatchMoves"))
              .build();
        }
      }
    }
    return getWatchMovesMethod;
  }

  private static volatile io.grpc.MethodDescriptor<com.wms.orders.v1.ReportShortPickRequest,
      com.wms.orders.v1.ReportShortPickResponse> getReportShortPickMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ReportShortPick",
      requestType = com.wms.orders.v1.ReportShortPickRequest.class,
      responseType = com.wms.orders.v1.ReportShortPickResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<com.wms.orders.v1.ReportShortPickRequest,
      com.wms.orders.v1.ReportShortPickResponse> getReportShortPickMethod() {
    io.grpc.MethodDescriptor<com.wms.orders.v1.ReportShortPickRequest, com.wms.orders.v1.ReportShortPickResponse> getReportShortPickMethod;
    if ((getReportShortPickMethod = StorageServiceGrpc.getReportShortPickMethod) == null) {
      synchronized (StorageServiceGrpc.class) {
        if ((getReportShortPickMethod = StorageServiceGrpc.getReportShortPickMethod) == null) {
          StorageServiceGrpc.getReportShortPickMethod = getReportShortPickMethod =
              io.grpc.MethodDescriptor.<com.wms.orders.v1.ReportShortPickRequest, com.wms.orders.v1.ReportShortPickResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ReportShortPick"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.wms.orders.v1.ReportShortPickRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.wms.orders.v1.ReportShortPickResponse.getDefaultInstance()))
              .setSchemaDescriptor(new StorageServiceMethodDescriptorSupplier("ReportShortPick"))
              .build();
        }
      }
    }
    return getReportShortPickMethod;
  }

  private static volatile io.grpc.MethodDescriptor<com.wms.orders.v1.ListBackordersRequest,
      com.wms.orders.v1.ListBackordersResponse> getListBackordersMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ListBackorders",
      requestType = com.wms.orders.v1.ListBackordersRequest.class,
      responseType = com.wms.orders.v1.ListBackordersResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<com.wms.orders.v1.ListBackordersRequest,
      com.wms.orders.v1.ListBackordersResponse> getListBackordersMethod() {
    io.grpc.MethodDescriptor<com.wms.orders.v1.ListBackordersRequest, com.wms.orders.v1.ListBackordersResponse> getListBackordersMethod;
    if ((getListBackordersMethod = StorageServiceGrpc.getListBackordersMethod) == null) {
      synchronized (StorageServiceGrpc.class) {
        if ((getListBackordersMethod = StorageServiceGrpc.getListBackordersMethod) == null) {
          StorageServiceGrpc.getListBackordersMethod = getListBackordersMethod =
              io.grpc.MethodDescriptor.<com.wms.orders.v1.ListBackordersRequest, com.wms.orders.v1.ListBackordersResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ListBackorders"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.wms.orders.v1.ListBackordersRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.wms.orders.v1.ListBackordersResponse.getDefaultInstance()))
              .setSchemaDescriptor(new StorageServiceMethodDescriptorSupplier("ListBackorders"))
              .build();
        }
      }
    }
    return getListBackordersMethod;
  }

  private static volatile io.grpc.MethodDescriptor<com.wms.orders.v1.CancelBackorderRequest,
      com.wms.orders.v1.CancelBackorderResponse> getCancelBackorderMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "CancelBackorder",
      requestType = com.wms.orders.v1.CancelBackorderRequest.class,
      responseType = com.wms.orders.v1.CancelBackorderResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<com.wms.orders.v1.CancelBackorderRequest,
      com.wms.orders.v1.CancelBackorderResponse> getCancelBackorderMethod() {
    io.grpc.MethodDescriptor<com.wms.orders.v1.CancelBackorderRequest, com.wms.orders.v1.CancelBackorderResponse> getCancelBackorderMethod;
    if ((getCancelBackorderMethod = StorageServiceGrpc.getCancelBackorderMethod) == null) {
      synchronized (StorageServiceGrpc.class) {
        if ((getCancelBackorderMethod = StorageServiceGrpc.getCancelBackorderMethod) == null) {
          StorageServiceGrpc.getCancelBackorderMethod = getCancelBackorderMethod =
              io.grpc.MethodDescriptor.<com.wms.orders.v1.CancelBackorderRequest, com.wms.orders.v1.CancelBackorderResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "CancelBackorder"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.wms.orders.v1.CancelBackorderRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.wms.orders.v1.CancelBackorderResponse.getDefaultInstance()))
              .setSchemaDescriptor(new StorageServiceMethodDescriptorSupplier("CancelBackorder"))
              .build();
        }
      }
    }
    return getCancelBackorderMethod;
  }

  /**
   * Creates a new async stub that supports all call types for the service
   */
  public static StorageServiceStub newStub(io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<StorageServiceStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<StorageServiceStub>() {
        @java.lang.Override
        public StorageServiceStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new StorageServiceStub(channel, callOptions);
        }
      };
    return StorageServiceStub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports all types of calls on the service
   */
  public static StorageServiceBlockingV2Stub newBlockingV2Stub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<StorageServiceBlockingV2Stub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<StorageServiceBlockingV2Stub>() {
        @java.lang.Override
        public StorageServiceBlockingV2Stub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new StorageServiceBlockingV2Stub(channel, callOptions);
        }
      };
    return StorageServiceBlockingV2Stub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports unary and streaming output calls on the service
   */
  public static StorageServiceBlockingStub newBlockingStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<StorageServiceBlockingStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<StorageServiceBlockingStub>() {
        @java.lang.Override
        public StorageServiceBlockingStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new StorageServiceBlockingStub(channel, callOptions);
        }
      };
    return StorageServiceBlockingStub.newStub(factory, channel);
  }

  /**
   * Creates a new ListenableFuture-style stub that supports unary calls on the service
   */
  public static StorageServiceFutureStub newFutureStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<StorageServiceFutureStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<StorageServiceFutureStub>() {
        @java.lang.Override
        public StorageServiceFutureStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new StorageServiceFutureStub(channel, callOptions);
        }
      };
    return StorageServiceFutureStub.newStub(factory, channel);
  }

  /**
   * <pre>
   * Keeps the books of the storage and hands out moves to the warehouse control system.
   * </pre>
   */
  public interface AsyncService {

    /**
     * <pre>
     * Creates a lane or changes one. Its capacity cannot fall below what stands in it. The first lane or
     * destination of a warehouse creates the warehouse.
     * Errors: `WAREHOUSE_MISMATCH`, `LANE_FULL`, `REQUEST_ID_REUSED`.
     * </pre>
     */
    default void putLane(com.wms.orders.v1.PutLaneRequest request,
        io.grpc.stub.StreamObserver<com.wms.orders.v1.PutLaneResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getPutLaneMethod(), responseObserver);
    }

    /**
     * <pre>
     * Lists lanes, by warehouse and id.
     * Errors: `INVALID_PAGE_TOKEN`.
     * </pre>
     */
    default void listLanes(com.wms.orders.v1.ListLanesRequest request,
        io.grpc.stub.StreamObserver<com.wms.orders.v1.ListLanesResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListLanesMethod(), responseObserver);
    }

    /**
     * <pre>
     * Creates a destination or changes one. The first lane or destination of a warehouse creates the
     * warehouse.
     * Errors: `WAREHOUSE_MISMATCH`, `REQUEST_ID_REUSED`.
     * </pre>
     */
    default void putDestination(com.wms.orders.v1.PutDestinationRequest request,
        io.grpc.stub.StreamObserver<com.wms.orders.v1.PutDestinationResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getPutDestinationMethod(), responseObserver);
    }

    /**
     * <pre>
     * Lists destinations, by warehouse and id.
     * Errors: `INVALID_PAGE_TOKEN`.
     * </pre>
     */
    default void listDestinations(com.wms.orders.v1.ListDestinationsRequest request,
        io.grpc.stub.StreamObserver<com.wms.orders.v1.ListDestinationsResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListDestinationsMethod(), responseObserver);
    }

    /**
     * <pre>
     * Takes in new carriers, each at the end of its lane, in the order of the request. All or nothing.
     * Errors: `LANE_NOT_FOUND`, `WAREHOUSE_NOT_FOUND`, `WAREHOUSE_MISMATCH`, `LANE_BLOCKED`, `LANE_FULL`,
     * `CARRIER_ALREADY_EXISTS`, `REQUEST_ID_REUSED`.
     * </pre>
     */
    default void receiveCarriers(com.wms.orders.v1.ReceiveCarriersRequest request,
        io.grpc.stub.StreamObserver<com.wms.orders.v1.ReceiveCarriersResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getReceiveCarriersMethod(), responseObserver);
    }

    /**
     * <pre>
     * Lists carriers, by id.
     * Errors: `INVALID_PAGE_TOKEN`.
     * </pre>
     */
    default void listCarriers(com.wms.orders.v1.ListCarriersRequest request,
        io.grpc.stub.StreamObserver<com.wms.orders.v1.ListCarriersResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListCarriersMethod(), responseObserver);
    }

    /**
     * <pre>
     * Holds a carrier back, marks it for inspection, or makes it available again. What was allocated on a
     * carrier that is no longer available is released, and its orders are allocated anew.
     * Errors: `CARRIER_NOT_FOUND`, `CARRIER_LEFT`, `REQUEST_ID_REUSED`.
     * </pre>
     */
    default void setCarrierStatus(com.wms.orders.v1.SetCarrierStatusRequest request,
        io.grpc.stub.StreamObserver<com.wms.orders.v1.SetCarrierStatusResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getSetCarrierStatusMethod(), responseObserver);
    }

    /**
     * <pre>
     * Blocks a lane or opens it again. Nothing is taken out of a blocked lane or put into it.
     * Errors: `LANE_NOT_FOUND`, `REQUEST_ID_REUSED`.
     * </pre>
     */
    default void setLaneStatus(com.wms.orders.v1.SetLaneStatusRequest request,
        io.grpc.stub.StreamObserver<com.wms.orders.v1.SetLaneStatusResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getSetLaneStatusMethod(), responseObserver);
    }

    /**
     * <pre>
     * Tells how much there is of each SKU, by warehouse and SKU.
     * Errors: `INVALID_PAGE_TOKEN`.
     * </pre>
     */
    default void getStock(com.wms.orders.v1.GetStockRequest request,
        io.grpc.stub.StreamObserver<com.wms.orders.v1.GetStockResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getGetStockMethod(), responseObserver);
    }

    /**
     * <pre>
     * Claims moves for one caller, oldest first. Each move goes to one caller only; a claim that is not
     * reported done by its deadline fails. Answers fewer, or none, when there are not so many.
     * Errors: `WAREHOUSE_NOT_FOUND`, `REQUEST_ID_REUSED`.
     * </pre>
     */
    default void claimMoves(com.wms.orders.v1.ClaimMovesRequest request,
        io.grpc.stub.StreamObserver<com.wms.orders.v1.ClaimMovesResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getClaimMovesMethod(), responseObserver);
    }

    /**
     * <pre>
     * Reports a claimed move as done. A move that is done already is answered as it is.
     * Errors: `MOVE_NOT_FOUND`, `MOVE_STATUS_CONFLICT`, `MOVE_CLAIMED_BY_OTHER`, `REQUEST_ID_REUSED`.
     * </pre>
     */
    default void completeMove(com.wms.orders.v1.CompleteMoveRequest request,
        io.grpc.stub.StreamObserver<com.wms.orders.v1.CompleteMoveResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getCompleteMoveMethod(), responseObserver);
    }

    /**
     * <pre>
     * Reports up to 500 claimed moves as done. Not all or nothing: each gets its result at its own place.
     * Errors of the batch: `REQUEST_ID_REUSED`. Errors of an element: those of CompleteMove.
     * </pre>
     */
    default void batchCompleteMoves(com.wms.orders.v1.BatchCompleteMovesRequest request,
        io.grpc.stub.StreamObserver<com.wms.orders.v1.BatchCompleteMovesResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getBatchCompleteMovesMethod(), responseObserver);
    }

    /**
     * <pre>
     * Reports a claimed move as failed: the carrier is where it was, and the failure is counted against the
     * orders that wait for it.
     * Errors: `MOVE_NOT_FOUND`, `MOVE_STATUS_CONFLICT`, `MOVE_CLAIMED_BY_OTHER`, `REQUEST_ID_REUSED`.
     * </pre>
     */
    default void failMove(com.wms.orders.v1.FailMoveRequest request,
        io.grpc.stub.StreamObserver<com.wms.orders.v1.FailMoveResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getFailMoveMethod(), responseObserver);
    }

    /**
     * <pre>
     * Follows the moves of a warehouse, so that a WCS need not poll. Watching claims nothing.
     * The first part tells every move that is requested or claimed, oldest first, and ends with a heartbeat,
     * which comes also when there is no such move. From then on each move is told, whole and as it is, as it
     * comes to be in another status; so is the end of each move that was told or could have been. `statuses`
     * filters both parts.
     * What is promised: the server looks at all moves several times a second. A status that lasts longer than
     * half a second is never skipped while the database answers in time; one that a move passes through
     * faster may be, and a move that is requested and ends so fast may not be told at all. The statuses of
     * one move come in their order; moves that changed at the same look come oldest first. The same status
     * of a move may be told again, in the first part of a new stream at least: be ready for repetitions.
     * A heartbeat comes whenever nothing else came for some seconds (`WATCH_HEARTBEAT`, 5 by default). A
     * client that hears nothing for half a minute should watch again.
     * The stream has no end of its own, and the server sets no deadline; that of the client, if any, ends it.
     * It ends with an error when the server shuts down (`SHUTTING_DOWN`), when the database is away or does
     * not answer for some 15 seconds (`DATABASE_UNAVAILABLE`), and when this watcher does not take a message
     * for 30 seconds or falls thousands of messages behind (`WATCHER_TOO_SLOW`); what it was behind is lost.
     * After any end watch again: the first part tells all that is open. What ended in between is not told: a
     * move that was open before and is not in the first part is over.
     * A server holds a limited number of streams open; one more is `OVERLOADED`.
     * Errors: `WAREHOUSE_NOT_FOUND`, `WATCHER_TOO_SLOW`, `OVERLOADED`, `SHUTTING_DOWN`,
     * `DATABASE_UNAVAILABLE`.
     * </pre>
     */
    default void watchMoves(com.wms.orders.v1.WatchMovesRequest request,
        io.grpc.stub.StreamObserver<com.wms.orders.v1.WatchMovesResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getWatchMovesMethod(), responseObserver);
    }

    /**
     * <pre>
     * Reports that a picker found less than the books say. The books are corrected; what is missing becomes
     * a backorder when the order may go out in part and enough of it is left, else a failure is counted.
     * Errors: `ORDER_NOT_FOUND`, `SKU_NOT_ON_ORDER`, `QUANTITY_EXCEEDED`, `ETAG_MISMATCH`,
     * `ORDER_STATUS_CONFLICT`, `REQUEST_ID_REUSED`.
     * </pre>
     */
    default void reportShortPick(com.wms.orders.v1.ReportShortPickRequest request,
        io.grpc.stub.StreamObserver<com.wms.orders.v1.ReportShortPickResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getReportShortPickMethod(), responseObserver);
    }

    /**
     * <pre>
     * Lists backorders, oldest first.
     * Errors: `INVALID_PAGE_TOKEN`.
     * </pre>
     */
    default void listBackorders(com.wms.orders.v1.ListBackordersRequest request,
        io.grpc.stub.StreamObserver<com.wms.orders.v1.ListBackordersResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListBackordersMethod(), responseObserver);
    }

    /**
     * <pre>
     * Closes a backorder that will never be filled. A cancelled one is answered as it is.
     * Errors: `BACKORDER_NOT_FOUND`, `BACKORDER_STATUS_CONFLICT`, `REQUEST_ID_REUSED`.
     * </pre>
     */
    default void cancelBackorder(com.wms.orders.v1.CancelBackorderRequest request,
        io.grpc.stub.StreamObserver<com.wms.orders.v1.CancelBackorderResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getCancelBackorderMethod(), responseObserver);
    }
  }

  /**
   * Base class for the server implementation of the service StorageService.
   * <pre>
   * Keeps the books of the storage and hands out moves to the warehouse control system.
   * </pre>
   */
  public static abstract class StorageServiceImplBase
      implements io.grpc.BindableService, AsyncService {

    @java.lang.Override public final io.grpc.ServerServiceDefinition bindService() {
      return StorageServiceGrpc.bindService(this);
    }
  }

  /**
   * A stub to allow clients to do asynchronous rpc calls to service StorageService.
   * <pre>
   * Keeps the books of the storage and hands out moves to the warehouse control system.
   * </pre>
   */
  public static final class StorageServiceStub
      extends io.grpc.stub.AbstractAsyncStub<StorageServiceStub> {
    private StorageServiceStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected StorageServiceStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new StorageServiceStub(channel, callOptions);
    }

    /**
     * <pre>
     * Creates a lane or changes one. Its capacity cannot fall below what stands in it. The first lane or
     * destination of a warehouse creates the warehouse.
     * Errors: `WAREHOUSE_MISMATCH`, `LANE_FULL`, `REQUEST_ID_REUSED`.
     * </pre>
     */
    public void putLane(com.wms.orders.v1.PutLaneRequest request,
        io.grpc.stub.StreamObserver<com.wms.orders.v1.PutLaneResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getPutLaneMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Lists lanes, by warehouse and id.
     * Errors: `INVALID_PAGE_TOKEN`.
     * </pre>
     */
    public void listLanes(com.wms.orders.v1.ListLanesRequest request,
        io.grpc.stub.StreamObserver<com.wms.orders.v1.ListLanesResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getListLanesMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Creates a destination or changes one. The first lane or destination of a warehouse creates the
     * warehouse.
     * Errors: `WAREHOUSE_MISMATCH`, `REQUEST_ID_REUSED`.
     * </pre>
     */
    public void putDestination(com.wms.orders.v1.PutDestinationRequest request,
        io.grpc.stub.StreamObserver<com.wms.orders.v1.PutDestinationResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getPutDestinationMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Lists destinations, by warehouse and id.
     * Errors: `INVALID_PAGE_TOKEN`.
     * </pre>
     */
    public void listDestinations(com.wms.orders.v1.ListDestinationsRequest request,
        io.grpc.stub.StreamObserver<com.wms.orders.v1.ListDestinationsResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getListDestinationsMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Takes in new carriers, each at the end of its lane, in the order of the request. All or nothing.
     * Errors: `LANE_NOT_FOUND`, `WAREHOUSE_NOT_FOUND`, `WAREHOUSE_MISMATCH`, `LANE_BLOCKED`, `LANE_FULL`,
     * `CARRIER_ALREADY_EXISTS`, `REQUEST_ID_REUSED`.
     * </pre>
     */
    public void receiveCarriers(com.wms.orders.v1.ReceiveCarriersRequest request,
        io.grpc.stub.StreamObserver<com.wms.orders.v1.ReceiveCarriersResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getReceiveCarriersMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Lists carriers, by id.
     * Errors: `INVALID_PAGE_TOKEN`.
     * </pre>
     */
    public void listCarriers(com.wms.orders.v1.ListCarriersRequest request,
        io.grpc.stub.StreamObserver<com.wms.orders.v1.ListCarriersResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getListCarriersMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Holds a carrier back, marks it for inspection, or makes it available again. What was allocated on a
     * carrier that is no longer available is released, and its orders are allocated anew.
     * Errors: `CARRIER_NOT_FOUND`, `CARRIER_LEFT`, `REQUEST_ID_REUSED`.
     * </pre>
     */
    public void setCarrierStatus(com.wms.orders.v1.SetCarrierStatusRequest request,
        io.grpc.stub.StreamObserver<com.wms.orders.v1.SetCarrierStatusResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getSetCarrierStatusMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Blocks a lane or opens it again. Nothing is taken out of a blocked lane or put into it.
     * Errors: `LANE_NOT_FOUND`, `REQUEST_ID_REUSED`.
     * </pre>
     */
    public void setLaneStatus(com.wms.orders.v1.SetLaneStatusRequest request,
        io.grpc.stub.StreamObserver<com.wms.orders.v1.SetLaneStatusResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getSetLaneStatusMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Tells how much there is of each SKU, by warehouse and SKU.
     * Errors: `INVALID_PAGE_TOKEN`.
     * </pre>
     */
    public void getStock(com.wms.orders.v1.GetStockRequest request,
        io.grpc.stub.StreamObserver<com.wms.orders.v1.GetStockResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getGetStockMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Claims moves for one caller, oldest first. Each move goes to one caller only; a claim that is not
     * reported done by its deadline fails. Answers fewer, or none, when there are not so many.
     * Errors: `WAREHOUSE_NOT_FOUND`, `REQUEST_ID_REUSED`.
     * </pre>
     */
    public void claimMoves(com.wms.orders.v1.ClaimMovesRequest request,
        io.grpc.stub.StreamObserver<com.wms.orders.v1.ClaimMovesResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getClaimMovesMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Reports a claimed move as done. A move that is done already is answered as it is.
     * Errors: `MOVE_NOT_FOUND`, `MOVE_STATUS_CONFLICT`, `MOVE_CLAIMED_BY_OTHER`, `REQUEST_ID_REUSED`.
     * </pre>
     */
    public void completeMove(com.wms.orders.v1.CompleteMoveRequest request,
        io.grpc.stub.StreamObserver<com.wms.orders.v1.CompleteMoveResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getCompleteMoveMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Reports up to 500 claimed moves as done. Not all or nothing: each gets its result at its own place.
     * Errors of the batch: `REQUEST_ID_REUSED`. Errors of an element: those of CompleteMove.
     * </pre>
     */
    public void batchCompleteMoves(com.wms.orders.v1.BatchCompleteMovesRequest request,
        io.grpc.stub.StreamObserver<com.wms.orders.v1.BatchCompleteMovesResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getBatchCompleteMovesMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Reports a claimed move as failed: the carrier is where it was, and the failure is counted against the
     * orders that wait for it.
     * Errors: `MOVE_NOT_FOUND`, `MOVE_STATUS_CONFLICT`, `MOVE_CLAIMED_BY_OTHER`, `REQUEST_ID_REUSED`.
     * </pre>
     */
    public void failMove(com.wms.orders.v1.FailMoveRequest request,
        io.grpc.stub.StreamObserver<com.wms.orders.v1.FailMoveResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getFailMoveMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Follows the moves of a warehouse, so that a WCS need not poll. Watching claims nothing.
     * The first part tells every move that is requested or claimed, oldest first, and ends with a heartbeat,
     * which comes also when there is no such move. From then on each move is told, whole and as it is, as it
     * comes to be in another status; so is the end of each move that was told or could have been. `statuses`
     * filters both parts.
     * What is promised: the server looks at all moves several times a second. A status that lasts longer than
     * half a second is never skipped while the database answers in time; one that a move passes through
     * faster may be, and a move that is requested and ends so fast may not be told at all. The statuses of
     * one move come in their order; moves that changed at the same look come oldest first. The same status
     * of a move may be told again, in the first part of a new stream at least: be ready for repetitions.
     * A heartbeat comes whenever nothing else came for some seconds (`WATCH_HEARTBEAT`, 5 by default). A
     * client that hears nothing for half a minute should watch again.
     * The stream has no end of its own, and the server sets no deadline; that of the client, if any, ends it.
     * It ends with an error when the server shuts down (`SHUTTING_DOWN`), when the database is away or does
     * not answer for some 15 seconds (`DATABASE_UNAVAILABLE`), and when this watcher does not take a message
     * for 30 seconds or falls thousands of messages behind (`WATCHER_TOO_SLOW`); what it was behind is lost.
     * After any end watch again: the first part tells all that is open. What ended in between is not told: a
     * move that was open before and is not in the first part is over.
     * A server holds a limited number of streams open; one more is `OVERLOADED`.
     * Errors: `WAREHOUSE_NOT_FOUND`, `WATCHER_TOO_SLOW`, `OVERLOADED`, `SHUTTING_DOWN`,
     * `DATABASE_UNAVAILABLE`.
     * </pre>
     */
    public void watchMoves(com.wms.orders.v1.WatchMovesRequest request,
        io.grpc.stub.StreamObserver<com.wms.orders.v1.WatchMovesResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncServerStreamingCall(
          getChannel().newCall(getWatchMovesMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Reports that a picker found less than the books say. The books are corrected; what is missing becomes
     * a backorder when the order may go out in part and enough of it is left, else a failure is counted.
     * Errors: `ORDER_NOT_FOUND`, `SKU_NOT_ON_ORDER`, `QUANTITY_EXCEEDED`, `ETAG_MISMATCH`,
     * `ORDER_STATUS_CONFLICT`, `REQUEST_ID_REUSED`.
     * </pre>
     */
    public void reportShortPick(com.wms.orders.v1.ReportShortPickRequest request,
        io.grpc.stub.StreamObserver<com.wms.orders.v1.ReportShortPickResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getReportShortPickMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Lists backorders, oldest first.
     * Errors: `INVALID_PAGE_TOKEN`.
     * </pre>
     */
    public void listBackorders(com.wms.orders.v1.ListBackordersRequest request,
        io.grpc.stub.StreamObserver<com.wms.orders.v1.ListBackordersResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getListBackordersMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Closes a backorder that will never be filled. A cancelled one is answered as it is.
     * Errors: `BACKORDER_NOT_FOUND`, `BACKORDER_STATUS_CONFLICT`, `REQUEST_ID_REUSED`.
     * </pre>
     */
    public void cancelBackorder(com.wms.orders.v1.CancelBackorderRequest request,
        io.grpc.stub.StreamObserver<com.wms.orders.v1.CancelBackorderResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getCancelBackorderMethod(), getCallOptions()), request, responseObserver);
    }
  }

  /**
   * A stub to allow clients to do synchronous rpc calls to service StorageService.
   * <pre>
   * Keeps the books of the storage and hands out moves to the warehouse control system.
   * </pre>
   */
  public static final class StorageServiceBlockingV2Stub
      extends io.grpc.stub.AbstractBlockingStub<StorageServiceBlockingV2Stub> {
    private StorageServiceBlockingV2Stub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected StorageServiceBlockingV2Stub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new StorageServiceBlockingV2Stub(channel, callOptions);
    }

    /**
     * <pre>
     * Creates a lane or changes one. Its capacity cannot fall below what stands in it. The first lane or
     * destination of a warehouse creates the warehouse.
     * Errors: `WAREHOUSE_MISMATCH`, `LANE_FULL`, `REQUEST_ID_REUSED`.
     * </pre>
     */
    public com.wms.orders.v1.PutLaneResponse putLane(com.wms.orders.v1.PutLaneRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getPutLaneMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists lanes, by warehouse and id.
     * Errors: `INVALID_PAGE_TOKEN`.
     * </pre>
     */
    public com.wms.orders.v1.ListLanesResponse listLanes(com.wms.orders.v1.ListLanesRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getListLanesMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Creates a destination or changes one. The first lane or destination of a warehouse creates the
     * warehouse.
     * Errors: `WAREHOUSE_MISMATCH`, `REQUEST_ID_REUSED`.
     * </pre>
     */
    public com.wms.orders.v1.PutDestinationResponse putDestination(com.wms.orders.v1.PutDestinationRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getPutDestinationMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists destinations, by warehouse and id.
     * Errors: `INVALID_PAGE_TOKEN`.
     * </pre>
     */
    public com.wms.orders.v1.ListDestinationsResponse listDestinations(com.wms.orders.v1.ListDestinationsRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getListDestinationsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Takes in new carriers, each at the end of its lane, in the order of the request. All or nothing.
     * Errors: `LANE_NOT_FOUND`, `WAREHOUSE_NOT_FOUND`, `WAREHOUSE_MISMATCH`, `LANE_BLOCKED`, `LANE_FULL`,
     * `CARRIER_ALREADY_EXISTS`, `REQUEST_ID_REUSED`.
     * </pre>
     */
    public com.wms.orders.v1.ReceiveCarriersResponse receiveCarriers(com.wms.orders.v1.ReceiveCarriersRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getReceiveCarriersMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists carriers, by id.
     * Errors: `INVALID_PAGE_TOKEN`.
     * </pre>
     */
    public com.wms.orders.v1.ListCarriersResponse listCarriers(com.wms.orders.v1.ListCarriersRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getListCarriersMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Holds a carrier back, marks it for inspection, or makes it available again. What was allocated on a
     * carrier that is no longer available is released, and its orders are allocated anew.
     * Errors: `CARRIER_NOT_FOUND`, `CARRIER_LEFT`, `REQUEST_ID_REUSED`.
     * </pre>
     */
    public com.wms.orders.v1.SetCarrierStatusResponse setCarrierStatus(com.wms.orders.v1.SetCarrierStatusRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getSetCarrierStatusMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Blocks a lane or opens it again. Nothing is taken out of a blocked lane or put into it.
     * Errors: `LANE_NOT_FOUND`, `REQUEST_ID_REUSED`.
     * </pre>
     */
    public com.wms.orders.v1.SetLaneStatusResponse setLaneStatus(com.wms.orders.v1.SetLaneStatusRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getSetLaneStatusMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Tells how much there is of each SKU, by warehouse and SKU.
     * Errors: `INVALID_PAGE_TOKEN`.
     * </pre>
     */
    public com.wms.orders.v1.GetStockResponse getStock(com.wms.orders.v1.GetStockRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getGetStockMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Claims moves for one caller, oldest first. Each move goes to one caller only; a claim that is not
     * reported done by its deadline fails. Answers fewer, or none, when there are not so many.
     * Errors: `WAREHOUSE_NOT_FOUND`, `REQUEST_ID_REUSED`.
     * </pre>
     */
    public com.wms.orders.v1.ClaimMovesResponse claimMoves(com.wms.orders.v1.ClaimMovesRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getClaimMovesMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Reports a claimed move as done. A move that is done already is answered as it is.
     * Errors: `MOVE_NOT_FOUND`, `MOVE_STATUS_CONFLICT`, `MOVE_CLAIMED_BY_OTHER`, `REQUEST_ID_REUSED`.
     * </pre>
     */
    public com.wms.orders.v1.CompleteMoveResponse completeMove(com.wms.orders.v1.CompleteMoveRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getCompleteMoveMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Reports up to 500 claimed moves as done. Not all or nothing: each gets its result at its own place.
     * Errors of the batch: `REQUEST_ID_REUSED`. Errors of an element: those of CompleteMove.
     * </pre>
     */
    public com.wms.orders.v1.BatchCompleteMovesResponse batchCompleteMoves(com.wms.orders.v1.BatchCompleteMovesRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getBatchCompleteMovesMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Reports a claimed move as failed: the carrier is where it was, and the failure is counted against the
     * orders that wait for it.
     * Errors: `MOVE_NOT_FOUND`, `MOVE_STATUS_CONFLICT`, `MOVE_CLAIMED_BY_OTHER`, `REQUEST_ID_REUSED`.
     * </pre>
     */
    public com.wms.orders.v1.FailMoveResponse failMove(com.wms.orders.v1.FailMoveRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getFailMoveMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Follows the moves of a warehouse, so that a WCS need not poll. Watching claims nothing.
     * The first part tells every move that is requested or claimed, oldest first, and ends with a heartbeat,
     * which comes also when there is no such move. From then on each move is told, whole and as it is, as it
     * comes to be in another status; so is the end of each move that was told or could have been. `statuses`
     * filters both parts.
     * What is promised: the server looks at all moves several times a second. A status that lasts longer than
     * half a second is never skipped while the database answers in time; one that a move passes through
     * faster may be, and a move that is requested and ends so fast may not be told at all. The statuses of
     * one move come in their order; moves that changed at the same look come oldest first. The same status
     * of a move may be told again, in the first part of a new stream at least: be ready for repetitions.
     * A heartbeat comes whenever nothing else came for some seconds (`WATCH_HEARTBEAT`, 5 by default). A
     * client that hears nothing for half a minute should watch again.
     * The stream has no end of its own, and the server sets no deadline; that of the client, if any, ends it.
     * It ends with an error when the server shuts down (`SHUTTING_DOWN`), when the database is away or does
     * not answer for some 15 seconds (`DATABASE_UNAVAILABLE`), and when this watcher does not take a message
     * for 30 seconds or falls thousands of messages behind (`WATCHER_TOO_SLOW`); what it was behind is lost.
     * After any end watch again: the first part tells all that is open. What ended in between is not told: a
     * move that was open before and is not in the first part is over.
     * A server holds a limited number of streams open; one more is `OVERLOADED`.
     * Errors: `WAREHOUSE_NOT_FOUND`, `WATCHER_TOO_SLOW`, `OVERLOADED`, `SHUTTING_DOWN`,
     * `DATABASE_UNAVAILABLE`.
     * </pre>
     */
    @io.grpc.ExperimentalApi("https://github.com/grpc/grpc-java/issues/10918")
    public io.grpc.stub.BlockingClientCall<?, com.wms.orders.v1.WatchMovesResponse>
        watchMoves(com.wms.orders.v1.WatchMovesRequest request) {
      return io.grpc.stub.ClientCalls.blockingV2ServerStreamingCall(
          getChannel(), getWatchMovesMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Reports that a picker found less than the books say. The books are corrected; what is missing becomes
     * a backorder when the order may go out in part and enough of it is left, else a failure is counted.
     * Errors: `ORDER_NOT_FOUND`, `SKU_NOT_ON_ORDER`, `QUANTITY_EXCEEDED`, `ETAG_MISMATCH`,
     * `ORDER_STATUS_CONFLICT`, `REQUEST_ID_REUSED`.
     * </pre>
     */
    public com.wms.orders.v1.ReportShortPickResponse reportShortPick(com.wms.orders.v1.ReportShortPickRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getReportShortPickMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists backorders, oldest first.
     * Errors: `INVALID_PAGE_TOKEN`.
     * </pre>
     */
    public com.wms.orders.v1.ListBackordersResponse listBackorders(com.wms.orders.v1.ListBackordersRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getListBackordersMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Closes a backorder that will never be filled. A cancelled one is answered as it is.
     * Errors: `BACKORDER_NOT_FOUND`, `BACKORDER_STATUS_CONFLICT`, `REQUEST_ID_REUSED`.
     * </pre>
     */
    public com.wms.orders.v1.CancelBackorderResponse cancelBackorder(com.wms.orders.v1.CancelBackorderRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getCancelBackorderMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do limited synchronous rpc calls to service StorageService.
   * <pre>
   * Keeps the books of the storage and hands out moves to the warehouse control system.
   * </pre>
   */
  public static final class StorageServiceBlockingStub
      extends io.grpc.stub.AbstractBlockingStub<StorageServiceBlockingStub> {
    private StorageServiceBlockingStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected StorageServiceBlockingStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new StorageServiceBlockingStub(channel, callOptions);
    }

    /**
     * <pre>
     * Creates a lane or changes one. Its capacity cannot fall below what stands in it. The first lane or
     * destination of a warehouse creates the warehouse.
     * Errors: `WAREHOUSE_MISMATCH`, `LANE_FULL`, `REQUEST_ID_REUSED`.
     * </pre>
     */
    public com.wms.orders.v1.PutLaneResponse putLane(com.wms.orders.v1.PutLaneRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getPutLaneMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists lanes, by warehouse and id.
     * Errors: `INVALID_PAGE_TOKEN`.
     * </pre>
     */
    public com.wms.orders.v1.ListLanesResponse listLanes(com.wms.orders.v1.ListLanesRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListLanesMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Creates a destination or changes one. The first lane or destination of a warehouse creates the
     * warehouse.
     * Errors: `WAREHOUSE_MISMATCH`, `REQUEST_ID_REUSED`.
     * </pre>
     */
    public com.wms.orders.v1.PutDestinationResponse putDestination(com.wms.orders.v1.PutDestinationRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getPutDestinationMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists destinations, by warehouse and id.
     * Errors: `INVALID_PAGE_TOKEN`.
     * </pre>
     */
    public com.wms.orders.v1.ListDestinationsResponse listDestinations(com.wms.orders.v1.ListDestinationsRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListDestinationsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Takes in new carriers, each at the end of its lane, in the order of the request. All or nothing.
     * Errors: `LANE_NOT_FOUND`, `WAREHOUSE_NOT_FOUND`, `WAREHOUSE_MISMATCH`, `LANE_BLOCKED`, `LANE_FULL`,
     * `CARRIER_ALREADY_EXISTS`, `REQUEST_ID_REUSED`.
     * </pre>
     */
    public com.wms.orders.v1.ReceiveCarriersResponse receiveCarriers(com.wms.orders.v1.ReceiveCarriersRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getReceiveCarriersMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists carriers, by id.
     * Errors: `INVALID_PAGE_TOKEN`.
     * </pre>
     */
    public com.wms.orders.v1.ListCarriersResponse listCarriers(com.wms.orders.v1.ListCarriersRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListCarriersMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Holds a carrier back, marks it for inspection, or makes it available again. What was allocated on a
     * carrier that is no longer available is released, and its orders are allocated anew.
     * Errors: `CARRIER_NOT_FOUND`, `CARRIER_LEFT`, `REQUEST_ID_REUSED`.
     * </pre>
     */
    public com.wms.orders.v1.SetCarrierStatusResponse setCarrierStatus(com.wms.orders.v1.SetCarrierStatusRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getSetCarrierStatusMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Blocks a lane or opens it again. Nothing is taken out of a blocked lane or put into it.
     * Errors: `LANE_NOT_FOUND`, `REQUEST_ID_REUSED`.
     * </pre>
     */
    public com.wms.orders.v1.SetLaneStatusResponse setLaneStatus(com.wms.orders.v1.SetLaneStatusRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getSetLaneStatusMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Tells how much there is of each SKU, by warehouse and SKU.
     * Errors: `INVALID_PAGE_TOKEN`.
     * </pre>
     */
    public com.wms.orders.v1.GetStockResponse getStock(com.wms.orders.v1.GetStockRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getGetStockMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Claims moves for one caller, oldest first. Each move goes to one caller only; a claim that is not
     * reported done by its deadline fails. Answers fewer, or none, when there are not so many.
     * Errors: `WAREHOUSE_NOT_FOUND`, `REQUEST_ID_REUSED`.
     * </pre>
     */
    public com.wms.orders.v1.ClaimMovesResponse claimMoves(com.wms.orders.v1.ClaimMovesRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getClaimMovesMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Reports a claimed move as done. A move that is done already is answered as it is.
     * Errors: `MOVE_NOT_FOUND`, `MOVE_STATUS_CONFLICT`, `MOVE_CLAIMED_BY_OTHER`, `REQUEST_ID_REUSED`.
     * </pre>
     */
    public com.wms.orders.v1.CompleteMoveResponse completeMove(com.wms.orders.v1.CompleteMoveRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getCompleteMoveMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Reports up to 500 claimed moves as done. Not all or nothing: each gets its result at its own place.
     * Errors of the batch: `REQUEST_ID_REUSED`. Errors of an element: those of CompleteMove.
     * </pre>
     */
    public com.wms.orders.v1.BatchCompleteMovesResponse batchCompleteMoves(com.wms.orders.v1.BatchCompleteMovesRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getBatchCompleteMovesMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Reports a claimed move as failed: the carrier is where it was, and the failure is counted against the
     * orders that wait for it.
     * Errors: `MOVE_NOT_FOUND`, `MOVE_STATUS_CONFLICT`, `MOVE_CLAIMED_BY_OTHER`, `REQUEST_ID_REUSED`.
     * </pre>
     */
    public com.wms.orders.v1.FailMoveResponse failMove(com.wms.orders.v1.FailMoveRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getFailMoveMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Follows the moves of a warehouse, so that a WCS need not poll. Watching claims nothing.
     * The first part tells every move that is requested or claimed, oldest first, and ends with a heartbeat,
     * which comes also when there is no such move. From then on each move is told, whole and as it is, as it
     * comes to be in another status; so is the end of each move that was told or could have been. `statuses`
     * filters both parts.
     * What is promised: the server looks at all moves several times a second. A status that lasts longer than
     * half a second is never skipped while the database answers in time; one that a move passes through
     * faster may be, and a move that is requested and ends so fast may not be told at all. The statuses of
     * one move come in their order; moves that changed at the same look come oldest first. The same status
     * of a move may be told again, in the first part of a new stream at least: be ready for repetitions.
     * A heartbeat comes whenever nothing else came for some seconds (`WATCH_HEARTBEAT`, 5 by default). A
     * client that hears nothing for half a minute should watch again.
     * The stream has no end of its own, and the server sets no deadline; that of the client, if any, ends it.
     * It ends with an error when the server shuts down (`SHUTTING_DOWN`), when the database is away or does
     * not answer for some 15 seconds (`DATABASE_UNAVAILABLE`), and when this watcher does not take a message
     * for 30 seconds or falls thousands of messages behind (`WATCHER_TOO_SLOW`); what it was behind is lost.
     * After any end watch again: the first part tells all that is open. What ended in between is not told: a
     * move that was open before and is not in the first part is over.
     * A server holds a limited number of streams open; one more is `OVERLOADED`.
     * Errors: `WAREHOUSE_NOT_FOUND`, `WATCHER_TOO_SLOW`, `OVERLOADED`, `SHUTTING_DOWN`,
     * `DATABASE_UNAVAILABLE`.
     * </pre>
     */
    public java.util.Iterator<com.wms.orders.v1.WatchMovesResponse> watchMoves(
        com.wms.orders.v1.WatchMovesRequest request) {
      return io.grpc.stub.ClientCalls.blockingServerStreamingCall(
          getChannel(), getWatchMovesMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Reports that a picker found less than the books say. The books are corrected; what is missing becomes
     * a backorder when the order may go out in part and enough of it is left, else a failure is counted.
     * Errors: `ORDER_NOT_FOUND`, `SKU_NOT_ON_ORDER`, `QUANTITY_EXCEEDED`, `ETAG_MISMATCH`,
     * `ORDER_STATUS_CONFLICT`, `REQUEST_ID_REUSED`.
     * </pre>
     */
    public com.wms.orders.v1.ReportShortPickResponse reportShortPick(com.wms.orders.v1.ReportShortPickRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getReportShortPickMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists backorders, oldest first.
     * Errors: `INVALID_PAGE_TOKEN`.
     * </pre>
     */
    public com.wms.orders.v1.ListBackordersResponse listBackorders(com.wms.orders.v1.ListBackordersRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListBackordersMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Closes a backorder that will never be filled. A cancelled one is answered as it is.
     * Errors: `BACKORDER_NOT_FOUND`, `BACKORDER_STATUS_CONFLICT`, `REQUEST_ID_REUSED`.
     * </pre>
     */
    public com.wms.orders.v1.CancelBackorderResponse cancelBackorder(com.wms.orders.v1.CancelBackorderRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getCancelBackorderMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do ListenableFuture-style rpc calls to service StorageService.
   * <pre>
   * Keeps the books of the storage and hands out moves to the warehouse control system.
   * </pre>
   */
  public static final class StorageServiceFutureStub
      extends io.grpc.stub.AbstractFutureStub<StorageServiceFutureStub> {
    private StorageServiceFutureStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected StorageServiceFutureStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new StorageServiceFutureStub(channel, callOptions);
    }

    /**
     * <pre>
     * Creates a lane or changes one. Its capacity cannot fall below what stands in it. The first lane or
     * destination of a warehouse creates the warehouse.
     * Errors: `WAREHOUSE_MISMATCH`, `LANE_FULL`, `REQUEST_ID_REUSED`.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<com.wms.orders.v1.PutLaneResponse> putLane(
        com.wms.orders.v1.PutLaneRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getPutLaneMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Lists lanes, by warehouse and id.
     * Errors: `INVALID_PAGE_TOKEN`.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<com.wms.orders.v1.ListLanesResponse> listLanes(
        com.wms.orders.v1.ListLanesRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getListLanesMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Creates a destination or changes one. The first lane or destination of a warehouse creates the
     * warehouse.
     * Errors: `WAREHOUSE_MISMATCH`, `REQUEST_ID_REUSED`.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<com.wms.orders.v1.PutDestinationResponse> putDestination(
        com.wms.orders.v1.PutDestinationRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getPutDestinationMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Lists destinations, by warehouse and id.
     * Errors: `INVALID_PAGE_TOKEN`.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<com.wms.orders.v1.ListDestinationsResponse> listDestinations(
        com.wms.orders.v1.ListDestinationsRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getListDestinationsMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Takes in new carriers, each at the end of its lane, in the order of the request. All or nothing.
     * Errors: `LANE_NOT_FOUND`, `WAREHOUSE_NOT_FOUND`, `WAREHOUSE_MISMATCH`, `LANE_BLOCKED`, `LANE_FULL`,
     * `CARRIER_ALREADY_EXISTS`, `REQUEST_ID_REUSED`.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<com.wms.orders.v1.ReceiveCarriersResponse> receiveCarriers(
        com.wms.orders.v1.ReceiveCarriersRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getReceiveCarriersMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Lists carriers, by id.
     * Errors: `INVALID_PAGE_TOKEN`.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<com.wms.orders.v1.ListCarriersResponse> listCarriers(
        com.wms.orders.v1.ListCarriersRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getListCarriersMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Holds a carrier back, marks it for inspection, or makes it available again. What was allocated on a
     * carrier that is no longer available is released, and its orders are allocated anew.
     * Errors: `CARRIER_NOT_FOUND`, `CARRIER_LEFT`, `REQUEST_ID_REUSED`.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<com.wms.orders.v1.SetCarrierStatusResponse> setCarrierStatus(
        com.wms.orders.v1.SetCarrierStatusRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getSetCarrierStatusMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Blocks a lane or opens it again. Nothing is taken out of a blocked lane or put into it.
     * Errors: `LANE_NOT_FOUND`, `REQUEST_ID_REUSED`.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<com.wms.orders.v1.SetLaneStatusResponse> setLaneStatus(
        com.wms.orders.v1.SetLaneStatusRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getSetLaneStatusMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Tells how much there is of each SKU, by warehouse and SKU.
     * Errors: `INVALID_PAGE_TOKEN`.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<com.wms.orders.v1.GetStockResponse> getStock(
        com.wms.orders.v1.GetStockRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getGetStockMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Claims moves for one caller, oldest first. Each move goes to one caller only; a claim that is not
     * reported done by its deadline fails. Answers fewer, or none, when there are not so many.
     * Errors: `WAREHOUSE_NOT_FOUND`, `REQUEST_ID_REUSED`.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<com.wms.orders.v1.ClaimMovesResponse> claimMoves(
        com.wms.orders.v1.ClaimMovesRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getClaimMovesMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Reports a claimed move as done. A move that is done already is answered as it is.
     * Errors: `MOVE_NOT_FOUND`, `MOVE_STATUS_CONFLICT`, `MOVE_CLAIMED_BY_OTHER`, `REQUEST_ID_REUSED`.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<com.wms.orders.v1.CompleteMoveResponse> completeMove(
        com.wms.orders.v1.CompleteMoveRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getCompleteMoveMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Reports up to 500 claimed moves as done. Not all or nothing: each gets its result at its own place.
     * Errors of the batch: `REQUEST_ID_REUSED`. Errors of an element: those of CompleteMove.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<com.wms.orders.v1.BatchCompleteMovesResponse> batchCompleteMoves(
        com.wms.orders.v1.BatchCompleteMovesRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getBatchCompleteMovesMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Reports a claimed move as failed: the carrier is where it was, and the failure is counted against the
     * orders that wait for it.
     * Errors: `MOVE_NOT_FOUND`, `MOVE_STATUS_CONFLICT`, `MOVE_CLAIMED_BY_OTHER`, `REQUEST_ID_REUSED`.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<com.wms.orders.v1.FailMoveResponse> failMove(
        com.wms.orders.v1.FailMoveRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getFailMoveMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Reports that a picker found less than the books say. The books are corrected; what is missing becomes
     * a backorder when the order may go out in part and enough of it is left, else a failure is counted.
     * Errors: `ORDER_NOT_FOUND`, `SKU_NOT_ON_ORDER`, `QUANTITY_EXCEEDED`, `ETAG_MISMATCH`,
     * `ORDER_STATUS_CONFLICT`, `REQUEST_ID_REUSED`.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<com.wms.orders.v1.ReportShortPickResponse> reportShortPick(
        com.wms.orders.v1.ReportShortPickRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getReportShortPickMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Lists backorders, oldest first.
     * Errors: `INVALID_PAGE_TOKEN`.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<com.wms.orders.v1.ListBackordersResponse> listBackorders(
        com.wms.orders.v1.ListBackordersRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getListBackordersMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Closes a backorder that will never be filled. A cancelled one is answered as it is.
     * Errors: `BACKORDER_NOT_FOUND`, `BACKORDER_STATUS_CONFLICT`, `REQUEST_ID_REUSED`.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<com.wms.orders.v1.CancelBackorderResponse> cancelBackorder(
        com.wms.orders.v1.CancelBackorderRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getCancelBackorderMethod(), getCallOptions()), request);
    }
  }

  private static final int METHODID_PUT_LANE = 0;
  private static final int METHODID_LIST_LANES = 1;
  private static final int METHODID_PUT_DESTINATION = 2;
  private static final int METHODID_LIST_DESTINATIONS = 3;
  private static final int METHODID_RECEIVE_CARRIERS = 4;
  private static final int METHODID_LIST_CARRIERS = 5;
  private static final int METHODID_SET_CARRIER_STATUS = 6;
  private static final int METHODID_SET_LANE_STATUS = 7;
  private static final int METHODID_GET_STOCK = 8;
  private static final int METHODID_CLAIM_MOVES = 9;
  private static final int METHODID_COMPLETE_MOVE = 10;
  private static final int METHODID_BATCH_COMPLETE_MOVES = 11;
  private static final int METHODID_FAIL_MOVE = 12;
  private static final int METHODID_WATCH_MOVES = 13;
  private static final int METHODID_REPORT_SHORT_PICK = 14;
  private static final int METHODID_LIST_BACKORDERS = 15;
  private static final int METHODID_CANCEL_BACKORDER = 16;

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
        case METHODID_PUT_LANE:
          serviceImpl.putLane((com.wms.orders.v1.PutLaneRequest) request,
              (io.grpc.stub.StreamObserver<com.wms.orders.v1.PutLaneResponse>) responseObserver);
          break;
        case METHODID_LIST_LANES:
          serviceImpl.listLanes((com.wms.orders.v1.ListLanesRequest) request,
              (io.grpc.stub.StreamObserver<com.wms.orders.v1.ListLanesResponse>) responseObserver);
          break;
        case METHODID_PUT_DESTINATION:
          serviceImpl.putDestination((com.wms.orders.v1.PutDestinationRequest) request,
              (io.grpc.stub.StreamObserver<com.wms.orders.v1.PutDestinationResponse>) responseObserver);
          break;
        case METHODID_LIST_DESTINATIONS:
          serviceImpl.listDestinations((com.wms.orders.v1.ListDestinationsRequest) request,
              (io.grpc.stub.StreamObserver<com.wms.orders.v1.ListDestinationsResponse>) responseObserver);
          break;
        case METHODID_RECEIVE_CARRIERS:
          serviceImpl.receiveCarriers((com.wms.orders.v1.ReceiveCarriersRequest) request,
              (io.grpc.stub.StreamObserver<com.wms.orders.v1.ReceiveCarriersResponse>) responseObserver);
          break;
        case METHODID_LIST_CARRIERS:
          serviceImpl.listCarriers((com.wms.orders.v1.ListCarriersRequest) request,
              (io.grpc.stub.StreamObserver<com.wms.orders.v1.ListCarriersResponse>) responseObserver);
          break;
        case METHODID_SET_CARRIER_STATUS:
          serviceImpl.setCarrierStatus((com.wms.orders.v1.SetCarrierStatusRequest) request,
              (io.grpc.stub.StreamObserver<com.wms.orders.v1.SetCarrierStatusResponse>) responseObserver);
          break;
        case METHODID_SET_LANE_STATUS:
          serviceImpl.setLaneStatus((com.wms.orders.v1.SetLaneStatusRequest) request,
              (io.grpc.stub.StreamObserver<com.wms.orders.v1.SetLaneStatusResponse>) responseObserver);
          break;
        case METHODID_GET_STOCK:
          serviceImpl.getStock((com.wms.orders.v1.GetStockRequest) request,
              (io.grpc.stub.StreamObserver<com.wms.orders.v1.GetStockResponse>) responseObserver);
          break;
        case METHODID_CLAIM_MOVES:
          serviceImpl.claimMoves((com.wms.orders.v1.ClaimMovesRequest) request,
              (io.grpc.stub.StreamObserver<com.wms.orders.v1.ClaimMovesResponse>) responseObserver);
          break;
        case METHODID_COMPLETE_MOVE:
          serviceImpl.completeMove((com.wms.orders.v1.CompleteMoveRequest) request,
              (io.grpc.stub.StreamObserver<com.wms.orders.v1.CompleteMoveResponse>) responseObserver);
          break;
        case METHODID_BATCH_COMPLETE_MOVES:
          serviceImpl.batchCompleteMoves((com.wms.orders.v1.BatchCompleteMovesRequest) request,
              (io.grpc.stub.StreamObserver<com.wms.orders.v1.BatchCompleteMovesResponse>) responseObserver);
          break;
        case METHODID_FAIL_MOVE:
          serviceImpl.failMove((com.wms.orders.v1.FailMoveRequest) request,
              (io.grpc.stub.StreamObserver<com.wms.orders.v1.FailMoveResponse>) responseObserver);
          break;
        case METHODID_WATCH_MOVES:
          serviceImpl.watchMoves((com.wms.orders.v1.WatchMovesRequest) request,
              (io.grpc.stub.StreamObserver<com.wms.orders.v1.WatchMovesResponse>) responseObserver);
          break;
        case METHODID_REPORT_SHORT_PICK:
          serviceImpl.reportShortPick((com.wms.orders.v1.ReportShortPickRequest) request,
              (io.grpc.stub.StreamObserver<com.wms.orders.v1.ReportShortPickResponse>) responseObserver);
          break;
        case METHODID_LIST_BACKORDERS:
          serviceImpl.listBackorders((com.wms.orders.v1.ListBackordersRequest) request,
              (io.grpc.stub.StreamObserver<com.wms.orders.v1.ListBackordersResponse>) responseObserver);
          break;
        case METHODID_CANCEL_BACKORDER:
          serviceImpl.cancelBackorder((com.wms.orders.v1.CancelBackorderRequest) request,
              (io.grpc.stub.StreamObserver<com.wms.orders.v1.CancelBackorderResponse>) responseObserver);
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
        default:
          throw new AssertionError();
      }
    }
  }

  public static final io.grpc.ServerServiceDefinition bindService(AsyncService service) {
    return io.grpc.ServerServiceDefinition.builder(getServiceDescriptor())
        .addMethod(
          getPutLaneMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              com.wms.orders.v1.PutLaneRequest,
              com.wms.orders.v1.PutLaneResponse>(
                service, METHODID_PUT_LANE)))
        .addMethod(
          getListLanesMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              com.wms.orders.v1.ListLanesRequest,
              com.wms.orders.v1.ListLanesResponse>(
                service, METHODID_LIST_LANES)))
        .addMethod(
          getPutDestinationMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              com.wms.orders.v1.PutDestinationRequest,
              com.wms.orders.v1.PutDestinationResponse>(
                service, METHODID_PUT_DESTINATION)))
        .addMethod(
          getListDestinationsMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              com.wms.orders.v1.ListDestinationsRequest,
              com.wms.orders.v1.ListDestinationsResponse>(
                service, METHODID_LIST_DESTINATIONS)))
        .addMethod(
          getReceiveCarriersMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              com.wms.orders.v1.ReceiveCarriersRequest,
              com.wms.orders.v1.ReceiveCarriersResponse>(
                service, METHODID_RECEIVE_CARRIERS)))
        .addMethod(
          getListCarriersMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              com.wms.orders.v1.ListCarriersRequest,
              com.wms.orders.v1.ListCarriersResponse>(
                service, METHODID_LIST_CARRIERS)))
        .addMethod(
          getSetCarrierStatusMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              com.wms.orders.v1.SetCarrierStatusRequest,
              com.wms.orders.v1.SetCarrierStatusResponse>(
                service, METHODID_SET_CARRIER_STATUS)))
        .addMethod(
          getSetLaneStatusMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              com.wms.orders.v1.SetLaneStatusRequest,
              com.wms.orders.v1.SetLaneStatusResponse>(
                service, METHODID_SET_LANE_STATUS)))
        .addMethod(
          getGetStockMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              com.wms.orders.v1.GetStockRequest,
              com.wms.orders.v1.GetStockResponse>(
                service, METHODID_GET_STOCK)))
        .addMethod(
          getClaimMovesMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              com.wms.orders.v1.ClaimMovesRequest,
              com.wms.orders.v1.ClaimMovesResponse>(
                service, METHODID_CLAIM_MOVES)))
        .addMethod(
          getCompleteMoveMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              com.wms.orders.v1.CompleteMoveRequest,
              com.wms.orders.v1.CompleteMoveResponse>(
                service, METHODID_COMPLETE_MOVE)))
        .addMethod(
          getBatchCompleteMovesMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              com.wms.orders.v1.BatchCompleteMovesRequest,
              com.wms.orders.v1.BatchCompleteMovesResponse>(
                service, METHODID_BATCH_COMPLETE_MOVES)))
        .addMethod(
          getFailMoveMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              com.wms.orders.v1.FailMoveRequest,
              com.wms.orders.v1.FailMoveResponse>(
                service, METHODID_FAIL_MOVE)))
        .addMethod(
          getWatchMovesMethod(),
          io.grpc.stub.ServerCalls.asyncServerStreamingCall(
            new MethodHandlers<
              com.wms.orders.v1.WatchMovesRequest,
              com.wms.orders.v1.WatchMovesResponse>(
                service, METHODID_WATCH_MOVES)))
        .addMethod(
          getReportShortPickMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              com.wms.orders.v1.ReportShortPickRequest,
              com.wms.orders.v1.ReportShortPickResponse>(
                service, METHODID_REPORT_SHORT_PICK)))
        .addMethod(
          getListBackordersMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              com.wms.orders.v1.ListBackordersRequest,
              com.wms.orders.v1.ListBackordersResponse>(
                service, METHODID_LIST_BACKORDERS)))
        .addMethod(
          getCancelBackorderMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              com.wms.orders.v1.CancelBackorderRequest,
              com.wms.orders.v1.CancelBackorderResponse>(
                service, METHODID_CANCEL_BACKORDER)))
        .build();
  }

  private static abstract class StorageServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoFileDescriptorSupplier, io.grpc.protobuf.ProtoServiceDescriptorSupplier {
    StorageServiceBaseDescriptorSupplier() {}

    @java.lang.Override
    public com.google.protobuf.Descriptors.FileDescriptor getFileDescriptor() {
      return com.wms.orders.v1.Storage.getDescriptor();
    }

    @java.lang.Override
    public com.google.protobuf.Descriptors.ServiceDescriptor getServiceDescriptor() {
      return getFileDescriptor().findServiceByName("StorageService");
    }
  }

  private static final class StorageServiceFileDescriptorSupplier
      extends StorageServiceBaseDescriptorSupplier {
    StorageServiceFileDescriptorSupplier() {}
  }

  private static final class StorageServiceMethodDescriptorSupplier
      extends StorageServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoMethodDescriptorSupplier {
    private final java.lang.String methodName;

    StorageServiceMethodDescriptorSupplier(java.lang.String methodName) {
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
      synchronized (StorageServiceGrpc.class) {
        result = serviceDescriptor;
        if (result == null) {
          serviceDescriptor = result = io.grpc.ServiceDescriptor.newBuilder(SERVICE_NAME)
              .setSchemaDescriptor(new StorageServiceFileDescriptorSupplier())
              .addMethod(getPutLaneMethod())
              .addMethod(getListLanesMethod())
              .addMethod(getPutDestinationMethod())
              .addMethod(getListDestinationsMethod())
              .addMethod(getReceiveCarriersMethod())
              .addMethod(getListCarriersMethod())
              .addMethod(getSetCarrierStatusMethod())
              .addMethod(getSetLaneStatusMethod())
              .addMethod(getGetStockMethod())
              .addMethod(getClaimMovesMethod())
              .addMethod(getCompleteMoveMethod())
              .addMethod(getBatchCompleteMovesMethod())
              .addMethod(getFailMoveMethod())
              .addMethod(getWatchMovesMethod())
              .addMethod(getReportShortPickMethod())
              .addMethod(getListBackordersMethod())
              .addMethod(getCancelBackorderMethod())
              .build();
        }
      }
    }
    return result;
  }
}
