package io.tallystick.aggregator.portal;

import io.tallystick.aggregator.billing.LineFormat;
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
            LineFormat.row(
                    out,
                    List.of(
                            row.start().toString(),
                            row.product(),
                            row.productTitle(),
                            row.dimension(),
                            row.unit(),
                            row.customer(),
                            row.versionTitle(),
                            row.image(),
                            row.quantity().toString(),
                            String.valueOf(row.provisional())));
        }
        return out.toString();
    }
}
