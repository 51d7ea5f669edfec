package io.tallystick.agent;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.tallystick.common.jose.Base64Url;
import io.tallystick.common.jose.Ed25519;
import io.tallystick.common.jose.Jwk;
import io.tallystick.common.jose.Jws;
import io.tallystick.common.jose.Typ;
import io.tallystick.common.json.Json;
import io.tallystick.common.model.EnrollmentId;
import io.tallystick.common.model.Hash;
import io.tallystick.common.model.Quantity;
import io.tallystick.common.wire.Answer;
import io.tallystick.common.wire.Batch;
import io.tallystick.common.wire.Decision;
import io.tallystick.common.wire.EnrollRequest;
import io.tallystick.common.wire.JoinCode;
import io.tallystick.common.wire.Lease;
import io.tallystick.common.wire.LeaseRequest;
import io.tallystick.common.wire.MeteringPlan;
import io.tallystick.common.wire.MeteringRecord;
import io.tallystick.common.wire.Receipt;
import io.tallystick.common.wire.Registration;
import io.tallystick.common.wire.Resume;
import io.tallystick.common.wire.Watermark;
import io.tallystick.common.wire.Wire;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * An aggregator that keeps the wire contract (real signatures, the watermark table, exact addition) and nothing else:
 * evidence is believed unread. Its switches make the faults that agents must survive. Its own sums are what tests
 * compare with what they sent.
 */
final class FakeAggregator implements AutoCloseable {
    static final String OUTSCALE_ACCOUNT = "210987654321";

    /** A sum by (product, dimension, hour, tags). */
    record Key(String instance, String dimension, Instant hour, String tags) {}

    /** One instance as the aggregator knows it. */
    static final class Enrolled {
        final EnrollmentId id;
        final String account;
        final String instance;
        Jwk key;

        @Nullable
        Jwk trialKey;

        Instant trialUntil = Instant.MAX;
        long counter;
        Watermark mark = Watermark.START;
        final List<Jws> batches = new ArrayList<>();
        final Map<Hash, Jws> receipts = new HashMap<>();
        List<String> codes = List.of();
        int leaseRequests;
        Instant heardAt = Instant.MIN;
        final List<String> copiedFrom = new ArrayList<>();
        final Map<Jwk, Long> firstEpochs = new HashMap<>();

        Enrolled(EnrollmentId id, String account, String instance, Jwk key) {
            this.id = id;
            this.account = account;
            this.instance = instance;
            this.key = key;
        }

        /** The hash an epoch after this one begins with. */
        Hash endOf(long epoch) {
            return batches.stream()
                    .filter(b -> Batch.parse(b.payload()).epoch() <= epoch)
                    .reduce((a, b) -> b)
                    .map(Jws::hash)
                    .orElse(Hash.NONE);
        }
    }

    private final HttpServer server;
    private final ExecutorService pool = Executors.newFixedThreadPool(4);
    private final InstantSource clock;
    private volatile Duration behind = Duration.ZERO;
    private final AtomicReference<Runnable> onTheWay = new AtomicReference<>(() -> {});
    private final AtomicReference<Runnable> onTheWayIn = new AtomicReference<>(() -> {});
    private final AtomicReference<Runnable> batchOnTheWayIn = new AtomicReference<>(() -> {});
    private final AtomicReference<Runnable> openOnTheWayIn = new AtomicReference<>(() -> {});
    private KeyPair keys;
    private Jwk jwk;
    private String kid;
    private final Map<EnrollmentId, Enrolled> enrolled = new LinkedHashMap<>();
    private final Map<Key, Quantity> sums = new HashMap<>();
    private final List<MeteringRecord> slots = new ArrayList<>();
    private final List<String> states = new ArrayList<>();

    private String issuer = "";
    private boolean away;
    private int dropResponses;
    private boolean contested;
    private String approved = "";
    private Optional<Duration> trial = Optional.empty();
    private Optional<Decision.Outcome> outcome = Optional.empty();
    private boolean stalled;
    private boolean stalledForEver;
    private Duration leaseLength = Duration.ofHours(24);
    private Duration flush = Duration.ofSeconds(1);
    private Map<String, Optional<Quantity>> dimensions = new LinkedHashMap<>(Map.of("requests", Optional.empty()));
    private final Map<Integer, Optional<Instant>> registrationKeys = new HashMap<>();
    private List<String> refusedDimensions = List.of();
    private int received;
    private int duplicates;
    private int openedEpochs;
    private int handedOut;
    private boolean goesOnBehindLost;
    private String leaseIssuer = "";
    private Optional<JoinCode> joinCode = Optional.empty();
    private final List<EnrollRequest.Claims> joins = new ArrayList<>();
    private byte[] weakKey = new byte[0];

    FakeAggregator(InstantSource clock) throws IOException, GeneralSecurityException {
        this.clock = () -> clock.instant().minus(behind);
        this.keys = KeyPairGenerator.getInstance("Ed25519").generateKeyPair();
        this.jwk = Jwk.ofBytes(Ed25519.rawPublicKey(keys.getPublic()));
        this.kid = jwk.thumbprint().toString();
        this.server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 64);
        this.issuer = "http://127.0.0.1:" + server.getAddress().getPort();
        this.leaseIssuer = issuer;
        server.createContext("/", this::serve);
        server.setExecutor(pool);
        server.start();
    }

    String url() {
        return issuer;
    }

    // --- switches ----------------------------------------------------------------------------------------------------

    /** Publishes this key instead of its own, and signs as anybody can under it. */
    synchronized void weakKey(byte[] key) {
        weakKey = key.clone();
    }

    /** What happens once, while the next answer to a lease request is on its way. */
    void beforeNextLeaseArrives(Runnable event) {
        onTheWay.set(event);
    }

    /** What happens once, while the next request that somebody signed is on its way. */
    void beforeNextQuestionArrives(Runnable event) {
        onTheWayIn.set(event);
    }

    /** What happens once, while the next batch is on its way. */
    void beforeNextBatchArrives(Runnable event) {
        batchOnTheWayIn.set(event);
    }

    /** What happens once, while the next request to open an epoch is on its way. */
    void beforeNextOpeningArrives(Runnable event) {
        openOnTheWayIn.set(event);
    }

    /** Its clock goes behind the VM's by so much. */
    void behind(Duration by) {
        behind = by;
    }

    /** Answers 500 to everything. */
    synchronized void away(boolean value) {
        away = value;
    }

    /** Does the work of the next requests and cuts the connection instead of answering. */
    synchronized void dropResponses(int count) {
        dropResponses = count;
    }

    synchronized void contested(boolean value) {
        contested = value;
    }

    /** Lets another key take an instance over, after so long in which the enrolled one is silent. */
    synchronized void takeovers(Duration after) {
        trial = Optional.of(after);
    }

    synchronized void noTakeovers() {
        trial = Optional.empty();
    }

    /** Lets the next enrollment under the key with this thumbprint replace the enrolled one. */
    synchronized void approve(String thumbprint) {
        approved = thumbprint;
    }

    /** Says that metering stalled, until a batch arrives or, where that does not help, for ever. */
    synchronized void stall(boolean aBatchHelps) {
        stalled = true;
        stalledForEver = !aBatchHelps;
    }

    synchronized void outcome(Decision.Outcome value) {
        outcome = Optional.of(value);
    }

    synchronized void leaseLength(Duration value) {
        leaseLength = value;
    }

    synchronized void flush(Duration value) {
        flush = value;
    }

    /** Adds a dimension to the plan. */
    synchronized void dimension(String key, Optional<Quantity> max) {
        dimensions.put(key, max);
    }

    /** In the plan, and refused by receipts all the same. */
    synchronized void refuse(String... keys) {
        refusedDimensions = List.of(keys);
    }

    /** A version of the key of every product, and when it was rotated. */
    synchronized void registrationKey(int version, Optional<Instant> rotatedAt) {
        registrationKeys.put(version, rotatedAt);
    }

    /** Signs leases with another {@code iss} than its own. */
    synchronized void leaseIssuer(String value) {
        leaseIssuer = value;
    }

    /** The one join code it takes from now on; none if it is null. */
    synchronized void joinCode(@org.jspecify.annotations.Nullable String code) {
        joinCode = Optional.ofNullable(code).map(JoinCode::parse);
    }

    /** What unsigned enrollments said, in order. */
    synchronized List<EnrollRequest.Claims> joins() {
        return List.copyOf(joins);
    }

    /** As after a restore from before its key was made: signs with another one and does not know the old one. */
    synchronized String loseKey() throws GeneralSecurityException {
        keys = KeyPairGenerator.getInstance("Ed25519").generateKeyPair();
        jwk = Jwk.ofBytes(Ed25519.rawPublicKey(keys.getPublic()));
        kid = jwk.thumbprint().toString();
        return kid;
    }

    /** As after a restore from before there were any. */
    synchronized void forgetEnrollments() {
        enrolled.clear();
    }

    /** As after a restore from an older backup: forgets all but the first batches of every instance. */
    synchronized void restoreTo(int keepBatches) {
        for (Enrolled e : enrolled.values()) {
            while (e.batches.size() > keepBatches) {
                Jws gone = e.batches.remove(e.batches.size() - 1);
                e.receipts.remove(gone.hash());
                Batch b = Batch.parse(gone.payload());
                e.mark = new Watermark(b.epoch(), b.seq() - 1, b.prev());
                for (MeteringRecord r : b.records()) {
                    for (MeteringRecord.Allocation a : r.parts()) {
                        sums.computeIfPresent(key(e, r, a), (k, q) -> q.minusOrZero(a.quantity()));
                    }
                }
            }
        }
    }

    /** A backup of everything received so far; running it restores that. */
    synchronized Runnable backup() {
        Map<Key, Quantity> booked = Map.copyOf(sums);
        List<Runnable> each = new ArrayList<>();
        for (Enrolled e : enrolled.values()) {
            Watermark mark = e.mark;
            List<Jws> batches = List.copyOf(e.batches);
            Map<Hash, Jws> receipts = Map.copyOf(e.receipts);
            each.add(() -> {
                e.mark = mark;
                e.batches.clear();
                e.batches.addAll(batches);
                e.receipts.clear();
                e.receipts.putAll(receipts);
            });
        }
        return () -> restore(booked, each);
    }

    private synchronized void restore(Map<Key, Quantity> booked, List<Runnable> each) {
        sums.clear();
        sums.putAll(booked);
        each.forEach(Runnable::run);
    }

    // --- what arrived ------------------------------------------------------------------------------------------------

    /** Of one instance. */
    synchronized Quantity total(String instance, String dimension) {
        return sums.entrySet().stream()
                .filter(e -> e.getKey().instance().equals(instance)
                        && e.getKey().dimension().equals(dimension))
                .map(Map.Entry::getValue)
                .reduce(Quantity.ZERO, Quantity::plus);
    }

    synchronized Quantity total(String dimension) {
        return sums.entrySet().stream()
                .filter(e -> e.getKey().dimension().equals(dimension))
                .map(Map.Entry::getValue)
                .reduce(Quantity.ZERO, Quantity::plus);
    }

    /** The write-once records that were taken, in order. */
    synchronized List<MeteringRecord> slots() {
        return List.copyOf(slots);
    }

    synchronized Map<Key, Quantity> sums() {
        return Map.copyOf(sums);
    }

    synchronized int batchCount() {
        return enrolled.values().stream().mapToInt(e -> e.batches.size()).sum();
    }

    synchronized int duplicates() {
        return duplicates;
    }

    synchronized int received() {
        return received;
    }

    /** From now on a receipt of what it lost is taken for it. */
    synchronized void goOnBehindLost() {
        goesOnBehindLost = true;
    }

    /** How many batches were given back to agents that asked what they had sent. */
    synchronized int handedOut() {
        return handedOut;
    }

    /** As if this instance was not heard of for long, though its agent works: it was cut off. */
    synchronized void forget(String instance) {
        enrolled.values().stream().filter(e -> e.instance.equals(instance)).forEach(e -> e.heardAt = Instant.MIN);
    }

    synchronized int openedEpochs() {
        return openedEpochs;
    }

    synchronized List<Enrolled> enrollments() {
        return List.copyOf(enrolled.values());
    }

    synchronized int leaseRequests() {
        return enrolled.values().stream().mapToInt(e -> e.leaseRequests).sum();
    }

    synchronized List<Batch> batches() {
        List<Batch> all = new ArrayList<>();
        enrolled.values().forEach(e -> e.batches.forEach(b -> all.add(Batch.parse(b.payload()))));
        return all;
    }

    Jwk jwk() {
        return jwk;
    }

    // --- the protocol ------------------------------------------------------------------------------------------------

    private void serve(HttpExchange exchange) throws IOException {
        try (exchange) {
            byte[] body = exchange.getRequestBody().readAllBytes();
            String path = exchange.getRequestURI().getPath();
            int status = 200;
            String type = Wire.JOSE_JSON;
            byte[] answer;
            try {
                if (path.equals("/.well-known/jwks.json") || path.startsWith("/v1/keys/")) {
                    type = "application/json";
                    Map<String, Object> one = Json.object(
                            "kty",
                            "OKP",
                            "crv",
                            "Ed25519",
                            "x",
                            Base64Url.encode(weakKey.length > 0 ? weakKey : jwk.bytes()),
                            "kid",
                            kid,
                            "use",
                            "sig",
                            "alg",
                            "EdDSA");
                    if (path.startsWith("/v1/keys/") && !path.endsWith("/" + kid)) {
                        throw Failure.of(ErrorCode.NOT_FOUND, "there is no such key");
                    }
                    answer = Json.writeBytes(path.startsWith("/v1/keys/") ? one : Json.object("keys", List.of(one)));
                } else {
                    onTheWayIn.getAndSet(() -> {}).run();
                    if (path.endsWith("/batches")) {
                        batchOnTheWayIn.getAndSet(() -> {}).run();
                    } else if (path.endsWith("/resume") && opens(body)) {
                        openOnTheWayIn.getAndSet(() -> {}).run();
                    }
                    Jws signed = answer(path, body);
                    answer = weakKey.length > 0 ? underAnyKeyOfLowOrder(signed) : signed.flattened();
                }
            } catch (Failure f) {
                status = switch (f.code().kind()) {
                    case CONFLICT -> 409;
                    case FORBIDDEN -> 403;
                    case UNAUTHENTICATED -> 401;
                    case NOT_FOUND -> 404;
                    case UNAVAILABLE -> 503;
                    default -> 400;
                };
                Map<String, Object> problem = Json.object("code", f.code().wire(), "detail", f.detail());
                problem.putAll(f.data());
                type = "application/problem+json";
                answer = Json.writeBytes(problem);
            }
            if (drop()) {
                return;
            }
            if (path.endsWith("/lease")) {
                onTheWay.getAndSet(() -> {}).run();
            }
            exchange.getResponseHeaders().set("Content-Type", type);
            exchange.sendResponseHeaders(status, answer.length);
            exchange.getResponseBody().write(answer);
        }
    }

    private static boolean opens(byte[] resume) {
        return Resume.Request.parse(Jws.parseFlattened(resume, Typ.RESUME).payload())
                .open();
    }

    /** R the neutral point and S zero: under a key of low order this verifies whatever was signed. */
    private static byte[] underAnyKeyOfLowOrder(Jws signed) {
        byte[] signature = new byte[Ed25519.SIGNATURE_BYTES];
        signature[0] = 1;
        String[] parts = signed.compact().split("\\.");
        return Json.writeBytes(
                Json.object("protected", parts[0], "payload", parts[1], "signature", Base64Url.encode(signature)));
    }

    private synchronized boolean drop() {
        if (dropResponses > 0) {
            dropResponses--;
            return true;
        }
        return false;
    }

    private synchronized Jws answer(String path, byte[] body) {
        if (away) {
            throw Failure.of(ErrorCode.UNAVAILABLE, "switched off by the test");
        }
        if (path.equals(Wire.ENROLLMENTS_PATH)) {
            return enroll(Jws.parseFlattened(body, Typ.ENROLL));
        }
        String[] parts = path.split("/");
        Enrolled e = enrolled.get(EnrollmentId.parse(parts[3]));
        if (e == null) {
            throw Failure.of(ErrorCode.NOT_FOUND, "no such enrollment");
        }
        return switch (parts[4]) {
            case "lease" -> lease(e, checked(Jws.parseFlattened(body, Typ.LEASE_REQUEST), e, path));
            case "batches" -> batch(e, checked(Jws.parseFlattened(body, Typ.BATCH), e, path));
            case "registrations" -> registration(e, checked(Jws.parseFlattened(body, Typ.REGISTRATION), e, path));
            case "resume" -> resume(e, checked(Jws.parseFlattened(body, Typ.RESUME), e, path));
            default -> throw Failure.of(ErrorCode.NOT_FOUND, path);
        };
    }

    private Jws checked(Jws jws, Enrolled e, String path) {
        if (!(issuer + path).equals(jws.header().url())
                || !e.id.toString().equals(jws.header().kid())) {
            throw Failure.of(ErrorCode.INVALID_JWS, "url or kid");
        }
        if (contested) {
            throw contest(e.key);
        }
        settle(e);
        Jwk other = e.trialKey;
        if (other != null && jws.header().typ() == Typ.LEASE_REQUEST && isSignedBy(jws, other)) {
            return jws.fresh(clock.instant());
        }
        jws.verified(e.key, Ed25519.JDK);
        e.trialKey = null;
        return jws.header().typ() == Typ.BATCH ? jws : jws.fresh(clock.instant());
    }

    private void settle(Enrolled e) {
        Jwk other = e.trialKey;
        if (other != null && !clock.instant().isBefore(e.trialUntil)) {
            e.firstEpochs.putIfAbsent(e.key, 1L);
            e.firstEpochs.putIfAbsent(other, e.mark.epoch() + 1);
            e.key = other;
            e.trialKey = null;
            e.mark = new Watermark(e.mark.epoch() + 1, 0, e.mark.hash());
        }
    }

    private static boolean isSignedBy(Jws jws, Jwk key) {
        try {
            jws.verified(key, Ed25519.JDK);
            return true;
        } catch (Failure e) {
            return false;
        }
    }

    private Failure contest(Jwk stranger) {
        return Failure.of(ErrorCode.CONTESTED, "Another key already speaks for this instance.")
                .with("thumbprint", stranger.thumbprint().toString())
                .with("remedy", "Approve the thumbprint in the portal.");
    }

    private Jws enroll(Jws jws) {
        Jwk key = Objects.requireNonNull(jws.header().jwk());
        jws.verified(key, Ed25519.JDK).fresh(clock.instant());
        EnrollRequest request = EnrollRequest.parse(jws.payload());
        if (request.evidence() instanceof EnrollRequest.Claims claims) {
            return join(claims, key, jws);
        }
        EnrollRequest.SignedDocument evidence = (EnrollRequest.SignedDocument) request.evidence();
        Map<String, Object> document = Json.parseObject(evidence.document().orElseThrow());
        String account = String.valueOf(document.get("accountId"));
        String instance = String.valueOf(document.get("instanceId"));
        EnrollmentId id = EnrollmentId.of("aws", account, instance);
        Enrolled e = enrolled.computeIfAbsent(id, i -> new Enrolled(i, account, instance, key));
        settle(e);
        if (key.thumbprint().toString().equals(approved)) {
            e.trialKey = key;
            e.trialUntil = Instant.MIN;
            settle(e);
        }
        if (!contested && !e.key.equals(key) && trial.isPresent() && !key.equals(e.trialKey)) {
            e.trialKey = key;
            e.trialUntil = clock.instant().plus(trial.get());
        }
        if (contested || !e.key.equals(key) && !key.equals(e.trialKey)) {
            throw contest(key);
        }
        if (e.key.equals(key)) {
            e.trialKey = null;
        }
        e.codes = request.productCodes();
        e.heardAt = clock.instant();
        request.copiedFrom().ifPresent(e.copiedFrom::add);
        return answer(e, jws);
    }

    /** Lets whoever proves the code in, once a code; its account and product are the code's. */
    private Jws join(EnrollRequest.Claims claims, Jwk key, Jws jws) {
        joins.add(claims);
        EnrollmentId id = EnrollmentId.of("outscale", OUTSCALE_ACCOUNT, claims.instance());
        Enrolled known = enrolled.get(id);
        boolean named =
                claims.enrollment().isPresent() && claims.enrollment().get().equals(id);
        if (known != null && known.key.equals(key) && named) {
            return answer(known, jws);
        }
        Optional<JoinCode> code = joinCode;
        Optional<EnrollRequest.Join> expected = code.map(c -> c.prove(key.thumbprint(), claims.instance()));
        if (expected.isEmpty() || !expected.equals(claims.join())) {
            throw Failure.of(ErrorCode.INVALID_EVIDENCE, "the VM shows no valid join code")
                    .with("rule", "join-code")
                    .with("sentence", "No valid join code.")
                    .with("remedy", "Make one.");
        }
        Enrolled e = enrolled.computeIfAbsent(id, i -> new Enrolled(i, OUTSCALE_ACCOUNT, claims.instance(), key));
        if (!e.key.equals(key)) {
            throw contest(key);
        }
        e.codes = List.of(Rig.CODE);
        return answer(e, jws);
    }

    private Jws lease(Enrolled e, Jws jws) {
        LeaseRequest request = LeaseRequest.parse(jws.payload());
        states.add(request.state());
        e.leaseRequests++;
        e.heardAt = clock.instant();
        count(e, request.counter());
        return answer(e, jws);
    }

    private static void count(Enrolled e, long counter) {
        if (counter <= e.counter) {
            throw Failure.of(ErrorCode.STALE_COUNTER, "used").with("counter", e.counter);
        }
        e.counter = counter;
    }

    private Jws answer(Enrolled e, Jws request) {
        Instant now = clock.instant();
        Jwk other = e.trialKey;
        boolean onTrial = other != null && isSignedBy(request, other);
        List<Decision> decisions = new ArrayList<>();
        List<MeteringPlan.Product> products = new ArrayList<>();
        List<MeteringPlan.Dimension> list = dimensions.entrySet().stream()
                .map(d -> new MeteringPlan.Dimension(d.getKey(), "unit", d.getValue()))
                .toList();
        for (String code : e.codes) {
            decisions.add(decision(e, code, now, onTrial && other != null ? other : e.key));
            products.add(new MeteringPlan.Product(code, "prod-" + code, Duration.ofDays(31), list));
        }
        Answer answer = new Answer(
                request.hash(),
                now,
                e.id,
                "attested",
                e.counter,
                e.mark,
                decisions,
                new MeteringPlan(flush, products),
                onTrial ? Optional.of(e.trialUntil) : Optional.empty());
        return sign(Typ.ANSWER, answer.toBytes());
    }

    private Decision decision(Enrolled e, String code, Instant now, Jwk key) {
        Decision.Outcome o = outcome.orElse(Decision.Outcome.ALLOW);
        if (stalled) {
            return Decision.deny(code, ErrorCode.METERING_STALLED, "No usage came.", "Let the agent report.");
        }
        if (o == Decision.Outcome.DENY) {
            return Decision.deny(code, ErrorCode.NO_AGREEMENT, "No subscription covers this VM.", "Subscribe.");
        }
        Instant issued = Instant.ofEpochSecond(now.getEpochSecond());
        Lease lease = new Lease(
                leaseIssuer,
                e.id,
                code,
                issued,
                issued.plus(leaseLength),
                key.thumbprint(),
                e.account,
                e.instance,
                "prod-" + code,
                o,
                Optional.empty(),
                Optional.empty(),
                Optional.empty());
        Optional<String> reason =
                o == Decision.Outcome.GRACE ? Optional.of(ErrorCode.METERING_STALLED.wire()) : Optional.empty();
        return new Decision(
                code,
                o,
                Optional.of(sign(Typ.LEASE, lease.toBytes()).compact()),
                reason,
                reason.map(r -> "Usage is overdue."),
                Optional.empty());
    }

    private Jws batch(Enrolled e, Jws jws) {
        received++;
        Batch b = Batch.parse(jws.payload());
        Watermark m = e.mark;
        Jws known = e.receipts.get(jws.hash());
        if (known != null) {
            duplicates++;
            return known;
        }
        boolean taken = e.batches.stream()
                .map(stored -> Batch.parse(stored.payload()))
                .anyMatch(stored -> stored.epoch() == b.epoch() && stored.seq() == b.seq());
        if (taken || b.epoch() == m.epoch() && b.seq() <= m.seq()) {
            throw Failure.of(ErrorCode.FORK, "another batch has number " + b.seq());
        }
        if (b.epoch() < m.epoch()) {
            throw Failure.of(ErrorCode.GAP, "that epoch was closed").with("expected", m.toJson());
        }
        if (b.epoch() > m.epoch() || b.seq() > m.seq() + 1) {
            throw Failure.of(ErrorCode.GAP, "a batch is missing").with("expected", m.toJson());
        }
        if (!b.prev().equals(m.hash())) {
            throw Failure.of(ErrorCode.FORK, "prev does not match");
        }
        List<Receipt.Refused> refused = new ArrayList<>();
        for (int i = 0; i < b.records().size(); i++) {
            MeteringRecord r = b.records().get(i);
            String why = refusal(r);
            if (why != null) {
                refused.add(new Receipt.Refused(i, why, "refused by the test"));
                continue;
            }
            for (MeteringRecord.Allocation a : r.parts()) {
                sums.merge(key(e, r, a), a.quantity(), Quantity::plus);
            }
            r.slot().ifPresent(slot -> slots.add(r));
        }
        Jws receipt = sign(
                Typ.RECEIPT,
                new Receipt(e.id, b.epoch(), b.seq(), jws.hash(), clock.instant(), refused, List.of()).toBytes());
        stalled = stalledForEver;
        e.batches.add(jws);
        e.receipts.put(jws.hash(), receipt);
        e.mark = new Watermark(b.epoch(), b.seq(), jws.hash());
        return receipt;
    }

    private @Nullable String refusal(MeteringRecord r) {
        Optional<Quantity> max = dimensions.get(r.dimension());
        if (max == null || refusedDimensions.contains(r.dimension())) {
            return ErrorCode.UNKNOWN_DIMENSION.wire();
        }
        return max.isPresent() && r.quantity().compareTo(max.get()) > 0 ? ErrorCode.OUT_OF_RANGE.wire() : null;
    }

    private static Key key(Enrolled e, MeteringRecord r, MeteringRecord.Allocation a) {
        return new Key(e.instance, r.dimension(), r.hour(), a.tags().map().toString());
    }

    /** The "signature" says what was asked for; the real one's form is tested where it is made. */
    private Jws registration(Enrolled e, Jws jws) {
        Registration.Request request = Registration.Request.parse(jws.payload());
        if (!e.codes.contains(request.product())) {
            throw Failure.of(ErrorCode.UNKNOWN_PRODUCT, "the instance does not carry it");
        }
        if (outcome.equals(Optional.of(Decision.Outcome.DENY))) {
            throw Failure.of(ErrorCode.DENIED, "No subscription covers this VM.")
                    .with("remedy", "Subscribe.");
        }
        Optional<Instant> rotated = registrationKeys.get(request.publicKeyVersion());
        if (rotated == null) {
            throw Failure.of(ErrorCode.UNKNOWN_KEY_VERSION, "there is no such version");
        }
        String signature = request.product() + " " + request.publicKeyVersion() + " "
                + request.nonce().orElse("");
        return sign(Typ.ANSWER, new Registration.Answer(jws.hash().toString(), signature, rotated).toBytes());
    }

    private Jws resume(Enrolled e, Jws jws) {
        Resume.Request request = Resume.Request.parse(jws.payload());
        if (request.by().isPresent()
                && clock.instant().minus(Duration.ofDays(1)).isBefore(e.heardAt)) {
            throw Failure.of(ErrorCode.CONFLICT, "instance " + e.instance + " was heard of at " + e.heardAt);
        }
        count(e, request.counter());
        if (request.receipt().isPresent()) {
            if (!goesOnBehindLost) {
                throw Failure.of(ErrorCode.INVALID_REQUEST, "receipt: is not signed by a key of this aggregator");
            }
            Receipt shown = Receipt.parse(
                    Jws.parseCompact(request.receipt().get(), Typ.RECEIPT).payload());
            e.mark = new Watermark(shown.epoch(), shown.seq(), shown.sha256());
            return sign(
                    Typ.ANSWER,
                    new Resume.Answer(jws.hash().toString(), List.of(), e.mark, Optional.empty()).toBytes());
        }
        long first = e.firstEpochs.getOrDefault(e.key, 1L);
        Optional<Watermark> from = request.known().epoch() < first
                ? Optional.of(new Watermark(first, 0, e.endOf(first - 1)))
                : Optional.empty();
        Watermark known = from.orElse(request.known());
        List<String> after = new ArrayList<>();
        for (Jws b : e.batches) {
            Batch batch = Batch.parse(b.payload());
            if (new Watermark(batch.epoch(), batch.seq(), b.hash()).isAfter(known) && after.size() < 2) {
                after.add(b.compact());
            }
        }
        if (request.open() && after.isEmpty() && from.isEmpty()) {
            e.mark = new Watermark(e.mark.epoch() + 1, 0, e.mark.hash());
            openedEpochs++;
        }
        handedOut += after.size();
        return sign(Typ.ANSWER, new Resume.Answer(jws.hash().toString(), after, e.mark, from).toBytes());
    }

    private Jws sign(Typ typ, byte[] payload) {
        return Jws.sign(Jws.Header.issuer(typ, kid), payload, Ed25519.signer(keys.getPrivate()));
    }

    @Override
    public void close() {
        server.stop(0);
        pool.shutdownNow();
    }
}
