package com.wms.orders.v1;

import static io.grpc.MethodDescriptor.generateFullMethodName;

/**
 * <pre>
 * Watches and steers the worker, which fulfils orders in cycles, in one active replica at a time.
 * </pre>
 */
@io.grpc.stub.annotations.GrpcGenerated
public final class FulfillmentServiceGrpc {

  private FulfillmentServiceGrpc() {}

  public static final java.lang.String SERVICE_NAME = "wms.orders.v1.FulfillmentService";

  // Static method descriptors that strictly reflect the proto.
  private static volatile io.grpc.MethodDescriptor<com.wms.orders.v1.StartFulfillmentRequest,
      com.wms.orders.v1.StartFulfillmentResponse> getStartFulfillmentMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "StartFulfillment",
      requestType = com.wms.orders.v1.StartFulfillmentRequest.class,
      responseType = com.wms.orders.v1.StartFulfillmentResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<com.wms.orders.v1.StartFulfillmentRequest,
      com.wms.orders.v1.StartFulfillmentResponse> getStartFulfillmentMethod() {
    io.grpc.MethodDescriptor<com.wms.orders.v1.StartFulfillmentRequest, com.wms.orders.v1.StartFulfillmentResponse> getStartFulfillmentMethod;
    if ((getStartFulfillmentMethod = FulfillmentServiceGrpc.getStartFulfillmentMethod) == null) {
      synchronized (FulfillmentServiceGrpc.class) {
        if ((getStartFulfillmentMethod = FulfillmentServiceGrpc.getStartFulfillmentMethod) == null) {
          FulfillmentServiceGrpc.getStartFulfillmentMethod = getStartFulfillmentMethod =
              io.grpc.MethodDescriptor.<com.wms.orders.v1.StartFulfillmentRequest, com.wms.orders.v1.StartFulfillmentResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "StartFulfillment"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.wms.orders.v1.StartFulfillmentRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.wms.orders.v1.StartFulfillmentResponse.getDefaultInstance()))
              .setSchemaDescriptor(new FulfillmentServiceMethodDescriptorSupplier("StartFulfillment"))
              .build();
        }
      }
    }
    return getStartFulfillmentMethod;
  }

  private static volatile io.grpc.MethodDescriptor<com.wms.orders.v1.GetFulfillmentRunRequest,
      com.wms.orders.v1.GetFulfillmentRunResponse> getGetFulfillmentRunMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "GetFulfillmentRun",
      requestType = com.wms.orders.v1.GetFulfillmentRunRequest.class,
      responseType = com.wms.orders.v1.GetFulfillmentRunResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<com.wms.orders.v1.GetFulfillmentRunRequest,
      com.wms.orders.v1.GetFulfillmentRunResponse> getGetFulfillmentRunMethod() {
    io.grpc.MethodDescriptor<com.wms.orders.v1.GetFulfillmentRunRequest, com.wms.orders.v1.GetFulfillmentRunResponse> getGetFulfillmentRunMethod;
    if ((getGetFulfillmentRunMethod = FulfillmentServiceGrpc.getGetFulfillmentRunMethod) == null) {
      synchronized (FulfillmentServiceGrpc.class) {
        if ((getGetFulfillmentRunMethod = FulfillmentServiceGrpc.getGetFulfillmentRunMethod) == null) {
          FulfillmentServiceGrpc.getGetFulfillmentRunMethod = getGetFulfillmentRunMethod =
              io.grpc.MethodDescriptor.<com.wms.orders.v1.GetFulfillmentRunRequest, com.wms.orders.v1.GetFulfillmentRunResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "GetFulfillmentRun"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.wms.orders.v1.GetFulfillmentRunRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.wms.orders.v1.GetFulfillmentRunResponse.getDefaultInstance()))
              .setSchemaDescriptor(new FulfillmentServiceMethodDescriptorSupplier("GetFulfillmentRun"))
              .build();
        }
      }
    }
    return getGetFulfillmentRunMethod;
  }

  private static volatile io.grpc.MethodDescriptor<com.wms.orders.v1.ListFulfillmentRunsRequest,
      com.wms.orders.v1.ListFulfillmentRunsResponse> getListFulfillmentRunsMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ListFulfillmentRuns",
      requestType = com.wms.orders.v1.ListFulfillmentRunsRequest.class,
      responseType = com.wms.orders.v1.ListFulfillmentRunsResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<com.wms.orders.v1.ListFulfillmentRunsRequest,
      com.wms.orders.v1.ListFulfillmentRunsResponse> getListFulfillmentRunsMethod() {
    io.grpc.MethodDescriptor<com.wms.orders.v1.ListFulfillmentRunsRequest, com.wms.orders.v1.ListFulfillmentRunsResponse> getListFulfillmentRunsMethod;
    if ((getListFulfillmentRunsMethod = FulfillmentServiceGrpc.getListFulfillmentRunsMethod) == null) {
      synchronized (FulfillmentServiceGrpc.class) {
        if ((getListFulfillmentRunsMethod = FulfillmentServiceGrpc.getListFulfillmentRunsMethod) == null) {
          FulfillmentServiceGrpc.getListFulfillmentRunsMethod = getListFulfillmentRunsMethod =
              io.grpc.MethodDescriptor.<com.wms.orders.v1.ListFulfillmentRunsRequest, com.wms.orders.v1.ListFulfillmentRunsResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ListFulfillmentRuns"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.wms.orders.v1.ListFulfillmentRunsRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.wms.orders.v1.ListFulfillmentRunsResponse.getDefaultInstance()))
              .setSchemaDescriptor(new FulfillmentServiceMethodDescriptorSupplier("ListFulfillmentRuns"))
              .build();
        }
      }
    }
    return getListFulfillmentRunsMethod;
  }

  private static volatile io.grpc.MethodDescriptor<com.wms.orders.v1.ListWorkersRequest,
      com.wms.orders.v1.ListWorkersResponse> getListWorkersMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ListWorkers",
      requestType = com.wms.orders.v1.ListWorkersRequest.class,
      responseType = com.wms.orders.v1.ListWorkersResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<com.wms.orders.v1.ListWorkersRequest,
      com.wms.orders.v1.ListWorkersResponse> getListWorkersMethod() {
    io.grpc.MethodDescriptor<com.wms.orders.v1.ListWorkersRequest, com.wms.orders.v1.ListWorkersResponse> getListWorkersMethod;
    if ((getListWorkersMethod = FulfillmentServiceGrpc.getListWorkersMethod) == null) {
      synchronized (FulfillmentServiceGrpc.class) {
        if ((getListWorkersMethod = FulfillmentServiceGrpc.getListWorkersMethod) == null) {
          FulfillmentServiceGrpc.getListWorkersMethod = getListWorkersMethod =
              io.grpc.MethodDescriptor.<com.wms.orders.v1.ListWorkersRequest, com.wms.orders.v1.ListWorkersResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ListWorkers"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.wms.orders.v1.ListWorkersRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.wms.orders.v1.ListWorkersResponse.getDefaultInstance()))
              .setSchemaDescriptor(new FulfillmentServiceMethodDescriptorSupplier("ListWorkers"))
              .build();
        }
      }
    }
    return getListWorkersMethod;
  }

  private static volatile io.grpc.MethodDescriptor<com.wms.orders.v1.SetWorkerModeRequest,
      com.wms.orders.v1.SetWorkerModeResponse> getSetWorkerModeMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "SetWorkerMode",
      requestType = com.wms.orders.v1.SetWorkerModeRequest.class,
      responseType = com.wms.orders.v1.SetWorkerModeResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<com.wms.orders.v1.SetWorkerModeRequest,
      com.wms.orders.v1.SetWorkerModeResponse> getSetWorkerModeMethod() {
    io.grpc.MethodDescriptor<com.wms.orders.v1.SetWorkerModeRequest, com.wms.orders.v1.SetWorkerModeResponse> getSetWorkerModeMethod;
    if ((getSetWorkerModeMethod = FulfillmentServiceGrpc.getSetWorkerModeMethod) == null) {
      synchronized (FulfillmentServiceGrpc.class) {
        if ((getSetWorkerModeMethod = FulfillmentServiceGrpc.getSetWorkerModeMethod) == null) {
          FulfillmentServiceGrpc.getSetWorkerModeMethod = getSetWorkerModeMethod =
              io.grpc.MethodDescriptor.<com.wms.orders.v1.SetWorkerModeRequest, com.wms.orders.v1.SetWorkerModeResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "SetWorkerMode"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.wms.orders.v1.SetWorkerModeRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.wms.orders.v1.SetWorkerModeResponse.getDefaultInstance()))
              .setSchemaDescriptor(new FulfillmentServiceMethodDescriptorSupplier("SetWorkerMode"))
              .build();
        }
      }
    }
    return getSetWorkerModeMethod;
  }

  private static volatile io.grpc.MethodDescriptor<com.wms.orders.v1.StepDownRequest,
      com.wms.orders.v1.StepDownResponse> getStepDownMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "StepDown",
      requestType = com.wms.orders.v1.StepDownRequest.class,
      responseType = com.wms.orders.v1.StepDownResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<com.wms.orders.v1.StepDownRequest,
      com.wms.orders.v1.StepDownResponse> getStepDownMethod() {
    io.grpc.MethodDescriptor<com.wms.orders.v1.StepDownRequest, com.wms.orders.v1.StepDownResponse> getStepDownMethod;
    if ((getStepDownMethod = FulfillmentServiceGrpc.getStepDownMethod) == null) {
      synchronized (FulfillmentServiceGrpc.class) {
        if ((getStepDownMethod = FulfillmentServiceGrpc.getStepDownMethod) == null) {
          FulfillmentServiceGrpc.getStepDownMethod = getStepDownMethod =
              io.grpc.MethodDescriptor.<com.wms.orders.v1.StepDownRequest, com.wms.orders.v1.StepDownResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "StepDown"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.wms.orders.v1.StepDownRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.wms.orders.v1.StepDownResponse.getDefaultInstance()))
              .setSchemaDescriptor(new FulfillmentServiceMethodDescriptorSupplier("StepDown"))
              .build();
        }
      }
    }
    return getStepDownMethod;
  }

  private static volatile io.grpc.MethodDescriptor<com.wms.orders.v1.PauseFulfillmentRequest,
      com.wms.orders.v1.PauseFulfillmentResponse> getPauseFulfillmentMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "PauseFulfillment",
      requestType = com.wms.orders.v1.PauseFulfillmentRequest.class,
      responseType = com.wms.orders.v1.PauseFulfillmentResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<com.wms.orders.v1.PauseFulfillmentRequest,
      com.wms.orders.v1.PauseFulfillmentResponse> getPauseFulfillmentMethod() {
    io.grpc.MethodDescriptor<com.wms.orders.v1.PauseFulfillmentRequest, com.wms.orders.v1.PauseFulfillmentResponse> getPauseFulfillmentMethod;
    if ((getPauseFulfillmentMethod = FulfillmentServiceGrpc.getPauseFulfillmentMethod) == null) {
      synchronized (FulfillmentServiceGrpc.class) {
        if ((getPauseFulfillmentMethod = FulfillmentServiceGrpc.getPauseFulfillmentMethod) == null) {
          FulfillmentServiceGrpc.getPauseFulfillmentMethod = getPauseFulfillmentMethod =
              io.grpc.MethodDescriptor.<com.wms.orders.v1.PauseFulfillmentRequest, com.wms.orders.v1.PauseFulfillmentResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "PauseFulfillment"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.wms.orders.v1.PauseFulfillmentRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.wms.orders.v1.PauseFulfillmentResponse.getDefaultInstance()))
              .setSchemaDescriptor(new FulfillmentServiceMethodDescriptorSupplier("PauseFulfillment"))
              .build();
        }
      }
    }
    return getPauseFulfillmentMethod;
  }

  private static volatile io.grpc.MethodDescriptor<com.wms.orders.v1.ResumeFulfillmentRequest,
      com.wms.orders.v1.ResumeFulfillmentResponse> getResumeFulfillmentMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ResumeFulfillment",
      requestType = com.wms.orders.v1.ResumeFulfillmentRequest.class,
      responseType = com.wms.orders.v1.ResumeFulfillmentResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<com.wms.orders.v1.ResumeFulfillmentRequest,
      com.wms.orders.v1.ResumeFulfillmentResponse> getResumeFulfillmentMethod() {
    io.grpc.MethodDescriptor<com.wms.orders.v1.ResumeFulfillmentRequest, com.wms.orders.v1.ResumeFulfillmentResponse> getResumeFulfillmentMethod;
    if ((getResumeFulfillmentMethod = FulfillmentServiceGrpc.getResumeFulfillmentMethod) == null) {
      synchronized (FulfillmentServiceGrpc.class) {
        if ((getResumeFulfillmentMethod = FulfillmentServiceGrpc.getResumeFulfillmentMethod) == null) {
          FulfillmentServiceGrpc.getResumeFulfillmentMethod = getResumeFulfillmentMethod =
              io.grpc.MethodDescriptor.<com.wms.orders.v1.ResumeFulfillmentRequest, com.wms.orders.v1.ResumeFulfillmentResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ResumeFulfillment"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.wms.orders.v1.ResumeFulfillmentRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.wms.orders.v1.ResumeFulfillmentResponse.getDefaultInstance()))
              .setSchemaDescriptor(new FulfillmentServiceMethodDescriptorSupplier("ResumeFulfillment"))
              .build();
        }
      }
    }
    return getResumeFulfillmentMethod;
  }

  private static volatile io.grpc.MethodDescriptor<com.wms.orders.v1.GetFulfillmentStatsRequest,
      com.wms.orders.v1.GetFulfillmentStatsResponse> getGetFulfillmentStatsMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "GetFulfillmentStats",
      requestType = com.wms.orders.v1.GetFulfillmentStatsRequest.class,
      responseType = com.wms.orders.v1.GetFulfillmentStatsResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<com.wms.orders.v1.GetFulfillmentStatsRequest,
      com.wms.orders.v1.GetFulfillmentStatsResponse> getGetFulfillmentStatsMethod() {
    io.grpc.MethodDescriptor<com.wms.orders.v1.GetFulfillmentStatsRequest, com.wms.orders.v1.GetFulfillmentStatsResponse> getGetFulfillmentStatsMethod;
    if ((getGetFulfillmentStatsMethod = FulfillmentServiceGrpc.getGetFulfillmentStatsMethod) == null) {
      synchronized (FulfillmentServiceGrpc.class) {
        if ((getGetFulfillmentStatsMethod = FulfillmentServiceGrpc.getGetFulfillmentStatsMethod) == null) {
          FulfillmentServiceGrpc.getGetFulfillmentStatsMethod = getGetFulfillmentStatsMethod =
              io.grpc.MethodDescriptor.<com.wms.orders.v1.GetFulfillmentStatsRequest, com.wms.orders.v1.GetFulfillmentStatsResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "GetFulfillmentStats"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.wms.orders.v1.GetFulfillmentStatsRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.wms.orders.v1.GetFulfillmentStatsResponse.getDefaultInstance()))
              .setSchemaDescriptor(new FulfillmentServiceMethodDescriptorSupplier("GetFulfillmentStats"))
              .build();
        }
      }
    }
    return getGetFulfillmentStatsMethod;
  }

  private static volatile io.grpc.MethodDescriptor<com.wms.orders.v1.ListParkedEventsRequest,
      com.wms.orders.v1.ListParkedEventsResponse> getListParkedEventsMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ListParkedEvents",
      requestType = com.wms.orders.v1.ListParkedEventsRequest.class,
      responseType = com.wms.orders.v1.ListParkedEventsResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<com.wms.orders.v1.ListParkedEventsRequest,
      com.wms.orders.v1.ListParkedEventsResponse> getListParkedEventsMethod() {
    io.grpc.MethodDescriptor<com.wms.orders.v1.ListParkedEventsRequest, com.wms.orders.v1.ListParkedEventsResponse> getListParkedEventsMethod;
    if ((getListParkedEventsMethod = FulfillmentServiceGrpc.getListParkedEventsMethod) == null) {
      synchronized (FulfillmentServiceGrpc.class) {
        if ((getListParkedEventsMethod = FulfillmentServiceGrpc.getListParkedEventsMethod) == null) {
          FulfillmentServiceGrpc.getListParkedEventsMethod = getListParkedEventsMethod =
              io.grpc.MethodDescriptor.<com.wms.orders.v1.ListParkedEventsRequest, com.wms.orders.v1.ListParkedEventsResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ListParkedEvents"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.wms.orders.v1.ListParkedEventsRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.wms.orders.v1.ListParkedEventsResponse.getDefaultInstance()))
              .setSchemaDescriptor(new FulfillmentServiceMethodDescriptorSupplier("ListParkedEvents"))
              .build();
        }
      }
    }
    return getListParkedEventsMethod;
  }

  private static volatile io.grpc.MethodDescriptor<com.wms.orders.v1.ReleaseParkedEventRequest,
      com.wms.orders.v1.ReleaseParkedEventResponse> getReleaseParkedEventMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ReleaseParkedEvent",
      requestType = com.wms.orders.v1.ReleaseParkedEventRequest.class,
      responseType = com.wms.orders.v1.ReleaseParkedEventResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<com.wms.orders.v1.ReleaseParkedEventRequest,
      com.wms.orders.v1.ReleaseParkedEventResponse> getReleaseParkedEventMethod() {
    io.grpc.MethodDescriptor<com.wms.orders.v1.ReleaseParkedEventRequest, com.wms.orders.v1.ReleaseParkedEventResponse> getReleaseParkedEventMethod;
    if ((getReleaseParkedEventMethod = FulfillmentServiceGrpc.getReleaseParkedEventMethod) == null) {
      synchronized (FulfillmentServiceGrpc.class) {
        if ((getReleaseParkedEventMethod = FulfillmentServiceGrpc.getReleaseParkedEventMethod) == null) {
          FulfillmentServiceGrpc.getReleaseParkedEventMethod = getReleaseParkedEventMethod =
              io.grpc.MethodDescriptor.<com.wms.orders.v1.ReleaseParkedEventRequest, com.wms.orders.v1.ReleaseParkedEventResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ReleaseParkedEvent"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.wms.orders.v1.ReleaseParkedEventRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.wms.orders.v1.ReleaseParkedEventResponse.getDefaultInstance()))
              .setSchemaDescriptor(new FulfillmentServiceMethodDescriptorSupplier("ReleaseParkedEvent"))
              .build();
        }
      }
    }
    return getReleaseParkedEventMethod;
  }

  /**
   * Creates a new async stub that supports all call types for the service
   */
  public static FulfillmentServiceStub newStub(io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<FulfillmentServiceStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<FulfillmentServiceStub>() {
        @java.lang.Override
        public FulfillmentServiceStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new FulfillmentServiceStub(channel, callOptions);
        }
      };
    return FulfillmentServiceStub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports all types of calls on the service
   */
  public static FulfillmentServiceBlockingV2Stub newBlockingV2Stub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<FulfillmentServiceBlockingV2Stub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<FulfillmentServiceBlockingV2Stub>() {
        @java.lang.Override
        public FulfillmentServiceBlockingV2Stub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new FulfillmentServiceBlockingV2Stub(channel, callOptions);
        }
      };
    return FulfillmentServiceBlockingV2Stub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports unary and streaming output calls on the service
   */
  public static FulfillmentServiceBlockingStub newBlockingStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<FulfillmentServiceBlockingStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<FulfillmentServiceBlockingStub>() {
        @java.lang.Override
        public FulfillmentServiceBlockingStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new FulfillmentServiceBlockingStub(channel, callOptions);
        }
      };
    return FulfillmentServiceBlockingStub.newStub(factory, channel);
  }

  /**
   * Creates a new ListenableFuture-style stub that supports unary calls on the service
   */
  public static FulfillmentServiceFutureStub newFutureStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<FulfillmentServiceFutureStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<FulfillmentServiceFutureStub>() {
        @java.lang.Override
        public FulfillmentServiceFutureStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new FulfillmentServiceFutureStub(channel, callOptions);
        }
      };
    return FulfillmentServiceFutureStub.newStub(factory, channel);
  }

  /**
   * <pre>
   * Watches and steers the worker, which fulfils orders in cycles, in one active replica at a time.
   * </pre>
   */
  public interface AsyncService {

    /**
     * <pre>
     * Asks the active worker for a cycle now. Answers at once with a run in `REQUESTED`; GetFulfillmentRun
     * tells how it went. Requests that come before the cycle starts may share it.
     * Errors: `NO_ACTIVE_WORKER`, `FULFILLMENT_PAUSED`, `WAREHOUSE_NOT_FOUND`, `REQUEST_ID_REUSED`.
     * </pre>
     */
    default void startFulfillment(com.wms.orders.v1.StartFulfillmentRequest request,
        io.grpc.stub.StreamObserver<com.wms.orders.v1.StartFulfillmentResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getStartFulfillmentMethod(), responseObserver);
    }

    /**
     * <pre>
     * Reads one run.
     * Errors: `RUN_NOT_FOUND`.
     * </pre>
     */
    default void getFulfillmentRun(com.wms.orders.v1.GetFulfillmentRunRequest request,
        io.grpc.stub.StreamObserver<com.wms.orders.v1.GetFulfillmentRunResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getGetFulfillmentRunMethod(), responseObserver);
    }

    /**
     * <pre>
     * Lists runs, newest first. Cycles that did nothing and were not asked for may be left out.
     * Errors: `INVALID_PAGE_TOKEN`.
     * </pre>
     */
    default void listFulfillmentRuns(com.wms.orders.v1.ListFulfillmentRunsRequest request,
        io.grpc.stub.StreamObserver<com.wms.orders.v1.ListFulfillmentRunsResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListFulfillmentRunsMethod(), responseObserver);
    }

    /**
     * <pre>
     * Lists every replica of the worker that reported lately, active or passive, by id.
     * Errors: `INVALID_PAGE_TOKEN`.
     * </pre>
     */
    default void listWorkers(com.wms.orders.v1.ListWorkersRequest request,
        io.grpc.stub.StreamObserver<com.wms.orders.v1.ListWorkersResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListWorkersMethod(), responseObserver);
    }

    /**
     * <pre>
     * Tells a replica to stay passive, or to take part in elections again. An active one that is told to
     * stay passive hands its roles over.
     * Errors: `WORKER_NOT_FOUND`, `REQUEST_ID_REUSED`.
     * </pre>
     */
    default void setWorkerMode(com.wms.orders.v1.SetWorkerModeRequest request,
        io.grpc.stub.StreamObserver<com.wms.orders.v1.SetWorkerModeResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getSetWorkerModeMethod(), responseObserver);
    }

    /**
     * <pre>
     * Asks the active worker to hand a role over: it stops claiming, finishes, releases the role, and
     * abstains until another replica has it.
     * Errors: `WORKER_NOT_FOUND`, `ROLE_NOT_FOUND`, `NO_ACTIVE_WORKER`, `REQUEST_ID_REUSED`.
     * </pre>
     */
    default void stepDown(com.wms.orders.v1.StepDownRequest request,
        io.grpc.stub.StreamObserver<com.wms.orders.v1.StepDownResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getStepDownMethod(), responseObserver);
    }

    /**
     * <pre>
     * Stops new work for a warehouse or everywhere, at the next step of the cycle. Moves that were asked
     * for go on, and calls are served as before. Pausing what is paused replaces reason and expiry.
     * Errors: `WAREHOUSE_NOT_FOUND`, `REQUEST_ID_REUSED`.
     * </pre>
     */
    default void pauseFulfillment(com.wms.orders.v1.PauseFulfillmentRequest request,
        io.grpc.stub.StreamObserver<com.wms.orders.v1.PauseFulfillmentResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getPauseFulfillmentMethod(), responseObserver);
    }

    /**
     * <pre>
     * Ends a pause. A warehouse stays paused while there is a pause everywhere. Resuming what is not paused
     * succeeds and changes nothing.
     * Errors: `WAREHOUSE_NOT_FOUND`, `REQUEST_ID_REUSED`.
     * </pre>
     */
    default void resumeFulfillment(com.wms.orders.v1.ResumeFulfillmentRequest request,
        io.grpc.stub.StreamObserver<com.wms.orders.v1.ResumeFulfillmentResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getResumeFulfillmentMethod(), responseObserver);
    }

    /**
     * <pre>
     * Tells per warehouse what waits and why, and how fast orders were fulfilled in the last hour.
     * Errors: `WAREHOUSE_NOT_FOUND`.
     * </pre>
     */
    default void getFulfillmentStats(com.wms.orders.v1.GetFulfillmentStatsRequest request,
        io.grpc.stub.StreamObserver<com.wms.orders.v1.GetFulfillmentStatsResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getGetFulfillmentStatsMethod(), responseObserver);
    }

    /**
     * <pre>
     * Lists the events that the broker refused for a reason that trying again does not cure, oldest first.
     * A parked event holds up the later events of its own order, nothing else.
     * Errors: `INVALID_PAGE_TOKEN`.
     * </pre>
     */
    default void listParkedEvents(com.wms.orders.v1.ListParkedEventsRequest request,
        io.grpc.stub.StreamObserver<com.wms.orders.v1.ListParkedEventsResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListParkedEventsMethod(), responseObserver);
    }

    /**
     * <pre>
     * Lets a parked event be published again, and after it those of its order that it held up.
     * Errors: `PARKED_EVENT_NOT_FOUND`, `REQUEST_ID_REUSED`.
     * </pre>
     */
    default void releaseParkedEvent(com.wms.orders.v1.ReleaseParkedEventRequest request,
        io.grpc.stub.StreamObserver<com.wms.orders.v1.ReleaseParkedEventResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getReleaseParkedEventMethod(), responseObserver);
    }
  }

  /**
   * Base class for the server implementation of the service FulfillmentService.
   * <pre>
   * Watches and steers the worker, which fulfils orders in cycles, in one active replica at a time.
   * </pre>
   */
  public static abstract class FulfillmentServiceImplBase
      implements io.grpc.BindableService, AsyncService {

    @java.lang.Override public final io.grpc.ServerServiceDefinition bindService() {
      return FulfillmentServiceGrpc.bindService(this);
    }
  }

  /**
   * A stub to allow clients to do asynchronous rpc calls to service FulfillmentService.
   * <pre>
   * Watches and steers the worker, which fulfils orders in cycles, in one active replica at a time.
   * </pre>
   */
  public static final class FulfillmentServiceStub
      extends io.grpc.stub.AbstractAsyncStub<FulfillmentServiceStub> {
    private FulfillmentServiceStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected FulfillmentServiceStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new FulfillmentServiceStub(channel, callOptions);
    }

    /**
     * <pre>
     * Asks the active worker for a cycle now. Answers at once with a run in `REQUESTED`; GetFulfillmentRun
     * tells how it went. Requests that come before the cycle starts may share it.
     * Errors: `NO_ACTIVE_WORKER`, `FULFILLMENT_PAUSED`, `WAREHOUSE_NOT_FOUND`, `REQUEST_ID_REUSED`.
     * </pre>
     */
    public void startFulfillment(com.wms.orders.v1.StartFulfillmentRequest request,
        io.grpc.stub.StreamObserver<com.wms.orders.v1.StartFulfillmentResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getStartFulfillmentMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Reads one run.
     * Errors: `RUN_NOT_FOUND`.
     * </pre>
     */
    public void getFulfillmentRun(com.wms.orders.v1.GetFulfillmentRunRequest request,
        io.grpc.stub.StreamObserver<com.wms.orders.v1.GetFulfillmentRunResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getGetFulfillmentRunMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Lists runs, newest first. Cycles that did nothing and were not asked for may be left out.
     * Errors: `INVALID_PAGE_TOKEN`.
     * </pre>
     */
    public void listFulfillmentRuns(com.wms.orders.v1.ListFulfillmentRunsRequest request,
        io.grpc.stub.StreamObserver<com.wms.orders.v1.ListFulfillmentRunsResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getListFulfillmentRunsMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Lists every replica of the worker that reported lately, active or passive, by id.
     * Errors: `INVALID_PAGE_TOKEN`.
     * </pre>
     */
    public void listWorkers(com.wms.orders.v1.ListWorkersRequest request,
        io.grpc.stub.StreamObserver<com.wms.orders.v1.ListWorkersResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getListWorkersMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Tells a replica to stay passive, or to take part in elections again. An active one that is told to
     * stay passive hands its roles over.
     * Errors: `WORKER_NOT_FOUND`, `REQUEST_ID_REUSED`.
     * </pre>
     */
    public void setWorkerMode(com.wms.orders.v1.SetWorkerModeRequest request,
        io.grpc.stub.StreamObserver<com.wms.orders.v1.SetWorkerModeResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getSetWorkerModeMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Asks the active worker to hand a role over: it stops claiming, finishes, releases the role, and
     * abstains until another replica has it.
     * Errors: `WORKER_NOT_FOUND`, `ROLE_NOT_FOUND`, `NO_ACTIVE_WORKER`, `REQUEST_ID_REUSED`.
     * </pre>
     */
    public void stepDown(com.wms.orders.v1.StepDownRequest request,
        io.grpc.stub.StreamObserver<com.wms.orders.v1.StepDownResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getStepDownMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Stops new work for a warehouse or everywhere, at the next step of the cycle. Moves that were asked
     * for go on, and calls are served as before. Pausing what is paused replaces reason and expiry.
     * Errors: `WAREHOUSE_NOT_FOUND`, `REQUEST_ID_REUSED`.
     * </pre>
     */
    public void pauseFulfillment(com.wms.orders.v1.PauseFulfillmentRequest request,
        io.grpc.stub.StreamObserver<com.wms.orders.v1.PauseFulfillmentResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getPauseFulfillmentMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Ends a pause. A warehouse stays paused while there is a pause everywhere. Resuming what is not paused
     * succeeds and changes nothing.
     * Errors: `WAREHOUSE_NOT_FOUND`, `REQUEST_ID_REUSED`.
     * </pre>
     */
    public void resumeFulfillment(com.wms.orders.v1.ResumeFulfillmentRequest request,
        io.grpc.stub.StreamObserver<com.wms.orders.v1.ResumeFulfillmentResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getResumeFulfillmentMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Tells per warehouse what waits and why, and how fast orders were fulfilled in the last hour.
     * Errors: `WAREHOUSE_NOT_FOUND`.
     * </pre>
     */
    public void getFulfillmentStats(com.wms.orders.v1.GetFulfillmentStatsRequest request,
        io.grpc.stub.StreamObserver<com.wms.orders.v1.GetFulfillmentStatsResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getGetFulfillmentStatsMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Lists the events that the broker refused for a reason that trying again does not cure, oldest first.
     * A parked event holds up the later events of its own order, nothing else.
     * Errors: `INVALID_PAGE_TOKEN`.
     * </pre>
     */
    public void listParkedEvents(com.wms.orders.v1.ListParkedEventsRequest request,
        io.grpc.stub.StreamObserver<com.wms.orders.v1.ListParkedEventsResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getListParkedEventsMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Lets a parked event be published again, and after it those of its order that it held up.
     * Errors: `PARKED_EVENT_NOT_FOUND`, `REQUEST_ID_REUSED`.
     * </pre>
     */
    public void releaseParkedEvent(com.wms.orders.v1.ReleaseParkedEventRequest request,
        io.grpc.stub.StreamObserver<com.wms.orders.v1.ReleaseParkedEventResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getReleaseParkedEventMethod(), getCallOptions()), request, responseObserver);
    }
  }

  /**
   * A stub to allow clients to do synchronous rpc calls to service FulfillmentService.
   * <pre>
   * Watches and steers the worker, which fulfils orders in cycles, in one active replica at a time.
   * </pre>
   */
  public static final class FulfillmentServiceBlockingV2Stub
      extends io.grpc.stub.AbstractBlockingStub<FulfillmentServiceBlockingV2Stub> {
    private FulfillmentServiceBlockingV2Stub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected FulfillmentServiceBlockingV2Stub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new FulfillmentServiceBlockingV2Stub(channel, callOptions);
    }

    /**
     * <pre>
     * Asks the active worker for a cycle now. Answers at once with a run in `REQUESTED`; GetFulfillmentRun
     * tells how it went. Requests that come before the cycle starts may share it.
     * Errors: `NO_ACTIVE_WORKER`, `FULFILLMENT_PAUSED`, `WAREHOUSE_NOT_FOUND`, `REQUEST_ID_REUSED`.
     * </pre>
     */
    public com.wms.orders.v1.StartFulfillmentResponse startFulfillment(com.wms.orders.v1.StartFulfillmentRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getStartFulfillmentMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Reads one run.
     * Errors: `RUN_NOT_FOUND`.
     * </pre>
     */
    public com.wms.orders.v1.GetFulfillmentRunResponse getFulfillmentRun(com.wms.orders.v1.GetFulfillmentRunRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getGetFulfillmentRunMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists runs, newest first. Cycles that did nothing and were not asked for may be left out.
     * Errors: `INVALID_PAGE_TOKEN`.
     * </pre>
     */
    public com.wms.orders.v1.ListFulfillmentRunsResponse listFulfillmentRuns(com.wms.orders.v1.ListFulfillmentRunsRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getListFulfillmentRunsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists every replica of the worker that reported lately, active or passive, by id.
     * Errors: `INVALID_PAGE_TOKEN`.
     * </pre>
     */
    public com.wms.orders.v1.ListWorkersResponse listWorkers(com.wms.orders.v1.ListWorkersRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getListWorkersMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Tells a replica to stay passive, or to take part in elections again. An active one that is told to
     * stay passive hands its roles over.
     * Errors: `WORKER_NOT_FOUND`, `REQUEST_ID_REUSED`.
     * </pre>
     */
    public com.wms.orders.v1.SetWorkerModeResponse setWorkerMode(com.wms.orders.v1.SetWorkerModeRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getSetWorkerModeMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Asks the active worker to hand a role over: it stops claiming, finishes, releases the role, and
     * abstains until another replica has it.
     * Errors: `WORKER_NOT_FOUND`, `ROLE_NOT_FOUND`, `NO_ACTIVE_WORKER`, `REQUEST_ID_REUSED`.
     * </pre>
     */
    public com.wms.orders.v1.StepDownResponse stepDown(com.wms.orders.v1.StepDownRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getStepDownMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Stops new work for a warehouse or everywhere, at the next step of the cycle. Moves that were asked
     * for go on, and calls are served as before. Pausing what is paused replaces reason and expiry.
     * Errors: `WAREHOUSE_NOT_FOUND`, `REQUEST_ID_REUSED`.
     * </pre>
     */
    public com.wms.orders.v1.PauseFulfillmentResponse pauseFulfillment(com.wms.orders.v1.PauseFulfillmentRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getPauseFulfillmentMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Ends a pause. A warehouse stays paused while there is a pause everywhere. Resuming what is not paused
     * succeeds and changes nothing.
     * Errors: `WAREHOUSE_NOT_FOUND`, `REQUEST_ID_REUSED`.
     * </pre>
     */
    public com.wms.orders.v1.ResumeFulfillmentResponse resumeFulfillment(com.wms.orders.v1.ResumeFulfillmentRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getResumeFulfillmentMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Tells per warehouse what waits and why, and how fast orders were fulfilled in the last hour.
     * Errors: `WAREHOUSE_NOT_FOUND`.
     * </pre>
     */
    public com.wms.orders.v1.GetFulfillmentStatsResponse getFulfillmentStats(com.wms.orders.v1.GetFulfillmentStatsRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getGetFulfillmentStatsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists the events that the broker refused for a reason that trying again does not cure, oldest first.
     * A parked event holds up the later events of its own order, nothing else.
     * Errors: `INVALID_PAGE_TOKEN`.
     * </pre>
     */
    public com.wms.orders.v1.ListParkedEventsResponse listParkedEvents(com.wms.orders.v1.ListParkedEventsRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getListParkedEventsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lets a parked event be published again, and after it those of its order that it held up.
     * Errors: `PARKED_EVENT_NOT_FOUND`, `REQUEST_ID_REUSED`.
     * </pre>
     */
    public com.wms.orders.v1.ReleaseParkedEventResponse releaseParkedEvent(com.wms.orders.v1.ReleaseParkedEventRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getReleaseParkedEventMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do limited synchronous rpc calls to service FulfillmentService.
   * <pre>
   * Watches and steers the worker, which fulfils orders in cycles, in one active replica at a time.
   * </pre>
   */
  public static final class FulfillmentServiceBlockingStub
      extends io.grpc.stub.AbstractBlockingStub<FulfillmentServiceBlockingStub> {
    private FulfillmentServiceBlockingStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected FulfillmentServiceBlockingStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new FulfillmentServiceBlockingStub(channel, callOptions);
    }

    /**
     * <pre>
     * Asks the active worker for a cycle now. Answers at once with a run in `REQUESTED`; GetFulfillmentRun
     * tells how it went. Requests that come before the cycle starts may share it.
     * Errors: `NO_ACTIVE_WORKER`, `FULFILLMENT_PAUSED`, `WAREHOUSE_NOT_FOUND`, `REQUEST_ID_REUSED`.
     * </pre>
     */
    public com.wms.orders.v1.StartFulfillmentResponse startFulfillment(com.wms.orders.v1.StartFulfillmentRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getStartFulfillmentMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Reads one run.
     * Errors: `RUN_NOT_FOUND`.
     * </pre>
     */
    public com.wms.orders.v1.GetFulfillmentRunResponse getFulfillmentRun(com.wms.orders.v1.GetFulfillmentRunRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getGetFulfillmentRunMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists runs, newest first. Cycles that did nothing and were not asked for may be left out.
     * Errors: `INVALID_PAGE_TOKEN`.
     * </pre>
     */
    public com.wms.orders.v1.ListFulfillmentRunsResponse listFulfillmentRuns(com.wms.orders.v1.ListFulfillmentRunsRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListFulfillmentRunsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists every replica of the worker that reported lately, active or passive, by id.
     * Errors: `INVALID_PAGE_TOKEN`.
     * </pre>
     */
    public com.wms.orders.v1.ListWorkersResponse listWorkers(com.wms.orders.v1.ListWorkersRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListWorkersMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Tells a replica to stay passive, or to take part in elections again. An active one that is told to
     * stay passive hands its roles over.
     * Errors: `WORKER_NOT_FOUND`, `REQUEST_ID_REUSED`.
     * </pre>
     */
    public com.wms.orders.v1.SetWorkerModeResponse setWorkerMode(com.wms.orders.v1.SetWorkerModeRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getSetWorkerModeMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Asks the active worker to hand a role over: it stops claiming, finishes, releases the role, and
     * abstains until another replica has it.
     * Errors: `WORKER_NOT_FOUND`, `ROLE_NOT_FOUND`, `NO_ACTIVE_WORKER`, `REQUEST_ID_REUSED`.
     * </pre>
     */
    public com.wms.orders.v1.StepDownResponse stepDown(com.wms.orders.v1.StepDownRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getStepDownMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Stops new work for a warehouse or everywhere, at the next step of the cycle. Moves that were asked
     * for go on, and calls are served as before. Pausing what is paused replaces reason and expiry.
     * Errors: `WAREHOUSE_NOT_FOUND`, `REQUEST_ID_REUSED`.
     * </pre>
     */
    public com.wms.orders.v1.PauseFulfillmentResponse pauseFulfillment(com.wms.orders.v1.PauseFulfillmentRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getPauseFulfillmentMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Ends a pause. A warehouse stays paused while there is a pause everywhere. Resuming what is not paused
     * succeeds and changes nothing.
     * Errors: `WAREHOUSE_NOT_FOUND`, `REQUEST_ID_REUSED`.
     * </pre>
     */
    public com.wms.orders.v1.ResumeFulfillmentResponse resumeFulfillment(com.wms.orders.v1.ResumeFulfillmentRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getResumeFulfillmentMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Tells per warehouse what waits and why, and how fast orders were fulfilled in the last hour.
     * Errors: `WAREHOUSE_NOT_FOUND`.
     * </pre>
     */
    public com.wms.orders.v1.GetFulfillmentStatsResponse getFulfillmentStats(com.wms.orders.v1.GetFulfillmentStatsRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getGetFulfillmentStatsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists the events that the broker refused for a reason that trying again does not cure, oldest first.
     * A parked event holds up the later events of its own order, nothing else.
     * Errors: `INVALID_PAGE_TOKEN`.
     * </pre>
     */
    public com.wms.orders.v1.ListParkedEventsResponse listParkedEvents(com.wms.orders.v1.ListParkedEventsRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListParkedEventsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lets a parked event be published again, and after it those of its order that it held up.
     * Errors: `PARKED_EVENT_NOT_FOUND`, `REQUEST_ID_REUSED`.
     * </pre>
     */
    public com.wms.orders.v1.ReleaseParkedEventResponse releaseParkedEvent(com.wms.orders.v1.ReleaseParkedEventRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getReleaseParkedEventMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do ListenableFuture-style rpc calls to service FulfillmentService.
   * <pre>
   * Watches and steers the worker, which fulfils orders in cycles, in one active replica at a time.
   * </pre>
   */
  public static final class FulfillmentServiceFutureStub
      extends io.grpc.stub.AbstractFutureStub<FulfillmentServiceFutureStub> {
    private FulfillmentServiceFutureStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected FulfillmentServiceFutureStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new FulfillmentServiceFutureStub(channel, callOptions);
    }

    /**
     * <pre>
     * Asks the active worker for a cycle now. Answers at once with a run in `REQUESTED`; GetFulfillmentRun
     * tells how it went. Requests that come before the cycle starts may share it.
     * Errors: `NO_ACTIVE_WORKER`, `FULFILLMENT_PAUSED`, `WAREHOUSE_NOT_FOUND`, `REQUEST_ID_REUSED`.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<com.wms.orders.v1.StartFulfillmentResponse> startFulfillment(
        com.wms.orders.v1.StartFulfillmentRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getStartFulfillmentMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Reads one run.
     * Errors: `RUN_NOT_FOUND`.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<com.wms.orders.v1.GetFulfillmentRunResponse> getFulfillmentRun(
        com.wms.orders.v1.GetFulfillmentRunRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getGetFulfillmentRunMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Lists runs, newest first. Cycles that did nothing and were not asked for may be left out.
     * Errors: `INVALID_PAGE_TOKEN`.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<com.wms.orders.v1.ListFulfillmentRunsResponse> listFulfillmentRuns(
        com.wms.orders.v1.ListFulfillmentRunsRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getListFulfillmentRunsMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Lists every replica of the worker that reported lately, active or passive, by id.
     * Errors: `INVALID_PAGE_TOKEN`.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<com.wms.orders.v1.ListWorkersResponse> listWorkers(
        com.wms.orders.v1.ListWorkersRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getListWorkersMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Tells a replica to stay passive, or to take part in elections again. An active one that is told to
     * stay passive hands its roles over.
     * Errors: `WORKER_NOT_FOUND`, `REQUEST_ID_REUSED`.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<com.wms.orders.v1.SetWorkerModeResponse> setWorkerMode(
        com.wms.orders.v1.SetWorkerModeRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getSetWorkerModeMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Asks the active worker to hand a role over: it stops claiming, finishes, releases the role, and
     * abstains until another replica has it.
     * Errors: `WORKER_NOT_FOUND`, `ROLE_NOT_FOUND`, `NO_ACTIVE_WORKER`, `REQUEST_ID_REUSED`.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<com.wms.orders.v1.StepDownResponse> stepDown(
        com.wms.orders.v1.StepDownRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getStepDownMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Stops new work for a warehouse or everywhere, at the next step of the cycle. Moves that were asked
     * for go on, and calls are served as before. Pausing what is paused replaces reason and expiry.
     * Errors: `WAREHOUSE_NOT_FOUND`, `REQUEST_ID_REUSED`.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<com.wms.orders.v1.PauseFulfillmentResponse> pauseFulfillment(
        com.wms.orders.v1.PauseFulfillmentRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getPauseFulfillmentMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Ends a pause. A warehouse stays paused while there is a pause everywhere. Resuming what is not paused
     * succeeds and changes nothing.
     * Errors: `WAREHOUSE_NOT_FOUND`, `REQUEST_ID_REUSED`.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<com.wms.orders.v1.ResumeFulfillmentResponse> resumeFulfillment(
        com.wms.orders.v1.ResumeFulfillmentRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getResumeFulfillmentMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Tells per warehouse what waits and why, and how fast orders were fulfilled in the last hour.
     * Errors: `WAREHOUSE_NOT_FOUND`.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<com.wms.orders.v1.GetFulfillmentStatsResponse> getFulfillmentStats(
        com.wms.orders.v1.GetFulfillmentStatsRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getGetFulfillmentStatsMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Lists the events that the broker refused for a reason that trying again does not cure, oldest first.
     * A parked event holds up the later events of its own order, nothing else.
     * Errors: `INVALID_PAGE_TOKEN`.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<com.wms.orders.v1.ListParkedEventsResponse> listParkedEvents(
        com.wms.orders.v1.ListParkedEventsRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getListParkedEventsMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Lets a parked event be published again, and after it those of its order that it held up.
     * Errors: `PARKED_EVENT_NOT_FOUND`, `REQUEST_ID_REUSED`.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<com.wms.orders.v1.ReleaseParkedEventResponse> releaseParkedEvent(
        com.wms.orders.v1.ReleaseParkedEventRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getReleaseParkedEventMethod(), getCallOptions()), request);
    }
  }

  private static final int METHODID_START_FULFILLMENT = 0;
  private static final int METHODID_GET_FULFILLMENT_RUN = 1;
  private static final int METHODID_LIST_FULFILLMENT_RUNS = 2;
  private static final int METHODID_LIST_WORKERS = 3;
  private static final int METHODID_SET_WORKER_MODE = 4;
  private static final int METHODID_STEP_DOWN = 5;
  private static final int METHODID_PAUSE_FULFILLMENT = 6;
  private static final int METHODID_RESUME_FULFILLMENT = 7;
  private static final int METHODID_GET_FULFILLMENT_STATS = 8;
  private static final int METHODID_LIST_PARKED_EVENTS = 9;
  private static final int METHODID_RELEASE_PARKED_EVENT = 10;

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
        case METHODID_START_FULFILLMENT:
          serviceImpl.startFulfillment((com.wms.orders.v1.StartFulfillmentRequest) request,
              (io.grpc.stub.StreamObserver<com.wms.orders.v1.StartFulfillmentResponse>) responseObserver);
          break;
        case METHODID_GET_FULFILLMENT_RUN:
          serviceImpl.getFulfillmentRun((com.wms.orders.v1.GetFulfillmentRunRequest) request,
              (io.grpc.stub.StreamObserver<com.wms.orders.v1.GetFulfillmentRunResponse>) responseObserver);
          break;
        case METHODID_LIST_FULFILLMENT_RUNS:
          serviceImpl.listFulfillmentRuns((com.wms.orders.v1.ListFulfillmentRunsRequest) request,
              (io.grpc.stub.StreamObserver<com.wms.orders.v1.ListFulfillmentRunsResponse>) responseObserver);
          break;
        case METHODID_LIST_WORKERS:
          serviceImpl.listWorkers((com.wms.orders.v1.ListWorkersRequest) request,
              (io.grpc.stub.StreamObserver<com.wms.orders.v1.ListWorkersResponse>) responseObserver);
          break;
        case METHODID_SET_WORKER_MODE:
          serviceImpl.setWorkerMode((com.wms.orders.v1.SetWorkerModeRequest) request,
              (io.grpc.stub.StreamObserver<com.wms.orders.v1.SetWorkerModeResponse>) responseObserver);
          break;
        case METHODID_STEP_DOWN:
          serviceImpl.stepDown((com.wms.orders.v1.StepDownRequest) request,
              (io.grpc.stub.StreamObserver<com.wms.orders.v1.StepDownResponse>) responseObserver);
          break;
        case METHODID_PAUSE_FULFILLMENT:
          serviceImpl.pauseFulfillment((com.wms.orders.v1.PauseFulfillmentRequest) request,
              (io.grpc.stub.StreamObserver<com.wms.orders.v1.PauseFulfillmentResponse>) responseObserver);
          break;
        case METHODID_RESUME_FULFILLMENT:
          serviceImpl.resumeFulfillment((com.wms.orders.v1.ResumeFulfillmentRequest) request,
              (io.grpc.stub.StreamObserver<com.wms.orders.v1.ResumeFulfillmentResponse>) responseObserver);
          break;
        case METHODID_GET_FULFILLMENT_STATS:
          serviceImpl.getFulfillmentStats((com.wms.orders.v1.GetFulfillmentStatsRequest) request,
              (io.grpc.stub.StreamObserver<com.wms.orders.v1.GetFulfillmentStatsResponse>) responseObserver);
          break;
        case METHODID_LIST_PARKED_EVENTS:
          serviceImpl.listParkedEvents((com.wms.orders.v1.ListParkedEventsRequest) request,
              (io.grpc.stub.StreamObserver<com.wms.orders.v1.ListParkedEventsResponse>) responseObserver);
          break;
        case METHODID_RELEASE_PARKED_EVENT:
          serviceImpl.releaseParkedEvent((com.wms.orders.v1.ReleaseParkedEventRequest) request,
              (io.grpc.stub.StreamObserver<com.wms.orders.v1.ReleaseParkedEventResponse>) responseObserver);
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
          getStartFulfillmentMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              com.wms.orders.v1.StartFulfillmentRequest,
              com.wms.orders.v1.StartFulfillmentResponse>(
                service, METHODID_START_FULFILLMENT)))
        .addMethod(
          getGetFulfillmentRunMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              com.wms.orders.v1.GetFulfillmentRunRequest,
              com.wms.orders.v1.GetFulfillmentRunResponse>(
                service, METHODID_GET_FULFILLMENT_RUN)))
        .addMethod(
          getListFulfillmentRunsMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              com.wms.orders.v1.ListFulfillmentRunsRequest,
              com.wms.orders.v1.ListFulfillmentRunsResponse>(
                service, METHODID_LIST_FULFILLMENT_RUNS)))
        .addMethod(
          getListWorkersMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              com.wms.orders.v1.ListWorkersRequest,
              com.wms.orders.v1.ListWorkersResponse>(
                service, METHODID_LIST_WORKERS)))
        .addMethod(
          getSetWorkerModeMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              com.wms.orders.v1.SetWorkerModeRequest,
              com.wms.orders.v1.SetWorkerModeResponse>(
                service, METHODID_SET_WORKER_MODE)))
        .addMethod(
          getStepDownMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              com.wms.orders.v1.StepDownRequest,
              com.wms.orders.v1.StepDownResponse>(
                service, METHODID_STEP_DOWN)))
        .addMethod(
          getPauseFulfillmentMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              com.wms.orders.v1.PauseFulfillmentRequest,
              com.wms.orders.v1.PauseFulfillmentResponse>(
                service, METHODID_PAUSE_FULFILLMENT)))
        .addMethod(
          getResumeFulfillmentMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              com.wms.orders.v1.ResumeFulfillmentRequest,
              com.wms.orders.v1.ResumeFulfillmentResponse>(
                service, METHODID_RESUME_FULFILLMENT)))
        .addMethod(
          getGetFulfillmentStatsMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              com.wms.orders.v1.GetFulfillmentStatsRequest,
              com.wms.orders.v1.GetFulfillmentStatsResponse>(
                service, METHODID_GET_FULFILLMENT_STATS)))
        .addMethod(
          getListParkedEventsMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              com.wms.orders.v1.ListParkedEventsRequest,
              com.wms.orders.v1.ListParkedEventsResponse>(
                service, METHODID_LIST_PARKED_EVENTS)))
        .addMethod(
          getReleaseParkedEventMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              com.wms.orders.v1.ReleaseParkedEventRequest,
              com.wms.orders.v1.ReleaseParkedEventResponse>(
                service, METHODID_RELEASE_PARKED_EVENT)))
        .build();
  }

  private static abstract class FulfillmentServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoFileDescriptorSupplier, io.grpc.protobuf.ProtoServiceDescriptorSupplier {
    FulfillmentServiceBaseDescriptorSupplier() {}

    @java.lang.Override
    public com.google.protobuf.Descriptors.FileDescriptor getFileDescriptor() {
      return com.wms.orders.v1.Fulfillment.getDescriptor();
    }

    @java.lang.Override
    public com.google.protobuf.Descriptors.ServiceDescriptor getServiceDescriptor() {
      return getFileDescriptor().findServiceByName("FulfillmentService");
    }
  }

  private static final class FulfillmentServiceFileDescriptorSupplier
      extends FulfillmentServiceBaseDescriptorSupplier {
    FulfillmentServiceFileDescriptorSupplier() {}
  }

  private static final class FulfillmentServiceMethodDescriptorSupplier
      extends FulfillmentServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoMethodDescriptorSupplier {
    private final java.lang.String methodName;

    FulfillmentServiceMethodDescriptorSupplier(java.lang.String methodName) {
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
      synchronized (FulfillmentServiceGrpc.class) {
        result = serviceDescriptor;
        if (result == null) {
          serviceDescriptor = result = io.grpc.ServiceDescriptor.newBuilder(SERVICE_NAME)
              .setSchemaDescriptor(new FulfillmentServiceFileDescriptorSupplier())
              .addMethod(getStartFulfillmentMethod())
              .addMethod(getGetFulfillmentRunMethod())
              .addMethod(getListFulfillmentRunsMethod())
              .addMethod(getListWorkersMethod())
              .addMethod(getSetWorkerModeMethod())
              .addMethod(getStepDownMethod())
              .addMethod(getPauseFulfillmentMethod())
              .addMethod(getResumeFulfillmentMethod())
              .addMethod(getGetFulfillmentStatsMethod())
              .addMethod(getListParkedEventsMethod())
              .addMethod(getReleaseParkedEventMethod())
              .build();
        }
      }
    }
    return result;
  }
}
