package io.tallystick.aggregator.usage;

import io.tallystick.aggregator.app.Http;
import io.tallystick.aggregator.signing.FastEd25519;
import io.tallystick.cloudsim.CloudCa;
import io.tallystick.common.jose.Ed25519;
import io.tallystick.common.jose.Jwk;
import io.tallystick.common.jose.Jws;
import io.tallystick.common.jose.Typ;
import io.tallystick.common.json.Json;
import io.tallystick.common.model.EnrollmentId;
import io.tallystick.common.model.Hash;
import io.tallystick.common.wire.Answer;
import io.tallystick.common.wire.Batch;
import io.tallystick.common.wire.EnrollRequest;
import io.tallystick.common.wire.JoinCode;
import io.tallystick.common.wire.LeaseRequest;
import io.tallystick.common.wire.MeteringRecord;
import io.tallystick.common.wire.Receipt;
import io.tallystick.common.wire.Registration;
import io.tallystick.common.wire.Resume;
import io.tallystick.common.wire.Watermark;
import io.tallystick.common.wire.Wire;
import java.net.http.HttpRequest;
import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.time.Clock;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/** An agent's side of the protocol and nothing else, for tests: it can also say what no agent would. */
public final class ProtocolClient {
    public static final String ISSUER = "http://127.0.0.1:8080";

    /** A VM as the simulated cloud would sign for it. */
    public record Vm(
            String account,
            String instance,
            String region,
            Instant pendingTime,
            List<String> codes,
            String type,
            String image) {
        public Vm(String account, String instance, String region, Instant pendingTime, List<String> codes) {
            this(account, instance, region, pendingTime, codes, "m5.large", "ami-0123456789abcdef0");
        }

        /** The same VM, launched from this image. */
        public Vm of(String otherImage) {
            return new Vm(account, instance, region, pendingTime, codes, type, otherImage);
        }

        /** The same VM, stopped and started again as another type. */
        public Vm restarted(Instant at, String as) {
            return new Vm(account, instance, region, at, codes, as, image);
        }

        public String document() {
            return Json.write(Json.object(
                    "accountId",
                    account,
                    "architecture",
                    "x86_64",
                    "availabilityZone",
                    region + "a",
                    "imageId",
                    image,
                    "instanceId",
                    instance,
                    "instanceType",
                    type,
                    "marketplaceProductCodes",
                    codes,
                    "pendingTime",
                    pendingTime,
                    "privateIp",
                    "10.0.0.1",
                    "region",
                    region,
                    "version",
                    "2017-09-30"));
        }
    }

    private final Http http;
    private final Clock clock;
    private static final SecureRandom RANDOM = new SecureRandom();

    private final Jwk key;
    private final Ed25519.Signer signer;
    private Vm vm;
    private final EnrollmentId id;
    private final Function<ProtocolClient, EnrollRequest> evidence;
    private long counter;
    private Watermark mark = Watermark.START;

    public ProtocolClient(Http http, Clock clock, CloudCa ca, Vm vm) {
        this(http, clock, "aws", vm, c -> signed(ca, c.vm));
    }

    private ProtocolClient(
            Http http, Clock clock, String cloud, Vm vm, Function<ProtocolClient, EnrollRequest> evidence) {
        this.http = http;
        this.clock = clock;
        this.vm = vm;
        this.id = EnrollmentId.of(cloud, vm.account(), vm.instance());
        this.evidence = evidence;
        // Not with the JDK, as agents do: it takes milliseconds where nothing is compiled yet, and there are many
        // tests.
        byte[] seed = new byte[Ed25519.KEY_BYTES];
        RANDOM.nextBytes(seed);
        this.key = Jwk.ofBytes(FastEd25519.publicKey(seed));
        this.signer = FastEd25519.signer(seed);
    }

    /**
     * An agent on a VM whose metadata nobody signed.
     *
     * @param account whose VM it is; the agent does not say so
     * @param codes what its metadata service gives as product codes
     */
    public static ProtocolClient outscale(
            Http http, Clock clock, String account, String instance, List<String> codes, Optional<String> joinCode) {
        return new ProtocolClient(
                http,
                clock,
                "outscale",
                new Vm(account, instance, "eu-west-2", clock.instant(), codes, "tinav5.c2r4p2", "ami-01234567"),
                c -> c.claims(instance, codes, joinCode, Optional.empty()));
    }

    /** An unsigned request; {@code named} is the enrollment it says it has. */
    public EnrollRequest claims(
            String instance, List<String> codes, Optional<String> joinCode, Optional<EnrollmentId> named) {
        return new EnrollRequest(
                EnrollRequest.OUTSCALE,
                new EnrollRequest.Claims(
                        instance,
                        "ami-0a1b2c3d",
                        vm.type(),
                        Optional.of(vm.region()),
                        named,
                        joinCode.map(c -> JoinCode.parse(c).prove(thumbprint(), instance))),
                codes,
                "test");
    }

    private static EnrollRequest signed(CloudCa ca, Vm vm) {
        byte[] document = vm.document().getBytes(StandardCharsets.UTF_8);
        String pkcs7 = CloudCa.base64Lines(ca.signRsa2048(vm.region(), document));
        return new EnrollRequest("aws", pkcs7, Optional.of(vm.document()), vm.codes(), "test");
    }

    public EnrollmentId id() {
        return id;
    }

    public Jwk jwk() {
        return key;
    }

    public Watermark mark() {
        return mark;
    }

    public void mark(Watermark known) {
        mark = known;
    }

    /** The VM was stopped and is started now as this type; the agent enrolls again. */
    public void restartAs(String type) {
        vm = vm.restarted(now(), type);
        enroll();
    }

    /** Shows another document of the same VM. */
    public void showing(Vm other) {
        vm = other;
    }

    public Vm vm() {
        return vm;
    }

    /** What it shows of the VM, made anew. */
    public EnrollRequest evidence() {
        return evidence.apply(this);
    }

    public Http.Answer tryEnroll() {
        return tryEnroll(evidence.apply(this));
    }

    public Http.Answer tryEnroll(EnrollRequest request) {
        return post(
                Wire.ENROLLMENTS_PATH,
                Jws.Header.ownKey(Typ.ENROLL, ISSUER + Wire.ENROLLMENTS_PATH, jwk(), now()),
                request.toBytes());
    }

    public Answer enroll() {
        Answer answer = answer(tryEnroll().expect(200));
        mark = answer.watermark();
        counter = answer.counter();
        return answer;
    }

    public Http.Answer tryLease(long useCounter) {
        String path = Wire.leasePath(id().toString());
        return post(path, header(Typ.LEASE_REQUEST, path), new LeaseRequest(useCounter, "ENTITLED", "test").toBytes());
    }

    public Answer lease() {
        return answer(tryLease(++counter).expect(200));
    }

    public Http.Answer tryResume(Watermark known) {
        return tryResume(known, false);
    }

    private Http.Answer tryResume(Watermark known, boolean open) {
        String path = Wire.resumePath(id().toString());
        return post(path, header(Typ.RESUME, path), new Resume.Request(++counter, known, open).toBytes());
    }

    /** As another VM's agent that found this one's state asks. */
    public Http.Answer tryResumeBy(EnrollmentId by, Watermark known, boolean open) {
        String path = Wire.resumePath(id().toString());
        Resume.Request request = new Resume.Request(++counter, known, open, Optional.empty(), Optional.of(by));
        return post(path, header(Typ.RESUME, path), request.toBytes());
    }

    /** Wants to go on behind a batch that nobody has any more. */
    public Http.Answer tryGoOn(String receipt) {
        String path = Wire.resumePath(id().toString());
        Resume.Request request = new Resume.Request(++counter, mark, false, Optional.of(receipt), Optional.empty());
        return post(path, header(Typ.RESUME, path), request.toBytes());
    }

    public Resume.Answer resume(Watermark known, boolean open) {
        return resumed(tryResume(known, open));
    }

    public static Resume.Answer resumed(Http.Answer answer) {
        return Resume.Answer.parse(
                Jws.parseFlattened(bytes(answer.expect(200)), Typ.ANSWER).payload());
    }

    public Http.Answer tryRegister(Registration.Request request) {
        String path = Wire.registrationsPath(id().toString());
        return post(path, header(Typ.REGISTRATION, path), request.toBytes());
    }

    public Registration.Answer register(Registration.Request request) {
        return Registration.Answer.parse(
                Jws.parseFlattened(bytes(tryRegister(request).expect(200)), Typ.ANSWER)
                        .payload());
    }

    /** The next batch in sequence, signed but not sent. */
    public Jws sign(MeteringRecord... records) {
        return sign(new Batch(mark.epoch(), mark.seq() + 1, mark.hash(), List.of(records)));
    }

    public Jws sign(Batch batch) {
        return Jws.sign(header(Typ.BATCH, Wire.batchesPath(id().toString())), batch.toBytes(), signer);
    }

    public Http.Answer trySend(Jws batch) {
        return send(Wire.batchesPath(id().toString()), batch.flattened());
    }

    /** Sends the next batch and goes on from it. */
    public Receipt send(MeteringRecord... records) {
        Jws batch = sign(records);
        Receipt receipt = receipt(trySend(batch).expect(200));
        mark = new Watermark(mark.epoch(), mark.seq() + 1, batch.hash());
        return receipt;
    }

    public static Receipt receipt(Http.Answer answer) {
        return Receipt.parse(Jws.parseFlattened(bytes(answer), Typ.RECEIPT).payload());
    }

    public static Answer answer(Http.Answer answer) {
        return Answer.parse(Jws.parseFlattened(bytes(answer), Typ.ANSWER).payload());
    }

    public Http.Answer post(String path, Jws.Header header, byte[] payload) {
        return send(path, Jws.sign(header, payload, signer).flattened());
    }

    public Http.Answer send(String path, byte[] body) {
        return http.send(HttpRequest.newBuilder(http.uri(path))
                .timeout(java.time.Duration.ofSeconds(30))
                .header("Content-Type", Wire.JOSE_JSON)
                .POST(HttpRequest.BodyPublishers.ofByteArray(body))
                .build());
    }

    private Jws.Header header(Typ typ, String path) {
        return Jws.Header.enrollment(typ, ISSUER + path, id().toString(), now());
    }

    private Instant now() {
        return clock.instant();
    }

    /** The hash a lease names its agent by. */
    public Hash thumbprint() {
        return jwk().thumbprint();
    }

    private static byte[] bytes(Http.Answer answer) {
        return answer.text().getBytes(StandardCharsets.UTF_8);
    }
}
