package io.tallystick.aggregator.billing;

import io.tallystick.common.json.Json;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * How lines are written, byte for byte: what was pulled once must read the same for ever, so a change here is a new
 * format under a new media type, never an edit. Both forms end each line with LF.
 */
public final class LineFormat {
    /** Column order of the CSV form. */
    static final List<String> COLUMNS = List.of(
            "run",
            "line",
            "kind",
            "bookedAt",
            "hour",
            "productId",
            "productCode",
            "account",
            "agreement",
            "enrollment",
            "cloud",
            "cloudAccount",
            "instance",
            "dimension",
            "unit",
            "tags",
            "quantity");

    private LineFormat() {}

    public static byte[] ndjson(UsageLine l) {
        // Tags are stored as the canonical JSON text they were hashed as; they go in as they are.
        String json = Json.write(Json.object(
                "run", l.run(),
                "line", l.line(),
                "kind", l.kind(),
                "bookedAt", l.bookedAt(),
                "hour", l.hour(),
                "productId", l.productId(),
                "productCode", l.productCode(),
                "account", l.accountId(),
                "agreement", l.agreementId(),
                "enrollment", l.enrollment(),
                "cloud", l.cloud(),
                "cloudAccount", l.cloudAccount(),
                "instance", l.instance(),
                "dimension", l.dimension(),
                "unit", l.unit(),
                "quantity", l.quantity()));
        String withTags = json.substring(0, json.length() - 1) + ",\"tags\":" + l.tags() + "}\n";
        return withTags.getBytes(StandardCharsets.UTF_8);
    }

    public static byte[] csvHeader() {
        return (String.join(",", COLUMNS) + "\n").getBytes(StandardCharsets.UTF_8);
    }

    public static byte[] csv(UsageLine l) {
        return row(List.of(
                Long.toString(l.run()),
                Long.toString(l.line()),
                l.kind(),
                l.bookedAt().toString(),
                l.hour().toString(),
                l.productId(),
                l.productCode(),
                l.accountId(),
                l.agreementId(),
                l.enrollment().toString(),
                l.cloud(),
                l.cloudAccount(),
                l.instance(),
                l.dimension(),
                l.unit(),
                l.tags(),
                l.quantity().toString()));
    }

    /** A row of cells as {@link #cell} writes them, ending in LF. */
    public static byte[] row(List<String> cells) {
        StringBuilder out = new StringBuilder(320);
        row(out, cells);
        return out.toString().getBytes(StandardCharsets.UTF_8);
    }

    /** As {@link #row(List)}, at the end of a text. */
    public static void row(StringBuilder out, List<String> cells) {
        for (int i = 0; i < cells.size(); i++) {
            if (i > 0) {
                out.append(',');
            }
            cell(out, cells.get(i));
        }
        out.append('\n');
    }

    /**
     * RFC 4180 quoting; a cell that a spreadsheet would run as a formula gets a leading apostrophe (the NDJSON form is
     * exact, and is the one for machines).
     */
    private static void cell(StringBuilder out, String text) {
        String safe = !text.isEmpty() && "=+-@\t\r\n\0＝＋－＠".indexOf(text.charAt(0)) >= 0 ? "'" + text : text;
        boolean quote = false;
        for (int i = 0; i < safe.length(); i++) {
            char c = safe.charAt(i);
            if (c == ',' || c == '"' || c == '\n' || c == '\r') {
                quote = true;
                break;
            }
        }
        if (quote) {
            out.append('"').append(safe.replace("\"", "\"\"")).append('"');
        } else {
            out.append(safe);
        }
    }
}
