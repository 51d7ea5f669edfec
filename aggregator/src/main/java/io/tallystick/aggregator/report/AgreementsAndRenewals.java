package io.tallystick.aggregator.report;

import io.tallystick.aggregator.account.Pseudonym;
import io.tallystick.aggregator.billing.LineFormat;
import java.io.ByteArrayOutputStream;
import java.math.BigDecimal;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * The CSV of what happened to a seller's agreements on a day, a row for each event in the order of time: {@code accepted}, {@code
 * bought} (a first term of a year), {@code renewed} (a further one), {@code amended}, {@code ended}. UTF-8, LF, a header row;
 * amounts before tax, of an agreement's value those of the term so far.
 */
final class AgreementsAndRenewals {
    static final List<String> COLUMNS = List.of(
            "Time",
            "Event",
            "Agreement ID",
            "Customer Reference ID",
            "Product Title",
            "Product ID",
            "Product Code",
            "Offer ID",
            "Offer Visibility",
            "Rate",
            "Accepted",
            "Ended",
            "Term Start",
            "Term End",
            "Instances",
            "Currency",
            "Amount",
            "Agreement Value");

    private static final String EMPTY = "";

    /** What an agreement with a price accepted. */
    record Accepted(String offerId, boolean isPrivate, int rate, String currency) {}

    /**
     * What was bought by the year.
     *
     * @param items what is covered from then on, such as {@code 2 m5.large}
     * @param amount of this event
     * @param value of all of the term so far
     */
    record Bought(Instant termStart, Instant termEnd, String items, BigDecimal amount, BigDecimal value) {}

    /** One event. */
    record Row(
            Instant at,
            String event,
            String agreement,
            String account,
            String productId,
            String productTitle,
            String productCode,
            Optional<Accepted> accepted,
            Instant acceptedAt,
            Optional<Instant> endedAt,
            Optional<Bought> bought) {}

    private AgreementsAndRenewals() {}

    static byte[] csv(List<Row> rows, Pseudonym buyers) {
        ByteArrayOutputStream out = new ByteArrayOutputStream(256 + rows.size() * 250);
        out.writeBytes(LineFormat.row(COLUMNS));
        rows.forEach(row -> out.writeBytes(LineFormat.row(cells(row, buyers))));
        return out.toByteArray();
    }

    private static List<String> cells(Row row, Pseudonym buyers) {
        return List.of(
                row.at().toString(),
                row.event(),
                row.agreement(),
                buyers.of(row.account()),
                row.productTitle(),
                row.productId(),
                row.productCode(),
                row.accepted().map(Accepted::offerId).orElse(EMPTY),
                row.accepted().map(a -> a.isPrivate() ? "Private" : "Public").orElse(EMPTY),
                row.accepted().map(a -> Integer.toString(a.rate())).orElse(EMPTY),
                row.acceptedAt().toString(),
                row.endedAt().map(Instant::toString).orElse(EMPTY),
                row.bought().map(b -> b.termStart().toString()).orElse(EMPTY),
                row.bought().map(b -> b.termEnd().toString()).orElse(EMPTY),
                row.bought().map(Bought::items).orElse(EMPTY),
                row.accepted().map(Accepted::currency).orElse(EMPTY),
                row.bought().map(b -> plain(b.amount())).orElse(EMPTY),
                row.bought().map(b -> plain(b.value())).orElse(EMPTY));
    }

    private static String plain(BigDecimal number) {
        return number.signum() == 0 ? "0" : number.stripTrailingZeros().toPlainString();
    }
}
