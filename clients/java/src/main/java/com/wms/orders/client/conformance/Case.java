package com.wms.orders.client.conformance;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Struct;
import com.google.protobuf.Value;
import com.google.protobuf.util.JsonFormat;
import com.wms.orders.client.Failure;
import com.wms.orders.client.OrdersClient;
import com.wms.orders.v1.ErrorReason;
import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** One case, with what is known while it runs. */
final class Case {
    private static final Duration CASE_TIME = Duration.ofSeconds(60);
    private static final Duration UNTIL_TIME = Duration.ofSeconds(30);
    private static final Duration LOOK_TIME = Duration.ofMillis(100);

    private final Struct written;
    private final Struct fixtures;
    private final Map<String, OrdersClient> clients;
    private final Map<String, String> known;

    Case(Struct written, Struct fixtures, Map<String, OrdersClient> clients, Map<String, String> known) {
        this.written = written;
        this.fixtures = fixtures;
        this.clients = clients;
        this.known = known;
    }

    /** A case did not go as written. */
    static final class Mismatch extends Exception {
        private static final long serialVersionUID = 1;

        Mismatch(String what) {
            super(what);
        }
    }

    String name() {
        return written.getFieldsOrThrow("name").getStringValue();
    }

    /** Whether all its servers are given. */
    boolean possible() {
        return steps(written).stream().allMatch(step -> clients.containsKey(server(step.getStructValue())));
    }

    /** Run it; what went wrong, empty when nothing did. */
    String run() throws InterruptedException {
        // A case that hangs is one that fails.
        ExecutorService thread = Executors.newSingleThreadExecutor();
        try {
            Future<?> running = thread.submit(() -> {
                take(steps(written));
                return null;
            });
            running.get(CASE_TIME.toSeconds(), TimeUnit.SECONDS);
            return "";
        } catch (ExecutionException error) {
            String said = String.valueOf(error.getCause().getMessage());
            return said.substring(0, Math.min(500, said.length()));
        } catch (TimeoutException late) {
            return "ended after " + CASE_TIME.toSeconds() + " s";
        } finally {
            thread.shutdownNow();
        }
    }

    private void take(List<Value> steps) throws Exception {
        for (Value raw : steps) {
            Struct step = raw.getStructValue();
            if (step.containsFields("do")) {
                Json.fields(step, "with").forEach((name, value) -> known.put(name, Json.text(Json.filled(value, known))));
                take(steps(fixtures.getFieldsOrThrow(Json.string(step, "do")).getStructValue()));
                continue;
            }
            Instant ends = Instant.now().plus(step.containsFields("until") ? UNTIL_TIME : Duration.ZERO);
            while (true) {
                try {
                    step(Json.filled(raw, known).getStructValue());
                    break;
                } catch (Mismatch mismatch) {
                    if (!Instant.now().isBefore(ends)) {
                        String what = step.containsFields("call") ? Json.string(step, "call") : "watch";
                        throw new Mismatch(what + ": " + mismatch.getMessage());
                    }
                }
                Thread.sleep(LOOK_TIME.toMillis());
            }
        }
    }

    /** Make one call, or the pages or the watch of one, and compare. */
    private void step(Struct step) throws Mismatch, InterruptedException, InvalidProtocolBufferException {
        Value answer;
        try {
            answer = new Calls(clients.get(server(step)), step).answer();
        } catch (StatusRuntimeException error) {
            compare(step, Failure.of(error));
            return;
        }
        if (step.containsFields("error")) {
            throw new Mismatch("succeeded, instead of " + print(step.getFieldsOrThrow("error")));
        }
        for (Map.Entry<String, Value> expected : Json.fields(step, "expect").entrySet()) {
            String found = Json.text(Json.look(answer, expected.getKey()));
            String wanted = Json.text(expected.getValue());
            if (wanted.equals("*") ? found.isEmpty() : !found.equals(wanted)) {
                throw new Mismatch(expected.getKey() + " is '" + found + "', not '" + wanted + "'");
            }
        }
        Json.fields(step, "save")
                .forEach((name, path) -> known.put(name, Json.text(Json.look(answer, path.getStringValue()))));
    }

    private static void compare(Struct step, Failure failure) throws Mismatch {
        if (!step.containsFields("error")) {
            throw new Mismatch(failure.toString());
        }
        Struct expected = step.getFieldsOrThrow("error").getStructValue();
        if (!failure.code().name().equals(Json.string(expected, "code"))
                || !failure.reasonName().equals(Json.string(expected, "reason"))) {
            throw new Mismatch(failure + ", not " + print(step.getFieldsOrThrow("error")));
        }
        if ((failure.reason() == ErrorReason.ERROR_REASON_UNSPECIFIED) != failure.reasonName().isEmpty()) {
            throw new Mismatch(failure.reasonName() + " is no value of ErrorReason");
        }
        for (Map.Entry<String, Value> fact : Json.fields(expected, "metadata").entrySet()) {
            String found = failure.metadata().getOrDefault(fact.getKey(), "");
            String wanted = fact.getValue().getStringValue();
            if (wanted.equals("*") ? found.isEmpty() : !found.equals(wanted)) {
                throw new Mismatch("metadata " + fact.getKey() + " is '" + found + "', not '" + wanted + "'");
            }
        }
        if (expected.containsFields("fields")) {
            List<String> told = failure.violations().stream().map(Failure.Violation::field).sorted().toList();
            List<String> wanted = expected.getFieldsOrThrow("fields").getListValue().getValuesList().stream()
                    .map(Value::getStringValue)
                    .sorted()
                    .toList();
            if (!told.equals(wanted)) {
                throw new Mismatch("faults " + told + ", not " + wanted);
            }
        }
    }

    private String server(Struct step) {
        String own = Json.string(step, "server");
        String common = Json.string(written, "server");
        return !own.isEmpty() ? own : !common.isEmpty() ? common : "main";
    }

    private static List<Value> steps(Struct holder) {
        return holder.getFieldsOrThrow("steps").getListValue().getValuesList();
    }

    private static String print(Value value) {
        try {
            return JsonFormat.printer().omittingInsignificantWhitespace().print(value);
        } catch (InvalidProtocolBufferException impossible) {
            return value.toString();
        }
    }
}
