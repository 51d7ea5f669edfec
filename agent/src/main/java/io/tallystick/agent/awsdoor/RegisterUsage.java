package io.tallystick.agent.awsdoor;

import io.tallystick.agent.clock.TrustedTime;
import io.tallystick.agent.enroll.AgentKey;
import io.tallystick.agent.enroll.Board;
import io.tallystick.agent.enroll.Standing;
import io.tallystick.agent.net.Aggregator;
import io.tallystick.agent.net.IssuerKeys;
import io.tallystick.agent.net.Refused;
import io.tallystick.agent.net.Unreachable;
import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.tallystick.common.jose.Jws;
import io.tallystick.common.jose.Typ;
import io.tallystick.common.json.Json;
import io.tallystick.common.model.EnrollmentId;
import io.tallystick.common.wire.Registration;
import io.tallystick.common.wire.Wire;
import java.math.BigDecimal;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/**
 * {@code RegisterUsage}: fetches the aggregator's signed word that this copy runs where it may. Nothing is kept, so
 * without the aggregator there is no answer. Thread-safe; one exchange at a time, others wait a moment and are told to
 * come back.
 */
final class RegisterUsage {
    private static final int NONCE_CHARS_MAX = 255;
    private static final long WAIT_SECONDS = 10;

    private final TrustedTime time;
    private final Board board;
    private final Aggregator aggregator;
    private final IssuerKeys keys;
    private final Supplier<AgentKey> key;
    private final Semaphore turn = new Semaphore(1, true);

    /**
     * @param aggregator and {@code keys}: this class's own, as neither may be shared between threads
     * @param key this agent's, which may be replaced while the process runs
     */
    RegisterUsage(TrustedTime time, Board board, Aggregator aggregator, IssuerKeys keys, Supplier<AgentKey> key) {
        this.time = time;
        this.board = board;
        this.aggregator = aggregator;
        this.keys = keys;
        this.key = key;
    }

    Map<String, Object> answer(byte[] body) {
        Registration.Request request = read(body);
        Standing standing = board.standing();
        Optional<EnrollmentId> id = standing.enrollment();
        Optional<Instant> now = time.now();
        if (standing.codes().isEmpty() || id.isEmpty() || now.isEmpty()) {
            throw AwsError.later("The agent is not enrolled yet.");
        }
        if (!standing.codes().contains(request.product())) {
            throw invalidProductCode(
                    "This VM carries " + standing.codes() + ", not the product code " + request.product() + ".");
        }
        boolean mine = false;
        try {
            mine = turn.tryAcquire(WAIT_SECONDS, TimeUnit.SECONDS);
            if (!mine) {
                throw AwsError.throttled("Other registrations of this VM are under way.");
            }
            return answer(exchange(request, id.get(), now.get()));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw AwsError.later("The agent is stopping.");
        } finally {
            if (mine) {
                turn.release();
            }
        }
    }

    private static Registration.Request read(byte[] body) {
        Request r = Request.parse(body);
        String code =
                r.text("ProductCode", 0, MeterUsageRequest.PRODUCT_CODE_CHARS_MAX, MeterUsageRequest.PRODUCT_CODE);
        long version = r.integer("PublicKeyVersion", Registration.VERSION_MIN, Integer.MAX_VALUE);
        Optional<String> nonce = r.optionalText("Nonce", 0, NONCE_CHARS_MAX);
        r.done();
        return new Registration.Request(code, (int) version, nonce);
    }

    private Registration.Answer exchange(Registration.Request request, EnrollmentId id, Instant now) {
        String path = Wire.registrationsPath(id.toString());
        Jws signed = Jws.sign(
                Jws.Header.enrollment(Typ.REGISTRATION, aggregator.url(path), id.toString(), now),
                request.toBytes(),
                key.get().signer());
        try {
            Jws answer = keys.verify(aggregator.post(path, signed, Typ.ANSWER));
            Registration.Answer a = Registration.Answer.parse(answer.payload());
            if (!a.request().equals(signed.hash().toString())) {
                throw Failure.of(ErrorCode.INVALID_JWS, "the answer belongs to another request");
            }
            return a;
        } catch (Unreachable e) {
            // Of all errors of this operation, AWS tells software to survive this one.
            throw AwsError.throttled(String.valueOf(e.getMessage()));
        } catch (Refused e) {
            throw refused(e);
        } catch (Failure e) {
            throw AwsError.later("The aggregator's answer cannot be used: " + e.detail());
        }
    }

    private static AwsError refused(Refused e) {
        Optional<ErrorCode> code = ErrorCode.ofWire(e.code());
        if (e.is(ErrorCode.UNKNOWN_KEY_VERSION)) {
            return AwsError.client("InvalidPublicKeyVersionException", e.detail());
        }
        if (e.is(ErrorCode.UNKNOWN_PRODUCT)) {
            return invalidProductCode(e.detail());
        }
        boolean denied = e.is(ErrorCode.CONTESTED)
                || code.map(c -> c.kind() == ErrorCode.Kind.FORBIDDEN).orElse(false);
        if (denied) {
            return AwsError.client(
                    "CustomerNotEntitledException",
                    (e.detail() + " " + e.text("remedy").orElse("")).strip());
        }
        return AwsError.later("The aggregator refuses the registration: " + e.detail());
    }

    private static AwsError invalidProductCode(String message) {
        return AwsError.client("InvalidProductCodeException", message);
    }

    private static Map<String, Object> answer(Registration.Answer a) {
        return Json.object(
                "Signature",
                a.signature(),
                "PublicKeyRotationTimestamp",
                a.rotatedAt()
                        .map(t -> BigDecimal.valueOf(t.toEpochMilli()).movePointLeft(3))
                        .orElse(null));
    }
}
