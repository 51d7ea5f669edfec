package io.tallystick.common.wire;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.tallystick.common.jose.Ed25519;
import io.tallystick.common.jose.Jws;
import io.tallystick.common.jose.TestKeys;
import io.tallystick.common.jose.Typ;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/**
 * What stood on the wire yesterday must be written, and read, to the byte today: old batches are evidence. The files
 * change only with the protocol; {@code -Dtallystick.golden.write=true} writes them anew.
 */
class GoldenTest {
    private static final String WRITE = "tallystick.golden.write";

    static Path folder() {
        return Path.of(System.getProperty("tallystick.root"), "common", "src", "test", "resources", "golden");
    }

    static byte[] golden(String name) throws IOException {
        return Files.readAllBytes(folder().resolve(name + ".json"));
    }

    private static void assertGolden(String name, byte[] written) throws IOException {
        if (Boolean.getBoolean(WRITE)) {
            Files.createDirectories(folder());
            Files.write(folder().resolve(name + ".json"), written);
        }
        assertEquals(text(golden(name)), text(written));
    }

    private static String text(byte[] utf8) {
        return new String(utf8, StandardCharsets.UTF_8);
    }

    @TestFactory
    Stream<DynamicTest> every_message_is_written_as_its_golden_file_and_read_back() {
        return Samples.all().stream()
                .map(s -> DynamicTest.dynamicTest(s.name(), () -> {
                    assertGolden(s.name(), s.bytes());
                    assertArrayEquals(golden(s.name()), s.reencode().apply(golden(s.name())));
                }));
    }

    @TestFactory
    Stream<DynamicTest> every_envelope_is_signed_as_its_golden_file_and_verifies() {
        return new TreeMap<>(Samples.envelopes())
                .entrySet().stream()
                        .map(e -> DynamicTest.dynamicTest(e.getKey(), () -> {
                            assertGolden(e.getKey(), e.getValue().flattened());
                            Typ typ = e.getValue().header().typ();
                            Jws read = Jws.parseFlattened(golden(e.getKey()), typ);
                            boolean issuer = typ.signatory() == Typ.Signatory.ISSUER;
                            read.verified(issuer ? TestKeys.ISSUER_KEY : TestKeys.AGENT_KEY, Ed25519.JDK);
                            assertEquals(e.getValue().header(), read.header());
                            assertArrayEquals(e.getValue().payload(), read.payload());
                        }));
    }

    @Test
    void what_is_read_equals_what_was_written() throws IOException {
        assertEquals(Samples.enroll(), EnrollRequest.parse(golden("enroll-request")));
        assertEquals(Samples.join(), EnrollRequest.parse(golden("enroll-request-outscale")));
        assertEquals(Samples.joinedAgain(), EnrollRequest.parse(golden("enroll-request-outscale-again")));
        assertEquals(Samples.leaseRequest(), LeaseRequest.parse(golden("lease-request")));
        assertEquals(Samples.answer(), Answer.parse(golden("answer")));
        assertEquals(Samples.denied(), Answer.parse(golden("answer-denied")));
        assertEquals(Samples.lease(), Lease.parse(golden("lease")));
        assertEquals(Samples.batch(), Batch.parse(golden("batch")));
        assertEquals(Samples.emptyBatch(), Batch.parse(golden("batch-empty")));
        assertEquals(Samples.receipt(), Receipt.parse(golden("receipt")));
        assertEquals(Samples.resume(), Resume.Request.parse(golden("resume-request")));
        assertEquals(Samples.goingOn(), Resume.Request.parse(golden("resume-request-receipt")));
        assertEquals(Samples.left(), Resume.Request.parse(golden("resume-request-left")));
        assertEquals(Samples.copied(), EnrollRequest.parse(golden("enroll-request-copied")));
        assertEquals(Samples.resumed(), Resume.Answer.parse(golden("resume-answer")));
        assertEquals(Samples.passedOver(), Resume.Answer.parse(golden("resume-answer-from")));
        assertEquals(Samples.opened(), Resume.Answer.parse(golden("resume-answer-open")));
        assertEquals(Samples.registration(), Registration.Request.parse(golden("registration-request")));
        assertEquals(Samples.registered(), Registration.Answer.parse(golden("registration-answer")));
        assertEquals(Samples.nonce(), NonceProof.parse(golden("nonce-proof")));
    }

    @Test
    void every_golden_file_has_a_message() throws IOException {
        Set<String> names = new TreeSet<>();
        Samples.all().forEach(s -> names.add(s.name() + ".json"));
        Samples.envelopes().keySet().forEach(name -> names.add(name + ".json"));
        try (Stream<Path> files = Files.list(folder())) {
            assertEquals(
                    names,
                    files.map(f -> f.getFileName().toString())
                            .filter(f -> f.endsWith(".json"))
                            .collect(Collectors.toCollection(TreeSet::new)));
        }
    }
}
