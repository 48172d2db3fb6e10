package com.wms.orders.client;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import com.wms.orders.v1.ErrorReason;
import io.grpc.Status;
import io.grpc.protobuf.StatusProto;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What the service says of a call that failed. Act on the reason, not on the text; error.proto says what to do about
 * each.
 *
 * @param reason ERROR_REASON_UNSPECIFIED when the service has told none: the call did not reach it, ended by the
 *     client's own deadline, or the reason is newer than this client ({@code reasonName} has it then)
 * @param violations the faults of a request
 * @param retryAfter when the service thinks another attempt worth while
 */
public record Failure(
        Status.Code code,
        String message,
        ErrorReason reason,
        String reasonName,
        Map<String, String> metadata,
        List<Violation> violations,
        Optional<Duration> retryAfter) {
    private static final String DOMAIN = "wms.orders";

    /** One fault of a request: the field by its path in the contract, such as {@code items[0].quantity}. */
    public record Violation(String field, String description) {}

    /** Read what a call has thrown, whatever it is. */
    public static Failure of(Throwable error) {
        com.google.rpc.Status status = StatusProto.fromThrowable(error);
        return status == null ? of(plain(Status.fromThrowable(error))) : of(status);
    }

    /** Read a status, such as that of an element of a batch. */
    public static Failure of(com.google.rpc.Status status) {
        Optional<ErrorInfo> info =
                detail(status, ErrorInfo.class).filter(one -> one.getDomain().equals(DOMAIN));
        String name = info.map(ErrorInfo::getReason).orElse("");
        return new Failure(
                Status.fromCodeValue(status.getCode()).getCode(),
                status.getMessage(),
                reason(name),
                name,
                info.map(ErrorInfo::getMetadataMap).orElse(Map.of()),
                detail(status, BadRequest.class).map(BadRequest::getFieldViolationsList).orElse(List.of()).stream()
                        .map(one -> new Violation(one.getField(), one.getDescription()))
                        .toList(),
                detail(status, RetryInfo.class)
                        .map(RetryInfo::getRetryDelay)
                        .map(one -> Duration.ofSeconds(one.getSeconds(), one.getNanos())));
    }

    @Override
    public String toString() {
        return code + (reasonName.isEmpty() ? "" : " " + reasonName) + ": " + message;
    }

    private static com.google.rpc.Status plain(Status status) {
        String message = status.getDescription() == null ? "" : status.getDescription();
        return com.google.rpc.Status.newBuilder()
                .setCode(status.getCode().value())
                .setMessage(message)
                .build();
    }

    private static ErrorReason reason(String name) {
        try {
            return ErrorReason.valueOf("ERROR_REASON_" + name);
        } catch (IllegalArgumentException newer) {
            return ErrorReason.ERROR_REASON_UNSPECIFIED;
        }
    }

    private static <T extends com.google.protobuf.Message> Optional<T> detail(
            com.google.rpc.Status status, Class<T> kind) {
        for (Any packed : status.getDetailsList()) {
            if (packed.is(kind)) {
                try {
                    return Optional.of(packed.unpack(kind));
                } catch (InvalidProtocolBufferException broken) {
                    return Optional.empty();
                }
            }
        }
        return Optional.empty();
    }
}
