package io.tallystick.aggregator.enrollment;

import io.tallystick.common.json.Json;
import io.tallystick.common.model.EnrollmentId;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * A VM as its cloud tells of it, or does not, beside what its agent tells.
 *
 * @param id of its enrollment, or the one it would have
 * @param firstSeenAt when the cloud first showed it running; empty for one it never showed
 * @param heardAt when its agent was last heard of; empty for one that is not enrolled
 */
public record CloudInstance(
        EnrollmentId id,
        String cloud,
        String cloudAccount,
        String region,
        String instance,
        String image,
        String instanceType,
        List<String> productCodes,
        State state,
        Optional<Instant> firstSeenAt,
        Optional<Instant> lastSeenAt,
        Optional<Instant> heardAt) {

    /** How the cloud's word and the agent's agree. */
    public enum State {
        /** Runs, and its agent was heard of within a day. */
        MATCHED,
        /** Runs, and never enrolled. */
        UNENROLLED,
        /** Runs, and its agent was not heard of for a day. */
        SILENT,
        /** Its agent is heard of, and the cloud did not show it running for an hour before. */
        NOT_RUNNING;

        /** As written in JSON and SQL. */
        public String wire() {
            return name().toLowerCase(Locale.ROOT).replace('_', '-');
        }

        public static State ofWire(String wire) {
            for (State state : values()) {
                if (state.wire().equals(wire)) {
                    return state;
                }
            }
            throw new IllegalArgumentException("must be matched, unenrolled, silent or not-running");
        }
    }

    public CloudInstance {
        productCodes = List.copyOf(productCodes);
    }

    public Map<String, Object> json() {
        return Json.object(
                "id",
                id.toString(),
                "cloud",
                cloud,
                "cloudAccount",
                cloudAccount,
                "region",
                region,
                "instance",
                instance,
                "image",
                image,
                "instanceType",
                instanceType,
                "productCodes",
                productCodes,
                "state",
                state.wire(),
                "firstSeenAt",
                firstSeenAt.orElse(null),
                "lastSeenAt",
                lastSeenAt.orElse(null),
                "heardAt",
                heardAt.orElse(null));
    }
}
