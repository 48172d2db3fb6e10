package com.wms.orders.client;

import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Message;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.ForwardingClientCall.SimpleForwardingClientCall;
import io.grpc.MethodDescriptor;
import io.grpc.MethodDescriptor.MethodType;
import java.util.UUID;

/**
 * Gives a request an id where it has a field for one that is empty. Stands above gRPC's own retries, so that all
 * attempts of a call carry the same id.
 */
final class RequestIds implements ClientInterceptor {
    @Override
    public <Q, A> ClientCall<Q, A> interceptCall(MethodDescriptor<Q, A> method, CallOptions options, Channel next) {
        ClientCall<Q, A> call = next.newCall(method, options);
        if (method.getType() != MethodType.UNARY) {
            return call;
        }
        return new SimpleForwardingClientCall<>(call) {
            @Override
            public void sendMessage(Q message) {
                super.sendMessage(withId(message));
            }
        };
    }

    @SuppressWarnings("unchecked") // a message's builder builds a message of its kind
    private static <Q> Q withId(Q request) {
        if (!(request instanceof Message message)) {
            return request;
        }
        FieldDescriptor field = message.getDescriptorForType().findFieldByName("request_id");
        if (field == null || !message.getField(field).equals("")) {
            return request;
        }
        return (Q) message.toBuilder().setField(field, UUID.randomUUID().toString()).build();
    }
}
