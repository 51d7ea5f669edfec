package io.tallystick.aggregator.usage;

import io.tallystick.aggregator.audit.Audit;
import io.tallystick.aggregator.db.Database;
import io.tallystick.aggregator.db.DatabaseUrl;
import io.vertx.core.Vertx;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.concurrent.TimeUnit;

/** A process that archives and dies, without a last word, at the step it is told: {@code URL FOLDER NOW STEP}. */
final class ArchiveVictim {
    /** As a shell reports SIGKILL. */
    static final int KILLED = 137;

    private ArchiveVictim() {}

    public static void main(String[] args) throws Exception {
        Vertx vertx = Vertx.vertx();
        Clock clock = Clock.fixed(Instant.parse(args[2]), ZoneOffset.UTC);
        Archives.Step last = Archives.Step.valueOf(args[3]);
        new Archives(Database.open(vertx, DatabaseUrl.parse(args[0]), 2), vertx, new Audit(clock), clock, step -> {
                    if (step == last) {
                        Runtime.getRuntime().halt(KILLED);
                    }
                })
                .archive("victim", Path.of(args[1]), Duration.ofDays(35), done -> {})
                .await(60, TimeUnit.SECONDS);
        Runtime.getRuntime().halt(0);
    }
}
