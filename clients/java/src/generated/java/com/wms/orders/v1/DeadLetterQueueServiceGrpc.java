package com.wms.orders.v1;

import static io.grpc.MethodDescriptor.generateFullMethodName;

/**
 * <pre>
 * Shows the dead letter queue and carries out what is decided about its entries.
 * </pre>
 */
@io.grpc.stub.annotations.GrpcGenerated
public final class DeadLetterQueueServiceGrpc {

  private DeadLetterQueueServiceGrpc() {}

  public static final java.lang.String SERVICE_NAME = "wms.orders.v1.DeadLetterQueueService";

  // Static method descriptors that strictly reflect the proto.
  private static volatile io.grpc.MethodDescriptor<com.wms.orders.v1.ListDeadLetterEntriesRequest,
      com.wms.orders.v1.ListDeadLetterEntriesResponse> getListDeadLetterEntriesMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ListDeadLetterEntries",
      requestType = com.wms.orders.v1.ListDeadLetterEntriesRequest.class,
      responseType = com.wms.orders.v1.ListDeadLetterEntriesResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<com.wms.orders.v1.ListDeadLetterEntriesRequest,
      com.wms.orders.v1.ListDeadLetterEntriesResponse> getListDeadLetterEntriesMethod() {
    io.grpc.MethodDescriptor<com.wms.orders.v1.ListDeadLetterEntriesRequest, com.wms.orders.v1.ListDeadLetterEntriesResponse> getListDeadLetterEntriesMethod;
    if ((getListDeadLetterEntriesMethod = DeadLetterQueueServiceGrpc.getListDeadLetterEntriesMethod) == null) {
      synchronized (DeadLetterQueueServiceGrpc.class) {
        if ((getListDeadLetterEntriesMethod = DeadLetterQueueServiceGrpc.getListDeadLetterEntriesMethod) == null) {
          DeadLetterQueueServiceGrpc.getListDeadLetterEntriesMethod = getListDeadLetterEntriesMethod =
              io.grpc.MethodDescriptor.<com.wms.orders.v1.ListDeadLetterEntriesRequest, com.wms.orders.v1.ListDeadLetterEntriesResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ListDeadLetterEntries"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.wms.orders.v1.ListDeadLetterEntriesRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.wms.orders.v1.ListDeadLetterEntriesResponse.getDefaultInstance()))
              .setSchemaDescriptor(new DeadLetterQueueServiceMethodDescriptorSupplier("ListDeadLetterEntries"))
              .build();
        }
      }
    }
    return getListDeadLetterEntriesMethod;
  }

  private static volatile io.grpc.MethodDescriptor<com.wms.orders.v1.GetDeadLetterStatsRequest,
      com.wms.orders.v1.GetDeadLetterStatsResponse> getGetDeadLetterStatsMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "GetDeadLetterStats",
      requestType = com.wms.orders.v1.GetDeadLetterStatsRequest.class,
      responseType = com.wms.orders.v1.GetDeadLetterStatsResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<com.wms.orders.v1.GetDeadLetterStatsRequest,
      com.wms.orders.v1.GetDeadLetterStatsResponse> getGetDeadLetterStatsMethod() {
    io.grpc.MethodDescriptor<com.wms.orders.v1.GetDeadLetterStatsRequest, com.wms.orders.v1.GetDeadLetterStatsResponse> getGetDeadLetterStatsMethod;
    if ((getGetDeadLetterStatsMethod = DeadLetterQueueServiceGrpc.getGetDeadLetterStatsMethod) == null) {
      synchronized (DeadLetterQueueServiceGrpc.class) {
        if ((getGetDeadLetterStatsMethod = DeadLetterQueueServiceGrpc.getGetDeadLetterStatsMethod) == null) {
          DeadLetterQueueServiceGrpc.getGetDeadLetterStatsMethod = getGetDeadLetterStatsMethod =
              io.grpc.MethodDescriptor.<com.wms.orders.v1.GetDeadLetterStatsRequest, com.wms.orders.v1.GetDeadLetterStatsResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "GetDeadLetterStats"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.wms.orders.v1.GetDeadLetterStatsRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.wms.orders.v1.GetDeadLetterStatsResponse.getDefaultInstance()))
              .setSchemaDescriptor(new DeadLetterQueueServiceMethodDescriptorSupplier("GetDeadLetterStats"))
              .build();
        }
      }
    }
    return getGetDeadLetterStatsMethod;
  }

  private static volatile io.grpc.MethodDescriptor<com.wms.orders.v1.GetDeadLetterEntryRequest,
      com.wms.orders.v1.GetDeadLetterEntryResponse> getGetDeadLetterEntryMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "GetDeadLetterEntry",
      requestType = com.wms.orders.v1.GetDeadLetterEntryRequest.class,
      responseType = com.wms.orders.v1.GetDeadLetterEntryResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<com.wms.orders.v1.GetDeadLetterEntryRequest,
      com.wms.orders.v1.GetDeadLetterEntryResponse> getGetDeadLetterEntryMethod() {
    io.grpc.MethodDescriptor<com.wms.orders.v1.GetDeadLetterEntryRequest, com.wms.orders.v1.GetDeadLetterEntryResponse> getGetDeadLetterEntryMethod;
    if ((getGetDeadLetterEntryMethod = DeadLetterQueueServiceGrpc.getGetDeadLetterEntryMethod) == null) {
      synchronized (DeadLetterQueueServiceGrpc.class) {
        if ((getGetDeadLetterEntryMethod = DeadLetterQueueServiceGrpc.getGetDeadLetterEntryMethod) == null) {
          DeadLetterQueueServiceGrpc.getGetDeadLetterEntryMethod = getGetDeadLetterEntryMethod =
              io.grpc.MethodDescriptor.<com.wms.orders.v1.GetDeadLetterEntryRequest, com.wms.orders.v1.GetDeadLetterEntryResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "GetDeadLetterEntry"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.wms.orders.v1.GetDeadLetterEntryRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.wms.orders.v1.GetDeadLetterEntryResponse.getDefaultInstance()))
              .setSchemaDescriptor(new DeadLetterQueueServiceMethodDescriptorSupplier("GetDeadLetterEntry"))
              .build();
        }
      }
    }
    return getGetDeadLetterEntryMethod;
  }

  private static volatile io.grpc.MethodDescriptor<com.wms.orders.v1.ResolveDeadLetterEntryRequest,
      com.wms.orders.v1.ResolveDeadLetterEntryResponse> getResolveDeadLetterEntryMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ResolveDeadLetterEntry",
      requestType = com.wms.orders.v1.ResolveDeadLetterEntryRequest.class,
      responseType = com.wms.orders.v1.ResolveDeadLetterEntryResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<com.wms.orders.v1.ResolveDeadLetterEntryRequest,
      com.wms.orders.v1.ResolveDeadLetterEntryResponse> getResolveDeadLetterEntryMethod() {
    io.grpc.MethodDescriptor<com.wms.orders.v1.ResolveDeadLetterEntryRequest, com.wms.orders.v1.ResolveDeadLetterEntryResponse> getResolveDeadLetterEntryMethod;
    if ((getResolveDeadLetterEntryMethod = DeadLetterQueueServiceGrpc.getResolveDeadLetterEntryMethod) == null) {
      synchronized (DeadLetterQueueServiceGrpc.class) {
        if ((getResolveDeadLetterEntryMethod = DeadLetterQueueServiceGrpc.getResolveDeadLetterEntryMethod) == null) {
          DeadLetterQueueServiceGrpc.getResolveDeadLetterEntryMethod = getResolveDeadLetterEntryMethod =
              io.grpc.MethodDescriptor.<com.wms.orders.v1.ResolveDeadLetterEntryRequest, com.wms.orders.v1.ResolveDeadLetterEntryResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ResolveDeadLetterEntry"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.wms.orders.v1.ResolveDeadLetterEntryRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.wms.orders.v1.ResolveDeadLetterEntryResponse.getDefaultInstance()))
              .setSchemaDescriptor(new DeadLetterQueueServiceMethodDescriptorSupplier("ResolveDeadLetterEntry"))
              .build();
        }
      }
    }
    return getResolveDeadLetterEntryMethod;
  }

  /**
   * Creates a new async stub that supports all call types for the service
   */
  public static DeadLetterQueueServiceStub newStub(io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<DeadLetterQueueServiceStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<DeadLetterQueueServiceStub>() {
        @java.lang.Override
        public DeadLetterQueueServiceStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new DeadLetterQueueServiceStub(channel, callOptions);
        }
      };
    return DeadLetterQueueServiceStub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports all types of calls on the service
   */
  public static DeadLetterQueueServiceBlockingV2Stub newBlockingV2Stub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<DeadLetterQueueServiceBlockingV2Stub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<DeadLetterQueueServiceBlockingV2Stub>() {
        @java.lang.Override
        public DeadLetterQueueServiceBlockingV2Stub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new DeadLetterQueueServiceBlockingV2Stub(channel, callOptions);
        }
      };
    return DeadLetterQueueServiceBlockingV2Stub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports unary and streaming output calls on the service
   */
  public static DeadLetterQueueServiceBlockingStub newBlockingStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<DeadLetterQueueServiceBlockingStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<DeadLetterQueueServiceBlockingStub>() {
        @java.lang.Override
        public DeadLetterQueueServiceBlockingStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new DeadLetterQueueServiceBlockingStub(channel, callOptions);
        }
      };
    return DeadLetterQueueServiceBlockingStub.newStub(factory, channel);
  }

  /**
   * Creates a new ListenableFuture-style stub that supports unary calls on the service
   */
  public static DeadLetterQueueServiceFutureStub newFutureStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<DeadLetterQueueServiceFutureStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<DeadLetterQueueServiceFutureStub>() {
        @java.lang.Override
        public DeadLetterQueueServiceFutureStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new DeadLetterQueueServiceFutureStub(channel, callOptions);
        }
      };
    return DeadLetterQueueServiceFutureStub.newStub(factory, channel);
  }

  /**
   * <pre>
   * Shows the dead letter queue and carries out what is decided about its entries.
   * </pre>
   */
  public interface AsyncService {

    /**
     * <pre>
     * Lists entries, newest first. A page of very long orders ends early, below 4 MiB; its token leads on.
     * Errors: `INVALID_PAGE_TOKEN`.
     * </pre>
     */
    default void listDeadLetterEntries(com.wms.orders.v1.ListDeadLetterEntriesRequest request,
        io.grpc.stub.StreamObserver<com.wms.orders.v1.ListDeadLetterEntriesResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListDeadLetterEntriesMethod(), responseObserver);
    }

    /**
     * <pre>
     * Counts entries, all from one moment.
     * </pre>
     */
    default void getDeadLetterStats(com.wms.orders.v1.GetDeadLetterStatsRequest request,
        io.grpc.stub.StreamObserver<com.wms.orders.v1.GetDeadLetterStatsResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getGetDeadLetterStatsMethod(), responseObserver);
    }

    /**
     * <pre>
     * Reads the newest entry of an order, or one entry by its id. (Over HTTP, the last path is for every
     * order, also for one with the id `stats`.)
     * Errors: `DEAD_LETTER_ENTRY_NOT_FOUND`.
     * </pre>
     */
    default void getDeadLetterEntry(com.wms.orders.v1.GetDeadLetterEntryRequest request,
        io.grpc.stub.StreamObserver<com.wms.orders.v1.GetDeadLetterEntryResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getGetDeadLetterEntryMethod(), responseObserver);
    }

    /**
     * <pre>
     * Decides about the newest entry of an order, and does what is decided in the same transaction. Of two
     * decisions at once, one wins. An escalated entry may be resolved once more, with another resolution.
     * Errors: `DEAD_LETTER_ENTRY_NOT_FOUND`, `DEAD_LETTER_ALREADY_RESOLVED`, `ETAG_MISMATCH`,
     * `REQUEST_ID_REUSED`.
     * </pre>
     */
    default void resolveDeadLetterEntry(com.wms.orders.v1.ResolveDeadLetterEntryRequest request,
        io.grpc.stub.StreamObserver<com.wms.orders.v1.ResolveDeadLetterEntryResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getResolveDeadLetterEntryMethod(), responseObserver);
    }
  }

  /**
   * Base class for the server implementation of the service DeadLetterQueueService.
   * <pre>
   * Shows the dead letter queue and carries out what is decided about its entries.
   * </pre>
   */
  public static abstract class DeadLetterQueueServiceImplBase
      implements io.grpc.BindableService, AsyncService {

    @java.lang.Override public final io.grpc.ServerServiceDefinition bindService() {
      return DeadLetterQueueServiceGrpc.bindService(this);
    }
  }

  /**
   * A stub to allow clients to do asynchronous rpc calls to service DeadLetterQueueService.
   * <pre>
   * Shows the dead letter queue and carries out what is decided about its entries.
   * </pre>
   */
  public static final class DeadLetterQueueServiceStub
      extends io.grpc.stub.AbstractAsyncStub<DeadLetterQueueServiceStub> {
    private DeadLetterQueueServiceStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected DeadLetterQueueServiceStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new DeadLetterQueueServiceStub(channel, callOptions);
    }

    /**
     * <pre>
     * Lists entries, newest first. A page of very long orders ends early, below 4 MiB; its token leads on.
     * Errors: `INVALID_PAGE_TOKEN`.
     * </pre>
     */
    public void listDeadLetterEntries(com.wms.orders.v1.ListDeadLetterEntriesRequest request,
        io.grpc.stub.StreamObserver<com.wms.orders.v1.ListDeadLetterEntriesResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getListDeadLetterEntriesMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Counts entries, all from one moment.
     * </pre>
     */
    public void getDeadLetterStats(com.wms.orders.v1.GetDeadLetterStatsRequest request,
        io.grpc.stub.StreamObserver<com.wms.orders.v1.GetDeadLetterStatsResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getGetDeadLetterStatsMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Reads the newest entry of an order, or one entry by its id. (Over HTTP, the last path is for every
     * order, also for one with the id `stats`.)
     * Errors: `DEAD_LETTER_ENTRY_NOT_FOUND`.
     * </pre>
     */
    public void getDeadLetterEntry(com.wms.orders.v1.GetDeadLetterEntryRequest request,
        io.grpc.stub.StreamObserver<com.wms.orders.v1.GetDeadLetterEntryResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getGetDeadLetterEntryMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Decides about the newest entry of an order, and does what is decided in the same transaction. Of two
     * decisions at once, one wins. An escalated entry may be resolved once more, with another resolution.
     * Errors: `DEAD_LETTER_ENTRY_NOT_FOUND`, `DEAD_LETTER_ALREADY_RESOLVED`, `ETAG_MISMATCH`,
     * `REQUEST_ID_REUSED`.
     * </pre>
     */
    public void resolveDeadLetterEntry(com.wms.orders.v1.ResolveDeadLetterEntryRequest request,
        io.grpc.stub.StreamObserver<com.wms.orders.v1.ResolveDeadLetterEntryResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getResolveDeadLetterEntryMethod(), getCallOptions()), request, responseObserver);
    }
  }

  /**
   * A stub to allow clients to do synchronous rpc calls to service DeadLetterQueueService.
   * <pre>
   * Shows the dead letter queue and carries out what is decided about its entries.
   * </pre>
   */
  public static final class DeadLetterQueueServiceBlockingV2Stub
      extends io.grpc.stub.AbstractBlockingStub<DeadLetterQueueServiceBlockingV2Stub> {
    private DeadLetterQueueServiceBlockingV2Stub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected DeadLetterQueueServiceBlockingV2Stub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new DeadLetterQueueServiceBlockingV2Stub(channel, callOptions);
    }

    /**
     * <pre>
     * Lists entries, newest first. A page of very long orders ends early, below 4 MiB; its token leads on.
     * Errors: `INVALID_PAGE_TOKEN`.
     * </pre>
     */
    public com.wms.orders.v1.ListDeadLetterEntriesResponse listDeadLetterEntries(com.wms.orders.v1.ListDeadLetterEntriesRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getListDeadLetterEntriesMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Counts entries, all from one moment.
     * </pre>
     */
    public com.wms.orders.v1.GetDeadLetterStatsResponse getDeadLetterStats(com.wms.orders.v1.GetDeadLetterStatsRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getGetDeadLetterStatsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Reads the newest entry of an order, or one entry by its id. (Over HTTP, the last path is for every
     * order, also for one with the id `stats`.)
     * Errors: `DEAD_LETTER_ENTRY_NOT_FOUND`.
     * </pre>
     */
    public com.wms.orders.v1.GetDeadLetterEntryResponse getDeadLetterEntry(com.wms.orders.v1.GetDeadLetterEntryRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getGetDeadLetterEntryMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Decides about the newest entry of an order, and does what is decided in the same transaction. Of two
     * decisions at once, one wins. An escalated entry may be resolved once more, with another resolution.
     * Errors: `DEAD_LETTER_ENTRY_NOT_FOUND`, `DEAD_LETTER_ALREADY_RESOLVED`, `ETAG_MISMATCH`,
     * `REQUEST_ID_REUSED`.
     * </pre>
     */
    public com.wms.orders.v1.ResolveDeadLetterEntryResponse resolveDeadLetterEntry(com.wms.orders.v1.ResolveDeadLetterEntryRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getResolveDeadLetterEntryMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do limited synchronous rpc calls to service DeadLetterQueueService.
   * <pre>
   * Shows the dead letter queue and carries out what is decided about its entries.
   * </pre>
   */
  public static final class DeadLetterQueueServiceBlockingStub
      extends io.grpc.stub.AbstractBlockingStub<DeadLetterQueueServiceBlockingStub> {
    private DeadLetterQueueServiceBlockingStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected DeadLetterQueueServiceBlockingStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new DeadLetterQueueServiceBlockingStub(channel, callOptions);
    }

    /**
     * <pre>
     * Lists entries, newest first. A page of very long orders ends early, below 4 MiB; its token leads on.
     * Errors: `INVALID_PAGE_TOKEN`.
     * </pre>
     */
    public com.wms.orders.v1.ListDeadLetterEntriesResponse listDeadLetterEntries(com.wms.orders.v1.ListDeadLetterEntriesRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListDeadLetterEntriesMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Counts entries, all from one moment.
     * </pre>
     */
    public com.wms.orders.v1.GetDeadLetterStatsResponse getDeadLetterStats(com.wms.orders.v1.GetDeadLetterStatsRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getGetDeadLetterStatsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Reads the newest entry of an order, or one entry by its id. (Over HTTP, the last path is for every
     * order, also for one with the id `stats`.)
     * Errors: `DEAD_LETTER_ENTRY_NOT_FOUND`.
     * </pre>
     */
    public com.wms.orders.v1.GetDeadLetterEntryResponse getDeadLetterEntry(com.wms.orders.v1.GetDeadLetterEntryRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getGetDeadLetterEntryMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Decides about the newest entry of an order, and does what is decided in the same transaction. Of two
     * decisions at once, one wins. An escalated entry may be resolved once more, with another resolution.
     * Errors: `DEAD_LETTER_ENTRY_NOT_FOUND`, `DEAD_LETTER_ALREADY_RESOLVED`, `ETAG_MISMATCH`,
     * `REQUEST_ID_REUSED`.
     * </pre>
     */
    public com.wms.orders.v1.ResolveDeadLetterEntryResponse resolveDeadLetterEntry(com.wms.orders.v1.ResolveDeadLetterEntryRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getResolveDeadLetterEntryMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do ListenableFuture-style rpc calls to service DeadLetterQueueService.
   * <pre>
   * Shows the dead letter queue and carries out what is decided about its entries.
   * </pre>
   */
  public static final class DeadLetterQueueServiceFutureStub
      extends io.grpc.stub.AbstractFutureStub<DeadLetterQueueServiceFutureStub> {
    private DeadLetterQueueServiceFutureStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected DeadLetterQueueServiceFutureStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new DeadLetterQueueServiceFutureStub(channel, callOptions);
    }

    /**
     * <pre>
     * Lists entries, newest first. A page of very long orders ends early, below 4 MiB; its token leads on.
     * Errors: `INVALID_PAGE_TOKEN`.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<com.wms.orders.v1.ListDeadLetterEntriesResponse> listDeadLetterEntries(
        com.wms.orders.v1.ListDeadLetterEntriesRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getListDeadLetterEntriesMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Counts entries, all from one moment.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<com.wms.orders.v1.GetDeadLetterStatsResponse> getDeadLetterStats(
        com.wms.orders.v1.GetDeadLetterStatsRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getGetDeadLetterStatsMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Reads the newest entry of an order, or one entry by its id. (Over HTTP, the last path is for every
     * order, also for one with the id `stats`.)
     * Errors: `DEAD_LETTER_ENTRY_NOT_FOUND`.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<com.wms.orders.v1.GetDeadLetterEntryResponse> getDeadLetterEntry(
        com.wms.orders.v1.GetDeadLetterEntryRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getGetDeadLetterEntryMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Decides about the newest entry of an order, and does what is decided in the same transaction. Of two
     * decisions at once, one wins. An escalated entry may be resolved once more, with another resolution.
     * Errors: `DEAD_LETTER_ENTRY_NOT_FOUND`, `DEAD_LETTER_ALREADY_RESOLVED`, `ETAG_MISMATCH`,
     * `REQUEST_ID_REUSED`.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<com.wms.orders.v1.ResolveDeadLetterEntryResponse> resolveDeadLetterEntry(
        com.wms.orders.v1.ResolveDeadLetterEntryRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getResolveDeadLetterEntryMethod(), getCallOptions()), request);
    }
  }

  private static final int METHODID_LIST_DEAD_LETTER_ENTRIES = 0;
  private static final int METHODID_GET_DEAD_LETTER_STATS = 1;
  private static final int METHODID_GET_DEAD_LETTER_ENTRY = 2;
  private static final int METHODID_RESOLVE_DEAD_LETTER_ENTRY = 3;

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
        case METHODID_LIST_DEAD_LETTER_ENTRIES:
          serviceImpl.listDeadLetterEntries((com.wms.orders.v1.ListDeadLetterEntriesRequest) request,
              (io.grpc.stub.StreamObserver<com.wms.orders.v1.ListDeadLetterEntriesResponse>) responseObserver);
          break;
        case METHODID_GET_DEAD_LETTER_STATS:
          serviceImpl.getDeadLetterStats((com.wms.orders.v1.GetDeadLetterStatsRequest) request,
              (io.grpc.stub.StreamObserver<com.wms.orders.v1.GetDeadLetterStatsResponse>) responseObserver);
          break;
        case METHODID_GET_DEAD_LETTER_ENTRY:
          serviceImpl.getDeadLetterEntry((com.wms.orders.v1.GetDeadLetterEntryRequest) request,
              (io.grpc.stub.StreamObserver<com.wms.orders.v1.GetDeadLetterEntryResponse>) responseObserver);
          break;
        case METHODID_RESOLVE_DEAD_LETTER_ENTRY:
          serviceImpl.resolveDeadLetterEntry((com.wms.orders.v1.ResolveDeadLetterEntryRequest) request,
              (io.grpc.stub.StreamObserver<com.wms.orders.v1.ResolveDeadLetterEntryResponse>) responseObserver);
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
          getListDeadLetterEntriesMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              com.wms.orders.v1.ListDeadLetterEntriesRequest,
              com.wms.orders.v1.ListDeadLetterEntriesResponse>(
                service, METHODID_LIST_DEAD_LETTER_ENTRIES)))
        .addMethod(
          getGetDeadLetterStatsMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              com.wms.orders.v1.GetDeadLetterStatsRequest,
              com.wms.orders.v1.GetDeadLetterStatsResponse>(
                service, METHODID_GET_DEAD_LETTER_STATS)))
        .addMethod(
          getGetDeadLetterEntryMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              com.wms.orders.v1.GetDeadLetterEntryRequest,
              com.wms.orders.v1.GetDeadLetterEntryResponse>(
                service, METHODID_GET_DEAD_LETTER_ENTRY)))
        .addMethod(
          getResolveDeadLetterEntryMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              com.wms.orders.v1.ResolveDeadLetterEntryRequest,
              com.wms.orders.v1.ResolveDeadLetterEntryResponse>(
                service, METHODID_RESOLVE_DEAD_LETTER_ENTRY)))
        .build();
  }

  private static abstract class DeadLetterQueueServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoFileDescriptorSupplier, io.grpc.protobuf.ProtoServiceDescriptorSupplier {
    DeadLetterQueueServiceBaseDescriptorSupplier() {}

    @java.lang.Override
    public com.google.protobuf.Descriptors.FileDescriptor getFileDescriptor() {
      return com.wms.orders.v1.DeadLetters.getDescriptor();
    }

    @java.lang.Override
    public com.google.protobuf.Descriptors.ServiceDescriptor getServiceDescriptor() {
      return getFileDescriptor().findServiceByName("DeadLetterQueueService");
    }
  }

  private static final class DeadLetterQueueServiceFileDescriptorSupplier
      extends DeadLetterQueueServiceBaseDescriptorSupplier {
    DeadLetterQueueServiceFileDescriptorSupplier() {}
  }

  private static final class DeadLetterQueueServiceMethodDescriptorSupplier
      extends DeadLetterQueueServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoMethodDescriptorSupplier {
    private final java.lang.String methodName;

    DeadLetterQueueServiceMethodDescriptorSupplier(java.lang.String methodName) {
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
      synchronized (DeadLetterQueueServiceGrpc.class) {
        result = serviceDescriptor;
        if (result == null) {
          serviceDescriptor = result = io.grpc.ServiceDescriptor.newBuilder(SERVICE_NAME)
              .setSchemaDescriptor(new DeadLetterQueueServiceFileDescriptorSupplier())
              .addMethod(getListDeadLetterEntriesMethod())
              .addMethod(getGetDeadLetterStatsMethod())
              .addMethod(getGetDeadLetterEntryMethod())
              .addMethod(getResolveDeadLetterEntryMethod())
              .build();
        }
      }
    }
    return result;
  }
}
