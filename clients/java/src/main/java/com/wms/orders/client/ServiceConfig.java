package com.wms.orders.client;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Struct;
import com.google.protobuf.Value;
import com.google.protobuf.util.JsonFormat;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ThreadLocalRandom;

/** What is tried again, and for how long: gRPC's service config, from the contract. */
public final class ServiceConfig {
    private static final String RESOURCE = "/wms/orders/v1/service_config.json";

    private ServiceConfig() {}

    /** The file as gRPC's channel builders take it. */
    public static Map<String, ?> asMap() {
        try (InputStream stream = ServiceConfig.class.getResourceAsStream(RESOURCE)) {
            return fields(parse(new String(stream.readAllBytes(), StandardCharsets.UTF_8)));
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        }
    }

    /** The waits of the calls that are tried again. */
    record Backoff(double initial, double longest, double multiplier) {
        /** The wait before another attempt, spread a little; the first to wait is number 1. */
        Duration before(int attempt) {
            double seconds = Math.min(longest, initial * Math.pow(multiplier, attempt - 1));
            double spread = ThreadLocalRandom.current().nextDouble(0.8, 1.2);
            return Duration.ofNanos((long) (seconds * spread * 1e9));
        }
    }

    static Backoff backoff() {
        Map<?, ?> group = (Map<?, ?>) ((List<?>) asMap().get("methodConfig")).get(0);
        Map<?, ?> policy = (Map<?, ?>) group.get("retryPolicy");
        return new Backoff(
                seconds(policy.get("initialBackoff")),
                seconds(policy.get("maxBackoff")),
                (Double) policy.get("backoffMultiplier"));
    }

    private static double seconds(Object text) {
        String told = (String) text;
        return Double.parseDouble(told.substring(0, told.length() - 1));
    }

    private static Struct parse(String json) throws InvalidProtocolBufferException {
        Struct.Builder builder = Struct.newBuilder();
        JsonFormat.parser().merge(json, builder);
        return builder.build();
    }

    private static Map<String, ?> fields(Struct struct) {
        Map<String, Object> map = new LinkedHashMap<>();
        struct.getFieldsMap().forEach((name, value) -> map.put(name, plain(value)));
        return map;
    }

    private static Object plain(Value value) {
        return switch (value.getKindCase()) {
            case STRUCT_VALUE -> fields(value.getStructValue());
            case LIST_VALUE -> {
                List<Object> all = new ArrayList<>();
                value.getListValue().getValuesList().forEach(one -> all.add(plain(one)));
                yield all;
            }
            case NUMBER_VALUE -> value.getNumberValue();
            case BOOL_VALUE -> value.getBoolValue();
            default -> value.getStringValue();
        };
    }
}
