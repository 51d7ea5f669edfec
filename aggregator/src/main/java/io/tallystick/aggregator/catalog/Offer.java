package io.tallystick.aggregator.catalog;

import io.tallystick.common.json.Json;
import java.time.Instant;
import java.util.Currency;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * The terms under which a product can be subscribed to.
 *
 * @param currency ISO 4217; of all its prices, which are before tax
 * @param accounts whom a private offer is for; empty for a public one
 * @param isPrivate whether it is only for {@code accounts}
 * @param opensAt taken from then on (inclusive)
 * @param closesAt until then (exclusive); agreements accepted before go on
 * @param rates the versions that were read, the newest last, never none
 */
public record Offer(
        String id,
        String productId,
        Kind kind,
        String title,
        String currency,
        boolean isPrivate,
        List<String> accounts,
        Instant opensAt,
        Optional<Instant> closesAt,
        Instant createdAt,
        List<Rate> rates) {

    public static final int TITLE_CHARS_MAX = 200;
    public static final int ACCOUNTS_MAX = 1000;
    /** Versions of one offer's prices. */
    public static final int RATES_MAX = 1000;

    /** What it costs: by its prices, nothing, or a licence that the seller sells elsewhere. */
    public enum Kind {
        PAID,
        FREE,
        BYOL;

        public String wire() {
            return name().toLowerCase(Locale.ROOT);
        }

        public static Kind ofWire(String wire) {
            for (Kind kind : values()) {
                if (kind.wire().equals(wire)) {
                    return kind;
                }
            }
            throw new IllegalArgumentException("must be paid, free or byol");
        }
    }

    public Offer {
        accounts = List.copyOf(accounts);
        rates = List.copyOf(rates);
    }

    /** The currency itself if it is one that amounts can be rounded in, or {@link IllegalArgumentException}. */
    public static String checkCurrency(String code) {
        String rule = "must be an ISO 4217 currency code such as EUR";
        try {
            if (Currency.getInstance(code).getDefaultFractionDigits() < 0) {
                throw new IllegalArgumentException(rule + ", one with a minor unit");
            }
            return code;
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(rule, e);
        }
    }

    /** The prices of agreements that are accepted now. */
    public Rate rate() {
        return rates.get(rates.size() - 1);
    }

    /** When the last rate was made that raised a price, or priced what was free before; empty if none did. */
    Optional<Instant> raisedAt() {
        for (int i = rates.size() - 1; i > 0; i--) {
            if (rates.get(i).raises(rates.get(i - 1))) {
                return Optional.of(rates.get(i).createdAt());
            }
        }
        return Optional.empty();
    }

    public boolean isOpen(Instant at) {
        return !at.isBefore(opensAt) && closesAt.map(at::isBefore).orElse(true);
    }

    /** Whether the account is among those it is for. */
    public boolean isFor(String accountId) {
        return !isPrivate || accounts.contains(accountId);
    }

    /** For buyers: whom else a private offer is for is not their business. */
    public Map<String, Object> json() {
        return Json.object(
                "id",
                id,
                "product",
                productId,
                "kind",
                kind.wire(),
                "title",
                title,
                "currency",
                currency,
                "private",
                isPrivate,
                "opensAt",
                opensAt,
                "closesAt",
                closesAt.orElse(null),
                "createdAt",
                createdAt,
                "rate",
                rate().json());
    }

    /** For its seller and operators. */
    Map<String, Object> managedJson() {
        Map<String, Object> json = json();
        if (isPrivate) {
            json.put("accounts", accounts);
        }
        return json;
    }
}
