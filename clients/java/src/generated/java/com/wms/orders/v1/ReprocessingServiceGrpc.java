package com.wms.orders.v1;

import static io.grpc.MethodDescriptor.generateFullMethodName;

/**
 * <pre>
 * Counts failures and schedules retries. A failure is counted when it happens, with its event, in one
 * transaction; the failure numbered `max_retries` moves the order to the dead letter queue.
 * </pre>
 */
@io.grpc.stub.annotations.GrpcGenerated
public final class ReprocessingServiceGrpc {

  private ReprocessingServiceGrpc() {}

  public static final java.lang.String SERVICE_NAME = "wms.orders.v1.ReprocessingService";

  // Static method descriptors that strictly reflect the proto.
  private static volatile io.grpc.MethodDescriptor<com.wms.orders.v1.ListEligibleOrdersRequest,
      com.wms.orders.v1.ListEligibleOrdersResponse> getListEligibleOrdersMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ListEligibleOrders",
      requestType = com.wms.orders.v1.ListEligibleOrdersRequest.class,
      responseType = com.wms.orders.v1.ListEligibleOrdersResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<com.wms.orders.v1.ListEligibleOrdersRequest,
      com.wms.orders.v1.ListEligibleOrdersResponse> getListEligibleOrdersMethod() {
    io.grpc.MethodDescriptor<com.wms.orders.v1.ListEligibleOrdersRequest, com.wms.orders.v1.ListEligibleOrdersResponse> getListEligibleOrdersMethod;
    if ((getListEligibleOrdersMethod = ReprocessingServiceGrpc.getListEligibleOrdersMethod) == null) {
      synchronized (ReprocessingServiceGrpc.class) {
        if ((getListEligibleOrdersMethod = ReprocessingServiceGrpc.getListEligibleOrdersMethod) == null) {
          ReprocessingServiceGrpc.getListEligibleOrdersMethod = getListEligibleOrdersMethod =
              io.grpc.MethodDescriptor.<com.wms.orders.v1.ListEligibleOrdersRequest, com.wms.orders.v1.ListEligibleOrdersResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ListEligibleOrders"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.wms.orders.v1.ListEligibleOrdersRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.wms.orders.v1.ListEligibleOrdersResponse.getDefaultInstance()))
              .setSchemaDescriptor(new ReprocessingServiceMethodDescriptorSupplier("ListEligibleOrders"))
              .build();
        }
      }
    }
    return getListEligibleOrdersMethod;
  }

  private static volatile io.grpc.MethodDescriptor<com.wms.orders.v1.GetRetryMetadataRequest,
      com.wms.orders.v1.GetRetryMetadataResponse> getGetRetryMetadataMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "GetRetryMetadata",
      requestType = com.wms.orders.v1.GetRetryMetadataRequest.class,
      responseType = com.wms.orders.v1.GetRetryMetadataResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<com.wms.orders.v1.GetRetryMetadataRequest,
      com.wms.orders.v1.GetRetryMetadataResponse> getGetRetryMetadataMethod() {
    io.grpc.MethodDescriptor<com.wms.orders.v1.GetRetryMetadataRequest, com.wms.orders.v1.GetRetryMetadataResponse> getGetRetryMetadataMethod;
    if ((getGetRetryMetadataMethod = ReprocessingServiceGrpc.getGetRetryMetadataMethod) == null) {
      synchronized (ReprocessingServiceGrpc.class) {
        if ((getGetRetryMetadataMethod = ReprocessingServiceGrpc.getGetRetryMetadataMethod) == null) {
          ReprocessingServiceGrpc.getGetRetryMetadataMethod = getGetRetryMetadataMethod =
              io.grpc.MethodDescriptor.<com.wms.orders.v1.GetRetryMetadataRequest, com.wms.orders.v1.GetRetryMetadataResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "GetRetryMetadata"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.wms.orders.v1.GetRetryMetadataRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.wms.orders.v1.GetRetryMetadataResponse.getDefaultInstance()))
              .setSchemaDescriptor(new ReprocessingServiceMethodDescriptorSupplier("GetRetryMetadata"))
              .build();
        }
      }
    }
    return getGetRetryMetadataMethod;
  }

  private static volatile io.grpc.MethodDescriptor<com.wms.orders.v1.IncrementRetryCountRequest,
      com.wms.orders.v1.IncrementRetryCountResponse> getIncrementRetryCountMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "IncrementRetryCount",
      requestType = com.wms.orders.v1.IncrementRetryCountRequest.class,
      responseType = com.wms.orders.v1.IncrementRetryCountResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<com.wms.orders.v1.IncrementRetryCountRequest,
      com.wms.orders.v1.IncrementRetryCountResponse> getIncrementRetryCountMethod() {
    io.grpc.MethodDescriptor<com.wms.orders.v1.IncrementRetryCountRequest, com.wms.orders.v1.IncrementRetryCountResponse> getIncrementRetryCountMethod;
    if ((getIncrementRetryCountMethod = ReprocessingServiceGrpc.getIncrementRetryCountMethod) == null) {
      synchronized (ReprocessingServiceGrpc.class) {
        if ((getIncrementRetryCountMethod = ReprocessingServiceGrpc.getIncrementRetryCountMethod) == null) {
          ReprocessingServiceGrpc.getIncrementRetryCountMethod = getIncrementRetryCountMethod =
              io.grpc.MethodDescriptor.<com.wms.orders.v1.IncrementRetryCountRequest, com.wms.orders.v1.IncrementRetryCountResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "IncrementRetryCount"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.wms.orders.v1.IncrementRetryCountRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.wms.orders.v1.IncrementRetryCountResponse.getDefaultInstance()))
              .setSchemaDescriptor(new ReprocessingServiceMethodDescriptorSupplier("IncrementRetryCount"))
              .build();
        }
      }
    }
    return getIncrementRetryCountMethod;
  }

  private static volatile io.grpc.MethodDescriptor<com.wms.orders.v1.ResetOrderRequest,
      com.wms.orders.v1.ResetOrderResponse> getResetOrderMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ResetOrder",
      requestType = com.wms.orders.v1.ResetOrderRequest.class,
      responseType = com.wms.orders.v1.ResetOrderResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<com.wms.orders.v1.ResetOrderRequest,
      com.wms.orders.v1.ResetOrderResponse> getResetOrderMethod() {
    io.grpc.MethodDescriptor<com.wms.orders.v1.ResetOrderRequest, com.wms.orders.v1.ResetOrderResponse> getResetOrderMethod;
    if ((getResetOrderMethod = ReprocessingServiceGrpc.getResetOrderMethod) == null) {
      synchronized (ReprocessingServiceGrpc.class) {
        if ((getResetOrderMethod = ReprocessingServiceGrpc.getResetOrderMethod) == null) {
          ReprocessingServiceGrpc.getResetOrderMethod = getResetOrderMethod =
              io.grpc.MethodDescriptor.<com.wms.orders.v1.ResetOrderRequest, com.wms.orders.v1.ResetOrderResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ResetOrder"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.wms.orders.v1.ResetOrderRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.wms.orders.v1.ResetOrderResponse.getDefaultInstance()))
              .setSchemaDescriptor(new ReprocessingServiceMethodDescriptorSupplier("ResetOrder"))
              .build();
        }
      }
    }
    return getResetOrderMethod;
  }

  private static volatile io.grpc.MethodDescriptor<com.wms.orders.v1.MoveToDeadLetterQueueRequest,
      com.wms.orders.v1.MoveToDeadLetterQueueResponse> getMoveToDeadLetterQueueMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "MoveToDeadLetterQueue",
      requestType = com.wms.orders.v1.MoveToDeadLetterQueueRequest.class,
      responseType = com.wms.orders.v1.MoveToDeadLetterQueueResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<com.wms.orders.v1.MoveToDeadLetterQueueRequest,
      com.wms.orders.v1.MoveToDeadLetterQueueResponse> getMoveToDeadLetterQueueMethod() {
    io.grpc.MethodDescriptor<com.wms.orders.v1.MoveToDeadLetterQueueRequest, com.wms.orders.v1.MoveToDeadLetterQueueResponse> getMoveToDeadLetterQueueMethod;
    if ((getMoveToDeadLetterQueueMethod = ReprocessingServiceGrpc.getMoveToDeadLetterQueueMethod) == null) {
      synchronized (ReprocessingServiceGrpc.class) {
        if ((getMoveToDeadLetterQueueMethod = ReprocessingServiceGrpc.getMoveToDeadLetterQueueMethod) == null) {
          ReprocessingServiceGrpc.getMoveToDeadLetterQueueMethod = getMoveToDeadLetterQueueMethod =
              io.grpc.MethodDescriptor.<com.wms.orders.v1.MoveToDeadLetterQueueRequest, com.wms.orders.v1.MoveToDeadLetterQueueResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "MoveToDeadLetterQueue"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.wms.orders.v1.MoveToDeadLetterQueueRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.wms.orders.v1.MoveToDeadLetterQueueResponse.getDefaultInstance()))
              .setSchemaDescriptor(new ReprocessingServiceMethodDescriptorSupplier("MoveToDeadLetterQueue"))
              .build();
        }
      }
    }
    return getMoveToDeadLetterQueueMethod;
  }

  /**
   * Creates a new async stub that supports all call types for the service
   */
  public static ReprocessingServiceStub newStub(io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<ReprocessingServiceStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<ReprocessingServiceStub>() {
        @java.lang.Override
        public ReprocessingServiceStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new ReprocessingServiceStub(channel, callOptions);
        }
      };
    return ReprocessingServiceStub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports all types of calls on the service
   */
  public static ReprocessingServiceBlockingV2Stub newBlockingV2Stub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<ReprocessingServiceBlockingV2Stub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<ReprocessingServiceBlockingV2Stub>() {
        @java.lang.Override
        public ReprocessingServiceBlockingV2Stub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new ReprocessingServiceBlockingV2Stub(channel, callOptions);
        }
      };
    return ReprocessingServiceBlockingV2Stub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports unary and streaming output calls on the service
   */
  public static ReprocessingServiceBlockingStub newBlockingStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<ReprocessingServiceBlockingStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<ReprocessingServiceBlockingStub>() {
        @java.lang.Override
        public ReprocessingServiceBlockingStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new ReprocessingServiceBlockingStub(channel, callOptions);
        }
      };
    return ReprocessingServiceBlockingStub.newStub(factory, channel);
  }

  /**
   * Creates a new ListenableFuture-style stub that supports unary calls on the service
   */
  public static ReprocessingServiceFutureStub newFutureStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<ReprocessingServiceFutureStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<ReprocessingServiceFutureStub>() {
        @java.lang.Override
        public ReprocessingServiceFutureStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new ReprocessingServiceFutureStub(channel, callOptions);
        }
      };
    return ReprocessingServiceFutureStub.newStub(factory, channel);
  }

  /**
   * <pre>
   * Counts failures and schedules retries. A failure is counted when it happens, with its event, in one
   * transaction; the failure numbered `max_retries` moves the order to the dead letter queue.
   * </pre>
   */
  public interface AsyncService {

    /**
     * <pre>
     * Lists the orders in `PENDING_RETRY` with fewer failures than allowed, due or not, longest waiting
     * first. With very long reasons the list ends early, below 4 MiB; `total` counts all the same.
     * </pre>
     */
    default void listEligibleOrders(com.wms.orders.v1.ListEligibleOrdersRequest request,
        io.grpc.stub.StreamObserver<com.wms.orders.v1.ListEligibleOrdersResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListEligibleOrdersMethod(), responseObserver);
    }

    /**
     * <pre>
     * Reads what is known about an order's failures and retries.
     * Errors: `ORDER_NOT_FOUND`.
     * </pre>
     */
    default void getRetryMetadata(com.wms.orders.v1.GetRetryMetadataRequest request,
        io.grpc.stub.StreamObserver<com.wms.orders.v1.GetRetryMetadataResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getGetRetryMetadataMethod(), responseObserver);
    }

    /**
     * <pre>
     * Records a failure of an order in `RECEIVED` to `PACKING`, or a further one in `PENDING_RETRY`: counts
     * it and schedules the retry, 15 minutes after the first failure and twice as long after each
     * further one, 6 hours at most; or moves the order to the dead letter queue when it was the last
     * allowed one.
     * Errors: `ORDER_NOT_FOUND`, `ETAG_MISMATCH`, `ORDER_STATUS_CONFLICT`, `TIME_IN_FUTURE`,
     * `REQUEST_ID_REUSED`.
     * </pre>
     */
    default void incrementRetryCount(com.wms.orders.v1.IncrementRetryCountRequest request,
        io.grpc.stub.StreamObserver<com.wms.orders.v1.IncrementRetryCountResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getIncrementRetryCountMethod(), responseObserver);
    }

    /**
     * <pre>
     * Puts an order in `PENDING_RETRY` back to `RECEIVED` now, due or not. The count of failures stays; its
     * wave, destination and allocations are released.
     * Errors: `ORDER_NOT_FOUND`, `ETAG_MISMATCH`, `ORDER_STATUS_CONFLICT`, `REQUEST_ID_REUSED`.
     * </pre>
     */
    default void resetOrder(com.wms.orders.v1.ResetOrderRequest request,
        io.grpc.stub.StreamObserver<com.wms.orders.v1.ResetOrderResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getResetOrderMethod(), responseObserver);
    }

    /**
     * <pre>
     * Moves an order in `RECEIVED` to `PACKING` or `PENDING_RETRY` to the dead letter queue at once. Counts
     * no failure and adds no attempt. An order that is there already keeps its entry, which is answered.
     * Errors: `ORDER_NOT_FOUND`, `ETAG_MISMATCH`, `ORDER_STATUS_CONFLICT`, `REQUEST_ID_REUSED`.
     * </pre>
     */
    default void moveToDeadLetterQueue(com.wms.orders.v1.MoveToDeadLetterQueueRequest request,
        io.grpc.stub.StreamObserver<com.wms.orders.v1.MoveToDeadLetterQueueResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getMoveToDeadLetterQueueMethod(), responseObserver);
    }
  }

  /**
   * Base class for the server implementation of the service ReprocessingService.
   * <pre>
   * Counts failures and schedules retries. A failure is counted when it happens, with its event, in one
   * transaction; the failure numbered `max_retries` moves the order to the dead letter queue.
   * </pre>
   */
  public static abstract class ReprocessingServiceImplBase
      implements io.grpc.BindableService, AsyncService {

    @java.lang.Override public final io.grpc.ServerServiceDefinition bindService() {
      return ReprocessingServiceGrpc.bindService(this);
    }
  }

  /**
   * A stub to allow clients to do asynchronous rpc calls to service ReprocessingService.
   * <pre>
   * Counts failures and schedules retries. A failure is counted when it happens, with its event, in one
   * transaction; the failure numbered `max_retries` moves the order to the dead letter queue.
   * </pre>
   */
  public static final class ReprocessingServiceStub
      extends io.grpc.stub.AbstractAsyncStub<ReprocessingServiceStub> {
    private ReprocessingServiceStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected ReprocessingServiceStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new ReprocessingServiceStub(channel, callOptions);
    }

    /**
     * <pre>
     * Lists the orders in `PENDING_RETRY` with fewer failures than allowed, due or not, longest waiting
     * first. With very long reasons the list ends early, below 4 MiB; `total` counts all the same.
     * </pre>
     */
    public void listEligibleOrders(com.wms.orders.v1.ListEligibleOrdersRequest request,
        io.grpc.stub.StreamObserver<com.wms.orders.v1.ListEligibleOrdersResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getListEligibleOrdersMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Reads what is known about an order's failures and retries.
     * Errors: `ORDER_NOT_FOUND`.
     * </pre>
     */
    public void getRetryMetadata(com.wms.orders.v1.GetRetryMetadataRequest request,
        io.grpc.stub.StreamObserver<com.wms.orders.v1.GetRetryMetadataResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getGetRetryMetadataMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Records a failure of an order in `RECEIVED` to `PACKING`, or a further one in `PENDING_RETRY`: counts
     * it and schedules the retry, 15 minutes after the first failure and twice as long after each
     * further one, 6 hours at most; or moves the order to the dead letter queue when it was the last
     * allowed one.
     * Errors: `ORDER_NOT_FOUND`, `ETAG_MISMATCH`, `ORDER_STATUS_CONFLICT`, `TIME_IN_FUTURE`,
     * `REQUEST_ID_REUSED`.
     * </pre>
     */
    public void incrementRetryCount(com.wms.orders.v1.IncrementRetryCountRequest request,
        io.grpc.stub.StreamObserver<com.wms.orders.v1.IncrementRetryCountResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getIncrementRetryCountMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Puts an order in `PENDING_RETRY` back to `RECEIVED` now, due or not. The count of failures stays; its
     * wave, destination and allocations are released.
     * Errors: `ORDER_NOT_FOUND`, `ETAG_MISMATCH`, `ORDER_STATUS_CONFLICT`, `REQUEST_ID_REUSED`.
     * </pre>
     */
    public void resetOrder(com.wms.orders.v1.ResetOrderRequest request,
        io.grpc.stub.StreamObserver<com.wms.orders.v1.ResetOrderResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getResetOrderMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Moves an order in `RECEIVED` to `PACKING` or `PENDING_RETRY` to the dead letter queue at once. Counts
     * no failure and adds no attempt. An order that is there already keeps its entry, which is answered.
     * Errors: `ORDER_NOT_FOUND`, `ETAG_MISMATCH`, `ORDER_STATUS_CONFLICT`, `REQUEST_ID_REUSED`.
     * </pre>
     */
    public void moveToDeadLetterQueue(com.wms.orders.v1.MoveToDeadLetterQueueRequest request,
        io.grpc.stub.StreamObserver<com.wms.orders.v1.MoveToDeadLetterQueueResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getMoveToDeadLetterQueueMethod(), getCallOptions()), request, responseObserver);
    }
  }

  /**
   * A stub to allow clients to do synchronous rpc calls to service ReprocessingService.
   * <pre>
   * Counts failures and schedules retries. A failure is counted when it happens, with its event, in one
   * transaction; the failure numbered `max_retries` moves the order to the dead letter queue.
   * </pre>
   */
  public static final class ReprocessingServiceBlockingV2Stub
      extends io.grpc.stub.AbstractBlockingStub<ReprocessingServiceBlockingV2Stub> {
    private ReprocessingServiceBlockingV2Stub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected ReprocessingServiceBlockingV2Stub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new ReprocessingServiceBlockingV2Stub(channel, callOptions);
    }

    /**
     * <pre>
     * Lists the orders in `PENDING_RETRY` with fewer failures than allowed, due or not, longest waiting
     * first. With very long reasons the list ends early, below 4 MiB; `total` counts all the same.
     * </pre>
     */
    public com.wms.orders.v1.ListEligibleOrdersResponse listEligibleOrders(com.wms.orders.v1.ListEligibleOrdersRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getListEligibleOrdersMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Reads what is known about an order's failures and retries.
     * Errors: `ORDER_NOT_FOUND`.
     * </pre>
     */
    public com.wms.orders.v1.GetRetryMetadataResponse getRetryMetadata(com.wms.orders.v1.GetRetryMetadataRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getGetRetryMetadataMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Records a failure of an order in `RECEIVED` to `PACKING`, or a further one in `PENDING_RETRY`: counts
     * it and schedules the retry, 15 minutes after the first failure and twice as long after each
     * further one, 6 hours at most; or moves the order to the dead letter queue when it was the last
     * allowed one.
     * Errors: `ORDER_NOT_FOUND`, `ETAG_MISMATCH`, `ORDER_STATUS_CONFLICT`, `TIME_IN_FUTURE`,
     * `REQUEST_ID_REUSED`.
     * </pre>
     */
    public com.wms.orders.v1.IncrementRetryCountResponse incrementRetryCount(com.wms.orders.v1.IncrementRetryCountRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getIncrementRetryCountMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Puts an order in `PENDING_RETRY` back to `RECEIVED` now, due or not. The count of failures stays; its
     * wave, destination and allocations are released.
     * Errors: `ORDER_NOT_FOUND`, `ETAG_MISMATCH`, `ORDER_STATUS_CONFLICT`, `REQUEST_ID_REUSED`.
     * </pre>
     */
    public com.wms.orders.v1.ResetOrderResponse resetOrder(com.wms.orders.v1.ResetOrderRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getResetOrderMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Moves an order in `RECEIVED` to `PACKING` or `PENDING_RETRY` to the dead letter queue at once. Counts
     * no failure and adds no attempt. An order that is there already keeps its entry, which is answered.
     * Errors: `ORDER_NOT_FOUND`, `ETAG_MISMATCH`, `ORDER_STATUS_CONFLICT`, `REQUEST_ID_REUSED`.
     * </pre>
     */
    public com.wms.orders.v1.MoveToDeadLetterQueueResponse moveToDeadLetterQueue(com.wms.orders.v1.MoveToDeadLetterQueueRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getMoveToDeadLetterQueueMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do limited synchronous rpc calls to service ReprocessingService.
   * <pre>
   * Counts failures and schedules retries. A failure is counted when it happens, with its event, in one
   * transaction; the failure numbered `max_retries` moves the order to the dead letter queue.
   * </pre>
   */
  public static final class ReprocessingServiceBlockingStub
      extends io.grpc.stub.AbstractBlockingStub<ReprocessingServiceBlockingStub> {
    private ReprocessingServiceBlockingStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected ReprocessingServiceBlockingStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new ReprocessingServiceBlockingStub(channel, callOptions);
    }

    /**
     * <pre>
     * Lists the orders in `PENDING_RETRY` with fewer failures than allowed, due or not, longest waiting
     * first. With very long reasons the list ends early, below 4 MiB; `total` counts all the same.
     * </pre>
     */
    public com.wms.orders.v1.ListEligibleOrdersResponse listEligibleOrders(com.wms.orders.v1.ListEligibleOrdersRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListEligibleOrdersMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Reads what is known about an order's failures and retries.
     * Errors: `ORDER_NOT_FOUND`.
     * </pre>
     */
    public com.wms.orders.v1.GetRetryMetadataResponse getRetryMetadata(com.wms.orders.v1.GetRetryMetadataRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getGetRetryMetadataMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Records a failure of an order in `RECEIVED` to `PACKING`, or a further one in `PENDING_RETRY`: counts
     * it and schedules the retry, 15 minutes after the first failure and twice as long after each
     * further one, 6 hours at most; or moves the order to the dead letter queue when it was the last
     * allowed one.
     * Errors: `ORDER_NOT_FOUND`, `ETAG_MISMATCH`, `ORDER_STATUS_CONFLICT`, `TIME_IN_FUTURE`,
     * `REQUEST_ID_REUSED`.
     * </pre>
     */
    public com.wms.orders.v1.IncrementRetryCountResponse incrementRetryCount(com.wms.orders.v1.IncrementRetryCountRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getIncrementRetryCountMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Puts an order in `PENDING_RETRY` back to `RECEIVED` now, due or not. The count of failures stays; its
     * wave, destination and allocations are released.
     * Errors: `ORDER_NOT_FOUND`, `ETAG_MISMATCH`, `ORDER_STATUS_CONFLICT`, `REQUEST_ID_REUSED`.
     * </pre>
     */
    public com.wms.orders.v1.ResetOrderResponse resetOrder(com.wms.orders.v1.ResetOrderRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getResetOrderMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Moves an order in `RECEIVED` to `PACKING` or `PENDING_RETRY` to the dead letter queue at once. Counts
     * no failure and adds no attempt. An order that is there already keeps its entry, which is answered.
     * Errors: `ORDER_NOT_FOUND`, `ETAG_MISMATCH`, `ORDER_STATUS_CONFLICT`, `REQUEST_ID_REUSED`.
     * </pre>
     */
    public com.wms.orders.v1.MoveToDeadLetterQueueResponse moveToDeadLetterQueue(com.wms.orders.v1.MoveToDeadLetterQueueRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getMoveToDeadLetterQueueMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do ListenableFuture-style rpc calls to service ReprocessingService.
   * <pre>
   * Counts failures and schedules retries. A failure is counted when it happens, with its event, in one
   * transaction; the failure numbered `max_retries` moves the order to the dead letter queue.
   * </pre>
   */
  public static final class ReprocessingServiceFutureStub
      extends io.grpc.stub.AbstractFutureStub<ReprocessingServiceFutureStub> {
    private ReprocessingServiceFutureStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected ReprocessingServiceFutureStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new ReprocessingServiceFutureStub(channel, callOptions);
    }

    /**
     * <pre>
     * Lists the orders in `PENDING_RETRY` with fewer failures than allowed, due or not, longest waiting
     * first. With very long reasons the list ends early, below 4 MiB; `total` counts all the same.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<com.wms.orders.v1.ListEligibleOrdersResponse> listEligibleOrders(
        com.wms.orders.v1.ListEligibleOrdersRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getListEligibleOrdersMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Reads what is known about an order's failures and retries.
     * Errors: `ORDER_NOT_FOUND`.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<com.wms.orders.v1.GetRetryMetadataResponse> getRetryMetadata(
        com.wms.orders.v1.GetRetryMetadataRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getGetRetryMetadataMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Records a failure of an order in `RECEIVED` to `PACKING`, or a further one in `PENDING_RETRY`: counts
     * it and schedules the retry, 15 minutes after the first failure and twice as long after each
     * further one, 6 hours at most; or moves the order to the dead letter queue when it was the last
     * allowed one.
     * Errors: `ORDER_NOT_FOUND`, `ETAG_MISMATCH`, `ORDER_STATUS_CONFLICT`, `TIME_IN_FUTURE`,
     * `REQUEST_ID_REUSED`.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<com.wms.orders.v1.IncrementRetryCountResponse> incrementRetryCount(
        com.wms.orders.v1.IncrementRetryCountRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getIncrementRetryCountMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Puts an order in `PENDING_RETRY` back to `RECEIVED` now, due or not. The count of failures stays; its
     * wave, destination and allocations are released.
     * Errors: `ORDER_NOT_FOUND`, `ETAG_MISMATCH`, `ORDER_STATUS_CONFLICT`, `REQUEST_ID_REUSED`.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<com.wms.orders.v1.ResetOrderResponse> resetOrder(
        com.wms.orders.v1.ResetOrderRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getResetOrderMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Moves an order in `RECEIVED` to `PACKING` or `PENDING_RETRY` to the dead letter queue at once. Counts
     * no failure and adds no attempt. An order that is there already keeps its entry, which is answered.
     * Errors: `ORDER_NOT_FOUND`, `ETAG_MISMATCH`, `ORDER_STATUS_CONFLICT`, `REQUEST_ID_REUSED`.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<com.wms.orders.v1.MoveToDeadLetterQueueResponse> moveToDeadLetterQueue(
        com.wms.orders.v1.MoveToDeadLetterQueueRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getMoveToDeadLetterQueueMethod(), getCallOptions()), request);
    }
  }

  private static final int METHODID_LIST_ELIGIBLE_ORDERS = 0;
  private static final int METHODID_GET_RETRY_METADATA = 1;
  private static final int METHODID_INCREMENT_RETRY_COUNT = 2;
  private static final int METHODID_RESET_ORDER = 3;
  private static final int METHODID_MOVE_TO_DEAD_LETTER_QUEUE = 4;

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
        case METHODID_LIST_ELIGIBLE_ORDERS:
          serviceImpl.listEligibleOrders((com.wms.orders.v1.ListEligibleOrdersRequest) request,
              (io.grpc.stub.StreamObserver<com.wms.orders.v1.ListEligibleOrdersResponse>) responseObserver);
          break;
        case METHODID_GET_RETRY_METADATA:
          serviceImpl.getRetryMetadata((com.wms.orders.v1.GetRetryMetadataRequest) request,
              (io.grpc.stub.StreamObserver<com.wms.orders.v1.GetRetryMetadataResponse>) responseObserver);
          break;
        case METHODID_INCREMENT_RETRY_COUNT:
          serviceImpl.incrementRetryCount((com.wms.orders.v1.IncrementRetryCountRequest) request,
              (io.grpc.stub.StreamObserver<com.wms.orders.v1.IncrementRetryCountResponse>) responseObserver);
          break;
        case METHODID_RESET_ORDER:
          serviceImpl.resetOrder((com.wms.orders.v1.ResetOrderRequest) request,
              (io.grpc.stub.StreamObserver<com.wms.orders.v1.ResetOrderResponse>) responseObserver);
          break;
        case METHODID_MOVE_TO_DEAD_LETTER_QUEUE:
          serviceImpl.moveToDeadLetterQueue((com.wms.orders.v1.MoveToDeadLetterQueueRequest) request,
              (io.grpc.stub.StreamObserver<com.wms.orders.v1.MoveToDeadLetterQueueResponse>) responseObserver);
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
          getListEligibleOrdersMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              com.wms.orders.v1.ListEligibleOrdersRequest,
              com.wms.orders.v1.ListEligibleOrdersResponse>(
                service, METHODID_LIST_ELIGIBLE_ORDERS)))
        .addMethod(
          getGetRetryMetadataMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              com.wms.orders.v1.GetRetryMetadataRequest,
              com.wms.orders.v1.GetRetryMetadataResponse>(
                service, METHODID_GET_RETRY_METADATA)))
        .addMethod(
          getIncrementRetryCountMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              com.wms.orders.v1.IncrementRetryCountRequest,
              com.wms.orders.v1.IncrementRetryCountResponse>(
                service, METHODID_INCREMENT_RETRY_COUNT)))
        .addMethod(
          getResetOrderMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              com.wms.orders.v1.ResetOrderRequest,
              com.wms.orders.v1.ResetOrderResponse>(
                service, METHODID_RESET_ORDER)))
        .addMethod(
          getMoveToDeadLetterQueueMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              com.wms.orders.v1.MoveToDeadLetterQueueRequest,
              com.wms.orders.v1.MoveToDeadLetterQueueResponse>(
                service, METHODID_MOVE_TO_DEAD_LETTER_QUEUE)))
        .build();
  }

  private static abstract class ReprocessingServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoFileDescriptorSupplier, io.grpc.protobuf.ProtoServiceDescriptorSupplier {
    ReprocessingServiceBaseDescriptorSupplier() {}

    @java.lang.Override
    public com.google.protobuf.Descriptors.FileDescriptor getFileDescriptor() {
      return com.wms.orders.v1.Reprocessing.getDescriptor();
    }

    @java.lang.Override
    public com.google.protobuf.Descriptors.ServiceDescriptor getServiceDescriptor() {
      return getFileDescriptor().findServiceByName("ReprocessingService");
    }
  }

  private static final class ReprocessingServiceFileDescriptorSupplier
      extends ReprocessingServiceBaseDescriptorSupplier {
    ReprocessingServiceFileDescriptorSupplier() {}
  }

  private static final class ReprocessingServiceMethodDescriptorSupplier
      extends ReprocessingServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoMethodDescriptorSupplier {
    private final java.lang.String methodName;

    ReprocessingServiceMethodDescriptorSupplier(java.lang.String methodName) {
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
      synchronized (ReprocessingServiceGrpc.class) {
        result = serviceDescriptor;
        if (result == null) {
          serviceDescriptor = result = io.grpc.ServiceDescriptor.newBuilder(SERVICE_NAME)
              .setSchemaDescriptor(new ReprocessingServiceFileDescriptorSupplier())
              .addMethod(getListEligibleOrdersMethod())
              .addMethod(getGetRetryMetadataMethod())
              .addMethod(getIncrementRetryCountMethod())
              .addMethod(getResetOrderMethod())
              .addMethod(getMoveToDeadLetterQueueMethod())
              .build();
        }
      }
    }
    return result;
  }
}
