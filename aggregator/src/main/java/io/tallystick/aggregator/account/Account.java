package io.tallystick.aggregator.account;

import io.tallystick.common.json.Json;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** A party of the marketplace and the cloud accounts it owns. */
public record Account(String id, Kind kind, String name, Instant createdAt, List<CloudAccount> cloudAccounts) {
    public static final int NAME_CHARS_MAX = 200;

    /** What a party is here for. */
    public enum Kind {
        SELLER,
        BUYER,
        OPERATOR;

        /** As written in JSON and the database. */
        public String wire() {
            return name().toLowerCase(Locale.ROOT);
        }

        public static Kind ofWire(String wire) {
            for (Kind kind : values()) {
                if (kind.wire().equals(wire)) {
                    return kind;
                }
            }
            throw new IllegalArgumentException("must be seller, buyer or operator");
        }
    }

    public Map<String, Object> json() {
        return Json.object(
                "id",
                id,
                "kind",
                kind.wire(),
                "name",
                name,
                "createdAt",
                createdAt,
                "cloudAccounts",
                cloudAccounts.stream().map(CloudAccount::json).toList());
    }
}
