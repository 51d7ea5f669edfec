package io.tallystick.aggregator.portal;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * A statement as {@link io.tallystick.aggregator.billing.Statements} answers it to this visitor.
 *
 * @param party the buyer, or its pseudonym
 * @param lines empty in a list
 */
public record StatementView(String id, String month, String party, String amount, String currency, List<Line> lines) {
    /**
     * What one product's dimension or instance type comes to.
     *
     * @param covered the part of the quantity that was bought by the year; empty where none was
     */
    public record Line(
            String kind,
            String product,
            String sku,
            String unit,
            String quantity,
            String covered,
            String unitPrice,
            String amount) {}

    static StatementView of(Map<String, Object> json) {
        List<Line> lines = new ArrayList<>();
        if (json.get("items") instanceof List<?> items) {
            for (Object item : items) {
                if (item instanceof Map<?, ?> line) {
                    lines.add(line(line));
                }
            }
        }
        return new StatementView(
                text(json, "id"),
                text(json, "month"),
                text(json, json.containsKey("buyer") ? "buyer" : "account"),
                text(json, "amount"),
                text(json, "currency"),
                lines);
    }

    private static Line line(Map<?, ?> line) {
        return new Line(
                text(line, "kind"),
                text(line, "productTitle"),
                text(line, "sku"),
                text(line, "unit"),
                text(line, "quantity"),
                line.containsKey("coveredQuantity") ? text(line, "coveredQuantity") : "",
                text(line, "unitPrice"),
                text(line, "amount"));
    }

    private static String text(Map<?, ?> json, String member) {
        return String.valueOf(json.get(member));
    }
}
