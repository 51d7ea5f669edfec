package io.tallystick.aggregator.audit;

import io.tallystick.common.json.Json;
import io.tallystick.common.model.Hash;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** One link of the chain. The two JSON texts are kept to the character, because the hash covers them so. */
public record AuditEvent(
        long seq,
        Instant at,
        String actor,
        String action,
        String subject,
        Optional<String> beforeJson,
        Optional<String> afterJson,
        Hash previous,
        Hash hash) {

    /** The next link after {@code previous}; {@code at} in whole microseconds, which is what the database keeps. */
    static AuditEvent link(long seq, Instant at, Change change, Hash previous) {
        Optional<String> before = Optional.ofNullable(change.before()).map(Json::write);
        Optional<String> after = Optional.ofNullable(change.after()).map(Json::write);
        Hash hash = hash(seq, at, change.actor(), change.action(), change.subject(), before, after, previous);
        return new AuditEvent(
                seq, at, change.actor(), change.action(), change.subject(), before, after, previous, hash);
    }

    /** What this event's hash must be, from everything else in it. */
    Hash expectedHash() {
        return hash(seq, at, actor, action, subject, beforeJson, afterJson, previous);
    }

    private static Hash hash(
            long seq,
            Instant at,
            String actor,
            String action,
            String subject,
            Optional<String> before,
            Optional<String> after,
            Hash previous) {
        // A JSON array has one reading only, so no two events share a hashed text; absent is null, not "".
        List<@Nullable Object> parts = new ArrayList<>();
        parts.add("tallystick-audit-1");
        parts.add(seq);
        parts.add(at.toString());
        parts.add(actor);
        parts.add(action);
        parts.add(subject);
        parts.add(before.orElse(null));
        parts.add(after.orElse(null));
        parts.add(previous.toString());
        return Hash.of(Json.write(parts).getBytes(StandardCharsets.UTF_8));
    }

    /**
     * What to record: the actor ({@code token:…}, {@code cli}), an action such as {@code product.visibility}, the id of
     * the thing, and its JSON before and after; null where it was or is not there. Never put a secret in either.
     */
    public record Change(
            String actor, String action, String subject, @Nullable Object before, @Nullable Object after) {}
}
