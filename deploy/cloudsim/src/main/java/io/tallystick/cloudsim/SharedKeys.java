package io.tallystick.cloudsim;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.stream.Stream;

/**
 * A folder of region keys for all simulated clouds of one JVM, for {@link SimulatedClouds#startWithKeys}; it goes with the JVM.
 * Where the environment has {@value #VARIABLE} it is that folder and stays: all processes of a build make each key once.
 */
public final class SharedKeys {
    static final String VARIABLE = "TALLYSTICK_CLOUD_KEYS";

    private static final Path FOLDER = make();

    private SharedKeys() {}

    public static Path folder() {
        return FOLDER;
    }

    /** The keys of the program that simulates the clouds of this folder: where the environment says, else the folder's own. */
    public static Path of(Path clouds) {
        String given = System.getenv(VARIABLE);
        return given == null ? SimulatedClouds.ownKeys(clouds) : Path.of(given);
    }

    private static Path make() {
        String given = System.getenv(VARIABLE);
        if (given != null) {
            return Path.of(given);
        }
        try {
            Path folder = Files.createTempDirectory("cloud-keys");
            Runtime.getRuntime().addShutdownHook(new Thread(() -> delete(folder)));
            return folder;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void delete(Path folder) {
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(file);
            }
        } catch (IOException e) {
            // The machine's temporary folder is cleaned by the machine.
        }
    }
}
