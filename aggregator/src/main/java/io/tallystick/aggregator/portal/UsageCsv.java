package io.tallystick.aggregator.portal;

import io.tallystick.aggregator.usage.UsageReport;
import java.util.List;

/** The rows of the dashboard as CSV (RFC 4180, UTF-8, LF). A cell that a spreadsheet would run becomes text. */
final class UsageCsv {
    private static final String HEADER =
            "start,productId,productTitle,dimension,unit,customer,version,image,quantity,provisional\n";

    private UsageCsv() {}

    static String write(List<UsageReport.Row> rows) {
        StringBuilder out = new StringBuilder(HEADER);
        for (UsageReport.Row row : rows) {
            for (String cell : List.of(
                    row.start().toString(),
                    row.product(),
                    row.productTitle(),
                    row.dimension(),
                    row.unit(),
                    row.customer(),
                    row.versionTitle(),
                    row.image(),
                    row.quantity().toString())) {
                out.append(cell(cell)).append(',');
            }
            out.append(row.provisional()).append('\n');
        }
        return out.toString();
    }

    private static String cell(String text) {
        String safe = text.matches("(?s)[=+\\-@\t\r\n].*") ? "'" + text : text;
        return safe.matches("(?s).*[,\"\r\n].*") ? '"' + safe.replace("\"", "\"\"") + '"' : safe;
    }
}
