package io.tallystick.common.wire;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.common.error.Failure;
import io.tallystick.common.jose.Jws;
import io.tallystick.common.jose.TestKeys;
import io.tallystick.common.jose.Typ;
import io.tallystick.common.model.Hash;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** Rules of single messages that their types alone do not say. */
class MessageRulesTest {
    private static List<String> problems(String golden, UnaryOperator<String> change, UnaryOperator<byte[]> parser)
            throws IOException {
        String json = new String(GoldenTest.golden(golden), StandardCharsets.UTF_8);
        String changed = change.apply(json);
        assertTrue(!changed.equals(json), "the test changes nothing");
        return assertThrows(Failure.class, () -> parser.apply(changed.getBytes(StandardCharsets.UTF_8)))
                .problems()
                .stream()
                .map(Failure.Problem::toString)
                .collect(Collectors.toList());
    }

    private static byte[] answer(byte[] json) {
        return Answer.parse(json).toBytes();
    }

    @Test
    void a_decision_has_a_lease_exactly_if_it_allows() throws IOException {
        List<String> told = List.of("decisions[0].lease: must be there exactly for ALLOW and GRACE");
        assertEquals(told, problems("answer", j -> j.replace("\"ALLOW\"", "\"DENY\""), MessageRulesTest::answer));
        assertEquals(
                told, problems("answer-denied", j -> j.replace("\"DENY\"", "\"GRACE\""), MessageRulesTest::answer));
        assertTrue(problems("answer", j -> j.replace("\"ALLOW\"", "\"allow\""), MessageRulesTest::answer)
                .contains("decisions[0].decision: must be ALLOW, GRACE or DENY"));
    }

    @Test
    void a_lease_never_denies_and_says_so_without_internals() throws IOException {
        UnaryOperator<byte[]> parser = b -> Lease.parse(b).toBytes();
        for (String other : List.of("DENY", "allow", "MAYBE")) {
            assertEquals(
                    List.of("decision: must be ALLOW or GRACE"),
                    problems("lease", j -> j.replace("\"ALLOW\"", "\"" + other + "\""), parser));
        }
    }

    @Test
    void a_cloud_nobody_knows_is_refused() throws IOException {
        assertEquals(
                List.of("cloud: must be aws or outscale"),
                problems("enroll-request", j -> j.replace("\"aws\"", "\"gcp\""), b -> EnrollRequest.parse(b)
                        .toBytes()));
    }

    @Test
    void claims_are_taken_of_the_cloud_that_signs_nothing_and_of_no_other() throws IOException {
        UnaryOperator<byte[]> parser = b -> EnrollRequest.parse(b).toBytes();
        assertTrue(problems("enroll-request-outscale", j -> j.replace("\"outscale\"", "\"aws\""), parser)
                .containsAll(List.of("evidence.pkcs7: is missing", "evidence.join: is not a known field")));
        assertTrue(problems("enroll-request", j -> j.replace("\"aws\"", "\"outscale\""), parser)
                .containsAll(List.of("evidence.instance: is missing", "evidence.pkcs7: is not a known field")));
        for (String bad : List.of("i-0a1b2c3", "i-0A1B2C3D", "i-0a1b2c3d ", "x-0a1b2c3d", "i-../../../x")) {
            assertEquals(
                    List.of("evidence.instance: must be an instance id such as i-0a1b2c3d"),
                    problems("enroll-request-outscale", j -> j.replace("\"i-0a1b2c3d\"", "\"" + bad + "\""), parser),
                    bad);
        }
        assertEquals(
                List.of("evidence.join.proof: must be 64 bytes in base64url"),
                problems(
                        "enroll-request-outscale",
                        j -> j.replaceFirst("\"proof\":\"[^\"]+\"", "\"proof\":\"AAAA\""),
                        parser));
    }

    @Test
    void a_counter_starts_at_one_and_an_index_stays_inside_the_batch() throws IOException {
        assertEquals(
                List.of("counter: must be from 1 to 9223372036854775807, is 0"),
                problems("lease-request", j -> j.replace("17", "0"), b -> LeaseRequest.parse(b)
                        .toBytes()));
        assertEquals(
                List.of("refused[0].index: must be from 0 to 999, is 1000"),
                problems("receipt", j -> j.replace("\"index\":3", "\"index\":1000"), b -> Receipt.parse(b)
                        .toBytes()));
    }

    @Test
    void a_nonce_has_at_most_255_characters() {
        NonceProof longest = new NonceProof("n".repeat(255), Hash.NONE, Samples.NOW);
        assertEquals(longest, NonceProof.parse(longest.toBytes()));
        NonceProof more = new NonceProof("n".repeat(256), Hash.NONE, Samples.NOW);
        assertThrows(Failure.class, () -> NonceProof.parse(more.toBytes()));
    }

    @Test
    void a_resume_answer_of_50_batches_is_taken_and_of_51_refused() {
        Resume.Answer full =
                new Resume.Answer("r", Collections.nCopies(50, "a.b.c"), Watermark.START, Optional.empty());
        assertEquals(full, Resume.Answer.parse(full.toBytes()));
        Resume.Answer more =
                new Resume.Answer("r", Collections.nCopies(51, "a.b.c"), Watermark.START, Optional.empty());
        assertThrows(Failure.class, () -> Resume.Answer.parse(more.toBytes()));
    }

    /** Else an agent could never fetch what it lost. */
    @Test
    void a_batch_of_the_largest_body_fits_a_resume_answer_and_the_largest_answer_its_envelope() {
        Jws.Header header = Jws.Header.issuer(Typ.ANSWER, "k");
        byte[] largest = new Resume.Answer(
                        Hash.NONE.toString(),
                        List.of("b".repeat(Wire.BODY_BYTES_MAX)),
                        Watermark.START,
                        Optional.of(Watermark.START))
                .toBytes();
        assertTrue(largest.length <= Wire.RESUME_PAYLOAD_BYTES_MAX);
        byte[] payload = new byte[Wire.RESUME_PAYLOAD_BYTES_MAX];
        Jws fits = Jws.sign(header, payload, TestKeys.ISSUER);
        assertArrayEquals(
                payload, Jws.parseFlattened(fits.flattened(), Typ.ANSWER).payload());
        Jws more = Jws.sign(header, new byte[Wire.RESUME_PAYLOAD_BYTES_MAX + 1], TestKeys.ISSUER);
        assertThrows(Failure.class, () -> Jws.parseFlattened(more.flattened(), Typ.ANSWER));
    }

    @Test
    void paths_are_those_of_the_protocol() {
        assertEquals("/v1/enrollments", Wire.ENROLLMENTS_PATH);
        assertEquals("/v1/enrollments/enr-1/lease", Wire.leasePath("enr-1"));
        assertEquals("/v1/enrollments/enr-1/batches", Wire.batchesPath("enr-1"));
        assertEquals("/v1/enrollments/enr-1/resume", Wire.resumePath("enr-1"));
        assertEquals("application/jose+json", Wire.JOSE_JSON);
    }
}
