package io.tallystick.aggregator.lifecycle;

import io.tallystick.common.json.Json;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A queued request to change products or versions, and how far it is.
 *
 * @param accountId whose products it changes
 * @param steps in the order they are done; none before it is applied
 * @param queue where it stands, as long as it is open and somebody looks
 */
public record ChangeSet(
        String id,
        String accountId,
        Optional<String> name,
        Status status,
        String requestedBy,
        Instant requestedAt,
        Optional<Instant> applyingAt,
        Optional<Instant> endedAt,
        Optional<FailureCode> failureCode,
        Optional<String> failureDetail,
        List<Change> changes,
        List<Step> steps,
        Intent intent,
        Optional<Queue> queue) {

    public static final int CHANGES_MAX = 20;
    public static final int NAME_CHARS_MAX = 100;
    public static final int TOKEN_CHARS_MAX = 64;

    public ChangeSet {
        changes = List.copyOf(changes);
        steps = List.copyOf(steps);
    }

    /** Whether it is to be carried out, or only checked. */
    public enum Intent {
        APPLY,
        VALIDATE;

        public static Intent ofWire(String wire) {
            for (Intent intent : values()) {
                if (intent.name().equals(wire)) {
                    return intent;
                }
            }
            throw new IllegalArgumentException("must be APPLY or VALIDATE");
        }
    }

    /**
     * Where an open change set stands.
     *
     * @param position 1 for the one that was asked for first among all that are open, of all sellers
     * @param expected how long such change sets took lately, from request to end; unknown before the first
     */
    public record Queue(int position, Optional<Duration> expected) {
        Map<String, Object> json() {
            return Json.object("position", position, "expected", expected.orElse(null));
        }
    }

    /** PREPARING can be cancelled; APPLYING ends as SUCCEEDED or FAILED. */
    public enum Status {
        PREPARING,
        APPLYING,
        SUCCEEDED,
        FAILED,
        CANCELLED;

        public static Status ofWire(String wire) {
            for (Status status : values()) {
                if (status.name().equals(wire)) {
                    return status;
                }
            }
            throw new IllegalArgumentException("must be PREPARING, APPLYING, SUCCEEDED, FAILED or CANCELLED");
        }

        public boolean isOpen() {
            return this == PREPARING || this == APPLYING;
        }
    }

    /** Whose it is to mend. */
    public enum FailureCode {
        /** The request cannot be carried out as it is: an image is gone, a version changed meanwhile. */
        CLIENT_ERROR,
        /** The marketplace or the cloud could not, however often it was tried. */
        SERVER_FAULT
    }

    ChangeSet with(List<Change> allChanges, List<Step> allSteps) {
        return new ChangeSet(
                id,
                accountId,
                name,
                status,
                requestedBy,
                requestedAt,
                applyingAt,
                endedAt,
                failureCode,
                failureDetail,
                allChanges,
                allSteps,
                intent,
                queue);
    }

    ChangeSet queued(Queue at) {
        return new ChangeSet(
                id,
                accountId,
                name,
                status,
                requestedBy,
                requestedAt,
                applyingAt,
                endedAt,
                failureCode,
                failureDetail,
                changes,
                steps,
                intent,
                Optional.of(at));
    }

    ChangeSet ended(Status end, Instant at, Optional<FailureCode> code, Optional<String> detail) {
        return new ChangeSet(
                id,
                accountId,
                name,
                end,
                requestedBy,
                requestedAt,
                applyingAt,
                Optional.of(at),
                code,
                detail,
                changes,
                steps,
                intent,
                Optional.empty());
    }

    /** The first step that is not done. */
    Optional<Step> next() {
        return steps.stream().filter(s -> s.doneAt().isEmpty()).findFirst();
    }

    public Map<String, Object> json() {
        Map<String, Object> json = summary();
        json.put("changes", changes.stream().map(Change::json).toList());
        json.put("steps", steps.stream().map(Step::json).toList());
        queue.ifPresent(q -> json.put("queue", q.json()));
        return json;
    }

    /** Without changes and steps, for the audit log. */
    Map<String, Object> summary() {
        return Json.object(
                "id",
                id,
                "account",
                accountId,
                "name",
                name.orElse(null),
                "intent",
                intent.name(),
                "status",
                status.name(),
                "requestedBy",
                requestedBy,
                "requestedAt",
                requestedAt,
                "applyingAt",
                applyingAt.orElse(null),
                "endedAt",
                endedAt.orElse(null),
                "failureCode",
                failureCode.map(Enum::name).orElse(null),
                "failureDetail",
                failureDetail.orElse(null));
    }
}
