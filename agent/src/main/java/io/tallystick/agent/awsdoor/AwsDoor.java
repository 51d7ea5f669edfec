package io.tallystick.agent.awsdoor;

import io.tallystick.agent.clock.TrustedTime;
import io.tallystick.agent.enroll.AgentKey;
import io.tallystick.agent.enroll.Board;
import io.tallystick.agent.net.Aggregator;
import io.tallystick.agent.net.IssuerKeys;
import io.tallystick.agent.store.Store;
import io.tallystick.common.error.Failure;
import io.tallystick.common.json.Json;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Answers {@code POST /} in AWS JSON 1.1. A request's signature is not looked at: it is made with credentials of the
 * VM's owner that nobody here could check, and what may be metered is decided by the VM's own enrollment. Thread-safe.
 */
public final class AwsDoor {
    /** The media type of requests and answers. */
    public static final String TYPE = "application/x-amz-json-1.1";

    private static final String SERVICE = "AWSMPMeteringService.";

    private final MeterUsage meterUsage;
    private final RegisterUsage registerUsage;
    private final String run;
    private final AtomicLong requests = new AtomicLong();
    private volatile boolean stopped;

    /** An answer before it is written; {@code error} is the name of a refusal. */
    public record Answer(int status, byte[] body, Optional<String> error, String requestId) {}

    /** @param aggregator and {@code keys}: the door's own, as neither may be shared between threads */
    public AwsDoor(
            Store store,
            TrustedTime time,
            Board board,
            Aggregator aggregator,
            IssuerKeys keys,
            Supplier<AgentKey> key) {
        this.meterUsage = new MeterUsage(store, time, board);
        this.registerUsage = new RegisterUsage(time, board, aggregator, keys, key);
        this.run = store.run();
    }

    /** Refuses everything from now on: the process is stopping. */
    public void stop() {
        stopped = true;
    }

    /** Never throws; waits for the disk. */
    public Answer answer(@Nullable String contentType, @Nullable String target, byte[] body) {
        try {
            return reply(200, Json.writeBytes(dispatch(contentType, target, body)), Optional.empty());
        } catch (AwsError e) {
            return error(e);
        } catch (Failure f) {
            return error(AwsError.of(f));
        }
    }

    /** A failure before the request could be looked at, such as a body that is too large. */
    public Answer refuse(Failure f) {
        return error(AwsError.of(f));
    }

    private Map<String, Object> dispatch(@Nullable String contentType, @Nullable String target, byte[] body) {
        if (stopped) {
            throw AwsError.later("The agent is stopping.");
        }
        String type =
                contentType == null ? "" : contentType.toLowerCase(Locale.ROOT).replace(" ", "");
        if (!type.equals(TYPE) && !type.equals(TYPE + ";charset=utf-8")) {
            throw Request.serialization("Content-Type must be " + TYPE);
        }
        String operation = target != null && target.startsWith(SERVICE) ? target.substring(SERVICE.length()) : "";
        return switch (operation) {
            case "MeterUsage" -> meterUsage.answer(body);
            case "RegisterUsage" -> registerUsage.answer(body);
            default ->
                throw AwsError.client(
                        "UnknownOperationException",
                        "X-Amz-Target must be " + SERVICE + "MeterUsage or " + SERVICE + "RegisterUsage.");
        };
    }

    private Answer error(AwsError e) {
        byte[] body = Json.writeBytes(Json.object("__type", e.type(), "message", e.getMessage()));
        return reply(e.status(), body, Optional.of(e.type()));
    }

    private Answer reply(int status, byte[] body, Optional<String> error) {
        return new Answer(status, body, error, requestId());
    }

    /** In the form of AWS's; the run is random, so that a request is found in logs across restarts. */
    private String requestId() {
        String hex = run.substring(0, 16) + String.format("%016x", requests.incrementAndGet());
        return hex.substring(0, 8) + "-" + hex.substring(8, 12) + "-" + hex.substring(12, 16) + "-"
                + hex.substring(16, 20) + "-" + hex.substring(20);
    }
}
