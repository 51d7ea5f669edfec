package io.tallystick.aggregator.app;

import io.tallystick.aggregator.db.Migrations;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** Brings the schema to this program's version; running servers of the version before go on working on it. */
@Command(name = "migrate", mixinStandardHelpOptions = true, description = "Brings the database schema up to date.")
final class MigrateCommand implements Callable<Integer> {
    @Mixin
    ConfigOptions options = new ConfigOptions();

    @Spec
    @Nullable
    CommandSpec spec;

    @Override
    public Integer call() {
        Main.logOnlyWarnings();
        Config config = options.load().config();
        int steps = new Migrations(config.database().url()).migrate();
        if (spec != null) {
            spec.commandLine().getOut().println("applied " + steps + " migrations");
        }
        return 0;
    }
}
