package io.tallystick.aggregator.lifecycle;

import io.tallystick.common.json.Json;
import java.time.Instant;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * A step of a change set: an effect at a cloud, or on our own rows, done once in effect.
 *
 * @param token by which the cloud knows a repetition; here before the effect is asked for
 * @param versionId what it is about; empty where that is the product
 * @param region whose copy of the version it is about; empty where it is about no copy
 */
public record Step(
        int number,
        int changeIndex,
        Name name,
        Optional<String> versionId,
        Optional<String> region,
        String token,
        int attempts,
        Optional<Instant> startedAt,
        Optional<Instant> attemptedAt,
        Optional<Instant> doneAt,
        Optional<String> lastError) {

    /** What a step does. */
    public enum Name {
        /** Asks the cloud for the marketplace's own copy in a region. */
        COPY,
        /** Waits until the copy is there. */
        AVAILABLE,
        /** Makes the copy carry the product's code. */
        ATTACH,
        /** Lets the subscribers launch it. */
        SHARE,
        /** Marks the version published, and writes the mails. */
        PUBLISH,
        /** Replaces texts. */
        MODIFY,
        /** Marks the copy deprecated at the cloud. */
        DEPRECATE,
        /** Marks the version restricted, and writes the mails. */
        RESTRICT,
        /** Deletes the copy. */
        DELETE,
        /** Marks the version unpublished, and writes the mails. */
        UNPUBLISH,
        /** Marks the product restricted, and writes the mails. */
        WITHDRAW,
        /** Replaces a product's page. */
        INFORM,
        /** Adds or restricts regions or instance types. */
        PLACE,
        /** Makes a product. */
        CREATE,
        /** Adds dimensions, restricts them, or gives them other titles. */
        MEASURE,
        /** Makes a version, still a draft. */
        DRAFT,
        /** Replaces the allow-list. */
        TARGET,
        /** Makes an offer. */
        OFFER,
        /** Gives an offer new prices. */
        PRICE,
        /** Ends an offer. */
        CLOSE;

        /** As written in JSON and the database. */
        public String wire() {
            return name().toLowerCase(Locale.ROOT);
        }

        static Name ofWire(String wire) {
            return valueOf(wire.toUpperCase(Locale.ROOT));
        }
    }

    static Step planned(
            int number, int changeIndex, Name name, Optional<String> versionId, Optional<String> region, String token) {
        return new Step(
                number,
                changeIndex,
                name,
                versionId,
                region,
                token,
                0,
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty());
    }

    public Map<String, Object> json() {
        return Json.object(
                "number",
                number,
                "change",
                changeIndex,
                "name",
                name.wire(),
                "version",
                versionId.orElse(null),
                "region",
                region.orElse(null),
                "attempts",
                attempts,
                "startedAt",
                startedAt.orElse(null),
                "attemptedAt",
                attemptedAt.orElse(null),
                "doneAt",
                doneAt.orElse(null),
                "lastError",
                lastError.orElse(null));
    }
}
