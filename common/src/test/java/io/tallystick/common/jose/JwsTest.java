package io.tallystick.common.jose;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.tallystick.common.model.Hash;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Every rule of docs/protocol.md on the envelope. The headers are written as text, as an attacker writes them. */
class JwsTest {
    private static final String X = TestKeys.AGENT_X;
    private static final String JWK = "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"" + X + "\"}";
    private static final Instant IAT = Instant.parse("2026-11-21T20:00:00Z");
    private static final String COMMON = "\"url\":\"https://tally.example/v1/enrollments\",\"iat\":1795291200";
    private static final String ENROLL = "\"alg\":\"EdDSA\",\"typ\":\"enroll+jws\"," + COMMON + ",\"jwk\":" + JWK;
    private static final String BATCH = "\"alg\":\"EdDSA\",\"typ\":\"batch+jws\"," + COMMON + ",\"kid\":\"enr-1\"";
    private static final byte[] PAYLOAD = utf8("{\"a\":1}");

    private static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static String b64(String text) {
        return Base64Url.encode(utf8(text));
    }

    /** Genuinely signed by the agent's key, whatever the header says. */
    private static String compact(String headerMembers, byte[] payload) {
        String input = b64("{" + headerMembers + "}") + "." + Base64Url.encode(payload);
        return input + "." + Base64Url.encode(TestKeys.AGENT.sign(input.getBytes(StandardCharsets.US_ASCII)));
    }

    private static byte[] flattened(String compact) {
        String[] parts = compact.split("\\.", -1);
        return utf8("{\"protected\":\"" + parts[0] + "\",\"payload\":\"" + parts[1] + "\",\"signature\":\"" + parts[2]
                + "\"}");
    }

    private static List<String> refused(String compact, Typ typ, ErrorCode code) {
        Failure a = assertThrows(Failure.class, () -> Jws.parseCompact(compact, typ));
        Failure b = assertThrows(Failure.class, () -> Jws.parseFlattened(flattened(compact), typ));
        assertEquals(code, a.code());
        assertEquals(a.getMessage(), b.getMessage());
        return a.problems().stream().map(Failure.Problem::toString).collect(Collectors.toList());
    }

    private static List<String> refusedHeader(String members, Typ typ) {
        return refused(compact(members, PAYLOAD), typ, ErrorCode.INVALID_JWS);
    }

    private static Jws.Header header(Typ typ) {
        return switch (typ.signatory()) {
            case OWN_KEY -> Jws.Header.ownKey(typ, "https://tally.example/x", TestKeys.AGENT_KEY, IAT);
            case ENROLLMENT -> Jws.Header.enrollment(typ, "https://tally.example/x", "enr-1", IAT);
            case ISSUER -> Jws.Header.issuer(typ, "key-1");
            case LOCAL -> Jws.Header.local(typ, TestKeys.AGENT_KEY);
        };
    }

    @ParameterizedTest
    @EnumSource(Typ.class)
    void what_is_signed_is_read_back_in_both_forms_and_verifies(Typ typ) {
        Jws signed = Jws.sign(header(typ), PAYLOAD, TestKeys.AGENT);
        for (Jws read : List.of(Jws.parseFlattened(signed.flattened(), typ), Jws.parseCompact(signed.compact(), typ))) {
            assertEquals(header(typ), read.header());
            assertArrayEquals(PAYLOAD, read.payload());
            assertEquals(signed.hash(), read.hash());
            assertEquals(signed.compact(), read.compact());
            assertArrayEquals(signed.flattened(), read.flattened());
            assertSame(read, read.verified(TestKeys.AGENT_KEY, Ed25519.JDK));
            Failure other = assertThrows(Failure.class, () -> read.verified(TestKeys.ISSUER_KEY, Ed25519.JDK));
            assertEquals(ErrorCode.INVALID_SIGNATURE, other.code());
        }
    }

    /** An envelope made for one purpose must never serve another, even where the headers look alike. */
    @ParameterizedTest
    @EnumSource(Typ.class)
    void a_typ_is_accepted_in_its_own_place_only(Typ made) {
        Jws signed = Jws.sign(header(made), PAYLOAD, TestKeys.AGENT);
        for (Typ place : Typ.values()) {
            if (place != made) {
                List<String> problems = refused(signed.compact(), place, ErrorCode.INVALID_JWS);
                assertTrue(
                        problems.contains("typ: must be " + place.wire() + " here"), made + " at " + place + problems);
            }
        }
    }

    @Test
    void the_headers_of_these_tests_are_right_but_for_what_each_test_changes() {
        assertEquals(
                Jws.Header.ownKey(Typ.ENROLL, "https://tally.example/v1/enrollments", TestKeys.AGENT_KEY, IAT),
                Jws.parseCompact(compact(ENROLL, PAYLOAD), Typ.ENROLL).header());
        assertEquals(
                Jws.Header.enrollment(Typ.BATCH, "https://tally.example/v1/enrollments", "enr-1", IAT),
                Jws.parseCompact(compact(BATCH, PAYLOAD), Typ.BATCH).header());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "none", "None", "HS256", "HS512", "RS256", "PS256", "ES256", "ES256K", "Ed25519", "Ed448", "eddsa",
                "EDDSA"
            })
    void no_other_algorithm_is_accepted(String alg) {
        assertEquals(List.of("alg: must be EdDSA"), refusedHeader(BATCH.replace("EdDSA", alg), Typ.BATCH));
    }

    @Test
    void alg_none_without_a_signature_is_refused() {
        String unsigned = b64("{" + BATCH.replace("EdDSA", "none") + "}") + "." + Base64Url.encode(PAYLOAD) + ".";
        Failure failure = assertThrows(Failure.class, () -> Jws.parseCompact(unsigned, Typ.BATCH));
        assertEquals(ErrorCode.INVALID_JWS, failure.code());
        String empty = b64("{" + BATCH + "}") + "." + Base64Url.encode(PAYLOAD) + ".";
        assertEquals(
                "signature: must be 64 bytes in canonical form",
                assertThrows(Failure.class, () -> Jws.parseCompact(empty, Typ.BATCH))
                        .detail());
    }

    @Test
    void jwk_and_kid_are_never_both_there() {
        assertEquals(List.of("kid: is not a known field"), refusedHeader(ENROLL + ",\"kid\":\"enr-1\"", Typ.ENROLL));
        assertEquals(List.of("jwk: is not a known field"), refusedHeader(BATCH + ",\"jwk\":" + JWK, Typ.BATCH));
        assertEquals(
                List.of("jwk: is missing", "kid: is not a known field"),
                refusedHeader(BATCH.replace("batch+jws", "enroll+jws"), Typ.ENROLL));
        assertEquals(
                List.of("kid: is missing", "jwk: is not a known field"),
                refusedHeader(ENROLL.replace("enroll+jws", "batch+jws"), Typ.BATCH));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "\"crit\":[\"b64\"]",
                "\"crit\":[]",
                "\"b64\":false",
                "\"b64\":true",
                "\"x5c\":[\"MIIB\"]",
                "\"x5u\":\"https://evil.example\"",
                "\"jku\":\"https://evil.example/keys\"",
                "\"x5t\":\"AAAA\"",
                "\"x5t#S256\":\"AAAA\"",
                "\"cty\":\"json\"",
                "\"zip\":\"DEF\"",
                "\"nonce\":\"1\"",
                "\"exp\":1",
                "\"enc\":\"A128GCM\"",
                "\"Alg\":\"none\"",
                "\"\":1",
                "\"unheard\":null"
            })
    void no_other_header_member_is_accepted(String member) {
        String name = member.substring(1, member.indexOf('"', 1));
        List<String> expected = List.of((name.isEmpty() ? "" : name + ": ") + "is not a known field");
        assertEquals(expected, refusedHeader(BATCH + "," + member, Typ.BATCH));
        assertEquals(expected, refusedHeader(ENROLL + "," + member, Typ.ENROLL));
        assertEquals(
                expected, refusedHeader("\"alg\":\"EdDSA\",\"typ\":\"lease+jwt\",\"kid\":\"k\"," + member, Typ.LEASE));
    }

    @Test
    void members_of_requests_are_refused_in_answers_and_nonce_proofs() {
        assertEquals(
                List.of("url: is not a known field", "iat: is not a known field"),
                refusedHeader("\"alg\":\"EdDSA\",\"typ\":\"receipt+jws\",\"kid\":\"k\"," + COMMON, Typ.RECEIPT));
        assertEquals(
                List.of("kid: is not a known field"),
                refusedHeader("\"alg\":\"EdDSA\",\"typ\":\"nonce+jws\",\"kid\":\"k\",\"jwk\":" + JWK, Typ.NONCE));
    }

    @Test
    void every_missing_header_member_is_named_at_once() {
        assertEquals(
                List.of("alg: is missing", "typ: is missing", "url: is missing", "kid: is missing", "iat: is missing"),
                refusedHeader("", Typ.BATCH));
        assertEquals(
                List.of("alg: is missing", "typ: is missing", "url: is missing", "jwk: is missing", "iat: is missing"),
                refusedHeader("", Typ.ENROLL));
        assertEquals(List.of("alg: is missing", "typ: is missing", "kid: is missing"), refusedHeader("", Typ.LEASE));
        assertEquals(List.of("alg: is missing", "typ: is missing", "jwk: is missing"), refusedHeader("", Typ.NONCE));
    }

    @Test
    void a_header_member_of_another_type_is_named() {
        for (String bad : List.of("\"1795291200\"", "1795291200.0", "1.7952912e9", "true", "[1]", "{}")) {
            assertEquals(
                    List.of("iat: must be a whole number"), refusedHeader(BATCH.replace("1795291200", bad), Typ.BATCH));
        }
        for (String bad : List.of("-1", "253402300800", "9223372036854775807")) {
            assertEquals(
                    List.of("iat: must be from 0 to 253402300799, is " + bad),
                    refusedHeader(BATCH.replace("1795291200", bad), Typ.BATCH));
        }
        assertEquals(List.of("kid: must be a string"), refusedHeader(BATCH.replace("\"enr-1\"", "1"), Typ.BATCH));
        assertEquals(
                List.of("kid: must have 1 to 64 characters, has 65"),
                refusedHeader(BATCH.replace("enr-1", "k".repeat(65)), Typ.BATCH));
        assertEquals(
                List.of("url: must have 1 to 2048 characters, has 2049"),
                refusedHeader(BATCH.replace("https://tally.example/v1/enrollments", "u".repeat(2049)), Typ.BATCH));
        assertEquals(
                List.of("jwk: must be an object"), refusedHeader(ENROLL.replace(JWK, "\"" + X + "\""), Typ.ENROLL));
    }

    @Test
    void a_private_key_or_a_weak_one_in_the_header_is_refused() {
        assertEquals(
                List.of("jwk.d: is not a known field"),
                refusedHeader(ENROLL.replace("\"kty\"", "\"d\":\"AAAA\",\"kty\""), Typ.ENROLL));
        String lowOrder = Base64Url.encode(Edwards25519.encode(BigInteger.ONE, false));
        assertEquals(
                List.of("jwk.x: must be a canonical Ed25519 public key that is not of low order"),
                refusedHeader(ENROLL.replace(X, lowOrder), Typ.ENROLL));
    }

    @Test
    void duplicate_members_of_the_header_are_refused() {
        refused(compact(BATCH + ",\"alg\":\"EdDSA\"", PAYLOAD), Typ.BATCH, ErrorCode.INVALID_JSON);
        refused(compact(BATCH + ",\"\\u006bid\":\"enr-2\"", PAYLOAD), Typ.BATCH, ErrorCode.INVALID_JSON);
        refused(
                compact(ENROLL.replace("\"x\":", "\"x\":\"AAAA\",\"x\":"), PAYLOAD),
                Typ.ENROLL,
                ErrorCode.INVALID_JSON);
    }

    @Test
    void a_header_that_is_no_object_is_refused() {
        for (String header : List.of("[]", "null", "\"x\"", "1", "{} {}", "", "{", "\uFEFF{}")) {
            String input = b64(header) + "." + Base64Url.encode(PAYLOAD);
            String signed = input + "." + Base64Url.encode(TestKeys.AGENT.sign(utf8(input)));
            assertThrows(Failure.class, () -> Jws.parseCompact(signed, Typ.BATCH), header);
        }
    }

    @Test
    void the_compact_form_has_three_parts() {
        String good = compact(BATCH, PAYLOAD);
        for (String bad : List.of(
                good.substring(0, good.lastIndexOf('.')),
                good + ".",
                good + ".AAAA",
                "." + good,
                "",
                ".",
                "..",
                "...",
                "x")) {
            Failure failure = assertThrows(Failure.class, () -> Jws.parseCompact(bad, Typ.BATCH), bad);
            assertTrue(
                    failure.code() == ErrorCode.INVALID_JWS || failure.code() == ErrorCode.INVALID_JSON,
                    failure.getMessage());
        }
        Failure two = assertThrows(Failure.class, () -> Jws.parseCompact("a.b", Typ.BATCH));
        assertEquals("the compact form has three parts, this has 2", two.detail());
        Failure four = assertThrows(Failure.class, () -> Jws.parseCompact("a.b.c.d", Typ.BATCH));
        assertEquals("the compact form has three parts, this has 4", four.detail());
    }

    @Test
    void the_flattened_form_has_exactly_three_members() {
        String good = new String(flattened(compact(BATCH, PAYLOAD)), StandardCharsets.UTF_8);
        String open = good.substring(0, good.length() - 1);
        assertEquals(
                Typ.BATCH, Jws.parseFlattened(utf8(good), Typ.BATCH).header().typ());
        List<String> bad = new ArrayList<>(List.of(
                open + ",\"header\":{\"kid\":\"enr-2\"}}",
                open + ",\"header\":{}}",
                open + ",\"header\":null}",
                open + ",\"signatures\":[]}",
                open + ",\"extra\":1}",
                "{\"payload\":\"e30\",\"signatures\":[" + good + "]}"));
        for (String member : List.of("protected", "payload", "signature")) {
            bad.add(good.replace("\"" + member + "\":\"", "\"" + member + "2\":\""));
            bad.add(good.replaceAll("\"" + member + "\":\"[^\"]*\"", "\"" + member + "\":\"\""));
            bad.add(good.replaceAll("\"" + member + "\":\"[^\"]*\"", "\"" + member + "\":null"));
            bad.add(good.replaceAll("\"" + member + "\":\"[^\"]*\"", "\"" + member + "\":{}"));
        }
        for (String body : bad) {
            Failure failure = assertThrows(Failure.class, () -> Jws.parseFlattened(utf8(body), Typ.BATCH), body);
            assertEquals(ErrorCode.INVALID_JWS, failure.code(), body);
        }
        for (String body : List.of(
                open + ",\"payload\":\"e30\"}",
                good + " x",
                "[" + good + "]",
                compact(BATCH, PAYLOAD),
                "",
                "\uFEFF" + good)) {
            Failure failure = assertThrows(Failure.class, () -> Jws.parseFlattened(utf8(body), Typ.BATCH), body);
            assertEquals(ErrorCode.INVALID_JSON, failure.code(), body);
        }
    }

    @Test
    void no_part_has_a_second_spelling() {
        String[] parts = compact(BATCH, utf8("{\"a\":12}")).split("\\.", -1);
        for (int i = 0; i < 3; i++) {
            for (String suffix : List.of("=", "==", "\n", " ", "\r\n", "+", "é")) {
                String[] spelt = parts.clone();
                spelt[i] += suffix;
                Failure failure =
                        assertThrows(Failure.class, () -> Jws.parseCompact(String.join(".", spelt), Typ.BATCH));
                assertEquals(ErrorCode.INVALID_JWS, failure.code());
            }
        }
        // 64 bytes leave four spare bits in the last character of the signature.
        String signature = parts[2];
        char last = signature.charAt(signature.length() - 1);
        for (char spare = 1; spare < 16; spare++) {
            String alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
            char other = alphabet.charAt(alphabet.indexOf(last) + spare);
            String spelt = parts[0] + "." + parts[1] + "." + signature.substring(0, signature.length() - 1) + other;
            Failure failure = assertThrows(Failure.class, () -> Jws.parseCompact(spelt, Typ.BATCH));
            assertEquals("signature: is not canonical base64url without padding", failure.detail());
        }
    }

    @Test
    void a_signature_with_s_plus_l_is_refused_before_any_library_sees_it() {
        String good = compact(BATCH, PAYLOAD);
        String[] parts = good.split("\\.", -1);
        byte[] signature = Base64Url.decode(parts[2]);
        BigInteger s = BigInteger.ZERO;
        for (int i = 63; i >= 32; i--) {
            s = s.shiftLeft(8).or(BigInteger.valueOf(signature[i] & 0xff));
        }
        BigInteger forged = s.add(Edwards25519.L);
        for (int i = 0; i < 32; i++) {
            signature[32 + i] = forged.shiftRight(8 * i).byteValue();
        }
        refused(parts[0] + "." + parts[1] + "." + Base64Url.encode(signature), Typ.BATCH, ErrorCode.INVALID_JWS);
    }

    @Test
    void header_and_payload_cannot_be_exchanged_between_envelopes() {
        String[] a = compact(BATCH, utf8("{\"a\":1}")).split("\\.", -1);
        String[] b = compact(BATCH.replace("enr-1", "enr-2"), utf8("{\"a\":2}")).split("\\.", -1);
        for (String mixed : List.of(
                a[0] + "." + a[1] + "." + b[2], a[0] + "." + b[1] + "." + a[2], b[0] + "." + a[1] + "." + a[2])) {
            Jws jws = Jws.parseCompact(mixed, Typ.BATCH);
            Failure failure = assertThrows(Failure.class, () -> jws.verified(TestKeys.AGENT_KEY, Ed25519.JDK));
            assertEquals(ErrorCode.INVALID_SIGNATURE, failure.code());
        }
    }

    @Test
    void the_hash_is_that_of_the_signing_input() {
        String compact = compact(BATCH, PAYLOAD);
        Hash expected = Hash.of(compact.substring(0, compact.lastIndexOf('.')).getBytes(StandardCharsets.US_ASCII));
        assertEquals(expected, Jws.parseCompact(compact, Typ.BATCH).hash());
    }

    @Test
    void a_request_is_fresh_within_five_minutes_either_way_and_not_a_nanosecond_longer() {
        Jws jws = Jws.parseCompact(compact(ENROLL, PAYLOAD), Typ.ENROLL);
        Duration five = Duration.ofMinutes(5);
        for (Instant now : List.of(IAT, IAT.plus(five), IAT.minus(five))) {
            assertSame(jws, jws.fresh(now));
        }
        for (Instant now : List.of(
                IAT.plus(five).plusNanos(1),
                IAT.minus(five).minusNanos(1),
                Instant.EPOCH,
                Instant.parse("9999-12-31T23:59:59Z"))) {
            Failure failure = assertThrows(Failure.class, () -> jws.fresh(now));
            assertEquals(ErrorCode.STALE_REQUEST, failure.code());
            assertEquals(now.toString(), failure.data().get("serverTime"));
        }
    }

    @Test
    void parsing_never_looks_at_the_age_so_a_batch_may_be_weeks_old() {
        String old = compact(BATCH.replace("1795291200", "0"), PAYLOAD);
        assertEquals(Instant.EPOCH, Jws.parseCompact(old, Typ.BATCH).header().iat());
    }

    @Test
    void what_the_issuer_signs_has_no_age_and_is_always_fresh() {
        Jws receipt = Jws.sign(Jws.Header.issuer(Typ.RECEIPT, "k"), PAYLOAD, TestKeys.ISSUER);
        assertSame(receipt, receipt.fresh(Instant.parse("9999-12-31T23:59:59Z")));
    }

    @Test
    void a_payload_handed_out_cannot_be_changed() {
        Jws jws = Jws.parseCompact(compact(BATCH, PAYLOAD), Typ.BATCH);
        jws.payload()[0] = 'x';
        assertArrayEquals(PAYLOAD, jws.payload());
    }
}
