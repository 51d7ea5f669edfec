package io.tallystick.aggregator.report;

import io.tallystick.aggregator.account.Pseudonym;
import io.tallystick.aggregator.billing.LineFormat;
import java.io.ByteArrayOutputStream;
import java.math.BigDecimal;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/**
 * The CSV of a day's usage by customer, product, instance type, dimension and offer: the reference marketplace's columns
 * in its order. What is not known here, or is not the seller's to know, stays empty: where a customer lives, and its cloud
 * account. UTF-8, LF, a header row; amounts exact and before tax.
 */
final class UsageByInstanceType {
    static final List<String> COLUMNS = List.of(
            "Customer Reference ID",
            "User's State",
            "User's Country",
            "Product Title",
            "Product Code",
            "Instance Type",
            "Usage Units",
            "Usage Unit Type",
            "Offering Description",
            "Estimated Revenue",
            "Currency",
            "Offer ID",
            "Offer Visibility",
            "Customer AWS Account Number",
            "Customer Country",
            "Customer State",
            "Customer City",
            "Customer Zip Code",
            "Customer Email Domain",
            "Solution Title",
            "Solution ID",
            "Payer Reference ID",
            "Payer Address ID");

    private static final String EMPTY = "";
    private static final Comparator<Row> ORDER = Comparator.comparing(Row::productId)
            .thenComparing(Row::account)
            .thenComparing(Row::instanceType)
            .thenComparing(Row::dimension)
            .thenComparing(row -> row.charged().map(Charged::offerId).orElse(EMPTY));

    /** What a priced agreement makes of usage. */
    record Charged(String offerId, boolean isPrivate, String currency, BigDecimal amount) {}

    /** One sum; instance types that were never known are empty. */
    record Row(
            String account,
            String productId,
            String productTitle,
            String productCode,
            String instanceType,
            String dimension,
            String unit,
            BigDecimal quantity,
            long lines,
            Optional<Charged> charged) {}

    private UsageByInstanceType() {}

    static byte[] csv(List<Row> rows, Pseudonym buyers) {
        ByteArrayOutputStream out = new ByteArrayOutputStream(256 + rows.size() * 200);
        out.writeBytes(LineFormat.row(COLUMNS));
        rows.stream().sorted(ORDER).forEach(row -> out.writeBytes(LineFormat.row(cells(row, buyers))));
        return out.toByteArray();
    }

    private static List<String> cells(Row row, Pseudonym buyers) {
        String customer = buyers.of(row.account());
        return List.of(
                customer,
                EMPTY,
                EMPTY,
                row.productTitle(),
                row.productCode(),
                row.instanceType(),
                plain(row.quantity()),
                row.unit(),
                row.dimension(),
                plain(row.charged().map(Charged::amount).orElse(BigDecimal.ZERO)),
                row.charged().map(Charged::currency).orElse(EMPTY),
                row.charged().map(Charged::offerId).orElse(EMPTY),
                row.charged().map(c -> c.isPrivate() ? "Private" : "Public").orElse(EMPTY),
                EMPTY,
                EMPTY,
                EMPTY,
                EMPTY,
                EMPTY,
                EMPTY,
                EMPTY,
                EMPTY,
                customer,
                EMPTY);
    }

    private static String plain(BigDecimal number) {
        return number.signum() == 0 ? "0" : number.stripTrailingZeros().toPlainString();
    }
}
