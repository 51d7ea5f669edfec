package io.tallystick.aggregator.db;

import io.tallystick.common.model.Quantity;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.data.Numeric;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.time.temporal.ChronoUnit;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Between the ledger's values and the driver's: quantities are {@code NUMERIC(38,9)}, times {@code timestamptz}. */
public final class Columns {
    private Columns() {}

    public static Numeric numeric(Quantity quantity) {
        return Numeric.create(quantity.value());
    }

    public static @Nullable Numeric numericOrNull(Optional<Quantity> quantity) {
        return quantity.map(Columns::numeric).orElse(null);
    }

    /** A column that is never null; a negative value in it is a defect and throws. */
    public static Quantity quantity(Row row, String column) {
        return new Quantity(row.get(Numeric.class, column).bigDecimalValue());
    }

    public static Optional<Quantity> optionalQuantity(Row row, String column) {
        return Optional.ofNullable(row.get(Numeric.class, column)).map(n -> new Quantity(n.bigDecimalValue()));
    }

    /** PostgreSQL keeps microseconds; cutting here makes what is stored equal to what is answered. */
    public static Instant micros(Instant instant) {
        return instant.truncatedTo(ChronoUnit.MICROS);
    }

    public static OffsetDateTime time(Instant instant) {
        return micros(instant).atOffset(ZoneOffset.UTC);
    }

    public static @Nullable OffsetDateTime timeOrNull(Optional<Instant> instant) {
        return instant.map(Columns::time).orElse(null);
    }

    /** A column that is never null. */
    public static Instant instant(Row row, String column) {
        return row.getOffsetDateTime(column).toInstant();
    }

    public static Optional<Instant> optionalInstant(Row row, String column) {
        return Optional.ofNullable(row.getOffsetDateTime(column)).map(OffsetDateTime::toInstant);
    }
}
