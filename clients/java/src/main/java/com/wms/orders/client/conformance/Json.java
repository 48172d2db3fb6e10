package com.wms.orders.client.conformance;

import com.google.protobuf.ListValue;
import com.google.protobuf.Struct;
import com.google.protobuf.Value;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** JSON as protobuf's Value. */
final class Json {
    private static final Pattern NAME = Pattern.compile("\\$\\{(\\w+)}");
    private static final Value NOTHING = Value.getDefaultInstance();

    private Json() {}

    /** A text at a name; empty when there is none. */
    static String string(Struct struct, String name) {
        return struct.getFieldsOrDefault(name, NOTHING).getStringValue();
    }

    /** The fields of an object at a name; none when there is none. */
    static Map<String, Value> fields(Struct struct, String name) {
        return struct.getFieldsOrDefault(name, NOTHING).getStructValue().getFieldsMap();
    }

    /** What is at a path such as {@code orders.0.orderId}, {@code orders.#} for how many. */
    static Value look(Value value, String path) {
        for (String part : path.split("\\.")) {
            ListValue list = value.getListValue();
            if (part.equals("#")) {
                value = Value.newBuilder().setNumberValue(list.getValuesCount()).build();
            } else if (value.hasListValue()) {
                int number = Integer.parseInt(part);
                value = number < list.getValuesCount() ? list.getValues(number) : NOTHING;
            } else {
                value = value.getStructValue().getFieldsOrDefault(part, NOTHING);
            }
        }
        return value;
    }

    /** A scalar as text, whole numbers without a fraction. */
    static String text(Value value) {
        return switch (value.getKindCase()) {
            case STRING_VALUE -> value.getStringValue();
            case BOOL_VALUE -> String.valueOf(value.getBoolValue());
            case NUMBER_VALUE -> value.getNumberValue() == Math.rint(value.getNumberValue())
                    ? String.valueOf((long) value.getNumberValue())
                    : String.valueOf(value.getNumberValue());
            default -> "";
        };
    }

    /** The same with {@code ${names}} replaced. */
    static Value filled(Value value, Map<String, String> known) {
        switch (value.getKindCase()) {
            case STRING_VALUE:
                String text = NAME.matcher(value.getStringValue())
                        .replaceAll(found -> Matcher.quoteReplacement(known.getOrDefault(found.group(1), "")));
                return Value.newBuilder().setStringValue(text).build();
            case LIST_VALUE:
                ListValue.Builder list = ListValue.newBuilder();
                value.getListValue().getValuesList().forEach(one -> list.addValues(filled(one, known)));
                return Value.newBuilder().setListValue(list).build();
            case STRUCT_VALUE:
                Struct.Builder struct = Struct.newBuilder();
                value.getStructValue().getFieldsMap().forEach((name, one) -> struct.putFields(name, filled(one, known)));
                return Value.newBuilder().setStructValue(struct).build();
            default:
                return value;
        }
    }
}
