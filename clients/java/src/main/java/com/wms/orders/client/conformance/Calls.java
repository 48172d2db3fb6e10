package com.wms.orders.client.conformance;

import com.google.protobuf.BytesValue;
import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.FileDescriptor;
import com.google.protobuf.Descriptors.ServiceDescriptor;
import com.google.protobuf.DynamicMessage;
import com.google.protobuf.Empty;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.ListValue;
import com.google.protobuf.Message;
import com.google.protobuf.Struct;
import com.google.protobuf.Value;
import com.google.protobuf.util.JsonFormat;
import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import com.wms.orders.client.OrderWatch;
import com.wms.orders.client.OrdersClient;
import com.wms.orders.v1.DeadLetters;
import com.wms.orders.v1.Fulfillment;
import com.wms.orders.v1.Orders;
import com.wms.orders.v1.Reprocessing;
import com.wms.orders.v1.Storage;
import com.wms.orders.v1.WatchOrdersRequest;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientInterceptors;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.MethodDescriptor.MethodType;
import io.grpc.protobuf.ProtoUtils;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.MetadataUtils;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** The call of one step, by its name. */
final class Calls {
    private static final List<FileDescriptor> FILES = List.of(
            Orders.getDescriptor(),
            Reprocessing.getDescriptor(),
            DeadLetters.getDescriptor(),
            Storage.getDescriptor(),
            Fulfillment.getDescriptor());
    private static final JsonFormat.TypeRegistry DETAILS = JsonFormat.TypeRegistry.newBuilder()
            .add(List.of(ErrorInfo.getDescriptor(), BadRequest.getDescriptor(), RetryInfo.getDescriptor()))
            .build();
    private static final Metadata.Key<String> CORRELATION =
            Metadata.Key.of("x-wms-correlation-id", Metadata.ASCII_STRING_MARSHALLER);

    private final Channel channel;
    private final Struct step;

    Calls(OrdersClient client, Struct step) {
        this.step = step;
        Metadata headers = new Metadata();
        if (step.containsFields("correlation")) {
            headers.put(CORRELATION, Json.string(step, "correlation"));
        }
        channel = ClientInterceptors.intercept(client.channel(), MetadataUtils.newAttachHeadersInterceptor(headers));
    }

    /** What the step brings, as JSON; a StatusRuntimeException when it fails. */
    Value answer() throws Case.Mismatch, InterruptedException, InvalidProtocolBufferException {
        if (step.containsFields("watch")) {
            return watched();
        }
        Value request = step.getFieldsOrThrow("request");
        return step.containsFields("pages") ? paged(request.getStructValue()) : called(request);
    }

    /** Make the call; of a stream take the first message. */
    private Value called(Value content) throws InvalidProtocolBufferException {
        String[] name = Json.string(step, "call").split("\\.", 2);
        ServiceDescriptor service = FILES.stream()
                .map(file -> file.findServiceByName(name[0]))
                .filter(found -> found != null)
                .findFirst()
                .orElseThrow();
        var method = service.findMethodByName(name[1]);
        Descriptor input = method == null ? Empty.getDescriptor() : method.getInputType();
        Descriptor output = method == null ? Empty.getDescriptor() : method.getOutputType();
        if (Json.string(step, "as").equals(BytesValue.getDescriptor().getFullName())) {
            input = BytesValue.getDescriptor();
        }
        boolean streams = method != null && method.isServerStreaming();
        MethodDescriptor<Message, Message> described = MethodDescriptor.<Message, Message>newBuilder()
                .setType(streams ? MethodType.SERVER_STREAMING : MethodType.UNARY)
                .setFullMethodName(MethodDescriptor.generateFullMethodName(service.getFullName(), name[1]))
                .setRequestMarshaller(ProtoUtils.marshaller(DynamicMessage.getDefaultInstance(input)))
                .setResponseMarshaller(ProtoUtils.marshaller(DynamicMessage.getDefaultInstance(output)))
                .build();
        Message.Builder request = DynamicMessage.newBuilder(input);
        JsonFormat.parser().merge(JsonFormat.printer().print(content), request);
        CallOptions options = CallOptions.DEFAULT;
        if (step.containsFields("timeout")) {
            double seconds = step.getFieldsOrThrow("timeout").getNumberValue();
            options = options.withDeadlineAfter((long) (seconds * 1000), TimeUnit.MILLISECONDS);
        }
        return json(streams
                ? ClientCalls.blockingServerStreamingCall(channel, described, options, request.build()).next()
                : ClientCalls.blockingUnaryCall(channel, described, options, request.build()));
    }

    /** Follow the page tokens to the end; everything must come once. */
    private Value paged(Struct request) throws Case.Mismatch, InvalidProtocolBufferException {
        Struct wanted = step.getFieldsOrThrow("pages").getStructValue();
        Struct.Builder content = request.toBuilder();
        List<String> found = new ArrayList<>();
        int pages = 0;
        String token;
        do {
            Value answer = called(Value.newBuilder().setStructValue(content).build());
            for (Value one : Json.look(answer, Json.string(wanted, "of")).getListValue().getValuesList()) {
                found.add(Json.text(Json.look(one, Json.string(wanted, "id"))));
            }
            token = Json.text(Json.look(answer, "nextPageToken"));
            content.putFields("pageToken", Value.newBuilder().setStringValue(token).build());
            pages++;
        } while (!token.isEmpty());
        int count = (int) wanted.getFieldsOrThrow("count").getNumberValue();
        int different = new HashSet<>(found).size();
        if (found.size() != count
                || different != count
                || pages != (int) wanted.getFieldsOrThrow("pages").getNumberValue()) {
            throw new Case.Mismatch(found.size() + " on " + pages + " pages, " + different + " different");
        }
        return Value.getDefaultInstance();
    }

    /** The first events of a watch. */
    private Value watched() throws InterruptedException, InvalidProtocolBufferException {
        WatchOrdersRequest.Builder request = WatchOrdersRequest.newBuilder();
        JsonFormat.parser().merge(JsonFormat.printer().print(step.getFieldsOrThrow("watch")), request);
        List<Message> events = new ArrayList<>();
        int take = (int) step.getFieldsOrThrow("take").getNumberValue();
        new OrderWatch(channel).watch(request.build(), event -> {
            events.add(event);
            return events.size() < take;
        });
        ListValue.Builder list = ListValue.newBuilder();
        for (Message event : events) {
            list.addValues(json(event));
        }
        Struct answer = Struct.newBuilder()
                .putFields("events", Value.newBuilder().setListValue(list).build())
                .build();
        return Value.newBuilder().setStructValue(answer).build();
    }

    private static Value json(Message message) throws InvalidProtocolBufferException {
        Value.Builder value = Value.newBuilder();
        JsonFormat.parser()
                .merge(JsonFormat.printer().usingTypeRegistry(DETAILS).print(message), value);
        return value.build();
    }
}
