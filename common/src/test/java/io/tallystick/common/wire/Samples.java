package io.tallystick.common.wire;

import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.jose.Jws;
import io.tallystick.common.jose.TestKeys;
import io.tallystick.common.jose.Typ;
import io.tallystick.common.model.EnrollmentId;
import io.tallystick.common.model.Hash;
import io.tallystick.common.model.Quantity;
import io.tallystick.common.model.Tags;
import io.tallystick.common.wire.MeteringRecord.Allocation;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.UnaryOperator;

/**
 * One conversation, message by message, as the golden files and docs/protocol.md show it. Signed with the published
 * keys of {@link TestKeys}, so that every hash and signature in it can be checked with any tool.
 */
final class Samples {
    static final String ISSUER = "https://tally.example";
    static final EnrollmentId ENROLLMENT = EnrollmentId.of("aws", "123456789012", "i-0123456789abcdef0");
    static final Instant NOW = Instant.parse("2026-11-21T20:15:00Z");
    private static final Instant HOUR = Instant.parse("2026-11-21T19:00:00Z");
    private static final String CODE = "4b9oexample0code";
    private static final String INSTANCE = "i-0a1b2c3d";
    private static final String CLONE = "i-0d3c2b1a";
    /** RFC 8032 section 7.1, TEST 3 has the seed. */
    static final String JOIN_CODE = "jc-01kahxq2zs8d5n0v3m7w9k2pxb.xaqN9D-fg3vtt0QvMdy3sWbThTUHbwlLhc46LgtEWPc";

    /**
     * A message.
     *
     * @param reencode parses bytes and writes what was understood
     * @param optional the paths of members that may be left out, without indexes
     */
    record Sample(String name, byte[] bytes, UnaryOperator<byte[]> reencode, Set<String> optional) {}

    private Samples() {}

    static List<Sample> all() {
        List<Sample> all = new ArrayList<>();
        add(
                all,
                "enroll-request",
                enroll().toBytes(),
                b -> EnrollRequest.parse(b).toBytes(),
                "evidence.document",
                "productCodes");
        add(
                all,
                "enroll-request-copied",
                copied().toBytes(),
                b -> EnrollRequest.parse(b).toBytes(),
                "evidence.document",
                "productCodes",
                "copiedFrom");
        add(
                all,
                "enroll-request-outscale",
                join().toBytes(),
                b -> EnrollRequest.parse(b).toBytes(),
                "evidence.region",
                "evidence.join",
                "productCodes");
        add(
                all,
                "enroll-request-outscale-again",
                joinedAgain().toBytes(),
                b -> EnrollRequest.parse(b).toBytes(),
                "evidence.enrollment",
                "productCodes");
        add(all, "lease-request", leaseRequest().toBytes(), b -> LeaseRequest.parse(b)
                .toBytes());
        add(
                all,
                "answer",
                answer().toBytes(),
                b -> Answer.parse(b).toBytes(),
                "decisions[].code",
                "decisions[].sentence",
                "decisions[].remedy",
                "plan.products[].dimensions[].max");
        add(
                all,
                "answer-denied",
                denied().toBytes(),
                b -> Answer.parse(b).toBytes(),
                "decisions[].code",
                "decisions[].sentence",
                "decisions[].remedy");
        add(all, "lease", lease().toBytes(), b -> Lease.parse(b).toBytes(), "version", "version_status", "notice");
        add(
                all,
                "batch",
                batch().toBytes(),
                b -> Batch.parse(b).toBytes(),
                "records[].allocations",
                "records[].allocations[].tags",
                "records[].slot",
                "records[].product");
        add(all, "batch-empty", emptyBatch().toBytes(), b -> Batch.parse(b).toBytes());
        add(all, "receipt", receipt().toBytes(), b -> Receipt.parse(b).toBytes(), "clamped");
        add(
                all,
                "resume-request",
                resume().toBytes(),
                b -> Resume.Request.parse(b).toBytes(),
                "open");
        add(
                all,
                "resume-request-receipt",
                goingOn().toBytes(),
                b -> Resume.Request.parse(b).toBytes(),
                "open",
                "receipt");
        add(
                all,
                "resume-request-left",
                left().toBytes(),
                b -> Resume.Request.parse(b).toBytes(),
                "open",
                "by");
        add(
                all,
                "resume-answer",
                resumed().toBytes(),
                b -> Resume.Answer.parse(b).toBytes(),
                "batches");
        add(
                all,
                "resume-answer-from",
                passedOver().toBytes(),
                b -> Resume.Answer.parse(b).toBytes(),
                "batches",
                "from");
        add(
                all,
                "resume-answer-open",
                opened().toBytes(),
                b -> Resume.Answer.parse(b).toBytes(),
                "batches");
        add(
                all,
                "registration-request",
                registration().toBytes(),
                b -> Registration.Request.parse(b).toBytes(),
                "nonce");
        add(
                all,
                "registration-answer",
                registered().toBytes(),
                b -> Registration.Answer.parse(b).toBytes(),
                "rotatedAt");
        add(all, "nonce-proof", nonce().toBytes(), b -> NonceProof.parse(b).toBytes());
        return all;
    }

    private static void add(
            List<Sample> all, String name, byte[] bytes, UnaryOperator<byte[]> reencode, String... optional) {
        all.add(new Sample(name, bytes, reencode, Set.of(optional)));
    }

    /** Whole envelopes, by name. */
    static Map<String, Jws> envelopes() {
        return Map.of(
                "envelope-enroll", signedEnroll(),
                "envelope-batch", signed(Typ.BATCH, Wire.batchesPath(ENROLLMENT.toString()), batch().toBytes()),
                "envelope-receipt", issued(Typ.RECEIPT, receipt().toBytes()),
                "envelope-nonce",
                        Jws.sign(Jws.Header.local(Typ.NONCE, TestKeys.AGENT_KEY), nonce().toBytes(), TestKeys.AGENT));
    }

    static EnrollRequest enroll() {
        return new EnrollRequest(
                "aws",
                "MIAGCSqGSIb3DQEHAqCAMIACAQExDzANBglghkgBZQMEAgEFADCABgkqhkiG9w0BBwGg...",
                Optional.of("{\n  \"accountId\" : \"123456789012\",\n  \"region\" : \"eu-west-1\"\n}"),
                List.of(CODE),
                "0.1.0");
    }

    static EnrollRequest join() {
        JoinCode code = JoinCode.parse(JOIN_CODE);
        return new EnrollRequest(
                "outscale",
                new EnrollRequest.Claims(
                        INSTANCE,
                        "ami-0a1b2c3d",
                        "tinav5.c2r4p2",
                        Optional.of("eu-west-2"),
                        Optional.empty(),
                        Optional.of(code.prove(TestKeys.AGENT_KEY.thumbprint(), INSTANCE))),
                List.of(CODE),
                "0.1.0");
    }

    static EnrollRequest joinedAgain() {
        return new EnrollRequest(
                "outscale",
                new EnrollRequest.Claims(
                        INSTANCE,
                        "ami-0a1b2c3d",
                        "tinav5.c2r4p2",
                        Optional.empty(),
                        Optional.of(EnrollmentId.of("outscale", "123456789012", INSTANCE)),
                        Optional.empty()),
                List.of(),
                "0.1.0");
    }

    private static Jws signedEnroll() {
        return Jws.sign(
                Jws.Header.ownKey(Typ.ENROLL, ISSUER + Wire.ENROLLMENTS_PATH, TestKeys.AGENT_KEY, NOW),
                enroll().toBytes(),
                TestKeys.AGENT);
    }

    static Jws signed(Typ typ, String path, byte[] payload) {
        return Jws.sign(Jws.Header.enrollment(typ, ISSUER + path, ENROLLMENT.toString(), NOW), payload, TestKeys.AGENT);
    }

    private static Jws issued(Typ typ, byte[] payload) {
        return Jws.sign(Jws.Header.issuer(typ, TestKeys.ISSUER_KEY.thumbprint().toString()), payload, TestKeys.ISSUER);
    }

    static LeaseRequest leaseRequest() {
        return new LeaseRequest(17, "ENTITLED", "0.1.0");
    }

    static Lease lease() {
        return new Lease(
                ISSUER,
                ENROLLMENT,
                CODE,
                NOW,
                NOW.plus(Lease.DEFAULT_LENGTH),
                TestKeys.AGENT_KEY.thumbprint(),
                "123456789012",
                "i-0123456789abcdef0",
                "prod-3f6c2a9e",
                Decision.Outcome.ALLOW,
                Optional.of("1.2.3"),
                Optional.of("PUBLIC"),
                Optional.of("Version 1.3.0 is recommended."));
    }

    private static String compactLease() {
        return issued(Typ.LEASE, lease().toBytes()).compact();
    }

    static Answer answer() {
        Jws request = signed(
                Typ.LEASE_REQUEST,
                Wire.leasePath(ENROLLMENT.toString()),
                leaseRequest().toBytes());
        Decision allow = new Decision(
                CODE,
                Decision.Outcome.ALLOW,
                Optional.of(compactLease()),
                Optional.empty(),
                Optional.empty(),
                Optional.empty());
        return new Answer(
                request.hash(), NOW.plusMillis(120), ENROLLMENT, "attested", 17, afterFirst(), List.of(allow), plan());
    }

    private static MeteringPlan plan() {
        return new MeteringPlan(
                Duration.ofMinutes(15),
                List.of(new MeteringPlan.Product(
                        CODE,
                        "prod-3f6c2a9e",
                        Duration.ofDays(31),
                        List.of(
                                new MeteringPlan.Dimension("requests", "request", Optional.of(Quantity.of(1_000_000))),
                                new MeteringPlan.Dimension("gb-processed", "GB", Optional.empty()),
                                new MeteringPlan.Dimension(
                                        MeteringPlan.UPTIME_DIMENSION, "hour", Optional.of(Quantity.ONE))))));
    }

    static Answer denied() {
        return new Answer(
                signedEnroll().hash(),
                NOW.plusMillis(80),
                ENROLLMENT,
                "attested",
                0,
                Watermark.START,
                List.of(Decision.deny(
                        CODE,
                        ErrorCode.NO_AGREEMENT,
                        "Account 123456789012 has no subscription to this product.",
                        "Subscribe in the marketplace; the software starts within a minute.")),
                new MeteringPlan(Duration.ofMinutes(15), List.of()));
    }

    static Batch batch() {
        MeteringRecord minute = new MeteringRecord(
                "gb-processed",
                HOUR.plus(Duration.ofMinutes(42)),
                true,
                Quantity.parse("0.125"),
                List.of(),
                Optional.empty(),
                Optional.empty());
        MeteringRecord split = new MeteringRecord(
                "gb-processed",
                HOUR.minus(Duration.ofHours(1)),
                false,
                Quantity.parse("3.5"),
                List.of(
                        new Allocation(Quantity.parse("1.5"), Tags.of(Map.of("team", "red", "env", "prod"))),
                        new Allocation(Quantity.of(2), Tags.of(Map.of("team", "blue")))),
                Optional.of("c3f0e6a1b2d4"),
                Optional.of(CODE));
        return new Batch(
                1,
                1,
                Hash.NONE,
                List.of(
                        MeteringRecord.increment("requests", HOUR, Quantity.of(1520)),
                        minute,
                        split,
                        MeteringRecord.increment("request", HOUR, Quantity.ONE),
                        MeteringRecord.increment("requests", HOUR.plus(Duration.ofDays(365)), Quantity.of(4))));
    }

    private static Jws signedBatch() {
        return signed(Typ.BATCH, Wire.batchesPath(ENROLLMENT.toString()), batch().toBytes());
    }

    private static Watermark afterFirst() {
        return new Watermark(1, 1, signedBatch().hash());
    }

    static Batch emptyBatch() {
        return new Batch(1, 2, signedBatch().hash(), List.of());
    }

    private static Jws signedEmptyBatch() {
        return signed(
                Typ.BATCH, Wire.batchesPath(ENROLLMENT.toString()), emptyBatch().toBytes());
    }

    static Receipt receipt() {
        return new Receipt(
                ENROLLMENT,
                1,
                1,
                signedBatch().hash(),
                NOW.plusMillis(345),
                List.of(new Receipt.Refused(
                        3, ErrorCode.UNKNOWN_DIMENSION.wire(), "product " + CODE + " has no dimension request")),
                List.of(new Receipt.Clamped(4, Instant.parse("2026-11-21T20:00:00Z"))));
    }

    static Resume.Request resume() {
        return new Resume.Request(18, afterFirst(), true);
    }

    /** Of an agent that keeps its first batch no longer, asking an aggregator that has lost it. */
    static Resume.Request goingOn() {
        Jws receipt = issued(Typ.RECEIPT, receipt().toBytes());
        return new Resume.Request(20, Watermark.START, false, Optional.of(receipt.compact()), Optional.empty());
    }

    /** Of the agent of another VM, which found this one's state. */
    static Resume.Request left() {
        return new Resume.Request(
                21, afterFirst(), false, Optional.empty(), Optional.of(EnrollmentId.of("aws", "123456789012", CLONE)));
    }

    static EnrollRequest copied() {
        EnrollRequest whole = enroll();
        return new EnrollRequest(
                whole.cloud(), whole.evidence(), whole.productCodes(), whole.agentVersion(), Optional.of(INSTANCE));
    }

    static Resume.Answer resumed() {
        Jws request = signed(Typ.RESUME, Wire.resumePath(ENROLLMENT.toString()), resume().toBytes());
        return new Resume.Answer(
                request.hash().toString(),
                List.of(signedEmptyBatch().compact()),
                new Watermark(1, 2, signedEmptyBatch().hash()),
                Optional.empty());
    }

    /** For an agent whose key took over with epoch 2 and that knows nothing yet. */
    static Resume.Answer passedOver() {
        Jws request = signed(
                Typ.RESUME,
                Wire.resumePath(ENROLLMENT.toString()),
                new Resume.Request(18, Watermark.START, false).toBytes());
        Watermark start = new Watermark(2, 0, signedEmptyBatch().hash());
        return new Resume.Answer(request.hash().toString(), List.of(), start, Optional.of(start));
    }

    static Resume.Answer opened() {
        Watermark known = new Watermark(1, 2, signedEmptyBatch().hash());
        Jws request = signed(
                Typ.RESUME, Wire.resumePath(ENROLLMENT.toString()), new Resume.Request(19, known, true).toBytes());
        return new Resume.Answer(
                request.hash().toString(), List.of(), new Watermark(2, 0, known.hash()), Optional.empty());
    }

    static Registration.Request registration() {
        return new Registration.Request("4b9oexample0code", 1, Optional.of("c2f8d0e1-vendor-chosen"));
    }

    static Registration.Answer registered() {
        Jws request = signed(
                Typ.REGISTRATION,
                Wire.registrationsPath(ENROLLMENT.toString()),
                registration().toBytes());
        return new Registration.Answer(request.hash().toString(), "eyJhbGci.eyJQcm9k.c2lnbmVk", Optional.of(NOW));
    }

    static NonceProof nonce() {
        return new NonceProof(
                "c2f8d0e1-vendor-chosen",
                Hash.of(compactLease().getBytes(StandardCharsets.US_ASCII)),
                NOW.plusSeconds(90));
    }
}
