package io.tallystick.common.wire;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.jose.Jws;
import io.tallystick.common.jose.Typ;
import io.tallystick.common.json.Json;
import java.io.IOException;
import java.lang.reflect.Field;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** Whoever writes another agent believes docs/protocol.md, so what it says is what the code does. */
class ProtocolDocTest {
    private static final Pattern EXAMPLE =
            Pattern.compile("<!-- golden: ([a-z-]+) -->\n```json\n(.*?)\n```", Pattern.DOTALL);
    private static final Pattern CODE_ROW =
            Pattern.compile("^\\| `([a-z-]+)` \\| ([0-9]{3}) \\| ([^|]+) \\| [^|]+ \\|$", Pattern.MULTILINE);
    private static final Pattern LIMIT_ROW = Pattern.compile("^\\| `([A-Z_]+)` \\| ([0-9]+) \\|$", Pattern.MULTILINE);
    private static final Pattern TYP_ROW =
            Pattern.compile("^\\| `([a-z-]+\\+j[a-z]+)` \\| [^|]+ \\| ([^|]+) \\| [^|]*\\|$", Pattern.MULTILINE);

    private static String doc() throws IOException {
        return Files.readString(Path.of(System.getProperty("tallystick.root"), "docs", "protocol.md"));
    }

    private static List<MatchResult> rows(Pattern pattern) throws IOException {
        return pattern.matcher(doc()).results().toList();
    }

    @Test
    void every_example_is_a_golden_file_and_every_golden_file_an_example() throws IOException {
        Set<String> names = new TreeSet<>(Samples.envelopes().keySet());
        Samples.all().forEach(s -> names.add(s.name()));
        Set<String> shown = new TreeSet<>();
        for (MatchResult example : rows(EXAMPLE)) {
            byte[] json = example.group(2).getBytes(StandardCharsets.UTF_8);
            assertEquals(
                    new String(GoldenTest.golden(example.group(1)), StandardCharsets.UTF_8),
                    Json.write(Json.parseObjectWithLongStrings(json)),
                    example.group(1));
            assertTrue(shown.add(example.group(1)), () -> example.group(1) + " is shown twice");
        }
        assertEquals(names, shown);
    }

    @Test
    void the_table_of_error_codes_is_the_enum() throws IOException {
        List<String> told = new ArrayList<>();
        rows(CODE_ROW).forEach(r -> told.add(r.group(1) + " " + r.group(2) + " " + r.group(3)));
        List<String> are = new ArrayList<>();
        for (ErrorCode code : ErrorCode.values()) {
            are.add(code.wire() + " " + status(code.kind()) + " " + code.title());
        }
        assertEquals(String.join("\n", are), String.join("\n", told));
    }

    /** As the aggregator's {@code web.Problems}, which common cannot see. */
    private static int status(ErrorCode.Kind kind) {
        return switch (kind) {
            case INVALID -> 400;
            case UNAUTHENTICATED -> 401;
            case FORBIDDEN -> 403;
            case NOT_FOUND -> 404;
            case METHOD -> 405;
            case NOT_ACCEPTABLE -> 406;
            case CONFLICT -> 409;
            case TOO_LARGE -> 413;
            case UNSUPPORTED -> 415;
            case LIMITED -> 429;
            case INTERNAL -> 500;
            case UNAVAILABLE -> 503;
        };
    }

    @Test
    void the_table_of_limits_is_the_code() throws Exception {
        Map<String, String> told = new TreeMap<>();
        rows(LIMIT_ROW).forEach(r -> told.put(r.group(1), r.group(2)));
        Map<String, String> are = new TreeMap<>();
        for (Field field : Wire.class.getFields()) {
            if (field.getType() == int.class) {
                are.put(field.getName(), String.valueOf(field.getInt(null)));
            }
        }
        assertEquals(are, told);
    }

    @Test
    void the_table_of_headers_names_the_members_of_each_typ() throws IOException {
        Map<String, String> told = new TreeMap<>();
        rows(TYP_ROW).forEach(r -> told.put(r.group(1), r.group(2)));
        Map<String, String> are = new TreeMap<>();
        for (Typ typ : Typ.values()) {
            are.put(
                    typ.wire(),
                    switch (typ.signatory()) {
                        case OWN_KEY -> "`url`, `jwk`, `iat`";
                        case ENROLLMENT -> "`url`, `kid`, `iat`";
                        case ISSUER -> "`kid`";
                        case LOCAL -> "`jwk`";
                    });
        }
        assertEquals(are, told);
    }

    @Test
    void the_decoded_header_is_that_of_the_envelope_shown() throws IOException {
        Jws batch = Jws.parseFlattened(GoldenTest.golden("envelope-batch"), Typ.BATCH);
        String compact = batch.compact();
        byte[] header = io.tallystick.common.jose.Base64Url.decode(compact.substring(0, compact.indexOf('.')));
        MatchResult decoded = rows(Pattern.compile("envelope above, decoded:\n\n```json\n(.*?)\n```", Pattern.DOTALL))
                .get(0);
        assertEquals(new String(header, StandardCharsets.UTF_8), Json.write(Json.parseObject(decoded.group(1))));
    }

    @Test
    void paths_content_type_and_the_worked_id_are_those_of_the_code() throws IOException {
        String doc = doc();
        for (String text : List.of(
                "`POST " + Wire.ENROLLMENTS_PATH + "`",
                "`POST " + Wire.leasePath("{id}") + "`",
                "`POST " + Wire.batchesPath("{id}") + "`",
                "`POST " + Wire.resumePath("{id}") + "`",
                "`POST " + Wire.registrationsPath("{id}") + "`",
                "`" + Wire.JOSE_JSON + "`",
                "id       " + Samples.ENROLLMENT)) {
            assertTrue(doc.contains(text), text);
        }
    }
}
