package io.tallystick.aggregator.db;

import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.flywaydb.core.Flyway;
import org.flywaydb.core.api.FlywayException;
import org.flywaydb.core.api.MigrationInfo;
import org.flywaydb.core.api.MigrationState;
import org.flywaydb.core.api.MigrationVersion;
import org.flywaydb.core.api.output.ValidateResult;

/** The schema's steps ({@code db/migration/V…sql}). Blocks: use it from the main thread or a worker. */
public final class Migrations {
    static final String HISTORY = "schema_history";

    private final Flyway flyway;

    public Migrations(DatabaseUrl url) {
        this.flyway = Flyway.configure(Migrations.class.getClassLoader())
                .dataSource(url.jdbc(), url.user(), url.password().orElse(null))
                .locations("classpath:db/migration")
                .table(HISTORY)
                .loggers("slf4j")
                .cleanDisabled(true)
                .validateMigrationNaming(true)
                .load();
    }

    /** How the schema stands to this program; the versions are those this program knows, in order. */
    public record Status(List<String> known, List<String> missing, List<String> unknown, List<String> broken) {
        /** Fails unless the schema is exactly the one this program was built for. */
        public void requireCurrent() {
            if (!broken.isEmpty()) {
                throw Failure.of(ErrorCode.UNAVAILABLE, "the database schema is damaged: " + String.join("; ", broken));
            }
            if (!unknown.isEmpty()) {
                throw Failure.of(
                        ErrorCode.UNAVAILABLE,
                        "the database schema is ahead of this program (it has " + String.join(", ", unknown)
                                + "): start the newer program that migrated it");
            }
            if (!missing.isEmpty()) {
                throw Failure.of(
                        ErrorCode.UNAVAILABLE,
                        "the database schema is behind this program (it lacks " + String.join(", ", missing)
                                + "): run `tallystick-aggregator migrate`, or set database.migrate-on-start=true");
            }
        }
    }

    public Status status() {
        try {
            MigrationInfo[] all = flyway.info().all();
            ValidateResult valid = flyway.validateWithResult();
            List<String> broken = valid.validationSuccessful
                    ? List.of()
                    : valid.invalidMigrations.stream()
                            .filter(m -> !isPending(all, m.version))
                            .map(m -> "V" + m.version + ": " + m.errorDetails.errorMessage)
                            .toList();
            return new Status(
                    versions(all, s -> s == MigrationState.PENDING || s == MigrationState.SUCCESS),
                    versions(all, s -> s == MigrationState.PENDING || s == MigrationState.IGNORED),
                    versions(all, s -> s.name().startsWith("FUTURE") || s.name().startsWith("MISSING")),
                    broken);
        } catch (FlywayException e) {
            throw unreachable(e);
        }
    }

    /** Applies what is missing, under Flyway's lock, and answers how many steps that were. */
    public int migrate() {
        Status before = status();
        if (!before.unknown().isEmpty() || !before.broken().isEmpty()) {
            before.requireCurrent();
        }
        try {
            return flyway.migrate().migrationsExecuted;
        } catch (FlywayException e) {
            throw unreachable(e);
        }
    }

    private static boolean isPending(MigrationInfo[] all, String version) {
        return Arrays.stream(all)
                .filter(m -> m.getState() == MigrationState.PENDING)
                .map(MigrationInfo::getVersion)
                .filter(Objects::nonNull)
                .anyMatch(v -> v.getVersion().equals(version));
    }

    private static List<String> versions(MigrationInfo[] all, java.util.function.Predicate<MigrationState> in) {
        return Arrays.stream(all)
                .filter(m -> in.test(m.getState()))
                .map(MigrationInfo::getVersion)
                .filter(Objects::nonNull)
                .map(MigrationVersion::getVersion)
                .toList();
    }

    private static Failure unreachable(FlywayException e) {
        String first = String.valueOf(e.getMessage()).lines().findFirst().orElse("");
        return Failure.of(ErrorCode.UNAVAILABLE, "the database cannot be migrated: " + first);
    }
}
