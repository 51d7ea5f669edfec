package io.tallystick.common.json;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParseException;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.math.BigDecimal;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Strict JSON: duplicate keys, trailing data, NaN, comments, invalid UTF-8, a byte order mark, nesting beyond {@value
 * #DEPTH_MAX}, strings beyond {@value #STRING_CHARS_MAX} characters, numbers beyond {@value #NUMBER_CHARS_MAX} digits or with
 * an exponent that is no {@code int}, and strings that are no Unicode text (half a surrogate pair) or hold U+0000 are refused: such strings could be read,
 * but neither written again nor stored. Values are {@code Map<String, Object>} in order, {@code List<Object>}, {@code String}, {@code
 * Long}, {@code BigDecimal}, {@code Boolean} and {@code null}; callers read them through {@link Fields}.
 */
public final class Json {
    public static final int DEPTH_MAX = 16;
    public static final int STRING_CHARS_MAX = 64 * 1024;
    public static final int NUMBER_CHARS_MAX = 64;
    /** For envelopes only, whose payload is one string; the body's size is capped before. */
    private static final int LONG_STRING_CHARS_MAX = 2 * 1024 * 1024;

    private static final int NAME_CHARS_MAX = 256;

    private static final JsonFactory FACTORY = factory(STRING_CHARS_MAX);
    private static final JsonFactory LONG_STRINGS = factory(LONG_STRING_CHARS_MAX);

    private Json() {}

    private static JsonFactory factory(int stringCharsMax) {
        return JsonFactory.builder()
                .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                .streamReadConstraints(StreamReadConstraints.builder()
                        .maxNestingDepth(DEPTH_MAX)
                        .maxStringLength(stringCharsMax)
                        .maxNameLength(NAME_CHARS_MAX)
                        .maxNumberLength(NUMBER_CHARS_MAX)
                        .build())
                .build();
    }

    /** Reads one JSON value and nothing after it. Throws {@link Failure} {@code invalid-json} with the place. */
    public static @Nullable Object parse(byte[] utf8) {
        // Decoded first because jackson-core replaces some malformed sequences silently.
        return parse(decodeUtf8(utf8));
    }

    /** As {@link #parse(byte[])}, for text that is already decoded. */
    public static @Nullable Object parse(String text) {
        return parse(FACTORY, text);
    }

    private static @Nullable Object parse(JsonFactory factory, String text) {
        if (!text.isEmpty() && text.charAt(0) == '\uFEFF') {
            throw Failure.of(ErrorCode.INVALID_JSON, "a byte order mark is not allowed");
        }
        try (JsonParser p = factory.createParser(text)) {
            if (p.nextToken() == null) {
                throw Failure.of(ErrorCode.INVALID_JSON, "the body is empty");
            }
            Object value = read(p);
            if (p.nextToken() != null) {
                throw Failure.of(ErrorCode.INVALID_JSON, "there is data after the end of the JSON value");
            }
            return value;
        } catch (JsonProcessingException e) {
            String where = e.getLocation() == null
                    ? ""
                    : " at line " + e.getLocation().getLineNr() + ", column "
                            + e.getLocation().getColumnNr();
            throw Failure.of(ErrorCode.INVALID_JSON, firstLine(e.getOriginalMessage()) + where);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** As {@link #parse(byte[])}, refusing anything but an object. */
    public static Map<String, Object> parseObject(byte[] utf8) {
        return asObject(parse(utf8));
    }

    /** As {@link #parse(String)}, refusing anything but an object. */
    public static Map<String, Object> parseObject(String text) {
        return asObject(parse(text));
    }

    /** As {@link #parseObject(byte[])} for a signed envelope, whose payload may be a string of 2 Mi characters. */
    public static Map<String, Object> parseObjectWithLongStrings(byte[] utf8) {
        return asObject(parse(LONG_STRINGS, decodeUtf8(utf8)));
    }

    @SuppressWarnings("unchecked")
    private static Map<String, Object> asObject(@Nullable Object value) {
        if (!(value instanceof Map)) {
            throw Failure.of(ErrorCode.INVALID_JSON, "a JSON object is expected");
        }
        return (Map<String, Object>) value;
    }

    /** Writes the values {@link #parse(String)} makes, and anything else by its {@code toString()}, without spaces. */
    public static String write(@Nullable Object value) {
        return new String(writeBytes(value), StandardCharsets.UTF_8);
    }

    /** As {@link #write(Object)}, as UTF-8. */
    public static byte[] writeBytes(@Nullable Object value) {
        ByteArrayOutputStream out = new ByteArrayOutputStream(256);
        try (JsonGenerator g = FACTORY.createGenerator(out)) {
            write(g, value);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return out.toByteArray();
    }

    /** An ordered object from alternating names and values; a {@code null} value leaves its member out. */
    public static Map<String, Object> object(@Nullable Object... namesAndValues) {
        Map<String, Object> map = new LinkedHashMap<>();
        for (int i = 0; i < namesAndValues.length; i += 2) {
            Object value = namesAndValues[i + 1];
            if (value != null) {
                map.put(String.valueOf(namesAndValues[i]), value);
            }
        }
        return map;
    }

    private static @Nullable Object read(JsonParser p) throws IOException {
        switch (p.currentToken()) {
            case START_OBJECT -> {
                Map<String, @Nullable Object> map = new LinkedHashMap<>();
                while (p.nextToken() != JsonToken.END_OBJECT) {
                    String name = text(p.currentName());
                    p.nextToken();
                    map.put(name, read(p));
                }
                return map;
            }
            case START_ARRAY -> {
                List<@Nullable Object> list = new ArrayList<>();
                while (p.nextToken() != JsonToken.END_ARRAY) {
                    list.add(read(p));
                }
                return list;
            }
            case VALUE_STRING -> {
                return text(p.getText());
            }
            case VALUE_NUMBER_INT -> {
                return switch (p.getNumberType()) {
                    case INT, LONG -> (Object) p.getLongValue();
                    default -> new BigDecimal(p.getBigIntegerValue());
                };
            }
            case VALUE_NUMBER_FLOAT -> {
                return decimal(p);
            }
            case VALUE_TRUE -> {
                return Boolean.TRUE;
            }
            case VALUE_FALSE -> {
                return Boolean.FALSE;
            }
            case VALUE_NULL -> {
                return null;
            }
            default -> throw Failure.of(ErrorCode.INVALID_JSON, "the JSON value ends too early");
        }
    }

    /** Jackson takes exponents for numbers of any length, and then fails as nothing else of it does. */
    private static BigDecimal decimal(JsonParser p) throws IOException {
        try {
            return p.getDecimalValue();
        } catch (NumberFormatException | ArithmeticException e) {
            throw new JsonParseException(p, "a number's exponent must be between -2147483647 and 2147483647", e);
        }
    }

    private static void write(JsonGenerator g, @Nullable Object value) throws IOException {
        if (value == null) {
            g.writeNull();
        } else if (value instanceof Map<?, ?> map) {
            g.writeStartObject();
            for (Map.Entry<?, ?> e : map.entrySet()) {
                g.writeFieldName(String.valueOf(e.getKey()));
                write(g, e.getValue());
            }
            g.writeEndObject();
        } else if (value instanceof Collection<?> list) {
            g.writeStartArray();
            for (Object item : list) {
                write(g, item);
            }
            g.writeEndArray();
        } else if (value instanceof Boolean b) {
            g.writeBoolean(b);
        } else if (value instanceof Integer || value instanceof Long) {
            g.writeNumber(((Number) value).longValue());
        } else if (value instanceof BigDecimal d) {
            g.writeNumber(isShort(d) ? d.toPlainString() : d.toString());
        } else {
            g.writeString(value.toString());
        }
    }

    /** Whether the plain form is no longer than a number read could be: 1e999999999 is ten characters, or a gigabyte. */
    private static boolean isShort(BigDecimal d) {
        return Math.abs((long) d.scale()) <= NUMBER_CHARS_MAX;
    }

    private static String text(String s) {
        for (int i = 0; i < s.length(); i++) {
            char c = s.charAt(i);
            if (c == 0) {
                throw Failure.of(ErrorCode.INVALID_JSON, "a string holds the character U+0000");
            }
            if (Character.isSurrogate(c)) {
                boolean pair =
                        Character.isHighSurrogate(c) && i + 1 < s.length() && Character.isLowSurrogate(s.charAt(i + 1));
                if (!pair) {
                    throw Failure.of(ErrorCode.INVALID_JSON, "a string holds half a surrogate pair");
                }
                i++;
            }
        }
        return s;
    }

    private static String decodeUtf8(byte[] bytes) {
        try {
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .onMalformedInput(CodingErrorAction.REPORT)
                    .onUnmappableCharacter(CodingErrorAction.REPORT)
                    .decode(ByteBuffer.wrap(bytes))
                    .toString();
        } catch (CharacterCodingException e) {
            throw Failure.of(ErrorCode.INVALID_JSON, "the body is not valid UTF-8");
        }
    }

    private static String firstLine(String message) {
        int end = message.indexOf('\n');
        return end < 0 ? message : message.substring(0, end);
    }
}
