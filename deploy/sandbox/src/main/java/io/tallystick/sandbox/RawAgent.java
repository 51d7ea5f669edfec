package io.tallystick.sandbox;

import io.tallystick.common.jose.Ed25519;
import io.tallystick.common.jose.Jwk;
import io.tallystick.common.jose.Jws;
import io.tallystick.common.jose.Typ;
import io.tallystick.common.model.EnrollmentId;
import io.tallystick.common.wire.Answer;
import io.tallystick.common.wire.Batch;
import io.tallystick.common.wire.EnrollRequest;
import io.tallystick.common.wire.MeteringRecord;
import io.tallystick.common.wire.Receipt;
import io.tallystick.common.wire.Watermark;
import io.tallystick.common.wire.Wire;
import java.net.URI;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.time.Clock;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The protocol without an agent: signs what it is told to, also what a good agent never would. Speaks for one VM with
 * a key of its own, made at construction and kept nowhere.
 */
public final class RawAgent {
    private static final String VERSION = "sandbox-story";

    private final Rest aggregator;
    private final String issuer;
    private final Clock clock;
    private final Jwk key;
    private final Ed25519.Signer signer;
    private @Nullable EnrollmentId enrollment;
    private Watermark watermark = Watermark.START;
    private Map<@Nullable String, Jwk> issuerKeys = Map.of();

    /** {@code issuer} is the aggregator's public URL. */
    public RawAgent(Rest aggregator, String issuer, Clock clock) {
        this.aggregator = aggregator;
        this.issuer = issuer;
        this.clock = clock;
        try {
            KeyPair pair = KeyPairGenerator.getInstance("Ed25519").generateKeyPair();
            this.key = Jwk.ofBytes(Ed25519.rawPublicKey(pair.getPublic()));
            this.signer = Ed25519.signer(pair.getPrivate());
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("every JDK 17 has Ed25519", e);
        }
    }

    /** The evidence a VM's metadata service gives. */
    static EnrollRequest evidence(URI metadata) {
        StolenMetadata.Metadata vm = new StolenMetadata.Metadata(metadata);
        return new EnrollRequest(
                "aws",
                vm.text("/latest/dynamic/instance-identity/rsa2048"),
                Optional.of(vm.text("/latest/dynamic/instance-identity/document")),
                vm.text("/latest/meta-data/product-codes").lines().toList(),
                VERSION);
    }

    /** Sends an enrollment as it is; the reply may be a refusal. */
    Rest.Reply tryEnroll(EnrollRequest request) {
        return post(Wire.ENROLLMENTS_PATH, enrollEnvelope(request));
    }

    public Answer enroll(EnrollRequest request) {
        Jws envelope = enrollEnvelope(request);
        Rest.Reply reply = post(Wire.ENROLLMENTS_PATH, envelope).expect(200, 201);
        Jws jws = verified(reply, Typ.ANSWER);
        Answer answer = Answer.parse(jws.payload());
        if (!answer.request().equals(envelope.hash())) {
            throw new StepFailure("an answer to request " + envelope.hash(), "one to " + answer.request());
        }
        enrollment = answer.enrollment();
        watermark = answer.watermark();
        return answer;
    }

    /** Signs and sends the next batch; the receipt is verified and is of this batch. */
    public Receipt send(List<MeteringRecord> records) {
        Jws envelope = sign(records);
        Rest.Reply reply = post(batchesPath(), envelope).expect(200, 201);
        Receipt receipt = Receipt.parse(verified(reply, Typ.RECEIPT).payload());
        if (!receipt.sha256().equals(envelope.hash()) || receipt.seq() != watermark.seq() + 1) {
            throw new StepFailure("a receipt for batch " + envelope.hash(), receipt.toString());
        }
        stored(envelope);
        return receipt;
    }

    /** The next batch, signed and not sent; another one under the same number until {@link #stored} is told of one. */
    public Jws sign(List<MeteringRecord> records) {
        Batch batch = new Batch(watermark.epoch(), watermark.seq() + 1, watermark.hash(), records);
        return Jws.sign(
                Jws.Header.enrollment(
                        Typ.BATCH, issuer + batchesPath(), enrollment().toString(), clock.instant()),
                batch.toBytes(),
                signer);
    }

    /** Goes on after this batch, which the aggregator has. */
    public void stored(Jws batch) {
        watermark = new Watermark(watermark.epoch(), watermark.seq() + 1, batch.hash());
    }

    public EnrollmentId enrollment() {
        if (enrollment == null) {
            throw new IllegalStateException("not enrolled");
        }
        return enrollment;
    }

    /** Where its batches go to. */
    public String batchesPath() {
        return Wire.batchesPath(enrollment().toString());
    }

    private Jws enrollEnvelope(EnrollRequest request) {
        return Jws.sign(
                Jws.Header.ownKey(Typ.ENROLL, issuer + Wire.ENROLLMENTS_PATH, key, clock.instant()),
                request.toBytes(),
                signer);
    }

    private Rest.Reply post(String path, Jws envelope) {
        return aggregator.send("POST", path, Wire.JOSE_JSON, envelope.flattened());
    }

    private Jws verified(Rest.Reply reply, Typ typ) {
        Jws jws = Jws.parseFlattened(reply.body(), typ);
        if (!issuerKeys.containsKey(jws.header().kid())) {
            issuerKeys = issuerKeys();
        }
        Jwk issuerKey = issuerKeys.get(jws.header().kid());
        if (issuerKey == null) {
            throw new StepFailure(
                    "an answer signed by a key of jwks.json",
                    "kid " + jws.header().kid());
        }
        return jws.verified(issuerKey, Ed25519.JDK);
    }

    private Map<@Nullable String, Jwk> issuerKeys() {
        Map<@Nullable String, Jwk> keys = new HashMap<>();
        Doc jwks = aggregator.get("/.well-known/jwks.json").expect(200).json();
        for (Doc d : jwks.objects("keys")) {
            keys.put(d.text("kid"), Jwk.ofBytes(io.tallystick.common.jose.Base64Url.decode(d.text("x"))));
        }
        return keys;
    }
}
