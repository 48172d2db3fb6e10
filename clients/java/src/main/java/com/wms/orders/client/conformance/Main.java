package com.wms.orders.client.conformance;

import com.google.protobuf.ListValue;
import com.google.protobuf.Struct;
import com.google.protobuf.Value;
import com.google.protobuf.util.JsonFormat;
import com.wms.orders.client.OrdersClient;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Runs the cases that every client is held to (clients/conformance/README.md), a line of JSON for each. */
public final class Main {
    private Main() {}

    /** {@code --cases FILE --run ID NAME=HOST:PORT ...}; exits with 1 when a case failed. */
    public static void main(String[] arguments) throws IOException, InterruptedException {
        List<String> given = List.of(arguments);
        Struct.Builder file = Struct.newBuilder();
        JsonFormat.parser().merge(Files.readString(Path.of(option(given, "--cases"))), file);
        String run = option(given, "--run");
        Map<String, OrdersClient> clients = new HashMap<>();
        for (String server : given.subList(4, given.size())) {
            String[] parts = server.split("=", 2);
            clients.put(parts[0], OrdersClient.connect(parts[1]));
        }
        Struct fixtures = file.getFieldsOrThrow("fixtures").getStructValue();
        ListValue cases = file.getFieldsOrThrow("cases").getListValue();
        boolean all = true;
        for (int number = 0; number < cases.getValuesCount(); number++) {
            Struct written = cases.getValues(number).getStructValue();
            Map<String, String> known = new HashMap<>(Map.of(
                    "id", run + "-" + number,
                    "in_an_hour", Instant.now().plus(1, ChronoUnit.HOURS).toString(),
                    "four_mebibytes", "x".repeat(4 << 20)));
            Case one = new Case(written, fixtures, clients, known);
            if (one.possible()) {
                long began = System.nanoTime();
                String detail = one.run();
                long elapsed = (System.nanoTime() - began) / 1_000_000;
                all &= detail.isEmpty();
                System.out.println(line(one.name(), elapsed, detail));
            }
        }
        clients.values().forEach(OrdersClient::close);
        System.exit(all ? 0 : 1);
    }

    private static String option(List<String> given, String name) {
        return given.get(given.indexOf(name) + 1);
    }

    private static String line(String name, long elapsed, String detail) throws IOException {
        Struct line = Struct.newBuilder()
                .putFields("case", Value.newBuilder().setStringValue(name).build())
                .putFields("ok", Value.newBuilder().setBoolValue(detail.isEmpty()).build())
                .putFields("ms", Value.newBuilder().setNumberValue(elapsed).build())
                .putFields("detail", Value.newBuilder().setStringValue(detail).build())
                .build();
        return JsonFormat.printer().omittingInsignificantWhitespace().print(line);
    }
}
