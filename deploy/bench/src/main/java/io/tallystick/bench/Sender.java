package io.tallystick.bench;

import io.tallystick.cloudsim.CloudCa;
import io.tallystick.cloudsim.VmIdentity;
import io.tallystick.common.jose.Jwk;
import io.tallystick.common.jose.Jws;
import io.tallystick.common.jose.Typ;
import io.tallystick.common.model.EnrollmentId;
import io.tallystick.common.model.Quantity;
import io.tallystick.common.wire.Answer;
import io.tallystick.common.wire.Batch;
import io.tallystick.common.wire.EnrollRequest;
import io.tallystick.common.wire.MeteringRecord;
import io.tallystick.common.wire.Watermark;
import io.tallystick.common.wire.Wire;
import java.net.http.HttpRequest;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.bouncycastle.math.ec.rfc8032.Ed25519;

/** One enrolled VM that signs batches ahead of time. Not thread-safe. */
final class Sender {
    private final Service service;
    private final Clock clock;
    private final Jwk key;
    private final byte[] seed;
    private final EnrollmentId enrollment;
    private Watermark signed;

    private Sender(Service service, Clock clock, Jwk key, byte[] seed, EnrollmentId enrollment, Watermark watermark) {
        this.service = service;
        this.clock = clock;
        this.key = key;
        this.seed = seed;
        this.enrollment = enrollment;
        this.signed = watermark;
    }

    /** Enrolls a VM with evidence as the cloud signs it. */
    static Sender enroll(Service service, CloudCa ca, Clock clock, VmIdentity vm, byte[] seed) {
        byte[] raw = new byte[Ed25519.PUBLIC_KEY_SIZE];
        Ed25519.generatePublicKey(seed, 0, raw, 0);
        Jwk key = Jwk.ofBytes(raw);
        byte[] document = vm.document();
        EnrollRequest request = new EnrollRequest(
                "aws",
                CloudCa.base64Lines(ca.signRsa2048(vm.region(), document)),
                Optional.of(new String(document, StandardCharsets.UTF_8)),
                vm.productCodes(),
                "bench");
        Jws envelope = Jws.sign(
                Jws.Header.ownKey(Typ.ENROLL, service.url() + Wire.ENROLLMENTS_PATH, key, clock.instant()),
                request.toBytes(),
                message -> sign(seed, message));
        byte[] answer = service.send(HttpRequest.newBuilder(service.url().resolve(Wire.ENROLLMENTS_PATH))
                .header("Content-Type", Wire.JOSE_JSON)
                .POST(HttpRequest.BodyPublishers.ofByteArray(envelope.flattened()))
                .build());
        Answer parsed = Answer.parse(Jws.parseFlattened(answer, Typ.ANSWER).payload());
        return new Sender(service, clock, key, seed, parsed.enrollment(), parsed.watermark());
    }

    /** The next batch as a whole HTTP request, ready to be written to a socket. */
    byte[] nextRequest(List<String> dimensions, int records) {
        Instant hour = clock.instant().truncatedTo(ChronoUnit.HOURS);
        List<MeteringRecord> list = new ArrayList<>(records);
        for (int i = 0; i < records; i++) {
            list.add(MeteringRecord.increment(dimensions.get(i % dimensions.size()), hour, Quantity.of(i + 1)));
        }
        Batch batch = new Batch(signed.epoch(), signed.seq() + 1, signed.hash(), list);
        String path = Wire.batchesPath(enrollment.toString());
        Jws envelope = Jws.sign(
                Jws.Header.enrollment(Typ.BATCH, service.url() + path, enrollment.toString(), clock.instant()),
                batch.toBytes(),
                message -> sign(seed, message));
        signed = new Watermark(batch.epoch(), batch.seq(), envelope.hash());
        byte[] body = envelope.flattened();
        byte[] head = ("POST " + path + " HTTP/1.1\r\nHost: 127.0.0.1:" + service.port() + "\r\nContent-Type: "
                        + Wire.JOSE_JSON + "\r\nContent-Length: " + body.length + "\r\n\r\n")
                .getBytes(StandardCharsets.US_ASCII);
        byte[] request = new byte[head.length + body.length];
        System.arraycopy(head, 0, request, 0, head.length);
        System.arraycopy(body, 0, request, head.length, body.length);
        return request;
    }

    Jwk key() {
        return key;
    }

    private static byte[] sign(byte[] seed, byte[] message) {
        byte[] signature = new byte[Ed25519.SIGNATURE_SIZE];
        Ed25519.sign(seed, 0, message, 0, message.length, signature, 0);
        return signature;
    }
}
