package io.tallystick.aggregator.agreement;

import io.tallystick.common.json.Json;
import java.math.BigDecimal;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Currency;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * What an agreement bought by the year, or how that was changed: from {@code effectiveAt} on its items hold, until the next
 * amendment's do or the term ends.
 *
 * @param number counts up from 1 within the agreement, over all its terms
 * @param purchase whether it began the term
 * @param accepted whose yearly prices it is at: those of the offer and rate that the agreement accepted
 * @param items what is covered from then on, by instance type
 * @param before what was covered until then; empty for a purchase
 * @param yearlyChange what the items cost a year more than those before, exactly
 * @param amount of a purchase {@code yearlyChange}; of an amendment its share of the rest of the term, rounded once, half up
 */
public record Amendment(
        String id,
        String agreementId,
        int number,
        boolean purchase,
        YearlyTerm term,
        Instant effectiveAt,
        Agreement.Accepted accepted,
        String currency,
        Map<String, Item> items,
        Map<String, Item> before,
        BigDecimal yearlyChange,
        BigDecimal amount,
        String madeBy,
        Instant madeAt) {

    /** Instances of one type, in all of an agreement. */
    public static final int COUNT_MAX = 100_000;
    /** Instance types in one agreement. */
    public static final int TYPES_MAX = 200;

    public static final int TOKEN_CHARS_MAX = 64;

    /** So many instances of a type, and what one of them costs for a year. */
    public record Item(int count, BigDecimal yearlyPrice) {
        BigDecimal cost() {
            return yearlyPrice.multiply(BigDecimal.valueOf(count));
        }
    }

    public Amendment {
        items = new TreeMap<>(items);
        before = new TreeMap<>(before);
    }

    /** Decimal places of a currency. */
    static int places(String currency) {
        return Currency.getInstance(currency).getDefaultFractionDigits();
    }

    /** What these items cost for a year. */
    static BigDecimal cost(Map<String, Item> items) {
        return items.values().stream().map(Item::cost).reduce(BigDecimal.ZERO, BigDecimal::add);
    }

    /** With at least the currency's decimal places, and no superfluous zeros beyond. */
    static String money(BigDecimal amount, String currency) {
        BigDecimal plain = amount.signum() == 0 ? BigDecimal.ZERO : amount.stripTrailingZeros();
        return plain.setScale(Math.max(plain.scale(), places(currency))).toPlainString();
    }

    String kind() {
        return purchase ? "purchase" : "amendment";
    }

    /** For the buyer and the operator. */
    public Map<String, Object> json() {
        Map<String, Object> json = quote();
        json.put("madeBy", madeBy);
        return json;
    }

    /** For the seller, who need not know which of the buyer's people it was. */
    public Map<String, Object> jsonForSeller() {
        return quote();
    }

    /** How the amount comes about: {@code yearlyChange × hoursLeft / hoursOfTerm}. */
    private Map<String, Object> quote() {
        TreeSet<String> types = new TreeSet<>(items.keySet());
        types.addAll(before.keySet());
        List<Map<String, Object>> changes = new ArrayList<>();
        for (String type : types) {
            int from = count(before, type);
            int to = count(items, type);
            if (from != to) {
                changes.add(Json.object(
                        "instanceType",
                        type,
                        "before",
                        from,
                        "after",
                        to,
                        "yearlyPrice",
                        price(type).toPlainString()));
            }
        }
        return Json.object(
                "id", id.isEmpty() ? null : id,
                "agreement", agreementId,
                "number", number,
                "kind", kind(),
                "termStart", term.start(),
                "termEnd", term.end(),
                "effectiveAt", effectiveAt,
                "offer", accepted.offerId(),
                "rate", accepted.rate(),
                "changes", changes,
                "items", itemsJson(),
                "yearlyChange", money(yearlyChange, currency),
                "hoursLeft", term.hoursFrom(effectiveAt),
                "hoursOfTerm", term.hours(),
                "currency", currency,
                "amount", money(amount, currency),
                "madeAt", madeAt);
    }

    List<Map<String, Object>> itemsJson() {
        List<Map<String, Object>> list = new ArrayList<>();
        items.forEach((type, item) -> list.add(
                Json.object("instanceType", type, "count", item.count(), "yearlyPrice", plain(item.yearlyPrice()))));
        return list;
    }

    /** What an agreement covers, for its page: the running term, or the one that is to come. */
    Map<String, Object> termJson() {
        return Json.object("termStart", term.start(), "termEnd", term.end(), "items", itemsJson(), "number", number);
    }

    private static int count(Map<String, Item> items, String type) {
        return Optional.ofNullable(items.get(type)).map(Item::count).orElse(0);
    }

    private BigDecimal price(String type) {
        Item item = items.getOrDefault(type, before.get(type));
        return item == null ? BigDecimal.ZERO : new BigDecimal(plain(item.yearlyPrice()));
    }

    private static String plain(BigDecimal number) {
        return number.signum() == 0 ? "0" : number.stripTrailingZeros().toPlainString();
    }
}
