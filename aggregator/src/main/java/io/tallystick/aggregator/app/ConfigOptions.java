package io.tallystick.aggregator.app;

import io.tallystick.common.config.ConfigFile;
import io.tallystick.common.config.ConfigReader;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The options by which every command finds its configuration. */
final class ConfigOptions {
    @Option(names = "--config", required = true, paramLabel = "FILE", description = "Configuration file (key = value).")
    @Nullable
    Path config;

    @Option(names = "--set", paramLabel = "KEY=VALUE", description = "Overrides a key of the file; repeatable.")
    List<String> set = new ArrayList<>();

    /** A configuration and what it came from. */
    record Loaded(Config config, List<String> effective) {}

    Loaded load() {
        if (config == null) {
            throw new IllegalStateException("picocli requires --config");
        }
        ConfigReader reader =
                ConfigFile.read(config).with(set, Path.of("").toAbsolutePath()).reader();
        Config read = Config.read(reader);
        reader.done();
        return new Loaded(read, reader.effective());
    }
}
